//! Unique keys, the default route and places under a quota: who holds one leaves it before the next
//! takes it. The keys come from the rules that the resource types declare.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::edges::Wiring;
use super::graph::{Node, Why};
use super::networks::{self, Networks};
use super::topology::{self, Token};
use super::{Change, ChangeKind};
use crate::api::catalogue::Action;
use crate::resources::{Object, Rule};
use crate::value::Value;

/// A unique key of one object: its scope and its fields; each a known text or an origin.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    /// What the scope attributes hold.
    pub(crate) scope: Vec<Token>,
    /// What the key attributes hold.
    pub(crate) fields: Vec<Token>,
}

impl Key {
    /// Returns the key of an object; none when an attribute is null or unknown without origin.
    pub(crate) fn of(object: &Object, scope: &[&str], fields: &[&str]) -> Option<Self> {
        let tokens = |names: &[&str]| -> Option<Vec<Token>> {
            names.iter().map(|name| token(object.get(name)?)).collect()
        };
        Some(Self { scope: tokens(scope)?, fields: tokens(fields)? })
    }

    /// Returns whether a field is `any`, which covers every value.
    pub(crate) fn has_wildcard(&self) -> bool {
        self.fields.iter().any(is_wildcard)
    }

    /// Returns whether two keys of one scope are the same, or `any` in one covers the other.
    fn meets(&self, other: &Self) -> bool {
        self.scope == other.scope
            && self
                .fields
                .iter()
                .zip(&other.fields)
                .all(|(a, b)| a == b || is_wildcard(a) || is_wildcard(b))
    }
}

/// Lists and sets count as the text of their elements, so that a set of one vSwitch is a key.
fn token(value: &Value) -> Option<Token> {
    let Some(elements) = value.as_elements() else { return Token::of(value) };
    let parts: Option<Vec<Token>> = elements.iter().map(Token::of).collect();
    let texts: Vec<Arc<str>> = parts?.iter().filter_map(|p| p.known().cloned()).collect();
    (texts.len() == elements.len()).then(|| Token::Known(texts.join(",").into()))
}

fn is_wildcard(token: &Token) -> bool {
    token.known().is_some_and(|text| text.eq_ignore_ascii_case("any"))
}

/// Objects by key, found exactly and through `any`.
#[derive(Debug)]
pub(crate) struct KeyIndex<T> {
    exact: BTreeMap<Key, Vec<T>>,
    wildcards: BTreeMap<Vec<Token>, Vec<Key>>,
}

impl<T> Default for KeyIndex<T> {
    fn default() -> Self {
        Self { exact: BTreeMap::new(), wildcards: BTreeMap::new() }
    }
}

impl<T> KeyIndex<T> {
    /// Adds an object under its key.
    pub(crate) fn insert(&mut self, key: Key, item: T) {
        if key.has_wildcard() && !self.exact.contains_key(&key) {
            self.wildcards.entry(key.scope.clone()).or_default().push(key.clone());
        }
        self.exact.entry(key).or_default().push(item);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.exact.is_empty()
    }

    /// Iterates over all keys with their objects.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Key, &Vec<T>)> {
        self.exact.iter()
    }

    /// Returns the keys that are `key`, cover it or are covered by it, with their objects.
    pub(crate) fn meeting(&self, key: &Key) -> Vec<(&Key, &Vec<T>)> {
        if key.has_wildcard() {
            let first = Key { scope: key.scope.clone(), fields: Vec::new() };
            return self
                .exact
                .range(first..)
                .take_while(|(other, _)| other.scope == key.scope)
                .filter(|(other, _)| other.meets(key))
                .collect();
        }
        let wild = self.wildcards.get(&key.scope).into_iter().flatten();
        let wild = wild.filter(|other| other.meets(key));
        std::iter::once(key).chain(wild).filter_map(|key| self.exact.get_key_value(key)).collect()
    }
}

/// Adds the edges that keys, default routes and quotas ask for.
pub(crate) fn wire(wiring: &mut Wiring<'_>) {
    let kinds: BTreeSet<&str> = wiring.active().map(|(_, c)| c.address.kind()).collect();
    for name in kinds {
        let Some(kind) = wiring.kinds.get(name) else { continue };
        for rule in kind.resource.rules() {
            match *rule {
                Rule::Unique { scope, fields, .. } => unique(wiring, name, scope, fields),
                Rule::Disjoint { scope, field, .. } => disjoint(wiring, name, scope, field),
                Rule::Quota { name: quota, scope, limit, .. } => {
                    places(wiring, name, (quota, limit), scope, Why::Place);
                }
                _ => {}
            }
        }
        if name == topology::SNAT {
            let quota = ("snat_entries_per_table", USUAL_SNAT_ENTRIES);
            places(wiring, name, quota, &["snat_table_id"], Why::Possible);
            vswitches(wiring);
        }
    }
    default_routes(wiring);
}

/// SNAT entries that a table usually holds. The reference has no figure, so that it is no rule; but a
/// full table gives a place before it takes one.
const USUAL_SNAT_ENTRIES: u64 = 40;

fn unique(wiring: &mut Wiring<'_>, kind: &str, scope: &[&str], fields: &[&str]) {
    let touched: Vec<&str> = scope.iter().chain(fields).copied().collect();
    let mut leavers: KeyIndex<(usize, Node)> = KeyIndex::default();
    let held = |change: &Change| change.before.is_some() && change.address.kind() == kind;
    for (index, change) in wiring.active().filter(|(_, c)| held(c)) {
        let (before, after) = keys(change, scope, fields);
        let stays = change.kind == ChangeKind::Update && before == after;
        if let (Some(key), false, Some(node)) = (before, stays, wiring.leaves(index, &touched)) {
            leavers.insert(key, (index, node));
        }
    }
    if leavers.is_empty() {
        return;
    }
    for (index, change) in wiring.active().filter(|(_, c)| c.address.kind() == kind) {
        let (before, after) = keys(change, scope, fields);
        let stays = change.kind == ChangeKind::Update && before == after;
        let (Some(key), false, Some(node)) = (after, stays, wiring.takes(index, &touched)) else {
            continue;
        };
        for (held, leavers) in leavers.meeting(&key) {
            // Whether `any` stands in the way of what it covers is the service's choice.
            let why = if *held == key { Why::Key } else { Why::Possible };
            for (other, left) in leavers {
                // An update in place leaves and takes in one call.
                if *other != index || change.kind != ChangeKind::Update {
                    wiring.graph.edge(*left, node, why);
                }
            }
        }
    }
}

/// A network is taken after those that share addresses with it are left.
fn disjoint(wiring: &mut Wiring<'_>, kind: &str, scope: &[&str], field: &str) {
    let touched: Vec<&str> = scope.iter().copied().chain([field]).collect();
    let of = |object: &Option<Object>| networks::of(object.as_ref()?, scope, field);
    let stays = |change: &Change| {
        change.kind == ChangeKind::Update && of(&change.before) == of(&change.after)
    };
    let mut leavers: Networks<(usize, Node)> = Networks::default();
    for (index, change) in wiring.active().filter(|(_, c)| c.address.kind() == kind) {
        let left = of(&change.before).filter(|_| !stays(change));
        if let (Some((scope, network)), Some(node)) = (left, wiring.leaves(index, &touched)) {
            leavers.insert(scope, network, (index, node));
        }
    }
    if leavers.is_empty() {
        return;
    }
    for (index, change) in wiring.active().filter(|(_, c)| c.address.kind() == kind) {
        let taken = of(&change.after).filter(|_| !stays(change));
        let (Some((scope, network)), Some(node)) = (taken, wiring.takes(index, &touched)) else {
            continue;
        };
        let others = leavers.around(&scope, network).chain(leavers.inside(&scope, network));
        for (other, left) in others {
            // An update in place leaves and takes in one call.
            if *other != index || change.kind != ChangeKind::Update {
                wiring.graph.edge(*left, node, Why::Key);
            }
        }
    }
}

/// A new entry for a vSwitch, whose network nothing tells before the service does, waits for all
/// networks that its table loses: one of them may be the vSwitch's, or share addresses with it.
fn vswitches(wiring: &mut Wiring<'_>) {
    let touched = ["source_cidr"];
    let mut tables: BTreeMap<Token, [Vec<Node>; 2]> = BTreeMap::new();
    for (index, change) in wiring.active().filter(|(_, c)| c.address.kind() == topology::SNAT) {
        let left = change.before.as_ref().filter(|b| b.text("source_vswitch_id").is_none());
        let left = left.and_then(|before| topology::parent(topology::SNAT, before));
        if let (Some(table), Some(node)) = (left, wiring.leaves(index, &touched))
            && change.kind != ChangeKind::Update
        {
            tables.entry(table).or_default()[0].push(node);
        }
        let taken = change.after.as_ref().filter(|after| {
            after.get("source_vswitch_id").is_some_and(|id| !id.is_null())
                && after.get("source_cidr").is_some_and(Value::is_unknown)
        });
        let taken = taken.and_then(|after| topology::parent(topology::SNAT, after));
        if let (Some(table), Some(node)) = (taken, wiring.creates(index).next()) {
            tables.entry(table).or_default()[1].push(node);
        }
    }
    for [leavers, takers] in tables.values() {
        wiring.graph.connect(leavers, takers, Why::Possible);
    }
}

fn keys(change: &Change, scope: &[&str], fields: &[&str]) -> (Option<Key>, Option<Key>) {
    let of = |object: &Option<Object>| Key::of(object.as_ref()?, scope, fields);
    (of(&change.before), of(&change.after))
}

/// A Normal gateway takes the VPC's default route after the one that holds it is deleted.
fn default_routes(wiring: &mut Wiring<'_>) {
    let mut leavers: BTreeMap<Token, Node> = BTreeMap::new();
    for (index, change) in wiring.active() {
        let route = change.before.as_ref().and_then(|b| {
            let route = topology::default_route(change.address.kind(), b, &change.region)?;
            Some((route, wiring.deletes(index).last()?))
        });
        leavers.extend(route);
    }
    for (index, change) in wiring.active() {
        let Some(after) = &change.after else { continue };
        let route = topology::default_route(change.address.kind(), after, &change.region);
        let left = route.and_then(|r| leavers.get(&r).copied());
        if let (Some(left), Some(first)) = (left, wiring.creates(index).next()) {
            wiring.graph.edge(left, first, Why::Key);
        }
    }
}

/// One scope under a quota.
#[derive(Debug, Default)]
struct Places {
    /// Live objects, those that go included.
    live: u64,
    /// Creates that come before their own delete, then other creates.
    first: Vec<Node>,
    creates: Vec<Node>,
    /// Creates of what becomes shared bandwidth at once, with their conversions.
    passing: Vec<(Node, Node)>,
    /// Deletes without a create of the same change in this scope, then those that come after it.
    deletes: Vec<Node>,
    last: Vec<Node>,
    provider: crate::value::Name,
}

/// Creates beyond the free places of a scope wait for a delete each; a package that becomes shared
/// bandwidth frees its place as well.
fn places(
    wiring: &mut Wiring<'_>,
    kind: &str,
    (quota, limit): (&str, u64),
    scope: &[&str],
    why: Why,
) {
    let scope_of = |object: &Object| Key::of(object, scope, &[]).map(|k| k.scope);
    let mut all: BTreeMap<Vec<Token>, Places> = BTreeMap::new();
    for (index, change) in wiring.active().filter(|(_, c)| c.address.kind() == kind) {
        let before = change.before.as_ref().filter(|b| holds_place(kind, b)).and_then(scope_of);
        let after = change.after.as_ref().and_then(scope_of);
        let (create, delete) = (wiring.creates(index).next(), wiring.deletes(index).last());
        let converted = wiring.call(wiring.makers(index), Action::ConvertBandwidthPackage);
        let in_place = before == after;
        if let (Some(scope), Some(create)) = (after, create) {
            let places = all.entry(scope).or_default();
            places.provider = Arc::clone(&change.provider);
            match (change.kind, converted) {
                // Its own delete frees its place, and is before it in any case.
                (ChangeKind::Replace { create_first: false }, _) if in_place => {}
                (_, Some(converted)) => places.passing.push((create, converted)),
                (ChangeKind::Replace { create_first: true }, None) => places.first.push(create),
                _ => places.creates.push(create),
            }
        }
        let left = match change.kind {
            ChangeKind::Update => converted,
            _ => delete,
        };
        if let (Some(scope), Some(left)) = (before, left) {
            let places = all.entry(scope).or_default();
            match change.kind {
                // The new one has its place, until it is converted.
                ChangeKind::Replace { create_first: false } if in_place => {
                    places.deletes.extend(converted);
                }
                ChangeKind::Replace { create_first: true } => places.last.push(left),
                _ => places.deletes.push(left),
            }
        }
    }
    all.retain(|_, p| !(p.first.is_empty() && p.creates.is_empty() && p.passing.is_empty()));
    if all.is_empty() {
        return;
    }
    let managed = wiring.changes().iter().filter(|c| c.address.kind() == kind);
    let objects = managed
        .filter_map(|c| c.before.as_ref())
        .chain(wiring.world.of_kind(kind).map(|u| &u.object));
    for scope in objects.filter(|object| holds_place(kind, object)).filter_map(scope_of) {
        if let Some(places) = all.get_mut(&scope) {
            places.live += 1;
        }
    }
    for places in all.values() {
        let limit = wiring.world.limit(&places.provider, quota, limit);
        let free = usize::try_from(limit.saturating_sub(places.live)).unwrap_or(usize::MAX);
        // What passes through comes first: it gives its place back.
        let passing = places.passing.iter();
        let takers = passing.clone().map(|(create, _)| create);
        let takers = takers.chain(&places.first).chain(&places.creates).skip(free);
        let leavers = places.deletes.iter().chain(passing.clone().map(|(_, converted)| converted));
        let mut leavers: Vec<Node> = leavers.chain(&places.last).copied().collect();
        for taker in takers {
            // What passes does not wait for itself: where there is no place at all, the rule tells that.
            let own = passing.clone().find(|(create, _)| create == taker).map(|pair| pair.1);
            if let Some(at) = leavers.iter().position(|leaver| Some(*leaver) != own) {
                wiring.graph.edge(leavers.remove(at), *taker, why);
            }
        }
    }
}

/// Returns whether an object takes a place under the quotas of its type: shared bandwidth is no
/// package any more.
pub(super) fn holds_place(kind: &str, object: &Object) -> bool {
    kind != topology::PACKAGE
        || object.get("convert_to_shared").and_then(Value::as_bool) != Some(true)
}
