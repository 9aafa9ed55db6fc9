//! One pass over the configuration: every instance is evaluated against what was planned before it,
//! and decided. A pass is repeated when the order of operations demands replacements that it did not
//! know of.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::by_key::ByKey;
use super::census::Census;
use super::cycles::Break;
use super::data_sources::{DataSource, data};
use super::decide::{Demands, Desired, Found, decide};
use super::kinds::Kinds;
use super::planner::{PlanInput, ProviderContext};
use super::prior::{Existing, Prior};
use super::program::{Configured, Dependency, DependencyOn, ObjectMap};
use super::targets::Scope;
use super::topology;
use super::world::World;
use super::{Change, ChangeKind, Reason, origins};
use crate::address::{Address, Key, Mode, ResourceAddress};
use crate::configuration::Resource;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::resources::Object;
use crate::value::{Name, Value, same};

const CREATED_FIRST: &str = "it is made before the old one is deleted, so that the entries that use \
    its addresses move in place";
const EVICTED: &str = "its gateway has no place for a second package, so that the entries that use its \
    addresses are deleted before and made again after it";
const WAITED: &str = "entries that use its addresses wait for what cannot be done while the old one is \
    there, so that they are deleted before and made again after it";

/// What a pass works from.
pub(crate) struct Basis<'a> {
    pub(crate) input: &'a PlanInput<'a>,
    pub(crate) kinds: &'a Kinds,
    pub(crate) prior: &'a Prior<'a>,
    pub(crate) world: &'a World,
    /// Blocks in the order of evaluation.
    pub(crate) order: &'a [ResourceAddress],
    /// Blocks whose `create_before_destroy` is set or inherited.
    pub(crate) create_first: &'a BTreeSet<ResourceAddress>,
    /// What `-target` includes.
    pub(crate) scope: &'a Scope,
    /// Instances at which a circle of waiting operations is broken.
    pub(super) breaks: &'a BTreeMap<Address, Break>,
    /// Import ids by instance.
    pub(crate) imports: &'a BTreeMap<Address, String>,
}

/// What a pass gives.
pub(crate) struct Pass {
    /// Changes of configured instances, in the order of evaluation.
    pub(crate) changes: Vec<Change>,
    /// Objects as planned.
    pub(crate) objects: ObjectMap,
    /// Data sources that were read.
    pub(crate) data: BTreeMap<Address, Object>,
    /// The keys of each block; none where they could not be told.
    instances: BTreeMap<ResourceAddress, Option<Arc<[Option<Key>]>>>,
    pub(crate) diagnostics: Diagnostics,
    index: BTreeMap<ResourceAddress, ByKey<usize>>,
    forced: BTreeMap<Address, Vec<Reason>>,
    /// The blocks that the last instance depends on; the next one mostly has the same.
    dependencies: Arc<[ResourceAddress]>,
}

impl Pass {
    fn new() -> Self {
        Self {
            changes: Vec::new(),
            objects: ObjectMap::new(),
            data: BTreeMap::new(),
            instances: BTreeMap::new(),
            diagnostics: Diagnostics::new(),
            index: BTreeMap::new(),
            forced: BTreeMap::new(),
            dependencies: Arc::default(),
        }
    }

    /// Returns the blocks of dependencies, held once where instances have the same.
    pub(super) fn resources_of(&mut self, dependencies: &[Dependency]) -> Arc<[ResourceAddress]> {
        let all: BTreeSet<&ResourceAddress> =
            dependencies.iter().map(|d| d.on.resource()).collect();
        if !self.dependencies.iter().eq(all.iter().copied()) {
            self.dependencies = all.into_iter().cloned().collect();
        }
        Arc::clone(&self.dependencies)
    }

    pub(super) fn push(&mut self, change: Change) {
        let (resource, key) = (&change.address.resource, change.address.key.clone());
        let keys = match self.index.get_mut(resource) {
            Some(keys) => keys,
            None => self.index.entry(resource.clone()).or_default(),
        };
        keys.insert(key, self.changes.len());
        self.changes.push(change);
    }

    /// Drops what only the pass itself and what follows it directly need.
    pub(crate) fn slim(&mut self) {
        self.index.clear();
        self.forced.clear();
    }

    /// Returns whether an instance was decided.
    pub(crate) fn decided(&self, address: &Address) -> bool {
        self.index
            .get(&address.resource)
            .is_some_and(|keys| keys.get(address.key.as_ref()).is_some())
    }

    /// Returns whether configuration has such an instance, or may have it.
    pub(crate) fn has(&self, address: &Address) -> bool {
        match self.instances.get(&address.resource) {
            Some(Some(keys)) => keys.binary_search(&address.key).is_ok(),
            Some(None) => true,
            None => false,
        }
    }

    fn change(&self, address: &Address) -> Option<&Change> {
        let index = self.index.get(&address.resource)?.get(address.key.as_ref())?;
        self.changes.get(*index)
    }

    /// Returns the changes of what a dependency names.
    pub(super) fn changes_of(&self, on: &DependencyOn) -> Vec<&Change> {
        match on {
            DependencyOn::Instance(address) => self.change(address).into_iter().collect(),
            DependencyOn::Resource(resource) => {
                let blocks = match self.index.get(resource) {
                    Some(keys) => vec![keys],
                    None if resource.module.is_root() => Vec::new(),
                    None => {
                        let covered = self.index.iter().filter(|(block, _)| resource.covers(block));
                        covered.map(|(_, keys)| keys).collect()
                    }
                };
                let indices = blocks.into_iter().flat_map(ByKey::values);
                indices.map(|index| &self.changes[*index]).collect()
            }
        }
    }

    /// Returns the instance that an origin names if the plan makes it anew.
    fn remade(&self, origin: &str) -> Option<String> {
        let (change, _) = origins::split(origin, |address| self.change(address))?;
        let anew = match change.kind {
            ChangeKind::Replace { .. } => true,
            ChangeKind::Create => change.reasons.contains(&Reason::Vanished),
            _ => false,
        };
        anew.then(|| change.address.to_string())
    }
}

/// Runs a pass.
pub(crate) fn run(basis: &Basis<'_>, source: &mut DataSource<'_>) -> Pass {
    let mut pass = Pass::new();
    pass.changes.reserve_exact(basis.order.len());
    seed(basis, &mut pass);
    let census = Census::new(basis);
    for resource in basis.order {
        if !basis.scope.includes_some(resource) {
            continue;
        }
        let Some(block) = basis.input.program.block(resource) else { continue };
        let keys = match basis.input.program.expand_resource(resource, &pass.objects) {
            Ok(keys) => keys,
            Err(diagnostics) => {
                pass.diagnostics.extend(diagnostics);
                pass.instances.insert(resource.clone(), None);
                continue;
            }
        };
        let site = Site::new(basis, resource, block);
        pass.instances.insert(resource.clone(), Some(Arc::clone(&keys)));
        pass.changes.reserve(keys.len());
        for key in keys.iter() {
            let address = resource.instance(key.clone());
            if basis.scope.includes(&address) {
                match resource.mode {
                    Mode::Managed => managed(basis, &site, &address, &census, &mut pass),
                    Mode::Data => data(basis, &site, &address, source, &mut pass),
                }
            }
        }
    }
    pass
}

/// What `-target` leaves out stays as recorded, for those who refer to it.
fn seed(basis: &Basis<'_>, pass: &mut Pass) {
    for ((address, deposed), existing) in basis.prior {
        if deposed.is_none() && !basis.scope.includes(address) {
            pass.objects.set(address, existing.recorded.instance.object.clone());
        }
    }
}

/// What all instances of a block share.
pub(super) struct Site<'a> {
    pub(super) resource: &'a ResourceAddress,
    pub(super) block: &'a Resource,
    pub(super) provider: Name,
    pub(super) context: Option<&'a ProviderContext>,
    pub(super) region: Name,
    pub(super) location: Option<Name>,
    pub(super) create_first: bool,
    pub(super) ignore: Vec<Name>,
    /// For blocks without time limits.
    pub(super) unlimited: Arc<BTreeMap<String, u64>>,
}

impl<'a> Site<'a> {
    fn new(basis: &Basis<'a>, resource: &'a ResourceAddress, block: &'a Resource) -> Self {
        let program = basis.input.program;
        let provider = program.provider_of(resource);
        let lifecycle = &block.lifecycle;
        let context = basis.input.providers.get(&provider);
        let location = program.configuration().sources.location(block.span);
        Self {
            resource,
            block,
            context,
            provider,
            location: location.map(Name::from),
            region: context.map_or_else(Name::default, |context| context.region.as_str().into()),
            create_first: basis.create_first.contains(resource),
            ignore: lifecycle.ignore_changes.iter().map(|i| Arc::clone(&i.text)).collect(),
            unlimited: Arc::default(),
        }
    }
}

/// Evaluates an instance. Nothing comes back when it has mistakes.
pub(super) fn configured(
    basis: &Basis<'_>,
    address: &Address,
    pass: &mut Pass,
) -> Option<Configured> {
    let (configured, diagnostics) = basis.input.program.instance(address, &pass.objects);
    let failed = diagnostics.has_errors() || !configured.complete;
    pass.diagnostics.extend(diagnostics);
    (!failed).then_some(configured)
}

fn managed(
    basis: &Basis<'_>,
    site: &Site<'_>,
    address: &Address,
    census: &Census<'_>,
    pass: &mut Pass,
) {
    let Some(kind) = basis.kinds.get(address.kind()) else { return };
    let existing = basis.prior.get(&(address.clone(), None));
    let Some(configured) = configured(basis, address, pass) else {
        // What refers to it is judged as if it stayed as it is.
        if let Some(live) = existing.and_then(|e| e.live.clone()) {
            pass.objects.set(address, live);
        }
        return;
    };
    let Some(context) = context(site, address, existing, pass) else { return };
    let found = existing.map(|existing| Found {
        instance: existing.recorded.instance,
        live: existing.live.clone(),
        moved_from: existing.recorded.moved_from.clone(),
        imported: basis.imports.get(address).cloned(),
    });
    let (prevent_destroy, diagnostics) = match site.block.lifecycle.prevent_destroy {
        Some(_) => basis.input.program.prevent_destroy(address),
        None => (false, Diagnostics::new()),
    };
    pass.diagnostics.extend(diagnostics);
    let timeouts = if site.block.timeouts.blocks.is_empty() {
        Arc::clone(&site.unlimited)
    } else {
        let (timeouts, diagnostics) = basis.input.program.timeouts(address);
        pass.diagnostics.extend(diagnostics);
        Arc::new(timeouts)
    };
    let object = &configured.object;
    let demands = demands(basis, site, address, object, existing, census, pass);
    let desired = Desired {
        address,
        object: &configured.object,
        ignore: &site.ignore,
        ignore_all: site.block.lifecycle.ignore_all,
        create_before_destroy: site.create_first,
        prevent_destroy,
        timeouts: &timeouts,
        provider: &site.provider,
        region: &site.region,
        edition: context.edition,
        service: &context.service,
        dependencies: pass.resources_of(&configured.dependencies),
        location: site.location.clone(),
        place: &|name| basis.input.program.written(site.resource, name),
    };
    let (mut change, diagnostics) =
        decide(kind, &desired, found.as_ref(), &demands, &|origin| pass.remade(origin));
    pass.diagnostics.extend(diagnostics);
    match change.kind {
        ChangeKind::Replace { create_first: false } => {
            let waits = basis.breaks.get(address) == Some(&Break::DeleteFirst);
            evict(&mut change, if waits { WAITED } else { EVICTED }, census, pass);
        }
        ChangeKind::Replace { create_first: true } if !site.create_first => {
            change.remarks.push(CREATED_FIRST.to_owned());
        }
        _ => {}
    }
    if let Some(after) = &change.after {
        pass.objects.set(address, after.clone());
        if !site.block.lifecycle.postconditions.is_empty() {
            let found = basis.input.program.postconditions(address, after, &pass.objects);
            pass.diagnostics.extend(found);
        }
    }
    pass.push(change);
}

/// Returns the provider of an instance, and reports one that is missing or leads to another region than
/// that in which the object was made.
pub(super) fn context<'a>(
    site: &Site<'a>,
    address: &Address,
    existing: Option<&Existing<'_>>,
    pass: &mut Pass,
) -> Option<&'a ProviderContext> {
    let Some(context) = site.context else {
        let name = &site.provider;
        pass.diagnostics.push(
            Diagnostic::error("missing-provider", format!("there is no provider `{name}`"))
                .address(address)
                .at(site.block.span)
                .help("add a `provider` block with this alias"),
        );
        return None;
    };
    let recorded = existing.filter(|e| e.live.is_some()).map(|e| &e.recorded.instance.region);
    if let Some(region) = recorded.filter(|region| **region != context.region) {
        let message = format!("`{address}` was made in `{region}`, not in `{}`", context.region);
        pass.diagnostics.push(
            Diagnostic::error("region-changed", message)
                .address(address)
                .at(site.block.span)
                .detail("Objects do not move between regions.")
                .help(format!(
                    "put the region back (a second `provider` block with an `alias` can lead to \
                     `{}`), or destroy the object before the region changes",
                    context.region
                )),
        );
        return None;
    }
    Some(context)
}

/// Collects what the rest of the plan demands of an instance.
fn demands(
    basis: &Basis<'_>,
    site: &Site<'_>,
    address: &Address,
    configured: &Object,
    existing: Option<&Existing<'_>>,
    census: &Census<'_>,
    pass: &mut Pass,
) -> Demands {
    let mut demands = Demands::default();
    if basis.input.options.replace.contains(address) {
        demands.replace.push(Reason::Requested);
    }
    if let Some(broken) = basis.breaks.get(address) {
        match broken {
            Break::Keys(with) => demands.replace.push(Reason::KeyCycle { with: with.clone() }),
            Break::Places(with) => demands.replace.push(Reason::PlaceCycle { with: with.clone() }),
            Break::DeleteFirst => {}
        }
        demands.create_first = Some(false);
    }
    demands.replace.extend(pass.forced.remove(address).unwrap_or_default());
    if !site.block.lifecycle.replace_triggered_by.is_empty() {
        demands.replace.extend(triggered(basis, address, pass));
    }
    if let Some(live) = existing.and_then(|e| e.live.as_ref())
        && address.kind() == topology::PACKAGE
    {
        demands.used = census.used_addresses(live);
        let parent = |object| topology::parent(topology::PACKAGE, object);
        // On another gateway its users could not follow.
        let stays = parent(configured) == parent(live);
        let used = stays && !census.users_of(live).is_empty();
        if used && demands.create_first.is_none() && census.has_place(basis, &site.provider, live) {
            demands.create_first = Some(true);
        }
    }
    demands
}

/// Returns the first thing that `replace_triggered_by` names and that changes.
fn triggered(basis: &Basis<'_>, address: &Address, pass: &mut Pass) -> Option<Reason> {
    let (triggers, diagnostics) = basis.input.program.triggers(address, &pass.objects);
    pass.diagnostics.extend(diagnostics);
    triggers.iter().find_map(|trigger| {
        pass.changes_of(&trigger.on).into_iter().find_map(|change| {
            let fires = match change.kind {
                ChangeKind::NoOp | ChangeKind::Read | ChangeKind::Forget => false,
                _ if trigger.attributes.is_empty() => true,
                _ => trigger.attributes.iter().any(|name| differs(change, name)),
            };
            fires.then(|| Reason::Triggered { by: change.address.to_string() })
        })
    })
}

fn differs(change: &Change, name: &str) -> bool {
    let value = |object: &Option<Object>| {
        object.as_ref().and_then(|o| o.get(name)).cloned().unwrap_or_else(Value::null)
    };
    same(&value(&change.before), &value(&change.after)) != Some(true)
}

/// The users of a package that is deleted before its successor exists must leave first: they are
/// replaced as well.
fn evict(change: &mut Change, why: &str, census: &Census<'_>, pass: &mut Pass) {
    let (topology::PACKAGE, Some(before), Some(after)) =
        (change.address.kind(), &change.before, &change.after)
    else {
        return;
    };
    let parent = |object| topology::parent(topology::PACKAGE, object);
    if parent(before) != parent(after) {
        // Its users go with the gateway, or stay behind and are reported.
        return;
    }
    let users = census.users_of(before);
    if !users.is_empty() {
        change.remarks.push(why.to_owned());
    }
    for user in users {
        let reason = Reason::DependencyReplaced { of: change.address.to_string() };
        pass.forced.entry(user.clone()).or_default().push(reason);
    }
}
