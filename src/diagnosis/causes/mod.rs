//! The causes: one file each, and this list.

use super::case::Case;
use super::events::Event;
use super::finding::{Cause, Finding};
use super::{drops, going_away, timers, words};
use crate::ids::Side;
use crate::report::model::Party;

mod application_close;
mod bad_gateway;
mod binary_sent_as_text;
mod character_cut_by_chunking;
mod client_shutting_down;
mod close_reason_invalid;
mod close_unanswered;
mod compressed_data_corrupt;
mod compression_context_lost;
mod connection_age_limit;
mod content_rejected;
mod corrupt_text;
mod declared_length_absurd;
mod dropped_by_client;
mod dropped_by_server;
mod flow_control_stall;
mod fragment_split_character;
mod frame_over_limit;
mod going_away_unexplained;
mod handshake_invalid;
mod handshake_refused;
mod handshake_then_nothing;
mod handshake_unanswered;
mod idle_cut;
mod idle_timeout;
mod inflated_message_over_limit;
mod invalid_text_unexplained;
mod keepalive_timeout;
mod legacy_charset_text;
mod lone_surrogate;
mod mass_drop;
mod message_over_limit;
mod missing_extension;
mod no_status_close;
mod normal_close;
mod overlong_utf8;
mod page_left;
mod peer_vanished;
mod policy;
mod protocol_violation;
mod proxy_restart;
mod reset_by_client;
mod reset_by_server;
mod server_error;
mod server_restart;
mod server_shutdown;
mod service_restart;
mod session_ended;
mod size_refused_unexplained;
mod stale_buffer_text;
mod still_open;
mod try_again_later;
mod unknown_code;
mod unsupported_data;
mod wrong_mask;

/// Every cause, from special to general: where two are equally sure, the earlier one is taken.
pub static CAUSES: &[&Cause] = &[
    // Too big
    &declared_length_absurd::CAUSE,
    &inflated_message_over_limit::CAUSE,
    &frame_over_limit::CAUSE,
    &message_over_limit::CAUSE,
    &size_refused_unexplained::CAUSE,
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
    // Broken rules
    &protocol_violation::CAUSE,
    // Going away
    &keepalive_timeout::CAUSE,
    &proxy_restart::CAUSE,
    &page_left::CAUSE,
    &client_shutting_down::CAUSE,
    &server_restart::CAUSE,
    &server_shutdown::CAUSE,
    &connection_age_limit::CAUSE,
    &idle_timeout::CAUSE,
    &session_ended::CAUSE,
    &going_away_unexplained::CAUSE,
    // Ended without a Close frame
    &flow_control_stall::CAUSE,
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

/// Whether the silence before each end of an event fits a timer; that of one or two does by chance.
fn idle_timer_fits(case: &Case<'_>, event: &Event) -> bool {
    let silences = event.connections.iter().map(|i| case.world.silence(*i));
    silences.into_iter().all(|s| s.is_some_and(|s| timers::round_seconds(s).is_some()))
}

/// How `side` ended the connection, with a Close or without.
fn end_words(case: &Case<'_>, side: Side) -> String {
    if case.ending.close.is_some() {
        return going_away::closed_words(case, side);
    }
    let Some(end) = case.connection.tcp_end else { return String::new() };
    let age = case.age().map_or(String::new(), |a| format!(" {} after the connection opened", timers::words(a)));
    format!("{} {}{age}{}", words::sentence(&case.who(side)), drops::how(case, end), drops::without_close(case))
}

/// The fixes against an idle timer: speak more often, or raise it by its name.
fn keepalive_fixes(case: &Case<'_>, closer: Side, silence: f64, mut finding: Finding) -> Finding {
    let interval = (silence / 2.0).max(1.0).floor();
    let other = closer.other();
    finding = finding.with_fix(
        Party::from(other),
        format!("send a Ping or a small message at least every {interval:.0} s; browsers cannot Ping, so their server has to."),
        None,
        Some("RFC 6455 section 5.5.2".to_string()),
    );
    let setting = case.implementation(closer).and_then(|i| {
        let timer = i.implementation.keepalives.iter().find(|k| k.timeout_s > 0.0 && k.ping_interval_s == 0.0);
        timer.map(|t| (i.implementation.name.to_string(), t.setting.to_string(), t.source.to_string()))
    });
    match setting {
        Some((name, setting, source)) => finding.with_fix(
            Party::from(closer),
            format!("or raise the idle timer of {name}: {setting}."),
            None,
            Some(source),
        ),
        None => finding.with_fix(
            Party::from(closer),
            "or raise its idle timer, if connections may rest for longer.",
            None,
            None,
        ),
    }
}

/// The name of the ping timeout of an identified implementation.
fn ping_setting(case: &Case<'_>, side: Side) -> Option<String> {
    let implementation = &case.implementation(side)?.implementation;
    implementation.keepalives.iter().find(|k| k.ping_interval_s > 0.0).map(|k| k.setting.to_string())
}
