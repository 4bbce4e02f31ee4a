//! LINKTYPE_IEEE802_11_RADIOTAP (127): Wi-Fi frames behind what the radio said of them (radiotap.org).

use super::{LinkLayer, Next, NotTcp, Rest, wlan};

pub(super) const LAYER: LinkLayer = LinkLayer { numbers: &[127], name: "ieee802-11-radiotap", decode };

/// Bits of the presence word.
const TIME: u32 = 1;
const FLAGS: u32 = 1 << 1;
const ANOTHER_WORD: u32 = 1 << 31;
/// Bits of the flags.
const PADDED: u8 = 0x20;
const WRONG_CHECKSUM: u8 = 0x40;

fn decode(frame: Rest<'_>) -> Result<Next<'_>, NotTcp> {
    let (h, _) = frame.header::<8>()?;
    let length = usize::from(u16::from_le_bytes([h[2], h[3]]));
    if h[0] != 0 || length < 8 {
        return Err(NotTcp::Malformed);
    }
    let body = frame.skip(length)?;
    let flags = flags(frame.bytes().get(..length).unwrap_or_default());
    if flags & WRONG_CHECKSUM != 0 {
        return Err(NotTcp::Malformed);
    }
    wlan::header(body, flags & PADDED != 0)
}

/// The flags field, zero where there is none.
fn flags(header: &[u8]) -> u8 {
    let word = |at: usize| header.get(at..at + 4).map_or(0, |b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    let present = word(4);
    if present & FLAGS == 0 {
        return 0;
    }
    let mut at = 4;
    while word(at) & ANOTHER_WORD != 0 {
        at += 4;
    }
    at += 4;
    if present & TIME != 0 {
        at = at.next_multiple_of(8) + 8;
    }
    header.get(at).copied().unwrap_or(0)
}
