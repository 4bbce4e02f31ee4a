//! Timers that are known to close connections, so that an observed silence or age can be named.

use super::implementation::Implementation;

/// What a timer counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TimerKind {
    /// Silence up to the close.
    Idle,
    /// From one ping to the next.
    Ping,
    /// From an unanswered ping to the close.
    PingTimeout,
    /// From the opening to the close, traffic or not.
    MaxDuration,
}

/// A timer of an implementation at its default.
#[derive(Debug, Clone)]
pub struct KnownTimer<'k> {
    /// Whose it is.
    pub implementation: &'k Implementation,
    /// The default in seconds, above 0.
    pub seconds: f64,
    /// The setting's name.
    pub setting: &'k str,
    /// What it counts.
    pub kind: TimerKind,
    /// The code it closes with: 1006 no Close frame, 1005 a Close frame without a code, 0 no close.
    pub close_code: u16,
    /// The reason it closes with, a pattern; empty for no text.
    pub reason: &'k str,
}

impl Implementation {
    /// Its own timers.
    pub fn timers(&self) -> impl Iterator<Item = KnownTimer<'_>> {
        self.keepalives.iter().flat_map(move |k| {
            let pings = k.ping_interval_s > 0.0;
            [
                (TimerKind::Ping, k.ping_interval_s),
                (if pings { TimerKind::PingTimeout } else { TimerKind::Idle }, k.timeout_s),
                (TimerKind::MaxDuration, k.max_duration_s.unwrap_or(0.0)),
            ]
            .into_iter()
            .filter(|(_, seconds)| *seconds > 0.0)
            .map(move |(kind, seconds)| KnownTimer {
                implementation: self,
                seconds,
                setting: &k.setting,
                kind,
                close_code: k.on_timeout_code,
                reason: &k.on_timeout_reason,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::Knowledge;

    #[test]
    fn well_known_timers_are_there() {
        let all: Vec<KnownTimer<'_>> = Knowledge::embedded().implementations().flat_map(|i| i.timers()).collect();
        let has = |id: &str, kind, seconds: f64| {
            all.iter().any(|t| t.implementation.id == id && t.kind == kind && (t.seconds - seconds).abs() < 1e-9)
        };
        assert!(has("nginx", TimerKind::Idle, 60.0));
        assert!(has("jetty", TimerKind::Idle, 30.0));
        assert!(has("python-websockets", TimerKind::Ping, 20.0));
        assert!(has("python-websockets", TimerKind::PingTimeout, 20.0));
        assert!(has("aws-api-gateway", TimerKind::MaxDuration, 7200.0));
        assert!(has("home-assistant", TimerKind::PingTimeout, 27.5));
        assert!(all.iter().all(|t| t.seconds > 0.0));
    }
}
