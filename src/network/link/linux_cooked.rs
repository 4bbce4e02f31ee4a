//! LINKTYPE_LINUX_SLL (113) and LINKTYPE_LINUX_SLL2 (276): what `tcpdump -i any` writes on Linux.

use super::{LinkLayer, Next, NotTcp};

pub(super) const VERSION_1: LinkLayer = LinkLayer { numbers: &[113], name: "linux-cooked-v1", decode: decode_1 };
pub(super) const VERSION_2: LinkLayer = LinkLayer { numbers: &[276], name: "linux-cooked-v2", decode: decode_2 };

fn decode_1(frame: &[u8]) -> Result<Next<'_>, NotTcp> {
    let (header, rest) = frame.split_first_chunk::<16>().ok_or(NotTcp::Malformed)?;
    Ok(Next::EtherType(u16::from_be_bytes([header[14], header[15]]), rest))
}

fn decode_2(frame: &[u8]) -> Result<Next<'_>, NotTcp> {
    let (header, rest) = frame.split_first_chunk::<20>().ok_or(NotTcp::Malformed)?;
    Ok(Next::EtherType(u16::from_be_bytes([header[0], header[1]]), rest))
}
