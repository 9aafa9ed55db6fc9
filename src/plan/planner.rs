//! Drives a plan: moves, reading, passes, orphans, order, rules, outputs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::compile::{self, Names};
use super::data_sources::{DataCache, DataSource};
use super::graph::{Arranged, Cycle};
use super::kinds::Kinds;
use super::moves::{self, Directives};
use super::orphans::{self, Locations};
use super::pass::{self, Basis, Pass};
use super::prior::{self, Prior};
use super::program::{ObjectMap, Program};
use super::refresh_scopes::{self, Lists};
use super::topology;
use super::world::{self, Unmanaged, World};
use super::{
    Change, ChangeKind, Operation, OutputChange, Plan, PlanMode, Reason, cycles, edges, imports,
    rules, targets, waves,
};
use crate::address::{Address, ResourceAddress, Target};
use crate::api::catalogue::Edition;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::refresh::Reader;
use crate::resources::{self, Object};
use crate::state::{InstanceKey, JournalEntry, Service, Snapshot};
use crate::value::{Name, Value};

/// Most passes; each one breaks at least one cycle of keys.
const PASSES: usize = 64;

/// A provider as the plan sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderContext {
    /// The service that it leads to.
    pub service: Service,
    /// The region.
    pub region: String,
    /// The edition of the reference that it speaks.
    #[serde(default)]
    pub edition: Edition,
    /// Limits that were raised, by the names that the resource types' rules give them.
    pub quotas: BTreeMap<Name, u64>,
}

/// What is asked of a plan.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PlanOptions {
    /// What is planned.
    pub mode: PlanMode,
    /// `-target`: only these and what they need; empty for all.
    #[serde(with = "targets::as_text")]
    pub targets: Vec<Target>,
    /// `-replace`: instances that are replaced whatever the comparison says.
    pub replace: Vec<Address>,
    /// Whether live objects are read (`-refresh=false` plans from the recorded ones).
    pub refresh: bool,
    /// `-allow-missing`: goes on where none of several recorded objects is found.
    pub allow_missing: bool,
}

impl Default for PlanOptions {
    fn default() -> Self {
        Self {
            mode: PlanMode::Normal,
            targets: Vec::new(),
            replace: Vec::new(),
            refresh: true,
            allow_missing: false,
        }
    }
}

/// What a plan is made from.
#[derive(Clone, Copy)]
pub struct PlanInput<'a> {
    /// The configuration, bound to variables.
    pub program: &'a Program,
    /// What is recorded.
    pub snapshot: &'a Snapshot,
    /// What is asked for.
    pub options: &'a PlanOptions,
    /// The providers of the root module by alias, `""` the default one; also those that only recorded
    /// objects need.
    pub providers: &'a BTreeMap<Name, ProviderContext>,
    /// `moved`, `removed` and `import` blocks.
    pub directives: &'a Directives,
}

/// Makes a plan. It is whole but for what the diagnostics report: with errors among them it is marked
/// as errored, may be shown, and is never applied.
pub fn plan(input: PlanInput<'_>, reader: &dyn Reader) -> (Plan, Diagnostics) {
    let mut planner = Planner {
        input: &input,
        reader,
        kinds: Kinds::new(),
        lists: Lists::default(),
        diagnostics: Diagnostics::new(),
        locations: Locations::default(),
        world: None,
    };
    let mut plan = planner.plan();
    planner.diagnostics.sort();
    plan.errored = planner.diagnostics.has_errors();
    (plan, planner.diagnostics)
}

struct Planner<'a> {
    input: &'a PlanInput<'a>,
    reader: &'a dyn Reader,
    kinds: Kinds,
    lists: Lists,
    diagnostics: Diagnostics,
    locations: Locations,
    /// The world around the plan, and how many lists told of it.
    world: Option<(usize, Arc<World>)>,
}

/// Changes with their calls in order.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) changes: Vec<Change>,
    pub(super) operations: Vec<Operation>,
    groups: Vec<Vec<usize>>,
    objects: ObjectMap,
    data: BTreeMap<Address, Object>,
}

impl Planner<'_> {
    fn plan(&mut self) -> Plan {
        let input = self.input;
        let mut plan = Plan {
            mode: input.options.mode,
            unfinished: input.snapshot.open.clone(),
            lineage: input.snapshot.lineage.clone(),
            serial: input.snapshot.serial,
            partial: !input.options.targets.is_empty(),
            ..Plan::default()
        };
        let order = match input.program.order() {
            Ok(order) => order,
            Err(cycles) => {
                self.diagnostics.extend(cycles);
                return plan;
            }
        };
        let (recorded, found) = moves::apply(input.snapshot, input.program, input.directives);
        self.diagnostics.extend(found);
        let scope = targets::Scope::new(input, &order, &recorded);
        self.diagnostics.extend(scope.warnings(input, &recorded));
        let services = prior::check_services(
            recorded.iter().filter(|(key, _)| scope.includes(&key.0)).map(|(_, r)| r),
            &self.kinds,
            input.providers,
        );
        if services.has_errors() {
            // Nothing that is read or planned from here on would mean anything.
            self.diagnostics.extend(services);
            return plan;
        }
        let prior = self.read_prior(recorded, &scope);
        plan.drift = prior::drift(&prior, &self.kinds);
        let in_doubt = |address: &Address| input.snapshot.is_in_doubt(address);
        plan.drift.retain(|d| scope.includes(&d.address) && !in_doubt(&d.address));
        let imported = imports::read(input, &self.kinds, &mut self.lists, self.reader, &prior);
        self.diagnostics.extend(imported.diagnostics.clone());
        let prior = imported.join(prior);
        let outcome = match input.options.mode {
            PlanMode::Normal => self.normal(&prior, &order, &scope, &imported.ids),
            PlanMode::Destroy => self.destroy(&prior, &scope),
            PlanMode::RefreshOnly => self.refresh_only(&prior, &scope),
        };
        plan.outputs = self.outputs(&outcome.objects, &scope);
        plan.changes = outcome.changes;
        plan.operations = outcome.operations;
        plan.groups = outcome.groups;
        plan.data = outcome.data;
        plan
    }

    /// Reads the lists of the recorded objects and says what is there.
    fn read_prior<'s>(
        &mut self,
        recorded: BTreeMap<InstanceKey, moves::Recorded<'s>>,
        scope: &targets::Scope,
    ) -> Prior<'s> {
        let mut refreshed = BTreeSet::new();
        if self.input.options.refresh {
            let included: Vec<(&InstanceKey, &moves::Recorded<'_>)> =
                recorded.iter().filter(|(key, _)| scope.includes(&key.0)).collect();
            let instances = || included.iter().map(|(_, r)| (&r.provider, r.instance));
            // What is included is counted anyway.
            let others = recorded.iter().filter(|_| !self.input.options.targets.is_empty());
            let counts = refresh_scopes::recorded(&self.kinds, others.map(|(_, r)| r.instance));
            let wanted = refresh_scopes::wanted(&self.kinds, instances());
            self.lists.read_sought(self.reader, &wanted, &counts);
            let failures = self.lists.failures(&self.kinds, instances());
            self.diagnostics.extend(failures);
            refreshed.extend(included.into_iter().map(|(key, _)| key.clone()));
        }
        let prior = prior::join(recorded, &self.kinds, &self.lists);
        if !self.input.options.allow_missing {
            self.diagnostics.extend(prior::check_account(&prior, &refreshed));
        }
        prior
    }

    /// Returns what surrounds the plan, as far as it was read.
    fn world(&mut self, prior: &Prior<'_>) -> Arc<World> {
        let count = self.lists.count();
        if let Some((_, world)) = self.world.as_ref().filter(|(known, _)| *known == count) {
            return Arc::clone(world);
        }
        let world = Arc::new(self.world_of(prior));
        self.world = Some((count, Arc::clone(&world)));
        world
    }

    fn world_of(&self, prior: &Prior<'_>) -> World {
        let snapshot = self.input.snapshot;
        let mut owned: BTreeSet<(&str, &str)> = snapshot
            .instances
            .values()
            .map(|instance| (instance.address.kind(), instance.id.as_str()))
            .collect();
        let imported = prior.iter().map(|(key, e)| (key.0.kind(), e.recorded.instance.id.as_str()));
        owned.extend(imported);
        let open = snapshot.open.iter();
        owned.extend(open.filter_map(|e| Some((e.address.kind(), e.object_id.as_deref()?))));
        let providers = self.input.providers.iter();
        let mut unmanaged = world::unmanaged(self.lists.all(), &owned);
        // What an unfinished create may have made is not somebody else's: recovery finds out.
        let made = |u: &Unmanaged, e: &JournalEntry| {
            e.creates
                && e.object_id.is_none()
                && e.address.kind() == u.kind
                && e.region == u.region
                && !e.existing.contains(&u.id)
        };
        unmanaged.retain(|u| !snapshot.open.iter().any(|entry| made(u, entry)));
        World {
            unmanaged,
            quotas: providers.map(|(alias, p)| (alias.clone(), p.quotas.clone())).collect(),
        }
    }

    fn normal(
        &mut self,
        prior: &Prior<'_>,
        order: &[ResourceAddress],
        scope: &targets::Scope,
        imports: &BTreeMap<Address, String>,
    ) -> Outcome {
        let create_first = create_first(self.input.program, order);
        let mut cache = DataCache::new();
        let mut broken: BTreeMap<Address, cycles::Break> = BTreeMap::new();
        for round in 1.. {
            let world = self.world(prior);
            let basis = Basis {
                input: self.input,
                kinds: &self.kinds,
                prior,
                world: &world,
                order,
                create_first: &create_first,
                scope,
                breaks: &broken,
                imports,
            };
            let mut source =
                DataSource { cache: &mut cache, lists: &mut self.lists, reader: self.reader };
            let mut pass = pass::run(&basis, &mut source);
            let mut outcome = self.settle(&mut pass, prior, scope);
            let arranged = self.arrange(&mut outcome, prior);
            if self.lists.take_completed() {
                // What is not managed in them was not known to the pass.
                continue;
            }
            match arranged {
                Ok(()) => {}
                Err(found) => {
                    let breaks =
                        if round < PASSES { cycles::breaks(&found, &outcome) } else { None };
                    if let Some(breaks) = breaks {
                        broken.extend(breaks);
                        continue;
                    }
                    self.report_cycles(&found, &outcome);
                }
            }
            self.check_requests(&pass, prior);
            self.diagnostics.extend(pass.diagnostics);
            self.check(&mut outcome, prior);
            if !self.diagnostics.has_errors() {
                // Local values and outputs of modules that nothing has used may be mistaken too.
                self.diagnostics.extend(self.input.program.remaining(&outcome.objects));
                self.diagnostics.extend(self.input.program.checks(&outcome.objects));
            }
            outcome.changes.retain(|change| scope.includes(&change.address));
            return outcome;
        }
        Outcome::default()
    }

    /// Adds to a pass what has no block and what `-target` leaves aside, and sorts the changes. What is
    /// left aside comes last and is taken away again once the plan has been judged.
    fn settle(&mut self, pass: &mut Pass, prior: &Prior<'_>, scope: &targets::Scope) -> Outcome {
        let program = self.input.program;
        let mut changes = std::mem::take(&mut pass.changes);
        let mut aside = Vec::new();
        for (key, existing) in prior {
            let (address, deposed) = key;
            if !scope.includes(address) {
                aside.push(orphans::keep(key, existing, program, &mut self.locations));
                continue;
            }
            if deposed.is_some() {
                let locations = &mut self.locations;
                let reason = Reason::Deposed;
                changes.push(orphans::end(
                    key,
                    existing,
                    reason,
                    true,
                    program,
                    &self.kinds,
                    locations,
                ));
                continue;
            }
            if pass.decided(address) {
                continue;
            }
            if pass.has(address) {
                // Its block has mistakes, which are reported.
                changes.push(orphans::keep(key, existing, program, &mut self.locations));
                continue;
            }
            let (reason, destroy) = orphans::why(address, program, self.input.directives);
            let locations = &mut self.locations;
            changes.push(orphans::end(
                key,
                existing,
                reason,
                destroy,
                program,
                &self.kinds,
                locations,
            ));
        }
        pass.slim();
        changes.sort_by(|a, b| (&a.address, &a.deposed).cmp(&(&b.address, &b.deposed)));
        changes.extend(aside);
        Outcome {
            changes,
            objects: std::mem::take(&mut pass.objects),
            data: std::mem::take(&mut pass.data),
            ..Outcome::default()
        }
    }

    /// Compiles the changes and orders the calls.
    fn arrange(&mut self, outcome: &mut Outcome, prior: &Prior<'_>) -> Result<(), Vec<Cycle>> {
        if self.input.options.refresh {
            let wanted = waves::around(&outcome.changes, &self.lists);
            self.lists.read(self.reader, &wanted);
            let wanted = waves::beside(&outcome.changes, &self.lists);
            self.lists.read(self.reader, &wanted);
        }
        spare_managed(&mut outcome.changes, prior);
        let world = self.world(prior);
        let names = Names::collect(&outcome.changes, self.lists.all().values());
        let compiled = compile::operations(&mut outcome.changes, &self.kinds, &names);
        let depends_on = self.depends_on(&outcome.changes);
        let mut graph = edges::graph(&outcome.changes, &compiled, &self.kinds, &world, &depends_on);
        match graph.arrange() {
            Ok(arranged) => {
                (outcome.operations, outcome.groups) = ordered(compiled, arranged);
                Ok(())
            }
            Err(cycles) => {
                outcome.operations = compiled;
                Err(cycles)
            }
        }
    }

    fn depends_on(&self, changes: &[Change]) -> BTreeMap<ResourceAddress, Vec<ResourceAddress>> {
        let blocks: BTreeSet<&ResourceAddress> =
            changes.iter().map(|c| &c.address.resource).collect();
        blocks
            .into_iter()
            .map(|block| (block.clone(), self.input.program.depends_on(block)))
            .filter(|(_, named)| !named.is_empty())
            .collect()
    }

    fn report_cycles(&mut self, cycles: &[Cycle], outcome: &Outcome) {
        for cycle in cycles {
            let diagnostic = cycles::report(cycle, outcome, self.input.program);
            self.diagnostics.push(diagnostic);
        }
    }

    /// Judges the planned world, and what must not be deleted.
    fn check(&mut self, outcome: &mut Outcome, prior: &Prior<'_>) {
        let world = self.world(prior);
        let program = self.input.program;
        let places = |address: &Address, name: &str| program.written(&address.resource, name);
        let (found, remarks) =
            rules::check(&outcome.changes, &self.kinds, &world, self.lists.all(), &places);
        self.diagnostics.extend(found);
        for change in &outcome.changes {
            let deletes = matches!(change.kind, ChangeKind::Delete | ChangeKind::Replace { .. });
            if change.prevent_destroy && deletes {
                let diagnostic = protected(change, &places);
                self.diagnostics.push(diagnostic);
            }
            if change.kind == ChangeKind::Forget {
                for remark in &change.remarks {
                    let summary = format!("`{}` is only forgotten", change.address);
                    self.diagnostics.push(
                        Diagnostic::warning("only-forgotten", summary)
                            .address(&change.address)
                            .detail(remark.clone()),
                    );
                }
            }
        }
        for (index, remark) in remarks {
            outcome.changes[index].remarks.push(remark);
        }
    }

    /// Reports instances that `-replace` names and that do not exist.
    fn check_requests(&mut self, pass: &Pass, prior: &Prior<'_>) {
        for address in &self.input.options.replace {
            if !pass.has(address) && !prior.contains_key(&(address.clone(), None)) {
                self.diagnostics.push(
                    Diagnostic::error("no-such-instance", format!("there is no `{address}`"))
                        .detail("`-replace` names one instance, with its key where it has one.")
                        .help("`natform state list` shows the instances"),
                );
            }
        }
    }

    fn destroy(&mut self, prior: &Prior<'_>, scope: &targets::Scope) -> Outcome {
        let program = self.input.program;
        let mut outcome = Outcome::default();
        let mut aside = Vec::new();
        for (key, existing) in prior {
            if !scope.includes(&key.0) {
                aside.push(orphans::keep(key, existing, program, &mut self.locations));
                continue;
            }
            let reason = if key.1.is_some() { Reason::Deposed } else { Reason::Destroy };
            let locations = &mut self.locations;
            let mut change =
                orphans::end(key, existing, reason, true, program, &self.kinds, locations);
            if let Some(block) = program.block(&key.0.resource)
                && key.1.is_none()
            {
                if block.lifecycle.prevent_destroy.is_some() {
                    change.prevent_destroy = program.prevent_destroy(&key.0).0;
                } else {
                    change.prevent_destroy = false;
                }
            }
            outcome.changes.push(change);
        }
        outcome.changes.extend(aside);
        if let Err(cycles) = self.arrange(&mut outcome, prior) {
            self.report_cycles(&cycles, &outcome);
        }
        self.check(&mut outcome, prior);
        outcome.changes.retain(|change| scope.includes(&change.address));
        outcome
    }

    fn refresh_only(&mut self, prior: &Prior<'_>, scope: &targets::Scope) -> Outcome {
        let mut outcome = Outcome::default();
        for (key, existing) in prior {
            let object = existing.live.as_ref();
            let object = object.filter(|_| key.1.is_none());
            if let Some(object) = object {
                outcome.objects.set(&key.0, object.clone());
            }
            if scope.includes(&key.0) {
                let program = self.input.program;
                outcome.changes.push(orphans::keep(key, existing, program, &mut self.locations));
            }
        }
        outcome
    }

    /// Compares the outputs of the root module with the recorded ones.
    fn outputs(&mut self, objects: &ObjectMap, scope: &targets::Scope) -> Vec<OutputChange> {
        let input = self.input;
        let recorded = &input.snapshot.outputs;
        let declared = &input.program.configuration().root.outputs;
        let values = if input.options.mode == PlanMode::Destroy {
            BTreeMap::new()
        } else {
            let (values, found) = input.program.outputs(objects);
            self.diagnostics.extend(found);
            values
        };
        let partial = !input.options.targets.is_empty();
        let names: BTreeSet<&Name> = recorded.keys().chain(values.keys()).collect();
        names
            .into_iter()
            .map(|name| {
                let before = recorded.get(name).cloned();
                let mut after = values.get(name).cloned();
                let untouched = match (&after, input.options.mode) {
                    (_, PlanMode::Destroy) => partial,
                    // Nothing is made that could tell the value.
                    (Some(value), PlanMode::RefreshOnly) if !value.is_wholly_known() => true,
                    (Some(value), _) => partial && !scope.decides(value),
                    // It could not be evaluated, which is reported.
                    (None, _) => declared.contains_key(name),
                };
                if untouched {
                    after.clone_from(&before);
                }
                let marked = [&before, &after].into_iter().flatten().any(Value::is_sensitive);
                let sensitive = declared.get(name).map_or(marked, |output| output.sensitive);
                OutputChange { name: name.clone(), before, after, sensitive }
            })
            .collect()
    }
}

/// The delete of a gateway spares packages that were made with it and are managed on their own by now.
fn spare_managed(changes: &mut [Change], prior: &Prior<'_>) {
    let packages = prior.iter().filter(|((address, _), _)| address.kind() == topology::PACKAGE);
    let managed: BTreeSet<&str> = packages.map(|(_, e)| &*e.recorded.instance.id).collect();
    let ends = |kind| matches!(kind, ChangeKind::Delete | ChangeKind::Replace { .. });
    for change in changes.iter_mut().filter(|c| ends(c.kind)) {
        if let Some(before) =
            change.before.as_mut().filter(|_| change.address.kind() == topology::GATEWAY)
        {
            resources::nat_gateway::spare(before, &managed);
        }
    }
}

/// Returns the blocks that are replaced by creating first: those that say so, and all that they need.
fn create_first(program: &Program, order: &[ResourceAddress]) -> BTreeSet<ResourceAddress> {
    let mut found = BTreeSet::new();
    for resource in order.iter().rev() {
        let own = program.block(resource).and_then(|b| b.lifecycle.create_before_destroy);
        if own == Some(true) || found.contains(resource) {
            found.insert(resource.clone());
            found.extend(program.dependencies(resource));
        }
    }
    found
}

/// Puts operations into their order, in place.
fn ordered(
    mut operations: Vec<Operation>,
    arranged: Arranged,
) -> (Vec<Operation>, Vec<Vec<usize>>) {
    let mut wanted = vec![0; operations.len()];
    for (new, old) in arranged.order.iter().enumerate() {
        wanted[*old] = new;
    }
    for at in 0..operations.len() {
        while wanted[at] != at {
            let to = wanted[at];
            operations.swap(at, to);
            wanted.swap(at, to);
        }
    }
    let waits = arranged.after.into_iter().zip(arranged.groups_of);
    for (operation, (after, groups)) in operations.iter_mut().zip(waits) {
        operation.after = after;
        operation.groups = groups;
    }
    (operations, arranged.groups)
}

/// Reports that an instance is protected.
fn protected(change: &Change, places: &rules::Places<'_>) -> Diagnostic {
    let reasons: Vec<String> =
        change.reasons.iter().map(|r| super::document::reason(r).sentence).collect();
    let verb = if change.kind == ChangeKind::Delete { "deleted" } else { "replaced" };
    let message = format!("`{}` is protected and would be {verb}", change.address);
    let place = places(&change.address, "");
    // Deleting the block does not lift the protection.
    let help = if place.is_some() {
        "change what leads to it, or remove `prevent_destroy`"
    } else {
        "put its block back; to delete it, apply once without `prevent_destroy` first; to keep it out of natform's sight, write a `removed` block with `destroy = false`"
    };
    Diagnostic::error("prevent-destroy", message)
        .address(&change.address)
        .at_opt(place)
        .detail(format!(
            "`lifecycle.prevent_destroy` is set. It would be {verb} because {}.",
            reasons.join("; ")
        ))
        .help(help)
}
