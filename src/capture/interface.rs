//! The clock of a pcapng interface: resolution and offset of its time stamps.

use crate::ids::Timestamp;

/// What a pcapng Interface Description Block says of the packets that name it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Interface {
    /// LINKTYPE number.
    pub(super) link_type: u16,
    /// Bytes at which packets were cut; 0 when unlimited.
    pub(super) snap_length: u32,
    /// `if_tsresol`: 10^-n seconds, or 2^-n with the highest bit set.
    pub(super) resolution: u8,
    /// `if_tsoffset` in seconds.
    pub(super) offset: i64,
    /// Bytes of frame check sequence behind each packet.
    pub(super) fcs: u32,
}

impl Interface {
    /// The time of a packet whose 64-bit stamp counts units of the resolution.
    pub(super) fn time(&self, high: u32, low: u32) -> Timestamp {
        let units = (u128::from(high) << 32) | u128::from(low);
        let exponent = u32::from(self.resolution & 0x7f);
        let nanoseconds = if self.resolution == 6 {
            units * 1000
        } else if self.resolution & 0x80 != 0 {
            // 2^-n seconds: beyond 2^-64 nothing of the stamp is left.
            if exponent > 64 { 0 } else { (units * 1_000_000_000) >> exponent }
        } else if exponent <= 9 {
            units * 10u128.pow(9 - exponent)
        } else {
            10u128.checked_pow(exponent - 9).map_or(0, |d| units / d)
        };
        let total =
            i128::try_from(nanoseconds).unwrap_or(i128::MAX).saturating_add(i128::from(self.offset) * 1_000_000_000);
        Timestamp(i64::try_from(total).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(resolution: u8, offset: i64, units: u64) -> i64 {
        let clock = Interface { link_type: 1, snap_length: 0, resolution, offset, fcs: 0 };
        clock.time((units >> 32) as u32, units as u32).0
    }

    #[test]
    fn resolutions() {
        assert_eq!(at(6, 0, 1_700_000_000_123_456), 1_700_000_000_123_456_000);
        assert_eq!(at(9, 0, 1_700_000_000_123_456_789), 1_700_000_000_123_456_789);
        assert_eq!(at(3, 0, 1_700_000_000_123), 1_700_000_000_123_000_000);
        assert_eq!(at(12, 0, 1_234_567), 1_234);
        assert_eq!(at(0x80 | 10, 0, 1024 * 5 + 512), 5_500_000_000);
        assert_eq!(at(6, 3600, 1_000_000), 3_601_000_000_000);
        assert_eq!(at(0xff, 0, u64::MAX), 0);
        assert_eq!(at(0x7f, 0, u64::MAX), 0);
    }
}
