//! What `plan`, `apply`, `destroy` and `drift` share: configuration, variables and providers made
//! ready, and a plan made from them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::runtime::Runtime;

use super::Session;
use super::arguments::{Planning, Service as Flags};
use super::failure::Failure;
use super::interrupt::Guard;
use super::providers::{self, Providers};
use super::service::KeepingReader;
use super::waiting::{self, Trouble};
use crate::address::Address;
use crate::api::redact::Redactor;
use crate::configuration::{self, Configuration};
use crate::diagnostic::{Diagnostic, Diagnostics, SourceMap};
use crate::plan::document::Forecast;
use crate::plan::program::{ObjectMap, Program};
use crate::plan::saved::SavedPlan;
use crate::plan::{
    Directives, Import, Move, Plan, PlanInput, PlanMode, PlanOptions, ProviderContext, Removal,
};
use crate::refresh::ServiceReader;
use crate::resources::Listings;
use crate::state::{Snapshot, SqliteStore};
use crate::value::{Entries, Name, Value};

/// The variable that says for how long reads are repeated while the service fails in ways that may
/// pass.
const PATIENCE_VARIABLE: &str = "NATFORM_PATIENCE";

/// Configuration, variables and providers, ready to plan and apply with.
pub struct Prepared {
    /// The configuration, bound to variables.
    pub program: Program,
    /// Hides sensitive values in logs and errors.
    pub redactor: Redactor,
    /// The state.
    pub store: SqliteStore,
    /// Ends the process when a signal comes, until an apply begins.
    pub guard: Option<Guard>,
    /// Carries network and timers.
    pub runtime: Runtime,
    /// The last error of a request.
    pub trouble: Trouble,
    /// Warnings of the way here.
    pub warnings: Diagnostics,
}

impl Prepared {
    /// Returns the texts that places of diagnostics refer to.
    pub fn sources(&self) -> &SourceMap {
        &self.program.configuration().sources
    }
}

/// Loads the configuration and binds its variables, asking for missing values where somebody can
/// answer.
pub fn prepare(
    session: &Session,
    variables: &super::arguments::Variables,
) -> Result<Prepared, Failure> {
    prepare_but(session, variables, "")
}

/// Does the same as [`prepare`] but for imports without a `resource` block, which are no mistake where
/// the blocks are to be written.
pub fn prepare_to_generate(
    session: &Session,
    variables: &super::arguments::Variables,
) -> Result<Prepared, Failure> {
    prepare_but(session, variables, configuration::UNDECLARED_IMPORT)
}

/// Loads the configuration for looking at values: there may be none, and a variable without a value
/// is unknown. Mistakes that show only when values are bound are among the warnings.
pub fn prepare_open(session: &Session) -> Result<Prepared, Failure> {
    prepare_with(session, "no-configuration", |configuration, diagnostics| {
        let (variables, found) =
            configuration::variables(configuration, &session.environment, &session.variables);
        diagnostics.extend(found);
        if diagnostics.has_errors() {
            let sources = configuration.sources.clone();
            return Err(Failure::Diagnostics(diagnostics.clone(), sources));
        }
        Ok(variables.values)
    })
}

fn prepare_but(
    session: &Session,
    variables: &super::arguments::Variables,
    tolerated: &str,
) -> Result<Prepared, Failure> {
    let prepared = prepare_with(session, tolerated, |configuration, diagnostics| {
        bind(session, configuration, variables.input, diagnostics)
    })?;
    if prepared.warnings.has_errors() {
        return Err(Failure::Diagnostics(prepared.warnings.clone(), prepared.sources().clone()));
    }
    Ok(prepared)
}

/// Loads the configuration but for mistakes with the code `tolerated`, and binds its variables.
fn prepare_with(
    session: &Session,
    tolerated: &str,
    bind: impl FnOnce(&mut Configuration, &mut Diagnostics) -> Result<BTreeMap<Name, Value>, Failure>,
) -> Result<Prepared, Failure> {
    let runtime = super::runtime()?;
    let guard = Some(Guard::new(&runtime, session.terminal.live));
    let environment = &session.environment;
    let directory = environment.working_directory.clone();
    let (mut configuration, found) = configuration::load(environment, &directory);
    let mut diagnostics = Diagnostics::new();
    diagnostics.extend(found.into_iter().filter(|d| d.code != tolerated));
    if diagnostics.has_errors() {
        return Err(Failure::Diagnostics(diagnostics, configuration.sources));
    }
    let values = bind(&mut configuration, &mut diagnostics)?;
    let redactor = Redactor::default();
    for value in values.values() {
        hide(&redactor, value, false);
    }
    let store = SqliteStore::new(super::state_path(&configuration, &directory), environment);
    let (program, found) = Program::new(Arc::new(configuration), values, environment);
    diagnostics.extend(found);
    let trouble = Trouble::default();
    Ok(Prepared { program, redactor, store, guard, runtime, trouble, warnings: diagnostics })
}

/// Loads the configuration without values of variables, for what does not need them.
pub fn prepare_unbound(session: &Session) -> Result<Program, Failure> {
    let environment = &session.environment;
    let (configuration, diagnostics) =
        configuration::load(environment, &environment.working_directory);
    if diagnostics.has_errors() {
        return Err(Failure::Diagnostics(diagnostics, configuration.sources));
    }
    Ok(Program::new(Arc::new(configuration), BTreeMap::new(), environment).0)
}

/// Collects the values of variables.
fn bind(
    session: &Session,
    configuration: &mut Configuration,
    ask: bool,
    diagnostics: &mut Diagnostics,
) -> Result<BTreeMap<Name, Value>, Failure> {
    let (mut variables, found) =
        configuration::variables(configuration, &session.environment, &session.variables);
    diagnostics.extend(found);
    for name in variables.missing.clone() {
        if !ask || !session.terminal.interactive {
            diagnostics.push(configuration::no_value(configuration, &name));
            continue;
        }
        let description =
            configuration.root.variables.get(&name).and_then(|v| v.description.clone());
        let description = description.map_or(String::new(), |d| format!("  {d}\n"));
        let question = format!("var.{name}\n{description}\n  Value: ");
        match session.terminal.ask(&question)? {
            Some(text) => {
                if let Err(found) = variables.answer(configuration, &name, &text) {
                    diagnostics.extend(found);
                }
            }
            None => diagnostics.push(configuration::no_value(configuration, &name)),
        }
    }
    if diagnostics.has_errors() {
        return Err(Failure::Diagnostics(diagnostics.clone(), configuration.sources.clone()));
    }
    Ok(variables.values)
}

/// Adds the texts inside a sensitive value to what is hidden. Short ones would hide too much.
fn hide(redactor: &Redactor, value: &Value, sensitive: bool) {
    let sensitive = sensitive || value.is_sensitive();
    if let Some(text) = value.as_str().filter(|t| sensitive && t.chars().count() >= 4) {
        redactor.add(text);
    }
    for inner in value.as_elements().unwrap_or_default() {
        hide(redactor, inner, sensitive);
    }
    for inner in value.as_entries().into_iter().flat_map(Entries::values) {
        hide(redactor, inner, sensitive);
    }
}

/// Warns when the state's file is not where it was written.
pub fn gone_state(store: &SqliteStore, snapshot: &Snapshot) -> Option<Diagnostic> {
    let wrote = snapshot.gone.as_ref()?;
    let name = crate::state::Store::name(store);
    let summary = format!("the state `{name}` is gone, though {wrote}");
    Some(
        Diagnostic::warning("state-gone", summary)
            .detail("What it recorded is not known any more, and would be made once more.")
            .help(
                "bring the file back, or take the backup with `natform state restore -backup`; \
                 apply only when you mean to begin anew",
            ),
    )
}

/// Refuses to make once more what a state that is gone recorded, as far as its backup tells.
pub fn refuse_gone_state(store: &SqliteStore, snapshot: &Snapshot) -> Result<(), Failure> {
    let (Some(wrote), Some(recorded)) = (&snapshot.gone, store.backup_records()) else {
        return Ok(());
    };
    if recorded == 0 {
        return Ok(());
    }
    let name = crate::state::Store::name(store);
    let objects = if recorded == 1 { "object" } else { "objects" };
    Err(Failure::of(
        Diagnostic::error("state-lost", format!("the state `{name}` is gone, though {wrote}"))
            .detail(format!(
                "Its backup records {recorded} {objects}, which would be made once more."
            ))
            .help(format!(
                "bring the file back, or take the backup with `natform state restore -backup`; to \
                 begin anew beside what lives, move `{name}.backup` away"
            )),
    ))
}

/// Connects to the services of all providers that configuration and state need.
pub fn connect(
    session: &Session,
    prepared: &Prepared,
    snapshot: &Snapshot,
    flags: &Flags,
) -> Result<Providers, Failure> {
    let program = &prepared.program;
    let order = program
        .order()
        .map_err(|found| Failure::Diagnostics(found, program.configuration().sources.clone()))?;
    let mut aliases: BTreeSet<Name> = order.iter().map(|r| program.provider_of(r)).collect();
    for instance in snapshot.instances.values() {
        let known = instance.provider.is_empty()
            || program.configuration().root.providers.contains_key(&instance.provider);
        if !known {
            return Err(missing_provider(&instance.provider, &instance.address));
        }
        aliases.insert(instance.provider.clone());
    }
    // Those of unfinished operations, too; recovery tells of one that is missing.
    let known = |alias: &Name| {
        alias.is_empty() || program.configuration().root.providers.contains_key(alias)
    };
    let open = snapshot.open.iter().map(|entry| &entry.provider);
    aliases.extend(open.filter(|alias| known(alias)).cloned());
    providers::connect(session, program, &aliases, flags, (&prepared.redactor, &prepared.trouble))
}

fn missing_provider(alias: &str, address: &Address) -> Failure {
    Failure::of(
        Diagnostic::error(
            "missing-provider",
            format!("there is no provider with the alias `{alias}`"),
        )
        .detail(format!("`{address}` was made through it, and it is needed to read or delete it."))
        .help(format!(
            "add `provider \"alicloud\" {{ alias = \"{alias}\" … }}` until the object is destroyed"
        )),
    )
}

/// Returns the options of a plan from the command line.
pub fn options(planning: &Planning) -> Result<PlanOptions, Failure> {
    let targets = planning.target.iter().map(|t| super::parse_target(t));
    let instance = |text: &String| match super::parse_target(text)? {
        crate::address::Target::Instance(address) => Ok(address),
        crate::address::Target::Resource(resource) => Ok(resource.instance(None)),
        crate::address::Target::Module(_) => Err(Failure::of(
            Diagnostic::error("address", format!("`-replace={text}` names a module"))
                .help("name one instance, such as `nat_gateway.main`"),
        )),
    };
    Ok(PlanOptions {
        mode: match (planning.destroy, planning.refresh_only) {
            (true, _) => PlanMode::Destroy,
            (_, true) => PlanMode::RefreshOnly,
            _ => PlanMode::Normal,
        },
        targets: targets.collect::<Result<_, _>>()?,
        replace: planning.replace.iter().map(instance).collect::<Result<_, _>>()?,
        refresh: planning.refresh,
        allow_missing: planning.allow_missing,
    })
}

/// Returns what the planner is to know of the providers.
pub fn contexts(providers: &Providers) -> BTreeMap<Name, ProviderContext> {
    providers
        .iter()
        .map(|(alias, provider)| {
            let quotas = provider
                .quotas
                .iter()
                .map(|(name, limit)| (name.as_str().into(), *limit))
                .collect();
            let context = ProviderContext {
                service: provider.service.clone(),
                region: provider.region.clone(),
                edition: provider.edition,
                quotas,
            };
            (alias.clone(), context)
        })
        .collect()
}

/// Returns the reader over the clients of a run.
pub fn reader(
    session: &Session,
    prepared: &Prepared,
    providers: &Providers,
) -> Result<ServiceReader, Failure> {
    let clock = Arc::clone(&session.environment.clock);
    let mut reader = ServiceReader::new(prepared.runtime.handle().clone(), clock);
    if let Some(text) = session.environment.variable(PATIENCE_VARIABLE) {
        let patience = super::arguments::parse_duration(text).map_err(|why| {
            Diagnostic::error("patience", format!("{PATIENCE_VARIABLE}: {why}"))
                .help("it says for how long reads are repeated while the service fails")
        })?;
        reader = reader.with_patience(patience);
    }
    Ok(providers.iter().fold(reader, |reader, (alias, provider)| {
        reader.with_provider(alias, provider.client.clone())
    }))
}

/// Makes a plan. Its diagnostics begin with the warnings of the preparation. Also returns the lists
/// that were read for it, by provider.
pub fn plan(
    session: &Session,
    prepared: &Prepared,
    snapshot: &Snapshot,
    providers: &Providers,
    options: &PlanOptions,
    reader: &ServiceReader,
) -> (Plan, Diagnostics, BTreeMap<String, Listings>) {
    let keeping = KeepingReader::new(reader);
    let (directives, wrong) = directives(&prepared.program, snapshot);
    let input = PlanInput {
        program: &prepared.program,
        snapshot,
        options,
        providers: &contexts(providers),
        directives: &directives,
    };
    let what = "Reading the live objects and planning";
    let make = || crate::plan::plan(input, &keeping);
    let (plan, found) = waiting::during(&session.terminal, what, &prepared.trouble, make);
    let mut diagnostics = prepared.warnings.clone();
    diagnostics.extend(wrong);
    diagnostics.extend(found);
    diagnostics.sort();
    (plan, diagnostics, keeping.into_lists())
}

/// Foresees how long a plan will take and whose traffic stops, with what earlier runs learned.
pub fn forecast(
    session: &Session,
    plan: &Plan,
    snapshot: &Snapshot,
    flags: &Flags,
) -> Option<Forecast> {
    let now = session.environment.clock.now();
    crate::apply::forecast(plan, &snapshot.lessons, now, usize::from(flags.parallelism))
}

/// Returns the recorded objects as expressions see them; those set aside are left out.
pub fn recorded(snapshot: &Snapshot) -> ObjectMap {
    let mut objects = ObjectMap::new();
    for instance in snapshot.instances.values().filter(|i| i.deposed.is_none()) {
        objects.set(&instance.address, instance.object.clone());
    }
    objects
}

/// Returns what `moved`, `removed` and `import` blocks say of objects, and what is wrong with them.
pub fn directives(program: &Program, snapshot: &Snapshot) -> (Directives, Diagnostics) {
    let (imports, diagnostics) = program.imports(&recorded(snapshot));
    let imports = imports.into_iter();
    let moves = program.moves().into_iter();
    let removals = program.removals().into_iter();
    let directives = Directives {
        moves: moves.map(|m| Move { from: m.from, to: m.to, span: Some(m.span) }).collect(),
        removals: removals
            .map(|r| Removal { from: r.from, destroy: r.destroy, span: Some(r.span) })
            .collect(),
        imports: imports
            .map(|i| Import { to: i.address, id: i.id, provider: i.provider, span: Some(i.span) })
            .collect(),
    };
    (directives, diagnostics)
}

/// Makes the configuration of a saved plan ready.
pub fn prepare_saved(session: &Session, program: Program) -> Result<Prepared, Failure> {
    let runtime = super::runtime()?;
    let guard = Some(Guard::new(&runtime, session.terminal.live));
    let directory = &session.environment.working_directory;
    let redactor = Redactor::default();
    program.variables().values().for_each(|value| hide(&redactor, value, false));
    let store = SqliteStore::new(
        super::state_path(program.configuration(), directory),
        &session.environment,
    );
    Ok(Prepared {
        program,
        redactor,
        store,
        guard,
        runtime,
        trouble: Trouble::default(),
        warnings: Diagnostics::new(),
    })
}

/// Returns the saved form of a plan.
pub fn saved(
    prepared: &Prepared,
    plan: Plan,
    options: &PlanOptions,
    providers: &Providers,
) -> SavedPlan {
    let configuration = prepared.program.configuration();
    SavedPlan {
        plan,
        options: options.clone(),
        files: configuration.files.clone(),
        directory: configuration.directory.clone(),
        function_files: prepared.program.files(),
        plan_time: prepared.program.plan_time(),
        variables: prepared.program.variables().clone(),
        given: Vec::new(),
        providers: contexts(providers),
        forecast: None,
    }
}
