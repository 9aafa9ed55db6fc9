//! Who waits for which list, and when to read it next: one read serves everyone who waits for the
//! list. Decides only; the engine reads.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::api::catalogue::Action;
use crate::environment::Timestamp;
use crate::resources::reads::PAGE_SIZE;
use crate::resources::{Listing, Listings, ReadScope};

use super::pace::{Pace, Seen};

/// A list as read through one provider.
pub(super) type Key = (String, ReadScope);

/// With several waiters a list is read at most so often.
const REST: Duration = Duration::from_millis(200);

/// One operation that waits to be settled.
#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) action: Action,
    /// Lists that tell; the first is the one that it is queued at.
    pub(super) scopes: Vec<ReadScope>,
    /// The object's id.
    pub(super) id: String,
    /// When its call was answered; lists that were asked for earlier say nothing.
    pub(super) since: Timestamp,
    /// What was seen of it so far.
    pub(super) seen: Seen,
    /// How often in a row a complete list lacked the object.
    pub(super) absent: u32,
    asked: u32,
    due: Timestamp,
    key: Key,
}

/// A read that is to be made.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) key: Key,
    /// All lists to read.
    pub(super) scopes: Vec<ReadScope>,
    /// The only object that is asked for, when it is one of a long list.
    pub(super) single: Option<String>,
    pub(super) started: Timestamp,
}

#[derive(Debug, Default)]
struct Queue {
    waiters: BTreeSet<usize>,
    reading: bool,
    /// How many rows the list had when it was last read.
    rows: Option<usize>,
    /// Not read before.
    rests_until: Timestamp,
    /// The entry in `due`.
    due: Option<Timestamp>,
}

/// All waiters, by task.
#[derive(Debug, Default)]
pub(super) struct Settling {
    waiters: BTreeMap<usize, Waiter>,
    queues: BTreeMap<Key, Queue>,
    due: BTreeSet<(Timestamp, Key)>,
}

impl Settling {
    /// Adds one whose call was answered at `since`.
    pub(super) fn add(
        &mut self,
        task: usize,
        (provider, scopes): (&str, Vec<ReadScope>),
        (action, id): (Action, &str),
        (since, now): (Timestamp, Timestamp),
        pace: &mut Pace,
    ) {
        let Some(first) = scopes.first().cloned() else { return };
        let key = (provider.to_owned(), first);
        let (wait, trial) = pace.first(action);
        let due = since.after(wait).max(now);
        let waiter = Waiter {
            action,
            scopes,
            id: id.to_owned(),
            since,
            seen: Seen { trial, ..Seen::default() },
            absent: 0,
            asked: 0,
            due,
            key: key.clone(),
        };
        self.waiters.insert(task, waiter);
        self.queues.entry(key.clone()).or_default().waiters.insert(task);
        self.schedule(&key);
    }

    /// Notes how long a list is.
    pub(super) fn know_length(&mut self, key: Key, rows: usize) {
        self.queues.entry(key).or_default().rows = Some(rows);
    }

    /// Returns one.
    pub(super) fn get_mut(&mut self, task: usize) -> Option<&mut Waiter> {
        self.waiters.get_mut(&task)
    }

    /// Takes one out.
    pub(super) fn remove(&mut self, task: usize) -> Option<Waiter> {
        let waiter = self.waiters.remove(&task)?;
        if let Some(queue) = self.queues.get_mut(&waiter.key) {
            queue.waiters.remove(&task);
        }
        self.schedule(&waiter.key.clone());
        Some(waiter)
    }

    /// Notes that one was not settled in a list that was asked for at `asked`, and waits again;
    /// with `soon`, it asks as soon as it may.
    pub(super) fn postpone(
        &mut self,
        task: usize,
        asked: Timestamp,
        now: Timestamp,
        soon: bool,
        pace: &Pace,
    ) {
        let Some(waiter) = self.waiters.get_mut(&task) else { return };
        let elapsed = asked.since(waiter.since);
        waiter.seen.busy = Some(elapsed);
        if soon {
            waiter.due = now.after(REST);
        } else if waiter.due <= asked {
            waiter.asked += 1;
            waiter.seen.missed = waiter.seen.missed.or(Some(elapsed));
            waiter.due = asked.after(pace.next(waiter.action, waiter.asked, elapsed)).max(now);
        }
        let key = waiter.key.clone();
        self.schedule(&key);
    }

    /// Has one looked at as soon as can be, for the last time; false where that was done.
    pub(super) fn look_last(&mut self, task: usize, now: Timestamp) -> bool {
        let Some(waiter) = self.waiters.get_mut(&task) else { return false };
        waiter.due = now;
        let key = waiter.key.clone();
        self.schedule(&key);
        true
    }

    /// Returns when something is to be read next.
    pub(super) fn due(&self) -> Option<Timestamp> {
        self.due.first().map(|(due, _)| *due)
    }

    /// Returns the reads that are due and notes that they are under way.
    pub(super) fn start(&mut self, now: Timestamp) -> Vec<Job> {
        let mut jobs = Vec::new();
        while let Some((due, key)) = self.due.first().cloned()
            && due <= now
        {
            self.due.remove(&(due, key.clone()));
            let Some(queue) = self.queues.get_mut(&key) else { continue };
            queue.due = None;
            queue.reading = true;
            let asking: Vec<&Waiter> = queue
                .waiters
                .iter()
                .filter_map(|task| self.waiters.get(task))
                .filter(|waiter| waiter.due <= now)
                .collect();
            let mut scopes = vec![key.1.clone()];
            for scope in asking.iter().flat_map(|waiter| &waiter.scopes) {
                if !scopes.contains(scope) {
                    scopes.push(scope.clone());
                }
            }
            // One object is asked for alone, unless the whole list costs no more: that serves others,
            // and shows what became of objects that are not begun yet.
            let short = queue.rows.is_some_and(|rows| rows as u64 <= PAGE_SIZE);
            let single = match asking[..] {
                [waiter] if !short => Some(waiter.id.clone()),
                _ => None,
            };
            jobs.push(Job { key, scopes, single, started: now });
        }
        jobs
    }

    /// Notes what was read and returns the tasks to be judged by it.
    pub(super) fn finished(
        &mut self,
        job: &Job,
        listings: &Listings,
        now: Timestamp,
    ) -> Vec<usize> {
        let Some(queue) = self.queues.get_mut(&job.key) else { return Vec::new() };
        queue.reading = false;
        if let (None, Some(Listing::Rows(rows))) = (&job.single, listings.get(&job.key.1)) {
            queue.rows = Some(rows.len());
        }
        if queue.waiters.len() > 1 {
            queue.rests_until = now.after(REST);
        }
        let tasks = queue
            .waiters
            .iter()
            .copied()
            .filter(|task| {
                self.waiters.get(task).is_some_and(|waiter| {
                    waiter.since <= job.started
                        && job.single.as_ref().is_none_or(|id| *id == waiter.id)
                        && waiter.scopes.iter().all(|scope| listings.contains_key(scope))
                })
            })
            .collect();
        self.schedule(&job.key);
        tasks
    }

    fn schedule(&mut self, key: &Key) {
        let Some(queue) = self.queues.get_mut(key) else { return };
        if let Some(due) = queue.due.take() {
            self.due.remove(&(due, key.clone()));
        }
        if queue.reading {
            return;
        }
        let first = queue.waiters.iter().filter_map(|t| self.waiters.get(t)).map(|w| w.due).min();
        if let Some(due) = first {
            let due = due.max(queue.rests_until);
            queue.due = Some(due);
            self.due.insert((due, key.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> ReadScope {
        ReadScope::ForwardEntries { region: String::from("r"), table: String::from("t") }
    }

    fn add(settling: &mut Settling, task: usize, since: i64) {
        let action = (Action::DeleteForwardEntry, &*format!("fwd-{task}"));
        let times = (Timestamp(since), Timestamp(since));
        settling.add(task, ("", vec![table()]), action, times, &mut Pace::default());
    }

    fn rows(count: usize) -> Listings {
        let rows = (0..count).map(|i| (format!("fwd-{i}"), crate::resources::Object::new()));
        [(table(), Listing::Rows(rows.collect()))].into()
    }

    #[test]
    fn one_read_serves_all_who_wait() {
        let mut settling = Settling::default();
        add(&mut settling, 1, 0);
        add(&mut settling, 2, 10);
        assert_eq!(settling.due(), Some(Timestamp(500)));
        assert!(settling.start(Timestamp(499)).is_empty());
        let jobs = settling.start(Timestamp(520));
        assert_eq!((jobs.len(), &jobs[0].single), (1, &None));
        assert_eq!(settling.due(), None, "no second read while one is under way");
        add(&mut settling, 3, 530);
        let judged = settling.finished(&jobs[0], &rows(3), Timestamp(600));
        assert_eq!(judged, [1, 2], "the third was answered after the list was asked for");
    }

    #[test]
    fn a_lone_waiter_asks_for_its_object_only() {
        let mut settling = Settling::default();
        add(&mut settling, 1, 0);
        let jobs = settling.start(Timestamp(500));
        assert_eq!(jobs[0].single.as_deref(), Some("fwd-1"));
        settling.finished(&jobs[0], &rows(1), Timestamp(510));
        settling.postpone(1, Timestamp(500), Timestamp(510), false, &Pace::default());
        assert_eq!(settling.due(), Some(Timestamp(1250)));
        assert!(settling.remove(1).is_some());
        assert_eq!(settling.due(), None);
    }

    #[test]
    fn a_short_list_is_read_whole_for_one() {
        let mut settling = Settling::default();
        for (length, single) in [(3, None), (80, Some("fwd-1"))] {
            settling.know_length((String::new(), table()), length);
            add(&mut settling, 1, 0);
            let jobs = settling.start(Timestamp(500));
            assert_eq!(jobs[0].single.as_deref(), single);
            settling.finished(&jobs[0], &rows(length), Timestamp(510));
            settling.remove(1);
        }
    }

    #[test]
    fn a_long_list_is_not_read_for_one() {
        let mut settling = Settling::default();
        add(&mut settling, 1, 0);
        add(&mut settling, 2, 0);
        let jobs = settling.start(Timestamp(500));
        settling.finished(&jobs[0], &rows(80), Timestamp(510));
        settling.postpone(1, Timestamp(500), Timestamp(510), true, &Pace::default());
        settling.postpone(2, Timestamp(500), Timestamp(510), false, &Pace::default());
        let jobs = settling.start(Timestamp(710));
        assert_eq!(jobs[0].single.as_deref(), Some("fwd-1"));
    }
}
