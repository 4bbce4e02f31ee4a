//! `dropped-by-client`.

use crate::connection::TcpEndKind;
use crate::diagnosis::case::Case;
use crate::diagnosis::drops;
use crate::diagnosis::finding::{Cause, Family, Verdict};
use crate::diagnosis::going_away;
use crate::ids::Side;
use crate::report::model::Party;

pub(super) const CAUSE: Cause = Cause {
    id: "dropped-by-client",
    family: Family::NoClose,
    summary: "the client closed TCP without sending a Close frame",
    documentation: "\
# dropped-by-client

## What was seen
The client sent a FIN although neither side had sent a Close frame. Both ends report 1006.
In HTTP/2 the same is END_STREAM on its stream, or the end of TCP around it.

## Why the peer closes
Its process or page went away and the operating system closed the socket: an app was killed or put to sleep, a tab
crashed, a script ended without closing its WebSocket. Or the client's code closes the socket beneath the WebSocket.

## How we know
The FIN is in the capture, comes from the client, and no Close frame stands before it.

## What would prove us wrong
A Close frame among bytes that the capture lacks; a proxy at the client's address whose own client left (its other leg
shows that).

## Fix
Mostly none: servers have to expect it. Where it happens too often, close the WebSocket in the client's shutdown path.

## References
RFC 6455 sections 7.1.5 and 7.2.1.
",
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    if let Some(end) = drops::end_before_close(case).filter(|e| e.by == Side::Client) {
        return gone(case, drops::ended_before_close(case, end)).fits();
    }
    let Some(end) = drops::bare_end(case).filter(|e| e.by == Side::Client && e.how == TcpEndKind::Fin) else {
        return Verdict::NotThis;
    };
    let mut finding = drops::plain(case, end);
    drops::note_proxy(case, Side::Client, &mut finding);
    gone(case, finding).otherwise()
}

/// What a client that left without a word most likely was, and what to do about it.
pub(super) fn gone(
    case: &Case<'_>,
    mut finding: crate::diagnosis::finding::Finding,
) -> crate::diagnosis::finding::Finding {
    let text = if going_away::is_browser(case) {
        finding
            .explanation
            .push_str(" It is a browser: probably its page, tab or process went away, or the device slept.");
        finding.change = Some(Party::Nobody);
        "no change is needed for pages that go away; servers have to expect it."
    } else {
        finding
            .explanation
            .push_str(" Probably its process ended, or its code closed the socket and not the WebSocket.");
        "call the WebSocket's close (code 1000 or 1001) before the process ends, so that the server need not guess."
    };
    let party = finding.change.unwrap_or(Party::Client);
    finding.with_fix(party, text, None, None)
}
