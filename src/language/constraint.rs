//! Type constraints: `list(object({ port = number, protocol = optional(string, "tcp") }))`, and the
//! defaults of optional attributes inside them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::constant::constant;
use super::evaluate::sentence;
use crate::diagnostic::{Diagnostic, Diagnostics, did_you_mean, list};
use crate::syntax::ast::{Expression, ExpressionKind, Identifier};
use crate::value::{self, Defaults, Field, Type, Value};

/// The words that are types of their own.
const PRIMITIVES: [(&str, Type); 4] =
    [("string", Type::String), ("number", Type::Number), ("bool", Type::Bool), ("any", Type::Any)];

/// The words that make types of types.
const CONSTRUCTORS: [&str; 5] = ["list", "set", "map", "object", "tuple"];

/// Reads a type constraint. A mistake in it makes the part `Any`, so that nothing more is reported.
pub fn constraint(
    expression: &Expression,
    diagnostics: &mut Diagnostics,
) -> (Type, Option<Arc<Defaults>>) {
    let mut defaults = Defaults::default();
    let ty = read(expression, &mut defaults, diagnostics).unwrap_or(Type::Any);
    (ty, (!defaults.is_empty()).then(|| Arc::new(defaults)))
}

fn read(
    expression: &Expression,
    defaults: &mut Defaults,
    diagnostics: &mut Diagnostics,
) -> Option<Type> {
    let expression = expression.bare();
    match &*expression.kind {
        ExpressionKind::Variable(word) => {
            if let Some((_, ty)) = PRIMITIVES.iter().find(|(name, _)| **name == **word) {
                return Some(ty.clone());
            }
            diagnostics.push(unknown_word(word, expression));
            None
        }
        ExpressionKind::Call { name, arguments, .. } => {
            constructor(expression, name, arguments, defaults, diagnostics)
        }
        ExpressionKind::String(text) => {
            diagnostics.push(
                Diagnostic::error("invalid-type", "type constraint is quoted")
                    .at(expression.span)
                    .help(format!("write it without quotes: `{text}`"))
                    .fix(expression.span, &**text),
            );
            None
        }
        ExpressionKind::Object(_) => {
            invalid(expression, "write `object({ … })`", diagnostics);
            None
        }
        ExpressionKind::Tuple(_) => {
            invalid(expression, "write `list(T)` or `tuple([ … ])`", diagnostics);
            None
        }
        _ => {
            invalid(expression, "write a type such as `string` or `list(number)`", diagnostics);
            None
        }
    }
}

fn invalid(expression: &Expression, help: &str, diagnostics: &mut Diagnostics) {
    diagnostics.push(
        Diagnostic::error("invalid-type", "this is not a type constraint")
            .at(expression.span)
            .help(help),
    );
}

fn unknown_word(word: &str, expression: &Expression) -> Diagnostic {
    let diagnostic =
        Diagnostic::error("invalid-type", format!("`{word}` is not a type")).at(expression.span);
    let example = match word {
        "list" | "set" | "map" => Some(format!("{word}(string)")),
        "object" => Some(String::from("object({ name = string })")),
        "tuple" => Some(String::from("tuple([string, number])")),
        _ => None,
    };
    if let Some(example) = example {
        return diagnostic.help(format!("it needs types in parentheses, such as `{example}`"));
    }
    let words = || PRIMITIVES.iter().map(|(name, _)| *name).chain(CONSTRUCTORS);
    match did_you_mean(word, words()) {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")).fix(expression.span, near),
        None => diagnostic.help(format!("types are {}", list(words()))),
    }
}

fn constructor(
    expression: &Expression,
    name: &Identifier,
    arguments: &[Expression],
    defaults: &mut Defaults,
    diagnostics: &mut Diagnostics,
) -> Option<Type> {
    let constructor = &*name.text;
    if constructor == "optional" {
        invalid(
            expression,
            "`optional(…)` stands only as the type of an object's attribute",
            diagnostics,
        );
        return None;
    }
    if !CONSTRUCTORS.contains(&constructor) {
        let diagnostic =
            Diagnostic::error("invalid-type", format!("`{constructor}` makes no type"))
                .at(name.span);
        diagnostics.push(match did_you_mean(constructor, CONSTRUCTORS) {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")).fix(name.span, near),
            None => diagnostic.help(format!("what makes types is {}", list(CONSTRUCTORS))),
        });
        return None;
    }
    let [argument] = arguments else {
        diagnostics.push(
            Diagnostic::error("invalid-type", format!("`{constructor}` takes one argument"))
                .detail(format!("It has {}.", arguments.len()))
                .at(expression.span),
        );
        return None;
    };
    match constructor {
        "object" => object(argument, defaults, diagnostics),
        "tuple" => tuple(argument, defaults, diagnostics),
        _ => {
            let mut inner = Defaults::default();
            let element = read(argument, &mut inner, diagnostics)?;
            if !inner.is_empty() {
                defaults.children.insert("".into(), inner);
            }
            Some(match constructor {
                "list" => Type::List(element.into()),
                "set" => Type::Set(element.into()),
                _ => Type::Map(element.into()),
            })
        }
    }
}

fn tuple(
    argument: &Expression,
    defaults: &mut Defaults,
    diagnostics: &mut Diagnostics,
) -> Option<Type> {
    let ExpressionKind::Tuple(elements) = &*argument.bare().kind else {
        invalid(argument, "write `tuple([string, number])`", diagnostics);
        return None;
    };
    let mut types = Vec::with_capacity(elements.len());
    for (i, element) in elements.iter().enumerate() {
        let mut inner = Defaults::default();
        types.push(read(element, &mut inner, diagnostics)?);
        if !inner.is_empty() {
            defaults.children.insert(i.to_string().into(), inner);
        }
    }
    Some(Type::Tuple(types.into()))
}

fn object(
    argument: &Expression,
    defaults: &mut Defaults,
    diagnostics: &mut Diagnostics,
) -> Option<Type> {
    let ExpressionKind::Object(items) = &*argument.bare().kind else {
        invalid(argument, "write `object({ name = string })`", diagnostics);
        return None;
    };
    let mut fields = BTreeMap::new();
    let mut good = true;
    for item in items {
        let ExpressionKind::String(name) = &*item.key.kind else {
            invalid(&item.key, "an attribute's name is a plain word", diagnostics);
            good = false;
            continue;
        };
        let mut inner = Defaults::default();
        match field(&item.value, &mut inner, diagnostics) {
            Some((field, default)) => {
                if let Some(default) = default {
                    defaults.values.insert(name.clone(), default);
                }
                if !inner.is_empty() {
                    defaults.children.insert(name.clone(), inner);
                }
                fields.insert(name.clone(), field);
            }
            None => good = false,
        }
    }
    good.then(|| Type::Object(Arc::new(fields)))
}

/// Reads the type of an object's attribute, which may be `optional(T)` or `optional(T, default)`.
fn field(
    expression: &Expression,
    inner: &mut Defaults,
    diagnostics: &mut Diagnostics,
) -> Option<(Field, Option<Value>)> {
    let (ty, default) = match &*expression.bare().kind {
        ExpressionKind::Call { name, arguments, .. } if &*name.text == "optional" => {
            match &**arguments {
                [ty] => (ty, None),
                [ty, default] => (ty, Some(default)),
                _ => {
                    invalid(
                        expression,
                        "write `optional(type)` or `optional(type, default)`",
                        diagnostics,
                    );
                    return None;
                }
            }
        }
        _ => {
            let ty = read(expression, inner, diagnostics)?;
            return Some((Field { ty, optional: false }, None));
        }
    };
    let ty = read(ty, inner, diagnostics)?;
    let default = match default {
        None => None,
        Some(default) => {
            let value = constant(default, diagnostics)?;
            match value::convert(&inner.apply(&value), &ty) {
                Ok(value) => Some(value),
                Err(why) => {
                    diagnostics.push(
                        Diagnostic::error(
                            "invalid-default",
                            "default does not fit the attribute's type",
                        )
                        .detail(format!("{}.", sentence(&why.to_string())))
                        .at(default.span),
                    );
                    None
                }
            }
        }
    };
    Some((Field { ty, optional: true }, default))
}
