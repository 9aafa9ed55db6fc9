//! The recorded objects, the journal and the lock, behind the trait [`Store`].
//!
//! Plan and apply know the trait only, so that a backend for teams can come without touching them.
//! The SQLite backend is `sqlite`; its schema and migrations are the SQL files in `state-schema/`.

mod backup;
pub mod codec;
pub mod document;
mod export;
mod fault;
mod history;
mod incoming;
mod journal;
mod json_place;
mod lock;
mod memory;
mod migration;
pub mod model;
mod mount;
mod read;
mod record;
mod retention;
mod sqlite;
pub mod store;
#[cfg(test)]
mod tests;
mod unlock;
mod witness;
mod write;

pub use backup::Restored;
pub use export::{Export, ExportedInstance, ExportedObjects};
pub use incoming::{Judge, Objection, parse_export};
pub use json_place::Step;
pub use memory::MemoryStore;
pub use model::{
    HistoryChange, HistoryEntry, HistoryKind, Instance, InstanceKey, JournalEntry, Phase, RECOVER,
    RunRecord, Service, Snapshot, Status, Write,
};
pub use sqlite::SqliteStore;
pub use store::{Lock, LockInfo, StateError, Store};
