//! The causes: one file each, and this list.

use super::finding::Cause;

mod application_close;
mod bad_gateway;
mod close_unanswered;
mod dropped_by_client;
mod dropped_by_server;
mod handshake_invalid;
mod handshake_refused;
mod handshake_then_nothing;
mod handshake_unanswered;
mod idle_cut;
mod mass_drop;
mod message_over_limit;
mod missing_extension;
mod no_status_close;
mod normal_close;
mod peer_vanished;
mod policy;
mod protocol_violation;
mod reset_by_client;
mod reset_by_server;
mod server_error;
mod service_restart;
mod still_open;
mod try_again_later;
mod unknown_code;
mod unsupported_data;

/// Every cause, from special to general: where two are equally sure, the earlier one is taken.
pub static CAUSES: &[&Cause] = &[
    // Too big
    &message_over_limit::CAUSE,
    // Broken rules
    &protocol_violation::CAUSE,
    // Ended without a Close frame
    &peer_vanished::CAUSE,
    &idle_cut::CAUSE,
    &mass_drop::CAUSE,
    &handshake_then_nothing::CAUSE,
    &dropped_by_server::CAUSE,
    &reset_by_server::CAUSE,
    &dropped_by_client::CAUSE,
    &reset_by_client::CAUSE,
    &close_unanswered::CAUSE,
    &still_open::CAUSE,
    // Requests that did not become a WebSocket
    &handshake_refused::CAUSE,
    &handshake_invalid::CAUSE,
    &handshake_unanswered::CAUSE,
    // Codes with a plain meaning
    &normal_close::CAUSE,
    &no_status_close::CAUSE,
    &unsupported_data::CAUSE,
    &policy::CAUSE,
    &missing_extension::CAUSE,
    &server_error::CAUSE,
    &service_restart::CAUSE,
    &try_again_later::CAUSE,
    &bad_gateway::CAUSE,
    &application_close::CAUSE,
    &unknown_code::CAUSE,
];
