//! Meta-arguments: count, `for_each`, `depends_on`, provider, lifecycle, timeouts, conditions.

use std::sync::Arc;

use super::Builder;
use super::settings::words;
use crate::address::Mode;
use crate::configuration::model::{Condition, Lifecycle, Repetition};
use crate::configuration::shape::{self, Shape, bare, literal_bool, many};
use crate::configuration::timeouts;
use crate::diagnostic::Diagnostic;
use crate::resources::Schema;
use crate::syntax::ast::{Attribute, Block, Body, Expression, ExpressionKind, Identifier};
use crate::value::Name;

const LIFECYCLE: Shape<'_> = Shape {
    what: "the `lifecycle` block",
    arguments: &[
        "create_before_destroy",
        "prevent_destroy",
        "ignore_changes",
        "replace_triggered_by",
    ],
    required: &[],
    blocks: &[many("precondition"), many("postcondition")],
};

const LIFECYCLE_OF_DATA: Shape<'_> = Shape {
    what: "the `lifecycle` block of a data source",
    arguments: &[],
    required: &[],
    blocks: &[many("precondition"), many("postcondition")],
};

const CONDITION: Shape<'_> = Shape {
    what: "this block",
    arguments: &["condition", "error_message"],
    required: &["condition", "error_message"],
    blocks: &[],
};

impl Builder<'_> {
    /// Reads `count` or `for_each`.
    pub(super) fn repetition(&mut self, body: &Body) -> Repetition {
        match (body.attribute("count"), body.attribute("for_each")) {
            (Some(count), Some(each)) => {
                self.diagnostics.push(
                    Diagnostic::error(
                        "conflicting-arguments",
                        "`count` and `for_each` exclude each other",
                    )
                    .at(each.name.span)
                    .see(count.name.span, "`count` is here")
                    .help("keep one of them"),
                );
                Repetition::ForEach(each.value.clone())
            }
            (Some(count), None) => Repetition::Count(count.value.clone()),
            (None, Some(each)) => Repetition::ForEach(each.value.clone()),
            (None, None) => Repetition::Single,
        }
    }

    /// Reads the list of references of `depends_on`.
    pub(super) fn depends_on(&mut self, body: &Body) -> Vec<Expression> {
        body.attribute("depends_on").map(|a| self.references(a)).unwrap_or_default()
    }

    /// Reads an argument that is a list of references.
    fn references(&mut self, attribute: &Attribute) -> Vec<Expression> {
        let name = &attribute.name.text;
        let ExpressionKind::Tuple(list) = &*bare(&attribute.value).kind else {
            let given = crate::language::references(&attribute.value);
            let example =
                given.first().map_or_else(|| String::from("nat_gateway.main"), ToString::to_string);
            self.diagnostics.push(
                Diagnostic::error("invalid-argument", format!("`{name}` must be a list"))
                    .at(attribute.value.span)
                    .help(format!("write `{name} = [{example}]`")),
            );
            return Vec::new();
        };
        let mut references = Vec::with_capacity(list.len());
        for item in list {
            match &*bare(item).kind {
                ExpressionKind::Attribute(..) | ExpressionKind::Index(..) => {
                    references.push(bare(item).clone());
                }
                kind => {
                    let diagnostic = Diagnostic::error(
                        "invalid-argument",
                        format!("`{name}` takes references only"),
                    )
                    .at(item.span);
                    self.diagnostics.push(match kind {
                        ExpressionKind::String(text) => diagnostic
                            .help(format!("write it without quotes: `{text}`"))
                            .fix(item.span, &**text),
                        _ => diagnostic.help(format!("write `{name} = [nat_gateway.main]`")),
                    });
                }
            }
        }
        references
    }

    /// Reads `provider = alicloud.other` and returns the alias.
    pub(super) fn provider_alias(&mut self, body: &Body) -> Name {
        let Some(attribute) = body.attribute("provider") else { return "".into() };
        self.alias(&attribute.value).unwrap_or_else(|| "".into())
    }

    /// Reads a reference to a provider: `alicloud` or `alicloud.other`.
    pub(super) fn alias(&mut self, expression: &Expression) -> Option<Name> {
        if let Some((provider, alias)) = words(expression)
            && &*provider.text == "alicloud"
        {
            return Some(alias.map_or_else(|| "".into(), |alias| alias.text));
        }
        let diagnostic = Diagnostic::error("invalid-provider", "this does not name a provider")
            .at(expression.span);
        self.diagnostics.push(match &*bare(expression).kind {
            ExpressionKind::String(text)
                if text.split('.').next() == Some("alicloud") => diagnostic
                .help(format!("write it without quotes: `{text}`"))
                .fix(expression.span, &**text),
            _ => diagnostic.help(
                "natform has one provider: write `alicloud`, or `alicloud.` and an alias, such as `alicloud.other`",
            ),
        });
        None
    }

    /// Reads the conditions in the blocks of one kind.
    pub(super) fn conditions(&mut self, block: &Block, kind: &str) -> Vec<Condition> {
        let mut conditions = Vec::new();
        for nested in block.body.blocks.iter().filter(|b| &*b.kind.text == kind) {
            let what = format!("the `{kind}` block");
            let shape = Shape { what: &what, ..CONDITION };
            shape::check(&nested.body, nested.header, shape, self.diagnostics);
            let (Some(condition), Some(message)) =
                (nested.body.attribute("condition"), nested.body.attribute("error_message"))
            else {
                continue;
            };
            conditions.push(Condition {
                condition: condition.value.clone(),
                error_message: message.value.clone(),
                span: nested.header,
            });
        }
        conditions
    }

    /// Reads the `lifecycle` block.
    pub(super) fn lifecycle(
        &mut self,
        block: &Block,
        mode: Mode,
        schema: &Schema,
    ) -> Arc<Lifecycle> {
        let Some(nested) = block.body.blocks.iter().find(|b| &*b.kind.text == "lifecycle") else {
            return Arc::clone(&self.no_lifecycle);
        };
        let shape = if mode == Mode::Managed { LIFECYCLE } else { LIFECYCLE_OF_DATA };
        shape::check(&nested.body, nested.header, shape, self.diagnostics);
        let body = &nested.body;
        let mut lifecycle = Lifecycle {
            create_before_destroy: literal_bool(body, "create_before_destroy", self.diagnostics),
            prevent_destroy: body.attribute("prevent_destroy").map(|a| a.value.clone()),
            preconditions: self.conditions(nested, "precondition"),
            postconditions: self.conditions(nested, "postcondition"),
            ..Lifecycle::default()
        };
        if let Some(attribute) = body.attribute("replace_triggered_by") {
            lifecycle.replace_triggered_by = self.references(attribute);
        }
        if let Some(attribute) = body.attribute("ignore_changes") {
            self.ignore_changes(attribute, schema, &mut lifecycle);
        }
        Arc::new(lifecycle)
    }

    fn ignore_changes(
        &mut self,
        attribute: &Attribute,
        schema: &Schema,
        lifecycle: &mut Lifecycle,
    ) {
        let list = match &*bare(&attribute.value).kind {
            ExpressionKind::Variable(word) if &**word == "all" => {
                lifecycle.ignore_all = true;
                return;
            }
            ExpressionKind::Tuple(list) => list,
            _ => {
                self.diagnostics.push(
                    Diagnostic::error(
                        "invalid-argument",
                        "`ignore_changes` must be a list or `all`",
                    )
                    .at(attribute.value.span)
                    .help("write `ignore_changes = [description]` or `ignore_changes = all`"),
                );
                return;
            }
        };
        for item in list {
            let name = match &*bare(item).kind {
                ExpressionKind::Variable(name) | ExpressionKind::String(name) => {
                    Identifier { text: name.clone(), span: item.span }
                }
                _ => {
                    self.diagnostics.push(
                        Diagnostic::error(
                            "invalid-argument",
                            "`ignore_changes` takes names of whole arguments",
                        )
                        .at(item.span)
                        .help("write `ignore_changes = [description]`"),
                    );
                    continue;
                }
            };
            if self.may_be_ignored(&name, schema) {
                lifecycle.ignore_changes.push(name);
            }
        }
    }

    fn may_be_ignored(&mut self, name: &Identifier, schema: &Schema) -> bool {
        let is_block = schema.blocks.iter().any(|(block, _, _)| *block == &*name.text);
        match schema.attribute(&name.text) {
            Some(attribute) if attribute.role == crate::resources::Role::Input => true,
            Some(_) => {
                self.diagnostics.push(
                    Diagnostic::warning(
                        "redundant-ignore",
                        format!("`{}` is chosen by the service", name.text),
                    )
                    .detail("Its differences are never a reason for a change.")
                    .at(name.span)
                    .help("remove it from `ignore_changes`"),
                );
                false
            }
            None if is_block => true,
            None => {
                let names = super::resource::settable(schema);
                let diagnostic = Diagnostic::error(
                    "unknown-attribute",
                    format!("`{}` has no argument `{}`", schema.kind, name.text),
                )
                .at(name.span);
                self.diagnostics.push(shape::suggest(diagnostic, name, &names, "its arguments"));
                false
            }
        }
    }

    /// Takes out the `timeouts` blocks, after a look at what is written in them without references.
    pub(super) fn timeouts(&mut self, block: &Block) -> Body {
        let blocks: Vec<Block> =
            block.body.blocks.iter().filter(|b| super::resource::is_timeouts(b)).cloned().collect();
        for nested in &blocks {
            let contents = nested.body.blocks.iter().map(|content| &content.body);
            for attribute in contents.chain([&nested.body]).flat_map(|body| &body.attributes) {
                if let ExpressionKind::String(text) = &*bare(&attribute.value).kind
                    && let Err(diagnostic) = timeouts::duration(text, attribute.value.span)
                {
                    self.diagnostics.push(*diagnostic);
                }
            }
        }
        Body { attributes: Vec::new(), blocks, incomplete: false }
    }
}
