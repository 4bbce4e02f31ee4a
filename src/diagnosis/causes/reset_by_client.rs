//! `reset-by-client`.

use crate::connection::TcpEndKind;
use crate::diagnosis::case::Case;
use crate::diagnosis::drops;
use crate::diagnosis::finding::{Cause, Family, Verdict};
use crate::ids::Side;

pub(super) const CAUSE: Cause = Cause {
    id: "reset-by-client",
    family: Family::NoClose,
    summary: "the client reset TCP without sending a Close frame",
    documentation: "\
# reset-by-client

## What was seen
The client sent a RST although neither side had sent a Close frame. Both ends report 1006; the server's error often reads
'connection reset by peer'.
In HTTP/2 the same is RST_STREAM on its stream.

## Why the peer closes
The client's process was killed with data unread, its code aborted the socket, or its host no longer knew the connection
(sleep, new network). A firewall or NAT on the client's side can send it too.

## How we know
The RST is in the capture and comes from the client's address, and no Close frame stands before it.

## What would prove us wrong
A RST that a box between the ends has made up: compare its TTL (ip.ttl) with the client's other packets.

## Fix
Mostly none: servers have to expect it. Where it happens too often, look at what the client does at that time, and at its
network.

## References
RFC 8441 section 5; RFC 9293 sections 3.5.2 and 3.5.3; RFC 6455 section 7.1.5.
",
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    let Some(end) = drops::bare_end(case).filter(|e| e.by == Side::Client && e.how == TcpEndKind::Rst) else {
        return Verdict::NotThis;
    };
    let mut finding = drops::plain(case, end);
    drops::note_proxy(case, Side::Client, &mut finding);
    super::dropped_by_client::gone(case, finding).otherwise()
}
