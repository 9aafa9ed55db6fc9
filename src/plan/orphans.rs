//! Recorded objects that no instance of the configuration wants: orphans, objects set aside, and all of
//! them when everything is destroyed.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::kinds::Kinds;
use super::moves::Directives;
use super::prior::Existing;
use super::program::Program;
use super::{Change, ChangeKind, Reason};
use crate::address::{Address, Key, ResourceAddress};
use crate::configuration::Repetition;
use crate::state::InstanceKey;
use crate::value::Name;

/// Where blocks are written, as `file:line`, found once a block.
#[derive(Debug, Default)]
pub(crate) struct Locations(BTreeMap<ResourceAddress, Option<Name>>);

impl Locations {
    fn of(&mut self, resource: &ResourceAddress, program: &Program) -> Option<Name> {
        if let Some(known) = self.0.get(resource) {
            return known.clone();
        }
        let sources = &program.configuration().sources;
        let found = program.block(resource).and_then(|b| sources.location(b.span)).map(Name::from);
        self.0.insert(resource.clone(), found.clone());
        found
    }
}

/// Plans the end of a recorded object, and gives the reason.
pub(crate) fn end(
    key: &InstanceKey,
    existing: &Existing<'_>,
    reason: Reason,
    destroy: bool,
    program: &Program,
    kinds: &Kinds,
    locations: &mut Locations,
) -> Change {
    let instance = existing.recorded.instance;
    let mut change = Change {
        address: key.0.clone(),
        deposed: key.1.clone(),
        previous_address: existing.recorded.moved_from.clone().map(Box::new),
        kind: ChangeKind::Delete,
        reasons: vec![reason],
        id: Some(instance.id.clone()),
        before: existing.live.clone(),
        after: None,
        replace_paths: Vec::new(),
        kept: Vec::new(),
        impacts: Vec::new(),
        remarks: Vec::new(),
        provider: existing.recorded.provider.clone(),
        region: instance.region.as_str().into(),
        service: instance.service.clone(),
        dependencies: instance.dependencies.as_slice().into(),
        create_before_destroy: instance.create_before_destroy,
        prevent_destroy: instance.prevent_destroy && key.1.is_none(),
        timeouts: program.timeouts(&key.0).0.into(),
        location: locations.of(&key.0.resource, program),
    };
    let Some(live) = &existing.live else {
        change.kind = ChangeKind::NoOp;
        change.reasons.push(Reason::Vanished);
        return change;
    };
    let forgotten = kinds.get(key.0.kind()).and_then(|kind| kind.resource.forgotten(live));
    if let Some(remark) = forgotten {
        change.kind = ChangeKind::Forget;
        change.remarks.push(remark);
    } else if !destroy {
        change.kind = ChangeKind::Forget;
    }
    change
}

/// Tells why configuration has no such instance, and whether the object is to be deleted rather than
/// forgotten.
pub(crate) fn why(address: &Address, program: &Program, directives: &Directives) -> (Reason, bool) {
    let destroy = directives
        .removals
        .iter()
        .find(|removal| removal.from.contains(address))
        .is_none_or(|removal| removal.destroy);
    if !program.has_module(&address.resource.module) {
        return (Reason::NoModule, destroy);
    }
    let Some(block) = program.block(&address.resource) else {
        return (Reason::NoConfiguration, destroy);
    };
    let reason = match (&block.repetition, &address.key) {
        (Repetition::Count(_), Some(Key::Number(_))) => Reason::CountIndex,
        (Repetition::ForEach(_), Some(Key::Text(_))) => Reason::EachKey,
        _ => Reason::WrongRepetition,
    };
    (reason, destroy)
}

/// Returns a change that leaves a recorded object as it is.
pub(crate) fn keep(
    key: &InstanceKey,
    existing: &Existing<'_>,
    program: &Program,
    locations: &mut Locations,
) -> Change {
    let instance = existing.recorded.instance;
    let mut reasons = Vec::new();
    if existing.live.is_none() {
        reasons.push(Reason::Vanished);
    }
    if let Some(from) = &existing.recorded.moved_from {
        reasons.push(Reason::Moved { from: from.to_string() });
    }
    Change {
        address: key.0.clone(),
        deposed: key.1.clone(),
        previous_address: existing.recorded.moved_from.clone().map(Box::new),
        kind: ChangeKind::NoOp,
        reasons,
        id: Some(instance.id.clone()),
        before: existing.live.clone(),
        after: existing.live.clone(),
        replace_paths: Vec::new(),
        kept: Vec::new(),
        impacts: Vec::new(),
        remarks: Vec::new(),
        provider: existing.recorded.provider.clone(),
        region: instance.region.as_str().into(),
        service: instance.service.clone(),
        dependencies: instance.dependencies.as_slice().into(),
        create_before_destroy: instance.create_before_destroy,
        prevent_destroy: instance.prevent_destroy,
        timeouts: Arc::default(),
        location: locations.of(&key.0.resource, program),
    }
}
