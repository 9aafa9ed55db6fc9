//! What an expression refers to, found without evaluating it.

use std::fmt;
use std::sync::Arc;

use crate::address::Key;
use crate::diagnostic::Span;
use crate::syntax::ast::{Expression, ExpressionKind, Identifier, TemplatePart};

/// A traversal in an expression, as far as it is known without evaluating.
#[derive(Debug, Clone)]
pub struct Reference {
    /// The first word.
    pub root: Identifier,
    /// What follows, up to a splat or the end.
    pub steps: Vec<ReferenceStep>,
    /// The whole traversal.
    pub span: Span,
}

/// One step of a [`Reference`].
#[derive(Debug, Clone)]
pub enum ReferenceStep {
    /// `.name`
    Attribute(Identifier),
    /// `[0]` or `["name"]`, with its place.
    Key(Key, Span),
    /// An index that is to be evaluated, with its place.
    Computed(Span),
}

impl Reference {
    /// Returns the names that directly follow the first word, up to the first index.
    pub fn names(&self) -> impl Iterator<Item = &Identifier> {
        self.steps.iter().map_while(|step| match step {
            ReferenceStep::Attribute(name) => Some(name),
            _ => None,
        })
    }

    /// Returns it up to the first index that is to be evaluated.
    #[must_use]
    pub fn constant_part(mut self) -> Self {
        if let Some(end) =
            self.steps.iter().position(|step| matches!(step, ReferenceStep::Computed(_)))
        {
            self.steps.truncate(end);
        }
        self
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.root.text)?;
        for step in &self.steps {
            match step {
                ReferenceStep::Attribute(name) => write!(f, ".{}", name.text)?,
                ReferenceStep::Key(key, _) => write!(f, "{key}")?,
                ReferenceStep::Computed(_) => f.write_str("[…]")?,
            }
        }
        Ok(())
    }
}

/// Returns the references of an expression in the order in which they stand, those of index
/// expressions included. Variables of `for` expressions and templates are no references.
pub fn references(expression: &Expression) -> Vec<Reference> {
    let mut finder = Finder::default();
    finder.expression(expression);
    finder.references
}

/// Returns the names of the functions that an expression calls.
pub fn function_calls(expression: &Expression) -> Vec<&Identifier> {
    let mut finder = Finder::default();
    finder.expression(expression);
    finder.calls
}

/// Returns the arguments of a call that are values: the second one of `convert` is a type.
fn values_of<'a>(name: &Identifier, arguments: &'a [Expression]) -> &'a [Expression] {
    match arguments {
        [value, _] if matches!(&*name.text, "convert" | "core::convert") => {
            std::slice::from_ref(value)
        }
        _ => arguments,
    }
}

#[derive(Default)]
struct Finder<'a> {
    references: Vec<Reference>,
    calls: Vec<&'a Identifier>,
    bound: Vec<&'a str>,
}

impl<'a> Finder<'a> {
    fn expression(&mut self, expression: &'a Expression) {
        match &*expression.kind {
            ExpressionKind::Null
            | ExpressionKind::Bool(_)
            | ExpressionKind::Number(_)
            | ExpressionKind::String(_)
            | ExpressionKind::SplatItem => {}
            ExpressionKind::Variable(_)
            | ExpressionKind::Attribute(..)
            | ExpressionKind::Index(..) => self.traversal(expression),
            ExpressionKind::Template(parts) => self.template(parts),
            ExpressionKind::Tuple(elements) => elements.iter().for_each(|e| self.expression(e)),
            ExpressionKind::Object(items) => {
                for item in items {
                    self.expression(&item.key);
                    self.expression(&item.value);
                }
            }
            ExpressionKind::Splat { source, each, .. } => {
                self.expression(source);
                self.expression(each);
            }
            ExpressionKind::Call { name, arguments, .. } => {
                self.calls.push(name);
                for argument in values_of(name, arguments) {
                    self.expression(argument);
                }
            }
            ExpressionKind::Unary(_, inner) | ExpressionKind::Parenthesis(inner) => {
                self.expression(inner);
            }
            ExpressionKind::Binary(_, left, right) => {
                self.expression(left);
                self.expression(right);
            }
            ExpressionKind::Conditional(condition, then, otherwise) => {
                self.expression(condition);
                self.expression(then);
                self.expression(otherwise);
            }
            ExpressionKind::For(expression) => {
                self.expression(&expression.collection);
                self.with(expression.key.as_ref(), &expression.value, |finder| {
                    if let Some(key) = &expression.key_result {
                        finder.expression(key);
                    }
                    finder.expression(&expression.value_result);
                    if let Some(condition) = &expression.condition {
                        finder.expression(condition);
                    }
                });
            }
        }
    }

    fn with(
        &mut self,
        key: Option<&'a Identifier>,
        value: &'a Identifier,
        work: impl FnOnce(&mut Self),
    ) {
        let outside = self.bound.len();
        self.bound.extend(key.into_iter().chain([value]).map(|name| &*name.text));
        work(self);
        self.bound.truncate(outside);
    }

    fn template(&mut self, parts: &'a [TemplatePart]) {
        for part in parts {
            match part {
                TemplatePart::Literal(_) => {}
                TemplatePart::Interpolation(inner) => self.expression(inner),
                TemplatePart::If { condition, then, otherwise, .. } => {
                    self.expression(condition);
                    self.template(then);
                    self.template(otherwise);
                }
                TemplatePart::For { key, value, collection, body, .. } => {
                    self.expression(collection);
                    self.with(key.as_ref(), value, |finder| finder.template(body));
                }
            }
        }
    }

    /// Follows attributes and indices down to the first word, or to another expression.
    fn traversal(&mut self, whole: &'a Expression) {
        let mut steps = Vec::new();
        let mut indices = Vec::new();
        let mut source = whole;
        loop {
            match &*source.kind {
                ExpressionKind::Attribute(inner, name) => {
                    steps.push(ReferenceStep::Attribute(name.clone()));
                    source = inner;
                }
                ExpressionKind::Index(inner, index) => {
                    steps.push(index_step(index));
                    indices.push(index);
                    source = inner;
                }
                _ => break,
            }
        }
        match &*source.kind {
            ExpressionKind::Variable(name) if !self.bound.contains(&&**name) => {
                // `resource.nat_gateway.edge` is `nat_gateway.edge`.
                let long = match (&**name, steps.last()) {
                    ("resource", Some(ReferenceStep::Attribute(kind))) => Some(kind.clone()),
                    _ => None,
                };
                if long.is_some() {
                    steps.pop();
                }
                steps.reverse();
                let short = || Identifier { text: Arc::clone(name), span: source.span };
                let root = long.unwrap_or_else(short);
                self.references.push(Reference { root, steps, span: whole.span });
            }
            ExpressionKind::Variable(_) => {}
            _ => self.expression(source),
        }
        indices.into_iter().rev().for_each(|index| self.expression(index));
    }
}

fn index_step(index: &Expression) -> ReferenceStep {
    match &*index.kind {
        ExpressionKind::String(text) => ReferenceStep::Key(Key::Text(Arc::clone(text)), index.span),
        ExpressionKind::Number(number) => match number.to_u64() {
            Some(position) => ReferenceStep::Key(Key::Number(position), index.span),
            None => ReferenceStep::Computed(index.span),
        },
        _ => ReferenceStep::Computed(index.span),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::FileId;
    use crate::syntax::parse_expression;

    fn found(text: &str) -> Vec<String> {
        let (expression, diagnostics) = parse_expression(FileId(0), text);
        assert!(diagnostics.is_empty(), "{diagnostics:?}");
        references(&expression).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_reference_is_found_once() {
        assert_eq!(found("nat_gateway.g[each.key].id"), ["nat_gateway.g[…].id", "each.key"]);
        assert_eq!(found("a.b[\"k\"].c + a.d[0]"), ["a.b[\"k\"].c", "a.d[0]"]);
        assert_eq!(found("a.b[*].c[d.e]"), ["a.b", "d.e"]);
        assert_eq!(found("f(a)[b].c"), ["a", "b"]);
        assert_eq!(found("\"${a} %{ if b }${c}%{ else }${d}%{ endif }\""), ["a", "b", "c", "d"]);
        assert_eq!(found("{(a) = b, c = d ? !e : -(g)}"), ["a", "b", "d", "e", "g"]);
    }

    #[test]
    fn variables_of_loops_are_none() {
        assert_eq!(found("[for x in x : x.y]"), ["x"]);
        assert_eq!(found("{for k, v in m : k => [for k in v : [k, w]] if v}"), ["m", "w"]);
        assert_eq!(found("\"%{ for x in l }${x}${y}%{ endfor }${x}\""), ["l", "y", "x"]);
        assert_eq!(found("[for x in [] : y[x]]"), ["y[…]"]);
    }

    #[test]
    fn constant_parts_end_at_computed_indices() {
        let (expression, _) = parse_expression(FileId(0), "a.b[c].d");
        let reference = references(&expression).swap_remove(0);
        let names: Vec<_> = reference.names().map(|name| name.text.to_string()).collect();
        assert_eq!(names, ["b"]);
        assert_eq!(reference.constant_part().to_string(), "a.b");
    }

    #[test]
    fn calls_are_found() {
        let (expression, _) = parse_expression(FileId(0), "f(core::g(1), [h()])");
        let names: Vec<_> =
            function_calls(&expression).iter().map(|n| n.text.to_string()).collect();
        assert_eq!(names, ["f", "core::g", "h"]);
    }
}
