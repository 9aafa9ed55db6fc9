//! Blocks that say what becomes of objects whose addresses change: `moved`, `removed`, `import`; and
//! `check` blocks.

use std::collections::BTreeSet;

use super::{Builder, label};
use crate::address::{Address, Target};
use crate::configuration::model::{Check, Import, Moved, Removed};
use crate::configuration::shape::{self, Nested, Shape, bare, literal_bool, many, one};
use crate::diagnostic::{Diagnostic, Span};
use crate::language::{ReferenceStep, references};
use crate::syntax::ast::{Block, Body, Expression, ExpressionKind};

const MOVED: Shape<'_> = Shape {
    what: "the `moved` block",
    arguments: &["from", "to"],
    required: &["from", "to"],
    blocks: &[],
};

const REMOVED: Shape<'_> = Shape {
    what: "the `removed` block",
    arguments: &["from"],
    required: &["from"],
    blocks: &[one("lifecycle")],
};

const REMOVED_LIFECYCLE: Shape<'_> = Shape {
    what: "the `lifecycle` block of `removed`",
    arguments: &["destroy"],
    required: &["destroy"],
    blocks: &[],
};

const IMPORT: Shape<'_> = Shape {
    what: "the `import` block",
    arguments: &["to", "id", "for_each", "provider"],
    required: &["to", "id"],
    blocks: &[],
};

const CHECK: Shape<'_> = Shape {
    what: "the `check` block",
    arguments: &[],
    required: &[],
    blocks: &[many("assert"), Nested { name: "data", labels: &["type", "name"], many: true }],
};

impl Builder<'_> {
    pub(super) fn moved(&mut self, block: &Block) {
        shape::check(&block.body, block.header, MOVED, self.diagnostics);
        let (Some((from, from_span)), Some((to, to_span))) =
            (self.target(&block.body, "from"), self.target(&block.body, "to"))
        else {
            return;
        };
        let moved = Moved { from, to, from_span, to_span, span: block.header };
        if self.may_move(&moved) {
            self.module.moved.push(moved);
        }
    }

    fn may_move(&mut self, moved: &Moved) -> bool {
        let diagnostic = match (&moved.from, &moved.to) {
            (from, to) if from == to => {
                Diagnostic::error("invalid-move", "object is moved to where it is")
                    .at(moved.to_span)
                    .help("remove the block")
            }
            (Target::Module(_), Target::Module(_)) => return true,
            (Target::Module(_), _) | (_, Target::Module(_)) => {
                Diagnostic::error("invalid-move", "a module and a resource are not the same")
                    .at(moved.to_span)
                    .see(moved.from_span, "this is what is moved")
                    .help("name two modules or two resources")
            }
            (from, to) if kind(from) != kind(to) => {
                Diagnostic::error("invalid-move", "an object cannot change its type")
                    .at(moved.to_span)
                    .see(moved.from_span, "this is what is moved")
            }
            (Target::Instance(_), Target::Resource(_) | Target::Instance(_))
            | (Target::Resource(_), _) => return true,
        };
        self.diagnostics.push(diagnostic);
        false
    }

    pub(super) fn removed(&mut self, block: &Block) {
        shape::check(&block.body, block.header, REMOVED, self.diagnostics);
        let Some((from, from_span)) = self.target(&block.body, "from") else { return };
        if matches!(from, Target::Instance(_)) {
            self.diagnostics.push(
                Diagnostic::error("invalid-argument", "`from` names a single instance")
                    .at(from_span)
                    .help("name the whole resource; what becomes of its instances is one decision"),
            );
            return;
        }
        let Some(lifecycle) = block.body.blocks.iter().find(|b| &*b.kind.text == "lifecycle")
        else {
            self.diagnostics.push(
                Diagnostic::error("missing-block", "the `removed` block lacks a `lifecycle` block")
                    .at(block.header)
                    .help(
                        "add `lifecycle { destroy = false }` to leave the object alone in the service, or `true` to delete it",
                    ),
            );
            return;
        };
        shape::check(&lifecycle.body, lifecycle.header, REMOVED_LIFECYCLE, self.diagnostics);
        if let Some(destroy) = literal_bool(&lifecycle.body, "destroy", self.diagnostics) {
            self.module.removed.push(Removed { from, from_span, destroy, span: block.header });
        }
    }

    pub(super) fn import(&mut self, block: &Block) {
        shape::check(&block.body, block.header, IMPORT, self.diagnostics);
        if !self.is_root {
            self.diagnostics.push(
                Diagnostic::error("import-in-module", "objects are imported by the root module")
                    .at(block.header)
                    .help(
                        "move the block there; `to = module.NAME.TYPE.NAME` reaches into modules",
                    ),
            );
            return;
        }
        let (Some(to), Some(id)) = (block.body.attribute("to"), block.body.attribute("id")) else {
            return;
        };
        let is_reference = matches!(
            &*bare(&to.value).kind,
            ExpressionKind::Attribute(..) | ExpressionKind::Index(..)
        );
        if !is_reference {
            self.diagnostics.push(not_an_address(&to.value, "to"));
            return;
        }
        let provider = block.body.attribute("provider").and_then(|a| self.alias(&a.value));
        self.module.imports.push(Import {
            to: bare(&to.value).clone(),
            id: id.value.clone(),
            for_each: block.body.attribute("for_each").map(|a| a.value.clone()),
            provider,
            span: block.header,
        });
    }

    pub(super) fn assertions(&mut self, block: &Block) {
        let name = label(block, 0);
        shape::check(&block.body, block.header, CHECK, self.diagnostics);
        let what = format!("the check `{}`", name.text);
        if !self.declare(&format!("check.{}", name.text), &what, block.header) {
            return;
        }
        for data in block.body.blocks.iter().filter(|b| &*b.kind.text == "data") {
            self.data_of_check(&name, data);
        }
        let assertions = self.conditions(block, "assert");
        if !block.body.blocks.iter().any(|b| &*b.kind.text == "assert") {
            self.diagnostics.push(
                Diagnostic::error("missing-block", "the `check` block lacks an `assert` block")
                    .at(block.header)
                    .help("add `assert { condition = … error_message = … }`"),
            );
        }
        let check = Check { name: name.clone(), assertions, span: block.header };
        self.module.checks.insert(name.text, check);
    }

    /// Reads an argument that is an address without anything to evaluate.
    fn target(&mut self, body: &Body, name: &str) -> Option<(Target, Span)> {
        let value = &body.attribute(name)?.value;
        let found = references(value);
        let constant = |reference: &crate::language::Reference| {
            !reference.steps.iter().any(|step| matches!(step, ReferenceStep::Computed(_)))
                && reference.span == bare(value).span
        };
        let target = match &*found {
            [reference] if constant(reference) => reference.to_string().parse().ok(),
            _ => None,
        };
        if target.is_none() {
            self.diagnostics.push(not_an_address(value, name));
        }
        target.map(|target| (target, value.span))
    }

    /// Reports objects that are moved twice, or to the same place.
    pub(super) fn check_moves(&mut self) {
        let mut seen = BTreeSet::new();
        let moved = std::mem::take(&mut self.module.moved);
        for (i, block) in moved.iter().enumerate() {
            for (what, target, span) in
                [("from", &block.from, block.from_span), ("to", &block.to, block.to_span)]
            {
                if seen.insert((what, target.to_string())) {
                    continue;
                }
                let first = moved[..i].iter().find_map(|b| match what {
                    "from" if b.from == *target => Some(b.from_span),
                    "to" if b.to == *target => Some(b.to_span),
                    _ => None,
                });
                let summary = match what {
                    "from" => format!("`{target}` is moved to two places"),
                    _ => format!("two objects are moved to `{target}`"),
                };
                let diagnostic = Diagnostic::error("invalid-move", summary).at(span);
                self.diagnostics.push(match first {
                    Some(first) => diagnostic.see(first, "the first one is here"),
                    None => diagnostic,
                });
            }
        }
        self.module.moved = moved;
    }
}

fn kind(target: &Target) -> Option<&str> {
    match target {
        Target::Module(_) => None,
        Target::Resource(resource) | Target::Instance(Address { resource, .. }) => {
            Some(&resource.kind)
        }
    }
}

fn not_an_address(value: &Expression, name: &str) -> Diagnostic {
    let diagnostic =
        Diagnostic::error("invalid-argument", format!("`{name}` is not an address")).at(value.span);
    match &*bare(value).kind {
        ExpressionKind::String(text) => {
            diagnostic.help(format!("write it without quotes: `{text}`")).fix(value.span, &**text)
        }
        _ => diagnostic.help("write an address such as `nat_gateway.main` or `module.edge`"),
    }
}
