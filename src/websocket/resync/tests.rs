use super::*;
use crate::connection::{Sent, Sure};
use crate::ids::{PacketNumber, Timestamp};
use crate::websocket::{Scratch, Session, Stage};

/// A small generator (xorshift), the same on every machine.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| (self.next() >> 24) as u8).collect()
    }
}

/// A frame of the server.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        n @ 0..126 => bytes.push(n as u8),
        n @ 126..0x1_0000 => {
            bytes.push(126);
            bytes.extend_from_slice(&(n as u16).to_be_bytes());
        }
        n => {
            bytes.push(127);
            bytes.extend_from_slice(&(n as u64).to_be_bytes());
        }
    }
    bytes.extend_from_slice(payload);
    bytes
}

/// What a server sent of which `bytes` are in the capture, in segments of `size`; `None` stands for 1,000 lost bytes.
fn read(pieces: &[Option<Vec<u8>>], size: usize) -> Sent {
    let search = || Search::new(Expected { side: None, deflate: false }, limits::PROBE_WINDOW);
    let mut session = Session::joined(0, [search(), search()], false);
    let (mut scratch, mut frames) = (Scratch::default(), |_: &crate::websocket::FrameSeen| {});
    let mut offset = 0;
    let mut packet = 0;
    let mut stage =
        Stage { scratch: &mut scratch, now: Origin::default(), acknowledged: StreamOffset(0), on_frame: &mut frames };
    for piece in pieces {
        let Some(bytes) = piece else {
            let now = stage.now;
            session.gap(&mut stage, Side::Server, StreamOffset(offset), 1000, now, GapCause::Lost);
            offset += 1000;
            continue;
        };
        for segment in bytes.chunks(size) {
            packet += 1;
            stage.now = Origin { packet: PacketNumber::new(packet), at: Timestamp(0) };
            let now = stage.now;
            session.data(&mut stage, Side::Server, StreamOffset(offset), segment, now);
            offset += segment.len() as u64;
        }
    }
    session.finish(&mut stage, [true, true]).2
}

/// A text frame alone in its segment.
fn text(n: u64) -> Vec<u8> {
    let more = "a word ".repeat(n as usize % 5);
    frame(0x81, format!("{{\"message\":{n},\"of\":\"the server\",\"says\":\"{more}\"}}").as_bytes())
}

#[test]
fn noise_of_a_payload_whose_header_was_lost_is_no_frame() {
    for seed in 1..60 {
        let mut noise = Noise(seed * 0x9e37_79b9);
        let size = 40_000 + (noise.next() % 200_000) as usize;
        let payload = noise.bytes(size);
        let close = frame(0x88, b"\x03\xe9bye");
        let pieces = [None, Some(payload), Some(text(1)), Some(text(2)), Some(close)];
        let sent = read(&pieces, 1448);
        assert_eq!((sent.messages, sent.closes.len()), (2, 1), "seed {seed}: {:?}", sent.lost.resyncs);
        assert_eq!(sent.lost.unreadable_bytes, size as u64, "seed {seed}");
        assert_eq!(sent.closes[0].code, Some(1001));
        assert!(sent.violations.is_empty());
    }
}

#[test]
fn frames_larger_than_the_window_are_counted_through() {
    let mut noise = Noise(3);
    let sizes = [700_000, 300_000, 2_000_000];
    let frames: Vec<Vec<u8>> = sizes.iter().map(|n| frame(0x82, &noise.bytes(*n))).collect();
    let sent = read(&[None, Some(frames.concat()), Some(frame(0x88, b"\x03\xf1"))], 1448);
    assert_eq!((sent.messages, sent.lost.unreadable_bytes), (3, 0), "{:?}", sent.lost.resyncs);
    assert_eq!(sent.largest_message(), Some(2_000_000));
    assert_eq!(sent.closes.len(), 1);
    assert_eq!(sent.lost.resyncs.len(), 1);
}

#[test]
fn frames_that_no_segment_begins_with_are_found() {
    let mut noise = Noise(9);
    let mut stream = noise.bytes(777);
    for n in 0..300 {
        stream.extend(text(n));
    }
    let sent = read(&[None, Some(stream)], 1448);
    assert!(sent.messages >= 298, "{} messages, {:?}", sent.messages, sent.lost.resyncs);
    assert!(sent.lost.unreadable_bytes >= 777 && sent.lost.unreadable_bytes < 900);
    assert_eq!(sent.lost.resyncs[0].sure, Sure::Certain);
}

#[test]
fn a_close_is_found_behind_a_hole_and_before_garbage() {
    for reason in ["", "server is shutting down, come back later"] {
        let close = frame(0x88, &[&1001u16.to_be_bytes()[..], reason.as_bytes()].concat());
        let alone = read(&[Some(text(1)), None, Some(close.clone())], 1448);
        assert_eq!(alone.closes.len(), 1, "{reason:?} alone");
        // In a segment that begins with the end of a lost message.
        let mut noise = Noise(5);
        let behind = [noise.bytes(300), close.clone()].concat();
        let behind = read(&[Some(text(1)), None, Some(behind)], 1448);
        assert_eq!(behind.closes.len(), 1, "{reason:?} behind a payload");
        assert!(behind.closes[0].searched);
        let garbage = [close, b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()].concat();
        let garbage = read(&[Some(text(1)), None, Some(garbage)], 1448);
        assert_eq!(garbage.closes.len(), 1, "{reason:?} before garbage");
    }
}

#[test]
fn a_length_that_was_misread_does_not_swallow_the_close() {
    // What looks like the header of a large binary frame, with a plausible frame before it.
    let mut noise = Noise(11);
    let lie = [frame(0x82, &noise.bytes(200)), vec![0x82, 126, 0xff, 0xff], noise.bytes(900)].concat();
    let mut pieces = vec![None, Some(lie)];
    pieces.extend((0..6).map(|n| Some(text(n))));
    pieces.push(Some(frame(0x88, b"\x03\xe8")));
    let sent = read(&pieces, 1448);
    assert_eq!(sent.closes.len(), 1, "{:?}", sent.lost.resyncs);
    assert!(sent.messages >= 6, "{} messages, {:?}", sent.messages, sent.lost.resyncs);
}

#[test]
fn segments_of_one_byte_are_searched_too() {
    let stream: Vec<u8> = (0..40).flat_map(text).chain(frame(0x88, b"\x03\xe8")).collect();
    let sent = read(&[None, Some(stream)], 1);
    assert_eq!((sent.messages, sent.closes.len()), (40, 1), "{:?}", sent.lost.resyncs);
}
