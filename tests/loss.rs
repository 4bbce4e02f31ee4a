//! Conversations of which the capture lost something: the Closes that are still there are found, none is invented, and
//! what is missing is said.

mod support;

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
/// Ethernet, IPv4 and TCP headers.
const HEADERS: usize = 14 + 20 + 20;

/// A Close in a report.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Close {
    port: u64,
    from: String,
    code: Option<u64>,
    /// The segment that completed it, by its place in the undamaged conversation.
    segment: usize,
}

/// A conversation, and what its undamaged capture shows.
struct Whole {
    case: Case,
    segments: Vec<Segment>,
    closes: Vec<Close>,
}

fn whole(folder: &Path) -> Vec<Whole> {
    let mut all = Vec::new();
    for case in cases() {
        let segments = tcp::build(&case).segments;
        let kept: Vec<usize> = (0..segments.len()).collect();
        let report = report(&segments, &kept, None, folder);
        let closes = closes(&report, &kept);
        if !closes.is_empty() {
            all.push(Whole { case, segments, closes });
        }
    }
    assert!(all.len() > 40, "cases with a Close");
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

fn closes(report: &Value, kept: &[usize]) -> Vec<Close> {
    let mut all = Vec::new();
    for connection in report["connections"].as_array().expect("connections") {
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

fn kinds(report: &Value) -> Vec<String> {
    let spots = report["blind_spots"].as_array().expect("blind_spots");
    spots.iter().map(|s| s["kind"].as_str().expect("a kind").to_string()).collect()
}

/// What one kind of damage did to all conversations.
#[derive(Default)]
struct Tally {
    present: usize,
    missed: Vec<String>,
    wrong: Vec<String>,
}

impl Tally {
    fn add(&mut self, whole: &Whole, what: &str, kept: &[usize], snap: Option<usize>, report: &Value) {
        let found = closes(report, kept);
        let name = &whole.case.name;
        for close in &whole.closes {
            let size = HEADERS + whole.segments[close.segment].payload.len();
            if !kept.contains(&close.segment) || snap.is_some_and(|s| size > s) {
                continue;
            }
            self.present += 1;
            if !found.contains(close) {
                self.missed.push(format!("{name}, {what}: {close:?} among {found:?}"));
            }
        }
        // Of a Close that was cut the code may be missing, but none comes from nowhere.
        for close in &found {
            let real = whole.closes.iter().any(|c| {
                (c.port, &c.from, c.segment) == (close.port, &close.from, close.segment)
                    && (close.code.is_none() || c.code == close.code)
            });
            if !real {
                self.wrong.push(format!("{name}, {what}: {close:?} is none of {:?}", whole.closes));
            }
        }
    }

    /// At least so many of a hundred Closes that are in the captures were found, and none was invented.
    fn assert(&self, percent: usize) {
        assert!(self.wrong.is_empty(), "invented:\n{}", self.wrong.join("\n"));
        let found = self.present - self.missed.len();
        let enough = found * 100 >= self.present * percent;
        assert!(enough, "{found} of {} found; missed:\n{}", self.present, self.missed.join("\n"));
        assert!(self.present > 50, "only {} Closes were there to be found", self.present);
    }
}

/// Whether a hole can be seen at all: something was acknowledged behind it, or came behind it.
fn has_data(segments: &[Segment], dropped: &[usize]) -> bool {
    dropped.iter().any(|i| !segments[*i].payload.is_empty())
}

#[test]
fn closes_survive_lost_packets() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut tally = Tally::default();
    let mut silent = Vec::new();
    for whole in whole(folder.path()) {
        for (nth, percent) in [2, 5, 10, 20].into_iter().enumerate() {
            let mut rng = Rng::named(&format!("{} {nth}", whole.case.name));
            let (dropped, kept): (Vec<usize>, Vec<usize>) =
                (0..whole.segments.len()).partition(|_| rng.below(100) < percent);
            let report = report(&whole.segments, &kept, None, folder.path());
            tally.add(&whole, &format!("{percent} % lost: {dropped:?}"), &kept, None, &report);
            // Data of which nothing shows that it was sent cannot be missed.
            let acknowledged = |i: &usize| {
                let lost = &whole.segments[*i];
                let end = lost.seq.wrapping_add(lost.space());
                let again = |k: &usize| {
                    let copy = &whole.segments[*k];
                    (copy.connection, copy.from, copy.seq) == (lost.connection, lost.from, lost.seq)
                        && copy.space() == lost.space()
                };
                !kept.iter().any(again)
                    && kept.iter().map(|k| &whole.segments[*k]).any(|s| {
                        s.connection == lost.connection
                            && s.from != lost.from
                            && s.flags & tcp::ACK != 0
                            && s.at > lost.at
                            && s.ack.wrapping_sub(end) < 1 << 30
                    })
            };
            let seen: Vec<usize> = dropped.iter().copied().filter(acknowledged).collect();
            if has_data(&whole.segments, &seen) && kinds(&report).is_empty() {
                silent.push(format!("{}, lost {seen:?}", whole.case.name));
            }
        }
    }
    tally.assert(100);
    assert!(silent.is_empty(), "nothing said about:\n{}", silent.join("\n"));
}

#[test]
fn closes_survive_a_capture_that_began_late() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut tally = Tally::default();
    for whole in whole(folder.path()) {
        for percent in [20, 50, 80] {
            let kept: Vec<usize> = (whole.segments.len() * percent / 100..whole.segments.len()).collect();
            let report = report(&whole.segments, &kept, None, folder.path());
            tally.add(&whole, &format!("begun at {percent} %"), &kept, None, &report);
            let joined = report["connections"].as_array().into_iter().flatten().any(|c| c["joined_midstream"] == true);
            assert_eq!(joined, kinds(&report).iter().any(|k| k == "joined-midstream"), "{}", whole.case.name);
        }
    }
    tally.assert(99);
}

#[test]
fn closes_of_one_direction_are_found_and_the_other_is_said_to_be_missing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for side in [Side::Client, Side::Server] {
        let mut tally = Tally::default();
        for whole in whole(folder.path()) {
            let kept: Vec<usize> = (0..whole.segments.len()).filter(|i| whole.segments[*i].from == side).collect();
            let report = report(&whole.segments, &kept, None, folder.path());
            tally.add(&whole, &format!("{side} alone"), &kept, None, &report);
            assert!(kinds(&report).iter().any(|k| k == "one-direction"), "{} with the {side} alone", whole.case.name);
        }
        tally.assert(98);
    }
}

#[test]
fn closes_survive_a_snap_length() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut tally = Tally::default();
    for whole in whole(folder.path()) {
        for snap in [68, 96, 200] {
            let kept: Vec<usize> = (0..whole.segments.len()).collect();
            let report = report(&whole.segments, &kept, Some(snap), folder.path());
            tally.add(&whole, &format!("snap length {snap}"), &kept, Some(snap), &report);
            assert!(kinds(&report).iter().any(|k| k == "snap-length"), "{} at {snap}", whole.case.name);
        }
    }
    tally.assert(99);
}

/// A conversation of one connection, without the segments that `lost` picks: it is asked with the segment and its place
/// among those of its side that carry data, the handshake's being 0.
fn damaged(steps: &str, lost: impl Fn(&Segment, Option<usize>) -> bool) -> Value {
    let text = format!("title = \"damaged\"\n[[connection]]\nsteps = '''\n{steps}\n'''\n");
    let segments = tcp::build(&Case::parse("damaged", &text).expect("a case")).segments;
    let mut data = [0; 2];
    let mut kept = Vec::new();
    for (index, segment) in segments.iter().enumerate() {
        let place = &mut data[segment.from as usize];
        let nth = (!segment.payload.is_empty()).then_some(*place);
        *place += usize::from(nth.is_some());
        if !lost(segment, nth) {
            kept.push(index);
        }
    }
    assert!(kept.len() < segments.len(), "nothing was lost");
    let folder = tempfile::tempdir().expect("a temporary folder");
    report(&segments, &kept, None, folder.path())
}

fn initiator(report: &Value) -> Option<&str> {
    assert_eq!(kinds(report).iter().filter(|k| *k == "lost-packets").count(), 1, "{:?}", kinds(report));
    report["connections"][0]["end"]["initiator"].as_str()
}

#[test]
fn a_lost_message_is_not_taken_for_the_close_that_came_first() {
    // A message of two bytes has the size of a Close without a reason.
    let with_reason = "client text \"hi\"\nserver close 1011 \"keepalive ping timeout\"\nserver fin\nclient fin";
    let report = damaged(with_reason, |s, nth| s.from == Side::Client && nth == Some(1));
    assert_eq!(initiator(&report), Some("server"));
    // Acknowledged before the Close came: a message as well as a Close.
    let bare = "client text \"hi\"\npause 1\nserver close 1000\nserver fin\nclient fin";
    let report = damaged(bare, |s, nth| s.from == Side::Client && nth == Some(1));
    assert_eq!(initiator(&report), None);
    // What a Close refuses may be the lost message.
    let refused = "client text \"hi\"\nserver close 1007\nserver fin\nclient fin";
    let report = damaged(refused, |s, nth| s.from == Side::Client && nth == Some(1) || is_bare(s, Side::Server));
    assert_eq!(initiator(&report), None);
}

fn is_bare(segment: &Segment, from: Side) -> bool {
    segment.from == from && segment.is_pure_ack()
}

#[test]
fn a_lost_close_is_known_by_its_answer() {
    let steps =
        "client text \"hi\"\nserver text \"hello\"\nclient close 1000\nserver close 1000\nserver fin\nclient fin";
    // Only the answer acknowledges it.
    let report = damaged(steps, |s, nth| s.from == Side::Client && nth == Some(2) || is_bare(s, Side::Server));
    assert_eq!(initiator(&report), Some("client"));
    // It repeats what its own sender had done.
    let steps = "client text fill=5000\nserver close 1009\nclient close 1009\nserver fin\nclient fin";
    let report = damaged(steps, |s, nth| s.from == Side::Server && nth == Some(1));
    assert_eq!(initiator(&report), Some("server"));
}

#[test]
fn bytes_missing_from_what_was_counted_hide_no_close() {
    let steps = "client text fill=5000\nserver close 1009\nclient close 1009\nserver fin\nclient fin";
    // The header is in the first segment. Of the client's own Close only what was acknowledged before the server's counts.
    for lost in 2..=4 {
        let report = damaged(steps, |s, nth| s.from == Side::Client && (nth == Some(lost) || nth == Some(5)));
        assert_eq!(report["connections"][0]["end"]["initiator"], "server", "{lost}");
    }
    // The request, and frames behind it.
    let steps = "client text \"one\"\nclient text \"two\"\nserver close 1002 \"bad\"\nserver fin\nclient fin";
    let report = damaged(steps, |s, nth| s.from == Side::Client && nth == Some(0));
    assert_eq!(report["connections"][0]["end"]["initiator"], "server");
}

#[test]
fn a_lost_fin_that_was_acknowledged_ended_the_connection() {
    for (ended, other) in [("server", "client"), ("client", "server")] {
        let steps = format!("client text \"hi\"\nserver text \"hello\"\n{ended} fin\n{other} fin");
        let side = if ended == "server" { Side::Server } else { Side::Client };
        let fin = |s: &Segment| s.flags & tcp::FIN != 0;
        // With the bare acknowledgement, and where only the FIN of the other side acknowledges it.
        for bare in [false, true] {
            let lost = |s: &Segment, _| s.from == side && fin(s) || bare && s.is_pure_ack();
            let report = damaged(&steps, lost);
            let connection = &report["connections"][0];
            let tcp = &connection["end"]["tcp"];
            assert_eq!((&tcp["how"], &tcp["by"], &tcp["inferred"]), (&"fin".into(), &ended.into(), &true.into()));
            let diagnosis = &connection["diagnosis"];
            assert_eq!(diagnosis["cause"], format!("dropped-by-{ended}"));
            assert_eq!(diagnosis["confidence"], "likely");
            assert!(diagnosis["explanation"].as_str().expect("text").contains("its FIN is not in the capture"));
            assert_eq!(kinds(&report), ["lost-packets"]);
        }
        // The second FIN: the first one ended it, and that is certain.
        let report = damaged(&steps, |s, _| s.from == side.other() && fin(s));
        let connection = &report["connections"][0];
        assert_eq!(connection["end"]["tcp"]["by"], ended);
        assert_eq!(connection["end"]["tcp"].get("inferred"), None);
        assert_eq!(kinds(&report), ["lost-packets"]);
    }
}

#[test]
fn what_follows_a_number_shows_that_it_was_no_fin() {
    // Two bytes lost before more data, and one lost before a FIN.
    let steps = "server raw hex=81\nserver raw hex=0268\nserver raw hex=69\nclient text \"hi\"\nserver fin\nclient fin";
    let report = damaged(steps, |s, nth| s.from == Side::Server && nth == Some(3));
    assert_eq!(report["connections"][0]["end"]["tcp"].get("inferred"), None);
    let report = damaged(steps, |s, nth| s.from == Side::Server && nth == Some(1));
    assert_eq!(report["connections"][0]["end"]["tcp"].get("inferred"), None);
}
