//! Traffic that is not WebSocket, begun in mid-connection: what a probe must never take for frames.

use super::rng::Rng;

/// A kind of traffic: appends the next message of a direction (0 asks, 1 answers).
type Speaker = fn(&mut Rng, usize, u64, &mut Vec<u8>);

/// Every kind, by name.
pub const KINDS: &[(&str, Speaker)] = &[
    ("random bytes", random),
    ("TLS records", tls),
    ("SSH packets", ssh),
    ("HTTP/1.1", http1),
    ("HTTP/2 and gRPC", http2),
    ("MySQL", mysql),
    ("PostgreSQL", postgres),
    ("Redis", redis),
    ("MQTT", mqtt),
    ("MQTT subscriptions alone", mqtt_subscribe),
    ("AMQP", amqp),
    ("Kafka", kafka),
    ("DNS over TCP", dns),
    ("LDAP", ldap),
    ("one byte repeated", one_byte),
    ("two bytes repeated", two_bytes),
    ("ASCII log lines", ascii),
    ("Base64", base64),
    ("UTF-8 of Asian text", asian),
    ("UTF-16 text", utf16),
    ("Latin-1 text", latin1),
    ("RTP behind lengths", rtp),
    ("arrays of structs", structs),
    ("counters", counters),
    ("keystrokes", keystrokes),
    ("records of one type and one length byte", type_length),
    ("protobuf", protobuf),
    ("16-bit audio", audio),
];

/// One flow of noise: its segments are given to `segment` with the direction and the bytes. Returns the bytes of the flow.
pub fn flow(rng: &mut Rng, kind: usize, segment: &mut dyn FnMut(usize, &[u8])) -> u64 {
    let speak = KINDS[kind].1;
    // Most flows are short; each is another chance to be wrong.
    let size = if rng.once_in(10) { 3200u64 << rng.below(9) } else { 100 << rng.below(6) };
    let size = size + rng.next() % size;
    let form = rng.below(5);
    let mss = [1448, 1460, 536, 8960, 65_160][rng.below(5)];
    let constant = rng.next();
    let talkative = rng.below(4); // 0: only the answers, 1: only the questions, else both
    let mut streams: [Vec<u8>; 2] = Default::default();
    let mut sent = 0;
    let mut first = [true, true];
    while sent < size {
        let from = match talkative {
            0 => 1,
            1 => 0,
            _ => usize::from(rng.once_in(2)),
        };
        let stream = &mut streams[from];
        let before = stream.len();
        speak(rng, from, constant, stream);
        if stream.len() == before {
            stream.push(0);
        }
        if first[from] {
            // The capture begins somewhere in the middle.
            first[from] = false;
            if rng.once_in(2) {
                stream.drain(..rng.below(stream.len()));
            }
        }
        loop {
            let take = match form {
                0 => stream.len().min(mss), // each message by itself
                1 | 2 => {
                    if stream.len() < mss {
                        break;
                    }
                    mss
                }
                3 => rng.below(mss.min(stream.len() + 1)),
                _ => stream.len().min(1 + rng.below(60)),
            };
            if take == 0 {
                break;
            }
            segment(from, &stream[..take]);
            sent += take as u64;
            stream.drain(..take);
        }
    }
    sent
}

fn fill(rng: &mut Rng, count: usize, out: &mut Vec<u8>) {
    let end = out.len() + count;
    while out.len() + 8 <= end {
        out.extend_from_slice(&rng.next().to_le_bytes());
    }
    while out.len() < end {
        out.push((rng.next() >> 32) as u8);
    }
}

/// A length with many small and few large values.
fn length(rng: &mut Rng, most: usize) -> usize {
    let bits = usize::BITS - most.leading_zeros();
    let bits = 1 + rng.below(bits as usize);
    rng.below(1 << bits).min(most)
}

fn words(rng: &mut Rng, count: usize, out: &mut Vec<u8>) {
    const WORDS: [&str; 12] = [
        "error",
        "user",
        "2026-11-22",
        "GET",
        "/api/v1/items",
        "{\"id\":",
        "\"name\"",
        "}",
        "127.0.0.1",
        "ms",
        "=",
        "ok,",
    ];
    let end = out.len() + count;
    while out.len() < end {
        out.extend_from_slice(WORDS[rng.below(WORDS.len())].as_bytes());
        out.push(b' ');
    }
}

fn random(rng: &mut Rng, _: usize, _: u64, out: &mut Vec<u8>) {
    let count = 1 + length(rng, 60_000);
    fill(rng, count, out);
}

fn tls(rng: &mut Rng, _: usize, _: u64, out: &mut Vec<u8>) {
    let count = 30 + length(rng, 16_384);
    out.extend_from_slice(&[0x17, 3, 3]);
    out.extend_from_slice(&(count as u16).to_be_bytes());
    fill(rng, count, out);
}

fn ssh(rng: &mut Rng, _: usize, constant: u64, out: &mut Vec<u8>) {
    // Lengths in the clear, as in older ciphers, or not
    let count = 16 + length(rng, 32_000) / 16 * 16;
    if constant & 1 == 0 {
        out.extend_from_slice(&(count as u32).to_be_bytes());
    }
    fill(rng, count, out);
}

fn http1(rng: &mut Rng, from: usize, constant: u64, out: &mut Vec<u8>) {
    let count = length(rng, 20_000);
    if from == 0 {
        out.extend_from_slice(b"POST /api/items?id=42 HTTP/1.1\r\nHost: example.com\r\nAccept: */*\r\n");
    } else {
        out.extend_from_slice(b"HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: image/png\r\n");
    }
    out.extend_from_slice(format!("Content-Length: {count}\r\n\r\n").as_bytes());
    if constant & 1 == 0 { fill(rng, count, out) } else { words(rng, count, out) }
}

fn http2(rng: &mut Rng, _: usize, _: u64, out: &mut Vec<u8>) {
    let count = length(rng, 16_384);
    out.extend_from_slice(&(count as u32).to_be_bytes()[1..]);
    out.push(rng.below(10) as u8);
    out.push([0, 1, 4, 5][rng.below(4)]);
    out.extend_from_slice(&(1 + 2 * rng.below(200) as u32).to_be_bytes());
    // gRPC: compressed or not, then a length
    let from = out.len();
    fill(rng, count, out);
    if count >= 5 {
        out[from..from + 5].copy_from_slice(&[0, 0, 0, 0, (count as u8).wrapping_sub(5)]);
    }
}

fn mysql(rng: &mut Rng, from: usize, _: u64, out: &mut Vec<u8>) {
    for sequence in 0..1 + rng.below(if from == 0 { 1 } else { 20 }) {
        let count = 1 + length(rng, 2000);
        out.extend_from_slice(&(count as u32).to_le_bytes()[..3]);
        out.push(sequence as u8);
        if from == 0 {
            out.push(3);
            words(rng, count - 1, out);
        } else {
            fill(rng, count, out);
        }
    }
}

fn postgres(rng: &mut Rng, _: usize, _: u64, out: &mut Vec<u8>) {
    for _ in 0..1 + rng.below(10) {
        let count = length(rng, 1000);
        out.push(b"DTCZQPBESX12nst"[rng.below(15)]);
        out.extend_from_slice(&(count as u32 + 4).to_be_bytes());
        fill(rng, count, out);
    }
}

fn redis(rng: &mut Rng, from: usize, constant: u64, out: &mut Vec<u8>) {
    let count = length(rng, 3000);
    if from == 0 {
        out.extend_from_slice(b"*2\r\n$3\r\nGET\r\n$4\r\nkey1\r\n");
        return;
    }
    out.extend_from_slice(format!("${count}\r\n").as_bytes());
    if constant & 1 == 0 {
        fill(rng, count, out)
    } else {
        words(rng, count, out)
    }
    out.extend_from_slice(b"\r\n");
}

fn remaining_length(mut count: usize, out: &mut Vec<u8>) {
    loop {
        let more = count >= 128;
        out.push((count % 128) as u8 | if more { 128 } else { 0 });
        count /= 128;
        if !more {
            return;
        }
    }
}

fn mqtt(rng: &mut Rng, from: usize, _: u64, out: &mut Vec<u8>) {
    let kind = [0x30, 0x32, 0x40, 0x82, 0x90, 0xa2, 0xb0, 0xc0, 0xd0][rng.below(9)];
    match kind {
        0xc0 | 0xd0 => out.extend_from_slice(&[kind, 0]),
        0x40 | 0xb0 => out.extend_from_slice(&[kind, 2, rng.next() as u8, rng.next() as u8]),
        0x82 if from == 0 => mqtt_subscribe(rng, from, 0, out),
        _ => {
            let mut body = vec![0, 9];
            body.extend_from_slice(b"a/sensor/");
            let count = length(rng, 500);
            words(rng, count, &mut body);
            out.push(0x30);
            remaining_length(body.len(), out);
            out.extend_from_slice(&body);
        }
    }
}

fn mqtt_subscribe(rng: &mut Rng, from: usize, _: u64, out: &mut Vec<u8>) {
    if from == 1 {
        out.extend_from_slice(&[0x90, 3, 0, rng.next() as u8, 0]);
        return;
    }
    let topic = format!("devices/{}/{}", rng.below(100_000), ["up", "state/#", "config"][rng.below(3)]);
    let mut body = vec![0, rng.next() as u8, 0, topic.len() as u8];
    body.extend_from_slice(topic.as_bytes());
    body.push(1);
    out.push(0x82);
    remaining_length(body.len(), out);
    out.extend_from_slice(&body);
}

fn amqp(rng: &mut Rng, _: usize, _: u64, out: &mut Vec<u8>) {
    let count = length(rng, 3000);
    out.push([1, 2, 3, 8][rng.below(4)]);
    out.extend_from_slice(&(rng.below(4) as u16).to_be_bytes());
    out.extend_from_slice(&(count as u32).to_be_bytes());
    fill(rng, count, out);
    out.push(0xce);
}

fn kafka(rng: &mut Rng, _: usize, _: u64, out: &mut Vec<u8>) {
    let count = 8 + length(rng, 30_000);
    out.extend_from_slice(&(count as u32).to_be_bytes());
    out.extend_from_slice(&[0, rng.below(40) as u8, 0, 7]);
    fill(rng, count - 4, out);
}

fn dns(rng: &mut Rng, _: usize, _: u64, out: &mut Vec<u8>) {
    let count = 20 + length(rng, 600);
    out.extend_from_slice(&(count as u16).to_be_bytes());
    fill(rng, 2, out);
    out.extend_from_slice(&[1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    fill(rng, count - 12, out);
}

fn ldap(rng: &mut Rng, _: usize, _: u64, out: &mut Vec<u8>) {
    let count = length(rng, 2000);
    out.extend_from_slice(&[0x30, 0x82, (count >> 8) as u8, count as u8]);
    let end = out.len() + count;
    while out.len() < end {
        let inner = rng.below(120).min(end - out.len());
        out.extend_from_slice(&[[0x04, 0x02, 0x80, 0x81, 0x82, 0x30, 0xa0][rng.below(7)], inner as u8]);
        words(rng, inner, out);
    }
}

fn one_byte(rng: &mut Rng, _: usize, constant: u64, out: &mut Vec<u8>) {
    let favourites = [0, 0x81, 0x82, 0x88, 0x89, 0xff, 0x01, constant as u8];
    let byte = favourites[(constant >> 8) as usize % favourites.len()];
    out.resize(out.len() + 1 + length(rng, 9000), byte);
}

fn two_bytes(rng: &mut Rng, _: usize, constant: u64, out: &mut Vec<u8>) {
    let pair = [[0x81, 0x00], [0x81, 0x01], [0x82, 0x7e], [0x88, 0x82], [0x89, 0x80], [0x82, 0xfe], [0x80, 0x00]];
    let pair = if constant & 1 == 0 {
        pair[(constant >> 8) as usize % pair.len()]
    } else {
        [constant as u8 | 0x80, (constant >> 9) as u8]
    };
    for _ in 0..1 + length(rng, 4000) {
        out.extend_from_slice(&pair);
    }
}

fn ascii(rng: &mut Rng, _: usize, _: u64, out: &mut Vec<u8>) {
    let count = 1 + length(rng, 3000);
    words(rng, count, out);
    out.push(b'\n');
}

fn base64(rng: &mut Rng, _: usize, _: u64, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for _ in 0..1 + length(rng, 9000) {
        out.push(DIGITS[rng.below(64)]);
    }
}

fn asian(rng: &mut Rng, _: usize, _: u64, out: &mut Vec<u8>) {
    for _ in 0..1 + length(rng, 3000) {
        let letter =
            char::from_u32([0x4e00, 0x3040, 0xac00, 0x0400][rng.below(4)] + rng.below(90) as u32).unwrap_or('x');
        out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

fn utf16(rng: &mut Rng, _: usize, constant: u64, out: &mut Vec<u8>) {
    for _ in 0..1 + length(rng, 3000) {
        let letter = 0x20 + rng.below(96) as u16;
        out.extend_from_slice(&if constant & 1 == 0 { letter.to_be_bytes() } else { letter.to_le_bytes() });
    }
}

fn latin1(rng: &mut Rng, _: usize, _: u64, out: &mut Vec<u8>) {
    for _ in 0..1 + length(rng, 3000) {
        out.push(if rng.once_in(6) { 0x80 + rng.below(128) as u8 } else { 0x20 + rng.below(95) as u8 });
    }
}

fn rtp(rng: &mut Rng, _: usize, constant: u64, out: &mut Vec<u8>) {
    let count = if constant & 1 == 0 { 172 } else { 20 + length(rng, 1300) };
    if constant & 2 == 0 {
        out.extend_from_slice(&(count as u16).to_be_bytes());
    }
    out.extend_from_slice(&[
        0x80,
        [0, 8, 96, 0xe0][(constant >> 2) as usize % 4],
        (rng.next() >> 8) as u8,
        rng.next() as u8,
    ]);
    fill(rng, count - 4, out);
}

fn structs(rng: &mut Rng, _: usize, constant: u64, out: &mut Vec<u8>) {
    let size = 4 + constant as usize % 60;
    let mut item = Vec::new();
    fill(&mut Rng::new(constant), size, &mut item);
    // Some fields change, the rest stays
    let changing = 1 + (constant >> 8) as usize % 4;
    for _ in 0..1 + length(rng, 300) {
        let at = out.len();
        out.extend_from_slice(&item);
        for nth in 0..changing {
            out[at + (nth * 7 + 3) % size] = rng.next() as u8;
        }
    }
}

fn counters(rng: &mut Rng, _: usize, constant: u64, out: &mut Vec<u8>) {
    let mut value = (constant as u32).wrapping_add(out.len() as u32) | 0x8000_0000;
    for _ in 0..1 + length(rng, 2000) {
        out.extend_from_slice(&value.to_be_bytes());
        value = value.wrapping_add((constant >> 32) as u32 & 0x1_01ff);
    }
}

fn keystrokes(rng: &mut Rng, _: usize, _: u64, out: &mut Vec<u8>) {
    let count = 1 + rng.below(3);
    if rng.once_in(3) { fill(rng, count, out) } else { words(rng, count, out) }
}

fn type_length(rng: &mut Rng, _: usize, constant: u64, out: &mut Vec<u8>) {
    let kinds = constant.to_le_bytes();
    for _ in 0..1 + rng.below(6) {
        let count = rng.below(256);
        out.extend_from_slice(&[kinds[rng.below(3)], count as u8]);
        fill(rng, count, out);
    }
}

fn protobuf(rng: &mut Rng, _: usize, _: u64, out: &mut Vec<u8>) {
    for _ in 0..1 + rng.below(40) {
        match rng.below(3) {
            0 => {
                out.extend_from_slice(&[(8 * (1 + rng.below(15))) as u8, 0x80 | rng.next() as u8, rng.below(128) as u8])
            }
            1 => {
                let count = rng.below(100);
                out.extend_from_slice(&[(8 * (1 + rng.below(15)) + 2) as u8, count as u8]);
                words(rng, count, out);
            }
            _ => {
                out.push((8 * (1 + rng.below(15)) + 1) as u8);
                fill(rng, 8, out);
            }
        }
    }
}

fn audio(rng: &mut Rng, _: usize, constant: u64, out: &mut Vec<u8>) {
    let mut level = 0i16;
    for _ in 0..1 + length(rng, 4000) {
        level = level.wrapping_add((rng.next() % 601) as i16 - 300);
        out.extend_from_slice(&if constant & 1 == 0 { level.to_le_bytes() } else { level.to_be_bytes() });
    }
}
