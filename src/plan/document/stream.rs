//! Changes and operations of a plan's model, made one by one as a reader asks for them: a large plan
//! is never held twice.

use std::io;

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
}

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
}

impl Changes for PlanChanges<'_> {
    fn any(&self, actions: &[ActionWord]) -> bool {
        self.plan.changes.iter().any(|change| convert::actions(change.kind) == actions)
    }

    fn shown(&self, visit: Visit<'_, ChangeDocument>) -> io::Result<()> {
        let imported = |reason: &Reason| matches!(reason, Reason::Imported { .. });
        let is_shown = |change: &&Change| {
            change.kind != ChangeKind::NoOp
                || change.previous_address.is_some()
                || change.reasons.iter().any(imported)
        };
        let shown = self.plan.changes.iter().filter(is_shown);
        shown.map(|change| self.document(change)).try_for_each(|document| visit(&document))
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
