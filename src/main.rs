//! The program: see the library for what it does.

#![forbid(unsafe_code)]

mod cli;

use std::path::PathBuf;
use std::process::ExitCode;

use cli::Analysis;
use wsdiag::analyzer::Options;
use wsdiag::capture::InputError;

fn main() -> ExitCode {
    cli::run(std::env::args_os(), analyze)
}

fn analyze(paths: &[PathBuf], options: Options) -> Analysis {
    let analysis = wsdiag::analyzer::analyze_with(paths, &options);
    let (cut, unread): (Vec<_>, Vec<_>) = analysis.errors.iter().partition(|e| e.error.is_partial());
    let lines = |errors: Vec<&InputError>| errors.iter().map(ToString::to_string).collect();
    Analysis { report: analysis.report, errors: lines(unread), warnings: lines(cut) }
}
