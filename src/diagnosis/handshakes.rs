//! Upgrade requests that were refused, invalid or never answered.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use super::files::{FilesOf, Place};
use super::refusals::{self, Reading};
use super::world::World;
use super::{drops, timers, words};
use crate::connection::{Connection, FailedAttempt, FailedHandshake, Head};
use crate::report::model::{Evidence, HandshakeFailure, Party, Severity};

/// One report for each failed handshake.
pub(super) fn reports(world: &World<'_>) -> Vec<HandshakeFailure> {
    let beside = Beside::new(world);
    world.observations.failed_handshakes.iter().map(|failed| report(&beside, failed)).collect()
}

/// Candidates looked at for one failed handshake: a capture made of equal ones costs no more.
const CANDIDATES: usize = 64;

/// What a failed handshake is compared with, found once for all of them.
struct Beside<'a> {
    world: &'a World<'a>,
    by_key: HashMap<&'a str, Vec<&'a FailedHandshake>>,
    /// Attempts and connections of each client address in the order of time.
    attempts: HashMap<IpAddr, Vec<&'a FailedAttempt>>,
    connections: HashMap<IpAddr, Vec<&'a Connection>>,
}

impl<'a> Beside<'a> {
    fn new(world: &'a World<'a>) -> Beside<'a> {
        let observations = world.observations;
        let mut beside =
            Beside { world, by_key: HashMap::new(), attempts: HashMap::new(), connections: HashMap::new() };
        if observations.failed_handshakes.is_empty() {
            return beside;
        }
        for failed in &observations.failed_handshakes {
            if let Some(key) = failed.request.field("sec-websocket-key") {
                let same = beside.by_key.entry(key).or_default();
                if same.len() < CANDIDATES {
                    same.push(failed);
                }
            }
        }
        for attempt in &observations.failed_attempts {
            beside.attempts.entry(attempt.client.ip()).or_default().push(attempt);
        }
        beside.attempts.values_mut().for_each(|list| list.sort_by_key(|a| a.syn.at));
        for connection in &observations.connections {
            beside.connections.entry(connection.client.ip()).or_default().push(connection);
        }
        beside.connections.values_mut().for_each(|list| list.sort_by_key(|c| c.opened().at));
        beside
    }
}

fn report(beside: &Beside<'_>, failed: &FailedHandshake) -> HandshakeFailure {
    let status = failed.response.as_ref().and_then(Head::status);
    let mut evidence = Vec::new();
    let files = beside.world.files(failed.capture);
    let (cause, reading) = match (&failed.response, status) {
        (None, _) => ("handshake-unanswered", refusals::unanswered(failed, files)),
        (Some(response), Some(101)) => ("handshake-invalid", refusals::invalid(failed, response, files, &mut evidence)),
        (Some(response), _) => ("handshake-refused", refusals::read(failed, response, status.unwrap_or(0))),
    };
    let mut report = HandshakeFailure {
        capture: failed.capture,
        tcp_stream: failed.tcp_stream,
        client: failed.client.into(),
        server: failed.server.into(),
        url: Some(url(&failed.request, failed.server, failed.secure)),
        status,
        cause,
        severity: Severity::Problem,
        title: title(cause, status, &reading),
        explanation: explanation(failed, files, &reading),
        packet: failed.request.origin.packet,
        change: Some(reading.change),
        evidence,
        fixes: reading.fixes,
        display_filter: filter(failed),
    };
    if cause == "handshake-refused" {
        add_answer(failed, &mut report);
        add_other_leg(beside, failed, &mut report);
        add_backend(beside, failed, &mut report);
    }
    soften(beside, failed, &mut report);
    report
}

fn title(cause: &str, status: Option<u16>, reading: &Reading) -> String {
    match (cause, status) {
        ("handshake-refused", Some(status)) => format!("server refused the upgrade with {status}: {}", reading.what),
        ("handshake-refused", None) => format!("server refused the upgrade: {}", reading.what),
        ("handshake-invalid", _) => format!("server answered 101, but {}", reading.what),
        _ => format!("the upgrade request was never answered: {}", reading.what),
    }
}

fn explanation(failed: &FailedHandshake, files: FilesOf<'_>, reading: &Reading) -> String {
    let request = &failed.request;
    let mut text = format!(
        "The client {} asked {} for {} ({})",
        failed.client,
        failed.server,
        refusals::path(request),
        files.packet(request.origin.packet)
    );
    match &failed.response {
        Some(response) => {
            let waited = timers::words(response.origin.at.seconds_since(request.origin.at));
            let line = response.start_line().split_once(' ').map_or(response.start_line(), |(_, rest)| rest).trim();
            text.push_str(&format!(
                " at {}; the answer was {line} ({}), {waited} later.",
                words::utc(request.origin.at),
                files.packet(response.origin.packet)
            ));
        }
        None => text.push_str(&format!(" at {}.", words::utc(request.origin.at))),
    }
    if !reading.why.is_empty() {
        text.push(' ');
        text.push_str(&reading.why);
    }
    text
}

/// Who answered, and with which words.
fn add_answer(failed: &FailedHandshake, report: &mut HandshakeFailure) {
    let Some(response) = &failed.response else { return };
    let packets = vec![response.origin.packet];
    let by: Vec<String> = ["server", "via"]
        .into_iter()
        .filter_map(|name| response.field(name).map(|v| format!("{}: {v}", words::sentence(name))))
        .collect();
    if !by.is_empty() {
        let text = format!("The answer names itself {}.", by.join(", "));
        report.evidence.push(Evidence { kind: "answered-by", text, packets: packets.clone() });
    }
    let chunked = response.field("transfer-encoding").is_some_and(|v| v.to_ascii_lowercase().contains("chunked"));
    let body = if chunked { first_chunk(&failed.body) } else { &failed.body };
    if let Some(text) = body_text(body) {
        report.evidence.push(Evidence { kind: "body", text: format!("Its body says \"{text}\"."), packets });
    }
}

/// What is there of the first chunk of a body (RFC 9112 section 7.1).
fn first_chunk(body: &[u8]) -> &[u8] {
    let Some(line) = body.windows(2).position(|w| w == b"\r\n") else { return body };
    let digits = std::str::from_utf8(&body[..line]).unwrap_or("").split(';').next().unwrap_or("").trim();
    let Ok(length) = usize::from_str_radix(digits, 16) else { return body };
    let data = &body[line + 2..];
    &data[..length.min(data.len())]
}

/// The words of a body: tags removed, white space collapsed; `None` when it is no text.
fn body_text(body: &[u8]) -> Option<String> {
    let text = match std::str::from_utf8(body) {
        Ok(text) => text,
        // The excerpt may end inside a character.
        Err(e) if e.error_len().is_none() => std::str::from_utf8(&body[..e.valid_up_to()]).ok()?,
        Err(_) => return None,
    };
    if text.contains('\0') {
        return None;
    }
    let text = text.find("<body").map_or(text, |at| &text[at..]);
    let mut plain = String::new();
    let mut in_tag = false;
    for c in text.chars() {
        match c {
            '<' => in_tag = true,
            '>' if in_tag => {
                in_tag = false;
                plain.push(' ');
            }
            _ if in_tag => {}
            c if c.is_control() => plain.push(' '),
            c => plain.push(c),
        }
    }
    let words: Vec<&str> = plain.split_whitespace().collect();
    let mut short: String = words.join(" ").chars().take(120).collect();
    if short.len() < words.join(" ").len() {
        short.push_str("...");
    }
    (!short.is_empty()).then_some(short)
}

/// The same request on the other side of a proxy: by its key, which proxies pass on.
fn other_leg<'a>(beside: &Beside<'a>, failed: &FailedHandshake) -> Option<&'a FailedHandshake> {
    let key = failed.request.field("sec-websocket-key")?;
    beside.by_key.get(key)?.iter().copied().find(|other| {
        (other.capture, other.tcp_stream) != (failed.capture, failed.tcp_stream)
            && (other.client.ip() == failed.server.ip() || other.server.ip() == failed.client.ip())
    })
}

/// Says what the proxy between two captured legs did to the request.
fn add_other_leg(beside: &Beside<'_>, failed: &FailedHandshake, report: &mut HandshakeFailure) {
    let Some(other) = other_leg(beside, failed) else { return };
    let files = beside.world.files(failed.capture);
    let goes_on = other.client.ip() == failed.server.ip();
    // Where all run on one host, only the order tells: the proxy asks after it was asked.
    let one_host = goes_on && other.server.ip() == failed.client.ip();
    let is_outer = if one_host { failed.request.origin < other.request.origin } else { goes_on };
    let (outer, inner) = if is_outer { (failed, other) } else { (other, failed) };
    let is_inner = std::ptr::eq(inner, failed);
    let name = outer.response.as_ref().and_then(drops::proxy_in);
    let proxy = format!("{}{}", name.map_or("the proxy ".to_string(), |n| format!("{n} ")), outer.server);
    let lost: Vec<&str> = refusals::missing(&inner.request)
        .into_iter()
        .filter(|m| !refusals::missing(&outer.request).contains(m))
        .collect();
    let status = inner.response.as_ref().and_then(Head::status);
    let answer = status.map_or("did not answer".to_string(), |s| format!("answered {s}"));
    if lost.is_empty() {
        report.evidence.push(Evidence {
            kind: "proxy-legs",
            text: format!(
                "{} passed the request on unchanged to {} (stream {}), which {answer}: the refusal is the backend's.",
                words::sentence(&proxy),
                inner.server,
                files.stream(inner.capture, inner.tcp_stream)
            ),
            packets: vec![outer.request.origin.packet, inner.request.origin.packet],
        });
        if is_inner {
            behind(report);
        }
        return;
    }
    let lost = lost.join(" and ");
    report.title = format!(
        "{} did not pass the upgrade on: {lost} {} missing behind it{}",
        name.unwrap_or("the proxy"),
        if lost.contains(" and ") { "are" } else { "is" },
        report.status.map_or(String::new(), |s| format!(", so the answer was {s}"))
    );
    report.explanation = format!(
        "The client {} sent a complete upgrade to {proxy} ({}, stream {}). On the proxy's own connection to {} the request \
         lacks {lost} ({}, stream {}), so the backend saw a plain GET and {answer}; the proxy passed that on.",
        outer.client,
        files.packet(outer.request.origin.packet),
        files.stream(outer.capture, outer.tcp_stream),
        inner.server,
        files.packet(inner.request.origin.packet),
        files.stream(inner.capture, inner.tcp_stream)
    );
    report.change = Some(Party::Proxy);
    report.fixes = vec![refusals::pass_upgrade_on(name.is_some_and(|n| n.starts_with("nginx")))];
    if is_inner {
        behind(report);
    }
}

/// The leg behind a proxy tells the same failure again: it counts once.
fn behind(report: &mut HandshakeFailure) {
    report.severity = Severity::Notice;
    report.title = format!("the same request behind the proxy: {}", report.title);
}

/// Attempts of a gateway to reach its backend that failed at about the time of a 502, 503 or 504.
fn add_backend(beside: &Beside<'_>, failed: &FailedHandshake, report: &mut HandshakeFailure) {
    let (Some(502..=504), Some(response)) = (report.status, &failed.response) else { return };
    let Some(attempts) = beside.attempts.get(&failed.server.ip()) else { return };
    let from = attempts.partition_point(|a| a.syn.at < failed.request.origin.at);
    for attempt in attempts[from..].iter().take_while(|a| a.syn.at <= response.origin.at).take(3) {
        let (outcome, packet) = match attempt.refused {
            Some(rst) => ("was refused: nothing listens there", rst.packet),
            None => ("got no answer", attempt.syn.packet),
        };
        report.evidence.push(Evidence {
            kind: "backend-attempt",
            text: format!("Its own connection to {} {outcome}.", attempt.server),
            packets: vec![packet],
        });
    }
}

/// Credentials and redirects that a retry mended are part of the protocol and no problem.
fn soften(beside: &Beside<'_>, failed: &FailedHandshake, report: &mut HandshakeFailure) {
    if !matches!(report.status, Some(401 | 407 | 301 | 302 | 307 | 308)) {
        return;
    }
    let path = refusals::path(&failed.request);
    let Some(connections) = beside.connections.get(&failed.client.ip()) else { return };
    let from = connections.partition_point(|c| c.opened().at < failed.request.origin.at);
    let mended = connections[from..].iter().take(CANDIDATES).find(|c| {
        let same_request =
            c.handshake.as_ref().and_then(|h| h.request.as_ref()).is_some_and(|r| refusals::path(r) == path);
        let waited = c.opened().at.since(failed.request.origin.at);
        c.server == failed.server
            && (c.client == failed.client || same_request)
            && (0..=10_000_000_000).contains(&waited)
    });
    if let Some(connection) = mended {
        report.severity = Severity::Notice;
        let stream = beside.world.files(failed.capture).stream_of(connection);
        let waited = timers::words(connection.opened().at.seconds_since(failed.request.origin.at));
        report.evidence.push(Evidence {
            kind: "retried",
            text: format!("The same client got through {waited} later (stream {stream})."),
            packets: vec![connection.opened().packet],
        });
    }
}

fn filter(failed: &FailedHandshake) -> String {
    // Once a request in HTTP/2 is answered, the end of TCP is none of its own.
    let end = failed.tcp_end.filter(|_| failed.http2.is_none() || failed.response.is_none());
    let ends = [failed.response.as_ref().map(|r| r.origin), end.map(|e| e.origin)];
    let packets = ends.into_iter().flatten().map(|o| o.packet).chain([failed.request.origin.packet]);
    Place {
        capture: failed.capture,
        stream: failed.tcp_stream,
        spans: failed.also_in.is_some(),
        http2: failed.http2.as_ref().map(|http2| {
            let with_tcp = failed.response.is_none() && failed.tcp_end.is_some() && http2.reset.is_none();
            (http2.stream, with_tcp)
        }),
        ends: [failed.client, failed.server],
    }
    .filter(packets)
}

/// The URL that a request asked for, secrets in its query masked.
pub(super) fn url(request: &Head, server: SocketAddr, secure: bool) -> String {
    let host = request.field("host").map_or_else(|| server.to_string(), str::to_string);
    let scheme = if secure { "wss" } else { "ws" };
    format!("{scheme}://{host}{}", mask_query(request.target().unwrap_or("/")))
}

/// Names of query parameters whose values are secrets.
const SECRETS: [&str; 12] =
    ["token", "key", "secret", "auth", "pass", "pwd", "sig", "jwt", "session", "sid", "credential", "code"];

fn mask_query(target: &str) -> String {
    let Some((path, query)) = target.split_once('?') else { return target.to_string() };
    let masked: Vec<String> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, value)) if !value.is_empty() && is_secret(name) => format!("{name}=***"),
            _ => pair.to_string(),
        })
        .collect();
    format!("{path}?{}", masked.join("&"))
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRETS.iter().any(|s| name.contains(s))
}

/// Names of the extensions in a response.
pub(super) fn extensions(response: &Head) -> Vec<String> {
    response
        .fields()
        .filter(|(n, _)| n.eq_ignore_ascii_case("sec-websocket-extensions"))
        .flat_map(|(_, v)| v.split(','))
        .filter_map(|e| e.split(';').next().map(|n| n.trim().to_string()))
        .filter(|n| !n.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_read_as_text() {
        assert_eq!(body_text(b"<html><h1>502 Bad\r\nGateway</h1></html>").as_deref(), Some("502 Bad Gateway"));
        assert_eq!(body_text("caf\u{e9}".as_bytes().split_last().map_or(&[][..], |(_, b)| b)).as_deref(), Some("caf"));
        assert_eq!(first_chunk(b"10\r\nUpgrade Required\r\n0\r\n"), b"Upgrade Required");
        assert_eq!(first_chunk(b"ff\r\ncut"), b"cut");
        assert_eq!(first_chunk(b"no chunk"), b"no chunk");
        assert_eq!(body_text(&[0x1f, 0x8b, 8, 0]), None);
        assert_eq!(body_text(b""), None);
    }

    #[test]
    fn secrets_are_masked() {
        assert_eq!(mask_query("/chat?room=1&access_token=abc&x"), "/chat?room=1&access_token=***&x");
        assert_eq!(mask_query("/chat"), "/chat");
    }
}
