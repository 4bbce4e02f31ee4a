//! VXLAN (RFC 7348), as overlays and the mirrors of clouds use it, and its generic protocol extension.

use super::{Next, NotTcp, OverUdp, Rest};
use crate::network::link;

/// The assigned port, the one that Linux and several overlays took before there was one, and that of the extension
/// (draft-ietf-nvo3-vxlan-gpe), which some use on the other two as well.
pub(super) const VXLAN: OverUdp = OverUdp { ports: &[4789, 8472, 4790], both_ways: false, decode };

/// The network identifier is valid.
const IDENTIFIER: u8 = 0x08;
/// The last byte of the first word names what is inside; else it is Ethernet.
const NEXT_PROTOCOL: u8 = 0x04;
/// No traffic but maintenance of the network.
const MAINTENANCE: u8 = 0x01;
/// Bits that no version sets.
const RESERVED: u8 = 0x70;

fn decode(rest: Rest<'_>) -> Option<Result<Next<'_>, NotTcp>> {
    let (h, inner) = rest.header::<8>().ok()?;
    match h[0] {
        flags if flags & IDENTIFIER == 0 || flags & RESERVED != 0 || h[7] != 0 => None,
        flags if flags & MAINTENANCE != 0 => Some(Err(NotTcp::Other)),
        flags if flags & NEXT_PROTOCOL != 0 => link::next_of_service_header(h[3], inner).map(Ok),
        _ => Some(Ok(Next::Ethernet(inner))),
    }
}
