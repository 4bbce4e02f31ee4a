//! The messages of one direction that are kept: the last ones, the largest one, the defective ones.

use crate::connection::{DataType, Head32, Message, OlderSizes, Sent};
use crate::ids::{Origin, StreamOffset};
use crate::limits;

/// A whole uncompressed message that came in one frame and one segment, as most do: one cache line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plain {
    /// The packet that carried all of it.
    pub(super) origin: Origin,
    /// Where its header begins in the stream.
    pub(super) start: StreamOffset,
    /// Payload bytes.
    pub(super) length: u32,
    /// Bytes of its header.
    pub(super) header: u8,
    pub(super) kind: DataType,
    pub(super) head: Head32,
}

impl Plain {
    fn into_message(self, number: u64) -> Message {
        let length = u64::from(self.length);
        Message {
            number,
            kind: self.kind,
            compressed: false,
            complete: true,
            payload_bytes: Some(length),
            wire_bytes: length,
            declared_bytes: length,
            largest_frame: length,
            fragments: 1,
            missing_bytes: 0,
            first: self.origin,
            last: self.origin,
            start: self.start,
            end: StreamOffset(self.start.0 + u64::from(self.header) + length),
            head: self.head,
            defect: None,
            split_character: None,
        }
    }
}

#[derive(Debug, Default)]
enum Slot {
    #[default]
    Empty,
    Plain(Plain),
    Full(Box<Message>),
}

impl Slot {
    fn into_message(self, number: u64) -> Option<Message> {
        match self {
            Slot::Empty => None,
            Slot::Plain(plain) => Some(plain.into_message(number)),
            Slot::Full(message) => Some(*message),
        }
    }
}

/// Bounded selections of the messages of one direction.
#[derive(Debug, Default)]
pub(super) struct Ring {
    /// Messages pushed so far; the next one goes to this place modulo the ring's size.
    pushed: u64,
    /// The sizes of all messages that left the ring.
    older: OlderSizes,
    last: [Slot; limits::RECENT_MESSAGES],
    /// The largest of those that left the ring.
    largest: Option<Box<Message>>,
    defective: Vec<Message>,
    defects: u64,
}

/// Messages below this size are not kept for being the largest: no limit is that small.
const KEPT_FROM: u64 = 1024;

impl Ring {
    /// Keeps a plain message.
    #[inline]
    pub(super) fn push_plain(&mut self, plain: Plain) {
        self.put(Slot::Plain(plain));
    }

    /// Keeps any message.
    pub(super) fn push(&mut self, message: Message) {
        if message.defect.is_some() {
            self.defects += 1;
            if self.defective.len() < limits::DEFECTIVE_MESSAGES {
                self.defective.push(message.clone());
            }
        }
        let size = self.last.len() as u64;
        let slot = &mut self.last[(self.pushed % size) as usize];
        if let Slot::Full(left) = slot
            && !(left.size() > self.older.messages[0] && left.complete && left.size() >= KEPT_FROM)
        {
            // The place of the one that leaves is taken as it is: many such messages in a row allocate nothing for it.
            self.older.add(left);
            **left = message;
            self.pushed += 1;
            return;
        }
        self.put(Slot::Full(Box::new(message)));
    }

    // Once for every message: where it stays a call depends on the size of what surrounds it.
    #[inline(always)]
    fn put(&mut self, new: Slot) {
        let size = self.last.len() as u64;
        let slot = &mut self.last[(self.pushed % size) as usize];
        match slot {
            Slot::Plain(left) => {
                let length = u64::from(left.length);
                if length > self.older.messages[0] && length >= KEPT_FROM {
                    self.largest = Some(Box::new(left.into_message(self.pushed + 1 - size)));
                }
                self.older.add_plain(length);
            }
            Slot::Empty => {}
            Slot::Full(left) => {
                let larger = left.size() > self.older.messages[0] && left.complete && left.size() >= KEPT_FROM;
                self.older.add(left);
                if let (true, Slot::Full(left)) = (larger, std::mem::take(slot)) {
                    self.largest = Some(left);
                }
            }
        }
        *slot = new;
        self.pushed += 1;
    }

    /// Hands the selections over to the record.
    pub(super) fn into_record(mut self, sent: &mut Sent) {
        let size = self.last.len() as u64;
        let first = self.pushed.saturating_sub(size);
        let recent = (first..self.pushed).filter_map(|n| {
            let slot = std::mem::take(&mut self.last[(n % size) as usize]);
            slot.into_message(n + 1)
        });
        sent.recent = recent.collect();
        sent.largest = self.largest;
        sent.older = self.older;
        sent.defective = self.defective;
        sent.defects = self.defects;
    }
}
