//! Which sizes each receiver let pass and which it refused, over all connections to the same server.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use super::case::Ending;
use crate::connection::{Connection, Message, Observations, Sent};
use crate::ids::Side;

/// A receiver whose limit is looked for. A server is one address; a client program is one host that talks to that server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Receiver {
    server: SocketAddr,
    client: Option<IpAddr>,
}

/// The largest sizes that a receiver accepted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Accepted {
    /// The largest message after inflating.
    pub message: Option<u64>,
    /// The largest frame.
    pub frame: Option<u64>,
    /// The largest message that came in more than one frame.
    pub fragmented: Option<u64>,
    /// How many messages passed.
    pub messages: u64,
}

/// What each receiver accepted, by connections that it did not end over a size.
#[derive(Debug, Default)]
pub struct Sizes {
    accepted: BTreeMap<Receiver, Accepted>,
}

impl Sizes {
    /// Looks at all messages.
    #[must_use]
    pub fn new(observations: &Observations, endings: &[Ending<'_>]) -> Sizes {
        let mut sizes = Sizes::default();
        for (connection, ending) in observations.connections.iter().zip(endings) {
            for from in [Side::Client, Side::Server] {
                sizes.add(connection, ending, from);
            }
        }
        sizes
    }

    fn add(&mut self, connection: &Connection, ending: &Ending<'_>, from: Side) {
        let one = accepted_on(connection, ending, from);
        let entry = self.accepted.entry(receiver(connection, from.other())).or_default();
        entry.messages += one.messages;
        entry.message = entry.message.max(one.message);
        entry.frame = entry.frame.max(one.frame);
        entry.fragmented = entry.fragmented.max(one.fragmented);
    }

    /// What `receiver` of this connection accepted, on this and its sibling connections.
    #[must_use]
    pub fn accepted(&self, connection: &Connection, side: Side) -> Accepted {
        self.accepted.get(&receiver(connection, side)).copied().unwrap_or_default()
    }
}

/// What the receiver of what `from` sent let pass on this one connection.
#[must_use]
pub fn accepted_on(connection: &Connection, ending: &Ending<'_>, from: Side) -> Accepted {
    let sent = connection.sent_by(from);
    let receiver_ended = ending.closer == Some(from.other());
    let mut entry = Accepted { messages: sent.messages, ..Accepted::default() };
    // What stood in flight when the receiver ended the connection proves nothing.
    let kept = sent.kept_messages();
    let in_question = |m: &&&Message| !was_answered(connection, from, m, &kept);
    let unanswered: Vec<&Message> = kept.iter().filter(in_question).copied().collect();
    let suspect = if receiver_ended { suspect(&unanswered) } else { None };
    // The largest of the older messages is in the older sizes, unless it is the one in question.
    let older_is_suspect = suspect.is_some_and(|s| sent.largest.as_ref().is_some_and(|l| l.start.0 == s));
    let nth = usize::from(older_is_suspect);
    let fragmented_suspect = older_is_suspect && sent.largest.as_ref().is_some_and(|l| l.fragments > 1);
    let known = |size: u64| (size > 0).then_some(size);
    entry.message = entry.message.max(known(sent.older.messages[nth]));
    entry.frame = entry.frame.max(known(sent.older.frames[nth]));
    if !fragmented_suspect {
        entry.fragmented = entry.fragmented.max(known(sent.older.fragmented));
    }
    for message in &sent.recent {
        let refused = suspect.is_some_and(|s| message.start.0 >= s);
        if !message.complete || refused && !was_answered(connection, from, message, &kept) {
            continue;
        }
        let size = message.size_to_receive();
        entry.message = entry.message.max(Some(size));
        entry.frame = entry.frame.max(Some(message.largest_frame));
        if message.fragments > 1 {
            entry.fragmented = entry.fragmented.max(Some(size));
        }
    }
    entry
}

fn receiver(connection: &Connection, side: Side) -> Receiver {
    Receiver { server: connection.server, client: (side == Side::Client).then_some(connection.client.ip()) }
}

/// Whether the receiver answered a message and went on to take another: then it let that message pass.
///
/// Only where messages and answers alternate more or less: a server that streams speaks between any two messages.
#[must_use]
pub fn was_answered(connection: &Connection, from: Side, message: &Message, kept: &[&Message]) -> bool {
    let (asked, answered) = (connection.sent_by(from), connection.sent_by(from.other()));
    if !message.complete || streams(asked, answered) {
        return false;
    }
    let Some(next) = kept.iter().find(|m| m.number > message.number) else { return false };
    answered.recent.iter().any(|a| a.first > message.last && a.last < next.first)
}

/// Whether one side speaks so much more than the other that what it says is no answer to it.
pub(super) fn streams(asked: &Sent, answered: &Sent) -> bool {
    answered.messages > 2 * asked.messages + 2
}

/// Where the largest of the kept messages begins: it and what follows it count as refused.
fn suspect(kept: &[&Message]) -> Option<u64> {
    let largest = kept.iter().map(|m| m.size_to_receive()).max()?;
    kept.iter().find(|m| m.size_to_receive() == largest).map(|m| m.start.0)
}
