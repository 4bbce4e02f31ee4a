//! Tries many more of the mutants of `tests/mutation.rs`, on all processors.
//!
//! `cargo bench --bench mutate -- [COUNT [SEED]]`, and `-- --one NUMBER SEED FILE` writes one mutant to a file.
//! Inputs that fail, and those that a crash interrupts, stay in the target folder.

#![forbid(unsafe_code)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use support::mutate::Stock;
use support::trial::{self, Watch};

/// What one input may take, on a machine that has nothing else to do.
const SLOW: Duration = Duration::from_secs(1);
/// Megabytes that this process may hold, the stock and all threads included.
const MEMORY: u64 = 200;
/// What no input may take on any machine.
const HANG: Duration = Duration::from_secs(60);

#[derive(Default)]
struct Tally {
    bytes: u64,
    slowest: Duration,
    slowest_is: String,
    failed: Vec<String>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let number = |nth: usize, otherwise: u64| match arguments.get(nth).map(|a| a.parse()) {
        None => Some(otherwise),
        Some(parsed) => parsed.ok(),
    };
    let stock = Stock::new();
    if arguments.first().is_some_and(|a| a == "--one") {
        let (Some(nth), Some(seed), Some(file)) = (number(1, 0), number(2, 1), arguments.get(3)) else {
            return usage();
        };
        let mutant = stock.mutant(seed, nth);
        println!("{}", mutant.story);
        std::fs::write(file, mutant.bytes).expect("the file can be written");
        return ExitCode::SUCCESS;
    }
    let (Some(count), Some(seed)) = (number(0, 100_000), number(1, 2)) else { return usage() };
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("mutants");
    std::fs::create_dir_all(&folder).expect("the target folder can be written to");
    run(&stock, count, seed, &folder)
}

fn usage() -> ExitCode {
    eprintln!("usage: mutate [COUNT [SEED]] | mutate --one NUMBER SEED FILE");
    ExitCode::from(2)
}

fn run(stock: &Stock, count: u64, seed: u64, folder: &Path) -> ExitCode {
    let begin = Instant::now();
    let next = AtomicU64::new(0);
    let tally = Mutex::new(Tally::default());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (next, tally) = (&next, &tally);
            scope.spawn(move || {
                let path = folder.join(format!("current-{thread}"));
                let watch = Watch::begin(HANG);
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        break;
                    }
                    one(stock, (seed, number), &path, &watch, tally);
                    if number % 50_000 == 49_999 {
                        println!("{} tried in {:.0} s", number + 1, begin.elapsed().as_secs_f64());
                    }
                }
                let _ = std::fs::remove_file(path);
            });
        }
    });
    let tally = tally.into_inner().expect("every thread ended well");
    let memory = high_water() / 1000;
    println!(
        "{count} mutants of seed {seed}, {:.1} GB, in {:.0} s on {threads} threads; slowest {:.0} ms ({}); peak memory {memory} MB; {} failed",
        tally.bytes as f64 / 1e9,
        begin.elapsed().as_secs_f64(),
        tally.slowest.as_secs_f64() * 1e3,
        tally.slowest_is,
        tally.failed.len()
    );
    tally.failed.iter().for_each(|f| println!("{f}"));
    if tally.failed.is_empty() && memory <= MEMORY { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn one(stock: &Stock, (seed, number): (u64, u64), path: &Path, watch: &Watch, tally: &Mutex<Tally>) {
    let mutant = stock.mutant(seed, number);
    std::fs::write(path, &mutant.bytes).expect("a file can be written");
    watch.on(format!("mutant {number} of seed {seed}: {} (in {})", mutant.story, path.display()));
    let begin = Instant::now();
    let outcome = trial::attempt(path);
    let took = begin.elapsed();
    let mut tally = tally.lock().expect("every thread is well");
    tally.bytes += mutant.bytes.len() as u64;
    if took > tally.slowest {
        tally.slowest = took;
        tally.slowest_is = format!("{number}: {}", mutant.story);
    }
    let complaint = match outcome {
        Err(panic) => panic,
        Ok(()) if took > SLOW => format!("took {:.1} s", took.as_secs_f64()),
        Ok(()) => return,
    };
    let kept = path.with_file_name(format!("failed-{seed}-{number}"));
    let _ = std::fs::copy(path, &kept);
    tally.failed.push(format!("{} ({}): {complaint}", kept.display(), mutant.story));
}

/// Most memory of this process resident at once, in kilobytes; 0 where the system does not tell.
fn high_water() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0)
}
