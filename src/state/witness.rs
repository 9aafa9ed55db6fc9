//! The witness: a small file beside the state that says what was written to it, so that a state
//! which lost what was acknowledged (an older copy in its place, its log deleted, cut off, changed
//! by another program) is told from one that did not.
//!
//! After each transaction it gets that transaction's [`Mark`], with no sync of its own: it may lag
//! the state, also after a power cut, and never runs ahead of it. When a run has ended and the log
//! is folded into the file it gets a [`Seal`] over the bytes; before the next write the seal is
//! broken, and that is synced. A witness that cannot be read says nothing, and a state without one
//! (copied to another machine) is a good state.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension};
use serde::{Deserialize, Serialize};

use super::lock;
use crate::environment::Timestamp;

/// What it is written in multiples of: a sector, so that no write tears.
const SECTOR: usize = 512;

/// No witness is longer.
const LONGEST: u64 = 16_384;

/// The form of the record.
const FORMAT: u32 = 1;

/// How far a state got. What is lost when an older copy takes its place shows in one of these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    lineage: String,
    pub(super) serial: i64,
    /// The last journal entry that was ever made.
    journal: i64,
    /// The last run.
    run: i64,
}

/// The length of a file and a checksum of its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seal {
    length: u64,
    checksum: u32,
}

/// What the witness says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    natform_witness: u32,
    #[serde(flatten)]
    pub(super) mark: Mark,
    at: Timestamp,
    /// Counts the records, so that two seals are never taken for one.
    number: u64,
    pub(super) seal: Option<Seal>,
}

/// The witness of a state that is being written.
#[derive(Debug)]
pub(super) struct Witness {
    path: PathBuf,
    file: Option<File>,
    record: Option<Record>,
}

impl Mark {
    /// Reads how far the open state is; `None` before its first write.
    pub(super) fn of(connection: &Connection) -> rusqlite::Result<Option<Self>> {
        connection
            .prepare_cached(
                "SELECT lineage, serial,
                        coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'journal'), 0),
                        coalesce((SELECT max(id) FROM run), 0)
                   FROM state",
            )?
            .query_row([], |row| {
                Ok(Self {
                    lineage: row.get(0)?,
                    serial: row.get(1)?,
                    journal: row.get(2)?,
                    run: row.get(3)?,
                })
            })
            .optional()
    }

    /// Returns whether a state at this mark holds all that one at `earlier` held.
    fn continues(&self, earlier: &Self) -> bool {
        self.lineage == earlier.lineage
            && self.serial >= earlier.serial
            && self.journal >= earlier.journal
            && self.run >= earlier.run
    }
}

impl Seal {
    /// Reads a file through.
    pub(super) fn of(path: &Path) -> std::io::Result<Self> {
        let mut file = File::open(path)?;
        let mut checksum = flate2::Crc::new();
        let mut buffer = vec![0; 1 << 18];
        let mut length = 0;
        loop {
            let read = file.read(&mut buffer)?;
            let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
            checksum.update(bytes);
            length += read as u64;
        }
        Ok(Self { length, checksum: checksum.sum() })
    }
}

impl Record {
    /// Says what a state that is at `mark` lost, if it did. Its text ends a sentence that begins
    /// with the state.
    pub(super) fn lost(&self, mark: Option<&Mark>) -> Option<String> {
        let wrote = self.wrote();
        match mark {
            None => Some(format!("nothing is in it, but {wrote}")),
            Some(mark) if mark.lineage != self.mark.lineage => Some(format!(
                "it is another state (lineage {}, serial {}), but {wrote} of lineage {}",
                mark.lineage, mark.serial, self.mark.lineage
            )),
            Some(mark) if !mark.continues(&self.mark) => Some(if mark.serial < self.mark.serial {
                format!("it ends with serial {}, but {wrote}", mark.serial)
            } else {
                format!(
                    "it ends with journal entry {} of serial {}, but entry {} was written too",
                    mark.journal, mark.serial, self.mark.journal
                )
            }),
            Some(_) => None,
        }
    }

    /// Says what was written last.
    pub(super) fn wrote(&self) -> String {
        let what = match (self.mark.serial, self.mark.journal) {
            (0, journal) => format!("journal entry {journal}"),
            (serial, _) => format!("serial {serial}"),
        };
        format!("{what} was written to it at {}", self.at.iso8601())
    }

    /// Returns the line that the file holds: a checksum and the record, filled up to a sector.
    fn line(&self) -> std::io::Result<Vec<u8>> {
        let json = serde_json::to_vec(self)?;
        let mut line = format!("{:08x} ", checksum(&json)).into_bytes();
        line.extend(json);
        let length = (line.len() + 1).next_multiple_of(SECTOR);
        line.resize(length - 1, b' ');
        line.push(b'\n');
        Ok(line)
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let line = bytes.split(|b| *b == b'\n').next()?.trim_ascii_end();
        let (sum, json) = line.split_at_checked(9)?;
        let sum = u32::from_str_radix(std::str::from_utf8(sum).ok()?.trim_end(), 16).ok()?;
        let record: Self = serde_json::from_slice(json).ok()?;
        (sum == checksum(json) && record.natform_witness == FORMAT).then_some(record)
    }
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut checksum = flate2::Crc::new();
    checksum.update(bytes);
    checksum.sum()
}

/// Returns the path of the witness of a state.
pub(super) fn path_of(state: &Path) -> PathBuf {
    super::sqlite::beside(state, ".witness")
}

/// Reads the witness of a state, if there is one that can be read.
pub(super) fn read(state: &Path) -> Option<Record> {
    let mut bytes = Vec::new();
    File::open(path_of(state)).ok()?.take(LONGEST).read_to_end(&mut bytes).ok()?;
    Record::parse(&bytes)
}

impl Witness {
    /// Names the witness of a state. Touches nothing.
    pub(super) fn new(state: &Path) -> Self {
        Self { path: path_of(state), file: None, record: None }
    }

    /// Makes sure that the witness claims nothing about the bytes of the state any more. What it
    /// says when this returns is on the disk.
    pub(super) fn unseal(&mut self) -> std::io::Result<()> {
        self.open()?;
        if let Some(mut record) = self.record.clone().filter(|record| record.seal.is_some()) {
            record.seal = None;
            self.write(record)?;
            if let Some(file) = &self.file {
                file.sync_data()?;
            }
        }
        Ok(())
    }

    /// Takes the witness away where a state that ends at `mark` does not continue what it knows:
    /// somebody asked for another state in this place.
    pub(super) fn allow(&mut self, mark: Option<&Mark>) -> std::io::Result<()> {
        self.open()?;
        let continues = self
            .record
            .as_ref()
            .is_none_or(|record| mark.is_some_and(|mark| mark.continues(&record.mark)));
        if continues { Ok(()) } else { self.remove() }
    }

    /// Takes the witness away.
    pub(super) fn remove(&mut self) -> std::io::Result<()> {
        self.file = None;
        self.record = None;
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        super::sqlite::sync_directory(&self.path)
    }

    /// Notes how far the state is on the disk. A note that fails leaves an earlier one, which is as
    /// true.
    pub(super) fn note(&mut self, mark: Mark, at: Timestamp) {
        let number = self.number();
        let record = Record { natform_witness: FORMAT, mark, at, number, seal: None };
        if self.open().and_then(|()| self.write(record)).is_err() {
            self.file = None;
        }
    }

    /// Notes the bytes of a state that nobody will change without breaking the seal.
    pub(super) fn seal(&mut self, seal: Seal) {
        let Some(mut record) = self.record.clone() else { return };
        record.seal = Some(seal);
        if self.write(record).is_err() {
            self.file = None;
        }
    }

    fn number(&self) -> u64 {
        self.record.as_ref().map_or(0, |record| record.number) + 1
    }

    fn open(&mut self) -> std::io::Result<()> {
        if self.file.is_some() {
            return Ok(());
        }
        let mut file = lock::open(&self.path)?;
        let mut bytes = Vec::new();
        (&mut file).take(LONGEST).read_to_end(&mut bytes)?;
        self.record = Record::parse(&bytes);
        self.file = Some(file);
        Ok(())
    }

    fn write(&mut self, mut record: Record) -> std::io::Result<()> {
        record.number = self.number();
        let line = record.line()?;
        if let Some(file) = &mut self.file {
            file.seek(SeekFrom::Start(0))?;
            file.write_all(&line)?;
        }
        self.record = Some(record);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(serial: i64, journal: i64) -> Mark {
        Mark { lineage: String::from("l"), serial, journal, run: 1 }
    }

    #[test]
    fn it_remembers_and_a_torn_one_says_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let state = directory.path().join("natform.db");
        assert_eq!(read(&state), None);
        std::fs::write(&state, "bytes").unwrap();
        let mut witness = Witness::new(&state);
        witness.unseal().unwrap();
        witness.note(mark(3, 8), Timestamp(1_000));
        witness.seal(Seal::of(&state).unwrap());
        let record = read(&state).unwrap();
        assert_eq!((&record.mark, record.seal.is_some()), (&mark(3, 8), true));
        let bytes = std::fs::read(path_of(&state)).unwrap();
        assert_eq!(bytes.len(), SECTOR);
        for at in 0..bytes.len() - 1 {
            let mut torn = bytes.clone();
            torn[at] ^= 1;
            let said = Record::parse(&torn);
            assert!(said.is_none() || said.as_ref() == Some(&record), "byte {at}: {said:?}");
        }
        let mut later = Witness::new(&state);
        later.unseal().unwrap();
        let unsealed = read(&state).unwrap();
        assert_eq!((unsealed.seal, unsealed.number), (None, record.number + 1));
    }

    #[test]
    fn what_is_lost_is_told() {
        let record = Record {
            natform_witness: FORMAT,
            mark: mark(3, 8),
            at: Timestamp(0),
            number: 1,
            seal: None,
        };
        for good in [mark(3, 8), mark(4, 8), mark(3, 9)] {
            assert_eq!(record.lost(Some(&good)), None, "{good:?}");
        }
        let other = Mark { lineage: String::from("m"), ..mark(9, 9) };
        for (bad, says) in [
            (Some(mark(2, 8)), "it ends with serial 2, but serial 3 was written"),
            (Some(mark(3, 7)), "journal entry 7"),
            (Some(other), "another state"),
            (None, "nothing is in it"),
        ] {
            let why = record.lost(bad.as_ref()).unwrap();
            assert!(why.contains(says), "{why}");
        }
    }
}
