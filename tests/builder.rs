//! The builder of the fixtures is itself checked: what it writes has to be what another reader reads.

mod support;

use std::process::Command;

use support::clothes::{self, CLOTHES};
use support::links::Rare;
use support::packets::Link;
use support::{cases, files, tcp};

/// The same case in the same clothing is the same file.
#[test]
fn captures_are_deterministic() {
    for case in cases() {
        for clothing in CLOTHES {
            assert!(
                clothes::dress(&case, clothing) == clothes::dress(&case, clothing),
                "{} {}",
                case.name,
                clothing.name
            );
        }
    }
}

/// Every clothing keeps the bytes that each side sent: reassembling the segments by sequence number gives them again.
#[test]
fn clothes_keep_the_byte_streams() {
    for case in cases() {
        let plain = streams(&tcp::build(&case).segments, &case.name);
        for clothing in CLOTHES {
            let mut built = tcp::build(&case);
            let mut rng = support::rng::Rng::named(&format!("{} {}", case.name, clothing.name));
            (clothing.shape)(&mut built.segments, &mut rng);
            let what = format!("{} in {}", case.name, clothing.name);
            assert!(plain == streams(&built.segments, &what), "{what}: other bytes");
            assert!(built.segments.is_sorted_by_key(|s| s.at), "{what}: times run backwards");
        }
    }
}

fn streams(segments: &[tcp::Segment], what: &str) -> std::collections::BTreeMap<(usize, u8), Vec<Option<u8>>> {
    let mut start = std::collections::BTreeMap::new();
    let mut all = std::collections::BTreeMap::new();
    for s in segments {
        let key = (s.connection, s.from as u8);
        let first = *start.entry(key).or_insert(s.seq.wrapping_add(1));
        if s.payload.is_empty() {
            continue;
        }
        let data = s.seq.wrapping_add(u32::from(s.flags & tcp::SYN != 0));
        let at = data.wrapping_sub(first) as usize;
        if at > usize::MAX >> 33 {
            continue; // a keep-alive's byte in the place of the SYN
        }
        let stream: &mut Vec<Option<u8>> = all.entry(key).or_default();
        // A keep-alive's garbage byte lies where data was sent already
        let end = at + s.payload.len();
        if stream.len() < end {
            stream.resize(end, None);
        }
        for (place, byte) in stream[at..end].iter_mut().zip(&s.payload) {
            place.get_or_insert(*byte);
        }
    }
    for (key, stream) in &all {
        assert!(stream.iter().all(Option::is_some), "{what}: a hole in the stream of {key:?}");
    }
    all
}

/// tshark finds no malformed packet and no wrong checksum in any clothing, and in plain clothes the frames that were written.
#[test]
fn tshark_reads_what_was_built() {
    if !support::has_tshark() {
        eprintln!("skipped: tshark is not installed");
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("built.pcap");
    let cases = cases();
    for case in &cases {
        std::fs::write(&path, clothes::dress(case, clothes::plain())).expect("a file can be written");
        let expert = tshark(&path, &["-q", "-z", "expert"]);
        let bad = |l: &&str| l.contains("hecksum") || (l.contains("Malformed") && !l.contains("WebSocket"));
        assert!(expert.lines().find(bad).is_none(), "{}:\n{expert}", case.name);
    }
    // One case is enough for the headers of every clothing.
    let case = cases.iter().find(|c| c.name == "normal").expect("the case normal");
    let frames = tcp::build(case).frames.concat();
    for clothing in CLOTHES {
        if clothing.link == Link::Rare(Rare::Mpls) {
            continue; // tshark does not know this link type
        }
        std::fs::write(&path, clothes::dress(case, clothing)).expect("a file can be written");
        let output = tshark(&path, &["-Y", "websocket", "-T", "fields", "-e", "websocket.opcode", "-z", "expert"]);
        assert!(!output.contains("hecksum") && !output.contains("Malformed"), "{}:\n{output}", clothing.name);
        // What the experts say comes after the fields.
        let seen = output.split([',', '\n']).take_while(|o| o.parse::<u8>().is_ok()).count();
        assert_eq!(seen, frames.len(), "WebSocket frames in {}", clothing.name);
    }
}

fn tshark(path: &std::path::Path, more: &[&str]) -> String {
    let output = Command::new("tshark")
        .args(["-n", "-r"])
        .arg(path)
        .args(["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"])
        .args(["-o", "tcp.reassemble_out_of_order:TRUE"])
        .args(more)
        .output()
        .expect("tshark runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// A short capture keeps the length on the wire beside the length kept.
#[test]
fn the_snap_length_cuts_packets() {
    let packets = [support::packets::Packet { at: 0, bytes: vec![7; 100] }];
    let file = files::File::Pcap { big_endian: false, nanoseconds: false };
    let bytes = files::write(file, 1, &packets, Some(60));
    assert_eq!(bytes.len(), 24 + 16 + 60);
    assert_eq!(bytes[32..40], [60, 0, 0, 0, 100, 0, 0, 0]);
}
