//! Bytes without a structure of their own: arrays of numbers, sound samples, and what looks random.

use super::shape::{Shape, ShapeKind};

/// Least bytes for a statistical statement.
const LEAST: usize = 64;

/// Recognises arrays of floating point numbers and 16-bit sound.
pub(super) fn numbers(sample: &[u8], total: Option<u64>) -> Option<Shape> {
    if sample.len() < LEAST || control_share(sample) < 0.03 {
        return None;
    }
    let total = total.unwrap_or(sample.len() as u64);
    let kind = if total.is_multiple_of(8) && floats::<8>(sample) {
        ShapeKind::Float64
    } else if total.is_multiple_of(4) && floats::<4>(sample) {
        ShapeKind::Float32
    } else if total.is_multiple_of(2) && is_sound(sample) {
        ShapeKind::Pcm16
    } else {
        return None;
    };
    Some(Shape { kind, to_the_end: false, prefix: 0, bits: 16 })
}

/// Whether nearly all numbers are zero or between 10^-6 and 10^9 in magnitude, and few of them zero or equal.
fn floats<const WIDTH: usize>(sample: &[u8]) -> bool {
    let (mut usual, mut zero, mut repeated, mut count) = (0, 0, 0, 0);
    let mut last = f64::NAN;
    for chunk in sample.chunks_exact(WIDTH) {
        let number = match *chunk {
            [a, b, c, d] => f64::from(f32::from_le_bytes([a, b, c, d])),
            [a, b, c, d, e, f, g, h] => f64::from_le_bytes([a, b, c, d, e, f, g, h]),
            _ => return false,
        };
        count += 1;
        zero += usize::from(number == 0.0);
        repeated += usize::from(number == last);
        usual += usize::from(number == 0.0 || (1e-6..1e9).contains(&number.abs()));
        last = number;
    }
    count >= 8 && usual * 20 >= count * 19 && zero * 2 < count && repeated * 2 < count
}

/// Whether the bytes, as signed 16-bit samples, swing around zero and change little from one to the next.
fn is_sound(sample: &[u8]) -> bool {
    let samples: Vec<f64> = sample.chunks_exact(2).map(|c| f64::from(i16::from_le_bytes([c[0], c[1]]))).collect();
    let count = samples.len() as f64;
    let mean = samples.iter().sum::<f64>() / count;
    let swing = samples.iter().map(|s| (s - mean).abs()).sum::<f64>() / count;
    let change = samples.windows(2).map(|w| (w[1] - w[0]).abs()).sum::<f64>() / (count - 1.0);
    let crossings = samples.windows(2).filter(|w| (w[0] < mean) != (w[1] < mean)).count();
    samples.len() >= 64 && swing > 64.0 && mean.abs() < swing && change < swing * 0.6 && crossings >= 3
}

/// Whether `sample` is spread over all byte values as compressed or encrypted data is. `false` below 64 bytes.
#[must_use]
pub fn looks_random(sample: &[u8]) -> bool {
    if sample.len() < LEAST {
        return false;
    }
    let (mut upper, mut lower) = ([0u32; 16], [0u32; 16]);
    for byte in sample {
        upper[usize::from(byte >> 4)] += 1;
        lower[usize::from(byte & 15)] += 1;
    }
    // 15 degrees of freedom: random bytes stay below 45 in all but 1 of 10 000 cases.
    spread(&upper, sample.len()) < 45.0 && spread(&lower, sample.len()) < 45.0
}

/// Pearson's chi-square of the counts against an even spread.
fn spread(counts: &[u32; 16], total: usize) -> f64 {
    let expected = total as f64 / 16.0;
    counts.iter().map(|c| (f64::from(*c) - expected).powi(2) / expected).sum()
}

fn control_share(sample: &[u8]) -> f64 {
    sample.iter().filter(|b| super::is_control(**b)).count() as f64 / sample.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::payload::samples;

    #[test]
    fn sound_and_number_arrays_are_named() {
        let tone: Vec<u8> =
            (0..256).flat_map(|i| (((f64::from(i) * 0.2).sin() * 9000.0) as i16).to_le_bytes()).collect();
        assert_eq!(numbers(&tone, Some(4096)).map(|s| s.kind), Some(ShapeKind::Pcm16));
        let singles: Vec<u8> = (0..128u8).flat_map(|i| ((f32::from(i) * 0.37).sin() * 0.8).to_le_bytes()).collect();
        assert_eq!(numbers(&singles, Some(512)).map(|s| s.kind), Some(ShapeKind::Float32));
        let doubles: Vec<u8> = (0..64u8).flat_map(|i| (f64::from(i).sqrt() * 1000.0 + 0.1).to_le_bytes()).collect();
        assert_eq!(numbers(&doubles, Some(512)).map(|s| s.kind), Some(ShapeKind::Float64));
    }

    #[test]
    fn random_is_random_and_text_is_not() {
        let misses = samples::random(2000, 64..512).filter(|s| !looks_random(s)).count();
        assert!(misses < 10, "{misses}");
        for text in samples::TEXTS {
            assert!(!looks_random(text));
            assert_eq!(numbers(text, None), None);
        }
        assert!(!looks_random(samples::MSGPACK));
        let hits = samples::random(5000, 64..512).filter(|s| numbers(s, Some(s.len() as u64)).is_some()).count();
        assert!(hits < 5, "{hits}");
    }
}
