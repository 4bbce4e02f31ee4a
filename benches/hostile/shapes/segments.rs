//! What TCP may do to a stream.

use std::io;

use super::Shape;
use crate::rng::Rng;
use crate::wire::{ACK, CLIENT, Capture, Connection, FIN, RST, SEGMENT, SERVER, SYN, frame};

pub(super) const SHAPES: &[Shape] = &[
    Shape::new("reversed", "every thousand small segments come in reverse order", |out| {
        disordered(out, Order::Reversed, 60)
    }),
    Shape::new("shuffled", "every thousand small segments come in random order", |out| {
        disordered(out, Order::Random, 60)
    }),
    Shape::new("shuffled-bytes", "the same with segments of one byte", |out| disordered(out, Order::Random, 1)),
    Shape::new("outside-in", "every thousand segments from both ends to the middle", |out| {
        disordered(out, Order::OutsideIn, 1)
    }),
    Shape::new("overlapping", "every segment repeats all of the one before but a byte", |out| overlapping(out, false)),
    Shape::new("overlapping-early", "the same behind a hole that stays for a thousand segments", |out| {
        overlapping(out, true)
    }),
    Shape::new("repeated", "one segment for ever", repeated),
    Shape::new("behind-a-hole", "a hole that nobody acknowledges: the window is always full", behind_a_hole),
    Shape::new("islands", "every second byte is there, and the others never come", islands),
    Shape::new("far-ahead", "segments all over the sequence space", far_ahead),
    Shape::new("acknowledgements", "pure acknowledgements, of anything", acknowledgements),
    Shape::new("only-ends", "one flow of FINs and RSTs with nothing else", only_ends),
    Shape::new("snap-length", "every packet is cut behind its headers", snapped),
];

#[derive(Clone, Copy)]
enum Order {
    Reversed,
    Random,
    OutsideIn,
}

/// Small text messages whose segments come in another order.
fn disordered(out: &mut Capture, order: Order, size: usize) -> io::Result<()> {
    const WINDOW: usize = 1000;
    let mut rng = Rng::new(4);
    let mut c = Connection::upgraded(out, 0, None)?;
    let bytes = frame(SERVER, 0x81, b"12345678").repeat(WINDOW * size / 10 + 1);
    while !out.is_full() {
        let mut order_of: Vec<usize> = (0..WINDOW).collect();
        match order {
            Order::Reversed => order_of.reverse(),
            Order::Random => (1..WINDOW).for_each(|i| order_of.swap(i, rng.below(i + 1))),
            Order::OutsideIn => order_of.sort_by_key(|i| std::cmp::Reverse(i.abs_diff(WINDOW / 2))),
        }
        // the first comes last, so that all of them wait
        order_of.retain(|i| *i != 0);
        order_of.push(0);
        for nth in order_of {
            let at = nth * size;
            let numbers = (c.next[SERVER].wrapping_add(at as u32), c.next[CLIENT]);
            out.tcp(&c.ends, SERVER, numbers, ACK, &bytes[at..at + size])?;
        }
        c.lose(SERVER, WINDOW * size);
        c.acknowledge(out, CLIENT)?;
    }
    Ok(())
}

fn overlapping(out: &mut Capture, early: bool) -> io::Result<()> {
    let mut c = Connection::upgraded(out, 0, None)?;
    let stream = frame(SERVER, 0x81, b"12345678").repeat(2 + (SEGMENT + 1000) / 10);
    while !out.is_full() {
        let base = c.next[SERVER];
        let first = usize::from(early);
        for at in first..1000 {
            let numbers = (base.wrapping_add(at as u32), c.next[CLIENT]);
            out.tcp(&c.ends, SERVER, numbers, ACK, &stream[at..at + SEGMENT])?;
        }
        if early {
            out.tcp(&c.ends, SERVER, (base, c.next[CLIENT]), ACK, &stream[..1])?;
        }
        // the round ends at a frame's end
        let rest = &stream[999 + SEGMENT..];
        let whole = (999 + SEGMENT).next_multiple_of(10) - (999 + SEGMENT);
        c.lose(SERVER, 999 + SEGMENT);
        c.send(out, SERVER, &rest[..whole])?;
        c.acknowledge(out, CLIENT)?;
    }
    Ok(())
}

fn repeated(out: &mut Capture) -> io::Result<()> {
    let mut c = Connection::upgraded(out, 0, None)?;
    let bytes = frame(SERVER, 0x81, b"again");
    let seq = c.next[SERVER];
    c.send(out, SERVER, &bytes)?;
    while !out.is_full() {
        out.tcp(&c.ends, SERVER, (seq, c.next[CLIENT]), ACK, &bytes)?;
    }
    Ok(())
}

fn behind_a_hole(out: &mut Capture) -> io::Result<()> {
    let mut c = Connection::upgraded(out, 0, None)?;
    let mut nth = 0u32;
    while !out.is_full() {
        // a new hole in front of every segment
        c.lose(SERVER, 1);
        out.tcp(&c.ends, SERVER, (c.next[SERVER], c.next[CLIENT]), ACK, &nth.to_be_bytes())?;
        c.lose(SERVER, 4);
        nth += 1;
    }
    Ok(())
}

fn islands(out: &mut Capture) -> io::Result<()> {
    let mut c = Connection::upgraded(out, 0, None)?;
    while !out.is_full() {
        c.lose(SERVER, 1);
        c.send(out, SERVER, &[0x81])?;
        c.acknowledge(out, CLIENT)?;
    }
    Ok(())
}

fn far_ahead(out: &mut Capture) -> io::Result<()> {
    let mut rng = Rng::new(5);
    let c = Connection::upgraded(out, 0, None)?;
    while !out.is_full() {
        let numbers = (rng.next() as u32, rng.next() as u32);
        out.tcp(&c.ends, rng.below(2), numbers, ACK, &[0x81, 0])?;
    }
    Ok(())
}

fn acknowledgements(out: &mut Capture) -> io::Result<()> {
    let mut rng = Rng::new(6);
    let c = Connection::upgraded(out, 0, None)?;
    while !out.is_full() {
        let from = rng.below(2);
        out.tcp(&c.ends, from, (c.next[from], rng.next() as u32), ACK, b"")?;
    }
    Ok(())
}

fn only_ends(out: &mut Capture) -> io::Result<()> {
    let mut rng = Rng::new(7);
    let c = Connection::open(out, 0)?;
    while !out.is_full() {
        let flags = [FIN | ACK, RST, RST | ACK, FIN, SYN | FIN, FIN | RST][rng.below(6)];
        out.tcp(&c.ends, rng.below(2), (rng.next() as u32, rng.next() as u32), flags, b"")?;
    }
    Ok(())
}

fn snapped(out: &mut Capture) -> io::Result<()> {
    let c = Connection::upgraded(out, 0, None)?;
    let mut seq = c.next[SERVER];
    while !out.is_full() {
        // an IP packet of full length of which the capture has the headers only
        let mut packet = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0];
        packet.extend_from_slice(&(40 + SEGMENT as u16).to_be_bytes());
        packet.extend_from_slice(&[0, 0, 0x40, 0, 64, 6, 0, 0]);
        let (source, target) = (c.ends.0[SERVER], c.ends.0[CLIENT]);
        packet.extend_from_slice(&source.0.octets());
        packet.extend_from_slice(&target.0.octets());
        packet.extend_from_slice(&source.1.to_be_bytes());
        packet.extend_from_slice(&target.1.to_be_bytes());
        packet.extend_from_slice(&seq.to_be_bytes());
        packet.extend_from_slice(&c.next[CLIENT].to_be_bytes());
        packet.extend_from_slice(&[5 << 4, ACK, 0xff, 0xff, 0, 0, 0, 0]);
        out.packet(&packet)?;
        seq = seq.wrapping_add(SEGMENT as u32);
    }
    Ok(())
}
