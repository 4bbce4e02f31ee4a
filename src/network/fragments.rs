//! Datagrams that came in fragments (RFC 791 section 3.2, RFC 8200 section 4.5), joined again.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

use hashbrown::HashMap;

use super::ip::{Datagram, protocol};
use super::rest::Rest;
use super::tcp::Envelope;
use super::{NotTcp, tunnel};
use crate::ids::{Origin, PacketNumber};
use crate::limits;

/// What makes fragments belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    pub(super) identification: u32,
    /// In IPv4; 0 in IPv6, where the first fragment alone tells it.
    pub(super) protocol: u8,
}

/// One fragment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fragment<'a> {
    pub(super) key: Key,
    /// What stands behind the header.
    pub(super) protocol: u8,
    /// Where its bytes belong.
    pub(super) offset: u32,
    /// Whether it is not the last.
    pub(super) more: bool,
    pub(super) payload: Rest<'a>,
}

/// How often something was seen, and the first packets that showed it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// How often.
    pub count: u64,
    /// The first packets, at most [`Tally::EXAMPLES`].
    pub packets: Vec<PacketNumber>,
}

impl Tally {
    /// Packets that are kept as examples.
    pub const EXAMPLES: usize = 3;

    /// Counts one more.
    pub fn add(&mut self, packet: PacketNumber) {
        self.count += 1;
        if self.packets.len() < Self::EXAMPLES {
            self.packets.push(packet);
        }
    }
}

/// What fragments cost the view of a capture.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FragmentLosses {
    /// Datagrams of which fragments are missing.
    pub incomplete: Tally,
    /// Of those, the ones of which the first fragment alone is there, as behind a filter by port.
    pub first_only: u64,
    /// Datagrams given up because a cap of `limits` was reached.
    pub given_up: Tally,
    /// Fragments that overlap earlier ones of their datagram without repeating them.
    pub overlapping: Tally,
    /// Of those, the ones whose bytes differ from the earlier ones.
    pub conflicting: u64,
}

/// The datagrams of which fragments have been seen.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    table: HashMap<Key, Entry>,
    /// Those that wait for fragments, oldest first.
    waiting: BTreeMap<u64, Key>,
    /// Those that wait no longer, oldest first; they tell copies of their fragments from new ones.
    settled: VecDeque<(u64, Key)>,
    next_serial: u64,
    /// Memory of those that wait.
    bytes: usize,
    losses: FragmentLosses,
}

#[derive(Debug)]
struct Entry {
    serial: u64,
    state: State,
}

#[derive(Debug)]
enum State {
    Waiting(Waiting),
    Joined(Joined),
    /// Carries neither TCP nor a tunnel.
    Beside,
}

#[derive(Debug)]
struct Waiting {
    first_seen: Origin,
    protocol: u8,
    /// Its length, once the last fragment was seen.
    total: Option<u32>,
    /// By offset, without overlap.
    pieces: BTreeMap<u32, Piece>,
    /// Bytes of the datagram that the pieces stand for.
    covered: u32,
    /// Memory that the pieces take.
    bytes: usize,
}

#[derive(Debug)]
struct Piece {
    wire: u32,
    bytes: Vec<u8>,
}

#[derive(Debug)]
struct Joined {
    protocol: u8,
    /// Up to the first byte that the snap length cut.
    bytes: Vec<u8>,
    wire: u32,
}

/// Memory that a piece takes beside its bytes, roughly.
const PIECE_OVERHEAD: usize = 96;
/// The longest payload of an IPv4 packet, and of a joined IPv6 one.
const LONGEST: u32 = 65_535;

impl Fragments {
    /// Takes a fragment; the key of its datagram when that is complete now.
    ///
    /// # Errors
    /// [`NotTcp::Fragment`] while fragments are missing, [`NotTcp::Other`] for what is of no interest or came before.
    #[cold]
    pub(super) fn add(&mut self, origin: Origin, fragment: Fragment<'_>) -> Result<Key, NotTcp> {
        let Fragment { key, offset, more, payload, .. } = fragment;
        if !tunnel::may_carry(fragment.protocol) {
            return Err(NotTcp::Other);
        }
        let wire = payload.wire();
        if wire == 0 || (more && wire % 8 != 0) || wire > LONGEST - offset.min(LONGEST) {
            return Err(NotTcp::Malformed);
        }
        match self.table.get(&key).map(|e| &e.state) {
            Some(State::Joined(joined)) if joined.holds(offset, payload) => return Err(NotTcp::Other),
            Some(State::Beside) if offset > 0 => return Err(NotTcp::Other),
            Some(State::Joined(_) | State::Beside) => {
                self.table.remove(&key);
            }
            Some(State::Waiting(w)) if origin.at.since(w.first_seen.at) > limits::FRAGMENT_LIFETIME => {
                if let Some(given_up) = self.take_waiting(key) {
                    self.losses.missed(&given_up);
                }
            }
            _ => {}
        }
        if offset == 0 && fragment.protocol == protocol::UDP && !tunnel::udp_may_carry(payload) {
            self.take_waiting(key);
            self.settle(key, State::Beside);
            return Err(NotTcp::Other);
        }
        let serial = self.next_serial;
        let entry = self.table.entry(key).or_insert_with(|| {
            self.next_serial += 1;
            self.waiting.insert(serial, key);
            Entry { serial, state: State::Waiting(Waiting::new(origin, fragment.protocol)) }
        });
        let State::Waiting(waiting) = &mut entry.state else { return Err(NotTcp::Fragment) };
        let before = waiting.bytes;
        waiting.add(origin.packet, fragment, &mut self.losses);
        self.bytes += waiting.bytes - before;
        let (complete, too_many) = (waiting.is_complete(), waiting.pieces.len() > limits::FRAGMENTS_OF_DATAGRAM);
        if (complete || too_many)
            && let Some(taken) = self.take_waiting(key)
        {
            if complete {
                self.settle(key, State::Joined(taken.join()));
                return Ok(key);
            }
            self.losses.given_up.add(taken.first_seen.packet);
        }
        self.keep_within_limits();
        Err(NotTcp::Fragment)
    }

    /// A datagram that was completed.
    pub(super) fn joined(&self, key: Key) -> Option<Datagram<'_>> {
        let State::Joined(joined) = &self.table.get(&key)?.state else { return None };
        let identification = if key.source.is_ipv4() { key.identification as u16 } else { 0 };
        Some(Datagram {
            envelope: Envelope { source: key.source, destination: key.destination, identification },
            protocol: joined.protocol,
            payload: Rest::new(&joined.bytes, joined.wire),
        })
    }

    /// What was lost: the capture is over.
    pub(super) fn finish(mut self) -> FragmentLosses {
        for key in self.waiting.values() {
            if let Some(Entry { state: State::Waiting(waiting), .. }) = self.table.get(key) {
                self.losses.missed(waiting);
            }
        }
        self.losses
    }

    fn take_waiting(&mut self, key: Key) -> Option<Waiting> {
        let entry = self.table.remove(&key)?;
        let State::Waiting(waiting) = entry.state else { return None };
        self.waiting.remove(&entry.serial);
        self.bytes -= waiting.bytes;
        Some(waiting)
    }

    fn settle(&mut self, key: Key, state: State) {
        let serial = self.next_serial;
        self.next_serial += 1;
        self.table.insert(key, Entry { serial, state });
        self.settled.push_back((serial, key));
        if self.settled.len() > limits::JOINED_DATAGRAMS
            && let Some((serial, old)) = self.settled.pop_front()
            && self.table.get(&old).is_some_and(|e| e.serial == serial)
        {
            self.table.remove(&old);
        }
    }

    fn keep_within_limits(&mut self) {
        while self.bytes > limits::FRAGMENT_BYTES || self.waiting.len() > limits::FRAGMENTED_DATAGRAMS {
            let Some(oldest) = self.waiting.first_key_value().map(|(_, key)| *key) else { return };
            let Some(given_up) = self.take_waiting(oldest) else { return };
            self.losses.given_up.add(given_up.first_seen.packet);
        }
    }
}

impl FragmentLosses {
    fn missed(&mut self, waiting: &Waiting) {
        self.incomplete.add(waiting.first_seen.packet);
        self.first_only += u64::from(waiting.pieces.len() == 1 && waiting.pieces.contains_key(&0));
    }
}

impl Waiting {
    fn new(first_seen: Origin, protocol: u8) -> Waiting {
        Waiting { first_seen, protocol, total: None, pieces: BTreeMap::new(), covered: 0, bytes: 0 }
    }

    /// Keeps what is new of a fragment: of bytes that came before the first copy counts.
    fn add(&mut self, packet: PacketNumber, fragment: Fragment<'_>, losses: &mut FragmentLosses) {
        let (start, end) = (fragment.offset, fragment.offset + fragment.payload.wire());
        let repeated = self.pieces.get(&start).is_some_and(|p| start + p.wire == end);
        let mut differs = false;
        if start == 0 {
            self.protocol = fragment.protocol;
        }
        if !fragment.more {
            differs |= self.total.is_some_and(|t| t != end);
            self.total.get_or_insert(end);
        }
        let known_end = self.pieces.last_key_value().map_or(0, |(from, piece)| from + piece.wire);
        differs |= self.total.is_some_and(|t| end.max(known_end) > t);
        let bytes = fragment.payload.bytes();
        // The parts of the fragment that lie between the pieces there are.
        let (mut at, mut new) = (start, Vec::new());
        let before = self.pieces.range(..start).next_back().filter(|(from, p)| **from + p.wire > start);
        for (&from, piece) in before.into_iter().chain(self.pieces.range(start..end)) {
            if from > at {
                new.push((at, from));
            }
            differs |= !agree(start, bytes, from, &piece.bytes);
            at = at.max(from + piece.wire);
        }
        let untouched = at == start && new.is_empty();
        if at < end {
            new.push((at, end));
        }
        for (from, to) in new {
            let place = |at: u32| ((at - start) as usize).min(bytes.len());
            let bytes = bytes[place(from)..place(to)].to_vec();
            self.bytes += bytes.len() + PIECE_OVERHEAD;
            self.covered += to - from;
            self.pieces.insert(from, Piece { wire: to - from, bytes });
        }
        if differs || !(untouched || repeated) {
            losses.overlapping.add(packet);
            losses.conflicting += u64::from(differs);
        }
    }

    fn is_complete(&self) -> bool {
        let end = self.pieces.last_key_value().map_or(0, |(from, piece)| from + piece.wire);
        // Pieces do not overlap: as many bytes as there must be, up to the end, leave no hole.
        self.total == Some(self.covered) && end == self.covered
    }

    fn join(self) -> Joined {
        let mut bytes = Vec::with_capacity(self.covered as usize);
        for piece in self.pieces.into_values() {
            bytes.extend_from_slice(&piece.bytes);
            if piece.bytes.len() < piece.wire as usize {
                break;
            }
        }
        Joined { protocol: self.protocol, bytes, wire: self.covered }
    }
}

impl Joined {
    /// Whether a fragment is a copy of what is here already.
    fn holds(&self, offset: u32, payload: Rest<'_>) -> bool {
        offset + payload.wire() <= self.wire && agree(offset, payload.bytes(), 0, &self.bytes)
    }
}

/// Whether two runs of bytes, each with its offset, are the same where both have bytes.
fn agree(a_start: u32, a: &[u8], b_start: u32, b: &[u8]) -> bool {
    let (a_start, b_start) = (a_start as usize, b_start as usize);
    let from = a_start.max(b_start);
    let to = (a_start + a.len()).min(b_start + b.len());
    from >= to || a[from - a_start..to - a_start] == b[from - b_start..to - b_start]
}

#[cfg(test)]
#[path = "fragments_tests.rs"]
mod tests;
