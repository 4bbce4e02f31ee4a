//! What is said of TLS that could not be read: handshakes that failed, and those that nobody can open.

use std::path::{Path, PathBuf};

use wsdiag::analyzer::{Options, analyze_with};
use wsdiag::report::model::Report;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tls").join(name)
}

fn report(name: &str, key_log: Option<&str>) -> Report {
    let options = Options { key_logs: key_log.map(fixture).into_iter().collect(), ..Options::default() };
    let analysis = analyze_with(&[fixture(name)], &options);
    assert!(analysis.errors.is_empty(), "{:?}", analysis.errors);
    analysis.report
}

/// The only blind spot, and the first alert: who, code, packet.
fn refusal(name: &str, key_log: Option<&str>) -> (String, Option<(String, u8, u64)>) {
    let report = report(name, key_log);
    let [spot] = report.blind_spots.as_slice() else { panic!("{name}: {:?}", report.blind_spots) };
    assert_eq!(spot.kind, "tls-refused", "{name}");
    assert_eq!(report.summary.problems, 0, "{name}");
    let [unread] = report.unread_tls.as_slice() else { panic!("{name}: {:?}", report.unread_tls) };
    assert_eq!(unread.tls.server_name.as_deref(), Some("api.example.com"), "{name}");
    let alert = unread.tls.alerts.first();
    let alert = alert.map(|a| (a.by.expect("hellos were seen").to_string(), a.code, a.packet.number()));
    (spot.text.clone(), alert)
}

#[test]
fn an_alert_says_who_refused_and_why() {
    let alert = |by: &str, code, packet| Some((by.to_string(), code, packet));
    let keys = Some("tls13-certificate-refused.keys.log");
    for (name, key_log, expected, words) in [
        ("tls-version-refused.pcap", None, alert("server", 70, 6), "share no version"),
        ("tls12-certificate-refused.pcap", None, alert("client", 48, 8), "does not accept the other end's certificate"),
        ("tls13-alpn-refused.pcap", None, alert("server", 120, 6), "(h2, foo)"),
        ("tls13-certificate-refused.pcap", None, alert("client", 48, 8), "does not accept the other end's certificate"),
        ("tls13-certificate-refused.pcap", keys, alert("client", 48, 8), "does not accept the other end's certificate"),
    ] {
        let (text, found) = refusal(name, key_log);
        assert_eq!(found, expected, "{name}: {text}");
        assert!(text.contains(words) && text.contains("api.example.com"), "{name}: {text}");
    }
}

#[test]
fn tls_to_a_plain_port_is_told() {
    let (text, alert) = refusal("tls-to-plain-port.pcap", None);
    assert_eq!(alert, None);
    assert!(text.contains("127.0.0.1:18445") && text.contains("something other than TLS"), "{text}");
}

#[test]
fn a_connection_without_keys_is_counted_and_described() {
    let report = report("tls12-healthy.pcap", None);
    let [spot] = report.blind_spots.as_slice() else { panic!("{:?}", report.blind_spots) };
    assert_eq!(spot.kind, "encrypted");
    assert!(spot.text.contains("api.example.com") && spot.text.contains("no key log was given"), "{}", spot.text);
    let [unread] = report.unread_tls.as_slice() else { panic!("{:?}", report.unread_tls) };
    assert_eq!(unread.tls.version.as_deref(), Some("1.2"));
    assert!(!unread.tls.decrypted && unread.tls.alerts.is_empty() && report.keys.is_none());
}
