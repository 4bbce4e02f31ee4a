//! LINKTYPE_FRELAY (107): Frame Relay with the encapsulation of RFC 2427, or Cisco's.

use super::{LinkLayer, Next, NotTcp, Rest, llc};
use crate::network::rest::be16;

pub(super) const LAYER: LinkLayer = LinkLayer { numbers: &[107], name: "frame-relay", decode };

/// Unnumbered information.
const CONTROL: u8 = 0x03;

fn decode(frame: Rest<'_>) -> Result<Next<'_>, NotTcp> {
    // The address ends with the first odd byte (Q.922).
    let length = frame.bytes().iter().take(4).position(|b| b & 1 != 0).ok_or(NotTcp::Malformed)? + 1;
    let rest = frame.skip(length)?;
    if rest.first() != Some(CONTROL) {
        let (kind, rest) = rest.header::<2>()?;
        return Ok(Next::EtherType(be16(kind[0], kind[1]), rest));
    }
    let mut rest = rest.skip(1)?;
    if rest.first() == Some(0) {
        rest = rest.skip(1)?; // padding
    }
    let (protocol, rest) = rest.header::<1>()?;
    match protocol[0] {
        0xcc | 0x8e => Ok(Next::Ip(rest)),
        0x80 => llc::snap(rest),
        0xcf => Ok(Next::Ppp(rest)),
        _ => Err(NotTcp::Other),
    }
}
