//! TCP as it is: packets captured twice, resets that nobody took, data that contradicts itself, addresses that change on the
//! way. What was said stays what was said, and the report says what was odd.

mod support;

use std::net::{Ipv4Addr, SocketAddrV4};

use serde_json::{Value, json};
use support::clothes::{self, plain};
use support::conversation::Case;
use support::files::{self, File};
use support::packets::{self, Ip, Link, Packet};
use support::rng::Rng;
use support::tcp::{self, ACK, Built, FIN, RST, SYN, Segment};
use wsdiag::ids::Side;

const TOO_BIG: &str = r#"
title = "a message above the limit"
[[connection]]
steps = '''
client text fill=500
server text "got it"
client text fill=3000
server close 1009 "frame with 3000 bytes exceeds limit of 1024 bytes"
client close 1009
server fin
client fin
'''
"#;

fn built() -> Built {
    tcp::build(&Case::parse("oddities", TOO_BIG).expect("a case"))
}

fn report(bytes: &[u8]) -> Value {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("capture.pcap");
    std::fs::write(&path, bytes).expect("a file can be written");
    let analysis = wsdiag::analyzer::analyze(&[path]);
    assert!(analysis.errors.is_empty(), "{:?}", analysis.errors);
    serde_json::to_value(&analysis.report).expect("a report is JSON")
}

fn of(built: &Built) -> Value {
    report(&clothes::capture(built, plain(), &mut Rng::new(1)))
}

fn kinds(report: &Value) -> Vec<&str> {
    report["blind_spots"].as_array().expect("a list").iter().filter_map(|b| b["kind"].as_str()).collect()
}

/// The diagnosis of the conversation is that of its plain recording.
fn assert_told(report: &Value) {
    let expected = of(&built());
    let (want, got) = (&expected["connections"][0], &report["connections"][0]);
    assert_eq!(want["diagnosis"]["cause"], "message-over-limit");
    for part in ["cause", "severity", "confidence", "limit"] {
        assert_eq!(got["diagnosis"][part], want["diagnosis"][part], "{part}");
    }
    for part in ["code", "initiator", "clean"] {
        assert_eq!(got["end"][part], want["end"][part], "{part}");
    }
    assert_eq!(got["end"]["tcp"]["how"], want["end"]["tcp"]["how"]);
    assert_eq!(got["traffic"], want["traffic"]);
    assert_eq!(report["summary"]["problems"], 1);
}

/// The packets as a file whose TCP headers are what `change` makes of them.
fn packets_of(segments: &[Segment]) -> Vec<Packet> {
    segments.iter().enumerate().map(|(n, s)| packets::segment(s, Link::Ethernet, Ip::V4, n as u16 + 1)).collect()
}

fn write(packets: &[Packet]) -> Vec<u8> {
    files::write(File::Pcap { big_endian: false, nanoseconds: true }, 1, packets, None)
}

/// The first segment with data of a side behind the handshake, and its place.
fn data_of(built: &Built, from: Side) -> (usize, Segment) {
    let mut data = built.segments.iter().enumerate().filter(|(_, s)| s.from == from && !s.payload.is_empty());
    let (place, segment) = data.nth(1).expect("a segment with data");
    (place, segment.clone())
}

#[test]
fn a_packet_captured_twice_is_one() {
    let mut twice = Vec::new();
    for packet in packets_of(&built().segments) {
        twice.push(packet.clone());
        twice.push(Packet { at: packet.at + 3000, ..packet });
    }
    twice.sort_by_key(|p| p.at);
    let report = report(&write(&twice));
    assert_told(&report);
    assert_eq!(kinds(&report), ["duplicate-packets"]);
}

#[test]
fn a_capture_point_behind_is_a_copy_too() {
    let first = packets_of(&built().segments);
    let behind = first.iter().map(|p| Packet { at: p.at + 4_000_000, ..p.clone() });
    let mut both: Vec<Packet> = first.iter().cloned().chain(behind).collect();
    both.sort_by_key(|p| p.at);
    let report = report(&write(&both));
    assert_told(&report);
    assert_eq!(kinds(&report), ["duplicate-packets"]);
}

#[test]
fn a_reset_behind_the_window_ends_nothing() {
    let mut built = built();
    let (place, segment) = data_of(&built, Side::Client);
    let reset = Segment { flags: RST | ACK, payload: Vec::new(), seq: segment.seq.wrapping_sub(150), ..segment };
    built.segments.insert(place + 1, reset);
    let report = of(&built);
    assert_told(&report);
    assert_eq!(kinds(&report), ["ignored-end"]);
}

#[test]
fn a_reset_after_which_both_go_on_ends_nothing() {
    let mut built = built();
    let (place, segment) = data_of(&built, Side::Client);
    let seq = segment.seq.wrapping_add(segment.payload.len() as u32);
    built.segments.insert(place + 1, Segment { flags: RST, payload: Vec::new(), seq, ..segment });
    let report = of(&built);
    assert_told(&report);
    assert_eq!(kinds(&report), ["ignored-end"]);
}

#[test]
fn a_reset_of_the_server_that_it_did_not_send_ends_nothing() {
    let mut built = built();
    let (place, segment) = data_of(&built, Side::Client);
    let seq = segment.ack;
    built.segments.insert(place + 1, Segment { from: Side::Server, flags: RST, payload: Vec::new(), seq, ..segment });
    let report = of(&built);
    assert_told(&report);
    assert_eq!(kinds(&report), ["ignored-end"]);
}

#[test]
fn other_bytes_under_the_same_numbers_are_said() {
    let mut built = built();
    let (place, segment) = data_of(&built, Side::Server);
    built.segments.insert(place + 1, Segment { payload: vec![0x88; segment.payload.len()], ..segment });
    let report = of(&built);
    assert_told(&report);
    assert_eq!(kinds(&report), ["conflicting-data"]);
}

#[test]
fn data_behind_a_fin_is_no_data() {
    let mut built = built();
    let fin = built.segments.iter().rposition(|s| s.from == Side::Server && s.flags & FIN != 0).expect("a FIN");
    let segment = built.segments[fin].clone();
    let seq = segment.seq.wrapping_add(1);
    built.segments.insert(fin + 1, Segment { flags: ACK, payload: b"\x81\x05hello".to_vec(), seq, ..segment });
    let report = of(&built);
    assert_told(&report);
    assert_eq!(kinds(&report), ["data-after-fin"]);
}

#[test]
fn one_connection_before_and_after_address_translation() {
    let built = built();
    let outside = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 7), 40_123);
    let mut both = packets_of(&built.segments);
    for (n, segment) in built.segments.iter().enumerate() {
        let translated = Segment { client: outside, at: segment.at + 30_000, ..segment.clone() };
        both.push(packets::segment(&translated, Link::Ethernet, Ip::V4, n as u16 + 1));
    }
    both.sort_by_key(|p| p.at);
    let report = report(&write(&both));
    assert_told(&report);
    assert_eq!(report["connections"].as_array().map(Vec::len), Some(2));
    let incident = &report["incidents"][0];
    assert_eq!((&incident["kind"], &incident["connections"]), (&json!("proxy-legs"), &json!([1, 2])));
    assert_eq!(incident["evidence"][0]["kind"], "address-translation");
}

#[test]
fn one_connection_at_two_capture_points_with_other_clocks() {
    let first = packets_of(&built().segments);
    let behind = first.iter().map(|p| Packet { at: p.at + 7_000_000_000, ..p.clone() });
    let both: Vec<Packet> = first.iter().cloned().chain(behind).collect();
    let report = report(&write(&both));
    assert_told(&report);
    assert_eq!(report["summary"]["connections"], 1);
    let incident = &report["incidents"][0];
    assert_eq!((&incident["kind"], &incident["connections"]), (&json!("proxy-legs"), &json!([1, 2])));
    assert_eq!(incident["evidence"][0]["kind"], "two-capture-points");
    let title = "1 connection is seen at two capture points, whose clocks are 7.0 s apart; each is counted once";
    assert_eq!(incident["title"], title);
    let text = incident["evidence"][0]["text"].as_str().expect("a text");
    assert!(text.contains("whose clocks are 7.0 s apart") && !text.contains("translation"), "{text}");
}

#[test]
fn syn_that_both_send_and_syn_that_carries_data() {
    let open_at_once = |segments: &mut Vec<Segment>| {
        let (syn, answer) = (segments[0].clone(), segments[1].clone());
        segments.insert(1, Segment { flags: SYN, ack: 0, at: syn.at + 10, ..answer.clone() });
        segments.insert(2, Segment { flags: SYN | ACK, ack: answer.seq.wrapping_add(1), at: syn.at + 20, ..syn });
    };
    let fast_open = |segments: &mut Vec<Segment>| {
        let request = segments.iter().position(|s| !s.payload.is_empty()).expect("a request");
        let payload = segments.remove(request).payload;
        segments[0].payload = payload;
    };
    type Change<'a> = &'a dyn Fn(&mut Vec<Segment>);
    let with: [(&str, Change<'_>); 2] = [("simultaneous open", &open_at_once), ("TCP fast open", &fast_open)];
    for (name, change) in with {
        let mut built = built();
        change(&mut built.segments);
        let report = of(&built);
        assert_told(&report);
        assert_eq!(kinds(&report), [""; 0], "{name}");
    }
}

#[test]
fn half_open_connections_go_before_a_websocket_does() {
    let mut built = built();
    let first = built.segments[0].clone();
    let count = wsdiag::limits::HALF_OPEN_FLOWS as u32 + 500;
    let middle = built.segments.len() / 2;
    let flood: Vec<Segment> = (0..count)
        .map(|n| {
            let client = SocketAddrV4::new(Ipv4Addr::from(0xac10_0000 + n / 1000), 1000 + (n % 1000) as u16);
            Segment { client, connection: 1 + n as usize, seq: n, at: built.segments[middle].at, ..first.clone() }
        })
        .collect();
    built.segments.splice(middle..middle, flood);
    let report = of(&built);
    assert_told(&report);
    assert_eq!(kinds(&report), ["half-open-evicted"]);
}

#[test]
fn a_refusal_on_both_sides_of_a_proxy_on_the_same_host() {
    let refused = r#"
title = "a refused upgrade"
[[connection]]
steps = '''
server fin
client fin
'''
[connection.handshake]
status = 401
"#;
    let built = tcp::build(&Case::parse("refused", refused).expect("a case"));
    let local = |port| SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
    let mut both = Vec::new();
    for (n, segment) in built.segments.iter().enumerate() {
        let outer = Segment { client: local(50_001), server: local(8080), ..segment.clone() };
        let inner = Segment { client: local(50_002), server: local(9090), at: segment.at + 30_000, ..segment.clone() };
        both.extend([outer, inner].map(|s| packets::segment(&s, Link::Ethernet, Ip::V4, n as u16 + 1)));
    }
    both.sort_by_key(|p| p.at);
    let report = report(&write(&both));
    let failures = report["handshake_failures"].as_array().expect("a list");
    assert_eq!(failures.len(), 2);
    for failure in failures {
        let legs = failure["evidence"].as_array().expect("a list").iter().find(|e| e["kind"] == "proxy-legs");
        let text = legs.and_then(|e| e["text"].as_str()).expect("a text");
        assert!(
            text.starts_with("The proxy 127.0.0.1:8080 passed the request on unchanged to 127.0.0.1:9090"),
            "{text}"
        );
    }
    let behind = failures.iter().filter(|f| f["title"].as_str().is_some_and(|t| t.starts_with("the same request")));
    assert_eq!(behind.count(), 1);
}
