//! Flows numbered as Wireshark numbers `tcp.stream`: in each file by itself, in order of their first packets there.

use hashbrown::HashMap;

use super::FlowId;

/// How many flows each file has shown, and which of them lie in more than one.
#[derive(Debug, Default)]
pub(super) struct Streams {
    /// Flows seen in each file.
    counts: Vec<u32>,
    /// For flows that have left the file of their first segment: each file and the number in it, the first file first.
    several: HashMap<FlowId, Vec<(u16, u32)>>,
}

impl Streams {
    /// The number of a flow that is new in `file`.
    pub(super) fn next(&mut self, file: u16) -> u32 {
        let file = usize::from(file);
        if self.counts.len() <= file {
            self.counts.resize(file + 1, 0);
        }
        let number = self.counts[file];
        self.counts[file] += 1;
        number
    }

    /// A flow whose last segment was in the file `last` goes on in `file`: its number there, when it is new there.
    #[cold]
    pub(super) fn moved(&mut self, flow: FlowId, last: &mut u16, file: u16) -> Option<u32> {
        let left = std::mem::replace(last, file);
        let known = self.several.get(&flow);
        if left == file || known.is_some_and(|files| files.iter().any(|f| f.0 == file)) {
            return None;
        }
        let number = self.next(file);
        // Where it came from first is told by its own record; the number there is of no use here.
        self.several.entry(flow).or_insert_with(|| vec![(left, u32::MAX)]).push((file, number));
        Some(number)
    }

    /// The files that a flow went on in, and its number in each.
    pub(super) fn elsewhere(&self, flow: FlowId) -> Option<&[(u16, u32)]> {
        self.several.get(&flow).map(|files| &files[1..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_counts_by_itself() {
        let mut streams = Streams::default();
        assert_eq!([streams.next(0), streams.next(0), streams.next(2)], [0, 1, 0]);
        let (flow, mut last) = (FlowId(1), 0);
        assert_eq!(streams.moved(flow, &mut last, 2), Some(1));
        assert_eq!(streams.moved(flow, &mut last, 0), None, "it began there");
        assert_eq!(streams.moved(flow, &mut last, 2), None, "it was there before");
        assert_eq!(streams.moved(flow, &mut last, 1), Some(0));
        assert_eq!(streams.elsewhere(flow), Some(&[(2, 1), (1, 0)][..]));
        assert_eq!(streams.elsewhere(FlowId(0)), None);
    }
}
