//! The world around the plan: live objects in the lists that were read which no state owns, and the
//! limits that hold there.

use std::collections::{BTreeMap, BTreeSet};

use super::topology;
use crate::resources::{Listing, Listings, Object, ReadScope, spelling};
use crate::value::{Name, Value};

/// A live object that the state does not own.
#[derive(Debug, Clone)]
pub(crate) struct Unmanaged {
    /// Resource type.
    pub(crate) kind: &'static str,
    /// The service's id.
    pub(crate) id: String,
    /// Region.
    pub(crate) region: String,
    /// Its attributes.
    pub(crate) object: Object,
}

/// What surrounds the plan.
#[derive(Debug, Default)]
pub(crate) struct World {
    /// Live objects that the state does not own, by resource type and id.
    pub(crate) unmanaged: Vec<Unmanaged>,
    /// Limits that the provider blocks raise, by alias and name.
    pub(crate) quotas: BTreeMap<Name, BTreeMap<Name, u64>>,
}

impl World {
    /// Returns a limit: that of the provider block or the service's default.
    pub(crate) fn limit(&self, provider: &str, name: &str, default: u64) -> u64 {
        self.quotas.get(provider).and_then(|q| q.get(name)).copied().unwrap_or(default)
    }

    /// Iterates over the unmanaged objects of a resource type.
    pub(crate) fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Unmanaged> {
        self.unmanaged.iter().filter(move |u| u.kind == kind)
    }
}

/// Returns the resource type whose objects a list holds.
pub(crate) fn kind_of(scope: &ReadScope) -> Option<&'static str> {
    match scope {
        ReadScope::Gateways { .. } => Some(topology::GATEWAY),
        ReadScope::BandwidthPackages { .. } => Some(topology::PACKAGE),
        ReadScope::ForwardEntries { .. } => Some(topology::FORWARD),
        ReadScope::SnatEntries { .. } => Some(topology::SNAT),
        _ => None,
    }
}

/// Returns the live objects in `lists` whose ids are not among `owned` (resource type and id), each
/// once, by resource type and id.
pub(crate) fn unmanaged(
    lists: &BTreeMap<Name, Listings>,
    owned: &BTreeSet<(&str, &str)>,
) -> Vec<Unmanaged> {
    let mut found: BTreeMap<(&'static str, &str), Unmanaged> = BTreeMap::new();
    for listings in lists.values() {
        for (scope, listing) in listings {
            let (Some(kind), Listing::Rows(rows)) = (kind_of(scope), listing) else { continue };
            for (id, object) in rows {
                // Whoever needs the key of an entry that is being deleted waits until it is gone.
                let entry = kind == topology::FORWARD || kind == topology::SNAT;
                let leaving = || object.text("status").is_some_and(spelling::is_deleting);
                if owned.contains(&(kind, id.as_str())) || (entry && leaving()) {
                    continue;
                }
                found.entry((kind, id)).or_insert_with(|| Unmanaged {
                    kind,
                    id: id.clone(),
                    region: scope.region().to_owned(),
                    object: with_table(scope, object),
                });
            }
        }
    }
    found.into_values().collect()
}

/// Adds to an entry the table in whose list it was found.
fn with_table(scope: &ReadScope, object: &Object) -> Object {
    let (attribute, table) = match scope {
        ReadScope::ForwardEntries { table, .. } => ("forward_table_id", table),
        ReadScope::SnatEntries { table, .. } => ("snat_table_id", table),
        _ => return object.clone(),
    };
    let mut object = object.clone();
    if object.get(attribute).is_none() {
        object.set(attribute, Value::string(table.as_str()));
    }
    object
}
