//! Every WebSocket frame and every Close that tshark shows in the real captures, beside what `observe` shows.
//!
//! tshark is an independent reader of the same bytes. The captures are not part of the repository, so this runs where they
//! lie beside it and tshark is installed, and says so elsewhere.

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};
use wsdiag::ids::Side;

/// Differences that are known and explained: the capture, what the difference's line contains, why. An entry that
/// explains nothing any more fails the test.
const EXPLAINED: &[(&str, &str, &str)] = &[(
    "ws-1009-huge-announced.pcap",
    "8589934592 bytes",
    "tshark shows a header whose payload never came; observe tells of complete frames, the message itself is in the report",
)];

/// Captures in which tshark cannot see what there is: lost or cut packets, one direction, several files, TLS and
/// HTTP/2.
fn beyond_tshark(name: &str) -> bool {
    const DAMAGED: [&str; 7] = ["client-side", "gap", "mid", "snap", "trunc", "gz", "ring"];
    let damaged = name.strip_prefix("1009-").is_some_and(|rest| DAMAGED.iter().any(|d| rest.starts_with(d)));
    damaged || name.contains("tls") || name.starts_with("h2-")
}

#[test]
fn tshark_sees_the_same_frames() {
    let captures = support::root().join("../shared/captures");
    if !support::has_tshark() || !captures.is_dir() {
        eprintln!("skipped: needs tshark and a folder of captures beside the repository");
        return;
    }
    let mut names: Vec<String> = std::fs::read_dir(&captures)
        .expect("the captures can be listed")
        .map(|e| e.expect("a folder entry").file_name().to_string_lossy().into_owned())
        .filter(|n| n.ends_with(".pcap") || n.ends_with(".pcapng"))
        .filter(|n| !beyond_tshark(n))
        .collect();
    names.sort();
    let mut unexplained = Vec::new();
    let mut used = vec![false; EXPLAINED.len()];
    for name in &names {
        let path = captures.join(name);
        for difference in differences(&path) {
            match EXPLAINED.iter().position(|(c, text, _)| c == name && difference.contains(text)) {
                Some(nth) => used[nth] = true,
                None => unexplained.push(format!("{name}: {difference}")),
            }
        }
    }
    let stale: Vec<_> = EXPLAINED.iter().zip(&used).filter(|(_, used)| !**used).map(|(e, _)| e).collect();
    assert!(stale.is_empty(), "explanations that explain nothing any more: {stale:#?}");
    assert!(unexplained.is_empty(), "{} differences:\n{}", unexplained.len(), unexplained.join("\n"));
    assert!(names.len() > 40, "only {} captures compared", names.len());
}

/// A frame in the terms that both readers share.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Frame {
    packet: u64,
    opcode: u8,
    length: u64,
    masked: bool,
    fin: bool,
    /// Code and reason of a Close.
    close: Option<(Option<u16>, String)>,
}

impl std::fmt::Display for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Frame { packet, opcode, length, masked, fin, .. } = self;
        write!(f, "packet {packet}: opcode {opcode}, {length} bytes, masked {masked}, fin {fin}")?;
        if let Some((code, reason)) = &self.close {
            write!(f, ", close {code:?} {reason:?}")?;
        }
        Ok(())
    }
}

/// By stream and sending port.
type Frames = BTreeMap<(u32, u16), Vec<Frame>>;

fn differences(path: &Path) -> Vec<String> {
    let theirs = seen_by_tshark(path);
    let ours = seen_by_us(path);
    let mut all = Vec::new();
    let mut keys: Vec<_> = theirs.keys().chain(ours.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    for key in keys {
        let (empty, (stream, port)) = (Vec::new(), key);
        let (a, b) = (theirs.get(key).unwrap_or(&empty), ours.get(key).unwrap_or(&empty));
        for nth in 0..a.len().max(b.len()) {
            let (a, b) = (a.get(nth), b.get(nth));
            if a != b {
                let say = |f: Option<&Frame>| f.map_or("nothing".into(), Frame::to_string);
                all.push(format!(
                    "stream {stream} from port {port}, frame {nth}: tshark {}; wsdiag {}",
                    say(a),
                    say(b)
                ));
            }
        }
    }
    all
}

fn seen_by_us(path: &Path) -> Frames {
    let mut seen = Vec::new();
    let (observations, errors) = wsdiag::analyzer::observe(&[PathBuf::from(path)], &mut |f| {
        let frame = Frame {
            packet: f.completed_in.number(),
            opcode: f.opcode,
            length: f.length,
            masked: f.masked,
            fin: f.fin,
            close: None,
        };
        seen.push((f.tcp_stream, f.from, frame));
    });
    assert!(errors.is_empty(), "{}: {errors:?}", path.display());
    let mut all = Frames::new();
    for c in &observations.connections {
        for side in [Side::Client, Side::Server] {
            let mut closes = c.sent_by(side).closes.iter();
            let mut mine = Vec::new();
            for (_, _, frame) in seen.iter().filter(|(s, f, _)| *s == c.tcp_stream && *f == side) {
                let mut frame = frame.clone();
                if frame.opcode == 8
                    && let Some(close) = closes.next()
                {
                    frame.close = Some((close.code, close.reason.clone()));
                }
                mine.push(frame);
            }
            if !mine.is_empty() {
                all.insert((c.tcp_stream, c.address(side).port()), mine);
            }
        }
    }
    all
}

fn seen_by_tshark(path: &Path) -> Frames {
    let output = Command::new("tshark")
        .args(["-n", "-o", "tcp.reassemble_out_of_order:TRUE", "-T", "pdml", "-Y", "websocket"])
        // It goes by port numbers before it looks at the handshake: 8085 is a game's, 44321 a monitoring system's
        .args(["--disable-protocol", "woww", "--disable-protocol", "pcp", "-r"])
        .arg(path)
        .output()
        .expect("tshark runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut reader = Reader::from_reader(output.stdout.as_slice());
    let mut all = Frames::new();
    let (mut packet, mut stream, mut port) = (0, 0, 0);
    let mut frame: Option<Frame> = None;
    let mut buffer = Vec::new();
    loop {
        match reader.read_event_into(&mut buffer).expect("tshark writes XML") {
            Event::Eof => break,
            Event::Start(e) if e.name().as_ref() == "proto" => {
                // One packet may hold several frames, each a layer of its own.
                frame = (attribute(&e, "name") == "websocket").then(Frame::default);
            }
            Event::End(e) if e.name().as_ref() == "proto" => {
                if let Some(frame) = frame.take() {
                    all.entry((stream, port)).or_default().push(Frame { packet, ..frame });
                }
            }
            Event::Start(e) | Event::Empty(e) if e.name().as_ref() == "field" => {
                let show = attribute(&e, "show");
                let number = || show.parse::<u64>().unwrap_or(0);
                match (attribute(&e, "name").as_str(), frame.as_mut()) {
                    ("frame.number", _) => packet = number(),
                    ("tcp.stream", _) => stream = number() as u32,
                    ("tcp.srcport", _) => port = number() as u16,
                    ("websocket.opcode", Some(f)) => {
                        f.opcode = number() as u8;
                        if f.opcode == 8 {
                            f.close = Some((None, String::new()));
                        }
                    }
                    ("websocket.fin", Some(f)) => f.fin = number() == 1,
                    ("websocket.mask", Some(f)) => f.masked = number() == 1,
                    ("websocket.payload_length", Some(f)) => f.length = number(),
                    ("websocket.payload_length_ext_16" | "websocket.payload_length_ext_64", Some(f)) => {
                        f.length = number();
                    }
                    ("websocket.payload.close.status_code", Some(f)) => {
                        f.close = Some((Some(number() as u16), String::new()));
                    }
                    ("websocket.payload.close.reason", Some(Frame { close: Some((_, reason)), .. })) => *reason = show,
                    _ => {}
                }
            }
            _ => {}
        }
        buffer.clear();
    }
    all
}

fn attribute(e: &BytesStart<'_>, name: &str) -> String {
    e.try_get_attribute(name)
        .expect("tshark writes attributes")
        .map(|a| unescape(&a.value).expect("tshark escapes attributes").into_owned())
        .unwrap_or_default()
}
