//! `message-over-limit`.

use crate::diagnosis::case::Case;
use crate::diagnosis::finding::{Cause, Family, Verdict};
use crate::diagnosis::too_big::{self, Suspicion};

pub(super) const CAUSE: Cause = Cause {
    id: "message-over-limit",
    family: Family::TooBig,
    summary: "a message was larger than the receiver's limit for a whole message",
    documentation: "\
# message-over-limit

## What was seen
One side sent a message and the other ended the connection, mostly with Close 1009 (Message Too Big, RFC 6455 section
7.4.1), often with a bare TCP end instead. The message, all its fragments together, is larger than every message that the
same receiver had accepted before, or larger than the limit that the close reason names. Where the beginning of the message is
missing from the capture, the code and the bytes that could not be read stand for it.

## Why the peer closes
Receivers bound the size of a message because they collect it in memory before the application sees it. The limit counts
the payload of all fragments together, after inflating.

## How we know
In this order: the close reason names the limit; the largest accepted and the refused size stand on either side of a
default of the identified implementation; no larger message had been accepted by that receiver on any connection. Whether
the receiver had the message is decided by the acknowledgement number in its Close, not by which message came last.

## What would prove us wrong
A larger message that the same receiver accepted; a limit on single frames (then fragments would pass); a message that
only inflates above the limit.

## Fix
Raise the receiver's limit to a value that would have passed, or let the sender send several messages. Splitting one
message into fragments does not help, because the limit counts the whole. Proxy body-size and buffer settings and TCP
buffers do not matter: they do not limit WebSocket messages.

## References
RFC 6455 sections 5.4, 7.4.1 and 10.4.
",
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    let Some(suspicion) = too_big::suspect(case) else { return Verdict::NotThis };
    match suspicion {
        Suspicion::Message(suspect) => too_big::finding(case, suspect).fits(),
        Suspicion::Lost(lost) => too_big::lost::finding(case, lost).fits(),
        Suspicion::Frame(suspect) => Verdict::RuledOut(format!(
            "larger messages passed in several frames (up to {} bytes): the limit is on single frames",
            crate::diagnosis::words::grouped(suspect.accepted.fragmented.unwrap_or(0))
        )),
        _ => Verdict::NotThis,
    }
}
