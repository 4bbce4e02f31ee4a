//! `server-restart`.

use crate::diagnosis::case::Case;
use crate::diagnosis::finding::{Cause, Family, Finding, Verdict};
use crate::diagnosis::going_away;
use crate::diagnosis::timers;
use crate::ids::Side;
use crate::report::model::{Confidence, Party, Severity};

pub(super) const CAUSE: Cause = Cause {
    id: "server-restart",
    family: Family::GoingAway,
    summary: "the server closed its connections and accepted new ones afterwards",
    documentation: "\
# server-restart

## What was seen
The server sent Close 1001 or 1012 to its connections within a short window, and accepted new connections at the same address
later: at once (another instance, a rolling restart) or after refusing some.

## Why the peer closes
A deploy or restart: the old process says goodbye, the new one takes over.

## How we know
The closes fall together whatever the connections were doing, and a later handshake to the same address succeeded.

## What would prove us wrong
Closes that follow the same silence or come at the same age: timers of the single connections.

## Fix
Nobody has to change the server. How soon clients come back decides whether the new process starts under a flood: exponential
backoff with jitter. Draining (no new connections, old ones closed over minutes) avoids the burst.

## References
RFC 6455 sections 7.2.3 and 7.4.1; IANA close code 1012.
",
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    if case.ending.closer != Some(Side::Server) || case.ending.close.is_none() || !going_away::says_going(case) {
        return Verdict::NotThis;
    }
    let Some(event) = case.world.server_event(case.index) else { return Verdict::NotThis };
    let Some((accepted, _)) = event.after.accepted else {
        return if event.after.refused.is_empty() {
            Verdict::NotThis
        } else {
            Verdict::RuledOut("no new connection was accepted before the capture ends".to_string())
        };
    };
    let was_down = !event.after.refused.is_empty() || event.after.unanswered > 0;
    let confidence = if event.is_mass() && was_down { Confidence::Certain } else { Confidence::Likely };
    let title = if was_down {
        format!("server restarted: new connections again {} later", timers::words(accepted.seconds_since(event.from)))
    } else {
        "server closed its connections while it accepted new ones (rolling restart or drain)".to_string()
    };
    let mut finding = Finding::new(confidence, Severity::Notice, title, going_away::closed_words(case, Side::Server));
    finding.caused_by = Some(Party::Server);
    finding.change = Some(Party::Nobody);
    going_away::add_event(case, event, &mut finding);
    going_away::add_return(case.files(), event, &mut finding);
    going_away::add_reconnect_fix(&mut finding);
    finding.fits()
}
