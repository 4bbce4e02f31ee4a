//! `inflated-message-over-limit`.

use crate::diagnosis::case::Case;
use crate::diagnosis::finding::{Cause, Family, Verdict};
use crate::diagnosis::too_big::Counted;
use crate::diagnosis::too_big::{self, Suspicion};

pub(super) const CAUSE: Cause = Cause {
    id: "inflated-message-over-limit",
    family: Family::TooBig,
    summary: "a compressed message was small on the wire and too big after inflating",
    documentation: "\
# inflated-message-over-limit

## What was seen
A message with RSV1 set (permessage-deflate, RFC 7692) was refused. On the wire it is below the limit, after inflating above it.

## Why the peer closes
Receivers that guard against deflate bombs count what comes out of the decoder.

## How we know
wsdiag inflates the message itself and knows both sizes; the limit is stated, a known default, or bracketed as for
message-over-limit.

## What would prove us wrong
A larger inflated message that the same receiver accepted.

## Fix
As for message-over-limit: raise the limit or send several messages. Better compression does not help.

## References
RFC 7692 section 8 (security considerations); RFC 6455 section 10.4.
",
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    match too_big::suspect(case) {
        Some(Suspicion::Inflated(suspect)) => too_big::build(case, suspect, Counted::Inflated).fits(),
        Some(Suspicion::Message(suspect)) if suspect.message.compressed => Verdict::RuledOut(format!(
            "the message has {} on the wire too, not much less than inflated",
            crate::diagnosis::words::bytes(suspect.message.wire_bytes)
        )),
        _ => Verdict::NotThis,
    }
}
