//! Encrypted tunnels over UDP: nothing inside can be read, but that they are there can be said.

use super::{Next, NotTcp, OverUdp, Rest};

/// RFC 3948.
pub(super) const ESP: OverUdp = OverUdp { ports: &[4500], both_ways: true, decode: esp };
/// WireGuard's port, and that of Tailscale.
pub(super) const WIREGUARD: OverUdp = OverUdp { ports: &[51820, 41641], both_ways: true, decode: wireguard };
pub(super) const OPENVPN: OverUdp = OverUdp { ports: &[1194], both_ways: true, decode: openvpn };

type Inside<'a> = Option<Result<Next<'a>, NotTcp>>;

fn esp(rest: Rest<'_>) -> Inside<'_> {
    // Key exchange has zeros in the place of the index; a keep-alive is one byte.
    let (index, _) = rest.header::<8>().ok()?;
    (index[..4] != [0; 4]).then_some(Err(NotTcp::Encrypted("IPsec")))
}

fn wireguard(rest: Rest<'_>) -> Inside<'_> {
    // Transport data, padded to sixteen bytes; 32 bytes are a keep-alive.
    let (kind, _) = rest.header::<4>().ok()?;
    (*kind == [4, 0, 0, 0] && rest.wire() > 32 && rest.wire().is_multiple_of(16))
        .then_some(Err(NotTcp::Encrypted("WireGuard")))
}

fn openvpn(rest: Rest<'_>) -> Inside<'_> {
    // Data packets of both versions.
    matches!(rest.first()? >> 3, 6 | 9).then_some(Err(NotTcp::Encrypted("OpenVPN")))
}
