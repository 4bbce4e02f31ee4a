//! Text where a capture was expected: what it seems to be, and what is needed instead.

/// What a text seems to be, as the end of a sentence that says it is no capture; `None` for what is no text.
pub(super) fn kind(head: &[u8]) -> Option<&'static str> {
    let text = text_of(head)?;
    let begin = text.trim_start();
    let line = begin.lines().next().unwrap_or("");
    Some(match () {
        () if begin.starts_with(['{', '[']) && text.contains("\"log\"") && text.contains("\"creator\"") => {
            "it is a HAR file, a browser's log of requests, which holds no packets: record with tcpdump -w FILE or Wireshark"
        }
        () if begin.starts_with(['{', '[']) && text.contains("\"_index\"") => {
            "it is the JSON text that tshark prints: give the capture that it was made from, or write one with tshark -w FILE"
        }
        () if begin.starts_with(['{', '[']) => "it is JSON text: record packets with tcpdump -w FILE",
        () if text.contains("<pdml") || text.contains("<psml") => {
            "it is XML text that tshark prints: give the capture that it was made from, or write one with tshark -w FILE"
        }
        () if begin.starts_with("<") => "it is HTML or XML text: was a page saved in place of the capture?",
        () if is_key_log(begin) => "it is a TLS key log, which belongs to a capture and is none",
        () if is_tcpdump(line) => {
            "it is the text that tcpdump prints: record with tcpdump -w FILE, which writes the packets themselves"
        }
        () if is_hex_dump(line) => "it is a hex dump: text2pcap FILE OUT.pcap makes a capture of it",
        () if is_tshark(line) || line.starts_with("Frame 1: ") => {
            "it is the text that tshark prints: record with tshark -w FILE, which writes the packets themselves"
        }
        () => "it is text: record packets with tcpdump -w FILE or Wireshark",
    })
}

/// The first bytes as text, when they are one. The last character may be cut.
fn text_of(head: &[u8]) -> Option<&str> {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => std::str::from_utf8(&head[..error.valid_up_to()]).ok()?,
        Err(_) => return None,
    };
    let odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\x0c' | '\x1b');
    (!text.is_empty() && !text.contains(odd)).then_some(text)
}

fn is_key_log(text: &str) -> bool {
    let labels =
        ["CLIENT_RANDOM ", "CLIENT_HANDSHAKE_TRAFFIC_SECRET ", "SERVER_HANDSHAKE_TRAFFIC_SECRET ", "# SSL/TLS"];
    labels.iter().any(|label| text.starts_with(label))
}

/// `12:34:56.789012 IP ...`, with or without a date.
fn is_tcpdump(line: &str) -> bool {
    line.split(' ').take(2).any(|word| {
        let digits = word.bytes().filter(u8::is_ascii_digit).count();
        word.len() == 15 && digits == 12 && word.as_bytes()[2] == b':' && word.as_bytes()[8] == b'.'
    })
}

/// `    1   0.000000 10.0.0.1 → 10.0.0.2 TCP ...`.
fn is_tshark(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let number = words.next().is_some_and(|w| w.bytes().all(|b| b.is_ascii_digit()));
    let time = words.next().and_then(|w| w.split_once('.')).is_some_and(|(whole, part)| {
        part.len() >= 6 && [whole, part].iter().all(|d| d.bytes().all(|b| b.is_ascii_digit()))
    });
    number && time
}

/// `0000  00 1c 42 ...`.
fn is_hex_dump(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let is_hex = |w: &str| w.bytes().all(|b| b.is_ascii_hexdigit());
    let offset = words.next().map(|w| w.trim_end_matches(':')).is_some_and(|w| (4..=8).contains(&w.len()) && is_hex(w));
    offset && words.take(4).filter(|w| matches!(w.len(), 2 | 4) && is_hex(w)).count() == 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_told_apart() {
        let told = |text: &str| kind(text.as_bytes()).unwrap_or("no text").to_string();
        let cases = [
            ("{\"log\":{\"version\":\"1.2\",\"creator\":{\"name\":\"Chrome\"}}}", "HAR"),
            ("[\n  {\n    \"_index\": \"packets-2026-11-22\",", "tshark"),
            ("{\"ts\": 1}", "JSON text: record"),
            ("<?xml version=\"1.0\"?>\n<pdml version=\"0\">", "tshark"),
            ("<!DOCTYPE html><html>", "page"),
            ("CLIENT_RANDOM 00 11", "key log"),
            ("12:34:56.789012 IP 10.0.0.1.80 > 10.0.0.2.90: Flags [S]", "tcpdump prints"),
            ("2026-11-22 12:34:56.789012 IP6 ::1.80 > ::1.81:", "tcpdump prints"),
            ("    1   0.000000     10.0.0.1 → 10.0.0.2 TCP 74", "tshark prints"),
            ("Frame 1: 74 bytes on wire (592 bits), 74 bytes captured", "tshark prints"),
            ("0000  00 1c 42 00 00 08 00 1c", "hex dump"),
            ("00000000: d4c3 b2a1 0200 0400", "hex dump"),
            ("Nov 22 12:00:00 host sshd[1]: hello", "text: record"),
        ];
        for (text, word) in cases {
            assert!(told(text).contains(word), "{text}: {}", told(text));
        }
        assert_eq!(kind(&"é".as_bytes()[..1]), None);
        assert_eq!(kind(b"\x00\x01\x02"), None);
        assert!(kind(&"aé".as_bytes()[..2]).is_some(), "its last character is cut");
    }
}
