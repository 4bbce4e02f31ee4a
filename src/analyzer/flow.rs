//! One TCP connection on its way through the stages: HTTP, then WebSocket, or neither.

use std::net::SocketAddr;

use super::heads::Heads;
use crate::connection::{
    BlindSpot, Connection, FailedAttempt, FailedHandshake, GapCause, Handshake, HandshakeViolation, Observations, Sent,
    TcpEnd, TcpEndKind,
};
use crate::http::{Failure, Progress, Upgrade};
use crate::ids::{Origin, Side, StreamOffset};
use crate::limits;
use crate::network::Segment;
use crate::tcp::{Assembler, Sink, ordered};
use crate::websocket::{FrameSeen, Scratch, Session, Stage};

/// What all flows use while they take a packet.
pub(super) struct Shared<'a> {
    pub(super) scratch: &'a mut Scratch,
    pub(super) heads: &'a mut Heads,
    pub(super) on_frame: &'a mut dyn FnMut(&FrameSeen),
}

/// What the bytes of a connection are.
enum App {
    /// No byte seen yet.
    Undecided,
    Http(Box<Upgrade>),
    WebSocket {
        session: Box<Session>,
        client: usize,
    },
    Ignored(Ignored),
}

/// Why a connection is not looked at any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ignored {
    /// Some other protocol.
    OtherProtocol,
    /// TLS, to this port.
    Tls { port: u16 },
    /// HTTP/2 in the clear.
    Http2,
}

/// How one direction began and ended.
#[derive(Default, Clone, Copy)]
struct End {
    syn: Option<Origin>,
    syn_ack: bool,
    fin: Option<Origin>,
    rst: Option<Origin>,
}

/// A TCP connection that is or may become a WebSocket. What every packet touches stands first and together.
#[repr(C)]
pub(super) struct Flow {
    assemblers: [Assembler; 2],
    app: App,
    /// The last packet of each direction; number 0 while there was none.
    last: [Origin; 2],
    /// Wireshark's `tcp.stream` in the capture of its first packet.
    stream: u32,
    capture: usize,
    addresses: [SocketAddr; 2],
    ends: [End; 2],
    first: Origin,
    tcp_end: Option<(TcpEndKind, usize, Origin)>,
    /// Upgrade requests of this connection that were refused before one succeeded, and the client's direction.
    refused: Vec<FailedHandshake>,
}

impl Flow {
    pub(super) fn new(stream: u32, segment: &Segment<'_>) -> Flow {
        Flow {
            capture: segment.origin.packet.file(),
            stream,
            addresses: ordered(segment.source, segment.destination),
            assemblers: Default::default(),
            app: App::Undecided,
            ends: [End::default(); 2],
            first: segment.origin,
            last: [Origin::default(); 2],
            tcp_end: None,
            refused: Vec::new(),
        }
    }

    /// Takes a segment that the end `from` sent.
    #[inline]
    pub(super) fn segment(&mut self, from: usize, segment: &Segment<'_>, shared: &mut Shared<'_>) {
        let origin = segment.origin;
        self.last[from] = origin;
        let flags = segment.flags;
        if flags.syn() || flags.fin() || flags.rst() {
            self.control(from, segment);
        }
        let [low, high] = &mut self.assemblers;
        let (mine, theirs) = if from == 0 { (low, high) } else { (high, low) };
        if flags.ack() && !(flags.rst() && segment.ack.0 == 0) {
            theirs.acknowledge(segment.ack);
        }
        if flags.rst() {
            // A reset's payload, where there is any, is a diagnostic text and no data (RFC 9293 section 3.5.3).
            return;
        }
        let acknowledged = if flags.ack() { theirs.position(segment.ack) } else { StreamOffset(0) };
        let mut sink = AppSink {
            app: &mut self.app,
            from,
            now: origin,
            scratch: shared.scratch,
            on_frame: shared.on_frame,
            addresses: self.addresses,
            capture: self.capture,
            stream: self.stream,
            refused: &mut self.refused,
            heads: shared.heads,
        };
        if segment.payload_wire_length > 0 || flags.syn() || flags.fin() || !mine.has_started() {
            mine.push(segment, acknowledged, &mut sink);
        }
        if mine.has_hole() {
            mine.tick(origin, &mut sink);
        }
        if theirs.has_hole() {
            sink.from = 1 - from;
            theirs.tick(origin, &mut sink);
        }
    }

    #[cold]
    fn control(&mut self, from: usize, segment: &Segment<'_>) {
        let origin = segment.origin;
        let end = &mut self.ends[from];
        if segment.flags.syn() {
            end.syn.get_or_insert(origin);
            end.syn_ack |= segment.flags.ack();
        }
        if segment.flags.rst() {
            end.rst.get_or_insert(origin);
            self.tcp_end.get_or_insert((TcpEndKind::Rst, from, origin));
        } else if segment.flags.fin() {
            end.fin.get_or_insert(origin);
            self.tcp_end.get_or_insert((TcpEndKind::Fin, from, origin));
        }
    }

    /// Whether TCP has ended, but for stragglers.
    pub(super) fn is_over(&self) -> bool {
        self.ends.iter().any(|e| e.rst.is_some()) || self.ends.iter().all(|e| e.fin.is_some())
    }

    pub(super) fn is_ignored(&self) -> bool {
        matches!(self.app, App::Ignored(_))
    }

    pub(super) fn ignored_because(&self) -> Ignored {
        match self.app {
            App::Ignored(why) => why,
            _ => Ignored::OtherProtocol,
        }
    }

    /// Closes the connection in the books.
    pub(super) fn finish(mut self: Box<Self>, now: Origin, shared: &mut Shared<'_>, observations: &mut Observations) {
        for from in [0, 1] {
            let mut sink = AppSink {
                app: &mut self.app,
                from,
                now,
                scratch: shared.scratch,
                on_frame: shared.on_frame,
                addresses: self.addresses,
                capture: self.capture,
                stream: self.stream,
                refused: &mut self.refused,
                heads: shared.heads,
            };
            self.assemblers[from].finish(now, &mut sink);
        }
        observations.failed_handshakes.append(&mut self.refused);
        match std::mem::replace(&mut self.app, App::Undecided) {
            App::Undecided => self.failed_attempt(observations),
            App::Http(upgrade) => {
                let tcp_end = self.tcp_end;
                let (client, failures) = upgrade.into_failures();
                let client = client.unwrap_or(0);
                for failure in failures {
                    // TCP lets nobody ask before the other end has answered its SYN: that answer is missing, not absent.
                    if failure.response.is_none() && self.last[1 - client].packet.number() == 0 {
                        observations.blind_spots.push(self.one_direction(client, failure.request.origin));
                        continue;
                    }
                    let mut failed = failed_handshake((self.capture, self.stream), self.addresses, client, failure);
                    failed.tcp_end = tcp_end.map(|end| tcp_end_record(end, client));
                    observations.failed_handshakes.push(failed);
                }
            }
            App::WebSocket { session, client } => {
                let acknowledged = StreamOffset(0);
                let mut stage = Stage { scratch: shared.scratch, now, acknowledged, on_frame: shared.on_frame };
                let (handshake, from_client, from_server) = session.finish(&mut stage);
                self.record(client, handshake, from_client, from_server, observations);
            }
            App::Ignored(_) => {}
        }
    }

    fn one_direction(&self, client: usize, request: Origin) -> BlindSpot {
        BlindSpot {
            kind: "one-direction".to_string(),
            text: format!(
                "Stream {} holds only what the client {} sent: its upgrade request is there, and how it was answered and why \
                 the connection ended is not. Record both directions: no src or dst in the filter, both lanes of a mirror port.",
                self.stream, self.addresses[client]
            ),
            connections: Vec::new(),
            packets: vec![request.packet],
        }
    }

    fn failed_attempt(&self, observations: &mut Observations) {
        let Some(from) = (0..2).find(|i| self.ends[*i].syn.is_some() && !self.ends[*i].syn_ack) else { return };
        let other = &self.ends[1 - from];
        if other.syn.is_some() || observations.failed_attempts.len() >= limits::FAILED_ATTEMPTS {
            return;
        }
        let Some(syn) = self.ends[from].syn else { return };
        observations.failed_attempts.push(FailedAttempt {
            capture: self.capture,
            tcp_stream: self.stream,
            client: self.addresses[from],
            server: self.addresses[1 - from],
            syn,
            refused: other.rst,
        });
    }

    fn record(
        &self,
        client: usize,
        handshake: Option<Handshake>,
        mut from_client: Sent,
        mut from_server: Sent,
        observations: &mut Observations,
    ) {
        self.fill(client, &mut from_client);
        self.fill(1 - client, &mut from_server);
        let tcp_end = self.tcp_end.map(|end| tcp_end_record(end, client));
        if let Some(handshake) = &handshake
            && is_invalid(handshake)
            && from_client.frames == 0
        {
            observations.failed_handshakes.push(FailedHandshake {
                capture: self.capture,
                tcp_stream: self.stream,
                also_in: None,
                client: self.addresses[client],
                server: self.addresses[1 - client],
                request: handshake.request.clone().unwrap_or_default(),
                response: Some(handshake.response.clone()),
                body: Vec::new(),
                violations: handshake.violations.clone(),
                tcp_end,
            });
            return;
        }
        if is_calm(&from_client, &from_server) {
            from_client.forget_messages();
            from_server.forget_messages();
        }
        observations.connections.push(Connection {
            capture: self.capture,
            tcp_stream: self.stream,
            also_in: None,
            client: self.addresses[client],
            server: self.addresses[1 - client],
            first: self.first,
            last: self.last[0].max(self.last[1]),
            joined_midstream: handshake.is_none(),
            handshake: handshake.map(Box::new),
            from_client: Box::new(from_client),
            from_server: Box::new(from_server),
            tcp_end,
            capture_end: self.last[0].max(self.last[1]).at,
        });
    }

    fn fill(&self, index: usize, sent: &mut Sent) {
        let (end, assembler) = (&self.ends[index], &self.assemblers[index]);
        sent.fin = end.fin;
        sent.rst = end.rst.map(Box::new);
        sent.last_packet = Some(self.last[index]).filter(|o| o.packet.number() > 0);
        sent.acknowledged_to = assembler.acknowledged();
        sent.retransmissions = assembler.retransmissions();
        sent.unanswered_retransmissions = assembler.unanswered_retransmissions();
        sent.unacknowledged_since = assembler.unacknowledged_since().map(Box::new);
    }
}

/// Whether an ending needs no look at single messages: closed with a code that blames none, and none is in question.
fn is_calm(client: &Sent, server: &Sent) -> bool {
    /// Messages below this size are not suspected of an ending that does not say so.
    const SUSPECT: u64 = 4096;
    let codes = client.closes.iter().chain(&server.closes).map(|c| c.code.unwrap_or(1005));
    let blameless = |code| matches!(code, 1000 | 1001 | 1005 | 1012 | 3000..=4999);
    let mut closed = codes.peekable();
    closed.peek().is_some()
        && closed.all(blameless)
        && [client, server].iter().all(|sent| {
            let largest = sent.largest_message().unwrap_or(0);
            let in_question = sent.recent.iter().any(|m| !m.complete || m.size() >= largest.max(SUSPECT));
            sent.defects == 0 && sent.violations.is_empty() && !in_question
        })
}

/// The record of a request that came to nothing; how TCP ended is added where that is known.
fn failed_handshake(
    (capture, stream): (usize, u32),
    addresses: [SocketAddr; 2],
    client: usize,
    failure: Failure,
) -> FailedHandshake {
    FailedHandshake {
        capture,
        tcp_stream: stream,
        also_in: None,
        client: addresses[client],
        server: addresses[1 - client],
        request: failure.request,
        response: failure.response,
        body: failure.body,
        violations: failure.violations,
        tcp_end: None,
    }
}

/// A 101 that a client has to refuse (RFC 6455 section 4.1).
fn is_invalid(handshake: &Handshake) -> bool {
    handshake.violations.iter().any(|v| {
        matches!(
            v,
            HandshakeViolation::MissingAccept
                | HandshakeViolation::WrongAccept
                | HandshakeViolation::MissingUpgrade
                | HandshakeViolation::MissingConnection
                | HandshakeViolation::ExtensionNotOffered
                | HandshakeViolation::SubprotocolNotOffered
        )
    })
}

fn tcp_end_record((how, by, origin): (TcpEndKind, usize, Origin), client: usize) -> TcpEnd {
    TcpEnd { how, by: if by == client { Side::Client } else { Side::Server }, origin }
}

/// Hands the ordered bytes of one direction to the stage that the connection is in.
struct AppSink<'a> {
    app: &'a mut App,
    from: usize,
    now: Origin,
    scratch: &'a mut Scratch,
    on_frame: &'a mut dyn FnMut(&FrameSeen),
    addresses: [SocketAddr; 2],
    capture: usize,
    stream: u32,
    refused: &'a mut Vec<FailedHandshake>,
    heads: &'a mut Heads,
}

impl AppSink<'_> {
    /// Decides on the first bytes what a connection carries.
    #[cold]
    fn decide(&mut self, bytes: &[u8]) {
        *self.app = if bytes.starts_with(b"PRI * HTTP/2") {
            App::Ignored(Ignored::Http2)
        } else if Upgrade::may_be_http(bytes) {
            App::Http(Box::default())
        } else if bytes.len() >= 3 && bytes[0] == 0x16 && bytes[1] == 3 {
            App::Ignored(Ignored::Tls { port: self.addresses[1 - self.from].port() })
        } else {
            App::Ignored(Ignored::OtherProtocol)
        };
    }

    fn progress(&mut self, progress: Progress) {
        match progress {
            Progress::More => {}
            Progress::NotHttp => *self.app = App::Ignored(Ignored::OtherProtocol),
            Progress::Upgraded(upgraded) => self.upgraded(*upgraded),
        }
    }

    #[cold]
    fn upgraded(&mut self, upgraded: crate::http::Upgraded) {
        let client = upgraded.client;
        let mut upgraded = upgraded;
        self.heads.share(&mut upgraded.handshake);
        let lost = [upgraded.lost[client], upgraded.lost[1 - client]];
        let session = Box::new(Session::new(self.stream, Some(upgraded.handshake), lost));
        let before = std::mem::replace(self.app, App::WebSocket { session, client });
        if let App::Http(upgrade) = before {
            let (_, failures) = upgrade.into_failures();
            let place = (self.capture, self.stream);
            self.refused.extend(failures.into_iter().map(|f| failed_handshake(place, self.addresses, client, f)));
        }
        let asked = self.from;
        for (index, (offset, bytes, origin)) in upgraded.rest.into_iter().enumerate() {
            if !bytes.is_empty() {
                self.from = index;
                self.data(offset, &bytes, origin, StreamOffset(0));
            }
        }
        self.from = asked;
    }
}

impl Sink for AppSink<'_> {
    #[inline]
    fn data(&mut self, offset: StreamOffset, bytes: &[u8], origin: Origin, acknowledged: StreamOffset) {
        if let App::Undecided = self.app {
            self.decide(bytes);
        }
        match self.app {
            App::WebSocket { session, client } => {
                let side = if self.from == *client { Side::Client } else { Side::Server };
                let mut stage = Stage { scratch: self.scratch, now: self.now, acknowledged, on_frame: self.on_frame };
                session.data(&mut stage, side, offset, bytes, origin);
            }
            App::Http(upgrade) => {
                let progress = upgrade.data(self.from, offset, bytes, origin);
                self.progress(progress);
            }
            App::Undecided | App::Ignored(_) => {}
        }
    }

    fn gap(&mut self, offset: StreamOffset, length: u64, origin: Origin, why: GapCause) {
        match self.app {
            App::WebSocket { session, client } => {
                let side = if self.from == *client { Side::Client } else { Side::Server };
                let mut stage = Stage {
                    scratch: self.scratch,
                    now: self.now,
                    acknowledged: StreamOffset(0),
                    on_frame: self.on_frame,
                };
                session.gap(&mut stage, side, offset, length, origin, why);
            }
            App::Http(upgrade) => upgrade.gap(self.from, length),
            App::Undecided | App::Ignored(_) => {}
        }
    }
}
