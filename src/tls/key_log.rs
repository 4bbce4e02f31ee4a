//! TLS key logs: the secrets that programs write down for whoever may read their traffic.
//!
//! The format is NSS's, as browsers, OpenSSL, Node.js, Python, Java agents, Go and rustls write it (SSLKEYLOGFILE,
//! RFC 9850): a label, the client random of the connection and the secret, in hexadecimal, one to a line. Files are
//! appended to by several programs at once and copied while they are written: what is no secret is counted, never an error.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read};

use hashbrown::HashMap;
use zeroize::{Zeroize, Zeroizing};

use crate::limits;

/// What a secret is for (RFC 9850 section 2.1). Each `TRAFFIC_SECRET_N` but the first follows from the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Label {
    /// `CLIENT_RANDOM`: the master secret of a connection up to TLS 1.2.
    Master,
    /// `CLIENT_EARLY_TRAFFIC_SECRET`: what a client sends before the server has answered.
    ClientEarly,
    /// `CLIENT_HANDSHAKE_TRAFFIC_SECRET`.
    ClientHandshake,
    /// `SERVER_HANDSHAKE_TRAFFIC_SECRET`.
    ServerHandshake,
    /// `CLIENT_TRAFFIC_SECRET_N`.
    ClientTraffic(u8),
    /// `SERVER_TRAFFIC_SECRET_N`.
    ServerTraffic(u8),
}

impl Label {
    fn read(word: &[u8]) -> Option<Label> {
        Some(match word {
            b"CLIENT_RANDOM" => Label::Master,
            b"CLIENT_EARLY_TRAFFIC_SECRET" => Label::ClientEarly,
            b"CLIENT_HANDSHAKE_TRAFFIC_SECRET" => Label::ClientHandshake,
            b"SERVER_HANDSHAKE_TRAFFIC_SECRET" => Label::ServerHandshake,
            _ => {
                let (label, number): (fn(u8) -> Label, _) = match word.strip_prefix(b"CLIENT_TRAFFIC_SECRET_") {
                    Some(number) => (Label::ClientTraffic, number),
                    None => (Label::ServerTraffic, word.strip_prefix(b"SERVER_TRAFFIC_SECRET_")?),
                };
                label(std::str::from_utf8(number).ok()?.parse().ok()?)
            }
        })
    }
}

/// What the lines of key logs were.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Lines {
    /// Secrets that were kept.
    pub secrets: u64,
    /// Secrets that were there already.
    pub repeated: u64,
    /// Comments and empty lines.
    pub comments: u64,
    /// Lines of a known form that are of no use here: exporter secrets, other programs' labels.
    pub other: u64,
    /// Lines that are no key log's, or cut.
    pub malformed: u64,
    /// Secrets beyond [`limits::KEY_LOG_SECRETS`].
    pub beyond: u64,
}

/// Where a secret stands among the bytes that are kept.
#[derive(Clone, Copy)]
struct Secret {
    label: Label,
    length: u8,
    /// Chunk and place in it.
    at: (u32, u32),
    /// The next secret of the same connection; its own index in the last one.
    next: u32,
}

/// The bytes of one chunk of secrets. Chunks never grow, so that no copy of a secret is left behind in freed memory.
const CHUNK: usize = 64 * 1024;

/// Secrets by the client random of their connection. Neither `Debug` nor any error shows one.
#[derive(Default)]
pub struct KeyLog {
    by_random: HashMap<[u8; 32], u32>,
    /// Master secrets by session id, and pre-master secrets by the first bytes of their encrypted form (older NSS forms).
    by_session: HashMap<Vec<u8>, Zeroizing<Vec<u8>>>,
    secrets: Vec<Secret>,
    chunks: Vec<Zeroizing<Vec<u8>>>,
    lines: Lines,
}

impl fmt::Debug for KeyLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyLog")
            .field("connections", &self.by_random.len())
            .field("lines", &self.lines)
            .finish_non_exhaustive()
    }
}

impl KeyLog {
    /// Adds the secrets of a key log.
    ///
    /// # Errors
    ///
    /// Those of reading; what was read until then is kept.
    pub fn read(&mut self, mut from: impl BufRead) -> io::Result<()> {
        match Wide::of(from.fill_buf()?) {
            Some(order) => self.read_lines(BufReader::new(Wide { from, order })),
            None => self.read_lines(from),
        }
    }

    fn read_lines(&mut self, mut from: impl BufRead) -> io::Result<()> {
        // One byte more than a line may have shows that it has too many; the rest of it is passed over.
        const KEPT: usize = limits::KEY_LOG_LINE + 1;
        let mut held = Zeroizing::new(Vec::with_capacity(KEPT));
        loop {
            let bytes = match from.fill_buf() {
                Ok(bytes) => bytes,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
            };
            if bytes.is_empty() {
                break;
            }
            let end = bytes.iter().rposition(|b| *b == b'\n');
            let mut lines = bytes[..end.unwrap_or(bytes.len())].split(|b| *b == b'\n');
            if let Some(first) = lines.next() {
                let room = KEPT.saturating_sub(held.len());
                held.extend_from_slice(&first[..first.len().min(room)]);
            }
            if end.is_some() {
                self.line(&held);
                held.zeroize();
                lines.for_each(|line| self.line(line));
            }
            let taken = end.map_or(bytes.len(), |end| end + 1);
            from.consume(taken);
        }
        if !held.is_empty() {
            self.line(&held);
        }
        Ok(())
    }

    /// Adds the secrets of text that is in memory.
    pub fn add(&mut self, text: &[u8]) {
        // Reading from memory does not fail.
        let _ = self.read(text);
    }

    /// What the lines were.
    #[must_use]
    pub fn lines(&self) -> Lines {
        self.lines
    }

    /// Whether there is no secret at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.secrets.is_empty() && self.by_session.is_empty()
    }

    /// Connections that have a secret here.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.by_random.len()
    }

    /// Whether there is any secret for the connection of this client random.
    #[must_use]
    pub fn knows(&self, client_random: &[u8; 32]) -> bool {
        self.by_random.contains_key(client_random)
    }

    /// The secret of the connection that is for this.
    #[must_use]
    pub fn secret(&self, client_random: &[u8; 32], label: Label) -> Option<&[u8]> {
        let mut index = *self.by_random.get(client_random)?;
        loop {
            let secret = self.secrets.get(index as usize)?;
            if secret.label == label {
                return self.bytes(secret);
            }
            if secret.next == index {
                return None;
            }
            index = secret.next;
        }
    }

    /// The master secret of a session that was written down by its session id, or the pre-master secret that was by its
    /// encrypted form.
    #[must_use]
    pub fn by_session(&self, id: &[u8]) -> Option<&[u8]> {
        self.by_session.get(id).map(|s| s.as_slice())
    }

    /// Whether there is any such secret.
    pub(super) fn has_sessions(&self) -> bool {
        !self.by_session.is_empty()
    }

    /// Adds the master secret of a session that was opened otherwise; a session has but one.
    pub(super) fn remember(&mut self, session: &[u8], master: &[u8]) {
        if !session.is_empty() && self.by_session.len() < limits::KEY_LOG_SECRETS {
            self.by_session.insert(session.to_vec(), Zeroizing::new(master.to_vec()));
        }
    }

    /// The client randoms of connections of TLS 1.3, in the order of the log.
    pub(super) fn of_tls13(&self) -> Vec<[u8; 32]> {
        let mut all: Vec<(u32, [u8; 32])> = Vec::new();
        for (random, newest) in &self.by_random {
            let label = self.secrets.get(*newest as usize).map(|secret| secret.label);
            if label.is_some_and(|label| label != Label::Master) {
                all.push((*newest, *random));
            }
        }
        all.sort_unstable();
        all.into_iter().map(|(_, random)| random).collect()
    }

    fn bytes(&self, secret: &Secret) -> Option<&[u8]> {
        let from = secret.at.1 as usize;
        self.chunks.get(secret.at.0 as usize)?.get(from..from + usize::from(secret.length))
    }

    fn line(&mut self, line: &[u8]) {
        if line.len() > limits::KEY_LOG_LINE {
            self.lines.malformed += 1;
            return;
        }
        let line = line.trim_ascii();
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        if line.is_empty() || line.starts_with(b"#") {
            self.lines.comments += 1;
            return;
        }
        let mut words = line.split(|b| *b == b' ' || *b == b'\t').filter(|w| !w.is_empty());
        let (Some(word), Some(id), Some(secret), None) = (words.next(), words.next(), words.next(), words.next())
        else {
            self.lines.malformed += 1;
            return;
        };
        if word == b"RSA" {
            return self.rsa(id, secret);
        }
        let mut random = [0; 32];
        let mut bytes = [0; 64];
        let length = secret.len() / 2;
        let read =
            unhex(id, &mut random).is_some() && bytes.get_mut(..length).is_some_and(|to| unhex(secret, to).is_some());
        match Label::read(word) {
            _ if !read => self.lines.malformed += 1,
            // A cut line: hash lengths are 32 and 48 bytes, a master secret has 48 (RFC 5246 section 8.1).
            Some(_) if !matches!(length, 32 | 48) => self.lines.malformed += 1,
            Some(label) => self.keep(random, label, &bytes[..length]),
            None => self.lines.other += 1,
        }
        bytes.zeroize();
    }

    /// `RSA Session-ID:... Master-Key:...` and `RSA <first 8 bytes of the encrypted pre-master> <pre-master>`.
    fn rsa(&mut self, id: &[u8], secret: &[u8]) {
        let (id, secret) = match (id.strip_prefix(b"Session-ID:"), secret.strip_prefix(b"Master-Key:")) {
            (Some(id), Some(secret)) => (id, secret),
            _ => (id, secret),
        };
        let mut key = vec![0; id.len() / 2];
        let mut bytes = Zeroizing::new(vec![0; secret.len() / 2]);
        if bytes.len() != 48 || key.len() > 32 || unhex(id, &mut key).is_none() || unhex(secret, &mut bytes).is_none() {
            self.lines.malformed += 1;
        } else if self.by_session.contains_key(&key) {
            self.lines.repeated += 1;
        } else if self.by_session.len() >= limits::KEY_LOG_SECRETS {
            self.lines.beyond += 1;
        } else {
            self.lines.secrets += 1;
            self.by_session.insert(key, bytes);
        }
    }

    fn keep(&mut self, random: [u8; 32], label: Label, bytes: &[u8]) {
        if self.secret(&random, label) == Some(bytes) {
            self.lines.repeated += 1;
            return;
        }
        if self.secrets.len() >= limits::KEY_LOG_SECRETS {
            self.lines.beyond += 1;
            return;
        }
        if self.chunks.last().is_none_or(|c| c.len() + bytes.len() > CHUNK) {
            self.chunks.push(Zeroizing::new(Vec::with_capacity(CHUNK)));
        }
        let Some(chunk) = self.chunks.len().checked_sub(1) else { return };
        let place = self.chunks[chunk].len() as u32;
        self.chunks[chunk].extend_from_slice(bytes);
        let index = self.secrets.len() as u32;
        // The newest comes first: a log that repeats a client random was begun anew.
        let next = self.by_random.insert(random, index).unwrap_or(index);
        self.secrets.push(Secret { label, length: bytes.len() as u8, at: (chunk as u32, place), next });
        self.lines.secrets += 1;
    }
}

/// Which byte of a UTF-16 unit is the low one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Little,
    Big,
}

/// The ASCII of UTF-16, as Windows PowerShell writes when output is redirected.
struct Wide<R> {
    from: R,
    order: Order,
}

impl Wide<()> {
    /// Whether text that begins so is UTF-16: by its byte order mark, or by the zeros of ASCII.
    fn of(begin: &[u8]) -> Option<Order> {
        match *begin {
            [0xff, 0xfe, ..] | [b'#' | b'A'..=b'Z', 0, ..] => Some(Order::Little),
            [0xfe, 0xff, ..] | [0, b'#' | b'A'..=b'Z', ..] => Some(Order::Big),
            _ => None,
        }
    }
}

impl<R: BufRead> Read for Wide<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let mut taken = 0;
        while taken < to.len() {
            let mut unit = [0; 2];
            match self.from.read_exact(&mut unit) {
                Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => break,
                read => read?,
            }
            let [low, high] = if self.order == Order::Little { unit } else { [unit[1], unit[0]] };
            match (low, high) {
                (0xff, 0xfe) => continue,
                (low, 0) => to[taken] = low,
                _ => to[taken] = b'?',
            }
            taken += 1;
        }
        Ok(taken)
    }
}

/// Reads hexadecimal digits that fill `to` exactly.
fn unhex(digits: &[u8], to: &mut [u8]) -> Option<()> {
    const NONE: u8 = 0xff;
    const VALUES: [u8; 256] = {
        let mut values = [NONE; 256];
        let mut i = 0;
        while i < 10 {
            values[b'0' as usize + i] = i as u8;
            i += 1;
        }
        i = 0;
        while i < 6 {
            values[b'a' as usize + i] = 10 + i as u8;
            values[b'A' as usize + i] = 10 + i as u8;
            i += 1;
        }
        values
    };
    if digits.len() != 2 * to.len() {
        return None;
    }
    let mut all = 0;
    for (byte, pair) in to.iter_mut().zip(digits.chunks_exact(2)) {
        let (high, low) = (VALUES[usize::from(pair[0])], VALUES[usize::from(pair[1])]);
        all |= high | low;
        *byte = (high << 4) | (low & 0xf);
    }
    (all & 0xf0 == 0).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(text: &str) -> KeyLog {
        let mut log = KeyLog::default();
        // A small buffer, so that lines are split over several.
        log.read(io::BufReader::with_capacity(7, text.as_bytes())).unwrap();
        log
    }

    fn hex(byte: u8, length: usize) -> String {
        format!("{byte:02x}").repeat(length)
    }

    #[test]
    fn secrets_are_found_by_client_random_and_label() {
        let (random, other) = (hex(1, 32), hex(2, 32));
        let text = format!(
            "# SSL/TLS secrets log file\r\n\r\nCLIENT_RANDOM {random} {}\r\nCLIENT_TRAFFIC_SECRET_0 {other} {}\n\
             SERVER_TRAFFIC_SECRET_0 {other} {}\nEXPORTER_SECRET {other} {}\nCLIENT_RANDOM {random} {}",
            hex(3, 48),
            hex(4, 32),
            hex(5, 32),
            hex(6, 32),
            hex(3, 48),
        );
        let log = log(&text);
        assert_eq!(log.secret(&[1; 32], Label::Master), Some(&[3; 48][..]));
        assert_eq!(log.secret(&[1; 32], Label::ClientTraffic(0)), None);
        assert_eq!(log.secret(&[2; 32], Label::ClientTraffic(0)), Some(&[4; 32][..]));
        assert_eq!(log.secret(&[2; 32], Label::ServerTraffic(0)), Some(&[5; 32][..]));
        assert_eq!(log.secret(&[9; 32], Label::Master), None);
        assert_eq!(log.connections(), 2);
        assert_eq!(log.lines(), Lines { secrets: 3, repeated: 1, comments: 2, other: 1, ..Lines::default() });
    }

    #[test]
    fn what_is_no_secret_is_counted() {
        let cut = format!("CLIENT_RANDOM {} {}", hex(1, 32), hex(2, 31));
        let noise = "x".repeat(3 * limits::KEY_LOG_LINE);
        let text = format!("hello\n{noise}\nCLIENT_RANDOM zz {}\n{}\u{0}\n{cut}", hex(1, 48), hex(1, 32));
        let log = log(&text);
        assert!(log.is_empty());
        assert_eq!(log.lines(), Lines { malformed: 5, ..Lines::default() });
    }

    #[test]
    fn logs_of_windows_are_read() {
        let text = format!("# begin\r\nCLIENT_RANDOM {} {}\r\n", hex(1, 32), hex(2, 48));
        let expected = Lines { secrets: 1, comments: 1, ..Lines::default() };
        let marked = format!("\u{feff}{text}");
        let little = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        let big = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
        let forms = [marked.clone().into_bytes(), little(&marked), big(&marked), little(&text), big(&text)];
        for (index, form) in forms.iter().enumerate() {
            let mut log = KeyLog::default();
            log.read(io::BufReader::with_capacity(7, form.as_slice())).unwrap();
            assert_eq!(log.lines(), expected, "form {index}");
            assert_eq!(log.secret(&[1; 32], Label::Master), Some(&[2; 48][..]), "form {index}");
        }
        let mut cut = KeyLog::default();
        cut.add(&little(&marked)[..41]);
        assert_eq!(cut.lines(), Lines { comments: 1, malformed: 1, ..Lines::default() });
    }

    #[test]
    fn older_forms_are_read() {
        let text =
            format!("RSA Session-ID:{} Master-Key:{}\nRSA {} {}\n", hex(7, 32), hex(8, 48), hex(9, 8), hex(10, 48));
        let log = log(&text);
        assert_eq!(log.by_session(&[7; 32]), Some(&[8; 48][..]));
        assert_eq!(log.by_session(&[9; 8]), Some(&[10; 48][..]));
    }

    #[test]
    fn no_secret_shows_in_debug_output() {
        let log = log(&format!("CLIENT_RANDOM {} {}\n", hex(0xab, 32), hex(0xcd, 48)));
        let shown = format!("{log:?} {log:#?}");
        assert!(!shown.contains("cd") && !shown.contains("205"), "{shown}");
    }
}
