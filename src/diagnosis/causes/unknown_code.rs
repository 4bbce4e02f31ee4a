//! `unknown-code`.

use crate::diagnosis::case::Case;
use crate::diagnosis::finding::{Cause, Family, Verdict};
use crate::diagnosis::plain;
use crate::ids::Side;
use crate::report::model::{Confidence, Party, Severity};

pub(super) const CAUSE: Cause = Cause {
    id: "unknown-code",
    family: Family::Plain,
    summary: "a close code that nobody has defined",
    documentation: "\
# unknown-code

## What was seen
A Close with a code that no cause of this list explains, or that its sender may not use (1010 of a server).

## Why the peer closes
Unknown. Codes from 1016 to 2999 are reserved for the protocol, those below 1000 and above 4999 must not be used.

## How we know
The code stands in the capture.

## What would prove us wrong
A newer registration of the code.

## Fix
Close with 1000, 1001, 1011, or with a code of the application from 4000 to 4999.

## References
RFC 6455 section 7.4.2; IANA WebSocket Close Code Number Registry.
",
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    let Some((from, close)) = case.ending.close else { return Verdict::NotThis };
    // Codes with a meaning belong to other causes, which may have declined for a reason: they are told as they stand.
    let defined = close.code.and_then(crate::knowledge::close_code).map(|c| c.name.as_str());
    let code = close.code.map_or("no code".to_string(), |c| c.to_string());
    let name = defined.map_or(String::new(), |n| format!(" ({n})"));
    let title = format!("{from} closed with {code}{name}{}", plain::reason_in_title(close));
    let legal = close.code.is_none_or(crate::websocket::may_be_sent);
    let mut finding = plain::finding(case, if legal { Severity::Notice } else { Severity::Problem }, title);
    finding.confidence = Confidence::Possible;
    finding.change = Some(from.into());
    plain::add_known_meaning(case, &mut finding);
    if close.code == Some(1010) && from == Side::Server {
        let text = "RFC 6455 section 7.4.1 gives 1010 to clients alone: this server uses it for something of its own.";
        plain::note(&mut finding, text, &[close.origin.packet]);
    }
    let text = if legal {
        "read its log for why it closed."
    } else {
        "close with a defined code: 1000, 1001, 1011, or 4000 to 4999 for codes of its own."
    };
    finding.with_fix(Party::from(from), text, None, None).otherwise()
}
