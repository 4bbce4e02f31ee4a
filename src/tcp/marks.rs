//! How much of what a stream carries was acknowledged.

use std::collections::VecDeque;

use crate::ids::StreamOffset;
use crate::limits;

/// Relates offsets of a stream to those of what is carried in it, in records or frames, for acknowledgements to come.
#[derive(Debug, Default)]
pub struct Marks {
    waiting: VecDeque<(u64, u64)>,
    acknowledged: u64,
}

impl Marks {
    /// So much content is complete when the stream has come to `to`.
    pub fn add(&mut self, to: u64, content: u64) {
        if self.waiting.len() == limits::MARKS {
            self.waiting.pop_front();
        }
        self.waiting.push_back((to, content));
    }

    /// The content that is complete at this offset of the stream. Acknowledgements do not go back.
    pub fn content_to(&mut self, acknowledged: StreamOffset) -> StreamOffset {
        while let Some((to, content)) = self.waiting.front()
            && *to <= acknowledged.0
        {
            self.acknowledged = *content;
            self.waiting.pop_front();
        }
        StreamOffset(self.acknowledged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_counts_when_its_record_is_acknowledged() {
        let mut marks = Marks::default();
        marks.add(105, 83);
        marks.add(205, 161);
        assert_eq!(marks.content_to(StreamOffset(104)), StreamOffset(0));
        assert_eq!(marks.content_to(StreamOffset(105)), StreamOffset(83));
        assert_eq!(marks.content_to(StreamOffset(0)), StreamOffset(83));
        assert_eq!(marks.content_to(StreamOffset(1000)), StreamOffset(161));
    }
}
