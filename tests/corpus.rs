//! The inputs of the fuzz targets that are known: those that the fixtures give, and those in `fuzz/seeds`, among them
//! every one that ever failed.

mod support;

use std::path::{Path, PathBuf};

use support::targets::TARGETS;
use support::trial::{self, Watch};

#[test]
fn known_inputs_hold() {
    let watch = Watch::begin(std::time::Duration::from_secs(120));
    let mut failed = Vec::new();
    for target in TARGETS {
        let mut inputs = (target.seeds)();
        assert!(!inputs.is_empty(), "{}: no seed", target.name);
        for path in files(&folder(target.name)) {
            inputs.push((path.display().to_string(), std::fs::read(&path).expect("an input can be read")));
        }
        for (name, bytes) in inputs {
            watch.on(format!("{} of {}", name, target.name));
            if let Err(panic) = trial::caught(|| (target.run)(&bytes)) {
                failed.push(format!("{}: {name}: {panic}", target.name));
            }
        }
    }
    assert!(failed.is_empty(), "{} inputs:\n{}", failed.len(), failed.join("\n"));
}

/// `cargo test --test corpus -- --ignored`: writes what the fixtures give into `fuzz/seeds`, for the fuzzers to begin with.
#[test]
#[ignore = "writes files"]
fn write_seeds() {
    for target in TARGETS {
        let folder = folder(target.name);
        std::fs::create_dir_all(&folder).expect("a folder can be made");
        for (name, bytes) in (target.seeds)() {
            std::fs::write(folder.join(name), bytes).expect("a seed can be written");
        }
    }
}

fn folder(target: &str) -> PathBuf {
    support::root().join("fuzz/seeds").join(target)
}

/// The files of a folder in order; none where there is no such folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut all: Vec<PathBuf> = entries.map(|e| e.expect("a folder entry").path()).filter(|p| p.is_file()).collect();
    all.sort();
    all
}
