//! MPLS label stacks (RFC 3032); LINKTYPE_MPLS (219) has nothing before them.

use super::{LinkLayer, Next, NotTcp, Rest, ether_type};
use crate::limits;
use crate::network::rest::be16;

pub(super) const LAYER: LinkLayer = LinkLayer { numbers: &[219], name: "mpls", decode: |frame| Ok(Next::Mpls(frame)) };

/// Skips the labels. What follows them is not said anywhere: its shape tells.
pub(super) fn labels(mut rest: Rest<'_>) -> Result<Next<'_>, NotTcp> {
    for _ in 0..limits::MPLS_LABELS {
        let (label, behind) = rest.header::<4>()?;
        rest = behind;
        let bottom = label[2] & 1 != 0;
        if bottom {
            return payload(rest);
        }
    }
    Err(NotTcp::TooDeep)
}

fn payload(rest: Rest<'_>) -> Result<Next<'_>, NotTcp> {
    let nibble = rest.header::<1>()?.0[0] >> 4;
    if (nibble == 4 && is_ipv4(rest)) || (nibble == 6 && is_ipv6(rest)) {
        return Ok(Next::Ip(rest));
    }
    if rest.wire() >= 18 {
        rest.header::<18>()?;
    }
    // A pseudowire: Ethernet behind a control word (RFC 4448 section 4.6), or without one.
    let ether_type = |at: usize| rest.bytes().get(at..at + 2).map(|b| be16(b[0], b[1]));
    if nibble == 0 && ether_type(16).is_some_and(ether_type::is_plausible) {
        return rest.skip(4).map(Next::Ethernet);
    }
    if ether_type(12).is_some_and(ether_type::is_plausible) {
        return Ok(Next::Ethernet(rest));
    }
    // The associated channel (RFC 5085), the pseudowire of another link layer, or 802.3 frames such as spanning tree.
    Err(NotTcp::Other)
}

fn is_ipv4(rest: Rest<'_>) -> bool {
    let Ok((h, _)) = rest.header::<20>() else { return true };
    let length = u32::from(be16(h[2], h[3]));
    h[0] & 0x0f >= 5 && (length == 0 || (20..=rest.wire()).contains(&length))
}

fn is_ipv6(rest: Rest<'_>) -> bool {
    let Ok((h, _)) = rest.header::<40>() else { return true };
    u32::from(be16(h[4], h[5])) + 40 <= rest.wire()
}
