//! `connection-age-limit`.

use crate::diagnosis::case::Case;
use crate::diagnosis::finding::{Cause, Family, Finding, Verdict};
use crate::diagnosis::going_away;
use crate::diagnosis::going_away::Topic;
use crate::diagnosis::recurrence::Measure;
use crate::diagnosis::timers;
use crate::ids::{PacketNumber, Side};
use crate::report::model::{Confidence, Party, Severity};

pub(super) const CAUSE: Cause = Cause {
    id: "connection-age-limit",
    family: Family::GoingAway,
    summary: "the connection was closed at a set age, traffic or not",
    documentation: "\
# connection-age-limit

## What was seen
Several connections were closed at the same age although their traffic differed, or the reason speaks of a maximum duration.

## Why the peer closes
Gateways and services bound how long one connection may live, to balance load, to renew credentials or to roll out changes.

## How we know
The age from the 101 to the Close is equal over connections while the silence before it is not; or the reason says so.

## What would prove us wrong
A connection to the same server that lived longer.

## Fix
Reconnect before the limit, at a moment of the client's choosing, with the new connection open before the old one is closed;
or raise the limit by its name.

## References
Documentation of the service or gateway (for example API gateways: two hours).
",
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    let reason_says = going_away::topic(case.ending.reason()) == Some(Topic::Age);
    let ended_by_server = case.ending.closer == Some(Side::Server);
    if !ended_by_server || !(reason_says || matches!(case.ending.code, Some(1000 | 1001 | 1005 | 1006 | 1012))) {
        return Verdict::NotThis;
    }
    let Some(age) = case.age() else { return Verdict::NotThis };
    let siblings = case.world.siblings_with(case.index, Measure::Age, Side::Server);
    let silences: Vec<f64> = siblings.iter().filter_map(|(i, _)| case.world.silence(*i)).collect();
    let same_silence = silences.windows(2).all(|w| timers::equal(w[0], w[1]));
    // Ends that fall together because the connections began together are an event, not an age.
    let starts: Vec<_> = siblings.iter().map(|(i, _)| case.world.observations.connections[*i].opened().at).collect();
    let spread = match (starts.iter().min(), starts.iter().max()) {
        (Some(first), Some(last)) => last.seconds_since(*first),
        _ => 0.0,
    };
    let recurring = siblings.len() >= 2 && !same_silence && age >= 5.0 && spread > (0.02 * age).max(1.0);
    let pattern = recurring && (siblings.len() >= 3 || timers::round_seconds(age).is_some());
    if !reason_says && !pattern {
        return Verdict::NotThis;
    }
    let confidence = if reason_says && recurring { Confidence::Certain } else { Confidence::Likely };
    let mut finding = Finding::new(
        confidence,
        Severity::Notice,
        format!("server closed the connection at its age limit of {}", timers::words(age)),
        format!("{} {}", super::end_words(case, Side::Server), going_away::silence_words(case)),
    );
    finding.caused_by = Some(Party::Server);
    finding.change = Some(Party::Client);
    if recurring {
        let packets: Vec<PacketNumber> =
            siblings.iter().filter_map(|(i, _)| case.world.endings[*i].at.map(|o| o.packet)).take(5).collect();
        let text =
            format!("{} connections of this server ended at the same age, whatever was sent on them.", siblings.len());
        finding = finding.with_evidence("recurring-age", text, &packets);
    }
    if reason_says {
        let packets: Vec<PacketNumber> = case.ending.close.map(|(_, c)| c.origin.packet).into_iter().collect();
        finding = finding.with_evidence("close-reason", "The close reason speaks of a maximum duration.", &packets);
    }
    finding
        .with_fix(
            Party::Client,
            format!("open a new connection before the age of {} and move over to it.", timers::words(age)),
            None,
            None,
        )
        .fits()
}
