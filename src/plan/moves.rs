//! What is recorded where: `moved` blocks, the moves that adding or removing `count` implies, and what
//! else configuration says of recorded objects.

use std::collections::{BTreeMap, BTreeSet};

use super::program::Program;
use crate::address::{Address, Key, ModulePath, ModuleStep, ResourceAddress, Target};
use crate::configuration::Repetition;
use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::state::{Instance, InstanceKey, Snapshot};
use crate::value::Name;

/// What configuration says of recorded objects beside the blocks that make them.
#[derive(Debug, Clone, Default)]
pub struct Directives {
    /// `moved` blocks.
    pub moves: Vec<Move>,
    /// `removed` blocks.
    pub removals: Vec<Removal>,
    /// `import` blocks.
    pub imports: Vec<Import>,
}

/// A `moved` block.
#[derive(Debug, Clone)]
pub struct Move {
    /// Where objects are recorded.
    pub from: Target,
    /// Where they belong.
    pub to: Target,
    /// The block's header.
    pub span: Option<Span>,
}

/// A `removed` block.
#[derive(Debug, Clone)]
pub struct Removal {
    /// What has no block any more.
    pub from: Target,
    /// Whether the objects are deleted rather than forgotten.
    pub destroy: bool,
    /// The block's header.
    pub span: Option<Span>,
}

/// An `import` block.
#[derive(Debug, Clone)]
pub struct Import {
    /// The instance that takes the object.
    pub to: Address,
    /// The import id.
    pub id: String,
    /// Alias of the provider, where the block names one; used where there is no `resource` block.
    pub provider: Option<Name>,
    /// The block's header.
    pub span: Option<Span>,
}

/// A recorded object at the address where it belongs now.
#[derive(Debug, Clone)]
pub(crate) struct Recorded<'a> {
    pub(crate) instance: &'a Instance,
    /// The provider through which it is reached now: that of its block, if it has one.
    pub(crate) provider: Name,
    pub(crate) moved_from: Option<Address>,
}

/// Returns the recorded objects after all moves.
pub(crate) fn apply<'a>(
    snapshot: &'a Snapshot,
    program: &Program,
    directives: &Directives,
) -> (BTreeMap<InstanceKey, Recorded<'a>>, Diagnostics) {
    let mut diagnostics = Diagnostics::new();
    let mut places: BTreeMap<InstanceKey, Recorded<'a>> = snapshot
        .instances
        .iter()
        .map(|(key, instance)| {
            let provider = instance.provider.clone();
            (key.clone(), Recorded { instance, provider, moved_from: None })
        })
        .collect();
    // Chains of moves settle after as many rounds as they are long; a cycle never does.
    for round in 0..=directives.moves.len() {
        let mut changed = false;
        for block in &directives.moves {
            changed |= explicit(block, &mut places, &mut diagnostics);
        }
        if !changed {
            break;
        }
        if round == directives.moves.len() {
            let first = directives.moves.iter().find_map(|m| m.span);
            diagnostics.push(
                Diagnostic::error("cyclic-moves", "`moved` blocks send objects in a circle")
                    .at_opt(first)
                    .help("remove one of the blocks"),
            );
        }
    }
    implied(program, &mut places);
    settle_providers(program, &mut places);
    diagnostics.sort();
    (places, diagnostics)
}

fn explicit(
    block: &Move,
    places: &mut BTreeMap<InstanceKey, Recorded<'_>>,
    diagnostics: &mut Diagnostics,
) -> bool {
    let moving: Vec<(InstanceKey, Address)> = places
        .keys()
        .filter(|(address, _)| block.from.contains(address))
        .filter_map(|key| Some((key.clone(), destination(&block.from, &block.to, &key.0)?)))
        .filter(|(key, to)| key.0 != *to)
        .collect();
    let mut changed = false;
    for ((from, deposed), to) in moving {
        if deposed.is_none() && places.contains_key(&(to.clone(), None)) {
            diagnostics.push(
                Diagnostic::warning("blocked-move", format!("`{from}` cannot move to `{to}`"))
                    .detail("Another object is recorded there, so both stay where they are.")
                    .at_opt(block.span)
                    .help("remove the block, or move the other object away first"),
            );
            continue;
        }
        relocate(places, &(from, deposed), &to);
        changed = true;
    }
    changed
}

fn relocate(places: &mut BTreeMap<InstanceKey, Recorded<'_>>, key: &InstanceKey, to: &Address) {
    if let Some(mut recorded) = places.remove(key) {
        let origin = recorded.instance.address.clone();
        recorded.moved_from = (origin != *to).then_some(origin);
        places.insert((to.clone(), key.1.clone()), recorded);
    }
}

/// Returns where an address goes when `from` becomes `to`.
pub(crate) fn destination(from: &Target, to: &Target, address: &Address) -> Option<Address> {
    match (from, to) {
        (Target::Instance(_), Target::Instance(to)) => Some(to.clone()),
        (Target::Instance(_), Target::Resource(to)) => Some(to.instance(None)),
        (Target::Resource(from), Target::Instance(to)) => {
            (address.key.is_none() && address.resource == *from).then(|| to.clone())
        }
        (Target::Resource(from), Target::Resource(to)) => {
            let module = rebase(&address.resource.module, &from.module, &to.module)?;
            let resource = ResourceAddress { module, ..to.clone() };
            Some(resource.instance(address.key.clone()))
        }
        (Target::Module(from), Target::Module(to)) => {
            let module = rebase(&address.resource.module, from, to)?;
            let resource = ResourceAddress { module, ..address.resource.clone() };
            Some(resource.instance(address.key.clone()))
        }
        _ => None,
    }
}

/// Puts a module path that lies within `from` below `to`; keys that `to` leaves open stay.
fn rebase(path: &ModulePath, from: &ModulePath, to: &ModulePath) -> Option<ModulePath> {
    if !path.is_within(from) {
        return None;
    }
    let (head, rest) = path.0.split_at(from.0.len());
    let keeps_keys = from.0.len() == to.0.len();
    let mut steps: Vec<ModuleStep> = to.0.to_vec();
    if keeps_keys {
        for ((step, old), pattern) in steps.iter_mut().zip(head).zip(from.0.iter()) {
            if step.key.is_none() && pattern.key.is_none() {
                step.key.clone_from(&old.key);
            }
        }
    }
    steps.extend(rest.iter().cloned());
    Some(ModulePath(steps.into()))
}

/// A block says through which provider its objects are reached, whatever made them.
fn settle_providers(program: &Program, places: &mut BTreeMap<InstanceKey, Recorded<'_>>) {
    let mut known: BTreeMap<&ResourceAddress, Option<Name>> = BTreeMap::new();
    for ((address, _), recorded) in places {
        let resource = &address.resource;
        let provider = known
            .entry(resource)
            .or_insert_with(|| program.block(resource).map(|_| program.provider_of(resource)));
        if let Some(provider) = provider {
            recorded.provider = Name::clone(provider);
        }
    }
}

/// Adding or removing `count` moves the instance without key to `[0]` and back.
fn implied(program: &Program, places: &mut BTreeMap<InstanceKey, Recorded<'_>>) {
    let resources: BTreeSet<ResourceAddress> =
        places.keys().map(|(address, _)| address.resource.clone()).collect();
    for resource in resources {
        let Some(block) = program.block(&resource) else { continue };
        let (single, first) = (resource.instance(None), resource.instance(Some(Key::Number(0))));
        let (from, to) = match block.repetition {
            Repetition::Single => (first, single),
            Repetition::Count(_) => (single, first),
            Repetition::ForEach(_) => continue,
        };
        if places.contains_key(&(from.clone(), None)) && !places.contains_key(&(to.clone(), None)) {
            relocate(places, &(from, None), &to);
        }
    }
}
