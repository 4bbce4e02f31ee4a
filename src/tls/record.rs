//! Record headers (RFC 8446 section 5.1).

/// Bytes of a record's header.
pub(super) const HEADER: usize = 5;
/// The longest fragment a record may carry: 2^14 bytes of content, and what protection may add up to TLS 1.2.
pub(super) const LONGEST: usize = (1 << 14) + 2048;

/// Content types.
pub(super) mod kind {
    pub(crate) const CHANGE_CIPHER_SPEC: u8 = 20;
    pub(crate) const HANDSHAKE: u8 = 22;
    pub(crate) const APPLICATION_DATA: u8 = 23;
}

/// The header of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: u8,
    pub(super) version: u16,
    pub(super) length: usize,
}

impl Header {
    /// The header in these bytes, if they may be one.
    pub(super) fn read(bytes: &[u8]) -> Option<Header> {
        let &[kind, 3, minor, high, low] = bytes.first_chunk::<HEADER>()? else { return None };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let known = matches!(kind, 20..=24) && minor <= 4 && length <= LONGEST;
        known.then_some(Header { kind, version: 0x0300 | u16::from(minor), length })
    }

    /// Its bytes on the wire.
    pub(super) fn bytes(self) -> [u8; HEADER] {
        let [major, minor] = self.version.to_be_bytes();
        let [high, low] = (self.length as u16).to_be_bytes();
        [self.kind, major, minor, high, low]
    }
}
