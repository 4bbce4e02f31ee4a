//! The causes: one file each, and this list.

use super::finding::Cause;

mod message_over_limit;

/// Every cause, from special to general: where two are equally sure, the earlier one is taken.
pub static CAUSES: &[&Cause] = &[
    // Too big
    &message_over_limit::CAUSE,
];
