//! Capture files: pcap and pcapng in both byte orders and several clocks.

use std::io::Write as _;

use super::packets::Packet;

/// The form of a capture file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum File {
    /// Classic pcap.
    Pcap {
        /// Byte order of its headers.
        big_endian: bool,
        /// Nanoseconds in place of microseconds.
        nanoseconds: bool,
    },
    /// pcapng with one section and one interface, microseconds.
    Pcapng {
        /// Byte order of its blocks.
        big_endian: bool,
    },
    /// pcapng with two sections, the second in the other byte order, each with an interface of its own.
    TwoSections,
    /// pcapng with two interfaces that take turns, one counting 10^-9, the other 2^-30 seconds.
    TwoClocks,
    /// Classic pcap in two members or frames, as log rotation and appending leave them.
    Compressed(Compression),
}

/// What a capture is compressed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
    /// The LZ4 frame format.
    Lz4,
}

impl Compression {
    fn pack(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Compression::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
                encoder.write_all(bytes).expect("memory takes everything");
                encoder.finish().expect("memory takes everything")
            }
            Compression::Zstd => ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest),
            Compression::Lz4 => {
                let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
                encoder.write_all(bytes).expect("memory takes everything");
                encoder.finish().expect("memory takes everything")
            }
        }
    }
}

/// 2026-01-01 00:00:00 UTC: when every built capture begins.
pub const EPOCH: i64 = 1_767_225_600_000_000_000;

/// The packets as a file; packets longer than `snap` are cut.
pub fn write(file: File, link_type: u32, packets: &[Packet], snap: Option<usize>) -> Vec<u8> {
    let mut out = Out { bytes: Vec::new(), big_endian: false, snap: snap.unwrap_or(262_144) };
    match file {
        File::Pcap { big_endian, nanoseconds } => {
            out.big_endian = big_endian;
            out.pcap(link_type, packets, nanoseconds);
        }
        File::Pcapng { big_endian } => {
            out.big_endian = big_endian;
            out.section();
            out.interface(link_type, None);
            packets.iter().for_each(|p| out.packet(0, p, Clock::Microseconds));
        }
        File::TwoSections => {
            let (first, second) = packets.split_at(packets.len() / 2);
            for (big_endian, packets) in [(false, first), (true, second)] {
                out.big_endian = big_endian;
                out.section();
                out.interface(link_type, Some(9));
                packets.iter().for_each(|p| out.packet(0, p, Clock::Nanoseconds));
            }
        }
        File::Compressed(compression) => {
            out.pcap(link_type, packets, false);
            let (first, second) = out.bytes.split_at(out.bytes.len() / 2);
            out.bytes = [compression.pack(first), compression.pack(second)].concat();
        }
        File::TwoClocks => {
            out.section();
            out.interface(link_type, Some(9));
            out.interface(link_type, Some(0x80 | 30));
            for (nth, packet) in packets.iter().enumerate() {
                let clock = if nth % 2 == 0 { Clock::Nanoseconds } else { Clock::Binary30 };
                out.packet((nth % 2) as u32, packet, clock);
            }
        }
    }
    out.bytes
}

/// A Decryption Secrets Block with a TLS key log, in little endian (draft-ietf-opsawg-pcapng section 4.7).
pub fn secrets_block(key_log: &str) -> Vec<u8> {
    let mut out = Out { bytes: Vec::new(), big_endian: false, snap: 0 };
    out.block(0x0A, |out| {
        out.u32(0x544c_534b);
        out.u32(key_log.len() as u32);
        out.bytes.extend_from_slice(key_log.as_bytes());
        out.bytes.resize(out.bytes.len().next_multiple_of(4), 0);
    });
    out.bytes
}

/// Bytes of the first block of a pcapng file in little endian.
pub fn first_block(file: &[u8]) -> usize {
    u32::from_le_bytes(file[4..8].try_into().expect("a block")) as usize
}

#[derive(Clone, Copy)]
enum Clock {
    Microseconds,
    Nanoseconds,
    Binary30,
}

struct Out {
    bytes: Vec<u8>,
    big_endian: bool,
    snap: usize,
}

impl Out {
    fn u16(&mut self, value: u16) {
        self.bytes.extend_from_slice(&if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() });
    }

    fn u32(&mut self, value: u32) {
        self.bytes.extend_from_slice(&if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() });
    }

    fn pcap(&mut self, link_type: u32, packets: &[Packet], nanoseconds: bool) {
        self.u32(if nanoseconds { 0xA1B2_3C4D } else { 0xA1B2_C3D4 });
        self.u16(2);
        self.u16(4);
        self.u32(0);
        self.u32(0);
        self.u32(self.snap as u32);
        self.u32(link_type);
        for packet in packets {
            let time = EPOCH + packet.at;
            let fraction = time % 1_000_000_000;
            self.u32((time / 1_000_000_000) as u32);
            self.u32(if nanoseconds { fraction } else { fraction / 1000 } as u32);
            let kept = packet.bytes.len().min(self.snap);
            self.u32(kept as u32);
            self.u32(packet.bytes.len() as u32);
            self.bytes.extend_from_slice(&packet.bytes[..kept]);
        }
    }

    fn section(&mut self) {
        self.block(0x0A0D_0D0A, |out| {
            out.u32(0x1A2B_3C4D);
            out.u16(1);
            out.u16(0);
            out.bytes.extend_from_slice(&[0xFF; 8]); // section length not given
        });
    }

    fn interface(&mut self, link_type: u32, resolution: Option<u8>) {
        let snap = self.snap as u32;
        self.block(1, |out| {
            out.u16(link_type as u16);
            out.u16(0);
            out.u32(snap);
            if let Some(resolution) = resolution {
                out.u16(9); // if_tsresol
                out.u16(1);
                out.bytes.extend_from_slice(&[resolution, 0, 0, 0]);
                out.u32(0); // end of options
            }
        });
    }

    fn packet(&mut self, interface: u32, packet: &Packet, clock: Clock) {
        let time = EPOCH + packet.at;
        let ticks = match clock {
            Clock::Microseconds => time as u64 / 1000,
            Clock::Nanoseconds => time as u64,
            // Rounded up: cut down, the packet would move before one that stands earlier in the file
            Clock::Binary30 => (((time as u128) << 30).div_ceil(1_000_000_000)) as u64,
        };
        let kept = packet.bytes.len().min(self.snap);
        self.block(6, |out| {
            out.u32(interface);
            out.u32((ticks >> 32) as u32);
            out.u32(ticks as u32);
            out.u32(kept as u32);
            out.u32(packet.bytes.len() as u32);
            out.bytes.extend_from_slice(&packet.bytes[..kept]);
            out.bytes.resize(out.bytes.len().next_multiple_of(4), 0);
        });
    }

    fn block(&mut self, kind: u32, body: impl FnOnce(&mut Out)) {
        let start = self.bytes.len();
        self.u32(kind);
        self.u32(0);
        body(self);
        let length = (self.bytes.len() - start + 4) as u32;
        self.u32(length);
        let field = if self.big_endian { length.to_be_bytes() } else { length.to_le_bytes() };
        self.bytes[start + 4..start + 8].copy_from_slice(&field);
    }
}
