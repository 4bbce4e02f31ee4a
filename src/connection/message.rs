//! Data messages as records: their sizes, where they came from, and what is wrong with their content.

use serde::{Deserialize, Serialize};

use crate::ids::{Origin, StreamOffset};

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

impl Message {
    /// Payload bytes after inflating, or on the wire where it could not be inflated.
    #[must_use]
    #[inline]
    pub fn size(&self) -> u64 {
        self.payload_bytes.unwrap_or(self.wire_bytes)
    }

    /// The size that counts against a limit: after inflating, else as announced.
    #[must_use]
    pub fn size_to_receive(&self) -> u64 {
        match self.payload_bytes {
            Some(payload) if self.complete => payload,
            Some(payload) => payload.max(if self.compressed { 0 } else { self.declared_bytes }),
            None => self.declared_bytes,
        }
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
