//! `for` expressions, and what can be iterated over.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::evaluate::{Evaluator, Failed, Outcome, with_article};
use crate::diagnostic::{Diagnostic, Span};
use crate::syntax::ast::{Expression, For};
use crate::value::{Data, Name, Type, Value};

/// What a `for` does with one element.
struct Produced {
    /// For objects: the key.
    key: Option<Name>,
    value: Value,
}

/// What is gathered over the elements.
#[derive(Default)]
struct Gathered {
    list: Vec<Value>,
    entries: BTreeMap<Name, Value>,
    groups: BTreeMap<Name, Vec<Value>>,
    /// Whether a key or condition is unknown, so that the shape of the result is.
    unknown: bool,
    sensitive: bool,
}

impl Evaluator<'_> {
    pub(super) fn for_expression(&mut self, expression: &For, span: Span) -> Outcome {
        let collection = self.expression(&expression.collection)?;
        let mut gathered = Gathered { sensitive: collection.is_sensitive(), ..Gathered::default() };
        let Some(items) = self.items(&collection, &expression.collection)? else {
            if self.scope.is_general() {
                self.any_element(expression, &collection)?;
            }
            return Ok(Value::unknown(Type::Any).with_sensitive(gathered.sensitive));
        };
        for (key, value) in items {
            let key = expression.key.as_ref().map(|name| (name, key));
            let produced = self.bound(key, (&expression.value, value), |evaluator| {
                evaluator.for_element(expression, &mut gathered)
            })?;
            let Some(produced) = produced else { continue };
            self.gather(produced, expression, &mut gathered)?;
        }
        let Gathered { list, entries, groups, unknown, sensitive } = gathered;
        let value = if unknown {
            Value::unknown(Type::Any)
        } else if expression.key_result.is_none() {
            self.check_size(&list, span)?;
            Value::tuple(list)
        } else if expression.group {
            self.check_size(groups.values().flatten(), span)?;
            let groups = groups.into_iter().map(|(key, values)| (key, Value::tuple(values)));
            Value::object(groups.collect())
        } else {
            self.check_size(entries.values(), span)?;
            Value::object(entries.into())
        };
        Ok(value.with_sensitive(sensitive))
    }

    /// Goes once through what is done with each element, of which only the type is known.
    fn any_element(&mut self, expression: &For, collection: &Value) -> Outcome<()> {
        let sensitive = collection.is_sensitive();
        let unknown = |ty: Type| Value::unknown(ty).with_sensitive(sensitive);
        let (key, element) = match collection.type_of() {
            Type::List(element) => (Type::Number, (*element).clone()),
            Type::Set(element) => ((*element).clone(), (*element).clone()),
            Type::Map(element) => (Type::String, (*element).clone()),
            Type::Object(_) => (Type::String, Type::Any),
            Type::Tuple(_) => (Type::Number, Type::Any),
            _ => (Type::Any, Type::Any),
        };
        let key = expression.key.as_ref().map(|name| (name, unknown(key)));
        let mut gathered = Gathered::default();
        self.bound(key, (&expression.value, unknown(element)), |evaluator| {
            evaluator.for_element(expression, &mut gathered).map(|_| ())
        })
    }

    /// Evaluates condition, key and value for the element that is bound; none when it is left out.
    fn for_element(
        &mut self,
        expression: &For,
        gathered: &mut Gathered,
    ) -> Outcome<Option<Produced>> {
        if let Some(condition) = &expression.condition {
            let keep = self.condition(condition, "condition of the `for`")?;
            gathered.sensitive |= keep.is_sensitive();
            match keep.as_bool() {
                Some(true) => {}
                Some(false) => return Ok(None),
                None => gathered.unknown = true,
            }
        }
        let Some(key_result) = &expression.key_result else {
            let value = self.expression(&expression.value_result)?;
            return Ok(Some(Produced { key: None, value }));
        };
        let key = self.expression(key_result)?;
        gathered.sensitive |= key.is_sensitive();
        let text = self.key_text(&key, key_result)?;
        let value = self.expression(&expression.value_result)?;
        if text.is_none() {
            gathered.unknown = true;
            return Ok(None);
        }
        Ok(Some(Produced { key: text, value }))
    }

    fn gather(
        &mut self,
        produced: Produced,
        expression: &For,
        gathered: &mut Gathered,
    ) -> Outcome<()> {
        let Produced { key, value } = produced;
        let Some(key) = key else {
            gathered.list.push(value);
            return Ok(());
        };
        if expression.group {
            gathered.groups.entry(key).or_default().push(value);
            return Ok(());
        }
        if gathered.entries.contains_key(&key) && !gathered.unknown {
            let at = expression.key_result.as_ref().unwrap_or(&expression.value_result);
            let summary = if gathered.sensitive {
                String::from("two elements have the same key")
            } else {
                format!("two elements have the key `{key}`")
            };
            let diagnostic = Diagnostic::error("duplicate-key", summary)
                .at(at.span)
                .help("make the keys distinct, or write `...` behind the value to group by key");
            return Err(self.fail(diagnostic, at));
        }
        gathered.entries.insert(key, value);
        Ok(())
    }

    /// Returns keys and values of a collection, or none when it is unknown. Those of a sensitive
    /// collection are sensitive, so that no message shows them.
    pub(super) fn items(
        &mut self,
        collection: &Value,
        at: &Expression,
    ) -> Outcome<Option<Vec<(Value, Value)>>> {
        let sensitive = collection.is_sensitive();
        let marked = |value: Value| {
            let sensitive = sensitive || value.is_sensitive();
            value.with_sensitive(sensitive)
        };
        let items: Vec<(Value, Value)> = match collection.data() {
            Data::List(_, elements) | Data::Tuple(elements) => elements
                .iter()
                .enumerate()
                .map(|(i, e)| (Value::from(i64::try_from(i).unwrap_or(i64::MAX)), e.clone()))
                .collect(),
            Data::Set(_, elements) => elements.iter().map(|e| (e.clone(), e.clone())).collect(),
            Data::Map(_, entries) | Data::Object(entries) => {
                entries.iter().map(|(k, v)| (Value::string(Arc::clone(k)), v.clone())).collect()
            }
            Data::Unknown(unknown) if !unknown.ty.is_primitive() => return Ok(None),
            Data::Null => {
                let diagnostic = Diagnostic::error("null-value", "cannot iterate over null")
                    .at(at.span)
                    .help("guard it with a condition or `coalesce(…, [])`");
                self.fail(diagnostic, at);
                return Err(Failed);
            }
            _ => {
                let ty = collection.type_of();
                let diagnostic = Diagnostic::error(
                    "not-iterable",
                    format!("cannot iterate over {}", with_article(&ty)),
                )
                .detail("Lists, sets, tuples, maps and objects can be iterated over.")
                .at(at.span);
                self.fail(diagnostic, at);
                return Err(Failed);
            }
        };
        if !sensitive {
            return Ok(Some(items));
        }
        Ok(Some(items.into_iter().map(|(key, value)| (marked(key), marked(value))).collect()))
    }
}
