//! The check of a configuration without values and objects, as `validate` does it: every block and
//! module is evaluated once for all its instances, with what is not known left unknown.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::conditions;
use super::expansion;
use super::instance;
use super::objects::Nothing;
use super::outside::Outside;
use super::scope::Place;
use super::session::{Caches, Session};
use super::shape::What;
use super::trace::Item;
use super::{Inner, provider};
use crate::address::Mode;
use crate::api::catalogue::Edition;
use crate::configuration::{Configuration, Module, Repetition, Resource};
use crate::diagnostic::{Diagnostic, Diagnostics, Severity, Span};
use crate::environment::Environment;
use crate::resources::{self, Fault, Object};
use crate::value::Name;

/// Codes of what is no mistake as long as values are missing.
const FOR_LATER: [&str; 2] = ["unknown-repetition", "unknown-provider-argument"];

/// Codes of what loading says of references.
const OF_REFERENCES: [&str; 5] =
    ["undeclared", "invalid-reference", "missing-key", "invalid-key", "missing-instance"];

/// Codes of what may follow from a block that was not understood: it is not there for others.
const OF_OTHERS: [&str; 2] = ["missing-argument", "unsupported-attribute"];

/// Most that is found while loading with which a configuration is still evaluated.
const MAX_LOADED: usize = 1000;

/// Adds to what is wrong with a configuration, as loading it found, the mistakes that [`check`] finds
/// and that follow from none of those.
pub fn check_loaded(
    configuration: &Arc<Configuration>,
    found: &mut Diagnostics,
    environment: &Environment,
) {
    if !found.has_errors() {
        found.extend(check(Arc::clone(configuration), environment));
        found.sort();
        return;
    }
    if found.len() > MAX_LOADED {
        return;
    }
    let more = check(Arc::clone(configuration), environment);
    let whole = is_whole(&configuration.root);
    let told: Vec<Span> = found.iter().filter_map(Diagnostic::span).collect();
    let is_new = |diagnostic: &Diagnostic| {
        !OF_REFERENCES.contains(&diagnostic.code)
            && (whole || !OF_OTHERS.contains(&diagnostic.code))
            && diagnostic.span().is_none_or(|span| !told.iter().any(|t| t.overlaps(span)))
    };
    let more: Vec<Diagnostic> = more.into_iter().filter(is_new).collect();
    found.extend(more);
    found.sort();
}

/// Returns whether everything in a module and in those that it calls was understood.
fn is_whole(module: &Module) -> bool {
    !module.incomplete
        && module.unread.is_empty()
        && module.calls.values().all(|call| is_whole(&call.module))
}

/// Evaluates a configuration for the mistakes in it that can be found without values of variables and
/// without objects: cycles, types, unknown functions, values that no object of the type can have.
pub fn check(configuration: Arc<Configuration>, environment: &Environment) -> Diagnostics {
    let mut outside = Outside::planning(environment, configuration.directory.clone());
    outside.plan_time = None;
    let (mut inner, mut diagnostics) = Inner::new(configuration, outside);
    inner.general = true;
    if inner.order.is_err() {
        return diagnostics;
    }
    inner.stand_for_all();
    let nothing = Nothing::new();
    let caches = Caches::default();
    for module in 0..inner.modules.list.len() {
        let session = Session::new(&inner, &nothing, &caches);
        of_module(&session, module);
        diagnostics.extend(session.finish().1);
    }
    let mut found = Diagnostics::new();
    found.extend(diagnostics.into_iter().filter(|d| !FOR_LATER.contains(&d.code)));
    found.sort();
    found
}

impl Inner {
    /// Makes one instance of each module.
    fn stand_for_all(&mut self) {
        let Ok(order) = self.order.clone() else { return };
        for node in order {
            let What::Call(name) = &node.what else { continue };
            let Some(&shape) = self.shapes.list[node.shape].children.get(name) else { continue };
            for parent in self.modules.of_shape(node.shape).to_vec() {
                self.modules.add_child(parent, shape, name, None);
            }
        }
    }
}

fn of_module(session: &Session<'_>, module: usize) {
    let blocks = session.inner.module(module);
    for name in blocks.variables.keys() {
        session.item(module, Item::Variable(name.clone()));
    }
    for name in blocks.locals.keys() {
        session.item(module, Item::Local(name.clone()));
    }
    for (name, output) in &blocks.outputs {
        if module == 0 {
            conditions::output(session, output);
        } else {
            session.item(module, Item::Output(name.clone()));
        }
    }
    for (name, call) in &blocks.calls {
        let what = format!("module.{name}");
        expansion::expand(session, &call.repetition, &Place::new(session, module), &what);
    }
    let mut editions = BTreeMap::new();
    for resource in blocks.resources.values() {
        of_block(session, module, resource, &mut editions);
    }
    for (name, check) in &blocks.checks {
        let quiet = session.fresh();
        let summary = format!("check `{name}` does not hold");
        quiet.conditions(&check.assertions, &Place::new(&quiet, module), "check-failed", &summary);
        let (_, found, _) = quiet.finish();
        session.report(found.into_iter().map(|mut diagnostic| {
            // A check that does not hold blocks nothing; a mistake in it is one.
            if diagnostic.code == "check-failed" {
                diagnostic.severity = Severity::Warning;
            }
            diagnostic
        }));
    }
    if module == 0 {
        for alias in blocks.providers.keys() {
            provider::settings(session, alias);
        }
    }
}

/// The editions that providers of the root module speak, by alias, where they are known.
type Editions = BTreeMap<Name, Option<Edition>>;

fn of_block(session: &Session<'_>, module: usize, block: &Resource, editions: &mut Editions) {
    let address = session.address(module, block);
    if !matches!(block.repetition, Repetition::Single) {
        let place = Place::new(session, module);
        expansion::expand(session, &block.repetition, &place, &address.to_string());
    }
    let address = address.instance(None);
    let own = session.fresh();
    let configured = instance::configured(&own, module, block, &address);
    instance::prevent_destroy(&own, module, block, &address);
    instance::timeouts(&own, module, block, &address);
    instance::postconditions(&own, module, block, &address, None);
    let (_, found, failed) = own.finish();
    session.report(found);
    // What is wrong with a block's arguments was said; faults may follow from it.
    if !failed && !block.body.incomplete {
        session.report(faults(block, &configured));
        // Which provider a child module gets is told when it is planned.
        if module > 0 {
            return;
        }
        let edition = editions.entry(block.provider.clone());
        if let Some(edition) = *edition.or_insert_with(|| edition_of(session, &block.provider)) {
            session.report(located(block, &configured, other_edition(block, &configured, edition)));
        }
    }
}

/// Returns the edition that a provider of the root module speaks, if that is known.
fn edition_of(session: &Session<'_>, alias: &str) -> Option<Edition> {
    let quiet = session.fresh();
    let settings = provider::settings(&quiet, alias);
    match settings.edition {
        Some(edition) => edition.parse().ok(),
        None if settings.spans.contains_key("edition") => None,
        None => Some(Edition::default()),
    }
}

/// Finds inputs that the provider's edition lacks.
fn other_edition(
    block: &Resource,
    configured: &instance::Configured,
    edition: Edition,
) -> Vec<Fault> {
    let given = block.schema.attributes.iter();
    given
        .filter_map(|attribute| {
            Fault::other_edition(attribute, configured.object.get(attribute.name)?, edition)
        })
        .collect()
}

/// Returns what the resource type finds wrong with the values that are known.
fn faults(block: &Resource, configured: &instance::Configured) -> Vec<Diagnostic> {
    let faults = match resources::lookup(&block.kind.text) {
        Some(ty) if block.mode == Mode::Managed && std::ptr::eq(ty.schema(), block.schema) => {
            let mut object: Object = configured.object.clone();
            ty.normalise(&mut object);
            ty.validate(&object)
        }
        _ if block.mode == Mode::Data => {
            resources::data::validate(block.schema, &configured.object)
        }
        _ => Vec::new(),
    };
    located(block, configured, faults)
}

/// Returns faults as diagnostics with their places.
fn located(
    block: &Resource,
    configured: &instance::Configured,
    faults: Vec<Fault>,
) -> Vec<Diagnostic> {
    faults
        .into_iter()
        .map(|fault| {
            let fault = fault.discreet(&configured.object);
            let place = instance::place_of(&fault.attribute, |name| instance::written(block, name));
            Diagnostic::error(fault.code, fault.message)
                .at(place.unwrap_or(block.span))
                .help(fault.help)
        })
        .collect()
}
