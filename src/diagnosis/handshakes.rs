//! Upgrade requests that were refused, invalid or never answered.

use std::net::SocketAddr;

use super::world::World;
use crate::connection::Head;
use crate::report::model::HandshakeFailure;

/// One report for each failed handshake.
pub(super) fn reports(_world: &World<'_>) -> Vec<HandshakeFailure> {
    Vec::new()
}

/// The URL that a request asked for, secrets in its query masked.
pub(super) fn url(request: &Head, server: SocketAddr) -> String {
    let host = request.field("host").map_or_else(|| server.to_string(), str::to_string);
    format!("ws://{host}{}", mask_query(request.target().unwrap_or("/")))
}

/// Names of query parameters whose values are secrets.
const SECRETS: [&str; 12] =
    ["token", "key", "secret", "auth", "pass", "pwd", "sig", "jwt", "session", "sid", "credential", "code"];

fn mask_query(target: &str) -> String {
    let Some((path, query)) = target.split_once('?') else { return target.to_string() };
    let masked: Vec<String> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, value)) if !value.is_empty() && is_secret(name) => format!("{name}=***"),
            _ => pair.to_string(),
        })
        .collect();
    format!("{path}?{}", masked.join("&"))
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRETS.iter().any(|s| name.contains(s))
}

/// Names of the extensions in a response.
pub(super) fn extensions(response: &Head) -> Vec<String> {
    response
        .fields()
        .filter(|(n, _)| n.eq_ignore_ascii_case("sec-websocket-extensions"))
        .flat_map(|(_, v)| v.split(','))
        .filter_map(|e| e.split(';').next().map(|n| n.trim().to_string()))
        .filter(|n| !n.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked() {
        assert_eq!(mask_query("/chat?room=1&access_token=abc&x"), "/chat?room=1&access_token=***&x");
        assert_eq!(mask_query("/chat"), "/chat");
    }
}
