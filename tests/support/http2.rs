//! One WebSocket in an HTTP/2 connection (RFC 8441), from the heads and bytes of one over HTTP/1.1.

use wsdiag::ids::Side;

use super::rng::Rng;

/// The stream that carries the WebSocket; another was there before.
pub const STREAM: u32 = 3;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const PADDED: u8 = 8;

/// Both ends.
pub struct Http2 {
    rng: Rng,
}

impl Http2 {
    /// Two ends; the sizes of their frames come from the seed.
    pub fn new(seed: u64) -> Http2 {
        Http2 { rng: Rng::new(seed) }
    }

    /// What an end sends first: settings, and windows that are never used up.
    pub fn greet(&self, from: Side) -> Vec<u8> {
        let mut settings = vec![0, 4, 0x7f, 0xff, 0xff, 0xff]; // SETTINGS_INITIAL_WINDOW_SIZE
        if from == Side::Server {
            settings.extend([0, 8, 0, 0, 0, 1]); // SETTINGS_ENABLE_CONNECT_PROTOCOL
        }
        let window = frame(WINDOW_UPDATE, 0, 0, &0x7fff_0000u32.to_be_bytes());
        let preface: &[u8] = if from == Side::Client { b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" } else { &[] };
        [preface, &frame(SETTINGS, 0, 0, &settings), &window, &frame(SETTINGS, 1, 0, &[])].concat()
    }

    /// An extended CONNECT that asks for what this request asks for.
    pub fn request(&mut self, head: &[u8]) -> Vec<u8> {
        let (start, fields) = split(head);
        let path = start.split(' ').nth(1).expect("a request line").to_string();
        let host = fields.iter().find(|(name, _)| name == "host").map_or("", |(_, value)| value).to_string();
        let mut all = vec![
            (":method".to_string(), "CONNECT".to_string()),
            (":protocol".to_string(), "websocket".to_string()),
            (":scheme".to_string(), "https".to_string()),
            (":path".to_string(), path),
            (":authority".to_string(), host),
        ];
        all.extend(fields.into_iter().filter(|(name, _)| name != "host"));
        self.headers(&all, 0)
    }

    /// The answer that this response is; an answer that refuses ends the stream.
    pub fn response(&mut self, response: &[u8]) -> Vec<u8> {
        let end = response.windows(4).position(|w| w == b"\r\n\r\n").map_or(response.len(), |at| at + 4);
        let (head, body) = response.split_at(end);
        let (start, fields) = split(head);
        let status = start.split(' ').nth(1).expect("a status line");
        let agreed = status == "101";
        let mut all = vec![(":status".to_string(), if agreed { "200" } else { status }.to_string())];
        all.extend(fields);
        let mut bytes = self.headers(&all, 0);
        if !agreed {
            bytes.extend(frame(DATA, END_STREAM, STREAM, body));
        }
        bytes
    }

    /// A header block in a HEADERS frame and a CONTINUATION, names by literals with and without indexing.
    fn headers(&mut self, fields: &[(String, String)], flags: u8) -> Vec<u8> {
        let mut block = Vec::new();
        for (nth, (name, value)) in fields.iter().enumerate() {
            block.push(if nth % 2 == 0 { 0x40 } else { 0 });
            for text in [name, value] {
                integer(&mut block, 7, text.len());
                block.extend_from_slice(text.as_bytes());
            }
        }
        let (first, rest) = block.split_at(self.rng.below(block.len()) + 1);
        let first = frame(HEADERS, flags, STREAM, first);
        [first, frame(CONTINUATION, END_HEADERS, STREAM, rest)].concat()
    }

    /// Bytes as DATA frames, some of them padded, with frames of the connection and of another stream between them.
    pub fn wrap(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let size = [5, 60, 1000, 8192, 16_384][self.rng.below(5)];
            let (piece, after) = rest.split_at(size.min(rest.len()));
            rest = after;
            let padding = self.rng.below(30);
            if self.rng.once_in(3) && piece.len() < 16_000 {
                let padded = [&[padding as u8][..], piece, &vec![0; padding]].concat();
                out.extend(frame(DATA, PADDED, STREAM, &padded));
            } else {
                out.extend(frame(DATA, 0, STREAM, piece));
            }
            if self.rng.once_in(4) {
                out.extend(frame(PING, 0, 0, b"12345678"));
                out.extend(frame(DATA, 0, 1, b"of another stream"));
            }
        }
        out
    }

    /// The end of an end's half of the stream.
    pub fn farewell(&self) -> Vec<u8> {
        frame(DATA, END_STREAM, STREAM, &[])
    }

    /// RST_STREAM with CANCEL.
    pub fn reset(&self) -> Vec<u8> {
        frame(RST_STREAM, 0, STREAM, &8u32.to_be_bytes())
    }
}

/// RFC 9113 section 4.1.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// An integer of HPACK with a prefix of so many bits, whose other bits are zero (RFC 7541 section 5.1).
fn integer(out: &mut Vec<u8>, prefix: u32, mut value: usize) {
    let most = (1 << prefix) - 1;
    if value < most {
        out.push(value as u8);
        return;
    }
    out.push(most as u8);
    value -= most;
    while value >= 128 {
        out.push((value % 128 + 128) as u8);
        value /= 128;
    }
    out.push(value as u8);
}

/// The first line of a head of HTTP/1.1, and the fields that have a meaning in HTTP/2.
fn split(head: &[u8]) -> (String, Vec<(String, String)>) {
    let text = String::from_utf8_lossy(head).into_owned();
    let mut lines = text.split("\r\n");
    let start = lines.next().expect("a first line").to_string();
    let fields = lines.filter_map(|line| line.split_once(": ")).map(|(n, v)| (n.to_ascii_lowercase(), v.to_string()));
    let hop = ["upgrade", "connection", "sec-websocket-key", "sec-websocket-accept", "transfer-encoding"];
    (start, fields.filter(|(name, _)| !hop.contains(&name.as_str())).collect())
}
