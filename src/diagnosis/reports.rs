//! Puts verdicts and facts together into the report.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::case::{Case, Ending};
use super::ends::Ends;
use super::finding::{Cause, Finding};
use super::{handshakes, losses, words};
use crate::connection::{Connection, Head, Observations, Sent, StreamReset, TcpEndKind, TlsFacts};
use crate::report::model::*;

/// What stands in the report beside the connections.
pub(super) struct Beside {
    pub(super) handshake_failures: Vec<HandshakeFailure>,
    pub(super) incidents: Vec<Incident>,
    pub(super) blind_spots: Vec<BlindSpotReport>,
}

/// The whole report.
pub(super) fn build(
    observations: Observations,
    ends: Vec<Ends>,
    verdicts: Vec<Option<Diagnosis>>,
    beside: Beside,
) -> Report {
    let mut heads = HandshakeReports::default();
    // Boxed one by one, each takes the place of the record that it replaces.
    let connections: Vec<Box<ConnectionReport>> = observations
        .connections
        .into_iter()
        .zip(ends)
        .zip(verdicts)
        .enumerate()
        .map(|(index, ((record, ends), diagnosis))| Box::new(connection(index, &record, &ends, diagnosis, &mut heads)))
        .collect();
    let captures: Vec<Capture> = observations
        .captures
        .into_iter()
        .map(|c| Capture {
            path: c.path,
            format: c.format,
            link_types: c.link_types,
            packets: c.packets,
            bytes: c.bytes,
            first_packet_at: c.first_packet_at.map(Time),
            last_packet_at: c.last_packet_at.map(Time),
        })
        .collect();
    let keys = (!observations.keys.is_empty()).then(|| Keys {
        logs: observations
            .keys
            .logs
            .into_iter()
            .map(|l| KeyLogReport {
                path: l.path,
                from_environment: l.from_environment,
                read: l.read,
                connections: l.connections,
                malformed_lines: l.malformed_lines,
                secrets_beyond_limit: l.secrets_beyond_limit,
            })
            .collect(),
        from_captures: observations.keys.from_captures,
    });
    let Beside { handshake_failures, incidents, blind_spots } = beside;
    let summary = summary(&connections, &handshake_failures, &incidents, &captures, !blind_spots.is_empty());
    Report {
        schema_version: SCHEMA_VERSION,
        tool: Tool { name: "wsdiag", version: env!("CARGO_PKG_VERSION") },
        captures,
        summary,
        connections,
        incidents,
        handshake_failures,
        blind_spots,
        keys,
    }
}

/// A verdict as the report shows it.
pub(super) fn diagnosis(case: &Case<'_>, cause: &Cause, mut finding: Finding, ruled_out: Vec<RuledOut>) -> Diagnosis {
    // A code with a plain meaning is its own evidence.
    let bare = finding.evidence.is_empty() && finding.severity != Severity::Normal;
    if let (true, Some((from, close))) = (bare, case.ending.close) {
        let code = close.code.map_or("an empty Close".to_string(), |c| format!("Close {c}"));
        let reason = if close.reason.is_empty() { ", without a reason" } else { "" };
        finding =
            finding.with_evidence("close-code", format!("The {from} sent {code}{reason}."), &[close.origin.packet]);
    }
    finding.evidence.shrink_to_fit();
    finding.fixes.shrink_to_fit();
    let packets = finding.evidence.iter().flat_map(|e| e.packets.iter().copied());
    let packets = packets.chain(finding.message.iter().flat_map(|m| [m.first_packet, m.last_packet]));
    let packets = packets.chain(case.ending.at.map(|o| o.packet));
    let display_filter = case.place().filter(packets);
    Diagnosis {
        cause: cause.id,
        severity: finding.severity,
        confidence: finding.confidence,
        title: exact(finding.title),
        explanation: exact(finding.explanation),
        caused_by: finding.caused_by,
        change: finding.change,
        violation: finding.violation,
        message: finding.message.map(Box::new),
        limit: finding.limit.map(Box::new),
        evidence: finding.evidence,
        fixes: finding.fixes,
        ruled_out,
        display_filter,
    }
}

/// Sentences grow while they are put together; thousands of them stay.
fn exact(mut text: String) -> String {
    text.shrink_to_fit();
    text
}

/// Handshakes of equal heads, reported once.
#[derive(Default)]
struct HandshakeReports {
    /// By the places of both heads and the accept value's verdict. The heads stay, so that their places are not given to
    /// others.
    known: HashMap<(usize, usize, Option<bool>), Kept>,
}

struct Kept {
    _heads: (Option<Head>, Head),
    report: Arc<HandshakeReport>,
}

impl HandshakeReports {
    fn report(&mut self, record: &Connection) -> Option<Arc<HandshakeReport>> {
        let handshake = record.handshake.as_deref()?;
        let (request, response) = (handshake.request.as_ref(), &handshake.response);
        let place = |head: &Head| head.text.as_ptr() as usize;
        let key = (request.map_or(0, place), place(response), handshake.accept_valid);
        let made = || {
            let report = Arc::new(HandshakeReport {
                status: response.status(),
                subprotocol: response.field("sec-websocket-protocol").map(str::to_string),
                extensions: handshakes::extensions(response),
                accept_valid: handshake.accept_valid,
                server_header: response.field("server").map(str::to_string),
                user_agent: request.and_then(|r| r.field("user-agent")).map(str::to_string),
            });
            Kept { _heads: (request.cloned(), response.clone()), report }
        };
        Some(self.known.entry(key).or_insert_with(made).report.clone())
    }
}

fn connection(
    index: usize,
    record: &Connection,
    ends: &Ends,
    diagnosis: Option<Diagnosis>,
    heads: &mut HandshakeReports,
) -> ConnectionReport {
    let handshake = record.handshake.as_ref();
    let opened = handshake.map(|h| h.response.origin);
    ConnectionReport {
        id: index + 1,
        capture: record.capture,
        tcp_stream: record.tcp_stream,
        also_in: elsewhere(record.also_in.as_deref()),
        http2_stream: record.http2.as_ref().map(|h| h.stream),
        client: record.client.into(),
        server: record.server.into(),
        url: handshake
            .and_then(|h| h.request.as_ref())
            .or(record.request.as_deref())
            .map(|r| handshakes::url(r, record.server, record.tls.is_some())),
        opened_at: opened.map(|o| Time(o.at)),
        opening_packet: opened.map(|o| o.packet),
        joined_midstream: record.joined_midstream,
        tls: record.tls.as_deref().map(tls_report),
        handshake: heads.report(record),
        implementations: Both {
            client: ends.client.as_ref().map(|i| i.report.clone()),
            server: ends.server.as_ref().map(|i| i.report.clone()),
        },
        traffic: Both { client: traffic(&record.from_client), server: traffic(&record.from_server) },
        end: end(record, &Ending::of(record)),
        diagnosis,
    }
}

fn tls_report(facts: &TlsFacts) -> TlsReport {
    TlsReport {
        version: facts.version.clone(),
        cipher_suite: facts.cipher_suite.clone(),
        server_name: facts.server_name.clone(),
        alpn: facts.alpn.clone(),
        decrypted: facts.decrypted,
        why_not: facts.why_not.as_ref().map(super::unread::why_not),
    }
}

fn elsewhere(also_in: Option<&Vec<(usize, u32)>>) -> Vec<Elsewhere> {
    also_in.into_iter().flatten().map(|&(capture, tcp_stream)| Elsewhere { capture, tcp_stream }).collect()
}

fn traffic(sent: &Sent) -> Traffic {
    Traffic {
        messages: sent.messages,
        payload_bytes: sent.payload_bytes,
        largest_message_bytes: sent.largest_message(),
    }
}

fn end(record: &Connection, ending: &Ending<'_>) -> End {
    let close_frames = record
        .closes()
        .into_iter()
        .map(|(from, c)| CloseReport {
            from,
            code: c.code,
            reason: c.reason.clone(),
            packet: c.origin.packet,
            at: Time(c.origin.at),
        })
        .collect();
    let tcp = match record.tcp_end {
        Some(end) => TcpReport {
            how: match end.how {
                TcpEndKind::Fin => "fin",
                TcpEndKind::Rst => "rst",
            },
            by: Some(end.by),
            packet: Some(end.origin.packet),
            at: Some(Time(end.origin.at)),
            inferred: end.inferred,
        },
        None => TcpReport { how: "none", by: None, packet: None, at: None, inferred: false },
    };
    let reset = |r: StreamReset| Http2EndReport {
        by: r.by,
        code: r.code,
        name: r.name(),
        packet: Some(r.origin.packet),
        at: Time(r.origin.at),
    };
    let http2 = record.http2.as_deref().filter(|h| h.reset.is_some() || h.goes_away.is_some());
    let http2 = http2.map(|h| Http2Report { reset: h.reset.map(reset), goaway: h.goes_away.map(reset) });
    End { code: ending.known_code(), initiator: ending.initiator, clean: ending.clean, close_frames, tcp, http2 }
}

fn summary(
    connections: &[Box<ConnectionReport>],
    failures: &[HandshakeFailure],
    incidents: &[Incident],
    captures: &[Capture],
    is_blind: bool,
) -> Summary {
    let (mut by_code, mut by_cause) = (BTreeMap::new(), BTreeMap::new());
    let again = seen_again(incidents);
    let once = || connections.iter().filter(|c| !again.contains(&c.id));
    for connection in once() {
        if let Some(code) = connection.end.code {
            *by_code.entry(code.to_string()).or_insert(0) += 1;
        }
        if let Some(diagnosis) = &connection.diagnosis {
            *by_cause.entry(diagnosis.cause.to_string()).or_insert(0) += 1;
        }
    }
    let failed = once().filter(|c| severity(c) == Severity::Problem).count();
    let refused = failures.iter().filter(|f| f.severity == Severity::Problem).count();
    Summary {
        headline: headline(connections, failures, incidents, captures, is_blind),
        connections: once().count(),
        problems: failed + refused,
        by_code,
        by_cause,
    }
}

fn severity(connection: &ConnectionReport) -> Severity {
    connection.diagnosis.as_ref().map_or(Severity::Normal, |d| d.severity)
}

/// The answer in one sentence.
fn headline(
    connections: &[Box<ConnectionReport>],
    failures: &[HandshakeFailure],
    incidents: &[Incident],
    captures: &[Capture],
    is_blind: bool,
) -> String {
    let refused: Vec<&HandshakeFailure> = failures.iter().filter(|f| f.severity == Severity::Problem).collect();
    let packets: u64 = captures.iter().map(|c| c.packets).sum();
    if connections.is_empty() {
        return match refused.as_slice() {
            [] if captures.is_empty() => "Nothing could be read.".to_string(),
            // What could not be read may have been one.
            [] if is_blind => format!(
                "No WebSocket connection could be read in {}; below is what they cannot show.",
                words::count(packets as usize, "packet", "packets")
            ),
            [] => {
                format!("No WebSocket connection was found in {}.", words::count(packets as usize, "packet", "packets"))
            }
            [one] => format!("No WebSocket opened: {}.", one.title),
            many => format!("No WebSocket opened: {} handshakes failed.", many.len()),
        };
    }
    // Seen on both sides of a proxy, a conversation is two connections that mostly failed alike: it counts once.
    let twice = told_twice(connections, incidents);
    let once: Vec<&ConnectionReport> =
        connections.iter().map(AsRef::as_ref).filter(|c: &&ConnectionReport| !twice.contains(&c.id)).collect();
    let total = match twice.is_empty() {
        true => words::count(once.len(), "connection", "connections"),
        false => words::count(once.len(), "conversation", "conversations"),
    };
    let of_severity = |wanted: Severity| -> Vec<&Diagnosis> {
        once.iter().filter(|c| severity(c) == wanted).filter_map(|c| c.diagnosis.as_ref()).collect()
    };
    let (failed, noticed) = (of_severity(Severity::Problem), of_severity(Severity::Notice));
    let mass = incidents.iter().find(|i| matches!(i.kind, "mass-close" | "mass-drop"));
    let but = if once.iter().filter_map(|c| c.diagnosis.as_ref()).any(losses::may_hide_another) {
        ", but bytes are missing that may hide one"
    } else {
        ""
    };
    let mut text = match (failed.as_slice(), noticed.as_slice()) {
        ([], []) => format!("No problem found in {total}{but}."),
        ([], [one]) if once.len() == 1 => format!("{}.", words::sentence(&one.title)),
        ([], many) => match mass {
            Some(incident) => format!("{}.", words::sentence(&incident.title)),
            None => format!("No problem found in {total}{but}; {} worth a look{}.", many.len(), common(many)),
        },
        ([one], _) if once.len() == 1 => format!("{}.", words::sentence(&one.title)),
        (many, _) => {
            let of = format!("{} of {total} failed", words::grouped(many.len() as u64));
            match mass {
                Some(incident) if incident.connections.len() * 2 > many.len() => {
                    format!("{of}: {}.", incident.title)
                }
                _ => format!("{of}{}.", common(many)),
            }
        }
    };
    if !refused.is_empty() {
        let count = words::count(refused.len(), "handshake was", "handshakes were");
        text.push_str(&format!(" {} refused.", words::sentence(&count)));
    }
    text
}

/// The connections that tell a conversation again: see [`Incident::other_legs`].
fn told_twice(connections: &[Box<ConnectionReport>], incidents: &[Incident]) -> BTreeSet<usize> {
    let by_id = |id: usize| connections.get(id.checked_sub(1)?).map(AsRef::as_ref);
    incidents.iter().flat_map(|i| i.other_legs(by_id)).map(|(_, other)| other).collect()
}

/// The connections that were seen before an address translation, or at another capture point: the same again.
fn seen_again(incidents: &[Incident]) -> BTreeSet<usize> {
    let same = |kind: &str| [super::legs::TRANSLATION, super::legs::TWO_POINTS].contains(&kind);
    let of_one = |i: &&Incident| i.evidence.iter().any(|e| same(e.kind));
    let pairs = incidents.iter().filter(of_one).flat_map(|i| i.connections.chunks_exact(2));
    pairs.filter_map(|pair| pair.last().copied()).collect()
}

/// What diagnoses have in common, behind their number: one title, or how often each cause came.
fn common(diagnoses: &[&Diagnosis]) -> String {
    let mut causes: BTreeMap<&str, (usize, &Diagnosis)> = BTreeMap::new();
    for diagnosis in diagnoses {
        causes.entry(diagnosis.violation.unwrap_or(diagnosis.cause)).or_insert((0, diagnosis)).0 += 1;
    }
    if let Some((_, (count, first))) = causes.iter().next().filter(|_| causes.len() == 1) {
        if diagnoses.iter().any(|d| d.title != first.title) {
            return format!(", all for {}; the first: {}", first.cause.replace('-', " "), first.title);
        }
        let all = if *count == 1 { "" } else { ", all for one reason" };
        return format!("{all}: {}", first.title);
    }
    let mut counted: Vec<(usize, &str)> = causes.iter().map(|(cause, (count, _))| (*count, *cause)).collect();
    counted.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
    let parts: Vec<String> =
        counted.iter().map(|(count, cause)| format!("{count} {}", cause.replace('-', " "))).collect();
    let cause = diagnoses.first().map(|d| d.cause).filter(|cause| diagnoses.iter().all(|d| d.cause == *cause));
    let family = cause.map_or_else(String::new, |cause| format!(", all for {}", cause.replace('-', " ")));
    format!("{family}: {}", parts.join(", "))
}
