//! `still-open`.

use crate::diagnosis::case::Case;
use crate::diagnosis::finding::{Cause, Family, Finding, Verdict};
use crate::diagnosis::{timers, words};
use crate::ids::Side;
use crate::report::model::{Confidence, Party, Severity};

pub(super) const CAUSE: Cause = Cause {
    id: "still-open",
    family: Family::NoClose,
    summary: "the connection was open when the capture ended",
    documentation: "\
# still-open

## What was seen
Neither a Close frame nor a FIN or RST stands in the capture.

## Why the peer closes
It did not, as far as the capture shows.

## How we know
The capture ends before the connection does.

## What would prove us wrong
An end in packets that the capture lacks, or after it stopped.

## Fix
None. To see the end, capture for longer.

## References
RFC 6455 section 7.1.
",
    check,
};

/// A Ping may stay unanswered for this long before it is worth a word.
const PONG_SECONDS: f64 = 5.0;

fn check(case: &Case<'_>) -> Verdict {
    if case.ending.code.is_some() || case.connection.tcp_end.is_some() {
        return Verdict::NotThis;
    }
    let connection = case.connection;
    let mut finding = Finding::new(
        Confidence::Certain,
        Severity::Normal,
        "still open when the capture ends",
        format!(
            "{} its last packet is {}.",
            if case.ending.may_hide_close {
                "The capture shows no end of it, and lacks bytes that may have held a Close frame;"
            } else {
                "Nobody had closed it when the capture ended;"
            },
            case.files().number(connection.last.packet)
        ),
    );
    finding.caused_by = None;
    finding.change = Some(Party::Nobody);
    for side in [Side::Client, Side::Server] {
        let waiting = connection.sent_by(side).pings().first_unanswered;
        let Some(ping) = waiting else { continue };
        let waited = connection.capture_end.seconds_since(ping.at);
        if waited >= PONG_SECONDS && !case.has_holes(side.other()) {
            finding.severity = Severity::Notice;
            finding.title = format!(
                "open, but the {} has not answered the {side}'s Ping for {}",
                side.other(),
                timers::words(waited)
            );
            finding.change = Some(side.other().into());
            finding = finding.with_evidence(
                "unanswered-ping",
                words::sentence(&format!("the {side}'s Ping had no Pong when the capture ended.")),
                &[ping.packet],
            );
        }
    }
    finding.otherwise()
}
