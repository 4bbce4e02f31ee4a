//! How much bytes look like frames, measured in bits.
//!
//! One bit: the bytes are twice as likely in a WebSocket stream as among random bytes. 10 bits say a thousand to one, 40
//! a million million to one, which is enough where every byte of ten gigabytes is tried as a beginning (33 bits).
//! What other protocols of length and payload look like too, the headers and their ends at segment ends, is worth little
//! beyond [`STRUCTURE`]; what only WebSocket shows, text behind a masking key or a Close with its code, counts in full.

use super::close;
use super::frame::{Header, opcode};
use crate::ids::Side;
use crate::limits;

/// What frames of a direction look like.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected {
    /// Whose direction it is: clients mask and servers do not. `None` while that is unknown.
    pub(super) side: Option<Side>,
    /// permessage-deflate was agreed, or may have been.
    pub(super) deflate: bool,
}

/// First payload bytes that are looked at.
pub(super) const LOOK: usize = 127;
/// Bits of headers and alignment that count in full; of more, an eighth.
const STRUCTURE: i32 = 40;
/// Bits that more of them can be worth.
const MORE_STRUCTURE: i32 = 24;

/// What frames that follow one another say.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Course {
    /// The mask bit of the first header, which all the others share.
    masked: Option<bool>,
    structure: i32,
    content: i32,
    frames: u32,
    /// Whether a message is unfinished; `None` while no frame has told.
    in_message: Option<bool>,
    finished_any: bool,
    last: Option<(u8, u64)>,
    key: Option<[u8; 4]>,
    /// The current frame says little: it repeats the one before, or its key is none.
    poor: bool,
    /// The current frame has a fresh key.
    keyed: bool,
    /// It has type and length of the one before.
    repeats: bool,
    /// The last frame is a Close with this code, which is worth so many bits.
    close: Option<(u16, i32)>,
}

impl Course {
    /// Beginning at one place out of many that were tried costs bits.
    pub(super) fn with_penalty(bits: i32) -> Course {
        Course { content: -bits, ..Course::default() }
    }

    /// The evidence so far.
    pub(super) fn bits(&self) -> i32 {
        let structure = if self.finished_any { self.structure } else { self.structure.min(8) };
        structure.min(STRUCTURE) + ((structure - STRUCTURE).max(0) / 8).min(MORE_STRUCTURE) + self.content
    }

    /// The part of the evidence that only WebSocket shows.
    pub(super) fn content(&self) -> i32 {
        self.content
    }

    /// Frames whose headers were read.
    pub(super) fn frames(&self) -> u32 {
        self.frames
    }

    /// The mask bit, once a header was read.
    pub(super) fn masked(&self) -> Option<bool> {
        self.masked
    }

    /// Whether it is a Close of a registered code (`alone`: without a reason, too), or one behind a fresh key: the reason of
    /// any other could be text of any protocol.
    pub(super) fn ends_with_plain_close(&self, alone: bool) -> bool {
        let registered = self.close.is_some_and(|(_, worth)| worth >= 8);
        let bare = self.last.is_some_and(|(_, length)| length == 2);
        self.close.is_some() && (self.keyed || registered && (bare || !alone))
    }

    /// Takes the next header; false when it cannot be one.
    pub(super) fn header(&mut self, header: &Header, expected: Expected) -> bool {
        if !is_possible(header, expected) || self.masked.is_some_and(|m| m != header.mask.is_some()) {
            return false;
        }
        self.masked = Some(header.mask.is_some());
        self.frames += 1;
        let data = matches!(header.opcode, opcode::TEXT | opcode::BINARY);
        let control = opcode::is_control(header.opcode);
        let mut bits = 1 + match (header.opcode, header.fin, header.rsv) {
            (opcode::TEXT, true, 0) => 7,
            (opcode::BINARY, true, 0) => 6,
            (opcode::TEXT | opcode::BINARY, true, _) => 5,
            (opcode::CLOSE | opcode::PING | opcode::PONG, ..) => 3,
            _ => 2,
        };
        bits -= match header.length {
            0 if !header.fin => 6,
            0 if !control => 4,
            _ => 0,
        };
        let first = (u8::from(header.fin) << 7) | (header.rsv << 4) | header.opcode;
        let repeats = self.last == Some((first, header.length));
        // Keys are fresh for each frame (RFC 6455 section 5.3); what resembles the last one is some field.
        let stale = |key: [u8; 4]| {
            let last = self.key.unwrap_or([!key[0], !key[1], !key[2], !key[3]]);
            let same = key.iter().zip(last).filter(|(a, b)| **a == *b).count();
            let pattern = key[0] == key[2] && key[1] == key[3] || key[0] == key[1] && key[2] == key[3];
            same > 1 || same == 1 && repeats || pattern
        };
        let stale = header.mask.map(stale);
        self.poor = repeats || stale == Some(true);
        self.structure += match (repeats, stale) {
            (true, Some(false)) => bits.min(2),
            (true, None) | (_, Some(true)) => 0,
            (false, _) => bits,
        };
        self.keyed = stale == Some(false);
        self.repeats = repeats;
        // Few other protocols write lengths in these forms.
        self.content += match header.length {
            _ if self.poor => 0,
            0..126 => 0,
            126..0x1_0000 => 5,
            _ => 16,
        };
        let out_of_order = match self.in_message {
            Some(true) => data,
            Some(false) => header.opcode == opcode::CONTINUATION,
            None => false,
        };
        // Nothing follows a Close.
        if out_of_order || self.close.is_some() {
            self.content -= 8;
        }
        if !control {
            self.in_message = Some(!header.fin);
            self.finished_any |= header.fin && header.length > 0;
        }
        self.finished_any |= control;
        self.last = Some((first, header.length));
        self.key = header.mask;
        self.close = None;
        true
    }

    /// Takes the payload of the frame whose header came last, as far as it is at hand, at most [`LOOK`] bytes.
    pub(super) fn payload(&mut self, header: &Header, seen: &[u8]) {
        let is_text = header.opcode == opcode::TEXT && header.rsv == 0;
        if !is_text && header.opcode != opcode::CLOSE || seen.is_empty() {
            self.content += if header.opcode == opcode::CLOSE && header.length == 0 { 2 } else { 0 };
            return;
        }
        let mut plain = [0; LOOK];
        let plain = &mut plain[..seen.len().min(LOOK)];
        plain.copy_from_slice(&seen[..plain.len()]);
        if let Some(key) = header.mask {
            super::mask::unmask(plain, key, 0);
        }
        let whole = plain.len() as u64 == header.length;
        if header.opcode == opcode::CLOSE {
            self.content += self.close_bits(plain, whole);
            return;
        }
        let most = if self.keyed { 20 } else { 8 };
        self.content += match text(plain, whole && header.fin) {
            Text::No if plain.len() < 4 => -2,
            Text::No => -7,
            Text::Odd => 0,
            Text::Yes if self.repeats && !self.keyed => 0,
            Text::Yes => (plain.len() as i32 * 7 / 5).min(most),
        };
    }

    fn close_bits(&mut self, body: &[u8], whole: bool) -> i32 {
        let Some(code) = body.first_chunk::<2>().map(|c| u16::from_be_bytes(*c)) else { return 0 };
        let worth = match code {
            1000 | 1001 => 14,
            // Some must not be sent, and are.
            1004..=1006 | 1015 => 8,
            _ if !close::may_be_sent(code) => return -10,
            1002..=1014 => 12,
            _ => 3,
        };
        let reason = &body[2..];
        let reason = match text(reason, whole) {
            _ if reason.is_empty() => 2,
            Text::Yes => (reason.len() as i32 * 7 / 5).min(24),
            Text::Odd => 0,
            // The reason itself may be at fault.
            Text::No => -10,
        };
        self.close = Some((code, worth));
        worth + reason
    }

    /// The frame whose header came last ended; `at_boundary`: where a segment ends too.
    pub(super) fn ended(&mut self, at_boundary: bool) {
        self.structure += match (self.poor, at_boundary) {
            (true, _) => 0,
            (false, true) => 6,
            (false, false) => -1,
        };
    }

    /// No byte follows, and TCP ended there in order.
    pub(super) fn ended_stream(&mut self) {
        if self.close.is_some() {
            self.content += 4;
        }
    }
}

/// What two directions say together that neither says alone: the same code in both Closes.
pub(super) fn same_close(one: &Course, other: &Course) -> i32 {
    match (one.close, other.close) {
        (Some((code, worth)), Some((other, _))) if code == other => 16 - worth,
        _ => 0,
    }
}

/// Whether a header breaks no rule that a stream in use keeps.
pub(super) fn is_possible(header: &Header, expected: Expected) -> bool {
    let control = opcode::is_control(header.opcode);
    let rsv = if expected.deflate && matches!(header.opcode, opcode::TEXT | opcode::BINARY) { 4 } else { 0 };
    !opcode::is_reserved(header.opcode)
        && header.rsv & !rsv == 0
        && expected.side.is_none_or(|side| header.mask.is_some() == (side == Side::Client))
        && !header.non_minimal
        && header.length < 1 << 40
        && (!control || header.fin && header.length <= 125)
        && (header.opcode != opcode::CLOSE || header.length != 1)
}

enum Text {
    /// Well-formed, of printable characters.
    Yes,
    /// Well-formed, with control characters.
    Odd,
    No,
}

fn text(bytes: &[u8], whole: bool) -> Text {
    match std::str::from_utf8(bytes) {
        Err(error) if whole || error.error_len().is_some() => Text::No,
        _ if bytes.iter().any(|b| *b == 0x7f || *b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r' | 0x1b)) => Text::Odd,
        _ => Text::Yes,
    }
}

/// The evidence of a segment on its own, taken as frames from its first byte on.
pub(super) fn of_segment(bytes: &[u8]) -> i32 {
    let expected = Expected { side: None, deflate: true };
    let mut course = Course::default();
    let mut at = 0;
    while at < bytes.len() && course.frames < 16 {
        let Some((header, size)) = Header::parse(&bytes[at..]) else { break };
        if !course.header(&header, expected) {
            return 0;
        }
        let from = at + size;
        let left = bytes.len() - from;
        let length = usize::try_from(header.length).unwrap_or(usize::MAX);
        course.payload(&header, &bytes[from..from + length.min(left).min(LOOK)]);
        if length > left {
            break;
        }
        at = from + length;
        course.ended(at == bytes.len());
    }
    course.bits()
}

/// The Close with the most evidence among the last bytes of a stream: where it begins, and how many bits it and its place are
/// worth. `in_order`: a FIN follows the bytes; `boundary`: whether a segment begins at a place.
pub(super) fn last_close(
    bytes: &[u8],
    expected: Expected,
    in_order: bool,
    boundary: impl Fn(usize) -> bool,
) -> Option<(usize, Course, i32)> {
    let mut best: Option<(usize, Course, i32)> = None;
    for at in bytes.len().saturating_sub(limits::CLOSE_SEARCH)..bytes.len() {
        if bytes[at] != 0x88 {
            continue;
        }
        let Some((header, size)) = Header::parse(&bytes[at..]) else { continue };
        let mut course = Course::default();
        if !course.header(&header, expected) {
            continue;
        }
        let (begin, end) = (at + size, at + size + header.length as usize);
        let Some(body) = bytes.get(begin..end) else { continue };
        course.payload(&header, body);
        // At the end of the stream each length has its place; elsewhere each place is another try.
        let place = match (end == bytes.len(), in_order) {
            (true, true) => 11,
            (true, false) => 7,
            (false, _) if boundary(at) => 0,
            (false, _) => -7,
        };
        let bits = course.bits() + place;
        if best.as_ref().is_none_or(|(_, _, b)| bits > *b) {
            best = Some((at, course, bits));
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_single_segments_are_worth() {
        // "Hello", masked (RFC 6455 section 5.7)
        assert!(of_segment(&[0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]) >= 20);
        // Closes: with a code, and empty
        assert!((20..30).contains(&of_segment(&[0x88, 2, 0x03, 0xf1])));
        assert!(of_segment(&[0x88, 0x80, 1, 2, 3, 4]) < 16);
        // MQTT: SUBSCRIBE; DNS over TCP; TLS; an HTTP/2 frame
        assert!(of_segment(&[0x82, 8, 0, 1, 0, 3, b'a', b'/', b'b', 0]) < 16);
        assert!(of_segment(&[0, 4, 0xab, 0xcd, 1, 0]) < 16);
        assert_eq!(of_segment(&[0x17, 3, 3, 0, 1, 9]), 0);
        assert!(of_segment(&[0, 0, 4, 1, 0, 0, 0, 0, 0]) <= 0);
        // Bytes all alike
        for byte in 0..=255 {
            assert!(of_segment(&[byte; 1460]) < 16, "{byte:#x}");
        }
    }
}
