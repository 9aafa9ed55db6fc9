//! The recorded objects, the journal and the lock, behind the trait [`Store`].
//!
//! Plan and apply know the trait only, so that a backend for teams can come without touching them.
//! The SQLite backend is `sqlite`; its schema and migrations are the SQL files in `state-schema/`.

pub mod model;
pub mod store;

pub use model::{
    Instance, InstanceKey, JournalEntry, Phase, RunRecord, Service, Snapshot, Status, Write,
};
pub use store::{Lock, LockInfo, StateError, Store};
