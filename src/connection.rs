//! The finished, owned story of one connection: the boundary between parsing and diagnosis.
//!
//! Everything above this file reads packets; nothing below it sees one. The records here are facts, not verdicts: they
//! serialize, so that a cause can be tested from a JSON file and records of several captures can be diagnosed together.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::ids::{Origin, PacketNumber, Side, StreamOffset, Timestamp};

mod first_close;
mod handshake;
mod http2;
mod lost;
mod message;
mod tls;

pub use first_close::FirstClose;
pub use handshake::{Deflate, Handshake, HandshakeViolation, Head, KEY, KEY_BYTES};
pub use http2::{Http2Facts, Stall, StreamEnd, StreamReset};
pub use lost::{Losses, Lost};
pub use message::{
    DataType, Defect, Head32, InflateFailure, InflateFinding, Inline, InvalidUtf8, Message, OlderSizes, SplitCharacter,
    Utf8Class, hex,
};
pub use tls::{KeyFacts, KeyLogFacts, TlsFacts, TlsUnread};

/// Everything that was seen in the captures of one run, in order of the first packet.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Observations {
    /// The files that were read.
    pub captures: Vec<CaptureFacts>,
    /// The WebSocket connections.
    pub connections: Vec<Connection>,
    /// Upgrade requests that did not become a WebSocket connection.
    pub failed_handshakes: Vec<FailedHandshake>,
    /// TCP connection attempts that were refused or never answered.
    pub failed_attempts: Vec<FailedAttempt>,
    /// What could not be seen, apart from what stands in the connections themselves.
    pub blind_spots: Vec<BlindSpot>,
    /// Where the secrets came from that opened TLS.
    #[serde(default)]
    pub keys: KeyFacts,
}

/// What is known of one capture file.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct CaptureFacts {
    /// The path as given.
    pub path: String,
    /// `pcap` or `pcapng`.
    pub format: String,
    /// Names of the link types of its packets, in order of appearance.
    pub link_types: Vec<String>,
    /// Packets read.
    pub packets: u64,
    /// Bytes of the file read.
    pub bytes: u64,
    /// Time of the first packet.
    pub first_packet_at: Option<Timestamp>,
    /// Time of the last packet.
    pub last_packet_at: Option<Timestamp>,
}

/// One WebSocket connection, or one TCP connection that was recognised as carrying WebSocket.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Connection {
    /// Index into [`Observations::captures`].
    pub capture: usize,
    /// Wireshark's `tcp.stream`.
    pub tcp_stream: u32,
    /// The other captures that hold packets of it, and its `tcp.stream` there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[allow(clippy::box_collection)] // most connections have none, and 100,000 of them may be kept
    pub also_in: Option<Box<Vec<(usize, u32)>>>,
    /// The end that asked for the upgrade.
    pub client: SocketAddr,
    /// The end that answered.
    pub server: SocketAddr,
    /// The first packet of the TCP connection.
    pub first: Origin,
    /// The last packet of the TCP connection.
    pub last: Origin,
    /// The initial sequence numbers of client and server; `None` unless both SYNs were captured.
    #[serde(default)]
    pub initial_sequence: Option<[u32; 2]>,
    /// Whether the opening handshake is not in the capture: begun before it, lost or cut. The connection was then recognised by
    /// the structure of its frames.
    pub joined_midstream: bool,
    /// The HTTP/2 stream that carried it; `None` for HTTP/1.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http2: Option<Box<Http2Facts>>,
    /// The TLS around it; `None` for plain TCP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Box<TlsFacts>>,
    /// The opening handshake; `None` when it was not captured.
    pub handshake: Option<Box<Handshake>>,
    /// The upgrade request, where its answer was not captured.
    pub request: Option<Box<Head>>,
    /// What the client sent.
    pub from_client: Box<Sent>,
    /// What the server sent.
    pub from_server: Box<Sent>,
    /// The first FIN or RST of the connection, on the wire.
    pub tcp_end: Option<TcpEnd>,
    /// What was odd about its TCP; `None` when nothing was.
    #[serde(default)]
    pub tcp_anomalies: Option<Box<TcpAnomalies>>,
    /// Time of the last packet of the whole capture: what happened after it is unknown.
    pub capture_end: Timestamp,
}

impl Connection {
    /// What `side` sent.
    #[must_use]
    pub fn sent_by(&self, side: Side) -> &Sent {
        match side {
            Side::Client => &self.from_client,
            Side::Server => &self.from_server,
        }
    }

    /// The address of `side`.
    #[must_use]
    pub fn address(&self, side: Side) -> SocketAddr {
        match side {
            Side::Client => self.client,
            Side::Server => self.server,
        }
    }

    /// All Close frames of both sides in the order in which they were captured.
    #[must_use]
    pub fn closes(&self) -> Vec<(Side, &CloseFrame)> {
        let mut all: Vec<_> = self
            .from_client
            .closes
            .iter()
            .map(|c| (Side::Client, c))
            .chain(self.from_server.closes.iter().map(|c| (Side::Server, c)))
            .collect();
        all.sort_by_key(|(side, c)| (c.origin, *side));
        all
    }

    /// When the WebSocket connection opened (the 101), or the first packet seen where that was not captured.
    #[must_use]
    pub fn opened(&self) -> Origin {
        self.handshake.as_ref().map_or(self.first, |h| h.response.origin)
    }
}

/// What one side sent over a connection.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Sent {
    /// Complete data messages.
    pub messages: u64,
    /// Payload bytes of data messages, after inflating where that was possible.
    pub payload_bytes: u64,
    /// Frames of any kind.
    pub frames: u64,
    /// Of those, data frames that were not whole messages (FIN 0 or continuation).
    pub fragments: u64,
    /// The last messages before the first Close of this side, oldest first, at most [`crate::limits::RECENT_MESSAGES`];
    /// an unfinished one is the last and has `complete == false`.
    pub recent: Vec<Message>,
    /// The largest complete message that is not among `recent`.
    pub largest: Option<Box<Message>>,
    /// The sizes of all complete messages that are not among `recent`.
    pub older: OlderSizes,
    /// The first messages with a defect, at most [`crate::limits::DEFECTIVE_MESSAGES`].
    pub defective: Vec<Message>,
    /// Messages with a defect in all.
    pub defects: u64,
    /// The Close frames, in order.
    pub closes: Vec<CloseFrame>,
    /// Pings sent and how they were answered; `None` when there were none. See [`Sent::pings`].
    pub ping_facts: Option<Box<Pings>>,
    /// Pongs sent.
    pub pongs: u64,
    /// Broken rules of RFC 6455 and RFC 7692, at most [`crate::limits::VIOLATIONS`].
    pub violations: Vec<Violation>,
    /// The last frame other than Close before the first Close of either side.
    pub last_frame: Option<Origin>,
    /// The last frame of a data message before the first Close of either side.
    pub last_message: Option<Origin>,
    /// Where the last frame of which the header was read ends, by the length that it names; 0 when there was none. What is
    /// missing up to here was counted; behind it may have been further frames.
    #[serde(default)]
    pub frames_end: StreamOffset,
    /// The last packet of any kind.
    pub last_packet: Option<Origin>,
    /// The first FIN.
    pub fin: Option<Origin>,
    /// The first RST.
    pub rst: Option<Box<Origin>>,
    /// How far the other side acknowledged it.
    pub acknowledged_to: StreamOffset,
    /// Segments that carried again what had been sent before.
    pub retransmissions: u32,
    /// Of those, the ones after the last packet of the other side.
    pub unanswered_retransmissions: u32,
    /// When the first byte that was never acknowledged was first sent.
    pub unacknowledged_since: Option<Box<Origin>>,
    /// What of it the capture lacks.
    #[serde(default)]
    pub lost: Lost,
}

impl Sent {
    /// Pings sent and how they were answered.
    #[must_use]
    pub fn pings(&self) -> &Pings {
        const NONE: &Pings = &Pings { sent: 0, answered: 0, first_unanswered: None, last: None, interval: None };
        self.ping_facts.as_deref().unwrap_or(NONE)
    }

    /// Whether the capture holds nothing of what this side sent.
    #[must_use]
    pub fn is_unseen(&self) -> bool {
        self.last_packet.is_none() && self.frames == 0 && self.recent.is_empty() && self.closes.is_empty()
    }

    /// Whether this side is known to have sent no data, Ping or Pong before that moment.
    #[must_use]
    pub fn is_silent_before(&self, end: Origin) -> bool {
        let heartbeats = self.pongs + self.pings().sent;
        let all_kept = self.messages <= self.recent.len() as u64;
        let later = self.recent.iter().all(|m| m.first > end);
        heartbeats == 0 && all_kept && later && self.lost.gaps.is_empty()
    }

    /// Keeps no message: a calm ending needs none, and of a finished connection only a few hundred bytes shall stay.
    pub fn forget_messages(&mut self) {
        for message in std::mem::take(&mut self.recent) {
            self.older.add(&message);
        }
        self.largest = None;
    }

    /// The last messages and the largest one, in order.
    #[must_use]
    pub fn kept_messages(&self) -> Vec<&Message> {
        self.largest.as_deref().into_iter().chain(&self.recent).collect()
    }

    /// The payload of the largest complete message.
    #[must_use]
    pub fn largest_message(&self) -> Option<u64> {
        let recent = self.recent.iter().filter(|m| m.complete).map(Message::size).max();
        (self.messages > 0).then(|| recent.unwrap_or(0).max(self.older.messages[0]))
    }
}

/// Pings of one side (RFC 6455 section 5.5.2).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Pings {
    /// How many were sent.
    pub sent: u64,
    /// How many of them a later Pong of the other side answered.
    pub answered: u64,
    /// The first one that no later Pong answered.
    pub first_unanswered: Option<Origin>,
    /// The last one.
    pub last: Option<Origin>,
    /// Nanoseconds between the last two.
    pub interval: Option<i64>,
}

/// A Close frame (RFC 6455 section 5.5.1).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CloseFrame {
    /// The status code; `None` when the frame has no body (an API then reports 1005), or its body is missing.
    pub code: Option<u16>,
    /// The reason, bytes that are not UTF-8 replaced; up to the last whole word where its end is missing.
    pub reason: String,
    /// Byte offset in the reason of the first byte that is not UTF-8.
    pub reason_invalid_at: Option<usize>,
    /// The reason's bytes where they are not UTF-8, at most 123.
    pub reason_bytes: Vec<u8>,
    /// Payload length of the frame.
    pub length: u64,
    /// The packet that carried its last byte.
    pub origin: Origin,
    /// Where its header begins in the closer's stream.
    pub start: StreamOffset,
    /// How far into the other side's stream the closer had acknowledged when it sent this.
    pub acknowledged: StreamOffset,
    /// Bytes at the end of its body that the capture lacks.
    #[serde(default)]
    pub missing: u64,
    /// Found by searching after lost bytes, not by following the frames.
    pub searched: bool,
}

/// A broken rule of the protocol.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Violation {
    /// Which rule.
    pub rule: Rule,
    /// The packet.
    pub origin: Origin,
    /// Where the frame begins in the stream.
    pub start: StreamOffset,
    /// The number that broke it: the opcode, the length, the code or the reserved bits.
    pub value: u64,
}

/// The rules of RFC 6455 and RFC 7692 whose breach wsdiag records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// A client's frame without a mask (RFC 6455 section 5.1).
    UnmaskedClientFrame,
    /// A server's frame with a mask (RFC 6455 section 5.1).
    MaskedServerFrame,
    /// RSV2 or RSV3 set, or RSV1 in a way that no agreed extension explains (section 5.2).
    ReservedBits,
    /// Opcode 3-7 or 11-15 (section 5.2).
    ReservedOpcode,
    /// A control frame with FIN 0 (section 5.5).
    FragmentedControlFrame,
    /// A control frame above 125 bytes (section 5.5).
    OversizedControlFrame,
    /// A continuation without a message to continue (section 5.4).
    UnexpectedContinuation,
    /// A new message before the last one was finished (section 5.4).
    UnfinishedMessage,
    /// A length in more bytes than it needs (section 5.2).
    NonMinimalLength,
    /// A 64-bit length with its highest bit set (section 5.2).
    LengthHighBit,
    /// A close code that must not be sent (section 7.4).
    InvalidCloseCode,
    /// A Close with a body of one byte (section 5.5.1).
    OneByteClose,
    /// RSV1 set although permessage-deflate was not agreed (RFC 7692 section 6).
    CompressedWithoutExtension,
    /// RSV1 on a control frame or a continuation (RFC 7692 section 6.1).
    CompressedControlOrContinuation,
    /// Frames after a Close (RFC 6455 section 5.5.1).
    DataAfterClose,
    /// An HTTP response where a frame should begin (RFC 6455 section 4.2.2: after the 101 the stream belongs to frames).
    HttpResponse,
}

impl Rule {
    /// The kebab-case name that reports use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Rule::UnmaskedClientFrame => "unmasked-client-frame",
            Rule::MaskedServerFrame => "masked-server-frame",
            Rule::ReservedBits => "reserved-bits",
            Rule::ReservedOpcode => "reserved-opcode",
            Rule::FragmentedControlFrame => "fragmented-control-frame",
            Rule::OversizedControlFrame => "oversized-control-frame",
            Rule::UnexpectedContinuation => "unexpected-continuation",
            Rule::UnfinishedMessage => "unfinished-message",
            Rule::NonMinimalLength => "non-minimal-length",
            Rule::LengthHighBit => "length-high-bit",
            Rule::InvalidCloseCode => "invalid-close-code",
            Rule::OneByteClose => "one-byte-close",
            Rule::CompressedWithoutExtension => "compressed-without-extension",
            Rule::CompressedControlOrContinuation => "compressed-control-or-continuation",
            Rule::DataAfterClose => "data-after-close",
            Rule::HttpResponse => "http-response",
        }
    }
}

/// Bytes of a stream that the capture lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// Where they begin.
    pub start: StreamOffset,
    /// How many.
    pub length: u64,
    /// The packet after which the gap was noticed.
    pub origin: Origin,
    /// Why they are missing.
    pub why: GapCause,
}

/// Why bytes of a stream are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GapCause {
    /// The packet is not in the capture.
    Lost,
    /// The capture's snap length cut the packet.
    SnapLength,
    /// More out-of-order data than the bounded window holds.
    WindowFull,
    /// The bytes passed before they were recognised as frames, and too many for the bounded window to hold.
    NotKept,
    /// Records of TLS or frames of HTTP/2 are missing, damaged or cut: how much they held can only be estimated.
    Unmeasured,
}

/// An acknowledgement of bytes that the capture lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advance {
    /// The packet that acknowledged them.
    pub origin: Origin,
    /// How many more than before.
    pub bytes: u64,
}

/// A place where frames were recognised by their structure: after lost bytes, or where the capture begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resync {
    /// Where the first frame recognised begins.
    pub start: StreamOffset,
    /// Bytes before it that were there and could not be read.
    pub skipped: u64,
    /// The packet with its first byte.
    pub origin: Origin,
    /// How sure it is.
    pub sure: Sure,
    /// Frames in a row that showed it.
    pub frames: u32,
}

/// How sure it is that bytes are frames, by the evidence that one candidate gathers before it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sure {
    /// Nothing speaks against it, at the end of a stream.
    Possible,
    /// About a million to one ([`crate::limits::RESYNC_BITS`]).
    Likely,
    /// Thousands of millions to one ([`crate::limits::RESYNC_CERTAIN_BITS`]).
    Certain,
}

impl Sure {
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Sure::Possible => "possible",
            Sure::Likely => "likely",
            Sure::Certain => "certain",
        }
    }
}

/// How the TCP connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TcpEnd {
    /// FIN or RST, whichever came first.
    pub how: TcpEndKind,
    /// Who sent it.
    pub by: Side,
    /// The packet; of an inferred end the one that acknowledged it.
    pub origin: Origin,
    /// The FIN is not in the capture: it is known from its acknowledgement, one number beyond everything that was sent.
    #[serde(default)]
    pub inferred: bool,
}

/// What is odd about the TCP of a connection, and how it was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TcpAnomalies {
    /// Segments with data or control bits that the capture holds a second time: left out.
    pub copies: u32,
    /// Segments that carried other bytes under sequence numbers that an earlier one had: the first bytes were read.
    pub conflicts: u32,
    /// The first of them.
    pub first_conflict: Option<Origin>,
    /// The first RST or FIN that its receiver did not take, since both ends went on or its number was behind the window
    /// (RFC 9293 section 3.10.7.4, RFC 5961 section 3.2): left out.
    pub ignored_end: Option<Origin>,
    /// Segments that carried data behind their sender's FIN: left out, as receivers do.
    pub after_fin: u32,
}

/// FIN or RST.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TcpEndKind {
    /// An orderly end (RFC 9293 section 3.6).
    Fin,
    /// A reset (RFC 9293 section 3.5.3).
    Rst,
}

/// An upgrade request that did not become a WebSocket connection.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FailedHandshake {
    /// Index into [`Observations::captures`].
    pub capture: usize,
    /// Wireshark's `tcp.stream`.
    pub tcp_stream: u32,
    /// The other captures that hold packets of it, and its `tcp.stream` there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[allow(clippy::box_collection)] // as in `Connection`
    pub also_in: Option<Box<Vec<(usize, u32)>>>,
    /// Who asked.
    pub client: SocketAddr,
    /// Who was asked.
    pub server: SocketAddr,
    /// Whether it came through TLS.
    #[serde(default)]
    pub secure: bool,
    /// The HTTP/2 stream that asked; `None` for HTTP/1.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http2: Option<Box<Http2Facts>>,
    /// The request.
    pub request: Head,
    /// The answer; `None` when there was none.
    pub response: Option<Head>,
    /// The first bytes of the answer's body, at most [`crate::limits::BODY_EXCERPT`].
    pub body: Vec<u8>,
    /// The rules that request and response broke.
    pub violations: Vec<HandshakeViolation>,
    /// How TCP ended.
    pub tcp_end: Option<TcpEnd>,
}

/// A TCP connection attempt that came to nothing.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct FailedAttempt {
    /// Index into [`Observations::captures`].
    pub capture: usize,
    /// Wireshark's `tcp.stream`.
    pub tcp_stream: u32,
    /// Who tried.
    pub client: SocketAddr,
    /// Whom.
    pub server: SocketAddr,
    /// The SYN.
    pub syn: Origin,
    /// The RST that refused it; `None` when nothing answered.
    pub refused: Option<Origin>,
}

/// Something that the capture could not show.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BlindSpot {
    /// A stable kebab-case name.
    pub kind: String,
    /// One sentence.
    pub text: String,
    /// Indexes into [`Observations::connections`]; empty when it concerns none in particular.
    pub connections: Vec<usize>,
    /// Packets that show it, at most a few.
    pub packets: Vec<PacketNumber>,
}
