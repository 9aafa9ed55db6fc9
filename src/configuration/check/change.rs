//! The check of `moved`, `removed` and `import` blocks against what is declared.

use std::collections::BTreeSet;

use super::{Checker, Place};
use crate::address::{ModulePath, ResourceAddress, Target};
use crate::configuration::model::{Import, Module, Moved, Repetition};
use crate::diagnostic::{Diagnostic, Span};
use crate::language;

/// Code of the mistake that an `import` block has no `resource` block, which natform can write.
pub const UNDECLARED_IMPORT: &str = "undeclared-import";

impl Checker<'_> {
    /// Reports what is said to be gone and is still declared.
    pub(super) fn changes(&mut self) {
        let module = self.module;
        let cyclic = self.cycles_of_moves();
        for moved in &module.moved {
            if cyclic.contains(&moved.from_span) {
                continue;
            }
            // A single instance may move to a key of the same block.
            let single = matches!(moved.to, Target::Instance(_));
            if let Some(declared) = declared(module, &moved.from, single) {
                self.still_declared(&moved.from, moved.from_span, declared, "moved");
            }
        }
        for removed in &module.removed {
            if let Some(declared) = declared(module, &removed.from, false) {
                self.still_declared(&removed.from, removed.from_span, declared, "removed");
            }
        }
    }

    /// Reports `moved` blocks that send objects in a circle; returns the places of what they move.
    fn cycles_of_moves(&mut self) -> BTreeSet<Span> {
        let module = self.module;
        let mut found = BTreeSet::new();
        for first in &module.moved {
            let mut way = vec![first];
            while let Some(last) = way.last()
                && !found.contains(&first.from_span)
                && let Some(next) = module.moved.iter().find(|moved| moved.from == last.to)
            {
                if next.from_span == first.from_span {
                    found.extend(way.iter().map(|moved| moved.from_span));
                    self.diagnostics.push(cycle_of_moves(&way));
                    break;
                }
                // One that leads into a circle is no part of it.
                if way.iter().any(|moved| moved.from_span == next.from_span) {
                    break;
                }
                way.push(next);
            }
        }
        found
    }

    fn still_declared(&mut self, target: &Target, place: Span, declared: Span, what: &str) {
        self.diagnostics.push(
            Diagnostic::error("still-declared", format!("`{target}` is {what} and still declared"))
                .at(place)
                .see(declared, "it is declared here")
                .help("remove one of the two blocks"),
        );
    }

    pub(super) fn import(&mut self, import: &Import) {
        let each = import.for_each.as_ref().map(|each| Repetition::ForEach(each.clone()));
        let place = Place { repetition: each.as_ref(), ..Place::default() };
        if let Some(for_each) = &import.for_each {
            self.expression(for_each, Place::default());
        }
        self.expression(&import.id, place);
        let references = language::references(&import.to);
        let Some((target, keys)) = references.split_first() else { return };
        for key in keys {
            self.reference(key, place);
        }
        if import.provider.as_ref().is_some_and(|p| !p.is_empty())
            && let Some(alias) = &import.provider
            && !self.module.providers.contains_key(alias)
        {
            self.diagnostics.push(
                Diagnostic::error("undeclared", format!("there is no provider `alicloud.{alias}`"))
                    .at(import.span),
            );
        }
        let Some((path, resource)) = block_of(target) else {
            self.diagnostics.push(
                Diagnostic::error("invalid-argument", "`to` is not the address of a resource")
                    .at(import.to.span)
                    .help("write `nat_gateway.main`, or `module.edge.nat_gateway.main`"),
            );
            return;
        };
        let Some(module) = module_at(self.module, &path) else { return };
        let unread = module.unread.contains(&format!("{}.{}", resource.kind, resource.name));
        if !module.resources.contains_key(&(
            resource.mode,
            resource.kind.clone(),
            resource.name.clone(),
        )) && !module.incomplete
            && !unread
        {
            self.diagnostics.push(
                Diagnostic::error(
                    UNDECLARED_IMPORT,
                    format!("there is no `{resource}` to import to"),
                )
                .at(import.to.span)
                .help(format!(
                    "declare it: `resource \"{}\" \"{}\" {{ … }}`, or let `natform plan -generate-config-out=FILE` write it",
                    resource.kind, resource.name
                )),
            );
        }
    }
}

/// Tells of a circle of two moves or more.
fn cycle_of_moves(way: &[&Moved]) -> Diagnostic {
    let mut names: Vec<String> = way.iter().map(|moved| moved.from.to_string()).collect();
    names.extend(names.first().cloned());
    let mut diagnostic =
        Diagnostic::error("cyclic-moves", "`moved` blocks send objects in a circle")
            .detail(format!("The way is {}.", names.join(" → ")))
            .help("remove one of the blocks");
    for (i, moved) in way.iter().enumerate() {
        diagnostic = if i == 0 {
            diagnostic.at(moved.to_span)
        } else {
            diagnostic.see(moved.to_span, "and on to here")
        };
    }
    diagnostic
}

/// Returns the block that a reference names, its keys left out.
fn block_of(reference: &language::Reference) -> Option<(ModulePath, ResourceAddress)> {
    let mut words = vec![&*reference.root.text];
    if ["var", "local", "data", "each", "count", "self", "path"].contains(&words[0]) {
        return None;
    }
    words.extend(reference.steps.iter().filter_map(|step| match step {
        language::ReferenceStep::Attribute(name) => Some(&*name.text),
        _ => None,
    }));
    let resource: ResourceAddress = words.join(".").parse().ok()?;
    Some((resource.module.clone(), resource))
}

/// Returns the module at a path; keys play no part.
fn module_at<'m>(module: &'m Module, path: &ModulePath) -> Option<&'m Module> {
    path.0.iter().try_fold(module, |module, step| Some(&*module.calls.get(&step.name)?.module))
}

/// Returns where a whole resource or module is declared, if it is; with `single`, only a block of one
/// instance without a key counts.
fn declared(module: &Module, target: &Target, single: bool) -> Option<Span> {
    match target {
        Target::Module(path) => {
            let (last, outer) = path.0.split_last()?;
            let outer = module_at(module, &ModulePath(outer.into()))?;
            let call = outer.calls.get(&last.name)?;
            last.key.is_none().then_some(call.span)
        }
        Target::Resource(resource) => {
            let key = (resource.mode, resource.kind.clone(), resource.name.clone());
            let block = module_at(module, &resource.module)?.resources.get(&key)?;
            let counts = !single || matches!(block.repetition, Repetition::Single);
            counts.then_some(block.span)
        }
        Target::Instance(_) => None,
    }
}
