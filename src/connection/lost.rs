//! What the capture lacks of what a side sent: nothing, mostly, so it takes no room unless there is something.

use std::ops::{Deref, DerefMut};

use serde::{Deserialize, Serialize};

use super::{Advance, Gap, Resync};
use crate::ids::Origin;

/// What is missing or could not be read.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Losses {
    /// Bytes that the capture lacks, at most [`crate::limits::GAPS`] places.
    pub gaps: Vec<Gap>,
    /// Bytes that the capture lacks in further places.
    pub unlisted_gap_bytes: u64,
    /// Compressed messages that were not inflated to their end, because what the capture inflates to is out of all proportion.
    pub not_inflated: u64,
    /// Bytes that were there but could not be read as frames (after lost frame headers).
    pub unreadable_bytes: u64,
    /// Payload bytes of continuation frames of messages whose beginning was not seen.
    pub orphan_bytes: u64,
    /// Of a side that sent no packet in the capture: what the other side acknowledged of it, at most
    /// [`crate::limits::ADVANCES`] last times.
    pub advances: Vec<Advance>,
    /// The packet that acknowledged the FIN of this side, where the FIN itself is missing.
    pub fin: Option<Origin>,
    /// Where frames were found by their structure, at most [`crate::limits::RESYNCS`].
    pub resyncs: Vec<Resync>,
}

/// [`Losses`] where there are any; reads as the default where there are none.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Lost(Option<Box<Losses>>);

static NONE: Losses = Losses {
    gaps: Vec::new(),
    unlisted_gap_bytes: 0,
    not_inflated: 0,
    unreadable_bytes: 0,
    orphan_bytes: 0,
    advances: Vec::new(),
    fin: None,
    resyncs: Vec::new(),
};

impl Deref for Lost {
    type Target = Losses;

    fn deref(&self) -> &Losses {
        self.0.as_deref().unwrap_or(&NONE)
    }
}

impl DerefMut for Lost {
    fn deref_mut(&mut self) -> &mut Losses {
        self.0.get_or_insert_default()
    }
}
