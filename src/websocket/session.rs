//! Both directions of one WebSocket connection, and the record that comes of them.

use super::pings::PingLog;
use super::reader::{Context, FrameReader, FrameSeen, Heartbeat, Scratch};
use crate::connection::{GapCause, Handshake, Sent};
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
}

impl Session {
    /// Begins behind a handshake. `lost`: for client and server, whether their first frame has to be searched for.
    #[must_use]
    pub fn new(tcp_stream: u32, handshake: Option<Handshake>, lost: [bool; 2]) -> Session {
        let deflate = handshake.as_ref().and_then(|h| h.deflate);
        let unknown = handshake.is_none();
        let reader = |side, lost| FrameReader::new(side, tcp_stream, deflate, unknown, lost);
        Session {
            readers: [reader(Side::Client, lost[0]), reader(Side::Server, lost[1])],
            pings: Default::default(),
            heartbeats: Vec::new(),
            closing: false,
            handshake,
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

    /// The connection is over: what each side sent.
    #[must_use]
    pub fn finish(mut self, stage: &mut Stage<'_>) -> (Option<Handshake>, Sent, Sent) {
        for side in [Side::Client, Side::Server] {
            let mut context = context(stage, self.closing, &mut self.heartbeats);
            self.readers[side as usize].finish(&mut context);
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
