//! What a report says in prose, and in which order, before any format dresses it.
//!
//! It groups, counts and words; it draws no conclusions. Its strings still hold what the capture's payload put into
//! them: the formats neutralise every string on its way out.

mod blocks;
mod groups;
mod rest;
mod wording;

use super::model::{Report, Severity};

/// The parts of a prose report, in order.
pub(super) struct Outline<'a> {
    /// The answer in one sentence; empty when the report has none.
    pub(super) headline: &'a str,
    /// The blocks, by section.
    pub(super) sections: Vec<Section>,
    /// Connections that no block speaks of.
    pub(super) rest: Option<Rest>,
    /// What the captures could not show.
    pub(super) blind_spots: Vec<String>,
    /// A sentence for each capture and key log that was read.
    pub(super) captures: Vec<String>,
    /// The causes that were found, to be explained.
    pub(super) causes: Vec<&'static str>,
    /// Commands to go on with, and what each is for.
    pub(super) commands: Vec<(String, &'static str)>,
}

/// Blocks under one heading.
pub(super) struct Section {
    /// The problems come right after the headline and have none.
    pub(super) heading: Option<&'static str>,
    /// Never empty.
    pub(super) blocks: Vec<Block>,
}

/// One thing that happened, however many connections share it.
pub(super) struct Block {
    /// To speak of it; notices have none.
    pub(super) number: Option<usize>,
    pub(super) severity: Severity,
    /// Its cause or kind, in words.
    pub(super) name: String,
    /// Confidence, number of connections, server.
    pub(super) facts: Vec<String>,
    /// One sentence.
    pub(super) title: String,
    pub(super) rows: Vec<Row>,
}

/// A labelled part of a block.
pub(super) struct Row {
    pub(super) label: &'static str,
    /// Never empty.
    pub(super) lines: Vec<Line>,
}

/// A paragraph of a row.
pub(super) enum Line {
    /// Sentences.
    Prose(String),
    /// To be copied: never wrapped.
    Code(String),
    /// A reference.
    Source(String),
}

/// The connections that no block speaks of.
pub(super) struct Rest {
    pub(super) heading: String,
    pub(super) content: Connections,
}

/// How they are shown.
pub(super) enum Connections {
    /// One row for each; as many cells as columns.
    Each { columns: Vec<&'static str>, rows: Vec<Vec<String>> },
    /// How many of each kind.
    Counted(Vec<(usize, String)>),
}

impl<'a> Outline<'a> {
    /// The outline of `report`.
    pub(super) fn of(report: &'a Report) -> Outline<'a> {
        let sections = blocks::sections(report);
        let blind_spots = rest::blind_spots(report);
        let causes = rest::causes(report);
        Outline {
            headline: &report.summary.headline,
            rest: rest::connections(report, sections.is_empty()),
            blind_spots,
            captures: wording::captures(&report.captures)
                .into_iter()
                .map(|c| format!("Read {c}"))
                .chain(rest::keys(report))
                .collect(),
            commands: rest::commands(report, &causes),
            causes,
            sections,
        }
    }
}

impl Row {
    /// A row of these lines; `None` when there are none.
    fn of(label: &'static str, lines: Vec<Line>) -> Option<Row> {
        (!lines.is_empty()).then_some(Row { label, lines })
    }

    /// A row of one sentence; `None` when it is empty.
    fn sentence(label: &'static str, text: String) -> Option<Row> {
        (!text.is_empty()).then(|| Row { label, lines: vec![Line::Prose(text)] })
    }
}
