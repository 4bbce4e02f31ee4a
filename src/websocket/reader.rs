//! The frames of one direction, followed through its byte stream.

use super::close::{self, Place};
use super::frame::{Header, LONGEST_HEADER, opcode};
use super::inflate::{Inflater, OUTPUT};
use super::mask;
use super::open_message::{Masked, OpenMessage};
use super::resync::{Expected, Found, Search};
use super::ring::{Plain, Ring};
use crate::connection::{CloseFrame, DataType, Deflate, Gap, GapCause, Head32, InflateFailure, Rule, Sent, Violation};
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
}

impl Default for Scratch {
    fn default() -> Self {
        Scratch { masked: Vec::with_capacity(PIECE + 8), output: Vec::new() }
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
    search: Option<Box<Search>>,
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
    inflater: Option<Box<Inflater>>,
    next_try: usize,
    pub(super) sent: Sent,
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
    pub(super) fn new(
        side: Side,
        tcp_stream: u32,
        deflate: Option<Deflate>,
        deflate_unknown: bool,
        lost: bool,
    ) -> Self {
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
            control: Vec::new(),
            inflater: None,
            search: lost.then(Box::default),
            next_try: 0,
            ring: Ring::default(),
            sent: Sent::default(),
        }
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
            self.begin_frame(StreamOffset(offset.0 + at as u64), origin);
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

    /// The payload of the current frame when it is a whole uncompressed message that lies in these bytes, as most are.
    #[inline]
    fn plain_message<'b>(&self, bytes: &'b [u8], origin: Origin) -> Option<&'b [u8]> {
        let frame = &self.frame;
        let plain = frame.fin
            && frame.rsv == 0
            && matches!(frame.opcode, opcode::TEXT | opcode::BINARY)
            && !frame.non_minimal
            && frame.mask.is_some() == (self.side == Side::Client)
            && self.message.is_none()
            && !self.closed
            && self.frame_first == origin;
        let length = usize::try_from(frame.length).ok().filter(|l| plain && *l <= PIECE)?;
        bytes.get(..length)
    }

    /// Records such a message at once; false when its text is at fault and has to be looked at piece by piece.
    #[inline]
    fn take_plain_message(
        &mut self,
        ctx: &mut Context<'_>,
        payload: &[u8],
        start: StreamOffset,
        header: usize,
        origin: Origin,
    ) -> bool {
        let frame = self.frame;
        let text = frame.opcode == opcode::TEXT;
        let mut head = Head32::default();
        match frame.mask {
            Some(key) => {
                let looked_at = if text { payload } else { &payload[..payload.len().min(limits::HEAD_BYTES)] };
                mask::unmask_into(&mut ctx.scratch.masked, looked_at, key, 0);
                if text && simdutf8::basic::from_utf8(&ctx.scratch.masked).is_err() {
                    return false;
                }
                head.extend(&ctx.scratch.masked);
            }
            None if text && simdutf8::basic::from_utf8(payload).is_err() => return false,
            None => head.extend(payload),
        }
        self.totals.numbers += 1;
        self.totals.messages += 1;
        self.totals.payload_bytes += frame.length;
        self.ring.push_plain(Plain {
            origin,
            start,
            length: frame.length as u32,
            header: header as u8,
            kind: if text { DataType::Text } else { DataType::Binary },
            head,
        });
        self.frame_ended(ctx, origin);
        true
    }

    fn violation(&mut self, rule: Rule, value: u64) {
        if self.sent.violations.len() < limits::VIOLATIONS {
            let (origin, start) = (self.frame_first, self.frame_start);
            self.sent.violations.push(Violation { rule, origin, start, value });
        }
    }

    #[inline]
    fn begin_frame(&mut self, payload_at: StreamOffset, origin: Origin) {
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
                if frame.rsv & 4 != 0 && self.deflate.is_none() {
                    // Marked as compressed without an agreement: what it holds is anybody's guess.
                    message.unreadable();
                } else if compressed {
                    let takeover = self.takeover();
                    let inflater = self.inflater.get_or_insert_with(|| Box::new(Inflater::new(takeover)));
                    inflater.begin();
                    if !inflater.is_readable() {
                        message.unreadable();
                    }
                }
                self.message = Some(Box::new(message));
                self.payload = self.payload_kind();
            }
            opcode::CONTINUATION => {
                if let Some(message) = &mut self.message {
                    message.frame(frame.length);
                    self.payload = self.payload_kind();
                } else {
                    self.violation(Rule::UnexpectedContinuation, 0);
                }
            }
            control if opcode::is_control(control) => {
                self.control.clear();
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

    fn payload_kind(&self) -> Payload {
        match &self.message {
            Some(m) if m.facts.compressed => Payload::Compressed,
            Some(m) if m.facts.kind == DataType::Text => Payload::Text,
            _ => Payload::Binary,
        }
    }

    fn takeover(&self) -> bool {
        self.deflate.is_none_or(|d| match self.side {
            Side::Client => !d.client_no_context_takeover,
            Side::Server => !d.server_no_context_takeover,
        })
    }

    fn window_bits(&self) -> u8 {
        self.deflate.map_or(15, |d| match self.side {
            Side::Client => d.client_max_window_bits,
            Side::Server => d.server_max_window_bits,
        })
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
    fn take_payload(&mut self, ctx: &mut Context<'_>, bytes: &[u8], end: StreamOffset, origin: Origin) {
        let phase = self.frame.length - self.remaining;
        self.remaining -= bytes.len() as u64;
        match self.payload {
            Payload::Skip => {}
            Payload::Control => {
                let room = 125usize.saturating_sub(self.control.len());
                self.control.extend_from_slice(&bytes[..bytes.len().min(room)]);
            }
            Payload::Binary | Payload::Text | Payload::Compressed => {
                let Some(message) = self.message.as_deref_mut() else { return };
                message.facts.wire_bytes += bytes.len() as u64;
                message.facts.last = origin;
                message.facts.end = end;
                let key = self.frame.mask;
                match self.payload {
                    Payload::Text => text(ctx.scratch, message, bytes, key, phase, origin),
                    Payload::Compressed => {
                        let last = self.frame.fin && self.remaining == 0;
                        self.tail_sent |= last;
                        self.compressed(ctx.scratch, bytes, phase, last, origin);
                    }
                    _ => {
                        if message.produced < limits::HEAD_BYTES as u64 {
                            let first = &bytes[..bytes.len().min(limits::HEAD_BYTES)];
                            match key {
                                Some(key) => {
                                    mask::unmask_into(&mut ctx.scratch.masked, first, key, phase);
                                    message.keep_head(&ctx.scratch.masked);
                                }
                                None => message.keep_head(first),
                            }
                        }
                        message.count(bytes.len() as u64);
                    }
                }
            }
        }
    }

    fn compressed(&mut self, scratch: &mut Scratch, bytes: &[u8], phase: u64, last: bool, origin: Origin) {
        let window_bits = self.window_bits();
        let (Some(message), Some(inflater)) = (self.message.as_deref_mut(), self.inflater.as_deref_mut()) else {
            return;
        };
        if !inflater.is_readable() {
            return;
        }
        if scratch.output.is_empty() {
            scratch.output = vec![0; OUTPUT];
        }
        let Scratch { masked, output } = scratch;
        let mut phase = phase;
        let pieces = bytes.len().div_ceil(PIECE).max(1);
        for index in 0..pieces {
            let from = index * PIECE;
            let piece = &bytes[from..(from + PIECE).min(bytes.len())];
            let last = last && index + 1 == pieces;
            match self.frame.mask {
                Some(key) => mask::unmask_into(masked, piece, key, phase),
                None => {
                    masked.clear();
                    masked.extend_from_slice(piece);
                }
            }
            phase += piece.len() as u64;
            let none = Masked { key: None, offset: 0 };
            let result = inflater.push(masked, last, output, |plain| message.plain(plain, origin, none));
            let failure = match result {
                Err(failed) => {
                    let (finding, distance) = inflater.examine(window_bits);
                    Some((failed.wire_offset, failed.inflated, finding, distance))
                }
                Ok(()) if last => inflater
                    .window_breach(window_bits)
                    .map(|(finding, distance)| (message.facts.wire_bytes, message.produced, finding, Some(distance))),
                Ok(()) => None,
            };
            if let Some((wire_offset, inflated, finding, distance)) = failure {
                let head = inflater.sample()[..inflater.sample().len().min(64)].to_vec();
                message.fail(InflateFailure { wire_offset, inflated, origin, finding, distance, head });
                return;
            }
        }
    }

    #[inline]
    fn end_frame(&mut self, ctx: &mut Context<'_>, origin: Origin) {
        self.inside = false;
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
            Payload::Skip => {}
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

    fn end_message(&mut self, complete: bool) {
        let Some(open) = self.message.take() else { return };
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
        match self.frame.opcode {
            opcode::CLOSE => {
                let place = Place {
                    origin,
                    start: self.frame_start,
                    acknowledged: ctx.acknowledged,
                    length: self.frame.length,
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

    /// Takes note of bytes that the capture lacks.
    pub(super) fn gap(
        &mut self,
        ctx: &mut Context<'_>,
        offset: StreamOffset,
        length: u64,
        origin: Origin,
        why: GapCause,
    ) {
        if self.sent.gaps.len() < limits::GAPS {
            self.sent.gaps.push(Gap { start: offset, length, origin, why });
        }
        if let Some(search) = &mut self.search {
            self.sent.unreadable_bytes += search.len() as u64;
            search.clear();
            self.next_try = 0;
            return;
        }
        let mut length = length;
        if self.inside {
            let inside = length.min(self.remaining);
            self.remaining -= inside;
            length -= inside;
            if matches!(self.payload, Payload::Binary | Payload::Text | Payload::Compressed) {
                if let Some(message) = self.message.as_deref_mut() {
                    message.lose(inside);
                    message.facts.end = StreamOffset(offset.0 + inside);
                }
                if self.payload == Payload::Compressed
                    && let Some(inflater) = self.inflater.as_deref_mut()
                {
                    inflater.lose();
                }
            }
            if self.remaining == 0 {
                self.tail_sent = true;
                if self.payload == Payload::Control {
                    // Its content is not known: nothing may be concluded from it.
                    self.payload = Payload::Skip;
                }
                self.end_frame(ctx, origin);
            }
        }
        if length > 0 {
            self.lose_frames();
        }
    }

    /// The next frame boundary is unknown.
    fn lose_frames(&mut self) {
        self.header_have = 0;
        self.inside = false;
        self.end_message(false);
        if let Some(inflater) = self.inflater.as_deref_mut() {
            inflater.lose();
        } else if self.deflate.is_some() && self.takeover() {
            // A lost message may have been compressed: the context is not the sender's any more.
            let mut inflater = Inflater::new(true);
            inflater.lose();
            self.inflater = Some(Box::new(inflater));
        }
        self.search = Some(Box::default());
        self.next_try = 0;
    }

    fn expected(&self) -> Expected {
        Expected { side: self.side, deflate: self.deflate.is_some() || self.deflate_unknown }
    }

    fn search_in(&mut self, ctx: &mut Context<'_>, offset: StreamOffset, bytes: &[u8], origin: Origin) {
        let expected = self.expected();
        let Some(search) = &mut self.search else { return };
        let dropped = search.push(offset, bytes, origin);
        if dropped > 0 {
            self.next_try = 0;
        }
        self.sent.unreadable_bytes += dropped;
        if search.len() < self.next_try {
            return;
        }
        // Tried again when a quarter more is there, so that the search costs in proportion to the bytes.
        self.next_try = search.len() + search.len() / 4;
        if let Some(found) = search.find(expected, false) {
            self.resume(ctx, found);
        }
    }

    fn resume(&mut self, ctx: &mut Context<'_>, found: Found) {
        self.search = None;
        self.sent.unreadable_bytes += found.skipped;
        for (offset, bytes, origin) in found.rest {
            self.data(ctx, offset, &bytes, origin);
        }
    }

    /// The stream is over.
    pub(super) fn finish(&mut self, ctx: &mut Context<'_>) {
        let expected = self.expected();
        if let Some(mut search) = self.search.take() {
            let waiting = search.len() as u64;
            if let Some(found) = search.find(expected, true) {
                self.resume(ctx, found);
            } else if let Some(found) = search.find_close(expected) {
                let closes = self.sent.closes.len();
                self.resume(ctx, found);
                if let Some(close) = self.sent.closes.get_mut(closes) {
                    close.searched = true;
                }
            } else {
                self.sent.unreadable_bytes += waiting;
            }
        }
        self.end_message(false);
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

/// Checks plain text payload piece by piece.
#[inline]
fn text(
    scratch: &mut Scratch,
    message: &mut OpenMessage,
    bytes: &[u8],
    key: Option<[u8; 4]>,
    phase: u64,
    origin: Origin,
) {
    let Some(key) = key else {
        message.plain(bytes, origin, Masked { key: None, offset: phase });
        return;
    };
    let mut phase = phase;
    for piece in bytes.chunks(PIECE) {
        mask::unmask_into(&mut scratch.masked, piece, key, phase);
        message.plain(&scratch.masked, origin, Masked { key: Some(key), offset: phase });
        phase += piece.len() as u64;
    }
}
