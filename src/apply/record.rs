//! What an apply writes before its first call: what was read while planning, moves, imports and what
//! is taken out of the state.

use std::collections::BTreeSet;

use crate::address::Mode;
use crate::diagnostic::Diagnostic;
use crate::plan::{Change, ChangeKind, Plan, Reason};
use crate::resources;
use crate::state::{Instance, InstanceKey, JournalEntry, Status};

use super::begin::name_of;
use super::engine::Engine;
use super::event::ApplyEvent;
use super::task::known;

impl Engine<'_> {
    /// Records what the plan found, so that drift does not come back for ever.
    pub(super) fn record(&mut self, plan: &Plan) {
        self.record_moves(plan);
        let (mut recorded, mut removed) = (0, 0);
        let managed = plan.changes.iter().filter(|c| c.address.resource.mode == Mode::Managed);
        for change in managed {
            let key = (change.address.clone(), change.deposed.clone());
            if change.kind == ChangeKind::Forget {
                if self.instances.contains_key(&key) {
                    self.outcome.counts.forgotten += 1;
                }
                self.remove(key);
                continue;
            }
            let found = match change.kind {
                ChangeKind::NoOp => change.after.as_ref(),
                _ => change.before.as_ref(),
            };
            match found {
                Some(object) => recorded += usize::from(self.record_object(change, &key, object)),
                None if matches!(change.kind, ChangeKind::NoOp | ChangeKind::Create) => {
                    removed += usize::from(self.instances.contains_key(&key));
                    self.remove(key);
                }
                None => {}
            }
        }
        if recorded + removed > 0 {
            self.tell(ApplyEvent::Refreshed { recorded, removed });
        }
    }

    /// Records one object and returns whether that changes the state.
    fn record_object(
        &mut self,
        change: &Change,
        key: &InstanceKey,
        object: &resources::Object,
    ) -> bool {
        let before = self.instances.get(key);
        let imported = change.reasons.iter().any(|r| matches!(r, Reason::Imported { .. }));
        if before.is_none() && !imported && change.kind != ChangeKind::NoOp {
            // It is in the service, and nobody asked to record it.
            return false;
        }
        let id = change
            .id
            .clone()
            .or_else(|| object.text("id").map(str::to_owned))
            .or_else(|| before.map(|b| b.id.clone()));
        let Some(id) = id else { return false };
        let leaves = change.kind == ChangeKind::Delete;
        let kept = before.filter(|_| leaves);
        let instance = Instance {
            address: change.address.clone(),
            deposed: change.deposed.clone(),
            id,
            status: before.map_or(Status::Ready, |b| b.status),
            object: known(object),
            dependencies: kept
                .map_or_else(|| change.dependencies.to_vec(), |b| b.dependencies.clone()),
            provider: change.provider.clone(),
            region: change.region.to_string(),
            service: change.service.clone(),
            schema_version: resources::lookup(change.address.kind())
                .map_or(0, |kind| kind.schema().version),
            create_before_destroy: change.create_before_destroy,
            prevent_destroy: change.prevent_destroy,
        };
        self.outcome.counts.imported += usize::from(before.is_none() && imported);
        if before.is_some_and(|before| is_same(before, &instance)) {
            return false;
        }
        self.put(instance);
        true
    }

    /// Moves objects to their new addresses, in an order in which each target is free.
    fn record_moves(&mut self, plan: &Plan) {
        let mut open: Vec<(InstanceKey, InstanceKey)> = plan
            .changes
            .iter()
            .filter_map(|change| {
                let from = (change.previous_address.as_deref()?.clone(), change.deposed.clone());
                let to = (change.address.clone(), change.deposed.clone());
                self.instances.contains_key(&from).then_some((from, to))
            })
            .collect();
        self.outcome.counts.moved += open.len();
        while !open.is_empty() {
            let before = open.len();
            let sources: BTreeSet<InstanceKey> =
                open.iter().map(|(from, _)| from.clone()).collect();
            open.retain(|(from, to)| {
                let free = !self.instances.contains_key(to);
                if free {
                    self.relocate(from.clone(), to.clone());
                }
                !free
            });
            if open.len() < before {
                continue;
            }
            // A ring: one of them steps aside.
            let stuck = open.iter_mut().find(|(_, to)| sources.contains(to));
            let Some((from, _)) = stuck else { return };
            let aside = (from.0.clone(), Some(String::from("moving")));
            self.relocate(from.clone(), aside.clone());
            *from = aside;
        }
    }

    /// Fails the operations of instances of which an operation is still open: what that comes to must
    /// be known first.
    pub(super) fn refuse_blocked(&mut self, plan: &Plan, open: &[JournalEntry]) {
        for entry in open {
            let mut told = false;
            for (index, operation) in plan.operations.iter().enumerate() {
                if operation.address != entry.address {
                    continue;
                }
                if !told {
                    told = true;
                    self.outcome.failed += 1;
                    let address = &entry.address;
                    self.complain(
                        Diagnostic::error(
                            "operation-unfinished",
                            format!("an operation on `{address}` is unfinished"),
                        )
                        .detail(format!(
                            "{} of an earlier run may have had its effect: {}.",
                            entry.action.name(),
                            if entry.outcome.is_empty() {
                                "it got no answer"
                            } else {
                                &entry.outcome
                            }
                        ))
                        .address(address)
                        .help("`natform recover` shows and resolves it"),
                    );
                }
                self.skip_dependents(index, &name_of(operation));
            }
        }
    }
}

/// Compares objects; an attribute that is null is as good as one that is absent.
fn is_same_object(a: &resources::Object, b: &resources::Object) -> bool {
    let said = |object: &resources::Object| object.iter().filter(|(_, v)| !v.is_null()).count();
    said(a) == said(b)
        && a.iter()
            .filter(|(_, value)| !value.is_null())
            .all(|(name, value)| b.get(name) == Some(value))
}

fn is_same(a: &Instance, b: &Instance) -> bool {
    a.id == b.id
        && a.status == b.status
        && is_same_object(&a.object, &b.object)
        && a.dependencies == b.dependencies
        && a.provider == b.provider
        && a.region == b.region
        && a.service == b.service
        && a.schema_version == b.schema_version
        && a.create_before_destroy == b.create_before_destroy
        && a.prevent_destroy == b.prevent_destroy
}
