//! The compressed side of a decompressor: buffered, and counted for its messages.

use std::io::{self, Read};

/// Compressed bytes asked for at once.
const BUFFER: usize = 32 * 1024;

/// Bytes of a source, some of them in hand.
pub(super) struct Input {
    source: Box<dyn Read>,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    taken: u64,
    ended: bool,
    /// Decompressors wrap the errors of their input; this is what it said itself.
    failure: Option<io::Error>,
}

impl Input {
    pub(super) fn new(source: impl Read + 'static) -> Input {
        Input {
            source: Box::new(source),
            buffer: vec![0; BUFFER].into(),
            start: 0,
            end: 0,
            taken: 0,
            ended: false,
            failure: None,
        }
    }

    /// At least `count` bytes (few), unless the source ends before; nothing is read while they are in hand.
    pub(super) fn peek(&mut self, count: usize) -> io::Result<&[u8]> {
        if self.end - self.start < count && !self.ended {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
            while self.end < count && !self.ended {
                match self.source.read(&mut self.buffer[self.end..]) {
                    Ok(0) => self.ended = true,
                    Ok(n) => self.end += n,
                    Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                    Err(e) => {
                        let kind = e.kind();
                        self.failure = Some(e);
                        return Err(kind.into());
                    }
                }
            }
        }
        Ok(&self.buffer[self.start..self.end])
    }

    pub(super) fn consume(&mut self, count: usize) {
        let count = count.min(self.end - self.start);
        self.start += count;
        self.taken += count as u64;
    }

    /// Passes over `count` bytes; false when the source ends before.
    pub(super) fn skip(&mut self, mut count: u64) -> bool {
        while count > 0 {
            let here = self.peek(1).map_or(0, |here| here.len() as u64);
            if here == 0 {
                return false;
            }
            let step = here.min(count);
            self.consume(step as usize);
            count -= step;
        }
        true
    }

    /// Bytes consumed so far.
    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    /// Why the source gave no more bytes, when that was not its end.
    pub(super) fn failure(&mut self) -> Option<io::Error> {
        self.failure.take()
    }

    /// Whether more was asked for than there was.
    pub(super) fn has_ended(&self) -> bool {
        self.ended && self.start == self.end
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let here = self.peek(1)?;
        let count = here.len().min(buffer.len());
        buffer[..count].copy_from_slice(&here[..count]);
        self.consume(count);
        Ok(count)
    }
}
