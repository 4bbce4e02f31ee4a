//! Which Ping a Pong answers (RFC 6455 sections 5.5.2 and 5.5.3).

use std::collections::VecDeque;

use crate::connection::Pings;
use crate::ids::Origin;

/// Pings remembered while they wait for their Pong.
const WAITING: usize = 16;

/// The Pings of one side.
#[derive(Debug, Default)]
pub(super) struct PingLog {
    pub(super) facts: Pings,
    waiting: VecDeque<(u64, Origin)>,
}

/// A number for a payload, to compare payloads without keeping them (FNV-1a).
pub(super) fn fingerprint(payload: &[u8]) -> u64 {
    payload.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

impl PingLog {
    /// The facts, where there are any.
    pub(super) fn into_facts(self) -> Option<Box<Pings>> {
        (self.facts.sent > 0).then(|| Box::new(self.facts))
    }

    pub(super) fn ping(&mut self, payload: u64, origin: Origin) {
        self.facts.sent += 1;
        self.facts.interval = self.facts.last.map(|last| origin.at.since(last.at));
        self.facts.last = Some(origin);
        self.facts.first_unanswered.get_or_insert(origin);
        if self.waiting.len() == WAITING {
            self.waiting.pop_front();
        }
        self.waiting.push_back((payload, origin));
    }

    /// A Pong of the other side: it answers the Ping with its payload and all before it. A Pong that no Ping asked for is
    /// a heartbeat of its own and answers nothing.
    pub(super) fn pong(&mut self, payload: u64) {
        if let Some(at) = self.waiting.iter().position(|(p, _)| *p == payload) {
            self.waiting.drain(..=at);
            self.facts.answered += at as u64 + 1;
            self.facts.first_unanswered = self.waiting.front().map(|(_, origin)| *origin);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{PacketNumber, Timestamp};

    #[test]
    fn a_pong_answers_earlier_pings_too() {
        let at = |n| Origin { packet: PacketNumber::new(n), at: Timestamp(n as i64 * 10) };
        let mut log = PingLog::default();
        for n in 1..=3 {
            log.ping(fingerprint(&[n as u8]), at(n));
        }
        log.pong(fingerprint(b"nobody asked"));
        assert_eq!(log.facts.answered, 0);
        log.pong(fingerprint(&[2]));
        assert_eq!((log.facts.answered, log.facts.first_unanswered, log.facts.interval), (2, Some(at(3)), Some(10)));
        log.pong(fingerprint(&[3]));
        assert_eq!((log.facts.answered, log.facts.first_unanswered), (3, None));
    }
}
