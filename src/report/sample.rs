//! Reports made by hand, for the tests of the formats.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use crate::ids::{PacketNumber, Side, Timestamp};
use crate::report::model::*;

/// Time of the first packet: 2026-11-22 04:54:02.356412007 UTC.
const START: i64 = 1_795_323_242_356_412_007;

fn at(seconds: f64) -> Time {
    #[allow(clippy::cast_possible_truncation)]
    Time(Timestamp(START + (seconds * 1e9) as i64))
}

fn address(last: u8, port: u16) -> Address {
    Address { ip: IpAddr::V4(Ipv4Addr::new(10, 0, 0, last)), port }
}

fn evidence(kind: &'static str, text: &str, packets: &[u64]) -> Evidence {
    Evidence { kind, text: text.to_owned(), packets: packets.iter().copied().map(PacketNumber::new).collect() }
}

fn fix(party: Party, text: &str, example: Option<&str>, source: Option<&str>) -> Fix {
    Fix { party, text: text.to_owned(), example: example.map(str::to_owned), source: source.map(str::to_owned) }
}

/// A connection to 10.0.0.7:8080 that the client closed with 1000.
fn connection(id: usize) -> ConnectionReport {
    let packet = id as u64 * 100;
    let seconds = id as f64;
    ConnectionReport {
        id,
        capture: 0,
        tcp_stream: u32::try_from(id).unwrap() - 1,
        also_in: Vec::new(),
        http2_stream: None,
        client: address(31, 51_000 + u16::try_from(id % 10_000).unwrap()),
        server: address(7, 8080),
        url: Some("ws://api.example.com/chat?token=***".to_owned()),
        opened_at: Some(at(seconds)),
        opening_packet: Some(PacketNumber::new(packet)),
        joined_midstream: false,
        tls: None,
        handshake: Some(Arc::new(HandshakeReport {
            status: Some(101),
            subprotocol: None,
            extensions: vec!["permessage-deflate".to_owned()],
            accept_valid: Some(true),
            server_header: Some("Python/3.13 websockets/15.0".to_owned()),
            user_agent: None,
        })),
        implementations: Both {
            client: None,
            server: Some(Arc::new(ImplementationReport {
                id: "python-websockets".to_owned(),
                name: "websockets for Python".to_owned(),
                confidence: Confidence::Likely,
                because: "the Server header says so".to_owned(),
                alternatives: Vec::new(),
            })),
        },
        traffic: Both {
            client: Traffic { messages: 12, payload_bytes: 5000, largest_message_bytes: Some(2000) },
            server: Traffic { messages: 1340, payload_bytes: 500_000, largest_message_bytes: Some(20_000) },
        },
        end: end(1000, Side::Client, "", packet + 50, seconds + 10.0),
        diagnosis: Some(diagnosis("normal-close", Severity::Normal, "client closed normally")),
    }
}

fn end(code: u16, from: Side, reason: &str, packet: u64, seconds: f64) -> End {
    let frame = |from, packet| CloseReport {
        from,
        code: Some(code),
        reason: reason.to_owned(),
        packet: PacketNumber::new(packet),
        at: at(seconds),
    };
    End {
        code: Some(code),
        initiator: Some(from.into()),
        clean: true,
        close_frames: vec![frame(from, packet), frame(from.other(), packet + 1)],
        tcp: TcpReport {
            how: "fin",
            by: Some(Side::Server),
            packet: Some(PacketNumber::new(packet + 2)),
            at: Some(at(seconds + 0.01)),
            inferred: false,
        },
        http2: None,
    }
}

fn diagnosis(cause: &'static str, severity: Severity, title: &str) -> Diagnosis {
    Diagnosis {
        cause,
        severity,
        confidence: Confidence::Certain,
        title: title.to_owned(),
        explanation: String::new(),
        caused_by: None,
        change: Some(Party::Nobody),
        violation: None,
        message: None,
        limit: None,
        evidence: Vec::new(),
        fixes: Vec::new(),
        ruled_out: Vec::new(),
        display_filter: String::new(),
    }
}

fn too_big(id: usize, bytes: &str, confidence: Confidence) -> ConnectionReport {
    let mut c = connection(id);
    let (first, close) = (id as u64 * 100 + 12, id as u64 * 100 + 44);
    c.end = end(1009, Side::Server, "frame exceeds limit of 1048576 bytes", close, 42.1 + id as f64);
    c.diagnosis = Some(Diagnosis {
        confidence,
        explanation: format!(
            "The client {} sent a text message of {bytes} bytes (packets {first}-{}). The server answered with Close 1009 \"frame \
             exceeds limit of 1048576 bytes\" (packet {close}) after reading its header, and dropped TCP.",
            c.client,
            close - 3
        ),
        caused_by: Some(Party::Client),
        change: Some(Party::Server),
        limit: Some(Box::new(LimitReport {
            bytes: Some(1_048_576),
            basis: LimitBasis::StatedInReason,
            accepted_up_to: Some(1_048_002),
            refused_from: Some(1_934_112),
            setting: Some("max_size".to_owned()),
        })),
        evidence: vec![
            evidence("close-reason", "The reason names the limit: 1,048,576 bytes (1 MiB).", &[close]),
            evidence("accepted", "118 messages of up to 1,048,002 bytes passed before", &[]),
            evidence(
                "note",
                "The client was still writing: its own log will show 1006, not 1009.",
                &[close, close + 1, close + 2],
            ),
        ],
        fixes: vec![
            fix(
                Party::Server,
                "raise max_size above what the client has to send; 4 MiB would have let this message pass",
                Some("serve(handler, host, port, max_size=4 * 2**20)"),
                Some("https://websockets.readthedocs.io/en/stable/reference/asyncio/server.html"),
            ),
            fix(
                Party::Client,
                "send several messages below 1 MiB. Fragments of one message do not help: the limit counts the whole",
                None,
                None,
            ),
        ],
        ruled_out: vec![
            RuledOut {
                cause: "frame-over-limit",
                because: "the message was one frame and the limit counts messages".to_owned(),
            },
            RuledOut { cause: "inflated-message-over-limit", because: "it was not compressed".to_owned() },
            RuledOut { cause: "declared-length-absurd", because: "all announced bytes followed".to_owned() },
        ],
        display_filter: format!("tcp.stream eq {} and frame.number in {{{first}..{close}}}", id - 1),
        ..diagnosis(
            "message-over-limit",
            Severity::Problem,
            &format!("server refused a {bytes}-byte text message: its limit is 1 MiB"),
        )
    });
    c
}

fn not_text(id: usize) -> ConnectionReport {
    let mut c = connection(id);
    c.implementations.server = None;
    c.url = None;
    c.joined_midstream = true;
    c.end = end(1007, Side::Server, "invalid UTF-8", 731, 61.0);
    c.diagnosis = Some(Diagnosis {
        confidence: Confidence::Likely,
        explanation: "The client sent gzip data in a text message of 5,120 bytes (packets 722-725). Byte 1 of it is 8b, which no UTF-8 \
                      text can hold at that place; the server answered with Close 1007 \"invalid UTF-8\" (packet 731)."
            .to_owned(),
        caused_by: Some(Party::Client),
        change: Some(Party::Client),
        evidence: vec![evidence("magic-number", "the message begins with 1f 8b 08, the mark of gzip", &[722])],
        fixes: vec![fix(Party::Client, "send compressed data in a binary message", Some("ws.binaryType = \"arraybuffer\";\nws.send(bytes);"), None)],
        display_filter: format!("tcp.stream eq {} and frame.number in {{722..731}}", id - 1),
        ..diagnosis("binary-sent-as-text", Severity::Problem, "client sent gzip data in a text message")
    });
    c
}

fn idle(id: usize) -> ConnectionReport {
    let mut c = connection(id);
    c.end = End {
        code: Some(1006),
        initiator: None,
        clean: false,
        close_frames: Vec::new(),
        tcp: TcpReport {
            how: "fin",
            by: Some(Side::Server),
            packet: Some(PacketNumber::new(990)),
            at: Some(at(90.0)),
            inferred: false,
        },
        http2: None,
    };
    c.diagnosis = Some(Diagnosis {
        confidence: Confidence::Likely,
        fixes: vec![fix(Party::Client, "send a ping every 30 s", None, None)],
        ..diagnosis("idle-cut", Severity::Notice, "server ended TCP after 60.0 s of silence")
    });
    c
}

fn shut_down(id: usize) -> ConnectionReport {
    let mut c = connection(id);
    c.end = end(1001, Side::Server, "server is shutting down", 900 + id as u64, 120.0);
    c.diagnosis = Some(diagnosis("server-shutdown", Severity::Normal, "server shut down"));
    c
}

fn open(id: usize) -> ConnectionReport {
    let mut c = connection(id);
    c.end.code = None;
    c.end.initiator = None;
    c.end.close_frames.clear();
    c.end.tcp = TcpReport { how: "none", by: None, packet: None, at: None, inferred: false };
    c.diagnosis = None;
    c
}

fn refused(stream: u32) -> HandshakeFailure {
    HandshakeFailure {
        capture: 0,
        tcp_stream: stream,
        client: address(40, 40_000 + u16::try_from(stream).unwrap()),
        server: address(7, 8080),
        url: Some("ws://api.example.com/admin".to_owned()),
        status: Some(403),
        cause: "handshake-refused",
        severity: Severity::Problem,
        title: "server refused the upgrade with 403".to_owned(),
        explanation: "The client asked for /admin (packet 801); the server answered 403 Forbidden (packet 803)."
            .to_owned(),
        packet: PacketNumber::new(801),
        change: Some(Party::Server),
        evidence: vec![evidence("origin", "the request carries Origin: http://localhost:3000", &[801])],
        fixes: vec![fix(Party::Server, "add http://localhost:3000 to the allowed origins", None, None)],
        display_filter: format!("tcp.stream eq {stream} and http"),
    }
}

fn report_of(headline: &str, connections: Vec<ConnectionReport>) -> Report {
    let mut by_code = std::collections::BTreeMap::new();
    let mut by_cause = std::collections::BTreeMap::new();
    for c in &connections {
        c.end.code.into_iter().for_each(|code| *by_code.entry(code.to_string()).or_default() += 1);
        c.diagnosis.iter().for_each(|d| *by_cause.entry(d.cause.to_owned()).or_default() += 1);
    }
    let problems =
        connections.iter().filter(|c| c.diagnosis.as_ref().is_some_and(|d| d.severity == Severity::Problem)).count();
    Report {
        schema_version: SCHEMA_VERSION,
        tool: Tool { name: "wsdiag", version: "0.1.0" },
        captures: vec![Capture {
            path: "busy.pcapng".to_owned(),
            format: "pcapng".to_owned(),
            link_types: vec!["ethernet".to_owned()],
            packets: 12_345,
            bytes: 9_876_543,
            first_packet_at: Some(at(0.0)),
            last_packet_at: Some(at(185.2)),
        }],
        summary: Summary { headline: headline.to_owned(), connections: connections.len(), problems, by_code, by_cause },
        connections: connections.into_iter().map(Box::new).collect(),
        incidents: Vec::new(),
        handshake_failures: Vec::new(),
        blind_spots: Vec::new(),
        keys: None,
    }
}

/// Three connections with one problem, one with another, two idle ones, a mass close, refused handshakes, blind spots.
pub(super) fn report() -> Report {
    let mut connections = vec![
        connection(1),
        too_big(2, "1,934,112", Confidence::Likely),
        not_text(3),
        too_big(4, "2,097,153", Confidence::Certain),
        too_big(5, "1,500,000", Confidence::Certain),
        idle(6),
        idle(7),
        open(8),
    ];
    connections.extend((9..13).map(shut_down));
    let mut report = report_of(
        "4 of 12 connections failed, 3 of them because the server's limit of 1 MiB refused text messages of up to 2,097,153 bytes; 2 \
         handshakes were refused.",
        connections,
    );
    report.summary.problems += 2;
    report.incidents.push(Incident {
        kind: "mass-close",
        cause: Some("server-shutdown"),
        title: "server closed 4 connections within 0.2 s and refused new ones".to_owned(),
        connections: vec![9, 10, 11, 12],
        from: Some(at(120.0)),
        to: Some(at(120.2)),
        evidence: vec![evidence("same-reason", "all carry 1001 \"server is shutting down\"", &[909, 910, 911, 912])],
        fixes: vec![fix(Party::Client, "reconnect with exponential backoff and jitter", None, None)],
    });
    report.handshake_failures.extend([refused(20), refused(21)]);
    let spot = |kind: &str, text: &str, connections: &[usize], packets: &[u64]| BlindSpotReport {
        kind: kind.to_owned(),
        text: text.to_owned(),
        connections: connections.to_vec(),
        packets: packets.iter().copied().map(PacketNumber::new).collect(),
    };
    report.blind_spots.push(spot(
        "before-capture",
        "A connection began before the capture: its handshake, and so its extensions, are unknown",
        &[3],
        &[],
    ));
    report
        .blind_spots
        .extend((1..=8).map(|id| spot("lost-packets", &format!("{} packets were lost", id + 1), &[id], &[id as u64])));
    report
}

/// Nothing failed.
pub(super) fn healthy() -> Report {
    report_of(
        "No problem found: 2 connections, 1 closed normally, 1 still open at the end.",
        vec![connection(1), open(2)],
    )
}

/// One conversation, recorded on both sides of a proxy.
pub(super) fn proxied() -> Report {
    let (front, back) = (too_big(1, "7,000", Confidence::Likely), too_big(2, "7,000", Confidence::Likely));
    let title = back.diagnosis.as_ref().map(|d| d.title.clone()).unwrap_or_default();
    let mut report = report_of(&title, vec![front, back]);
    report.incidents.push(Incident {
        kind: "proxy-legs",
        cause: Some("message-over-limit"),
        title: "1 conversation is seen on both sides of the proxy".to_owned(),
        connections: vec![1, 2],
        from: None,
        to: None,
        evidence: vec![evidence("first-hop", "the server ended first, the proxy passed it on", &[201, 202])],
        fixes: Vec::new(),
    });
    report
}

/// Many connections, some of which failed.
pub(super) fn busy(connections: usize) -> Report {
    let failing =
        |id: usize| if id.is_multiple_of(100) { too_big(id, "1,934,112", Confidence::Certain) } else { connection(id) };
    let mut all: Vec<_> = (1..=connections).map(failing).collect();
    all.extend((1..=3).map(|i| open(connections + i)));
    report_of("Some of many connections failed.", all)
}

/// Every string that a payload can reach tries to break out.
pub(super) fn hostile() -> Report {
    const ATTACK: &str = "x\x1b[2J\u{9b}31m\u{202e}\r\n# 9 PROBLEMS\n<script>alert(1)</script> | cell | `tick` ```fence``` [a](http://evil.example) @all";
    let mut report = report();
    report.captures[0].path = format!("cap{ATTACK}.pcap");
    report.summary.headline = format!("headline {}", &ATTACK[1..]); // not the same as the titles, which it would replace
    for c in &mut report.connections {
        c.url = Some(ATTACK.to_owned());
        if let Some(known) = &mut c.implementations.server {
            Arc::make_mut(known).name = ATTACK.to_owned();
        }
        c.end.close_frames.iter_mut().for_each(|f| f.reason = ATTACK.to_owned());
        if let Some(d) = &mut c.diagnosis {
            d.title = ATTACK.to_owned();
            d.explanation = ATTACK.to_owned();
            d.display_filter = ATTACK.to_owned();
            d.evidence.iter_mut().for_each(|e| e.text = ATTACK.to_owned());
            d.ruled_out.iter_mut().for_each(|r| r.because = ATTACK.to_owned());
            d.fixes.iter_mut().for_each(|f| {
                f.text = ATTACK.to_owned();
                f.example = Some(ATTACK.to_owned());
                f.source = Some(format!("https://{ATTACK}")); // only documents are shown
            });
        }
    }
    for incident in &mut report.incidents {
        incident.title = ATTACK.to_owned();
        incident.evidence.iter_mut().for_each(|e| e.text = ATTACK.to_owned());
    }
    for failure in &mut report.handshake_failures {
        failure.title = ATTACK.to_owned();
        failure.explanation = ATTACK.to_owned();
        failure.url = Some(ATTACK.to_owned());
    }
    report.blind_spots.iter_mut().for_each(|b| b.text = ATTACK.to_owned());
    report
}
