//! `close-reason-invalid`.

use crate::diagnosis::case::Case;
use crate::diagnosis::finding::{Cause, Family, Finding, Verdict};
use crate::diagnosis::not_text::reason::{self, BadReason, ReasonFault};
use crate::diagnosis::not_text::{self, Trouble, story};
use crate::diagnosis::payload::escape_excerpt;
use crate::diagnosis::words;
use crate::report::model::{Confidence, Severity};

pub(super) const CAUSE: Cause = Cause {
    id: "close-reason-invalid",
    family: Family::NotText,
    summary: "the reason of a Close frame is not UTF-8, cut inside a character, or too long",
    documentation: "\
# close-reason-invalid

## What was seen
One side closed with a code and a reason, and the other side answered with 1007 or 1002 instead of accepting the Close. The
reason is not UTF-8, ends inside a character, or has more than 123 bytes.

## Why the peer closes
The reason is text: it has to be UTF-8 (RFC 6455 section 5.5.1). A control frame carries at most 125 bytes, the code takes
two of them (section 5.5). The connection would have ended anyway; what suffers is the code: the side that closed learns
1007 or 1006 instead of a clean end.

## How we know
The bytes of the reason are in the capture. The code that the peer reported is that of its answer, not of the first Close.

## What would prove us wrong
A text message with invalid bytes that was on its way at the same time.

## Fix
Encode the reason as UTF-8, and cut it at a character boundary to 123 bytes, not characters. Many libraries refuse a longer
reason with an exception; hand-written code does not.

## References
RFC 6455 sections 5.5, 5.5.1 and 7.1.6.
",
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    match not_text::trouble(case) {
        Some(Trouble::Reason(bad)) => finding(case, bad),
        _ => Verdict::NotThis,
    }
}

fn finding(case: &Case<'_>, bad: &BadReason<'_>) -> Verdict {
    let (from, close, other) = (bad.from, bad.close, bad.from.other());
    let reason_bytes = close.length.saturating_sub(2);
    let what = match bad.kind {
        ReasonFault::TooLong => format!("with a reason of {}, more than the 123 that fit", words::bytes(reason_bytes)),
        ReasonFault::Cut => "with a reason that was cut inside a character".to_owned(),
        ReasonFault::NotUtf8 => "with a reason that is not UTF-8".to_owned(),
    };
    let outcome = match bad.answer {
        Some(answer) => format!("the {other} answered {}", answer.code.unwrap_or(1005)),
        None => format!("the {other} ended TCP without an answer"),
    };
    let code = close.code.map_or("no code".to_owned(), |c| format!("code {c}"));
    let answered = match (bad.answer, case.connection.tcp_end) {
        (Some(answer), _) => {
            let code = answer.code.map_or("an empty Close".to_owned(), |c| format!("Close {c}"));
            format!("The {other} did not accept it and answered with {code} ({}).", case.packet(answer.origin.packet))
        }
        (None, Some(end)) => {
            format!("The {other} did not answer it and ended TCP ({}).", case.packet(end.origin.packet))
        }
        (None, None) => String::new(),
    };
    let explanation = format!(
        "{} closed with {code} and a reason of {} ({}). {answered}",
        words::sentence(&case.who(from)),
        words::bytes(reason_bytes),
        case.packet(close.origin.packet)
    );
    let severity = if bad.confidence == Confidence::Possible { Severity::Notice } else { Severity::Problem };
    let mut finding =
        Finding::new(bad.confidence, severity, format!("{from} closed {what}, and {outcome}"), explanation);
    finding.caused_by = Some(from.into());
    finding.change = Some(from.into());
    finding.message = Some(reason::message_report(bad));
    if bad.kind == ReasonFault::TooLong {
        let text = format!(
            "A Close carries at most 125 bytes, 2 of them for the code; this one has {}.",
            words::grouped(close.length)
        );
        finding = finding.with_evidence("length", text, &[close.origin.packet]);
    }
    if let Some(fault) = &bad.fault {
        finding = finding.with_evidence(
            "invalid-byte",
            format!(
                "Offset {} of the reason: {}.",
                fault.offset,
                story::described(fault, bad.kind == ReasonFault::Cut)
            ),
            &[close.origin.packet],
        );
        let charset = bad.inspection.as_ref().and_then(|i| i.charset.as_ref());
        if let Some(charset) = charset.filter(|_| bad.kind == ReasonFault::NotUtf8) {
            let text = format!("Read as {}, the reason is: {}", charset.encoding, charset.decoded_excerpt);
            finding = finding.with_evidence("charset", text, &[]);
        } else {
            let text = format!("The reason ends with: {}", tail(&close.reason_bytes));
            finding = finding.with_evidence("reason", text, &[]);
        }
    }
    if let Some(meaning) = close.code.filter(|_| bad.answer.is_some()) {
        finding = finding.with_evidence(
            "note",
            format!(
                "The {from} meant to close with {meaning}: the {} of the {other} is about the reason text only.",
                story::quoted(&bad.answer.and_then(|a| a.code).map_or("code".to_owned(), |c| c.to_string()))
            ),
            &[],
        );
    }
    let (text, example) = match bad.kind {
        ReasonFault::NotUtf8 => {
            ("encode the close reason as UTF-8, or use ASCII.", "reason.encode('utf-8')   # Python")
        }
        _ => (
            "cut the close reason to 123 bytes of UTF-8 at a character boundary.",
            concat!(
                "reason.encode('utf-8')[:123].decode('utf-8', 'ignore')       # Python\n",
                "Buffer.from(reason).subarray(0, 123).toString().replace(/\\uFFFD+$/, '')   // Node.js"
            ),
        ),
    };
    finding.with_fix(from.into(), text, Some(example.to_owned()), None).fits()
}

/// The end of a reason, where it was cut.
fn tail(reason: &[u8]) -> String {
    let from = reason.len().saturating_sub(40);
    let dots = if from > 0 { "…" } else { "" };
    format!("{dots}{}", escape_excerpt(&reason[from..], 170))
}
