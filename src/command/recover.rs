//! `recover`: finishes what earlier runs left unfinished, and nothing else.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use super::arguments::Recover as Arguments;
use super::failure::{Exit, Failure};
use super::planning::{self, Prepared};
use super::progress::Progress;
use super::providers::Providers;
use super::running::{self, Recovering, Running};
use super::service::service;
use super::{Session, interrupt, lock};
use crate::address::{Address, Target};
use crate::apply::event::{ApplyEvent, Observer};
use crate::apply::recovery::Foresight;
use crate::apply::{self, Candidate, Intention, Outcome, Resolution};
use crate::diagnostic::{Diagnostic, Diagnostics, SourceMap, json as diagnostic_json};
use crate::report;
use crate::report::paint::Paint;
use crate::report::recover::{
    CandidateDocument, FORMAT_VERSION, RecoveryDocument, RecoveryOperation, UnlikeDocument,
};
use crate::state::{JournalEntry, Phase, RECOVER, Snapshot, Store};

/// Runs the command.
pub fn run(session: &Session, arguments: &Arguments) -> Result<Exit, Failure> {
    let resolutions = resolutions(arguments)?;
    let command = Recover { session, arguments, resolutions };
    let mut prepared = planning::prepare(session, &arguments.variables)?;
    if arguments.dry_run { command.foretell(&prepared) } else { command.carry_out(&mut prepared) }
}

struct Recover<'a> {
    session: &'a Session,
    arguments: &'a Arguments,
    resolutions: Vec<Resolution>,
}

/// Keeps what happened, and shows it as it happens.
struct Watching<'a> {
    progress: Option<&'a Progress<'a>>,
    seen: Mutex<Vec<ApplyEvent>>,
}

impl Observer for Watching<'_> {
    fn observe(&self, event: ApplyEvent) {
        if let Some(progress) = self.progress {
            progress.observe(event.clone());
        }
        if matches!(event, ApplyEvent::Recovered { .. }) {
            self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(event);
        }
    }
}

impl Recover<'_> {
    /// Tells what recovery would do. Takes no lock and writes nothing.
    fn foretell(&self, prepared: &Prepared) -> Result<Exit, Failure> {
        let snapshot = read_state(prepared)?;
        if let Some(warning) = planning::gone_state(&prepared.store, &snapshot) {
            self.session.warn_one(warning);
        }
        if let Some(warning) = lock::under_way(&prepared.store, &snapshot) {
            self.session.warn_one(warning);
        }
        let mut operations = Vec::new();
        if !snapshot.open.is_empty() {
            let flags = &self.arguments.service;
            let providers = planning::connect(self.session, prepared, &snapshot, flags)?;
            operations = self.described(prepared, &snapshot, &providers);
            self.find_candidates(
                prepared,
                (&snapshot, &snapshot.open),
                &providers,
                &mut operations,
            );
        }
        let unfinished = operations.len();
        let document = self.document(&snapshot, operations, unfinished);
        if self.arguments.json {
            self.session.print_json(&document)?;
        } else {
            let paint = Paint { on: self.session.terminal.colour };
            self.session.terminal.print(&report::recover::dry_run(&document, paint))?;
        }
        let stuck = snapshot.open.iter().any(|entry| entry.phase == Phase::Stuck);
        Ok(if stuck { Exit::Failed } else { Exit::Done })
    }

    fn carry_out(&self, prepared: &mut Prepared) -> Result<Exit, Failure> {
        let timeout = self.arguments.lock_timeout;
        let lock = lock::take(self.session, &mut prepared.store, RECOVER, timeout)?;
        let before = read_state(prepared)?;
        planning::refuse_gone_state(&prepared.store, &before)?;
        if before.open.is_empty() {
            let document = self.document(&before, Vec::new(), 0);
            return match self.resolutions.first() {
                None => self.finish(&document, Exit::Done),
                Some(resolution) => Err(apply::nothing_to_recover(resolution.address()).into()),
            };
        }
        let flags = &self.arguments.service;
        let providers = planning::connect(self.session, prepared, &before, flags)?;
        let mut operations = self.described(prepared, &before, &providers);
        let record = running::record(self.session, &lock, RECOVER, None);
        let running = Running { session: self.session, events: None, flags };
        let progress = Progress::new(&self.session.terminal, None, before.open.len());
        let watching = Watching {
            progress: (!self.arguments.json).then_some(&progress),
            seen: Mutex::default(),
        };
        let how = Recovering { resolutions: &self.resolutions, destroying: false, alone: true };
        let outcome =
            running.recover(prepared, (&lock, &record), (&providers, &before), &watching, &how)?;
        progress.end();
        if !self.arguments.json {
            running.report(&outcome, prepared)?;
        }
        let after = read_state(prepared)?;
        let seen = watching.seen.into_inner().unwrap_or_else(PoisonError::into_inner);
        let runs: BTreeSet<&str> = before.open.iter().map(|entry| entry.run.as_str()).collect();
        let mut rows = Vec::new();
        for run in runs {
            rows.extend(prepared.store.entries_of_run(run).map_err(|error| error.diagnostic())?);
        }
        for (operation, entry) in operations.iter_mut().zip(&before.open) {
            conclude(operation, entry, &rows, &seen);
        }
        self.find_candidates(prepared, (&after, &before.open), &providers, &mut operations);
        let mut document = self.document(&after, operations, after.open.len());
        let found = running::diagnostics(&outcome, &prepared.program);
        document.diagnostics =
            diagnostic_json::to_json(&self.session.natural(&found), prepared.sources());
        self.finish(&document, end(&outcome, &after))
    }

    fn finish(&self, document: &RecoveryDocument, exit: Exit) -> Result<Exit, Failure> {
        if self.arguments.json {
            self.session.print_json(document)?;
        } else {
            let paint = Paint { on: self.session.terminal.colour };
            self.session.terminal.print(&report::recover::verdict(document, paint))?;
        }
        Ok(exit)
    }

    fn described(
        &self,
        prepared: &Prepared,
        snapshot: &Snapshot,
        providers: &Providers,
    ) -> Vec<RecoveryOperation> {
        let foresight = running::foresight(self.session, &prepared.program, snapshot, providers);
        let decided = snapshot.open.iter().map(|entry| {
            self.resolutions.iter().any(|resolution| *resolution.address() == entry.address)
        });
        let rows = snapshot.open.iter().zip(foresight).zip(decided);
        rows.map(|((entry, foresight), decided)| describe(entry, foresight, decided)).collect()
    }

    /// Adds the objects that operations may have made which are looked for or left to the user.
    fn find_candidates(
        &self,
        prepared: &Prepared,
        (snapshot, entries): (&Snapshot, &[JournalEntry]),
        providers: &Providers,
        operations: &mut [RecoveryOperation],
    ) {
        let service = service(providers, &self.session.environment.clock);
        for (operation, entry) in operations.iter_mut().zip(entries) {
            let open = snapshot.open.iter().find(|open| open.id == entry.id);
            let Some(open) = open.filter(|open| {
                open.phase == Phase::Stuck
                    || (self.arguments.dry_run && operation.intention == word(Intention::LookFor))
            }) else {
                continue;
            };
            let work = apply::candidates(open, snapshot, &service);
            match prepared.runtime.block_on(work) {
                Ok(found) => {
                    operation.candidates = found.into_iter().map(candidate).collect();
                    let only = !operation.candidates.is_empty()
                        && operation.candidates.iter().all(|found| !found.unlike.is_empty());
                    if only && open.phase != Phase::Stuck {
                        operation.why = String::from(
                            "it will be left to you: what it may have made is not as it asked for, \
                             and may be somebody else's",
                        );
                    }
                }
                Err(why) => {
                    let summary = format!("cannot list what `{}` may have made", operation.address);
                    self.session.warn_one(
                        Diagnostic::warning("candidates-unread", summary)
                            .detail(format!("{why}."))
                            .help("try again when the service can be reached"),
                    );
                }
            }
        }
    }

    fn document(
        &self,
        snapshot: &Snapshot,
        operations: Vec<RecoveryOperation>,
        unfinished: usize,
    ) -> RecoveryDocument {
        RecoveryDocument {
            format_version: FORMAT_VERSION.to_owned(),
            natform_version: env!("CARGO_PKG_VERSION").to_owned(),
            dry_run: self.arguments.dry_run,
            lineage: snapshot.lineage.clone(),
            serial: snapshot.serial,
            operations,
            unfinished,
            diagnostics: diagnostic_json::to_json(&Diagnostics::new(), &SourceMap::default()),
        }
    }
}

fn read_state(prepared: &Prepared) -> Result<Snapshot, Failure> {
    Ok(prepared.store.snapshot().map_err(|error| error.diagnostic())?)
}

fn end(outcome: &Outcome, after: &Snapshot) -> Exit {
    if outcome.interrupted {
        return interrupt::exit();
    }
    let refused = outcome.failed > 0 && outcome.recovered == 0;
    let failed = refused || outcome.state_error.is_some() || !after.open.is_empty();
    if failed { Exit::Failed } else { Exit::Done }
}

/// Returns the word by which documents name what recovery does.
fn word(intention: Intention) -> String {
    match serde_json::to_value(intention) {
        Ok(serde_json::Value::String(text)) => text,
        _ => String::new(),
    }
}

fn describe(entry: &JournalEntry, foresight: Foresight, decided: bool) -> RecoveryOperation {
    RecoveryOperation {
        address: entry.address.to_string(),
        deposed: entry.deposed.clone(),
        action: entry.action.name().to_owned(),
        phase: entry.phase,
        run: entry.run.clone(),
        intended_at: entry.intended_at.iso8601(),
        updated_at: entry.updated_at.iso8601(),
        id: entry.object_id.clone(),
        intention: word(foresight.intention),
        why: if decided { String::from("you decide") } else { foresight.why },
        outcome: None,
        detail: None,
        candidates: Vec::new(),
    }
}

/// Adds what came of an operation: what its row in the journal says now, and what was told of it.
fn conclude(
    operation: &mut RecoveryOperation,
    entry: &JournalEntry,
    after: &[JournalEntry],
    seen: &[ApplyEvent],
) {
    if let Some(now) = after.iter().find(|now| now.id == entry.id) {
        operation.phase = now.phase;
        operation.updated_at = now.updated_at.iso8601();
        operation.id.clone_from(&now.object_id);
    }
    let told = seen.iter().find_map(|event| match event {
        ApplyEvent::Recovered { operation: name, outcome, detail, .. }
            if name.address == entry.address
                && name.deposed == entry.deposed
                && name.action == entry.action
                && name.step == entry.step =>
        {
            Some((*outcome, detail))
        }
        _ => None,
    });
    if let Some((outcome, detail)) = told {
        let word = serde_json::to_value(outcome).unwrap_or_default();
        operation.outcome = word.as_str().map(str::to_owned);
        operation.detail = Some(detail.clone());
    }
}

fn candidate(found: Candidate) -> CandidateDocument {
    let unlike = found.unlike.into_iter();
    CandidateDocument {
        id: found.id,
        name: found.name,
        created: found.created,
        differs: found.differs,
        unlike: unlike
            .map(|(attribute, live, asked)| UnlikeDocument { attribute, live, asked })
            .collect(),
    }
}

/// Reads what the user decides.
fn resolutions(arguments: &Arguments) -> Result<Vec<Resolution>, Failure> {
    let mut resolutions = Vec::new();
    for text in &arguments.adopt {
        // Keys may hold `=`, ids do not.
        let parts = text.rsplit_once('=').filter(|(_, id)| !id.is_empty());
        let Some((address, id)) = parts else {
            return Err(Failure::of(
                Diagnostic::error("adopt", format!("`-adopt={text}` names no object"))
                    .help("write it as `-adopt 'nat_gateway.edge=ngw-…'`"),
            ));
        };
        resolutions.push(Resolution::Adopt(instance(address)?, id.trim().to_owned()));
    }
    for text in &arguments.abandon {
        resolutions.push(Resolution::Abandon(instance(text)?));
    }
    for text in &arguments.retry {
        resolutions.push(Resolution::Retry(instance(text)?));
    }
    Ok(resolutions)
}

fn instance(text: &str) -> Result<Address, Failure> {
    match super::parse_target(text)? {
        Target::Instance(address) => Ok(address),
        Target::Resource(resource) => Ok(resource.instance(None)),
        Target::Module(_) => Err(Failure::of(
            Diagnostic::error("address", format!("`{text}` is a module"))
                .help("name one instance, such as `nat_gateway.main`"),
        )),
    }
}
