//! MessagePack: a map or an array at the top, string keys, nothing left over.

use super::shape::{Shape, ShapeKind, Stop, Walk, concluded};

/// How deep containers may nest before the bytes count as something else.
const DEPTH: u32 = 32;

/// Recognises one or several MessagePack values that fill the sample.
pub(super) fn msgpack(sample: &[u8], whole: bool) -> Option<Shape> {
    let mut walk = Walk::new(sample);
    let mut end = Ok(());
    while end.is_ok() && walk.at < sample.len() {
        if !matches!(sample[walk.at], 0x81..=0x8f | 0x91..=0x9f | 0xdc..=0xdf) {
            return None;
        }
        end = value(&mut walk, 0);
    }
    concluded(ShapeKind::MessagePack, &walk, end, whole)
}

fn value(walk: &mut Walk<'_>, depth: u32) -> Result<(), Stop> {
    if depth > DEPTH {
        return Err(Stop::Bad);
    }
    let byte = walk.byte()?;
    match byte {
        0x00..=0x7f | 0xe0..=0xff => Ok(()),
        0x80..=0x8f => map(walk, u64::from(byte & 15), depth, 4),
        0x90..=0x9f => array(walk, u64::from(byte & 15), depth, 4),
        0xa0..=0xbf => string(walk, u64::from(byte & 31), 3),
        0xc0 | 0xc2 | 0xc3 => {
            walk.bits += 3;
            Ok(())
        }
        0xc1 => Err(Stop::Bad),
        0xc4..=0xc6 => {
            let length = walk.big_endian(1 << (byte - 0xc4))?;
            walk.take(length).1
        }
        0xc7..=0xc9 => {
            let length = walk.big_endian(1 << (byte - 0xc7))?;
            walk.take(length.saturating_add(1)).1
        }
        0xca => walk.big_endian(4).map(|n| walk.bits += u32::from(is_usual_exponent(n as u32 >> 23 & 0xff, 127)) * 3),
        0xcb => {
            walk.big_endian(8).map(|n| walk.bits += u32::from(is_usual_exponent((n >> 52 & 0x7ff) as u32, 1023)) * 5)
        }
        0xcc..=0xcf => {
            let width = 1 << (byte - 0xcc);
            let n = walk.big_endian(width)?;
            minimal(walk, n, width);
            Ok(())
        }
        0xd0..=0xd3 => walk.big_endian(1 << (byte - 0xd0)).map(drop),
        0xd4..=0xd8 => walk.take((1 << (byte - 0xd4)) + 1).1,
        0xd9..=0xdb => {
            let width = 1 << (byte - 0xd9);
            let length = walk.big_endian(width)?;
            string(walk, length, 4)
        }
        0xdc | 0xdd => {
            let length = walk.big_endian(if byte == 0xdc { 2 } else { 4 })?;
            container_length(length, byte == 0xdc)?;
            array(walk, length, depth, 5)
        }
        0xde | 0xdf => {
            let length = walk.big_endian(if byte == 0xde { 2 } else { 4 })?;
            container_length(length, byte == 0xde)?;
            map(walk, length, depth, 5)
        }
    }
}

/// A long form that a short one could replace, or with more elements than anybody sends, is chance.
fn container_length(length: u64, short: bool) -> Result<(), Stop> {
    let fits = if short { length > 15 } else { (0x1_0000..0x100_0000).contains(&length) };
    if fits { Ok(()) } else { Err(Stop::Bad) }
}

fn minimal(walk: &mut Walk<'_>, n: u64, width: u64) {
    let least = match width {
        1 => 0x80,
        2 => 0x100,
        4 => 0x1_0000,
        _ => 0x1_0000_0000,
    };
    walk.bits += if n >= least && n < 1 << 53 { 2 } else { 0 };
}

/// Numbers between about 10^-9 and 10^15 in magnitude, or zero.
fn is_usual_exponent(exponent: u32, bias: u32) -> bool {
    exponent == 0 || (bias - 30..=bias + 50).contains(&exponent)
}

fn string(walk: &mut Walk<'_>, length: u64, bits: u32) -> Result<(), Stop> {
    if length == 0 {
        return Ok(());
    }
    walk.bits += bits;
    walk.text(length)
}

fn array(walk: &mut Walk<'_>, length: u64, depth: u32, bits: u32) -> Result<(), Stop> {
    walk.bits += if length > 0 && depth == 0 { bits } else { 1 };
    for _ in 0..length {
        value(walk, depth + 1)?;
    }
    Ok(())
}

fn map(walk: &mut Walk<'_>, length: u64, depth: u32, bits: u32) -> Result<(), Stop> {
    walk.bits += if length > 0 && depth == 0 { bits } else { 1 };
    for _ in 0..length {
        let key = *walk.bytes.get(walk.at).ok_or(Stop::Cut)?;
        if !matches!(key, 0x00..=0x7f | 0xa1..=0xbf | 0xcc..=0xce | 0xd9) {
            return Err(Stop::Bad);
        }
        value(walk, depth + 1)?;
        value(walk, depth + 1)?;
    }
    Ok(())
}
