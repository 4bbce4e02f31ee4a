//! UTF-16 and UTF-8's byte order mark.

/// The text of a sample in UTF-16 and the name of its byte order, with or without a byte order mark.
///
/// Without a mark most units have to be ASCII, or of one alphabet with some ASCII between. A last odd byte is ignored.
#[must_use]
pub fn utf16(sample: &[u8]) -> Option<(&'static str, String)> {
    match sample {
        [0xff, 0xfe, rest @ ..] => decode(rest, u16::from_le_bytes, false).map(|t| ("UTF-16LE", t)),
        [0xfe, 0xff, rest @ ..] => decode(rest, u16::from_be_bytes, false).map(|t| ("UTF-16BE", t)),
        _ => decode(sample, u16::from_le_bytes, true)
            .map(|t| ("UTF-16LE", t))
            .or_else(|| decode(sample, u16::from_be_bytes, true).map(|t| ("UTF-16BE", t))),
    }
}

fn decode(bytes: &[u8], unit: fn([u8; 2]) -> u16, unmarked: bool) -> Option<String> {
    let mut units: Vec<u16> = bytes.chunks_exact(2).map(|c| unit([c[0], c[1]])).collect();
    // The sample can end between the halves of a pair.
    if units.last().is_some_and(|u| (0xd800..0xdc00).contains(u)) {
        units.pop();
    }
    let text = String::from_utf16(&units).ok()?;
    let readable = |c: char| matches!(c, '\t' | '\n' | '\r' | '\u{FEFF}') || super::excerpt::is_shown(c);
    if units.is_empty() || !text.chars().all(readable) {
        return None;
    }
    if unmarked {
        let ascii = units.iter().filter(|u| **u < 0x80).count();
        let mut blocks = [0usize; 256];
        units.iter().filter(|u| **u >= 0x80).for_each(|u| blocks[usize::from(u >> 8)] += 1);
        // Alphabets that fill a block: Latin, Greek, Cyrillic, Hebrew and Arabic, Devanagari, Thai, kana.
        let alphabet =
            [0x00, 0x01, 0x03, 0x04, 0x05, 0x06, 0x09, 0x0e, 0x30].iter().map(|b| blocks[*b]).max().unwrap_or(0);
        let mostly_ascii = ascii >= 4 && ascii * 2 >= units.len();
        let one_alphabet = units.len() >= 6 && ascii >= 1 && (ascii + alphabet) * 10 >= units.len() * 9;
        if !mostly_ascii && !one_alphabet {
            return None;
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::payload::samples;

    fn little(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn both_orders_are_found() {
        assert_eq!(utf16(&little("{\"a\":\"ü\"}")), Some(("UTF-16LE", "{\"a\":\"ü\"}".to_owned())));
        assert_eq!(utf16(&little("Привет, мир")).map(|f| f.0), Some("UTF-16LE"));
        assert_eq!(utf16(b"\xff\xfea\0").map(|f| f.0), Some("UTF-16LE"));
        assert_eq!(utf16(b"\xfe\xff\0a\0").map(|f| f.0), Some("UTF-16BE"));
        let emoji = little("party 🎉 time");
        for cut in 8..emoji.len() {
            assert!(utf16(&emoji[..cut]).is_some(), "{cut}");
        }
    }

    #[test]
    fn nothing_else_is() {
        for bytes in samples::TEXTS.iter().chain([&samples::MSGPACK, &samples::PROTOBUF, &samples::BSON, &samples::PNG])
        {
            assert_eq!(utf16(bytes), None, "{}", bytes.escape_ascii());
        }
        assert_eq!(samples::random(20_000, 4..200).filter(|s| utf16(s).is_some()).count(), 0);
        assert_eq!(utf16(b""), None);
        assert_eq!(utf16(b"\xff\xfe"), None);
    }
}
