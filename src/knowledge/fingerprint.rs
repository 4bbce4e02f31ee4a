//! How an implementation is recognised: one rule of a knowledge file, and whether it fits what was seen.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::identify::Evidence;
use super::implementation::Role;
use super::pattern::matches;
use crate::connection::Head;
use crate::ids::Side;

/// One rule by which an implementation is recognised. All conditions that are given have to hold; patterns are those of
/// `pattern.rs`, and of a list of patterns one has to fit.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Fingerprint {
    /// The role in which the implementation shows it.
    pub role: Role,
    /// What a match is worth: [`Weight::Likely`] only where nothing else known looks the same.
    pub confidence: Weight,
    /// The head that `start_line`, `fields`, `absent` and `field` speak of. By default the one that the role writes: the
    /// request for a client, the response for a server or proxy.
    pub head: Option<WhichHead>,
    /// Pattern of the start line.
    pub start_line: Option<String>,
    /// Header fields in order, as `Name` or `Name: value pattern`. `Name?` may be missing, and `...` stands for any
    /// fields. Nothing else may stand between, before or after. Case matters in names unless `any_case`.
    #[serde(default)]
    pub fields: Vec<String>,
    /// Names in `fields` may be in any case.
    #[serde(default)]
    pub any_case: bool,
    /// Fields that must be missing, in any case.
    #[serde(default)]
    pub absent: Vec<String>,
    /// Fields, in any case of the name, and patterns of their values.
    #[serde(default)]
    pub field: BTreeMap<String, Vec<String>>,
    /// Patterns of the request target.
    #[serde(default)]
    pub path: Vec<String>,
    /// Patterns of the host name, without the port.
    #[serde(default)]
    pub host: Vec<String>,
    /// Patterns of the subprotocol: the agreed one, or one of those that were offered where the answer was not seen.
    #[serde(default)]
    pub subprotocol: Vec<String>,
    /// Patterns of `Sec-WebSocket-Extensions` in the head that the role writes.
    #[serde(default)]
    pub extensions: Vec<String>,
    /// Code of the Close frame that `close_reason` speaks of.
    pub close_code: Option<u16>,
    /// Last one of the codes that begin with `close_code`; `None` for that one alone.
    pub close_code_end: Option<u16>,
    /// Patterns of a close reason that the role sent and that is not an echo.
    #[serde(default)]
    pub close_reason: Vec<String>,
    /// What the rule recognises, where that is more than the one implementation: `uvicorn`, `Netty or a framework on it`.
    pub called: Option<String>,
    /// Ids of the others that look the same.
    #[serde(default)]
    pub shared_with: Vec<String>,
    /// Ids whose own rules this one overrules: what it builds on, or what looks alike but for this.
    #[serde(default)]
    pub over: Vec<String>,
    /// What else is worth knowing.
    pub note: Option<String>,
    /// Whether it was confirmed from source code or by running it.
    #[serde(default = "yes")]
    pub verified: bool,
    /// Where that is written.
    pub source: String,
}

fn yes() -> bool {
    true
}

/// What a match of a fingerprint is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    /// Others look the same.
    Possible,
    /// Nothing else known looks the same. Never more: anyone can write a header or a reason.
    Likely,
}

/// One of the two heads of an opening handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhichHead {
    /// The client's.
    Request,
    /// The server's.
    Response,
}

/// Score of a field that is there, whatever its value.
const PRESENT: u32 = 12;

/// That a fingerprint fits: how telling it is, and why in words.
#[derive(Debug)]
pub(super) struct Fit {
    /// Larger for conditions that say more.
    pub(super) score: u32,
    /// Short clauses, each with what it adds to the score.
    because: Vec<(u32, String)>,
}

impl Fit {
    fn add(&mut self, score: u32, because: String) {
        self.score += score;
        self.because.push((score, because));
    }

    /// The one or two most telling clauses; that a field is merely there is said only for want of better.
    pub(super) fn because(mut self) -> String {
        self.because.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        let best = self.because.first().map_or(0, |(score, _)| *score);
        self.because.retain(|(score, _)| *score == best || *score > PRESENT);
        let clauses: Vec<String> = self.because.into_iter().take(2).map(|(_, clause)| clause).collect();
        clauses.join(" and ")
    }
}

impl Fingerprint {
    /// Whether all conditions hold; `None` when one does not, or when what it speaks of was not seen.
    pub(super) fn fit(&self, seen: &Evidence<'_>) -> Option<Fit> {
        let mut fit = Fit { score: 0, because: Vec::new() };
        let which =
            self.head.unwrap_or(if self.role == Role::Client { WhichHead::Request } else { WhichHead::Response });
        let (head, fields) = match which {
            WhichHead::Request => (seen.request, &seen.fields[0]),
            WhichHead::Response => (seen.response, &seen.fields[1]),
        };
        let value_of = |name: &str| fields.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| *value);
        for (name, patterns) in &self.field {
            let value = value_of(name).filter(|v| patterns.iter().any(|p| matches(p, v)))?;
            let whose = if which == WhichHead::Request && self.role == Role::Proxy { "the request's" } else { "its" };
            if patterns.iter().all(|p| matches!(p.as_str(), "{*}" | "{text}")) {
                fit.add(PRESENT, format!("{whose} head has the header {name}"));
            } else {
                fit.add(100, format!("{whose} {name} header says {}", shown(value)));
            }
        }
        if !self.close_reason.is_empty() {
            let (_, reason) = seen.closes.iter().find(|(code, reason)| {
                self.is_close_code(*code) && self.close_reason.iter().any(|p| matches(p, reason))
            })?;
            fit.add(80, format!("its close reason reads \"{}\"", shown(reason)));
        }
        if !self.host.is_empty() {
            let host = seen.host.filter(|h| self.host.iter().any(|p| matches(p, h)))?;
            fit.add(60, format!("the host is {}", shown(host)));
        }
        if !self.path.is_empty() {
            let path = seen.path.filter(|t| self.path.iter().any(|p| matches(p, t)))?;
            fit.add(40, format!("the path {} is one it uses", shown(path.split('?').next().unwrap_or(path))));
        }
        if !self.subprotocol.is_empty() {
            let chosen = seen.subprotocols.iter().find(|s| self.subprotocol.iter().any(|p| matches(p, s)))?;
            fit.add(15, format!("the subprotocol is {}", shown(chosen)));
        }
        if !self.extensions.is_empty() {
            let text = seen.extensions.filter(|e| self.extensions.iter().any(|p| matches(p, e)))?;
            fit.add(30, format!("its Sec-WebSocket-Extensions header says {}", shown(text)));
        }
        if let Some(pattern) = &self.start_line {
            let line = head.map(Head::start_line).filter(|l| matches(pattern, l))?;
            fit.add(40, format!("its status line reads \"{}\"", shown(line)));
        }
        if !self.absent.is_empty() && (head.is_none() || self.absent.iter().any(|name| value_of(name).is_some())) {
            return None;
        }
        if !self.fields.is_empty() {
            if head.is_none() || !in_order(&self.fields, fields, self.any_case) {
                return None;
            }
            let what = if which == WhichHead::Request { "request" } else { "answer" };
            fit.add(20, format!("order and spelling of the header fields in its {what} fit"));
        }
        (fit.score > 0).then_some(fit)
    }

    /// Whether it has no condition that a match could be told by.
    pub(super) fn says_nothing(&self) -> bool {
        let no_list = [&self.fields, &self.path, &self.host, &self.subprotocol, &self.extensions, &self.close_reason]
            .iter()
            .all(|list| list.iter().all(|entry| entry == "..."));
        no_list && self.field.is_empty() && self.start_line.is_none()
    }

    /// All its patterns.
    pub(super) fn patterns(&self) -> impl Iterator<Item = &str> {
        let lists = [&self.path, &self.host, &self.subprotocol, &self.extensions, &self.close_reason];
        let values = self.fields.iter().filter_map(|f| f.split_once(": ").map(|(_, pattern)| pattern));
        let rest = self.field.values().chain(lists).flatten().chain(&self.start_line).map(String::as_str);
        values.chain(rest)
    }

    fn is_close_code(&self, code: Option<u16>) -> bool {
        let Some(first) = self.close_code else { return true };
        code.is_some_and(|code| (first..=self.close_code_end.unwrap_or(first)).contains(&code))
    }

    /// Whether it speaks of what `side` is.
    pub(super) fn is_for(&self, side: Side) -> bool {
        self.role == side.into()
    }
}

/// Whether the fields of a head stand as `expected` says.
fn in_order(expected: &[String], fields: &[(&str, &str)], any_case: bool) -> bool {
    let mut fields = fields.iter().copied().peekable();
    let mut skipping = false;
    let same = |entry: &str, (name, value): (&str, &str)| {
        let (wanted, pattern) = entry.split_once(": ").map_or((entry, None), |(n, p)| (n, Some(p)));
        (if any_case { name.eq_ignore_ascii_case(wanted) } else { name == wanted })
            && pattern.is_none_or(|p| matches(p, value))
    };
    for entry in expected {
        if entry == "..." {
            skipping = true;
            continue;
        }
        let (entry, optional) = entry.strip_suffix('?').map_or((entry.as_str(), false), |e| (e, true));
        if optional {
            // Never searched for: an optional field counts only where it stands next.
            if fields.peek().is_some_and(|f| same(entry, *f)) {
                fields.next();
            }
            continue;
        }
        let found =
            if skipping { fields.any(|f| same(entry, f)) } else { fields.next().is_some_and(|f| same(entry, f)) };
        if !found {
            return false;
        }
        skipping = false;
    }
    skipping || fields.next().is_none()
}

/// A value from the wire as a sentence can carry it: short, without control characters.
fn shown(value: &str) -> String {
    const LONGEST: usize = 80;
    let mut text = String::new();
    for (n, c) in value.chars().enumerate() {
        if n == LONGEST {
            text.push_str("...");
            break;
        }
        if c.is_control() {
            let _ = write!(text, "{}", c.escape_default());
        } else {
            text.push(c);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Origin;

    fn head(lines: &[&str]) -> Head {
        Head { origin: Origin::default(), text: lines.iter().map(|l| format!("{l}\r\n")).collect::<String>().into() }
    }

    fn ordered(expected: &[&str], any_case: bool, lines: &[&str]) -> bool {
        in_order(
            &expected.iter().map(|e| (*e).to_owned()).collect::<Vec<_>>(),
            &head(lines).fields().collect::<Vec<_>>(),
            any_case,
        )
    }

    #[test]
    fn fields_stand_in_order() {
        let answer = ["HTTP/1.1 101 X", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: a", "X: y"];
        assert!(ordered(&["Upgrade", "Connection: Upgrade", "Sec-WebSocket-Accept", "..."], false, &answer));
        assert!(ordered(&["Upgrade", "Nothing?", "...", "X"], false, &answer));
        assert!(!ordered(&["Upgrade", "Connection: upgrade", "..."], false, &answer), "values keep their case");
        assert!(!ordered(&["Upgrade", "Connection", "Sec-WebSocket-Accept"], false, &answer), "X is left");
        assert!(!ordered(&["Connection", "..."], false, &answer), "Upgrade stands before it");
        assert!(!ordered(&["upgrade", "..."], false, &answer));
        assert!(ordered(&["upgrade", "..."], true, &answer));
    }

    #[test]
    fn values_from_the_wire_are_tamed() {
        assert_eq!(shown("a\u{1b}[31m"), "a\\u{1b}[31m");
        assert_eq!(shown(&"x".repeat(200)).len(), 83);
    }
}
