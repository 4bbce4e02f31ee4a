//! Broken rules of the protocol: which one made the other side close, and what to say about it.

use super::case::Case;
use super::finding::Finding;
use super::{plain, words};
use crate::connection::{FirstClose, Rule, Violation};
use crate::ids::Side;

/// A breach and who committed it.
#[derive(Debug, Clone, Copy)]
pub struct Breach<'a> {
    /// Who broke the rule.
    pub by: Side,
    /// The breach.
    pub violation: &'a Violation,
    /// The breach is the first Close itself: its code or its length.
    pub in_close: bool,
    /// Seconds from the breach to the end.
    pub waited: f64,
}

/// Seconds within which a close is an answer to a breach.
pub const ANSWER_SECONDS: f64 = 1.0;

/// The breach that explains the end: in the first Close itself, or the one that the closer answered.
#[must_use]
pub fn answered<'a>(case: &Case<'a>) -> Option<Breach<'a>> {
    let end = case.ending.at?;
    let closer = case.ending.closer?;
    let connection = case.connection;
    if let Some((from, close)) = case.ending.close {
        let own = connection.sent_by(from).violations.iter().find(|v| {
            matches!(
                v.rule,
                Rule::InvalidCloseCode
                    | Rule::OneByteClose
                    | Rule::OversizedControlFrame
                    | Rule::FragmentedControlFrame
            ) && v.start == close.start
        });
        if let Some(violation) = own {
            return Some(Breach { by: from, violation, in_close: true, waited: 0.0 });
        }
    }
    let by = closer.other();
    let seen = case.ending.close.filter(|_| case.ending.first == FirstClose::Seen);
    let acknowledged = seen.map(|(_, c)| c.acknowledged).filter(|a| a.0 > 0);
    let arrived = |v: &&Violation| {
        v.rule != Rule::DataAfterClose && acknowledged.map_or(v.origin <= end, |a| v.start < a || v.origin < end)
    };
    let all: Vec<&Violation> = connection.sent_by(by).violations.iter().filter(arrived).collect();
    // A tolerated breach is followed by more; the one that was not is answered at once.
    let prompt = all.iter().find(|v| end.at.seconds_since(v.origin.at) <= ANSWER_SECONDS);
    let violation = *prompt.or(all.last())?;
    Some(Breach { by, violation, in_close: false, waited: end.at.seconds_since(violation.origin.at) })
}

/// What to say about a broken rule.
pub struct Wording {
    /// What it is, for a title: `a frame without a mask`.
    pub what: String,
    /// The rule, for after a colon.
    pub rule: &'static str,
    /// Where it stands.
    pub section: &'static str,
    /// Where it mostly comes from, for a sentence of its own.
    pub origin: &'static str,
    /// What its sender has to do.
    pub fix: &'static str,
}

/// The sentences for a breach of `rule` with the number `value`.
#[must_use]
pub fn wording(rule: Rule, value: u64) -> Wording {
    let (what, rule, section, origin, fix): (String, _, _, _, _) = match rule {
        Rule::UnmaskedClientFrame => (
            "a frame without a mask".into(),
            "a client masks every frame; a server must close when one is not",
            "RFC 6455 section 5.1",
            "mostly a hand-made client, or a box that speaks as a server towards this end",
            "mask every frame with a fresh random key, or use a WebSocket library in its client role.",
        ),
        Rule::MaskedServerFrame => (
            "a masked frame".into(),
            "a server must not mask its frames; a client must close when one is",
            "RFC 6455 section 5.1",
            "mostly client code used on the server's side, or a proxy that passes frames of the wrong direction",
            "send frames without a mask: use the library's server role.",
        ),
        Rule::ReservedBits => (
            format!("a frame with reserved bits set ({})", reserved_bits(value)),
            "reserved bits are 0 unless an agreed extension gives them a meaning",
            "RFC 6455 section 5.2",
            "mostly an extension that only one side believes in, bytes read from the wrong offset, or data that is no frame at all",
            "leave RSV1 to RSV3 at 0, and check that frame headers are written where the last frame ended.",
        ),
        Rule::ReservedOpcode => (
            format!("a frame with the undefined opcode {value}"),
            "only opcodes 0, 1, 2, 8, 9 and 10 are defined",
            "RFC 6455 section 5.2",
            "mostly a hand-made frame header, or a length that does not fit its payload, so that payload is read as a header",
            "write opcode 1 for text and 2 for binary, and check the lengths of the frames before it.",
        ),
        Rule::FragmentedControlFrame => (
            format!("a {} in fragments (FIN 0)", control(value)),
            "control frames must not be fragmented",
            "RFC 6455 section 5.5",
            "mostly code that splits every frame alike",
            "set FIN on every Close, Ping and Pong.",
        ),
        Rule::OversizedControlFrame => (
            format!("a control frame with {}", words::bytes(value)),
            "control frames carry at most 125 bytes",
            "RFC 6455 section 5.5",
            "mostly application data put into a Ping, or a close reason above 123 bytes",
            "keep Pings below 126 bytes and close reasons below 124, and send data in data frames.",
        ),
        Rule::UnexpectedContinuation => (
            "a continuation without a message to continue".into(),
            "a continuation frame follows a first fragment with FIN 0",
            "RFC 6455 section 5.4",
            "mostly a first fragment that had FIN set, or two tasks that write fragments to one connection without a lock",
            "send the first fragment with FIN 0 and opcode 1 or 2, and let one task at a time write a message.",
        ),
        Rule::UnfinishedMessage => (
            "a new message before the last one was finished".into(),
            "the fragments of two messages must not be mixed",
            "RFC 6455 section 5.4",
            "mostly two tasks that write to one connection without a lock, or fragments that carry opcode 1 or 2 instead of 0",
            "let one task at a time write a message, and give every later fragment opcode 0.",
        ),
        Rule::NonMinimalLength => (
            format!("a length of {} in more bytes than it needs", words::grouped(value)),
            "the shortest form of the length must be used",
            "RFC 6455 section 5.2",
            "mostly a hand-made frame header that always writes 16 or 64 bits",
            "write 7 bits up to 125, 16 bits up to 65,535 and 64 bits above.",
        ),
        Rule::LengthHighBit => (
            "a 64-bit length with its highest bit set".into(),
            "the highest bit of a 64-bit length is 0",
            "RFC 6455 section 5.2",
            "mostly a negative number written as a length, or the wrong byte order",
            "write the length as an unsigned number in network byte order.",
        ),
        Rule::InvalidCloseCode => (
            format!("a Close with the code {value}, which {}", close_code_is(value)),
            "a Close carries 1000 to 1003, 1007 to 1014 or 3000 to 4999",
            "RFC 6455 section 7.4",
            "mostly an API's event code passed on to close(): 1005, 1006 and 1015 are what an API reports, never what is sent",
            "close with 1000, 1001, 1011 or a code of its own from 4000 to 4999.",
        ),
        Rule::OneByteClose => (
            "a Close with a body of one byte".into(),
            "the body of a Close is empty or begins with a code of two bytes",
            "RFC 6455 section 5.5.1",
            "mostly a hand-made Close that writes its code in one byte",
            "write the code in two bytes in network byte order, or leave the body empty.",
        ),
        Rule::CompressedWithoutExtension => (
            "a compressed message although compression was not agreed".into(),
            "RSV1 may be set only where the handshake agreed on permessage-deflate",
            "RFC 7692 section 6",
            "mostly a peer that believes in an extension which the other end did not see: a proxy that strips \
             Sec-WebSocket-Extensions in one direction does this",
            "compress only when the 101 itself names permessage-deflate.",
        ),
        Rule::CompressedControlOrContinuation => (
            format!("a {} with the compression bit (RSV1) set", control(value)),
            "RSV1 belongs on the first frame of a data message and nowhere else",
            "RFC 7692 section 6.1",
            "mostly a permessage-deflate implementation that marks every frame",
            "set RSV1 on the first frame of a compressed message only.",
        ),
        Rule::DataAfterClose => (
            "frames after its own Close".into(),
            "nothing may be sent after a Close",
            "RFC 6455 section 5.5.1",
            "mostly a task that goes on writing while another closes",
            "stop writing before the Close is sent.",
        ),
        Rule::HttpResponse => (
            match value {
                0 => "an HTTP response in place of a frame".into(),
                status => format!("an HTTP response (status {status}) in place of a frame"),
            },
            "after the 101 both directions carry frames and nothing else",
            "RFC 6455 section 4.2.2",
            "mostly a web framework that still answers the request when the WebSocket handler returns or fails",
            "let the handler close the WebSocket itself, and keep the framework from answering the request a second time.",
        ),
    };
    Wording { what, rule, section, origin, fix }
}

fn reserved_bits(value: u64) -> String {
    let names: Vec<&str> = [(4, "RSV1"), (2, "RSV2"), (1, "RSV3")]
        .iter()
        .filter(|(bit, _)| value & bit != 0)
        .map(|(_, name)| *name)
        .collect();
    names.join(" and ")
}

fn control(opcode: u64) -> &'static str {
    match opcode {
        0 => "continuation",
        8 => "Close",
        9 => "Ping",
        10 => "Pong",
        _ => "control frame",
    }
}

fn close_code_is(code: u64) -> &'static str {
    match code {
        0..=999 => "is below the range of close codes",
        1004 => "is reserved",
        1005 => "only stands for \"no code\" in APIs",
        1006 => "only stands for \"no Close at all\" in APIs",
        1015 => "only stands for a failed TLS handshake in APIs",
        1016..=2999 => "nobody has defined",
        _ => "is above the range of close codes",
    }
}

/// Lists breaches that nobody closed for as asides of another diagnosis.
pub fn notes_on_violations(case: &Case<'_>, finding: &mut Finding) {
    for side in [Side::Client, Side::Server] {
        let violations = &case.connection.sent_by(side).violations;
        let mut told: Vec<Rule> = Vec::new();
        for violation in violations {
            if told.contains(&violation.rule) {
                continue;
            }
            told.push(violation.rule);
            let count = violations.iter().filter(|v| v.rule == violation.rule).count();
            let times = if count > 1 { format!(", {count} times") } else { String::new() };
            let wording = wording(violation.rule, violation.value);
            plain::note(
                finding,
                format!(
                    "The {side} sent {}{times} ({}): {} forbids it. Nobody closed for it.",
                    wording.what,
                    case.packet(violation.origin.packet),
                    wording.section
                ),
                &[violation.origin.packet],
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_its_sentences() {
        let opcode = wording(Rule::ReservedOpcode, 5);
        assert!(opcode.what.contains('5') && opcode.fix.ends_with('.'));
        assert_eq!(reserved_bits(6), "RSV1 and RSV2");
        assert!(close_code_is(1006).contains("APIs"));
        assert!(close_code_is(2000).contains("nobody"));
    }
}
