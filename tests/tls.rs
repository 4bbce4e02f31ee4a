//! Real captures of wss:// with their key logs: what is protected, whether it is opened, and what is concluded.

mod support;

use std::path::PathBuf;

use serde_json::{Value, json};
use wsdiag::analyzer::{Options, analyze_with};

/// The report on a capture of `fixtures/captures`, with the key logs of these captures.
fn report(capture: &str, key_logs: &[&str]) -> Value {
    let root = support::root();
    let key_logs: Vec<PathBuf> =
        key_logs.iter().map(|of| root.join(support::key_log_of(of).expect("a key log"))).collect();
    let options = Options { key_logs, ..Options::default() };
    let analysis = analyze_with(&[root.join("fixtures/captures").join(capture)], &options);
    assert!(analysis.errors.is_empty(), "{capture}: {:?}", analysis.errors);
    serde_json::to_value(&analysis.report).expect("a report is JSON")
}

fn only(report: &Value) -> &Value {
    let connections = report["connections"].as_array().expect("connections");
    assert_eq!(connections.len(), 1, "{connections:#?}");
    &connections[0]
}

/// Code, cause, initiator and URL of the only connection.
fn verdict(report: &Value) -> [&str; 3] {
    let connection = only(report);
    assert_eq!(connection["end"]["initiator"], "server");
    let [cause, url] = [&connection["diagnosis"]["cause"], &connection["url"]].map(|v| v.as_str().expect("text"));
    let code = match connection["end"]["code"].as_u64() {
        Some(1001) => "1001",
        Some(1007) => "1007",
        Some(1009) => "1009",
        other => panic!("{other:?}"),
    };
    [code, cause, url]
}

/// The only connection's protection, which has to be opened.
fn assert_tls(report: &Value, version: &str, suite: &str, alpn: Option<&str>) {
    let tls = &only(report)["tls"];
    let expected = [json!(version), json!(suite), Value::Null, json!(alpn), json!(true), Value::Null];
    for (field, expected) in
        ["version", "cipher_suite", "server_name", "alpn", "decrypted", "why_not"].into_iter().zip(expected)
    {
        assert_eq!(tls[field], expected, "{field} in {tls}");
    }
}

fn spots(report: &Value) -> Vec<(&str, &str)> {
    let spots = report["blind_spots"].as_array().expect("blind_spots");
    spots.iter().map(|s| (s["kind"].as_str().expect("a kind"), s["text"].as_str().expect("text"))).collect()
}

#[test]
fn tls_1_2_with_aes_gcm_is_opened() {
    let report = report("tls12-aesgcm-websockets-1007.pcap", &["tls12-aesgcm-websockets-1007.pcap"]);
    assert_eq!(verdict(&report), ["1007", "legacy-charset-text", "wss://10.20.0.80:8443/secure"]);
    assert_tls(&report, "1.2", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", None);
    assert_eq!(only(&report)["diagnosis"]["message"]["payload_bytes"], 82);
    assert!(spots(&report).is_empty());
}

#[test]
fn tls_1_2_with_cbc_is_opened() {
    let report = report("tls12-cbc-ws-1001.pcap", &["tls12-cbc-ws-1001.pcap"]);
    assert_eq!(verdict(&report), ["1001", "server-shutdown", "wss://10.20.0.80:8443/secure"]);
    assert_tls(&report, "1.2", "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", None);
    assert!(spots(&report).is_empty());
}

#[test]
fn tls_1_3_is_opened() {
    let report = report("tls13-ws-1009.pcap", &["tls13-ws-1009.pcap"]);
    assert_eq!(verdict(&report), ["1009", "message-over-limit", "wss://10.20.0.80:8443/secure"]);
    assert_tls(&report, "1.3", "TLS_AES_256_GCM_SHA384", None);
    let diagnosis = &only(&report)["diagnosis"];
    assert_eq!(diagnosis["message"]["payload_bytes"], 40_000);
    // A limit that nobody states is in no packet: between what passed and what did not.
    let limit = &diagnosis["limit"];
    assert_eq!([&limit["accepted_up_to"], &limit["refused_from"]], [32_000, 40_000]);
    assert!(spots(&report).is_empty());
}

#[test]
fn secrets_in_the_capture_are_used() {
    let report = report("tls13-dsb-pcapng-chromium-1009.pcapng", &[]);
    assert_eq!(verdict(&report), ["1009", "message-over-limit", "wss://10.20.0.80:8443/ws"]);
    assert_tls(&report, "1.3", "TLS_AES_256_GCM_SHA384", None);
    assert_eq!(only(&report)["diagnosis"]["limit"]["bytes"], 16_384);
    // One more connection was opened and nothing said in it: nothing is hidden there.
    assert!(spots(&report).is_empty(), "{:?}", spots(&report));
}

#[test]
fn http_2_in_tls_1_3_is_opened() {
    let report = report("h2-hypercorn-chromium-1009.pcap", &["h2-hypercorn-chromium-1009.pcap"]);
    assert_eq!(verdict(&report), ["1009", "message-over-limit", "wss://10.20.0.80:8443/live"]);
    assert_tls(&report, "1.3", "TLS_AES_128_GCM_SHA256", Some("h2"));
    assert_eq!(only(&report)["http2_stream"], 5);
    let message = &only(&report)["diagnosis"]["message"];
    assert_eq!([&message["payload_bytes"], &message["compressed"]], [&json!(9000), &json!(true)]);
    assert!(spots(&report).is_empty());
}

#[test]
fn without_keys_it_says_so() {
    for capture in [
        "tls13-no-keys.pcap",
        "tls13-ws-1009.pcap",
        "tls12-cbc-ws-1001.pcap",
        "tls12-aesgcm-websockets-1007.pcap",
        "h2-hypercorn-chromium-1009.pcap",
    ] {
        let report = report(capture, &[]);
        assert_eq!(report["connections"], json!([]), "{capture}");
        let [(kind, text)] = spots(&report)[..] else { panic!("{capture}: {:?}", spots(&report)) };
        assert_eq!(kind, "encrypted");
        assert!(text.contains("no key log"), "{capture}: {text}");
    }
}

#[test]
fn with_keys_of_another_connection_it_says_so() {
    let report = report("tls13-no-keys.pcap", &["tls13-ws-1009.pcap", "h2-hypercorn-chromium-1009.pcap"]);
    assert_eq!(report["connections"], json!([]));
    let [(kind, text)] = spots(&report)[..] else { panic!("{:?}", spots(&report)) };
    assert_eq!(kind, "encrypted");
    assert!(!text.contains("no key log") && text.contains("of 3 "), "{text}");
}

/// Key logs of many connections, and of captures beside it, change nothing.
#[test]
fn further_keys_change_nothing() {
    let captures = ["tls12-aesgcm-websockets-1007.pcap", "tls12-cbc-ws-1001.pcap", "tls13-ws-1009.pcap"];
    for capture in captures {
        let mut reports = [report(capture, &[capture]), report(capture, &captures)];
        for report in &mut reports {
            report["keys"] = json!("which key logs were read differs");
        }
        assert_eq!(reports[0], reports[1], "{capture}");
    }
}
