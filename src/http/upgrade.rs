//! The opening handshake of RFC 6455 section 4 on any port: requests and responses of one TCP connection until a 101.

use std::collections::VecDeque;

use base64::Engine as _;
use sha1::{Digest, Sha1};

use super::body::Body;
use super::head::{self, Kind, Outcome, Parsed, Start};
use crate::connection::{Deflate, Handshake, HandshakeViolation, Head, KEY_BYTES};
use crate::ids::{Origin, StreamOffset};
use crate::limits;

/// Watches both directions of a TCP connection for an upgrade.
#[derive(Debug, Default)]
pub struct Upgrade {
    sides: [Side; 2],
    /// The direction that sent the request.
    client: Option<usize>,
    waiting: VecDeque<Waiting>,
    /// Upgrade requests that were answered with something else than 101, or with nothing yet.
    failures: Vec<Failure>,
    /// Those beyond [`limits::FAILED_HANDSHAKES_OF_FLOW`].
    unlisted: u64,
    /// The client of an upgrade whose request, or whose 101, is partly missing.
    cut: Option<usize>,
}

/// What is known of an upgrade that cannot be read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hint {
    /// The direction of the client: 0 or 1.
    pub client: usize,
    /// Whether permessage-deflate may have been agreed: it was offered, or the request is not known.
    pub deflate_possible: bool,
}

/// An upgrade request that did not lead to a 101.
#[derive(Debug)]
pub struct Failure {
    /// The request.
    pub request: Head,
    /// The answer.
    pub response: Option<Head>,
    /// The first bytes of the answer's body.
    pub body: Vec<u8>,
    /// Rules the request broke.
    pub violations: Vec<HandshakeViolation>,
}

/// A request that waits for its response.
#[derive(Debug)]
struct Waiting {
    upgrade: Option<Head>,
    malformed: bool,
    is_head: bool,
}

#[derive(Debug, Default)]
struct Side {
    state: State,
    /// What the client sent after its request, before the answer came.
    early: Vec<Held>,
    early_bytes: usize,
    /// Bytes of an unfinished head.
    held: Vec<u8>,
    /// Where `held` begins.
    held_from: StreamOffset,
    held_origin: Origin,
    /// The current body belongs to the last failure, whose excerpt is not complete yet.
    body_wanted: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing seen yet.
    #[default]
    Start,
    /// At a head.
    Head,
    /// In a body.
    Body(Body),
    /// The client asked for an upgrade: what follows is frames if the answer is 101.
    Asked,
    /// Bytes were lost: where the next head begins is unknown.
    Lost,
    /// What came is not HTTP, and neither is what follows.
    Broken,
}

/// Bytes of a segment behind a head.
#[derive(Debug)]
pub struct Held {
    /// Where they begin.
    pub offset: StreamOffset,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The packet that carried them.
    pub origin: Origin,
    /// How far that packet acknowledged the other direction.
    pub acknowledged: StreamOffset,
}

/// A completed handshake.
#[derive(Debug)]
pub struct Upgraded {
    /// The direction of the client: 0 or 1.
    pub client: usize,
    /// The handshake.
    pub handshake: Handshake,
    /// For each direction what it sent after its head, by segments.
    pub rest: [Vec<Held>; 2],
    /// For each direction whether bytes were lost around its head, so that frames have to be searched for.
    pub lost: [bool; 2],
}

/// Where the watch stands.
#[derive(Debug)]
pub enum Progress {
    /// Nothing decided.
    More,
    /// This connection will not become a WebSocket.
    NotHttp,
    /// It became one.
    Upgraded(Box<Upgraded>),
}

impl Upgrade {
    /// Whether these first bytes of a direction may be HTTP/1.
    #[must_use]
    pub fn may_be_http(bytes: &[u8]) -> bool {
        head::kind(bytes) != Kind::Neither
    }

    /// Takes bytes of direction `from`, in a packet that acknowledged so much of the other direction.
    pub fn data(
        &mut self,
        from: usize,
        offset: StreamOffset,
        bytes: &[u8],
        origin: Origin,
        acknowledged: StreamOffset,
    ) -> Progress {
        let mut at = 0;
        while at < bytes.len() {
            let here = StreamOffset(offset.0 + at as u64);
            let rest = &bytes[at..];
            match self.sides[from].state {
                State::Body(mut body) => {
                    let (taken, over) = match body.skip(rest) {
                        Ok(step) => step,
                        Err(taken) => {
                            self.keep_body(from, &rest[..taken]);
                            self.sides[from].state = State::Broken;
                            return Progress::More;
                        }
                    };
                    self.keep_body(from, &rest[..taken]);
                    self.sides[from].state = if over { State::Head } else { State::Body(body) };
                    at += taken;
                }
                State::Lost | State::Broken => return Progress::More,
                State::Asked => {
                    self.hold_early(from, Held { offset: here, bytes: rest.to_vec(), origin, acknowledged });
                    return Progress::More;
                }
                State::Start | State::Head => {
                    let held = self.sides[from].held.len();
                    if held > 0 {
                        self.hold(from, here, rest, origin);
                        let joined = std::mem::take(&mut self.sides[from].held);
                        let begin = self.sides[from].held_from;
                        match self.head(from, &joined, held, origin) {
                            Ok(Some(taken)) => {
                                at += taken - held;
                                let after = StreamOffset(begin.0 + taken as u64);
                                let rest =
                                    Held { offset: after, bytes: joined[taken..].to_vec(), origin, acknowledged };
                                if let Some(done) = self.upgraded(from, rest) {
                                    return done;
                                }
                            }
                            Ok(None) => {
                                self.sides[from].held = joined;
                                return Progress::More;
                            }
                            Err(()) => return self.not_http(from),
                        }
                    } else {
                        match self.head(from, rest, 0, origin) {
                            Ok(Some(taken)) => {
                                at += taken;
                                let after = StreamOffset(offset.0 + at as u64);
                                let rest = Held { offset: after, bytes: bytes[at..].to_vec(), origin, acknowledged };
                                if let Some(done) = self.upgraded(from, rest) {
                                    return done;
                                }
                            }
                            Ok(None) => {
                                self.hold(from, here, rest, origin);
                                return Progress::More;
                            }
                            Err(()) => return self.not_http(from),
                        }
                    }
                }
            }
        }
        Progress::More
    }

    /// Takes note of lost bytes in direction `from`.
    pub fn gap(&mut self, from: usize, length: u64) {
        if self.sides[from].state == State::Head || self.sides[from].state == State::Start {
            self.cut_head(from);
        }
        let side = &mut self.sides[from];
        side.held.clear();
        side.state = match side.state {
            State::Body(Body::Length(left)) if length < left => State::Body(Body::Length(left - length)),
            State::Body(Body::Length(left)) if length == left => State::Head,
            State::Body(Body::UntilClose) => State::Body(Body::UntilClose),
            _ => State::Lost,
        };
    }

    /// What the beginning of a head says whose end is missing.
    fn cut_head(&mut self, from: usize) {
        let held = &self.sides[from].held;
        match head::kind(held) {
            Kind::Response => match held.get(9..12).and_then(|s| std::str::from_utf8(s).ok()?.parse::<u16>().ok()) {
                Some(101) => self.cut = Some(1 - from),
                Some(200..) => {
                    // A refusal: its status is known.
                    if let Some(Waiting { upgrade: Some(request), malformed, .. }) = self.waiting.pop_front() {
                        let response = Some(head::to_record(held, self.sides[from].held_origin));
                        let violations = request_violations(&request, malformed);
                        self.failures.push(Failure { request, response, body: Vec::new(), violations });
                    }
                }
                _ => {}
            },
            Kind::Request if head::names_websocket(held) => self.cut = Some(from),
            _ => {}
        }
    }

    /// An upgrade that was asked for or granted and whose handshake cannot be read.
    #[must_use]
    pub fn hint(&self) -> Option<Hint> {
        let asked = self.waiting.iter().find_map(|w| w.upgrade.as_ref());
        let client = self.cut.or(asked.and(self.client))?;
        let offers = |head: &Head| field_values(head, "sec-websocket-extensions").iter().any(|e| deflate(e).is_some());
        Some(Hint { client, deflate_possible: asked.is_none_or(offers) })
    }

    /// Whether missing bytes in direction `from` hide what it says: they do in a head, and not in the body of a known length.
    #[must_use]
    pub fn would_lose_its_place(&self, from: usize) -> bool {
        !matches!(self.sides[from].state, State::Body(Body::Length(_) | Body::UntilClose))
    }

    /// Whether what direction `from` sends cannot be read any more, or no more of it can be held.
    #[must_use]
    pub fn has_lost_its_place(&self, from: usize, more: usize) -> bool {
        let side = &self.sides[from];
        match side.state {
            State::Lost | State::Broken => true,
            State::Asked => side.early_bytes + more + size_of::<Held>() > limits::HELD_BEFORE_ANSWER,
            _ => false,
        }
    }

    /// Whether one of these directions sent what is not HTTP, where HTTP was due.
    #[must_use]
    pub fn is_broken(&self, directions: &[usize]) -> bool {
        directions.iter().any(|from| self.sides[*from].state == State::Broken)
    }

    /// What the client sent after its request, whose answer is not going to be seen.
    pub fn release(&mut self, from: usize) -> Vec<Held> {
        let side = &mut self.sides[from];
        if side.state != State::Asked || self.client != Some(from) {
            return Vec::new();
        }
        side.state = State::Lost;
        std::mem::take(&mut side.early)
    }

    /// The upgrade requests that came to nothing; those without an answer are only final when the connection is over.
    pub fn into_failures(mut self) -> (Option<usize>, Vec<Failure>) {
        for waiting in self.waiting.drain(..) {
            if let Some(request) = waiting.upgrade {
                let violations = request_violations(&request, waiting.malformed);
                self.failures.push(Failure { request, response: None, body: Vec::new(), violations });
            }
        }
        (self.client, self.failures)
    }

    /// Upgrade requests that came to nothing and are not listed, because there were so many.
    #[must_use]
    pub fn unlisted(&self) -> u64 {
        self.unlisted
    }

    /// What is held of a head of this direction that is not complete.
    #[must_use]
    pub fn held(&self, from: usize) -> &[u8] {
        &self.sides[from].held
    }

    /// Whether a request for an upgrade was seen.
    #[must_use]
    pub fn has_asked(&self) -> bool {
        !self.failures.is_empty() || self.waiting.iter().any(|w| w.upgrade.is_some())
    }

    fn not_http(&mut self, from: usize) -> Progress {
        self.sides[from].state = State::Broken;
        if self.has_asked() { Progress::More } else { Progress::NotHttp }
    }

    fn hold(&mut self, from: usize, at: StreamOffset, bytes: &[u8], origin: Origin) {
        let side = &mut self.sides[from];
        if side.held.is_empty() {
            side.held_from = at;
            side.held_origin = origin;
        }
        side.held.extend_from_slice(bytes);
    }

    fn hold_early(&mut self, from: usize, held: Held) {
        let side = &mut self.sides[from];
        side.early_bytes += held.bytes.len() + size_of::<Held>();
        if side.early_bytes <= limits::HELD_BEFORE_ANSWER {
            side.early.push(held);
        } else {
            side.early.clear();
            side.state = State::Lost;
        }
    }

    fn keep_body(&mut self, from: usize, bytes: &[u8]) {
        if !self.sides[from].body_wanted {
            return;
        }
        if let Some(failure) = self.failures.last_mut() {
            let room = limits::BODY_EXCERPT.saturating_sub(failure.body.len());
            failure.body.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
    }

    /// Reads a head, of whose `bytes` the first `known` were found to be no whole one. Returns its length, `None` when it is
    /// not complete, an error when it is no head.
    fn head(&mut self, from: usize, bytes: &[u8], known: usize, origin: Origin) -> Result<Option<usize>, ()> {
        let parsed = match head::parse(bytes, known) {
            Outcome::Head(parsed) => parsed,
            Outcome::Partial => return Ok(None),
            Outcome::NotHttp => return Err(()),
        };
        let length = parsed.length;
        match parsed.start {
            Start::Request { is_head } => {
                self.client = Some(from);
                let upgrade = parsed.websocket.then(|| head::to_record(&bytes[..length], origin));
                self.sides[from].state = match (&upgrade, parsed.request_body()) {
                    (Some(_), _) => State::Asked,
                    (None, Body::Length(0)) => State::Head,
                    (None, body) => State::Body(body),
                };
                if self.waiting.len() >= limits::REQUESTS_WAITING {
                    // Their answers are not in the capture: one direction only.
                    self.waiting.pop_front();
                }
                self.waiting.push_back(Waiting { upgrade, malformed: parsed.malformed, is_head });
            }
            Start::Response { status } => self.response(from, status, &parsed, &bytes[..length], origin),
        }
        Ok(Some(length))
    }

    fn response(&mut self, from: usize, status: u16, parsed: &Parsed, bytes: &[u8], origin: Origin) {
        self.client.get_or_insert(1 - from);
        if status == 101 {
            // `upgraded` takes it from here.
            self.sides[from].state = State::Asked;
            self.sides[from].held = bytes.to_vec();
            self.sides[from].held_origin = origin;
            self.sides[from].body_wanted = parsed.malformed;
            return;
        }
        if (100..200).contains(&status) {
            self.sides[from].state = State::Head;
            return;
        }
        let waiting = self.waiting.pop_front();
        let to_head = waiting.as_ref().is_some_and(|w| w.is_head);
        self.sides[from].body_wanted = false;
        if let Some(Waiting { upgrade: Some(request), malformed, .. }) = waiting {
            let response = Some(head::to_record(bytes, origin));
            let violations = request_violations(&request, malformed);
            if self.failures.len() < limits::FAILED_HANDSHAKES_OF_FLOW {
                self.failures.push(Failure { request, response, body: Vec::new(), violations });
                self.sides[from].body_wanted = true;
            } else {
                self.unlisted += 1;
            }
            self.resume_client();
        }
        self.sides[from].state = match parsed.response_body(status, to_head) {
            Body::Length(0) => State::Head,
            body => State::Body(body),
        };
    }

    /// After a refusal the client's next bytes are HTTP again.
    fn resume_client(&mut self) {
        let Some(client) = self.client else { return };
        let side = &mut self.sides[client];
        if side.state == State::Asked {
            side.state = State::Head;
            side.early_bytes = 0;
            for held in std::mem::take(&mut side.early) {
                self.data(client, held.offset, &held.bytes, held.origin, held.acknowledged);
            }
        }
    }

    /// When the head just read was a 101: the handshake and what follows it.
    fn upgraded(&mut self, from: usize, rest: Held) -> Option<Progress> {
        if self.client == Some(from) || self.sides[from].state != State::Asked {
            return None;
        }
        let side = &mut self.sides[from];
        let response = head::to_record(&std::mem::take(&mut side.held), side.held_origin);
        let waiting = self.waiting.pop_front();
        let (request, malformed) = waiting.map_or((None, false), |w| (w.upgrade, w.malformed));
        let websocket = response.field("upgrade").is_some_and(|u| u.eq_ignore_ascii_case("websocket"))
            || response.field("sec-websocket-accept").is_some()
            || request.is_some();
        if !websocket {
            return Some(Progress::NotHttp);
        }
        let client = 1 - from;
        let mut violations = request.as_ref().map(|r| request_violations(r, malformed)).unwrap_or_default();
        if self.sides[from].body_wanted {
            violations.push(HandshakeViolation::MalformedHead);
        }
        let (accept_valid, deflate) = response_facts(request.as_ref(), &response, &mut violations);
        let key = request.as_ref().and_then(|r| r.field("sec-websocket-key")).map(|key| {
            let mut kept = [0; KEY_BYTES];
            let length = key.len().min(KEY_BYTES);
            kept[..length].copy_from_slice(&key.as_bytes()[..length]);
            kept
        });
        let handshake = Handshake { key, request, response, accept_valid, deflate, violations };
        let asked = &mut self.sides[client];
        let lost = asked.state != State::Asked;
        let early = if lost { Vec::new() } else { std::mem::take(&mut asked.early) };
        let mut pieces = [early, vec![rest]];
        if client == 1 {
            pieces.swap(0, 1);
        }
        let mut lost_sides = [false; 2];
        lost_sides[client] = lost;
        Some(Progress::Upgraded(Box::new(Upgraded { client, handshake, rest: pieces, lost: lost_sides })))
    }
}

fn request_violations(request: &Head, malformed: bool) -> Vec<HandshakeViolation> {
    let mut found = Vec::new();
    if request.field("sec-websocket-key").is_none() {
        found.push(HandshakeViolation::MissingKey);
    }
    if malformed {
        found.push(HandshakeViolation::MalformedHead);
    }
    found
}

/// Checks a 101 against RFC 6455 section 4.1 and reads the agreed extension.
fn response_facts(
    request: Option<&Head>,
    response: &Head,
    violations: &mut Vec<HandshakeViolation>,
) -> (Option<bool>, Option<Deflate>) {
    if !response.field("upgrade").is_some_and(|u| u.eq_ignore_ascii_case("websocket")) {
        violations.push(HandshakeViolation::MissingUpgrade);
    }
    if !response.field("connection").is_some_and(|c| c.to_ascii_lowercase().contains("upgrade")) {
        violations.push(HandshakeViolation::MissingConnection);
    }
    let accept = response.field("sec-websocket-accept");
    if accept.is_none() {
        violations.push(HandshakeViolation::MissingAccept);
    }
    let key = request.and_then(|r| r.field("sec-websocket-key"));
    let accept_valid = match (key, accept) {
        (Some(key), Some(accept)) => Some(accept == accept_value(key)),
        (Some(_), None) => Some(false),
        (None, _) => None,
    };
    if accept_valid == Some(false) && accept.is_some() {
        violations.push(HandshakeViolation::WrongAccept);
    }
    let answered: Vec<&str> = field_values(response, "sec-websocket-extensions");
    if let Some(request) = request {
        let offered = field_values(request, "sec-websocket-extensions");
        let name = |e: &str| e.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if answered.iter().any(|a| !offered.iter().any(|o| name(o) == name(a))) {
            violations.push(HandshakeViolation::ExtensionNotOffered);
        }
        let protocols = field_values(request, "sec-websocket-protocol");
        if response.field("sec-websocket-protocol").is_some_and(|p| !protocols.contains(&p)) {
            violations.push(HandshakeViolation::SubprotocolNotOffered);
        }
    }
    (accept_valid, answered.iter().find_map(|e| deflate(e)))
}

/// permessage-deflate as a response agrees to it.
#[must_use]
pub fn agreed_deflate(response: &Head) -> Option<Deflate> {
    field_values(response, "sec-websocket-extensions").iter().find_map(|e| deflate(e))
}

/// The comma-separated values of all fields of that name.
fn field_values<'a>(head: &'a Head, name: &str) -> Vec<&'a str> {
    head.fields()
        .filter(|(n, _)| n.eq_ignore_ascii_case(name))
        .flat_map(|(_, v)| v.split(','))
        .map(str::trim)
        .filter(|v| !v.is_empty())
        .collect()
}

/// The parameters of a permessage-deflate answer (RFC 7692 section 7.1).
fn deflate(extension: &str) -> Option<Deflate> {
    let mut parts = extension.split(';').map(str::trim);
    if !parts.next()?.eq_ignore_ascii_case("permessage-deflate") {
        return None;
    }
    let mut agreed = Deflate {
        server_no_context_takeover: false,
        client_no_context_takeover: false,
        server_max_window_bits: 15,
        client_max_window_bits: 15,
    };
    for part in parts {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let bits = || value.trim().trim_matches('"').parse().ok().filter(|b| (8..=15).contains(b)).unwrap_or(15);
        match name.trim().to_ascii_lowercase().as_str() {
            "server_no_context_takeover" => agreed.server_no_context_takeover = true,
            "client_no_context_takeover" => agreed.client_no_context_takeover = true,
            "server_max_window_bits" => agreed.server_max_window_bits = bits(),
            "client_max_window_bits" => agreed.client_max_window_bits = bits(),
            _ => {}
        }
    }
    Some(agreed)
}

/// The `Sec-WebSocket-Accept` that answers a key (RFC 6455 section 4.2.2).
fn accept_value(key: &str) -> String {
    let mut hash = Sha1::new();
    hash.update(key.as_bytes());
    hash.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    base64::engine::general_purpose::STANDARD.encode(hash.finalize())
}

#[cfg(test)]
mod tests;
