//! The short way to TCP, for almost every packet of almost every capture: IPv4 without options or IPv6 without extension
//! headers, over Ethernet with up to two VLAN tags, Linux cooked capture or nothing.
//!
//! It leaves everything else, and all that is wrong with a packet, to the long way of [`walk`](super::walk), and finds
//! nothing that that would not find.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::ip::protocol;
use super::rest::be16;
use super::{Flags, Segment, link};
use crate::capture::Packet;
use crate::ids::SequenceNumber;

const IPV4: [u8; 2] = [0x08, 0x00];
const IPV6: [u8; 2] = [0x86, 0xdd];
const VLAN: [u8; 2] = [0x81, 0x00];
const SERVICE_VLAN: [u8; 2] = [0x88, 0xa8];
const IPV4_HEADER: usize = 20;
const IPV6_HEADER: usize = 40;
const TCP_HEADER: usize = 20;

/// The segment in a packet, where the short way leads to it.
#[inline]
pub(super) fn segment<'a>(packet: &Packet<'a>) -> Option<Segment<'a>> {
    let data = packet.data.get(network_layer(packet.link_type, packet.data)?..)?;
    let (source, destination, identification, ip_header, total) = match data.first()? {
        0x45 => {
            let h = data.first_chunk::<IPV4_HEADER>()?;
            let whole = h[6] & 0x3f == 0 && h[7] == 0;
            if !whole || h[9] != protocol::TCP {
                return None;
            }
            let source = IpAddr::V4(Ipv4Addr::new(h[12], h[13], h[14], h[15]));
            let destination = IpAddr::V4(Ipv4Addr::new(h[16], h[17], h[18], h[19]));
            (source, destination, be16(h[4], h[5]), IPV4_HEADER, usize::from(be16(h[2], h[3])))
        }
        0x60..=0x6f => {
            let h = data.first_chunk::<IPV6_HEADER>()?;
            let length = usize::from(be16(h[4], h[5]));
            if h[6] != protocol::TCP || length == 0 {
                return None;
            }
            let source = IpAddr::V6(Ipv6Addr::from(*h[8..].first_chunk::<16>()?));
            let destination = IpAddr::V6(Ipv6Addr::from(*h[24..].first_chunk::<16>()?));
            (source, destination, 0, IPV6_HEADER, IPV6_HEADER + length)
        }
        _ => return None,
    };
    let tcp = data.get(ip_header..)?;
    let h = tcp.first_chunk::<TCP_HEADER>()?;
    let header_length = usize::from(h[12] >> 4) * 4;
    let payload_wire_length = total.checked_sub(ip_header + header_length)?;
    if header_length < TCP_HEADER {
        return None;
    }
    let (header, rest) = tcp.split_at_checked(header_length)?;
    Some(Segment {
        origin: packet.origin,
        source: SocketAddr::new(source, be16(h[0], h[1])),
        destination: SocketAddr::new(destination, be16(h[2], h[3])),
        identification,
        seq: SequenceNumber(u32::from_be_bytes([h[4], h[5], h[6], h[7]])),
        ack: SequenceNumber(u32::from_be_bytes([h[8], h[9], h[10], h[11]])),
        flags: Flags(h[13]),
        window: be16(h[14], h[15]),
        header,
        payload: rest.get(..payload_wire_length).unwrap_or(rest),
        payload_wire_length: payload_wire_length as u32,
    })
}

/// Where the IP header begins.
#[inline]
fn network_layer(link_type: u16, data: &[u8]) -> Option<usize> {
    /// Ethernet, loopback, and devices without link headers such as those of tunnels (ARPHRD_ of Linux).
    const HARDWARE: [[u8; 2]; 3] = [[0, 1], [3, 4], [0xff, 0xfe]];
    let field = |at: usize| data.get(at..)?.first_chunk::<2>().copied();
    let (kind, start) = match link_type {
        link::ETHERNET => match field(12)? {
            VLAN | SERVICE_VLAN => match field(16)? {
                VLAN => (field(20)?, 22),
                kind => (kind, 18),
            },
            kind => (kind, 14),
        },
        link::LINUX_COOKED_1 if HARDWARE.contains(&field(2)?) => (field(14)?, 16),
        link::LINUX_COOKED_2 if HARDWARE.contains(&field(8)?) => (field(0)?, 20),
        link::RAW_IP => return Some(0),
        _ => return None,
    };
    matches!(kind, IPV4 | IPV6).then_some(start)
}
