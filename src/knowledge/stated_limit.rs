//! Size limits that a close reason, or any other text, states in words.

use std::sync::OnceLock;

use serde::Deserialize;

use super::embedded::FILES;
use super::pattern::{Pattern, number_length, number_value};

/// A size limit as a text states it, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatedLimit {
    /// The whole limit, also where part of the message had been read before.
    pub limit: u64,
    /// The size that was refused, where the text names it: of the last frame when `after` is given.
    pub size: Option<u64>,
    /// Bytes of the message that had been read before that frame.
    pub after: Option<u64>,
}

/// The size limit that `reason` states; `None` when it states none. Wordings of known implementations go first (their
/// `{limit}`, `{size}` and `{after}` placeholders), then common English ones. `KB` and `KiB` count 1024, `MB` and `MiB`
/// 1024 times that. Limits on other things (rates, connections, seconds) are not size limits.
#[must_use]
pub fn limit_stated_in_reason(reason: &str) -> Option<StatedLimit> {
    // The 125 bytes of a control frame are the protocol's and no limit on messages.
    if !reason.bytes().any(|b| b.is_ascii_digit()) || reason.to_ascii_lowercase().contains("control frame") {
        return None;
    }
    known_wording(reason).or_else(|| common_wording(reason))
}

fn known_wording(reason: &str) -> Option<StatedLimit> {
    let (weight, captures) = wordings()
        .iter()
        .filter_map(|p| Some((p.weight(), p.captures(reason)?)))
        .max_by_key(|(weight, captures)| (*weight, captures.len()))?;
    debug_assert!(weight > 0);
    let number = |name: &str| captures.iter().find(|(n, _)| *n == name).and_then(|(_, text)| number_value(text));
    let limit = number("limit").or_else(|| number("limit+1").and_then(|n| n.checked_sub(1)))?;
    Some(StatedLimit { limit, size: number("size"), after: number("after") })
}

/// The patterns of the knowledge files that name a limit. Only the lines that hold one are parsed.
fn wordings() -> &'static [Pattern<'static>] {
    #[derive(Deserialize)]
    struct Line {
        #[serde(alias = "close_reason", alias = "on_timeout_reason")]
        reason: String,
    }
    static TEXTS: OnceLock<Vec<String>> = OnceLock::new();
    static PATTERNS: OnceLock<Vec<Pattern<'static>>> = OnceLock::new();
    PATTERNS.get_or_init(|| {
        let texts = TEXTS.get_or_init(|| {
            let mut texts: Vec<String> = FILES
                .iter()
                .filter(|(_, text)| text.contains("{limit"))
                .flat_map(|(_, text)| text.lines())
                .filter(|l| l.contains("{limit") && (l.starts_with("reason =") || l.starts_with("close_reason =")))
                .filter_map(|l| toml::from_str::<Line>(l).ok())
                .map(|l| l.reason)
                .collect();
            texts.sort();
            texts.dedup();
            texts
        });
        texts.iter().map(|t| Pattern::new(t)).collect()
    })
}

/// What the words before a number make of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Means {
    Limit,
    Size,
    After,
}

/// The words that tell what the number after them is; the one nearest to the number counts.
const WORDS: &[(&str, Means)] = &[
    ("limit", Means::Limit),
    ("max", Means::Limit),
    ("allowed", Means::Limit),
    ("at most", Means::Limit),
    ("up to", Means::Limit),
    ("exceed", Means::Limit),
    ("larger than", Means::Limit),
    ("greater than", Means::Limit),
    ("longer than", Means::Limit),
    ("bigger than", Means::Limit),
    ("more than", Means::Limit),
    ("over ", Means::Limit),
    ("above", Means::Limit),
    (">", Means::Limit),
    ("after", Means::After),
    ("with ", Means::Size),
    ("received", Means::Size),
    ("actual", Means::Size),
    ("got ", Means::Size),
    ("was ", Means::Size),
    (" of length", Means::Size),
];

/// Words that say a text is about sizes.
const SIZE_WORDS: &[&str] =
    &["byte", "octet", "size", "large", " big", "too long", "length", "payload", "kb", "kib", "mb", "mib", "chars"];

/// Words that say a limit counts something else.
const OTHER_WORDS: &[&str] = &[
    "second",
    "minute",
    "hour",
    " ms",
    "rate",
    "request",
    "connection",
    "session",
    "timeout",
    "fragments",
    "chunks",
    "messages",
    "attempt",
    "subscription",
    "user",
    "token",
    "opcode",
    "depth",
    "nest",
];

fn common_wording(reason: &str) -> Option<StatedLimit> {
    let text = reason.to_ascii_lowercase();
    if !SIZE_WORDS.iter().any(|w| text.contains(w)) || OTHER_WORDS.iter().any(|w| text.contains(w)) {
        return None;
    }
    let mut stated = (None, None, None);
    for (before, value, after) in numbers(&text) {
        let word = WORDS
            .iter()
            .filter_map(|(word, means)| Some((before.rfind(word)?, *means)))
            .max_by_key(|(position, _)| *position)
            .map(|(_, means)| means);
        // "the 4096 byte limit", but not "6000 bytes exceeds limit of 5000 bytes"
        let named_after = ["limit", "max"].iter().any(|w| after.trim_start_matches(['-', ' ']).starts_with(w));
        let slot = match word {
            _ if named_after => &mut stated.0,
            Some(Means::Limit) => &mut stated.0,
            Some(Means::After) => &mut stated.2,
            Some(Means::Size) | None => &mut stated.1,
        };
        slot.get_or_insert(value);
    }
    let (Some(limit), size, after) = stated else { return None };
    // A refused size is above the limit; anything else is a number that was misread.
    let whole = size.unwrap_or(0).saturating_add(after.unwrap_or(0));
    (limit > 0 && (size.is_none() || whole >= limit)).then_some(StatedLimit { limit, size, after })
}

/// The whole numbers of a text in bytes, each with the text between it and the number before, and the text after it and
/// its unit up to the next number.
fn numbers(text: &str) -> Vec<(&str, u64, &str)> {
    let mut found: Vec<(&str, u64, usize)> = Vec::new();
    let mut from = 0;
    let mut at = 0;
    while let Some(next) = text[at..].find(|c: char| c.is_ascii_digit()) {
        let start = at + next;
        let Some(length) = number_length(&text[start..]) else { break };
        let end = start + length;
        let rest = &text[end..];
        let joined = text[..start].ends_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            || text[..start].ends_with('.')
            || rest.starts_with('.') && rest[1..].starts_with(|c: char| c.is_ascii_digit());
        let unit_at = rest.len() - rest.trim_start_matches([' ', '-']).len();
        let word: String = rest[unit_at..].chars().take_while(char::is_ascii_alphabetic).collect();
        let (factor, unit) = match word.as_str() {
            "b" | "byte" | "bytes" | "octet" | "octets" | "chars" | "characters" => (1, unit_at + word.len()),
            "k" | "kb" | "kib" | "kilobytes" => (1 << 10, unit_at + word.len()),
            "m" | "mb" | "mib" | "megabytes" => (1 << 20, unit_at + word.len()),
            "g" | "gb" | "gib" => (1 << 30, unit_at + word.len()),
            _ => (1, 0),
        };
        if !joined && let Some(value) = number_value(&text[start..end]).and_then(|v| v.checked_mul(factor)) {
            found.push((&text[from..start], value, end + unit));
            from = end + unit;
        }
        at = end + unit;
    }
    let starts: Vec<usize> =
        found.iter().map(|(before, ..)| before.as_ptr() as usize - text.as_ptr() as usize + before.len()).collect();
    found
        .iter()
        .enumerate()
        .map(|(n, (before, value, end))| {
            (*before, *value, &text[*end..starts.get(n + 1).copied().unwrap_or(text.len())])
        })
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn stated(limit: u64, size: Option<u64>, after: Option<u64>) -> Option<StatedLimit> {
        Some(StatedLimit { limit, size, after })
    }

    #[test]
    fn known_implementations_are_understood() {
        for (reason, expected) in [
            ("frame with 6000 bytes exceeds limit of 5000 bytes", stated(5000, Some(6000), None)),
            (
                // As captured from websockets 17.4 with max_size 20000: the number is the whole limit.
                "frame with 6000 bytes after reading 18000 bytes exceeds limit of 20000 bytes",
                stated(20000, Some(6000), Some(18000)),
            ),
            ("frame exceeds limit of 1048576 bytes", stated(1_048_576, None, None)),
            ("over size limit (70000 > 65536 bytes)", stated(65536, Some(70000), None)),
            ("Message exceeds the maximum size (16777216 bytes)", stated(16_777_216, None, None)),
            (
                "received WebSocket message size 70000 exceeds payload limit of 65536 octets",
                stated(65536, Some(70000), None),
            ),
            (
                "received WebSocket frame size 70000 exceeds payload limit of 65536 octets",
                stated(65536, Some(70000), None),
            ),
            (
                "received WebSocket message exceeds payload limit of 65536 octets after decompression",
                stated(65536, None, None),
            ),
            (
                "No async message support and buffer too small. Buffer size: [8,192], Message size: [20,000]",
                stated(8192, Some(20000), None),
            ),
            (
                "The message was [20,000] bytes long but the MessageHandler has a limit of [10,000] bytes",
                stated(10000, Some(20000), None),
            ),
            ("Text message too large: 70,000 > 65,536", stated(65536, Some(70000), None)),
            ("Binary message too large: 70.000 > 65.536", stated(65536, Some(70000), None)),
            (
                "Text message too large: (actual) 70,000 > (configured max text message size) 65,536",
                stated(65536, Some(70000), None),
            ),
            ("Cannot handle payload lengths larger than 2147483647", stated(2_147_483_647, None, None)),
            ("Text message size [70000] exceeds maximum size [65536]", stated(65536, Some(70000), None)),
            ("Binary message size [70000] exceeds maximum size [65536]", stated(65536, Some(70000), None)),
            (
                "Resulting message size [70000] is too large for configured max of [65536]",
                stated(65536, Some(70000), None),
            ),
            ("Max frame length of 65536 has been exceeded.", stated(65536, None, None)),
            ("UT002040: Message exceeded max message size of 65536", stated(65536, None, None)),
            ("Inflated fragment size exceeds limit of 65536 bytes", stated(65536, None, None)),
            ("Frame is too big: 6000. Max size is 5000", stated(5000, Some(6000), None)),
            ("read limited at 32769 bytes", stated(32768, None, None)),
            ("Message is too large: 40000000 > 33554432", stated(33_554_432, Some(40_000_000), None)),
        ] {
            assert_eq!(limit_stated_in_reason(reason), expected, "{reason}");
        }
    }

    #[test]
    fn every_wording_of_the_data_is_understood() {
        assert!(wordings().len() >= 20, "{} wordings", wordings().len());
        let files = FILES.iter().flat_map(|(_, t)| t.lines()).filter(|l| l.contains("{limit"));
        for line in files {
            let (_, value) = line.split_once(" = ").unwrap();
            let reason = value
                .trim_matches(['"', '\''])
                .replace("{limit}", "5000")
                .replace("{limit+1}", "5001")
                .replace("{size}", "6000")
                .replace("{after}", "4000")
                .replace("{*}", "");
            assert_eq!(limit_stated_in_reason(&reason).map(|s| s.limit), Some(5000), "{reason}");
        }
    }

    #[test]
    fn common_wordings_are_understood() {
        for (reason, expected) in [
            ("message too big: max size 65536", stated(65536, None, None)),
            ("Message larger than 1000 bytes", stated(1000, None, None)),
            ("payload exceeds the 4096 byte limit", stated(4096, None, None)),
            ("6000 bytes exceeds limit 5000", stated(5000, Some(6000), None)),
            ("message size 6000 exceeds limit 5000", stated(5000, Some(6000), None)),
            ("Max payload size exceeded (1 MiB)", stated(1 << 20, None, None)),
            ("Message is too big, maximum is 128 KB", stated(128 << 10, None, None)),
            ("frame after reading 18000 bytes exceeds limit of 20000 bytes", stated(20000, None, Some(18000))),
            ("payload length 70000 > 65536", stated(65536, Some(70000), None)),
            ("max_size=2000 bytes", stated(2000, None, None)),
        ] {
            assert_eq!(limit_stated_in_reason(reason), expected, "{reason}");
        }
    }

    #[test]
    fn other_numbers_are_no_size_limits() {
        for reason in [
            "",
            "message too big",
            "Frame size of 70000 bytes exceeds maximum accepted frame size",
            "rate limit exceeded: max 100 messages per minute",
            "Too many requests: limit 5",
            "Your session hit the maximum duration of 60 minutes.",
            "UT002026: Invalid close frame status code: 1012",
            "Unrecognized Opcode: 0x3",
            "invalid start byte at position 7",
            "idle timeout of 30 seconds exceeded",
            "received frame with 70000 bytes",
            "utf-8 decode error, size limit",
            "payload bytes 500 within limit 1000",
        ] {
            assert_eq!(limit_stated_in_reason(reason), None, "{reason}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_odd(text in "\\PC*", a in 0u64.., b in 0u64..) {
            let _ = limit_stated_in_reason(&text);
            let _ = limit_stated_in_reason(&format!("{text}{a} bytes exceeds{text}limit of\u{a0}{b}{text}"));
            let _ = limit_stated_in_reason(&format!("max {a},{b}\u{202f}{a}.{b} kb{text}"));
        }
    }
}
