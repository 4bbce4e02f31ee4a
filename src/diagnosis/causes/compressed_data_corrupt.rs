//! `compressed-data-corrupt`.

use crate::connection::{InflateFailure, InflateFinding, hex};
use crate::diagnosis::case::Case;
use crate::diagnosis::finding::{Cause, Family, Verdict};
use crate::diagnosis::not_text::{self, Suspect, Trouble, fixes, story};
use crate::diagnosis::payload::escape_excerpt;
use crate::diagnosis::words;
use crate::report::model::{Confidence, Party};

pub(super) const CAUSE: Cause = Cause {
    id: "compressed-data-corrupt",
    family: Family::NotText,
    summary: "a compressed message is no deflate data",
    documentation: "\
# compressed-data-corrupt

## What was seen
permessage-deflate was agreed, one side sent a message marked as compressed (RSV1), and its payload breaks the deflate
format, or is plain text that was marked as compressed. The other side ended the connection: with 1007, 1002 or 1011, or
without a Close, because no code of its own exists for this.

## Why the peer closes
It cannot inflate the message, and what follows refers to it (RFC 7692 section 7.2.2).

## How we know
Inflating the captured bytes fails at the given offset. They fail also with an empty and with the largest window, so it is
not the context that is wrong.

## What would prove us wrong
Bytes that the capture lacks (then nothing is said); a capture taken on another leg than the one where the damage happens.

## Fix
On the sender: compress each message as section 7.2.1 says (raw deflate, no zlib header, end of block 00 00 FF FF removed),
and set RSV1 only on the first frame of messages that are compressed. Do not share a compressor between threads. Switching
permessage-deflate off on one side shows whether anything else is wrong.

## References
RFC 7692 sections 6, 7.2.1 and 7.2.2; RFC 1951.
",
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    match not_text::trouble(case) {
        Some(Trouble::Inflate(suspect, failure)) => match failure.finding {
            InflateFinding::Corrupt | InflateFinding::NotCompressed => finding(case, suspect, failure),
            InflateFinding::ContextMissing | InflateFinding::ContextKept | InflateFinding::WindowExceeded => {
                Verdict::RuledOut(
                    "the data is well-formed deflate: what is wrong is the window that it refers to".into(),
                )
            }
        },
        _ => Verdict::NotThis,
    }
}

fn finding(case: &Case<'_>, suspect: &Suspect<'_>, failure: &InflateFailure) -> Verdict {
    let sender = suspect.from;
    let plain = failure.finding == InflateFinding::NotCompressed;
    let zlib = matches!(failure.head.as_slice(), [0x78, flags, ..] if (0x7800 + u16::from(*flags)) % 31 == 0);
    let outcome = story::outcome(&suspect.refusal);
    let title = if plain {
        format!("{sender} marked a plain text message as compressed, and {outcome}")
    } else {
        format!("{sender} sent a compressed message that cannot be inflated, and {outcome}")
    };
    let wrong = if plain {
        ", whose payload is plain text although RSV1 marks it as compressed"
    } else {
        " that no decoder can inflate"
    };
    let mut finding = story::about(case, suspect, suspect.confidence.min(Confidence::Certain), title, wrong);
    let text = if plain {
        format!("The payload is readable as it is: {}", escape_excerpt(&failure.head, 60))
    } else {
        format!(
            "Inflating fails after {} of {} compressed bytes, with {} inflated: the data breaks the deflate format.",
            words::grouped(failure.wire_offset),
            words::grouped(suspect.message.wire_bytes),
            words::bytes(failure.inflated)
        )
    };
    finding = finding.with_evidence("inflate", text, &[failure.origin.packet]);
    if !plain {
        let shown = &failure.head[..failure.head.len().min(24)];
        let text = format!("The compressed bytes begin with {}", hex_in_pairs(shown));
        finding = finding.with_evidence("bytes", text, &[]);
    }
    let passed = case.connection.sent_by(sender).messages.saturating_sub(case.connection.sent_by(sender).defects);
    if passed > 0 && !plain {
        let count = words::count(usize::try_from(passed).unwrap_or(usize::MAX), "message", "messages");
        finding = finding.with_evidence("others", format!("{count} of the {sender} could be read."), &[]);
    }
    let text = if plain {
        "set RSV1 only on messages that are compressed."
    } else if zlib {
        "send raw deflate data: the payload begins with a zlib header, which permessage-deflate does not use."
    } else {
        "give each connection its own compressor, used by one thread at a time, and change nothing in frames after compressing."
    };
    let example = zlib.then(|| "zlib.deflateRaw(...)   // not zlib.deflate".to_owned());
    finding
        .with_fix(sender.into(), text, example, None)
        .with_fix(
            Party::Either,
            "switch permessage-deflate off on one side to confirm.",
            fixes::example(case, sender, fixes::Line::Uncompressed),
            None,
        )
        .fits()
}

fn hex_in_pairs(bytes: &[u8]) -> String {
    bytes.iter().map(|b| hex(&[*b])).collect::<Vec<_>>().join(" ")
}
