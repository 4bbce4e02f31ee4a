//! What any bytes are put through, and what has to hold for them.
//!
//! Each target takes bytes and panics when wsdiag does what it must not. `fuzz/` looks for such bytes, guided by coverage;
//! `tests/corpus.rs` tries the ones that are known. Targets go through captures and the records made of them, so that they know
//! nothing of the rooms in between; those of TLS and HTTP/2 go through these rooms, which bytes alone hardly reach.

mod deflate;
mod files;
mod secure;
mod stream;
mod talk;

use std::cell::OnceCell;
use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;
use wsdiag::connection::Observations;
use wsdiag::websocket::FrameSeen;

/// Something that any bytes are put through.
pub struct Target {
    /// Its name, also that of its folder of inputs.
    pub name: &'static str,
    /// Panics when wsdiag does what it must not.
    pub run: fn(&[u8]),
    /// Inputs that reach its corners, made from the fixtures, by name.
    pub seeds: fn() -> Vec<(String, Vec<u8>)>,
}

/// Every target.
pub static TARGETS: &[Target] = &[
    files::CAPTURE,
    files::NETWORK,
    files::REPORT,
    stream::TCP,
    stream::HTTP,
    stream::WEBSOCKET,
    deflate::INFLATE,
    secure::KEY_LOG,
    secure::TLS,
    secure::HPACK,
    secure::HTTP2,
];

/// The target of that name.
pub fn named(name: &str) -> &'static Target {
    TARGETS.iter().find(|t| t.name == name).expect("a target")
}

/// Bytes taken from the front as they are needed, zeros when there are none left.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    fn word(&mut self) -> u16 {
        u16::from_le_bytes([self.byte(), self.byte()])
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::from(self.word()) % bound.max(1)
    }

    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

thread_local! {
    static FOLDER: OnceCell<TempDir> = const { OnceCell::new() };
}

/// The bytes as a file that lives until the next call; in memory where the system has such a place.
fn file_with(bytes: &[u8]) -> PathBuf {
    FOLDER.with(|folder| {
        let folder = folder.get_or_init(|| {
            tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a temporary folder")
        });
        let path = folder.path().join("input");
        std::fs::write(&path, bytes).expect("a file can be written");
        path
    })
}

/// What is in a capture that has to be readable to its end.
fn observe(bytes: &[u8]) -> (Observations, Vec<FrameSeen>) {
    let mut frames = Vec::new();
    let (observations, errors) = wsdiag::analyzer::observe(&[file_with(bytes)], &mut |f| frames.push(*f));
    assert!(errors.is_empty(), "{errors:?}");
    (observations, frames)
}

/// Everything that is known of the connections of a capture but where and when it was seen: what may not depend on the
/// segments that the bytes came in.
fn facts(bytes: &[u8]) -> Value {
    let (observations, frames) = observe(bytes);
    let mut all = serde_json::to_value((&observations.connections, &observations.failed_handshakes)).expect("JSON");
    strip(&mut all);
    let mut frames: Vec<String> = frames
        .iter()
        .map(|f| {
            let (name, fin, masked) = (f.from.name(), u8::from(f.fin), u8::from(f.masked));
            format!("{name}: opcode {} fin {fin} rsv {} masked {masked} length {}", f.opcode, f.rsv, f.length)
        })
        .collect();
    frames.sort_by_key(|f| f.starts_with("server")); // stable: the order within a side stays
    serde_json::json!({ "records": all, "frames": frames })
}

/// Facts that belong to single packets, or to what their headers acknowledged.
const OF_PACKETS: [&str; 7] = [
    "interval",
    "acknowledged",
    "acknowledged_to",
    "retransmissions",
    "unanswered_retransmissions",
    "unacknowledged_since",
    "capture_end",
];
/// Samples of a payload with a fault: they hold what had come when the fault was met, and what is counted in them. And how
/// much of its input a decoder says it has read when it meets a fault, which it does not know to the byte.
const SAMPLES: [&str; 6] = ["around", "around_offset", "counted_bytes", "high_bytes", "control_bytes", "wire_offset"];

fn strip(value: &mut Value) {
    match value {
        Value::Object(map) if map.contains_key("packet") && map.contains_key("at") => *value = Value::Null,
        Value::Object(map) => {
            if map.contains_key("finding") || map.contains_key("class") {
                map.retain(|name, _| name != "head" && name != "mask");
            }
            map.retain(|name, _| !OF_PACKETS.contains(&name.as_str()) && !SAMPLES.contains(&name.as_str()));
            map.values_mut().for_each(strip);
        }
        Value::Array(list) => list.iter_mut().for_each(strip),
        _ => {}
    }
}

/// The same capture in two forms: panics with what differs.
fn agree(whole: &Value, other: &Value, how: &str) {
    if whole == other {
        return;
    }
    let (mut a, mut b) = (Vec::new(), Vec::new());
    leaves(whole, String::new(), &mut a);
    leaves(other, String::new(), &mut b);
    let only = |a: &[String], b: &[String]| {
        a.iter().filter(|l| !b.contains(l)).take(8).cloned().collect::<Vec<_>>().join("\n    ")
    };
    panic!("{how}:\n  only whole\n    {}\n  only here\n    {}", only(&a, &b), only(&b, &a));
}

fn leaves(value: &Value, path: String, out: &mut Vec<String>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(name, v)| leaves(v, format!("{path}.{name}"), out)),
        Value::Array(list) => list.iter().enumerate().for_each(|(nth, v)| leaves(v, format!("{path}[{nth}]"), out)),
        leaf => out.push(format!("{path} = {leaf}")),
    }
}
