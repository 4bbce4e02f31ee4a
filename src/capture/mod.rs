//! Captures as a stream of packets: pcap and pcapng, from files and pipes, compressed or not, several as one timeline. Read in
//! one pass with constant memory.

mod error;
mod inputs;
mod interface;
mod loss;
mod magic;
mod pcap;
mod pcapng;
mod reader;
mod source;
mod timeline;
mod unpack;
mod window;

#[cfg(test)]
mod tests;

use crate::ids::{Origin, Timestamp};

pub use error::{CaptureError, InputError};
pub use inputs::STANDARD_INPUT;
pub use loss::{Losses, Skipped};
pub use magic::{Foreign, Format};
pub use reader::CaptureReader;
pub use source::Stop;
pub use timeline::{FileFacts, Timeline};

/// One captured packet, borrowed from the reader's buffer.
#[derive(Debug, Clone, Copy)]
pub struct Packet<'a> {
    /// Its number and time.
    pub origin: Origin,
    /// LINKTYPE number of its outermost header.
    pub link_type: u16,
    /// Its length on the wire, which exceeds `data.len()` when the snap length cut it.
    pub wire_length: u32,
    /// The bytes captured.
    pub data: &'a [u8],
}

/// A packet, by where it lies in the record at the beginning of the window.
#[derive(Clone, Copy)]
struct Current {
    time: Timestamp,
    link_type: u16,
    wire_length: u32,
    start: usize,
    length: usize,
}

/// What a container holds next.
enum Next {
    /// A packet, in a record of so many bytes.
    Packet(usize, Current),
    /// A record of so many bytes whose packet nobody can read, but which counts.
    Unreadable(usize),
    /// The end of the file.
    End,
    /// The end of the file, inside a record.
    Cut,
}
