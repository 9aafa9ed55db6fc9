//! The evaluator: literals, collections, conditionals, and its limits.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::describe::describe;
use super::reference::references;
use super::scope::Scope;
use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::syntax::ast::{Expression, ExpressionKind, Identifier, ObjectItem};
use crate::value::{Data, Name, Type, Value, convert, unify};

/// Deepest nesting of expressions that is evaluated, templates in templates included.
const MAX_DEPTH: usize = 400;
/// Most expressions that one evaluation takes, repetitions of loops included.
pub(super) const MAX_WORK: u64 = 20_000_000;
/// Most parts that a value made by an expression may have.
const MAX_PARTS: usize = 20_000_000;
/// How many parts of values may be looked at for the price of one expression.
const PARTS_A_STEP: u64 = 16;
/// How many expressions cost as much as a part of a new value.
const STEPS_A_MADE_PART: u64 = 3;
/// How many bytes of text count as one part.
const BYTES_A_PART: usize = 64;
/// Deepest value that an expression may make.
const MAX_VALUE_DEPTH: usize = 500;
/// Most references of a mistaken expression whose values are shown.
const MAX_SHOWN: usize = 6;

/// Evaluates an expression. On failure all independent mistakes are returned.
pub fn evaluate(expression: &Expression, scope: &dyn Scope) -> Result<Value, Diagnostics> {
    let mut evaluator = Evaluator::new(scope);
    match evaluator.expression(expression) {
        Ok(value) if evaluator.diagnostics.is_empty() => Ok(value),
        _ => {
            let mut diagnostics = Diagnostics::new();
            diagnostics.extend(evaluator.diagnostics);
            Err(diagnostics)
        }
    }
}

/// Says that a mistake was reported, so that what depends on it keeps silent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failed;

/// A value, or the news that its mistake was reported.
pub(super) type Outcome<T = Value> = Result<T, Failed>;

pub(super) struct Evaluator<'s> {
    pub(super) scope: &'s dyn Scope,
    pub(super) diagnostics: Vec<Diagnostic>,
    /// Variables of enclosing `for`s, innermost last.
    pub(super) variables: Vec<(Name, Value)>,
    /// Elements of enclosing splats, innermost last.
    pub(super) splat_items: Vec<Value>,
    /// How many enclosing `try`s throw mistakes away.
    pub(super) trials: usize,
    /// How many enclosing templates were read from files or strings.
    pub(super) templates: usize,
    pub(super) depth: usize,
    pub(super) work: u64,
}

impl<'s> Evaluator<'s> {
    pub(super) fn new(scope: &'s dyn Scope) -> Self {
        Self {
            scope,
            diagnostics: Vec::new(),
            variables: Vec::new(),
            splat_items: Vec::new(),
            trials: 0,
            templates: 0,
            depth: 0,
            work: 0,
        }
    }

    pub(super) fn expression(&mut self, expression: &Expression) -> Outcome {
        self.work += 1;
        // Literals are most of what there is.
        match &*expression.kind {
            ExpressionKind::Null => return Ok(Value::null()),
            ExpressionKind::Bool(value) => return Ok(Value::from(*value)),
            ExpressionKind::Number(number) => return Ok(Value::from(number.clone())),
            ExpressionKind::String(text) => return Ok(Value::string(Arc::clone(text))),
            _ => {}
        }
        if self.depth >= MAX_DEPTH || self.exhausted() {
            return Err(self.give_up(expression.span));
        }
        self.depth += 1;
        let outcome = self.compound(expression);
        self.depth -= 1;
        outcome
    }

    fn compound(&mut self, expression: &Expression) -> Outcome {
        match &*expression.kind {
            ExpressionKind::Null
            | ExpressionKind::Bool(_)
            | ExpressionKind::Number(_)
            | ExpressionKind::String(_) => Ok(Value::null()),
            ExpressionKind::Variable(_)
            | ExpressionKind::Attribute(..)
            | ExpressionKind::Index(..)
            | ExpressionKind::SplatItem => self.traversal(expression),
            ExpressionKind::Template(parts) => self.template_expression(parts, expression.span),
            ExpressionKind::Tuple(elements) => self.tuple(elements, expression.span),
            ExpressionKind::Object(items) => self.object(items, expression.span),
            ExpressionKind::Splat { source, each, .. } => self.splat(source, each),
            ExpressionKind::Call { name, arguments, expand } => {
                self.call(name, arguments, *expand, expression)
            }
            ExpressionKind::Unary(operator, inner) => self.unary(*operator, inner),
            ExpressionKind::Binary(operator, left, right) => {
                self.binary(*operator, left, right, expression)
            }
            ExpressionKind::Conditional(condition, then, otherwise) => {
                self.conditional(condition, then, otherwise, expression)
            }
            ExpressionKind::For(inner) => self.for_expression(inner, expression.span),
            ExpressionKind::Parenthesis(inner) => self.expression(inner),
        }
    }

    /// Evaluates several expressions and reports the mistakes of all.
    pub(super) fn all(&mut self, expressions: &[Expression]) -> Outcome<Vec<Value>> {
        let mut values = Vec::with_capacity(expressions.len());
        let mut failed = false;
        for expression in expressions {
            match self.expression(expression) {
                Ok(value) => values.push(value),
                Err(Failed) => failed = true,
            }
        }
        if failed { Err(Failed) } else { Ok(values) }
    }

    fn tuple(&mut self, elements: &[Expression], span: Span) -> Outcome {
        let values = self.all(elements)?;
        self.check_size(&values, span)?;
        Ok(Value::tuple(values))
    }

    fn object(&mut self, items: &[ObjectItem], span: Span) -> Outcome {
        let mut attributes = BTreeMap::new();
        let (mut known, mut sensitive, mut failed) = (true, false, false);
        for item in items {
            let key = self.object_key(&item.key);
            let value = self.expression(&item.value);
            match (key, value) {
                (Ok((key, marked)), Ok(value)) => {
                    sensitive |= marked;
                    match key {
                        Some(key) => {
                            attributes.insert(key, value);
                        }
                        None => known = false,
                    }
                }
                _ => failed = true,
            }
        }
        if failed {
            return Err(Failed);
        }
        self.check_size(attributes.values(), span)?;
        let value =
            if known { Value::object(attributes.into()) } else { Value::unknown(Type::Any) };
        Ok(value.with_sensitive(sensitive))
    }

    /// Returns the key, or none when it is unknown, and whether it is sensitive.
    fn object_key(&mut self, key: &Expression) -> Outcome<(Option<Name>, bool)> {
        if let ExpressionKind::String(text) = &*key.kind {
            return Ok((Some(Arc::clone(text)), false));
        }
        let value = self.expression(key)?;
        self.key_text(&value, key).map(|text| (text, value.is_sensitive()))
    }

    /// Makes a key of an object of a value; none when it is unknown.
    pub(super) fn key_text(&mut self, value: &Value, at: &Expression) -> Outcome<Option<Name>> {
        match value.data() {
            Data::String(text) => return Ok(Some(Arc::clone(text))),
            Data::Null => {
                let diagnostic = Diagnostic::error("null-value", "key of an object is null");
                return Err(self.fail(diagnostic.at(at.span), at));
            }
            _ => {}
        }
        match convert(value, &Type::String) {
            Ok(text) => Ok(text.as_str().map(Arc::from)),
            Err(error) => {
                let diagnostic = Diagnostic::error("invalid-key", "key of an object is no string")
                    .detail(format!("{error}."))
                    .at(at.span);
                Err(self.fail(diagnostic, at))
            }
        }
    }

    fn conditional(
        &mut self,
        condition: &Expression,
        then: &Expression,
        otherwise: &Expression,
        whole: &Expression,
    ) -> Outcome {
        let condition = self.condition(condition, "condition")?;
        let marked = |value: Value| {
            let sensitive = value.is_sensitive() || condition.is_sensitive();
            value.with_sensitive(sensitive)
        };
        let Some(truth) = condition.as_bool() else {
            // Both may be taken; a mistake in one of them shows when it is.
            let (Some(then), Some(otherwise)) = (self.attempt(then), self.attempt(otherwise))
            else {
                return Ok(marked(Value::unknown(Type::Any)));
            };
            let ty = self.common_type(&then, &otherwise, whole)?;
            let sensitive = then.is_sensitive() || otherwise.is_sensitive();
            let either = Value::unknown(ty).with_sensitive(sensitive);
            let may_be_null = then.may_be_null() || otherwise.may_be_null();
            return Ok(marked(if may_be_null { either } else { either.never_null() }));
        };
        let (chosen, other) = if truth { (then, otherwise) } else { (otherwise, then) };
        let chosen = self.expression(chosen)?;
        // The other one is needed for its type only.
        if same_literal_kind(&chosen, other) {
            return Ok(marked(chosen));
        }
        let Some(other) = self.attempt(other) else { return Ok(marked(chosen)) };
        self.look([&chosen, &other], whole.span)?;
        let ty = self.common_type(&chosen, &other, whole)?;
        // Whichever is taken, a reader of the result could tell which; so a mark of either counts.
        let sensitive = chosen.is_sensitive() || other.is_sensitive();
        let converted = convert(&chosen, &ty).map_err(|error| {
            let diagnostic = Diagnostic::error(
                "inconsistent-conditional",
                "results of the conditional have different types",
            )
            .detail(format!("{}.", sentence(&error.to_string())))
            .at(whole.span);
            self.fail(diagnostic, whole)
        })?;
        Ok(marked(converted.with_sensitive(sensitive)))
    }

    /// Finds the type of both results of a conditional.
    fn common_type(&mut self, a: &Value, b: &Value, whole: &Expression) -> Outcome<Type> {
        let (a, b) = (a.type_of(), b.type_of());
        if a == Type::Any {
            return Ok(b);
        }
        if b == Type::Any || a == b {
            return Ok(a);
        }
        unify([&a, &b]).ok_or_else(|| {
            let diagnostic = Diagnostic::error(
                "inconsistent-conditional",
                "results of the conditional have different types",
            )
            .detail(format!(
                "One is {}, the other is {}; there is no type that both can have.",
                with_article(&a),
                with_article(&b)
            ))
            .at(whole.span);
            self.fail(diagnostic, whole)
        })
    }

    /// Evaluates what must be a truth value; unknown stays unknown.
    pub(super) fn condition(&mut self, expression: &Expression, what: &str) -> Outcome {
        let value = self.expression(expression)?;
        if value.as_bool().is_some() {
            return Ok(value);
        }
        if value.is_null() {
            let diagnostic = Diagnostic::error("null-value", format!("{what} is null"))
                .detail("It must be either true or false.")
                .at(expression.span);
            return Err(self.fail(diagnostic, expression));
        }
        convert(&value, &Type::Bool).map_err(|error| {
            let diagnostic =
                Diagnostic::error("invalid-condition", format!("{what} is no truth value"))
                    .detail(format!("{}.", sentence(&error.to_string())))
                    .at(expression.span);
            self.fail(diagnostic, expression)
        })
    }

    /// Evaluates and throws mistakes away.
    pub(super) fn attempt(&mut self, expression: &Expression) -> Option<Value> {
        let before = self.diagnostics.len();
        self.trials += 1;
        let outcome = self.expression(expression);
        self.trials -= 1;
        if !self.exhausted() {
            self.diagnostics.truncate(before);
        }
        outcome.ok()
    }

    pub(super) fn exhausted(&self) -> bool {
        self.work > MAX_WORK
    }

    /// Reports once that a limit is reached.
    pub(super) fn give_up(&mut self, span: Span) -> Failed {
        const CODE: &str = "expression-too-large";
        if self.depth >= MAX_DEPTH {
            self.diagnostics.push(
                Diagnostic::error("too-deep", "expression is nested too deeply").at(span).detail(
                    format!("At most {MAX_DEPTH} levels are evaluated, templates included."),
                ),
            );
        } else if !self.diagnostics.iter().any(|d| d.code == CODE) {
            self.diagnostics.push(
                Diagnostic::error(CODE, "expression takes too much work to evaluate")
                    .at(span)
                    .help("split it, or compute the data outside and read it from a file"),
            );
        }
        Failed
    }

    /// Counts the work of looking at all parts of values; an error when it is too much.
    pub(super) fn look<'v>(
        &mut self,
        values: impl IntoIterator<Item = &'v Value>,
        span: Span,
    ) -> Outcome<()> {
        self.work += values.into_iter().map(weight).sum::<u64>() / PARTS_A_STEP;
        if self.exhausted() { Err(self.give_up(span)) } else { Ok(()) }
    }

    /// Counts the work of making a value; one that others hold, too, was made before.
    pub(super) fn made(&mut self, value: &Value) {
        let parts = match value.data() {
            Data::String(text) if Arc::strong_count(text) == 1 => text.len() / BYTES_A_PART,
            Data::List(_, elements) | Data::Set(_, elements) | Data::Tuple(elements)
                if Arc::strong_count(elements) == 1 =>
            {
                elements.len()
            }
            Data::Map(_, entries) | Data::Object(entries) if Arc::strong_count(entries) == 1 => {
                entries.len()
            }
            _ => 0,
        };
        self.work += STEPS_A_MADE_PART * parts as u64;
    }

    /// Refuses values whose parts are too many to be handled, which few references can make.
    pub(super) fn check_size<'v>(
        &mut self,
        values: impl IntoIterator<Item = &'v Value>,
        span: Span,
    ) -> Outcome<()> {
        let mut budget = MAX_PARTS;
        let fits = values.into_iter().all(|value| within(value, &mut budget, 1));
        self.work += (MAX_PARTS - budget) as u64 / PARTS_A_STEP;
        if fits {
            return Ok(());
        }
        self.diagnostics.push(
            Diagnostic::error("value-too-large", "value is too large")
                .detail(format!(
                    "At most {MAX_PARTS} parts in {MAX_VALUE_DEPTH} levels are handled."
                ))
                .at(span),
        );
        Err(Failed)
    }

    /// Reports a mistake together with the values of what the expression refers to.
    pub(super) fn fail(&mut self, diagnostic: Diagnostic, expression: &Expression) -> Failed {
        let diagnostic =
            if self.trials > 0 { diagnostic } else { self.with_values(diagnostic, expression) };
        self.diagnostics.push(diagnostic);
        Failed
    }

    fn with_values(&mut self, mut diagnostic: Diagnostic, expression: &Expression) -> Diagnostic {
        for reference in references(expression) {
            let reference = reference.constant_part();
            let name = reference.to_string();
            if diagnostic.values.len() >= MAX_SHOWN {
                break;
            }
            if diagnostic.values.iter().any(|(n, _)| *n == name) {
                continue;
            }
            self.trials += 1;
            let before = self.diagnostics.len();
            let value = self.reference_value(&reference);
            self.diagnostics.truncate(before);
            self.trials -= 1;
            if let Ok(value) = value
                && let Some(text) = describe(&value)
            {
                diagnostic = diagnostic.value(name, text);
            }
        }
        diagnostic
    }

    /// Returns the variable of an enclosing `for`.
    pub(super) fn variable(&self, name: &str) -> Option<&Value> {
        self.variables.iter().rev().find(|(n, _)| &**n == name).map(|(_, value)| value)
    }

    /// Works with the variables of a `for` bound.
    pub(super) fn bound<T>(
        &mut self,
        key: Option<(&Identifier, Value)>,
        value: (&Identifier, Value),
        work: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let outside = self.variables.len();
        if let Some((name, key)) = key {
            self.variables.push((Arc::clone(&name.text), key));
        }
        self.variables.push((Arc::clone(&value.0.text), value.1));
        let result = work(self);
        self.variables.truncate(outside);
        result
    }
}

/// Returns how many parts a value has, with the parts of parts.
fn weight(value: &Value) -> u64 {
    match value.data() {
        Data::String(text) => 1 + (text.len() / BYTES_A_PART) as u64,
        Data::List(_, elements) | Data::Set(_, elements) | Data::Tuple(elements) => {
            1 + elements.iter().map(weight).sum::<u64>()
        }
        Data::Map(_, entries) | Data::Object(entries) => {
            1 + entries.values().map(weight).sum::<u64>()
        }
        _ => 1,
    }
}

/// Counts the parts of a value against what is left, down to the deepest level allowed.
fn within(value: &Value, budget: &mut usize, depth: usize) -> bool {
    if *budget == 0 || depth > MAX_VALUE_DEPTH {
        return false;
    }
    *budget -= 1;
    if let Some(elements) = value.as_elements() {
        return elements.iter().all(|element| within(element, budget, depth + 1));
    }
    value
        .as_entries()
        .is_none_or(|entries| entries.values().all(|entry| within(entry, budget, depth + 1)))
}

/// Returns whether the other branch is a literal of the same type, so that nothing is to be unified.
fn same_literal_kind(value: &Value, other: &Expression) -> bool {
    matches!(
        (value.data(), &*other.kind),
        (Data::String(_), ExpressionKind::String(_))
            | (Data::Number(_), ExpressionKind::Number(_))
            | (Data::Bool(_), ExpressionKind::Bool(_))
            | (_, ExpressionKind::Null)
    )
}

/// Returns the type in words with its article.
pub(super) fn with_article(ty: &Type) -> String {
    let name = ty.friendly_name();
    let article = if name.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {name}")
}

/// Makes a sentence's start of a message.
pub(super) fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    characters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}
