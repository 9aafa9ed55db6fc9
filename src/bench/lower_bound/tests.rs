//! The bounds against all schedules of small instances.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use Action::*;

/// An answer takes two units, one each way.
const ANSWER: u64 = 2;

fn need(action: Action, gateway: u32, after: &[u32]) -> Need {
    Need { action, gateway, after: after.to_vec() }
}

fn times(settles: &[(Action, u64)]) -> Times {
    Times { answer: ANSWER, settle: settles.iter().copied().collect() }
}

fn limits(parallelism: u64) -> Limits {
    Limits { parallelism, per_second: None }
}

/// The fewest units of time and, each for itself, the fewest requests of any schedule.
#[derive(Debug, PartialEq, Eq)]
struct Best {
    makespan: u64,
    calls: u64,
}

/// How far an operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stand {
    Unsent,
    Sent(u64),
    Seen,
}

/// A list that can be read: of a table, or of all gateways or packages.
type Read = (Option<u32>, Part);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct State {
    stands: Vec<Stand>,
    /// Reads on their way, by when they were sent.
    reads: BTreeSet<(u64, Read)>,
}

struct Game<'a> {
    needs: &'a [Need],
    times: &'a Times,
    parallelism: usize,
}

impl Game<'_> {
    fn list(&self, index: usize) -> Read {
        let part = matrix::part(self.needs[index].action);
        let table = matches!(part, Part::Dnat | Part::Snat).then_some(self.needs[index].gateway);
        (table, part)
    }

    /// Lets answers come that are due.
    fn arrive(&self, state: &mut State, now: u64) {
        let back: Vec<(u64, Read)> =
            state.reads.iter().copied().filter(|(sent, _)| sent + ANSWER == now).collect();
        for (sent, list) in back {
            state.reads.remove(&(sent, list));
            for index in 0..self.needs.len() {
                let Stand::Sent(call) = state.stands[index] else { continue };
                let settled = call + ANSWER / 2 + settle(&self.needs[index], self.times);
                if self.list(index) == list && settled <= sent + ANSWER / 2 && call + ANSWER <= now
                {
                    state.stands[index] = Stand::Seen;
                }
            }
        }
        for (index, need) in self.needs.iter().enumerate() {
            let answered = matches!(state.stands[index], Stand::Sent(at) if at + ANSWER <= now);
            if answered && !matrix::must_be_read(need.action) {
                state.stands[index] = Stand::Seen;
            }
        }
    }

    fn in_flight(state: &State, now: u64) -> usize {
        let sent = |stand: &&Stand| matches!(stand, Stand::Sent(at) if at + ANSWER > now);
        state.reads.len() + state.stands.iter().filter(sent).count()
    }

    /// Returns all that may be sent now: the states after each one request.
    fn sends(&self, state: &State, now: u64) -> Vec<State> {
        let mut after = Vec::new();
        if Self::in_flight(state, now) >= self.parallelism {
            return after;
        }
        for (index, need) in self.needs.iter().enumerate() {
            let informed = need.after.iter().all(|b| state.stands[*b as usize] == Stand::Seen);
            let under_way = self.needs.iter().zip(&state.stands).any(|(other, stand)| {
                matches!(stand, Stand::Sent(_))
                    && other.gateway == need.gateway
                    && matrix::refused(need.action, other.action)
            });
            if state.stands[index] == Stand::Unsent && informed && !under_way {
                let mut next = state.clone();
                next.stands[index] = Stand::Sent(now);
                after.push(next);
            }
            let read = (now, self.list(index));
            // A read that would show nothing new only takes a place.
            let shows = matches!(
                state.stands[index],
                Stand::Sent(at) if at + settle(need, self.times) <= now
            );
            if shows && matrix::must_be_read(need.action) && !state.reads.contains(&read) {
                let mut next = state.clone();
                next.reads.insert(read);
                after.push(next);
            }
        }
        after
    }

    /// Plays all schedules up to a time by which some way of doing it is over.
    fn best(&self) -> Best {
        let horizon: u64 =
            self.needs.iter().map(|n| 2 * ANSWER + settle(n, self.times)).sum::<u64>() + 1;
        let begin = State { stands: vec![Stand::Unsent; self.needs.len()], reads: BTreeSet::new() };
        let mut now_at: BTreeMap<State, u64> = BTreeMap::from([(begin, 0)]);
        let (mut makespan, mut calls) = (None, u64::MAX);
        for now in 0..=horizon {
            let mut arrived: BTreeMap<State, u64> = BTreeMap::new();
            for (mut state, cost) in now_at {
                self.arrive(&mut state, now);
                let least = arrived.entry(state).or_insert(cost);
                *least = cost.min(*least);
            }
            let mut all = arrived.clone();
            let mut open: Vec<(State, u64)> = arrived.into_iter().collect();
            while let Some((state, cost)) = open.pop() {
                for next in self.sends(&state, now) {
                    if all.get(&next).is_none_or(|known| *known > cost + 1) {
                        all.insert(next.clone(), cost + 1);
                        open.push((next, cost + 1));
                    }
                }
            }
            let done = all.iter().filter(|(s, _)| s.stands.iter().all(|s| *s == Stand::Seen));
            if let Some(least) = done.map(|(_, cost)| *cost).min() {
                makespan = makespan.or(Some(now));
                calls = calls.min(least);
            }
            now_at = all;
        }
        Best { makespan: makespan.unwrap(), calls }
    }
}

fn both(needs: &[Need], times: &Times, parallelism: u64) -> (Best, Best) {
    let bound = lower_bound(needs, times, limits(parallelism));
    let parallelism = usize::try_from(parallelism).unwrap();
    let best = Game { needs, times, parallelism }.best();
    (best, Best { makespan: bound.makespan, calls: bound.calls })
}

#[test]
fn the_bounds_are_reached_where_one_thing_decides() {
    let settles = times(&[
        (CreateNatGateway, 4),
        (CreateForwardEntry, 3),
        (ModifyForwardEntry, 2),
        (DeleteForwardEntry, 3),
        (CreateSnatEntry, 3),
        (ModifySnatEntry, 2),
    ]);
    let cases: Vec<(&str, Vec<Need>, u64)> = vec![
        ("one table", (0..3).map(|_| need(CreateForwardEntry, 0, &[])).collect(), 4),
        (
            "made and modified",
            vec![need(CreateForwardEntry, 0, &[]), need(ModifyForwardEntry, 0, &[])],
            2,
        ),
        (
            "under its gateway",
            vec![
                need(CreateNatGateway, 0, &[]),
                need(CreateForwardEntry, 0, &[0]),
                need(CreateForwardEntry, 0, &[0]),
            ],
            2,
        ),
        ("free entries", (0..3).map(|_| need(CreateSnatEntry, 0, &[])).collect(), 3),
        ("deletes", (0..3).map(|_| need(DeleteForwardEntry, 0, &[])).collect(), 3),
        (
            "keys handed over",
            vec![need(DeleteForwardEntry, 0, &[]), need(CreateForwardEntry, 0, &[0])],
            2,
        ),
        ("modified", (0..2).map(|_| need(ModifySnatEntry, 0, &[])).collect(), 2),
        (
            "an address that all leave",
            vec![
                need(AddBandwidthPackageIps, 0, &[]),
                need(ModifyForwardEntry, 0, &[0]),
                need(ModifyForwardEntry, 0, &[0]),
                need(RemoveBandwidthPackageIps, 0, &[1, 2]),
            ],
            2,
        ),
    ];
    for (name, needs, parallelism) in cases {
        let (best, bound) = both(&needs, &settles, parallelism);
        // A read that is sent in time for the settling needs a place among the requests.
        assert_eq!(best, bound, "{name}");
    }
}

#[test]
fn requests_in_flight_are_counted() {
    let settles = times(&[(CreateSnatEntry, 0)]);
    let needs: Vec<Need> = (0..4).map(|_| need(CreateSnatEntry, 0, &[])).collect();
    let (best, bound) = both(&needs, &settles, 1);
    assert_eq!(best, bound);
    let bound = lower_bound(&needs, &settles, limits(1));
    assert_eq!((bound.makespan, bound.by, bound.calls), (10, Binding::Requests, 5));
    let limits = Limits { parallelism: 10, per_second: Some(10.0) };
    let bound = lower_bound(&needs, &settles, limits);
    assert_eq!((bound.makespan, bound.by), (402, Binding::Rate));
}

fn action() -> impl Strategy<Value = Action> {
    prop::sample::select(vec![
        CreateForwardEntry,
        ModifyForwardEntry,
        DeleteForwardEntry,
        CreateSnatEntry,
        ModifySnatEntry,
        DeleteSnatEntry,
        ModifyNatGatewaySpec,
        CreateBandwidthPackage,
    ])
}

fn instance() -> impl Strategy<Value = (Vec<Need>, Times, u64)> {
    let one = (action(), 0_u32..2, any::<u8>());
    let settles = prop::collection::btree_map(action(), 0_u64..4, 0..8);
    (prop::collection::vec(one, 1..4), settles, 1_u64..4).prop_map(|(list, settle, parallelism)| {
        let needs = list.into_iter().enumerate().map(|(index, (action, gateway, edges))| {
            let after = (0..index).filter(|before| edges >> (before * 2) & 3 == 3);
            let after = after.map(|before| u32::try_from(before).unwrap()).collect();
            Need { action, gateway, after }
        });
        (needs.collect(), Times { answer: ANSWER, settle }, parallelism)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn no_schedule_beats_the_bounds((needs, times, parallelism) in instance()) {
        let (best, bound) = both(&needs, &times, parallelism);
        prop_assert!(best.makespan >= bound.makespan, "{needs:?}: {best:?}, {bound:?}");
        prop_assert!(best.calls >= bound.calls, "{needs:?}: {best:?}, {bound:?}");
    }

    #[test]
    fn one_machine_is_no_slower_than_any_order(
        jobs in prop::collection::vec((0_u64..9, 1_u64..6, 0_u64..9), 1..6),
    ) {
        let mut jobs: Vec<Job> =
            jobs.into_iter().map(|(head, length, tail)| Job { head, length, tail }).collect();
        let mut order: Vec<usize> = (0..jobs.len()).collect();
        let mut best = u64::MAX;
        permutations(&mut order, 0, &mut |order| {
            let (mut now, mut end) = (0, 0);
            for index in order {
                now = jobs[*index].head.max(now) + jobs[*index].length;
                end = end.max(now + jobs[*index].tail);
            }
            best = best.min(end);
        });
        let bound = one_machine(&mut jobs.clone());
        let alone = jobs.iter().map(|j| j.head + j.length + j.tail).max().unwrap();
        let sum: u64 = jobs.iter().map(|j| j.length).sum();
        jobs.sort_by_key(|j| j.head);
        prop_assert!(bound <= best && bound >= alone && bound >= jobs[0].head + sum);
    }
}

fn permutations(order: &mut Vec<usize>, from: usize, each: &mut impl FnMut(&[usize])) {
    if from == order.len() {
        return each(order);
    }
    for other in from..order.len() {
        order.swap(from, other);
        permutations(order, from + 1, each);
        order.swap(from, other);
    }
}
