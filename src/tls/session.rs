//! One TLS connection: its handshake, and the plaintext of both directions.

use super::alert;
use super::direction::{Direction, Epoch, Keys, Sealed, Search, Traffic};
use super::early::{Answer, EarlyData};
use super::hello::{ClientHello, EncryptedExtensions, ServerHello, encrypted_pre_master, message, new_ticket};
use super::joined::{self, Other};
use super::key_log::Label;
use super::key_ring::KeyRing;
use super::messages;
use super::opener::KeyBlock;
use super::record::{HEADER, Header, kind};
use super::schedule::{self, Prf, Session};
use super::suites::{self, Protection, Suite, suite};
use crate::connection::{GapCause, TlsAlert, TlsFacts, TlsUnread};
use crate::ids::{Origin, Side, StreamOffset};
use crate::limits;
use crate::tcp::Sink;

use zeroize::Zeroizing;

/// What the bytes of a packet came with.
#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    /// The packet.
    pub origin: Origin,
    /// How far it acknowledged the TCP stream of the other direction.
    pub acknowledged: StreamOffset,
}

/// Takes the plaintext of both directions.
pub trait Plaintext: Sink {
    /// What follows is of this direction.
    fn turn(&mut self, from: usize);
    /// What follows does not begin with the connection.
    fn joins(&mut self);
}

/// What a packet's bytes need on their way.
struct Stage<'a, S> {
    arrival: Arrival,
    ring: &'a mut KeyRing,
    sink: &'a mut S,
}

/// A whole record.
#[derive(Clone, Copy)]
struct Record<'a> {
    header: Header,
    fragment: &'a [u8],
    /// Stream offset of its header.
    begin: u64,
}

impl Record<'_> {
    fn end(&self) -> u64 {
        self.begin + (HEADER + self.header.length) as u64
    }
}

/// Plaintext of records that are opened, reused from record to record.
type Content = Zeroizing<Vec<u8>>;

/// A key exchange by RSA, where the key log holds no secret and an RSA key may.
#[derive(Default)]
struct Exchange {
    /// The messages of the handshake so far, as long as they may be needed.
    transcript: Vec<u8>,
    /// They are more than are kept, or not all there.
    cut: bool,
    /// The secret has to come out of the ClientKeyExchange.
    awaited: bool,
    /// The secret that did, for those who resume the session.
    master: Option<Zeroizing<[u8; 48]>>,
}

impl Exchange {
    /// Takes a message into the transcript.
    fn message(&mut self, kind: u8, body: &[u8]) {
        if kind == message::CLIENT_HELLO {
            *self = Exchange::default();
        }
        if self.transcript.len() + body.len() > limits::TLS_TRANSCRIPT
            || body.len() >= messages::KEPT - messages::HEADER
        {
            self.cut = true;
            return;
        }
        self.transcript.push(kind);
        self.transcript.extend_from_slice(&(body.len() as u32).to_be_bytes()[1..]);
        self.transcript.extend_from_slice(body);
    }
}

/// A TLS connection.
#[derive(Default)]
pub struct Tls {
    directions: [Direction; 2],
    /// The direction of the client: of whoever sent a ClientHello, or received a ServerHello.
    client: Option<usize>,
    hello: Option<ClientHello>,
    server: Option<ServerHello>,
    suite: Option<Suite>,
    alpn: Option<String>,
    /// The openers of both directions before TLS 1.3, from the hellos to the ChangeCipherSpec.
    pending: [Option<Box<Sealed>>; 2],
    early_data: EarlyData,
    exchange: Exchange,
    /// The handshake was not seen, and one end's secret was found.
    joined: Option<Other>,
    /// Records on which secrets were tried, and bytes that were spent on it.
    attempts: u32,
    spent: u64,
    unread: Option<TlsUnread>,
    /// Why records will not be readable once they are protected; until then, alerts are.
    doubt: Option<TlsUnread>,
    /// Direction, whether it is an error, description.
    alerts: Vec<(usize, bool, u8, Origin)>,
    content: Content,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("suite", &self.suite).field("unread", &self.unread).finish_non_exhaustive()
    }
}

impl Tls {
    /// Why nothing of this connection can be read, as soon as that is known.
    #[must_use]
    pub fn unread(&self) -> Option<&TlsUnread> {
        self.unread.as_ref()
    }

    /// Whether everything that it protected was opened.
    #[must_use]
    pub fn is_read(&self) -> bool {
        self.unread.is_none() && self.doubt.is_none() && self.directions.iter().all(Direction::is_read)
    }

    /// Whether an end broke it off with a fatal alert.
    #[must_use]
    pub fn was_refused(&self) -> bool {
        self.alerts.iter().any(|(_, fatal, ..)| *fatal)
    }

    /// The direction of the client, where a hello told it.
    #[must_use]
    pub fn client(&self) -> Option<usize> {
        self.client
    }

    /// What is known of the protection.
    #[must_use]
    pub fn facts(&self) -> TlsFacts {
        let opened = self.directions.iter().any(Direction::is_proven);
        TlsFacts {
            version: self.server.as_ref().map(|s| version_name(s.version).to_string()),
            cipher_suite: self.suite.map(|s| s.title()),
            server_name: self.hello.as_ref().and_then(|h| h.server_name.clone()),
            alpn: self.alpn.clone().or_else(|| self.server.as_ref()?.alpn.clone()),
            offered: self.hello.as_ref().map(|h| h.alpn.clone()).unwrap_or_default(),
            alerts: self.alerts.iter().map(|alert| self.alert(alert)).collect(),
            decrypted: opened,
            why_not: if opened { None } else { self.unread.clone().or_else(|| self.doubt.clone()) },
        }
    }

    fn alert(&self, &(from, fatal, code, origin): &(usize, bool, u8, Origin)) -> TlsAlert {
        let by = self.client.map(|client| if client == from { Side::Client } else { Side::Server });
        TlsAlert { by, fatal, code, name: alert::name(code).to_string(), origin }
    }

    #[cold]
    fn note_alert(&mut self, from: usize, (fatal, code): (bool, u8), origin: Origin) {
        if self.alerts.len() < limits::TLS_ALERTS {
            let tls13 = self.server.as_ref().is_some_and(|s| s.version >= 0x0304);
            self.alerts.push((from, fatal || tls13 && alert::is_error(code), code, origin));
        }
    }

    /// Whether a handshake that cannot be read has gone so far that no alert will be readable either: up to TLS 1.2 with the
    /// ChangeCipherSpec, in TLS 1.3 when the client, which may still object to the server's flight, protects its records.
    fn is_settled(&mut self, from: usize, kind: u8) -> bool {
        let tls13 = self.server.as_ref().is_some_and(|s| s.version >= 0x0304);
        match kind {
            kind::CHANGE_CIPHER_SPEC => !tls13,
            kind::APPLICATION_DATA if tls13 && self.client == Some(1 - from) => {
                self.directions[from].unopened += 1;
                self.directions[from].unopened > limits::TLS_FLIGHT
            }
            kind => kind == kind::APPLICATION_DATA,
        }
    }

    /// The plaintext that the other end had acknowledged when it acknowledged so much of the TCP stream of `index`.
    pub fn content_to(&mut self, index: usize, acknowledged: StreamOffset) -> StreamOffset {
        self.directions[index].content_to(acknowledged)
    }

    /// Takes bytes of direction `from`, and hands its plaintext to `sink`.
    pub fn data(
        &mut self,
        from: usize,
        offset: StreamOffset,
        bytes: &[u8],
        arrival: Arrival,
        ring: &mut KeyRing,
        sink: &mut impl Plaintext,
    ) {
        let stage = &mut Stage { arrival, ring, sink };
        let mut rest = self.take(from, offset, bytes, stage);
        while let Some((offset, bytes)) = rest {
            rest = self.take(from, offset, &bytes, stage);
        }
    }

    /// Takes bytes in order; returns those that stand behind a record that had to be looked for.
    fn take(
        &mut self,
        from: usize,
        offset: StreamOffset,
        bytes: &[u8],
        stage: &mut Stage<'_, impl Plaintext>,
    ) -> Option<(StreamOffset, Vec<u8>)> {
        let mut at = 0;
        while at < bytes.len() && !self.is_hopeless() {
            let rest = &bytes[at..];
            let here = offset.0 + at as u64;
            let direction = &mut self.directions[from];
            if let Some(search) = &mut direction.search {
                search.window.extend_from_slice(rest);
                return self.look(from, stage);
            }
            if direction.broken > 0 {
                let taken = direction.broken.min(rest.len());
                direction.broken -= taken;
                at += taken;
                if direction.broken == 0 {
                    self.missed_record(from, here + taken as u64);
                }
                continue;
            }
            if direction.held.is_empty() {
                match Header::read(rest) {
                    Some(header) if rest.len() >= HEADER + header.length => {
                        let end = HEADER + header.length;
                        let fragment = &rest[HEADER..end];
                        self.record(from, Record { header, fragment, begin: here }, stage);
                        at += end;
                    }
                    None if here == 0 && rest.len() >= HEADER && self.client == Some(1 - from) => {
                        self.unread = Some(TlsUnread::PlainAnswer);
                    }
                    None if rest.len() >= HEADER => self.lose_place(from, here),
                    _ => {
                        direction.held.extend_from_slice(rest);
                        return None;
                    }
                }
                continue;
            }
            let begin = here - direction.held.len() as u64;
            let wanted = match Header::read(&direction.held) {
                Some(header) => HEADER + header.length,
                None if direction.held.len() < HEADER => HEADER,
                None => {
                    let held = std::mem::take(&mut direction.held);
                    self.lose_place(from, begin);
                    if let Some(search) = &mut self.directions[from].search {
                        search.window = held;
                    }
                    continue;
                }
            };
            let taken = rest.len().min(wanted - direction.held.len());
            direction.held.extend_from_slice(&rest[..taken]);
            at += taken;
            if let Some(header) = Header::read(&direction.held)
                && direction.held.len() == HEADER + header.length
            {
                let mut held = std::mem::take(&mut direction.held);
                self.record(from, Record { header, fragment: &held[HEADER..], begin }, stage);
                held.clear();
                self.directions[from].held = held;
            }
        }
        None
    }

    /// Takes note of bytes of direction `from` that the capture lacks.
    pub fn gap(&mut self, from: usize, offset: StreamOffset, length: u64, why: GapCause) {
        if self.is_hopeless() {
            return;
        }
        self.directions[from].why = why;
        let direction = &mut self.directions[from];
        if direction.search.is_some() {
            // What was held is of no use: a record that has a hole cannot be opened.
            direction.search = Some(Box::new(Search { window: Vec::new(), at: offset.0 + length }));
            return;
        }
        let header = Header::read(&direction.held);
        let missing = match (direction.broken, header) {
            (0, Some(header)) => HEADER + header.length - direction.held.len(),
            (0, None) if direction.held.is_empty() => 0,
            (0, None) => usize::MAX,
            (broken, _) => broken,
        };
        direction.held.clear();
        let inside = usize::try_from(length).is_ok_and(|length| length <= missing) && missing != usize::MAX;
        if inside && missing > 0 {
            direction.broken = missing - length as usize;
            if direction.broken == 0 {
                self.missed_record(from, offset.0 + length);
            }
            return;
        }
        direction.broken = 0;
        direction.messages.forget();
        direction.search = Some(Box::new(Search { window: Vec::new(), at: offset.0 + length }));
    }

    /// The connection is over: what waits for more is lost.
    pub fn finish(&mut self, from: usize, end: StreamOffset, origin: Origin, sink: &mut impl Sink) {
        let direction = &mut self.directions[from];
        if direction.is_proven() && end.0 > direction.done_to {
            let content = end.0 - direction.done_to;
            let start = direction.lost(content);
            sink.gap(start, content, origin, GapCause::Unmeasured);
        }
    }

    fn is_hopeless(&self) -> bool {
        self.unread.is_some()
    }

    /// What stands here is no record: the next one has to be looked for.
    fn lose_place(&mut self, from: usize, at: u64) {
        let direction = &mut self.directions[from];
        direction.messages.forget();
        direction.places_lost += 1;
        if direction.places_lost > limits::TLS_PLACES {
            self.unread.get_or_insert(TlsUnread::Garbled);
            return;
        }
        direction.search = Some(Box::new(Search { window: Vec::new(), at }));
    }

    /// A record ended of which bytes are missing.
    fn missed_record(&mut self, from: usize, end: u64) {
        let direction = &mut self.directions[from];
        direction.messages.forget();
        direction.known_missing += u64::from(direction.is_proven());
        if !direction.is_proven() {
            direction.done_to = end;
        }
    }

    /// Looks for the next record behind missing bytes.
    fn look(&mut self, from: usize, stage: &mut Stage<'_, impl Plaintext>) -> Option<(StreamOffset, Vec<u8>)> {
        let mut search = self.directions[from].search.take()?;
        let mut at = 0;
        while at + HEADER <= search.window.len() {
            let Some(header) = Header::read(&search.window[at..]).filter(|h| self.may_follow(from, *h)) else {
                at += 1;
                continue;
            };
            let end = at + HEADER + header.length;
            if end > search.window.len() {
                break;
            }
            let begin = search.at + at as u64;
            let record = Record { header, fragment: &search.window[at + HEADER..end], begin };
            if self.accepts(from, record, stage) {
                let rest = search.window.split_off(end);
                let offset = StreamOffset(search.at + end as u64);
                return Some((offset, rest));
            }
            at += 1;
        }
        search.window.drain(..at);
        search.at += at as u64;
        self.directions[from].search = Some(search);
        None
    }

    /// Whether a record with this header may stand behind missing bytes.
    fn may_follow(&self, from: usize, header: Header) -> bool {
        if header.length == 0 {
            return false;
        }
        match &self.directions[from].keys {
            Keys::Sealed(keys) if keys.is_tls13() => header.kind == kind::APPLICATION_DATA && header.version == 0x0303,
            _ => self.server.as_ref().is_none_or(|s| s.version.min(0x0303) == header.version),
        }
    }

    /// Takes a record behind missing bytes, if it is one. Where it can be opened that is proof.
    fn accepts(&mut self, from: usize, record: Record<'_>, stage: &mut Stage<'_, impl Plaintext>) -> bool {
        if let Keys::Clear = self.directions[from].keys {
            // The ChangeCipherSpec may be among what is missing.
            let kind = record.header.kind;
            if kind == kind::APPLICATION_DATA || kind == kind::HANDSHAKE && !is_message(record.fragment) {
                self.protect(from);
            }
            self.directions[from].done_to = record.begin;
            if matches!(self.directions[from].keys, Keys::Clear) {
                self.record(from, record, stage);
                return true;
            }
        }
        self.sealed(from, record, stage)
    }

    /// Takes a whole record.
    fn record(&mut self, from: usize, record: Record<'_>, stage: &mut Stage<'_, impl Plaintext>) {
        let kind = record.header.kind;
        match &self.directions[from].keys {
            Keys::Clear => {
                self.directions[from].done_to = record.end();
                self.clear(from, record, stage);
            }
            // In the clear for the sake of old middle boxes (RFC 8446 appendix D.4), or an alert before the keys.
            Keys::Sealed(keys) if keys.is_tls13() && kind != kind::APPLICATION_DATA => {
                let direction = &mut self.directions[from];
                if direction.done_to == record.begin {
                    direction.done_to = record.end();
                }
                if alert::may_be(record.header)
                    && let Some(alert) = alert::read(kind, record.fragment)
                {
                    self.note_alert(from, alert, stage.arrival.origin);
                }
            }
            Keys::Sealed(_) => {
                if !self.sealed(from, record, stage) {
                    self.unopened(from, record, stage.arrival);
                }
            }
            Keys::Missing => {
                self.directions[from].done_to = record.end();
                if alert::may_be(record.header)
                    && let Some(alert) = alert::read(kind, record.fragment)
                {
                    self.note_alert(from, alert, stage.arrival.origin);
                }
            }
        }
    }

    /// A record that is not protected.
    fn clear(&mut self, from: usize, record: Record<'_>, stage: &mut Stage<'_, impl Plaintext>) {
        if let Some(alert) = alert::read(record.header.kind, record.fragment) {
            self.note_alert(from, alert, stage.arrival.origin);
        }
        if self.doubt.is_some() && self.is_settled(from, record.header.kind) {
            self.unread = self.doubt.take();
            return;
        }
        if self.doubt.is_some() && record.header.kind == kind::APPLICATION_DATA {
            return;
        }
        match record.header.kind {
            kind::CHANGE_CIPHER_SPEC if self.server.as_ref().is_some_and(|s| s.version < 0x0304) => self.protect(from),
            kind::HANDSHAKE => self.handshake(from, record.fragment, stage),
            kind::APPLICATION_DATA => {
                self.protect(from);
                if matches!(self.directions[from].keys, Keys::Clear) && (self.server.is_none() || self.joined.is_some())
                {
                    self.join(from, record, stage);
                }
                if let Keys::Sealed(_) = self.directions[from].keys {
                    self.record(from, record, stage);
                } else if self.may_join(stage.ring) {
                    // Another record may be opened.
                } else if self.hello.as_ref().is_none_or(|h| !h.early_data) {
                    self.unread.get_or_insert(TlsUnread::NoHandshake);
                }
            }
            _ => {}
        }
    }

    /// Whether the connection began before the capture and was found among the secrets.
    #[must_use]
    pub fn is_joined(&self) -> bool {
        self.joined.is_some()
    }

    /// Whether secrets may still be tried on records.
    fn may_join(&self, ring: &KeyRing) -> bool {
        let tried = self.attempts >= limits::TLS_JOINED_ATTEMPTS;
        self.joined.is_some() || self.hello.is_none() && self.server.is_none() && ring.is_given() && !tried
    }

    /// Tries secrets on a record of a connection whose handshake was not seen.
    fn join(&mut self, from: usize, record: Record<'_>, stage: &mut Stage<'_, impl Plaintext>) {
        let ring = &mut *stage.ring;
        if !self.may_join(ring) || record.header.version != 0x0303 {
            return;
        }
        self.attempts += 1;
        let mut left = limits::TLS_JOINED.saturating_sub(self.spent);
        let (header, sealed) = (record.header, record.fragment);
        let found = if let Some(other) = &self.joined {
            joined::seek_other(ring, other, self.client == Some(from), header, sealed, &mut left)
        } else if let Some(found) = joined::seek(ring, header, sealed, &mut left) {
            self.client = Some(if found.by_client { from } else { 1 - from });
            self.suite = Some(suites::of_aead(found.aead));
            self.server = Some(ServerHello { version: 0x0304, ..ServerHello::default() });
            self.joined = Some(Other { random: found.random, aead: found.aead, hash: found.traffic.hash });
            Some((found.traffic, found.opener))
        } else {
            None
        };
        self.spent = limits::TLS_JOINED - left;
        if let Some((traffic, opener)) = found {
            self.directions[from].keys = Keys::Sealed(Box::new(Sealed::joined(traffic, opener)));
            self.directions[from].done_to = record.begin;
            stage.sink.joins();
        }
    }

    /// From here on this direction is protected.
    fn protect(&mut self, from: usize) {
        if let Some(sealed) = self.pending[from].take() {
            self.directions[from].keys = Keys::Sealed(sealed);
            self.directions[from].messages.forget();
        } else if self.exchange.awaited && matches!(self.directions[from].keys, Keys::Clear) {
            // A session that is resumed, or a ClientKeyExchange that is missing.
            self.unread.get_or_insert(TlsUnread::NoHandshake);
        }
    }

    /// Opens a protected record and takes what it holds; false when it cannot be opened.
    fn sealed(&mut self, from: usize, record: Record<'_>, stage: &mut Stage<'_, impl Plaintext>) -> bool {
        let mut content = std::mem::take(&mut self.content);
        let (begin, end) = (record.begin, record.end());
        let found = self.directions[from].open(record.header, record.fragment, begin, &mut content);
        if let Some(found) = found {
            let arrival = stage.arrival;
            let direction = &mut self.directions[from];
            if found.missing > 0 {
                direction.messages.forget();
                let (length, why) = match found.content {
                    Some(content) => (content, direction.why),
                    None => (begin.saturating_sub(direction.done_to), GapCause::Unmeasured),
                };
                if length > 0 {
                    let start = direction.lost(length);
                    stage.sink.gap(start, length, arrival.origin, why);
                }
            }
            let opened = found.opened;
            let bytes = &content[..opened.length];
            let early = matches!(&direction.keys, Keys::Sealed(keys) if keys.is_early());
            match opened.kind {
                kind::APPLICATION_DATA if early && self.early_data.answer() != Answer::Accepted => {
                    direction.took(end, 0);
                    if self.early_data.answer() == Answer::Unknown {
                        self.early_data.hold(bytes, arrival, end);
                    }
                }
                kind::APPLICATION_DATA => {
                    let start = direction.took(end, bytes.len() as u64);
                    if !bytes.is_empty() {
                        let acknowledged = self.directions[1 - from].content_to(arrival.acknowledged);
                        stage.sink.data(start, bytes, arrival.origin, acknowledged);
                    }
                }
                kind::HANDSHAKE => {
                    direction.took(end, 0);
                    self.handshake(from, bytes, stage);
                }
                kind::CHANGE_CIPHER_SPEC => {
                    direction.took(end, 0);
                    // Renegotiation: the keys of a second handshake.
                    self.protect(from);
                }
                other => {
                    direction.took(end, 0);
                    if let Some(alert) = alert::read(other, bytes) {
                        self.note_alert(from, alert, arrival.origin);
                    }
                }
            }
        }
        self.content = content;
        found.is_some()
    }

    /// A protected record could not be opened.
    fn unopened(&mut self, from: usize, record: Record<'_>, arrival: Arrival) {
        let direction = &mut self.directions[from];
        if direction.is_proven() {
            // Damaged on the way, or not what was sent: its receiver has refused it too.
            direction.known_missing += 1;
            return;
        }
        direction.done_to = record.end();
        direction.unopened += 1;
        let unproven = self.directions.iter().all(|d| !d.is_proven());
        if unproven && self.directions.iter().map(|d| d.unopened).sum::<u32>() > limits::TLS_WRONG_KEY {
            self.unread.get_or_insert(TlsUnread::WrongKey { packet: arrival.origin.packet });
        }
    }

    fn handshake(&mut self, from: usize, bytes: &[u8], stage: &mut Stage<'_, impl Plaintext>) {
        let mut complete: Vec<(u8, Vec<u8>)> = Vec::new();
        let exchanges = stage.ring.opens_key_exchanges();
        self.directions[from].messages.push(bytes, |kind, body| {
            if exchanges || is_of_interest(kind) {
                complete.push((kind, body.to_vec()));
            }
        });
        for (kind, body) in complete {
            if exchanges && kind != message::HELLO_REQUEST {
                self.exchange.message(kind, &body);
            }
            self.message(from, kind, &body, stage.ring);
        }
        self.release_early_data(from, stage);
    }

    /// Hands on the early data that the server has accepted meanwhile; `from` is the direction whose turn it is.
    fn release_early_data(&mut self, from: usize, stage: &mut Stage<'_, impl Plaintext>) {
        let Some((held, beyond)) = self.early_data.release() else { return };
        let Some(client) = self.client else { return };
        stage.sink.turn(client);
        for record in held {
            let arrival = record.arrival;
            let acknowledged = self.directions[1 - client].content_to(arrival.acknowledged);
            let direction = &mut self.directions[client];
            let done_to = direction.done_to.max(record.end);
            let start = direction.took(record.end, record.content.len() as u64);
            direction.done_to = done_to;
            stage.sink.data(start, &record.content, arrival.origin, acknowledged);
        }
        if beyond > 0 {
            let start = self.directions[client].lost(beyond);
            stage.sink.gap(start, beyond, stage.arrival.origin, GapCause::Unmeasured);
        }
        stage.sink.turn(from);
    }

    fn message(&mut self, from: usize, kind: u8, body: &[u8], ring: &mut KeyRing) {
        match kind {
            message::CLIENT_HELLO => {
                if let Some(hello) = ClientHello::read(body) {
                    self.client = Some(from);
                    self.server = None;
                    self.early(from, &hello, ring);
                    self.hello = Some(hello);
                }
            }
            message::SERVER_HELLO => {
                let Some(server) = ServerHello::read(body) else { return };
                self.client = Some(1 - from);
                if server.retry || !server.resumes {
                    self.early_data.answered(Answer::Refused);
                }
                if !server.retry {
                    self.suite = Some(suite(server.suite));
                    self.server = Some(server);
                    self.agreed(1 - from, ring);
                }
            }
            message::ENCRYPTED_EXTENSIONS => {
                let Some(read) = EncryptedExtensions::read(body) else { return };
                self.alpn = read.alpn;
                self.early_data.answered(if read.early_data { Answer::Accepted } else { Answer::Refused });
            }
            message::FINISHED => {
                if let Keys::Sealed(keys) = &mut self.directions[from].keys
                    && keys.is_handshake()
                {
                    keys.advance();
                }
            }
            message::END_OF_EARLY_DATA => {
                self.early_data.answered(Answer::Accepted);
                if let Keys::Sealed(keys) = &mut self.directions[from].keys
                    && keys.is_early()
                {
                    keys.advance();
                }
            }
            message::CLIENT_KEY_EXCHANGE if self.exchange.awaited => self.exchanged(from, body, ring),
            message::NEW_SESSION_TICKET => {
                if let (Some(master), Some(ticket)) = (&self.exchange.master, new_ticket(body)) {
                    ring.remember(&ticket, &master[..]);
                }
            }
            message::KEY_UPDATE => {
                if let Keys::Sealed(keys) = &mut self.directions[from].keys {
                    keys.update();
                }
            }
            _ => {}
        }
    }

    /// The secret of early data, where there is one (RFC 8446 section 4.2.10); its suite shows when a record opens.
    fn early(&mut self, client: usize, hello: &ClientHello, ring: &mut KeyRing) {
        if !hello.early_data || !ring.fetch(&hello.random) {
            return;
        }
        let Some(secret) = ring.secret(&hello.random, Label::ClientEarly) else { return };
        let traffic = |(aead, hash)| (Epoch::Early, Traffic { secret: Zeroizing::new(secret.to_vec()), aead, hash });
        let suites = suites::of_secret(secret.len());
        if let Some(sealed) = Sealed::of(suites.iter().copied().map(traffic)) {
            self.directions[client].keys = Keys::Sealed(Box::new(sealed));
        }
    }

    /// Both hellos are there: prepares the keys of both directions.
    fn agreed(&mut self, client: usize, ring: &mut KeyRing) {
        let (Some(hello), Some(server), Some(suite)) = (&self.hello, &self.server, self.suite) else {
            self.unread.get_or_insert(TlsUnread::NoHandshake);
            return;
        };
        if let Protection::Unsupported(_) = suite.protection {
            self.doubt = Some(TlsUnread::Suite { name: suite.title() });
            return;
        }
        let known = ring.fetch(&hello.random);
        let session = |ring: &KeyRing| {
            let resumed = hello.ticket.and_then(|ticket| ring.log().by_session(&ticket));
            resumed.or_else(|| ring.log().by_session(&server.session_id)).map(|secret| Zeroizing::new(secret.to_vec()))
        };
        let resumed = session(ring).filter(|_| server.version < 0x0304);
        if !known {
            self.exchange.awaited = server.version < 0x0304 && suite.is_rsa_exchange() && ring.opens_key_exchanges();
        }
        if !known && resumed.is_none() {
            if !self.exchange.awaited {
                self.doubt = Some(match (ring.is_given(), ring.rsa_keys()) {
                    (true, _) => TlsUnread::NoSecret { connections: ring.log().connections() as u64 },
                    (false, 0) => TlsUnread::NoKeys,
                    (false, _) => TlsUnread::Ephemeral,
                });
            }
            return;
        }
        if server.version >= 0x0304 {
            let Protection::Aead(aead) = suite.protection else { return };
            let of = |epoch, label| {
                let secret = Zeroizing::new(ring.secret(&hello.random, label)?.to_vec());
                Some((epoch, Traffic { secret, aead, hash: suite.hash }))
            };
            let clients = [of(Epoch::Handshake, Label::ClientHandshake), of(Epoch::Traffic, Label::ClientTraffic(0))];
            let servers = [of(Epoch::Handshake, Label::ServerHandshake), of(Epoch::Traffic, Label::ServerTraffic(0))];
            for (index, secrets) in [(client, clients), (1 - client, servers)] {
                if let Keys::Sealed(early) = &mut self.directions[index].keys
                    && early.is_early()
                {
                    early.follow(secrets.into_iter().flatten());
                    continue;
                }
                self.directions[index].keys = match Sealed::of(secrets.into_iter().flatten()) {
                    Some(sealed) => Keys::Sealed(Box::new(sealed)),
                    None => Keys::Missing,
                };
            }
            if self.directions.iter().all(|d| matches!(d.keys, Keys::Missing)) {
                self.unread = Some(TlsUnread::NoSecret { connections: ring.log().connections() as u64 });
            }
        } else {
            let master = ring.secret(&hello.random, Label::Master).map(|secret| Zeroizing::new(secret.to_vec()));
            if !master.or(resumed).is_some_and(|master| self.prepare(client, &master)) {
                self.unread = Some(TlsUnread::NoSecret { connections: ring.log().connections() as u64 });
            }
        }
    }

    /// Prepares the keys of both directions before TLS 1.3.
    fn prepare(&mut self, client: usize, master: &[u8]) -> bool {
        let (Some(hello), Some(server), Some(suite)) = (&self.hello, &self.server, self.suite) else { return false };
        let block = KeyBlock {
            master,
            client_random: &hello.random,
            server_random: &server.random,
            suite,
            version: server.version,
            encrypt_then_mac: server.encrypt_then_mac,
        };
        let Some([from_client, from_server]) = block.openers() else { return false };
        self.pending[client] = Some(Box::new(Sealed::with(from_client)));
        self.pending[1 - client] = Some(Box::new(Sealed::with(from_server)));
        true
    }

    /// The client has sent the pre-master secret, encrypted for the server.
    fn exchanged(&mut self, client: usize, body: &[u8], ring: &mut KeyRing) {
        self.exchange.awaited = false;
        let (Some(hello), Some(server), Some(suite)) = (&self.hello, &self.server, self.suite) else { return };
        let Some(pre_master) = ring.pre_master(encrypted_pre_master(body)) else {
            self.unread = Some(match ring.rsa_keys() {
                0 => TlsUnread::NoSecret { connections: ring.log().connections() as u64 },
                keys => TlsUnread::NoRsaKey { keys: keys as u64 },
            });
            return;
        };
        let session = match server.extended_master_secret {
            true if self.exchange.cut => {
                self.unread = Some(TlsUnread::NoHandshake);
                return;
            }
            true => Session::Transcript(&self.exchange.transcript),
            false => Session::Randoms(&hello.random, &server.random),
        };
        let master = schedule::master(Prf::of(server.version, suite.hash), &pre_master, session);
        ring.remember(&server.session_id, &master[..]);
        self.prepare(client, &master[..]);
        self.exchange = Exchange { master: Some(master), ..Exchange::default() };
    }
}

fn is_of_interest(kind: u8) -> bool {
    matches!(
        kind,
        message::CLIENT_HELLO
            | message::SERVER_HELLO
            | message::ENCRYPTED_EXTENSIONS
            | message::END_OF_EARLY_DATA
            | message::FINISHED
            | message::CLIENT_KEY_EXCHANGE
            | message::NEW_SESSION_TICKET
            | message::KEY_UPDATE
    )
}

/// Whether these bytes begin a handshake message in the clear.
fn is_message(bytes: &[u8]) -> bool {
    match *bytes {
        [0..=24 | 67, a, b, c, ..] => {
            let length = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
            length + 4 <= bytes.len() || a == 0 && length > bytes.len()
        }
        _ => false,
    }
}

fn version_name(version: u16) -> &'static str {
    match version {
        0x0300 => "SSL 3.0",
        0x0301 => "1.0",
        0x0302 => "1.1",
        0x0303 => "1.2",
        0x0304 => "1.3",
        _ => "unknown",
    }
}
