//! Who waits for which list, and when to read it next: one read serves everyone who waits for the
//! list. Decides only; the engine reads.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::environment::Timestamp;
use crate::refresh::Sent;
use crate::resources::{Listing, Listings, ReadScope, Sought};

use super::pace::{Learner, Pace, Seen};

/// A list as read through one provider.
pub(super) type Key = (String, ReadScope);

/// With several waiters a list is read at most so often.
const REST: Duration = Duration::from_millis(200);

/// While nothing is known of an action, one waiter finds out how long it takes; others of the action in
/// other lists ask only so long after their answer, and then at three times that.
const LED: Duration = Duration::from_secs(5);

/// So long an operation for which nobody waits may be settled and not seen, while requests are scarce:
/// then one read sees many.
const PATIENCE: Duration = Duration::from_secs(10);

/// One operation that waits to be settled.
#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) learner: Learner,
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
    /// Whether nothing could start if it were settled.
    patient: bool,
    /// Whether another finds out how long the action takes.
    led: bool,
    key: Key,
}

/// A read that is to be made.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) key: Key,
    /// All lists to read.
    pub(super) scopes: Vec<ReadScope>,
    /// What is sought of the first list: the objects that are waited for now.
    pub(super) sought: Sought,
    /// When it was asked for.
    pub(super) sent: Sent,
}

/// When to ask again about what is not settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// When it should be settled as far as is known.
    Learned,
    /// As soon as may be.
    Soon,
    /// As the first, but it was not seen.
    Unread,
}

#[derive(Debug, Default)]
struct Queue {
    waiters: BTreeSet<usize>,
    /// When they are to ask, those that something waits for.
    urgent: BTreeSet<(Timestamp, usize)>,
    /// The same of the patient ones.
    patient: BTreeSet<(Timestamp, usize)>,
    /// Whether what is patient is not to be so.
    hurried: bool,
    reading: bool,
    /// How many creates of such objects are in flight.
    making: usize,
    /// When the last one was answered.
    made: Option<Timestamp>,
    /// How many rows the list had when it was last read.
    rows: Option<usize>,
    /// Not read before.
    rests_until: Timestamp,
    /// The shortest time that an answer took.
    way: Option<Duration>,
    /// The entry in `due`.
    due: Option<Timestamp>,
    /// The entry in `late`.
    late: Option<Timestamp>,
}

impl Queue {
    fn times(&mut self, patient: bool) -> &mut BTreeSet<(Timestamp, usize)> {
        if patient { &mut self.patient } else { &mut self.urgent }
    }

    /// Returns the waiters that are to ask by now.
    fn asking(&self, now: Timestamp) -> impl Iterator<Item = usize> {
        let due = |times: &BTreeSet<(Timestamp, usize)>| {
            times.iter().take_while(|(due, _)| *due <= now).map(|(_, task)| *task).collect()
        };
        let (urgent, patient): (Vec<usize>, Vec<usize>) = (due(&self.urgent), due(&self.patient));
        urgent.into_iter().chain(patient)
    }

    /// Returns when the list is to be read, and when while requests are scarce. What is patient joins
    /// a read that is to come soon in any case, or others that ask at nearly the same time.
    fn next(&self) -> Option<(Timestamp, Timestamp)> {
        let urgent = self.urgent.first().map(|(due, _)| *due);
        let first = self.patient.first().map(|(due, _)| *due);
        let together = first.map(|due| self.patient.range(..=(due.after(REST), usize::MAX)));
        let patient = together.and_then(|mut times| times.next_back()).map(|(due, _)| *due);
        let late = patient.map(|due| due.after(PATIENCE));
        let soonest = |a: Option<Timestamp>, b: Option<Timestamp>| a.into_iter().chain(b).min();
        let due = match (patient, urgent, late) {
            (Some(patient), Some(urgent), Some(late)) if (patient..=late).contains(&urgent) => {
                urgent
            }
            _ => soonest(urgent, patient)?,
        };
        let late = if self.hurried { due } else { soonest(urgent, late)? };
        Some((due.max(self.rests_until), late.max(self.rests_until)))
    }
}

/// All waiters, by task.
#[derive(Debug, Default)]
pub(super) struct Settling {
    waiters: BTreeMap<usize, Waiter>,
    queues: BTreeMap<Key, Queue>,
    /// When lists are to be read.
    due: BTreeSet<(Timestamp, Key)>,
    /// When they are to be read at the latest while requests are scarce.
    late: BTreeSet<(Timestamp, Key)>,
    /// Whether requests are scarce: calls that may be sent wait for a place.
    pub(super) scarce: bool,
    /// Actions of which some wait for another to find out how long it takes.
    led: BTreeSet<Learner>,
}

impl Settling {
    /// Adds one whose call was answered at `since`; a patient one is such that nothing could start if it
    /// were settled.
    pub(super) fn add(
        &mut self,
        task: usize,
        (provider, scopes): (&str, Vec<ReadScope>),
        (learner, id): (Learner, &str),
        (since, now, patient): (Timestamp, Timestamp, bool),
        pace: &mut Pace,
    ) {
        let Some(first) = scopes.first().cloned() else { return };
        let key = (provider.to_owned(), first);
        let (wait, trial) = pace.first(&learner);
        let led = !pace.knows(&learner)
            && self
                .waiters
                .values()
                .any(|other| other.learner == learner && !other.led && other.key != key);
        let due = since.after(if led { LED } else { wait }).max(now);
        if led {
            self.led.insert(learner.clone());
        }
        let waiter = Waiter {
            learner,
            scopes,
            id: id.to_owned(),
            since,
            seen: Seen { trial, ..Seen::default() },
            absent: 0,
            asked: 0,
            due,
            patient,
            led,
            key: key.clone(),
        };
        self.waiters.insert(task, waiter);
        let queue = self.queues.entry(key.clone()).or_default();
        queue.waiters.insert(task);
        queue.times(patient).insert((due, task));
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
            queue.times(waiter.patient).remove(&(waiter.due, task));
        }
        self.schedule(&waiter.key.clone());
        Some(waiter)
    }

    /// Changes when one asks.
    fn change(&mut self, task: usize, change: impl FnOnce(&mut Waiter)) {
        let Some(waiter) = self.waiters.get_mut(&task) else { return };
        let before = (waiter.patient, waiter.due);
        change(waiter);
        let after = (waiter.patient, waiter.due);
        let key = waiter.key.clone();
        if let Some(queue) = self.queues.get_mut(&key) {
            queue.times(before.0).remove(&(before.1, task));
            queue.times(after.0).insert((after.1, task));
        }
        self.schedule(&key);
    }

    /// Says whether those who wait for the list of one are soon to be seen even if they are patient.
    pub(super) fn hurry(&mut self, task: usize, hurried: bool) {
        let Some(key) = self.waiters.get(&task).map(|waiter| waiter.key.clone()) else { return };
        if let Some(queue) = self.queues.get_mut(&key).filter(|queue| queue.hurried != hurried) {
            queue.hurried = hurried;
            self.schedule(&key);
        }
    }

    /// Notes that a create is about to be sent whose object the list will show.
    pub(super) fn begin_making(&mut self, key: Key) {
        self.queues.entry(key).or_default().making += 1;
    }

    /// Notes that such a create was answered, or came to nothing.
    pub(super) fn end_making(&mut self, key: &Key, now: Timestamp) {
        if let Some(queue) = self.queues.get_mut(key) {
            queue.making = queue.making.saturating_sub(1);
            queue.made = Some(now);
        }
    }

    /// Returns whether this run may have made something in a list while it was read: then what stood
    /// on a later page may have moved to one that had been read.
    pub(super) fn may_have_grown(&self, job: &Job) -> bool {
        let made = |queue: &Queue| queue.making > 0 || queue.made >= Some(job.sent.first);
        self.queues.get(&job.key).is_none_or(made)
    }

    /// Lets those ask who waited for another of their action, which settled or was given up.
    pub(super) fn wake(&mut self, learner: &Learner, now: Timestamp, pace: &mut Pace) {
        if !self.led.remove(learner) {
            return;
        }
        let led = |(_, other): &(&usize, &Waiter)| other.led && other.learner == *learner;
        let led: Vec<usize> = self.waiters.iter().filter(led).map(|(task, _)| *task).collect();
        for task in led {
            let (wait, trial) = pace.first(learner);
            self.change(task, |waiter| {
                waiter.led = false;
                waiter.seen.trial = trial;
                waiter.due = waiter.due.min(waiter.since.after(wait).max(now));
            });
        }
    }

    /// Notes that one was not settled in a list that was asked for at `asked`, and waits again.
    pub(super) fn postpone(
        &mut self,
        task: usize,
        asked: Timestamp,
        now: Timestamp,
        again: Again,
        pace: &Pace,
    ) {
        self.change(task, |waiter| {
            let elapsed = asked.since(waiter.since);
            if again != Again::Unread {
                waiter.seen.busy = Some(elapsed);
            }
            if again == Again::Soon {
                waiter.due = now.after(REST);
            } else if waiter.due <= asked {
                waiter.asked += 1;
                waiter.seen.missed = waiter.seen.missed.or(waiter.seen.busy);
                let next = pace.next(&waiter.learner, waiter.asked, elapsed);
                waiter.due = asked.after(if waiter.led { elapsed * 2 } else { next }).max(now);
            }
        });
    }

    /// Has one looked at as soon as can be, for the last time; false where that was done.
    pub(super) fn look_last(&mut self, task: usize, now: Timestamp) -> bool {
        self.change(task, |waiter| waiter.due = now);
        self.waiters.contains_key(&task)
    }

    /// Returns when something is to be read next.
    pub(super) fn due(&self) -> Option<Timestamp> {
        let times = if self.scarce { &self.late } else { &self.due };
        times.first().map(|(due, _)| *due)
    }

    /// Returns the reads that are due and notes that they are under way.
    pub(super) fn start(&mut self, now: Timestamp) -> Vec<Job> {
        let mut jobs = Vec::new();
        loop {
            let times = if self.scarce { &self.late } else { &self.due };
            let Some((_, key)) = times.first().filter(|(due, _)| *due <= now).cloned() else {
                return jobs;
            };
            self.unschedule(&key);
            let Some(queue) = self.queues.get_mut(&key) else { continue };
            queue.reading = true;
            let asking: Vec<&Waiter> =
                queue.asking(now).filter_map(|task| self.waiters.get(&task)).collect();
            let mut scopes = vec![key.1.clone()];
            for scope in asking.iter().flat_map(|waiter| &waiter.scopes) {
                if !scopes.contains(scope) {
                    scopes.push(scope.clone());
                }
            }
            let ids: BTreeSet<String> = asking.iter().map(|waiter| waiter.id.clone()).collect();
            let ids = if ids.contains("") { BTreeSet::new() } else { ids };
            let sought = Sought { scope: key.1.clone(), ids, rows: queue.rows };
            jobs.push(Job { key, scopes, sought, sent: Sent::at(now) });
        }
    }

    /// Notes what was read and returns the tasks to be judged by it.
    ///
    /// What is seen is as it was when the service answered, which is somewhere between request and
    /// answer. Where an answer took longer than others, that may have been so much later.
    pub(super) fn finished(
        &mut self,
        job: &mut Job,
        listings: &Listings,
        now: Timestamp,
    ) -> Vec<usize> {
        let Some(queue) = self.queues.get_mut(&job.key) else { return Vec::new() };
        queue.reading = false;
        let took = now.since(job.sent.last);
        let way = queue.way.map_or(took, |way| way.min(took));
        queue.way = Some(way);
        job.sent.last = job.sent.last.after(took.saturating_sub(way));
        let list = listings.get(&job.key.1);
        match list {
            Some(Listing::Rows(rows)) => queue.rows = Some(rows.len()),
            // There are more than its first page holds.
            Some(Listing::Part { asked, rows }) if rows.len() > asked.len() => {
                queue.rows = queue.rows.max(Some(rows.len() + 1));
            }
            _ => {}
        }
        // Of an object that was not asked for, a part of a list may not tell that it is gone.
        let tells = |id: &str| match list {
            Some(Listing::Part { asked, rows }) => asked.contains(id) || rows.contains_key(id),
            _ => true,
        };
        if queue.waiters.len() > 1 {
            queue.rests_until = now.after(REST);
        }
        let tasks = queue
            .waiters
            .iter()
            .copied()
            .filter(|task| {
                self.waiters.get(task).is_some_and(|waiter| {
                    waiter.since <= job.sent.first
                        && tells(&waiter.id)
                        && waiter.scopes.iter().all(|scope| listings.contains_key(scope))
                })
            })
            .collect();
        self.schedule(&job.key);
        tasks
    }

    fn unschedule(&mut self, key: &Key) {
        let Some(queue) = self.queues.get_mut(key) else { return };
        if let Some(due) = queue.due.take() {
            self.due.remove(&(due, key.clone()));
        }
        if let Some(late) = queue.late.take() {
            self.late.remove(&(late, key.clone()));
        }
    }

    fn schedule(&mut self, key: &Key) {
        self.unschedule(key);
        let Some(queue) = self.queues.get_mut(key).filter(|queue| !queue.reading) else { return };
        if let Some((due, late)) = queue.next() {
            (queue.due, queue.late) = (Some(due), Some(late));
            self.due.insert((due, key.clone()));
            self.late.insert((late, key.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::catalogue::Action;
    use crate::state::Service;

    const DELETE: Learner = (Service::Real, Action::DeleteForwardEntry);

    fn table() -> ReadScope {
        ReadScope::ForwardEntries { region: String::from("r"), table: String::from("t") }
    }

    fn add(settling: &mut Settling, task: usize, since: i64) {
        let action = (DELETE, &*format!("fwd-{task}"));
        let times = (Timestamp(since), Timestamp(since), true);
        settling.add(task, ("", vec![table()]), action, times, &mut Pace::default());
    }

    fn ids(job: &Job) -> Vec<&str> {
        job.sought.ids.iter().map(String::as_str).collect()
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
        // The first waits for the second, which is due at nearly the same time.
        assert_eq!(settling.due(), Some(Timestamp(510)));
        assert!(settling.start(Timestamp(509)).is_empty());
        let mut jobs = settling.start(Timestamp(520));
        assert_eq!((jobs.len(), ids(&jobs[0])), (1, vec!["fwd-1", "fwd-2"]));
        assert_eq!(settling.due(), None, "no second read while one is under way");
        add(&mut settling, 3, 530);
        let judged = settling.finished(&mut jobs[0], &rows(3), Timestamp(600));
        assert_eq!(judged, [1, 2], "the third was answered after the list was asked for");
    }

    #[test]
    fn a_list_tells_of_when_it_was_asked_for_and_not_of_when_that_was_decided() {
        let mut settling = Settling::default();
        add(&mut settling, 1, 0);
        let mut jobs = settling.start(Timestamp(500));
        // It had to wait for its turn; meanwhile another call was answered.
        add(&mut settling, 2, 2_000);
        jobs[0].sent = Sent::at(Timestamp(3_000));
        let judged = settling.finished(&mut jobs[0], &rows(3), Timestamp(3_100));
        assert_eq!((judged, jobs[0].sent.last), (vec![1, 2], Timestamp(3_000)));
        settling.postpone(1, Timestamp(3_000), Timestamp(3_100), Again::Learned, &Pace::default());
        let waiter = settling.get_mut(1).unwrap();
        assert_eq!(waiter.seen.busy, Some(Duration::from_secs(3)));
        // An answer that takes longer than others may tell of a later time.
        let mut jobs = settling.start(Timestamp(9_000));
        jobs[0].sent = Sent::at(Timestamp(9_000));
        settling.finished(&mut jobs[0], &rows(3), Timestamp(9_700));
        assert_eq!(jobs[0].sent, Sent { first: Timestamp(9_000), last: Timestamp(9_600) });
    }

    #[test]
    fn what_could_not_be_read_was_not_seen_unsettled() {
        let mut settling = Settling::default();
        add(&mut settling, 1, 0);
        settling.start(Timestamp(500));
        settling.postpone(1, Timestamp(500), Timestamp(600), Again::Unread, &Pace::default());
        let seen = settling.get_mut(1).unwrap().seen;
        assert_eq!((seen.busy, seen.missed), (None, None));
    }

    #[test]
    fn a_lone_waiter_asks_for_its_object_only() {
        let mut settling = Settling::default();
        add(&mut settling, 1, 0);
        let mut jobs = settling.start(Timestamp(500));
        assert_eq!((ids(&jobs[0]), jobs[0].sought.rows), (vec!["fwd-1"], None));
        settling.finished(&mut jobs[0], &rows(1), Timestamp(510));
        settling.postpone(1, Timestamp(500), Timestamp(510), Again::Learned, &Pace::default());
        assert_eq!(settling.due(), Some(Timestamp(1125)));
        assert!(settling.remove(1).is_some());
        assert_eq!(settling.due(), None);
    }

    #[test]
    fn what_is_known_of_a_list_tells_how_to_ask() {
        let mut settling = Settling::default();
        for length in [3, 80] {
            settling.know_length((String::new(), table()), length);
            add(&mut settling, 1, 0);
            let mut jobs = settling.start(Timestamp(500));
            assert_eq!((ids(&jobs[0]), jobs[0].sought.rows), (vec!["fwd-1"], Some(length)));
            settling.finished(&mut jobs[0], &rows(length), Timestamp(510));
            settling.remove(1);
        }
    }

    fn add_urgent(settling: &mut Settling, task: usize, since: i64) {
        let learner = ((Service::Real, Action::CreateForwardEntry), &*format!("fwd-{task}"));
        let times = (Timestamp(since), Timestamp(since), false);
        settling.add(task, ("", vec![table()]), learner, times, &mut Pace::default());
    }

    #[test]
    fn what_is_patient_joins_a_read_that_is_to_come() {
        let mut settling = Settling::default();
        add(&mut settling, 1, 0);
        add(&mut settling, 2, 150);
        assert_eq!(settling.due(), Some(Timestamp(650)), "both are read at once");
        add_urgent(&mut settling, 3, 900);
        assert_eq!(settling.due(), Some(Timestamp(1_400)));
        let jobs = settling.start(Timestamp(1_400));
        assert_eq!(ids(&jobs[0]), ["fwd-1", "fwd-2", "fwd-3"]);
    }

    #[test]
    fn what_is_patient_waits_for_nothing_where_it_is_hurried() {
        let mut settling = Settling { scarce: true, ..Settling::default() };
        add(&mut settling, 1, 0);
        assert_eq!(settling.due(), Some(Timestamp(500).after(PATIENCE)));
        settling.hurry(1, true);
        assert_eq!(settling.due(), Some(Timestamp(500)));
        settling.hurry(1, false);
        assert_eq!(settling.due(), Some(Timestamp(500).after(PATIENCE)));
    }

    #[test]
    fn it_is_known_whether_a_list_may_have_grown_while_it_was_read() {
        let mut settling = Settling::default();
        let key = (String::new(), table());
        add(&mut settling, 1, 0);
        let jobs = settling.start(Timestamp(500));
        assert!(!settling.may_have_grown(&jobs[0]));
        settling.begin_making(key.clone());
        assert!(settling.may_have_grown(&jobs[0]), "its page may be read yet");
        settling.end_making(&key, Timestamp(550));
        assert!(settling.may_have_grown(&jobs[0]));
        settling.finished(&mut jobs[0].clone(), &rows(60), Timestamp(600));
        settling.postpone(1, Timestamp(500), Timestamp(600), Again::Soon, &Pace::default());
        let jobs = settling.start(Timestamp(900));
        assert!(!settling.may_have_grown(&jobs[0]), "that was before");
    }

    #[test]
    fn one_finds_out_how_long_an_action_takes() {
        let mut settling = Settling::default();
        let mut pace = Pace::default();
        add(&mut settling, 1, 0);
        let other =
            ReadScope::ForwardEntries { region: String::from("r"), table: String::from("other") };
        let action = (DELETE, "fwd-2");
        let times = (Timestamp(100), Timestamp(100), true);
        settling.add(2, ("", vec![other]), action, times, &mut pace);
        assert_eq!(settling.start(Timestamp(4_000)).len(), 1, "the other waits for the first");
        settling.remove(1);
        pace.remember(DELETE, Duration::from_secs(4));
        settling.wake(&DELETE, Timestamp(4_010), &mut pace);
        assert_eq!(settling.due(), Some(Timestamp(4_100)));
    }

    #[test]
    fn a_part_of_a_list_tells_of_what_was_asked_for() {
        let mut settling = Settling::default();
        add(&mut settling, 1, 0);
        add(&mut settling, 2, 300);
        let mut jobs = settling.start(Timestamp(500));
        assert_eq!(ids(&jobs[0]), ["fwd-1"], "the other is not due");
        let asked: BTreeSet<String> = ["fwd-1".to_owned()].into();
        let part = |rows| [(table(), Listing::Part { asked: asked.clone(), rows })].into();
        let judged = settling.finished(&mut jobs[0], &part(BTreeMap::new()), Timestamp(510));
        assert_eq!(judged, [1]);
        let found = [("fwd-2".to_owned(), crate::resources::Object::new())].into();
        let judged = settling.finished(&mut jobs[0], &part(found), Timestamp(510));
        assert_eq!(judged, [1, 2]);
    }

    #[test]
    fn a_long_list_is_not_read_for_one() {
        let mut settling = Settling::default();
        add(&mut settling, 1, 0);
        add(&mut settling, 2, 0);
        let mut jobs = settling.start(Timestamp(500));
        settling.finished(&mut jobs[0], &rows(80), Timestamp(510));
        settling.postpone(1, Timestamp(500), Timestamp(510), Again::Soon, &Pace::default());
        settling.postpone(2, Timestamp(500), Timestamp(510), Again::Learned, &Pace::default());
        let jobs = settling.start(Timestamp(710));
        assert_eq!((ids(&jobs[0]), jobs[0].sought.rows), (vec!["fwd-1"], Some(80)));
    }
}
