//! TZSP, the TaZmen Sniffer Protocol: what MikroTik's routers and wireless sensors send of the traffic they see.

use super::{Next, NotTcp, OverUdp, Rest, be16};

pub(super) const TZSP: OverUdp = OverUdp { ports: &[37008], both_ways: false, decode };

/// Of a tag without length: padding, end.
const PADDING: u8 = 0;
const END: u8 = 1;
/// A packet that was received, or one to send.
const PACKET: u8 = 1;

fn decode(rest: Rest<'_>) -> Option<Result<Next<'_>, NotTcp>> {
    let (h, behind) = rest.header::<4>().ok()?;
    if h[0] != 1 || h[1] > 5 {
        return None;
    }
    if h[1] > PACKET {
        return Some(Err(NotTcp::Other));
    }
    Some(behind_tags(behind).and_then(|frame| match be16(h[2], h[3]) {
        1 => Ok(Next::Ethernet(frame)),
        18 => Ok(Next::Link(105, frame)),
        119 => Ok(Next::Link(119, frame)),
        127 => Ok(Next::Link(163, frame)),
        _ => Err(NotTcp::Undecoded("TZSP with frames of another link layer")),
    }))
}

fn behind_tags(mut rest: Rest<'_>) -> Result<Rest<'_>, NotTcp> {
    loop {
        let (tag, behind) = rest.header::<1>()?;
        match tag[0] {
            END => return Ok(behind),
            PADDING => rest = behind,
            _ => {
                let (length, behind) = behind.header::<1>()?;
                rest = behind.skip(usize::from(length[0]))?;
            }
        }
    }
}
