//! Wrong lengths and offsets: a text that ended before the message does, or that begins after a header.

/// Text and something else in one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stale {
    /// How they lie.
    pub kind: StaleKind,
    /// Payload offset where the text begins.
    pub text_from: u64,
    /// Payload offset where the text ends and the rest begins; the message's end for [`StaleKind::Header`], when known.
    pub text_to: Option<u64>,
}

/// How text and something else lie in one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StaleKind {
    /// A complete JSON text, then bytes that are not part of it.
    AfterJson(Leftover),
    /// Readable text, then bytes that are not text.
    AfterText(Leftover),
    /// This many binary bytes, then nothing but text: a header that was sent with the payload, or a wrong start offset.
    Header {
        /// Bytes before the text.
        length: usize,
        /// Whether they are a number equal to the length of what follows.
        announces_length: bool,
    },
}

/// What follows the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leftover {
    /// Zero bytes come first: the rest of a buffer, or padding.
    Zeros,
    /// One byte value repeated, as debug allocators fill memory: CD, CC, DD, FD, AB, A5, 5A, FE, FF.
    Fill(u8),
    /// Bytes that stood in the text already: an older message in the same buffer.
    Repeated,
    /// Readable text that begins inside a character or a word: the end of an older, longer message.
    OlderText,
    /// Anything else: memory that was never written, or another message.
    Binary,
}

/// Looks for text that ended too early or begins too late.
///
/// `start` is the payload's first bytes, contiguous as far as known; `fault` the payload offset of the first ill-formed byte,
/// `total` the length of the message. `None` when the fault lies beyond `start`.
#[must_use]
pub fn stale(start: &[u8], fault: u64, total: Option<u64>) -> Option<Stale> {
    let at = usize::try_from(fault).ok().filter(|at| *at < start.len())?;
    if at < 16
        && let Some(header) = header(start, at, total)
    {
        return Some(header);
    }
    if let Some(end) = json_end(start)
        && end <= at
    {
        // The end of a text that was cut in a character is no leftover.
        let leftover = leftover(&start[end..], &start[..end])?;
        return Some(Stale { kind: StaleKind::AfterJson(leftover), text_from: 0, text_to: Some(end as u64) });
    }
    let end = start[..at].iter().position(|b| super::is_control(*b) || *b == 0x7f).unwrap_or(at);
    if end < 8 || !super::is_text(&start[..end]) {
        return None;
    }
    let rest = &start[end..];
    let leftover = leftover(rest, &start[..end])?;
    let certain = match leftover {
        Leftover::Zeros | Leftover::Fill(_) => true,
        Leftover::Repeated => false,
        Leftover::OlderText => false,
        Leftover::Binary => {
            let controls = rest.iter().filter(|b| super::is_control(**b)).count();
            end >= 12 && rest.len() >= 8 && controls * 12 >= rest.len() && controls >= 2
        }
    };
    certain.then_some(Stale { kind: StaleKind::AfterText(leftover), text_from: 0, text_to: Some(end as u64) })
}

fn leftover(rest: &[u8], text: &[u8]) -> Option<Leftover> {
    let first = *rest.first()?;
    let run = rest.iter().take_while(|b| **b == first).count();
    if first == 0 && (run >= 2 || rest.len() == run) {
        return Some(Leftover::Zeros);
    }
    if run >= 4 && matches!(first, 0xcd | 0xcc | 0xdd | 0xfd | 0xab | 0xa5 | 0x5a | 0xfe | 0xff | 0xba) {
        return Some(Leftover::Fill(first));
    }
    let known = rest.windows(6).take(256).any(|w| text.windows(6).any(|t| t == w));
    if known {
        return Some(Leftover::Repeated);
    }
    let tail = rest.iter().take(3).take_while(|b| *b & 0xc0 == 0x80).count();
    if rest.len() > tail + 1 && super::is_text(super::trim_cut(&rest[tail..])) {
        return Some(Leftover::OlderText);
    }
    Some(Leftover::Binary)
}

/// Where the JSON text at the start ends, when it is complete and something other than white space and further JSON texts
/// follows.
fn json_end(start: &[u8]) -> Option<usize> {
    let mut from = start.iter().position(|b| !b.is_ascii_whitespace())?;
    let mut end = None;
    while matches!(start.get(from), Some(b'{' | b'[')) {
        let Some(length) = json_value(&start[from..]) else {
            // A second text that never ends is what an older message leaves behind.
            break;
        };
        from += length;
        end = Some(from);
        from += start[from..].iter().take_while(|b| b.is_ascii_whitespace()).count();
    }
    end.filter(|e| *e < start.len() && from < start.len())
}

/// Length of the JSON object or array at the start of `bytes`: brackets outside strings balanced.
fn json_value(bytes: &[u8]) -> Option<usize> {
    let mut open = Vec::new();
    let (mut in_string, mut escaped) = (false, false);
    for (i, byte) in bytes.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' => open.push(b'}'),
            b'[' => open.push(b']'),
            b'}' | b']' => {
                if open.pop() != Some(*byte) {
                    return None;
                }
                if open.is_empty() {
                    return Some(i + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// A short binary header in front of text.
fn header(start: &[u8], fault: usize, total: Option<u64>) -> Option<Stale> {
    let whole = super::shape::is_whole(start, total);
    let reads = |length: usize| {
        start.get(length..).is_some_and(|text| {
            let text = if whole { text } else { super::trim_cut(text) };
            text.len() >= 4 && super::is_text(text) && text[0] < 0x80
        })
    };
    let found = |length: usize, announces_length: bool| Stale {
        kind: StaleKind::Header { length, announces_length },
        text_from: length as u64,
        text_to: total,
    };
    let announced = super::shape::length_prefix(start, total).into_iter().find(|n| *n > fault && reads(*n));
    if let Some(length) = announced {
        return Some(found(length, true));
    }
    let length = start.iter().take(17).position(|b| matches!(b, b'{' | b'['))?;
    let json = &start[length..];
    let ends = json_value(json).map(|n| json[n..].iter().all(u8::is_ascii_whitespace));
    let fits = if whole { ends == Some(true) } else { ends.is_none() && json.len() >= 32 };
    let binary = start[..length].iter().filter(|b| super::is_control(**b) || **b >= 0x80).count();
    (length > fault && fits && binary * 2 >= length && reads(length)).then(|| found(length, false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::payload::samples;

    fn look(bytes: &[u8]) -> Option<Stale> {
        let fault = std::str::from_utf8(bytes).unwrap_err().valid_up_to() as u64;
        stale(bytes, fault, Some(bytes.len() as u64))
    }

    #[test]
    fn what_follows_a_json_text() {
        let cases: [(&[u8], Leftover, u64); 6] = [
            (b"{\"a\":\"x}\\\"\"}\0\0\0\0\x90\xe1\x7f", Leftover::Zeros, 12),
            (b"[1,2,3]\xcd\xcd\xcd\xcd\xcd", Leftover::Fill(0xcd), 7),
            (b"{\"user\":\"A\"}\xbcrg\",\"city\":\"Berlin\"}", Leftover::OlderText, 12),
            (b"{\"user\":\"A\"}\xbc{\"user\":\"Bert\"}", Leftover::Repeated, 12),
            (b"{\"user\":\"A\"}\x03\x80\xff\x12\x00\x7f\xfe", Leftover::Binary, 12),
            (b"{\"n\":1}\n{\"n\":2}\xf8\xc3\x10", Leftover::Binary, 15),
        ];
        for (bytes, leftover, end) in cases {
            let found = look(bytes).unwrap_or_else(|| panic!("{}", bytes.escape_ascii()));
            assert_eq!(found.kind, StaleKind::AfterJson(leftover), "{}", bytes.escape_ascii());
            assert_eq!(found.text_to, Some(end));
        }
    }

    #[test]
    fn what_follows_other_text() {
        let found = look(b"temperature 21.5 C\0\0\0\0\0\xf8\x9c").unwrap();
        assert_eq!((found.kind, found.text_to), (StaleKind::AfterText(Leftover::Zeros), Some(18)));
        let found = look(b"temperature 21.5\xfd\xfd\xfd\xfd\xab\xab").unwrap();
        assert_eq!(found.kind, StaleKind::AfterText(Leftover::Fill(0xfd)));
        let found = look(b"temperature 21.5 C\x01\x10\xa3\x55\xfd\x7f\x02\x06\x80").unwrap();
        assert_eq!((found.kind, found.text_to), (StaleKind::AfterText(Leftover::Binary), Some(18)));
    }

    #[test]
    fn headers_before_text() {
        let json = b"{\"event\":\"tick\",\"values\":[1,2,3,4,5,6,7,8],\"text\":\"this is a long enough text to need two bytes, \
            and a little longer, and longer still, until it is beyond what one byte of a varint can say, 130\"}";
        let mut message = (json.len() as u32).to_le_bytes().to_vec();
        message.extend(json);
        assert_eq!(look(&message).unwrap().kind, StaleKind::Header { length: 4, announces_length: true });
        let mut message = (json.len() as u16).to_be_bytes().to_vec();
        message.extend(json);
        assert_eq!(look(&message).unwrap().kind, StaleKind::Header { length: 2, announces_length: true });
        let mut message = vec![(json.len() & 0x7f) as u8 | 0x80, (json.len() >> 7) as u8];
        message.extend(json);
        assert_eq!(look(&message).unwrap().kind, StaleKind::Header { length: 2, announces_length: true });
        let mut message = vec![0xfe, 0xad, 0x01, 0x00, 0x07];
        message.extend(json);
        let found = look(&message).unwrap();
        assert_eq!(found.kind, StaleKind::Header { length: 5, announces_length: false });
        assert_eq!((found.text_from, found.text_to), (5, Some(message.len() as u64)));
    }

    #[test]
    fn texts_and_binary_data_are_left_alone() {
        let all = samples::TEXTS.iter().chain([&samples::MSGPACK, &samples::GZIP, &samples::PNG, &samples::ZLIB]);
        for bytes in all.filter(|b| std::str::from_utf8(b).is_err()) {
            assert_eq!(look(bytes), None, "{}", bytes.escape_ascii());
        }
        let hits = samples::random(10_000, 4..300)
            .filter(|s| {
                std::str::from_utf8(s).is_err_and(|e| stale(s, e.valid_up_to() as u64, Some(s.len() as u64)).is_some())
            })
            .count();
        assert!(hits <= 30, "{hits} of 10000");
    }
}
