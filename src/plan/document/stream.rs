//! Changes and operations of a plan's model, made one by one as a reader asks for them: a large plan
//! is never held twice.

use std::io;
use std::sync::mpsc::sync_channel;
use std::thread;

use serde::{Serialize, Serializer};

use super::{ActionWord, ChangeDocument, OperationDocument, convert};
use crate::plan::{Change, ChangeKind, Operation, Plan, Reason};

/// The changes of a plan's model.
pub trait Changes {
    /// Returns whether some change has exactly these actions.
    fn any(&self, actions: &[ActionWord]) -> bool;

    /// Visits the changes that people are shown, in their order.
    ///
    /// # Errors
    /// Returns the first error of `visit`.
    fn shown(&self, visit: Visit<'_, ChangeDocument>) -> io::Result<()>;

    /// Renders the changes that people are shown and writes the texts in their order.
    ///
    /// # Errors
    /// Returns the first error of `out`.
    fn rendered(&self, render: &Render<'_>, out: &mut dyn io::Write) -> io::Result<()> {
        self.shown(&mut |change| out.write_all(render(change).as_bytes()))
    }
}

/// Makes the text of one change.
pub type Render<'r> = dyn Fn(&ChangeDocument) -> String + Sync + 'r;

/// How many changes are rendered by one thread before the next one has its turn.
const CHUNK: usize = 256;

/// How many threads render at most.
const THREADS: usize = 4;

/// The operations of a plan's model.
pub trait Operations {
    /// Visits the operations in their order.
    ///
    /// # Errors
    /// Returns the first error of `visit`.
    fn each(&self, visit: Visit<'_, OperationDocument>) -> io::Result<()>;
}

/// Takes one part of a model.
pub type Visit<'v, T> = &'v mut dyn FnMut(&T) -> io::Result<()>;

impl Changes for Vec<ChangeDocument> {
    fn any(&self, actions: &[ActionWord]) -> bool {
        self.iter().any(|change| change.actions == actions)
    }

    fn shown(&self, visit: Visit<'_, ChangeDocument>) -> io::Result<()> {
        let is_shown = |change: &&ChangeDocument| {
            change.actions != [ActionWord::NoOp]
                || change.previous_address.is_some()
                || change.importing.is_some()
        };
        self.iter().filter(is_shown).try_for_each(visit)
    }
}

impl Operations for Vec<OperationDocument> {
    fn each(&self, visit: Visit<'_, OperationDocument>) -> io::Result<()> {
        self.iter().try_for_each(visit)
    }
}

/// The changes of a plan, made as they are asked for.
#[derive(Debug, Clone, Copy)]
pub struct PlanChanges<'p> {
    pub(super) plan: &'p Plan,
    pub(super) show_sensitive: bool,
}

impl PlanChanges<'_> {
    fn document(&self, change: &Change) -> ChangeDocument {
        ChangeDocument::new(change, self.show_sensitive)
    }

    /// Iterates over the changes that people are shown.
    fn acts(&self) -> impl Iterator<Item = &Change> {
        let imported = |reason: &Reason| matches!(reason, Reason::Imported { .. });
        self.plan.changes.iter().filter(move |change| {
            change.kind != ChangeKind::NoOp
                || change.previous_address.is_some()
                || change.reasons.iter().any(imported)
        })
    }
}

impl Changes for PlanChanges<'_> {
    fn any(&self, actions: &[ActionWord]) -> bool {
        self.plan.changes.iter().any(|change| convert::actions(change.kind) == actions)
    }

    fn shown(&self, visit: Visit<'_, ChangeDocument>) -> io::Result<()> {
        self.acts().map(|change| self.document(change)).try_for_each(|document| visit(&document))
    }

    /// Many changes are rendered by several threads in turns, a few chunks ahead of what is written.
    fn rendered(&self, render: &Render<'_>, out: &mut dyn io::Write) -> io::Result<()> {
        let acts: Vec<&Change> = self.acts().collect();
        let chunks: Vec<&[&Change]> = acts.chunks(CHUNK).collect();
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let threads = threads.min(THREADS).min(chunks.len());
        let text = |chunk: &[&Change]| -> String {
            chunk.iter().map(|change| render(&self.document(change))).collect()
        };
        if threads < 2 {
            return chunks.iter().try_for_each(|chunk| out.write_all(text(chunk).as_bytes()));
        }
        thread::scope(|scope| {
            let (chunks, text) = (&chunks, &text);
            let turns: Vec<_> = (0..threads)
                .map(|first| {
                    let (ready, texts) = sync_channel(2);
                    scope.spawn(move || {
                        let own = chunks.iter().skip(first).step_by(threads);
                        // Nobody listens any more once a text could not be written.
                        own.map(|chunk| ready.send(text(chunk))).all(|sent| sent.is_ok())
                    });
                    texts
                })
                .collect();
            let texts = (0..chunks.len()).map(|number| turns[number % threads].recv());
            texts.map(|text| text.map_err(io::Error::other)).try_for_each(|text| {
                let text = text?;
                out.write_all(text.as_bytes())
            })
        })
    }
}

impl Serialize for PlanChanges<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.plan.changes.iter().map(|change| self.document(change)))
    }
}

/// The operations of a plan, made as they are asked for.
#[derive(Debug, Clone, Copy)]
pub struct PlanOperations<'p> {
    pub(super) plan: &'p Plan,
    pub(super) show_sensitive: bool,
}

impl PlanOperations<'_> {
    fn document(&self, (index, operation): (usize, &Operation)) -> OperationDocument {
        OperationDocument::new(index, operation, self.show_sensitive)
    }
}

impl Operations for PlanOperations<'_> {
    fn each(&self, visit: Visit<'_, OperationDocument>) -> io::Result<()> {
        let operations = self.plan.operations.iter().enumerate();
        operations.map(|one| self.document(one)).try_for_each(|document| visit(&document))
    }
}

impl Serialize for PlanOperations<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let operations = self.plan.operations.iter().enumerate();
        serializer.collect_seq(operations.map(|one| self.document(one)))
    }
}
