//! Nothing that merely looks like WebSocket may be taken for it.

mod support;

use support::probing::noise_through_the_probe;

/// A run of 10 GiB is `cargo run --release --example noise -- 10GiB`.
#[test]
fn no_noise_is_taken_for_frames() {
    let tally = noise_through_the_probe(0, 48 << 20);
    assert_eq!(tally.claimed, [], "of {} flows", tally.flows);
    assert!(tally.woken > 0, "noise never looked like a frame at first sight: the glance was not tried");
}
