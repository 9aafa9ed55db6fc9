//! The state's files: what a process that dies leaves of them, and what they are told meanwhile.
//!
//! Death between two statements is exact: at that instant the files are copied as they are, and what
//! the doomed process still does to them is undone by putting the copies back.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use natform::environment::Environment;
use natform::state::{
    JournalEntry, Lock, LockInfo, RunRecord, Snapshot, SqliteStore, StateError, Store, Write,
};
use rusqlite::trace::{TraceEvent, TraceEventCodes};

use crate::mutation::Mutation;
use crate::sim::Sim;

/// What a process that dies unwinds with.
pub(crate) struct Died;

/// Counts statements, and burns at one of them.
#[derive(Default)]
struct Fuse {
    /// Statements left to live.
    left: Option<u64>,
    /// The files as they were when it burned.
    kept: Option<BTreeMap<PathBuf, Vec<u8>>>,
}

/// The state's files.
pub(crate) struct Disk {
    directory: tempfile::TempDir,
    durable: bool,
    fuse: Arc<Mutex<Fuse>>,
}

impl Disk {
    /// Makes an empty directory in memory, or on a real disk with every write durable.
    pub(crate) fn new(durable: bool) -> Self {
        let place = if durable { env!("CARGO_TARGET_TMPDIR") } else { "/dev/shm" };
        let directory = tempfile::tempdir_in(place).or_else(|_| tempfile::tempdir()).unwrap();
        Self { directory, durable, fuse: Arc::default() }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("natform.db")
    }

    /// Opens the state; of connections that write, statements are counted.
    pub(crate) fn open(&self, environment: &Environment) -> SqliteStore {
        let (fuse, durable) = (Arc::clone(&self.fuse), self.durable);
        let directory = self.directory.path().to_owned();
        SqliteStore::new(self.path(), environment).with_setup(Arc::new(move |connection| {
            if !durable {
                connection.pragma_update(None, "synchronous", "OFF")?;
            }
            let (fuse, directory) = (Arc::clone(&fuse), directory.clone());
            let codes = TraceEventCodes::SQLITE_TRACE_STMT | TraceEventCodes::SQLITE_TRACE_PROFILE;
            connection.trace_v2(
                codes,
                Some(move |_: TraceEvent<'_>| {
                    let mut fuse = fuse.lock().unwrap();
                    let Some(left) = fuse.left.as_mut() else { return };
                    *left = left.saturating_sub(1);
                    if *left == 0 && fuse.kept.is_none() {
                        fuse.kept = Some(copies(&directory));
                    }
                }),
            )
        }))
    }

    /// Has the process die at the n-th beginning or end of a statement; `None`: at none.
    pub(crate) fn arm(&self, statement: Option<u64>) {
        *self.fuse.lock().unwrap() = Fuse { left: statement, kept: None };
    }

    /// Has the process die now.
    pub(crate) fn burn(&self) {
        let mut fuse = self.fuse.lock().unwrap();
        if fuse.kept.is_none() {
            fuse.kept = Some(copies(self.directory.path()));
        }
    }

    fn has_burned(&self) -> bool {
        self.fuse.lock().unwrap().kept.is_some()
    }

    /// Brings the files back to what they were when the process died.
    pub(crate) fn restore(&self) {
        let mut fuse = self.fuse.lock().unwrap();
        let kept = fuse.kept.take().unwrap_or_default();
        for path in files(self.directory.path()) {
            if !kept.contains_key(&path) {
                std::fs::remove_file(path).unwrap();
            }
        }
        for (path, content) in kept {
            std::fs::write(path, content).unwrap();
        }
        fuse.left = None;
    }
}

/// Returns all files of a directory, but for the lock's, which its holder's death releases.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_none_or(|end| end != "lock")).collect()
}

/// Returns what the files of a directory hold, but for SQLite's shared memory, which is made anew.
fn copies(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut copies = BTreeMap::new();
    for path in files(directory) {
        if !path.to_string_lossy().ends_with("-shm") {
            let content = std::fs::read(&path).unwrap();
            copies.insert(path, content);
        }
    }
    copies
}

/// The state as a process sees it. It tells the ledger what is written, and leaves out what a
/// mutation takes away.
pub(crate) struct Watched {
    pub(crate) inner: SqliteStore,
    pub(crate) sim: Arc<Sim>,
    pub(crate) disk: Arc<Disk>,
    pub(crate) mutation: Mutation,
}

impl Watched {
    /// Dies if the fuse has burned.
    fn survive<T>(&self, result: T) -> T {
        if self.disk.has_burned() {
            drop(result);
            std::panic::resume_unwind(Box::new(Died));
        }
        result
    }
}

impl Store for Watched {
    fn snapshot(&self) -> Result<Snapshot, StateError> {
        let mut snapshot = self.survive(self.inner.snapshot());
        if let Ok(snapshot) = &mut snapshot {
            self.mutation.of_snapshot(snapshot);
        }
        snapshot
    }

    fn lock(&mut self, info: &LockInfo, timeout: Duration) -> Result<Lock, StateError> {
        let lock = self.inner.lock(info, timeout);
        self.survive(lock)
    }

    fn commit(&mut self, lock: &Lock, writes: Vec<Write>) -> Result<Vec<i64>, StateError> {
        let mut ledger = self.sim.ledger.lock().unwrap();
        for write in &writes {
            if let Write::Intend(entry) = write {
                ledger.intend(entry);
            }
        }
        drop(ledger);
        let (kept, dropped) = self.mutation.of_writes(writes.clone());
        let ids = self.inner.commit(lock, kept);
        let mut ids = self.survive(ids)?;
        ids.extend(std::iter::repeat_n(i64::MAX, dropped));
        self.sim.ledger.lock().unwrap().wrote(&writes);
        Ok(ids)
    }

    fn run_of_plan(&self, digest: &str) -> Result<Option<RunRecord>, StateError> {
        self.survive(self.inner.run_of_plan(digest))
    }

    fn entries_of_run(&self, run: &str) -> Result<Vec<JournalEntry>, StateError> {
        self.survive(self.inner.entries_of_run(run))
    }

    fn name(&self) -> String {
        self.inner.name()
    }
}
