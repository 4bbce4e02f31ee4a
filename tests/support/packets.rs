//! Packets: segments under IP and link-layer headers, with right checksums.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV4};

use wsdiag::ids::Side;

use super::layers::{Layer, Typed};
use super::links::{Rare, hardware};
use super::tcp::Segment;

/// A packet as a capture file keeps it.
#[derive(Debug, Clone)]
pub struct Packet {
    /// Nanoseconds since the start of the capture.
    pub at: i64,
    /// From the link-layer header on.
    pub bytes: Vec<u8>,
}

/// A link layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// Ethernet; what the server sends is padded to 60 bytes, as on the far side of a real link.
    Ethernet,
    /// Ethernet with an 802.1Q tag.
    Vlan,
    /// Ethernet with an 802.1ad and an 802.1Q tag.
    QinQ,
    /// Linux cooked capture, version 1.
    Cooked1,
    /// Linux cooked capture, version 2.
    Cooked2,
    /// BSD loopback; the family is in the byte order of the machine.
    Loopback {
        /// Of that machine.
        big_endian: bool,
    },
    /// No link layer.
    RawIp,
    /// Another one.
    Rare(Rare),
}

impl Link {
    /// LINKTYPE_ value (tcpdump.org/linktypes.html).
    pub fn number(self) -> u32 {
        match self {
            Link::Loopback { .. } => 0,
            Link::Ethernet | Link::Vlan | Link::QinQ => 1,
            Link::RawIp => 101,
            Link::Cooked1 => 113,
            Link::Cooked2 => 276,
            Link::Rare(rare) => rare.number(),
        }
    }

    /// `payload` of the given EtherType under this link's header.
    fn wrap(self, ether_type: u16, from: Side, payload: &[u8]) -> Vec<u8> {
        let (target, source) = hardware(from);
        let mut bytes = Vec::with_capacity(payload.len() + 24);
        match self {
            Link::Ethernet | Link::Vlan | Link::QinQ => {
                bytes.extend_from_slice(&target);
                bytes.extend_from_slice(&source);
                if self == Link::QinQ {
                    bytes.extend_from_slice(&[0x88, 0xA8, 0, 7]);
                }
                if self != Link::Ethernet {
                    bytes.extend_from_slice(&[0x81, 0, 0, 42]);
                }
                bytes.extend_from_slice(&ether_type.to_be_bytes());
            }
            Link::Cooked1 => {
                let direction: u16 = if from == Side::Client { 0 } else { 4 };
                bytes.extend_from_slice(&direction.to_be_bytes());
                bytes.extend_from_slice(&[0, 1, 0, 6]);
                bytes.extend_from_slice(&source);
                bytes.extend_from_slice(&[0, 0]);
                bytes.extend_from_slice(&ether_type.to_be_bytes());
            }
            Link::Cooked2 => {
                bytes.extend_from_slice(&ether_type.to_be_bytes());
                bytes.extend_from_slice(&[0, 0, 0, 0, 0, 3, 0, 1, if from == Side::Client { 0 } else { 4 }, 6]);
                bytes.extend_from_slice(&source);
                bytes.extend_from_slice(&[0, 0]);
            }
            Link::Loopback { big_endian } => {
                let family: u32 = if ether_type == IPV6 { 30 } else { 2 };
                bytes.extend_from_slice(&if big_endian { family.to_be_bytes() } else { family.to_le_bytes() });
            }
            Link::RawIp => {}
            Link::Rare(rare) => return rare.wrap(ether_type, from, payload),
        }
        bytes.extend_from_slice(payload);
        if matches!(self, Link::Ethernet | Link::Vlan | Link::QinQ) && from == Side::Server && bytes.len() < 60 {
            bytes.resize(60, 0);
        }
        bytes
    }
}

/// The version of IP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ip {
    /// Version 4.
    V4,
    /// Version 6; an address a.b.c.d becomes fd00::a.b.c.d.
    V6,
}

/// EtherType.
pub const IPV4: u16 = 0x0800;
/// EtherType.
pub const IPV6: u16 = 0x86DD;
const ARP: u16 = 0x0806;
const TCP: u8 = 6;
const UDP: u8 = 17;

/// A segment as a packet.
pub fn segment(s: &Segment, link: Link, ip: Ip, identification: u16) -> Packet {
    let (kind, bytes) = ip_packet(s, ip, identification);
    Packet { at: s.at, bytes: link.wrap(kind, s.from, &bytes) }
}

/// A segment inside layers, given from the inside out: one packet, or one for each fragment.
pub fn layered(s: &Segment, link: Link, ip: Ip, layers: &[Layer], identification: u16) -> Vec<Packet> {
    let mut packets = vec![ip_packet(s, ip, identification)];
    for layer in layers {
        let around = |(nth, packet)| layer.around(packet, s.from, identification.wrapping_add(nth as u16 * 7919));
        packets = packets.into_iter().enumerate().flat_map(around).collect();
    }
    // A nanosecond apart, so that what followed still follows
    let place =
        |(nth, (kind, bytes)): (usize, Typed)| Packet { at: s.at + nth as i64, bytes: link.wrap(kind, s.from, &bytes) };
    packets.into_iter().enumerate().map(place).collect()
}

fn ip_packet(s: &Segment, ip: Ip, identification: u16) -> Typed {
    let (source, target) = if s.from == Side::Client { (s.client, s.server) } else { (s.server, s.client) };
    let syn = s.flags & super::tcp::SYN != 0;
    let options: &[u8] = if syn { &[2, 4, 0x05, 0xB4] } else { &[] }; // maximum segment size 1460
    let mut tcp = Vec::with_capacity(24 + s.payload.len());
    tcp.extend_from_slice(&source.port().to_be_bytes());
    tcp.extend_from_slice(&target.port().to_be_bytes());
    tcp.extend_from_slice(&s.seq.to_be_bytes());
    tcp.extend_from_slice(&s.ack.to_be_bytes());
    tcp.push(((20 + options.len()) as u8 / 4) << 4);
    tcp.push(s.flags);
    tcp.extend_from_slice(&65_535u16.to_be_bytes());
    tcp.extend_from_slice(&[0; 4]);
    tcp.extend_from_slice(options);
    tcp.extend_from_slice(&s.payload);
    under_ip(ip, TCP, (source, target), tcp, identification)
}

/// A UDP datagram that asks a name server, from the client's machine.
pub fn dns_query(at: i64, client: Ipv4Addr, link: Link, ip: Ip, number: u16) -> Packet {
    let mut udp = Vec::new();
    udp.extend_from_slice(&(40_000 + number % 1000).to_be_bytes());
    udp.extend_from_slice(&53u16.to_be_bytes());
    udp.extend_from_slice(&[0; 4]);
    udp.extend_from_slice(&number.to_be_bytes());
    udp.extend_from_slice(&[1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    udp.extend_from_slice(b"\x03api\x07example\x03com\x00\x00\x01\x00\x01");
    let length = udp.len() as u16;
    udp[4..6].copy_from_slice(&length.to_be_bytes());
    let ends = (SocketAddrV4::new(client, 40_000 + number % 1000), SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 53), 53));
    let (kind, bytes) = under_ip(ip, UDP, ends, udp, number);
    Packet { at, bytes: link.wrap(kind, Side::Client, &bytes) }
}

/// An ARP request, for links that have it.
pub fn arp(at: i64, client: Ipv4Addr, link: Link) -> Option<Packet> {
    let mut bytes = vec![0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1];
    bytes.extend_from_slice(&client.octets());
    bytes.extend_from_slice(&[0, 0, 0, 0, 0, 0, 10, 0, 0, 254]);
    let carries = !matches!(link, Link::RawIp | Link::Loopback { .. } | Link::Rare(_));
    carries.then(|| Packet { at, bytes: link.wrap(ARP, Side::Client, &bytes) })
}

fn under_ip(
    ip: Ip,
    protocol: u8,
    (source, target): (SocketAddrV4, SocketAddrV4),
    mut body: Vec<u8>,
    identification: u16,
) -> Typed {
    let (source, target) = match ip {
        Ip::V4 => (source.ip().octets().to_vec(), target.ip().octets().to_vec()),
        Ip::V6 => (version6(*source.ip()).octets().to_vec(), version6(*target.ip()).octets().to_vec()),
    };
    let pseudo = [source.as_slice(), &target, &(body.len() as u32).to_be_bytes(), &[0, 0, 0, protocol]].concat();
    let field = if protocol == TCP { 16 } else { 6 };
    let mut sum = checksum(&[&pseudo, &body]);
    if sum == 0 && protocol == UDP {
        sum = 0xFFFF;
    }
    body[field..field + 2].copy_from_slice(&sum.to_be_bytes());
    let (ether_type, mut header) = match ip {
        Ip::V4 => {
            let length = u16::try_from(20 + body.len()).expect("a segment fits an IPv4 packet");
            let mut h = vec![0x45, 0];
            h.extend_from_slice(&length.to_be_bytes());
            h.extend_from_slice(&identification.to_be_bytes());
            h.extend_from_slice(&[0x40, 0, 64, protocol, 0, 0]); // do not fragment
            h.extend_from_slice(&source);
            h.extend_from_slice(&target);
            let sum = checksum(&[&h]);
            h[10..12].copy_from_slice(&sum.to_be_bytes());
            (IPV4, h)
        }
        Ip::V6 => {
            let length = u16::try_from(body.len()).expect("a segment fits an IPv6 packet");
            let mut h = vec![0x60, 0, 0, 0];
            h.extend_from_slice(&length.to_be_bytes());
            h.extend_from_slice(&[protocol, 64]);
            h.extend_from_slice(&source);
            h.extend_from_slice(&target);
            (IPV6, h)
        }
    };
    header.extend_from_slice(&body);
    (ether_type, header)
}

/// The IPv6 address that stands for an IPv4 one.
pub fn version6(a: Ipv4Addr) -> Ipv6Addr {
    let [a, b, c, d] = a.octets().map(u16::from);
    Ipv6Addr::new(0xFD00, 0, 0, 0, 0, 0, a << 8 | b, c << 8 | d)
}

/// The Internet checksum (RFC 1071) over parts of even length but the last.
pub fn checksum(parts: &[&[u8]]) -> u16 {
    let mut sum: u64 = 0;
    for part in parts {
        for pair in part.chunks(2) {
            sum += u64::from(pair[0]) << 8 | u64::from(pair.get(1).copied().unwrap_or(0));
        }
    }
    while sum > 0xFFFF {
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    !(sum as u16)
}
