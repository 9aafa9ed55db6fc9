//! The order and the choice of a package's public addresses.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{list, live_package, package, with};
use crate::resources::Object;
use crate::resources::public_addresses::{ordered, shrink};
use crate::value::Value;

fn texts(addresses: &[&str]) -> Vec<String> {
    addresses.iter().map(|address| (*address).to_owned()).collect()
}

fn used(addresses: &[&str]) -> BTreeSet<String> {
    texts(addresses).into_iter().collect()
}

#[test]
fn recorded_addresses_stay_and_new_ones_are_appended_by_number() {
    let recorded = texts(&["10.0.0.9", "10.0.0.1"]);
    let listed = texts(&["10.0.0.100", "10.0.0.20", "10.0.0.1", "10.0.0.9"]);
    assert_eq!(ordered(&recorded, &listed), ["10.0.0.9", "10.0.0.1", "10.0.0.20", "10.0.0.100"]);
    assert_eq!(ordered(&recorded, &texts(&["10.0.0.1"])), ["10.0.0.1"]);
    assert_eq!(ordered(&[], &texts(&["10.0.0.1", "10.0.0.1"])), ["10.0.0.1"]);
}

#[test]
fn idle_addresses_go_first_and_from_the_end() {
    let all = texts(&["a", "b", "c", "d"]);
    let choice = shrink(&all, &used(&["d"]), 2);
    assert_eq!((choice.kept, choice.removed), (texts(&["a", "d"]), texts(&["c", "b"])));
    assert_eq!(choice.shifted, [("d".to_owned(), 3, 1)]);
    assert!(choice.in_use.is_empty());
    let choice = shrink(&all, &used(&["a", "b", "c", "d"]), 3);
    assert_eq!((choice.removed, choice.in_use), (texts(&["d"]), texts(&["d"])));
    assert_eq!(shrink(&all, &used(&[]), 0).kept, ["a"]);
    assert_eq!(shrink(&all, &used(&[]), 9).kept, all);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_choice_keeps_order_and_prefers_idle_addresses(
        held in prop::collection::btree_set(0_u8..60, 1..50),
        busy in prop::collection::btree_set(0_u8..60, 0..40),
        count in 1_usize..50,
    ) {
        let all: Vec<String> = held.iter().rev().map(|n| format!("203.0.113.{n}")).collect();
        let used: BTreeSet<String> = busy.iter().map(|n| format!("203.0.113.{n}")).collect();
        let choice = shrink(&all, &used, count);
        prop_assert_eq!(choice.kept.len(), count.min(all.len()));
        prop_assert_eq!(choice.kept.len() + choice.removed.len(), all.len());
        let order: Vec<&String> = all.iter().filter(|a| choice.kept.contains(a)).collect();
        prop_assert_eq!(order, choice.kept.iter().collect::<Vec<_>>());
        let idle_kept = choice.kept.iter().any(|a| !used.contains(a));
        prop_assert!(choice.in_use.is_empty() || !idle_kept);
        // Nothing shifts when what goes is the tail.
        let tail = all[choice.kept.len()..].iter().all(|a| choice.removed.contains(a));
        prop_assert_eq!(choice.shifted.is_empty(), tail);
    }

    #[test]
    fn what_stays_keeps_its_relative_order(
        recorded in prop::collection::btree_set(0_u8..30, 0..20),
        listed in prop::collection::vec(0_u8..40, 0..30),
    ) {
        let recorded: Vec<String> = recorded.iter().rev().map(|n| format!("10.0.0.{n}")).collect();
        let listed: Vec<String> = listed.iter().map(|n| format!("10.0.0.{n}")).collect();
        let order = ordered(&recorded, &listed);
        prop_assert_eq!(
            order.iter().collect::<BTreeSet<_>>(),
            listed.iter().collect::<BTreeSet<_>>()
        );
        prop_assert_eq!(order.iter().collect::<BTreeSet<_>>().len(), order.len());
        let staying: Vec<&String> = recorded.iter().filter(|a| listed.contains(a)).collect();
        prop_assert_eq!(order.iter().take(staying.len()).collect::<Vec<_>>(), staying);
        prop_assert_eq!(&ordered(&order, &listed), &order);
    }
}

fn foreseen(prior: Option<&Object>, planned: &Object, in_use: &[&str]) -> (Object, Vec<String>) {
    let mut planned = planned.clone();
    let remarks = package().foresee("bandwidth_package.a", prior, &mut planned, &used(in_use));
    (planned, remarks)
}

#[test]
fn growth_keeps_the_known_addresses_known() {
    let prior = live_package(&["203.0.113.9", "203.0.113.1"]);
    let (planned, remarks) = foreseen(Some(&prior), &with(&prior, "ip_count", 3_i64), &[]);
    let elements = planned.get("public_ip_addresses").unwrap().as_elements().unwrap();
    assert_eq!(elements[0].as_str(), Some("203.0.113.9"));
    assert_eq!(elements[1].as_str(), Some("203.0.113.1"));
    assert!(elements[2].is_unknown() && elements.len() == 3);
    assert!(remarks.is_empty());

    let create = with(&Object::new(), "ip_count", 2_i64);
    let (planned, _) = foreseen(None, &create, &[]);
    let elements = planned.get("public_ip_addresses").unwrap().as_elements().unwrap();
    assert_eq!(elements.len(), 2);
    assert_ne!(elements[0], elements[1]);

    let unknown = with(&Object::new(), "ip_count", Value::unknown(crate::value::Type::Number));
    assert!(foreseen(None, &unknown, &[]).0.get("public_ip_addresses").unwrap().is_unknown());
}

#[test]
fn shrinking_says_what_goes_and_what_moves() {
    let prior = live_package(&["203.0.113.1", "203.0.113.2"]);
    let (planned, remarks) =
        foreseen(Some(&prior), &with(&prior, "ip_count", 1_i64), &["203.0.113.2"]);
    assert_eq!(planned.get("public_ip_addresses"), Some(&list(&["203.0.113.2"])));
    assert_eq!(
        remarks,
        [
            "`203.0.113.1` is released; nothing uses it",
            "`203.0.113.2` moves from `public_ip_addresses[1]` to `public_ip_addresses[0]`"
        ]
    );
    let (planned, remarks) = foreseen(Some(&prior), &prior, &[]);
    assert_eq!((planned, remarks.len()), (prior, 0));
}

#[test]
fn a_conversion_makes_the_id_of_the_shared_bandwidth() {
    let prior = live_package(&["203.0.113.1"]);
    let (planned, _) = foreseen(Some(&prior), &with(&prior, "convert_to_shared", true), &[]);
    assert!(planned.get("common_bandwidth_package_id").unwrap().is_unknown());
    assert_eq!(planned.texts("public_ip_addresses").unwrap(), ["203.0.113.1"]);
    let create = with(&Object::new(), "convert_to_shared", false);
    let name = "common_bandwidth_package_id";
    let create = with(&create, name, Value::unknown(crate::value::Type::String));
    assert!(foreseen(None, &create, &[]).0.get(name).is_none());
}
