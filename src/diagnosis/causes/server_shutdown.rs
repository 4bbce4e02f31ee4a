//! `server-shutdown`.

use crate::diagnosis::case::Case;
use crate::diagnosis::finding::{Cause, Family, Finding, Verdict};
use crate::diagnosis::going_away;
use crate::diagnosis::going_away::Topic;
use crate::ids::{PacketNumber, Side};
use crate::report::model::{Confidence, Party, Severity};

pub(super) const CAUSE: Cause = Cause {
    id: "server-shutdown",
    family: Family::GoingAway,
    summary: "the server stopped and said so to its clients",
    documentation: "\
# server-shutdown

## What was seen
The server sent Close 1001 (Going Away) or 1012 (Service Restart) to several connections within a short window, or to one with
a reason that speaks of stopping. The capture shows no new connection that it accepted afterwards.

## Why the peer closes
A server that is stopped (deploy, restart, scaling, Ctrl-C) tells its clients so before it ends.

## How we know
Several connections of one server address end with the same code within one and a half seconds of each other, whatever they
were doing; or the reason says it. New connections that are refused afterwards make it sure.

## What would prove us wrong
Ends that follow the same silence or come at the same age: then each connection ran into its own timer.

## Fix
Nobody has to change the server. Clients reconnect with exponential backoff and jitter; RFC 6455 section 7.2.3 asks for it.

## References
RFC 6455 sections 7.2.3 and 7.4.1; IANA close code 1012.
",
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    let reason_says = going_away::topic(case.ending.reason()) == Some(Topic::Shutdown);
    if case.ending.closer != Some(Side::Server)
        || case.ending.close.is_none()
        || !(going_away::says_going(case) || reason_says)
    {
        return Verdict::NotThis;
    }
    let event = case.world.server_event(case.index);
    if event.is_some_and(|e| e.after.accepted.is_some()) || event.is_none() && !reason_says {
        return Verdict::NotThis;
    }
    let confidence = match event {
        // That nothing was accepted afterwards is known only where nothing is missing.
        Some(event) if event.is_mass() && !case.world.lossy && (reason_says || !event.after.refused.is_empty()) => {
            Confidence::Certain
        }
        Some(event) if event.is_mass() && matches!(case.ending.code, Some(1001 | 1012)) => Confidence::Likely,
        _ if reason_says => Confidence::Likely,
        _ => Confidence::Possible,
    };
    let mut finding =
        Finding::new(confidence, Severity::Notice, title(case), going_away::closed_words(case, Side::Server));
    finding.caused_by = Some(Party::Server);
    finding.change = Some(Party::Nobody);
    if reason_says {
        finding = finding.with_evidence(
            "close-reason",
            "The close reason speaks of the server stopping.",
            &close_packet(case),
        );
    }
    if let Some(event) = event {
        going_away::add_event(case, event, &mut finding);
        going_away::add_return(case.files(), event, &mut finding);
    }
    going_away::add_reconnect_fix(&mut finding);
    finding.fits()
}

/// A code that other ends have too does not say so.
fn title(case: &Case<'_>) -> String {
    match case.ending.close.and_then(|(_, c)| c.code) {
        Some(1001 | 1012) => "server shut down and said so to its clients".to_string(),
        Some(code) => format!("server closed all its connections at once with {code}, as when it shuts down"),
        None => "server closed all its connections at once with an empty Close, as when it shuts down".to_string(),
    }
}

fn close_packet(case: &Case<'_>) -> Vec<PacketNumber> {
    case.ending.close.map(|(_, c)| c.origin.packet).into_iter().collect()
}
