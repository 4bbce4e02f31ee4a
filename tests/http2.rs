//! WebSockets in HTTP/2 streams: recorded ones, and what is said when packets of them are missing.

mod support;

use serde_json::Value;
use std::process::Command;

fn report(path: &str) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_wsdiag"))
        .args(["--format", "json", path])
        .current_dir(support::root())
        .output()
        .expect("wsdiag can be started");
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("a JSON report")
}

/// Stream, code and cause of each connection.
fn verdicts(report: &Value) -> Vec<(u64, Option<u64>, String)> {
    let connections = report["connections"].as_array().expect("connections");
    let verdict = |c: &Value| {
        let cause = c["diagnosis"]["cause"].as_str().unwrap_or_default().to_owned();
        (c["http2_stream"].as_u64().unwrap_or(0), c["end"]["code"].as_u64(), cause)
    };
    connections.iter().map(verdict).collect()
}

fn expected(all: &[(u64, u64, &str)]) -> Vec<(u64, Option<u64>, String)> {
    all.iter().map(|&(stream, code, cause)| (stream, Some(code), cause.to_owned())).collect()
}

#[test]
fn ends_of_streams_are_told_by_their_frames() {
    let report = report("fixtures/captures/h2c-bare-ends.pcap");
    let wanted = [
        (1, 1006, "dropped-by-server"),
        (3, 1006, "reset-by-server"),
        (5, 1006, "reset-by-client"),
        (7, 1006, "dropped-by-client"),
    ];
    assert_eq!(verdicts(&report), expected(&wanted));
    assert_eq!(report["connections"][1]["end"]["http2"]["reset"]["name"], "INTERNAL_ERROR");
    assert_eq!(report["connections"][2]["end"]["http2"]["reset"]["name"], "CANCEL");
    for c in report["connections"].as_array().expect("connections") {
        let text = c["diagnosis"]["explanation"].as_str().expect("an explanation");
        assert!(text.contains("_STREAM") && !text.contains("TCP"), "{text}");
    }
}

#[test]
fn a_stall_is_told_and_one_that_ended_is_not() {
    let stalled = report("fixtures/captures/h2c-flow-control-stall.pcap");
    assert_eq!(verdicts(&stalled), expected(&[(1, 1006, "flow-control-stall")]));
    assert_eq!(stalled["connections"][0]["diagnosis"]["change"], "server");
    assert_eq!(stalled["connections"][0]["diagnosis"]["confidence"], "likely");
    let ended = report("fixtures/captures/h2c-flow-control-stall-ended.pcap");
    assert_eq!(verdicts(&ended), expected(&[(1, 1000, "normal-close")]));
}

#[test]
fn one_connection_with_several_websockets_is_one_event() {
    let report = report("fixtures/captures/h2c-goaway-three-websockets.pcap");
    assert!(verdicts(&report).iter().all(|(_, code, cause)| *code == Some(1006) && cause == "mass-drop"));
    assert_eq!(report["connections"][0]["end"]["http2"]["goaway"]["code"], 2);
}

/// Whichever packet is missing, no other Close is told than without it, and a stream that is missing is told of.
#[test]
fn missing_packets_make_nothing_up() {
    let bytes = std::fs::read(support::root().join("fixtures/captures/h2c-bare-ends.pcap")).expect("the capture");
    let (head, mut rest) = bytes.split_at(24);
    let mut records = Vec::new();
    while let Some(length) = rest.get(8..12) {
        let length = u32::from_le_bytes(length.try_into().expect("4 bytes")) as usize;
        let (record, behind) = rest.split_at(16 + length);
        records.push(record);
        rest = behind;
    }
    let path = std::env::temp_dir().join(format!("wsdiag-http2-{}.pcap", std::process::id()));
    for missing in 0..records.len() {
        let kept = records.iter().enumerate().filter(|(i, _)| *i != missing).flat_map(|(_, r)| r.iter());
        std::fs::write(&path, head.iter().chain(kept).copied().collect::<Vec<u8>>()).expect("a temporary file");
        let report = report(&path.to_string_lossy());
        let found = verdicts(&report);
        assert!(found.iter().all(|(_, code, _)| code.is_none_or(|c| c == 1006)), "without {missing}: {found:?}");
        let is_blind = report["blind_spots"].as_array().is_some_and(|b| !b.is_empty());
        assert!(found.len() == 4 || is_blind, "without {missing}: {found:?}");
        assert!(report["handshake_failures"].as_array().is_none_or(Vec::is_empty), "without {missing}");
    }
    std::fs::remove_file(&path).expect("the temporary file");
}
