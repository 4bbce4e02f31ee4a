//! GENEVE (RFC 8926).

use super::{Next, NotTcp, OverUdp, Rest, be16};

pub(super) const GENEVE: OverUdp = OverUdp { ports: &[6081], both_ways: false, decode };

/// A control message.
const CONTROL: u8 = 0x80;

fn decode(rest: Rest<'_>) -> Option<Result<Next<'_>, NotTcp>> {
    let (h, behind) = rest.header::<8>().ok()?;
    let (version, options) = (h[0] >> 6, usize::from(h[0] & 0x3f) * 4);
    if version != 0 || h[1] & 0x3f != 0 || h[7] != 0 {
        return None;
    }
    if h[1] & CONTROL != 0 {
        return Some(Err(NotTcp::Other));
    }
    Some(behind.skip(options).map(|inner| Next::EtherType(be16(h[2], h[3]), inner)))
}
