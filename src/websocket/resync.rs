//! Finding frames by their structure: where bytes are missing, and where a connection began before the capture.
//!
//! Each place where frames may begin is a candidate, followed through the stream by counting: its headers and what they
//! lead to are evidence (see [`super::evidence`]). The beginnings of segments are candidates as they arrive, every other
//! byte when a run of bytes has grown enough to hold several frames. Bytes are kept in a bounded window; a candidate
//! remembers the headers that have left it.

use std::collections::VecDeque;

use super::evidence::{self, Course, Expected, LOOK};
use super::frame::{Header, LONGEST_HEADER, opcode};
use crate::connection::{Gap, GapCause};
use crate::ids::{Origin, Side, StreamOffset};
use crate::limits;

/// Candidates followed at once.
const CANDIDATES: usize = 8;
/// Headers of a candidate that are remembered after they left the window.
const MARKS: usize = 4;
/// What a candidate found by trying every byte has to make up for: one of some thousand places.
const PENALTY: i32 = 12;
/// Candidates found by trying every byte are followed from this evidence on.
const WORTH_FOLLOWING: i32 = 8;
/// A run of bytes is tried at every byte when it has this length, and four times it, and so on.
const FIRST_SCAN: usize = 4096;

/// A stream in which a frame boundary is searched for.
#[derive(Debug)]
pub(super) struct Search {
    expected: Expected,
    /// Bytes that the window may hold.
    room: usize,
    window: Vec<u8>,
    pieces: VecDeque<Piece>,
    /// Where the last piece ends.
    end: u64,
    /// The bytes since the last gap: where they begin in `window` and in the stream.
    run: usize,
    run_at: u64,
    next_scan: usize,
    candidates: Vec<Candidate>,
    /// Bytes seen so far and not read.
    seen: u64,
    segments: u64,
    /// How often a reader took over.
    handed_over: u32,
}

/// A stretch of the stream.
#[derive(Debug, Clone, Copy)]
struct Piece {
    at: u64,
    length: u64,
    /// Why its bytes are missing; `None` when they stand in the window.
    missing: Option<GapCause>,
    origin: Origin,
    acknowledged: StreamOffset,
}

/// A frame header that may have left the window.
#[derive(Debug, Clone, Copy)]
struct Mark {
    at: u64,
    bytes: [u8; LONGEST_HEADER],
    size: u8,
    origin: Origin,
    acknowledged: StreamOffset,
}

/// A place where frames may begin.
#[derive(Debug)]
struct Candidate {
    start: u64,
    /// Bytes seen before it.
    seen_before: u64,
    /// Where its next header begins.
    next: u64,
    /// The frame before `next` has not ended yet.
    open: bool,
    course: Course,
    marks: Vec<Mark>,
    /// The frames are being read from here, not yet beyond doubt.
    adopted: bool,
}

/// A boundary that was found.
#[derive(Debug)]
pub(super) struct Found {
    /// Where the frames begin.
    pub(super) start: StreamOffset,
    /// Bytes before it that were there and could not be read.
    pub(super) skipped: u64,
    /// The evidence.
    pub(super) bits: i32,
    /// Frames that were followed.
    pub(super) frames: u32,
    /// The packet with the first byte.
    pub(super) origin: Origin,
    /// The stream from it on.
    pub(super) rest: Vec<Stretch>,
}

/// Bytes of the stream, or their absence.
#[derive(Debug)]
pub(super) struct Stretch {
    pub(super) at: StreamOffset,
    pub(super) bytes: Vec<u8>,
    /// Bytes that are missing behind `bytes`, and why.
    pub(super) missing: Option<(u64, GapCause)>,
    pub(super) origin: Origin,
    pub(super) acknowledged: StreamOffset,
}

impl Search {
    /// A search that keeps up to `room` bytes.
    pub(super) fn new(expected: Expected, room: usize) -> Search {
        Search {
            expected,
            room,
            window: Vec::new(),
            pieces: VecDeque::new(),
            end: 0,
            run: 0,
            run_at: 0,
            next_scan: FIRST_SCAN,
            candidates: Vec::new(),
            seen: 0,
            segments: 0,
            handed_over: 0,
        }
    }

    /// Now it is known whose direction this is: what cannot be is forgotten.
    pub(super) fn expect(&mut self, expected: Expected, room: usize) {
        self.expected = expected;
        self.room = room;
        let masked = expected.side.map(|side| side == Side::Client);
        self.candidates.retain(|c| masked.is_none() || c.course.masked().is_none() || c.course.masked() == masked);
    }

    /// Bytes seen.
    pub(super) fn seen(&self) -> u64 {
        self.seen
    }

    /// The missing bytes among those at hand.
    pub(super) fn gaps(&self) -> impl Iterator<Item = Gap> {
        let gap =
            |p: &Piece| p.missing.map(|why| Gap { start: StreamOffset(p.at), length: p.length, origin: p.origin, why });
        self.pieces.iter().filter_map(gap)
    }

    /// The packet of the first byte at hand.
    pub(super) fn first_origin(&self) -> Origin {
        self.pieces.front().map(|p| p.origin).unwrap_or_default()
    }

    /// Segments seen.
    pub(super) fn segments(&self) -> u64 {
        self.segments
    }

    /// Takes the bytes of a segment.
    pub(super) fn push(&mut self, at: StreamOffset, bytes: &[u8], origin: Origin, acknowledged: StreamOffset) {
        if bytes.is_empty() {
            return;
        }
        if self.pieces.is_empty() || at.0 != self.end {
            self.run = self.window.len();
            self.run_at = at.0;
            self.next_scan = FIRST_SCAN;
            self.candidates.retain(|c| c.next >= at.0);
        }
        if !self.candidates.iter().any(|c| c.next == at.0) {
            self.follow(Candidate::new(at.0, self.seen, Course::default()));
        }
        self.pieces.push_back(Piece { at: at.0, length: bytes.len() as u64, missing: None, origin, acknowledged });
        self.window.extend_from_slice(bytes);
        self.end = at.0 + bytes.len() as u64;
        self.seen += bytes.len() as u64;
        self.segments += 1;
        self.advance(false);
        if self.window.len() - self.run >= self.next_scan {
            self.scan();
            self.next_scan *= 4;
        }
        self.trim();
    }

    /// Judges what is at hand without waiting for more: a gap or the end follows.
    pub(super) fn settle(&mut self) {
        self.advance(true);
    }

    /// Takes note of missing bytes.
    pub(super) fn lose(&mut self, at: StreamOffset, length: u64, origin: Origin, why: GapCause) {
        let to = at.0 + length;
        self.candidates.retain(|c| c.next >= to);
        for candidate in &mut self.candidates {
            // What follows a gap mostly begins a segment.
            if candidate.open && candidate.next == to {
                candidate.course.ended(true);
                candidate.open = false;
            }
        }
        let acknowledged = StreamOffset(0);
        match self.pieces.back_mut() {
            Some(last) if last.missing == Some(why) && last.at + last.length == at.0 => last.length += length,
            _ => self.pieces.push_back(Piece { at: at.0, length, missing: Some(why), origin, acknowledged }),
        }
        self.end = to;
        self.run = self.window.len();
        self.run_at = to;
        self.next_scan = FIRST_SCAN;
        self.trim();
    }

    /// The candidate with the most evidence among those with this mask bit.
    pub(super) fn best(&self, masked: bool) -> Option<(usize, Course)> {
        let fitting = self.candidates.iter().enumerate().filter(|(_, c)| c.course.masked() == Some(masked));
        // Among equals the earliest, which gives up the least.
        let best = fitting.max_by_key(|(_, c)| (c.course.bits(), std::cmp::Reverse(c.start)));
        best.map(|(index, c)| (index, c.course))
    }

    /// The same with the end of the stream as evidence.
    pub(super) fn best_at_end(&self, masked: bool, in_order: bool) -> Option<(usize, Course)> {
        let (index, mut course) = self.best(masked)?;
        if in_order && self.candidates[index].next == self.end {
            course.ended_stream();
        }
        Some((index, course))
    }

    /// The evidence of the strongest candidate of either kind.
    pub(super) fn strongest(&self) -> i32 {
        self.candidates.iter().map(|c| c.course.bits()).max().unwrap_or(0)
    }

    /// The boundary of a candidate and the stream from it on. The search goes on watching it.
    pub(super) fn adopt(&mut self, index: usize) -> Found {
        for candidate in &mut self.candidates {
            candidate.adopted = false;
        }
        let candidate = &mut self.candidates[index];
        candidate.adopted = true;
        let skipped = candidate.seen_before;
        let (start, course) = (candidate.start, candidate.course);
        let marks = std::mem::take(&mut candidate.marks);
        let rest = self.stream_from(start, &marks);
        let origin = rest.first().map(|s| s.origin).unwrap_or_default();
        Found { start: StreamOffset(start), skipped, bits: course.bits(), frames: course.frames(), origin, rest }
    }

    /// The evidence for what is being read; `None` when it turned out not to be frames.
    pub(super) fn adopted(&self) -> Option<i32> {
        self.candidates.iter().find(|c| c.adopted).map(|c| c.course.bits())
    }

    /// A candidate inside what is being read that has much more evidence.
    pub(super) fn rival(&self) -> Option<usize> {
        let adopted = self.candidates.iter().find(|c| c.adopted)?;
        let bits = adopted.course.bits();
        let inside = |c: &Candidate| !c.adopted && c.next != adopted.next && c.start > adopted.start;
        let rivals = self.candidates.iter().enumerate().filter(|(_, c)| inside(c));
        let best = rivals.max_by_key(|(_, c)| c.course.bits())?;
        (best.1.course.bits() >= (bits + 12).max(limits::RESYNC_BITS)).then_some(best.0)
    }

    /// Forgets the bytes before the candidate being read; they were given to the reader.
    pub(super) fn hand_over(&mut self) {
        if let Some(candidate) = self.candidates.iter_mut().find(|c| c.adopted) {
            candidate.start = candidate.start.max(self.end);
        }
        self.seen = 0;
        self.handed_over = self.handed_over.wrapping_add(1);
        for candidate in &mut self.candidates {
            candidate.seen_before = 0;
        }
    }

    /// Changes whenever bytes were given to a reader or given up.
    pub(super) fn handed_over(&self) -> u32 {
        self.handed_over
    }

    fn follow(&mut self, candidate: Candidate) {
        if self.candidates.len() >= CANDIDATES {
            let weakest = (0..self.candidates.len())
                .filter(|i| !self.candidates[*i].adopted)
                .min_by_key(|i| self.candidates[*i].course.bits());
            if let Some(weakest) = weakest {
                self.candidates.remove(weakest);
            }
        }
        self.candidates.push(candidate);
    }

    fn advance(&mut self, over: bool) {
        let mut candidates = std::mem::take(&mut self.candidates);
        candidates.retain_mut(|c| self.advance_one(c, over));
        self.candidates = candidates;
    }

    /// Follows a candidate as far as the bytes go; false when it is none.
    fn advance_one(&self, candidate: &mut Candidate, over: bool) -> bool {
        loop {
            if candidate.open && candidate.next <= self.end {
                candidate.course.ended(candidate.next == self.end);
                candidate.open = false;
            }
            if candidate.next >= self.end {
                return true;
            }
            let Some(from) = candidate.next.checked_sub(self.run_at) else { return false };
            let view = &self.window[self.run + from as usize..];
            let Some((header, size)) = Header::parse(view) else { return !over };
            if !evidence::is_possible(&header, self.expected) {
                return false;
            }
            let wanted = header.length.min(LOOK as u64) as usize;
            let at_hand = (view.len() - size).min(wanted);
            if at_hand < wanted && !over {
                return true;
            }
            if !candidate.course.header(&header, self.expected) {
                return false;
            }
            candidate.course.payload(&header, &view[size..size + at_hand]);
            if candidate.course.bits() < -PENALTY - 8 {
                return false;
            }
            self.mark(candidate, view, size);
            candidate.next = match (candidate.next + size as u64).checked_add(header.length) {
                Some(next) => next,
                None => return false,
            };
            candidate.open = true;
        }
    }

    fn mark(&self, candidate: &mut Candidate, view: &[u8], size: usize) {
        let mut bytes = [0; LONGEST_HEADER];
        bytes[..size].copy_from_slice(&view[..size]);
        if candidate.marks.len() == MARKS {
            candidate.marks.remove(0);
        }
        let at = candidate.next;
        let piece = self.pieces.iter().rev().find(|p| p.at <= at);
        let (origin, acknowledged) = piece.map_or_else(Default::default, |p| (p.origin, p.acknowledged));
        candidate.marks.push(Mark { at, bytes, size: size as u8, origin, acknowledged });
    }

    /// Tries every byte since the last gap as a beginning.
    fn scan(&mut self) {
        let view = &self.window[self.run..];
        // Frames that are the same from some header on are followed once.
        let mut met = vec![0u64; view.len() / 64 + 1];
        let mut best: Vec<(i32, usize)> = Vec::new();
        for at in 0..view.len() {
            if !matches!(view[at], 0x81 | 0x82 | 0xc1 | 0xc2) || met[at / 64] >> (at % 64) & 1 != 0 {
                continue;
            }
            let Some(bits) = walk(view, at, self.expected, &mut met) else { continue };
            if bits - PENALTY >= WORTH_FOLLOWING {
                best.push((bits, at));
                if best.len() > 64 {
                    keep_best(&mut best);
                }
            }
        }
        keep_best(&mut best);
        for (_, at) in best {
            let start = self.run_at + at as u64;
            if self.candidates.iter().any(|c| c.start == start || c.marks.iter().any(|m| m.at == start)) {
                continue;
            }
            let before = self.seen.saturating_sub(self.end - start);
            let mut candidate = Candidate::new(start, before, Course::with_penalty(PENALTY));
            if self.advance_one(&mut candidate, false) {
                self.follow(candidate);
            }
        }
    }

    /// Gives up the oldest bytes when the window is full twice.
    fn trim(&mut self) {
        let too_many = self.pieces.len() > 2 * limits::SEARCH_PIECES;
        if self.window.len() <= 2 * self.room && !too_many {
            return;
        }
        let mut excess = self.window.len().saturating_sub(self.room);
        let mut cut = 0;
        while excess > 0 || self.pieces.len() > limits::SEARCH_PIECES {
            let Some(first) = self.pieces.front_mut() else { break };
            if first.missing.is_some() {
                self.pieces.pop_front();
                continue;
            }
            let take = first.length.min(if too_many { first.length } else { excess as u64 });
            first.at += take;
            first.length -= take;
            cut += take as usize;
            excess = excess.saturating_sub(take as usize);
            if first.length == 0 {
                self.pieces.pop_front();
            }
        }
        self.window.drain(..cut);
        if self.window.capacity() > 4 * self.room {
            self.window.shrink_to(2 * self.room);
        }
        let lost = cut.saturating_sub(self.run);
        self.run = self.run.saturating_sub(cut);
        self.run_at += lost as u64;
    }

    /// The stream from `start` on: of what left the window only the headers that are remembered.
    fn stream_from(&self, start: u64, marks: &[Mark]) -> Vec<Stretch> {
        let mut rest = Vec::new();
        let window_from = self.pieces.front().map_or(self.end, |p| p.at);
        let mut at = start;
        if start < window_from {
            let left: Vec<&Mark> = marks.iter().filter(|m| m.at < window_from).collect();
            for (nth, mark) in left.iter().enumerate() {
                let behind = mark.at + u64::from(mark.size);
                let to = left.get(nth + 1).map_or(window_from.max(behind), |next| next.at);
                rest.push(Stretch {
                    at: StreamOffset(mark.at),
                    bytes: mark.bytes[..usize::from(mark.size)].to_vec(),
                    missing: (to > behind).then_some((to - behind, GapCause::NotKept)),
                    origin: mark.origin,
                    acknowledged: mark.acknowledged,
                });
                at = to;
            }
            at = at.max(window_from);
        }
        let mut index = 0;
        for piece in &self.pieces {
            let kept = if piece.missing.is_none() { piece.length as usize } else { 0 };
            let skip = at.saturating_sub(piece.at).min(piece.length);
            if skip < piece.length {
                let (bytes, missing) = match piece.missing {
                    None => (self.window[index + skip as usize..index + kept].to_vec(), None),
                    Some(why) => (Vec::new(), Some((piece.length - skip, why))),
                };
                let (origin, acknowledged) = (piece.origin, piece.acknowledged);
                rest.push(Stretch { at: StreamOffset(piece.at + skip), bytes, missing, origin, acknowledged });
            }
            index += kept;
        }
        rest
    }

    /// A Close near the end of the bytes at hand, where no boundary could be found: where it begins, with its evidence.
    ///
    /// It ends the stream, or something follows that is no frame; then its reason has to be evidence enough.
    pub(super) fn find_close(&mut self, in_order: bool) -> Option<Found> {
        let view = &self.window[self.run..];
        let from = view.len().saturating_sub(limits::CLOSE_SEARCH);
        let mut best: Option<(i32, usize)> = None;
        for at in from..view.len() {
            if view[at] != 0x88 {
                continue;
            }
            let Some((header, size)) = Header::parse(&view[at..]) else { continue };
            let mut course = Course::default();
            if header.opcode != opcode::CLOSE || !course.header(&header, self.expected) {
                continue;
            }
            let (begin, end) = (at + size, at + size + header.length as usize);
            if end > view.len() {
                continue;
            }
            course.payload(&header, &view[begin..end]);
            let begins_segment = self.pieces.iter().rev().any(|p| p.at == self.run_at + at as u64);
            // At the end of the stream the length is given by the place; elsewhere each place is another try.
            let mut bits = course.bits() + if end == view.len() { 7 } else { 0 };
            bits -= if begins_segment || header.length == 0 { 0 } else { 7 };
            bits += if in_order && end == view.len() { 4 } else { 0 };
            if bits >= limits::CLOSE_SEARCH_BITS && best.is_none_or(|(b, _)| bits > b) {
                best = Some((bits, at));
            }
        }
        let (bits, at) = best?;
        let start = self.run_at + at as u64;
        let skipped = self.seen.saturating_sub(self.end - start);
        let rest = self.stream_from(start, &[]);
        let origin = rest.first().map(|s| s.origin).unwrap_or_default();
        Some(Found { start: StreamOffset(start), skipped, bits, frames: 1, origin, rest })
    }
}

impl Candidate {
    fn new(start: u64, seen_before: u64, course: Course) -> Candidate {
        Candidate { start, seen_before, next: start, open: false, course, marks: Vec::new(), adopted: false }
    }
}

fn keep_best(best: &mut Vec<(i32, usize)>) {
    best.sort_by_key(|(bits, at)| (std::cmp::Reverse(*bits), *at));
    best.truncate(CANDIDATES / 2);
}

/// Follows frames from `at` to the end of `view`; `None` when they turn out to be none.
fn walk(view: &[u8], at: usize, expected: Expected, met: &mut [u64]) -> Option<i32> {
    let mut course = Course::default();
    let mut here = at;
    while here < view.len() {
        let Some((header, size)) = Header::parse(&view[here..]) else { break };
        if !course.header(&header, expected) {
            return None;
        }
        let seen_before = met[here / 64] >> (here % 64) & 1 != 0;
        met[here / 64] |= 1 << (here % 64);
        if seen_before {
            // The frames from here on were followed from an earlier beginning, with more evidence or to no end.
            return None;
        }
        let left = view.len() - here - size;
        let length = usize::try_from(header.length).unwrap_or(usize::MAX);
        course.payload(&header, &view[here + size..here + size + length.min(left).min(LOOK)]);
        if length > left {
            break;
        }
        here += size + length;
        course.ended(here == view.len());
    }
    Some(course.bits())
}
