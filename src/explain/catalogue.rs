//! Everything there is to ask for, one line each.

use serde::Serialize;

use super::code::span;
use super::implementations;
use super::page::{Page, Section};
use crate::diagnosis::causes::CAUSES;
use crate::knowledge::close_codes;

/// The list of everything that can be explained.
#[derive(Debug, Serialize)]
pub struct Catalogue {
    /// Close codes and ranges, in order.
    pub codes: Vec<Entry>,
    /// Causes, in the order of their list.
    pub causes: Vec<Entry>,
    /// Implementations, in order of their ids.
    pub implementations: Vec<Entry>,
}

/// One line of it.
#[derive(Debug, Serialize)]
pub struct Entry {
    /// What to ask for.
    pub id: String,
    /// What it is.
    pub name: &'static str,
}

impl Catalogue {
    /// All of it.
    #[must_use]
    pub fn complete() -> Catalogue {
        let mut codes: Vec<_> = close_codes().iter().collect();
        codes.sort_by_key(|c| (c.code, std::cmp::Reverse(c.code_end)));
        Catalogue {
            codes: codes.iter().map(|c| Entry { id: span(c.code, c.code_end), name: &c.name }).collect(),
            causes: CAUSES.iter().map(|c| Entry { id: c.id.to_owned(), name: c.summary }).collect(),
            implementations: implementations().map(|i| Entry { id: i.id.clone(), name: &i.name }).collect(),
        }
    }

    pub(super) fn page(&self) -> Page {
        let items = |entries: &[Entry]| entries.iter().map(|e| format!("{}: {}", e.id, e.name)).collect::<Vec<_>>();
        Page::new(
            "What wsdiag can explain".to_owned(),
            vec![
                Section::items("Close codes", items(&self.codes)),
                Section::items("Causes", items(&self.causes)),
                Section::items("Implementations", items(&self.implementations)),
            ],
        )
    }
}
