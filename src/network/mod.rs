//! From a captured packet to its TCP segment: link layers, tunnels, IP and its fragments.

mod fragments;
mod ip;
mod link;
mod plain;
mod rest;
mod tcp;
mod tunnel;
mod walk;

use std::net::SocketAddr;

use crate::capture::Packet;
use crate::ids::{Origin, SequenceNumber};
use crate::limits;
use fragments::{Fragment, Fragments};
use rest::Rest;
use walk::Found;

pub use fragments::{FragmentLosses, Tally};
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
    /// The packet it came in; for one that came in fragments, the packet that completed it.
    pub origin: Origin,
    /// Who sent it, by the innermost IP header.
    pub source: SocketAddr,
    /// To whom.
    pub destination: SocketAddr,
    /// Identification of the innermost IPv4 header; 0 in IPv6, which has none.
    pub identification: u16,
    /// Sequence number of its first byte.
    pub seq: SequenceNumber,
    /// Acknowledgement number; counts only with the ACK bit.
    pub ack: SequenceNumber,
    /// Control bits.
    pub flags: Flags,
    /// Receive window as on the wire, not scaled.
    pub window: u16,
    /// The TCP header with its options, as far as captured: at least its first 20 bytes.
    pub header: &'a [u8],
    /// The payload captured.
    pub payload: &'a [u8],
    /// Its length on the wire: more than `payload.len()` when the snap length cut the packet.
    pub payload_wire_length: u32,
}

/// What a packet that gives no TCP segment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotTcp {
    /// Another protocol, or a copy of what was joined already: nothing to see for this tool.
    Other,
    /// A fragment that waits for others. Those that wait in vain are in [`FragmentLosses`].
    Fragment,
    /// A link type that is not known.
    UnknownLinkType(u16),
    /// An EtherType that is not known.
    UnknownEtherType(u16),
    /// A tunnel or encapsulation that is not decoded; what it is.
    Undecoded(&'static str),
    /// An encrypted tunnel or link; what it is.
    Encrypted(&'static str),
    /// More headers than `limits` allows.
    TooDeep,
    /// The snap length cut the packet before the end of its headers.
    Cut,
    /// Headers that contradict each other.
    Malformed,
}

/// Finds the TCP segments in the packets of a capture.
#[derive(Debug, Default)]
pub struct Decoder {
    fragments: Fragments,
}

impl Decoder {
    /// The TCP segment in a packet, below all link layers and tunnels, or the one that its fragment completes.
    ///
    /// # Errors
    /// What the packet is instead.
    #[inline]
    pub fn decode<'a>(&'a mut self, packet: &Packet<'a>) -> Result<Segment<'a>, NotTcp> {
        match plain::segment(packet) {
            Some(segment) => Ok(segment),
            None => self.any(packet),
        }
    }

    /// What fragments cost: the capture is over.
    #[must_use]
    pub fn finish(self) -> FragmentLosses {
        self.fragments.finish()
    }

    #[inline(never)]
    fn any<'a>(&'a mut self, packet: &Packet<'a>) -> Result<Segment<'a>, NotTcp> {
        match walk::packet(packet.link_type, Rest::new(packet.data, packet.wire_length))? {
            Found::Tcp(datagram) => tcp::segment(packet.origin, datagram.envelope, datagram.payload),
            Found::Fragment(fragment, depth) => self.join(packet.origin, fragment, depth),
        }
    }

    #[cold]
    fn join(&mut self, origin: Origin, fragment: Fragment<'_>, depth: usize) -> Result<Segment<'_>, NotTcp> {
        let mut key = self.fragments.add(origin, fragment)?;
        // What was joined may be a tunnel, with fragments inside.
        for depth in depth..limits::TUNNELS {
            let datagram = self.fragments.joined(key).ok_or(NotTcp::Fragment)?;
            let Found::Fragment(inner, _) = walk::datagram(datagram, depth)? else {
                // Once more: the segment borrows from the table, which the loop may still have changed.
                let datagram = self.fragments.joined(key).ok_or(NotTcp::Fragment)?;
                let Found::Tcp(datagram) = walk::datagram(datagram, depth)? else { break };
                return tcp::segment(origin, datagram.envelope, datagram.payload);
            };
            let copy = inner.payload.bytes().to_vec();
            let payload = Rest::new(&copy, inner.payload.wire());
            key = self.fragments.add(origin, Fragment { payload, ..inner })?;
        }
        Err(NotTcp::TooDeep)
    }
}

#[cfg(test)]
mod tests;
