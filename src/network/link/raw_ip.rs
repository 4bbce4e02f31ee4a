//! LINKTYPE_RAW (101), its numbers on BSD systems (12, 14), LINKTYPE_IPV4 (228) and LINKTYPE_IPV6 (229): no link header.

use super::{LinkLayer, Next, NotTcp};

pub(super) const LAYER: LinkLayer = LinkLayer { numbers: &[101, 12, 14, 228, 229], name: "raw-ip", decode };

fn decode(frame: &[u8]) -> Result<Next<'_>, NotTcp> {
    match frame.first().map(|b| b >> 4) {
        Some(4 | 6) => Ok(Next::Ip(frame)),
        _ => Err(NotTcp::Other),
    }
}
