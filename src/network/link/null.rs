//! LINKTYPE_NULL (0) and LINKTYPE_LOOP (108): BSD loopback, four bytes of address family before the packet.

use super::{LinkLayer, Next, NotTcp};

pub(super) const LAYER: LinkLayer = LinkLayer { numbers: &[0, 108], name: "loopback", decode };

fn decode(frame: &[u8]) -> Result<Next<'_>, NotTcp> {
    // The family's number and byte order depend on the system that captured; the IP version nibble does not.
    let (_, rest) = frame.split_first_chunk::<4>().ok_or(NotTcp::Malformed)?;
    match rest.first().map(|b| b >> 4) {
        Some(4 | 6) => Ok(Next::Ip(rest)),
        _ => Err(NotTcp::Other),
    }
}
