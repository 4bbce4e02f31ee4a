//! Messages that passed and nearly did not: what will be refused tomorrow.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::sizes;
use super::too_big::{example, room_above};
use super::words;
use super::world::World;
use crate::connection::{Connection, Message};
use crate::ids::{PacketNumber, Side};
use crate::knowledge::{AppliesTo, Identified, Limit};
use crate::report::model::{Confidence, Diagnosis, Evidence, Fix, Incident, LimitBasis, Party, Severity, Time};

/// What the incident is called.
pub(super) const KIND: &str = "near-limit";

/// Percent of a limit above which a message that passed is worth a word.
const NEAR: u64 = 80;
/// Messages that are told one by one.
const TOLD: usize = 3;
/// Verdicts over a size that count the payload of a whole message.
const OVER_LIMIT: [&str; 2] = ["message-over-limit", "inflated-message-over-limit"];

/// Who receives, at which server.
type Receiver = (SocketAddr, Side);

/// A limit that is known of a receiver.
#[derive(Clone, Copy)]
struct Known<'a> {
    /// The largest size that passes; for a limit that is only known from above, the largest that may.
    bytes: u64,
    basis: Basis<'a>,
}

#[derive(Clone, Copy)]
enum Basis<'a> {
    /// A close reason names it, on the connection of that index.
    Stated(usize, Option<PacketNumber>),
    /// A message was refused, on the connection of that index: the limit lies below its size.
    Refused(usize, Option<PacketNumber>),
    /// The default of an implementation.
    Default(&'a Identified, &'a Limit),
}

/// The largest message that passed on one connection.
struct Near<'a> {
    index: usize,
    size: u64,
    /// None where it was not kept.
    message: Option<&'a Message>,
}

/// One incident for each receiver whose limit was nearly reached.
pub(super) fn reports<'a>(world: &'a World<'a>, verdicts: &[Option<Diagnosis>]) -> Vec<Incident> {
    let shown = shown_limits(world, verdicts);
    let mut incidents = Vec::new();
    for (server, members) in &world.by_server {
        for receiver in [Side::Server, Side::Client] {
            let mut passed: Vec<Near<'_>> =
                members.iter().filter_map(|i| largest(world, verdicts, *i, receiver)).collect();
            passed.sort_by_key(|n| (std::cmp::Reverse(n.size), n.index));
            // What a connection was refused over is told there; only the others are in danger yet.
            let refused =
                |n: &Near<'_>| verdicts.get(n.index).and_then(Option::as_ref).is_some_and(|d| d.limit.is_some());
            let known = match shown.get(&(*server, receiver)) {
                Some(known) => Some(*known),
                None => default_limit(world, receiver, &passed),
            };
            let Some(known) = known else { continue };
            let is_near = |n: &Near<'_>| {
                n.size <= known.bytes && u128::from(n.size) * 100 > u128::from(known.bytes) * u128::from(NEAR)
            };
            passed.retain(|n| is_near(n) && !refused(n));
            if let Basis::Default(default, _) = known.basis {
                let same = |n: &Near<'_>| {
                    identified(world, n.index, receiver)
                        .is_some_and(|i| i.implementation.id == default.implementation.id)
                };
                passed.retain(same);
            }
            if !passed.is_empty() {
                incidents.push(incident(world, *server, receiver, &known, &passed));
            }
        }
    }
    incidents
}

/// The limits that verdicts of this run show: the smallest of each receiver.
fn shown_limits<'a>(world: &'a World<'a>, verdicts: &[Option<Diagnosis>]) -> BTreeMap<Receiver, Known<'a>> {
    let mut shown: BTreeMap<Receiver, Known<'a>> = BTreeMap::new();
    for (index, diagnosis) in verdicts.iter().enumerate() {
        let Some(diagnosis) = diagnosis.as_ref().filter(|d| OVER_LIMIT.contains(&d.cause)) else { continue };
        let (Some(limit), Some(message)) = (&diagnosis.limit, &diagnosis.message) else { continue };
        if diagnosis.confidence < Confidence::Likely {
            continue;
        }
        let known = match (limit.basis, limit.bytes, limit.refused_from) {
            (LimitBasis::StatedInReason, Some(bytes), _) => {
                let packet = world.endings[index].close.map(|(_, close)| close.origin.packet);
                Known { bytes, basis: Basis::Stated(index, packet) }
            }
            (_, Some(bytes), Some(_)) => Known { bytes, basis: Basis::Refused(index, Some(message.last_packet)) },
            (_, None, Some(refused)) => {
                let bytes = refused.saturating_sub(1);
                Known { bytes, basis: Basis::Refused(index, Some(message.last_packet)) }
            }
            _ => continue,
        };
        let receiver = message.from.other();
        let key = (world.observations.connections[index].server, receiver);
        match shown.get(&key) {
            Some(other) if other.bytes <= known.bytes => {}
            _ => {
                shown.insert(key, known);
            }
        }
    }
    shown
}

/// The largest message that `receiver` let pass on a connection.
fn largest<'a>(world: &'a World<'a>, verdicts: &[Option<Diagnosis>], index: usize, receiver: Side) -> Option<Near<'a>> {
    let connection: &'a Connection = &world.observations.connections[index];
    let sent = connection.sent_by(receiver.other());
    let calm = verdicts.get(index).is_some_and(|d| d.as_ref().is_none_or(|d| d.severity == Severity::Normal));
    let size = match calm {
        // Nothing that it sent was the reason for its end.
        true => sent.largest_message(),
        false => sizes::accepted_on(connection, &world.endings[index], receiver.other()).message,
    }?;
    let message = sent.kept_messages().into_iter().find(|m| m.complete && m.size_to_receive() == size);
    Some(Near { index, size, message })
}

/// The default of the receiver's implementation, where all its connections have the same, and nothing that passed shows
/// that it is set to another value.
fn default_limit<'a>(world: &'a World<'a>, receiver: Side, passed: &[Near<'a>]) -> Option<Known<'a>> {
    let top = passed.first()?;
    let message = top.message?;
    let identified = identified(world, top.index, receiver)?;
    let counts = |limit: &&Limit| match limit.applies_to {
        // Whether it counts before or after inflating differs.
        AppliesTo::Message => !message.compressed,
        AppliesTo::Frame => !message.compressed && message.fragments == 1,
        AppliesTo::DecompressedMessage => message.compressed,
        AppliesTo::Buffer | AppliesTo::Other => false,
    };
    let limits = identified.implementation.size_limits(receiver).filter(|l| l.verified).filter(counts);
    let limit = limits.min_by_key(|l| l.default_bytes)?;
    (top.size <= limit.default_bytes)
        .then_some(Known { bytes: limit.default_bytes, basis: Basis::Default(identified, limit) })
}

fn identified<'a>(world: &'a World<'a>, index: usize, side: Side) -> Option<&'a Identified> {
    let ends = world.ends.get(index)?;
    let identity = if side == Side::Client { &ends.client } else { &ends.server };
    identity.as_ref().map(|i| &i.identified).filter(|i| i.confidence >= Confidence::Likely)
}

fn incident(world: &World<'_>, server: SocketAddr, receiver: Side, known: &Known<'_>, near: &[Near<'_>]) -> Incident {
    let size = near.first().map_or(0, |n| n.size);
    let files = world.any_files();
    let whose = match receiver {
        Side::Server => format!("messages to server {server} come"),
        Side::Client => format!("messages from server {server} come"),
    };
    let of_whom = if receiver == Side::Server { "its" } else { "the client's" };
    let limit = match known.basis {
        Basis::Stated(..) => format!("{of_whom} limit of {}", words::rounded(known.bytes)),
        Basis::Refused(..) => format!("{of_whom} limit, which is at most {}", words::bytes(known.bytes)),
        Basis::Default(identified, _) => {
            format!("the default limit of {}, {}", identified.name, words::rounded(known.bytes))
        }
    };
    let title = format!("{whose} close to {limit}: one of {} of it passed", share(size, known.bytes));
    let mut evidence = vec![match known.basis {
        Basis::Stated(index, packet) => Evidence {
            kind: "stated-limit",
            text: format!("The close reason on {} names the limit.", stream(world, index)),
            packets: packet.into_iter().collect(),
        },
        Basis::Refused(index, packet) => Evidence {
            kind: "refused-message",
            text: format!("A larger message was refused on {}.", stream(world, index)),
            packets: packet.into_iter().collect(),
        },
        Basis::Default(identified, limit) => Evidence {
            kind: "known-default",
            text: format!(
                "{} of {} is {} by default; {}. Whether it is set to another value, the capture does not show.",
                limit.setting,
                identified.name,
                words::bytes(limit.default_bytes),
                identified.because
            ),
            packets: Vec::new(),
        },
    }];
    for one in near.iter().take(TOLD) {
        let connection = &world.observations.connections[one.index];
        let from = receiver.other();
        let packets: Vec<PacketNumber> = one.message.map(|m| vec![m.first.packet, m.last.packet]).unwrap_or_default();
        let place = one.message.map(|m| format!(" ({})", files.packets(m.first.packet, m.last.packet)));
        evidence.push(Evidence {
            kind: "accepted-near-limit",
            text: format!(
                "The {from} {} sent a message of {}, {} of the limit{}, and it passed.",
                connection.address(from),
                words::bytes(one.size),
                share(one.size, known.bytes),
                place.unwrap_or_default()
            ),
            packets,
        });
    }
    let times = near.iter().filter_map(|n| n.message.map(|m| m.last.at));
    Incident {
        kind: KIND,
        cause: None,
        title,
        connections: near.iter().map(|n| n.index + 1).collect(),
        from: times.clone().min().map(Time),
        to: times.max().map(Time),
        evidence,
        fixes: fixes(world, receiver, known),
    }
}

fn fixes(world: &World<'_>, receiver: Side, known: &Known<'_>) -> Vec<Fix> {
    let limit = words::bytes(known.bytes);
    let raise = match known.basis {
        Basis::Default(identified, limit_entry) if !limit_entry.configurable => Fix {
            party: Party::from(receiver),
            text: format!(
                "nothing here raises it: {} lets nobody change it ({}).",
                identified.name, limit_entry.how_to_change
            ),
            example: None,
            source: Some(limit_entry.source.clone()),
        },
        Basis::Default(identified, limit_entry) => {
            let room = room_above(known.bytes.saturating_add(1));
            Fix {
                party: Party::from(receiver),
                text: format!(
                    "see what {} of {} is set to. At its default, a message above {limit} is refused; raise it before one \
                     comes, for example to {}.",
                    limit_entry.setting,
                    identified.name,
                    words::bytes(room)
                ),
                example: example(limit_entry, receiver, room),
                source: Some(limit_entry.source.clone()),
            }
        }
        Basis::Stated(index, _) | Basis::Refused(index, _) => Fix {
            party: Party::from(receiver),
            text: format!(
                "raise the limit with these messages in mind too: what refused the one on {} will refuse them next.",
                stream(world, index)
            ),
            example: None,
            source: None,
        },
    };
    let text = match known.basis {
        Basis::Default(_, limit_entry) if limit_entry.applies_to == AppliesTo::Frame => {
            format!("keep frames well below {limit}: send large messages in fragments, which it counts one by one.")
        }
        _ => format!(
            "keep messages well below {limit}: several in place of one. Fragments of one message do not help: the limit \
             counts the whole."
        ),
    };
    let split = Fix { party: Party::from(receiver.other()), text, example: None, source: None };
    vec![raise, split]
}

fn stream(world: &World<'_>, index: usize) -> String {
    let connection = &world.observations.connections[index];
    format!("stream {}", world.any_files().stream_of(connection))
}

/// `92 %`, rounded down: never more than it is.
fn share(size: u64, limit: u64) -> String {
    format!("{} %", u128::from(size) * 100 / u128::from(limit.max(1)))
}
