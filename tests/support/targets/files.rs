//! Bytes as a capture file.

use std::fmt::Write as _;

use super::super::clothes::{self, CLOTHES};
use super::super::files::{self, File};
use super::super::packets::Packet;
use super::super::{cases, root, trial};
use super::{Input, Target, file_with};

/// The bytes are a file.
pub(super) const CAPTURE: Target = Target { name: "capture", run: capture, seeds: captures };
/// The bytes are packets under a link type of their choice.
pub(super) const NETWORK: Target = Target { name: "network", run: network, seeds: packets };
/// The bytes are a file, and its report is written in every format.
pub(super) const REPORT: Target =
    Target { name: "report", run: |bytes| trial::everything(&file_with(bytes)), seeds: real };

fn capture(bytes: &[u8]) {
    let (observations, errors) = wsdiag::analyzer::observe(&[file_with(bytes)], &mut |_| {});
    for error in &errors {
        assert!(!error.to_string().is_empty(), "an error that says nothing");
    }
    for facts in &observations.captures {
        assert!(facts.packets <= bytes.len() as u64 * 2000, "{} packets in {} bytes", facts.packets, bytes.len());
    }
    for spot in &observations.blind_spots {
        assert!(!spot.kind.is_empty() && !spot.text.is_empty(), "a blind spot that says nothing");
    }
}

fn network(bytes: &[u8]) {
    let mut input = Input(bytes);
    let (link_type, pcapng) = (u32::from(input.word()), input.byte() % 2 == 1);
    let mut packets = Vec::new();
    while !input.is_empty() {
        let length = usize::from(input.word() % 1600);
        packets.push(Packet { at: packets.len() as i64 * 1000, bytes: input.take(length).to_vec() });
    }
    let file = if pcapng { File::Pcapng { big_endian: false } } else { clothes::plain().file };
    capture(&files::write(file, link_type, &packets, None));
}

/// Bytes of a seed at most.
const SMALL: usize = 4000;

/// The real captures, as far as they are small.
fn real() -> Vec<(String, Vec<u8>)> {
    let mut seeds = Vec::new();
    for entry in std::fs::read_dir(root().join("fixtures/captures")).expect("fixtures can be listed") {
        let path = entry.expect("a folder entry").path();
        if path.is_file() {
            let mut bytes = std::fs::read(&path).expect("a capture can be read");
            bytes.truncate(SMALL);
            seeds.push((path.file_name().expect("a name").to_string_lossy().into_owned(), bytes));
        }
    }
    seeds
}

/// These, and one short case in every clothing.
fn captures() -> Vec<(String, Vec<u8>)> {
    let mut seeds = real();
    let case = cases().into_iter().find(|c| c.name == "text-cut-by-chunker").expect("a short case");
    for clothing in CLOTHES {
        let mut bytes = clothes::dress(&case, clothing);
        bytes.truncate(SMALL);
        seeds.push((file_name(clothing.name), bytes));
    }
    seeds
}

/// A few packets of a short case under every link layer.
fn packets() -> Vec<(String, Vec<u8>)> {
    let case = cases().into_iter().find(|c| c.name == "text-cut-by-chunker").expect("a short case");
    let mut seeds = Vec::new();
    for clothing in CLOTHES {
        let clothing = clothes::Clothing { file: clothes::plain().file, ..*clothing };
        let capture = clothes::dress(&case, &clothing);
        let mut seed = Vec::new();
        seed.extend_from_slice(&capture[20..22]);
        seed.push(0);
        let mut at = 24;
        while at + 16 <= capture.len() && seed.len() < 2000 {
            let length = u32::from_le_bytes([capture[at + 8], capture[at + 9], capture[at + 10], capture[at + 11]]);
            seed.extend_from_slice(&(length as u16).to_le_bytes());
            seed.extend_from_slice(&capture[at + 16..at + 16 + length as usize]);
            at += 16 + length as usize;
        }
        if !seeds.iter().any(|(_, s)| *s == seed) {
            seeds.push((file_name(clothing.name), seed));
        }
    }
    seeds
}

/// A name that every file system takes.
fn file_name(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        let c = if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
        write!(out, "{c}").expect("a string can be written to");
    }
    out
}
