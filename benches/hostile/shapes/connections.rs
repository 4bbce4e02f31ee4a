//! Many of them.

use std::io;

use super::Shape;
use crate::wire::{ACK, CLIENT, Capture, Connection, Ends, FIN, RST, SERVER, SYN, frame, request};

pub(super) const SHAPES: &[Shape] = &[
    Shape { bytes: Some(700_000_000), ..Shape::new("syn-flood", "10 million SYNs that nobody answers", syn_flood) },
    Shape {
        bytes: Some(140_000_000),
        ..Shape::new("syn-ack-flood", "a million connections that never speak", half_open)
    },
    Shape {
        bytes: Some(1),
        memory: 450,
        ..Shape::new("live", "100,000 WebSocket connections alive at once, all with news", live)
    },
    Shape::new("flow-per-packet", "every packet is data of another connection", |out| {
        flow_per_packet(out, b"\x81\x00")
    }),
    Shape::new("request-per-packet", "every packet is the start of a request of another connection", |out| {
        flow_per_packet(out, b"GET /")
    }),
    Shape::new("upgrade-per-packet", "every packet is an upgrade request of another connection", upgrade_per_packet),
    Shape::new("one-port-again", "SYN after SYN with the same ports and other numbers", one_port_again),
    Shape::new("reset-scan", "SYNs that are answered with resets, each from another port", reset_scan),
    Shape::new("closed-1000", "short connections that end well", |out| closed(out, b"hello", &[3, 0xe8])),
    Shape::new("closed-1007", "short connections that end for a bad text", |out| {
        closed(out, b"Gr\xfc\xdfe aus K\xf6ln, sehr geehrte Damen und Herren", &[3, 0xef])
    }),
    Shape::new("closed-1009", "short connections that end for a large message", |out| {
        closed(out, &[b'a'; 1300], b"\x03\xf1limit is 1000 bytes")
    }),
    Shape::new("closed-1001", "short connections that all end with 1001 within milliseconds", |out| {
        closed(out, b"hello", &[3, 0xe9])
    }),
    Shape::new("other-clients", "short connections, each of another client with other heads", other_clients),
];

fn syn_flood(out: &mut Capture) -> io::Result<()> {
    let mut number = 0u64;
    while !out.is_full() {
        out.tcp(&Ends::number(number), CLIENT, (number as u32, 0), SYN, b"")?;
        number += 1;
    }
    Ok(())
}

fn half_open(out: &mut Capture) -> io::Result<()> {
    let mut number = 0u64;
    while !out.is_full() {
        let ends = Ends::number(number);
        out.tcp(&ends, CLIENT, (7, 0), SYN, b"")?;
        out.tcp(&ends, SERVER, (9, 8), SYN | ACK, b"")?;
        number += 1;
    }
    Ok(())
}

/// Connections that are all opened before the first says more, and then all speak in turn.
fn live(out: &mut Capture) -> io::Result<()> {
    const COUNT: u64 = 100_000;
    let mut all = Vec::new();
    for number in 0..COUNT {
        all.push(Connection::upgraded(out, number, None)?);
    }
    for round in 0..4 {
        for c in &mut all {
            let from = round % 2;
            let text = br#"{"type":"update","symbol":"ABC","price":12.34,"volume":1000,"side":"buy"}"#;
            c.send(out, from, &frame(from, 0x81, text))?;
        }
    }
    Ok(())
}

fn flow_per_packet(out: &mut Capture, payload: &[u8]) -> io::Result<()> {
    let mut number = 0u64;
    while !out.is_full() {
        out.tcp(&Ends::number(number), CLIENT, (1, 1), ACK, payload)?;
        number += 1;
    }
    Ok(())
}

fn upgrade_per_packet(out: &mut Capture) -> io::Result<()> {
    let (mut number, request) = (0u64, request(""));
    while !out.is_full() {
        out.tcp(&Ends::number(number), CLIENT, (1, 1), ACK, request.as_bytes())?;
        number += 1;
    }
    Ok(())
}

fn one_port_again(out: &mut Capture) -> io::Result<()> {
    let mut number = 0u32;
    while !out.is_full() {
        out.tcp(&Ends::number(0), CLIENT, (number.wrapping_mul(1_000_003), 0), SYN, b"")?;
        number += 1;
    }
    Ok(())
}

fn reset_scan(out: &mut Capture) -> io::Result<()> {
    let mut number = 0u64;
    while !out.is_full() {
        let ends = Ends::number(number);
        out.tcp(&ends, CLIENT, (7, 0), SYN, b"")?;
        out.tcp(&ends, SERVER, (0, 8), RST | ACK, b"")?;
        number += 1;
    }
    Ok(())
}

fn closed(out: &mut Capture, text: &[u8], close: &[u8]) -> io::Result<()> {
    let mut number = 0;
    while !out.is_full() {
        let mut c = Connection::upgraded(out, number, None)?;
        number += 1;
        c.send(out, CLIENT, &frame(CLIENT, 0x81, text))?;
        c.send(out, SERVER, &frame(SERVER, 0x88, close))?;
        c.send(out, CLIENT, &frame(CLIENT, 0x88, &close[..2]))?;
        c.close(out)?;
    }
    Ok(())
}

fn other_clients(out: &mut Capture) -> io::Result<()> {
    let mut number = 0;
    while !out.is_full() {
        let mut c = Connection::open(out, number)?;
        c.send(out, CLIENT, request(&format!("User-Agent: client-{number}\r\nCookie: {number:0600}\r\n")).as_bytes())?;
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nServer: {number}\r\n\
             Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
        );
        c.send(out, SERVER, answer.as_bytes())?;
        c.send(out, SERVER, &frame(SERVER, 0x88, &[&[0x0f, 0xa0], number.to_string().as_bytes()].concat()))?;
        out.tcp(&c.ends, SERVER, (c.next[SERVER], c.next[CLIENT]), FIN | ACK, b"")?;
        number += 1;
    }
    Ok(())
}
