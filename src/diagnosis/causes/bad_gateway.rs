//! `bad-gateway`.

use crate::diagnosis::case::Case;
use crate::diagnosis::finding::{Cause, Family, Verdict};
use crate::diagnosis::plain;
use crate::report::model::{Party, Severity};

pub(super) const CAUSE: Cause = Cause {
    id: "bad-gateway",
    family: Family::Plain,
    summary: "a gateway lost or could not reach its backend (1014)",
    documentation: "\
# bad-gateway

## What was seen
A Close with 1014 (Bad Gateway).

## Why the peer closes
A gateway or proxy that speaks WebSocket got an invalid answer from its backend, or lost it.

## How we know
The code says it.

## What would prove us wrong
The gateway's log naming something else.

## Fix
Look at the backend: the gateway's log names it.

## References
IANA WebSocket Close Code Number Registry, code 1014.
",
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    let Some((from, close)) = plain::close_with(case, 1014) else { return Verdict::NotThis };
    let title = format!("the gateway at the {from}'s address lost its backend (1014){}", plain::reason_in_title(close));
    let mut finding = plain::finding(case, Severity::Problem, title);
    finding.caused_by = Some(Party::Proxy);
    finding.change = Some(Party::Proxy);
    plain::add_known_meaning(case, &mut finding);
    finding
        .with_fix(
            Party::Proxy,
            "read its log at that time for the backend it used and that backend's answer; capture between the two as well.",
            None,
            None,
        )
        .otherwise()
}
