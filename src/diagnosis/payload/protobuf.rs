//! Protocol Buffers: a run of fields that covers the message.
//!
//! The format has no signature and accepts much: single fields prove nothing. Evidence are small field numbers in rising
//! order, readable strings, nested messages, numbers of usual size, and that the last field ends where the message does.

use super::shape::{Shape, ShapeKind, Stop, Walk, concluded};

/// How deep messages may nest.
const DEPTH: u32 = 6;
/// The largest field number that is believed.
const FIELD_NUMBER: u64 = 4095;

/// What was found on one level.
#[derive(Default)]
struct Level {
    fields: u32,
    last: u64,
    score: i32,
    /// Bytes of tags, lengths and numbers, and those among them that could stand in a text.
    framing: u32,
    readable: u32,
}

/// Recognises a message of at least two fields that fills the sample.
pub(super) fn protobuf(sample: &[u8], whole: bool) -> Option<Shape> {
    let mut walk = Walk::new(sample);
    let mut level = Level::default();
    let end = fields(&mut walk, &mut level, 0);
    if level.fields < 2 || level.reads_as_text() {
        return None;
    }
    walk.bits = u32::try_from(level.score).ok()?;
    concluded(ShapeKind::Protobuf, &walk, end, whole)
}

fn fields(walk: &mut Walk<'_>, level: &mut Level, depth: u32) -> Result<(), Stop> {
    while walk.at < walk.bytes.len() {
        let start = walk.at;
        let tag = walk.varint()?;
        let (number, wire_type) = (tag >> 3, tag & 7);
        if number == 0 || number > FIELD_NUMBER {
            return Err(Stop::Bad);
        }
        match wire_type {
            0 => {
                let n = walk.varint()?;
                // Negative numbers of type int32 and int64 take ten bytes.
                // Times of this century, in seconds and milliseconds since 1970, are frequent.
                level.score += match n {
                    1_400_000_000_000..2_500_000_000_000 => 4,
                    1_400_000_000..2_500_000_000 => 2,
                    n if n < 1 << 21 || n >> 31 == (1 << 33) - 1 => 1,
                    _ => 0,
                };
            }
            1 => {
                let n = walk.big_endian(8)?.swap_bytes();
                let exponent = n >> 52 & 0x7ff;
                level.score += if (973..1084).contains(&exponent) { 4 } else { 0 };
            }
            5 => {
                let n = walk.big_endian(4)?.swap_bytes() >> 32;
                let exponent = n >> 23 & 0xff;
                level.score += if (97..160).contains(&exponent) { 1 } else { 0 };
            }
            2 => {
                let length = walk.varint()?;
                level.frame(&walk.bytes[start..walk.at]);
                let (content, done) = walk.take(length);
                let shown = if done.is_ok() { content } else { super::trim_cut(content) };
                if super::is_text(shown) {
                    level.score += (shown.len().min(12) * 3 / 2) as i32;
                } else if depth < DEPTH && content.len() > 2 {
                    level.score += nested(content, done.is_ok(), depth);
                }
                if length > 0x100_0000 {
                    return Err(Stop::Bad);
                }
                level.count(number);
                done?;
                continue;
            }
            _ => return Err(Stop::Bad),
        }
        level.frame(&walk.bytes[start..walk.at]);
        level.count(number);
    }
    Ok(())
}

fn nested(content: &[u8], complete: bool, depth: u32) -> i32 {
    let mut inner = Level::default();
    let end = fields(&mut Walk::new(content), &mut inner, depth + 1);
    let fits = match end {
        Ok(()) => complete,
        Err(Stop::Cut) => !complete,
        Err(Stop::Bad) => false,
    };
    if fits && inner.fields > 0 && !inner.reads_as_text() { inner.score.clamp(0, 16) } else { 0 }
}

impl Level {
    fn frame(&mut self, bytes: &[u8]) {
        self.framing += bytes.len() as u32;
        self.readable += bytes.iter().filter(|b| matches!(b, 0x20..=0x7e | b'\t' | b'\n' | b'\r')).count() as u32;
    }

    /// Tags of the fields 4 to 15 are letters and signs: a text can parse, but then nearly all its framing is printable.
    fn reads_as_text(&self) -> bool {
        self.readable * 4 > self.framing * 3
    }

    /// Encoders write fields in the order of their numbers, repeated ones together.
    fn count(&mut self, number: u64) {
        self.score += match number {
            n if self.fields == 0 => {
                if n <= 3 {
                    2
                } else if n <= 15 {
                    0
                } else {
                    -3
                }
            }
            n if n == self.last => 2,
            n if n > self.last && n - self.last <= 4 => 1,
            n if n > self.last => -1,
            _ => -3,
        };
        self.fields += 1;
        self.last = number;
    }
}
