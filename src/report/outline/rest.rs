//! What stands below the blocks: the other connections, the blind spots, where to go on.

use super::groups::{common_server, together};
use super::wording::{self, place, sentence, thousands, words};
use super::{Connections, Rest};
use crate::capture::STANDARD_INPUT;
use crate::report::model::{ConnectionReport, Initiator, Report, Severity};

/// Up to here every remaining connection has a row of its own.
const ROWS: usize = 12;

/// Blind spots of one kind that are told one by one.
const BLIND_SPOTS_OF_A_KIND: usize = 5;

/// Causes that the footer offers to explain.
const EXPLAINED: usize = 5;

/// The connections that no block speaks of.
pub(super) fn connections(report: &Report, alone: bool) -> Option<Rest> {
    let remaining: Vec<&ConnectionReport> = report
        .connections
        .iter()
        .map(AsRef::as_ref)
        .filter(|c: &&ConnectionReport| c.diagnosis.as_ref().is_none_or(|d| d.severity == Severity::Normal))
        .collect();
    if remaining.is_empty() {
        return None;
    }
    let mut heading = if alone { "The connections" } else { "The rest" }.to_owned();
    if remaining.len() > ROWS {
        return Some(Rest { heading, content: counted(report, &remaining) });
    }
    let server = common_server(&remaining);
    if let Some(server) = server {
        heading = format!("{heading}, all to {server}");
    }
    let mut columns = vec!["Stream", "Client"];
    if server.is_none() {
        columns.push("Server");
    }
    columns.extend(["Code", "Closed by", "Messages", "Ending"]);
    let rows = remaining.iter().map(|c| row(report, c, server.is_none())).collect();
    Some(Rest { heading, content: Connections::Each { columns, rows } })
}

fn row(report: &Report, c: &ConnectionReport, with_server: bool) -> Vec<String> {
    let mut stream = c.tcp_stream.to_string();
    if let Some(inner) = c.http2_stream {
        stream = format!("{stream} (HTTP/2 {inner})");
    }
    if report.captures.len() > 1 {
        stream = format!("{stream} of {}", wording::name(&report.captures, c.capture));
    }
    let mut cells = vec![stream, c.client.to_string()];
    if with_server {
        cells.push(c.server.to_string());
    }
    let (up, down) = (c.traffic.client.messages, c.traffic.server.messages);
    // Whoever ends TCP without a Close has closed too.
    let by = match (c.end.initiator, c.end.tcp.by) {
        (Some(Initiator::Client), _) => "client".to_owned(),
        (Some(Initiator::Server), _) => "server".to_owned(),
        (Some(Initiator::Both), _) => "both".to_owned(),
        (None, Some(side)) => format!("{side}, by {}", c.end.tcp.how),
        (None, None) => "nobody".to_owned(),
    };
    cells.extend([
        match c.end.code {
            Some(code) => code.to_string(),
            // The Close may be among what the capture lacks.
            None if c.end.tcp.by.is_some() => "unknown".to_owned(),
            None => "none".to_owned(),
        },
        by,
        format!("{} up, {} down", thousands(up), thousands(down)),
        c.diagnosis.as_ref().map_or_else(|| "still open".to_owned(), |d| words(d.cause)),
    ]);
    cells
}

/// How many ended how, the most frequent first.
fn counted(report: &Report, connections: &[&ConnectionReport]) -> Connections {
    let mut groups = together(connections.iter().copied(), |c| (c.diagnosis.as_ref().map(|d| d.cause), c.end.code));
    groups.sort_by_key(|g| std::cmp::Reverse(g.len()));
    let counts = groups.iter().filter_map(|group| {
        let first = group.first()?;
        let mut text = match first.diagnosis.as_ref().map(|d| d.cause) {
            Some("normal-close") => "closed normally".to_owned(),
            Some("no-status-close") => "closed without a status code".to_owned(),
            Some("still-open") | None => "still open at the end of the capture".to_owned(),
            Some(other) => words(other),
        };
        if let Some(code) = first.end.code {
            text = format!("{text} ({code})");
        }
        if group.len() <= 3 {
            text = format!("{text}: {}", wording::streams(report, group.iter().map(|c| place(c))));
        }
        Some((group.len(), text))
    });
    Connections::Counted(counts.collect())
}

/// A sentence for each blind spot; the later ones of a frequent kind are only counted.
pub(super) fn blind_spots(report: &Report) -> Vec<String> {
    let by_id: std::collections::HashMap<usize, &ConnectionReport> =
        report.connections.iter().map(|c| (c.id, c.as_ref())).collect();
    let mut sentences = Vec::new();
    for kind in together(report.blind_spots.iter(), |b| &b.kind) {
        for spot in kind.iter().take(BLIND_SPOTS_OF_A_KIND) {
            let concerned = spot.connections.iter().filter_map(|id| by_id.get(id).copied());
            let streams = wording::streams(report, concerned.map(place));
            let text = spot.text.trim();
            let lower = text.to_lowercase();
            sentences.push(match streams.is_empty() || lower.contains("stream ") || lower.contains("streams ") {
                true => sentence(text),
                false => sentence(&format!("{} ({streams})", text.trim_end_matches('.'))),
            });
        }
        if let Some(more @ 1..) = kind.len().checked_sub(BLIND_SPOTS_OF_A_KIND)
            && let Some(first) = kind.first()
        {
            sentences.push(format!(
                "{} more of the kind {}: the JSON report lists them.",
                thousands(more as u64),
                first.kind
            ));
        }
    }
    sentences
}

/// What the key logs held. The environment's may be meant for other programs: of one that held nothing is spoken only where
/// TLS could not be read.
pub(super) fn keys(report: &Report) -> Vec<String> {
    let Some(keys) = &report.keys else { return Vec::new() };
    let unread = report.blind_spots.iter().any(|b| b.kind == "encrypted");
    let connections = |count: u64| match count {
        0 => "no secret of a TLS connection".to_owned(),
        1 => "secrets of 1 TLS connection".to_owned(),
        _ => format!("secrets of {} TLS connections", thousands(count)),
    };
    let spoken_of = keys.logs.iter().filter(|l| unread || !l.from_environment || l.connections > 0);
    let mut lines: Vec<String> = spoken_of
        .map(|log| {
            let named = if log.from_environment { " (named by SSLKEYLOGFILE)" } else { "" };
            let held = if log.read { connections(log.connections) } else { "it could not be read".to_owned() };
            let mut text = format!("Key log {}{named}: {held}", log.path);
            if log.malformed_lines > 0 {
                let lines = if log.malformed_lines == 1 { "line is" } else { "lines are" };
                text = format!("{text}; {} {lines} malformed", thousands(log.malformed_lines));
            }
            if log.secrets_beyond_limit > 0 {
                text = format!("{text}; {} were too many to keep", thousands(log.secrets_beyond_limit));
            }
            text
        })
        .collect();
    if keys.from_captures > 0 {
        lines.push(format!("Key log in the capture: {}", connections(keys.from_captures)));
    }
    lines
}

/// The causes of everything that was found, the problems' first: what there is to explain.
pub(super) fn causes(report: &Report) -> Vec<&'static str> {
    let found = |severity: Severity| {
        let diagnoses = report.connections.iter().filter_map(|c| c.diagnosis.as_ref());
        let refused = report.handshake_failures.iter().filter(move |f| f.severity == severity).map(|f| f.cause);
        diagnoses.filter(move |d| d.severity == severity).map(|d| d.cause).chain(refused)
    };
    let all = found(Severity::Problem).chain(found(Severity::Notice));
    together(all, |cause| *cause).iter().filter_map(|c| c.first().copied()).collect()
}

/// Commands to go on with.
pub(super) fn commands(report: &Report, causes: &[&'static str]) -> Vec<(String, &'static str)> {
    let mut commands: Vec<_> = causes
        .iter()
        .take(EXPLAINED)
        .map(|cause| (format!("wsdiag explain {cause}"), "more about this cause"))
        .collect();
    if causes.len() > EXPLAINED {
        commands.push(("wsdiag explain --list".to_owned(), "the other causes"));
    }
    let is_problem = |severity| severity == Severity::Problem;
    let problem = report.connections.iter().filter_map(|c| c.diagnosis.as_ref()).any(|d| is_problem(d.severity))
        || report.handshake_failures.iter().any(|f| is_problem(f.severity));
    if !problem {
        // Nothing to write a ticket about.
        return commands;
    }
    if report.captures.iter().any(|c| c.path == STANDARD_INPUT) {
        // What came through it is gone.
        return commands;
    }
    let files: Vec<String> = report.captures.iter().map(|c| quoted(&c.path)).collect();
    let files = if files.len() > 3 { "FILE...".to_owned() } else { files.join(" ") };
    commands.push((format!("wsdiag --format markdown -o ticket.md {files}"), "the same for a ticket"));
    commands
}

/// `path` as a shell takes it.
fn quoted(path: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:,@%=".contains(c);
    match !path.is_empty() && path.chars().all(plain) {
        true => path.to_owned(),
        false => format!("'{}'", path.replace('\'', "'\\''")),
    }
}
