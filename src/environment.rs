//! The outside world as a struct of traits: clock, identifiers, files and variables, with a real
//! implementation and fixed ones for tests. Everything that is not the same on each run comes
//! through here.

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A point in time, in milliseconds since the Unix epoch (UTC).
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Returns the time `duration` later.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// Returns how long after `earlier` this is; zero when it is not later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Formats as `YYYY-MM-DDThh:mm:ssZ`, as the service's signature wants it.
    pub fn iso8601(self) -> String {
        jiff::Timestamp::from_second(self.0.div_euclid(1000))
            .map_or_else(|_| String::from("1970-01-01T00:00:00Z"), |t| t.to_string())
    }
}

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Returns the present time.
    fn now(&self) -> Timestamp;
}

/// Makes identifiers that never repeat: tokens, nonces, lineages.
pub trait Ids: Send + Sync {
    /// Returns a new identifier in the form of a UUID (36 ASCII characters).
    fn next(&self) -> String;
}

/// Reads and writes files.
pub trait Files: Send + Sync {
    /// Reads a whole file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// Opens a file, to be read part by part where it may be large.
    fn open(&self, path: &Path) -> io::Result<Box<dyn io::BufRead>> {
        Ok(Box::new(io::Cursor::new(self.read(path)?)))
    }
    /// Lists the names of the entries of a directory, sorted.
    fn list(&self, directory: &Path) -> io::Result<Vec<String>>;
    /// Returns whether there is something at `path`.
    fn exists(&self, path: &Path) -> bool;
    /// Returns whether there is a directory at `path`.
    fn is_directory(&self, path: &Path) -> bool;
}

/// Everything that natform takes from outside, but for the network and the state.
#[derive(Clone)]
pub struct Environment {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Identifiers.
    pub ids: Arc<dyn Ids>,
    /// Files.
    pub files: Arc<dyn Files>,
    /// Environment variables of the process.
    pub variables: Arc<BTreeMap<String, String>>,
    /// The working directory of the process.
    pub working_directory: PathBuf,
}

impl Environment {
    /// Returns a path as users are shown it: relative to the working directory where it lies in that
    /// or beside it, and in full elsewhere.
    pub fn shown(&self, path: &Path) -> String {
        if path.is_relative() || self.working_directory.is_relative() {
            return path.display().to_string();
        }
        let mut base = self.working_directory.as_path();
        let mut up = PathBuf::new();
        loop {
            // Everything lies below the root directory, which says nothing.
            if base.parent().is_none() {
                return path.display().to_string();
            }
            if let Ok(rest) = path.strip_prefix(base) {
                let shown = up.join(rest);
                let is_here = shown.as_os_str().is_empty();
                return if is_here { ".".to_owned() } else { shown.display().to_string() };
            }
            let Some(parent) = base.parent() else { return path.display().to_string() };
            base = parent;
            up.push("..");
            if up.components().count() > 3 {
                return path.display().to_string();
            }
        }
    }

    /// Returns the environment of this process.
    pub fn real() -> Self {
        Self {
            clock: Arc::new(RealClock),
            ids: Arc::new(RandomIds),
            files: Arc::new(RealFiles),
            variables: Arc::new(
                std::env::vars_os()
                    .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
                    .collect(),
            ),
            working_directory: std::env::current_dir().unwrap_or_else(|_| PathBuf::from(".")),
        }
    }

    /// Returns a variable's value, if it is set and not empty.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|v| !v.is_empty())
    }
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy)]
pub struct RealClock;

impl Clock for RealClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that may ask")]
    fn now(&self) -> Timestamp {
        let since =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// A clock that moves only when told.
#[derive(Debug, Clone, Default)]
pub struct ManualClock(Arc<Mutex<Timestamp>>);

impl ManualClock {
    /// Creates a clock that stands at `now`.
    pub fn at(now: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(now)))
    }

    /// Moves the clock forward.
    pub fn advance(&self, duration: Duration) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now = now.after(duration);
    }

    /// Puts the clock to `now`.
    pub fn set(&self, now: Timestamp) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Random identifiers (UUID version 4).
#[derive(Debug, Clone, Copy)]
pub struct RandomIds;

impl Ids for RandomIds {
    fn next(&self) -> String {
        uuid::Uuid::new_v4().to_string()
    }
}

/// Identifiers that follow from a seed, for tests and simulation.
#[derive(Debug)]
pub struct SeededIds {
    seed: u64,
    count: AtomicU64,
}

impl SeededIds {
    /// Creates the sequence of `seed`.
    pub fn new(seed: u64) -> Self {
        Self { seed, count: AtomicU64::new(0) }
    }
}

impl Ids for SeededIds {
    fn next(&self) -> String {
        let n = self.count.fetch_add(1, Ordering::Relaxed);
        uuid::Uuid::from_u64_pair(self.seed, n).to_string()
    }
}

/// The files of the machine.
#[derive(Debug, Clone, Copy)]
pub struct RealFiles;

/// Most that is read of a file, in bytes.
const MAX_FILE: u64 = 1 << 30;
/// Most that is read of what is no file and may never end, such as a pipe or a device, in bytes.
const MAX_STREAM: u64 = 64 << 20;

impl Files for RealFiles {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let file = std::fs::File::open(path)?;
        let about = file.metadata()?;
        let limit = if about.is_file() { MAX_FILE } else { MAX_STREAM };
        let mut bytes = Vec::with_capacity(usize::try_from(about.len().min(limit)).unwrap_or(0));
        file.take(limit + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > limit {
            let message = format!("it has more than {} MiB", limit >> 20);
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
        }
        Ok(bytes)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn io::BufRead>> {
        Ok(Box::new(io::BufReader::with_capacity(1 << 16, std::fs::File::open(path)?)))
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(directory)? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    }

    fn exists(&self, path: &Path) -> bool {
        path.exists()
    }

    fn is_directory(&self, path: &Path) -> bool {
        path.is_dir()
    }
}

/// Files held in memory, for tests and for the sources inside a saved plan.
#[derive(Debug, Clone, Default)]
pub struct MemoryFiles(pub BTreeMap<PathBuf, Vec<u8>>);

impl Files for MemoryFiles {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.0.get(path).cloned().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<String>> {
        let mut names: Vec<String> = self
            .0
            .keys()
            .filter_map(|p| p.strip_prefix(directory).ok()?.components().next())
            .map(|c| c.as_os_str().to_string_lossy().into_owned())
            .collect();
        names.dedup();
        Ok(names)
    }

    fn exists(&self, path: &Path) -> bool {
        self.0.contains_key(path) || self.is_directory(path)
    }

    fn is_directory(&self, path: &Path) -> bool {
        self.0.keys().any(|p| p != path && p.starts_with(path))
    }
}
