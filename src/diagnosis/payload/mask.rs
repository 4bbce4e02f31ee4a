//! Masking faults: garbage that becomes text under the frame's own key (RFC 6455 section 5.3).

/// How the bytes become text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaskFault {
    /// Applying the key once more gives text: the sender set the mask bit and sent a key but did not mask, or masked twice.
    Again,
    /// The sender's key ran this many bytes ahead (1 to 3): it was not restarted with the frame, or restarted inside it.
    Shifted(u8),
    /// The sender masked with the key's bytes in reverse order (a byte order fault).
    Reversed,
}

/// A masking fault and the text that shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remask {
    /// What gives text.
    pub fault: MaskFault,
    /// Where in the sample the text that was tried begins.
    pub from: usize,
    /// The text, at most [`WINDOW`] bytes of it.
    pub text: String,
}

/// Fewest bytes that have to become text.
pub const LEAST: usize = 8;
/// Most bytes that are tried: what follows may belong to another frame with another key.
pub const WINDOW: usize = 64;

/// Tells whether `sample`, payload bytes as unmasked with `key`, become readable UTF-8 when a masking fault is undone.
///
/// `phase` is the payload offset in the frame of the sample's first byte; `fault_at` the index of the first ill-formed byte.
/// Both the whole sample and the part from the fault on are tried. At least [`LEAST`] bytes have to become readable, and for
/// fewer than 16 most of them letters, digits and spaces.
#[must_use]
pub fn remask(sample: &[u8], key: [u8; 4], phase: u64, fault_at: usize) -> Option<Remask> {
    let candidates =
        [MaskFault::Again, MaskFault::Shifted(1), MaskFault::Shifted(2), MaskFault::Shifted(3), MaskFault::Reversed];
    for from in [0, fault_at] {
        let window = sample.get(from..)?;
        let window = &window[..window.len().min(WINDOW)];
        // Keys whose bytes are alike turn text into other text: what is mostly readable as it is was masked correctly.
        let readable_as_is = window.iter().filter(|b| matches!(b, b' '..=b'~')).count();
        if window.len() < LEAST || readable_as_is * 3 > window.len() * 2 {
            continue;
        }
        // One byte repeated gives four repeated, which may be readable: filled memory, not text.
        if window.windows(5).all(|w| w[0] == w[4]) {
            continue;
        }
        let phase = phase.wrapping_add(from as u64);
        for fault in candidates {
            let Some(difference) = difference(fault, key) else {
                continue;
            };
            let changed: Vec<u8> = window
                .iter()
                .enumerate()
                .map(|(i, b)| b ^ difference[(phase.wrapping_add(i as u64) % 4) as usize])
                .collect();
            if let Some(text) = readable(&changed, sample.len() > from + window.len()) {
                return Some(Remask { fault, from, text });
            }
        }
    }
    None
}

/// What has to be applied on top of the key, by phase; `None` when it changes nothing.
fn difference(fault: MaskFault, key: [u8; 4]) -> Option<[u8; 4]> {
    let [a, b, c, d] = key;
    let other = match fault {
        MaskFault::Again => [0; 4],
        MaskFault::Shifted(1) => [b, c, d, a],
        MaskFault::Shifted(2) => [c, d, a, b],
        MaskFault::Shifted(_) => [d, a, b, c],
        MaskFault::Reversed => [d, c, b, a],
    };
    let difference = [a ^ other[0], b ^ other[1], c ^ other[2], d ^ other[3]];
    (difference != [0; 4]).then_some(difference)
}

fn readable(bytes: &[u8], goes_on: bool) -> Option<String> {
    // A window that begins inside the text can begin inside a character, and end inside one.
    let start = bytes.iter().take(3).take_while(|b| *b & 0xc0 == 0x80).count();
    let bytes = if goes_on { super::trim_cut(&bytes[start..]) } else { &bytes[start..] };
    if bytes.len() < LEAST || !super::is_text(bytes) {
        return None;
    }
    let text = std::str::from_utf8(bytes).ok()?;
    let short = bytes.len() < 16;
    let (mut common, mut all) = (0, 0);
    for c in text.chars() {
        all += 1;
        common += usize::from(c == ' ' || c.is_ascii_alphanumeric() || (!short && c.is_alphabetic()));
    }
    let enough = if short { common * 4 >= all * 3 } else { common * 2 >= all };
    enough.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::payload::samples;

    const KEY: [u8; 4] = [0x9d, 0x21, 0xf3, 0x8c];

    fn apply(bytes: &[u8], key: [u8; 4], from: usize) -> Vec<u8> {
        bytes.iter().enumerate().map(|(i, b)| b ^ key[(i + from) % 4]).collect()
    }

    #[test]
    fn unmasked_or_twice_masked_text_is_found() {
        let text = "{\"type\":\"ping\",\"who\":\"Jörg\"}".as_bytes();
        let seen = apply(text, KEY, 0);
        let found = remask(&seen, KEY, 0, 1).unwrap();
        assert_eq!((found.fault, found.from), (MaskFault::Again, 0));
        assert_eq!(found.text, "{\"type\":\"ping\",\"who\":\"Jörg\"}");
        for phase in 0..4usize {
            let seen = apply(text, KEY, phase);
            assert_eq!(remask(&seen, KEY, phase as u64, 1).map(|r| r.fault), Some(MaskFault::Again));
        }
    }

    #[test]
    fn a_shifted_or_reversed_key_is_found() {
        let text = b"the quick brown fox jumps over the lazy dog";
        for shift in 1..4u8 {
            let wire = apply(text, KEY, usize::from(shift));
            let seen = apply(&wire, KEY, 0);
            assert_eq!(remask(&seen, KEY, 0, 0).map(|r| r.fault), Some(MaskFault::Shifted(shift)));
        }
        let seen = apply(&apply(text, [KEY[3], KEY[2], KEY[1], KEY[0]], 0), KEY, 0);
        assert_eq!(remask(&seen, KEY, 0, 0).map(|r| r.fault), Some(MaskFault::Reversed));
    }

    #[test]
    fn a_key_that_goes_wrong_inside_the_frame_is_found() {
        let mut seen = b"correct up to here, ".to_vec();
        let at = seen.len() + 1;
        let wrong = apply(&apply(b"then masked from a wrong offset on", KEY, at + 2), KEY, at);
        seen.push(b'-');
        seen.extend(wrong);
        let found = remask(&seen, KEY, 0, at).unwrap();
        assert_eq!((found.fault, found.from), (MaskFault::Shifted(2), at));
    }

    #[test]
    fn other_text_and_random_bytes_are_not_mistaken() {
        for text in samples::TEXTS {
            let Some(fault) = std::str::from_utf8(text).err().map(|e| e.valid_up_to()) else {
                continue;
            };
            for key in [KEY, [0; 4], [1, 2, 3, 4], [7; 4], [0x20, 0, 0, 0]] {
                assert_eq!(remask(text, key, 0, fault), None, "{}", text.escape_ascii());
            }
        }
        let hits = samples::random(20_000, 8..40).filter(|s| remask(s, KEY, 0, 0).is_some()).count();
        assert!(hits <= 10, "{hits} of 20000");
    }
}
