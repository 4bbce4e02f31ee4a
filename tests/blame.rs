//! What a capture lacks is not made good by blaming what it holds: each packet of a conversation is left out once, and what is
//! then said with confidence has to be true.

mod support;

use std::path::Path;

use serde_json::Value;
use support::cases;
use support::conversation::Case;
use support::files::{self, File};
use support::packets::{self, Ip, Link, Packet};
use support::tcp::{self, Segment};

const LINK: Link = Link::Ethernet;

fn segments(steps: &str) -> Vec<Segment> {
    let text = format!("title = \"written here\"\n[[connection]]\nsteps = '''\n{steps}\n'''\n[connection.expect]\n");
    tcp::build(&Case::parse("written-here", &text).expect("a case")).segments
}

/// The report on all segments but those `without`.
fn report(segments: &[Segment], without: &[usize], folder: &Path) -> Value {
    let kept = segments.iter().enumerate().filter(|(i, _)| !without.contains(i));
    let packets: Vec<Packet> = kept.map(|(i, s)| packets::segment(s, LINK, Ip::V4, i as u16)).collect();
    let path = folder.join("capture");
    let file = File::Pcap { big_endian: false, nanoseconds: true };
    std::fs::write(&path, files::write(file, LINK.number(), &packets, None)).expect("a file can be written");
    let analysis = wsdiag::analyzer::analyze(&[path]);
    assert!(analysis.errors.is_empty(), "{:?}", analysis.errors);
    serde_json::to_value(&analysis.report).expect("a report is JSON")
}

/// The segments of one side that carry frames, by place, in order.
fn carrying(segments: &[Segment], from: &str) -> Vec<usize> {
    let frames =
        |s: &&Segment| !s.payload.is_empty() && !s.payload.starts_with(b"GET") && !s.payload.starts_with(b"HTTP");
    let wanted = |s: &&Segment| s.from.to_string() == from && frames(s);
    segments.iter().enumerate().filter(|(_, s)| wanted(s)).map(|(i, _)| i).collect()
}

/// The verdict on the first connection where these segments of one side that carry frames, counted from 0, are lost.
fn verdict(steps: &str, from: &str, lost: &[usize]) -> Value {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let segments = segments(steps);
    let carrying = carrying(&segments, from);
    let without: Vec<usize> = lost.iter().map(|nth| carrying[*nth]).collect();
    report(&segments, &without, folder.path())["connections"][0]["diagnosis"].clone()
}

fn assert_lost(diagnosis: &Value, whose: &str) {
    assert_eq!(diagnosis["cause"], "message-over-limit", "{diagnosis:#}");
    assert_eq!(diagnosis["confidence"], "possible", "{diagnosis:#}");
    let title = diagnosis["title"].as_str().expect("a title");
    assert!(title.contains(&format!("a message whose {whose} the capture lacks")), "{title}");
    assert!(diagnosis["message"].is_null(), "{diagnosis:#}");
}

const AFTER_A_SMALL_ONE: &str = "\
client text \"hi\"
client text fill=5000
server close 1009
client close 1009
server fin
client fin";

#[test]
fn the_message_before_a_lost_one_is_not_blamed() {
    assert_lost(&verdict(AFTER_A_SMALL_ONE, "client", &[1]), "beginning");
    // Nothing of the small one's beginning speaks against the large one, which is whole.
    let diagnosis = verdict(AFTER_A_SMALL_ONE, "client", &[0]);
    assert_eq!((&diagnosis["message"]["declared_bytes"], &diagnosis["confidence"]), (&5000.into(), &"likely".into()));
}

#[test]
fn a_message_within_the_stated_limit_is_not_blamed() {
    let steps = "\
client text fill=30000
server text \"ok\"
client text fill=33000
server close 1009 \"frame with 33000 bytes exceeds limit of 32768 bytes\"
client close 1009
server fin
client fin";
    let all = segments(steps);
    let sent = carrying(&all, "client");
    // The first segment of the second message: behind those of the first.
    let second = sent.iter().scan(0, |sum, i| {
        let before = *sum;
        *sum += all[*i].payload.len();
        Some(before)
    });
    let second = second.take_while(|before| *before < 30_000).count();
    let diagnosis = verdict(steps, "client", &[second]);
    assert_lost(&diagnosis, "beginning");
    assert_eq!(diagnosis["limit"]["bytes"], 32768);
    let whole = verdict(steps, "client", &[]);
    assert_eq!((&whole["message"]["declared_bytes"], &whole["confidence"]), (&33000.into(), &"certain".into()));
}

#[test]
fn fragments_that_were_lost_leave_the_size_open() {
    let steps = "\
client text \"hello\"
server text \"hello\"
client text fill=24000 fragments=6000,6000,6000
server close 1009 \"frame with 6000 bytes after reading 18000 bytes exceeds limit of 20000 bytes\"
client close 1009
server fin
client fin";
    let folder = tempfile::tempdir().expect("a temporary folder");
    let all = segments(steps);
    let mut in_part = 0;
    for lost in carrying(&all, "client") {
        let diagnosis = &report(&all, &[lost], folder.path())["connections"][0]["diagnosis"];
        let title = diagnosis["title"].as_str().expect("a title");
        in_part += usize::from(title.contains("whose end the capture lacks"));
        let advice = diagnosis["fixes"][0]["example"].as_str().unwrap_or_default();
        let advised: u64 = advice.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap_or(u64::MAX);
        assert!(advised > 20_000, "{diagnosis:#}");
        if diagnosis["confidence"] != "possible" {
            assert_eq!(diagnosis["message"]["declared_bytes"], 24000, "{diagnosis:#}");
        }
    }
    assert!(in_part > 0, "a fragment's header was among what was lost");
}

#[test]
fn a_lost_pong_does_not_unsettle_a_verdict() {
    let steps = "\
client text fill=9000
client pong \"\"
client text \"small\"
server close 1009
client close 1009
server fin
client fin";
    let all = segments(steps);
    let pong = carrying(&all, "client").iter().position(|i| all[*i].payload.len() == 6).expect("a Pong of its own");
    let diagnosis = verdict(steps, "client", &[pong]);
    assert_eq!((&diagnosis["message"]["declared_bytes"], &diagnosis["confidence"]), (&9000.into(), &"likely".into()));
}

#[test]
fn no_size_is_blamed_with_confidence_that_was_not_the_one() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (mut sure, mut runs) = (0, 0);
    for case in cases().into_iter().filter(|c| c.name.starts_with("big-")) {
        let all = tcp::build(&case).segments;
        let whole = report(&all, &[], folder.path());
        for lost in 0..all.len() {
            let damaged = report(&all, &[lost], folder.path());
            let (before, after) = (whole["connections"].as_array(), damaged["connections"].as_array());
            for connection in after.into_iter().flatten() {
                let same = |c: &&Value| c["client"] == connection["client"];
                let Some(truth) = before.into_iter().flatten().find(same) else { continue };
                let (said, truth) = (&connection["diagnosis"], &truth["diagnosis"]);
                runs += 1;
                if said["message"].is_null() || said["confidence"] == "possible" {
                    continue;
                }
                sure += 1;
                let size = |d: &Value| d["message"]["declared_bytes"].clone();
                assert_eq!(size(said), size(truth), "{} without segment {lost}: {said:#}", case.name);
            }
        }
    }
    assert!(sure * 2 > runs, "{sure} of {runs}: what is there is still said");
}

const CLOSE_UNANSWERED: &str = "\
client text \"hello\"
server text \"hello\"
server close 1000
pause 30
server fin
client fin";

#[test]
fn no_one_is_said_to_have_sent_no_close_where_one_may_be_missing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let all = segments(CLOSE_UNANSWERED);
    let sent = carrying(&all, "server");
    let damaged = report(&all, &sent[1..], folder.path());
    let connection = &damaged["connections"][0];
    let diagnosis = &connection["diagnosis"];
    assert_eq!(diagnosis["confidence"], "possible", "{diagnosis:#}");
    assert!(connection["end"]["code"].is_null(), "{connection:#}");
    let told = format!("{} {}", damaged["summary"]["headline"], diagnosis["explanation"]);
    assert!(told.contains("as far as the capture shows"), "{told}");
    assert!(told.contains("No Close frame is in the capture") && !told.contains("1006"), "{told}");
    // Where nothing is missing it is said flatly.
    let steps = CLOSE_UNANSWERED.replace("server close 1000\n", "");
    let whole = report(&segments(&steps), &[], folder.path());
    let connection = &whole["connections"][0];
    assert_eq!(connection["end"]["code"], 1006);
    let told = format!("{} {}", whole["summary"]["headline"], connection["diagnosis"]["explanation"]);
    assert!(told.contains("APIs report 1006") && !told.contains("as far as"), "{told}");
}

#[test]
fn the_headline_says_that_a_problem_may_be_hidden() {
    let steps = "\
client text fill=9000
server close 1009 \"the message of 9000 bytes is larger than the limit of 8192 bytes that this server has\"
client close 1000
client fin
server fin";
    let folder = tempfile::tempdir().expect("a temporary folder");
    let all = segments(steps);
    let damaged = report(&all, &carrying(&all, "server"), folder.path());
    let headline = damaged["summary"]["headline"].as_str().expect("a headline");
    assert_eq!(headline, "No problem found in 1 connection, but bytes are missing that may hide one.");
}

/// What is said of a kind of blind spot.
fn spot(report: &Value, kind: &str) -> Option<String> {
    let spots = report["blind_spots"].as_array().expect("blind_spots");
    spots.iter().find(|s| s["kind"] == kind).map(|s| s["text"].as_str().expect("a text").to_owned())
}

#[test]
fn blind_spots_say_what_happened_and_what_helps() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let all = segments(AFTER_A_SMALL_ONE);
    let said = |without: &[usize], kind: &str| spot(&report(&all, without, folder.path()), kind).unwrap_or_default();
    let client = carrying(&all, "client");
    // A message that is whole in the segment that was lost leaves nothing to skip.
    let text = said(&client[..1], "resynchronised");
    assert!(text.contains("frames of the client were recognised again") && !text.contains(" 0 bytes"), "{text}");
    assert!(text.contains("larger buffer") && !text.contains(": by one frame"), "{text}");

    let begun = all.iter().position(|s| s.payload.starts_with(b"HTTP")).expect("an answer") + 1;
    let text = said(&(0..begun).collect::<Vec<_>>(), "joined-midstream");
    assert!(text.contains("came before the capture") && text.contains("before the clients connect"), "{text}");
    let head = |start: &[u8]| all.iter().position(|s| s.payload.starts_with(start)).expect("a head");
    let text = said(&[head(b"HTTP")], "joined-midstream");
    assert!(text.contains("was lost or cut in the capture") && !text.contains("before"), "{text}");
    let other: Vec<usize> = (0..all.len()).filter(|i| all[*i].from == wsdiag::ids::Side::Server).collect();
    let text = said(&other, "joined-midstream");
    assert!(text.contains("one direction only"), "{text}");

    // Begun in the middle of a message, with nothing lost.
    let late: Vec<usize> = (0..=client[2]).collect();
    let text = said(&late, "resynchronised");
    assert!(text.contains("Start the capture earlier") && !text.contains("buffer"), "{text}");
}
