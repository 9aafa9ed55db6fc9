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
            _ => Value::unknown(ty),
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

    /// `&&` and `||`: the left side decides alone where it can, and so does a known right side
    /// beside an unknown left one.
    fn logic(
        &mut self,
        operator: BinaryOperator,
        left: &Expression,
        right: &Expression,
    ) -> Outcome {
        let decisive = operator == BinaryOperator::Or;
        let a = self.operand(left, &Type::Bool)?;
        if a.as_bool() == Some(decisive) {
            return Ok(a);
        }
        let b = self.operand(right, &Type::Bool)?;
        let sensitive = a.is_sensitive() || b.is_sensitive();
        let result = match (a.as_bool(), b.as_bool()) {
            (_, Some(b)) if b == decisive => Value::from(decisive),
            (Some(_), Some(_)) => Value::from(!decisive),
            _ => Value::unknown(Type::Bool),
        };
        Ok(result.with_sensitive(sensitive))
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
            _ => Value::unknown(result_type(operator)),
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
            let diagnostic = Diagnostic::error("null-value", "operand is null")
                .detail(format!("The operator takes a {}.", ty.friendly_name()))
                .at(expression.span);
            return Err(self.fail(diagnostic, expression));
        }
        convert(&value, ty).map_err(|error| {
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
