//! The second wave of reads: lists that only a plan with changes needs, to judge it by what is not
//! managed. A plan without changes needs none.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::refresh_scopes::Lists;
use super::topology::{self, Token};
use super::{Change, ChangeKind};
use crate::resources::{Listing, Object, ReadScope};
use crate::value::{Name, Value};

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
    unread(&mut wanted, lists);
    wanted
}

/// Leaves of the wanted lists those that were not read.
fn unread(wanted: &mut Wanted, lists: &Lists) {
    for (provider, scopes) in wanted.iter_mut() {
        let read = |scope: &ReadScope| lists.of(provider).and_then(|read| read.get(scope));
        scopes.retain(|scope| matches!(read(scope), None | Some(Listing::Part { .. })));
    }
    wanted.retain(|_, scopes| !scopes.is_empty());
}

/// Returns the tables, not read yet, in which something that is not managed uses an address that an
/// entry of the other table is to take, or that a package gives up: the service says so of the
/// address, not who it is.
pub(crate) fn beside(changes: &[Change], lists: &Lists) -> Wanted {
    let mut wanted = Wanted::new();
    let taken: Vec<(&Change, Token, Vec<Arc<str>>)> = changes.iter().filter_map(taken).collect();
    let given: Vec<(&Change, Token, Vec<Arc<str>>)> = changes.iter().filter_map(given_up).collect();
    if taken.is_empty() && given.is_empty() {
        return wanted;
    }
    let mut managed: BTreeSet<(&str, Arc<str>)> = BTreeSet::new();
    for change in changes {
        let kind = change.address.kind();
        let used = change.before.iter().flat_map(|b| topology::used_addresses(kind, b));
        managed.extend(used.filter_map(|token| Some((kind, Arc::clone(token.known()?)))));
    }
    let neighbours = Neighbours::new(lists);
    for (change, parent, addresses) in taken.into_iter().chain(given) {
        let Some(tables) = neighbours.tables.get(parent.text()) else { continue };
        let words = [(topology::FORWARD, "Forward"), (topology::SNAT, "Snat")];
        for ((kind, word), table) in words.into_iter().zip(tables) {
            let foreign = addresses.iter().any(|ip| {
                let status = neighbours.status.get(ip);
                status.is_some_and(|status| status.contains(word))
                    && !managed.contains(&(kind, Arc::clone(ip)))
            });
            if foreign && kind != change.address.kind() {
                let scopes = wanted.entry(change.provider.clone()).or_default();
                scopes.insert(entries(kind, change.region.to_string(), table));
            }
        }
    }
    unread(&mut wanted, lists);
    wanted
}

/// Returns the table of an entry and the known addresses that it takes.
fn taken(change: &Change) -> Option<(&Change, Token, Vec<Arc<str>>)> {
    let kind = change.address.kind();
    let makes =
        matches!(change.kind, ChangeKind::Create | ChangeKind::Update | ChangeKind::Replace { .. });
    let after = change.after.as_ref().filter(|_| makes && kind != topology::PACKAGE)?;
    let before = change.before.as_ref().filter(|_| change.kind == ChangeKind::Update);
    let before: Vec<Token> =
        before.into_iter().flat_map(|b| topology::used_addresses(kind, b)).collect();
    let after = topology::used_addresses(kind, after).into_iter();
    let new: Vec<Arc<str>> =
        after.filter(|t| !before.contains(t)).filter_map(|t| t.known().cloned()).collect();
    let table = topology::parent(kind, change.after.as_ref()?)?;
    (!new.is_empty()).then_some((change, table, new))
}

/// Returns the gateway of a package and the addresses that it gives up.
fn given_up(change: &Change) -> Option<(&Change, Token, Vec<Arc<str>>)> {
    let kind = change.address.kind();
    let before = change.before.as_ref().filter(|_| kind == topology::PACKAGE)?;
    let kept = match change.kind {
        ChangeKind::Update => topology::provided_addresses(kind, change.after.as_ref()?),
        ChangeKind::Delete | ChangeKind::Replace { .. } => Vec::new(),
        _ => return None,
    };
    let mut given = topology::provided_addresses(kind, before);
    given.retain(|ip| !kept.contains(ip));
    let gateway = topology::parent(kind, before)?;
    (!given.is_empty()).then_some((change, gateway, given))
}

/// What the lists tell of addresses and tables.
struct Neighbours {
    /// What serves an address, as the service says.
    status: BTreeMap<Arc<str>, Arc<str>>,
    /// The tables of a gateway, for DNAT and SNAT, by its own id and those of its tables.
    tables: BTreeMap<Arc<str>, [Arc<str>; 2]>,
}

impl Neighbours {
    fn new(lists: &Lists) -> Self {
        let mut found = Self { status: BTreeMap::new(), tables: BTreeMap::new() };
        for (scope, listing) in lists.all().values().flatten() {
            let list = match scope {
                ReadScope::Gateways { .. } => "ip_lists",
                ReadScope::BandwidthPackages { .. } => "public_ips",
                _ => continue,
            };
            let Listing::Rows(rows) = listing else { continue };
            for object in rows.values() {
                let text = |value: &Value| Token::of(value)?.known().cloned();
                let ips = object.get(list).and_then(Value::as_elements).unwrap_or_default();
                for ip in ips {
                    let of = |name: &str| text(ip.get(name)?);
                    if let (Some(ip), Some(status)) = (of("ip_address"), of("using_status")) {
                        found.status.insert(ip, status);
                    }
                }
                let table = |name: &str| text(object.get(name)?);
                if let (Some(dnat), Some(snat)) =
                    (table("forward_table_id"), table("snat_table_id"))
                {
                    let tables = [Arc::clone(&dnat), Arc::clone(&snat)];
                    for id in [table("id"), Some(dnat), Some(snat)].into_iter().flatten() {
                        found.tables.insert(id, tables.clone());
                    }
                }
            }
        }
        found
    }
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
