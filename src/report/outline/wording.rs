//! Small pieces of sentences: counts, packets, streams, times, parties.

use std::fmt::Write;

use crate::capture::STANDARD_INPUT;
use crate::report::model::{
    Capture, Confidence, ConnectionReport, Evidence, ImplementationReport, Party, Report, Time,
};

/// How many stretches of stream or packet numbers a sentence lists before it says how many more there are.
const LISTED: usize = 16;

/// `1 connection`, `3 connections`, `12,345 connections`.
pub(super) fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", thousands(number as u64))
}

/// `1,934,112`.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A cause or kind in words: `message over limit`.
pub(super) fn words(id: &str) -> String {
    id.replace('-', " ")
}

/// A title as a sentence: a capital letter in front unless its first word is code, a full stop behind.
pub(super) fn sentence(title: &str) -> String {
    let title = title.trim();
    let first_word = title.split(' ').next().unwrap_or("");
    let mut letters = title.chars();
    let mut out = match letters.next() {
        None => return String::new(),
        Some(_) if first_word.contains(['_', '/', '=', '(', '.']) => title.to_owned(),
        Some(first) => first.to_uppercase().chain(letters).collect(),
    };
    if !out.ends_with(['.', '?', '!']) {
        out.push('.');
    }
    out
}

/// A fact with the packets that show it, `(packets 4-7)` before its full stop, unless its sentence speaks of the first of
/// them. Packets of other captures than `own` are told with the capture's name.
pub(super) fn evidence(fact: &Evidence, captures: &[Capture], own: Option<usize>) -> String {
    let Some(first) = fact.packets.first().map(|p| p.number()) else { return sentence(&fact.text) };
    let text = fact.text.trim();
    let named = text.contains("packet") && text.split(|c: char| !c.is_ascii_digit()).any(|n| n.parse() == Ok(first));
    if named {
        return sentence(text);
    }
    let by_capture = super::groups::together(fact.packets.iter(), |p| p.file());
    let parts = by_capture.iter().filter_map(|group| {
        let listed = listed("packet", group.iter().map(|p| p.number()));
        let capture = group.first()?.file();
        Some(match Some(capture).filter(|c| captures.len() > 1 && Some(*c) != own) {
            Some(capture) => format!("{listed} of {}", name(captures, capture)),
            None => listed,
        })
    });
    sentence(&format!("{} ({})", text.trim_end_matches('.'), parts.collect::<Vec<_>>().join("; ")))
}

/// The paths of captures: `a.pcap, b.pcap and c.pcap`.
pub(super) fn paths(captures: &[&Capture]) -> String {
    const SHOWN: usize = 4;
    let paths: Vec<&str> = captures.iter().map(|c| c.path.as_str()).collect();
    match paths.as_slice() {
        many if many.len() > SHOWN => {
            format!("{} and {} more", many[..SHOWN - 1].join(", "), thousands((many.len() + 1 - SHOWN) as u64))
        }
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        few => few.concat(),
    }
}

/// What sentences call a capture.
pub(super) fn name(captures: &[Capture], index: usize) -> String {
    let mut names = Capture::short_names(captures.iter().map(|c| c.path.as_str()));
    if index < names.len() { names.swap_remove(index) } else { String::new() }
}

/// `packet 4`, `packets 4-7, 9`: sorted, in stretches, and after a while only counted.
pub(super) fn listed(noun: &str, numbers: impl IntoIterator<Item = u64>) -> String {
    let mut numbers: Vec<u64> = numbers.into_iter().collect();
    numbers.sort_unstable();
    numbers.dedup();
    let mut stretches: Vec<(u64, u64)> = Vec::new();
    for &n in &numbers {
        match stretches.last_mut() {
            Some((_, last)) if *last + 1 == n => *last = n,
            _ => stretches.push((n, n)),
        }
    }
    let mut out = format!("{noun}{} ", if numbers.len() == 1 { "" } else { "s" });
    let mut shown = 0;
    for (i, &(first, last)) in stretches.iter().take(LISTED).enumerate() {
        let comma = if i > 0 { ", " } else { "" };
        let _ = match last - first {
            0 => write!(out, "{comma}{first}"),
            1 => write!(out, "{comma}{first}, {last}"),
            _ => write!(out, "{comma}{first}-{last}"),
        };
        shown += last - first + 1;
    }
    match numbers.len() as u64 - shown {
        0 => {}
        more => {
            let _ = write!(out, " and {} more", thousands(more));
        }
    }
    out
}

/// Where to find something: capture, TCP stream and, where HTTP/2 carried it, the stream in that.
pub(super) type Place = (usize, u32, Option<u32>);

/// The place of a connection.
pub(super) fn place(c: &ConnectionReport) -> Place {
    (c.capture, c.tcp_stream, c.http2_stream)
}

/// The streams as Wireshark numbers them, with the capture's name where there are several.
pub(super) fn streams(report: &Report, places: impl IntoIterator<Item = Place>) -> String {
    let by_carrier = super::groups::together(places, |&(capture, tcp, http2)| (capture, http2.map(|_| tcp)));
    let parts = by_carrier.iter().filter_map(|group| {
        let &(capture, tcp, http2) = group.first()?;
        let mut part = match http2 {
            Some(_) => {
                let inner = listed("HTTP/2 stream", group.iter().filter_map(|p| p.2).map(u64::from));
                format!("{inner} of stream {tcp}")
            }
            None => listed("stream", group.iter().map(|p| u64::from(p.1))),
        };
        if report.captures.len() > 1 {
            let _ = write!(part, " of {}", name(&report.captures, capture));
        }
        Some(part)
    });
    parts.collect::<Vec<_>>().join("; ")
}

/// `2026-11-22 04:54:02.356 UTC`.
pub(super) fn utc(time: Time) -> String {
    let exact = time.0.rfc3339();
    match exact.split_once('T') {
        Some((date, clock)) => format!("{date} {} UTC", clock.get(..12).unwrap_or(clock)),
        None => exact,
    }
}

/// `0.004 s`, `42.1 s`, `3 min 5 s`, `2 h 10 min`.
pub(super) fn span(from: Time, to: Time) -> String {
    let milliseconds = to.0.since(from.0).max(0) / 1_000_000;
    let seconds = milliseconds / 1000;
    match seconds {
        0..10 => format!("{seconds}.{:03} s", milliseconds % 1000),
        10..120 => format!("{seconds}.{} s", milliseconds % 1000 / 100),
        120..7200 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// What was read: `a.pcapng: 1,234 packets, 61.2 s from 2026-11-22 04:54:02.356 UTC`.
fn capture(capture: &Capture) -> String {
    let name = if capture.path == STANDARD_INPUT { "standard input" } else { &capture.path };
    read(name, capture.packets, capture.first_packet_at, capture.last_packet_at)
}

/// A sentence for each capture, or one for all where there are many.
pub(super) fn captures(all: &[Capture]) -> Vec<String> {
    /// Up to here each is told by itself.
    const EACH: usize = 8;
    if all.len() <= EACH {
        return all.iter().map(capture).collect();
    }
    let refs: Vec<&Capture> = all.iter().collect();
    let packets = all.iter().map(|c| c.packets).sum();
    let first = all.iter().filter_map(|c| c.first_packet_at).min();
    let last = all.iter().filter_map(|c| c.last_packet_at).max();
    vec![read(&format!("{} captures ({})", thousands(all.len() as u64), paths(&refs)), packets, first, last)]
}

fn read(name: &str, packets: u64, first: Option<Time>, last: Option<Time>) -> String {
    let packets = count(usize::try_from(packets).unwrap_or(usize::MAX), "packet");
    match (first, last) {
        (Some(first), Some(last)) => format!("{name}: {packets}, {} from {}", span(first, last), utc(first)),
        _ => format!("{name}: {packets}"),
    }
}

/// The party with its article.
pub(super) fn party(party: Party) -> &'static str {
    match party {
        Party::Client => "the client",
        Party::Server => "the server",
        Party::Proxy => "the proxy in between",
        Party::Network => "the network in between",
        Party::Either => "either side",
        Party::Nobody => "nobody",
    }
}

/// Others that a server could be, of which a sentence names so many.
const OTHERS: usize = 2;

/// Who the server is taken for, why, and who else it could be.
pub(super) fn recognised(known: &ImplementationReport) -> String {
    let verb = if known.confidence == Confidence::Possible { "may be" } else { "is likely" };
    let mut text = format!("the server {verb} {}: {}", known.name, known.because);
    let (named, more) = known.alternatives.split_at(known.alternatives.len().min(OTHERS));
    let mut others = named.join(", ");
    match more.len() {
        0 if named.len() == OTHERS => others = named.join(" or "),
        0 => {}
        count => others.push_str(&format!(" or {}", self::count(count, "other"))),
    }
    if !others.is_empty() {
        text.push_str(&format!(" (it could also be {others})"));
    }
    sentence(&text)
}

/// Who provoked it and who has to change, in one sentence; empty when neither is known.
pub(super) fn responsibility(caused_by: Option<Party>, change: Option<Party>) -> String {
    let text = match (caused_by, change) {
        (None, None) => return String::new(),
        (Some(Party::Nobody), Some(Party::Nobody)) => "nobody has to change anything".to_owned(),
        (Some(cause), Some(Party::Nobody)) => format!("{} provoked it; nobody has to change anything", party(cause)),
        (Some(cause), Some(Party::Either)) => format!("{} provoked it; either side can change it", party(cause)),
        (Some(cause), Some(change)) if cause == change => {
            format!("{} provoked it and most likely has to change", party(cause))
        }
        (Some(cause), Some(change)) => {
            format!("{} provoked it; most likely {} has to change", party(cause), party(change))
        }
        (Some(cause), None) => format!("{} provoked it; who has to change, the capture does not show", party(cause)),
        (None, Some(Party::Either)) => "either side can change it".to_owned(),
        (None, Some(change)) => format!("most likely {} has to change", party(change)),
    };
    sentence(&text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{PacketNumber, Timestamp};

    #[test]
    fn numbers_come_in_stretches() {
        assert_eq!(listed("stream", [4]), "stream 4");
        assert_eq!(listed("stream", [9, 4, 5, 9]), "streams 4, 5, 9");
        assert_eq!(listed("packet", [4, 6, 5, 7]), "packets 4-7");
        assert_eq!(listed("stream", (0..60).map(|n| n * 2)).split(", ").count(), LISTED);
        assert!(listed("stream", (0..60).map(|n| n * 2)).ends_with(" and 44 more"));
    }

    #[test]
    fn evidence_names_its_packets_once() {
        let fact = |text: &str| {
            let packets = vec![PacketNumber::new(42)];
            evidence(&Evidence { kind: "x", text: text.to_owned(), packets }, &[], Some(0))
        };
        assert_eq!(fact("The reason names the limit."), "The reason names the limit (packet 42).");
        assert_eq!(fact("the Close in packet 42 names it"), "The Close in packet 42 names it.");
        assert_eq!(fact("42 messages passed"), "42 messages passed (packet 42).");
    }

    #[test]
    fn spans_have_the_digits_that_help() {
        let span_of = |ms: i64| span(Time(Timestamp(0)), Time(Timestamp(ms * 1_000_000)));
        assert_eq!(span_of(4), "0.004 s");
        assert_eq!(span_of(42_199), "42.1 s");
        assert_eq!(span_of(185_000), "3 min 5 s");
        assert_eq!(span_of(7_800_000), "2 h 10 min");
    }

    #[test]
    fn titles_become_sentences_and_code_stays_code() {
        assert_eq!(sentence("server refused it"), "Server refused it.");
        assert_eq!(sentence("max_size is 1 MiB."), "max_size is 1 MiB.");
        assert_eq!(sentence(" "), "");
    }

    #[test]
    fn thousands_are_separated() {
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_934_112), "1,934,112");
    }
}
