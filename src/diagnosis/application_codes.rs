//! Close codes of applications (3000 to 4999) that have a meaning beyond one of them: a table, and how to look it up.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::case::Case;
use crate::report::model::Party;

#[derive(Debug, Default, Deserialize)]
struct Table {
    #[serde(default)]
    group: Vec<Group>,
}

/// Codes of one protocol.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    protocol: String,
    #[serde(default)]
    subprotocol: Vec<String>,
    #[serde(default)]
    host: Vec<String>,
    #[serde(default)]
    path: Vec<String>,
    #[serde(default)]
    query: Vec<String>,
    #[serde(default)]
    habit: bool,
    source: String,
    codes: Vec<Code>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Code {
    code: u16,
    code_end: Option<u16>,
    meaning: String,
    change: String,
    fix: String,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    // The table is part of the program; a test reads it.
    toml::from_str(include_str!("../knowledge/application-codes.toml")).unwrap_or_default()
});

/// What a code means.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Meaning {
    /// The protocol that defines it; `None` for a registered code or a habit.
    pub protocol: Option<&'static str>,
    /// The meaning, for the middle of a sentence.
    pub text: &'static str,
    /// Whether it is a habit of applications only.
    pub habit: bool,
    /// Who has to change.
    pub change: Party,
    /// What to do.
    pub fix: &'static str,
    /// Where the code is defined.
    pub source: Option<&'static str>,
}

/// What a handshake shows of the protocol above the WebSocket.
#[derive(Debug, Default, Clone, Copy)]
struct Signs<'a> {
    subprotocol: &'a str,
    host: &'a str,
    target: &'a str,
}

/// The meaning of `code` on this connection.
#[must_use]
pub fn meaning(case: &Case<'_>, code: u16) -> Option<Meaning> {
    let handshake = case.connection.handshake.as_ref();
    let request = handshake.and_then(|h| h.request.as_ref());
    let signs = Signs {
        subprotocol: handshake.and_then(|h| h.response.field("sec-websocket-protocol")).unwrap_or(""),
        host: request.and_then(|r| r.field("host")).unwrap_or(""),
        target: request.and_then(|r| r.target()).unwrap_or(""),
    };
    look_up(code, signs)
}

/// A code or range, and what it means in one protocol or another.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Defined {
    /// The code, or the first one of the range.
    pub code: u16,
    /// The last one of the range; `None` for a single code.
    pub code_end: Option<u16>,
    /// What it means there.
    #[serde(flatten)]
    pub meaning: Meaning,
}

/// Everything that protocols define between `first` and `last`, whatever the connection; registered codes and habits last.
pub fn defined_between(first: u16, last: u16) -> impl Iterator<Item = Defined> {
    TABLE.group.iter().flat_map(move |group| {
        let within = group.codes.iter().filter(move |c| c.code <= last && first <= c.code_end.unwrap_or(c.code));
        within.map(|c| Defined { code: c.code, code_end: c.code_end, meaning: group.meaning_of(c) })
    })
}

impl Group {
    fn meaning_of(&'static self, code: &'static Code) -> Meaning {
        Meaning {
            protocol: Some(self.protocol.as_str()).filter(|p| !p.is_empty()),
            text: &code.meaning,
            habit: self.habit,
            change: match code.change.as_str() {
                "client" => Party::Client,
                "server" => Party::Server,
                "nobody" => Party::Nobody,
                _ => Party::Either,
            },
            fix: &code.fix,
            source: Some(self.source.as_str()).filter(|s| !s.is_empty()),
        }
    }
}

fn look_up(code: u16, signs: Signs<'_>) -> Option<Meaning> {
    let (path, query) = signs.target.split_once('?').unwrap_or((signs.target, ""));
    let contains = |wanted: &[String], text: &str| {
        let text = text.to_ascii_lowercase();
        wanted.is_empty() || wanted.iter().any(|w| text.contains(w.as_str()))
    };
    let spoken = |g: &&Group| {
        (g.subprotocol.is_empty() || g.subprotocol.iter().any(|s| s.eq_ignore_ascii_case(signs.subprotocol)))
            && contains(&g.host, signs.host)
            && contains(&g.path, path)
            && contains(&g.query, query)
    };
    TABLE.group.iter().filter(spoken).find_map(|group| {
        let entry = group.codes.iter().find(|c| (c.code..=c.code_end.unwrap_or(c.code)).contains(&code))?;
        Some(group.meaning_of(entry))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_reads() {
        let table: Table = toml::from_str(include_str!("../knowledge/application-codes.toml")).expect("a table");
        assert!(table.group.len() >= 5);
        for code in table.group.iter().flat_map(|g| &g.codes) {
            assert!(code.fix.ends_with('.') && !code.meaning.ends_with('.'), "{}", code.code);
        }
    }

    #[test]
    fn protocols_come_before_habits() {
        let graphql = Signs { subprotocol: "graphql-transport-ws", ..Signs::default() };
        assert_eq!(look_up(4401, graphql).and_then(|m| m.protocol), Some("graphql-transport-ws"));
        let habit = look_up(4401, Signs::default()).expect("known");
        assert!(habit.habit && habit.protocol.is_none());
        assert!(look_up(4001, Signs::default()).is_none());
        let pusher = Signs { target: "/app/key?protocol=7&client=js", ..Signs::default() };
        assert!(look_up(4150, pusher).is_some_and(|m| m.text.contains("capacity")));
        assert!(
            look_up(4150, Signs { target: "/app/key", ..Signs::default() }).is_none(),
            "a path alone is not Pusher"
        );
    }
}
