//! Expected drift: a list of what may differ, each with a reason and, if it is to end, a last day.

use serde::{Deserialize, Serialize};

use super::model::{ExpectationStatus, ExpectationUse};
use crate::address::{Address, Target};
use crate::environment::Timestamp;

/// Drift that is expected. Either `address` or `id` says of what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// A module, resource or instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The service's id of an object, also of an unmanaged one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Attributes that may differ; none for all, and for objects that may be missing or unmanaged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<String>,
    /// Why.
    pub reason: String,
    /// The last day on which it is expected, `YYYY-MM-DD` in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// Why a file of expected drift cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpectationError {
    /// It is not the JSON that is wanted.
    #[error("it is not a list of expectations: {0}")]
    Form(String),
    /// One of its entries is mistaken.
    #[error("entry {index}: {why}")]
    Entry {
        /// Its place, from 1.
        index: usize,
        /// What is wrong.
        why: String,
    },
}

/// Reads a file of expected drift: a JSON array of objects with `address` or `id`, `attributes`,
/// `reason` and `until`.
pub fn expectations(text: &str) -> Result<Vec<Expectation>, ExpectationError> {
    let list: Vec<Expectation> =
        serde_json::from_str(text).map_err(|error| ExpectationError::Form(error.to_string()))?;
    for (index, expectation) in list.iter().enumerate() {
        let wrong = |why: String| ExpectationError::Entry { index: index + 1, why };
        match (&expectation.address, &expectation.id) {
            (Some(address), None) => {
                address.parse::<Target>().map_err(|error| wrong(error.to_string()))?;
            }
            (None, Some(_)) => {}
            _ => return Err(wrong("it needs either `address` or `id`".to_owned())),
        }
        if expectation.reason.trim().is_empty() {
            return Err(wrong("`reason` is empty".to_owned()));
        }
        if let Some(until) = &expectation.until
            && end_of(until).is_none()
        {
            return Err(wrong(format!("`until`: `{until}` is not a day such as `2030-12-31`")));
        }
    }
    Ok(list)
}

/// Returns the moment at which a day ends in UTC.
fn end_of(day: &str) -> Option<Timestamp> {
    let day: jiff::civil::Date = day.parse().ok()?;
    let next = day.tomorrow().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(Timestamp(next.timestamp().as_millisecond()))
}

/// Returns the places of the expectations that are of a finding: of an instance (or an unmanaged
/// object) with this id, in these attributes (none for one that is missing or unmanaged).
pub(super) fn covering<'a>(
    list: &'a [Expectation],
    address: Option<&'a Address>,
    id: &'a str,
    attributes: &'a [String],
) -> impl Iterator<Item = usize> + 'a {
    let covers = move |expectation: &Expectation| {
        let target = expectation.address.as_ref().and_then(|a| a.parse::<Target>().ok());
        let meant = match (&target, address) {
            (Some(target), Some(address)) => target.contains(address),
            _ => expectation.id.as_deref() == Some(id),
        };
        let all = expectation.attributes.is_empty()
            || (!attributes.is_empty()
                && attributes.iter().all(|a| expectation.attributes.contains(a)));
        meant && all
    };
    list.iter().enumerate().filter(move |(_, expectation)| covers(expectation)).map(|(at, _)| at)
}

impl Expectation {
    /// Returns whether its last day is over.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        self.until.as_deref().and_then(end_of).is_some_and(|end| now >= end)
    }
}

/// Says what became of each expectation, given how many findings each was of.
pub(super) fn uses(
    list: &[Expectation],
    findings: &[usize],
    now: Timestamp,
) -> Vec<ExpectationUse> {
    let entry =
        |(index, (expectation, findings)): (usize, (&Expectation, &usize))| ExpectationUse {
            entry: index + 1,
            address: expectation.address.clone(),
            id: expectation.id.clone(),
            reason: expectation.reason.clone(),
            until: expectation.until.clone(),
            status: match (expectation.is_over(now), findings) {
                (true, _) => ExpectationStatus::Expired,
                (false, 0) => ExpectationStatus::Unused,
                (false, _) => ExpectationStatus::Met,
            },
            findings: *findings,
        };
    list.iter().zip(findings).enumerate().map(entry).collect()
}
