//! `import` blocks: objects that exist and are taken into the state by this plan.

use std::collections::{BTreeMap, BTreeSet};

use super::kinds::Kinds;
use super::moves::{Import, Recorded};
use super::planner::PlanInput;
use super::prior::{Existing, Prior};
use super::refresh_scopes::{self, Lists};
use crate::address::Address;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::refresh::Reader;
use crate::resources::{Live, Object};
use crate::state::{Instance, Status};

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
    let instances = wanted.iter().map(|(_, instance)| (&instance.provider, instance));
    lists.read(reader, &refresh_scopes::wanted(kinds, instances.clone()));
    imported.diagnostics.extend(lists.failures(kinds, instances));
    for (import, instance) in wanted {
        match lists.live(kinds, &instance.provider, &instance) {
            Live::Found(live) => imported.found.push((instance, live)),
            Live::Absent => {
                let help = "check the id, the region and the account";
                imported.diagnostics.push(problem(import, "there is no such object", help));
            }
            Live::Unread => {}
        }
    }
    imported
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
    let Some(kind) = kinds.get(import.to.kind()) else {
        return fail("there is no such resource type", "");
    };
    if input.program.block(resource).is_none() {
        return fail("the configuration has no such block", "add the `resource` block");
    }
    let object = match kind.resource.parse_import_id(&import.id) {
        Ok(object) => object,
        Err(why) => return fail(&why, ""),
    };
    let id = object.text("id").unwrap_or_default().to_owned();
    if let Some(existing) = prior.get(&(import.to.clone(), None)) {
        if existing.recorded.instance.id == id {
            return Ok(None);
        }
        return fail("another object is recorded there", "remove the block, or move that object");
    }
    let owner = prior.iter().find(|(key, existing)| {
        key.0.kind() == import.to.kind() && existing.recorded.instance.id == id
    });
    if let Some((key, _)) = owner {
        let why = format!("it is recorded as `{}` already", key.0);
        return fail(&why, "use a `moved` block to give it another address");
    }
    let provider = input.program.provider_of(resource);
    let Some(context) = input.providers.get(&provider) else { return Ok(None) };
    Ok(Some(Instance {
        address: import.to.clone(),
        deposed: None,
        id,
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
