//! `invalid-text-unexplained`.

use crate::connection::DataType;
use crate::diagnosis::case::Case;
use crate::diagnosis::finding::{Cause, Family, Finding, Verdict};
use crate::diagnosis::not_text::{self, Refusal, Trouble, Unchecked, story};
use crate::diagnosis::words;
use crate::report::model::{Confidence, Party, Severity};

pub(super) const CAUSE: Cause = Cause {
    id: "invalid-text-unexplained",
    family: Family::NotText,
    summary: "an end for invalid data whose message the capture does not show",
    documentation: "\
# invalid-text-unexplained

## What was seen
One side closed with 1007, or with a reason that speaks of UTF-8 or of compression, and the capture does not show data that
would be wrong: the message before the Close is missing or incomplete, it is compressed and what it refers to is missing, or
all that was captured is valid.

## Why the peer closes
It found data that does not fit the type of its message (RFC 6455 sections 7.4.1 and 8.1).

## How we know
By the code and the reason only.

## What would prove us wrong
A capture that holds the whole connection, from the handshake on.

## Fix
Record once more: from before the handshake, with whole packets, near the side that closes. If everything is there and
valid, compare with a capture at the other end: a box between them may change the data, or the receiver's check is wrong.

## References
RFC 6455 sections 7.4.1 and 8.1; RFC 7692 section 7.2.2.
",
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    match not_text::trouble(case) {
        Some(Trouble::Unexplained(refusal, why)) => finding(case, refusal, *why),
        _ => Verdict::NotThis,
    }
}

fn finding(case: &Case<'_>, refusal: &Refusal<'_>, why: Unchecked) -> Verdict {
    let (by, from) = (refusal.by, refusal.by.other());
    let clause = story::unchecked(why, from);
    let complains = if not_text::speaks_of_compression(refusal.reason()) { "compressed data" } else { "invalid data" };
    let title = match why {
        Unchecked::AllValid => {
            format!("{by} complained about {complains}, but all that the {from} sent is valid in this capture")
        }
        Unchecked::NothingSent => format!("{by} complained about {complains} although the {from} had sent no message"),
        _ => format!("{by} complained about {complains} that this capture does not show"),
    };
    let explanation = format!("{} {}.", story::refused(case, refusal), words::sentence(&clause));
    let mut finding = Finding::new(Confidence::Possible, Severity::Problem, title, explanation);
    let server = case.connection.server;
    let record =
        format!("tcpdump -i any -s 0 -B 16384 -w again.pcap 'host {} and tcp port {}'", server.ip(), server.port());
    if let Some(close) = refusal.close {
        let text = match (refusal.reason().is_empty(), close.code) {
            (false, _) => format!("The only sign is the Close of the {by} with its reason."),
            (true, Some(code)) => format!("The only sign is the code {code} of the {by}; its reason is empty."),
            (true, None) => format!("The only sign is the Close of the {by}."),
        };
        finding = finding.with_evidence("close", text, &[close.origin.packet]);
    }
    let holes = &case.connection.sent_by(from).lost.gaps;
    if let (Unchecked::Missing, Some(gap)) = (why, holes.last()) {
        let missing: u64 = holes.iter().map(|g| g.length).sum();
        let text = format!("The capture lacks {} of the {from}.", words::bytes(missing));
        finding = finding.with_evidence("missing", text, &[gap.origin.packet]);
    }
    match why {
        Unchecked::AllValid => {
            let last = case.connection.sent_by(from).recent.iter().rev().find(|m| m.first <= refusal.at);
            if let Some(last) = last {
                finding.message = Some(words::message_report(from, last));
                let size = words::bytes(last.payload_bytes.unwrap_or(last.wire_bytes));
                let text = match last.kind {
                    DataType::Text => format!("The last message before it, a text message of {size}, is valid UTF-8."),
                    DataType::Binary => format!(
                        "The last message before it is a binary message of {size}, which need not be UTF-8: the {by} may have \
                         read it as text."
                    ),
                };
                finding = finding.with_evidence("valid-text", text, &[last.last.packet]);
            }
            finding
                .with_fix(
                    by.into(),
                    "log the bytes that it refuses, and compare them with this capture: a box between both ends may change \
                     them, or the check is wrong.",
                    None,
                    None,
                )
                .with_fix(Party::Nobody, format!("Record at the {by}'s own machine next time."), Some(record), None)
                .fits()
        }
        Unchecked::NothingSent => finding
            .with_fix(by.into(), "log why it closes: nothing that could be invalid had reached it.", None, None)
            .fits(),
        Unchecked::Missing | Unchecked::Midstream | Unchecked::Compressed => {
            let text = match why {
                Unchecked::Missing => "Record whole packets with a larger buffer next time, so that none is missing.",
                _ => "Start the capture before the connection opens next time.",
            };
            finding.with_fix(Party::Nobody, text, Some(record), None).fits()
        }
    }
}
