//! What may stand below TCP.

use std::io;
use std::net::Ipv4Addr;

use super::Shape;
use crate::rng::Rng;
use crate::wire::Capture;

pub(super) const SHAPES: &[Shape] = &[
    Shape::new("first-fragments", "first fragments whose rest never comes", |out| fragments(out, 0x2000, 1400)),
    Shape::new("middle-fragments", "fragments from the middle of packets that never begin", |out| {
        fragments(out, 0x2000 | 100, 1400)
    }),
    Shape::new("tiny-fragments", "whole packets in fragments of eight bytes", tiny_fragments),
    Shape::new(
        "overlapping-fragments",
        "fragments of one packet that overlap and contradict each other",
        same_fragments,
    ),
    Shape::new("vlan-tower", "VLAN tags to the end of the packet", vlan_tower),
    Shape::new("tunnel-tower", "IP in IP in IP to the end of the packet", tunnel_tower),
    Shape::new("extension-tower", "IPv6 with as many extension headers as fit", extension_tower),
    Shape::new("broken-headers", "random bytes behind an EtherType of IP", broken_headers),
];

const FROM_TO: (Ipv4Addr, Ipv4Addr) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2));

fn fragments(out: &mut Capture, field: u16, length: usize) -> io::Result<()> {
    let mut number = 0u32;
    while !out.is_full() {
        let source = Ipv4Addr::from(0x0B00_0000 + (number >> 16));
        out.ipv4((source, FROM_TO.1), 6, number as u16, field, &[&vec![0x50; length]])?;
        number += 1;
    }
    Ok(())
}

fn tiny_fragments(out: &mut Capture) -> io::Result<()> {
    let mut number = 0u16;
    let mut segment = vec![0u8; 1480];
    segment[..20].copy_from_slice(&[0x20, 0, 0x1f, 0x90, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x10, 0xff, 0xff, 0, 0, 0, 0]);
    while !out.is_full() {
        for (nth, piece) in segment.chunks(8).enumerate() {
            let more = if (nth + 1) * 8 < segment.len() { 0x2000 } else { 0 };
            out.ipv4(FROM_TO, 6, number, more | nth as u16, &[piece])?;
        }
        number = number.wrapping_add(1);
    }
    Ok(())
}

fn same_fragments(out: &mut Capture) -> io::Result<()> {
    let mut rng = Rng::new(10);
    while !out.is_full() {
        let (at, fill) = (rng.below(8000) as u16, rng.next() as u8);
        out.ipv4(FROM_TO, 6, 7, 0x2000 | at, &[&vec![fill; 8 * (1 + rng.below(20))]])?;
    }
    Ok(())
}

fn vlan_tower(out: &mut Capture) -> io::Result<()> {
    let mut packet = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
    packet.extend([0x81, 0, 0, 1].repeat(370));
    while !out.is_full() {
        out.packet(&packet)?;
    }
    Ok(())
}

fn tunnel_tower(out: &mut Capture) -> io::Result<()> {
    let mut body = Vec::new();
    for level in 1..70u16 {
        let mut header = vec![0x45, 0];
        header.extend_from_slice(&(20 * level).to_be_bytes());
        header.extend_from_slice(&[0, 0, 0x40, 0, 64, 4, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
        body.splice(0..0, header);
    }
    while !out.is_full() {
        out.ipv4(FROM_TO, 4, 0, 0x4000, &[&body])?;
    }
    Ok(())
}

fn extension_tower(out: &mut Capture) -> io::Result<()> {
    let mut packet = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x86, 0xdd, 0x60, 0, 0, 0];
    packet.extend_from_slice(&1400u16.to_be_bytes());
    packet.extend_from_slice(&[60, 64]);
    packet.extend_from_slice(&[0xfd; 32]);
    packet.extend([60, 0, 1, 4, 0, 0, 0, 0].repeat(175)); // destination options, one after the other
    while !out.is_full() {
        out.packet(&packet)?;
    }
    Ok(())
}

fn broken_headers(out: &mut Capture) -> io::Result<()> {
    let mut rng = Rng::new(11);
    while !out.is_full() {
        let mut packet = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x40 | rng.below(16) as u8];
        packet.extend((0..rng.below(60)).map(|_| rng.next() as u8));
        out.packet(&packet)?;
    }
    Ok(())
}
