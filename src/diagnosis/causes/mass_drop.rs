//! `mass-drop`.

use crate::diagnosis::case::Case;
use crate::diagnosis::drops;
use crate::diagnosis::events::Kind;
use crate::diagnosis::finding::{Cause, Family, Finding, Verdict};
use crate::diagnosis::{timers, words};
use crate::ids::Side;
use crate::report::model::{Confidence, Party, Severity};

pub(super) const CAUSE: Cause = Cause {
    id: "mass-drop",
    family: Family::NoClose,
    summary: "a server dropped many connections at once without Close frames",
    documentation: "\
# mass-drop

## What was seen
Three or more connections of one server ended by its FIN or RST within a short time, none with a Close frame.

## Why the peer closes
The process ended: killed (SIGKILL, out of memory), crashed, or stopped by a SIGTERM that it does not handle; the kernel
closes its sockets. Or a proxy in front was restarted, or lost its backend.

## How we know
The ends lie closer together than chance or the connections' own timers explain. New connections that are refused
afterwards show that the process was gone.

## What would prove us wrong
A common timer that began at the same time for all; a network change between the capture point and the server.

## Fix
Find out why the process ended, at the time of the first FIN. Handle SIGTERM: send Close 1001 to every client before exit,
and let clients reconnect with a growing, random delay.

## References
RFC 6455 section 7.1.5, and section 7.2.3 on reconnecting.
",
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    let Some(end) = drops::bare_end(case).filter(|e| e.by == Side::Server) else { return Verdict::NotThis };
    let Some(event) = case.world.events.event(case.index).filter(|e| e.kind == Kind::Drop && e.is_mass()) else {
        return Verdict::NotThis;
    };
    let count = event.connections.len();
    let within = timers::words(event.to.seconds_since(event.from));
    let within = if event.from == event.to { "at the same moment".to_string() } else { format!("within {within}") };
    let one = in_one_connection(case, &event.connections);
    let title = if one {
        format!("server ended {count} WebSockets of one HTTP/2 connection {within}, without Close frames")
    } else {
        format!("server dropped {count} connections {within}, without Close frames")
    };
    let explanation = format!(
        "{} {}. It ended {} {within}{}",
        words::sentence(&case.who(Side::Server)),
        drops::how(case, end),
        if one {
            format!("{count} WebSockets of this HTTP/2 connection")
        } else {
            words::count(count, "connection", "connections")
        },
        if case.ending.may_hide_close {
            drops::without_close(case)
        } else {
            ", none of them with a Close frame: APIs report 1006."
        },
    );
    let mut finding = Finding::new(Confidence::Likely, Severity::Problem, title, explanation);
    finding.caused_by = Some(Party::Server);
    finding.change = Some(Party::Server);
    let streams: Vec<String> =
        event.connections.iter().take(12).map(|i| case.world.stream(case.connection.capture, *i)).collect();
    let more = if count > 12 { format!(" and {} more", count - 12) } else { String::new() };
    finding =
        finding.with_evidence("ended-together", format!("Streams {}{more} ended together.", streams.join(", ")), &[]);
    if let Some(first) = event.after.refused.first() {
        finding = finding.with_evidence(
            "refused-after",
            format!(
                "New connections were refused afterwards, {} in all: nothing listened there any more, so the process had ended.",
                event.after.refused.len()
            ),
            &[first.packet],
        );
    }
    if let Some((at, packet)) = event.after.accepted {
        finding = finding.with_evidence(
            "accepted-after",
            format!(
                "It accepted connections again {} after the first drop.",
                timers::words(at.seconds_since(event.from))
            ),
            &[packet],
        );
    }
    drops::note_proxy(case, Side::Server, &mut finding);
    if let Some(away) = case.connection.http2.as_ref().and_then(|http2| http2.goes_away) {
        let text = format!(
            "The {} announced the end of the HTTP/2 connection (GOAWAY {}, {}).",
            away.by,
            away.name(),
            case.packet(away.origin.packet)
        );
        finding = finding.with_evidence("goaway", text, &[away.origin.packet]);
    }
    let why = if one {
        "find out why it ended the HTTP/2 connection, which carried all of them: its log, or that of the proxy that ends HTTP/2 \
         in its name, at that time."
    } else {
        "find out why the process ended at that time: a deployment, a crash, the out-of-memory killer (dmesg, container events)."
    };
    finding
        .with_fix(Party::Server, why, None, None)
        .with_fix(
            Party::Server,
            "handle SIGTERM: stop accepting, send Close 1001 to every client, wait for their answers, then exit.",
            None,
            None,
        )
        .with_fix(
            Party::Client,
            "reconnect with a delay that doubles and is random, so that all do not return at once.",
            None,
            None,
        )
        .fits()
}

/// Whether one HTTP/2 connection carried all of these: its end says nothing of the process behind it.
fn in_one_connection(case: &Case<'_>, connections: &[usize]) -> bool {
    let own = case.connection;
    let all = &case.world.observations.connections;
    own.http2.is_some()
        && connections.iter().all(|i| (all[*i].capture, all[*i].tcp_stream) == (own.capture, own.tcp_stream))
}
