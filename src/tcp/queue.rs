//! Segments that arrived before the bytes in front of them.

use std::cell::Cell;
use std::rc::Rc;

use crate::ids::{Origin, StreamOffset};
use crate::limits;

/// How many bytes all flows together keep out of order.
#[derive(Debug, Clone, Default)]
pub struct OutOfOrder(Rc<Cell<usize>>);

impl OutOfOrder {
    fn is_full(&self) -> bool {
        self.0.get() >= limits::OUT_OF_ORDER_IN_ALL
    }

    fn add(&self, bytes: usize) {
        self.0.set(self.0.get().saturating_add(bytes));
    }

    fn remove(&self, bytes: usize) {
        self.0.set(self.0.get().saturating_sub(bytes));
    }
}

/// What keeping a segment costs beside its bytes: its record and what the allocator needs.
const BESIDE: usize = 112;

/// A segment kept until the bytes before it are there.
#[derive(Debug)]
pub(super) struct Early {
    pub(super) start: u64,
    /// Length on the wire; more than `bytes` holds when the snap length cut it.
    pub(super) length: u64,
    pub(super) bytes: Vec<u8>,
    pub(super) origin: Origin,
    /// What the segment itself acknowledged of the other direction.
    pub(super) acknowledged: StreamOffset,
}

impl Early {
    fn end(&self) -> u64 {
        self.start.saturating_add(self.length)
    }
}

/// Out-of-order segments of one direction, by offset. Bounded in bytes and in number, and in bytes over all flows.
#[derive(Debug)]
pub(super) struct Queue {
    segments: std::collections::VecDeque<Early>,
    bytes: usize,
    in_all: OutOfOrder,
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.in_all.remove(self.bytes + self.segments.len() * BESIDE);
    }
}

impl Queue {
    pub(super) fn new(in_all: &OutOfOrder) -> Queue {
        Queue { segments: std::collections::VecDeque::new(), bytes: 0, in_all: in_all.clone() }
    }

    /// Forgets all segments.
    pub(super) fn clear(&mut self) {
        self.in_all.remove(self.bytes + self.segments.len() * BESIDE);
        self.segments.clear();
        self.bytes = 0;
    }

    /// Where the first segment begins.
    pub(super) fn first_start(&self) -> Option<u64> {
        self.segments.front().map(|s| s.start)
    }

    /// Whether no more may be added.
    pub(super) fn is_full(&self) -> bool {
        self.bytes >= limits::OUT_OF_ORDER_BYTES
            || self.segments.len() >= limits::OUT_OF_ORDER_SEGMENTS
            || self.in_all.is_full()
    }

    /// Keeps a segment. Returns false when all of it is there already.
    pub(super) fn insert(&mut self, early: Early) -> bool {
        let (start, end) = (early.start, early.end());
        let at = self.segments.partition_point(|s| s.start <= start);
        let covered = self.segments.iter().take(at).rev().take(2).any(|s| s.start <= start && s.end() >= end);
        if covered {
            return false;
        }
        self.bytes += early.bytes.len();
        self.in_all.add(early.bytes.len() + BESIDE);
        self.segments.insert(at, early);
        true
    }

    /// Takes the first segment when it begins at or before `offset`.
    pub(super) fn take_due(&mut self, offset: u64) -> Option<Early> {
        if self.segments.front()?.start > offset {
            return None;
        }
        let segment = self.segments.pop_front()?;
        self.bytes -= segment.bytes.len();
        self.in_all.remove(segment.bytes.len() + BESIDE);
        Some(segment)
    }
}
