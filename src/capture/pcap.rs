//! Classic pcap (draft-ietf-opsawg-pcap): a header of 24 bytes, then records of a header and a packet each.
//!
//! Read by hand: a record whose header is corrupt must not hide those behind it, and the search for the next one needs to see
//! the bytes.

use super::loss::{Losses, Skipped};
use super::window::{ByteOrder, Window};
use super::{Current, Next};
use crate::ids::Timestamp;
use crate::limits;

/// Bytes of the file header.
pub(super) const FILE_HEADER: usize = 24;

/// Bytes of a record's header: libpcap's; that of Alexey Kuznetzov's patch, which has a magic of its own but not in Red Hat 6.1;
/// that of a later patch in SuSE 6.3; and Nokia's. All begin with the same four fields.
const RECORD_HEADERS: [usize; 4] = [16, 24, 28, 20];

/// Records further apart than this are not taken for neighbours when the next record is searched for, in seconds.
const NEAR: i64 = 30 * 24 * 3600;

/// What the file header says of the records.
#[derive(Debug)]
pub(super) struct Pcap {
    order: ByteOrder,
    nanoseconds: bool,
    /// Bytes of a record's header: see [`RECORD_HEADERS`].
    record_header: usize,
    /// Whether that was compared with the first records.
    measured: bool,
    link_type: u16,
    /// Bytes of frame check sequence behind each packet.
    fcs: u32,
    /// The last record's seconds.
    last: Option<i64>,
}

/// The fields of a record's header.
#[derive(Clone, Copy)]
struct Record {
    seconds: i64,
    fraction: u32,
    captured: u32,
    original: u32,
}

impl Pcap {
    /// Reads the file header, whose magic is known to be one of pcap's.
    pub(super) fn new(header: &[u8; FILE_HEADER]) -> Pcap {
        let order = if header[0] == 0xa1 { ByteOrder::Big } else { ByteOrder::Little };
        let (magic, network) = (order.word(header, 0), order.word(header, 20));
        // The upper half of the network field: whether there is a frame check sequence, and its length in 16-bit words.
        let fcs = if network & 0x0400_0000 != 0 { (network >> 28) * 2 } else { 0 };
        Pcap {
            order,
            nanoseconds: magic == 0xa1b2_3c4d,
            record_header: if magic == 0xa1b2_cd34 { 24 } else { 16 },
            measured: false,
            link_type: (network & 0xffff) as u16,
            fcs,
            last: None,
        }
    }

    /// The next record, with its header at the beginning of the window.
    #[inline]
    pub(super) fn next(&mut self, window: &mut Window, losses: &mut Losses, packets: u64) -> Next {
        loop {
            if !window.have(self.record_header) {
                return if window.data().is_empty() { Next::End } else { Next::Cut };
            }
            if !self.measured {
                self.measure(window);
            }
            let record = self.record(window.data());
            let ordinary =
                record.captured <= record.original && record.captured <= limits::LARGEST_PACKET && record.original != 0;
            if !(ordinary || self.is_credible(window, record)) {
                if self.search(window, losses, packets) {
                    continue;
                }
                return Next::End;
            }
            let length = self.record_header + record.captured as usize;
            if !window.have(length) {
                // The end of the file, or a length that lies: then there are records behind it.
                let rest = window.data().len();
                if self.find(window, rest).is_some() && self.search(window, losses, packets) {
                    continue;
                }
                return Next::Cut;
            }
            self.last = Some(record.seconds);
            return Next::Packet(length, self.current(record));
        }
    }

    #[inline]
    fn current(&self, record: Record) -> Current {
        let unit = if self.nanoseconds { 1 } else { 1000 };
        let original = record.original.max(record.captured).saturating_sub(self.fcs);
        Current {
            time: Timestamp(record.seconds * 1_000_000_000 + i64::from(record.fraction) * unit),
            link_type: self.link_type,
            wire_length: original,
            start: self.record_header,
            length: record.captured.min(original) as usize,
        }
    }

    #[inline]
    fn record(&self, bytes: &[u8]) -> Record {
        let Some(header) = bytes.first_chunk::<16>() else {
            return Record { seconds: 0, fraction: 0, captured: u32::MAX, original: 0 };
        };
        let word = |at| self.order.word(header, at);
        Record { seconds: i64::from(word(0)), fraction: word(4), captured: word(8), original: word(12) }
    }

    /// Finds the length of the records' headers: the one after which the second record begins where the first says.
    #[cold]
    fn measure(&mut self, window: &mut Window) {
        self.measured = true;
        let first = self.record(window.data());
        if !self.is_plausible(first, None) {
            return;
        }
        let told = self.record_header;
        let fits = |header: &usize| {
            let next = header + first.captured as usize;
            if window.have(next + header) {
                self.is_plausible(self.record(&window.data()[next..]), Some(first.seconds))
            } else {
                window.data().len() == next
            }
        };
        self.record_header = std::iter::once(told).chain(RECORD_HEADERS).find(fits).unwrap_or(told);
    }

    /// Whether an odd header is what the writer meant: some write lengths that contradict each other, packets of no length,
    /// or packets above every snap length. Then another record follows, or the end.
    #[cold]
    fn is_credible(&self, window: &mut Window, record: Record) -> bool {
        if record.captured as usize > limits::LARGEST_RECORD {
            return false;
        }
        if record.captured == 0 && record.original == 0 {
            return self.last.is_some_and(|last| (last - record.seconds).abs() <= NEAR);
        }
        let next = self.record_header + record.captured as usize;
        if window.have(next + self.record_header) {
            let near = Some(record.seconds);
            self.is_plausible(self.record(&window.data()[next..]), near)
        } else {
            window.data().len() == next
        }
    }

    /// Whether a header looks like one that a capture program wrote, about when the last one was.
    #[inline]
    fn is_plausible(&self, record: Record, near: Option<i64>) -> bool {
        record.captured <= limits::LARGEST_PACKET
            && record.captured <= record.original
            && record.original != 0
            && record.original as usize <= limits::LARGEST_RECORD
            && record.fraction < if self.nanoseconds { 1_000_000_000 } else { 1_000_000 }
            && record.seconds != 0
            && near.is_none_or(|near| (near - record.seconds).abs() <= NEAR)
    }

    /// Passes over bytes until a record begins; false when none does up to the end of the file.
    #[cold]
    fn search(&mut self, window: &mut Window, losses: &mut Losses, packets: u64) -> bool {
        let position = window.position();
        window.consume(1);
        let found = loop {
            match self.find(window, limits::READ_BUFFER) {
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

    /// The first of the next `within` bytes at which a record begins: its header is plausible, and so
    /// is the one behind it, unless the file ends there.
    fn find(&self, window: &mut Window, within: usize) -> Option<usize> {
        (0..within).find(|&at| {
            if !window.have(at + self.record_header) {
                return false;
            }
            let record = self.record(&window.data()[at..]);
            if !self.is_plausible(record, self.last) {
                return false;
            }
            let next = at + self.record_header + record.captured as usize;
            if window.have(next + self.record_header) {
                self.is_plausible(self.record(&window.data()[next..]), Some(record.seconds))
            } else {
                window.data().len() == next
            }
        })
    }
}
