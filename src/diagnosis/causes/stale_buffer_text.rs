//! `stale-buffer-text`.

use crate::diagnosis::case::Case;
use crate::diagnosis::finding::{Cause, Family, Verdict};
use crate::diagnosis::not_text::look::Look;
use crate::diagnosis::not_text::{self, BadText, Trouble, fixes, story};
use crate::diagnosis::payload::{Leftover, StaleKind};
use crate::diagnosis::words;

pub(super) const CAUSE: Cause = Cause {
    id: "stale-buffer-text",
    family: Family::NotText,
    summary: "a text is followed or preceded by bytes that do not belong to it: a wrong length or offset",
    documentation: "\
# stale-buffer-text

## What was seen
A text message is a complete text, often JSON, followed by other bytes: zeros, memory that was never written, the rest of an
older message. Or a few binary bytes stand before the text.

## Why the peer closes
The bytes beside the text are not UTF-8, and the receiver has to fail the connection (RFC 6455 section 8.1). As long as they
happen to be zeros or ASCII, most receivers say nothing, so such a bug comes and goes.

## How we know
The text ends by itself (its brackets close) before the message does, or begins after a header that announces its length.
Certain then; likely where only the change from text to other bytes shows it.

## What would prove us wrong
A protocol that appends binary data to text on purpose: then it belongs in a binary message.

## Fix
Send as many bytes as were written, not as the buffer is long, and from where the text begins. Typical: sizeof(buffer) for
strlen, buffer.array() of a Java ByteBuffer without its limit, a Go slice not cut to n, a reused buffer, a length counted in
characters for an API that wants bytes or the other way round.

## References
RFC 6455 section 8.1.
",
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    match not_text::trouble(case) {
        Some(Trouble::Text(bad)) => match bad.look {
            Look::Stale(_) => finding(case, bad),
            _ => Verdict::NotThis,
        },
        _ => Verdict::NotThis,
    }
}

fn finding(case: &Case<'_>, bad: &BadText<'_>) -> Verdict {
    let suspect = &bad.suspect;
    let Some(stale) = bad.inspection.stale else { return Verdict::NotThis };
    let length = suspect.message.payload_bytes.unwrap_or(suspect.message.wire_bytes);
    let (what, evidence) = match stale.kind {
        StaleKind::Header { length, announces_length } => {
            let header = words::count(length, "binary byte", "binary bytes");
            let announces = if announces_length { ", a number equal to the length of what follows" } else { "" };
            (
                format!("{header} before its text"),
                format!("The text begins at offset {length}; before it stand {header}{announces}."),
            )
        }
        StaleKind::AfterJson(left) | StaleKind::AfterText(left) => {
            let end = stale.text_to.unwrap_or(bad.fault.offset);
            let over = words::bytes(length.saturating_sub(end));
            let text = match stale.kind {
                StaleKind::AfterJson(_) => "The JSON text is complete",
                _ => "The text ends",
            };
            let rest = match left {
                Leftover::Zeros => "zeros come first, as in a buffer longer than the text".to_owned(),
                Leftover::Fill(byte) => {
                    format!("they begin with {byte:02X} repeated, as memory that was never written has")
                }
                Leftover::Repeated => "bytes of the text come again".to_owned(),
                Leftover::OlderText => "they read like the end of an older, longer message".to_owned(),
                Leftover::Binary => "they are no text".to_owned(),
            };
            (
                format!("{over} more than its text"),
                format!("{text} at offset {}; {over} follow it: {rest}.", words::grouped(end)),
            )
        }
    };
    let title = format!("{} sent a text message with {what}, and {}", suspect.from, story::outcome(&suspect.refusal));
    let finding = story::bad_text(case, bad, title).with_evidence("length", evidence, &[suspect.message.last.packet]);
    let (text, example) = match stale.kind {
        StaleKind::Header { .. } => (
            "leave the header out: a WebSocket frame carries its own length. If the receiver wants it, send a binary message.",
            "send(buffer + header_size, length)",
        ),
        _ => (
            "send as many bytes as the text has, not as its buffer has.",
            "send(buffer, written)   // C: not sizeof buffer; Go: buf[:n]; Java: ByteBuffer.flip() first",
        ),
    };
    let mut finding = fixes::sender(case, bad, finding, text, None);
    if let Some(first) = finding.fixes.first_mut() {
        first.example = Some(example.to_owned());
    }
    finding.fits()
}
