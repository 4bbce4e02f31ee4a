//! What the bytes of a TCP connection are, and the stage that takes them: HTTP, then WebSocket, or neither.

use std::net::SocketAddr;

use super::flow::End;
use super::heads::Heads;
use super::preface::{self, Preface};
use super::streams::{Http2App, StreamStage};
use crate::connection::{FailedHandshake, Gap, GapCause, TlsFacts};
use crate::http::{Failure, Progress, Upgrade};
use crate::http2::{self, Http2, Place, Sender};
use crate::ids::{Origin, Side, StreamOffset};
use crate::tcp::Sink;
use crate::tls::{Arrival, KeyRing, Plaintext, Tls, is_tls, may_begin_tls};
use crate::websocket::{Asked, FrameSeen, Probe, Probed, Scratch, Session, Stage};

/// What the bytes of a connection are.
pub(super) enum App {
    /// No byte seen yet.
    Undecided,
    /// Words with a proxy, addresses of one, or too few bytes to tell.
    Preface(Box<Preface>),
    /// No byte seen yet behind those.
    Prefaced,
    /// HTTP/1 so far. Where bytes of its heads are missing, what follows is probed for frames.
    Http {
        upgrade: Box<Upgrade>,
        probe: Option<Box<Probe>>,
    },
    /// The beginning was not seen: anything.
    Probing(Box<Probe>),
    /// The beginning was not seen, and no sign of frames: each segment is only glanced at.
    Dormant,
    /// WebSocket.
    WebSocket {
        session: Box<Session>,
        client: usize,
    },
    /// TLS, and what its plaintext is.
    Tls {
        tls: Box<Tls>,
        inner: Box<App>,
    },
    /// HTTP/2, with WebSockets in its streams.
    Http2(Box<Http2App>),
    Ignored(Ignored),
}

impl App {
    /// Whether this is a WebSocket connection, or became one inside TLS.
    #[inline]
    pub(super) fn is_websocket(&self) -> bool {
        match self {
            App::WebSocket { .. } => true,
            App::Http2(app) => !app.streams.is_empty(),
            App::Tls { inner, .. } => inner.is_websocket(),
            _ => false,
        }
    }

    /// Why this is not looked at any further, if it is not.
    #[inline]
    pub(super) fn ignored(&self) -> Option<&Ignored> {
        match self {
            App::Ignored(why) => Some(why),
            App::Tls { inner, .. } => match &**inner {
                App::Ignored(why) => Some(why),
                _ => None,
            },
            _ => None,
        }
    }
}

/// Why a connection is not looked at any further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ignored {
    /// Some other protocol.
    OtherProtocol,
    /// TLS that cannot be opened, to this port.
    Tls { port: u16, facts: Box<TlsFacts> },
}

/// Hands the ordered bytes of one direction to the stage that the connection is in.
pub(super) struct AppSink<'a> {
    pub(super) app: &'a mut App,
    pub(super) from: usize,
    pub(super) now: Origin,
    pub(super) scratch: &'a mut Scratch,
    pub(super) on_frame: &'a mut dyn FnMut(&FrameSeen),
    pub(super) addresses: [SocketAddr; 2],
    pub(super) capture: usize,
    /// Wireshark's `tcp.stream` in the capture of its first packet.
    pub(super) stream: u32,
    pub(super) ends: &'a [End; 2],
    /// The first missing bytes that would have told what this connection carries, and whose they are.
    pub(super) missing: &'a mut Option<(usize, Gap)>,
    pub(super) refused: &'a mut Vec<FailedHandshake>,
    pub(super) heads: &'a mut Heads,
    pub(super) websockets: &'a mut usize,
    /// Secrets; `None` inside TLS.
    pub(super) ring: Option<&'a mut KeyRing>,
}

impl AppSink<'_> {
    /// Decides on the first bytes what a connection carries.
    #[cold]
    fn decide(&mut self, offset: StreamOffset, bytes: &[u8]) {
        let prefaced = matches!(self.app, App::Prefaced);
        let first = offset.0 == 0 || prefaced;
        *self.app = if offset.0 == 0 && !prefaced && Preface::may_begin(bytes, self.has_begun()) {
            App::Preface(Box::new(Preface::new(self.from)))
        } else if let Some(sender) = http2::begins(bytes).filter(|_| first) {
            let client = if sender == Sender::Client { self.from } else { 1 - self.from };
            App::Http2(Box::new(Http2App::new(client)))
        } else if Upgrade::may_be_http(bytes) {
            App::Http { upgrade: Box::default(), probe: None }
        } else if self.ring.is_some() && (is_tls(bytes) || self.has_begun() && offset.0 == 0 && may_begin_tls(bytes)) {
            App::Tls { tls: Box::default(), inner: Box::new(App::Undecided) }
        } else if self.has_begun() && first {
            App::Ignored(Ignored::OtherProtocol)
        } else {
            App::Probing(Box::default())
        };
    }

    /// A first byte alone may begin a method of HTTP as well as the preface of HTTP/2.
    #[cold]
    fn reconsider(&mut self, bytes: &[u8]) {
        let App::Http { upgrade, probe: None } = self.app else { return };
        let joined = [upgrade.held(self.from), &bytes[..bytes.len().min(http2::PREFACE.len())]].concat();
        if upgrade.held(self.from).len() == 1 && http2::begins(&joined) == Some(Sender::Client) {
            let mut app = Http2App::new(self.from);
            app.http2.skip_preface(1);
            *self.app = App::Http2(Box::new(app));
        }
    }

    /// Hands on what waits for the protocol to begin.
    #[cold]
    pub(super) fn release_preface(&mut self) {
        if !matches!(self.app, App::Preface(_)) {
            return;
        }
        let App::Preface(preface) = std::mem::replace(self.app, App::Prefaced) else { return };
        let from = self.from;
        let waiting = preface.release();
        if let Some(first) = waiting.first() {
            // A segment may hold too little to tell by.
            let all: Vec<&[u8]> = waiting.iter().filter(|h| h.from == first.from).map(|h| h.bytes.as_slice()).collect();
            self.from = first.from;
            self.decide(first.offset, &all.concat());
        }
        for held in waiting {
            self.from = held.from;
            self.data(held.offset, &held.bytes, held.origin, held.acknowledged);
        }
        self.from = from;
    }

    /// Whether the SYN of this direction was seen.
    fn has_begun(&self) -> bool {
        self.ends[self.from].syn.is_some()
    }

    /// Bytes of TLS.
    fn tls_data(&mut self, offset: StreamOffset, bytes: &[u8], origin: Origin, acknowledged: StreamOffset) {
        let from = self.from;
        self.in_tls(|tls, ring, sink| {
            tls.data(from, offset, bytes, Arrival { origin, acknowledged }, ring, sink);
        });
    }

    /// The connection is over: hands on what TLS still holds.
    pub(super) fn finish_tls(&mut self, end: StreamOffset) {
        let (from, now) = (self.from, self.now);
        self.in_tls(|tls, _, sink| tls.finish(from, end, now, sink));
    }

    /// Lets TLS hand its plaintext to what is inside.
    fn in_tls(&mut self, step: impl FnOnce(&mut Tls, &mut KeyRing, &mut AppSink<'_>)) {
        let App::Tls { tls, inner } = self.app else { return };
        let Some(ring) = self.ring.as_deref_mut() else { return };
        let mut sink = AppSink {
            app: inner,
            from: self.from,
            now: self.now,
            scratch: self.scratch,
            on_frame: self.on_frame,
            addresses: self.addresses,
            capture: self.capture,
            stream: self.stream,
            ends: self.ends,
            missing: self.missing,
            refused: self.refused,
            heads: self.heads,
            websockets: self.websockets,
            ring: None,
        };
        step(tls, ring, &mut sink);
        if tls.unread().is_some() {
            let facts = Box::new(tls.facts());
            let server = tls.client().map(|client| self.addresses[1 - client].port());
            *self.app = App::Ignored(Ignored::Tls { port: server.unwrap_or_else(|| self.server_port()), facts });
        }
    }

    /// Lets HTTP/2 hand what its streams carry to what is in them.
    fn in_http2(&mut self, step: impl FnOnce(&mut Http2, &mut StreamStage<'_>)) {
        let App::Http2(app) = self.app else { return };
        let Http2App { http2, streams, goes_away, used_up, unfollowed } = &mut **app;
        let mut stage = StreamStage {
            client: http2.client(),
            tcp_stream: self.stream,
            streams,
            goes_away,
            used_up,
            unfollowed,
            scratch: self.scratch,
            heads: self.heads,
            websockets: self.websockets,
            on_frame: self.on_frame,
        };
        step(http2, &mut stage);
    }

    /// Of a connection whose SYN was not seen the lower port is taken for the server's.
    fn server_port(&self) -> u16 {
        let [low, high] = self.addresses.map(|a| a.port());
        let to = self.addresses[1 - self.from].port();
        if self.has_begun() { to } else { low.min(high) }
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
        let session = Box::new(Session::new(self.stream, upgraded.handshake, lost));
        *self.websockets += 1;
        let before = std::mem::replace(self.app, App::WebSocket { session, client });
        if let App::Http { upgrade, .. } = before {
            let (_, failures) = upgrade.into_failures();
            let place = (self.capture, self.stream, self.ring.is_none());
            self.refused.extend(failures.into_iter().map(|f| failed_handshake(place, self.addresses, client, f)));
        }
        let asked = self.from;
        for (index, held) in upgraded.rest.into_iter().enumerate() {
            self.from = index;
            for held in held.iter().filter(|h| !h.bytes.is_empty()) {
                self.data(held.offset, &held.bytes, held.origin, held.acknowledged);
            }
        }
        self.from = asked;
    }

    /// Of a connection that is not recognised yet bytes are missing.
    #[cold]
    fn note_missing(&mut self, gap: Gap) {
        // A connection begun before the capture lacks them anyway, and so does one of which one direction was recorded.
        if gap.why != GapCause::SnapLength && self.ends.iter().any(|e| e.syn.is_none()) {
            return;
        }
        let in_order = matches!(self.app, App::Http { upgrade, .. } if !upgrade.would_lose_its_place(self.from));
        if !in_order {
            self.missing.get_or_insert((self.from, gap));
        }
    }

    /// Bytes of a connection whose beginning was not seen.
    #[cold]
    fn probe(&mut self, offset: StreamOffset, bytes: &[u8], origin: Origin, acknowledged: StreamOffset) {
        let App::Probing(probe) = self.app else { return };
        if !probe.hopes() {
            if is_tls(bytes) && self.ring.is_some() {
                *self.app = App::Tls { tls: Box::default(), inner: Box::new(App::Undecided) };
                self.tls_data(offset, bytes, origin, acknowledged);
                return;
            }
            if bytes.starts_with(b"GET ") || bytes.starts_with(b"HTTP/1.1 101 ") {
                *self.app = App::Http { upgrade: Box::default(), probe: None };
                self.data(offset, bytes, origin, acknowledged);
                return;
            }
        }
        match probe.data(self.from, offset, bytes, origin, acknowledged) {
            Probed::More => {}
            Probed::Nothing => *self.app = App::Dormant,
            Probed::Frames { client } => self.recognised(client),
        }
    }

    /// Whether every byte of the connection so far is there. What is not HTTP then hides none, and frames that seem to
    /// follow were not agreed to by anybody.
    fn is_whole(&self) -> bool {
        self.missing.is_none() && self.ends.iter().all(|e| e.syn.is_some())
    }

    /// Bytes behind an HTTP head that was cut or lost.
    #[cold]
    fn probe_behind_http(&mut self, offset: StreamOffset, bytes: &[u8], origin: Origin, acknowledged: StreamOffset) {
        let App::Http { upgrade, probe } = self.app else { return };
        let probe = probe.get_or_insert_default();
        if let Some(hint) = upgrade.hint() {
            probe.asked(asked(hint));
        }
        for from in [0, 1] {
            for held in upgrade.release(from) {
                probe.data(from, held.offset, &held.bytes, held.origin, held.acknowledged);
            }
        }
        match probe.data(self.from, offset, bytes, origin, acknowledged) {
            Probed::More => {}
            Probed::Nothing => self.give_up_http(),
            Probed::Frames { client } => self.recognised(client),
        }
    }

    /// An HTTP connection that lost its place; what it refused before is kept.
    fn give_up_http(&mut self) {
        if let App::Http { upgrade, .. } = std::mem::replace(self.app, App::Dormant) {
            let (client, failures) = upgrade.into_failures();
            let place = (self.capture, self.stream, self.ring.is_none());
            let failed = |f| failed_handshake(place, self.addresses, client.unwrap_or(0), f);
            self.refused.extend(failures.into_iter().map(failed));
        }
    }

    /// Frames were recognised by their structure.
    #[cold]
    fn recognised(&mut self, client: usize) {
        let (probe, request) = match std::mem::replace(self.app, App::Dormant) {
            App::Probing(probe) => (probe, None),
            App::Http { upgrade, probe: Some(probe) } => {
                let (_, failures) = upgrade.into_failures();
                let place = (self.capture, self.stream, self.ring.is_none());
                let (unanswered, refused): (Vec<_>, Vec<_>) = failures.into_iter().partition(|f| f.response.is_none());
                self.refused.extend(refused.into_iter().map(|f| failed_handshake(place, self.addresses, client, f)));
                let request = unanswered.into_iter().last().map(|f| Box::new(self.heads.share_request(f.request)));
                (probe, request)
            }
            _ => return,
        };
        let mut session = Box::new(probe.into_session(self.stream, client));
        let acknowledged = StreamOffset(0);
        let mut stage = Stage { scratch: self.scratch, now: self.now, acknowledged, on_frame: self.on_frame };
        session.catch_up(&mut stage);
        session.request = request;
        *self.websockets += 1;
        *self.app = App::WebSocket { session, client };
    }

    /// The connection is over: what little evidence there is has to do.
    pub(super) fn finish_probe(&mut self, in_order: [bool; 2], closed: bool) {
        let whole = self.is_whole();
        let probe = match self.app {
            App::Probing(probe) => probe,
            // Nor were frames agreed to by an answer that never came.
            App::Http { upgrade, probe } if whole && (probe.is_none() || upgrade.is_broken(&[0, 1])) => return,
            App::Http { upgrade, probe } => {
                if let Some(hint) = upgrade.hint() {
                    let probe = probe.get_or_insert_default();
                    probe.asked(asked(hint));
                    for held in upgrade.release(hint.client) {
                        probe.data(hint.client, held.offset, &held.bytes, held.origin, held.acknowledged);
                    }
                }
                let Some(probe) = probe else { return };
                probe
            }
            _ => return,
        };
        if let Probed::Frames { client } = probe.finish(in_order, closed) {
            self.recognised(client);
        }
    }
}

fn asked(hint: crate::http::Hint) -> Asked {
    Asked { client: hint.client, deflate_possible: hint.deflate_possible }
}

/// The record of a request that came to nothing; how TCP ended is added where that is known.
pub(super) fn failed_handshake(
    (capture, stream, secure): (usize, u32, bool),
    addresses: [SocketAddr; 2],
    client: usize,
    failure: Failure,
) -> FailedHandshake {
    FailedHandshake {
        capture,
        tcp_stream: stream,
        also_in: None,
        secure,
        http2: None,
        client: addresses[client],
        server: addresses[1 - client],
        request: failure.request,
        response: failure.response,
        body: failure.body,
        violations: failure.violations,
        tcp_end: None,
    }
}

impl Plaintext for AppSink<'_> {
    fn turn(&mut self, from: usize) {
        self.from = from;
    }
}

impl Sink for AppSink<'_> {
    #[inline]
    fn data(&mut self, offset: StreamOffset, bytes: &[u8], origin: Origin, acknowledged: StreamOffset) {
        if let App::Undecided | App::Prefaced = self.app {
            self.decide(offset, bytes);
        } else if offset.0 == 1 {
            self.reconsider(bytes);
        }
        match self.app {
            App::WebSocket { session, client } => {
                let side = if self.from == *client { Side::Client } else { Side::Server };
                let mut stage = Stage { scratch: self.scratch, now: self.now, acknowledged, on_frame: self.on_frame };
                session.data(&mut stage, side, offset, bytes, origin);
            }
            App::Http { upgrade, .. } if upgrade.has_lost_its_place(self.from, bytes.len()) => {
                if upgrade.is_broken(&[self.from]) && self.is_whole() {
                    return;
                }
                self.probe_behind_http(offset, bytes, origin, acknowledged);
            }
            App::Http { upgrade, .. } => {
                let progress = upgrade.data(self.from, offset, bytes, origin, acknowledged);
                self.progress(progress);
            }
            App::Probing(_) => self.probe(offset, bytes, origin, acknowledged),
            App::Tls { .. } => self.tls_data(offset, bytes, origin, acknowledged),
            App::Http2(_) => {
                let place = Place { from: self.from, origin, acknowledged, to: offset };
                self.in_http2(|http2, streams| http2.data(place, offset, bytes, streams));
            }
            App::Preface(preface) => {
                let held = preface::Held { from: self.from, offset, bytes: bytes.to_vec(), origin, acknowledged };
                if preface.data(held) == preface::Progress::Begins {
                    self.release_preface();
                }
            }
            App::Undecided | App::Prefaced | App::Dormant | App::Ignored(_) => {}
        }
    }

    fn gap(&mut self, offset: StreamOffset, length: u64, origin: Origin, why: GapCause) {
        self.release_preface();
        if !matches!(self.app, App::WebSocket { .. } | App::Tls { .. } | App::Http2(_)) {
            self.note_missing(Gap { start: offset, length, origin, why });
        }
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
            App::Http { upgrade, probe } => {
                for held in upgrade.release(self.from) {
                    let probe = probe.get_or_insert_default();
                    probe.data(self.from, held.offset, &held.bytes, held.origin, held.acknowledged);
                }
                upgrade.gap(self.from, length);
                if let Some(probe) = probe
                    && let Probed::Frames { client } = probe.gap(self.from, offset, length, origin, why)
                {
                    self.recognised(client);
                    self.gap(offset, length, origin, why);
                }
            }
            App::Probing(probe) => {
                if let Probed::Frames { client } = probe.gap(self.from, offset, length, origin, why) {
                    self.recognised(client);
                    self.gap(offset, length, origin, why);
                }
            }
            App::Http2(_) => {
                let place = Place { from: self.from, origin, acknowledged: StreamOffset(0), to: offset };
                self.in_http2(|http2, streams| http2.gap(place, length, why, streams));
            }
            App::Tls { .. } => {
                let from = self.from;
                self.in_tls(|tls, _, _| tls.gap(from, offset, length, why));
            }
            App::Undecided | App::Preface(_) | App::Prefaced | App::Dormant | App::Ignored(_) => {}
        }
    }
}
