//! `client-shutting-down`.

use crate::diagnosis::case::Case;
use crate::diagnosis::finding::{Cause, Family, Finding, Verdict};
use crate::diagnosis::going_away;
use crate::ids::Side;
use crate::report::model::{Confidence, Party, Severity};

pub(super) const CAUSE: Cause = Cause {
    id: "client-shutting-down",
    family: Family::GoingAway,
    summary: "a client that is no browser said that it goes away",
    documentation: "\
# client-shutting-down

## What was seen
The client sent Close 1001 (Going Away), and its handshake is not that of a browser.

## Why the peer closes
Client programs send 1001 when they are stopped in an orderly way: an app is closed, a service restarts, a library's close
uses 1001 by default.

## How we know
The Close is masked, so the client sent it.

## What would prove us wrong
A pattern over connections of this client: a constant age or a constant silence points to a timer of the client.

## Fix
Nobody has to change anything, unless the client should not have stopped; then its own log at that time says why.

## References
RFC 6455 section 7.4.1.
",
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    if case.ending.closer != Some(Side::Client) || case.ending.code != Some(1001) || case.ending.close.is_none() {
        return Verdict::NotThis;
    }
    if going_away::is_browser(case) {
        return Verdict::NotThis;
    }
    let known = going_away::request(case).is_some();
    let mut finding = Finding::new(
        if known { Confidence::Likely } else { Confidence::Possible },
        Severity::Normal,
        "client said that it goes away (1001)",
        going_away::closed_words(case, Side::Client),
    );
    finding.caused_by = Some(Party::Client);
    finding.change = Some(Party::Nobody);
    if !known {
        let text = "Its handshake is not in the capture: a browser whose page was left says the same.";
        finding = finding.with_evidence("client-unknown", text, &[]);
    }
    finding.fits()
}
