//! How recognition weighs what it sees; whom it recognises by what is in `fixtures/heads`.

use super::*;
use crate::ids::Origin;

fn head(lines: &[&str]) -> Head {
    Head { origin: Origin::default(), text: lines.iter().map(|l| format!("{l}\r\n")).collect::<String>().into() }
}

fn known(found: &Identified) -> &'static str {
    Knowledge::embedded().ids().find(|id| *id == found.implementation.id).unwrap()
}

/// Id, confidence and whether there are alternatives.
fn who(side: Side, request: &Head, response: &Head) -> Option<(&'static str, Confidence, bool)> {
    let found = Knowledge::embedded().identify(&Evidence::new(side, Some(request), Some(response)))?;
    assert!(!found.because.is_empty() && !found.name.is_empty());
    Some((known(&found), found.confidence, !found.alternatives.is_empty()))
}

const PLAIN: &[&str] = &[
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Accept: Cmi5EkFURKF0ZMSP8sK8uomqeF0=",
];

const PYTHON_CLIENT: &[&str] = &[
    "GET /echo HTTP/1.1",
    "Host: 10.20.0.80:8080",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: i6OASdBRgqId08uWbCudCg==",
    "Sec-WebSocket-Version: 13",
    "User-Agent: Python/3.11 websockets/17.4",
];

const CHROMIUM: &[&str] = &[
    "GET /ws/doc HTTP/1.1",
    "Host: 10.20.0.80:8080",
    "Connection: Upgrade",
    "Pragma: no-cache",
    "Cache-Control: no-cache",
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.0.0 Safari/537.36",
    "Upgrade: websocket",
    "Origin: http://10.20.0.80:8080",
    "Sec-WebSocket-Version: 13",
    "Accept-Encoding: gzip, deflate",
    "Accept-Language: en-US,en;q=0.9",
    "Sec-WebSocket-Key: VYk7YnCu4xB61IYdNHnyrA==",
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
];

const HAND_MADE: &[&str] = &[
    "GET /feed HTTP/1.1",
    "Host: 10.20.0.80:8080",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
];

#[test]
fn the_clause_names_what_tells() {
    let (request, response) = (head(CHROMIUM), head(PLAIN));
    let found = Knowledge::embedded().identify(&Evidence::new(Side::Client, Some(&request), Some(&response))).unwrap();
    assert!(found.because.starts_with("its User-Agent header says Mozilla/5.0"), "{}", found.because);
    assert!(!found.because.contains("Origin"), "{}", found.because);
}

#[test]
fn the_layer_that_decides_goes_first() {
    let request = head(&[
        "GET /socket.io/?EIO=4&transport=websocket&sid=mzNna0TaEjXdW-bkAAAA HTTP/1.1",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: H6j246C7Xj6B2xL+cQNSGA==",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
        "Host: 10.20.0.80:8080",
    ]);
    assert_eq!(who(Side::Server, &request, &head(PLAIN)).map(|w| w.0), Some("engine-io"));
    assert_eq!(who(Side::Client, &request, &head(PLAIN)).map(|w| w.0), Some("node-ws"));
}

#[test]
fn nginx_is_a_proxy_and_no_endpoint() {
    let response = head(&[
        "HTTP/1.1 101 Switching Protocols",
        "Server: nginx/1.22.1",
        "Date: Sun, 22 Nov 2026 04:53:26 GMT",
        "Connection: upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Accept: SO8afUvguBOistehruL5kAXI7E4=",
    ]);
    let request = head(PYTHON_CLIENT);
    let evidence = Evidence::new(Side::Server, Some(&request), Some(&response));
    assert!(Knowledge::embedded().identify(&evidence).is_none());
    let found = Knowledge::embedded().proxies(&evidence);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].implementation.id, "nginx");
    assert_eq!(found[0].because, "its Server header says nginx/1.22.1");
}

#[test]
fn a_close_reason_speaks_where_the_head_does_not() {
    let (request, response) = (head(HAND_MADE), head(PLAIN));
    let mut evidence = Evidence::new(Side::Server, Some(&request), Some(&response));
    evidence.closes.push((Some(1002), "RSV1 set, bad MASK"));
    let found = Knowledge::embedded().identify(&evidence).unwrap();
    assert_eq!((found.implementation.id.as_str(), found.confidence), ("gorilla", Confidence::Likely));

    // Joined mid-stream: nothing but the reason.
    let mut evidence = Evidence::new(Side::Server, None, None);
    assert!(Knowledge::embedded().identify(&evidence).is_none());
    evidence.closes.push((Some(1011), "keepalive ping timeout"));
    let found = Knowledge::embedded().identify(&evidence).unwrap();
    assert_eq!((found.implementation.id.as_str(), found.confidence), ("python-websockets", Confidence::Possible));
    assert!(found.alternatives.iter().any(|id| id == "uvicorn-websockets-sansio"));
}

#[test]
fn what_rules_name_exists() {
    for (file, prints) in Knowledge::embedded().fingerprints() {
        for print in prints {
            for id in print.over.iter().chain(&print.shared_with) {
                assert!(Knowledge::embedded().ids().any(|known| known == id), "{file}: {id}");
            }
            assert!(!print.source.is_empty());
        }
        let all = &Knowledge::embedded().implementation(file).unwrap().fingerprints;
        assert_eq!(all.len(), prints.len(), "{}: a fingerprint stands after a limit or close", file);
    }
}

#[test]
fn an_echoed_reason_says_nothing_about_the_echoer() {
    use crate::connection::CloseFrame;
    use crate::ids::{PacketNumber, Timestamp};

    let close = |packet, reason: &str| CloseFrame {
        code: Some(1009),
        reason: reason.to_owned(),
        reason_invalid_at: None,
        reason_bytes: Vec::new(),
        length: 2 + reason.len() as u64,
        origin: Origin { packet: PacketNumber::new(packet), at: Timestamp(0) },
        start: Default::default(),
        acknowledged: Default::default(),
        missing: 0,
        searched: false,
    };
    let reason = "frame with 6000 bytes exceeds limit of 5000 bytes";
    let address = "10.20.0.80:8080".parse().unwrap();
    let mut connection = Connection {
        capture: 0,
        tcp_stream: 0,
        also_in: None,
        client: address,
        server: address,
        first: Origin::default(),
        last: Origin::default(),
        initial_sequence: None,
        tls: None,
        http2: None,
        joined_midstream: true,
        handshake: None,
        request: None,
        from_client: Default::default(),
        from_server: Default::default(),
        tcp_end: None,
        tcp_anomalies: None,
        capture_end: Timestamp(0),
    };
    connection.from_server.closes.push(close(7, reason));
    connection.from_client.closes.push(close(9, reason));
    assert_eq!(Evidence::of(&connection, Side::Server).closes, [(Some(1009), reason)]);
    assert!(Evidence::of(&connection, Side::Client).closes.is_empty());
    let id = |side| Knowledge::embedded().identify(&Evidence::of(&connection, side)).map(|i| known(&i));
    assert_eq!(id(Side::Server), Some("python-websockets"));
    assert_eq!(id(Side::Client), None);
}
