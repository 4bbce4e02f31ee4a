//! Both directions of an HTTP/2 connection: frames out of bytes, streams out of frames.

use hashbrown::HashSet;

use super::fields::{FieldDecoder, Fields};
use super::frame::{self, HEADER, Header, PREFACE, flag, kind};
use super::windows::{Change, Windows};
use crate::connection::{GapCause, Head};
use crate::ids::{Origin, StreamOffset};
use crate::limits;

/// Where something happened.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// The direction: 0 or 1.
    pub from: usize,
    /// The packet.
    pub origin: Origin,
    /// How far it acknowledged the other direction of the connection.
    pub acknowledged: StreamOffset,
    /// How far this direction of the connection has come.
    pub to: StreamOffset,
}

/// What takes the streams of a connection.
pub trait StreamSink {
    /// A client asked for something on this stream. Whether its data are wanted: it is a WebSocket.
    fn asked(&mut self, stream: u32, request: Head, websocket: bool, place: Place) -> bool;
    /// The server answered (interim responses aside).
    fn answered(&mut self, stream: u32, response: Head, place: Place);
    /// The server sent header fields that cannot be read: an answer, or trailers.
    fn answered_unread(&mut self, stream: u32, place: Place);
    /// Data of a stream that is wanted.
    fn data(&mut self, stream: u32, bytes: &[u8], place: Place);
    /// Data of a wanted stream are missing.
    fn gap(&mut self, stream: u32, length: u64, why: GapCause, place: Place);
    /// Data of any stream of this direction may be missing, at most so many bytes.
    fn gap_in_all(&mut self, length: u64, place: Place);
    /// The sender ended its half of the stream (END_STREAM).
    fn ended(&mut self, stream: u32, place: Place);
    /// The sender ended the stream (RST_STREAM), with this code of RFC 9113 section 7.
    fn reset(&mut self, stream: u32, code: u32, place: Place);
    /// A window of what direction `from` may send is used up, or open again: that of a stream, or of the connection (0).
    fn window(&mut self, stream: u32, from: usize, used_up: bool, place: Place);
    /// A WebSocket was asked for that is not followed: too many are.
    fn unfollowed(&mut self);
    /// The sender takes no streams beyond `last` and goes away (GOAWAY), with this code.
    fn goes_away(&mut self, last: u32, code: u32, place: Place);
}

/// An HTTP/2 connection.
pub struct Http2 {
    client: usize,
    sides: [Side; 2],
    /// Streams whose data are wanted.
    wanted: HashSet<u32>,
    /// Header blocks of requests that could not be read.
    unread_blocks: u64,
}

#[derive(Default)]
struct Side {
    /// Bytes of the client's preface that came.
    preface: usize,
    /// The header of the frame at hand, as far as it came.
    head: Vec<u8>,
    frame: Option<Frame>,
    fields: FieldDecoder,
    /// The header block that is being put together, and what began it.
    block: Option<Block>,
    /// Bytes among which frames are searched for.
    search: Option<Vec<u8>>,
    /// What it may still send.
    windows: Windows,
}

/// A frame whose payload is coming.
struct Frame {
    header: Header,
    /// Bytes of payload still to come.
    rest: usize,
    /// Of a DATA frame: bytes of padding at its end, once they are known.
    padding: Option<usize>,
    /// The payload of a frame that is read as a whole.
    payload: Vec<u8>,
    /// Bytes of it are missing.
    broken: bool,
}

/// A header block over several frames.
struct Block {
    stream: u32,
    ends_stream: bool,
    promise: bool,
    bytes: Vec<u8>,
}

impl Http2 {
    /// A connection whose client is this direction.
    #[must_use]
    pub fn new(client: usize) -> Http2 {
        Http2 { client, sides: Default::default(), wanted: HashSet::default(), unread_blocks: 0 }
    }

    /// The direction of the client.
    #[must_use]
    pub fn client(&self) -> usize {
        self.client
    }

    /// So many bytes of the client's preface are there already.
    pub fn skip_preface(&mut self, bytes: usize) {
        self.sides[self.client].preface = bytes;
    }

    /// Header blocks of requests that could not be read.
    #[must_use]
    pub fn unread_blocks(&self) -> u64 {
        self.unread_blocks
    }

    /// Takes bytes of a direction that begin at `offset` of the connection.
    pub fn data(&mut self, mut place: Place, offset: StreamOffset, bytes: &[u8], sink: &mut impl StreamSink) {
        let from = place.from;
        let mut bytes = bytes;
        let end = offset.0 + bytes.len() as u64;
        let found;
        if let Some(window) = &mut self.sides[from].search {
            window.extend_from_slice(bytes);
            let wanted = &self.wanted;
            let Some(at) = frame::find(window, &|stream| wanted.contains(&stream)) else {
                let surplus = window.len().saturating_sub(limits::HTTP2_SEARCH);
                window.drain(..surplus);
                return;
            };
            found = window.split_off(at);
            self.sides[from].search = None;
            bytes = &found;
        }
        while !bytes.is_empty() {
            place.to = StreamOffset(end - bytes.len() as u64);
            let side = &mut self.sides[from];
            if from == self.client && side.preface < PREFACE.len() {
                let taken = bytes.len().min(PREFACE.len() - side.preface);
                side.preface += taken;
                bytes = &bytes[taken..];
                continue;
            }
            let Some(frame) = &mut side.frame else {
                let taken = bytes.len().min(HEADER - side.head.len());
                side.head.extend_from_slice(&bytes[..taken]);
                bytes = &bytes[taken..];
                if let Some(header) = Header::read(&side.head) {
                    side.head.clear();
                    let padding = (!header.has(flag::PADDED)).then_some(0);
                    side.frame =
                        Some(Frame { header, rest: header.length, padding, payload: Vec::new(), broken: false });
                    place.to = StreamOffset(end - bytes.len() as u64);
                    if header.kind == kind::DATA {
                        for Change { stream, used_up } in side.windows.sent(header.stream, header.length) {
                            sink.window(stream, from, used_up, place);
                        }
                    }
                    self.end_frame(place, sink);
                }
                continue;
            };
            let taken = bytes.len().min(frame.rest);
            let (piece, rest) = bytes.split_at(taken);
            bytes = rest;
            place.to = StreamOffset(end - bytes.len() as u64);
            self.payload(piece, place, sink);
            self.end_frame(place, sink);
        }
    }

    /// Takes note of bytes of a direction that are missing.
    pub fn gap(&mut self, place: Place, length: u64, why: GapCause, sink: &mut impl StreamSink) {
        let side = &mut self.sides[place.from];
        if side.search.is_some() {
            side.search = Some(Vec::new());
            sink.gap_in_all(length, place);
            return;
        }
        let inside = side.frame.as_ref().map_or(0, |frame| frame.rest as u64);
        if length <= inside && why != GapCause::Unmeasured {
            if let Some(frame) = &mut side.frame {
                frame.rest -= length as usize;
                let padding = frame.padding.unwrap_or(0) as u64;
                let content = length.min((inside).saturating_sub(padding));
                frame.broken = true;
                let header = frame.header;
                if header.kind == kind::DATA && content > 0 && self.wanted.contains(&header.stream) {
                    sink.gap(header.stream, content, why, place);
                }
            }
            self.end_frame(place, sink);
            return;
        }
        if let Some(Frame { header, .. }) = side.frame.take()
            && header.kind == kind::DATA
            && self.wanted.contains(&header.stream)
        {
            sink.gap(header.stream, inside.max(1), GapCause::Unmeasured, place);
        }
        side.head.clear();
        side.block = None;
        // A header block may be among what is missing.
        side.fields.lose();
        side.search = Some(Vec::new());
        // Missing are DATA of this side, or WINDOW_UPDATE for the other.
        for side in &mut self.sides {
            side.windows.lose();
        }
        if place.from == self.client {
            self.sides[place.from].preface = PREFACE.len();
        }
        sink.gap_in_all(length, place);
    }

    fn payload(&mut self, mut piece: &[u8], place: Place, sink: &mut impl StreamSink) {
        let Some(frame) = &mut self.sides[place.from].frame else { return };
        let stream = frame.header.stream;
        if frame.header.kind != kind::DATA {
            frame.rest -= piece.len();
            if is_read(frame.header.kind) && frame.payload.len() + piece.len() <= limits::HEADER_BLOCK {
                frame.payload.extend_from_slice(piece);
            }
            return;
        }
        if frame.padding.is_none()
            && let Some((length, rest)) = piece.split_first()
        {
            frame.rest -= 1;
            frame.padding = Some(usize::from(*length));
            piece = rest;
        }
        let padding = frame.padding.unwrap_or(0);
        let content = piece.len().min(frame.rest.saturating_sub(padding));
        frame.rest -= piece.len();
        if content > 0 && self.wanted.contains(&stream) {
            sink.data(stream, &piece[..content], place);
        }
    }

    /// Takes the frame at hand, if it is complete.
    fn end_frame(&mut self, place: Place, sink: &mut impl StreamSink) {
        let side = &mut self.sides[place.from];
        let Some(frame) = side.frame.take_if(|frame| frame.rest == 0) else { return };
        let Frame { header, payload, broken, .. } = frame;
        let number = |at: usize| payload.get(at..at + 4).and_then(|b| b.try_into().ok()).map(u32::from_be_bytes);
        let whole = !broken && payload.len() == header.length;
        match header.kind {
            kind::DATA if header.has(flag::END_STREAM) && self.wanted.contains(&header.stream) => {
                sink.ended(header.stream, place);
            }
            kind::HEADERS | kind::PUSH_PROMISE if whole => {
                let promise = header.kind == kind::PUSH_PROMISE;
                let priority = !promise && header.has(flag::PRIORITY);
                let padded = header.has(flag::PADDED);
                let begin = usize::from(padded) + if priority { 5 } else { 0 } + if promise { 4 } else { 0 };
                let padding = if padded { usize::from(payload.first().copied().unwrap_or(0)) } else { 0 };
                let bytes = payload.get(begin..payload.len().saturating_sub(padding)).unwrap_or_default().to_vec();
                let ends_stream = !promise && header.has(flag::END_STREAM);
                side.block = Some(Block { stream: header.stream, ends_stream, promise, bytes });
                if header.has(flag::END_HEADERS) {
                    self.end_block(place, sink);
                }
            }
            kind::CONTINUATION if whole && side.block.as_ref().is_some_and(|b| b.stream == header.stream) => {
                if let Some(block) = &mut side.block
                    && block.bytes.len() + payload.len() <= limits::HEADER_BLOCK
                {
                    block.bytes.extend_from_slice(&payload);
                } else {
                    side.fields.lose();
                }
                if header.has(flag::END_HEADERS) {
                    self.end_block(place, sink);
                }
            }
            kind::HEADERS | kind::PUSH_PROMISE | kind::CONTINUATION => {
                side.block = None;
                side.fields.lose();
            }
            // A part of it says nothing, and later windows are unknown.
            kind::SETTINGS | kind::WINDOW_UPDATE if !whole => {
                self.sides[1 - place.from].windows.lose();
            }
            kind::RST_STREAM | kind::GOAWAY if !whole => {}
            kind::RST_STREAM => {
                if let Some(code) = number(0)
                    && self.wanted.contains(&header.stream)
                {
                    sink.reset(header.stream, code, place);
                }
            }
            kind::SETTINGS if !header.has(flag::ACK) => self.settings(place, &payload, sink),
            kind::WINDOW_UPDATE => {
                let from = 1 - place.from;
                let change = number(0).and_then(|n| self.sides[from].windows.granted(header.stream, n & 0x7fff_ffff));
                if let Some(Change { stream, used_up }) = change {
                    sink.window(stream, from, used_up, place);
                }
            }
            kind::GOAWAY => {
                if let (Some(last), Some(code)) = (number(0), number(4)) {
                    sink.goes_away(last & 0x7fff_ffff, code, place);
                }
            }
            _ => {}
        }
    }

    /// The settings of one end bind the other.
    fn settings(&mut self, place: Place, payload: &[u8], sink: &mut impl StreamSink) {
        const HEADER_TABLE_SIZE: u16 = 1;
        const INITIAL_WINDOW_SIZE: u16 = 4;
        let from = 1 - place.from;
        let other = &mut self.sides[from];
        let mut initial = None;
        for setting in payload.chunks_exact(6) {
            let &[a, b, c, d, e, f] = setting else { continue };
            let value = u32::from_be_bytes([c, d, e, f]);
            match u16::from_be_bytes([a, b]) {
                HEADER_TABLE_SIZE => other.fields.allow(value),
                INITIAL_WINDOW_SIZE => initial = Some(value),
                _ => {}
            }
        }
        // The last value holds (RFC 9113 section 6.5.3): the streams are gone through once.
        for Change { stream, used_up } in initial.map(|bytes| other.windows.set_initial(bytes)).unwrap_or_default() {
            sink.window(stream, from, used_up, place);
        }
    }

    fn end_block(&mut self, place: Place, sink: &mut impl StreamSink) {
        let side = &mut self.sides[place.from];
        let Some(block) = side.block.take() else { return };
        let fields = side.fields.decode(&block.bytes);
        if block.promise {
            return;
        }
        let wanted = self.wanted.contains(&block.stream);
        match fields {
            Some(fields) => self.head(block.stream, &fields, place, sink),
            None if place.from == self.client => self.unread_blocks += u64::from(!wanted),
            None if wanted && !block.ends_stream => sink.answered_unread(block.stream, place),
            None => {}
        }
        if block.ends_stream && self.wanted.contains(&block.stream) {
            sink.ended(block.stream, place);
        }
    }

    fn head(&mut self, stream: u32, fields: &Fields, place: Place, sink: &mut impl StreamSink) {
        if place.from == self.client {
            if fields.get(":method").is_none() {
                // Trailers.
                return;
            }
            let websocket = fields.get(":protocol").is_some_and(|p| p.eq_ignore_ascii_case("websocket"));
            if websocket && self.wanted.len() >= limits::HTTP2_STREAMS && !self.wanted.contains(&stream) {
                sink.unfollowed();
            } else if sink.asked(stream, fields.request(place.origin), websocket, place) {
                self.wanted.insert(stream);
                for side in &mut self.sides {
                    side.windows.open(stream);
                }
            }
        } else if let Some(status) = fields.get(":status")
            && !status.starts_with('1')
            && self.wanted.contains(&stream)
        {
            sink.answered(stream, fields.response(place.origin), place);
        }
    }
}

/// Whether frames of this type are read as a whole.
fn is_read(kind: u8) -> bool {
    matches!(
        kind,
        kind::HEADERS
            | kind::RST_STREAM
            | kind::SETTINGS
            | kind::PUSH_PROMISE
            | kind::GOAWAY
            | kind::WINDOW_UPDATE
            | kind::CONTINUATION
    )
}
