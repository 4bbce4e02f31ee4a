//! TLS that could not be opened: counted by the reason, the first connections and the failed handshakes one by one.

use std::collections::{BTreeMap, BTreeSet};

use crate::connection::{BlindSpot, TcpEndKind, TlsUnread, UnreadTls};
use crate::diagnosis::unread::why_not;
use crate::ids::Side;
use crate::limits;

/// Ports, names of servers and streams named in a sentence.
const EXAMPLES: usize = 3;

/// Connections that one reason hides.
#[derive(Debug, Default)]
struct Group {
    count: u64,
    ports: BTreeSet<u16>,
    /// Connections by the name that the client asked for.
    names: BTreeMap<String, u64>,
    streams: Vec<u32>,
}

/// TLS connections of which nothing could be read.
#[derive(Debug, Default)]
pub(super) struct Opaque {
    groups: BTreeMap<String, Group>,
    listed: Vec<UnreadTls>,
    /// Handshakes that failed, as sentences.
    refused: Vec<BlindSpot>,
    unlisted_refused: u64,
}

impl Opaque {
    #[cold]
    pub(super) fn add(&mut self, unread: UnreadTls) {
        if let Some(spot) = refused(&unread) {
            if self.refused.len() < limits::TLS_LISTED {
                self.refused.push(spot);
            } else {
                self.unlisted_refused += 1;
            }
        } else if unread.facts.decrypted {
            // There was nothing inside.
            return;
        } else {
            let why = unread.facts.why_not.as_ref().map_or(String::new(), why_not);
            if self.groups.len() < limits::TLS_UNREAD || self.groups.contains_key(&why) {
                self.groups.entry(why).or_default().add(&unread);
            }
        }
        if self.listed.len() < limits::TLS_LISTED {
            self.listed.push(unread);
        }
    }

    pub(super) fn take_listed(&mut self) -> Vec<UnreadTls> {
        std::mem::take(&mut self.listed)
    }

    /// The counts as sentences.
    pub(super) fn spots(&self) -> impl Iterator<Item = BlindSpot> {
        let spot = |kind: &str, text: String| BlindSpot {
            kind: kind.to_string(),
            text,
            connections: Vec::new(),
            packets: Vec::new(),
        };
        let groups = self.groups.iter().map(move |(why, group)| spot("encrypted", group.sentence(why)));
        let more = (self.unlisted_refused > 0).then(|| {
            spot("tls-refused", format!("{} more TLS handshakes failed and are not listed.", self.unlisted_refused))
        });
        self.refused.iter().cloned().chain(more).chain(groups)
    }
}

impl Group {
    fn add(&mut self, unread: &UnreadTls) {
        self.count += 1;
        if self.ports.len() < EXAMPLES {
            self.ports.insert(unread.server.port());
        }
        if self.streams.len() < EXAMPLES {
            self.streams.push(unread.tcp_stream);
        }
        if let Some(name) = &unread.facts.server_name {
            if let Some(count) = self.names.get_mut(name) {
                *count += 1;
            } else if self.names.len() < limits::TLS_NAMES {
                self.names.insert(name.clone(), 1);
            }
        }
    }

    fn sentence(&self, why: &str) -> String {
        let connections = if self.count == 1 { "connection" } else { "connections" };
        let ports: Vec<String> = self.ports.iter().map(ToString::to_string).collect();
        let mut of = format!("port {}", ports.join(", "));
        // The busiest first; the order of the alphabet where they are alike.
        let mut names: Vec<(&String, u64)> = self.names.iter().map(|(name, count)| (name, *count)).collect();
        names.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        if !names.is_empty() {
            let shown: Vec<&str> = names.iter().take(EXAMPLES).map(|(name, _)| name.as_str()).collect();
            let more = if names.len() > EXAMPLES { " and others" } else { "" };
            of = format!("{of}; {}{more}", shown.join(", "));
        }
        let streams: Vec<String> = self.streams.iter().map(ToString::to_string).collect();
        let more = if self.count > EXAMPLES as u64 { ", ..." } else { "" };
        let stream = if self.count == 1 { "stream" } else { "streams" };
        let why = if why.is_empty() { "too little of it is in the capture" } else { why };
        format!(
            "{} TLS {connections} ({of}; {stream} {}{more}) could not be read, so that WebSockets inside are invisible: {why}.",
            self.count,
            streams.join(", ")
        )
    }
}

/// What is to be said of a handshake that failed in the clear.
fn refused(unread: &UnreadTls) -> Option<BlindSpot> {
    let facts = &unread.facts;
    let name = facts.server_name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
    let (client, server) = (unread.client, unread.server);
    let stream = unread.tcp_stream;
    let spot = |text: String, packets| {
        Some(BlindSpot { kind: "tls-refused".to_string(), text, connections: Vec::new(), packets })
    };
    if facts.why_not == Some(TlsUnread::PlainAnswer) {
        let text = format!(
            "The server {server}{name} answered the ClientHello of the client {client} with something other than TLS: TLS \
             (wss://) was spoken to a port that does not expect it, as one for ws:// (stream {stream})."
        );
        return spot(text, Vec::new());
    }
    if let Some(alert) = facts.alerts.iter().find(|a| a.fatal) {
        let who = match alert.by {
            Some(Side::Client) => {
                format!("The client {client} gave up the TLS handshake with the server {server}{name}")
            }
            Some(Side::Server) => format!("The server {server}{name} refused the TLS handshake of the client {client}"),
            None => format!("The TLS handshake between {client} and {server} was refused"),
        };
        let means = match alert.code {
            40 => ". Mostly the two share no cipher suite, group or signature that both allow",
            71 => ". The two share no cipher suite, group or signature that both allow",
            42..=46 | 48 => ". It does not accept the other end's certificate",
            70 => ". The two share no version of TLS",
            112 => ". It does not know the name that was asked for",
            116 => ". It wants a certificate of the client's",
            120 => ". It speaks none of the application protocols that were offered",
            _ => "",
        };
        let offered = match (alert.code, facts.offered.as_slice()) {
            (120, [_, ..]) => format!(" ({})", facts.offered.join(", ")),
            _ => String::new(),
        };
        let text = format!(
            "{who}: fatal alert {} ({}), packet {}{means}{offered} (stream {stream}).",
            alert.name,
            alert.code,
            alert.origin.packet.number()
        );
        return spot(text, vec![alert.origin.packet]);
    }
    let end = unread.tcp_end.filter(|end| end.how == TcpEndKind::Rst && end.by == Side::Server)?;
    (facts.version.is_none() && facts.why_not.is_none() && facts.server_name.is_some()).then_some(())?;
    let text = format!(
        "The server {server}{name} reset TCP in packet {} without an answer to the ClientHello of the client {client} (stream \
         {stream}).",
        end.origin.packet.number()
    );
    spot(text, vec![end.origin.packet])
}
