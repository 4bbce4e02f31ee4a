//! The network service header (RFC 8300) of service function chains.

use super::{Next, NotTcp, Rest};

pub(super) fn header(rest: Rest<'_>) -> Result<Next<'_>, NotTcp> {
    let (h, _) = rest.header::<4>()?;
    let version = h[0] >> 6;
    if version != 0 {
        return Err(NotTcp::Undecoded("a service header (NSH) of an unknown version"));
    }
    let length = usize::from(h[1] & 0x3f) * 4;
    if length < 8 {
        return Err(NotTcp::Malformed);
    }
    next(h[3], rest.skip(length)?).ok_or(NotTcp::Other)
}

/// The numbering of next protocols, which VXLAN-GPE shares.
pub(in crate::network) fn next(protocol: u8, rest: Rest<'_>) -> Option<Next<'_>> {
    match protocol {
        1 | 2 => Some(Next::Ip(rest)),
        3 => Some(Next::Ethernet(rest)),
        4 => Some(Next::Nsh(rest)),
        5 => Some(Next::Mpls(rest)),
        _ => None,
    }
}
