//! Compares reports, in their JSON form, with what a case expects and with each other.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::conversation::{Case, Conversation, Expect};

/// What differs between `report` and the expectations of `case`, one line for each; empty when nothing does.
pub fn judge(case: &Case, report: &Value) -> Vec<String> {
    let mut differences = Vec::new();
    for conversation in &case.connections {
        let found = by_port(report, "connections", conversation);
        let failure = by_port(report, "handshake_failures", conversation);
        let mut differ = |what: &str, want: Value, got: &Value| {
            if want != *got {
                differences.push(format!("port {}: {what}: want {want}, got {got}", conversation.client.port()));
            }
        };
        let expect = &conversation.expect;
        if let Some(cause) = &expect.handshake_failure {
            differ("handshake_failures.cause", json!(cause), &failure["cause"]);
            let status = expect.status.map(|s| if s == 0 { Value::Null } else { json!(s) });
            if let Some(status) = status {
                differ("handshake_failures.status", status, &failure["status"]);
            }
            differ("connections", Value::Null, &found["client"]);
        } else if !conversation.refused_by_tcp {
            differ("handshake_failures", Value::Null, &failure["cause"]);
            differ("client.port", json!(conversation.client.port()), &found["client"]["port"]);
            for (what, want, got) in comparisons(expect, found) {
                differ(what, want, &got);
            }
            if expect.cause.is_some() || expect.severity.is_some() {
                differences.extend(gaps_in(found, conversation));
            }
        }
    }
    differences.extend(nearly(case, report));
    let kinds: Vec<&str> = list(report, "incidents").iter().filter_map(|i| i["kind"].as_str()).collect();
    for kind in &case.incidents {
        if !kinds.contains(&kind.as_str()) {
            differences.push(format!("incidents: want {kind}, got {kinds:?}"));
        }
    }
    for kind in kinds {
        if ["mass-close", "mass-drop", "reconnect-storm", "near-limit"].contains(&kind)
            && !case.incidents.iter().any(|i| i == kind)
        {
            differences.push(format!("incidents: {kind} is none"));
        }
    }
    differences
}

/// Causes and incidents that were concluded although the case only resembles them.
fn nearly(case: &Case, report: &Value) -> Vec<String> {
    let entries = ["connections", "handshake_failures"].map(|entries| list(report, entries)).concat();
    let incident = |id: &str| list(report, "incidents").iter().any(|i| i["kind"] == id);
    let concluded =
        |id: &str| incident(id) || entries.iter().any(|e| e["cause"] == id || e["diagnosis"]["cause"] == id);
    case.nearly.iter().filter(|id| concluded(id)).map(|id| format!("nearly {id}, and that was concluded")).collect()
}

fn comparisons(expect: &Expect, found: &Value) -> Vec<(&'static str, Value, Value)> {
    let (end, diagnosis) = (&found["end"], &found["diagnosis"]);
    let mut all = Vec::new();
    let mut compare = |what, want: Option<Value>, got: &Value| {
        if let Some(want) = want {
            all.push((what, want, got.clone()));
        }
    };
    let null_for = |none: &str, text: &String| if text == none { Value::Null } else { json!(text) };
    let null_for_zero = |number: u64| if number == 0 { Value::Null } else { json!(number) };
    compare("end.code", expect.code.map(|c| if c < 0 { Value::Null } else { json!(c) }), &end["code"]);
    compare("end.initiator", expect.initiator.as_ref().map(|i| null_for("none", i)), &end["initiator"]);
    compare("end.clean", expect.clean.map(Value::from), &end["clean"]);
    compare("end.tcp.how", expect.tcp.clone().map(Value::from), &end["tcp"]["how"]);
    compare("end.close_frames", expect.closes.as_ref().map(|c| json!(c)), &closes(found));
    compare("diagnosis.cause", expect.cause.as_ref().map(|c| null_for("none", c)), &diagnosis["cause"]);
    // A connection without a diagnosis is open and healthy
    let severity = if diagnosis.is_null() { json!("normal") } else { diagnosis["severity"].clone() };
    compare("diagnosis.severity", expect.severity.clone().map(Value::from), &severity);
    compare("diagnosis.confidence", expect.confidence.clone().map(Value::from), &diagnosis["confidence"]);
    compare("diagnosis.change", expect.change.clone().map(Value::from), &diagnosis["change"]);
    compare("diagnosis.violation", expect.violation.clone().map(Value::from), &diagnosis["violation"]);
    if let Some(want) = &expect.message {
        let got = &diagnosis["message"];
        compare("message.from", want.from.clone().map(Value::from), &got["from"]);
        compare("message.opcode", want.opcode.clone().map(Value::from), &got["opcode"]);
        compare("message.payload_bytes", want.bytes.map(Value::from), &got["payload_bytes"]);
        compare("message.declared_bytes", want.declared.map(Value::from), &got["declared_bytes"]);
        compare("message.fragments", want.fragments.map(Value::from), &got["fragments"]);
        compare("message.compressed", want.compressed.map(Value::from), &got["compressed"]);
        compare("message.invalid_utf8.offset", want.invalid_at.map(Value::from), &got["invalid_utf8"]["offset"]);
        compare("message.invalid_utf8.class", want.class.clone().map(Value::from), &got["invalid_utf8"]["class"]);
    }
    if let Some(want) = &expect.limit {
        let got = &diagnosis["limit"];
        compare("limit.bytes", want.bytes.map(null_for_zero), &got["bytes"]);
        compare("limit.basis", want.basis.clone().map(Value::from), &got["basis"]);
        compare("limit.accepted_up_to", want.accepted_up_to.map(Value::from), &got["accepted_up_to"]);
        compare("limit.refused_from", want.refused_from.map(Value::from), &got["refused_from"]);
    }
    all
}

/// What every diagnosis of a problem owes its reader.
fn gaps_in(found: &Value, conversation: &Conversation) -> Vec<String> {
    let diagnosis = &found["diagnosis"];
    let mut missing = Vec::new();
    if diagnosis["severity"] == "problem" {
        for what in ["evidence", "fixes"] {
            if list(diagnosis, what).is_empty() {
                missing.push(format!("port {}: a problem without {what}", conversation.client.port()));
            }
        }
        for what in ["title", "explanation", "display_filter"] {
            if diagnosis[what].as_str().unwrap_or_default().is_empty() {
                missing.push(format!("port {}: a problem without a {what}", conversation.client.port()));
            }
        }
    }
    missing
}

/// The part of a report that no clothing may change: neither packet numbers, times nor addresses, but the conclusions.
pub fn essence(case: &Case, report: &Value) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for conversation in &case.connections {
        let port = conversation.client.port();
        let found = by_port(report, "connections", conversation);
        let (end, diagnosis, message) = (&found["end"], &found["diagnosis"], &found["diagnosis"]["message"]);
        let mut keep = |what: &str, value: &Value| {
            all.insert(format!("port {port}: {what}"), value.clone());
        };
        keep("code", &end["code"]);
        keep("initiator", &end["initiator"]);
        keep("clean", &end["clean"]);
        keep("closes", &closes(found));
        keep("tcp", &json!([end["tcp"]["how"], end["tcp"]["by"]]));
        for what in ["cause", "severity", "confidence", "caused_by", "change", "violation", "limit"] {
            keep(what, &diagnosis[what]);
        }
        for what in
            ["from", "opcode", "payload_bytes", "wire_bytes", "declared_bytes", "fragments", "compressed", "complete"]
        {
            keep(&format!("message.{what}"), &message[what]);
        }
        for what in ["offset", "bytes_hex", "class", "looks_like"] {
            keep(&format!("message.invalid_utf8.{what}"), &message["invalid_utf8"][what]);
        }
        keep("traffic", &found["traffic"]);
        let failure = by_port(report, "handshake_failures", conversation);
        keep("handshake failure", &json!([failure["cause"], failure["status"]]));
    }
    let mut kinds: Vec<String> = list(report, "incidents").iter().map(|i| i["kind"].to_string()).collect();
    kinds.sort();
    all.insert("incidents".into(), json!(kinds));
    all
}

/// What differs between two essences, one line for each.
pub fn compare(plain: &BTreeMap<String, Value>, other: &BTreeMap<String, Value>) -> Vec<String> {
    plain
        .iter()
        .filter(|(what, value)| other.get(*what) != Some(*value))
        .map(|(what, value)| {
            format!("{what}: {value} in plain clothes, here {}", other.get(what).unwrap_or(&Value::Null))
        })
        .collect()
}

fn closes(found: &Value) -> Value {
    let closes = list(&found["end"], "close_frames").iter();
    closes
        .map(|c| json!([c["from"], if c["code"].is_null() { json!(1005) } else { c["code"].clone() }, c["reason"]]))
        .collect()
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}

fn by_port<'a>(report: &'a Value, entries: &str, conversation: &Conversation) -> &'a Value {
    list(report, entries).iter().find(|e| e["client"]["port"] == conversation.client.port()).unwrap_or(&Value::Null)
}
