//! The loop that keeps operations going: it starts what may start, waits for whatever comes first,
//! and writes what all of it came to in one transaction.
//!
//! Everything that is to be durable before a call leaves is written before it is sent: outcomes and
//! new intents of one turn share a transaction. All waiting is done here, by one timer at a time.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::{FutureExt, LocalBoxFuture};
use futures_util::stream::{FuturesUnordered, StreamExt};

use crate::address::Address;
use crate::api::answer::Answer;
use crate::api::error::{ApiError, Class};
use crate::diagnostic::Diagnostic;
use crate::environment::Timestamp;
use crate::plan::{ChangeKind, Plan, Purpose};
use crate::refresh::Reading;
use crate::resources::{Listing, Listings, Object, ReadScope};
use crate::state::{Instance, InstanceKey, Snapshot, Status, Write};
use crate::value::Value;

use super::changed::Changed;
use super::evaluate::Evaluate;
use super::event::ApplyEvent;
use super::interrupt::Stage as Interrupted;
use super::pace::Pace;
use super::recovery::is_young;
use super::scheduler::Scheduler;
use super::settle::{Job, Key, Settling};
use super::task::{Stage, Task, Why};
use super::{ApplyContext, Outcome};

/// So long the service limits the rate before that is told.
const NOTICEABLE: std::time::Duration = std::time::Duration::from_secs(1);

/// What came.
pub(super) enum Event {
    /// The answer to a call.
    Answered(usize, Result<Answer, ApiError>),
    /// Lists for those who wait to be settled.
    Listed(Job, Listings),
    /// The list of what is there before creates.
    Noted(Key, Listing),
    /// Lists that tell what became of a call.
    Looked(usize, Listings),
}

impl Event {
    /// Returns whether the service answered without refusing a request as one too many.
    fn is_progress(&self) -> bool {
        let read = |listing: &Listing| !matches!(listing, Listing::Failed(_));
        match self {
            Self::Answered(_, Ok(_)) => true,
            Self::Answered(_, Err(error)) => {
                !error.is_too_many() && error.class != Class::Transient
            }
            Self::Noted(_, listing) => read(listing),
            Self::Listed(_, listings) | Self::Looked(_, listings) => listings.values().any(read),
        }
    }
}

/// What is to be done at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// The time of an operation is over.
    Deadline,
    /// A call is to be sent again.
    Send,
    /// Lists are to be read to find out what became of a call.
    Look,
    /// It is to be seen whether an object that is being deleted still holds what a create needs.
    Note,
    /// An operation is to be reported as still going.
    Report,
}

/// What apply and recovery share.
pub(super) struct Engine<'a> {
    pub(super) context: ApplyContext<'a>,
    pub(super) plan: Option<(&'a Plan, &'a dyn Evaluate)>,
    pub(super) scheduler: Option<Scheduler>,
    /// Operations under way.
    pub(super) tasks: BTreeMap<usize, Task>,
    next_task: usize,
    /// How many of them have a call in flight or are about to.
    pub(super) sending: usize,
    futures: FuturesUnordered<LocalBoxFuture<'a, Event>>,
    timers: BTreeSet<(Timestamp, Timer, usize)>,
    pub(super) writes: Vec<Write>,
    /// Tasks whose intents are among `writes`, in order.
    pub(super) intents: Vec<usize>,
    pub(super) settling: Settling,
    pub(super) pace: Pace,
    /// The recorded objects as they will be once `writes` are carried out.
    pub(super) instances: BTreeMap<InstanceKey, Instance>,
    /// Objects that the plan changes in place, as they shall be, until their last call is settled:
    /// what refers to them was planned with these values.
    pub(super) planned: BTreeMap<Address, Object>,
    /// The keys under which the plan deletes what its replacements set aside.
    pub(super) asides: BTreeMap<&'a Address, &'a str>,
    /// How many recorded objects and open operations have an id.
    owned: BTreeMap<String, u32>,
    /// Ids by natural key in lists that were read before creates.
    pub(super) noted: BTreeMap<Key, BTreeMap<String, Vec<String>>>,
    /// Ids of objects that were being deleted, in the same lists.
    pub(super) leaving: BTreeMap<Key, BTreeSet<String>>,
    /// Who waits for such a list.
    pub(super) noting: BTreeMap<Key, Vec<usize>>,
    /// Ids of what this run made: their lists are known to begin empty.
    pub(super) fresh: BTreeSet<String>,
    /// What was learned about lanes: names and values of lessons.
    pub(super) lessons: BTreeMap<String, String>,
    /// When operations of the plan were settled.
    pub(super) settled_at: BTreeMap<usize, Timestamp>,
    /// What lists said of objects, to notice what others change.
    pub(super) changed: Changed<'a>,
    pub(super) seen_stage: Interrupted,
    /// When the service last answered somebody without refusing it as one too many.
    pub(super) progress: Timestamp,
    /// Since when the service is known to limit the rate; and whether that was told.
    limited: (Option<Timestamp>, bool),
    /// Whether the service does not accept the credentials any more: nothing more is begun.
    pub(super) shut_out: bool,
    pub(super) outcome: Outcome,
}

impl<'a> Engine<'a> {
    pub(super) fn new(context: ApplyContext<'a>, snapshot: Snapshot) -> Self {
        let mut engine = Self {
            context,
            plan: None,
            scheduler: None,
            tasks: BTreeMap::new(),
            next_task: 0,
            sending: 0,
            futures: FuturesUnordered::new(),
            timers: BTreeSet::new(),
            writes: Vec::new(),
            intents: Vec::new(),
            settling: Settling::default(),
            pace: Pace::default(),
            instances: BTreeMap::new(),
            planned: BTreeMap::new(),
            asides: BTreeMap::new(),
            owned: BTreeMap::new(),
            noted: BTreeMap::new(),
            leaving: BTreeMap::new(),
            noting: BTreeMap::new(),
            fresh: BTreeSet::new(),
            lessons: snapshot.lessons,
            settled_at: BTreeMap::new(),
            changed: Changed::default(),
            seen_stage: Interrupted::Running,
            progress: Timestamp(0),
            limited: (None, false),
            shut_out: false,
            outcome: Outcome::default(),
        };
        engine.progress = engine.now();
        for instance in snapshot.instances.into_values() {
            engine.mirror(instance);
        }
        for entry in &snapshot.open {
            if let Some(id) = &entry.object_id {
                engine.own(id);
            }
        }
        engine
    }

    /// Runs until nothing is under way and nothing more may start.
    pub(super) async fn run(&mut self) {
        loop {
            self.start_operations();
            if !self.flush() || self.is_idle() {
                return;
            }
            let Some(event) = self.next().await else {
                // The second interrupt: the journal knows what is in flight.
                self.outcome.unfinished = self.tasks.len();
                return;
            };
            if let Some(event) = event {
                self.handle(event);
            }
            while let Some(Some(event)) = self.futures.next().now_or_never() {
                self.handle(event);
            }
            self.see_interrupt();
            self.act_on_time();
            self.tell_limit();
        }
    }

    /// Tells once that the service limits the rate, when that is so for a while.
    fn tell_limit(&mut self) {
        let (since, told) = self.limited;
        if told {
            return;
        }
        let Some(requests_per_second) = self.context.service.limit() else { return };
        let now = self.now();
        let since = since.unwrap_or(now);
        let tells = now.since(since) >= NOTICEABLE;
        self.limited = (Some(since), tells);
        if tells {
            self.tell(ApplyEvent::RateLimited { requests_per_second });
        }
    }

    fn is_idle(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Waits for what comes first: an answer, a time, or an interrupt (which is `Some(None)` as a
    /// time is). Returns `None` when the run is to end at once.
    async fn next(&mut self) -> Option<Option<Event>> {
        if self.context.interrupt.stage() == Interrupted::Leaving {
            return None;
        }
        let now = self.now();
        let due = self.timers.first().map(|(at, ..)| *at).into_iter().chain(self.settling.due());
        let wait = due.min().map(|at| at.since(now));
        let sleeper = self.context.sleeper;
        let interrupt = self.context.interrupt.clone();
        // Answers first: a virtual clock moves as soon as somebody waits for it.
        tokio::select! {
            biased;
            event = self.futures.next(), if !self.futures.is_empty() => Some(event),
            () = interrupt.later_than(self.seen_stage) => Some(None),
            () = async {
                match wait {
                    Some(wait) => sleeper.sleep(wait).await,
                    None => std::future::pending().await,
                }
            } => Some(None),
        }
    }

    fn see_interrupt(&mut self) {
        let stage = self.context.interrupt.stage();
        if stage > self.seen_stage {
            if self.seen_stage == Interrupted::Running {
                self.tell(ApplyEvent::Finishing { in_flight: self.tasks.len() });
            }
            self.seen_stage = stage;
            self.outcome.interrupted = true;
            self.context.service.stop_changes();
            self.drop_unaccepted();
        }
    }

    /// Gives up what waits to be sent, or sent again.
    fn drop_unaccepted(&mut self) {
        let waiting: Vec<(usize, Stage)> =
            self.tasks.iter().map(|(index, task)| (*index, task.stage)).collect();
        for (index, stage) in waiting {
            match stage {
                Stage::Noting => self.leave_out(index),
                Stage::Pausing => self.expired(index),
                _ => {}
            }
        }
    }

    fn handle(&mut self, event: Event) {
        if event.is_progress() {
            self.progress = self.now();
        }
        match event {
            Event::Answered(task, result) => self.answered(task, result),
            Event::Listed(mut job, listings) => {
                let now = self.now();
                for task in self.settling.finished(&mut job, &listings, now) {
                    let grown = self.settling.may_have_grown(&job);
                    self.judge(task, &job, &listings, grown);
                }
                self.changed.polled(&job.key.0, listings, job.sent.first);
            }
            Event::Noted(key, listing) => self.noted(key, &listing),
            Event::Looked(task, listings) => self.looked(task, &listings),
        }
    }

    /// Does what is due by now.
    fn act_on_time(&mut self) {
        let now = self.now();
        while let Some((at, timer, task)) = self.timers.first().copied()
            && at <= now
        {
            self.timers.remove(&(at, timer, task));
            let Some(stage) = self.tasks.get(&task).map(|task| task.stage) else { continue };
            match (timer, stage) {
                (Timer::Deadline, _) => self.expired(task),
                (Timer::Send, Stage::Pausing) => self.send_if_known(task),
                (Timer::Look, Stage::Looking(_)) => self.read_for_look(task),
                (Timer::Note, Stage::Noting) => self.note_or_intend(task),
                (Timer::Report, _) => self.report(task),
                _ => {}
            }
        }
        for job in self.settling.start(now) {
            self.read(job);
        }
    }

    /// Writes what has come together, then sends what was intended. False when the state cannot be
    /// written: then nothing more is sent.
    pub(super) fn flush(&mut self) -> bool {
        if self.outcome.state_error.is_some() {
            return false;
        }
        let writes = std::mem::take(&mut self.writes);
        let intents = std::mem::take(&mut self.intents);
        if writes.is_empty() {
            return true;
        }
        match self.context.store.commit(self.context.lock, writes) {
            Ok(ids) => {
                for (task, id) in intents.into_iter().zip(ids) {
                    if let Some(task) = self.tasks.get_mut(&task) {
                        task.entry.id = id;
                    }
                    self.send(task);
                }
                true
            }
            Err(error) => {
                self.outcome.unfinished = self.tasks.len();
                self.outcome.state_error = Some(error);
                false
            }
        }
    }

    /// Adds an operation that is under way.
    pub(super) fn add_task(&mut self, task: Task) -> usize {
        let index = self.next_task;
        self.next_task += 1;
        let first_report = task.started.after(self.context.settings.report_every);
        self.timers.insert((task.deadline, Timer::Deadline, index));
        self.timers.insert((first_report, Timer::Report, index));
        self.tasks.insert(index, task);
        index
    }

    pub(super) fn set_timer(&mut self, at: Timestamp, timer: Timer, task: usize) {
        self.timers.insert((at, timer, task));
    }

    fn report(&mut self, index: usize) {
        let now = self.now();
        let Some(task) = self.tasks.get(&index) else { return };
        let event = ApplyEvent::StillGoing {
            operation: task.name.clone(),
            elapsed: task.elapsed(now),
            waiting: task.waiting.clone(),
        };
        self.tell(event);
        self.set_timer(now.after(self.context.settings.report_every), Timer::Report, index);
    }

    /// Sends the call of a task again. A token that the service may have forgotten would make a second
    /// object, so it is looked first what became of a call that got no answer.
    fn send_if_known(&mut self, index: usize) {
        let (now, settings) = (self.now(), self.context.settings);
        let forgotten = self.tasks.get(&index).is_some_and(|task| {
            task.unsure && !task.looked && !is_young(&task.entry, now, &settings)
        });
        if forgotten { self.look(index, Why::Unsure) } else { self.send(index) }
    }

    /// Sends the call of a task.
    pub(super) fn send(&mut self, index: usize) {
        let service = self.context.service;
        let Some(task) = self.tasks.get_mut(&index) else { return };
        if task.stage != Stage::Sending {
            self.sending += 1;
            task.stage = Stage::Sending;
        }
        task.sends += 1;
        task.looked = false;
        let provider = task.entry.provider.clone();
        let call = task.call(service.takes_token(&provider, task.entry.action));
        self.futures.push(
            async move { Event::Answered(index, service.send(&provider, &call).await) }
                .boxed_local(),
        );
    }

    /// Reads lists for those who wait to be settled.
    fn read(&mut self, mut job: Job) {
        let service = self.context.service;
        self.futures.push(
            async move {
                let mut listings = Listings::new();
                for scope in &job.scopes {
                    let Reading { listing, sent } = if *scope == job.key.1 {
                        service.sought(&job.key.0, &job.sought).await
                    } else {
                        service.list(&job.key.0, scope).await
                    };
                    job.sent = if listings.is_empty() { sent } else { job.sent.and(sent) };
                    listings.insert(scope.clone(), listing);
                }
                Event::Listed(job, listings)
            }
            .boxed_local(),
        );
    }

    /// Reads a list before creates.
    pub(super) fn read_before_create(&mut self, key: Key) {
        let service = self.context.service;
        self.futures.push(
            async move {
                let Reading { listing, .. } = service.list(&key.0, &key.1).await;
                Event::Noted(key, listing)
            }
            .boxed_local(),
        );
    }

    /// Reads lists to find out what became of a task's call; with `id`, that object alone of the first
    /// list.
    pub(super) fn read_for_task(
        &mut self,
        index: usize,
        provider: String,
        scopes: Vec<ReadScope>,
        id: Option<String>,
    ) {
        let service = self.context.service;
        self.futures.push(
            async move {
                let mut listings = Listings::new();
                for (number, scope) in scopes.into_iter().enumerate() {
                    let Reading { listing, .. } = match id.as_ref().filter(|_| number == 0) {
                        Some(id) => service.single(&provider, &scope, id).await,
                        None => service.list(&provider, &scope).await,
                    };
                    listings.insert(scope, listing);
                }
                Event::Looked(index, listings)
            }
            .boxed_local(),
        );
    }

    pub(super) fn now(&self) -> Timestamp {
        self.context.clock.now()
    }

    pub(super) fn tell(&self, event: ApplyEvent) {
        self.context.observer.observe(event);
    }

    pub(super) fn complain(&mut self, diagnostic: Diagnostic) {
        self.outcome.diagnostics.push(diagnostic);
    }

    /// Records an object.
    pub(super) fn put(&mut self, instance: Instance) {
        self.writes.push(Write::Put(instance.clone().into()));
        self.mirror(instance);
    }

    /// Takes over an object that is recorded.
    fn mirror(&mut self, instance: Instance) {
        self.own(&instance.id.clone());
        if instance.deposed.is_none() {
            match self.coming(&instance) {
                Some(whole) => self.teach(&instance.address, Some(&whole)),
                None => self.teach(&instance.address, Some(&instance.object)),
            }
        }
        if let Some(before) = self.instances.insert(instance.key(), instance) {
            self.disown(&before.id);
        }
    }

    /// Returns what is recorded of an object that is being made, with what is to come still unknown:
    /// an expression may touch it on its way to something else.
    fn coming(&self, instance: &Instance) -> Option<Object> {
        let (plan, _) = self.plan.filter(|_| instance.status == Status::Creating)?;
        let found = plan
            .changes
            .binary_search_by(|c| (&c.address, &c.deposed).cmp(&(&instance.address, &None)))
            .ok()?;
        let planned = plan.changes[found].after.as_ref()?.iter();
        let unknown = planned.filter(|(_, value)| value.deep_unknown());
        let unknown: Object = unknown.map(|(n, v)| (n.clone(), v.clone())).collect();
        Some(instance.object.over(&unknown))
    }

    /// Tells the evaluation of an object: what is planned of it, and what is recorded of the rest.
    fn teach(&self, address: &Address, object: Option<&Object>) {
        let Some((_, evaluate)) = self.plan else { return };
        match (object, self.planned.get(address)) {
            (Some(object), Some(planned)) => evaluate.learn(address, Some(&planned.over(object))),
            _ => evaluate.learn(address, object),
        }
    }

    /// Notes that an instance is as planned, so that what is recorded of it counts.
    pub(super) fn is_as_planned(&mut self, address: &Address) {
        if self.planned.remove(address).is_some()
            && let Some(instance) = self.instances.get(&(address.clone(), None))
        {
            self.teach(address, Some(&instance.object));
        }
    }

    /// Notes that a call that is not the last one of a change in place has had its effect: what it
    /// makes is known from now on.
    pub(super) fn is_made(&mut self, address: &Address, operation: usize) {
        let Some((plan, _)) = self.plan else { return };
        let Some(planned) = self.planned.get_mut(address) else { return };
        for name in plan.operations[operation].makes.iter() {
            if planned.get(name).is_some_and(Value::deep_unknown) {
                planned.remove(name);
            }
        }
        if let Some(instance) = self.instances.get(&(address.clone(), None)) {
            self.teach(address, Some(&instance.object));
        }
    }

    /// Takes over a plan, and tells its evaluation of all objects.
    pub(super) fn set_plan(&mut self, plan: &'a Plan, evaluate: &'a dyn Evaluate) {
        self.plan = Some((plan, evaluate));
        for change in plan.changes.iter().filter(|c| c.kind == ChangeKind::Update) {
            if let Some(after) = &change.after {
                self.planned.insert(change.address.clone(), after.clone());
            }
        }
        for operation in plan.operations.iter().filter(|o| o.purpose == Purpose::Delete) {
            if let Some(key) = &operation.deposed {
                self.asides.entry(&operation.address).or_insert(key);
            }
        }
        for instance in self.instances.values().filter(|i| i.deposed.is_none()) {
            self.teach(&instance.address, Some(&instance.object));
        }
        // What is replaced was planned as it will be: what it is says nothing to others any more.
        for change in &plan.changes {
            if let (ChangeKind::Replace { .. }, Some(after)) = (change.kind, &change.after) {
                evaluate.learn(&change.address, Some(after));
            }
        }
    }

    /// Forgets an object.
    pub(super) fn remove(&mut self, key: InstanceKey) {
        if let Some(before) = self.instances.remove(&key) {
            self.disown(&before.id);
            if key.1.is_none() {
                self.teach(&key.0, None);
            }
            self.writes.push(Write::Remove(key));
        }
    }

    /// Moves an object to another key, which must be free.
    pub(super) fn relocate(&mut self, from: InstanceKey, to: InstanceKey) {
        let Some(mut instance) = self.instances.remove(&from) else { return };
        if from.1.is_none() {
            self.teach(&from.0, None);
        }
        (instance.address, instance.deposed) = to.clone();
        if instance.deposed.is_none() {
            self.teach(&instance.address, Some(&instance.object));
        }
        self.instances.insert(to.clone(), instance);
        self.writes.push(Write::Move(from, to));
    }

    /// Returns whether a recorded object or an open operation has this id.
    pub(super) fn is_owned(&self, id: &str) -> bool {
        self.owned.contains_key(id)
    }

    pub(super) fn own(&mut self, id: &str) {
        if !id.is_empty() {
            *self.owned.entry(id.to_owned()).or_default() += 1;
        }
    }

    pub(super) fn disown(&mut self, id: &str) {
        if let Some(count) = self.owned.get_mut(id) {
            *count -= 1;
            if *count == 0 {
                self.owned.remove(id);
            }
        }
    }
}
