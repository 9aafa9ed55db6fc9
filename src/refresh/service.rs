//! The reader over the service.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::{JoinError, JoinHandle};

use super::read::{failed, read_rows, sought_of};
use super::{DataRead, ReadError, Reader};
use crate::api::client::Client;
use crate::environment::{Clock, Timestamp};
use crate::resources::{Listing, Listings, Object, ReadScope, Sought, data, data_source};

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

    fn missing(alias: &str) -> String {
        if alias.is_empty() {
            "there is no connection for the default provider".to_owned()
        } else {
            format!("there is no connection for the provider `{alias}`")
        }
    }

    /// Reads what is sought, each list as a task of its own where the runtime has several threads, so
    /// that answers are also understood at the same time. What keeps one list from being read and would
    /// keep all of them ends the reading at once.
    async fn all(&self, client: &Client, sought: &[Sought]) -> Listings {
        let deadline = self.deadline();
        let mut waiting = sought.iter();
        let mut listings = Listings::new();
        let mut tasks = FuturesUnordered::new();
        loop {
            while tasks.len() < AT_ONCE
                && let Some(next) = waiting.next()
            {
                tasks.push(self.begin(client.clone(), next.clone(), deadline));
            }
            let Some((scope, read)) = tasks.next().await else { return listings };
            let stops = read.as_ref().is_err_and(ReadError::concerns_all);
            let listing = read.unwrap_or_else(failed);
            if stops {
                let left = sought.iter().map(|sought| sought.scope.clone());
                let mut all: Listings = left.map(|scope| (scope, listing.clone())).collect();
                all.append(&mut listings);
                return all;
            }
            listings.insert(scope, listing);
        }
    }

    /// Begins to read one list.
    fn begin(
        &self,
        client: Client,
        sought: Sought,
        deadline: Timestamp,
    ) -> BoxFuture<'static, (ReadScope, Result<Listing, ReadError>)> {
        let scope = sought.scope.clone();
        // Lists that come late in a long refresh have as much time as the first, as long as the
        // service answers.
        let answered = client.last_answer().map(|at| at.after(self.patience));
        let deadline = answered.map_or(deadline, |late| deadline.max(late));
        let work =
            async move { sought_of(&client, &sought, deadline).await.map(|(listing, _)| listing) };
        if self.runtime.runtime_flavor() != RuntimeFlavor::MultiThread {
            return Box::pin(async move { (scope, work.await) });
        }
        let task = Task(self.runtime.spawn(work));
        Box::pin(async move {
            let read = task.await.unwrap_or_else(|error| {
                Ok(Listing::Failed(format!("reading {scope} was cut off: {error}")))
            });
            (scope, read)
        })
    }
}

/// A task that ends when nobody waits for it any more.
struct Task<T>(JoinHandle<T>);

impl<T> Future for Task<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context)
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Reader for ServiceReader {
    fn lists(&self, provider: &str, scopes: &[ReadScope]) -> Listings {
        let scopes: BTreeSet<&ReadScope> = scopes.iter().collect();
        let whole =
            |scope: &ReadScope| Sought { scope: scope.clone(), ids: BTreeSet::new(), rows: None };
        self.sought(provider, &scopes.into_iter().map(whole).collect::<Vec<Sought>>())
    }

    fn sought(&self, provider: &str, sought: &[Sought]) -> Listings {
        let Some(client) = self.clients.get(provider) else {
            let failed =
                |sought: &Sought| (sought.scope.clone(), Listing::Failed(Self::missing(provider)));
            return sought.iter().map(failed).collect();
        };
        self.runtime.block_on(self.all(client, sought))
    }

    fn data(&self, read: &DataRead) -> Result<Object, String> {
        let client =
            self.clients.get(&read.provider).ok_or_else(|| Self::missing(&read.provider))?;
        self.runtime.block_on(read_data(client, read, self.deadline()))
    }
}

/// Reads a data source. The error is a sentence for the user.
pub async fn read_data(
    client: &Client,
    read: &DataRead,
    deadline: Timestamp,
) -> Result<Object, String> {
    let schema = data_source(&read.kind);
    let call = data::list_call(&read.kind, &read.region, &read.parameters);
    let (Some(schema), Some(call)) = (schema, call) else {
        return Err(format!("there is no data source `{}`", read.kind));
    };
    match read_rows(client, &call, deadline).await {
        Ok(rows) => Ok(data::object(schema, &read.parameters, rows)),
        Err(ReadError::ParentGone) => Err(read.nothing_there()),
        Err(error) => Err(error.to_string()),
    }
}
