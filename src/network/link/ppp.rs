//! PPP (RFC 1661, RFC 1662): LINKTYPE_PPP (9), LINKTYPE_PPP_HDLC (50), LINKTYPE_PPP_PPPD (166),
//! LINKTYPE_PPP_WITH_DIR (204).

use super::{LinkLayer, Next, NotTcp, Rest, hdlc};
use crate::network::rest::be16;

pub(super) const LAYER: LinkLayer = LinkLayer { numbers: &[9], name: "ppp", decode: |frame| Ok(Next::Ppp(frame)) };
pub(super) const SERIAL: LinkLayer = LinkLayer { numbers: &[50], name: "ppp-hdlc", decode: serial };
pub(super) const WITH_DIRECTION: LinkLayer =
    LinkLayer { numbers: &[166, 204], name: "ppp-with-direction", decode: with_direction };

/// The address of all stations and unnumbered information.
const ADDRESS: u8 = 0xff;
const CONTROL: u8 = 0x03;

fn serial(frame: Rest<'_>) -> Result<Next<'_>, NotTcp> {
    if frame.first().is_some_and(hdlc::is_address) { hdlc::header(frame) } else { Ok(Next::Ppp(frame)) }
}

/// The direction stands before the frame, or in the place of its address.
fn with_direction(frame: Rest<'_>) -> Result<Next<'_>, NotTcp> {
    let rest = frame.skip(1)?;
    Ok(Next::Ppp(if rest.first() == Some(CONTROL) { rest.skip(1)? } else { rest }))
}

pub(super) fn header(mut rest: Rest<'_>) -> Result<Next<'_>, NotTcp> {
    if rest.first() == Some(ADDRESS) {
        let ([_, control], behind) = rest.header::<2>()?;
        if *control != CONTROL {
            return Err(NotTcp::Other);
        }
        rest = behind;
    }
    // The first byte of a protocol number is even, the last is odd: a compressed one has the last alone.
    let (first, behind) = rest.header::<1>()?;
    let (protocol, rest) = if first[0] & 1 != 0 {
        (u16::from(first[0]), behind)
    } else {
        let (number, behind) = rest.header::<2>()?;
        (be16(number[0], number[1]), behind)
    };
    match protocol {
        0x0021 | 0x0057 => Ok(Next::Ip(rest)),
        0x0281 | 0x0283 => Ok(Next::Mpls(rest)),
        0x0003 | 0x0005 | 0x002d | 0x002f | 0x0061..=0x0069 | 0x2063..=0x2069 => {
            Err(NotTcp::Undecoded("PPP with compressed headers"))
        }
        0x0031 => Err(NotTcp::Undecoded("bridged PPP")),
        0x003d => Err(NotTcp::Undecoded("multilink PPP")),
        0x0053 | 0x0055 => Err(NotTcp::Encrypted("PPP")),
        0x00fb | 0x00fd => Err(NotTcp::Undecoded("compressed or encrypted PPP")),
        _ => Err(NotTcp::Other),
    }
}
