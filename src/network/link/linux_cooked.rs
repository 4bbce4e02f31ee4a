//! LINKTYPE_LINUX_SLL (113) and LINKTYPE_LINUX_SLL2 (276): what `tcpdump -i any` writes on Linux.

use super::{LinkLayer, Next, NotTcp, Rest};
use crate::network::rest::be16;

pub(super) const VERSION_1: LinkLayer =
    LinkLayer { numbers: &[super::LINUX_COOKED_1], name: "linux-cooked-v1", decode: version_1 };
pub(super) const VERSION_2: LinkLayer =
    LinkLayer { numbers: &[super::LINUX_COOKED_2], name: "linux-cooked-v2", decode: version_2 };

fn version_1(frame: Rest<'_>) -> Result<Next<'_>, NotTcp> {
    let (h, rest) = frame.header::<16>()?;
    behind(be16(h[2], h[3]), be16(h[14], h[15]), rest)
}

fn version_2(frame: Rest<'_>) -> Result<Next<'_>, NotTcp> {
    let (h, rest) = frame.header::<20>()?;
    behind(be16(h[8], h[9]), be16(h[0], h[1]), rest)
}

/// `hardware` is an ARPHRD_ value of Linux, which may change what the protocol field means.
fn behind(hardware: u16, protocol: u16, rest: Rest<'_>) -> Result<Next<'_>, NotTcp> {
    const FRAME_RELAY: u16 = 770;
    const WLAN_RADIOTAP: u16 = 803;
    const NETLINK: u16 = 824;
    const IEEE_802_2: u16 = 4;
    match (hardware, protocol) {
        (FRAME_RELAY, _) => Ok(Next::Link(107, rest)),
        (WLAN_RADIOTAP, _) => Ok(Next::Link(127, rest)),
        (NETLINK, _) => Err(NotTcp::Other),
        (_, IEEE_802_2) => Ok(Next::Llc(rest)),
        (_, ..0x0600) => Err(NotTcp::Other), // Linux's own numbers: frames of other networks
        _ => Ok(Next::EtherType(protocol, rest)),
    }
}
