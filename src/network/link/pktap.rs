//! LINKTYPE_PKTAP (258): Apple's header with the interface and process of each packet, before that interface's own header.
//!
//! Apple's own programs write 149 (LINKTYPE_USER2) for it, which belongs to nobody: there the header has to look right.

use super::{LinkLayer, Next, NotTcp, Rest};

pub(super) const LAYER: LinkLayer = LinkLayer { numbers: &[258], name: "pktap", decode };
pub(super) const AS_USER_2: LinkLayer = LinkLayer { numbers: &[USER_2], name: "pktap-as-user2", decode: as_user_2 };

const USER_2: u16 = 149;
/// Bytes of the header in every version so far.
const SHORTEST: u32 = 108;
const LONGEST: u32 = 512;
/// A packet follows.
const PACKET: u32 = 1;

/// Length, type and the link type that follows, little-endian on every machine that writes them.
fn fields(frame: Rest<'_>) -> Result<[u32; 3], NotTcp> {
    let (h, _) = frame.header::<12>()?;
    Ok([0, 4, 8].map(|at| u32::from_le_bytes([h[at], h[at + 1], h[at + 2], h[at + 3]])))
}

fn decode(frame: Rest<'_>) -> Result<Next<'_>, NotTcp> {
    let [length, kind, link_type] = fields(frame)?;
    match u16::try_from(link_type) {
        _ if kind != PACKET => Err(NotTcp::Other),
        Ok(link_type) if length >= 12 => Ok(Next::Link(link_type, frame.skip(length as usize)?)),
        _ => Err(NotTcp::Malformed),
    }
}

fn as_user_2(frame: Rest<'_>) -> Result<Next<'_>, NotTcp> {
    let [length, kind, link_type] = fields(frame).map_err(|_| NotTcp::UnknownLinkType(USER_2))?;
    let known = u16::try_from(link_type).is_ok_and(|number| number != USER_2 && super::find(number).is_some());
    if known && kind <= PACKET && (SHORTEST..=LONGEST).contains(&length) {
        decode(frame)
    } else {
        Err(NotTcp::UnknownLinkType(USER_2))
    }
}
