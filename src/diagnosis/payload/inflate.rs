//! Whether bytes are deflate data: the only proof is to inflate them.

use flate2::{Decompress, FlushDecompress, Status};

/// Most bytes that a trial inflates.
const TRIAL: usize = 4096;

/// Whether `sample` inflates without an error as far as it goes: `zlib` with the header of RFC 1950, otherwise as raw deflate.
#[must_use]
pub fn inflates(sample: &[u8], zlib: bool) -> bool {
    trial(sample, zlib).is_some()
}

/// The text that `sample` inflates to as raw deflate data (RFC 1951), at most a few KiB of it: a message that was compressed
/// as permessage-deflate does but not marked so. `None` unless the result is longer than 16 bytes and printable throughout.
///
/// The first message of a connection inflates on its own; a later one may refer to an earlier one and then shows nothing.
#[must_use]
pub fn deflated_text(sample: &[u8]) -> Option<String> {
    if sample.len() < 8 {
        return None;
    }
    let mut bytes = trial(sample, false)?;
    // The trial can stop inside a character.
    if let Err(e) = std::str::from_utf8(&bytes)
        && e.error_len().is_none()
    {
        bytes.truncate(e.valid_up_to());
    }
    let text = String::from_utf8(bytes).ok()?;
    let long_enough = text.len() >= 16 && text.len() + 8 >= sample.len().min(TRIAL);
    (long_enough && super::is_text(text.as_bytes())).then_some(text)
}

fn trial(sample: &[u8], zlib: bool) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(TRIAL);
    let mut inflater = Decompress::new(zlib);
    loop {
        let (fed, made) = (inflater.total_in(), inflater.total_out());
        let rest = &sample[usize::try_from(fed).ok()?.min(sample.len())..];
        match inflater.decompress_vec(rest, &mut out, FlushDecompress::Sync) {
            Ok(Status::StreamEnd) => return Some(out),
            Ok(_) if out.len() >= TRIAL || (inflater.total_in(), inflater.total_out()) == (fed, made) => {
                return Some(out);
            }
            Ok(_) => {}
            // Nothing to do without more input is no fault of the data.
            Err(_) if rest.is_empty() => return Some(out),
            Err(_) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::payload::samples;

    #[test]
    fn a_message_compressed_but_not_marked_is_read() {
        assert_eq!(deflated_text(samples::DEFLATED_JSON).as_deref(), Some(samples::DEFLATED_JSON_TEXT));
        assert_eq!(deflated_text(b"{\"name\":\"J\xf6rg\",\"city\":\"Z\xfcrich\"}"), None);
    }

    #[test]
    fn random_bytes_do_not_inflate_to_text() {
        let hits = samples::random(4000, 8..300).filter(|s| deflated_text(s).is_some()).count();
        assert_eq!(hits, 0);
    }

    #[test]
    fn zlib_needs_valid_data() {
        assert!(inflates(samples::ZLIB, true));
        assert!(inflates(&samples::ZLIB[..20], true));
        assert!(!inflates(b"x^2 + y^2 = \xe9\xe8", true));
    }
}
