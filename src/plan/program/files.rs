//! The files that functions read: noted while planning, so that a saved plan has them, and answered
//! from the notes while it is applied.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::environment::Files;

/// What functions have asked of files. Paths start from the configuration's directory where they lie
/// within it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// Contents that were read, in base 64.
    #[serde(default, with = "contents", skip_serializing_if = "BTreeMap::is_empty")]
    pub contents: BTreeMap<PathBuf, Vec<u8>>,
    /// Names in directories that were listed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lists: BTreeMap<PathBuf, Vec<String>>,
    /// What was found to exist.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub existing: BTreeSet<PathBuf>,
    /// What was found to be a directory.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub directories: BTreeSet<PathBuf>,
}

mod contents {
    use std::collections::BTreeMap;
    use std::path::PathBuf;

    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        contents: &BTreeMap<PathBuf, Vec<u8>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_map(contents.iter().map(|(path, bytes)| (path, STANDARD.encode(bytes))))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<PathBuf, Vec<u8>>, D::Error> {
        let texts = BTreeMap::<PathBuf, String>::deserialize(deserializer)?;
        texts
            .into_iter()
            .map(|(path, text)| {
                let bytes = STANDARD.decode(text).map_err(serde::de::Error::custom)?;
                Ok((path, bytes))
            })
            .collect()
    }
}

/// Passes questions on and notes the answers.
pub(super) struct Recording {
    files: Arc<dyn Files>,
    base: PathBuf,
    record: Mutex<FileRecord>,
}

impl Recording {
    pub(super) fn new(files: Arc<dyn Files>, base: PathBuf) -> Self {
        Self { files, base, record: Mutex::default() }
    }

    pub(super) fn record(&self) -> FileRecord {
        self.record.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, path: &Path, note: impl FnOnce(&mut FileRecord, PathBuf)) {
        let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        note(&mut record, within(&self.base, path));
    }
}

impl Files for Recording {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let bytes = self.files.read(path)?;
        self.note(path, |record, path| {
            record.contents.insert(path, bytes.clone());
        });
        Ok(bytes)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<String>> {
        let names = self.files.list(directory)?;
        self.note(directory, |record, path| {
            record.lists.insert(path, names.clone());
        });
        Ok(names)
    }

    fn exists(&self, path: &Path) -> bool {
        let exists = self.files.exists(path);
        if exists {
            self.note(path, |record, path| {
                record.existing.insert(path);
            });
        }
        exists
    }

    fn is_directory(&self, path: &Path) -> bool {
        let is_directory = self.files.is_directory(path);
        if is_directory {
            self.note(path, |record, path| {
                record.directories.insert(path);
            });
        }
        is_directory
    }
}

/// Answers from a record; what was not noted was not there.
#[derive(Debug)]
pub(super) struct Replay {
    pub(super) record: FileRecord,
    pub(super) base: PathBuf,
}

impl Files for Replay {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let bytes = self.record.contents.get(&within(&self.base, path));
        bytes.cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<String>> {
        let names = self.record.lists.get(&within(&self.base, directory));
        names.cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn exists(&self, path: &Path) -> bool {
        let path = within(&self.base, path);
        self.record.existing.contains(&path) || self.record.contents.contains_key(&path)
    }

    fn is_directory(&self, path: &Path) -> bool {
        self.record.directories.contains(&within(&self.base, path))
    }
}

/// Returns a path as it is noted: relative to the base where it lies within it.
fn within(base: &Path, path: &Path) -> PathBuf {
    path.strip_prefix(base).unwrap_or(path).to_path_buf()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::MemoryFiles;

    #[test]
    fn what_was_read_is_answered_again_from_another_place() {
        let files = [("cfg/a.txt", &b"a\xff"[..]), ("cfg/d/b.txt", b"b"), ("/etc/c", b"c")];
        let files = MemoryFiles(files.map(|(p, t)| (p.into(), t.to_vec())).into());
        let recording = Recording::new(Arc::new(files), "cfg".into());
        assert_eq!(recording.read(Path::new("cfg/a.txt")).unwrap(), b"a\xff");
        assert_eq!(recording.read(Path::new("/etc/c")).unwrap(), b"c");
        assert_eq!(recording.list(Path::new("cfg/d")).unwrap(), ["b.txt"]);
        assert!(recording.exists(Path::new("cfg/d/b.txt")));
        assert!(recording.is_directory(Path::new("cfg/d")));
        let stored = serde_json::to_string(&recording.record()).unwrap();
        let replay =
            Replay { record: serde_json::from_str(&stored).unwrap(), base: PathBuf::new() };
        assert_eq!(replay.read(Path::new("a.txt")).unwrap(), b"a\xff");
        assert_eq!(replay.read(Path::new("/etc/c")).unwrap(), b"c");
        assert_eq!(replay.list(Path::new("d")).unwrap(), ["b.txt"]);
        assert!(replay.exists(Path::new("d/b.txt")) && replay.exists(Path::new("a.txt")));
        assert!(replay.is_directory(Path::new("d")) && !replay.is_directory(Path::new("a.txt")));
        assert!(replay.read(Path::new("d/b.txt")).is_err());
    }
}
