//! From header to header, down to TCP or to a fragment.

use super::fragments::Fragment;
use super::ip::{self, Datagram, Ip, protocol};
use super::link;
use super::rest::Rest;
use super::{NotTcp, tunnel};
use crate::limits;

/// What follows a header of the link layer or of a tunnel.
#[derive(Debug, Clone, Copy)]
pub(super) enum Next<'a> {
    /// A frame of the link layer with this LINKTYPE number.
    Link(u16, Rest<'a>),
    /// An Ethernet header.
    Ethernet(Rest<'a>),
    /// Something with this EtherType.
    EtherType(u16, Rest<'a>),
    /// A header of IEEE 802.2.
    Llc(Rest<'a>),
    /// A PPP frame from its protocol field on, which the address and control fields may precede.
    Ppp(Rest<'a>),
    /// A stack of MPLS labels.
    Mpls(Rest<'a>),
    /// A service header (RFC 8300).
    Nsh(Rest<'a>),
    /// An IPv4 or IPv6 header; its version nibble tells which.
    Ip(Rest<'a>),
}

/// Where the headers lead.
#[derive(Debug, Clone, Copy)]
pub(super) enum Found<'a> {
    /// To a TCP header.
    Tcp(Datagram<'a>),
    /// To a fragment below so many headers of IP.
    Fragment(Fragment<'a>, usize),
}

/// Reads the headers of a packet.
#[inline]
pub(super) fn packet(link_type: u16, frame: Rest<'_>) -> Result<Found<'_>, NotTcp> {
    let first = if link_type == link::ETHERNET { Next::Ethernet(frame) } else { Next::Link(link_type, frame) };
    headers(first, 0)
}

/// Reads the headers of a datagram that was joined from fragments below `depth` headers of IP.
pub(super) fn datagram(datagram: Datagram<'_>, depth: usize) -> Result<Found<'_>, NotTcp> {
    match ip::extensions(datagram)? {
        Ip::Fragment(fragment) => Ok(Found::Fragment(fragment, depth + 1)),
        Ip::Whole(datagram) if datagram.protocol == protocol::TCP => Ok(Found::Tcp(datagram)),
        Ip::Whole(datagram) => headers(tunnel::inside(datagram.protocol, datagram.payload)?, depth + 1),
    }
}

#[inline]
fn headers(mut next: Next<'_>, depth: usize) -> Result<Found<'_>, NotTcp> {
    for depth in depth..limits::TUNNELS {
        match ip::decode(link::network_layer(next)?)? {
            Ip::Fragment(fragment) => return Ok(Found::Fragment(fragment, depth)),
            Ip::Whole(datagram) if datagram.protocol == protocol::TCP => return Ok(Found::Tcp(datagram)),
            Ip::Whole(datagram) => next = tunnel::inside(datagram.protocol, datagram.payload)?,
        }
    }
    Err(NotTcp::TooDeep)
}
