//! What BSD's IPsec and packet filter show: LINKTYPE_ENC (109) and LINKTYPE_PFLOG (117).

use super::{LinkLayer, Next, NotTcp, Rest, ip_by_version};

/// Packets inside IPsec tunnels, before encryption or after it: family, index and flags stand before them.
pub(super) const ENC: LinkLayer =
    LinkLayer { numbers: &[109], name: "ipsec-enc", decode: |frame| ip_by_version(frame.skip(12)?) };
/// Packets that a rule of the packet filter logged.
pub(super) const PFLOG: LinkLayer = LinkLayer { numbers: &[117], name: "pflog", decode: pflog };

fn pflog(frame: Rest<'_>) -> Result<Next<'_>, NotTcp> {
    // Its first byte is its length, to which padding is added.
    let length = usize::from(frame.header::<1>()?.0[0]).next_multiple_of(4);
    ip_by_version(frame.skip(length)?)
}
