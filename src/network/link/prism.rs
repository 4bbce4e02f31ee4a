//! LINKTYPE_IEEE802_11_PRISM (119) and LINKTYPE_IEEE802_11_AVS (163): Wi-Fi frames behind older headers of the radio.

use super::{LinkLayer, Next, NotTcp, Rest, wlan};

pub(super) const LAYER: LinkLayer = LinkLayer { numbers: &[119, 163], name: "ieee802-11-prism", decode };

/// The first word of an AVS header, but for its version.
const AVS: u32 = 0x8021_1000;
/// The longest header of either kind, to tell the byte order.
const LONGEST: u32 = 1024;

fn decode(frame: Rest<'_>) -> Result<Next<'_>, NotTcp> {
    let (h, _) = frame.header::<8>()?;
    let first = u32::from_be_bytes([h[0], h[1], h[2], h[3]]);
    let second = [h[4], h[5], h[6], h[7]];
    // Prism's is in the byte order of the machine that captured.
    let little = u32::from_le_bytes(second);
    let length = if first & !0xfff == AVS || little > LONGEST { u32::from_be_bytes(second) } else { little };
    if length < 8 {
        return Err(NotTcp::Malformed);
    }
    wlan::header(frame.skip(length as usize)?, false)
}
