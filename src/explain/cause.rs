//! A cause: its documentation, and the codes that it hides behind.

use serde::Serialize;

use super::page::{Page, Section};
use crate::diagnosis::causes::CAUSES;
use crate::diagnosis::finding::{Cause, Family};
use crate::knowledge::close_codes;

/// A cause that reports name.
#[derive(Debug, Serialize)]
pub struct CauseExplanation {
    /// Stable kebab-case id.
    pub id: &'static str,
    /// One line.
    pub summary: &'static str,
    /// The whole, in Markdown.
    pub documentation: &'static str,
    /// Codes that it can hide behind.
    pub codes: Vec<Code>,
    /// Ids of the causes that it has to be told apart from.
    pub alternatives: Vec<&'static str>,
}

/// A code and its name.
#[derive(Debug, Serialize)]
pub struct Code {
    /// The number.
    pub code: u16,
    /// The name.
    pub name: &'static str,
}

impl CauseExplanation {
    pub(super) fn of(cause: &Cause) -> CauseExplanation {
        let codes = close_codes().iter().filter(|c| c.code_end.is_none() && c.causes.iter().any(|id| id == cause.id));
        CauseExplanation {
            id: cause.id,
            summary: cause.summary,
            documentation: cause.documentation,
            codes: codes.map(|c| Code { code: c.code, name: &c.name }).collect(),
            // The codes with a plain meaning, and refused handshakes, tell themselves apart.
            alternatives: match cause.family {
                Family::Plain | Family::Handshake => Vec::new(),
                family => CAUSES.iter().filter(|c| c.family == family && c.id != cause.id).map(|c| c.id).collect(),
            },
        }
    }

    /// The rows of a comparison: the headings of the documentation.
    pub(super) fn aspects(&self) -> Vec<(&'static str, String)> {
        let short = |heading: &str| match heading {
            "What was seen" => "Seen",
            "Why the peer closes" => "Why",
            "How we know" => "Known by",
            "What would prove us wrong" => "Wrong if",
            "Fix" => "Fix",
            _ => "",
        };
        let mut aspects = vec![("In short", format!("{}.", crate::diagnosis::words::sentence(self.summary)))];
        for section in self.documentation.split("\n## ").skip(1) {
            let (heading, body) = section.split_once('\n').unwrap_or((section, ""));
            let label = short(heading.trim());
            if !label.is_empty() {
                aspects.push((label, body.split_whitespace().collect::<Vec<_>>().join(" ")));
            }
        }
        aspects.push(("Codes", self.code_list()));
        aspects
    }

    fn code_list(&self) -> String {
        self.codes.iter().map(|c| format!("{} {}", c.code, c.name)).collect::<Vec<_>>().join(", ")
    }

    pub(super) fn page(&self) -> Page {
        // Its heading is the id, which stands above the summary already.
        let heading = format!("# {}\n", self.id);
        let body = self.documentation.strip_prefix(&heading).unwrap_or(self.documentation).trim_start();
        let mut page = Page::new(
            self.id.to_owned(),
            vec![
                Section::text("Codes that it can hide behind", self.code_list()),
                Section::text("Told apart from", self.alternatives.join(", ")),
            ],
        );
        page.body = format!("{}\n\n{body}", self.summary);
        page
    }
}
