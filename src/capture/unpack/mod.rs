//! Compressed captures, recognised by content: gzip, zstd and lz4, one inside another if need be.
//!
//! Members and frames that follow each other are one stream. What was unpacked before a fault counts, and the fault is
//! told with its place.

mod gzip;
mod input;
mod lz4;
mod zstd;

use std::io::{self, Read};

use super::error::CaptureError;
use super::magic::HEAD;
use crate::limits;
use input::Input;

/// Why compressed data ends before its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("has {format} data that {how} at byte {at}")]
pub struct Fault {
    /// `gzip`, `zstd` or `lz4`.
    pub(super) format: &'static str,
    pub(super) how: How,
    /// Compressed bytes read until then.
    pub(super) at: u64,
}

/// What is wrong with compressed data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// It ends in the middle.
    Cut,
    /// It contradicts itself.
    Corrupt,
    /// Behind it lies something that is not of its kind.
    Followed,
    /// It needs a dictionary that the file does not hold.
    Dictionary,
    /// It needs more memory than [`limits::ZSTD_WINDOW`].
    Window(u64),
}

impl std::fmt::Display for How {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            How::Cut => f.write_str("ends in the middle"),
            How::Corrupt => f.write_str("is corrupt"),
            How::Followed => f.write_str("is followed by something else"),
            How::Dictionary => f.write_str("needs a dictionary"),
            How::Window(bytes) => write!(
                f,
                "needs a window of {bytes} bytes (unpack it yourself: zstd -d --long=31) and wsdiag keeps {}",
                limits::ZSTD_WINDOW
            ),
        }
    }
}

impl Fault {
    fn error(format: &'static str, how: How, at: u64) -> io::Error {
        io::Error::other(Fault { format, how, at })
    }

    /// The fault inside an error of a reader of this module.
    pub(super) fn of(error: &io::Error) -> Option<&Fault> {
        error.get_ref()?.downcast_ref()
    }
}

/// A compression that wsdiag undoes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    Gzip,
    Zstd,
    Lz4,
}

impl Compression {
    /// By the first bytes of a file.
    pub(super) fn of(head: &[u8]) -> Option<Compression> {
        match head {
            [0x1f, 0x8b, ..] => Some(Compression::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Compression::Zstd),
            // The frame format, and the one that `lz4 -l` writes.
            [0x04, 0x22, 0x4d, 0x18, ..] | [0x02, 0x21, 0x4c, 0x18, ..] => Some(Compression::Lz4),
            // A frame to skip, which both have: what follows it decides, and zstd writes more of them.
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, length @ ..] => {
                let length = u32::from_le_bytes(*length.first_chunk()?) as usize;
                match head.get(8usize.checked_add(length)?..) {
                    Some(after @ [_, _, _, _, ..]) => Compression::of(after),
                    _ => Some(Compression::Zstd),
                }
            }
            _ => None,
        }
    }

    /// `gzip`, `zstd` or `lz4`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
            Compression::Lz4 => "lz4",
        }
    }
}

/// The bytes of a capture, unpacked as often as that takes, at most [`limits::COMPRESSION_LAYERS`] times.
pub(super) struct Unpacked {
    /// The first bytes, at most [`HEAD`].
    pub(super) head: Vec<u8>,
    /// The bytes behind them.
    pub(super) rest: Box<dyn Read>,
    /// What they were packed with, the outermost first.
    pub(super) layers: Vec<&'static str>,
}

/// Takes the compression off `source`.
///
/// # Errors
/// When it cannot be read, when nothing at all could be unpacked, or when it is packed too often.
pub(super) fn unpack(source: Box<dyn Read>) -> Result<Unpacked, CaptureError> {
    let (mut rest, mut layers) = (source, Vec::new());
    loop {
        let mut head = Vec::with_capacity(HEAD);
        let failure = (&mut rest).take(HEAD as u64).read_to_end(&mut head).err();
        if let Some(error) = failure {
            if head.is_empty() {
                return Err(CaptureError::of_read(error, 0, 0));
            }
            // A short capture, damaged near its beginning: the reader meets the error again where it belongs.
            rest = Box::new(Failing(Some(error)));
        }
        let Some(compression) = Compression::of(&head) else { return Ok(Unpacked { head, rest, layers }) };
        if layers.len() == limits::COMPRESSION_LAYERS {
            return Err(CaptureError::PackedTooOften(layers.len()));
        }
        layers.push(compression.name());
        let input = Input::new(io::Cursor::new(head).chain(rest));
        rest = match compression {
            Compression::Gzip => Box::new(gzip::Gzip::new(input)),
            Compression::Zstd => Box::new(zstd::Zstd::new(input)),
            Compression::Lz4 => Box::new(lz4::Lz4::new(input)),
        };
    }
}

/// A source that has failed already.
struct Failing(Option<io::Error>);

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// Whether what follows the last member or frame is more than the zeros that tapes and some tools pad with.
fn is_rubbish(rest: &[u8]) -> bool {
    rest.iter().any(|b| *b != 0)
}

#[cfg(test)]
mod tests;
