//! `frame-over-limit`.

use crate::diagnosis::case::Case;
use crate::diagnosis::finding::{Cause, Family, Verdict};
use crate::diagnosis::too_big::Counted;
use crate::diagnosis::too_big::{self, Suspicion};

pub(super) const CAUSE: Cause = Cause {
    id: "frame-over-limit",
    family: Family::TooBig,
    summary: "a single frame was larger than the receiver's limit for frames",
    documentation: "\
# frame-over-limit

## What was seen
A frame larger than every frame that the receiver had accepted was refused, while larger messages in several frames had passed; or
the receiver is an implementation that limits frames.

## Why the peer closes
API gateways, Netty, tungstenite, Vert.x and WebSocket-Node bound the length of one frame: it is what they buffer at once.

## How we know
The largest accepted fragmented message is larger than the refused frame; or the default of the identified implementation for
frames lies between accepted and refused.

## What would prove us wrong
A larger frame that the same receiver accepted.

## Fix
Send the message in several frames (continuation frames) below the limit, or raise the receiver's frame limit.

## References
RFC 6455 sections 5.4 and 10.4.
",
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    match too_big::suspect(case) {
        Some(Suspicion::Frame(suspect)) => {
            let mut finding = too_big::build(case, suspect, Counted::Frame);
            finding.change = Some(suspect.from.into());
            finding.fits()
        }
        Some(Suspicion::Message(suspect)) if suspect.message.fragments > 1 => Verdict::RuledOut(format!(
            "the message came in {} frames of at most {} bytes, which had passed before or are below the limit",
            suspect.message.fragments,
            crate::diagnosis::words::grouped(suspect.message.largest_frame)
        )),
        _ => Verdict::NotThis,
    }
}
