//! The body of a Close frame (RFC 6455 section 5.5.1).

use crate::connection::{CloseFrame, Rule};
use crate::ids::{Origin, StreamOffset};

/// Whether a code may stand in a Close frame (RFC 6455 section 7.4 and the IANA registry: 1012 to 1014 came later).
#[must_use]
pub fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

/// Where a Close frame stands in its stream.
pub(super) struct Place {
    pub(super) origin: Origin,
    pub(super) start: StreamOffset,
    pub(super) acknowledged: StreamOffset,
    pub(super) length: u64,
    /// Bytes at the end of the body that the capture lacks.
    pub(super) missing: u64,
}

/// Reads the unmasked body, and the rule that it breaks, with the number that breaks it.
pub(super) fn read(body: &[u8], place: &Place) -> (CloseFrame, Option<(Rule, u64)>) {
    let code = body.first_chunk::<2>().map(|c| u16::from_be_bytes(*c));
    let mut reason = body.get(2..).unwrap_or_default();
    if place.missing > 0 {
        // A word that was cut may be a number that was cut: it must not be read as a limit.
        let words = reason.iter().rposition(|b| *b == b' ').unwrap_or(0);
        reason = &reason[..words];
    }
    let reason_invalid_at = std::str::from_utf8(reason).err().map(|e| e.valid_up_to());
    let broken = match code {
        None if place.length == 1 => Some((Rule::OneByteClose, 1)),
        Some(code) if !may_be_sent(code) => Some((Rule::InvalidCloseCode, u64::from(code))),
        _ => None,
    };
    let close = CloseFrame {
        code,
        reason: String::from_utf8_lossy(reason).into_owned(),
        reason_invalid_at,
        reason_bytes: if reason_invalid_at.is_some() { reason.to_vec() } else { Vec::new() },
        length: place.length,
        origin: place.origin,
        start: place.start,
        acknowledged: place.acknowledged,
        missing: place.missing,
        searched: false,
    };
    (close, broken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_body(body: &[u8]) -> (CloseFrame, Option<(Rule, u64)>) {
        let place = Place {
            origin: Origin::default(),
            start: StreamOffset(0),
            acknowledged: StreamOffset(0),
            length: body.len() as u64,
            missing: 0,
        };
        read(body, &place)
    }

    #[test]
    fn codes_and_reasons() {
        assert_eq!(read_body(b"").0.code, None);
        let (close, broken) = read_body(b"\x03\xf1too big");
        assert_eq!((close.code, close.reason.as_str(), broken), (Some(1009), "too big", None));
        assert_eq!(read_body(b"\x03").1, Some((Rule::OneByteClose, 1)));
        assert_eq!(read_body(b"\x03\xee").1, Some((Rule::InvalidCloseCode, 1006)));
        let (close, _) = read_body(b"\x03\xe8tsch\xfc\xdf");
        assert_eq!((close.reason_invalid_at, close.reason_bytes.as_slice()), (Some(4), &b"tsch\xfc\xdf"[..]));
        let place = Place {
            origin: Origin::default(),
            start: StreamOffset(0),
            acknowledged: StreamOffset(0),
            length: 40,
            missing: 19,
        };
        let (close, broken) = read(b"\x03\xf1over the limit 1048", &place);
        assert_eq!((close.code, close.reason.as_str(), close.missing), (Some(1009), "over the limit", 19));
        assert_eq!(broken, None);
    }
}
