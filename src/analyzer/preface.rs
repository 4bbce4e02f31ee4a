//! What may stand before the protocol of a connection: the words with a proxy (HTTP CONNECT, SOCKS 4 and 5), and the addresses
//! that a load balancer puts in front (PROXY protocol, versions 1 and 2). The bytes are held until that is over, and so are
//! first bytes that are too few to tell.

use crate::ids::{Origin, StreamOffset};
use crate::limits;

/// Bytes of a packet that wait.
pub(super) struct Held {
    pub(super) from: usize,
    pub(super) offset: StreamOffset,
    pub(super) bytes: Vec<u8>,
    pub(super) origin: Origin,
    pub(super) acknowledged: StreamOffset,
}

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// Still before it.
    More,
    /// What is left begins the protocol itself.
    Begins,
}

/// What is expected next, of the end that asked and of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Start,
    /// The answer to a CONNECT.
    Connect,
    /// The body of an answer that refused one.
    Refusal(usize),
    /// The choice of a method (RFC 1928 section 3).
    SocksMethod,
    /// User name and password (RFC 1929), and the answer.
    SocksPassword,
    SocksVerdict,
    /// The request, and the answer to it.
    SocksRequest,
    SocksReply,
    /// The answer of a SOCKS 4 proxy.
    Socks4Reply,
    /// Nothing of that, whatever it looked like.
    Neither,
}

/// The beginning of a connection.
pub(super) struct Preface {
    step: Step,
    /// The direction of the end that speaks first.
    client: usize,
    held: Vec<Held>,
    /// Bytes of each direction that wait or belong to the preface, and those that seem to belong to it.
    streams: [Vec<u8>; 2],
    done: [usize; 2],
    /// Those that are known to.
    over: [usize; 2],
}

/// One step: how many bytes it takes, of whom, and what follows; `None` while bytes are missing.
type Next = Option<(bool, usize, Step)>;

const PROXY_2: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// The longest header of version 1, with its line end (section 2.1 of the specification).
const PROXY_1_LONGEST: usize = 107;

impl Preface {
    /// Whether these first bytes of the end that speaks first have to wait; `begun`: its SYN was seen.
    pub(super) fn may_begin(bytes: &[u8], begun: bool) -> bool {
        start(bytes, begun) != NEITHER
    }

    pub(super) fn new(client: usize) -> Preface {
        Preface { step: Step::Start, client, held: Vec::new(), streams: Default::default(), done: [0; 2], over: [0; 2] }
    }

    /// Takes bytes in order.
    pub(super) fn data(&mut self, held: Held) -> Progress {
        self.streams[held.from].extend_from_slice(&held.bytes);
        self.held.push(held);
        if self.streams.iter().any(|s| s.len() > limits::PREFACE) {
            return Progress::Begins;
        }
        while let Some((of_client, bytes, next)) = self.next() {
            let from = if of_client { self.client } else { 1 - self.client };
            self.done[from] += bytes;
            self.step = next;
            match next {
                // One may stand behind another; and the protocol itself may not show in its first byte.
                Step::Start => self.over = self.done,
                Step::Neither => {
                    self.done = self.over;
                    return Progress::Begins;
                }
                _ => {}
            }
        }
        Progress::More
    }

    /// What waits, in the order of the packets, without what belongs to the preface.
    pub(super) fn release(self) -> Vec<Held> {
        let mut skip = self.done;
        let mut held = self.held;
        for piece in &mut held {
            let taken = skip[piece.from].min(piece.bytes.len());
            skip[piece.from] -= taken;
            piece.bytes.drain(..taken);
            piece.offset = StreamOffset(piece.offset.0 + taken as u64);
        }
        held.retain(|piece| !piece.bytes.is_empty());
        held
    }

    fn next(&self) -> Next {
        let rest = |from: usize| self.streams[from].get(self.done[from]..).unwrap_or_default();
        let (client, server) = (rest(self.client), rest(1 - self.client));
        match self.step {
            Step::Start if client.is_empty() => None,
            Step::Start => start(client, true),
            Step::Connect => connected(server),
            Step::Refusal(bytes) if server.len() >= bytes => Some((false, bytes, Step::Start)),
            Step::Refusal(_) => None,
            Step::SocksMethod => match *server.first_chunk::<2>()? {
                [5, 0] => Some((false, 2, Step::SocksRequest)),
                [5, 2] => Some((false, 2, Step::SocksPassword)),
                _ => NEITHER,
            },
            Step::SocksPassword => {
                let user = 2 + usize::from(*client.get(1)?);
                Some((true, user + 1 + usize::from(*client.get(user)?), Step::SocksVerdict))
                    .filter(|(_, bytes, _)| client.len() >= *bytes)
            }
            Step::SocksVerdict => match *server.first_chunk::<2>()? {
                [1, 0] => Some((false, 2, Step::SocksRequest)),
                _ => NEITHER,
            },
            Step::SocksRequest if matches!(client.first_chunk::<3>()?, [5, 1, _]) => {
                Some((true, socks_address(client)?, Step::SocksReply))
            }
            Step::SocksReply if matches!(server.first_chunk::<2>()?, [5, 0]) => {
                Some((false, socks_address(server)?, Step::Start))
            }
            Step::Socks4Reply if matches!(server.first_chunk::<2>()?, [0, 90]) => {
                (server.len() >= 8).then_some((false, 8, Step::Start))
            }
            Step::SocksRequest | Step::SocksReply | Step::Socks4Reply | Step::Neither => NEITHER,
        }
    }
}

const NEITHER: Next = Some((true, 0, Step::Neither));

/// What the first bytes of a connection are.
fn start(bytes: &[u8], begun: bool) -> Next {
    let begins = |with: &[u8]| bytes.starts_with(&with[..with.len().min(bytes.len())]);
    if begins(PROXY_2) {
        let &[_, _, _, _, _, _, _, _, _, _, _, _, version, _, high, low] = bytes.first_chunk::<16>()?;
        if version >> 4 != 2 {
            return NEITHER;
        }
        let length = 16 + usize::from(u16::from_be_bytes([high, low]));
        return (bytes.len() >= length).then_some((true, length, Step::Start));
    }
    if begins(b"PROXY ") {
        return match bytes.windows(2).take(PROXY_1_LONGEST).position(|two| two == b"\r\n") {
            Some(end) => Some((true, end + 2, Step::Start)),
            None if bytes.len() < PROXY_1_LONGEST => None,
            None => NEITHER,
        };
    }
    if begins(b"CONNECT ") {
        return match head(bytes) {
            Some(end) => Some((true, end, Step::Connect)),
            None => None,
        };
    }
    match *bytes {
        // SOCKS has no mark of its own but its form and the answer: it is looked for where the connection begins alone.
        [5] | [4, 1] | [4] if begun => None,
        [5, methods, ..] if begun && methods > 0 => match bytes.len().cmp(&(2 + usize::from(methods))) {
            std::cmp::Ordering::Less => None,
            std::cmp::Ordering::Equal => Some((true, bytes.len(), Step::SocksMethod)),
            std::cmp::Ordering::Greater => NEITHER,
        },
        [4, 1, ..] if begun => {
            let user = bytes.get(8..)?;
            let mut end = 8 + user.iter().position(|b| *b == 0)? + 1;
            // Version 4a: the name of the server follows.
            if bytes[4..7] == [0; 3] && bytes[7] != 0 {
                end += bytes[end..].iter().position(|b| *b == 0)? + 1;
            }
            Some((true, end, Step::Socks4Reply))
        }
        // Records of TLS have headers of five bytes.
        [0x14..=0x17] | [0x14..=0x17, 3] | [0x14..=0x17, 3, _] | [0x14..=0x17, 3, _, _] => None,
        _ => NEITHER,
    }
}

/// What a proxy answered to a CONNECT.
fn connected(server: &[u8]) -> Next {
    if !server.starts_with(&b"HTTP/1."[..server.len().min(7)]) {
        return NEITHER;
    }
    let end = head(server)?;
    let text = String::from_utf8_lossy(&server[..end]);
    let status = text.split(' ').nth(1).unwrap_or_default();
    if status.starts_with('2') {
        return Some((false, end, Step::Start));
    }
    // Asked for a password, a client asks again.
    let length = text.lines().filter_map(|line| line.split_once(':'));
    let mut length = length.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    match length.next().and_then(|(_, value)| value.trim().parse().ok()) {
        Some(bytes) if status == "407" && bytes <= limits::HTTP_HEAD => Some((false, end, Step::Refusal(bytes))),
        _ => NEITHER,
    }
}

/// Bytes of an HTTP head, the empty line included.
fn head(bytes: &[u8]) -> Option<usize> {
    Some(bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4)
}

/// Bytes of a SOCKS 5 request or reply, if all are there (RFC 1928 sections 4 and 6).
fn socks_address(bytes: &[u8]) -> Option<usize> {
    let address = match *bytes.get(3)? {
        1 => 4,
        3 => 1 + usize::from(*bytes.get(4)?),
        _ => 16,
    };
    let length = 4 + address + 2;
    (bytes.len() >= length).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left of both directions of a conversation, in pieces of so many bytes; `None` while it is not decided.
    fn left(said: &[(usize, &[u8])], piece: usize) -> Option<[Vec<u8>; 2]> {
        let mut preface = Preface::new(0);
        let mut offsets = [0; 2];
        let mut left = [Vec::new(), Vec::new()];
        let mut over = false;
        let all = said.iter().flat_map(|(from, bytes)| bytes.chunks(piece).map(move |bytes| (*from, bytes)));
        for (from, bytes) in all {
            let (origin, acknowledged) = (Origin::default(), StreamOffset(0));
            let held = Held { from, offset: StreamOffset(offsets[from]), bytes: bytes.to_vec(), origin, acknowledged };
            offsets[from] += bytes.len() as u64;
            if over {
                left[from].extend(bytes);
            } else if preface.data(held) == Progress::Begins {
                over = true;
                for held in std::mem::replace(&mut preface, Preface::new(0)).release() {
                    left[held.from].extend(held.bytes);
                }
            }
        }
        over.then_some(left)
    }

    #[test]
    fn what_proxies_say_is_passed_over() {
        let connect = b"CONNECT ws.example:443 HTTP/1.1\r\nHost: ws.example:443\r\n\r\n".as_slice();
        let refused = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 3\r\n\r\nno!".as_slice();
        let granted = b"HTTP/1.1 200 Connection established\r\n\r\n".as_slice();
        let proxy_2 = [&PROXY_2[..], &[0x21, 0x11, 0, 12], &[7; 12]].concat();
        let conversations: &[&[(usize, &[u8])]] = &[
            &[(0, connect), (1, granted)],
            &[(0, connect), (1, refused), (0, connect), (1, granted)],
            &[(0, &[5, 1, 0]), (1, &[5, 0]), (0, &[5, 1, 0, 3, 1, b'a', 1, 187]), (1, &[5, 0, 0, 1, 1, 2, 3, 4, 5, 6])],
            &[
                (0, &[5, 2, 0, 2]),
                (1, &[5, 2]),
                (0, &[1, 1, b'u', 2, b'p', b'w']),
                (1, &[1, 0]),
                (0, &[5, 1, 0, 1, 1, 2, 3, 4, 1, 187]),
                (1, &[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
            ],
            &[(0, &[4, 1, 1, 187, 1, 2, 3, 4, b'u', 0]), (1, &[0, 90, 0, 0, 0, 0, 0, 0])],
            &[(0, &[4, 1, 1, 187, 0, 0, 0, 9, 0, b'w', b's', 0]), (1, &[0, 90, 0, 0, 0, 0, 0, 0])],
            &[(0, b"PROXY TCP4 192.0.2.1 192.0.2.2 5000 443\r\n")],
            &[(0, &proxy_2)],
            &[(0, &proxy_2), (0, connect), (1, granted)],
        ];
        for (nth, said) in conversations.iter().enumerate() {
            for piece in [1, 2, 5, 1000] {
                let inside: &[(usize, &[u8])] = &[(0, b"GET / HTTP/1.1\r\n"), (1, b"HTTP/1.1 101 ")];
                let left = left(&[said, inside].concat(), piece);
                assert_eq!(
                    left,
                    Some(inside.iter().map(|i| i.1.to_vec()).collect::<Vec<_>>().try_into().unwrap()),
                    "{nth}, {piece}"
                );
            }
        }
    }

    #[test]
    fn other_protocols_do_not_wait() {
        for bytes in [
            b"GET / HTTP/1.1\r\n".as_slice(),
            b"\x16\x03\x01\x02\x00\x01",
            b"\x81\x85",
            b"SSH-2.0-",
            b"\x05\x00",
            b"\r\nx",
        ] {
            assert!(!Preface::may_begin(bytes, true), "{bytes:?}");
        }
        assert!(!Preface::may_begin(&[5, 1, 0], false));
    }

    #[test]
    fn of_what_only_looked_like_it_nothing_is_lost() {
        let connect = b"CONNECT ws.example:443 HTTP/1.1\r\n\r\n".as_slice();
        let refused = b"HTTP/1.1 403 Forbidden\r\n\r\n".as_slice();
        assert_eq!(left(&[(0, connect), (1, refused)], 9), Some([connect.to_vec(), refused.to_vec()]));
        assert_eq!(left(&[(0, &[5, 1, 0]), (1, &[7, 7, 7])], 9), Some([vec![5, 1, 0], vec![7, 7, 7]]));
        let behind = [(0, b"PROXY UNKNOWN\r\n".as_slice()), (0, connect), (1, refused)];
        assert_eq!(left(&behind, 99), Some([connect.to_vec(), refused.to_vec()]));
    }
}
