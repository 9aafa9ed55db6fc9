//! The calls that came, bounded in number, and counts of all of them.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

use crate::emulator::outcome::Record;

/// How often an action was called.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    /// All calls.
    pub calls: u64,
    /// Those that succeeded.
    pub succeeded: u64,
    /// Those that brought an earlier answer again.
    pub replayed: u64,
    /// Those whose answer was lost on its way.
    pub lost: u64,
    /// Errors by code.
    pub errors: BTreeMap<String, u64>,
    /// Parameters that the action does not take, by name.
    pub unknown_parameters: BTreeMap<String, u64>,
}

/// Distinct names that are counted at most, so that nonsense cannot fill the memory.
const MOST_NAMES: usize = 1000;

/// Keeps calls and counts.
#[derive(Debug)]
pub(super) struct Recorder {
    most: usize,
    calls: VecDeque<Record>,
    counts: BTreeMap<String, Counts>,
}

impl Recorder {
    pub(super) fn new(most: usize) -> Self {
        Self { most, calls: VecDeque::new(), counts: BTreeMap::new() }
    }

    pub(super) fn add(&mut self, record: Record) {
        if self.counts.len() < MOST_NAMES || self.counts.contains_key(&record.action) {
            let counts = self.counts.entry(record.action.clone()).or_default();
            counts.calls += 1;
            counts.replayed += u64::from(record.replayed);
            counts.lost += u64::from(record.lost);
            match &record.code {
                None => counts.succeeded += 1,
                Some(code) => count(&mut counts.errors, code),
            }
            for name in &record.unknown_parameters {
                count(&mut counts.unknown_parameters, name);
            }
        }
        if self.calls.len() >= self.most {
            self.calls.pop_front();
        }
        if self.most > 0 {
            self.calls.push_back(record);
        }
    }

    pub(super) fn calls(&self) -> impl DoubleEndedIterator<Item = &Record> {
        self.calls.iter()
    }

    pub(super) fn counts(&self) -> &BTreeMap<String, Counts> {
        &self.counts
    }

    pub(super) fn clear(&mut self) {
        self.calls.clear();
        self.counts.clear();
    }
}

fn count(counts: &mut BTreeMap<String, u64>, name: &str) {
    if counts.len() < MOST_NAMES || counts.contains_key(name) {
        *counts.entry(name.to_owned()).or_default() += 1;
    }
}
