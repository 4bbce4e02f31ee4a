//! Flows by their addresses.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

use crate::ids::SequenceNumber;
use crate::network::Segment;

use super::streams::Streams;

/// A flow's index, in order of its first packet in the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowId(pub u32);

/// Which end of a flow sent a segment, by the order of the addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The end with the lower address.
    Low,
    /// The end with the higher address.
    High,
}

impl Role {
    /// 0 or 1.
    #[must_use]
    #[inline]
    pub fn index(self) -> usize {
        self as usize
    }
}

/// Where a segment belongs.
#[derive(Debug, Clone, Copy)]
pub struct Lookup {
    /// The flow.
    pub flow: FlowId,
    /// Its `tcp.stream` in the file of this segment, when this is its first one there; Wireshark counts in each file anew.
    pub first_in_file: Option<u32>,
    /// Who sent the segment.
    pub from: Role,
    /// Whether this is the flow's first segment.
    pub new: bool,
    /// The flow that had these addresses until now, when they were used again.
    pub replaced: Option<FlowId>,
}

/// IPv4 in 12 bytes: most captures hold nothing else, and a small key keeps the table in the cache.
type KeyV4 = [u32; 3];
type KeyV6 = (Ipv6Addr, Ipv6Addr, u32);

/// What the table itself has to remember of a flow.
#[derive(Debug, Clone, Copy)]
struct Slot {
    flow: FlowId,
    /// First sequence number of each end, to tell a new connection from a repeated SYN.
    first: [Option<SequenceNumber>; 2],
    ended: bool,
    /// The file of its last segment.
    file: u16,
}

/// All flows seen.
#[derive(Debug, Default)]
pub struct FlowTable {
    v4: HashMap<KeyV4, Slot>,
    v6: HashMap<KeyV6, Slot>,
    flows: u32,
    streams: Streams,
}

impl FlowTable {
    /// The files other than the first that hold segments of a flow, and its `tcp.stream` in each.
    #[must_use]
    pub fn elsewhere(&self, flow: FlowId) -> Option<&[(u16, u32)]> {
        self.streams.elsewhere(flow)
    }

    /// Finds the flow of a segment.
    ///
    /// As in Wireshark, a SYN begins a new flow when its sequence number differs from the one that this end began with, or
    /// when the flow of these addresses had ended.
    #[inline]
    pub fn lookup(&mut self, segment: &Segment<'_>) -> Lookup {
        match (segment.source.ip(), segment.destination.ip()) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                let a = (u32::from(source), segment.source.port());
                let b = (u32::from(destination), segment.destination.port());
                let (from, low, high) = if a <= b { (Role::Low, a, b) } else { (Role::High, b, a) };
                let key = [low.0, high.0, u32::from(low.1) << 16 | u32::from(high.1)];
                resolve(self.v4.entry(key), from, segment, &mut self.flows, &mut self.streams)
            }
            (source, destination) => {
                let a = (v6(source), segment.source.port());
                let b = (v6(destination), segment.destination.port());
                let (from, low, high) = if a <= b { (Role::Low, a, b) } else { (Role::High, b, a) };
                let key = (low.0, high.0, u32::from(low.1) << 16 | u32::from(high.1));
                resolve(self.v6.entry(key), from, segment, &mut self.flows, &mut self.streams)
            }
        }
    }
}

fn v6(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V6(a) => a,
        IpAddr::V4(a) => a.to_ipv6_mapped(),
    }
}

#[inline]
fn resolve<K: std::hash::Hash + Eq, S: std::hash::BuildHasher>(
    entry: Entry<'_, K, Slot, S>,
    from: Role,
    segment: &Segment<'_>,
    flows: &mut u32,
    streams: &mut Streams,
) -> Lookup {
    let file = segment.origin.packet.file() as u16;
    let mut new_slot = || {
        let mut first = [None; 2];
        first[from.index()] = Some(segment.seq);
        let flow = FlowId(*flows);
        *flows += 1;
        Slot { flow, first, ended: segment.flags.rst() || segment.flags.fin(), file }
    };
    match entry {
        Entry::Vacant(vacant) => {
            let slot = vacant.insert(new_slot());
            let first_in_file = Some(streams.next(file));
            Lookup { flow: slot.flow, first_in_file, from, new: true, replaced: None }
        }
        Entry::Occupied(mut occupied) => {
            let slot = occupied.get_mut();
            let begun = slot.first[from.index()];
            if segment.flags.syn() && !segment.flags.ack() && begun.is_some_and(|f| f != segment.seq || slot.ended) {
                let replaced = Some(slot.flow);
                *slot = new_slot();
                let first_in_file = Some(streams.next(file));
                return Lookup { flow: slot.flow, first_in_file, from, new: true, replaced };
            }
            if begun.is_none() {
                slot.first[from.index()] = Some(segment.seq);
            }
            slot.ended |= segment.flags.rst() || segment.flags.fin();
            let first_in_file = if slot.file == file { None } else { streams.moved(slot.flow, &mut slot.file, file) };
            Lookup { flow: slot.flow, first_in_file, from, new: false, replaced: None }
        }
    }
}

/// The two addresses of a flow, lower first.
#[must_use]
pub fn ordered(a: SocketAddr, b: SocketAddr) -> [SocketAddr; 2] {
    if (v6(a.ip()), a.port()) <= (v6(b.ip()), b.port()) { [a, b] } else { [b, a] }
}
