//! Unary and binary operators.

use super::evaluate::{Evaluator, Failed, Outcome, sentence};
use crate::diagnostic::Diagnostic;
use crate::syntax::ast::{BinaryOperator, Expression, UnaryOperator};
use crate::value::{Number, NumberError, Type, Value, convert, equals_value};

impl Evaluator<'_> {
    pub(super) fn unary(&mut self, operator: UnaryOperator, inner: &Expression) -> Outcome {
        let ty = match operator {
            UnaryOperator::Not => Type::Bool,
            UnaryOperator::Negate => Type::Number,
        };
        let value = self.operand(inner, &ty)?;
        let result = match (value.as_bool(), value.as_number()) {
            (Some(truth), _) => Value::from(!truth),
            (_, Some(number)) => Value::from(number.negate()),
            _ => Value::unknown(ty).never_null(),
        };
        Ok(result.with_sensitive(value.is_sensitive()))
    }

    pub(super) fn binary(
        &mut self,
        operator: BinaryOperator,
        left: &Expression,
        right: &Expression,
        whole: &Expression,
    ) -> Outcome {
        match operator {
            BinaryOperator::And | BinaryOperator::Or => self.logic(operator, left, right),
            BinaryOperator::Equal | BinaryOperator::NotEqual => {
                let (a, b) = (self.expression(left), self.expression(right));
                let (Ok(a), Ok(b)) = (a, b) else { return Err(Failed) };
                self.look([&a, &b], whole.span)?;
                let equal = equals_value(&a, &b);
                if operator == BinaryOperator::Equal {
                    return Ok(equal);
                }
                let sensitive = equal.is_sensitive();
                let result =
                    equal.as_bool().map_or_else(|| equal.clone(), |same| Value::from(!same));
                Ok(result.with_sensitive(sensitive))
            }
            _ => self.arithmetic(operator, left, right, whole),
        }
    }

    /// `&&` and `||`: one side that decides makes up for mistakes of the other, not for its type. Both
    /// are evaluated, since the result is sensitive where either is.
    fn logic(
        &mut self,
        operator: BinaryOperator,
        left: &Expression,
        right: &Expression,
    ) -> Outcome {
        let decisive = operator == BinaryOperator::Or;
        let start = self.diagnostics.len();
        let a = self.side(left)?;
        let middle = self.diagnostics.len();
        let quiet = usize::from(decides(a.as_ref(), decisive));
        self.trials += quiet;
        let b = self.side(right);
        self.trials -= quiet;
        let b = b?;
        if self.exhausted() {
            return Err(self.give_up(right.span));
        }
        let sensitive = [&a, &b].into_iter().flatten().any(Value::is_sensitive);
        let result = match (&a, &b) {
            (Some(a), _) if a.is_null() => return Err(self.null_operand(left, &Type::Bool)),
            (a, _) if decides(a.as_ref(), decisive) => Value::from(decisive),
            (_, b) if decides(b.as_ref(), decisive) => {
                self.diagnostics.drain(start..middle);
                return Ok(Value::from(decisive).with_sensitive(sensitive));
            }
            (_, Some(b)) if b.is_null() => return Err(self.null_operand(right, &Type::Bool)),
            (Some(a), Some(b)) if !a.is_unknown() && !b.is_unknown() => Value::from(!decisive),
            (Some(_), Some(_)) => Value::unknown(Type::Bool).never_null(),
            // The left side may turn out to be what the right one relies on.
            (Some(a), None) if a.is_unknown() => Value::unknown(Type::Bool).never_null(),
            _ => return Err(Failed),
        };
        self.diagnostics.truncate(middle);
        Ok(result.with_sensitive(sensitive))
    }

    /// Evaluates one side of `&&` or `||`; none if it has no value, an error if it has a wrong type.
    fn side(&mut self, expression: &Expression) -> Outcome<Option<Value>> {
        let Ok(value) = self.expression(expression) else { return Ok(None) };
        if value.is_null() {
            return Ok(Some(value));
        }
        self.converted_operand(expression, &value, &Type::Bool).map(Some)
    }

    fn arithmetic(
        &mut self,
        operator: BinaryOperator,
        left: &Expression,
        right: &Expression,
        whole: &Expression,
    ) -> Outcome {
        let before = self.diagnostics.len();
        let (a, b) = (self.operand(left, &Type::Number), self.operand(right, &Type::Number));
        let (Ok(a), Ok(b)) = (a, b) else {
            self.explain_operands(operator, before);
            return Err(Failed);
        };
        let sensitive = a.is_sensitive() || b.is_sensitive();
        let result = match (a.as_number(), b.as_number()) {
            (Some(x), Some(y)) => compute(operator, x, y).map_err(|error| {
                let diagnostic = Diagnostic::error("invalid-operation", "operation has no result")
                    .detail(format!("{}.", sentence(&error.to_string())))
                    .at(whole.span);
                self.fail(diagnostic, whole)
            })?,
            _ => Value::unknown(result_type(operator)).never_null(),
        };
        Ok(result.with_sensitive(sensitive))
    }

    /// Makes one mistake of operands that are no numbers, and says what may be meant.
    fn explain_operands(&mut self, operator: BinaryOperator, before: usize) {
        if self.diagnostics[before..].iter().any(|d| d.code != "invalid-operand") {
            return;
        }
        let others: Vec<Diagnostic> = self.diagnostics.drain(before..).collect();
        let Some(mut diagnostic) = others.into_iter().reduce(|mut first, other| {
            first.labels.extend(other.labels);
            let known = first.values.clone();
            first.values.extend(other.values.into_iter().filter(|value| !known.contains(value)));
            first
        }) else {
            return;
        };
        diagnostic.help = match operator {
            BinaryOperator::Add => Some(String::from(
                "`+` adds numbers: join texts in a template such as `\"${a}${b}\"`, lists with `concat`, maps with `merge`",
            )),
            _ if result_type(operator) == Type::Bool => {
                Some(String::from("only numbers have an order; `==` and `!=` compare all values"))
            }
            _ => diagnostic.help,
        };
        self.diagnostics.push(diagnostic);
    }

    /// Evaluates an operand and converts it; unknown stays unknown.
    fn operand(&mut self, expression: &Expression, ty: &Type) -> Outcome {
        let value = self.expression(expression)?;
        if value.is_null() {
            return Err(self.null_operand(expression, ty));
        }
        self.converted_operand(expression, &value, ty)
    }

    fn null_operand(&mut self, expression: &Expression, ty: &Type) -> Failed {
        let diagnostic = Diagnostic::error("null-value", "operand is null")
            .detail(format!("The operator takes a {}.", ty.friendly_name()))
            .at(expression.span);
        self.fail(diagnostic, expression)
    }

    fn converted_operand(&mut self, expression: &Expression, value: &Value, ty: &Type) -> Outcome {
        convert(value, ty).map_err(|error| {
            let diagnostic = Diagnostic::error(
                "invalid-operand",
                format!("operand is no {}", ty.friendly_name()),
            )
            .detail(format!("{}.", sentence(&error.to_string())))
            .at(expression.span);
            self.fail(diagnostic, expression)
        })
    }
}

/// Returns whether one side of `&&` or `||` decides alone.
fn decides(side: Option<&Value>, decisive: bool) -> bool {
    side.and_then(Value::as_bool) == Some(decisive)
}

fn compute(operator: BinaryOperator, a: &Number, b: &Number) -> Result<Value, NumberError> {
    Ok(match operator {
        BinaryOperator::Add => a.add(b)?.into(),
        BinaryOperator::Subtract => a.subtract(b)?.into(),
        BinaryOperator::Multiply => a.multiply(b)?.into(),
        BinaryOperator::Divide => a.divide(b)?.into(),
        BinaryOperator::Modulo => a.remainder(b)?.into(),
        BinaryOperator::Less => (a < b).into(),
        BinaryOperator::LessOrEqual => (a <= b).into(),
        BinaryOperator::Greater => (a > b).into(),
        BinaryOperator::GreaterOrEqual => (a >= b).into(),
        BinaryOperator::Equal
        | BinaryOperator::NotEqual
        | BinaryOperator::And
        | BinaryOperator::Or => Value::null(),
    })
}

fn result_type(operator: BinaryOperator) -> Type {
    match operator {
        BinaryOperator::Add
        | BinaryOperator::Subtract
        | BinaryOperator::Multiply
        | BinaryOperator::Divide
        | BinaryOperator::Modulo => Type::Number,
        _ => Type::Bool,
    }
}
