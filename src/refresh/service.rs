//! The reader over the service.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::runtime::{Handle, RuntimeFlavor};

use super::read::{read_list, read_lists, read_rows};
use super::{DataRead, ReadError, Reader};
use crate::api::client::Client;
use crate::environment::{Clock, Timestamp};
use crate::resources::{Listing, Listings, Object, ReadScope, data, data_source};

/// How long reads are tried for by default: since they began, or since the service last answered one
/// of them.
const PATIENCE: Duration = Duration::from_secs(300);
/// How many lists are read at once; the client bounds what is in flight.
const AT_ONCE: usize = 64;

/// Reads from the service through the client of each provider. It blocks the thread that calls it,
/// which must not be one of the runtime's own.
pub struct ServiceReader {
    runtime: Handle,
    clock: Arc<dyn Clock>,
    clients: BTreeMap<String, Client>,
    patience: Duration,
}

impl fmt::Debug for ServiceReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceReader")
            .field("clients", &self.clients)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

impl ServiceReader {
    /// Creates a reader without providers that runs on `runtime` and takes time from `clock`.
    pub const fn new(runtime: Handle, clock: Arc<dyn Clock>) -> Self {
        Self { runtime, clock, clients: BTreeMap::new(), patience: PATIENCE }
    }

    /// Adds the client of a provider; `""` is the default provider.
    #[must_use]
    pub fn with_provider(mut self, alias: &str, client: Client) -> Self {
        self.clients.insert(alias.to_owned(), client);
        self
    }

    /// Sets for how long errors that may pass are waited out; five minutes if not set.
    #[must_use]
    pub const fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Returns the client of a provider.
    pub fn client(&self, alias: &str) -> Option<&Client> {
        self.clients.get(alias)
    }

    fn deadline(&self) -> Timestamp {
        self.clock.now().after(self.patience)
    }

    /// Returns until when a read that begins now may be repeated: lists that come late in a long
    /// refresh have as much time as the first, as long as the service answers.
    fn extended(&self, client: &Client, deadline: Timestamp) -> Timestamp {
        client.last_answer().map_or(deadline, |at| deadline.max(at.after(self.patience)))
    }

    fn missing(alias: &str) -> String {
        if alias.is_empty() {
            "there is no connection for the default provider".to_owned()
        } else {
            format!("there is no connection for the provider `{alias}`")
        }
    }

    /// Reads lists, each as a task of its own where the runtime has several threads, so that answers
    /// are also understood at the same time.
    async fn all(&self, client: &Client, scopes: &[ReadScope]) -> Listings {
        let deadline = self.deadline();
        if self.runtime.runtime_flavor() != RuntimeFlavor::MultiThread {
            return read_lists(client, scopes, deadline).await;
        }
        let scopes: BTreeSet<&ReadScope> = scopes.iter().collect();
        stream::iter(scopes)
            .map(|scope| async move {
                let (client, wanted) = (client.clone(), scope.clone());
                let deadline = self.extended(&client, deadline);
                let task = async move { read_list(&client, &wanted, deadline).await };
                let listing = self.runtime.spawn(task).await;
                let listing = listing.unwrap_or_else(|error| {
                    Listing::Failed(format!("reading {scope} was cut off: {error}"))
                });
                (scope.clone(), listing)
            })
            .buffer_unordered(AT_ONCE)
            .collect()
            .await
    }
}

impl Reader for ServiceReader {
    fn lists(&self, provider: &str, scopes: &[ReadScope]) -> Listings {
        let Some(client) = self.clients.get(provider) else {
            let failed =
                |scope: &ReadScope| (scope.clone(), Listing::Failed(Self::missing(provider)));
            return scopes.iter().map(failed).collect();
        };
        self.runtime.block_on(self.all(client, scopes))
    }

    fn data(&self, read: &DataRead) -> Result<Object, String> {
        let client =
            self.clients.get(&read.provider).ok_or_else(|| Self::missing(&read.provider))?;
        let schema = data_source(&read.kind);
        let call = data::list_call(&read.kind, &read.region, &read.parameters);
        let (Some(schema), Some(call)) = (schema, call) else {
            return Err(format!("there is no data source `{}`", read.kind));
        };
        match self.runtime.block_on(read_rows(client, &call, self.deadline())) {
            Ok(rows) => Ok(data::object(schema, &read.parameters, rows)),
            Err(ReadError::ParentGone) => {
                let filters: Vec<String> = read
                    .parameters
                    .iter()
                    .map(|(name, value)| format!("{name} `{value}`"))
                    .collect();
                Err(format!("the service knows none with {}", filters.join(", ")))
            }
            Err(error) => Err(error.to_string()),
        }
    }
}
