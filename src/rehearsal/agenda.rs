//! Virtual time: a queue of what will happen, and the loop that turns a future on it.
//!
//! Nothing happens but what the queue holds, in the order of its times. What falls on one time is
//! ordered by a number that comes with it, and then by when it was noted; so the same agenda is the
//! same schedule, on one thread and without a clock.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use crate::api::http::BoxFuture;
use crate::api::sleep::Sleep;
use crate::environment::{Clock, ManualClock, Timestamp};

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A value that comes later, and who waits for it.
#[derive(Debug)]
pub struct Slot<T>(Mutex<(Option<T>, Option<Waker>)>);

impl<T> Slot<T> {
    /// Creates an empty slot.
    pub fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new((None, None))))
    }

    /// Puts the value there and wakes who waits for it; a second value is dropped.
    pub fn fill(&self, value: T) {
        let mut inner = lock(&self.0);
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
#[derive(Debug)]
pub struct Waiting<T>(pub Arc<Slot<T>>);

impl<T> Future for Waiting<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let mut inner = lock(&self.0.0);
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

/// What will happen, and the clock that follows it.
#[derive(Debug)]
pub struct Agenda<E> {
    clock: ManualClock,
    queue: Mutex<BTreeMap<(Timestamp, u64, u64), E>>,
    noted: AtomicU64,
}

impl<E> Agenda<E> {
    /// Creates an empty agenda that moves `clock`.
    pub const fn new(clock: ManualClock) -> Self {
        Self { clock, queue: Mutex::new(BTreeMap::new()), noted: AtomicU64::new(0) }
    }

    /// Returns the clock.
    pub const fn clock(&self) -> &ManualClock {
        &self.clock
    }

    /// Has something happen after `duration`; of what falls on one time the lowest `tie` comes first.
    pub fn later(&self, duration: Duration, tie: u64, event: E) {
        let at = self.clock.now().after(duration);
        let number = self.noted.fetch_add(1, Ordering::Relaxed);
        lock(&self.queue).insert((at, tie, number), event);
    }

    /// Returns whether something of that kind is still to happen.
    pub fn any(&self, wanted: impl Fn(&E) -> bool) -> bool {
        lock(&self.queue).values().any(wanted)
    }

    /// Turns a future until it is done; `happen` lets an event happen, `before` is called before each
    /// turn and may end it all by unwinding. None when everything waits for nothing.
    pub fn run<F: Future>(
        &self,
        happen: impl Fn(E),
        before: impl Fn(),
        future: F,
    ) -> Option<F::Output> {
        let bell = Arc::new(Bell::default());
        let waker = Waker::from(Arc::clone(&bell));
        let mut future = pin!(future);
        loop {
            before();
            bell.0.store(false, Ordering::Relaxed);
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return Some(output);
            }
            while !bell.0.load(Ordering::Relaxed) {
                happen(self.next(None)?);
            }
        }
    }

    /// Lets time pass, with all that happens meanwhile.
    pub fn pass(&self, duration: Duration, happen: impl Fn(E)) {
        let end = self.clock.now().after(duration);
        while let Some(event) = self.next(Some(end)) {
            happen(event);
        }
        self.clock.set(end);
    }

    /// Takes what comes next, up to `limit`, and moves the clock to its time.
    fn next(&self, limit: Option<Timestamp>) -> Option<E> {
        let mut queue = lock(&self.queue);
        let entry = queue.first_entry()?;
        let at = entry.key().0;
        if limit.is_some_and(|limit| at > limit) {
            return None;
        }
        let event = entry.remove();
        drop(queue);
        if at > self.clock.now() {
            self.clock.set(at);
        }
        Some(event)
    }
}

/// Virtual time in which nothing happens but that somebody wakes up. Cheap to clone; clones are the
/// same time.
#[derive(Debug, Clone)]
pub struct VirtualTime(Arc<Agenda<Weak<Slot<()>>>>);

impl VirtualTime {
    /// Creates a time that begins at `now`.
    pub fn at(now: Timestamp) -> Self {
        Self(Arc::new(Agenda::new(ManualClock::at(now))))
    }

    /// Returns the clock that shows it.
    pub fn clock(&self) -> &ManualClock {
        self.0.clock()
    }

    /// Turns a future until it is done. It may be called by a future that is being turned. None when
    /// everything waits for nothing.
    pub fn run<F: Future>(&self, future: F) -> Option<F::Output> {
        self.0.run(|sleeper| wake(&sleeper), || {}, future)
    }
}

impl Sleep for VirtualTime {
    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let slot = Slot::new();
            self.0.later(duration, 0, Arc::downgrade(&slot));
            Waiting(slot).await;
        })
    }
}

/// Fills the slot of a sleeper, if it still sleeps.
pub fn wake(sleeper: &Weak<Slot<()>>) {
    if let Some(slot) = sleeper.upgrade() {
        slot.fill(());
    }
}
