//! How an operation of a plan begins: evaluated, checked against the plan, noted in the journal.

use crate::api::call::Call;
use crate::diagnostic::Diagnostics;
use crate::plan::{Change, ChangeKind, Operation, Plan, Purpose};
use crate::resources::{self, Listing, Object, ReadScope, spelling};
use crate::state::{JournalEntry, Phase, Write, codec};

use super::engine::{Engine, Timer};
use super::evaluate::{Prepared, prepare};
use super::event::{ApplyEvent, OperationName};
use super::interrupt::Stage as Interrupted;
use super::settle::Key;
use super::task::{Stage, Task, known};

/// How long to wait before it is looked again whether an object that is being deleted is gone.
const LEAVING: std::time::Duration = std::time::Duration::from_secs(1);

/// Returns an operation as events name it.
pub(super) fn name_of(operation: &Operation) -> OperationName {
    OperationName {
        address: operation.address.clone(),
        deposed: operation.deposed.clone(),
        purpose: operation.purpose,
        step: operation.step,
        action: operation.action,
    }
}

/// Returns whether an operation makes the object: the first call of a create does.
fn makes_object(operation: &Operation) -> bool {
    operation.purpose == Purpose::Create && operation.step.0 == 0
}

impl<'a> Engine<'a> {
    /// Starts what may start.
    pub(super) fn start_operations(&mut self) {
        let Some((plan, _)) = self.plan else { return };
        self.settling.scarce = false;
        while self.context.interrupt.stage() == Interrupted::Running
            && self.outcome.state_error.is_none()
            && !self.shut_out
        {
            let room = self.context.settings.parallelism.saturating_sub(self.sending);
            let Some(scheduler) = &mut self.scheduler else { return };
            let ready = scheduler.start_ready(room);
            if ready.is_empty() {
                self.settling.scarce = room == 0 && scheduler.is_waiting();
                return;
            }
            for index in ready {
                self.begin(plan, index);
            }
        }
    }

    fn begin(&mut self, plan: &'a Plan, index: usize) {
        let Some((_, evaluate)) = self.plan else { return };
        let operation = &plan.operations[index];
        let Some(change) = plan.changes.get(operation.change) else { return };
        let Some(kind) = resources::lookup(operation.address.kind()) else { return };
        let key = (operation.address.clone(), operation.deposed.clone());
        if operation.step.0 == 0
            && let Some(diagnostic) = self.was_changed(&key, operation, evaluate)
        {
            return self.refuse(index, operation, diagnostic.into());
        }
        let there = self.instances.get(&key).filter(|_| !makes_object(operation));
        let id = there.map(|instance| instance.id.as_str());
        match prepare(kind, change, operation, id, evaluate) {
            Ok(prepared) => {
                let task = self.task(kind, change, (index, operation), prepared);
                let task = self.add_task(task);
                self.note_or_intend(task);
            }
            Err(diagnostics) => self.refuse(index, operation, diagnostics),
        }
    }

    /// Ends an operation that cannot even be sent.
    fn refuse(&mut self, index: usize, operation: &Operation, diagnostics: Diagnostics) {
        let name = name_of(operation);
        for diagnostic in diagnostics {
            self.tell(ApplyEvent::Failed {
                operation: name.clone(),
                elapsed: std::time::Duration::ZERO,
                diagnostic: diagnostic.clone().into(),
            });
            self.complain(diagnostic);
        }
        self.outcome.failed += 1;
        self.skip_dependents(index, &name);
    }

    fn task(
        &self,
        kind: &'static dyn resources::ResourceType,
        change: &Change,
        (index, operation): (usize, &Operation),
        prepared: Prepared,
    ) -> Task {
        let now = self.now();
        let creates = makes_object(operation);
        let key = (operation.address.clone(), operation.deposed.clone());
        let recorded = self.instances.get(&key);
        let base =
            if creates { None } else { recorded.map(|i| &i.object).or(change.before.as_ref()) };
        let object_id = if creates {
            None
        } else {
            recorded.map(|i| i.id.clone()).or_else(|| change.id.clone())
        };
        let call = Call { action: operation.action, parameters: prepared.parameters };
        let entry = JournalEntry {
            id: 0,
            run: self.context.run.id.clone(),
            operation: u32::try_from(index).ok(),
            address: operation.address.clone(),
            deposed: operation.deposed.clone(),
            creates,
            sets_aside: if creates { self.sets_aside(change) } else { None },
            action: operation.action,
            digest: call.digest(),
            parameters: call.parameters,
            token: self.context.ids.next(),
            lane: lane_name(operation),
            planned: prepared.planned.as_ref().map(codec::encode_object),
            step: operation.step,
            natural_key: prepared
                .planned
                .as_ref()
                .filter(|_| creates)
                .and_then(|object| kind.natural_key(&known(object))),
            existing: Vec::new(),
            provider: change.provider.clone(),
            region: change.region.to_string(),
            service: change.service.clone(),
            dependencies: change.dependencies.to_vec(),
            create_before_destroy: change.create_before_destroy,
            prevent_destroy: change.prevent_destroy,
            ambiguous: false,
            phase: Phase::Intended,
            object_id: None,
            request_id: String::new(),
            outcome: String::new(),
            intended_at: now,
            updated_at: now,
        };
        let planned = prepared.planned.map(|object| known(&object));
        let recorded = match (planned, base) {
            (Some(planned), Some(base)) => planned.over(base),
            (Some(planned), None) => planned,
            (None, base) => base.cloned().unwrap_or_default(),
        };
        let deadline = now.after(std::time::Duration::from_secs(operation.timeout));
        let mut task =
            Task::new(kind, name_of(operation), entry, prepared.wanted, recorded, (now, deadline));
        task.operation = Some(index);
        if let Some(id) = object_id {
            task.know_id(&id);
        }
        task
    }

    /// Intends a task's call; a create only once it is known which objects have its natural key.
    pub(super) fn note_or_intend(&mut self, index: usize) {
        let Some(task) = self.tasks.get_mut(&index) else { return };
        if task.stage != Stage::Noting {
            self.sending += 1;
            task.stage = Stage::Noting;
        }
        let natural_key = task.entry.natural_key.clone().filter(|_| task.entry.creates);
        let Some(natural_key) = natural_key else { return self.intend(index) };
        let provider = task.entry.provider.to_string();
        let scopes = task.scopes();
        let mut existing = Vec::new();
        for scope in scopes {
            if self.begins_empty(&scope) {
                continue;
            }
            let key: Key = (provider.clone(), scope);
            if let Some(noted) = self.noted.get(&key) {
                let there = noted.get(&natural_key).map(Vec::as_slice).unwrap_or_default();
                let leaving = self.leaving.get(&key);
                if there.iter().any(|id| leaving.is_some_and(|leaving| leaving.contains(id))) {
                    return self.wait_for_leaving(index, key);
                }
                existing.extend(there.iter().cloned());
                continue;
            }
            let waiting = self.noting.entry(key.clone()).or_default();
            waiting.push(index);
            if waiting.len() == 1 {
                self.read_before_create(key);
            }
            return;
        }
        if let Some(task) = self.tasks.get_mut(&index) {
            task.entry.existing = existing;
        }
        self.intend(index);
    }

    /// Lets a create wait until an object that is being deleted gives up what it needs: the list is read
    /// again now, and from then on once in a while.
    fn wait_for_leaving(&mut self, index: usize, key: Key) {
        let now = self.now();
        self.noted.remove(&key);
        self.leaving.remove(&key);
        let Some(task) = self.tasks.get_mut(&index) else { return };
        let again = now.after(std::mem::replace(&mut task.leaving, LEAVING));
        if again >= task.deadline {
            return self.fail_unsent(
                index,
                &key.1,
                "what holds the same key is still being deleted",
            );
        }
        task.waiting = String::from("what holds the same key is being deleted");
        self.set_timer(again, Timer::Note, index);
    }

    /// Returns the key under which a replacement that creates first sets the old object aside.
    fn sets_aside(&self, change: &Change) -> Option<String> {
        if change.kind != (ChangeKind::Replace { create_first: true }) {
            return None;
        }
        let id = change.id.as_deref()?;
        let planned = self.asides.get(&change.address).map(|key| (*key).to_owned());
        Some(planned.unwrap_or_else(|| crate::plan::set_aside_key(&change.address, id)))
    }

    /// Returns whether a list is one of an object that this run made.
    fn begins_empty(&self, scope: &ReadScope) -> bool {
        match scope {
            ReadScope::ForwardEntries { table, .. } | ReadScope::SnatEntries { table, .. } => {
                self.fresh.contains(table)
            }
            _ => false,
        }
    }

    /// Notes what a list holds before creates.
    pub(super) fn noted(&mut self, key: Key, listing: &Listing) {
        let waiting = self.noting.remove(&key).unwrap_or_default();
        match listing {
            Listing::Rows(_) | Listing::ParentGone => {
                self.note(key, listing);
                for task in waiting {
                    self.note_or_intend(task);
                }
            }
            Listing::Part { .. } => {
                for task in waiting {
                    self.fail_unsent(task, &key.1, "only a part of it was read");
                }
            }
            Listing::Failed(why) => {
                for task in waiting {
                    self.fail_unsent(task, &key.1, why);
                }
            }
        }
    }

    /// Keeps the natural keys of a list.
    pub(super) fn note(&mut self, key: Key, listing: &Listing) {
        let mut noted = std::collections::BTreeMap::<String, Vec<String>>::new();
        let mut leaving = std::collections::BTreeSet::new();
        if let (Listing::Rows(rows), Some(kind)) = (listing, listed_kind(&key.1)) {
            for (id, object) in rows {
                if object.text("status").is_some_and(spelling::is_deleting) {
                    leaving.insert(id.clone());
                }
                for natural in kind.natural_keys(object) {
                    noted.entry(natural).or_default().push(id.clone());
                }
            }
        }
        if !leaving.is_empty() {
            self.leaving.insert(key.clone(), leaving);
        }
        self.noted.insert(key, noted);
    }

    /// Has a task's intent written with the next transaction, and its call sent after.
    fn intend(&mut self, index: usize) {
        let now = self.now();
        let Some(task) = self.tasks.get_mut(&index) else { return };
        // The call itself leaves when the intent is durable.
        task.stage = Stage::Sending;
        if task.entry.creates
            && let Some(scope) = task.scopes().into_iter().next()
        {
            let key = (task.entry.provider.to_string(), scope);
            self.settling.begin_making(key.clone());
            task.makes_in = Some(key);
        }
        (task.entry.intended_at, task.entry.updated_at) = (now, now);
        let event =
            ApplyEvent::Started { operation: task.name.clone(), id: task.entry.object_id.clone() };
        self.writes.push(Write::Intend(task.entry.clone().into()));
        self.intents.push(index);
        self.tell(event);
    }
}

/// Returns the resource type whose objects a list holds.
pub(super) fn listed_kind(scope: &ReadScope) -> Option<&'static dyn resources::ResourceType> {
    let kind = match scope {
        ReadScope::Gateways { .. } => "nat_gateway",
        ReadScope::BandwidthPackages { .. } => "bandwidth_package",
        ReadScope::ForwardEntries { .. } => "forward_entry",
        ReadScope::SnatEntries { .. } => "snat_entry",
        ReadScope::ConvertStatus { .. } | ReadScope::EnhancedZones { .. } => return None,
    };
    resources::lookup(kind)
}

fn lane_name(operation: &Operation) -> String {
    let lane = &operation.lane;
    let scope = lane.scope.as_ref().filter(|_| !lane.whole_gateway);
    scope.or(lane.gateway.as_ref()).map(ToString::to_string).unwrap_or_default()
}

/// Returns what of an object names other objects: ids under which lists are read.
pub(super) fn ids_of(object: &Object) -> impl Iterator<Item = String> {
    object
        .iter()
        .filter(|(name, _)| name.as_ref() == "id" || name.ends_with("_id"))
        .filter_map(|(_, value)| value.as_str().map(str::to_owned))
}
