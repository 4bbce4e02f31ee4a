//! The bytes of an input as far as they have come.

use std::io::{self, Read};

use crate::limits;

/// A buffer over any source of bytes. It never waits for more than it was asked for, so that a packet of a live capture is
/// seen when it arrives, and a source that gives its bytes in crumbs looks like one that gives them at once.
pub(super) struct Window {
    source: Box<dyn Read>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Offset of `start` in the input.
    position: u64,
    ended: bool,
    failure: Option<io::Error>,
}

impl Window {
    /// `head` is what was read of `source` already.
    pub(super) fn new(head: &[u8], source: Box<dyn Read>) -> Window {
        let mut buffer = vec![0; limits::READ_BUFFER.max(head.len())];
        buffer[..head.len()].copy_from_slice(head);
        Window { source, buffer, start: 0, end: head.len(), position: 0, ended: false, failure: None }
    }

    /// Whether `count` bytes are there, after reading as many as that takes. The caller bounds `count`.
    #[inline]
    pub(super) fn have(&mut self, count: usize) -> bool {
        self.end - self.start >= count || self.fill(count)
    }

    #[cold]
    fn fill(&mut self, count: usize) -> bool {
        if self.ended {
            return false;
        }
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.buffer.len() < count {
            self.buffer.resize(count, 0);
        }
        while self.end < count && !self.ended {
            match self.source.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.ended = true,
                Ok(n) => self.end += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                // What was read before the failure still counts.
                Err(e) => (self.ended, self.failure) = (true, Some(e)),
            }
        }
        self.end >= count
    }

    /// The bytes at hand.
    #[inline]
    pub(super) fn data(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Passes over bytes that are at hand.
    #[inline]
    pub(super) fn consume(&mut self, count: usize) {
        let count = count.min(self.end - self.start);
        self.start += count;
        self.position += count as u64;
    }

    /// Where the bytes at hand begin in the input.
    #[inline]
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Why no more bytes come, when that is not the end of the input.
    pub(super) fn failure(&mut self) -> Option<io::Error> {
        self.failure.take()
    }
}

/// Numbers of a file in its byte order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    /// The 32-bit number at `at`; 0 where the bytes end before it.
    #[inline]
    pub(super) fn word(self, bytes: &[u8], at: usize) -> u32 {
        let Some(Ok(word)) = bytes.get(at..at + 4).map(<[u8; 4]>::try_from) else { return 0 };
        match self {
            ByteOrder::Little => u32::from_le_bytes(word),
            ByteOrder::Big => u32::from_be_bytes(word),
        }
    }

    /// The 16-bit number at `at`; 0 where the bytes end before it.
    #[inline]
    pub(super) fn half(self, bytes: &[u8], at: usize) -> u16 {
        let Some(Ok(half)) = bytes.get(at..at + 2).map(<[u8; 2]>::try_from) else { return 0 };
        match self {
            ByteOrder::Little => u16::from_le_bytes(half),
            ByteOrder::Big => u16::from_be_bytes(half),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives three bytes at a time, then fails.
    struct Crumbs(Vec<u8>);
    impl Read for Crumbs {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let n = self.0.len().min(3).min(buffer.len());
            if n == 0 {
                return Err(io::Error::other("gone"));
            }
            buffer[..n].copy_from_slice(&self.0[..n]);
            self.0.drain(..n);
            Ok(n)
        }
    }

    #[test]
    fn crumbs_are_joined_and_no_more_is_read_than_needed() {
        let mut window = Window::new(&[0, 1], Box::new(Crumbs((2..10).collect())));
        assert!(window.have(2));
        assert_eq!(window.data(), [0, 1]);
        assert!(window.have(4));
        assert_eq!(window.data(), [0, 1, 2, 3, 4], "one crumb, and not the next");
        window.consume(3);
        assert!(window.have(7));
        assert_eq!((window.position(), window.data()), (3, &[3, 4, 5, 6, 7, 8, 9][..]));
        assert!(!window.have(8));
        assert_eq!(window.data().len(), 7, "what came before the failure stays");
        assert_eq!(window.failure().expect("it failed").to_string(), "gone");
    }
}
