//! `handshake-refused`: the documentation; the check is in [`crate::diagnosis`]'s handshakes.

use crate::diagnosis::case::Case;
use crate::diagnosis::finding::{Cause, Family, Verdict};

pub(super) const CAUSE: Cause = Cause {
    id: "handshake-refused",
    family: Family::Handshake,
    summary: "the upgrade request was answered with another status than 101",
    documentation: "\
# handshake-refused

## What was seen
An HTTP answer other than 101 to a WebSocket upgrade request. APIs in browsers show only 1006 and hide the status.

## Why the peer closes
By the status: 400 mostly a header that a proxy removed, a wrong version or key; 401 and 403 credentials, or an origin that is
not allowed; 404 a wrong path; 405 a route without GET, or an edge that speaks HTTP/2; 426 Upgrade headers missing at the backend, or a
version; 429 a rate limit; 200 a page instead of a WebSocket; 301 to 308 a redirect, which browsers do not follow; 500 a failing
handler; 502, 503 and 504 a gateway without a working backend.

## How we know
Request and answer are in the capture. Where both sides of a proxy are, the two requests are compared by their handshake key.

## What would prove us wrong
A proxy between the capture point and the client that changes the answer.

## Fix
By the status. For proxies that remove the upgrade, nginx needs: proxy_http_version 1.1; proxy_set_header Upgrade
$http_upgrade; proxy_set_header Connection \"upgrade\";

## References
RFC 6455 sections 4.1, 4.2 and 4.4; RFC 9110 section 15; https://nginx.org/en/docs/http/websocket.html
",
    check,
};

/// A connection that opened was not refused.
fn check(_case: &Case<'_>) -> Verdict {
    Verdict::NotThis
}
