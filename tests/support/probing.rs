//! Noise through the probe, as the analyzer gives it the bytes of a connection whose beginning it has not seen.

use wsdiag::ids::{Origin, StreamOffset};
use wsdiag::websocket::{Probe, Probed};

use super::noise::{self, KINDS};
use super::rng::Rng;

/// What became of some noise.
#[derive(Debug, Default)]
pub struct Tally {
    /// Bytes given to the probe or glanced at.
    pub bytes: u64,
    /// Flows.
    pub flows: u64,
    /// Times that a single segment made the probe look again.
    pub woken: u64,
    /// Seeds and kinds of the flows that were taken for WebSocket.
    pub claimed: Vec<(u64, &'static str)>,
}

/// Probes flows with the seeds from `seed` on until `bytes` are through.
pub fn noise_through_the_probe(seed: u64, bytes: u64) -> Tally {
    let mut tally = Tally::default();
    for seed in seed.. {
        if tally.bytes >= bytes {
            return tally;
        }
        one_flow(seed, &mut tally);
    }
    tally
}

fn one_flow(seed: u64, tally: &mut Tally) {
    let mut rng = Rng::new(seed);
    let kind = seed as usize % KINDS.len();
    let mut probe = Some(Probe::default());
    let mut offsets = [0u64; 2];
    let (mut woken, mut claimed) = (0, false);
    tally.bytes += noise::flow(&mut rng, kind, &mut |from, bytes| {
        let offset = StreamOffset(offsets[from]);
        offsets[from] += bytes.len() as u64;
        if probe.is_none() && Probe::glance(bytes) {
            woken += 1;
            probe = Some(Probe::default());
        }
        let Some(active) = &mut probe else { return };
        match active.data(from, offset, bytes, Origin::default(), StreamOffset(0)) {
            Probed::More => {}
            Probed::Nothing => probe = None,
            Probed::Frames { .. } => claimed = true,
        }
    });
    if let Some(mut probe) = probe {
        claimed |= probe.finish([true, true], true) != Probed::More;
    }
    tally.flows += 1;
    tally.woken += woken;
    if claimed {
        tally.claimed.push((seed, KINDS[kind].0));
    }
}
