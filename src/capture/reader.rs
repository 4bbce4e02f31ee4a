//! One capture file as a stream of packets.

use std::io::Read;

use super::error::CaptureError;
use super::loss::Losses;
use super::magic::{self, Format};
use super::pcap::{self, Pcap};
use super::pcapng::Pcapng;
use super::window::Window;
use super::{Current, Next, Packet, unpack};
use zeroize::Zeroizing;

use crate::ids::{Origin, PacketNumber, Timestamp};
use crate::limits;

enum Container {
    Pcap(Pcap),
    Pcapng(Box<Pcapng>),
}

/// Reads the packets of one capture file in order, with constant memory.
pub struct CaptureReader {
    window: Window,
    container: Container,
    /// What it was compressed with, the outermost first.
    layers: Vec<&'static str>,
    current: Option<Current>,
    /// Bytes of the current packet's record, consumed by the next call.
    pending: usize,
    packets: u64,
    losses: Losses,
    link_types: Vec<u16>,
    first: Option<Timestamp>,
    last: Timestamp,
    /// Which file of the run it is.
    file: PacketNumber,
    over: bool,
    fault: Option<CaptureError>,
}

impl CaptureReader {
    /// Reads a capture from any source of bytes.
    ///
    /// # Errors
    /// When the first bytes are not those of a capture.
    pub fn new(source: Box<dyn Read>) -> Result<CaptureReader, CaptureError> {
        let unpack::Unpacked { head, rest, layers } = unpack::unpack(source)?;
        let format = magic::recognise(&head)?;
        let mut window = Window::new(&head, rest);
        let container = match format {
            Format::Pcap => {
                let Some(header) = window.data().first_chunk::<{ pcap::FILE_HEADER }>() else {
                    return Err(CaptureError::Truncated { position: 0, length: head.len() as u64, packets: 0 });
                };
                let pcap = Pcap::new(header);
                window.consume(pcap::FILE_HEADER);
                Container::Pcap(pcap)
            }
            Format::Pcapng => Container::Pcapng(Box::new(Pcapng::new())),
        };
        Ok(CaptureReader {
            window,
            container,
            layers,
            current: None,
            pending: 0,
            packets: 0,
            losses: Losses::default(),
            link_types: Vec::new(),
            first: None,
            last: Timestamp::default(),
            file: PacketNumber::default(),
            over: false,
            fault: None,
        })
    }

    /// Numbers the packets as those of this file of a run.
    pub(super) fn set_file(&mut self, file: PacketNumber) {
        self.file = file;
    }

    /// The time of the current packet.
    #[inline]
    pub(super) fn time(&self) -> Timestamp {
        self.last
    }

    /// Whether there are no more packets.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// Why the file ended before its end, or what could not be read of it; told once, after the last packet.
    pub fn take_fault(&mut self) -> Option<CaptureError> {
        self.fault.take()
    }

    /// The container.
    #[must_use]
    pub fn format(&self) -> Format {
        match self.container {
            Container::Pcap(_) => Format::Pcap,
            Container::Pcapng(_) => Format::Pcapng,
        }
    }

    /// What the file was compressed with, the outermost first.
    #[must_use]
    pub fn compression(&self) -> &[&'static str] {
        &self.layers
    }

    /// Packets read so far.
    #[must_use]
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// Bytes of the file read so far, after decompression.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.window.position() + self.pending as u64
    }

    /// Goes on to the next packet; false when there is none: [`take_fault`](Self::take_fault) says whether there should be.
    #[inline]
    pub fn advance(&mut self) -> bool {
        if self.over {
            return false;
        }
        loop {
            self.window.consume(self.pending);
            self.pending = 0;
            let next = match &mut self.container {
                Container::Pcap(pcap) => pcap.next(&mut self.window, &mut self.losses, self.packets),
                Container::Pcapng(pcapng) => pcapng.next(&mut self.window, &mut self.losses, self.packets),
            };
            match next {
                Next::Packet(length, current) => {
                    self.pending = length;
                    self.packets += 1;
                    self.current = Some(current);
                    self.last = current.time;
                    if self.first.is_none() || self.link_types.last() != Some(&current.link_type) {
                        self.note(current);
                    }
                    return true;
                }
                Next::Unreadable(length) => {
                    self.pending = length;
                    self.packets += 1;
                }
                Next::End | Next::Cut => {
                    self.over = true;
                    self.current = None;
                    self.fault = self.ended(matches!(next, Next::Cut));
                    return false;
                }
            }
        }
    }

    /// The packet that [`advance`](Self::advance) went to.
    #[must_use]
    #[inline]
    pub fn packet(&self) -> Option<Packet<'_>> {
        let current = self.current?;
        Some(Packet {
            origin: Origin { packet: self.file.nth(self.packets), at: current.time },
            link_type: current.link_type,
            wire_length: current.wire_length,
            data: self.window.data().get(current.start..current.start + current.length)?,
        })
    }

    /// Stretches that were passed over because no record could be read there.
    #[must_use]
    pub fn losses(&self) -> &Losses {
        &self.losses
    }

    /// Packets that name an interface that was never described: nothing in them can be read.
    #[must_use]
    pub fn unknown_interface(&self) -> u64 {
        self.pcapng().map_or(0, |p| p.facts.unknown_interface)
    }

    /// Packets without a time: they were given that of the packet before them.
    #[must_use]
    pub fn untimed(&self) -> u64 {
        self.pcapng().map_or(0, |p| p.facts.untimed)
    }

    /// Packets that the capture program says it dropped.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.pcapng().map_or(0, Pcapng::dropped)
    }

    /// TLS key log text that the file carries (pcapng's Decryption Secrets Blocks), as far as it was read.
    #[must_use]
    pub fn secrets(&self) -> &[u8] {
        self.pcapng().map_or(&[], |p| &p.facts.secrets)
    }

    /// What [`secrets`](Self::secrets) gained since this was asked last.
    pub fn take_secrets(&mut self) -> Option<Zeroizing<Vec<u8>>> {
        match &mut self.container {
            Container::Pcapng(pcapng) if !pcapng.facts.secrets.is_empty() => {
                Some(Zeroizing::new(std::mem::take(&mut pcapng.facts.secrets)))
            }
            _ => None,
        }
    }

    /// The link types of the packets read, in order of appearance, at most [`limits::LINK_TYPES`].
    #[must_use]
    pub fn link_types(&self) -> &[u16] {
        &self.link_types
    }

    /// Times of the first and of the last packet read.
    #[must_use]
    pub fn times(&self) -> Option<(Timestamp, Timestamp)> {
        self.first.map(|first| (first, self.last))
    }

    fn pcapng(&self) -> Option<&Pcapng> {
        match &self.container {
            Container::Pcap(_) => None,
            Container::Pcapng(pcapng) => Some(pcapng),
        }
    }

    #[cold]
    fn note(&mut self, current: Current) {
        self.first.get_or_insert(current.time);
        if !self.link_types.contains(&current.link_type) && self.link_types.len() < limits::LINK_TYPES {
            self.link_types.push(current.link_type);
        }
    }

    /// What the end of the bytes means.
    #[cold]
    fn ended(&mut self, cut: bool) -> Option<CaptureError> {
        let (position, packets) = (self.window.position(), self.packets);
        let length = position + self.window.data().len() as u64;
        if let Some(error) = self.window.failure() {
            return Some(CaptureError::of_read(error, length, packets));
        }
        if cut {
            return Some(CaptureError::Truncated { position, length, packets });
        }
        let first = self.losses.first.first()?;
        Some(match packets {
            0 => CaptureError::Corrupt { position: first.position },
            _ => CaptureError::Damaged(self.losses.clone()),
        })
    }
}
