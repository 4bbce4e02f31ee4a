//! Text in another encoding than UTF-8: which one the bytes are compatible with.
//!
//! A detector always has an answer; what makes it evidence are the gates around it. The text it gives has to read like text:
//! no controls, letters rather than signs, words in one script and with sensible capitals, and for East Asian encodings the
//! common characters rather than the rare ones that random bytes hit.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{EUC_JP, EUC_KR, Encoding, GBK, SHIFT_JIS, WINDOWS_1252};

use super::{fit, utf16};

/// A legacy encoding that the text is compatible with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charset {
    /// Its name (WHATWG Encoding Standard), "UTF-16LE" or "UTF-16BE".
    pub encoding: &'static str,
    /// Another encoding that gives the same text, under its better-known name.
    pub also: Option<&'static str>,
    /// Other encodings in which a short text makes as much sense, with other characters.
    pub others: Vec<&'static str>,
    /// The text around the first ill-formed byte so decoded, escaped for one line, at most [`EXCERPT`] characters.
    pub decoded_excerpt: String,
    /// How well it fits.
    pub fit: Fit,
}

/// How well an encoding fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// The bytes can be read so, but another explanation is as good: a character cut at the end, a mixture with UTF-8.
    Weak,
    /// One or two characters, all plausible.
    Fair,
    /// Several characters that make sense together.
    Strong,
}

/// Characters of a decoded excerpt.
pub const EXCERPT: usize = 120;
/// The largest share of C0 controls that a text may have.
const CONTROLS: f64 = 0.01;

/// The encoding that `text` is compatible with. `text` is a contiguous part of a message that begins at a character
/// boundary, best its start; `fault` the index of the first ill-formed byte, `ends` whether the message ends where it does.
///
/// `None` for UTF-8 with a single damaged place, for surrogates and overlong forms, and for bytes that read like no text.
#[must_use]
pub fn charset(text: &[u8], fault: usize, ends: bool) -> Option<Charset> {
    if let Some((encoding, decoded)) = utf16::utf16(text) {
        let fit = if decoded.chars().count() >= 4 { Fit::Strong } else { Fit::Weak };
        let decoded_excerpt = super::escape_excerpt(decoded.as_bytes(), EXCERPT);
        return Some(Charset { encoding, also: None, others: Vec::new(), decoded_excerpt, fit });
    }
    let controls = text.iter().filter(|b| super::is_control(**b) || **b == 0x7f).count();
    if controls as f64 > text.len() as f64 * CONTROLS {
        return None;
    }
    let multibyte = Utf8Share::of(text);
    if multibyte.only_generalized {
        return None;
    }
    let mixed = multibyte.valid > multibyte.invalid;
    if mixed {
        return mixture(text, fault);
    }
    if super::utf8::leading_tail(text) > 0
        && !matches!(text, [0xa1 | 0xa3 | 0xab | 0xbf | 0x80 | 0x93, b' '..=b'~', ..])
    {
        return None;
    }

    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(text, ends);
    let guess = detector.guess(None, Utf8Detection::Deny);
    // One or two letters do not tell the Latin encodings apart: take the common one.
    let unsure = multibyte.invalid <= 2 && is_latin(guess);
    let first = if unsure { WINDOWS_1252 } else { guess };
    let reading = |encoding: &'static Encoding| {
        let decoded = decode(encoding, text, ends)?;
        let fit = fit::fit(encoding, text, &decoded)?;
        Some((encoding, decoded, fit))
    };
    // The detector needs more than a few characters; what it does not find is only a possibility.
    let fallback = |encoding: &'static Encoding| {
        // A few letters among many others, for the single-byte one.
        let allowed = encoding != WINDOWS_1252 || multibyte.invalid * 4 <= text.len();
        let (encoding, decoded, fit) = reading(encoding).filter(|_| allowed)?;
        Some((encoding, decoded, if encoding == WINDOWS_1252 { fit } else { Fit::Weak }))
    };
    // Japanese without kana and Korean without its commonest syllables are more often Chinese.
    let doubted = (first == EUC_JP && !fit::has_kana(text)) || (first == EUC_KR && !fit::has_common_hangul(text));
    let (encoding, decoded, fit) = reading(GBK)
        .filter(|_| doubted)
        .or_else(|| reading(first))
        .or_else(|| [WINDOWS_1252, guess, GBK, SHIFT_JIS, EUC_KR, EUC_JP].into_iter().find_map(fallback))?;
    // A few pairs of bytes from A1 to FE are common characters in several encodings.
    let few = !encoding.is_single_byte() && multibyte.invalid + multibyte.valid < 16;
    let others = [GBK, EUC_KR, EUC_JP].into_iter().filter(|e| few && *e != encoding && reading(e).is_some());
    let others: Vec<&'static str> = others.map(Encoding::name).collect();
    let fit = if others.is_empty() { fit } else { fit.min(Fit::Fair) };
    // One lead byte at the very end is a cut character as well as a letter.
    let cut = ends && multibyte.invalid + multibyte.valid <= 3 && multibyte.cut_at_end;
    let tail = super::utf8::leading_tail(text) > 0;
    Some(Charset {
        encoding: name(encoding, text),
        others,
        also: (encoding == WINDOWS_1252 && !text.iter().any(|b| (0x80..0xa0).contains(b))).then_some("ISO-8859-1"),
        decoded_excerpt: excerpt(&decoded),
        fit: if cut || tail { Fit::Weak } else { fit },
    })
}

/// Whether the encoding's letters are Latin: windows-1250, 1252, 1254, 1257, 1258 and the ISO 8859 parts for Latin.
fn is_latin(encoding: &'static Encoding) -> bool {
    let (decoded, _) = encoding.decode_without_bom_handling(&[0xe9]);
    encoding.is_single_byte() && decoded == "é"
}

/// UTF-8 into which a few characters of windows-1252 were put.
fn mixture(text: &[u8], fault: usize) -> Option<Charset> {
    let mut decoded = String::with_capacity(text.len());
    let mut foreign = 0;
    for chunk in text.utf8_chunks() {
        decoded.push_str(chunk.valid());
        let before = decoded.chars().next_back();
        for byte in chunk.invalid() {
            // Only letters from A0 on: below that a damaged character is the likelier explanation.
            let c = char::from(*byte);
            let fits = *byte >= 0xc0 && c.is_alphabetic() && before.is_some_and(char::is_alphabetic);
            let torn = c.is_uppercase() && before.is_some_and(char::is_lowercase);
            if !fits || torn {
                return None;
            }
            decoded.push(c);
            foreign += 1;
        }
        if foreign > 0 && chunk.invalid().len() > 1 {
            return None;
        }
    }
    let goes_on = text.get(fault + 1).is_some_and(u8::is_ascii_alphabetic);
    (foreign > 0 && goes_on).then(|| Charset {
        encoding: WINDOWS_1252.name(),
        also: Some("ISO-8859-1"),
        others: Vec::new(),
        decoded_excerpt: excerpt(&decoded),
        fit: Fit::Weak,
    })
}

/// The text in that encoding; `None` when a sequence is invalid in it.
fn decode(encoding: &'static Encoding, text: &[u8], ends: bool) -> Option<String> {
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let mut decoded = String::with_capacity(decoder.max_utf8_buffer_length(text.len())?);
    let (_, _, replaced) = decoder.decode_to_string(text, &mut decoded, ends);
    (!replaced).then_some(decoded)
}

fn name(encoding: &'static Encoding, text: &[u8]) -> &'static str {
    // The two agree on Russian; only Ukrainian letters tell them apart.
    let ukrainian = text.iter().any(|b| matches!(b, 0xa4 | 0xa6 | 0xa7 | 0xad | 0xb4 | 0xb6 | 0xb7 | 0xbd));
    match encoding.name() {
        "KOI8-U" if !ukrainian => "KOI8-R",
        name => name,
    }
}

/// The excerpt begins at most 24 characters before the first character that is not ASCII.
fn excerpt(decoded: &str) -> String {
    let first = decoded.chars().position(|c| !c.is_ascii()).unwrap_or(0);
    let from = first.saturating_sub(24);
    let part: String = decoded.chars().skip(from).take(EXCERPT + 1).collect();
    let shown = super::escape_excerpt(part.as_bytes(), EXCERPT - 1);
    if from > 0 { format!("…{shown}") } else { shown }
}

/// Bytes from 80 to FF in a text: how many are part of UTF-8.
struct Utf8Share {
    /// Bytes of well-formed sequences.
    valid: usize,
    /// Other bytes.
    invalid: usize,
    /// All ill-formed sequences are surrogates or overlong forms with all their bytes.
    only_generalized: bool,
    /// The last ill-formed sequence could be a character if the message went on.
    cut_at_end: bool,
}

impl Utf8Share {
    fn of(text: &[u8]) -> Utf8Share {
        let mut share = Utf8Share { valid: 0, invalid: 0, only_generalized: false, cut_at_end: false };
        let mut generalized = 0;
        let mut at = 0;
        while at < text.len() {
            let (valid, error) = match std::str::from_utf8(&text[at..]) {
                Ok(_) => (text.len() - at, None),
                Err(e) => (e.valid_up_to(), Some(e.error_len())),
            };
            share.valid += text[at..at + valid].iter().filter(|b| **b >= 0x80).count();
            at += valid;
            let Some(error) = error else {
                break;
            };
            let rest = &text[at..];
            let length = match rest {
                [0xed, 0xa0..=0xbf, 0x80..=0xbf, ..] | [0xe0, 0x80..=0x9f, 0x80..=0xbf, ..] => 3,
                [0xc0 | 0xc1, 0x80..=0xbf, ..] => 2,
                [0xf0, 0x80..=0x8f, 0x80..=0xbf, 0x80..=0xbf, ..] => 4,
                _ => 0,
            };
            share.cut_at_end = error.is_none();
            let bad = if length > 0 { length } else { error.unwrap_or(rest.len()) };
            generalized += length;
            share.invalid += bad;
            at += bad;
        }
        share.only_generalized = share.invalid > 0 && generalized == share.invalid;
        share
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::payload::samples;

    fn guess(text: &[u8]) -> Option<Charset> {
        let fault = std::str::from_utf8(text).err().map_or(0, |e| e.valid_up_to());
        charset(text, fault, true)
    }

    #[test]
    fn texts_in_legacy_encodings_are_read() {
        let expected = [
            (
                "windows-1252",
                "{\"user\":\"Jürgen Müller\",\"city\":\"Zürich\",\"msg\":\"Grüße aus der Schweiz, bis später\"}",
            ),
            ("Shift_JIS", "注文番号 4711：日本語のテストメッセージ"),
            ("windows-1252", "café ok"),
            ("windows-1252", "{\"name\":\"Jörg\"}"),
            ("windows-1252", "abcäöxyz12"),
            ("GBK", "你好，世界。这是一个测试消息，用于检查编码。"),
            ("GBK", "{\"msg\":\"今天天气很好，我们去公园\"}"),
            ("windows-1251", "Привет, мир! Это сообщение в старой кодировке."),
            ("KOI8-R", "{\"имя\":\"Сергей\",\"город\":\"Москва\"}"),
            ("EUC-KR", "안녕하세요, 세계! 이것은 시험 메시지입니다."),
            ("EUC-JP", "日本語のメッセージです。テスト送信。"),
            ("Shift_JIS", "今日は天気がいいですね。お元気ですか"),
            ("Big5", "您好，這是一個測試訊息，請檢查編碼。"),
            ("windows-1250", "Zażółć gęślą jaźń, proszę bardzo"),
            ("windows-1253", "Καλημέρα κόσμε, αυτό είναι ένα μήνυμα"),
            ("windows-1254", "Günaydın, bugün hava çok güzel, değil mi? şey"),
            ("windows-1255", "שלום עולם, זו הודעה"),
            ("windows-1252", "Price: 20 £ at 5°C"),
            ("windows-1252", "It’s “fine” – really"),
        ];
        let mut wanted = expected.iter();
        for text in samples::TEXTS {
            if std::str::from_utf8(text).is_ok() {
                continue;
            }
            let found = guess(text);
            let is_utf8 = text.windows(3).any(|w| w == b"\xf0\x9f\x8e" || w == b"\xed\xa0\xbd" || w == b"\xc0\xafe");
            if is_utf8 {
                assert_eq!(found, None, "{}", text.escape_ascii());
                continue;
            }
            let found = found.unwrap_or_else(|| panic!("{}", text.escape_ascii()));
            let (encoding, decoded) = wanted.next().unwrap();
            assert_eq!((found.encoding, found.decoded_excerpt.as_str()), (*encoding, *decoded));
            assert!(found.fit >= Fit::Fair);
        }
        assert_eq!(wanted.next(), None);
    }

    #[test]
    fn short_latin_texts_are_read() {
        for (bytes, text) in [
            (&b"\xfcber"[..], "über"),
            (b"na\xefve", "naïve"),
            (b"{\"city\":\"M\xfcnchen\"}", "{\"city\":\"München\"}"),
            (b"se\xf1or", "señor"),
            (b"10 \x80 please", "10 € please"),
            (b"\xc9cole", "École"),
            (b"Gar\xe7on, un caf\xe9!", "Garçon, un café!"),
            (b"Sm\xf8rrebr\xf8d", "Smørrebrød"),
            (b"S\xe3o Paulo", "São Paulo"),
            (b"hello\xe9", "helloé"),
            (b"<p>Caf\xe9</p>", "<p>Café</p>"),
            (b"\"A\xf1o\"", "\"Año\""),
        ] {
            let found = guess(bytes).unwrap_or_else(|| panic!("{text}"));
            assert_eq!((found.encoding, found.decoded_excerpt.as_str()), ("windows-1252", text));
        }
        assert_eq!(guess(b"hello\xe9").unwrap().fit, Fit::Weak);
        assert_eq!(guess(b"caf\xe9 ok").unwrap().also, Some("ISO-8859-1"));
    }

    #[test]
    fn short_east_asian_texts_name_the_alternatives() {
        let found = guess(b"\xb5\xc7\xc2\xbc\xb3\xc9\xb9\xa6").unwrap();
        assert_eq!((found.encoding, found.decoded_excerpt.as_str()), ("GBK", "登录成功"));
        assert!(found.others.contains(&"EUC-KR"), "{found:?}");
        let found = guess(b"\xbe\xc8\xb3\xe7\xc7\xcf\xbc\xbc\xbf\xe4").unwrap();
        assert_eq!((found.encoding, found.decoded_excerpt.as_str()), ("EUC-KR", "안녕하세요"));
        assert_eq!(found.fit, Fit::Fair);
        assert_eq!(guess(b"ok \x97\xb9\x89\xf0").map(|c| c.decoded_excerpt).as_deref(), Some("ok 了解"));
    }

    #[test]
    fn damaged_utf8_is_no_legacy_text() {
        for bytes in [
            &b"\x9f\x8e\x89 see you at the party"[..],
            b"Gr\xc3\xbc\xc3\x9fe \xe2\x82 aus Z\xc3\xbcrich",
            b"a\xc0\x80b",
            b"{\"t\":\"\xed\xa0\xbd\"}",
            b"J\xc3\xb6rg \xf0\x9f",
            b"Stra\xc3\x9fe \xff",
        ] {
            assert_eq!(guess(bytes), None, "{}", bytes.escape_ascii());
        }
        let mixed = guess(b"J\xc3\xb6rg M\xfcller").unwrap();
        assert_eq!((mixed.decoded_excerpt.as_str(), mixed.fit), ("Jörg Müller", Fit::Weak));
    }

    #[test]
    fn utf16_is_read() {
        let with_mark: Vec<u8> =
            [0xff, 0xfe].into_iter().chain("{\"name\":\"日本\"}".encode_utf16().flat_map(u16::to_le_bytes)).collect();
        assert_eq!(guess(&with_mark).map(|c| c.encoding), Some("UTF-16LE"));
        let big: Vec<u8> = "{\"name\":\"Jörg\"}".encode_utf16().flat_map(u16::to_be_bytes).collect();
        let found = guess(&big).unwrap();
        assert_eq!((found.encoding, found.decoded_excerpt.as_str()), ("UTF-16BE", "{\"name\":\"Jörg\"}"));
    }

    #[test]
    fn binary_data_and_random_bytes_are_no_text() {
        for bytes in [
            samples::MSGPACK,
            samples::PROTOBUF,
            samples::CBOR,
            samples::BSON,
            samples::PNG,
            samples::GZIP,
            samples::ZLIB,
            samples::DEFLATED_JSON,
        ] {
            assert_eq!(guess(bytes), None, "{}", bytes.escape_ascii());
        }
        let hits = samples::random(20_000, 32..513).filter(|s| guess(s).is_some()).count();
        assert!(hits <= 4, "{hits} of 20000");
        let short = samples::random(20_000, 8..32).filter_map(|s| guess(&s)).filter(|c| c.fit > Fit::Weak).count();
        assert!(short <= 150, "{short} of 20000 short ones");
    }
}
