//! `peer-vanished`.

use crate::connection::Sent;
use crate::diagnosis::case::Case;
use crate::diagnosis::finding::{Cause, Family, Finding, Verdict};
use crate::diagnosis::{timers, words};
use crate::ids::{Origin, Side};
use crate::report::model::{Confidence, Party, Severity};

pub(super) const CAUSE: Cause = Cause {
    id: "peer-vanished",
    family: Family::NoClose,
    summary: "one end stopped answering altogether, even at TCP level",
    documentation: "\
# peer-vanished

## What was seen
One end sent data or keep-alive probes, sent them again and again, and no packet of the other end followed: no
acknowledgement, no FIN, no RST. Often the capture shows no end at all; an API later reports 1006 or a ping timeout.

## Why the peer closes
It did not. The device lost its network (out of coverage, asleep, unplugged, changed from one network to another), its host
went down, or a NAT or firewall on the way forgot the connection and swallows its packets.

## How we know
TCP retransmits what is not acknowledged. A peer whose process died but whose host lives would have answered with a RST.

## What would prove us wrong
Packets of the silent end at a capture point closer to it: then the loss lies between the two points. A capture that sees
one direction only (that case is not judged).

## Fix
Keep Pings or TCP keep-alives below the idle timers of NATs and firewalls on the way, and let clients reconnect as soon as
their network changes. Servers find dead clients only by Pings with a timeout, or by TCP_USER_TIMEOUT.

## References
RFC 9293 section 3.8; RFC 6455 section 5.5.2; RFC 5482.
",
    check,
};

/// Repeats without an answer that begin to mean something, and the time they have to span.
const REPEATS: u32 = 2;
const SECONDS: f64 = 1.5;

/// Whether what `sent` shows means that the other end, last heard at `heard`, is gone: since when, and for how long.
fn gone(sent: &Sent, heard: Option<Origin>) -> Option<(Origin, f64)> {
    let heard = heard?;
    let last = sent.last_packet?;
    // A keep-alive probe repeats an acknowledged byte: then there is no unacknowledged data, only silence.
    let since = sent.unacknowledged_since.as_deref().copied().unwrap_or(heard);
    let waited = last.at.seconds_since(since.at.max(heard.at));
    (sent.unanswered_retransmissions >= REPEATS && waited >= SECONDS && last > heard).then_some((since, waited))
}

fn check(case: &Case<'_>) -> Verdict {
    let connection = case.connection;
    for side in [Side::Client, Side::Server] {
        let sent = connection.sent_by(side);
        let heard = connection.sent_by(side.other()).last_packet;
        let Some((since, waited)) = gone(sent, heard) else { continue };
        let Some(heard) = heard else { continue };
        // A close that came before the silence is the story; what follows it is only a peer that hung up.
        if case.ending.at.is_some_and(|end| end <= heard) {
            continue;
        }
        return fits(case, side, since, heard, waited);
    }
    Verdict::NotThis
}

fn fits(case: &Case<'_>, side: Side, since: Origin, heard: Origin, waited: f64) -> Verdict {
    let connection = case.connection;
    let gone = side.other();
    let sent = connection.sent_by(side);
    let repeats = sent.unanswered_retransmissions;
    let what = if sent.unacknowledged_since.is_none() {
        "TCP keep-alive probes".to_string()
    } else if sent.pings().first_unanswered.is_some_and(|p| p >= since) {
        format!("a Ping ({})", case.packet(since.packet))
    } else {
        format!("data ({})", case.packet(since.packet))
    };
    let title = format!("{gone} stopped answering, even at TCP level: {waited:.1} s of repeats without an answer");
    let mut explanation = format!(
        "{} sent {what} and repeated it {} over {}; no packet of {} followed. The last one heard of it is {}, {} after \
         the connection opened.",
        words::sentence(&case.who(side)),
        words::count(repeats as usize, "time", "times"),
        timers::words(waited),
        case.who(gone),
        case.packet(heard.packet),
        timers::words(heard.at.seconds_since(connection.opened().at))
    );
    if case.ending.code.is_none() {
        explanation
            .push_str(" The capture shows no end of TCP; an API reports a ping timeout or 1006 when it gives up.");
    } else if let Some((from, close)) = case.ending.close {
        explanation.push_str(&format!(
            " The {from}'s Close ({}) came after that and reached nobody.",
            case.packet(close.origin.packet)
        ));
    }
    let confidence = if repeats >= 3 && waited >= 3.0 { Confidence::Likely } else { Confidence::Possible };
    let mut finding = Finding::new(confidence, Severity::Problem, title, explanation);
    // The end that fell silent did not choose to.
    finding.caused_by = None;
    finding.change = Some(Party::Network);
    finding
        .with_evidence(
            "unanswered-repeats",
            format!(
                "{} without an acknowledgement, FIN or RST: a host that only lost its process would have sent a RST.",
                words::sentence(&words::count(repeats as usize, "repeat", "repeats")),
            ),
            &[since.packet, sent.last_packet.map_or(since.packet, |l| l.packet)],
        )
        .with_fix(
            Party::Network,
            format!(
                "find out what happened to the {gone} {} between {} and {}: out of coverage, asleep, down, or a NAT or firewall \
                 that forgot the flow. A capture close to it shows which.",
                connection.address(gone).ip(),
                words::utc(heard.at),
                words::utc(since.at)
            ),
            None,
            None,
        )
        .with_fix(
            Party::Client,
            "send Pings (or application heartbeats) and reconnect at once when the network comes back.",
            None,
            None,
        )
        .fits()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{PacketNumber, Timestamp};

    fn at(packet: u64, seconds: i64) -> Option<Origin> {
        Some(Origin { packet: PacketNumber::new(packet), at: Timestamp(seconds * 1_000_000_000) })
    }

    fn repeating() -> Sent {
        Sent {
            unanswered_retransmissions: 4,
            unacknowledged_since: at(5, 5).map(Box::new),
            last_packet: at(9, 12),
            ..Sent::default()
        }
    }

    #[test]
    fn repeats_without_an_answer() {
        assert!(gone(&repeating(), at(4, 4)).is_some());
        let keep_alives = Sent { unacknowledged_since: None, ..repeating() };
        assert!(gone(&keep_alives, at(4, 4)).is_some());
    }

    #[test]
    fn an_answer_one_repeat_or_one_direction_prove_nothing() {
        assert!(gone(&repeating(), at(10, 13)).is_none());
        assert!(gone(&Sent { unanswered_retransmissions: 1, ..repeating() }, at(4, 4)).is_none());
        assert!(gone(&Sent { last_packet: at(7, 5), ..repeating() }, at(4, 4)).is_none());
        assert!(gone(&repeating(), None).is_none());
    }
}
