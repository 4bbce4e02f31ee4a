//! `page-left`.

use crate::diagnosis::case::Case;
use crate::diagnosis::finding::{Cause, Family, Finding, Verdict};
use crate::diagnosis::going_away;
use crate::ids::Side;
use crate::report::model::{Confidence, Party, Severity};

pub(super) const CAUSE: Cause = Cause {
    id: "page-left",
    family: Family::GoingAway,
    summary: "a browser closed because its page went away",
    documentation: "\
# page-left

## What was seen
The client, a browser by its handshake headers, sent Close 1001 (Going Away, RFC 6455 section 7.4.1).

## Why the peer closes
A browser starts the closing handshake with 1001 when the page that opened the WebSocket is left, reloaded or closed.
Scripts cannot do that themselves: they may only pass 1000 or 3000 to 4999 to close().

## How we know
The Close is masked, so the client sent it; User-Agent and Origin are those of a browser.

## What would prove us wrong
A program that copies a browser's headers and closes with 1001 itself.

## Fix
Nothing is wrong. Where the session has to survive a reload, let the page reconnect when it is shown again.

## References
WHATWG WebSockets, section on making a WebSocket disappear; RFC 6455 section 7.4.1.
",
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    if case.ending.closer != Some(Side::Client) || case.ending.code != Some(1001) || case.ending.close.is_none() {
        return Verdict::NotThis;
    }
    if !going_away::is_browser(case) {
        let why = match going_away::request(case) {
            Some(_) => "the client is no browser: its handshake lacks a browser's User-Agent and Origin",
            None => "nothing shows that the client is a browser: its handshake is not in the capture",
        };
        return Verdict::RuledOut(why.to_string());
    }
    let mut finding = Finding::new(
        Confidence::Likely,
        Severity::Normal,
        "browser left the page (navigated away, reloaded or closed the tab)",
        going_away::closed_words(case, Side::Client),
    );
    finding.caused_by = Some(Party::Client);
    finding.change = Some(Party::Nobody);
    let packet = case.connection.opened().packet;
    finding
        .with_evidence(
            "browser",
            "The handshake carries a browser's User-Agent and Origin; scripts cannot send 1001, browsers do.",
            &[packet],
        )
        .fits()
}
