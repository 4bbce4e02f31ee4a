//! Bytes as what the two ends of a connection say: the segments that carry it may not matter.

use wsdiag::ids::Side;

use super::super::cases;
use super::super::conversation::Handshake;
use super::super::tcp::{self, ACK, Segment};
use super::super::websocket;
use super::talk::{Talk, capture};
use super::{Input, Target, agree, facts};

/// The bytes choose messages and how TCP brings them: cut, overlapping, repeated, shuffled. Nothing is lost.
pub(super) const TCP: Target = Target { name: "tcp", run: journeys, seeds: schedules };
/// The bytes are what stands before a WebSocket, or not.
pub(super) const HTTP: Target = Target { name: "http", run: heads, seeds: handshakes };
/// The bytes are what both ends send behind a handshake.
pub(super) const WEBSOCKET: Target = Target { name: "websocket", run: frames, seeds: conversations };

/// Extensions that a server may agree to.
const EXTENSIONS: [Option<&str>; 5] = [
    None,
    Some(""),
    Some("server_no_context_takeover; client_no_context_takeover"),
    Some("server_max_window_bits=9; client_max_window_bits=9"),
    Some("server_no_context_takeover; server_max_window_bits=8"),
];

fn handshake(extension: Option<&str>) -> [Vec<u8>; 2] {
    let handshake = Handshake { deflate: extension.map(String::from), ..Handshake::default() };
    [websocket::request(&handshake, 1), websocket::response(&handshake, 1)]
}

fn journeys(bytes: &[u8]) {
    let mut input = Input(bytes);
    let start = u32::from(input.word()) << 16 | 0xF000;
    let [request, response] = handshake(None);
    let mut bursts = vec![(Side::Client, request), (Side::Server, response)];
    for _ in 0..1 + input.below(6) {
        let choice = input.byte();
        let from = if choice & 1 == 0 { Side::Client } else { Side::Server };
        let mut burst = Vec::new();
        for _ in 0..1 + choice / 64 {
            let size = input.below(if choice & 2 == 0 { 40 } else { 700 });
            burst.extend(frame(from, if choice & 4 == 0 { 0x81 } else { 0x82 }, size, input.byte()));
        }
        bursts.push((from, burst));
    }
    bursts.push((Side::Server, frame(Side::Server, 0x88, 2, 0)));
    let mut plain = Talk::open(start);
    for (from, burst) in &bursts {
        plain.say(*from, burst, || 1460);
    }
    plain.close();
    let mut other = Talk::open(start);
    for (from, burst) in &bursts {
        // Nothing acknowledges a burst before all of it is there: what is acknowledged and missing counts as lost.
        let first = other.segments.len();
        let largest = 1 + input.below(200);
        other.say(*from, burst, || if input.is_empty() { 1460 } else { 1 + input.below(largest) });
        let acknowledgement = other.segments.pop().expect("a burst is acknowledged");
        shake(&mut other.segments, first, burst, &mut input);
        other.segments.push(acknowledgement);
    }
    other.close();
    agree(&facts(&plain.capture()), &facts(&capture(other.segments)), "other segments, other facts");
}

/// Repeats, extends and shuffles the segments from `first` on, which carry `burst`.
fn shake(segments: &mut Vec<Segment>, first: usize, burst: &[u8], input: &mut Input<'_>) {
    let begin = segments[first].seq;
    for _ in 0..input.below(6) {
        let model = segments[first].clone();
        let (at, length) = (input.below(burst.len()), 1 + input.below(300));
        let payload = burst[at..burst.len().min(at + length)].to_vec();
        let again = Segment { seq: begin.wrapping_add(at as u32), flags: ACK, payload, ..model };
        let place = first + input.below(segments.len() - first + 1);
        segments.insert(place, again);
    }
    // Farther than this a segment would be counted as lost before it comes.
    let count = segments.len() - first;
    for _ in 0..input.below(40) {
        let (a, b) = (first + input.below(count), first + input.below(count));
        segments.swap(a, b);
    }
}

/// A frame of text, binary data or a Close.
fn frame(from: Side, first: u8, size: usize, fill: u8) -> Vec<u8> {
    let mask = if from == Side::Client { 0x80 } else { 0 };
    let mut bytes = vec![first];
    if size < 126 {
        bytes.push(mask | size as u8);
    } else {
        bytes.push(mask | 126);
        bytes.extend_from_slice(&(size as u16).to_be_bytes());
    }
    let key = [1, 2, 3, 4];
    if from == Side::Client {
        bytes.extend_from_slice(&key);
    }
    let masked = |nth: usize, byte: u8| if from == Side::Client { byte ^ key[nth % 4] } else { byte };
    match first {
        0x88 => bytes.extend([masked(0, 3), masked(1, 0xe8)]),
        _ => bytes.extend((0..size).map(|nth| masked(nth, (fill.wrapping_add(nth as u8) % 64) + 32))),
    }
    bytes
}

/// The first two words of an input: how the bytes behind them are cut, and how many are the client's.
fn two_sides<'a>(input: &mut Input<'a>) -> (u64, &'a [u8], &'a [u8]) {
    let (seed, length) = (u64::from(input.word()), usize::from(input.word()));
    let client = input.take(length);
    (seed, client, input.0)
}

fn sizes(seed: u64) -> impl FnMut() -> usize {
    let mut rng = super::super::rng::Rng::new(seed);
    let largest = [1, 3, 20, 300][seed as usize % 4];
    move || 1 + rng.below(largest)
}

fn heads(bytes: &[u8]) {
    let mut input = Input(bytes);
    let (seed, client, server) = two_sides(&mut input);
    let talk = |size: &mut dyn FnMut() -> usize| {
        let mut talk = Talk::open(1000);
        talk.say(Side::Client, client, &mut *size);
        talk.say(Side::Server, server, &mut *size);
        talk.close();
        facts(&talk.capture())
    };
    agree(&talk(&mut || 60_000), &talk(&mut sizes(seed)), "heads in pieces, other facts");
}

fn frames(bytes: &[u8]) {
    let mut input = Input(bytes);
    let [request, response] = handshake(EXTENSIONS[usize::from(input.byte()) % EXTENSIONS.len()]);
    let (seed, client, server) = two_sides(&mut input);
    let talk = |size: &mut dyn FnMut() -> usize| {
        let mut talk = Talk::open(1000);
        talk.say(Side::Client, &request, || 1460);
        talk.say(Side::Server, &response, || 1460);
        talk.say(Side::Client, client, &mut *size);
        talk.say(Side::Server, server, &mut *size);
        talk.close();
        facts(&talk.capture())
    };
    agree(&talk(&mut || 60_000), &talk(&mut sizes(seed)), "frames in pieces, other facts");
}

fn schedules() -> Vec<(String, Vec<u8>)> {
    (0..24u64)
        .map(|nth| {
            let mut rng = super::super::rng::Rng::new(nth);
            (format!("random-{nth}"), (0..40 + 20 * nth).map(|_| rng.next() as u8).collect())
        })
        .collect()
}

/// What each side of a case's first connection says, handshake and all.
fn said(case: &super::super::conversation::Case) -> [Vec<u8>; 2] {
    let mut sides = [Vec::new(), Vec::new()];
    for segment in tcp::build(case).segments.iter().filter(|s| s.connection == 0) {
        sides[segment.from as usize].extend_from_slice(&segment.payload);
    }
    sides
}

/// An input for two sides.
fn of_two_sides(seed: u16, [client, server]: [&[u8]; 2]) -> Vec<u8> {
    let length = (client.len() as u16).to_le_bytes();
    [&seed.to_le_bytes()[..], &length, client, server].concat()
}

const SMALL: usize = 3000;

fn handshakes() -> Vec<(String, Vec<u8>)> {
    let mut seeds = Vec::new();
    for (nth, case) in cases().iter().enumerate().filter(|(_, c)| c.name.starts_with("handshake")) {
        let sides = said(case);
        seeds.push((case.name.clone(), of_two_sides(nth as u16, [&sides[0], &sides[1]])));
    }
    let chunked = b"HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n5;x=1\r\nhello\r\n0\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\n\r\n";
    let twice = [handshake(None)[0].as_slice(), b"HEAD / HTTP/1.0\nHost: a\n\n"].concat();
    seeds.push(("chunked".to_string(), of_two_sides(1, [&twice, chunked])));
    seeds
}

fn conversations() -> Vec<(String, Vec<u8>)> {
    let mut seeds = Vec::new();
    for (nth, case) in cases().iter().enumerate() {
        let sides = said(case);
        if sides.iter().all(|s| s.len() < SMALL) && case.connections.len() == 1 {
            let agreed = case.connections[0].handshake.deflate.as_deref();
            let extension = EXTENSIONS.iter().position(|e| *e == agreed).unwrap_or(0) as u8;
            // behind the two heads
            let rest = |side: &Vec<u8>| {
                let end = side.windows(4).position(|w| w == b"\r\n\r\n").map_or(side.len(), |at| at + 4);
                side[end..].to_vec()
            };
            let seed = of_two_sides(nth as u16, [&rest(&sides[0]), &rest(&sides[1])]);
            seeds.push((case.name.clone(), [&[extension][..], &seed].concat()));
        }
    }
    seeds
}

/// Used by targets that need a connection with compression.
pub(super) fn compressed(extension: &str) -> [Vec<u8>; 2] {
    handshake(Some(extension))
}
