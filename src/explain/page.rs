//! An explanation in prose, before any format dresses it.

use super::compare::Comparison;
use super::{Explanation, implementation, kinds};

/// A part of an answer.
pub(super) enum Part {
    Page(Page),
    Comparison(Comparison),
}

/// What an answer shows: what asked for together says together, then a page of each thing that is alone of its kind and a
/// comparison of those that are not.
pub(super) fn parts(all: &[Explanation]) -> Vec<Part> {
    let mut parts = Vec::new();
    for code in all.iter().filter_map(|e| if let Explanation::Code(code) = e { Some(code) } else { None }) {
        let known = all.iter().filter_map(|e| if let Explanation::Implementation(i) = e { Some(i) } else { None });
        parts.extend(known.filter_map(|i| implementation::sends(i, code)).map(Part::Page));
    }
    parts.extend(kinds(all).iter().map(|group| match group.as_slice() {
        [one] => Part::Page(page(one)),
        several => Part::Comparison(Comparison::of(several)),
    }));
    parts
}

fn page(of: &Explanation) -> Page {
    match of {
        Explanation::Code(code) => code.page(),
        Explanation::Cause(cause) => cause.page(),
        Explanation::Implementation(known) => implementation::page(known),
    }
}

/// A page.
pub(super) struct Page {
    pub(super) title: String,
    /// Markdown that stands before the sections; empty for none.
    pub(super) body: String,
    pub(super) sections: Vec<Section>,
}

/// A labelled part of it.
pub(super) struct Section {
    pub(super) label: &'static str,
    pub(super) pieces: Vec<Piece>,
}

/// A paragraph.
pub(super) enum Piece {
    /// Sentences.
    Text(String),
    /// Sentences that stand among their like.
    Item(String),
    /// To be copied: never wrapped.
    Code(String),
}

impl Page {
    /// A page of these sections, without the empty ones.
    pub(super) fn new(title: String, mut sections: Vec<Section>) -> Page {
        sections.retain(|s| !s.pieces.is_empty());
        Page { title, body: String::new(), sections }
    }
}

impl Section {
    pub(super) fn text(label: &'static str, text: impl Into<String>) -> Section {
        let text = text.into();
        Section { label, pieces: if text.is_empty() { Vec::new() } else { vec![Piece::Text(text)] } }
    }

    pub(super) fn items(label: &'static str, items: impl IntoIterator<Item = String>) -> Section {
        Section { label, pieces: items.into_iter().map(Piece::Item).collect() }
    }
}
