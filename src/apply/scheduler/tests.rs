use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::api::catalogue::Action;
use crate::plan::Purpose;
use crate::resources::{Hold, Lane, Wanted};

fn operation(lane: Lane, after: Vec<usize>) -> Operation {
    Operation {
        address: "forward_entry.a".parse().unwrap(),
        deposed: None,
        change: 0,
        purpose: Purpose::Create,
        step: (0, 1),
        action: Action::CreateForwardEntry,
        parameters: Vec::new(),
        lane,
        wanted: Wanted::Answered,
        makes: Arc::default(),
        after,
        groups: Vec::new(),
        timeout: 60,
    }
}

fn lane(gateway: &str, scope: &str, hold: Hold) -> Lane {
    let (gateway, scope) = (Some(gateway.into()), Some(scope.into()));
    Lane { gateway, whole_gateway: false, scope, hold }
}

fn whole(gateway: &str) -> Lane {
    let gateway = Some(gateway.into());
    Lane { gateway, whole_gateway: true, scope: None, hold: Hold::EXCLUSIVE }
}

fn scheduler(operations: &[Operation]) -> Scheduler {
    Scheduler::new(operations, &[], |_| None)
}

#[test]
fn creates_of_a_table_go_one_by_one_and_tables_side_by_side() {
    let operations: Vec<Operation> = ["t1", "t1", "t2"]
        .map(|table| operation(lane("g", table, Hold::EXCLUSIVE), Vec::new()))
        .to_vec();
    let mut scheduler = scheduler(&operations);
    assert_eq!(scheduler.start_ready(9), [0, 2]);
    scheduler.answered(0);
    assert_eq!(scheduler.start_ready(9), [0; 0]);
    scheduler.settled(0);
    assert_eq!(scheduler.start_ready(9), [1]);
    scheduler.settled(1);
    scheduler.settled(2);
    assert!(scheduler.is_done());
}

#[test]
fn deletes_overlap_and_go_before_creates() {
    let operations: Vec<Operation> = [Hold::EXCLUSIVE, Hold::WAITS, Hold::WAITS]
        .map(|hold| operation(lane("g", "t", hold), Vec::new()))
        .to_vec();
    let mut scheduler = scheduler(&operations);
    assert_eq!(scheduler.start_ready(9), [1, 2]);
    scheduler.answered(1);
    assert_eq!(scheduler.start_ready(9), [0; 0], "a delete is in flight");
    scheduler.answered(2);
    assert_eq!(scheduler.start_ready(9), [0], "answered deletes hold nobody up");
}

/// Runs operations that take one unit of time each, so many at once; returns how long it takes.
fn makespan(operations: &[Operation], at_once: usize) -> usize {
    let mut scheduler = scheduler(operations);
    for time in 0.. {
        if scheduler.is_done() {
            return time;
        }
        let started = scheduler.start_ready(at_once);
        for index in &started {
            scheduler.answered(*index);
        }
        for index in &started {
            scheduler.settled(*index);
        }
    }
    unreachable!()
}

#[test]
fn the_longest_remaining_path_goes_first() {
    // Whoever takes what comes first in the plan runs the two short ones side by side, and then the
    // chain alone: 6 units in place of 4.
    let free = |after: Vec<usize>| operation(Lane::free(), after);
    let short = [Vec::new(), Vec::new(), Vec::new(), Vec::new()];
    let chain = [Vec::new(), vec![4], vec![5], vec![6]];
    let operations: Vec<Operation> = short.into_iter().chain(chain).map(free).collect();
    assert_eq!(makespan(&operations, 2), 4);
}

#[test]
fn what_waits_behind_in_a_table_counts_as_path() {
    // Two tables of five and one of ten: ten units, unless the long one is begun late.
    let tables = ["t1"; 5].into_iter().chain(["t2"; 5]).chain(["t3"; 10]);
    let operations: Vec<Operation> =
        tables.map(|table| operation(lane("g", table, Hold::EXCLUSIVE), Vec::new())).collect();
    assert_eq!(makespan(&operations, 2), 10);
    // The same below gateways that are still to be made, two at a time.
    let mut operations: Vec<Operation> =
        ["a", "b", "c"].map(|gateway| operation(whole(gateway), Vec::new())).to_vec();
    for (number, (gateway, entries)) in [("a", 5), ("b", 5), ("c", 10)].into_iter().enumerate() {
        let below =
            (0..entries).map(|_| operation(lane(gateway, gateway, Hold::EXCLUSIVE), vec![number]));
        operations.extend(below);
    }
    assert_eq!(makespan(&operations, 2), 12);
}

#[test]
fn in_a_table_that_goes_first_for_which_others_wait() {
    let mut operations: Vec<Operation> =
        (0..3).map(|_| operation(lane("g", "t", Hold::EXCLUSIVE), Vec::new())).collect();
    operations.push(operation(lane("h", "u", Hold::EXCLUSIVE), vec![2]));
    assert_eq!(scheduler(&operations).start_ready(1), [2]);
}

#[test]
fn a_gateway_excludes_all_below_it() {
    let operations = [
        operation(lane("g", "t", Hold::BLOCKS), Vec::new()),
        operation(whole("g"), Vec::new()),
        operation(lane("g", "t", Hold::NONE), Vec::new()),
        operation(whole("h"), Vec::new()),
    ];
    let mut scheduler = scheduler(&operations);
    assert_eq!(scheduler.start_ready(9), [1, 3]);
    scheduler.settled(1);
    assert_eq!(scheduler.start_ready(9), [0, 2]);
}

#[test]
fn what_waits_is_not_kept_waiting_by_newcomers() {
    let modify = operation(lane("g", "t", Hold::EXCLUSIVE), Vec::new());
    let create = operation(lane("g", "t", Hold::BLOCKS), Vec::new());
    let after = operation(lane("g", "u", Hold::NONE), vec![1]);
    let operations = [create.clone(), modify, create.clone(), after, create];
    let mut scheduler = Scheduler::new(&operations[..], &[], |_| None);
    assert_eq!(scheduler.start_ready(1), [1], "the longest path first");
    scheduler.answered(1);
    assert_eq!(scheduler.start_ready(1), [0]);
    scheduler.settled(1);
    scheduler.settled(3);
    let mut held = Scheduler::new(
        &[
            operation(lane("g", "t", Hold::BLOCKS), Vec::new()),
            operation(lane("g", "t", Hold::EXCLUSIVE), vec![3]),
            operation(lane("g", "t", Hold::BLOCKS), Vec::new()),
            operation(lane("g", "u", Hold::NONE), Vec::new()),
        ],
        &[],
        |_| None,
    );
    assert_eq!(held.start_ready(2), [3, 0]);
    held.answered(0);
    held.settled(3);
    assert_eq!(held.start_ready(9), [0; 0], "the third create ranks below the modify");
    held.settled(0);
    assert_eq!(held.start_ready(9), [1]);
}

#[test]
fn a_busy_lane_is_narrowed() {
    let deletes: Vec<Operation> = (0..4)
        .map(|i| operation(lane("g", if i < 3 { "t" } else { "u" }, Hold::WAITS), Vec::new()))
        .collect();
    let mut narrow = scheduler(&deletes);
    assert_eq!(narrow.start_ready(2), [0, 1]);
    assert!(narrow.busy(1, false), "natform was at work there itself");
    narrow.answered(0);
    narrow.answered(1);
    assert_eq!(narrow.start_ready(9), [3], "the other table goes on");
    narrow.settled(0);
    narrow.settled(1);
    assert_eq!(narrow.start_ready(9), [2]);

    let mut wide = scheduler(&deletes);
    assert_eq!(wide.start_ready(1), [0]);
    assert!(!wide.busy(0, true), "somebody else was");
    assert_eq!(wide.start_ready(9), [0; 0]);
    wide.settled(0);
    assert_eq!(wide.start_ready(9), [1]);
    assert_eq!(wide.start_ready(9), [0; 0]);

    let mut taught = Scheduler::new(&deletes, &[], |_| Some(Lesson::OneInScope));
    assert_eq!(taught.start_ready(9), [0, 3]);
}

#[test]
fn groups_stand_for_all_their_members() {
    let mut operations: Vec<Operation> =
        (0..5).map(|_| operation(Lane::free(), Vec::new())).collect();
    operations[3].groups = vec![0];
    operations[4].groups = vec![0, 1];
    let groups = [vec![0, 1], vec![2]];
    let mut scheduler = Scheduler::new(&operations, &groups, |_| None);
    assert_eq!(scheduler.start_ready(9), [0, 1, 2]);
    scheduler.settled(0);
    scheduler.settled(1);
    assert_eq!(scheduler.start_ready(9), [3]);
    assert_eq!(scheduler.failed(2), [4]);
    scheduler.settled(3);
    assert!(scheduler.is_done());
}

#[test]
fn what_an_earlier_run_settled_is_not_started() {
    let operations =
        [operation(Lane::free(), Vec::new()), operation(lane("g", "t", Hold::EXCLUSIVE), vec![0])];
    let mut scheduler = scheduler(&operations);
    scheduler.settled(1);
    assert_eq!(scheduler.start_ready(9), [0]);
    scheduler.settled(0);
    assert!(scheduler.is_done());
    assert_eq!(scheduler.start_ready(9), [0; 0]);
}

#[test]
fn a_hundred_thousand_operations_cost_as_much_for_each() {
    let operations: Vec<Operation> = (0..100_000)
        .map(|i| {
            let gateway = format!("g{}", i / 100);
            let after = if i % 100 == 0 { Vec::new() } else { vec![i - i % 100] };
            let lane = if i % 100 == 0 {
                whole(&gateway)
            } else {
                lane(&gateway, ["t", "u"][i % 2], Hold::EXCLUSIVE)
            };
            operation(lane, after)
        })
        .collect();
    let mut scheduler = scheduler(&operations);
    let mut done = 0;
    while !scheduler.is_done() {
        for index in scheduler.start_ready(10) {
            scheduler.answered(index);
            scheduler.settled(index);
            done += 1;
        }
    }
    assert_eq!(done, operations.len());
}

fn any_hold() -> impl Strategy<Value = Hold> {
    prop_oneof![Just(Hold::NONE), Just(Hold::WAITS), Just(Hold::BLOCKS), Just(Hold::EXCLUSIVE)]
}

fn any_lane() -> impl Strategy<Value = Lane> {
    prop_oneof![
        1 => Just(Lane::free()),
        1 => (0..2).prop_map(|g| whole(&format!("g{g}"))),
        6 => (0..2, 0..2, any_hold())
            .prop_map(|(g, s, hold)| lane(&format!("g{g}"), &format!("t{s}"), hold)),
    ]
}

fn any_operations() -> impl Strategy<Value = Vec<Operation>> {
    let one = (any_lane(), proptest::collection::vec(any::<prop::sample::Index>(), 0..3));
    proptest::collection::vec(one, 1..24).prop_map(|list| {
        let place = |(i, (lane, after)): (usize, (Lane, Vec<prop::sample::Index>))| {
            let after: BTreeSet<usize> =
                if i == 0 { BTreeSet::new() } else { after.iter().map(|a| a.index(i)).collect() };
            operation(lane, after.into_iter().collect())
        };
        list.into_iter().enumerate().map(place).collect()
    })
}

/// Whether the documented exclusions allow `index` to be sent beside what is under way. `answered`
/// holds those whose call was accepted.
fn allowed(
    operations: &[Operation],
    index: usize,
    unsettled: &BTreeSet<usize>,
    answered: &BTreeSet<usize>,
) -> bool {
    let lane = &operations[index].lane;
    unsettled.iter().all(|other| {
        let beside = &operations[*other].lane;
        if lane.gateway.is_none() || lane.gateway != beside.gateway {
            return true;
        }
        if lane.whole_gateway || beside.whole_gateway {
            return false;
        }
        if lane.scope != beside.scope {
            return true;
        }
        let refused = lane.hold.needs_quiet && beside.hold.makes_busy;
        let refuses = lane.hold.makes_busy && beside.hold.needs_quiet && !answered.contains(other);
        !refused && !refuses
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn everything_is_done_in_order_and_nothing_collides(
        operations in any_operations(),
        choices in proptest::collection::vec((any::<u8>(), any::<prop::sample::Index>()), 300),
        limit in 1usize..5,
    ) {
        let mut scheduler = Scheduler::new(&operations, &[], |_| None);
        let (mut unsettled, mut answered) = (BTreeSet::new(), BTreeSet::new());
        let (mut settled, mut failed) = (BTreeSet::new(), BTreeSet::new());
        let mut skipped = BTreeSet::new();
        for (event, pick) in choices {
            if scheduler.is_done() {
                break;
            }
            for index in scheduler.start_ready(limit) {
                prop_assert!(operations[index].after.iter().all(|a| settled.contains(a)));
                prop_assert!(allowed(&operations, index, &unsettled, &answered));
                prop_assert!(unsettled.insert(index));
            }
            prop_assert!(!unsettled.is_empty(), "stalled");
            let under_way: Vec<usize> = unsettled.iter().copied().collect();
            let index = *pick.get(&under_way);
            match event % 8 {
                0..=3 => {
                    scheduler.answered(index);
                    answered.insert(index);
                }
                4 => {
                    let fallen = scheduler.failed(index);
                    unsettled.remove(&index);
                    failed.insert(index);
                    for other in fallen {
                        prop_assert!(!settled.contains(&other) && !unsettled.contains(&other));
                        prop_assert!(skipped.insert(other));
                    }
                }
                5 => {
                    scheduler.busy(index, pick.index(2) == 0);
                }
                _ => {
                    scheduler.settled(index);
                    unsettled.remove(&index);
                    settled.insert(index);
                }
            }
        }
        for (index, operation) in operations.iter().enumerate() {
            let expected = operation
                .after
                .iter()
                .any(|a| failed.contains(a) || skipped.contains(a));
            prop_assert_eq!(skipped.contains(&index), expected, "operation {}", index);
        }
        if scheduler.is_done() {
            prop_assert_eq!(settled.len() + failed.len() + skipped.len(), operations.len());
        }
    }
}

#[test]
fn the_table_with_the_most_to_do_goes_first() {
    let operations: Vec<Operation> = ["t1", "t2", "t2", "t2"]
        .map(|table| operation(lane(table, table, Hold::EXCLUSIVE), Vec::new()))
        .to_vec();
    let mut scheduler = scheduler(&operations);
    assert_eq!(scheduler.start_ready(1), [1], "two more wait behind it");
    assert!(scheduler.is_waiting());
    assert_eq!(scheduler.start_ready(1), [0]);
    assert!(!scheduler.is_waiting());
    scheduler.answered(0);
    scheduler.answered(1);
    assert!(scheduler.is_awaited(1) && !scheduler.is_awaited(0));
}

#[test]
fn what_nobody_waits_for_is_known() {
    let operations = [
        operation(lane("g", "t", Hold::WAITS), Vec::new()),
        operation(lane("g", "t", Hold::WAITS), Vec::new()),
        operation(lane("g", "t", Hold::WAITS), Vec::new()),
        operation(whole("g"), vec![0, 1]),
    ];
    let mut scheduler = scheduler(&operations);
    assert_eq!(scheduler.start_ready(9), [0, 1, 2]);
    for index in 0..3 {
        scheduler.answered(index);
    }
    assert!((0..3).all(|index| !scheduler.is_awaited(index)), "the last one waits for two");
    scheduler.settled(0);
    assert!(scheduler.is_awaited(1) && !scheduler.is_awaited(2));
}

#[test]
fn deletes_make_way_where_enough_is_ready() {
    // Each create waits for a delete of its table.
    let count = 20;
    let mut operations: Vec<Operation> =
        (0..count).map(|_| operation(lane("g", "t", Hold::WAITS), Vec::new())).collect();
    operations.extend((0..count).map(|i| operation(lane("g", "t", Hold::EXCLUSIVE), vec![i])));
    let mut scheduler = scheduler(&operations);
    let first = scheduler.start_ready(12);
    assert_eq!(first.len(), 12);
    for index in first {
        scheduler.answered(index);
        scheduler.settled(index);
    }
    let mut order = String::new();
    while !scheduler.is_done() {
        let started = scheduler.start_ready(1);
        let [index] = started[..] else { panic!("{started:?}") };
        order.push(if index < count { 'd' } else { 'c' });
        scheduler.answered(index);
        scheduler.settled(index);
    }
    // Twelve are ready, which is enough until two are left; then each that becomes ready is enough.
    assert_eq!(order, format!("{}{}cc", "c".repeat(10), "dc".repeat(8)));
}

#[test]
fn what_keeps_a_table_going_goes_before_what_makes_more_ready_in_another() {
    let mut operations: Vec<Operation> =
        (0..6).map(|_| operation(lane("g", "t", Hold::WAITS), Vec::new())).collect();
    operations.extend((0..6).map(|i| operation(lane("g", "t", Hold::EXCLUSIVE), vec![i])));
    operations.extend((0..6).map(|_| operation(lane("h", "u", Hold::EXCLUSIVE), Vec::new())));
    let mut scheduler = scheduler(&operations);
    // Nothing is ready in the first table, so the first two deletes are urgent.
    for first in [0, 1, 6] {
        assert_eq!(scheduler.start_ready(1), [first]);
        scheduler.answered(first);
        scheduler.settled(first);
    }
    assert_eq!(scheduler.start_ready(1), [12], "a create of the second table");
    assert_eq!(scheduler.start_ready(1), [2], "then a delete of the first");
}

#[test]
fn what_makes_more_ready_is_patient_while_enough_is() {
    // Creates in one table, each after its delete; others wait for the last of them.
    let count = 4;
    let mut operations: Vec<Operation> =
        (0..count).map(|_| operation(lane("g", "t", Hold::WAITS), Vec::new())).collect();
    operations.extend((0..count).map(|i| operation(lane("g", "t", Hold::EXCLUSIVE), vec![i])));
    operations.push(operation(lane("h", "u", Hold::NONE), vec![2 * count - 1]));
    let mut scheduler = scheduler(&operations);
    assert_eq!(scheduler.start_ready(9), [3, 0, 1, 2], "the longest path first");
    for index in 0..count {
        scheduler.answered(index);
    }
    assert!(scheduler.runs_dry(0) && !scheduler.is_awaited(0), "several are to be ready at once");
    scheduler.settled(0);
    assert!(!scheduler.runs_dry(0));
    assert!(!scheduler.is_awaited(1) && !scheduler.is_awaited(2), "there is one to go on with");
    assert!(scheduler.is_awaited(3), "others wait for what waits for it");
    scheduler.settled(3);
    assert!(!scheduler.is_awaited(1), "the longer path goes first");
}
