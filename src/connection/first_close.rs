//! Who closed first where one side's Close may be missing from the capture.

use super::{CloseFrame, Connection, GapCause, Sent};
use crate::ids::Side;

/// Who sent the first Close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstClose {
    /// The sender of the first one in the capture.
    Seen,
    /// The other side: the Close in the capture answers one that the capture lacks.
    Missing,
    /// The capture does not tell.
    Unknown,
}

impl Connection {
    /// Whether the first Close in the capture was the first one on the wire.
    ///
    /// Where the other side's bytes are missing, what was acknowledged tells: an answering Close acknowledges the Close that
    /// it answers, which mostly has its size, and nothing but a Close follows one.
    #[must_use]
    pub fn first_close(&self) -> FirstClose {
        let closes = self.closes();
        let Some((side, close)) = closes.first().copied() else { return FirstClose::Seen };
        let other = self.sent_by(side.other());
        if closes.iter().any(|(s, _)| *s != side) {
            return FirstClose::Seen;
        }
        // The Close that it answers may have come before the capture, unless somebody went on speaking in it.
        let spoke = |sent: &Sent| sent.last_frame.is_some();
        if self.joined_midstream && !spoke(other) && !spoke(self.sent_by(side)) {
            return FirstClose::Unknown;
        }
        if other.is_unseen() {
            return of_unseen(side, self.sent_by(side), other, close);
        }
        let missing = |why| matches!(why, GapCause::Lost | GapCause::SnapLength | GapCause::WindowFull);
        let last_frame = other.last_frame;
        let behind_frames = other.lost.gaps.iter().rfind(|g| missing(g.why) && Some(g.origin) >= last_frame);
        let Some(gap) = behind_frames else {
            // Bytes that could not be read may have held it.
            let unread = other.lost.unreadable_bytes > 0 && other.lost.resyncs.is_empty();
            return if unread { FirstClose::Unknown } else { FirstClose::Seen };
        };
        let end = gap.start.0 + gap.length;
        match close.acknowledged.0 {
            acknowledged if acknowledged <= gap.start.0 && other.lost.unreadable_bytes == 0 => FirstClose::Seen,
            acknowledged if acknowledged >= end && answers(side, close, gap.length) => FirstClose::Missing,
            _ => FirstClose::Unknown,
        }
    }
}

impl Sent {
    /// Whether a Close of this side may be among what the capture lacks.
    #[must_use]
    pub fn may_hide_close(&self) -> bool {
        let skipped: u64 = self.lost.resyncs.iter().map(|r| r.skipped).sum();
        self.is_unseen()
            || self.lost.unreadable_bytes > skipped
            || self.lost.gaps.iter().any(|g| g.why != GapCause::NotKept && Some(g.origin) >= self.last_frame)
    }
}

/// Whether so many bytes of the other side are the Close that this one answers: of the same code and reason, or the code
/// alone.
fn answers(side: Side, close: &CloseFrame, bytes: u64) -> bool {
    let header = if side == Side::Client { 2 } else { 6 };
    bytes == header + 2 || bytes == header + close.length
}

/// The other direction is not in the capture at all.
fn of_unseen(side: Side, seen: &Sent, unseen: &Sent, close: &CloseFrame) -> FirstClose {
    let after: u64 = unseen.lost.advances.iter().filter(|a| a.origin > close.origin).map(|a| a.bytes).sum();
    // A FIN counts as one.
    if after >= 2 {
        return FirstClose::Seen;
    }
    // A message may have been on its way when the other side closed; who begins a frame has not been told to stop.
    let last_message = seen.recent.last().filter(|_| seen.last_frame == seen.last_message);
    let spoke = last_message.map(|m| m.first).or(seen.last_frame);
    match unseen.lost.advances.iter().rfind(|a| a.origin <= close.origin) {
        Some(last) if Some(last.origin) <= spoke => FirstClose::Seen,
        Some(last) if answers(side, close, last.bytes) => FirstClose::Missing,
        _ => FirstClose::Unknown,
    }
}

impl FirstClose {
    /// Who closed first, where that is known; `seen`: who sent the first Close in the capture.
    #[must_use]
    pub fn side(self, seen: Side) -> Option<Side> {
        match self {
            FirstClose::Seen => Some(seen),
            FirstClose::Missing => Some(seen.other()),
            FirstClose::Unknown => None,
        }
    }
}
