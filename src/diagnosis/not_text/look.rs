//! What a text that is not UTF-8 most likely is: one answer, from the strongest evidence down.

use crate::connection::{DataType, Defect, InvalidUtf8, Message, Sent, Utf8Class};
use crate::diagnosis::payload::{Basis, Fit, Inspection, StaleKind, utf8};
use crate::report::model::Confidence;

/// What a text that is not UTF-8 most likely is.
#[derive(Debug, Clone, PartialEq)]
pub enum Look {
    /// Text under a masking fault.
    WrongMask,
    /// A binary format.
    Binary(Confidence),
    /// Text in another encoding.
    Charset(Confidence),
    /// A text cut inside a character.
    Cut(Cut),
    /// UTF-8 but for encoded surrogates.
    Surrogate,
    /// UTF-8 but for longer forms than needed.
    Overlong,
    /// Text with something else before or behind it.
    Stale(Confidence),
    /// None of these.
    Corrupt,
}

/// A character that was cut between two messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// Whether the end of the character is missing; otherwise its beginning is.
    pub at_end: bool,
    /// The character, where the neighbouring message holds the rest of it, and that message's number.
    pub rest: Option<(char, u64)>,
    /// Messages right before it that have the same length.
    pub same_length: usize,
    /// Whether the length is a number that people choose for buffers.
    pub round: bool,
}

impl Look {
    /// How sure that is.
    #[must_use]
    pub fn confidence(&self) -> Confidence {
        match self {
            Look::Binary(c) | Look::Charset(c) | Look::Stale(c) => *c,
            Look::Cut(cut) if cut.rest.is_some() => Confidence::Certain,
            Look::Cut(cut) if cut.at_end && (cut.same_length > 0 || cut.round) => Confidence::Certain,
            Look::Cut(_) => Confidence::Likely,
            Look::WrongMask | Look::Surrogate | Look::Overlong | Look::Corrupt => Confidence::Certain,
        }
    }
}

/// Decides.
#[must_use]
pub fn look(sent: &Sent, message: &Message, fault: &InvalidUtf8, inspection: &Inspection) -> Look {
    if inspection.remask.is_some() {
        return Look::WrongMask;
    }
    let binary = inspection.binary.as_ref();
    if binary.is_some_and(|b| b.basis != Basis::Statistics) {
        return Look::Binary(Confidence::Certain);
    }
    if fault.class == Utf8Class::CutAtEnd {
        let cut = cut_at_end(sent, message, fault);
        let ends_in_letter = inspection.charset.as_ref().is_some_and(|c| c.fit > Fit::Weak) || lone_letter(fault);
        let proven = cut.rest.is_some() || cut.same_length > 0 || cut.round;
        let foreign = inspection.charset.is_some() && ends_in_letter && is_ascii_before(fault);
        return if foreign && !proven { Look::Charset(Confidence::Possible) } else { Look::Cut(cut) };
    }
    if binary.is_none()
        && let Some(tail) = end_of_character(sent, message, fault, inspection)
    {
        return Look::Cut(cut_before(sent, message, tail));
    }
    match fault.class {
        Utf8Class::Surrogate | Utf8Class::Overlong if is_utf8_but_for_forms(fault) => {
            return if fault.class == Utf8Class::Surrogate { Look::Surrogate } else { Look::Overlong };
        }
        _ => {}
    }
    if let Some(stale) = &inspection.stale {
        let sure = match stale.kind {
            StaleKind::AfterJson(_) | StaleKind::Header { announces_length: true, .. } => Confidence::Certain,
            StaleKind::AfterText(_) | StaleKind::Header { .. } => Confidence::Likely,
        };
        return Look::Stale(sure);
    }
    if let Some(charset) = &inspection.charset {
        // FE and FF are letters of Cyrillic and Turkish text, and hardly ever of western text.
        let odd = charset.encoding == "windows-1252" && fault.class == Utf8Class::NeverValid;
        return Look::Charset(match charset.fit {
            _ if odd => Confidence::Possible,
            Fit::Strong => Confidence::Certain,
            Fit::Fair => Confidence::Likely,
            Fit::Weak => Confidence::Possible,
        });
    }
    if binary.is_some() {
        return Look::Binary(Confidence::Likely);
    }
    match fault.class {
        Utf8Class::Surrogate => Look::Surrogate,
        Utf8Class::Overlong => Look::Overlong,
        _ => Look::Corrupt,
    }
}

/// How many bytes at the start of the message are the end of a character that an earlier message began.
fn end_of_character(sent: &Sent, message: &Message, fault: &InvalidUtf8, inspection: &Inspection) -> Option<usize> {
    let tail = if fault.offset == 0 { utf8::leading_tail(&fault.around) } else { 0 };
    let header = match inspection.stale.map(|s| s.kind) {
        Some(StaleKind::Header { length, announces_length }) => announces_length || length > tail,
        _ => false,
    };
    let before = kept(sent, message.number.saturating_sub(1)).filter(|m| m.number < message.number);
    let before_is_whole = before.is_some_and(|m| m.kind == DataType::Text && m.complete && m.defect.is_none());
    // Behind a whole text it was this one that was cut out of a longer text: the last bytes of a log or a buffer. One stray
    // byte in front of ASCII may be damage as well.
    let rest_is_utf8 = fault.around.get(tail..).is_some_and(|rest| !rest.is_ascii());
    (tail > 0 && !header && (!before_is_whole || tail >= 2 || rest_is_utf8)).then_some(tail)
}

/// Whether the text before the fault is ASCII as far as it is known: then nothing shows that the sender writes UTF-8.
fn is_ascii_before(fault: &InvalidUtf8) -> bool {
    let known = usize::try_from(fault.offset).unwrap_or(usize::MAX).min(fault.head.len());
    fault.head[..known].is_ascii()
}

/// Whether the cut is a single byte that is a small letter in the western encodings.
fn lone_letter(fault: &InvalidUtf8) -> bool {
    matches!(fault.bytes.as_slice(), [0xe0..=0xf4])
}

/// A text without its last bytes.
fn cut_at_end(sent: &Sent, message: &Message, fault: &InvalidUtf8) -> Cut {
    let next = kept(sent, message.number + 1);
    let rest = next.and_then(|next| {
        let character = joined(&fault.bytes, next.head.as_slice())?;
        Some((character, next.number))
    });
    let length = message.payload_bytes;
    let before: Vec<&Message> = sent.kept_messages().into_iter().filter(|m| m.number < message.number).collect();
    let same_length = before.iter().rev().take_while(|m| length.is_some() && m.payload_bytes == length).count();
    Cut { at_end: true, rest, same_length, round: length.is_some_and(is_round) }
}

/// A text without its first bytes: the message before ended inside a character.
fn cut_before(sent: &Sent, message: &Message, tail: usize) -> Cut {
    let before = kept(sent, message.number.saturating_sub(1)).filter(|m| m.number < message.number);
    let rest = before.and_then(|before| match before.defect.as_deref() {
        Some(Defect::InvalidUtf8(f)) if f.class == Utf8Class::CutAtEnd => {
            let character = joined(&f.bytes, message.head.as_slice().get(..tail)?)?;
            Some((character, before.number))
        }
        _ => None,
    });
    let length = before.and_then(|m| m.payload_bytes);
    Cut { at_end: false, rest, same_length: 0, round: length.is_some_and(is_round) }
}

fn kept(sent: &Sent, number: u64) -> Option<&Message> {
    sent.recent.iter().chain(&sent.defective).chain(sent.largest.as_deref()).find(|m| m.number == number)
}

/// The character whose first bytes are `begin` and whose last ones `next` begins with.
fn joined(begin: &[u8], next: &[u8]) -> Option<char> {
    let needed = match begin.first()? {
        0xf0.. => 4usize,
        0xe0.. => 3,
        _ => 2,
    };
    let mut bytes = begin.to_vec();
    bytes.extend_from_slice(next.get(..needed.checked_sub(begin.len())?)?);
    std::str::from_utf8(&bytes).ok()?.chars().next()
}

/// A length that people choose for buffers and chunks.
fn is_round(length: u64) -> bool {
    length >= 16
        && (length.is_power_of_two() || length.is_multiple_of(100) || length >= 512 && length.is_multiple_of(256))
}

/// Whether the sample is UTF-8 once encoded surrogates and overlong forms are taken out.
fn is_utf8_but_for_forms(fault: &InvalidUtf8) -> bool {
    let Some(from) = usize::try_from(fault.offset.saturating_sub(fault.around_offset)).ok() else { return false };
    let Some(mut rest) = fault.around.get(from..) else { return false };
    loop {
        match std::str::from_utf8(rest) {
            Ok(_) => return true,
            Err(e) => {
                let wrong = &rest[e.valid_up_to()..];
                let Some(length) = form(wrong) else {
                    return e.error_len().is_none() || wrong.len() < 3 && matches!(wrong[0], 0xc0 | 0xed);
                };
                rest = &wrong[length..];
            }
        }
    }
}

/// Length of an encoded surrogate or an overlong form at the start of `bytes`.
fn form(bytes: &[u8]) -> Option<usize> {
    let continues = |b: &u8| b & 0xc0 == 0x80;
    match bytes {
        [0xed, 0xa0..=0xbf, third, ..] if continues(third) => Some(3),
        [0xc0 | 0xc1, second, ..] if continues(second) => Some(2),
        [0xe0, 0x80..=0x9f, third, ..] if continues(third) => Some(3),
        [0xf0, 0x80..=0x8f, third, fourth, ..] if continues(third) && continues(fourth) => Some(4),
        _ => None,
    }
}
