//! Both directions of one WebSocket connection, and the record that comes of them.

use super::pings::PingLog;
use super::reader::{Context, FrameReader, FrameSeen, Heartbeat, Scratch};
use super::resync::Search;
use crate::connection::{GapCause, Handshake, Head, Sent};
use crate::ids::{Origin, Side, StreamOffset};

/// What the stages share while they take the bytes of a packet.
pub struct Stage<'a> {
    /// Buffers.
    pub scratch: &'a mut Scratch,
    /// The packet being processed.
    pub now: Origin,
    /// How far the sender of these bytes has acknowledged the other side's stream.
    pub acknowledged: StreamOffset,
    /// Called for every frame.
    pub on_frame: &'a mut dyn FnMut(&FrameSeen),
}

/// A WebSocket connection.
pub struct Session {
    readers: [FrameReader; 2],
    pings: [PingLog; 2],
    heartbeats: Vec<Heartbeat>,
    /// A Close was seen from either side.
    closing: bool,
    /// The opening handshake, where it was captured.
    pub handshake: Option<Handshake>,
    /// The upgrade request, where its answer was not captured.
    pub request: Option<Box<Head>>,
}

impl Session {
    /// Begins behind a handshake. `lost`: for client and server, whether their first frame has to be searched for.
    #[must_use]
    pub fn new(tcp_stream: u32, handshake: Handshake, lost: [bool; 2]) -> Session {
        let deflate = handshake.deflate;
        let reader = |side, lost| {
            let reader = FrameReader::new(side, tcp_stream, deflate, false);
            if lost { reader.searching(None) } else { reader }
        };
        let readers = [reader(Side::Client, lost[0]), reader(Side::Server, lost[1])];
        Session {
            readers,
            pings: Default::default(),
            heartbeats: Vec::new(),
            closing: false,
            handshake: Some(handshake),
            request: None,
        }
    }

    /// Begins behind a request whose answer was not captured. `deflate_possible`: permessage-deflate may have been agreed.
    #[must_use]
    pub fn behind_request(tcp_stream: u32, request: Head, deflate_possible: bool) -> Session {
        let reader = |side| FrameReader::new(side, tcp_stream, None, deflate_possible);
        Session {
            readers: [reader(Side::Client), reader(Side::Server)],
            pings: Default::default(),
            heartbeats: Vec::new(),
            closing: false,
            handshake: None,
            request: Some(Box::new(request)),
        }
    }

    /// Begins where the handshake was not seen, with what a probe has gathered of client and server.
    /// `deflate_possible`: permessage-deflate may have been agreed.
    #[must_use]
    pub(super) fn joined(tcp_stream: u32, [client, server]: [Search; 2], deflate_possible: bool) -> Session {
        let reader = |side, search| FrameReader::new(side, tcp_stream, None, deflate_possible).searching(Some(search));
        let readers = [reader(Side::Client, client), reader(Side::Server, server)];
        Session {
            readers,
            pings: Default::default(),
            heartbeats: Vec::new(),
            closing: false,
            handshake: None,
            request: None,
        }
    }

    /// Reads what a probe has gathered.
    pub fn catch_up(&mut self, stage: &mut Stage<'_>) {
        let mut sides = [Side::Client, Side::Server];
        // In the order of the capture as far as the first frames tell.
        sides.sort_by_key(|side| self.readers[*side as usize].waits_since());
        for side in sides {
            let mut context = context(stage, self.closing, &mut self.heartbeats);
            self.readers[side as usize].decide(&mut context);
            self.closing = context.closing;
            self.note_heartbeats(side);
        }
    }

    /// Takes bytes that `side` sent.
    #[inline]
    pub fn data(&mut self, stage: &mut Stage<'_>, side: Side, offset: StreamOffset, bytes: &[u8], origin: Origin) {
        let mut context = context(stage, self.closing, &mut self.heartbeats);
        self.readers[side as usize].data(&mut context, offset, bytes, origin);
        self.closing = context.closing;
        if !self.heartbeats.is_empty() {
            self.note_heartbeats(side);
        }
    }

    /// Takes note of bytes of `side` that the capture lacks.
    pub fn gap(
        &mut self,
        stage: &mut Stage<'_>,
        side: Side,
        offset: StreamOffset,
        length: u64,
        origin: Origin,
        why: GapCause,
    ) {
        let mut context = context(stage, self.closing, &mut self.heartbeats);
        self.readers[side as usize].gap(&mut context, offset, length, origin, why);
        self.closing = context.closing;
        self.note_heartbeats(side);
    }

    /// The connection is over: what each side sent. `in_order`: whether a FIN ended the stream of client and server.
    #[must_use]
    pub fn finish(mut self, stage: &mut Stage<'_>, in_order: [bool; 2]) -> (Option<Handshake>, Sent, Sent) {
        for side in [Side::Client, Side::Server] {
            let mut context = context(stage, self.closing, &mut self.heartbeats);
            self.readers[side as usize].finish(&mut context, in_order[side as usize]);
            self.closing = context.closing;
            self.note_heartbeats(side);
        }
        let [client, server] = self.readers;
        let [client_pings, server_pings] = self.pings;
        let (mut client, mut server) = (client.sent, server.sent);
        client.ping_facts = client_pings.into_facts();
        server.ping_facts = server_pings.into_facts();
        (self.handshake, client, server)
    }

    #[cold]
    fn note_heartbeats(&mut self, side: Side) {
        for heartbeat in self.heartbeats.drain(..) {
            match heartbeat {
                Heartbeat::Ping(payload, origin) => self.pings[side as usize].ping(payload, origin),
                Heartbeat::Pong(payload) => self.pings[side.other() as usize].pong(payload),
            }
        }
    }
}

#[inline]
fn context<'b>(stage: &'b mut Stage<'_>, closing: bool, heartbeats: &'b mut Vec<Heartbeat>) -> Context<'b> {
    Context {
        scratch: stage.scratch,
        now: stage.now,
        acknowledged: stage.acknowledged,
        closing,
        heartbeats,
        on_frame: stage.on_frame,
    }
}
