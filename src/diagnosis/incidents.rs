//! What connections have in common, as the report shows it.

use std::collections::BTreeMap;

use super::events::{Event, Kind};
use super::finding::Finding;
use super::legs::{Leg, Same};
use super::losses::AS_FAR_AS_SHOWN;
use super::world::World;
use super::{going_away, near_limit, timers, words};
use crate::ids::{PacketNumber, Side, Timestamp};
use crate::report::model::{Confidence, Diagnosis, Evidence, Fix, Incident, Party, Severity, Time};

/// All incidents, in order of time within each kind.
pub(super) fn reports<'a>(world: &'a World<'a>, verdicts: &[Option<Diagnosis>]) -> Vec<Incident> {
    let mut incidents = Vec::new();
    for event in &world.events.list {
        if event.is_mass() && !is_passed_on(world, event) && !is_timed(verdicts, event) {
            incidents.push(mass(world, verdicts, event));
            incidents.extend(storm(event));
        }
    }
    incidents.extend(recurring(world, verdicts));
    incidents.extend(retries(world, verdicts));
    incidents.extend(legs(world, verdicts));
    incidents.extend(near_limit::reports(world, verdicts));
    incidents
}

/// Whether a proxy only passed on what the server behind it did to all of these connections: that event tells it.
fn is_passed_on(world: &World<'_>, event: &Event) -> bool {
    event.connections.iter().all(|front| {
        let told = |back| world.events.list.iter().any(|e| e.is_mass() && e.connections.contains(&back));
        world.passed_on(*front).is_some_and(told)
    })
}

/// Whether timers ended all of these connections: a server that looks for idle ones every so often ends several at once.
fn is_timed(verdicts: &[Option<Diagnosis>], event: &Event) -> bool {
    let timed = |i: &usize| verdicts.get(*i).and_then(Option::as_ref).is_some_and(|d| TIMED.contains(&d.cause));
    event.connections.iter().all(timed)
}

fn ids(connections: &[usize]) -> Vec<usize> {
    connections.iter().map(|i| i + 1).collect()
}

/// The cause that most of the connections have.
fn common_cause(verdicts: &[Option<Diagnosis>], connections: &[usize]) -> Option<&'static str> {
    let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
    for index in connections {
        if let Some(diagnosis) = verdicts.get(*index).and_then(Option::as_ref) {
            *counts.entry(diagnosis.cause).or_default() += 1;
        }
    }
    counts.into_iter().max_by_key(|(_, count)| *count).map(|(cause, _)| cause)
}

fn mass(world: &World<'_>, verdicts: &[Option<Diagnosis>], event: &Event) -> Incident {
    let count = event.connections.len();
    let open = event.open;
    let span = timers::words(event.to.seconds_since(event.from));
    let span = if event.from == event.to { "at the same moment".to_string() } else { format!("within {span}") };
    let (kind, title) = match event.kind {
        Kind::Close => {
            ("mass-close", format!("server {} closed {count} of its {open} open connections {span}", event.server))
        }
        Kind::Drop => (
            "mass-drop",
            format!(
                "server {} dropped {count} of its {open} open connections {span}, without a Close frame{}",
                event.server,
                if event.connections.iter().any(|i| world.endings[*i].may_hide_close) { AS_FAR_AS_SHOWN } else { "" }
            ),
        ),
    };
    let mut scratch = Finding::new(Confidence::Likely, Severity::Notice, "", "");
    going_away::add_return(world.any_files(), event, &mut scratch);
    // Where clients were seen to return, how they did it is a fact: a storm is an incident of its own.
    if event.after.attempts.is_empty() {
        going_away::add_reconnect_fix(&mut scratch);
    }
    let packets: Vec<PacketNumber> =
        event.connections.iter().filter_map(|i| world.endings[*i].at.map(|o| o.packet)).take(5).collect();
    let mut evidence =
        vec![Evidence { kind: "ends", text: format!("The ends came {}.", offsets(world, event)), packets }];
    evidence.append(&mut scratch.evidence);
    Incident {
        kind,
        cause: common_cause(verdicts, &event.connections),
        title,
        connections: ids(&event.connections),
        from: Some(Time(event.from)),
        to: Some(Time(event.to)),
        evidence,
        fixes: scratch.fixes,
    }
}

/// The moments of the first and the last end, in seconds from the first packet of the capture.
fn offsets(world: &World<'_>, event: &Event) -> String {
    let start = world.observations.captures.iter().filter_map(|c| c.first_packet_at).min().unwrap_or(event.from);
    let [from, to] = [event.from, event.to].map(|at| format!("{:.3} s", at.seconds_since(start)));
    if from == to { format!("at {from} into the capture") } else { format!("from {from} to {to} into the capture") }
}

fn storm(event: &Event) -> Option<Incident> {
    if !event.after.is_storm() {
        return None;
    }
    let (client, count, median) = event.after.busiest()?;
    let total = event.after.total();
    let clients = event.after.attempts.len();
    let first = event.after.attempts.values().flatten().min().copied();
    let last = event.after.attempts.values().flatten().max().copied();
    let span = match (first, last) {
        (Some(first), Some(last)) => last.seconds_since(first),
        _ => 0.0,
    };
    // Without jitter what was ended together comes back together.
    let together = event.after.first_attempts_spread().filter(|s| *s < 0.5).map_or(String::new(), |spread| {
        format!(" The first attempts of all {clients} clients came within {} of each other.", timers::words(spread))
    });
    Some(Incident {
        kind: "reconnect-storm",
        cause: None,
        title: format!(
            "{} came back with {} within {}, without backing off",
            words::count(clients, "client", "clients"),
            words::count(total, "attempt", "attempts"),
            timers::words(span)
        ),
        connections: ids(&event.connections),
        from: first.map(Time),
        to: last.map(Time),
        evidence: vec![Evidence {
            kind: "attempt-interval",
            text: format!(
                "The busiest, {client}, tried {count} times, mostly {} apart; the intervals do not grow.{together} {} refused.",
                timers::words(median),
                words::sentence(&words::count(event.after.refused.len(), "attempt was", "attempts were"))
            ),
            packets: event.after.refused.iter().take(3).map(|a| a.packet).collect(),
        }],
        fixes: vec![Fix {
            party: Party::Client,
            text: "wait longer after each failed attempt, with random jitter, up to half a minute or so.".to_string(),
            example: Some("delay = random(0, min(30 s, 0.5 s * 2^attempt))".to_string()),
            source: Some("RFC 6455 section 7.2.3".to_string()),
        }],
    })
}

/// Causes that are timers.
const TIMED: [&str; 4] = ["idle-timeout", "idle-cut", "connection-age-limit", "keepalive-timeout"];

/// Seconds below which equal spans prove no timer.
const SHORTEST_TIMER: f64 = 1.9;

/// The same timer over several connections of one server.
fn recurring(world: &World<'_>, verdicts: &[Option<Diagnosis>]) -> Vec<Incident> {
    let mut incidents = Vec::new();
    for (server, members) in &world.by_server {
        for cause in TIMED {
            let value = |i: usize| if cause == "connection-age-limit" { world.age(i) } else { world.silence(i) };
            let hit: Vec<(usize, f64)> = members
                .iter()
                .filter(|i| verdicts[**i].as_ref().is_some_and(|d| d.cause == cause))
                .filter_map(|i| value(*i).map(|v| (*i, v)))
                .collect();
            // What ends within a second or two needs no timer to be alike.
            let Some((_, first)) = hit.first().copied().filter(|(_, span)| *span >= SHORTEST_TIMER) else { continue };
            let same: Vec<usize> = hit.iter().filter(|(_, v)| timers::equal(first, *v)).map(|(i, _)| *i).collect();
            if same.len() < 3 {
                continue;
            }
            let what = if cause == "connection-age-limit" { "age" } else { "silence" };
            let measured = hit.iter().map(|(_, v)| *v).filter(|v| timers::equal(first, *v));
            let (least, most) = measured.fold((first, first), |(a, b), v| (a.min(v), b.max(v)));
            let ended = members.iter().filter(|i| world.endings[**i].at.is_some()).count();
            let ends: Vec<Timestamp> = same.iter().filter_map(|i| world.endings[*i].at.map(|o| o.at)).collect();
            incidents.push(Incident {
                kind: "recurring-timeout",
                cause: Some(cause),
                title: format!(
                    "{} to {server} ended after the same {what} of {}",
                    words::count(same.len(), "connection", "connections"),
                    timers::words(first)
                ),
                connections: ids(&same),
                from: ends.iter().min().copied().map(Time),
                to: ends.iter().max().copied().map(Time),
                evidence: vec![Evidence {
                    kind: "recurring",
                    text: format!(
                        "{} of the {} to this server that ended did so at a {what} of {}: one timer.",
                        words::grouped(same.len() as u64),
                        words::count(ended, "connection", "connections"),
                        if most - least < 0.001 {
                            format!("{least:.3} s")
                        } else {
                            format!("{least:.3} to {most:.3} s")
                        },
                    ),
                    packets: same.iter().filter_map(|i| world.endings[*i].at.map(|o| o.packet)).take(5).collect(),
                }],
                fixes: Vec::new(),
            });
        }
    }
    incidents
}

/// The same refused payload sent again and again by one client host.
fn retries(world: &World<'_>, verdicts: &[Option<Diagnosis>]) -> Vec<Incident> {
    type Payload<'a> = (std::net::IpAddr, std::net::SocketAddr, &'static str, Option<u64>, Option<&'a str>);
    let mut groups: BTreeMap<Payload<'_>, Vec<usize>> = BTreeMap::new();
    for (index, verdict) in verdicts.iter().enumerate() {
        let Some(diagnosis) = verdict else { continue };
        let Some(message) = diagnosis.message.as_ref().filter(|m| m.from == Side::Client && m.complete) else {
            continue;
        };
        if diagnosis.severity != Severity::Problem {
            continue;
        }
        let connection = &world.observations.connections[index];
        let key = (
            connection.client.ip(),
            connection.server,
            diagnosis.cause,
            message.payload_bytes,
            message.excerpt.as_deref(),
        );
        groups.entry(key).or_default().push(index);
    }
    groups
        .into_iter()
        .filter(|(_, members)| is_loop(world, members))
        .map(|((client, server, cause, size, _), members)| {
            let packets = members
                .iter()
                .filter_map(|i| verdicts[*i].as_ref()?.message.as_ref().map(|m| m.first_packet))
                .take(5)
                .collect();
            let ends: Vec<Timestamp> = members.iter().filter_map(|i| world.endings[*i].at.map(|o| o.at)).collect();
            Incident {
                kind: "retry-loop",
                cause: Some(cause),
                title: format!(
                    "{client} sent the same refused {} to {server} {} times",
                    size.map_or("message".to_string(), |s| format!("{}-byte message", words::grouped(s))),
                    members.len()
                ),
                connections: ids(&members),
                from: ends.iter().min().copied().map(Time),
                to: ends.iter().max().copied().map(Time),
                evidence: vec![Evidence {
                    kind: "same-payload",
                    text: "Size and first bytes are the same each time.".to_string(),
                    packets,
                }],
                fixes: vec![Fix {
                    party: Party::Client,
                    text: "do not send a refused message again after reconnecting: drop it, split it or report it."
                        .to_string(),
                    example: None,
                    source: None,
                }],
            }
        })
        .collect()
}

/// Whether connections followed each other: each opened after the one before was refused. Two may be chance.
fn is_loop(world: &World<'_>, members: &[usize]) -> bool {
    let follows = |pair: &[usize]| {
        let opened = world.observations.connections[pair[1]].opened().at;
        world.endings[pair[0]].at.is_some_and(|end| end.at <= opened)
    };
    members.len() >= 3 && members.windows(2).all(follows)
}

/// Conversations seen on both sides of one proxy, and which hop ended first.
fn legs(world: &World<'_>, verdicts: &[Option<Diagnosis>]) -> Vec<Incident> {
    let mut by_proxy: BTreeMap<std::net::IpAddr, Vec<Leg>> = BTreeMap::new();
    let mut twice: BTreeMap<Same, Vec<Leg>> = BTreeMap::new();
    for leg in world.legs.all() {
        match leg.same {
            Some(same) => twice.entry(same).or_default().push(leg),
            None => by_proxy.entry(world.observations.connections[leg.front].server.ip()).or_default().push(leg),
        }
    }
    let through = by_proxy.into_iter().map(|(proxy, legs)| {
        let seen = words::count(legs.len(), "conversation is seen", "conversations are seen");
        (legs, format!("{seen} through the proxy {proxy} on both sides of it"))
    });
    let again = twice.into_iter().map(|(same, legs)| {
        let where_to = match same {
            Same::Translated => "before and after an address translation".to_string(),
            Same::TwoPoints => {
                let apart = legs.first().map_or(0.0, |leg| clocks_apart(world, *leg));
                format!("at two capture points, whose clocks are {} apart", timers::words(apart))
            }
        };
        let seen = words::count(legs.len(), "connection is seen", "connections are seen");
        (legs, format!("{seen} {where_to}; each is counted once"))
    });
    through
        .chain(again)
        .map(|(legs, title)| {
            let connections: Vec<usize> = legs.iter().flat_map(|l| [l.front, l.back]).collect();
            let evidence = legs.iter().take(5).map(|leg| hop(world, *leg)).collect();
            let ends = connections.iter().filter_map(|i| world.endings[*i].at.map(|o| o.at));
            let (from, to) = (ends.clone().min(), ends.max());
            Incident {
                kind: "proxy-legs",
                cause: common_cause(verdicts, &connections),
                title,
                connections: ids(&connections),
                from: from.map(Time),
                to: to.map(Time),
                evidence,
                fixes: Vec::new(),
            }
        })
        .collect()
}

/// Seconds between the two recordings of the same packets.
fn clocks_apart(world: &World<'_>, leg: Leg) -> f64 {
    let [front, back] = [leg.front, leg.back].map(|index| world.observations.connections[index].first.at);
    back.seconds_since(front).max(front.seconds_since(back))
}

/// Who ended a conversation first: the end behind the proxy, in front of it, or the proxy itself.
fn hop(world: &World<'_>, leg: Leg) -> Evidence {
    let connections = &world.observations.connections;
    let (front, back) = (&world.endings[leg.front], &world.endings[leg.back]);
    let name = |index: usize| world.any_files().stream_of(&connections[index]);
    let streams = format!("Streams {} and {}", name(leg.front), name(leg.back));
    let mut packets: Vec<PacketNumber> = [front.at, back.at].iter().flatten().map(|o| o.packet).collect();
    packets.sort_unstable_by_key(|p| (p.file(), p.number()));
    let same_numbers = "its sequence numbers and its Sec-WebSocket-Key are the same";
    match leg.same {
        Some(Same::Translated) => {
            let text =
                format!("{streams} are one TCP connection, before and after an address translation: {same_numbers}.");
            return Evidence { kind: super::legs::TRANSLATION, text, packets };
        }
        Some(Same::TwoPoints) => {
            let text = format!(
                "{streams} are the same connection recorded at two capture points, whose clocks are {} apart: its \
                 addresses, {same_numbers}.",
                timers::words(clocks_apart(world, leg))
            );
            return Evidence { kind: super::legs::TWO_POINTS, text, packets };
        }
        None => {}
    }
    let by_proxy = front.closer == Some(Side::Server) && back.closer == Some(Side::Client);
    let text = match (front.at, back.at) {
        _ if by_proxy => format!("{streams}: the proxy ended both legs itself."),
        (Some(f), Some(b)) if b.at <= f.at && back.closer == Some(Side::Server) => {
            format!("{streams}: the server {} ended first, the proxy passed it on.", connections[leg.back].server)
        }
        (Some(_), _) if front.closer == Some(Side::Client) => {
            format!("{streams}: the client {} ended first, the proxy passed it on.", connections[leg.front].client)
        }
        (Some(_), None) => format!("{streams}: only the leg in front of the proxy ended."),
        (None, Some(_)) => format!("{streams}: only the leg behind the proxy ended."),
        (None, None) => format!("{streams}: both legs were open at the end of the capture."),
        _ => format!("{streams}: the two legs ended differently."),
    };
    Evidence { kind: "first-hop", text, packets }
}
