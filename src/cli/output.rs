//! Where the report goes: standard output, or a file that appears only when it is complete.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anstream::AutoStream;
use clap::ColorChoice;

use super::args::Looks;
use wsdiag::report::{DEFAULT_WIDTH, Style};

/// Lines longer than this are hard to read, however wide the terminal.
const WIDEST: usize = 110;

/// Writes with `write` to standard output, in colour if wanted and possible. That the reader has gone away is no error:
/// it has seen what it wanted to see.
pub(super) fn to_stdout(looks: &Looks, write: impl FnOnce(&Style, &mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    to_stdout_within(WIDEST, looks, write)
}

/// The same in lines as long as the terminal is wide.
pub(super) fn to_stdout_as_wide_as_it_is(
    looks: &Looks,
    write: impl FnOnce(&Style, &mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    to_stdout_within(usize::MAX, looks, write)
}

fn to_stdout_within(
    widest: usize,
    looks: &Looks,
    write: impl FnOnce(&Style, &mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let stdout = io::stdout().lock();
    let choice = match looks.color {
        ColorChoice::Always => anstream::ColorChoice::Always,
        ColorChoice::Never => anstream::ColorChoice::Never,
        ColorChoice::Auto => AutoStream::choice(&stdout),
    };
    let style =
        Style { width: width(looks, stdout.is_terminal(), widest), colour: choice != anstream::ColorChoice::Never };
    if style.colour {
        write_all(AutoStream::new(stdout, choice), &style, write)
    } else {
        // Nothing to translate: a report of 20 MB need not be searched for colours.
        write_all(stdout, &style, write)
    }
}

fn write_all<W: Write>(
    out: W,
    style: &Style,
    write: impl FnOnce(&Style, &mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(64 * 1024, out);
    match write(style, &mut out).and_then(|()| out.flush()) {
        Err(gone) if gone.kind() == io::ErrorKind::BrokenPipe => {
            let _ = out.into_parts(); // what is left has no reader: keep it from being written on drop
            Ok(())
        }
        result => result,
    }
}

/// Writes with `write` to the file at `path`. A regular file is replaced as a whole: it keeps its old content until the
/// new one is complete. Devices and pipes are written to as they are.
pub(super) fn to_file(
    path: &Path,
    looks: &Looks,
    write: impl FnOnce(&Style, &mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let style = Style { width: width(looks, false, WIDEST), colour: looks.color == ColorChoice::Always };
    let existing = fs::metadata(path).ok();
    if existing.as_ref().is_some_and(|m| !m.is_file()) {
        let mut out = BufWriter::new(File::options().write(true).open(path)?);
        return write(&style, &mut out).and_then(|()| out.flush());
    }
    // Behind a link, the file that the link names is replaced and not the link.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let temporary = temporary_beside(&target)?;
    let mut out = BufWriter::new(File::options().write(true).create_new(true).open(&temporary)?);
    let written = write(&style, &mut out).and_then(|()| out.flush()).and_then(|()| match existing {
        Some(old) => out.get_ref().set_permissions(old.permissions()),
        None => Ok(()),
    });
    drop(out);
    let result = written.and_then(|()| fs::rename(&temporary, &target));
    if result.is_err() {
        let _ = fs::remove_file(&temporary); // the reason is in `result`; a second one would hide it
    }
    result
}

/// A name in the folder of `target` that nobody else takes.
fn temporary_beside(target: &Path) -> io::Result<PathBuf> {
    let name =
        target.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not the name of a file"))?;
    let mut temporary = OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}.part", std::process::id()));
    Ok(target.with_file_name(temporary))
}

fn width(looks: &Looks, terminal: bool, widest: usize) -> usize {
    if let Some(width) = looks.width {
        return usize::from(width);
    }
    let size = if terminal { terminal_size::terminal_size() } else { None };
    size.map_or(DEFAULT_WIDTH, |(terminal_size::Width(columns), _)| usize::from(columns).clamp(20, widest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOKS: Looks = Looks { color: ColorChoice::Auto, width: None };

    /// A folder for one test, gone with it.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Folder {
            let path = std::env::temp_dir().join(format!("wsdiag-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Folder(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_file_is_replaced_as_a_whole() {
        let folder = Folder::new("replaced");
        let path = folder.0.join("ticket.md");
        fs::write(&path, "old").unwrap();
        let failed = to_file(&path, &LOOKS, |_, out| {
            out.write_all(b"half")?;
            Err(io::Error::other("full"))
        });
        assert_eq!(failed.unwrap_err().to_string(), "full");
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        to_file(&path, &LOOKS, |style, out| write!(out, "{} {}", style.width, style.colour)).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "80 false");
        assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 1, "no temporary file stays");
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error() {
        let folder = Folder::new("missing");
        let error = to_file(&folder.0.join("none/ticket.md"), &LOOKS, |_, _| Ok(())).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[cfg(unix)]
    #[test]
    fn links_and_devices_stay() {
        let folder = Folder::new("links");
        let (target, link) = (folder.0.join("target"), folder.0.join("link"));
        fs::write(&target, "old").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        to_file(&link, &LOOKS, |_, out| out.write_all(b"new")).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&target).unwrap(), "new");
        to_file(Path::new("/dev/null"), &LOOKS, |_, out| out.write_all(b"new")).unwrap();
    }
}
