//! The messages of one direction that are kept: the last ones, the largest ones, the defective ones.

use crate::connection::Message;
use crate::limits;

/// Bounded selections of the messages of one direction.
#[derive(Debug, Default)]
pub(super) struct Ring {
    last: Vec<Message>,
    /// Where the oldest of `last` stands once it is full.
    oldest: usize,
    largest: Vec<Message>,
    defective: Vec<Message>,
    defects: u64,
}

impl Ring {
    #[inline]
    pub(super) fn push(&mut self, message: Message) {
        if message.complete {
            let size = message.payload_bytes.unwrap_or(message.wire_bytes);
            let full = self.largest.len() == limits::LARGEST_MESSAGES;
            let smallest = self.largest.last().map_or(0, |m| m.payload_bytes.unwrap_or(m.wire_bytes));
            if !full || size > smallest {
                self.insert_largest(size, &message);
            }
        }
        if message.defect.is_some() {
            self.defects += 1;
            if self.defective.len() < limits::DEFECTIVE_MESSAGES {
                self.defective.push(message.clone());
            }
        }
        if self.last.len() < limits::RECENT_MESSAGES {
            if self.last.is_empty() {
                self.last.reserve_exact(limits::RECENT_MESSAGES);
            }
            self.last.push(message);
        } else if let Some(slot) = self.last.get_mut(self.oldest) {
            *slot = message;
            self.oldest = (self.oldest + 1) % limits::RECENT_MESSAGES;
        }
    }

    #[cold]
    fn insert_largest(&mut self, size: u64, message: &Message) {
        if self.largest.is_empty() {
            self.largest.reserve_exact(limits::LARGEST_MESSAGES + 1);
        }
        let at = self.largest.partition_point(|m| m.payload_bytes.unwrap_or(m.wire_bytes) >= size);
        self.largest.insert(at, message.clone());
        self.largest.truncate(limits::LARGEST_MESSAGES);
    }

    /// The selections: last (oldest first), largest, defective, and the number of defective ones in all.
    pub(super) fn into_parts(mut self) -> (Vec<Message>, Vec<Message>, Vec<Message>, u64) {
        self.last.rotate_left(self.oldest);
        (self.last, self.largest, self.defective, self.defects)
    }
}
