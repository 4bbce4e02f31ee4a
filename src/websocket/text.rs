//! UTF-8 checked while it streams by (RFC 6455 section 8.1), with the offset of the first byte at fault.

use crate::connection::Utf8Class;

/// Checks one text message piece by piece.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Utf8Check {
    /// The beginning of a character whose end has not come yet.
    carry: [u8; 4],
    carried: u8,
    /// Bytes checked, the carried ones included.
    checked: u64,
}

/// Where a text stops being UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fault {
    /// Payload offset in the message of the first byte of the ill-formed sequence.
    pub(super) offset: u64,
    /// The ill-formed sequence.
    pub(super) bytes: [u8; 4],
    /// How many of `bytes` count.
    pub(super) length: u8,
    /// What kind it is.
    pub(super) class: Utf8Class,
}

impl Utf8Check {
    /// Whether a character is unfinished.
    #[must_use]
    #[inline]
    pub(super) fn is_inside_character(&self) -> bool {
        self.carried > 0
    }

    /// Offset of the first byte of the unfinished character.
    #[must_use]
    pub(super) fn unfinished_at(&self) -> u64 {
        self.checked - u64::from(self.carried)
    }

    /// Takes the next piece. After a fault the check is over.
    #[inline]
    pub(super) fn push(&mut self, piece: &[u8]) -> Option<Fault> {
        let mut rest = piece;
        if self.carried > 0 {
            match self.complete(rest) {
                Ok(taken) => rest = &rest[taken..],
                Err(fault) => return Some(fault),
            }
            if self.carried > 0 {
                return None;
            }
        }
        let Err(error) = simdutf8::compat::from_utf8(rest) else {
            self.checked += rest.len() as u64;
            return None;
        };
        let at = error.valid_up_to();
        let wrong = &rest[at..];
        if error.error_len().is_none() {
            self.carry[..wrong.len()].copy_from_slice(wrong);
            self.carried = wrong.len() as u8;
            self.checked += rest.len() as u64;
            return None;
        }
        Some(fault(self.checked + at as u64, wrong))
    }

    /// Tries to complete the carried character; returns how many bytes that took.
    fn complete(&mut self, rest: &[u8]) -> Result<usize, Fault> {
        let begin = self.unfinished_at();
        for (taken, &byte) in rest.iter().enumerate() {
            let at = usize::from(self.carried);
            self.carry[at] = byte;
            let sequence = &self.carry[..=at];
            match std::str::from_utf8(sequence) {
                Ok(_) => {
                    self.carried = 0;
                    self.checked += taken as u64 + 1;
                    return Ok(taken + 1);
                }
                Err(e) if e.error_len().is_none() => self.carried += 1,
                Err(_) => return Err(fault(begin, sequence)),
            }
        }
        self.checked += rest.len() as u64;
        Ok(rest.len())
    }

    /// The end of the message.
    #[must_use]
    pub(super) fn finish(&self) -> Option<Fault> {
        if self.carried == 0 {
            return None;
        }
        let mut cut = fault(self.unfinished_at(), &self.carry[..usize::from(self.carried)]);
        cut.class = Utf8Class::CutAtEnd;
        Some(cut)
    }
}

/// Describes the ill-formed sequence at the beginning of `wrong`.
pub(super) fn fault(offset: u64, wrong: &[u8]) -> Fault {
    let class = classify(wrong);
    let length = match class {
        // A surrogate pair is six bytes; the first three show it.
        Utf8Class::Surrogate => 3,
        Utf8Class::Overlong | Utf8Class::TooLarge | Utf8Class::MissingContinuation => {
            let continued = wrong.iter().skip(1).take(3).take_while(|b| (0x80..0xc0).contains(*b)).count();
            let needed = match wrong.first() {
                Some(0xf0..) => 4,
                Some(0xe0..) => 3,
                _ => 2,
            };
            if class == Utf8Class::MissingContinuation { continued + 2 } else { (continued + 1).min(needed) }
        }
        _ => 1,
    }
    .min(wrong.len())
    .min(4);
    let mut bytes = [0; 4];
    bytes[..length].copy_from_slice(&wrong[..length]);
    Fault { offset, bytes, length: length as u8, class }
}

fn classify(wrong: &[u8]) -> Utf8Class {
    let second = wrong.get(1).copied().unwrap_or(0);
    let continues = (0x80..0xc0).contains(&second);
    match wrong.first().copied().unwrap_or(0) {
        0x80..=0xbf => Utf8Class::UnexpectedContinuation,
        0xc0 | 0xc1 if continues => Utf8Class::Overlong,
        0xe0 if (0x80..0xa0).contains(&second) => Utf8Class::Overlong,
        0xf0 if (0x80..0x90).contains(&second) => Utf8Class::Overlong,
        0xed if (0xa0..0xc0).contains(&second) => Utf8Class::Surrogate,
        0xf4 if (0x90..0xc0).contains(&second) => Utf8Class::TooLarge,
        0xf5..=0xfd if continues => Utf8Class::TooLarge,
        0xfe | 0xff => Utf8Class::NeverValid,
        _ => Utf8Class::MissingContinuation,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pieces: &[&[u8]]) -> Option<Fault> {
        let mut check = Utf8Check::default();
        for piece in pieces {
            if let Some(fault) = check.push(piece) {
                return Some(fault);
            }
        }
        check.finish()
    }

    #[test]
    fn every_split_gives_the_same_answer() {
        type Sample<'a> = (&'a [u8], Option<(u64, Utf8Class)>);
        let samples: [Sample<'_>; 12] = [
            ("Grüße, 世界 🎉".as_bytes(), None),
            (b"abc\xe9 ok", Some((3, Utf8Class::MissingContinuation))),
            (b"ab\x80", Some((2, Utf8Class::UnexpectedContinuation))),
            (b"a\xc0\xaf", Some((1, Utf8Class::Overlong))),
            (b"a\xe0\x80\xaf", Some((1, Utf8Class::Overlong))),
            (b"xy\xed\xa0\xbd\xed\xb8\x80", Some((2, Utf8Class::Surrogate))),
            (b"\xf4\x90\x80\x80", Some((0, Utf8Class::TooLarge))),
            (b"\xf8\x88\x80\x80", Some((0, Utf8Class::TooLarge))),
            (b"ab\xff", Some((2, Utf8Class::NeverValid))),
            (b"ab\xe2\x82", Some((2, Utf8Class::CutAtEnd))),
            (b"\xf0\x9f\x8e", Some((0, Utf8Class::CutAtEnd))),
            (b"\xe2\x82\x41", Some((0, Utf8Class::MissingContinuation))),
        ];
        for (bytes, expected) in samples {
            for i in 0..=bytes.len() {
                for j in i..=bytes.len() {
                    let fault = check(&[&bytes[..i], &bytes[i..j], &bytes[j..]]);
                    let got = fault.map(|f| (f.offset, f.class));
                    // A split inside an ill-formed sequence may name its class from fewer bytes, never its place.
                    assert_eq!(got.map(|g| g.0), expected.map(|e| e.0), "{bytes:x?} at {i}, {j}");
                    if i == bytes.len() {
                        assert_eq!(got, expected, "{bytes:x?}");
                    }
                }
            }
        }
    }
}
