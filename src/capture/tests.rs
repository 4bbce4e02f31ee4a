//! Files as programs write them, and as disks and copies damage them.

use std::io::Cursor;

use super::*;

/// A file of packets of which the nth holds n + 1 bytes of the value n.
struct Writer {
    big_endian: bool,
    bytes: Vec<u8>,
    /// Where each record begins.
    records: Vec<usize>,
}

const TIME: u32 = 1_767_225_600;

impl Writer {
    fn word(&mut self, value: u32) {
        self.bytes.extend(if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() });
    }

    fn half(&mut self, value: u16) {
        self.bytes.extend(if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() });
    }

    fn pcap(magic: u32, network: u32, big_endian: bool, packets: u8) -> Writer {
        let mut w = Writer { big_endian, bytes: Vec::new(), records: Vec::new() };
        w.word(magic);
        w.half(2);
        w.half(4);
        [0, 0, 65_535, network].into_iter().for_each(|n| w.word(n));
        for n in 0..packets {
            w.records.push(w.bytes.len());
            let length = u32::from(n) + 60;
            [TIME + u32::from(n), 5, length, length].into_iter().for_each(|n| w.word(n));
            if magic == 0xa1b2_cd34 {
                w.bytes.extend([7; 8]);
            }
            w.bytes.extend(vec![n; length as usize]);
        }
        w
    }

    fn block(&mut self, kind: u32, body: impl FnOnce(&mut Writer)) {
        let start = self.bytes.len();
        self.records.push(start);
        self.word(kind);
        self.word(0);
        body(self);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        let length = (self.bytes.len() - start + 4) as u32;
        self.word(length);
        let field = if self.big_endian { length.to_be_bytes() } else { length.to_le_bytes() };
        self.bytes[start + 4..start + 8].copy_from_slice(&field);
    }

    fn section(&mut self) {
        self.block(0x0a0d_0d0a, |w| {
            w.word(0x1a2b_3c4d);
            w.half(1);
            w.half(0);
            w.bytes.extend([0xff; 8]);
        });
    }

    fn interface(&mut self, options: &[(u16, &[u8])]) {
        self.block(1, |w| {
            w.half(1);
            w.half(0);
            w.word(0);
            w.options(options);
        });
    }

    fn options(&mut self, options: &[(u16, &[u8])]) {
        for (code, value) in options {
            self.half(*code);
            self.half(value.len() as u16);
            self.bytes.extend(*value);
            self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        }
        if !options.is_empty() {
            self.word(0);
        }
    }

    fn packet(&mut self, n: u8, options: &[(u16, &[u8])]) {
        let time = u64::from(TIME + u32::from(n)) * 1_000_000;
        self.block(6, |w| {
            let length = u32::from(n) + 60;
            [0, (time >> 32) as u32, time as u32, length, length].into_iter().for_each(|n| w.word(n));
            w.bytes.extend(vec![n; length as usize]);
            w.bytes.resize(w.bytes.len().next_multiple_of(4), 0);
            w.options(options);
        });
    }

    fn pcapng(big_endian: bool, packets: u8) -> Writer {
        let mut w = Writer { big_endian, bytes: Vec::new(), records: Vec::new() };
        w.section();
        w.interface(&[]);
        (0..packets).for_each(|n| w.packet(n, &[]));
        w
    }
}

/// What was read: value and length of each packet, and how it ended.
struct Read {
    packets: Vec<(u8, usize)>,
    reader: CaptureReader,
    end: Option<CaptureError>,
}

/// Stands for the value of a packet without bytes.
const EMPTY: u8 = 0xff;

fn read(bytes: &[u8]) -> Read {
    let mut reader = CaptureReader::new(Box::new(Cursor::new(bytes.to_vec()))).expect("a capture");
    let mut packets = Vec::new();
    while reader.advance() {
        let packet = reader.packet().expect("a packet");
        let value = packet.data.first().copied().unwrap_or(EMPTY);
        assert!(packet.data.iter().all(|b| *b == value), "a packet of mixed bytes");
        packets.push((value, packet.data.len()));
    }
    let end = reader.take_fault();
    Read { packets, reader, end }
}

fn numbers(read: &Read) -> Vec<u8> {
    read.packets.iter().map(|p| p.0).collect()
}

#[test]
fn every_magic_of_pcap_is_read() {
    for magic in [0xa1b2_c3d4, 0xa1b2_3c4d, 0xa1b2_cd34] {
        for big_endian in [false, true] {
            let read = read(&Writer::pcap(magic, 1, big_endian, 9).bytes);
            assert!(read.end.is_none(), "{magic:x}");
            assert_eq!(numbers(&read), (0..9).collect::<Vec<u8>>());
            let unit = if magic == 0xa1b2_3c4d { 5 } else { 5000 };
            let first = read.reader.times().expect("times").0;
            assert_eq!(first.0, i64::from(TIME) * 1_000_000_000 + unit, "{magic:x}");
        }
    }
}

#[test]
fn records_with_longer_headers_than_the_magic_says_are_read() {
    for extra in [4, 8, 12] {
        let plain = Writer::pcap(0xa1b2_c3d4, 1, false, 9);
        let mut bytes = plain.bytes.clone();
        for begin in plain.records.iter().rev() {
            bytes.splice(begin + 16..begin + 16, [0x5a; 12].into_iter().take(extra));
        }
        let read = read(&bytes);
        assert!(read.end.is_none());
        assert_eq!(numbers(&read), (0..9).collect::<Vec<u8>>(), "{extra}");
    }
}

#[test]
fn the_frame_check_sequence_is_no_data() {
    let read = read(&Writer::pcap(0xa1b2_c3d4, 0x2400_0001, false, 2).bytes);
    assert_eq!(read.packets, [(0, 56), (1, 57)]);
    assert_eq!(read.reader.link_types(), [1]);
    let mut w = Writer::pcapng(true, 0);
    w.interface(&[(13, &[32])]);
    w.section();
    w.interface(&[(13, &[32])]);
    w.packet(3, &[]);
    assert_eq!(self::read(&w.bytes).packets, [(3, 59)]);
}

#[test]
fn a_corrupt_record_header_hides_only_its_packet() {
    for big_endian in [false, true] {
        let good = Writer::pcap(0xa1b2_c3d4, 1, big_endian, 20);
        for (at, value) in [(8, 0xffu8), (9, 0xff), (10, 0x70), (11, 0x01), (8, 0)] {
            let mut bytes = good.bytes.clone();
            bytes[good.records[7] + at] = value;
            let read = read(&bytes);
            let seen = numbers(&read);
            let wanted: Vec<u8> = (0..20).filter(|n| *n != 7).collect();
            let without: Vec<u8> = seen.iter().copied().filter(|n| ![7, EMPTY].contains(n)).collect();
            assert_eq!(without, wanted, "byte {at} is {value}");
        }
        let mut bytes = good.bytes.clone();
        bytes[good.records[7]..good.records[7] + 16].fill(0xee);
        let read = read(&bytes);
        let length = (good.records[8] - good.records[7]) as u64;
        let skipped = Skipped { position: good.records[7] as u64, bytes: length, after: 7 };
        assert_eq!(read.reader.losses(), &Losses { places: 1, bytes: length, first: vec![skipped] });
        assert!(matches!(read.end, Some(CaptureError::Damaged(_))));
        assert_eq!(read.packets.len(), 19);
    }
}

#[test]
fn a_hole_of_zeros_is_passed_over() {
    let good = Writer::pcap(0xa1b2_c3d4, 1, false, 20);
    let mut bytes = good.bytes[..good.records[10]].to_vec();
    bytes.extend(vec![0; 1_000_000]);
    bytes.extend(&good.bytes[good.records[10]..]);
    let read = read(&bytes);
    assert_eq!(numbers(&read), (0..20).collect::<Vec<u8>>());
    assert_eq!(read.reader.losses().bytes, 1_000_000);
}

#[test]
fn a_file_of_nothing_but_rubbish_is_an_error() {
    let mut bytes = Writer::pcap(0xa1b2_c3d4, 1, false, 0).bytes;
    bytes.extend(vec![0xff; 300_000]);
    assert!(matches!(read(&bytes).end, Some(CaptureError::Corrupt { position: 24 })));
}

#[test]
fn packets_of_no_length_and_odd_lengths_are_records_too() {
    let mut w = Writer::pcap(0xa1b2_c3d4, 1, false, 2);
    let extra = [[TIME, 0, 0, 0], [TIME, 0, 0, 0]];
    extra.iter().flatten().for_each(|n| w.word(*n));
    [TIME, 0, 4, 2].into_iter().for_each(|n| w.word(n)); // captured more than there was
    w.bytes.extend([9; 4]);
    let mut reader = CaptureReader::new(Box::new(Cursor::new(w.bytes))).expect("a capture");
    while reader.advance() {}
    assert!(reader.take_fault().is_none());
    assert_eq!((reader.packets(), reader.losses().places), (5, 0));
}

#[test]
fn a_cut_is_a_cut_and_no_corruption() {
    for good in [Writer::pcap(0xa1b2_c3d4, 1, false, 5), Writer::pcapng(true, 5)] {
        let begin = good.bytes.len() - 70;
        for cut in begin..good.bytes.len() - 2 {
            let read = read(&good.bytes[..cut]);
            let Some(CaptureError::Truncated { packets, length, .. }) = read.end else {
                assert!(good.records.contains(&cut), "{cut}");
                continue;
            };
            assert_eq!((packets, length), (read.packets.len() as u64, cut as u64));
            assert_eq!(read.reader.losses().places, 0);
        }
    }
}

#[test]
fn a_corrupt_block_hides_only_itself() {
    for big_endian in [false, true] {
        let good = Writer::pcapng(big_endian, 20);
        let (begin, next) = (good.records[9], good.records[10]); // packet 7
        for at in [4, 5, 6, 7] {
            for place in [begin + at, next - 8 + at] {
                let mut bytes = good.bytes.clone();
                bytes[place] ^= 0x41;
                let read = read(&bytes);
                assert_eq!(numbers(&read), (0..20).filter(|n| *n != 7).collect::<Vec<u8>>(), "{at} {big_endian}");
                let losses = read.reader.losses();
                assert_eq!((losses.bytes, losses.first[0].after), ((next - begin) as u64, 7));
            }
        }
    }
}

#[test]
fn after_corrupt_bytes_a_new_section_is_found() {
    let mut bytes = Writer::pcapng(false, 3).bytes;
    bytes.extend([0x55; 4001]);
    bytes.extend(Writer::pcapng(true, 3).bytes);
    let read = read(&bytes);
    assert_eq!(numbers(&read), [0, 1, 2, 0, 1, 2]);
    assert_eq!(read.reader.losses().bytes, 4001);
}

#[test]
fn every_block_type_is_read_or_passed_over() {
    for big_endian in [false, true] {
        let mut w = Writer { big_endian, bytes: Vec::new(), records: Vec::new() };
        w.section();
        w.interface(&[(2, b"eth0"), (9, &[6])]);
        for kind in [4, 7, 8, 9, 11, 0x0bad, 0x4000_0bad, 0x8000_0001, 0x1234_5678] {
            w.block(kind, |w| w.bytes.extend([0xab; 20]));
        }
        w.block(10, |w| {
            w.word(0x544c_534b);
            w.word(17);
            w.bytes.extend(b"CLIENT_RANDOM 0 1");
        });
        w.packet(0, &[(1, b"a comment"), (2, &[0, 0, 0, 0])]);
        let three = if big_endian { 3u64.to_be_bytes() } else { 3u64.to_le_bytes() };
        w.packet(1, &[(4, &three)]);
        w.block(3, |w| {
            w.word(62);
            w.bytes.extend([2; 62]);
        });
        let time = u64::from(TIME) * 1_000_000;
        w.block(2, |w| {
            w.half(0);
            w.half(4); // dropped
            [(time >> 32) as u32, time as u32, 63, 63].into_iter().for_each(|n| w.word(n));
            w.bytes.extend([3; 63]);
        });
        w.block(6, |w| [9, 0, 0, 0, 0].into_iter().for_each(|n| w.word(n))); // no such interface
        w.packet(5, &[]);
        let read = read(&w.bytes);
        assert!(read.end.is_none());
        assert_eq!(read.packets, [(0, 60), (1, 61), (2, 62), (3, 63), (5, 65)]);
        let reader = read.reader;
        assert_eq!((reader.packets(), reader.unknown_interface(), reader.untimed(), reader.dropped()), (6, 1, 1, 7));
        assert_eq!(reader.secrets(), b"CLIENT_RANDOM 0 1\n");
    }
}

#[test]
fn the_statistics_say_what_was_dropped() {
    for big_endian in [false, true] {
        let number = |n: u64| if big_endian { n.to_be_bytes() } else { n.to_le_bytes() };
        let mut w = Writer::pcapng(big_endian, 1);
        for (ifdrop, osdrop) in [(1, 0), (5, 2)] {
            w.block(5, |w| {
                [0, 0, 0].into_iter().for_each(|n| w.word(n));
                w.options(&[(5, &number(ifdrop)), (7, &number(osdrop))]);
            });
        }
        assert_eq!(read(&w.bytes).reader.dropped(), 7);
        w.section();
        w.interface(&[]);
        w.block(5, |w| {
            [0, 0, 0].into_iter().for_each(|n| w.word(n));
            w.options(&[(5, &number(10))]);
        });
        assert_eq!(read(&w.bytes).reader.dropped(), 17);
    }
}

/// Damaged files tried.
const ROUNDS: usize = 1500;

#[test]
fn no_damage_is_too_much() {
    let mut seed = 7u64;
    let mut next = move |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    let good = [
        Writer::pcap(0xa1b2_c3d4, 1, false, 12).bytes,
        Writer::pcap(0xa1b2_cd34, 0x2400_0001, true, 12).bytes,
        Writer::pcapng(false, 12).bytes,
        Writer::pcapng(true, 12).bytes,
    ];
    for round in 0..ROUNDS {
        let mut bytes = good[round % good.len()].clone();
        for _ in 0..1 + next(6) {
            let (at, length) = (next(bytes.len()), bytes.len());
            match next(6) {
                0 => bytes[at] ^= 1 << next(8),
                1 => bytes[at] = next(256) as u8,
                2 => bytes[at..length.min(at + 4)].fill([0, 0xff, 0x7f, 0x80][next(4)]),
                3 => bytes.truncate(at.max(30)),
                4 => drop(bytes.drain(at..length.min(at + next(40)))),
                _ => {
                    let piece = bytes[at..length.min(at + next(200))].to_vec();
                    let to = next(length);
                    bytes.splice(to..to, piece);
                }
            }
            if bytes.len() < 30 {
                break;
            }
        }
        let Ok(mut reader) = CaptureReader::new(Box::new(Cursor::new(bytes.clone()))) else { continue };
        let mut data = 0;
        while reader.advance() {
            data += reader.packet().map_or(0, |p| p.data.len());
        }
        assert!(data <= bytes.len(), "bytes are given twice");
        assert_eq!(reader.bytes().max(bytes.len() as u64), bytes.len() as u64);
        let _ = reader.take_fault().map(|fault| fault.to_string());
    }
}
