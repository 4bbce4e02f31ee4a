//! The numbers that travel with every value, each a type of its own so that they cannot be mixed up.

use serde::{Deserialize, Serialize};

/// A packet's position in its capture file, counted from 1: Wireshark's `frame.number`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PacketNumber(pub u64);

impl std::fmt::Display for PacketNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Origin {
    /// The packet's number in its capture.
    pub packet: PacketNumber,
    /// The packet's capture time.
    pub at: Timestamp,
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
    fn times_keep_their_nanoseconds() {
        assert_eq!(Timestamp(1_795_323_242_356_412_007).rfc3339(), "2026-11-22T04:54:02.356412007Z");
    }
}
