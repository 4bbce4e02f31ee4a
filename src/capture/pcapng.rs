//! pcapng (draft-ietf-opsawg-pcapng): blocks, each with its length in front and behind.
//!
//! pcap-parser reads the blocks with options in them; packets, and the way from block to block, are read by hand, because a
//! corrupt block must not hide those behind it.

use pcap_parser::pcapng::{
    DecryptionSecretsBlock, InterfaceDescriptionBlock, InterfaceStatisticsBlock, PcapNGOption, SecretsType,
    parse_decryptionsecretsblock_be, parse_decryptionsecretsblock_le, parse_interfacedescriptionblock_be,
    parse_interfacedescriptionblock_le, parse_interfacestatisticsblock_be, parse_interfacestatisticsblock_le,
};

use super::interface::Interface;
use super::loss::{Losses, Skipped};
use super::window::{ByteOrder, Window};
use super::{Current, Next};
use crate::ids::Timestamp;
use crate::limits;

/// Type of the Section Header Block, the same in both byte orders.
pub(super) const SECTION: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

const INTERFACE: u32 = 1;
/// What pcapng had before the Enhanced Packet Block.
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;
const SECRETS: u32 = 10;

/// Shortest section header, and shortest block.
const SHORTEST_SECTION: usize = 28;
const SHORTEST_BLOCK: usize = 12;

/// Block types from which reading may go on after corrupt bytes: the ones that capture programs write. Any other number is
/// more likely payload.
fn is_anchor(kind: u32) -> bool {
    matches!(kind, 1..=11 | 0x0000_0bad | 0x4000_0bad)
}

/// What was read of the file so far, apart from its packets.
#[derive(Debug)]
pub(super) struct Pcapng {
    order: ByteOrder,
    interfaces: Vec<Interface>,
    /// The last packet's time, which a packet without one takes.
    last: Timestamp,
    /// Packets that the capture program says it dropped, by the statistics of the current section's interfaces.
    dropped_by_interface: Vec<u64>,
    /// The same of earlier sections.
    dropped_before: u64,
    /// The same as told packet by packet.
    dropped_between: u64,
    pub(super) facts: Facts,
}

/// What a pcapng file tells beside its packets.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// TLS key log text of Decryption Secrets Blocks.
    pub(super) secrets: Vec<u8>,
    /// Packets that name an interface that was never described: nothing in them can be read.
    pub(super) unknown_interface: u64,
    /// Packets without a time (Simple Packet Blocks).
    pub(super) untimed: u64,
}

impl Pcapng {
    pub(super) fn new() -> Pcapng {
        Pcapng {
            order: ByteOrder::Little,
            interfaces: Vec::new(),
            last: Timestamp(0),
            dropped_by_interface: Vec::new(),
            dropped_before: 0,
            dropped_between: 0,
            facts: Facts::default(),
        }
    }

    /// Packets that the capture program says it dropped.
    pub(super) fn dropped(&self) -> u64 {
        let by_statistics = self.dropped_by_interface.iter().fold(self.dropped_before, |sum, n| sum.saturating_add(*n));
        by_statistics.max(self.dropped_between)
    }

    /// The next packet, with its block at the beginning of the window. Blocks before it are consumed.
    #[inline]
    pub(super) fn next(&mut self, window: &mut Window, losses: &mut Losses, packets: u64) -> Next {
        loop {
            if !window.have(SHORTEST_BLOCK) {
                return if window.data().is_empty() { Next::End } else { Next::Cut };
            }
            let Some((kind, length)) = self.block(window.data()) else {
                if self.search(window, losses, packets) {
                    continue;
                }
                return Next::End;
            };
            if !window.have(length) {
                // The end of the file, or a length that lies: then there are blocks behind it.
                let rest = window.data().len();
                if self.find(window, 1, rest).is_some() && self.search(window, losses, packets) {
                    continue;
                }
                return Next::Cut;
            }
            if self.order.word(window.data(), length - 4) as usize != length {
                if self.search(window, losses, packets) {
                    continue;
                }
                return Next::End;
            }
            let block = &window.data()[..length];
            let found = match kind {
                ENHANCED_PACKET => self.enhanced_packet(block),
                SIMPLE_PACKET => self.simple_packet(block),
                OBSOLETE_PACKET => self.obsolete_packet(block),
                _ => {
                    self.other(kind, block);
                    window.consume(length);
                    continue;
                }
            };
            return match found {
                Some(current) => {
                    self.last = current.time;
                    Next::Packet(length, current)
                }
                None => {
                    self.facts.unknown_interface += 1;
                    Next::Unreadable(length)
                }
            };
        }
    }

    /// Type and length of the block at the beginning of `data`, and its section's byte order when it begins one; `None`
    /// when no capture program writes such a block.
    #[inline]
    fn block(&mut self, data: &[u8]) -> Option<(u32, usize)> {
        if data.starts_with(&SECTION) {
            self.order = section_order(data)?;
        }
        let (kind, length) = (self.order.word(data, 0), self.order.word(data, 4) as usize);
        (SHORTEST_BLOCK..=limits::LARGEST_RECORD).contains(&length).then_some((kind, length))
    }

    #[inline]
    fn enhanced_packet(&mut self, block: &[u8]) -> Option<Current> {
        const HEADER: usize = 28;
        let word = |at| self.order.word(block, at);
        let interface = self.interfaces.get(word(8) as usize)?;
        let (captured, original) = (word(20), word(24));
        let room = block.len().checked_sub(HEADER + 4)?;
        let current = Current {
            time: interface.time(word(12), word(16)),
            link_type: interface.link_type,
            wire_length: original.max(captured),
            start: HEADER,
            length: (captured as usize).min(room),
        };
        let current = without_fcs(current, interface.fcs);
        let options = HEADER + (captured as usize).min(room).next_multiple_of(4);
        if options + 8 < block.len() {
            self.dropped_between = self.dropped_between.saturating_add(drop_count(self.order, &block[options..]));
        }
        Some(current)
    }

    #[cold]
    fn simple_packet(&mut self, block: &[u8]) -> Option<Current> {
        const HEADER: usize = 12;
        let interface = self.interfaces.first()?;
        let original = self.order.word(block, 8);
        let snap = if interface.snap_length == 0 { u32::MAX } else { interface.snap_length };
        self.facts.untimed += 1;
        let current = Current {
            time: self.last,
            link_type: interface.link_type,
            wire_length: original,
            start: HEADER,
            length: (original.min(snap) as usize).min(block.len().checked_sub(HEADER + 4)?),
        };
        Some(without_fcs(current, interface.fcs))
    }

    #[cold]
    fn obsolete_packet(&mut self, block: &[u8]) -> Option<Current> {
        const HEADER: usize = 28;
        let word = |at| self.order.word(block, at);
        let interface = self.interfaces.get(usize::from(self.order.half(block, 8)))?;
        let (captured, original) = (word(20), word(24));
        let current = Current {
            time: interface.time(word(12), word(16)),
            link_type: interface.link_type,
            wire_length: original.max(captured),
            start: HEADER,
            length: (captured as usize).min(block.len().checked_sub(HEADER + 4)?),
        };
        let dropped = self.order.half(block, 10);
        if dropped != u16::MAX {
            self.dropped_between = self.dropped_between.saturating_add(u64::from(dropped));
        }
        Some(without_fcs(current, interface.fcs))
    }

    /// Blocks without a packet. One that contradicts itself inside is passed over: its length held.
    #[cold]
    fn other(&mut self, kind: u32, block: &[u8]) {
        if block.starts_with(&SECTION) {
            self.interfaces.clear();
            self.dropped_before = self.dropped();
            self.dropped_by_interface.clear();
            return;
        }
        match kind {
            INTERFACE => self.interface(block),
            STATISTICS => self.statistics(block),
            SECRETS => self.secrets(block),
            _ => {}
        }
    }

    fn interface(&mut self, block: &[u8]) {
        if self.interfaces.len() >= limits::INTERFACES {
            return;
        }
        let parsed: Option<InterfaceDescriptionBlock<'_>> = match self.order {
            ByteOrder::Little => parse_interfacedescriptionblock_le(block).ok().map(|(_, b)| b),
            ByteOrder::Big => parse_interfacedescriptionblock_be(block).ok().map(|(_, b)| b),
        };
        let mut interface = Interface {
            link_type: self.order.half(block, 8),
            snap_length: self.order.word(block, 12),
            resolution: 6,
            offset: 0,
            fcs: 0,
        };
        if let Some(parsed) = parsed {
            interface.resolution = parsed.if_tsresol;
            // The crate reads the offset as little-endian whatever the section says.
            interface.offset = match self.order {
                ByteOrder::Little => parsed.if_tsoffset,
                ByteOrder::Big => parsed.if_tsoffset.swap_bytes(),
            };
            interface.fcs = fcs_length(&parsed.options);
        }
        self.interfaces.push(interface);
        self.dropped_by_interface.push(0);
    }

    fn statistics(&mut self, block: &[u8]) {
        let parsed: Option<InterfaceStatisticsBlock<'_>> = match self.order {
            ByteOrder::Little => parse_interfacestatisticsblock_le(block).ok().map(|(_, b)| b),
            ByteOrder::Big => parse_interfacestatisticsblock_be(block).ok().map(|(_, b)| b),
        };
        let Some(parsed) = parsed else { return };
        // As with the offset: the crate reads them as little-endian.
        let number = |n: u64| if self.order == ByteOrder::Big { n.swap_bytes() } else { n };
        let counted = [parsed.isb_ifdrop(), parsed.isb_osdrop()];
        let dropped = counted.into_iter().flatten().flatten().map(number).fold(0u64, u64::saturating_add);
        if let Some(known) = self.dropped_by_interface.get_mut(parsed.if_id as usize) {
            // Statistics count from the beginning of the capture: a later block replaces an earlier one.
            *known = (*known).max(dropped);
        }
    }

    fn secrets(&mut self, block: &[u8]) {
        let parsed: Option<DecryptionSecretsBlock<'_>> = match self.order {
            ByteOrder::Little => parse_decryptionsecretsblock_le(block).ok().map(|(_, b)| b),
            ByteOrder::Big => parse_decryptionsecretsblock_be(block).ok().map(|(_, b)| b),
        };
        let Some(parsed) = parsed.filter(|p| p.secrets_type == SecretsType::TlsKeyLog) else { return };
        // The crate's data holds the padding too.
        let text = &parsed.data[..parsed.data.len().min(parsed.secrets_len as usize)];
        if self.facts.secrets.len() + text.len() < limits::SECRETS {
            self.facts.secrets.extend_from_slice(text);
            self.facts.secrets.push(b'\n');
        }
    }

    /// Passes over bytes until a block begins; false when none does up to the end of the file.
    #[cold]
    fn search(&mut self, window: &mut Window, losses: &mut Losses, packets: u64) -> bool {
        let position = window.position();
        window.consume(1);
        let found = loop {
            match self.find(window, 0, limits::READ_BUFFER) {
                Some(at) => {
                    window.consume(at);
                    break true;
                }
                None if window.have(limits::READ_BUFFER) => window.consume(limits::READ_BUFFER),
                None => {
                    window.consume(window.data().len());
                    break false;
                }
            }
        };
        losses.add(Skipped { position, bytes: window.position() - position, after: packets });
        found
    }

    /// The first of the bytes from `from` to `to` at which a block begins: of a type that capture programs write, and with the
    /// same length in front and behind.
    fn find(&self, window: &mut Window, from: usize, to: usize) -> Option<usize> {
        (from..to).find(|&at| {
            if !window.have(at + SHORTEST_BLOCK) {
                return false;
            }
            let data = &window.data()[at..];
            let (order, shortest) = match data.starts_with(&SECTION) {
                true => match section_order(data) {
                    Some(order) => (order, SHORTEST_SECTION),
                    None => return false,
                },
                false if is_anchor(self.order.word(data, 0)) => (self.order, SHORTEST_BLOCK),
                false => return false,
            };
            let length = order.word(data, 4) as usize;
            (shortest..=limits::SEARCHED_RECORD).contains(&length)
                && window.have(at + length)
                && order.word(window.data(), at + length - 4) as usize == length
        })
    }
}

/// The byte order of the section whose header begins here.
fn section_order(data: &[u8]) -> Option<ByteOrder> {
    match data.get(8..12)? {
        [0x1a, 0x2b, 0x3c, 0x4d] => Some(ByteOrder::Big),
        [0x4d, 0x3c, 0x2b, 0x1a] => Some(ByteOrder::Little),
        _ => None,
    }
}

#[inline]
fn without_fcs(mut current: Current, fcs: u32) -> Current {
    current.wire_length = current.wire_length.saturating_sub(fcs);
    current.length = current.length.min(current.wire_length as usize);
    current
}

/// `if_fcslen`, in bytes: the draft gives bits, and some writers bytes.
fn fcs_length(options: &[PcapNGOption<'_>]) -> u32 {
    const IF_FCSLEN: u16 = 13;
    let length = options.iter().find(|o| o.code.0 == IF_FCSLEN).and_then(|o| o.value().first().copied());
    match length {
        Some(bits @ (16 | 32 | 64)) => u32::from(bits / 8),
        Some(bytes @ (2 | 4 | 8)) => u32::from(bytes),
        _ => 0,
    }
}

/// `epb_dropcount` among the options of an Enhanced Packet Block: packets lost between this one and the one before it.
#[cold]
fn drop_count(order: ByteOrder, mut options: &[u8]) -> u64 {
    const EPB_DROPCOUNT: u16 = 4;
    while options.len() >= 8 {
        let (code, length) = (order.half(options, 0), usize::from(order.half(options, 2)));
        if code == EPB_DROPCOUNT && length == 8 {
            let (first, second) = (u64::from(order.word(options, 4)), u64::from(order.word(options, 8)));
            return if order == ByteOrder::Big { first << 32 | second } else { second << 32 | first };
        }
        if code == 0 {
            return 0;
        }
        options = options.get(4 + length.next_multiple_of(4)..).unwrap_or_default();
    }
    0
}
