//! Which operation may start when: a state machine over the operations of a plan. No I/O, no clock.
//!
//! An operation is ready when all that it waits for is settled, and starts when its lane has room
//! (see `lanes`). The one with the longest remaining path goes first. Every step costs time in the
//! order of the operations it touches, so a plan of 100,000 costs as much for each as one of ten.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::lanes::{Group, Place, Rank};
use crate::plan::Operation;
use crate::resources::Hold;

/// How far an operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// Something that it waits for is not settled.
    Waiting,
    /// It waits for room in its lane.
    Ready,
    /// Its call is in flight.
    Started,
    /// Its call was answered; it is not settled.
    Answered,
    /// Done.
    Settled,
    /// It failed.
    Failed,
    /// Something that it waits for failed.
    Skipped,
}

/// An operation, or a group of them that others wait for as a whole.
#[derive(Debug)]
struct Node {
    progress: Progress,
    /// How many things that it waits for are not settled.
    missing: usize,
    /// What waits for it.
    dependents: Vec<u32>,
    /// Length of the longest path that begins with it, what waits behind it in its lane included.
    path: u64,
    /// Its lane; none for a group.
    place: Option<Place>,
}

/// How a lane was found to behave in earlier runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lesson {
    /// One operation at a time in a table or package.
    OneInScope,
    /// One operation at a time in a gateway.
    OneInGateway,
}

/// The state machine.
#[derive(Debug)]
pub struct Scheduler {
    /// Operations by their index in the plan, then groups.
    nodes: Vec<Node>,
    operations: usize,
    lanes: Vec<Group>,
    /// Groups with an operation that may start, by its urgency.
    startable: BTreeSet<(Urgency, usize, Rank)>,
    /// The entry of each group in `startable`.
    heads: Vec<Option<(Urgency, Rank)>>,
    open: usize,
}

/// What remains to be done one after the other from an operation on, the most first: the longest path
/// that begins with it, and what waits behind it for its lane. Where that is the same, one gateway is
/// dealt with after the other, so that what is to be seen of it is seen at once.
type Urgency = Reverse<u64>;

/// How much longer than a call below it an operation on a whole gateway takes.
const GATEWAY_WEIGHT: u64 = 20;

impl Scheduler {
    /// Prepares the operations of a plan; `groups` are the sets that [`Operation::groups`] names.
    /// `lesson` tells what was learned about an operation's lane in earlier runs.
    pub fn new(
        operations: &[Operation],
        groups: &[Vec<usize>],
        lesson: impl Fn(&Operation) -> Option<Lesson>,
    ) -> Self {
        let count = operations.len();
        let mut nodes: Vec<Node> = (0..count + groups.len())
            .map(|_| Node {
                progress: Progress::Waiting,
                missing: 0,
                dependents: Vec::new(),
                path: 0,
                place: None,
            })
            .collect();
        for (index, operation) in operations.iter().enumerate() {
            let all = operation.groups.iter().map(|group| count + group);
            for before in operation.after.iter().copied().chain(all) {
                link(&mut nodes, before, index);
            }
        }
        for (number, members) in groups.iter().enumerate() {
            for member in members {
                link(&mut nodes, *member, count + number);
            }
        }
        let mut scheduler = Self {
            nodes,
            operations: count,
            lanes: Vec::new(),
            startable: BTreeSet::new(),
            heads: Vec::new(),
            open: count,
        };
        scheduler.assign_lanes(operations, lesson);
        scheduler.measure_paths(operations);
        for node in 0..scheduler.nodes.len() {
            if scheduler.nodes[node].missing == 0 {
                scheduler.become_ready(node);
            }
        }
        scheduler
    }

    /// Computes the longest remaining paths, from the ends backwards. Those of a lane that takes one at
    /// a time form a path, too: first each table's order is found from what waits for its operations,
    /// then what waits behind an operation in its table counts as well.
    fn measure_paths(&mut self, operations: &[Operation]) {
        let mut missing: Vec<usize> = self.nodes.iter().map(|n| n.missing).collect();
        let mut order: Vec<usize> = (0..missing.len()).filter(|n| missing[*n] == 0).collect();
        let mut next = 0;
        while let Some(node) = order.get(next).copied() {
            next += 1;
            for dependent in &self.nodes[node].dependents {
                let dependent = *dependent as usize;
                missing[dependent] -= 1;
                if missing[dependent] == 0 {
                    order.push(dependent);
                }
            }
        }
        let own: Vec<u64> = (0..self.nodes.len())
            .map(|node| match operations.get(node) {
                Some(operation) if operation.lane.whole_gateway => GATEWAY_WEIGHT,
                Some(_) => 1,
                None => 0,
            })
            .collect();
        self.follow(&order, &own);
        let mut queued: Vec<usize> =
            (0..self.operations).filter(|n| self.is_exclusive(*n)).collect();
        queued.sort_unstable_by_key(|node| (self.nodes[*node].path, Reverse(*node)));
        let mut behind: BTreeMap<(usize, usize), u64> = BTreeMap::new();
        for node in queued {
            let Some(place) = self.nodes[node].place else { continue };
            let behind = behind.entry((place.group, place.scope)).or_default();
            *behind = self.nodes[node].path.max(own[node] + *behind);
            self.nodes[node].path = *behind;
        }
        self.follow(&order, &own);
    }

    /// Lengthens each path by the longest that follows it.
    fn follow(&mut self, order: &[usize], own: &[u64]) {
        for node in order.iter().rev().copied() {
            let dependents = self.nodes[node].dependents.iter();
            let longest = dependents.map(|other| self.nodes[*other as usize].path).max();
            let path = own[node] + longest.unwrap_or(0);
            self.nodes[node].path = self.nodes[node].path.max(path);
        }
    }

    /// Returns whether operations like this one go one at a time in its table.
    fn is_exclusive(&self, node: usize) -> bool {
        self.nodes[node]
            .place
            .is_some_and(|place| !place.whole && place.hold.needs_quiet && place.hold.makes_busy)
    }

    fn assign_lanes(
        &mut self,
        operations: &[Operation],
        lesson: impl Fn(&Operation) -> Option<Lesson>,
    ) {
        let mut groups: BTreeMap<(bool, &str), usize> = BTreeMap::new();
        let mut scopes: BTreeMap<(usize, &str), usize> = BTreeMap::new();
        for (index, operation) in operations.iter().enumerate() {
            let lane = &operation.lane;
            let name = match (&lane.gateway, &lane.scope) {
                (Some(gateway), _) => Some((true, &**gateway)),
                (None, Some(scope)) => Some((false, &**scope)),
                (None, None) => None,
            };
            let new = self.lanes.len();
            let group = name.map_or(new, |name| *groups.entry(name).or_insert(new));
            if group == new {
                self.lanes.push(Group::default());
                self.heads.push(None);
            }
            let lanes = &mut self.lanes[group];
            let scope = lane.scope.as_deref().unwrap_or_default();
            let scope = *scopes.entry((group, scope)).or_insert_with(|| lanes.add_scope(group));
            match lesson(operation) {
                Some(Lesson::OneInScope) => lanes.make_serial(Some(scope)),
                Some(Lesson::OneInGateway) => lanes.make_serial(None),
                None => {}
            }
            let (whole, hold) = (lane.whole_gateway, lane.hold);
            self.nodes[index].place = Some(Place { group, scope, whole, hold, feeds: false });
        }
        for index in 0..operations.len() {
            let Some(mut place) = self.nodes[index].place else { continue };
            place.feeds = self.nodes[index].dependents.iter().any(|dependent| {
                self.nodes[*dependent as usize].place.is_some_and(|other| {
                    (other.group, other.scope, other.whole)
                        == (place.group, place.scope, place.whole)
                        && other.hold == Hold::EXCLUSIVE
                })
            });
            self.nodes[index].place = Some(place);
        }
    }

    /// Starts at most `limit` operations and returns their indices, the most urgent first.
    pub fn start_ready(&mut self, limit: usize) -> Vec<usize> {
        let mut started = Vec::new();
        while started.len() < limit
            && let Some((_, group, rank)) = self.startable.first().copied()
        {
            let index = rank.1;
            if let Some(place) = self.nodes[index].place {
                self.lanes[group].start(place, rank);
            }
            self.nodes[index].progress = Progress::Started;
            started.push(index);
            self.look_again(group);
        }
        started
    }

    /// Notes that the call of an operation was accepted; it holds its lane until it is settled.
    pub fn answered(&mut self, index: usize) {
        if self.nodes[index].progress != Progress::Started {
            return;
        }
        self.nodes[index].progress = Progress::Answered;
        if let Some(place) = self.nodes[index].place {
            self.lanes[place.group].answered(place);
            self.look_again(place.group);
        }
    }

    /// Notes that an operation has had its effect. Also for one that an earlier run has settled.
    pub fn settled(&mut self, index: usize) {
        if self.end(index, Progress::Settled) {
            self.release(index);
        }
    }

    /// Notes that an operation failed and returns those that are skipped because of it.
    pub fn failed(&mut self, index: usize) -> Vec<usize> {
        if !self.end(index, Progress::Failed) {
            return Vec::new();
        }
        let mut skipped = Vec::new();
        let mut next = self.nodes[index].dependents.clone();
        while let Some(node) = next.pop() {
            let node = node as usize;
            if self.nodes[node].progress != Progress::Waiting {
                continue;
            }
            self.nodes[node].progress = Progress::Skipped;
            if node < self.operations {
                self.open -= 1;
                skipped.push(node);
            }
            next.extend_from_slice(&self.nodes[node].dependents);
        }
        skipped.sort_unstable();
        skipped
    }

    /// Notes that an operation that has started was answered busy: from now on its lane takes one
    /// operation at a time, and with `widened` its whole gateway. The operation keeps its place.
    /// Returns whether another operation of the plan was under way in the lane, so that the service
    /// refused what natform itself did.
    pub fn busy(&mut self, index: usize, widened: bool) -> bool {
        let Some(place) = self.nodes[index].place else { return false };
        let group = &mut self.lanes[place.group];
        let shared = group.is_shared(place, widened);
        group.make_serial((!widened && !place.whole).then_some(place.scope));
        self.look_again(place.group);
        shared
    }

    /// Returns whether an operation could start if there were room for its request.
    pub fn is_waiting(&self) -> bool {
        !self.startable.is_empty()
    }

    /// Returns whether something could start if this operation, whose call was answered, were settled.
    pub fn is_awaited(&self, index: usize) -> bool {
        let of_lane = |place: Place| self.lanes[place.group].is_awaited(place);
        self.nodes[index].place.is_some_and(of_lane) || self.frees(index)
    }

    /// Returns whether the lane of an operation has nothing more to begin with, while something is
    /// soon to be ready.
    pub fn runs_dry(&self, index: usize) -> bool {
        self.nodes[index].place.is_some_and(|place| self.lanes[place.group].runs_dry(place))
    }

    fn frees(&self, node: usize) -> bool {
        self.nodes[node].dependents.iter().any(|dependent| {
            let (index, dependent) = (*dependent as usize, &self.nodes[*dependent as usize]);
            dependent.missing == 1
                && match dependent.place {
                    Some(place) => self.is_urgent(index, place),
                    None => self.frees(index),
                }
        })
    }

    /// Returns whether something is gained by an operation being ready: not so where it has to wait
    /// for its turn behind others, which go on for as long, or where several are to be ready at once.
    fn is_urgent(&self, index: usize, place: Place) -> bool {
        let follows = |node: usize| {
            let dependents = self.nodes[node].dependents.iter();
            dependents.map(|other| self.nodes[*other as usize].path).max()
        };
        let lanes = &self.lanes[place.group];
        match lanes.ahead(place) {
            Some(ahead) => follows(ahead.1) < follows(index),
            None => lanes.feeding(place) < 2,
        }
    }

    /// Returns whether nothing is left to do.
    pub const fn is_done(&self) -> bool {
        self.open == 0
    }

    /// Returns the operations that have neither ended nor started.
    pub fn unstarted(&self) -> impl Iterator<Item = usize> {
        self.nodes.iter().take(self.operations).enumerate().filter_map(|(index, node)| {
            matches!(node.progress, Progress::Waiting | Progress::Ready).then_some(index)
        })
    }

    /// Ends an operation and frees its place; false when it had ended before.
    fn end(&mut self, index: usize, progress: Progress) -> bool {
        let before = std::mem::replace(&mut self.nodes[index].progress, progress);
        let place = self.nodes[index].place;
        match (before, place) {
            (Progress::Settled | Progress::Failed | Progress::Skipped, _) => {
                self.nodes[index].progress = before;
                return false;
            }
            (Progress::Started, Some(place)) => {
                self.lanes[place.group].answered(place);
                self.lanes[place.group].leave(place);
            }
            (Progress::Answered, Some(place)) => self.lanes[place.group].leave(place),
            (Progress::Ready, Some(place)) => {
                let rank = self.rank(index);
                self.lanes[place.group].withdraw(place, rank);
            }
            _ => {}
        }
        if let Some(place) = place {
            self.look_again(place.group);
        }
        self.open -= 1;
        true
    }

    /// Tells what waits for a node that it is settled.
    fn release(&mut self, node: usize) {
        for dependent in self.nodes[node].dependents.clone() {
            let dependent = dependent as usize;
            let missing = &mut self.nodes[dependent].missing;
            *missing = missing.saturating_sub(1);
            if *missing == 0 {
                self.become_ready(dependent);
            }
        }
    }

    fn become_ready(&mut self, node: usize) {
        if self.nodes[node].progress != Progress::Waiting {
            return;
        }
        let Some(place) = self.nodes[node].place else {
            // A group is settled as soon as all its members are.
            self.nodes[node].progress = Progress::Settled;
            return self.release(node);
        };
        self.nodes[node].progress = Progress::Ready;
        let rank = self.rank(node);
        self.lanes[place.group].queue(place, rank);
        self.look_again(place.group);
    }

    fn rank(&self, index: usize) -> Rank {
        (Reverse(self.nodes[index].path), index)
    }

    /// Finds out again which operation of a group may start next.
    fn look_again(&mut self, group: usize) {
        let next = self.lanes[group].next().map(|rank| {
            let place = self.nodes[rank.1].place;
            let behind = place.map_or(0, |place| self.lanes[group].behind(place));
            (Reverse(rank.0.0 + behind), rank)
        });
        if self.heads[group] == next {
            return;
        }
        if let Some((urgency, rank)) = self.heads[group] {
            self.startable.remove(&(urgency, group, rank));
        }
        if let Some((urgency, rank)) = next {
            self.startable.insert((urgency, group, rank));
        }
        self.heads[group] = next;
    }
}

fn link(nodes: &mut [Node], before: usize, after: usize) {
    nodes[before].dependents.push(u32::try_from(after).unwrap_or(u32::MAX));
    nodes[after].missing += 1;
}

#[cfg(test)]
mod tests;
