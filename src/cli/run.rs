//! Captures in, report out.

use std::fs;
use std::path::{Path, PathBuf};

use super::args::Arguments;
use super::{Analysis, Outcome, complain, interrupt, output};
use wsdiag::analyzer::Options;
use wsdiag::knowledge::{Knowledge, KnowledgeError};
use wsdiag::report::{FORMATS, Format, render};

/// Analyzes the files and writes the report.
pub(super) fn run(arguments: &Arguments, analyze: impl Fn(&[PathBuf], Options) -> Analysis) -> Outcome {
    let refused = |capture: &Path| {
        let name = capture.display();
        complain(format_args!("{name}: the report would replace this capture; give --output another name"));
        Outcome::Failed
    };
    if let Some(capture) = overwritten(arguments, arguments.files.iter().map(PathBuf::as_path)) {
        return refused(capture);
    }
    let Some(format) = format(arguments) else { return Outcome::Failed };
    let knowledge = match knowledge(&arguments.knowledge) {
        Ok(knowledge) => knowledge,
        Err(errors) => {
            errors.iter().for_each(complain);
            return Outcome::Failed;
        }
    };
    let stop = match interrupt::catch(&arguments.files) {
        Ok(stop) => stop,
        Err(reason) => {
            complain(format_args!("signals cannot be caught: {reason}"));
            return Outcome::Failed;
        }
    };
    let key_log_of_environment = std::env::var_os("SSLKEYLOGFILE").filter(|name| !name.is_empty()).map(PathBuf::from);
    let options = Options { stop: stop.clone(), knowledge, key_logs: arguments.keylog.clone(), key_log_of_environment };
    let Analysis { report, errors, warnings } = analyze(&arguments.files, options);
    // From here on a signal ends the program.
    stop.now();
    warnings.into_iter().for_each(complain);
    // It may lie in a folder.
    if let Some(capture) = overwritten(arguments, report.captures.iter().map(|c| Path::new(&c.path))) {
        return refused(capture);
    }
    let written = match &arguments.output {
        None => output::to_stdout(&arguments.looks, |style, out| render(format, &report, style, out))
            .map_err(|reason| format!("cannot write the report: {reason}")),
        Some(path) => output::to_file(path, &arguments.looks, |style, out| render(format, &report, style, out))
            .map_err(|reason| format!("{}: cannot write the report: {reason}", path.display())),
    };
    let failures = errors.into_iter().chain(written.err());
    let outcome = if report.summary.problems > 0 { Outcome::Problem } else { Outcome::Clean };
    failures.fold(outcome, |_, reason| {
        complain(reason);
        Outcome::Failed
    })
}

/// What `--knowledge` adds; `None` where it adds nothing.
fn knowledge(folders: &[PathBuf]) -> Result<Option<Knowledge>, Vec<KnowledgeError>> {
    if folders.is_empty() {
        return Ok(None);
    }
    Knowledge::with_folders(folders).map(Some)
}

/// What `--format` says, or the extension of `--output`, or the default.
fn format(arguments: &Arguments) -> Option<&'static Format> {
    let extension = arguments.output.as_deref().and_then(Path::extension).and_then(|e| e.to_str());
    let chosen = arguments.format.map(|chosen| chosen.0);
    chosen.or_else(|| extension.and_then(Format::with_extension)).or_else(|| FORMATS.first())
}

/// The capture that `--output` names by mistake.
fn overwritten<'a>(arguments: &Arguments, mut captures: impl Iterator<Item = &'a Path>) -> Option<&'a Path> {
    let output = fs::canonicalize(arguments.output.as_deref()?).ok()?;
    // Devices and pipes are not replaced, and reading one while writing another is fine.
    let is_file = output.is_file();
    captures.find(|file| is_file && fs::canonicalize(file).is_ok_and(|input| input == output))
}
