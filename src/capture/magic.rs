//! What a file is, by its first bytes.

use super::error::CaptureError;
use super::pcapng;

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
pub(super) fn recognise(magic: &[u8]) -> Result<Format, CaptureError> {
    let other = |what, instead| Err(CaptureError::OtherFormat { what, instead });
    let first = |n: usize| magic.get(..n).unwrap_or(magic);
    match first(4) {
        [0xa1, 0xb2, 0xc3, 0xd4] | [0xd4, 0xc3, 0xb2, 0xa1] | [0xa1, 0xb2, 0x3c, 0x4d] | [0x4d, 0x3c, 0xb2, 0xa1] => {
            Ok(Format::Pcap)
        }
        [0x34, 0xcd, 0xb2, 0xa1] | [0xa1, 0xb2, 0xcd, 0x34] => Ok(Format::Pcap),
        m if m == pcapng::SECTION => Ok(Format::Pcapng),
        [] => Err(CaptureError::Empty),
        b"snoo" => other("a snoop capture", "convert it first: editcap -F pcap IN OUT.pcap"),
        [0x47, 0x4d, 0x42, 0x55] => other("a Network Monitor capture", "convert it first: editcap -F pcap IN OUT.pcap"),
        m if m.len() < 4 => Err(CaptureError::NotACapture(describe(m))),
        _ => Err(CaptureError::NotACapture(describe(first(8)))),
    }
}

fn describe(bytes: &[u8]) -> String {
    if bytes.iter().all(|b| (0x20..0x7f).contains(b)) {
        format!("the text {:?}", String::from_utf8_lossy(bytes))
    } else {
        let hex: Vec<String> = bytes.iter().map(|b| format!("{b:02x}")).collect();
        format!("the bytes {}", hex.join(" "))
    }
}
