use super::*;
use crate::ids::{PacketNumber, Timestamp};

const REQUEST: &[u8] =
    b"GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: chat, superchat\r\n\
Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\nSec-WebSocket-Version: 13\r\n\r\n";
const RESPONSE: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\
Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_max_window_bits=12\r\n\r\n";

fn origin() -> Origin {
    Origin { packet: PacketNumber::new(1), at: Timestamp(0) }
}

/// Feeds both directions in pieces of `size` bytes, the request first.
fn run(request: &[u8], response: &[u8], size: usize) -> (Upgrade, Option<Upgraded>) {
    let mut upgrade = Upgrade::default();
    for (from, bytes) in [(1, request), (0, response)] {
        let mut at = 0;
        while at < bytes.len() {
            let end = at.saturating_add(size).min(bytes.len());
            if let Progress::Upgraded(u) =
                upgrade.data(from, StreamOffset(at as u64), &bytes[at..end], origin(), StreamOffset(0))
            {
                return (upgrade, Some(*u));
            }
            at = end;
        }
    }
    (upgrade, None)
}

#[test]
fn the_example_of_rfc_6455_in_any_segmentation() {
    for size in [1, 7, 64, 10_000] {
        let (_, upgraded) = run(REQUEST, RESPONSE, size);
        let upgraded = upgraded.expect("an upgrade");
        assert_eq!(upgraded.client, 1);
        assert_eq!(upgraded.handshake.accept_valid, Some(true));
        assert!(upgraded.handshake.violations.is_empty(), "{:?}", upgraded.handshake.violations);
        let deflate = upgraded.handshake.deflate.expect("agreed");
        assert!(deflate.server_no_context_takeover);
        assert_eq!(deflate.client_max_window_bits, 12);
        assert_eq!(upgraded.handshake.request.expect("seen").target(), Some("/chat"));
    }
}

#[test]
fn frames_behind_the_101_are_handed_on() {
    let response = [RESPONSE, b"\x81\x02hi"].concat();
    for size in [response.len(), RESPONSE.len() + 1, 50] {
        let (_, upgraded) = run(REQUEST, &response, size);
        let rest = &upgraded.expect("an upgrade").rest[0][0];
        assert_eq!(rest.offset.0, RESPONSE.len() as u64);
        assert!(b"\x81\x02hi".starts_with(&rest.bytes));
    }
}

#[test]
fn frames_of_a_client_seen_before_the_answer_are_held() {
    let request = [REQUEST, b"\x81\x80abcd"].concat();
    let (_, upgraded) = run(&request, RESPONSE, 10_000);
    let rest = &upgraded.expect("an upgrade").rest[1][0];
    assert_eq!((rest.offset.0, rest.bytes.as_slice()), (REQUEST.len() as u64, &b"\x81\x80abcd"[..]));
}

#[test]
fn refusals_keep_their_answer_and_the_connection_goes_on() {
    let mut upgrade = Upgrade::default();
    let refusal = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 5\r\n\r\nlogin";
    upgrade.data(1, StreamOffset(0), REQUEST, origin(), StreamOffset(0));
    upgrade.data(0, StreamOffset(0), refusal, origin(), StreamOffset(0));
    upgrade.data(1, StreamOffset(REQUEST.len() as u64), REQUEST, origin(), StreamOffset(0));
    let progress = upgrade.data(0, StreamOffset(refusal.len() as u64), RESPONSE, origin(), StreamOffset(0));
    assert!(matches!(progress, Progress::Upgraded(_)));
    let (client, failures) = upgrade.into_failures();
    assert_eq!((client, failures.len()), (Some(1), 1));
    assert_eq!(failures[0].response.as_ref().and_then(Head::status), Some(401));
    assert_eq!(failures[0].body, b"login");
}

#[test]
fn wrong_accept_is_seen() {
    let response = String::from_utf8_lossy(RESPONSE).replace("s3pP", "xxxx").into_bytes();
    let (_, upgraded) = run(REQUEST, &response, 10_000);
    let handshake = upgraded.expect("an upgrade").handshake;
    assert_eq!(handshake.accept_valid, Some(false));
    assert_eq!(handshake.violations, [HandshakeViolation::WrongAccept]);
}

#[test]
fn other_protocols_are_left_alone() {
    let mut upgrade = Upgrade::default();
    assert!(matches!(upgrade.data(0, StreamOffset(0), b"SSH-2.0-x\r\n", origin(), StreamOffset(0)), Progress::NotHttp));
    assert!(!Upgrade::may_be_http(b"\x16\x03\x01"));
    assert!(Upgrade::may_be_http(b"G"));
}

#[test]
fn broken_heads_end_the_same_way_in_any_segmentation() {
    let text = |head: &[u8]| String::from_utf8_lossy(head).into_owned();
    let requests = [
        // A field that not even a lenient reader takes, before, in and behind the fields that count.
        text(REQUEST).replace("Upgrade: websocket", "Upgrade:\u{1} websocket"),
        text(REQUEST).replace("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 13\r\u{4}"),
        text(REQUEST).replace("Host: server", "Host: \0server"),
        // No head at all behind its first bytes.
        "GET \u{1}\u{2}\u{3}\u{4}".repeat(40),
        // Longer than any head, in one line or in many.
        format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(limits::HTTP_HEAD)),
        format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(limits::HTTP_FIELDS + 1)),
        text(REQUEST).replace("\r\n", "\n"),
    ];
    for request in requests {
        let outcome = |size: usize| {
            let (upgrade, upgraded) = run(request.as_bytes(), RESPONSE, size);
            let asked = upgraded.as_ref().map(|u| u.handshake.request.as_ref().map(|r| r.text.to_string()));
            (asked, upgraded.map(|u| u.handshake.violations), upgrade.has_asked())
        };
        let whole = outcome(usize::MAX);
        for size in [1, 2, 3, 40, 1000] {
            assert_eq!(outcome(size), whole, "{size} of {:?}", &request[..40]);
        }
    }
}
