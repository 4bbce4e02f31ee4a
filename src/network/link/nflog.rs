//! LINKTYPE_NFLOG (239): packets that Linux's netfilter logged, each among attributes.

use super::{LinkLayer, Next, NotTcp, Rest, ip_by_version};

pub(super) const LAYER: LinkLayer = LinkLayer { numbers: &[239], name: "nflog", decode };

/// NFULA_PAYLOAD of `linux/netfilter/nfnetlink_log.h`.
const PAYLOAD: u16 = 9;
/// The highest attribute that may come, with room for new ones.
const HIGHEST: u16 = 255;

fn decode(frame: Rest<'_>) -> Result<Next<'_>, NotTcp> {
    // Family, version, group: the version nibble of the packet says the same as the family.
    let attributes = frame.skip(4)?;
    // They are in the byte order of the machine that captured, which only they themselves tell.
    match payload(attributes, u16::from_le_bytes).or_else(|| payload(attributes, u16::from_be_bytes)) {
        Some(packet) => ip_by_version(packet),
        None => Err(NotTcp::Malformed),
    }
}

fn payload(mut rest: Rest<'_>, number: fn([u8; 2]) -> u16) -> Option<Rest<'_>> {
    loop {
        let (h, value) = rest.header::<4>().ok()?;
        let (length, kind) = (number([h[0], h[1]]), number([h[2], h[3]]) & 0x7fff);
        let value_length = usize::from(length).checked_sub(4).filter(|_| kind <= HIGHEST)?;
        if kind == PAYLOAD {
            // Netfilter may have been told to copy the beginning of a packet only: the lengths in it tell the rest.
            return Some(value.until(u32::from(length) - 4));
        }
        rest = value.skip(value_length.next_multiple_of(4)).ok()?;
    }
}
