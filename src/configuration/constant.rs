//! Constants: values that are read before anything else is evaluated, such as defaults of variables.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::syntax::ast::{Expression, ExpressionKind, UnaryOperator};
use crate::value::{Data, Value};

/// Evaluates an expression without references and functions.
pub(super) fn evaluate(expression: &Expression, diagnostics: &mut Diagnostics) -> Option<Value> {
    let value = match &*expression.kind {
        ExpressionKind::Null => Value::null(),
        ExpressionKind::Bool(value) => Value::from(*value),
        ExpressionKind::Number(number) => Value::new(Data::Number(number.clone())),
        ExpressionKind::String(text) => Value::string(Arc::clone(text)),
        ExpressionKind::Parenthesis(inner) => evaluate(inner, diagnostics)?,
        ExpressionKind::Unary(UnaryOperator::Negate, inner) => {
            let value = evaluate(inner, diagnostics)?;
            let number = value.as_number()?;
            Value::new(Data::Number(number.negate()))
        }
        ExpressionKind::Tuple(list) => {
            let values: Option<Vec<Value>> =
                list.iter().map(|e| evaluate(e, diagnostics)).collect();
            Value::new(Data::Tuple(values?.into()))
        }
        ExpressionKind::Object(items) => {
            let mut entries = BTreeMap::new();
            for item in items {
                let key = evaluate(&item.key, diagnostics)?;
                let value = evaluate(&item.value, diagnostics)?;
                entries.insert(key.as_str()?.into(), value);
            }
            Value::object(entries)
        }
        _ => {
            diagnostics.push(
                Diagnostic::error("not-constant", "expected a constant value").at(expression.span),
            );
            return None;
        }
    };
    Some(value)
}
