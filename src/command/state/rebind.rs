//! `state rebind`: records that the objects are reached at another server, after having read them
//! there.

use std::collections::{BTreeMap, BTreeSet};

use super::arguments::Rebind;
use super::{commit, objects, refuse_unfinished, snapshot};
use crate::command::failure::{Exit, Failure};
use crate::command::planning::{self, Prepared};
use crate::command::providers::Providers;
use crate::command::{Session, lock, waiting};
use crate::diagnostic::Diagnostic;
use crate::drift::{DriftReport, ScanInput, scan};
use crate::plan::describe;
use crate::state::{Instance, Service, Snapshot, Write};

/// Runs the command.
pub(super) fn run(session: &Session, arguments: &Rebind) -> Result<Exit, Failure> {
    let mut prepared = planning::prepare(session, &arguments.variables)?;
    let lock = if arguments.dry_run {
        None
    } else {
        let timeout = arguments.locking.lock_timeout;
        Some(lock::take(session, &mut prepared.store, "state rebind", timeout)?)
    };
    let present = snapshot(&prepared.store, None)?;
    refuse_unfinished(present.open.iter())?;
    let providers = planning::connect(session, &prepared, &present, &arguments.service)?;
    let bound = bound(&present, &providers)?;
    if bound.is_empty() {
        let count = objects(present.instances.len());
        let text = format!(
            "The state records {count}, all of the service that this run leads to; nothing was \
             written.\n"
        );
        session.terminal.print(&text)?;
        return Ok(Exit::Done);
    }
    let report = read(session, &prepared, &providers, &present, &bound)?;
    verify(&report, &bound, arguments.allow_missing)?;
    let mut text = summary(&present, &bound);
    if !report.changed.is_empty() {
        text.push_str(&format!(
            "{} of them are not as recorded; `natform drift` shows how.\n",
            report.changed.len()
        ));
    }
    if !report.missing.is_empty() {
        text.push_str(&format!(
            "{} of them are not there; the next plan makes them anew.\n",
            report.missing.len()
        ));
    }
    let Some(lock) = lock else {
        session.terminal.print(&format!("{text}Nothing was written.\n"))?;
        return Ok(Exit::Done);
    };
    let endpoint = arguments.service.endpoint.as_ref();
    let endpoint = endpoint.map_or(String::new(), |url| format!(" -endpoint={url}"));
    let count = objects(bound.len());
    let writes = bound.into_iter().map(|instance| Write::Put(instance.into())).collect();
    let command = format!("state rebind{endpoint}");
    let serial = commit(session, &mut prepared.store, &lock, &command, writes)?;
    text.push_str(&format!("\nRebound {count}. The state has serial {serial} now.\n"));
    session.terminal.print(&text)?;
    Ok(Exit::Done)
}

/// Returns the objects that belong to another service, with the one that this run leads to. The real
/// service and an emulator never become one another.
fn bound(present: &Snapshot, providers: &Providers) -> Result<Vec<Instance>, Failure> {
    let mut bound = Vec::new();
    for instance in present.instances.values() {
        let Some(provider) = providers.get(&instance.provider) else { continue };
        if provider.service == instance.service {
            continue;
        }
        if instance.service == Service::Real || provider.service == Service::Real {
            return Err(Failure::of(
                Diagnostic::error("rebind", "real objects and an emulator's never mix")
                    .address(&instance.address)
                    .detail(format!(
                        "`{}` lives in {}; this run leads to {}.",
                        instance.address,
                        describe(&instance.service),
                        describe(&provider.service)
                    ))
                    .help(
                        "use another state for the other service (`path` in the `backend` block)",
                    ),
            ));
        }
        bound.push(Instance { service: provider.service.clone(), ..instance.clone() });
    }
    Ok(bound)
}

/// Reads the objects where they are said to be.
fn read(
    session: &Session,
    prepared: &Prepared,
    providers: &Providers,
    present: &Snapshot,
    bound: &[Instance],
) -> Result<DriftReport, Failure> {
    let reader = planning::reader(session, prepared, providers)?;
    let mut there = Snapshot { instances: BTreeMap::new(), ..present.clone() };
    there.instances.extend(bound.iter().map(|instance| (instance.key(), instance.clone())));
    let input = ScanInput {
        snapshot: &there,
        providers: &planning::contexts(providers),
        expected: &[],
        now: session.environment.clock.now(),
        allow_missing: true,
        show_sensitive: false,
    };
    let what = "Looking for the objects at the other server";
    let work = || scan(input, &reader);
    Ok(waiting::during(&session.terminal, what, &prepared.trouble, work))
}

/// Makes sure that the objects are there.
fn verify(report: &DriftReport, bound: &[Instance], allow_missing: bool) -> Result<(), Failure> {
    if let Some(failure) = report.failures.first() {
        return Err(Failure::of(
            Diagnostic::error("rebind", "the other server could not be read in full")
                .detail(format!("{}: {}", failure.what, failure.why))
                .help("nothing was written; mend the connection and try again"),
        ));
    }
    let missing = report.missing.len() + report.coverage.unread;
    if missing == 0 || (allow_missing && missing < bound.len()) {
        return Ok(());
    }
    let names: Vec<String> =
        report.missing.iter().take(10).map(|m| format!("`{}` ({})", m.address, m.id)).collect();
    let more = missing.saturating_sub(names.len());
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    let summary = if missing == bound.len() {
        "none of the recorded objects is found at the other server".to_owned()
    } else {
        format!("{missing} of the {} recorded objects are not found there", bound.len())
    };
    let help = if missing == bound.len() {
        "nothing was written; make sure that the endpoint, the account and the region are right"
    } else {
        "nothing was written; `-allow-missing` goes on if they were really deleted"
    };
    Err(Failure::of(
        Diagnostic::error("rebind", summary)
            .detail(format!("Missing: {}{more}.", names.join(", ")))
            .help(help),
    ))
}

fn summary(present: &Snapshot, bound: &[Instance]) -> String {
    let services = |list: &mut dyn Iterator<Item = &Service>| {
        let names: BTreeSet<String> = list.map(describe).collect();
        names.into_iter().collect::<Vec<_>>().join(" and ")
    };
    let before = &mut bound.iter().filter_map(|i| Some(&present.instances.get(&i.key())?.service));
    let before = services(before);
    let after = services(&mut bound.iter().map(|instance| &instance.service));
    let mut text = format!("Recorded in {before}, found in {after}:\n");
    for instance in bound {
        text.push_str(&format!("  {} (id {})\n", super::named(instance), instance.id));
    }
    text
}
