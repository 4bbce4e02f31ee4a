//! The frame header of RFC 6455 section 5.2.

/// Opcodes, reserved ones included.
pub(super) mod opcode {
    /// A continuation of a fragmented message.
    pub(in crate::websocket) const CONTINUATION: u8 = 0;
    /// A text message.
    pub(in crate::websocket) const TEXT: u8 = 1;
    /// A binary message.
    pub(in crate::websocket) const BINARY: u8 = 2;
    /// A Close.
    pub(in crate::websocket) const CLOSE: u8 = 8;
    /// A Ping.
    pub(in crate::websocket) const PING: u8 = 9;
    /// A Pong.
    pub(in crate::websocket) const PONG: u8 = 10;

    /// Whether the opcode is that of a control frame, reserved ones included.
    #[must_use]
    #[inline]
    pub(in crate::websocket) fn is_control(opcode: u8) -> bool {
        opcode & 0x8 != 0
    }

    /// Whether RFC 6455 leaves the opcode undefined.
    #[must_use]
    #[inline]
    pub(in crate::websocket) fn is_reserved(opcode: u8) -> bool {
        matches!(opcode, 3..=7 | 11..=15)
    }
}

/// The longest header: two bytes, eight of length, four of mask.
pub(super) const LONGEST_HEADER: usize = 14;

/// A frame header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Header {
    /// Whether this is the last frame of its message.
    pub(super) fin: bool,
    /// RSV1 (4), RSV2 (2) and RSV3 (1).
    pub(super) rsv: u8,
    /// 0 to 15.
    pub(super) opcode: u8,
    /// The masking key; `None` when the mask bit is 0.
    pub(super) mask: Option<[u8; 4]>,
    /// Payload length, counted and never allocated for.
    pub(super) length: u64,
    /// The length was written in more bytes than it needs.
    pub(super) non_minimal: bool,
}

impl Header {
    /// Reads a header at the beginning of `bytes`, and its own length. `None` when more bytes are needed.
    #[must_use]
    #[inline]
    pub(super) fn parse(bytes: &[u8]) -> Option<(Header, usize)> {
        let (&[first, second], rest) = bytes.split_first_chunk::<2>()?;
        let (length, non_minimal, rest, mut size) = match second & 0x7f {
            126 => {
                let (length, rest) = rest.split_first_chunk::<2>()?;
                let length = u64::from(u16::from_be_bytes(*length));
                (length, length < 126, rest, 4)
            }
            127 => {
                let (length, rest) = rest.split_first_chunk::<8>()?;
                let length = u64::from_be_bytes(*length);
                (length, length <= 0xffff, rest, 10)
            }
            short => (u64::from(short), false, rest, 2),
        };
        let mask = if second & 0x80 != 0 {
            size += 4;
            Some(*rest.first_chunk::<4>()?)
        } else {
            None
        };
        let header =
            Header { fin: first & 0x80 != 0, rsv: (first >> 4) & 7, opcode: first & 0x0f, mask, length, non_minimal };
        Some((header, size))
    }

    /// Bytes of header and payload. A length that was not written in the shortest way may make it up to eight bytes more.
    #[must_use]
    pub(super) fn frame_size(&self) -> u64 {
        let length = match self.length {
            0..=125 => 0,
            126..=0xffff => 2,
            _ => 8,
        };
        (2 + length + if self.mask.is_some() { 4 } else { 0u64 }).saturating_add(self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_length_forms() {
        let cases: [(&[u8], u64, usize, bool); 6] = [
            (&[0x81, 5], 5, 2, false),
            (&[0x81, 126, 1, 0], 256, 4, false),
            (&[0x81, 126, 0, 125], 125, 4, true),
            (&[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0], 65_536, 10, false),
            (&[0x82, 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff], 65_535, 10, true),
            (&[0x82, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], u64::MAX, 10, false),
        ];
        for (bytes, length, size, non_minimal) in cases {
            let (header, used) = Header::parse(bytes).expect("whole");
            assert_eq!((header.length, used, header.non_minimal), (length, size, non_minimal));
            if !non_minimal {
                assert_eq!(header.frame_size(), length.saturating_add(size as u64));
            }
            for cut in 0..bytes.len() {
                assert_eq!(Header::parse(&bytes[..cut]), None);
            }
        }
    }

    #[test]
    fn bits_and_mask() {
        let (header, size) = Header::parse(&[0x7a, 0x83, 1, 2, 3, 4, 9]).expect("whole");
        assert_eq!((header.fin, header.rsv, header.opcode, size), (false, 7, 10, 6));
        assert_eq!((header.mask, header.length), (Some([1, 2, 3, 4]), 3));
    }
}
