//! `handshake-invalid`: the documentation; the check is in [`crate::diagnosis`]'s handshakes.

use crate::diagnosis::case::Case;
use crate::diagnosis::finding::{Cause, Family, Verdict};

pub(super) const CAUSE: Cause = Cause {
    id: "handshake-invalid",
    family: Family::Handshake,
    summary: "the server answered 101, but with headers that a client must refuse",
    documentation: "\
# handshake-invalid

## What was seen
A 101 whose headers break RFC 6455 section 4.1: no or a wrong Sec-WebSocket-Accept, no Upgrade or Connection, an extension or
a subprotocol that the client did not offer. The client sent no frame after it.

## Why the peer closes
The client checks the 101 and fails the connection; browsers log the reason in their console.

## How we know
The accept value is computed again from the key in the request; extensions and subprotocols are compared with the offer.

## What would prove us wrong
A request that a proxy changed after the capture point.

## Fix
Answer upgrades with a WebSocket library; never cache a 101; offer and accept the same subprotocol names.

## References
RFC 6455 sections 4.1 and 4.2.2; RFC 7692 section 5.
",
    check,
};

/// A connection that opened was not refused.
fn check(_case: &Case<'_>) -> Verdict {
    Verdict::NotThis
}
