//! What lies around TCP, and what is said where it cannot be read or is not whole.

mod support;

use support::clothes::{self, CLOTHES, Clothing};
use support::conversation::Case;
use support::layers::{Layer, Order};
use support::packets::{self, Ip, Link, Packet};
use support::{files, tcp};

use wsdiag::report::model::{BlindSpotReport, Initiator, Report};

fn normal() -> Case {
    support::cases().into_iter().find(|c| c.name == "normal").expect("the case normal")
}

fn report(capture: &[u8]) -> Report {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("capture");
    std::fs::write(&path, capture).expect("a file can be written");
    let analysis = wsdiag::analyzer::analyze(&[path]);
    assert!(analysis.errors.is_empty(), "{:?}", analysis.errors);
    analysis.report
}

/// Kind, packets and text of each blind spot.
fn spots(report: &Report) -> Vec<(&str, Vec<u64>, &str)> {
    let numbers = |b: &BlindSpotReport| b.packets.iter().map(|p| p.number()).collect();
    report.blind_spots.iter().map(|b| (b.kind.as_str(), numbers(b), b.text.as_str())).collect()
}

/// The conversation in IPv4 fragments, each with the segment that it is of.
fn fragments() -> Vec<(tcp::Segment, Packet)> {
    let layers = [Layer::Fragments(64, Order::Forward)];
    let around = |(nth, segment): (usize, tcp::Segment)| {
        let packets = packets::layered(&segment, Link::Ethernet, Ip::V4, &layers, nth as u16);
        packets.into_iter().map(move |p| (segment.clone(), p))
    };
    tcp::build(&normal()).segments.into_iter().enumerate().flat_map(around).collect()
}

fn capture<'a>(link: u32, packets: impl Iterator<Item = &'a Packet>) -> Vec<u8> {
    files::write(clothes::plain().file, link, &packets.cloned().collect::<Vec<_>>(), None)
}

fn is_later_fragment(packet: &[u8]) -> bool {
    u16::from_be_bytes([packet[20], packet[21]]) & 0x1fff != 0
}

#[test]
fn whole_conversations_leave_no_blind_spot() {
    let case = normal();
    for clothing in CLOTHES.iter().filter(|c: &&Clothing| !c.layers.is_empty() || matches!(c.link, Link::Rare(_))) {
        let report = report(&clothes::dress(&case, clothing));
        let unseen: Vec<_> = spots(&report).into_iter().filter(|(kind, ..)| *kind != "duplicate-packets").collect();
        assert_eq!(unseen, [], "{}", clothing.name);
        assert_eq!(report.connections.len(), 1, "{}", clothing.name);
    }
}

#[test]
fn a_missing_fragment_is_a_blind_spot_and_the_close_is_found() {
    let all = fragments();
    // In the middle of the long message: its header is whole, and what follows it too.
    let long: Vec<usize> = (0..all.len()).filter(|i| all[*i].0.payload.len() == tcp::SEGMENT).collect();
    let second = &long[long.len() / 2..];
    assert!(second.len() > 10);
    for missing in second {
        let packets = all.iter().enumerate().filter(|(nth, _)| nth != missing).map(|(_, (_, packet))| packet);
        let report = report(&capture(1, packets));
        let seen = spots(&report);
        let text = seen.iter().find(|(kind, ..)| *kind == "ip-fragments").map_or("", |(.., text)| text);
        let expected = "Of 1 datagram that came in IP fragments some fragments are not in the capture";
        assert!(text.starts_with(expected), "without {missing}: {seen:?}");
        let ends: Vec<_> = report.connections.iter().map(|c| (c.end.code, c.end.initiator)).collect();
        assert_eq!(ends, [(Some(1000), Some(Initiator::Client))], "without {missing}");
    }
}

#[test]
fn a_filter_by_port_is_recognised_by_its_first_fragments() {
    let all = fragments();
    let report = report(&capture(1, all.iter().map(|(_, p)| p).filter(|p| !is_later_fragment(&p.bytes))));
    let seen = spots(&report);
    let text = seen.iter().find(|(kind, ..)| *kind == "ip-fragments").map_or("", |(.., text)| text);
    assert!(text.contains("only the first fragment"), "{seen:?}");
    assert!(text.contains("or ip[6:2] & 0x1fff != 0"), "{text}");
}

#[test]
fn an_unknown_link_type_is_named() {
    let report = report(&capture(147, fragments().iter().map(|(_, packet)| packet)));
    let (kind, packets, text) = spots(&report).swap_remove(0);
    assert_eq!((kind, packets), ("unknown-link-type", vec![1, 2, 3]));
    assert!(text.contains("link type 147 (DLT_USER0)"), "{text}");
    assert_eq!(report.captures[0].link_types, ["linktype-147"]);
}
