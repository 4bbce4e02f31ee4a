//! What may stand where a handshake is expected.

use std::io;

use super::Shape;
use crate::wire::{CLIENT, Capture, Connection, SERVER, request};

pub(super) const SHAPES: &[Shape] = &[
    Shape::new("requests", "ordinary requests without an answer on one flow", |out| {
        asked(out, b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n", None)
    }),
    Shape::new("requests-answered", "ordinary requests and answers on one flow", |out| {
        asked(out, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", Some(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
    }),
    Shape::new("upgrades-refused", "upgrade requests refused one by one on one flow", |out| {
        asked(out, request("").as_bytes(), Some(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"))
    }),
    Shape::new("upgrades-pipelined", "a thousand upgrade requests at once, then their refusals", upgrades_pipelined),
    Shape::new("endless-head", "heads that never end, in full segments", |out| endless_head(out, 1460)),
    Shape::new("endless-head-bytes", "heads that never end, in segments of one byte", |out| endless_head(out, 1)),
    Shape::new("many-fields", "upgrade requests of 60 kB in four-byte fields", many_fields),
    Shape::new("tiny-chunks", "a chunked answer whose chunks hold a byte", tiny_chunks),
    Shape::new("early-frames", "a client that sends a megabyte before its answer comes, in small pieces", early_frames),
];

fn asked(out: &mut Capture, request: &[u8], answer: Option<&[u8]>) -> io::Result<()> {
    let mut c = Connection::open(out, 0)?;
    while !out.is_full() {
        c.send(out, CLIENT, request)?;
        match answer {
            Some(answer) => c.send(out, SERVER, answer)?,
            None => c.acknowledge(out, SERVER)?,
        }
    }
    Ok(())
}

fn upgrades_pipelined(out: &mut Capture) -> io::Result<()> {
    let short = b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Key: a\r\n\r\n";
    let mut number = 0;
    while !out.is_full() {
        let mut c = Connection::open(out, number)?;
        number += 1;
        c.send(out, CLIENT, &short.repeat(15_000))?;
        c.acknowledge(out, SERVER)?;
        c.send(out, SERVER, &b"HTTP/1.1 400 \r\nContent-Length:0\r\n\r\n".repeat(15_000))?;
        c.close(out)?;
    }
    Ok(())
}

fn endless_head(out: &mut Capture, size: usize) -> io::Result<()> {
    let mut number = 0;
    let head = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}", "x".repeat(65_000));
    while !out.is_full() {
        let mut c = Connection::open(out, number)?;
        number += 1;
        c.send_in(out, CLIENT, head.as_bytes(), size)?;
        c.close(out)?;
    }
    Ok(())
}

fn many_fields(out: &mut Capture) -> io::Result<()> {
    let mut number = 0;
    let head = request(&"a:\r\n".repeat(15_000));
    while !out.is_full() {
        let mut c = Connection::open(out, number)?;
        number += 1;
        c.send(out, CLIENT, head.as_bytes())?;
        c.send(out, SERVER, b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")?;
        c.close(out)?;
    }
    Ok(())
}

fn tiny_chunks(out: &mut Capture) -> io::Result<()> {
    let mut c = Connection::open(out, 0)?;
    c.send(out, CLIENT, request("").as_bytes())?;
    c.send(out, SERVER, b"HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n")?;
    let chunks = b"1\r\na\r\n".repeat(4000);
    while !out.is_full() {
        c.send(out, SERVER, &chunks)?;
    }
    Ok(())
}

fn early_frames(out: &mut Capture) -> io::Result<()> {
    let mut number = 0;
    while !out.is_full() {
        let mut c = Connection::open(out, number)?;
        number += 1;
        c.send(out, CLIENT, request("").as_bytes())?;
        c.send_in(out, CLIENT, &[0x82, 0x80, 0, 0, 0, 0].repeat(5_000), 30)?;
        c.send(out, SERVER, b"HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n")?;
        c.close(out)?;
    }
    Ok(())
}
