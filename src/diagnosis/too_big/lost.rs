//! A refused message whose beginning the capture lacks.

use super::ended_by;
use crate::connection::Sent;
use crate::diagnosis::case::Case;
use crate::diagnosis::finding::Finding;
use crate::diagnosis::sizes::Accepted;
use crate::diagnosis::words;
use crate::ids::Side;
use crate::report::model::{Confidence, LimitBasis, LimitReport, Severity};

/// What stands for a refused message that cannot be read.
#[derive(Debug, Clone, Copy)]
pub struct Lost {
    /// Who sent it.
    pub from: Side,
    /// Bytes that it can be among; the highest number where it began before the capture.
    pub at_most: u64,
    /// What the receiver accepted otherwise.
    pub accepted: Accepted,
    /// The limit that the close reason names.
    pub stated: Option<u64>,
}

/// Bytes of a stream that belong to no message in the records, at most: before, between and behind them.
pub(super) fn unread(sent: &Sent) -> u64 {
    let lost: u64 = sent.lost.gaps.iter().map(|g| g.length).sum::<u64>() + sent.lost.unlisted_gap_bytes;
    let counted: u64 = sent.kept_messages().iter().map(|m| m.missing_bytes).sum();
    if sent.lost.resyncs.is_empty() && sent.lost.unreadable_bytes == 0 && !sent.is_unseen() {
        return 0;
    }
    // A message whose end was not seen may go on in what could not be read.
    let unfinished = sent.recent.last().filter(|m| !m.complete).map_or(0, |m| m.declared_bytes);
    let unread = sent.lost.unreadable_bytes.saturating_add(unfinished);
    unread.saturating_add(sent.lost.orphan_bytes).saturating_add(lost.saturating_sub(counted))
}

/// The finding where the refused message itself cannot be read.
pub(in crate::diagnosis) fn finding(case: &Case<'_>, lost: &Lost) -> Finding {
    let Lost { from, at_most, accepted, stated } = *lost;
    let receiver = from.other();
    let limit = stated.map_or(String::new(), |s| format!(": its limit is {}", words::rounded(s)));
    let title = format!("{receiver} refused a message whose beginning the capture lacks{limit}");
    let text = format!(
        "{} sent something{} that cannot be read: the header of its frame is not in the capture. {}",
        words::sentence(&case.who(from)),
        if at_most == u64::MAX { String::new() } else { format!(" of at most {}", words::bytes(at_most)) },
        ended_by(case, receiver)
    );
    let mut finding = Finding::new(Confidence::Possible, Severity::Problem, title, text);
    finding.caused_by = Some(from.into());
    finding.change = Some(receiver.into());
    finding.limit = Some(LimitReport {
        bytes: stated,
        basis: if stated.is_some() { LimitBasis::StatedInReason } else { LimitBasis::Bracketed },
        accepted_up_to: accepted.message,
        refused_from: None,
        setting: None,
    });
    if let Some((_, close)) = case.ending.close {
        let reason = if stated.is_some() {
            "The close reason names the limit."
        } else {
            "Close 1009 means that a message was too big."
        };
        finding = finding.with_evidence("close-code", reason, &[close.origin.packet]);
    }
    if let Some(passed) = accepted.message {
        let text = format!("Messages of up to {} had been accepted.", words::bytes(passed));
        finding = finding.with_evidence("accepted-before", text, &[]);
    }
    finding
        .with_fix(
            receiver.into(),
            "raise the WebSocket library's limit for one received message above the size that the sender's own log names.",
            None,
            None,
        )
        .with_fix(from.into(), "send several messages below the limit.", None, None)
}
