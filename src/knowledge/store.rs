//! All that is known of implementations in one run: the embedded files, and those that a user adds.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use serde::Deserialize;

use super::embedded::FILES;
use super::fingerprint::Fingerprint;
use super::implementation::Implementation;

/// What is known of implementations: a value that is handed down to the diagnosis.
///
/// A file is parsed when it is first needed: its fingerprints when one end is to be recognised, the rest when its
/// implementation was.
#[derive(Debug)]
pub struct Knowledge {
    /// In order of the ids.
    files: Vec<File>,
}

/// One knowledge file.
#[derive(Debug)]
struct File {
    id: String,
    text: std::borrow::Cow<'static, str>,
    fingerprints: OnceLock<Vec<Fingerprint>>,
    implementation: OnceLock<Option<Arc<Implementation>>>,
}

impl File {
    fn new(id: String, text: std::borrow::Cow<'static, str>) -> File {
        File { id, text, fingerprints: OnceLock::new(), implementation: OnceLock::new() }
    }
}

impl Default for Knowledge {
    fn default() -> Self {
        Knowledge::with(BTreeMap::new())
    }
}

impl Knowledge {
    /// The embedded files alone, parsed once for all who ask.
    #[must_use]
    pub fn embedded() -> &'static Knowledge {
        static EMBEDDED: OnceLock<Knowledge> = OnceLock::new();
        EMBEDDED.get_or_init(Knowledge::default)
    }

    /// The embedded files and the texts in `added`, by their ids; an embedded file of the same id is replaced.
    pub(super) fn with(mut added: BTreeMap<String, String>) -> Knowledge {
        let embedded = FILES.iter().map(|(id, text)| {
            let text = added.remove(*id).map_or((*text).into(), Into::into);
            File::new((*id).to_owned(), text)
        });
        let mut files: Vec<File> = embedded.collect();
        files.extend(added.into_iter().map(|(id, text)| File::new(id, text.into())));
        files.sort_by(|a, b| a.id.cmp(&b.id));
        Knowledge { files }
    }

    /// The ids of all implementations, in order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|f| f.id.as_str())
    }

    fn file(&self, id: &str) -> Option<&File> {
        let index = self.files.binary_search_by(|f| f.id.as_str().cmp(id)).ok()?;
        self.files.get(index)
    }

    /// The implementation with that id.
    #[must_use]
    pub fn implementation(&self, id: &str) -> Option<&Arc<Implementation>> {
        self.parsed(self.file(id)?)
    }

    /// All implementations in order of their ids. Parses every file, so ask for one by id where that is enough.
    pub fn implementations(&self) -> impl Iterator<Item = &Arc<Implementation>> {
        self.files.iter().filter_map(|f| self.parsed(f))
    }

    fn parsed<'k>(&'k self, file: &'k File) -> Option<&'k Arc<Implementation>> {
        let parse = || {
            let mut parsed = Implementation::parse(&file.text).ok()?;
            let used = parsed.uses.iter().filter_map(|id| Implementation::parse(&self.file(id)?.text).ok());
            parsed.inherited = used.collect();
            Some(Arc::new(parsed))
        };
        file.implementation.get_or_init(parse).as_ref()
    }

    /// The fingerprints of all files, each with the id of its file. Of an embedded file only the part that holds them is
    /// parsed.
    pub(super) fn fingerprints(&self) -> impl Iterator<Item = (&str, &[Fingerprint])> {
        self.files.iter().map(|f| (f.id.as_str(), f.fingerprints.get_or_init(|| fingerprints_in(&f.text)).as_slice()))
    }
}

/// The fingerprints of a file. Where they come first, as in the embedded ones, only they are parsed: all files are asked
/// for them on every run.
fn fingerprints_in(text: &str) -> Vec<Fingerprint> {
    #[derive(Deserialize)]
    struct Part {
        #[serde(default)]
        fingerprint: Vec<Fingerprint>,
    }
    const HEADER: &str = "\n[[fingerprint]]";
    let Some(start) = text.find(HEADER) else { return Vec::new() };
    let rest = ["\n[[limit]]", "\n[[close]]", "\n[[keepalive]]"];
    let end = rest.iter().filter_map(|t| text.find(t)).min().unwrap_or(text.len());
    let (from, to) = if end > start && !text[end..].contains(HEADER) { (start, end) } else { (0, text.len()) };
    let part: Result<Part, _> = toml::from_str(&text[from..to]);
    // Any other way to write the tables is one that the whole file explains.
    part.map(|p| p.fingerprint).or_else(|_| Implementation::parse(text).map(|i| i.fingerprints)).unwrap_or_default()
}
