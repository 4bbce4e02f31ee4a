//! An ill-formed UTF-8 sequence in words.

use crate::connection::{InvalidUtf8, Utf8Class};

/// What is wrong with a sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// One clause that begins with the bytes: "C0 AF is an overlong form of '/'".
    pub text: String,
    /// The character that was meant, where the bytes still tell.
    pub intended: Option<char>,
    /// Bytes of the message that the clause speaks of.
    pub length: usize,
}

/// Describes the ill-formed sequence of a message.
#[must_use]
pub fn describe(fault: &InvalidUtf8) -> Description {
    let at = fault.offset.checked_sub(fault.around_offset).and_then(|n| usize::try_from(n).ok());
    let rest = at.and_then(|n| fault.around.get(n..)).filter(|rest| rest.starts_with(&fault.bytes));
    describe_sequence(fault.class, &fault.bytes, rest.unwrap_or(&fault.bytes))
}

/// Describes the ill-formed sequence `bytes` of that class; `rest` is the message from its first byte on as far as known, at
/// least `bytes` itself.
#[must_use]
pub fn describe_sequence(class: Utf8Class, bytes: &[u8], rest: &[u8]) -> Description {
    let shown = hex(bytes);
    let plain = |text: String| Description { text, intended: None, length: bytes.len() };
    match class {
        Utf8Class::CutAtEnd => {
            let needed = needed(bytes);
            plain(format!(
                "{shown} {} of a {needed}-byte character whose last {} missing",
                if bytes.len() == 1 {
                    "is the first byte".to_owned()
                } else {
                    format!("are the first {} bytes", bytes.len())
                },
                bytes_are(needed.saturating_sub(bytes.len())),
            ))
        }
        Utf8Class::MissingContinuation => {
            let needed = needed(bytes);
            let next = rest.get(bytes.len()).map(|b| format!(": {b:02X} follows instead")).unwrap_or_default();
            plain(format!(
                "{shown} begins a {needed}-byte character that misses its last {}{next}",
                match needed.saturating_sub(bytes.len()) {
                    0 | 1 => "byte".to_owned(),
                    n => format!("{n} bytes"),
                }
            ))
        }
        Utf8Class::UnexpectedContinuation => {
            let run = rest.iter().take(4).take_while(|b| is_continuation(**b)).count().max(1);
            let shown = hex(&rest[..run.min(rest.len())]);
            let text = if run == 1 {
                format!("{shown} can only continue a character, but none was begun")
            } else {
                format!("{shown} can only continue a character, but none was begun: the first byte of it is missing")
            };
            Description { text, intended: None, length: run }
        }
        Utf8Class::Overlong => overlong(bytes, rest),
        Utf8Class::Surrogate => surrogate(bytes, rest),
        Utf8Class::TooLarge => plain(format!("{shown} stands for a number above U+10FFFF, where Unicode ends")),
        Utf8Class::NeverValid => match rest {
            [0xff, 0xfe, ..] => plain("FF FE is the byte order mark of UTF-16 (little-endian)".to_owned()),
            [0xfe, 0xff, ..] => plain("FE FF is the byte order mark of UTF-16 (big-endian)".to_owned()),
            _ => plain(format!("{shown} never occurs in UTF-8")),
        },
    }
}

/// Whether the sequence is the form of NUL that Java's modified UTF-8 uses (`DataOutput.writeUTF`, JNI).
#[must_use]
pub fn is_modified_utf8_nul(rest: &[u8]) -> bool {
    rest.starts_with(&[0xc0, 0x80])
}

/// How many bytes at the start of a message can only be the end of a character that an earlier message began: 1 to 3
/// continuation bytes, followed by UTF-8 as far as the sample goes. 0 when there are none or the rest is ill-formed too.
#[must_use]
pub fn leading_tail(sample: &[u8]) -> usize {
    let run = sample.iter().take_while(|b| is_continuation(**b)).count();
    let rest = &sample[run..];
    let valid = std::str::from_utf8(rest).err().is_none_or(|e| e.error_len().is_none());
    if (1..=3).contains(&run) && valid { run } else { 0 }
}

/// The character that two encoded surrogates (CESU-8) at the start of `rest` stand for.
#[must_use]
pub fn cesu8_pair(rest: &[u8]) -> Option<char> {
    let (high, low) = (three_bytes(rest)?, three_bytes(rest.get(3..)?)?);
    if !(0xd800..0xdc00).contains(&high) {
        return None;
    }
    char::decode_utf16([high, low]).next()?.ok()
}

fn overlong(bytes: &[u8], rest: &[u8]) -> Description {
    let lead = rest.first().copied().unwrap_or_default();
    let length = needed(&[lead]);
    let complete = rest.get(..length).filter(|s| s[1..].iter().all(|b| is_continuation(*b)));
    let Some(sequence) = complete else {
        return Description {
            text: format!("{} can only begin an overlong form", hex(bytes)),
            intended: None,
            length: bytes.len(),
        };
    };
    let bits = u32::from(lead) & (0x7f >> length);
    let value = sequence[1..].iter().fold(bits, |n, b| n << 6 | u32::from(b & 0x3f));
    let shown = hex(sequence);
    if is_modified_utf8_nul(rest) {
        let text = format!("{shown} is an overlong form of NUL, as Java's modified UTF-8 writes it");
        return Description { text, intended: Some('\0'), length };
    }
    let intended = char::from_u32(value);
    let text = match intended {
        Some(c) if super::excerpt::is_shown(c) => format!("{shown} is an overlong form of '{c}'"),
        _ => format!("{shown} is an overlong form of U+{value:04X}"),
    };
    Description { text, intended, length }
}

fn surrogate(bytes: &[u8], rest: &[u8]) -> Description {
    let Some(unit) = three_bytes(rest) else {
        let text = format!("{} begins an encoded surrogate, which is half of a character", hex(bytes));
        return Description { text, intended: None, length: bytes.len() };
    };
    if let Some(c) = cesu8_pair(rest) {
        let character = if super::excerpt::is_shown(c) {
            format!("{c} (U+{:04X})", u32::from(c))
        } else {
            format!("U+{:04X}", u32::from(c))
        };
        let text = format!("{} is {character} encoded as two surrogates (CESU-8)", hex(&rest[..6]));
        return Description { text, intended: Some(c), length: 6 };
    }
    let shown = hex(&rest[..3]);
    let text = if unit < 0xdc00 {
        format!(
            "{shown} is U+{unit:04X}, the first half of a surrogate pair without its second half, such as an emoji cut in two"
        )
    } else {
        format!(
            "{shown} is U+{unit:04X}, the second half of a surrogate pair without its first half, such as an emoji cut in two"
        )
    };
    Description { text, intended: None, length: 3 }
}

/// The UTF-16 unit of an encoded surrogate.
fn three_bytes(rest: &[u8]) -> Option<u16> {
    match rest.get(..3)? {
        &[0xed, second @ 0xa0..=0xbf, third @ 0x80..=0xbf] => {
            Some(0xd000 | u16::from(second & 0x3f) << 6 | u16::from(third & 0x3f))
        }
        _ => None,
    }
}

fn is_continuation(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

/// Bytes of the character that the first of `bytes` begins.
fn needed(bytes: &[u8]) -> usize {
    match bytes.first() {
        Some(0xf0..) => 4,
        Some(0xe0..) => 3,
        _ => 2,
    }
}

fn bytes_are(count: usize) -> String {
    if count == 1 { "byte is".to_owned() } else { format!("{count} bytes are") }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02X}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(class: Utf8Class, bytes: &[u8], rest: &[u8]) -> String {
        describe_sequence(class, bytes, rest).text
    }

    #[test]
    fn overlong_forms() {
        let d = describe_sequence(Utf8Class::Overlong, &[0xc0], b"\xc0\xafetc");
        assert_eq!((d.text.as_str(), d.intended, d.length), ("C0 AF is an overlong form of '/'", Some('/'), 2));
        assert!(text(Utf8Class::Overlong, &[0xc0], b"\xc0\x80x").contains("NUL"));
        assert!(is_modified_utf8_nul(b"\xc0\x80") && !is_modified_utf8_nul(b"\xc0\x81"));
        assert_eq!(text(Utf8Class::Overlong, &[0xe0], b"\xe0\x80\xaf"), "E0 80 AF is an overlong form of '/'");
        assert_eq!(text(Utf8Class::Overlong, &[0xf0], b"\xf0\x82\x82\xac"), "F0 82 82 AC is an overlong form of '€'");
        assert_eq!(text(Utf8Class::Overlong, &[0xc0], b"\xc0\x9b[m"), "C0 9B is an overlong form of U+001B");
        assert_eq!(text(Utf8Class::Overlong, &[0xc1], b"\xc1 "), "C1 can only begin an overlong form");
    }

    #[test]
    fn surrogates() {
        let d = describe_sequence(Utf8Class::Surrogate, &[0xed], b"\xed\xa0\xbd\xed\xb1\x8d\"");
        assert_eq!(d.text, "ED A0 BD ED B1 8D is 👍 (U+1F44D) encoded as two surrogates (CESU-8)");
        assert_eq!(d.intended, Some('👍'));
        assert!(text(Utf8Class::Surrogate, &[0xed], b"\xed\xa0\xbd").contains("U+D83D, the first half"));
        assert!(text(Utf8Class::Surrogate, &[0xed], b"\xed\xb1\x8dx").contains("U+DC4D, the second half"));
        assert!(text(Utf8Class::Surrogate, &[0xed, 0xa0], b"\xed\xa0").starts_with("ED A0 begins"));
    }

    #[test]
    fn cut_characters() {
        assert_eq!(
            text(Utf8Class::CutAtEnd, b"\xf0", b"\xf0"),
            "F0 is the first byte of a 4-byte character whose last 3 bytes are missing"
        );
        assert_eq!(
            text(Utf8Class::CutAtEnd, b"\xe2\x82", b"\xe2\x82"),
            "E2 82 are the first 2 bytes of a 3-byte character whose last byte is missing"
        );
        assert_eq!(
            text(Utf8Class::MissingContinuation, b"\xe2\x82", b"\xe2\x82A"),
            "E2 82 begins a 3-byte character that misses its last byte: 41 follows instead"
        );
        assert_eq!(leading_tail(b"\x9f\x8e\x89 party"), 3);
        assert_eq!(leading_tail(b"\x92\x8d\x95\xb6"), 0);
        assert_eq!(leading_tail(b"\x92\x8d \xfc"), 0);
        assert_eq!(leading_tail(b"party"), 0);
        assert!(text(Utf8Class::UnexpectedContinuation, b"\x9f", b"\x9f\x8e\x89 x").starts_with("9F 8E 89 can only"));
    }

    #[test]
    fn bytes_outside_utf8() {
        assert!(text(Utf8Class::NeverValid, b"\xff", b"\xff\xfea\0").contains("byte order mark"));
        assert_eq!(text(Utf8Class::NeverValid, b"\xff", b"\xff\xd8"), "FF never occurs in UTF-8");
        assert!(text(Utf8Class::TooLarge, b"\xf5", b"\xf5").contains("U+10FFFF"));
    }

    #[test]
    fn every_class_copes_with_any_bytes() {
        for class in [
            Utf8Class::CutAtEnd,
            Utf8Class::UnexpectedContinuation,
            Utf8Class::MissingContinuation,
            Utf8Class::Overlong,
            Utf8Class::Surrogate,
            Utf8Class::TooLarge,
            Utf8Class::NeverValid,
        ] {
            for bytes in [&b""[..], b"\xc0", b"\xed\xa0", b"\xff\xff\xff\xff", b"abcd", b"\x80\x80\x80\x80"] {
                for length in 0..=bytes.len() {
                    assert!(!describe_sequence(class, &bytes[..length], bytes).text.is_empty());
                }
            }
        }
    }
}
