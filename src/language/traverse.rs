//! References, attributes, indices and splats.

use std::sync::Arc;

use super::describe::listed;
use super::evaluate::{Evaluator, Failed, Outcome, sentence, with_article};
use super::reference::{Reference, ReferenceStep, references};
use super::scope::Step;
use crate::address::Key;
use crate::diagnostic::{Diagnostic, Span, did_you_mean};
use crate::syntax::ast::{Expression, ExpressionKind, Identifier};
use crate::value::{Data, Entries, Type, Value, convert, unify};

impl Evaluator<'_> {
    /// Evaluates a traversal: collects its steps down to what it starts from, asks the scope, and
    /// applies what the scope has left.
    pub(super) fn traversal(&mut self, whole: &Expression) -> Outcome {
        let mut chain: Vec<&Expression> = Vec::new();
        let mut source = whole;
        while let ExpressionKind::Attribute(inner, _) | ExpressionKind::Index(inner, _) =
            &*source.kind
        {
            chain.push(source);
            source = inner;
        }
        let mut steps = Vec::with_capacity(chain.len());
        let mut failed = false;
        for link in chain.iter().rev() {
            match &*link.kind {
                ExpressionKind::Attribute(_, name) => steps.push(Step::Attribute(name)),
                ExpressionKind::Index(_, index) => match self.expression(index) {
                    Ok(value) => steps.push(Step::Index(value, index.span)),
                    Err(Failed) => failed = true,
                },
                _ => {}
            }
        }
        if failed {
            return Err(Failed);
        }
        let (mut value, used) = match &*source.kind {
            ExpressionKind::Variable(name) => self.root(name, source.span, &steps)?,
            ExpressionKind::SplatItem => {
                (self.splat_items.last().cloned().unwrap_or_else(Value::null), 0)
            }
            _ => (self.expression(source)?, 0),
        };
        for (i, step) in steps.iter().enumerate().skip(used) {
            let link = chain[chain.len() - 1 - i];
            value = self.step(&value, step, link)?;
        }
        Ok(value)
    }

    fn root(&mut self, name: &Arc<str>, span: Span, steps: &[Step<'_>]) -> Outcome<(Value, usize)> {
        if let Some(value) = self.variable(name) {
            return Ok((value.clone(), 0));
        }
        let root = Identifier { text: Arc::clone(name), span };
        self.scope.resolve(&root, steps).map_err(|diagnostic| {
            self.diagnostics.push(*diagnostic);
            Failed
        })
    }

    /// Returns the value of the constant part of a reference.
    pub(super) fn reference_value(&mut self, reference: &Reference) -> Outcome {
        let steps: Vec<Step<'_>> = reference
            .steps
            .iter()
            .filter_map(|step| match step {
                ReferenceStep::Attribute(name) => Some(Step::Attribute(name)),
                ReferenceStep::Key(Key::Text(text), span) => {
                    Some(Step::Index(Value::string(Arc::clone(text)), *span))
                }
                ReferenceStep::Key(Key::Number(position), span) => {
                    i64::try_from(*position).ok().map(|p| Step::Index(Value::from(p), *span))
                }
                ReferenceStep::Computed(_) => None,
            })
            .collect();
        let (value, used) = self.root(&reference.root.text, reference.root.span, &steps)?;
        steps[used.min(steps.len())..].iter().try_fold(value, |value, step| match step {
            Step::Attribute(name) => attribute(&value, name, false).map_err(|_| Failed),
            Step::Index(key, _) => value.index(key).map_err(|_| Failed),
        })
    }

    /// Takes one step into a value; `link` is the expression up to and with the step.
    fn step(&mut self, value: &Value, step: &Step<'_>, link: &Expression) -> Outcome {
        // Looking for what may be meant takes time, which `try` over a large map must not spend.
        let explain = self.trials == 0;
        let result = match step {
            Step::Attribute(name) => attribute(value, name, explain),
            Step::Index(key, span) => index(value, key, *span, explain),
        };
        result.map_err(|diagnostic| {
            let (ExpressionKind::Attribute(source, _) | ExpressionKind::Index(source, _)) =
                &*link.kind
            else {
                return self.fail(*diagnostic, link);
            };
            let shown = if matches!(step, Step::Index(..)) { link } else { source };
            let diagnostic = diagnostic.see(source.span, "");
            self.fail(diagnostic, shown)
        })
    }

    /// Evaluates `source[*]…`.
    pub(super) fn splat(&mut self, source: &Expression, each: &Expression) -> Outcome {
        let value = self.expression(source)?;
        let sensitive = value.is_sensitive();
        let result = match value.data() {
            Data::Null => Value::tuple([]),
            Data::List(element, elements) | Data::Set(element, elements) => {
                let values = self.splat_over(elements, each, sensitive)?;
                if values.is_empty() {
                    let ty = self.each_type((**element).clone(), each)?;
                    Value::list(ty, [])
                } else {
                    as_list(values)
                }
            }
            Data::Tuple(elements) => Value::tuple(self.splat_over(elements, each, sensitive)?),
            Data::Unknown(unknown) => match &unknown.ty {
                Type::Any => Value::unknown(Type::Any),
                Type::List(element) | Type::Set(element) => {
                    let ty = self.each_type((**element).clone(), each)?;
                    Value::unknown(Type::list(ty))
                }
                Type::Tuple(types) => {
                    let types: Outcome<Vec<Type>> =
                        types.iter().map(|ty| self.each_type(ty.clone(), each)).collect();
                    Value::unknown(Type::tuple(types?))
                }
                // Whether it is null, and so no element at all, is not known either.
                ty => {
                    let ty = self.each_type(ty.clone(), each)?;
                    Value::unknown(Type::list(ty))
                }
            },
            _ => {
                let before = self.diagnostics.len();
                let elements = self.splat_over(std::slice::from_ref(&value), each, sensitive);
                if elements.is_err() {
                    self.explain_splat(&value, source, before);
                }
                Value::tuple(elements?)
            }
        };
        Ok(result.with_sensitive(sensitive))
    }

    /// Tells who took a map apart with `[*]` that it is one element there.
    fn explain_splat(&mut self, value: &Value, source: &Expression, before: usize) {
        let Some(entries) = value.as_entries() else { return };
        if entries.is_empty() || !entries.values().all(|entry| entry.as_entries().is_some()) {
            return;
        }
        let name = references(source).first().map_or_else(|| "…".into(), ToString::to_string);
        for diagnostic in self.diagnostics.iter_mut().skip(before) {
            if matches!(diagnostic.code, "unsupported-attribute" | "missing-element") {
                diagnostic.fix = None;
                diagnostic.help = Some(format!(
                    "`[*]` takes a map as one element: write `values({name})[*]` for all its elements"
                ));
            }
        }
    }

    fn splat_over(
        &mut self,
        elements: &[Value],
        each: &Expression,
        sensitive: bool,
    ) -> Outcome<Vec<Value>> {
        let mut values = Vec::with_capacity(elements.len());
        for element in elements {
            let sensitive = sensitive || element.is_sensitive();
            values.push(self.splat_item(element.clone().with_sensitive(sensitive), each)?);
        }
        self.check_size(&values, each.span)?;
        Ok(values)
    }

    fn splat_item(&mut self, item: Value, each: &Expression) -> Outcome {
        self.splat_items.push(item);
        let outcome = self.expression(each);
        self.splat_items.pop();
        outcome
    }

    /// Finds the type that `each` gives for elements of type `ty`.
    fn each_type(&mut self, ty: Type, each: &Expression) -> Outcome<Type> {
        self.splat_item(Value::unknown(ty), each).map(|value| value.type_of())
    }
}

/// Makes a list where the elements have one type, and a tuple where not.
fn as_list(values: Vec<Value>) -> Value {
    let first = values.first().map_or(Type::Any, Value::type_of);
    let same = values.iter().all(|value| value.type_of() == first);
    if same && first != Type::Any {
        return Value::list(first, values);
    }
    let types: Vec<Type> = values.iter().map(Value::type_of).collect();
    match unify(&types) {
        Some(element) => {
            let tuple = Value::tuple(values);
            convert(&tuple, &Type::list(element)).unwrap_or(tuple)
        }
        None => Value::tuple(values),
    }
}

type Stepped = Result<Value, Box<Diagnostic>>;

/// Returns the attribute of an object or the element of a map. A mistake is explained with the
/// names that there are, if so wanted.
fn attribute(value: &Value, name: &Identifier, explain: bool) -> Stepped {
    if let Some(entry) = value.get(&name.text) {
        let sensitive = value.is_sensitive() || entry.is_sensitive();
        return Ok(entry.clone().with_sensitive(sensitive));
    }
    let marked = |found: Value| Ok(found.with_sensitive(value.is_sensitive()));
    match value.data() {
        Data::Unknown(unknown) => match &unknown.ty {
            Type::Any => return marked(Value::unknown(Type::Any)),
            Type::Map(_) => {
                if let Ok(found) = value.index(&Value::string(Arc::clone(&name.text))) {
                    return Ok(found);
                }
            }
            Type::Object(fields) => {
                if let Some(field) = fields.get(&name.text) {
                    return marked(match &unknown.origin {
                        Some(origin) => {
                            Value::unknown_from(field.ty.clone(), format!("{origin}.{}", name.text))
                        }
                        None => Value::unknown(field.ty.clone()),
                    });
                }
                return Err(no_attribute(name, fields.keys().map(|n| &**n), explain));
            }
            _ => {}
        },
        Data::Object(attributes) => {
            return Err(no_attribute(name, attributes.keys().map(|n| &**n), explain));
        }
        Data::Map(_, entries) => {
            return Err(no_element(value, &name.text, entries, name.span, explain));
        }
        _ => {}
    }
    Err(Box::new(not_an_object(value, name)))
}

fn no_attribute<'a>(
    name: &Identifier,
    attributes: impl Iterator<Item = &'a str> + Clone,
    explain: bool,
) -> Box<Diagnostic> {
    let mut diagnostic = Diagnostic::error(
        "unsupported-attribute",
        format!("object has no attribute `{}`", name.text),
    )
    .at(name.span);
    if !explain {
        return Box::new(diagnostic);
    }
    if let Some(near) = did_you_mean(&name.text, attributes.clone()) {
        diagnostic =
            diagnostic.help(format!("did you mean `{near}`?")).fix(name.span, near.to_owned());
    }
    let names = listed(attributes);
    let detail = if names.is_empty() {
        String::from("It has no attributes at all.")
    } else {
        format!("It has {names}.")
    };
    Box::new(diagnostic.detail(detail))
}

fn no_element(
    value: &Value,
    key: &str,
    entries: &Entries,
    span: Span,
    explain: bool,
) -> Box<Diagnostic> {
    let kind = if matches!(value.data(), Data::Map(..)) { "map" } else { "object" };
    if value.is_sensitive() {
        let diagnostic =
            Diagnostic::error("missing-element", format!("{kind} has no such element"));
        return Box::new(diagnostic.at(span));
    }
    let mut diagnostic =
        Diagnostic::error("missing-element", format!("{kind} has no element `{key}`")).at(span);
    if !explain {
        return Box::new(diagnostic);
    }
    let names = listed(entries.keys().map(|n| &**n));
    diagnostic = diagnostic.detail(if names.is_empty() {
        format!("The {kind} is empty.")
    } else {
        format!("It has {names}.")
    });
    if let Some(near) = did_you_mean(key, entries.keys().map(|n| &**n)) {
        diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
    }
    Box::new(diagnostic)
}

fn not_an_object(value: &Value, name: &Identifier) -> Diagnostic {
    let ty = value.type_of();
    if value.is_null() {
        return Diagnostic::error("null-value", "value is null and has no attributes")
            .detail(format!("The attribute `{}` was asked of it.", name.text))
            .at(name.span)
            .help("guard it with a condition, `try(…)` or a default");
    }
    let diagnostic = Diagnostic::error(
        "unsupported-attribute",
        format!("{} has no attribute `{}`", with_article(&ty), name.text),
    )
    .at(name.span);
    match &ty {
        Type::List(_) | Type::Tuple(_) => diagnostic.help(format!(
            "take one element with `[0].{0}`, or that attribute of all elements with `[*].{0}`",
            name.text
        )),
        Type::Set(_) => diagnostic.help(format!(
            "elements of a set have no order; take that attribute of all with `[*].{}`",
            name.text
        )),
        _ => diagnostic.detail("Only objects and maps have attributes."),
    }
}

/// Returns the element at a key.
fn index(value: &Value, key: &Value, span: Span, explain: bool) -> Stepped {
    let error = match value.index(key) {
        Ok(element) => return Ok(element),
        Err(error) => error,
    };
    if value.is_null() {
        return Err(Box::new(
            Diagnostic::error("null-value", "value is null and has no elements")
                .at(span)
                .help("guard it with a condition, `try(…)` or a default"),
        ));
    }
    if key.is_null() {
        return Err(Box::new(Diagnostic::error("null-value", "index is null").at(span)));
    }
    let hidden = value.is_sensitive() || key.is_sensitive();
    match value.data() {
        Data::Map(_, entries) | Data::Object(entries) if key.as_str().is_some() && !hidden => {
            return Err(no_element(
                value,
                key.as_str().unwrap_or_default(),
                entries,
                span,
                explain,
            ));
        }
        Data::Set(..) => {
            return Err(Box::new(
                Diagnostic::error("invalid-index", "a set has no index")
                    .detail("Its elements have no order and are identified by their value alone.")
                    .at(span)
                    .help("make a list of it with `tolist(…)`, or iterate with `for`"),
            ));
        }
        _ => {}
    }
    let diagnostic = Diagnostic::error("invalid-index", "index is not valid").at(span);
    let detail = if hidden {
        String::from("There is no such element.")
    } else {
        match value.type_of() {
            ty if ty.is_primitive() => {
                format!("It is {}, which has no elements.", with_article(&ty))
            }
            _ => format!("{}.", sentence(&error.to_string())),
        }
    };
    Err(Box::new(diagnostic.detail(detail)))
}
