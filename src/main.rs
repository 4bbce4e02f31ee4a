//! The program: see the library for what it does.

#![forbid(unsafe_code)]

mod cli;

use std::path::PathBuf;
use std::process::ExitCode;

use cli::{Analysis, Documented};
use wsdiag::analyzer::Options;
use wsdiag::capture::InputError;

fn main() -> ExitCode {
    let causes: Vec<Documented> = wsdiag::diagnosis::causes::CAUSES
        .iter()
        .map(|c| Documented { id: c.id, summary: c.summary, documentation: c.documentation })
        .collect();
    cli::run(std::env::args_os(), analyze, &causes)
}

fn analyze(paths: &[PathBuf], options: &Options) -> Analysis {
    let analysis = wsdiag::analyzer::analyze_with(paths, options);
    let (cut, unread): (Vec<_>, Vec<_>) = analysis.errors.iter().partition(|e| e.error.is_partial());
    let lines = |errors: Vec<&InputError>| errors.iter().map(ToString::to_string).collect();
    Analysis { report: analysis.report, errors: lines(unread), warnings: lines(cut) }
}
