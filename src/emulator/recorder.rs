//! The calls that came, bounded in number and size, and counts of all of them.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

use crate::api::http::HttpResponse;
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

/// Bytes of all calls that are kept at most, so that long pages cannot fill it either.
const MOST_BYTES: usize = 32 * 1024 * 1024;

/// Keeps calls and counts.
#[derive(Debug)]
pub(super) struct Recorder {
    most: usize,
    bytes: usize,
    calls: VecDeque<Record>,
    counts: BTreeMap<String, Counts>,
}

impl Recorder {
    pub(super) fn new(most: usize) -> Self {
        Self { most, bytes: 0, calls: VecDeque::new(), counts: BTreeMap::new() }
    }

    /// Counts a call, and keeps it with its answer.
    pub(super) fn add(&mut self, mut record: Record, answer: &HttpResponse) {
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
        if self.most == 0 {
            return;
        }
        record.answer = without_string_to_sign(&String::from_utf8_lossy(&answer.body));
        self.bytes += size(&record);
        self.calls.push_back(record);
        while self.calls.len() > self.most || self.bytes > MOST_BYTES {
            let Some(oldest) = self.calls.pop_front() else { break };
            self.bytes -= size(&oldest);
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
        self.bytes = 0;
        self.counts.clear();
    }
}

/// Returns about how many bytes a call takes.
fn size(record: &Record) -> usize {
    let parameters = record.parameters.iter().map(|(name, value)| name.len() + value.len());
    let names = record.unknown_parameters.iter().map(String::len);
    let texts = record.action.len() + record.method.len() + record.answer.len();
    size_of::<Record>() + texts + parameters.chain(names).map(|bytes| bytes + 64).sum::<usize>()
}

/// Takes out the string that a refused signature is answered with: it repeats the request's secrets.
/// It is percent-encoded, or ends with its line, so it holds no quote and no tag.
fn without_string_to_sign(text: &str) -> String {
    const MARK: &str = "server string to sign is:";
    let Some((before, rest)) = text.split_once(MARK) else { return text.to_owned() };
    let end = rest.find(['"', '<']).unwrap_or(rest.len());
    format!("{before}{MARK} …{}", &rest[end..])
}

fn count(counts: &mut BTreeMap<String, u64>, name: &str) {
    if counts.len() < MOST_NAMES || counts.contains_key(name) {
        *counts.entry(name.to_owned()).or_default() += 1;
    }
}
