//! The report: one value that every format is a view of.
//!
//! Its JSON form is a contract: fields may be added, never renamed or dropped within a major [`SCHEMA_VERSION`].
//! Sizes are bytes, times RFC 3339 UTC, packets `frame.number` of the capture named by `capture`, unknown is `null`. Where
//! there are several captures, each packet has its own beside it: `packet_capture`, an index into `captures`.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use serde::Serialize;

use crate::ids::{PacketNumber, Side, Timestamp};
use packet::{as_first_packet, as_last_packet, as_opening_packet, as_packet, as_packet_or_null, as_packets};

mod packet;

/// Version of the JSON form.
pub const SCHEMA_VERSION: &str = "1.0";

/// A whole report.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// See [`SCHEMA_VERSION`].
    pub schema_version: &'static str,
    /// The program that made it.
    pub tool: Tool,
    /// The files it speaks of.
    pub captures: Vec<Capture>,
    /// The whole in numbers.
    pub summary: Summary,
    /// Every WebSocket connection.
    #[allow(clippy::vec_box)]
    // each takes the place of the record that it is made from, so that both are never held
    pub connections: Vec<Box<ConnectionReport>>,
    /// What connections have in common.
    pub incidents: Vec<Incident>,
    /// Upgrade requests that did not become WebSocket connections.
    pub handshake_failures: Vec<HandshakeFailure>,
    /// What the captures could not show.
    pub blind_spots: Vec<BlindSpotReport>,
    /// Where the secrets came from that open TLS; `null` where none were named and none were found.
    pub keys: Option<Keys>,
}

/// Where secrets came from. What they are stands in no report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Keys {
    /// The key logs that were named.
    pub logs: Vec<KeyLogReport>,
    /// Connections that the captures themselves brought secrets of.
    pub from_captures: u64,
}

/// A key log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyLogReport {
    /// As given.
    pub path: String,
    /// `SSLKEYLOGFILE` named it, not the command line.
    pub from_environment: bool,
    /// Whether it could be read to its end.
    pub read: bool,
    /// Connections that it brought the first secret of.
    pub connections: u64,
    /// Lines that are no key log's, or cut.
    pub malformed_lines: u64,
    /// Secrets that were too many to keep.
    pub secrets_beyond_limit: u64,
}

/// Name and version of the program.
#[derive(Debug, Clone, Serialize)]
pub struct Tool {
    /// `wsdiag`.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
}

/// A capture file.
#[derive(Debug, Clone, Serialize)]
pub struct Capture {
    /// As given on the command line.
    pub path: String,
    /// `pcap` or `pcapng`.
    pub format: String,
    /// In order of appearance.
    pub link_types: Vec<String>,
    /// Packets read.
    pub packets: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Time of the first packet.
    pub first_packet_at: Option<Time>,
    /// Time of the last packet.
    pub last_packet_at: Option<Time>,
}

impl Capture {
    /// Names that tell captures apart in a sentence: the last part of the path where that is enough, else all of it.
    pub fn short_names<'a>(paths: impl Iterator<Item = &'a str> + Clone) -> Vec<String> {
        let last = |path: &'a str| path.rsplit(['/', '\\']).next().unwrap_or(path);
        let mut count: BTreeMap<&str, usize> = BTreeMap::new();
        paths.clone().for_each(|path| *count.entry(last(path)).or_default() += 1);
        paths.map(|path| if count.get(last(path)) == Some(&1) { last(path) } else { path }.to_string()).collect()
    }
}

/// The whole in numbers.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// The answer in one sentence.
    pub headline: String,
    /// WebSocket connections.
    pub connections: usize,
    /// Of those, and of the refused handshakes, the ones with severity `problem`.
    pub problems: usize,
    /// Connections by `end.code`; connections without one are left out.
    pub by_code: BTreeMap<String, usize>,
    /// Connections by `diagnosis.cause`.
    pub by_cause: BTreeMap<String, usize>,
}

/// A time that serializes as RFC 3339.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub Timestamp);

impl Serialize for Time {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.0.rfc3339())
    }
}

/// An address and port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Address {
    /// IPv4 or IPv6.
    pub ip: IpAddr,
    /// TCP port.
    pub port: u16,
}

impl From<SocketAddr> for Address {
    fn from(a: SocketAddr) -> Self {
        Address { ip: a.ip(), port: a.port() }
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        SocketAddr::new(self.ip, self.port).fmt(f)
    }
}

/// A pair of values, one for each side.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Both<T> {
    /// The client's.
    pub client: T,
    /// The server's.
    pub server: T,
}

impl<T> Both<T> {
    /// The value of `side`.
    pub fn of(&self, side: Side) -> &T {
        match side {
            Side::Client => &self.client,
            Side::Server => &self.server,
        }
    }
}

/// A WebSocket connection.
#[derive(Debug, Clone, Serialize)]
pub struct ConnectionReport {
    /// From 1, in order of the first packet.
    pub id: usize,
    /// Index into `captures`.
    pub capture: usize,
    /// Wireshark's `tcp.stream`.
    pub tcp_stream: u32,
    /// The other captures that hold packets of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also_in: Vec<Elsewhere>,
    /// The HTTP/2 stream, where HTTP/2 carried it.
    pub http2_stream: Option<u32>,
    /// Who asked for the upgrade.
    pub client: Address,
    /// Who answered.
    pub server: Address,
    /// `ws://host/path`, secrets in the query masked; `None` when the handshake was not captured.
    pub url: Option<String>,
    /// Time of the 101.
    pub opened_at: Option<Time>,
    /// Packet of the 101.
    #[serde(flatten, serialize_with = "as_opening_packet")]
    pub opening_packet: Option<PacketNumber>,
    /// Whether the handshake is not in the capture: begun before it, lost or cut.
    pub joined_midstream: bool,
    /// TLS facts; `None` for plain TCP.
    pub tls: Option<TlsReport>,
    /// The opening handshake.
    pub handshake: Option<Arc<HandshakeReport>>,
    /// Who the two ends are, where that is known.
    pub implementations: Both<Option<Arc<ImplementationReport>>>,
    /// What each side sent.
    pub traffic: Both<Traffic>,
    /// How it ended.
    pub end: End,
    /// Why; `None` only for connections that are open and healthy.
    pub diagnosis: Option<Diagnosis>,
}

/// The TLS around a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TlsReport {
    /// `1.0` to `1.3`.
    pub version: Option<String>,
    /// The cipher suite's registered name.
    pub cipher_suite: Option<String>,
    /// The name that the client asked for.
    pub server_name: Option<String>,
    /// The application protocol agreed on.
    pub alpn: Option<String>,
    /// Whether its records were opened.
    pub decrypted: bool,
    /// Why not, in a sentence.
    pub why_not: Option<String>,
}

/// A connection in another capture than the one that it begins in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Elsewhere {
    /// Index into `captures`.
    pub capture: usize,
    /// Its `tcp.stream` there.
    pub tcp_stream: u32,
}

/// The opening handshake.
#[derive(Debug, Clone, Serialize)]
pub struct HandshakeReport {
    /// The status code of the answer.
    pub status: Option<u16>,
    /// The agreed subprotocol.
    pub subprotocol: Option<String>,
    /// Names of the agreed extensions.
    pub extensions: Vec<String>,
    /// Whether `Sec-WebSocket-Accept` fits the key.
    pub accept_valid: Option<bool>,
    /// The `Server` field of the answer.
    pub server_header: Option<String>,
    /// The `User-Agent` field of the request.
    pub user_agent: Option<String>,
}

/// A recognised implementation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ImplementationReport {
    /// Stable id, for example `node-ws`.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// How sure that is.
    pub confidence: Confidence,
    /// What it was recognised by.
    pub because: String,
    /// Ids of the others that it could be.
    pub alternatives: Vec<String>,
}

/// What one side sent.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Traffic {
    /// Complete data messages.
    pub messages: u64,
    /// Their payload after inflating.
    pub payload_bytes: u64,
    /// The largest complete message.
    pub largest_message_bytes: Option<u64>,
}

/// How a connection ended.
#[derive(Debug, Clone, Serialize)]
pub struct End {
    /// The first Close on the wire; 1005 when it was empty; 1006 when the connection ended without one; `None` while it is
    /// open at the end of the capture, its end was not seen, or its Close may be among what the capture lacks.
    pub code: Option<u16>,
    /// Who sent the first Close.
    pub initiator: Option<Initiator>,
    /// Both Close frames seen, codes legal, TCP closed after.
    pub clean: bool,
    /// The Close frames, in order.
    pub close_frames: Vec<CloseReport>,
    /// The TCP ending; of a WebSocket in HTTP/2 that of its stream, END_STREAM as `fin` and RST_STREAM as `rst`.
    pub tcp: TcpReport,
    /// What HTTP/2 said at the end, where it carried the WebSocket and said something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http2: Option<Http2Report>,
}

/// Who sent the first Close.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Initiator {
    /// The client.
    Client,
    /// The server.
    Server,
    /// Both, before either had the other's.
    Both,
}

impl From<Side> for Initiator {
    fn from(side: Side) -> Self {
        match side {
            Side::Client => Initiator::Client,
            Side::Server => Initiator::Server,
        }
    }
}

/// A Close frame.
#[derive(Debug, Clone, Serialize)]
pub struct CloseReport {
    /// Who sent it.
    pub from: Side,
    /// `None` when it is empty.
    pub code: Option<u16>,
    /// Bytes that are not UTF-8 replaced.
    pub reason: String,
    /// Its packet.
    #[serde(flatten, serialize_with = "as_packet")]
    pub packet: PacketNumber,
    /// Its time.
    pub at: Time,
}

/// The TCP ending.
#[derive(Debug, Clone, Serialize)]
pub struct TcpReport {
    /// `fin`, `rst`, `timeout` (the peer stopped answering) or `none`.
    pub how: &'static str,
    /// Who sent it, or gave up.
    pub by: Option<Side>,
    /// Its packet; of a FIN that is not in the capture the one that acknowledged it.
    #[serde(flatten, serialize_with = "as_packet_or_null")]
    pub packet: Option<PacketNumber>,
    /// Its time.
    pub at: Option<Time>,
    /// Whether it is a FIN that is not in the capture.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub inferred: bool,
}

/// How HTTP/2 ended the stream of a WebSocket, as far as it did.
#[derive(Debug, Clone, Serialize)]
pub struct Http2Report {
    /// The first RST_STREAM of the stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reset: Option<Http2EndReport>,
    /// The first GOAWAY of the connection around it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goaway: Option<Http2EndReport>,
}

/// A RST_STREAM or GOAWAY.
#[derive(Debug, Clone, Serialize)]
pub struct Http2EndReport {
    /// Who sent it.
    pub by: Side,
    /// Its error code.
    pub code: u32,
    /// The code's name in RFC 9113 section 7.
    pub name: &'static str,
    /// Its packet.
    #[serde(flatten, serialize_with = "as_packet_or_null")]
    pub packet: Option<PacketNumber>,
    /// Its time.
    pub at: Time,
}

/// How bad an ending is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Nothing to do.
    Normal,
    /// Worth knowing; nobody failed.
    Notice,
    /// Somebody has to change something.
    Problem,
}

/// How sure a statement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// It fits, and so do others.
    Possible,
    /// It fits, and the alternatives are ruled out.
    Likely,
    /// The capture proves it.
    Certain,
}

impl Confidence {
    /// The word that reports use.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Confidence::Possible => "possible",
            Confidence::Likely => "likely",
            Confidence::Certain => "certain",
        }
    }
}

/// Who provoked a close, or who has to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Party {
    /// The client and its owner.
    Client,
    /// The server and its owner.
    Server,
    /// A proxy, load balancer or other box between them.
    Proxy,
    /// The network between them.
    Network,
    /// Either side can.
    Either,
    /// Nobody has to.
    Nobody,
}

impl Party {
    /// The word that reports use.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Party::Client => "client",
            Party::Server => "server",
            Party::Proxy => "proxy",
            Party::Network => "network",
            Party::Either => "either",
            Party::Nobody => "nobody",
        }
    }
}

impl From<Side> for Party {
    fn from(side: Side) -> Self {
        match side {
            Side::Client => Party::Client,
            Side::Server => Party::Server,
        }
    }
}

/// Why a connection ended.
#[derive(Debug, Clone, Serialize)]
pub struct Diagnosis {
    /// Stable id of the cause.
    pub cause: &'static str,
    /// How bad.
    pub severity: Severity,
    /// How sure.
    pub confidence: Confidence,
    /// One line, no full stop.
    pub title: String,
    /// What happened and why, in sentences with packet numbers.
    pub explanation: String,
    /// Who provoked the close; `None` when that is unknown.
    pub caused_by: Option<Party>,
    /// Who most likely has to change; `None` when that is unknown.
    pub change: Option<Party>,
    /// For `protocol-violation`: the rule that was broken.
    pub violation: Option<&'static str>,
    /// The message that caused it.
    pub message: Option<Box<MessageReport>>,
    /// The limit that refused it.
    pub limit: Option<Box<LimitReport>>,
    /// What proves it.
    pub evidence: Vec<Evidence>,
    /// What to change.
    pub fixes: Vec<Fix>,
    /// What else it could have been and why it is not.
    pub ruled_out: Vec<RuledOut>,
    /// A Wireshark display filter that shows it.
    pub display_filter: String,
}

/// The message that caused a close.
#[derive(Debug, Clone, Serialize)]
pub struct MessageReport {
    /// Who sent it.
    pub from: Side,
    /// `text`, `binary` or, for a bad reason, `close`.
    pub opcode: &'static str,
    /// After inflating; what was seen of an unfinished one.
    pub payload_bytes: Option<u64>,
    /// On the wire.
    pub wire_bytes: u64,
    /// As its frame headers announced.
    pub declared_bytes: u64,
    /// Frames.
    pub fragments: u32,
    /// Marked as compressed.
    pub compressed: bool,
    /// Seen to its end.
    pub complete: bool,
    /// Packet of its first byte.
    #[serde(flatten, serialize_with = "as_first_packet")]
    pub first_packet: PacketNumber,
    /// Packet of its last byte seen.
    #[serde(flatten, serialize_with = "as_last_packet")]
    pub last_packet: PacketNumber,
    /// Where it stops being UTF-8.
    pub invalid_utf8: Option<InvalidUtf8Report>,
    /// Its first bytes, escaped.
    pub excerpt: Option<String>,
}

/// Where a text stops being UTF-8.
#[derive(Debug, Clone, Serialize)]
pub struct InvalidUtf8Report {
    /// Payload offset in the message.
    pub offset: u64,
    /// The bytes at fault.
    pub bytes_hex: String,
    /// The packet that holds them.
    #[serde(flatten, serialize_with = "as_packet")]
    pub packet: PacketNumber,
    /// Kind of ill-formed sequence.
    pub class: crate::connection::Utf8Class,
    /// What the data looks like.
    pub looks_like: Option<String>,
}

/// A size limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LimitReport {
    /// The limit; `None` when it is only bracketed.
    pub bytes: Option<u64>,
    /// Where the number comes from.
    pub basis: LimitBasis,
    /// The largest size that passed.
    pub accepted_up_to: Option<u64>,
    /// The smallest size that was refused.
    pub refused_from: Option<u64>,
    /// The setting's name.
    pub setting: Option<String>,
}

/// Where a limit's number comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LimitBasis {
    /// The close reason names it.
    StatedInReason,
    /// The identified implementation's default lies between accepted and refused.
    KnownDefault,
    /// Between the largest accepted and the smallest refused.
    Bracketed,
}

/// A fact that supports a diagnosis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// Stable kebab-case kind.
    pub kind: &'static str,
    /// One sentence.
    pub text: String,
    /// The packets that show it.
    #[serde(flatten, serialize_with = "as_packets")]
    pub packets: Vec<PacketNumber>,
}

/// Something to change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fix {
    /// Whose lever it is.
    #[serde(rename = "for")]
    pub party: Party,
    /// What to do, in one sentence.
    pub text: String,
    /// A line of code or configuration.
    pub example: Option<String>,
    /// Where that is documented.
    pub source: Option<String>,
}

/// An alternative that the capture excludes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuledOut {
    /// Its id.
    pub cause: &'static str,
    /// Why not.
    pub because: String,
}

/// What several connections have in common.
#[derive(Debug, Clone, Serialize)]
pub struct Incident {
    /// `mass-close`, `mass-drop`, `reconnect-storm`, `retry-loop`, `recurring-timeout`, `proxy-legs` or `near-limit`.
    pub kind: &'static str,
    /// Id of the common cause.
    pub cause: Option<&'static str>,
    /// One line, no full stop.
    pub title: String,
    /// Connection ids.
    pub connections: Vec<usize>,
    /// When it began.
    pub from: Option<Time>,
    /// When it ended.
    pub to: Option<Time>,
    /// What shows it.
    pub evidence: Vec<Evidence>,
    /// What to change.
    pub fixes: Vec<Fix>,
}

impl Incident {
    /// For conversations seen on both sides of a proxy: the connection that tells more and the one that tells the same
    /// again, as ids. Legs with different causes are two stories and not among them.
    #[must_use]
    pub fn other_legs<'a>(&self, by_id: impl Fn(usize) -> Option<&'a ConnectionReport>) -> Vec<(usize, usize)> {
        if self.kind != "proxy-legs" {
            return Vec::new();
        }
        let story = |c: &'a ConnectionReport| c.diagnosis.as_ref().map(|d| (d.cause, d.severity));
        let same = self.connections.chunks_exact(2).filter_map(|pair| {
            let &[front, back] = pair else { return None };
            let behind = by_id(back)?;
            if story(by_id(front)?) != story(behind) {
                return None;
            }
            // What the server did or has to change shows on its own connection.
            let server = Some(Party::Server);
            let tells = behind.diagnosis.as_ref().is_some_and(|d| d.caused_by == server || d.change == server);
            Some(if tells { (back, front) } else { (front, back) })
        });
        same.collect()
    }
}

/// An upgrade request that did not become a WebSocket connection.
#[derive(Debug, Clone, Serialize)]
pub struct HandshakeFailure {
    /// Index into `captures`.
    pub capture: usize,
    /// Wireshark's `tcp.stream`.
    pub tcp_stream: u32,
    /// Who asked.
    pub client: Address,
    /// Who was asked.
    pub server: Address,
    /// What for.
    pub url: Option<String>,
    /// The answer's status; `None` when there was none.
    pub status: Option<u16>,
    /// `handshake-refused`, `handshake-invalid` or `handshake-unanswered`.
    pub cause: &'static str,
    /// How bad.
    pub severity: Severity,
    /// One line, no full stop.
    pub title: String,
    /// What happened and why.
    pub explanation: String,
    /// Packet of the request.
    #[serde(flatten, serialize_with = "as_packet")]
    pub packet: PacketNumber,
    /// Who most likely has to change.
    pub change: Option<Party>,
    /// What shows it.
    pub evidence: Vec<Evidence>,
    /// What to change.
    pub fixes: Vec<Fix>,
    /// A Wireshark display filter that shows it.
    pub display_filter: String,
}

/// What a capture could not show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BlindSpotReport {
    /// Stable kebab-case kind.
    pub kind: String,
    /// One sentence, with what to do next time where there is something.
    pub text: String,
    /// Connection ids it concerns.
    pub connections: Vec<usize>,
    /// Packets that show it.
    #[serde(flatten, serialize_with = "as_packets")]
    pub packets: Vec<PacketNumber>,
}
