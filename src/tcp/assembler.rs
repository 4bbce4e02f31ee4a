//! One direction of a TCP connection as an ordered stream of bytes and gaps.

use super::queue::{Early, OutOfOrder, Queue};
use crate::connection::GapCause;
use crate::ids::{Origin, SequenceNumber, StreamOffset};
use crate::limits;
use crate::network::Segment;

/// Takes the stream of one direction, in order.
pub trait Sink {
    /// Bytes, with the packet that carried them and how far that packet acknowledged the other direction.
    fn data(&mut self, offset: StreamOffset, bytes: &[u8], origin: Origin, acknowledged: StreamOffset);
    /// Bytes that the capture lacks; `origin` is the packet that acknowledged them, else the one at which they were missed.
    fn gap(&mut self, offset: StreamOffset, length: u64, origin: Origin, why: GapCause);
}

/// Puts the segments of one direction in order (RFC 9293 section 3.10.7.4, seen from outside).
///
/// A hole is declared when an acknowledgement covers it and patience for late copies has run out, when the window of
/// kept segments is full, or when the flow ends; never by a clock.
///
/// What every packet touches fits one cache line: with thousands of connections alive each packet meets a cold one.
#[derive(Debug)]
pub struct Assembler {
    /// Sequence number that belongs to `offset`.
    next: SequenceNumber,
    /// Packets of the flow since an acknowledgement covered missing bytes.
    waited: u16,
    started: bool,
    /// The start was guessed from the other side's acknowledgement.
    guessed: bool,
    /// Stream offset up to which everything was delivered.
    offset: u64,
    /// How far the other side acknowledged.
    acknowledged: u64,
    /// Highest offset seen.
    sent: u64,
    /// Offset of the FIN; the highest number while there was none.
    fin_at: u64,
    /// First segment whose bytes are not acknowledged; counts while `acknowledged` is below `sent`.
    unacknowledged_since: Origin,
    disorder: Option<Box<Disorder>>,
}

/// What only connections with losses or disorder need.
#[derive(Debug)]
struct Disorder {
    early: Queue,
    /// The packet that acknowledged the bytes that are missing; counts while `waited` is not 0.
    hole_acknowledged: Origin,
    retransmissions: u32,
    unanswered: u32,
    /// Segments with data behind the FIN.
    after_fin: u32,
}

impl Disorder {
    fn new(in_all: &OutOfOrder) -> Box<Disorder> {
        Box::new(Disorder {
            early: Queue::new(in_all),
            hole_acknowledged: Origin::default(),
            retransmissions: 0,
            unanswered: 0,
            after_fin: 0,
        })
    }
}

impl Default for Assembler {
    fn default() -> Self {
        Assembler {
            next: SequenceNumber(0),
            waited: 0,
            started: false,
            guessed: false,
            offset: 0,
            acknowledged: 0,
            sent: 0,
            fin_at: u64::MAX,
            unacknowledged_since: Origin::default(),
            disorder: None,
        }
    }
}

/// Farther ahead than any receive window (RFC 7323 section 2.3): the segment belongs to another connection or is forged.
const FARTHEST: i64 = 1 << 30;

impl Assembler {
    /// How far the other side acknowledged this stream, bytes of the stream only.
    #[must_use]
    #[inline]
    pub fn acknowledged(&self) -> StreamOffset {
        StreamOffset(self.acknowledged.min(self.sent.max(self.offset)))
    }

    /// How far this stream was delivered.
    #[must_use]
    pub fn delivered(&self) -> StreamOffset {
        StreamOffset(self.offset)
    }

    /// Whether bytes that the other side acknowledged are missing.
    #[must_use]
    #[inline]
    pub fn has_hole(&self) -> bool {
        self.acknowledged > self.offset
    }

    /// Whether the start of this stream is known.
    #[must_use]
    #[inline]
    pub fn has_started(&self) -> bool {
        self.started
    }

    /// Segments that repeated bytes.
    #[must_use]
    pub fn retransmissions(&self) -> u32 {
        self.disorder.as_ref().map_or(0, |d| d.retransmissions)
    }

    /// Of those, the ones since the other side's last acknowledgement.
    #[must_use]
    pub fn unanswered_retransmissions(&self) -> u32 {
        self.disorder.as_ref().map_or(0, |d| d.unanswered)
    }

    /// Segments that carried data behind the sender's FIN, which receivers ignore (RFC 9293 section 3.10.7.4).
    #[must_use]
    pub fn after_fin(&self) -> u32 {
        self.disorder.as_ref().map_or(0, |d| d.after_fin)
    }

    /// Where this stream stands: the highest offset that was seen.
    #[must_use]
    pub fn sent(&self) -> StreamOffset {
        StreamOffset(self.sent.max(self.offset))
    }

    /// Whether this number lies behind everything that was seen of the stream.
    #[must_use]
    pub fn is_ahead(&self, seq: SequenceNumber) -> bool {
        self.started
            && (self.offset as i64).saturating_add(i64::from(seq.distance_from(self.next))) > self.sent().0 as i64
    }

    /// Whether the other side has acknowledged bytes behind this number: a receiver takes nothing for it any more.
    #[must_use]
    pub fn is_behind(&self, seq: SequenceNumber) -> bool {
        let at = (self.offset as i64).saturating_add(i64::from(seq.distance_from(self.next)));
        self.started && !self.guessed && at < self.acknowledged as i64
    }

    /// The first segment whose bytes are not acknowledged.
    #[must_use]
    pub fn unacknowledged_since(&self) -> Option<Origin> {
        (self.acknowledged < self.sent).then_some(self.unacknowledged_since)
    }

    /// Takes note of an acknowledgement by the other side.
    #[inline]
    pub fn acknowledge(&mut self, ack: SequenceNumber) {
        if !self.started {
            // Nothing of this side was seen yet: what it sent before is before the capture.
            self.started = true;
            self.guessed = true;
            self.next = ack;
            return;
        }
        let ahead = i64::from(ack.distance_from(self.next));
        if ahead > FARTHEST {
            return;
        }
        let to = (self.offset as i64).saturating_add(ahead).max(0) as u64;
        self.acknowledged = self.acknowledged.max(to.min(self.fin_at));
        if let Some(disorder) = &mut self.disorder {
            disorder.unanswered = 0;
        }
    }

    /// The stream offset that an acknowledgement of this direction stands for. One number beyond everything sent is a FIN: one
    /// beyond the end when it was seen, else the end, because it may be a byte that was not; more are bytes that were not.
    #[must_use]
    #[inline]
    pub fn position(&self, ack: SequenceNumber) -> StreamOffset {
        let ahead = i64::from(ack.distance_from(self.next));
        let ahead = if ahead > FARTHEST { 0 } else { ahead };
        let to = ((self.offset as i64).saturating_add(ahead).max(0) as u64).min(self.fin_at.saturating_add(1));
        let sent = self.sent.max(self.offset);
        StreamOffset(if to == sent + 1 && self.fin_at == u64::MAX { sent } else { to })
    }

    /// Goes on at `seq`: what came before it was not looked at.
    pub fn resume_at(&mut self, seq: SequenceNumber) {
        self.forget_early();
        let ahead = seq.distance_from(self.next);
        if self.started && (-0x10_0000..=0).contains(&ahead) {
            return;
        }
        // Between two looks a stream may have run further than a signed distance reaches.
        let passed = if self.started { u64::from(ahead.cast_unsigned()) } else { 0 };
        self.started = true;
        self.guessed = false;
        self.offset += passed;
        self.next = seq;
        self.waited = 0;
        self.sent = self.sent.max(self.offset);
    }

    /// Gives up what waits for missing bytes.
    pub fn forget_early(&mut self) {
        if let Some(disorder) = &mut self.disorder {
            disorder.early.clear();
        }
    }

    /// Takes a segment of this direction and delivers what is in order now. `acknowledged` is what the segment itself
    /// acknowledges of the other direction; `in_all` is what all flows keep out of order.
    #[inline]
    pub fn push(
        &mut self,
        segment: &Segment<'_>,
        acknowledged: StreamOffset,
        in_all: &OutOfOrder,
        sink: &mut impl Sink,
    ) {
        let mut seq = segment.seq;
        if segment.flags.syn() {
            seq = seq.advanced_by(1);
            if !self.started || self.guessed {
                self.next = seq;
                self.started = true;
                self.guessed = false;
            }
        } else if !self.started {
            self.next = seq;
            self.started = true;
        }
        let mut ahead = i64::from(seq.distance_from(self.next));
        if self.guessed {
            if ahead < 0 && self.offset == 0 {
                // The acknowledgement that told the start was captured before this earlier segment.
                self.acknowledged = self.acknowledged.saturating_add(ahead.unsigned_abs());
                self.next = seq;
                ahead = 0;
            }
            if segment.payload_wire_length > 0 {
                self.guessed = false;
            }
        }
        if ahead > FARTHEST {
            return;
        }
        let mut length = u64::from(segment.payload_wire_length);
        let mut payload = segment.payload;
        let start = self.offset as i64 + ahead;
        if segment.flags.fin() && start + length as i64 >= self.acknowledged.min(self.sent) as i64 {
            let end = (start + length as i64).max(0) as u64;
            self.fin_at = self.fin_at.min(end);
            // An acknowledgement of the FIN that was captured before it looked like one more byte.
            self.acknowledged = self.acknowledged.min(self.fin_at);
        }
        if length == 0 {
            return;
        }
        let fin_at = self.fin_at.min(i64::MAX as u64) as i64;
        if start + length as i64 > fin_at {
            self.disorder.get_or_insert_with(|| Disorder::new(in_all)).after_fin += 1;
            length = (fin_at - start).max(0) as u64;
            payload = payload.get(..length as usize).unwrap_or(payload);
            if length == 0 {
                return;
            }
        }
        let end = start + length as i64;
        if end > self.sent as i64 {
            if self.acknowledged >= self.sent {
                self.unacknowledged_since = segment.origin;
            }
            self.sent = end as u64;
        }
        if end <= self.offset as i64 {
            // Keep-alive probes count too: they repeat the byte before the next (RFC 9293 section 3.8.4).
            self.repeated(in_all);
            return;
        }
        if ahead > 0 {
            let (bytes, origin) = (payload.to_vec(), segment.origin);
            let disorder = self.disorder.get_or_insert_with(|| Disorder::new(in_all));
            if !disorder.early.insert(Early { start: start as u64, length, bytes, origin, acknowledged }) {
                disorder.retransmissions += 1;
                disorder.unanswered += 1;
            }
            if disorder.early.is_full() {
                let to = self.first_early().unwrap_or(self.acknowledged);
                self.declare(to, segment.origin, GapCause::WindowFull, sink);
            }
            return;
        }
        self.deliver(start, length, payload, (segment.origin, acknowledged), sink);
        if self.disorder.is_some() {
            self.deliver_due(sink);
        }
    }

    #[cold]
    fn repeated(&mut self, in_all: &OutOfOrder) {
        let disorder = self.disorder.get_or_insert_with(|| Disorder::new(in_all));
        disorder.retransmissions += 1;
        disorder.unanswered += 1;
    }

    fn first_early(&self) -> Option<u64> {
        self.disorder.as_ref()?.early.first_start()
    }

    /// Whether the other side acknowledged one number beyond everything that was seen of this stream: its FIN, which the
    /// capture missed. A single last byte of data looks the same, and hardly ever travels alone.
    #[must_use]
    #[inline]
    pub fn lacks_fin(&self) -> bool {
        self.fin_at == u64::MAX && self.started && self.acknowledged == self.sent.max(self.offset) + 1
    }

    /// Called for each packet of the flow, after it was taken: declares a hole whose patience has run out.
    #[inline]
    pub fn tick(&mut self, now: Origin, in_all: &OutOfOrder, sink: &mut impl Sink) {
        if self.acknowledged <= self.offset {
            self.waited = 0;
            return;
        }
        let disorder = self.disorder.get_or_insert_with(|| Disorder::new(in_all));
        if self.waited == 0 {
            disorder.hole_acknowledged = now;
        }
        self.waited = self.waited.saturating_add(1);
        if u32::from(self.waited) > limits::GAP_PATIENCE && !(self.lacks_fin() && self.sent <= self.offset) {
            // Behind what was acknowledged nothing was received yet: it may still be sent again.
            let to = self.first_early().map_or(self.acknowledged, |early| early.min(self.acknowledged));
            self.declare(to, self.hole_since(now), GapCause::Lost, sink);
        }
    }

    /// The packet that acknowledged the bytes that are missing, else `now`.
    fn hole_since(&self, now: Origin) -> Origin {
        self.disorder.as_ref().filter(|_| self.waited > 0).map_or(now, |d| d.hole_acknowledged)
    }

    /// Delivers everything that is left, with its gaps: the flow is over.
    pub fn finish(&mut self, now: Origin, sink: &mut impl Sink) {
        while let Some(to) = self.first_early() {
            self.declare(to, self.hole_since(now), GapCause::Lost, sink);
        }
        // One number beyond everything sent is a FIN that the capture missed, not a byte.
        let seen_fin = self.fin_at != u64::MAX;
        let mut end = if seen_fin { self.acknowledged.max(self.fin_at) } else { self.acknowledged };
        if self.lacks_fin() {
            end -= 1;
        }
        self.skip(end, self.hole_since(now), GapCause::Lost, sink);
    }

    /// Gives up on the first hole up to `to`, and delivers what stands behind it.
    fn declare(&mut self, to: u64, since: Origin, why: GapCause, sink: &mut impl Sink) {
        let waited = self.waited > 0;
        self.skip(to, since, why, sink);
        self.deliver_due(sink);
        // The next hole was acknowledged with this one, or later.
        self.waited = u16::from(waited && self.has_hole());
    }

    fn deliver_due(&mut self, sink: &mut impl Sink) {
        while let Some(early) = self.disorder.as_mut().and_then(|d| d.early.take_due(self.offset)) {
            self.deliver(early.start as i64, early.length, &early.bytes, (early.origin, early.acknowledged), sink);
        }
    }

    /// Delivers what is new of a segment that begins at or before the current offset.
    #[inline]
    fn deliver(
        &mut self,
        start: i64,
        length: u64,
        bytes: &[u8],
        (origin, acknowledged): (Origin, StreamOffset),
        sink: &mut impl Sink,
    ) {
        let skip = (self.offset as i64 - start).max(0) as u64;
        if skip >= length {
            return;
        }
        let captured = bytes.get(skip as usize..).unwrap_or_default();
        let new = length - skip;
        let offset = self.offset;
        self.advance(new);
        if !captured.is_empty() {
            sink.data(StreamOffset(offset), captured, origin, acknowledged);
        }
        let missing = new - captured.len() as u64;
        if missing > 0 {
            sink.gap(StreamOffset(offset + captured.len() as u64), missing, origin, GapCause::SnapLength);
        }
    }

    fn skip(&mut self, to: u64, now: Origin, why: GapCause, sink: &mut impl Sink) {
        if to > self.offset {
            let (offset, length) = (self.offset, to - self.offset);
            self.advance(length);
            sink.gap(StreamOffset(offset), length, now, why);
        }
    }

    #[inline]
    fn advance(&mut self, length: u64) {
        self.offset += length;
        self.waited = 0;
        // Offsets and sequence numbers agree modulo 2^32.
        self.next = self.next.advanced_by(length as u32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{PacketNumber, Timestamp};
    use crate::network::Flags;

    #[derive(Default)]
    struct Kept {
        bytes: Vec<u8>,
        gaps: Vec<(u64, u64)>,
    }
    impl Sink for Kept {
        fn data(&mut self, offset: StreamOffset, bytes: &[u8], _: Origin, _: StreamOffset) {
            let lost: u64 = self.gaps.iter().map(|g| g.1).sum();
            assert_eq!(offset.0, self.bytes.len() as u64 + lost);
            self.bytes.extend_from_slice(bytes);
        }
        fn gap(&mut self, offset: StreamOffset, length: u64, _: Origin, _: GapCause) {
            self.gaps.push((offset.0, length));
        }
    }

    fn segment(seq: u32, flags: u8, payload: &[u8]) -> Segment<'_> {
        let any = "10.0.0.1:1".parse().expect("an address");
        Segment {
            origin: Origin { packet: PacketNumber::new(1), at: Timestamp(0) },
            source: any,
            destination: any,
            identification: 0,
            seq: SequenceNumber(seq),
            ack: SequenceNumber(0),
            flags: Flags::from_byte(flags),
            window: 1,
            header: &[],
            payload,
            payload_wire_length: payload.len() as u32,
        }
    }

    #[test]
    fn order_overlap_and_wrap() {
        let isn = u32::MAX - 4;
        let (mut a, mut kept) = (Assembler::default(), Kept::default());
        a.push(&segment(isn, 2, b""), StreamOffset(0), &OutOfOrder::default(), &mut kept);
        let first = isn.wrapping_add(1);
        a.push(&segment(first.wrapping_add(3), 16, b"defg"), StreamOffset(0), &OutOfOrder::default(), &mut kept);
        a.push(&segment(first.wrapping_add(5), 16, b"fghij"), StreamOffset(0), &OutOfOrder::default(), &mut kept);
        a.push(&segment(first, 16, b"abcd"), StreamOffset(0), &OutOfOrder::default(), &mut kept);
        a.push(&segment(first.wrapping_add(2), 16, b"cd"), StreamOffset(0), &OutOfOrder::default(), &mut kept);
        a.push(&segment(first.wrapping_add(10), 17, b"kl"), StreamOffset(0), &OutOfOrder::default(), &mut kept);
        assert_eq!(kept.bytes, b"abcdefghijkl");
        assert!(kept.gaps.is_empty());
        assert_eq!(a.retransmissions(), 1);
    }

    #[test]
    fn a_hole_is_declared_when_acknowledged_and_patience_is_over() {
        let (mut a, mut kept) = (Assembler::default(), Kept::default());
        a.push(&segment(0, 2, b""), StreamOffset(0), &OutOfOrder::default(), &mut kept);
        a.push(&segment(1, 16, b"ab"), StreamOffset(0), &OutOfOrder::default(), &mut kept);
        a.push(&segment(6, 16, b"fg"), StreamOffset(0), &OutOfOrder::default(), &mut kept);
        a.acknowledge(SequenceNumber(8));
        for _ in 0..limits::GAP_PATIENCE {
            a.tick(Origin::default(), &OutOfOrder::default(), &mut kept);
        }
        assert!(kept.gaps.is_empty());
        a.tick(Origin::default(), &OutOfOrder::default(), &mut kept);
        assert_eq!((kept.bytes.as_slice(), kept.gaps.as_slice()), (&b"abfg"[..], &[(2, 3)][..]));
    }

    #[test]
    fn what_is_sent_again_behind_a_hole_is_taken() {
        let (mut a, mut kept) = (Assembler::default(), Kept::default());
        let push = |a: &mut Assembler, kept: &mut Kept, seq, bytes: &[u8]| {
            a.push(&segment(seq, 16, bytes), StreamOffset(0), &OutOfOrder::default(), kept);
        };
        a.push(&segment(0, 2, b""), StreamOffset(0), &OutOfOrder::default(), &mut kept);
        push(&mut a, &mut kept, 1, b"ab");
        // The capture missed "cd", which was received; the network lost "ef", and the sender repeats it much later.
        push(&mut a, &mut kept, 7, b"gh");
        a.acknowledge(SequenceNumber(5));
        for _ in 0..limits::GAP_PATIENCE + 1 {
            a.tick(Origin::default(), &OutOfOrder::default(), &mut kept);
        }
        assert_eq!(kept.gaps, [(2, 2)]);
        push(&mut a, &mut kept, 5, b"ef");
        a.acknowledge(SequenceNumber(9));
        a.finish(Origin::default(), &mut kept);
        assert_eq!((kept.bytes.as_slice(), kept.gaps.as_slice()), (&b"abefgh"[..], &[(2, 2)][..]));
    }

    #[test]
    fn a_hole_is_dated_by_its_acknowledgement_and_a_missing_fin_is_none() {
        let at = |n| Origin { packet: PacketNumber::new(n), at: Timestamp(0) };
        #[derive(Default)]
        struct Dates(Vec<(u64, u64, Origin)>);
        impl Sink for Dates {
            fn data(&mut self, _: StreamOffset, _: &[u8], _: Origin, _: StreamOffset) {}
            fn gap(&mut self, offset: StreamOffset, length: u64, origin: Origin, _: GapCause) {
                self.0.push((offset.0, length, origin));
            }
        }
        let (mut a, mut dates, in_all) = (Assembler::default(), Dates::default(), OutOfOrder::default());
        a.push(&segment(0, 2, b""), StreamOffset(0), &in_all, &mut dates);
        a.push(&segment(1, 16, b"ab"), StreamOffset(0), &in_all, &mut dates);
        a.acknowledge(SequenceNumber(6));
        for packet in 7..200 {
            a.tick(at(packet), &in_all, &mut dates);
        }
        assert_eq!(dates.0, [(2, 3, at(7))]);
        a.acknowledge(SequenceNumber(7));
        assert!(a.lacks_fin());
        for packet in 200..400 {
            a.tick(at(packet), &in_all, &mut dates);
        }
        a.finish(at(400), &mut dates);
        assert_eq!(dates.0.len(), 1);
    }

    #[test]
    fn a_hole_nobody_acknowledged_waits_for_the_end() {
        let (mut a, mut kept) = (Assembler::default(), Kept::default());
        a.push(&segment(0, 2, b""), StreamOffset(0), &OutOfOrder::default(), &mut kept);
        a.push(&segment(4, 17, b"de"), StreamOffset(0), &OutOfOrder::default(), &mut kept);
        for _ in 0..1000 {
            a.tick(Origin::default(), &OutOfOrder::default(), &mut kept);
        }
        assert!(kept.bytes.is_empty());
        a.finish(Origin::default(), &mut kept);
        assert_eq!((kept.bytes.as_slice(), kept.gaps.as_slice()), (&b"de"[..], &[(0, 3)][..]));
    }

    #[test]
    fn a_start_guessed_from_an_acknowledgement_moves_back() {
        let (mut a, mut kept) = (Assembler::default(), Kept::default());
        a.acknowledge(SequenceNumber(103));
        a.push(&segment(100, 16, b"abc"), StreamOffset(0), &OutOfOrder::default(), &mut kept);
        a.push(&segment(103, 16, b"def"), StreamOffset(0), &OutOfOrder::default(), &mut kept);
        assert_eq!(kept.bytes, b"abcdef");
        assert_eq!(a.acknowledged(), StreamOffset(3));
    }

    #[test]
    fn an_acknowledged_fin_counts_once_it_was_seen() {
        let (mut a, mut kept) = (Assembler::default(), Kept::default());
        a.push(&segment(99, 2, b""), StreamOffset(0), &OutOfOrder::default(), &mut kept);
        a.push(&segment(100, 16, b"abc"), StreamOffset(0), &OutOfOrder::default(), &mut kept);
        assert_eq!(a.position(SequenceNumber(104)), StreamOffset(3), "it may be a byte that was not seen");
        a.push(&segment(103, 17, b""), StreamOffset(0), &OutOfOrder::default(), &mut kept);
        assert_eq!(a.position(SequenceNumber(103)), StreamOffset(3));
        assert_eq!(a.position(SequenceNumber(104)), StreamOffset(4));
    }
}
