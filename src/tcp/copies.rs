//! The same packet seen twice: by the `any` interface, a mirror port, at both ends of a tunnel or by two capture points.
//!
//! A copy is no retransmission. It has the same header to the letter, where a repeated segment has at least another IP
//! identification (RFC 6864) or another time stamp option (RFC 7323).

use std::net::{IpAddr, SocketAddr};

use super::table::{FlowId, Role};
use crate::ids::Timestamp;
use crate::network::Segment;

/// What a segment is, compared with the last ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Not among the last ones.
    First,
    /// Captured before.
    Copy,
    /// It carries other bytes under the sequence numbers of an earlier segment.
    Conflict,
}

/// The last segments of all flows, each at a place of its own hash: the copies of a packet come close together.
pub struct Copies {
    recent: Box<[Recent]>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Recent {
    segment: u32,
    header: u32,
    payload: u32,
    /// Milliseconds, wrapping.
    at: u32,
}

/// Segments remembered: a power of two, small enough for the processor's second cache.
const REMEMBERED: usize = 8192;
/// How far apart the copies of a packet may be that an identification or time stamp names: a slow path, two clocks.
const NAMED_WITHIN: u32 = 2000;
/// And of one that nothing names: less than any retransmission takes (RFC 6298 section 2.4).
const NAMELESS_WITHIN: u32 = 5;
/// The time stamp option and its length (RFC 7323 section 3.2).
const TIME_STAMP: [u8; 2] = [8, 10];

impl Default for Copies {
    fn default() -> Self {
        Copies { recent: vec![Recent::default(); REMEMBERED].into() }
    }
}

impl Copies {
    /// Compares a segment with the last ones and remembers it.
    #[inline]
    pub fn look(&mut self, flow: FlowId, from: Role, segment: &Segment<'_>) -> Seen {
        self.look_up(u64::from(flow.0) << 1 | from as u64, segment)
    }

    /// The same for a SYN, whose flow is not known yet.
    pub fn look_at_syn(&mut self, segment: &Segment<'_>) -> Seen {
        let end = |address: SocketAddr| {
            let ip = match address.ip() {
                IpAddr::V4(ip) => u128::from(ip.to_bits()),
                IpAddr::V6(ip) => ip.to_bits(),
            };
            mix(ip as u64 ^ u64::from(address.port()), (ip >> 64) as u64)
        };
        self.look_up(mix(end(segment.source), end(segment.destination).rotate_left(1)), segment)
    }

    #[inline]
    fn look_up(&mut self, stream: u64, segment: &Segment<'_>) -> Seen {
        let captured = segment.payload.len() as u64;
        let place = mix(
            stream << 32 ^ stream ^ u64::from(segment.seq.0),
            u64::from(segment.payload_wire_length) << 32 | captured,
        );
        let now = Recent {
            segment: (place >> 32) as u32,
            header: header(segment),
            payload: sample(segment.payload),
            at: milliseconds(segment.origin.at),
        };
        let Some(slot) = self.recent.get_mut(place as usize % REMEMBERED) else { return Seen::First };
        let before = std::mem::replace(slot, now);
        if before.segment != now.segment {
            return Seen::First;
        }
        if before.payload != now.payload {
            // A probe repeats one byte with any content (RFC 9293 section 3.8.4).
            return if captured > 1 { Seen::Conflict } else { Seen::First };
        }
        let named = segment.identification != 0 || has_time_stamp(segment.header);
        let within = if named { NAMED_WITHIN } else { NAMELESS_WITHIN };
        let apart = now.at.wrapping_sub(before.at).min(before.at.wrapping_sub(now.at));
        if before.header == now.header && apart <= within { Seen::Copy } else { Seen::First }
    }
}

/// Whether a TCP header carries a time stamp (RFC 9293 section 3.1: options are of one byte, or name their length).
fn has_time_stamp(header: &[u8]) -> bool {
    let mut options = header.get(20..).unwrap_or_default();
    // Where nearly everybody puts it.
    if options.get(2..4) == Some(&TIME_STAMP) && options.starts_with(&[1, 1]) {
        return true;
    }
    loop {
        options = match *options {
            [1, ref rest @ ..] => rest,
            [8, 10, ..] => return options.len() >= 10,
            [0, ..] | [_] | [] => return false,
            [_, length, ..] => match options.get(usize::from(length.max(2))..) {
                Some(rest) => rest,
                None => return false,
            },
        };
    }
}

/// What tells a segment from its own repetition. The checksum is left out: offload fills it in between two capture points.
#[inline]
fn header(segment: &Segment<'_>) -> u32 {
    let flags = segment.header.get(13).copied().unwrap_or_default();
    let rest = u64::from(segment.identification) << 24 | u64::from(flags) << 16 | u64::from(segment.window);
    let mut hash = mix(u64::from(segment.ack.0) << 8, rest);
    for word in segment.header.get(20..).unwrap_or_default().chunks(8) {
        hash = mix(hash, padded(word));
    }
    (hash >> 32) as u32
}

/// Both ends of a payload: enough to tell other data, cheap enough for every segment.
#[inline]
fn sample(payload: &[u8]) -> u32 {
    let mut hash = payload.len() as u64;
    for at in [0, payload.len().saturating_sub(8)] {
        if let Some(rest) = payload.get(at..) {
            hash = mix(hash, padded(rest));
        }
    }
    (hash >> 32) as u32
}

#[inline]
fn padded(bytes: &[u8]) -> u64 {
    match bytes.first_chunk::<8>() {
        Some(word) => u64::from_le_bytes(*word),
        None => bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

#[inline]
fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a ^ 0x9e37_79b9_7f4a_7c15) * u128::from(b ^ 0xe703_7ed1_a0b4_28db);
    (product >> 64) as u64 ^ product as u64
}

fn milliseconds(at: Timestamp) -> u32 {
    (at.0 / 1_000_000) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{Origin, PacketNumber, SequenceNumber};
    use crate::network::Flags;

    fn segment<'a>(at: i64, identification: u16, header: &'a [u8], payload: &'a [u8]) -> Segment<'a> {
        let any = "10.0.0.1:1".parse().expect("an address");
        Segment {
            origin: Origin { packet: PacketNumber::new(1), at: Timestamp(at * 1_000_000) },
            source: any,
            destination: any,
            seq: SequenceNumber(77),
            ack: SequenceNumber(5),
            flags: Flags::from_byte(16),
            window: 100,
            payload,
            payload_wire_length: payload.len() as u32,
            identification,
            header,
        }
    }

    fn second(first: &Segment<'_>, second: &Segment<'_>) -> Seen {
        let mut copies = Copies::default();
        assert_eq!(copies.look(FlowId(3), Role::Low, first), Seen::First);
        copies.look(FlowId(3), Role::Low, second)
    }

    #[test]
    fn a_copy_has_the_same_header() {
        let bare = [16; 20];
        let stamped = [&bare[..], &[1, 1, 8, 10, 0, 0, 0, 7, 0, 0, 0, 5]].concat();
        let later = [&bare[..], &[1, 1, 8, 10, 0, 0, 0, 8, 0, 0, 0, 5]].concat();
        let first = segment(0, 9, &bare, b"payload");
        assert_eq!(second(&first, &segment(40, 9, &bare, b"payload")), Seen::Copy);
        assert_eq!(second(&first, &segment(40, 10, &bare, b"payload")), Seen::First);
        assert_eq!(second(&first, &segment(4000, 9, &bare, b"payload")), Seen::First);
        assert_eq!(second(&first, &segment(0, 9, &bare, b"PAYLOAD")), Seen::Conflict);
        assert_eq!(second(&segment(0, 0, &stamped, b"x"), &segment(40, 0, &stamped, b"x")), Seen::Copy);
        assert_eq!(second(&segment(0, 0, &stamped, b"x"), &segment(40, 0, &later, b"x")), Seen::First);
    }

    #[test]
    fn only_a_time_stamp_names_a_segment() {
        let bare = [16; 20];
        let with = |options: &[u8]| has_time_stamp(&[&bare[..], options].concat());
        assert!(with(&[1, 1, 8, 10, 0, 0, 0, 7, 0, 0, 0, 5]));
        assert!(with(&[8, 10, 0, 0, 0, 7, 0, 0, 0, 5, 1, 1]));
        assert!(with(&[2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 7, 0, 0, 0, 5]));
        let selective = [1, 1, 5, 10, 0, 0, 8, 10, 0, 0, 9, 10];
        for none in [&selective[..], &[0, 0, 8, 10], &[5], &[5, 0, 1, 1], &[8, 10, 0, 0], &[]] {
            assert!(!with(none), "{none:?}");
        }
        // Two equal segments with a selective acknowledgement: a copy within a few milliseconds, a repetition later.
        let header = [&bare[..], &selective].concat();
        let first = segment(0, 0, &header, b"payload");
        assert_eq!(second(&first, &segment(1, 0, &header, b"payload")), Seen::Copy);
        assert_eq!(second(&first, &segment(300, 0, &header, b"payload")), Seen::First);
    }

    #[test]
    fn without_a_name_only_time_tells() {
        let bare = [16; 20];
        let first = segment(0, 0, &bare, b"payload");
        assert_eq!(second(&first, &segment(1, 0, &bare, b"payload")), Seen::Copy);
        assert_eq!(second(&first, &segment(200, 0, &bare, b"payload")), Seen::First);
    }

    #[test]
    fn flows_and_directions_are_told_apart() {
        let bare = [16; 20];
        let same = segment(0, 9, &bare, b"payload");
        let mut copies = Copies::default();
        assert_eq!(copies.look(FlowId(3), Role::Low, &same), Seen::First);
        assert_eq!(copies.look(FlowId(3), Role::High, &same), Seen::First);
        assert_eq!(copies.look(FlowId(4), Role::Low, &same), Seen::First);
        assert_eq!(copies.look(FlowId(3), Role::Low, &same), Seen::Copy);
    }
}
