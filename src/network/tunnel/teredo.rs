//! Teredo (RFC 4380): IPv6 through address translators.

use super::{Next, NotTcp, OverUdp, Rest, be16};

pub(super) const TEREDO: OverUdp = OverUdp { ports: &[3544], both_ways: true, decode };

const AUTHENTICATION: [u8; 2] = [0, 1];
const ORIGIN: [u8; 2] = [0, 0];

fn decode(mut rest: Rest<'_>) -> Option<Result<Next<'_>, NotTcp>> {
    if rest.bytes().starts_with(&AUTHENTICATION) {
        let (h, _) = rest.header::<4>().ok()?;
        // Client identifier, authentication value, nonce and confirmation.
        rest = rest.skip(4 + usize::from(h[2]) + usize::from(h[3]) + 9).ok()?;
    }
    if rest.bytes().starts_with(&ORIGIN) {
        rest = rest.skip(8).ok()?;
    }
    if rest.first()? >> 4 != 6 || rest.wire() < 40 {
        return None;
    }
    let Ok((h, _)) = rest.header::<40>() else { return Some(Err(NotTcp::Cut)) };
    let is_ipv6 = u32::from(be16(h[4], h[5])) + 40 <= rest.wire();
    is_ipv6.then_some(Ok(Next::Ip(rest)))
}
