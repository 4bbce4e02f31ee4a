//! Who is at the other end: from heads, close reasons, path and subprotocol to a known implementation.

use std::sync::Arc;

use super::fingerprint::{Fingerprint, Fit, Weight};
use super::implementation::{Implementation, Role, Trigger};
use super::store::Knowledge;
use crate::connection::{Connection, FirstClose, Head};
use crate::ids::Side;
use crate::report::model::Confidence;

/// What was seen of one side of a connection.
#[derive(Debug, Clone)]
pub struct Evidence<'a> {
    /// The side in question.
    pub side: Side,
    /// The upgrade request.
    pub request: Option<&'a Head>,
    /// The answer to it.
    pub response: Option<&'a Head>,
    /// The fields of both, taken apart once for all the fingerprints that ask for them.
    pub(super) fields: [Vec<(&'a str, &'a str)>; 2],
    /// Code and reason of the Close frames that this side sent and that do not just echo the other side's.
    pub closes: Vec<(Option<u16>, &'a str)>,
    /// The request target.
    pub path: Option<&'a str>,
    /// The host name that was asked for, without the port.
    pub host: Option<&'a str>,
    /// The agreed subprotocol, or the offered ones where the answer was not seen.
    pub subprotocols: Vec<&'a str>,
    /// The value of `Sec-WebSocket-Extensions` that this side sent: the client's offer, the server's answer.
    pub extensions: Option<&'a str>,
}

impl<'a> Evidence<'a> {
    /// The evidence that the two heads give.
    #[must_use]
    pub fn new(side: Side, request: Option<&'a Head>, response: Option<&'a Head>) -> Self {
        let own = if side == Side::Client { request } else { response };
        let chosen = response.or(request).and_then(|h| h.field("Sec-WebSocket-Protocol"));
        let host = request.and_then(|h| h.field("Host").or_else(|| h.field(":authority")));
        Evidence {
            side,
            request,
            response,
            fields: [request, response].map(|head| head.map(|h| h.fields().collect()).unwrap_or_default()),
            closes: Vec::new(),
            path: request.and_then(Head::target),
            host: host
                .map(|h| h.rsplit_once(':').filter(|(_, p)| p.parse::<u16>().is_ok()).map_or(h, |(name, _)| name)),
            subprotocols: chosen.map(|c| c.split(',').map(str::trim).collect()).unwrap_or_default(),
            extensions: own.and_then(|h| h.field("Sec-WebSocket-Extensions")),
        }
    }

    /// All evidence that `connection` holds about `side`.
    #[must_use]
    pub fn of(connection: &'a Connection, side: Side) -> Self {
        let handshake = connection.handshake.as_ref();
        let request = handshake.and_then(|h| h.request.as_ref()).or(connection.request.as_deref());
        let mut evidence = Evidence::new(side, request, handshake.map(|h| &h.response));
        evidence.closes = own_closes(connection, side);
        evidence
    }
}

/// What `side` closed with of its own accord: an echo of the other side's Close says nothing about it.
#[must_use]
pub fn own_closes(connection: &Connection, side: Side) -> Vec<(Option<u16>, &str)> {
    if connection.first_close() != FirstClose::Seen {
        return Vec::new();
    }
    let heard = &connection.sent_by(side.other()).closes;
    let own = connection.sent_by(side).closes.iter();
    own.filter(|c| !heard.iter().any(|h| h.origin <= c.origin && (h.code, &h.reason) == (c.code, &c.reason)))
        .map(|c| (c.code, c.reason.as_str()))
        .collect()
}

/// An implementation that was recognised.
#[derive(Debug, Clone)]
pub struct Identified {
    /// The implementation, or the most common one of those that look the same.
    pub implementation: Arc<Implementation>,
    /// What was recognised, in words: the implementation's name, or a family such as `uvicorn` when the members of it
    /// cannot be told apart.
    pub name: String,
    /// How sure `name` is. Never `Certain`: anyone can write a header or a reason.
    pub confidence: Confidence,
    /// What it was recognised by: a clause such as `its Server header says uvicorn`.
    pub because: String,
    /// Ids of the others that it could be.
    pub alternatives: Vec<String>,
}

impl Identified {
    /// Whether it, or another that it could be, is known to send such a Close for `trigger`.
    #[must_use]
    pub fn may_close_for(
        &self,
        knowledge: &Knowledge,
        trigger: Trigger,
        (code, reason): (Option<u16>, &str),
        from: Side,
    ) -> bool {
        let others = self.alternatives.iter().filter_map(|id| knowledge.implementation(id));
        std::iter::once(&self.implementation)
            .chain(others)
            .flat_map(|i| i.close_meaning(code, reason, from))
            .any(|c| c.triggers.contains(&trigger))
    }
}

impl Knowledge {
    /// Who `seen.side` most likely is: the implementation that decides the limits and closes of that end. Proxies do not
    /// count: see [`Knowledge::proxies`].
    #[must_use]
    pub fn identify(&self, seen: &Evidence<'_>) -> Option<Identified> {
        self.identify_all(seen).into_iter().next()
    }

    /// All implementations that the evidence points to, best first: where layers stack up (a protocol on a framework on
    /// a library), each can explain a close. What a better candidate builds on, or overrules, is left out.
    #[must_use]
    pub fn identify_all(&self, seen: &Evidence<'_>) -> Vec<Identified> {
        let mut found = self.candidates(|f| f.is_for(seen.side), seen);
        let overruled: Vec<&str> = found.iter().flat_map(|c| c.overruled.iter().copied()).collect();
        found.retain(|c| !overruled.contains(&c.id));
        if found.is_empty() {
            return self.by_reason(seen);
        }
        let ids: Vec<&str> = found.iter().map(|c| c.id).collect();
        found
            .into_iter()
            .filter_map(|c| {
                let others = if c.weight == Weight::Possible { ids.as_slice() } else { &[] };
                self.identified(c, others)
            })
            .collect()
    }

    /// The proxies, load balancers and edges that show in the heads, on whichever side they stand. A proxy that relays
    /// WebSocket sends no Close frames of its own.
    #[must_use]
    pub fn proxies(&self, seen: &Evidence<'_>) -> Vec<Identified> {
        let found = self.candidates(|f| f.role == Role::Proxy, seen);
        found.into_iter().filter_map(|c| self.identified(c, &[])).collect()
    }

    /// The implementations of which a fingerprint that `wanted` accepts fits, best first.
    fn candidates(&self, wanted: impl Fn(&Fingerprint) -> bool, seen: &Evidence<'_>) -> Vec<Candidate<'_>> {
        let mut found: Vec<Candidate<'_>> = Vec::new();
        for (id, fingerprints) in self.fingerprints() {
            let mut best: Option<Candidate<'_>> = None;
            for print in fingerprints.iter().filter(|f| wanted(f)) {
                let Some(fit) = print.fit(seen) else { continue };
                let one = Candidate {
                    id,
                    weight: print.confidence,
                    score: fit.score,
                    fit,
                    called: print.called.as_deref(),
                    alternatives: print.shared_with.iter().map(String::as_str).collect(),
                    overruled: print.over.iter().map(String::as_str).collect(),
                };
                best = Some(match best {
                    None => one,
                    Some(other) => other.joined_by(one),
                });
            }
            found.extend(best);
        }
        // Among equals the order of the ids stays.
        found.sort_by_key(|c| std::cmp::Reverse((c.weight, c.score)));
        found
    }

    fn identified(&self, candidate: Candidate<'_>, others: &[&str]) -> Option<Identified> {
        let implementation = self.implementation(candidate.id)?.clone();
        let mut alternatives = candidate.alternatives;
        for other in others {
            if *other != candidate.id && !alternatives.contains(other) {
                alternatives.push(other);
            }
        }
        Some(Identified {
            name: candidate.called.unwrap_or(&implementation.name).to_owned(),
            implementation,
            confidence: match candidate.weight {
                Weight::Possible => Confidence::Possible,
                Weight::Likely => Confidence::Likely,
            },
            because: candidate.fit.because(),
            alternatives: alternatives.into_iter().map(str::to_owned).collect(),
        })
    }

    /// The implementations that are known to close with one of the reasons seen, where no fingerprint says more.
    fn by_reason(&self, seen: &Evidence<'_>) -> Vec<Identified> {
        /// A shorter text is one that any application may have chosen.
        const TELLING: usize = 12;
        let found = seen.closes.iter().find_map(|(code, reason)| {
            let mut known = self.reason_meaning(*code, reason);
            known.retain(|(i, c)| {
                c.reason.len() >= TELLING && c.sender.may_be(seen.side) && i.roles.contains(&seen.side.into())
            });
            let implementation = Arc::clone(known.first()?.0);
            let mut alternatives: Vec<String> = known.iter().map(|(i, _)| i.id.clone()).collect();
            alternatives.dedup();
            alternatives.retain(|id| *id != implementation.id);
            Some(Identified {
                name: implementation.name.clone(),
                implementation,
                confidence: Confidence::Possible,
                because: format!("it is known to close with the reason \"{reason}\""),
                alternatives,
            })
        });
        found.into_iter().collect()
    }
}

/// One implementation with what speaks for it.
struct Candidate<'k> {
    id: &'k str,
    weight: Weight,
    score: u32,
    fit: Fit,
    called: Option<&'k str>,
    alternatives: Vec<&'k str>,
    overruled: Vec<&'k str>,
}

impl Candidate<'_> {
    /// Two fingerprints of one implementation taken together.
    fn joined_by(self, other: Self) -> Self {
        let (mut best, rest) =
            if (other.weight, other.score) > (self.weight, self.score) { (other, self) } else { (self, other) };
        best.overruled.extend(&rest.overruled);
        if !best.alternatives.is_empty() && !rest.alternatives.is_empty() {
            best.alternatives.retain(|a| rest.alternatives.contains(a));
        }
        best
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
#[path = "identify_tests.rs"]
mod tests;
