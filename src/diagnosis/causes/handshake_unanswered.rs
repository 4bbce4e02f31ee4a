//! `handshake-unanswered`: the documentation; the check is in [`crate::diagnosis`]'s handshakes.

use crate::diagnosis::case::Case;
use crate::diagnosis::finding::{Cause, Family, Verdict};

pub(super) const CAUSE: Cause = Cause {
    id: "handshake-unanswered",
    family: Family::Handshake,
    summary: "the upgrade request never got an HTTP answer",
    documentation: "\
# handshake-unanswered

## What was seen
An upgrade request, and no answer to it: TCP ended, or the capture did.

## Why the peer closes
The server is stuck or overloaded before it accepts, the port speaks something else (TLS), or a client gave up waiting.

## How we know
The request was captured and no byte of an answer was.

## What would prove us wrong
An answer among packets that the capture lacks.

## Fix
Check that the port speaks HTTP and the scheme fits (ws:// or wss://), and what blocks the server before it accepts.

## References
RFC 6455 section 4.1.
",
    check,
};

/// A connection that opened was not refused.
fn check(_case: &Case<'_>) -> Verdict {
    Verdict::NotThis
}
