//! BSON: its own length first, named elements, a zero byte last.

use super::shape::{ENOUGH, Shape, ShapeKind, Stop, Walk};

/// Recognises a BSON document whose announced length is that of the message.
pub(super) fn bson(sample: &[u8], total: Option<u64>) -> Option<Shape> {
    let &[a, b, c, d] = sample.get(..4)? else {
        return None;
    };
    let length = u64::from(u32::from_le_bytes([a, b, c, d]));
    if length < 5 || total.is_some_and(|t| t != length) {
        return None;
    }
    let whole = super::shape::is_whole(sample, Some(length));
    if whole && sample.last() != Some(&0) {
        return None;
    }
    let mut walk = Walk::new(sample);
    walk.at = 4;
    let to_the_end = loop {
        match element(&mut walk) {
            Ok(true) => {}
            Ok(false) if walk.at == sample.len() && whole => break true,
            Err(Stop::Cut) if !whole => break false,
            _ => return None,
        }
    };
    let bits = walk.bits + if total.is_some() { 16 } else { 0 };
    (bits >= ENOUGH && walk.at > 5).then_some(Shape { kind: ShapeKind::Bson, to_the_end, prefix: 0, bits })
}

/// One element; `false` at the zero byte that ends the document.
fn element(walk: &mut Walk<'_>) -> Result<bool, Stop> {
    let kind = walk.byte()?;
    if kind == 0 {
        return Ok(false);
    }
    let name = walk.bytes[walk.at..].iter().position(|b| *b == 0).ok_or(Stop::Cut)?;
    walk.text(name as u64)?;
    walk.byte()?;
    let length = match kind {
        0x01 | 0x09 | 0x11 | 0x12 => 8,
        0x02 | 0x0d | 0x0e => little_endian(walk)?,
        0x03 | 0x04 => little_endian(walk)?.checked_sub(4).ok_or(Stop::Bad)?,
        0x05 => little_endian(walk)?.saturating_add(1),
        0x06 | 0x0a | 0x7f | 0xff => 0,
        0x07 => 12,
        0x08 => 1,
        0x10 => 4,
        0x13 => 16,
        _ => return Err(Stop::Bad),
    };
    walk.take(length).1?;
    Ok(true)
}

fn little_endian(walk: &mut Walk<'_>) -> Result<u64, Stop> {
    let n = (walk.big_endian(4)? as u32).swap_bytes();
    if n >= 0x0100_0000 { Err(Stop::Bad) } else { Ok(u64::from(n)) }
}
