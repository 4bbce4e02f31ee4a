//! Known implementations: how each one limits, validates, keeps alive and closes.
//!
//! Each implementation is a file `implementations/ID.toml`, listed in `embedded.rs`:
//!
//! ```toml
//! id = "node-ws"                # the file's name
//! name = "ws (Node.js)"         # for people
//! ecosystem = "JavaScript"
//! roles = ["server", "client"]  # also "proxy"
//! uses = ["tungstenite"]        # optional: inherits the entries of these
//!
//! [[fingerprint]]               # how to recognise it; these come first in the file: see Fingerprint
//! [[limit]]                     # see Limit
//! [[close]]                     # see Close
//! [[keepalive]]                 # see Keepalive
//! ```
//!
//! Codes 1006 and 1005 in these files mean what an API reports: 1006 no Close frame at all (the TCP connection just ends),
//! 1005 a Close frame without a code, 0 nothing on the wire. `verified = false` marks what was not confirmed from
//! source code. Reasons are patterns, in the small language that `pattern.rs` describes.

use serde::{Deserialize, Serialize};

use super::fingerprint::Fingerprint;
use crate::ids::Side;

/// What an implementation acts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Answers upgrades.
    Server,
    /// Asks for upgrades.
    Client,
    /// Forwards the connection between both.
    Proxy,
}

impl From<Side> for Role {
    fn from(side: Side) -> Self {
        match side {
            Side::Server => Role::Server,
            Side::Client => Role::Client,
        }
    }
}

/// A library, framework, browser, proxy or service that speaks or forwards WebSocket.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Implementation {
    /// Stable id, for example `node-ws`.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Language or kind: `Python`, `JVM`, `Proxy`, `Cloud`, `Browser`, `API`, ...
    pub ecosystem: String,
    /// What it acts as.
    pub roles: Vec<Role>,
    /// Ids of the implementations whose entries it inherits.
    #[serde(default)]
    pub uses: Vec<String>,
    /// What else is worth knowing.
    pub note: Option<String>,
    /// Month (`2026-11`) in which the main facts were checked again.
    pub checked: Option<String>,
    /// What could not be confirmed, or is contested.
    pub doubtful: Option<String>,
    /// How to recognise it.
    #[serde(default, rename = "fingerprint")]
    pub fingerprints: Vec<Fingerprint>,
    /// Its limits; [`Implementation::size_limits`] selects the ones in bytes.
    #[serde(default, rename = "limit")]
    pub limits: Vec<Limit>,
    /// When and how it closes; for every limit that closes without an entry of its own, one is made from the limit.
    #[serde(default, rename = "close")]
    pub closes: Vec<Close>,
    /// Its timers.
    #[serde(default, rename = "keepalive")]
    pub keepalives: Vec<Keepalive>,
    /// The implementations that it builds on, once they are looked up.
    #[serde(skip)]
    pub(super) inherited: Vec<Implementation>,
}

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AppliesTo {
    /// The payload of a message: the sum of its fragments, before inflating unless an entry says otherwise.
    Message,
    /// The payload of one frame.
    Frame,
    /// The payload of a message after inflating.
    DecompressedMessage,
    /// A buffer, such as the queue of what was not sent yet.
    Buffer,
    /// Something else.
    Other,
}

/// A limit of an implementation.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// What it counts.
    pub applies_to: AppliesTo,
    /// The default, in bytes unless `unit` is given; 0 means no limit, or one that is derived (see `note`).
    pub default_bytes: u64,
    /// What it counts when that is not bytes: `fragments`, `chunks`, `messages`.
    pub unit: Option<String>,
    /// The role it holds for; `None` for all.
    pub role: Option<Role>,
    /// The setting's name.
    pub setting: String,
    /// How to change it: a line of code or configuration in which `BYTES` stands for the value. Of two with a slash
    /// between double spaces, the first is for servers and the second for clients. Where it is not configurable, why.
    pub how_to_change: String,
    /// Whether it can be changed at all.
    #[serde(default = "yes")]
    pub configurable: bool,
    /// When the limit is tested.
    pub checked: String,
    /// The code it closes with: 1006 no Close frame, 1005 a Close frame without a code, 0 no close.
    pub close_code: u16,
    /// The reason it closes with, a pattern; empty for no text.
    pub close_reason: String,
    /// The versions for which this holds.
    pub since: Option<String>,
    /// What else is worth knowing.
    pub note: Option<String>,
    /// Whether it was confirmed from source code or by running it.
    #[serde(default = "yes")]
    pub verified: bool,
    /// Where that is written: repository, path and version, or a document.
    pub source: String,
}

/// What makes an implementation close.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trigger {
    /// A message, frame or inflated message above a size limit.
    Oversize,
    /// A message of too many fragments, whatever its size.
    TooManyFragments,
    /// A text message that is not UTF-8.
    InvalidUtf8,
    /// Compressed data that cannot be inflated.
    CorruptDeflate,
    /// Another broken rule of framing.
    Protocol,
    /// A received Close frame with a code, reason or length that is not allowed.
    BadClose,
    /// A ping, or a ping of the application's own protocol, that was not answered.
    Keepalive,
    /// Silence.
    Idle,
    /// The connection's age.
    MaxAge,
    /// The process, server or proxy stops or reloads.
    Shutdown,
    /// A browser page goes away.
    PageLeft,
    /// The application's handler failed or ended without closing.
    HandlerError,
    /// The answer to a received Close frame.
    Answer,
    /// Authentication, rate, quota, permission, or a client that is too slow.
    Policy,
    /// The application or its protocol wants it so.
    Application,
    /// Anything else.
    Other,
}

/// Who sends a close.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sender {
    /// The server.
    Server,
    /// The client.
    Client,
    /// Either end.
    Either,
    /// A box between them.
    Proxy,
}

impl Sender {
    /// Whether `side` can be this sender. A proxy stands on both sides.
    #[must_use]
    pub fn may_be(self, side: Side) -> bool {
        match self {
            Sender::Server => side == Side::Server,
            Sender::Client => side == Side::Client,
            Sender::Either | Sender::Proxy => true,
        }
    }
}

/// One way in which an implementation closes, and what it means.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Close {
    /// The code: 1006 no Close frame, 1005 a Close frame without a code, 0 nothing on the wire.
    pub code: u16,
    /// The reason, a pattern; empty for no text.
    pub reason: String,
    /// The code's name, where a service has its own list.
    pub name: Option<String>,
    /// Who sends it.
    pub sender: Sender,
    /// The part or compatible variant that it holds for; `None` for all.
    pub scope: Option<String>,
    /// What makes it close, most important first.
    pub triggers: Vec<Trigger>,
    /// The same in words.
    pub trigger: String,
    /// What that usually comes from.
    pub likely_cause: String,
    /// What to do.
    pub fix: String,
    /// The versions for which this holds.
    pub since: Option<String>,
    /// What else is worth knowing.
    pub note: Option<String>,
    /// Whether it was confirmed from source code or by running it.
    #[serde(default = "yes")]
    pub verified: bool,
    /// Where that is written.
    pub source: String,
}

/// A timer of an implementation.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Keepalive {
    /// Seconds between pings (or pings of the application's protocol); 0 when it sends none.
    pub ping_interval_s: f64,
    /// Seconds: with pings, from an unanswered ping to the close; without, of silence to the close; 0 when there is none.
    pub timeout_s: f64,
    /// Seconds from opening to the close, traffic or not.
    pub max_duration_s: Option<f64>,
    /// The code it then closes with: 1006 no Close frame, 1005 a Close frame without a code, 0 no close.
    pub on_timeout_code: u16,
    /// The reason it then closes with, a pattern; empty for no text.
    pub on_timeout_reason: String,
    /// The setting's name.
    pub setting: String,
    /// The versions for which this holds.
    pub since: Option<String>,
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

impl Implementation {
    /// Reads a file, alone: what it inherits is not looked up.
    pub(super) fn parse(text: &str) -> Result<Implementation, toml::de::Error> {
        let mut parsed = Implementation::read(text)?;
        parsed.add_closes_of_limits();
        Ok(parsed)
    }

    /// Reads a file as it stands there.
    pub(super) fn read(text: &str) -> Result<Implementation, toml::de::Error> {
        toml::from_str(text)
    }

    /// Gives every limit that closes an entry among the closes, so that a file need not say it twice.
    fn add_closes_of_limits(&mut self) {
        for limit in &self.limits {
            let told = |c: &Close| c.code == limit.close_code && c.reason == limit.close_reason;
            if limit.close_code == 0 || self.closes.iter().any(told) {
                continue;
            }
            let (trigger, what) = match limit.applies_to {
                _ if limit.unit.is_some() => (Trigger::TooManyFragments, "more pieces than"),
                AppliesTo::Message => (Trigger::Oversize, "a message above"),
                AppliesTo::Frame => (Trigger::Oversize, "a frame above"),
                AppliesTo::DecompressedMessage => (Trigger::Oversize, "an inflated message above"),
                AppliesTo::Buffer | AppliesTo::Other if limit.close_code == 1009 => (Trigger::Oversize, "data above"),
                AppliesTo::Buffer | AppliesTo::Other => (Trigger::Other, "data above"),
            };
            self.closes.push(Close {
                code: limit.close_code,
                reason: limit.close_reason.clone(),
                name: None,
                sender: match limit.role {
                    Some(Role::Server) => Sender::Server,
                    Some(Role::Client) => Sender::Client,
                    Some(Role::Proxy) => Sender::Proxy,
                    None => Sender::Either,
                },
                scope: None,
                triggers: vec![trigger],
                trigger: format!("{what} {}", limit.setting),
                likely_cause: "the peer sends more than this limit allows".to_owned(),
                fix: limit.how_to_change.clone(),
                since: limit.since.clone(),
                note: limit.note.clone(),
                verified: limit.verified,
                source: limit.source.clone(),
            });
        }
    }

    /// The implementation itself and then the ones it builds on.
    pub fn with_inherited(&self) -> impl Iterator<Item = &Implementation> {
        std::iter::once(self).chain(&self.inherited)
    }

    /// Its default limits in bytes in that role, its own first. Limits that are off by default or count something else are
    /// left out, and so is an inherited limit where it has one of its own for the same thing.
    pub fn size_limits(&self, side: Side) -> impl Iterator<Item = &Limit> {
        self.byte_limits(side).filter(|l| l.default_bytes > 0)
    }

    /// The same with those that are off by default: somebody may have set them.
    pub fn byte_limits(&self, side: Side) -> impl Iterator<Item = &Limit> {
        self.with_inherited().enumerate().flat_map(move |(depth, of)| {
            of.limits
                .iter()
                .filter(move |l| l.unit.is_none() && l.role.is_none_or(|r| r == side.into()))
                .filter(move |l| depth == 0 || !self.limits.iter().any(|own| own.applies_to == l.applies_to))
        })
    }

    /// Whether it is known to end the TCP connection without a Close frame for `trigger` when it is `side`.
    #[must_use]
    pub fn drops_instead_of_closing(&self, trigger: Trigger, side: Side) -> bool {
        self.with_inherited()
            .flat_map(|of| &of.closes)
            .any(|c| c.code == 1006 && c.sender.may_be(side) && c.triggers.contains(&trigger))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::knowledge::Knowledge;
    use crate::knowledge::check::check;
    use crate::knowledge::embedded::FILES;
    use std::collections::BTreeSet;

    #[test]
    fn the_list_names_every_file() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/knowledge/implementations");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|f| f.unwrap().file_name().into_string().unwrap().trim_end_matches(".toml").to_owned())
            .collect();
        files.sort();
        let listed: Vec<&str> = FILES.iter().map(|(id, _)| *id).collect();
        assert_eq!(files, listed);
    }

    #[test]
    fn every_file_parses_and_bears_its_name() {
        for (id, text) in FILES {
            let parsed = Implementation::read(text).unwrap_or_else(|e| panic!("{id}: {e}"));
            let known = |id: &str| FILES.iter().any(|(known, _)| *known == id);
            check(id, &parsed, text, &known).unwrap_or_else(|e| panic!("{id}: {e}"));
        }
        assert_eq!(Knowledge::embedded().implementations().count(), FILES.len());
    }

    #[test]
    fn limits_are_given_in_bytes_and_inherited() {
        let limits = |id: &str, side| -> Vec<u64> {
            Knowledge::embedded().implementation(id).unwrap().size_limits(side).map(|l| l.default_bytes).collect()
        };
        assert!(limits("node-ws", Side::Server).contains(&104_857_600));
        assert!(limits("tomcat", Side::Server).contains(&8192));
        assert!(limits("axum", Side::Server).contains(&(64 << 20)), "from tungstenite");
        assert!(limits("engine-io", Side::Server).contains(&1_000_000));
        assert!(limits("tomcat", Side::Server).iter().all(|n| *n > 0));
    }

    #[test]
    fn who_drops_is_known() {
        let drops = |trigger| -> BTreeSet<&str> {
            Knowledge::embedded()
                .implementations()
                .filter(|i| i.drops_instead_of_closing(trigger, Side::Server))
                .map(|i| i.id.as_str())
                .collect()
        };
        let oversize = drops(Trigger::Oversize);
        for id in ["uwebsockets", "tungstenite", "axum", "actix", "vertx", "daphne", "libsoup"] {
            assert!(oversize.contains(id), "{id}");
        }
        for id in ["node-ws", "python-websockets", "gorilla", "tomcat", "jetty", "bun", "cowboy"] {
            assert!(!oversize.contains(id), "{id}");
        }
        assert!(drops(Trigger::InvalidUtf8).contains("uwebsockets"));
        assert!(!drops(Trigger::InvalidUtf8).contains("node-ws"));
        assert!(drops(Trigger::Shutdown).contains("node-ws"));
        assert!(drops(Trigger::Idle).contains("nginx"));
        assert!(drops(Trigger::HandlerError).contains("aiohttp"));
    }
}
