//! Runs the list reads that resource types describe, pages and shares them; the one reader of live
//! objects.
//!
//! `read` reads one list, as often as it takes to see it whole; apply's settling uses it too.
//! `service` is the [`Reader`] over the service, which reads many lists at once.

mod read;
mod service;
#[cfg(test)]
mod tests;

pub use read::{
    ReadError, read_list, read_list_at, read_lists, read_object, read_object_at, read_rows,
};
pub use service::ServiceReader;

use crate::resources::{Listings, Object, ReadScope};

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

/// Reads live objects; the planner's only way to the service.
pub trait Reader {
    /// Reads whole lists, each once, sharing and paging as it sees fit. `provider` is the alias of
    /// the provider block through which to read.
    fn lists(&self, provider: &str, scopes: &[ReadScope]) -> Listings;

    /// Reads a data source. The error is a sentence for the user.
    fn data(&self, read: &DataRead) -> Result<Object, String>;
}
