//! The TCP header (RFC 9293 section 3.1).

use std::net::{IpAddr, SocketAddr};

use etherparse::{TcpHeader, TcpHeaderSlice};

use super::rest::Rest;
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
    let mut fixed = *rest.header::<{ TcpHeader::MIN_LEN }>()?.0;
    let header_length = usize::from(fixed[12] >> 4) * 4;
    let wire = (header_length >= TcpHeader::MIN_LEN).then(|| rest.wire().checked_sub(header_length as u32)).flatten();
    let Some(payload_wire_length) = wire else { return Err(NotTcp::Malformed) };
    // A snap length that cuts the options leaves everything that counts.
    let (header, payload) = rest.bytes().split_at_checked(header_length).unwrap_or((rest.bytes(), &[]));
    fixed[12] = 0x50 | fixed[12] & 0x0f;
    let tcp = TcpHeaderSlice::from_slice(&fixed).map_err(|_| NotTcp::Malformed)?;
    Ok(Segment {
        origin,
        source: SocketAddr::new(envelope.source, tcp.source_port()),
        destination: SocketAddr::new(envelope.destination, tcp.destination_port()),
        identification: envelope.identification,
        seq: SequenceNumber(tcp.sequence_number()),
        ack: SequenceNumber(tcp.acknowledgment_number()),
        flags: Flags(fixed[13]),
        window: tcp.window_size(),
        header,
        payload,
        payload_wire_length,
    })
}
