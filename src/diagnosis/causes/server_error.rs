//! `server-error`.

use crate::diagnosis::breach;
use crate::diagnosis::case::Case;
use crate::diagnosis::drops;
use crate::diagnosis::finding::{Cause, Family, Verdict};
use crate::diagnosis::plain;
use crate::ids::Side;
use crate::report::model::{Confidence, Party, Severity};

pub(super) const CAUSE: Cause = Cause {
    id: "server-error",
    family: Family::Plain,
    summary: "an internal error (1011)",
    documentation: "\
# server-error

## What was seen
One side closed with 1011 (Internal Error).

## Why the peer closes
Mostly an unhandled exception in the handler of the connection; the library closes with 1011 in its name.

## How we know
The code says it. The message before the Close is a hint at what the handler was working on, not a proof.

## What would prove us wrong
A reason that speaks of Pings or heartbeats: then it is a keepalive timeout.

## Fix
Read the closer's log at the time of the Close.

## References
RFC 6455 section 7.4.1.
",
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    let disguised = plain::handler_failed(case).and(case.ending.close).filter(|_| breach::answered(case).is_none());
    let Some((from, close)) = plain::close_with(case, 1011).or(disguised) else { return Verdict::NotThis };
    if plain::speaks_of_keepalive(&close.reason) {
        return Verdict::NotThis;
    }
    let reason = plain::reason_in_title(close);
    let code = close.code.unwrap_or(1011);
    let title = match from {
        Side::Server => format!("server closed for an internal error ({code}){reason}"),
        Side::Client => format!("client reported an internal error of its own ({code}){reason}"),
    };
    let mut finding = plain::finding(case, Severity::Problem, title);
    finding.change = Some(from.into());
    if code != 1011 {
        finding.confidence = Confidence::Likely;
    } else if from == Side::Client {
        plain::note(&mut finding, "1011 was made for servers; here the client sent it.", &[]);
    }
    let handled = drops::in_hand(case, from);
    let text = match handled {
        Some(last) => format!(
            "read the application log at that time for an exception; the {from} may have been handling the {} ({}).",
            last.what,
            case.packet(last.origin.packet)
        ),
        None => "read the application log at that time for an exception.".to_string(),
    };
    plain::add_known_meaning(case, &mut finding);
    finding.with_fix(Party::from(from), text, None, None).otherwise()
}
