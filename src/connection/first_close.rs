//! Who closed first where one side's Close may be missing from the capture.

use super::{CloseFrame, Connection, Gap, GapCause, Message, Sent};
use crate::ids::{Origin, Side};

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
        // Bytes of the other side were acknowledged, and none of them is in the capture.
        let silent = other.frames == 0 && other.lost.gaps.is_empty() && other.lost.unreadable_bytes == 0;
        if self.joined_midstream && silent && !other.is_unseen() && close.acknowledged.0 > 0 {
            return FirstClose::Unknown;
        }
        if other.is_unseen() {
            return of_unseen(side, self.sent_by(side), other, close);
        }
        // How much is missing is not known: it may hold anything, unless it came later.
        let unmeasured = other.lost.gaps.iter().rfind(|g| g.why == GapCause::Unmeasured && other.uncounted(g) > 0);
        if let Some(gap) = unmeasured {
            let later = close.acknowledged <= gap.start && self.http2.is_none();
            return if later { FirstClose::Seen } else { FirstClose::Unknown };
        }
        let missing = |why| matches!(why, GapCause::Lost | GapCause::SnapLength | GapCause::WindowFull);
        let behind_frames = other.lost.gaps.iter().rfind(|g| missing(g.why) && other.uncounted(g) > 0);
        let Some(gap) = behind_frames else {
            // Bytes that could not be read may have held it.
            let unread = other.lost.unreadable_bytes > 0 && other.lost.resyncs.is_empty();
            return if unread { FirstClose::Unknown } else { FirstClose::Seen };
        };
        let end = gap.start.0 + gap.length;
        let bytes = other.uncounted(gap);
        match close.acknowledged.0 {
            acknowledged if acknowledged <= end - bytes && other.lost.unreadable_bytes == 0 => FirstClose::Seen,
            acknowledged if acknowledged >= end => {
                let all = other.lost.gaps.iter().filter(|g| missing(g.why)).map(|g| other.uncounted(g)).sum::<u64>();
                let room = all + other.unread() + other.lost.unlisted_gap_bytes;
                let told = Told { bytes, room, at_once: at_once(gap.origin, close) };
                answer(side, self.sent_by(side), close, told)
            }
            _ => FirstClose::Unknown,
        }
    }
}

impl Sent {
    /// Whether a Close of this side may be among what the capture lacks.
    #[must_use]
    pub fn may_hide_close(&self) -> bool {
        self.is_unseen()
            || self.unread() > 0
            || self.lost.gaps.iter().any(|g| g.why != GapCause::NotKept && self.uncounted(g) > 0)
    }

    /// Whether a Close of this side names what this side did itself: then it repeats the other side's, which refused that.
    #[must_use]
    pub fn is_refused_by(&self, close: &CloseFrame) -> bool {
        match close.code {
            Some(1007) => self.defects > 0,
            Some(1002) => self.defects > 0 || !self.violations.is_empty(),
            Some(1009) => {
                let last = self.recent.last().map_or(0, Message::size_to_receive);
                last >= self.largest_message().unwrap_or(0) && last >= LARGE
            }
            _ => false,
        }
    }

    /// How many bytes of a gap lie behind the last frame, so that more frames may have been among them. Between frames
    /// there was none that matters here: nothing follows a Close.
    fn uncounted(&self, gap: &Gap) -> u64 {
        let end = gap.start.0.saturating_add(gap.length);
        end.saturating_sub(gap.start.max(self.frames_end).0)
    }

    /// Bytes that are in the capture and could not be read as frames, up to the end.
    fn unread(&self) -> u64 {
        let skipped: u64 = self.lost.resyncs.iter().map(|r| r.skipped).sum();
        self.lost.unreadable_bytes.saturating_sub(skipped)
    }
}

/// What is known of the bytes that a Close acknowledged and the capture lacks.
struct Told {
    /// How many.
    bytes: u64,
    /// The same with further bytes that are missing or could not be read: a Close fits in here.
    room: u64,
    /// The Close followed them directly: see [`ANSWERED_WITHIN`].
    at_once: bool,
}

/// How long after the first acknowledgement of a Close its answer is sent, in seconds. Libraries answer by themselves; TCP may
/// acknowledge a moment before.
const ANSWERED_WITHIN: f64 = 0.005;

/// Whether a Close acknowledged missing bytes itself, or came directly after what did.
fn at_once(acknowledged: Origin, close: &CloseFrame) -> bool {
    acknowledged >= close.origin || close.origin.at.seconds_since(acknowledged.at) <= ANSWERED_WITHIN
}

/// Whether the Close of `side` answers one among missing bytes of the other side. An answer repeats the code, with the
/// reason or without (RFC 6455 section 5.5.1).
fn answer(side: Side, sent: &Sent, close: &CloseFrame, told: Told) -> FirstClose {
    let header = if side == Side::Client { 2 } else { 6 };
    let answered = header + close.length;
    // Of an empty Close, and of the broken one of a single byte, the answer is longer.
    let bare = [header, header + 1].contains(&told.room) && close.length <= 2;
    if told.room < answered && !bare {
        // Too few for a Close of this code and reason.
        return FirstClose::Seen;
    }
    // So many bytes may be any short message; what points to a Close is that it explains this one, and nothing else does.
    let refuses = matches!(close.code, Some(1002 | 1003 | 1007..=1011));
    // What servers say of themselves (RFC 6455 section 7.4.1 and the IANA registry): a client only repeats it.
    let repeats = side == Side::Client && matches!(close.code, Some(1011..=1014));
    let explained = sent.is_refused_by(close) || repeats || told.at_once && !refuses;
    if told.room == answered && told.bytes == answered && explained { FirstClose::Missing } else { FirstClose::Unknown }
}

/// Messages from here on are large enough to be refused for their size.
const LARGE: u64 = 1024;

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
        // A FIN, and before it perhaps a Close.
        Some(last) if last.bytes == 1 => FirstClose::Unknown,
        Some(last) => {
            let told = Told { bytes: last.bytes, room: last.bytes, at_once: at_once(last.origin, close) };
            answer(side, seen, close, told)
        }
        None => FirstClose::Unknown,
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
