//! Frame headers (RFC 9113 section 4.1).

/// What a client sends first (RFC 9113 section 3.4).
pub const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Bytes of a frame's header.
pub(super) const HEADER: usize = 9;

/// Frame types (RFC 9113 section 6).
pub(super) mod kind {
    pub(crate) const DATA: u8 = 0;
    pub(crate) const HEADERS: u8 = 1;
    pub(crate) const PRIORITY: u8 = 2;
    pub(crate) const RST_STREAM: u8 = 3;
    pub(crate) const SETTINGS: u8 = 4;
    pub(crate) const PUSH_PROMISE: u8 = 5;
    pub(crate) const PING: u8 = 6;
    pub(crate) const GOAWAY: u8 = 7;
    pub(crate) const WINDOW_UPDATE: u8 = 8;
    pub(crate) const CONTINUATION: u8 = 9;
}

/// Flags of frames.
pub(super) mod flag {
    /// On DATA and HEADERS.
    pub(crate) const END_STREAM: u8 = 1;
    /// On SETTINGS.
    pub(crate) const ACK: u8 = 1;
    pub(crate) const END_HEADERS: u8 = 4;
    pub(crate) const PADDED: u8 = 8;
    pub(crate) const PRIORITY: u8 = 0x20;
}

/// The header of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) length: usize,
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
}

impl Header {
    pub(super) fn read(bytes: &[u8]) -> Option<Header> {
        let &[a, b, c, kind, flags, d, e, f, g] = bytes.first_chunk::<HEADER>()?;
        Some(Header {
            length: usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c),
            kind,
            flags,
            stream: u32::from_be_bytes([d, e, f, g]) & 0x7fff_ffff,
        })
    }

    pub(super) fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Whether a frame may have such a header, where the first octet of its stream's number is `top`.
    fn is_plausible(self, top: u8, known: &dyn Fn(u32) -> bool) -> bool {
        let of_stream = self.stream > 0;
        let fits = match self.kind {
            kind::DATA => known(self.stream),
            kind::HEADERS | kind::PUSH_PROMISE | kind::CONTINUATION => of_stream && self.length > 0,
            kind::PRIORITY => of_stream && self.length == 5,
            kind::RST_STREAM => known(self.stream) && self.length == 4,
            kind::SETTINGS => !of_stream && self.length.is_multiple_of(6) && self.length < 600,
            kind::PING => !of_stream && self.length == 8,
            kind::GOAWAY => !of_stream && self.length >= 8,
            kind::WINDOW_UPDATE => self.length == 4 && (!of_stream || known(self.stream)),
            _ => false,
        };
        // The default of SETTINGS_MAX_FRAME_SIZE (RFC 9113 section 6.5.2), which hardly anybody raises.
        fits && top < 0x80 && self.length <= 16_384
    }
}

/// Where frames begin among these bytes, by a header that leads to another one or to their end. `known`: whether data may
/// belong to a stream.
pub(super) fn find(bytes: &[u8], known: &dyn Fn(u32) -> bool) -> Option<usize> {
    let at = |place: usize| {
        let header = Header::read(bytes.get(place..)?)?;
        header.is_plausible(bytes[place + 5], known).then_some(header)
    };
    (0..bytes.len().saturating_sub(HEADER - 1)).find(|begin| {
        let Some(first) = at(*begin) else { return false };
        let next = begin + HEADER + first.length;
        next == bytes.len() || at(next).is_some()
    })
}

/// Whether these are the first bytes of an HTTP/2 connection: from the client, or from the server.
#[must_use]
pub fn begins(bytes: &[u8]) -> Option<Sender> {
    // Of the methods that ask for WebSockets or anything usual none begins like that.
    if bytes.len() >= 2 && PREFACE.starts_with(&bytes[..bytes.len().min(12)]) {
        return Some(Sender::Client);
    }
    let header = Header::read(bytes)?;
    let settings = header.kind == kind::SETTINGS && header.stream == 0 && header.flags == 0;
    (settings && header.length % 6 == 0 && header.length <= 120).then_some(Sender::Server)
}

/// Whose bytes they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// Those of the end that asked for the connection.
    Client,
    /// Those of the other.
    Server,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_found_behind_missing_bytes() {
        let mut bytes = vec![0x55; 100];
        bytes.extend([0, 0, 2, 0, 0, 0, 0, 0, 5, 0x81, 0x00]);
        bytes.extend([0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(find(&bytes, &|stream| stream == 5), Some(100));
        assert_eq!(find(&bytes, &|stream| stream == 7), Some(111));
        assert_eq!(find(&bytes[..105], &|stream| stream == 5), None);
    }

    #[test]
    fn connections_are_known_by_their_first_bytes() {
        assert_eq!(begins(PREFACE), Some(Sender::Client));
        assert_eq!(begins(b"PR"), Some(Sender::Client));
        assert_eq!(begins(b"PROPFIND / HTTP/1.1\r\n"), None);
        assert_eq!(begins(&[0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 100]), Some(Sender::Server));
        assert_eq!(begins(b"GET / HTTP/1.1\r\n"), None);
    }
}
