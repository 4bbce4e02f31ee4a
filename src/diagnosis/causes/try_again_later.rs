//! `try-again-later`.

use crate::diagnosis::case::Case;
use crate::diagnosis::finding::{Cause, Family, Verdict};
use crate::diagnosis::{plain, words};
use crate::report::model::{Party, Severity};

pub(super) const CAUSE: Cause = Cause {
    id: "try-again-later",
    family: Family::Plain,
    summary: "the server is overloaded (1013)",
    documentation: "\
# try-again-later

## What was seen
The server closed with 1013 (Try Again Later).

## Why the peer closes
It is over a limit of its own: connections, memory, a queue. The connection opened, so the limit is not in the listener.

## How we know
The code says it; the reason may name the limit.

## What would prove us wrong
The server's log at that moment naming something else.

## Fix
Raise the limit or add servers; let clients wait before they come back.

## References
IANA WebSocket Close Code Number Registry, code 1013.
",
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    let Some((from, close)) = plain::close_with(case, 1013) else { return Verdict::NotThis };
    let title = format!("{from} asked to try again later (1013){}", plain::reason_in_title(close));
    let mut finding = plain::finding(case, Severity::Problem, title);
    finding.caused_by = Some(from.into());
    finding.change = Some(from.into());
    let server = case.connection.server;
    let open = case.world.open_at(server, close.origin.at);
    if open > 0 {
        let open = words::count(open, "other connection", "other connections");
        plain::note(&mut finding, format!("The capture shows {open} open to {server} at that moment."), &[]);
    }
    plain::add_known_meaning(case, &mut finding);
    finding
        .with_fix(
            Party::from(from),
            "find the limit that the reason or its log names, and raise it or add servers.",
            None,
            None,
        )
        .with_fix(Party::Client, "wait with a growing, random delay before it connects again.", None, None)
        .otherwise()
}
