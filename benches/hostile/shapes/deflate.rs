//! What permessage-deflate (RFC 7692) allows to be sent.

use std::io;

use flate2::{Compress, Compression, FlushCompress};

use super::Shape;
use crate::rng::Rng;
use crate::wire::{CLIENT, Capture, Connection, SERVER, frame};

pub(super) const SHAPES: &[Shape] = &[
    Shape::new("bomb-of-zeros", "messages of 16 MB of zeros in 16 kB, as text", |out| bomb(out, 0xc1, |_| 0)),
    Shape::new("bomb-of-letters", "messages of 16 MB of one letter in 16 kB, as text", |out| bomb(out, 0xc1, |_| b'a')),
    Shape::new("bomb-in-binary", "messages of 16 MB of zeros in 16 kB, as binary", |out| bomb(out, 0xc2, |_| 0)),
    Shape::new("bomb-without-end", "one message that never stops growing", bomb_without_end),
    Shape::new("final-blocks", "one message of empty final blocks: a new stream every two bytes", final_blocks),
    Shape::new("final-messages", "each message one final block, with takeover", final_messages),
    Shape::new("huffman-tables", "a new code for every few bytes of data", huffman_tables),
    Shape::new("bad-deflate", "each message a byte that is no deflate, without takeover", |out| {
        corrupt(out, "permessage-deflate; server_no_context_takeover", &[0xff])
    }),
    Shape::new("bad-deflate-long", "each message 4 kB of valid deflate and a fault at the end", bad_deflate_long),
    Shape::new("narrow-window", "a window of 8 bits agreed, and each message breaks it", narrow_window),
    Shape::new("empty-compressed", "compressed messages of one byte", |out| corrupt(out, "permessage-deflate", &[0])),
];

fn pack(compress: &mut Compress, text: &[u8]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(text.len() + 64);
    compress.compress_vec(text, &mut packed, FlushCompress::Sync).expect("compresses");
    packed.truncate(packed.len() - 4);
    packed
}

fn bomb(out: &mut Capture, first: u8, byte: fn(usize) -> u8) -> io::Result<()> {
    let mut c = Connection::upgraded(out, 0, Some("permessage-deflate; server_no_context_takeover"))?;
    let text: Vec<u8> = (0..16 << 20).map(byte).collect();
    let packed = pack(&mut Compress::new(Compression::best(), false), &text);
    let message = frame(SERVER, first, &packed);
    while !out.is_full() {
        c.send(out, SERVER, &message)?;
        c.acknowledge(out, CLIENT)?;
    }
    Ok(())
}

fn bomb_without_end(out: &mut Capture) -> io::Result<()> {
    let mut c = Connection::upgraded(out, 0, Some("permessage-deflate"))?;
    let mut compress = Compress::new(Compression::best(), false);
    let text = vec![b'a'; 16 << 20];
    c.send(out, SERVER, &frame(SERVER, 0x41, &pack(&mut compress, &text)))?;
    let mut again = pack(&mut compress, &text);
    again.splice(0..0, [0, 0, 0xff, 0xff]); // the tail that `pack` took from what stands before
    let more = frame(SERVER, 0, &again);
    while !out.is_full() {
        c.send(out, SERVER, &more)?;
        c.acknowledge(out, CLIENT)?;
    }
    Ok(())
}

fn final_blocks(out: &mut Capture) -> io::Result<()> {
    let mut c = Connection::upgraded(out, 0, Some("permessage-deflate"))?;
    c.send(out, SERVER, &frame(SERVER, 0x41, &[]))?;
    let more = frame(SERVER, 0, &[0x03, 0x00].repeat(5000));
    while !out.is_full() {
        c.send(out, SERVER, &more)?;
        c.acknowledge(out, CLIENT)?;
    }
    Ok(())
}

fn final_messages(out: &mut Capture) -> io::Result<()> {
    let mut c = Connection::upgraded(out, 0, Some("permessage-deflate"))?;
    // "Hello" in a block with BFINAL (RFC 7692 section 7.2.3.5)
    let hello = frame(SERVER, 0xc1, &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00]).repeat(1000);
    while !out.is_full() {
        c.send(out, SERVER, &hello)?;
    }
    Ok(())
}

/// Blocks with dynamic codes that hold a few bytes each: each costs its reader a table.
fn huffman_tables(out: &mut Capture) -> io::Result<()> {
    let mut rng = Rng::new(8);
    let mut blocks = Vec::new();
    while blocks.len() < 60_000 {
        // A text just long and varied enough for the encoder to prefer a code of its own
        let text: Vec<u8> = (0..220).map(|_| b'a' + (rng.below(26) * rng.below(26) / 26) as u8).collect();
        let mut compress = Compress::new(Compression::best(), false);
        let mut packed = Vec::with_capacity(1000);
        compress.compress_vec(&text, &mut packed, FlushCompress::Sync).expect("compresses");
        blocks.extend(packed);
    }
    let mut c = Connection::upgraded(out, 0, Some("permessage-deflate"))?;
    c.send(out, SERVER, &frame(SERVER, 0x41, &[]))?;
    let more = frame(SERVER, 0, &blocks);
    while !out.is_full() {
        c.send(out, SERVER, &more)?;
    }
    Ok(())
}

fn corrupt(out: &mut Capture, extension: &str, payload: &[u8]) -> io::Result<()> {
    let mut c = Connection::upgraded(out, 0, Some(extension))?;
    let bytes = frame(SERVER, 0xc1, payload).repeat(10_000);
    while !out.is_full() {
        c.send(out, SERVER, &bytes)?;
    }
    Ok(())
}

fn noise(length: usize) -> Vec<u8> {
    let mut rng = Rng::new(9);
    (0..length).map(|_| b'0' + rng.below(64) as u8).collect()
}

fn bad_deflate_long(out: &mut Capture) -> io::Result<()> {
    let mut c = Connection::upgraded(out, 0, Some("permessage-deflate; server_no_context_takeover"))?;
    let mut packed = pack(&mut Compress::new(Compression::best(), false), &noise(5000));
    packed.push(0xff);
    let message = frame(SERVER, 0xc1, &packed);
    while !out.is_full() {
        c.send(out, SERVER, &message)?;
    }
    Ok(())
}

fn narrow_window(out: &mut Capture) -> io::Result<()> {
    let mut c =
        Connection::upgraded(out, 0, Some("permessage-deflate; server_no_context_takeover; server_max_window_bits=8"))?;
    let twice = [noise(2000), noise(2000)].concat();
    let packed = pack(&mut Compress::new(Compression::best(), false), &twice);
    let message = frame(SERVER, 0xc1, &packed);
    while !out.is_full() {
        c.send(out, SERVER, &message)?;
    }
    Ok(())
}
