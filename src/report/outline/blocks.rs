//! The blocks: one for each problem, incident, refused handshake and notice.

use std::collections::{HashMap, HashSet};

use super::groups::{self, Alike};
use super::wording::{self, place, sentence, words};
use super::{Block, Line, Row, Section};
use crate::report::model::{
    Confidence, ConnectionReport, Diagnosis, Evidence, Fix, HandshakeFailure, Incident, Party, Report, Severity, Time,
};

/// Alternatives that a block names as excluded.
const RULED_OUT: usize = 2;

/// Evidence of this kind is an aside and not a reason.
const NOTE: &str = "note";

/// Every section that has something to say.
pub(super) fn sections(report: &Report) -> Vec<Section> {
    let mut number = 0;
    let problems =
        numbered(&mut number, groups::connections(&report.connections, Severity::Problem), |g| problem(report, &g));
    let by_id: HashMap<usize, &ConnectionReport> = report.connections.iter().map(|c| (c.id, c)).collect();
    let incidents = numbered(&mut number, report.incidents.iter(), |i| incident(report, i, &by_id));
    let refused = numbered(&mut number, groups::handshakes(&report.handshake_failures), |g| handshake(report, &g));
    let notices =
        groups::connections(&report.connections, Severity::Notice).iter().map(|g| notice(report, g)).collect();
    [
        (None, problems),
        (Some("Across connections"), incidents),
        (Some("Handshakes that failed"), refused),
        (Some("Worth knowing"), notices),
    ]
    .into_iter()
    .map(|(heading, blocks)| Section { heading, blocks })
    .filter(|s| !s.blocks.is_empty())
    .collect()
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

fn problem(report: &Report, group: &Alike<'_>) -> Option<Block> {
    let (first, others) = group.connections.split_first()?;
    let d = group.diagnosis;
    Some(Block {
        number: None,
        severity: d.severity,
        name: words(d.cause),
        facts: connection_facts(group, first),
        title: sentence(&d.title),
        rows: [
            Row::sentence("What", sentence(&d.explanation)),
            Row::of("Why", reasons(&d.evidence)),
            Row::of("Ruled out", ruled_out(d)),
            Row::of("Note", notes(d)),
            Row::of("Change", changes(&d.fixes)),
            Row::of("Look", look(report, first, d)),
            Row::sentence("Also", also(report, d.confidence, first, others)),
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

fn reasons(evidence: &[Evidence]) -> Vec<Line> {
    evidence.iter().filter(|e| e.kind != NOTE).map(|e| Line::Prose(wording::evidence(e))).collect()
}

fn ruled_out(d: &Diagnosis) -> Vec<Line> {
    let alternatives = d.ruled_out.iter().take(RULED_OUT);
    alternatives.map(|r| Line::Prose(sentence(&format!("{}: {}", words(r.cause), r.because)))).collect()
}

fn notes(d: &Diagnosis) -> Vec<Line> {
    let responsibility = wording::responsibility(d.caused_by, d.change);
    let asides = d.evidence.iter().filter(|e| e.kind == NOTE).map(wording::evidence);
    std::iter::once(responsibility).chain(asides).filter(|s| !s.is_empty()).map(Line::Prose).collect()
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
        lines.extend(fix.source.clone().map(Line::Source));
    }
    lines
}

/// Where to look: in Wireshark, and in which log at what time.
fn look(report: &Report, connection: &ConnectionReport, d: &Diagnosis) -> Vec<Line> {
    let at = connection.end.close_frames.first().map(|c| c.at).or(connection.end.tcp.at);
    let mut lines = vec![Line::Code(d.display_filter.clone())];
    lines.extend(log_entry(report, connection.capture, connection.url.as_deref(), at).map(Line::Prose));
    lines.retain(|l| !matches!(l, Line::Code(filter) if filter.is_empty()));
    lines
}

/// When it happened, for whoever opens the logs: the clock, the offset in the capture, the URL.
fn log_entry(report: &Report, capture: usize, url: Option<&str>, at: Option<Time>) -> Option<String> {
    let capture = report.captures.get(capture);
    let file = capture.filter(|_| report.captures.len() > 1).map(|c| format!("In {}", c.path));
    let time = at.map(|at| match capture.and_then(|c| c.first_packet_at) {
        Some(start) => format!("Logs at {}, {} into the capture", wording::utc(at), wording::span(start, at)),
        None => format!("Logs at {}", wording::utc(at)),
    });
    let parts: Vec<String> = [file, time, url.map(str::to_owned)].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join("; "))
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

fn notice(report: &Report, group: &Alike<'_>) -> Block {
    let d = group.diagnosis;
    let mut facts = vec![d.confidence.word().to_owned()];
    facts.extend(groups::common_server(&group.connections).map(|s| s.to_string()));
    facts.push(wording::streams(report, group.connections.iter().map(|c| place(c))));
    let mut title = sentence(&d.title);
    if let Some(fix) = d.fixes.first() {
        title.push(' ');
        title.push_str(&sentence(&format!("{}: {}", wording::party(fix.party), fix.text)));
    }
    Block { number: None, severity: d.severity, name: words(d.cause), facts, title, rows: Vec::new() }
}

fn incident(report: &Report, incident: &Incident, by_id: &HashMap<usize, &ConnectionReport>) -> Option<Block> {
    let connections: Vec<&ConnectionReport> =
        incident.connections.iter().filter_map(|id| by_id.get(id).copied()).collect();
    let mut facts = Vec::new();
    facts.extend(incident.cause.filter(|c| *c != incident.kind).map(words));
    facts.push(wording::count(incident.connections.len(), "connection"));
    facts.extend(groups::common_server(&connections).map(|s| s.to_string()));
    let time = match (incident.from, incident.to) {
        (Some(from), Some(to)) if to > from => format!("{}, over {}.", wording::utc(from), wording::span(from, to)),
        (Some(at), _) | (None, Some(at)) => format!("{}.", wording::utc(at)),
        (None, None) => String::new(),
    };
    Some(Block {
        number: None,
        severity: Severity::Notice,
        name: words(incident.kind),
        facts,
        title: sentence(&incident.title),
        rows: [
            Row::of("Why", reasons(&incident.evidence)),
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
    look.extend(log_entry(report, first.capture, first.url.as_deref(), None).map(Line::Prose));
    look.retain(|l| !matches!(l, Line::Code(filter) if filter.is_empty()));
    Some(Block {
        number: None,
        severity: first.severity,
        name: words(first.cause),
        facts: vec![status, wording::count(group.len(), "request"), first.server.to_string()],
        title: sentence(&first.title),
        rows: [
            Row::sentence("What", sentence(&first.explanation)),
            Row::of("Why", reasons(&first.evidence)),
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
