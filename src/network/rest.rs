//! What is left of a packet behind the headers read so far.

use super::NotTcp;

/// The rest of a packet: the bytes captured, and how many there were on the wire.
///
/// The two differ when the snap length cut the packet. Every header is taken from both, so that the length of the TCP
/// payload is right below any number of headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rest<'a> {
    bytes: &'a [u8],
    /// Never less than `bytes.len()`.
    wire: u32,
}

impl<'a> Rest<'a> {
    #[inline]
    pub(super) fn new(bytes: &'a [u8], wire: u32) -> Rest<'a> {
        Rest { bytes, wire: wire.max(u32::try_from(bytes.len()).unwrap_or(u32::MAX)) }
    }

    /// The bytes captured.
    #[inline]
    pub(super) fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// How many there were on the wire.
    #[inline]
    pub(super) fn wire(self) -> u32 {
        self.wire
    }

    /// The first byte, where it was captured.
    pub(super) fn first(self) -> Option<u8> {
        self.bytes.first().copied()
    }

    /// A header of fixed length, and what follows it.
    #[inline]
    pub(super) fn header<const N: usize>(self) -> Result<(&'a [u8; N], Rest<'a>), NotTcp> {
        match self.bytes.split_first_chunk::<N>() {
            Some((header, bytes)) => Ok((header, Rest { bytes, wire: self.wire - N as u32 })),
            None => Err(self.lacks(N)),
        }
    }

    /// What follows `count` bytes.
    #[inline]
    pub(super) fn skip(self, count: usize) -> Result<Rest<'a>, NotTcp> {
        match self.bytes.split_at_checked(count) {
            Some((_, bytes)) => Ok(Rest { bytes, wire: self.wire - count as u32 }),
            None => Err(self.lacks(count)),
        }
    }

    /// The same, ending where a length in a header says: without the padding and trailers of the layers around it, and
    /// with the bytes that the capture program left out of the packet's length.
    #[inline]
    pub(super) fn until(self, wire: u32) -> Rest<'a> {
        Rest { bytes: self.bytes.get(..wire as usize).unwrap_or(self.bytes), wire }
    }

    /// Why `count` bytes are not there.
    #[cold]
    pub(super) fn lacks(self, count: usize) -> NotTcp {
        if count as u64 <= u64::from(self.wire) { NotTcp::Cut } else { NotTcp::Malformed }
    }
}

/// Two bytes in network order.
#[inline]
pub(super) fn be16(high: u8, low: u8) -> u16 {
    u16::from_be_bytes([high, low])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_lengths_shrink_together() {
        let rest = Rest::new(&[1, 2, 3, 4], 100);
        let (header, rest) = rest.header::<2>().expect("two bytes");
        assert_eq!((header, rest.bytes(), rest.wire()), (&[1, 2], &[3, 4][..], 98));
        assert_eq!(rest.skip(1).expect("a byte").wire(), 97);
        assert_eq!(rest.skip(3), Err(NotTcp::Cut));
        assert_eq!(rest.skip(99), Err(NotTcp::Malformed));
        assert_eq!(rest.header::<3>().expect_err("too short"), NotTcp::Cut);
    }

    #[test]
    fn a_length_in_a_header_counts() {
        let rest = Rest::new(&[1, 2, 3, 4], 4);
        assert_eq!(rest.until(3), Rest::new(&[1, 2, 3], 3));
        assert_eq!(rest.until(9), Rest::new(&[1, 2, 3, 4], 9));
    }
}
