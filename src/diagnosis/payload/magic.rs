//! Signatures: what a payload's first bytes say about its format.

/// A format that is recognised by its first bytes.
#[derive(Debug)]
pub struct Magic {
    /// What a person would call it, as the object of a sentence: "gzip data", "a PNG image".
    pub name: &'static str,
    /// Bytes of the signature that are fixed. Fewer than 3 are backed by `check`.
    strength: usize,
    /// Where the signature begins.
    offset: usize,
    /// The signature.
    bytes: &'static [u8],
    /// What else has to hold; called with the whole sample.
    check: fn(&[u8]) -> bool,
}

impl Magic {
    const fn new(name: &'static str, bytes: &'static [u8]) -> Magic {
        Magic { name, strength: bytes.len(), offset: 0, bytes, check: |_| true }
    }

    const fn at(self, offset: usize) -> Magic {
        Magic { offset, ..self }
    }

    const fn when(self, check: fn(&[u8]) -> bool) -> Magic {
        Magic { check, ..self }
    }

    fn fits(&self, sample: &[u8]) -> bool {
        sample.get(self.offset..).is_some_and(|s| s.starts_with(self.bytes)) && (self.check)(sample)
    }
}

/// The format whose signature stands at the start of `sample` (the first bytes of a payload; a few dozen are enough, a tar
/// archive needs 262).
#[must_use]
pub fn magic(sample: &[u8]) -> Option<&'static Magic> {
    TABLE.iter().find(|m| m.fits(sample))
}

/// Like [`magic`], for a place inside a text: only signatures that do not turn up by chance there.
#[must_use]
pub fn magic_inside(sample: &[u8]) -> Option<&'static Magic> {
    magic(sample).filter(|m| m.offset == 0 && m.strength >= 3 && m.bytes.iter().any(|b| *b >= 0x80 || *b < 9))
}

/// The signatures, the more specific ones first. Sources: the formats' specifications, and the registry of `file(1)`.
static TABLE: &[Magic] = &[
    // Compression.
    Magic::new("gzip data", b"\x1f\x8b\x08").when(|s| s.get(3).is_none_or(|flags| flags & 0xe0 == 0)),
    Magic::new("zlib-compressed data", b"\x78").when(is_zlib),
    Magic::new("Zstandard-compressed data", b"\x28\xb5\x2f\xfd"),
    Magic::new("an LZ4 frame", b"\x04\x22\x4d\x18"),
    Magic::new("LZ4 data (legacy frame)", b"\x02\x21\x4c\x18"),
    Magic::new("bzip2 data", b"BZh")
        .when(|s| matches!(s.get(3), Some(b'1'..=b'9')) && s.get(4..10) == Some(b"\x31\x41\x59\x26\x53\x59")),
    Magic::new("xz data", b"\xfd7zXZ\0"),
    Magic::new("a Snappy frame", b"\xff\x06\0\0sNaPpY"),
    Magic::new("a 7-Zip archive", b"7z\xbc\xaf\x27\x1c"),
    Magic::new("a RAR archive", b"Rar!\x1a\x07"),
    Magic::new("a ZIP archive", b"PK\x03\x04"),
    Magic::new("a ZIP archive", b"PK\x05\x06"),
    Magic::new("a tar archive", b"ustar").at(257),
    // Images.
    Magic::new("a PNG image", b"\x89PNG\r\n\x1a\n"),
    Magic::new("a PNG image damaged by line-end conversion", b"\x89PNG\n\x1a"),
    Magic::new("a JPEG image", b"\xff\xd8\xff"),
    Magic::new("a GIF image", b"GIF87a"),
    Magic::new("a GIF image", b"GIF89a"),
    Magic::new("a WebP image", b"WEBP").at(8).when(is_riff),
    Magic::new("a WAV recording", b"WAVE").at(8).when(is_riff),
    Magic::new("an AVI video", b"AVI ").at(8).when(is_riff),
    Magic::new("a BMP image", b"BM").when(|s| s.get(6..10) == Some(&[0; 4]) && s.get(11..14) == Some(&[0; 3])),
    Magic::new("a TIFF image", b"II*\0"),
    Magic::new("a TIFF image", b"MM\0*"),
    Magic::new("an icon (ICO)", b"\0\0\x01\0")
        .when(|s| matches!(s.get(4..6), Some([1..=32, 0])) && s.get(9) == Some(&0) && s.len() >= 22),
    Magic::new("a JPEG XL image", b"\0\0\0\x0cJXL \r\n\x87\n"),
    Magic::new("a JPEG 2000 image", b"\0\0\0\x0cjP  \r\n\x87\n"),
    Magic::new("a Photoshop document", b"8BPS\0\x01"),
    Magic::new("an AVIF image", b"ftypavif").at(4),
    Magic::new("a HEIC image", b"ftyphei").at(4),
    // Sound and video.
    Magic::new("MP4 media", b"ftyp").at(4).when(|s| s.starts_with(&[0, 0])),
    Magic::new("an MP4 media fragment", b"moof").at(4).when(|s| s.starts_with(&[0, 0])),
    Magic::new("an MP4 media fragment", b"styp").at(4).when(|s| s.starts_with(&[0, 0])),
    Magic::new("WebM or Matroska media", b"\x1a\x45\xdf\xa3"),
    Magic::new("a WebM or Matroska cluster", b"\x1f\x43\xb6\x75"),
    Magic::new("Ogg media", b"OggS\0"),
    Magic::new("FLAC sound", b"fLaC"),
    Magic::new("MP3 sound", b"ID3")
        .when(|s| matches!(s.get(3), Some(2..=4)) && s.get(5).is_some_and(|f| f & 0x0f == 0)),
    Magic::new("MP3 sound", b"\xff").when(is_mp3),
    Magic::new("AAC sound", b"\xff").when(is_adts),
    Magic::new("AMR sound", b"#!AMR"),
    Magic::new("MIDI data", b"MThd\0\0\0\x06"),
    Magic::new("Flash video", b"FLV\x01"),
    Magic::new("an H.264 or H.265 video stream", b"\0\0\0\x01").when(|s| {
        matches!(
            s.get(4),
            Some(0x67 | 0x27 | 0x68 | 0x28 | 0x65 | 0x25 | 0x41 | 0x61 | 0x06 | 0x09 | 0x40 | 0x42 | 0x44)
        )
    }),
    Magic::new("an MPEG transport stream", b"\x47")
        .when(|s| s.get(188) == Some(&0x47) && s.get(376).is_none_or(|b| *b == 0x47)),
    Magic::new("MPEG video", b"\0\0\x01\xba"),
    Magic::new("MPEG video", b"\0\0\x01\xb3"),
    // Documents and programs.
    Magic::new("a PDF document", b"%PDF-"),
    Magic::new("an OLE document (older Office file)", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
    Magic::new("WebAssembly", b"\0asm"),
    Magic::new("an ELF program", b"\x7fELF"),
    Magic::new("a Windows program", b"MZ")
        .when(|s| s.get(2..4).is_some_and(|b| b[1] < 4) && s.iter().take(64).filter(|b| **b == 0).count() > 16),
    Magic::new("a Java class file", b"\xca\xfe\xba\xbe\0")
        .when(|s| s.get(6..8).is_some_and(|v| v[0] == 0 && v[1] >= 45)),
    Magic::new("a SQLite database", b"SQLite format 3\0"),
    Magic::new("a WOFF font", b"wOFF\0\x01"),
    Magic::new("a WOFF font", b"wOF2\0\x01"),
    // Serialized data.
    Magic::new("Java serialization", b"\xac\xed\0\x05"),
    Magic::new(".NET BinaryFormatter data", b"\0\x01\0\0\0\xff\xff\xff\xff"),
    Magic::new("a Python pickle", b"\x80").when(is_pickle),
    Magic::new("an Avro file", b"Obj\x01"),
    Magic::new("an Avro message", b"\xc3\x01").when(|s| s.len() >= 10 && s.iter().skip(2).take(8).any(|b| *b < 9)),
    Magic::new("Parquet data", b"PAR1").when(|s| s.get(4).is_some_and(|b| *b == 0x15)),
    Magic::new("an Arrow file", b"ARROW1\0\0"),
    Magic::new("an Arrow stream", b"\xff\xff\xff\xff").when(|s| {
        s.get(4..8).is_some_and(|n| matches!(u32::from_le_bytes([n[0], n[1], n[2], n[3]]), 8..=0x000f_ffff))
            && s.get(8..10) == Some(&[0x10, 0])
    }),
    Magic::new("CBOR", b"\xd9\xd9\xf7"),
    Magic::new("Amazon Ion data", b"\xe0\x01\0\xea"),
    Magic::new("Smile (binary JSON)", b":)\n").when(|s| s.get(3).is_some_and(|b| b & 0xf8 == 0)),
    Magic::new("a NumPy array", b"\x93NUMPY"),
    Magic::new("HDF5 data", b"\x89HDF\r\n\x1a\n"),
    // Protocols.
    Magic::new("an MQTT packet", b"\0\x04MQTT").at(2).when(|s| s.first() == Some(&0x10)),
    Magic::new("an MQTT packet", b"\0\x04MQTT").at(3).when(|s| s.first() == Some(&0x10)),
    Magic::new("an AMQP header", b"AMQP\0"),
    Magic::new("an AMQP header", b"AMQP\x03"),
    Magic::new("a TLS record", b"\x16\x03").when(|s| {
        matches!(s.get(2), Some(0..=4)) && s.get(3).is_some_and(|b| *b < 0x41) && matches!(s.get(5), Some(1 | 2))
    }),
    Magic::new("a TLS record", b"\x17\x03\x03").when(|s| s.get(3).is_some_and(|b| *b <= 0x40)),
    Magic::new("a packet capture", b"\xd4\xc3\xb2\xa1"),
    Magic::new("a packet capture", b"\x0a\x0d\x0d\x0a"),
];

fn is_riff(sample: &[u8]) -> bool {
    sample.starts_with(b"RIFF")
}

/// RFC 1950: method 8, window up to 32 KiB, header a multiple of 31, no preset dictionary; and the data inflates.
fn is_zlib(sample: &[u8]) -> bool {
    let Some(&[method, flags]) = sample.get(..2) else {
        return false;
    };
    (u16::from(method) * 256 + u16::from(flags)).is_multiple_of(31)
        && flags & 0x20 == 0
        && sample.len() >= 6
        && super::inflate::inflates(sample, true)
}

/// MPEG-1/2 layer III frame header: valid version, bit rate and sample rate, and the next frame where it is in the sample.
fn is_mp3(sample: &[u8]) -> bool {
    let Some(&[_, second, third, _]) = sample.get(..4) else {
        return false;
    };
    if !matches!(second, 0xfa | 0xfb | 0xf2 | 0xf3 | 0xe2 | 0xe3) {
        return false;
    }
    let (bit_rate, sample_rate) = (usize::from(third >> 4), usize::from(third >> 2 & 3));
    if bit_rate == 0 || bit_rate == 15 || sample_rate == 3 {
        return false;
    }
    let first_version = second & 0x08 != 0;
    let kilobits = if first_version {
        [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320][bit_rate]
    } else {
        [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160][bit_rate]
    };
    let hertz = [44_100, 48_000, 32_000][sample_rate] / if first_version { 1 } else { 2 };
    let samples_per_bit = if first_version { 144 } else { 72 };
    let length = samples_per_bit * kilobits * 1000 / hertz + usize::from(third >> 1 & 1);
    match sample.get(length..length + 2) {
        Some(next) => next == &sample[..2],
        None => has_controls(&sample[4..]),
    }
}

/// ADTS header (ISO 14496-3): layer 0, valid rate, and the next frame where it is in the sample.
fn is_adts(sample: &[u8]) -> bool {
    let Some(head) = sample.get(..7) else {
        return false;
    };
    if !matches!(head[1], 0xf0 | 0xf1 | 0xf8 | 0xf9) || head[2] >> 2 & 15 > 12 {
        return false;
    }
    let length = usize::from(head[3] & 3) << 11 | usize::from(head[4]) << 3 | usize::from(head[5] >> 5);
    if length < 7 {
        return false;
    }
    match sample.get(length..length + 2) {
        Some(next) => next == &head[..2],
        None => has_controls(&sample[7..]),
    }
}

/// Protocol 2 to 5; from 4 on a frame opcode follows, before that an opcode that can start an object.
fn is_pickle(sample: &[u8]) -> bool {
    match sample.get(1..3) {
        Some([4 | 5, next]) => {
            matches!(next, 0x95 | b'}' | b']' | b')' | b'K' | 0x8c | b'C' | b'G' | b'J' | b'M' | b'N')
        }
        Some([2 | 3, next]) => {
            matches!(next, b'}' | b']' | b')' | b'(' | b'X' | b'c' | b'K' | b'M' | b'J' | b'G' | b'N' | b'C')
        }
        _ => false,
    }
}

fn has_controls(bytes: &[u8]) -> bool {
    bytes.iter().filter(|b| super::is_control(**b)).count() * 20 > bytes.len()
}
