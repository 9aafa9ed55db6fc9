//! Changes → operations: calls with their parameters, lanes by one name each, and time limits. Their
//! order comes from `order`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::digest::sha256_hex;
use super::kinds::{Kind, Kinds};
use super::topology::{self, Token};
use super::{Change, ChangeKind, Operation, OperationParameter, Purpose};
use crate::address::Address;
use crate::resources::{
    ChangeRequest, Impact, Lane, Listing, Listings, Object, Parameter, ReadScope, ResourceType,
    Schema, Step,
};
use crate::value::{Data, Name, Value};

/// Time limit of operations on gateways, in seconds.
const GATEWAY_LIMIT: u64 = 600;
/// Time limit of all other operations, in seconds.
const OTHER_LIMIT: u64 = 300;

/// One name for each gateway, table and package, whatever way an operation names it: the address of
/// what is managed and stays, the service's id of everything else.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// Id or origin → name.
    names: BTreeMap<Arc<str>, Arc<str>>,
    /// Id or origin of a table or package → name of the gateway.
    gateways: BTreeMap<Arc<str>, Arc<str>>,
}

impl Names {
    /// Collects the names from all changes and from the lists that were read.
    pub(crate) fn collect<'a>(
        changes: &[Change],
        listings: impl Iterator<Item = &'a Listings>,
    ) -> Self {
        let mut names = Self::default();
        for listing in listings {
            names.collect_unmanaged(listing);
        }
        for change in changes {
            names.collect_change(change);
        }
        names
    }

    fn collect_unmanaged(&mut self, listings: &Listings) {
        for (scope, listing) in listings {
            let (ReadScope::Gateways { .. }, Listing::Rows(rows) | Listing::Part { rows, .. }) =
                (scope, listing)
            else {
                continue;
            };
            for (id, object) in rows {
                let id: Arc<str> = id.as_str().into();
                for token in topology::supports(topology::GATEWAY, object) {
                    self.gateways.insert(Arc::clone(token.text()), Arc::clone(&id));
                }
            }
        }
    }

    fn collect_change(&mut self, change: &Change) {
        let kind = change.address.kind();
        if kind != topology::GATEWAY && kind != topology::PACKAGE {
            return;
        }
        let stays = matches!(change.kind, ChangeKind::NoOp | ChangeKind::Update);
        let address: Arc<str> = change.address.to_string().into();
        if kind == topology::PACKAGE {
            if let Some(id) = change.id.as_deref().filter(|_| stays) {
                self.names.insert(id.into(), Arc::clone(&address));
            }
            self.names.insert(format!("{address}.id").into(), address);
            return;
        }
        for name in ["id", "forward_table_id", "snat_table_id"] {
            let canonical: Arc<str> = match name {
                "id" => Arc::clone(&address),
                table => format!("{address}.{table}").into(),
            };
            let origin: Arc<str> = format!("{address}.{name}").into();
            self.gateways.insert(Arc::clone(&origin), Arc::clone(&address));
            self.names.insert(origin, Arc::clone(&canonical));
            let live = change.before.as_ref().and_then(|b| Token::of(b.get(name)?));
            if let Some(id) = live.as_ref().and_then(Token::known).filter(|_| stays) {
                self.gateways.insert(Arc::clone(id), Arc::clone(&address));
                self.names.insert(Arc::clone(id), canonical);
            }
        }
    }

    fn name(&self, id: &Name) -> Name {
        Arc::clone(self.names.get(id).unwrap_or(id))
    }

    /// Completes a lane as a resource type declares it.
    fn lane(&self, lane: &Lane, kind: &str, address: &Address, object: &Object) -> Lane {
        let of_parent = || {
            let parent = topology::parent(kind, object)?;
            self.gateways.get(parent.text()).map(Arc::clone)
        };
        let by_scope = || {
            let scope = lane.scope.as_deref()?;
            self.gateways.get(scope).map(Arc::clone)
        };
        let own = || (kind == topology::GATEWAY).then(|| address.to_string().into());
        let gateway = match &lane.gateway {
            Some(gateway) => Some(self.name(gateway)),
            None => by_scope().or_else(of_parent).or_else(own),
        };
        let scope = lane.scope.as_ref().map(|s| self.name(s));
        Lane { gateway, scope, whole_gateway: lane.whole_gateway, hold: lane.hold }
    }
}

/// Returns what a create sends: the planned object without what the service chooses.
pub fn sent_on_create(schema: &Schema, address: &Address, planned: &Object) -> Object {
    let own = std::cell::OnceCell::new();
    let is_own = |origin: &str, attribute: &str| {
        let rest = origin.strip_suffix(attribute).and_then(|rest| rest.strip_suffix('.'));
        rest.is_some_and(|rest| *rest == *own.get_or_init(|| address.to_string()))
    };
    let is_sent = |(name, value): &(&Name, &Value)| {
        let Some(attribute) = schema.attributes.iter().find(|a| *a.name == ***name) else {
            return true;
        };
        let chosen_by_service = match value.data() {
            Data::Unknown(unknown) => {
                unknown.origin.as_deref().is_some_and(|origin| is_own(origin, attribute.name))
            }
            _ => false,
        };
        !value.is_null() && attribute.is_input() && !chosen_by_service
    };
    let sent = planned.iter().filter(is_sent);
    sent.map(|(name, value)| (Arc::clone(name), value.clone())).collect()
}

/// Compiles one part of a change into calls. `before` and `after` are the objects to start from and to
/// arrive at; while planning those of the change, during apply with every value known.
pub fn steps(
    resource: &dyn ResourceType,
    change: &Change,
    purpose: Purpose,
    before: Option<&Object>,
    after: Option<&Object>,
) -> Vec<Step> {
    let (prior, planned) = match purpose {
        Purpose::Create => {
            let Some(after) = after else { return Vec::new() };
            (None, Some(sent_on_create(resource.schema(), &change.address, after)))
        }
        Purpose::Update => match (before, after) {
            (Some(before), Some(after)) => (Some(before), Some(after.clone())),
            _ => return Vec::new(),
        },
        Purpose::Delete => match before {
            Some(before) => (Some(before), None),
            None => return Vec::new(),
        },
    };
    let request = ChangeRequest { region: &change.region, prior, planned: planned.as_ref() };
    resource.compile(&request)
}

/// Returns the parts of which a change consists, in their order.
pub(crate) fn purposes(kind: ChangeKind) -> &'static [Purpose] {
    match kind {
        ChangeKind::NoOp | ChangeKind::Read | ChangeKind::Forget => &[],
        ChangeKind::Create => &[Purpose::Create],
        ChangeKind::Update => &[Purpose::Update],
        ChangeKind::Delete => &[Purpose::Delete],
        ChangeKind::Replace { create_first: false } => &[Purpose::Delete, Purpose::Create],
        ChangeKind::Replace { create_first: true } => &[Purpose::Create, Purpose::Delete],
    }
}

/// Returns the key under which the old object of a replacement that creates first is set aside.
pub fn set_aside_key(address: &Address, id: &str) -> String {
    let mut key = sha256_hex(format!("{address}|{id}").as_bytes());
    key.truncate(8);
    key
}

/// Compiles all changes, operations of one change together and in their order.
pub(crate) fn operations(changes: &mut [Change], kinds: &Kinds, names: &Names) -> Vec<Operation> {
    let calls: usize = changes.iter().map(|change| purposes(change.kind).len()).sum();
    let mut compiler =
        Compiler { names, shared: Shared::default(), done: Vec::with_capacity(calls) };
    for (index, change) in changes.iter_mut().enumerate() {
        let Some(kind) = kinds.get(change.address.kind()) else { continue };
        let mut impacts = std::mem::take(&mut change.impacts);
        for purpose in purposes(change.kind) {
            compiler.part(kind, (index, change), *purpose, &mut impacts);
        }
        impacts.sort_unstable();
        impacts.dedup();
        impacts.shrink_to_fit();
        change.impacts = impacts;
    }
    compiler.done
}

struct Compiler<'a> {
    names: &'a Names,
    shared: Shared,
    done: Vec<Operation>,
}

/// Texts and lists of texts that many operations have, each held once.
#[derive(Debug, Default)]
struct Shared {
    texts: BTreeSet<Name>,
    lists: BTreeSet<Arc<[Name]>>,
}

impl Shared {
    fn name(&mut self, text: &str) -> Name {
        if let Some(known) = self.texts.get(text) {
            return Arc::clone(known);
        }
        let name: Name = text.into();
        self.texts.insert(Arc::clone(&name));
        name
    }

    fn names(&mut self, list: Vec<Name>) -> Arc<[Name]> {
        if let Some(known) = self.lists.get(list.as_slice()) {
            return Arc::clone(known);
        }
        let list: Arc<[Name]> = list.into();
        self.lists.insert(Arc::clone(&list));
        list
    }
}

impl Compiler<'_> {
    /// Compiles one part of a change.
    fn part(
        &mut self,
        kind: &Kind,
        (index, change): (usize, &Change),
        purpose: Purpose,
        impacts: &mut Vec<Impact>,
    ) {
        let object = if purpose == Purpose::Delete { &change.before } else { &change.after };
        let Some(object) = object else { return };
        let (before, after) = (change.before.as_ref(), change.after.as_ref());
        let steps = steps(kind.resource, change, purpose, before, after);
        let count = u32::try_from(steps.len()).unwrap_or(u32::MAX);
        let sets_aside = change.kind == ChangeKind::Replace { create_first: true };
        let deposed = match (&change.id, purpose) {
            (Some(id), Purpose::Delete) if sets_aside => Some(set_aside_key(&change.address, id)),
            _ => change.deposed.clone(),
        };
        for (number, step) in (0..count).zip(steps) {
            impacts.extend(step.impacts.iter().copied());
            let parameters = self.parameters(&change.region, step.parameters);
            self.done.push(Operation {
                address: change.address.clone(),
                deposed: deposed.clone(),
                change: index,
                purpose,
                step: (number, count),
                action: step.action,
                parameters,
                lane: self.names.lane(&step.lane, kind.schema.kind, &change.address, object),
                wanted: step.wanted,
                makes: self.shared.names(step.makes),
                after: Vec::new(),
                groups: Vec::new(),
                timeout: limit(change, purpose),
            });
        }
    }

    fn parameters(&mut self, region: &str, own: Vec<Parameter>) -> Vec<OperationParameter> {
        let mut all = Vec::with_capacity(own.len() + 1);
        all.push(OperationParameter {
            name: self.shared.name("RegionId"),
            value: Value::string(self.shared.name(region)),
            attribute: self.shared.name("region"),
        });
        for Parameter { name, value, attribute } in own.into_iter().filter(|p| p.name != "RegionId")
        {
            all.push(OperationParameter { name: self.shared.name(&name), value, attribute });
        }
        all
    }
}

fn limit(change: &Change, purpose: Purpose) -> u64 {
    let name = match purpose {
        Purpose::Create => "create",
        Purpose::Update => "update",
        Purpose::Delete => "delete",
    };
    let default =
        if change.address.kind() == topology::GATEWAY { GATEWAY_LIMIT } else { OTHER_LIMIT };
    change.timeouts.get(name).copied().unwrap_or(default)
}
