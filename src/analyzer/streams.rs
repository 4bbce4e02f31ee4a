//! The streams of an HTTP/2 connection, and the WebSockets in them.

use std::collections::BTreeMap;

use super::heads::Heads;
use crate::connection::{GapCause, Handshake, Head, StreamReset};
use crate::http;
use crate::http2::{Http2, Place, StreamSink};
use crate::ids::{Origin, Side, StreamOffset};
use crate::limits;
use crate::tcp::Marks;
use crate::websocket::{FrameSeen, Scratch, Session, Stage};

/// An HTTP/2 connection and its streams.
pub(super) struct Http2App {
    pub(super) http2: Http2,
    pub(super) streams: BTreeMap<u32, Stream>,
    /// The first GOAWAY.
    pub(super) goes_away: Option<StreamReset>,
}

/// A stream that a client wants to be a WebSocket.
pub(super) struct Stream {
    pub(super) request: Head,
    /// What else was answered than 2xx.
    pub(super) refusal: Option<Head>,
    pub(super) session: Option<Box<Session>>,
    /// What came before the answer.
    early: Vec<(Vec<u8>, Place)>,
    /// Data of both directions so far.
    offsets: [u64; 2],
    pub(super) marks: [Marks; 2],
    /// The last packet of each direction.
    pub(super) last: [Option<Origin>; 2],
    /// The end of each direction's half (END_STREAM).
    pub(super) ended: [Option<Origin>; 2],
    pub(super) reset: Option<StreamReset>,
}

/// What streams need while they take the bytes of a packet.
pub(super) struct StreamStage<'a> {
    pub(super) client: usize,
    pub(super) tcp_stream: u32,
    pub(super) streams: &'a mut BTreeMap<u32, Stream>,
    pub(super) goes_away: &'a mut Option<StreamReset>,
    pub(super) scratch: &'a mut Scratch,
    pub(super) heads: &'a mut Heads,
    pub(super) websockets: &'a mut usize,
    pub(super) on_frame: &'a mut dyn FnMut(&FrameSeen),
}

impl Http2App {
    pub(super) fn new(client: usize) -> Http2App {
        Http2App { http2: Http2::new(client), streams: BTreeMap::new(), goes_away: None }
    }
}

impl Stream {
    fn side(client: usize, from: usize) -> Side {
        if from == client { Side::Client } else { Side::Server }
    }
}

impl StreamStage<'_> {
    fn side(&self, from: usize) -> Side {
        Stream::side(self.client, from)
    }
}

impl StreamSink for StreamStage<'_> {
    fn asked(&mut self, stream: u32, request: Head, websocket: bool, place: Place) -> bool {
        if !websocket || self.streams.contains_key(&stream) {
            return false;
        }
        let mut last = [None; 2];
        last[place.from] = Some(place.origin);
        let asked = Stream {
            request,
            refusal: None,
            session: None,
            early: Vec::new(),
            offsets: [0; 2],
            marks: Default::default(),
            last,
            ended: [None; 2],
            reset: None,
        };
        self.streams.insert(stream, asked);
        true
    }

    fn answered(&mut self, stream: u32, response: Head, place: Place) {
        let Some(state) = self.streams.get_mut(&stream).filter(|s| s.session.is_none()) else { return };
        state.last[place.from] = Some(place.origin);
        if !response.status().is_some_and(|status| (200..300).contains(&status)) {
            state.refusal.get_or_insert(response);
            return;
        }
        let deflate = http::agreed_deflate(&response);
        let request = Some(state.request.clone());
        let mut handshake =
            Handshake { key: None, request, response, accept_valid: None, deflate, violations: Vec::new() };
        self.heads.share(&mut handshake);
        state.session = Some(Box::new(Session::new(self.tcp_stream, handshake, [false; 2])));
        *self.websockets += 1;
        for (bytes, place) in std::mem::take(&mut state.early) {
            self.data(stream, &bytes, place);
        }
    }

    fn data(&mut self, stream: u32, bytes: &[u8], place: Place) {
        let side = self.side(place.from);
        let Some(state) = self.streams.get_mut(&stream) else { return };
        state.last[place.from] = Some(place.origin);
        let Some(session) = &mut state.session else {
            let held: usize = state.early.iter().map(|(bytes, _)| bytes.len()).sum();
            if state.refusal.is_none() && held + bytes.len() <= limits::HELD_BEFORE_ANSWER {
                state.early.push((bytes.to_vec(), place));
            }
            return;
        };
        let offset = StreamOffset(state.offsets[place.from]);
        state.offsets[place.from] += bytes.len() as u64;
        state.marks[place.from].add(place.to.0, state.offsets[place.from]);
        let acknowledged = state.marks[1 - place.from].content_to(place.acknowledged);
        let mut stage = Stage { scratch: self.scratch, now: place.origin, acknowledged, on_frame: self.on_frame };
        session.data(&mut stage, side, offset, bytes, place.origin);
    }

    fn gap(&mut self, stream: u32, length: u64, why: GapCause, place: Place) {
        let side = self.side(place.from);
        let Some(state) = self.streams.get_mut(&stream) else { return };
        let Some(session) = &mut state.session else { return };
        let offset = StreamOffset(state.offsets[place.from]);
        state.offsets[place.from] += length;
        let acknowledged = StreamOffset(0);
        let mut stage = Stage { scratch: self.scratch, now: place.origin, acknowledged, on_frame: self.on_frame };
        session.gap(&mut stage, side, offset, length, place.origin, why);
    }

    fn gap_in_all(&mut self, length: u64, place: Place) {
        let open = |s: &Stream| s.session.is_some() && s.ended[place.from].is_none() && s.reset.is_none();
        let streams: Vec<u32> = self.streams.iter().filter(|(_, s)| open(s)).map(|(id, _)| *id).collect();
        for stream in streams {
            self.gap(stream, length.max(1), GapCause::Unmeasured, place);
        }
    }

    fn ended(&mut self, stream: u32, place: Place) {
        if let Some(state) = self.streams.get_mut(&stream) {
            state.last[place.from] = Some(place.origin);
            state.ended[place.from].get_or_insert(place.origin);
        }
    }

    fn reset(&mut self, stream: u32, code: u32, place: Place) {
        let by = self.side(place.from);
        if let Some(state) = self.streams.get_mut(&stream) {
            state.last[place.from] = Some(place.origin);
            state.reset.get_or_insert(StreamReset { by, code, origin: place.origin });
        }
    }

    fn goes_away(&mut self, _last: u32, code: u32, place: Place) {
        let by = self.side(place.from);
        self.goes_away.get_or_insert(StreamReset { by, code, origin: place.origin });
    }
}
