//! A cause: its documentation, and the codes that it hides behind.

use serde::Serialize;

use super::page::{Page, Section};
use crate::diagnosis::finding::Cause;
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
    /// Codes that it can hide behind, the numbers and names.
    pub codes: Vec<(u16, &'static str)>,
}

impl CauseExplanation {
    pub(super) fn of(cause: &Cause) -> CauseExplanation {
        let codes = close_codes().iter().filter(|c| c.code_end.is_none() && c.causes.iter().any(|id| id == cause.id));
        CauseExplanation {
            id: cause.id,
            summary: cause.summary,
            documentation: cause.documentation,
            codes: codes.map(|c| (c.code, c.name.as_str())).collect(),
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
        self.codes.iter().map(|(code, name)| format!("{code} {name}")).collect::<Vec<_>>().join(", ")
    }

    pub(super) fn page(&self) -> Page {
        // Its heading is the id, which stands above the summary already.
        let heading = format!("# {}\n", self.id);
        let body = self.documentation.strip_prefix(&heading).unwrap_or(self.documentation).trim_start();
        let sections = vec![Section::text("Codes that it can hide behind", self.code_list())];
        Page { title: self.id.to_owned(), body: format!("{}\n\n{body}", self.summary), sections }
    }
}
