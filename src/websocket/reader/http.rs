//! An HTTP response where a frame should begin: web frameworks write one when a WebSocket handler returns or fails, before or
//! after its Close.

use super::{FrameReader, Payload};
use crate::connection::Rule;
use crate::ids::Side;
use crate::limits;
use crate::websocket::frame::opcode;

/// Stands for a length that nothing gives: to the end of the stream.
const TO_THE_END: u64 = u32::MAX as u64;

impl FrameReader {
    /// Whether the control frame that just ended was none, but the begin of an HTTP response: `HT` is the header of a Close of
    /// 84 bytes with RSV1 and without FIN, which nobody sends. Then the response is taken for what it is, and what was said of
    /// it as a frame is withdrawn.
    pub(super) fn http_begins(&mut self) -> bool {
        let frame = &self.frame;
        let looks_so = (frame.opcode, frame.rsv, frame.fin, frame.length) == (opcode::CLOSE, 4, false, 84)
            && self.side == Side::Server
            && frame.mask.is_none();
        let Some(rest) = self.control.strip_prefix(b"TP/1.").filter(|_| looks_so) else { return false };
        let status = rest.get(2..5).and_then(|s| std::str::from_utf8(s).ok()).and_then(|s| s.parse().ok());
        let start = self.frame_start;
        self.sent.violations.retain(|v| v.start != start);
        self.violation(Rule::HttpResponse, status.unwrap_or(0));
        if self.control_missing > 0 || self.control.windows(4).any(|w| w == b"\r\n\r\n") {
            self.http_takes(Payload::HttpBody, TO_THE_END);
        } else {
            self.http_takes(Payload::HttpHead, 1);
        }
        true
    }

    /// The head is read byte by byte, for frames may follow it.
    pub(super) fn http_piece_ended(&mut self) {
        if self.payload == Payload::HttpBody {
            self.payload = Payload::Skip;
        } else if self.control.ends_with(b"\r\n\r\n") {
            match body_length(&self.control) {
                Some(0) => self.payload = Payload::Skip,
                length => self.http_takes(Payload::HttpBody, length.unwrap_or(TO_THE_END)),
            }
        } else if self.control.len() < limits::STRAY_HTTP_HEAD {
            self.http_takes(Payload::HttpHead, 1);
        } else {
            self.http_takes(Payload::HttpBody, TO_THE_END);
        }
    }

    fn http_takes(&mut self, payload: Payload, bytes: u64) {
        self.inside = true;
        self.payload = payload;
        self.frame.length = bytes;
        self.remaining = bytes;
    }
}

/// The length of the body that a head announces; `None` where it goes on until the connection ends, or in chunks.
fn body_length(head: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(head).ok()?;
    let field = |name: &str| {
        let mut fields = text.lines().filter_map(|l| l.split_once(':'));
        fields.find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    };
    if field("transfer-encoding").is_some() {
        return None;
    }
    field("content-length")?.parse().ok().filter(|n| *n < TO_THE_END)
}
