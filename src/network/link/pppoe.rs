//! PPP over Ethernet (RFC 2516): EtherType 0x8864, and LINKTYPE_PPP_ETHER (51).

use super::ether_type::Header;
use super::{LinkLayer, Next, NotTcp, Rest};
use crate::network::rest::be16;

pub(super) const LAYER: LinkLayer = LinkLayer { numbers: &[51], name: "pppoe", decode };
pub(super) const SESSION: Header = Header { ether_types: &[0x8864], decode };

fn decode(rest: Rest<'_>) -> Result<Next<'_>, NotTcp> {
    let (h, rest) = rest.header::<6>()?;
    let length = u32::from(be16(h[4], h[5]));
    match (h[0], h[1]) {
        (0x11, 0) if length > 0 => Ok(Next::Ppp(rest.until(length))),
        (0x11, 0) => Ok(Next::Ppp(rest)), // offload
        (0x11, _) => Err(NotTcp::Other),  // discovery
        _ => Err(NotTcp::Malformed),
    }
}
