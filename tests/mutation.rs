//! Captures with something wrong in them are read as far as they go: no panic, no hang, memory below a fixed bound.
//!
//! The same mutants on every machine. `cargo bench --bench mutate -- 1000000 SEED` tries many more of them.

mod support;

use std::alloc::System;
use std::time::{Duration, Instant};

use cap::Cap;
use support::mutate::Stock;
use support::trial::{self, Bounds, Watch};

/// Counts what is allocated: memory, and a measure of work that no busy machine changes.
#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

const SEED: u64 = 1;
const MUTANTS: u64 = 3000;
/// Of one input, far above what any good capture of this size needs.
const BOUNDS: Bounds = Bounds { held: 32 << 20, allocated: 64 << 20 };

#[test]
fn mutants_are_read_within_bounds() {
    let stock = Stock::new();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("mutant");
    let watch = Watch::begin(Duration::from_secs(120));
    let begin = Instant::now();
    let (mut most_held, mut most_allocated) = (0, 0);
    for number in 0..MUTANTS {
        let mutant = stock.mutant(SEED, number);
        std::fs::write(&path, &mutant.bytes).expect("a file can be written");
        watch.on(format!("mutant {number} of seed {SEED}: {}", mutant.story));
        let (held, allocated) = (ALLOCATOR.allocated(), ALLOCATOR.total_allocated());
        let outcome = trial::attempt(&path);
        let used = Bounds {
            held: ALLOCATOR.allocated().saturating_sub(held),
            allocated: ALLOCATOR.total_allocated() - allocated,
        };
        if let Err(panic) = outcome {
            panic!("mutant {number} of seed {SEED} ({}): {panic}", mutant.story);
        }
        assert!(used.allocated <= BOUNDS.allocated, "mutant {number} of seed {SEED} ({}): {used:?}", mutant.story);
        (most_held, most_allocated) = (most_held.max(used.held), most_allocated.max(used.allocated));
    }
    let most = ALLOCATOR.max_allocated();
    println!(
        "{MUTANTS} mutants in {:.1} s; at most {} kB allocated for one, {} kB held at any time, {} kB kept",
        begin.elapsed().as_secs_f64(),
        most_allocated / 1000,
        most / 1000,
        most_held / 1000
    );
    // The stock itself is part of what is held.
    let stock_bytes: usize = stock.captures.iter().map(|(_, bytes)| bytes.capacity()).sum();
    assert!(most <= BOUNDS.held + 2 * stock_bytes, "{most} bytes held at once");
}
