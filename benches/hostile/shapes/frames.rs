//! What two ends may write into a WebSocket.

use std::io;

use super::{DENSE, Shape};
use crate::rng::Rng;
use crate::wire::{ACK, CLIENT, Capture, Connection, SEGMENT, SERVER, frame};

pub(super) const SHAPES: &[Shape] = &[
    Shape::new(DENSE, "ordinary text messages of some 14 bytes, many in a segment", dense),
    Shape::new("empty-messages", "text messages of 0 bytes: frames of 2 bytes", |out| {
        repeated(out, SERVER, &[0x81, 0])
    }),
    Shape::new("empty-fragments", "one message in millions of empty fragments", empty_fragments),
    Shape::new("pings", "empty pings from both sides", pings),
    Shape::new("closes", "Close frames after the Close", |out| repeated(out, SERVER, &[0x88, 2, 3, 0xe8])),
    Shape::new("bad-text", "text messages of one byte that is no UTF-8", |out| repeated(out, SERVER, &[0x81, 1, 0xff])),
    Shape::new("bad-text-long", "text messages of 2 kB that are no UTF-8", bad_text_long),
    Shape::new("odd-frames", "every frame breaks a rule: reserved bits and opcodes, wrong masks", odd_frames),
    Shape::new("frames-by-the-byte", "small frames in segments of one byte", |out| by_the_byte(out, false)),
    Shape::new("text-by-the-byte", "one text message in segments of one byte", |out| by_the_byte(out, true)),
    Shape::new("noise-after-holes", "random bytes with a hole before every segment", |out| holes(out, Noise::Random)),
    Shape::new("headers-after-holes", "bytes that all look like headers, behind holes", |out| {
        holes(out, Noise::Headers)
    }),
    Shape::new("closes-after-holes", "bytes that all look like Close frames, behind holes", |out| {
        holes(out, Noise::Closes)
    }),
    Shape::new("long-search", "no frame is found again after one hole, whose bytes almost make chains", long_search),
];

/// Both sides send bursts of small messages and acknowledge them.
fn dense(out: &mut Capture) -> io::Result<()> {
    let mut rng = Rng::new(1);
    let mut number = 0;
    while !out.is_full() {
        let mut c = Connection::upgraded(out, number, None)?;
        number += 1;
        for _ in 0..300 {
            let from = rng.below(2);
            let mut burst = Vec::new();
            for _ in 0..50 + rng.below(150) {
                let text = format!("{{\"id\":{}}}", rng.below(1_000_000));
                burst.extend(frame(from, 0x81, text.as_bytes()));
            }
            c.send(out, from, &burst)?;
            c.acknowledge(out, 1 - from)?;
        }
        for from in [CLIENT, SERVER] {
            c.send(out, from, &frame(from, 0x88, &[3, 0xe8]))?;
        }
        c.close(out)?;
    }
    Ok(())
}

/// The same bytes for ever, in full segments.
pub(super) fn repeated(out: &mut Capture, from: usize, unit: &[u8]) -> io::Result<()> {
    let mut c = Connection::upgraded(out, 0, None)?;
    let bytes = unit.repeat(64 * SEGMENT / unit.len());
    while !out.is_full() {
        c.send(out, from, &bytes)?;
        c.acknowledge(out, 1 - from)?;
    }
    Ok(())
}

fn empty_fragments(out: &mut Capture) -> io::Result<()> {
    let mut c = Connection::upgraded(out, 0, None)?;
    c.send(out, SERVER, &[0x01, 0])?;
    let bytes = [0, 0].repeat(32 * SEGMENT);
    while !out.is_full() {
        c.send(out, SERVER, &bytes)?;
        c.acknowledge(out, CLIENT)?;
    }
    Ok(())
}

fn pings(out: &mut Capture) -> io::Result<()> {
    let mut c = Connection::upgraded(out, 0, None)?;
    while !out.is_full() {
        for from in [SERVER, CLIENT] {
            c.send(out, from, &frame(from, 0x89, b"").repeat(400))?;
        }
    }
    Ok(())
}

fn bad_text_long(out: &mut Capture) -> io::Result<()> {
    let mut c = Connection::upgraded(out, 0, None)?;
    let payload: Vec<u8> = b"Gr\xfc\xdfe aus K\xf6ln! ".iter().copied().cycle().take(2000).collect();
    while !out.is_full() {
        c.send(out, SERVER, &frame(SERVER, 0x81, &payload))?;
    }
    Ok(())
}

fn odd_frames(out: &mut Capture) -> io::Result<()> {
    let mut c = Connection::upgraded(out, 0, None)?;
    let mut rng = Rng::new(2);
    while !out.is_full() {
        let mut bytes = Vec::new();
        while bytes.len() < 64 * SEGMENT {
            let first = rng.next() as u8 | 0x10;
            let mask = if rng.once_in(2) { 0x80 } else { 0 };
            bytes.extend([first, mask | 3]);
            bytes.extend_from_slice(&[1, 2, 3, 4][..if mask == 0 { 0 } else { 4 }]);
            bytes.extend_from_slice(b"abc");
        }
        c.send(out, SERVER, &bytes)?;
    }
    Ok(())
}

fn by_the_byte(out: &mut Capture, one_message: bool) -> io::Result<()> {
    let mut c = Connection::upgraded(out, 0, None)?;
    if one_message {
        c.send(out, SERVER, &[0x81, 127, 0, 0, 1, 0, 0, 0, 0, 0])?;
    }
    let bytes = if one_message { b"text ".repeat(20) } else { frame(SERVER, 0x81, b"abc").repeat(20) };
    while !out.is_full() {
        c.send_in(out, SERVER, &bytes, 1)?;
        c.acknowledge(out, CLIENT)?;
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Noise {
    Random,
    Headers,
    Closes,
}

/// A segment is missing between every two, and acknowledged.
fn holes(out: &mut Capture, noise: Noise) -> io::Result<()> {
    let mut rng = Rng::new(3);
    let mut c = Connection::upgraded(out, 0, None)?;
    c.lose(SERVER, 100);
    while !out.is_full() {
        let bytes: Vec<u8> = match noise {
            Noise::Random => (0..SEGMENT).map(|_| rng.next() as u8).collect(),
            Noise::Headers => [0x81, 0x7e, 0x00].iter().copied().cycle().take(SEGMENT).collect(),
            Noise::Closes => [0x88, 0x02, 0x03, 0xf1, 0x88].iter().copied().cycle().take(SEGMENT).collect(),
        };
        c.send(out, SERVER, &bytes)?;
        c.lose(SERVER, 10);
        // an acknowledgement covers the hole, and patience for late copies runs out
        c.send(out, SERVER, &bytes[..100])?;
        c.acknowledge(out, CLIENT)?;
        c.acknowledge(out, CLIENT)?;
    }
    Ok(())
}

/// One hole, then bytes in which every place begins two plausible frames, and never three.
fn long_search(out: &mut Capture) -> io::Result<()> {
    let mut c = Connection::upgraded(out, 0, None)?;
    c.lose(SERVER, 100);
    let mut unit = Vec::new();
    for _ in 0..250 {
        unit.extend([0x82, 0x7d]); // each announces 125 bytes and leads to another
    }
    unit.extend([0xff; 60]);
    while !out.is_full() {
        c.send(out, SERVER, &unit)?;
        out.tcp(&c.ends, CLIENT, (c.next[CLIENT], c.next[SERVER]), ACK, b"")?;
    }
    Ok(())
}
