//! Every WebSocket frame and every Close that tshark shows in the real captures, beside what `observe` shows: the same
//! where nothing is lost and tshark puts segments in order, and what each shows alone where tshark is left as it comes.
//!
//! tshark is an independent reader of the same bytes. The captures are not part of the repository, so this runs where they
//! lie beside it and tshark is installed, and says so elsewhere.

mod support;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};
use support::clothes::{self, CLOTHES, Clothing};
use support::tcp::{self, Between};
use support::tls::PROTECTIONS;
use wsdiag::analyzer::{Options, observe_with};
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
    const DAMAGED: [&str; 6] = ["client-side", "gap-", "mid", "snap", "trunc", "ring"];
    let damaged = name.strip_prefix("1009-").is_some_and(|rest| DAMAGED.iter().any(|d| rest.starts_with(d)));
    damaged || name.contains("tls") || name.starts_with("h2-")
}

/// What tshark does only when it is asked to.
const IN_ORDER: [&str; 2] = ["-o", "tcp.reassemble_out_of_order:TRUE"];
/// It goes by port numbers before it looks at the handshake: 8085 is a game's, 44321 a monitoring system's.
const NO_PORTS: [&str; 4] = ["--disable-protocol", "woww", "--disable-protocol", "pcp"];

#[test]
fn tshark_sees_the_same_frames() {
    let Some(captures) = captures() else { return };
    let names: Vec<String> = names(&captures).into_iter().filter(|n| !beyond_tshark(n)).collect();
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

/// What tshark says of a capture in TLS with a key log, beside what `observe` says.
fn encrypted_differences(path: &Path, key_log: Option<&Path>, options: &[&str]) -> (usize, Vec<String>) {
    let log = key_log.map(|log| format!("tls.keylog_file:{}", log.display()));
    let log: Vec<&str> = log.iter().flat_map(|log| ["-o", log]).collect();
    let theirs = seen_by_tshark(path, &[&IN_ORDER[..], &NO_PORTS, &log, options].concat());
    (theirs.values().map(Vec::len).sum(), differ(&theirs, &seen_with(path, key_log)))
}

/// HTTP/2 is left out: this tshark shows no WebSockets in its streams.
#[test]
fn tshark_decrypts_the_same_frames() {
    let Some(captures) = captures() else { return };
    let (mut wrong, mut compared) = (Vec::new(), 0);
    for name in names(&captures).into_iter().filter(|n| n.contains("tls") && !n.contains("no-keys")) {
        let log = captures.join(name.split_once('.').expect("an extension").0).with_extension("keys.log");
        let log = log.is_file().then_some(log);
        let (frames, differences) = encrypted_differences(&captures.join(&name), log.as_deref(), &[]);
        assert!(frames > 0, "{name}: tshark decrypts nothing");
        compared += 1;
        wrong.extend(differences.into_iter().map(|d| format!("{name}: {d}")));
    }
    assert!(compared >= 4, "{compared} captures");
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

/// So what the tests seal is TLS to others too.
#[test]
fn tshark_decrypts_what_the_tests_seal() {
    if !support::has_tshark() {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut wrong = Vec::new();
    for name in ["big-sum-of-fragments", "text-latin1"] {
        let case = support::cases().into_iter().find(|c| c.name == name).expect("the case");
        for protection in PROTECTIONS {
            let (built, key_log) = tcp::build_in(&case, Between { tls: Some(*protection), http2: false });
            let [path, log] = ["capture", "keys"].map(|name| folder.path().join(name));
            let mut rng = support::rng::Rng::named(name);
            std::fs::write(&path, clothes::capture(&built, clothes::plain(), &mut rng)).expect("a file can be written");
            std::fs::write(&log, key_log).expect("a file can be written");
            let (frames, differences) = encrypted_differences(&path, Some(&log), &["-d", "tcp.port==8080,tls"]);
            assert!(frames > 0, "{name} in {}: tshark decrypts nothing", protection.name);
            wrong.extend(differences.into_iter().map(|d| format!("{name} in {}: {d}", protection.name)));
        }
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

/// The folder of captures, where it is and tshark too.
fn captures() -> Option<PathBuf> {
    let captures = support::root().join("../shared/captures");
    let both = support::has_tshark() && captures.is_dir();
    if !both {
        eprintln!("skipped: needs tshark and a folder of captures beside the repository");
    }
    both.then_some(captures)
}

/// Names of the captures that are one file, in order.
fn names(captures: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(captures)
        .expect("the captures can be listed")
        .map(|e| e.expect("a folder entry").file_name().to_string_lossy().into_owned())
        .filter(|n| [".pcap", ".pcapng", ".pcap.gz"].iter().any(|end| n.ends_with(end)))
        .collect();
    names.sort();
    names
}

/// docs/tshark.md lists what each shows alone. `WRITE_DOCS=1 cargo test --test tshark` writes it again.
#[test]
fn what_only_one_of_them_shows_is_as_listed() {
    let Some(captures) = captures() else { return };
    let version = tshark_version();
    let mut real = Table::default();
    // What is encrypted needs keys, which is another story.
    for name in names(&captures).into_iter().filter(|n| !n.contains("tls") && !n.starts_with("h2-")) {
        real.compare(&name, &captures.join(&name), &NO_PORTS);
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut built = Table::default();
    let case = support::cases().into_iter().find(|c| c.name == "big-sum-of-fragments").expect("the case");
    let plain = clothes::plain();
    // The form of the file and what stands below TCP are beside the point.
    let below = |c: &Clothing| (c.link, c.ip, c.file, c.crowd, c.layers.len());
    let other = |c: &&Clothing| below(c) == below(plain);
    for clothing in CLOTHES.iter().filter(other) {
        let path = folder.path().join("capture");
        std::fs::write(&path, clothes::dress(&case, clothing)).expect("a file can be written");
        built.compare(clothing.name, &path, &NO_PORTS);
    }
    let page = format!(
        "# wsdiag and tshark\n\nWhat each of them shows alone, of {version} with its default preferences (but for two protocols that \
         claim ports of the captures). With `-o tcp.reassemble_out_of_order:TRUE` they show the same frames wherever no packet is \
         missing; `tests/tshark.rs` asserts that, and wrote this page. A frame is the same when direction, opcode, length, mask \
         and, of a Close, code and reason are.\n\n## Captures from the laboratory\n\n{}\n## One conversation in other clothes\n\n\
         `fixtures/cases/{}.toml` as `tests/support/clothes.rs` dresses it.\n\n{}",
        real.page(),
        case.name,
        built.page()
    );
    println!("{page}");
    let path = support::root().join("docs/tshark.md");
    if std::env::var_os("WRITE_DOCS").is_some() {
        std::fs::create_dir_all(path.with_file_name("")).expect("docs can be made");
        std::fs::write(&path, &page).expect("the page can be written");
        return;
    }
    let listed = std::fs::read_to_string(&path).expect("docs/tshark.md");
    if listed.contains(&version) {
        assert!(listed == page, "docs/tshark.md is out of date: WRITE_DOCS=1 cargo test --test tshark\n{page}");
    } else {
        eprintln!("docs/tshark.md is of another version than {version}: not compared");
    }
}

fn tshark_version() -> String {
    let output = Command::new("tshark").arg("--version").output().expect("tshark runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let version = text.split_whitespace().nth(2).unwrap_or("unknown").trim_end_matches('.');
    format!("tshark {version}")
}

/// What each reader shows alone, capture by capture.
#[derive(Default)]
struct Table {
    rows: String,
    captures: usize,
    same: usize,
    /// Close frames: in all that wsdiag shows, that only wsdiag shows, that only tshark shows.
    closes: [usize; 3],
    /// Frames that only tshark shows.
    only_theirs: usize,
}

impl Table {
    fn compare(&mut self, name: &str, path: &Path, options: &[&str]) {
        let (theirs, ours) = (seen_by_tshark(path, options), seen_by_us(path));
        let (mut only_ours, mut only_theirs) = (Vec::new(), Vec::new());
        let mut keys: Vec<_> = theirs.keys().chain(ours.keys()).copied().collect();
        keys.sort_unstable();
        keys.dedup();
        for key in keys {
            let all = |frames: &Frames| frames.get(&key).cloned().unwrap_or_default();
            let (a, mut b) = (all(&theirs), all(&ours));
            for frame in a {
                match b.iter().position(|f| f.is_alike(&frame)) {
                    Some(at) => drop(b.remove(at)),
                    None => only_theirs.push(frame),
                }
            }
            only_ours.extend(b);
        }
        let count = |frames: &Frames| frames.values().map(Vec::len).sum::<usize>();
        let codes = |frames: &[Frame]| {
            let codes = frames.iter().filter_map(|f| f.close.as_ref());
            codes.map(|(code, _)| code.map_or("none".to_string(), |c| c.to_string())).collect::<Vec<_>>()
        };
        let (mine, not_mine) = (codes(&only_ours), codes(&only_theirs));
        let all_mine: Vec<Frame> = ours.values().flatten().cloned().collect();
        self.captures += 1;
        self.closes[0] += codes(&all_mine).len();
        self.closes[1] += mine.len();
        self.closes[2] += not_mine.len();
        self.only_theirs += only_theirs.len();
        if only_ours.is_empty() && only_theirs.is_empty() {
            self.same += 1;
            return;
        }
        let list = |codes: &[String]| if codes.is_empty() { "-".to_string() } else { codes.join(", ") };
        writeln!(
            self.rows,
            "| {name} | {} | {} | {} | {} | {} | {} |",
            count(&ours),
            count(&theirs),
            only_ours.len(),
            only_theirs.len(),
            list(&mine),
            list(&not_mine)
        )
        .expect("a string can be written to");
    }

    fn page(&self) -> String {
        let Table { rows, captures, same, closes: [all, mine, theirs], only_theirs } = self;
        format!(
            "{captures} captures; in {same} of them both show the same frames. Of {all} Close frames that wsdiag shows, tshark does \
             not show {mine}; it shows {theirs} Close frames and {only_theirs} frames in all that wsdiag does not.\n\n\
             | capture | frames: wsdiag | tshark | only wsdiag | only tshark | Close only wsdiag | Close only tshark |\n\
             |---|---|---|---|---|---|---|\n{rows}"
        )
    }
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

impl Frame {
    /// The same but for the packet in which it became complete.
    fn is_alike(&self, other: &Frame) -> bool {
        Frame { packet: 0, ..self.clone() } == Frame { packet: 0, ..other.clone() }
    }
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
    let theirs = seen_by_tshark(path, &[&IN_ORDER[..], &NO_PORTS].concat());
    differ(&theirs, &seen_by_us(path))
}

fn differ(theirs: &Frames, ours: &Frames) -> Vec<String> {
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
    seen_with(path, None)
}

/// The frames of a capture, with the secrets of a key log.
fn seen_with(path: &Path, key_log: Option<&Path>) -> Frames {
    let mut seen = Vec::new();
    let options = Options { key_logs: key_log.map(PathBuf::from).into_iter().collect(), ..Options::default() };
    let (observations, errors) = observe_with(&[PathBuf::from(path)], &options, &mut |f| {
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
    let unread = errors.iter().any(|e| !e.error.is_partial());
    assert!(!unread, "{}: {errors:?}", path.display());
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

fn seen_by_tshark(path: &Path, options: &[&str]) -> Frames {
    let output = Command::new("tshark")
        .args(["-n", "-T", "pdml", "-Y", "websocket"])
        .args(options)
        .arg("-r")
        .arg(path)
        .output()
        .expect("tshark runs");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() || complaint.contains("cut short"), "{complaint}");
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
