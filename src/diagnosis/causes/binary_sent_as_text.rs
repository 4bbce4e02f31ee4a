//! `binary-sent-as-text`.

use crate::diagnosis::case::Case;
use crate::diagnosis::finding::{Cause, Family, Verdict};
use crate::diagnosis::not_text::look::Look;
use crate::diagnosis::not_text::{self, BadText, Trouble, fixes, story};
use crate::diagnosis::payload::Basis;
use crate::diagnosis::words;

pub(super) const CAUSE: Cause = Cause {
    id: "binary-sent-as-text",
    family: Family::NotText,
    summary: "binary data was sent in a text message",
    documentation: "\
# binary-sent-as-text

## What was seen
One side sent a text message (opcode 1) whose payload is not UTF-8 and has the signature or the structure of a binary
format: gzip, zlib, zstd, an image, a PDF, an archive, Protocol Buffers, MessagePack, CBOR, BSON, sound, arrays of numbers.
The other side ended the connection, mostly with Close 1007; browsers say 1002, some libraries drop TCP.

## Why the peer closes
The payload of a text message has to be UTF-8, and an endpoint that finds other bytes has to fail the connection (RFC 6455
section 8.1). It is the opcode that is wrong, not the data.

## How we know
The first byte that cannot be UTF-8 is in the capture. The format is recognised by its signature, because the payload
parses as that format, or because it inflates; where only the spread of byte values and many control characters speak for
binary data, the confidence is lower.

## What would prove us wrong
Text in another encoding that happens to begin like a binary format; text under a masking fault.

## Fix
Send the data in a binary message (opcode 2). Where the receiver insists on text, encode it, for example in Base64. Do not
decode the bytes into a string to make the error go away: that destroys them.

## References
RFC 6455 sections 5.6 and 8.1.
",
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    match not_text::trouble(case) {
        Some(Trouble::Text(bad)) => match bad.look {
            Look::Binary(_) => finding(case, bad),
            Look::Charset(_) if bad.inspection.control_share == 0.0 => Verdict::RuledOut(
                "the message holds no control characters and reads as text in another encoding".into(),
            ),
            _ => Verdict::NotThis,
        },
        _ => Verdict::NotThis,
    }
}

fn finding(case: &Case<'_>, bad: &BadText<'_>) -> Verdict {
    let suspect = &bad.suspect;
    let name = bad.inspection.binary.map_or("binary data", |b| b.name);
    let sender =
        if bad.echo_of.is_some() { format!("{} echoed", suspect.from) } else { format!("{} sent", suspect.from) };
    let title = format!("{sender} {name} in a text message, and {}", story::outcome(&suspect.refusal));
    let mut finding = story::bad_text(case, bad, title);
    if let Some(binary) = bad.inspection.binary {
        let place =
            if binary.at == 0 { String::new() } else { format!(" from offset {} on", words::grouped(binary.at)) };
        let text = match binary.basis {
            Basis::Signature => format!("The payload begins with the signature of {name}."),
            Basis::Deflate => "The payload inflates to readable text: it was compressed, and not marked so.".to_owned(),
            Basis::Structure => format!("The payload parses as {name}."),
            Basis::Statistics => format!(
                "The payload looks like {name}: {:.0} % of its bytes are control characters, {:.0} % lie above 7F.",
                bad.inspection.control_share * 100.0,
                bad.inspection.high_share * 100.0
            ),
        };
        let text = if place.is_empty() { text } else { format!("Text stands first; {name} follows{place}.") };
        finding = finding.with_evidence("format", text, &[suspect.message.first.packet]);
    }
    let compressed = name.starts_with("gzip") || name.starts_with("zlib") || name.contains("deflate");
    let text = if compressed {
        "send compressed data in a binary message, or send the plain text and let permessage-deflate compress it."
    } else {
        "send it in a binary message (opcode 2); Base64 only where the receiver insists on text."
    };
    fixes::sender(case, bad, finding, text, Some(fixes::Line::Binary)).fits()
}
