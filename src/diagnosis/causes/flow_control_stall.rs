//! `flow-control-stall`.

use crate::connection::Stall;
use crate::diagnosis::case::Case;
use crate::diagnosis::drops;
use crate::diagnosis::finding::{Cause, Family, Finding, Verdict};
use crate::diagnosis::{timers, words};
use crate::ids::Side;
use crate::report::model::{Confidence, Party, Severity};

pub(super) const CAUSE: Cause = Cause {
    id: "flow-control-stall",
    family: Family::NoClose,
    summary: "one end of a WebSocket in HTTP/2 gave the other no more room to send, until the stream ended",
    documentation: "\
# flow-control-stall

## What was seen
A WebSocket in an HTTP/2 stream (RFC 8441). One end had sent as much as the other allowed: the flow-control window of the stream,
or that of the whole connection, was used up. No WINDOW_UPDATE opened it again before the stream ended without a Close frame.

## Why the peer closes
An end without window can send nothing: no message, no Pong, no Close. One of the two gives up: its ping timeout or write
timeout ends the stream. The receiver did not read: its application is blocked or too slow, or it does not give the bytes that it
has read back to the HTTP/2 library. Where the window of the connection is used up, another stream that nobody reads may hold it.

## How we know
SETTINGS, WINDOW_UPDATE and every DATA frame of that direction are in the capture and are added up. How much waited unsent is not
visible: that something did is likely where a message was begun and not finished, and else only possible.

## What would prove us wrong
A sender that had nothing more to send. A window that its sender counts otherwise: compare the HTTP/2 log of both ends.

## Fix
Let the receiver read on, whatever its application does with the messages, and acknowledge what it has read to its HTTP/2
library. A larger window (SETTINGS_INITIAL_WINDOW_SIZE) only delays the stall.

## References
RFC 9113 sections 5.2 and 6.9; RFC 8441 section 5.
",
    check,
};

/// A window that opens again within this is everyday.
const STALL_SECONDS: f64 = 1.0;

fn check(case: &Case<'_>) -> Verdict {
    let Some(http2) = case.connection.http2.as_deref() else { return Verdict::NotThis };
    if drops::bare_end(case).is_none() {
        return Verdict::NotThis;
    }
    for side in [Side::Client, Side::Server] {
        let Some(stall) = http2.stall(side) else { continue };
        let waited = case.seconds_before_end(stall.since).unwrap_or(0.0);
        // A WINDOW_UPDATE may be among what is missing of either side.
        let holes = case.has_holes(side) || case.has_holes(side.other()) || case.world.lossy;
        if waited >= STALL_SECONDS && !holes {
            return finding(case, side, stall, waited).fits();
        }
    }
    Verdict::NotThis
}

fn finding(case: &Case<'_>, side: Side, stall: Stall, waited: f64) -> Finding {
    let other = side.other();
    let message = case.connection.sent_by(side).recent.last().filter(|m| !m.complete);
    let window = if stall.of_connection { "of the HTTP/2 connection" } else { "of the stream" };
    let waited = timers::words(waited);
    let title = format!("{other} gave the {side} no room to send for {waited}, until the stream ended");
    let unfinished = match message {
        Some(message) => format!(
            " Its {} message ({}) was begun and not finished.",
            words::kind(message.kind),
            case.packets(message.first.packet, message.last.packet)
        ),
        None => String::new(),
    };
    let end = case.connection.tcp_end.map_or_else(String::new, |end| {
        format!(" {} {}{}", words::sentence(&case.who(end.by)), drops::how(case, end), drops::without_close(case))
    });
    let explanation = format!(
        "{} used up the flow-control window {window} ({}); the {other} sent no WINDOW_UPDATE for it in the {waited} that \
         followed.{unfinished}{end}",
        words::sentence(&case.who(side)),
        case.packet(stall.since.packet)
    );
    let confidence = if message.is_some() { Confidence::Likely } else { Confidence::Possible };
    let mut finding = Finding::new(confidence, Severity::Problem, title, explanation);
    finding.caused_by = Some(Party::from(other));
    finding.change = Some(Party::from(other));
    if stall.of_connection {
        finding = finding.with_evidence(
            "note",
            "All streams of the connection share this window: data of another stream that nobody read may hold it.",
            &[],
        );
    }
    finding
        .with_evidence(
            "window",
            format!("The {side} may have had more to send, a Pong or a Close too: what waits for a window is not visible."),
            &[stall.since.packet],
        )
        .with_fix(
            Party::from(other),
            "let it go on reading the WebSocket while it handles messages, and see that what it has read is acknowledged to \
             its HTTP/2 library (WINDOW_UPDATE).",
            None,
            Some("RFC 9113 section 5.2".to_string()),
        )
        .with_fix(
            Party::from(side),
            "send no faster than the other end handles: wait for its answers, or watch the amount that is buffered \
             (bufferedAmount in browsers).",
            None,
            None,
        )
}
