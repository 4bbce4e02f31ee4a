//! The command line: arguments in, report out, a number for the shell.

mod args;
mod explain;
mod interrupt;
mod output;
mod run;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use args::{Arguments, Command};
use wsdiag::analyzer::Options;
use wsdiag::report::model::Report;

/// What analyzing captures came to: a report, complete or not, and what kept it from being complete.
pub(crate) struct Analysis {
    pub(crate) report: Report,
    /// One line for each input of which nothing could be read: `FILE: reason`.
    pub(crate) errors: Vec<String>,
    /// One line for each input that was read up to a cut: what was read is reported, and the report says where it ends.
    pub(crate) warnings: Vec<String>,
}

/// How a run ended, as the shell sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// Everything was read and nothing is wrong.
    Clean = 0,
    /// At least one problem was found.
    Problem = 1,
    /// The input or the arguments could not be read, or the report not written.
    Failed = 2,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        ExitCode::from(outcome as u8)
    }
}

/// Runs wsdiag with these arguments, the program's name first.
pub(crate) fn run(
    arguments: impl IntoIterator<Item = OsString>,
    analyze: impl Fn(&[PathBuf], Options) -> Analysis,
) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(usage) => {
            // Help and version are errors to clap; it knows which stream and which code each has. A reader that has
            // gone away is no reason to fail.
            let _ = usage.print();
            return ExitCode::from(u8::try_from(usage.exit_code()).unwrap_or(2));
        }
    };
    let outcome = match &arguments.command {
        Some(Command::Explain(asked)) => explain::explain(asked, &arguments.looks),
        None => run::run(&arguments, analyze),
    };
    outcome.into()
}

/// Says on standard error why something failed. With standard error gone there is nobody left to tell.
fn complain(reason: impl std::fmt::Display) {
    let _ = writeln!(io::stderr(), "wsdiag: {reason}");
}
