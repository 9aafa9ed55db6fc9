//! What apply needs of the service.

use crate::api::answer::Answer;
use crate::api::call::Call;
use crate::api::catalogue::Action;
use crate::api::error::ApiError;
use crate::api::http::BoxFuture;
use crate::refresh::Reading;
use crate::resources::reads::PAGE_SIZE;
use crate::resources::{Listing, ReadScope, Sought};

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
    fn list<'a>(&'a self, provider: &'a str, scope: &'a ReadScope) -> BoxFuture<'a, Reading>;

    /// Reads one object of a list by its id: a list with that row, or with none.
    fn single<'a>(
        &'a self,
        provider: &'a str,
        scope: &'a ReadScope,
        id: &'a str,
    ) -> BoxFuture<'a, Reading>;

    /// Reads what is sought of a list, in whichever way takes fewer calls: the list, or a part of it.
    fn sought<'a>(&'a self, provider: &'a str, sought: &'a Sought) -> BoxFuture<'a, Reading> {
        let mut ids = sought.ids.iter();
        let long = sought.rows.is_none_or(|rows| rows as u64 > PAGE_SIZE);
        let (Some(id), None, true) = (ids.next(), ids.next(), long) else {
            return self.list(provider, &sought.scope);
        };
        let single = self.single(provider, &sought.scope, id);
        Box::pin(async move {
            let Reading { listing, sent } = single.await;
            let listing = match listing {
                Listing::Rows(rows) => Listing::Part { asked: sought.ids.clone(), rows },
                other => other,
            };
            Reading { listing, sent }
        })
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
