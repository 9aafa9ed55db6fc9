//! What a process did to its files, written down by `recorder.c`, and what of it a power cut may
//! leave.
//!
//! The model: what was written to a file before its last sync is there. Of the writes and cuts after
//! it each may be there, be lost or be torn (any of its 512-byte sectors are there, the others not),
//! whatever happened to those before it. Names (made, replaced, taken away) are there up to some
//! point after the last sync of the directory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failed;
use crate::dice::Dice;

const SECTOR: usize = 512;

/// `O_CREAT` and `O_TRUNC` of Linux.
const CREATE: u64 = 0o100;

const EMPTY: u64 = 0o1000;

/// Something that a process did.
#[derive(Debug)]
pub(crate) enum Operation {
    Open { file: u64, flags: u64, path: String },
    Write { file: u64, offset: usize, data: Vec<u8> },
    Truncate { file: u64, length: usize },
    Sync { file: u64 },
    Rename { from: String, to: String },
    Unlink { path: String },
    Send { text: String },
}

/// Builds the recorder; `None` where that cannot be done.
pub(crate) fn recorder(directory: &Path) -> Option<PathBuf> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let library = directory.join("recorder.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/kills/recorder.c");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .arg(&library)
        .args([source, "-ldl", "-lpthread"])
        .status();
    built.is_ok_and(|status| status.success()).then_some(library)
}

/// Reads a log.
pub(crate) fn read(log: &Path) -> Result<Vec<Operation>, Failed> {
    let bytes = std::fs::read(log)?;
    let mut rest = bytes.as_slice();
    let mut operations = Vec::new();
    let mut take = |length: usize| {
        let (taken, left) = rest.split_at_checked(length)?;
        rest = left;
        Some(taken)
    };
    while let Some(header) = take(40) {
        let number = |at: usize| {
            let bytes: [u8; 8] = header.get(at * 8..at * 8 + 8)?.try_into().ok()?;
            Some(u64::from_le_bytes(bytes))
        };
        let header = (number(0), number(1), number(2), number(3), number(4));
        let (Some(kind), Some(file), Some(offset), Some(a), Some(b)) = header else { break };
        let (Some(first), Some(second)) = (take(index(a)), take(index(b))) else { break };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        operations.push(match kind {
            1 => Operation::Open { file, flags: offset, path: text(first) },
            2 => Operation::Write { file, offset: index(offset), data: second.to_vec() },
            3 => Operation::Truncate { file, length: index(offset) },
            4 => Operation::Sync { file },
            5 => Operation::Rename { from: text(first), to: text(second) },
            6 => Operation::Unlink { path: text(first) },
            _ => Operation::Send { text: text(first) },
        });
    }
    Ok(operations)
}

fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// How much of what was not synced is left.
pub(crate) enum Luck<'a> {
    /// Nothing.
    None,
    /// All.
    All,
    /// What the dice say.
    Drawn(&'a mut Dice),
}

/// Files of one directory as a disk may hold them. Names are those of files beside the state.
pub(crate) struct Disk {
    directory: String,
    files: Vec<File>,
    open: BTreeMap<u64, Target>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    pending_names: Vec<(String, Option<usize>)>,
}

#[derive(Clone, Copy)]
enum Target {
    File(usize),
    Directory,
}

#[derive(Default)]
struct File {
    durable: Vec<u8>,
    pending: Vec<Change>,
}

enum Change {
    Write(usize, Vec<u8>),
    Cut(usize),
}

/// What is on a disk: bytes by name.
pub(crate) type Image = BTreeMap<String, Vec<u8>>;

/// Reads the files of a state: what is no memory of a process.
pub(crate) fn image_of(directory: &Path) -> Result<Image, Failed> {
    let mut image = Image::new();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if is_of_state(&name) {
            image.insert(name, std::fs::read(entry.path())?);
        }
    }
    Ok(image)
}

fn is_of_state(name: &str) -> bool {
    name.starts_with("natform.db") && !name.ends_with("-shm")
}

/// Makes the files of a state those of an image.
pub(crate) fn put_image(directory: &Path, image: &Image) -> Result<(), Failed> {
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with("natform.db") {
            std::fs::remove_file(entry.path())?;
        }
    }
    for (name, bytes) in image {
        std::fs::write(directory.join(name), bytes)?;
    }
    Ok(())
}

impl Disk {
    /// Begins with files that are all durable.
    pub(crate) fn new(directory: &Path, image: Image) -> Self {
        let mut disk = Self {
            directory: directory.to_string_lossy().into_owned(),
            files: Vec::new(),
            open: BTreeMap::new(),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            pending_names: Vec::new(),
        };
        for (name, durable) in image {
            disk.names.insert(name, disk.files.len());
            disk.files.push(File { durable, pending: Vec::new() });
        }
        disk.durable_names = disk.names.clone();
        disk
    }

    fn name(&self, path: &str) -> Option<String> {
        let name = path.strip_prefix(&self.directory)?.trim_start_matches('/');
        is_of_state(name).then(|| name.to_owned())
    }

    fn rename(&mut self, name: String, file: Option<usize>) {
        match file {
            Some(file) => self.names.insert(name.clone(), file),
            None => self.names.remove(&name),
        };
        self.pending_names.push((name, file));
    }

    fn file(&mut self, file: u64) -> Option<&mut File> {
        match self.open.get(&file)? {
            Target::File(index) => self.files.get_mut(*index),
            Target::Directory => None,
        }
    }

    /// Takes over what was done. Returns the name of the file that it synced.
    pub(crate) fn carry_out(&mut self, operation: &Operation) -> Option<String> {
        match operation {
            Operation::Open { file, flags, path } => {
                self.open.remove(file);
                if path.trim_end_matches(['/', '.']) == self.directory {
                    self.open.insert(*file, Target::Directory);
                } else if let Some(name) = self.name(path) {
                    let known = self.names.get(&name).copied();
                    if known.is_none() && flags & CREATE != 0 {
                        self.files.push(File::default());
                        self.rename(name.clone(), Some(self.files.len() - 1));
                    }
                    if let Some(index) = self.names.get(&name) {
                        self.open.insert(*file, Target::File(*index));
                    }
                    if flags & EMPTY != 0 {
                        self.file(*file)?.pending.push(Change::Cut(0));
                    }
                }
            }
            Operation::Write { file, offset, data } => {
                self.file(*file)?.pending.push(Change::Write(*offset, data.clone()));
            }
            Operation::Truncate { file, length } => {
                self.file(*file)?.pending.push(Change::Cut(*length));
            }
            Operation::Sync { file } => match self.open.get(file).copied()? {
                Target::Directory => {
                    self.durable_names = self.names.clone();
                    self.pending_names.clear();
                }
                Target::File(index) => {
                    self.files.get_mut(index)?.sync();
                    let name = self.names.iter().find(|(_, file)| **file == index);
                    return name.map(|(name, _)| name.clone());
                }
            },
            Operation::Rename { from, to } => {
                let (from, to) = (self.name(from)?, self.name(to)?);
                let file = self.names.get(&from).copied();
                self.rename(to, file);
                self.rename(from, None);
            }
            Operation::Unlink { path } => {
                let name = self.name(path)?;
                self.rename(name, None);
            }
            Operation::Send { .. } => {}
        }
        None
    }

    /// Returns what is on the disk when the power is cut now.
    pub(crate) fn image(&self, mut luck: Luck<'_>) -> Image {
        let mut names = self.durable_names.clone();
        let pending = self.pending_names.len();
        let kept = match &mut luck {
            Luck::None => 0,
            Luck::All => pending,
            Luck::Drawn(dice) => index(dice.below(pending as u64 + 1)),
        };
        for (name, file) in self.pending_names.iter().take(kept) {
            match file {
                Some(file) => names.insert(name.clone(), *file),
                None => names.remove(name),
            };
        }
        let mut image = Image::new();
        for (name, file) in names {
            if let Some(file) = self.files.get(file) {
                image.insert(name, file.left(&mut luck));
            }
        }
        image
    }
}

impl File {
    fn sync(&mut self) {
        self.durable = self.left(&mut Luck::All);
        self.pending.clear();
    }

    fn left(&self, luck: &mut Luck<'_>) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        // All of it is there, some is lost, some is torn too, or most is lost.
        let share = match luck {
            Luck::Drawn(dice) => dice.below(4),
            _ => 0,
        };
        for change in &self.pending {
            let sectors: Box<dyn Fn(usize) -> bool> = match luck {
                Luck::None => continue,
                Luck::All => Box::new(|_| true),
                Luck::Drawn(dice) => match dice.below(4) {
                    0 if share != 0 => continue,
                    1 if share > 1 => {
                        let torn = dice.below(u64::MAX);
                        Box::new(move |at| torn >> (at % 63) & 1 == 0)
                    }
                    _ if share == 3 => continue,
                    _ => Box::new(|_| true),
                },
            };
            match change {
                Change::Cut(length) => bytes.resize(*length, 0),
                Change::Write(offset, data) => {
                    for (number, sector) in data.chunks(SECTOR).enumerate() {
                        let at = offset + number * SECTOR;
                        if !sectors(number) {
                            continue;
                        }
                        if bytes.len() < at + sector.len() {
                            bytes.resize(at + sector.len(), 0);
                        }
                        if let Some(place) = bytes.get_mut(at..at + sector.len()) {
                            place.copy_from_slice(sector);
                        }
                    }
                }
            }
        }
        bytes
    }
}
