//! `content-rejected`.

use crate::connection::Message;
use crate::diagnosis::case::Case;
use crate::diagnosis::finding::{Cause, Family, Finding, Verdict};
use crate::diagnosis::not_text::{self, Refusal, Trouble, story};
use crate::diagnosis::{timers, words};
use crate::knowledge::Trigger;
use crate::report::model::{Confidence, Severity};

pub(super) const CAUSE: Cause = Cause {
    id: "content-rejected",
    family: Family::NotText,
    summary: "an application refused the content of a message; the text itself is valid",
    documentation: "\
# content-rejected

## What was seen
One side closed with 1007, and every text that it had received is valid UTF-8. Often the reason says what it did not like.

## Why the peer closes
Applications use 1007 (Invalid frame payload data) for \"invalid argument\": a field that is missing, a model or topic that
does not exist, a JSON text of the wrong form, an API key that is not valid. RFC 6455 section 7.4.1 gives bytes that are not
UTF-8 as an example only.

## How we know
All texts up to the close were captured and checked, byte by byte. With a reason text that does not speak of an encoding the
conclusion is certain; without one it is likely.

## What would prove us wrong
Bytes that the capture lacks; a receiver with a faulty UTF-8 check; a proxy that changed the message on its other leg.

## Fix
Read the reason and the message named in the report, and correct what it says. No change of encoding helps.

## References
RFC 6455 section 7.4.1.
",
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    match not_text::trouble(case) {
        Some(Trouble::Rejected(refusal, message)) => finding(case, refusal, *message),
        _ => Verdict::NotThis,
    }
}

fn finding(case: &Case<'_>, refusal: &Refusal<'_>, message: Option<&Message>) -> Verdict {
    let (by, from) = (refusal.by, refusal.by.other());
    let reason = story::quoted(refusal.reason());
    let short = reason.trim_end_matches('.');
    let title = match (reason.is_empty(), message) {
        (false, Some(_)) => format!("{by} rejected what the {from} asked for: \"{short}\""),
        (false, None) => format!("{by} rejected the {from}: \"{short}\""),
        (true, _) => format!("{by} closed with 1007 although every text of the {from} is valid UTF-8"),
    };
    let sent = match message {
        Some(message) => format!(
            "{} sent a {} message of {} ({}), which is the last that the {by} had received.",
            words::sentence(&case.who(from)),
            words::kind(message.kind),
            words::bytes(message.payload_bytes.unwrap_or(message.wire_bytes)),
            case.packets(message.first.packet, message.last.packet)
        ),
        None => format!("{} sent no message.", words::sentence(&case.who(from))),
    };
    let explanation = format!(
        "{sent} {} It is not about the encoding: this {by} uses 1007 to say that it does not accept the content.",
        story::refused(case, refusal)
    );
    let confidence = if reason.is_empty() || message.is_none() { Confidence::Likely } else { Confidence::Certain };
    let mut finding = Finding::new(confidence, Severity::Problem, title, explanation);
    finding.caused_by = Some(from.into());
    finding.change = Some(from.into());
    finding.message = message.map(|m| words::message_report(from, m));
    if let Some(message) = message {
        let texts = case.connection.sent_by(from).messages;
        let text = match texts {
            1 => format!("The only message of the {from} was captured whole and is valid."),
            n => format!(
                "All {} messages of the {from} were captured whole and checked: each text is valid UTF-8.",
                words::grouped(n)
            ),
        };
        finding = finding.with_evidence("valid-text", text, &[message.last.packet]);
        let excerpt = crate::diagnosis::payload::escape_excerpt(message.head.as_slice(), crate::limits::HEAD_BYTES);
        let waited = refusal.at.at.seconds_since(message.last.at);
        let more =
            if message.payload_bytes.is_some_and(|n| n > message.head.as_slice().len() as u64) { "…" } else { "" };
        finding = finding.with_evidence(
            "last-message",
            format!(
                "The last message came {} before the Close and begins with: {excerpt}{more}",
                timers::words(waited)
            ),
            &[message.first.packet],
        );
    }
    if message.is_none() {
        let text = format!("The {from} had sent no message: the reason can only mean what its handshake carried.");
        finding = finding.with_evidence("no-message", text, &[refusal.at.packet]);
    }
    let meaning = case.implementation(by).and_then(|identified| {
        let known = identified.implementation.close_meaning(Some(refusal.code), refusal.reason(), by);
        known.into_iter().find(|m| m.triggers.iter().any(|t| matches!(t, Trigger::Application | Trigger::Policy)))
    });
    if let Some(meaning) = meaning.filter(|_| !reason.is_empty()) {
        finding = finding.with_evidence("known-reason", format!("Known cause: {}.", meaning.likely_cause), &[]);
    }
    let text = match (reason.is_empty(), message) {
        (false, Some(_)) => "correct the content of that message as the reason says; its encoding is fine.",
        (false, None) => "correct what the handshake carried (URL, key, subprotocol) as the reason says.",
        (true, _) => "compare the content of that message with what the application accepts; its encoding is fine.",
    };
    finding = finding.with_fix(from.into(), text, None, None);
    if reason.is_empty() {
        finding = finding.with_fix(
            by.into(),
            "say in the close reason what is wrong, with a code from 4000 to 4999: 1007 reads as an encoding error.",
            None,
            None,
        );
    }
    finding.fits()
}
