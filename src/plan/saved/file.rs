//! The form of a saved plan: lines of JSON, written and read one by one, so that a large plan is never
//! held a second time.
//!
//! The first line is a header with the SHA-256 of all that follows it. The second holds everything but
//! the changes and operations, and how many there are of each. Then comes a line for each change and
//! one for each operation, in their order.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufWriter, Cursor, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::sharing::Sharing;
use super::{Loaded, SavedPlan, SavedPlanError, VERSION};
use crate::plan::digest::hex;
use crate::plan::{Change, Operation, Plan};

/// What the header calls the file.
const FORMAT: &str = "natform-plan";

/// How many bytes are gathered before they are hashed and written.
const CHUNK: usize = 1 << 16;

#[derive(Debug, Serialize, Deserialize)]
struct Header {
    format: String,
    version: u64,
    natform: String,
    sha256: String,
}

/// The second line.
#[derive(Debug, Serialize, Deserialize)]
struct Head<S> {
    changes: usize,
    operations: usize,
    saved: S,
}

/// Writes a plan and returns its digest. The same plan gives the same bytes.
///
/// # Errors
/// Returns the first error of `out`, which must be empty.
pub fn write(saved: &SavedPlan, out: &mut (impl Write + Seek)) -> io::Result<String> {
    let digest_of_nothing = hex(&[0; 32]);
    header(&digest_of_nothing, out)?;
    let mut body = BufWriter::with_capacity(CHUNK, Hashing { out, sha256: Sha256::new() });
    let plan = &saved.plan;
    let (changes, operations) = (plan.changes.len(), plan.operations.len());
    line(&Head { changes, operations, saved }, &mut body)?;
    plan.changes.iter().try_for_each(|change| line(change, &mut body))?;
    plan.operations.iter().try_for_each(|operation| line(operation, &mut body))?;
    let Hashing { out, sha256 } = body.into_inner().map_err(io::IntoInnerError::into_error)?;
    let digest = hex(&sha256.finalize());
    out.seek(SeekFrom::Start(0))?;
    header(&digest, out)?;
    out.flush()?;
    Ok(digest)
}

fn header(digest: &str, out: &mut impl Write) -> io::Result<()> {
    let header = Header {
        format: FORMAT.to_owned(),
        version: VERSION,
        natform: env!("CARGO_PKG_VERSION").to_owned(),
        sha256: digest.to_owned(),
    };
    line(&header, out)
}

fn line<T: Serialize>(content: &T, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, content)?;
    out.write_all(b"\n")
}

/// Hashes what it passes on.
struct Hashing<'w, W> {
    out: &'w mut W,
    sha256: Sha256,
}

impl<W: Write> Write for Hashing<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.sha256.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Returns a file's contents and the plan's digest.
///
/// # Errors
/// Returns an error where a value cannot be written as JSON.
pub fn encode(saved: &SavedPlan) -> io::Result<(Vec<u8>, String)> {
    let mut out = Cursor::new(Vec::new());
    let digest = write(saved, &mut out)?;
    Ok((out.into_inner(), digest))
}

/// Reads a file's contents. Anything but an undamaged plan of a known version is an error.
pub fn decode(mut bytes: &[u8]) -> Result<Loaded, SavedPlanError> {
    read(&mut bytes)
}

/// Reads a plan. Anything but an undamaged one of a known version is an error.
pub fn read(input: &mut dyn BufRead) -> Result<Loaded, SavedPlanError> {
    let mut buffer = Vec::new();
    next(input, &mut buffer)?;
    let header = read_header(&buffer)?;
    let mut body = Body { input, buffer, sha256: Sha256::new() };
    let saved = read_body(&mut body);
    // What was read counts for nothing unless all of it is what was written.
    body.skip_rest()?;
    let digest = hex(&body.sha256.finalize());
    if digest != header.sha256 {
        return Err(damaged("its contents do not have the digest that its header names"));
    }
    let saved = saved.map_err(|error| match error {
        // Undamaged contents of a form that is not this one's.
        SavedPlanError::Damaged { .. } if header.natform != env!("CARGO_PKG_VERSION") => {
            SavedPlanError::OtherVersion { natform: header.natform.clone() }
        }
        error => error,
    })?;
    check(&saved.plan)?;
    Ok(Loaded { saved, digest, natform: header.natform })
}

fn read_header(line: &[u8]) -> Result<Header, SavedPlanError> {
    let header: serde_json::Value =
        serde_json::from_slice(line).map_err(|_| SavedPlanError::NotAPlan)?;
    if header.get("format").and_then(|f| f.as_str()) != Some(FORMAT) {
        return Err(SavedPlanError::NotAPlan);
    }
    match header.get("version").and_then(serde_json::Value::as_u64) {
        Some(VERSION) => {}
        Some(found) if found > VERSION => return Err(SavedPlanError::Newer { found }),
        Some(found) => return Err(SavedPlanError::Older { found }),
        None => return Err(damaged("its header has no version")),
    }
    serde_json::from_value(header).map_err(|_| damaged("its header is incomplete"))
}

fn read_body(body: &mut Body<'_>) -> Result<SavedPlan, SavedPlanError> {
    let Head { changes, operations, mut saved } = body.line::<Head<SavedPlan>>()?;
    let mut sharing = Sharing::default();
    for _ in 0..changes {
        let mut change: Change = body.line()?;
        sharing.change(&mut change, saved.plan.changes.last());
        saved.plan.changes.push(change);
    }
    for _ in 0..operations {
        let mut operation: Operation = body.line()?;
        sharing.operation(&mut operation, &saved.plan.changes);
        saved.plan.operations.push(operation);
    }
    if body.skip_rest()? > 0 {
        return Err(damaged("it has more lines than it says"));
    }
    saved.plan.changes.shrink_to_fit();
    saved.plan.operations.shrink_to_fit();
    Ok(saved)
}

/// What follows the header, hashed as it is read.
struct Body<'r> {
    input: &'r mut dyn BufRead,
    buffer: Vec<u8>,
    sha256: Sha256,
}

impl Body<'_> {
    fn line<T: DeserializeOwned>(&mut self) -> Result<T, SavedPlanError> {
        next(self.input, &mut self.buffer)?;
        self.sha256.update(&self.buffer);
        serde_json::from_slice(&self.buffer)
            .map_err(|error| damaged(&format!("its contents cannot be read ({error})")))
    }

    /// Reads what is left, and returns how many bytes that was.
    fn skip_rest(&mut self) -> Result<u64, SavedPlanError> {
        let mut rest = 0;
        loop {
            let bytes = self.input.fill_buf().map_err(unreadable)?;
            let count = bytes.len();
            if count == 0 {
                return Ok(rest);
            }
            self.sha256.update(bytes);
            self.input.consume(count);
            rest += count as u64;
        }
    }
}

/// Reads a line with its end.
fn next(input: &mut dyn BufRead, line: &mut Vec<u8>) -> Result<(), SavedPlanError> {
    line.clear();
    input.read_until(b'\n', line).map(drop).map_err(unreadable)
}

fn unreadable(error: io::Error) -> SavedPlanError {
    SavedPlanError::Unreadable { why: error.to_string() }
}

/// Makes sure that indices lead somewhere, so that nothing that uses the plan has to.
fn check(plan: &Plan) -> Result<(), SavedPlanError> {
    let count = plan.operations.len();
    let sound = plan.operations.iter().enumerate().all(|(index, operation)| {
        operation.change < plan.changes.len()
            && operation.after.iter().all(|a| *a < index)
            && operation.groups.iter().all(|g| *g < plan.groups.len())
    }) && plan.groups.iter().flatten().all(|member| *member < count);
    if sound { Ok(()) } else { Err(damaged("its operations refer to others that it lacks")) }
}

fn damaged(why: &str) -> SavedPlanError {
    SavedPlanError::Damaged { why: why.to_owned() }
}

/// A file that only its owner can read, written whole or not at all: it has its name once it is
/// finished.
#[derive(Debug)]
pub struct NewFile {
    file: File,
    path: PathBuf,
    temporary: PathBuf,
    finished: bool,
}

impl NewFile {
    /// Begins a file that is to have this path.
    pub fn create(path: &Path) -> io::Result<Self> {
        let mut name = path.file_name().unwrap_or_default().to_os_string();
        name.push(format!(".{}.tmp", std::process::id()));
        let temporary = path.with_file_name(name);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&temporary)?;
        Ok(Self { file, path: path.to_owned(), temporary, finished: false })
    }

    /// Writes it and gives it its name.
    pub fn finish<T>(mut self, write: impl FnOnce(&mut File) -> io::Result<T>) -> io::Result<T> {
        let told = write(&mut self.file)?;
        self.file.sync_all()?;
        std::fs::rename(&self.temporary, &self.path)?;
        self.finished = true;
        Ok(told)
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.finished {
            let _ = std::fs::remove_file(&self.temporary);
        }
    }
}
