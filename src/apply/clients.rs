//! The service as an apply sees it, through the clients of the run's providers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::Service;
use crate::api::answer::Answer;
use crate::api::call::Call;
use crate::api::catalogue::{Action, Edition};
use crate::api::client::Client;
use crate::api::error::ApiError;
use crate::api::http::BoxFuture;
use crate::environment::{Clock, Timestamp};
use crate::refresh::{Reading, read_list, read_object, read_sought};
use crate::resources::{ReadScope, Sought};
use crate::value::Name;

/// Sends and reads through a client for each provider.
pub struct Clients {
    by_alias: BTreeMap<Name, (Client, Edition)>,
    clock: Arc<dyn Clock>,
    patience: Duration,
}

impl Clients {
    /// Creates a set without clients; a single read may be repeated for `patience` while it fails.
    pub fn new(clock: Arc<dyn Clock>, patience: Duration) -> Self {
        Self { by_alias: BTreeMap::new(), clock, patience }
    }

    /// Adds the client of a provider, and the edition that it speaks; the default one's alias is empty.
    pub fn add(&mut self, alias: Name, client: Client, edition: Edition) {
        self.by_alias.insert(alias, (client, edition));
    }

    /// Returns the client of a provider. The error says that there is none.
    pub fn get(&self, alias: &str) -> Result<&Client, String> {
        let found = self.by_alias.get(alias).map(|(client, _)| client);
        found.ok_or_else(|| format!("there is no provider with the alias `{alias}`"))
    }

    /// Returns until when a read that begins now may be repeated.
    pub fn deadline(&self) -> Timestamp {
        self.clock.now().after(self.patience)
    }

    fn all(&self) -> impl Iterator<Item = &Client> {
        self.by_alias.values().map(|(client, _)| client)
    }
}

impl Service for Clients {
    fn send<'a>(
        &'a self,
        provider: &'a str,
        call: &'a Call,
    ) -> BoxFuture<'a, Result<Answer, ApiError>> {
        Box::pin(async move {
            match self.get(provider) {
                Ok(client) => client.send(call).await,
                Err(why) => Err(ApiError::not_sent(call.action, why)),
            }
        })
    }

    fn list<'a>(&'a self, provider: &'a str, scope: &'a ReadScope) -> BoxFuture<'a, Reading> {
        Box::pin(async move {
            match self.get(provider) {
                Ok(client) => read_list(client, scope, self.deadline()).await,
                Err(why) => Reading::failed(why, self.clock.now()),
            }
        })
    }

    fn single<'a>(
        &'a self,
        provider: &'a str,
        scope: &'a ReadScope,
        id: &'a str,
    ) -> BoxFuture<'a, Reading> {
        Box::pin(async move {
            match self.get(provider) {
                Ok(client) => read_object(client, scope, id, self.deadline()).await,
                Err(why) => Reading::failed(why, self.clock.now()),
            }
        })
    }

    fn sought<'a>(&'a self, provider: &'a str, sought: &'a Sought) -> BoxFuture<'a, Reading> {
        Box::pin(async move {
            match self.get(provider) {
                Ok(client) => read_sought(client, sought, self.deadline()).await,
                Err(why) => Reading::failed(why, self.clock.now()),
            }
        })
    }

    fn stop_changes(&self) {
        self.all().for_each(Client::stop_changes);
    }

    fn limit(&self) -> Option<f64> {
        self.all().filter_map(Client::lowest_limit).reduce(f64::min)
    }

    fn takes_token(&self, provider: &str, action: Action) -> bool {
        self.by_alias.get(provider).is_some_and(|(_, edition)| action.takes_token(*edition))
    }
}
