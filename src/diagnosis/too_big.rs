//! Whether a size made a receiver end the connection, and whose limit it was: what the causes of the family share.

pub(super) mod lost;

use super::case::Case;
use super::drops;
use super::finding::Finding;
use super::sizes::{Accepted, was_answered};
use super::words;
use crate::connection::{Message, Rule, TcpEndKind};
use crate::ids::{PacketNumber, Side};
use crate::knowledge::{self, AppliesTo, Identified, Knowledge, Limit, Trigger};
use crate::report::model::{Confidence, LimitBasis, LimitReport, Party, Severity};

/// What a size explains.
pub enum Suspicion<'a> {
    /// The whole message was too big.
    Message(Suspect<'a>),
    /// One frame was too big; larger messages passed in several frames.
    Frame(Suspect<'a>),
    /// Small on the wire, too big after inflating.
    Inflated(Suspect<'a>),
    /// The header announced a length that cannot be meant.
    Absurd(Suspect<'a>),
    /// The closer says "too big", and bytes are missing or unread that may have held a message larger than any accepted one:
    /// so many at most.
    Lost(lost::Lost<'a>),
    /// The closer says "too big", and nothing that it had received was larger than what it had accepted.
    Unexplained(Accepted),
}

/// A message that was refused for its size.
pub struct Suspect<'a> {
    /// Who sent it.
    pub from: Side,
    /// The message.
    pub message: &'a Message,
    /// Its size as a limit counts it.
    pub size: u64,
    /// What the receiver accepted otherwise.
    pub accepted: Accepted,
    /// The limit.
    pub limit: LimitReport,
    /// The known limit of the identified implementation that fits.
    pub known: Option<&'a Limit>,
    /// Why a size is held responsible although no 1009 says so; `None` with 1009.
    pub without_code: Option<String>,
    /// What the capture lacks that may speak for it: another message that was refused, or an answer to this one.
    pub doubt: Option<lost::Doubt>,
}

/// Lengths from here on are bugs, not messages (2 GiB).
const ABSURD: u64 = 1 << 31;
/// Messages below this size are not held responsible for a bare TCP end; those below a quarter of it not even where the
/// receiver's library is known to drop what is too big.
const SMALLEST_DROP: u64 = 4096;
/// So many times the limit is a size that raising the limit need not be the answer to.
const FAR_ABOVE: u64 = 4;
/// Seconds within which a bare TCP end is an answer to a message.
const ANSWER_SECONDS: f64 = 1.0;

/// A size that explains the end, looked for once for each case.
#[must_use]
pub fn suspect<'c, 'a>(case: &'c Case<'a>) -> Option<&'c Suspicion<'a>> {
    case.memo.size.get_or_init(|| look_for_size(case)).as_ref()
}

fn look_for_size<'a>(case: &Case<'a>) -> Option<Suspicion<'a>> {
    let (from, sent) = case.to_closer()?;
    let receiver = from.other();
    let reason = case.ending.reason();
    let stated = knowledge::limit_stated_in_reason(reason);
    let says_so = case.ending.code == Some(1009) || stated.is_some() || reason_names_size(reason);
    let accepted = case.world.sizes.accepted(case.connection, receiver);
    let kept = sent.kept_messages();
    let mut arrived = case.arrived();
    arrived.retain(|m| !was_answered(case.connection, from, m, &kept));
    let largest = arrived.iter().copied().rev().max_by_key(|m| m.size_to_receive());
    let unread = lost::Unread::of(case, from);
    let instead = |at_most, begun| {
        Suspicion::Lost(lost::Lost { from, at_most, begun, accepted, stated: stated.map(|s| s.limit) })
    };
    let said = case.ending.code == Some(1009) || stated.is_some();
    let passed = accepted.message.unwrap_or(0).max(stated.map_or(0, |s| s.limit));
    let unexplained = || {
        let begun = arrived.last().copied().and_then(lost::begun);
        let at_most = unread.anywhere(begun);
        let may_be = said && unread.largest(at_most) > passed;
        says_so.then_some(if may_be { instead(at_most, begun) } else { Suspicion::Unexplained(accepted) })
    };
    let Some(message) = largest else {
        return unexplained();
    };
    let size = message.size_to_receive();
    let high_bit = sent.violations.iter().any(|v| v.rule == Rule::LengthHighBit);
    let absurd = message.declared_bytes >= ABSURD && !message.complete;
    // A size that is not known may be above any limit.
    let unknown = message.compressed && message.payload_bytes.is_none();
    let within_stated = stated.is_some_and(|s| size <= s.limit) && !unknown;
    let exceeds = accepted.message.is_none_or(|a| size > a) && !within_stated;
    let frame_exceeds = accepted.frame.is_none_or(|a| message.largest_frame > a);
    let over_stated = stated.is_some_and(|s| size > s.limit);
    let without_code = if says_so { None } else { Some(dropped_for_size(case, message, size, exceeds)?) };
    let known = known_limit(case, receiver, message, size, &accepted);
    let mut suspect = Suspect {
        from,
        message,
        size,
        accepted,
        limit: LimitReport {
            bytes: None,
            basis: LimitBasis::Bracketed,
            accepted_up_to: accepted.message.filter(|a| *a < size),
            refused_from: Some(size),
            setting: None,
        },
        known,
        without_code,
        doubt: None,
    };
    if absurd || high_bit {
        return Some(Suspicion::Absurd(suspect));
    }
    if !over_stated {
        let at_most = unread.beside(case, message);
        suspect.doubt = unread.doubt(case, &suspect, at_most, passed);
        if suspect.doubt == Some(lost::Doubt::Rival) && said {
            return Some(instead(at_most, lost::begun(message)));
        }
    }
    if !exceeds && !over_stated {
        let fragments_passed = accepted.fragmented.is_some_and(|f| f >= size);
        if frame_exceeds && fragments_passed {
            suspect.limit.accepted_up_to = accepted.frame;
            suspect.limit.refused_from = Some(message.largest_frame);
            set_limit(&mut suspect, None);
            return Some(Suspicion::Frame(suspect));
        }
        return unexplained();
    }
    set_limit(&mut suspect, stated.map(|s| s.limit));
    let bound = suspect.limit.bytes.or(suspect.limit.accepted_up_to);
    if message.compressed && message.wire_bytes < size / SURPRISING && bound.is_none_or(|b| message.wire_bytes <= b) {
        return Some(Suspicion::Inflated(suspect));
    }
    if suspect.known.is_some_and(|k| k.applies_to == AppliesTo::Frame) {
        suspect.limit.refused_from = Some(message.largest_frame);
        return Some(Suspicion::Frame(suspect));
    }
    Some(Suspicion::Message(suspect))
}

/// How many times its size on the wire a message grows to before its size is a surprise: text that people write shrinks to
/// a third or a tenth, and whoever sends it knows its size before that.
const SURPRISING: u64 = 16;

/// Takes the stated limit, else a known default that lies between accepted and refused.
fn set_limit(suspect: &mut Suspect<'_>, stated: Option<u64>) {
    if let Some(limit) = stated {
        suspect.limit.bytes = Some(limit);
        suspect.limit.basis = LimitBasis::StatedInReason;
    } else if let Some(known) = suspect.known {
        suspect.limit.bytes = Some(known.default_bytes);
        suspect.limit.basis = LimitBasis::KnownDefault;
    }
    suspect.limit.setting = suspect.known.map(|k| k.setting.to_string());
}

/// The limit of the identified receiver whose default lies between what it accepted and what it refused.
fn known_limit<'a>(
    case: &Case<'a>,
    receiver: Side,
    message: &Message,
    size: u64,
    accepted: &Accepted,
) -> Option<&'a Limit> {
    let identified = case.implementation(receiver)?;
    identified.implementation.size_limits(receiver).find(|limit| {
        let (passed, refused) = match limit.applies_to {
            AppliesTo::Frame => (accepted.frame, message.largest_frame),
            AppliesTo::Message => (accepted.message, size),
            AppliesTo::DecompressedMessage if message.compressed => (accepted.message, size),
            _ => return false,
        };
        passed.is_none_or(|p| p <= limit.default_bytes) && refused > limit.default_bytes
    })
}

/// Whether a reason speaks of size.
fn reason_names_size(reason: &str) -> bool {
    let reason = reason.to_ascii_lowercase();
    ["too big", "too large", "too long", "exceeds", "max payload", "maximum message", "message size", "size limit"]
        .iter()
        .any(|words| reason.contains(words))
}

/// Why a size is held responsible for an end without 1009; `None` when it is not.
///
/// A receiver that drops TCP over a size does it while or right after the largest message arrives, before it says
/// anything else.
fn dropped_for_size(case: &Case<'_>, message: &Message, size: u64, exceeds: bool) -> Option<String> {
    let end = case.ending.at?;
    let (closer, sender) = (case.ending.closer?, case.ending.closer?.other());
    let code = case.ending.code?;
    let known_to_drop = case
        .implementation(closer)
        .is_some_and(|i| i.implementation.drops_instead_of_closing(Trigger::Oversize, closer));
    let smallest = if known_to_drop { SMALLEST_DROP / 4 } else { SMALLEST_DROP };
    if !exceeds
        || size < smallest
        || message.defect.is_some() && message.declared_bytes < ABSURD
        || !matches!(code, 1000 | 1002 | 1005 | 1006 | 1008 | 1011)
    {
        return None;
    }
    let is_last = case.arrived().last().is_some_and(|m| m.number == message.number);
    let answered = case.connection.sent_by(closer).last_message.is_some_and(|o| o > message.last);
    let waited = end.at.seconds_since(message.last.at);
    // What is missing of the closer before a calm Close may have been its answer.
    let gaps = &case.connection.sent_by(closer).lost.gaps;
    let answer_lost = matches!(code, 1000 | 1005) && gaps.iter().any(|g| g.origin > message.last);
    if !is_last || answer_lost || answered || waited > ANSWER_SECONDS {
        return None;
    }
    let cut_short =
        !message.complete && case.connection.tcp_end.is_some_and(|e| e.how == TcpEndKind::Rst && e.by == closer);
    let twice_as_large =
        case.world.sizes.accepted(case.connection, closer).message.is_some_and(|a| size >= a.saturating_add(a / 16));
    if code == 1006 && !known_to_drop && !cut_short && !twice_as_large {
        return None;
    }
    if code != 1006 && !known_to_drop && !twice_as_large && message.complete {
        return None;
    }
    Some(if cut_short {
        let reset = case.connection.tcp_end.map_or("reset TCP", |end| super::drops::verb(case.connection, end));
        format!("The {closer} {reset} while the {sender} was still sending the message")
    } else {
        format!(
            "The {closer} ended the connection {} after the message arrived, before it answered anything",
            words_after(waited)
        )
    })
}

fn words_after(seconds: f64) -> String {
    super::timers::words(seconds)
}

/// The finding for a refused message, the same for messages, frames and inflated sizes but for `counted`.
#[must_use]
pub fn finding(case: &Case<'_>, suspect: &Suspect<'_>) -> Finding {
    build(case, suspect, Counted::Message)
}

/// What the limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// A whole message.
    Message,
    /// One frame.
    Frame,
    /// A message after inflating.
    Inflated,
}

/// The finding for a refused size.
#[must_use]
pub fn build(case: &Case<'_>, suspect: &Suspect<'_>, counted: Counted) -> Finding {
    let (sender, receiver) = (suspect.from, suspect.from.other());
    let message = suspect.message;
    let kind = words::kind(message.kind);
    let size = if counted == Counted::Frame { message.largest_frame } else { suspect.size };
    let limit = &suspect.limit;
    let confidence = confidence(suspect);
    let what = match counted {
        Counted::Frame => format!("{}-byte frame of a {kind} message", words::grouped(size)),
        Counted::Message | Counted::Inflated => format!("{}-byte {kind} message", words::grouped(size)),
    };
    let its_limit = match (limit.bytes, limit.basis) {
        (Some(bytes), LimitBasis::StatedInReason) => format!(": its limit is {}", words::rounded(bytes)),
        (Some(bytes), _) => format!(": its default limit is {}", words::rounded(bytes)),
        (None, _) => match limit.accepted_up_to {
            Some(low) => format!(
                ": its limit lies between {} and {} bytes",
                words::grouped(low),
                words::grouped(size.saturating_sub(1))
            ),
            None => format!(": its limit is below {} bytes", words::grouped(size)),
        },
    };
    let title = format!("{receiver} refused {} {what}{its_limit}", words::a(size));
    let mut finding = Finding::new(confidence, Severity::Problem, title, explanation(case, suspect, counted));
    finding.caused_by = Some(sender.into());
    // A message many times as large as a limit that somebody set may be the mistake itself.
    let far_above = limit.bytes.is_some_and(|bytes| size / FAR_ABOVE >= bytes);
    finding.change = Some(if far_above { Party::Either } else { receiver.into() });
    finding.message = Some(words::message_report(sender, message));
    finding.limit = Some(limit.clone());
    add_evidence(case, suspect, counted, &mut finding);
    add_fixes(case, suspect, counted, &mut finding);
    finding
}

fn confidence(suspect: &Suspect<'_>) -> Confidence {
    if suspect.doubt.is_some() {
        return Confidence::Possible;
    }
    match (&suspect.without_code, suspect.limit.basis) {
        (None, LimitBasis::StatedInReason) => Confidence::Certain,
        (None, _) => Confidence::Likely,
        (Some(_), _) if suspect.limit.bytes.is_some() || suspect.accepted.message.is_some() => Confidence::Likely,
        (Some(_), _) => Confidence::Possible,
    }
}

fn explanation(case: &Case<'_>, suspect: &Suspect<'_>, counted: Counted) -> String {
    let (sender, receiver) = (suspect.from, suspect.from.other());
    let message = suspect.message;
    let kind = words::kind(message.kind);
    let span = case.packets(message.first.packet, message.last.packet);
    let mut text =
        format!("{} sent a {kind} message of {}", words::sentence(&case.who(sender)), words::bytes(suspect.size));
    if counted == Counted::Inflated {
        text.push_str(&format!(", compressed to {} on the wire", words::bytes(message.wire_bytes)));
    } else if message.compressed {
        text.push_str(&format!(" ({} compressed)", words::bytes(message.wire_bytes)));
    }
    if message.fragments > 1 {
        text.push_str(&format!(
            " in {} frames, the largest {}",
            message.fragments,
            words::bytes(message.largest_frame)
        ));
    }
    text.push_str(&format!(" ({span})"));
    if !message.complete {
        text.push_str(&format!("; {} of it had been sent", words::bytes(message.wire_bytes)));
    }
    text.push_str(". ");
    text.push_str(&ended_by(case, receiver));
    text
}

/// How the receiver ended the connection, as a sentence.
#[must_use]
pub fn ended_by(case: &Case<'_>, receiver: Side) -> String {
    match (case.ending.close, case.connection.tcp_end) {
        (Some((_, close)), _) => {
            let code = close.code.map_or("an empty Close".to_string(), |c| format!("Close {c}"));
            let reason = if close.reason.is_empty() { String::new() } else { format!(" \"{}\"", close.reason) };
            format!("The {receiver} answered with {code}{reason} ({}).", case.packet(close.origin.packet))
        }
        (None, Some(end)) => {
            format!("The {} {}{}", end.by, drops::how(case, end), drops::without_close(case))
        }
        (None, None) => String::new(),
    }
}

fn add_evidence(case: &Case<'_>, suspect: &Suspect<'_>, counted: Counted, finding: &mut Finding) {
    let receiver = suspect.from.other();
    let message = suspect.message;
    let mut evidence = |kind, text: String, packets: &[PacketNumber]| {
        finding.evidence.push(crate::report::model::Evidence { kind, text, packets: packets.to_vec() });
    };
    if suspect.limit.basis == LimitBasis::StatedInReason
        && let (Some(bytes), Some((_, close))) = (suspect.limit.bytes, case.ending.close)
    {
        evidence(
            "close-reason",
            format!("The close reason names the limit: {}.", words::bytes(bytes)),
            &[close.origin.packet],
        );
    }
    if let Some(known) = suspect.known
        && let Some(identified) = case.implementation(receiver)
    {
        evidence(
            "known-default",
            format!(
                "The default of {} for {} is {}; {}.",
                identified.name,
                known.setting,
                words::bytes(known.default_bytes),
                identified.because
            ),
            &[],
        );
    }
    if let Some(doubt) = suspect.doubt {
        evidence("missing-bytes", doubt.words(suspect.from), &[]);
    }
    if let Some(why) = &suspect.without_code {
        evidence("ended-at-message", format!("{why}."), &[message.last.packet]);
    }
    let (passed, largest) = match counted {
        Counted::Frame => ("frame", suspect.accepted.frame),
        _ => ("message", suspect.accepted.message),
    };
    match largest {
        Some(size) => evidence(
            "accepted-before",
            format!(
                "It had accepted {} of up to {}.",
                words::count(
                    suspect.accepted.messages.saturating_sub(1).max(1) as usize,
                    passed,
                    &format!("{passed}s")
                ),
                words::bytes(size)
            ),
            &[],
        ),
        None => evidence(
            "first-message",
            format!("No {passed} had been accepted before, so the limit is only known from above."),
            &[],
        ),
    }
    if counted == Counted::Frame
        && let Some(fragmented) = suspect.accepted.fragmented
    {
        evidence(
            "fragments-passed",
            format!("A message of {} passed in several frames.", words::bytes(fragmented)),
            &[],
        );
    }
    let sent = case.connection.sent_by(suspect.from);
    let still_writing = case.ending.close.is_some_and(|(_, c)| message.last > c.origin || !message.complete);
    let reset_after = case.connection.sent_by(receiver).rst.is_some();
    if still_writing || reset_after && case.ending.close.is_some() && sent.closes.is_empty() {
        evidence(
            "note",
            format!(
                "The {} was still writing{}: its own log may show 1006 instead of the code on the wire.",
                suspect.from,
                if reset_after { " and was answered by a RST" } else { "" }
            ),
            &[],
        );
    }
}

fn add_fixes(case: &Case<'_>, suspect: &Suspect<'_>, counted: Counted, finding: &mut Finding) {
    let (sender, receiver) = (suspect.from, suspect.from.other());
    let size = if counted == Counted::Frame { suspect.message.largest_frame } else { suspect.size };
    let would_pass = words::bytes(room_above(size));
    let identified = case.implementation(receiver);
    // The setting helps even where the default does not fit: then somebody has set it to another value.
    let setting = suspect.known.or_else(|| {
        let of_it = &identified?.implementation;
        let off_by_default = |l: &&Limit| is_counted(l, counted) && l.configurable && l.how_to_change.contains("BYTES");
        let on = of_it.size_limits(receiver).find(|l| is_counted(l, counted));
        on.or_else(|| of_it.byte_limits(receiver).find(off_by_default))
    });
    let one = if counted == Counted::Frame { "frame" } else { "message" };
    let its_limit = format!("the WebSocket library's limit for one received {one}");
    let (text, example, source) = match (setting, identified) {
        (Some(limit), Some(identified)) if !limit.configurable => {
            let name = &identified.implementation.name;
            if identified.confidence >= Confidence::Likely {
                finding.change = Some(sender.into());
            }
            let text = format!("{name} lets nobody raise this limit: {}.", limit.how_to_change);
            (text, None, Some(limit.source.to_string()))
        }
        (Some(limit), Some(identified)) => {
            let name = &identified.implementation.name;
            let raise = match identified.confidence {
                // Others look the same: the reader knows which one it is.
                Confidence::Possible => {
                    let others = others_call_it(case.world.knowledge, identified, receiver, counted);
                    format!("raise {its_limit}; in {name} it is called {}{others}", limit.setting)
                }
                Confidence::Likely | Confidence::Certain => format!("raise {} of {name}", limit.setting),
            };
            (
                format!("{raise}. {would_pass} would have passed."),
                example(limit, receiver, room_above(size)),
                Some(limit.source.to_string()),
            )
        }
        _ => (format!("raise {its_limit}. {would_pass} would have passed."), None, None),
    };
    finding.fixes.push(crate::report::model::Fix { party: Party::from(receiver), text, example, source });
    // What passed says little about the limit when it was far smaller than what did not.
    let near = suspect.limit.accepted_up_to.filter(|passed| *passed >= size / 4);
    let below = suspect.limit.bytes.or(near).map_or("the limit".to_string(), words::bytes);
    let at_most = if below == "the limit" { "below the limit".to_string() } else { format!("of at most {below}") };
    let text = match counted {
        Counted::Frame => {
            format!("send fragments (continuation frames) {at_most}: the limit counts each frame alone.")
        }
        Counted::Message => format!(
            "send several messages {at_most}. Fragments of one message do not help: the limit counts the whole."
        ),
        Counted::Inflated => format!(
            "send several messages {at_most} before compression. Better compression does not help: the limit counts \
             the inflated size."
        ),
    };
    finding.fixes.push(crate::report::model::Fix { party: Party::from(sender), text, example: None, source: None });
}

/// Whether a limit is one of what is counted here.
fn is_counted(limit: &Limit, counted: Counted) -> bool {
    match counted {
        Counted::Frame => limit.applies_to == AppliesTo::Frame,
        _ => matches!(limit.applies_to, AppliesTo::Message | AppliesTo::DecompressedMessage),
    }
}

/// What the next likely of the libraries that look the same call the setting: `, in gorilla/websocket SetReadLimit`.
fn others_call_it(knowledge: &Knowledge, identified: &Identified, receiver: Side, counted: Counted) -> String {
    const NAMED: usize = 2;
    let others = identified.alternatives.iter().filter_map(|id| {
        let other = knowledge.implementation(id)?;
        // A bare name: what is longer explains, or changes source code.
        let is_bare = |l: &&Limit| {
            let plays = l.unit.is_none() && l.role.is_none_or(|r| r == receiver.into());
            plays && is_counted(l, counted) && !l.setting.contains(' ')
        };
        let limit = other.limits.iter().find(is_bare)?;
        Some(format!(", in {} {}", other.name, limit.setting))
    });
    others.take(NAMED).collect()
}

/// The line that sets `limit` to `bytes`: of two, separated by a slash, the first is for servers and the second for clients.
/// None where what is known is no line to copy.
#[must_use]
pub fn example(limit: &Limit, receiver: Side, bytes: u64) -> Option<String> {
    let line = match (limit.how_to_change.split_once("  /  "), receiver) {
        (Some((server, _)), Side::Server) => server,
        (Some((_, client)), Side::Client) => client,
        (None, _) => &limit.how_to_change,
    };
    line.contains("BYTES").then(|| line.replace("BYTES", &bytes.to_string()))
}

/// A limit with some room above `size`: the next power of two.
#[must_use]
pub fn room_above(size: u64) -> u64 {
    size.saturating_add(1).checked_next_power_of_two().unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "too_big_tests.rs"]
mod tests;
