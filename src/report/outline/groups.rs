//! Things that happened alike, brought together.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::net::{IpAddr, SocketAddr};

use crate::report::model::{Address, ConnectionReport, Diagnosis, HandshakeFailure, Severity};

/// Connections with the same story; the first tells it best.
pub(super) struct Alike<'a> {
    /// The diagnosis of the first.
    pub(super) diagnosis: &'a Diagnosis,
    /// Never empty.
    pub(super) connections: Vec<&'a ConnectionReport>,
}

/// The connections of this severity: together when cause, server, code, limit and the title's words are the
/// same; the server counts only where `server_matters`. Large groups come first; the surest connection of a group leads
/// it. The ids of `twice` are left out.
pub(super) fn connections<'a>(
    all: &'a [Box<ConnectionReport>],
    severity: Severity,
    twice: &HashSet<usize>,
    server_matters: impl Fn(&ConnectionReport) -> bool,
) -> Vec<Alike<'a>> {
    let of_severity = all
        .iter()
        .filter(|c| !twice.contains(&c.id))
        .filter_map(|c| c.diagnosis.as_ref().filter(|d| d.severity == severity).map(|diagnosis| (c, diagnosis)));
    let groups = together(of_severity, |(c, d)| {
        let limit = d.limit.as_ref().map(|l| (l.bytes, l.setting.as_deref()));
        (d.cause, d.violation, server_matters(c).then_some(c.server), c.end.code, limit, pattern(&d.title))
    });
    let mut groups: Vec<Alike<'_>> = groups
        .into_iter()
        .filter_map(|mut group| {
            group.sort_by_key(|(_, d)| std::cmp::Reverse(d.confidence));
            let &(_, diagnosis) = group.first()?;
            Some(Alike { diagnosis, connections: group.into_iter().map(|(c, _)| c.as_ref()).collect() })
        })
        .collect();
    groups.sort_by_key(|g| std::cmp::Reverse(g.connections.len()));
    groups
}

/// The refused handshakes: together when server, status and cause are the same. Problems come first.
pub(super) fn handshakes(all: &[HandshakeFailure]) -> Vec<Vec<&HandshakeFailure>> {
    let mut groups = together(all.iter(), |f| (f.status, f.server, f.cause, f.severity, pattern(&f.title)));
    groups.sort_by_key(|g| std::cmp::Reverse(g.first().map(|f| f.severity)));
    groups
}

/// `items` by `key`, in order of first appearance.
pub(super) fn together<T, K: Hash + Eq>(items: impl IntoIterator<Item = T>, key: impl Fn(&T) -> K) -> Vec<Vec<T>> {
    let mut places: HashMap<K, usize> = HashMap::new();
    let mut groups: Vec<Vec<T>> = Vec::new();
    for item in items {
        let place = *places.entry(key(&item)).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.push(item),
            None => groups.push(vec![item]),
        }
    }
    groups
}

/// The server that all of these share.
pub(super) fn common<T: PartialEq>(mut values: impl Iterator<Item = T>) -> Option<T> {
    let first = values.next()?;
    values.all(|v| v == first).then_some(first)
}

/// The server of all these connections, when it is one.
pub(super) fn common_server(connections: &[&ConnectionReport]) -> Option<Address> {
    common(connections.iter().map(|c| c.server))
}

/// A title without its numbers and their units: `refused a 2.1 MiB message` and `refused a 900 KiB message` are alike.
fn pattern(title: &str) -> String {
    let mut words = String::with_capacity(title.len());
    for word in title.split([' ', '-']) {
        let bare = word.trim_matches(['.', ',', ':', ';', '(', ')', '"']);
        let is_address = bare.parse::<IpAddr>().is_ok() || bare.parse::<SocketAddr>().is_ok();
        let is_unit = matches!(bare, "B" | "kB" | "KiB" | "MB" | "MiB" | "GB" | "GiB");
        if is_address {
            words.push('#');
        } else if word.contains(|c: char| c.is_ascii_digit()) {
            words.extend(word.chars().filter(|c| !c.is_ascii_digit() && !matches!(c, '.' | ',')));
            words.push('#');
        } else if !is_unit {
            words.push_str(word);
        }
        words.push(' ');
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_alike_whatever_their_numbers() {
        assert_eq!(
            pattern("refused a 1,934,112-byte text: its limit is 1 MiB"),
            pattern("refused a 7-byte text: its limit is 64 KiB")
        );
        assert_eq!(pattern("client [2001:db8::1]:51234 left"), pattern("client 10.0.0.1:7 left"));
        assert_ne!(pattern("refused a 7-byte text"), pattern("refused a 7-byte binary"));
    }

    #[test]
    fn order_of_first_appearance_holds() {
        assert_eq!(together([3, 14, 5, 24, 13], |n| n % 10), [vec![3, 13], vec![14, 24], vec![5]]);
    }
}
