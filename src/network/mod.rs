//! From a captured packet to its TCP segment: link layer, VLAN tags, IP.

mod link;

use std::net::{IpAddr, SocketAddr};

use etherparse::{IpNumber, LaxIpSlice, LenSource, TcpSlice};

use crate::capture::Packet;
use crate::ids::{Origin, SequenceNumber};

pub use link::link_type_name;

/// TCP control bits (RFC 9293 section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flags(u8);

impl Flags {
    const FIN: u8 = 0x01;
    const SYN: u8 = 0x02;
    const RST: u8 = 0x04;
    const ACK: u8 = 0x10;

    /// The control bits of byte 13 of a TCP header.
    #[must_use]
    pub fn from_byte(byte: u8) -> Flags {
        Flags(byte)
    }
    /// FIN: no more data from the sender.
    #[must_use]
    pub fn fin(self) -> bool {
        self.0 & Flags::FIN != 0
    }
    /// SYN: the sequence number is the initial one.
    #[must_use]
    pub fn syn(self) -> bool {
        self.0 & Flags::SYN != 0
    }
    /// RST: the connection is reset.
    #[must_use]
    pub fn rst(self) -> bool {
        self.0 & Flags::RST != 0
    }
    /// ACK: the acknowledgement number counts.
    #[must_use]
    pub fn ack(self) -> bool {
        self.0 & Flags::ACK != 0
    }
}

/// One TCP segment.
#[derive(Debug, Clone, Copy)]
pub struct Segment<'a> {
    /// The packet it came in.
    pub origin: Origin,
    /// Who sent it.
    pub source: SocketAddr,
    /// To whom.
    pub destination: SocketAddr,
    /// Sequence number of its first byte.
    pub seq: SequenceNumber,
    /// Acknowledgement number; counts only with the ACK bit.
    pub ack: SequenceNumber,
    /// Control bits.
    pub flags: Flags,
    /// Receive window as on the wire, not scaled.
    pub window: u16,
    /// IPv4 identification of the innermost IP header; 0 where there is none.
    pub identification: u16,
    /// The captured bytes of the TCP header, options included.
    pub header: &'a [u8],
    /// The payload captured.
    pub payload: &'a [u8],
    /// Its length on the wire: more than `payload.len()` when the snap length cut the packet.
    pub payload_wire_length: u32,
}

/// What a packet that holds no readable TCP segment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotTcp {
    /// Another protocol: nothing to see for this tool.
    Other,
    /// A fragment of an IP packet that carries TCP.
    Fragment,
    /// A link type that is not known.
    UnknownLinkType(u16),
    /// A tunnel or header that is not decoded; its name.
    Undecoded(&'static str),
    /// Headers cut or contradicting each other.
    Malformed,
}

/// Finds the TCP segment in a packet.
///
/// # Errors
/// What the packet is instead.
#[inline]
pub fn decode<'a>(packet: &Packet<'a>) -> Result<Segment<'a>, NotTcp> {
    let (ip, before) = link::network_layer(packet.link_type, packet.data)?;
    // Bytes of the IP packet on the wire, for lengths that offload left at zero.
    let wire = packet.wire_length.saturating_sub(u32::try_from(before).unwrap_or(u32::MAX));
    decode_ip(packet.origin, ip, wire)
}

fn decode_ip(origin: Origin, ip: &[u8], wire: u32) -> Result<Segment<'_>, NotTcp> {
    let (packet, _) = LaxIpSlice::from_slice(ip).map_err(|_| NotTcp::Malformed)?;
    let (source, destination, total, identification) = match &packet {
        LaxIpSlice::Ipv4(v4) => {
            let header = v4.header();
            let total = u32::from(header.total_len());
            (IpAddr::V4(header.source_addr()), IpAddr::V4(header.destination_addr()), total, header.identification())
        }
        LaxIpSlice::Ipv6(v6) => {
            let header = v6.header();
            let length = u32::from(header.payload_length());
            let total = if length == 0 { 0 } else { length + 40 };
            (IpAddr::V6(header.source_addr()), IpAddr::V6(header.destination_addr()), total, 0)
        }
    };
    let payload = packet.payload();
    match payload.ip_number {
        IpNumber::TCP => {}
        IpNumber::GRE => return Err(NotTcp::Undecoded("GRE")),
        IpNumber::IPV4 | IpNumber::IPV6 => return Err(NotTcp::Undecoded("IP in IP")),
        IpNumber::UDP if is_vxlan(payload.payload) => return Err(NotTcp::Undecoded("VXLAN")),
        _ => return Err(NotTcp::Other),
    }
    if payload.fragmented {
        return Err(NotTcp::Fragment);
    }
    // Length of the TCP segment on the wire: from the IP header, or from the packet where offload left the header at 0.
    let header_length = u32::try_from(payload.payload.as_ptr() as usize - ip.as_ptr() as usize).unwrap_or(u32::MAX);
    let segment_length = match payload.len_source {
        LenSource::Slice if total <= header_length => wire.saturating_sub(header_length),
        _ => total.saturating_sub(header_length),
    };
    decode_tcp(origin, (source, destination), payload.payload, segment_length, identification)
}

fn decode_tcp(
    origin: Origin,
    (source, destination): (IpAddr, IpAddr),
    bytes: &[u8],
    length: u32,
    identification: u16,
) -> Result<Segment<'_>, NotTcp> {
    let Ok(tcp) = TcpSlice::from_slice(bytes) else {
        return cut_header(origin, (source, destination), bytes, length, identification);
    };
    let header = u32::from(tcp.data_offset()) * 4;
    Ok(Segment {
        origin,
        source: SocketAddr::new(source, tcp.source_port()),
        destination: SocketAddr::new(destination, tcp.destination_port()),
        seq: SequenceNumber(tcp.sequence_number()),
        ack: SequenceNumber(tcp.acknowledgment_number()),
        flags: Flags(tcp.slice()[13]),
        window: tcp.window_size(),
        identification,
        header: tcp.header_slice(),
        payload: tcp.payload(),
        payload_wire_length: length.saturating_sub(header).max(u32::try_from(tcp.payload().len()).unwrap_or(0)),
    })
}

/// A snap length that cuts the options of a TCP header leaves everything that counts.
fn cut_header(
    origin: Origin,
    (source, destination): (IpAddr, IpAddr),
    bytes: &[u8],
    length: u32,
    identification: u16,
) -> Result<Segment<'_>, NotTcp> {
    let header = bytes.first_chunk::<20>().ok_or(NotTcp::Malformed)?;
    let header_length = u32::from(header[12] >> 4) * 4;
    if header_length < 20 || header_length > length {
        return Err(NotTcp::Malformed);
    }
    Ok(Segment {
        origin,
        source: SocketAddr::new(source, u16::from_be_bytes([header[0], header[1]])),
        destination: SocketAddr::new(destination, u16::from_be_bytes([header[2], header[3]])),
        seq: SequenceNumber(u32::from_be_bytes([header[4], header[5], header[6], header[7]])),
        ack: SequenceNumber(u32::from_be_bytes([header[8], header[9], header[10], header[11]])),
        flags: Flags(header[13]),
        window: u16::from_be_bytes([header[14], header[15]]),
        identification,
        header: bytes,
        payload: &[],
        payload_wire_length: length - header_length,
    })
}

/// UDP to the port of VXLAN (RFC 7348) with its flag byte.
fn is_vxlan(udp: &[u8]) -> bool {
    udp.get(2..4) == Some(&[0x12, 0xb5]) && udp.get(8).is_some_and(|flags| flags & 0x08 != 0)
}
