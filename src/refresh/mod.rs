//! Runs the list reads that resource types describe, pages and shares them; the one reader of live
//! objects.
//!
//! `pages` reads one list, as often as it takes to see it whole; `read` decides what is asked for, and
//! apply's settling uses it too. `service` is the [`Reader`] over the service, which reads many lists at
//! once.

mod pages;
mod read;
mod service;
#[cfg(test)]
mod tests;

pub use read::{
    ReadError, is_about_credentials, is_refused, read_list, read_lists, read_object, read_rows,
    read_sought,
};
pub use service::{ServiceReader, read_data};

use crate::environment::Timestamp;
use crate::resources::{Listing, Listings, Object, ReadScope, Sought};

/// When the requests left whose answers something is made of. It may be as old as the first of them,
/// and is no older than the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// When the first of them left.
    pub first: Timestamp,
    /// When the last of them left.
    pub last: Timestamp,
}

impl Sent {
    /// Creates that of a single request.
    pub const fn at(time: Timestamp) -> Self {
        Self { first: time, last: time }
    }

    /// Returns that of what is made of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { first: self.first.min(other.first), last: self.last.max(other.last) }
    }
}

/// What was read of a list, and when that was asked for.
#[derive(Debug, Clone)]
pub struct Reading {
    /// What was read.
    pub listing: Listing,
    /// When the requests left. One that waits for its turn leaves much later than it was wanted.
    pub sent: Sent,
}

impl Reading {
    /// Creates that of a list that was not even asked for.
    pub const fn failed(why: String, now: Timestamp) -> Self {
        Self { listing: Listing::Failed(why), sent: Sent::at(now) }
    }
}

/// A read of a data source: an action with its filters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataRead {
    /// Type of the data source, such as `nat_gateways`.
    pub kind: String,
    /// Alias of the provider.
    pub provider: String,
    /// Region.
    pub region: String,
    /// Parameters of the action.
    pub parameters: std::collections::BTreeMap<String, String>,
}

impl DataRead {
    /// Says that what the filters name does not exist.
    pub fn nothing_there(&self) -> String {
        let filters: Vec<String> =
            self.parameters.iter().map(|(name, value)| format!("{name} `{value}`")).collect();
        format!("the service knows none with {}", filters.join(", "))
    }
}

/// Reads live objects; the planner's only way to the service.
pub trait Reader {
    /// Reads whole lists, each once, sharing and paging as it sees fit. `provider` is the alias of
    /// the provider block through which to read.
    fn lists(&self, provider: &str, scopes: &[ReadScope]) -> Listings;

    /// Reads what is sought of lists, in whichever way takes fewer calls: each of them whole, or the
    /// objects that are sought in it.
    fn sought(&self, provider: &str, sought: &[Sought]) -> Listings {
        let scopes: Vec<ReadScope> = sought.iter().map(|sought| sought.scope.clone()).collect();
        self.lists(provider, &scopes)
    }

    /// Reads a data source. The error is a sentence for the user.
    fn data(&self, read: &DataRead) -> Result<Object, String>;
}
