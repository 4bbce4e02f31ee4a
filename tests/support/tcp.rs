//! TCP: a conversation's steps as the segments that a capture in the middle of the link sees.

use std::net::SocketAddrV4;

use wsdiag::ids::Side;

use super::conversation::{Case, Conversation, nanoseconds};
use super::rng::Rng;
use super::steps::{Outgoing, Step};
use super::websocket::{self, Writer, Written};

/// No more data.
pub const FIN: u8 = 1;
/// Opens a connection.
pub const SYN: u8 = 2;
/// Ends it at once.
pub const RST: u8 = 4;
/// The data is to be passed on.
pub const PSH: u8 = 8;
/// The acknowledgement number counts.
pub const ACK: u8 = 16;

/// A TCP segment with its capture time.
#[derive(Debug, Clone)]
pub struct Segment {
    /// Nanoseconds since the start of the capture.
    pub at: i64,
    /// Index of its connection in the case.
    pub connection: usize,
    /// The client of its connection.
    pub client: SocketAddrV4,
    /// The server of its connection.
    pub server: SocketAddrV4,
    /// Who sent it.
    pub from: Side,
    /// Sequence number of its first byte.
    pub seq: u32,
    /// Next byte that its sender expects.
    pub ack: u32,
    /// The flags.
    pub flags: u8,
    /// Its data.
    pub payload: Vec<u8>,
}

impl Segment {
    /// Whether it neither carries data nor changes the connection's state.
    pub fn is_pure_ack(&self) -> bool {
        self.payload.is_empty() && self.flags & (SYN | FIN | RST) == 0
    }

    /// How much of the sequence space it takes.
    pub fn space(&self) -> u32 {
        self.payload.len() as u32 + u32::from(self.flags & SYN != 0) + u32::from(self.flags & FIN != 0)
    }
}

/// What a case looks like on the wire.
#[derive(Debug, Clone)]
pub struct Built {
    /// The segments of all connections, in order of time.
    pub segments: Vec<Segment>,
    /// The frames of each connection, in the order in which they were written.
    pub frames: Vec<Vec<Written>>,
    /// Nanoseconds after the start of the capture of its last packet, where that is later than the last segment.
    pub ends_at: i64,
}

/// The segments of `case` in plain clothes: nothing lost, doubled or out of order.
pub fn build(case: &Case) -> Built {
    let mut segments = Vec::new();
    let mut frames = Vec::new();
    for (index, conversation) in case.connections.iter().enumerate() {
        let mut wire = Wire::new(index, conversation);
        frames.push(wire.play(conversation, Rng::named(&case.name).next().wrapping_add(index as u64)));
        segments.append(&mut wire.segments);
    }
    segments.sort_by_key(|s| s.at); // stable: the order within a connection stays
    let last = segments.last().map_or(0, |s| s.at);
    Built { segments, frames, ends_at: last + nanoseconds(case.quiet_end) }
}

/// Data bytes of a full segment.
pub const SEGMENT: usize = 1460;
const MICROSECOND: i64 = 1000;

struct Wire<'a> {
    index: usize,
    conversation: &'a Conversation,
    now: i64,
    /// Next sequence number of client and server.
    next: [u32; 2],
    /// What each side has taken from the other: its acknowledgement number.
    taken: [u32; 2],
    vanished: [bool; 2],
    reset: bool,
    segments: Vec<Segment>,
}

impl<'a> Wire<'a> {
    fn new(index: usize, conversation: &'a Conversation) -> Wire<'a> {
        let mut rng = Rng::new(u64::from(conversation.client.port()));
        // Far from the wrap, which a clothing of its own brings in
        let mut start = || (rng.next() as u32) >> 2 | 0x1000_0000;
        let next = [start(), start()];
        Wire {
            index,
            conversation,
            now: conversation.at,
            next,
            taken: [0, 0],
            vanished: [false, false],
            reset: false,
            segments: Vec::new(),
        }
    }

    fn push(&mut self, from: Side, flags: u8, payload: &[u8]) {
        let me = from as usize;
        if self.vanished[me] {
            return;
        }
        self.segments.push(Segment {
            at: self.now,
            connection: self.index,
            client: self.conversation.client,
            server: self.conversation.server,
            from,
            seq: self.next[me],
            ack: if flags & ACK != 0 { self.taken[me] } else { 0 },
            flags,
            payload: payload.to_vec(),
        });
        let space = self.segments.last().map_or(0, Segment::space);
        self.next[me] = self.next[me].wrapping_add(space);
        self.now += 20 * MICROSECOND;
    }

    /// `side` takes everything that was sent to it and says so.
    fn acknowledge(&mut self, side: Side) {
        if self.vanished[side as usize] || self.taken[side as usize] == self.next[side.other() as usize] || self.reset {
            return;
        }
        self.taken[side as usize] = self.next[side.other() as usize];
        self.now += 40 * MICROSECOND;
        self.push(side, ACK, &[]);
    }

    fn data(&mut self, from: Side, bytes: &[u8], acknowledged: bool) {
        let count = bytes.chunks(SEGMENT).len();
        for (nth, piece) in bytes.chunks(SEGMENT).enumerate() {
            self.push(from, if nth + 1 == count { ACK | PSH } else { ACK }, piece);
            if acknowledged && nth % 2 == 1 {
                self.acknowledge(from.other());
            }
        }
        if acknowledged {
            self.acknowledge(from.other());
        }
    }

    fn play(&mut self, c: &Conversation, seed: u64) -> Vec<Written> {
        self.push(Side::Client, SYN, &[]);
        self.now += 200 * MICROSECOND;
        self.taken[Side::Server as usize] = self.next[Side::Client as usize];
        if c.refused_by_tcp {
            self.push(Side::Server, RST | ACK, &[]);
            return Vec::new();
        }
        self.push(Side::Server, SYN | ACK, &[]);
        self.now += 200 * MICROSECOND;
        self.acknowledge(Side::Client);
        self.data(Side::Client, &websocket::request(&c.handshake, seed), true);
        self.now += 500 * MICROSECOND;
        if c.handshake.answered {
            self.data(Side::Server, &websocket::response(&c.handshake, seed), true);
        }
        let mut writers = [Side::Client, Side::Server].map(|s| Writer::new(s, &c.handshake, seed ^ s as u64));
        let mut frames = Vec::new();
        for (nth, step) in c.steps.iter().enumerate() {
            self.now += 300 * MICROSECOND;
            let next_crosses = matches!(c.steps.get(nth + 1), Some(Step::Send { crossing: true, .. }));
            match step {
                Step::Send { from, what, crossing } => {
                    let bytes = match what {
                        Outgoing::Raw(bytes) => bytes.clone(),
                        Outgoing::Message(message) => {
                            let (bytes, written) = writers[*from as usize].write(message);
                            frames.extend(written);
                            bytes
                        }
                    };
                    self.data(*from, &bytes, !next_crosses);
                    if *crossing {
                        self.acknowledge(*from);
                    }
                }
                Step::Pause(time) => self.now += time,
                Step::Fin(side) => {
                    self.push(*side, FIN | ACK, &[]);
                    self.acknowledge(side.other());
                }
                Step::Rst(side) => {
                    self.push(*side, RST | ACK, &[]);
                    self.reset = true;
                }
                Step::Vanish(side) => self.vanished[*side as usize] = true,
                Step::Retransmit(side, times) => self.retransmit(*side, *times),
                Step::KeepAlive(side, times) => {
                    for _ in 0..*times {
                        self.now += nanoseconds(1.0);
                        let end = self.next[*side as usize];
                        self.next[*side as usize] = end.wrapping_sub(1);
                        self.push(*side, ACK, &[]);
                        self.next[*side as usize] = end;
                    }
                }
            }
        }
        frames
    }

    fn retransmit(&mut self, side: Side, times: u32) {
        let last =
            self.segments.iter().rev().find(|s| s.from == side && s.space() > 0).expect("something was sent").clone();
        for nth in 0..times {
            self.now += nanoseconds(0.2) << nth.min(8);
            self.segments.push(Segment { at: self.now, ..last.clone() });
        }
    }
}
