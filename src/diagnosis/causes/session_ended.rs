//! `session-ended`.

use crate::diagnosis::case::Case;
use crate::diagnosis::finding::{Cause, Family, Finding, Verdict};
use crate::diagnosis::going_away;
use crate::diagnosis::going_away::Topic;
use crate::report::model::{Confidence, Party, Severity};

pub(super) const CAUSE: Cause = Cause {
    id: "session-ended",
    family: Family::GoingAway,
    summary: "the server ended a session on purpose",
    documentation: "\
# session-ended

## What was seen
A Close 1001 (or 1000, 1008) whose reason speaks of a session: expired, logged out, replaced by another connection, forced.

## Why the peer closes
The application ended the session; the WebSocket went with it.

## How we know
The reason text says so.

## What would prove us wrong
The application's log naming another reason.

## Fix
Let the client sign in again and open a new connection, or renew the session before it ends.

## References
The application's documentation of its close reasons.
",
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    let (Some(closer), Some((_, close))) = (case.ending.closer, case.ending.close) else { return Verdict::NotThis };
    if case.ending.code != Some(1001) || going_away::topic(&close.reason) != Some(Topic::Session) {
        return Verdict::NotThis;
    }
    let mut finding = Finding::new(
        Confidence::Likely,
        Severity::Notice,
        format!("{closer} ended the session: \"{}\"", close.reason),
        going_away::closed_words(case, closer),
    );
    finding.caused_by = Some(Party::from(closer));
    finding.change = Some(Party::from(closer.other()));
    finding
        .with_evidence("close-reason", "The close reason speaks of the session.", &[close.origin.packet])
        .with_fix(
            Party::from(closer.other()),
            "sign in again and open a new connection; renew the session before it ends.",
            None,
            None,
        )
        .fits()
}
