//! From the trees of a directory's files to typed blocks: one file per kind of block.

mod change;
mod meta;
mod module;
mod provider;
mod resource;
mod settings;
mod variable;

pub(super) use module::{Call, without_provider_keys};
#[cfg(test)]
pub(super) use resource::reserved;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Catalogue;
use super::model::{Lifecycle, Local, Module};
use super::shape::{check_labels, suggest};
use crate::address::Mode;
use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::syntax::ast::{Block, Body, Identifier};

/// The blocks of the top level, with their labels.
const BLOCKS: [(&str, &[&str]); 12] = [
    ("natform", &[]),
    ("provider", &["alicloud"]),
    ("variable", &["name"]),
    ("locals", &[]),
    ("resource", &["type", "name"]),
    ("data", &["type", "name"]),
    ("module", &["name"]),
    ("output", &["name"]),
    ("moved", &[]),
    ("removed", &[]),
    ("import", &[]),
    ("check", &["name"]),
];

/// What a module is made of while its files are gone through.
struct Builder<'a> {
    catalogue: &'a Catalogue,
    is_root: bool,
    module: Module,
    calls: Vec<Call>,
    /// Where each name was declared, as references write it.
    declared: BTreeMap<String, Span>,
    /// Where the first `natform` block and the first of each of its parts are.
    settings: BTreeMap<&'static str, Span>,
    /// That of the blocks without one.
    no_lifecycle: Arc<Lifecycle>,
    diagnostics: &'a mut Diagnostics,
}

/// Makes typed blocks of the files of one directory; the calls' modules are yet to be read.
pub(super) fn module(
    bodies: Vec<Body>,
    catalogue: &Catalogue,
    is_root: bool,
    diagnostics: &mut Diagnostics,
) -> (Module, Vec<Call>) {
    let mut builder = Builder {
        catalogue,
        is_root,
        module: Module::default(),
        calls: Vec::new(),
        declared: BTreeMap::new(),
        settings: BTreeMap::new(),
        no_lifecycle: Arc::default(),
        diagnostics,
    };
    for body in bodies {
        builder.body(body);
    }
    builder.check_moves();
    (builder.module, builder.calls)
}

impl Builder<'_> {
    fn body(&mut self, body: Body) {
        for attribute in &body.attributes {
            let name = &attribute.name.text;
            self.diagnostics.push(
                Diagnostic::error("unknown-argument", format!("`{name} = …` stands in no block"))
                    .at(attribute.name.span)
                    .help(
                        "put it into a block; values of variables belong into `natform.natvars`, names for values into `locals`",
                    ),
            );
        }
        // What is made of a block takes its room.
        for block in body.blocks {
            self.block(&block);
        }
    }

    fn block(&mut self, block: &Block) {
        let Some((kind, labels)) = BLOCKS.iter().find(|(kind, _)| **kind == *block.kind.text)
        else {
            if let Some(meant) = self.unknown_block(block) {
                self.leave_unread_as(meant, block);
            }
            return;
        };
        if !check_labels(block, labels, self.diagnostics) {
            self.leave_unread(block);
            return;
        }
        match *kind {
            "natform" => self.natform(block),
            "provider" => self.provider(block),
            "variable" => self.variable(block),
            "locals" => self.locals(block),
            "resource" => self.resource(block),
            "data" => self.data(block),
            "module" => self.call(block),
            "output" => self.output(block),
            "moved" => self.moved(block),
            "removed" => self.removed(block),
            "import" => self.import(block),
            _ => self.assertions(block),
        }
    }

    /// Reports a block of another kind than there are; returns the kind that it seems to be meant for.
    fn unknown_block(&mut self, block: &Block) -> Option<&'static str> {
        let kind = &*block.kind.text;
        let diagnostic = Diagnostic::error("unknown-block", format!("there is no block `{kind}`"))
            .at(block.kind.span);
        let is_type = self.catalogue.kinds(Mode::Managed).any(|name| name == kind);
        let diagnostic = match kind {
            "terraform" | "tofu" => {
                diagnostic.help("settings stand in `natform { … }`").fix(block.kind.span, "natform")
            }
            _ if is_type => diagnostic
                .help(format!("write `resource \"{kind}\" \"name\" {{ … }}`"))
                .fix(block.kind.span, format!("resource \"{kind}\"")),
            "vars" | "variables" | "inputs" => {
                diagnostic.help("write `variable \"name\" { … }` for each")
            }
            "local" => diagnostic.help("write `locals`").fix(block.kind.span, "locals"),
            _ => {
                let names = BLOCKS.map(|(name, _)| name);
                suggest(diagnostic, &block.kind, &names, "the blocks")
            }
        };
        let meant = diagnostic.fix.as_ref().map(|fix| fix.replacement.clone());
        self.diagnostics.push(diagnostic);
        if is_type {
            if let Some(name) = block.labels.first() {
                self.module.unread.insert(format!("{kind}.{}", name.text));
            }
            return None;
        }
        BLOCKS.iter().map(|(kind, _)| *kind).find(|kind| meant.as_deref() == Some(*kind))
    }

    /// Notes the names that a block would declare, had it been understood.
    pub(super) fn leave_unread(&mut self, block: &Block) {
        self.leave_unread_as(&block.kind.text, block);
    }

    /// The same for a block of another kind.
    fn leave_unread_as(&mut self, kind: &str, block: &Block) {
        let labels: Vec<&str> = block.labels.iter().map(|l| &*l.text).collect();
        if kind == "locals" {
            let names = block.body.attributes.iter().map(|a| format!("local.{}", a.name.text));
            self.module.unread.extend(names);
        }
        let name = match (kind, &*labels) {
            ("variable", [name, ..]) => format!("var.{name}"),
            ("resource", [kind, name, ..]) => format!("{kind}.{name}"),
            ("data", [kind, name, ..]) => format!("data.{kind}.{name}"),
            ("module", [name, ..]) => format!("module.{name}"),
            ("output", [name, ..]) => format!("output.{name}"),
            _ => return,
        };
        self.module.unread.insert(name);
    }

    /// Reports a second declaration of a name and returns whether this is the first.
    fn declare(&mut self, reference: &str, what: &str, span: Span) -> bool {
        if let Some(first) = self.declared.get(reference) {
            self.diagnostics.push(
                Diagnostic::error("duplicate-block", format!("{what} is declared twice"))
                    .at(span)
                    .see(*first, "the first one is here")
                    .help("rename one of them, or remove it"),
            );
            return false;
        }
        self.declared.insert(reference.to_owned(), span);
        true
    }

    fn locals(&mut self, block: &Block) {
        for nested in &block.body.blocks {
            let name = &nested.kind.text;
            self.module.unread.insert(format!("local.{name}"));
            self.diagnostics.push(
                Diagnostic::error("unknown-block", "`locals` holds no blocks")
                    .at(nested.header)
                    .help(format!("write `{name} = {{ … }}`")),
            );
        }
        for attribute in &block.body.attributes {
            let name = &attribute.name;
            let reference = format!("local.{}", name.text);
            if self.declare(&reference, &format!("`{reference}`"), name.span) {
                let local = Local { name: name.clone(), value: attribute.value.clone() };
                self.module.locals.insert(Arc::clone(&name.text), local);
            }
        }
    }
}

/// Returns a label that `check_labels` made sure of.
fn label(block: &Block, index: usize) -> Identifier {
    block.labels.get(index).cloned().unwrap_or_else(|| block.kind.clone())
}
