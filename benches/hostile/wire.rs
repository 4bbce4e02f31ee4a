//! A capture file as it is written: packets go to disk at once, so that a shape may be larger than memory.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::net::Ipv4Addr;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

/// No more data.
pub(crate) const FIN: u8 = 1;
/// Opens a connection.
pub(crate) const SYN: u8 = 2;
/// Ends it at once.
pub(crate) const RST: u8 = 4;
/// The acknowledgement number counts.
pub(crate) const ACK: u8 = 16;

/// Captured bytes of a packet at most, as `tcpdump` keeps them.
const SNAP: usize = 262_144;
/// Data bytes of a full segment.
pub(crate) const SEGMENT: usize = 1460;

enum Target {
    Plain(BufWriter<File>),
    Gzip(Box<GzEncoder<BufWriter<File>>>),
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Target::Plain(file) => file.write(bytes),
            Target::Gzip(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Target::Plain(file) => file.flush(),
            Target::Gzip(file) => file.flush(),
        }
    }
}

/// The form of a capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Classic pcap, Ethernet.
    Pcap,
    /// pcapng; the shape writes the blocks behind the section header itself.
    Pcapng,
    /// Classic pcap in gzip.
    Gzip,
}

/// A capture being written.
pub(crate) struct Capture {
    target: Target,
    bytes: u64,
    limit: u64,
    packets: u64,
    nanoseconds: u64,
    packet: Vec<u8>,
}

impl Capture {
    /// Begins a capture of some `limit` bytes.
    pub(crate) fn new(path: &Path, form: Form, limit: u64) -> io::Result<Capture> {
        let file = BufWriter::with_capacity(1 << 20, File::create(path)?);
        let target = match form {
            Form::Gzip => Target::Gzip(Box::new(GzEncoder::new(file, Compression::best()))),
            Form::Pcap | Form::Pcapng => Target::Plain(file),
        };
        let packet = Vec::with_capacity(2048);
        let mut capture =
            Capture { target, bytes: 0, limit, packets: 0, nanoseconds: 1_700_000_000_000_000_000, packet };
        if form == Form::Pcapng {
            capture
                .block(0x0A0D_0D0A, &[0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255])?;
        } else {
            let mut header = Vec::new();
            header.extend_from_slice(&0xA1B2_C3D4u32.to_le_bytes());
            header.extend_from_slice(&[2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            header.extend_from_slice(&(SNAP as u32).to_le_bytes());
            header.extend_from_slice(&1u32.to_le_bytes());
            capture.raw(&header)?;
        }
        Ok(capture)
    }

    /// Whether the capture has the size that was asked for.
    pub(crate) fn is_full(&self) -> bool {
        self.bytes >= self.limit
    }

    /// The size that was asked for.
    pub(crate) fn limit(&self) -> u64 {
        self.limit
    }

    /// Bytes before compression, and packets.
    pub(crate) fn finish(mut self) -> io::Result<(u64, u64)> {
        match &mut self.target {
            Target::Plain(file) => file.flush()?,
            Target::Gzip(file) => {
                file.try_finish()?;
                file.get_mut().flush()?;
            }
        }
        Ok((self.bytes, self.packets))
    }

    /// Bytes of the file itself.
    pub(crate) fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.bytes += bytes.len() as u64;
        self.target.write_all(bytes)
    }

    /// A pcapng block in little endian.
    pub(crate) fn block(&mut self, kind: u32, body: &[u8]) -> io::Result<()> {
        let padding = body.len().next_multiple_of(4) - body.len();
        let length = (body.len() + padding + 12) as u32;
        self.raw(&kind.to_le_bytes())?;
        self.raw(&length.to_le_bytes())?;
        self.raw(body)?;
        self.raw(&[0; 3][..padding])?;
        self.raw(&length.to_le_bytes())
    }

    /// A packet as it is, a microsecond after the one before.
    pub(crate) fn packet(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.nanoseconds += 1000;
        self.packets += 1;
        let mut header = [0u8; 16];
        header[..4].copy_from_slice(&((self.nanoseconds / 1_000_000_000) as u32).to_le_bytes());
        header[4..8].copy_from_slice(&((self.nanoseconds % 1_000_000_000 / 1000) as u32).to_le_bytes());
        header[8..12].copy_from_slice(&(bytes.len() as u32).to_le_bytes());
        header[12..].copy_from_slice(&(bytes.len() as u32).to_le_bytes());
        self.raw(&header)?;
        self.raw(bytes)
    }

    /// An IPv4 packet in an Ethernet frame. Checksums stay zero: nobody who reads captures may insist on them.
    pub(crate) fn ipv4(
        &mut self,
        (source, target): (Ipv4Addr, Ipv4Addr),
        protocol: u8,
        identification: u16,
        fragment: u16,
        body: &[&[u8]],
    ) -> io::Result<()> {
        let mut packet = std::mem::take(&mut self.packet);
        packet.clear();
        packet.extend_from_slice(&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0]);
        let length = 20 + body.iter().map(|b| b.len()).sum::<usize>();
        packet.extend_from_slice(&(length as u16).to_be_bytes());
        packet.extend_from_slice(&identification.to_be_bytes());
        packet.extend_from_slice(&fragment.to_be_bytes());
        packet.extend_from_slice(&[64, protocol, 0, 0]);
        packet.extend_from_slice(&source.octets());
        packet.extend_from_slice(&target.octets());
        body.iter().for_each(|b| packet.extend_from_slice(b));
        let written = self.packet(&packet);
        self.packet = packet;
        written
    }

    /// A TCP segment.
    pub(crate) fn tcp(
        &mut self,
        ends: &Ends,
        from: usize,
        (seq, ack): (u32, u32),
        flags: u8,
        payload: &[u8],
    ) -> io::Result<()> {
        let (source, target) = (ends.0[from], ends.0[1 - from]);
        let mut header = [0u8; 20];
        header[..2].copy_from_slice(&source.1.to_be_bytes());
        header[2..4].copy_from_slice(&target.1.to_be_bytes());
        header[4..8].copy_from_slice(&seq.to_be_bytes());
        header[8..12].copy_from_slice(&ack.to_be_bytes());
        header[12] = 5 << 4;
        header[13] = flags;
        header[14..16].copy_from_slice(&[0xff, 0xff]);
        self.ipv4((source.0, target.0), 6, self.packets as u16, 0x4000, &[&header, payload])
    }
}

/// The two ends of a connection: client (0) and server (1).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ends(pub(crate) [(Ipv4Addr, u16); 2]);

impl Ends {
    /// Connection number `n`; millions of them have ends of their own.
    pub(crate) fn number(n: u64) -> Ends {
        let (host, port) = ((n / 50_000) as u32, 10_000 + (n % 50_000) as u16);
        Ends([(Ipv4Addr::from(0x0A00_0001 + host), port), (Ipv4Addr::new(192, 168, 0, 1), 8080)])
    }
}

/// A connection whose segments follow each other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Connection {
    pub(crate) ends: Ends,
    /// Next sequence number of client and server.
    pub(crate) next: [u32; 2],
}

/// The client.
pub(crate) const CLIENT: usize = 0;
/// The server.
pub(crate) const SERVER: usize = 1;

impl Connection {
    /// A connection whose three packets of greeting were captured.
    pub(crate) fn open(out: &mut Capture, n: u64) -> io::Result<Connection> {
        let mut c = Connection { ends: Ends::number(n), next: [1000, 5000] };
        out.tcp(&c.ends, CLIENT, (1000, 0), SYN, b"")?;
        out.tcp(&c.ends, SERVER, (5000, 1001), SYN | ACK, b"")?;
        c.next = [1001, 5001];
        c.acknowledge(out, CLIENT)?;
        Ok(c)
    }

    /// The same, and a WebSocket handshake. `extension` is what the server agrees to.
    pub(crate) fn upgraded(out: &mut Capture, n: u64, extension: Option<&str>) -> io::Result<Connection> {
        let mut c = Connection::open(out, n)?;
        let field = extension.map(|e| format!("Sec-WebSocket-Extensions: {e}\r\n")).unwrap_or_default();
        c.send(out, CLIENT, request(&field).as_bytes())?;
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n{field}\r\n"
        );
        c.send(out, SERVER, answer.as_bytes())?;
        Ok(c)
    }

    /// Data in full segments, not acknowledged.
    pub(crate) fn send(&mut self, out: &mut Capture, from: usize, bytes: &[u8]) -> io::Result<()> {
        self.send_in(out, from, bytes, SEGMENT)
    }

    /// Data in segments of `size` bytes, not acknowledged.
    pub(crate) fn send_in(&mut self, out: &mut Capture, from: usize, bytes: &[u8], size: usize) -> io::Result<()> {
        for piece in bytes.chunks(size) {
            let numbers = (self.next[from], self.next[1 - from]);
            out.tcp(&self.ends, from, numbers, ACK, piece)?;
            self.next[from] = self.next[from].wrapping_add(piece.len() as u32);
        }
        Ok(())
    }

    /// `from` acknowledges everything.
    pub(crate) fn acknowledge(&mut self, out: &mut Capture, from: usize) -> io::Result<()> {
        out.tcp(&self.ends, from, (self.next[from], self.next[1 - from]), ACK, b"")
    }

    /// Bytes that `from` sent and the capture lacks.
    pub(crate) fn lose(&mut self, from: usize, bytes: usize) {
        self.next[from] = self.next[from].wrapping_add(bytes as u32);
    }

    /// Both ends say that they are done.
    pub(crate) fn close(&mut self, out: &mut Capture) -> io::Result<()> {
        for from in [SERVER, CLIENT] {
            out.tcp(&self.ends, from, (self.next[from], self.next[1 - from]), FIN | ACK, b"")?;
            self.next[from] = self.next[from].wrapping_add(1);
        }
        Ok(())
    }
}

/// An upgrade request with one more field, or several.
pub(crate) fn request(fields: &str) -> String {
    format!(
        "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{fields}\r\n"
    )
}

/// A frame as `from` sends it, the client's with a mask of zeros.
pub(crate) fn frame(from: usize, first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = if from == CLIENT { 0x80 } else { 0 };
    let mut bytes = vec![first];
    match payload.len() {
        length @ 0..126 => bytes.push(mask | length as u8),
        length @ 126..65_536 => {
            bytes.push(mask | 126);
            bytes.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            bytes.push(mask | 127);
            bytes.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    if from == CLIENT {
        bytes.extend_from_slice(&[0; 4]);
    }
    bytes.extend_from_slice(payload);
    bytes
}
