//! VXLAN (RFC 7348), as overlays and the mirrors of clouds use it, and its generic protocol extension.

use super::{Next, OverUdp, Rest};
use crate::network::link;

/// The assigned port, and the one that Linux and several overlays took before there was one.
pub(super) const VXLAN: OverUdp = OverUdp { ports: &[4789, 8472], both_ways: false, decode };
/// draft-ietf-nvo3-vxlan-gpe.
pub(super) const GENERIC: OverUdp = OverUdp { ports: &[4790], both_ways: false, decode: decode_generic };

/// The network identifier is valid; the next protocol is named; nothing but maintenance follows.
const IDENTIFIER: u8 = 0x08;
const NEXT_PROTOCOL: u8 = 0x04;
const MAINTENANCE: u8 = 0x01;
/// The group policy extension.
const POLICY: u8 = 0x80;

type Inside<'a> = Option<Result<Next<'a>, super::NotTcp>>;

fn decode(rest: Rest<'_>) -> Inside<'_> {
    let (h, inner) = rest.header::<8>().ok()?;
    let plain = h[0] & !POLICY == IDENTIFIER && h[7] == 0;
    plain.then_some(Ok(Next::Ethernet(inner)))
}

fn decode_generic(rest: Rest<'_>) -> Inside<'_> {
    let (h, inner) = rest.header::<8>().ok()?;
    let version = h[0] >> 4 & 3;
    if version != 0 || h[0] & IDENTIFIER == 0 || h[0] & MAINTENANCE != 0 {
        return None;
    }
    if h[0] & NEXT_PROTOCOL == 0 {
        return Some(Ok(Next::Ethernet(inner)));
    }
    link::next_of_service_header(h[3], inner).map(Ok)
}
