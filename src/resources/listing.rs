//! List reads: which lists there are, what a page holds, and how an object is found in them.

use std::collections::{BTreeMap, BTreeSet};

use super::Object;

/// A list of the service that a run may read.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub enum ReadScope {
    /// All gateways of a region.
    Gateways {
        /// Region.
        region: String,
    },
    /// All bandwidth packages of a region.
    BandwidthPackages {
        /// Region.
        region: String,
    },
    /// The entries of a DNAT table.
    ForwardEntries {
        /// Region.
        region: String,
        /// Id of the table.
        table: String,
    },
    /// The entries of an SNAT table.
    SnatEntries {
        /// Region.
        region: String,
        /// Id of the table.
        table: String,
    },
    /// The steps of a gateway's conversion.
    ConvertStatus {
        /// Region.
        region: String,
        /// Id of the gateway.
        gateway: String,
    },
    /// The zones that offer Enhanced gateways.
    EnhancedZones {
        /// Region.
        region: String,
    },
}

impl ReadScope {
    /// Returns its region.
    pub fn region(&self) -> &str {
        match self {
            Self::Gateways { region }
            | Self::BandwidthPackages { region }
            | Self::ForwardEntries { region, .. }
            | Self::SnatEntries { region, .. }
            | Self::ConvertStatus { region, .. }
            | Self::EnhancedZones { region } => region,
        }
    }
}

impl std::fmt::Display for ReadScope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Gateways { region } => write!(f, "the NAT gateways of `{region}`"),
            Self::BandwidthPackages { region } => write!(f, "the bandwidth packages of `{region}`"),
            Self::ForwardEntries { table, .. } => write!(f, "the entries of DNAT table `{table}`"),
            Self::SnatEntries { table, .. } => write!(f, "the entries of SNAT table `{table}`"),
            Self::ConvertStatus { gateway, .. } => write!(f, "the conversion of `{gateway}`"),
            Self::EnhancedZones { region } => {
                write!(f, "the zones of `{region}` with Enhanced gateways")
            }
        }
    }
}

/// One row of a list.
#[derive(Debug, Clone)]
pub struct LiveRow {
    /// The service's id of the object.
    pub id: String,
    /// Its attributes, normalised to the configuration's spelling.
    pub object: Object,
}

/// One page of a list.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Rows in the order of the answer.
    pub rows: Vec<LiveRow>,
    /// How many rows the whole list has, as the answer says.
    pub total: Option<u64>,
    /// How many rows a page has, as the answer says.
    pub size: Option<u64>,
}

/// A whole list.
#[derive(Debug, Clone)]
pub enum Listing {
    /// Complete, rows by id.
    Rows(BTreeMap<String, Object>),
    /// Some rows by id, among them all of those that were asked for and that are there.
    Part {
        /// The ids that were asked for.
        asked: BTreeSet<String>,
        /// The rows, also of others.
        rows: BTreeMap<String, Object>,
    },
    /// The thing that holds the list (table, gateway) does not exist, from a closed list of codes.
    ParentGone,
    /// It could not be read; the reason.
    Failed(String),
}

/// What is sought of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sought {
    /// The list.
    pub scope: ReadScope,
    /// Ids of the objects that are sought; none: the whole list.
    pub ids: BTreeSet<String>,
    /// How many rows the list has at least, as far as that is known.
    pub rows: Option<usize>,
}

/// The lists that were read.
pub type Listings = BTreeMap<ReadScope, Listing>;

/// Finds an object by id in some lists: found in one of them, absent if all are complete.
fn find<'a>(lists: impl Iterator<Item = &'a Listing>, id: &str) -> Live {
    let mut verdict = Live::Unread;
    let mut failed = false;
    for listing in lists {
        match listing {
            Listing::Rows(rows) => match rows.get(id) {
                Some(object) => return Live::Found(object.clone()),
                None => verdict = Live::Absent,
            },
            Listing::Part { asked, rows } => match rows.get(id) {
                Some(object) => return Live::Found(object.clone()),
                None if asked.contains(id) => verdict = Live::Absent,
                None => {}
            },
            Listing::ParentGone => verdict = Live::Absent,
            Listing::Failed(_) => failed = true,
        }
    }
    if failed { Live::Unread } else { verdict }
}

/// Finds a gateway by id in the lists of gateways, whatever their region: ids are unique.
pub(super) fn find_gateway(listings: &Listings, id: &str) -> Live {
    let first = ReadScope::Gateways { region: String::new() };
    let lists = listings.range(first..).map_while(|(scope, listing)| {
        matches!(scope, ReadScope::Gateways { .. }).then_some(listing)
    });
    find(lists, id)
}

/// Finds a bandwidth package by id in the lists of packages, whatever their region.
pub(super) fn find_package(listings: &Listings, id: &str) -> Live {
    let first = ReadScope::BandwidthPackages { region: String::new() };
    let lists = listings.range(first..).map_while(|(scope, listing)| {
        matches!(scope, ReadScope::BandwidthPackages { .. }).then_some(listing)
    });
    find(lists, id)
}

/// Finds an entry by id in the list of its table, whatever the region. `list` makes the scope of a
/// region and table. Steps from region to region, so that a look-up costs the same with thousands of
/// tables.
pub(super) fn find_entry(
    listings: &Listings,
    table: &str,
    id: &str,
    list: impl Fn(String, String) -> ReadScope,
) -> Live {
    let kind = std::mem::discriminant(&list(String::new(), String::new()));
    let mut lists = Vec::new();
    let mut from = String::new();
    while let Some((scope, _)) = listings.range(list(from, String::new())..).next() {
        if std::mem::discriminant(scope) != kind {
            break;
        }
        let region = scope.region();
        lists.extend(listings.get(&list(region.to_owned(), table.to_owned())));
        from = format!("{region}\0");
    }
    find(lists.into_iter(), id)
}

/// What the lists say of one object.
#[derive(Debug, Clone)]
pub enum Live {
    /// It is there.
    Found(Object),
    /// A complete list lacks it, or what holds it is gone.
    Absent,
    /// It was not read, or could not be.
    Unread,
}
