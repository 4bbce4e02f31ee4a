//! Flows by their addresses.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

use crate::ids::SequenceNumber;
use crate::limits;
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

/// Where the record of a live flow is kept. Places are used again, so one counts only together with its flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place(pub u32);

/// Where a segment belongs.
#[derive(Debug, Clone, Copy)]
pub struct Lookup {
    /// The flow.
    pub flow: FlowId,
    /// Its place.
    pub place: Place,
    /// Its `tcp.stream` in the file of this segment, when this is its first one there; Wireshark counts in each file anew.
    pub first_in_file: Option<u32>,
    /// Who sent the segment.
    pub from: Role,
    /// Whether this is the flow's first segment.
    pub new: bool,
    /// The flow that had these addresses until now, when they were used again.
    pub replaced: Option<(Place, FlowId)>,
}

/// IPv4 in 12 bytes: most captures hold nothing else, and a small key keeps the table in the cache.
type KeyV4 = [u32; 3];
type KeyV6 = (Ipv6Addr, Ipv6Addr, u32);

/// What the table itself has to remember of a flow.
#[derive(Debug, Clone, Copy)]
struct Slot {
    flow: FlowId,
    place: Place,
    /// First sequence number of each end, to tell a new connection from a repeated SYN; counts where `begun` says so.
    first: [SequenceNumber; 2],
    begun: [bool; 2],
    ended: bool,
    /// The file of its last segment.
    file: u16,
}

/// The flows of one IP version, and their keys in the order in which they came.
#[derive(Debug)]
struct Known<K> {
    slots: HashMap<K, Slot>,
    oldest: VecDeque<K>,
}

impl<K> Default for Known<K> {
    fn default() -> Self {
        Known { slots: HashMap::default(), oldest: VecDeque::new() }
    }
}

/// The flows seen, as many as [`limits::FLOWS`] of each IP version.
#[derive(Debug, Default)]
pub struct FlowTable {
    v4: Known<KeyV4>,
    v6: Known<KeyV6>,
    numbers: Numbers,
}

/// The numbers given so far.
#[derive(Debug, Default)]
struct Numbers {
    flows: u32,
    places: u32,
    free: Vec<Place>,
    streams: Streams,
}

/// Flows looked at for one to forget; a capture of nothing but WebSockets may keep them all.
const CANDIDATES: usize = 64;

impl FlowTable {
    /// The files other than the first that hold segments of a flow, and its `tcp.stream` in each.
    #[must_use]
    pub fn elsewhere(&self, flow: FlowId) -> Option<&[(u16, u32)]> {
        self.numbers.streams.elsewhere(flow)
    }

    /// Finds the flow of a segment.
    ///
    /// As in Wireshark, a SYN begins a new flow when its sequence number differs from the one that this end began with, or
    /// when the flow of these addresses had ended. A `copy` of the SYN that began it comes from another capture point: it
    /// takes a number, for Wireshark gives it one, but begins nothing.
    #[inline]
    pub fn lookup(&mut self, segment: &Segment<'_>, copy: bool) -> Lookup {
        match (segment.source.ip(), segment.destination.ip()) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                let a = (u32::from(source), segment.source.port());
                let b = (u32::from(destination), segment.destination.port());
                let (from, low, high) = if a <= b { (Role::Low, a, b) } else { (Role::High, b, a) };
                let key = [low.0, high.0, u32::from(low.1) << 16 | u32::from(high.1)];
                self.v4.resolve(key, from, (segment, copy), &mut self.numbers)
            }
            (source, destination) => {
                let a = (v6(source), segment.source.port());
                let b = (v6(destination), segment.destination.port());
                let (from, low, high) = if a <= b { (Role::Low, a, b) } else { (Role::High, b, a) };
                let key = (low.0, high.0, u32::from(low.1) << 16 | u32::from(high.1));
                self.v6.resolve(key, from, (segment, copy), &mut self.numbers)
            }
        }
    }

    /// Gives a place back: the flow there is not followed any more.
    pub fn release(&mut self, place: Place) {
        self.numbers.free.push(place);
    }

    /// Forgets old flows where more than [`limits::FLOWS`] are known, none that `is_needed`. Hands the forgotten ones to
    /// `forget`; packets of them that still come look like those of a new flow.
    pub fn shed(&mut self, is_needed: impl Fn(Place, FlowId) -> bool, mut forget: impl FnMut(Place, FlowId)) {
        self.v4.shed(&is_needed, &mut forget);
        self.v6.shed(&is_needed, &mut forget);
    }
}

impl<K: std::hash::Hash + Eq + Copy> Known<K> {
    #[inline]
    fn resolve(&mut self, key: K, from: Role, (segment, copy): (&Segment<'_>, bool), numbers: &mut Numbers) -> Lookup {
        let file = segment.origin.packet.file() as u16;
        match self.slots.entry(key) {
            Entry::Vacant(vacant) => {
                let slot = *vacant.insert(numbers.slot(from, segment, file));
                self.oldest.push_back(key);
                let first_in_file = Some(numbers.streams.next(file));
                Lookup { flow: slot.flow, place: slot.place, first_in_file, from, new: true, replaced: None }
            }
            Entry::Occupied(mut occupied) => {
                let slot = occupied.get_mut();
                let me = from.index();
                let is_new = segment.flags.syn()
                    && !segment.flags.ack()
                    && slot.begun[me]
                    && (slot.first[me] != segment.seq || slot.ended);
                if is_new && !copy {
                    let replaced = Some((slot.place, slot.flow));
                    *slot = numbers.slot(from, segment, file);
                    let first_in_file = Some(numbers.streams.next(file));
                    return Lookup { flow: slot.flow, place: slot.place, first_in_file, from, new: true, replaced };
                }
                if !slot.begun[me] {
                    slot.begun[me] = true;
                    slot.first[me] = segment.seq;
                }
                slot.ended |= segment.flags.rst() || segment.flags.fin();
                let mut first_in_file = None;
                if slot.file != file {
                    first_in_file = numbers.streams.moved(slot.flow, &mut slot.file, file);
                } else if is_new {
                    // Wireshark numbers it as another stream.
                    numbers.streams.next(file);
                }
                Lookup { flow: slot.flow, place: slot.place, first_in_file, from, new: false, replaced: None }
            }
        }
    }

    fn shed(&mut self, is_needed: impl Fn(Place, FlowId) -> bool, forget: &mut impl FnMut(Place, FlowId)) {
        for _ in 0..CANDIDATES {
            if self.slots.len() <= limits::FLOWS {
                return;
            }
            let Some(key) = self.oldest.pop_front() else { return };
            let Some(slot) = self.slots.get(&key) else { continue };
            if is_needed(slot.place, slot.flow) {
                self.oldest.push_back(key);
            } else {
                forget(slot.place, slot.flow);
                self.slots.remove(&key);
            }
        }
    }
}

impl Numbers {
    fn slot(&mut self, from: Role, segment: &Segment<'_>, file: u16) -> Slot {
        let place = self.free.pop().unwrap_or_else(|| {
            self.places += 1;
            Place(self.places - 1)
        });
        let flow = FlowId(self.flows);
        self.flows = self.flows.wrapping_add(1);
        let mut begun = [false; 2];
        begun[from.index()] = true;
        let ended = segment.flags.rst() || segment.flags.fin();
        Slot { flow, place, first: [segment.seq; 2], begun, ended, file }
    }
}

fn v6(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V6(a) => a,
        IpAddr::V4(a) => a.to_ipv6_mapped(),
    }
}

/// The two addresses of a flow, lower first.
#[must_use]
pub fn ordered(a: SocketAddr, b: SocketAddr) -> [SocketAddr; 2] {
    if (v6(a.ip()), a.port()) <= (v6(b.ip()), b.port()) { [a, b] } else { [b, a] }
}
