//! Where bytes are missing: counted through, or searched past.

use super::{Context, FrameReader, Payload};
use crate::connection::{Gap, GapCause};
use crate::ids::{Origin, StreamOffset};
use crate::limits;
use crate::websocket::inflate::Inflater;
use crate::websocket::resync::{Expected, Found};

impl FrameReader {
    /// Takes note of bytes that the capture lacks.
    pub(in crate::websocket) fn gap(
        &mut self,
        ctx: &mut Context<'_>,
        offset: StreamOffset,
        length: u64,
        origin: Origin,
        why: GapCause,
    ) {
        if self.sent.gaps.len() < limits::GAPS {
            self.sent.gaps.push(Gap { start: offset, length, origin, why });
        }
        if let Some(search) = &mut self.search {
            self.sent.unreadable_bytes += search.len() as u64;
            search.clear();
            self.next_try = 0;
            return;
        }
        let mut length = length;
        if self.inside {
            let inside = length.min(self.remaining);
            self.remaining -= inside;
            length -= inside;
            if matches!(self.payload, Payload::Binary | Payload::Text | Payload::Compressed) {
                if let Some(message) = self.message.as_deref_mut() {
                    message.lose(inside);
                    message.facts.end = StreamOffset(offset.0 + inside);
                }
                if self.payload == Payload::Compressed
                    && let Some(inflater) = self.inflater.as_deref_mut()
                {
                    inflater.lose();
                }
            }
            if self.remaining == 0 {
                self.tail_sent = true;
                if self.payload == Payload::Control {
                    // Its content is not known: nothing may be concluded from it.
                    self.payload = Payload::Skip;
                }
                self.end_frame(ctx, origin);
            }
        }
        if length > 0 {
            self.lose_frames();
        }
    }

    /// The next frame boundary is unknown.
    pub(super) fn lose_frames(&mut self) {
        self.header_have = 0;
        self.inside = false;
        self.end_message(false);
        if let Some(inflater) = self.inflater.as_deref_mut() {
            inflater.lose();
        } else if self.deflate.is_some() && self.takeover() {
            // A lost message may have been compressed: the context is not the sender's any more.
            let mut inflater = Inflater::new(true);
            inflater.lose();
            self.inflater = Some(Box::new(inflater));
        }
        self.search = Some(Box::default());
        self.next_try = 0;
    }

    pub(super) fn expected(&self) -> Expected {
        Expected { side: self.side, deflate: self.deflate.is_some() || self.deflate_unknown }
    }

    pub(super) fn search_in(&mut self, ctx: &mut Context<'_>, offset: StreamOffset, bytes: &[u8], origin: Origin) {
        let expected = self.expected();
        let Some(search) = &mut self.search else { return };
        let dropped = search.push(offset, bytes, origin);
        if dropped > 0 {
            self.next_try = 0;
        }
        self.sent.unreadable_bytes += dropped;
        if search.len() < self.next_try {
            return;
        }
        // Tried again when a quarter more is there, so that the search costs in proportion to the bytes.
        self.next_try = search.len() + search.len() / 4;
        if let Some(found) = search.find(expected, false) {
            self.resume(ctx, found);
        }
    }

    pub(super) fn resume(&mut self, ctx: &mut Context<'_>, found: Found) {
        self.search = None;
        self.sent.unreadable_bytes += found.skipped;
        for (offset, bytes, origin) in found.rest {
            self.data(ctx, offset, &bytes, origin);
        }
    }
}
