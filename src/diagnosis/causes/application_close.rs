//! `application-close`.

use crate::diagnosis::application_codes;
use crate::diagnosis::case::Case;
use crate::diagnosis::finding::{Cause, Family, Verdict};
use crate::diagnosis::plain;
use crate::report::model::{Confidence, Party, Severity};

pub(super) const CAUSE: Cause = Cause {
    id: "application-close",
    family: Family::Plain,
    summary: "a close code of the application (3000 to 4999)",
    documentation: "\
# application-close

## What was seen
The first Close carries a code from 3000 to 3999 (registered with IANA, for libraries and frameworks) or from 4000 to 4999
(private to the application).

## Why the peer closes
The application decided to, for a reason of its own.

## How we know
The code says it. Where the subprotocol, the host or the path shows a well-known protocol, its meaning is given; codes such
as 4401 often follow HTTP, which is a habit and no standard.

## What would prove us wrong
The application's documentation giving the code another meaning.

## Fix
By the code's meaning; else the application's source or documentation.

## References
RFC 6455 section 7.4.2; IANA WebSocket Close Code Number Registry.
",
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    let Some((from, close)) = case.ending.close else { return Verdict::NotThis };
    let Some(code) = close.code.filter(|c| (3000..=4999).contains(c)) else { return Verdict::NotThis };
    let meaning = application_codes::meaning(case, code);
    let reason = plain::reason_in_title(close);
    let both = case.ending.initiator == Some(crate::report::model::Initiator::Both);
    let title = match (&meaning, case.ending.answer) {
        (Some(m), _) if !m.habit => {
            let protocol = m.protocol.map_or(String::new(), |p| format!(" of {p}"));
            format!("{from} closed with {code}{protocol}: {}", m.text)
        }
        (_, Some((other, answer))) if both => {
            let second = answer.code.map_or("no code".to_string(), |c| c.to_string());
            format!("both sides closed at the same time: the {from} with {code}{reason}, the {other} with {second}")
        }
        _ => format!("{from} closed with the application's code {code}{reason}"),
    };
    let mut finding = plain::finding(case, Severity::Notice, title);
    finding.change = Some(from.into());
    let text = match &meaning {
        Some(m) => {
            finding.confidence = if m.habit { Confidence::Possible } else { Confidence::Likely };
            finding.change = Some(m.change);
            let says = match (m.protocol, m.habit) {
                (Some(protocol), _) => format!("In {protocol}, {code} means {}.", m.text),
                (None, true) => format!("{code} often means {}; no standard says so.", m.text),
                (None, false) => format!("{code} is {}.", m.text),
            };
            finding = finding.with_evidence("code-meaning", says, &[close.origin.packet]);
            return finding.with_fix(m.change, m.fix, None, m.source.map(str::to_string)).otherwise();
        }
        None if code < 4000 => {
            format!(
                "search the libraries and frameworks in use for {code}: codes from 3000 are theirs, and this one is not registered."
            )
        }
        None => format!("search the application's code for {code}: its meaning is private to it."),
    };
    if code < 4000 {
        plain::note(
            &mut finding,
            "Codes from 3000 to 3999 are for libraries and frameworks and registered with IANA; this one is not registered.",
            &[],
        );
    }
    plain::add_known_meaning(case, &mut finding);
    finding.with_fix(Party::from(from), text, None, None).otherwise()
}
