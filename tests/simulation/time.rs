//! Virtual time: a queue of what will happen, and the loop that turns a future on it.
//!
//! Nothing happens but what the queue holds, in the order of its times; what falls on one time is
//! ordered by the dice. So a seed is a schedule, and the same seed is the same schedule.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use natform::api::http::BoxFuture;
use natform::api::sleep::Sleep;
use natform::environment::{Clock, Timestamp};

use crate::sim::{Event, Sim};

/// A value that comes later, and who waits for it.
#[derive(Debug)]
pub(crate) struct Slot<T>(Mutex<(Option<T>, Option<Waker>)>);

impl<T> Slot<T> {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new((None, None))))
    }

    /// Puts the value there; a second one is dropped.
    pub(crate) fn fill(&self, value: T) {
        let mut inner = self.0.lock().unwrap();
        if inner.0.is_none() {
            inner.0 = Some(value);
        }
        let waker = inner.1.take();
        drop(inner);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// Waits for the value of a slot.
pub(crate) struct Waiting<T>(pub(crate) Arc<Slot<T>>);

impl<T> Future for Waiting<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let mut inner = self.0.0.lock().unwrap();
        if let Some(value) = inner.0.take() {
            return Poll::Ready(value);
        }
        inner.1 = Some(context.waker().clone());
        Poll::Pending
    }
}

/// Tells the loop that the future wants to go on.
#[derive(Default)]
struct Bell(AtomicBool);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

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

/// Fills the slot of a sleeper, if it still sleeps.
pub(crate) fn wake(slot: &Weak<Slot<()>>) {
    if let Some(slot) = slot.upgrade() {
        slot.fill(());
    }
}

impl Sim {
    /// Turns a future until it is done. `before` is called before each turn and may end it by
    /// unwinding.
    pub(crate) fn run<F: Future>(self: &Arc<Self>, before: impl Fn(), future: F) -> F::Output {
        let bell = Arc::new(Bell::default());
        let waker = Waker::from(Arc::clone(&bell));
        let mut future = pin!(future);
        loop {
            before();
            bell.0.store(false, Ordering::Relaxed);
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return output;
            }
            while !bell.0.load(Ordering::Relaxed) {
                assert!(self.step(None), "everything waits for nothing");
            }
        }
    }

    /// Lets time pass, with all that happens meanwhile.
    pub(crate) fn pass(self: &Arc<Self>, duration: Duration) {
        let end = self.clock.now().after(duration);
        while self.step(Some(end)) {}
        self.clock.set(end);
    }

    /// Lets the next thing happen; false when there is none up to `limit`.
    fn step(self: &Arc<Self>, limit: Option<Timestamp>) -> bool {
        let mut queue = self.queue.lock().unwrap();
        let Some(entry) = queue.first_entry() else { return false };
        let at = entry.key().0;
        if limit.is_some_and(|limit| at > limit) {
            return false;
        }
        let event = entry.remove();
        drop(queue);
        if at > self.clock.now() {
            self.clock.set(at);
        }
        self.happen(event);
        true
    }
}
