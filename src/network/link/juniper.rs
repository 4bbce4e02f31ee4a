//! LINKTYPE_JUNIPER_ETHER (178): what `monitor traffic` of a Juniper router writes.

use super::{LinkLayer, Next, NotTcp, Rest, ip_by_version};
use crate::network::rest::be16;

pub(super) const ETHERNET: LinkLayer = LinkLayer { numbers: &[178], name: "juniper-ethernet", decode };

const MAGIC: &[u8] = b"MGC";
const NO_LINK_LAYER: u8 = 0x02;
const EXTENSIONS: u8 = 0x80;

fn decode(frame: Rest<'_>) -> Result<Next<'_>, NotTcp> {
    let (h, mut rest) = frame.header::<4>()?;
    if !h.starts_with(MAGIC) {
        return Err(NotTcp::Malformed);
    }
    if h[3] & EXTENSIONS != 0 {
        let (length, behind) = rest.header::<2>()?;
        rest = behind.skip(usize::from(be16(length[0], length[1])))?;
    }
    if h[3] & NO_LINK_LAYER != 0 { ip_by_version(rest.skip(4)?) } else { Ok(Next::Ethernet(rest)) }
}
