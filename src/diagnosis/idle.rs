//! Silences before an end, and the timers that they fit.

use super::case::{Case, Ending};
use super::drops;
use super::recurrence::Measure;
use super::timers;
use super::world::World;
use crate::connection::Connection;
use crate::ids::{Origin, Side, Timestamp};
use crate::knowledge::TimerKind;

/// A silence before the end of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    /// Whose silence; `None` for that of both.
    pub whose: Option<Side>,
    /// The frame that it follows; `None` for the opening handshake.
    pub from: Option<Origin>,
    /// How long.
    pub seconds: f64,
}

/// Timers of a few seconds fit one span in ten by chance unless they are held to be exact.
const EXACT: f64 = 0.03;
/// Spans from here on may fire later than that.
const LONG: f64 = 20.0;

/// The silence before a bare end that fits a timer, or that other connections to the server share.
#[must_use]
pub fn span(case: &Case<'_>) -> Option<Span> {
    let spans: Vec<Span> = [None, Some(Side::Server), Some(Side::Client)]
        .into_iter()
        .filter_map(|w| silence(case.connection, &case.ending, w))
        .collect();
    let end = case.ending.closer?;
    let fitting = spans.iter().find(|s| fits(s.seconds));
    let recurring = || {
        spans.iter().find(|s| {
            let same = case.world.siblings_with(case.index, Measure::Silence(s.whose), end);
            s.seconds >= 5.0 && same.len() >= 3 && spread_out(case.world, &same)
        })
    };
    fitting.or_else(recurring).copied().or_else(|| lazy(case))
}

/// How long nginx leaves a running timer alone when it is set again (`NGX_TIMER_LAZY_DELAY`).
const LAZY_SECONDS: f64 = 0.3;

/// The silence that a timer of nginx measured: it is not set again within 300 ms, so that it runs from a message a little
/// before the last frame.
fn lazy(case: &Case<'_>) -> Option<Span> {
    let end = case.ending.at?;
    let last = case.connection.from_client.last_frame.max(case.connection.from_server.last_frame)?;
    let response = case.connection.handshake.as_ref().map(|h| &h.response);
    let named = drops::proxy_between(case).and_then(|b| b.name).or_else(|| drops::proxy_in(response?));
    if !named.is_some_and(|name| name.starts_with("nginx")) {
        return None;
    }
    let before = just_before(case.connection, last);
    let spans = before.into_iter().map(|o| Span { whose: None, from: Some(o), seconds: end.at.seconds_since(o.at) });
    spans.filter(|s| fits(s.seconds)).min_by(|a, b| a.seconds.total_cmp(&b.seconds))
}

/// What was sent within [`LAZY_SECONDS`] before the last frame and at it: messages, and the two halves of the handshake.
fn just_before(connection: &Connection, last: Origin) -> Vec<Origin> {
    let messages = [Side::Client, Side::Server].into_iter().flat_map(|side| &connection.sent_by(side).recent);
    let handshake =
        connection.handshake.iter().flat_map(|h| h.request.iter().chain([&h.response]).map(|head| head.origin));
    let all = messages.map(|m| m.last).chain(handshake);
    all.filter(|o| o.at <= last.at && last.at.seconds_since(o.at) <= LAZY_SECONDS).collect()
}

/// Whether the ends of these connections fit one timer of whole seconds that is left alone for [`LAZY_SECONDS`] after it was set.
#[must_use]
pub(super) fn one_lazy_timer<'a>(connections: impl Iterator<Item = (&'a Connection, Timestamp)>) -> bool {
    let mut common: Option<Vec<u64>> = None;
    for (connection, end) in connections {
        let last = connection.from_client.last_frame.max(connection.from_server.last_frame);
        let last = last.unwrap_or(connection.opened());
        let spans = just_before(connection, last).into_iter().map(|o| end.seconds_since(o.at));
        let round: Vec<u64> = spans.filter(|s| fits(*s)).filter_map(timers::round_seconds).collect();
        common = Some(match common {
            None => round,
            Some(before) => before.into_iter().filter(|r| round.contains(r)).collect(),
        });
    }
    common.is_some_and(|c| !c.is_empty())
}

/// Whether a silence is as near to a round number of seconds as a timer makes it.
#[must_use]
pub fn fits(seconds: f64) -> bool {
    #[allow(clippy::cast_precision_loss)] // at most a day
    timers::round_seconds(seconds).is_some_and(|round| seconds >= LONG || (seconds - round as f64).abs() <= EXACT)
}

/// Whether connections ended at different times: then their equal silences are a timer's and not one event's.
#[must_use]
pub fn spread_out(world: &World<'_>, connections: &[(usize, f64)]) -> bool {
    let ends: Vec<Timestamp> = connections.iter().filter_map(|(i, _)| Some(world.endings[*i].at?.at)).collect();
    match (ends.iter().min(), ends.iter().max()) {
        (Some(first), Some(last)) => last.seconds_since(*first) > 1.0,
        _ => false,
    }
}

fn silence(connection: &Connection, ending: &Ending<'_>, whose: Option<Side>) -> Option<Span> {
    let end = ending.at?;
    let from = match whose {
        None => connection.from_client.last_frame.max(connection.from_server.last_frame),
        Some(side) => connection.sent_by(side).last_frame,
    };
    if from.is_none() && connection.joined_midstream {
        return None;
    }
    let since = from.unwrap_or(connection.opened());
    Some(Span { whose, from, seconds: end.at.seconds_since(since.at) })
}

/// The silence before the end of another connection.
#[must_use]
pub fn silence_of(world: &World<'_>, index: usize, whose: Option<Side>) -> Option<f64> {
    silence(&world.observations.connections[index], &world.endings[index], whose).map(|s| s.seconds)
}

/// The longest silence that a connection to the same server was seen to survive: it was ended by the other side, by a Close,
/// or was open when the capture ended.
#[must_use]
pub fn survived(case: &Case<'_>, whose: Option<Side>) -> Option<f64> {
    let closer = case.ending.closer?;
    case.world.survived(case.connection.server, closer, whose, || longest_survived(case, closer, whose))
}

/// The same, over all connections to the server: those that `closer` ended, this one among them, survived nothing.
fn longest_survived(case: &Case<'_>, closer: Side, whose: Option<Side>) -> Option<f64> {
    let silences = case.world.siblings(case.index).filter_map(|(i, connection)| {
        let ending = &case.world.endings[i];
        match ending.at {
            Some(_) if ending.closer == Some(closer) => None,
            Some(_) => silence_of(case.world, i, whose),
            None => {
                let last = match whose {
                    None => connection.from_client.last_frame.max(connection.from_server.last_frame),
                    Some(side) => connection.sent_by(side).last_frame,
                };
                Some(connection.capture_end.seconds_since(last?.at))
            }
        }
    });
    silences.max_by(f64::total_cmp)
}

/// A timer that is known by name.
#[derive(Debug, Clone, PartialEq)]
pub struct Timer {
    /// Whose.
    pub name: String,
    /// What the setting is called.
    pub setting: String,
    /// Whether the silence equals its default.
    pub is_default: bool,
    /// Whether the connection shows that this is what stands there.
    pub identified: bool,
    /// A line of configuration.
    pub example: Option<String>,
    /// Where that is documented.
    pub source: Option<String>,
}

struct Known {
    name: &'static str,
    seconds: f64,
    setting: &'static str,
    example: &'static str,
    source: &'static str,
}

/// Idle timers of proxies and load balancers, the more common first. Zero: there is no default.
const BOXES: [Known; 8] = [
    Known {
        name: "nginx",
        seconds: 60.0,
        setting: "proxy_read_timeout",
        example: "proxy_read_timeout 1h;    # in the location of the WebSocket",
        source: "https://nginx.org/en/docs/http/websocket.html",
    },
    Known {
        name: "AWS load balancer",
        seconds: 60.0,
        setting: "idle_timeout.timeout_seconds",
        example: "aws elbv2 modify-load-balancer-attributes --load-balancer-arn ARN --attributes Key=idle_timeout.timeout_seconds,Value=3600",
        source: "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html",
    },
    Known {
        name: "HAProxy",
        seconds: 0.0,
        setting: "timeout tunnel",
        example: "timeout tunnel 1h    # in defaults or the backend",
        source: "https://docs.haproxy.org/3.0/configuration.html#4.2-timeout%20tunnel",
    },
    Known {
        name: "Apache httpd",
        seconds: 60.0,
        setting: "ProxyTimeout",
        example: "ProxyTimeout 3600",
        source: "https://httpd.apache.org/docs/2.4/mod/mod_proxy.html#proxytimeout",
    },
    Known {
        name: "Envoy",
        seconds: 300.0,
        setting: "stream_idle_timeout",
        example: "stream_idle_timeout: 3600s    # or idle_timeout of the route",
        source: "https://www.envoyproxy.io/docs/envoy/latest/faq/configuration/timeouts",
    },
    Known {
        name: "Heroku router",
        seconds: 55.0,
        setting: "the router's rolling 55 s window (it cannot be changed: send Pings)",
        example: "",
        source: "https://devcenter.heroku.com/articles/http-routing#timeouts",
    },
    Known {
        name: "AWS Network Load Balancer",
        seconds: 350.0,
        setting: "tcp.idle_timeout.seconds",
        example: "",
        source: "https://docs.aws.amazon.com/elasticloadbalancing/latest/network/update-idle-timeout.html",
    },
    Known {
        name: "Azure Load Balancer",
        seconds: 240.0,
        setting: "idle timeout (4 minutes)",
        example: "",
        source: "https://learn.microsoft.com/azure/load-balancer/load-balancer-tcp-idle-timeout",
    },
];

/// The timer behind a silence of `seconds`: that of the proxy which the handshake names, that of the identified server, or
/// the best known one with this default.
#[must_use]
pub fn known(case: &Case<'_>, named: Option<&str>, seconds: f64) -> Option<Timer> {
    let from_box = |k: &Known, identified: bool| Timer {
        name: k.name.to_string(),
        setting: k.setting.to_string(),
        is_default: k.seconds > 0.0 && timers::equal(k.seconds, seconds),
        identified,
        example: Some(k.example.to_string()).filter(|e| !e.is_empty()),
        source: Some(k.source.to_string()),
    };
    if let Some(name) = named {
        return BOXES.iter().find(|k| name.starts_with(k.name)).map(|k| from_box(k, true));
    }
    let closer = case.ending.closer?;
    let of_closer = case.implementation(closer).and_then(|i| {
        i.implementation.timers().find(|t| t.kind == TimerKind::Idle && timers::equal(t.seconds, seconds))
    });
    if let Some(timer) = of_closer {
        return Some(Timer {
            name: timer.implementation.name.clone(),
            setting: timer.setting.to_string(),
            is_default: true,
            identified: true,
            example: None,
            source: None,
        });
    }
    if closer == Side::Client {
        return None;
    }
    BOXES.iter().find(|k| k.seconds > 0.0 && timers::equal(k.seconds, seconds)).map(|k| from_box(k, false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_timers_are_exact_and_long_ones_may_be_late() {
        assert!(fits(2.002) && fits(1.996) && fits(60.2));
        assert!(!fits(2.08), "within what long timers are granted, but too late for two seconds");
        assert!(!fits(1.0) && !fits(0.5), "too short to be told from chance");
        assert!(!fits(63.0), "no setting is 63 seconds");
    }
}
