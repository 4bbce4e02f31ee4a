//! The two legs of a conversation through a proxy: client to proxy, proxy to server; and one connection captured twice: before
//! and after an address translation, or at two capture points whose clocks differ.

use std::collections::BTreeMap;

use crate::connection::{Connection, KEY_BYTES, Observations};

/// The kind of the evidence that both legs are one TCP connection under other addresses.
pub const TRANSLATION: &str = "address-translation";

/// The kind of the evidence that both legs are one TCP connection under the same addresses.
pub const TWO_POINTS: &str = "two-capture-points";

/// Both legs of one conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leg {
    /// The connection from the client to the proxy.
    pub front: usize,
    /// The connection from the proxy to the server.
    pub back: usize,
    /// Both are one TCP connection, captured twice: no proxy has a part in it.
    pub same: Option<Same>,
}

/// Why one TCP connection is in the captures twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Same {
    /// Captured before and after an address translation.
    Translated,
    /// Captured at two points, whose clocks are so far apart that its packets were not recognised as copies.
    TwoPoints,
}

/// All conversations of which both legs are in the captures.
#[derive(Debug, Default)]
pub struct Legs {
    by_connection: BTreeMap<usize, Leg>,
}

impl Legs {
    /// Pairs connections by their `Sec-WebSocket-Key`, which proxies hand on: it is 16 random bytes (RFC 6455 section 4.1).
    #[must_use]
    pub fn new(observations: &Observations) -> Legs {
        let mut by_key: BTreeMap<&[u8; KEY_BYTES], Vec<usize>> = BTreeMap::new();
        for (index, connection) in observations.connections.iter().enumerate() {
            if let Some(key) = key(connection) {
                by_key.entry(key).or_default().push(index);
            }
        }
        let mut legs = Legs::default();
        for indexes in by_key.values() {
            let [a, b] = indexes.as_slice() else { continue };
            let (first, second) = (&observations.connections[*a], &observations.connections[*b]);
            if first.initial_sequence.is_some() && first.initial_sequence == second.initial_sequence {
                // A proxy opens a connection of its own; the numbers of a translated one stay.
                let (front, back) = if first.first <= second.first { (*a, *b) } else { (*b, *a) };
                let ends = |c: &Connection| (c.client, c.server);
                let same = Some(if ends(first) == ends(second) { Same::TwoPoints } else { Same::Translated });
                for index in [front, back] {
                    legs.by_connection.insert(index, Leg { front, back, same });
                }
                continue;
            }
            let pair = [(*a, *b), (*b, *a)].into_iter().find(|(front, back)| {
                let (front, back) = (&observations.connections[*front], &observations.connections[*back]);
                front.server.ip() == back.client.ip() || contains(front, back)
            });
            let Some((front, back)) = pair else { continue };
            for index in [front, back] {
                legs.by_connection.insert(index, Leg { front, back, same: None });
            }
        }
        legs
    }

    /// The legs that a connection belongs to.
    #[must_use]
    pub fn of(&self, connection: usize) -> Option<Leg> {
        self.by_connection.get(&connection).copied()
    }

    /// Every pair once, in order of the front legs.
    #[must_use]
    pub fn all(&self) -> Vec<Leg> {
        self.by_connection.iter().filter(|(i, l)| **i == l.front).map(|(_, l)| *l).collect()
    }
}

fn key(connection: &Connection) -> Option<&[u8; KEY_BYTES]> {
    connection.handshake.as_ref()?.key.as_ref()
}

/// Whether the handshake of `front` spans that of `back`: asked before and answered after.
fn contains(front: &Connection, back: &Connection) -> bool {
    let times = |c: &Connection| {
        let handshake = c.handshake.as_ref()?;
        Some((handshake.request.as_ref()?.origin.at, handshake.response.origin.at))
    };
    match (times(front), times(back)) {
        (Some((f_asked, f_answered)), Some((b_asked, b_answered))) => f_asked < b_asked && b_answered < f_answered,
        _ => false,
    }
}
