//! `resource` and `data` blocks, checked against the schemas of their types.

use super::{Builder, label};
use crate::address::Mode;
use crate::configuration::model::Resource;
use crate::configuration::shape::{
    self, Shape, bare, is_misspelt, missing_argument, sentence, suggest,
};
use crate::configuration::timeouts::{TIMEOUTS, limits};
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::resources::schema::Kind;
use crate::resources::{Attribute as SchemaAttribute, Role, Schema};
use crate::syntax::ast::{Attribute, Block, Body, ExpressionKind, Identifier};
use crate::value::Name;

/// Meta-arguments, which are no attributes of the object.
const META_ARGUMENTS: [&str; 4] = ["count", "for_each", "depends_on", "provider"];

/// Meta-arguments that are blocks.
const META_BLOCKS: [&str; 2] = ["lifecycle", TIMEOUTS];

/// Meta-arguments that a data source of a check does not have.
const NOT_IN_CHECK: [&str; 3] = ["count", "for_each", "lifecycle"];

/// Blocks of Terraform that natform leaves out on purpose.
const ABSENT: [&str; 2] = ["provisioner", "connection"];

const DYNAMIC: Shape<'_> = Shape {
    what: "the `dynamic` block",
    arguments: &["for_each", "iterator", "labels"],
    required: &["for_each"],
    blocks: &[shape::one("content")],
};

/// Returns the names of the arguments that configuration may set.
pub(super) fn settable(schema: &Schema) -> Vec<&'static str> {
    let inputs = schema.attributes.iter().filter(|a| a.role == Role::Input);
    inputs.filter(|a| !is_block(schema, a.name)).map(|a| a.name).collect()
}

/// Returns whether an input is written as blocks.
fn is_block(schema: &Schema, name: &str) -> bool {
    schema.blocks.iter().any(|(block, _, _)| *block == name)
}

impl Builder<'_> {
    pub(super) fn resource(&mut self, block: &Block) {
        self.block_of(Mode::Managed, block, None);
    }

    pub(super) fn data(&mut self, block: &Block) {
        self.block_of(Mode::Data, block, None);
    }

    /// Reads the data source of a check.
    pub(super) fn data_of_check(&mut self, check: &Identifier, block: &Block) {
        if !shape::check_labels(block, &["type", "name"], self.diagnostics) {
            self.leave_unread(block);
            return;
        }
        let arguments = block.body.attributes.iter().map(|a| &a.name);
        let blocks = block.body.blocks.iter().map(|b| &b.kind);
        for name in arguments.chain(blocks).filter(|name| NOT_IN_CHECK.contains(&&*name.text)) {
            let summary = format!("a data source of a check has no `{}`", name.text);
            self.diagnostics.push(
                Diagnostic::error("invalid-argument", summary)
                    .at(name.span)
                    .help("remove it, or declare the data source outside of the block"),
            );
        }
        self.block_of(Mode::Data, block, Some(check.text.clone()));
    }

    fn block_of(&mut self, mode: Mode, block: &Block, check: Option<Name>) {
        let (kind, name) = (label(block, 0), label(block, 1));
        let prefix = if mode == Mode::Data { "data." } else { "" };
        let reference = format!("{prefix}{}.{}", kind.text, name.text);
        if !self.declare(&reference, &format!("`{reference}`"), block.header) {
            return;
        }
        let Some(schema) = self.catalogue.find(mode, &kind.text) else {
            self.module.unread.insert(reference);
            self.unknown_type(mode, &kind);
            return;
        };
        let meant = self.with_meta_meant(block, schema);
        let block = meant.as_ref().unwrap_or(block);
        let before = self.diagnostics.len();
        self.check_body(block, mode, schema);
        let mut body = without_meta(&block.body);
        body.incomplete |= self.diagnostics.len() > before;
        let resource = Resource {
            mode,
            schema,
            body,
            repetition: self.repetition(&block.body),
            provider: self.provider_alias(&block.body),
            provider_span: block.body.attribute("provider").map(|a| a.value.span),
            depends_on: self.depends_on(&block.body),
            lifecycle: self.lifecycle(block, mode, schema),
            timeouts: self.timeouts(block),
            check,
            span: block.header,
            kind: kind.clone(),
            name: name.clone(),
        };
        self.module.resources.insert((mode, kind.text, name.text), Box::new(resource));
    }

    /// Reports misspelt meta-arguments and returns the block as it is meant, so that nothing else is said
    /// of what follows from them; none where there are none.
    fn with_meta_meant(&mut self, block: &Block, schema: &Schema) -> Option<Block> {
        let attributes = schema.attributes.iter().map(|a| a.name);
        let blocks = schema.blocks.iter().map(|(name, _, _)| *name);
        let known: Vec<&str> =
            attributes.chain(blocks).chain(META_ARGUMENTS).chain(META_BLOCKS).collect();
        let mut meant: Option<Block> = None;
        for (i, attribute) in block.body.attributes.iter().enumerate() {
            let name = &attribute.name;
            if known.contains(&&*name.text) {
                continue;
            }
            let near = did_you_mean(&name.text, known.iter().copied());
            let Some(near) = near.filter(|near| {
                META_ARGUMENTS.contains(near) && block.body.attribute(near).is_none()
            }) else {
                continue;
            };
            let summary = format!("`{}` has no argument `{}`", schema.kind, name.text);
            let diagnostic = Diagnostic::error("unknown-attribute", summary).at(name.span);
            self.diagnostics.push(suggest(diagnostic, name, &[near], "its arguments"));
            let meant = meant.get_or_insert_with(|| block.clone());
            meant.body.attributes[i].name.text = near.into();
        }
        meant
    }

    fn unknown_type(&mut self, mode: Mode, kind: &Identifier) {
        let (what, other) = match mode {
            Mode::Managed => ("resource type", Mode::Data),
            Mode::Data => ("data source", Mode::Managed),
        };
        let diagnostic =
            Diagnostic::error("unknown-type", format!("there is no {what} `{}`", kind.text))
                .at(kind.span);
        let diagnostic = if kind.text.starts_with("alicloud_") {
            diagnostic.detail(
                "The name is one of Terraform's provider. Here types are called as the service calls \
                 its objects, and arguments as its parameters; ids of objects that natform does not \
                 manage are given as values.",
            )
        } else {
            diagnostic
        };
        let names: Vec<&str> = self.catalogue.kinds(mode).collect();
        let short = kind.text.strip_prefix("alicloud_").unwrap_or(&kind.text);
        let near = did_you_mean(short, names.iter().copied());
        self.diagnostics.push(if let Some(near) = near {
            diagnostic.help(format!("did you mean `{near}`?")).fix(kind.span, format!("\"{near}\""))
        } else if self.catalogue.find(other, &kind.text).is_some() {
            let word = if other == Mode::Data { "data" } else { "resource" };
            diagnostic.help(format!("`{}` is used with `{word} \"{}\"`", kind.text, kind.text))
        } else {
            suggest(diagnostic, kind, &names, &format!("the {what}s"))
        });
    }

    fn check_body(&mut self, block: &Block, mode: Mode, schema: &'static Schema) {
        for attribute in &block.body.attributes {
            if !META_ARGUMENTS.contains(&&*attribute.name.text) {
                self.check_argument(attribute, schema);
            }
        }
        for (i, nested) in block.body.blocks.iter().enumerate() {
            let kind = &*nested.kind.text;
            if META_BLOCKS.contains(&kind) {
                self.check_meta_block(block, i);
                if kind == TIMEOUTS {
                    self.check_nested_body(kind, &nested.body, nested, limits(mode));
                }
            } else if kind == "dynamic" {
                self.dynamic(nested, mode, schema);
            } else {
                self.check_block(nested, &nested.body, schema);
            }
        }
        let given = |name: &str| {
            block.body.attribute(name).is_some()
                || block.body.blocks.iter().any(|b| *b.kind.text == *name)
        };
        let what = format!("`{}`", schema.kind);
        let known = settable(schema);
        let missing = |name| {
            !block.body.incomplete && !given(name) && !is_misspelt(&block.body, name, &known)
        };
        for attribute in schema.attributes.iter().filter(|a| a.required && missing(a.name)) {
            let diagnostic = missing_argument(attribute.name, &what, block.header);
            self.diagnostics.push(diagnostic.detail(sentence(attribute.doc)));
        }
        self.check_number_of_blocks(block, schema);
    }

    fn check_meta_block(&mut self, block: &Block, index: usize) {
        let nested = &block.body.blocks[index];
        shape::check_labels(nested, &[], self.diagnostics);
        let first = block.body.blocks[..index].iter().find(|b| b.kind.text == nested.kind.text);
        if let Some(first) = first {
            self.diagnostics.push(
                Diagnostic::error(
                    "duplicate-block",
                    format!("second `{}` block", nested.kind.text),
                )
                .at(nested.header)
                .see(first.header, "the first one is here")
                .help("put both into one block"),
            );
        }
    }

    fn check_argument(&mut self, attribute: &Attribute, schema: &Schema) {
        let name = &attribute.name;
        if let Some(known) = schema.attribute(&name.text).filter(|a| !is_block(schema, a.name)) {
            if known.role != Role::Input {
                self.diagnostics.push(
                    Diagnostic::error(
                        "read-only-attribute",
                        format!("`{}` of `{}` cannot be set", name.text, schema.kind),
                    )
                    .detail(format!("The service chooses it. {}", sentence(known.doc)))
                    .at(name.span)
                    .help("remove this line; other blocks may refer to its value"),
                );
            }
            return;
        }
        let diagnostic = Diagnostic::error(
            "unknown-attribute",
            format!("`{}` has no argument `{}`", schema.kind, name.text),
        )
        .at(name.span);
        self.diagnostics.push(
            if is_block(schema, &name.text) || META_BLOCKS.contains(&&*name.text) {
                diagnostic
                    .help(format!("`{0}` is a block: write `{0} {{ … }}` without `=`", name.text))
            } else {
                suggest(diagnostic, name, &settable(schema), "its arguments")
            },
        );
    }

    /// Checks a nested block, or the contents of a dynamic one.
    fn check_block(&mut self, block: &Block, body: &Body, schema: &Schema) {
        let kind = &*block.kind.text;
        let Some((name, attributes, _)) = schema.blocks.iter().find(|(name, _, _)| *name == kind)
        else {
            self.unknown_nested(&block.kind, schema);
            return;
        };
        shape::check_labels(block, &[], self.diagnostics);
        self.check_nested_body(name, body, block, attributes);
    }

    fn check_nested_body(
        &mut self,
        name: &str,
        body: &Body,
        block: &Block,
        attributes: &[SchemaAttribute],
    ) {
        let known: Vec<&str> =
            attributes.iter().filter(|a| a.role == Role::Input).map(|a| a.name).collect();
        let required: Vec<&str> =
            attributes.iter().filter(|a| a.required).map(|a| a.name).collect();
        let what = format!("the `{name}` block");
        let shape = Shape { what: &what, arguments: &known, required: &required, blocks: &[] };
        shape::check(body, block.header, shape, self.diagnostics);
    }

    fn unknown_nested(&mut self, kind: &Identifier, schema: &Schema) {
        let diagnostic = Self::about_unknown_nested(kind, schema);
        self.diagnostics.push(diagnostic);
    }

    fn about_unknown_nested(kind: &Identifier, schema: &Schema) -> Diagnostic {
        let diagnostic = Diagnostic::error(
            "unknown-block",
            format!("`{}` has no block `{}`", schema.kind, kind.text),
        )
        .at(kind.span);
        if ABSENT.contains(&&*kind.text) {
            diagnostic.help("natform runs no commands: remove the block")
        } else if META_ARGUMENTS.contains(&&*kind.text) {
            diagnostic.help(format!("`{0}` is an argument: write `{0} = …`", kind.text))
        } else if let Some(attribute) = schema.attribute(&kind.text) {
            let form = match attribute.kind {
                Kind::Objects(_) => "[{ … }]",
                Kind::Struct(_) => "{ … }",
                _ => "…",
            };
            diagnostic.help(format!("`{0}` is an argument: write `{0} = {form}`", kind.text))
        } else {
            let mut names: Vec<&str> = schema.blocks.iter().map(|(name, _, _)| *name).collect();
            names.extend(META_BLOCKS);
            suggest(diagnostic, kind, &names, "its blocks")
        }
    }

    fn dynamic(&mut self, block: &Block, mode: Mode, schema: &Schema) {
        if !shape::check_labels(block, &["block"], self.diagnostics) {
            return;
        }
        shape::check(&block.body, block.header, DYNAMIC, self.diagnostics);
        let kind = label(block, 0);
        let name = &*kind.text;
        let own = schema.blocks.iter().find(|(own, _, _)| *own == name);
        let attributes = match own {
            Some((_, attributes, _)) => Some(*attributes),
            None => (name == TIMEOUTS).then(|| limits(mode)),
        };
        let Some(attributes) = attributes else {
            if META_BLOCKS.contains(&name) {
                let summary = format!("`{name}` cannot be a `dynamic` block");
                let diagnostic = Diagnostic::error("invalid-argument", summary).at(kind.span);
                self.diagnostics.push(diagnostic.help(format!("write `{name} {{ … }}`")));
                return;
            }
            let mut diagnostic = Self::about_unknown_nested(&kind, schema);
            if let Some(fix) = &mut diagnostic.fix {
                fix.replacement = format!("\"{}\"", fix.replacement);
            }
            self.diagnostics.push(diagnostic);
            return;
        };
        if let Some(labels) = block.body.attribute("labels") {
            self.diagnostics.push(
                Diagnostic::error("invalid-argument", format!("`{name}` blocks have no labels"))
                    .at(labels.name.span)
                    .help("remove `labels`"),
            );
        }
        if let Some(iterator) = block.body.attribute("iterator")
            && !matches!(&*bare(&iterator.value).kind, ExpressionKind::Variable(_))
        {
            self.diagnostics.push(
                Diagnostic::error("invalid-argument", "`iterator` must be a bare word")
                    .at(iterator.value.span)
                    .help("write `iterator = item`"),
            );
        }
        match block.body.blocks.iter().find(|b| &*b.kind.text == "content") {
            Some(content) => self.check_nested_body(name, &content.body, content, attributes),
            None => self.diagnostics.push(
                Diagnostic::error("missing-block", "the `dynamic` block lacks a `content` block")
                    .at(block.header)
                    .help("add `content { … }` with the arguments of each block"),
            ),
        }
    }

    fn check_number_of_blocks(&mut self, block: &Block, schema: &Schema) {
        for (name, _, limit) in schema.blocks {
            let blocks: Vec<&Block> =
                block.body.blocks.iter().filter(|b| &*b.kind.text == *name).collect();
            if let (Some(first), Some(extra)) = (blocks.first(), blocks.get(*limit)) {
                self.diagnostics.push(
                    Diagnostic::error("too-many-blocks", format!("too many `{name}` blocks"))
                        .detail(format!("`{}` takes at most {limit}.", schema.kind))
                        .at(extra.header)
                        .see(first.header, "the first one is here"),
                );
            }
        }
    }
}

/// Returns whether a block gives time limits, also a `dynamic` one.
pub(super) fn is_timeouts(block: &Block) -> bool {
    let dynamic = &*block.kind.text == "dynamic";
    let name = if dynamic { block.labels.first() } else { Some(&block.kind) };
    name.is_some_and(|name| &*name.text == TIMEOUTS)
}

/// Returns a copy of a body without meta-arguments.
fn without_meta(body: &Body) -> Body {
    let attributes = body.attributes.iter().filter(|a| !META_ARGUMENTS.contains(&&*a.name.text));
    let blocks = body.blocks.iter();
    let blocks = blocks.filter(|b| !META_BLOCKS.contains(&&*b.kind.text) && !is_timeouts(b));
    let mut own = Body {
        attributes: attributes.cloned().collect(),
        blocks: blocks.cloned().collect(),
        incomplete: body.incomplete,
    };
    // A configuration may have very many blocks.
    own.attributes.shrink_to_fit();
    own.blocks.shrink_to_fit();
    own
}

/// Names that are taken by meta-arguments; a resource type must not have attributes called so.
#[cfg(test)]
pub(in crate::configuration) fn reserved() -> Vec<&'static str> {
    META_ARGUMENTS.iter().chain(&META_BLOCKS).copied().chain(["dynamic"]).collect()
}
