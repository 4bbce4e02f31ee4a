//! The messages of one direction that are kept: the last ones, the largest one, the defective ones.

use crate::connection::{Message, OlderSizes, Sent};
use crate::limits;

/// Bounded selections of the messages of one direction.
#[derive(Debug, Default)]
pub(super) struct Ring {
    last: Vec<Message>,
    /// Where the oldest of `last` stands once it is full.
    oldest: usize,
    /// The largest of those that left `last`, and the sizes of all of them.
    largest: Option<Box<Message>>,
    older: OlderSizes,
    defective: Vec<Message>,
    defects: u64,
}

/// Messages below this size are not kept for being the largest: no limit is that small.
const KEPT_FROM: u64 = 1024;

impl Ring {
    #[inline]
    pub(super) fn push(&mut self, message: Message) {
        if message.defect.is_some() {
            self.keep_defective(&message);
        }
        if self.last.len() < limits::RECENT_MESSAGES {
            if self.last.is_empty() {
                self.last.reserve_exact(limits::RECENT_MESSAGES);
            }
            self.last.push(message);
        } else if let Some(slot) = self.last.get_mut(self.oldest) {
            self.oldest = (self.oldest + 1) % limits::RECENT_MESSAGES;
            let size = slot.size();
            if size > self.older.messages[0] && slot.complete && size >= KEPT_FROM {
                self.largest = Some(Box::new(slot.clone()));
            }
            self.older.add(slot);
            *slot = message;
        }
    }

    #[cold]
    fn keep_defective(&mut self, message: &Message) {
        self.defects += 1;
        if self.defective.len() < limits::DEFECTIVE_MESSAGES {
            self.defective.push(message.clone());
        }
    }

    /// Hands the selections over to the record.
    pub(super) fn into_record(mut self, sent: &mut Sent) {
        self.last.rotate_left(self.oldest);
        sent.recent = self.last;
        sent.largest = self.largest;
        sent.older = self.older;
        sent.defective = self.defective;
        sent.defects = self.defects;
    }
}
