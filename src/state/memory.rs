//! A state in memory: what a rehearsal works with in place of the file. It is the file's database
//! with the same statements, but without a file, a lock and a witness.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};

use super::fault::Fault;
use super::migration::{self, Found, MIGRATIONS};
use super::{
    JournalEntry, Lock, LockInfo, RunRecord, Snapshot, StateError, Store, Write, journal, read,
    sqlite, write,
};
use crate::environment::{Clock, Environment, Ids};

/// What messages call it.
const NAME: &str = "the state of the rehearsal";

/// A state that is gone with its process.
pub struct MemoryStore {
    connection: Connection,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    /// The run that later commits belong to.
    run: Option<i64>,
}

impl MemoryStore {
    /// Makes an empty state.
    pub fn new(environment: &Environment) -> Result<Self, StateError> {
        let fault = |fault: Fault| fault.at("open", Path::new(NAME));
        let failed = |error: rusqlite::Error| fault(Fault::from(error));
        let mut connection = Connection::open_in_memory().map_err(failed)?;
        sqlite::configure(&connection).map_err(failed)?;
        migration::migrate(&mut connection, Found::Empty, MIGRATIONS).map_err(fault)?;
        let (clock, ids) = (Arc::clone(&environment.clock), Arc::clone(&environment.ids));
        Ok(Self { connection, clock, ids, run: None })
    }

    /// Makes a state that holds what another held: its objects, outputs, lessons and the operations
    /// that are unfinished, but not its history.
    pub fn holding(snapshot: &Snapshot, environment: &Environment) -> Result<Self, StateError> {
        let mut store = Self::new(environment)?;
        let mut runs: BTreeMap<&str, RunRecord> = BTreeMap::new();
        for entry in &snapshot.open {
            runs.entry(&entry.run).or_insert_with(|| RunRecord {
                id: entry.run.clone(),
                command: "apply".to_owned(),
                who: String::new(),
                plan: None,
                started_at: entry.intended_at,
                ended_at: None,
            });
        }
        store.change(|writer| {
            writer.identity()?;
            let lineage = Some(snapshot.lineage.as_str()).filter(|lineage| !lineage.is_empty());
            writer.continue_from(lineage, snapshot.serial.saturating_sub(1))?;
            let objects = snapshot.instances.values().map(|i| Write::Put(i.clone().into()));
            let lessons = snapshot.lessons.iter();
            let lessons = lessons.map(|(name, value)| Write::Lesson(name.clone(), value.clone()));
            let open = snapshot.open.iter().map(|entry| Write::Intend(entry.clone().into()));
            let mut writes: Vec<Write> = runs.into_values().map(Write::BeginRun).collect();
            writes.extend(objects.chain(lessons).chain(open));
            writes.push(Write::Outputs(snapshot.outputs.clone()));
            writer.carry_out(writes)
        })?;
        store.run = None;
        Ok(store)
    }

    fn change<T>(
        &mut self,
        f: impl FnOnce(&write::Writer<'_>) -> Result<T, Fault>,
    ) -> Result<T, StateError> {
        let (clock, ids, run) = (&*self.clock, &*self.ids, self.run);
        let within = || -> Result<(T, Option<i64>), Fault> {
            let transaction =
                self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let writer = write::Writer::new(&transaction, clock, ids, run);
            let result = f(&writer)?;
            let run = writer.run();
            transaction.commit()?;
            Ok((result, run))
        };
        let (result, run) = within().map_err(|fault| fault.at("write to", Path::new(NAME)))?;
        self.run = run;
        Ok(result)
    }

    fn view<T>(&self, f: impl FnOnce(&Connection) -> Result<T, Fault>) -> Result<T, StateError> {
        f(&self.connection).map_err(|fault| fault.at("read", Path::new(NAME)))
    }
}

impl Store for MemoryStore {
    fn snapshot(&self) -> Result<Snapshot, StateError> {
        self.view(read::snapshot)
    }

    fn lock(&mut self, info: &LockInfo, _: Duration) -> Result<Lock, StateError> {
        Ok(Lock { info: info.clone(), guard: Box::new(()) })
    }

    fn commit(&mut self, _: &Lock, writes: Vec<Write>) -> Result<Vec<i64>, StateError> {
        self.change(|writer| writer.carry_out(writes))
    }

    fn run_of_plan(&self, digest: &str) -> Result<Option<RunRecord>, StateError> {
        self.view(|connection| Ok(read::run_of_plan(connection, digest)?))
    }

    fn entries_of_run(&self, run: &str) -> Result<Vec<JournalEntry>, StateError> {
        self.view(|connection| journal::of_run(connection, run))
    }

    fn name(&self) -> String {
        NAME.to_owned()
    }
}
