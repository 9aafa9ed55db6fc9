//! How little time and how few calls any client needs for given operations.
//!
//! **Which clients.** Those that act on what they know: a call is sent only when an answer has shown
//! that nothing is under way which would refuse it, and that what it builds on is there. A client that
//! guesses would save the way of one answer an operation and pay with refusals. Nothing else is assumed:
//! not in which order or when such a client calls, nor what it reads when.
//!
//! **Time.** A request and its answer take `answer` together, half of it each way. A call that is sent
//! at *t* reaches the service at *t* + `answer`/2, settles there after `settle`, and what a read sees of
//! that is back at the earliest at *t* + `answer` + `settle`: this is the *length* of an operation, in
//! which nothing may be sent that waits for it. Four bounds follow, and the largest of them is given:
//!
//! 1. *Path*: along a chain of operations of which each waits for the one before, lengths add up.
//! 2. *Table*: operations that exclude each other in both orders (creates and modifications of one DNAT
//!    table, modifications of one SNAT table, operations on a gateway itself) are done one after the
//!    other, as jobs of one machine. Each has a *head*, before which it cannot be sent, and a *tail*,
//!    which must pass after it. No order of such jobs ends before the preemptive schedule that always
//!    goes on with the job of the longest tail (Jackson's), since that one is best even where jobs may be
//!    broken off. Operations that are refused only in one order (a delete while an entry is made)
//!    add nothing, which keeps the bound a bound.
//! 3. *Requests*: at most `parallelism` requests are in flight, and each is so for `answer`. Of k requests
//!    none of which can leave before *r*, the last is answered no sooner than
//!    *r* + ⌈k / `parallelism`⌉ · `answer`, and then the least of their tails must pass.
//!    Any set of requests gives such a bound.
//! 4. *Rate*: of k requests at most so many a second, the last leaves (k − 1) intervals after *r*.
//!
//! Heads and tails are longest paths, in which a set of operations that exclude each other and that
//! one operation waits for (all modifications of a table, then the removal of an address) counts with
//! the time that one machine needs for all of it.
//!
//! **Calls.** Each operation is one. Of operations that exclude each other each is read on its own: the
//! next is sent only after the settling of the one before was seen, so the read that showed it left
//! before the next one settled, and no read shows two of them. All other operations of one list may be
//! seen by one read of it at once, and a page shows at most 50 objects.

#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::matrix::{self, Part};
use super::needs::Need;
use crate::api::catalogue::Action;

/// Rows of a page.
const PAGE: usize = 50;

/// How long things take, in milliseconds.
#[derive(Debug, Clone, Default)]
pub struct Times {
    /// From when a request is sent until its answer is there.
    pub answer: u64,
    /// How long each action is under way; what is not named is done at once.
    pub settle: BTreeMap<Action, u64>,
}

/// What a client keeps to.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Requests in flight at most.
    pub parallelism: u64,
    /// Requests a second at most, if there is such a limit.
    pub per_second: Option<f64>,
}

/// Which of the bounds is the largest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Binding {
    /// A chain of operations.
    Path,
    /// Operations that exclude each other.
    Table,
    /// The number of requests in flight.
    Requests,
    /// The rate of requests.
    Rate,
}

/// What is needed at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// Milliseconds from the first request to the last answer.
    pub makespan: u64,
    /// What that comes from.
    pub by: Binding,
    /// Calls, with the reads that show what came of them.
    pub calls: u64,
}

/// An operation as a job: before when it cannot be sent, how long it is, and what must pass after it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Job {
    head: u64,
    length: u64,
    tail: u64,
}

/// A request: before when it cannot leave, and what must pass after its answer.
type Request = (u64, u64);

/// Where operations exclude each other: a gateway, and a part of it.
type Machine = (u32, Part);

/// Returns the bounds for operations, each of which comes after those that it waits for.
pub fn lower_bound(needs: &[Need], times: &Times, limits: Limits) -> Bound {
    let jobs = jobs(needs, times);
    let requests = requests(needs, &jobs, times);
    let mut machines: BTreeMap<Machine, Vec<Job>> = BTreeMap::new();
    for (need, job) in needs.iter().zip(&jobs) {
        if let Some(machine) = machine(need) {
            machines.entry(machine).or_default().push(*job);
        }
    }
    let path = jobs.iter().map(|job| job.head + job.length + job.tail).max().unwrap_or(0);
    let table = machines.values_mut().map(|jobs| one_machine(jobs)).max().unwrap_or(0);
    let calls = requests.len() as u64;
    let (in_flight, rate) = volume(requests, times.answer, limits);
    let all = [
        (path, Binding::Path),
        (table, Binding::Table),
        (in_flight, Binding::Requests),
        (rate, Binding::Rate),
    ];
    let (makespan, by) = all.into_iter().rev().max_by_key(|(bound, _)| *bound).unwrap_or(all[0]);
    Bound { makespan, by, calls }
}

/// Returns where an operation excludes its like, if it does.
fn machine(need: &Need) -> Option<Machine> {
    matrix::exclude_each_other(need.action, need.action)
        .then(|| (need.gateway, matrix::part(need.action)))
}

fn settle(need: &Need, times: &Times) -> u64 {
    times.settle.get(&need.action).copied().unwrap_or(0)
}

/// Returns operations with their heads and tails.
fn jobs(needs: &[Need], times: &Times) -> Vec<Job> {
    let mut jobs: Vec<Job> = needs
        .iter()
        .map(|need| Job { length: times.answer + settle(need, times), ..Job::default() })
        .collect();
    for (index, need) in needs.iter().enumerate() {
        let before = need.after.iter().map(|before| *before as usize);
        jobs[index].head = reach(needs, &jobs, before, |job| job.head);
    }
    let mut successors: Vec<Vec<u32>> = vec![Vec::new(); needs.len()];
    for (index, need) in needs.iter().enumerate() {
        for before in &need.after {
            successors[*before as usize].push(u32::try_from(index).unwrap_or(u32::MAX));
        }
    }
    for index in (0..needs.len()).rev() {
        let after = successors[index].iter().map(|after| *after as usize);
        jobs[index].tail = reach(needs, &jobs, after, |job| job.tail);
    }
    jobs
}

/// Returns when some operations are all over that cannot begin before their heads; seen from the other
/// end of time, with tails, before when the last of them must begin.
fn reach(
    needs: &[Need],
    jobs: &[Job],
    some: impl Iterator<Item = usize>,
    edge: impl Fn(&Job) -> u64,
) -> u64 {
    let mut latest = 0;
    let mut machines: BTreeMap<Machine, Vec<(u64, u64)>> = BTreeMap::new();
    for index in some {
        let job = &jobs[index];
        latest = latest.max(edge(job) + job.length);
        if let Some(machine) = machine(&needs[index]) {
            machines.entry(machine).or_default().push((edge(job), job.length));
        }
    }
    for mut together in machines.into_values() {
        // In the order of their heads, one machine is done with them soonest.
        together.sort_unstable();
        let over = |end: u64, (head, length): (u64, u64)| end.max(head) + length;
        latest = latest.max(together.into_iter().fold(0, over));
    }
    latest
}

/// Returns the end of Jackson's preemptive schedule: no order of these jobs on one machine is sooner
/// done with the tails.
fn one_machine(jobs: &mut [Job]) -> u64 {
    jobs.sort_unstable_by_key(|job| job.head);
    let mut waiting: BinaryHeap<(u64, u64)> = BinaryHeap::new();
    let (mut now, mut end, mut next) = (0, 0, 0);
    loop {
        if waiting.is_empty() {
            let Some(job) = jobs.get(next) else { return end };
            now = now.max(job.head);
        }
        while let Some(job) = jobs.get(next).filter(|job| job.head <= now) {
            waiting.push((job.tail, job.length));
            next += 1;
        }
        let Some((tail, left)) = waiting.pop() else { continue };
        let until = jobs.get(next).map_or(now + left, |job| job.head.min(now + left));
        let done = until - now;
        now = until;
        if done < left {
            waiting.push((tail, left - done));
        } else {
            end = end.max(now + tail);
        }
    }
}

/// Returns the list that shows what came of an operation: there is one for each table, one for all
/// gateways, and one for all packages.
fn list(need: &Need) -> (Option<u32>, Part) {
    let part = matrix::part(need.action);
    (matches!(part, Part::Dnat | Part::Snat).then_some(need.gateway), part)
}

/// Returns all requests: the calls, and the reads that show what came of them.
fn requests(needs: &[Need], jobs: &[Job], times: &Times) -> Vec<Request> {
    let mut requests = Vec::with_capacity(needs.len() * 2);
    let mut lists: BTreeMap<_, List> = BTreeMap::new();
    for (need, job) in needs.iter().zip(jobs) {
        requests.push((job.head, settle(need, times) + job.tail));
        if !matrix::must_be_read(need.action) {
            continue;
        }
        // The read reaches the service when the operation has settled, or later.
        let read = (job.head + settle(need, times), job.tail);
        let list = list(need);
        let shown =
            |before: &Need| matrix::must_be_read(before.action) && self::list(before) == list;
        let first = need.after.iter().any(|before| shown(&needs[*before as usize]));
        lists.entry(list).or_default().add(need, read, !first);
    }
    for list in lists.into_values() {
        list.read(&mut requests);
    }
    requests
}

/// What is to be seen in one list.
#[derive(Debug, Default)]
struct List {
    /// Reads of operations that exclude each other: each is one of its own.
    apart: Vec<Request>,
    /// Whether any of those may come first, since nothing in this list is to be seen before it.
    opens: bool,
    /// How many objects are to be seen that are there then, beside those.
    together: usize,
    /// Whether some are to be gone.
    gone: bool,
    /// The soonest of those, and the least that must pass after them.
    edge: Option<Request>,
}

impl List {
    fn add(&mut self, need: &Need, read: Request, opens: bool) {
        if machine(need).is_some() && matrix::part(need.action) != Part::Gateway {
            self.opens |= opens;
            return self.apart.push(read);
        }
        let deletes = matches!(
            need.action,
            Action::DeleteNatGateway | Action::DeleteForwardEntry | Action::DeleteSnatEntry
        );
        self.gone |= deletes;
        self.together += usize::from(!deletes);
        let (head, tail) = self.edge.unwrap_or(read);
        self.edge = Some((head.min(read.0), tail.min(read.1)));
    }

    /// Adds the reads that it takes. Those that show one operation each may show the others, too; but
    /// where something is to be seen before the first of them is sent, that takes one more.
    fn read(self, requests: &mut Vec<Request>) {
        let least = self.together.div_ceil(PAGE).max(usize::from(self.gone));
        let before = usize::from(!self.apart.is_empty() && !self.opens);
        if let Some(edge) = self.edge {
            let more = least.saturating_sub(self.apart.len()).max(before);
            requests.extend(std::iter::repeat_n(edge, more));
        }
        requests.extend(self.apart);
    }
}

/// Returns the bounds by the number of requests in flight and by their rate. Each set of requests gives
/// one; looked at are those that cannot leave before some time, and those after which some time must
/// pass.
fn volume(mut requests: Vec<Request>, answer: u64, limits: Limits) -> (u64, u64) {
    let interval = limits.per_second.map_or(0.0, |rate| 1000.0 / rate);
    let (mut in_flight, mut rate) = (0, 0);
    let mut look = |requests: &[Request]| {
        let (mut head, mut tail) = (u64::MAX, u64::MAX);
        for (before, request) in (0_u64..).zip(requests) {
            (head, tail) = (head.min(request.0), tail.min(request.1));
            let rounds = (before + 1).div_ceil(limits.parallelism.max(1));
            in_flight = in_flight.max(head + rounds * answer + tail);
            if limits.per_second.is_some() {
                rate = rate.max(head + intervals(interval, before) + answer + tail);
            }
        }
    };
    requests.sort_unstable_by_key(|(head, tail)| Reverse((*head, *tail)));
    look(&requests);
    requests.sort_unstable_by_key(|(head, tail)| Reverse((*tail, *head)));
    look(&requests);
    (in_flight, rate)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "milliseconds, rounded down, of at most some millions of requests"
)]
fn intervals(interval: f64, count: u64) -> u64 {
    (interval * count as f64).floor() as u64
}
