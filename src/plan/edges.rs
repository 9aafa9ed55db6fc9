//! What must be settled before what: the edges between operations, found from the objects themselves
//! and from the rules that the resource types declare.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use super::graph::{Graph, Node, Why};
use super::kinds::Kinds;
use super::topology::{self, Token};
use super::world::World;
use super::{Change, ChangeKind, Operation, Purpose};
use crate::address::{Address, Mode, ResourceAddress};
use crate::api::catalogue::Action;
use crate::resources::Object;
use crate::value::{Data, Value};

/// What the edges are found from.
pub(crate) struct Wiring<'a> {
    changes: &'a [Change],
    operations: &'a [Operation],
    pub(super) kinds: &'a Kinds,
    pub(super) world: &'a World,
    depends_on: &'a BTreeMap<ResourceAddress, Vec<ResourceAddress>>,
    parts: Vec<Parts>,
    by_address: BTreeMap<&'a Address, usize>,
    blocks: BTreeMap<ResourceAddress, Members>,
    joins: BTreeMap<(Join, &'a ResourceAddress), Node>,
    origins: BTreeMap<Arc<str>, Option<Node>>,
    /// Live gateways by their ids and those of their tables.
    supporters: BTreeMap<Token, usize>,
    /// Live packages by the addresses that they provide.
    providers: BTreeMap<Arc<str>, usize>,
    pub(super) graph: Graph,
}

/// The operations of one change by purpose.
#[derive(Debug, Clone, Default)]
struct Parts {
    create: Range<usize>,
    update: Range<usize>,
    delete: Range<usize>,
}

/// The changes of a block, or of a block in all instances of its modules where the address leaves out
/// keys.
#[derive(Debug, Clone, Default)]
struct Members {
    changes: Vec<usize>,
    /// Whether one of them has deletes.
    deletes: bool,
    /// Whether one of them is replaced by creating first.
    replaced_first: bool,
}

/// What a join of a whole block stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Join {
    /// All its creates and updates are done.
    Made,
    /// All that depends on it is deleted.
    Free,
    /// All that depends on it has moved on to the new object.
    Moved,
}

/// Builds the graph of all operations. `depends_on` names, for each block, what its `depends_on` names.
pub(crate) fn graph(
    changes: &[Change],
    operations: &[Operation],
    kinds: &Kinds,
    world: &World,
    depends_on: &BTreeMap<ResourceAddress, Vec<ResourceAddress>>,
) -> Graph {
    let mut parts = vec![Parts::default(); changes.len()];
    for (index, operation) in operations.iter().enumerate() {
        let part = &mut parts[operation.change];
        let range = match operation.purpose {
            Purpose::Create => &mut part.create,
            Purpose::Update => &mut part.update,
            Purpose::Delete => &mut part.delete,
        };
        let start = if range.start == range.end { index } else { range.start };
        *range = start..index + 1;
    }
    let mut blocks: BTreeMap<ResourceAddress, Members> = BTreeMap::new();
    let mut by_address = BTreeMap::new();
    for (index, change) in changes.iter().enumerate() {
        let resource = &change.address.resource;
        for covering in resource.covering() {
            note(&mut blocks, &covering, index, change, &parts[index]);
        }
        note(&mut blocks, resource, index, change, &parts[index]);
        if change.deposed.is_none() {
            by_address.insert(&change.address, index);
        }
    }
    let mut wiring = Wiring {
        changes,
        operations,
        kinds,
        world,
        depends_on,
        parts,
        by_address,
        blocks,
        joins: BTreeMap::new(),
        origins: BTreeMap::new(),
        supporters: BTreeMap::new(),
        providers: BTreeMap::new(),
        graph: Graph::new(operations.len()),
    };
    wiring.index_support();
    wiring.steps();
    wiring.values();
    wiring.declared();
    wiring.parents();
    wiring.addresses();
    wiring.conversions();
    super::keys::wire(&mut wiring);
    wiring.graph
}

/// Adds a change to the members of a block.
fn note(
    blocks: &mut BTreeMap<ResourceAddress, Members>,
    resource: &ResourceAddress,
    index: usize,
    change: &Change,
    parts: &Parts,
) {
    let members = match blocks.get_mut(resource) {
        Some(members) => members,
        None => blocks.entry(resource.clone()).or_default(),
    };
    members.changes.push(index);
    members.deletes |= !parts.delete.is_empty();
    members.replaced_first |= change.kind == ChangeKind::Replace { create_first: true };
}

impl<'a> Wiring<'a> {
    /// Iterates over the changes that have operations.
    pub(super) fn active(&self) -> impl Iterator<Item = (usize, &'a Change)> + use<'a> {
        let changes = self.changes;
        changes.iter().enumerate().filter(|(_, c)| {
            !matches!(c.kind, ChangeKind::NoOp | ChangeKind::Read | ChangeKind::Forget)
        })
    }

    /// Returns all changes.
    pub(super) fn changes(&self) -> &'a [Change] {
        self.changes
    }

    /// Returns the creates or updates of a change.
    pub(super) fn makers(&self, change: usize) -> Range<usize> {
        let parts = &self.parts[change];
        if parts.create.is_empty() { parts.update.clone() } else { parts.create.clone() }
    }

    /// Returns the operation of an action among some.
    pub(super) fn call(&self, mut among: Range<usize>, action: Action) -> Option<Node> {
        among.find(|index| self.operations[*index].action == action)
    }

    pub(super) fn creates(&self, change: usize) -> Range<usize> {
        self.parts[change].create.clone()
    }

    pub(super) fn deletes(&self, change: usize) -> Range<usize> {
        self.parts[change].delete.clone()
    }

    /// Returns the operations after which a change no longer holds what it held in `attributes`: its
    /// delete, or the updates that touch them.
    pub(super) fn leaves(&self, change: usize, attributes: &[&str]) -> Option<Node> {
        if let Some(last) = self.deletes(change).next_back() {
            return Some(last);
        }
        self.touching(change, attributes).next_back()
    }

    /// Returns the operation by which a change takes what it holds in `attributes` afterwards.
    pub(super) fn takes(&self, change: usize, attributes: &[&str]) -> Option<Node> {
        match self.creates(change).next() {
            Some(first) => Some(first),
            None => self.touching(change, attributes).next(),
        }
    }

    fn touching(
        &self,
        change: usize,
        attributes: &[&str],
    ) -> impl DoubleEndedIterator<Item = usize> + use<> {
        let updates = self.parts[change].update.clone();
        let touching: Vec<usize> = updates
            .clone()
            .filter(|index| {
                let parameters = &self.operations[*index].parameters;
                parameters.iter().any(|p| attributes.contains(&&*p.attribute))
            })
            .collect();
        if touching.is_empty() { updates.collect() } else { touching }.into_iter()
    }

    /// Steps of one change run in their order.
    fn steps(&mut self) {
        for (second, operation) in self.operations.iter().enumerate().skip(1) {
            if self.operations[second - 1].change == operation.change {
                self.graph.edge(second - 1, second, Why::Steps);
            }
        }
    }

    /// An operation whose parameter is unknown waits for the one that makes the value.
    fn values(&mut self) {
        for (index, operation) in self.operations.iter().enumerate() {
            let mut open = false;
            // The object's own id comes from the step before, which it follows in any case.
            let own_id = operation.purpose == Purpose::Create && operation.step.0 > 0;
            let others = operation.parameters.iter().filter(|p| !own_id || *p.attribute != *"id");
            for parameter in others {
                let mut origins = BTreeSet::new();
                if !collect_origins(&parameter.value, &mut origins) {
                    // Elements that are sent as one text have their origins in the object.
                    let after = self.changes[operation.change].after.as_ref();
                    let whole = after.and_then(|after| after.get(&parameter.attribute));
                    let whole = whole.filter(|w| w.deep_unknown());
                    open |= !whole.is_some_and(|w| collect_origins(w, &mut origins));
                }
                for origin in origins {
                    match self.maker_of(&origin) {
                        Some(maker) => self.value_edge(maker, index),
                        None => open = true,
                    }
                }
            }
            if open {
                self.wait_for_dependencies(index, operation.change);
            }
        }
    }

    fn value_edge(&mut self, maker: Node, index: usize) {
        let same = self.operations.get(maker).is_some_and(|m| {
            m.change == self.operations[index].change && m.purpose == self.operations[index].purpose
        });
        if !same {
            self.graph.edge(maker, index, Why::Value);
        }
    }

    /// A value that does not say where it comes from may come from anything that the instance refers to.
    fn wait_for_dependencies(&mut self, index: usize, change: usize) {
        let changes = self.changes;
        for resource in changes[change].dependencies.iter() {
            if let Some(join) = self.made(resource)
                && !resource.covers(&changes[change].address.resource)
            {
                self.graph.edge(join, index, Why::Value);
            }
        }
    }

    /// Returns the operation (or join) that makes the value of an origin such as
    /// `nat_gateway.main.forward_table_id`.
    fn maker_of(&mut self, origin: &Arc<str>) -> Option<Node> {
        if let Some(known) = self.origins.get(origin) {
            return *known;
        }
        let maker = self.find_maker(origin);
        self.origins.insert(Arc::clone(origin), maker);
        maker
    }

    fn find_maker(&mut self, origin: &str) -> Option<Node> {
        let find = |address: &Address| self.by_address.get(address).copied();
        let (change, attribute) = super::origins::split(origin, find)?;
        let changes = self.changes;
        if changes[change].kind == ChangeKind::Read {
            return self.made(&changes[change].address.resource);
        }
        let makers = self.makers(change);
        let makes = |i: &usize| self.operations[*i].makes.iter().any(|name| **name == *attribute);
        makers.clone().find(makes).or(makers.last())
    }

    /// Returns the join that stands for all that a block makes; none when it makes nothing. For a data
    /// source that is read during apply: all that it waits for itself.
    fn made(&mut self, resource: &'a ResourceAddress) -> Option<Node> {
        if let Some(join) = self.joins.get(&(Join::Made, resource)) {
            return Some(*join);
        }
        let members = self.blocks.get(resource)?.changes.clone();
        let changes = self.changes;
        let read = resource.mode == Mode::Data
            && members.iter().any(|m| changes[*m].kind == ChangeKind::Read);
        let makers: Vec<usize> = members.iter().filter_map(|m| self.makers(*m).last()).collect();
        if makers.is_empty() && !read {
            return None;
        }
        let join = self.graph.join();
        self.joins.insert((Join::Made, resource), join);
        for maker in makers {
            self.graph.edge(maker, join, Why::Depends);
        }
        if read {
            let waits: BTreeSet<&ResourceAddress> =
                members.iter().flat_map(|m| changes[*m].dependencies.iter()).collect();
            for dependency in waits {
                if let Some(inner) = self.made(dependency) {
                    self.graph.edge(inner, join, Why::Depends);
                }
            }
        }
        Some(join)
    }

    /// `depends_on`, dependents of what is replaced by creating first, and the recorded dependencies
    /// of what is deleted.
    fn declared(&mut self) {
        let (changes, depends_on) = (self.changes, self.depends_on);
        for (index, change) in self.active() {
            let own = &change.address.resource;
            if let (Some(declared), Some(first)) = (depends_on.get(own), self.makers(index).next())
            {
                for resource in declared {
                    if let Some(join) = self.made(resource)
                        && resource != own
                    {
                        self.graph.edge(join, first, Why::Depends);
                    }
                }
            }
            for resource in change.dependencies.iter().filter(|r| !r.covers(own)) {
                if let Some(last) = self.makers(index).last()
                    && self.has_replaced_first(resource)
                {
                    let join = self.before_deletes(Join::Moved, resource, changes);
                    self.graph.edge(last, join, Why::Depends);
                }
                if let Some(last) = self.deletes(index).last()
                    && self.has_deletes(resource)
                    && !self.stands_on(change, resource)
                {
                    let join = self.before_deletes(Join::Free, resource, changes);
                    self.graph.edge(last, join, Why::Recorded);
                }
            }
        }
    }

    fn has_deletes(&self, resource: &ResourceAddress) -> bool {
        self.blocks.get(resource).is_some_and(|members| members.deletes)
    }

    fn has_replaced_first(&self, resource: &ResourceAddress) -> bool {
        self.blocks.get(resource).is_some_and(|members| members.replaced_first)
    }

    /// Returns the join that the deletes of a block wait for: all of them, or those of what is replaced
    /// by creating first.
    fn before_deletes(
        &mut self,
        join: Join,
        resource: &'a ResourceAddress,
        changes: &[Change],
    ) -> Node {
        if let Some(node) = self.joins.get(&(join, resource)) {
            return *node;
        }
        let node = self.graph.join();
        self.joins.insert((join, resource), node);
        let members = self.blocks.get(resource).map(|m| m.changes.clone()).unwrap_or_default();
        for member in members {
            let wanted = join == Join::Free
                || changes[member].kind == ChangeKind::Replace { create_first: true };
            if let Some(first) = self.deletes(member).next().filter(|_| wanted) {
                let why = if join == Join::Free { Why::Recorded } else { Why::Depends };
                self.graph.edge(node, first, why);
            }
        }
        node
    }

    fn index_support(&mut self) {
        for (index, change) in self.changes.iter().enumerate() {
            let Some(before) = &change.before else { continue };
            for token in topology::supports(change.address.kind(), before) {
                self.supporters.insert(token, index);
            }
            for ip in topology::provided_addresses(change.address.kind(), before) {
                self.providers.insert(ip, index);
            }
        }
    }

    /// Returns whether an object stands on an instance of a block in a way that gives a finer order.
    fn stands_on(&self, change: &Change, resource: &ResourceAddress) -> bool {
        let Some(before) = &change.before else { return false };
        let kind = change.address.kind();
        let parent = topology::parent(kind, before).and_then(|p| self.supporters.get(&p));
        let used = topology::used_addresses(kind, before);
        let providers = used.iter().filter_map(|u| self.providers.get(u.known()?));
        parent.into_iter().chain(providers).any(|i| self.changes[*i].address.resource == *resource)
    }

    /// What stands on a gateway is deleted before the gateway.
    fn parents(&mut self) {
        for (index, change) in self.active() {
            let Some(before) = &change.before else { continue };
            let parent = topology::parent(change.address.kind(), before);
            let gateway = parent.and_then(|p| self.supporters.get(&p).copied());
            if let (Some(last), Some(first)) =
                (self.deletes(index).last(), gateway.and_then(|g| self.deletes(g).next()))
            {
                self.graph.edge(last, first, Why::Parent);
            }
        }
    }

    /// Entries leave an address before it is given up, and before the other table takes it.
    fn addresses(&mut self) {
        let released = self.released();
        let mut leavers: [BTreeMap<Token, Vec<Node>>; 2] = Default::default();
        let mut takers: [BTreeMap<Token, Vec<Node>>; 2] = Default::default();
        for (index, change) in self.active() {
            let kind = change.address.kind();
            let (table, attribute) = match kind {
                topology::FORWARD => (0, "external_ip"),
                topology::SNAT => (1, "snat_ip"),
                _ => continue,
            };
            let used = |object: &Option<Object>| -> BTreeSet<Token> {
                object.iter().flat_map(|o| topology::used_addresses(kind, o)).collect()
            };
            let (before, after) = (used(&change.before), used(&change.after));
            let in_place = change.kind == ChangeKind::Update;
            if let Some(node) = self.leaves(index, &[attribute]) {
                for token in before.iter().filter(|t| !in_place || !after.contains(t)) {
                    if let Some(giver) = token.known().and_then(|ip| released.get(ip)) {
                        self.graph.edge(node, *giver, Why::Address);
                    }
                    leavers[table].entry(token.clone()).or_default().push(node);
                }
            }
            if let Some(node) = self.takes(index, &[attribute]) {
                for token in after.into_iter().filter(|t| !in_place || !before.contains(t)) {
                    takers[table].entry(token).or_default().push(node);
                }
            }
        }
        for (table, leavers) in leavers.iter().enumerate() {
            for (token, leavers) in leavers {
                if let Some(takers) = takers[1 - table].get(token) {
                    self.graph.connect(leavers, takers, Why::Exclusion);
                }
            }
        }
    }

    /// Returns the operations that give up addresses: deletes of packages and removals from them.
    fn released(&self) -> BTreeMap<Arc<str>, Node> {
        let mut released: BTreeMap<Arc<str>, Node> = BTreeMap::new();
        for (index, change) in self.active() {
            let (Some(first), Some(before)) = (self.deletes(index).next(), &change.before) else {
                continue;
            };
            for ip in topology::provided_addresses(change.address.kind(), before) {
                released.insert(ip, first);
            }
        }
        for (index, operation) in self.operations.iter().enumerate() {
            if operation.action == Action::RemoveBandwidthPackageIps {
                for parameter in &operation.parameters {
                    if let (true, Some(ip)) =
                        (parameter.name.starts_with("RemovedIpAddresses"), parameter.value.as_str())
                    {
                        released.insert(ip.into(), index);
                    }
                }
            }
        }
        released
    }

    /// A gateway's packages are deleted or converted before its type is.
    fn conversions(&mut self) {
        let mut conversions: BTreeMap<Token, Node> = BTreeMap::new();
        for (index, operation) in self.operations.iter().enumerate() {
            if operation.action == Action::UpdateNatGatewayNatType
                && let Some(id) = self.changes[operation.change].id.as_deref()
            {
                conversions.insert(Token::Known(id.into()), index);
            }
        }
        if conversions.is_empty() {
            return;
        }
        for (index, operation) in self.operations.iter().enumerate() {
            let clears = matches!(
                operation.action,
                Action::DeleteBandwidthPackage | Action::ConvertBandwidthPackage
            );
            let change = &self.changes[operation.change];
            // A package may be made and converted to shared bandwidth in one change.
            let object = match operation.purpose {
                Purpose::Create => change.after.as_ref(),
                Purpose::Update | Purpose::Delete => change.before.as_ref(),
            };
            let gateway = object
                .filter(|_| clears)
                .and_then(|object| topology::parent(change.address.kind(), object));
            if let Some(conversion) = gateway.and_then(|g| conversions.get(&g)) {
                self.graph.edge(index, *conversion, Why::Guard);
            }
        }
    }
}

/// Collects the origins of the unknown parts of a value; tells whether each of them has one.
fn collect_origins(value: &Value, origins: &mut BTreeSet<Arc<str>>) -> bool {
    let mut told = true;
    match value.data() {
        Data::Unknown(unknown) => match &unknown.origin {
            Some(origin) => {
                origins.insert(Arc::clone(origin));
            }
            None => told = false,
        },
        Data::List(_, e) | Data::Set(_, e) | Data::Tuple(e) => {
            e.iter().for_each(|part| told &= collect_origins(part, origins));
        }
        Data::Map(_, e) | Data::Object(e) => {
            e.values().for_each(|part| told &= collect_origins(part, origins));
        }
        _ => {}
    }
    told
}
