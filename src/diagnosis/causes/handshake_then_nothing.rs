//! `handshake-then-nothing`.

use crate::connection::Head;
use crate::diagnosis::case::Case;
use crate::diagnosis::drops;
use crate::diagnosis::finding::{Cause, Family, Finding, Verdict};
use crate::diagnosis::going_away;
use crate::diagnosis::timers;
use crate::ids::Side;
use crate::report::model::{Confidence, Party, Severity};

pub(super) const CAUSE: Cause = Cause {
    id: "handshake-then-nothing",
    family: Family::NoClose,
    summary: "the connection opened, nothing was ever sent over it, and it was dropped",
    documentation: "\
# handshake-then-nothing

## What was seen
The handshake succeeded (101), then TCP ended without a single WebSocket frame of either side.

## Why the peer closes
When the server does it: its handler failed or returned at once, or a proxy accepted the upgrade and had no backend that
speaks WebSocket. When the client does it: it refused the 101 (wrong accept value, a subprotocol or extension it did not
offer), or it left, or it only probed the port.

## How we know
No frame stands in either direction between the 101 and the first FIN or RST, and no bytes are missing.

## What would prove us wrong
Frames among bytes that the capture lacks.

## Fix
By the server: read its log for the handler of that path at that time. By the client: look at what it checks in the 101.

## References
RFC 6455 sections 4.1 and 7.1.5.
",
    check,
};

/// Seconds after which a server that ends the connection has waited for something.
const PATIENCE: f64 = 0.5;

/// Subprotocols in which the client has to speak first, and what it says.
const CLIENT_FIRST: [(&str, &str); 8] = [
    ("mqtt", "CONNECT packet"),
    ("mqttv3.1", "CONNECT packet"),
    ("graphql-transport-ws", "connection_init message"),
    ("graphql-ws", "connection_init message"),
    ("v10.stomp", "CONNECT frame"),
    ("v11.stomp", "CONNECT frame"),
    ("v12.stomp", "CONNECT frame"),
    ("wamp.2.json", "HELLO message"),
];

/// The agreed subprotocol and what its client says first, if it is one in which the server waits for that.
fn first_words(response: &Head) -> Option<(&'static str, &'static str)> {
    let agreed = response.field("sec-websocket-protocol")?;
    CLIENT_FIRST.into_iter().find(|(protocol, _)| *protocol == agreed)
}

fn check(case: &Case<'_>) -> Verdict {
    let Some(end) = drops::bare_end(case) else { return Verdict::NotThis };
    let connection = case.connection;
    let silent = connection.from_client.frames == 0 && connection.from_server.frames == 0;
    let Some(handshake) = connection.handshake.as_ref().filter(|_| silent) else { return Verdict::NotThis };
    if case.has_holes(Side::Client) || case.has_holes(Side::Server) {
        return Verdict::NotThis;
    }
    // Of HTTP/2 all streams end with TCP, whatever any of them did.
    if case.connection.http2.is_some() && case.connection.stream_end(end).is_none() {
        return Verdict::NotThis;
    }
    let age = case.age().unwrap_or(0.0);
    let severity = if end.by == Side::Server { Severity::Problem } else { Severity::Notice };
    let title =
        format!("{} dropped the connection {} after it opened: nothing was ever sent", end.by, timers::words(age));
    let path = handshake.request.as_ref().and_then(|r| r.target()).unwrap_or("/");
    let explanation = format!(
        "The server accepted the upgrade ({}), neither side sent a frame, and {} {} {} later, without a Close frame: \
         APIs report 1006.",
        case.packet(handshake.response.origin.packet),
        case.who(end.by),
        drops::how(case, end),
        timers::words(age)
    );
    // What a client does not accept in a 101 depends on what it had asked for.
    let asked = handshake.request.is_some() || end.by == Side::Server;
    let confidence = if asked { Confidence::Certain } else { Confidence::Likely };
    let mut finding = Finding::new(confidence, severity, title, explanation);
    finding.caused_by = Some(end.by.into());
    finding.change = Some(end.by.into());
    drops::note_proxy(case, end.by, &mut finding);
    let waited_for = first_words(&handshake.response).filter(|_| end.by == Side::Server && age >= PATIENCE);
    if waited_for.is_some() {
        finding.caused_by = Some(Party::Client);
        finding.change = Some(Party::Client);
    }
    let path = path.split('?').next().unwrap_or(path);
    let (party, text) = match end.by {
        Side::Server if waited_for.is_some() => (
            Party::Client,
            waited_for.map_or(String::new(), |(protocol, words)| {
                format!(
                    "send the {words} right after the connection opens: in {protocol} the client speaks first, and the server \
                     waited for it."
                )
            }),
        ),
        Side::Server => (
            Party::Server,
            format!("read the log of the handler for {path} at that time: it ended before it sent anything."),
        ),
        Side::Client if going_away::is_browser(case) => (
            Party::Nobody,
            "no change is needed if the page was left at once; else read the browser's console.".to_string(),
        ),
        Side::Client => (Party::Client, "read its log: it gave up right after the handshake succeeded.".to_string()),
    };
    finding
        .with_evidence(
            "silent",
            format!(
                "No frame stands between the {} and the end of {}.",
                handshake.response.status().unwrap_or(101),
                drops::carrier(case.connection, end)
            ),
            &[],
        )
        .with_fix(party, text, None, None)
        .otherwise()
}
