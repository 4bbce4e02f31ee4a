//! Connections that ended without a Close frame: what the causes of the family share.

use super::case::Case;
use super::finding::Finding;
use super::{timers, words};
use crate::connection::{Connection, Head, Rule, StreamEnd, TcpEnd, TcpEndKind, Violation};
use crate::ids::{Origin, Side};
use crate::report::model::{Confidence, Party, Severity};

/// The FIN or RST that ended a connection on which nobody had sent a Close.
#[must_use]
pub fn bare_end(case: &Case<'_>) -> Option<TcpEnd> {
    if case.ending.without_close() { case.connection.tcp_end } else { None }
}

/// The bare FIN of one side that the other answered with a Close which says nothing of its own: no Close had come before the
/// end, and that answer did not make it. Some libraries send 1000 then, others 1002.
#[must_use]
pub fn end_before_close(case: &Case<'_>) -> Option<TcpEnd> {
    let (from, close) = case.ending.close.filter(|(_, c)| c.reason.is_empty())?;
    let by = from.other();
    let sent = case.connection.sent_by(by);
    let fin = sent.fin.filter(|fin| *fin < close.origin)?;
    // The acknowledgement of the Close covers the FIN: the closer had received it.
    let had_received = sent.frames_end.0 > 0 && close.acknowledged.0 > sent.frames_end.0;
    let says_nothing = match close.code {
        Some(1002) => true,
        None | Some(1000) => had_received,
        _ => false,
    };
    if !says_nothing || case.ending.answer.is_some() || case.has_holes(by) || super::breach::answered(case).is_some() {
        return None;
    }
    case.connection.tcp_end.filter(|end| end.by == by && end.origin == fin)
}

/// What a bare FIN means that was answered with a Close.
#[must_use]
pub fn ended_before_close(case: &Case<'_>, end: TcpEnd) -> Finding {
    let (by, other) = (end.by, end.by.other());
    let severity = if by == Side::Server { Severity::Problem } else { Severity::Notice };
    let title = format!("{by} {} without a Close frame", verb(case.connection, end));
    let mut finding = super::plain::finding(case, severity, title);
    let close = case.ending.close.map_or(String::new(), |(_, c)| super::plain::close_words(c));
    finding.confidence = Confidence::Likely;
    finding.caused_by = Some(by.into());
    finding.change = Some(by.into());
    let text = format!("The {other}'s {close} came after the {by}'s end and answers that: nobody was left to read it.");
    finding.with_evidence("end-before-close", text, &[end.origin.packet])
}

/// That no Close came before the end, as a sentence, or that the capture does not show one.
#[must_use]
pub fn no_close(case: &Case<'_>) -> &'static str {
    if case.ending.may_hide_close {
        "No Close frame is in the capture; bytes before the end are missing that may have held one."
    } else {
        "Nobody had sent a Close: APIs report 1006."
    }
}

/// The same behind what ended the connection: `, without a Close frame: APIs report 1006.`
#[must_use]
pub fn without_close(case: &Case<'_>) -> &'static str {
    if case.ending.may_hide_close {
        ". No Close frame is in the capture; bytes before the end are missing that may have held one."
    } else {
        ", without a Close frame: APIs report 1006."
    }
}

/// The last thing that was sent before the end.
pub struct LastThing {
    /// Who sent it.
    pub from: Side,
    /// `text message of 5 bytes`, `Ping or Pong`.
    pub what: String,
    /// Its last packet.
    pub origin: Origin,
    /// Whether it was a whole message or a control frame, and not the beginning of a message.
    pub complete: bool,
}

/// The last frame of either side before the end.
#[must_use]
pub fn last_thing(case: &Case<'_>) -> Option<LastThing> {
    let ends = [last_from(case, Side::Client), last_from(case, Side::Server)];
    ends.into_iter().flatten().max_by_key(|l| (l.origin.at, l.origin))
}

/// The last frame of one side before the end.
#[must_use]
pub fn last_from(case: &Case<'_>, from: Side) -> Option<LastThing> {
    let sent = case.connection.sent_by(from);
    let before = |o: &Origin| case.ending.at.is_none_or(|end| *o <= end);
    let message = sent.recent.iter().rev().find(|m| before(&m.last));
    match (message, sent.last_frame.filter(before)) {
        (Some(message), last) if last.is_none_or(|l| l <= message.last) => Some(LastThing {
            from,
            what: format!(
                "{} message of {}",
                words::kind(message.kind),
                words::bytes(message.payload_bytes.unwrap_or(message.wire_bytes))
            ),
            origin: message.last,
            complete: message.complete,
        }),
        (_, Some(origin)) => {
            let what = if sent.pings().last == Some(origin) { "Ping" } else { "Pong" };
            Some(LastThing { from, what: what.to_string(), origin, complete: true })
        }
        _ => None,
    }
}

/// The message of the other side that `side` may have been working on when it ended the connection: one that came within
/// half a second before.
#[must_use]
pub fn in_hand(case: &Case<'_>, side: Side) -> Option<LastThing> {
    last_from(case, side.other())
        .filter(|l| l.what.contains("message"))
        .filter(|l| case.seconds_before_end(l.origin).is_some_and(|ago| ago < IN_HAND_SECONDS))
}

/// How long a message may be in the hands of a handler that fails over it.
const IN_HAND_SECONDS: f64 = 0.5;

/// What had been sent last, as a sentence.
#[must_use]
pub fn last_thing_sentence(case: &Case<'_>) -> String {
    let opened = case.connection.opened();
    match last_thing(case) {
        Some(last) => {
            let ago = case.seconds_before_end(last.origin).unwrap_or(0.0);
            let unfinished = if last.complete { "" } else { ", unfinished" };
            format!(
                "The last thing before it was the {}'s {}{unfinished} ({}), {} earlier.",
                last.from,
                last.what,
                case.packet(last.origin.packet),
                timers::words(ago)
            )
        }
        None => {
            let age = case.seconds_before_end(opened).unwrap_or(0.0);
            let since = if case.connection.joined_midstream { "the capture shows it" } else { "it opened" };
            format!(
                "Nothing had been sent over it since {since} ({}), {} earlier.",
                case.packet(opened.packet),
                timers::words(age)
            )
        }
    }
}

/// `closed TCP` or `reset TCP`, with the packet; of a WebSocket in an HTTP/2 stream, which of both was ended.
#[must_use]
pub fn how(case: &Case<'_>, end: TcpEnd) -> String {
    how_of(case.connection, end, &case.packet(end.origin.packet))
}

/// The same of another connection.
#[must_use]
pub fn how_of(connection: &Connection, end: TcpEnd, packet: &str) -> String {
    let verb = verb(connection, end);
    match (connection.stream_end(end), end.how) {
        (Some(StreamEnd::EndStream), _) => format!("{verb} (END_STREAM, {packet})"),
        (Some(StreamEnd::Reset(reset)), _) => format!("{verb} (RST_STREAM {}, {packet})", reset.name()),
        (None, TcpEndKind::Fin) if end.inferred => {
            format!("{verb} (its FIN is not in the capture, {packet} acknowledges it)")
        }
        (None, TcpEndKind::Fin) => format!("{verb} (FIN, {packet})"),
        (None, TcpEndKind::Rst) => format!("{verb} (RST, {packet})"),
    }
}

/// `closed TCP`, `reset TCP`, `ended the HTTP/2 stream` or `reset the HTTP/2 stream`.
#[must_use]
pub fn verb(connection: &Connection, end: TcpEnd) -> &'static str {
    match (connection.stream_end(end), end.how) {
        (Some(StreamEnd::EndStream), _) => "ended the HTTP/2 stream",
        (Some(StreamEnd::Reset(_)), _) => "reset the HTTP/2 stream",
        (None, TcpEndKind::Fin) => "closed TCP",
        (None, TcpEndKind::Rst) => "reset TCP",
    }
}

/// What was ended: `TCP`, or the stream inside it.
#[must_use]
pub fn carrier(connection: &Connection, end: TcpEnd) -> &'static str {
    if connection.stream_end(end).is_some() { "the HTTP/2 stream" } else { "TCP" }
}

/// Proxies and load balancers that name themselves in `Server` or `Via`.
const PROXIES: [(&str, &str); 15] = [
    ("nginx", "nginx"),
    ("openresty", "nginx (OpenResty)"),
    ("tengine", "nginx (Tengine)"),
    ("haproxy", "HAProxy"),
    ("envoy", "Envoy"),
    ("awselb", "AWS load balancer"),
    ("cloudflare", "Cloudflare"),
    ("cloudfront", "CloudFront"),
    ("caddy", "Caddy"),
    ("traefik", "Traefik"),
    ("apache/", "Apache httpd"),
    ("vegur", "Heroku router"),
    ("heroku", "Heroku router"),
    ("varnish", "Varnish"),
    ("google frontend", "Google Frontend"),
];

/// The proxy that a response names in `Server` or `Via`.
#[must_use]
pub fn proxy_in(response: &Head) -> Option<&'static str> {
    response
        .fields()
        .filter(|(name, _)| name.eq_ignore_ascii_case("server") || name.eq_ignore_ascii_case("via"))
        .find_map(|(_, value)| {
            let value = value.to_ascii_lowercase();
            PROXIES.iter().find(|(needle, _)| value.contains(needle)).map(|(_, name)| *name)
        })
}

/// The proxy between the two legs of a conversation that was captured on both sides of it.
pub struct Between {
    /// Its name where a header tells.
    pub name: Option<&'static str>,
    /// Index of the other leg.
    pub other_leg: usize,
    /// The side of this connection that the proxy is.
    pub side: Side,
}

/// The proxy at one end of this connection, when the capture holds the other leg too.
#[must_use]
pub fn proxy_between(case: &Case<'_>) -> Option<Between> {
    let leg = case.world.legs.of(case.index).filter(|leg| leg.same.is_none())?;
    let (side, other_leg) = if leg.front == case.index { (Side::Server, leg.back) } else { (Side::Client, leg.front) };
    // Its name stands in what it sent itself: the answer on the leg to the client.
    let outer = &case.world.observations.connections[leg.front];
    let name = outer.handshake.as_ref().and_then(|h| proxy_in(&h.response));
    Some(Between { name, other_leg, side })
}

/// The end of the other leg, when it came before that of this one and was not the proxy's own doing.
#[must_use]
pub fn ended_first(case: &Case<'_>, between: &Between, end: TcpEnd) -> Option<TcpEnd> {
    let other = case.world.observations.connections[between.other_leg].tcp_end?;
    // On its other leg the proxy has the other role.
    (other.by != between.side.other() && other.origin.at < end.origin.at).then_some(other)
}

/// The finding for a bare end that nothing explains.
#[must_use]
pub fn plain(case: &Case<'_>, end: TcpEnd) -> Finding {
    let by = end.by;
    let verb = verb(case.connection, end);
    let when = match in_hand(case, by).filter(|_| by == Side::Server) {
        Some(last) => {
            let ago = case.seconds_before_end(last.origin).unwrap_or(0.0);
            format!(", {} after the client's {}", timers::words(ago), last.what)
        }
        None => String::new(),
    };
    let title = format!("{by} {verb} without a Close frame{when}");
    let explanation = format!(
        "{} {}{} {}",
        words::sentence(&case.who(by)),
        how(case, end),
        if case.ending.may_hide_close {
            without_close(case)
        } else {
            " and neither side had sent a Close: APIs report 1006."
        },
        last_thing_sentence(case)
    );
    let holes = case.has_holes(Side::Client) || case.has_holes(Side::Server);
    let severity = if by == Side::Server { Severity::Problem } else { Severity::Notice };
    // Who ended TCP is a fact; that nothing else provoked it is only what remains when everything else was looked for.
    let mut finding = Finding::new(Confidence::Likely, severity, title, explanation);
    finding.caused_by = Some(by.into());
    finding.change = Some(by.into());
    if holes && !case.ending.may_hide_close {
        finding = finding.with_evidence("note", "The capture lacks bytes of this connection.", &[]);
    }
    let reset = case.connection.http2.as_deref().and_then(|http2| http2.reset);
    if let Some(reset) = reset.filter(|r| r.by == by && r.code != NO_ERROR && r.origin > end.origin) {
        let (name, packet) = (reset.name(), reset.origin.packet);
        let text = format!("The {by} then reset the stream with RST_STREAM {name} ({}).", case.packet(packet));
        finding = finding.with_evidence("reset-code", text, &[packet]);
    }
    if let Some(answered) = http_response(case) {
        let (packet, status) = (answered.origin.packet, answered.value);
        let failed =
            if status >= 500 { ": most likely its handler failed" } else { ": most likely its handler was over" };
        let text = format!(
            "The server wrote an HTTP response (status {status}) into the WebSocket ({}){failed}, and the framework answered the \
             request that had become the WebSocket.",
            case.packet(packet)
        );
        finding = finding.with_evidence("http-response", text, &[packet]);
    }
    finding
}

/// The code of a RST_STREAM that only ends what nobody waits for (RFC 9113 section 7).
const NO_ERROR: u32 = 0;

/// An HTTP response that the server wrote in place of a frame.
fn http_response<'a>(case: &Case<'a>) -> Option<&'a Violation> {
    case.connection.from_server.violations.iter().find(|v| v.rule == Rule::HttpResponse && v.value > 0)
}

/// Says who else may have sent the server's end: a proxy that the handshake names, or one whose other leg was captured.
pub fn note_proxy(case: &Case<'_>, by: Side, finding: &mut Finding) {
    if let Some(between) = proxy_between(case) {
        let name = between.name.map_or(String::new(), |n| format!(" ({n})"));
        let other = &case.world.observations.connections[between.other_leg];
        let stream = case.world.stream(case.connection.capture, between.other_leg);
        let order = match (case.connection.tcp_end, other.tcp_end) {
            (Some(this), Some(_)) if between.side == by => match ended_first(case, &between, this) {
                Some(that) => format!("that leg was ended first, by its {}: look there", that.by),
                None => "the proxy itself closed both".to_string(),
            },
            _ => format!("compare stream {stream}"),
        };
        let text = format!(
            "The {} of this connection is a proxy{name}; its other leg is stream {stream}; {order}.",
            between.side
        );
        finding.evidence.push(crate::report::model::Evidence { kind: "note", text, packets: Vec::new() });
        return;
    }
    let named = case.connection.handshake.as_ref().and_then(|h| proxy_in(&h.response));
    if let Some(name) = named.filter(|_| by == Side::Server) {
        let text =
            format!("{} names itself in the handshake: the end may be its own, so read its error log too.", name);
        finding.evidence.push(crate::report::model::Evidence { kind: "note", text, packets: Vec::new() });
    }
}

/// Seconds below which nobody thinks of a timer.
const SHORTEST_TIMER: f64 = 0.1;

/// The fix for an unexplained end by the server: where to look.
#[must_use]
pub fn look_at_server(case: &Case<'_>, mut finding: Finding) -> Finding {
    let text = match in_hand(case, Side::Server) {
        Some(last) => {
            if last_thing(case).is_some_and(|l| l.from == Side::Server) {
                let ago = timers::words(case.seconds_before_end(last.origin).unwrap_or(0.0));
                let text =
                    format!("The client's last was a {} ({}), {ago} before the end.", last.what, case.packet(last.origin.packet));
                finding = finding.with_evidence("in-hand", text, &[last.origin.packet]);
            }
            format!(
                "read the application log at that time for an error while it handled the {} ({}): frameworks drop {} \
                 like this when a handler fails. The capture cannot show whether one did. Let the handler send Close 1011 when \
                 it fails.",
                last.what,
                case.packet(last.origin.packet),
                case.connection.tcp_end.map_or("TCP", |end| carrier(case.connection, end))
            )
        }
        None => "read the application, container and process logs at that time for an exit, a kill or an unhandled error. Let \
                 the server send a Close (1001 or 1011) before it drops TCP."
            .to_string(),
    };
    let silence = case.silence().unwrap_or(0.0);
    if let Some(ping) = case.connection.sent_by(Side::Server).pings().first_unanswered
        && !case.has_holes(Side::Client)
    {
        let waited = timers::words(case.seconds_before_end(ping).unwrap_or(0.0));
        let text = format!(
            "The server's Ping ({}) had no Pong for {waited}: if its timeout is so short, that is why it gave up.",
            case.packet(ping.packet)
        );
        finding = finding.with_evidence("unanswered-ping", text, &[ping.packet]);
    } else if silence < SHORTEST_TIMER {
        let text = "No size or text explains it, and nothing was silent before it.".to_string();
        finding = finding.with_evidence("no-other-cause", text, &[]);
    } else if !super::idle::fits(silence) {
        let text = format!(
            "The silence of {} before it fits no timer, and no size or text explains it.",
            timers::words(silence)
        );
        finding = finding.with_evidence("no-other-cause", text, &[]);
    }
    finding.with_fix(Party::Server, text, None, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_named_by_their_headers() {
        let head = |text: &str| Head { text: text.into(), ..Head::default() };
        assert_eq!(proxy_in(&head("HTTP/1.1 101 x\r\nServer: nginx/1.27.3\r\n")), Some("nginx"));
        assert_eq!(proxy_in(&head("HTTP/1.1 101 x\r\nVia: 1.1 vegur\r\n")), Some("Heroku router"));
        assert_eq!(proxy_in(&head("HTTP/1.1 101 x\r\nServer: Apache-Coyote/1.1\r\n")), None);
        assert_eq!(proxy_in(&head("HTTP/1.1 101 x\r\nX-Note: nginx\r\n")), None);
    }
}
