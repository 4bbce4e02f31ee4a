//! Knowledge files that a user adds: read from folders, checked as the embedded ones are, all of them or none.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::check::{Fault, check};
use super::embedded::FILES;
use super::implementation::Implementation;
use super::store::Knowledge;
use crate::limits;

/// Why a folder of knowledge files was not taken.
#[derive(Debug, thiserror::Error)]
#[error("{}: {fault}", .path.display())]
pub struct KnowledgeError {
    /// The file or folder.
    pub path: PathBuf,
    /// What is wrong with it.
    pub fault: Fault,
}

impl Knowledge {
    /// The embedded knowledge and the files `*.toml` of `folders`. A file whose id is an embedded one's replaces it, and
    /// of two folders the later one decides.
    ///
    /// # Errors
    ///
    /// Says of every file that is not as it has to be what is wrong; then nothing is taken.
    pub fn with_folders(folders: &[PathBuf]) -> Result<Knowledge, Vec<KnowledgeError>> {
        let mut errors = Vec::new();
        let mut added: BTreeMap<String, (PathBuf, String)> = BTreeMap::new();
        for folder in folders {
            let files = match files_in(folder) {
                Ok(files) => files,
                Err(fault) => {
                    errors.push(KnowledgeError { path: folder.clone(), fault });
                    continue;
                }
            };
            for path in files {
                let id = path.file_stem().and_then(|s| s.to_str()).unwrap_or_default().to_owned();
                match text_of(&path) {
                    Ok(text) => {
                        added.insert(id, (path, text));
                    }
                    Err(fault) => errors.push(KnowledgeError { path, fault }),
                }
            }
        }
        let known = |id: &str| added.contains_key(id) || FILES.iter().any(|(embedded, _)| *embedded == id);
        for (id, (path, text)) in &added {
            let fault = match Implementation::read(text) {
                Ok(parsed) => check(id, &parsed, text, &known).err(),
                Err(error) => Some(Fault::of_toml(&error, text)),
            };
            errors.extend(fault.map(|fault| KnowledgeError { path: path.clone(), fault }));
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Knowledge::with(added.into_iter().map(|(id, (_, text))| (id, text)).collect()))
    }
}

/// The knowledge files of a folder, in order of their names.
fn files_in(folder: &Path) -> Result<Vec<PathBuf>, Fault> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(|e| Fault::whole(e.to_string()))? {
        let path = entry.map_err(|e| Fault::whole(e.to_string()))?.path();
        if path.extension().is_some_and(|e| e == "toml") {
            files.push(path);
        }
        if files.len() > limits::KNOWLEDGE_FILES {
            let most = limits::KNOWLEDGE_FILES;
            return Err(Fault::whole(format!("holds more than {most} .toml files, the most that are read")));
        }
    }
    if files.is_empty() {
        return Err(Fault::whole("holds no .toml file".to_owned()));
    }
    files.sort();
    Ok(files)
}

fn text_of(path: &Path) -> Result<String, Fault> {
    let mut bytes = Vec::new();
    let most = limits::KNOWLEDGE_FILE_BYTES;
    let file = fs::File::open(path).map_err(|e| Fault::whole(e.to_string()))?;
    file.take(most + 1).read_to_end(&mut bytes).map_err(|e| Fault::whole(e.to_string()))?;
    if bytes.len() as u64 > most {
        return Err(Fault::whole(format!("is larger than {most} bytes, the most that is read of a file")));
    }
    String::from_utf8(bytes).map_err(|e| {
        let before = &e.as_bytes()[..e.utf8_error().valid_up_to()];
        let line = before.iter().filter(|b| **b == b'\n').count() + 1;
        Fault { line: Some(line), reason: "is not UTF-8".to_owned() }
    })
}
