//! CBOR (RFC 8949): a map or an array at the top, text or integer keys, nothing left over.

use super::shape::{Shape, ShapeKind, Stop, Walk, concluded};

/// How deep containers may nest before the bytes count as something else.
const DEPTH: u32 = 32;

/// Recognises one CBOR data item that fills the sample.
pub(super) fn cbor(sample: &[u8], whole: bool) -> Option<Shape> {
    // Maps with elements, arrays with elements, or the tags that objects and COSE messages begin with.
    if !matches!(sample.first()?, 0xa1..=0xb9 | 0xbf | 0x81..=0x99 | 0x9f | 0xd2 | 0xd8) {
        return None;
    }
    let mut walk = Walk::new(sample);
    let end = item(&mut walk, 0);
    concluded(ShapeKind::Cbor, &walk, end, whole)
}

fn item(walk: &mut Walk<'_>, depth: u32) -> Result<(), Stop> {
    if depth > DEPTH {
        return Err(Stop::Bad);
    }
    let head = walk.byte()?;
    let (major, short) = (head >> 5, head & 31);
    let argument = match short {
        0..=23 => Some(u64::from(short)),
        24..=27 => {
            let width = 1 << (short - 24);
            let n = walk.big_endian(width)?;
            // Preferred serialization (section 4.1) is what all common encoders write.
            let least = [24, 0x100, 0x1_0000, 0x1_0000_0000][usize::from(short - 24)];
            if n < least && major < 7 {
                return Err(Stop::Bad);
            }
            Some(n)
        }
        31 if (2..=5).contains(&major) => None,
        _ => return Err(Stop::Bad),
    };
    match (major, argument) {
        (0 | 1, Some(n)) => {
            walk.bits += if short >= 24 && n < 1 << 53 { 1 } else { 0 };
            Ok(())
        }
        (2, Some(length)) => walk.take(length).1,
        (3, Some(0)) => Ok(()),
        (3, Some(length)) => {
            walk.bits += 2;
            walk.text(length)
        }
        (2 | 3, None) => chunks(walk, major),
        (4, length) => {
            walk.bits += if depth == 0 { 3 } else { 1 };
            elements(walk, length, |w| item(w, depth + 1))
        }
        (5, length) => {
            walk.bits += if depth == 0 { 3 } else { 1 };
            elements(walk, length, |w| {
                let key = *w.bytes.get(w.at).ok_or(Stop::Cut)?;
                if !matches!(key >> 5, 0 | 1 | 3) || key == 0x60 {
                    return Err(Stop::Bad);
                }
                item(w, depth + 1)?;
                item(w, depth + 1)
            })
        }
        // Tags of section 3.4 and the registry's common ones.
        (6, Some(0..=5 | 16..=18 | 21..=40 | 61 | 64..=87 | 96..=98 | 258 | 55799)) => item(walk, depth + 1),
        (7, Some(n)) => {
            match short {
                20..=22 => walk.bits += 4,
                23 => walk.bits += 2,
                25 => walk.bits += 1,
                26 => walk.bits += u32::from((97..178).contains(&(n >> 23 & 0xff))) * 3,
                27 => walk.bits += u32::from((993..1074).contains(&(n >> 52 & 0x7ff))) * 5,
                _ => return Err(Stop::Bad),
            }
            Ok(())
        }
        _ => Err(Stop::Bad),
    }
}

fn elements(
    walk: &mut Walk<'_>,
    length: Option<u64>,
    mut one: impl FnMut(&mut Walk<'_>) -> Result<(), Stop>,
) -> Result<(), Stop> {
    match length {
        Some(length) if length >= 0x100_0000 => Err(Stop::Bad),
        Some(length) => (0..length).try_for_each(|_| one(walk)),
        None => {
            while *walk.bytes.get(walk.at).ok_or(Stop::Cut)? != 0xff {
                one(walk)?;
            }
            walk.byte().map(drop)
        }
    }
}

/// A string of indefinite length: chunks of its own type up to the break.
fn chunks(walk: &mut Walk<'_>, major: u8) -> Result<(), Stop> {
    loop {
        let next = *walk.bytes.get(walk.at).ok_or(Stop::Cut)?;
        if next == 0xff {
            return walk.byte().map(drop);
        }
        if next >> 5 != major || next & 31 == 31 {
            return Err(Stop::Bad);
        }
        item(walk, DEPTH)?;
    }
}
