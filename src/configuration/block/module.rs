//! `module` blocks.

use std::collections::BTreeMap;

use super::{Builder, label};
use crate::configuration::model::Repetition;
use crate::configuration::shape::{bare, check_labels, literal_text, missing_argument};
use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::syntax::ast::{Block, Body, Expression, ExpressionKind, Identifier};
use crate::value::Name;

const META_ARGUMENTS: [&str; 6] =
    ["source", "version", "count", "for_each", "depends_on", "providers"];

/// A `module` block whose module is not read yet.
#[derive(Debug)]
pub(in crate::configuration) struct Call {
    pub(in crate::configuration) name: Identifier,
    pub(in crate::configuration) source: Identifier,
    pub(in crate::configuration) arguments: BTreeMap<Name, (Identifier, Expression)>,
    pub(in crate::configuration) repetition: Repetition,
    pub(in crate::configuration) depends_on: Vec<Expression>,
    pub(in crate::configuration) providers: BTreeMap<Name, Identifier>,
    pub(in crate::configuration) span: Span,
}

impl Builder<'_> {
    pub(super) fn call(&mut self, block: &Block) {
        let name = label(block, 0);
        let reference = format!("module.{}", name.text);
        if !self.declare(&reference, &format!("`{reference}`"), block.header) {
            return;
        }
        for nested in &block.body.blocks {
            self.nested_in_call(nested);
        }
        let Some(source) = self.source(block) else {
            self.module.unread.insert(reference);
            return;
        };
        let arguments = block
            .body
            .attributes
            .iter()
            .filter(|a| !META_ARGUMENTS.contains(&&*a.name.text))
            .map(|a| (a.name.text.clone(), (a.name.clone(), a.value.clone())))
            .collect();
        let call = Call {
            name,
            source,
            arguments,
            repetition: self.repetition(&block.body),
            depends_on: self.depends_on(&block.body),
            providers: self.providers(&block.body),
            span: block.header,
        };
        self.calls.push(call);
    }

    fn nested_in_call(&mut self, nested: &Block) {
        check_labels(nested, &[], self.diagnostics);
        let kind = &nested.kind.text;
        self.diagnostics.push(
            Diagnostic::error("unknown-block", format!("`module` has no block `{kind}`"))
                .at(nested.kind.span)
                .help(format!(
                    "values of the module's variables are arguments: write `{kind} = …`"
                )),
        );
    }

    /// Reads `source`, which must be a path.
    fn source(&mut self, block: &Block) -> Option<Identifier> {
        if block.body.attribute("source").is_none() {
            self.diagnostics.push(missing_argument("source", "`module` block", block.header));
            return None;
        }
        if let Some(version) = block.body.attribute("version") {
            self.diagnostics.push(
                Diagnostic::error("invalid-argument", "modules on disk have no version")
                    .at(version.name.span)
                    .help("remove `version`"),
            );
        }
        let source = literal_text(&block.body, "source", self.diagnostics)?;
        let local = source.text.starts_with("./") || source.text.starts_with("../");
        if !local && &*source.text != "." && &*source.text != ".." {
            self.diagnostics.push(
                Diagnostic::error(
                    "invalid-source",
                    format!("`{}` is not a path to a module", source.text),
                )
                .detail("natform reads modules from disk only and fetches nothing.")
                .at(source.span)
                .help("write a path that starts with `./` or `../`"),
            );
            return None;
        }
        Some(source)
    }

    /// Reads `providers = { alicloud = alicloud.other }`: alias inside → alias outside.
    fn providers(&mut self, body: &Body) -> BTreeMap<Name, Identifier> {
        let mut providers = BTreeMap::new();
        let Some(attribute) = body.attribute("providers") else { return providers };
        let ExpressionKind::Object(items) = &*bare(&attribute.value).kind else {
            self.diagnostics.push(
                Diagnostic::error("invalid-argument", "`providers` must be an object")
                    .at(attribute.value.span)
                    .help("write `providers = { alicloud = alicloud.other }`"),
            );
            return providers;
        };
        for item in items {
            let inside = match &*bare(&item.key).kind {
                ExpressionKind::String(word) if &**word == "alicloud" => Some("".into()),
                ExpressionKind::String(word) if word.starts_with("alicloud.") => {
                    Some(word["alicloud.".len()..].into())
                }
                _ => self.alias(&item.key),
            };
            if let (Some(inside), Some(outside)) = (inside, self.alias(&item.value)) {
                providers.insert(inside, Identifier { text: outside, span: item.value.span });
            }
        }
        providers
    }
}

/// Removes what the parser says of keys such as `alicloud.other`, which `providers` of a `module`
/// block takes.
pub(in crate::configuration) fn without_provider_keys(
    body: &Body,
    found: Diagnostics,
) -> Diagnostics {
    let places: Vec<Span> = body
        .blocks
        .iter()
        .filter(|b| &*b.kind.text == "module")
        .filter_map(|b| b.body.attribute("providers"))
        .map(|a| a.span)
        .collect();
    let expected = |diagnostic: &Diagnostic| {
        diagnostic.code == "ambiguous-key"
            && diagnostic.span().is_some_and(|span| {
                places
                    .iter()
                    .any(|p| p.file == span.file && p.start <= span.start && span.end <= p.end)
            })
    };
    let mut rest = Diagnostics::new();
    rest.extend(found.into_iter().filter(|d| !expected(d)));
    rest
}
