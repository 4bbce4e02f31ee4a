//! Several things beside each other.

use super::{Explanation, code, implementation};
use crate::knowledge::confusions;

/// Things of one kind: a column each.
pub(super) struct Comparison {
    /// What is compared.
    pub(super) columns: Vec<String>,
    /// A label, and a cell for each column.
    pub(super) rows: Vec<(&'static str, Vec<String>)>,
    /// What to know besides, one sentence or two each.
    pub(super) differences: Vec<String>,
    /// Where there is more about each.
    pub(super) more: Vec<String>,
}

impl Comparison {
    /// A comparison for each kind of which there are several, in the order in which they were asked for.
    pub(super) fn of(all: &[&Explanation]) -> Comparison {
        let columns = all.iter().map(|e| title(e)).collect();
        let cells: Vec<Vec<(&'static str, String)>> = all.iter().map(|e| aspects(e)).collect();
        let rows = cells.first().into_iter().flatten().map(|(label, _)| {
            let cell = |of: &Vec<(&'static str, String)>| {
                of.iter().find(|(l, _)| l == label).map_or_else(String::new, |(_, text)| text.clone())
            };
            (*label, cells.iter().map(cell).collect())
        });
        Comparison {
            columns,
            rows: rows.collect(),
            differences: differences(all),
            more: all.iter().map(|e| format!("wsdiag explain {}", id(e))).collect(),
        }
    }
}

/// What to type for it.
fn id(of: &Explanation) -> String {
    match of {
        Explanation::Code(code) => code.number(),
        Explanation::Cause(cause) => cause.id.to_owned(),
        Explanation::Implementation(known) => known.id.clone(),
    }
}

fn title(of: &Explanation) -> String {
    match of {
        Explanation::Code(code) => code.title(),
        Explanation::Cause(cause) => cause.id.to_owned(),
        Explanation::Implementation(known) => implementation::title(known),
    }
}

fn aspects(of: &Explanation) -> Vec<(&'static str, String)> {
    match of {
        Explanation::Code(code) => code.aspects(),
        Explanation::Cause(cause) => cause.aspects(),
        Explanation::Implementation(known) => implementation::aspects(known),
    }
}

/// What is written of each pair of codes, and who may put them on the wire where that differs.
fn differences(all: &[&Explanation]) -> Vec<String> {
    let codes: Vec<&code::CodeExplanation> =
        all.iter().filter_map(|e| if let Explanation::Code(code) = e { Some(code.as_ref()) } else { None }).collect();
    let mut told = Vec::new();
    for (i, first) in codes.iter().enumerate() {
        for second in &codes[i + 1..] {
            let pair = first.asked.zip(second.asked).map(|(a, b)| [a.min(b), a.max(b)]);
            if let Some(known) = confusions().iter().find(|c| Some(c.codes) == pair) {
                told.push(known.difference.clone());
            } else if first.entry.may_be_sent_on_wire != second.entry.may_be_sent_on_wire {
                let (on, off) = if first.entry.may_be_sent_on_wire { (first, second) } else { (second, first) };
                told.push(format!(
                    "{} can stand in a Close frame; {} never may: where it is seen, a library made it up or an endpoint is wrong.",
                    on.number(),
                    off.number()
                ));
            }
        }
    }
    told
}
