//! `no-status-close`.

use crate::diagnosis::case::Case;
use crate::diagnosis::finding::{Cause, Family, Verdict};
use crate::diagnosis::plain;
use crate::report::model::{Confidence, Party, Severity};

pub(super) const CAUSE: Cause = Cause {
    id: "no-status-close",
    family: Family::Plain,
    summary: "an empty Close: APIs report 1005",
    documentation: "\
# no-status-close

## What was seen
The first Close is empty. APIs report 1005 (No Status Received), a code that never stands on the wire.

## Why the peer closes
One side called close() without a code. Browsers send an empty Close then, and so do many libraries.

## How we know
The Close frame is in the capture, and its body is empty. Disguises were looked for as with 1000.

## What would prove us wrong
A Close body among bytes that the capture lacks.

## Fix
None. A code and a reason in close() would tell the other side why.

## References
RFC 6455 sections 5.5.1 and 7.1.5.
",
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    let Some((from, _)) = case.ending.close.filter(|(_, c)| c.code.is_none() && c.length == 0) else {
        return Verdict::NotThis;
    };
    let title = format!("{from} closed without a status code (APIs report 1005)");
    let mut finding = plain::finding(case, Severity::Normal, title);
    finding.change = finding.change.or(Some(Party::Nobody));
    plain::note_hidden(case, &mut finding);
    // Whether the other side left it unanswered, or the capture lacks what followed, is open.
    if case.ending.answer.is_none() {
        finding.confidence = finding.confidence.min(Confidence::Likely);
    }
    finding.otherwise()
}
