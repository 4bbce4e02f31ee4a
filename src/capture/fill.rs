//! A reader that fills, so that pcap-parser never meets a short read.

use std::io::{self, Read};
use std::sync::{Arc, Mutex};

/// Keeps the real I/O error, which pcap-parser replaces by a bare `ReadError`.
pub(super) type LastError = Arc<Mutex<Option<io::Error>>>;

/// Fills the whole buffer it is given unless the input ends: pipes and decompressors return short reads, which the parser
/// takes for the end of a header.
pub(super) struct FillReader<R> {
    inner: R,
    error: LastError,
}

impl<R: Read> FillReader<R> {
    pub(super) fn new(inner: R, error: LastError) -> Self {
        FillReader { inner, error }
    }
}

impl<R: Read> Read for FillReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.inner.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => {
                    // What was read before the error still counts; it shows again on the next call if it lasts.
                    if let Ok(mut slot) = self.error.lock() {
                        *slot = Some(io::Error::new(e.kind(), e.to_string()));
                    }
                    if filled > 0 {
                        break;
                    }
                    return Err(e);
                }
            }
        }
        Ok(filled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Drip(Vec<u8>);
    impl Read for Drip {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let n = self.0.len().min(3).min(buffer.len());
            buffer[..n].copy_from_slice(&self.0[..n]);
            self.0.drain(..n);
            Ok(n)
        }
    }

    #[test]
    fn short_reads_are_joined() {
        let mut reader = FillReader::new(Drip((0..10).collect()), LastError::default());
        let mut buffer = [0; 8];
        assert_eq!(reader.read(&mut buffer).expect("no error"), 8);
        assert_eq!(reader.read(&mut buffer).expect("no error"), 2);
        assert_eq!(reader.read(&mut buffer).expect("no error"), 0);
        assert_eq!(reader.read(&mut []).expect("no error"), 0);
    }
}
