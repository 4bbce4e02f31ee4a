//! The TCP header (RFC 9293 section 3.1).

use std::net::{IpAddr, SocketAddr};

use super::rest::{Rest, be16};
use super::{Flags, NotTcp, Segment};
use crate::ids::{Origin, SequenceNumber};

/// Between which addresses, and the identification of the packet that carried it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Envelope {
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    pub(super) identification: u16,
}

/// The segment that `rest` is, from the first byte of its header to the last of its payload.
#[inline]
pub(super) fn segment<'a>(origin: Origin, envelope: Envelope, rest: Rest<'a>) -> Result<Segment<'a>, NotTcp> {
    let (fixed, _) = rest.header::<20>()?;
    let header_length = usize::from(fixed[12] >> 4) * 4;
    let wire = (header_length >= 20).then(|| rest.wire().checked_sub(header_length as u32)).flatten();
    let Some(payload_wire_length) = wire else { return Err(NotTcp::Malformed) };
    // A snap length that cuts the options leaves everything that counts.
    let (header, payload) = rest.bytes().split_at_checked(header_length).unwrap_or((rest.bytes(), &[]));
    Ok(Segment {
        origin,
        source: SocketAddr::new(envelope.source, be16(fixed[0], fixed[1])),
        destination: SocketAddr::new(envelope.destination, be16(fixed[2], fixed[3])),
        identification: envelope.identification,
        seq: SequenceNumber(u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]])),
        ack: SequenceNumber(u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]])),
        flags: Flags(fixed[13]),
        window: be16(fixed[14], fixed[15]),
        header,
        payload,
        payload_wire_length,
    })
}
