//! LINKTYPE_NULL (0) and LINKTYPE_LOOP (108): BSD loopback, four bytes of address family before the packet.

use super::{LinkLayer, Next, NotTcp, Rest, ip_by_version};

pub(super) const LAYER: LinkLayer = LinkLayer { numbers: &[0, 108], name: "loopback", decode };

fn decode(frame: Rest<'_>) -> Result<Next<'_>, NotTcp> {
    // The family's number and byte order depend on the system that captured; the IP version nibble does not.
    ip_by_version(frame.skip(4)?)
}
