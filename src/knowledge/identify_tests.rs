//! Heads as captured from real implementations, with what they have to be recognised as.

use super::*;
use crate::ids::Origin;

fn head(lines: &[&str]) -> Head {
    Head { origin: Origin::default(), text: lines.iter().map(|l| format!("{l}\r\n")).collect::<String>().into() }
}

/// Id, confidence and whether there are alternatives.
fn who(side: Side, request: &Head, response: &Head) -> Option<(&'static str, Confidence, bool)> {
    let found = identify(&Evidence::new(side, Some(request), Some(response)))?;
    assert!(!found.because.is_empty() && !found.name.is_empty());
    Some((found.implementation.id.as_str(), found.confidence, !found.alternatives.is_empty()))
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

const WS_CLIENT: &[&str] = &[
    "GET /sync HTTP/1.1",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: z8furf2uo+BZ0JnsuiX4mQ==",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Host: 10.20.0.80:8080",
];

const GO_CLIENT: &[&str] = &[
    "GET /data HTTP/1.1",
    "Host: 10.20.0.80:8080",
    "User-Agent: Go-http-client/1.1",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: qOHVzYiTZqOlI6ViA6N0AA==",
    "Sec-WebSocket-Version: 13",
    "Upgrade: websocket",
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

const WEBSOCKET_CLIENT: &[&str] = &[
    "GET /chat HTTP/1.1",
    "Upgrade: websocket",
    "Host: 10.20.0.80:8080",
    "Origin: http://10.20.0.80:8080",
    "Sec-WebSocket-Key: /LgcQaZMspAke8G+Et2S8Q==",
    "Sec-WebSocket-Version: 13",
    "Connection: Upgrade",
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
fn clients_are_recognised() {
    let response = head(PLAIN);
    for (request, id) in [
        (PYTHON_CLIENT, "python-websockets"),
        (WS_CLIENT, "node-ws"),
        (GO_CLIENT, "gorilla"),
        (CHROMIUM, "chromium"),
        (WEBSOCKET_CLIENT, "websocket-client"),
    ] {
        assert_eq!(who(Side::Client, &head(request), &response), Some((id, Confidence::Likely, false)), "{id}");
    }
    assert_eq!(who(Side::Client, &head(HAND_MADE), &response), None, "a minimal request is nobody's");
}

#[test]
fn the_clause_names_what_tells() {
    let (request, response) = (head(CHROMIUM), head(PLAIN));
    let found = identify(&Evidence::new(Side::Client, Some(&request), Some(&response))).unwrap();
    assert!(found.because.starts_with("its User-Agent header says Mozilla/5.0"), "{}", found.because);
    assert!(!found.because.contains("Origin"), "{}", found.because);
}

#[test]
fn a_proxy_that_lower_cases_names_hides_nobody() {
    let request = head(&[
        "GET /ws HTTP/1.1",
        "sec-websocket-version: 13",
        "sec-websocket-key: uCbH33CUgA2CgC0FQMLUig==",
        "connection: Upgrade",
        "upgrade: websocket",
        "host: 10.20.0.40",
    ]);
    let response = head(&[
        "HTTP/1.1 101 Switching Protocols",
        "date: Sun, 22 Nov 2026 04:53:33 GMT",
        "upgrade: websocket",
        "connection: Upgrade",
        "sec-websocket-accept: byiFpPeffOWHcdxRzA7l8Nv9RoA=",
        "server: Python/3.11 websockets/17.4",
    ]);
    assert_eq!(who(Side::Client, &request, &response), Some(("node-ws", Confidence::Likely, false)));
    assert_eq!(who(Side::Server, &request, &response), Some(("python-websockets", Confidence::Likely, false)));
}

#[test]
fn servers_are_recognised() {
    let request = head(PYTHON_CLIENT);
    let upgrade = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: a"];
    let [up, conn, accept] = upgrade;
    let ok = "HTTP/1.1 101 Switching Protocols";
    let (likely, possible) = (Confidence::Likely, Confidence::Possible);
    let date = "Date: Sun, 22 Nov 2026 04:50:03 GMT";
    for (response, expected) in [
        (
            &[ok, date, up, conn, accept, "Server: Python/3.11 websockets/17.4"][..],
            ("python-websockets", likely, false),
        ),
        (
            &[ok, up, conn, accept, date, "Server: Python/3.9 websockets/10.4"],
            ("python-websockets-legacy", likely, false),
        ),
        (
            &[ok, up, "Connection: upgrade", accept, date, "Server: Python/3.11 aiohttp/3.14.5"],
            ("aiohttp", likely, false),
        ),
        (&["HTTP/1.1 101 ", up, "Connection: upgrade", accept, date], ("tomcat", likely, false)),
        (&[ok, conn, accept, "Server: WebSocket++/0.8.2", up], ("websocketpp", likely, false)),
        (&[ok, up, conn, accept, "date: x", "server: uvicorn"], ("uvicorn-websockets-sansio", likely, true)),
        (&[ok, up, conn, accept, date], ("bun", possible, true)),
        (
            &[ok, "connection: upgrade", "upgrade: websocket", "sec-websocket-accept: a", "date: x"],
            ("axum", possible, true),
        ),
        (PLAIN, ("node-ws", possible, true)),
    ] {
        assert_eq!(who(Side::Server, &request, &head(response)), Some(expected), "{response:?}");
    }
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
    assert!(identify(&evidence).is_none());
    let found = proxies(&evidence);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].implementation.id, "nginx");
    assert_eq!(found[0].because, "its Server header says nginx/1.22.1");
}

#[test]
fn a_close_reason_speaks_where_the_head_does_not() {
    let (request, response) = (head(HAND_MADE), head(PLAIN));
    let mut evidence = Evidence::new(Side::Server, Some(&request), Some(&response));
    evidence.closes.push((Some(1002), "RSV1 set, bad MASK"));
    let found = identify(&evidence).unwrap();
    assert_eq!((found.implementation.id.as_str(), found.confidence), ("gorilla", Confidence::Likely));

    // Joined mid-stream: nothing but the reason.
    let mut evidence = Evidence::new(Side::Server, None, None);
    assert!(identify(&evidence).is_none());
    evidence.closes.push((Some(1011), "keepalive ping timeout"));
    let found = identify(&evidence).unwrap();
    assert_eq!((found.implementation.id.as_str(), found.confidence), ("python-websockets", Confidence::Possible));
    assert!(found.alternatives.contains(&"uvicorn-websockets-sansio"));
}

#[test]
fn uvicorn_shows_its_backend_in_extensions_and_reasons() {
    let request = head(CHROMIUM);
    let answer = |extensions: &str| {
        let line = format!("Sec-WebSocket-Extensions: {extensions}");
        let lines = [
            "HTTP/1.1 101 X",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Accept: a",
            &line,
            "server: uvicorn",
        ];
        who(Side::Server, &request, &head(&lines)).map(|w| w.0)
    };
    let bits = "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12";
    assert_eq!(answer(bits), Some("uvicorn-websockets-sansio"));
    assert_eq!(answer("permessage-deflate"), Some("uvicorn-websockets-legacy"));
    assert_eq!(answer("permessage-deflate; client_max_window_bits=15"), Some("uvicorn-wsproto"));
}

#[test]
fn what_rules_name_exists() {
    for (file, prints) in fingerprints() {
        for print in prints {
            for id in print.over.iter().chain(&print.shared_with) {
                assert!(FILES.iter().any(|(known, _)| known == id), "{}: {id}", FILES[*file].0);
            }
            assert!(!print.source.is_empty());
        }
        let all = &at(*file).unwrap().fingerprints;
        assert_eq!(all.len(), prints.len(), "{}: a fingerprint stands after a limit or close", FILES[*file].0);
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
    let id = |side| identify(&Evidence::of(&connection, side)).map(|i| i.implementation.id.as_str());
    assert_eq!(id(Side::Server), Some("python-websockets"));
    assert_eq!(id(Side::Client), None);
}
