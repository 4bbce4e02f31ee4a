//! Headers of the rarer link layers.

use wsdiag::ids::Side;

use super::layers;
use super::packets::IPV6;

/// Where Ethernet frames go and come from.
pub fn hardware(from: Side) -> ([u8; 6], [u8; 6]) {
    const CLIENT: [u8; 6] = [2, 0, 0, 0, 0, 1];
    const SERVER: [u8; 6] = [2, 0, 0, 0, 0, 2];
    if from == Side::Client { (SERVER, CLIENT) } else { (CLIENT, SERVER) }
}

/// A link layer besides the common ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rare {
    /// Ethernet with a length in place of the type, 802.2 and SNAP.
    Snap,
    /// PPP with address and control fields.
    Ppp,
    /// PPP without them, its protocol number in one byte.
    PppCompressed,
    /// PPP on a serial line.
    PppSerial,
    /// PPP behind a byte of direction.
    PppWithDirection,
    /// PPPoE without Ethernet.
    Pppoe,
    /// Cisco's HDLC.
    CiscoHdlc,
    /// Frame Relay with RFC 2427.
    FrameRelay,
    /// netfilter's log; the attributes are in the byte order of the machine.
    Nflog {
        /// Of that machine.
        big_endian: bool,
    },
    /// Apple's header before Ethernet.
    Pktap,
    /// Wi-Fi without radio information.
    Wlan,
    /// Wi-Fi with QoS behind a radiotap header with time and flags, the frame header padded.
    Radiotap,
    /// Wi-Fi behind per-packet information.
    Ppi,
    /// Wi-Fi behind a Prism header.
    Prism,
    /// OpenBSD's loopback.
    Loop,
    /// BSD's IPsec interface.
    Enc,
    /// BSD's packet filter log.
    Pflog,
    /// MPLS without Ethernet.
    Mpls,
    /// The same in Linux cooked capture.
    CookedWlan,
    /// LINKTYPE_IPV4 or LINKTYPE_IPV6.
    Ip {
        /// The latter.
        version_6: bool,
    },
}

impl Rare {
    pub fn number(self) -> u32 {
        match self {
            Rare::Snap => 1,
            Rare::Ppp | Rare::PppCompressed => 9,
            Rare::PppSerial => 50,
            Rare::Pppoe => 51,
            Rare::CiscoHdlc => 104,
            Rare::Wlan => 105,
            Rare::FrameRelay => 107,
            Rare::Loop => 108,
            Rare::Enc => 109,
            Rare::CookedWlan => 113,
            Rare::Pflog => 117,
            Rare::Prism => 119,
            Rare::Radiotap => 127,
            Rare::Ppi => 192,
            Rare::PppWithDirection => 204,
            Rare::Mpls => 219,
            Rare::Ip { version_6 } => 228 + u32::from(version_6),
            Rare::Nflog { .. } => 239,
            Rare::Pktap => 258,
        }
    }

    /// `payload` of the given EtherType under this link's header.
    pub fn wrap(self, kind: u16, from: Side, payload: &[u8]) -> Vec<u8> {
        let [k1, k2] = kind.to_be_bytes();
        let ppp = if kind == IPV6 { 0x57 } else { 0x21 };
        let (target, source) = hardware(from);
        let snap = [&[0xAA, 0xAA, 3, 0, 0, 0, k1, k2], payload].concat();
        let ethernet = [&target[..], &source, &[k1, k2], payload].concat();
        match self {
            Rare::Snap => {
                let mut frame = [&target[..], &source, &(snap.len() as u16).to_be_bytes(), &snap].concat();
                frame.resize(frame.len().max(60), 0);
                frame
            }
            Rare::Ppp | Rare::PppSerial => [&[0xFF, 3, 0, ppp], payload].concat(),
            Rare::PppCompressed => [&[ppp], payload].concat(),
            Rare::PppWithDirection => [&[u8::from(from == Side::Client), 0xFF, 3, 0, ppp], payload].concat(),
            Rare::Pppoe => layers::pppoe(kind, payload),
            Rare::CiscoHdlc => [&[0x0F, 0, k1, k2], payload].concat(),
            Rare::FrameRelay => [&[0x18, 0x41, 3, if kind == IPV6 { 0x8E } else { 0xCC }], payload].concat(),
            Rare::Nflog { big_endian } => {
                let number = |n: usize| if big_endian { (n as u16).to_be_bytes() } else { (n as u16).to_le_bytes() };
                let mut out = vec![if kind == IPV6 { 10 } else { 2 }, 0, 0, 5];
                let attributes: [(usize, &[u8]); 3] = [(1, &[k1, k2, 3, 0]), (10, b"in\0"), (9, payload)];
                for (kind, value) in attributes {
                    out.extend(number(4 + value.len()));
                    out.extend(number(kind));
                    out.extend(value);
                    out.resize(out.len().next_multiple_of(4), 0);
                }
                out
            }
            Rare::Pktap => {
                let mut header = vec![0; 108];
                header[0] = 108;
                header[4] = 1;
                header[8] = 1;
                header[12..15].copy_from_slice(b"en0");
                [header, ethernet].concat()
            }
            Rare::Wlan => wlan(from, false, &snap),
            Rare::CookedWlan => [&[0, 3, 3, 35, 0, 6][..], &source, &[0, 0, 0, 0], &radiotap(from, &snap)].concat(),
            Rare::Radiotap => radiotap(from, &snap),
            Rare::Ppi => [&[0, 0, 8, 0, 105, 0, 0, 0], &wlan(from, false, &snap)[..]].concat(),
            Rare::Prism => {
                let mut header = vec![0; 144];
                header[..8].copy_from_slice(&[0x44, 0, 0, 0, 144, 0, 0, 0]);
                [header, wlan(from, false, &snap)].concat()
            }
            Rare::Loop => [&[0, 0, 0, if kind == IPV6 { 24 } else { 2 }], payload].concat(),
            Rare::Enc => [&[if kind == IPV6 { 24 } else { 2 }, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0], payload].concat(),
            Rare::Pflog => {
                let mut header = vec![0; 64];
                header[..2].copy_from_slice(&[61, if kind == IPV6 { 24 } else { 2 }]);
                header[4..7].copy_from_slice(b"em0");
                [&header, payload].concat()
            }
            Rare::Mpls => [&[0, 1, 1, 64], payload].concat(),
            Rare::Ip { .. } => payload.to_vec(),
        }
    }
}

fn radiotap(from: Side, body: &[u8]) -> Vec<u8> {
    // Time at 8, flags at 16: the header of the frame is padded to a multiple of four.
    let header = [0, 0, 17, 0, 3, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0x20];
    [&header[..], &wlan(from, true, body)].concat()
}

/// A data frame between a station and its access point.
fn wlan(from: Side, quality_and_padding: bool, body: &[u8]) -> Vec<u8> {
    let (target, source) = hardware(from);
    let station = [2, 0, 0, 0, 0, 9];
    let mut frame = vec![if quality_and_padding { 0x88 } else { 0x08 }, 1 + (from as u8), 0, 0];
    if from == Side::Client {
        frame.extend([station, source, target].concat()); // to the distribution system
    } else {
        frame.extend([target, station, source].concat());
    }
    frame.extend([0x10, 0]);
    if quality_and_padding {
        frame.extend([0, 0, 0, 0]); // QoS, and two bytes up to a multiple of four
    }
    frame.extend(body);
    frame
}
