//! What is known of the HTTP/2 stream of a connection.

use serde::{Deserialize, Serialize};

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
