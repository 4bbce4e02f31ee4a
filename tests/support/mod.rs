//! Builds packet captures from small text descriptions, for all the integration tests.
//!
//! ```text
//! fixtures/cases/NAME.toml -> conversation.rs -> websocket.rs -> tcp.rs -> clothes.rs -> packets.rs -> files.rs -> capture
//!  who says what, what must    the steps as      frames, masks,  segments   duplicates,   headers,     pcap,
//!  be concluded                values            deflate         and ACKs   reordering    checksums    pcapng
//!                                                                tls.rs, http2.rs between them, where it is asked for
//! ```
//!
//! Everything is deterministic: a case in one clothing is the same file, byte for byte, on every machine.
#![allow(dead_code, unreachable_pub)] // every test file compiles this tree and uses a part of it

pub mod clothes;
pub mod conversation;
pub mod files;
pub mod http2;
pub mod judge;
pub mod layers;
pub mod links;
pub mod mutate;
pub mod noise;
pub mod packets;
pub mod probing;
pub mod rng;
pub mod steps;
pub mod targets;
pub mod tcp;
pub mod tls;
pub mod trial;
pub mod websocket;

use std::path::{Path, PathBuf};

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every case of `fixtures/cases`, by name.
pub fn cases() -> Vec<conversation::Case> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(root().join("fixtures/cases"))
        .expect("fixtures/cases can be listed")
        .map(|entry| entry.expect("a folder entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .collect();
    paths.sort();
    paths.iter().map(|path| conversation::Case::read(path)).collect()
}

/// The key log that stands beside a capture of `fixtures/captures`, as a path from the root.
pub fn key_log_of(capture: &str) -> Option<String> {
    let name = capture.split_once('.').map_or(capture, |(name, _)| name);
    let path = format!("fixtures/captures/{name}.keys.log");
    root().join(&path).is_file().then_some(path)
}

/// Whether tshark can be started.
pub fn has_tshark() -> bool {
    std::process::Command::new("tshark").arg("--version").output().is_ok_and(|o| o.status.success())
}
