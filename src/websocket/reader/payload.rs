//! What happens to the payload of a frame: counted, checked, inflated or skipped.

use super::{Context, FrameReader, PIECE, Payload, Scratch};
use crate::connection::{DataType, InflateFailure};
use crate::ids::{Origin, Side, StreamOffset};
use crate::limits;
use crate::websocket::inflate::{Inflater, OUTPUT};
use crate::websocket::mask;
use crate::websocket::open_message::{Masked, OpenMessage};

impl FrameReader {
    pub(super) fn payload_kind(&self) -> Payload {
        match &self.message {
            Some(m) if m.facts.compressed => Payload::Compressed,
            Some(m) if m.facts.kind == DataType::Text => Payload::Text,
            _ => Payload::Binary,
        }
    }

    pub(super) fn takeover(&self) -> bool {
        self.deflate.is_none_or(|d| match self.side {
            Side::Client => !d.client_no_context_takeover,
            Side::Server => !d.server_no_context_takeover,
        })
    }

    pub(super) fn window_bits(&self) -> u8 {
        self.deflate.map_or(15, |d| match self.side {
            Side::Client => d.client_max_window_bits,
            Side::Server => d.server_max_window_bits,
        })
    }

    #[inline]
    pub(super) fn take_payload(&mut self, ctx: &mut Context<'_>, bytes: &[u8], end: StreamOffset, origin: Origin) {
        let phase = self.frame.length - self.remaining;
        self.remaining -= bytes.len() as u64;
        match self.payload {
            Payload::Skip | Payload::HttpBody => {}
            Payload::HttpHead => self.control.extend_from_slice(bytes),
            Payload::Control => {
                let room = 125usize.saturating_sub(self.control.len());
                self.control.extend_from_slice(&bytes[..bytes.len().min(room)]);
            }
            Payload::Binary | Payload::Text | Payload::Compressed => {
                let Some(message) = self.message.as_deref_mut() else { return };
                message.facts.wire_bytes += bytes.len() as u64;
                message.facts.last = origin;
                message.facts.end = end;
                let key = self.frame.mask;
                match self.payload {
                    Payload::Text => text(ctx.scratch, message, bytes, key, phase, origin),
                    Payload::Compressed => {
                        let last = self.frame.fin && self.remaining == 0;
                        self.tail_sent |= last;
                        self.compressed(ctx.scratch, bytes, phase, last, origin);
                    }
                    _ => {
                        if message.produced < limits::HEAD_BYTES as u64 {
                            let first = &bytes[..bytes.len().min(limits::HEAD_BYTES)];
                            match key {
                                Some(key) => {
                                    mask::unmask_into(&mut ctx.scratch.masked, first, key, phase);
                                    message.keep_head(&ctx.scratch.masked);
                                }
                                None => message.keep_head(first),
                            }
                        }
                        message.count(bytes.len() as u64);
                    }
                }
            }
        }
    }

    pub(super) fn compressed(&mut self, scratch: &mut Scratch, bytes: &[u8], phase: u64, last: bool, origin: Origin) {
        let window_bits = self.window_bits();
        if self.inflater.is_none() {
            self.inflater = scratch.effort.open().map(|place| {
                let takeover = self.takeover();
                Box::new(Inflater::new(takeover, self.context_lost, place))
            });
            if self.inflater.is_none() {
                // Too many connections inflate at once; what this one says in the meantime is unknown, and context for the rest.
                self.context_lost = true;
                self.sent.lost.not_inflated += u64::from(last);
                if let Some(message) = self.message.as_deref_mut() {
                    message.unreadable();
                }
                return;
            }
        }
        let (Some(message), Some(inflater)) = (self.message.as_deref_mut(), self.inflater.as_deref_mut()) else {
            return;
        };
        if !inflater.is_readable() {
            // The rest of a message that broke shows what is wrong with it.
            let wanted = &bytes[..bytes.len().min(inflater.sample_room())];
            if !wanted.is_empty() {
                unmask(&mut scratch.masked, wanted, self.frame.mask, phase);
                inflater.sample_more(&scratch.masked);
            }
            return;
        }
        if scratch.output.is_empty() {
            scratch.output = vec![0; OUTPUT];
        }
        if scratch.effort.is_exhausted() {
            // Unknown from here on, like after a loss; the next message may be small again.
            inflater.lose();
            message.unreadable();
            self.sent.lost.not_inflated += 1;
            return;
        }
        let Scratch { masked, output, effort } = scratch;
        effort.earn(bytes.len());
        let mut phase = phase;
        let pieces = bytes.len().div_ceil(PIECE).max(1);
        for index in 0..pieces {
            let from = index * PIECE;
            let piece = &bytes[from..(from + PIECE).min(bytes.len())];
            let last = last && index + 1 == pieces;
            unmask(masked, piece, self.frame.mask, phase);
            phase += piece.len() as u64;
            let none = Masked { key: None, offset: 0 };
            let result = inflater.push(masked, last, output, |plain| message.plain(plain, origin, none));
            effort.spend(inflater.take_work());
            if let Err(failed) = result {
                inflater.fail(failed, origin);
                message.unreadable();
                return;
            }
            if last && let Some((finding, distance)) = inflater.window_breach(window_bits) {
                let (wire_offset, inflated) = (message.facts.wire_bytes, message.produced);
                let (distance, head) = (Some(distance), inflater.head());
                message.fail(InflateFailure { wire_offset, inflated, origin, finding, distance, head });
            }
        }
    }
}

/// Payload as it was before it was masked, if it was.
fn unmask(plain: &mut Vec<u8>, piece: &[u8], key: Option<[u8; 4]>, phase: u64) {
    match key {
        Some(key) => mask::unmask_into(plain, piece, key, phase),
        None => {
            plain.clear();
            plain.extend_from_slice(piece);
        }
    }
}

/// Checks plain text payload piece by piece.
#[inline]
fn text(
    scratch: &mut Scratch,
    message: &mut OpenMessage,
    bytes: &[u8],
    key: Option<[u8; 4]>,
    phase: u64,
    origin: Origin,
) {
    let Some(key) = key else {
        message.plain(bytes, origin, Masked { key: None, offset: phase });
        return;
    };
    let mut phase = phase;
    for piece in bytes.chunks(PIECE) {
        mask::unmask_into(&mut scratch.masked, piece, key, phase);
        message.plain(&scratch.masked, origin, Masked { key: Some(key), offset: phase });
        phase += piece.len() as u64;
    }
}
