//! How much inflating may cost: a few kilobytes can stand for gigabytes, and a stream can ask for a new window every two
//! bytes. Captures are read in proportion to their size all the same.

use std::cell::Cell;
use std::rc::Rc;

use crate::limits;

/// The work that all inflaters of a run have done, in bytes of output.
#[derive(Debug, Default)]
pub(super) struct Effort {
    spent: u64,
    earned: u64,
    /// Inflaters alive.
    alive: Rc<Cell<usize>>,
}

/// The place of an inflater among those of all connections, given back when it is dropped.
#[derive(Debug, Default)]
pub(super) struct Place(Rc<Cell<usize>>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}

impl Effort {
    /// A place for one more inflater, where there is one: each holds a window of 32 KiB.
    pub(super) fn open(&self) -> Option<Place> {
        if self.alive.get() >= limits::INFLATERS {
            return None;
        }
        self.alive.set(self.alive.get() + 1);
        Some(Place(self.alive.clone()))
    }

    /// Compressed bytes that are to be inflated: each allows for some output.
    #[inline]
    pub(super) fn earn(&mut self, wire: usize) {
        self.earned = self.earned.saturating_add((wire as u64).saturating_mul(limits::INFLATE_RATIO));
    }

    /// Takes note of work.
    #[inline]
    pub(super) fn spend(&mut self, output: u64) {
        self.spent = self.spent.saturating_add(output);
    }

    /// Whether more was inflated than the compressed bytes of the capture account for.
    #[inline]
    pub(super) fn is_exhausted(&self) -> bool {
        self.spent > self.earned.saturating_add(limits::INFLATE_FREE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_given_back() {
        let effort = Effort::default();
        let all: Vec<_> = (0..limits::INFLATERS).map(|_| effort.open().expect("a place")).collect();
        assert!(effort.open().is_none());
        drop(all);
        assert!(effort.open().is_some());
    }

    #[test]
    fn a_bomb_exhausts_it_and_ordinary_traffic_does_not() {
        let mut effort = Effort::default();
        for _ in 0..1_000_000 {
            effort.earn(10_000);
            effort.spend(1_000_000);
            assert!(!effort.is_exhausted());
        }
        let mut effort = Effort::default();
        let mut messages = 0;
        while !effort.is_exhausted() {
            effort.earn(16_000);
            effort.spend(16_000_000);
            messages += 1;
        }
        assert!((60..200).contains(&messages), "{messages}");
    }
}
