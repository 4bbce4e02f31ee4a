//! `idle-timeout`.

use crate::diagnosis::case::Case;
use crate::diagnosis::finding::{Cause, Family, Finding, Verdict};
use crate::diagnosis::going_away;
use crate::diagnosis::going_away::Topic;
use crate::diagnosis::idle;
use crate::diagnosis::recurrence::Measure;
use crate::diagnosis::timers;
use crate::ids::{PacketNumber, Side};
use crate::report::model::{Confidence, Party, Severity};

pub(super) const CAUSE: Cause = Cause {
    id: "idle-timeout",
    family: Family::GoingAway,
    summary: "nothing was sent for as long as the closer tolerates",
    documentation: "\
# idle-timeout

## What was seen
A Close (mostly 1001, also 1000, 1008, 1011 or an empty one) after a silence that equals a timer: the reason says so, the silence is
a whole number of seconds, or several connections of this server ended after the same silence.

## Why the peer closes
Servers and gateways free connections on which nothing was sent for a set time.

## How we know
The silence between the last frame of either side and the Close, measured to the millisecond, against known and recurring
timers.

## What would prove us wrong
Sibling connections that were silent for longer and lived; a Close that answers a frame.

## Fix
Send a Ping (or a message) more often than the timer, from the side whose silence the timer counts; or raise the timer by its
name.

## References
RFC 6455 section 5.5.2 (Ping may serve as a keepalive).
",
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    let (Some(closer), Some((_, close))) = (case.ending.closer, case.ending.close) else { return Verdict::NotThis };
    let topic = going_away::topic(case.ending.reason());
    let reason_says = topic == Some(Topic::Idle);
    if !reason_says && case.ending.code != Some(1001) && !(topic.is_none() && is_calm_timer(case)) {
        return Verdict::NotThis;
    }
    if closer == Side::Client && !reason_says {
        return Verdict::NotThis;
    }
    if !reason_says && topic.is_some() {
        return Verdict::RuledOut("the close reason names something else".to_string());
    }
    let Some(silence) = case.silence() else { return Verdict::NotThis };
    let siblings = case.world.siblings_with(case.index, Measure::Silence(None), closer);
    let recurring = siblings.len() >= 2 && silence >= 1.0;
    let round = timers::round_seconds(silence);
    let in_event = case.world.events.event(case.index).is_some_and(|e| e.is_mass());
    if !reason_says && (in_event || !recurring && round.is_none_or(|r| r < 5)) {
        return if round.is_none() && silence > 0.0 {
            Verdict::RuledOut(format!("the silence before the close, {}, fits no timer", timers::words(silence)))
        } else {
            Verdict::NotThis
        };
    }
    let outlived = idle::survived(case, None).filter(|s| *s > silence * 1.05 + 0.5);
    if let Some(longest) = outlived.filter(|_| !reason_says) {
        return Verdict::RuledOut(format!("a silence of {} was survived on the same server", timers::words(longest)));
    }
    let confidence = match (reason_says, recurring && siblings.len() >= 3, round.is_some()) {
        (true, _, _) => Confidence::Certain,
        (_, true, _) | (_, _, true) if recurring => Confidence::Likely,
        _ => Confidence::Possible,
    };
    let timer = round.map_or_else(|| timers::words(silence), |r| format!("{r} s"));
    let mut finding = Finding::new(
        confidence,
        Severity::Notice,
        format!("{closer} closed an idle connection after {timer} of silence"),
        format!("{} {}", going_away::closed_words(case, closer), going_away::silence_words(case)),
    );
    finding.caused_by = Some(Party::Either);
    finding.change = Some(Party::Either);
    if reason_says {
        finding =
            finding.with_evidence("close-reason", "The close reason speaks of an idle timer.", &[close.origin.packet]);
    }
    if recurring {
        let packets: Vec<PacketNumber> =
            siblings.iter().filter_map(|(i, _)| case.world.endings[*i].at.map(|o| o.packet)).take(5).collect();
        let text = format!("{} connections of this server were closed after the same silence.", siblings.len());
        finding = finding.with_evidence("recurring-silence", text, &packets);
    }
    super::keepalive_fixes(case, closer, silence, finding).fits()
}

/// Whether a server closes with a calm code whenever nothing was sent for so many seconds: several connections show the same
/// silence to within what a timer allows, at different times. Channels that a timeout handler closes end so.
fn is_calm_timer(case: &Case<'_>) -> bool {
    if !matches!(case.ending.code, Some(1000 | 1005)) || case.ending.closer != Some(Side::Server) {
        return false;
    }
    let same = case.world.siblings_with(case.index, Measure::Silence(None), Side::Server);
    same.len() >= 3 && same.iter().all(|(_, silence)| idle::fits(*silence)) && idle::spread_out(case.world, &same)
}
