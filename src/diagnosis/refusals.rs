//! What an answer means that did not open a WebSocket: likely reasons and who can change them.

use super::files::FilesOf;
use crate::connection::{FailedHandshake, HandshakeViolation, Head, StreamReset, TcpEndKind};
use crate::ids::Side;
use crate::report::model::{Evidence, Fix, Party};

use super::{drops, timers, words};

/// The reading of a refused upgrade.
#[derive(Debug)]
pub(super) struct Reading {
    /// For the title: `credentials were refused`.
    pub(super) what: String,
    /// The likely reason, in sentences; empty when nothing is known beyond `what`.
    pub(super) why: String,
    /// Who most likely has to change.
    pub(super) change: Party,
    /// What to change.
    pub(super) fixes: Vec<Fix>,
}

/// What a strict server misses in a request (RFC 6455 section 4.2.1).
pub(super) fn missing(request: &Head) -> Vec<&'static str> {
    let has = |name: &str, token: &str| {
        request
            .fields()
            .filter(|(n, _)| n.eq_ignore_ascii_case(name))
            .any(|(_, v)| v.split(',').any(|t| t.trim().eq_ignore_ascii_case(token)))
    };
    let mut missing = Vec::new();
    if !has("upgrade", "websocket") {
        missing.push("Upgrade: websocket");
    }
    if !has("connection", "upgrade") {
        missing.push("Connection: Upgrade");
    }
    missing
}

/// The lines that make nginx pass an upgrade on.
pub(super) const NGINX_UPGRADE: &str = "proxy_http_version 1.1;
proxy_set_header Upgrade $http_upgrade;
proxy_set_header Connection \"upgrade\";";
/// Where they are documented.
pub(super) const NGINX_SOURCE: &str = "https://nginx.org/en/docs/http/websocket.html";

fn fix(party: Party, text: impl Into<String>) -> Fix {
    Fix { party, text: text.into(), example: None, source: None }
}

/// The fix for a proxy that does not pass an upgrade on.
pub(super) fn pass_upgrade_on(is_nginx: bool) -> Fix {
    Fix {
        party: Party::Proxy,
        text: if is_nginx {
            "pass the upgrade on: nginx removes Upgrade and Connection unless the location sets them.".to_string()
        } else {
            "pass the upgrade on: Upgrade and Connection are hop-by-hop, so a proxy has to set them itself (here for nginx)."
                .to_string()
        },
        example: Some(NGINX_UPGRADE.to_string()),
        source: Some(NGINX_SOURCE.to_string()),
    }
}

/// Reads a refusal from its own request and response alone.
pub(super) fn read(failed: &FailedHandshake, response: &Head, status: u16) -> Reading {
    let request = &failed.request;
    // An extended CONNECT carries neither (RFC 8441 section 4).
    let absent = if failed.http2.is_some() { Vec::new() } else { missing(request) };
    if !absent.is_empty() && matches!(status, 200 | 204 | 400 | 404 | 405 | 426 | 501) {
        return stripped(response, &absent);
    }
    let path = path(request);
    let proxy = drops::proxy_in(response);
    let origin = request.field("origin");
    let (what, why, change, fixes): (String, String, Party, Vec<Fix>) = match status {
        200..=299 => (
            "a plain HTTP answer instead of an upgrade".into(),
            format!("Whatever serves {path} does not know of WebSockets: a static page, another route, or a proxy that dropped the upgrade."),
            Party::Server,
            vec![fix(Party::Client, "check the path of the URL against the server's WebSocket route."), pass_upgrade_on(proxy.is_some_and(|p| p.starts_with("nginx")))],
        ),
        300..=399 => {
            let to = response.field("location").map_or(String::new(), |l| format!(" to {}", without_query(l)));
            (
                format!("a redirect{to}"),
                "Browsers do not follow redirects of WebSocket requests, and most libraries do not either.".into(),
                Party::Client,
                vec![
                    fix(Party::Client, "connect to the final URL; mind ws:// against wss://, a missing slash at the end, and the host name."),
                    fix(Party::Server, "leave the WebSocket path out of redirects to HTTPS, to a login page or to another host."),
                ],
            )
        }
        400 | 405 | 501 if failed.http2.is_some() => no_extended_connect(status),
        400 => bad_request(request, proxy),
        401 | 407 => (
            "credentials are missing or were refused".into(),
            match (request.field("authorization"), request.field("cookie")) {
                (None, None) => "The request carries neither Authorization nor Cookie; browsers cannot set the first for a WebSocket.".into(),
                (Some(_), _) => "The request carries an Authorization header: it was refused.".into(),
                (None, Some(_)) => "The request carries cookies and no Authorization: the session may have expired.".into(),
            },
            Party::Client,
            vec![fix(Party::Client, "send valid credentials: renew the token or session, then connect again.")],
        ),
        403 => (
            "access was refused".into(),
            match origin {
                Some(origin) => format!("It may be the origin ({origin}), the credentials, or a rule of a firewall in front."),
                None => "The request carries no Origin header, so it is credentials, an address rule, or a check that demands an origin.".into(),
            },
            Party::Either,
            vec![
                fix(Party::Server, match origin {
                    Some(origin) => format!("add {origin} to the allowed origins if it should connect; else read the log for the rule."),
                    None => "read the log for the rule that refused it.".to_string(),
                }),
                fix(Party::Client, "check its credentials and what this user may do."),
            ],
        ),
        404 | 410 => (
            format!("nothing is served at {path}"),
            "The path is wrong, or a proxy rewrites it, or sends it to the wrong backend.".into(),
            Party::Client,
            vec![
                fix(Party::Client, format!("check the path {path} against the server's WebSocket route, prefixes and a slash at the end included.")),
                fix(Party::Proxy, "compare the path that the backend sees with the one the client asked for."),
            ],
        ),
        405 => (
            "the method GET is not allowed there".into(),
            "The route exists for other methods; or the edge speaks HTTP/2 to the client, where WebSockets need CONNECT (RFC 8441).".into(),
            Party::Server,
            vec![fix(Party::Server, "add a WebSocket route for GET at that path, or enable extended CONNECT at the edge.")],
        ),
        408 => ("the server gave up waiting for the request".into(), String::new(), Party::Client, vec![fix(Party::Client, "send the whole request head at once.")]),
        421 => ("the host name is not served here".into(), String::new(), Party::Proxy, vec![fix(Party::Proxy, "route the Host of the request to the right backend.")]),
        426 => (
            "the server asks for another protocol or version".into(),
            match response.field("sec-websocket-version") {
                Some(versions) => format!("It names the versions that it speaks: {versions}; the request asks for {}.", request.field("sec-websocket-version").unwrap_or("none")),
                None => "The request that the capture shows is complete, so a proxy behind this point has probably removed Upgrade and Connection.".into(),
            },
            Party::Proxy,
            vec![pass_upgrade_on(proxy.is_some_and(|p| p.starts_with("nginx")))],
        ),
        429 => (
            "too many requests".into(),
            response.field("retry-after").map_or(String::new(), |s| format!("It asks to wait: Retry-After: {s}.")),
            Party::Client,
            vec![fix(Party::Client, "connect less often: wait with a growing, random delay after each failure, and heed Retry-After.")],
        ),
        502 | 504 => (
            format!("{} could not reach its backend", proxy.unwrap_or("a gateway")),
            if status == 502 { "The backend refused the connection, closed it, or answered with something that is no HTTP.".into() } else { "The backend did not answer in time.".into() },
            Party::Server,
            vec![fix(Party::Server, "see whether the backend runs and listens at the time of the request; the gateway's error log names the address and the error.")],
        ),
        503 => (
            "the service is not available".into(),
            "The server is starting, stopping or overloaded, or a proxy has no healthy backend left.".into(),
            Party::Server,
            vec![fix(Party::Server, "check the backend's health and limits at the time of the request.")],
        ),
        500..=599 => (
            "the server failed while it handled the upgrade".into(),
            "Mostly an exception in the code that checks or accepts the request.".into(),
            Party::Server,
            vec![fix(Party::Server, format!("read the application log at the time of the request for an error at {path}."))],
        ),
        _ => ("the upgrade was refused".into(), String::new(), Party::Server, vec![fix(Party::Server, "read its log at the time of the request.")]),
    };
    Reading { what, why, change, fixes }
}

/// A request that reached this server without the headers of an upgrade.
fn stripped(response: &Head, absent: &[&str]) -> Reading {
    let is_nginx = drops::proxy_in(response).is_some_and(|p| p.starts_with("nginx"));
    Reading {
        what: format!("the request arrived without {}", absent.join(" and ")),
        why: "It is a WebSocket request by its Sec-WebSocket headers, so something in front of this server removed these; they \
              are hop-by-hop, and a proxy drops them unless told otherwise."
            .to_string(),
        change: Party::Proxy,
        fixes: vec![pass_upgrade_on(is_nginx)],
    }
}

/// A server that did not take the CONNECT of RFC 8441.
fn no_extended_connect(status: u16) -> (String, String, Party, Vec<Fix>) {
    (
        "it did not take the extended CONNECT".into(),
        format!(
            "In HTTP/2 a WebSocket is asked for by CONNECT with :protocol websocket (RFC 8441). {status} comes from a server, or \
             something behind it, that does not know that request, or that found it incomplete."
        ),
        Party::Server,
        vec![fix(
            Party::Server,
            "handle CONNECT with :protocol websocket, or do not announce SETTINGS_ENABLE_CONNECT_PROTOCOL: clients then open a \
             connection with HTTP/1.1 for it.",
        )],
    )
}

fn bad_request(request: &Head, proxy: Option<&str>) -> (String, String, Party, Vec<Fix>) {
    let version = request.field("sec-websocket-version");
    let key = request.field("sec-websocket-key");
    if version != Some("13") {
        let found = version.map_or("no Sec-WebSocket-Version".to_string(), |v| format!("Sec-WebSocket-Version: {v}"));
        return (
            format!("the request has {found}"),
            "The version of RFC 6455 is 13.".into(),
            Party::Client,
            vec![fix(Party::Client, "send Sec-WebSocket-Version: 13.")],
        );
    }
    let good_key = |k: &str| {
        k.len() == 24 && k.ends_with("==") && k.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b))
    };
    if !key.is_some_and(good_key) {
        let found =
            if key.is_some() { "a Sec-WebSocket-Key that is not 16 bytes in base64" } else { "no Sec-WebSocket-Key" };
        return (
            format!("the request has {found}"),
            String::new(),
            Party::Client,
            vec![fix(
                Party::Client,
                "send 16 random bytes in base64 as Sec-WebSocket-Key, or use a WebSocket library.",
            )],
        );
    }
    let why = match proxy {
        Some(name) => format!("The request that the capture shows is a complete upgrade; behind {name} it may not be any more, if the proxy does not pass Upgrade and Connection on."),
        None => "The request that the capture shows is a complete upgrade: the application refused it, or a proxy behind this point removed Upgrade and Connection.".into(),
    };
    (
        "a bad request".into(),
        why,
        if proxy.is_some() { Party::Proxy } else { Party::Server },
        vec![
            pass_upgrade_on(proxy.is_some_and(|p| p.starts_with("nginx"))),
            fix(Party::Server, "read the log at the time of the request: it says what was bad."),
        ],
    )
}

/// Reads a request whose HTTP/2 stream was reset before an answer.
fn stream_reset(failed: &FailedHandshake, reset: StreamReset, files: FilesOf<'_>) -> Reading {
    const REFUSED_STREAM: u32 = 7;
    const HTTP_1_1_REQUIRED: u32 = 13;
    let waited = timers::words(reset.origin.at.seconds_since(failed.request.origin.at));
    let (by, name) = (reset.by, reset.name());
    let mut why = format!(
        "The {by} reset the HTTP/2 stream (RST_STREAM {name}, {}) {waited} later, without an HTTP answer.",
        files.packet(reset.origin.packet)
    );
    let text = match reset.code {
        REFUSED_STREAM => {
            why.push_str(
                " The code says that the request was not processed and may be sent again (RFC 9113 section 8.7).",
            );
            "see why it takes no further stream: its limit of concurrent streams, or its shutdown."
        }
        HTTP_1_1_REQUIRED => "serve the WebSocket over HTTP/1.1, and do not announce SETTINGS_ENABLE_CONNECT_PROTOCOL.",
        _ if by == Side::Client => {
            "see how long it waits for the answer, and why the server is slow: accepting a WebSocket should take milliseconds."
        }
        _ => {
            "read its log at the time of the request: it gave the request up, or does not know CONNECT with :protocol websocket."
        }
    };
    Reading {
        what: format!("the {by} reset the stream ({name}) {waited} after it"),
        why,
        change: by.into(),
        fixes: vec![fix(by.into(), text)],
    }
}

/// Reads a request that got no answer.
pub(super) fn unanswered(failed: &FailedHandshake, files: FilesOf<'_>) -> Reading {
    if let Some(reset) = failed.http2.as_ref().and_then(|http2| http2.reset) {
        return stream_reset(failed, reset, files);
    }
    let (what, why) = match failed.tcp_end {
        Some(end) => {
            let how = if end.how == TcpEndKind::Rst { "reset" } else { "closed" };
            let acknowledged = if end.inferred { "; its FIN is not in the capture, this acknowledges it" } else { "" };
            let waited = timers::words(end.origin.at.seconds_since(failed.request.origin.at));
            (
                format!("the {} {how} TCP {waited} after it", end.by),
                format!(
                    "The {} {how} TCP ({}{acknowledged}) {waited} later, without an HTTP answer.",
                    end.by,
                    files.packet(end.origin.packet)
                ),
            )
        }
        None => {
            let seen = "the capture ends without an answer";
            (seen.to_string(), words::sentence(&format!("{seen}, and TCP stays open.")))
        }
    };
    let change = failed.tcp_end.map_or(Party::Server, |e| e.by.into());
    let text = match change {
        Party::Client => {
            "see how long it waits for the answer, and why the server is slow: accepting a WebSocket should take milliseconds."
        }
        _ => {
            "see whether this port speaks HTTP at all (wss:// and ws:// mixed up?), and read the log at the time of the request."
        }
    };
    Reading {
        what,
        why,
        change,
        fixes: vec![Fix { party: change, text: text.to_string(), example: None, source: None }],
    }
}

/// Reads a 101 that a client has to refuse.
pub(super) fn invalid(
    failed: &FailedHandshake,
    response: &Head,
    files: FilesOf<'_>,
    evidence: &mut Vec<Evidence>,
) -> Reading {
    let mut what = Vec::new();
    let mut text = "answer the upgrade with a WebSocket library, which computes these headers.";
    for violation in &failed.violations {
        let (short, rule) = match violation {
            HandshakeViolation::MissingAccept => {
                ("without Sec-WebSocket-Accept", "The 101 must carry Sec-WebSocket-Accept")
            }
            HandshakeViolation::WrongAccept => {
                text = "compute Sec-WebSocket-Accept from the key of this very request. A cache or a proxy that answers with a stored \
                        101, and code that hashes a constant, give wrong values.";
                (
                    "with a Sec-WebSocket-Accept that does not fit the key",
                    "The accept value is the SHA-1 of the request's key and a fixed string, in base64",
                )
            }
            HandshakeViolation::MissingUpgrade => {
                ("without Upgrade: websocket", "The 101 must carry Upgrade: websocket")
            }
            HandshakeViolation::MissingConnection => {
                ("without Connection: Upgrade", "The 101 must carry Connection: Upgrade")
            }
            HandshakeViolation::ExtensionNotOffered => {
                text = "accept only extensions that the request offers; check whether a proxy removed Sec-WebSocket-Extensions from the request.";
                (
                    "with an extension that the client did not offer",
                    "The 101 may name only extensions that the request offers",
                )
            }
            HandshakeViolation::SubprotocolNotOffered => {
                text = "answer with one of the subprotocols that the request offers, or with none.";
                (
                    "with a subprotocol that the client did not offer",
                    "The 101 may name only a subprotocol that the request offers",
                )
            }
            HandshakeViolation::MissingKey | HandshakeViolation::MalformedHead => continue,
        };
        what.push(short);
        evidence.push(Evidence {
            kind: "rule",
            text: format!("{rule} (RFC 6455 section 4.1)."),
            packets: vec![response.origin.packet],
        });
    }
    for name in ["sec-websocket-extensions", "sec-websocket-protocol"] {
        let concerned = failed.violations.iter().any(|v| match v {
            HandshakeViolation::ExtensionNotOffered => name == "sec-websocket-extensions",
            HandshakeViolation::SubprotocolNotOffered => name == "sec-websocket-protocol",
            _ => false,
        });
        if concerned {
            let (asked, got) =
                (failed.request.field(name).unwrap_or("nothing"), response.field(name).unwrap_or("nothing"));
            evidence.push(Evidence {
                kind: "handshake",
                text: format!("The request offers {asked}; the 101 answers {got}."),
                packets: vec![failed.request.origin.packet, response.origin.packet],
            });
        }
    }
    let what = if what.is_empty() { "the client refused it".to_string() } else { what.join(" and ") };
    let why = match failed.tcp_end {
        Some(end) => {
            format!(
                "A client must refuse such an answer: the {} ended TCP ({}).",
                end.by,
                files.packet(end.origin.packet)
            )
        }
        None => "A client must refuse such an answer.".to_string(),
    };
    Reading {
        what,
        why,
        change: Party::Server,
        fixes: vec![Fix {
            party: Party::Server,
            text: text.to_string(),
            example: None,
            source: Some("RFC 6455 section 4.2.2".to_string()),
        }],
    }
}

/// The path of a request, without its query, which may hold secrets.
pub(super) fn path(request: &Head) -> String {
    without_query(request.target().unwrap_or("/")).to_string()
}

fn without_query(target: &str) -> &str {
    target.split(['?', '#']).next().unwrap_or(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(fields: &str) -> Head {
        Head { text: format!("GET /ws?token=x HTTP/1.1\r\n{fields}").into(), ..Head::default() }
    }

    #[test]
    fn stripped_headers_are_missed() {
        assert_eq!(missing(&request("Upgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n")), Vec::<&str>::new());
        assert_eq!(missing(&request("Connection: close\r\n")), ["Upgrade: websocket", "Connection: Upgrade"]);
        assert_eq!(missing(&request("Upgrade: h2c\r\nConnection: upgrade\r\n")), ["Upgrade: websocket"]);
    }

    #[test]
    fn bad_requests_name_what_is_bad() {
        let version = bad_request(&request("Sec-WebSocket-Version: 99\r\n"), None);
        assert!(version.0.contains("99") && version.2 == Party::Client);
        let key = bad_request(&request("Sec-WebSocket-Version: 13\r\n"), None);
        assert!(key.0.contains("no Sec-WebSocket-Key"));
        let fine = bad_request(
            &request("Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: kn1NE5ZJaE1frhAsCqOTUg==\r\n"),
            Some("nginx"),
        );
        assert_eq!(fine.2, Party::Proxy);
    }

    #[test]
    fn secrets_stay_out() {
        assert_eq!(path(&request("")), "/ws");
    }
}
