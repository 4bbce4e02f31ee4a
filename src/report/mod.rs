//! The report and its formats.
//!
//! [`model::Report`] is the one value; a format is a view of it. The formats made of prose are dressed up from one
//! outline, so that every one of them says the same sentences.

pub mod model;

mod json;
mod markdown;
mod neutral;
mod outline;
#[cfg(test)]
mod sample;
mod text;

use std::io;

pub(crate) use markdown::{code, prose};
pub use text::{DEFAULT_WIDTH, layout};
pub(crate) use text::{columns, wrap};

use model::Report;

/// Every output format, the default first. To add one, write its file and add its line here.
pub static FORMATS: &[Format] = &[text::FORMAT, json::FORMAT, markdown::FORMAT];

/// An output format.
#[derive(Debug)]
pub struct Format {
    /// What `--format` calls it.
    pub name: &'static str,
    /// One line for `--help`.
    pub description: &'static str,
    /// Extension of its files, without the dot.
    pub extension: &'static str,
    write: Write,
}

/// Writes a report in one format.
type Write = fn(&Report, &Style, &mut dyn io::Write) -> io::Result<()>;

impl Format {
    /// The format that `--format` calls `name`.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Format> {
        FORMATS.iter().find(|f| f.name == name)
    }

    /// The format whose files have this extension.
    #[must_use]
    pub fn with_extension(extension: &str) -> Option<&'static Format> {
        FORMATS.iter().find(|f| f.extension.eq_ignore_ascii_case(extension))
    }
}

/// How a report has to look where the format leaves a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Columns of a line.
    pub width: usize,
    /// Whether to mark severities and headings with colour.
    pub colour: bool,
}

impl Default for Style {
    fn default() -> Self {
        Style { width: DEFAULT_WIDTH, colour: false }
    }
}

/// Writes `report` to `out` in `format`. It writes in small pieces: give it a buffered writer.
///
/// # Errors
///
/// Those of `out`.
pub fn render(format: &Format, report: &Report, style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    (format.write)(report, style, out)
}

#[cfg(test)]
mod tests;
