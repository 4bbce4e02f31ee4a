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

/// Where the secrets of a run came from; never what they are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyFacts {
    /// The key logs that were named.
    pub logs: Vec<KeyLogFacts>,
    /// Connections that captures themselves brought secrets of (Decryption Secrets Blocks).
    pub from_captures: u64,
}

impl KeyFacts {
    /// Whether any key was looked for or found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.logs.is_empty() && self.from_captures == 0
    }
}

/// What a key log held.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyLogFacts {
    /// The path as given.
    pub path: String,
    /// `SSLKEYLOGFILE` named it, not the command line.
    pub from_environment: bool,
    /// Whether it could be read to its end.
    pub read: bool,
    /// Connections that it brought the first secret of.
    pub connections: u64,
    /// Lines that are no key log's, or cut.
    pub malformed_lines: u64,
    /// Secrets that were too many to keep.
    pub secrets_beyond_limit: u64,
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
