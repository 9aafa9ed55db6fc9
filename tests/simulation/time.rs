//! Virtual time with dice: what falls on one time is ordered by them. So a seed is a schedule, and
//! the same seed is the same schedule.

use std::sync::Arc;
use std::time::Duration;

use natform::api::http::BoxFuture;
use natform::api::sleep::Sleep;
use natform::rehearsal::{Slot, Waiting};

use crate::sim::{Event, Sim};

/// Waits in virtual time.
#[derive(Clone)]
pub(crate) struct VirtualTime(pub(crate) Arc<Sim>);

impl Sleep for VirtualTime {
    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let slot = Slot::new();
            self.0.later(duration, Event::Wake(Arc::downgrade(&slot)));
            Waiting(slot).await;
        })
    }
}

impl Sim {
    /// Turns a future until it is done. `before` is called before each turn and may end it by
    /// unwinding.
    pub(crate) fn run<F: Future>(self: &Arc<Self>, before: impl Fn(), future: F) -> F::Output {
        let done = self.agenda.run(|event| self.happen(event), before, future);
        assert!(done.is_some(), "everything waits for nothing");
        done.unwrap()
    }

    /// Lets time pass, with all that happens meanwhile.
    pub(crate) fn pass(self: &Arc<Self>, duration: Duration) {
        self.agenda.pass(duration, |event| self.happen(event));
    }
}
