//! What the captures lack, what that leaves unsaid, and how sure a verdict can still be.

use super::case::Case;
use super::files::FilesOf;
use super::finding::{Cause, Family, Finding};
use super::world::World;
use super::{anomalies, words};
use crate::connection::{Connection, FirstClose, GapCause, Resync, Sure};
use crate::ids::{PacketNumber, Side};
use crate::limits;
use crate::report::model::{BlindSpotReport, Confidence, Diagnosis, Evidence};

/// Lowers the confidence of a verdict that rests on what is missing, and says why.
pub(super) fn weigh(case: &Case<'_>, cause: &Cause, finding: &mut Finding) {
    let mut at_most = |confidence: Confidence| finding.confidence = finding.confidence.min(confidence);
    for side in [Side::Client, Side::Server] {
        let sent = case.connection.sent_by(side);
        // Frames that are only likely to be frames carry no certain verdict.
        match sent.lost.resyncs.iter().map(|r| r.sure).min() {
            Some(Sure::Possible) => at_most(Confidence::Possible),
            Some(Sure::Likely) => at_most(Confidence::Likely),
            Some(Sure::Certain) | None => {}
        }
        if sent.closes.iter().any(|c| c.searched) {
            at_most(Confidence::Likely);
        }
    }
    // A few bytes of a text show that it is wrong, and hardly what it is.
    let cut = case.defective().is_some_and(|(_, message, _)| message.missing_bytes > 0);
    // Who the client is stands in the request.
    let nameless = case.connection.joined_midstream && case.ending.closer == Some(Side::Client);
    if case.ending.may_hide_close {
        at_most(Confidence::Possible);
        finding.title.push_str(AS_FAR_AS_SHOWN);
    }
    if cause.family == Family::NoClose && case.connection.tcp_end.is_some_and(|end| end.inferred) {
        at_most(Confidence::Likely);
    }
    if cause.family == Family::NotText && cut || cause.family == Family::GoingAway && nameless {
        at_most(Confidence::Possible);
    }
    let Some((side, close)) = case.connection.closes().first().copied() else { return };
    let other = side.other();
    let files = case.world.files(case.connection.capture);
    let packet = files.packet(close.origin.packet);
    match case.ending.first {
        FirstClose::Seen => {
            let answered = case.connection.closes().iter().any(|(from, _)| *from == other);
            if !answered && case.connection.sent_by(other).may_hide_close() {
                finding.confidence = finding.confidence.min(Confidence::Likely);
                let text = format!(
                    "Bytes of the {other} behind its last frame are not in the capture: a Close of its own may have crossed \
                     the {side}'s ({packet})."
                );
                finding.evidence.push(Evidence { kind: "note", text, packets: vec![close.origin.packet] });
            }
        }
        FirstClose::Missing => {
            finding.confidence = finding.confidence.min(Confidence::Likely);
            // Some libraries answer 1000 whatever they got.
            let code = match close.code {
                None | Some(1000) => ". Its code may have been another: not every library repeats the one it got",
                Some(_) => "; that it had this code follows from the answer too",
            };
            let text = format!(
                "The {other}'s own Close is not in the capture: that it came first follows from the {side}'s answer ({packet}), \
                 which acknowledged bytes of the {other} that may have held that Close{code}."
            );
            finding.evidence.push(Evidence { kind: "answering-close", text, packets: vec![close.origin.packet] });
        }
        FirstClose::Unknown => {
            finding.confidence = Confidence::Possible;
            let text = format!(
                "Whether the {side}'s Close ({packet}) was the first one or the answer to one of the {other} cannot be \
                 seen: the {other}'s bytes before it are not in the capture."
            );
            finding.evidence.push(Evidence { kind: FIRST_CLOSE_UNKNOWN, text, packets: vec![close.origin.packet] });
        }
    }
}

/// Whether what the capture lacks may have been another end than the one of this verdict.
pub(super) fn may_hide_another(diagnosis: &Diagnosis) -> bool {
    diagnosis.title.ends_with(AS_FAR_AS_SHOWN) || diagnosis.evidence.iter().any(|e| e.kind == FIRST_CLOSE_UNKNOWN)
}

/// The kind of the evidence that says so of the first Close.
const FIRST_CLOSE_UNKNOWN: &str = "first-close-unknown";
/// What is added to a title that an unseen Close would make wrong.
pub(super) const AS_FAR_AS_SHOWN: &str = ", as far as the capture shows";

/// What the captures lack: from the packets and from the connections.
pub(super) fn blind_spots(world: &World<'_>) -> Vec<BlindSpotReport> {
    let mut spots: Vec<BlindSpotReport> = world
        .observations
        .blind_spots
        .iter()
        .map(|s| BlindSpotReport {
            kind: s.kind.clone(),
            text: s.text.clone(),
            connections: s.connections.iter().map(|i| i + 1).collect(),
            packets: s.packets.clone(),
        })
        .collect();
    spots.extend(midstream_spots(world));
    spots.extend(anomalies::spots(world));
    let files = world.any_files();
    for (index, connection) in world.observations.connections.iter().enumerate() {
        let mut add = |kind: &str, text: String, packets: Vec<PacketNumber>| {
            let connections = vec![index + 1];
            spots.push(BlindSpotReport { kind: kind.to_string(), text, connections, packets });
        };
        for side in [Side::Client, Side::Server] {
            if let Some(text) = unseen_side(files, connection, side) {
                add("one-direction", text, Vec::new());
            }
            if let Some((text, packets)) = cut_close(files, connection, side) {
                add("cut-close", text, packets);
            }
            if let Some((text, packets)) = resynchronised(files, connection, side) {
                add("resynchronised", text, packets);
            }
            if let Some(text) = not_inflated(files, connection, side) {
                add("not-inflated", text, Vec::new());
            }
            if let Some(text) = unreadable(files, connection, side) {
                add("unreadable-frames", text, Vec::new());
            }
        }
        if let Some((text, packets)) = lost_fins(files, connection) {
            add("lost-packets", text, packets);
        }
        for why in [GapCause::Lost, GapCause::SnapLength, GapCause::WindowFull] {
            spots.extend(gap_spot(files, index, connection, why));
        }
    }
    spots
}

/// Why the opening handshake of a connection cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NoOpening {
    /// It came before the capture.
    Before,
    /// The capture holds the beginning of the connection, or one of the two heads.
    Lost,
    /// The capture holds one direction.
    OneDirection,
}

impl NoOpening {
    fn of(connection: &Connection) -> Option<NoOpening> {
        if !connection.joined_midstream {
            None
        } else if [Side::Client, Side::Server].iter().any(|side| connection.sent_by(*side).is_unseen()) {
            Some(NoOpening::OneDirection)
        } else if connection.request.is_some() || connection.initial_sequence.is_some() {
            Some(NoOpening::Lost)
        } else {
            Some(NoOpening::Before)
        }
    }

    /// Why, what that leaves unknown, and what to do about it.
    fn words(self) -> &'static str {
        match self {
            NoOpening::Before => {
                "as the opening handshake came before the capture: path, programs and extensions are unknown, and what \
                 depends on them is less sure. Start the capture before the clients connect."
            }
            NoOpening::Lost => {
                "as the opening handshake was lost or cut in the capture: what stood in it (programs, extensions) is unknown, \
                 and what depends on that is less sure. Record whole packets (tcpdump -s 0) with a larger buffer (tcpdump -B \
                 16384)."
            }
            NoOpening::OneDirection => {
                "as the capture holds one direction only, and half of the opening handshake at most: whether compression was \
                 agreed and who the other side is are unknown. Record both directions."
            }
        }
    }
}

fn midstream_spots(world: &World<'_>) -> impl Iterator<Item = BlindSpotReport> {
    [NoOpening::Before, NoOpening::Lost, NoOpening::OneDirection].into_iter().filter_map(|why| {
        let all = world.observations.connections.iter().enumerate();
        let connections: Vec<usize> = all.filter(|(_, c)| NoOpening::of(c) == Some(why)).map(|(i, _)| i + 1).collect();
        let (were, their) = match connections.len() {
            0 => return None,
            1 => ("connection was", "its"),
            _ => ("connections were", "their"),
        };
        let text = format!(
            "{} recognised by the structure of {their} frames alone, {}",
            words::count(connections.len(), were, were),
            why.words()
        );
        Some(BlindSpotReport { kind: "joined-midstream".to_string(), text, connections, packets: Vec::new() })
    })
}

/// A direction of which the capture holds no packet.
fn unseen_side(files: FilesOf<'_>, connection: &Connection, unseen: Side) -> Option<String> {
    if !connection.sent_by(unseen).is_unseen() {
        return None;
    }
    let seen = unseen.other();
    let bytes: u64 = connection.sent_by(unseen).lost.gaps.iter().map(|g| g.length).sum();
    let known = match bytes {
        0 => String::new(),
        bytes => format!(" (acknowledgements tell of {})", words::bytes(bytes)),
    };
    Some(format!(
        "Stream {} holds only what the {seen} {} sent: what the {unseen} sent, its Close included, is missing{known}. Record both \
         directions: no src or dst in the filter, both lanes of a mirror port.",
        files.stream_of(connection),
        connection.address(seen)
    ))
}

/// A Close of which not all is in the capture.
fn cut_close(files: FilesOf<'_>, connection: &Connection, side: Side) -> Option<(String, Vec<PacketNumber>)> {
    let close = connection.sent_by(side).closes.iter().find(|c| c.missing > 0)?;
    let what = match close.code {
        Some(_) => "the end of its reason",
        None => "its code and reason",
    };
    let text = format!(
        "Of the {side}'s Close in stream {} the capture lacks {what} ({}). Record whole packets: tcpdump -s 0.",
        files.stream_of(connection),
        words::bytes(close.missing)
    );
    Some((text, vec![close.origin.packet]))
}

/// Where frames were recognised again, and what was skipped until then.
fn resynchronised(files: FilesOf<'_>, connection: &Connection, side: Side) -> Option<(String, Vec<PacketNumber>)> {
    let sent = connection.sent_by(side);
    // A connection begun before the capture is told of once; here only where bytes were passed over.
    let told: Vec<&Resync> =
        sent.lost.resyncs.iter().filter(|r| r.skipped > 0 || !connection.joined_midstream).collect();
    let first = told.first()?;
    let stream = files.stream_of(connection);
    let lost = || sent.lost.gaps.iter().filter(|g| g.why != GapCause::NotKept);
    let again = if lost().any(|g| g.start < first.start) { "again" } else { "for the first time" };
    let mut text = match first.skipped {
        0 => format!("In stream {stream} frames of the {side} were recognised {again}, behind missing bytes,"),
        skipped => format!(
            "In stream {stream} {} of the {side} {} skipped until frames were recognised {again}",
            words::bytes(skipped),
            if skipped == 1 { "was" } else { "were" },
        ),
    };
    let frames = match first.frames {
        0 | 1 => "one frame".to_string(),
        many => format!("{many} frames in a row"),
    };
    let packet = files.packet(first.origin.packet);
    text.push_str(&format!(" at {packet}, by the structure of {frames} ({})", first.sure.name()));
    if told.len() > 1 {
        let rest: u64 = told[1..].iter().map(|r| r.skipped).sum();
        let places = words::count(told.len() - 1, "more place", "more places");
        text.push_str(&match rest {
            0 => format!(", and in {places}"),
            rest => format!(", and {} in {places}", words::bytes(rest)),
        });
    }
    text.push_str(". Messages in between are not counted. ");
    text.push_str(if connection.joined_midstream && lost().next().is_none() && sent.lost.unlisted_gap_bytes == 0 {
        "Start the capture earlier."
    } else {
        "Record with a larger buffer (tcpdump -B 16384) and whole packets."
    });
    Some((text, told.iter().take(3).map(|r| r.origin.packet).collect()))
}

/// Compressed messages that were given up as bombs.
fn not_inflated(files: FilesOf<'_>, connection: &Connection, side: Side) -> Option<String> {
    let count = connection.sent_by(side).lost.not_inflated;
    (count > 0).then(|| {
        format!(
            "{} of the {side} in stream {} {} not inflated to the end, so that sizes and texts are unknown: the compressed \
             messages of this capture grow to more than {} times their size on average, or more than {} connections use \
             compression at once. Filter the capture by the connection in question.",
            words::count(count as usize, "message", "messages"),
            files.stream_of(connection),
            if count == 1 { "was" } else { "were" },
            limits::INFLATE_RATIO,
            limits::INFLATERS / 2
        )
    })
}

/// Bytes behind lost frame headers among which no frame was recognised any more.
fn unreadable(files: FilesOf<'_>, connection: &Connection, side: Side) -> Option<String> {
    let sent = connection.sent_by(side);
    let skipped: u64 = sent.lost.resyncs.iter().map(|r| r.skipped).sum();
    let left = sent.lost.unreadable_bytes.saturating_sub(skipped);
    (left > 0).then(|| {
        format!(
            "{} of the {side} in stream {} could not be read as frames: a frame header before them is missing, and none was \
             recognised among them.",
            words::bytes(left),
            files.stream_of(connection)
        )
    })
}

/// FINs that were acknowledged and are missing.
fn lost_fins(files: FilesOf<'_>, connection: &Connection) -> Option<(String, Vec<PacketNumber>)> {
    let missed = |side: Side| Some((side, connection.sent_by(side).lost.fin?.packet));
    let fins: Vec<(Side, PacketNumber)> = [Side::Client, Side::Server].into_iter().filter_map(missed).collect();
    let told: Vec<String> = fins
        .iter()
        .map(|(side, packet)| format!("the {side}'s FIN ({} acknowledges it)", files.packet(*packet)))
        .collect();
    (!told.is_empty()).then(|| {
        let text = format!(
            "Stream {} lacks {}: the capture missed it. Record with a larger buffer (tcpdump -B 16384) or a narrower filter.",
            files.stream_of(connection),
            told.join(" and ")
        );
        (text, fins.iter().map(|(_, packet)| *packet).collect())
    })
}

fn gap_spot(files: FilesOf<'_>, index: usize, connection: &Connection, why: GapCause) -> Option<BlindSpotReport> {
    let mut packets = Vec::new();
    let (mut holes, mut missing) = (0usize, 0u64);
    for side in [Side::Client, Side::Server] {
        let sent = connection.sent_by(side);
        if sent.is_unseen() {
            continue;
        }
        if why == GapCause::Lost {
            missing += sent.lost.unlisted_gap_bytes;
        }
        for gap in sent.lost.gaps.iter().filter(|g| g.why == why) {
            holes += 1;
            missing += gap.length;
            if packets.len() < 3 {
                packets.push(gap.origin.packet);
            }
        }
    }
    if holes == 0 {
        return None;
    }
    let stream = files.stream_of(connection);
    let amount = words::bytes(missing);
    let places = words::count(holes, "place", "places");
    let (kind, text) = match why {
        GapCause::Lost => (
            "lost-packets",
            format!(
                "Stream {stream} lacks {amount} in {places}: the capture missed packets that did arrive. Record with a \
                 larger buffer (tcpdump -B 16384) or a narrower filter."
            ),
        ),
        GapCause::SnapLength => (
            "snap-length",
            format!("Stream {stream} lacks {amount}: the snap length cut its packets. Record with tcpdump -s 0."),
        ),
        GapCause::Unmeasured => (
            "lost-packets",
            format!(
                "Stream {stream} lacks up to {amount} in {places}: packets are missing there, and what they held of this connection can \
                 only be estimated. Record with a larger buffer (tcpdump -B 16384) and whole packets."
            ),
        ),
        // Told where the frames were recognised.
        GapCause::NotKept => return None,
        GapCause::WindowFull => (
            "window-full",
            format!("Stream {stream} lacks {amount} in {places}: more data came out of order than wsdiag keeps."),
        ),
    };
    Some(BlindSpotReport { kind: kind.to_string(), text, connections: vec![index + 1], packets })
}
