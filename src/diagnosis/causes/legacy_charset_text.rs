//! `legacy-charset-text`.

use crate::diagnosis::case::Case;
use crate::diagnosis::finding::{Cause, Family, Verdict};
use crate::diagnosis::not_text::look::Look;
use crate::diagnosis::not_text::{self, BadText, Trouble, fixes, story};
use crate::report::model::Confidence;

pub(super) const CAUSE: Cause = Cause {
    id: "legacy-charset-text",
    family: Family::NotText,
    summary: "text was sent in another encoding than UTF-8",
    documentation: "\
# legacy-charset-text

## What was seen
One side sent a text message that is not UTF-8 but reads as text in another encoding: windows-1252 (Latin-1), Shift_JIS,
GBK, EUC-KR, Big5, windows-1251, UTF-16 and others. The other side ended the connection, mostly with Close 1007.

## Why the peer closes
Text messages are UTF-8 and nothing else; no header or parameter can announce another encoding (RFC 6455 sections 5.6 and
8.1). It shows only when the first character outside ASCII is sent: the same program can work for months.

## How we know
The first byte that cannot be UTF-8 is in the capture. The whole sample decodes in the named encoding to letters of one
script that form words, and to no control characters. An encoding is never proven by bytes: the report says what the text
is compatible with and shows it so decoded, for a person to judge.

## What would prove us wrong
The decoded text makes no sense to somebody who reads that language; the other messages of the sender are correct UTF-8.

## Fix
Encode strings as UTF-8 where they become bytes: the place that reads a file, a database or a serial line in its own
encoding has to decode it with that encoding's name. In Java `getBytes()` without an argument and in .NET
`Encoding.Default` may not be UTF-8.

## References
RFC 6455 sections 5.6 and 8.1; WHATWG Encoding Standard.
",
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    match not_text::trouble(case) {
        Some(Trouble::Text(bad)) => match &bad.look {
            Look::Charset(_) => finding(case, bad),
            Look::Cut(cut) if bad.inspection.charset.is_some() && cut.rest.is_some() => Verdict::RuledOut(
                "the bytes at fault and those of the neighbouring message join to one character of UTF-8".into(),
            ),
            _ => Verdict::NotThis,
        },
        _ => Verdict::NotThis,
    }
}

fn finding(case: &Case<'_>, bad: &BadText<'_>) -> Verdict {
    let suspect = &bad.suspect;
    let Some(charset) = &bad.inspection.charset else { return Verdict::NotThis };
    let maybe = if bad.look.confidence() == Confidence::Certain { "" } else { "what looks like " };
    let title = format!(
        "{} sent {maybe}text in {} instead of UTF-8, and {}",
        suspect.from,
        charset.encoding,
        story::outcome(&suspect.refusal)
    );
    let mut finding = story::bad_text(case, bad, title);
    let also = match (charset.also, charset.others.as_slice()) {
        (Some(also), _) => format!(" ({also})"),
        (None, []) => String::new(),
        (None, others) => format!(" (or {})", others.join(" or ")),
    };
    finding = finding.with_evidence(
        "charset",
        format!("Read as {}{also}, the text is: {}", charset.encoding, charset.decoded_excerpt),
        &[suspect.message.first.packet],
    );
    if bad.look.confidence() == Confidence::Possible {
        finding = finding.with_evidence(
            "note",
            "The bytes at fault are few: a character of UTF-8 that was cut or damaged would look the same.",
            &[],
        );
    }
    let text = format!(
        "send text as UTF-8: decode what comes from a source in {} as such, and let the library encode the string.",
        charset.encoding
    );
    let party = if bad.echo_of.is_some() { suspect.refusal.by } else { suspect.from };
    let mut finding = fixes::sender(case, bad, finding, &text, None);
    if let Some(first) = finding.fixes.first_mut() {
        first.example = fixes::decoded(case, party, charset.encoding);
    }
    if charset.encoding.starts_with("UTF-16") {
        return finding
            .with_fix(party.into(), "if UTF-16 is what the receiver wants, send it in a binary message.", None, None)
            .fits();
    }
    finding.fits()
}
