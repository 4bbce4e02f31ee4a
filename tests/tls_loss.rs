//! Packets lost from TLS: the records behind them are opened all the same, what they hold is found, and what is said to be
//! certain is right.

mod support;

use std::path::Path;

use serde_json::Value;
use support::cases;
use support::conversation::Case;
use support::files::{self, File};
use support::packets::{self, Ip, Link, Packet};
use support::rng::Rng;
use support::tcp::{self, Between, SYN, Segment};
use support::tls::{PROTECTIONS, Protection};
use wsdiag::analyzer::{Options, analyze_with};

const LINK: Link = Link::Ethernet;

/// A conversation in TLS, whole.
struct Whole {
    case: Case,
    segments: Vec<Segment>,
    key_log: String,
    report: Value,
    closes: Vec<Close>,
}

/// A Close, and the segment in which it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Close {
    port: u64,
    from: String,
    code: Option<u64>,
    segment: usize,
}

fn protection(name: &str) -> Protection {
    *PROTECTIONS.iter().find(|p| p.name == name).expect("a protection of that name")
}

/// Every so many of the cases with a Close.
fn whole(protection: Protection, every: usize, folder: &Path) -> Vec<Whole> {
    let mut all = Vec::new();
    for case in cases() {
        // A Close of one byte is too little to be told from what else may stand behind lost bytes.
        if case.name == "violation-one-byte-close" {
            continue;
        }
        let (built, key_log) = tcp::build_in(&case, Between { tls: Some(protection), http2: false });
        let kept: Vec<usize> = (0..built.segments.len()).collect();
        let report = report(&built.segments, &key_log, &kept, folder);
        let closes = closes(&report, &kept);
        if !closes.is_empty() {
            all.push(Whole { case, segments: built.segments, key_log, report, closes });
        }
    }
    assert!(all.len() > 40, "cases with a Close");
    all.into_iter().step_by(every).collect()
}

/// The report on some of the segments.
fn report(segments: &[Segment], key_log: &str, kept: &[usize], folder: &Path) -> Value {
    let packets: Vec<Packet> = kept.iter().map(|i| packets::segment(&segments[*i], LINK, Ip::V4, *i as u16)).collect();
    let file = File::Pcap { big_endian: false, nanoseconds: true };
    let [path, keys] = ["capture", "keys"].map(|name| folder.join(name));
    std::fs::write(&path, files::write(file, LINK.number(), &packets, None)).expect("a file can be written");
    std::fs::write(&keys, key_log).expect("a file can be written");
    let analysis = analyze_with(&[path], &Options { key_logs: vec![keys], ..Options::default() });
    assert!(analysis.errors.is_empty(), "{:?}", analysis.errors);
    serde_json::to_value(&analysis.report).expect("a report is JSON")
}

fn connections(report: &Value) -> &[Value] {
    report["connections"].as_array().expect("connections")
}

fn closes(report: &Value, kept: &[usize]) -> Vec<Close> {
    let mut all = Vec::new();
    for connection in connections(report) {
        for frame in connection["end"]["close_frames"].as_array().expect("close_frames") {
            all.push(Close {
                port: connection["client"]["port"].as_u64().expect("a port"),
                from: frame["from"].as_str().expect("a side").to_string(),
                code: frame["code"].as_u64(),
                segment: kept[frame["packet"].as_u64().expect("a packet") as usize - 1],
            });
        }
    }
    all
}

impl Whole {
    /// Whether a segment is among the first so many of its sender that carry data: two are the flights of TLS, each in a
    /// segment of its own, and the third is the request, or the answer.
    fn is_among_first(&self, count: usize, index: usize) -> bool {
        let segment = &self.segments[index];
        let before = |from| {
            let mine = self.segments[..index].iter().filter(|s| s.connection == segment.connection && s.from == from);
            mine.filter(|s| !s.payload.is_empty()).count()
        };
        segment.flags & SYN != 0 || before(segment.from) < count
    }

    /// What is wrong with the report on what was kept: a Close that is there and was not found, one that never was, a
    /// certainty that is none.
    fn faults(&self, kept: &[usize], folder: &Path) -> Vec<String> {
        let damaged = report(&self.segments, &self.key_log, kept, folder);
        let found = closes(&damaged, kept);
        let lost: Vec<usize> = (0..self.segments.len()).filter(|i| !kept.contains(i)).collect();
        let mut faults = Vec::new();
        for close in self.closes.iter().filter(|c| kept.contains(&c.segment)) {
            if !found.contains(close) {
                faults.push(format!("{}, lost {lost:?}: missed {close:?}, found {found:?}", self.case.name));
            }
        }
        for close in &found {
            let real = |c: &Close| (c.port, &c.from, c.segment) == (close.port, &close.from, close.segment);
            if !self.closes.iter().any(|c| real(c) && (close.code.is_none() || c.code == close.code)) {
                faults.push(format!("{}, lost {lost:?}: invented {close:?}", self.case.name));
            }
        }
        for connection in connections(&damaged) {
            let before = connections(&self.report).iter().find(|c| c["client"] == connection["client"]);
            let before = before.expect("the same connections");
            let (now, then) = (&connection["diagnosis"], &before["diagnosis"]);
            // What else happened may have made a guess of it before; but no two certainties contradict each other.
            let certain = now["confidence"] == "certain" && then["confidence"] == "certain";
            if certain && now["cause"] != then["cause"] {
                let (now, then) = (&now["cause"], &then["cause"]);
                faults.push(format!("{}, lost {lost:?}: {now} is certain, and {then} was", self.case.name));
            }
            let (now, then) = (&connection["end"]["initiator"], &before["end"]["initiator"]);
            if !now.is_null() && now != then {
                faults.push(format!("{}, lost {lost:?}: begun by {now}, and it was {then}", self.case.name));
            }
        }
        faults
    }
}

/// One segment behind the handshake is lost, each in its turn where there are few.
#[test]
fn one_lost_segment_hides_no_other() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (mut faults, mut tried) = (Vec::new(), 0);
    for name in [
        "TLS 1.3 AES-128-GCM",
        "TLS 1.3 AES-256-GCM, records of all sizes",
        "TLS 1.3 with key updates",
        "TLS 1.2 AES-128-GCM",
        "TLS 1.2 ChaCha20",
        "TLS 1.2 AES-128-CBC SHA",
        "TLS 1.2 AES-128-CBC SHA-256, encrypt-then-MAC",
    ] {
        for whole in whole(protection(name), 4, folder.path()) {
            let carrying: Vec<usize> = (0..whole.segments.len())
                .filter(|i| !whole.segments[*i].payload.is_empty() && !whole.is_among_first(2, *i))
                .collect();
            for lost in carrying.iter().step_by(carrying.len().div_ceil(6)) {
                let kept: Vec<usize> = (0..whole.segments.len()).filter(|i| i != lost).collect();
                faults.extend(whole.faults(&kept, folder.path()).into_iter().map(|f| format!("{name}: {f}")));
                tried += 1;
            }
        }
    }
    assert!(tried > 500, "{tried}");
    assert!(faults.is_empty(), "{} faults in {tried}:\n{}", faults.len(), faults.join("\n"));
}

/// Many are lost behind the answer to the request.
#[test]
fn many_lost_segments_hide_no_other() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (mut faults, mut tried) = (Vec::new(), 0);
    for name in ["TLS 1.3 AES-128-GCM", "TLS 1.2 AES-256-GCM, records of all sizes", "TLS 1.2 AES-128-CBC SHA"] {
        for whole in whole(protection(name), 3, folder.path()) {
            for percent in [5, 20] {
                let mut rng = Rng::named(&format!("{} {percent}", whole.case.name));
                let kept: Vec<usize> = (0..whole.segments.len())
                    .filter(|i| whole.is_among_first(3, *i) || rng.below(100) >= percent)
                    .collect();
                faults.extend(whole.faults(&kept, folder.path()).into_iter().map(|f| format!("{name}: {f}")));
                tried += 1;
            }
        }
    }
    assert!(faults.is_empty(), "{} faults in {tried}:\n{}", faults.len(), faults.join("\n"));
}
