//! One process: what `natform apply` does from its start to its end, or to its death.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use natform::api::answer::Answer;
use natform::api::call::Call;
use natform::api::catalogue::Action;
use natform::api::client::{Client, ClientSettings};
use natform::api::credentials::Credentials;
use natform::api::endpoint::Endpoint;
use natform::api::error::ApiError;
use natform::api::http::BoxFuture;
use natform::api::log::NoLog;
use natform::apply::{
    self, ApplyContext, ApplyEvent, Interrupter, Outcome, Recovery, Resolution, Service,
};
use natform::command::planning::recorded;
use natform::command::service::{Evaluator, still_wanted};
use natform::configuration;
use natform::diagnostic::Diagnostics;
use natform::environment::{Clock, Environment, MemoryFiles, SeededIds, Timestamp};
use natform::plan::program::Program;
use natform::plan::{Directives, Plan, PlanInput, PlanMode, PlanOptions, ProviderContext};
use natform::refresh::{
    DataRead, Reader, Reading, ServiceReader, read_list, read_lists, read_object,
};
use natform::resources::{Listings, Object, ReadScope};
use natform::state::{JournalEntry, Lock, LockInfo, RunRecord, Service as Place, Snapshot, Store};
use natform::value::Name;

use crate::disk::{Died, Disk, Watched};
use crate::mutation::Mutation;
use crate::network::Network;
use crate::sim::Sim;
use crate::time::VirtualTime;

/// How a process ends before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Death {
    /// Not at all.
    None,
    /// Killed before its n-th turn: between two awaits.
    Turn(u64),
    /// Killed at the n-th beginning or end of an SQL statement.
    Statement(u64),
    /// Interrupted before its n-th turn.
    Interrupt(u64),
    /// Interrupted twice: before its n-th turn and so many later.
    Interrupts(u64, u64),
}

/// How a process ended.
pub(crate) enum Ended {
    /// It was killed.
    Died,
    /// It carried out a plan, or tried to.
    Applied(Box<Outcome>),
    /// It went no further than recovery.
    Recovered(Box<Outcome>),
    /// It could not make a plan.
    Refused(Diagnostics),
}

/// What a process is asked to do.
pub(crate) struct Asked<'a> {
    pub(crate) text: &'a str,
    pub(crate) mode: PlanMode,
    /// What the user decides of stuck operations.
    pub(crate) resolutions: &'a [Resolution],
}

/// Where processes live.
pub(crate) struct House {
    pub(crate) sim: Arc<Sim>,
    pub(crate) disk: Arc<Disk>,
    pub(crate) mutation: Mutation,
    /// See [`Manners`](crate::seed::Manners).
    pub(crate) hard: bool,
    /// Makes readers of data sources, which nothing here has.
    pub(crate) runtime: tokio::runtime::Runtime,
    /// Each process draws other ids.
    pub(crate) processes: Cell<u64>,
}

/// Sends and reads through one client.
struct Services {
    client: Client,
    sim: Arc<Sim>,
    mutation: Mutation,
    /// What is owned when recovery begins, for the mutation that hides the rest; none afterwards.
    owned: Option<BTreeSet<String>>,
}

impl Services {
    fn deadline(&self) -> Timestamp {
        self.sim.clock.now().after(Duration::from_secs(120))
    }
}

impl Service for Services {
    fn send<'a>(&'a self, _: &'a str, call: &'a Call) -> BoxFuture<'a, Result<Answer, ApiError>> {
        Box::pin(self.client.send(call))
    }

    fn list<'a>(&'a self, _: &'a str, scope: &'a ReadScope) -> BoxFuture<'a, Reading> {
        Box::pin(async move {
            let Reading { listing, sent } = read_list(&self.client, scope, self.deadline()).await;
            let listing = match &self.owned {
                Some(owned) => self.mutation.of_list(listing, |id| owned.contains(id)),
                None => listing,
            };
            Reading { listing, sent }
        })
    }

    fn single<'a>(
        &'a self,
        _: &'a str,
        scope: &'a ReadScope,
        id: &'a str,
    ) -> BoxFuture<'a, Reading> {
        Box::pin(read_object(&self.client, scope, id, self.deadline()))
    }

    fn takes_token(&self, _: &str, action: Action) -> bool {
        action.takes_token(self.sim.edition)
    }
}

/// Reads for the planner, and keeps what it read for the apply.
struct PlanReader<'a> {
    process: &'a Process<'a>,
    client: &'a Client,
    kept: RefCell<Listings>,
}

impl Reader for PlanReader<'_> {
    fn lists(&self, _: &str, scopes: &[ReadScope]) -> Listings {
        let deadline = self.process.house.sim.clock.now().after(Duration::from_secs(300));
        let lists = self.process.run(read_lists(self.client, scopes, deadline));
        self.kept.borrow_mut().extend(lists.clone());
        lists
    }

    fn data(&self, _: &DataRead) -> Result<Object, String> {
        Err("nothing here reads data sources".to_owned())
    }
}

/// A process under way.
struct Process<'a> {
    house: &'a House,
    death: Death,
    turns: Cell<u64>,
    /// Whether it is in recovery.
    recovering: Cell<bool>,
    interrupter: RefCell<Option<Interrupter>>,
}

impl House {
    /// Lets a process do what it is asked.
    pub(crate) fn live(&self, asked: &Asked<'_>, death: Death) -> Ended {
        let statement = match death {
            Death::Statement(statement) => Some(statement),
            _ => None,
        };
        self.disk.arm(statement);
        self.sim.note(|| format!("a process begins, and ends by {death:?}"));
        let process = Process {
            house: self,
            death,
            turns: Cell::new(0),
            recovering: Cell::new(false),
            interrupter: RefCell::new(None),
        };
        let ended = match catch_unwind(AssertUnwindSafe(|| process.work(asked))) {
            Ok(ended) => {
                self.disk.arm(None);
                ended
            }
            Err(reason) if reason.is::<Died>() => {
                self.disk.restore();
                if statement.is_some() {
                    self.sim.count("death: between statements");
                    self.sim.note(|| "died between statements".to_owned());
                }
                Ended::Died
            }
            Err(reason) => resume_unwind(reason),
        };
        let snapshot = self.snapshot();
        self.sim.judge_state(&snapshot, self.mutation == Mutation::None);
        ended
    }

    fn environment(&self, text: &str) -> Environment {
        self.processes.set(self.processes.get() + 1);
        let files = BTreeMap::from([(PathBuf::from("/work/main.nat.hcl"), text.into())]);
        Environment {
            clock: Arc::new(self.sim.clock.clone()),
            ids: Arc::new(SeededIds::new(self.processes.get())),
            files: Arc::new(MemoryFiles(files)),
            variables: Arc::default(),
            working_directory: "/work".into(),
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        self.disk.open(&self.environment("")).snapshot().unwrap()
    }

    fn client(&self, environment: &Environment) -> Client {
        let credentials = Credentials::test_account();
        let settings = ClientSettings::new(Endpoint::Embedded, credentials, self.sim.region);
        let sleeper = Arc::new(VirtualTime(Arc::clone(&self.sim)));
        let network = Arc::new(Network(Arc::clone(&self.sim)));
        Client::new(settings, network, environment, sleeper, Arc::new(NoLog))
    }

    /// Plans without doing anything.
    pub(crate) fn plan(&self, text: &str, mode: PlanMode) -> (Plan, Diagnostics) {
        let environment = self.environment(text);
        let process = Process {
            house: self,
            death: Death::None,
            turns: Cell::new(0),
            recovering: Cell::new(false),
            interrupter: RefCell::new(None),
        };
        let program = program(&environment);
        let snapshot = self.snapshot();
        let client = self.client(&environment);
        let (plan, diagnostics, _) = process.plan(&program, &snapshot, &client, mode);
        (plan, diagnostics)
    }
}

fn program(environment: &Environment) -> Program {
    let (configuration, diagnostics) =
        configuration::load(environment, &environment.working_directory);
    assert!(!diagnostics.has_errors(), "{diagnostics:#?}");
    let (program, diagnostics) =
        Program::new(Arc::new(configuration), BTreeMap::new(), environment);
    assert!(!diagnostics.has_errors(), "{diagnostics:#?}");
    program
}

impl Process<'_> {
    /// Turns a future, and dies or is interrupted where that is to happen.
    fn run<F: Future>(&self, future: F) -> F::Output {
        let before = || {
            let turn = self.turns.get() + 1;
            self.turns.set(turn);
            match self.death {
                Death::Turn(n) if n == turn => self.die(),
                Death::Interrupt(n) if n == turn => self.interrupt("end: interrupted once"),
                Death::Interrupts(n, _) if n == turn => self.interrupt("end: interrupted"),
                Death::Interrupts(n, more) if n + more == turn => {
                    self.interrupt("end: interrupted twice");
                }
                _ => {}
            }
        };
        self.house.sim.run(before, future)
    }

    fn die(&self) {
        let sim = &self.house.sim;
        sim.note(|| "died between awaits".to_owned());
        sim.count("death: between awaits");
        if self.recovering.get() {
            sim.count("death: between awaits, in recovery");
        }
        if sim.is_call_in_flight() {
            sim.count("death: with a call in flight");
        }
        self.house.disk.burn();
        resume_unwind(Box::new(Died));
    }

    fn interrupt(&self, name: &str) {
        if let Some(interrupter) = &*self.interrupter.borrow() {
            interrupter.raise();
            self.house.sim.count(name);
            self.house.sim.note(|| name.to_owned());
        }
    }

    fn contexts(&self) -> BTreeMap<Name, ProviderContext> {
        let sim = &self.house.sim;
        let context = ProviderContext {
            service: Place::Embedded(sim.emulator.world_id().into()),
            region: sim.region.to_owned(),
            quotas: BTreeMap::new(),
            edition: sim.edition,
        };
        BTreeMap::from([("".into(), context)])
    }

    fn plan(
        &self,
        program: &Program,
        snapshot: &Snapshot,
        client: &Client,
        mode: PlanMode,
    ) -> (Plan, Diagnostics, Listings) {
        let input = PlanInput {
            program,
            snapshot,
            // An outsider may have deleted the one gateway there was.
            options: &PlanOptions { mode, allow_missing: true, ..PlanOptions::default() },
            providers: &self.contexts(),
            directives: &Directives::default(),
        };
        let reader = PlanReader { process: self, client, kept: RefCell::default() };
        let (plan, diagnostics) = natform::plan::plan(input, &reader);
        (plan, diagnostics, reader.kept.into_inner())
    }

    fn work(&self, asked: &Asked<'_>) -> Ended {
        let house = self.house;
        let environment = house.environment(asked.text);
        let planned = program(&environment);
        let mut store = Watched {
            inner: house.disk.open(&environment),
            sim: Arc::clone(&house.sim),
            disk: Arc::clone(&house.disk),
            mutation: house.mutation,
        };
        let lock = lock(&mut store);
        let run = RunRecord {
            id: format!("run-{}", house.processes.get()),
            command: "apply".to_owned(),
            who: "ann@desk".to_owned(),
            plan: None,
            started_at: house.sim.clock.now(),
            ended_at: None,
        };
        let mut services = Services {
            client: house.client(&environment),
            sim: Arc::clone(&house.sim),
            mutation: house.mutation,
            owned: None,
        };
        let snapshot = store.snapshot().unwrap();
        if !snapshot.open.is_empty() {
            let wanted = |entry: &JournalEntry| {
                asked.mode != PlanMode::Destroy
                    && still_wanted(&planned, &recorded(&snapshot), entry)
            };
            services.owned = Some(owned(&snapshot));
            self.recovering.set(true);
            let tools = (&run, &services, &environment);
            let outcome = self.within((&mut store, &lock), tools, async |context| {
                apply::recover(context, &wanted, asked.resolutions).await
            });
            self.recovering.set(false);
            services.owned = None;
            if outcome.interrupted || outcome.state_error.is_some() || outcome.failed > 0 {
                return Ended::Recovered(Box::new(outcome));
            }
        }
        let snapshot = store.snapshot().unwrap();
        let (plan, diagnostics, lists) =
            self.plan(&planned, &snapshot, &services.client, asked.mode);
        if diagnostics.has_errors() {
            return Ended::Refused(diagnostics);
        }
        house.sim.note(|| format!("plans\n{}", crate::seed::shown(&plan)));
        let (program, _) = Program::new_applying(
            Arc::clone(planned.configuration()),
            planned.variables().clone(),
            &environment,
            planned.plan_time(),
            None,
        );
        let clock = Arc::clone(&environment.clock);
        let reader = ServiceReader::new(house.runtime.handle().clone(), clock);
        let evaluator = Evaluator::new(&program, &plan, &reader).with_providers(self.contexts());
        let lists = BTreeMap::from([(String::new(), lists)]);
        let tools = (&run, &services, &environment);
        let outcome = self.within((&mut store, &lock), tools, async |context| {
            apply::apply(&plan, &evaluator, &lists, context).await
        });
        Ended::Applied(Box::new(outcome))
    }

    /// Has natform work with the state and the service; its interrupts come by `interrupt`.
    fn within(
        &self,
        (store, lock): (&mut Watched, &Lock),
        (run, services, environment): (&RunRecord, &Services, &Environment),
        work: impl AsyncFnOnce(ApplyContext<'_>) -> Outcome,
    ) -> Outcome {
        let sim = &self.house.sim;
        let (interrupter, interrupt) = apply::interrupt::channel();
        *self.interrupter.borrow_mut() = Some(interrupter);
        let observer = |event: ApplyEvent| {
            if let ApplyEvent::Recovered { operation, outcome, detail, .. } = &event {
                sim.note(|| {
                    format!("{}: {} {outcome:?}: {detail}", operation.address, operation.action)
                });
                let name = match outcome {
                    Recovery::Settled => "recovery: settled",
                    Recovery::Resent => "recovery: resent",
                    Recovery::Adopted => "recovery: adopted",
                    Recovery::Done => "recovery: done already",
                    Recovery::Abandoned => "recovery: abandoned",
                    Recovery::Stuck => "recovery: stuck",
                    Recovery::Open => "recovery: left open",
                };
                sim.count(name);
            }
        };
        let sleeper = VirtualTime(Arc::clone(sim));
        let context = ApplyContext {
            store,
            lock,
            run,
            service: services,
            clock: &*environment.clock,
            ids: &*environment.ids,
            sleeper: &sleeper,
            observer: &observer,
            interrupt,
            settings: self.house.mutation.settings(),
        };
        self.run(work(context))
    }
}

fn owned(snapshot: &Snapshot) -> BTreeSet<String> {
    let recorded = snapshot.instances.values().map(|instance| instance.id.clone());
    recorded.chain(snapshot.open.iter().filter_map(|entry| entry.object_id.clone())).collect()
}

fn lock(store: &mut Watched) -> Lock {
    let info = LockInfo {
        id: "l".to_owned(),
        who: "ann@desk".to_owned(),
        pid: 1,
        operation: "apply".to_owned(),
        since: Timestamp(0),
    };
    store.lock(&info, Duration::ZERO).unwrap()
}
