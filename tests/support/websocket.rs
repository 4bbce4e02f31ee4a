//! WebSocket bytes: the opening handshake's heads and one side's frames, with a record of every frame written.

use flate2::{Compress, Compression, FlushCompress, Status};
use sha1::{Digest, Sha1};
use wsdiag::ids::Side;

use super::conversation::Handshake;
use super::rng::Rng;
use super::steps::{Compressed, Mask, Message};

/// A frame as it was written: what every reader has to find again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Who sent it.
    pub from: Side,
    /// The low four bits of its first byte.
    pub opcode: u8,
    /// FIN.
    pub fin: bool,
    /// The three reserved bits.
    pub rsv: u8,
    /// Whether the mask bit is set.
    pub masked: bool,
    /// Payload length as the header has it.
    pub length: u64,
    /// Whether its whole payload was sent.
    pub whole: bool,
}

/// Writes the frames of one side.
pub struct Writer {
    side: Side,
    keys: Rng,
    compressor: Option<Compressor>,
}

struct Compressor {
    state: Compress,
    window_bits: u8,
    takeover: bool,
}

impl Writer {
    /// A writer for `side` after `handshake`, with masking keys by `seed`.
    pub fn new(side: Side, handshake: &Handshake, seed: u64) -> Writer {
        let compressor = handshake.deflate.as_ref().map(|agreed| {
            let window_bits = parameter(agreed, &format!("{}_max_window_bits", side.name())).unwrap_or(15);
            Compressor {
                state: compress(window_bits),
                window_bits,
                takeover: !agreed.contains(&format!("{}_no_context_takeover", side.name())),
            }
        });
        Writer { side, keys: Rng::new(seed), compressor }
    }

    /// The frames of `message`.
    pub fn write(&mut self, message: &Message) -> (Vec<u8>, Vec<Written>) {
        let payload = match message.compressed {
            Compressed::No => message.payload.clone(),
            Compressed::Yes => self.compressor.as_mut().expect("compressed without deflate").pack(&message.payload),
            Compressed::Fresh => pack(&mut compress(15), &message.payload),
        };
        if message.unsent {
            return (Vec::new(), Vec::new());
        }
        let mut bytes = Vec::new();
        let mut written = Vec::new();
        let mut rest = payload.as_slice();
        for (nth, size) in message.fragments.iter().copied().chain([usize::MAX]).enumerate() {
            let last = nth == message.fragments.len();
            let (piece, after) = rest.split_at(size.min(rest.len()));
            rest = after;
            let opcode = if nth == 0 { message.opcode } else { 0 };
            let rsv1 = nth == 0 && message.compressed != Compressed::No;
            let rsv = message.rsv.unwrap_or(u8::from(rsv1) << 2);
            self.frame(message, (last && message.fin, rsv, opcode), piece, &mut bytes, &mut written);
        }
        (bytes, written)
    }

    fn frame(
        &mut self,
        message: &Message,
        (fin, rsv, opcode): (bool, u8, u8),
        payload: &[u8],
        bytes: &mut Vec<u8>,
        written: &mut Vec<Written>,
    ) {
        let masked = match message.mask {
            Mask::Right => self.side == Side::Client,
            Mask::None => false,
            Mask::Forced | Mask::Wrong | Mask::Unused => true,
        };
        let length = message.declared.unwrap_or(payload.len() as u64);
        bytes.push(u8::from(fin) << 7 | rsv << 4 | opcode);
        let mask_bit = u8::from(masked) << 7;
        match message.width.unwrap_or(if length < 126 {
            7
        } else if length < 65536 {
            16
        } else {
            64
        }) {
            7 => bytes.push(mask_bit | length as u8),
            16 => {
                bytes.push(mask_bit | 126);
                bytes.extend_from_slice(&(length as u16).to_be_bytes());
            }
            _ => {
                bytes.push(mask_bit | 127);
                bytes.extend_from_slice(&length.to_be_bytes());
            }
        }
        let key = self.keys.key();
        if masked {
            let shown = if message.mask == Mask::Wrong { self.keys.key() } else { key };
            bytes.extend_from_slice(&shown);
        }
        let keep = message.keep.unwrap_or(payload.len()).min(payload.len());
        let start = bytes.len();
        bytes.extend_from_slice(&payload[..keep]);
        if let Some(byte) = message.flip.and_then(|at| bytes.get_mut(start + at)) {
            *byte = !*byte;
        }
        if masked && message.mask != Mask::Unused {
            for (at, byte) in bytes[start..].iter_mut().enumerate() {
                *byte ^= key[at % 4];
            }
        }
        let whole = keep as u64 == length;
        written.push(Written { from: self.side, opcode, fin, rsv, masked, length, whole });
    }
}

impl Compressor {
    fn pack(&mut self, message: &[u8]) -> Vec<u8> {
        if !self.takeover {
            self.state = compress(self.window_bits);
        }
        pack(&mut self.state, message)
    }
}

fn compress(window_bits: u8) -> Compress {
    // zlib has no 8-bit window for raw deflate; nobody needs one here
    Compress::new_with_window_bits(Compression::default(), false, window_bits.max(9))
}

/// A message's DEFLATE blocks without the four bytes that end every sync flush (RFC 7692 section 7.2.1).
fn pack(state: &mut Compress, message: &[u8]) -> Vec<u8> {
    if message.is_empty() {
        return vec![0]; // RFC 7692 section 7.2.3.6; zlib flushes nothing a second time
    }
    let mut out = Vec::with_capacity(message.len() + 64);
    let before = state.total_in();
    loop {
        let rest = &message[(state.total_in() - before) as usize..];
        let status = state.compress_vec(rest, &mut out, FlushCompress::Sync).expect("memory compresses");
        if status == Status::Ok && out.len() < out.capacity() {
            break;
        }
        out.reserve(out.capacity());
    }
    let end = out.len() - 4;
    assert_eq!(out[end..], [0, 0, 0xFF, 0xFF]);
    out.truncate(end);
    out
}

fn parameter(agreed: &str, name: &str) -> Option<u8> {
    agreed.split(';').filter_map(|p| p.trim().split_once('=')).find(|(n, _)| n.trim() == name)?.1.trim().parse().ok()
}

/// The client's request.
pub fn request(h: &Handshake, seed: u64) -> Vec<u8> {
    let mut head = format!("GET {} HTTP/1.1\r\nHost: {}\r\n", h.path, h.host);
    if h.upgrade {
        head += "Upgrade: websocket\r\nConnection: Upgrade\r\n";
    }
    head += &format!("Sec-WebSocket-Key: {}\r\nSec-WebSocket-Version: 13\r\n", key(h.key.unwrap_or(seed)));
    let offer =
        h.offer.clone().or_else(|| h.deflate.as_ref().map(|_| "permessage-deflate; client_max_window_bits".into()));
    if let Some(offer) = offer {
        head += &format!("Sec-WebSocket-Extensions: {offer}\r\n");
    }
    if let Some(protocol) = &h.subprotocol {
        head += &format!("Sec-WebSocket-Protocol: {protocol}\r\n");
    }
    finish(head, &h.request)
}

/// The server's answer.
pub fn response(h: &Handshake, seed: u64) -> Vec<u8> {
    let reason = match h.status {
        101 => "Switching Protocols",
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        426 => "Upgrade Required",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        _ => "Status",
    };
    let mut head = format!("HTTP/1.1 {} {reason}\r\n", h.status);
    if h.status == 101 {
        head += "Upgrade: websocket\r\nConnection: Upgrade\r\n";
        match h.accept.as_str() {
            "right" => head += &format!("Sec-WebSocket-Accept: {}\r\n", accept(&key(h.key.unwrap_or(seed)))),
            "wrong" => head += &format!("Sec-WebSocket-Accept: {}\r\n", accept("another key")),
            "missing" => {}
            other => panic!("accept = {other:?} is not right, wrong or missing"),
        }
        if let Some(agreed) = &h.deflate {
            let parameters = if agreed.is_empty() { String::new() } else { format!("; {agreed}") };
            head += &format!("Sec-WebSocket-Extensions: permessage-deflate{parameters}\r\n");
        }
        if let Some(protocol) = &h.subprotocol {
            head += &format!("Sec-WebSocket-Protocol: {protocol}\r\n");
        }
    } else {
        head += &format!("Content-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n", h.body.len());
    }
    let mut bytes = finish(head, &h.response);
    bytes.extend_from_slice(h.body.as_bytes());
    bytes
}

fn finish(mut head: String, more: &[String]) -> Vec<u8> {
    for line in more {
        head += line;
        head += "\r\n";
    }
    head += "\r\n";
    head.into_bytes()
}

fn key(seed: u64) -> String {
    let mut rng = Rng::new(seed);
    let bytes: Vec<u8> = (0..16).map(|_| rng.next() as u8).collect();
    base64(&bytes)
}

/// RFC 6455 section 4.2.2.
fn accept(key: &str) -> String {
    let mut hash = Sha1::new();
    hash.update(key.as_bytes());
    hash.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    base64(&hash.finalize())
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = group.iter().enumerate().fold(0u32, |v, (i, b)| v | u32::from(*b) << (16 - 8 * i));
        for i in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * i)) as usize & 63];
            text.push(if i <= group.len() { char::from(digit) } else { '=' });
        }
    }
    text
}
