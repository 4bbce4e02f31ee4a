//! `idle-cut`.

use crate::connection::TcpEnd;
use crate::diagnosis::case::Case;
use crate::diagnosis::drops::{self, Between};
use crate::diagnosis::finding::{Cause, Family, Finding, Verdict};
use crate::diagnosis::idle::{self, Span, Timer};
use crate::diagnosis::recurrence::Measure;
use crate::diagnosis::{timers, words};
use crate::ids::Side;
use crate::knowledge::TimerKind;
use crate::report::model::{Confidence, Party, Severity};

pub(super) const CAUSE: Cause = Cause {
    id: "idle-cut",
    family: Family::NoClose,
    summary: "TCP was ended by a timer after a time of silence, without a Close frame",
    documentation: "\
# idle-cut

## What was seen
TCP ended without a Close frame after a silence that fits a timer: a whole number of seconds, the default of a known proxy,
or the same silence on several connections.

## Why the peer closes
Proxies, load balancers and some servers end connections over which nothing was sent for a while. Proxies mostly do it
without a Close frame, because they do not speak WebSocket: they pass bytes on. TCP keep-alives do not reset their timers.

## How we know
The silence, counted from the last frame of either side or of one side, exceeds a round number of seconds by no more than a
timer does. It is likely when other connections of the same server ended after the same silence, or when the handshake
names a proxy with that default; one short silence alone is only possible.

## What would prove us wrong
A longer silence that was survived on a connection to the same server; something in the server's log at that moment.

## Fix
Send Pings at about half the timer, from either side; or raise the timer by its name: nginx proxy_read_timeout (60 s),
HAProxy timeout tunnel, the idle timeout of an AWS load balancer (60 s), Apache httpd ProxyTimeout, Envoy
stream_idle_timeout (5 min).

## References
https://nginx.org/en/docs/http/websocket.html
https://docs.haproxy.org/3.0/configuration.html#4.2-timeout%20tunnel
RFC 6455 section 5.5.2.
",
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    let Some(end) = drops::bare_end(case) else { return Verdict::NotThis };
    let front = case.world.legs.of(case.index).map(|leg| leg.front);
    if [Some(case.index), front].into_iter().flatten().any(|i| case.world.events.event(i).is_some()) {
        return Verdict::RuledOut("other connections of the server were dropped at the same moment".to_string());
    }
    let Some(span) = idle::span(case) else { return Verdict::NotThis };
    let between = drops::proxy_between(case).filter(|b| b.side == end.by);
    if let Some(between) = &between
        && let Some(first) = drops::ended_first(case, between, end)
    {
        return match first.by {
            // The cut happened on the other leg, and is told there.
            Side::Server => forwarded(case, end, between.other_leg, first),
            Side::Client => Verdict::NotThis,
        };
    }
    let same: Vec<(usize, f64)> = case
        .world
        .siblings_with(case.index, Measure::Silence(span.whose), end.by)
        .into_iter()
        .filter(|(i, _)| *i != case.index && case.world.endings[*i].without_close())
        .collect();
    if let Some(longest) = idle::survived(case, span.whose).filter(|s| *s > span.seconds * 1.05 + 0.5) {
        return Verdict::RuledOut(format!("a silence of {} was survived on the same server", timers::words(longest)));
    }
    // Clients leave whenever their users do; only a proxy, or the same silence again and again, makes it a timer.
    if end.by == Side::Client && between.is_none() && (same.len() < 2 || span.seconds < 10.0) {
        return Verdict::NotThis;
    }
    let Some(round) = timers::round_seconds(span.seconds) else {
        return if same.len() >= 2 {
            finding(case, end, &span, span.seconds, &same, between.as_ref()).fits()
        } else {
            Verdict::NotThis
        };
    };
    #[allow(clippy::cast_precision_loss)] // a few thousand seconds
    finding(case, end, &span, round as f64, &same, between.as_ref()).fits()
}

/// The proxy only passed on an end that the server behind it had made.
fn forwarded(case: &Case<'_>, end: TcpEnd, other_leg: usize, first: TcpEnd) -> Verdict {
    let other = &case.world.observations.connections[other_leg];
    let stream = case.world.stream(case.connection.capture, other_leg);
    let Some(span) = idle::span(case) else { return Verdict::NotThis };
    let timer = timers::words(span.seconds);
    let title =
        format!("the server behind the proxy ended the connection after {timer} of silence, without a Close frame");
    let explanation = format!(
        "{} {} {timer} after the last frame. It is a proxy and passed on what the server behind it had done first: that {} on \
         the other leg (stream {stream}). {}",
        words::sentence(&case.who(end.by)),
        drops::how(case, end),
        drops::how_of(other, first, &case.packet(first.origin.packet)),
        drops::no_close(case)
    );
    let mut finding = Finding::new(Confidence::Likely, Severity::Problem, title, explanation);
    finding.caused_by = Some(Party::Server);
    finding.change = Some(Party::Server);
    finding
        .with_fix(
            Party::Server,
            format!("raise the idle timer of the server behind the proxy, or send Pings: stream {stream} tells more."),
            None,
            None,
        )
        .fits()
}

fn finding(
    case: &Case<'_>,
    end: TcpEnd,
    span: &Span,
    seconds: f64,
    same: &[(usize, f64)],
    between: Option<&Between>,
) -> Finding {
    let named = between.and_then(|b| b.name).or_else(|| {
        let response = &case.connection.handshake.as_ref()?.response;
        drops::proxy_in(response).filter(|_| end.by == Side::Server)
    });
    let known = idle::known(case, named, seconds);
    let is_proxy = between.is_some() || named.is_some();
    let confident =
        !same.is_empty() || between.is_some() || known.as_ref().is_some_and(|k| k.identified) || seconds >= 30.0;
    let confidence = if confident { Confidence::Likely } else { Confidence::Possible };
    let timer = timers::words(seconds).replace(".0 s", " s");
    let cutter = match (named, is_proxy) {
        (Some(name), _) => name.to_string(),
        (None, true) => "a proxy".to_string(),
        (None, false) => format!("the {}", end.by),
    };
    let title = format!("{cutter} cut the connection after {timer} of silence, without a Close frame");
    let whose = match span.whose {
        None => "of either side".to_string(),
        Some(side) => format!("of the {side}"),
    };
    let since = match span.from {
        Some(origin) => format!("the last frame {whose} ({})", case.packet(origin.packet)),
        None => {
            format!("the opening handshake ({}), without a frame {whose}", case.packet(case.connection.opened().packet))
        }
    };
    let explanation = format!(
        "{} {} {:.3} s after {since}. {}",
        words::sentence(&case.who(end.by)),
        drops::how(case, end),
        span.seconds,
        drops::no_close(case)
    );
    let mut finding = Finding::new(confidence, Severity::Problem, title, explanation);
    let party = if is_proxy { Party::Proxy } else { Party::from(end.by) };
    finding.caused_by = Some(party);
    finding.change = Some(party);
    finding =
        finding.with_evidence("silence", format!("The silence of {:.3} s fits a timer of {timer}.", span.seconds), &[]);
    if !same.is_empty() {
        let streams: Vec<String> =
            same.iter().take(8).map(|(i, _)| case.world.stream(case.connection.capture, *i)).collect();
        finding = finding.with_evidence(
            "same-silence",
            format!(
                "{} ended after the same silence (stream {}).",
                words::sentence(&words::count(
                    same.len(),
                    "other connection to this server",
                    "other connections to this server"
                )),
                streams.join(", ")
            ),
            &[],
        );
    }
    if let Some(between) = between {
        let stream = case.world.stream(case.connection.capture, between.other_leg);
        finding = finding.with_evidence(
            "proxy-legs",
            format!(
                "The {} of this connection is a proxy: it ended its other leg (stream {stream}) at the same moment, with the same handshake key.",
                between.side
            ),
            &[],
        );
    }
    add_fixes(case, finding, named, known.as_ref(), seconds, party)
}

fn add_fixes(
    case: &Case<'_>,
    mut finding: Finding,
    named: Option<&str>,
    known: Option<&Timer>,
    seconds: f64,
    party: Party,
) -> Finding {
    let timer = timers::words(seconds).replace(".0 s", " s");
    if let Some(known) = known {
        if known.is_default {
            finding = finding.with_evidence(
                "known-timer",
                format!("{timer} is the default of {} for {}.", known.name, known.setting),
                &[],
            );
        }
        finding = finding.with_fix(
            party,
            format!(
                "raise {} of {}{}.",
                known.setting,
                known.name,
                if known.identified { "" } else { ", if that is what stands there" }
            ),
            known.example.clone(),
            known.source.clone(),
        );
    } else {
        let whose =
            if party == Party::Proxy { "its idle timer" } else { "its idle timer (or that of a proxy in front of it)" };
        let what = named.map_or_else(|| whose.to_string(), |n| format!("the idle timer of {n}"));
        // Set to another value than its default, and still the one to look for first.
        let own = case.ending.closer.filter(|_| party != Party::Proxy).and_then(|closer| {
            let implementation = &case.implementation(closer)?.implementation;
            let timer = implementation.timers().find(|t| t.kind == TimerKind::Idle)?;
            Some(format!("{} calls it {}, ", implementation.name, timer.setting))
        });
        finding = finding.with_fix(
            party,
            format!(
                "raise {what}, which seems set to {timer}: {}nginx calls it proxy_read_timeout, HAProxy timeout tunnel, AWS \
                 load balancers idle timeout.",
                own.unwrap_or_default()
            ),
            None,
            None,
        );
    }
    let half = (seconds / 2.0).max(1.0).floor();
    let pings = case.connection.from_server.pings().sent + case.connection.from_client.pings().sent;
    let had = if pings == 0 { " No Ping was sent over it." } else { "" };
    finding.with_fix(
        Party::Server,
        format!("send a Ping every {half:.0} s or so; its Pong comes back by itself, and both reset the timer.{had}"),
        None,
        None,
    )
}
