//! Helpers by which resource types compile changes and judge settling.

use std::sync::Arc;

use super::{Lane, Live, Object, Parameter, Settled, Wanted};
use crate::value::{Data, Equality, Name, Type, Value, equals};

/// Builds the parameters of one call in order.
pub(super) struct Parameters<'a> {
    object: &'a Object,
    list: Vec<Parameter>,
}

impl<'a> Parameters<'a> {
    /// Starts with the object that the values come from.
    pub(super) fn of(object: &'a Object) -> Self {
        Self { object, list: Vec::new() }
    }

    /// Adds an attribute, if it is there.
    pub(super) fn attribute(self, wire: &str, attribute: &str) -> Self {
        self.spelt(wire, attribute, str::to_owned)
    }

    /// Adds an attribute that requests spell otherwise than configurations.
    pub(super) fn spelt(
        mut self,
        wire: &str,
        attribute: &str,
        spell: impl Fn(&str) -> String,
    ) -> Self {
        if let Some(value) = self.object.get(attribute) {
            let value = sent(value, &spell);
            self.push(wire, attribute, value);
        }
        self
    }

    /// Adds an attribute only if it is true, or not known yet.
    pub(super) fn flag(self, wire: &str, attribute: &str) -> Self {
        match self.object.get(attribute) {
            Some(value) if value.is_unknown() || value.as_bool() == Some(true) => {
                self.attribute(wire, attribute)
            }
            _ => self,
        }
    }

    /// Adds a text of our own.
    pub(super) fn text(mut self, wire: &str, attribute: &str, text: &str) -> Self {
        self.push(wire, attribute, Value::text(text));
        self
    }

    /// Adds a value that is part of an attribute.
    pub(super) fn value(mut self, wire: &str, attribute: &str, value: &Value) -> Self {
        let value = sent(value, &str::to_owned);
        self.push(wire, attribute, value);
        self
    }

    /// Returns them.
    pub(super) fn list(self) -> Vec<Parameter> {
        self.list
    }

    fn push(&mut self, wire: &str, attribute: &str, value: Value) {
        let attribute = super::schema::name(attribute);
        self.list.push(Parameter { name: wire.to_owned(), value, attribute });
    }
}

/// Returns a value as it is sent: a text; a set as its elements joined by commas.
fn sent(value: &Value, spell: &impl Fn(&str) -> String) -> Value {
    let sensitive = value.deep_sensitive();
    let text = match value.data() {
        Data::Unknown(unknown) if unknown.ty == Type::String => return value.clone(),
        Data::Unknown(unknown) => unknown.origin.as_ref().map_or_else(
            || Value::unknown(Type::String),
            |origin| Value::unknown_from(Type::String, Arc::clone(origin)),
        ),
        Data::List(..) | Data::Set(..) | Data::Tuple(..) => joined(value, spell),
        Data::Bool(truth) => Value::from(if *truth { "true" } else { "false" }),
        Data::Number(number) => Value::string(number.to_string()),
        Data::String(text) => {
            let spelt = spell(text);
            if spelt == **text { value.clone() } else { Value::string(spelt) }
        }
        Data::Null | Data::Map(..) | Data::Object(..) => value.clone(),
    };
    text.with_sensitive(sensitive)
}

fn joined(value: &Value, spell: &impl Fn(&str) -> String) -> Value {
    let texts: Option<Vec<String>> = value
        .as_elements()
        .unwrap_or_default()
        .iter()
        .map(|element| element.as_str().map(spell))
        .collect();
    texts.map_or_else(|| Value::unknown(Type::String), |texts| Value::string(texts.join(",")))
}

/// Returns the name of a lane: the id where it is known, else the unknown's origin.
pub(super) fn lane_name(object: &Object, attribute: &str) -> Option<Name> {
    let value = object.get(attribute)?;
    match value.data() {
        Data::String(text) => Some(Arc::clone(text)),
        Data::Unknown(unknown) => {
            let origin = unknown.origin.as_ref().map(Arc::clone);
            origin.or_else(|| Some(format!("({attribute} known after apply)").into()))
        }
        _ => None,
    }
}

/// Returns the lane of a call on a gateway as a whole.
pub(super) fn whole_gateway(gateway: Option<Name>) -> Lane {
    Lane { gateway, whole_gateway: true, scope: None, hold: super::Hold::EXCLUSIVE }
}

/// Returns shared names.
pub(super) fn names(list: &[&str]) -> Vec<Name> {
    list.iter().map(|name| super::schema::name(name)).collect()
}

/// Returns whether an attribute is to be changed; also while that is not known yet.
pub(super) fn changes(prior: &Object, planned: &Object, attribute: &str) -> bool {
    match (prior.get(attribute), planned.get(attribute)) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(before), Some(after)) => equals(before, after) != Equality::Same,
    }
}

/// Picks attributes for what a call waits for.
pub(super) fn pick(object: &Object, attributes: &[&str]) -> Object {
    attributes
        .iter()
        .filter_map(|&name| Some((super::schema::name(name), object.get(name)?.clone())))
        .collect()
}

/// Judges a call by the object's status and values. Every status but `Available` is busy, whatever
/// its name is (editions name them differently and new ones come); an answer without a status is
/// judged by its values.
pub(super) fn settled(wanted: &Wanted, live: &Live) -> Settled {
    match (wanted, live) {
        (Wanted::Answered, Live::Found(object)) => Settled::Ready(object.clone()),
        (Wanted::Answered, _) => Settled::Ready(Object::new()),
        (_, Live::Unread) => Settled::Busy("it could not be read".to_owned()),
        (Wanted::Gone { .. }, Live::Absent) => Settled::Gone,
        (Wanted::Gone { .. }, Live::Found(object)) => Settled::Busy(status_is(object)),
        (Wanted::Present { .. }, Live::Absent) => Settled::Busy("it is not listed yet".to_owned()),
        (Wanted::Present { values, .. }, Live::Found(object)) => {
            if object.text("status").is_some_and(|status| !super::spelling::is_available(status)) {
                return Settled::Busy(status_is(object));
            }
            match values.iter().find(|(name, value)| !agrees(value, object.get(name))) {
                Some((name, _)) => Settled::Busy(format!("`{name}` is not yet as wanted")),
                None => Settled::Ready(object.clone()),
            }
        }
    }
}

fn status_is(object: &Object) -> String {
    match object.text("status") {
        Some(status) => format!("its status is `{status}`"),
        None => "it is still listed".to_owned(),
    }
}

/// Returns whether a value that was read is the wanted one; an unknown wanted one is not compared.
/// Lists are compared without order: only addresses are lists here.
fn agrees(wanted: &Value, live: Option<&Value>) -> bool {
    if wanted.is_null() || wanted.deep_unknown() {
        return true;
    }
    let Some(live) = live else { return false };
    match (wanted.as_elements(), live.as_elements()) {
        (Some(a), Some(b)) => {
            let texts = |elements: &[Value]| {
                let mut texts: Vec<Option<String>> =
                    elements.iter().map(|e| e.as_str().map(str::to_owned)).collect();
                texts.sort();
                texts
            };
            texts(a) == texts(b)
        }
        _ => equals(wanted, live) == Equality::Same,
    }
}
