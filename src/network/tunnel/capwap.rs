//! CAPWAP (RFC 5415): Wi-Fi traffic between access points and their controller. Named, not read.

use super::{Next, NotTcp, OverUdp, Rest};

pub(super) const CAPWAP: OverUdp = OverUdp { ports: &[5247], both_ways: true, decode };

fn decode(rest: Rest<'_>) -> Option<Result<Next<'_>, NotTcp>> {
    // Version 0; the header of CAPWAP itself, or that of DTLS.
    match rest.first()? {
        0 => Some(Err(NotTcp::Undecoded("CAPWAP"))),
        1 => Some(Err(NotTcp::Encrypted("CAPWAP"))),
        _ => None,
    }
}
