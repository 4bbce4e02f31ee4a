//! A refused message whose beginning the capture lacks.

use super::{Suspect, ended_by};
use crate::connection::{FirstClose, Message, Sent};
use crate::diagnosis::case::Case;
use crate::diagnosis::finding::Finding;
use crate::diagnosis::sizes::{self, Accepted};
use crate::diagnosis::words;
use crate::ids::{Origin, Side, StreamOffset};
use crate::report::model::{Confidence, LimitBasis, LimitReport, Severity};

/// What stands for a refused message that cannot be read, or not to its end.
#[derive(Debug, Clone, Copy)]
pub struct Lost<'a> {
    /// Who sent it.
    pub from: Side,
    /// Bytes that it can be among; the highest number where they have no end, or it began before the capture.
    pub at_most: u64,
    /// Its beginning, where only what followed cannot be read.
    pub begun: Option<&'a Message>,
    /// What the receiver accepted otherwise.
    pub accepted: Accepted,
    /// The limit that the close reason names.
    pub stated: Option<u64>,
}

/// So many times its size a message can grow by inflating: 258 bytes from 2 bits (RFC 1951 section 3.2.5).
const INFLATES: u64 = 1032;
/// Seconds within which the refusal of a message comes, unless its receiver says something else first.
const REFUSAL_SECONDS: f64 = 1.0;

/// Bytes of a stream in which frames began that cannot be read.
#[derive(Debug, Clone, Copy)]
struct Place {
    start: StreamOffset,
    /// Where frames are read again; `None` where they are not.
    end: Option<StreamOffset>,
    /// The packet behind them.
    noticed: Origin,
}

/// What the closer had received and the capture does not show: where a message can hide.
#[derive(Debug)]
pub(super) struct Unread {
    from: Side,
    places: Vec<Place>,
    /// Payload of messages whose beginning was not seen.
    orphans: u64,
    /// Bytes of the shortest header.
    header: u64,
    inflates: u64,
    begun_before: bool,
}

impl Unread {
    /// Looks through what the sender `from` lacks.
    pub(super) fn of(case: &Case<'_>, from: Side) -> Unread {
        let sent = case.connection.sent_by(from);
        let handshake = case.connection.handshake.as_deref();
        let plain = handshake.is_some_and(|h| h.request.is_some() && h.deflate.is_none());
        let mut places = places(sent);
        let received = match case.ending.close {
            Some((_, close)) if case.ending.first == FirstClose::Seen => close.acknowledged,
            // The Close that refused it is not in the capture.
            Some(_) => StreamOffset::default(),
            None => sent.acknowledged_to,
        };
        // Where frames were only guessed, bytes may have been received behind the last one that fitted. A FIN counts as one.
        let guessed = !sent.lost.gaps.is_empty() || !sent.lost.resyncs.is_empty();
        let read = sent.frames_end.0.saturating_add(1);
        if guessed && received.0 > read && places.iter().all(|p| p.end.is_some()) {
            let noticed = sent.last_packet.unwrap_or_default();
            places.push(Place { start: sent.frames_end, end: None, noticed });
        }
        places.retain(|p| p.start < received || received.0 == 0);
        Unread {
            from,
            places,
            orphans: sent.lost.orphan_bytes,
            header: if from == Side::Client { 6 } else { 2 },
            inflates: if plain { 1 } else { INFLATES },
            begun_before: case.connection.joined_midstream && (sent.lost.orphan_bytes > 0 || sent.messages == 0),
        }
    }

    /// Bytes that a message can be among, at most; 0 where none can be. `open`: at which places it can.
    fn bytes(&self, begun: Option<&Message>, open: impl Fn(&Place) -> bool) -> u64 {
        let mut total = 0u64;
        let mut any = false;
        for place in self.places.iter().filter(|p| open(p)) {
            any = true;
            total = total.saturating_add(place.end.map_or(u64::MAX, |e| e.0.saturating_sub(place.start.0)));
        }
        if !any {
            return 0;
        }
        total.saturating_add(self.orphans).saturating_add(begun.map_or(0, |m| m.declared_bytes))
    }

    /// Bytes that the refused message can be among, wherever they are.
    pub(super) fn anywhere(&self, begun: Option<&Message>) -> u64 {
        if self.begun_before { u64::MAX } else { self.bytes(begun, |_| true) }
    }

    /// Bytes that another message than `suspect` can be among, which the closer refused in its place.
    pub(super) fn beside(&self, case: &Case<'_>, suspect: &Message) -> u64 {
        let closer = case.connection.sent_by(self.from.other());
        self.bytes(begun(suspect), |place| {
            if place.start >= suspect.end {
                return true;
            }
            // What came before it was taken, if its receiver went on to speak or let time pass.
            let spoke = closer.recent.iter().any(|a| a.first > place.noticed);
            let long_ago = case.seconds_before_end(place.noticed).is_some_and(|s| s > REFUSAL_SECONDS);
            !spoke && !long_ago
        })
    }

    /// What speaks for `suspect`, although sizes speak against it. `beside`: see [`Unread::beside`]; `passed`: what the closer
    /// accepts, as far as is known.
    pub(super) fn doubt(&self, case: &Case<'_>, suspect: &Suspect<'_>, beside: u64, passed: u64) -> Option<Doubt> {
        let message = suspect.message;
        let taken = if self.was_answered(case, message) {
            0
        } else if message.fragments > 1 {
            // What came in fragments may have passed where one frame of less did not.
            message.largest_frame
        } else {
            suspect.size.max(passed)
        };
        let rivalled = self.largest(beside) > taken;
        if rivalled { Some(Doubt::Rival) } else { answer_may_be_lost(case, self.from, message) }
    }

    /// Whether the closer answered `message` before something else came that cannot be read.
    fn was_answered(&self, case: &Case<'_>, message: &Message) -> bool {
        let (asked, answered) = (case.connection.sent_by(self.from), case.connection.sent_by(self.from.other()));
        let answers = || answered.recent.iter().filter(|a| a.first > message.last);
        let goes_on = |after: Origin| self.places.iter().any(|p| p.start >= message.end && p.noticed > after);
        message.complete && !sizes::streams(asked, answered) && answers().any(|a| goes_on(a.last))
    }

    /// The largest message, after inflating, that so many bytes can hold.
    pub(super) fn largest(&self, bytes: u64) -> u64 {
        bytes.saturating_sub(self.header).saturating_mul(self.inflates)
    }
}

/// A message that goes on where nothing can be read.
pub(super) fn begun(message: &Message) -> Option<&Message> {
    (!message.complete).then_some(message)
}

/// What missing bytes leave open about a message that was held responsible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// Something else that was sent, and that cannot be read, may be what was refused.
    Rival,
    /// The receiver may have answered it, and gone on.
    Answer,
}

impl Doubt {
    /// A sentence; `from`: who sent the message.
    pub(super) fn words(self, from: Side) -> String {
        let receiver = from.other();
        match self {
            Doubt::Rival => format!("The {from} sent more that cannot be read, and that may be what was refused."),
            Doubt::Answer => {
                format!(
                    "Bytes of the {receiver} behind it are missing: it may have answered it, and refused a later one."
                )
            }
        }
    }
}

/// Whether an answer to `message` may be among what the capture lacks, so that a later one of `from` was refused.
fn answer_may_be_lost(case: &Case<'_>, from: Side, message: &Message) -> Option<Doubt> {
    let (asked, answered) = (case.connection.sent_by(from), case.connection.sent_by(from.other()));
    let went_on = asked.recent.iter().any(|m| m.number > message.number && case.had_begun_to_arrive(m));
    let close = case.ending.close.map(|(_, close)| close.start);
    let behind = |start: StreamOffset, noticed: Origin| noticed > message.last && close.is_none_or(|c| start < c);
    let lost = answered.lost.gaps.iter().any(|g| behind(g.start, g.origin));
    (went_on && message.complete && (lost || answered.is_unseen())).then_some(Doubt::Answer)
}

/// The places of a stream where frames cannot be read.
fn places(sent: &Sent) -> Vec<Place> {
    let (lost, kept) = (&sent.lost, sent.kept_messages());
    let mut readable: Vec<StreamOffset> = kept.iter().map(|m| m.start).collect();
    readable.extend(lost.resyncs.iter().map(|r| r.start));
    readable.extend(sent.closes.iter().map(|c| c.start));
    readable.sort_unstable();
    let next = |at: StreamOffset| readable.iter().copied().find(|r| *r >= at);
    let mut found: Vec<Place> = Vec::new();
    for gap in &lost.gaps {
        let behind = StreamOffset(gap.start.0.saturating_add(gap.length));
        // What is missing of a payload is counted there.
        let payload = kept.iter().filter(|m| m.start < gap.start && m.end > gap.start).map(|m| m.end).max();
        let start = payload.map_or(gap.start, |end| end.max(gap.start));
        if start < behind {
            found.push(Place { start, end: next(behind), noticed: gap.origin });
        }
    }
    for resync in lost.resyncs.iter().filter(|r| r.skipped > 0) {
        let start = StreamOffset(resync.start.0.saturating_sub(resync.skipped));
        found.push(Place { start, end: Some(resync.start), noticed: resync.origin });
    }
    let skipped: u64 = lost.resyncs.iter().map(|r| r.skipped).sum();
    let endless = found.iter().any(|p| p.end.is_none());
    if !endless && (lost.unreadable_bytes > skipped || lost.unlisted_gap_bytes > 0) {
        let start = readable.last().copied().max(kept.last().map(|m| m.end)).unwrap_or_default();
        let noticed = sent.last_packet.unwrap_or_default();
        found.push(Place { start, end: None, noticed });
    }
    found.sort_by_key(|p| p.start);
    let mut places: Vec<Place> = Vec::new();
    for place in found {
        match places.last_mut().filter(|last| last.end.is_none_or(|end| end > place.start)) {
            Some(last) => {
                last.end = last.end.zip(place.end).map(|(a, b)| a.max(b));
                last.noticed = last.noticed.max(place.noticed);
            }
            None => places.push(place),
        }
    }
    places
}

/// The finding where the refused message itself cannot be read.
pub(in crate::diagnosis) fn finding(case: &Case<'_>, lost: &Lost<'_>) -> Finding {
    let Lost { from, at_most, begun, accepted, stated } = *lost;
    let receiver = from.other();
    let limit = stated.map_or(String::new(), |s| format!(": its limit is {}", words::rounded(s)));
    let lacks = if begun.is_some() { "end" } else { "beginning" };
    let title = format!("{receiver} refused a message whose {lacks} the capture lacks{limit}");
    let sender = words::sentence(&case.who(from));
    let sent = match begun {
        Some(message) => format!(
            "{sender} sent a {} message, of which {} can be read ({}); what followed of it cannot: the header of a frame is \
             not in the capture.",
            words::kind(message.kind),
            words::bytes(message.wire_bytes),
            case.packets(message.first.packet, message.last.packet)
        ),
        None => format!(
            "{sender} sent something{} that cannot be read: the header of its frame is not in the capture.",
            if at_most == u64::MAX { String::new() } else { format!(" of at most {}", words::bytes(at_most)) },
        ),
    };
    let text = format!("{sent} {}", ended_by(case, receiver));
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
