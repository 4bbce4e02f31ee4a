//! `fragment-split-character`.

use crate::diagnosis::case::Case;
use crate::diagnosis::finding::{Cause, Family, Verdict};
use crate::diagnosis::not_text::{self, Suspect, Trouble, story};
use crate::diagnosis::words;
use crate::report::model::Confidence;

pub(super) const CAUSE: Cause = Cause {
    id: "fragment-split-character",
    family: Family::NotText,
    summary: "the receiver refused a valid text because a character straddles two of its fragments",
    documentation: "\
# fragment-split-character

## What was seen
A text message came in several fragments, a character began in one and ended in the next, and the receiver ended the
connection at that fragment, mostly with Close 1007. As far as the message goes it is UTF-8.

## Why the peer closes
It checks each fragment on its own. A fragment may end anywhere: only the message as a whole has to be UTF-8 (RFC 6455
sections 5.4 and 8.1).

## How we know
The text is valid over the fragment border, and the acknowledgement in the Close shows that the receiver had the fragment
with the beginning of the character and not the rest, or that it closed right after the message.

## What would prove us wrong
Another message with bytes that are not UTF-8; a Close that the application sent for its own reasons.

## Fix
The receiver has to keep the decoder's state from fragment to fragment, or check the message when it is complete. Until
then the sender can send the text in one frame, or cut its fragments between characters.

## References
RFC 6455 sections 5.4 and 8.1.
",
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    match not_text::trouble(case) {
        Some(Trouble::Split(suspect, split)) => finding(case, suspect, *split),
        Some(Trouble::Text(bad)) if bad.suspect.message.fragments > 1 => {
            Verdict::RuledOut("the message as a whole is not UTF-8, wherever its fragments are cut".into())
        }
        _ => Verdict::NotThis,
    }
}

fn finding(case: &Case<'_>, suspect: &Suspect<'_>, split: crate::connection::SplitCharacter) -> Verdict {
    let (sender, receiver) = (suspect.from, suspect.refusal.by);
    let title = format!("{receiver} refused a valid text because a character straddles two of its fragments");
    let valid = if suspect.message.complete {
        "The text is valid UTF-8"
    } else {
        "As far as it was sent, the text is valid UTF-8"
    };
    let mut finding = story::about(case, suspect, suspect.confidence, title, "");
    finding.explanation.push_str(&format!(
        " {valid}: the character at offset {} begins in fragment {} and goes on in the next, which is allowed.",
        words::grouped(split.offset),
        split.fragment
    ));
    finding.caused_by = Some(receiver.into());
    finding.change = Some(receiver.into());
    let packet = split.origin.packet;
    let has_rest =
        suspect.message.complete && suspect.refusal.close.is_none_or(|close| close.acknowledged >= suspect.message.end);
    let text = match suspect.refusal.close {
        _ if !has_rest => {
            format!(
                "The {receiver} ended the connection when it had that fragment and not yet the rest of the character."
            )
        }
        _ => format!("The {receiver} ended the connection right after that message."),
    };
    finding = finding.with_evidence("ended-at-fragment", text, &[packet, suspect.refusal.at.packet]);
    if suspect.confidence < Confidence::Certain {
        finding =
            finding.with_evidence("note", format!("The {receiver} does not say that it is about the encoding."), &[]);
    }
    finding
        .with_fix(
            receiver.into(),
            "check the message as a whole: keep the decoder's state between fragments, or update the WebSocket library.",
            None,
            None,
        )
        .with_fix(
            sender.into(),
            "until then send the text in one frame, or end fragments between characters.",
            None,
            None,
        )
        .fits()
}
