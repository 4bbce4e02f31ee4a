//! The frames of one direction, followed through its byte stream.

mod http;
mod lost;
mod payload;
mod plain;

use super::close::{self, Place};
use super::effort::Effort;
use super::evidence::Expected;
use super::frame::{Header, LONGEST_HEADER, opcode};
use super::inflate::Inflater;
use super::mask;
use super::open_message::OpenMessage;
use super::resync::Search;
use super::ring::Ring;
use crate::connection::{CloseFrame, DataType, Deflate, Rule, Sent, Violation};
use crate::ids::{Origin, PacketNumber, Side, StreamOffset};
use crate::limits;

/// A frame, as soon as its last byte is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameSeen {
    /// Wireshark's `tcp.stream`.
    pub tcp_stream: u32,
    /// Who sent it.
    pub from: Side,
    /// 0 to 15.
    pub opcode: u8,
    /// Last frame of its message.
    pub fin: bool,
    /// RSV1 (4), RSV2 (2), RSV3 (1).
    pub rsv: u8,
    /// Whether the mask bit is set.
    pub masked: bool,
    /// Payload length.
    pub length: u64,
    /// The packet with its first byte.
    pub first_packet: PacketNumber,
    /// The packet at which it became complete.
    pub completed_in: PacketNumber,
}

/// Buffers that all directions share.
#[derive(Debug)]
pub struct Scratch {
    pub(super) masked: Vec<u8>,
    pub(super) output: Vec<u8>,
    pub(super) effort: Effort,
}

impl Default for Scratch {
    fn default() -> Self {
        Scratch { masked: Vec::with_capacity(PIECE + 8), output: Vec::new(), effort: Effort::default() }
    }
}

/// Payload is unmasked and checked in pieces that stay in the processor's cache.
const PIECE: usize = 32 * 1024;

/// What a reader may use while it takes bytes.
pub(super) struct Context<'a> {
    pub(super) scratch: &'a mut Scratch,
    /// The packet being processed.
    pub(super) now: Origin,
    /// How far into the other side's stream this side has acknowledged.
    pub(super) acknowledged: StreamOffset,
    /// A Close was seen from either side.
    pub(super) closing: bool,
    /// Pings and Pongs, for the other direction to know.
    pub(super) heartbeats: &'a mut Vec<Heartbeat>,
    pub(super) on_frame: &'a mut dyn FnMut(&FrameSeen),
}

/// A Ping or Pong that was just read.
pub(super) enum Heartbeat {
    Ping(u64, Origin),
    Pong(u64),
}

/// What to do with the payload of the current frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Payload {
    #[default]
    Skip,
    Control,
    Binary,
    Text,
    Compressed,
    HttpHead,
    HttpBody,
}

/// Follows the frames of one direction. What a whole plain message touches stands first and together.
#[repr(C)]
pub(super) struct FrameReader {
    inside: bool,
    payload: Payload,
    header_have: u8,
    side: Side,
    /// A Close of this side was seen.
    closed: bool,
    tail_sent: bool,
    /// The extension may be in use although nothing says so: the handshake was not seen.
    deflate_unknown: bool,
    tcp_stream: u32,
    search: Option<Box<Lookout>>,
    message: Option<Box<OpenMessage>>,
    frame: Header,
    frame_start: StreamOffset,
    frame_first: Origin,
    remaining: u64,
    totals: Totals,
    ring: Ring,

    deflate: Option<Deflate>,
    header: [u8; LONGEST_HEADER],
    control: Vec<u8>,
    /// Made when there is something to inflate.
    inflater: Option<Box<Inflater>>,
    /// Messages before were lost that may have been compressed.
    context_lost: bool,
    /// A continuation may belong to a message whose beginning was not seen.
    orphans: bool,
    /// Bytes of the body of the current Close that are missing.
    control_missing: u64,
    /// How far the packet with its header acknowledged the other side.
    control_acknowledged: StreamOffset,
    pub(super) sent: Sent,
}

/// What looks for frames where the next boundary is not known, or not yet beyond doubt.
struct Lookout {
    search: Search,
    /// Frames are being read, and the search goes on in case they are none.
    doubting: bool,
}

/// The counts that every message changes.
#[derive(Debug, Default)]
struct Totals {
    /// Messages begun.
    numbers: u64,
    messages: u64,
    payload_bytes: u64,
    frames: u64,
    last_frame: Option<Origin>,
    last_message: Option<Origin>,
}

impl FrameReader {
    pub(super) fn new(side: Side, tcp_stream: u32, deflate: Option<Deflate>, deflate_unknown: bool) -> Self {
        FrameReader {
            side,
            tcp_stream,
            deflate,
            deflate_unknown,
            frame: Header::default(),
            remaining: 0,
            inside: false,
            payload: Payload::Skip,
            frame_start: StreamOffset(0),
            frame_first: Origin::default(),
            header: [0; LONGEST_HEADER],
            header_have: 0,
            message: None,
            tail_sent: false,
            closed: false,
            totals: Totals::default(),
            ring: Ring::default(),
            control: Vec::new(),
            inflater: None,
            context_lost: false,
            search: None,
            orphans: false,
            control_missing: 0,
            control_acknowledged: StreamOffset(0),
            sent: Sent::default(),
        }
    }

    /// Begins with a search: earlier bytes of this direction were not seen, or not read yet.
    pub(super) fn searching(mut self, search: Option<Search>) -> Self {
        let expected = self.expected();
        let mut search = search.unwrap_or_else(|| Search::new(expected, limits::SEARCH_WINDOW));
        search.expect(expected, limits::SEARCH_WINDOW);
        for gap in search.gaps() {
            self.note_gap(gap.start, gap.length, gap.origin, gap.why);
        }
        self.search = Some(Box::new(Lookout { search, doubting: false }));
        self.orphans = true;
        self.lose_context();
        self
    }

    pub(super) fn expected(&self) -> Expected {
        Expected { side: Some(self.side), deflate: self.deflate.is_some() || self.deflate_unknown }
    }

    /// Takes bytes that follow those before.
    #[inline]
    pub(super) fn data(&mut self, ctx: &mut Context<'_>, offset: StreamOffset, bytes: &[u8], origin: Origin) {
        if self.search.is_some() {
            self.search_in(ctx, offset, bytes, origin);
            return;
        }
        let mut at = 0;
        loop {
            if self.inside {
                let left = bytes.len() - at;
                let take = usize::try_from(self.remaining).map_or(left, |r| r.min(left));
                let here = StreamOffset(offset.0 + (at + take) as u64);
                self.take_payload(ctx, &bytes[at..at + take], here, origin);
                at += take;
                if self.remaining > 0 {
                    return;
                }
                self.end_frame(ctx, origin);
                if self.inside {
                    // What was read as a frame begins an HTTP response, which goes on.
                    continue;
                }
            }
            if at == bytes.len() {
                return;
            }
            let here = StreamOffset(offset.0 + at as u64);
            let Some(size) = self.take_header(&bytes[at..], here, origin) else { return };
            at += size;
            if let Some(payload) = self.plain_message(&bytes[at..], origin)
                && self.take_plain_message(ctx, payload, here, size, origin)
            {
                at += payload.len();
                if at == bytes.len() {
                    return;
                }
                continue;
            }
            self.begin_frame(ctx.acknowledged, StreamOffset(offset.0 + at as u64), origin);
        }
    }

    /// Reads a header, whole or from pieces. Returns how many bytes of `bytes` it took, `None` when it is not complete.
    #[inline]
    fn take_header(&mut self, bytes: &[u8], here: StreamOffset, origin: Origin) -> Option<usize> {
        if self.header_have == 0 {
            self.frame_start = here;
            self.frame_first = origin;
            if let Some((header, size)) = Header::parse(bytes) {
                self.frame = header;
                return Some(size);
            }
            self.header[..bytes.len()].copy_from_slice(bytes);
            self.header_have = bytes.len() as u8;
            return None;
        }
        for (taken, byte) in bytes.iter().enumerate() {
            let have = usize::from(self.header_have);
            self.header[have] = *byte;
            self.header_have += 1;
            if let Some((header, _)) = Header::parse(&self.header[..=have]) {
                self.frame = header;
                self.header_have = 0;
                return Some(taken + 1);
            }
        }
        None
    }

    fn violation(&mut self, rule: Rule, value: u64) {
        if self.sent.violations.len() < limits::VIOLATIONS {
            let (origin, start) = (self.frame_first, self.frame_start);
            self.sent.violations.push(Violation { rule, origin, start, value });
        }
    }

    #[inline]
    fn begin_frame(&mut self, acknowledged: StreamOffset, payload_at: StreamOffset, origin: Origin) {
        let frame = self.frame;
        self.inside = true;
        self.remaining = frame.length;
        self.tail_sent = false;
        self.payload = Payload::Skip;
        let ordinary = frame.rsv == 0 && !frame.non_minimal && frame.mask.is_some() == (self.side == Side::Client);
        if !ordinary || self.closed {
            self.check_header();
        }
        match frame.opcode {
            opcode::TEXT | opcode::BINARY => {
                self.orphans = false;
                if self.message.is_some() {
                    self.violation(Rule::UnfinishedMessage, u64::from(frame.opcode));
                    self.end_message(false);
                }
                let kind = if frame.opcode == opcode::TEXT { DataType::Text } else { DataType::Binary };
                let compressed = frame.rsv & 4 != 0 && (self.deflate.is_some() || self.deflate_unknown);
                self.totals.numbers += 1;
                let mut message =
                    OpenMessage::new(self.totals.numbers, kind, compressed, self.frame_first, self.frame_start);
                message.frame(frame.length);
                message.facts.end = payload_at;
                message.facts.last = origin;
                if frame.rsv & 4 != 0 && !compressed {
                    // Marked as compressed without an agreement: what it holds is anybody's guess.
                    message.unreadable();
                } else if compressed && let Some(inflater) = self.inflater.as_deref_mut() {
                    inflater.begin();
                }
                self.message = Some(Box::new(message));
                self.payload = self.payload_kind();
            }
            opcode::CONTINUATION => {
                if let Some(message) = &mut self.message {
                    message.frame(frame.length);
                    self.payload = self.payload_kind();
                } else if self.orphans {
                    self.orphans = !frame.fin;
                    self.sent.lost.orphan_bytes = self.sent.lost.orphan_bytes.saturating_add(frame.length);
                } else {
                    self.violation(Rule::UnexpectedContinuation, 0);
                }
            }
            control if opcode::is_control(control) => {
                self.control.clear();
                self.control_missing = 0;
                self.control_acknowledged = acknowledged;
                self.payload = Payload::Control;
                if !frame.fin {
                    self.violation(Rule::FragmentedControlFrame, u64::from(control));
                }
                if frame.length > 125 {
                    self.violation(Rule::OversizedControlFrame, frame.length);
                }
                if opcode::is_reserved(control) {
                    self.violation(Rule::ReservedOpcode, u64::from(control));
                }
            }
            reserved => self.violation(Rule::ReservedOpcode, u64::from(reserved)),
        }
    }

    /// The rules that concern the header alone.
    #[cold]
    fn check_header(&mut self) {
        let frame = self.frame;
        match (self.side, frame.mask) {
            (Side::Client, None) => self.violation(Rule::UnmaskedClientFrame, 0),
            (Side::Server, Some(_)) => self.violation(Rule::MaskedServerFrame, 0),
            _ => {}
        }
        if frame.non_minimal {
            self.violation(Rule::NonMinimalLength, frame.length);
        }
        let marked = frame.rsv & 4 != 0;
        let begins_data = matches!(frame.opcode, opcode::TEXT | opcode::BINARY);
        let agreed = self.deflate.is_some() || self.deflate_unknown;
        if frame.rsv & 3 != 0 || marked && !agreed && frame.rsv != 4 {
            self.violation(Rule::ReservedBits, u64::from(frame.rsv));
        } else if marked && !agreed && begins_data {
            self.violation(Rule::CompressedWithoutExtension, 4);
        } else if marked && !agreed {
            self.violation(Rule::ReservedBits, 4);
        } else if marked && !begins_data {
            self.violation(Rule::CompressedControlOrContinuation, u64::from(frame.opcode));
        }
        if self.closed {
            self.violation(Rule::DataAfterClose, u64::from(frame.opcode));
        }
    }

    #[inline]
    fn end_frame(&mut self, ctx: &mut Context<'_>, origin: Origin) {
        self.inside = false;
        if matches!(self.payload, Payload::HttpHead | Payload::HttpBody) {
            self.http_piece_ended();
            return;
        }
        let frame = self.frame;
        self.frame_ended(ctx, origin);
        match self.payload {
            Payload::Binary | Payload::Text | Payload::Compressed => {
                if !frame.fin || frame.opcode == opcode::CONTINUATION {
                    self.sent.fragments += 1;
                }
                if frame.fin {
                    if self.payload == Payload::Compressed && !self.tail_sent {
                        self.compressed(ctx.scratch, &[], 0, true, origin);
                    }
                    self.end_message(true);
                } else if let Some(message) = self.message.as_deref_mut() {
                    message.fragment_ended(origin);
                }
            }
            Payload::Control => self.control_ended(ctx, origin),
            Payload::Skip | Payload::HttpHead | Payload::HttpBody => {}
        }
    }

    /// Counts a frame and tells who wants to know.
    #[inline]
    fn frame_ended(&mut self, ctx: &mut Context<'_>, origin: Origin) {
        self.totals.frames += 1;
        let frame = self.frame;
        (ctx.on_frame)(&FrameSeen {
            tcp_stream: self.tcp_stream,
            from: self.side,
            opcode: frame.opcode,
            fin: frame.fin,
            rsv: frame.rsv,
            masked: frame.mask.is_some(),
            length: frame.length,
            first_packet: self.frame_first.packet,
            completed_in: ctx.now.packet,
        });
        if !ctx.closing && frame.opcode != opcode::CLOSE {
            self.totals.last_frame = Some(origin);
            if !opcode::is_control(frame.opcode) {
                self.totals.last_message = Some(origin);
            }
        }
    }

    /// See [`Sent::frames_end`].
    fn frames_end(&self) -> StreamOffset {
        if self.header_have > 0 {
            return self.frame_start;
        }
        let any = self.inside || self.totals.frames > 0;
        StreamOffset(if any { self.frame_start.0.saturating_add(self.frame.frame_size()) } else { 0 })
    }

    fn end_message(&mut self, complete: bool) {
        let Some(mut open) = self.message.take() else { return };
        if open.facts.compressed {
            let window_bits = self.window_bits();
            let failure = self.inflater.as_deref_mut().and_then(|inflater| inflater.conclude(window_bits));
            if let Some(failure) = failure {
                open.fail(failure);
            }
        }
        let message = open.finish(complete);
        if complete {
            self.totals.messages += 1;
            self.totals.payload_bytes += message.size();
        }
        if self.sent.closes.first().is_none_or(|close| message.start < close.start) {
            self.ring.push(message);
        }
    }

    fn control_ended(&mut self, ctx: &mut Context<'_>, origin: Origin) {
        if let Some(key) = self.frame.mask {
            mask::unmask(&mut self.control, key, 0);
        }
        let whole = self.control.len() as u64 == self.frame.length.min(125);
        if self.http_begins() {
            return;
        }
        match self.frame.opcode {
            opcode::CLOSE => {
                let place = Place {
                    origin,
                    start: self.frame_start,
                    acknowledged: ctx.acknowledged.max(self.control_acknowledged),
                    length: self.frame.length,
                    missing: self.control_missing,
                };
                let (close, broken) = close::read(&self.control, &place);
                if let (Some((rule, value)), true) = (broken, whole) {
                    self.violation(rule, value);
                }
                self.closed = true;
                ctx.closing = true;
                self.keep_close(close);
            }
            opcode::PING => ctx.heartbeats.push(Heartbeat::Ping(super::pings::fingerprint(&self.control), origin)),
            opcode::PONG => {
                self.sent.pongs += 1;
                ctx.heartbeats.push(Heartbeat::Pong(super::pings::fingerprint(&self.control)));
            }
            _ => {}
        }
    }

    fn keep_close(&mut self, close: CloseFrame) {
        if self.sent.closes.len() < limits::CLOSES {
            self.sent.closes.reserve_exact(1);
            self.sent.closes.push(close);
        }
    }

    /// The stream is over. `in_order`: a FIN ended it.
    pub(super) fn finish(&mut self, ctx: &mut Context<'_>, in_order: bool) {
        self.finish_search(ctx, in_order);
        self.end_message(false);
        self.sent.frames_end = self.frames_end();
        let ring = std::mem::take(&mut self.ring);
        ring.into_record(&mut self.sent);
        let totals = std::mem::take(&mut self.totals);
        self.sent.messages = totals.messages;
        self.sent.payload_bytes = totals.payload_bytes;
        self.sent.frames = totals.frames;
        self.sent.last_frame = totals.last_frame;
        self.sent.last_message = totals.last_message;
    }
}
