//! Sends generated noise of some thirty kinds through the probe and reports what was taken for WebSocket: nothing, one hopes.
//!
//!     cargo run --release --example noise -- 10GiB [FIRST_SEED]

// Shared with the tests, which use all of it.
#[allow(dead_code, unreachable_pub)]
#[path = "../tests/support/noise.rs"]
mod noise;
#[allow(dead_code, unreachable_pub)]
#[path = "../tests/support/probing.rs"]
mod probing;
#[allow(dead_code, unreachable_pub)]
#[path = "../tests/support/rng.rs"]
mod rng;

use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let size = arguments.next().unwrap_or_else(|| "1GiB".to_string());
    let units = [("GiB", 1 << 30), ("MiB", 1 << 20)];
    let bytes =
        units.iter().find_map(|(unit, factor)| size.strip_suffix(unit)?.parse::<u64>().ok().map(|n| n * factor));
    let (Some(bytes), Ok(seed)) = (bytes, arguments.next().unwrap_or_else(|| "0".to_string()).parse::<u64>()) else {
        eprintln!("usage: noise SIZE [FIRST_SEED], SIZE as 500MiB or 10GiB");
        return ExitCode::from(2);
    };
    let begun = Instant::now();
    let tally = probing::noise_through_the_probe(seed, bytes);
    let last = seed + tally.flows - 1;
    println!(
        "{} bytes in {} flows (seeds {seed} to {last}), looked at again {} times, in {:.0} s",
        tally.bytes,
        tally.flows,
        tally.woken,
        begun.elapsed().as_secs_f64()
    );
    for (seed, kind) in &tally.claimed {
        println!("taken for WebSocket: seed {seed}, {kind}");
    }
    if tally.claimed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
