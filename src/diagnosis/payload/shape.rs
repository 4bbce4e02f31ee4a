//! Structure: formats without a signature, recognised because the bytes parse as them.
//!
//! Each recogniser walks the sample and collects evidence in bits, roughly how unlikely random bytes or text were to get that
//! far; below [`ENOUGH`] it stays silent. All of them work on a prefix of the message.

use super::{bson, cbor, msgpack, numbers, protobuf};

/// Bits of evidence from which on a structure is named.
pub const ENOUGH: u32 = 11;

/// A structure that the bytes parse as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Which one.
    pub kind: ShapeKind,
    /// Whether the message parses to its very end; `false` when only the sample does.
    pub to_the_end: bool,
    /// Bytes of a length prefix or frame header that stand before it.
    pub prefix: usize,
    /// How strong the evidence is, in bits; [`ENOUGH`] or more.
    pub bits: u32,
}

impl Shape {
    /// What a person would call it, as the object of a sentence.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match (self.kind, self.prefix) {
            (ShapeKind::MessagePack, 0) => "MessagePack",
            (ShapeKind::MessagePack, _) => "MessagePack with a length prefix",
            (ShapeKind::Cbor, _) => "CBOR",
            (ShapeKind::Protobuf, 0) => "Protocol Buffers",
            (ShapeKind::Protobuf, 5) => "a gRPC message (Protocol Buffers)",
            (ShapeKind::Protobuf, _) => "Protocol Buffers with a length prefix",
            (ShapeKind::Bson, _) => "BSON",
            (ShapeKind::Float32, _) => "an array of 32-bit floating point numbers",
            (ShapeKind::Float64, _) => "an array of 64-bit floating point numbers",
            (ShapeKind::Pcm16, _) => "16-bit PCM sound",
        }
    }
}

/// The structures that are recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ShapeKind {
    /// <https://github.com/msgpack/msgpack/blob/master/spec.md>
    MessagePack,
    /// RFC 8949.
    Cbor,
    /// <https://protobuf.dev/programming-guides/encoding/>
    Protobuf,
    /// <https://bsonspec.org/spec.html>
    Bson,
    /// IEEE 754 binary32, little-endian: a `Float32Array`, embeddings, audio from a browser.
    Float32,
    /// IEEE 754 binary64, little-endian.
    Float64,
    /// Signed 16-bit little-endian samples: microphone audio for speech services.
    Pcm16,
}

/// The structure that `sample`, the first bytes of a message of `total` bytes (`None`: unknown), parses as.
#[must_use]
pub fn shape(sample: &[u8], total: Option<u64>) -> Option<Shape> {
    let whole = is_whole(sample, total);
    let bson = bson::bson(sample, total);
    if bson.is_some() {
        return bson;
    }
    let plain = [msgpack::msgpack(sample, whole), cbor::cbor(sample, whole), protobuf::protobuf(sample, whole)];
    let best = plain.into_iter().flatten().max_by_key(|s| s.bits);
    if best.is_some() {
        return best;
    }
    for prefix in length_prefix(sample, total) {
        let rest = &sample[prefix..];
        let found = msgpack::msgpack(rest, whole).or_else(|| protobuf::protobuf(rest, whole));
        if let Some(found) = found {
            return Some(Shape { prefix, ..found });
        }
    }
    numbers::numbers(sample, total)
}

/// Whether the sample is the whole message.
pub(super) fn is_whole(sample: &[u8], total: Option<u64>) -> bool {
    total.is_some_and(|t| t <= sample.len() as u64)
}

/// Lengths of the prefixes at the start of `sample` that announce exactly the rest of the message: 4 and 2 bytes in either byte
/// order, a varint, or the 5-byte header of gRPC. A prefix may count itself. Nothing when the message's length is unknown.
#[must_use]
pub fn length_prefix(sample: &[u8], total: Option<u64>) -> Vec<usize> {
    let Some(total) = total else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut consider = |width: usize, value: u64| {
        let fits = total > width as u64 && (value == total - width as u64 || value == total);
        if fits && sample.len() > width && !found.contains(&width) {
            found.push(width);
        }
    };
    if let Some(&[a, b, c, d]) = sample.get(..4) {
        consider(4, u64::from(u32::from_be_bytes([a, b, c, d])));
        consider(4, u64::from(u32::from_le_bytes([a, b, c, d])));
    }
    if let Some(&[0 | 1, a, b, c, d]) = sample.get(..5) {
        consider(5, u64::from(u32::from_be_bytes([a, b, c, d])));
    }
    if let Some(&[a, b]) = sample.get(..2) {
        consider(2, u64::from(u16::from_be_bytes([a, b])));
        consider(2, u64::from(u16::from_le_bytes([a, b])));
    }
    let mut varint = Walk::new(sample);
    if let Ok(value) = varint.varint() {
        consider(varint.at, value);
    }
    found
}

/// Why a walk over a sample ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// The sample ended.
    Cut,
    /// The bytes are not of this format.
    Bad,
}

/// A position in a sample, and the evidence collected so far.
pub(super) struct Walk<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
    pub(super) bits: u32,
}

impl<'a> Walk<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Walk<'a> {
        Walk { bytes, at: 0, bits: 0 }
    }

    pub(super) fn byte(&mut self) -> Result<u8, Stop> {
        let byte = *self.bytes.get(self.at).ok_or(Stop::Cut)?;
        self.at += 1;
        Ok(byte)
    }

    /// The next `length` bytes, or what the sample has of them followed by [`Stop::Cut`].
    pub(super) fn take(&mut self, length: u64) -> (&'a [u8], Result<(), Stop>) {
        let rest = &self.bytes[self.at..];
        match usize::try_from(length).ok().and_then(|n| rest.get(..n)) {
            Some(part) => {
                self.at += part.len();
                (part, Ok(()))
            }
            None => {
                self.at = self.bytes.len();
                (rest, Err(Stop::Cut))
            }
        }
    }

    /// A big-endian number of `width` bytes, at most 8.
    pub(super) fn big_endian(&mut self, width: u64) -> Result<u64, Stop> {
        let (bytes, done) = self.take(width);
        done?;
        Ok(bytes.iter().fold(0, |n, b| n << 8 | u64::from(*b)))
    }

    /// A base-128 varint of at most 10 bytes, in as few bytes as it needs.
    pub(super) fn varint(&mut self) -> Result<u64, Stop> {
        let mut value = 0u64;
        for shift in 0..10 {
            let byte = self.byte()?;
            if shift == 9 && byte > 1 {
                return Err(Stop::Bad);
            }
            value |= u64::from(byte & 0x7f) << (7 * shift);
            if byte < 0x80 {
                return if byte == 0 && shift > 0 { Err(Stop::Bad) } else { Ok(value) };
            }
        }
        Err(Stop::Bad)
    }

    /// Takes a string of that length, which has to be text as far as the sample shows it.
    pub(super) fn text(&mut self, length: u64) -> Result<(), Stop> {
        let (bytes, done) = self.take(length);
        let shown = if done.is_ok() { bytes } else { super::trim_cut(bytes) };
        let readable = super::is_text(shown) || (shown.is_empty() && done.is_err());
        if !readable {
            return Err(Stop::Bad);
        }
        self.bits += text_bits(bytes);
        done
    }
}

/// Evidence in a run of readable characters: 3 of 8 random bytes are printable ASCII.
pub(super) fn text_bits(bytes: &[u8]) -> u32 {
    (bytes.len().min(12) * 3 / 2) as u32
}

/// Turns the end of a walk into a shape.
pub(super) fn concluded(kind: ShapeKind, walk: &Walk<'_>, end: Result<(), Stop>, whole: bool) -> Option<Shape> {
    let all = walk.at == walk.bytes.len();
    let to_the_end = match end {
        Ok(()) if all => whole,
        Err(Stop::Cut) if !whole => false,
        _ => return None,
    };
    let bits = walk.bits + if to_the_end { 3 } else { 0 };
    (bits >= ENOUGH).then_some(Shape { kind, to_the_end, prefix: 0, bits })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::payload::samples;

    fn kind(sample: &[u8]) -> Option<ShapeKind> {
        shape(sample, Some(sample.len() as u64)).map(|s| s.kind)
    }

    #[test]
    fn real_structures_are_named() {
        assert_eq!(kind(samples::MSGPACK), Some(ShapeKind::MessagePack));
        assert_eq!(kind(samples::MSGPACK_SMALL), Some(ShapeKind::MessagePack));
        assert_eq!(kind(samples::PROTOBUF), Some(ShapeKind::Protobuf));
        assert_eq!(kind(samples::PROTOBUF_NESTED), Some(ShapeKind::Protobuf));
        assert_eq!(kind(samples::CBOR), Some(ShapeKind::Cbor));
        assert_eq!(kind(samples::BSON), Some(ShapeKind::Bson));
    }

    #[test]
    fn a_prefix_of_a_longer_message_is_enough() {
        for (bytes, expected) in [
            (samples::MSGPACK, ShapeKind::MessagePack),
            (samples::PROTOBUF, ShapeKind::Protobuf),
            (samples::CBOR, ShapeKind::Cbor),
            (samples::BSON, ShapeKind::Bson),
        ] {
            for cut in 40..bytes.len() {
                let found = shape(&bytes[..cut], Some(bytes.len() as u64));
                assert_eq!(found.map(|s| s.kind), Some(expected), "first {cut} bytes");
            }
        }
    }

    #[test]
    fn a_prefix_announces_the_rest() {
        let mut framed = vec![0];
        framed.extend((samples::PROTOBUF.len() as u32).to_be_bytes());
        framed.extend(samples::PROTOBUF);
        let found = shape(&framed, Some(framed.len() as u64)).unwrap();
        assert_eq!(found.name(), "a gRPC message (Protocol Buffers)");
        let mut framed = vec![(samples::MSGPACK_SMALL.len()) as u8];
        framed.extend(samples::MSGPACK_SMALL);
        let found = shape(&framed, Some(framed.len() as u64)).unwrap();
        assert_eq!(found.name(), "MessagePack with a length prefix");
    }

    #[test]
    fn text_is_no_structure() {
        for text in samples::TEXTS {
            assert_eq!(shape(text, Some(text.len() as u64)), None, "{}", text.escape_ascii());
            for cut in 1..text.len() {
                assert_eq!(shape(&text[..cut], Some(text.len() as u64)), None, "{}", text[..cut].escape_ascii());
                assert_eq!(shape(&text[..cut], Some(cut as u64)), None, "{}", text[..cut].escape_ascii());
            }
        }
    }

    #[test]
    fn random_bytes_are_rarely_a_structure() {
        let mut hits = 0;
        for sample in samples::random(20_000, 4..513) {
            hits += usize::from(shape(&sample, Some(sample.len() as u64)).is_some());
        }
        assert!(hits <= 10, "{hits} of 20000 whole messages");
        let mut hits = 0;
        for sample in samples::random(20_000, 4..25) {
            hits += usize::from(shape(&sample, Some(sample.len() as u64)).is_some());
        }
        assert!(hits <= 40, "{hits} of 20000 short messages");
        let hits = samples::random(20_000, 512..513).filter(|s| shape(s, Some(1 << 20)).is_some()).count();
        assert!(hits <= 10, "{hits} of 20000 prefixes");
    }
}
