//! List reads: which lists there are, what a page holds, and how an object is found in them.

use std::collections::BTreeMap;

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
}

/// A whole list.
#[derive(Debug, Clone)]
pub enum Listing {
    /// Complete, rows by id.
    Rows(BTreeMap<String, Object>),
    /// The thing that holds the list (table, gateway) does not exist, from a closed list of codes.
    ParentGone,
    /// It could not be read; the reason.
    Failed(String),
}

/// The lists that were read.
pub type Listings = BTreeMap<ReadScope, Listing>;

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
