//! Where bytes are missing: counted through, or searched past.

use super::{Context, FrameReader, Lookout, Payload};
use crate::connection::{Gap, GapCause, Resync, Sure};
use crate::ids::{Origin, Side, StreamOffset};
use crate::limits;
use crate::websocket::frame::opcode;
use crate::websocket::resync::{Found, Search, Stretch};

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
        self.note_gap(offset, length, origin, why);
        self.pass_gap(ctx, offset, length, origin, why);
    }

    pub(super) fn note_gap(&mut self, start: StreamOffset, length: u64, origin: Origin, why: GapCause) {
        let gaps = &mut self.sent.lost.gaps;
        let adjoins = |last: &&mut Gap| last.why == why && last.start.0 + last.length == start.0;
        if let Some(last) = gaps.last_mut().filter(adjoins) {
            last.length += length;
        } else if gaps.len() < limits::GAPS {
            gaps.push(Gap { start, length, origin, why });
        } else {
            self.sent.lost.unlisted_gap_bytes += length;
        }
    }

    fn pass_gap(&mut self, ctx: &mut Context<'_>, at: StreamOffset, length: u64, origin: Origin, why: GapCause) {
        if let Some(lookout) = &mut self.search {
            lookout.search.settle();
            self.decide(ctx);
        }
        if let Some(lookout) = &mut self.search {
            lookout.search.lose(at, length, origin, why);
            if !lookout.doubting {
                return;
            }
        }
        self.lose_bytes(ctx, at, length, origin);
        if why == GapCause::Unmeasured && self.search.is_none() {
            // Its length is estimated: where the next frame begins is not known.
            self.lose_frames();
        }
    }

    /// Bytes of a frame, or of several, are missing.
    fn lose_bytes(&mut self, ctx: &mut Context<'_>, offset: StreamOffset, length: u64, origin: Origin) {
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
            if self.payload == Payload::Control && inside > 0 {
                self.control_missing = self.frame.length - self.control.len() as u64;
            }
            if self.remaining == 0 {
                self.tail_sent = true;
                if self.payload == Payload::Control && self.frame.opcode != opcode::CLOSE && inside > 0 {
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
    fn lose_frames(&mut self) {
        self.header_have = 0;
        self.inside = false;
        self.orphans = true;
        self.end_message(false);
        self.lose_context();
        match &mut self.search {
            Some(lookout) => {
                lookout.doubting = false;
                lookout.search.hand_over();
            }
            None => {
                let search = Search::new(self.expected(), limits::SEARCH_WINDOW);
                self.search = Some(Box::new(Lookout { search, doubting: false }));
            }
        }
    }

    /// A lost message may have been compressed: the context is not the sender's any more.
    pub(super) fn lose_context(&mut self) {
        match self.inflater.as_deref_mut() {
            Some(inflater) => inflater.lose(),
            None => self.context_lost = true,
        }
    }

    /// Takes bytes while the boundary is searched for, or in doubt.
    #[cold]
    pub(super) fn search_in(&mut self, ctx: &mut Context<'_>, offset: StreamOffset, bytes: &[u8], origin: Origin) {
        let Some(lookout) = &mut self.search else { return };
        lookout.search.push(offset, bytes, origin, ctx.acknowledged);
        if !lookout.doubting {
            self.decide(ctx);
            return;
        }
        let before = lookout.search.handed_over();
        self.decide(ctx);
        // Where another beginning was taken, these bytes were read with it.
        let goes_on = self.search.as_ref().is_none_or(|l| l.doubting && l.search.handed_over() == before);
        if goes_on {
            let lookout = self.search.take();
            self.data(ctx, offset, bytes, origin);
            self.search = lookout;
        }
    }

    /// The packet of the first byte that waits to be read.
    pub(in crate::websocket) fn waits_since(&self) -> Origin {
        self.search.as_ref().map(|l| l.search.first_origin()).unwrap_or_default()
    }

    /// Reads on where there is evidence enough, and gives up what turned out to be none.
    pub(in crate::websocket) fn decide(&mut self, ctx: &mut Context<'_>) {
        let Some(lookout) = &mut self.search else { return };
        if lookout.doubting {
            match lookout.search.adopted() {
                Some(bits) if bits >= limits::RESYNC_CERTAIN_BITS => {
                    self.search = None;
                    return;
                }
                Some(_) => {
                    let Some(rival) = lookout.search.rival() else { return };
                    let found = lookout.search.adopt(rival);
                    self.lose_frames();
                    self.resume(ctx, found);
                    return;
                }
                None => self.lose_frames(),
            }
        }
        let masked = self.side == Side::Client;
        let Some(lookout) = &mut self.search else { return };
        if let Some((index, course)) = lookout.search.best(masked)
            && course.bits() >= limits::RESYNC_BITS
        {
            let found = lookout.search.adopt(index);
            self.resume(ctx, found);
        }
    }

    fn resume(&mut self, ctx: &mut Context<'_>, found: Found) {
        let sure = match found.bits {
            limits::RESYNC_CERTAIN_BITS.. => Sure::Certain,
            limits::RESYNC_BITS.. => Sure::Likely,
            _ => Sure::Possible,
        };
        let Found { start, skipped, frames, origin, bits, rest } = found;
        if self.sent.lost.resyncs.len() < limits::RESYNCS {
            self.sent.lost.resyncs.push(Resync { start, skipped, origin, sure, frames });
        }
        self.sent.lost.unreadable_bytes += skipped;
        let mut lookout = self.search.take();
        let acknowledged = ctx.acknowledged;
        for stretch in rest {
            self.replay(ctx, stretch);
        }
        ctx.acknowledged = acknowledged;
        if self.search.is_none() && bits < limits::RESYNC_CERTAIN_BITS {
            if let Some(lookout) = &mut lookout {
                lookout.doubting = true;
                lookout.search.hand_over();
            }
            self.search = lookout;
        }
    }

    fn replay(&mut self, ctx: &mut Context<'_>, stretch: Stretch) {
        ctx.acknowledged = stretch.acknowledged;
        let behind = StreamOffset(stretch.at.0 + stretch.bytes.len() as u64);
        if !stretch.bytes.is_empty() {
            self.data(ctx, stretch.at, &stretch.bytes, stretch.origin);
        }
        if let Some((length, why)) = stretch.missing {
            if why == GapCause::NotKept {
                self.note_gap(behind, length, stretch.origin, why);
            }
            self.pass_gap(ctx, behind, length, stretch.origin, why);
        }
    }

    /// The stream is over: takes what little evidence there is, and searches for a Close.
    pub(super) fn finish_search(&mut self, ctx: &mut Context<'_>, in_order: bool) {
        let masked = self.side == Side::Client;
        let Some(lookout) = &mut self.search else { return };
        lookout.search.settle();
        self.decide(ctx);
        if let Some(lookout) = self.search.as_mut().filter(|l| !l.doubting)
            && let Some((index, course)) = lookout.search.best_at_end(masked, in_order)
            && course.bits() >= limits::RESYNC_END_BITS
        {
            let closes = self.sent.closes.len();
            let found = lookout.search.adopt(index);
            self.resume(ctx, found);
            self.mark_searched(closes);
        }
        let Some(lookout) = &mut self.search else { return };
        // A length that was misread claims more than the stream has, and the Close with it.
        let unfinished = self.inside || self.header_have > 0;
        if lookout.doubting && !unfinished {
            return;
        }
        let doubting = lookout.doubting;
        let found = if self.closed { None } else { lookout.search.find_close(in_order) };
        match found {
            Some(found) => {
                let closes = self.sent.closes.len();
                if doubting {
                    self.lose_frames();
                }
                self.resume(ctx, found);
                self.mark_searched(closes);
            }
            None if !doubting => self.sent.lost.unreadable_bytes += lookout.search.seen(),
            None => {}
        }
    }

    /// Close frames from here on were found with little evidence.
    fn mark_searched(&mut self, from: usize) {
        for close in self.sent.closes.iter_mut().skip(from) {
            close.searched = true;
        }
    }
}
