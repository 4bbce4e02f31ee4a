//! `proxy-restart`.

use crate::diagnosis::case::Case;
use crate::diagnosis::events::Kind;
use crate::diagnosis::finding::{Cause, Family, Finding, Verdict};
use crate::diagnosis::going_away;
use crate::report::model::{Confidence, Party, Severity};

pub(super) const CAUSE: Cause = Cause {
    id: "proxy-restart",
    family: Family::GoingAway,
    summary: "a proxy ended its connections because it was reloaded or stopped",
    documentation: "\
# proxy-restart

## What was seen
Several connections through one proxy ended within a short window, and the legs behind the proxy were ended by the proxy itself,
after or together with the legs in front of it.

## Why the peer closes
A proxy that is reloaded or stopped gives its connections a last grace time and then ends both legs. Most proxies know nothing
of WebSocket frames and end TCP without a Close.

## How we know
Both legs of the same conversation are in the capture (same handshake key), and the proxy was the first to end each of them.

## What would prove us wrong
A Close or TCP end that came from the server behind the proxy first.

## Fix
The proxy's drain settings: a longer grace time for old workers (nginx worker_shutdown_timeout, HAProxy hard-stop-after), and
clients that reconnect with backoff and jitter.

## References
nginx worker_shutdown_timeout; HAProxy hard-stop-after.
",
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    let Some(leg) = case.world.legs.of(case.index) else { return Verdict::NotThis };
    let Some(event) = case.world.events.event(leg.front) else { return Verdict::NotThis };
    // The proxy is the server in front and the client behind.
    let ended_both = event.connections.iter().all(|i| {
        case.world.legs.of(*i).is_some_and(|leg| {
            let (front, back) = (&case.world.endings[leg.front], &case.world.endings[leg.back]);
            front.closer == Some(crate::ids::Side::Server) && back.closer == Some(crate::ids::Side::Client)
        })
    });
    if !event.is_mass() || !ended_both || super::idle_timer_fits(case, event) {
        return Verdict::NotThis;
    }
    let proxy = case.world.observations.connections[leg.front].server;
    // The port refused connections, or took new ones after all had ended: as sure as that of a server, where nothing is
    // missing.
    let sure = !case.world.lossy && !event.after.refused.is_empty() && event.after.accepted.is_some();
    let mut finding = Finding::new(
        if sure { Confidence::Certain } else { Confidence::Likely },
        // Where it said 1001 first, clients were told, as when a server restarts.
        if event.kind == Kind::Close { Severity::Notice } else { Severity::Problem },
        format!("proxy {} ended all its connections at once (reload or stop)", proxy.ip()),
        format!(
            "The proxy {proxy} ended both legs of every connection; neither the clients nor the server behind it did."
        ),
    );
    finding.caused_by = Some(Party::Proxy);
    finding.change = Some(Party::Proxy);
    going_away::add_event(case, event, &mut finding);
    going_away::add_return(case.files(), event, &mut finding);
    finding = finding.with_fix(
        Party::Proxy,
        "give old workers a longer grace time when it is reloaded.",
        Some("worker_shutdown_timeout 10m;      # nginx\nhard-stop-after 10m               # HAProxy\nstream_close_delay 10m            # Caddy, in reverse_proxy".to_string()),
        None,
    );
    going_away::add_reconnect_fix(&mut finding);
    finding.fits()
}
