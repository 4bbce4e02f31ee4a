//! L2TP (RFC 2661) over UDP, with PPP inside.

use super::{Next, NotTcp, OverUdp, Rest, be16};

pub(super) const L2TP: OverUdp = OverUdp { ports: &[1701], both_ways: true, decode };

const CONTROL: u8 = 0x80;
const LENGTH: u8 = 0x40;
const SEQUENCE: u8 = 0x08;
const OFFSET: u8 = 0x02;
/// Bits that are zero in every message.
const RESERVED: [u8; 2] = [0x34, 0xf0];

fn decode(rest: Rest<'_>) -> Option<Result<Next<'_>, NotTcp>> {
    let (h, behind) = rest.header::<2>().ok()?;
    let (flags, version) = (h[0], h[1] & 0x0f);
    match version {
        _ if flags & RESERVED[0] != 0 || h[1] & RESERVED[1] != 0 => None,
        2 | 3 if flags & CONTROL != 0 => Some(Err(NotTcp::Other)),
        2 => Some(data(flags, behind)),
        3 => Some(Err(NotTcp::Undecoded("L2TPv3"))),
        _ => None,
    }
}

fn data(flags: u8, rest: Rest<'_>) -> Result<Next<'_>, NotTcp> {
    let length = if flags & LENGTH != 0 { 2 } else { 0 };
    let sequence = if flags & SEQUENCE != 0 { 4 } else { 0 };
    let mut rest = rest.skip(length + 4 + sequence)?;
    if flags & OFFSET != 0 {
        let (offset, behind) = rest.header::<2>()?;
        rest = behind.skip(usize::from(be16(offset[0], offset[1])))?;
    }
    Ok(Next::Ppp(rest))
}
