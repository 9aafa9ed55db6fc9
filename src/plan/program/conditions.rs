//! Conditions: validations of variables, pre- and postconditions; and the outputs of the root module.

use super::scope::Place;
use super::session::Session;
use super::trace::Item;
use crate::address::Key;
use crate::configuration::{Condition, Output, Variable};
use crate::diagnostic::{Diagnostic, Span};
use crate::language::{Reference, ReferenceStep, Scope, Step, describe, references};
use crate::syntax::ast::Expression;
use crate::value::{Type, Value, convert};

/// Most references of a condition whose values are shown.
const MAX_VALUES: usize = 6;

impl Session<'_> {
    /// Checks the validations of a variable; `given` is the place of the value.
    pub(super) fn validate(
        &self,
        module: usize,
        variable: &Variable,
        value: &Value,
        given: Option<Span>,
    ) {
        let name = &*variable.name.text;
        for validation in &variable.validations {
            let place = Place { variable: Some((name, value)), ..Place::new(self, module) };
            let what = format!("value of `var.{name}` is not valid");
            if let Some(diagnostic) = self.violated(validation, &place, "invalid-variable", what) {
                self.report([match given {
                    Some(given) => diagnostic
                        .at(given)
                        .see(validation.condition.span, "this condition does not hold"),
                    None => diagnostic
                        .at_with(validation.condition.span, "this condition does not hold"),
                }]);
                self.fail();
            }
        }
    }

    /// Checks a condition; one that is unknown is passed over. Returns what is to be said when it
    /// does not hold.
    fn violated(
        &self,
        condition: &Condition,
        place: &Place<'_>,
        code: &'static str,
        summary: String,
    ) -> Option<Diagnostic> {
        let value = self.evaluate(&condition.condition, place)?;
        if value.is_unknown() {
            return None;
        }
        let truth = convert(&value, &Type::Bool).ok().and_then(|v| v.as_bool());
        match truth {
            Some(true) => return None,
            Some(false) => {}
            None => {
                self.report([Diagnostic::error(
                    "invalid-condition",
                    "condition is neither true nor false",
                )
                .at(condition.condition.span)]);
                self.fail();
                return None;
            }
        }
        let message = self.evaluate(&condition.error_message, place)?;
        let message = match message.as_str() {
            Some(text) if !message.is_sensitive() => text.trim().to_owned(),
            Some(_) => String::from("(The message holds sensitive values.)"),
            None if message.is_null() => String::from("(The message is null.)"),
            None => String::from("(The message is known only after apply.)"),
        };
        let diagnostic = Diagnostic::error(code, summary).detail(message);
        Some(with_values(diagnostic, &condition.condition, place))
    }

    /// Checks conditions at the place where they stand.
    pub(super) fn conditions(
        &self,
        conditions: &[Condition],
        place: &Place<'_>,
        code: &'static str,
        summary: &str,
    ) {
        for condition in conditions {
            if let Some(diagnostic) = self.violated(condition, place, code, summary.to_owned()) {
                self.report([diagnostic.at(condition.condition.span)]);
                self.fail();
            }
        }
    }
}

/// Adds the values of what an expression refers to.
pub(super) fn with_values(
    mut diagnostic: Diagnostic,
    expression: &Expression,
    place: &Place<'_>,
) -> Diagnostic {
    for reference in references(expression) {
        let reference = reference.constant_part();
        let name = reference.to_string();
        if diagnostic.values.len() >= MAX_VALUES {
            break;
        }
        if diagnostic.values.iter().all(|(known, _)| *known != name)
            && let Some(value) = value_of(&reference, place)
            && !(value.is_unknown() && place.session.inner.general)
            && let Some(text) = describe(&value)
        {
            diagnostic = diagnostic.value(name, text);
        }
    }
    diagnostic
}

/// Returns the value of a reference that was evaluated before without mistakes.
fn value_of(reference: &Reference, place: &Place<'_>) -> Option<Value> {
    let steps: Option<Vec<Step<'_>>> = reference
        .steps
        .iter()
        .map(|step| match step {
            ReferenceStep::Attribute(name) => Some(Step::Attribute(name)),
            ReferenceStep::Key(key, span) => Some(Step::Index(key_value(key)?, *span)),
            ReferenceStep::Computed(_) => None,
        })
        .collect();
    let steps = steps?;
    let (value, used) = place.resolve(&reference.root, &steps).ok()?;
    steps[used..].iter().try_fold(value, |value, step| match step {
        Step::Attribute(name) => value.index(&Value::string(name.text.clone())).ok(),
        Step::Index(key, _) => value.index(key).ok(),
    })
}

fn key_value(key: &Key) -> Option<Value> {
    match key {
        Key::Number(number) => i64::try_from(*number).ok().map(Value::from),
        Key::Text(text) => Some(Value::string(text.clone())),
    }
}

/// Evaluates an output of the root module.
pub(super) fn output(session: &Session<'_>, output: &Output) -> Value {
    let name = &output.name.text;
    let place = Place::new(session, 0);
    let summary = format!("precondition of the output `{name}` does not hold");
    session.conditions(&output.preconditions, &place, "precondition-failed", &summary);
    let value = session.item(0, Item::Output(name.clone()));
    if value.deep_sensitive() && !output.sensitive {
        session.report([Diagnostic::error(
            "sensitive-output",
            format!("output `{name}` shows a sensitive value"),
        )
        .at(output.value.span)
        .help("add `sensitive = true` to the output, or `nonsensitive(…)` if it is no secret")]);
        session.fail();
    }
    value
}
