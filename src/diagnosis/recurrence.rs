//! Spans that recur over the connections of one server: the mark of a timer.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;

use super::timers;
use crate::ids::Side;

/// A span that a timer may bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Measure {
    /// From the opening handshake to the end.
    Age,
    /// From the last frame to the end: of one side, or of both.
    Silence(Option<Side>),
}

/// Connections that belong together: to one server, ended by the same side with the same code.
pub(super) type Group = (SocketAddr, Side, Option<u16>, Measure);

/// Spans in order, with the connection that each belongs to.
pub(super) type Sorted = Rc<Vec<(f64, usize)>>;

/// Sorted spans of each group, made when they are first asked for.
#[derive(Debug, Default)]
pub(super) struct Recurrence {
    groups: RefCell<HashMap<Group, Sorted>>,
}

/// Connections that are named of those that share a span.
const NAMED: usize = 64;

impl Recurrence {
    /// The spans of a group.
    pub(super) fn group(&self, group: Group, spans: impl FnOnce() -> Vec<(f64, usize)>) -> Sorted {
        if let Some(known) = self.groups.borrow().get(&group) {
            return known.clone();
        }
        let mut spans = spans();
        spans.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let spans = Rc::new(spans);
        self.groups.borrow_mut().insert(group, spans.clone());
        spans
    }
}

/// The connections whose span is that of one timer with `own`; none when they are not most of their group, because among
/// many connections some are alike by chance.
pub(super) fn alike(sorted: &[(f64, usize)], own: f64) -> Vec<(usize, f64)> {
    let from = sorted.partition_point(|(span, _)| *span < own && !timers::equal(*span, own));
    let count = sorted[from..].partition_point(|(span, _)| timers::equal(*span, own));
    if count * 2 < sorted.len() {
        return Vec::new();
    }
    sorted[from..from + count].iter().take(NAMED).map(|(span, index)| (*index, *span)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_of_a_group_or_none() {
        let spans = |list: &[f64]| list.iter().enumerate().map(|(i, s)| (*s, i)).collect::<Vec<_>>();
        assert_eq!(alike(&spans(&[1.0, 30.0, 30.1, 30.2]), 30.1).len(), 3);
        assert_eq!(alike(&spans(&[1.0, 5.0, 9.0, 12.0, 30.0, 30.1]), 30.1).len(), 0);
    }
}
