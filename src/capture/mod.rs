//! Capture files as a stream of packets: pcap and pcapng, read in one pass with constant memory.

mod error;
mod fill;
mod interface;
mod magic;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use pcap_parser::pcapng::Block;
use pcap_parser::traits::PcapReaderIterator;
use pcap_parser::{LegacyPcapReader, PcapBlockOwned, PcapError, PcapNGReader};

use crate::ids::{Origin, PacketNumber, Timestamp};
use crate::limits;
pub use error::{CaptureError, InputError};
use fill::{FillReader, LastError};
use interface::Interface;
use magic::recognise;

/// One captured packet, borrowed from the reader's buffer.
#[derive(Debug, Clone, Copy)]
pub struct Packet<'a> {
    /// Its number and time.
    pub origin: Origin,
    /// LINKTYPE number of its outermost header.
    pub link_type: u16,
    /// Its length on the wire, which exceeds `data.len()` when the snap length cut it.
    pub wire_length: u32,
    /// The bytes captured.
    pub data: &'a [u8],
}

/// Which container a capture came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// libpcap's own.
    Pcap,
    /// pcapng (draft-ietf-opsawg-pcapng).
    Pcapng,
}

impl Format {
    /// `pcap` or `pcapng`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Format::Pcap => "pcap",
            Format::Pcapng => "pcapng",
        }
    }
}

enum Parser {
    Pcap(Box<LegacyPcapReader<FillReader<Box<dyn Read>>>>),
    Pcapng(Box<PcapNGReader<FillReader<Box<dyn Read>>>>),
}

impl Parser {
    fn iterator(&mut self) -> &mut dyn PcapReaderIterator {
        match self {
            Parser::Pcap(r) => r.as_mut(),
            Parser::Pcapng(r) => r.as_mut(),
        }
    }

    fn data(&self) -> &[u8] {
        match self {
            Parser::Pcap(r) => r.data(),
            Parser::Pcapng(r) => r.data(),
        }
    }
}

/// Where the current packet lies in the parser's buffer.
#[derive(Clone, Copy)]
struct Current {
    time: Timestamp,
    link_type: u16,
    wire_length: u32,
    start: usize,
    length: usize,
}

enum Step {
    Packet(usize, Current),
    Skip(usize),
    Refill,
    Grow,
    End,
    Error(CaptureError),
}

/// Reads the packets of one capture file in order.
pub struct CaptureReader {
    parser: Parser,
    format: Format,
    errors: LastError,
    /// Classic pcap: nanoseconds for one unit of the second time field.
    unit: i64,
    link_type: u16,
    big_endian: bool,
    interfaces: Vec<Interface>,
    /// Bytes of the block of the current packet, consumed by the next call.
    pending: usize,
    current: Option<Current>,
    packets: u64,
    position: u64,
    capacity: usize,
    /// Packets that name an interface that was never described.
    pub unknown_interface: u64,
}

/// Opens a capture file and reads its header.
///
/// # Errors
/// When it cannot be opened, is a folder, is empty or is no capture.
pub fn open(path: &Path) -> Result<CaptureReader, CaptureError> {
    let file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(CaptureError::Folder);
    }
    CaptureReader::new(Box::new(file))
}

impl CaptureReader {
    /// Reads a capture from any source of bytes.
    ///
    /// # Errors
    /// When the first bytes are not those of a capture.
    pub fn new(mut source: Box<dyn Read>) -> Result<CaptureReader, CaptureError> {
        let errors = LastError::default();
        let mut magic = Vec::with_capacity(24);
        (&mut source).take(24).read_to_end(&mut magic)?;
        if magic.is_empty() {
            return Err(CaptureError::Empty);
        }
        let format = recognise(&magic)?;
        let needed = match format {
            Format::Pcap => 24,
            Format::Pcapng => 12,
        };
        if magic.len() < needed {
            return Err(CaptureError::Truncated { position: 0, length: magic.len() as u64, packets: 0 });
        }
        let mut header = [0u8; 24];
        header[..magic.len().min(24)].copy_from_slice(&magic[..magic.len().min(24)]);
        let source: Box<dyn Read> = Box::new(io::Cursor::new(magic).chain(source));
        let source = FillReader::new(source, errors.clone());
        let capacity = limits::READ_BUFFER;
        let parser = match format {
            Format::Pcap => LegacyPcapReader::new(capacity, source).map(|r| Parser::Pcap(Box::new(r))),
            Format::Pcapng => PcapNGReader::new(capacity, source).map(|r| Parser::Pcapng(Box::new(r))),
        }
        .map_err(|e| match e {
            PcapError::ReadError => take_error(&errors),
            PcapError::Incomplete(_) | PcapError::UnexpectedEof => {
                CaptureError::Truncated { position: 0, length: 0, packets: 0 }
            }
            _ => {
                CaptureError::Corrupt { position: 0, packets: 0, reason: "its file header cannot be read".to_string() }
            }
        })?;
        let mut reader = CaptureReader {
            parser,
            format,
            errors,
            unit: 1000,
            link_type: 0,
            big_endian: false,
            interfaces: Vec::new(),
            pending: 0,
            current: None,
            packets: 0,
            position: 0,
            capacity,
            unknown_interface: 0,
        };
        if format == Format::Pcap {
            reader.big_endian = header[0] == 0xa1;
            let word = |at: usize| {
                let bytes = [header[at], header[at + 1], header[at + 2], header[at + 3]];
                if reader.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
            };
            // The upper bits of the network field hold the FCS length, not the link type.
            let network = (word(20) & 0xffff) as u16;
            if word(0) == 0xa1b2_3c4d {
                reader.unit = 1;
            }
            reader.link_type = network;
        }
        Ok(reader)
    }

    /// The container.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// Packets read so far.
    #[must_use]
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// Bytes of the file read so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.position + self.pending as u64
    }

    /// Goes on to the next packet; false at the end of the file.
    ///
    /// # Errors
    /// When the file is cut or corrupt from here on, or cannot be read any further.
    pub fn advance(&mut self) -> Result<bool, CaptureError> {
        self.consume();
        self.current = None;
        loop {
            match self.step() {
                Step::Packet(length, current) => {
                    self.pending = length;
                    self.current = Some(current);
                    self.packets += 1;
                    return Ok(true);
                }
                Step::Skip(length) => {
                    self.pending = length;
                    self.consume();
                }
                Step::Refill => {
                    let before = self.parser.data().len();
                    let failed = self.parser.iterator().refill().is_err();
                    if failed {
                        return Err(take_error(&self.errors));
                    }
                    if self.parser.data().len() == before && !self.parser.iterator().reader_exhausted() {
                        return Err(self.corrupt("the record cannot be read".to_string()));
                    }
                }
                Step::Grow => {
                    let needed = self.record_length();
                    if needed > limits::LARGEST_RECORD as u64 {
                        return Err(self.corrupt(format!("it announces {needed} bytes")));
                    }
                    self.capacity = (needed as usize + 64).max(self.capacity * 2);
                    let capacity = self.capacity;
                    if !self.parser.iterator().grow(capacity) || self.parser.iterator().refill().is_err() {
                        return Err(self.corrupt("the record cannot be read".to_string()));
                    }
                }
                Step::End => return Ok(false),
                Step::Error(error) => return Err(error),
            }
        }
    }

    /// The packet that [`advance`](Self::advance) went to.
    #[must_use]
    pub fn packet(&self) -> Option<Packet<'_>> {
        let current = self.current?;
        Some(Packet {
            origin: Origin { packet: PacketNumber(self.packets), at: current.time },
            link_type: current.link_type,
            wire_length: current.wire_length,
            data: self.parser.data().get(current.start..current.start + current.length)?,
        })
    }

    fn consume(&mut self) {
        if self.pending > 0 {
            let length = self.pending;
            self.parser.iterator().consume_noshift(length);
            self.position += length as u64;
            self.pending = 0;
        }
    }

    fn corrupt(&self, reason: String) -> CaptureError {
        CaptureError::Corrupt { position: self.position, packets: self.packets, reason }
    }

    /// The length of the record at the buffer's start, as its header announces it.
    fn record_length(&self) -> u64 {
        let data = self.parser.data();
        let at = match self.format {
            Format::Pcap => 8,
            Format::Pcapng => 4,
        };
        let Some(bytes) = data.get(at..at + 4).and_then(|b| <[u8; 4]>::try_from(b).ok()) else { return 0 };
        let length = u64::from(if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) });
        match self.format {
            Format::Pcap => length + 24,
            Format::Pcapng => length,
        }
    }

    fn step(&mut self) -> Step {
        let (position, packets) = (self.position, self.packets);
        let available = self.parser.data().len() as u64;
        match self.parser.iterator().next() {
            Ok((length, PcapBlockOwned::Legacy(block))) => {
                let time = i64::from(block.ts_sec) * 1_000_000_000 + i64::from(block.ts_usec) * self.unit;
                let current = Current {
                    time: Timestamp(time),
                    link_type: self.link_type,
                    wire_length: block.origlen.max(block.caplen),
                    start: length - block.data.len(),
                    length: block.data.len(),
                };
                Step::Packet(length, current)
            }
            Ok((length, PcapBlockOwned::LegacyHeader(_))) => Step::Skip(length),
            Ok((length, PcapBlockOwned::NG(block))) => match block {
                Block::SectionHeader(section) => {
                    self.big_endian = section.big_endian();
                    self.interfaces.clear();
                    Step::Skip(length)
                }
                Block::InterfaceDescription(interface) => {
                    // The crate reads the offset as little-endian whatever the section says.
                    let offset =
                        if self.big_endian { interface.if_tsoffset.swap_bytes() } else { interface.if_tsoffset };
                    self.interfaces.push(Interface {
                        link_type: interface.linktype.0 as u16,
                        snap_length: interface.snaplen,
                        resolution: interface.if_tsresol,
                        offset,
                    });
                    Step::Skip(length)
                }
                Block::EnhancedPacket(block) => {
                    const HEADER: usize = 28;
                    let Some(interface) = self.interfaces.get(block.if_id as usize) else {
                        self.unknown_interface += 1;
                        self.packets += 1;
                        return Step::Skip(length);
                    };
                    let captured = (block.caplen as usize).min(block.data.len());
                    let current = Current {
                        time: interface.time(block.ts_high, block.ts_low),
                        link_type: interface.link_type,
                        wire_length: block.origlen.max(block.caplen),
                        start: HEADER,
                        length: captured,
                    };
                    Step::Packet(length, current)
                }
                Block::SimplePacket(block) => {
                    const HEADER: usize = 12;
                    let Some(interface) = self.interfaces.first() else {
                        self.unknown_interface += 1;
                        self.packets += 1;
                        return Step::Skip(length);
                    };
                    let snap = if interface.snap_length == 0 { u32::MAX } else { interface.snap_length };
                    let captured = (block.origlen.min(snap) as usize).min(block.data.len());
                    let current = Current {
                        time: Timestamp(0),
                        link_type: interface.link_type,
                        wire_length: block.origlen,
                        start: HEADER,
                        length: captured,
                    };
                    Step::Packet(length, current)
                }
                Block::Unknown(block)
                    if [block.block_type, block.block_type.swap_bytes()].contains(&OBSOLETE_PACKET) =>
                {
                    match obsolete_packet(block.data, self.big_endian, &self.interfaces) {
                        Some(current) => Step::Packet(length, current),
                        None => {
                            self.packets += 1;
                            Step::Skip(length)
                        }
                    }
                }
                _ => Step::Skip(length),
            },
            Err(PcapError::Eof) => Step::End,
            Err(PcapError::Incomplete(_)) => Step::Refill,
            Err(PcapError::BufferTooSmall) => Step::Grow,
            Err(PcapError::UnexpectedEof) if available == 0 => Step::End,
            Err(PcapError::UnexpectedEof) => {
                Step::Error(CaptureError::Truncated { position, length: position + available, packets })
            }
            Err(PcapError::ReadError) => Step::Error(take_error(&self.errors)),
            Err(_) => Step::Error(CaptureError::Corrupt {
                position,
                packets,
                reason: "its lengths contradict each other".to_string(),
            }),
        }
    }
}

/// Block type of the Packet Block, which pcapng had before the Enhanced Packet Block.
const OBSOLETE_PACKET: u32 = 2;

fn obsolete_packet(body: &[u8], big_endian: bool, interfaces: &[Interface]) -> Option<Current> {
    // The crate's unknown block holds the bytes after type and length: interface, drops, time, two lengths, data.
    const HEADER: usize = 20;
    let word = |at: usize| {
        let bytes = <[u8; 4]>::try_from(body.get(at..at + 4)?).ok()?;
        Some(if big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    };
    let half = <[u8; 2]>::try_from(body.get(..2)?).ok()?;
    let id = if big_endian { u16::from_be_bytes(half) } else { u16::from_le_bytes(half) };
    let interface = interfaces.get(usize::from(id))?;
    let captured = word(12)? as usize;
    Some(Current {
        time: interface.time(word(4)?, word(8)?),
        link_type: interface.link_type,
        wire_length: word(16)?.max(word(12)?),
        start: 8 + HEADER,
        length: captured.min(body.len().saturating_sub(HEADER)),
    })
}

fn take_error(errors: &LastError) -> CaptureError {
    let error = errors.lock().ok().and_then(|mut slot| slot.take());
    CaptureError::Io(error.unwrap_or_else(|| io::Error::other("the file could not be read")))
}
