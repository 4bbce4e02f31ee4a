//! The sentences that the causes of the family share: what was sent, where it is wrong, how it was refused.

use super::look::Look;
use super::{BadText, Refusal, Suspect, Trouble, Unchecked};
use crate::connection::{InvalidUtf8, Message, Utf8Class};
use crate::diagnosis::case::Case;
use crate::diagnosis::finding::Finding;
use crate::diagnosis::payload::{self, escape_excerpt, utf8};
use crate::diagnosis::{drops, timers, words};
use crate::ids::Side;
use crate::report::model::{Confidence, Severity};

/// Bytes of a message that evidence shows before and from the fault.
const SHOWN: (usize, usize) = (8, 16);

/// The finding for a text that is not UTF-8, without fixes: title, what was sent and how it was refused, the byte at fault.
#[must_use]
pub fn bad_text(case: &Case<'_>, bad: &BadText<'_>, title: impl Into<String>) -> Finding {
    let suspect = &bad.suspect;
    let confidence = suspect.confidence.min(bad.look.confidence());
    let mut finding =
        about(case, suspect, confidence, title, &format!(" {}", where_not_utf8(suspect.message, bad.fault)));
    let place = place(suspect.message, bad.fault);
    let described = described(bad.fault, matches!(bad.look, Look::Cut(_)));
    let text = format!("{}: {described}.", words::sentence(&place));
    finding = finding.with_evidence("invalid-byte", text, &[bad.fault.origin.packet]);
    if let Some(shown) = bytes_around(bad.fault) {
        finding = finding.with_evidence("bytes", shown, &[]);
    }
    if let Some(echo) = bad.echo_of {
        finding = echoed(case, finding, suspect, echo);
    }
    let defects = case.connection.sent_by(suspect.from).defects;
    if defects > 1 && bad.echo_of.is_none() {
        let text = format!(
            "{} messages of the {} on this connection have such a fault.",
            words::sentence(&words::grouped(defects)),
            suspect.from
        );
        finding = finding.with_evidence("repeated", text, &[]);
    }
    finding
}

/// The finding for any refused message, without fixes; `wrong` continues the sentence that names the message.
#[must_use]
pub fn about(
    case: &Case<'_>,
    suspect: &Suspect<'_>,
    confidence: Confidence,
    title: impl Into<String>,
    wrong: &str,
) -> Finding {
    let explanation = format!("{}{wrong}. {}", sent(case, suspect), refused(case, &suspect.refusal));
    let mut finding = Finding::new(confidence, Severity::Problem, title, explanation);
    finding.caused_by = Some(suspect.from.into());
    finding.change = Some(suspect.from.into());
    let looks_like = |fault: &InvalidUtf8| match super::trouble(case) {
        Some(Trouble::Text(bad)) if std::ptr::eq(bad.fault, fault) => bad.inspection.looks_like.clone(),
        _ => payload::inspect(fault, suspect.message.payload_bytes).looks_like,
    };
    finding.message = Some(words::inspected_report(suspect.from, suspect.message, looks_like));
    if let Some((waited, known)) = suspect.without_code {
        let (by, message) = (suspect.refusal.by, suspect.message);
        let known = match case.implementation(by).filter(|_| known) {
            Some(identified) => format!("; {} is known to end connections so", identified.implementation.name),
            None => String::new(),
        };
        let text = format!(
            "The {by} ended the connection {} after the message, before it sent any other{known}.",
            timers::words(waited)
        );
        finding = finding.with_evidence("ended-at-message", text, &[message.last.packet, suspect.refusal.at.packet]);
    }
    finding
}

/// `The client 10.0.0.1:5000 sent a text message of 12 bytes (packet 9)`.
#[must_use]
pub fn sent(case: &Case<'_>, suspect: &Suspect<'_>) -> String {
    let message = suspect.message;
    let size = match message.payload_bytes {
        Some(size) => words::bytes(size),
        None => words::bytes(message.wire_bytes),
    };
    let begun = if message.complete { "" } else { "the beginning of " };
    let compressed = match message.payload_bytes {
        Some(_) if message.compressed => format!(", compressed to {}", words::bytes(message.wire_bytes)),
        None if message.compressed => " of compressed data".to_owned(),
        _ => String::new(),
    };
    let fragments = if message.fragments > 1 { format!(" in {} frames", message.fragments) } else { String::new() };
    format!(
        "{} sent {begun}a {} message of {size}{compressed}{fragments} ({})",
        words::sentence(&case.who(suspect.from)),
        words::kind(message.kind),
        case.packets(message.first.packet, message.last.packet),
    )
}

/// How the receiver refused, as a sentence.
#[must_use]
pub fn refused(case: &Case<'_>, refusal: &Refusal<'_>) -> String {
    let by = refusal.by;
    let Some(close) = refusal.close else {
        let how = case.connection.tcp_end.map_or_else(|| "ended TCP".to_owned(), |end| drops::how(case, end));
        return format!("The {by} {how}{}", drops::without_close(case));
    };
    let code = close.code.map_or("an empty Close".to_owned(), |c| format!("Close {c}"));
    let reason = if close.reason.is_empty() { String::new() } else { format!(" \"{}\"", quoted(&close.reason)) };
    let answered = match case.ending.close.filter(|_| refusal.answers_close) {
        Some((first, _)) => format!("answered the {first}'s Close with"),
        None if case.connection.sent_by(by.other()).last_message.is_none() => "sent".to_owned(),
        None => "answered with".to_owned(),
    };
    format!("The {by} {answered} {code}{reason} ({}).", case.packet(close.origin.packet))
}

/// How the refusal reads in a title: `the server closed with 1007`, `the server dropped the connection`.
#[must_use]
pub fn outcome(refusal: &Refusal<'_>) -> String {
    match refusal.close {
        Some(close) => match close.code {
            Some(code) => format!("the {} closed with {code}", refusal.by),
            None => format!("the {} closed without a code", refusal.by),
        },
        None => format!("the {} dropped the connection", refusal.by),
    }
}

/// A text of the peer for a sentence: on one line, without anything that moves a cursor.
#[must_use]
pub fn quoted(text: &str) -> String {
    escape_excerpt(text.as_bytes(), 160)
}

/// What is wrong with the bytes at fault, as a clause. A stray continuation byte is the end of a character only where a text
/// was `cut`.
#[must_use]
pub fn described(fault: &InvalidUtf8, cut: bool) -> String {
    let lead = fault.bytes.first().copied().unwrap_or_default();
    match fault.class {
        Utf8Class::MissingContinuation if lead >= 0xf5 || matches!(lead, 0xc0 | 0xc1) => {
            format!("{lead:02X} never occurs in UTF-8")
        }
        Utf8Class::MissingContinuation => {
            // The bytes at fault end with the one that came instead of a continuation.
            let length = 1 + fault.bytes.iter().skip(1).take_while(|b| *b & 0xc0 == 0x80).count();
            let begun = fault.bytes.get(..length).unwrap_or_default();
            let at = fault.offset.checked_sub(fault.around_offset).and_then(|n| usize::try_from(n).ok());
            let rest = at.and_then(|n| fault.around.get(n..)).filter(|rest| rest.starts_with(begun));
            utf8::describe_sequence(fault.class, begun, rest.unwrap_or(&fault.bytes)).text
        }
        Utf8Class::UnexpectedContinuation if !cut => {
            utf8::describe_sequence(fault.class, &fault.bytes, &fault.bytes).text
        }
        _ => utf8::describe(fault).text,
    }
}

fn where_not_utf8(message: &Message, fault: &InvalidUtf8) -> String {
    let known = if fault.offset == 0 {
        "its first byte".to_owned()
    } else {
        format!("offset {}", words::grouped(fault.offset))
    };
    let inflated = if message.compressed { " of the inflated text" } else { "" };
    format!("that is not UTF-8 from {known}{inflated} on")
}

/// `offset 12 of the message (offset 2 of its frame 2), packet 9`, counted from 0.
fn place(message: &Message, fault: &InvalidUtf8) -> String {
    let inflated = if message.compressed { "inflated message" } else { "message" };
    let frame = match fault.fragment {
        0 | 1 if message.fragments <= 1 => String::new(),
        number => format!(" (offset {} of its frame {number})", words::grouped(fault.offset_in_fragment)),
    };
    format!("offset {} of the {inflated}{frame}", words::grouped(fault.offset))
}

/// The bytes before and from the fault, the fault in brackets.
fn bytes_around(fault: &InvalidUtf8) -> Option<String> {
    let at = usize::try_from(fault.offset.checked_sub(fault.around_offset)?).ok()?;
    let (mut before, mut from) = (fault.around.get(..at)?, fault.offset);
    // The beginning of the message where the sample begins at the fault.
    if before.is_empty() {
        before = fault.head.get(..usize::try_from(fault.offset).ok()?).unwrap_or_default();
    }
    before = &before[before.len().saturating_sub(SHOWN.0)..];
    from -= before.len() as u64;
    let rest = fault.around.get(at..)?;
    let wrong = match fault.class {
        // The bytes at fault end with the one that came instead of a continuation.
        Utf8Class::MissingContinuation => 1 + fault.bytes.iter().skip(1).take_while(|b| *b & 0xc0 == 0x80).count(),
        _ => fault.bytes.len(),
    }
    .min(rest.len());
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(" ");
    let parts = [hex(before), format!("[{}]", hex(&rest[..wrong])), hex(&rest[wrong..rest.len().min(SHOWN.1)])];
    let shown: Vec<&str> = parts.iter().map(String::as_str).filter(|p| !p.is_empty()).collect();
    Some(format!("Bytes from offset {}: {}", words::grouped(from), shown.join(" ")))
}

fn echoed(case: &Case<'_>, mut finding: Finding, suspect: &Suspect<'_>, echo: &Message) -> Finding {
    let (sender, echoer) = (suspect.refusal.by, suspect.from);
    finding.caused_by = Some(sender.into());
    finding.change = Some(sender.into());
    finding.with_evidence(
        "echo",
        format!(
            "The {sender} had sent the same {} before ({}): the {echoer} did not check them and sent them back.",
            words::bytes(echo.payload_bytes.unwrap_or(echo.wire_bytes)),
            case.packets(echo.first.packet, echo.last.packet)
        ),
        &[echo.first.packet],
    )
}

/// What keeps a capture from showing the data, as a clause.
#[must_use]
pub fn unchecked(why: Unchecked, from: Side) -> String {
    match why {
        Unchecked::NothingSent => format!("the {from} had sent no message on this connection"),
        Unchecked::Missing => format!("bytes that the {from} sent are missing from the capture"),
        Unchecked::Midstream => {
            format!("the capture begins after the handshake and holds no message of the {from} before the end")
        }
        Unchecked::Compressed => {
            format!("messages of the {from} are compressed and refer to earlier ones that the capture lacks")
        }
        Unchecked::AllValid => format!("every text that the {from} had sent is valid UTF-8 in this capture"),
    }
}
