//! Link layers: each link type in a file of its own, listed here.

mod ethernet;
mod linux_cooked;
mod null;
mod raw_ip;

use super::NotTcp;

/// A link layer that wsdiag can read.
pub(super) struct LinkLayer {
    /// LINKTYPE numbers as capture files carry them.
    pub(super) numbers: &'static [u16],
    /// Name for reports.
    pub(super) name: &'static str,
    /// Finds the next header.
    pub(super) decode: fn(&[u8]) -> Result<Next<'_>, NotTcp>,
}

/// What follows a link-layer header.
pub(super) enum Next<'a> {
    /// Something with this EtherType.
    EtherType(u16, &'a [u8]),
    /// An IPv4 or IPv6 header; its version nibble tells which.
    Ip(&'a [u8]),
}

static LINK_LAYERS: &[&LinkLayer] =
    &[&ethernet::LAYER, &null::LAYER, &raw_ip::LAYER, &linux_cooked::VERSION_1, &linux_cooked::VERSION_2];

/// The name of a link type, or its number where it is not known.
#[must_use]
pub fn link_type_name(number: u16) -> String {
    find(number).map_or_else(|| format!("linktype-{number}"), |l| l.name.to_string())
}

fn find(number: u16) -> Option<&'static LinkLayer> {
    LINK_LAYERS.iter().copied().find(|l| l.numbers.contains(&number))
}

/// The IP packet in a link-layer frame, and how many bytes stand before it.
#[inline]
pub(super) fn network_layer(link_type: u16, frame: &[u8]) -> Result<(&[u8], usize), NotTcp> {
    let next = if link_type == ethernet::NUMBER {
        ethernet::decode(frame)?
    } else {
        let layer = find(link_type).ok_or(NotTcp::UnknownLinkType(link_type))?;
        (layer.decode)(frame)?
    };
    let ip = match next {
        Next::Ip(ip) => ip,
        Next::EtherType(ethernet::IPV4 | ethernet::IPV6, ip) => ip,
        Next::EtherType(kind, rest) => ethernet::behind_tags(kind, rest)?,
    };
    Ok((ip, frame.len() - ip.len()))
}
