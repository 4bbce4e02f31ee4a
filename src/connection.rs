//! The finished, owned story of one connection: the boundary between parsing and diagnosis.
//!
//! Everything above this file reads packets; nothing below it sees one. The records here are facts, not verdicts: they
//! serialize, so that a cause can be tested from a JSON file and records of several captures can be diagnosed together.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ids::{Origin, Side, StreamOffset, Timestamp};

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
    /// The end that asked for the upgrade.
    pub client: SocketAddr,
    /// The end that answered.
    pub server: SocketAddr,
    /// The first packet of the TCP connection.
    pub first: Origin,
    /// The last packet of the TCP connection.
    pub last: Origin,
    /// Whether the capture begins after the opening handshake.
    pub joined_midstream: bool,
    /// The opening handshake; `None` when it was not captured.
    pub handshake: Option<Box<Handshake>>,
    /// What the client sent.
    pub from_client: Box<Sent>,
    /// What the server sent.
    pub from_server: Box<Sent>,
    /// The first FIN or RST of the connection, on the wire.
    pub tcp_end: Option<TcpEnd>,
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
        all.sort_by_key(|(side, c)| (c.origin.packet, *side));
        all
    }

    /// When the WebSocket connection opened (the 101), or the first packet seen where that was not captured.
    #[must_use]
    pub fn opened(&self) -> Origin {
        self.handshake.as_ref().map_or(self.first, |h| h.response.origin)
    }
}

/// An HTTP/1.1 head (RFC 9112 section 2.1): request or response.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Head {
    /// The packet that completed it.
    pub origin: Origin,
    /// Start line and header lines as sent, CRLF included, without the empty line; bytes that are not UTF-8 are replaced.
    /// Shared between connections whose heads are the same.
    pub text: Arc<str>,
}

impl Default for Head {
    fn default() -> Self {
        Head { origin: Origin::default(), text: Arc::from("") }
    }
}

impl Head {
    fn lines(&self) -> impl Iterator<Item = &str> {
        self.text.split('\n').map(|l| l.strip_suffix('\r').unwrap_or(l))
    }

    /// The start line.
    #[must_use]
    pub fn start_line(&self) -> &str {
        self.lines().next().unwrap_or_default()
    }

    /// The header fields, in order.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.lines().skip(1).filter_map(|l| l.split_once(':')).map(|(n, v)| (n.trim(), v.trim()))
    }

    /// The value of the first field of that name, compared without case.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v)
    }

    /// The status code, when this is a response.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        let line = self.start_line();
        if !line.starts_with("HTTP/") {
            return None;
        }
        line.split(' ').nth(1)?.parse().ok()
    }

    /// The request target, when this is a request.
    #[must_use]
    pub fn target(&self) -> Option<&str> {
        let line = self.start_line();
        if line.starts_with("HTTP/") { None } else { line.split(' ').nth(1) }
    }
}

/// What stands in kept heads for `Sec-WebSocket-Key` and `Sec-WebSocket-Accept`, which differ on every connection.
pub const KEY: &str = "*";

/// The opening handshake of a WebSocket connection (RFC 6455 section 4).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Handshake {
    /// The value of `Sec-WebSocket-Key`. In the kept heads it and the answer to it are replaced by [`KEY`], so that the heads of
    /// one client program are the same on all its connections and are kept once.
    pub key: Option<Box<str>>,
    /// The client's request; `None` when only the response was captured.
    pub request: Option<Head>,
    /// The server's 101.
    pub response: Head,
    /// Whether `Sec-WebSocket-Accept` fits the key; `None` when the key was not captured.
    pub accept_valid: Option<bool>,
    /// permessage-deflate as agreed (RFC 7692); `None` when not agreed.
    pub deflate: Option<Deflate>,
    /// What both heads did against RFC 6455 section 4.
    pub violations: Vec<HandshakeViolation>,
}

/// The agreed parameters of permessage-deflate (RFC 7692 section 7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deflate {
    /// The server resets its context after each message.
    pub server_no_context_takeover: bool,
    /// The client resets its context after each message.
    pub client_no_context_takeover: bool,
    /// Base-2 logarithm of the server's LZ77 window: 8 to 15.
    pub server_max_window_bits: u8,
    /// Base-2 logarithm of the client's LZ77 window: 8 to 15.
    pub client_max_window_bits: u8,
}

/// A rule of RFC 6455 section 4 that an opening handshake broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HandshakeViolation {
    /// `Sec-WebSocket-Accept` is missing from the 101.
    MissingAccept,
    /// `Sec-WebSocket-Accept` does not fit the key.
    WrongAccept,
    /// The 101 lacks `Upgrade: websocket`.
    MissingUpgrade,
    /// The 101 lacks `Connection: Upgrade`.
    MissingConnection,
    /// The 101 names an extension that the client did not offer.
    ExtensionNotOffered,
    /// The 101 names a subprotocol that the client did not offer.
    SubprotocolNotOffered,
    /// The request has no `Sec-WebSocket-Key`.
    MissingKey,
    /// The head needed lenient parsing: a strict peer would have refused it.
    MalformedHead,
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
    /// Pings sent and how they were answered.
    pub pings: Pings,
    /// Pongs sent.
    pub pongs: u64,
    /// Broken rules of RFC 6455 and RFC 7692, at most [`crate::limits::VIOLATIONS`].
    pub violations: Vec<Violation>,
    /// The last frame other than Close before the first Close of either side.
    pub last_frame: Option<Origin>,
    /// The last frame of a data message before the first Close of either side.
    pub last_message: Option<Origin>,
    /// The last packet of any kind.
    pub last_packet: Option<Origin>,
    /// The first FIN.
    pub fin: Option<Origin>,
    /// The first RST.
    pub rst: Option<Origin>,
    /// How far the other side acknowledged it.
    pub acknowledged_to: StreamOffset,
    /// Segments that carried again what had been sent before.
    pub retransmissions: u32,
    /// Of those, the ones after the last packet of the other side.
    pub unanswered_retransmissions: u32,
    /// When the first byte that was never acknowledged was first sent.
    pub unacknowledged_since: Option<Origin>,
    /// Bytes that the capture lacks.
    pub gaps: Vec<Gap>,
    /// Bytes that were there but could not be read as frames (after lost frame headers).
    pub unreadable_bytes: u64,
}

impl Sent {
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

impl Message {
    /// Payload bytes after inflating, or on the wire where it could not be inflated.
    #[must_use]
    #[inline]
    pub fn size(&self) -> u64 {
        self.payload_bytes.unwrap_or(self.wire_bytes)
    }
}

/// The sizes of messages that are not kept one by one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OlderSizes {
    /// The two largest messages.
    pub messages: [u64; 2],
    /// The two largest frames.
    pub frames: [u64; 2],
    /// The largest message that came in more than one frame.
    pub fragmented: u64,
}

impl OlderSizes {
    /// Takes a message of one frame into account.
    #[inline]
    pub fn add_plain(&mut self, size: u64) {
        insert(&mut self.messages, size);
        insert(&mut self.frames, size);
    }

    /// Takes a message into account.
    #[inline]
    pub fn add(&mut self, message: &Message) {
        if !message.complete {
            return;
        }
        let size = message.size();
        insert(&mut self.messages, size);
        insert(&mut self.frames, message.largest_frame);
        if message.fragments > 1 {
            self.fragmented = self.fragmented.max(size);
        }
    }
}

#[inline]
fn insert(top: &mut [u64; 2], value: u64) {
    if value > top[0] {
        *top = [value, top[0]];
    } else if value > top[1] {
        top[1] = value;
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

/// The type of a data message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DataType {
    /// Opcode 1.
    Text,
    /// Opcode 2.
    Binary,
}

/// A data message (RFC 6455 section 5.4): one frame, or fragments taken together.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Message {
    /// Its number among the messages of that side, from 1.
    pub number: u64,
    /// Text or binary.
    pub kind: DataType,
    /// Whether its first frame had RSV1 set and permessage-deflate was agreed.
    pub compressed: bool,
    /// Whether its last fragment was seen to the end.
    pub complete: bool,
    /// Payload bytes after inflating; for an unfinished message what was seen of it. `None` when it is compressed and
    /// could not be inflated.
    pub payload_bytes: Option<u64>,
    /// Payload bytes on the wire that were seen or counted through a gap.
    pub wire_bytes: u64,
    /// Payload bytes that its frame headers announced.
    pub declared_bytes: u64,
    /// The largest length that one of its frame headers announced.
    pub largest_frame: u64,
    /// Frames it came in.
    pub fragments: u32,
    /// Payload bytes of it that the capture lacks.
    pub missing_bytes: u64,
    /// The packet of its first byte.
    pub first: Origin,
    /// The packet of its last byte seen.
    pub last: Origin,
    /// Where its first frame header begins in the stream.
    pub start: StreamOffset,
    /// Where the last byte seen of it ends in the stream.
    pub end: StreamOffset,
    /// Its first bytes, after inflating, at most [`crate::limits::HEAD_BYTES`].
    #[serde(with = "bytes_as_hex")]
    pub head: Head32,
    /// What is wrong with its content.
    pub defect: Option<Box<Defect>>,
    /// A character of this (so far valid) text straddles two fragments: payload offset of its first byte.
    pub split_character: Option<Box<SplitCharacter>>,
}

/// Up to 32 first bytes of a message, inline.
pub type Head32 = Inline<{ crate::limits::HEAD_BYTES }>;

/// A short run of bytes kept without an allocation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Inline<const N: usize> {
    bytes: [u8; N],
    length: u8,
}

impl<const N: usize> Default for Inline<N> {
    fn default() -> Self {
        Inline { bytes: [0; N], length: 0 }
    }
}

impl<const N: usize> std::fmt::Debug for Inline<N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "\"{}\"", self.as_slice().escape_ascii())
    }
}

impl<const N: usize> Inline<N> {
    /// Adds as many of `more` as still fit.
    #[inline]
    pub fn extend(&mut self, more: &[u8]) {
        let at = usize::from(self.length);
        let take = more.len().min(N - at);
        if take > 0 {
            self.bytes[at..at + take].copy_from_slice(&more[..take]);
            self.length += take as u8;
        }
    }

    /// The bytes kept.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

mod bytes_as_hex {
    use super::Inline;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer, const N: usize>(value: &Inline<N>, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&super::hex(value.as_slice()))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>, const N: usize>(d: D) -> Result<Inline<N>, D::Error> {
        let text = String::deserialize(d)?;
        let bytes = super::unhex(&text).ok_or_else(|| D::Error::custom("not hexadecimal"))?;
        let mut value = Inline::default();
        value.extend(&bytes);
        Ok(value)
    }
}

/// Lower-case hexadecimal without separators.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut s, b| {
        let _ = write!(s, "{b:02x}");
        s
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    digits
        .chunks_exact(2)
        .map(|p| Some((char::from(p[0]).to_digit(16)? * 16 + char::from(p[1]).to_digit(16)?) as u8))
        .collect()
}

/// A character of a text message whose bytes lie in two fragments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitCharacter {
    /// Payload offset in the message of the character's first byte.
    pub offset: u64,
    /// Which fragment it begins in, from 1.
    pub fragment: u32,
    /// The packet with the end of that fragment.
    pub origin: Origin,
}

/// What is wrong with the content of a message.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Defect {
    /// A text message holds bytes that are not UTF-8 (RFC 6455 section 8.1).
    InvalidUtf8(InvalidUtf8),
    /// A compressed message cannot be inflated (RFC 7692 section 7.2.2).
    Inflate(InflateFailure),
}

/// Where and how a text stops being UTF-8.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InvalidUtf8 {
    /// Payload offset in the message of the first byte that cannot be part of UTF-8.
    pub offset: u64,
    /// The same offset within its fragment.
    pub offset_in_fragment: u64,
    /// Which fragment it lies in, from 1.
    pub fragment: u32,
    /// The packet that carried it.
    pub origin: Origin,
    /// The bytes at fault: the ill-formed sequence, at most four.
    pub bytes: Vec<u8>,
    /// What kind of ill-formed sequence it is.
    pub class: Utf8Class,
    /// The beginning of the message, at most [`crate::limits::SAMPLE_HEAD`] bytes.
    pub head: Vec<u8>,
    /// Payload offset of the first byte of `around`.
    pub around_offset: u64,
    /// The bytes around the fault, from at most 64 before it, at most [`crate::limits::SAMPLE_AROUND`].
    pub around: Vec<u8>,
    /// The masking key of the frame with the fault, and the payload offset in that frame of `around`'s first byte.
    pub mask: Option<([u8; 4], u64)>,
    /// Over the whole message as far as seen: bytes from 80 to FF.
    pub high_bytes: u64,
    /// Over the whole message as far as seen: C0 controls other than tab, line feed and carriage return.
    pub control_bytes: u64,
    /// Bytes that these two counts looked at.
    pub counted_bytes: u64,
}

/// Kinds of ill-formed UTF-8 (Unicode chapter 3, table 3-7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Utf8Class {
    /// The message ends inside a character.
    CutAtEnd,
    /// A continuation byte (80 to BF) where a character has to begin.
    UnexpectedContinuation,
    /// A lead byte that is not followed by the continuation bytes it needs.
    MissingContinuation,
    /// A longer form than needed: C0, C1, E0 80-9F, F0 80-8F.
    Overlong,
    /// An encoded surrogate: ED A0-BF.
    Surrogate,
    /// Above U+10FFFF: F4 90 and up, F5 to FD.
    TooLarge,
    /// FE or FF, which UTF-8 never uses.
    NeverValid,
}

/// How inflating a message failed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InflateFailure {
    /// Compressed bytes of the message before the fault.
    pub wire_offset: u64,
    /// Bytes inflated before the fault.
    pub inflated: u64,
    /// The packet in which it happened.
    pub origin: Origin,
    /// What the data looks like when other assumptions are tried.
    pub finding: InflateFinding,
    /// Distance of a back-reference beyond the agreed window, where that was the fault.
    pub distance: Option<u32>,
    /// The compressed bytes around the fault or at the start, at most 64.
    pub head: Vec<u8>,
}

/// What trying other assumptions on a message that cannot be inflated showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InflateFinding {
    /// The data breaks the deflate format itself.
    Corrupt,
    /// A back-reference reaches before everything this side had sent: the context was lost or never there.
    ContextMissing,
    /// A back-reference reaches into an earlier message although no context takeover was agreed.
    ContextKept,
    /// A back-reference reaches further than the agreed window.
    WindowExceeded,
    /// The payload is plain UTF-8 text: it was marked as compressed but is not.
    NotCompressed,
}

/// A Close frame (RFC 6455 section 5.5.1).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CloseFrame {
    /// The status code; `None` when the frame has no body (an API then reports 1005).
    pub code: Option<u16>,
    /// The reason, bytes that are not UTF-8 replaced.
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
}

/// How the TCP connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TcpEnd {
    /// FIN or RST, whichever came first.
    pub how: TcpEndKind,
    /// Who sent it.
    pub by: Side,
    /// The packet.
    pub origin: Origin,
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
    /// Who asked.
    pub client: SocketAddr,
    /// Who was asked.
    pub server: SocketAddr,
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
    pub packets: Vec<u64>,
}

/// Whether an address is loopback: both ends then share one machine, and the capture sees each packet once.
#[must_use]
pub fn is_loopback(address: IpAddr) -> bool {
    address.is_loopback()
}
