//! Planner, client, emulator and state of one configuration, on one thread and in virtual time.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use natform::address::Address;
use natform::api::answer::Answer;
use natform::api::call::Call;
use natform::api::catalogue::{Action, Edition};
use natform::api::client::{Client, ClientSettings};
use natform::api::credentials::Credentials;
use natform::api::endpoint::Endpoint;
use natform::api::error::ApiError;
use natform::api::http::{BoxFuture, HttpRequest, HttpResponse, Transport, TransportError};
use natform::api::log::NoLog;
use natform::api::sleep::{Sleep, VirtualSleep};
use natform::apply::{
    self, ApplyContext, ApplyEvent, Evaluate, Interrupt, Outcome, Resolution, Service,
};
use natform::command::planning::directives;
use natform::command::service::still_wanted;
use natform::configuration;
use natform::diagnostic::Diagnostics;
use natform::emulator::{Emulator, InProcess, Settings};
use natform::environment::{Clock, Environment, ManualClock, MemoryFiles, SeededIds, Timestamp};
use natform::plan::program::{ObjectMap, Program};
use natform::plan::{Plan, PlanInput, PlanOptions, ProviderContext, Purpose};
use natform::refresh::{Reader, Reading, ServiceReader, read_list, read_object, read_sought};
use natform::resources::{self, Listings, Object, ReadScope, Sought};
use natform::state::{
    JournalEntry, Lock, LockInfo, RunRecord, Service as Place, Snapshot, SqliteStore, Store,
};
use natform::value::{Name, Value};

use crate::latency::{Latency, Queued, Slow};
use crate::limits::{Limiter, Limits};

/// What a process that dies unwinds with.
struct Died;

/// Carries requests until the process dies.
struct Mortal {
    inner: InProcess,
    /// Requests left to live; `usize::MAX` while it does not count.
    left: AtomicUsize,
    /// Whether the last request reaches the service.
    delivers: AtomicBool,
    /// The action whose call it dies of, and how many of them are left.
    dies_of: Mutex<Option<(String, usize)>>,
    /// Planning is not what dies.
    immune: AtomicBool,
}

impl Mortal {
    /// Returns whether this is the request to die of.
    fn is_last(&self, request: &HttpRequest) -> bool {
        if self.immune.load(Ordering::Relaxed) {
            return false;
        }
        let left = self.left.load(Ordering::Relaxed);
        if left != usize::MAX {
            self.left.store(left.saturating_sub(1), Ordering::Relaxed);
            return left <= 1;
        }
        let mut dies_of = self.dies_of.lock().unwrap();
        let Some((action, nth)) = &mut *dies_of else { return false };
        if !request.target.contains(&format!("Action={action}&")) {
            return false;
        }
        *nth -= 1;
        *nth == 0
    }
}

impl Transport for Mortal {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, TransportError>> {
        Box::pin(async move {
            if !self.is_last(&request) {
                return self.inner.send(request).await;
            }
            if self.delivers.load(Ordering::Relaxed) {
                let _ = self.inner.send(request).await;
            }
            // As a signal would: nothing runs any more but what gives the lock back.
            std::panic::resume_unwind(Box::new(Died));
        })
    }
}

/// Sends and reads through a client of each provider.
struct Services {
    clients: BTreeMap<&'static str, Client>,
    clock: ManualClock,
    edition: Edition,
}

impl Services {
    fn deadline(&self) -> Timestamp {
        self.clock.now().after(Duration::from_secs(120))
    }

    fn of(&self, provider: &str) -> &Client {
        &self.clients[provider]
    }
}

impl Service for Services {
    fn send<'a>(&'a self, to: &'a str, call: &'a Call) -> BoxFuture<'a, Result<Answer, ApiError>> {
        Box::pin(self.of(to).send(call))
    }

    fn list<'a>(&'a self, of: &'a str, scope: &'a ReadScope) -> BoxFuture<'a, Reading> {
        Box::pin(read_list(self.of(of), scope, self.deadline()))
    }

    fn single<'a>(
        &'a self,
        of: &'a str,
        scope: &'a ReadScope,
        id: &'a str,
    ) -> BoxFuture<'a, Reading> {
        Box::pin(read_object(self.of(of), scope, id, self.deadline()))
    }

    fn sought<'a>(&'a self, of: &'a str, sought: &'a Sought) -> BoxFuture<'a, Reading> {
        Box::pin(read_sought(self.of(of), sought, self.deadline()))
    }

    fn takes_token(&self, _: &str, action: Action) -> bool {
        action.takes_token(self.edition)
    }
}

struct Evaluator<'a>(&'a Program, Mutex<ObjectMap>);

impl Evaluate for Evaluator<'_> {
    fn learn(&self, address: &Address, object: Option<&Object>) {
        let mut known = self.1.lock().unwrap();
        match object {
            Some(object) => known.set(address, object.clone()),
            None => known.remove(address),
        }
    }

    fn object(&self, address: &Address, purpose: Purpose) -> Result<Object, Diagnostics> {
        let (configured, diagnostics) = self.0.instance(address, &*self.1.lock().unwrap());
        if diagnostics.has_errors() {
            return Err(diagnostics);
        }
        let mut object = configured.object;
        resources::lookup(address.kind()).unwrap().normalise(&mut object);
        let names: Vec<Name> = object.iter().map(|(name, _)| name.clone()).collect();
        for name in names.iter().filter(|_| purpose == Purpose::Update) {
            if self.ignores(address, name) {
                object.remove(name);
            }
        }
        Ok(object)
    }

    fn ignores(&self, address: &Address, attribute: &str) -> bool {
        self.0.block(&address.resource).is_some_and(|block| {
            let lifecycle = &block.lifecycle;
            lifecycle.ignore_all || lifecycle.ignore_changes.iter().any(|i| *i.text == *attribute)
        })
    }

    fn outputs(&self) -> (BTreeMap<Name, Value>, Diagnostics) {
        self.0.outputs(&*self.1.lock().unwrap())
    }
}

pub(crate) struct Bench {
    directory: tempfile::TempDir,
    pub(crate) clock: ManualClock,
    pub(crate) emulator: Arc<Emulator>,
    edition: Edition,
    mortal: Arc<Mortal>,
    /// Regions of the providers by alias, `""` the default one.
    pub(crate) regions: BTreeMap<&'static str, &'static str>,
    /// Limits as the provider blocks set them.
    pub(crate) quotas: BTreeMap<Name, u64>,
    /// How long requests of an apply take; none lets all happen at once.
    pub(crate) latency: Option<Arc<Latency>>,
    /// What the service bears of an apply's requests; none bears all.
    pub(crate) limits: Option<Limits>,
    limiter: RefCell<Option<Arc<Limiter>>>,
    pub(crate) parallelism: usize,
    runs: Cell<u64>,
    /// Each environment draws other ids.
    environments: Cell<u64>,
    pub(crate) events: Arc<Mutex<Vec<ApplyEvent>>>,
}

impl Bench {
    pub(crate) fn new(settings: Settings) -> Self {
        Self::in_region(settings, "cn-hangzhou")
    }

    pub(crate) fn in_region(settings: Settings, region: &'static str) -> Self {
        let clock = ManualClock::at(Timestamp(1_700_000_000_000));
        let edition = settings.edition;
        let emulator = Arc::new(Emulator::open(settings, Arc::new(clock.clone())).unwrap());
        let mortal = Mortal {
            inner: InProcess::new(Arc::clone(&emulator)),
            left: AtomicUsize::new(usize::MAX),
            delivers: AtomicBool::new(false),
            dies_of: Mutex::default(),
            immune: AtomicBool::new(false),
        };
        Self {
            directory: tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap(),
            clock,
            emulator,
            edition,
            mortal: Arc::new(mortal),
            regions: [("", region)].into(),
            quotas: BTreeMap::new(),
            latency: None,
            limits: None,
            limiter: RefCell::default(),
            parallelism: apply::Settings::default().parallelism,
            runs: Cell::new(0),
            environments: Cell::new(0),
            events: Arc::default(),
        }
    }

    /// Lets the process die at the n-th request of the next applies, from 1.
    pub(crate) fn die_at(&self, request: usize, delivers: bool) {
        self.mortal.left.store(request, Ordering::Relaxed);
        self.mortal.delivers.store(delivers, Ordering::Relaxed);
    }

    /// Lets the process die at the n-th call of an action, from 1.
    pub(crate) fn die_of(&self, action: &str, nth: usize, delivers: bool) {
        *self.mortal.dies_of.lock().unwrap() = Some((action.to_owned(), nth));
        self.mortal.delivers.store(delivers, Ordering::Relaxed);
    }

    /// Sends a call as somebody else would, who knows nothing of natform.
    pub(crate) fn outsider(&self, action: Action, parameters: &[(&str, &str)]) -> Answer {
        self.try_outsider(self.regions[""], action, parameters).unwrap()
    }

    /// The same in any region, and with what the service answers.
    pub(crate) fn try_outsider(
        &self,
        region: &str,
        action: Action,
        parameters: &[(&str, &str)],
    ) -> Result<Answer, ApiError> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let client = self.client(&self.environment(""), region);
        let call = Call::new(action).with("RegionId", region);
        let call = parameters.iter().fold(call, |call, (name, value)| call.with(name, *value));
        runtime.block_on(client.send(&call))
    }

    /// Returns the calls that changed something and were refused.
    pub(crate) fn refusals(&self) -> Vec<String> {
        let calls = self.emulator.calls().into_iter();
        calls
            .filter(|call| call.status >= 400)
            .filter(|call| Action::from_name(&call.action).is_none_or(Action::mutates))
            .map(|call| format!("{} {:?}: {:?}", call.action, call.parameters, call.code))
            .collect()
    }

    fn environment(&self, text: &str) -> Environment {
        self.environments.set(self.environments.get() + 1);
        let files = BTreeMap::from([(PathBuf::from("/work/main.nat.hcl"), text.into())]);
        Environment {
            clock: Arc::new(self.clock.clone()),
            ids: Arc::new(SeededIds::new(self.environments.get())),
            files: Arc::new(MemoryFiles(files)),
            variables: Arc::default(),
            working_directory: "/work".into(),
        }
    }

    fn client(&self, environment: &Environment, region: &str) -> Client {
        let settings = ClientSettings::new(Endpoint::Embedded, Credentials::test_account(), region);
        let transport: Arc<dyn Transport> = Arc::<Mortal>::clone(&self.mortal);
        let sleeper = Arc::new(VirtualSleep::new(self.clock.clone()));
        Client::new(settings, transport, environment, sleeper, Arc::new(NoLog))
    }

    /// Returns the client of a region for an apply, whose requests take their time.
    fn client_of_run(&self, environment: &Environment, region: &str) -> Client {
        let Some(latency) = &self.latency else { return self.client(environment, region) };
        let mut settings =
            ClientSettings::new(Endpoint::Embedded, Credentials::test_account(), region);
        settings.parallelism = self.parallelism;
        let inner: Arc<dyn Transport> = Arc::<Mortal>::clone(&self.mortal);
        let limiter = Arc::new(Limiter::new(inner, self.clock.clone(), self.limits.clone()));
        *self.limiter.borrow_mut() = Some(Arc::clone(&limiter));
        let transport = Arc::new(Slow { inner: limiter, latency: Arc::clone(latency) });
        let sleeper = Arc::new(Queued(Arc::clone(latency)));
        Client::new(settings, transport, environment, sleeper, Arc::new(NoLog))
    }

    /// Returns a client as an apply has it.
    pub(crate) fn limited_client(&self) -> Client {
        self.client_of_run(&self.environment(""), self.regions[""])
    }

    /// Returns what counts the requests of the client that was made last.
    pub(crate) fn limiter(&self) -> Arc<Limiter> {
        Arc::clone(self.limiter.borrow().as_ref().unwrap())
    }

    fn reader(&self, runtime: &tokio::runtime::Runtime) -> ServiceReader {
        let environment = self.environment("");
        let clock = Arc::new(self.clock.clone());
        let reader = ServiceReader::new(runtime.handle().clone(), clock);
        self.regions.iter().fold(reader, |reader, (alias, region)| {
            reader.with_provider(alias, self.client(&environment, region))
        })
    }

    fn store(&self, environment: &Environment) -> SqliteStore {
        SqliteStore::new(self.directory.path().join("natform.db"), environment)
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        self.store(&self.environment("")).snapshot().unwrap()
    }

    pub(crate) fn program(&self, text: &str) -> Program {
        let environment = self.environment(text);
        let (configuration, diagnostics) =
            configuration::load(&environment, &environment.working_directory);
        assert!(!diagnostics.has_errors(), "{diagnostics:#?}");
        let configuration = Arc::new(configuration);
        let (program, diagnostics) = Program::new(configuration, BTreeMap::new(), &environment);
        assert!(!diagnostics.has_errors(), "{diagnostics:#?}");
        program
    }

    /// Plans with what is live.
    pub(crate) fn plan(&self, program: &Program) -> Plan {
        let (plan, diagnostics) = self.attempt(program);
        assert!(!diagnostics.has_errors(), "{diagnostics:#?}");
        plan
    }

    /// Plans with what is live, whatever comes of it.
    pub(crate) fn attempt(&self, program: &Program) -> (Plan, Diagnostics) {
        self.attempt_with(program, &PlanOptions::default())
    }

    pub(crate) fn attempt_with(
        &self,
        program: &Program,
        options: &PlanOptions,
    ) -> (Plan, Diagnostics) {
        self.mortal.immune.store(true, Ordering::Relaxed);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let context = |region: &&str| ProviderContext {
            service: Place::Embedded(self.emulator.world_id().into()),
            region: (*region).to_owned(),
            edition: self.edition,
            quotas: self.quotas.clone(),
        };
        let providers = self.regions.iter();
        let providers = providers.map(|(alias, region)| ((*alias).into(), context(region)));
        let snapshot = self.snapshot();
        let (directives, found) = directives(program, &snapshot);
        assert!(!found.has_errors(), "{found:#?}");
        let input = PlanInput {
            program,
            snapshot: &snapshot,
            options,
            providers: &providers.collect(),
            directives: &directives,
        };
        let done = natform::plan::plan(input, &self.reader(&runtime));
        self.mortal.immune.store(false, Ordering::Relaxed);
        done
    }

    /// Does what `natform apply` does: recovery, plan, apply. None when it died before the apply.
    pub(crate) fn apply(&self, text: &str) -> Option<Outcome> {
        let program = self.program(text);
        let recovered = self.recover(text, &[])?;
        assert!(recovered.diagnostics.is_empty(), "{recovered:#?}");
        let plan = self.plan(&program);
        self.carry_out(&program, &plan, None)
    }

    /// Does what `natform recover` does with a configuration.
    pub(crate) fn recover(&self, text: &str, resolutions: &[Resolution]) -> Option<Outcome> {
        let program = self.program(text);
        let snapshot = self.snapshot();
        let mut objects = ObjectMap::new();
        for instance in snapshot.instances.values().filter(|i| i.deposed.is_none()) {
            objects.set(&instance.address, instance.object.clone());
        }
        let wanted = |entry: &JournalEntry| still_wanted(&program, &objects, entry);
        self.within(None, async |context| apply::recover(context, &wanted, resolutions).await)
    }

    /// Applies a plan; with a digest, as a saved one.
    pub(crate) fn carry_out(
        &self,
        program: &Program,
        plan: &Plan,
        digest: Option<&str>,
    ) -> Option<Outcome> {
        self.carry_out_after(program, plan, digest, &BTreeMap::new())
    }

    /// Reads lists as an apply does before its first call.
    pub(crate) fn lists(&self, scopes: &[ReadScope]) -> BTreeMap<String, Listings> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        [(String::new(), self.reader(&runtime).lists("", scopes))].into()
    }

    /// Applies a plan after these lists were read.
    pub(crate) fn carry_out_after(
        &self,
        program: &Program,
        plan: &Plan,
        digest: Option<&str>,
        lists: &BTreeMap<String, Listings>,
    ) -> Option<Outcome> {
        let evaluator = Evaluator(program, Mutex::default());
        self.within(digest, async |context| apply::apply(plan, &evaluator, lists, context).await)
    }

    fn lock(store: &mut SqliteStore) -> Lock {
        let info = LockInfo {
            id: "l".to_owned(),
            who: "ann@desk".to_owned(),
            pid: 1,
            operation: "apply".to_owned(),
            since: Timestamp(0),
        };
        store.lock(&info, Duration::ZERO).unwrap()
    }

    /// None when the process died.
    fn within(
        &self,
        digest: Option<&str>,
        f: impl AsyncFnOnce(ApplyContext<'_>) -> Outcome,
    ) -> Option<Outcome> {
        self.runs.set(self.runs.get() + 1);
        let environment = self.environment("");
        let mut store = self.store(&environment);
        let lock = Self::lock(&mut store);
        let earlier = digest.and_then(|digest| store.run_of_plan(digest).unwrap());
        let run = earlier.unwrap_or_else(|| RunRecord {
            id: format!("run-{}", self.runs.get()),
            command: "apply".to_owned(),
            who: "ann@desk".to_owned(),
            plan: digest.map(str::to_owned),
            started_at: self.clock.now(),
            ended_at: None,
        });
        let clients = self.regions.iter();
        let clients =
            clients.map(|(alias, region)| (*alias, self.client_of_run(&environment, region)));
        let services = Services {
            clients: clients.collect(),
            clock: self.clock.clone(),
            edition: self.edition,
        };
        let events = Arc::clone(&self.events);
        let observer = move |event: ApplyEvent| events.lock().unwrap().push(event);
        let at_once = VirtualSleep::new(self.clock.clone());
        let queued = self.latency.clone().map(Queued);
        let sleeper: &dyn Sleep = match &queued {
            Some(queued) => queued,
            None => &at_once,
        };
        let context = ApplyContext {
            store: &mut store,
            lock: &lock,
            run: &run,
            service: &services,
            clock: &*environment.clock,
            ids: &*environment.ids,
            sleeper,
            observer: &observer,
            interrupt: Interrupt::never(),
            settings: apply::Settings {
                parallelism: self.parallelism,
                ..apply::Settings::default()
            },
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let work = std::panic::AssertUnwindSafe(|| match &self.latency {
            Some(latency) => latency.run(f(context)),
            None => runtime.block_on(f(context)),
        });
        match std::panic::catch_unwind(work) {
            Ok(outcome) => Some(outcome),
            Err(reason) if reason.is::<Died>() => {
                self.mortal.left.store(usize::MAX, Ordering::Relaxed);
                *self.mortal.dies_of.lock().unwrap() = None;
                None
            }
            Err(reason) => std::panic::resume_unwind(reason),
        }
    }

    /// Applies until it is done, however often the process dies.
    pub(crate) fn converge(&self, text: &str) {
        for attempt in 0.. {
            assert!(attempt < 5, "does not converge");
            if let Some(outcome) = self.apply(text) {
                assert!(outcome.is_success(), "{outcome:#?}");
                return;
            }
        }
    }

    /// Checks that the state holds exactly what the world holds, and that nothing is left to do.
    pub(crate) fn assert_converged(&self, text: &str) {
        self.clock.advance(Duration::from_secs(10));
        let snapshot = self.snapshot();
        // Shared bandwidth is no package any more.
        let managed = snapshot.instances.values().filter(|i| !i.object.flag("convert_to_shared"));
        let mut recorded: Vec<&str> = managed.map(|i| &*i.id).collect();
        // Packages that a gateway was made with are recorded with it.
        let objects = snapshot.instances.values().map(|i| &i.object);
        recorded.extend(objects.flat_map(resources::nat_gateway::made_with));
        recorded.sort_unstable();
        recorded.dedup();
        let dump = self.emulator.with_world(|world, _| world.dump()).unwrap();
        let gateways = dump.gateways.iter().map(|o| &*o.id);
        let packages = dump.bandwidth_packages.iter().map(|o| &*o.id);
        let entries = dump.forward_entries.iter().map(|o| &*o.id);
        let sources = dump.snat_entries.iter().map(|o| &*o.id);
        let mut there: Vec<&str> = gateways.chain(packages).chain(entries).chain(sources).collect();
        there.sort_unstable();
        assert_eq!(recorded, there);
        assert!(snapshot.open.is_empty(), "{:#?}", snapshot.open);
        let plan = self.plan(&self.program(text));
        let changes: Vec<_> =
            plan.changes.iter().filter(|c| c.kind != natform::plan::ChangeKind::NoOp).collect();
        assert!(!plan.has_changes(), "{changes:#?} {:#?}", plan.outputs);
        assert!(plan.drift.is_empty(), "{:#?}", plan.drift);
    }

    pub(crate) fn took(&self, f: impl FnOnce()) -> Duration {
        let before = self.clock.now();
        f();
        self.clock.now().since(before)
    }
}
