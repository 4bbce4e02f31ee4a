//! LINKTYPE_PPI (192): per-packet information, before a header of the link type that it names.

use super::{LinkLayer, Next, NotTcp, Rest};

pub(super) const LAYER: LinkLayer = LinkLayer { numbers: &[192], name: "ppi", decode };

fn decode(frame: Rest<'_>) -> Result<Next<'_>, NotTcp> {
    let (h, _) = frame.header::<8>()?;
    let length = usize::from(u16::from_le_bytes([h[2], h[3]]));
    match u16::try_from(u32::from_le_bytes([h[4], h[5], h[6], h[7]])) {
        Ok(link_type) if h[0] == 0 && length >= 8 => Ok(Next::Link(link_type, frame.skip(length)?)),
        _ => Err(NotTcp::Malformed),
    }
}
