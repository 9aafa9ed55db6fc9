//! What apply needs of the service.

use crate::api::answer::Answer;
use crate::api::call::Call;
use crate::api::catalogue::Action;
use crate::api::error::ApiError;
use crate::api::http::BoxFuture;
use crate::environment::Timestamp;
use crate::resources::{Listing, ReadScope};

/// Sends calls and reads lists. `provider` is the alias of the provider block; the default one's is
/// empty.
pub trait Service {
    /// Sends a mutating call once, with the token in it, if any.
    fn send<'a>(
        &'a self,
        provider: &'a str,
        call: &'a Call,
    ) -> BoxFuture<'a, Result<Answer, ApiError>>;

    /// Reads a whole list now.
    fn list<'a>(&'a self, provider: &'a str, scope: &'a ReadScope) -> BoxFuture<'a, Listing>;

    /// Reads one object of a list by its id: a list with that row, or with none.
    fn single<'a>(
        &'a self,
        provider: &'a str,
        scope: &'a ReadScope,
        id: &'a str,
    ) -> BoxFuture<'a, Listing>;

    /// Reads a list, or with `id` one object of it; also returns when that was really asked for, which
    /// may be long after `now` where requests have to wait for their turn.
    fn poll<'a>(
        &'a self,
        provider: &'a str,
        scope: &'a ReadScope,
        id: Option<&'a str>,
        now: Timestamp,
    ) -> BoxFuture<'a, (Listing, Timestamp)> {
        let read = match id {
            Some(id) => self.single(provider, scope, id),
            None => self.list(provider, scope),
        };
        Box::pin(async move { (read.await, now) })
    }

    /// Sends no more calls: those that wait for their turn end at once, as not sent.
    fn stop_changes(&self) {}

    /// Returns how many requests a second the service is believed to bear, where it refused more.
    fn limit(&self) -> Option<f64> {
        None
    }

    /// Returns whether an action honours a `ClientToken` in the edition that the provider speaks.
    fn takes_token(&self, provider: &str, action: Action) -> bool;
}
