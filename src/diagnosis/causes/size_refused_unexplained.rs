//! `size-refused-unexplained`.

use crate::diagnosis::case::Case;
use crate::diagnosis::finding::Finding;
use crate::diagnosis::finding::{Cause, Family, Verdict};
use crate::diagnosis::too_big::{self, Suspicion};
use crate::diagnosis::words;
use crate::report::model::{Confidence, Party, Severity};

pub(super) const CAUSE: Cause = Cause {
    id: "size-refused-unexplained",
    family: Family::TooBig,
    summary: "1009, and nothing sent was larger than what had been accepted",
    documentation: "\
# size-refused-unexplained

## What was seen
A Close 1009 (Message Too Big), and no message that the closer had received is larger than what it had accepted before.

## Why the peer closes
The application may count something else: a batch, a queue, a rate, the number of fragments, or one limit for each kind of
message.

## How we know
By exclusion: the sizes that passed and the sizes in flight are in the capture.

## What would prove us wrong
A larger message that the capture missed.

## Fix
Ask the closing side's owner what was counted; its log at the time of the Close names it.

## References
RFC 6455 section 7.4.1.
",
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    let Some(Suspicion::Unexplained(accepted)) = too_big::suspect(case) else { return Verdict::NotThis };
    let Some(closer) = case.ending.closer else { return Verdict::NotThis };
    let sender = closer.other();
    let mut text = too_big::ended_by(case, closer);
    let passed = accepted.message.map(|m| format!(" Messages of up to {} had been accepted.", words::bytes(m)));
    text.push_str(passed.as_deref().unwrap_or(" No message that it refused is in the capture."));
    let mut finding = Finding::new(
        Confidence::Possible,
        Severity::Problem,
        format!("{closer} says \"too big\" of nothing that the capture shows"),
        text,
    );
    finding.change = Some(Party::from(closer));
    let arrived = case.arrived();
    if let Some(last) = arrived.last() {
        finding.message = Some(words::message_report(sender, last));
    }
    for message in arrived.iter().rev().take(3) {
        let size = words::bytes(message.size_to_receive());
        finding = finding.with_evidence(
            "in-flight",
            format!("The {sender} had sent a {} message of {size}.", words::kind(message.kind)),
            &[message.first.packet],
        );
    }
    if case.has_holes(sender) {
        finding =
            finding.with_evidence("missing-bytes", format!("Bytes of the {sender} are missing from the capture."), &[]);
    }
    finding
        .with_fix(
            Party::from(closer),
            "look in its log at that time for what was counted: a batch, a rate, or fragments.",
            None,
            None,
        )
        .fits()
}
