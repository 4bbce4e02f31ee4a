//! Generic routing encapsulation: RFC 2784 with the key and sequence number of RFC 2890, and PPTP's (RFC 2637).

use super::{Next, NotTcp, Rest, be16, erspan};

const CHECKSUM: u8 = 0x80;
const ROUTING: u8 = 0x40;
const KEY: u8 = 0x20;
const SEQUENCE: u8 = 0x10;
/// Of the second byte, in version 1.
const ACKNOWLEDGEMENT: u8 = 0x80;

/// Protocol types that are no EtherTypes of this meaning elsewhere.
const KEEPALIVE: u16 = 0;
const OSI: u16 = 0x00fe;
const NEXT_HOP_RESOLUTION: u16 = 0x2001;
const ERSPAN_2: u16 = 0x88be;
const ERSPAN_3: u16 = 0x22eb;
const WEB_CACHE: u16 = 0x883e;
const PPP: u16 = 0x880b;

pub(super) fn decode(rest: Rest<'_>) -> Result<Next<'_>, NotTcp> {
    let (h, behind) = rest.header::<4>()?;
    let (flags, version, protocol) = (h[0], h[1] & 7, be16(h[2], h[3]));
    let field = |flag: u8| if flags & flag != 0 { 4 } else { 0 };
    if version == 1 && protocol == PPP {
        if flags & SEQUENCE == 0 {
            return Err(NotTcp::Other); // an acknowledgement alone
        }
        let acknowledgement = if h[1] & ACKNOWLEDGEMENT != 0 { 4 } else { 0 };
        return behind.skip(4 + field(SEQUENCE) + acknowledgement).map(Next::Ppp);
    }
    if version != 0 {
        return Err(NotTcp::Undecoded("GRE of an unknown version"));
    }
    if flags & ROUTING != 0 {
        return Err(NotTcp::Undecoded("GRE with source routes"));
    }
    let inner = behind.skip(field(CHECKSUM) + field(KEY) + field(SEQUENCE))?;
    match protocol {
        KEEPALIVE | OSI | NEXT_HOP_RESOLUTION => Err(NotTcp::Other),
        ERSPAN_2 if flags & SEQUENCE != 0 => erspan::version_2(inner),
        ERSPAN_2 => Ok(Next::Ethernet(inner)), // type I has no header of its own
        ERSPAN_3 => erspan::version_3(inner),
        // Version 2 of WCCP has a header of four bytes, the first has none.
        WEB_CACHE if inner.first().is_some_and(|b| b >> 4 == 4) => Ok(Next::Ip(inner)),
        WEB_CACHE => inner.skip(4).map(Next::Ip),
        _ => Ok(Next::EtherType(protocol, inner)),
    }
}
