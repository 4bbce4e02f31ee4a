//! The causes: one file each, and this list.

use super::finding::Cause;

mod binary_sent_as_text;
mod character_cut_by_chunking;
mod close_reason_invalid;
mod compressed_data_corrupt;
mod compression_context_lost;
mod content_rejected;
mod corrupt_text;
mod fragment_split_character;
mod invalid_text_unexplained;
mod legacy_charset_text;
mod lone_surrogate;
mod message_over_limit;
mod overlong_utf8;
mod stale_buffer_text;
mod wrong_mask;

/// Every cause, from special to general: where two are equally sure, the earlier one is taken.
pub static CAUSES: &[&Cause] = &[
    // Too big
    &message_over_limit::CAUSE,
    // Not valid text
    &close_reason_invalid::CAUSE,
    &fragment_split_character::CAUSE,
    &wrong_mask::CAUSE,
    &lone_surrogate::CAUSE,
    &overlong_utf8::CAUSE,
    &character_cut_by_chunking::CAUSE,
    &stale_buffer_text::CAUSE,
    &binary_sent_as_text::CAUSE,
    &legacy_charset_text::CAUSE,
    &compression_context_lost::CAUSE,
    &compressed_data_corrupt::CAUSE,
    &corrupt_text::CAUSE,
    &content_rejected::CAUSE,
    &invalid_text_unexplained::CAUSE,
];
