//! `wrong-mask`.

use crate::diagnosis::case::Case;
use crate::diagnosis::finding::{Cause, Family, Verdict};
use crate::diagnosis::not_text::look::Look;
use crate::diagnosis::not_text::{self, BadText, Trouble, fixes, story};
use crate::diagnosis::payload::{MaskFault, escape_excerpt};
use crate::diagnosis::words;

pub(super) const CAUSE: Cause = Cause {
    id: "wrong-mask",
    family: Family::NotText,
    summary: "a text becomes readable when a masking fault is undone",
    documentation: "\
# wrong-mask

## What was seen
A text message is garbage after unmasking with the key in its frame header, and becomes readable text when the key is
applied once more, from another position, or in reverse order.

## Why the peer closes
It unmasks as the header says (RFC 6455 section 5.3) and finds bytes that are not UTF-8. Where the garbage happens to be
UTF-8 it goes on with garbage instead.

## How we know
The text that comes out when the fault is undone is shown. Random bytes do not become dozens of readable characters.

## What would prove us wrong
Nothing short of a coincidence; but which box made the fault is open: the client, or a middle box that changed the mask bit,
the key or the payload without the other two.

## Fix
Apply the key exactly once to each frame's payload, byte i with key byte i mod 4, counting from 0 in each frame. Leave
masking to a WebSocket library where there is one.

## References
RFC 6455 sections 5.1 and 5.3.
",
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    match not_text::trouble(case) {
        Some(Trouble::Text(bad)) if bad.look == Look::WrongMask => finding(case, bad),
        _ => Verdict::NotThis,
    }
}

fn finding(case: &Case<'_>, bad: &BadText<'_>) -> Verdict {
    let suspect = &bad.suspect;
    let Some(remask) = &bad.inspection.remask else { return Verdict::NotThis };
    let title = format!("{} masked a text message wrongly, and {}", suspect.from, story::outcome(&suspect.refusal));
    let mut finding = story::bad_text(case, bad, title);
    let (how, fix) = match remask.fault {
        MaskFault::Again => (
            "when the key is applied once more: the payload was not masked although the header says so, or masked twice",
            "mask the payload exactly once.",
        ),
        MaskFault::Shifted(_) => (
            "when the key begins at another of its bytes: the key was not restarted with the frame, or restarted inside it",
            "begin with the first byte of the key in each frame, and carry the position on inside a frame.",
        ),
        MaskFault::Reversed => (
            "when the bytes of the key are reversed: the key was treated as a number in the wrong byte order",
            "use the four bytes of the key in the order in which they are sent.",
        ),
    };
    let from = bad.fault.around_offset + remask.from as u64;
    finding = finding.with_evidence(
        "remask",
        format!(
            "From offset {} the bytes become text {how}: {}",
            words::grouped(from),
            escape_excerpt(remask.text.as_bytes(), 60)
        ),
        &[suspect.message.first.packet],
    );
    let mut finding = fixes::sender(case, bad, finding, fix, None);
    if let Some(first) = finding.fixes.first_mut() {
        first.example = Some("for (i = 0; i < length; i++) payload[i] ^= key[i % 4];   // once per frame".to_owned());
    }
    finding
        .with_evidence("note", "A middle box that rewrites frames can be at fault as well as the sender.", &[])
        .fits()
}
