//! The SQLite backend: opening, locking and the two doors of [`Store`].
//!
//! Reading never creates or changes a file. Writing happens only under the lock, each list of writes
//! in one transaction that is on disk when it returns: the log is synced with every transaction (WAL,
//! `synchronous=FULL`). What the file lost since it was written is told by its `witness`.

use std::fs::OpenOptions;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::backup;
use super::fault::Fault;
use super::migration::{self, Found, MIGRATIONS};
use super::store::{Lock, LockInfo, StateError, Store};
use super::witness::{self, Mark, Record, Seal, Witness};
use super::{JournalEntry, RunRecord, Snapshot, Write, journal, lock, mount, read, write};
use crate::environment::{Clock, Environment, Ids};

/// How long a statement waits for another process's short transaction.
const BUSY: Duration = Duration::from_secs(10);

/// What is done with each connection that writes, before its first transaction.
type Setup = Arc<dyn Fn(&mut Connection) -> rusqlite::Result<()> + Send + Sync>;

/// How many calls a run journals before the room that their rows leave when they are closed is worth
/// writing the file anew.
const MANY_CALLS: i64 = 1000;

/// How often a file is looked at again that other processes keep writing.
const LOOKS: usize = 5;

/// A state in a SQLite file.
pub struct SqliteStore {
    path: PathBuf,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    pub(super) writer: Option<Connection>,
    /// The run that later commits belong to.
    run: Option<i64>,
    witness: Witness,
    /// The serial that the backup holds, where known.
    backed_up: Option<i64>,
    steps: &'static [&'static str],
    /// The copy that was made before the file was brought to the present version.
    backup: Option<PathBuf>,
    setup: Option<Setup>,
}

/// A file that was judged and is open for reading.
struct Examined {
    connection: Connection,
    found: Found,
    mark: Option<Mark>,
    /// Whether its bytes are known to be those that natform wrote.
    sealed: bool,
}

impl SqliteStore {
    /// Names the state at `path`. Writes nothing.
    pub fn new(path: impl Into<PathBuf>, environment: &Environment) -> Self {
        let given: PathBuf = path.into();
        // What lies beside the state lies where a link leads.
        let path = if given.is_symlink() { given.canonicalize().unwrap_or(given) } else { given };
        Self {
            witness: Witness::new(&path),
            path,
            clock: Arc::clone(&environment.clock),
            ids: Arc::clone(&environment.ids),
            writer: None,
            run: None,
            backed_up: None,
            steps: MIGRATIONS,
            backup: None,
            setup: None,
        }
    }

    /// Returns the copy that taking the lock made of a file of an older version, before it brought
    /// the file to the present one.
    pub fn backup(&self) -> Option<&Path> {
        self.backup.as_deref()
    }

    /// Has `setup` done with each connection that writes, once it is otherwise ready: to watch its
    /// statements, or to do without durability in a test.
    #[must_use]
    pub fn with_setup(mut self, setup: Setup) -> Self {
        self.setup = Some(setup);
        self
    }

    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn steps(&self) -> &'static [&'static str] {
        self.steps
    }

    #[cfg(test)]
    pub(super) fn with_migrations(mut self, steps: &'static [&'static str]) -> Self {
        self.steps = steps;
        self
    }

    /// Runs `f` on one consistent view of the file, or returns `None` when nothing was written yet.
    pub(super) fn view<T>(
        &self,
        f: impl FnOnce(&Connection) -> Result<T, Fault>,
    ) -> Result<Option<T>, StateError> {
        let within = |connection: &Connection| {
            let transaction = connection.unchecked_transaction()?;
            let result = f(&transaction)?;
            transaction.finish()?;
            Ok(result)
        };
        let result = match &self.writer {
            Some(writer) => within(writer),
            None => match self.reader()? {
                Some(reader) => within(&reader),
                None => return Ok(None),
            },
        };
        result.map(Some).map_err(|fault: Fault| fault.at("read", &self.path))
    }

    /// Checks that the lock is this state's, opens the file where that has not been done (making it
    /// at the first write) and runs `f` in one transaction.
    pub(super) fn change<T>(
        &mut self,
        lock: &Lock,
        f: impl FnOnce(&write::Writer<'_>) -> Result<T, Fault>,
    ) -> Result<T, StateError> {
        let held = self.check_lock(lock)?;
        let mut connection = match self.writer.take() {
            Some(connection) => connection,
            None => self.open_writer(true)?.ok_or_else(|| missing(&self.path))?,
        };
        let result = self.transact(&mut connection, held, f);
        self.writer = Some(connection);
        let (result, run, mark) =
            result.map_err(|fault: Fault| fault.at("write to", &self.path))?;
        self.run = run;
        if let Some(mark) = mark {
            let serial = mark.serial;
            self.witness.note(mark, self.clock.now());
            if run.is_none() {
                self.seal(serial);
            }
        }
        Ok(result)
    }

    fn transact<T>(
        &mut self,
        connection: &mut Connection,
        held: &lock::FileLock,
        f: impl FnOnce(&write::Writer<'_>) -> Result<T, Fault>,
    ) -> Result<(T, Option<i64>, Option<Mark>), Fault> {
        self.witness.unseal()?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if !held.is_current() {
            return Err(Fault::Refused {
                why: String::from("the lock was taken away from this run"),
                help: String::from(
                    "somebody ran `natform force-unlock -force`; what this run left unfinished is \
                     finished by the next one",
                ),
            });
        }
        let writer = write::Writer::new(&transaction, &*self.clock, &*self.ids, self.run);
        let result = f(&writer)?;
        let run = writer.run();
        let mark = Mark::of(&transaction)?;
        self.witness.allow(mark.as_ref())?;
        transaction.commit()?;
        Ok((result, run, mark))
    }

    /// Refuses a lock of another state.
    pub(super) fn check_lock<'l>(&self, lock: &'l Lock) -> Result<&'l lock::FileLock, StateError> {
        let held = lock.guard.downcast_ref::<lock::FileLock>();
        held.filter(|held| held.state == self.path).ok_or_else(|| StateError::Refused {
            why: format!("the lock is not one of the state `{}`", self.path.display()),
            help: String::from("this is a mistake of natform's; report it"),
        })
    }

    /// Folds the log into the file, notes what its bytes are and keeps a copy. None of it is needed:
    /// what fails here makes the next run look closer.
    fn seal(&mut self, serial: i64) {
        let Some(connection) = &self.writer else { return };
        // Who reads at this moment is not waited for.
        let _ = connection.busy_timeout(Duration::ZERO);
        // A row of the journal shrinks when it is closed, and its page stays as empty as it is then.
        let calls = "SELECT count(*) FROM journal WHERE run = (SELECT max(id) FROM run)";
        let calls = connection.query_row(calls, [], |row| row.get::<_, i64>(0));
        if calls.is_ok_and(|calls| calls >= MANY_CALLS) {
            let _ = connection.execute_batch("VACUUM");
        }
        let busy = connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0));
        let _ = connection.busy_timeout(BUSY);
        if !matches!(busy, Ok(false)) {
            return;
        }
        if let Ok(seal) = Seal::of(&self.path) {
            self.witness.seal(seal);
        }
        if self.backed_up != Some(serial) && backup::keep(&self.path).is_ok() {
            self.backed_up = Some(serial);
        }
    }

    /// Opens the file for reading. A file of an older version is read through a copy in memory.
    fn reader(&self) -> Result<Option<Connection>, StateError> {
        check_place(&self.path, "read")?;
        let Some(Examined { connection, found, .. }) = self.examine()? else { return Ok(None) };
        match found {
            Found::Empty => Ok(None),
            Found::Version(version) if version == self.steps.len() => Ok(Some(connection)),
            found @ Found::Version(_) => upgraded_copy(&connection, found, self.steps)
                .map(Some)
                .map_err(|fault| fault.at("read", &self.path)),
        }
    }

    /// Opens the file for reading and judges whether it is a state and has what the witness knows.
    /// `None` when there is none. Changes nothing.
    fn examine(&self) -> Result<Option<Examined>, StateError> {
        let path = &self.path;
        for _ in 0..LOOKS {
            // Before the file: the file may only be later.
            let witness = witness::read(path);
            if check_file(path, self.steps)?.is_none() {
                return refuse_emptied(path, witness.as_ref()).map(|()| None);
            }
            if witness.is_none() && is_begun_only(path) {
                return Ok(None);
            }
            let connection =
                open_for_reading(path).map_err(|error| Fault::from(error).at("open", path))?;
            let found = migration::inspect(&connection, path, self.steps)?;
            let mark = match found {
                Found::Empty => None,
                Found::Version(_) => {
                    Mark::of(&connection).map_err(|error| Fault::from(error).at("read", path))?
                }
            };
            let mut sealed = false;
            if let Some(record) = &witness {
                if let Some(why) = record.lost(mark.as_ref()) {
                    return Err(StateError::Lost { path: path.clone(), why });
                }
                if let (Some(seal), true) = (&record.seal, mark.as_ref() == Some(&record.mark)) {
                    sealed = Seal::of(path).is_ok_and(|found| found == *seal);
                    if !sealed && witness::read(path).as_ref() != Some(record) {
                        continue;
                    }
                    if !sealed {
                        return Err(changed_by_others(path, record));
                    }
                }
            }
            return Ok(Some(Examined { connection, found, mark, sealed }));
        }
        let why = String::from("other processes keep writing to it");
        Err(StateError::Io { doing: "read", path: path.clone(), why })
    }

    /// Opens the file for writing, bringing it to the present version; with `create`, makes it.
    fn open_writer(&mut self, create: bool) -> Result<Option<Connection>, StateError> {
        let path = &self.path;
        let mut backup = None;
        if check_file(path, self.steps)?.is_none() {
            if !create {
                return Ok(None);
            }
            // What it says is about a file that is gone.
            self.witness.remove().map_err(|error| StateError::io("write to", path, &error))?;
            match create_private(path) {
                Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                    return Err(StateError::io("write to", path, &error));
                }
                _ => {}
            }
        }
        let failed = |error: rusqlite::Error| Fault::from(error).at("open", path);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        configure(&connection).map_err(failed)?;
        let found = migration::inspect(&connection, path, self.steps)?;
        let mode: String = connection
            .pragma_query_value(None, "journal_mode", |row| row.get(0))
            .map_err(failed)?;
        if mode != "wal" || found != Found::Version(self.steps.len()) {
            self.witness.unseal().map_err(|error| StateError::io("write to", path, &error))?;
        }
        connection.pragma_update(None, "journal_mode", "WAL").map_err(failed)?;
        connection.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
        if let Found::Version(version) = found
            && version < self.steps.len()
        {
            backup = Some(migration::back_up(&connection, path, version)?);
        }
        migration::migrate(&mut connection, found, self.steps)
            .map_err(|fault| fault.at("migrate", path))?;
        self.backup = backup.or(self.backup.take());
        if let Some(setup) = &self.setup {
            setup(&mut connection).map_err(failed)?;
        }
        Ok(Some(connection))
    }
}

impl Store for SqliteStore {
    fn snapshot(&self) -> Result<Snapshot, StateError> {
        let holder = lock::holder(&self.path);
        let mut snapshot = match self.view(read::snapshot)? {
            Some(snapshot) => snapshot,
            None => Snapshot {
                gone: witness::read(&self.path).map(|record| record.wrote()),
                ..Snapshot::default()
            },
        };
        snapshot.holder = holder;
        Ok(snapshot)
    }

    fn lock(&mut self, info: &LockInfo, timeout: Duration) -> Result<Lock, StateError> {
        check_place(&self.path, "lock")?;
        check_file(&self.path, self.steps)?;
        let guard = lock::acquire(&self.path, info, timeout)?;
        // What was opened before the lock may have been replaced by another run.
        self.writer = None;
        self.run = None;
        self.witness = Witness::new(&self.path);
        self.backed_up = None;
        if let Some(examined) = self.examine()? {
            if !examined.sealed {
                check_integrity(&examined.connection)
                    .map_err(|fault| fault.at("read", &self.path))?;
            }
            let serial = examined.mark.map(|mark| mark.serial);
            self.backed_up = serial.filter(|_| backup::path_of(&self.path).exists());
        }
        self.writer = self.open_writer(false)?;
        Ok(Lock { info: info.clone(), guard: Box::new(guard) })
    }

    fn commit(&mut self, lock: &Lock, writes: Vec<Write>) -> Result<Vec<i64>, StateError> {
        self.change(lock, |writer| writer.carry_out(writes))
    }

    fn run_of_plan(&self, digest: &str) -> Result<Option<RunRecord>, StateError> {
        Ok(self.view(|connection| Ok(read::run_of_plan(connection, digest)?))?.flatten())
    }

    fn entries_of_run(&self, run: &str) -> Result<Vec<JournalEntry>, StateError> {
        Ok(self.view(|connection| journal::of_run(connection, run))?.unwrap_or_default())
    }

    fn name(&self) -> String {
        self.path.display().to_string()
    }
}

/// Makes an empty file that only its owner can read; SQLite gives its helper files the same mode.
pub(super) fn create_private(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.sync_all()?;
    // The name must be as durable as what the file will hold.
    sync_directory(path)
}

/// Makes the names in the directory of a file durable.
pub(super) fn sync_directory(path: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    if let Some(parent) = path.parent() {
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        std::fs::File::open(parent)?.sync_all()?;
    }
    Ok(())
}

/// Returns the path of a file beside another, whose name goes on with `suffix`.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Reads all pages and compares rows with indices.
pub(super) fn check_integrity(connection: &Connection) -> Result<(), Fault> {
    let found: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if found == "ok" { Ok(()) } else { Err(Fault::Content(found)) }
}

/// Refuses a file that is empty or not there although something was written to it: a log without
/// its file would be thrown away, and an emptied file is no fresh start.
fn refuse_emptied(path: &Path, witness: Option<&Record>) -> Result<(), StateError> {
    let why = match (path.exists(), witness) {
        (true, Some(record)) => format!("the file is empty, but {}", record.wrote()),
        (false, _) if has_log(path) => {
            format!("the file is gone, but its log `{}` is there", beside(path, "-wal").display())
        }
        _ => return Ok(()),
    };
    Err(StateError::Lost { path: path.to_owned(), why })
}

/// Returns whether a run died while it made the file: SQLite would take back what there is of it, and
/// a single page holds no tables.
fn is_begun_only(path: &Path) -> bool {
    let length = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
    length(path) <= 4096 && length(&beside(path, "-journal")) > 0
}

fn changed_by_others(path: &Path, record: &Record) -> StateError {
    let why = format!(
        "its bytes are not those that natform wrote, though it ends with serial {} as it should",
        record.mark.serial
    );
    StateError::Damaged { path: path.to_owned(), why }
}

/// Checks that the directory is there and on a local disk.
fn check_place(path: &Path, doing: &'static str) -> Result<(), StateError> {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if !parent.is_dir() {
        let why = format!("the directory `{}` does not exist", parent.display());
        return Err(StateError::Io { doing, path: path.to_owned(), why });
    }
    // A state that is a link lies where the link leads.
    let real = path.canonicalize().or_else(|_| parent.canonicalize());
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    match real.ok().and_then(|real| mount::network_file_system(&mounts, &real)) {
        Some(kind) => {
            Err(StateError::NetworkFileSystem { path: path.to_owned(), kind: kind.to_owned() })
        }
        None => Ok(()),
    }
}

/// Judges a file by its first bytes, before SQLite may touch it. `None` when there is no file or
/// nothing in it.
pub(super) fn check_file(path: &Path, steps: &[&str]) -> Result<Option<()>, StateError> {
    let not_a_state =
        |why: &str| StateError::NotAState { path: path.to_owned(), why: why.to_owned() };
    let mut header = Vec::new();
    match std::fs::File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StateError::io("open", path, &error)),
        Ok(file) => {
            if file.metadata().is_ok_and(|m| m.is_dir()) {
                return Err(not_a_state("it is a directory"));
            }
            file.take(100)
                .read_to_end(&mut header)
                .map_err(|error| StateError::io("read", path, &error))?;
        }
    }
    if header.is_empty() {
        return Ok(None);
    }
    if !header.starts_with(b"SQLite format 3\0") {
        return Err(not_a_state("it is not SQLite"));
    }
    let number = |at: usize| match header.get(at..at + 4) {
        Some(&[a, b, c, d]) => Ok(i32::from_be_bytes([a, b, c, d])),
        _ => Err(StateError::Damaged {
            path: path.to_owned(),
            why: String::from("the file is cut off within its header"),
        }),
    };
    // With a write-ahead log beside it the numbers may be older than those that SQLite will see,
    // never newer; it looks again.
    migration::judge(path, number(68)?, i64::from(number(60)?), steps)?;
    Ok(Some(()))
}

/// Opens a file for reading only. Where the helper files of a write-ahead log can be made, SQLite
/// makes them and takes them away again; in a directory that is read-only and without a log, the
/// file is read as one that nobody changes.
fn open_for_reading(path: &Path) -> rusqlite::Result<Connection> {
    let read_only = OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = |flags: OpenFlags| {
        let connection = Connection::open_with_flags(path, flags)?;
        configure(&connection)?;
        // A log that a killed run left is for the next run to fold in.
        if has_log(path) {
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        }
        connection.pragma_update(None, "query_only", true)?;
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        Ok(connection)
    };
    let result = open(OpenFlags::SQLITE_OPEN_READ_WRITE | read_only)
        .or_else(|_| open(OpenFlags::SQLITE_OPEN_READ_ONLY | read_only));
    match result {
        Err(error) if is_unopenable(&error) && !has_log(path) => {
            let uri = format!("file:{}?immutable=1", uri_path(path));
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | read_only;
            let connection = Connection::open_with_flags(uri, flags)?;
            configure(&connection)?;
            Ok(connection)
        }
        result => result,
    }
}

fn is_unopenable(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly))
}

fn has_log(path: &Path) -> bool {
    std::fs::metadata(beside(path, "-wal")).is_ok_and(|log| log.len() > 0)
}

/// Writes a path as SQLite's file names with parameters want it.
pub(super) fn uri_path(path: &Path) -> String {
    let text = path.to_string_lossy();
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '%' => out.push_str("%25"),
            '?' => out.push_str("%3f"),
            '#' => out.push_str("%23"),
            c => out.push(c),
        }
    }
    out
}

pub(super) fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "foreign_keys", true)
}

/// Copies a state of an older version into memory and brings the copy up to date.
fn upgraded_copy(
    connection: &Connection,
    found: Found,
    steps: &[&str],
) -> Result<Connection, Fault> {
    let mut copy = Connection::open_in_memory()?;
    {
        let backup = rusqlite::backup::Backup::new(connection, &mut copy)?;
        while backup.step(-1)? != rusqlite::backup::StepResult::Done {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    configure(&copy)?;
    migration::migrate(&mut copy, found, steps)?;
    Ok(copy)
}

fn missing(path: &Path) -> StateError {
    let why = String::from("it was taken away while it was in use");
    StateError::Io { doing: "open", path: path.to_owned(), why }
}
