//! `lone-surrogate`.

use crate::diagnosis::case::Case;
use crate::diagnosis::finding::{Cause, Family, Verdict};
use crate::diagnosis::not_text::look::Look;
use crate::diagnosis::not_text::{self, BadText, Trouble, fixes, story};
use crate::diagnosis::payload::utf8;

pub(super) const CAUSE: Cause = Cause {
    id: "lone-surrogate",
    family: Family::NotText,
    summary: "a text holds encoded surrogates: half an emoji, or CESU-8",
    documentation: "\
# lone-surrogate

## What was seen
A text message holds ED A0..BF xx: a UTF-16 surrogate (U+D800 to U+DFFF) encoded as if it were a character. Either one half
stands alone, or both halves follow each other (CESU-8). The rest of the text is UTF-8.

## Why the peer closes
Surrogates are no characters, and UTF-8 may not encode them (RFC 3629 section 3); the receiver has to fail the connection
(RFC 6455 section 8.1).

## How we know
The three bytes at the given offset can be nothing else, and what surrounds them is UTF-8.

## What would prove us wrong
Text in an East Asian encoding that contains these bytes by chance (then the rest is not UTF-8 either).

## Fix
Half a pair: a string was cut inside an emoji, by length or by substring, before it was encoded. Cut by code points, or make
the string well-formed. Both halves: an encoder that turns each UTF-16 unit into bytes (JNI, Java's writeUTF, old Oracle and
MySQL utf8 exports): use a standard UTF-8 encoder.

## References
RFC 3629 section 3; RFC 6455 section 8.1; Unicode Technical Report 26 (CESU-8).
",
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    match not_text::trouble(case) {
        Some(Trouble::Text(bad)) if bad.look == Look::Surrogate => finding(case, bad),
        _ => Verdict::NotThis,
    }
}

fn finding(case: &Case<'_>, bad: &BadText<'_>) -> Verdict {
    let suspect = &bad.suspect;
    let pair = utf8::describe(bad.fault).intended;
    let what = match pair {
        Some(_) => "a character as two encoded surrogates (CESU-8)",
        None => "half of a surrogate pair",
    };
    let title = format!("{} sent {what} in a text message, and {}", suspect.from, story::outcome(&suspect.refusal));
    let finding = story::bad_text(case, bad, title);
    let (text, example) = match pair {
        Some(_) => (
            "encode with a standard UTF-8 encoder: this one turns each half of a UTF-16 pair into bytes of its own.",
            "text.getBytes(StandardCharsets.UTF_8)   // Java: not DataOutputStream.writeUTF, not JNI GetStringUTFChars",
        ),
        None => (
            "make strings well-formed before encoding, and do not cut them between the two halves of an emoji.",
            concat!(
                "ws.send(text.toWellFormed())                            // JavaScript\n",
                "text.encode('utf-16', 'surrogatepass').decode('utf-16', 'replace')   # Python"
            ),
        ),
    };
    let mut finding = fixes::sender(case, bad, finding, text, None);
    if let Some(first) = finding.fixes.first_mut() {
        first.example = Some(example.to_owned()).filter(|_| pair.is_none() || fixes::may_be_java(case, suspect.from));
    }
    finding.fits()
}
