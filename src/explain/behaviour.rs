//! Who closes how in one situation, gathered from the files of all implementations.

use std::sync::OnceLock;

use serde::Serialize;

use super::implementations;
use crate::knowledge::{Close, Implementation, Trigger};

/// Implementations that end the connection in one way in one situation.
#[derive(Debug, Serialize)]
pub struct Behaviour {
    /// The situation.
    pub trigger: Trigger,
    /// The code: 1006 no Close frame, 1005 a Close frame without a code, 0 nothing on the wire.
    pub code: u16,
    /// Who does so, in order of the ids.
    pub implementations: Vec<Closer>,
}

/// An implementation that does so.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Closer {
    /// Its id.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The smallest default of its size limits that end so, in bytes.
    pub limit_bytes: Option<u64>,
    /// Whether it was confirmed from source code or by running it.
    pub verified: bool,
}

/// Every situation, in the order in which they are told.
pub(super) const SITUATIONS: [Trigger; 16] = [
    Trigger::Oversize,
    Trigger::TooManyFragments,
    Trigger::InvalidUtf8,
    Trigger::CorruptDeflate,
    Trigger::Protocol,
    Trigger::BadClose,
    Trigger::Shutdown,
    Trigger::PageLeft,
    Trigger::Idle,
    Trigger::Keepalive,
    Trigger::MaxAge,
    Trigger::HandlerError,
    Trigger::Policy,
    Trigger::Application,
    Trigger::Answer,
    Trigger::Other,
];

/// A situation in words, to stand behind "for".
pub(super) fn words(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::Oversize => "a message above its limit",
        Trigger::TooManyFragments => "a message of too many fragments",
        Trigger::InvalidUtf8 => "text that is not UTF-8",
        Trigger::CorruptDeflate => "compressed data that cannot be inflated",
        Trigger::Protocol => "a broken rule of framing",
        Trigger::BadClose => "a Close frame that is not allowed",
        Trigger::Shutdown => "a shutdown or restart",
        Trigger::PageLeft => "a page that is left",
        Trigger::Idle => "silence",
        Trigger::Keepalive => "a Ping without an answer",
        Trigger::MaxAge => "the connection's age",
        Trigger::HandlerError => "a failed handler",
        Trigger::Policy => "a rule of access, rate or quota",
        Trigger::Application => "the application's wish",
        Trigger::Answer => "the answer to a Close",
        Trigger::Other => "other reasons",
    }
}

/// What is on the wire with a code of the knowledge files.
pub(super) fn on_the_wire(code: u16) -> String {
    match code {
        0 => "no close at all".to_owned(),
        1005 => "a Close without a code (1005)".to_owned(),
        1006 => "no Close frame (1006)".to_owned(),
        code => format!("Close {code}"),
    }
}

/// The closes for `trigger` with that code, or with any: its own entries, or else those of what it builds on.
fn closes(of: &'static Implementation, trigger: Trigger) -> Vec<&'static Close> {
    let of_one =
        |i: &'static Implementation| i.closes.iter().filter(|c| c.triggers.contains(&trigger)).collect::<Vec<_>>();
    of.with_inherited().map(of_one).find(|found| !found.is_empty()).unwrap_or_default()
}

/// Every way in which anybody closes for `trigger`, the most usual one first.
pub(super) fn for_trigger(trigger: Trigger) -> impl Iterator<Item = &'static Behaviour> {
    static ALL: OnceLock<Vec<Behaviour>> = OnceLock::new();
    let all = ALL.get_or_init(|| SITUATIONS.into_iter().flat_map(gather).collect());
    all.iter().filter(move |b| b.trigger == trigger)
}

fn gather(trigger: Trigger) -> Vec<Behaviour> {
    let mut found: Vec<Behaviour> = Vec::new();
    for implementation in implementations() {
        for close in closes(implementation, trigger) {
            let closer = Closer {
                id: &implementation.id,
                name: &implementation.name,
                limit_bytes: limit(implementation, trigger, close.code),
                verified: close.verified,
            };
            let Some(behaviour) = found.iter_mut().find(|b| b.code == close.code) else {
                found.push(Behaviour { trigger, code: close.code, implementations: vec![closer] });
                continue;
            };
            match behaviour.implementations.iter_mut().find(|c| c.id == closer.id) {
                Some(known) => known.verified |= closer.verified,
                None => behaviour.implementations.push(closer),
            }
        }
    }
    found.sort_by_key(|b| (std::cmp::Reverse(b.implementations.len()), b.code));
    found
}

/// The smallest default that ends with `code`.
fn limit(of: &'static Implementation, trigger: Trigger, code: u16) -> Option<u64> {
    if trigger != Trigger::Oversize {
        return None;
    }
    let limits = of.with_inherited().flat_map(|i| &i.limits);
    limits.filter(|l| l.close_code == code && l.unit.is_none() && l.default_bytes > 0).map(|l| l.default_bytes).min()
}
