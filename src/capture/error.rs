//! Why a capture could not be read, in the words that the user sees.

use std::io;
use std::path::{Path, PathBuf};

use super::loss::Losses;
use super::magic::Foreign;
use super::unpack::Fault;

/// Why a capture could not be read, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The file could not be opened or read.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A folder without captures.
    #[error("is a folder that holds no capture ({} in it and below)", files_in(*.files))]
    NoCaptures {
        /// Files that were looked at.
        files: usize,
    },
    /// A folder with files that look like captures and cannot be read.
    #[error("holds {} that wsdiag cannot read: {}{}", files_in(*.unreadable), .named.join("; "), more(*.unreadable - .named.len()))]
    Unreadable {
        /// Captures in it that were read.
        captures: usize,
        /// Files that were not.
        unreadable: usize,
        /// The first of them, each with the reason.
        named: Vec<String>,
    },
    /// The same file was named before.
    #[error("is named twice and was read once")]
    Twice,
    /// More files than [`crate::limits::FILES`].
    #[error("and {} behind it are too many for one run: read them by parts", files_in(*.0 - 1))]
    TooManyFiles(usize),
    /// A pipe was left because the user asked for it.
    #[error("was left after packet {packets}, as asked: this is the report of what came until then")]
    Stopped {
        /// Packets read.
        packets: u64,
    },
    /// The file holds no byte.
    #[error("is empty (0 bytes)")]
    Empty,
    /// The first bytes are those of no capture format.
    #[error("is not a pcap or pcapng file: {0}")]
    NotACapture(String),
    /// The first bytes are those of a format that wsdiag does not read.
    #[error("is {}, which wsdiag does not read", .0.what)]
    Foreign(Foreign),
    /// The file ends inside a record.
    #[error("ends at byte {length} in the middle of a record that begins at byte {position} (after packet {packets})")]
    Truncated {
        /// Where the record begins.
        position: u64,
        /// Where the file ends.
        length: u64,
        /// Packets before it.
        packets: u64,
    },
    /// Reading failed in the middle.
    #[error("cannot be read from byte {position} on (after packet {packets}): {error}")]
    Broken {
        /// What the system says.
        error: io::Error,
        /// Bytes read before.
        position: u64,
        /// Packets in those.
        packets: u64,
    },
    /// The compressed data is cut or corrupt.
    #[error("{fault}; {position} bytes and {packets} packets were unpacked before that")]
    Packed {
        /// What is wrong.
        fault: Fault,
        /// Unpacked bytes before it.
        position: u64,
        /// Packets in those.
        packets: u64,
    },
    /// Compressed more than [`crate::limits::COMPRESSION_LAYERS`] times.
    #[error("is compressed {0} times over and then once more: unpack it first")]
    PackedTooOften(usize),
    /// The file was read to its end, but not all of it could be.
    #[error("{0}")]
    Damaged(Losses),
    /// No packet could be read.
    #[error("holds no packet that can be read: it is corrupt from byte {position} on")]
    Corrupt {
        /// Where the first record should begin.
        position: u64,
    },
}

impl CaptureError {
    /// The sentence about the file with this name, without the name in front.
    pub(super) fn of_file(&self, path: &Path) -> String {
        match self {
            CaptureError::Foreign(foreign) => format!("{self}: {}", foreign.command(path)),
            CaptureError::Io(error) => plain_io_error(error),
            error => error.to_string(),
        }
    }

    /// What a failure to read means, after so many bytes and packets.
    pub(super) fn of_read(error: io::Error, position: u64, packets: u64) -> CaptureError {
        match Fault::of(&error) {
            Some(fault) => CaptureError::Packed { fault: fault.clone(), position, packets },
            None if packets > 0 => CaptureError::Broken { error, position, packets },
            None => CaptureError::Io(error),
        }
    }

    /// Whether packets were read in spite of the fault, so that it only limits what can be seen.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        match self {
            CaptureError::Truncated { packets, .. }
            | CaptureError::Packed { packets, .. }
            | CaptureError::Broken { packets, .. } => *packets > 0,
            CaptureError::Damaged(_) | CaptureError::Twice | CaptureError::Stopped { .. } => true,
            CaptureError::Unreadable { captures, .. } => *captures > 0,
            _ => false,
        }
    }
}

fn files_in(count: usize) -> String {
    if count == 1 { "1 file".to_string() } else { format!("{count} files") }
}

fn more(count: usize) -> String {
    if count == 0 { String::new() } else { format!("; and {count} more") }
}

/// A capture that could not be read, or not to its end.
#[derive(Debug)]
pub struct InputError {
    /// The file as given.
    pub path: PathBuf,
    /// What is wrong with it.
    pub error: CaptureError,
}

impl std::fmt::Display for InputError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.error.of_file(&self.path))
    }
}

/// The operating system's sentence without Rust's "(os error 2)".
fn plain_io_error(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_string(),
        io::ErrorKind::PermissionDenied => "permission to read it is denied".to_string(),
        _ => error.to_string(),
    }
}
