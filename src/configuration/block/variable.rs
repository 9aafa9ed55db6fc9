//! `variable` and `output` blocks.

use std::sync::Arc;

use super::{Builder, label};
use crate::configuration::model::{Output, Variable};
use crate::configuration::shape::{self, Shape, literal_bool, literal_text, many, sentence};
use crate::diagnostic::Diagnostic;
use crate::language;
use crate::syntax::ast::{Attribute, Block};
use crate::value::{Type, Value};

const VARIABLE: Shape<'_> = Shape {
    what: "`variable` block",
    arguments: &["type", "default", "description", "sensitive", "nullable"],
    required: &[],
    blocks: &[many("validation")],
};

const OUTPUT: Shape<'_> = Shape {
    what: "`output` block",
    arguments: &["value", "description", "sensitive", "depends_on"],
    required: &["value"],
    blocks: &[many("precondition")],
};

/// Names that `module` blocks use for themselves.
const RESERVED: [&str; 7] =
    ["source", "version", "providers", "count", "for_each", "depends_on", "lifecycle"];

impl Builder<'_> {
    pub(super) fn variable(&mut self, block: &Block) {
        let name = label(block, 0);
        let reference = format!("var.{}", name.text);
        shape::check(&block.body, block.header, VARIABLE, self.diagnostics);
        if RESERVED.contains(&&*name.text) {
            self.diagnostics.push(
                Diagnostic::error(
                    "reserved-name",
                    format!("a variable may not be called `{}`", name.text),
                )
                .detail("`module` blocks have an argument of that name.")
                .at(name.span),
            );
        }
        if !self.declare(&reference, &format!("the variable `{}`", name.text), block.header) {
            return;
        }
        let body = &block.body;
        let (ty, defaults) = body.attribute("type").map_or((Type::Any, None), |attribute| {
            language::constraint(&attribute.value, self.diagnostics)
        });
        let mut variable = Variable {
            literal: ty.is_primitive() || body.attribute("type").is_none(),
            ty,
            defaults,
            default: None,
            description: literal_text(body, "description", self.diagnostics)
                .map(|text| text.text.to_string()),
            sensitive: literal_bool(body, "sensitive", self.diagnostics).unwrap_or(false),
            nullable: literal_bool(body, "nullable", self.diagnostics).unwrap_or(true),
            validations: self.conditions(block, "validation"),
            span: block.header,
            name: name.clone(),
        };
        if let Some(attribute) = body.attribute("default") {
            variable.default = Some(self.default(&variable, attribute));
        }
        self.module.variables.insert(Arc::clone(&name.text), variable);
    }

    /// Reads a default. One with a mistake becomes null, so that the variable is not asked for.
    fn default(&mut self, variable: &Variable, attribute: &Attribute) -> Value {
        let Some(value) = language::constant(&attribute.value, self.diagnostics) else {
            return Value::null();
        };
        if value.is_null() && !variable.nullable {
            self.diagnostics.push(
                Diagnostic::error(
                    "invalid-default",
                    format!("default of `{}` is null", variable.name.text),
                )
                .detail("The variable has `nullable = false`.")
                .at(attribute.value.span)
                .help("give another default, or none to make the variable required"),
            );
            return value;
        }
        match variable.convert(&value) {
            Ok(value) => value,
            Err(why) => {
                self.diagnostics.push(
                    Diagnostic::error(
                        "invalid-default",
                        format!("default of `{}` does not fit its type", variable.name.text),
                    )
                    .detail(sentence(&why))
                    .at(attribute.value.span),
                );
                Value::null()
            }
        }
    }

    pub(super) fn output(&mut self, block: &Block) {
        let name = label(block, 0);
        shape::check(&block.body, block.header, OUTPUT, self.diagnostics);
        let what = format!("the output `{}`", name.text);
        if !self.declare(&format!("output.{}", name.text), &what, block.header) {
            return;
        }
        let body = &block.body;
        let Some(value) = body.attribute("value") else {
            self.module.unread.insert(format!("output.{}", name.text));
            return;
        };
        let output = Output {
            value: value.value.clone(),
            description: literal_text(body, "description", self.diagnostics)
                .map(|text| text.text.to_string()),
            sensitive: literal_bool(body, "sensitive", self.diagnostics).unwrap_or(false),
            depends_on: self.depends_on(body),
            preconditions: self.conditions(block, "precondition"),
            span: block.header,
            name: name.clone(),
        };
        self.module.outputs.insert(name.text, output);
    }
}
