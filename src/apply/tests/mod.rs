mod crash;
mod faults;
mod flow;
mod recovery;
mod world;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use self::world::World;
use super::*;
use crate::api::sleep::VirtualSleep;
use crate::diagnostic::Diagnostic;
use crate::environment::{Environment, SeededIds, Timestamp};
use crate::plan::{
    Change, ChangeKind, Operation, OperationParameter, OutputChange, Purpose, steps,
};
use crate::resources::{self, Object};
use crate::state::{
    Instance, LockInfo, RunRecord, Service as Place, Snapshot, SqliteStore, Status,
};
use crate::value::{Name, Type, Value};

/// What is wanted: instances with texts, where `=nat_gateway.g.forward_table_id` is a reference.
#[derive(Debug, Clone, Default)]
struct Wish(BTreeMap<String, Vec<(&'static str, String)>>);

impl Wish {
    fn gateway(mut self, name: &str) -> Self {
        let attributes = vec![("vpc_id", "vpc-1".to_owned()), ("name", name.to_owned())];
        self.0.insert(format!("nat_gateway.{name}"), attributes);
        self
    }

    fn entries(mut self, gateway: &str, ports: impl IntoIterator<Item = u32>) -> Self {
        for port in ports {
            let attributes = vec![
                ("forward_table_id", format!("=nat_gateway.{gateway}.forward_table_id")),
                ("external_ip", "1.2.3.4".to_owned()),
                ("external_port", port.to_string()),
                ("internal_ip", "192.168.1.9".to_owned()),
                ("internal_port", port.to_string()),
                ("ip_protocol", "tcp".to_owned()),
            ];
            self.0.insert(format!("forward_entry.{gateway}[\"{port}\"]"), attributes);
        }
        self
    }

    fn with(mut self, address: &str, attribute: &'static str, value: &str) -> Self {
        let attributes = self.0.get_mut(address).unwrap();
        attributes.retain(|(name, _)| *name != attribute);
        attributes.push((attribute, value.to_owned()));
        self
    }

    /// Evaluates an instance with what is there.
    fn evaluate(&self, address: &str, objects: &BTreeMap<Address, Object>) -> Object {
        let value = |text: &str| match text.strip_prefix('=') {
            None => Value::from(text),
            Some(reference) => {
                let (of, attribute) = reference.rsplit_once('.').unwrap();
                let known = objects.get(&of.parse().unwrap()).and_then(|o| o.get(attribute));
                known.cloned().unwrap_or_else(|| Value::unknown_from(Type::String, reference))
            }
        };
        self.0[address].iter().map(|(name, text)| ((*name).into(), value(text))).collect()
    }
}

/// Evaluates a wish with what was learned.
struct Evaluator<'a>(&'a Wish, Mutex<BTreeMap<Address, Object>>);

impl<'a> Evaluator<'a> {
    fn new(wish: &'a Wish) -> Self {
        Self(wish, Mutex::default())
    }
}

impl Evaluate for Evaluator<'_> {
    fn learn(&self, address: &Address, object: Option<&Object>) {
        let mut known = self.1.lock().unwrap();
        match object {
            Some(object) => known.insert(address.clone(), object.clone()),
            None => known.remove(address),
        };
    }

    fn object(&self, address: &Address, _: Purpose) -> Result<Object, Diagnostics> {
        Ok(self.0.evaluate(&address.to_string(), &self.1.lock().unwrap()))
    }

    fn postconditions(&self, address: &Address, object: &Object) -> Diagnostics {
        assert_eq!(object.text("status"), Some("Available"), "{address}");
        if object.text("internal_port") == Some("666") {
            return Diagnostic::error("postcondition", "not this port").into();
        }
        Diagnostics::new()
    }

    fn outputs(&self) -> (BTreeMap<Name, Value>, Diagnostics) {
        let known = self.1.lock().unwrap();
        let ids = known.values().filter_map(|o| o.get("id").cloned());
        ([("ids".into(), Value::tuple(ids))].into(), Diagnostics::new())
    }
}

pub(super) fn change(address: &str, kind: ChangeKind, instance: Option<&Instance>) -> Change {
    Change {
        address: address.parse().unwrap(),
        deposed: instance.and_then(|i| i.deposed.clone()),
        previous_address: None,
        kind,
        reasons: Vec::new(),
        id: instance.map(|i| i.id.clone()),
        before: instance.map(|i| i.object.clone()),
        after: None,
        replace_paths: Vec::new(),
        kept: Vec::new(),
        impacts: Vec::new(),
        remarks: Vec::new(),
        provider: "".into(),
        region: "cn-hangzhou".into(),
        service: Place::Embedded("w".into()),
        dependencies: instance.map(|i| i.dependencies.clone()).unwrap_or_default().into(),
        create_before_destroy: false,
        prevent_destroy: false,
        timeouts: Arc::default(),
        location: None,
    }
}

/// A planner for these few resource types: compares the recorded objects with a wish.
fn plan(snapshot: &Snapshot, wish: &Wish) -> Plan {
    let objects: BTreeMap<Address, Object> = snapshot
        .instances
        .values()
        .filter(|i| i.deposed.is_none() && i.status != Status::Tainted)
        .map(|i| (i.address.clone(), i.object.clone()))
        .collect();
    let mut plan = Plan { serial: snapshot.serial, ..Plan::default() };
    let mut changes = Vec::new();
    for (address, attributes) in &wish.0 {
        let instance = snapshot.instances.get(&(address.parse().unwrap(), None));
        let mut after = wish.evaluate(address, &objects);
        let kind = match instance {
            None => ChangeKind::Create,
            Some(i) if i.status == Status::Tainted => ChangeKind::Replace { create_first: false },
            Some(i) => {
                let differs =
                    after.iter().any(|(name, value)| i.object.get(name).is_none_or(|v| v != value));
                if differs { ChangeKind::Update } else { ChangeKind::NoOp }
            }
        };
        if matches!(kind, ChangeKind::Update | ChangeKind::NoOp) {
            after = after.over(&instance.unwrap().object);
        } else {
            for computed in ["id", "forward_table_id", "status"] {
                if !attributes.iter().any(|(name, _)| *name == computed) {
                    let origin = format!("{address}.{computed}");
                    after.set(computed, Value::unknown_from(Type::String, origin));
                }
            }
        }
        let mut change = change(address, kind, instance);
        change.after = Some(after);
        changes.push(change);
    }
    for ((address, _), instance) in &snapshot.instances {
        if instance.deposed.is_some() || !wish.0.contains_key(&address.to_string()) {
            changes.push(change(&address.to_string(), ChangeKind::Delete, Some(instance)));
        }
    }
    changes.sort_by(|a, b| (&a.address, &a.deposed).cmp(&(&b.address, &b.deposed)));
    plan.changes = changes;
    plan.outputs = vec![OutputChange {
        name: "ids".into(),
        before: None,
        after: Some(Value::unknown(Type::Any)),
        sensitive: false,
    }];
    compile(&mut plan);
    plan
}

fn compile(plan: &mut Plan) {
    for index in 0..plan.changes.len() {
        let change = &plan.changes[index];
        let purposes: &[Purpose] = match change.kind {
            ChangeKind::Create => &[Purpose::Create],
            ChangeKind::Update => &[Purpose::Update],
            ChangeKind::Delete => &[Purpose::Delete],
            ChangeKind::Replace { create_first: false } => &[Purpose::Delete, Purpose::Create],
            ChangeKind::Replace { create_first: true } => &[Purpose::Create, Purpose::Delete],
            _ => &[],
        };
        let first = change.kind == ChangeKind::Replace { create_first: true };
        for purpose in purposes {
            let mut operation = operation(change, index, *purpose);
            if purposes.len() > 1 && *purpose == purposes[1] {
                operation.after.push(plan.operations.len() - 1);
            }
            if first && *purpose == Purpose::Delete {
                operation.deposed = Some("aside".to_owned());
            }
            plan.operations.push(operation);
        }
    }
    order(plan);
}

fn operation(change: &Change, index: usize, purpose: Purpose) -> Operation {
    let kind = resources::lookup(change.address.kind()).unwrap();
    let step = steps(kind, change, purpose, change.before.as_ref(), change.after.as_ref())
        .into_iter()
        .next()
        .unwrap_or_else(|| panic!("{purpose:?} of {change:#?}"));
    let region = OperationParameter {
        name: "RegionId".into(),
        value: Value::from(&*change.region),
        attribute: "region".into(),
    };
    let own = step.parameters.into_iter().map(|p| OperationParameter {
        name: p.name.as_str().into(),
        value: p.value,
        attribute: p.attribute,
    });
    Operation {
        address: change.address.clone(),
        deposed: change.deposed.clone(),
        change: index,
        purpose,
        step: (0, 1),
        action: step.action,
        parameters: std::iter::once(region).chain(own).collect(),
        lane: step.lane,
        wanted: step.wanted,
        makes: step.makes.into(),
        after: Vec::new(),
        groups: Vec::new(),
        timeout: 300,
    }
}

/// Creates after the gateway, and the gateway's delete after its entries'.
fn order(plan: &mut Plan) {
    for index in 0..plan.operations.len() {
        let operation = &plan.operations[index];
        if operation.address.kind() != "forward_entry" {
            continue;
        }
        let name = operation.address.resource.name.to_string();
        let purpose = operation.purpose;
        let gateway = plan.operations.iter().position(|o| {
            o.address.kind() == "nat_gateway"
                && *o.address.resource.name == *name
                && o.purpose == purpose
        });
        match (gateway, purpose) {
            (Some(gateway), Purpose::Create) => plan.operations[index].after.push(gateway),
            (Some(gateway), Purpose::Delete) => plan.operations[gateway].after.push(index),
            _ => {}
        }
    }
}

/// A state in a directory of its own, in the world's time.
struct Bench {
    directory: tempfile::TempDir,
    world: World,
    events: Arc<Mutex<Vec<ApplyEvent>>>,
    runs: std::cell::Cell<u64>,
    settings: Settings,
}

/// Makes a directory in memory where there is one: thousands of runs need no disk.
fn directory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

impl Bench {
    fn new(manner: world::Manner) -> Self {
        Self {
            directory: directory(),
            world: World::new(manner),
            events: Arc::default(),
            runs: std::cell::Cell::new(0),
            settings: Settings::default(),
        }
    }

    fn path(&self) -> std::path::PathBuf {
        self.directory.path().join("natform.db")
    }

    fn environment(&self) -> Environment {
        Environment {
            clock: Arc::new(self.world.clock.clone()),
            ids: Arc::new(SeededIds::new(self.runs.get())),
            ..Environment::real()
        }
    }

    fn store(&self) -> SqliteStore {
        SqliteStore::new(self.path(), &self.environment())
    }

    fn snapshot(&self) -> Snapshot {
        self.store().snapshot().unwrap()
    }

    fn run(&self, f: impl AsyncFnOnce(ApplyContext<'_>) -> Outcome) -> Outcome {
        self.run_as(None, f)
    }

    /// Does something with a run's context, on one thread and in virtual time.
    fn run_as(
        &self,
        run: Option<RunRecord>,
        f: impl AsyncFnOnce(ApplyContext<'_>) -> Outcome,
    ) -> Outcome {
        self.runs.set(self.runs.get() + 1);
        let environment = self.environment();
        let mut store = self.store();
        let info = LockInfo {
            id: "l".to_owned(),
            who: "ann@desk".to_owned(),
            pid: 1,
            operation: "apply".to_owned(),
            since: Timestamp(0),
        };
        let lock = store.lock(&info, Duration::ZERO).unwrap();
        let run = run.unwrap_or_else(|| RunRecord {
            id: format!("run-{}", self.runs.get()),
            command: "apply".to_owned(),
            who: "ann@desk".to_owned(),
            plan: None,
            started_at: environment.clock.now(),
            ended_at: None,
        });
        let (interrupter, interrupt) = interrupt::channel();
        *self.world.interrupter.lock().unwrap() = Some(interrupter);
        let events = Arc::clone(&self.events);
        let observer = move |event: ApplyEvent| events.lock().unwrap().push(event);
        let sleeper = VirtualSleep::new(self.world.clock.clone());
        let context = ApplyContext {
            store: &mut store,
            lock: &lock,
            run: &run,
            service: &self.world,
            clock: &*environment.clock,
            ids: &*environment.ids,
            sleeper: &sleeper,
            observer: &observer,
            interrupt,
            settings: self.settings,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(f(context))
    }

    fn apply_plan(&self, plan: &Plan, wish: &Wish) -> Outcome {
        let evaluator = Evaluator::new(wish);
        self.run(async |context| apply(plan, &evaluator, &BTreeMap::new(), context).await)
    }

    /// Plans and applies.
    fn apply(&self, wish: &Wish) -> Outcome {
        self.apply_plan(&plan(&self.snapshot(), wish), wish)
    }

    fn recover(&self, wanted: bool) -> Outcome {
        self.recover_with(wanted, &[])
    }

    fn recover_with(&self, wanted: bool, resolutions: &[Resolution]) -> Outcome {
        self.run(async |context| recover(context, &|_| wanted, resolutions).await)
    }

    fn took(&self, f: impl FnOnce()) -> Duration {
        let before = self.world.clock.now();
        f();
        self.world.clock.now().since(before)
    }

    /// Checks that state and world hold the same objects, each as wished.
    fn assert_converged(&self, wish: &Wish) {
        let snapshot = self.snapshot();
        let things = self.world.things();
        let recorded: Vec<&String> = snapshot.instances.values().map(|i| &i.id).collect();
        let mut sorted: Vec<&String> = recorded.clone();
        sorted.sort();
        assert_eq!(sorted, things.keys().collect::<Vec<_>>());
        assert_eq!(recorded.len(), wish.0.len(), "{recorded:?}");
        let rest = plan(&snapshot, wish);
        let changes: Vec<_> = rest.changes.iter().filter(|c| c.kind != ChangeKind::NoOp).collect();
        assert!(changes.is_empty(), "{changes:#?}");
        for instance in snapshot.instances.values() {
            assert_eq!(instance.status, Status::Ready, "{}", instance.address);
            assert_eq!(things[&instance.id].text("status"), Some("Available"));
        }
        assert!(snapshot.open.is_empty(), "{:#?}", snapshot.open);
    }

    fn saw(&self, test: impl Fn(&ApplyEvent) -> bool) -> usize {
        self.events.lock().unwrap().iter().filter(|e| test(e)).count()
    }
}

fn assert_done(outcome: &Outcome) {
    assert!(outcome.is_success(), "{outcome:#?}");
}

fn codes(outcome: &Outcome) -> Vec<&'static str> {
    outcome.diagnostics.iter().map(|d| d.code).collect()
}

#[test]
fn the_lock_file_and_state_are_where_they_should_be() {
    let bench = Bench::new(world::Manner::default());
    assert_done(&bench.apply(&Wish::default()));
    assert!(Path::new(&bench.path()).exists());
}
