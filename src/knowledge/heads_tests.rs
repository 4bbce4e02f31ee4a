//! Every fingerprint fits an example of `fixtures/heads`, and every example is recognised as it says.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;

use super::fingerprint::Fingerprint;
use super::identify::{Evidence, Identified};
use super::implementation::Role;
use super::pattern::matches;
use super::store::Knowledge;
use crate::connection::Head;
use crate::ids::{Origin, Side};
use crate::report::model::Confidence;

#[derive(Deserialize)]
struct File {
    example: Vec<Example>,
}

/// See fixtures/README.md.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Example {
    who: String,
    /// Who is named first, where `who` is only among the others.
    #[serde(default)]
    first: String,
    role: Role,
    #[serde(default)]
    confidence: String,
    #[serde(default)]
    others: Vec<String>,
    origin: String,
    request: Option<String>,
    response: Option<String>,
    path: Option<String>,
    host: Option<String>,
    subprotocol: Option<String>,
    code: Option<u16>,
    #[serde(default)]
    reasons: Vec<String>,
}

const PLAIN_REQUEST: &str = "GET PATH HTTP/1.1\nHost: HOST\nUpgrade: websocket\nConnection: Upgrade\n\
                             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\nSec-WebSocket-Version: 13";
const PLAIN_RESPONSE: &str = "HTTP/1.1 101 Switching Protocols\nUpgrade: websocket\nConnection: Upgrade\n\
                              Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

impl Example {
    /// Both heads; none where only a close reason was seen.
    fn heads(&self) -> Option<[Head; 2]> {
        let only_reasons = self.request.is_none()
            && self.response.is_none()
            && [&self.path, &self.host, &self.subprotocol].iter().all(|s| s.is_none())
            && !self.reasons.is_empty();
        if only_reasons {
            return None;
        }
        let mut request = self.request.clone().unwrap_or_else(|| {
            let path = self.path.as_deref().unwrap_or("/chat");
            PLAIN_REQUEST.replace("PATH", path).replace("HOST", self.host.as_deref().unwrap_or("10.20.0.80:8080"))
        });
        let mut response = self.response.clone().unwrap_or_else(|| PLAIN_RESPONSE.to_owned());
        for (head, is_own) in [(&mut request, self.request.is_some()), (&mut response, self.response.is_some())] {
            if let Some(protocol) = self.subprotocol.as_ref().filter(|_| !is_own) {
                head.push_str(&format!("\nSec-WebSocket-Protocol: {protocol}"));
            }
        }
        let head = |text: String| {
            let text: String = text.trim().lines().map(|l| format!("{l}\r\n")).collect();
            Head { origin: Origin::default(), text: text.into() }
        };
        Some([head(request), head(response)])
    }

    fn side(&self) -> Side {
        if self.role == Role::Client { Side::Client } else { Side::Server }
    }

    /// What was seen: once, or once for each close reason.
    fn seen<'a>(&'a self, heads: Option<&'a [Head; 2]>) -> Vec<Evidence<'a>> {
        let [request, response] = [0, 1].map(|n| heads.map(|h| &h[n]));
        let base = Evidence::new(self.side(), request, response);
        if self.reasons.is_empty() {
            return vec![base];
        }
        let with = |reason: &'a String| {
            let mut seen = base.clone();
            seen.closes.push((Some(self.code.unwrap_or(1000)), reason.as_str()));
            seen
        };
        self.reasons.iter().map(with).collect()
    }
}

fn examples() -> Vec<(String, Example)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/heads");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).collect();
    paths.sort();
    let mut all = Vec::new();
    for path in paths {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let file: File = toml::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        all.extend(file.example.into_iter().map(|example| (name.clone(), example)));
    }
    all
}

/// What is recognised in that role: the end that it is, or the proxy of that id.
fn recognised(example: &Example, seen: &Evidence<'_>) -> Option<Identified> {
    let knowledge = Knowledge::embedded();
    match example.role {
        Role::Proxy => knowledge.proxies(seen).into_iter().find(|i| i.implementation.id == example.who),
        _ => knowledge.identify(seen),
    }
}

#[test]
fn every_example_is_recognised_as_it_says() {
    let mut wrong = Vec::new();
    for (file, example) in examples() {
        assert!(!example.origin.is_empty(), "{file}: {} names no origin", example.who);
        let heads = example.heads();
        for seen in example.seen(heads.as_ref()) {
            let found = recognised(&example, &seen);
            let shown = found.as_ref().map_or_else(String::new, |i| {
                let confidence = if i.confidence == Confidence::Likely { "likely" } else { "possible" };
                assert!(matches!(i.confidence, Confidence::Likely | Confidence::Possible));
                assert!(!i.because.is_empty() && !i.because.contains(" port "), "{}", i.because);
                let mut others = i.alternatives.clone();
                others.sort();
                format!("{} {confidence} {others:?}", i.implementation.id)
            });
            let mut others = example.others.clone();
            others.sort();
            let wanted = match example.who.as_str() {
                "" => String::new(),
                who => {
                    let first = if example.first.is_empty() { who } else { &example.first };
                    assert!(first == who || others.iter().any(|o| o == who), "{file}: {who} is not named");
                    format!("{first} {} {others:?}", example.confidence)
                }
            };
            if wanted != shown {
                wrong.push(format!("{file}: want {wanted:?}, got {shown:?} {:?}", seen.closes));
            }
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

/// The patterns of a fingerprint of which one has to fit: each of them needs an example.
fn ways<'f>(print: &'f Fingerprint, seen: Option<&Evidence<'_>>) -> Vec<&'f str> {
    let fits = |p: &str, text: Option<&str>| seen.is_none() || text.is_some_and(|t| matches(p, t));
    let mut all = Vec::new();
    for pattern in &print.close_reason {
        if seen.is_none_or(|s| s.closes.iter().any(|(_, r)| matches(pattern, r))) {
            all.push(pattern.as_str());
        }
    }
    for pattern in &print.subprotocol {
        if seen.is_none_or(|s| s.subprotocols.iter().any(|r| matches(pattern, r))) {
            all.push(pattern.as_str());
        }
    }
    all.extend(print.path.iter().filter(|p| fits(p, seen.and_then(|s| s.path))).map(String::as_str));
    all.extend(print.host.iter().filter(|p| fits(p, seen.and_then(|s| s.host))).map(String::as_str));
    all
}

#[test]
fn every_fingerprint_has_an_example() {
    let mut hit: BTreeSet<(String, usize, String)> = BTreeSet::new();
    for (_, example) in examples() {
        let heads = example.heads();
        for seen in example.seen(heads.as_ref()) {
            let prints = Knowledge::embedded().fingerprints().find(|(id, _)| *id == example.who);
            if let Some((id, prints)) = prints {
                for (n, print) in prints.iter().enumerate() {
                    if print.role != example.role || print.fit(&seen).is_none() {
                        continue;
                    }
                    hit.insert((id.to_owned(), n, String::new()));
                    hit.extend(ways(print, Some(&seen)).into_iter().map(|way| (id.to_owned(), n, way.to_owned())));
                }
            }
        }
    }
    let mut missing = Vec::new();
    for (id, prints) in Knowledge::embedded().fingerprints() {
        for (n, print) in prints.iter().enumerate() {
            for way in std::iter::once("").chain(ways(print, None)) {
                if !hit.contains(&(id.to_owned(), n, way.to_owned())) {
                    missing.push(format!("{id} #{n} {way}"));
                }
            }
        }
    }
    assert!(missing.is_empty(), "{} without an example:\n{}", missing.len(), missing.join("\n"));
}

/// Reasons that others are known to close with cannot tell one implementation for sure.
#[test]
fn a_likely_reason_is_nobody_elses() {
    let knowledge = Knowledge::embedded();
    let mut wrong = Vec::new();
    for (_, example) in examples().iter().filter(|(_, e)| e.confidence == "likely" && e.heads().is_none()) {
        for reason in &example.reasons {
            for other in knowledge.implementations() {
                let own = knowledge.implementation(&example.who).unwrap();
                let related = other.id == own.id
                    || other.uses.contains(&own.id)
                    || own.uses.contains(&other.id)
                    || own.fingerprints.iter().any(|f| f.shared_with.contains(&other.id) || f.over.contains(&other.id))
                    || other.fingerprints.iter().any(|f| f.over.contains(&own.id));
                let says = |c: &&super::Close| {
                    c.code == example.code.unwrap_or(1000)
                        && c.sender.may_be(example.side())
                        && super::pattern::Pattern::new(&c.reason).weight() >= 4
                        && matches(&c.reason, reason)
                };
                if !related && let Some(close) = other.closes.iter().find(says) {
                    wrong.push(format!("{}: {} closes with {:?} too", example.who, other.id, close.reason));
                }
            }
        }
    }
    wrong.dedup();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
