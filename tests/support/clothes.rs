//! Clothes: one conversation as different machines, links and capture programs would have recorded it.
//!
//! No clothing changes what the two ends said, so none may change what is concluded from it.

use std::net::{Ipv4Addr, SocketAddrV4};

use wsdiag::ids::Side;

use super::conversation::Case;
use super::files::{self, Compression, File};
use super::layers::{Layer, Order};
use super::links::Rare;
use super::packets::{self, Ip, Link, Packet};
use super::rng::Rng;
use super::tcp::{self, ACK, Built, FIN, PSH, RST, SYN, Segment};

/// A way to record a conversation.
pub struct Clothing {
    /// Its name in test output.
    pub name: &'static str,
    /// What it does to the segments.
    pub shape: fn(&mut Vec<Segment>, &mut Rng),
    /// The link layer.
    pub link: Link,
    /// Tunnels, tags and fragments, from the inside out.
    pub layers: &'static [Layer],
    /// The version of IP.
    pub ip: Ip,
    /// The form of the file.
    pub file: File,
    /// Whether other traffic runs beside it.
    pub crowd: bool,
    /// How often the capture point saw each packet.
    pub seen: Seen,
}

/// How often a capture point sees each packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// As it is.
    Once,
    /// On two interfaces in a row, as on its way through a bridge; Linux cooked v2 says on which.
    Twice,
    /// By a mirror port of both lanes: the copies come up to three packets later.
    Mirrored,
}

const PCAP: File = File::Pcap { big_endian: false, nanoseconds: false };
const PLAIN: Clothing = Clothing {
    name: "plain",
    shape: as_is,
    link: Link::Ethernet,
    layers: &[],
    ip: Ip::V4,
    file: PCAP,
    crowd: false,
    seen: Seen::Once,
};

/// Ethernet, IPv4, pcap in little endian with microseconds, nothing lost, doubled or out of order.
pub fn plain() -> &'static Clothing {
    &CLOTHES[0]
}

/// Every clothing, the plain one first.
pub static CLOTHES: &[Clothing] = &[
    PLAIN,
    Clothing { name: "big-endian pcap", file: File::Pcap { big_endian: true, nanoseconds: false }, ..PLAIN },
    Clothing { name: "nanosecond pcap", file: File::Pcap { big_endian: false, nanoseconds: true }, ..PLAIN },
    Clothing { name: "big-endian nanosecond pcap", file: File::Pcap { big_endian: true, nanoseconds: true }, ..PLAIN },
    Clothing { name: "pcapng", file: File::Pcapng { big_endian: false }, ..PLAIN },
    Clothing { name: "big-endian pcapng", file: File::Pcapng { big_endian: true }, ..PLAIN },
    Clothing { name: "pcapng of two sections", file: File::TwoSections, ..PLAIN },
    Clothing { name: "pcapng with two clocks", file: File::TwoClocks, ..PLAIN },
    Clothing { name: "VLAN", link: Link::Vlan, ..PLAIN },
    Clothing { name: "QinQ", link: Link::QinQ, ..PLAIN },
    Clothing { name: "IPv6", ip: Ip::V6, ..PLAIN },
    Clothing { name: "IPv6 in VLAN", ip: Ip::V6, link: Link::Vlan, ..PLAIN },
    Clothing { name: "Linux cooked v1", link: Link::Cooked1, ..PLAIN },
    Clothing { name: "Linux cooked v2", link: Link::Cooked2, ..PLAIN },
    Clothing {
        name: "IPv6 in Linux cooked v2, pcapng",
        link: Link::Cooked2,
        ip: Ip::V6,
        file: File::TwoClocks,
        ..PLAIN
    },
    Clothing { name: "BSD loopback", link: Link::Loopback { big_endian: false }, ..PLAIN },
    Clothing {
        name: "BSD loopback of a big-endian machine, IPv6",
        link: Link::Loopback { big_endian: true },
        ip: Ip::V6,
        file: File::Pcap { big_endian: true, nanoseconds: false },
        ..PLAIN
    },
    Clothing { name: "raw IP", link: Link::RawIp, ..PLAIN },
    Clothing { name: "raw IPv6", link: Link::RawIp, ip: Ip::V6, ..PLAIN },
    Clothing { name: "IPv4 fragments", layers: &[Layer::Fragments(64, Order::Forward)], ..PLAIN },
    Clothing { name: "IPv4 fragments, last one first", layers: &[Layer::Fragments(64, Order::Reversed)], ..PLAIN },
    Clothing { name: "IPv4 fragments, each twice", layers: &[Layer::Fragments(512, Order::Doubled)], ..PLAIN },
    Clothing { name: "IPv6 fragments", ip: Ip::V6, layers: &[Layer::Fragments(48, Order::Forward)], ..PLAIN },
    Clothing {
        name: "IPv6 fragments, last one first",
        ip: Ip::V6,
        layers: &[Layer::Fragments(1232, Order::Reversed)],
        ..PLAIN
    },
    Clothing { name: "IP in IP", layers: &[Layer::InIpv4], ..PLAIN },
    Clothing { name: "IP in IPv6", layers: &[Layer::InIpv6], ..PLAIN },
    Clothing { name: "GRE", layers: &[Layer::Gre], ..PLAIN },
    Clothing { name: "GRE with all fields", layers: &[Layer::GreWithAll], ..PLAIN },
    Clothing { name: "GRE with Ethernet", layers: &[Layer::GreEthernet], ..PLAIN },
    Clothing { name: "ERSPAN I", layers: &[Layer::Erspan1], ..PLAIN },
    Clothing { name: "ERSPAN II", layers: &[Layer::Erspan2], ..PLAIN },
    Clothing { name: "ERSPAN III", layers: &[Layer::Erspan3], ..PLAIN },
    Clothing { name: "PPTP", layers: &[Layer::Pptp], ..PLAIN },
    Clothing { name: "VXLAN", layers: &[Layer::Vxlan], ..PLAIN },
    Clothing { name: "VXLAN-GPE", layers: &[Layer::VxlanGeneric], ..PLAIN },
    Clothing { name: "GENEVE", layers: &[Layer::Geneve], ..PLAIN },
    Clothing { name: "GTP-U", layers: &[Layer::GtpU], ..PLAIN },
    Clothing { name: "L2TP", layers: &[Layer::L2tp], ..PLAIN },
    Clothing { name: "TZSP", layers: &[Layer::Tzsp], ..PLAIN },
    Clothing { name: "MPLS in UDP", layers: &[Layer::MplsInUdp], ..PLAIN },
    Clothing { name: "EtherIP", layers: &[Layer::EtherIp], ..PLAIN },
    Clothing { name: "an authentication header", layers: &[Layer::Authentication], ..PLAIN },
    Clothing { name: "MPLS", layers: &[Layer::Mpls], ..PLAIN },
    Clothing { name: "an MPLS pseudowire", layers: &[Layer::Pseudowire], ..PLAIN },
    Clothing { name: "an MPLS pseudowire without control word", layers: &[Layer::PseudowireWithoutWord], ..PLAIN },
    Clothing { name: "PPPoE", layers: &[Layer::Pppoe], ..PLAIN },
    Clothing { name: "a service header", layers: &[Layer::Nsh], ..PLAIN },
    Clothing { name: "a provider backbone", layers: &[Layer::Backbone], ..PLAIN },
    Clothing { name: "MACsec without encryption", layers: &[Layer::Macsec], ..PLAIN },
    Clothing { name: "6in4", ip: Ip::V6, layers: &[Layer::InIpv4], ..PLAIN },
    Clothing { name: "IPv6 in IPv6", ip: Ip::V6, layers: &[Layer::InIpv6], ..PLAIN },
    Clothing { name: "Teredo", ip: Ip::V6, layers: &[Layer::Teredo], ..PLAIN },
    Clothing { name: "IPv6 in MPLS in VLAN", ip: Ip::V6, layers: &[Layer::Mpls, Layer::Vlan], ..PLAIN },
    Clothing { name: "VXLAN in GRE in VLAN", layers: &[Layer::Vxlan, Layer::Gre, Layer::Vlan], ..PLAIN },
    Clothing { name: "fragments in GENEVE", layers: &[Layer::Fragments(256, Order::Reversed), Layer::Geneve], ..PLAIN },
    Clothing { name: "VXLAN in fragments", layers: &[Layer::Vxlan, Layer::Fragments(256, Order::Forward)], ..PLAIN },
    Clothing {
        name: "fragments in GRE in fragments",
        ip: Ip::V6,
        layers: &[Layer::Fragments(600, Order::Reversed), Layer::Gre, Layer::Fragments(256, Order::Reversed)],
        ..PLAIN
    },
    Clothing { name: "GTP-U in Linux cooked v2", link: Link::Cooked2, layers: &[Layer::GtpU], ..PLAIN },
    Clothing { name: "802.3 with SNAP", shape: narrow, link: Link::Rare(Rare::Snap), ..PLAIN },
    Clothing { name: "PPP", link: Link::Rare(Rare::Ppp), ..PLAIN },
    Clothing { name: "PPP with short protocol numbers", link: Link::Rare(Rare::PppCompressed), ..PLAIN },
    Clothing { name: "PPP on a serial line", link: Link::Rare(Rare::PppSerial), ..PLAIN },
    Clothing { name: "PPP with direction", link: Link::Rare(Rare::PppWithDirection), ..PLAIN },
    Clothing { name: "PPPoE without Ethernet", link: Link::Rare(Rare::Pppoe), ..PLAIN },
    Clothing { name: "Cisco HDLC", link: Link::Rare(Rare::CiscoHdlc), ..PLAIN },
    Clothing { name: "Frame Relay", link: Link::Rare(Rare::FrameRelay), ..PLAIN },
    Clothing { name: "NFLOG", link: Link::Rare(Rare::Nflog { big_endian: false }), ..PLAIN },
    Clothing { name: "PKTAP", link: Link::Rare(Rare::Pktap), ..PLAIN },
    Clothing { name: "802.11", link: Link::Rare(Rare::Wlan), ..PLAIN },
    Clothing { name: "802.11 with radiotap", link: Link::Rare(Rare::Radiotap), ..PLAIN },
    Clothing { name: "802.11 with PPI", link: Link::Rare(Rare::Ppi), ..PLAIN },
    Clothing { name: "802.11 with Prism", link: Link::Rare(Rare::Prism), ..PLAIN },
    Clothing { name: "802.11 with radiotap in Linux cooked v1", link: Link::Rare(Rare::CookedWlan), ..PLAIN },
    Clothing { name: "OpenBSD loopback", link: Link::Rare(Rare::Loop), ..PLAIN },
    Clothing { name: "BSD IPsec interface", link: Link::Rare(Rare::Enc), ..PLAIN },
    Clothing { name: "BSD packet filter log", link: Link::Rare(Rare::Pflog), ..PLAIN },
    Clothing { name: "MPLS without Ethernet", link: Link::Rare(Rare::Mpls), ..PLAIN },
    Clothing { name: "LINKTYPE_IPV4", link: Link::Rare(Rare::Ip { version_6: false }), ..PLAIN },
    Clothing {
        name: "NFLOG of a big-endian machine",
        link: Link::Rare(Rare::Nflog { big_endian: true }),
        file: File::Pcap { big_endian: true, nanoseconds: false },
        ..PLAIN
    },
    Clothing { name: "LINKTYPE_IPV6", ip: Ip::V6, link: Link::Rare(Rare::Ip { version_6: true }), ..PLAIN },
    Clothing { name: "IPv6 in 802.11 with radiotap", ip: Ip::V6, link: Link::Rare(Rare::Radiotap), ..PLAIN },
    Clothing { name: "IPv6 in PPP", ip: Ip::V6, link: Link::Rare(Rare::Ppp), ..PLAIN },
    Clothing { name: "tiny segments", shape: tiny, ..PLAIN },
    Clothing { name: "segments of random size", shape: resegmented, ..PLAIN },
    Clothing { name: "segments of offload size", shape: offloaded, ..PLAIN },
    Clothing { name: "every packet twice or once", shape: duplicated, ..PLAIN },
    Clothing { name: "overlapping retransmissions", shape: retransmitted, ..PLAIN },
    Clothing { name: "out of order", shape: reordered, ..PLAIN },
    Clothing { name: "small, out of order, doubled", shape: shaken, ..PLAIN },
    Clothing { name: "keep-alive probes", shape: kept_alive, ..PLAIN },
    Clothing { name: "sequence numbers wrap", shape: wrapped, ..PLAIN },
    Clothing { name: "wrapping and out of order", shape: wrapped_and_reordered, ..PLAIN },
    Clothing { name: "FIN carries the last data", shape: fin_with_data, ..PLAIN },
    Clothing { name: "greetings sent again", shape: greeted_again, ..PLAIN },
    Clothing { name: "everything sent again from some point on", shape: gone_back, ..PLAIN },
    Clothing { name: "the request in the SYN", shape: opened_fast, ..PLAIN },
    Clothing { name: "both ends open", shape: opened_by_both, ..PLAIN },
    Clothing { name: "resets with wrong numbers", shape: reset_wrongly, ..PLAIN },
    Clothing { name: "every packet captured twice", seen: Seen::Twice, ..PLAIN },
    Clothing {
        name: "every packet on two interfaces, Linux cooked v2",
        seen: Seen::Twice,
        link: Link::Cooked2,
        ip: Ip::V6,
        ..PLAIN
    },
    Clothing { name: "a mirror port that doubles", seen: Seen::Mirrored, ..PLAIN },
    Clothing { name: "a mirror port that doubles tiny segments", seen: Seen::Mirrored, shape: tiny, ..PLAIN },
    Clothing { name: "gzip", file: File::Compressed(Compression::Gzip), ..PLAIN },
    Clothing { name: "zstd", file: File::Compressed(Compression::Zstd), ..PLAIN },
    Clothing { name: "lz4", file: File::Compressed(Compression::Lz4), ..PLAIN },
    Clothing { name: "among other traffic", crowd: true, ..PLAIN },
    Clothing { name: "among other traffic, IPv6, pcapng", crowd: true, ip: Ip::V6, file: File::TwoSections, ..PLAIN },
];

/// `case` in `clothing`, as the bytes of a capture file.
pub fn dress(case: &Case, clothing: &Clothing) -> Vec<u8> {
    let mut built = tcp::build(case);
    let mut rng = Rng::named(&format!("{} {}", case.name, clothing.name));
    (clothing.shape)(&mut built.segments, &mut rng);
    capture(&built, clothing, &mut rng)
}

/// `case` in plain clothes as a ring buffer of `count` files leaves it.
pub fn dress_in_files(case: &Case, count: usize) -> Vec<Vec<u8>> {
    let packets = plain_packets(case);
    let each = packets.len().div_ceil(count);
    packets.chunks(each).map(|part| files::write(plain().file, plain().link.number(), part, None)).collect()
}

/// `case` in plain clothes as two capture points on its way recorded it, the second `late` nanoseconds behind the first.
pub fn dress_in_two_places(case: &Case, late: i64) -> [Vec<u8>; 2] {
    let first = plain_packets(case);
    let second: Vec<Packet> = first.iter().map(|p| Packet { at: p.at + late, ..p.clone() }).collect();
    [first, second].map(|packets| files::write(plain().file, plain().link.number(), &packets, None))
}

fn plain_packets(case: &Case) -> Vec<Packet> {
    packets(&tcp::build(case), plain(), &mut Rng::named(&case.name))
}

/// Segments under the clothing's headers, in the clothing's file.
pub fn capture(built: &Built, clothing: &Clothing, rng: &mut Rng) -> Vec<u8> {
    files::write(clothing.file, clothing.link.number(), &packets(built, clothing, rng), None)
}

/// Segments under the clothing's headers.
fn packets(built: &Built, clothing: &Clothing, rng: &mut Rng) -> Vec<Packet> {
    let mut segments = built.segments.clone();
    if clothing.crowd {
        segments.extend(bystanders(&built.segments, rng));
        segments.sort_by_key(|s| s.at);
    }
    let mut packets: Vec<Packet> = Vec::new();
    for (nth, segment) in segments.iter().enumerate() {
        if clothing.crowd && rng.once_in(4) {
            packets.push(packets::dns_query(segment.at, *segment.client.ip(), clothing.link, clothing.ip, nth as u16));
            packets.extend(packets::arp(segment.at, *segment.client.ip(), clothing.link));
        }
        packets.extend(packets::layered(segment, clothing.link, clothing.ip, clothing.layers, nth as u16));
    }
    if packets.last().is_some_and(|p| p.at < built.ends_at) {
        let nobody = Ipv4Addr::new(10, 0, 0, 9);
        packets.push(packets::dns_query(built.ends_at, nobody, clothing.link, clothing.ip, 1));
    }
    seen(packets, clothing, rng)
}

/// The packets as often as the capture point sees them.
fn seen(packets: Vec<Packet>, clothing: &Clothing, rng: &mut Rng) -> Vec<Packet> {
    let mut all: Vec<Packet> = Vec::new();
    for (nth, packet) in packets.iter().enumerate() {
        let later = match clothing.seen {
            Seen::Once => None,
            Seen::Twice => Some(nth),
            Seen::Mirrored => Some((nth + rng.below(4)).min(packets.len() - 1)),
        };
        all.push(packet.clone());
        if let Some(place) = later.filter(|p| packets[*p].at - packet.at < 1_000_000) {
            let mut copy = Packet { at: packets[place].at + 300, bytes: packet.bytes.clone() };
            if clothing.link == Link::Cooked2 {
                copy.bytes[7] += 1;
            }
            all.push(copy);
        }
    }
    all.sort_by_key(|p| p.at);
    all
}

fn as_is(_: &mut Vec<Segment>, _: &mut Rng) {}

/// One byte to a segment where there is little data, few bytes elsewhere.
fn tiny(segments: &mut Vec<Segment>, rng: &mut Rng) {
    let most = if segments.iter().map(|s| s.payload.len()).sum::<usize>() < 8000 { 1 } else { 64 };
    cut(segments, |_| 1 + rng.below(most));
}

/// Leaves room for headers that count towards the largest frame.
fn narrow(segments: &mut Vec<Segment>, _: &mut Rng) {
    cut(segments, |_| 1400);
}

fn resegmented(segments: &mut Vec<Segment>, rng: &mut Rng) {
    offloaded(segments, rng); // first whole, so that the cuts ignore the old boundaries
    cut(segments, |_| 1 + if rng.once_in(3) { rng.below(8) } else { rng.below(2500) });
}

fn shaken(segments: &mut Vec<Segment>, rng: &mut Rng) {
    cut(segments, |_| 1 + rng.below(300));
    duplicated(segments, rng);
    reordered(segments, rng);
}

fn wrapped_and_reordered(segments: &mut Vec<Segment>, rng: &mut Rng) {
    cut(segments, |_| 1 + rng.below(100));
    wrapped(segments, rng);
    reordered(segments, rng);
}

/// Cuts every segment's data into pieces whose sizes `size` gives.
pub fn cut(segments: &mut Vec<Segment>, mut size: impl FnMut(usize) -> usize) {
    let mut pieces = Vec::new();
    for segment in segments.drain(..) {
        let mut rest = segment.payload.as_slice();
        let mut sent = 0;
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(size(rest.len()).clamp(1, rest.len()));
            rest = after;
            let flags = if after.is_empty() { segment.flags } else { segment.flags & !(PSH | FIN) };
            pieces.push(Segment {
                // a nanosecond apart, so that what followed still follows
                at: segment.at + sent as i64,
                seq: segment.seq.wrapping_add(sent as u32),
                flags,
                payload: piece.to_vec(),
                ..segment.clone()
            });
            sent += piece.len();
        }
        if segment.payload.is_empty() {
            pieces.push(segment);
        }
    }
    *segments = pieces;
    segments.sort_by_key(|s| s.at);
}

/// Joins data of one side that no data of the other separates, up to what an IP packet holds, as segmentation offload does.
fn offloaded(segments: &mut Vec<Segment>, _: &mut Rng) {
    const MOST: usize = 65_535 - 40;
    let mut joined: Vec<Segment> = Vec::new();
    for segment in segments.drain(..) {
        let plain_data = !segment.payload.is_empty() && segment.flags & (SYN | FIN | RST) == 0;
        let before = joined.iter_mut().rev().filter(|s| s.connection == segment.connection).find(|s| !s.is_pure_ack());
        if let Some(before) = before
            && plain_data
            && before.from == segment.from
            && before.ack == segment.ack // or it would seem to know less than it did
            && before.flags & (SYN | FIN | RST) == 0
            && before.seq.wrapping_add(before.space()) == segment.seq
            && before.payload.len() + segment.payload.len() <= MOST
            && segment.at - before.at < 1_000_000
        {
            before.payload.extend_from_slice(&segment.payload);
            before.flags |= segment.flags;
            continue;
        }
        joined.push(segment);
    }
    *segments = joined;
}

pub fn duplicated(segments: &mut Vec<Segment>, rng: &mut Rng) {
    let mut all = Vec::new();
    for segment in segments.drain(..) {
        let twice = rng.once_in(2);
        all.push(segment.clone());
        if twice {
            all.push(segment);
        }
    }
    *segments = all;
}

/// Sends data again under other boundaries: some segments begin earlier than they need to, some earlier data comes once more.
pub fn retransmitted(segments: &mut Vec<Segment>, rng: &mut Rng) {
    let connections = segments.iter().map(|s| s.connection).max().map_or(0, |c| c + 1);
    // what each side has sent so far, and where in the sequence space that begins
    let mut sent: Vec<[(u32, Vec<u8>); 2]> = vec![Default::default(); connections];
    let mut all: Vec<Segment> = Vec::new();
    for mut segment in segments.drain(..) {
        let (start, bytes) = &mut sent[segment.connection][segment.from as usize];
        if segment.flags & SYN != 0 {
            *start = segment.seq.wrapping_add(1);
        }
        let at = segment.seq.wrapping_sub(*start) as usize;
        let fresh = at == bytes.len() && !segment.payload.is_empty();
        if fresh {
            bytes.extend_from_slice(&segment.payload);
            if at > 0 && rng.once_in(2) {
                let back = 1 + rng.below(at.min(700));
                segment.seq = segment.seq.wrapping_sub(back as u32);
                segment.payload = bytes[at - back..].to_vec();
            }
        }
        let again = (fresh && rng.once_in(2)).then(|| {
            let from = rng.below(bytes.len());
            let count = 1 + rng.below((bytes.len() - from).min(tcp::SEGMENT));
            Segment {
                at: segment.at + 1000,
                seq: start.wrapping_add(from as u32),
                flags: ACK,
                payload: bytes[from..from + count].to_vec(),
                ..segment.clone()
            }
        });
        all.push(segment);
        all.extend(again);
    }
    // Packets of other connections may lie between a segment and its copy.
    all.sort_by_key(|s| s.at);
    *segments = all;
}

/// Moves packets up to three places within their connection. What the two ends could have known when they sent stays as
/// it was: data and endings of opposite directions keep their order, and only acknowledgements jump over them.
#[allow(clippy::ptr_arg)] // the form of every shape
pub fn reordered(segments: &mut Vec<Segment>, rng: &mut Rng) {
    for connection in 0..segments.iter().map(|s| s.connection).max().map_or(0, |c| c + 1) {
        let places: Vec<usize> = (0..segments.len()).filter(|&i| segments[i].connection == connection).collect();
        for nth in 1..places.len() {
            if !rng.once_in(3) {
                continue;
            }
            for back in 0..(1 + rng.below(3)).min(nth) {
                let (early, late) = (places[nth - back - 1], places[nth - back]);
                if !may_swap(&segments[early], &segments[late]) {
                    break;
                }
                let (first, second) = (segments[early].at, segments[late].at);
                segments.swap(early, late);
                segments[early].at = first;
                segments[late].at = second;
            }
        }
    }
}

fn may_swap(a: &Segment, b: &Segment) -> bool {
    let fixed = (a.flags | b.flags) & (SYN | RST) != 0;
    !fixed && b.at - a.at < 5_000_000 && (a.from == b.from || a.is_pure_ack() || b.is_pure_ack())
}

/// Probes in the silences, answered, as long as both ends live.
fn kept_alive(segments: &mut Vec<Segment>, _: &mut Rng) {
    let mut probes = Vec::new();
    for (nth, segment) in segments.iter().enumerate() {
        let later: Vec<&Segment> = segments[nth + 1..].iter().filter(|s| s.connection == segment.connection).collect();
        let both = [Side::Client, Side::Server].iter().all(|side| later.iter().any(|s| s.from == *side));
        let Some(next) = later.first().filter(|_| both) else { continue };
        let (mut at, mut count) = (segment.at + 1_000_000_000, 0);
        while at + 100_000_000 < next.at && count < 20 {
            let newest =
                |side| segments[..=nth].iter().rev().find(|s| s.connection == segment.connection && s.from == side);
            let (Some(client), Some(server)) = (newest(Side::Client), newest(Side::Server)) else { break };
            let ends = [client, server].map(|s| s.seq.wrapping_add(s.space()));
            let (prober, other) = if count % 2 == 0 { (server, client) } else { (client, server) };
            let probe = Segment {
                at,
                seq: ends[prober.from as usize].wrapping_sub(1),
                ack: ends[other.from as usize],
                flags: ACK,
                payload: if count % 4 < 2 { vec![0] } else { Vec::new() }, // some systems send a byte of garbage
                ..prober.clone()
            };
            let answer = Segment {
                at: at + 200_000,
                seq: ends[other.from as usize],
                ack: ends[prober.from as usize],
                flags: ACK,
                payload: Vec::new(),
                ..other.clone()
            };
            probes.extend([probe, answer]);
            at += 1_000_000_000;
            count += 1;
        }
    }
    segments.extend(probes);
    segments.sort_by_key(|s| s.at);
}

/// Moves the sequence numbers so that they pass 2^32 in the middle of each side's data.
pub fn wrapped(segments: &mut Vec<Segment>, _: &mut Rng) {
    let connections = segments.iter().map(|s| s.connection).max().map_or(0, |c| c + 1);
    let mut shift = vec![[0u32; 2]; connections];
    for (connection, sides) in shift.iter_mut().enumerate() {
        for side in [Side::Client, Side::Server] {
            let mine = || segments.iter().filter(|s| s.connection == connection && s.from == side);
            let Some(first) = mine().next() else { continue };
            let length = mine().map(|s| s.seq.wrapping_sub(first.seq).wrapping_add(s.space())).max().unwrap_or(0);
            sides[side as usize] = 0u32.wrapping_sub(length / 2).wrapping_sub(first.seq);
        }
    }
    for s in segments {
        s.seq = s.seq.wrapping_add(shift[s.connection][s.from as usize]);
        if s.flags & ACK != 0 {
            s.ack = s.ack.wrapping_add(shift[s.connection][s.from.other() as usize]);
        }
    }
}

/// Puts each FIN into the last data segment of its side, where it follows closely, the order of the two FINs stays and the
/// other side sent nothing in between: what came before a FIN did not answer it.
fn fin_with_data(segments: &mut Vec<Segment>, _: &mut Rng) {
    let connections = segments.iter().map(|s| s.connection).max().map_or(0, |c| c + 1);
    for connection in 0..connections {
        let mut first_fin = None;
        while let Some(fin) = (first_fin.map_or(0, |f| f + 1)..segments.len())
            .find(|&i| segments[i].connection == connection && segments[i].flags & FIN != 0)
        {
            let from = segments[fin].from;
            let data = (first_fin.map_or(0, |f| f + 1)..fin).rev().find(|&i| {
                segments[i].connection == connection && segments[i].from == from && !segments[i].payload.is_empty()
            });
            first_fin = Some(fin);
            let spoken = |d: usize| {
                let mut between = segments[d..fin].iter().filter(|s| s.connection == connection && s.from != from);
                between.any(|s| !s.payload.is_empty())
            };
            let close = |&d: &usize| segments[fin].at - segments[d].at < 5_000_000 && !spoken(d);
            let Some(data) = data.filter(close) else { continue };
            let end = segments[data].seq.wrapping_add(segments[data].space());
            if segments[fin].payload.is_empty() && end == segments[fin].seq {
                segments[data].flags |= FIN | PSH;
                segments.remove(fin);
                first_fin = Some(data);
                let taken = end.wrapping_add(1);
                // the other end's ACK of that data now covers the FIN as well; what the sender sends after it begins there
                for s in segments[data + 1..].iter_mut().filter(|s| s.connection == connection) {
                    if s.from != from && s.ack == end {
                        s.ack = taken;
                    } else if s.from == from && s.seq == end && s.payload.is_empty() {
                        s.seq = taken;
                    }
                }
            }
        }
    }
}

/// SYN and SYN-ACK come again, as if their answers were late.
fn greeted_again(segments: &mut Vec<Segment>, _: &mut Rng) {
    let mut all = Vec::new();
    for segment in segments.drain(..) {
        let greeting = segment.flags & SYN != 0;
        // Just before the original: behind it the conversation goes on at once.
        all.extend(greeting.then(|| Segment { at: segment.at - 2_000, ..segment.clone() }));
        all.push(segment);
    }
    *segments = all;
}

/// A sender that hears nothing sends all its data again from some segment on.
fn gone_back(segments: &mut Vec<Segment>, rng: &mut Rng) {
    let mut all: Vec<Segment> = Vec::new();
    let mut unheard: Vec<Segment> = Vec::new();
    for segment in segments.drain(..) {
        let same = unheard.last().is_none_or(|s| (s.connection, s.from) == (segment.connection, segment.from));
        if !same || segment.payload.is_empty() {
            if unheard.len() > 1 {
                let from = rng.below(unheard.len());
                all.extend(unheard[from..].iter().map(|s| Segment { at: segment.at - 1_000, ..s.clone() }));
            }
            unheard.clear();
        }
        if !segment.payload.is_empty() && segment.flags & (SYN | FIN | RST) == 0 {
            unheard.push(segment.clone());
        }
        all.push(segment);
    }
    *segments = all;
}

/// TCP fast open (RFC 7413): the first segment with data of the client is part of its SYN, which the server takes whole.
fn opened_fast(segments: &mut Vec<Segment>, _: &mut Rng) {
    let connections = segments.iter().map(|s| s.connection).max().map_or(0, |c| c + 1);
    for connection in 0..connections {
        let mut mine = (0..segments.len()).filter(|&i| segments[i].connection == connection);
        let Some(syn) = mine.next().filter(|&i| segments[i].flags == SYN) else { continue };
        let Some(request) = mine.find(|&i| segments[i].from == Side::Client && !segments[i].payload.is_empty()) else {
            continue;
        };
        let payload = segments.remove(request).payload;
        let taken = segments[syn].seq.wrapping_add(1 + payload.len() as u32);
        segments[syn].payload = payload;
        // What came between them stands behind the request now.
        for s in &mut segments[syn + 1..request] {
            if s.connection == connection && s.from == Side::Server {
                s.ack = taken;
            } else if s.connection == connection {
                s.seq = taken;
            }
        }
    }
}

/// Both SYNs cross, and both are answered (RFC 9293 section 3.5).
fn opened_by_both(segments: &mut Vec<Segment>, _: &mut Rng) {
    let mut all: Vec<Segment> = Vec::new();
    for segment in segments.drain(..) {
        if segment.flags == SYN | ACK {
            let syn = all.iter().rfind(|s| s.connection == segment.connection && s.flags == SYN).cloned();
            all.push(Segment { flags: SYN, ack: 0, ..segment.clone() });
            all.extend(syn.map(|syn| Segment {
                flags: SYN | ACK,
                ack: segment.seq.wrapping_add(1),
                at: segment.at,
                ..syn
            }));
        }
        all.push(segment);
    }
    *segments = all;
}

/// Resets of nobody, far outside of the window, while both ends still speak.
fn reset_wrongly(segments: &mut Vec<Segment>, rng: &mut Rng) {
    let mut all: Vec<Segment> = Vec::new();
    for (nth, segment) in segments.iter().enumerate() {
        all.push(segment.clone());
        let both_go_on = [Side::Client, Side::Server].iter().all(|side| {
            let later = segments[nth + 1..].iter();
            later.filter(|s| s.connection == segment.connection && s.from == *side && s.flags & RST == 0).count() > 1
        });
        if both_go_on && segment.flags & SYN == 0 && rng.once_in(4) {
            let seq = segment.seq.wrapping_sub(100_000 + rng.below(1_000_000) as u32);
            all.push(Segment { flags: RST | ACK, payload: Vec::new(), seq, ..segment.clone() });
        }
    }
    *segments = all;
}

/// Plain HTTP on another port of the same server, over the same time.
fn bystanders(segments: &[Segment], rng: &mut Rng) -> Vec<Segment> {
    let Some(first) = segments.first() else { return Vec::new() };
    let client = SocketAddrV4::new(*first.client.ip(), 61_000);
    let server = SocketAddrV4::new(*first.server.ip(), 80);
    let (mut next, mut out) = ([1000u32, 9000u32], Vec::new());
    let mut say = |at: i64, from: Side, flags: u8, payload: &[u8]| {
        let (me, other) = (from as usize, from.other() as usize);
        let s = Segment {
            at,
            connection: usize::MAX,
            client,
            server,
            from,
            seq: next[me],
            ack: if flags & ACK != 0 { next[other] } else { 0 },
            flags,
            payload: payload.to_vec(),
        };
        next[me] += s.space();
        out.push(s);
    };
    say(first.at, Side::Client, SYN, &[]);
    say(first.at, Side::Server, SYN | ACK, &[]);
    say(first.at, Side::Client, ACK, &[]);
    for segment in segments.iter().filter(|_| rng.once_in(5)).take(20) {
        say(segment.at, Side::Client, ACK | PSH, b"GET /health HTTP/1.1\r\nHost: api.example.com\r\n\r\n");
        say(segment.at, Side::Server, ACK | PSH, b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n");
    }
    out
}
