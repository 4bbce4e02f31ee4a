//! Layers between IP and the link: tunnels, tags, labels and fragments.

use wsdiag::ids::Side;

use super::packets::{IPV4, IPV6, checksum};

/// Something around a packet. Layers are given from the inside out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// IP packets with more payload than this in fragments.
    Fragments(usize, Order),
    /// IPv4 in IPv4, or IPv6 in IPv4 (6in4).
    InIpv4,
    /// Either in IPv6.
    InIpv6,
    /// Generic routing encapsulation of IP.
    Gre,
    /// The same with checksum, key and sequence number.
    GreWithAll,
    /// GRE of Ethernet.
    GreEthernet,
    /// ERSPAN without a header of its own.
    Erspan1,
    /// ERSPAN type II.
    Erspan2,
    /// ERSPAN type III with its optional subheader.
    Erspan3,
    /// PPTP's GRE, with PPP.
    Pptp,
    /// VXLAN on the assigned port.
    Vxlan,
    /// VXLAN-GPE with IP inside.
    VxlanGeneric,
    /// GENEVE with Ethernet and an option.
    Geneve,
    /// GTP-U with a sequence number and an extension.
    GtpU,
    /// L2TP with all optional fields, and PPP.
    L2tp,
    /// Teredo with an origin indication.
    Teredo,
    /// TZSP with a tag.
    Tzsp,
    /// MPLS in UDP.
    MplsInUdp,
    /// EtherIP.
    EtherIp,
    /// An authentication header (RFC 4302) in the IP packet.
    Authentication,
    /// Two MPLS labels.
    Mpls,
    /// An MPLS label, a control word and Ethernet.
    Pseudowire,
    /// An MPLS label and Ethernet.
    PseudowireWithoutWord,
    /// A PPPoE session.
    Pppoe,
    /// A network service header.
    Nsh,
    /// An 802.1Q tag.
    Vlan,
    /// The service tag of a provider backbone and Ethernet.
    Backbone,
    /// MACsec without encryption.
    Macsec,
}

/// In which order fragments come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// First to last.
    Forward,
    /// Last to first.
    Reversed,
    /// Each twice.
    Doubled,
}

/// A packet with its EtherType.
pub type Typed = (u16, Vec<u8>);

impl Layer {
    /// What becomes of a packet of one side; `number` tells packets apart.
    pub fn around(self, packet: Typed, from: Side, number: u16) -> Vec<Typed> {
        let (kind, inner) = packet;
        let udp = |port: u16, header: &[u8], inner: &[u8]| vec![in_udp(port, &[header, inner].concat(), from, number)];
        let gre = |header: &[u8], inner: &[u8]| vec![in_ipv4(47, &[header, inner].concat(), from, number)];
        let [k1, k2] = kind.to_be_bytes();
        let ppp = |inner: &[u8]| [&[0, if kind == IPV6 { 0x57 } else { 0x21 }], inner].concat();
        match self {
            Layer::Fragments(most, order) => {
                let mut all = if kind == IPV6 { cut_ipv6(&inner, most, number) } else { cut_ipv4(&inner, most) };
                match order {
                    Order::Forward => {}
                    Order::Reversed => all.reverse(),
                    Order::Doubled => all = all.into_iter().flat_map(|f| [f.clone(), f]).collect(),
                }
                all.into_iter().map(|f| (kind, f)).collect()
            }
            Layer::InIpv4 => vec![in_ipv4(if kind == IPV6 { 41 } else { 4 }, &inner, from, number)],
            Layer::InIpv6 => vec![in_ipv6(if kind == IPV6 { 41 } else { 4 }, &inner, from)],
            Layer::Gre => gre(&[0, 0, k1, k2], &inner),
            Layer::GreWithAll => {
                let mut packet = [&[0xB0, 0, k1, k2, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 1], &inner[..]].concat();
                let sum = checksum(&[&packet]).to_be_bytes();
                packet[4..6].copy_from_slice(&sum);
                gre(&[], &packet)
            }
            Layer::GreEthernet => gre(&[0, 0, 0x65, 0x58], &ethernet(kind, &inner, from)),
            Layer::Erspan1 => gre(&[0, 0, 0x88, 0xBE], &ethernet(kind, &inner, from)),
            Layer::Erspan2 => {
                gre(&[0x10, 0, 0x88, 0xBE, 0, 0, 0, 1, 0x10, 42, 0x08, 1, 0, 0, 0, 9], &ethernet(kind, &inner, from))
            }
            Layer::Erspan3 => {
                let header = [0x10, 0, 0x22, 0xEB, 0, 0, 0, 1, 0x20, 42, 0, 1, 0, 0, 0, 5, 0, 0, 0, 1];
                let platform = [0x0C, 0, 0, 1, 0, 0, 0, 2]; // port and upper half of the time
                gre(&[&header[..], &platform].concat(), &ethernet(kind, &inner, from))
            }
            Layer::Pptp => {
                let frame = [&[0xFF, 3], &ppp(&inner)[..]].concat();
                let [l1, l2] = (frame.len() as u16).to_be_bytes();
                gre(&[0x30, 0x81, 0x88, 0x0B, l1, l2, 0, 5, 0, 0, 0, 1, 0, 0, 0, 0], &frame)
            }
            Layer::Vxlan => udp(4789, &[8, 0, 0, 0, 0, 0x10, 1, 0], &ethernet(kind, &inner, from)),
            Layer::VxlanGeneric => udp(4790, &[0x0C, 0, 0, if kind == IPV6 { 2 } else { 1 }, 0, 0, 1, 0], &inner),
            Layer::Geneve => {
                let header = [2, 0, 0x65, 0x58, 0, 0, 7, 0, 0x01, 0x02, 0x03, 1, 1, 2, 3, 4];
                udp(6081, &header, &ethernet(kind, &inner, from))
            }
            Layer::GtpU => {
                let [l1, l2] = (inner.len() as u16 + 8).to_be_bytes();
                // flags, a packet, length, tunnel, sequence number, N-PDU, an extension of four bytes
                udp(2152, &[0x36, 255, l1, l2, 0, 0, 0, 3, 0, 1, 0, 0x85, 1, 0x10, 9, 0], &inner)
            }
            Layer::L2tp => {
                let [l1, l2] = (inner.len() as u16 + 20).to_be_bytes();
                let header = [0x4A, 2, l1, l2, 0, 1, 0, 2, 0, 0, 0, 0, 0, 2, 0, 0, 0xFF, 3];
                udp(1701, &header, &ppp(&inner))
            }
            Layer::Teredo => udp(3544, &[0, 0, 0x63, 0xBF, 0x3F, 0xFF, 0xFD, 0xFE], &inner),
            Layer::Tzsp => udp(37008, &[1, 0, 0, 1, 10, 1, 0xC0, 0, 1], &ethernet(kind, &inner, from)),
            Layer::MplsInUdp => udp(6635, &[0, 1, 1, 64], &inner),
            Layer::EtherIp => {
                vec![in_ipv4(97, &[&[0x30, 0], &ethernet(kind, &inner, from)[..]].concat(), from, number)]
            }
            Layer::Authentication => vec![(kind, authenticated(kind, &inner))],
            Layer::Mpls => vec![(0x8847, [&[0, 1, 0, 64, 0, 2, 1, 64], &inner[..]].concat())],
            Layer::Pseudowire => {
                vec![(0x8847, [&[0, 1, 1, 64, 0, 0, 0, 0], &ethernet(kind, &inner, from)[..]].concat())]
            }
            Layer::PseudowireWithoutWord => {
                vec![(0x8847, [&[0, 1, 1, 64], &ethernet(kind, &inner, from)[..]].concat())]
            }
            Layer::Pppoe => vec![(0x8864, pppoe(kind, &inner))],
            Layer::Nsh => {
                let header = [0x0F, 0xC6, 1, if kind == IPV6 { 2 } else { 1 }, 0, 0, 1, 255];
                vec![(0x894F, [&header[..], &[0; 16], &inner].concat())]
            }
            Layer::Vlan => vec![(0x8100, [&[0, 42, k1, k2], &inner[..]].concat())],
            Layer::Backbone => vec![(0x88E7, [&[0, 0, 1, 0], &ethernet(kind, &inner, from)[..]].concat())],
            Layer::Macsec => {
                let header = [0x20, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 1, 0, 1, k1, k2];
                vec![(0x88E5, [&header[..], &inner, &[0xCC; 16]].concat())]
            }
        }
    }
}

/// A PPPoE session header and what it carries.
pub fn pppoe(kind: u16, inner: &[u8]) -> Vec<u8> {
    let [l1, l2] = (inner.len() as u16 + 2).to_be_bytes();
    [&[0x11, 0, 0, 9, l1, l2, 0, if kind == IPV6 { 0x57 } else { 0x21 }], inner].concat()
}

fn ethernet(kind: u16, inner: &[u8], from: Side) -> Vec<u8> {
    let (target, source) = if from == Side::Client { (2, 1) } else { (1, 2) };
    let [k1, k2] = kind.to_be_bytes();
    [&[0, 0x1B, 0x21, 0, 1, target, 0, 0x1B, 0x21, 0, 1, source, k1, k2], inner].concat()
}

fn in_udp(port: u16, inner: &[u8], from: Side, number: u16) -> Typed {
    let [s1, s2] = (50_000 + number % 1000).to_be_bytes();
    let [p1, p2] = port.to_be_bytes();
    let [l1, l2] = (inner.len() as u16 + 8).to_be_bytes();
    in_ipv4(17, &[&[s1, s2, p1, p2, l1, l2, 0, 0], inner].concat(), from, number)
}

fn in_ipv4(protocol: u8, inner: &[u8], from: Side, number: u16) -> Typed {
    let (source, target) = if from == Side::Client { (1, 2) } else { (2, 1) };
    let [l1, l2] = u16::try_from(inner.len() + 20).expect("it fits an IPv4 packet").to_be_bytes();
    let [n1, n2] = number.to_be_bytes();
    let mut h = [0x45, 0, l1, l2, n1, n2, 0, 0, 64, protocol, 0, 0, 192, 0, 2, source, 192, 0, 2, target];
    let sum = checksum(&[&h]).to_be_bytes();
    h[10..12].copy_from_slice(&sum);
    (IPV4, [&h, inner].concat())
}

fn in_ipv6(protocol: u8, inner: &[u8], from: Side) -> Typed {
    let (source, target) = if from == Side::Client { (1, 2) } else { (2, 1) };
    let [l1, l2] = u16::try_from(inner.len()).expect("it fits an IPv6 packet").to_be_bytes();
    let prefix = [0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let h = [&[0x60, 0, 0, 0, l1, l2, protocol, 64], &prefix[..], &[source], &prefix, &[target]].concat();
    (IPV6, [&h, inner].concat())
}

fn authenticated(kind: u16, packet: &[u8]) -> Vec<u8> {
    let (length, protocol) = if kind == IPV6 { (40, 6) } else { (20, 9) };
    let header = [packet[protocol], 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
    let mut out = [&packet[..length], &header, &packet[length..]].concat();
    out[protocol] = 51;
    let added = (out.len() - if kind == IPV6 { 40 } else { 0 }) as u16;
    let at = if kind == IPV6 { 4 } else { 2 };
    out[at..at + 2].copy_from_slice(&added.to_be_bytes());
    if kind == IPV4 {
        seal(&mut out);
    }
    out
}

/// Puts the right checksum into an IPv4 header of 20 bytes.
fn seal(packet: &mut [u8]) {
    packet[10..12].fill(0);
    let sum = checksum(&[&packet[..20]]).to_be_bytes();
    packet[10..12].copy_from_slice(&sum);
}

fn cut_ipv4(packet: &[u8], most: usize) -> Vec<Vec<u8>> {
    let (header, payload) = packet.split_at(20);
    let pieces = payload.chunks(most / 8 * 8).enumerate();
    let count = pieces.len();
    if count == 1 {
        return vec![packet.to_vec()];
    }
    pieces
        .map(|(nth, piece)| {
            let mut out = [header, piece].concat();
            let place = (nth * (most / 8)) as u16 | if nth + 1 < count { 0x2000 } else { 0 };
            out[6..8].copy_from_slice(&place.to_be_bytes());
            out[2..4].copy_from_slice(&(piece.len() as u16 + 20).to_be_bytes());
            seal(&mut out);
            out
        })
        .collect()
}

fn cut_ipv6(packet: &[u8], most: usize, number: u16) -> Vec<Vec<u8>> {
    let (header, payload) = packet.split_at(40);
    let pieces = payload.chunks(most / 8 * 8).enumerate();
    let count = pieces.len();
    if count == 1 {
        return vec![packet.to_vec()];
    }
    pieces
        .map(|(nth, piece)| {
            let place = ((nth * (most / 8)) << 3) as u16 | u16::from(nth + 1 < count);
            let ([p1, p2], [n1, n2]) = (place.to_be_bytes(), number.to_be_bytes());
            let mut out = [header, &[header[6], 0, p1, p2, 0, 1, n1, n2], piece].concat();
            out[4..6].copy_from_slice(&(piece.len() as u16 + 8).to_be_bytes());
            out[6] = 44;
            out
        })
        .collect()
}
