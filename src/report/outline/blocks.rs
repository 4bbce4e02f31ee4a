//! The blocks: one for each problem, incident, refused handshake and notice.

use std::collections::{HashMap, HashSet};

use super::groups::{self, Alike};
use super::wording::{self, place, sentence, words};
use super::{Block, Line, Row, Section};
use crate::report::model::{
    Capture, Confidence, ConnectionReport, Diagnosis, Evidence, Fix, HandshakeFailure, ImplementationReport, Incident,
    Party, Report, Severity, Time,
};

/// Alternatives that a block names as excluded.
const RULED_OUT: usize = 2;

/// A reason against an alternative that tells the reader nothing.
const WEAKER: &str = "the evidence for another cause is stronger";

/// Shorter times are no duration to speak of, in nanoseconds.
const MILLISECOND: i64 = 1_000_000;

/// Evidence of this kind is an aside and not a reason.
const NOTE: &str = "note";

/// Evidence of this kind tells how clients came back.
const RETURN: &str = "clients-return";

/// What the two legs of a conversation through a proxy show, as an incident and as evidence.
const LEGS: &str = "proxy-legs";
/// The evidence that both legs are one TCP connection, under other addresses or the same.
const TRANSLATION: &str = "address-translation";
const TWO_POINTS: &str = "two-capture-points";

/// What messages that nearly were refused are called.
const NEAR_LIMIT: &str = "near-limit";

/// What the title of a handshake begins with that was refused behind a proxy, and told in front of it.
const BEHIND: &str = "the same request behind the proxy";

/// What several blocks need to know about a report.
struct Whole<'a> {
    report: &'a Report,
    by_id: HashMap<usize, &'a ConnectionReport>,
    /// Connections that tell again what another leg tells, by the id of that.
    other_legs: HashMap<usize, usize>,
}

impl<'a> Whole<'a> {
    fn of(report: &'a Report) -> Whole<'a> {
        let by_id: HashMap<usize, &ConnectionReport> = report.connections.iter().map(|c| (c.id, c.as_ref())).collect();
        let legs = report.incidents.iter().flat_map(|i| i.other_legs(|id| by_id.get(&id).copied()));
        let other_legs = legs.collect();
        Whole { report, by_id, other_legs }
    }

    fn connections(&self, ids: &[usize]) -> Vec<&'a ConnectionReport> {
        ids.iter().filter_map(|id| self.by_id.get(id).copied()).collect()
    }

    /// The other legs of `connections`.
    fn other_legs(&self, connections: &[&ConnectionReport]) -> Vec<&'a ConnectionReport> {
        let ids: Vec<usize> = connections.iter().filter_map(|c| self.other_legs.get(&c.id).copied()).collect();
        self.connections(&ids)
    }

    /// Whether `group`, its other legs included, holds all the connections of `incident`.
    fn holds(&self, group: &Alike<'_>, incident: &Incident) -> bool {
        let others = self.other_legs(&group.connections);
        let ids: HashSet<usize> = group.connections.iter().chain(&others).map(|c| c.id).collect();
        incident.connections.iter().all(|id| ids.contains(id))
    }

    /// Whether the blocks of the connections tell all of `incident`.
    fn is_told(&self, incident: &Incident, problems: &[Alike<'_>]) -> bool {
        match incident.kind {
            "mass-drop" => problems.iter().any(|g| g.diagnosis.cause == "mass-drop" && self.holds(g, incident)),
            LEGS => incident.connections.chunks_exact(2).all(|pair| {
                let &[a, b] = pair else { return false };
                let folded = self.other_legs.get(&a) == Some(&b) || self.other_legs.get(&b) == Some(&a);
                let diagnosis = self.by_id.get(&a).and_then(|c| c.diagnosis.as_ref());
                folded && diagnosis.is_some_and(|d| d.severity > Severity::Normal)
            }),
            _ => false,
        }
    }

    /// What an incident adds to the block that tells it: who ended a conversation first, how clients came back.
    fn adds(&self, group: &Alike<'_>, first: &ConnectionReport) -> Vec<Line> {
        let mut lines = Vec::new();
        let tells_legs = group.diagnosis.evidence.iter().any(|e| e.kind == LEGS);
        for incident in &self.report.incidents {
            if incident.kind == "mass-drop" && group.diagnosis.cause == "mass-drop" && self.holds(group, incident) {
                lines.extend(incident.evidence.iter().filter(|e| e.kind == RETURN));
            }
            if incident.kind == LEGS && !tells_legs && self.other_legs.contains_key(&first.id) {
                let legs = incident.connections.chunks_exact(2).zip(&incident.evidence);
                lines.extend(legs.filter(|(pair, _)| pair.contains(&first.id)).map(|(_, evidence)| evidence));
            }
        }
        let captures = &self.report.captures;
        lines.into_iter().map(|e| Line::Prose(wording::evidence(e, captures, Some(first.capture)))).collect()
    }
}

/// The incident that a group of notices is part of.
fn part_of<'a>(report: &'a Report, group: &Alike<'_>) -> Option<&'a Incident> {
    let ids: Vec<usize> = group.connections.iter().map(|c| c.id).collect();
    report.incidents.iter().find(|i| {
        i.kind.starts_with("mass-")
            && i.cause == Some(group.diagnosis.cause)
            && ids.iter().all(|id| i.connections.contains(id))
    })
}

/// Every section that has something to say.
pub(super) fn sections(report: &Report) -> Vec<Section> {
    let whole = &Whole::of(report);
    let twice: HashSet<usize> = whole.other_legs.values().copied().collect();
    let problems = groups::connections(&report.connections, Severity::Problem, &twice, |_| true);
    // A notice is about a habit, which servers share, unless it is part of what happened to one.
    let in_incident: HashSet<usize> =
        report.incidents.iter().filter(|i| i.kind.starts_with("mass-")).flat_map(|i| i.connections.clone()).collect();
    let of_one = |c: &ConnectionReport| in_incident.contains(&c.id);
    let notices = groups::connections(&report.connections, Severity::Notice, &twice, of_one);
    let told: Vec<&Incident> = report.incidents.iter().filter(|i| !whole.is_told(i, &problems)).collect();
    // The leg behind a proxy tells a refused handshake again.
    let (behind, refused): (Vec<_>, Vec<_>) = groups::handshakes(&report.handshake_failures)
        .into_iter()
        .partition(|g| g.iter().all(|f| f.severity != Severity::Problem && f.title.starts_with(BEHIND)));
    let refused = if refused.is_empty() { behind } else { refused };
    let mut number = 0;
    let problems = numbered(&mut number, problems, |g| problem(whole, &g));
    let (near, told): (Vec<&Incident>, Vec<&Incident>) = told.into_iter().partition(|i| i.kind == NEAR_LIMIT);
    let incidents = numbered(&mut number, told, |i| incident(whole, i, &notices));
    let refused = numbered(&mut number, refused, |g| handshake(report, &g));
    // Nothing has happened yet.
    let mut worth_knowing = numbered(&mut number, near, |i| incident(whole, i, &notices));
    worth_knowing.extend(notices.iter().filter(|g| part_of(report, g).is_none()).map(|g| notice(whole, g)));
    [
        (None, problems),
        (Some("Across connections"), incidents),
        (Some("Handshakes that failed"), refused),
        (Some("Worth knowing"), worth_knowing),
    ]
    .into_iter()
    .map(|(heading, blocks)| Section { heading, blocks })
    .filter(|s| !s.blocks.is_empty())
    .collect()
}

/// `title` as a sentence; empty when the headline has said it.
fn title(report: &Report, title: &str) -> String {
    let headline = report.summary.headline.to_lowercase();
    if headline.contains(&title.trim_end_matches('.').to_lowercase()) { String::new() } else { sentence(title) }
}

/// The blocks that `make` makes of `items`, numbered on from `number`.
fn numbered<T>(
    number: &mut usize,
    items: impl IntoIterator<Item = T>,
    make: impl Fn(T) -> Option<Block>,
) -> Vec<Block> {
    let blocks = items.into_iter().filter_map(make).map(|mut block| {
        *number += 1;
        block.number = Some(*number);
        block
    });
    blocks.collect()
}

fn problem(whole: &Whole<'_>, group: &Alike<'_>) -> Option<Block> {
    let report = whole.report;
    let (first, others) = group.connections.split_first()?;
    let d = group.diagnosis;
    let mut why = reasons(report, Some(first.capture), &d.evidence);
    why.extend(whole.adds(group, first));
    let legs = whole.other_legs(&group.connections);
    Some(Block {
        number: None,
        severity: d.severity,
        name: words(d.cause),
        facts: connection_facts(group, first),
        title: title(report, &d.title),
        rows: [
            Row::sentence("What", sentence(&d.explanation)),
            Row::of("Why", why),
            Row::of("Ruled out", ruled_out(d)),
            Row::of("Note", notes(report, first, d)),
            Row::of("Change", changes(&d.fixes)),
            Row::of("Look", look(report, first, d)),
            Row::of("Also", also_lines(report, d.confidence, first, others, &legs)),
        ]
        .into_iter()
        .flatten()
        .collect(),
    })
}

/// Confidence, how many, and which server.
fn connection_facts(group: &Alike<'_>, first: &ConnectionReport) -> Vec<String> {
    let server = match &first.implementations.server {
        Some(known) if known.confidence == Confidence::Certain => format!("{} ({})", first.server, known.name),
        Some(known) => format!("{} ({}, {})", first.server, known.name, known.confidence.word()),
        None => first.server.to_string(),
    };
    vec![group.diagnosis.confidence.word().to_owned(), wording::count(group.connections.len(), "connection"), server]
}

fn reasons(report: &Report, own: Option<usize>, evidence: &[Evidence]) -> Vec<Line> {
    let told = evidence.iter().filter(|e| e.kind != NOTE);
    told.map(|e| Line::Prose(wording::evidence(e, &report.captures, own))).collect()
}

fn ruled_out(d: &Diagnosis) -> Vec<Line> {
    let told = d.ruled_out.iter().filter(|r| r.because != WEAKER);
    let alternatives = told.take(RULED_OUT);
    alternatives.map(|r| Line::Prose(sentence(&format!("{}: {}", words(r.cause), r.because)))).collect()
}

fn notes(report: &Report, first: &ConnectionReport, d: &Diagnosis) -> Vec<Line> {
    let own = first.capture;
    let responsibility = wording::responsibility(d.caused_by, d.change);
    let asides = d.evidence.iter().filter(|e| e.kind == NOTE);
    let asides = asides.map(|e| wording::evidence(e, &report.captures, Some(own)));
    let server = first.implementations.server.as_deref();
    // Evidence that rests on who the server is has said why already.
    let told = |known: &ImplementationReport| d.evidence.iter().any(|e| e.text.contains(&known.because));
    let named = server.filter(|known| !told(known)).map(wording::recognised).unwrap_or_default();
    std::iter::once(responsibility).chain(asides).chain([named]).filter(|s| !s.is_empty()).map(Line::Prose).collect()
}

/// The fixes: whose lever, what to do, an example, where that is documented.
fn changes(fixes: &[Fix]) -> Vec<Line> {
    let mut lines = Vec::new();
    for (i, fix) in fixes.iter().enumerate() {
        let text = match fix.party {
            Party::Nobody => sentence(&fix.text),
            _ => {
                let or = if i > 0 { "or " } else { "" };
                sentence(&format!("{or}{}: {}", wording::party(fix.party), fix.text))
            }
        };
        lines.push(Line::Prose(text));
        lines.extend(fix.example.iter().flat_map(|e| e.lines()).map(|l| Line::Code(l.to_owned())));
        // A place in somebody's source code is for those who doubt a number: the JSON report has it.
        let document = fix.source.clone().filter(|s| s.starts_with("http") || s.starts_with("RFC "));
        lines.extend(document.map(Line::Source));
    }
    lines
}

/// Where to look: in Wireshark, and in which log at what time.
fn look(report: &Report, connection: &ConnectionReport, d: &Diagnosis) -> Vec<Line> {
    let at = connection.end.close_frames.first().map(|c| c.at).or(connection.end.tcp.at);
    let captures = std::iter::once(connection.capture).chain(connection.also_in.iter().map(|a| a.capture));
    let mut lines = vec![Line::Code(d.display_filter.clone())];
    lines.extend(log_entry(report, captures, connection.url.as_deref(), at).map(Line::Prose));
    lines.retain(|l| !matches!(l, Line::Code(filter) if filter.is_empty()));
    lines
}

/// When it happened, for whoever opens the logs: the clock, the offset in the capture, the URL.
fn log_entry(
    report: &Report,
    captures: impl Iterator<Item = usize>,
    url: Option<&str>,
    at: Option<Time>,
) -> Option<String> {
    let captures: Vec<&Capture> = captures.filter_map(|c| report.captures.get(c)).collect();
    let capture = captures.first();
    let several = capture.filter(|_| report.captures.len() > 1);
    let file = several.map(|_| format!("In {}", wording::paths(&captures)));
    let time = at.map(|at| match capture.and_then(|c| c.first_packet_at) {
        Some(start) => format!("Logs at {}, {} into the capture", wording::utc(at), wording::span(start, at)),
        None => format!("Logs at {}", wording::utc(at)),
    });
    let parts: Vec<String> = [file, time, url.map(str::to_owned)].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// The other connections of a group, and the same conversations on the other side of a proxy.
fn also_lines(
    report: &Report,
    confidence: Confidence,
    first: &ConnectionReport,
    others: &[&ConnectionReport],
    legs: &[&ConnectionReport],
) -> Vec<Line> {
    let mut lines = vec![also(report, confidence, first, others)];
    if let Some(leg) = legs.first() {
        let streams = wording::streams(report, legs.iter().map(|c| place(c)));
        let (it, ends) = match legs.len() {
            1 => ("this conversation", format!(", {} to {}", leg.client, leg.server)),
            _ => ("these conversations", String::new()),
        };
        lines.push(format!("The {} shows {it} again ({streams}{ends}).", elsewhere(report, leg)));
    }
    lines.into_iter().filter(|l| !l.is_empty()).map(Line::Prose).collect()
}

/// Where the other leg of a conversation was captured, without the article.
fn elsewhere(report: &Report, leg: &ConnectionReport) -> &'static str {
    let legs = report.incidents.iter().find(|i| i.kind == LEGS && i.connections.contains(&leg.id));
    let is = |kind: &str| legs.is_some_and(|i| i.evidence.iter().any(|e| e.kind == kind));
    match (is(TRANSLATION), is(TWO_POINTS)) {
        (true, _) => "other side of the address translation",
        (_, true) => "other capture point",
        _ => "other side of the proxy",
    }
}

/// The other connections of a group: their streams, how sure each is when that differs, and how many clients they have.
fn also(report: &Report, confidence: Confidence, first: &ConnectionReport, others: &[&ConnectionReport]) -> String {
    let by_confidence = groups::together(others.iter().copied(), |c| c.diagnosis.as_ref().map(|d| d.confidence));
    let parts = by_confidence.iter().map(|group| {
        let streams = wording::streams(report, group.iter().map(|c| place(c)));
        match group.first().and_then(|c| c.diagnosis.as_ref()).map(|d| d.confidence) {
            Some(other) if other != confidence => format!("{streams} (only {})", other.word()),
            _ => streams,
        }
    });
    let mut text = parts.collect::<Vec<_>>().join("; ");
    let clients: HashSet<_> = others.iter().chain([&first]).map(|c| c.client.ip).collect();
    match clients.len() {
        _ if others.is_empty() => {}
        1 => text.push_str(&format!("; all from the client {}", first.client.ip)),
        several => text.push_str(&format!("; from {several} clients in all")),
    }
    text
}

fn notice(whole: &Whole<'_>, group: &Alike<'_>) -> Block {
    let report = whole.report;
    let d = group.diagnosis;
    let mut facts = vec![d.confidence.word().to_owned()];
    let servers: HashSet<String> = group.connections.iter().map(|c| c.server.to_string()).collect();
    facts.push(match groups::common_server(&group.connections) {
        Some(server) => server.to_string(),
        None => wording::count(servers.len(), "server"),
    });
    let mut streams = wording::streams(report, group.connections.iter().map(|c| place(c)));
    let legs = whole.other_legs(&group.connections);
    if let Some(leg) = legs.first() {
        let others = wording::streams(report, legs.iter().map(|c| place(c)));
        let at = if elsewhere(report, leg).starts_with("other side") { "on" } else { "at" };
        streams.push_str(&format!(" (and {others} {at} the {})", elsewhere(report, leg)));
    }
    facts.push(streams);
    let mut title = title(report, &d.title);
    if let Some(fix) = d.fixes.first() {
        if !title.is_empty() {
            title.push(' ');
        }
        title.push_str(&sentence(&format!("{}: {}", wording::party(fix.party), fix.text)));
    }
    Block { number: None, severity: d.severity, name: words(d.cause), facts, title, rows: Vec::new() }
}

fn incident(whole: &Whole<'_>, incident: &Incident, notices: &[Alike<'_>]) -> Option<Block> {
    let report = whole.report;
    let connections = whole.connections(&incident.connections);
    // The notices of these connections would say the same again.
    let parts = notices.iter().filter(|g| part_of(report, g).is_some_and(|i| std::ptr::eq(i, incident)));
    let what: Vec<Line> = parts
        .map(|g| Line::Prose(sentence(&format!("{} ({})", g.diagnosis.title, g.diagnosis.confidence.word()))))
        .collect();
    let mut facts = Vec::new();
    facts.extend(incident.cause.filter(|c| *c != incident.kind).map(words));
    facts.push(wording::count(incident.connections.len(), "connection"));
    facts.extend(groups::common_server(&connections).map(|s| s.to_string()));
    let time = match (incident.from, incident.to) {
        (Some(from), Some(to)) if to.0.since(from.0) >= MILLISECOND => {
            format!("{}, over {}.", wording::utc(from), wording::span(from, to))
        }
        (Some(at), _) | (None, Some(at)) => format!("{}.", wording::utc(at)),
        (None, None) => String::new(),
    };
    Some(Block {
        number: None,
        severity: Severity::Notice,
        name: words(incident.kind),
        facts,
        title: title(report, &incident.title),
        rows: [
            Row::of("What", what),
            Row::of("Why", reasons(report, None, &incident.evidence)),
            Row::sentence("When", time),
            Row::of("Change", changes(&incident.fixes)),
            Row::sentence("Which", wording::streams(report, connections.into_iter().map(place))),
        ]
        .into_iter()
        .flatten()
        .collect(),
    })
}

fn handshake(report: &Report, group: &[&HandshakeFailure]) -> Option<Block> {
    let (first, others) = group.split_first()?;
    let status = first.status.map_or_else(|| "no answer".to_owned(), |s| format!("status {s}"));
    let streams = wording::streams(report, others.iter().map(|f| (f.capture, f.tcp_stream, None)));
    let mut look = vec![Line::Code(first.display_filter.clone())];
    look.extend(log_entry(report, std::iter::once(first.capture), first.url.as_deref(), None).map(Line::Prose));
    look.retain(|l| !matches!(l, Line::Code(filter) if filter.is_empty()));
    Some(Block {
        number: None,
        severity: first.severity,
        name: words(first.cause),
        facts: vec![status, wording::count(group.len(), "request"), first.server.to_string()],
        title: title(report, &first.title),
        rows: [
            Row::sentence("What", sentence(&first.explanation)),
            Row::of("Why", reasons(report, Some(first.capture), &first.evidence)),
            Row::sentence("Note", wording::responsibility(None, first.change)),
            Row::of("Change", changes(&first.fixes)),
            Row::of("Look", look),
            Row::sentence("Also", streams),
        ]
        .into_iter()
        .flatten()
        .collect(),
    })
}
