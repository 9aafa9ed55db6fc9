//! The end of a run: attributes that change on their own are read again, outputs are evaluated, what
//! was learned is kept, and the run is closed.

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::{ChangeKind, Plan, PlanMode, Purpose};
use crate::resources::{self, Listings, Live, Role, Sought};
use crate::state::{InstanceKey, Write};
use crate::value::{Name, Value};

use super::engine::Engine;
use super::interrupt::Stage as Interrupted;
use super::lessons::time_name;
use super::settle::Key;
use super::task::known;

impl Engine<'_> {
    /// Ends the run, unless it is to end at once.
    pub(super) async fn finish(&mut self, plan: &Plan, recorded: &BTreeMap<Name, Value>) {
        let stage = self.context.interrupt.stage();
        if self.outcome.state_error.is_some() || stage == Interrupted::Leaving {
            self.outcome.interrupted |= stage == Interrupted::Leaving;
            return;
        }
        let unstarted = self.scheduler.as_ref().map_or(0, |s| s.unstarted().count());
        self.outcome.not_begun += unstarted;
        // One that came too late to stop anything did not interrupt.
        self.outcome.interrupted = stage > Interrupted::Running && self.outcome.not_begun > 0;
        if unstarted > 0 && !self.outcome.interrupted && self.outcome.failed == 0 {
            self.complain(
                crate::diagnostic::Diagnostic::error(
                    "plan-stalled",
                    format!("{unstarted} operations of the plan wait for each other"),
                )
                .help("this is a mistake of natform's; report it"),
            );
            self.outcome.failed += 1;
        }
        self.record_without_calls(plan);
        if !self.outcome.interrupted && !self.shut_out {
            self.read_again().await;
        }
        self.evaluate_outputs(plan, recorded);
        self.keep_times();
        if !self.outcome.interrupted {
            let (id, at) = (self.context.run.id.clone(), self.now());
            self.writes.push(Write::EndRun { id, at });
        }
        self.flush();
    }

    /// Records changes that need no call, such as of an argument that is only compared with the
    /// state.
    fn record_without_calls(&mut self, plan: &Plan) {
        let with_calls: BTreeSet<usize> = plan.operations.iter().map(|o| o.change).collect();
        for (index, change) in plan.changes.iter().enumerate() {
            if change.kind != ChangeKind::Update || with_calls.contains(&index) {
                continue;
            }
            let Some(after) = &change.after else { continue };
            let evaluated = match self.plan {
                Some((_, evaluate)) if after.iter().any(|(_, v)| v.deep_unknown()) => {
                    evaluate.object(&change.address, Purpose::Update)
                }
                _ => Ok(after.clone()),
            };
            let key = (change.address.clone(), change.deposed.clone());
            match evaluated {
                Ok(object) => {
                    if let Some(mut instance) = self.instances.get(&key).cloned() {
                        instance.object = known(&object).over(&instance.object);
                        self.put(instance);
                        self.outcome.counts.updated += 1;
                    }
                }
                Err(diagnostics) => {
                    self.outcome.failed += 1;
                    self.outcome.diagnostics.extend(diagnostics);
                }
            }
        }
    }

    /// Reads again what may have changed because something else did: volatile attributes of objects
    /// in the regions that were touched. A status of their own was read when they settled.
    async fn read_again(&mut self) {
        let touched: BTreeSet<(String, String)> = self
            .outcome
            .touched
            .iter()
            .map(|(provider, scope)| (provider.clone(), scope.region().to_owned()))
            .collect();
        // What is sought of each list: objects by their ids, unless others need it whole.
        let mut wanted: BTreeMap<Key, (BTreeSet<String>, bool)> = BTreeMap::new();
        let mut keys: Vec<InstanceKey> = Vec::new();
        for (key, instance) in &self.instances {
            let place = (instance.provider.to_string(), instance.region.clone());
            let Some(kind) = resources::lookup(instance.address.kind()) else { continue };
            let attributes = kind.schema().attributes.iter();
            let volatile = attributes.filter(|a| a.role == Role::Volatile && a.name != "status");
            if key.1.is_some() || volatile.count() == 0 || !touched.contains(&place) {
                continue;
            }
            keys.push(key.clone());
            let scopes = kind.scopes(&instance.region, &instance.object);
            for (number, scope) in scopes.into_iter().enumerate() {
                let (ids, whole) = wanted.entry((place.0.clone(), scope)).or_default();
                ids.insert(instance.id.clone());
                *whole |= number > 0;
            }
        }
        let mut lists: BTreeMap<String, Listings> = BTreeMap::new();
        for ((provider, scope), (ids, whole)) in wanted {
            let rows = Some(ids.len());
            let ids = if whole { BTreeSet::new() } else { ids };
            let sought = Sought { scope: scope.clone(), ids, rows };
            let listing = self.context.service.sought(&provider, &sought).await.listing;
            lists.entry(provider).or_default().insert(scope, listing);
        }
        for key in keys {
            let provider = self.instances.get(&key).map(|instance| instance.provider.to_string());
            if let Some(listings) = provider.and_then(|provider| lists.get(&provider)) {
                self.refresh_volatile(&key, listings);
            }
        }
    }

    fn refresh_volatile(&mut self, key: &InstanceKey, listings: &Listings) {
        let Some(instance) = self.instances.get(key) else { return };
        let Some(kind) = resources::lookup(instance.address.kind()) else { return };
        let Live::Found(live) = kind.live(&instance.object, listings) else { return };
        let mut object = instance.object.clone();
        for attribute in kind.schema().attributes.iter().filter(|a| a.role == Role::Volatile) {
            if let Some(value) = live.get(attribute.name) {
                object.set(attribute.name, value.clone());
            }
        }
        if object != instance.object {
            let mut instance = instance.clone();
            instance.object = object;
            self.put(instance);
        }
    }

    /// Evaluates the outputs. One that cannot be known, because something failed, keeps its recorded
    /// value.
    fn evaluate_outputs(&mut self, plan: &Plan, recorded: &BTreeMap<Name, Value>) {
        let Some((_, evaluate)) = self.plan else { return };
        let (values, diagnostics) = evaluate.outputs();
        let mut outputs = BTreeMap::new();
        for output in &plan.outputs {
            if output.after.is_none() {
                continue;
            }
            let value = values.get(&output.name).filter(|value| !value.deep_unknown());
            let value = value.or_else(|| recorded.get(&output.name)).cloned();
            if let Some(value) = value {
                let marked = value.is_sensitive() || output.sensitive;
                outputs.insert(output.name.clone(), value.with_sensitive(marked));
            }
        }
        if outputs != *recorded {
            self.writes.push(Write::Outputs(outputs));
        }
        // What failed already explains what of it is missing.
        if self.outcome.failed == 0 && !self.outcome.interrupted && diagnostics.has_errors() {
            self.outcome.failed += 1;
            self.outcome.diagnostics.extend(diagnostics);
        }
        let whole = self.outcome.failed == 0 && !self.outcome.interrupted;
        if whole && plan.mode != PlanMode::Destroy {
            self.outcome.diagnostics.extend(evaluate.checks());
        }
    }

    /// Takes over how long actions took in earlier runs.
    pub(super) fn remember_times(&mut self, plan: &Plan) {
        for operation in &plan.operations {
            let Some(change) = plan.changes.get(operation.change) else { continue };
            let name = time_name(&change.service, operation.action);
            if let Some(time) = self.lessons.get(&name).and_then(|value| value.parse().ok()) {
                let time = std::time::Duration::from_millis(time);
                self.pace.remember((change.service.clone(), operation.action), time);
            }
        }
    }

    /// Keeps how long actions took.
    fn keep_times(&mut self) {
        for ((service, action), time) in self.pace.learned() {
            let (name, value) = (time_name(service, *action), time.as_millis().to_string());
            if self.lessons.get(&name) != Some(&value) {
                self.writes.push(Write::Lesson(name, value));
            }
        }
    }
}
