//! EtherTypes (IEEE 802 numbers): headers that may stand before IP, and what is known to hold no TCP.

use super::{Next, NotTcp, Rest, macsec, pppoe, tags};

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
const VLAN: u16 = 0x8100;
const SERVICE_VLAN: u16 = 0x88a8;
const MPLS: [u16; 2] = [0x8847, 0x8848];
const PPP: u16 = 0x880b;
const NSH: u16 = 0x894f;
const TRANSPARENT_ETHERNET: u16 = 0x6558;

/// Up to here the field is the length of an IEEE 802.3 frame, not a type.
const LONGEST: u16 = 1500;

/// A header that stands before another EtherType.
pub(super) struct Header {
    pub(super) ether_types: &'static [u16],
    pub(super) decode: for<'a> fn(Rest<'a>) -> Result<Next<'a>, NotTcp>,
}

static HEADERS: &[&Header] =
    &[&tags::VLAN, &tags::BACKBONE, &tags::REDUNDANCY, &tags::VN, &tags::EXTENSION, &pppoe::SESSION, &macsec::HEADER];

/// Encapsulations of single vendors and fabrics, which carry IP and are not read.
static UNDECODED: &[(u16, &str)] = &[(0x22f3, "TRILL"), (0x8903, "FabricPath"), (0x8909, "Cisco MetaData")];

/// Protocols that carry no TCP: address resolution, bridges, time, power line, storage, field buses, old networks.
static HARMLESS: &[u16] = &[
    0x0600, 0x0806, 0x0842, 0x0bad, 0x2000, 0x2001, 0x22ea, 0x22f0, 0x6000, 0x6001, 0x6002, 0x6003, 0x6004, 0x6005,
    0x6006, 0x6007, 0x7373, 0x8035, 0x809b, 0x80f3, 0x8137, 0x8138, 0x8204, 0x8808, 0x8809, 0x8819, 0x8863, 0x886c,
    0x886d, 0x886f, 0x887b, 0x888d, 0x888e, 0x8892, 0x8899, 0x889a, 0x88a2, 0x88a4, 0x88ab, 0x88b5, 0x88b6, 0x88b7,
    0x88b8, 0x88b9, 0x88ba, 0x88c7, 0x88ca, 0x88cc, 0x88cd, 0x88d9, 0x88dc, 0x88e1, 0x88e3, 0x88f5, 0x88f6, 0x88f7,
    0x88f8, 0x88fb, 0x8902, 0x8906, 0x890d, 0x8914, 0x8915, 0x8917, 0x8929, 0x893a, 0x8940, 0x8942, 0x894c, 0x8952,
    0x9000, 0x99fe, 0xa0ed, 0xfcfc,
];

/// What stands behind an EtherType.
#[inline]
pub(super) fn behind(kind: u16, rest: Rest<'_>) -> Result<Next<'_>, NotTcp> {
    match kind {
        IPV4 | IPV6 => Ok(Next::Ip(rest)),
        VLAN | SERVICE_VLAN => (tags::VLAN.decode)(rest),
        TRANSPARENT_ETHERNET => Ok(Next::Ethernet(rest)),
        PPP => Ok(Next::Ppp(rest)),
        NSH => Ok(Next::Nsh(rest)),
        _ if MPLS.contains(&kind) => Ok(Next::Mpls(rest)),
        ..=LONGEST => Ok(Next::Llc(rest)),
        _ => match header(kind) {
            Some(header) => (header.decode)(rest),
            None if HARMLESS.contains(&kind) => Err(NotTcp::Other),
            None => Err(match UNDECODED.iter().find(|(number, _)| *number == kind) {
                Some((_, name)) => NotTcp::Undecoded(name),
                None => NotTcp::UnknownEtherType(kind),
            }),
        },
    }
}

fn header(kind: u16) -> Option<&'static Header> {
    HEADERS.iter().copied().find(|h| h.ether_types.contains(&kind))
}

/// Whether a field at the place of an EtherType holds one: where nothing says that an Ethernet header follows, this does.
pub(super) fn is_plausible(kind: u16) -> bool {
    matches!(kind, IPV4 | IPV6) || MPLS.contains(&kind) || HARMLESS.contains(&kind) || header(kind).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_harmless_is_nothing_else() {
        assert!(HARMLESS.is_sorted_by(|a, b| a < b));
        assert!(HARMLESS.iter().all(|kind| header(*kind).is_none() && *kind > LONGEST));
        assert!(UNDECODED.iter().all(|(kind, _)| header(*kind).is_none() && !HARMLESS.contains(kind)));
    }
}
