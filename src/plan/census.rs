//! Who uses which address before the plan: what decides whether a package can be replaced by creating
//! first, and which addresses a smaller one gives up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::pass::Basis;
use super::program::ObjectMap;
use super::topology::{self, Token};
use crate::address::{Address, Key, ResourceAddress};
use crate::resources::{self, Object};

/// Who uses which address before the plan, and who goes.
pub(crate) struct Census<'p> {
    /// Recorded instances that configuration has no more, as far as that can be told beforehand.
    doomed: BTreeSet<&'p Address>,
    /// Entries by the known addresses that they use.
    users: BTreeMap<Arc<str>, Vec<&'p Address>>,
    /// Addresses that unmanaged entries use.
    foreign: BTreeSet<Arc<str>>,
    /// How many packages each gateway holds.
    packages: BTreeMap<Token, u64>,
}

impl<'p> Census<'p> {
    pub(crate) fn new(basis: &Basis<'p>) -> Self {
        let mut users: BTreeMap<Arc<str>, Vec<&Address>> = BTreeMap::new();
        for (address, used) in super::prior::users(basis.prior) {
            for ip in used.iter().filter_map(Token::known) {
                users.entry(Arc::clone(ip)).or_default().push(address);
            }
        }
        let unmanaged = basis.world.unmanaged.iter();
        let foreign = unmanaged.flat_map(|u| topology::used_addresses(u.kind, &u.object));
        let managed = basis.prior.iter().filter_map(|((address, _), existing)| {
            topology::parent(address.kind(), existing.live.as_ref()?)
                .filter(|_| address.kind() == topology::PACKAGE)
        });
        let others = basis.world.of_kind(topology::PACKAGE);
        let others = others.filter_map(|u| topology::parent(u.kind, &u.object));
        let mut packages: BTreeMap<Token, u64> = BTreeMap::new();
        for gateway in managed.chain(others) {
            *packages.entry(gateway).or_default() += 1;
        }
        Self {
            doomed: doomed(basis),
            users,
            foreign: foreign.filter_map(|token| token.known().cloned()).collect(),
            packages,
        }
    }

    /// Returns the entries that stay and use an address of a package.
    pub(crate) fn users_of(&self, package: &Object) -> BTreeSet<&'p Address> {
        topology::provided_addresses(topology::PACKAGE, package)
            .iter()
            .filter_map(|ip| self.users.get(ip))
            .flatten()
            .copied()
            .filter(|address| !self.doomed.contains(address))
            .collect()
    }

    /// Returns the addresses of a package that something uses which the plan does not delete.
    pub(crate) fn used_addresses(&self, package: &Object) -> BTreeSet<String> {
        let reported = resources::bandwidth_package::in_use(package);
        topology::provided_addresses(topology::PACKAGE, package)
            .into_iter()
            .filter(|ip| match self.users.get(ip) {
                Some(users) => {
                    self.foreign.contains(ip) || users.iter().any(|u| !self.doomed.contains(u))
                }
                None => self.foreign.contains(ip) || reported.contains(&**ip),
            })
            .map(|ip| ip.to_string())
            .collect()
    }

    /// Returns whether a package's gateway has a place for a second one while both are there.
    pub(crate) fn has_place(&self, basis: &Basis<'_>, provider: &str, package: &Object) -> bool {
        let gateway = topology::parent(topology::PACKAGE, package);
        let count = gateway.and_then(|g| self.packages.get(&g).copied()).unwrap_or_default();
        let rules = basis.kinds.get(topology::PACKAGE).map(|k| k.resource.rules());
        let quota = rules.into_iter().flatten().find_map(|rule| match rule {
            resources::Rule::Quota { name, limit, .. } => {
                Some(basis.world.limit(provider, name, *limit))
            }
            _ => None,
        });
        quota.is_none_or(|quota| count < quota)
    }
}

/// Returns the recorded instances that configuration has no more, as far as that can be told before
/// anything is planned.
fn doomed<'p>(basis: &Basis<'p>) -> BTreeSet<&'p Address> {
    let mut objects = ObjectMap::new();
    for ((address, deposed), existing) in basis.prior {
        if let (None, Some(live)) = (deposed, &existing.live) {
            objects.set(address, live.clone());
        }
    }
    let mut keys: BTreeMap<&ResourceAddress, Option<Arc<[Option<Key>]>>> = BTreeMap::new();
    let program = basis.input.program;
    basis
        .prior
        .keys()
        .filter(|(address, deposed)| deposed.is_none() && basis.scope.includes(address))
        .map(|(address, _)| address)
        .filter(|address| {
            let resource = &address.resource;
            let keys = keys.entry(resource).or_insert_with(|| match program.block(resource) {
                Some(_) => program.expand_resource(resource, &objects).ok(),
                None => Some(Arc::new([])),
            });
            keys.as_ref().is_some_and(|keys| keys.binary_search(&address.key).is_err())
        })
        .collect()
}
