//! What codes, causes and implementations mean, told from the same files that diagnose.
//!
//! A question is words; an answer is a list of [`Explanation`]s, or several candidates, or what comes nearest. The formats
//! are views of an [`Answer`] and add nothing to it.

mod behaviour;
mod catalogue;
mod cause;
mod code;
mod compare;
mod implementation;
mod lookup;
mod markdown;
mod page;
mod text;

use std::io;

use serde::Serialize;

use crate::diagnosis::causes::CAUSES;
use crate::knowledge::{Implementation, Knowledge};
use crate::report::Style;
pub use behaviour::{Behaviour, Closer};
pub use catalogue::Catalogue;
pub use cause::CauseExplanation;
pub use code::{CodeExplanation, Difference};
pub use lookup::{Misunderstood, look_up};

/// Everything that is known of one thing.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Explanation {
    /// A close code or a range of them.
    Code(Box<CodeExplanation>),
    /// A cause that reports name.
    Cause(CauseExplanation),
    /// A known server, client, proxy or service.
    Implementation(&'static Implementation),
}

/// What is printed.
#[derive(Debug)]
pub enum Answer {
    /// One thing, or several beside each other.
    Explained(Vec<Explanation>),
    /// Everything there is to ask for.
    Listed(Catalogue),
}

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For a terminal.
    Text,
    /// For a ticket or a wiki.
    Markdown,
    /// For programs.
    Json,
}

impl Answer {
    /// Writes the answer in that form.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn write(&self, form: Form, style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
        match form {
            Form::Text => text::write(self, style, out),
            Form::Markdown => markdown::write(self, out),
            Form::Json => {
                match self {
                    Answer::Explained(all) => serde_json::to_writer_pretty(&mut *out, all)?,
                    Answer::Listed(catalogue) => serde_json::to_writer_pretty(&mut *out, catalogue)?,
                }
                writeln!(out)
            }
        }
    }
}

/// The implementation itself and those that build on it or on what it builds on.
fn heirs(of: &Implementation) -> impl Iterator<Item = &'static Implementation> {
    implementations().filter(move |i| i.uses.contains(&of.id))
}

/// The one line that lists give a cause.
fn summary(cause: &str) -> Option<&'static str> {
    CAUSES.iter().find(|c| c.id == cause).map(|c| c.summary)
}

/// Things of one kind together, each kind where its first was asked for.
fn kinds(all: &[Explanation]) -> Vec<Vec<&Explanation>> {
    let mut groups: Vec<Vec<&Explanation>> = Vec::new();
    for one in all {
        let kind = std::mem::discriminant(one);
        match groups.iter_mut().find(|g| g.iter().any(|e| std::mem::discriminant(*e) == kind)) {
            Some(group) => group.push(one),
            None => groups.push(vec![one]),
        }
    }
    groups
}

/// All implementations, in order of their ids.
fn implementations() -> impl Iterator<Item = &'static Implementation> {
    Knowledge::embedded().implementations().map(AsRef::as_ref)
}

/// The implementation with that id.
fn implementation(id: &str) -> Option<&'static Implementation> {
    Knowledge::embedded().implementation(id).map(AsRef::as_ref)
}
