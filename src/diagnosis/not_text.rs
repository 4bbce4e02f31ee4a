//! Whether bytes that are no text, or compressed data that cannot be read, made a receiver end the connection: what the
//! causes of the family share.

pub mod fixes;
pub mod look;
pub mod reason;
pub mod story;
#[cfg(test)]
mod tests;

use super::case::Case;
use super::payload::{self, Inspection};
use crate::connection::{
    CloseFrame, Defect, FirstClose, InflateFailure, InvalidUtf8, Message, Sent, SplitCharacter, Utf8Class,
};
use crate::ids::{Origin, Side, StreamOffset};
use crate::knowledge::Trigger;
use crate::report::model::Confidence;
use look::Look;
use reason::BadReason;

/// What a receiver stumbled over, or says that it did.
pub enum Trouble<'a> {
    /// A text message that is not UTF-8.
    Text(Box<BadText<'a>>),
    /// A compressed message that cannot be inflated as agreed.
    Inflate(Suspect<'a>, &'a InflateFailure),
    /// A valid text with a character that straddles two fragments.
    Split(Suspect<'a>, SplitCharacter),
    /// The reason of a Close.
    Reason(Box<BadReason<'a>>),
    /// The closer says that data does not fit, and all of it is valid; the last message that it had received.
    Rejected(Refusal<'a>, Option<&'a Message>),
    /// The closer says that data does not fit, and the capture cannot tell which.
    Unexplained(Refusal<'a>, Unchecked),
}

/// How an end came about: the Close, or the FIN or RST, that answers what was sent before.
#[derive(Debug, Clone, Copy)]
pub struct Refusal<'a> {
    /// Who refused.
    pub by: Side,
    /// With which Close; `None` when it ended TCP without one.
    pub close: Option<&'a CloseFrame>,
    /// The code of it, 1005 when empty, 1006 when there was none.
    pub code: u16,
    /// When.
    pub at: Origin,
    /// Whether the other side's Close had come first.
    pub answers_close: bool,
    /// How far it had acknowledged the other side's stream, where that is known.
    pub acknowledged: Option<StreamOffset>,
}

/// A message that was refused for its content.
#[derive(Debug, Clone, Copy)]
pub struct Suspect<'a> {
    /// Who sent it.
    pub from: Side,
    /// The message.
    pub message: &'a Message,
    /// How it was refused.
    pub refusal: Refusal<'a>,
    /// How well the end fits the fault.
    pub confidence: Confidence,
    /// Why the fault is held responsible although no code says so: seconds between both, and whether that implementation
    /// is known to end so. `None` where the code says it.
    pub without_code: Option<(f64, bool)>,
}

/// A text message that is not UTF-8.
pub struct BadText<'a> {
    /// The message and its refusal.
    pub suspect: Suspect<'a>,
    /// Where and how it stops being UTF-8.
    pub fault: &'a InvalidUtf8,
    /// What its bytes look like.
    pub inspection: Inspection,
    /// What that means.
    pub look: Look,
    /// The same bytes as the closer itself had sent them before: this message is their echo.
    pub echo_of: Option<&'a Message>,
}

/// Why a capture cannot show which data was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unchecked {
    /// Nothing had been sent to the closer.
    NothingSent,
    /// Bytes are missing from the capture.
    Missing,
    /// The capture begins after the handshake.
    Midstream,
    /// A compressed message could not be inflated because of what is missing before it.
    Compressed,
    /// All was seen, and all of it is valid.
    AllValid,
}

/// Seconds within which an end that does not say why is an answer to a message.
const PROMPT: f64 = 2.0;
/// Seconds within which it is hardly anything else.
const AT_ONCE: f64 = 0.5;
/// Connections to the same server that are asked whether it puts up with bad text.
const SIBLINGS: usize = 256;

/// Content that explains the end, looked for once for each case.
#[must_use]
pub fn trouble<'c, 'a>(case: &'c Case<'a>) -> Option<&'c Trouble<'a>> {
    case.memo.trouble.get_or_init(|| look_for_trouble(case)).as_ref()
}

fn look_for_trouble<'a>(case: &Case<'a>) -> Option<Trouble<'a>> {
    if let Some(bad) = reason::bad_reason(case) {
        return Some(Trouble::Reason(Box::new(bad)));
    }
    let refusal = refusal(case)?;
    let from = refusal.by.other();
    let sent = case.connection.sent_by(from);
    if !matches!(refusal.code, 1000 | 1002 | 1003 | 1005 | 1006 | 1007 | 1008 | 1011) {
        return None;
    }
    if let Some((suspect, defect)) = defective(case, &refusal, sent) {
        return Some(match defect {
            Defect::Inflate(failure) => Trouble::Inflate(suspect, failure),
            Defect::InvalidUtf8(fault) => {
                let total = suspect.message.payload_bytes.filter(|_| suspect.message.complete);
                let inspection = payload::inspect(fault, total);
                let look = look::look(sent, suspect.message, fault, &inspection);
                let echo_of = echoed(case.connection.sent_by(refusal.by), suspect.message, fault);
                Trouble::Text(Box::new(BadText { suspect, fault, inspection, look, echo_of }))
            }
        });
    }
    if let Some((suspect, split)) = split(case, &refusal, sent) {
        return Some(Trouble::Split(suspect, split));
    }
    let reason = refusal.reason();
    let speaks = speaks_of_text(reason) || speaks_of_compression(reason);
    if refusal.code != 1007 && !(refusal.code == 1002 && speaks) {
        return None;
    }
    let messages = arrived(&refusal, sent);
    let last = messages.iter().rev().find(|m| m.complete).copied();
    match unchecked(case, from, sent, &messages) {
        Some(Unchecked::NothingSent) if !reason.is_empty() && !speaks => Some(Trouble::Rejected(refusal, None)),
        Some(why) => Some(Trouble::Unexplained(refusal, why)),
        // A JSON escape is ASCII on the wire: what it stands for is content.
        None if speaks && last.is_some_and(escapes_half_a_pair) => Some(Trouble::Rejected(refusal, last)),
        None if speaks => Some(Trouble::Unexplained(refusal, Unchecked::AllValid)),
        None => Some(Trouble::Rejected(refusal, last)),
    }
}

impl<'a> Refusal<'a> {
    /// The reason text, empty when there is none.
    #[must_use]
    pub fn reason(&self) -> &'a str {
        self.close.map_or("", |c| c.reason.as_str())
    }
}

/// The Close that refuses: the first one, or an answer that says 1007 or 1002 where the first Close did not.
fn refusal<'a>(case: &Case<'a>) -> Option<Refusal<'a>> {
    let of = |by, close: &'a CloseFrame, answers_close| Refusal {
        by,
        close: Some(close),
        code: close.code.unwrap_or(1005),
        at: close.origin,
        answers_close,
        acknowledged: Some(close.acknowledged).filter(|a| a.0 > 0 && case.ending.first == FirstClose::Seen),
    };
    match (case.ending.close, case.ending.answer) {
        (Some((_, first)), Some((by, answer)))
            if matches!(answer.code, Some(1007 | 1002))
                && answer.code != first.code
                && !matches!(first.code, Some(1002 | 1003 | 1007)) =>
        {
            Some(of(by, answer, true))
        }
        (Some((by, first)), _) => Some(of(by, first, false)),
        (None, _) => {
            let end = case.connection.tcp_end?;
            Some(Refusal {
                by: end.by,
                close: None,
                code: 1006,
                at: end.origin,
                answers_close: false,
                acknowledged: None,
            })
        }
    }
}

/// Whether the refuser had received at least the beginning of a message, by the acknowledgement in its Close, else by time.
fn had_begun_to_arrive(refusal: &Refusal<'_>, message: &Message) -> bool {
    refusal.acknowledged.map_or(message.first <= refusal.at, |a| message.start < a)
}

/// The last messages that the refuser had begun to receive, oldest first.
fn arrived<'a>(refusal: &Refusal<'_>, sent: &'a Sent) -> Vec<&'a Message> {
    sent.kept_messages().into_iter().filter(|m| had_begun_to_arrive(refusal, m)).collect()
}

/// The message with a defect that the end answers.
fn defective<'a>(case: &Case<'a>, refusal: &Refusal<'a>, sent: &'a Sent) -> Option<(Suspect<'a>, &'a Defect)> {
    let mut unlikely = None;
    for message in sent.defective.iter().filter(|m| had_begun_to_arrive(refusal, m)) {
        let Some(defect) = message.defect.as_deref() else { continue };
        let from = refusal.by.other();
        // What cannot be inflated after a hole says something about the capture only.
        if matches!(defect, Defect::Inflate(_))
            && (case.connection.joined_midstream || sent.lost.gaps.iter().any(|g| g.start < message.end))
        {
            continue;
        }
        let Some((confidence, without_code)) = link(case, refusal, message, defect) else { continue };
        let suspect = Suspect { from, message, refusal: *refusal, confidence, without_code };
        if confidence == Confidence::Certain || without_code.is_some() {
            return Some((suspect, defect));
        }
        unlikely = Some((suspect, defect));
    }
    unlikely
}

/// How an end fits a fault, and why where no code says so; `None` when it does not.
fn link(
    case: &Case<'_>,
    refusal: &Refusal<'_>,
    message: &Message,
    defect: &Defect,
) -> Option<(Confidence, Option<(f64, bool)>)> {
    let sent = case.connection.sent_by(refusal.by.other());
    let noticed = match defect {
        _ if message.complete && message.last <= refusal.at => message.last,
        Defect::InvalidUtf8(fault) => fault.origin,
        Defect::Inflate(failure) => failure.origin,
    };
    let waited = refusal.at.at.seconds_since(noticed.at);
    let reason = refusal.reason();
    let named = match defect {
        Defect::InvalidUtf8(_) => speaks_of_text(reason),
        Defect::Inflate(_) => speaks_of_compression(reason),
    };
    if named {
        return Some((Confidence::Certain, None));
    }
    let later = case.connection.sent_by(refusal.by).last_message;
    let carried_on = waited > PROMPT && later.is_some_and(|o| o.at.seconds_since(noticed.at) > PROMPT);
    match refusal.code {
        1007 if !carried_on => Some((Confidence::Certain, None)),
        1007 => reason.is_empty().then_some((Confidence::Likely, None)),
        1002 | 1003 => {
            let another_fault = sent.violations.iter().any(|v| v.start < message.start && v.origin < refusal.at);
            let sure = if waited <= PROMPT { Confidence::Certain } else { Confidence::Likely };
            (!carried_on && !another_fault).then_some((sure, None))
        }
        code => {
            let answered = later.is_some_and(|o| o > noticed);
            let together = case.world.event_of(case.index).is_some();
            if waited > PROMPT || answered || puts_up_with_it(case, refusal, message, defect) {
                return None;
            }
            let known = known_to_end_so(case, refusal, defect);
            let sure = match code {
                // Others ended at the same time: that may be the reason here as well.
                _ if together => Confidence::Possible,
                _ if known => Confidence::Likely,
                1006 | 1011 if waited <= AT_ONCE => Confidence::Likely,
                _ => Confidence::Possible,
            };
            Some((sure, Some((waited, known))))
        }
    }
}

/// Whether the identified implementation is known to end connections in this way over such a fault.
fn known_to_end_so(case: &Case<'_>, refusal: &Refusal<'_>, defect: &Defect) -> bool {
    let Some(identified) = case.implementation(refusal.by) else { return false };
    let kind = match defect {
        Defect::InvalidUtf8(_) => Trigger::InvalidUtf8,
        Defect::Inflate(_) => Trigger::CorruptDeflate,
    };
    match refusal.close {
        None => identified.implementation.drops_instead_of_closing(kind, refusal.by),
        Some(close) => identified
            .implementation
            .close_meaning(close.code, &close.reason, refusal.by)
            .iter()
            .any(|meaning| meaning.triggers.contains(&kind)),
    }
}

/// Whether the refuser had received such a fault before and carried on: it does not check.
fn puts_up_with_it(case: &Case<'_>, refusal: &Refusal<'_>, message: &Message, defect: &Defect) -> bool {
    let sent = case.connection.sent_by(refusal.by.other());
    let earlier = sent.defective.iter().any(|m| m.number < message.number && is_such_a_fault(m, defect));
    if earlier || refusal.by == Side::Client {
        return earlier;
    }
    case.world.siblings(case.index).filter(|(i, _)| *i != case.index).take(SIBLINGS).any(|(_, sibling)| {
        let answered = sibling.from_server.last_message.map(|o| o.at);
        let passed = |m: &Message| answered.is_some_and(|at| at > m.last.at) && is_such_a_fault(m, defect);
        sibling.from_client.defective.iter().any(passed)
    })
}

/// Whether who lets this message pass would let that fault pass: checkers that go along byte by byte can miss a text that ends
/// inside a character, and find everything else.
fn is_such_a_fault(message: &Message, defect: &Defect) -> bool {
    let cut = |defect: &Defect| matches!(defect, Defect::InvalidUtf8(fault) if fault.class == Utf8Class::CutAtEnd);
    !message.defect.as_deref().is_some_and(cut) || cut(defect)
}

/// The same bytes that the refuser had sent before.
fn echoed<'a>(refuser: &'a Sent, message: &Message, fault: &InvalidUtf8) -> Option<&'a Message> {
    refuser.defective.iter().find(|m| {
        let same_fault = match m.defect.as_deref() {
            Some(Defect::InvalidUtf8(f)) => f.offset == fault.offset && f.bytes == fault.bytes,
            _ => false,
        };
        same_fault
            && m.first < message.first
            && m.payload_bytes == message.payload_bytes
            && m.head.as_slice() == message.head.as_slice()
    })
}

/// A valid text, the last that had begun to arrive, whose character straddles two fragments.
fn split<'a>(case: &Case<'a>, refusal: &Refusal<'a>, sent: &'a Sent) -> Option<(Suspect<'a>, SplitCharacter)> {
    let message = arrived(refusal, sent).pop()?;
    let split = **message.split_character.as_ref()?;
    if message.defect.is_some() || split.origin > refusal.at {
        return None;
    }
    let at_fragment = !message.complete
        || match refusal.close {
            Some(close) if close.acknowledged.0 > 0 => close.acknowledged < message.end,
            _ => message.last > refusal.at,
        };
    let noticed = if at_fragment { split.origin } else { message.last };
    let waited = refusal.at.at.seconds_since(noticed.at);
    let answered = case.connection.sent_by(refusal.by).last_message.is_some_and(|o| o > noticed);
    let reason = refusal.reason();
    let unclear = !reason.is_empty() && !speaks_of_text(reason);
    let (confidence, without_code) = match refusal.code {
        1007 | 1002 if speaks_of_text(reason) => (Confidence::Certain, None),
        1007 | 1002 if unclear || answered || waited > PROMPT => return None,
        1007 if at_fragment => (Confidence::Certain, None),
        1007 => (Confidence::Likely, None),
        1002 if at_fragment => (Confidence::Likely, None),
        1006 if at_fragment && waited <= AT_ONCE && !answered => (Confidence::Possible, Some((waited, false))),
        _ => return None,
    };
    Some((Suspect { from: refusal.by.other(), message, refusal: *refusal, confidence, without_code }, split))
}

/// Why what the refuser had received could not be checked; `None` when all of it was, and there was something.
fn unchecked(case: &Case<'_>, from: Side, sent: &Sent, messages: &[&Message]) -> Option<Unchecked> {
    if case.has_holes(from) || messages.iter().any(|m| m.missing_bytes > 0) {
        return Some(Unchecked::Missing);
    }
    if messages.iter().any(|m| m.complete && m.payload_bytes.is_none()) || sent.defects > 0 {
        return Some(Unchecked::Compressed);
    }
    match messages.iter().any(|m| m.complete) {
        true => None,
        false if case.connection.joined_midstream => Some(Unchecked::Midstream),
        false => Some(Unchecked::NothingSent),
    }
}

/// Whether the beginning of a text holds the JSON escape of a surrogate without its other half.
fn escapes_half_a_pair(message: &Message) -> bool {
    let text = String::from_utf8_lossy(message.head.as_slice()).to_ascii_lowercase();
    let escape = |at: usize, halves: [&str; 4]| text.get(at..).is_some_and(|t| halves.iter().any(|h| t.starts_with(h)));
    const HIGH: [&str; 4] = ["\\ud8", "\\ud9", "\\uda", "\\udb"];
    const LOW: [&str; 4] = ["\\udc", "\\udd", "\\ude", "\\udf"];
    text.match_indices("\\ud").any(|(at, _)| {
        // The escape may be among what was not kept of the message.
        let whole = text.len() >= at + 12 || message.payload_bytes.is_some_and(|n| n <= text.len() as u64);
        let before = at.checked_sub(6).is_some_and(|b| escape(b, HIGH));
        whole && (escape(at, HIGH) && !escape(at + 6, LOW) || escape(at, LOW) && !before)
    })
}

/// Whether a reason speaks of an encoding.
#[must_use]
pub fn speaks_of_text(reason: &str) -> bool {
    let reason = reason.to_ascii_lowercase();
    ["utf", "unicode", "start byte", "continuation byte", "surrogate", "codec can't decode", "invalid byte"]
        .iter()
        .any(|words| reason.contains(words))
}

/// Whether a reason speaks of compression.
#[must_use]
pub fn speaks_of_compression(reason: &str) -> bool {
    let reason = reason.to_ascii_lowercase();
    ["compress", "inflate", "inflating", "deflate", "zlib"].iter().any(|words| reason.contains(words))
}
