//! What happens during an apply, for whoever shows it. Nothing here prints.

use std::time::Duration;

use serde::Serialize;

use crate::address::Address;
use crate::api::catalogue::Action;
use crate::diagnostic::Diagnostic;
use crate::plan::Purpose;

/// Is told of everything that happens, in order.
pub trait Observer {
    /// Is told of one thing.
    fn observe(&self, event: ApplyEvent);
}

impl<F: Fn(ApplyEvent)> Observer for F {
    fn observe(&self, event: ApplyEvent) {
        self(event);
    }
}

/// An operation as events name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OperationName {
    /// The instance.
    pub address: Address,
    /// For an object set aside: under which key.
    pub deposed: Option<String>,
    /// What the operation does for its change.
    pub purpose: Purpose,
    /// Which of the change's calls for that purpose it is, from 0, and how many there are.
    pub step: (u32, u32),
    /// The action.
    pub action: Action,
}

impl OperationName {
    /// Returns whether it is the last call of its purpose, so that the change is complete with it.
    pub const fn is_last(&self) -> bool {
        self.step.0 + 1 >= self.step.1
    }
}

/// What became of an operation of an earlier run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Recovery {
    /// It was accepted; recovery waited until it was settled.
    Settled,
    /// It was sent again with its token.
    Resent,
    /// The object that it made was found and recorded.
    Adopted,
    /// What it was to do is done already.
    Done,
    /// It had no effect; the plan decides anew.
    Abandoned,
    /// Several objects may be the one that it made: the user decides.
    Stuck,
    /// It could not be found out; it stays open.
    Open,
}

/// One thing that happened.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum ApplyEvent {
    /// What was read while planning was recorded.
    Refreshed {
        /// How many objects changed in the state by it.
        recorded: usize,
        /// How many objects are recorded no more, since they are gone.
        removed: usize,
    },
    /// An operation of an earlier run was looked after.
    Recovered {
        /// The operation.
        operation: OperationName,
        /// What became of it.
        outcome: Recovery,
        /// The object's id, where there is one.
        id: Option<String>,
        /// Why, as a sentence without a full stop.
        detail: String,
    },
    /// The call of an operation is about to be sent.
    Started {
        /// The operation.
        operation: OperationName,
        /// The object's id, where there is one.
        id: Option<String>,
    },
    /// An operation takes its time.
    StillGoing {
        /// The operation.
        operation: OperationName,
        /// Since when it is under way.
        elapsed: Duration,
        /// What it waits for, such as `its status is Creating`.
        waiting: String,
    },
    /// A conversion reached another step.
    ConversionStep {
        /// The operation.
        operation: OperationName,
        /// The service's name of the step.
        step: String,
    },
    /// The service asked to slow down.
    Throttled {
        /// The operation.
        operation: OperationName,
        /// How long it waits.
        wait: Duration,
    },
    /// The service refuses more than a number of requests a second; told once.
    RateLimited {
        /// How many requests a second are sent from now on, until the service bears more.
        requests_per_second: f64,
    },
    /// The service refused for now, since something beside the object is changing.
    Busy {
        /// The operation.
        operation: OperationName,
        /// The service's code.
        code: String,
        /// How long it waits.
        wait: Duration,
    },
    /// An operation is done.
    Completed {
        /// The operation.
        operation: OperationName,
        /// The object's id.
        id: String,
        /// How long it took.
        elapsed: Duration,
    },
    /// An operation failed.
    Failed {
        /// The operation.
        operation: OperationName,
        /// How long it took.
        elapsed: Duration,
        /// Why.
        #[serde(skip)]
        diagnostic: Box<Diagnostic>,
    },
    /// An operation was not begun, since one that it waits for failed.
    Skipped {
        /// The operation.
        operation: OperationName,
        /// What failed.
        because: Address,
    },
    /// An interrupt arrived: nothing new is begun.
    Finishing {
        /// How many operations are in flight.
        in_flight: usize,
    },
}
