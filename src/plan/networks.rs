//! Networks in scopes, found by what they share addresses with: of two that do, one contains the other.

use std::collections::BTreeMap;

use ipnet::Ipv4Net;

use super::keys::Key;
use super::topology::Token;
use crate::resources::Object;

/// Objects by their networks.
#[derive(Debug)]
pub(crate) struct Networks<T> {
    scopes: BTreeMap<Vec<Token>, BTreeMap<Ipv4Net, Vec<T>>>,
}

impl<T> Default for Networks<T> {
    fn default() -> Self {
        Self { scopes: BTreeMap::new() }
    }
}

/// Returns scope and network of an object; none when either is null, unknown or no network.
pub(crate) fn of(object: &Object, scope: &[&str], field: &str) -> Option<(Vec<Token>, Ipv4Net)> {
    let key = Key::of(object, scope, &[field])?;
    let network: Ipv4Net = key.fields.first()?.known()?.trim().parse().ok()?;
    Some((key.scope, network.trunc()))
}

impl<T> Networks<T> {
    pub(crate) fn insert(&mut self, scope: Vec<Token>, network: Ipv4Net, item: T) {
        self.scopes.entry(scope).or_default().entry(network).or_default().push(item);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.scopes.is_empty()
    }

    /// Returns the objects whose networks contain this one or are the same.
    pub(crate) fn around(&self, scope: &[Token], network: Ipv4Net) -> impl Iterator<Item = &T> {
        let networks = self.scopes.get(scope);
        (0..=network.prefix_len())
            .filter_map(move |prefix| Ipv4Net::new(network.addr(), prefix).ok())
            .filter_map(move |wider| networks?.get(&wider.trunc()))
            .flatten()
    }

    /// Returns the objects whose networks lie in this one and are not the same.
    pub(crate) fn inside(&self, scope: &[Token], network: Ipv4Net) -> impl Iterator<Item = &T> {
        let networks = self.scopes.get(scope);
        let behind = networks.map(|n| n.range(network..)).into_iter().flatten();
        behind
            .take_while(move |(other, _)| network.contains(*other))
            .filter(move |(other, _)| **other != network)
            .flat_map(|(_, items)| items)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn networks_are_found_as_by_comparing_all(
            networks in prop::collection::vec((0u32..64, 24u8..=32), 1..20),
            (address, prefix) in (0u32..64, 24u8..=32),
        ) {
            let net = |address: u32, prefix: u8| {
                Ipv4Net::new((0x0a00_0000 + address).into(), prefix).unwrap().trunc()
            };
            let scope = vec![Token::Known("table".into())];
            let mut all = Networks::default();
            for (index, (address, prefix)) in networks.iter().enumerate() {
                all.insert(scope.clone(), net(*address, *prefix), index);
            }
            let wanted = net(address, prefix);
            let mut found: Vec<usize> =
                all.around(&scope, wanted).chain(all.inside(&scope, wanted)).copied().collect();
            found.sort_unstable();
            let expected: Vec<usize> = networks
                .iter()
                .enumerate()
                .filter(|(_, (a, p))| {
                    net(*a, *p).contains(&wanted) || wanted.contains(&net(*a, *p))
                })
                .map(|(index, _)| index)
                .collect();
            prop_assert_eq!(found, expected);
            prop_assert_eq!(all.around(&[], wanted).count(), 0);
        }
    }
}
