//! What sentences and display filters call a packet, where there may be several captures.

use std::net::SocketAddr;

use crate::connection::{CaptureFacts, Connection};
use crate::ids::PacketNumber;
use crate::report::model::Capture;

/// The names of the captures.
pub struct Files {
    names: Vec<String>,
}

/// The names of the captures as the story of one connection uses them: the one that it begins in needs no name.
#[derive(Clone, Copy)]
pub struct FilesOf<'a> {
    files: &'a Files,
    own: usize,
}

impl Files {
    /// Names that tell `captures` apart.
    #[must_use]
    pub fn new(captures: &[CaptureFacts]) -> Files {
        Files { names: Capture::short_names(captures.iter().map(|c| c.path.as_str())) }
    }

    /// Where no connection is spoken of: every packet is told with its file.
    #[must_use]
    pub fn of_none(&self) -> FilesOf<'_> {
        FilesOf { files: self, own: usize::MAX }
    }

    /// For the story of a connection that begins in the capture `own`.
    #[must_use]
    pub fn of(&self, own: usize) -> FilesOf<'_> {
        FilesOf { files: self, own }
    }
}

impl<'a> FilesOf<'a> {
    /// `5`, or `5 of b.pcap`.
    #[must_use]
    pub fn number(self, packet: PacketNumber) -> String {
        match self.foreign(packet) {
            Some(name) => format!("{} of {name}", packet.number()),
            None => packet.number().to_string(),
        }
    }

    /// `packet 5`, or `packet 5 of b.pcap`.
    #[must_use]
    pub fn packet(self, packet: PacketNumber) -> String {
        format!("packet {}", self.number(packet))
    }

    /// `packets 5-9`, `packets 5-9 of b.pcap`, or `packet 5 to packet 9 of b.pcap`.
    #[must_use]
    pub fn packets(self, from: PacketNumber, to: PacketNumber) -> String {
        if from == to {
            return self.packet(from);
        }
        if from.file() != to.file() {
            return format!("{} to {}", self.packet(from), self.packet(to));
        }
        if from.number() > to.number() {
            return self.packet(from);
        }
        let span = format!("packets {}-{}", from.number(), to.number());
        match self.foreign(from) {
            Some(name) => format!("{span} of {name}"),
            None => span,
        }
    }

    /// `3`, or `3 of b.pcap`: a `tcp.stream` of the capture with that index.
    #[must_use]
    pub fn stream(self, capture: usize, stream: u32) -> String {
        match self.files.names.get(capture).filter(|_| self.files.names.len() > 1 && capture != self.own) {
            Some(name) => format!("{stream} of {name}"),
            None => stream.to_string(),
        }
    }

    /// The same for a connection, with its stream inside HTTP/2 where one carried it.
    #[must_use]
    pub fn stream_of(self, connection: &Connection) -> String {
        let stream = self.stream(connection.capture, connection.tcp_stream);
        match &connection.http2 {
            Some(http2) => format!("{stream} (HTTP/2 {})", http2.stream),
            None => stream,
        }
    }

    /// The name of the packet's capture, when it is not the connection's own.
    fn foreign(self, packet: PacketNumber) -> Option<&'a str> {
        let file = Some(packet.file()).filter(|file| packet.is_of_several() && *file != self.own)?;
        self.files.names.get(file).map(String::as_str)
    }
}

/// Where a connection lies, for Wireshark.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// The capture that it begins in.
    pub capture: usize,
    /// Its `tcp.stream` there.
    pub stream: u32,
    /// Whether other captures hold packets of it too.
    pub spans: bool,
    /// Its stream inside HTTP/2, where one carried it, and whether that ended with TCP.
    pub http2: Option<(u32, bool)>,
    /// Its two ends.
    pub ends: [SocketAddr; 2],
}

impl Place {
    /// A display filter that shows, of `packets`, those of this connection: in the capture that it begins in, or, where it
    /// lies in several, in each of them.
    #[must_use]
    pub fn filter(&self, packets: impl Iterator<Item = PacketNumber>) -> String {
        let stream = self.stream;
        if self.spans {
            let [a, b] = self.ends;
            let ip = if a.is_ipv4() { "ip" } else { "ipv6" };
            return format!(
                "{ip}.addr eq {} and {ip}.addr eq {} and tcp.port eq {} and tcp.port eq {}",
                a.ip(),
                b.ip(),
                a.port(),
                b.port()
            );
        }
        let numbers = packets.filter(|p| p.file() == self.capture).map(PacketNumber::number);
        let (from, to) = numbers.fold((u64::MAX, 0), |(low, high), n| (low.min(n), high.max(n)));
        let lies = match self.http2 {
            Some((inner, false)) => format!("tcp.stream eq {stream} and http2.streamid eq {inner}"),
            // Neither GOAWAY nor the packet that ends TCP bears the stream's number.
            Some((inner, true)) => format!(
                "tcp.stream eq {stream} and (http2.streamid eq {inner} or http2.type eq 7 or tcp.flags.fin eq 1 or \
                 tcp.flags.reset eq 1)"
            ),
            None => format!("tcp.stream eq {stream}"),
        };
        match (from, to) {
            (u64::MAX, _) => lies,
            (one, other) if one >= other => format!("{lies} and frame.number eq {one}"),
            (from, to) => format!("{lies} and frame.number in {{{from}..{to}}}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_packets_of_other_files_are_told_with_their_name() {
        let captures =
            ["a/1.pcap", "a/2.pcap", "b/2.pcap"].map(|p| CaptureFacts { path: p.into(), ..Default::default() });
        let files = Files::new(&captures);
        let (files, packet) = (files.of(0), PacketNumber::in_file);
        assert_eq!(files.packet(PacketNumber::new(5)), "packet 5");
        assert_eq!(files.packet(packet(0, 5)), "packet 5");
        assert_eq!(files.packet(packet(1, 5)), "packet 5 of a/2.pcap");
        assert_eq!(files.packets(packet(0, 5), packet(0, 9)), "packets 5-9");
        assert_eq!(files.packets(packet(2, 5), packet(2, 9)), "packets 5-9 of b/2.pcap");
        assert_eq!(files.packets(packet(0, 5), packet(2, 1)), "packet 5 to packet 1 of b/2.pcap");
        assert_eq!(files.packets(packet(0, 5), packet(0, 5)), "packet 5");
    }
}
