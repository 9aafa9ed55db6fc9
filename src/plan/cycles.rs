//! Operations that wait for each other: which cycle of keys is broken where, and what is said of the
//! others.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::graph::{Cycle, Node, Why};
use super::planner::Outcome;
use super::program::Program;
use super::{Change, ChangeKind, Purpose};
use crate::address::Address;
use crate::diagnostic::Diagnostic;

/// How a circle of waiting is broken at one instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Break {
    /// It hands keys round with these, and is deleted first and made again at the end.
    Keys(Vec<String>),
    /// It uses what must go before these have a place, and is deleted first and made again at the end.
    Places(Vec<String>),
    /// Its replacement deletes first: its users wait for what waits for the old object to go.
    DeleteFirst,
}

/// Chooses where each cycle is broken; none when there is one that no choice breaks.
pub(super) fn breaks(cycles: &[Cycle], outcome: &Outcome) -> Option<BTreeMap<Address, Break>> {
    let mut all = BTreeMap::new();
    for cycle in cycles {
        let mut found = keys(cycle, outcome);
        if found.is_empty() {
            found = places(cycle, outcome);
        }
        if found.is_empty() {
            found.push(delete_first(cycle, outcome)?);
        }
        all.extend(found);
    }
    Some(all)
}

/// Who waits for whom in a cycle, by change.
struct Ring {
    /// For each change: those that it waits for, and those that wait for it.
    edges: BTreeMap<usize, [BTreeSet<usize>; 2]>,
}

impl Ring {
    /// Joins stand for what they join.
    fn new(cycle: &Cycle, outcome: &Outcome) -> Self {
        let place = |node: Node| match outcome.operations.get(node) {
            Some(operation) => operation.change,
            None => outcome.changes.len() + node,
        };
        let mut edges: BTreeMap<usize, [BTreeSet<usize>; 2]> = BTreeMap::new();
        for (from, to, _) in &cycle.edges {
            let (from, to) = (place(*from), place(*to));
            if from != to {
                edges.entry(to).or_default()[0].insert(from);
                edges.entry(from).or_default()[1].insert(to);
            }
        }
        Self { edges }
    }

    /// Takes some out, and all that is in no circle then.
    fn without(&self, broken: &BTreeSet<usize>) -> Self {
        let mut ring = Self { edges: self.edges.clone() };
        let free = |sides: &[BTreeSet<usize>; 2]| sides.iter().any(BTreeSet::is_empty);
        let mut leaving: Vec<usize> = broken.iter().copied().collect();
        leaving.extend(ring.edges.iter().filter(|(_, sides)| free(sides)).map(|(at, _)| *at));
        while let Some(at) = leaving.pop() {
            let Some(sides) = ring.edges.remove(&at) else { continue };
            for (side, others) in sides.iter().enumerate() {
                for other in others {
                    if let Some(theirs) = ring.edges.get_mut(other) {
                        theirs[1 - side].remove(&at);
                        if theirs[1 - side].is_empty() {
                            leaving.push(*other);
                        }
                    }
                }
            }
        }
        ring
    }
}

/// Chooses the instances that are deleted first in circles of keys: few of them, those that most
/// others wait for and that wait for most.
fn keys(cycle: &Cycle, outcome: &Outcome) -> Vec<(Address, Break)> {
    let keyed: BTreeSet<usize> = cycle
        .edges
        .iter()
        .filter(|(_, _, why)| matches!(why, Why::Key | Why::Exclusion))
        .flat_map(|(from, to, _)| [*from, *to])
        .filter_map(|node| outcome.operations.get(node))
        .map(|operation| operation.change)
        .collect();
    let changes = &outcome.changes;
    let members: Vec<usize> =
        keyed.into_iter().filter(|c| changes[*c].kind == ChangeKind::Update).collect();
    let whole = Ring::new(cycle, outcome);
    let mut chosen = BTreeSet::new();
    loop {
        let ring = whole.without(&chosen);
        let candidates = members.iter().filter(|m| !changes[**m].prevent_destroy);
        let best = candidates.rev().max_by_key(|member| {
            ring.edges.get(member).map_or(0, |[before, after]| before.len() * after.len())
        });
        match best.filter(|best| ring.edges.contains_key(best)) {
            Some(best) => chosen.insert(*best),
            None => break,
        };
    }
    // An earlier choice may be needless after the later ones.
    for at in chosen.clone() {
        chosen.remove(&at);
        let left = whole.without(&chosen);
        if left.edges.contains_key(&at) {
            chosen.insert(at);
        }
    }
    chosen
        .iter()
        .map(|at| {
            let others = members.iter().filter(|m| *m != at);
            let others = others.map(|m| changes[*m].address.to_string()).collect();
            (changes[*at].address.clone(), Break::Keys(others))
        })
        .collect()
}

/// Chooses the entries that keep what they use from going, where what they are to use needs its place:
/// no in-place change can be before both.
fn places(cycle: &Cycle, outcome: &Outcome) -> Vec<(Address, Break)> {
    let change = |node: Node| {
        outcome.operations.get(node).map(|operation| &outcome.changes[operation.change])
    };
    let along = |wanted: Why| cycle.edges.iter().filter(move |(_, _, why)| *why == wanted);
    let placeless: BTreeSet<&Address> =
        along(Why::Place).filter_map(|(_, to, _)| Some(&change(*to)?.address)).collect();
    if placeless.is_empty() {
        return Vec::new();
    }
    let with: Vec<String> = placeless.into_iter().map(ToString::to_string).collect();
    let users: BTreeSet<&Address> = along(Why::Address)
        .filter_map(|(from, _, _)| change(*from))
        .filter(|user| user.kind == ChangeKind::Update && !user.prevent_destroy)
        .map(|user| &user.address)
        .collect();
    users.into_iter().map(|user| (user.clone(), Break::Places(with.clone()))).collect()
}

/// Chooses an instance that is created first although its block does not ask for it.
fn delete_first(cycle: &Cycle, outcome: &Outcome) -> Option<(Address, Break)> {
    let operations = cycle.members.iter().filter_map(|member| outcome.operations.get(*member));
    let chosen = operations.map(|operation| &outcome.changes[operation.change]).find(|change| {
        change.kind == (ChangeKind::Replace { create_first: true }) && !change.create_before_destroy
    })?;
    Some((chosen.address.clone(), Break::DeleteFirst))
}

/// Returns a shortest way round from a node back to it, without the node itself at the end.
fn way_round(cycle: &Cycle, start: Node) -> Vec<Node> {
    let mut came_from: BTreeMap<Node, Node> = BTreeMap::new();
    let mut waiting = VecDeque::from([start]);
    while let Some(node) = waiting.pop_front() {
        let first = cycle.edges.partition_point(|(from, _, _)| *from < node);
        let leaving = cycle.edges[first..].iter().take_while(|(from, _, _)| *from == node);
        for (_, to, _) in leaving {
            if *to == start {
                let steps = std::iter::successors(Some(node), |n| came_from.get(n).copied());
                let mut way: Vec<Node> = steps.collect();
                way.reverse();
                return way;
            }
            came_from.entry(*to).or_insert_with(|| {
                waiting.push_back(*to);
                node
            });
        }
    }
    Vec::new()
}

/// Writes a way round, the start again at its end.
fn written(way: &[Node], outcome: &Outcome) -> String {
    let operations = || way.iter().filter_map(|node| outcome.operations.get(*node));
    let mut named: Vec<String> =
        operations().map(|o| format!("`{}` ({})", o.address, o.action.name())).collect();
    named.extend(operations().next().map(|first| format!("`{}`", first.address)));
    named.join(" → ")
}

/// Describes operations that wait for each other.
pub(super) fn report(cycle: &Cycle, outcome: &Outcome, program: &Program) -> Diagnostic {
    let change_of = |node: usize| {
        let operation = outcome.operations.get(node)?;
        Some((operation.purpose, &outcome.changes[operation.change]))
    };
    let impossible = cycle.members.iter().find_map(|member| {
        change_of(*member)
            .filter(|(purpose, change)| {
                *purpose == Purpose::Delete
                    && change.kind == (ChangeKind::Replace { create_first: true })
            })
            .map(|(_, change)| (*member, change))
    });
    let start = impossible.map(|(start, _)| start).or_else(|| cycle.members.first().copied());
    let way = start.map(|start| way_round(cycle, start)).unwrap_or_default();
    let path = written(&way, outcome);
    let place = |change: &Change| program.written(&change.address.resource, "");
    if let Some((_, change)) = impossible {
        return not_created_first(cycle, change, &way, &path).at_opt(place(change));
    }
    let keyed = cycle.edges.iter().any(|(_, _, why)| matches!(why, Why::Key | Why::Exclusion));
    let mut diagnostic = Diagnostic::error("cyclic-order", "some changes wait for each other");
    if keyed {
        diagnostic = diagnostic.help(
            "they hand keys to each other in a circle, which one of them must break by being deleted \
             first; all are protected by `prevent_destroy`. Lift it from one, or apply in two steps \
             over a free key",
        );
    } else {
        diagnostic = diagnostic.help("remove a `depends_on`, or apply in two steps (`-target`)");
    }
    for member in &cycle.members {
        let change = change_of(*member).map(|(_, change)| change);
        if let Some(span) = change.and_then(place)
            && diagnostic.labels.iter().all(|label| label.span != span)
        {
            diagnostic = diagnostic.at_with(span, "waits for another of them");
        }
    }
    diagnostic.detail(format!("The cycle is {path}."))
}

/// Describes a replacement whose old object goes too late.
fn not_created_first(cycle: &Cycle, change: &Change, way: &[Node], path: &str) -> Diagnostic {
    let message = format!("`{}` cannot be created before it is destroyed", change.address);
    let diagnostic = Diagnostic::error("cannot-create-first", message).address(&change.address);
    let held = cycle.edges.iter().any(|(from, to, why)| {
        matches!(why, Why::Key | Why::Exclusion | Why::Place)
            && way.contains(from)
            && way.contains(to)
    });
    if held {
        return diagnostic
            .detail(format!(
                "The new object needs what the old one holds: a unique key, a place under a quota or \
                 the VPC's default route. Waiting for each other: {path}."
            ))
            .help(
                "remove `create_before_destroy` (from what depends on it too, which it spreads from), \
                 or change the key in the same step",
            );
    }
    diagnostic
        .detail(format!(
            "What uses the old object has to wait for something which itself waits until the old \
             object is deleted: {path}."
        ))
        .help(
            "remove `create_before_destroy` (from what depends on it too, which it spreads from) or \
             the `depends_on` that makes it wait, or apply in two steps (`-target`)",
        )
}
