//! `unsupported-data`.

use crate::connection::DataType;
use crate::diagnosis::case::Case;
use crate::diagnosis::finding::{Cause, Family, Verdict};
use crate::diagnosis::plain;
use crate::diagnosis::words;
use crate::report::model::{Party, Severity};

pub(super) const CAUSE: Cause = Cause {
    id: "unsupported-data",
    family: Family::Plain,
    summary: "the receiver does not accept this type of data (1003)",
    documentation: "\
# unsupported-data

## What was seen
One side closed with 1003 (Unsupported Data).

## Why the peer closes
It received a type of message that it does not accept: binary where it expects text, or text where it expects binary. Some
implementations also send 1003 for broken protocol rules.

## How we know
The code says it. The messages before it show whether the other type had been accepted.

## What would prove us wrong
A message of the same type that the same endpoint accepted; a broken rule right before the Close.

## Fix
Send the other type: in browsers a string becomes a text message, an ArrayBuffer or Blob a binary one.

## References
RFC 6455 section 7.4.1.
",
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    let Some((from, close)) = plain::close_with(case, 1003) else { return Verdict::NotThis };
    let other = from.other();
    let last = case.arrived().last().copied();
    let title = match last {
        Some(m) => format!(
            "{from} closed for unsupported data (1003) after a {} message{}",
            words::kind(m.kind),
            plain::reason_in_title(close)
        ),
        None => format!("{from} closed for unsupported data (1003){}", plain::reason_in_title(close)),
    };
    let mut finding = plain::finding(case, Severity::Problem, title);
    finding.caused_by = Some(other.into());
    finding.change = Some(other.into());
    let (party, fix) = match last {
        Some(message) => {
            finding.message = Some(words::message_report(other, message));
            let (is, not) = match message.kind {
                DataType::Text => ("text", "binary"),
                DataType::Binary => ("binary", "text"),
            };
            let accepted = case.arrived().iter().filter(|m| m.kind == message.kind).count() - 1;
            if accepted > 0 {
                let taken = words::count(accepted, &format!("{is} message"), &format!("{is} messages"));
                plain::note(
                    &mut finding,
                    format!("It had taken {taken} before this one: it may mean the content and not the type."),
                    &[],
                );
            }
            let named = |kind: &str| close.reason.to_ascii_lowercase().contains(kind);
            if named(not) && !named(is) {
                let why = format!("the reason speaks of {not}, and the last message was {is}: the two do not fit");
                (from, format!("find in its log which data it refused: {why}."))
            } else if named(is) && !named(not) {
                let why = format!("the reason speaks of {is}, and the last message was one");
                (from, format!("find in its log what it refused: {why}."))
            } else {
                let fix = format!(
                    "send {not} messages if {is} ones are not what the {from} expects; its documentation or log says which. \
                     In browsers, send() makes a text message of a string and a binary one of an ArrayBuffer or Blob."
                );
                (other, fix)
            }
        }
        None => (from, "find in its log which data it refused.".to_string()),
    };
    plain::add_known_meaning(case, &mut finding);
    finding.with_fix(Party::from(party), fix, None, None).otherwise()
}
