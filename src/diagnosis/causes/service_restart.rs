//! `service-restart`.

use crate::diagnosis::case::Case;
use crate::diagnosis::finding::{Cause, Family, Verdict};
use crate::diagnosis::plain;
use crate::report::model::{Confidence, Party, Severity};

pub(super) const CAUSE: Cause = Cause {
    id: "service-restart",
    family: Family::Plain,
    summary: "the server restarts (1012)",
    documentation: "\
# service-restart

## What was seen
The server closed with 1012 (Service Restart).

## Why the peer closes
It is being restarted or redeployed, and tells clients to come back. uvicorn sends 1012 on every shutdown.

## How we know
The code says it.

## What would prove us wrong
No restart in the server's log at that time.

## Fix
None on the server. Clients reconnect after a random delay (the registry suggests 5 to 30 seconds).

## References
IANA WebSocket Close Code Number Registry, code 1012.
",
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    let Some((from, close)) = plain::close_with(case, 1012) else { return Verdict::NotThis };
    let title = format!("{from} closed for a restart (1012){}", plain::reason_in_title(close));
    let mut finding = plain::finding(case, Severity::Notice, title);
    finding.confidence = Confidence::Likely;
    finding.change = Some(Party::Nobody);
    plain::add_known_meaning(case, &mut finding);
    finding
        .with_fix(
            Party::Client,
            "reconnect after a random delay of 5 to 30 seconds.",
            None,
            Some("IANA WebSocket Close Code Number Registry".to_string()),
        )
        .fits()
}
