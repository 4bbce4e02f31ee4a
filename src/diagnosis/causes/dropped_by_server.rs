//! `dropped-by-server`.

use crate::connection::TcpEndKind;
use crate::diagnosis::case::Case;
use crate::diagnosis::drops;
use crate::diagnosis::finding::{Cause, Family, Verdict};
use crate::diagnosis::{timers, words};
use crate::ids::Side;
use crate::report::model::{Evidence, Party};

pub(super) const CAUSE: Cause = Cause {
    id: "dropped-by-server",
    family: Family::NoClose,
    summary: "the server closed TCP without sending a Close frame",
    documentation: "\
# dropped-by-server

## What was seen
The server sent a FIN although neither side had sent a Close frame. Both ends report 1006, a code that never stands on
the wire (RFC 6455 section 7.1.5).
In HTTP/2 the same is END_STREAM on its stream, or the end of TCP around it.

## Why the peer closes
Nothing on the wire says it. Common origins: the handler failed with an exception and its framework drops the socket; the
process ended and the kernel closed its sockets; a proxy in front lost its backend or was reloaded; the application closes
the socket instead of the WebSocket.

## How we know
The FIN is in the capture, and no Close frame stands in either direction before it. Timers, sizes, invalid text and mass
ends were looked for first.

## What would prove us wrong
A Close frame among bytes that the capture lacks. A FIN from a box between the two ends that speaks in the server's name.

## Fix
Read the server's logs at the time of the FIN. Let the server send Close 1011 when a handler fails and 1001 when it stops,
and let the client reconnect with a growing, random delay.

## References
RFC 6455 sections 7.1.5 and 7.4.1; RFC 8441 section 5; RFC 9293 section 3.6.
",
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    if let Some(end) = drops::end_before_close(case).filter(|e| e.by == Side::Server) {
        let text =
            "read the application log at that time, and let it send a Close (1000, 1001 or 1011) before it closes TCP.";
        return drops::ended_before_close(case, end).with_fix(Party::Server, text, None, None).fits();
    }
    let Some(end) = drops::bare_end(case).filter(|e| e.by == Side::Server && e.how == TcpEndKind::Fin) else {
        return Verdict::NotThis;
    };
    let mut finding = drops::plain(case, end);
    if let Some(event) = case.world.events.event(case.index) {
        let streams: Vec<String> = event
            .connections
            .iter()
            .filter(|i| **i != case.index)
            .map(|i| case.world.stream(case.connection.capture, *i))
            .collect();
        let text = format!(
            "The same server dropped {} within {} (stream {}): that points at the process or the host, not at this connection.",
            words::count(streams.len(), "other connection", "other connections"),
            timers::words(event.to.seconds_since(event.from)),
            streams.join(", ")
        );
        finding.evidence.push(Evidence { kind: "ended-together", text, packets: Vec::new() });
    }
    drops::note_proxy(case, Side::Server, &mut finding);
    drops::look_at_server(case, finding).otherwise()
}
