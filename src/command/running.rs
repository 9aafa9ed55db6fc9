//! What the commands share that change the service under the lock: what apply and recovery work with,
//! and what is said of how they went.

use super::Session;
use super::arguments::Service as Flags;
use super::events::Events;
use super::failure::Failure;
use super::interrupt::{self, Guard};
use super::planning::{self, Prepared};
use super::providers::Providers;
use super::service::{service, still_wanted};
use crate::address::Address;
use crate::api::sleep::TokioSleep;
use crate::apply::recovery::{Foresight, foresee};
use crate::apply::{self, ApplyContext, Interrupt, Outcome, Resolution, Service as _, Settings};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::plan::program::Program;
use crate::state::{JournalEntry, Lock, RunRecord, Snapshot, Store};

/// A command that works under the lock.
pub struct Running<'a> {
    /// Its session.
    pub session: &'a Session,
    /// Where events go instead of text.
    pub events: Option<&'a Events<'a>>,
    /// How the service is reached.
    pub flags: &'a Flags,
}

/// What recovery is to do, beside what it does of itself.
pub struct Recovering<'a> {
    /// What the user decides.
    pub resolutions: &'a [Resolution],
    /// Whether everything is to be destroyed, so that nothing is wanted any more.
    pub destroying: bool,
    /// Whether the run ends with it.
    pub alone: bool,
}

impl Running<'_> {
    /// Finishes what earlier runs left unfinished.
    pub fn recover(
        &self,
        prepared: &mut Prepared,
        (lock, record): (&Lock, &RunRecord),
        (providers, snapshot): (&Providers, &Snapshot),
        observer: &dyn apply::Observer,
        how: &Recovering<'_>,
    ) -> Result<Outcome, Failure> {
        check_services(snapshot, providers, how.resolutions)?;
        let objects = planning::recorded(snapshot);
        let program = prepared.program.clone();
        let wanted =
            |entry: &JournalEntry| !how.destroying && still_wanted(&program, &objects, entry);
        let service = service(providers, &self.session.environment.clock);
        let (interrupter, interrupt) = apply::interrupt::channel();
        drop(prepared.guard.take());
        let outcome = prepared.runtime.block_on(async {
            let signals = interrupt::watch(&interrupter);
            let context =
                self.context(&mut prepared.store, (lock, record), &service, observer, interrupt);
            let work = async {
                if how.alone {
                    apply::recover_only(context, &wanted, how.resolutions).await
                } else {
                    apply::recover(context, &wanted, how.resolutions).await
                }
            };
            // Signals first, so that none is lost once the work has begun.
            tokio::select! { biased; never = signals => match never {}, outcome = work => outcome }
        });
        prepared.guard = Some(Guard::new(&prepared.runtime, self.session.terminal.live));
        Ok(outcome)
    }

    /// Returns what an apply or a recovery works with.
    pub fn context<'c>(
        &'c self,
        store: &'c mut (dyn Store + 'static),
        (lock, run): (&'c Lock, &'c RunRecord),
        service: &'c dyn apply::Service,
        observer: &'c dyn apply::Observer,
        interrupt: Interrupt,
    ) -> ApplyContext<'c> {
        let live = self.session.terminal.live && self.events.is_none();
        let every = std::time::Duration::from_secs(if live { 1 } else { 10 });
        ApplyContext {
            store,
            lock,
            run,
            service,
            clock: &*self.session.environment.clock,
            ids: &*self.session.environment.ids,
            sleeper: &TokioSleep,
            observer,
            interrupt,
            settings: Settings {
                parallelism: usize::from(self.flags.parallelism),
                report_every: every,
                ..Settings::default()
            },
        }
    }

    /// Says what went wrong.
    pub fn report(&self, outcome: &Outcome, prepared: &Prepared) -> Result<(), Failure> {
        let diagnostics = diagnostics(outcome, &prepared.program);
        if diagnostics.is_empty() {
            return Ok(());
        }
        let sources = prepared.sources();
        if let Some(events) = self.events {
            events.diagnostics(&self.session.natural(&diagnostics), sources);
        } else {
            self.session.terminal.print("\n")?;
            self.session.warn(&diagnostics, sources);
        }
        Ok(())
    }
}

/// Returns the record of the run that holds a lock. Both have one id, so that others can tell what
/// the holder of the lock is doing.
pub fn record(session: &Session, lock: &Lock, command: &str, plan: Option<String>) -> RunRecord {
    RunRecord { id: lock.info.id.clone(), ..super::lock::record(session, command, plan) }
}

/// Returns what went wrong, with the blocks that it is about.
pub fn diagnostics(outcome: &Outcome, program: &Program) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    let found = outcome.diagnostics.iter().cloned();
    diagnostics.extend(found.map(|diagnostic| placed(diagnostic, program)));
    if let Some(error) = &outcome.state_error {
        diagnostics.push(error.diagnostic());
    }
    diagnostics
}

/// Points to the block of the instance that an error is about, where it points nowhere yet.
fn placed(diagnostic: Diagnostic, program: &Program) -> Diagnostic {
    let address = diagnostic.address.as_deref().and_then(|text| text.parse::<Address>().ok());
    let block = address.as_ref().and_then(|address| program.block(&address.resource));
    match block {
        Some(block) if diagnostic.labels.is_empty() => diagnostic.at(block.span),
        _ => diagnostic,
    }
}

/// Returns what recovery will do with each unfinished operation, in their order.
pub fn foresight(
    session: &Session,
    program: &Program,
    snapshot: &Snapshot,
    providers: &Providers,
) -> Vec<Foresight> {
    let objects = planning::recorded(snapshot);
    let service = service(providers, &session.environment.clock);
    let now = session.environment.clock.now();
    foresee(
        &snapshot.open,
        now,
        &Settings::default(),
        &|entry| still_wanted(program, &objects, entry),
        &|entry| service.takes_token(&entry.provider, entry.action),
    )
}

/// Makes sure that unfinished operations belong to the services that the providers lead to: what was
/// begun in one must never be sent to another. What the user gives up is not looked for anywhere.
pub fn check_services(
    snapshot: &Snapshot,
    providers: &Providers,
    resolutions: &[Resolution],
) -> Result<(), Failure> {
    let mut diagnostics = Diagnostics::new();
    for entry in &snapshot.open {
        let given_up = |r: &Resolution| matches!(r, Resolution::Abandon(a) if *a == entry.address);
        if resolutions.iter().any(given_up) {
            continue;
        }
        let (address, action) = (&entry.address, entry.action.name());
        let there = format!("the unfinished {action} of `{address}`");
        let elsewhere = match providers.get(&entry.provider) {
            None => Diagnostic::error(
                "missing-provider",
                format!("there is no provider with the alias `{}`", entry.provider),
            )
            .detail(format!("It is needed to find out what became of {there}.")),
            Some(now) if now.service != entry.service => {
                Diagnostic::error("other-service", format!("{there} was sent to another service"))
                    .detail(format!(
                        "It was sent to {}; this run leads to {}.",
                        crate::plan::describe(&entry.service),
                        crate::plan::describe(&now.service)
                    ))
            }
            Some(now) if now.region != entry.region => {
                Diagnostic::error("other-region", format!("{there} was sent to another region"))
                    .detail(format!(
                        "It was sent to `{}`; the provider's region is `{}` now.",
                        entry.region, now.region
                    ))
            }
            Some(_) => continue,
        };
        diagnostics.push(elsewhere.address(address).help(format!(
            "lead the provider back to where it was, or give the operation up with \
             `natform recover -abandon '{address}'`"
        )));
    }
    if diagnostics.is_empty() { Ok(()) } else { Err(diagnostics.into()) }
}
