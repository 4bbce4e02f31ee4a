//! Packets that another program wrote, and what has to be found in them.

use std::net::IpAddr;

use super::*;
use crate::ids::{PacketNumber, Timestamp};

/// Samples built with Scapy, each as `name | link type | what it is`, and its packets in hexadecimal on the lines that
/// follow. Those that are a segment all hold the same one, tunnels or not.
const SAMPLES: &str = include_str!("../../fixtures/packets.txt");

struct Sample {
    name: &'static str,
    link_type: u16,
    expected: &'static str,
    packets: Vec<Vec<u8>>,
}

fn samples() -> Vec<Sample> {
    let mut samples: Vec<Sample> = Vec::new();
    for line in SAMPLES.lines().filter(|l| !l.is_empty() && !l.starts_with('#')) {
        if let Some(hex) = line.strip_prefix("    ") {
            let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal");
            samples.last_mut().expect("a name").packets.push((0..hex.len()).step_by(2).map(byte).collect());
            continue;
        }
        let mut parts = line.split(" | ");
        let mut part = || parts.next().expect("three parts");
        let (name, link_type, expected) = (part(), part().parse().expect("a number"), part());
        samples.push(Sample { name, link_type, expected, packets: Vec::new() });
    }
    samples
}

fn packet(link_type: u16, number: u64, data: &[u8], wire_length: usize) -> Packet<'_> {
    let origin = Origin { packet: PacketNumber::new(number), at: Timestamp(number as i64 * 1000) };
    Packet { origin, link_type, wire_length: wire_length as u32, data }
}

/// The segment of all samples, in the version of IP that the addresses tell.
fn is_the_one(segment: &Segment<'_>) -> bool {
    let (source, destination) = match segment.source.ip() {
        IpAddr::V4(_) => ("10.1.2.3:50001", "10.4.5.6:8080"),
        IpAddr::V6(_) => ("[fd00::a01:203]:50001", "[fd00::a04:506]:8080"),
    };
    segment.source.to_string() == source
        && segment.destination.to_string() == destination
        && segment.identification == if segment.source.is_ipv4() { 0x4321 } else { 0 }
        && (segment.seq.0, segment.ack.0, segment.window) == (1000, 2000, 512)
        && segment.flags == Flags::from_byte(0x18)
        && (segment.payload, segment.payload_wire_length) == (b"hello".as_slice(), 5)
        && segment.header.len() == 32
}

#[test]
fn what_another_program_wrote_is_read() {
    let mut wrong = Vec::new();
    for sample in samples() {
        let mut decoder = Decoder::default();
        let count = sample.packets.len();
        for (nth, data) in sample.packets.iter().enumerate() {
            let packet = packet(sample.link_type, nth as u64 + 1, data, data.len());
            let (found, right) = match decoder.decode(&packet) {
                Ok(s) => {
                    (format!("{s:?}"), sample.expected == "segment" && is_the_one(&s) && s.origin == packet.origin)
                }
                Err(why) if nth + 1 < count => (format!("{why:?}"), why == NotTcp::Fragment),
                Err(why) => (format!("{why:?}"), sample.expected == format!("{why:?}")),
            };
            if !right {
                wrong.push(format!("{}, packet {}: {found}", sample.name, nth + 1));
            }
        }
        assert_eq!(decoder.finish(), FragmentLosses::default(), "{}", sample.name);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_snap_length_at_any_place_changes_no_length() {
    for sample in samples().iter().filter(|s| s.expected == "segment" && s.packets.len() == 1) {
        let whole = &sample.packets[0];
        for kept in 0..whole.len() {
            match Decoder::default().decode(&packet(sample.link_type, 1, &whole[..kept], whole.len())) {
                Ok(s) => {
                    assert_eq!(s.payload_wire_length, 5, "{} cut to {kept}", sample.name);
                    assert!(b"hello".starts_with(s.payload), "{} cut to {kept}", sample.name);
                    assert!((20..=32).contains(&s.header.len()), "{} cut to {kept}", sample.name);
                }
                Err(NotTcp::Cut) => {}
                Err(why) => panic!("{} cut to {kept}: {why:?}", sample.name),
            }
        }
    }
}

#[test]
fn the_short_way_finds_what_the_long_way_finds() {
    let mut short = 0;
    for sample in samples() {
        let data = &sample.packets[0];
        // Each byte of the headers changed, and each length.
        for at in 0..data.len() {
            for value in [data[at], 0, data[at] ^ 0x40, data[at].wrapping_add(1)] {
                let mut changed = data.clone();
                changed[at] = value;
                for (kept, wire_length) in [(data.len(), data.len()), (data.len(), data.len() + 100), (at, data.len())]
                {
                    let packet = packet(sample.link_type, 1, &changed[..kept], wire_length);
                    let Some(found) = plain::segment(&packet) else { continue };
                    short += 1;
                    let mut decoder = Decoder::default();
                    let long = decoder.any(&packet).map(|s| format!("{s:?}"));
                    assert_eq!(Ok(format!("{found:?}")), long, "{}, {at} = {value}", sample.name);
                }
            }
        }
    }
    assert!(short > 2000, "{short} packets went the short way");
}

#[test]
fn no_part_of_a_packet_makes_it_panic() {
    // Each byte of each sample in turn at its extremes, in a decoder that has seen the others.
    let mut decoder = Decoder::default();
    let mut number = 0;
    for sample in samples() {
        for data in &sample.packets {
            for at in 0..data.len() {
                for value in [0, 1, 0x7f, 0x80, 0xff, data[at] ^ 0x10] {
                    let mut changed = data.clone();
                    changed[at] = value;
                    number += 1;
                    let _ = decoder.decode(&packet(sample.link_type, number, &changed, data.len()));
                }
            }
        }
    }
    assert!(number > 50_000);
}
