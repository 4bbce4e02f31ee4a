//! The numbers that travel with every value, each a type of its own so that they cannot be mixed up.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

/// A packet: the file that it lies in, and its position there, counted from 1: Wireshark's `frame.number`.
///
/// Packets have no order of their own, because files may overlap in time: compare their [`Origin`]s. They print through
/// what knows the names of the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PacketNumber(
    /// The number in the lower 48 bits. Above it, where the run reads several files, the file's index plus one; 0 where it
    /// reads a single one.
    u64,
);

impl PacketNumber {
    const FILE: u32 = 48;

    /// A packet of the only file of a run.
    #[must_use]
    pub fn new(number: u64) -> PacketNumber {
        PacketNumber(number & ((1 << Self::FILE) - 1))
    }

    /// A packet of one of several files; `file` is an index into the captures of the report.
    #[must_use]
    pub fn in_file(file: u16, number: u64) -> PacketNumber {
        PacketNumber((u64::from(file) + 1) << Self::FILE | PacketNumber::new(number).0)
    }

    /// The packet of the same file with this number, which is below 2^48.
    #[must_use]
    #[inline]
    pub fn nth(self, number: u64) -> PacketNumber {
        PacketNumber(self.0 & !((1 << Self::FILE) - 1) | number)
    }

    /// Its number in its file; 0 stands for no packet.
    #[must_use]
    #[inline]
    pub fn number(self) -> u64 {
        self.0 & ((1 << Self::FILE) - 1)
    }

    /// The index of its file.
    #[must_use]
    #[inline]
    pub fn file(self) -> usize {
        (self.0 >> Self::FILE).saturating_sub(1) as usize
    }

    /// Whether the run reads several files, so that the number alone does not tell the packet.
    #[must_use]
    #[inline]
    pub fn is_of_several(self) -> bool {
        self.0 >> Self::FILE != 0
    }
}

/// A capture time in nanoseconds since 1970-01-01 00:00:00 UTC, as the capture file gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Nanoseconds from `earlier` to `self`; negative when the capture's clock ran backwards.
    #[must_use]
    pub fn since(self, earlier: Timestamp) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Seconds from `earlier` to `self`, never below zero.
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // a span is good to a microsecond over a century
    pub fn seconds_since(self, earlier: Timestamp) -> f64 {
        self.since(earlier).max(0) as f64 / 1e9
    }

    /// RFC 3339 in UTC with nine digits of the second, the form every report uses.
    #[must_use]
    pub fn rfc3339(self) -> String {
        match jiff::Timestamp::from_nanosecond(i128::from(self.0)) {
            Ok(t) => format!("{t:.9}"),
            Err(_) => format!("{}ns", self.0),
        }
    }
}

/// An offset in one direction of a TCP connection's byte stream; 0 is the first byte after the SYN, or the
/// first byte captured where the SYN was not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StreamOffset(pub u64);

/// A TCP sequence number with its wrapping order (RFC 9293 section 3.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SequenceNumber(pub u32);

impl SequenceNumber {
    /// How far `self` lies after `other`: positive when later, negative when earlier.
    #[must_use]
    #[inline]
    pub fn distance_from(self, other: SequenceNumber) -> i32 {
        self.0.wrapping_sub(other.0).cast_signed()
    }

    /// The number `count` bytes later.
    #[must_use]
    #[inline]
    pub fn advanced_by(self, count: u32) -> SequenceNumber {
        SequenceNumber(self.0.wrapping_add(count))
    }
}

/// Where a fact comes from: the packet that carried it and when that packet was captured.
///
/// In order of the packets of a single file, and in order of time where there are several: see [`PacketNumber`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Origin {
    /// The packet's number in its capture.
    pub packet: PacketNumber,
    /// The packet's capture time.
    pub at: Timestamp,
}

impl Ord for Origin {
    #[inline]
    fn cmp(&self, other: &Origin) -> Ordering {
        let several = (self.packet.is_of_several(), other.packet.is_of_several());
        match several {
            (false, false) => (self.packet.0, self.at).cmp(&(other.packet.0, other.at)),
            (true, true) => (self.at, self.packet.0).cmp(&(other.at, other.packet.0)),
            // The one without a file is none of the run: the default, which stands for no packet.
            (mine, others) => mine.cmp(&others),
        }
    }
}

impl PartialOrd for Origin {
    #[inline]
    fn partial_cmp(&self, other: &Origin) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// One end of a WebSocket connection, by its role in the opening handshake (RFC 6455 section 1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// The end that asked for the upgrade and masks its frames.
    Client,
    /// The end that answered it.
    Server,
}

impl Side {
    /// The other end.
    #[must_use]
    #[inline]
    pub fn other(self) -> Side {
        match self {
            Side::Client => Side::Server,
            Side::Server => Side::Client,
        }
    }

    /// `client` or `server`, as sentences and JSON write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Side::Client => "client",
            Side::Server => "server",
        }
    }
}

impl std::fmt::Display for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequence_numbers_wrap() {
        let high = SequenceNumber(u32::MAX - 1);
        assert_eq!(high.advanced_by(4), SequenceNumber(2));
        assert_eq!(SequenceNumber(2).distance_from(high), 4);
        assert_eq!(high.distance_from(SequenceNumber(2)), -4);
    }

    #[test]
    fn packets_of_one_file_are_ordered_by_number_and_of_several_by_time() {
        let one = |number, at| Origin { packet: PacketNumber::new(number), at: Timestamp(at) };
        let of = |file, number, at| Origin { packet: PacketNumber::in_file(file, number), at: Timestamp(at) };
        assert!(one(1, 9) < one(2, 5), "the clock was set back");
        assert!(of(1, 7, 5) < of(0, 3, 9));
        assert!(of(0, 3, 5) < of(0, 4, 5));
        assert!(Origin::default() < of(0, 1, -5));
        let packet = PacketNumber::in_file(65_000, 77).nth(78);
        assert_eq!((packet.file(), packet.number(), packet.is_of_several()), (65_000, 78, true));
        assert_eq!((PacketNumber::new(3).file(), PacketNumber::new(3).is_of_several()), (0, false));
    }

    #[test]
    fn times_keep_their_nanoseconds() {
        assert_eq!(Timestamp(1_795_323_242_356_412_007).rfc3339(), "2026-11-22T04:54:02.356412007Z");
    }
}
