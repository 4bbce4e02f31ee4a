//! What a close means, from its code and reason.

use std::sync::Arc;

use super::implementation::{Close, Implementation};
use super::pattern::{Pattern, matches};
use super::store::Knowledge;
use crate::ids::Side;

impl Implementation {
    /// The entries that describe a Close frame with `code` and `reason` from `sender`, best first: the more of the
    /// reason an entry spells out the better, its own before inherited ones. `code` is `None` for a Close frame without
    /// one; for a connection that ended without any Close frame, ask for 1006.
    #[must_use]
    pub fn close_meaning(&self, code: Option<u16>, reason: &str, sender: Side) -> Vec<&Close> {
        let code = code.unwrap_or(1005);
        let mut found: Vec<(usize, &Close)> = self
            .with_inherited()
            .flat_map(|of| &of.closes)
            .filter(|c| c.code == code && c.sender.may_be(sender) && matches(&c.reason, reason))
            .map(|c| (Pattern::new(&c.reason).weight(), c))
            .collect();
        found.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
        found.into_iter().map(|(_, c)| c).collect()
    }
}

impl Knowledge {
    /// The entries of all implementations that describe a Close frame with `code` and a reason of its own, best first. For
    /// a sender that was not identified. Entries whose reason is mostly placeholder are left out, and an empty reason means
    /// nothing by itself.
    #[must_use]
    pub fn reason_meaning(&self, code: Option<u16>, reason: &str) -> Vec<(&Arc<Implementation>, &Close)> {
        /// A pattern with less literal text fits by chance.
        const TELLING: usize = 4;
        if reason.is_empty() {
            return Vec::new();
        }
        let code = code.unwrap_or(1005);
        let mut found: Vec<(usize, &Arc<Implementation>, &Close)> = self
            .implementations()
            .flat_map(|i| i.closes.iter().map(move |c| (i, c)))
            .filter(|(_, c)| c.code == code && !c.reason.is_empty() && matches(&c.reason, reason))
            .map(|(i, c)| (Pattern::new(&c.reason).weight(), i, c))
            .filter(|(weight, ..)| *weight >= TELLING)
            .collect();
        found.sort_by_key(|(weight, ..)| std::cmp::Reverse(*weight));
        found.into_iter().map(|(_, i, c)| (i, c)).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::knowledge::Trigger;

    fn implementation(id: &str) -> Option<&'static Arc<Implementation>> {
        Knowledge::embedded().implementation(id)
    }

    #[test]
    fn an_identified_sender_explains_its_close() {
        let python = implementation("python-websockets").unwrap();
        let best = python.close_meaning(
            Some(1009),
            "frame with 6000 bytes after reading 18000 bytes exceeds limit of 20000 bytes",
            Side::Server,
        );
        assert_eq!(best[0].triggers, [Trigger::Oversize]);
        assert!(best[0].reason.contains("after reading"));
        let ws = implementation("node-ws").unwrap();
        assert_eq!(ws.close_meaning(Some(1009), "", Side::Server)[0].triggers, [Trigger::Oversize]);
        let gorilla = implementation("gorilla").unwrap();
        let made = gorilla.close_meaning(Some(1009), "", Side::Server);
        assert_eq!(made[0].triggers, [Trigger::Oversize], "made from its limit");
        assert!(ws.close_meaning(Some(1009), "too big", Side::Server).is_empty());
        assert!(!ws.close_meaning(None, "", Side::Server).is_empty());
        assert!(!ws.close_meaning(Some(1006), "", Side::Server).is_empty());
    }

    #[test]
    fn a_reason_alone_names_who_says_so() {
        let ids = |code, reason| -> Vec<&str> {
            Knowledge::embedded().reason_meaning(code, reason).iter().map(|(i, _)| i.id.as_str()).collect()
        };
        assert!(ids(Some(1011), "keepalive ping timeout").contains(&"python-websockets"));
        assert_eq!(ids(Some(1000), "please reconnect"), ["uwebsockets"]);
        assert_eq!(ids(Some(1001), "The web application is stopping"), ["tomcat"]);
        assert!(ids(Some(1011), "no such text anywhere").is_empty());
        assert!(ids(Some(1011), "").is_empty());
    }
}
