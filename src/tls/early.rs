//! Early data (RFC 8446 section 4.2.10): what a client sends before the server has said whether it will read it. Until then
//! it is kept; where the server refuses it, nobody but the client ever took it for sent, and it comes again.

use zeroize::Zeroizing;

use super::session::Arrival;
use crate::limits;

/// What the server made of the early data.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    #[default]
    Unknown,
    Accepted,
    Refused,
}

/// The content of one record of early data.
pub(super) struct Held {
    pub(super) content: Zeroizing<Vec<u8>>,
    pub(super) arrival: Arrival,
    /// Stream offset of the end of its record.
    pub(super) end: u64,
}

/// The early data of a connection.
#[derive(Default)]
pub(super) struct EarlyData {
    answer: Answer,
    held: Vec<Held>,
    bytes: usize,
    /// Bytes beyond those that are kept.
    beyond: u64,
}

impl EarlyData {
    pub(super) fn answer(&self) -> Answer {
        self.answer
    }

    /// The first answer counts: what follows repeats it in other words.
    pub(super) fn answered(&mut self, answer: Answer) {
        if self.answer == Answer::Unknown {
            self.answer = answer;
        }
    }

    /// Keeps a record's content until the server has answered.
    pub(super) fn hold(&mut self, content: &[u8], arrival: Arrival, end: u64) {
        if self.beyond > 0 || self.bytes + content.len() > limits::HELD_BEFORE_ANSWER {
            self.beyond += content.len() as u64;
            return;
        }
        self.bytes += content.len();
        self.held.push(Held { content: Zeroizing::new(content.to_vec()), arrival, end });
    }

    /// What was kept, and how many bytes more there were, once the server has accepted it.
    pub(super) fn release(&mut self) -> Option<(Vec<Held>, u64)> {
        match self.answer {
            Answer::Unknown => None,
            Answer::Accepted if self.held.is_empty() && self.beyond == 0 => None,
            Answer::Accepted => Some((std::mem::take(&mut self.held), std::mem::take(&mut self.beyond))),
            Answer::Refused => {
                self.held.clear();
                None
            }
        }
    }
}
