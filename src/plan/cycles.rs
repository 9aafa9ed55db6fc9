//! Operations that wait for each other: which cycle of keys is broken where, and what is said of the
//! others.

use std::collections::{BTreeMap, BTreeSet};

use super::graph::{Cycle, Why};
use super::planner::Outcome;
use super::{Change, ChangeKind};
use crate::address::Address;
use crate::diagnostic::Diagnostic;

/// Chooses which instances are deleted first and made again at the end, one a cycle; none when there is
/// a cycle that no such choice breaks.
pub(super) fn breaks(
    cycles: &[Cycle],
    outcome: &Outcome,
) -> Option<BTreeMap<Address, Vec<String>>> {
    let mut breaks = BTreeMap::new();
    for cycle in cycles {
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
        let chosen = members.iter().copied().find(|change| !changes[*change].prevent_destroy)?;
        let others = members.iter().filter(|m| **m != chosen);
        let others = others.map(|m| changes[*m].address.to_string()).collect();
        breaks.insert(changes[chosen].address.clone(), others);
    }
    Some(breaks)
}

/// Describes operations that wait for each other.
pub(super) fn report(cycle: &Cycle, outcome: &Outcome) -> Diagnostic {
    let mut named = Vec::new();
    let mut impossible = None;
    for member in &cycle.members {
        let Some(operation) = outcome.operations.get(*member) else { continue };
        let change = &outcome.changes[operation.change];
        let name = format!("`{}` ({})", operation.address, operation.action.name());
        if change.kind == (ChangeKind::Replace { create_first: true }) {
            impossible = Some(change);
        }
        named.push(name);
    }
    let place =
        |change: &Change| outcome.places.get(&change.address.resource).and_then(|(_, span)| *span);
    let path = named.join(" → ");
    if let Some(change) = impossible {
        let message = format!("`{}` cannot be created before it is destroyed", change.address);
        return Diagnostic::error("cannot-create-first", message)
            .address(&change.address)
            .at_opt(place(change))
            .detail(format!(
                "The new object needs what the old one holds: a unique key, a place under a quota or \
                 the VPC's default route. Waiting for each other: {path}."
            ))
            .help(
                "remove `create_before_destroy` (from what depends on it too, which it spreads from), \
                 or change the key in the same step",
            );
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
        let operation = outcome.operations.get(*member);
        let change = operation.map(|o| &outcome.changes[o.change]);
        if let Some(span) = change.and_then(place)
            && diagnostic.labels.iter().all(|label| label.span != span)
        {
            diagnostic = diagnostic.at_with(span, "waits for another of them");
        }
    }
    diagnostic.detail(format!("The cycle is {path}."))
}
