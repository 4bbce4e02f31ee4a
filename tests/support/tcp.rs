//! TCP: a conversation's steps as the segments that a capture in the middle of the link sees.

use std::net::SocketAddrV4;

use wsdiag::ids::Side;

use super::conversation::{Case, Conversation, nanoseconds};
use super::http2::Http2;
use super::rng::Rng;
use super::steps::{Outgoing, Step};
use super::tls::{Protection, Tls};
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

/// What lies between TCP and the WebSocket.
#[derive(Debug, Clone, Copy, Default)]
pub struct Between {
    /// TLS.
    pub tls: Option<Protection>,
    /// HTTP/2 in place of HTTP/1.1.
    pub http2: bool,
}

/// The segments of `case` in plain clothes: nothing lost, doubled or out of order.
pub fn build(case: &Case) -> Built {
    build_in(case, Between::default()).0
}

/// [`build`] with something between TCP and the WebSockets, and the key log of all connections.
pub fn build_in(case: &Case, between: Between) -> (Built, String) {
    let mut segments = Vec::new();
    let mut frames = Vec::new();
    let mut key_log = String::new();
    for (index, conversation) in case.connections.iter().enumerate() {
        let mut wire = Wire::new(index, conversation);
        let seed = Rng::named(&case.name).next().wrapping_add(index as u64);
        wire.http2 = between.http2.then(|| Http2::new(seed));
        let alpn = if between.http2 { "h2" } else { "http/1.1" };
        wire.tls = between.tls.map(|protection| Tls::new(protection, alpn, seed ^ 0x5555));
        frames.push(wire.play(conversation, seed));
        segments.append(&mut wire.segments);
        key_log += wire.tls.as_ref().map_or("", |tls| &tls.key_log);
    }
    segments.sort_by_key(|s| s.at); // stable: the order within a connection stays
    let last = segments.last().map_or(0, |s| s.at);
    (Built { segments, frames, ends_at: last + nanoseconds(case.quiet_end) }, key_log)
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
    http2: Option<Http2>,
    tls: Option<Tls>,
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
            http2: None,
            tls: None,
            segments: Vec::new(),
        }
    }

    /// What is said before the first request.
    fn greet(&mut self) {
        for (from, bytes) in self.tls.as_mut().map(Tls::greet).unwrap_or_default() {
            self.now += 300 * MICROSECOND;
            self.segments_of(from, &bytes, true);
        }
        for from in [Side::Client, Side::Server] {
            if let Some(bytes) = self.http2.as_ref().map(|http2| http2.greet(from)) {
                self.sealed(from, &bytes, true);
            }
        }
    }

    /// Bytes of a WebSocket.
    fn data(&mut self, from: Side, bytes: &[u8], acknowledged: bool) {
        match &mut self.http2 {
            Some(http2) => {
                let bytes = http2.wrap(bytes);
                self.sealed(from, &bytes, acknowledged);
            }
            None => self.sealed(from, bytes, acknowledged),
        }
    }

    /// Bytes that TLS protects, where there is TLS.
    fn sealed(&mut self, from: Side, bytes: &[u8], acknowledged: bool) {
        match &mut self.tls {
            Some(tls) => {
                let bytes = tls.wrap(from, bytes);
                self.segments_of(from, &bytes, acknowledged);
            }
            None => self.segments_of(from, bytes, acknowledged),
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

    fn segments_of(&mut self, from: Side, bytes: &[u8], acknowledged: bool) {
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
        self.greet();
        let request = websocket::request(&c.handshake, seed);
        let request = self.http2.as_mut().map(|http2| http2.request(&request)).unwrap_or(request);
        self.sealed(Side::Client, &request, true);
        self.now += 500 * MICROSECOND;
        if c.handshake.answered {
            let response = websocket::response(&c.handshake, seed);
            let response = self.http2.as_mut().map(|http2| http2.response(&response)).unwrap_or(response);
            self.sealed(Side::Server, &response, true);
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
                    if let Some(bytes) = self.http2.as_ref().map(Http2::farewell) {
                        self.sealed(*side, &bytes, false);
                    }
                    if let Some(tls) = &mut self.tls {
                        let bytes = tls.farewell(*side);
                        self.segments_of(*side, &bytes, false);
                    }
                    self.push(*side, FIN | ACK, &[]);
                    self.acknowledge(side.other());
                }
                Step::Rst(side) => {
                    if let Some(bytes) = self.http2.as_ref().map(Http2::reset) {
                        self.sealed(*side, &bytes, false);
                    }
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
