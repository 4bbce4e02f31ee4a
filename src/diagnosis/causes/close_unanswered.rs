//! `close-unanswered`.

use crate::diagnosis::case::Case;
use crate::diagnosis::finding::{Cause, Family, Verdict};
use crate::diagnosis::plain;
use crate::report::model::{Party, Severity};

pub(super) const CAUSE: Cause = Cause {
    id: "close-unanswered",
    family: Family::NoClose,
    summary: "a Close frame was never answered, and its sender gave up waiting",
    documentation: "\
# close-unanswered

## What was seen
One side sent a Close frame whose code says nothing by itself, the other acknowledged it at TCP level and never sent its own
Close, and TCP ended only after a long wait.

## Why the peer closes
The side that did not answer was busy, blocked, or its application does not read from the WebSocket: libraries answer a Close
only while somebody reads. The other side waits for its close timeout and then drops TCP.

## How we know
The Close is in the capture and was acknowledged; no Close of the other side follows before TCP ends.

## What would prove us wrong
An answer among bytes that the capture lacks.

## Fix
Keep reading from the WebSocket until it is closed on the side that did not answer.

## References
RFC 6455 sections 5.5.1 and 7.1.1.
",
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    let Some((from, close)) = case.ending.close else { return Verdict::NotThis };
    // A code tells a story of its own, and an empty Close does so only when nothing followed it.
    let Some(waited) = plain::waited_for_answer(case).filter(|_| close.code.is_none()) else { return Verdict::NotThis };
    let title = format!("{} never answered the {from}'s Close", from.other());
    let mut finding = plain::finding(case, Severity::Notice, title);
    finding.caused_by = Some(from.other().into());
    finding.change = Some(from.other().into());
    let _ = waited;
    finding
        .with_fix(
            Party::from(from.other()),
            "keep reading from the WebSocket until it is closed: libraries answer a Close only while somebody reads.",
            None,
            None,
        )
        .otherwise()
}
