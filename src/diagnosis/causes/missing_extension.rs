//! `missing-extension`.

use crate::diagnosis::case::Case;
use crate::diagnosis::finding::{Cause, Family, Verdict};
use crate::diagnosis::plain;
use crate::ids::Side;
use crate::report::model::{Party, Severity};

pub(super) const CAUSE: Cause = Cause {
    id: "missing-extension",
    family: Family::Plain,
    summary: "the client needs an extension that the server did not accept (1010)",
    documentation: "\
# missing-extension

## What was seen
The client closed with 1010 (Mandatory Extension).

## Why the peer closes
The server's 101 did not name an extension that the client cannot do without. Only clients send this code; a server refuses
in the handshake instead.

## How we know
The code says it; the handshake shows what was offered and what was accepted.

## What would prove us wrong
A handshake that did accept the extension on the other side of a proxy.

## Fix
Enable the extension on the server, stop a proxy from stripping Sec-WebSocket-Extensions, or let the client do without.

## References
RFC 6455 sections 7.4.1 and 9.1.
",
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    let Some((from, close)) = plain::close_with(case, 1010) else { return Verdict::NotThis };
    // A server that misses an extension refuses the handshake: whatever it means by 1010 is something of its own.
    if from == Side::Server {
        return Verdict::NotThis;
    }
    let title =
        format!("{from} closed because an extension it needs was not agreed (1010){}", plain::reason_in_title(close));
    let mut finding = plain::finding(case, Severity::Problem, title);
    finding.change = Some(Party::Server);
    if let Some(handshake) = &case.connection.handshake {
        let offered = handshake.request.as_ref().and_then(|r| r.field("sec-websocket-extensions"));
        let accepted = handshake.response.field("sec-websocket-extensions");
        let quoted = |v: Option<&str>| v.map_or("no extension".to_string(), |v| format!("\"{v}\""));
        finding = finding.with_evidence(
            "handshake",
            format!("The request offers {}; the 101 accepts {}.", quoted(offered), quoted(accepted)),
            &[handshake.response.origin.packet],
        );
    }
    finding
        .with_fix(
            Party::Server,
            "enable the extension (mostly permessage-deflate), and let no proxy strip Sec-WebSocket-Extensions.",
            None,
            None,
        )
        .with_fix(Party::Client, "make the extension optional.", None, None)
        .otherwise()
}
