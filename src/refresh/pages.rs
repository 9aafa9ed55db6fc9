//! Reads one list to its end, page by page, as often as it takes until the pages fit together.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{StreamExt, stream};

use super::{ReadError, Sent};
use crate::api::call::Call;
use crate::api::client::Client;
use crate::environment::Timestamp;
use crate::resources::reads::{self, PAGE_SIZE};
use crate::resources::{Object, Page};

/// How often a list is read until its pages fit together.
pub(super) const ATTEMPTS: u32 = 8;
/// So many readings of one length are enough to be laid together.
const TOGETHER: u32 = 3;
/// How long to wait before a list is read a second time; each further time twice as long.
const PAUSE: Duration = Duration::from_millis(100);
/// How many pages of one list are asked for at once; the client bounds what is really in flight.
const AT_ONCE: usize = 32;
/// How many rows a list may have, and how many pages; more is taken for nonsense.
const MOST_ROWS: u64 = 10_000_000;
const MOST_PAGES: u64 = 250_000;

/// Rows by id.
pub(super) type Rows = BTreeMap<String, Object>;

/// Rows, and when what they come from was asked for.
pub(super) type Found = (Rows, Sent);

/// What came of a reading whose pages do not fit together.
struct Misfit {
    /// How many rows the list has, if all pages said the same.
    total: Option<u64>,
    rows: Rows,
    sent: Sent,
    why: String,
}

/// The readings of one list so far.
#[derive(Default)]
struct Readings {
    count: u32,
    /// The readings since the list had another length, laid together.
    of_length: u32,
    total: Option<u64>,
    rows: Rows,
    sent: Option<Sent>,
    why: String,
    /// Whether each reading failed in the same way.
    alike: bool,
}

impl Readings {
    /// Adds a reading. Returns the list where pages only come in another order each time: several
    /// readings that agree on the length have exactly so many ids between them.
    fn add(&mut self, misfit: Misfit) -> Option<Found> {
        self.alike = self.count == 0 || (self.alike && self.why == misfit.why);
        self.count += 1;
        self.why = misfit.why;
        if misfit.total.is_none() || misfit.total != self.total || self.is_too_long() {
            (self.total, self.of_length) = (misfit.total, 0);
            self.rows.clear();
            self.sent = None;
        }
        self.of_length += 1;
        self.rows.extend(misfit.rows);
        let sent = self.sent.map_or(misfit.sent, |sent| sent.and(misfit.sent));
        self.sent = Some(sent);
        let whole = self.total.is_some() && count(self.rows.len()) == self.total.unwrap_or(0);
        (whole && self.of_length >= TOGETHER).then(|| (std::mem::take(&mut self.rows), sent))
    }

    fn is_too_long(&self) -> bool {
        self.total.is_some_and(|total| count(self.rows.len()) > total)
    }
}

/// Reads all rows of a list call, of which the first page may have been read already. Waits a little
/// between two readings, and gives up at `deadline`.
pub(super) async fn read_whole(
    client: &Client,
    call: &Call,
    mut first: Option<(Page, Sent)>,
    deadline: Timestamp,
) -> Result<Found, ReadError> {
    let mut readings = Readings::default();
    let mut pause = PAUSE;
    loop {
        match read_once(client, call, first.take(), deadline).await? {
            Ok(found) => return Ok(found),
            Err(misfit) => {
                if let Some(found) = readings.add(misfit) {
                    return Ok(found);
                }
            }
        }
        if readings.count >= ATTEMPTS || !client.wait(pause, deadline).await {
            break;
        }
        pause *= 2;
    }
    Err(ReadError::Unstable {
        action: call.action,
        why: readings.why,
        times: readings.count,
        alike: readings.alike,
    })
}

/// Reads all pages once. The inner error says why they do not fit together.
async fn read_once(
    client: &Client,
    call: &Call,
    first: Option<(Page, Sent)>,
    deadline: Timestamp,
) -> Result<Result<Found, Misfit>, ReadError> {
    let page = |number| fetch(client, reads::paged(call, number, PAGE_SIZE), deadline);
    let first = match first {
        Some(first) => first,
        None => page(1).await?,
    };
    let Some(total) = first.0.total else {
        return read_in_turn(client, call, first, deadline).await;
    };
    let pages = pages_of(call, &first.0, total)?;
    let mut rows = Rows::new();
    let mut came = 0;
    let mut sent = first.1;
    let misfit = |rows, sent, total, why| Ok(Err(Misfit { total, rows, sent, why }));
    let mut rest = stream::iter(2..=pages).map(page).buffered(AT_ONCE);
    let mut next = Some(first);
    while let Some((page, at)) = next {
        sent = sent.and(at);
        if let Some(other) = page.total.filter(|other| *other != total) {
            return misfit(rows, sent, None, format!("first of {total} rows, then of {other}"));
        }
        let before = rows.len();
        came += page.rows.len();
        rows.extend(page.rows.into_iter().map(|row| (row.id, row.object)));
        // The pages that follow will not mend it.
        if rows.len() == before {
            break;
        }
        next = rest.next().await.transpose()?;
    }
    let distinct = count(rows.len());
    if distinct == total {
        return Ok(Ok((rows, sent)));
    }
    let twice = came - rows.len();
    let twice = if twice == 0 { String::new() } else { format!(", {twice} of them twice") };
    let why = format!("{came} of {total} rows came{twice}");
    misfit(rows, sent, Some(total), why)
}

/// Returns how many pages a list has, as its first one tells. A service may give fewer rows a page
/// than it was asked for.
fn pages_of(call: &Call, first: &Page, total: u64) -> Result<u64, ReadError> {
    let held = count(first.rows.len());
    let pages = if total > held && held > 0 { total.div_ceil(held) } else { 1 };
    if total > MOST_ROWS || pages > MOST_PAGES {
        let why = format!("the answer says that the list has {total} rows, and holds {held}");
        return Err(ReadError::Answer { action: call.action, why });
    }
    Ok(pages)
}

/// Reads the pages of a list that does not say how long it is, one after the other to the first that
/// is not full.
async fn read_in_turn(
    client: &Client,
    call: &Call,
    (mut page, mut sent): (Page, Sent),
    deadline: Timestamp,
) -> Result<Result<Found, Misfit>, ReadError> {
    let full = page.size.unwrap_or(PAGE_SIZE).min(PAGE_SIZE);
    let mut rows = Rows::new();
    for number in 2.. {
        let held = page.rows.len();
        let before = rows.len();
        rows.extend(page.rows.into_iter().map(|row| (row.id, row.object)));
        let new = rows.len() - before;
        // A service that knows no pages gives everything each time; another gives its last page.
        let repeats = new == 0 && before > 0;
        if new < held && !repeats {
            let why = format!("{} rows came twice", held - new);
            return Ok(Err(Misfit { total: None, rows, sent, why }));
        }
        if repeats || count(held) < full {
            break;
        }
        if count(rows.len()) > MOST_ROWS || number > MOST_PAGES {
            let why = "the list does not end".to_owned();
            return Err(ReadError::Answer { action: call.action, why });
        }
        let next = fetch(client, reads::paged(call, number, PAGE_SIZE), deadline).await?;
        (page, sent) = (next.0, sent.and(next.1));
    }
    Ok(Ok((rows, sent)))
}

/// Reads one page. What may pass is waited out, for this page alone.
pub(super) async fn fetch(
    client: &Client,
    call: Call,
    deadline: Timestamp,
) -> Result<(Page, Sent), ReadError> {
    let (answer, sent) = client.read(&call, deadline).await.map_err(|error| {
        if reads::parent_gone(call.action, &error.code) {
            ReadError::ParentGone
        } else {
            ReadError::Api(Box::new(error))
        }
    })?;
    reads::page(call.action, &answer.body)
        .map(|page| (page, Sent::at(sent)))
        .map_err(|why| ReadError::Answer { action: call.action, why })
}

/// Returns a number of rows.
pub(super) fn count(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}
