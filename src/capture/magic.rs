//! What a file is, by its first bytes.

mod foreign;
mod text;

use super::error::CaptureError;
use super::pcapng;

pub use foreign::Foreign;

/// Bytes of a file that are looked at to tell what it is.
pub(super) const HEAD: usize = 512;

/// Which container a capture came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// libpcap's own.
    Pcap,
    /// pcapng (draft-ietf-opsawg-pcapng).
    Pcapng,
}

impl Format {
    /// `pcap` or `pcapng`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Format::Pcap => "pcap",
            Format::Pcapng => "pcapng",
        }
    }
}

/// The container, by the first bytes of a file.
pub(super) fn recognise(head: &[u8]) -> Result<Format, CaptureError> {
    match head {
        [0xa1, 0xb2, 0xc3, 0xd4, ..]
        | [0xd4, 0xc3, 0xb2, 0xa1, ..]
        | [0xa1, 0xb2, 0x3c, 0x4d, ..]
        | [0x4d, 0x3c, 0xb2, 0xa1, ..]
        | [0xa1, 0xb2, 0xcd, 0x34, ..]
        | [0x34, 0xcd, 0xb2, 0xa1, ..] => Ok(Format::Pcap),
        head if head.starts_with(&pcapng::SECTION) => Ok(Format::Pcapng),
        [] => Err(CaptureError::Empty),
        head => Err(match foreign::of(head) {
            Some(foreign) => CaptureError::Foreign(foreign),
            None => CaptureError::NotACapture(describe(head)),
        }),
    }
}

/// What a file that is no capture begins with.
fn describe(head: &[u8]) -> String {
    if let Some(kind) = text::kind(head) {
        return kind.to_string();
    }
    let hex: Vec<String> = head.iter().take(8).map(|b| format!("{b:02x}")).collect();
    format!("it begins with the bytes {}", hex.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_files_are_no_captures() {
        for head in [&b"\xd4"[..], b"\xd4\xc3", b"\x0a\x0d\x0d", b"\x00"] {
            assert!(matches!(recognise(head), Err(CaptureError::NotACapture(_))), "{head:?}");
        }
        assert!(matches!(recognise(b""), Err(CaptureError::Empty)));
    }
}
