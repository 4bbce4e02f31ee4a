//! Finding frames again where bytes are missing, by their structure.
//!
//! A plausible header (opcode, reserved bits by negotiation, mask bit by direction, minimal length) that leads to further
//! plausible headers. The bytes behind a lost segment mostly begin with a header, so that place is trusted with less proof.

use super::close;
use super::frame::{Header, opcode};
use crate::ids::{Origin, Side, StreamOffset};

/// What frames of this direction look like.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected {
    pub(super) side: Side,
    /// permessage-deflate was agreed, or may have been.
    pub(super) deflate: bool,
}

/// Bytes kept while no frame boundary is known.
const KEPT: usize = 128 * 1024;
/// Plausible headers in a row that prove a boundary.
const PROOF: usize = 3;

/// Bytes in which a frame boundary is searched for.
#[derive(Debug, Default)]
pub(super) struct Search {
    bytes: Vec<u8>,
    /// Where each piece begins in `bytes`, and where it came from.
    pieces: Vec<(usize, StreamOffset, Origin)>,
}

/// A boundary, and the bytes from it on with their origins.
pub(super) struct Found {
    pub(super) skipped: u64,
    pub(super) rest: Vec<(StreamOffset, Vec<u8>, Origin)>,
}

impl Search {
    /// Adds bytes; returns how many were given up because too many wait.
    pub(super) fn push(&mut self, offset: StreamOffset, bytes: &[u8], origin: Origin) -> u64 {
        let mut dropped = 0;
        if self.bytes.len() + bytes.len() > KEPT {
            dropped = self.bytes.len() as u64;
            self.bytes.clear();
            self.pieces.clear();
        }
        self.pieces.push((self.bytes.len(), offset, origin));
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(KEPT)]);
        dropped
    }

    /// Bytes waiting.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Forgets the bytes: more were lost behind them.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.pieces.clear();
    }

    /// The first boundary that is proven. `over`: no more bytes will come.
    pub(super) fn find(&mut self, expected: Expected, over: bool) -> Option<Found> {
        let starts: Vec<usize> = self.pieces.iter().map(|p| p.0).collect();
        // Boundaries of segments first, then anywhere.
        let at = starts
            .iter()
            .copied()
            .find(|&at| {
                self.chain(at, expected).is_some_and(|c| c.reached_end || c.headers >= 2 || over && c.headers >= 1)
            })
            .or_else(|| (0..self.bytes.len()).find(|&at| self.chain(at, expected).is_some_and(|c| c.proves())))?;
        Some(self.cut(at))
    }

    /// Where a Close frame stands that ends the data, when nothing else could be found.
    pub(super) fn find_close(&mut self, expected: Expected) -> Option<Found> {
        let at = (0..self.bytes.len()).rev().find(|&at| {
            let Some((header, size)) = Header::parse(&self.bytes[at..]) else { return false };
            header.opcode == opcode::CLOSE
                && plausible(&header, expected)
                && self.bytes.len() - at == size + header.length as usize
                && (header.length == 0 || self.plausible_close(at + size, &header))
        })?;
        Some(self.cut(at))
    }

    fn cut(&mut self, at: usize) -> Found {
        let bytes = std::mem::take(&mut self.bytes);
        let pieces = std::mem::take(&mut self.pieces);
        let mut rest = Vec::new();
        for (i, &(begin, offset, origin)) in pieces.iter().enumerate() {
            let end = pieces.get(i + 1).map_or(bytes.len(), |p| p.0);
            if end > at {
                let from = begin.max(at);
                rest.push((StreamOffset(offset.0 + (from - begin) as u64), bytes[from..end].to_vec(), origin));
            }
        }
        Found { skipped: at as u64, rest }
    }

    /// Follows plausible frames from `at`; `None` when one of them is not plausible.
    fn chain(&self, at: usize, expected: Expected) -> Option<Chain> {
        let mut chain = Chain::default();
        let mut here = at;
        while here < self.bytes.len() {
            let Some((header, size)) = Header::parse(&self.bytes[here..]) else { return Some(chain) };
            if !plausible(&header, expected) {
                return None;
            }
            let next = usize::try_from(header.length).ok().and_then(|l| (here + size).checked_add(l))?;
            let whole = next <= self.bytes.len();
            if whole && !self.plausible_payload(here + size, next, &header) {
                return None;
            }
            chain.headers += usize::from(whole);
            here = next;
            if chain.headers >= PROOF {
                return Some(chain);
            }
        }
        chain.reached_end = here == self.bytes.len() && chain.headers > 0;
        Some(chain)
    }

    fn plausible_payload(&self, from: usize, to: usize, header: &Header) -> bool {
        match header.opcode {
            opcode::CLOSE => header.length == 0 || self.plausible_close(from, header),
            opcode::TEXT if header.fin && header.rsv == 0 => {
                let mut payload = self.bytes[from..to].to_vec();
                if let Some(key) = header.mask {
                    super::mask::unmask(&mut payload, key, 0);
                }
                simdutf8::basic::from_utf8(&payload).is_ok()
            }
            _ => true,
        }
    }

    fn plausible_close(&self, from: usize, header: &Header) -> bool {
        let to = (from + header.length as usize).min(self.bytes.len());
        let mut payload = self.bytes[from.min(to)..to].to_vec();
        if let Some(key) = header.mask {
            super::mask::unmask(&mut payload, key, 0);
        }
        payload.first_chunk::<2>().is_some_and(|c| close::may_be_sent(u16::from_be_bytes(*c)))
            && std::str::from_utf8(&payload[2..]).is_ok_and(|r| !r.chars().any(char::is_control))
    }
}

#[derive(Debug, Default)]
struct Chain {
    /// Whole frames.
    headers: usize,
    /// The last one ends with the bytes.
    reached_end: bool,
}

impl Chain {
    fn proves(&self) -> bool {
        self.headers >= PROOF || self.reached_end && self.headers >= 2
    }
}

fn plausible(header: &Header, expected: Expected) -> bool {
    let control = opcode::is_control(header.opcode);
    let rsv = if expected.deflate && !control { 4 } else { 0 };
    !opcode::is_reserved(header.opcode)
        && header.rsv & !rsv == 0
        && header.mask.is_some() == (expected.side == Side::Client)
        && !header.non_minimal
        && header.length < 1 << 40
        && (!control || header.fin && header.length <= 125)
        && (header.opcode != opcode::CLOSE || header.length != 1)
}
