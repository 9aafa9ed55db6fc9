//! The connections that are open, bounded in number: when all places are taken, the one that has
//! been waiting for a request longest makes room for the next.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// For how long a connection may wait for a request before it can be asked to make room.
const GRACE: Duration = Duration::from_secs(1);

/// The open connections.
#[derive(Debug, Clone)]
pub(super) struct Connections {
    places: Arc<Semaphore>,
    open: Arc<Mutex<Open>>,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    seats: BTreeMap<u64, Seat>,
}

#[derive(Debug)]
struct Seat {
    /// Since when it has waited for a whole request; none while one is answered.
    waiting: Option<Instant>,
    leave: Arc<Notify>,
}

/// A place among the connections, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    number: u64,
    open: Arc<Mutex<Open>>,
    leave: Arc<Notify>,
    _permit: OwnedSemaphorePermit,
}

impl Connections {
    pub(super) fn new(most: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(most.max(1))), open: Arc::default() }
    }

    /// Takes a place, and waits for one if need be. Returns none when there will be none any more.
    pub(super) async fn enter(&self) -> Option<Place> {
        loop {
            if let Ok(permit) = self.places.clone().try_acquire_owned() {
                return Some(self.seat(permit));
            }
            let wait = self.make_room();
            tokio::select! {
                permit = self.places.clone().acquire_owned() => return Some(self.seat(permit.ok()?)),
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    fn seat(&self, permit: OwnedSemaphorePermit) -> Place {
        let leave = Arc::new(Notify::new());
        let mut open = lock(&self.open);
        open.next += 1;
        let number = open.next;
        open.seats.insert(number, Seat { waiting: Some(Instant::now()), leave: leave.clone() });
        Place { number, open: self.open.clone(), leave, _permit: permit }
    }

    /// Asks the connection that has waited longest to leave, if it has waited long enough. Returns
    /// when to look again.
    fn make_room(&self) -> Duration {
        let mut open = lock(&self.open);
        let longest = open.seats.values_mut().filter(|s| s.waiting.is_some());
        let Some(seat) = longest.min_by_key(|s| s.waiting) else { return GRACE };
        let waited = seat.waiting.map_or(Duration::ZERO, |since| since.elapsed());
        if waited < GRACE {
            return GRACE.saturating_sub(waited);
        }
        seat.waiting = None;
        seat.leave.notify_one();
        GRACE
    }
}

impl Place {
    /// Notes that a whole request came.
    pub(super) fn begin(&self) {
        self.set(None);
    }

    /// Notes that the request was answered.
    pub(super) fn end(&self) {
        self.set(Some(Instant::now()));
    }

    fn set(&self, waiting: Option<Instant>) {
        if let Some(seat) = lock(&self.open).seats.get_mut(&self.number) {
            seat.waiting = waiting;
        }
    }

    /// Waits until the connection is asked to make room.
    pub(super) async fn asked_to_leave(&self) {
        self.leave.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.open).seats.remove(&self.number);
    }
}

fn lock(open: &Mutex<Open>) -> MutexGuard<'_, Open> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn whoever_waited_longest_makes_room() {
        let connections = Connections::new(2);
        let (first, second) =
            (connections.enter().await.unwrap(), connections.enter().await.unwrap());
        tokio::time::advance(Duration::from_secs(2)).await;
        first.begin();
        first.end();
        // The second has waited longer than the first by now.
        let leaving = async {
            second.asked_to_leave().await;
            drop(second);
        };
        let (third, ()) = tokio::join!(connections.enter(), leaving);
        assert!(third.is_some());
        first.begin();
        third.as_ref().unwrap().begin();
        // Nobody is interrupted in the middle of a request.
        let fourth = tokio::time::timeout(Duration::from_secs(60), connections.enter()).await;
        assert!(fourth.is_err());
        drop(third);
        assert!(connections.enter().await.is_some());
        assert_eq!(lock(&connections.open).seats.len(), 1);
    }
}
