//! What the causes of the family "Going away" share: what a reason speaks of, how clients came back, who is a browser.

use super::case::Case;
use super::events::{Event, Kind};
use super::files::FilesOf;
use super::finding::Finding;
use super::timers;
use super::words;
use crate::connection::Head;
use crate::ids::{PacketNumber, Side};
use crate::report::model::{Evidence, Fix, Party};

/// What a close reason speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// The server stops or restarts.
    Shutdown,
    /// Nothing was sent for too long.
    Idle,
    /// A Ping was not answered.
    Keepalive,
    /// The connection has lived long enough.
    Age,
    /// A session is over: logged out, replaced, expired.
    Session,
}

/// What a close reason speaks of, where it speaks of anything that this family knows.
#[must_use]
pub fn topic(reason: &str) -> Option<Topic> {
    let reason = reason.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|w| reason.contains(w));
    let mut tokens = reason.split(|c: char| !c.is_alphanumeric());
    let pings = tokens.any(|t| matches!(t, "ping" | "pings" | "pong" | "pongs"));
    if pings || says(&["keepalive", "keep-alive", "keep alive", "heartbeat", "heart beat"]) {
        Some(Topic::Keepalive)
    } else if says(&["idle", "inactiv", "no activity", "read timeout", "timed out waiting", "activity timeout"]) {
        Some(Topic::Idle)
    } else if says(&["websocket session"]) && says(&["timeout", "timed out"]) {
        // The session that some servers speak of is the connection itself.
        Some(Topic::Idle)
    } else if says(&[
        "session",
        "logged out",
        "logout",
        "replaced",
        "another connection",
        "forced",
        "expired",
        "kicked",
    ]) {
        Some(Topic::Session)
    } else if says(&[
        "max lifetime",
        "maximum lifetime",
        "max age",
        "lifetime",
        "max duration",
        "maximum duration",
        "duration limit",
        "time limit",
    ]) {
        Some(Topic::Age)
    } else if says(&[
        "shutdown",
        "shutting down",
        "shut down",
        "restart",
        "stopping",
        "is stopping",
        "maintenance",
        "deploy",
        "going away",
        "terminating",
        "drain",
        "upgrade in progress",
        "server closed",
        "server close",
    ]) {
        Some(Topic::Shutdown)
    } else if says(&["timeout", "timed out"]) && !says(STEPS) {
        Some(Topic::Idle)
    } else {
        None
    }
}

/// Steps of a protocol that have timers of their own: theirs run out whatever else is sent.
const STEPS: &[&str] = &[
    "init",
    "acknowledg",
    "auth",
    "login",
    "log in",
    "handshake",
    "hello",
    "identify",
    "subscri",
    "request",
    "response",
    "query",
];

/// Whether a close is one that going away comes with: 1001 and 1012 by themselves, a calm code when the server closed all its
/// connections with it and was gone.
#[must_use]
pub fn says_going(case: &Case<'_>) -> bool {
    matches!(case.ending.code, Some(1001 | 1012))
        || case.world.events.event(case.index).is_some_and(|e| e.kind == Kind::Close)
}

/// Whether the client is a browser: by the headers that scripts cannot set (User-Agent of the Mozilla family with an Origin).
#[must_use]
pub fn is_browser(case: &Case<'_>) -> bool {
    let Some(request) = request(case) else { return false };
    request.field("user-agent").is_some_and(|u| u.starts_with("Mozilla/")) && request.field("origin").is_some()
}

/// The upgrade request, answered in the capture or not; without it nobody knows who the client is.
#[must_use]
pub fn request<'c>(case: &'c Case<'_>) -> Option<&'c Head> {
    let answered = case.connection.handshake.as_ref().and_then(|h| h.request.as_ref());
    answered.or(case.connection.request.as_deref())
}

/// `Close 1001 "reason" (packet 5)`.
#[must_use]
pub fn close_words(case: &Case<'_>) -> String {
    let Some((_, close)) = case.ending.close else { return "no Close frame".to_string() };
    let code = close.code.map_or("an empty Close".to_string(), |c| format!("Close {c}"));
    let reason = if close.reason.is_empty() { String::new() } else { format!(" \"{}\"", close.reason) };
    format!("{code}{reason} ({})", case.packet(close.origin.packet))
}

/// A sentence on who closed with what and after how long.
#[must_use]
pub fn closed_words(case: &Case<'_>, side: Side) -> String {
    let age = case.age().map_or(String::new(), |a| format!(" {} after the connection opened", timers::words(a)));
    format!("{} sent {}{age}.", words::sentence(&case.who(side)), close_words(case))
}

/// A sentence on the last frame before the end.
#[must_use]
pub fn silence_words(case: &Case<'_>) -> String {
    let silence = case.silence().map_or("an unknown time".to_string(), timers::words);
    match case.last_frame() {
        Some(origin) => {
            format!("Nothing was sent for {silence} before that (last frame in {}).", case.packet(origin.packet))
        }
        None => format!("No frame was ever sent: the connection was silent for {silence}."),
    }
}

/// How clients came back after an event, as evidence, and what to change where they hammered.
pub fn add_return(files: FilesOf<'_>, event: &Event, finding: &mut Finding) {
    let after = &event.after;
    let refused = after.refused.len();
    let mut text = Vec::new();
    if refused > 0 {
        let span = after.refused.iter().map(|a| a.at).max().map_or(0.0, |last| last.seconds_since(event.from));
        text.push(format!(
            "{} refused (RST) until {} after the first close",
            words::count(refused, "new connection was", "new connections were"),
            timers::words(span)
        ));
    }
    if after.unanswered > 0 {
        text.push(words::count(after.unanswered, "attempt was not answered", "attempts were not answered"));
    }
    let mut packets: Vec<PacketNumber> = after.refused.iter().take(3).map(|a| a.packet).collect();
    match after.accepted {
        Some((at, packet)) => {
            text.push(format!(
                "the first new one was accepted {} after the first close ({}), {} came back in all",
                timers::words(at.seconds_since(event.from)),
                files.packet(packet),
                words::grouped(after.returned as u64)
            ));
            packets.push(packet);
        }
        None if refused + after.unanswered > 0 => text.push("none was accepted before the capture ends".to_string()),
        None => text.push("the capture shows no client coming back".to_string()),
    }
    if after.backs_off() {
        let example = after.growing().map_or(String::new(), |(ip, gaps)| {
            const TOLD: usize = 6;
            let told: Vec<String> = gaps.iter().take(TOLD).map(|g| timers::words(*g)).collect();
            let more = if gaps.len() > TOLD { ", ..." } else { "" };
            format!(" ({ip}: {}{more})", told.join(", "))
        });
        text.push(format!("most clients waited longer from attempt to attempt{example}"));
    }
    if let Some(spread) = after.first_attempts_spread() {
        text.push(format!("the first attempts of the clients are spread over {}", timers::words(spread)));
    }
    finding.evidence.push(Evidence {
        kind: "clients-return",
        text: format!("{}.", words::sentence(&text.join("; "))),
        packets,
    });
}

/// The other ends of the event, as evidence.
pub fn add_event(case: &Case<'_>, event: &Event, finding: &mut Finding) {
    let how = match event.kind {
        Kind::Close => "closed",
        Kind::Drop => "dropped",
    };
    let span = event.to.seconds_since(event.from);
    let packets =
        event.connections.iter().filter_map(|i| case.world.endings[*i].at.map(|o| o.packet)).take(5).collect();
    finding.evidence.push(Evidence {
        kind: "same-moment",
        text: format!(
            "{} {how} {} within {}.",
            words::sentence(&format!("the server {}", event.server)),
            words::count(event.connections.len(), "connection", "connections"),
            timers::words(span)
        ),
        packets,
    });
}

/// The fix for clients of a server that goes away.
pub fn add_reconnect_fix(finding: &mut Finding) {
    finding.fixes.push(Fix {
        party: Party::Client,
        text: "reconnect with exponential backoff and random jitter, so that all clients do not return at once."
            .to_string(),
        example: Some("delay = random(0, min(30 s, 0.5 s * 2^attempt))".to_string()),
        source: Some("RFC 6455 section 7.2.3".to_string()),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_read() {
        assert_eq!(topic("The WebSocket session [0] idle timeout expired"), Some(Topic::Idle));
        assert_eq!(topic("keepalive ping timeout"), Some(Topic::Keepalive));
        assert_eq!(topic("The web application is stopping"), Some(Topic::Shutdown));
        assert_eq!(topic("The WebSocket session [0] timeout expired"), Some(Topic::Idle));
        assert_eq!(topic("Session expired"), Some(Topic::Session));
        assert_eq!(topic("timeout"), Some(Topic::Idle));
        assert_eq!(topic("Connection initialisation timeout"), None);
        assert_eq!(topic("authentication timed out"), None);
        assert_eq!(topic("bye"), None);
    }
}
