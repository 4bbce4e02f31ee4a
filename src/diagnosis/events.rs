//! Events over connections: many ends of one server at once, one server after another behind a proxy, and how clients
//! came back. A 1001 cannot be explained from its own connection alone.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use super::case::Ending;
use super::ends::Ends;
use super::{idle, timers};
use crate::connection::{Connection, FailedAttempt, FailedHandshake, Observations};
use crate::ids::{PacketNumber, Side, Timestamp};
use crate::knowledge::{Knowledge, Trigger};

/// What kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The server sent Close frames.
    Close,
    /// The server ended TCP without them.
    Drop,
}

/// Several connections of one server that it ended within a short window.
#[derive(Debug, Clone)]
pub struct Event {
    /// Closed or dropped.
    pub kind: Kind,
    /// The server.
    pub server: SocketAddr,
    /// The connections, in order of their ends.
    pub connections: Vec<usize>,
    /// The first end.
    pub from: Timestamp,
    /// The last end.
    pub to: Timestamp,
    /// Connections of the server that were open when it began.
    pub open: usize,
    /// How clients came back.
    pub after: After,
}

impl Event {
    /// Three or more make a mass; two are named and not called one.
    #[must_use]
    pub fn is_mass(&self) -> bool {
        self.connections.len() >= 3
    }
}

/// What clients of an ended server did next.
#[derive(Debug, Clone, Default)]
pub struct After {
    /// Attempts that the server's host refused (RST to a SYN).
    pub refused: Vec<Attempt>,
    /// Attempts that nothing answered.
    pub unanswered: usize,
    /// The first new connection, or handshake, that was accepted: its time and packet.
    pub accepted: Option<(Timestamp, PacketNumber)>,
    /// New connections accepted.
    pub returned: usize,
    /// All attempts, per client address.
    pub attempts: BTreeMap<IpAddr, Vec<Timestamp>>,
    /// Connections that had ended, per client address: one host may have many, each of which comes back.
    pub ended: BTreeMap<IpAddr, usize>,
}

/// One attempt to connect.
#[derive(Debug, Clone, Copy)]
pub struct Attempt {
    /// When.
    pub at: Timestamp,
    /// The packet of the SYN.
    pub packet: PacketNumber,
}

impl After {
    /// Attempts in all.
    #[must_use]
    pub fn total(&self) -> usize {
        self.attempts.values().map(Vec::len).sum()
    }

    /// The busiest client's attempts and the median of its intervals in seconds.
    #[must_use]
    pub fn busiest(&self) -> Option<(IpAddr, usize, f64)> {
        let (ip, times) = self.attempts.iter().max_by_key(|(_, t)| t.len())?;
        let mut gaps: Vec<f64> = times.windows(2).map(|w| w[1].seconds_since(w[0])).collect();
        gaps.sort_by(f64::total_cmp);
        let median = gaps.get(gaps.len() / 2).copied()?;
        Some((*ip, times.len(), median))
    }

    /// The busiest client that waited longer from attempt to attempt, and its intervals in seconds.
    #[must_use]
    pub fn growing(&self) -> Option<(IpAddr, Vec<f64>)> {
        let (ip, times) = self.attempts.iter().filter(|(_, t)| t.len() >= 3).max_by_key(|(_, t)| t.len())?;
        let gaps: Vec<f64> = times.windows(2).map(|w| w[1].seconds_since(w[0])).collect();
        (gaps.first()? < gaps.last()?).then_some((*ip, gaps))
    }

    /// Seconds between the first attempts of the earliest and the latest client, where several came back.
    #[must_use]
    pub fn first_attempts_spread(&self) -> Option<f64> {
        let firsts = || self.attempts.values().filter_map(|t| t.first().copied());
        let (earliest, latest) = (firsts().min()?, firsts().max()?);
        (self.attempts.len() >= 2).then(|| latest.seconds_since(earliest))
    }

    /// Whether the clients' intervals grew: the later half is at least half as long again as the earlier.
    #[must_use]
    pub fn backs_off(&self) -> bool {
        let growing = self.attempts.values().filter(|t| t.len() >= 3).filter(|times| {
            let gaps: Vec<f64> = times.windows(2).map(|w| w[1].seconds_since(w[0])).collect();
            let half = gaps.len() / 2;
            let mean = |g: &[f64]| g.iter().sum::<f64>() / g.len().max(1) as f64;
            mean(&gaps[half..]) > 1.5 * mean(&gaps[..half])
        });
        let judged = self.attempts.values().filter(|t| t.len() >= 3).count();
        judged > 0 && growing.count() * 2 >= judged
    }

    /// Clients hammering: five attempts or more of one client, less than a second apart, without backing off, and more than
    /// one for each connection that it had lost; or more than ten attempts a second in all.
    #[must_use]
    pub fn is_storm(&self) -> bool {
        let lost = |ip| self.ended.get(&ip).copied().unwrap_or(0);
        let hammering = self.busiest().is_some_and(|(ip, count, median)| count >= 5.max(2 * lost(ip)) && median < 1.0)
            && !self.backs_off();
        let mut all: Vec<Timestamp> = self.attempts.values().flatten().copied().collect();
        all.sort();
        let dense = all.windows(20).any(|w| w[19].seconds_since(w[0]) < 2.0);
        hammering || dense && !self.backs_off()
    }
}

/// A connection's part in an event.
#[derive(Debug, Clone, Copy)]
pub struct Member {
    /// Index of the event.
    pub event: usize,
}

/// All events, and which connection belongs to which.
#[derive(Debug, Default)]
pub struct Events {
    /// In order of time.
    pub list: Vec<Event>,
    members: BTreeMap<usize, Member>,
}

/// Ends of one server this close to each other belong together.
const WINDOW_SECONDS: f64 = 1.5;
/// Calm closes this close together are one act.
const AT_ONCE_SECONDS: f64 = 0.5;

impl Events {
    /// Looks for events.
    #[must_use]
    pub fn new(
        observations: &Observations,
        knowledge: &Knowledge,
        endings: &[Ending<'_>],
        ends: &[Ends],
        by_server: &BTreeMap<SocketAddr, Vec<usize>>,
    ) -> Events {
        let mut events = Events::default();
        let attempts = Attempts::new(observations);
        for (server, members) in by_server {
            for (kind, calm) in [(Kind::Close, false), (Kind::Close, true), (Kind::Drop, false)] {
                let mut ended: Vec<(Timestamp, usize)> = members
                    .iter()
                    .filter(|i| end_kind(&endings[**i]) == Some(kind) && is_calm(&endings[**i]) == calm)
                    .filter_map(|i| Some((endings[*i].at?.at, *i)))
                    .collect();
                ended.sort();
                let close_together = ended.chunk_by(|a, b| b.0.seconds_since(a.0) < WINDOW_SECONDS);
                for group in close_together.flat_map(|ends| open_together(observations, ends)) {
                    let connections: Vec<usize> = group.iter().map(|(_, i)| *i).collect();
                    let (Some((from, _)), Some((to, _))) = (group.first(), group.last()) else { continue };
                    if connections.len() < 2
                        || !at_once(observations, &connections, *from, *to)
                        || one_timer(observations, endings, &connections)
                    {
                        continue;
                    }
                    let open = open_at(observations, endings, members, *from);
                    // A server that closes some of many as it goes along is at work, not at its end.
                    if connections.len() * 2 < open {
                        continue;
                    }
                    let mut after = After::of(observations, members, &attempts, *server, *from);
                    for index in &connections {
                        *after.ended.entry(observations.connections[*index].client.ip()).or_default() += 1;
                    }
                    let together = connections.len() >= 3 && to.seconds_since(*from) <= AT_ONCE_SECONDS;
                    // Known to stop like this, and nothing shows that it went on.
                    let stops = connections.len() == open
                        && after.accepted.is_none()
                        && connections.iter().all(|i| known_to_stop_so(knowledge, &ends[*i], &endings[*i]));
                    if calm && (!together || after.refused.is_empty() && !stops) {
                        continue;
                    }
                    events.list.push(Event { kind, server: *server, connections, from: *from, to: *to, open, after });
                }
            }
        }
        events.list.sort_by_key(|e| (e.from, e.server));
        for (index, event) in events.list.iter().enumerate() {
            for connection in &event.connections {
                events.members.insert(*connection, Member { event: index });
            }
        }
        events
    }

    /// The event that a connection's end belongs to.
    #[must_use]
    pub fn of(&self, connection: usize) -> Option<&Member> {
        self.members.get(&connection)
    }

    /// The event itself.
    #[must_use]
    pub fn event(&self, connection: usize) -> Option<&Event> {
        self.list.get(self.of(connection)?.event)
    }
}

/// Whether the code of an end says nothing of the server stopping: then only many at once do, before the server's port refuses
/// or by a server that is known to stop so.
fn is_calm(ending: &Ending<'_>) -> bool {
    matches!(ending.code, Some(1000 | 1005 | 1011))
}

/// Whether the server, as far as it was recognised, is known to close with that code and reason when it stops.
fn known_to_stop_so(knowledge: &Knowledge, ends: &Ends, ending: &Ending<'_>) -> bool {
    let Some((_, close)) = ending.close else { return false };
    ends.server.as_ref().is_some_and(|server| {
        server.identified.may_close_for(knowledge, Trigger::Shutdown, (close.code, &close.reason), Side::Server)
    })
}

/// Whether a server ended a connection in a way in which servers stop: codes that say so, those of libraries that close
/// everything alike ([`is_calm`]), or none at all.
fn end_kind(ending: &Ending<'_>) -> Option<Kind> {
    if ending.closer != Some(Side::Server) {
        return None;
    }
    match ending.code? {
        1000 | 1001 | 1005 | 1011 | 1012 => Some(Kind::Close),
        1006 => Some(Kind::Drop),
        _ => None,
    }
}

/// Connections that ended after the same long silence, or at the same age, ended by their own timers: their ends fall
/// together because their beginnings did.
fn one_timer(observations: &Observations, endings: &[Ending<'_>], connections: &[usize]) -> bool {
    let silence = |i: &usize| {
        let connection = &observations.connections[*i];
        let last = connection.from_client.last_frame.max(connection.from_server.last_frame);
        Some(endings[*i].at?.at.seconds_since(last.unwrap_or(connection.opened()).at))
    };
    let spans: Vec<f64> = connections.iter().filter_map(silence).collect();
    let ended = || connections.iter().filter_map(|i| Some((&observations.connections[*i], endings[*i].at?.at)));
    let Some(first) = spans.first() else { return false };
    let ends: Vec<Timestamp> = connections.iter().filter_map(|i| Some(endings[*i].at?.at)).collect();
    let spread = match (ends.iter().min(), ends.iter().max()) {
        (Some(a), Some(b)) => b.seconds_since(*a),
        _ => 0.0,
    };
    // Ends that are spread as their last frames were: each had its own clock. Three that agree to within a tenth of their
    // spread need no round number: nginx counts from a little before the last frame.
    let agree = |within: f64| spans.iter().all(|s| (s - first).abs() < within);
    let is_round = timers::round_seconds(*first).is_some();
    spans.len() == connections.len()
        && spread > 0.05
        && (is_round && agree((spread / 3.0).max(0.03))
            || *first >= 1.9 && spans.len() >= 3 && spread > 0.3 && agree(spread / 10.0)
            || spans.len() >= 3 && spread > 0.3 && idle::one_lazy_timer(ended()))
}

/// Cuts ends into runs whose connections were all open at the run's first end. One that opened later was accepted by a server
/// that went on serving, so its end has a reason of its own.
fn open_together<'e>(observations: &Observations, mut ends: &'e [(Timestamp, usize)]) -> Vec<&'e [(Timestamp, usize)]> {
    let mut runs = Vec::new();
    while let Some((from, _)) = ends.first() {
        let opened_later = |(_, i): &(Timestamp, usize)| observations.connections[*i].opened().at > *from;
        let (run, rest) = ends.split_at(ends.iter().position(opened_later).unwrap_or(ends.len()).max(1));
        runs.push(run);
        ends = rest;
    }
    runs
}

/// Whether ends lie close together, measured by how long the connections had lived.
fn at_once(observations: &Observations, connections: &[usize], from: Timestamp, to: Timestamp) -> bool {
    let mut ages: Vec<f64> =
        connections.iter().map(|i| from.seconds_since(observations.connections[*i].opened().at)).collect();
    ages.sort_by(f64::total_cmp);
    let median = ages.get(ages.len() / 2).copied().unwrap_or(0.0);
    to.seconds_since(from) <= (0.5 * median).max(0.05)
}

/// Connections of one server that were open at that time.
fn open_at(observations: &Observations, endings: &[Ending<'_>], members: &[usize], at: Timestamp) -> usize {
    let is_open =
        |i: &&usize| observations.connections[**i].opened().at <= at && endings[**i].at.is_none_or(|end| end.at >= at);
    members.iter().filter(is_open).count()
}

/// Attempts to connect that came to nothing, by server.
struct Attempts<'a> {
    tcp: BTreeMap<SocketAddr, Vec<&'a FailedAttempt>>,
    handshakes: BTreeMap<SocketAddr, Vec<&'a FailedHandshake>>,
}

impl<'a> Attempts<'a> {
    fn new(observations: &'a Observations) -> Attempts<'a> {
        let mut attempts = Attempts { tcp: BTreeMap::new(), handshakes: BTreeMap::new() };
        for attempt in &observations.failed_attempts {
            attempts.tcp.entry(attempt.server).or_default().push(attempt);
        }
        for failed in &observations.failed_handshakes {
            attempts.handshakes.entry(failed.server).or_default().push(failed);
        }
        attempts
    }
}

/// How long after an event clients that come back are counted, and how many.
const RETURN_SECONDS: f64 = 600.0;
const RETURN_COUNT: usize = 10_000;

impl After {
    fn of(
        observations: &Observations,
        members: &[usize],
        attempts: &Attempts<'_>,
        server: SocketAddr,
        from: Timestamp,
    ) -> After {
        let mut after = After::default();
        let counts = |at: Timestamp| at > from && at.seconds_since(from) < RETURN_SECONDS;
        for attempt in attempts.tcp.get(&server).into_iter().flatten().filter(|a| counts(a.syn.at)).take(RETURN_COUNT) {
            match attempt.refused {
                Some(_) => after.refused.push(Attempt { at: attempt.syn.at, packet: attempt.syn.packet }),
                None => after.unanswered += 1,
            }
            after.attempts.entry(attempt.client.ip()).or_default().push(attempt.syn.at);
        }
        // In order of their first packets.
        let later = members.partition_point(|i| observations.connections[*i].first.at <= from);
        // One whose beginning is not in the capture may be older than its first packet there.
        let opened_since = |c: &&Connection| !c.joined_midstream;
        let returned = members[later..].iter().map(|i| &observations.connections[*i]).filter(opened_since);
        for connection in returned.filter(|c| counts(c.first.at)).take(RETURN_COUNT) {
            after.returned += 1;
            after.attempts.entry(connection.client.ip()).or_default().push(connection.first.at);
            let opened = connection.opened();
            if after.accepted.is_none_or(|(at, _)| opened.at < at) {
                after.accepted = Some((opened.at, opened.packet));
            }
        }
        let handshakes = attempts.handshakes.get(&server).into_iter().flatten();
        for failed in handshakes.filter(|h| counts(h.request.origin.at)).take(RETURN_COUNT) {
            after.attempts.entry(failed.client.ip()).or_default().push(failed.request.origin.at);
        }
        for times in after.attempts.values_mut() {
            times.sort();
        }
        after
    }
}
