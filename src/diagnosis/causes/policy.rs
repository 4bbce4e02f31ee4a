//! `policy`.

use crate::diagnosis::case::Case;
use crate::diagnosis::finding::{Cause, Family, Verdict};
use crate::diagnosis::plain;
use crate::report::model::{Confidence, Party, Severity};

pub(super) const CAUSE: Cause = Cause {
    id: "policy",
    family: Family::Plain,
    summary: "closed by policy (1008): authentication, rate, origin or another rule of the application",
    documentation: "\
# policy

## What was seen
One side closed with 1008 (Policy Violation).

## Why the peer closes
A rule of the application or of a gateway: a token that is missing, wrong or expired; too many messages or connections; an
origin that is not allowed; a subscription that is not. Some implementations send 1008 for other things, such as a slow reader.

## How we know
The code says it; the reason text tells which rule, where there is one.

## What would prove us wrong
The closer's log at that moment naming something else.

## Fix
By the rule: renew the token before it expires, send less, allow the origin. Without a reason, only the closer can tell.

## References
RFC 6455 section 7.4.1.
",
    check,
};

/// Kinds of rules, the words by which a reason shows them, and what to do.
const RULES: [(&str, &[&str], &str); 5] = [
    (
        "authentication",
        &[
            "token",
            "auth",
            "unauth",
            "credential",
            "login",
            "log in",
            "session",
            "jwt",
            "expired",
            "forbidden",
            "permission",
            "api key",
            "not allowed to",
        ],
        "renew its credentials before they expire, and connect again with the new ones.",
    ),
    (
        "rate",
        &["rate", "too many", "quota", "throttl", "flood", "limit exceeded", "slow down"],
        "send less at a time; wait longer between messages and before it connects again.",
    ),
    (
        "origin",
        &["origin", "cors", "referer"],
        "connect from an origin that the server allows, or let the server allow this one.",
    ),
    (
        "slow reader",
        &["slow", "backpressure", "buffer", "queue", "overflow"],
        "read faster, or subscribe to less: the server drops readers that fall behind.",
    ),
    (
        "content",
        &["invalid", "malformed", "schema", "json", "unknown", "unexpected", "bad "],
        "check the message that it sent last against what the server expects.",
    ),
];

fn rule(reason: &str) -> Option<(&'static str, &'static str)> {
    RULES.iter().find(|(_, words, _)| plain::contains_any(reason, words)).map(|(name, _, fix)| (*name, *fix))
}

fn check(case: &Case<'_>) -> Verdict {
    let Some((from, close)) = plain::close_with(case, 1008) else { return Verdict::NotThis };
    let other = from.other();
    let rule = rule(&close.reason);
    let what = rule.map_or(String::new(), |(name, _)| format!(", {name}"));
    let title = format!("{from} closed by policy (1008{what}){}", plain::reason_in_title(close));
    let mut finding = plain::finding(case, Severity::Problem, title);
    finding.caused_by = Some(other.into());
    finding.change = Some(other.into());
    match rule {
        Some((name, fix)) => {
            finding.confidence = Confidence::Likely;
            finding = finding
                .with_evidence("close-reason", format!("The reason speaks of {name}."), &[close.origin.packet])
                .with_fix(Party::from(other), fix, None, None);
        }
        None => {
            let text = if close.reason.is_empty() {
                "read its log at that time for the rule, and let it give a reason in the Close: authentication, rate, origin \
                 and content all use 1008."
            } else {
                "read its log at that time for the rule behind this reason."
            };
            finding = finding.with_fix(Party::from(from), text, None, None);
        }
    }
    plain::add_known_meaning(case, &mut finding);
    finding.otherwise()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_from_reasons() {
        assert_eq!(rule("token expired").map(|r| r.0), Some("authentication"));
        assert_eq!(rule("Rate limit exceeded").map(|r| r.0), Some("rate"));
        assert_eq!(rule("corporate rules"), None, "a word must begin with it");
    }
}
