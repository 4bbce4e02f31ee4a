//! An explanation in prose, before any format dresses it.

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
