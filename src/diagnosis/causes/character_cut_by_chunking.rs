//! `character-cut-by-chunking`.

use crate::diagnosis::case::Case;
use crate::diagnosis::finding::{Cause, Family, Verdict};
use crate::diagnosis::not_text::look::{Cut, Look};
use crate::diagnosis::not_text::{self, BadText, Trouble, fixes, story};
use crate::diagnosis::words;

pub(super) const CAUSE: Cause = Cause {
    id: "character-cut-by-chunking",
    family: Family::NotText,
    summary: "a text was cut into messages inside a character",
    documentation: "\
# character-cut-by-chunking

## What was seen
A text message is UTF-8 up to its end, where the last bytes of a character are missing. Often the next message begins with
them, and often the length is a round number or the same as that of the messages before.

## Why the peer closes
Each text message has to be UTF-8 on its own (RFC 6455 sections 5.6 and 8.1). A sender that cuts encoded text every so many
bytes hits the inside of a character sooner or later; with ASCII it works, so tests pass.

## How we know
Only the last character is incomplete. Certain when the next message begins with exactly the missing bytes, or when the
length shows the size of a buffer or chunk.

## What would prove us wrong
Text in another encoding whose last byte looks like the first one of a UTF-8 character (then other messages of that sender
fail in their middle); a message that was shortened by a wrong length.

## Fix
Cut between characters, or send one message in several fragments (continuation frames), which may be cut anywhere, or send
the bytes in binary messages and put them together at the receiver.

## References
RFC 6455 sections 5.4, 5.6 and 8.1.
",
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    match not_text::trouble(case) {
        Some(Trouble::Text(bad)) => match &bad.look {
            Look::Cut(cut) => finding(case, bad, cut),
            _ => Verdict::NotThis,
        },
        _ => Verdict::NotThis,
    }
}

fn finding(case: &Case<'_>, bad: &BadText<'_>, cut: &Cut) -> Verdict {
    let suspect = &bad.suspect;
    let message = suspect.message;
    let length = message.payload_bytes.unwrap_or(message.wire_bytes);
    let where_cut = if cut.at_end { "at the end of" } else { "before the beginning of" };
    let title = format!(
        "{} cut a character {where_cut} a text message of {}, and {}",
        suspect.from,
        words::bytes(length),
        story::outcome(&suspect.refusal)
    );
    let mut finding = story::bad_text(case, bad, title);
    if let Some((character, number)) = cut.rest {
        let (side, holds) =
            if cut.at_end { ("next", "begins with the rest") } else { ("previous", "ends with the beginning") };
        finding = finding.with_evidence(
            "rest-of-character",
            format!(
                "The {side} message (number {number} of the {}) {holds} of the character: {character} (U+{:04X}).",
                suspect.from,
                u32::from(character)
            ),
            &[],
        );
    }
    if cut.same_length > 0 {
        let before = match cut.same_length {
            1 => "the message before it has".to_owned(),
            n => format!("the {n} messages before it have"),
        };
        finding = finding.with_evidence(
            "chunk-size",
            format!(
                "The message has {}, and {before} the same length: that is where the sender cuts.",
                words::bytes(length)
            ),
            &[],
        );
    } else if cut.round && cut.at_end {
        finding = finding.with_evidence(
            "chunk-size",
            format!("Its length of {} is a round number, as buffers and chunks have.", words::bytes(length)),
            &[],
        );
    } else if message.fragments > 1 {
        finding = finding.with_evidence(
            "fragments",
            "Its fragments are cut correctly as far as they go: it is the message as a whole that ends too early.",
            &[],
        );
    }
    let party = match bad.echo_of {
        Some(_) => suspect.refusal.by,
        None => suspect.from,
    };
    let text = "cut text between characters: step back from the cut while the byte at it is a continuation (80 to BF).";
    let example = "while (cut > 0 && (bytes[cut] & 0xC0) == 0x80) cut--;".to_owned();
    let finding = fixes::sender(case, bad, finding, text, None);
    let mut finding = finding.with_fix(
        party.into(),
        "send the pieces as fragments of one message, which may be cut anywhere, or as binary messages.",
        fixes::example(case, party, fixes::Line::Binary),
        None,
    );
    if let Some(first) = finding.fixes.first_mut() {
        first.example = Some(example);
    }
    finding.fits()
}
