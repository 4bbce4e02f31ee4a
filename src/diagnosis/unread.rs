//! Why TLS could not be read, in words.

use crate::connection::TlsUnread;

/// One sentence: what is missing.
pub(crate) fn why_not(unread: &TlsUnread) -> String {
    match unread {
        TlsUnread::NoKeys => "no key log was given (--keylog FILE, or SSLKEYLOGFILE in the environment)".to_string(),
        TlsUnread::NoSecret { connections: 0 } => "the key log holds no secret at all".to_string(),
        TlsUnread::NoSecret { connections } => format!(
            "the key log holds no secret for this connection's client random (it has those of {connections} others): it was \
             written by another process, or began later"
        ),
        TlsUnread::NoHandshake => "its TLS handshake is not in the capture".to_string(),
        TlsUnread::Suite { name } => format!("its cipher suite {name} is not supported"),
        TlsUnread::Garbled => "its bytes do not go on like TLS".to_string(),
        TlsUnread::WrongKey { packet } => {
            format!(
                "the key log's secret for this connection does not open its records (tag mismatch up to packet {})",
                packet.number()
            )
        }
    }
}
