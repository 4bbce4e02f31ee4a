//! IPv4 (RFC 791) and IPv6 (RFC 8200) headers, with extension headers and fragments.

use std::net::IpAddr;

use etherparse::{Ipv4HeaderSlice, Ipv6HeaderSlice, err};

use super::NotTcp;
use super::fragments::{Fragment, Key};
use super::rest::{Rest, be16};
use super::tcp::Envelope;
use crate::limits;

/// Numbers of the protocols above IP (IANA "Protocol Numbers").
pub(super) mod protocol {
    pub(in crate::network) const IPV4: u8 = 4;
    pub(in crate::network) const TCP: u8 = 6;
    pub(in crate::network) const UDP: u8 = 17;
    pub(in crate::network) const IPV6: u8 = 41;
    pub(in crate::network) const GRE: u8 = 47;
    pub(in crate::network) const ESP: u8 = 50;
    pub(in crate::network) const AUTHENTICATION: u8 = 51;
    pub(in crate::network) const MINIMAL_ENCAPSULATION: u8 = 55;
    pub(in crate::network) const ETHERIP: u8 = 97;
    pub(in crate::network) const IPCOMP: u8 = 108;
    pub(in crate::network) const L2TP: u8 = 115;
    pub(in crate::network) const MPLS: u8 = 137;
    pub(in crate::network) const ETHERNET: u8 = 143;
}

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const DESTINATION_OPTIONS: u8 = 60;
const MOBILITY: u8 = 135;
const HOST_IDENTITY: u8 = 139;
const SHIM6: u8 = 140;

/// What an IP header leads to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ip<'a> {
    Whole(Datagram<'a>),
    Fragment(Fragment<'a>),
}

/// The whole payload of an IP packet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Datagram<'a> {
    pub(super) envelope: Envelope,
    pub(super) protocol: u8,
    pub(super) payload: Rest<'a>,
}

/// Reads the header at the beginning of `rest`, and the extension headers that follow it.
#[inline]
pub(super) fn decode(rest: Rest<'_>) -> Result<Ip<'_>, NotTcp> {
    match rest.bytes().first().map(|b| b >> 4) {
        Some(4) => version_4(rest),
        Some(6) => version_6(rest),
        Some(_) => Err(NotTcp::Malformed),
        None => rest.skip(1).and(Err(NotTcp::Malformed)),
    }
}

#[inline]
fn version_4(rest: Rest<'_>) -> Result<Ip<'_>, NotTcp> {
    let header = match Ipv4HeaderSlice::from_slice(rest.bytes()) {
        Ok(header) => header,
        Err(err::ipv4::HeaderSliceError::Len(error)) => return Err(rest.lacks(error.required_len)),
        Err(err::ipv4::HeaderSliceError::Content(_)) => return Err(NotTcp::Malformed),
    };
    let (length, total) = (header.slice().len(), header.total_len());
    if total != 0 && usize::from(total) < length {
        return Err(NotTcp::Malformed);
    }
    // Segmentation offload leaves the length at zero: the packet's own length counts.
    let rest = if total == 0 { rest } else { rest.until(u32::from(total)) };
    let payload = rest.skip(length)?;
    let (source, destination) = (IpAddr::V4(header.source_addr()), IpAddr::V4(header.destination_addr()));
    let (identification, protocol) = (header.identification(), header.protocol().0);
    if header.is_fragmenting_payload() {
        let key = Key { source, destination, identification: u32::from(identification), protocol };
        let offset = u32::from(header.fragments_offset().value()) * 8;
        return Ok(Ip::Fragment(Fragment { key, protocol, offset, more: header.more_fragments(), payload }));
    }
    extensions(Datagram { envelope: Envelope { source, destination, identification }, protocol, payload })
}

fn version_6(rest: Rest<'_>) -> Result<Ip<'_>, NotTcp> {
    let header = match Ipv6HeaderSlice::from_slice(rest.bytes()) {
        Ok(header) => header,
        Err(err::ipv6::HeaderSliceError::Len(error)) => return Err(rest.lacks(error.required_len)),
        Err(err::ipv6::HeaderSliceError::Content(_)) => return Err(NotTcp::Malformed),
    };
    let length = header.payload_length();
    // Zero stands for offload here too, and for jumbograms, whose length is the packet's.
    let rest = if length == 0 { rest } else { rest.until(u32::from(length) + 40) };
    let (source, destination) = (IpAddr::V6(header.source_addr()), IpAddr::V6(header.destination_addr()));
    let envelope = Envelope { source, destination, identification: 0 };
    extensions(Datagram { envelope, protocol: header.next_header().0, payload: rest.skip(40)? })
}

/// What stands behind the extension headers of a packet, or of one that was joined from fragments.
#[inline]
pub(super) fn extensions(mut datagram: Datagram<'_>) -> Result<Ip<'_>, NotTcp> {
    let version_6 = datagram.envelope.source.is_ipv6();
    for _ in 0..limits::EXTENSION_HEADERS {
        let payload = datagram.payload;
        let (h, length) = match datagram.protocol {
            protocol::AUTHENTICATION => {
                let h = payload.header::<8>()?.0;
                (h, (usize::from(h[1]) + 2) * 4)
            }
            HOP_BY_HOP | ROUTING | DESTINATION_OPTIONS | MOBILITY | HOST_IDENTITY | SHIM6 if version_6 => {
                let h = payload.header::<8>()?.0;
                (h, (usize::from(h[1]) + 1) * 8)
            }
            FRAGMENT if version_6 => {
                let h = payload.header::<8>()?.0;
                let place = be16(h[2], h[3]);
                let (more, offset) = (place & 1 != 0, u32::from(place & 0xfff8));
                if more || offset > 0 {
                    let Envelope { source, destination, .. } = datagram.envelope;
                    let identification = u32::from_be_bytes([h[4], h[5], h[6], h[7]]);
                    let key = Key { source, destination, identification, protocol: 0 };
                    let payload = payload.skip(8)?;
                    return Ok(Ip::Fragment(Fragment { key, protocol: h[0], offset, more, payload }));
                }
                (h, 8) // a packet that is its only fragment (RFC 6946)
            }
            _ => return Ok(Ip::Whole(datagram)),
        };
        datagram.protocol = h[0];
        datagram.payload = payload.skip(length)?;
    }
    Err(NotTcp::TooDeep)
}
