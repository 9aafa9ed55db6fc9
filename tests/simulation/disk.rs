//! The state's files: what a process that dies leaves of them, and what they are told meanwhile.
//!
//! Death between two statements is exact: at that instant the files are copied as they are, and what
//! the doomed process still does to them is undone by putting the copies back.

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
    kept: Option<Vec<(PathBuf, Option<Vec<u8>>)>>,
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
        let (fuse, path, durable) = (Arc::clone(&self.fuse), self.path(), self.durable);
        SqliteStore::new(self.path(), environment).with_setup(Arc::new(move |connection| {
            if !durable {
                connection.pragma_update(None, "synchronous", "OFF")?;
            }
            let (fuse, path) = (Arc::clone(&fuse), path.clone());
            let codes = TraceEventCodes::SQLITE_TRACE_STMT | TraceEventCodes::SQLITE_TRACE_PROFILE;
            connection.trace_v2(
                codes,
                Some(move |_: TraceEvent<'_>| {
                    let mut fuse = fuse.lock().unwrap();
                    let Some(left) = fuse.left.as_mut() else { return };
                    *left = left.saturating_sub(1);
                    if *left == 0 && fuse.kept.is_none() {
                        fuse.kept = Some(copies(&path));
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
            fuse.kept = Some(copies(&self.path()));
        }
    }

    fn has_burned(&self) -> bool {
        self.fuse.lock().unwrap().kept.is_some()
    }

    /// Brings the files back to what they were when the process died.
    pub(crate) fn restore(&self) {
        let mut fuse = self.fuse.lock().unwrap();
        for (path, content) in fuse.kept.take().unwrap_or_default() {
            match content {
                Some(content) => std::fs::write(&path, content).unwrap(),
                None => drop(std::fs::remove_file(&path)),
            }
        }
        drop(std::fs::remove_file(beside(&self.path(), "-shm")));
        fuse.left = None;
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn copies(path: &Path) -> Vec<(PathBuf, Option<Vec<u8>>)> {
    [path.to_owned(), beside(path, "-wal")]
        .into_iter()
        .map(|path| {
            let content = std::fs::read(&path).ok();
            (path, content)
        })
        .collect()
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
