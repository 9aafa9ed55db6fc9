//! States after a power cut: the operations of a run on its files are recorded, and at many points
//! a state is made of what may be left, opened and compared with what had been written by then.
//!
//! What must hold: the state opens, all its pages are good, and it is as it was after the last sync
//! before the cut or as it would have been after the next; and whatever call had been sent by then,
//! its intent is there with its token even when all that was not synced is lost.

use std::path::Path;
use std::time::Duration;

use natform::environment::{Environment, Timestamp};
use natform::state::{LockInfo, Snapshot, SqliteStore, Store};

use crate::Failed;
use crate::dice::Dice;
use crate::life::Life;
use crate::recording::{self, Disk, Image, Luck, Operation};

/// Opens about so many states; returns what to tell.
pub(crate) fn check(images: u64, seed: u64) -> Result<String, Failed> {
    let mut dice = Dice::new(seed);
    let directory = std::env::temp_dir().join(format!("natform-images-{}", std::process::id()));
    let mut life = Life::begin(&directory, &mut dice)?;
    let Some(recorder) = recording::recorder(&directory) else {
        life.end()?;
        return Ok(String::from("power cuts: there is no C compiler to record with"));
    };
    let mut totals = Totals::default();
    for round in 0..2 {
        let before = recording::image_of(&life.workspace)?;
        let log = directory.join(format!("operations-{round}"));
        life.recorded_apply(&recorder, &log)?;
        let operations = recording::read(&log)?;
        let place = directory.join("image");
        std::fs::create_dir_all(&place)?;
        let course = Course { operations: &operations, before, life: &life, place: &place };
        course.check(images / 2, &mut dice, &mut totals)?;
        course.would_tell()?;
        life.edit(&mut dice)?;
    }
    life.end()?;
    let Totals { operations, syncs, sends, images } = totals;
    if sends == 0 {
        return Err(Failed(String::from("no call was recorded")));
    }
    Ok(format!(
        "power cuts: {images} states opened at {operations} operations on files with {syncs} syncs; \
         the intents of {sends} calls were on the disk before them"
    ))
}

#[derive(Default)]
struct Totals {
    operations: usize,
    syncs: usize,
    sends: usize,
    images: u64,
}

struct Course<'a> {
    operations: &'a [Operation],
    before: Image,
    life: &'a Life,
    place: &'a Path,
}

impl Course<'_> {
    fn check(&self, images: u64, dice: &mut Dice, totals: &mut Totals) -> Result<(), Failed> {
        // What is durable after each sync, in order, with the operation's number.
        let mut durable = vec![(0, self.content(&self.before)?)];
        let mut disk = Disk::new(&self.life.workspace, self.before.clone());
        for (number, operation) in self.operations.iter().enumerate() {
            if let Operation::Send { text } = operation
                && let Some((action, token)) = mutating(text)
            {
                totals.sends += 1;
                self.intended(&disk.image(Luck::None), &action, &token)?;
            }
            let synced = disk.carry_out(operation);
            if synced.is_some_and(|name| matches!(&*name, "natform.db" | "natform.db-wal"))
                || matches!(operation, Operation::Sync { .. })
            {
                totals.syncs += 1;
                durable.push((number, self.content(&disk.image(Luck::None))?));
            }
        }
        durable.push((self.operations.len(), self.content(&disk.image(Luck::All))?));
        totals.operations += self.operations.len();

        let length = self.operations.len() as u64;
        let mut cuts: Vec<usize> = (0..images)
            .map(|_| usize::try_from(dice.below(length + 1)).unwrap_or_default())
            .collect();
        cuts.sort_unstable();
        let mut disk = Disk::new(&self.life.workspace, self.before.clone());
        let mut done = 0;
        for cut in cuts {
            for operation in self.operations.get(done..cut).into_iter().flatten() {
                disk.carry_out(operation);
            }
            done = cut;
            let image = disk.image(Luck::Drawn(dice));
            let found = self
                .content(&image)
                .map_err(|Failed(why)| Failed(format!("cut before operation {cut}: {why}")))?;
            let next = durable.partition_point(|(number, _)| *number < cut);
            let right = durable.get(next.saturating_sub(1)..=next.min(durable.len() - 1));
            if !right.into_iter().flatten().any(|(_, content)| *content == found) {
                return Err(Failed(format!(
                    "cut before operation {cut}: the state is neither what was synced nor what \
                     was being written:\n{found}"
                )));
            }
            totals.images += 1;
        }
        Ok(())
    }

    /// Makes sure that a run without syncs would have been told from this one.
    fn would_tell(&self) -> Result<(), Failed> {
        let mut disk = Disk::new(&self.life.workspace, self.before.clone());
        for operation in self.operations {
            if let Operation::Send { text } = operation
                && let Some((action, token)) = mutating(text)
                && self.intended(&disk.image(Luck::None), &action, &token).is_err()
            {
                return Ok(());
            }
            if !matches!(operation, Operation::Sync { .. }) {
                disk.carry_out(operation);
            }
        }
        Err(Failed(String::from("syncs do not matter: this test would see nothing")))
    }

    /// Opens a state as the next run would and returns all that it holds, as text.
    fn content(&self, image: &Image) -> Result<String, Failed> {
        let snapshot = self.open(image)?;
        Ok(format!("{}\n{:?}", snapshot.export(true), snapshot.open))
    }

    fn open(&self, image: &Image) -> Result<Snapshot, Failed> {
        recording::put_image(self.place, image)?;
        let path = self.place.join("natform.db");
        let mut store = SqliteStore::new(&path, &Environment::real());
        let info = LockInfo {
            id: String::from("lock"),
            who: String::from("ann@desk"),
            pid: 1,
            operation: String::from("apply"),
            since: Timestamp(0),
        };
        let failed = |error: natform::state::StateError| {
            Failed(format!("{error}; kept in {}", self.place.display()))
        };
        let lock = store.lock(&info, Duration::ZERO).map_err(failed)?;
        let snapshot = store.snapshot().map_err(failed)?;
        drop(lock);
        Ok(snapshot)
    }

    fn intended(&self, image: &Image, action: &str, token: &str) -> Result<(), Failed> {
        let open = self.open(image)?.open;
        let known = |entry: &natform::state::JournalEntry| {
            entry.action.name() == action && (token.is_empty() || entry.token == token)
        };
        if open.iter().any(known) {
            return Ok(());
        }
        Err(Failed(format!("{action} was sent before its intent ({token}) was on the disk")))
    }
}

/// Returns action and token of a request that changes something.
fn mutating(text: &str) -> Option<(String, String)> {
    let target = text.split_whitespace().nth(1)?;
    let query = target.split_once('?')?.1;
    let value = |name: &str| {
        let found = query.split('&').find_map(|pair| pair.strip_prefix(name));
        found.map(|value| value.trim_start_matches('=').to_owned())
    };
    let action = value("Action")?;
    let mutates = natform::api::catalogue::Action::from_name(&action)?.mutates();
    mutates.then(|| (action, value("ClientToken").unwrap_or_default()))
}
