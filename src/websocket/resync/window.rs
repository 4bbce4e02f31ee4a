//! The last bytes of a stream, with where they came from, in a bounded window.

use std::collections::VecDeque;

use super::super::frame::LONGEST_HEADER;
use super::Stretch;
use crate::connection::{Gap, GapCause};
use crate::ids::{Origin, StreamOffset};
use crate::limits;

/// The end of a stream: bytes and gaps.
#[derive(Debug)]
pub(super) struct Window {
    /// Bytes that it may hold.
    pub(super) room: usize,
    bytes: Vec<u8>,
    pieces: VecDeque<Piece>,
    /// Where the last piece ends.
    pub(super) end: u64,
    /// The bytes since the last gap: where they begin in `bytes` and in the stream.
    run: usize,
    run_at: u64,
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
pub(super) struct Mark {
    pub(super) at: u64,
    bytes: [u8; LONGEST_HEADER],
    size: u8,
    origin: Origin,
    acknowledged: StreamOffset,
}

impl Window {
    pub(super) fn new(room: usize) -> Window {
        Window { room, bytes: Vec::new(), pieces: VecDeque::new(), end: 0, run: 0, run_at: 0 }
    }

    /// Whether bytes at `at` follow those at hand; if not, a new run begins.
    pub(super) fn continues(&mut self, at: u64) -> bool {
        if !self.pieces.is_empty() && at == self.end {
            return true;
        }
        self.run = self.bytes.len();
        self.run_at = at;
        false
    }

    pub(super) fn push(&mut self, at: u64, bytes: &[u8], origin: Origin, acknowledged: StreamOffset) {
        self.pieces.push_back(Piece { at, length: bytes.len() as u64, missing: None, origin, acknowledged });
        self.bytes.extend_from_slice(bytes);
        self.end = at + bytes.len() as u64;
    }

    pub(super) fn lose(&mut self, at: u64, length: u64, origin: Origin, why: GapCause) {
        let acknowledged = StreamOffset(0);
        match self.pieces.back_mut() {
            Some(last) if last.missing == Some(why) && last.at + last.length == at => last.length += length,
            _ => self.pieces.push_back(Piece { at, length, missing: Some(why), origin, acknowledged }),
        }
        self.end = at + length;
        self.run = self.bytes.len();
        self.run_at = self.end;
    }

    /// The bytes since the last gap.
    pub(super) fn run(&self) -> &[u8] {
        &self.bytes[self.run..]
    }

    /// Where they begin in the stream.
    pub(super) fn run_at(&self) -> u64 {
        self.run_at
    }

    /// The bytes from `at` on, where they lie in that run.
    pub(super) fn from(&self, at: u64) -> Option<&[u8]> {
        let from = usize::try_from(at.checked_sub(self.run_at)?).ok()?;
        self.run().get(from..)
    }

    /// Whether a segment begins at `at`.
    pub(super) fn is_boundary(&self, at: u64) -> bool {
        self.pieces.binary_search_by_key(&at, |p| p.at).is_ok()
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

    /// Remembers the header of `size` bytes at `at`.
    pub(super) fn mark(&self, at: u64, size: usize) -> Mark {
        let mut bytes = [0; LONGEST_HEADER];
        if let Some(header) = self.from(at).and_then(|b| b.get(..size)) {
            bytes[..size].copy_from_slice(header);
        }
        let piece = self.pieces.iter().rfind(|p| p.at <= at);
        let (origin, acknowledged) = piece.map_or_else(Default::default, |p| (p.origin, p.acknowledged));
        Mark { at, bytes, size: size as u8, origin, acknowledged }
    }

    /// Gives up the oldest bytes when the window is full twice, so that each byte is moved but once or so.
    pub(super) fn trim(&mut self) {
        let too_many = self.pieces.len() > 2 * limits::SEARCH_PIECES;
        if self.bytes.len() <= 2 * self.room && !too_many {
            return;
        }
        let mut excess = self.bytes.len().saturating_sub(self.room);
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
        self.bytes.drain(..cut);
        if self.bytes.capacity() > 4 * self.room {
            self.bytes.shrink_to(2 * self.room);
        }
        self.run_at += cut.saturating_sub(self.run) as u64;
        self.run = self.run.saturating_sub(cut);
    }

    /// The stream from `start` on: of what left the window only the headers that are remembered.
    pub(super) fn stream_from(&self, start: u64, marks: &[Mark]) -> Vec<Stretch> {
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
                    None => (self.bytes[index + skip as usize..index + kept].to_vec(), None),
                    Some(why) => (Vec::new(), Some((piece.length - skip, why))),
                };
                let (origin, acknowledged) = (piece.origin, piece.acknowledged);
                rest.push(Stretch { at: StreamOffset(piece.at + skip), bytes, missing, origin, acknowledged });
            }
            index += kept;
        }
        rest
    }
}
