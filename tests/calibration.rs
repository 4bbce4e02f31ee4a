//! How often verdicts of each confidence are right: over every case of `fixtures/cases`, as it is and in captures that lack
//! something. A verdict that calls itself certain has to be right in all of them, however little the capture holds.
//!
//! `cargo test --test calibration -- --nocapture` prints the tables.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;
use support::cases;
use support::conversation::Case;
use support::files::{self, File};
use support::packets::{self, Ip, Link, Packet};
use support::rng::Rng;
use support::tcp::{self, Segment};
use wsdiag::ids::Side;

const LINK: Link = Link::Ethernet;
const CONFIDENCES: [&str; 3] = ["certain", "likely", "possible"];

/// What a capture that ends early still shows, and what only the packets after its end would tell of it.
const TOLD_LATER: [(&str, &str); 4] = [
    ("normal-close", "server-shutdown"),
    ("normal-close", "close-reason-invalid"),
    ("server-shutdown", "server-restart"),
    ("no-status-close", "close-unanswered"),
];

/// A conversation, and what is known of it.
struct Known {
    case: Case,
    segments: Vec<Segment>,
    /// Of each connection, by client port.
    truths: BTreeMap<u64, Truth>,
}

/// What is true of a connection.
struct Truth {
    /// The cause that the case demands, or that its whole capture shows.
    cause: String,
    /// When it ended, by its place among the segments.
    ended: Option<usize>,
}

fn known(folder: &Path) -> Vec<Known> {
    let mut all = Vec::new();
    for case in cases() {
        let segments = tcp::build(&case).segments;
        let kept: Vec<usize> = (0..segments.len()).collect();
        let report = report(&segments, &kept, None, folder);
        let mut truths = BTreeMap::new();
        for connection in list(&report, "connections") {
            let close = &connection["end"]["close_frames"][0]["packet"];
            let packet = close.as_u64().or_else(|| connection["end"]["tcp"]["packet"].as_u64());
            let cause = connection["diagnosis"]["cause"].as_str().unwrap_or("still-open").to_string();
            truths.insert(port(connection), Truth { cause, ended: packet.map(|p| p as usize - 1) });
        }
        for failure in list(&report, "handshake_failures") {
            let cause = failure["cause"].as_str().expect("a cause").to_string();
            truths.insert(port(failure), Truth { cause, ended: None });
        }
        for conversation in &case.connections {
            let demanded = conversation.expect.cause.as_ref().filter(|c| *c != "none");
            let truth = truths.get_mut(&u64::from(conversation.client.port()));
            if let (Some(demanded), Some(truth)) = (demanded, truth) {
                truth.cause.clone_from(demanded);
            }
        }
        all.push(Known { case, segments, truths });
    }
    assert!(all.len() > 100, "cases");
    all
}

/// The report on some of the segments, each cut to `snap` bytes.
fn report(segments: &[Segment], kept: &[usize], snap: Option<usize>, folder: &Path) -> Value {
    let packet = |i: &usize| packets::segment(&segments[*i], LINK, Ip::V4, *i as u16);
    let packets: Vec<Packet> = kept.iter().map(packet).collect();
    let file = File::Pcap { big_endian: false, nanoseconds: true };
    let path = folder.join("capture");
    std::fs::write(&path, files::write(file, LINK.number(), &packets, snap)).expect("a file can be written");
    let analysis = wsdiag::analyzer::analyze(&[path]);
    assert!(analysis.errors.is_empty(), "{:?}", analysis.errors);
    serde_json::to_value(&analysis.report).expect("a report is JSON")
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}

fn port(connection: &Value) -> u64 {
    connection["client"]["port"].as_u64().expect("a port")
}

/// How many verdicts of each confidence there were, and how many of them were right.
#[derive(Default)]
struct Tally {
    counts: BTreeMap<&'static str, (usize, usize)>,
    /// Certain and wrong.
    wrong: Vec<String>,
    /// Claims that name no packet, or one that is not in the capture.
    baseless: BTreeSet<String>,
}

impl Tally {
    fn add(&mut self, known: &Known, what: &str, kept: &[usize], report: &Value) {
        for connection in list(report, "connections") {
            let diagnosis = &connection["diagnosis"];
            let Some(cause) = diagnosis["cause"].as_str() else { continue };
            let confidence = diagnosis["confidence"].as_str().expect("a confidence");
            let confidence = CONFIDENCES.into_iter().find(|c| *c == confidence).expect("one of three");
            self.check_evidence(&known.case.name, what, diagnosis, kept.len() as u64);
            let Some(truth) = known.truths.get(&port(connection)) else {
                self.wrong.push(format!("{}, {what}: a connection of port {}", known.case.name, port(connection)));
                continue;
            };
            let right = cause == truth.cause
                || cause == "still-open" && !holds_end(known, connection, truth, kept)
                || what.starts_with("ended early") && TOLD_LATER.contains(&(cause, truth.cause.as_str()));
            let count = self.counts.entry(confidence).or_default();
            count.0 += 1;
            count.1 += usize::from(right);
            if confidence == "certain" && !right {
                self.wrong.push(format!(
                    "{}, {what}: {cause}, it was {} ({})",
                    known.case.name, truth.cause, diagnosis["title"]
                ));
            }
        }
    }

    fn check_evidence(&mut self, name: &str, what: &str, diagnosis: &Value, count: u64) {
        let mut named = 0;
        for evidence in list(diagnosis, "evidence") {
            for packet in list(evidence, "packets") {
                named += 1;
                if packet.as_u64().is_none_or(|p| p == 0 || p > count) {
                    self.baseless.insert(format!("{name}, {what}: packet {packet} of {count}"));
                }
            }
        }
        let spoken = diagnosis["explanation"].as_str().is_some_and(|t| t.contains("packet"));
        if diagnosis["severity"] != "normal" && named == 0 && !spoken {
            self.baseless.insert(format!("{name}, {what}: {} names no packet", diagnosis["cause"]));
        }
    }

    fn assert(&self, title: &str) {
        println!("{title}");
        for confidence in CONFIDENCES {
            let (all, right) = self.counts.get(confidence).copied().unwrap_or_default();
            let share = 100.0 * right as f64 / all.max(1) as f64;
            println!("    {confidence:9} {right:6} of {all:6} right  {share:5.1} %");
        }
        assert!(self.baseless.is_empty(), "{}", Vec::from_iter(self.baseless.clone()).join("\n"));
        assert!(self.wrong.is_empty(), "{} certain and wrong:\n{}", self.wrong.len(), self.wrong.join("\n"));
        assert!(self.counts.values().map(|c| c.0).sum::<usize>() > 100, "hardly a verdict");
    }
}

/// Whether a packet of the connection is in the capture that came with its end or after it.
fn holds_end(known: &Known, connection: &Value, truth: &Truth, kept: &[usize]) -> bool {
    truth.ended.is_some_and(|ended| {
        kept.iter().any(|i| *i >= ended && u64::from(known.segments[*i].client.port()) == port(connection))
    })
}

/// Every case, each time without what `kept` leaves out of its segments.
fn over_all(title: &str, times: u64, snap: Option<usize>, kept: impl Fn(&[Segment], &mut Rng) -> Vec<usize>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut tally = Tally::default();
    for known in known(folder.path()) {
        for nth in 0..times {
            let what = format!("{title} {nth}");
            let kept = kept(&known.segments, &mut Rng::named(&format!("{} {what}", known.case.name)));
            if !kept.is_empty() {
                tally.add(&known, &what, &kept, &report(&known.segments, &kept, snap, folder.path()));
            }
        }
    }
    tally.assert(title);
}

fn lossy(percent: usize) -> impl Fn(&[Segment], &mut Rng) -> Vec<usize> {
    move |segments, rng| (0..segments.len()).filter(|_| rng.below(100) >= percent).collect()
}

#[test]
fn whole_captures() {
    over_all("whole", 1, None, |segments, _| (0..segments.len()).collect());
}

#[test]
fn one_packet_in_fifty_lost() {
    over_all("2 % lost", 12, None, lossy(2));
}

#[test]
fn one_packet_in_ten_lost() {
    over_all("10 % lost", 12, None, lossy(10));
}

#[test]
fn three_packets_in_ten_lost() {
    over_all("30 % lost", 12, None, lossy(30));
}

#[test]
fn begun_late() {
    over_all("begun late", 12, None, |segments, rng| (rng.below(segments.len())..segments.len()).collect());
}

#[test]
fn ended_early() {
    over_all("ended early", 12, None, |segments, rng| (0..1 + rng.below(segments.len())).collect());
}

#[test]
fn one_direction() {
    for side in [Side::Client, Side::Server] {
        let title = format!("only the {side}");
        over_all(&title, 1, None, |segments, _| (0..segments.len()).filter(|i| segments[*i].from == side).collect());
    }
}

#[test]
fn cut_packets() {
    for snap in [68, 96, 200] {
        over_all(&format!("cut to {snap}"), 1, Some(snap), |segments, _| (0..segments.len()).collect());
    }
}

/// The causes that a truth of the captures from the laboratory allows; `None` where it says nothing of the cause.
fn allowed(truth: &Value) -> Option<&'static [&'static str]> {
    const DROPS: &[&str] = &["dropped-by-server", "reset-by-server", "mass-drop"];
    Some(match truth["expected_cause"].as_str()? {
        "message-too-big" => &["message-over-limit", "frame-over-limit"],
        "frame-too-big" => &["frame-over-limit"],
        "inflated-too-big" => &["inflated-message-over-limit"],
        "invalid-utf8-binary-as-text" => &["binary-sent-as-text"],
        "invalid-utf8-legacy-encoding" => &["legacy-charset-text"],
        "invalid-utf8-truncated-character" => &["character-cut-by-chunking"],
        "invalid-utf8-other" => &["overlong-utf8", "lone-surrogate", "corrupt-text", "stale-buffer-text", "wrong-mask"],
        "invalid-close-reason" => &["close-reason-invalid"],
        "corrupt-compression" => &["compressed-data-corrupt", "compression-context-lost"],
        "client-going-away" => &["page-left", "client-shutting-down"],
        "idle-timeout" | "idle-timeout-proxy" => &["idle-timeout", "idle-cut"],
        "ping-timeout" => &["keepalive-timeout", "peer-vanished"],
        "normal" => &["normal-close"],
        "close-without-code" => &["no-status-close"],
        "declared-length-absurd" => &["declared-length-absurd"],
        "content-rejected" => &["content-rejected"],
        "protocol-error" => &["protocol-violation"],
        "application-code" => &["application-close"],
        "unsupported-data" => &["unsupported-data"],
        "policy-violation" => &["policy"],
        "internal-error" | "server-error" => &["server-error"],
        "try-again-later" => &["try-again-later"],
        "server-aborted" => DROPS,
        "client-aborted" => &["dropped-by-client", "reset-by-client"],
        "server-shutdown" | "server-process-killed" | "proxy-shutdown" => &[
            "server-shutdown",
            "server-restart",
            "service-restart",
            "proxy-restart",
            "going-away-unexplained",
            "dropped-by-server",
            "reset-by-server",
            "mass-drop",
        ],
        _ => return None,
    })
}

fn address(end: &Value) -> String {
    let ip = end["ip"].as_str().unwrap_or_default();
    format!("{ip}:{}", end["port"])
}

/// The captures from the laboratory, where they are at hand: what is certain is what was done there.
#[test]
fn captures_from_the_laboratory() {
    let folder = support::root().join("../shared/captures");
    let Ok(entries) = std::fs::read_dir(&folder) else { return };
    let mut names: Vec<String> = entries
        .filter_map(|e| e.ok()?.file_name().into_string().ok()?.strip_suffix(".truth.json").map(String::from))
        .collect();
    names.sort();
    let mut tally = Tally::default();
    for name in names.iter().filter(|n| !n.starts_with("tls") && !n.starts_with("h2-")) {
        let text = std::fs::read(folder.join(format!("{name}.truth.json"))).expect("a truth");
        let truth: Value = serde_json::from_slice(&text).expect("a truth is JSON");
        let paths: Vec<_> = list(&truth, "files").iter().filter_map(Value::as_str).map(|f| folder.join(f)).collect();
        let analysis = wsdiag::analyzer::analyze(&paths);
        let report = serde_json::to_value(&analysis.report).expect("a report is JSON");
        let packets: u64 = list(&report, "captures").iter().filter_map(|c| c["packets"].as_u64()).sum();
        for connection in list(&report, "connections") {
            let diagnosis = &connection["diagnosis"];
            if paths.len() == 1 {
                tally.check_evidence(name, "as recorded", diagnosis, packets);
            }
            let (client, server) = (address(&connection["client"]), address(&connection["server"]));
            let plain = |end: &Value| end.as_str().unwrap_or_default().replace(['[', ']'], "");
            let mut same = list(&truth, "connections")
                .iter()
                .filter(|t| plain(&t["client"]) == client && plain(&t["server"]) == server);
            let (Some(known), None) = (same.next(), same.next()) else { continue };
            let (Some(cause), Some(allowed)) = (diagnosis["cause"].as_str(), allowed(known)) else { continue };
            let confidence = CONFIDENCES.into_iter().find(|c| diagnosis["confidence"] == *c).expect("one of three");
            // A file that is cut off, or lacks its last packets, shows a connection that lives.
            let cut_off = !truth["transport"]["damage"].is_null() && cause == "still-open";
            let right = allowed.contains(&cause) || cut_off;
            let count = tally.counts.entry(confidence).or_default();
            count.0 += 1;
            count.1 += usize::from(right);
            if confidence == "certain" && !right {
                tally.wrong.push(format!("{name}: {cause}, it was {}", known["expected_cause"]));
            }
        }
    }
    tally.assert("from the laboratory");
}
