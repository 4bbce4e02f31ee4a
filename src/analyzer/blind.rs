//! What a capture could not show, counted while it is read.

use std::collections::{BTreeMap, BTreeSet};

use super::app::Ignored;
use super::unread::Unread;
use crate::capture::{CaptureError, FileFacts, InputError};
use crate::connection::{BlindSpot, GapCause};
use crate::diagnosis::unread::why_not;
use crate::diagnosis::words;
use crate::ids::PacketNumber;
use crate::limits;
use crate::network::{FragmentLosses, NotTcp};

/// Counts of what was passed over, with the first packets of each kind.
#[derive(Debug, Default)]
pub(super) struct Blind {
    unread: Unread,
    /// TLS connections that could not be read, with their servers' ports, by the reason.
    tls: BTreeMap<String, (u64, BTreeSet<u16>)>,
    /// Kinds and sentences of what is to be said of the files.
    files: Vec<(&'static str, String)>,
    unknown_interfaces: u64,
    /// Connections that were not recognised because the snap length cut their bytes off, or because these were lost.
    unrecognised: [(u64, Vec<PacketNumber>); 2],
    /// Connections begun before the capture that showed no sign of frames.
    unknown_midstream: (u64, Vec<PacketNumber>),
    /// Flows given up because too many were open: half-open ones, and others that were no WebSocket yet.
    pub(super) half_open_evicted: u64,
    pub(super) undecided_evicted: u64,
    /// Failed handshakes and connection attempts beyond the caps.
    pub(super) unlisted_handshakes: u64,
    pub(super) unlisted_attempts: u64,
    /// WebSockets in HTTP/2 beyond the cap, and header blocks that could not be read.
    pub(super) unfollowed_streams: u64,
    pub(super) unread_header_blocks: u64,
}

/// Packets listed for each kind.
const EXAMPLES: usize = 3;
/// Ports listed.
const PORTS: usize = 5;

impl Blind {
    #[inline]
    pub(super) fn not_tcp(&mut self, why: NotTcp, packet: PacketNumber) {
        self.unread.packet(why, packet);
    }

    pub(super) fn fragments(&mut self, losses: FragmentLosses) {
        self.unread.fragments(losses);
    }

    pub(super) fn ignored(&mut self, why: Ignored) {
        match why {
            Ignored::OtherProtocol => {}
            Ignored::Tls { port, facts } => {
                let why = facts.why_not.as_ref().map_or(String::new(), why_not);
                if self.tls.len() < limits::TLS_UNREAD || self.tls.contains_key(&why) {
                    let (count, ports) = self.tls.entry(why).or_default();
                    *count += 1;
                    if ports.len() < PORTS {
                        ports.insert(port);
                    }
                }
            }
        }
    }

    pub(super) fn unrecognised(&mut self, why: GapCause, packet: PacketNumber) {
        let (count, packets) = &mut self.unrecognised[usize::from(why != GapCause::SnapLength)];
        *count += 1;
        if packets.len() < EXAMPLES {
            packets.push(packet);
        }
    }

    pub(super) fn unknown_midstream(&mut self, packet: PacketNumber) {
        let (count, packets) = &mut self.unknown_midstream;
        *count += 1;
        if packets.len() < EXAMPLES {
            packets.push(packet);
        }
    }

    /// What could not be read of an input of which something was read.
    pub(super) fn fault(&mut self, fault: &InputError, several: bool) {
        let error = &fault.error;
        let name = if several { fault.path.display().to_string() } else { "The capture".to_string() };
        let (kind, text) = match error {
            CaptureError::Damaged(losses) => (
                "corrupt-records",
                format!(
                    "{name} {losses}. What they held is not in this report, and Wireshark shows no packets behind them, so that \
                     the numbers here go on by themselves. Copy the file again from where it was recorded."
                ),
            ),
            CaptureError::Twice | CaptureError::Stopped { .. } | CaptureError::Unreadable { .. } => return,
            error if error.is_partial() => (
                "cut-file",
                format!(
                    "{name} {error}: what came after that is not in this report. Copy the file again from where it was \
                         recorded, or record again with room on the disk."
                ),
            ),
            _ => return,
        };
        self.files.push((kind, text));
    }

    /// What a file says of itself.
    pub(super) fn file(&mut self, file: &FileFacts, several: bool) {
        self.unknown_interfaces += file.unknown_interface;
        let name = if several { file.path.display().to_string() } else { "The capture".to_string() };
        if file.dropped > 0 {
            let text = format!(
                "{name} says itself that it dropped {}: bytes may be missing anywhere. Record with a larger buffer (tcpdump -B \
                 16384, dumpcap -B 16) or a narrower filter.",
                packets_of(file.dropped)
            );
            self.files.push(("dropped-packets", text));
        }
        if file.untimed > 0 {
            let text = format!(
                "{name} gives {} no time (Simple Packet Blocks): they were taken to come when the one before them did, so that \
                 durations and the order with other files mean little.",
                packets_of(file.untimed)
            );
            self.files.push(("no-time", text));
        }
    }

    /// The counts as sentences.
    pub(super) fn spots(&self) -> Vec<BlindSpot> {
        let mut spots = Vec::new();
        let spot = |kind: &str, text: String| BlindSpot {
            kind: kind.to_string(),
            text,
            connections: Vec::new(),
            packets: Vec::new(),
        };
        for (kind, text) in &self.files {
            spots.push(spot(kind, text.clone()));
        }
        spots.extend(self.unread.spots());
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
            let packets = packets.clone();
            spots.push(BlindSpot { kind: kind.to_string(), text, connections: Vec::new(), packets });
        }
        if let (count @ 1.., packets) = &self.unknown_midstream {
            let text = format!(
                "{count} {} open before the capture began, and nothing in {} bytes shows the structure of WebSocket frames. {} too \
                 few frames here to be recognised. Start the capture before the clients connect.",
                if *count == 1 { "connection was" } else { "connections were" },
                if *count == 1 { "its" } else { "their" },
                if *count == 1 { "If it is one, it has" } else { "A WebSocket among them has" },
            );
            let (kind, packets) = ("unrecognised-midstream".to_string(), packets.clone());
            spots.push(BlindSpot { kind, text, connections: Vec::new(), packets });
        }
        let mut add = |kind: &str, text: String| spots.push(spot(kind, text));
        if self.half_open_evicted > 0 {
            let text = format!(
                "{} TCP connections that were never completed were given up, oldest first, because more than {} were open at \
                 once: a SYN flood or a port scan. WebSocket connections are not affected.",
                self.half_open_evicted,
                limits::HALF_OPEN_FLOWS
            );
            add("half-open-evicted", text);
        }
        if self.undecided_evicted > 0 {
            let text = format!(
                "{} TCP connections that were no WebSocket yet were given up, oldest first, because more than {} were open at \
                 once: an upgrade on one of them after that was not seen. Filter the capture by the port in question.",
                self.undecided_evicted,
                limits::UNDECIDED_FLOWS
            );
            add("flows-evicted", text);
        }
        if self.unlisted_handshakes > 0 {
            let text = format!(
                "{} more failed handshakes are not listed: at most {} are, and of one connection at most {}.",
                self.unlisted_handshakes,
                limits::FAILED_HANDSHAKES,
                limits::FAILED_HANDSHAKES_OF_FLOW
            );
            add("unlisted-handshakes", text);
        }
        if self.unfollowed_streams > 0 {
            let text = format!(
                "{} more WebSockets in HTTP/2 streams are left out: at most {} are followed in one connection.",
                self.unfollowed_streams,
                limits::HTTP2_STREAMS
            );
            add("unlisted-streams", text);
        }
        if self.unread_header_blocks > 0 {
            let blocks = usize::try_from(self.unread_header_blocks).unwrap_or(usize::MAX);
            let text = format!(
                "{} of HTTP/2 could not be read: one before is missing or damaged, and each builds on those before it (RFC 7541 \
                 section 2.3). WebSockets that were asked for or answered there are not in this report. Record from the beginning \
                 of the connection, with a larger buffer (tcpdump -B 16384).",
                words::count(blocks, "header block", "header blocks")
            );
            add("http2-headers", text);
        }
        if self.unlisted_attempts > 0 {
            let text = format!(
                "{} more TCP connections that were refused or never answered are left out: at most {} are looked at.",
                self.unlisted_attempts,
                limits::FAILED_ATTEMPTS
            );
            add("unlisted-attempts", text);
        }
        if self.unknown_interfaces > 0 {
            let text = format!(
                "{} {} an interface that the file does not describe: what they hold is not in this report. Copy the file again \
                 from where it was recorded.",
                packets_of(self.unknown_interfaces),
                if self.unknown_interfaces == 1 { "names" } else { "name" }
            );
            add("unknown-interface", text);
        }
        for (why, (count, ports)) in &self.tls {
            let ports: Vec<String> = ports.iter().map(ToString::to_string).collect();
            let connections = if *count == 1 { "connection" } else { "connections" };
            let why = if why.is_empty() { "too little of it is in the capture" } else { why };
            let text = format!(
                "{count} TLS {connections} (port {}) could not be read, so that WebSockets inside are invisible: {why}.",
                ports.join(", ")
            );
            add("encrypted", text);
        }
        spots
    }
}

fn packets_of(count: u64) -> String {
    if count == 1 { "1 packet".to_string() } else { format!("{count} packets") }
}
