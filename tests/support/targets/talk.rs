//! A TCP connection as a list of segments, from the bytes that its two ends send.

use std::net::{Ipv4Addr, SocketAddrV4};

use wsdiag::ids::Side;

use super::super::clothes;
use super::super::rng::Rng;
use super::super::tcp::{ACK, Built, FIN, PSH, SYN, Segment};

/// A connection that grows.
pub(super) struct Talk {
    pub(super) segments: Vec<Segment>,
    next: [u32; 2],
}

impl Talk {
    /// Its three packets of greeting; `start` is the first sequence number of both ends.
    pub(super) fn open(start: u32) -> Talk {
        let mut talk = Talk { segments: Vec::new(), next: [start, start.wrapping_add(77_000)] };
        talk.push(Side::Client, SYN, &[]);
        talk.push(Side::Server, SYN | ACK, &[]);
        talk.push(Side::Client, ACK, &[]);
        talk
    }

    /// One segment.
    pub(super) fn push(&mut self, from: Side, flags: u8, payload: &[u8]) {
        let (me, other) = (from as usize, from.other() as usize);
        let segment = Segment {
            at: self.segments.len() as i64 * 100_000,
            connection: 0,
            client: SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 50_000),
            server: SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 2), 8080),
            from,
            seq: self.next[me],
            ack: if flags & ACK != 0 { self.next[other] } else { 0 },
            flags,
            payload: payload.to_vec(),
        };
        self.next[me] = self.next[me].wrapping_add(segment.space());
        self.segments.push(segment);
    }

    /// Bytes of one end in segments whose sizes `size` gives, and their acknowledgement.
    pub(super) fn say(&mut self, from: Side, bytes: &[u8], mut size: impl FnMut() -> usize) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(size().clamp(1, 60_000).min(rest.len()));
            self.push(from, ACK | PSH, piece);
            rest = after;
        }
        if !bytes.is_empty() {
            self.push(from.other(), ACK, &[]);
        }
    }

    /// Both ends are done, the server first.
    pub(super) fn close(&mut self) {
        for from in [Side::Server, Side::Client] {
            self.push(from, FIN | ACK, &[]);
            self.push(from.other(), ACK, &[]);
        }
    }

    /// The connection as a capture.
    pub(super) fn capture(self) -> Vec<u8> {
        capture(self.segments)
    }
}

/// Segments as a capture in plain clothes, a microsecond apart.
pub(super) fn capture(mut segments: Vec<Segment>) -> Vec<u8> {
    for (nth, segment) in segments.iter_mut().enumerate() {
        segment.at = nth as i64 * 1000;
    }
    let built = Built { segments, frames: Vec::new(), ends_at: 0 };
    clothes::capture(&built, clothes::plain(), &mut Rng::new(0))
}
