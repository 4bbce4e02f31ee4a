//! `compression-context-lost`.

use crate::connection::{InflateFailure, InflateFinding};
use crate::diagnosis::case::Case;
use crate::diagnosis::finding::{Cause, Family, Verdict};
use crate::diagnosis::not_text::{self, Suspect, Trouble, fixes, story};
use crate::diagnosis::words;
use crate::ids::{PacketNumber, Side};
use crate::report::model::Party;

pub(super) const CAUSE: Cause = Cause {
    id: "compression-context-lost",
    family: Family::NotText,
    summary: "a compressed message refers to data that its receiver does not have",
    documentation: "\
# compression-context-lost

## What was seen
permessage-deflate was agreed, and a compressed message copies from data outside the window that sender and receiver agreed
on: from messages that were never sent on this connection, from earlier messages although no context takeover was agreed,
or from further back than the agreed window reaches. The receiver ended the connection: with 1007, 1002 or 1011, or without
a Close.

## Why the peer closes
Deflate data consists of copies of earlier data. Both sides have to keep the same window; the parameters in
Sec-WebSocket-Extensions say how long and how far (RFC 7692 section 7.1). A receiver that has reset or shortened its window
as agreed cannot read the copy.

## How we know
The bytes are well-formed deflate data, and one copy in them reaches further back than is allowed; the report says how far.

## What would prove us wrong
Messages that the capture lacks (then nothing is said); a proxy that changed the extension header on its other leg, so that
both ends agreed on different things.

## Fix
Sender: keep the agreed parameters (NAME_no_context_takeover: reset the compressor before each message; NAME_max_window_bits:
no larger window), use one compressor for one connection, and send all that went through it, in that order. A proxy has to
pass Sec-WebSocket-Extensions in both directions unchanged, or remove it in both.

## References
RFC 7692 sections 7.1.1, 7.1.2 and 7.2.
",
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    match not_text::trouble(case) {
        Some(Trouble::Inflate(suspect, failure)) => match failure.finding {
            InflateFinding::ContextMissing | InflateFinding::ContextKept | InflateFinding::WindowExceeded => {
                finding(case, suspect, failure)
            }
            InflateFinding::Corrupt => {
                Verdict::RuledOut("the data breaks the deflate format itself, with any window".into())
            }
            InflateFinding::NotCompressed => Verdict::NotThis,
        },
        _ => Verdict::NotThis,
    }
}

fn finding(case: &Case<'_>, suspect: &Suspect<'_>, failure: &InflateFailure) -> Verdict {
    let sender = suspect.from;
    let outcome = story::outcome(&suspect.refusal);
    let agreed = agreed(case);
    let (takeover, bits) = parameters(case, sender);
    let distance = failure.distance.map(|d| words::bytes(u64::from(d)));
    let reaches = distance.as_deref().unwrap_or("further than is allowed");
    let (title, evidence, fix) = match failure.finding {
        InflateFinding::ContextKept => (
            format!(
                "{sender} compressed a message with the context of earlier ones, which was agreed away, and {outcome}"
            ),
            format!(
                "A copy in it reaches {reaches} before the message, although {sender}_no_context_takeover was agreed: the \
                 receiver has no earlier data."
            ),
            format!("reset the compressor before each message, or do not agree to {sender}_no_context_takeover."),
        ),
        InflateFinding::WindowExceeded => (
            format!("{sender} compressed a message with a larger window than agreed, and {outcome}"),
            format!(
                "A copy in it reaches back {reaches}; {sender}_max_window_bits={} allows {}.",
                bits.unwrap_or(15),
                words::bytes(1 << bits.unwrap_or(15).min(15))
            ),
            format!("create the compressor with windowBits = {}, as agreed.", bits.unwrap_or(15)),
        ),
        _ => (
            format!("{sender} sent a compressed message that refers to data it had never sent, and {outcome}"),
            format!(
                "A copy in it reaches {reaches} before everything that the {sender} had sent compressed on this connection."
            ),
            "use one compressor for one connection, and send every message that went through it, in that order."
                .to_owned(),
        ),
    };
    let mut finding = story::about(
        case,
        suspect,
        suspect.confidence,
        title,
        " that cannot be inflated with the window that its receiver has",
    )
    .with_evidence("window", evidence, &[failure.origin.packet])
    .with_evidence("agreed", agreed, &opening_packet(case));
    if failure.finding == InflateFinding::ContextMissing && takeover == Some(true) {
        finding = finding.with_evidence(
            "note",
            "Both sides may keep their context as agreed; a proxy that removed or added Sec-WebSocket-Extensions on one leg \
             would have the same effect.",
            &[],
        );
    }
    finding
        .with_fix(sender.into(), fix, None, None)
        .with_fix(
            Party::Either,
            "switch permessage-deflate off on one side to confirm.",
            fixes::example(case, sender, fixes::Line::Uncompressed),
            None,
        )
        .with_fix(
            Party::Proxy,
            "if there is one, let it pass Sec-WebSocket-Extensions unchanged in request and answer, or remove it in both.",
            None,
            None,
        )
        .fits()
}

/// What the handshake agreed, as a sentence.
fn agreed(case: &Case<'_>) -> String {
    let handshake = case.connection.handshake.as_ref();
    match handshake.and_then(|h| h.response.field("sec-websocket-extensions")) {
        Some(extensions) => format!("The handshake agreed on: {}", story::quoted(extensions)),
        None => "The capture does not show which parameters were agreed.".to_owned(),
    }
}

fn opening_packet(case: &Case<'_>) -> Vec<PacketNumber> {
    case.connection.handshake.iter().map(|h| h.response.origin.packet).collect()
}

/// Whether `side` may keep its context, and its window bits, as agreed.
fn parameters(case: &Case<'_>, side: Side) -> (Option<bool>, Option<u8>) {
    let deflate = case.connection.handshake.as_ref().and_then(|h| h.deflate);
    let Some(deflate) = deflate else { return (None, None) };
    match side {
        Side::Client => (Some(!deflate.client_no_context_takeover), Some(deflate.client_max_window_bits)),
        Side::Server => (Some(!deflate.server_no_context_takeover), Some(deflate.server_max_window_bits)),
    }
}
