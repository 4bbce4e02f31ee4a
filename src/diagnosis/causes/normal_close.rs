//! `normal-close`.

use crate::diagnosis::case::Case;
use crate::diagnosis::finding::{Cause, Family, Verdict};
use crate::diagnosis::{plain, words};
use crate::ids::{PacketNumber, Side, Timestamp};
use crate::report::model::{Confidence, Party, Severity};

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
    // Where packets are missing, the ends of the others may be among them.
    if from == Side::Server && case.world.lossy && case.world.siblings(case.index).count() > 1 {
        finding.confidence = finding.confidence.min(Confidence::Likely);
    }
    let together = closed_together(case, from);
    if from == Side::Server && !together.is_empty() {
        finding.confidence = finding.confidence.min(Confidence::Likely);
        let text = format!(
            "The server closed {} with 1000 at the same moment: what they shared came to its end, or the server itself. The \
             capture shows no connection that it refused afterwards.",
            words::count(together.len(), "other connection", "other connections")
        );
        plain::note(&mut finding, text, &together);
    }
    if from == Side::Server && finding.severity == Severity::Normal {
        plain::add_known_meaning(case, &mut finding);
    }
    finding.otherwise()
}

/// Seconds within which calm closes of one server are one act.
const AT_ONCE: f64 = 0.5;
/// As many of them are named.
const NAMED: usize = 5;

/// The Close frames of other connections that `from` closed normally at the same moment.
fn closed_together(case: &Case<'_>, from: Side) -> Vec<PacketNumber> {
    let Some(end) = case.ending.at else { return Vec::new() };
    let endings =
        case.world.siblings(case.index).filter(|(i, _)| *i != case.index).map(|(i, _)| &case.world.endings[i]);
    let calm = endings.filter(|e| e.closer == Some(from) && e.code == Some(1000)).filter_map(|e| e.at);
    let apart = |at: Timestamp| at.seconds_since(end.at).max(end.at.seconds_since(at));
    calm.filter(|o| apart(o.at) <= AT_ONCE).map(|o| o.packet).take(NAMED).collect()
}
