//! One instance of a block: its arguments, nested blocks and conditions.

use std::collections::BTreeMap;

use super::conditions::with_values;
use super::objects::{blocks_type, unknown_blocks};
use super::scope::{Each, Iterator, Place, Repeated};
use super::session::Session;
use super::trace::Dependency;
use super::unknown_object;
use crate::address::Address;
use crate::configuration::{Resource, TIMEOUTS, duration, iterator, limits, sentence};
use crate::diagnostic::{Diagnostic, Span};
use crate::language::{ReferenceStep, references};
use crate::resources::schema::{self, Kind};
use crate::resources::{Attribute as SchemaAttribute, Object};
use crate::syntax::ast::{Attribute, Block, Body, Expression, ExpressionKind};
use crate::value::{Data, Name, Type, Value, convert};

/// The configured object of one instance.
#[derive(Debug, Clone, Default)]
pub struct Configured {
    /// The arguments that are set, of the schema's types; nested blocks as lists of objects under
    /// their names. Null and what is not set are absent.
    pub object: Object,
    /// What it needs, sorted: what was used while evaluating, exact to the instance where a
    /// reference names one; whole resources for references that this evaluation passed over, and
    /// for `depends_on`.
    pub dependencies: Vec<Dependency>,
    /// Whether all arguments could be evaluated.
    pub complete: bool,
}

/// Evaluates one instance. What is wrong is reported to the session; an instance that is not in
/// configuration is empty.
pub(super) fn configured(
    session: &Session<'_>,
    module: usize,
    block: &Resource,
    address: &Address,
) -> Configured {
    let Some(expansion) = session.expansion(module, block) else { return Configured::default() };
    if !expansion.contains(address.key.as_ref()) {
        return Configured::default();
    }
    let place = place(session, module, block, address);
    let mut attributes = BTreeMap::new();
    let mut complete = true;
    for attribute in &block.body.attributes {
        let Some(schema) = block.schema.attribute(&attribute.name.text) else { continue };
        match argument(session, &place, attribute, schema, block.schema.kind) {
            Some(value) if !value.is_null() => {
                attributes.insert(schema::name(schema.name), value);
            }
            Some(_) => complete &= required(session, attribute, schema),
            None => complete = false,
        }
    }
    for (name, schema, limit) in block.schema.blocks {
        let blocks = Blocks { name, schema, limit: *limit, address };
        match blocks.evaluate(session, &place, &block.body) {
            Some(value) if !value.is_null() => {
                attributes.insert((*name).into(), value);
            }
            Some(_) => {}
            None => complete = false,
        }
    }
    let summary = format!("precondition of `{address}` does not hold");
    let preconditions = &block.lifecycle.preconditions;
    session.conditions(preconditions, &place, "precondition-failed", &summary);
    note_other_uses(session, module, block, address);
    Configured { object: attributes.into_iter().collect(), dependencies: Vec::new(), complete }
}

fn place<'a>(
    session: &'a Session<'a>,
    module: usize,
    block: &'a Resource,
    address: &'a Address,
) -> Place<'a> {
    let each = Each { key: address.key.as_ref(), of: Repeated::Block(block) };
    Place { each: Some(each), ..Place::new(session, module) }
}

/// Reports null for an argument that must be set.
fn required(session: &Session<'_>, attribute: &Attribute, schema: &SchemaAttribute) -> bool {
    if schema.required {
        session.report([Diagnostic::error(
            "missing-argument",
            format!("`{}` is null", attribute.name.text),
        )
        .detail("It is required.")
        .at(attribute.value.span)]);
        session.fail();
    }
    !schema.required
}

/// Evaluates an argument and converts it to the schema's type.
fn argument(
    session: &Session<'_>,
    place: &Place<'_>,
    attribute: &Attribute,
    schema: &SchemaAttribute,
    owner: &str,
) -> Option<Value> {
    let value = session.evaluate(&attribute.value, place)?;
    let invalid = |why: String| {
        let summary = format!("`{}` of `{owner}` is not valid", attribute.name.text);
        let diagnostic = Diagnostic::error("invalid-value", summary);
        let diagnostic = diagnostic.detail(why).at(attribute.value.span);
        session.report([with_values(diagnostic, &attribute.value, place)]);
        session.fail();
    };
    let value = match convert(&schema.coerce(&value), &schema.kind.ty()) {
        Ok(value) => value,
        Err(error) => {
            invalid(sentence(&error));
            return None;
        }
    };
    if schema.kind == Kind::Integer && value.as_number().is_some_and(|n| !n.is_integer()) {
        invalid(String::from("A whole number is required."));
        return None;
    }
    Some(value)
}

/// The nested blocks of one name.
struct Blocks<'a> {
    name: &'a str,
    schema: &'static [SchemaAttribute],
    limit: usize,
    address: &'a Address,
}

impl Blocks<'_> {
    /// Evaluates the blocks to a list of objects; null when there are none.
    fn evaluate(&self, session: &Session<'_>, place: &Place<'_>, body: &Body) -> Option<Value> {
        let mut objects = Vec::new();
        let (mut known, mut good, mut sensitive) = (true, true, false);
        for block in &body.blocks {
            if *block.kind.text == *self.name {
                match self.object(session, place, &block.body) {
                    Some(object) => objects.push(object),
                    None => good = false,
                }
            } else if is_dynamic(block, self.name) {
                match self.dynamic(session, place, block, &mut objects) {
                    Some(marked) => sensitive |= marked,
                    None => good = false,
                }
                known &= objects.iter().all(|object| !object.is_unknown());
            }
        }
        if !good {
            return None;
        }
        if !known {
            let value = unknown_blocks(self.address, self.name, self.schema);
            return Some(value.with_sensitive(sensitive));
        }
        if objects.len() > self.limit {
            let span = body.blocks.iter().find(|b| is_dynamic(b, self.name)).map(|b| b.header);
            session.report([Diagnostic::error(
                "too-many-blocks",
                format!("there are {} `{}` blocks", objects.len(), self.name),
            )
            .detail(format!("At most {} are allowed.", self.limit))
            .at_opt(span)]);
            session.fail();
            return None;
        }
        if objects.is_empty() {
            return Some(Value::null());
        }
        let list = convert(&Value::tuple(objects), &blocks_type(self.schema)).ok()?;
        Some(list.with_sensitive(sensitive))
    }

    fn object(&self, session: &Session<'_>, place: &Place<'_>, body: &Body) -> Option<Value> {
        let mut attributes = BTreeMap::new();
        let mut good = true;
        for schema in self.schema {
            let value = match body.attribute(schema.name) {
                Some(attribute) => {
                    let value = argument(session, place, attribute, schema, self.name);
                    good &= value.is_some();
                    value.unwrap_or_else(Value::null)
                }
                None => Value::null(),
            };
            attributes.insert(schema.name.into(), value);
        }
        good.then(|| Value::object(attributes.into()))
    }

    /// Makes a block for each element; an unknown collection makes one unknown block. Returns
    /// whether the collection is sensitive.
    fn dynamic(
        &self,
        session: &Session<'_>,
        place: &Place<'_>,
        block: &Block,
        objects: &mut Vec<Value>,
    ) -> Option<bool> {
        let each = block.body.attribute("for_each")?;
        let content = block.body.blocks.iter().find(|b| &*b.kind.text == "content")?;
        let collection = session.evaluate(&each.value, place)?;
        if collection.is_unknown() {
            objects.push(Value::unknown(Type::Any));
            return Some(collection.is_sensitive());
        }
        let Some(elements) = elements(&collection) else {
            session.report([Diagnostic::error(
                "invalid-for-each",
                format!("`for_each` of the dynamic block `{}` is not usable", self.name),
            )
            .detail(format!("It is {}.", a_value(&collection)))
            .at(each.value.span)
            .help("give a list, set, map or object; `[]` for no blocks")]);
            session.fail();
            return None;
        };
        let name = iterator(block)?;
        let mut good = true;
        for (key, value) in elements {
            let iterators = place
                .iterators
                .iter()
                .map(|i| Iterator { name: i.name, key: i.key.clone(), value: i.value.clone() })
                .chain([Iterator { name, key, value }])
                .collect::<Vec<_>>();
            let inside = place.with_iterators(&iterators);
            match self.object(session, &inside, &content.body) {
                Some(object) => objects.push(object),
                None => good = false,
            }
        }
        good.then(|| collection.is_sensitive())
    }
}

/// Returns where an argument of a block is written, or for an empty name the block's header.
pub(crate) fn written(block: &Resource, name: &str) -> Option<Span> {
    if name.is_empty() {
        return Some(block.span);
    }
    let argument = block.body.attribute(name).map(|argument| argument.value.span);
    argument.or_else(|| block_places(&block.body).get(name).copied())
}

/// Returns the places of nested blocks by name: of the first one as `name`, of each as `name[0]` and of
/// its arguments as `name[0].argument`, and of a `dynamic` one, behind which nobody can count, as
/// `name[]`.
fn block_places(body: &Body) -> BTreeMap<Name, Span> {
    let mut places: BTreeMap<Name, Span> = BTreeMap::new();
    let mut counts: BTreeMap<Name, usize> = BTreeMap::new();
    for block in &body.blocks {
        let dynamic = &*block.kind.text == "dynamic";
        let name = &block.labels.first().filter(|_| dynamic).unwrap_or(&block.kind).text;
        places.entry(name.clone()).or_insert(block.header);
        let uncounted: Name = format!("{name}[]").into();
        if dynamic {
            places.entry(uncounted).or_insert(block.header);
        } else if !places.contains_key(&uncounted) {
            let count = counts.entry(name.clone()).or_default();
            places.insert(format!("{name}[{count}]").into(), block.header);
            let arguments = block.body.attributes.iter();
            places.extend(arguments.map(|argument| {
                let key = format!("{name}[{count}].{}", argument.name.text);
                (key.into(), argument.value.span)
            }));
            *count += 1;
        }
    }
    places
}

/// Returns where an attribute is written, or what is around it: `block[1].argument` in `block[1]`, in
/// the `dynamic` block `block[]`, in the first `block`.
pub(crate) fn place_of(attribute: &str, find: impl Fn(&str) -> Option<Span>) -> Option<Span> {
    let block = attribute.split('.').next().unwrap_or_default();
    let name = block.split('[').next().unwrap_or_default();
    [attribute, block, &format!("{name}[]"), name].into_iter().find_map(find)
}

fn is_dynamic(block: &Block, name: &str) -> bool {
    &*block.kind.text == "dynamic" && block.labels.first().is_some_and(|l| *l.text == *name)
}

fn a_value(value: &Value) -> String {
    if value.is_null() {
        String::from("null")
    } else {
        format!("a {}", value.type_of().friendly_name())
    }
}

/// Returns keys and values of what can be iterated.
fn elements(value: &Value) -> Option<Vec<(Value, Value)>> {
    Some(match value.data() {
        Data::List(_, elements) | Data::Tuple(elements) => elements
            .iter()
            .enumerate()
            .map(|(i, e)| (Value::from(i64::try_from(i).unwrap_or(i64::MAX)), e.clone()))
            .collect(),
        Data::Set(_, elements) => elements.iter().map(|e| (e.clone(), e.clone())).collect(),
        Data::Map(_, entries) | Data::Object(entries) => {
            entries.iter().map(|(k, v)| (Value::string(k.clone()), v.clone())).collect()
        }
        _ => return None,
    })
}

/// Notes what conditions and triggers use, so that it counts among the dependencies.
fn note_other_uses(session: &Session<'_>, module: usize, block: &Resource, address: &Address) {
    if !block.lifecycle.replace_triggered_by.is_empty() {
        triggers(session, module, block, address);
    }
    if !block.lifecycle.postconditions.is_empty() {
        let quiet = session.fresh();
        postconditions(&quiet, module, block, address, None);
        for used in quiet.finish().0 {
            session.note(used.resource, used.part, used.attribute);
        }
    }
}

/// Checks the postconditions; without an object, everything of it is unknown.
pub(super) fn postconditions(
    session: &Session<'_>,
    module: usize,
    block: &Resource,
    address: &Address,
    own: Option<&Value>,
) {
    if block.lifecycle.postconditions.is_empty() {
        return;
    }
    let unknown;
    let own = if let Some(own) = own {
        own
    } else {
        unknown = unknown_object(address, block.schema).to_value();
        &unknown
    };
    let place = Place { own: Some(own), ..place(session, module, block, address) };
    let summary = format!("postcondition of `{address}` does not hold");
    session.conditions(&block.lifecycle.postconditions, &place, "postcondition-failed", &summary);
}

/// Evaluates `prevent_destroy`.
pub(super) fn prevent_destroy(
    session: &Session<'_>,
    module: usize,
    block: &Resource,
    address: &Address,
) -> bool {
    let Some(expression) = &block.lifecycle.prevent_destroy else { return false };
    let place = place(session, module, block, address);
    // What cannot be evaluated protects.
    let Some(value) = session.evaluate(expression, &place) else { return true };
    let truth = convert(&value, &Type::Bool).ok();
    match truth.as_ref().and_then(Value::as_bool) {
        Some(truth) => truth,
        None if value.is_null() => false,
        // Values of variables are missing; the plan will have them.
        None if value.is_unknown() && session.inner.general => true,
        None => {
            session.report([Diagnostic::error(
                "invalid-value",
                "`prevent_destroy` is neither true nor false",
            )
            .at(expression.span)
            .help("use values that are known when the plan is made")]);
            session.fail();
            true
        }
    }
}

/// Evaluates the `timeouts` blocks to seconds by operation.
pub(super) fn timeouts(
    session: &Session<'_>,
    module: usize,
    block: &Resource,
    address: &Address,
) -> BTreeMap<String, u64> {
    let schema = limits(block.mode);
    let blocks = Blocks { name: TIMEOUTS, schema, limit: 1, address };
    let place = place(session, module, block, address);
    let value = blocks.evaluate(session, &place, &block.timeouts);
    let first = value.as_ref().and_then(Value::as_elements).and_then(<[_]>::first);
    let Some(entries) = first.and_then(Value::as_entries) else { return BTreeMap::new() };
    let mut limits = BTreeMap::new();
    for (name, text) in entries.iter() {
        let span = limit_place(&block.timeouts, name).unwrap_or(block.span);
        match text.as_str().map(|text| duration(text, span)) {
            Some(Ok(limit)) => {
                limits.insert(name.to_string(), limit.as_secs());
            }
            Some(Err(diagnostic)) => {
                session.report([*diagnostic]);
                session.fail();
            }
            None => {}
        }
    }
    limits
}

/// Returns where an argument of the blocks is written.
fn limit_place(blocks: &Body, name: &str) -> Option<Span> {
    let bodies = blocks.blocks.iter().flat_map(|block| {
        block.body.blocks.iter().map(|content| &content.body).chain([&block.body])
    });
    bodies.filter_map(|body| body.attribute(name)).map(|attribute| attribute.value.span).next()
}

/// Notes what `replace_triggered_by` names.
pub(super) fn triggers(session: &Session<'_>, module: usize, block: &Resource, address: &Address) {
    let place = place(session, module, block, address);
    for expression in &block.lifecycle.replace_triggered_by {
        // Only the first attribute counts; what is inside it may not be there yet.
        session.evaluate(trigger(expression), &place);
    }
}

/// Cuts a reference behind its first attribute.
fn trigger(expression: &Expression) -> &Expression {
    let attributes = |e: &Expression| {
        references(e).first().map_or(0, |reference| {
            let names = reference.steps.iter();
            names.filter(|step| matches!(step, ReferenceStep::Attribute(_))).count()
        })
    };
    let mut at = expression;
    // The name of the block is the first one.
    while attributes(at) > 2
        || matches!(&*at.kind, ExpressionKind::Index(inner, _) if attributes(inner) > 1)
    {
        match &*at.kind {
            ExpressionKind::Attribute(inner, _) | ExpressionKind::Index(inner, _) => at = inner,
            _ => break,
        }
    }
    at
}
