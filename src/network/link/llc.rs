//! IEEE 802.2 logical link control, with SNAP; LINKTYPE_ATM_RFC1483 (100) has nothing before it.

use super::{LinkLayer, Next, NotTcp, Rest};
use crate::network::rest::be16;

pub(super) const ATM: LinkLayer = LinkLayer { numbers: &[100], name: "atm", decode: |frame| Ok(Next::Llc(frame)) };

/// Service access points, unnumbered information.
const SNAP: [u8; 3] = [0xaa, 0xaa, 0x03];
const IP: [u8; 3] = [0x06, 0x06, 0x03];
/// SNAP's organisations: EtherTypes themselves, EtherTypes of bridged networks (IEEE 802.1H), bridged frames (RFC 2684).
const ENCAPSULATED: [u8; 3] = [0, 0, 0];
const BRIDGE_TUNNEL: [u8; 3] = [0, 0, 0xf8];
const BRIDGED: [u8; 3] = [0, 0x80, 0xc2];

pub(super) fn header(rest: Rest<'_>) -> Result<Next<'_>, NotTcp> {
    let (service, rest) = rest.header::<3>()?;
    match *service {
        SNAP => snap(rest),
        IP => Ok(Next::Ip(rest)),
        _ => Err(NotTcp::Other), // spanning tree, IS-IS, NetBIOS, IPX
    }
}

/// The organisation and protocol that SNAP adds.
pub(super) fn snap(rest: Rest<'_>) -> Result<Next<'_>, NotTcp> {
    let (h, rest) = rest.header::<5>()?;
    let kind = be16(h[3], h[4]);
    match ([h[0], h[1], h[2]], kind) {
        (ENCAPSULATED | BRIDGE_TUNNEL, _) => Ok(Next::EtherType(kind, rest)),
        // Two bytes of padding; with and without the frame's check sequence.
        (BRIDGED, 1 | 7) => rest.skip(2).map(Next::Ethernet),
        _ => Err(NotTcp::Other),
    }
}
