//! The built-in emulator of the service.
//!
//! [`world`] is the service as a deterministic state machine; everything around it brings requests to
//! it: [`Emulator`] keeps a world in memory or in a file ([`store`]), [`InProcess`] delivers requests
//! without sockets, [`server`] over HTTP. `control` is the emulator's own interface under
//! `/_natform/`, `faults` what can be made to go wrong, `errors` every refusal there is.
//!
//! The emulator judges the planner, so it shares no rules with it: from the rest of natform it uses
//! the wire (`api::http`, `api::signature`, `api::catalogue`), the environment and diagnostics only.

pub mod answer;
pub mod authentication;
pub mod control;
pub mod document;
pub mod errors;
pub mod errors_2019;
pub mod fault_check;
pub mod faults;
mod in_process;
pub mod outcome;
mod recorder;
pub mod request;
pub mod server;
pub mod settings;
pub mod store;
pub mod world;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use crate::emulator::in_process::InProcess;
pub use crate::emulator::outcome::{Delivery, Outcome, Record};
pub use crate::emulator::recorder::Counts;
pub use crate::emulator::settings::{Account, Settings, Timings};
pub use crate::emulator::world::World;
pub use crate::emulator::world::dump::Dump;

use crate::api::catalogue::Edition;
use crate::api::http::HttpRequest;
use crate::diagnostic::Diagnostics;
use crate::emulator::answer::Format;
use crate::emulator::errors::Refusal;
use crate::emulator::recorder::Recorder;
use crate::emulator::store::{Store, StoreError};
use crate::environment::{Clock, Timestamp};

#[cfg(test)]
mod tests;

/// An emulator of the service: a world, where it is kept, and what was asked of it.
pub struct Emulator {
    settings: Arc<Settings>,
    clock: Arc<dyn Clock>,
    inner: Mutex<Inner>,
}

struct Inner {
    world: World,
    store: Option<Store>,
    recorder: Recorder,
}

impl std::fmt::Debug for Emulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Emulator").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Emulator {
    /// Opens the world at the settings' file, or makes one there; without a file, makes one in memory.
    pub fn open(settings: Settings, clock: Arc<dyn Clock>) -> Result<Self, Diagnostics> {
        let settings = Arc::new(settings);
        let now = clock.now();
        let (world, store) = match &settings.data {
            None => {
                let mut world = World::new(settings.clone(), now);
                world.take_changes();
                (world, None)
            }
            Some(path) => {
                let (store, world) = Store::open(path, &settings, now)?;
                (world, Some(store))
            }
        };
        let recorder = Recorder::new(settings.recorded_calls);
        Ok(Self { settings, clock, inner: Mutex::new(Inner { world, store, recorder }) })
    }

    /// Answers a request: one of the service's, or one to the emulator itself under `/_natform/`.
    pub fn handle(&self, request: &HttpRequest) -> Outcome {
        if control::is_control(&request.target) {
            return Outcome::plain(control::answer(self, request));
        }
        let outcome = self.with_inner(|inner, now| {
            let outcome = inner.world.handle(now, request);
            if let Some(record) = &outcome.record {
                inner.recorder.add(record.clone(), &outcome.response);
            }
            outcome
        });
        outcome.unwrap_or_else(|e| {
            let refusal = Refusal::new(500, "InternalError", e.to_string());
            Outcome::plain(answer::error(Format::Json, &refusal, "", "emulator"))
        })
    }

    /// Does something with the world, in one transaction. The world's time is that of
    /// [`World::time_at`] for the timestamp given.
    pub fn with_world<T>(
        &self,
        act: impl FnOnce(&mut World, Timestamp) -> T,
    ) -> Result<T, StoreError> {
        self.with_inner(|inner, now| act(&mut inner.world, now))
    }

    fn with_inner<T>(&self, act: impl FnOnce(&mut Inner, Timestamp) -> T) -> Result<T, StoreError> {
        let mut guard = self.lock();
        let inner = &mut *guard;
        if let Some(store) = &mut inner.store {
            store.begin(&mut inner.world)?;
        }
        // The clock is read behind the lock, so that the world's time never goes back.
        let now = self.clock.now();
        let result = act(inner, now);
        let changes = inner.world.take_changes();
        if let Some(store) = &mut inner.store {
            store.commit(&inner.world, &changes)?;
        }
        Ok(result)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the identity of the world: another one after a reset or in another file.
    pub fn world_id(&self) -> String {
        self.lock().world.id().to_owned()
    }

    /// Returns the edition that it speaks.
    pub fn edition(&self) -> Edition {
        self.settings.edition
    }

    /// Returns the calls that are kept, oldest first.
    pub fn calls(&self) -> Vec<Record> {
        self.lock().recorder.calls().cloned().collect()
    }

    /// Returns the last `most` calls, of one action if that is named, oldest first.
    pub fn last_calls(&self, action: Option<&str>, most: usize) -> Vec<Record> {
        let inner = self.lock();
        let fitting = inner.recorder.calls().rev().filter(|c| action.is_none_or(|a| c.action == a));
        let mut calls: Vec<Record> = fitting.take(most).cloned().collect();
        calls.reverse();
        calls
    }

    /// Returns how often each action was called since the start or the last [`Emulator::forget_calls`].
    pub fn counts(&self) -> std::collections::BTreeMap<String, Counts> {
        self.lock().recorder.counts().clone()
    }

    /// Forgets all calls and counts.
    pub fn forget_calls(&self) {
        self.lock().recorder.clear();
    }
}
