//! Alerts (RFC 8446 section 6, and the IANA registry of TLS alerts): what an end objects to.

use super::record::Header;

/// Content type of alerts.
const ALERT: u8 = 21;

/// Level and description in the content of a record, if it is an alert in the clear.
pub(super) fn read(kind: u8, content: &[u8]) -> Option<(bool, u8)> {
    match *content {
        [level @ 1..=2, description] if kind == ALERT => Some((level == 2, description)),
        _ => None,
    }
}

/// Whether a record with this header may be an alert that is not protected.
pub(super) fn may_be(header: Header) -> bool {
    header.kind == ALERT && header.length == 2
}

/// The registered name of a description.
pub(super) fn name(description: u8) -> &'static str {
    match description {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        21 => "decryption_failed",
        22 => "record_overflow",
        30 => "decompression_failure",
        40 => "handshake_failure",
        41 => "no_certificate",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        60 => "export_restriction",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        100 => "no_renegotiation",
        109 => "missing_extension",
        110 => "unsupported_extension",
        111 => "certificate_unobtainable",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        114 => "bad_certificate_hash_value",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        120 => "no_application_protocol",
        121 => "ech_required",
        _ => "unregistered",
    }
}

/// Whether TLS 1.3 means an error by it, whatever its level says (RFC 8446 section 6).
pub(super) fn is_error(description: u8) -> bool {
    !matches!(description, 0 | 90)
}
