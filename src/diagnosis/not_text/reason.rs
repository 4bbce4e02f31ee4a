//! The reason of a Close that is not valid: not UTF-8, cut inside a character, or too long (RFC 6455 sections 5.5 and 7.1.6).

use crate::connection::{CloseFrame, InvalidUtf8, Utf8Class};
use crate::diagnosis::case::Case;
use crate::diagnosis::payload::{self, Inspection};
use crate::ids::Side;
use crate::report::model::{Confidence, InvalidUtf8Report, MessageReport};

/// Bytes that a reason may have: a control frame carries 125, the code takes two.
pub const LONGEST_REASON: u64 = 123;

/// A reason that its receiver did not take.
pub struct BadReason<'a> {
    /// Who sent it.
    pub from: Side,
    /// The Close that carries it.
    pub close: &'a CloseFrame,
    /// The other side's answer; `None` when it ended TCP instead.
    pub answer: Option<&'a CloseFrame>,
    /// What is wrong with it.
    pub kind: ReasonFault,
    /// Where it stops being UTF-8.
    pub fault: Option<InvalidUtf8>,
    /// What its bytes look like.
    pub inspection: Option<Inspection>,
    /// How sure it is that the answer is for the reason.
    pub confidence: Confidence,
}

/// What is wrong with a reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReasonFault {
    /// More than [`LONGEST_REASON`] bytes.
    TooLong,
    /// It ends inside a character.
    Cut,
    /// It is not UTF-8 at all.
    NotUtf8,
}

/// Looks for a bad reason in the first Close that the other side did not take.
#[must_use]
pub fn bad_reason<'a>(case: &Case<'a>) -> Option<BadReason<'a>> {
    let (from, close) = case.ending.close?;
    let too_long = close.length > LONGEST_REASON + 2;
    if close.reason_invalid_at.is_none() && !too_long {
        return None;
    }
    let answer = case.ending.answer.map(|(_, answer)| answer);
    let confidence = match answer {
        Some(answer) if matches!(answer.code, Some(1007 | 1002)) && answer.code != close.code => Confidence::Certain,
        // A Close that is taken is echoed or answered with another plain code.
        Some(_) => return None,
        None if case.connection.tcp_end.is_some_and(|end| end.by != from) => Confidence::Possible,
        None => return None,
    };
    let fault = close.reason_invalid_at.map(|at| fault(close, at));
    let inspection = fault.as_ref().map(|f| payload::inspect(f, Some(close.reason_bytes.len() as u64)));
    let kind = match &fault {
        _ if too_long => ReasonFault::TooLong,
        Some(f) if f.class == Utf8Class::CutAtEnd && (close.length >= LONGEST_REASON || f.bytes.len() > 1) => {
            ReasonFault::Cut
        }
        _ => ReasonFault::NotUtf8,
    };
    Some(BadReason { from, close, answer, kind, fault, inspection, confidence })
}

/// The fault as message faults are written; offsets count from the first byte of the reason.
fn fault(close: &CloseFrame, at: usize) -> InvalidUtf8 {
    let bytes = &close.reason_bytes;
    let wrong = bytes.get(at..).unwrap_or_default();
    let cut = std::str::from_utf8(bytes).err().is_some_and(|e| e.error_len().is_none());
    let continues = wrong.iter().skip(1).take_while(|b| *b & 0xc0 == 0x80).count();
    let (class, length) = match wrong {
        _ if cut => (Utf8Class::CutAtEnd, wrong.len()),
        [0x80..=0xbf, ..] => (Utf8Class::UnexpectedContinuation, 1),
        [0xfe | 0xff, ..] => (Utf8Class::NeverValid, 1),
        [0xc0 | 0xc1, 0x80..=0xbf, ..] => (Utf8Class::Overlong, 2),
        [0xed, 0xa0..=0xbf, ..] => (Utf8Class::Surrogate, 1 + continues.min(2)),
        _ => (Utf8Class::MissingContinuation, 1 + continues.min(3)),
    };
    InvalidUtf8 {
        offset: at as u64,
        offset_in_fragment: at as u64 + 2,
        fragment: 1,
        origin: close.origin,
        bytes: wrong.get(..length.min(wrong.len())).unwrap_or_default().to_vec(),
        class,
        head: bytes.clone(),
        around_offset: 0,
        around: bytes.clone(),
        mask: None,
        high_bytes: 0,
        control_bytes: 0,
        counted_bytes: 0,
    }
}

/// The Close as reports show messages: offsets count from the first byte of its payload, which is the code.
#[must_use]
pub fn message_report(bad: &BadReason<'_>) -> MessageReport {
    let (close, packet) = (bad.close, bad.close.origin.packet);
    MessageReport {
        from: bad.from,
        opcode: "close",
        payload_bytes: Some(close.length),
        wire_bytes: close.length,
        declared_bytes: close.length,
        fragments: 1,
        compressed: false,
        complete: true,
        first_packet: packet,
        last_packet: packet,
        invalid_utf8: bad.fault.as_ref().map(|fault| InvalidUtf8Report {
            offset: fault.offset + 2,
            bytes_hex: crate::connection::hex(&fault.bytes),
            packet,
            class: fault.class,
            looks_like: bad.inspection.as_ref().and_then(|i| i.looks_like.clone()),
        }),
        excerpt: Some(payload::escape_excerpt(
            if bad.fault.is_some() { &close.reason_bytes } else { close.reason.as_bytes() },
            crate::limits::HEAD_BYTES,
        )),
    }
}
