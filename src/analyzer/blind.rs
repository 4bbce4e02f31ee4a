//! What a capture could not show, counted while it is read.

use std::collections::BTreeMap;

use super::app::Ignored;
use crate::capture::CaptureError;
use crate::connection::{BlindSpot, GapCause};
use crate::ids::PacketNumber;
use crate::network::NotTcp;

/// Counts of what was passed over, with the first packets of each kind.
#[derive(Debug, Default)]
pub(super) struct Blind {
    seen: BTreeMap<Kind, (u64, Vec<u64>)>,
    tls_ports: BTreeMap<u16, u64>,
    http2: u64,
    cut: Option<String>,
    unknown_interfaces: u64,
    /// Connections that were not recognised because the snap length cut their bytes off, or because these were lost.
    unrecognised: [(u64, Vec<u64>); 2],
    /// Connections begun before the capture that showed no sign of frames.
    unknown_midstream: (u64, Vec<u64>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Fragment,
    LinkType(u16),
    Undecoded(&'static str),
    Malformed,
}

/// Packets listed for each kind.
const EXAMPLES: usize = 3;

impl Blind {
    #[inline]
    pub(super) fn not_tcp(&mut self, why: NotTcp, packet: PacketNumber) {
        let kind = match why {
            NotTcp::Other => return,
            NotTcp::Fragment => Kind::Fragment,
            NotTcp::UnknownLinkType(number) => Kind::LinkType(number),
            NotTcp::Undecoded(name) => Kind::Undecoded(name),
            NotTcp::Malformed => Kind::Malformed,
        };
        let (count, packets) = self.seen.entry(kind).or_default();
        *count += 1;
        if packets.len() < EXAMPLES {
            packets.push(packet.0);
        }
    }

    pub(super) fn ignored(&mut self, why: Ignored) {
        match why {
            Ignored::OtherProtocol => {}
            Ignored::Tls { port } => *self.tls_ports.entry(port).or_default() += 1,
            Ignored::Http2 => self.http2 += 1,
        }
    }

    pub(super) fn unrecognised(&mut self, why: GapCause, packet: PacketNumber) {
        let (count, packets) = &mut self.unrecognised[usize::from(why != GapCause::SnapLength)];
        *count += 1;
        if packets.len() < EXAMPLES {
            packets.push(packet.0);
        }
    }

    pub(super) fn unknown_midstream(&mut self, packet: PacketNumber) {
        let (count, packets) = &mut self.unknown_midstream;
        *count += 1;
        if packets.len() < EXAMPLES {
            packets.push(packet.0);
        }
    }

    pub(super) fn cut(&mut self, error: &CaptureError) {
        self.cut = Some(format!("The capture {error}: what came after that is not in this report."));
    }

    pub(super) fn unknown_interfaces(&mut self, packets: u64) {
        self.unknown_interfaces = packets;
    }

    /// The counts as sentences.
    pub(super) fn spots(&self) -> Vec<BlindSpot> {
        let mut spots = Vec::new();
        let mut add = |kind: &str, text: String, packets: &[u64]| {
            spots.push(BlindSpot { kind: kind.to_string(), text, connections: Vec::new(), packets: packets.to_vec() });
        };
        if let Some(text) = &self.cut {
            add("cut-file", text.clone(), &[]);
        }
        for (kind, (count, packets)) in &self.seen {
            match kind {
                Kind::Fragment => add(
                    "ip-fragments",
                    format!(
                        "{} of fragmented IP {} passed over: wsdiag does not join fragments yet.",
                        packets_of(*count),
                        were(*count)
                    ),
                    packets,
                ),
                Kind::LinkType(number) => add(
                    "unknown-link-type",
                    format!(
                        "{} {} link type {number}, which wsdiag does not know: nothing in them was read.",
                        packets_of(*count),
                        have(*count)
                    ),
                    packets,
                ),
                Kind::Undecoded(name) => add(
                    "undecoded-tunnel",
                    format!(
                        "{} {} inside {name}, which wsdiag does not look into yet.",
                        packets_of(*count),
                        were(*count)
                    ),
                    packets,
                ),
                Kind::Malformed => add(
                    "malformed-packets",
                    format!("{} {} headers that are cut or contradict each other.", packets_of(*count), have(*count)),
                    packets,
                ),
            }
        }
        for (lost, (count, packets)) in self.unrecognised.iter().enumerate().filter(|(_, (count, _))| *count > 0) {
            let (connections, them) = if *count == 1 {
                ("connection", "If it was a WebSocket, it")
            } else {
                ("connections", "A WebSocket among them")
            };
            let (kind, why, advice) = match lost {
                0 => ("snap-length", "the snap length cut the packets", "Record whole packets: tcpdump -s 0."),
                _ => (
                    "lost-packets",
                    "the capture lost the bytes that would tell",
                    "Record with a larger buffer (tcpdump -B 16384) or a narrower filter.",
                ),
            };
            let text = format!(
                "{count} {connections} could not be recognised, as {why}. {them} is missing from this report. {advice}"
            );
            add(kind, text, packets);
        }
        if let (count @ 1.., packets) = &self.unknown_midstream {
            let text = format!(
                "{count} {} open before the capture began, and nothing in {} bytes shows the structure of WebSocket frames; {} \
                 with too few frames to be recognised. Start the capture before the clients connect.",
                if *count == 1 { "connection was" } else { "connections were" },
                if *count == 1 { "its" } else { "their" },
                if *count == 1 { "it may be one" } else { "one of them may be one" },
            );
            add("unrecognised-midstream", text, packets);
        }
        if self.unknown_interfaces > 0 {
            let text = format!(
                "{} {} an interface that the file does not describe.",
                packets_of(self.unknown_interfaces),
                if self.unknown_interfaces == 1 { "names" } else { "name" }
            );
            add("unknown-interface", text, &[]);
        }
        let tls: u64 = self.tls_ports.values().sum();
        if tls > 0 {
            let ports: Vec<String> = self.tls_ports.keys().take(5).map(ToString::to_string).collect();
            let text = format!(
                "{tls} TLS {} (port {}) could not be read: WebSockets inside are invisible. Capture behind the TLS \
                 termination, where the traffic is plain.",
                if tls == 1 { "connection" } else { "connections" },
                ports.join(", ")
            );
            add("encrypted", text, &[]);
        }
        if self.http2 > 0 {
            let text = format!(
                "{} HTTP/2 {} could not be read: WebSockets inside (RFC 8441) are invisible.",
                self.http2,
                if self.http2 == 1 { "connection" } else { "connections" }
            );
            add("http2", text, &[]);
        }
        spots
    }
}

fn packets_of(count: u64) -> String {
    if count == 1 { "1 packet".to_string() } else { format!("{count} packets") }
}

fn were(count: u64) -> &'static str {
    if count == 1 { "was" } else { "were" }
}

fn have(count: u64) -> &'static str {
    if count == 1 { "has" } else { "have" }
}
