//! `going-away-unexplained`.

use crate::diagnosis::case::Case;
use crate::diagnosis::finding::{Cause, Family, Finding, Verdict};
use crate::diagnosis::going_away;
use crate::report::model::{Confidence, Party, Severity};

pub(super) const CAUSE: Cause = Cause {
    id: "going-away-unexplained",
    family: Family::GoingAway,
    summary: "one side said that it goes away, and nothing shows why",
    documentation: "\
# going-away-unexplained

## What was seen
A Close 1001 on one connection, without a reason that says more, without others closing at the same time, and after a silence
and at an age that fit no timer.

## Why the peer closes
A server that stops, an idle or age timer, an application that uses 1001 as its ordinary code: all look like this on a single
connection.

## How we know
We do not: the capture shows who closed and when, and excludes what it excludes.

## What would prove us wrong
The log of the closing side at that time.

## Fix
Look at the closing side's log at the time of the Close; record all connections of that server for longer, so that a pattern
can show.

## References
RFC 6455 section 7.4.1.
",
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    let (Some(closer), Some((_, close))) = (case.ending.closer, case.ending.close) else { return Verdict::NotThis };
    if close.code != Some(1001) {
        return Verdict::NotThis;
    }
    let mut finding = Finding::new(
        Confidence::Possible,
        Severity::Notice,
        format!("{closer} said that it goes away (1001), and nothing shows why"),
        format!("{} {}", going_away::closed_words(case, closer), going_away::silence_words(case)),
    );
    finding.caused_by = Some(Party::from(closer));
    finding
        .with_fix(
            Party::from(closer),
            "look at its log at that time for a stop, a deploy or an idle timer; record all its connections for longer.",
            None,
            None,
        )
        .fits()
}
