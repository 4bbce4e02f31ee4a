//! LINKTYPE_ETHERNET (1), with VLAN tags (IEEE 802.1Q, 802.1ad) to any sane depth.

use super::{LinkLayer, Next, NotTcp};
use crate::limits;

pub(super) const NUMBER: u16 = 1;
pub(super) const LAYER: LinkLayer = LinkLayer { numbers: &[NUMBER], name: "ethernet", decode };

pub(super) const IPV4: u16 = 0x0800;
pub(super) const IPV6: u16 = 0x86dd;
/// 802.1Q, 802.1ad, and the numbers that were used before it.
const VLAN: [u16; 4] = [0x8100, 0x88a8, 0x9100, 0x9200];
const MPLS: [u16; 2] = [0x8847, 0x8848];
const PPPOE: u16 = 0x8864;

#[inline]
pub(super) fn decode(frame: &[u8]) -> Result<Next<'_>, NotTcp> {
    let (header, rest) = frame.split_first_chunk::<14>().ok_or(NotTcp::Malformed)?;
    Ok(Next::EtherType(u16::from_be_bytes([header[12], header[13]]), rest))
}

/// The IP packet behind VLAN tags.
pub(super) fn behind_tags(mut kind: u16, mut rest: &[u8]) -> Result<&[u8], NotTcp> {
    for _ in 0..limits::LINK_HEADERS {
        match kind {
            IPV4 | IPV6 => return Ok(rest),
            k if VLAN.contains(&k) => {
                let (tag, inner) = rest.split_first_chunk::<4>().ok_or(NotTcp::Malformed)?;
                kind = u16::from_be_bytes([tag[2], tag[3]]);
                rest = inner;
            }
            k if MPLS.contains(&k) => return Err(NotTcp::Undecoded("MPLS")),
            PPPOE => return Err(NotTcp::Undecoded("PPPoE")),
            _ => return Err(NotTcp::Other),
        }
    }
    Err(NotTcp::Malformed)
}
