//! `corrupt-text`.

use crate::diagnosis::case::Case;
use crate::diagnosis::finding::{Cause, Family, Verdict};
use crate::diagnosis::not_text::look::Look;
use crate::diagnosis::not_text::{self, BadText, Trouble, fixes, story};
use crate::diagnosis::payload::escape_excerpt;
use crate::diagnosis::words;

pub(super) const CAUSE: Cause = Cause {
    id: "corrupt-text",
    family: Family::NotText,
    summary: "a text holds bytes that are not UTF-8, of no pattern that is known",
    documentation: "\
# corrupt-text

## What was seen
A text message holds bytes that are not UTF-8. They fit no binary format, no other encoding, no cut, no wrong length and no
masking fault that wsdiag knows.

## Why the peer closes
Text messages have to be UTF-8, and a receiver has to fail the connection otherwise (RFC 6455 section 8.1).

## How we know
The bytes at the given offset are in the capture.

## What would prove us wrong
That the bytes are wrong is proven; why they are is not. More messages with the same fault would show a pattern.

## Fix
Look at what the sender put at that offset: a character that was damaged by a byte-wise operation (truncation, replacement,
escaping, a race on the buffer). TCP's checksum makes damage on the way unlikely, but not impossible behind a faulty box.

## References
RFC 6455 section 8.1.
",
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    match not_text::trouble(case) {
        Some(Trouble::Text(bad)) if bad.look == Look::Corrupt => finding(case, bad),
        Some(Trouble::Rejected(refusal, Some(_))) => {
            Verdict::RuledOut(format!("every text that the {} had sent is valid UTF-8", refusal.by.other()))
        }
        _ => Verdict::NotThis,
    }
}

fn finding(case: &Case<'_>, bad: &BadText<'_>) -> Verdict {
    let suspect = &bad.suspect;
    let offset = words::grouped(bad.fault.offset);
    let title = format!(
        "{} sent a text message that is not UTF-8 at offset {offset}, and {}",
        suspect.from,
        story::outcome(&suspect.refusal)
    );
    let fault = bad.fault;
    let at = usize::try_from(fault.offset.saturating_sub(fault.around_offset)).unwrap_or(usize::MAX);
    let mut finding = story::bad_text(case, bad, title);
    if let Some(shown) = fault.around.get(at.saturating_sub(24)..fault.around.len().min(at.saturating_add(24))) {
        finding =
            finding.with_evidence("excerpt", format!("Around it the text reads: {}", escape_excerpt(shown, 80)), &[]);
    }
    let places = fault.around.utf8_chunks().filter(|c| !c.invalid().is_empty()).count();
    let text = if places <= 2 {
        format!(
            "find what changes the text at offset {offset}: the rest of it is UTF-8, so these bytes were damaged later."
        )
    } else {
        format!(
            "find out what these bytes are: from offset {offset} on they follow no known encoding. If they are no text, \
             send them in a binary message."
        )
    };
    fixes::sender(case, bad, finding, &text, Some(fixes::Line::Text)).fits()
}
