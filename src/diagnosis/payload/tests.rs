//! The inspection as a whole, on recorded payloads and on random bytes.

use super::*;
use crate::connection::Utf8Class;
use crate::ids::Origin;

/// The record that the reader makes of a message that came in one piece.
fn record(bytes: &[u8]) -> InvalidUtf8 {
    let error = std::str::from_utf8(bytes).unwrap_err();
    let offset = error.valid_up_to();
    let length = error.error_len().unwrap_or(bytes.len() - offset);
    let rest = &bytes[offset..];
    let class = match rest {
        _ if error.error_len().is_none() => Utf8Class::CutAtEnd,
        [0x80..=0xbf, ..] => Utf8Class::UnexpectedContinuation,
        [0xc0 | 0xc1, ..] | [0xe0, 0x80..=0x9f, ..] | [0xf0, 0x80..=0x8f, ..] => Utf8Class::Overlong,
        [0xed, 0xa0..=0xbf, ..] => Utf8Class::Surrogate,
        [0xf5..=0xfd, ..] | [0xf4, 0x90..=0xbf, ..] => Utf8Class::TooLarge,
        [0xfe | 0xff, ..] => Utf8Class::NeverValid,
        _ => Utf8Class::MissingContinuation,
    };
    let from = offset.saturating_sub(64);
    InvalidUtf8 {
        offset: offset as u64,
        offset_in_fragment: offset as u64,
        fragment: 1,
        origin: Origin::default(),
        bytes: rest[..length].to_vec(),
        class,
        head: bytes[..bytes.len().min(512)].to_vec(),
        around_offset: from as u64,
        around: bytes[from..bytes.len().min(from + 2048)].to_vec(),
        mask: Some(([0x9d, 0x21, 0xf3, 0x8c], from as u64)),
        high_bytes: bytes.iter().filter(|b| **b >= 0x80).count() as u64,
        control_bytes: bytes.iter().filter(|b| is_control(**b)).count() as u64,
        counted_bytes: bytes.len() as u64,
    }
}

fn look(bytes: &[u8]) -> Option<String> {
    inspect(&record(bytes), Some(bytes.len() as u64)).looks_like
}

#[test]
fn recorded_binary_payloads_are_named() {
    for (bytes, name) in [
        (samples::MSGPACK, "MessagePack"),
        (samples::MSGPACK_SMALL, "MessagePack"),
        (samples::PROTOBUF, "Protocol Buffers"),
        (samples::PROTOBUF_NESTED, "Protocol Buffers"),
        (samples::CBOR, "CBOR"),
        (samples::BSON, "BSON"),
        (samples::PNG, "a PNG image"),
        (samples::GZIP, "gzip data"),
        (samples::ZLIB, "zlib-compressed data"),
        (samples::DEFLATED_JSON, "deflate-compressed text"),
    ] {
        assert_eq!(look(bytes).as_deref(), Some(name));
    }
}

#[test]
fn texts_are_never_called_binary() {
    for text in samples::TEXTS.iter().filter(|t| std::str::from_utf8(t).is_err()) {
        let found = inspect(&record(text), Some(text.len() as u64));
        assert_eq!((found.binary, found.stale, found.remask), (None, None, None), "{}", text.escape_ascii());
    }
}

#[test]
fn damaged_characters_are_nothing_else() {
    for text in [
        &b"GET ..\xc0\xafetc"[..],
        b"{\"status\":\"done \xed\xa0\xbd\xed\xb1\x8d\",\"by\":\"export-job\"}",
        b"yone \xf0\x9f\x8e\x89 see you at the party on Friday \xf0\x9f\x8d\xbb Great release everyone \xf0",
        b"Stra\xc3\x9fe und \xe2\x82\xac-Zeichen \xf0\x9f",
        b"a NUL \xc0\x80 of Java",
    ] {
        assert_eq!(look(text), None, "{}", text.escape_ascii());
    }
}

#[test]
fn each_kind_is_described() {
    assert_eq!(look(b"caf\xe9 ok").as_deref(), Some("text in windows-1252 (ISO-8859-1)"));
    assert_eq!(
        look(b"{\"a\":1}\0\0\0\0\xf0\x12\xfe\x7f").as_deref(),
        Some("a complete JSON text followed by other bytes")
    );
    assert_eq!(
        look(b"{\"image\":\"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\"}").as_deref(),
        Some("text with a JPEG image inside")
    );
    let french = b"\xc0 bient\xf4t, \xe0 demain mes amis";
    assert_eq!(look(french).as_deref(), Some("text in windows-1252 (ISO-8859-1)"));
    let masked: Vec<u8> =
        b"{\"op\":\"subscribe\"}".iter().enumerate().map(|(i, b)| b ^ [0x9d, 0x21, 0xf3, 0x8c][i % 4]).collect();
    assert_eq!(look(&masked).as_deref(), Some("text that has to be masked once more"));
    let utf16: Vec<u8> = "{\"name\":\"Jörg\"}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(look(&utf16).as_deref(), Some("text in UTF-16LE"));
    let greeting = "\u{feff}Grüße aus Köln. 你好世界 ".repeat(5);
    let marked: Vec<u8> = greeting.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(look(&marked).as_deref(), Some("text in UTF-16LE"));
    let encrypted = samples::random(1, 300..301).next().unwrap();
    assert_eq!(look(&encrypted).as_deref(), Some("compressed or encrypted data"));
}

#[test]
fn a_fault_far_inside_is_read_from_around_it() {
    let mut text = b"plain ASCII for a long while, ".repeat(60);
    text.extend_from_slice(
        "Grüße aus Zürich, bis später in München".chars().map(|c| c as u8).collect::<Vec<_>>().as_slice(),
    );
    let found = inspect(&record(&text), Some(text.len() as u64));
    assert_eq!(found.charset.map(|c| c.fit), Some(Fit::Strong));
    assert_eq!(found.binary, None);
}

#[test]
fn a_record_with_little_in_it_is_no_trouble() {
    let mut bare = record(b"caf\xe9");
    bare.around = vec![0xe9];
    bare.around_offset = 3;
    bare.counted_bytes = 0;
    assert_eq!(inspect(&bare, Some(4)).charset.map(|c| c.fit), Some(Fit::Weak));
    bare.head.clear();
    let found = inspect(&bare, None);
    assert_eq!(found.binary, None);
    bare.around.clear();
    assert_eq!(inspect(&bare, None).looks_like, None);
    bare.offset = 0;
    bare.around_offset = u64::MAX;
    assert_eq!(inspect(&bare, Some(0)).looks_like, None);
}

#[test]
fn random_bytes_are_rarely_more_than_random() {
    for (lengths, most) in [(8..32, 400), (32..128, 40), (128..700, 20)] {
        let mut wrong = 0;
        for bytes in samples::random(5000, lengths.clone()).filter(|b| std::str::from_utf8(b).is_err()) {
            let found = inspect(&record(&bytes), Some(bytes.len() as u64));
            let named = found.binary.is_some_and(|b| b.basis < Basis::Statistics);
            wrong += usize::from(named || found.charset.is_some() || found.remask.is_some() || found.stale.is_some());
        }
        assert!(wrong <= most, "{wrong} of 5000 in {lengths:?}");
    }
}

#[test]
fn signatures_are_found() {
    for (bytes, name) in [
        (&b"\x28\xb5\x2f\xfd\x04\x00\x41"[..], "Zstandard-compressed data"),
        (b"\x04\x22\x4d\x18\x64\x40\xa7", "an LZ4 frame"),
        (b"BZh91AY&SY\x4e\xec", "bzip2 data"),
        (b"\xfd7zXZ\0\0\x04\xe6", "xz data"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "a JPEG image"),
        (b"RIFF\x24\x08\0\0WAVEfmt ", "a WAV recording"),
        (b"RIFF\x24\x08\0\0WEBPVP8 ", "a WebP image"),
        (b"\0\0\0\x18ftypmp42\0\0", "MP4 media"),
        (b"\x1a\x45\xdf\xa3\x9fB\x86\x81", "WebM or Matroska media"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", "a PDF document"),
        (b"PK\x03\x04\x14\0\x08", "a ZIP archive"),
        (b"\x80\x04\x95\x1a\0\0\0", "a Python pickle"),
        (b"\xac\xed\0\x05sr\0", "Java serialization"),
        (b"\0asm\x01\0\0\0", "WebAssembly"),
        (b"\x10\x27\0\x04MQTT\x04\xc2", "an MQTT packet"),
        (b"BM\x36\x10\x0e\0\0\0\0\0\x36\0\0\0", "a BMP image"),
        (b"ID3\x04\0\0\0\0\x01\x23", "MP3 sound"),
    ] {
        assert_eq!(magic::magic(bytes).map(|m| m.name), Some(name));
    }
    let harmless: [&[u8]; 4] = [b"BMW M\xfcnchen ist gro\xdf", b"x^2 + \xe9 = 3", b"MZ\xe4hlen", b"Go\xf6d"];
    for text in samples::TEXTS.iter().chain(&harmless) {
        assert!(magic::magic(text).is_none(), "{}", text.escape_ascii());
    }
    let hits = samples::random(100_000, 16..64).filter(|b| magic::magic(b).is_some()).count();
    assert!(hits <= 40, "{hits} of 100000");
}

/// Also where the byte at fault is all that the message holds.
#[test]
fn single_bytes_are_inspected() {
    for byte in 0x80..=0xff {
        let _ = inspect(&record(&[byte]), Some(1)); // that it returns is all
    }
}
