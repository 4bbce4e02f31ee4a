//! `overlong-utf8`.

use crate::diagnosis::case::Case;
use crate::diagnosis::finding::{Cause, Family, Verdict};
use crate::diagnosis::not_text::look::Look;
use crate::diagnosis::not_text::{self, BadText, Trouble, fixes, story};
use crate::diagnosis::payload::utf8;

pub(super) const CAUSE: Cause = Cause {
    id: "overlong-utf8",
    family: Family::NotText,
    summary: "a text holds characters in a longer form than UTF-8 allows, such as C0 80 for NUL",
    documentation: "\
# overlong-utf8

## What was seen
A text message holds a character in more bytes than it needs: C0 or C1 and one more byte, E0 80..9F xx, F0 80..8F xx xx. The
rest of the text is UTF-8.

## Why the peer closes
UTF-8 allows one form of each character, the shortest (RFC 3629 section 3), because longer forms have been used to smuggle
characters such as '/' or NUL past checks. The receiver has to fail the connection (RFC 6455 section 8.1).

## How we know
The bytes at the given offset are such a form. C0 80 is how Java's modified UTF-8 (DataOutputStream.writeUTF, JNI) writes
NUL. In JSON over a WebSocket elsewhere it may also be an attack or a fuzzer.

## What would prove us wrong
Text in another encoding, or binary data, that contains these bytes by chance.

## Fix
Use a standard UTF-8 encoder. If nobody on the sender's side wrote an encoder by hand, look at who sends this.

## References
RFC 3629 sections 3 and 10; RFC 6455 section 8.1; java.io.DataInput, modified UTF-8.
",
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    match not_text::trouble(case) {
        Some(Trouble::Text(bad)) if bad.look == Look::Overlong => finding(case, bad),
        _ => Verdict::NotThis,
    }
}

fn finding(case: &Case<'_>, bad: &BadText<'_>) -> Verdict {
    let suspect = &bad.suspect;
    let described = utf8::describe(bad.fault);
    let java = described.intended == Some('\0');
    let what = match described.intended {
        Some('\0') => "modified UTF-8 (NUL as C0 80)".to_owned(),
        Some(c) if c.is_ascii_graphic() => format!("an overlong form of '{c}'"),
        _ => "an overlong form of a character".to_owned(),
    };
    let title = format!("{} sent {what} in a text message, and {}", suspect.from, story::outcome(&suspect.refusal));
    let finding = story::bad_text(case, bad, title);
    let (text, example) = if java {
        (
            "encode with a standard UTF-8 encoder: modified UTF-8 is for Java's own files and for JNI.",
            Some(
                "text.getBytes(StandardCharsets.UTF_8)   // Java: not DataOutputStream.writeUTF, not JNI GetStringUTFChars",
            ),
        )
    } else {
        (
            "encode with a standard UTF-8 encoder. If no code of yours writes such bytes, find out who sends them: overlong \
             forms are also used to slip characters past filters.",
            None,
        )
    };
    let mut finding = fixes::sender(case, bad, finding, text, None);
    if let Some(first) = finding.fixes.first_mut() {
        first.example = example.filter(|_| fixes::may_be_java(case, suspect.from)).map(str::to_owned);
    }
    finding.fits()
}
