//! `declared-length-absurd`.

use crate::diagnosis::case::Case;
use crate::diagnosis::finding::Finding;
use crate::diagnosis::finding::{Cause, Family, Verdict};
use crate::diagnosis::too_big::{self, Suspicion};
use crate::diagnosis::words;
use crate::report::model::{Confidence, Party, Severity};

pub(super) const CAUSE: Cause = Cause {
    id: "declared-length-absurd",
    family: Family::TooBig,
    summary: "a frame header announced a length that cannot be meant",
    documentation: "\
# declared-length-absurd

## What was seen
A frame header announced 2 GiB or more, or a 64-bit length with its highest bit set, and nothing like that followed.

## Why the peer closes
Receivers check the announced length before a byte of the payload arrives.

## How we know
The header itself: the announced length stands in the capture beside the bytes that were really sent.

## What would prove us wrong
A sender that really meant to send that much.

## Fix
A bug in the sender's framing code: a length written in the wrong byte order, a negative or uninitialised length, or bytes of
another protocol taken for a header. Raising the receiver's limit does not help.

## References
RFC 6455 section 5.2 (the most significant bit must be 0).
",
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    let Some(Suspicion::Absurd(suspect)) = too_big::suspect(case) else { return Verdict::NotThis };
    let (from, message) = (suspect.from, suspect.message);
    let mut finding = Finding::new(
        Confidence::Certain,
        Severity::Problem,
        format!(
            "{from} announced a frame of {} and sent {}",
            words::bytes(message.declared_bytes),
            words::bytes(message.wire_bytes)
        ),
        format!(
            "{} sent a {} frame whose header announces {} ({}); {} of it followed. {}",
            words::sentence(&case.who(from)),
            words::kind(message.kind),
            words::bytes(message.declared_bytes),
            case.packet(message.first.packet),
            words::bytes(message.wire_bytes),
            too_big::ended_by(case, from.other())
        ),
    );
    finding.caused_by = Some(Party::from(from));
    finding.change = Some(Party::from(from));
    finding.message = Some(words::message_report(from, message));
    finding
        .with_evidence(
            "declared-length",
            format!("The header announces {} bytes (hexadecimal {:x}).", words::grouped(message.declared_bytes), message.declared_bytes),
            &[message.first.packet],
        )
        .with_fix(
            Party::from(from),
            "correct how its framing code writes the length: byte order, sign, or an offset into the wrong buffer. No limit of \
             the receiver should be raised for this.",
            None,
            Some("RFC 6455 section 5.2".to_string()),
        )
        .fits()
}
