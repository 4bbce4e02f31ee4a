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

/// The largest Close on the wire: header, masking key, 125 bytes (RFC 6455 section 5.5).
const LARGEST: u64 = 2 + 4 + 125;

impl Connection {
    /// Whether the first Close in the capture was the first one on the wire.
    ///
    /// Where the other side's bytes are missing, what was acknowledged tells: an answering Close acknowledges the Close that
    /// it answers, and nothing but a Close follows one.
    #[must_use]
    pub fn first_close(&self) -> FirstClose {
        let closes = self.closes();
        let Some((side, close)) = closes.first().copied() else { return FirstClose::Seen };
        let other = self.sent_by(side.other());
        if closes.iter().any(|(s, _)| *s != side) {
            return FirstClose::Seen;
        }
        if other.is_unseen() {
            return of_unseen(self.sent_by(side), other, close);
        }
        let missing = |why| matches!(why, GapCause::Lost | GapCause::SnapLength | GapCause::WindowFull);
        let last_frame = other.last_frame.map(|o| o.packet);
        let behind_frames = other.gaps.iter().rfind(|g| missing(g.why) && Some(g.origin.packet) >= last_frame);
        let Some(gap) = behind_frames else {
            // Bytes that could not be read may have held it.
            let unread = other.unreadable_bytes > 0 && other.resyncs.is_empty();
            return if unread { FirstClose::Unknown } else { FirstClose::Seen };
        };
        let end = gap.start.0 + gap.length;
        match close.acknowledged.0 {
            acknowledged if acknowledged <= gap.start.0 && other.unreadable_bytes == 0 => FirstClose::Seen,
            acknowledged if acknowledged >= end && (2..=LARGEST).contains(&gap.length) => FirstClose::Missing,
            _ => FirstClose::Unknown,
        }
    }
}

/// The other direction is not in the capture at all.
fn of_unseen(seen: &Sent, unseen: &Sent, close: &CloseFrame) -> FirstClose {
    let after: u64 = unseen.advances.iter().filter(|a| a.origin.packet > close.origin.packet).map(|a| a.bytes).sum();
    // A FIN counts as one.
    if after >= 2 {
        return FirstClose::Seen;
    }
    let before = unseen.advances.iter().rfind(|a| a.origin.packet <= close.origin.packet);
    match before {
        Some(last) if Some(last.origin.packet) > seen.last_frame.map(|o| o.packet) => {
            // Bytes that arrived after this side's last frame and right before its Close.
            if (2..=LARGEST).contains(&last.bytes) { FirstClose::Missing } else { FirstClose::Unknown }
        }
        _ if unseen.advances.is_empty() => FirstClose::Unknown,
        _ => FirstClose::Seen,
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
