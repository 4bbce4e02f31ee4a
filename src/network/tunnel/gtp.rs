//! GTP-U (3GPP TS 29.281): the traffic of mobile subscribers.

use super::{Next, NotTcp, OverUdp, Rest};

pub(super) const GTP_U: OverUdp = OverUdp { ports: &[2152], both_ways: false, decode };

/// Version 1 of the user plane.
const VERSION: u8 = 0x30;
const EXTENSION: u8 = 0x04;
const ANY_OPTION: u8 = 0x07;
/// The message type that carries a packet.
const PACKET: u8 = 255;

fn decode(rest: Rest<'_>) -> Option<Result<Next<'_>, NotTcp>> {
    let (h, inner) = rest.header::<8>().ok()?;
    if h[0] & 0xf8 != VERSION {
        return None;
    }
    if h[1] != PACKET {
        return Some(Err(NotTcp::Other));
    }
    Some(packet(h[0], inner))
}

fn packet(flags: u8, mut rest: Rest<'_>) -> Result<Next<'_>, NotTcp> {
    if flags & ANY_OPTION != 0 {
        // Sequence number, N-PDU number and type of the next extension are there when any of them is.
        let (options, behind) = rest.header::<4>()?;
        rest = behind;
        let mut kind = if flags & EXTENSION != 0 { options[3] } else { 0 };
        while kind != 0 {
            // An extension begins with its length in units of four bytes and ends with the type of the next.
            let length = usize::from(rest.header::<1>()?.0[0]) * 4;
            let last = length.checked_sub(1).ok_or(NotTcp::Malformed)?;
            let behind = rest.skip(length)?;
            kind = rest.bytes()[last];
            rest = behind;
        }
    }
    match rest.header::<1>()?.0[0] >> 4 {
        4 | 6 => Ok(Next::Ip(rest)),
        _ => Err(NotTcp::Undecoded("GTP-U with something else than IP")),
    }
}
