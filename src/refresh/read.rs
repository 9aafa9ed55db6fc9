//! What is read of lists, and what keeps it from being read.
//!
//! The first page tells how many rows there are; the others are asked for at once. Pages of a list
//! that changes meanwhile do not fit together: a row may be on two of them or on none. Such a list
//! is read again, and after a few times reported as unreadable rather than guessed. Where a few
//! objects of a long list are wanted, they are asked for by their ids instead.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use futures_util::{StreamExt, TryStreamExt, stream};

use super::pages::{self, Found, Rows};
use super::{Reading, Sent};
use crate::api::call::Call;
use crate::api::catalogue::Action;
use crate::api::client::Client;
use crate::api::error::{ApiError, Class};
use crate::api::error_catalogue::advice;
use crate::environment::Timestamp;
use crate::resources::reads::{self, PAGE_SIZE};
use crate::resources::{Listing, Listings, LiveRow, ReadScope, Sought};

/// How many lists, and how many objects of one, are asked for at once; the client bounds what is
/// really in flight.
const AT_ONCE: usize = 32;

/// Why a list could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadError {
    /// What holds the list does not exist.
    ParentGone,
    /// The service refused, or did not answer.
    Api(Box<ApiError>),
    /// An answer cannot be understood.
    Answer {
        /// The action.
        action: Action,
        /// What is wrong.
        why: String,
    },
    /// The pages of the list did not fit together, however often it was read.
    Unstable {
        /// The action.
        action: Action,
        /// What did not fit in the last attempt.
        why: String,
        /// How often it was read.
        times: u32,
        /// Whether each attempt came to the same: then nothing changes, and the answers contradict
        /// themselves.
        alike: bool,
    },
}

impl ReadError {
    /// Returns whether other lists of the same service cannot be read for the same reason: it does not
    /// accept the credentials, cannot be reached, or the time for reading is over.
    pub fn concerns_all(&self) -> bool {
        match self {
            Self::Api(error) => !error.class.is_definite() || is_about_credentials(&error.code),
            _ => false,
        }
    }
}

/// Returns whether a list could not be read, for the given reason, because the service does not accept
/// the credentials.
pub fn is_refused(why: &str) -> bool {
    why.split(": ").nth(1).is_some_and(is_about_credentials)
}

/// Returns whether a refusal is about who asks and not about what is asked for.
pub fn is_about_credentials(code: &str) -> bool {
    ["InvalidAccessKey", "SignatureDoesNotMatch", "IncompleteSignature", "InvalidSignature"]
        .iter()
        .chain(&["InvalidSecurityToken", "MissingSecurityToken", "InvalidTimeStamp"])
        .chain(&["IllegalTimestamp"])
        .any(|start| code.starts_with(start))
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ParentGone => f.write_str("what holds the list does not exist"),
            Self::Api(error) => write!(f, "{error}\n{}", advice(error)),
            Self::Answer { action, why } => write!(
                f,
                "{action}: {why}\nthe answer does not look like the service's: check the endpoint \
                 and any proxy between"
            ),
            Self::Unstable { action, why, times, alike: true } if *times > 1 => write!(
                f,
                "{action}: the pages of the list do not add up, each of {times} times alike ({why})\n\
                 nothing seems to change it, so the answers contradict themselves: check the endpoint \
                 and any proxy between"
            ),
            Self::Unstable { action, why, times, .. } => write!(
                f,
                "{action}: the list changed each of {times} times while it was read ({why})\n\
                 something else is changing it right now: try again when it is done"
            ),
        }
    }
}

impl std::error::Error for ReadError {}

/// Reads a whole list. Sends max(1, ceil(rows / 50)) calls, unless the list changes meanwhile.
/// Throttling and other errors that may pass are waited out until `deadline`.
pub async fn read_list(client: &Client, scope: &ReadScope, deadline: Timestamp) -> Reading {
    let before = client.now();
    reading(client, before, whole(rows_of(client, &reads::list_call(scope), deadline).await))
}

/// Reads several lists at once.
pub async fn read_lists(client: &Client, scopes: &[ReadScope], deadline: Timestamp) -> Listings {
    let scopes: BTreeSet<&ReadScope> = scopes.iter().collect();
    stream::iter(scopes)
        .map(|scope| async move { (scope.clone(), read_list(client, scope, deadline).await.listing) })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await
}

/// Reads what is sought of a list, in whichever way takes fewer calls: the whole list, or each object
/// by its id. The first page is read in any case, unless the list is known to be long, or nothing is
/// known of its length and one object is sought: most often the first page is all there is.
pub async fn read_sought(client: &Client, sought: &Sought, deadline: Timestamp) -> Reading {
    let before = client.now();
    reading(client, before, sought_of(client, sought, deadline).await)
}

/// Does the same as [`read_sought`], but gives the error as it is.
pub(super) async fn sought_of(
    client: &Client,
    sought: &Sought,
    deadline: Timestamp,
) -> Result<(Listing, Sent), ReadError> {
    let Sought { scope, ids, rows } = sought;
    let call = reads::list_call(scope);
    if ids.is_empty() || reads::single_call(scope, "").is_none() {
        return whole(rows_of(client, &call, deadline).await);
    }
    let wanted = pages::count(ids.len());
    let cheaper = match rows {
        Some(rows) => wanted < pages::count(*rows).div_ceil(PAGE_SIZE),
        None => wanted == 1,
    };
    if cheaper {
        return by_id(client, scope, (ids.iter().collect(), None), ids, deadline).await;
    }
    let (first, sent) = pages::fetch(client, reads::paged(&call, 1, PAGE_SIZE), deadline).await?;
    let held = pages::count(first.rows.len());
    let more = first.total.map_or(0, |total| total.saturating_sub(held).div_ceil(held.max(1)));
    let on_first: BTreeSet<&str> = first.rows.iter().map(|row| row.id.as_str()).collect();
    let missing: Vec<&String> = ids.iter().filter(|id| !on_first.contains(id.as_str())).collect();
    if pages::count(missing.len()) < more {
        let found = first.rows.into_iter().map(|row| (row.id, row.object)).collect();
        return by_id(client, scope, (missing, Some((found, sent))), ids, deadline).await;
    }
    whole(pages::read_whole(client, &call, Some((first, sent)), deadline).await)
}

/// Asks for objects by their ids, one call each, beside what was found already.
async fn by_id(
    client: &Client,
    scope: &ReadScope,
    (missing, found): (Vec<&String>, Option<Found>),
    asked: &BTreeSet<String>,
    deadline: Timestamp,
) -> Result<(Listing, Sent), ReadError> {
    let read = |id: &String| {
        let id = id.clone();
        async move { object_of(client, scope, &id, deadline).await }
    };
    let single: Vec<Found> =
        stream::iter(missing).map(read).buffer_unordered(AT_ONCE).try_collect().await?;
    let parts = found.into_iter().chain(single);
    let both = parts.reduce(|(mut rows, sent), (more, of_more)| {
        rows.extend(more);
        (rows, sent.and(of_more))
    });
    let (rows, sent) = both.unwrap_or_else(|| (Rows::new(), Sent::at(client.now())));
    Ok((Listing::Part { asked: asked.clone(), rows }, sent))
}

/// Reads one object by its id: its row, or none.
async fn object_of(
    client: &Client,
    scope: &ReadScope,
    id: &str,
    deadline: Timestamp,
) -> Result<Found, ReadError> {
    let Some(call) = reads::single_call(scope, id) else {
        return rows_of(client, &reads::list_call(scope), deadline).await;
    };
    let before = client.now();
    let first = pages::fetch(client, reads::paged(&call, 1, PAGE_SIZE), deadline).await;
    let first = match first {
        // A list that is asked for by an id may be refused where an empty one is meant.
        Err(ReadError::Api(error)) if error.class == Class::Gone => {
            return Ok((Rows::new(), since(client, before)));
        }
        other => other?,
    };
    let there = first.0.rows.iter().any(|row| row.id == id);
    let (rows, sent) = if there {
        (first.0.rows.into_iter().map(|row| (row.id, row.object)).collect(), first.1)
    } else {
        // Nothing on the first page is the end, but for a service that does not know the filter.
        pages::read_whole(client, &call, Some(first), deadline).await?
    };
    Ok((rows.into_iter().filter(|(found, _)| found == id).collect(), sent))
}

/// Reads one object of a list, in one call where the service filters by id: a list of at most one
/// row. Cheaper than the list where a single object of a long one is waited for.
pub async fn read_object(
    client: &Client,
    scope: &ReadScope,
    id: &str,
    deadline: Timestamp,
) -> Reading {
    let before = client.now();
    reading(client, before, whole(object_of(client, scope, id, deadline).await))
}

fn whole(found: Result<Found, ReadError>) -> Result<(Listing, Sent), ReadError> {
    found.map(|(rows, sent)| (Listing::Rows(rows), sent))
}

/// Returns what was read since a time, or why it was not.
fn reading(
    client: &Client,
    before: Timestamp,
    read: Result<(Listing, Sent), ReadError>,
) -> Reading {
    let (listing, sent) = read.unwrap_or_else(|error| (failed(error), since(client, before)));
    Reading { listing, sent }
}

/// Returns when a request left of which only that is known that it was answered since.
fn since(client: &Client, before: Timestamp) -> Sent {
    Sent { first: before, last: client.now() }
}

/// Returns what is known of a list that could not be read.
pub(super) fn failed(error: ReadError) -> Listing {
    match error {
        ReadError::ParentGone => Listing::ParentGone,
        error => Listing::Failed(error.to_string()),
    }
}

async fn rows_of(client: &Client, call: &Call, deadline: Timestamp) -> Result<Found, ReadError> {
    if reads::is_paged(call.action) {
        return pages::read_whole(client, call, None, deadline).await;
    }
    let (page, sent) = pages::fetch(client, call.clone(), deadline).await?;
    Ok((page.rows.into_iter().map(|row| (row.id, row.object)).collect::<BTreeMap<_, _>>(), sent))
}

/// Reads all rows of a list call, by id.
pub async fn read_rows(
    client: &Client,
    call: &Call,
    deadline: Timestamp,
) -> Result<Vec<LiveRow>, ReadError> {
    let (rows, _) = rows_of(client, call, deadline).await?;
    Ok(rows.into_iter().map(|(id, object)| LiveRow { id, object }).collect())
}
