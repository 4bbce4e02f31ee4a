//! What a capture file itself may hold.

use std::io;

use super::Shape;
use crate::wire::{Capture, Form};

pub(super) const SHAPES: &[Shape] = &[
    Shape::new("empty-packets", "packets of no byte at all", |out| {
        while !out.is_full() {
            out.packet(b"")?;
        }
        Ok(())
    }),
    Shape::new("large-packets", "packets of 256 kB", |out| {
        let packet = vec![0; 262_144];
        while !out.is_full() {
            out.packet(&packet)?;
        }
        Ok(())
    }),
    Shape {
        form: Form::Pcapng,
        ..Shape::new("interfaces", "an interface for every packet, of ever other link types", interfaces)
    },
    Shape { form: Form::Pcapng, ..Shape::new("sections", "a section for every packet", sections) },
    Shape {
        form: Form::Pcapng,
        ..Shape::new("unknown-blocks", "blocks of a type that nobody knows, 12 bytes each", unknown)
    },
    Shape { form: Form::Gzip, ..Shape::new("gzip-of-zeros", "a gigabyte of empty packets in gzip", gzip_of_zeros) },
];

/// An Enhanced Packet Block's body with an Ethernet frame of nothing.
fn packet_of(interface: u32) -> Vec<u8> {
    let mut body = interface.to_le_bytes().to_vec();
    body.extend_from_slice(&[0; 8]);
    body.extend_from_slice(&20u32.to_le_bytes());
    body.extend_from_slice(&20u32.to_le_bytes());
    body.extend_from_slice(&[0; 20]);
    body
}

fn interfaces(out: &mut Capture) -> io::Result<()> {
    let mut number = 0u32;
    while !out.is_full() {
        let mut body = (number as u16).to_le_bytes().to_vec();
        body.extend_from_slice(&[0; 6]);
        out.block(1, &body)?;
        out.block(6, &packet_of(number))?;
        number += 1;
    }
    Ok(())
}

fn sections(out: &mut Capture) -> io::Result<()> {
    while !out.is_full() {
        out.block(0x0A0D_0D0A, &[0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255])?;
        out.block(1, &[1, 0, 0, 0, 0, 0, 0, 0])?;
        out.block(6, &packet_of(0))?;
    }
    Ok(())
}

fn unknown(out: &mut Capture) -> io::Result<()> {
    out.block(1, &[1, 0, 0, 0, 0, 0, 0, 0])?;
    while !out.is_full() {
        out.block(0x7777_7777, b"")?;
    }
    Ok(())
}

/// Ten times what was asked for, before compression.
fn gzip_of_zeros(out: &mut Capture) -> io::Result<()> {
    let zeros = vec![0; 1 << 20];
    for _ in 0..10 * out.limit().div_ceil(1 << 20) {
        out.raw(&zeros)?;
    }
    Ok(())
}
