//! The check of `module` blocks, and of the providers that modules are given.

use std::collections::BTreeMap;

use super::{Checker, Place};
use crate::configuration::model::{Module, ModuleCall, Repetition};
use crate::configuration::shape::{is_meant, suggest};
use crate::diagnostic::{Diagnostic, Diagnostics, Span, list};
use crate::syntax::ast::Identifier;
use crate::value::Name;

impl Checker<'_> {
    pub(super) fn call(&mut self, call: &ModuleCall) {
        match &call.repetition {
            Repetition::Single => {}
            Repetition::Count(expression) | Repetition::ForEach(expression) => {
                self.expression(expression, Place::default());
            }
        }
        for reference in &call.depends_on {
            self.dependency(reference, Place::default());
        }
        let place = Place { repetition: Some(&call.repetition), ..Place::default() };
        for (_, expression) in call.arguments.values() {
            self.expression(expression, place);
        }
        self.arguments(call);
    }

    /// Compares the arguments of a call with the module's variables.
    fn arguments(&mut self, call: &ModuleCall) {
        let module = &call.module;
        let is_unread =
            |name: &str| module.incomplete || module.unread.contains(&format!("var.{name}"));
        let names: Vec<&str> = module.variables.keys().map(|n| &**n).collect();
        for (name, (identifier, _)) in &call.arguments {
            if !module.variables.contains_key(name) && !is_unread(name) {
                self.diagnostics.push(unknown_argument(call, identifier, &names));
            }
        }
        let given: Vec<&str> = call.arguments.keys().map(|name| &**name).collect();
        let missing: Vec<&str> = module
            .variables
            .values()
            .filter(|v| v.is_required() && !call.arguments.contains_key(&v.name.text))
            .filter(|v| !is_meant(&given, &v.name.text, &names))
            .map(|v| &*v.name.text)
            .collect();
        if let Some(first) = missing.first() {
            let declared = module.variables.get(*first).map(|v| v.span);
            let diagnostic = Diagnostic::error(
                "missing-argument",
                format!("`module \"{}\"` lacks {}", call.name.text, list(missing.iter().copied())),
            )
            .at(call.span)
            .help(format!("add `{first} = …`"));
            self.diagnostics.push(match declared {
                Some(span) => diagnostic.see(span, "declared here without a default"),
                None => diagnostic,
            });
        }
    }
}

fn unknown_argument(call: &ModuleCall, name: &Identifier, names: &[&str]) -> Diagnostic {
    let diagnostic = Diagnostic::error(
        "unknown-argument",
        format!("the module `{}` has no variable `{}`", call.name.text, name.text),
    )
    .at(name.span);
    if names.is_empty() {
        return diagnostic.help("the module takes no arguments: remove it");
    }
    suggest(diagnostic, name, names, "its variables")
}

/// Checks that every alias that a block names is there: declared in the root module, or passed to
/// the module that holds the block.
pub(super) fn providers(root: &Module, diagnostics: &mut Diagnostics) {
    let available = root.providers.keys().map(|alias| (alias.clone(), alias.clone())).collect();
    module_providers(root, &available, None, diagnostics);
}

/// Checks one module; `available` has the aliases inside it, `call` the place of its `module` block.
fn module_providers(
    module: &Module,
    available: &BTreeMap<Name, Name>,
    call: Option<Span>,
    diagnostics: &mut Diagnostics,
) {
    let missing = |alias: &Name| {
        !alias.is_empty()
            && !available.contains_key(alias)
            && !module.unread.contains(&format!("alicloud.{alias}"))
            && !module.incomplete
    };
    for resource in module.resources.values() {
        if missing(&resource.provider) {
            let place = resource.provider_span.unwrap_or(resource.span);
            diagnostics.push(undeclared(&resource.provider, available, place, call));
        }
    }
    for nested in module.calls.values() {
        let mut inside = BTreeMap::new();
        if let Some(default) = available.get("") {
            inside.insert("".into(), default.clone());
        }
        for (alias, outside) in &nested.providers {
            if missing(&outside.text) {
                diagnostics.push(undeclared(&outside.text, available, outside.span, call));
            }
            inside.insert(alias.clone(), outside.text.clone());
        }
        module_providers(&nested.module, &inside, Some(nested.span), diagnostics);
    }
}

fn undeclared(
    alias: &Name,
    available: &BTreeMap<Name, Name>,
    place: Span,
    call: Option<Span>,
) -> Diagnostic {
    let diagnostic =
        Diagnostic::error("undeclared", format!("there is no provider `alicloud.{alias}` here"))
            .at(place);
    let near = crate::diagnostic::did_you_mean(alias, available.keys().map(|a| &**a));
    match (near, call) {
        (Some(near), _) if !near.is_empty() => {
            diagnostic.help(format!("did you mean `alicloud.{near}`?"))
        }
        (_, None) => diagnostic
            .help(format!("declare it: `provider \"alicloud\" {{ alias = \"{alias}\" … }}`")),
        (_, Some(call)) => diagnostic
            .see(call, "the module is called here")
            .help(format!("pass it: `providers = {{ alicloud.{alias} = alicloud.… }}`")),
    }
}
