//! `keepalive-timeout`.

use crate::connection::DataType;
use crate::diagnosis::case::Case;
use crate::diagnosis::finding::{Cause, Family, Finding, Verdict};
use crate::diagnosis::going_away;
use crate::diagnosis::going_away::Topic;
use crate::diagnosis::{timers, words};
use crate::ids::{PacketNumber, Side};
use crate::report::model::{Confidence, Party, Severity};

pub(super) const CAUSE: Cause = Cause {
    id: "keepalive-timeout",
    family: Family::GoingAway,
    summary: "a Ping was not answered in time",
    documentation: "\
# keepalive-timeout

## What was seen
The side that ended the connection had sent a Ping, no Pong came back, and after its timeout it closed (1011, 1001, 1000, 1008) or
just ended TCP.

## Why the peer closes
A missing Pong means that the other side, or the path to it, is gone or stuck. Libraries give up after a set time.

## How we know
The capture holds the Ping and no later Pong with its payload (RFC 6455 section 5.5.3), or the close reason says so.

## What would prove us wrong
A Pong that the capture missed.

## Fix
The side that did not answer: a blocked event loop, a program that does not read, a phone asleep, a network that lost the
packets. Raising the timeout only helps against short stalls.

## References
RFC 6455 sections 5.5.2 and 5.5.3.
",
    check,
};

/// Seconds that a Ping has to wait before its silence counts.
const SHORTEST_WAIT: f64 = 1.0;

fn check(case: &Case<'_>) -> Verdict {
    let Some(closer) = case.ending.closer else { return Verdict::NotThis };
    let reason_says = going_away::topic(case.ending.reason()) == Some(Topic::Keepalive);
    let other = closer.other();
    if let Some(finding) = engine_io_heartbeat(case, closer) {
        return finding.fits();
    }
    let ping = case.connection.sent_by(closer).pings().first_unanswered;
    let waited = ping.and_then(|p| case.seconds_before_end(p)).filter(|w| *w >= SHORTEST_WAIT);
    if !reason_says
        && (waited.is_none() || matches!(case.ending.code, None | Some(1002 | 1003 | 1007 | 1009 | 1010 | 3000..)))
    {
        return Verdict::NotThis;
    }
    if !reason_says && waited.is_some() && !case.ending.reason().is_empty() {
        return Verdict::RuledOut("a Ping was open, but the close reason names something else".to_string());
    }
    // A close by the application with 1000 need not have to do with the Ping before it.
    let plain = matches!(case.ending.code, Some(1000 | 1005)) && !reason_says;
    let spoke_since = ping.zip(case.connection.sent_by(other).last_frame).is_some_and(|(p, last)| last.at > p.at);
    if plain && (spoke_since || waited.is_none_or(|w| timers::round_seconds(w).is_none())) {
        return Verdict::NotThis;
    }
    let confidence = match (reason_says, waited.is_some()) {
        (true, true) => Confidence::Certain,
        (true, false) => Confidence::Likely,
        (false, _) if plain || spoke_since => Confidence::Possible,
        (false, _) => Confidence::Likely,
    };
    let after = waited.map_or(String::new(), |w| format!(" for {}", timers::words(w)));
    let mut text = super::end_words(case, closer);
    if let (Some(ping), Some(_)) = (ping, waited) {
        text.push_str(&format!(" Its Ping ({}) had not been answered{after}.", case.packet(ping.packet)));
    }
    let mut finding =
        Finding::new(confidence, Severity::Problem, format!("{other} did not answer the {closer}'s Ping{after}"), text);
    finding.caused_by = Some(Party::from(other));
    finding.change = Some(Party::from(other));
    let sent = case.connection.sent_by(closer);
    let pings = sent.pings();
    if let Some(ping) = ping {
        finding = finding.with_evidence(
            "unanswered-ping",
            format!(
                "{} sent, {} answered.",
                words::count(pings.sent as usize, "Ping was", "Pings were"),
                words::grouped(pings.answered)
            ),
            &[ping.packet],
        );
    }
    if reason_says {
        let packets: Vec<PacketNumber> = case.ending.close.map(|(_, c)| c.origin.packet).into_iter().collect();
        finding =
            finding.with_evidence("close-reason", "The close reason speaks of a missing answer to a Ping.", &packets);
    }
    let alive = ping.zip(case.connection.sent_by(other).last_packet).is_some_and(|(p, last)| last.at > p.at);
    if ping.is_some() {
        let text = if spoke_since {
            format!(
                "The {other} went on sending frames after the Ping, but no Pong: its library or a box between drops Pings."
            )
        } else if alive {
            format!(
                "The {other}'s TCP acknowledged the Ping, so the network was up: its program did not read or answer."
            )
        } else {
            format!("Nothing at all came from the {other} after the Ping: the host or the path to it was gone.")
        };
        finding = finding.with_evidence("who-was-alive", text, &[]);
    }
    finding
        .with_fix(
            Party::from(other),
            "find what kept it from answering at that time: a blocked event loop, a program that stopped reading, a host asleep.",
            None,
            None,
        )
        .with_fix(
            Party::from(closer),
            "raise its ping timeout if stalls of that length are normal there.",
            super::ping_setting(case, closer),
            None,
        )
        .fits()
}

/// Engine.IO 4 has pings of its own, text messages "2" of the server that the client answers with "3"; a client that does
/// not is closed as calmly as any other.
fn engine_io_heartbeat(case: &Case<'_>, closer: Side) -> Option<Finding> {
    let request = case.connection.handshake.as_ref().and_then(|h| h.request.as_ref())?;
    let speaks_it = request.target().is_some_and(|t| t.contains("EIO=4") && t.contains("transport=websocket"));
    if closer != Side::Server || !speaks_it || !case.ending.reason().is_empty() {
        return None;
    }
    // The answer may be among what is missing.
    if !matches!(case.ending.code, Some(1000 | 1001 | 1005 | 1006)) || case.has_holes(Side::Client) {
        return None;
    }
    let last = case.connection.from_server.recent.last()?;
    let is_ping = last.kind == DataType::Text && last.payload_bytes == Some(1) && last.head.as_slice() == b"2";
    let ping = Some(last.last).filter(|_| is_ping)?;
    let answered = case.connection.from_client.last_message.is_some_and(|answer| answer > ping);
    let waited = case.seconds_before_end(ping).filter(|w| *w >= SHORTEST_WAIT && !answered)?;
    let after = timers::words(waited);
    let mut finding = Finding::new(
        Confidence::Likely,
        Severity::Problem,
        format!("client did not answer the server's Engine.IO ping for {after}"),
        format!(
            "{} Its Engine.IO ping, the text message \"2\" ({}), had not been answered for {after}.",
            super::end_words(case, closer),
            case.packet(ping.packet)
        ),
    );
    finding.caused_by = Some(Party::Client);
    finding.change = Some(Party::Client);
    let text = "Engine.IO 4 expects the text message \"3\" in answer to each \"2\"; the client sent nothing after it.";
    Some(
        finding
            .with_evidence("unanswered-ping", text, &[ping.packet])
            .with_fix(
                Party::Client,
                "find what kept it from answering at that time: a suspended page, a blocked event loop, a host asleep, or a client \
                 that does not speak Engine.IO 4.",
                None,
                None,
            )
            .with_fix(
                Party::Server,
                "raise its ping timeout if stalls of that length are normal there.",
                super::ping_setting(case, closer),
                None,
            ),
    )
}
