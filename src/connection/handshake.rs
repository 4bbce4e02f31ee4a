//! The opening handshake as a record (RFC 6455 section 4).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ids::Origin;

/// An HTTP/1.1 head (RFC 9112 section 2.1): request or response.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Head {
    /// The packet that completed it.
    pub origin: Origin,
    /// Start line and header lines as sent, CRLF included, without the empty line; bytes that are not UTF-8 are replaced.
    /// Shared between connections whose heads are the same.
    pub text: Arc<str>,
}

impl Default for Head {
    fn default() -> Self {
        Head { origin: Origin::default(), text: Arc::from("") }
    }
}

impl Head {
    fn lines(&self) -> impl Iterator<Item = &str> {
        self.text.split('\n').map(|l| l.strip_suffix('\r').unwrap_or(l))
    }

    /// The start line.
    #[must_use]
    pub fn start_line(&self) -> &str {
        self.lines().next().unwrap_or_default()
    }

    /// The header fields, in order.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.lines().skip(1).filter_map(|l| l.split_once(':')).map(|(n, v)| (n.trim(), v.trim()))
    }

    /// The value of the first field of that name, compared without case.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v)
    }

    /// The status code, when this is a response.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        let line = self.start_line();
        if !line.starts_with("HTTP/") {
            return None;
        }
        line.split(' ').nth(1)?.parse().ok()
    }

    /// The request target, when this is a request.
    #[must_use]
    pub fn target(&self) -> Option<&str> {
        let line = self.start_line();
        if line.starts_with("HTTP/") { None } else { line.split(' ').nth(1) }
    }
}

/// Length of a `Sec-WebSocket-Key`: 16 bytes in base64 (RFC 6455 section 4.1); a longer value is cut, a shorter one padded.
pub const KEY_BYTES: usize = 24;

/// What stands in kept heads for `Sec-WebSocket-Key` and `Sec-WebSocket-Accept`, which differ on every connection.
pub const KEY: &str = "*";

/// The opening handshake of a WebSocket connection (RFC 6455 section 4).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Handshake {
    /// The value of `Sec-WebSocket-Key`. In the kept heads it and the answer to it are replaced by [`KEY`], so that the heads of
    /// one client program are the same on all its connections and are kept once.
    pub key: Option<[u8; KEY_BYTES]>,
    /// The client's request; `None` when only the response was captured.
    pub request: Option<Head>,
    /// The server's 101.
    pub response: Head,
    /// Whether `Sec-WebSocket-Accept` fits the key; `None` when the key was not captured.
    pub accept_valid: Option<bool>,
    /// permessage-deflate as agreed (RFC 7692); `None` when not agreed.
    pub deflate: Option<Deflate>,
    /// What both heads did against RFC 6455 section 4.
    pub violations: Vec<HandshakeViolation>,
}

/// The agreed parameters of permessage-deflate (RFC 7692 section 7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deflate {
    /// The server resets its context after each message.
    pub server_no_context_takeover: bool,
    /// The client resets its context after each message.
    pub client_no_context_takeover: bool,
    /// Base-2 logarithm of the server's LZ77 window: 8 to 15.
    pub server_max_window_bits: u8,
    /// Base-2 logarithm of the client's LZ77 window: 8 to 15.
    pub client_max_window_bits: u8,
}

/// A rule of RFC 6455 section 4 that an opening handshake broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HandshakeViolation {
    /// `Sec-WebSocket-Accept` is missing from the 101.
    MissingAccept,
    /// `Sec-WebSocket-Accept` does not fit the key.
    WrongAccept,
    /// The 101 lacks `Upgrade: websocket`.
    MissingUpgrade,
    /// The 101 lacks `Connection: Upgrade`.
    MissingConnection,
    /// The 101 names an extension that the client did not offer.
    ExtensionNotOffered,
    /// The 101 names a subprotocol that the client did not offer.
    SubprotocolNotOffered,
    /// The request has no `Sec-WebSocket-Key`.
    MissingKey,
    /// The head needed lenient parsing: a strict peer would have refused it.
    MalformedHead,
}
