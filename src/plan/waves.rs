//! The second wave of reads: lists that only a plan with changes needs, to judge it by what is not
//! managed. A plan without changes needs none.

use std::collections::{BTreeMap, BTreeSet};

use super::refresh_scopes::Lists;
use super::topology::{self, Token};
use super::{Change, ChangeKind};
use crate::resources::{Listing, Object, ReadScope};
use crate::value::Name;

type Wanted = BTreeMap<Name, BTreeSet<ReadScope>>;

/// Returns the lists around the changes that were not read yet.
pub(crate) fn around(changes: &[Change], lists: &Lists) -> Wanted {
    let mut wanted = Wanted::new();
    for change in changes {
        match change.kind {
            ChangeKind::Create | ChangeKind::Update => made(change, &mut wanted),
            ChangeKind::Replace { .. } => {
                made(change, &mut wanted);
                gone(change, &mut wanted);
            }
            ChangeKind::Delete => gone(change, &mut wanted),
            ChangeKind::NoOp | ChangeKind::Read | ChangeKind::Forget => {}
        }
    }
    for (provider, scopes) in &mut wanted {
        let read = |scope: &ReadScope| lists.of(provider).and_then(|read| read.get(scope));
        scopes.retain(|scope| matches!(read(scope), None | Some(Listing::Part { .. })));
    }
    wanted.retain(|_, scopes| !scopes.is_empty());
    wanted
}

/// What is made is judged by its neighbours: gateways of the region (default route, bound addresses),
/// packages (places, addresses), entries of a table that exists.
fn made(change: &Change, wanted: &mut Wanted) {
    let Some(after) = &change.after else { return };
    let region = || change.region.to_string();
    let scopes = wanted.entry(change.provider.clone()).or_default();
    match change.address.kind() {
        topology::GATEWAY => {
            if change.kind != ChangeKind::Update || converts(change) {
                scopes.insert(ReadScope::Gateways { region: region() });
            }
            if converts(change) {
                scopes.insert(ReadScope::BandwidthPackages { region: region() });
            }
        }
        topology::PACKAGE => {
            if topology::parent(topology::PACKAGE, after).is_some_and(|p| p.known().is_some()) {
                scopes.insert(ReadScope::BandwidthPackages { region: region() });
                scopes.insert(ReadScope::Gateways { region: region() });
            }
        }
        kind => {
            if let Some(Token::Known(table)) = topology::parent(kind, after) {
                scopes.insert(ReadScope::Gateways { region: region() });
                scopes.insert(ReadScope::BandwidthPackages { region: region() });
                scopes.insert(entries(kind, region(), &table));
            }
        }
    }
}

fn converts(change: &Change) -> bool {
    let of = |object: &Option<Object>| {
        object.as_ref().and_then(|o| o.text("nat_type").map(str::to_owned))
    };
    change.kind == ChangeKind::Update && of(&change.before) != of(&change.after)
}

fn entries(kind: &str, region: String, table: &str) -> ReadScope {
    let table = table.to_owned();
    if kind == topology::FORWARD {
        ReadScope::ForwardEntries { region, table }
    } else {
        ReadScope::SnatEntries { region, table }
    }
}

/// A gateway that goes must be empty, or takes along what is in it.
fn gone(change: &Change, wanted: &mut Wanted) {
    let Some(before) =
        change.before.as_ref().filter(|_| change.address.kind() == topology::GATEWAY)
    else {
        return;
    };
    let scopes = wanted.entry(change.provider.clone()).or_default();
    let region = || change.region.to_string();
    scopes.insert(ReadScope::BandwidthPackages { region: region() });
    if let Some(table) = before.text("forward_table_id") {
        scopes.insert(entries(topology::FORWARD, region(), table));
    }
    if let Some(table) = before.text("snat_table_id") {
        scopes.insert(entries(topology::SNAT, region(), table));
    }
}
