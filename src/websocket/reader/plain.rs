//! The short way for most messages: whole, uncompressed, in one segment.

use super::{Context, FrameReader, PIECE};
use crate::connection::{DataType, Head32};
use crate::ids::{Origin, Side, StreamOffset};
use crate::limits;
use crate::websocket::frame::opcode;
use crate::websocket::mask;
use crate::websocket::ring::Plain;

impl FrameReader {
    /// The payload of the current frame when it is a whole uncompressed message that lies in these bytes, as most are.
    #[inline]
    pub(super) fn plain_message<'b>(&self, bytes: &'b [u8], origin: Origin) -> Option<&'b [u8]> {
        let frame = &self.frame;
        let plain = frame.fin
            && frame.rsv == 0
            && matches!(frame.opcode, opcode::TEXT | opcode::BINARY)
            && !frame.non_minimal
            && frame.mask.is_some() == (self.side == Side::Client)
            && self.message.is_none()
            && !self.closed
            && self.frame_first == origin;
        let length = usize::try_from(frame.length).ok().filter(|l| plain && *l <= PIECE)?;
        bytes.get(..length)
    }

    /// Records such a message at once; false when its text is at fault and has to be looked at piece by piece.
    #[inline]
    pub(super) fn take_plain_message(
        &mut self,
        ctx: &mut Context<'_>,
        payload: &[u8],
        start: StreamOffset,
        header: usize,
        origin: Origin,
    ) -> bool {
        let frame = self.frame;
        let text = frame.opcode == opcode::TEXT;
        let mut head = Head32::default();
        match frame.mask {
            Some(key) => {
                let looked_at = if text { payload } else { &payload[..payload.len().min(limits::HEAD_BYTES)] };
                mask::unmask_into(&mut ctx.scratch.masked, looked_at, key, 0);
                if text && simdutf8::basic::from_utf8(&ctx.scratch.masked).is_err() {
                    return false;
                }
                head.extend(&ctx.scratch.masked);
            }
            None if text && simdutf8::basic::from_utf8(payload).is_err() => return false,
            None => head.extend(payload),
        }
        self.totals.numbers += 1;
        self.totals.messages += 1;
        self.totals.payload_bytes += frame.length;
        self.ring.push_plain(Plain {
            origin,
            start,
            length: frame.length as u32,
            header: header as u8,
            kind: if text { DataType::Text } else { DataType::Binary },
            head,
        });
        self.frame_ended(ctx, origin);
        true
    }
}
