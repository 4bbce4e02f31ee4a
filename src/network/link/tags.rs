//! Tags between an Ethernet header and the EtherType of what it carries.

use super::ether_type::Header;
use super::{Next, NotTcp, Rest};
use crate::network::rest::be16;

/// IEEE 802.1Q, 802.1ad, and the numbers that were used before it.
pub(super) const VLAN: Header = Header { ether_types: &[0x8100, 0x88a8, 0x9100, 0x9200, 0x9300], decode: four };
/// IEEE 802.1ah, the backbone service instance tag, before a whole Ethernet header.
pub(super) const BACKBONE: Header = Header { ether_types: &[0x88e7], decode: backbone };
/// High-availability seamless redundancy (IEC 62439-3).
pub(super) const REDUNDANCY: Header = Header { ether_types: &[0x892f], decode: six };
/// Cisco's VN-Tag, between a virtual interface and its switch.
pub(super) const VN: Header = Header { ether_types: &[0x8926], decode: six };
/// IEEE 802.1BR, the tag of port extenders.
pub(super) const EXTENSION: Header = Header { ether_types: &[0x893f], decode: eight };

#[inline]
fn four(rest: Rest<'_>) -> Result<Next<'_>, NotTcp> {
    let (tag, rest) = rest.header::<4>()?;
    Ok(Next::EtherType(be16(tag[2], tag[3]), rest))
}

fn backbone(rest: Rest<'_>) -> Result<Next<'_>, NotTcp> {
    rest.skip(4).map(Next::Ethernet)
}

fn six(rest: Rest<'_>) -> Result<Next<'_>, NotTcp> {
    let (tag, rest) = rest.header::<6>()?;
    Ok(Next::EtherType(be16(tag[4], tag[5]), rest))
}

fn eight(rest: Rest<'_>) -> Result<Next<'_>, NotTcp> {
    let (tag, rest) = rest.header::<8>()?;
    Ok(Next::EtherType(be16(tag[6], tag[7]), rest))
}
