//! The small pattern language of the knowledge files: literal text with placeholders in braces.
//!
//! | placeholder | stands for |
//! |---|---|
//! | `{*}` | any text, also none |
//! | `{n}` `{m}` `{size}` `{limit}` `{limit+1}` `{after}` `{max}` `{code}` | a whole number, with or without grouping (`8,192`) |
//! | `{hex}` | hexadecimal digits |
//! | `{token}` | letters, digits, `-`, `_`, `.`, `~`: one path segment or identifier |
//! | `{a\|b\|c}` | one of the texts `a`, `b`, `c` |
//! | any other `{name}` | any text of at least one character |
//!
//! A pattern covers the whole text, and case matters.

/// Text beyond this many bytes is not looked at, so that matching stays cheap whatever a peer sends.
const LONGEST_TEXT: usize = 512;

/// One part of a pattern.
#[derive(Debug, Clone, Copy)]
enum Part<'p> {
    Literal(&'p str),
    Number(&'p str),
    Hex(&'p str),
    Token(&'p str),
    Choice(&'p str),
    Text { name: &'p str, at_least: usize },
}

/// What the placeholders of a pattern stood for, in order.
pub(super) type Captures<'p, 't> = Vec<(&'p str, &'t str)>;

/// A pattern, taken apart.
#[derive(Debug, Clone)]
pub(super) struct Pattern<'p> {
    parts: Vec<Part<'p>>,
}

impl<'p> Pattern<'p> {
    /// Takes a pattern apart. A brace that is never closed is literal text.
    pub(super) fn new(pattern: &'p str) -> Self {
        let mut parts = Vec::new();
        let mut rest = pattern;
        while let Some(open) = rest.find('{') {
            let Some(length) = rest[open..].find('}') else { break };
            if open > 0 {
                parts.push(Part::Literal(&rest[..open]));
            }
            let name = &rest[open + 1..open + length];
            parts.push(match name {
                "*" => Part::Text { name, at_least: 0 },
                "n" | "m" | "size" | "limit" | "limit+1" | "after" | "max" | "code" => Part::Number(name),
                "hex" => Part::Hex(name),
                "token" => Part::Token(name),
                _ if name.contains('|') => Part::Choice(name),
                _ => Part::Text { name, at_least: 1 },
            });
            rest = &rest[open + length + 1..];
        }
        if !rest.is_empty() {
            parts.push(Part::Literal(rest));
        }
        Pattern { parts }
    }

    /// What the placeholders stand for in `text`; `None` when the pattern does not fit.
    pub(super) fn captures<'t>(&self, text: &'t str) -> Option<Captures<'p, 't>> {
        let mut end = text.len().min(LONGEST_TEXT);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let mut captures = Vec::new();
        fits(&self.parts, &text[..end], &mut captures).then_some(captures)
    }

    /// Bytes of literal text: how much a match says.
    pub(super) fn weight(&self) -> usize {
        self.parts
            .iter()
            .map(|p| match p {
                Part::Literal(l) => l.len(),
                Part::Choice(c) => c.split('|').map(str::len).min().unwrap_or(0),
                _ => 0,
            })
            .sum()
    }
}

/// What is wrong with a pattern, for the end of a sentence: braces that look like a placeholder and are none.
pub(super) fn fault(pattern: &str) -> Option<String> {
    let mut rest = pattern;
    while let Some(open) = rest.find('{') {
        let Some(length) = rest[open..].find('}') else {
            return Some(format!("opens a brace and never closes it: {pattern}"));
        };
        if length == 1 {
            return Some(format!("has a placeholder without a name: {pattern}"));
        }
        rest = &rest[open + length + 1..];
    }
    None
}

/// Whether `pattern` fits the whole of `text`.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    if pattern.contains('{') { Pattern::new(pattern).captures(text).is_some() } else { pattern == text }
}

fn fits<'p, 't>(parts: &[Part<'p>], text: &'t str, captures: &mut Captures<'p, 't>) -> bool {
    let Some((first, rest)) = parts.split_first() else { return text.is_empty() };
    let mut take = |name: &'p str, length: usize| {
        captures.push((name, &text[..length]));
        let fit = fits(rest, &text[length..], captures);
        if !fit {
            captures.pop();
        }
        fit
    };
    match *first {
        Part::Literal(l) => text.strip_prefix(l).is_some_and(|t| fits(rest, t, captures)),
        Part::Number(name) => number_length(text).is_some_and(|n| take(name, n)),
        Part::Hex(name) => run(text, |b| b.is_ascii_hexdigit()).is_some_and(|n| take(name, n)),
        Part::Token(name) => {
            run(text, |b| b.is_ascii_alphanumeric() || b"-_.~".contains(&b)).is_some_and(|n| take(name, n))
        }
        Part::Choice(choices) => choices.split('|').any(|c| text.starts_with(c) && take(choices, c.len())),
        Part::Text { name, at_least } => {
            if rest.is_empty() {
                return text.len() >= at_least && take(name, text.len());
            }
            (at_least..=text.len()).any(|n| text.is_char_boundary(n) && take(name, n))
        }
    }
}

fn run(text: &str, accept: impl Fn(u8) -> bool) -> Option<usize> {
    let n = text.bytes().take_while(|b| accept(*b)).count();
    (n > 0).then_some(n)
}

/// Length of the whole number at the start of `text`, grouping included: `8,192`, `8.192`, `8'192`, `8 192` with a
/// no-break space. Separators count only between groups of three digits.
pub(super) fn number_length(text: &str) -> Option<usize> {
    let digits = |t: &str| t.bytes().take_while(u8::is_ascii_digit).count();
    let mut length = digits(text);
    if length == 0 {
        return None;
    }
    if length <= 3 {
        loop {
            let rest = &text[length..];
            let Some(separator) = rest.chars().next().filter(|c| ",.'\u{a0}\u{202f}\u{2019}".contains(*c)) else {
                break;
            };
            if digits(&rest[separator.len_utf8()..]) != 3 {
                break;
            }
            length += separator.len_utf8() + 3;
        }
    }
    Some(length)
}

/// The value of a number that [`number_length`] measured.
pub(super) fn number_value(text: &str) -> Option<u64> {
    text.chars().filter_map(|c| c.to_digit(10)).try_fold(0u64, |v, d| v.checked_mul(10)?.checked_add(u64::from(d)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_stand_for_what_they_say() {
        let p = Pattern::new("frame with {size} bytes exceeds limit of {limit} bytes");
        let c = p.captures("frame with 6000 bytes exceeds limit of 5000 bytes");
        assert_eq!(c, Some(vec![("size", "6000"), ("limit", "5000")]));
        assert!(p.captures("frame with many bytes exceeds limit of 5000 bytes").is_none());
        assert!(matches(
            "{invalid start byte|unexpected end of data} at position {n}",
            "unexpected end of data at position 7"
        ));
        assert!(!matches("{invalid start byte|unexpected end of data} at position {n}", "nonsense at position 7"));
        assert!(matches("{*}/socket.io/?{*}EIO={n}{*}", "/socket.io/?EIO=4&transport=websocket"));
        assert!(!matches("Unrecognized Opcode: 0x{hex}", "Unrecognized Opcode: 0x"));
        assert!(matches("{token}", "a-b_c"));
        assert!(!matches("{token}", "a/b"));
        assert!(!matches("{text}", ""));
    }

    #[test]
    fn numbers_may_be_grouped() {
        for (text, length) in
            [("8,192]", 5), ("8.192 x", 5), ("6000. Max", 4), ("1,2", 1), ("20000,000", 5), ("1'048'576", 9)]
        {
            assert_eq!(number_length(text), Some(length), "{text}");
        }
        assert_eq!(number_value("1\u{202f}048\u{202f}576"), Some(1_048_576));
        assert_eq!(number_value("99999999999999999999999"), None);
    }

    #[test]
    fn long_hostile_text_costs_little() {
        let text = "/socket.io/?EIO=".repeat(5000);
        assert!(!matches("{*}/socket.io/?{*}EIO={n}{*}", &text));
    }

    #[test]
    fn faults_are_braces() {
        assert!(fault("{").is_some() && fault("a {} b").is_some());
        assert!(fault("{n} of {limit}").is_none() && fault("plain }").is_none());
    }

    #[test]
    fn odd_patterns_are_literal() {
        assert!(matches("a {b", "a {b"));
        assert!(matches("}", "}"));
    }
}
