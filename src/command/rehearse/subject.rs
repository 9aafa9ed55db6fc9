//! What is rehearsed: a plan made for it, or a saved one.

use std::collections::BTreeMap;
use std::path::Path;

use crate::command::arguments::Planning;
use crate::command::failure::Failure;
use crate::command::planning::{self, Prepared};
use crate::command::providers::Providers;
use crate::command::{Session, apply, forbid, lock, plan_file};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::plan::{Plan, PlanOptions, saved};
use crate::resources::Listings;
use crate::state::{Snapshot, Store};

/// What is rehearsed.
pub(super) struct Subject {
    pub(super) plan: Plan,
    pub(super) options: PlanOptions,
    pub(super) digest: Option<String>,
    pub(super) snapshot: Snapshot,
    pub(super) providers: Providers,
    /// The lists that were read for it, by provider.
    pub(super) lists: BTreeMap<String, Listings>,
    pub(super) diagnostics: Diagnostics,
}

/// Makes a plan as `apply` would.
pub(super) fn fresh(
    session: &Session,
    planning: &Planning,
) -> Result<(Prepared, Subject), Failure> {
    let options = planning::options(planning)?;
    let mut prepared = planning::prepare(session, &planning.variables)?;
    let snapshot = apply::read_state(&prepared)?;
    planning::refuse_gone_state(&prepared.store, &snapshot)?;
    prepared.warnings.extend(planning::gone_state(&prepared.store, &snapshot));
    prepared.warnings.extend(lock::under_way(&prepared.store, &snapshot));
    let providers = planning::connect(session, &prepared, &snapshot, &planning.service)?;
    let reader = planning::reader(session, &prepared, &providers)?;
    let (plan, mut diagnostics, lists) =
        planning::plan(session, &prepared, &snapshot, &providers, &options, &reader);
    diagnostics.extend(forbid::check(&plan, &planning.forbid, &prepared.program));
    let subject = Subject { plan, options, digest: None, snapshot, providers, lists, diagnostics };
    Ok((prepared, subject))
}

/// Takes a saved plan, and refuses what `apply` refuses.
pub(super) fn from_file(
    session: &Session,
    planning: &Planning,
    file: &Path,
) -> Result<(Prepared, Subject), Failure> {
    apply::refuse_planning_flags(planning)?;
    let loaded = plan_file::read(session, file)?;
    if let Some(diagnostic) = saved::other_version(&loaded) {
        return Err(Failure::of(diagnostic));
    }
    let program = plan_file::program(session, &loaded.saved)?;
    let prepared = planning::prepare_saved(session, program)?;
    match prepared.store.run_of_plan(&loaded.digest).map_err(|e| e.diagnostic())? {
        None => apply::refuse_astray(session, &loaded.saved)?,
        Some(run) if run.ended_at.is_some() => return Err(apply::already_applied(&run)),
        Some(_) => return Err(begun()),
    }
    let snapshot = apply::read_state(&prepared)?;
    planning::refuse_gone_state(&prepared.store, &snapshot)?;
    let providers = planning::connect(session, &prepared, &snapshot, &planning.service)?;
    if let Some(diagnostic) = saved::foreign(&loaded, &snapshot, &planning::contexts(&providers)) {
        return Err(Failure::of(diagnostic));
    }
    apply::refuse_stale(&prepared, &loaded.saved.plan, snapshot.serial)?;
    let mut diagnostics = Diagnostics::new();
    diagnostics.extend(lock::under_way(&prepared.store, &snapshot));
    diagnostics.extend(forbid::check(&loaded.saved.plan, &planning.forbid, &prepared.program));
    let subject = Subject {
        plan: loaded.saved.plan,
        options: loaded.saved.options,
        digest: Some(loaded.digest),
        snapshot,
        providers,
        lists: BTreeMap::new(),
        diagnostics,
    };
    Ok((prepared, subject))
}

fn begun() -> Failure {
    Failure::of(
        Diagnostic::error(
            "plan-under-way",
            "the saved plan is being applied, or its run was broken off",
        )
        .detail("What is left of it cannot be rehearsed: part of it is done.")
        .help("finish it with `natform apply` of the same file, or make a new plan"),
    )
}
