//! What a cause means.

use std::io::{self, Write};

use super::args::Looks;
use super::{Outcome, complain, output};
use wsdiag::nearest::nearest;
use wsdiag::report::{Style, layout};

/// A cause and its documentation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Documented<'a> {
    /// Stable kebab-case id.
    pub(crate) id: &'a str,
    /// One line for lists.
    pub(crate) summary: &'a str,
    /// The whole, in Markdown.
    pub(crate) documentation: &'a str,
}

/// Prints the documentation of the cause called `asked`, or the list of causes when that is empty.
pub(super) fn explain(asked: &str, causes: &[Documented<'_>], looks: &Looks) -> Outcome {
    let asked = id(asked);
    let found = causes.iter().find(|c| c.id == asked);
    if found.is_none() && !asked.is_empty() {
        complain(unknown(&asked, causes));
        return Outcome::Failed;
    }
    let written = output::to_stdout(looks, |style, out| match found {
        Some(cause) => document(cause, style, out),
        None => list(causes, style, out),
    });
    match written {
        Ok(()) => Outcome::Clean,
        Err(reason) => {
            complain(format_args!("cannot write: {reason}"));
            Outcome::Failed
        }
    }
}

/// The id that somebody means who copied the heading of a report: `MESSAGE OVER LIMIT`.
fn id(asked: &str) -> String {
    asked.trim().to_lowercase().replace([' ', '_'], "-")
}

fn document(cause: &Documented<'_>, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    // Its heading is the id, which stands above the summary already.
    let heading = format!("# {}\n", cause.id);
    let body = cause.documentation.strip_prefix(&heading).unwrap_or(cause.documentation).trim_start();
    layout(&format!("{heading}{}\n\n{body}", cause.summary), style, out)
}

fn list(causes: &[Documented<'_>], style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let items = causes.iter().map(|c| format!("- {}: {}\n", c.id, c.summary)).collect::<String>();
    layout(&items, style, out)
}

fn unknown(asked: &str, causes: &[Documented<'_>]) -> String {
    match nearest(asked, causes.iter().map(|c| c.id)) {
        Some(id) => format!("no cause is called {asked:?}; did you mean {id}? \"wsdiag explain\" lists them all"),
        None => format!("no cause is called {asked:?}; \"wsdiag explain\" lists them all"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAUSES: &[Documented<'_>] = &[
        Documented {
            id: "message-over-limit",
            summary: "a message was larger than the receiver accepts",
            documentation: "## What was seen\n\nA message above what that endpoint accepted before.\n\n## Fix\n\n    max_size=4 * 2**20\n",
        },
        Documented { id: "idle-cut", summary: "TCP ended after a silence", documentation: "" },
    ];

    fn written(write: impl FnOnce(&Style, &mut dyn Write) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        write(&Style { width: 60, colour: false }, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn documentation_is_laid_out() {
        insta::assert_snapshot!(written(|style, out| document(&CAUSES[0], style, out)));
        insta::assert_snapshot!(written(|style, out| list(CAUSES, style, out)));
    }

    #[test]
    fn ids_are_read_as_reports_write_them() {
        assert_eq!(id("MESSAGE OVER LIMIT"), "message-over-limit");
        assert_eq!(id("Message-over_limit "), "message-over-limit");
    }

    #[test]
    fn unknown_causes_have_a_neighbour() {
        assert!(unknown("mesage-over-limt", CAUSES).contains("did you mean message-over-limit?"));
        assert!(!unknown("entirely-different-thing", CAUSES).contains("did you mean"));
    }
}
