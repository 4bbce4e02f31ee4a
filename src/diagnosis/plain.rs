//! Close codes whose meaning is known: what their causes share.

use super::case::Case;
use super::finding::Finding;
use super::{drops, timers, words};
use crate::connection::CloseFrame;
use crate::ids::{PacketNumber, Side};
use crate::knowledge;
use crate::report::model::{Confidence, Evidence, Fix, Party, Severity};

/// How long a Close may wait for its answer before that is worth a word.
const ANSWER_SECONDS: f64 = 2.0;

/// The first Close, when it carries `code`.
#[must_use]
pub fn close_with<'a>(case: &Case<'a>, code: u16) -> Option<(Side, &'a CloseFrame)> {
    case.ending.close.filter(|(_, c)| c.code == Some(code))
}

/// `Close 1011 "reason"`.
#[must_use]
pub fn close_words(close: &CloseFrame) -> String {
    let code = close.code.map_or("an empty Close".to_string(), |c| format!("Close {c}"));
    if close.reason.is_empty() { code } else { format!("{code} \"{}\"", close.reason) }
}

/// `: "reason"` for a title; nothing without a reason. Long reasons are cut.
#[must_use]
pub fn reason_in_title(close: &CloseFrame) -> String {
    let reason = close.reason.trim();
    if reason.is_empty() {
        return String::new();
    }
    let mut short: String = reason.chars().take(60).collect();
    if short.len() < reason.len() {
        short.push_str("...");
    }
    format!(": \"{short}\"")
}

/// A finding that tells how the connection was closed: who, with what, after what, and what the other side did.
#[must_use]
pub fn finding(case: &Case<'_>, severity: Severity, title: impl Into<String>) -> Finding {
    let mut finding = Finding::new(Confidence::Certain, severity, title, story(case));
    if let Some((from, _)) = case.ending.close {
        finding.caused_by = Some(from.into());
    }
    note_unanswered(case, &mut finding);
    note_transport(case, &mut finding);
    super::breach::notes_on_violations(case, &mut finding);
    finding
}

/// How the connection was closed, in sentences.
#[must_use]
pub fn story(case: &Case<'_>) -> String {
    let Some((from, close)) = case.ending.close else { return String::new() };
    let mut text = format!(
        "{} sent {} ({})",
        words::sentence(&case.who(from)),
        close_words(close),
        case.packet(close.origin.packet)
    );
    match drops::last_thing(case) {
        Some(last) => {
            let ago = case.seconds_before_end(last.origin).unwrap_or(0.0);
            let whose = if last.from == from { "its own".to_string() } else { format!("the {}'s", last.from) };
            text.push_str(&format!(
                ", {} after {whose} {} ({})",
                timers::words(ago),
                last.what,
                case.packet(last.origin.packet)
            ));
        }
        None => {
            let ago = case.seconds_before_end(case.connection.opened()).unwrap_or(0.0);
            text.push_str(&format!(
                ", {} after the connection opened and without any frame before",
                timers::words(ago)
            ));
        }
    }
    text.push('.');
    if let Some((other, answer)) = case.ending.answer {
        let crossed = case.ending.initiator == Some(crate::report::model::Initiator::Both);
        let verb = if crossed { "had sent its own before it saw that:" } else { "answered with" };
        text.push_str(&format!(" The {other} {verb} {} ({}).", close_words(answer), case.packet(answer.origin.packet)));
    } else if let Some(end) = case.connection.tcp_end {
        if end.origin < close.origin {
            text.push_str(&format!(" The {} had {} before it.", end.by, drops::how(case, end)));
            return text;
        }
        let waited = end.origin.at.seconds_since(close.origin.at);
        text.push_str(&format!(
            " No Close came back; the {} {} {} later.",
            end.by,
            drops::how(case, end),
            timers::words(waited)
        ));
    }
    text
}

/// How long the first Close waited for an answer that never came, when that was long and the capture lacks nothing.
#[must_use]
pub fn waited_for_answer(case: &Case<'_>) -> Option<f64> {
    let (from, close) = case.ending.close?;
    if case.ending.answer.is_some() || case.has_holes(from.other()) {
        return None;
    }
    let other = case.connection.sent_by(from.other());
    // The one that should answer hung up instead: common, and no wait.
    let gone = [other.fin.or(other.lost.fin), other.rst.as_deref().copied()].into_iter().flatten().map(|o| o.at).min();
    let until = case.connection.tcp_end.map_or(case.connection.capture_end, |e| e.origin.at);
    let until = gone.map_or(until, |g| g.min(until));
    Some(until.seconds_since(close.origin.at)).filter(|s| *s >= ANSWER_SECONDS)
}

/// Notes a Close that was never answered; a normal end then is worth a look.
fn note_unanswered(case: &Case<'_>, finding: &mut Finding) {
    let (Some(waited), Some((from, close))) = (waited_for_answer(case), case.ending.close) else { return };
    let other = from.other();
    let acknowledged = case.connection.sent_by(from).acknowledged_to > close.start;
    let how = if acknowledged {
        "received it (TCP acknowledged it) but"
    } else {
        "did not even acknowledge it at TCP level and"
    };
    note(
        finding,
        format!(
            "The {from} waited {} for the {other}'s Close: the {other} {how} never answered. Libraries answer only while somebody \
             reads from the WebSocket, so the {other}'s code was blocked or had stopped reading.",
            timers::words(waited)
        ),
        &[close.origin.packet],
    );
    if finding.severity == Severity::Normal {
        finding.severity = Severity::Notice;
        finding.title.push_str(&format!("; the {other} never answered the Close"));
        finding.change = Some(other.into());
        finding.fixes.push(Fix {
            party: other.into(),
            text: "keep reading from the WebSocket until it is closed; a blocked reader holds the closer up for its whole close timeout."
                .to_string(),
            example: None,
            source: Some("RFC 6455 section 5.5.1".to_string()),
        });
    }
}

/// Notes a RST after a Close: the other side's API may not see the code.
fn note_transport(case: &Case<'_>, finding: &mut Finding) {
    let (Some((from, close)), Some(end)) = (case.ending.close, case.connection.tcp_end) else { return };
    let reset = case.connection.sent_by(from).rst.as_deref().copied();
    // A browser resets the stream once both Close frames are through (RFC 8441 section 5 maps that to a TCP reset).
    let through = case.ending.answer.is_some() && case.connection.stream_end(end).is_some();
    if let Some(rst) = reset.filter(|r| *r >= close.origin && end.by == from && case.was_reset() && !through) {
        note(
            finding,
            format!(
                "The {from} {} after its Close: the {}'s API may report 1006 and not the code.",
                drops::verb(case.connection, end),
                from.other()
            ),
            &[rst.packet],
        );
    }
}

/// Adds an aside.
pub fn note(finding: &mut Finding, text: impl Into<String>, packets: &[PacketNumber]) {
    finding.evidence.push(Evidence { kind: "note", text: text.into(), packets: packets.to_vec() });
}

/// What the identified implementation, or any known one, means by this code and reason.
#[must_use]
pub fn known_meaning<'a>(case: &Case<'a>) -> Option<(&'a str, &'a knowledge::Close)> {
    let (from, close) = case.ending.close?;
    if let Some(identified) = case.implementation(from)
        && let Some(meaning) = identified.implementation.close_meaning(close.code, &close.reason, from).first().copied()
    {
        return Some((identified.implementation.name.as_str(), meaning));
    }
    if close.reason.is_empty() {
        return None;
    }
    let meanings = case.world.knowledge.reason_meaning(close.code, &close.reason);
    meanings.first().map(|(implementation, meaning)| (implementation.name.as_str(), *meaning))
}

/// What the closer's implementation says when its own application's handler failed, under a code that means something else.
#[must_use]
pub fn handler_failed<'c>(case: &'c Case<'_>) -> Option<&'c knowledge::Close> {
    let (from, close) = case.ending.close?;
    let meanings = case.implementation(from)?.implementation.close_meaning(close.code, &close.reason, from);
    let meaning = meanings.first().copied()?;
    // A reason that is all placeholder fits anything.
    let spelt_out = !meaning.reason.is_empty() && !meaning.reason.contains('{');
    (spelt_out && meaning.triggers == [knowledge::Trigger::HandlerError]).then_some(meaning)
}

/// Adds what the closer's implementation is known to mean, with its fix; whether there was something to add.
pub fn add_known_meaning(case: &Case<'_>, finding: &mut Finding) -> bool {
    let (Some((name, meaning)), Some((from, close))) = (known_meaning(case), case.ending.close) else { return false };
    let trigger = meaning.trigger.trim_end_matches('.');
    finding.evidence.push(Evidence {
        kind: "known-close",
        text: format!("{name} sends {} on this: {trigger}.", close_words(close)),
        packets: vec![close.origin.packet],
    });
    if !meaning.likely_cause.is_empty() {
        note(finding, format!("Likely origin: {}.", meaning.likely_cause.trim_end_matches('.')), &[]);
    }
    if !meaning.fix.is_empty() {
        finding.fixes.push(Fix {
            party: finding.change.unwrap_or(Party::from(from)),
            text: format!("{}.", meaning.fix.trim_end_matches('.')),
            example: None,
            source: Some(meaning.source.clone()).filter(|s| !s.is_empty()),
        });
    }
    true
}

/// Whether a reason speaks of a heartbeat that failed: then the keep-alive is the story and not the code.
#[must_use]
pub fn speaks_of_keepalive(reason: &str) -> bool {
    contains_any(
        reason,
        &["ping timeout", "pong timeout", "keepalive", "keep-alive", "heartbeat", "no pong", "ping failed"],
    )
}

/// Whether a word or words of `text` begin with one of `needles` (given in lower case), without regard to case.
#[must_use]
pub fn contains_any(text: &str, needles: &[&str]) -> bool {
    let text = text.to_ascii_lowercase();
    let begins_word = |at: usize| !text[..at].ends_with(|c: char| c.is_ascii_alphanumeric());
    needles.iter().any(|n| text.match_indices(n).any(|(at, _)| begins_word(at)))
}

/// Notes what a calm code may hide: a timer, or a Ping without an answer.
pub fn note_hidden(case: &Case<'_>, finding: &mut Finding) {
    let Some((from, close)) = case.ending.close else { return };
    let other = from.other();
    let unanswered = case.connection.sent_by(from).pings().first_unanswered.filter(|p| *p < close.origin);
    if let Some(ping) = unanswered.filter(|_| !case.has_holes(other)) {
        let waited = close.origin.at.seconds_since(ping.at);
        if waited >= 2.0 {
            notice(finding);
            note(
                finding,
                format!(
                    "The {from}'s Ping ({}) had gone unanswered for {} before it closed.",
                    case.packet(ping.packet),
                    timers::words(waited)
                ),
                &[ping.packet],
            );
        }
    }
    let Some(silence) = case.silence().filter(|s| *s >= 5.0 && from == Side::Server) else { return };
    if !super::idle::fits(silence) || case.world.events.event(case.index).is_some() {
        return;
    }
    let same = case.world.siblings_with(case.index, super::recurrence::Measure::Silence(None), from);
    let same = same.iter().filter(|(i, _)| *i != case.index && case.world.endings[*i].code == case.ending.code).count();
    if same >= 2 {
        notice(finding);
        finding.title.push_str(&format!(", after {} of silence like {same} other connections", timers::words(silence)));
        note(finding, "The same silence before each of them: an idle timer that closes with a calm code.", &[]);
    } else {
        note(
            finding,
            format!(
                "It followed a silence of {}: it may be an idle timer that closes with a calm code.",
                timers::words(silence)
            ),
            &[],
        );
    }
}

fn notice(finding: &mut Finding) {
    if finding.severity == Severity::Normal {
        finding.severity = Severity::Notice;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heartbeats_are_told_from_other_reasons() {
        assert!(speaks_of_keepalive("keepalive ping timeout"));
        assert!(speaks_of_keepalive("Heartbeat failed"));
        assert!(!speaks_of_keepalive("shipping timeout reached"));
        assert!(!speaks_of_keepalive("internal error"));
    }
}
