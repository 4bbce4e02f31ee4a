//! Close codes: every code and range that is defined, reserved or registered.

use std::sync::OnceLock;

use serde::Deserialize;

/// A close code, or a range of them (RFC 6455 section 7.4 and the IANA registry).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
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
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
struct File {
    code: Vec<CloseCode>,
}

/// The entry for `code`: an entry for that very code before one for a range that holds it.
#[must_use]
pub fn close_code(code: u16) -> Option<&'static CloseCode> {
    static CODES: OnceLock<Vec<CloseCode>> = OnceLock::new();
    let codes = CODES
        .get_or_init(|| toml::from_str::<File>(include_str!("close-codes.toml")).map(|f| f.code).unwrap_or_default());
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
    fn an_exact_entry_wins_over_a_range() {
        let name = |c| close_code(c).map(|c| c.name.as_str());
        assert_eq!(name(1009), Some("Message Too Big"));
        assert_eq!(name(1006), Some("Abnormal Closure"));
        assert_eq!(close_code(1006).map(|c| c.may_be_sent_on_wire), Some(false));
        assert_eq!(close_code(4444).and_then(|c| c.code_end), Some(4999));
        assert_eq!(close_code(2500).map(|c| c.may_be_sent_on_wire), Some(false));
    }
}
