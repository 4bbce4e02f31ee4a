//! One TCP connection: its two directions put in order, and the record when it is over.

use std::collections::VecDeque;
use std::net::SocketAddr;

mod http2;

use super::app::{App, AppSink, Ignored, failed_handshake};
use super::blind::Blind;
use super::heads::Heads;
use crate::connection::{
    Advance, BlindSpot, Connection, FailedAttempt, FailedHandshake, Gap, GapCause, Handshake, HandshakeViolation, Head,
    Observations, Sent, TcpAnomalies, TcpEnd, TcpEndKind, UnreadTls,
};
use crate::ids::{Origin, PacketNumber, SequenceNumber, Side, StreamOffset};
use crate::limits;
use crate::network::Segment;
use crate::tcp::{Assembler, OutOfOrder, Seen, ordered};
use crate::tls::{KeyRing, Tls};
use crate::websocket::{FrameSeen, Probe, Scratch, Stage};

/// What all flows use while they take a packet.
pub(super) struct Shared<'a> {
    pub(super) scratch: &'a mut Scratch,
    pub(super) heads: &'a mut Heads,
    pub(super) out_of_order: &'a OutOfOrder,
    /// WebSocket connections that are followed.
    pub(super) websockets: &'a mut usize,
    pub(super) ring: &'a mut KeyRing,
    pub(super) on_frame: &'a mut dyn FnMut(&FrameSeen),
    pub(super) blind: &'a mut Blind,
}

/// How one direction began and ended.
#[derive(Default, Clone, Copy)]
pub(super) struct End {
    pub(super) syn: Option<Origin>,
    /// The sequence number of the SYN.
    initial: SequenceNumber,
    /// The last SYN: as long as nothing followed it the connection is half-open.
    last_syn: PacketNumber,
    syn_ack: bool,
    fin: Option<Origin>,
    rst: Option<Reset>,
}

/// The end of the connection, by one of its two ends: see [`TcpEnd`].
#[derive(Clone, Copy)]
struct LinkEnd {
    how: TcpEndKind,
    by: usize,
    origin: Origin,
    inferred: bool,
}

/// The packet that acknowledged a FIN which is missing, and where its stream ends.
type MissedFin = (Origin, StreamOffset);

/// A reset, and where both streams stood then, to see whether its receiver took it.
#[derive(Clone, Copy)]
struct Reset {
    origin: Origin,
    /// Where the sender's stream ends by what the reset says.
    end: SequenceNumber,
    /// The reset stands behind everything that its sender had sent: it was made up, or data before it is missing.
    ahead: bool,
    /// How far the stream of its receiver had come.
    other_sent: StreamOffset,
}

/// Acknowledgements of a direction that is not in the capture.
#[derive(Default)]
struct Unseen {
    last: Option<SequenceNumber>,
    bytes: u64,
    advances: VecDeque<Advance>,
}

impl Unseen {
    #[cold]
    fn note(&mut self, ack: SequenceNumber, origin: Origin) {
        let more = self.last.map_or(0, |last| ack.distance_from(last));
        if self.last.is_some() && more <= 0 {
            return;
        }
        self.last = Some(ack);
        if more > 0 {
            if self.advances.len() == limits::ADVANCES {
                self.advances.pop_front();
            }
            let bytes = u64::from(more.unsigned_abs());
            self.bytes += bytes;
            self.advances.push_back(Advance { origin, bytes });
        }
    }
}

/// A TCP connection that is or may become a WebSocket. What every packet touches stands first and together.
#[repr(C)]
pub(super) struct Flow {
    assemblers: [Assembler; 2],
    app: App,
    /// TCP has ended, but for stragglers.
    over: bool,
    /// The last packet of each direction; number 0 while there was none.
    last: [Origin; 2],
    /// Wireshark's `tcp.stream` in the capture of its first packet.
    stream: u32,
    capture: usize,
    addresses: [SocketAddr; 2],
    ends: [End; 2],
    first: Origin,
    tcp_end: Option<LinkEnd>,
    /// What one direction acknowledged of the other, of which no packet was seen.
    unseen: Option<Box<Unseen>>,
    /// The first missing bytes that would have told what this connection carries, and whose they are.
    missing: Option<(usize, Gap)>,
    /// Upgrade requests of this connection that were refused before one succeeded, and the client's direction.
    refused: Vec<FailedHandshake>,
    anomalies: Option<Box<TcpAnomalies>>,
    /// The first packet that acknowledged one number beyond everything that each end had sent, and where that stood: its FIN,
    /// which is missing, unless more comes.
    missed_fins: Option<Box<[Option<MissedFin>; 2]>>,
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
            unseen: None,
            missing: None,
            refused: Vec::new(),
            over: false,
            anomalies: None,
            missed_fins: None,
        }
    }

    /// Takes note of a segment that was captured before, or contradicts one that was. True when it has to be left out.
    #[cold]
    pub(super) fn seen_before(&mut self, seen: Seen, origin: Origin) -> bool {
        let anomalies = self.anomalies.get_or_insert_default();
        match seen {
            Seen::Copy => anomalies.copies += 1,
            Seen::Conflict => {
                anomalies.conflicts += 1;
                anomalies.first_conflict.get_or_insert(origin);
            }
            Seen::First => {}
        }
        seen == Seen::Copy
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
        if self.over && !flags.rst() {
            self.goes_on(from, segment);
        }
        if matches!(self.app, App::Dormant) && !self.wakes(from, segment) {
            return;
        }
        let [low, high] = &mut self.assemblers;
        let (mine, theirs) = if from == 0 { (low, high) } else { (high, low) };
        if flags.ack() && !(flags.rst() && segment.ack.0 == 0) {
            theirs.acknowledge(segment.ack);
            if self.last[1 - from].packet.number() == 0 {
                self.unseen.get_or_insert_default().note(segment.ack, origin);
            } else if theirs.lacks_fin() {
                let (at, missed) = (theirs.sent(), &mut self.missed_fins.get_or_insert_default()[1 - from]);
                if missed.is_none_or(|(_, known)| known != at) {
                    *missed = Some((origin, at));
                }
            }
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
            ends: &self.ends,
            missing: &mut self.missing,
            refused: &mut self.refused,
            heads: shared.heads,
            websockets: shared.websockets,
            joined: false,
            ring: Some(shared.ring),
        };
        if segment.payload_wire_length > 0 || flags.syn() || flags.fin() || !mine.has_started() {
            mine.push(segment, acknowledged, shared.out_of_order, &mut sink);
        }
        if mine.has_hole() {
            mine.tick(origin, shared.out_of_order, &mut sink);
        }
        if theirs.has_hole() {
            sink.from = 1 - from;
            theirs.tick(origin, shared.out_of_order, &mut sink);
        }
    }

    /// Whether a segment of a connection that showed no sign of frames is worth another look.
    #[cold]
    fn wakes(&mut self, from: usize, segment: &Segment<'_>) -> bool {
        let ends = segment.flags.fin() && Probe::glance_at_end(segment.payload);
        if !ends && !Probe::glance(segment.payload) {
            self.assemblers.iter_mut().for_each(Assembler::forget_early);
            return false;
        }
        self.assemblers[from].resume_at(segment.seq);
        if segment.flags.ack() {
            self.assemblers[1 - from].resume_at(segment.ack);
        }
        self.app = App::Probing(Box::new(Probe::woken()));
        true
    }

    #[cold]
    fn control(&mut self, from: usize, segment: &Segment<'_>) {
        let origin = segment.origin;
        let flags = segment.flags;
        if flags.syn() {
            let end = &mut self.ends[from];
            end.syn.get_or_insert(origin);
            end.initial = segment.seq;
            end.last_syn = origin.packet;
            end.syn_ack |= flags.ack();
        }
        // The FIN itself is acknowledged like a byte; that acknowledgement may have been captured before it.
        let end = segment.seq.advanced_by(segment.payload_wire_length + u32::from(flags.fin()));
        if (flags.rst() || flags.fin()) && self.assemblers[from].is_behind(end) {
            // The receiver has acknowledged what follows: it does not take this (RFC 9293 section 3.10.7.4, RFC 5961).
            self.anomalies.get_or_insert_default().ignored_end.get_or_insert(origin);
            return;
        }
        if flags.rst() {
            let reset = Reset {
                origin,
                end: segment.seq,
                ahead: self.assemblers[from].is_ahead(segment.seq),
                other_sent: self.assemblers[1 - from].sent(),
            };
            self.ends[from].rst.get_or_insert(reset);
        } else if flags.fin() {
            self.ends[from].fin.get_or_insert(origin);
        }
        self.note_end();
    }

    /// The first FIN or RST of the connection ended it.
    fn note_end(&mut self) {
        let end = |how, by, origin| LinkEnd { how, by, origin, inferred: false };
        let resets = (0..2).filter_map(|i| self.ends[i].rst.map(|r| end(TcpEndKind::Rst, i, r.origin)));
        let fins = (0..2).filter_map(|i| self.ends[i].fin.map(|o| end(TcpEndKind::Fin, i, o)));
        self.tcp_end = resets.chain(fins).min_by_key(|end| end.origin);
        self.over = self.ends.iter().any(|e| e.rst.is_some()) || self.ends.iter().all(|e| e.fin.is_some());
    }

    /// Finds the FINs that the capture missed. Only now is it known that nothing came behind what was acknowledged.
    fn note_missed_fins(&mut self) {
        let Some(missed_fins) = &mut self.missed_fins else { return };
        for (by, (missed, assembler)) in missed_fins.iter_mut().zip(&self.assemblers).enumerate() {
            *missed = missed.filter(|(_, at)| assembler.lacks_fin() && *at == assembler.sent());
            let Some((origin, _)) = *missed else { continue };
            // It came before what acknowledged it, which may be the other end's own FIN.
            if self.tcp_end.is_none_or(|end| origin <= end.origin) {
                self.tcp_end = Some(LinkEnd { how: TcpEndKind::Fin, by, origin, inferred: true });
            }
        }
    }

    /// A packet after the end: where it shows that the connection lived on, the reset was not taken.
    #[cold]
    fn goes_on(&mut self, from: usize, segment: &Segment<'_>) {
        let Some(reset) = self.ends[from].rst else { return };
        let (mine, theirs) = (&self.assemblers[from], &self.assemblers[1 - from]);
        let end = segment.seq.advanced_by(segment.payload_wire_length);
        let new = segment.payload_wire_length > 0 && mine.is_ahead(end);
        let sends = new && (end.distance_from(reset.end) > 0 || reset.ahead);
        let takes = segment.flags.ack()
            && theirs.sent() > reset.other_sent
            && theirs.position(segment.ack) > reset.other_sent
            && segment.origin > reset.origin;
        if sends || takes {
            self.anomalies.get_or_insert_default().ignored_end.get_or_insert(reset.origin);
            self.ends[from].rst = None;
            self.note_end();
        }
    }

    /// Whether TCP has ended, but for stragglers.
    #[inline]
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// Whether this is a WebSocket connection.
    #[inline]
    pub(super) fn is_websocket(&self) -> bool {
        self.app.is_websocket()
    }

    /// Whether the end that asked for the connection has sent nothing but SYNs.
    pub(super) fn is_half_open(&self) -> bool {
        let asks = |i: usize| self.ends[i].syn.is_some() && !self.ends[i].syn_ack;
        matches!(self.app, App::Undecided) && (0..2).any(|i| asks(i) && self.last[i].packet == self.ends[i].last_syn)
    }

    pub(super) fn is_ignored(&self) -> bool {
        self.app.ignored().is_some()
    }

    pub(super) fn ignored_because(&self) -> Ignored {
        self.app.ignored().cloned().unwrap_or(Ignored::OtherProtocol)
    }

    /// Closes the connection in the books.
    pub(super) fn finish(mut self: Box<Self>, now: Origin, shared: &mut Shared<'_>, observations: &mut Observations) {
        self.note_missed_fins();
        let in_order = self.ends.map(|end| end.fin.is_some());
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
                ends: &self.ends,
                missing: &mut self.missing,
                refused: &mut self.refused,
                heads: shared.heads,
                websockets: shared.websockets,
                joined: false,
                ring: Some(shared.ring),
            };
            self.assemblers[from].finish(now, &mut sink);
            if from == 1 {
                sink.release_preface();
            }
            sink.finish_tls(self.assemblers[from].delivered());
        }
        let mut tls = None;
        if let App::Tls { .. } = self.app
            && let App::Tls { tls: around, inner } = std::mem::replace(&mut self.app, App::Undecided)
        {
            self.app = match *inner {
                // Opened, and nothing was said in it: a connection that a browser keeps at hand.
                App::Undecided if around.is_read() && !around.was_refused() && self.missing.is_none() => {
                    App::Ignored(Ignored::OtherProtocol)
                }
                App::Undecided => App::Dormant,
                inner => inner,
            };
            tls = Some(around);
        }
        let mut sink = AppSink {
            app: &mut self.app,
            from: 1,
            now,
            scratch: shared.scratch,
            on_frame: shared.on_frame,
            addresses: self.addresses,
            capture: self.capture,
            stream: self.stream,
            ends: &self.ends,
            missing: &mut self.missing,
            refused: &mut self.refused,
            heads: shared.heads,
            websockets: shared.websockets,
            joined: tls.as_ref().is_some_and(|tls| tls.is_joined()),
            ring: tls.is_none().then_some(&mut *shared.ring),
        };
        sink.finish_probe(in_order, self.tcp_end.is_some());
        observations.failed_handshakes.append(&mut self.refused);
        if let Some((_, gap)) = self.missing.filter(|_| !matches!(self.app, App::WebSocket { .. } | App::Ignored(_))) {
            shared.blind.unrecognised(gap.why, self.first.packet);
        }
        if let (App::Dormant, Some(tls)) = (&self.app, tls.as_ref().filter(|tls| !tls.is_read() || tls.was_refused())) {
            let client =
                tls.client().unwrap_or_else(|| usize::from(self.addresses[0].port() <= self.addresses[1].port()));
            shared.blind.ignored(Ignored::Tls(Box::new(UnreadTls {
                capture: self.capture,
                tcp_stream: self.stream,
                client: self.addresses[client],
                server: self.addresses[1 - client],
                facts: tls.facts(),
                tcp_end: self.tcp_end.map(|end| tcp_end_record(end, client)),
            })));
        } else if matches!(self.app, App::Probing(_) | App::Dormant)
            && self.missing.is_none()
            && self.ends.iter().all(|e| e.syn.is_none())
        {
            shared.blind.unknown_midstream(self.first.packet);
        }
        match std::mem::replace(&mut self.app, App::Undecided) {
            App::Undecided => self.failed_attempt(observations, shared.blind),
            App::Http { upgrade, .. } => {
                shared.blind.unlisted_handshakes += upgrade.unlisted();
                let tcp_end = self.tcp_end;
                let (client, failures) = upgrade.into_failures();
                let client = client.unwrap_or(0);
                for failure in failures {
                    // TCP lets nobody ask before the other end has answered its SYN: that answer is missing, not absent.
                    if failure.response.is_none() && self.last[1 - client].packet.number() == 0 {
                        observations.blind_spots.push(self.one_direction(client, failure.request.origin));
                        continue;
                    }
                    let mut failed =
                        failed_handshake((self.capture, self.stream, tls.is_some()), self.addresses, client, failure);
                    failed.tcp_end = tcp_end.map(|end| tcp_end_record(end, client));
                    observations.failed_handshakes.push(failed);
                }
            }
            App::WebSocket { mut session, client } => {
                *shared.websockets = shared.websockets.saturating_sub(1);
                let request = session.request.take();
                let acknowledged = StreamOffset(0);
                let mut stage = Stage { scratch: shared.scratch, now, acknowledged, on_frame: shared.on_frame };
                let in_order = [in_order[client], in_order[1 - client]];
                let (handshake, from_client, from_server) = session.finish(&mut stage, in_order);
                self.record(client, (handshake, request, tls), from_client, from_server, observations);
            }
            App::Http2(app) => self.finish_http2(*app, tls, now, shared, observations),
            App::Preface(_) | App::Prefaced => {}
            App::Probing(_) | App::Dormant | App::Tls { .. } | App::Ignored(_) => {}
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

    fn failed_attempt(&self, observations: &mut Observations, blind: &mut Blind) {
        let Some(from) = (0..2).find(|i| self.ends[*i].syn.is_some() && !self.ends[*i].syn_ack) else { return };
        let other = &self.ends[1 - from];
        if other.syn.is_some() {
            return;
        }
        if observations.failed_attempts.len() >= limits::FAILED_ATTEMPTS {
            blind.unlisted_attempts += 1;
            return;
        }
        let Some(syn) = self.ends[from].syn else { return };
        observations.failed_attempts.push(FailedAttempt {
            capture: self.capture,
            tcp_stream: self.stream,
            client: self.addresses[from],
            server: self.addresses[1 - from],
            syn,
            refused: other.rst.map(|r| r.origin),
        });
    }

    fn record(
        &self,
        client: usize,
        (handshake, request, mut tls): (Option<Handshake>, Option<Box<Head>>, Option<Box<Tls>>),
        mut from_client: Sent,
        mut from_server: Sent,
        observations: &mut Observations,
    ) {
        self.fill(client, &mut from_client);
        self.fill(1 - client, &mut from_server);
        if let Some(tls) = &mut tls {
            from_client.acknowledged_to = tls.content_to(client, from_client.acknowledged_to);
            from_server.acknowledged_to = tls.content_to(1 - client, from_server.acknowledged_to);
        }
        let whole = handshake.as_ref().is_some_and(|h| h.request.is_some());
        if let Some((index, gap)) = self.missing.filter(|_| !whole) {
            let gaps = &mut if index == client { &mut from_client } else { &mut from_server }.lost.gaps;
            if gaps.iter().all(|g| g.start != gap.start) {
                gaps.insert(0, gap);
            }
        }
        if handshake.is_none() && tls.is_none() && self.ends.iter().all(|e| e.syn.is_none()) {
            self.passed_before(client, &mut from_client);
            self.passed_before(1 - client, &mut from_server);
        }
        let tcp_end = self.tcp_end.map(|end| tcp_end_record(end, client));
        if let Some(handshake) = &handshake
            && is_invalid(handshake)
            && from_client.frames == 0
        {
            observations.failed_handshakes.push(FailedHandshake {
                capture: self.capture,
                tcp_stream: self.stream,
                also_in: None,
                secure: tls.is_some(),
                http2: None,
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
            initial_sequence: self.ends.iter().all(|e| e.syn.is_some()).then(|| {
                let initial = |index: usize| self.ends[index].initial.0;
                [initial(client), initial(1 - client)]
            }),
            joined_midstream: handshake.is_none(),
            http2: None,
            tls: tls.map(|tls| Box::new(tls.facts())),
            handshake: handshake.map(Box::new),
            request,
            from_client: Box::new(from_client),
            from_server: Box::new(from_server),
            tcp_end,
            tcp_anomalies: self.anomalies(),
            capture_end: self.last[0].max(self.last[1]).at,
        });
    }

    fn anomalies(&self) -> Option<Box<TcpAnomalies>> {
        let after_fin = self.assemblers.iter().map(Assembler::after_fin).sum();
        let mut anomalies = self.anomalies.clone().unwrap_or_default();
        anomalies.after_fin = after_fin;
        (*anomalies != TcpAnomalies::default()).then_some(anomalies)
    }

    /// Bytes that the capture holds from before the first frame that was recognised, looked at or not.
    fn passed_before(&self, index: usize, sent: &mut Sent) {
        let to = sent.lost.resyncs.first().map_or(self.assemblers[index].delivered(), |r| r.start);
        let missing = sent.lost.gaps.iter().filter(|g| g.start < to).map(|g| g.length).sum::<u64>();
        let known = sent.lost.resyncs.first().map_or(sent.lost.unreadable_bytes, |r| r.skipped);
        let more = to.0.saturating_sub(missing).saturating_sub(known);
        if more == 0 {
            return;
        }
        sent.lost.unreadable_bytes += more;
        if let Some(first) = sent.lost.resyncs.first_mut() {
            first.skipped += more;
        }
    }

    fn fill(&self, index: usize, sent: &mut Sent) {
        let (end, assembler) = (&self.ends[index], &self.assemblers[index]);
        sent.fin = end.fin;
        if let Some((origin, _)) = self.missed_fins.as_ref().and_then(|missed| missed[index]) {
            sent.lost.fin = Some(origin);
        }
        sent.rst = end.rst.map(|r| Box::new(r.origin));
        sent.last_packet = Some(self.last[index]).filter(|o| o.packet.number() > 0);
        if let (None, Some(unseen)) = (sent.last_packet, &self.unseen) {
            sent.lost.advances = unseen.advances.iter().copied().collect();
            if let Some(last) = unseen.advances.back() {
                let (start, length) = (StreamOffset(0), unseen.bytes);
                sent.lost.gaps = vec![Gap { start, length, origin: last.origin, why: GapCause::Lost }];
            }
        }
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
    // An Engine.IO ping that nothing followed: its timeout closes as calmly as anything else.
    let heartbeat_open = server.recent.last().is_some_and(|m| {
        m.payload_bytes == Some(1) && m.head.as_slice() == b"2" && client.last_message.is_none_or(|l| l < m.first)
    });
    closed.peek().is_some()
        && closed.all(blameless)
        && !heartbeat_open
        && [client, server].iter().all(|sent| {
            let largest = sent.largest_message().unwrap_or(0);
            let in_question = sent.recent.iter().any(|m| !m.complete || m.size() >= largest.max(SUSPECT));
            sent.defects == 0 && sent.violations.is_empty() && !in_question
        })
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

fn tcp_end_record(end: LinkEnd, client: usize) -> TcpEnd {
    let LinkEnd { how, by, origin, inferred } = end;
    TcpEnd { how, by: if by == client { Side::Client } else { Side::Server }, origin, inferred }
}
