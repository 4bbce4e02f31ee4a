//! What stands between the capture file and IP: link types, and the headers between them and IP. Each in a file of its
//! own, with its line in one of the two lists.

mod ether_type;
mod ethernet;
mod frame_relay;
mod hdlc;
mod juniper;
mod linux_cooked;
mod llc;
mod loopback;
mod macsec;
mod mpls;
mod nflog;
mod nsh;
mod packet_filter;
mod pktap;
mod ppi;
mod ppp;
mod pppoe;
mod prism;
mod radiotap;
mod raw_ip;
mod tags;
mod wlan;

use super::NotTcp;
use super::rest::Rest;
use super::walk::Next;
use crate::limits;

pub(super) use nsh::next as next_of_service_header;

/// A link layer that wsdiag can read.
pub(super) struct LinkLayer {
    /// LINKTYPE numbers as capture files carry them (tcpdump.org/linktypes.html).
    numbers: &'static [u16],
    /// Name for reports.
    name: &'static str,
    /// Finds the next header.
    decode: for<'a> fn(Rest<'a>) -> Result<Next<'a>, NotTcp>,
}

/// LINKTYPE_ETHERNET.
pub(super) const ETHERNET: u16 = 1;
/// LINKTYPE_RAW.
pub(super) const RAW_IP: u16 = 101;
/// LINKTYPE_LINUX_SLL.
pub(super) const LINUX_COOKED_1: u16 = 113;
/// LINKTYPE_LINUX_SLL2.
pub(super) const LINUX_COOKED_2: u16 = 276;

static LINK_LAYERS: &[&LinkLayer] = &[
    &ethernet::LAYER,
    &loopback::LAYER,
    &raw_ip::LAYER,
    &linux_cooked::VERSION_1,
    &linux_cooked::VERSION_2,
    &pktap::LAYER,
    &pktap::AS_USER_2,
    &nflog::LAYER,
    &radiotap::LAYER,
    &wlan::LAYER,
    &ppi::LAYER,
    &prism::LAYER,
    &ppp::LAYER,
    &ppp::SERIAL,
    &ppp::WITH_DIRECTION,
    &pppoe::LAYER,
    &hdlc::LAYER,
    &frame_relay::LAYER,
    &llc::ATM,
    &mpls::LAYER,
    &packet_filter::ENC,
    &packet_filter::PFLOG,
    &juniper::ETHERNET,
];

/// The name of a link type, or its number where it is not known.
#[must_use]
pub fn link_type_name(number: u16) -> String {
    find(number).map_or_else(|| format!("linktype-{number}"), |l| l.name.to_string())
}

fn find(number: u16) -> Option<&'static LinkLayer> {
    LINK_LAYERS.iter().copied().find(|l| l.numbers.contains(&number))
}

/// The IP packet behind the headers that stand before it.
#[inline]
pub(super) fn network_layer(mut next: Next<'_>) -> Result<Rest<'_>, NotTcp> {
    for _ in 0..limits::LINK_HEADERS {
        next = match next {
            Next::Ip(rest) => return Ok(rest),
            Next::Link(number, rest) => (find(number).ok_or(NotTcp::UnknownLinkType(number))?.decode)(rest)?,
            Next::Ethernet(rest) => ethernet::header(rest)?,
            Next::EtherType(kind, rest) => ether_type::behind(kind, rest)?,
            Next::Llc(rest) => llc::header(rest)?,
            Next::Ppp(rest) => ppp::header(rest)?,
            Next::Mpls(rest) => mpls::labels(rest)?,
            Next::Nsh(rest) => nsh::header(rest)?,
        };
    }
    Err(NotTcp::TooDeep)
}

/// What begins like an IP packet is one; other families are of no interest.
fn ip_by_version(rest: Rest<'_>) -> Result<Next<'_>, NotTcp> {
    match rest.first().map(|b| b >> 4) {
        Some(4 | 6) => Ok(Next::Ip(rest)),
        Some(_) => Err(NotTcp::Other),
        None => rest.skip(1).and(Err(NotTcp::Malformed)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_stands_twice() {
        let mut numbers: Vec<u16> = LINK_LAYERS.iter().flat_map(|l| l.numbers).copied().collect();
        numbers.sort_unstable();
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    }
}
