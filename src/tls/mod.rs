//! TLS: the plaintext of connections whose secrets the user supplies (RFC 8446, RFC 5246 and before), in order, with what
//! is missing from it. Nothing is guessed but record numbers behind a hole, and there the tag of the record is the proof.

mod direction;
mod early;
mod hello;
mod key_log;
mod key_ring;
mod messages;
mod opener;
mod record;
mod schedule;
mod session;
mod suites;

pub use key_log::{KeyLog, Label, Lines};
pub use key_ring::KeyRing;
pub use session::{Arrival, Plaintext, Tls};

/// Whether these bytes begin with the header of a TLS record (RFC 8446 section 5.1).
#[must_use]
pub fn is_tls(bytes: &[u8]) -> bool {
    match *bytes {
        [0x16, 3, _, ..] => true,
        [0x14..=0x17, 3, 0..=4, high, low, ..] => u16::from_be_bytes([high, low]) <= (1 << 14) + 2048,
        _ => false,
    }
}

/// Whether a connection that begins with these bytes, however few, may be TLS: its first record is a handshake's.
#[must_use]
pub fn may_begin_tls(bytes: &[u8]) -> bool {
    matches!(bytes, [0x16] | [0x16, 3, ..])
}
