//! LINKTYPE_C_HDLC (104): Cisco's HDLC.

use super::{LinkLayer, Next, NotTcp, Rest};
use crate::network::rest::be16;

pub(super) const LAYER: LinkLayer = LinkLayer { numbers: &[104], name: "cisco-hdlc", decode: header };

/// Whether a frame's first byte is an address of Cisco's, unicast or multicast.
pub(super) fn is_address(byte: u8) -> bool {
    matches!(byte, 0x0f | 0x8f)
}

pub(super) fn header(frame: Rest<'_>) -> Result<Next<'_>, NotTcp> {
    let (h, rest) = frame.header::<4>()?;
    match be16(h[2], h[3]) {
        kind @ 0x0600.. if kind != 0x8035 => Ok(Next::EtherType(kind, rest)),
        _ => Err(NotTcp::Other), // keep-alives in the place of reverse address resolution, IS-IS
    }
}
