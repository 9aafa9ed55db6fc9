//! Reads lists whole, page by page.
//!
//! The first page tells how many rows there are; the others are asked for at once. Pages of a list
//! that changes meanwhile do not fit together: a row may be on two of them or on none. Such a list
//! is read again, and after a few times reported as unreadable rather than guessed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::api::call::Call;
use crate::api::catalogue::Action;
use crate::api::client::Client;
use crate::api::error::ApiError;
use crate::api::error_catalogue::advice;
use crate::environment::Timestamp;
use crate::resources::reads::{self, PAGE_SIZE};
use crate::resources::{Listing, Listings, LiveRow, Page, ReadScope};

/// How often a list is read until its pages fit together.
const ATTEMPTS: u32 = 6;
/// How many pages of one list, and how many lists, are asked for at once; the client bounds what is
/// really in flight.
const AT_ONCE: usize = 32;
/// How many rows a list may have, and how many pages; more is taken for nonsense.
const MOST_ROWS: u64 = 10_000_000;
const MOST_PAGES: u64 = 250_000;

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
    /// The list changed each time while it was read.
    Unstable {
        /// The action.
        action: Action,
        /// What did not fit in the last attempt.
        why: String,
    },
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
            Self::Unstable { action, why } => write!(
                f,
                "{action}: the list changed each of {ATTEMPTS} times while it was read ({why})\n\
                 something else is changing it right now: try again when it is done"
            ),
        }
    }
}

impl std::error::Error for ReadError {}

/// Reads a whole list. Sends max(1, ceil(rows / 50)) calls, unless the list changes meanwhile.
/// Throttling and other errors that may pass are waited out until `deadline`.
pub async fn read_list(client: &Client, scope: &ReadScope, deadline: Timestamp) -> Listing {
    read_list_at(client, scope, deadline).await.0
}

/// The same; also returns when the list was asked for: it tells nothing of what came after. Without
/// meaning where it could not be read.
pub async fn read_list_at(
    client: &Client,
    scope: &ReadScope,
    deadline: Timestamp,
) -> (Listing, Timestamp) {
    let (read, asked) = read_rows_at(client, &reads::list_call(scope), deadline).await;
    (listing(read), asked)
}

/// Reads several lists at once.
pub async fn read_lists(client: &Client, scopes: &[ReadScope], deadline: Timestamp) -> Listings {
    let scopes: BTreeSet<&ReadScope> = scopes.iter().collect();
    stream::iter(scopes)
        .map(|scope| async move { (scope.clone(), read_list(client, scope, deadline).await) })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await
}

/// Reads one object of a list, in one call where the service filters by id: a list of at most one
/// row. Cheaper than the list where a single object of a long one is waited for.
pub async fn read_object(
    client: &Client,
    scope: &ReadScope,
    id: &str,
    deadline: Timestamp,
) -> Listing {
    read_object_at(client, scope, id, deadline).await.0
}

/// The same; also returns when the object was asked for.
pub async fn read_object_at(
    client: &Client,
    scope: &ReadScope,
    id: &str,
    deadline: Timestamp,
) -> (Listing, Timestamp) {
    let Some(call) = reads::single_call(scope, id) else {
        return read_list_at(client, scope, deadline).await;
    };
    let (read, asked) = read_rows_at(client, &call, deadline).await;
    let listing = match listing(read) {
        Listing::Rows(rows) => Listing::Rows(rows.into_iter().filter(|(i, _)| i == id).collect()),
        other => other,
    };
    (listing, asked)
}

fn listing(read: Result<Vec<LiveRow>, ReadError>) -> Listing {
    match read {
        Ok(rows) => Listing::Rows(rows.into_iter().map(|row| (row.id, row.object)).collect()),
        Err(ReadError::ParentGone) => Listing::ParentGone,
        Err(error) => Listing::Failed(error.to_string()),
    }
}

/// Reads all rows of a list call, by id.
pub async fn read_rows(
    client: &Client,
    call: &Call,
    deadline: Timestamp,
) -> Result<Vec<LiveRow>, ReadError> {
    read_rows_at(client, call, deadline).await.0
}

/// The same; also returns when the first page was asked for.
async fn read_rows_at(
    client: &Client,
    call: &Call,
    deadline: Timestamp,
) -> (Result<Vec<LiveRow>, ReadError>, Timestamp) {
    let mut asked = deadline;
    let read = read_until_stable(client, call, deadline, &mut asked).await;
    (read, asked)
}

async fn read_until_stable(
    client: &Client,
    call: &Call,
    deadline: Timestamp,
    asked: &mut Timestamp,
) -> Result<Vec<LiveRow>, ReadError> {
    if !reads::is_paged(call.action) {
        return Ok(fetch_at(client, call.clone(), deadline, asked).await?.rows);
    }
    let mut last = String::new();
    for _ in 0..ATTEMPTS {
        match read_once(client, call, deadline, asked).await? {
            Ok(rows) => {
                let named = rows.into_iter().map(|(id, object)| LiveRow { id, object });
                return Ok(named.collect());
            }
            Err(why) => last = why,
        }
    }
    Err(ReadError::Unstable { action: call.action, why: last })
}

type Rows = BTreeMap<String, crate::resources::Object>;

/// Reads all pages once. The inner error says why they do not fit together.
async fn read_once(
    client: &Client,
    call: &Call,
    deadline: Timestamp,
    asked: &mut Timestamp,
) -> Result<Result<Rows, String>, ReadError> {
    let page = |number| fetch(client, reads::paged(call, number, PAGE_SIZE), deadline);
    let first = fetch_at(client, reads::paged(call, 1, PAGE_SIZE), deadline, asked).await?;
    let Some(total) = first.total else {
        return read_in_turn(client, call, first, deadline).await;
    };
    let held = u64::try_from(first.rows.len()).unwrap_or(u64::MAX);
    if held == 0 && total > 0 {
        return Ok(Err(format!("none of {total} rows on the first page")));
    }
    // A service may give fewer rows a page than it was asked for: the first page shows how many.
    let pages = if total > held { total.div_ceil(held) } else { 1 };
    if total > MOST_ROWS || pages > MOST_PAGES {
        let why = format!("the answer says that the list has {total} rows, and holds {held}");
        return Err(ReadError::Answer { action: call.action, why });
    }
    let rest: Vec<Page> = stream::iter(2..=pages).map(page).buffered(AT_ONCE).try_collect().await?;
    let mut rows = Rows::new();
    let mut count = 0;
    for page in std::iter::once(first).chain(rest) {
        if let Some(other) = page.total.filter(|other| *other != total) {
            return Ok(Err(format!("first of {total} rows, then of {other}")));
        }
        count += page.rows.len();
        rows.extend(page.rows.into_iter().map(|row| (row.id, row.object)));
    }
    if rows.len() != count {
        return Ok(Err(format!("{} rows came twice", count - rows.len())));
    }
    if u64::try_from(count).ok() != Some(total) {
        return Ok(Err(format!("{count} of {total} rows came")));
    }
    Ok(Ok(rows))
}

/// Reads the pages of a list that does not say how long it is, one after the other to the first that
/// is not full.
async fn read_in_turn(
    client: &Client,
    call: &Call,
    first: Page,
    deadline: Timestamp,
) -> Result<Result<Rows, String>, ReadError> {
    let full = first.size.unwrap_or(PAGE_SIZE).min(PAGE_SIZE);
    let mut rows = Rows::new();
    let mut page = first;
    for number in 2.. {
        let held = page.rows.len();
        let before = rows.len();
        rows.extend(page.rows.into_iter().map(|row| (row.id, row.object)));
        let new = rows.len() - before;
        // A service that knows no pages gives everything each time.
        let repeats = new == 0 && before > 0;
        if new < held && !repeats {
            return Ok(Err(format!("{} rows came twice", held - new)));
        }
        if repeats || u64::try_from(held).is_ok_and(|held| held < full) {
            break;
        }
        if u64::try_from(rows.len()).is_ok_and(|rows| rows > MOST_ROWS) {
            let why = "the list does not end".to_owned();
            return Err(ReadError::Answer { action: call.action, why });
        }
        page = fetch(client, reads::paged(call, number, PAGE_SIZE), deadline).await?;
    }
    Ok(Ok(rows))
}

async fn fetch(client: &Client, call: Call, deadline: Timestamp) -> Result<Page, ReadError> {
    fetch_at(client, call, deadline, &mut Timestamp::default()).await
}

/// Reads a page and notes when it was asked for.
async fn fetch_at(
    client: &Client,
    call: Call,
    deadline: Timestamp,
    asked: &mut Timestamp,
) -> Result<Page, ReadError> {
    let (answer, sent) = client.read_at(&call, deadline).await.map_err(|error| {
        if reads::parent_gone(call.action, &error.code) {
            ReadError::ParentGone
        } else {
            ReadError::Api(Box::new(error))
        }
    })?;
    *asked = sent;
    reads::page(call.action, &answer.body)
        .map_err(|why| ReadError::Answer { action: call.action, why })
}
