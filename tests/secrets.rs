//! No secret of a key log, nor a key made of one, is in anything that wsdiag writes: reports, complaints, debug output.

mod support;

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use support::tcp::{self, Between};
use support::tls::{Hash, PROTECTIONS, expand_label, hex};
use wsdiag::analyzer::{Options, analyze_with, observe_with};
use wsdiag::connection::GapCause;
use wsdiag::ids::{Origin, StreamOffset};
use wsdiag::tcp::Sink;
use wsdiag::tls::{Arrival, KeyLog, KeyRing};

/// Secrets, and how they would look.
struct Secrets {
    needles: Vec<(String, Vec<u8>)>,
}

/// So many bytes of a secret in a row are no accident.
const TELLING: usize = 6;

impl Secrets {
    fn of(key_log: &str) -> Secrets {
        let mut needles = Vec::new();
        for line in key_log.lines().filter(|l| !l.starts_with('#')) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [label, _, secret] = words[..] else { continue };
            let secret = unhex(secret);
            let hash = if secret.len() == 32 { Hash::Sha256 } else { Hash::Sha384 };
            let keys =
                [("key", 16), ("key", 32), ("iv", 12)].map(|(label, size)| expand_label(hash, &secret, label, size));
            for bytes in keys.iter().chain([&secret]) {
                forms(label, bytes, &mut needles);
            }
        }
        assert!(!needles.is_empty(), "no secret in the key log");
        Secrets { needles }
    }

    /// What of a secret is in this output, if anything.
    fn assert_not_in(&self, what: &str, output: &[u8]) {
        let spaceless: Vec<u8> = output.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect();
        for (name, needle) in &self.needles {
            for text in [output, &spaceless] {
                let found = memchr_all(text, needle);
                assert!(!found, "{name} is in {what}: {}", String::from_utf8_lossy(output));
            }
        }
    }
}

fn memchr_all(text: &[u8], needle: &[u8]) -> bool {
    text.windows(needle.len()).any(|w| w == needle)
}

/// Bytes as they are, in hexadecimal of both cases, as a list of numbers and in base64 of each alignment.
fn forms(label: &str, secret: &[u8], needles: &mut Vec<(String, Vec<u8>)>) {
    for (at, bytes) in secret.windows(TELLING).enumerate().step_by(TELLING / 2) {
        let mut form = |how: &str, needle: Vec<u8>| needles.push((format!("{label} from byte {at}, {how}"), needle));
        form("raw", bytes.to_vec());
        form("hexadecimal", hex(bytes).into_bytes());
        form("upper case", hex(bytes).to_uppercase().into_bytes());
        let decimal: Vec<String> = bytes.iter().map(ToString::to_string).collect();
        form("decimal", decimal.join(",").into_bytes());
    }
    for alignment in 0..3 {
        // Whole groups of three bytes, wherever they begin.
        let whole = &secret[alignment..secret.len() - (secret.len() - alignment) % 3];
        for (nth, group) in whole.chunks(9).enumerate().filter(|(_, g)| g.len() == 9) {
            needles.push((format!("{label}, base64 {alignment} {nth}"), base64(group).into_bytes()));
        }
    }
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD_NO_PAD.encode(bytes)
}

fn unhex(digits: &str) -> Vec<u8> {
    (0..digits.len() / 2).map(|i| u8::from_str_radix(&digits[2 * i..2 * i + 2], 16).expect("digits")).collect()
}

fn captures() -> Vec<(String, String)> {
    let names = ["tls12-aesgcm-websockets-1007", "tls12-cbc-ws-1001", "tls13-ws-1009", "h2-hypercorn-chromium-1009"];
    names
        .map(|name| (format!("{name}.pcap"), support::key_log_of(&format!("{name}.pcap")).expect("a key log")))
        .to_vec()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(support::root().join(path)).expect("the key log can be read")
}

/// Standard output and standard error of the program.
fn run(key_log: &Path, capture: &str, more: &[&str]) -> Vec<u8> {
    let output = Command::new(env!("CARGO_BIN_EXE_wsdiag"))
        .args(more)
        .arg("--keylog")
        .arg(key_log)
        .arg(format!("fixtures/captures/{capture}"))
        .current_dir(support::root())
        .env_remove("SSLKEYLOGFILE")
        .stdin(Stdio::null())
        .output()
        .expect("wsdiag can be started");
    [output.stdout, output.stderr].concat()
}

#[test]
fn the_search_finds_what_it_looks_for() {
    let log = read(&captures()[0].1);
    let secrets = Secrets::of(&log);
    let secret =
        unhex(log.lines().filter(|l| !l.starts_with('#')).find_map(|l| l.split_whitespace().nth(2)).expect("a secret"));
    let shown = [
        format!("{secret:?}").into_bytes(),
        format!("{secret:#?}").into_bytes(),
        hex(&secret).into_bytes(),
        format!("{secret:02X?}").replace([',', ' '], "").into_bytes(),
        base64(&secret).into_bytes(),
        base64(&[&[1, 2][..], &secret].concat()).into_bytes(),
        secret.clone(),
    ];
    for output in shown {
        let found = std::panic::catch_unwind(|| secrets.assert_not_in("a test", &output));
        assert!(found.is_err(), "{}", String::from_utf8_lossy(&output));
    }
}

#[test]
fn no_format_shows_a_secret() {
    for (capture, log) in captures() {
        let secrets = Secrets::of(&read(&log));
        for format in wsdiag::report::FORMATS {
            let output = run(&support::root().join(&log), &capture, &["--format", format.name]);
            assert!(output.len() > 200, "a report");
            secrets.assert_not_in(&format!("{} of {capture}", format.name), &output);
        }
    }
}

#[test]
fn no_debug_output_shows_a_secret() {
    for (capture, log) in captures() {
        let secrets = Secrets::of(&read(&log));
        let root = support::root();
        let options = Options { key_logs: vec![root.join(&log)], ..Options::default() };
        let paths = [root.join("fixtures/captures").join(&capture)];
        let (observations, errors) = observe_with(&paths, &options, &mut |_| {});
        assert!(!observations.connections.is_empty());
        let analysis = analyze_with(&paths, &options);
        let mut key_log = KeyLog::default();
        key_log.add(read(&log).as_bytes());
        let lines = key_log.lines();
        assert!(lines.secrets > 0);
        let mut shown = vec![format!("{key_log:?} {key_log:#?} {lines:?} {options:?} {errors:?}")];
        let mut ring = KeyRing::new(key_log, true);
        ring.add(read(&log).as_bytes());
        shown.push(format!("{ring:?} {ring:#?}"));
        shown.push(format!("{observations:?} {observations:#?}"));
        shown.push(format!("{analysis:?} {analysis:#?}"));
        shown.push(serde_json::to_string(&observations).expect("facts are JSON"));
        for output in shown {
            secrets.assert_not_in(&format!("debug output of {capture}"), output.as_bytes());
        }
    }
}

/// The plaintext is of no interest here.
struct Nothing;

impl Sink for Nothing {
    fn data(&mut self, _: StreamOffset, _: &[u8], _: Origin, _: StreamOffset) {}

    fn gap(&mut self, _: StreamOffset, _: u64, _: Origin, _: GapCause) {}
}

/// At every stage of a connection.
#[test]
fn no_connection_shows_a_secret() {
    let case = support::cases().into_iter().find(|c| c.name == "text-latin1").expect("the case");
    for protection in PROTECTIONS {
        let (built, log) = tcp::build_in(&case, Between { tls: Some(*protection), http2: false });
        let secrets = Secrets::of(&log);
        let mut key_log = KeyLog::default();
        key_log.add(log.as_bytes());
        let (mut ring, mut tls) = (KeyRing::new(key_log, true), wsdiag::tls::Tls::default());
        let mut offsets = [0; 2];
        for segment in built.segments.iter().filter(|s| !s.payload.is_empty()) {
            let from = segment.from as usize;
            let arrival = Arrival { origin: Origin::default(), acknowledged: StreamOffset(0) };
            tls.data(from, StreamOffset(offsets[from]), &segment.payload, arrival, &mut ring, &mut Nothing);
            offsets[from] += segment.payload.len() as u64;
            let shown = format!("{tls:?} {tls:#?} {:?} {ring:?}", tls.facts());
            secrets.assert_not_in(protection.name, shown.as_bytes());
        }
        assert!(tls.facts().decrypted, "{}", protection.name);
    }
}

/// Lines that are no key log's, made of lines that were.
#[test]
fn no_complaint_shows_a_secret() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (capture, log) = captures().swap_remove(2);
    let log = read(&log);
    let secrets = Secrets::of(&log);
    let cut: String = log.lines().map(|l| format!("{}\n", &l[..l.len() - 1])).collect();
    let longer: String = log.lines().map(|l| format!("{l}0\n")).collect();
    let spaced: String = log.lines().map(|l| format!("{l} and more\n")).collect();
    let wrong_label = log.replace("TRAFFIC", "TRAFIC");
    let swapped: String = log
        .lines()
        .map(|l| l.split_whitespace().collect::<Vec<_>>())
        .filter(|w| w.len() == 3)
        .map(|w| format!("{} {} {}\n", w[2], w[1], w[0]))
        .collect();
    let without_newlines = log.replace('\n', " ");
    let with_zeros = log.replace(' ', "\0");
    let as_json = format!("{{\"key\": {log:?}}}");
    for (nth, text) in
        [cut, longer, spaced, wrong_label, swapped, without_newlines, with_zeros, as_json].iter().enumerate()
    {
        let path: PathBuf = folder.path().join(format!("keys-{nth}"));
        std::fs::write(&path, text).expect("a file can be written");
        for format in wsdiag::report::FORMATS {
            let output = run(&path, &capture, &["--format", format.name]);
            secrets.assert_not_in(&format!("a complaint about key log {nth}"), &output);
        }
        let mut key_log = KeyLog::default();
        let read = key_log.read(Cursor::new(text.as_bytes()));
        secrets.assert_not_in("what reading says", format!("{read:?} {key_log:?} {:?}", key_log.lines()).as_bytes());
    }
    // A key log that is named where a capture belongs.
    let path = folder.path().join("keys-as-a-capture");
    std::fs::write(&path, &log).expect("a file can be written");
    let output = Command::new(env!("CARGO_BIN_EXE_wsdiag")).arg(&path).output().expect("wsdiag can be started");
    secrets.assert_not_in("a complaint about a capture", &[output.stdout, output.stderr].concat());
}
