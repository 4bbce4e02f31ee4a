//! What the command line names: files, folders, standard input.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::error::{CaptureError, InputError};
use crate::limits;

/// The name that stands for standard input.
pub const STANDARD_INPUT: &str = "-";

/// Something to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Input {
    /// As it was given, or as found in a folder.
    pub(super) path: PathBuf,
    pub(super) kind: Kind,
    /// The folder that it was found in, as an index into the folders given: there, what is no capture is passed over.
    pub(super) folder: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    StandardInput,
    /// Can be read again.
    File,
    /// Can be read once.
    Pipe,
}

/// What there is to read.
#[derive(Debug, Default)]
pub(super) struct Inputs {
    pub(super) inputs: Vec<Input>,
    pub(super) folders: Vec<PathBuf>,
    pub(super) errors: Vec<InputError>,
}

impl Inputs {
    /// Looks into folders, and at each file once however often it is named.
    pub(super) fn find(paths: &[PathBuf]) -> Inputs {
        let (mut found, mut seen) = (Inputs::default(), HashSet::new());
        for path in paths {
            if path.as_os_str() == STANDARD_INPUT {
                found.add(path, Kind::StandardInput, None, &mut seen);
                continue;
            }
            match fs::metadata(path) {
                Err(error) => found.errors.push(InputError { path: path.clone(), error: error.into() }),
                Ok(of) if of.is_dir() => {
                    if !seen.insert(fs::canonicalize(path).unwrap_or_else(|_| path.clone())) {
                        found.errors.push(InputError { path: path.clone(), error: CaptureError::Twice });
                        continue;
                    }
                    let folder = found.folders.len();
                    found.folders.push(path.clone());
                    found.look_into(path, folder, limits::FOLDER_DEPTH, &mut seen);
                }
                Ok(of) => {
                    let kind = if of.is_file() { Kind::File } else { Kind::Pipe };
                    found.add(path, kind, None, &mut seen);
                }
            }
        }
        if found.inputs.len() > limits::FILES {
            let left = found.inputs.split_off(limits::FILES);
            let path = left.first().map_or_else(PathBuf::new, |i| i.path.clone());
            found.errors.push(InputError { path, error: CaptureError::TooManyFiles(left.len()) });
        }
        found
    }

    fn add(&mut self, path: &Path, kind: Kind, folder: Option<usize>, seen: &mut HashSet<PathBuf>) {
        let place = match kind {
            Kind::StandardInput => PathBuf::from(STANDARD_INPUT),
            Kind::File | Kind::Pipe => fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()),
        };
        if seen.insert(place) {
            self.inputs.push(Input { path: path.to_owned(), kind, folder });
        } else {
            self.errors.push(InputError { path: path.to_owned(), error: CaptureError::Twice });
        }
    }

    /// Adds the files of a folder by name, those of the folders in it behind them.
    fn look_into(&mut self, path: &Path, folder: usize, depth: usize, seen: &mut HashSet<PathBuf>) {
        let mut entries: Vec<fs::DirEntry> = match fs::read_dir(path) {
            Ok(entries) => entries.filter_map(Result::ok).collect(),
            Err(error) => {
                self.errors.push(InputError { path: path.to_owned(), error: error.into() });
                return;
            }
        };
        entries.sort_by_key(fs::DirEntry::file_name);
        let mut below = Vec::new();
        for entry in entries {
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                below.push(entry.path());
            } else if fs::metadata(entry.path()).is_ok_and(|of| of.is_file()) {
                self.add(&entry.path(), Kind::File, Some(folder), seen);
            }
        }
        if depth > 1 {
            below.iter().for_each(|path| self.look_into(path, folder, depth - 1, seen));
        }
    }
}
