//! Checks of a whole configuration that need no evaluation: every reference names something that is
//! there, every function exists, every call gives the module what it requires.

mod call;
mod change;
mod reference;

pub use change::UNDECLARED_IMPORT;
pub use reference::{is_engine, no_engine};

use std::collections::BTreeMap;
use std::path::Path;

use super::Catalogue;
use super::model::{Condition, Configuration, Module, Output, Repetition, Resource};
use super::shape::bare;
use crate::diagnostic::Diagnostics;
use crate::language;
use crate::syntax::ast::{Block, Body, Expression, ExpressionKind};

/// Checks a configuration.
pub(super) fn check(
    configuration: &Configuration,
    catalogue: &Catalogue,
    diagnostics: &mut Diagnostics,
) {
    let mut modules = BTreeMap::new();
    collect(&configuration.root, &mut modules);
    for module in modules.values() {
        Checker { module, catalogue, diagnostics }.module();
    }
    call::providers(&configuration.root, diagnostics);
}

/// Finds each module once, however often it is called.
fn collect<'m>(module: &'m Module, modules: &mut BTreeMap<&'m Path, &'m Module>) {
    if modules.insert(&module.directory, module).is_none() {
        for call in module.calls.values() {
            collect(&call.module, modules);
        }
    }
}

/// What may stand in an expression beside the module's names.
#[derive(Clone, Copy, Default)]
struct Place<'a> {
    /// The block that the expression belongs to.
    resource: Option<&'a Resource>,
    /// How the block that the expression belongs to is repeated; `None` for a place where neither
    /// `count` nor `each` makes sense.
    repetition: Option<&'a Repetition>,
    /// Whether `self` may be used.
    own_object: bool,
    /// Whether resources, data and modules must stay out, and why.
    early: Option<&'static str>,
    /// The check whose data sources may be used.
    check: Option<&'a str>,
    /// Iterators of dynamic blocks around it.
    iterators: &'a [&'a str],
}

struct Checker<'a> {
    module: &'a Module,
    catalogue: &'a Catalogue,
    diagnostics: &'a mut Diagnostics,
}

impl<'a> Checker<'a> {
    fn module(&mut self) {
        let module = self.module;
        for provider in module.providers.values() {
            let place = Place {
                early: Some("the provider must be known before anything can be read"),
                ..Place::default()
            };
            self.body(&provider.body, place);
        }
        for variable in module.variables.values() {
            let place = Place {
                early: Some("variables are checked before anything is read"),
                ..Place::default()
            };
            self.conditions(&variable.validations, place);
        }
        for local in module.locals.values() {
            self.expression(&local.value, Place::default());
        }
        for resource in module.resources.values() {
            self.resource(resource);
        }
        for call in module.calls.values() {
            self.call(call);
        }
        for output in module.outputs.values() {
            self.output(output);
        }
        for check in module.checks.values() {
            let place = Place { check: Some(&check.name.text), ..Place::default() };
            self.conditions(&check.assertions, place);
        }
        for import in &module.imports {
            self.import(import);
        }
        self.changes();
    }

    fn output(&mut self, output: &Output) {
        self.expression(&output.value, Place::default());
        self.conditions(&output.preconditions, Place::default());
        for reference in &output.depends_on {
            self.dependency(reference, Place::default());
        }
    }

    fn resource(&mut self, resource: &'a Resource) {
        let check = resource.check.as_deref();
        let plain = Place { resource: Some(resource), check, ..Place::default() };
        match &resource.repetition {
            Repetition::Single => {}
            Repetition::Count(expression) | Repetition::ForEach(expression) => {
                self.expression(expression, plain);
            }
        }
        for reference in &resource.depends_on {
            self.dependency(reference, plain);
        }
        let place = Place { repetition: Some(&resource.repetition), ..plain };
        self.body(&resource.body, place);
        let lifecycle = &resource.lifecycle;
        if let Some(expression) = &lifecycle.prevent_destroy {
            let place = Place {
                early: Some("whether an object may be deleted must be known beforehand"),
                ..place
            };
            self.expression(expression, place);
        }
        let early = Some("how long something may take must be known beforehand");
        self.body(&resource.timeouts, Place { early, ..place });
        for reference in &lifecycle.replace_triggered_by {
            self.trigger(reference, place);
        }
        self.conditions(&lifecycle.preconditions, place);
        let own = Place { own_object: true, resource: None, ..place };
        self.conditions(&lifecycle.postconditions, own);
    }

    fn conditions(&mut self, conditions: &[Condition], place: Place<'_>) {
        for condition in conditions {
            self.expression(&condition.condition, place);
            self.expression(&condition.error_message, place);
        }
    }

    fn body(&mut self, body: &Body, place: Place<'_>) {
        for attribute in &body.attributes {
            self.expression(&attribute.value, place);
        }
        for block in &body.blocks {
            if &*block.kind.text == "dynamic" {
                self.dynamic(block, place);
            } else {
                self.body(&block.body, place);
            }
        }
    }

    fn dynamic(&mut self, block: &Block, place: Place<'_>) {
        if let Some(each) = block.body.attribute("for_each") {
            self.expression(&each.value, place);
        }
        let Some(iterator) = iterator(block) else { return };
        let mut iterators = place.iterators.to_vec();
        iterators.push(iterator);
        for content in block.body.blocks.iter().filter(|b| &*b.kind.text == "content") {
            self.body(&content.body, Place { iterators: &iterators, ..place });
        }
    }

    fn expression(&mut self, expression: &Expression, place: Place<'_>) {
        for name in language::function_calls(expression) {
            self.function(name);
        }
        for reference in language::references(expression) {
            self.reference(&reference, place);
        }
    }
}

/// Returns the name by which the contents of a `dynamic` block call the element.
pub fn iterator(block: &Block) -> Option<&str> {
    match block.body.attribute("iterator").map(|a| &*bare(&a.value).kind) {
        // A quoted name is a mistake that was told; what uses it is none.
        Some(ExpressionKind::Variable(name) | ExpressionKind::String(name)) => Some(name),
        _ => block.labels.first().map(|label| &*label.text),
    }
}
