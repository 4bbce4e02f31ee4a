//! A small inflater that measures instead of producing: how far back-references reach.
//!
//! No crate tells that, and a breach of the agreed window (RFC 7692 section 7.1.2) or a reference into a context that
//! should not be there is a real cause of closes. It reads bit by bit: only the first bytes of messages in question.

/// What a deflate stream without its history shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The format itself is broken.
    Corrupt,
    /// The stream is well-formed as far as it goes.
    Readable {
        /// The farthest distance of any back-reference.
        farthest: u32,
        /// How far the farthest reference reaches before the first byte of the message; 0 when none does.
        reaches_before_start: u32,
    },
}

struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    hold: u32,
    have: u32,
}

impl Bits<'_> {
    fn take(&mut self, count: u32) -> Option<u32> {
        while self.have < count {
            self.hold |= u32::from(*self.bytes.get(self.at)?) << self.have;
            self.at += 1;
            self.have += 8;
        }
        let value = self.hold & ((1 << count) - 1);
        self.hold >>= count;
        self.have -= count;
        Some(value)
    }

    fn align(&mut self) {
        self.hold = 0;
        self.have = 0;
    }
}

/// A canonical Huffman code (RFC 1951 section 3.2.2).
struct Code {
    counts: [u16; 16],
    symbols: Vec<u16>,
}

impl Code {
    fn new(lengths: &[u8]) -> Option<Code> {
        let mut counts = [0u16; 16];
        for &length in lengths {
            counts[usize::from(length)] += 1;
        }
        counts[0] = 0;
        let mut left = 1i32;
        for count in &counts[1..] {
            left = (left << 1) - i32::from(*count);
            if left < 0 {
                return None;
            }
        }
        let mut offsets = [0u16; 16];
        for i in 1..15 {
            offsets[i + 1] = offsets[i] + counts[i];
        }
        let mut symbols = vec![0u16; lengths.len()];
        for (symbol, &length) in lengths.iter().enumerate() {
            if length != 0 {
                let slot = &mut offsets[usize::from(length)];
                symbols[usize::from(*slot)] = symbol as u16;
                *slot += 1;
            }
        }
        Some(Code { counts, symbols })
    }

    /// `Ok(None)` when the input ends.
    fn decode(&self, bits: &mut Bits<'_>) -> Result<Option<u16>, ()> {
        let (mut code, mut first, mut index) = (0i32, 0i32, 0i32);
        for count in &self.counts[1..] {
            let Some(bit) = bits.take(1) else { return Ok(None) };
            code |= bit as i32;
            let count = i32::from(*count);
            if code - count < first {
                return self.symbols.get((index + code - first) as usize).map(|s| Some(*s)).ok_or(());
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        Err(())
    }
}

const LENGTH_BASE: [u16; 29] =
    [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];
const LENGTH_EXTRA: [u8; 29] = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const DISTANCE_BASE: [u16; 30] = [
    1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145,
    8193, 12289, 16385, 24577,
];
const CODE_ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// Measures the message that begins with `bytes`. Distances above `window` are a broken format.
pub(super) fn audit(bytes: &[u8], window: u32) -> Outcome {
    let mut bits = Bits { bytes, at: 0, hold: 0, have: 0 };
    let (mut produced, mut farthest, mut before) = (0u32, 0u32, 0u32);
    // `None` in here: the sample ends, which is no fault.
    let result: Result<Option<()>, ()> = (|| {
        loop {
            let Some(last) = bits.take(1) else { return Ok(None) };
            let Some(kind) = bits.take(2) else { return Ok(None) };
            match kind {
                0 => {
                    bits.align();
                    let header = match bits.bytes.get(bits.at..bits.at + 4) {
                        Some(h) => h,
                        // The tail 00 00 ff ff that senders strip.
                        None => return Ok(None),
                    };
                    let length = u16::from_le_bytes([header[0], header[1]]);
                    if length != !u16::from_le_bytes([header[2], header[3]]) {
                        return Err(());
                    }
                    bits.at += 4 + usize::from(length);
                    produced += u32::from(length);
                    if bits.at > bits.bytes.len() {
                        return Ok(None);
                    }
                }
                1 | 2 => {
                    let codes = if kind == 1 { Some(fixed_codes()?) } else { dynamic_codes(&mut bits)? };
                    let Some((literals, distances)) = codes else { return Ok(None) };
                    loop {
                        let Some(symbol) = literals.decode(&mut bits)? else { return Ok(None) };
                        match symbol {
                            0..=255 => produced += 1,
                            256 => break,
                            257..=285 => {
                                let i = usize::from(symbol - 257);
                                let Some(extra) = bits.take(u32::from(LENGTH_EXTRA[i])) else { return Ok(None) };
                                let length = u32::from(LENGTH_BASE[i]) + extra;
                                let Some(symbol) = distances.decode(&mut bits)? else { return Ok(None) };
                                let base = *DISTANCE_BASE.get(usize::from(symbol)).ok_or(())?;
                                let extra_bits = u32::from(symbol).saturating_sub(2) / 2;
                                let Some(extra) = bits.take(extra_bits) else { return Ok(None) };
                                let distance = u32::from(base) + extra;
                                if distance > window {
                                    return Err(());
                                }
                                farthest = farthest.max(distance);
                                before = before.max(distance.saturating_sub(produced));
                                produced += length;
                            }
                            _ => return Err(()),
                        }
                    }
                }
                _ => return Err(()),
            }
            if last == 1 {
                return Ok(Some(()));
            }
        }
    })();
    match result {
        Ok(_) => Outcome::Readable { farthest, reaches_before_start: before },
        Err(()) => Outcome::Corrupt,
    }
}

fn fixed_codes() -> Result<(Code, Code), ()> {
    let mut lengths = [8u8; 288];
    lengths[144..256].fill(9);
    lengths[256..280].fill(7);
    Ok((Code::new(&lengths).ok_or(())?, Code::new(&[5; 30]).ok_or(())?))
}

/// The codes that a dynamic block describes (RFC 1951 section 3.2.7); `Ok(None)` when the input ends.
fn dynamic_codes(bits: &mut Bits<'_>) -> Result<Option<(Code, Code)>, ()> {
    let (Some(literals), Some(distances), Some(codes)) = (bits.take(5), bits.take(5), bits.take(4)) else {
        return Ok(None);
    };
    let (literals, distances, codes) = (literals as usize + 257, distances as usize + 1, codes as usize + 4);
    if literals > 286 || distances > 30 {
        return Err(());
    }
    let mut lengths = [0u8; 19];
    for &slot in &CODE_ORDER[..codes] {
        let Some(length) = bits.take(3) else { return Ok(None) };
        lengths[slot] = length as u8;
    }
    let code = Code::new(&lengths).ok_or(())?;
    let mut lengths = [0u8; 316];
    let mut at = 0;
    while at < literals + distances {
        let Some(symbol) = code.decode(bits)? else { return Ok(None) };
        let (value, repeat) = match symbol {
            0..=15 => (symbol as u8, 1),
            16 => {
                if at == 0 {
                    return Err(());
                }
                let Some(extra) = bits.take(2) else { return Ok(None) };
                (lengths[at - 1], 3 + extra as usize)
            }
            17 => {
                let Some(extra) = bits.take(3) else { return Ok(None) };
                (0, 3 + extra as usize)
            }
            _ => {
                let Some(extra) = bits.take(7) else { return Ok(None) };
                (0, 11 + extra as usize)
            }
        };
        if at + repeat > literals + distances {
            return Err(());
        }
        lengths[at..at + repeat].fill(value);
        at += repeat;
    }
    let literal_code = Code::new(&lengths[..literals]).ok_or(())?;
    let distance_code = Code::new(&lengths[literals..literals + distances]).ok_or(())?;
    Ok(Some((literal_code, distance_code)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compress, Compression, FlushCompress};

    #[test]
    fn distances_are_measured() {
        let mut noise = 7u32;
        let block: Vec<u8> = (0..3000)
            .map(|_| {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (noise >> 24) as u8
            })
            .collect();
        let twice = [block.as_slice(), block.as_slice()].concat();
        let mut encoder = Compress::new(Compression::default(), false);
        let mut wire = Vec::with_capacity(8000);
        encoder.compress_vec(&twice, &mut wire, FlushCompress::Sync).expect("compresses");
        assert_eq!(audit(&wire, 1 << 15), Outcome::Readable { farthest: 3000, reaches_before_start: 0 });
        let mut second = Vec::with_capacity(8000);
        encoder.compress_vec(&block, &mut second, FlushCompress::Sync).expect("compresses");
        match audit(&second, 1 << 15) {
            Outcome::Readable { farthest: 3000, reaches_before_start } => assert_eq!(reaches_before_start, 3000),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn broken_streams_are_corrupt_and_short_ones_are_not() {
        assert_eq!(audit(&[0xff], 1 << 15), Outcome::Corrupt);
        assert!(matches!(audit(&[], 1 << 15), Outcome::Readable { .. }));
        assert!(matches!(audit(&[0xf2, 0x48], 1 << 15), Outcome::Readable { .. }));
    }
}
