//! Bytes as key logs, as TLS, as HPACK and as HTTP/2.

use std::collections::HashSet;
use std::io::BufReader;

use wsdiag::connection::{GapCause, Head};
use wsdiag::http2::{Http2, PREFACE, Place, StreamSink};
use wsdiag::ids::{Origin, Side, StreamOffset};
use wsdiag::tcp::Sink;
use wsdiag::tls::{Arrival, KeyLog, KeyRing, Plaintext, Tls};

use super::super::http2 as written;
use super::super::rng::Rng;
use super::super::tls::{self, PROTECTIONS};
use super::{Input, Target};

/// The bytes are a key log.
pub(super) const KEY_LOG: Target = Target { name: "key_log", run: key_log, seeds: key_logs };
/// The bytes choose what two ends seal, what else stands in the stream, and what is missing.
pub(super) const TLS: Target = Target { name: "tls", run: tls, seeds: sealed };
/// The bytes are header blocks.
pub(super) const HPACK: Target = Target { name: "hpack", run: hpack, seeds: blocks };
/// The bytes are what both ends of an HTTP/2 connection send.
pub(super) const HTTP2: Target = Target { name: "http2", run: frames, seeds: connections };

/// Read in pieces of any size, the same.
fn key_log(bytes: &[u8]) {
    let mut input = Input(bytes);
    let (size, text) = (1 + input.below(300), input.0);
    // In UTF-16 other bytes end a line.
    if text.iter().take(2).any(|b| matches!(b, 0 | 0xfe | 0xff)) {
        KeyLog::default().add(text);
        return;
    }
    let mut whole = KeyLog::default();
    whole.add(text);
    let mut pieces = KeyLog::default();
    pieces.read(BufReader::with_capacity(size, text)).expect("memory can be read");
    assert_eq!(whole.lines(), pieces.lines(), "lines in pieces of {size}");
    assert_eq!(whole.connections(), pieces.connections());
    let lines = whole.lines();
    let counted = lines.secrets + lines.repeated + lines.comments + lines.other + lines.malformed + lines.beyond;
    let last = usize::from(text.last().is_some_and(|b| *b != b'\n'));
    let there = text.iter().filter(|b| **b == b'\n').count() + last;
    assert_eq!(counted, there as u64, "every line is counted once: {lines:?}");
    assert!(!format!("{whole:?}").is_empty());
}

/// The plaintext of one direction: nothing but what was sealed, at places that follow each other.
#[derive(Default)]
struct Plain {
    next: u64,
    sealed: HashSet<Vec<u8>>,
}

impl Sink for Plain {
    fn data(&mut self, offset: StreamOffset, bytes: &[u8], _: Origin, _: StreamOffset) {
        assert_eq!(offset.0, self.next, "content begins where the last ended");
        assert!(self.sealed.contains(bytes), "{} bytes that nobody sealed", bytes.len());
        self.next += bytes.len() as u64;
    }

    fn gap(&mut self, offset: StreamOffset, length: u64, _: Origin, _: GapCause) {
        assert_eq!(offset.0, self.next, "a hole begins where the last content ended");
        assert!(length < 1 << 40, "a hole of {length} bytes");
        self.next += length;
    }
}

/// The plaintext of both directions, and whose turn it is.
struct Both<'a> {
    plain: &'a mut [Plain; 2],
    from: usize,
}

impl Sink for Both<'_> {
    fn data(&mut self, offset: StreamOffset, bytes: &[u8], origin: Origin, acknowledged: StreamOffset) {
        self.plain[self.from].data(offset, bytes, origin, acknowledged);
    }

    fn gap(&mut self, offset: StreamOffset, length: u64, origin: Origin, why: GapCause) {
        self.plain[self.from].gap(offset, length, origin, why);
    }
}

impl Plaintext for Both<'_> {
    fn turn(&mut self, from: usize) {
        self.from = from;
    }

    fn joins(&mut self) {}
}

fn tls(bytes: &[u8]) {
    let mut input = Input(bytes);
    let protection = PROTECTIONS[input.below(PROTECTIONS.len())];
    let protection = tls::Protection { record: 16_384, ..protection };
    let mut ends = tls::Tls::new(protection, "http/1.1", u64::from(input.byte()));
    let greeting = ends.greet();
    let mut log = KeyLog::default();
    log.add(ends.key_log.as_bytes());
    let (mut ring, mut tls) = (KeyRing::new(log, true), Tls::default());
    let (mut plain, mut offsets) = ([Plain::default(), Plain::default()], [0u64; 2]);
    let mut pending = greeting.into_iter();
    let mut greeted = false;
    while !input.is_empty() {
        let choice = input.byte();
        let from = usize::from(choice & 1);
        let side = if from == 0 { Side::Client } else { Side::Server };
        let (mut from, mut stream) = (from, Vec::new());
        match choice >> 1 & 7 {
            // The next flight, or all of them.
            0 | 1 => match pending.next() {
                Some((side, flight)) => (from, stream) = (side as usize, flight),
                None => greeted = true,
            },
            2 | 3 if greeted => {
                let content: Vec<u8> = input.take(1 + usize::from(choice >> 4)).to_vec();
                if !content.is_empty() {
                    stream = ends.wrap(side, &content);
                    plain[from].sealed.insert(content);
                }
            }
            4 => {
                let length = input.below(70);
                stream = input.take(length).to_vec();
            }
            5 => stream = ends.farewell(side),
            _ => {
                let length = 1 + u64::from(input.word() % 2000);
                tls.gap(from, StreamOffset(offsets[from]), length, GapCause::Lost);
                offsets[from] += length;
            }
        }
        let size = 1 + if choice & 0x80 == 0 { 2000 } else { input.below(90) };
        // A gap that hides what was just sealed.
        let hidden = choice & 0x70 == 0x70;
        for piece in stream.chunks(size) {
            let offset = StreamOffset(offsets[from]);
            offsets[from] += piece.len() as u64;
            if hidden {
                tls.gap(from, offset, piece.len() as u64, GapCause::Lost);
                continue;
            }
            let arrival = Arrival { origin: Origin::default(), acknowledged: StreamOffset(offsets[1 - from]) };
            tls.data(from, offset, piece, arrival, &mut ring, &mut Both { plain: &mut plain, from });
        }
    }
    for from in [0, 1] {
        tls.content_to(from, StreamOffset(offsets[from]));
        tls.finish(from, StreamOffset(offsets[from]), Origin::default(), &mut plain[from]);
    }
    assert!(!format!("{tls:?} {:?}", tls.facts()).is_empty());
}

/// What happened on the streams; data that follow each other are one.
#[derive(Debug, Default, PartialEq, Eq)]
struct Happened(Vec<(u32, String)>);

impl StreamSink for Happened {
    fn asked(&mut self, stream: u32, request: Head, websocket: bool, _: Place) -> bool {
        self.0.push((stream, format!("asked {} {websocket}", request.text)));
        // Whoever asks, so that more is seen.
        true
    }

    fn answered(&mut self, stream: u32, response: Head, _: Place) {
        self.0.push((stream, format!("answered {}", response.text)));
    }

    fn data(&mut self, stream: u32, bytes: &[u8], place: Place) {
        let data = tls::hex(bytes);
        let kind = format!("data {} ", place.from);
        match self.0.last_mut().filter(|(of, what)| *of == stream && what.starts_with(&kind)) {
            Some((_, what)) => what.push_str(&data),
            None => self.0.push((stream, kind + &data)),
        }
    }

    fn answered_unread(&mut self, stream: u32, _: Place) {
        self.0.push((stream, "answered, unread".to_string()));
    }

    fn window(&mut self, _: u32, _: usize, _: bool, _: Place) {}

    fn unfollowed(&mut self) {
        self.0.push((0, "unfollowed".to_string()));
    }

    fn gap(&mut self, stream: u32, length: u64, _: GapCause, _: Place) {
        self.0.push((stream, format!("gap {length}")));
    }

    fn gap_in_all(&mut self, length: u64, _: Place) {
        self.0.push((0, format!("gap {length}")));
    }

    fn ended(&mut self, stream: u32, place: Place) {
        self.0.push((stream, format!("ended {}", place.from)));
    }

    fn reset(&mut self, stream: u32, code: u32, place: Place) {
        self.0.push((stream, format!("reset {} {code}", place.from)));
    }

    fn goes_away(&mut self, last: u32, code: u32, place: Place) {
        self.0.push((last, format!("goes away {} {code}", place.from)));
    }
}

/// Both directions, one after the other, in pieces.
fn happened(sides: [&[u8]; 2], mut size: impl FnMut() -> usize) -> Happened {
    let (mut http2, mut happened) = (Http2::new(0), Happened::default());
    for (from, bytes) in sides.into_iter().enumerate() {
        let (mut rest, mut at) = (bytes, 0);
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(size().min(rest.len()));
            rest = after;
            let offset = StreamOffset(at);
            let place = Place { from, origin: Origin::default(), acknowledged: StreamOffset(0), to: offset };
            http2.data(place, offset, piece, &mut happened);
            at += piece.len() as u64;
        }
    }
    happened
}

/// Blocks in one frame each and in several, the same.
fn hpack(bytes: &[u8]) {
    let mut input = Input(bytes);
    let (mut whole, mut split) = (PREFACE.to_vec(), PREFACE.to_vec());
    let mut stream = 1;
    while !input.is_empty() {
        let length = input.byte().into();
        let block = input.take(length);
        let at = usize::from(input.byte()).min(block.len());
        whole.extend(written::frame(1, 4, stream, block));
        split.extend(written::frame(1, 0, stream, &block[..at]));
        split.extend(written::frame(9, 0, stream, &[]));
        split.extend(written::frame(9, 4, stream, &block[at..]));
        stream += 2;
    }
    let [whole, split] = [whole, split].map(|bytes| happened([&bytes, &[]], || 20_000));
    assert_eq!(whole, split, "a block in several frames");
}

/// Whole and in pieces the same; and with a hole no panic, and no data that is not there.
fn frames(bytes: &[u8]) {
    let mut input = Input(bytes);
    let (seed, length) = (u64::from(input.word()), usize::from(input.word()));
    let client = [PREFACE, input.take(length)].concat();
    let sides = [client.as_slice(), input.0];
    let whole = happened(sides, || 1 << 20);
    let mut rng = Rng::new(seed);
    let largest = [1, 3, 20, 300][seed as usize % 4];
    assert_eq!(whole, happened(sides, || 1 + rng.below(largest)), "frames in pieces");
    let mut http2 = Http2::new(0);
    let mut sink = Happened::default();
    for (from, bytes) in sides.into_iter().enumerate() {
        let hole = rng.below(bytes.len() + 1);
        let length = (1 + rng.below(40)).min(bytes.len() - hole);
        let place = |to: usize| Place {
            from,
            origin: Origin::default(),
            acknowledged: StreamOffset(0),
            to: StreamOffset(to as u64),
        };
        http2.data(place(0), StreamOffset(0), &bytes[..hole], &mut sink);
        if length > 0 {
            http2.gap(place(hole), length as u64, GapCause::Lost, &mut sink);
        }
        let behind = hole + length;
        http2.data(place(behind), StreamOffset(behind as u64), &bytes[behind..], &mut sink);
    }
}

fn key_logs() -> Vec<(String, Vec<u8>)> {
    let mut seeds: Vec<(String, Vec<u8>)> = Vec::new();
    for (nth, protection) in PROTECTIONS.iter().enumerate() {
        let mut ends = tls::Tls::new(*protection, "h2", nth as u64);
        ends.greet();
        let log = format!("# comment\r\n\n{}EXPORTER_SECRET 00 11\nnonsense\n{}", ends.key_log, ends.key_log);
        seeds.push((format!("log-{nth}"), [&(nth as u16 * 7).to_le_bytes()[..], log.as_bytes()].concat()));
    }
    let (id, key) = ("07".repeat(32), "08".repeat(48));
    let older = format!("RSA Session-ID:{id} Master-Key:{key}\nRSA 0909090909090909 {key}");
    seeds.push(("rsa".to_string(), [&[5, 0][..], older.as_bytes()].concat()));
    seeds.push(("long-line".to_string(), [&[200, 0][..], &[b'x'; 3000], b"\nCLIENT_RANDOM"].concat()));
    seeds
}

fn sealed() -> Vec<(String, Vec<u8>)> {
    let mut seeds = Vec::new();
    for nth in 0..PROTECTIONS.len() as u8 {
        // The greeting, then messages of both ends with holes and bytes of nobody between them.
        let mut seed = vec![nth, 0, 1, 0, 0, 0, 0, 0];
        for round in 0..12u8 {
            seed.extend([4 | round & 1 | round << 4 & 0x30]);
            seed.extend([round; 4]);
            match round % 4 {
                1 => seed.extend([12, 30, 0]),
                2 => seed.extend([8, 5, 0, 1, 2, 3, 4, 5]),
                3 => seed.extend([0x74 | round & 1, 9, 9, 9, 9, 9, 9, 9, 9]),
                _ => {}
            }
        }
        seed.extend([10, 11]);
        seeds.push((format!("protection-{nth}"), seed));
    }
    seeds
}

fn blocks() -> Vec<(String, Vec<u8>)> {
    // RFC 7541 appendix C.4, C.6.1, a table size update, and an integer without end.
    let blocks: [&[u8]; 6] = [
        &[0x82, 0x86, 0x84, 0x41, 0x8c, 0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff],
        &[0x82, 0x86, 0x84, 0xbe, 0x58, 0x86, 0xa8, 0xeb, 0x10, 0x64, 0x9c, 0xbf],
        &[0x48, 0x82, 0x64, 0x02, 0x58, 0x85, 0xae, 0xc3, 0x77, 0x1a, 0x4b],
        &[0x3f, 0xe1, 0x1f, 0x82],
        &[0x42, 7, b'C', b'O', b'N', b'N', b'E', b'C', b'T', 0x84],
        &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
    ];
    let one = |block: &[u8]| [&[block.len() as u8][..], block, &[3]].concat();
    let mut seeds: Vec<(String, Vec<u8>)> =
        blocks.iter().enumerate().map(|(nth, block)| (format!("block-{nth}"), one(block))).collect();
    seeds.push(("all".to_string(), blocks.iter().flat_map(|b| one(b)).collect()));
    seeds
}

fn connections() -> Vec<(String, Vec<u8>)> {
    let mut seeds = Vec::new();
    for nth in 0..6u16 {
        let mut ends = written::Http2::new(nth.into());
        let request = b"GET /chat HTTP/1.1\r\nHost: example.com\r\nSec-WebSocket-Version: 13\r\n\r\n";
        let status: &[u8] = if nth == 3 { b"HTTP/1.1 403 Forbidden\r\n\r\nno" } else { b"HTTP/1.1 101 Go\r\n\r\n" };
        let mut client = ends.greet(Side::Client)[PREFACE.len()..].to_vec();
        client.extend(ends.request(request));
        client.extend(ends.wrap(&[0x81, 0x85, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
        let mut server = ends.greet(Side::Server);
        server.extend(ends.response(status));
        server.extend(ends.wrap(&vec![0x42; 200 * usize::from(nth)]));
        server.extend(if nth % 2 == 0 { ends.farewell() } else { ends.reset() });
        let length = (client.len() as u16).to_le_bytes();
        seeds.push((format!("connection-{nth}"), [&nth.to_le_bytes()[..], &length, &client, &server].concat()));
    }
    seeds
}
