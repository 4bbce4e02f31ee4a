//! Finding frames by their structure: where bytes are missing, and where a connection began before the capture.
//!
//! Each place where frames may begin is a candidate, followed through the stream by counting: its headers and what they
//! lead to are evidence (see [`super::evidence`]). The beginnings of segments are candidates as they arrive, every other
//! byte when a run of bytes has grown enough to hold several frames. Bytes are kept in a bounded window; a candidate
//! remembers the headers that have left it.

mod window;

use super::evidence::{self, Course, Expected, LOOK};
use super::frame::{Header, opcode};
use crate::connection::{Gap, GapCause};
use crate::ids::{Origin, Side, StreamOffset};
use crate::limits;
use window::{Mark, Window};

/// Candidates followed at once.
const CANDIDATES: usize = 8;
/// Headers of a candidate that are remembered after they left the window.
const MARKS: usize = 4;
/// What a candidate found by trying every byte has to make up for: one of some thousand places.
const PENALTY: i32 = 12;
/// Candidates found by trying every byte are followed from this evidence on.
const WORTH_FOLLOWING: i32 = 8;
/// A run of bytes is tried at every byte when it has this length, four times it, and so on, and then once for each window.
const FIRST_SCAN: u64 = 4096;

/// A stream in which a frame boundary is searched for.
#[derive(Debug)]
pub(super) struct Search {
    expected: Expected,
    window: Window,
    /// Bytes since the last gap, and how many there are when every byte is tried again.
    in_run: u64,
    next_scan: u64,
    candidates: Vec<Candidate>,
    /// Bytes seen so far and not read.
    seen: u64,
    segments: u64,
    /// How often a reader took over.
    handed_over: u32,
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
            window: Window::new(room),
            in_run: 0,
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
        self.window.room = room;
        let masked = expected.side.map(|side| side == Side::Client);
        self.candidates.retain(|c| masked.is_none() || c.course.masked().is_none() || c.course.masked() == masked);
    }

    /// Bytes seen.
    pub(super) fn seen(&self) -> u64 {
        self.seen
    }

    /// The missing bytes among those at hand.
    pub(super) fn gaps(&self) -> impl Iterator<Item = Gap> {
        self.window.gaps()
    }

    /// The packet of the first byte at hand.
    pub(super) fn first_origin(&self) -> Origin {
        self.window.first_origin()
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
        if !self.window.continues(at.0) {
            self.begin_run();
            self.candidates.retain(|c| c.next >= at.0);
        }
        if !self.candidates.iter().any(|c| c.next == at.0) {
            self.follow(Candidate::new(at.0, self.seen, Course::default()));
        }
        self.window.push(at.0, bytes, origin, acknowledged);
        self.seen += bytes.len() as u64;
        self.segments += 1;
        self.advance(false);
        self.in_run += bytes.len() as u64;
        if self.in_run >= self.next_scan {
            self.scan();
            self.next_scan = (self.next_scan * 4).min(self.in_run + self.window.room as u64);
        }
        self.window.trim();
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
        self.window.lose(at.0, length, origin, why);
        self.begin_run();
        self.window.trim();
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
        if in_order && self.candidates[index].next == self.window.end {
            course.ended_stream();
        }
        Some((index, course))
    }

    /// Whether a candidate begins with the first byte seen.
    pub(super) fn begins_with(&self, index: usize) -> bool {
        self.candidates[index].seen_before == 0
    }

    /// Whether the frames of a candidate end with the last byte seen.
    pub(super) fn ends_with(&self, index: usize) -> bool {
        self.candidates[index].next == self.window.end
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
        let rest = self.window.stream_from(start, &marks);
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
        let inside = |c: &Candidate| !c.adopted && c.next != adopted.next && c.start >= adopted.start;
        let rivals = self.candidates.iter().enumerate().filter(|(_, c)| inside(c));
        let best = rivals.max_by_key(|(_, c)| c.course.bits())?;
        (best.1.course.bits() >= (bits + 12).max(limits::RESYNC_BITS)).then_some(best.0)
    }

    /// Forgets the bytes before the candidate being read; they were given to the reader.
    pub(super) fn hand_over(&mut self) {
        if let Some(candidate) = self.candidates.iter_mut().find(|c| c.adopted) {
            candidate.start = candidate.start.max(self.window.end);
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

    fn begin_run(&mut self) {
        self.in_run = 0;
        self.next_scan = FIRST_SCAN;
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
            if candidate.open && candidate.next <= self.window.end {
                candidate.course.ended(candidate.next == self.window.end);
                candidate.open = false;
            }
            if candidate.next >= self.window.end {
                return true;
            }
            let Some(view) = self.window.from(candidate.next) else { return false };
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
            if candidate.marks.len() == MARKS {
                candidate.marks.remove(0);
            }
            candidate.marks.push(self.window.mark(candidate.next, size));
            candidate.next = match (candidate.next + size as u64).checked_add(header.length) {
                Some(next) => next,
                None => return false,
            };
            candidate.open = true;
        }
    }

    /// Tries every byte since the last gap as a beginning.
    fn scan(&mut self) {
        let view = self.window.run();
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
            let start = self.window.run_at() + at as u64;
            if self.candidates.iter().any(|c| c.start == start || c.marks.iter().any(|m| m.at == start)) {
                continue;
            }
            let before = self.seen.saturating_sub(self.window.end - start);
            let mut candidate = Candidate::new(start, before, Course::with_penalty(PENALTY));
            if self.advance_one(&mut candidate, false) {
                self.follow(candidate);
            }
        }
    }

    /// A Close near the end of the bytes at hand, where no boundary could be found: where it begins, with its evidence.
    ///
    /// It ends the stream, or something follows that is no frame; then its reason has to be evidence enough.
    pub(super) fn find_close(&mut self, in_order: bool) -> Option<Found> {
        let view = self.window.run();
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
            let begins_segment = self.window.is_boundary(self.window.run_at() + at as u64);
            // At the end of the stream the length is given by the place; elsewhere each place is another try.
            let mut bits = course.bits() + if end == view.len() { 7 } else { 0 };
            bits -= if begins_segment || header.length == 0 { 0 } else { 7 };
            bits += if in_order && end == view.len() { 4 } else { 0 };
            if bits >= limits::CLOSE_SEARCH_BITS && best.is_none_or(|(b, _)| bits > b) {
                best = Some((bits, at));
            }
        }
        let (bits, at) = best?;
        let start = self.window.run_at() + at as u64;
        let skipped = self.seen.saturating_sub(self.window.end - start);
        let rest = self.window.stream_from(start, &[]);
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

#[cfg(test)]
mod tests;
