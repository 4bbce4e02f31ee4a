//! What is known of the HTTP/2 stream of a connection.

use serde::{Deserialize, Serialize};

use super::{Connection, TcpEnd, TcpEndKind};
use crate::ids::{Origin, Side};

/// The HTTP/2 stream that carried a WebSocket (RFC 8441).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Http2Facts {
    /// Its number.
    pub stream: u32,
    /// The first RST_STREAM.
    pub reset: Option<StreamReset>,
    /// The first GOAWAY of the connection.
    pub goes_away: Option<StreamReset>,
    /// Whether client and server had used up a window when the stream ended.
    #[serde(default)]
    pub stalls: [Option<Stall>; 2],
}

/// A flow-control window that was used up (RFC 9113 section 5.2) and not opened again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stall {
    /// The frame that used it up, or the SETTINGS that made it smaller.
    pub since: Origin,
    /// Whether it was the window of the whole connection, and not that of the stream.
    pub of_connection: bool,
}

impl Http2Facts {
    /// The window that `side` had used up when the stream ended.
    #[must_use]
    pub fn stall(&self, side: Side) -> Option<Stall> {
        self.stalls[usize::from(side == Side::Server)]
    }
}

/// An end by RST_STREAM or GOAWAY.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamReset {
    /// Who sent it.
    pub by: Side,
    /// Its error code (RFC 9113 section 7).
    pub code: u32,
    /// Its packet.
    pub origin: Origin,
}

/// How a WebSocket's HTTP/2 stream ended while TCP went on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamEnd {
    /// The sender ended its half (END_STREAM).
    EndStream,
    /// By RST_STREAM.
    Reset(StreamReset),
}

impl Connection {
    /// What `end` was in HTTP/2; `None` where it was TCP's own.
    #[must_use]
    pub fn stream_end(&self, end: TcpEnd) -> Option<StreamEnd> {
        let http2 = self.http2.as_deref()?;
        match end.how {
            TcpEndKind::Fin => (self.sent_by(end.by).fin == Some(end.origin)).then_some(StreamEnd::EndStream),
            TcpEndKind::Rst => http2.reset.filter(|r| r.by == end.by && r.origin == end.origin).map(StreamEnd::Reset),
        }
    }
}

impl StreamReset {
    /// The code's name in RFC 9113 section 7.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self.code {
            0 => "NO_ERROR",
            1 => "PROTOCOL_ERROR",
            2 => "INTERNAL_ERROR",
            3 => "FLOW_CONTROL_ERROR",
            4 => "SETTINGS_TIMEOUT",
            5 => "STREAM_CLOSED",
            6 => "FRAME_SIZE_ERROR",
            7 => "REFUSED_STREAM",
            8 => "CANCEL",
            9 => "COMPRESSION_ERROR",
            10 => "CONNECT_ERROR",
            11 => "ENHANCE_YOUR_CALM",
            12 => "INADEQUATE_SECURITY",
            13 => "HTTP_1_1_REQUIRED",
            _ => "unknown error code",
        }
    }
}
