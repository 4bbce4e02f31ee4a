//! Ctrl-C while a pipe is read: the report of what came until then, and not its loss.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use wsdiag::capture::{STANDARD_INPUT, Stop};

/// Catches SIGINT and SIGTERM where something is read that may never end; the second of them ends the program as ever, and
/// so does the first once reading is over. Files are read as fast as that goes, and a signal ends that at once.
///
/// # Errors
/// Those of the system, when it allows no handler.
pub(super) fn catch(files: &[PathBuf]) -> io::Result<Stop> {
    let stop = Stop::default();
    if files.iter().any(|file| may_never_end(file)) {
        for signal in [SIGINT, SIGTERM] {
            // In this order: the first looks at what an earlier signal left.
            flag::register_conditional_shutdown(signal, 128 + signal, stop.flag())?;
            flag::register(signal, stop.flag())?;
        }
    }
    Ok(stop)
}

fn may_never_end(path: &Path) -> bool {
    path.as_os_str() == STANDARD_INPUT || fs::metadata(path).is_ok_and(|of| !of.is_file() && !of.is_dir())
}
