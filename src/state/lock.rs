//! The exclusive lock of a run: an operating system's lock on a file beside the state, so that it
//! is gone with the process that held it and never needs to be broken.
//!
//! The file stays where it is, since removing it would let two runs lock two files of one name. It is
//! replaced only by `unlock`, after which what the old one's holder has is no lock any more.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::store::{LockInfo, StateError};
use crate::environment::Timestamp;

/// How long to wait between two attempts.
const PAUSE: Duration = Duration::from_millis(20);

/// Waited for in any case: one who asks for the holder takes the lock for a moment.
const GRACE: Duration = Duration::from_millis(100);

/// A held lock; dropping it gives it back.
#[derive(Debug)]
pub(super) struct FileLock {
    file: File,
    /// The state that it locks.
    pub(super) state: PathBuf,
}

/// Returns the path of the lock file of a state.
pub(super) fn path_of(state: &Path) -> PathBuf {
    super::sqlite::beside(state, ".lock")
}

/// Takes the lock, waiting at most `timeout`, and notes the holder for others to read.
pub(super) fn acquire(
    state: &Path,
    info: &LockInfo,
    timeout: Duration,
) -> Result<FileLock, StateError> {
    let failed = |error: std::io::Error| StateError::io("lock", state, &error);
    let mut left = timeout.max(GRACE);
    let file = loop {
        let file = open(&path_of(state)).map_err(failed)?;
        match file.try_lock() {
            // The file may have been replaced since it was opened.
            Ok(()) if !is_at(&file, &path_of(state)) => {}
            Ok(()) => break file,
            Err(TryLockError::Error(error)) => return Err(failed(error)),
            Err(TryLockError::WouldBlock) if left.is_zero() => {
                let holder = Box::new(read(&path_of(state)).unwrap_or_else(unknown_holder));
                return Err(StateError::Locked { path: state.to_owned(), holder });
            }
            Err(TryLockError::WouldBlock) => {
                let pause = PAUSE.min(left);
                std::thread::sleep(pause);
                left = left.saturating_sub(pause);
            }
        }
    };
    let mut lock = FileLock { file, state: state.to_owned() };
    lock.note(info).map_err(failed)?;
    Ok(lock)
}

/// Returns who holds the lock at present; `None` when nobody does. Creates nothing.
pub(super) fn holder(state: &Path) -> Option<LockInfo> {
    let path = path_of(state);
    let file = File::open(&path).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Some(read(&path).unwrap_or_else(unknown_holder)),
        Ok(()) | Err(TryLockError::Error(_)) => None,
    }
}

/// Puts a new file in the place of the one that is locked.
pub(super) fn replace(state: &Path) -> std::io::Result<()> {
    let path = path_of(state);
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    open(&new)?;
    std::fs::rename(new, path)
}

/// Returns whether an open file is the one that has this name.
fn is_at(file: &File, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let (Ok(open), Ok(named)) = (file.metadata(), std::fs::metadata(path)) else {
            return false;
        };
        (open.dev(), open.ino()) == (named.dev(), named.ino())
    }
    #[cfg(not(unix))]
    {
        let _ = (file, path);
        true
    }
}

impl FileLock {
    /// Returns whether the lock is still this process's: nobody took it away.
    pub(super) fn is_current(&self) -> bool {
        is_at(&self.file, &path_of(&self.state))
    }

    fn note(&mut self, info: &LockInfo) -> std::io::Result<()> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&serde_json::to_vec(info)?)
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // Closing the file gives the lock back; an old note is only less tidy than none.
        let _ = self.file.set_len(0);
    }
}

/// Opens a file beside the state that only its owner can read, and makes it where there is none.
pub(super) fn open(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn read(path: &Path) -> Option<LockInfo> {
    let mut text = String::new();
    File::open(path).ok()?.take(16_384).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

/// Stands for a holder that has not yet written who it is.
fn unknown_holder() -> LockInfo {
    LockInfo {
        id: String::new(),
        who: String::from("another process"),
        pid: 0,
        operation: String::from("unknown"),
        since: Timestamp(0),
    }
}
