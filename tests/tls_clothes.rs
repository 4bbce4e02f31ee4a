//! What lies between TCP and a WebSocket changes nothing in what is concluded: every case in TLS, in HTTP/2 and in both
//! gives what it gives in the clear, where the secrets are at hand.

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use support::clothes::{self, CLOTHES, Clothing};
use support::conversation::Case;
use support::files;
use support::rng::Rng;
use support::tcp::{self, Between};
use support::tls::PROTECTIONS;
use support::{cases, judge};
use wsdiag::analyzer::{Options, analyze_with};

/// Where the secrets are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keys {
    /// In a file beside the capture.
    Beside,
    /// In a block before the packets, and in one behind them.
    InFront,
    Behind,
}

fn clothing(name: &str) -> &'static Clothing {
    CLOTHES.iter().find(|c| c.name == name).expect("a clothing of that name")
}

fn report(case: &Case, between: Between, clothing: &Clothing, keys: Keys, folder: &Path) -> Value {
    let (mut built, key_log) = tcp::build_in(case, between);
    let mut rng = Rng::named(&format!("{} {}", case.name, clothing.name));
    (clothing.shape)(&mut built.segments, &mut rng);
    let mut capture = clothes::capture(&built, clothing, &mut rng);
    let block = files::secrets_block(&key_log);
    match keys {
        Keys::Beside => {}
        Keys::InFront => {
            let at = files::first_block(&capture);
            capture.splice(at..at, block);
        }
        Keys::Behind => capture.extend(block),
    }
    let [path, log] = ["capture", "key-log"].map(|name| folder.join(name));
    std::fs::write(&path, capture).expect("a file can be written");
    std::fs::write(&log, key_log).expect("a file can be written");
    let key_logs: Vec<PathBuf> = (keys == Keys::Beside).then_some(log).into_iter().collect();
    let analysis = analyze_with(&[path], &Options { key_logs, ..Options::default() });
    assert!(analysis.errors.is_empty(), "{} {between:?}: {:?}", case.name, analysis.errors);
    serde_json::to_value(&analysis.report).expect("a report is JSON")
}

fn in_the_clear(case: &Case, folder: &Path) -> BTreeMap<String, Value> {
    judge::essence(case, &report(case, Between::default(), clothes::plain(), Keys::Beside, folder))
}

/// Every WebSocket that the report names is said to have been decrypted.
fn undecrypted(report: &Value) -> Vec<String> {
    let connections = report["connections"].as_array().expect("connections");
    let closed = connections.iter().filter(|c| c["tls"]["decrypted"] != true);
    closed.map(|c| format!("port {}: tls is {}", c["client"]["port"], c["tls"])).collect()
}

/// What differs from the same case in the clear, for all cases.
fn compare(all: &mut Vec<String>, between: Between, clothing: &Clothing, keys: Keys, every: usize) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let what = format!("{}{}", between.tls.map_or("", |t| t.name), if between.http2 { " with HTTP/2" } else { "" });
    for case in cases().iter().filter(|c| !between.http2 || fits_http2(c)).step_by(every) {
        let plain = in_the_clear(case, folder.path());
        let report = report(case, between, clothing, keys, folder.path());
        let mut differences = judge::compare(&plain, &judge::essence(case, &report));
        if between.tls.is_some() {
            differences.extend(undecrypted(&report));
        }
        if !differences.is_empty() {
            all.push(format!(
                "{} in {what}, {}, {keys:?}\n    {}",
                case.name,
                clothing.name,
                differences.join("\n    ")
            ));
        }
    }
}

#[test]
fn tls_changes_no_conclusion() {
    let mut wrong = Vec::new();
    for protection in PROTECTIONS {
        let between = Between { tls: Some(*protection), http2: false };
        compare(&mut wrong, between, clothes::plain(), Keys::Beside, 1);
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// A protection and a clothing together.
#[test]
fn tls_in_other_clothes_changes_no_conclusion() {
    const NAMES: [&str; 8] = [
        "tiny segments",
        "segments of random size",
        "segments of offload size",
        "out of order",
        "small, out of order, doubled",
        "overlapping retransmissions",
        "IPv6 in VLAN",
        "wrapping and out of order",
    ];
    let mut wrong = Vec::new();
    for (nth, name) in NAMES.iter().enumerate() {
        // Each protection with some clothing, and the other way round.
        for protection in [PROTECTIONS[nth % PROTECTIONS.len()], PROTECTIONS[(nth + 5) % PROTECTIONS.len()]] {
            let between = Between { tls: Some(protection), http2: false };
            compare(&mut wrong, between, clothing(name), Keys::Beside, 3);
        }
    }
    for (keys, protection) in [Keys::InFront, Keys::Behind].into_iter().zip(PROTECTIONS.iter().step_by(4)) {
        compare(&mut wrong, Between { tls: Some(*protection), http2: false }, clothing("pcapng"), keys, 3);
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// Whether a conversation can be had in a stream of HTTP/2 as well: without a key, without an Upgrade that a 200 refuses,
/// and without a kernel that gives up, for which HTTP/2 has no frame.
fn fits_http2(case: &Case) -> bool {
    const OTHERS: [&str; 2] = ["drop-peer-vanished", "handshake-unoffered-extension"];
    !OTHERS.contains(&case.name.as_str())
        && case.connections.iter().all(|c| {
            let h = &c.handshake;
            h.accept == "right" && h.upgrade && h.answered && h.key.is_none() && h.status != 200 && !c.refused_by_tcp
        })
}

#[test]
fn http2_changes_no_conclusion() {
    let mut wrong = Vec::new();
    for tls in [None, Some(PROTECTIONS[0]), Some(PROTECTIONS[1])] {
        for name in ["plain", "segments of random size", "out of order"] {
            let between = Between { tls, http2: true };
            let every = if name == "plain" { 1 } else { 3 };
            compare(&mut wrong, between, clothing(name), Keys::Beside, every);
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
