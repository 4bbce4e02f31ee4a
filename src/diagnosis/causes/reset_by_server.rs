//! `reset-by-server`.

use crate::connection::TcpEndKind;
use crate::diagnosis::case::Case;
use crate::diagnosis::drops;
use crate::diagnosis::finding::{Cause, Family, Verdict};
use crate::ids::Side;

pub(super) const CAUSE: Cause = Cause {
    id: "reset-by-server",
    family: Family::NoClose,
    summary: "the server reset TCP without sending a Close frame",
    documentation: "\
# reset-by-server

## What was seen
The server sent a RST although neither side had sent a Close frame. Both ends report 1006; the client's error often reads
'connection reset by peer'.
In HTTP/2 the same is RST_STREAM on its stream.

## Why the peer closes
A RST is sent when a socket is closed with unread data in it, when the process aborts the socket on purpose, when a packet
arrives for a connection that the host no longer knows (restarted, failed over), or by a firewall or load balancer that has
forgotten the flow and speaks in the server's name.

## How we know
The RST is in the capture and comes from the server's address, and no Close frame stands before it.

## What would prove us wrong
A RST that a box between the ends has made up: compare its TTL (ip.ttl) and IP identification with the server's other
packets, or capture at the server too.

## Fix
Read the server's logs at that time; look for an abort (SO_LINGER 0), for data that the application left unread, and for
devices between the ends with an idle timer.

## References
RFC 8441 section 5; RFC 9293 sections 3.5.2 and 3.5.3; RFC 6455 section 7.1.5.
",
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    let Some(end) = drops::bare_end(case).filter(|e| e.by == Side::Server && e.how == TcpEndKind::Rst) else {
        return Verdict::NotThis;
    };
    let mut finding = drops::plain(case, end);
    // Nobody but the end of an HTTP/2 connection can reset a stream in it.
    if case.connection.stream_end(end).is_none() {
        finding = finding.with_evidence(
            "note",
            format!(
                "A firewall or load balancer can reset in the server's name: compare ip.ttl of {} with the server's other \
                 packets.",
                case.packet(end.origin.packet)
            ),
            &[],
        );
    }
    drops::note_proxy(case, Side::Server, &mut finding);
    drops::look_at_server(case, finding).otherwise()
}
