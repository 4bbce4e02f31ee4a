//! Stepping over message bodies (RFC 9112 section 6): their length counts, their content does not.

/// What is left of the current body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    /// So many bytes.
    Length(u64),
    /// Chunks (RFC 9112 section 7.1).
    Chunked(Chunk),
    /// Everything until the connection ends.
    UntilClose,
}

/// Where in the chunked coding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chunk {
    /// In the size line, with the size so far; true once a `;` began an extension.
    Size(u64, bool),
    /// In the data of a chunk and its CRLF: bytes left.
    Data(u64),
    /// In the trailer; true at the beginning of a line.
    Trailer(bool),
}

impl Body {
    pub(super) const CHUNKED: Body = Body::Chunked(Chunk::Size(0, false));

    /// Steps over as much of `bytes` as belongs to the body. Returns how many bytes that were and whether the body is over.
    ///
    /// # Errors
    /// The chunked coding is broken behind so many bytes.
    pub(super) fn skip(&mut self, bytes: &[u8]) -> Result<(usize, bool), usize> {
        match self {
            Body::UntilClose => Ok((bytes.len(), false)),
            Body::Length(left) => {
                let take = usize::try_from(*left).map_or(bytes.len(), |l| l.min(bytes.len()));
                *left -= take as u64;
                Ok((take, *left == 0))
            }
            Body::Chunked(state) => skip_chunks(state, bytes),
        }
    }
}

fn skip_chunks(state: &mut Chunk, bytes: &[u8]) -> Result<(usize, bool), usize> {
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match state {
            Chunk::Size(size, extension) => {
                at += 1;
                match byte {
                    b'\n' if *size == 0 => *state = Chunk::Trailer(true),
                    b'\n' => *state = Chunk::Data(size.checked_add(2).ok_or(at - 1)?),
                    b'\r' => {}
                    b';' | b' ' | b'\t' => *extension = true,
                    _ if *extension => {}
                    _ => {
                        let digit = char::from(byte).to_digit(16).ok_or(at - 1)?;
                        *size = size.checked_mul(16).and_then(|s| s.checked_add(u64::from(digit))).ok_or(at - 1)?;
                    }
                }
            }
            Chunk::Data(left) => {
                let take = usize::try_from(*left).map_or(bytes.len() - at, |l| l.min(bytes.len() - at));
                *left -= take as u64;
                at += take;
                if *left == 0 {
                    *state = Chunk::Size(0, false);
                }
            }
            Chunk::Trailer(line_start) => {
                at += 1;
                match byte {
                    b'\n' if *line_start => return Ok((at, true)),
                    b'\n' => *line_start = true,
                    b'\r' => {}
                    _ => *line_start = false,
                }
            }
        }
    }
    Ok((at, false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunked_bodies_end_where_they_end() {
        let wire = b"5;x=1\r\nhello\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\nHTTP/1.1";
        for cut in 0..wire.len() - 8 {
            let mut body = Body::CHUNKED;
            let (first, done) = body.skip(&wire[..cut]).expect("valid");
            assert!(!done, "at {cut}");
            let (second, done) = body.skip(&wire[first..]).expect("valid");
            assert_eq!((first + second, done), (wire.len() - 8, true));
        }
        for broken in [&b"zz\r\n"[..], b"ffffffffffffffffff\r\n"] {
            let mut body = Body::CHUNKED;
            assert!(body.skip(broken).is_err());
        }
    }

    #[test]
    fn a_broken_coding_breaks_at_the_same_byte_in_any_pieces() {
        let wire = b"5\r\nhello\r\n0/\r\n";
        let mut body = Body::CHUNKED;
        assert_eq!(body.skip(wire), Err(11));
        let mut body = Body::CHUNKED;
        assert_eq!(body.skip(&wire[..4]), Ok((4, false)));
        assert_eq!(body.skip(&wire[4..]), Err(7));
    }

    #[test]
    fn lengths() {
        let mut body = Body::Length(4);
        assert_eq!(body.skip(b"ab"), Ok((2, false)));
        assert_eq!(body.skip(b"cdef"), Ok((2, true)));
    }
}
