//! Header fields: HPACK (RFC 7541), and the heads that requests and responses would have been in HTTP/1.1.

use httlib_hpack::Decoder;

use crate::connection::Head;
use crate::ids::Origin;
use crate::limits;

/// The fields of one header block.
#[derive(Debug, Default)]
pub(super) struct Fields {
    all: Vec<(String, String)>,
}

impl Fields {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.all.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.all.len()
    }

    /// A request as a head of HTTP/1.1 would show it.
    pub(super) fn request(&self, origin: Origin) -> Head {
        let get = |name| self.get(name).unwrap_or_default();
        let start = format!("{} {} HTTP/2\r\nhost: {}\r\n", get(":method"), get(":path"), get(":authority"));
        self.head(start, origin)
    }

    /// A response, likewise.
    pub(super) fn response(&self, origin: Origin) -> Head {
        self.head(format!("HTTP/2 {}\r\n", self.get(":status").unwrap_or_default()), origin)
    }

    fn head(&self, mut text: String, origin: Origin) -> Head {
        for (name, value) in self.all.iter().filter(|(name, _)| !name.starts_with(':')) {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        Head { origin, text: text.into() }
    }
}

/// Whether a block ends where one of its representations does (RFC 7541 section 6).
fn is_whole(mut block: &[u8]) -> bool {
    let rest = &mut block;
    while let Some(first) = rest.first().copied() {
        let (prefix, literal) = match first {
            0x80.. => (7, false),
            0x40.. => (6, true),
            0x20.. => (5, false),
            _ => (4, true),
        };
        let Some(index) = integer(rest, prefix) else { return false };
        let strings = if !literal { 0 } else { 1 + usize::from(index == 0) };
        for _ in 0..strings {
            let after = integer(rest, 7).and_then(|length| rest.get(length..));
            let Some(after) = after else { return false };
            *rest = after;
        }
    }
    true
}

/// Takes an integer with a prefix of so many bits (RFC 7541 section 5.1), of four more bytes at most.
fn integer(rest: &mut &[u8], prefix: u32) -> Option<usize> {
    let (first, mut after) = rest.split_first()?;
    let most = (1_usize << prefix) - 1;
    let mut value = usize::from(*first) & most;
    if value == most {
        for nth in 0..4 {
            let (byte, behind) = after.split_first()?;
            after = behind;
            value += usize::from(byte & 0x7f) << (7 * nth);
            if byte & 0x80 == 0 {
                *rest = after;
                return Some(value);
            }
        }
        return None;
    }
    *rest = after;
    Some(value)
}

/// The decoder of one direction. Its table follows from every block before: once one is missing, no later one can be read.
pub(super) struct FieldDecoder {
    decoder: Option<Decoder<'static>>,
}

impl Default for FieldDecoder {
    fn default() -> Self {
        FieldDecoder { decoder: Some(Decoder::with_dynamic_size(4096)) }
    }
}

impl FieldDecoder {
    /// A block is missing.
    pub(super) fn lose(&mut self) {
        self.decoder = None;
    }

    /// The receiver allows a dynamic table of so many bytes (SETTINGS_HEADER_TABLE_SIZE, RFC 9113 section 6.5.2).
    pub(super) fn allow(&mut self, bytes: u32) {
        if let Some(decoder) = &mut self.decoder {
            decoder.set_max_dynamic_size(bytes.min(limits::HPACK_TABLE));
        }
    }

    /// Reads a whole block; `None` when it cannot be read, and then no later one can.
    pub(super) fn decode(&mut self, block: &[u8]) -> Option<Fields> {
        let decoder = self.decoder.as_mut()?;
        let mut fields = Fields::default();
        // The decoder reads beyond a block that ends where a string should begin.
        if !is_whole(block) {
            self.decoder = None;
            return None;
        }
        let (mut rest, mut bytes) = (block.to_vec(), 0);
        while !rest.is_empty() {
            let mut one = Vec::with_capacity(1);
            let read = decoder.decode_exact(&mut rest, &mut one).is_ok();
            bytes += one.iter().map(|(name, value, _)| name.len() + value.len()).sum::<usize>();
            if !read || bytes > limits::HEADER_FIELDS_BYTES || fields.all.len() >= limits::HEADER_FIELDS {
                self.decoder = None;
                return None;
            }
            let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).replace(['\r', '\n'], " ");
            fields.all.extend(one.into_iter().map(|(name, value, _)| (text(name), text(value))));
        }
        Some(fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7541 appendix C.4: three requests with Huffman coding on one connection.
    #[test]
    fn requests_of_rfc_7541() {
        let blocks: [&[u8]; 3] = [
            &[0x82, 0x86, 0x84, 0x41, 0x8c, 0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff],
            &[0x82, 0x86, 0x84, 0xbe, 0x58, 0x86, 0xa8, 0xeb, 0x10, 0x64, 0x9c, 0xbf],
            &[
                0x82, 0x87, 0x85, 0xbf, 0x40, 0x88, 0x25, 0xa8, 0x49, 0xe9, 0x5b, 0xa9, 0x7d, 0x7f, 0x89, 0x25, 0xa8,
                0x49, 0xe9, 0x5b, 0xb8, 0xe8, 0xb4, 0xbf,
            ],
        ];
        let mut decoder = FieldDecoder::default();
        let fields: Vec<Fields> = blocks.iter().map(|b| decoder.decode(b).unwrap()).collect();
        assert!(fields.iter().all(|f| f.get(":authority") == Some("www.example.com")));
        assert_eq!(fields[1].get("cache-control"), Some("no-cache"));
        assert_eq!(fields[2].get("custom-key"), Some("custom-value"));
        assert_eq!(fields[2].request(Origin::default()).target(), Some("/index.html"));
    }

    #[test]
    fn after_a_missing_block_nothing_is_read() {
        let mut decoder = FieldDecoder::default();
        decoder.lose();
        assert!(decoder.decode(&[0x82]).is_none());
    }

    #[test]
    fn blocks_may_end_anywhere() {
        let whole = [0x40, 3, b'a', b'b', b'c', 2, b'd', b'e'];
        for end in 1..whole.len() {
            assert!(FieldDecoder::default().decode(&whole[..end]).is_none(), "{end}");
        }
        assert!(FieldDecoder::default().decode(&[0x41]).is_none());
        assert_eq!(FieldDecoder::default().decode(&whole).unwrap().get("abc"), Some("de"));
    }

    #[test]
    fn blocks_do_not_grow_without_limit() {
        let mut decoder = FieldDecoder::default();
        assert!(decoder.decode(&vec![0x82; limits::HEADER_FIELDS + 1]).is_none());
        // A table of 16 MiB is asked for, and not given.
        let mut decoder = FieldDecoder::default();
        assert!(decoder.decode(&[0x3f, 0xe1, 0xff, 0xff, 0x07]).is_none());
    }
}
