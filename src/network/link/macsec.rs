//! MACsec (IEEE 802.1AE): readable where it only protects, a blind spot where it encrypts.

use super::ether_type::Header;
use super::{Next, NotTcp, Rest};
use crate::network::rest::be16;

pub(super) const HEADER: Header = Header { ether_types: &[0x88e5], decode };

/// Flags of its first byte: an explicit channel identifier, encryption, changed text.
const EXPLICIT_CHANNEL: u8 = 0x20;
const ENCRYPTED: u8 = 0x08;
const CHANGED: u8 = 0x04;

fn decode(rest: Rest<'_>) -> Result<Next<'_>, NotTcp> {
    let flags = rest.header::<1>()?.0[0];
    if flags & (ENCRYPTED | CHANGED) != 0 {
        return Err(NotTcp::Encrypted("MACsec"));
    }
    let rest = rest.skip(if flags & EXPLICIT_CHANNEL != 0 { 14 } else { 6 })?;
    let (kind, rest) = rest.header::<2>()?;
    Ok(Next::EtherType(be16(kind[0], kind[1]), rest))
}
