//! LINKTYPE_ETHERNET (1): IEEE 802.3.

use super::{LinkLayer, Next, NotTcp, Rest};
use crate::network::rest::be16;

pub(super) const LAYER: LinkLayer = LinkLayer { numbers: &[super::ETHERNET], name: "ethernet", decode: header };

#[inline]
pub(super) fn header(frame: Rest<'_>) -> Result<Next<'_>, NotTcp> {
    let (h, rest) = frame.header::<14>()?;
    Ok(Next::EtherType(be16(h[12], h[13]), rest))
}
