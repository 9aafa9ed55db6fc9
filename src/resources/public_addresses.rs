//! The order of a package's public addresses, and which of them a smaller package gives up.
//!
//! The service lists addresses in any order. natform keeps its own, so that
//! `public_ip_addresses[0]` means the same address as long as that address exists: what is recorded
//! stays in its place, what is new is appended by number.

use std::collections::BTreeSet;

use super::answer;

/// Returns the addresses that the service lists, in natform's order.
pub fn ordered(recorded: &[String], listed: &[String]) -> Vec<String> {
    let present: BTreeSet<&String> = listed.iter().collect();
    let mut seen = BTreeSet::new();
    let mut order: Vec<String> = recorded
        .iter()
        .filter(|address| present.contains(address) && seen.insert((*address).clone()))
        .cloned()
        .collect();
    let new = listed.iter().filter(|address| !seen.contains(*address)).cloned().collect();
    order.extend(answer::address_list(new));
    order
}

/// How a package's addresses shrink.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shrink {
    /// The addresses that stay, in order.
    pub kept: Vec<String>,
    /// The addresses that are given up, in the order in which they were chosen.
    pub removed: Vec<String>,
    /// Those of them that are in use: what uses them must leave first.
    pub in_use: Vec<String>,
    /// Addresses that stay but get another index: address, old index, new index.
    pub shifted: Vec<(String, usize, usize)>,
}

/// Chooses which addresses a package gives up to have `count` of them: those that nothing uses, from
/// the end; where these do not suffice, used ones from the end. At least one stays.
pub fn shrink(addresses: &[String], used: &BTreeSet<String>, count: usize) -> Shrink {
    let surplus = addresses.len().saturating_sub(count.max(1));
    let from_end = |in_use: bool| {
        addresses.iter().rev().filter(move |address| used.contains(*address) == in_use)
    };
    let removed: Vec<String> =
        from_end(false).chain(from_end(true)).take(surplus).cloned().collect();
    let kept: Vec<String> =
        addresses.iter().filter(|address| !removed.contains(address)).cloned().collect();
    let shifted = kept
        .iter()
        .enumerate()
        .filter_map(|(index, address)| {
            let before = addresses.iter().position(|a| a == address)?;
            (before != index).then(|| (address.clone(), before, index))
        })
        .collect();
    let in_use = removed.iter().filter(|address| used.contains(*address)).cloned().collect();
    Shrink { kept, removed, in_use, shifted }
}
