//! `normal-close`.

use crate::diagnosis::case::Case;
use crate::diagnosis::finding::{Cause, Family, Verdict};
use crate::diagnosis::plain;
use crate::ids::Side;
use crate::report::model::{Party, Severity};

pub(super) const CAUSE: Cause = Cause {
    id: "normal-close",
    family: Family::Plain,
    summary: "a normal closure (1000)",
    documentation: "\
# normal-close

## What was seen
The first Close carries 1000 (Normal Closure).

## Why the peer closes
The purpose of the connection was fulfilled: one side called close().

## How we know
The code says it, and the usual disguises were looked for first: a message over a limit, invalid text, a broken rule, a Ping
that went unanswered, a timer. What remains of these is told as a note.

## What would prove us wrong
The same silence before several such closes of one server (an idle timer); a log entry of the closer about an error.

## Fix
None. If the close surprises, its sender names who called close().

## References
RFC 6455 section 7.4.1.
",
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    let Some((from, close)) = plain::close_with(case, 1000) else { return Verdict::NotThis };
    let title = format!("{from} closed normally (1000){}", plain::reason_in_title(close));
    let mut finding = plain::finding(case, Severity::Normal, title);
    finding.change = finding.change.or(Some(Party::Nobody));
    plain::note_hidden(case, &mut finding);
    if from == Side::Server && finding.severity == Severity::Normal {
        plain::add_known_meaning(case, &mut finding);
    }
    finding.otherwise()
}
