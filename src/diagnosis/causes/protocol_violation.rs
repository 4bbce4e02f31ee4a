//! `protocol-violation`.

use crate::connection::Rule;
use crate::diagnosis::breach::{self, ANSWER_SECONDS, Breach};
use crate::diagnosis::case::Case;
use crate::diagnosis::finding::{Cause, Family, Finding, Verdict};
use crate::diagnosis::{drops, plain, timers, words};
use crate::ids::{PacketNumber, Side};
use crate::report::model::{Confidence, Party, Severity};

pub(super) const CAUSE: Cause = Cause {
    id: "protocol-violation",
    family: Family::Protocol,
    summary: "a frame broke a rule of the protocol, and the other side closed for it",
    documentation: "\
# protocol-violation

## What was seen
One side sent a frame that RFC 6455 or RFC 7692 forbids; the field `violation` names the rule. The other side closed with
1002 (Protocol Error), or with another code, or dropped TCP right after it. The breach can be the Close itself: a code that
must not be sent, or a body of one byte.

## Why the peer closes
An endpoint that no longer understands the frames cannot know where the next one begins. The RFC lets it, and for masks
obliges it to, fail the connection.

## How we know
The frame is in the capture and was read by the same rules; the receiver had acknowledged it before it closed, and it closed
within a second.

## What would prove us wrong
Bytes that the capture lacks before the frame: then its header may have been read from the wrong place. The same breach
tolerated by the same receiver elsewhere.

## Fix
The sender of the frame changes. Where a bit or a header of an extension is involved, compare the handshake on both sides of
every proxy: one that strips Sec-WebSocket-Extensions makes each side right and both wrong.

## References
RFC 6455 sections 5.1, 5.2, 5.4, 5.5, 5.5.1, 7.4; RFC 7692 section 6.
",
    check,
};

/// Seconds within which another code than 1002, or a bare end, still answers a breach.
const DISGUISE_SECONDS: f64 = 0.5;

fn check(case: &Case<'_>) -> Verdict {
    let Some(code) = case.ending.code else { return Verdict::NotThis };
    let Some(breach) = breach::answered(case) else {
        let elsewhere = drops::end_before_close(case).is_some() || plain::handler_failed(case).is_some();
        return if code == 1002 && !elsewhere { unseen(case) } else { Verdict::NotThis };
    };
    let holes = case.has_holes(breach.by);
    let confidence = match code {
        _ if breach.in_close => Confidence::Certain,
        1002 if breach.waited <= ANSWER_SECONDS && !holes => Confidence::Certain,
        1002 => Confidence::Likely,
        1000 | 1003 | 1005 | 1006 | 1007 | 1008 | 1011 if breach.waited <= DISGUISE_SECONDS && !holes => {
            if spoke_since(case, &breach) {
                return Verdict::NotThis;
            }
            // Receivers let these pass more often than not.
            let tolerated = matches!(breach.violation.rule, Rule::NonMinimalLength | Rule::UnfinishedMessage);
            if tolerated { Confidence::Possible } else { Confidence::Likely }
        }
        _ => return Verdict::NotThis,
    };
    finding(case, &breach, code, confidence).fits()
}

/// Whether the closer sent data after the breach: then it had tolerated it.
fn spoke_since(case: &Case<'_>, breach: &Breach<'_>) -> bool {
    let sent = case.connection.sent_by(breach.by.other());
    sent.last_message.is_some_and(|m| m > breach.violation.origin)
}

fn finding(case: &Case<'_>, breach: &Breach<'_>, code: u16, confidence: Confidence) -> Finding {
    let (by, other) = (breach.by, breach.by.other());
    let violation = breach.violation;
    let wording = breach::wording(violation.rule, violation.value);
    let packet = violation.origin.packet;
    let title = format!("{by} sent {}", wording.what);
    let answer = if breach.in_close {
        match (case.ending.answer, case.connection.tcp_end) {
            (Some((_, answer)), _) => {
                format!(
                    " The {other} answered with {} ({}).",
                    plain::close_words(answer),
                    case.packet(answer.origin.packet)
                )
            }
            (None, Some(end)) => format!(" The {} {} without another Close.", end.by, drops::how(case, end)),
            (None, None) => String::new(),
        }
    } else {
        let after = timers::words(breach.waited);
        match (case.ending.close, case.connection.tcp_end) {
            (Some((_, close)), _) => {
                format!(
                    " The {other} sent {} {after} later ({}).",
                    plain::close_words(close),
                    case.packet(close.origin.packet)
                )
            }
            (None, Some(end)) => {
                format!(" The {other} {} {after} later{}", drops::how(case, end), drops::without_close(case))
            }
            (None, None) => String::new(),
        }
    };
    let (who, what) = (words::sentence(&case.who(by)), wording.what);
    let explanation = format!("{who} sent {what} ({}).{answer}", case.packet(packet));
    let mut finding = Finding::new(confidence, Severity::Problem, title, explanation);
    let packets: Vec<PacketNumber> = std::iter::once(packet)
        .chain(case.ending.answer.filter(|_| breach.in_close).map(|(_, a)| a.origin.packet))
        .collect();
    finding.violation = Some(violation.rule.name());
    finding.caused_by = Some(by.into());
    finding.change = Some(by.into());
    finding = finding.with_evidence("rule", format!("{}: {}.", wording.section, wording.rule), &packets);
    if !matches!(code, 1002) && !breach.in_close {
        finding = finding.with_evidence(
            "ended-at-frame",
            format!("The {other} ended the connection right after the frame and sent no data in between; 1002 would be the proper code."),
            &[packet],
        );
    }
    if case.has_holes(by) {
        plain::note(
            &mut finding,
            format!("The capture lacks bytes of the {by}: the frame may have been read from the wrong place."),
            &[],
        );
    }
    plain::note(&mut finding, words::sentence(&format!("{}.", wording.origin)), &[]);
    let compression = matches!(violation.rule, Rule::CompressedWithoutExtension)
        || violation.rule == Rule::ReservedBits && violation.value & 4 != 0;
    if compression {
        compression_evidence(case, by, &mut finding);
    }
    finding.with_fix(Party::from(by), wording.fix, None, Some(wording.section.to_string()))
}

/// What the handshake said about compression.
fn compression_evidence(case: &Case<'_>, by: Side, finding: &mut Finding) {
    let Some(handshake) = &case.connection.handshake else {
        plain::note(finding, "The handshake was not captured: whether compression was agreed is unknown.", &[]);
        finding.confidence = finding.confidence.min(Confidence::Likely);
        return;
    };
    let offered = handshake.request.as_ref().map(|r| r.field("sec-websocket-extensions"));
    let packet = handshake.response.origin.packet;
    let text = match offered {
        Some(Some(offer)) => format!(
            "The client offered \"{offer}\" and the 101 that the capture shows does not accept it; a proxy that removes the answer \
             on one side makes the {by} believe otherwise."
        ),
        Some(None) => format!(
            "The request that the capture shows offers no extension. If the {by} logs an agreed permessage-deflate, a proxy has \
             removed Sec-WebSocket-Extensions on the way."
        ),
        None => return,
    };
    finding.evidence.push(crate::report::model::Evidence { kind: "handshake", text, packets: vec![packet] });
    finding.fixes.push(crate::report::model::Fix {
        party: Party::Proxy,
        text: "pass Sec-WebSocket-Extensions through unchanged in both directions, or remove it from the request, never from \
               the response alone."
            .to_string(),
        example: None,
        source: Some("RFC 6455 section 9.1".to_string()),
    });
}

/// A 1002 without a breach that the capture shows.
fn unseen(case: &Case<'_>) -> Verdict {
    let Some((from, close)) = plain::close_with(case, 1002) else { return Verdict::NotThis };
    let other = from.other();
    let title = format!("{from} closed for a protocol error{}", plain::reason_in_title(close));
    let mut finding = plain::finding(case, Severity::Problem, title);
    finding.confidence = Confidence::Possible;
    finding.caused_by = Some(other.into());
    finding.change = Some(other.into());
    finding = finding.with_evidence(
        "no-breach-seen",
        format!("No frame of the {other} that the capture shows breaks a rule that wsdiag checks."),
        &[],
    );
    if case.has_holes(other) {
        plain::note(
            &mut finding,
            format!("The capture lacks bytes of the {other}: the breach may be among them."),
            &[],
        );
    }
    if case.connection.handshake.is_none() {
        plain::note(&mut finding, "The handshake was not captured: a breach of what it agreed cannot be seen.", &[]);
    }
    let silent = case.connection.sent_by(other).is_silent_before(close.origin);
    if let Some(handshake) = case.connection.handshake.as_ref().filter(|_| silent) {
        let offered = handshake.request.as_ref().and_then(|r| r.field("sec-websocket-protocol"));
        let offered = offered.map_or("no subprotocol".to_string(), |o| format!("the subprotocol \"{o}\""));
        let text = format!(
            "The {other} had sent no frame before it, so no frame is at fault: it is about the request, which offers {offered}."
        );
        let text_for_other =
            "compare the subprotocol, the path and the fields of its request with what the other end expects.";
        return finding
            .with_evidence("no-frame-before", text, &[handshake.response.origin.packet])
            .with_fix(Party::from(other), text_for_other, None, None)
            .with_fix(Party::from(from), format!("read the {from}'s log at that time for what it refused."), None, None)
            .otherwise();
    }
    if !plain::add_known_meaning(case, &mut finding) {
        let text = match reason_hint(&close.reason) {
            Some(hint) => format!("read the {from}'s log for what it refused; its reason {hint}."),
            None => format!(
                "read the {from}'s log at that time for the rule it names. Text that is not UTF-8, bad compressed data and idle \
                 timers are closed with 1002 by some implementations."
            ),
        };
        finding = finding.with_fix(Party::from(from), text, None, None);
    }
    finding.otherwise()
}

/// What a reason of a 1002 points at.
fn reason_hint(reason: &str) -> Option<&'static str> {
    let hints: [(&[&str], &str); 6] = [
        (&["utf"], "speaks of text that is not UTF-8"),
        (&["mask"], "speaks of masking: client frames must be masked, server frames not"),
        (
            &["rsv", "reserved", "compress", "deflate", "inflate", "decompress"],
            "speaks of compression or reserved bits: compare the extensions in the handshake on both sides of every proxy",
        ),
        (&["opcode"], "speaks of an opcode: a frame was read from the wrong place or written by hand"),
        (&["fragment", "continuation"], "speaks of fragments: two tasks may write to one connection without a lock"),
        (&["close", "status", "code"], "speaks of a Close: its code or its reason was not legal"),
    ];
    hints.iter().find(|(words, _)| plain::contains_any(reason, words)).map(|(_, hint)| *hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_of_1002_are_read() {
        assert!(reason_hint("Invalid UTF-8 in text frame").is_some_and(|h| h.contains("UTF-8")));
        assert!(reason_hint("incorrect masking").is_some_and(|h| h.contains("masked")));
        assert_eq!(reason_hint("bad stuff"), None);
    }
}
