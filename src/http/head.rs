//! Request and response heads, read with httparse: strictly first, then leniently, so that a head a strict peer would
//! have refused is still read and known as such.

use std::mem::MaybeUninit;

use httparse::{Header, ParserConfig, Status};

use super::body::Body;
use crate::connection::Head;
use crate::ids::Origin;
use crate::limits;

/// A head and what follows from it.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) start: Start,
    /// Bytes of the head, empty line included.
    pub(super) length: usize,
    /// Needed lenient parsing.
    pub(super) malformed: bool,
    pub(super) content_length: Option<u64>,
    pub(super) chunked: bool,
    /// Names a WebSocket: `Upgrade: websocket`, or a key without it (a proxy may have dropped the former).
    pub(super) websocket: bool,
}

#[derive(Debug)]
pub(super) enum Start {
    Request { is_head: bool },
    Response { status: u16 },
}

/// What the beginning of some bytes is.
#[derive(Debug)]
pub(super) enum Outcome {
    Head(Parsed),
    /// More bytes are needed.
    Partial,
    /// Not HTTP/1.
    NotHttp,
}

const METHODS: [&[u8]; 9] =
    [b"GET ", b"POST ", b"PUT ", b"HEAD ", b"DELETE ", b"OPTIONS ", b"PATCH ", b"CONNECT ", b"TRACE "];

/// What the first bytes of a direction say, from as few as there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Request,
    Response,
    /// Too few bytes to tell.
    Unsure,
    Neither,
}

#[inline]
pub(super) fn kind(bytes: &[u8]) -> Kind {
    let begins = |token: &[u8]| {
        let n = token.len().min(bytes.len());
        (bytes[..n] == token[..n]).then_some(n == token.len())
    };
    if let Some(sure) = begins(b"HTTP/1.") {
        return if sure { Kind::Response } else { Kind::Unsure };
    }
    for method in METHODS {
        match begins(method) {
            Some(true) => return Kind::Request,
            Some(false) => return Kind::Unsure,
            None => {}
        }
    }
    Kind::Neither
}

/// Reads the head at the beginning of `bytes`, the first `known` of which were [`Outcome::Partial`] before.
///
/// Nothing but its first bytes is judged before its empty line is there: what is found wrong with a head may not depend on
/// how much of it came at once. Nor is it read more often than once, however small the pieces that it comes in.
pub(super) fn parse(bytes: &[u8], known: usize) -> Outcome {
    let parse = match kind(bytes) {
        Kind::Request => parse_request,
        Kind::Response => parse_response,
        Kind::Unsure => return Outcome::Partial,
        Kind::Neither => return Outcome::NotHttp,
    };
    let readable = &bytes[..bytes.len().min(limits::HTTP_HEAD)];
    match end(readable, known) {
        Some(end) => match parse(&readable[..end]) {
            Outcome::Partial => Outcome::NotHttp,
            outcome => outcome,
        },
        None if bytes.len() >= limits::HTTP_HEAD => Outcome::NotHttp,
        None => Outcome::Partial,
    }
}

/// Where the first empty line ends; the first `known` bytes hold none.
fn end(bytes: &[u8], known: usize) -> Option<usize> {
    // The line end before the empty line may be among the known bytes.
    let mut at = known.saturating_sub(2);
    loop {
        at += bytes.get(at..)?.iter().position(|b| *b == b'\n')? + 1;
        match bytes.get(at..)? {
            [b'\n', ..] => return Some(at + 1),
            [b'\r', b'\n', ..] => return Some(at + 2),
            _ => {}
        }
    }
}

fn parse_request(bytes: &[u8]) -> Outcome {
    for lenient in [false, true] {
        let mut fields = [const { MaybeUninit::<Header<'_>>::uninit() }; limits::HTTP_FIELDS];
        let mut request = httparse::Request::new(&mut []);
        let result = if lenient {
            ParserConfig::default()
                .ignore_invalid_headers_in_requests(true)
                .allow_multiple_spaces_in_request_line_delimiters(true)
                .parse_request_with_uninit_headers(&mut request, bytes, &mut fields)
        } else {
            request.parse_with_uninit_headers(bytes, &mut fields)
        };
        match result {
            Ok(Status::Complete(length)) => {
                let start = Start::Request { is_head: request.method == Some("HEAD") };
                return Outcome::Head(parsed(start, length, lenient, request.headers));
            }
            Ok(Status::Partial) => return Outcome::Partial,
            Err(_) => {}
        }
    }
    Outcome::NotHttp
}

fn parse_response(bytes: &[u8]) -> Outcome {
    for lenient in [false, true] {
        let mut fields = [const { MaybeUninit::<Header<'_>>::uninit() }; limits::HTTP_FIELDS];
        let mut response = httparse::Response::new(&mut []);
        let mut config = ParserConfig::default();
        if lenient {
            config
                .allow_spaces_after_header_name_in_responses(true)
                .allow_obsolete_multiline_headers_in_responses(true)
                .allow_multiple_spaces_in_response_status_delimiters(true)
                .ignore_invalid_headers_in_responses(true);
        }
        match config.parse_response_with_uninit_headers(&mut response, bytes, &mut fields) {
            Ok(Status::Complete(length)) => {
                let start = Start::Response { status: response.code.unwrap_or(0) };
                return Outcome::Head(parsed(start, length, lenient, response.headers));
            }
            Ok(Status::Partial) => return Outcome::Partial,
            Err(_) => {}
        }
    }
    Outcome::NotHttp
}

fn parsed(start: Start, length: usize, malformed: bool, fields: &[Header<'_>]) -> Parsed {
    let mut head = Parsed { start, length, malformed, content_length: None, chunked: false, websocket: false };
    for field in fields {
        let name = field.name;
        if name.eq_ignore_ascii_case("content-length") {
            head.content_length = std::str::from_utf8(field.value).ok().and_then(|v| v.trim().parse().ok());
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            head.chunked = contains_token(field.value, b"chunked");
        } else if name.eq_ignore_ascii_case("upgrade") {
            head.websocket |= contains_token(field.value, b"websocket");
        } else if name.eq_ignore_ascii_case("sec-websocket-key") {
            head.websocket = true;
        }
    }
    head
}

/// Whether a head of which only the beginning is there asks for a WebSocket.
pub(super) fn names_websocket(bytes: &[u8]) -> bool {
    contains_token(bytes, b"upgrade: websocket") || contains_token(bytes, b"sec-websocket-")
}

fn contains_token(value: &[u8], token: &[u8]) -> bool {
    value.windows(token.len()).any(|w| w.eq_ignore_ascii_case(token))
}

impl Parsed {
    /// The body that follows a request with this head.
    pub(super) fn request_body(&self) -> Body {
        if self.chunked { Body::CHUNKED } else { Body::Length(self.content_length.unwrap_or(0)) }
    }

    /// The body that follows a response with this head (RFC 9112 section 6.3).
    pub(super) fn response_body(&self, status: u16, to_head: bool) -> Body {
        if to_head || matches!(status, 100..=199 | 204 | 304) {
            Body::Length(0)
        } else if self.chunked {
            Body::CHUNKED
        } else {
            self.content_length.map_or(Body::UntilClose, Body::Length)
        }
    }
}

/// The head as the records keep it.
pub(super) fn to_record(bytes: &[u8], origin: Origin) -> Head {
    let mut end = bytes.len();
    while end > 0 && matches!(bytes[end - 1], b'\r' | b'\n') {
        end -= 1;
    }
    let text = String::from_utf8_lossy(&bytes[..end]);
    let bare_line_feeds = text.contains('\n') && !text.contains("\r\n");
    let text = if bare_line_feeds { text.replace('\n', "\r\n") } else { text.into_owned() };
    Head { origin, text: text.into() }
}
