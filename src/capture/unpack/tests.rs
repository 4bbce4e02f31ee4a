//! Every compression: several members, damage, padding, one inside another.

use std::io::{Cursor, Read, Write};

use super::*;

/// Data that packs well and tells where it was cut: lines of their own number.
fn lines(count: u32) -> Vec<u8> {
    (0..count).flat_map(|n| format!("line {n} of the capture\n").into_bytes()).collect()
}

fn pack(compression: Compression, data: &[u8]) -> Vec<u8> {
    match compression {
        Compression::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(data).expect("it packs");
            encoder.finish().expect("it packs")
        }
        Compression::Zstd => ruzstd::encoding::compress_to_vec(data, ruzstd::encoding::CompressionLevel::Fastest),
        Compression::Lz4 => {
            // As the program lz4 does, with a checksum; it would also take blocks of 4 MiB.
            let info = lz4_flex::frame::FrameInfo::new().block_size(lz4_flex::frame::BlockSize::Max64KB);
            let info = info.content_checksum(true);
            let mut encoder = lz4_flex::frame::FrameEncoder::with_frame_info(info, Vec::new());
            encoder.write_all(data).expect("it packs");
            encoder.finish().expect("it packs")
        }
    }
}

const ALL: [Compression; 3] = [Compression::Gzip, Compression::Zstd, Compression::Lz4];

/// Everything that can be unpacked, and what came in its way.
fn unpacked(bytes: &[u8]) -> (Vec<u8>, Vec<&'static str>, Option<Fault>) {
    let Unpacked { mut head, mut rest, layers } = match unpack(Box::new(Cursor::new(bytes.to_vec()))) {
        Ok(unpacked) => unpacked,
        Err(CaptureError::Packed { fault, .. }) => return (Vec::new(), Vec::new(), Some(fault)),
        Err(other) => panic!("{other}"),
    };
    let error = rest.read_to_end(&mut head).err();
    (head, layers, error.map(|e| Fault::of(&e).expect("a fault of compression").clone()))
}

#[test]
fn members_and_frames_follow_each_other() {
    let data = lines(20_000);
    for compression in ALL {
        let mut packed = pack(compression, &data[..100_000]);
        packed.extend(pack(compression, &data[100_000..100_000]));
        packed.extend(pack(compression, &data[100_000..]));
        assert_eq!(unpacked(&packed), (data.clone(), vec![compression.name()], None));
        packed.extend([0; 1000]); // as on a tape
        assert_eq!(unpacked(&packed), (data.clone(), vec![compression.name()], None));
        packed.extend(b"something else");
        packed.drain(packed.len() - 1014..packed.len() - 14);
        let (found, _, fault) = unpacked(&packed);
        assert_eq!(found.len(), data.len());
        assert_eq!(fault.map(|f| (f.format, f.how)), Some((compression.name(), How::Followed)));
    }
}

#[test]
fn frames_to_skip_are_skipped() {
    let skipped = [&[0x53, 0x2a, 0x4d, 0x18, 5, 0, 0, 0][..], b"12345"].concat();
    for compression in [Compression::Zstd, Compression::Lz4] {
        let packed =
            [&skipped[..], &pack(compression, b"one "), &skipped, &pack(compression, b"two"), &skipped].concat();
        assert_eq!(unpacked(&packed), (b"one two".to_vec(), vec![compression.name()], None));
    }
}

#[test]
fn one_may_lie_inside_another() {
    let data = lines(100);
    let twice = pack(Compression::Zstd, &pack(Compression::Gzip, &data));
    assert_eq!(unpacked(&twice), (data.clone(), vec!["zstd", "gzip"], None));
    let thrice = pack(Compression::Lz4, &twice);
    assert_eq!(unpacked(&thrice).0, data);
    let often = pack(Compression::Gzip, &thrice);
    let refused = unpack(Box::new(Cursor::new(often))).err();
    assert!(matches!(refused, Some(CaptureError::PackedTooOften(3))));
}

#[test]
fn what_lies_before_a_cut_is_unpacked() {
    let data = lines(40_000);
    for compression in ALL {
        let packed = pack(compression, &data);
        for share in 1..10 {
            let cut = packed.len() * share / 10;
            let (found, _, fault) = unpacked(&packed[..cut]);
            assert_eq!(fault, Some(Fault { format: compression.name(), how: How::Cut, at: cut as u64 }));
            assert!(data.starts_with(&found), "{compression:?}");
            // All but the block that was cut.
            let block = 1 << 17;
            assert!(found.len() + block > data.len() * share / 10 * 9 / 10, "{compression:?} {share}: {}", found.len());
        }
        for cut in packed.len() - 12..packed.len() {
            assert_eq!(unpacked(&packed[..cut]).2.map(|f| f.how), Some(How::Cut), "{compression:?}");
        }
    }
}

#[test]
fn what_lies_before_damage_is_unpacked() {
    let data = lines(40_000);
    for compression in ALL {
        let mut packed = pack(compression, &data);
        let half = packed.len() / 2;
        packed[half..half + 40].fill(0xff);
        let (found, _, fault) = unpacked(&packed);
        let fault = fault.expect("the damage is found");
        assert_eq!(fault.how, How::Corrupt, "{compression:?}");
        assert!(fault.at + 100_000 > half as u64);
        let same = data.iter().zip(&found).take_while(|(a, b)| a == b).count();
        assert!(same * 3 > data.len(), "{compression:?}: {same} of {}", data.len());
    }
}

#[test]
fn a_window_that_nobody_should_allow_is_refused() {
    // A frame header with a window of 2^(10 + 21) bytes, and a raw block.
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3, 0x01, 0x00, 0x00];
    assert_eq!(unpacked(&frame).2.map(|f| f.how), Some(How::Window(1 << 31)));
}

#[test]
fn legacy_lz4_ends_with_the_file() {
    let block = lz4_flex::block::compress(&lines(10));
    let mut packed = vec![0x02, 0x21, 0x4c, 0x18];
    packed.extend((block.len() as u32).to_le_bytes());
    packed.extend(block);
    assert_eq!(unpacked(&packed), (lines(10), vec!["lz4"], None));
}

/// Damaged inputs tried with each compression.
const ROUNDS: usize = 40;

#[test]
fn no_damage_is_too_much() {
    let data = lines(3000);
    let mut seed = 1u64;
    let mut next = move |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    for compression in ALL {
        let good = pack(compression, &data);
        for _ in 0..ROUNDS {
            let mut packed = good.clone();
            for _ in 0..1 + next(4) {
                let at = 4 + next(packed.len() - 4);
                packed[at] = [packed[at] ^ (1 << next(8)), next(256) as u8, 0xff][next(3)];
            }
            let (found, ..) = unpacked(&packed);
            assert!(found.len() < 200 * data.len());
        }
    }
}
