//! What functions see of the outside.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::files::{FileRecord, Recording, Replay};
use crate::environment::{Environment, Files, Ids, Timestamp};
use crate::language::functions::FunctionContext;

/// Files, times and identifiers.
pub(super) struct Outside {
    files: Source,
    /// The configuration's directory.
    base: PathBuf,
    home: Option<PathBuf>,
    pub(super) working_directory: PathBuf,
    /// When the plan was made; `None` where values must not depend on it.
    pub(super) plan_time: Option<Timestamp>,
    now: Timestamp,
    /// Makes identifiers; only while applying.
    ids: Option<Arc<dyn Ids>>,
}

enum Source {
    /// Files of the machine; what is read is noted.
    Noted(Recording),
    /// What a saved plan noted.
    Replayed(Replay),
}

impl Outside {
    pub(super) fn planning(environment: &Environment, base: PathBuf) -> Self {
        let now = environment.clock.now();
        let recording = Recording::new(Arc::clone(&environment.files), base.clone());
        Self {
            files: Source::Noted(recording),
            base,
            home: environment.variable("HOME").map(PathBuf::from),
            working_directory: environment.working_directory.clone(),
            plan_time: Some(now),
            now,
            ids: None,
        }
    }

    /// Makes it one for applying a plan that was made at `plan_time`; with `files`, only what they
    /// note is seen.
    pub(super) fn applying(
        mut self,
        environment: &Environment,
        plan_time: Timestamp,
        files: Option<FileRecord>,
    ) -> Self {
        self.plan_time = Some(plan_time);
        self.ids = Some(Arc::clone(&environment.ids));
        if let Some(record) = files {
            self.files = Source::Replayed(Replay { record, base: self.base.clone() });
        }
        self
    }

    pub(super) fn context(&self) -> FunctionContext<'_> {
        let files: &dyn Files = match &self.files {
            Source::Noted(recording) => recording,
            Source::Replayed(replay) => replay,
        };
        FunctionContext {
            files,
            base: &self.base,
            home: self.home.as_deref(),
            plan_time: self.plan_time,
            applying: self.ids.is_some(),
            now: self.now,
            ids: self.ids.as_deref(),
        }
    }

    pub(super) fn record(&self) -> FileRecord {
        match &self.files {
            Source::Noted(recording) => recording.record(),
            Source::Replayed(replay) => replay.record.clone(),
        }
    }
}

impl fmt::Debug for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outside").field("base", &self.base).finish_non_exhaustive()
    }
}
