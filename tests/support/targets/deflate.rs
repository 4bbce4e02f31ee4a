//! Bytes as a compressed message: what is inflated has to be what deflate (RFC 1951) says.

use flate2::{Decompress, FlushDecompress, Status};
use wsdiag::connection::{Defect, InflateFinding};
use wsdiag::ids::Side;

use super::stream::compressed;
use super::talk::Talk;
use super::{Input, Target, observe};

/// The bytes are a compressed message, as they are or as a list of literals and references to encode.
pub(super) const INFLATE: Target = Target { name: "inflate", run: inflate, seeds };

fn inflate(bytes: &[u8]) {
    let mut input = Input(bytes);
    let (how, chunk) = (input.byte(), 1 + input.below(400));
    if how.is_multiple_of(2) {
        as_it_is(input.0, chunk);
    } else {
        encoded(&mut input, how, chunk);
    }
}

/// What became of the one compressed message of a server.
struct Outcome {
    /// Its length after inflating, where that was possible.
    length: Option<u64>,
    /// The failure: what it looked like, and how far a reference reached.
    failure: Option<(InflateFinding, Option<u32>)>,
    head: Vec<u8>,
}

fn read(extension: &str, payload: &[u8], chunk: usize) -> Outcome {
    let [request, response] = compressed(extension);
    let mut talk = Talk::open(1000);
    talk.say(Side::Client, &request, || 1460);
    talk.say(Side::Server, &response, || 1460);
    let mut frame = vec![0xc2, 127];
    frame.extend_from_slice(&(payload.len() as u64).to_be_bytes());
    frame.extend_from_slice(payload);
    talk.say(Side::Server, &frame, || chunk);
    talk.close();
    let (observations, _) = observe(&talk.capture());
    let [connection] = observations.connections.as_slice() else { panic!("one connection") };
    let sent = &connection.from_server;
    let message = sent.recent.first().or(sent.defective.first()).expect("the message is kept");
    let failure = match message.defect.as_deref() {
        Some(Defect::Inflate(failure)) => Some((failure.finding, failure.distance)),
        _ => None,
    };
    assert!(message.complete, "all of it was sent");
    let length = match message.defect.as_deref() {
        // Inflated all the same, where nothing is wrong but the window
        Some(Defect::Inflate(f)) if f.finding == InflateFinding::WindowExceeded => Some(f.inflated),
        _ => message.payload_bytes,
    };
    Outcome { length, failure, head: message.head.as_slice().to_vec() }
}

/// Beside flate2 on all of it at once.
fn as_it_is(payload: &[u8], chunk: usize) {
    let outcome = read("", payload, chunk);
    let mut decoder = Decompress::new(false);
    let whole = [payload, &[0, 0, 0xff, 0xff]].concat();
    let mut output = Vec::new();
    if payload.is_empty() {
        assert_eq!(outcome.length, Some(0), "an empty message");
        return;
    }
    loop {
        output.reserve(1 << 16);
        let from = decoder.total_in() as usize;
        let before = decoder.total_out();
        match decoder.decompress_vec(&whole[from..], &mut output, FlushDecompress::Sync) {
            // Behind a final block wsdiag goes on as peers do, and flate2 does not.
            Ok(Status::StreamEnd) => return,
            Ok(_) if decoder.total_in() as usize == from && decoder.total_out() == before => break,
            Ok(_) => {}
            Err(_) => {
                assert!(outcome.failure.is_some(), "not inflated by flate2, but here to {:?} bytes", outcome.length);
                return;
            }
        }
    }
    assert_eq!((outcome.length, outcome.failure), (Some(output.len() as u64), None), "beside flate2");
    assert_eq!(outcome.head, output[..output.len().min(outcome.head.len())], "beside flate2");
}

/// A block with the fixed codes, made here from literals and references, of which everything is known.
fn encoded(input: &mut Input<'_>, how: u8, chunk: usize) {
    let window = 8 + how / 2 % 8;
    let mut bits = Bits::default();
    bits.push(0, 1); // not the final block
    bits.push(1, 2); // fixed codes
    let (mut output, mut farthest): (Vec<u8>, u32) = (Vec::new(), 0);
    while !input.is_empty() && output.len() < 100_000 {
        let choice = input.byte();
        if choice < 128 || output.is_empty() {
            let byte = input.byte();
            bits.literal(u16::from(byte));
            output.push(byte);
        } else {
            let length = 3 + usize::from(choice - 128) % 8;
            let distance = 1 + input.below(output.len().min(32_768));
            bits.literal(257 + (length - 3) as u16);
            bits.distance(distance as u32);
            farthest = farthest.max(distance as u32);
            for _ in 0..length {
                output.push(output[output.len() - distance]);
            }
        }
    }
    bits.literal(256);
    // An empty stored block behind it brings the stream to a byte's end, and its last four bytes are not sent.
    bits.push(0, 3);
    let payload = bits.bytes;
    // Of a longer message only the beginning is examined.
    let examined = payload.len() < 8000;
    let outcome = read(&format!("server_no_context_takeover; server_max_window_bits={window}"), &payload, chunk);
    assert_eq!(outcome.length, Some(output.len() as u64), "the length of a message that is known");
    assert_eq!(
        outcome.head,
        output[..output.len().min(outcome.head.len())],
        "the beginning of a message that is known"
    );
    let breach = (farthest > 1 << window && window < 15).then_some((InflateFinding::WindowExceeded, Some(farthest)));
    if examined {
        assert_eq!(outcome.failure, breach, "a window of {window} bits and a reference of {farthest}");
    }
}

/// Bits as deflate packs them (RFC 1951 section 3.1.1).
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    /// A number, its lowest bit first.
    fn push(&mut self, value: u32, count: u32) {
        for nth in 0..count {
            if self.used == 0 {
                self.bytes.push(0);
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= ((value >> nth & 1) as u8) << self.used;
            }
            self.used = (self.used + 1) % 8;
        }
    }

    /// A code word, its highest bit first.
    fn code(&mut self, word: u32, count: u32) {
        (0..count).rev().for_each(|nth| self.push(word >> nth & 1, 1));
    }

    /// A literal or length symbol in the fixed code (RFC 1951 section 3.2.6).
    fn literal(&mut self, symbol: u16) {
        let symbol = u32::from(symbol);
        match symbol {
            0..144 => self.code(0x30 + symbol, 8),
            144..256 => self.code(0x190 + symbol - 144, 9),
            256..280 => self.code(symbol - 256, 7),
            _ => self.code(0xc0 + symbol - 280, 8),
        }
    }

    /// A distance: five bits and what is left over.
    fn distance(&mut self, distance: u32) {
        let from = distance - 1;
        let (symbol, extra) = match from {
            0..4 => (from, 0),
            _ => {
                let extra = from.ilog2() - 1;
                (2 * extra + (from >> extra), extra)
            }
        };
        self.code(symbol, 5);
        self.push(from & ((1 << extra) - 1), extra);
    }
}

fn seeds() -> Vec<(String, Vec<u8>)> {
    let mut seeds = vec![
        ("hello".to_string(), vec![0, 0, 0, 0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]),
        ("hello-again".to_string(), vec![0, 0, 0, 0xf2, 0x00, 0x11, 0x00, 0x00]),
        ("final".to_string(), vec![0, 0, 0, 0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00]),
        ("stored".to_string(), vec![0, 5, 0, 0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00]),
    ];
    for nth in 0..16u8 {
        let mut rng = super::super::rng::Rng::new(u64::from(nth));
        let tokens = (0..400).map(|_| rng.next() as u8);
        seeds.push((format!("tokens-{nth}"), [1 + 2 * nth, nth, 0].into_iter().chain(tokens).collect()));
    }
    let text: Vec<u8> = (0..600u32).map(|n| b"the quick brown fox "[(n * n % 20) as usize]).collect();
    for level in [1, 6, 9] {
        let mut packed = Vec::with_capacity(2000);
        let mut encoder = flate2::Compress::new(flate2::Compression::new(level), false);
        encoder.compress_vec(&text, &mut packed, flate2::FlushCompress::Sync).expect("compresses");
        packed.truncate(packed.len() - 4);
        seeds.push((format!("level-{level}"), [&[0, 9, 0][..], &packed].concat()));
    }
    seeds
}
