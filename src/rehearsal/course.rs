//! The course of a run: when each operation began and ended, and what the end waited for.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Run;
use super::document::{End, OperationDocument};
use crate::apply::{ApplyEvent, OperationName};
use crate::plan::{Operation, Plan, Purpose};

/// The course of a run.
#[derive(Debug, Default)]
pub struct Course {
    /// Operations in the order in which they began; those that did not begin last.
    pub operations: Vec<OperationDocument>,
    /// Places in `operations` that lead to the end.
    pub critical_path: Vec<usize>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Times {
    begin: Option<Duration>,
    end: Option<Duration>,
    failed: bool,
}

impl Course {
    /// Follows the events of a run.
    pub fn of(plan: &Plan, run: &Run) -> Self {
        let key = |operation: &Operation| -> (String, Option<String>, Purpose, u32) {
            let address = operation.address.to_string();
            (address, operation.deposed.clone(), operation.purpose, operation.step.0)
        };
        let names: BTreeMap<_, usize> =
            plan.operations.iter().enumerate().map(|(index, o)| (key(o), index)).collect();
        let find = |name: &OperationName| {
            let address = name.address.to_string();
            names.get(&(address, name.deposed.clone(), name.purpose, name.step.0)).copied()
        };
        let mut times = vec![Times::default(); plan.operations.len()];
        for (at, event) in &run.events {
            let (name, is_begin, failed) = match event {
                ApplyEvent::Started { operation, .. } => (operation, true, false),
                ApplyEvent::Completed { operation, .. } => (operation, false, false),
                ApplyEvent::Failed { operation, .. } => (operation, false, true),
                _ => continue,
            };
            let Some(times) = find(name).and_then(|index| times.get_mut(index)) else { continue };
            if is_begin {
                times.begin = Some(*at);
            } else {
                (times.end, times.failed) = (Some(*at), failed);
            }
        }
        let mut order: Vec<usize> = (0..plan.operations.len()).collect();
        order.sort_by_key(|index| (times[*index].begin.is_none(), times[*index].begin, *index));
        let mut places = vec![0; order.len()];
        order.iter().enumerate().for_each(|(place, index)| places[*index] = place);
        let path = critical_path(plan, &times);
        Self {
            operations: order
                .iter()
                .map(|i| document(*i, &plan.operations[*i], times[*i]))
                .collect(),
            critical_path: path.into_iter().map(|index| places[index]).collect(),
        }
    }
}

fn document(index: usize, operation: &Operation, times: Times) -> OperationDocument {
    let end = match (times.end, times.failed) {
        (_, true) => End::Failed,
        (Some(_), false) => End::Done,
        (None, false) => End::NotBegun,
    };
    let lasted = times.begin.zip(times.end).map(|(begin, end)| end.saturating_sub(begin));
    OperationDocument {
        index,
        address: operation.address.to_string(),
        deposed: operation.deposed.clone(),
        purpose: operation.purpose,
        action: operation.action.name().to_owned(),
        end,
        begins: times.begin.map(|at| at.as_secs_f64()),
        seconds: lasted.map(|time| time.as_secs_f64()),
    }
}

/// Returns the chain of operations that leads to the end: before each comes the one whose end let it
/// begin, which is one that it had to wait for, or the last in its lane.
fn critical_path(plan: &Plan, times: &[Times]) -> Vec<usize> {
    let mut ends: Vec<(Duration, usize)> =
        times.iter().enumerate().filter_map(|(i, t)| Some((t.end?, i))).collect();
    ends.sort_unstable();
    let Some((_, last)) = ends.last().copied() else { return Vec::new() };
    let mut path = vec![last];
    let mut now = last;
    while let Some(begin) = times[now].begin.filter(|begin| !begin.is_zero()) {
        let operation = &plan.operations[now];
        let grouped = operation.groups.iter().filter_map(|group| plan.groups.get(*group)).flatten();
        let awaited = operation.after.iter().chain(grouped).copied();
        let known = |index: usize| Some((times.get(index)?.end?, index));
        let awaited = awaited.filter_map(known).filter(|(end, _)| *end <= begin).max();
        let before = &ends[..ends.partition_point(|(end, _)| *end <= begin)];
        let in_lane = before.iter().rev().copied().find(|(_, index)| {
            let (one, other) = (&operation.lane, &plan.operations[*index].lane);
            let whole = one.whole_gateway || other.whole_gateway;
            *index != now
                && (one.scope.is_some() && one.scope == other.scope
                    || whole && one.gateway.is_some() && one.gateway == other.gateway)
        });
        let Some((_, next)) = awaited.max(in_lane) else { break };
        // Whoever ended at this very moment without taking any time may have begun then, too.
        if path.len() > times.len() {
            break;
        }
        path.push(next);
        now = next;
    }
    path.reverse();
    path
}
