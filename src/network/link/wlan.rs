//! LINKTYPE_IEEE802_11 (105): Wi-Fi frames as they were in the air.

use super::{LinkLayer, Next, NotTcp, Rest};
use crate::network::rest::be16;

pub(super) const LAYER: LinkLayer =
    LinkLayer { numbers: &[105], name: "ieee802-11", decode: |frame| header(frame, false) };

/// Bits of the first byte: type and subtype.
const TYPE: u8 = 0x0c;
const DATA: u8 = 0x08;
const NO_DATA: u8 = 0x40;
const QOS: u8 = 0x80;
/// Bits of the second byte.
const BOTH_DS: u8 = 0x03;
const MORE_FRAGMENTS: u8 = 0x04;
const PROTECTED: u8 = 0x40;
const HT_CONTROL: u8 = 0x80;
/// Of the QoS field: several frames are packed into one.
const AGGREGATE: u8 = 0x80;

/// Skips the header of a data frame, to whose length some drivers add up to a multiple of four.
pub(super) fn header(frame: Rest<'_>, padded: bool) -> Result<Next<'_>, NotTcp> {
    let (control, _) = frame.header::<2>()?;
    if control[0] & 0x03 != 0 {
        return Err(NotTcp::Malformed); // of a version that does not exist
    }
    if control[0] & TYPE != DATA || control[0] & NO_DATA != 0 {
        return Err(NotTcp::Other);
    }
    let (fixed, _) = frame.header::<24>()?;
    if control[1] & PROTECTED != 0 {
        return Err(NotTcp::Encrypted("Wi-Fi (802.11)"));
    }
    let fragment = fixed[22] & 0x0f;
    if control[1] & MORE_FRAGMENTS != 0 || fragment != 0 {
        return Err(NotTcp::Undecoded("fragments of Wi-Fi frames"));
    }
    let mut length = if control[1] & BOTH_DS == BOTH_DS { 30 } else { 24 };
    let mut aggregate = false;
    if control[0] & QOS != 0 {
        let (qos, _) = frame.skip(length)?.header::<2>()?;
        aggregate = qos[0] & AGGREGATE != 0;
        length += if control[1] & HT_CONTROL != 0 { 6 } else { 2 };
    }
    let body = frame.skip(if padded { usize::next_multiple_of(length, 4) } else { length })?;
    if aggregate { the_one_of(body) } else { Ok(Next::Llc(body)) }
}

/// An A-MSDU of one frame is that frame.
fn the_one_of(body: Rest<'_>) -> Result<Next<'_>, NotTcp> {
    const HEADER: u32 = 14;
    const CHECK_SEQUENCE: u32 = 4;
    let (h, inner) = body.header::<{ HEADER as usize }>()?;
    let length = u32::from(be16(h[12], h[13]));
    let behind = body.wire().saturating_sub((HEADER + length).next_multiple_of(4));
    if behind > CHECK_SEQUENCE {
        return Err(NotTcp::Undecoded("Wi-Fi frames that hold several others (A-MSDU)"));
    }
    Ok(Next::Llc(inner.until(length)))
}
