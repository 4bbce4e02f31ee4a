//! The streams of an HTTP/2 connection, and the WebSockets in them.

use std::collections::BTreeMap;

use super::heads::Heads;
use crate::connection::{GapCause, Handshake, Head, Stall, StreamReset};
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
    /// Since when each direction has used up the window of the connection.
    pub(super) used_up: [Option<Origin>; 2],
    /// WebSockets that are not followed: too many are.
    pub(super) unfollowed: u64,
}

/// A stream that a client wants to be a WebSocket.
pub(super) struct Stream {
    pub(super) request: Head,
    /// What else was answered than 2xx.
    pub(super) refusal: Option<Head>,
    pub(super) session: Option<Box<Session>>,
    /// Whether an answer came, or may have come, that could not be read.
    pub(super) answer_unread: bool,
    /// What came before the answer.
    early: Vec<(Vec<u8>, Place)>,
    /// What all that came before the answer takes, held or not.
    early_bytes: usize,
    /// Data of both directions so far.
    offsets: [u64; 2],
    pub(super) marks: [Marks; 2],
    /// The last packet of each direction.
    pub(super) last: [Option<Origin>; 2],
    /// The end of each direction's half (END_STREAM).
    pub(super) ended: [Option<Origin>; 2],
    pub(super) reset: Option<StreamReset>,
    /// Since when each direction has used up its window of this stream.
    used_up: [Option<Origin>; 2],
    /// What each direction waited for when the first of them ended the stream.
    stalls: Option<[Option<Stall>; 2]>,
}

/// What streams need while they take the bytes of a packet.
pub(super) struct StreamStage<'a> {
    pub(super) client: usize,
    pub(super) tcp_stream: u32,
    pub(super) streams: &'a mut BTreeMap<u32, Stream>,
    pub(super) goes_away: &'a mut Option<StreamReset>,
    pub(super) used_up: &'a mut [Option<Origin>; 2],
    pub(super) unfollowed: &'a mut u64,
    pub(super) scratch: &'a mut Scratch,
    pub(super) heads: &'a mut Heads,
    pub(super) websockets: &'a mut usize,
    pub(super) on_frame: &'a mut dyn FnMut(&FrameSeen),
}

impl Http2App {
    pub(super) fn new(client: usize) -> Http2App {
        Http2App {
            http2: Http2::new(client),
            streams: BTreeMap::new(),
            goes_away: None,
            used_up: [None; 2],
            unfollowed: 0,
        }
    }
}

impl Stream {
    fn side(client: usize, from: usize) -> Side {
        if from == client { Side::Client } else { Side::Server }
    }

    /// What each direction waits for, or waited for when the stream ended; `connection`: since when the connection's windows
    /// are used up.
    pub(super) fn stalls(&self, connection: [Option<Origin>; 2]) -> [Option<Stall>; 2] {
        self.stalls.unwrap_or_else(|| {
            [0, 1].map(|from| {
                let own = self.used_up[from].map(|since| Stall { since, of_connection: false });
                own.or(connection[from].map(|since| Stall { since, of_connection: true }))
            })
        })
    }

    /// The stream ends, or half of it.
    fn note_stalls(&mut self, connection: [Option<Origin>; 2]) {
        self.stalls = Some(self.stalls(connection));
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
            answer_unread: false,
            early: Vec::new(),
            early_bytes: 0,
            offsets: [0; 2],
            marks: Default::default(),
            last,
            ended: [None; 2],
            reset: None,
            used_up: [None; 2],
            stalls: None,
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

    fn answered_unread(&mut self, stream: u32, place: Place) {
        if let Some(state) = self.streams.get_mut(&stream).filter(|s| s.refusal.is_none()) {
            state.last[place.from] = Some(place.origin);
            state.answer_unread = true;
        }
    }

    fn data(&mut self, stream: u32, bytes: &[u8], place: Place) {
        let side = self.side(place.from);
        let Some(state) = self.streams.get_mut(&stream) else { return };
        state.last[place.from] = Some(place.origin);
        // A client that sends data was not refused.
        if state.session.is_none() && state.answer_unread && place.from == self.client {
            let offered = http::agreed_deflate(&state.request).is_some();
            let session = Session::behind_request(self.tcp_stream, state.request.clone(), offered);
            state.session = Some(Box::new(session));
            *self.websockets += 1;
            for (bytes, place) in std::mem::take(&mut state.early) {
                self.data(stream, &bytes, place);
            }
        }
        let Some(state) = self.streams.get_mut(&stream) else { return };
        let Some(session) = &mut state.session else {
            state.early_bytes += bytes.len() + size_of::<(Vec<u8>, Place)>();
            // Once something was left out, what follows would not join it.
            if state.refusal.is_none() && state.early_bytes <= limits::HELD_BEFORE_ANSWER {
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
        if place.from != self.client {
            // The answers that are awaited may be among what is missing.
            for state in self.streams.values_mut().filter(|s| s.session.is_none() && s.refusal.is_none()) {
                state.answer_unread = true;
            }
        }
        let open = |s: &Stream| s.session.is_some() && s.ended[place.from].is_none() && s.reset.is_none();
        let streams: Vec<u32> = self.streams.iter().filter(|(_, s)| open(s)).map(|(id, _)| *id).collect();
        for stream in streams {
            self.gap(stream, length.max(1), GapCause::Unmeasured, place);
        }
    }

    fn ended(&mut self, stream: u32, place: Place) {
        if let Some(state) = self.streams.get_mut(&stream) {
            state.last[place.from] = Some(place.origin);
            if state.ended[place.from].is_none() {
                state.ended[place.from] = Some(place.origin);
                // It counts as one beyond the content, as a FIN does.
                state.marks[place.from].add(place.to.0, state.offsets[place.from] + 1);
            }
            state.note_stalls(*self.used_up);
        }
    }

    fn reset(&mut self, stream: u32, code: u32, place: Place) {
        let by = self.side(place.from);
        if let Some(state) = self.streams.get_mut(&stream) {
            state.last[place.from] = Some(place.origin);
            state.reset.get_or_insert(StreamReset { by, code, origin: place.origin });
            state.note_stalls(*self.used_up);
        }
    }

    fn window(&mut self, stream: u32, from: usize, used_up: bool, place: Place) {
        let since = used_up.then_some(place.origin);
        if stream == 0 {
            self.used_up[from] = since;
        } else if let Some(state) = self.streams.get_mut(&stream) {
            state.used_up[from] = since;
        }
    }

    fn unfollowed(&mut self) {
        *self.unfollowed += 1;
    }

    fn goes_away(&mut self, _last: u32, code: u32, place: Place) {
        let by = self.side(place.from);
        self.goes_away.get_or_insert(StreamReset { by, code, origin: place.origin });
    }
}
