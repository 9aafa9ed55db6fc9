//! `import` blocks: objects that exist and are taken into the state by this plan.

use std::collections::{BTreeMap, BTreeSet};

use super::kinds::Kinds;
use super::moves::{Import, Recorded};
use super::planner::{PlanInput, ProviderContext};
use super::prior::{Existing, Prior};
use super::refresh_scopes::{self, Lists};
use crate::address::Address;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::refresh::Reader;
use crate::resources::{Live, Object};
use crate::state::{Instance, Status};
use crate::value::Name;

/// The objects to import.
#[derive(Debug, Default)]
pub(crate) struct Imported {
    found: Vec<(Instance, Object)>,
    /// Import ids by instance.
    pub(crate) ids: BTreeMap<Address, String>,
    pub(crate) diagnostics: Diagnostics,
}

impl Imported {
    /// Adds the imported objects to those that are recorded.
    pub(crate) fn join<'x>(&'x self, prior: Prior<'x>) -> Prior<'x> {
        let mut joined = prior;
        for (instance, live) in &self.found {
            let provider = instance.provider.clone();
            let recorded = Recorded { instance, provider, moved_from: None };
            joined.insert(instance.key(), Existing { recorded, live: Some(live.clone()) });
        }
        joined
    }
}

/// Reads the objects that `import` blocks name.
pub(crate) fn read(
    input: &PlanInput<'_>,
    kinds: &Kinds,
    lists: &mut Lists,
    reader: &dyn Reader,
    prior: &Prior<'_>,
) -> Imported {
    let mut imported = Imported::default();
    let mut wanted = Vec::new();
    let mut taken: BTreeSet<(String, String)> = BTreeSet::new();
    for import in &input.directives.imports {
        match prepare(import, input, kinds, prior) {
            Ok(None) => {}
            Ok(Some(instance)) => {
                let key = (instance.address.kind().to_owned(), instance.id.clone());
                if imported.ids.contains_key(&import.to) || !taken.insert(key) {
                    imported.diagnostics.push(problem(import, "it is imported twice", ""));
                    continue;
                }
                imported.ids.insert(import.to.clone(), import.id.clone());
                wanted.push((import, instance));
            }
            Err(diagnostic) => imported.diagnostics.push(*diagnostic),
        }
    }
    imported.found = find(lists, kinds, reader, wanted, &mut imported.diagnostics);
    imported
}

/// An object that an `import` block names and for which configuration has no block.
#[derive(Debug, Clone)]
pub struct Unconfigured {
    /// The address that the import names.
    pub address: Address,
    /// Alias of the provider through which it was read; `""` is the default one.
    pub provider: Name,
    /// The live object.
    pub object: Object,
}

/// Reads the objects of `imports` for which configuration has no block, so that one can be written.
pub fn read_unconfigured(
    imports: &[Import],
    providers: &BTreeMap<Name, ProviderContext>,
    reader: &dyn Reader,
) -> (Vec<Unconfigured>, Diagnostics) {
    let kinds = Kinds::new();
    let mut lists = Lists::default();
    let mut diagnostics = Diagnostics::new();
    let mut wanted = Vec::new();
    for import in imports {
        let provider = import.provider.clone().unwrap_or_else(|| "".into());
        match describe(import, provider, providers, &kinds) {
            Ok(instance) => wanted.extend(instance.map(|instance| (import, instance))),
            Err(diagnostic) => diagnostics.push(*diagnostic),
        }
    }
    let found = find(&mut lists, &kinds, reader, wanted, &mut diagnostics);
    let found = found.into_iter().map(|(instance, object)| Unconfigured {
        address: instance.address,
        provider: instance.provider,
        object,
    });
    (found.collect(), diagnostics)
}

/// Reads the wanted objects; what is not found is reported.
fn find(
    lists: &mut Lists,
    kinds: &Kinds,
    reader: &dyn Reader,
    wanted: Vec<(&Import, Instance)>,
    diagnostics: &mut Diagnostics,
) -> Vec<(Instance, Object)> {
    let instances = wanted.iter().map(|(_, instance)| (&instance.provider, instance));
    lists.read_sought(reader, &refresh_scopes::wanted(kinds, instances.clone()), &BTreeMap::new());
    diagnostics.extend(lists.failures(kinds, instances));
    let mut found = Vec::new();
    for (import, instance) in wanted {
        match lists.live(kinds, &instance.provider, &instance) {
            Live::Found(live) => found.push((instance, live)),
            Live::Absent => {
                let help = "check the id, the region and the account";
                diagnostics.push(problem(import, "there is no such object", help));
            }
            Live::Unread => {}
        }
    }
    found
}

/// Makes what would be recorded of an import; nothing when it is recorded already.
fn prepare(
    import: &Import,
    input: &PlanInput<'_>,
    kinds: &Kinds,
    prior: &Prior<'_>,
) -> Result<Option<Instance>, Box<Diagnostic>> {
    let resource = &import.to.resource;
    let fail = |why: &str, help: &str| Err(Box::new(problem(import, why, help)));
    if input.program.block(resource).is_none() {
        return fail(
            "the configuration has no such block",
            "add the `resource` block, or let `natform plan -generate-config-out=FILE` write it",
        );
    }
    let provider = input.program.provider_of(resource);
    let Some(instance) = describe(import, provider, input.providers, kinds)? else {
        return Ok(None);
    };
    if let Some(existing) = prior.get(&(import.to.clone(), None)) {
        if existing.recorded.instance.id == instance.id {
            return Ok(None);
        }
        return fail("another object is recorded there", "remove the block, or move that object");
    }
    let owner = prior.iter().find(|(key, existing)| {
        key.0.kind() == import.to.kind() && existing.recorded.instance.id == instance.id
    });
    if let Some((key, _)) = owner {
        let why = format!("it is recorded as `{}` already", key.0);
        return fail(&why, "use a `moved` block to give it another address");
    }
    Ok(Some(instance))
}

/// Makes what would be recorded of an object; nothing where its provider is missing, which others
/// report.
fn describe(
    import: &Import,
    provider: Name,
    providers: &BTreeMap<Name, ProviderContext>,
    kinds: &Kinds,
) -> Result<Option<Instance>, Box<Diagnostic>> {
    let Some(kind) = kinds.get(import.to.kind()) else {
        return Err(Box::new(problem(import, "there is no such resource type", "")));
    };
    let object = kind
        .resource
        .parse_import_id(&import.id)
        .map_err(|why| Box::new(problem(import, &why, "")))?;
    let Some(context) = providers.get(&provider) else { return Ok(None) };
    Ok(Some(Instance {
        address: import.to.clone(),
        deposed: None,
        id: object.text("id").unwrap_or_default().to_owned(),
        status: Status::Ready,
        object,
        dependencies: Vec::new(),
        provider,
        region: context.region.clone(),
        service: context.service.clone(),
        schema_version: kind.schema.version,
        create_before_destroy: false,
        prevent_destroy: false,
    }))
}

fn problem(import: &Import, why: &str, help: &str) -> Diagnostic {
    let message = format!("cannot import `{}` to `{}`", import.id, import.to);
    let diagnostic = Diagnostic::error("cannot-import", message)
        .address(&import.to)
        .at_opt(import.span)
        .detail(format!("Why: {why}."));
    if help.is_empty() { diagnostic } else { diagnostic.help(help) }
}
