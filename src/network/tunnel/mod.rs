//! Packets inside packets: each kind of tunnel in a file of its own, with its line in one of the two lists.
//!
//! A tunnel over UDP is known by its port and has to look right as well: what does not is other traffic.

mod capwap;
mod erspan;
mod geneve;
mod gre;
mod gtp;
mod l2tp;
mod sealed;
mod teredo;
mod tzsp;
mod vxlan;

use super::NotTcp;
use super::ip::protocol;
use super::rest::{Rest, be16};
use super::walk::Next;

/// A protocol above IP that carries packets.
struct OverIp {
    protocol: u8,
    decode: for<'a> fn(Rest<'a>) -> Result<Next<'a>, NotTcp>,
}

/// A protocol above UDP that carries packets.
struct OverUdp {
    /// Ports that it is sent to.
    ports: &'static [u16],
    /// Whether it also comes from them.
    both_ways: bool,
    /// What is inside, or `None` when this is something else.
    decode: for<'a> fn(Rest<'a>) -> Option<Result<Next<'a>, NotTcp>>,
}

static OVER_IP: &[OverIp] = &[
    OverIp { protocol: protocol::IPV4, decode: |rest| Ok(Next::Ip(rest)) },
    OverIp { protocol: protocol::IPV6, decode: |rest| Ok(Next::Ip(rest)) },
    OverIp { protocol: protocol::GRE, decode: gre::decode },
    OverIp { protocol: protocol::ETHERIP, decode: |rest| rest.skip(2).map(Next::Ethernet) }, // RFC 3378
    OverIp { protocol: protocol::MPLS, decode: |rest| Ok(Next::Mpls(rest)) },                // RFC 4023
    OverIp { protocol: protocol::ETHERNET, decode: |rest| Ok(Next::Ethernet(rest)) },        // RFC 8986
    OverIp { protocol: protocol::ESP, decode: |_| Err(NotTcp::Encrypted("IPsec")) },
    OverIp { protocol: protocol::IPCOMP, decode: |_| Err(NotTcp::Undecoded("compressed IP (IPComp)")) },
    OverIp { protocol: protocol::L2TP, decode: |_| Err(NotTcp::Undecoded("L2TPv3")) },
    OverIp {
        protocol: protocol::MINIMAL_ENCAPSULATION,
        decode: |_| Err(NotTcp::Undecoded("minimal encapsulation (RFC 2004)")),
    },
];

static OVER_UDP: &[&OverUdp] = &[
    &vxlan::VXLAN,
    &geneve::GENEVE,
    &gtp::GTP_U,
    &l2tp::L2TP,
    &teredo::TEREDO,
    &tzsp::TZSP,
    &MPLS_IN_UDP,
    &capwap::CAPWAP,
    &sealed::ESP,
    &sealed::WIREGUARD,
    &sealed::OPENVPN,
];

/// RFC 7510.
const MPLS_IN_UDP: OverUdp = OverUdp { ports: &[6635], both_ways: false, decode: |rest| Some(Ok(Next::Mpls(rest))) };

/// What a packet of this protocol carries.
pub(super) fn inside(protocol: u8, payload: Rest<'_>) -> Result<Next<'_>, NotTcp> {
    if protocol == protocol::UDP {
        return inside_udp(payload);
    }
    let tunnel = OVER_IP.iter().find(|t| t.protocol == protocol).ok_or(NotTcp::Other)?;
    (tunnel.decode)(payload)
}

fn inside_udp(payload: Rest<'_>) -> Result<Next<'_>, NotTcp> {
    if payload.wire() < 8 {
        return Err(NotTcp::Other);
    }
    let (ports, _) = payload.header::<4>()?;
    let mut tunnels = candidates(be16(ports[0], ports[1]), be16(ports[2], ports[3])).peekable();
    if tunnels.peek().is_none() {
        return Err(NotTcp::Other);
    }
    let (h, rest) = payload.header::<8>()?;
    // Offload leaves a length that means nothing.
    let length = u32::from(be16(h[4], h[5]));
    let rest = if (8..rest.wire() + 8).contains(&length) { rest.until(length - 8) } else { rest };
    // The first bytes tell whether it is what its port says.
    const TELLING: usize = 8;
    if rest.wire() as usize >= TELLING && rest.bytes().len() < TELLING {
        return Err(NotTcp::Cut);
    }
    tunnels.find_map(|t| (t.decode)(rest)).unwrap_or(Err(NotTcp::Other))
}

fn candidates(source: u16, destination: u16) -> impl Iterator<Item = &'static OverUdp> {
    OVER_UDP
        .iter()
        .copied()
        .filter(move |t| t.ports.contains(&destination) || (t.both_ways && t.ports.contains(&source)))
}

/// Whether fragments of this protocol are worth joining.
pub(super) fn may_carry(protocol: u8) -> bool {
    const IPV6_EXTENSIONS: [u8; 7] = [0, 43, 44, 60, 135, 139, 140];
    matches!(protocol, protocol::TCP | protocol::UDP | protocol::AUTHENTICATION)
        || IPV6_EXTENSIONS.contains(&protocol)
        || OVER_IP.iter().any(|t| t.protocol == protocol)
}

/// Whether the datagram that begins so goes to a port of a tunnel.
pub(super) fn udp_may_carry(payload: Rest<'_>) -> bool {
    payload.header::<4>().is_ok_and(|(h, _)| candidates(be16(h[0], h[1]), be16(h[2], h[3])).next().is_some())
}
