//! Cases: the TOML files of `fixtures/cases` as values.
//!
//! `fixtures/README.md` describes the format for people. Unknown keys are errors, so a misspelt expectation cannot pass
//! for a fulfilled one.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::Path;

use serde::Deserialize;

use super::steps::{self, Step};

/// A capture's worth of conversations with what must be concluded from them.
pub struct Case {
    /// The file's name without extension.
    pub name: String,
    /// What it shows.
    pub title: String,
    /// The connections in it.
    pub connections: Vec<Conversation>,
    /// Kinds of the incidents that must be reported; those of a mass event must not be reported when they are not here.
    pub incidents: Vec<String>,
    /// Causes, and kinds of incidents, that this case resembles and that must not be concluded.
    pub nearly: Vec<String>,
    /// Seconds for which the capture goes on after the last packet.
    pub quiet_end: f64,
}

/// One TCP connection.
pub struct Conversation {
    /// Nanoseconds after the start of the capture at which its SYN is sent.
    pub at: i64,
    /// Who asks for the upgrade.
    pub client: SocketAddrV4,
    /// Who answers.
    pub server: SocketAddrV4,
    /// The opening handshake.
    pub handshake: Handshake,
    /// Whether the server's kernel answers the SYN with a reset; nothing else is then sent.
    pub refused_by_tcp: bool,
    /// What happens after it.
    pub steps: Vec<Step>,
    /// What must be concluded.
    pub expect: Expect,
}

/// The opening handshake: everything has a default.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Handshake {
    /// The request target.
    pub path: String,
    /// The Host field.
    pub host: String,
    /// What the client offers in Sec-WebSocket-Extensions; given by `deflate` when that is agreed.
    pub offer: Option<String>,
    /// Parameters of permessage-deflate as agreed; the empty text for none, absent for no compression.
    pub deflate: Option<String>,
    /// The subprotocol, offered and agreed.
    pub subprotocol: Option<String>,
    /// More header lines of the request.
    pub request: Vec<String>,
    /// More header lines of the answer.
    pub response: Vec<String>,
    /// The answer's status.
    pub status: u16,
    /// The answer's body.
    pub body: String,
    /// `right`, `wrong` or `missing`: the Sec-WebSocket-Accept of the 101.
    pub accept: String,
    /// Whether the request asks for the upgrade at all; a proxy that strips hop-by-hop headers leaves it without.
    pub upgrade: bool,
    /// Whether the server answers.
    pub answered: bool,
    /// Picks the Sec-WebSocket-Key: connections with the same number carry the same one, as the legs of a proxy do.
    pub key: Option<u64>,
}

impl Default for Handshake {
    fn default() -> Self {
        Handshake {
            path: "/chat".into(),
            host: "api.example.com".into(),
            offer: None,
            deflate: None,
            subprotocol: None,
            request: Vec::new(),
            response: Vec::new(),
            status: 101,
            body: String::new(),
            accept: "right".into(),
            upgrade: true,
            answered: true,
            key: None,
        }
    }
}

/// What must be concluded; what is absent is not compared.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Expect {
    /// `end.code`; -1 when it must be null.
    pub code: Option<i64>,
    /// `end.initiator`; `none` when it must be null.
    pub initiator: Option<String>,
    /// `end.clean`.
    pub clean: Option<bool>,
    /// `end.close_frames`: sender, code (1005 for an empty one) and reason of each, in order.
    pub closes: Option<Vec<(String, u16, String)>>,
    /// `end.tcp.how`.
    pub tcp: Option<String>,
    /// `diagnosis.cause`; `none` when there must be no diagnosis.
    pub cause: Option<String>,
    /// `diagnosis.severity`.
    pub severity: Option<String>,
    /// `diagnosis.confidence`.
    pub confidence: Option<String>,
    /// `diagnosis.change`.
    pub change: Option<String>,
    /// `diagnosis.violation`.
    pub violation: Option<String>,
    /// `diagnosis.message`.
    pub message: Option<ExpectedMessage>,
    /// `diagnosis.limit`.
    pub limit: Option<ExpectedLimit>,
    /// `cause` of the entry under `handshake_failures`: there must then be no entry under `connections`.
    pub handshake_failure: Option<String>,
    /// The status in that entry; 0 when it must be null.
    pub status: Option<u16>,
}

/// The offending message.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExpectedMessage {
    /// Who sent it.
    pub from: Option<String>,
    /// `text`, `binary` or `close`.
    pub opcode: Option<String>,
    /// Bytes after inflating.
    pub bytes: Option<u64>,
    /// Bytes that its frame headers announced.
    pub declared: Option<u64>,
    /// Frames.
    pub fragments: Option<u64>,
    /// Marked as compressed.
    pub compressed: Option<bool>,
    /// `invalid_utf8.offset`.
    pub invalid_at: Option<u64>,
    /// `invalid_utf8.class`.
    pub class: Option<String>,
}

/// The limit that refused it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExpectedLimit {
    /// The limit itself; 0 when it must be null.
    pub bytes: Option<u64>,
    /// `stated-in-reason`, `known-default` or `bracketed`.
    pub basis: Option<String>,
    /// The largest size that passed.
    pub accepted_up_to: Option<u64>,
    /// The smallest that was refused.
    pub refused_from: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseFile {
    title: String,
    #[serde(default)]
    incidents: Vec<String>,
    #[serde(default)]
    nearly: Vec<String>,
    #[serde(default)]
    quiet_end: f64,
    #[serde(rename = "connection")]
    connections: Vec<ConnectionFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConnectionFile {
    #[serde(default)]
    at: f64,
    client: Option<SocketAddrV4>,
    server: Option<SocketAddrV4>,
    #[serde(default)]
    refused_by_tcp: bool,
    #[serde(default)]
    handshake: Handshake,
    #[serde(default)]
    steps: String,
    #[serde(default)]
    expect: Expect,
    /// The same connection this many times more, each from its own port, `every` seconds apart.
    #[serde(default)]
    again: u16,
    #[serde(default)]
    every: f64,
}

impl Case {
    /// Reads a case file.
    pub fn read(path: &Path) -> Case {
        let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let name = path.file_stem().expect("a file name").to_string_lossy().into_owned();
        Case::parse(&name, &text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }

    /// The case that `text` describes.
    pub fn parse(name: &str, text: &str) -> Result<Case, String> {
        let file: CaseFile = toml::from_str(text).map_err(|e| e.to_string())?;
        let mut connections = Vec::new();
        for c in &file.connections {
            let steps = steps::parse(&c.steps)?;
            for nth in 0..=c.again {
                // Ports tell the connections apart in every clothing, so each has its own.
                let number = u16::try_from(connections.len()).expect("few connections");
                let client = c.client.unwrap_or(SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 50_001));
                let client = match (c.client, nth) {
                    (Some(_), _) => SocketAddrV4::new(*client.ip(), client.port() + nth),
                    (None, _) => SocketAddrV4::new(*client.ip(), 50_001 + number),
                };
                connections.push(Conversation {
                    at: nanoseconds(c.at + f64::from(nth) * c.every),
                    client,
                    server: c.server.unwrap_or(SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 2), 8080)),
                    handshake: c.handshake.clone(),
                    refused_by_tcp: c.refused_by_tcp,
                    steps: steps.clone(),
                    expect: c.expect.clone(),
                });
            }
        }
        let mut ports: Vec<_> = connections.iter().map(|c| c.client.port()).collect();
        ports.sort_unstable();
        if ports.windows(2).any(|p| p[0] == p[1]) {
            return Err("two connections with the same client port".into());
        }
        Ok(Case {
            name: name.into(),
            title: file.title,
            connections,
            incidents: file.incidents,
            nearly: file.nearly,
            quiet_end: file.quiet_end,
        })
    }
}

/// Seconds as nanoseconds.
pub fn nanoseconds(seconds: f64) -> i64 {
    (seconds * 1e9).round() as i64
}
