//! Close codes: every code and range that is defined, reserved or registered.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::implementation::Trigger;

/// A close code, or a range of them (RFC 6455 section 7.4 and the IANA registry).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct CloseCode {
    /// The code, or the first one of the range.
    pub code: u16,
    /// The last one of the range; `None` for a single code.
    pub code_end: Option<u16>,
    /// Its name in the registry, for example `Message Too Big`.
    pub name: String,
    /// What it means, and what else it is used for in practice.
    pub meaning: String,
    /// Whether it may stand in a Close frame.
    pub may_be_sent_on_wire: bool,
    /// Who usually sends it, in words.
    pub typical_sender: String,
    /// Who defines the code or governs its range.
    pub range_owner: String,
    /// Where that is written.
    pub source: String,
    /// Whether the entry was checked against its source.
    #[serde(default = "yes")]
    pub verified: bool,
    /// Where the code or range is defined: the section to read.
    pub rfc: String,
    /// When people see it.
    pub sent_when: String,
    /// What to do about it.
    pub fix: String,
    /// What it tells the one who finds it in a log.
    pub read_as: String,
    /// When the one who writes an endpoint should send it.
    pub use_when: String,
    /// The situations that it stands for.
    #[serde(default)]
    pub triggers: Vec<Trigger>,
    /// Ids of the causes that can hide behind it, the most usual ones first.
    pub causes: Vec<String>,
}

/// Two codes that are taken for each other.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct Confusion {
    /// The two, the smaller one first.
    pub codes: [u16; 2],
    /// How they differ.
    pub difference: String,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    code: Vec<CloseCode>,
    #[serde(default)]
    confusion: Vec<Confusion>,
}

fn file() -> &'static File {
    static FILE: OnceLock<File> = OnceLock::new();
    FILE.get_or_init(|| {
        // The file is part of the program; a test reads it.
        toml::from_str(include_str!("close-codes.toml")).unwrap_or(File { code: Vec::new(), confusion: Vec::new() })
    })
}

/// Every code and range, in the order of the file.
#[must_use]
pub fn close_codes() -> &'static [CloseCode] {
    &file().code
}

/// The pairs of codes that are taken for each other.
#[must_use]
pub fn confusions() -> &'static [Confusion] {
    &file().confusion
}

/// The entry for `code`: an entry for that very code before one for a range that holds it.
#[must_use]
pub fn close_code(code: u16) -> Option<&'static CloseCode> {
    let codes = close_codes();
    codes
        .iter()
        .find(|c| c.code_end.is_none() && c.code == code)
        .or_else(|| codes.iter().find(|c| c.code <= code && c.code_end.is_some_and(|end| code <= end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_an_entry() {
        for code in 0..=u16::MAX {
            assert!(close_code(code).is_some(), "{code}");
        }
    }

    #[test]
    fn confused_codes_are_told_apart_once() {
        let mut seen = std::collections::BTreeSet::new();
        for confusion in confusions() {
            let [first, second] = confusion.codes;
            assert!(first < second && seen.insert(confusion.codes), "{first} {second}");
            assert!(confusion.difference.ends_with('.'), "{first} {second}");
        }
        for (first, second) in [
            (1007, 1009),
            (1001, 1009),
            (1001, 1006),
            (1000, 1001),
            (1000, 1005),
            (1002, 1007),
            (1003, 1007),
            (1008, 1009),
            (1001, 1011),
            (1006, 1009),
            (1001, 1012),
            (1008, 1013),
        ] {
            assert!(seen.contains(&[first, second]), "{first} {second}");
        }
    }

    #[test]
    fn an_exact_entry_wins_over_a_range() {
        let name = |c| close_code(c).map(|c| c.name.as_str());
        assert_eq!(name(1009), Some("Message Too Big"));
        assert_eq!(name(1006), Some("Abnormal Closure"));
        assert_eq!(close_code(1006).map(|c| c.may_be_sent_on_wire), Some(false));
        assert_eq!(close_code(4444).and_then(|c| c.code_end), Some(4999));
        assert_eq!(close_code(2500).map(|c| c.may_be_sent_on_wire), Some(false));
    }
}
