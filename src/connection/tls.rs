//! What is known of the TLS of a connection.

use serde::{Deserialize, Serialize};

use crate::ids::PacketNumber;

/// Why TLS records could not be opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TlsUnread {
    /// No secrets were supplied.
    NoKeys,
    /// There are secrets, and none for this connection's client random.
    NoSecret {
        /// Connections that the key logs hold secrets of.
        connections: u64,
    },
    /// Private RSA keys were supplied, and the client sent its secret to another.
    NoRsaKey {
        /// The keys supplied.
        keys: u64,
    },
    /// Private RSA keys alone were supplied, and the secret was agreed on without them.
    Ephemeral,
    /// The handshake is not in the capture, and without it secrets cannot be assigned.
    NoHandshake,
    /// The cipher suite is known by name only.
    Suite {
        /// Its registered name.
        name: String,
    },
    /// It begins like TLS and does not go on like it.
    Garbled,
    /// The secrets of this client random do not open its records.
    WrongKey {
        /// The packet at which that was certain.
        packet: PacketNumber,
    },
}

/// What the handshake of TLS agreed on, and whether the records could be opened.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsFacts {
    /// `1.0` to `1.3`.
    pub version: Option<String>,
    /// The cipher suite's registered name.
    pub cipher_suite: Option<String>,
    /// The name that the client asked for (RFC 6066 section 3).
    pub server_name: Option<String>,
    /// The application protocol agreed on (RFC 7301), where it was readable.
    pub alpn: Option<String>,
    /// The application protocols that the client offered.
    pub offered: Vec<String>,
    /// Whether records were opened.
    pub decrypted: bool,
    /// Why not.
    pub why_not: Option<TlsUnread>,
}
