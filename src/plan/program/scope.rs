//! What names mean at a place of a configuration.

use std::sync::Arc;

use super::expansion::Expansion;
use super::session::Session;
use super::trace::{Item, Part};
use super::unknown_attribute;
use crate::address::{Address, Key, Mode};
use crate::configuration::{ModuleCall, Repetition, Resource, is_engine, no_engine};
use crate::diagnostic::{Diagnostic, Span, did_you_mean, list};
use crate::language::functions::FunctionContext;
use crate::language::{self, Scope, Step};
use crate::syntax::ast::{Expression, ExpressionKind, Identifier};
use crate::value::{Name, Number, Type, Value, convert};

/// Most instances of a block among which a similar key is looked for.
const MAX_CANDIDATES: usize = 1000;
/// Most instances that are all named.
const MAX_LISTED: usize = 8;

pub(super) type Resolved = Result<(Value, usize), Box<Diagnostic>>;

/// The instance that an expression belongs to.
#[derive(Clone, Copy)]
pub(super) struct Each<'a> {
    /// Its key.
    pub(super) key: Option<&'a Key>,
    /// What is repeated; `each.value` comes from it, and is asked for only where it is used.
    pub(super) of: Repeated<'a>,
}

/// What is repeated.
#[derive(Clone, Copy)]
pub(super) enum Repeated<'a> {
    /// A block of the place's module.
    Block(&'a Resource),
    /// A call of the place's module.
    Call(&'a ModuleCall),
    /// Something else, with its `each.value`.
    Other(Option<&'a Value>),
}

/// The element that the contents of a dynamic block are made for.
pub(super) struct Iterator<'a> {
    pub(super) name: &'a str,
    pub(super) key: Value,
    pub(super) value: Value,
}

/// A place of the configuration where an expression stands.
pub(super) struct Place<'a> {
    pub(super) session: &'a Session<'a>,
    pub(super) module: usize,
    pub(super) each: Option<Each<'a>>,
    /// `self`
    pub(super) own: Option<&'a Value>,
    /// A variable whose value is being checked.
    pub(super) variable: Option<(&'a str, &'a Value)>,
    pub(super) iterators: &'a [Iterator<'a>],
}

impl<'a> Place<'a> {
    /// Returns a place of a module instance outside of repeated blocks.
    pub(super) fn new(session: &'a Session<'a>, module: usize) -> Self {
        Self { session, module, each: None, own: None, variable: None, iterators: &[] }
    }

    /// Returns the same place within a dynamic block.
    pub(super) fn with_iterators<'b>(&'b self, iterators: &'b [Iterator<'b>]) -> Place<'b> {
        Place {
            session: self.session,
            module: self.module,
            each: self.each,
            own: self.own,
            variable: self.variable,
            iterators,
        }
    }

    fn variable(&self, root: &Identifier, steps: &[Step<'_>]) -> Resolved {
        let name = named(root, steps, "variable")?;
        if let Some((own, value)) = self.variable
            && own == &*name
        {
            return Ok((value.clone(), 1));
        }
        if self.session.inner.module(self.module).variables.contains_key(&name) {
            return Ok((self.session.item(self.module, Item::Variable(name)), 1));
        }
        let names = self.session.inner.module(self.module).variables.keys();
        Err(undeclared("variable", &name, steps, names.map(|n| &**n)))
    }

    fn local(&self, root: &Identifier, steps: &[Step<'_>]) -> Resolved {
        let name = named(root, steps, "local value")?;
        if let Some(local) = self.session.inner.module(self.module).locals.get(&name) {
            if !self.session.inner.general
                && let Some((value, used)) = self.local_element(&local.value, &steps[1..])
            {
                return Ok((value, used + 1));
            }
            return Ok((self.session.item(self.module, Item::Local(name)), 1));
        }
        let names = self.session.inner.module(self.module).locals.keys();
        Err(undeclared("local value", &name, steps, names.map(|n| &**n)))
    }

    fn repetition(&self, root: &Identifier, steps: &[Step<'_>]) -> Resolved {
        let member = steps.first().and_then(Step::name).unwrap_or_default();
        let general = self.session.inner.general;
        if let ("each", "value", Some(Each { key: Some(Key::Text(text)), of })) =
            (&*root.text, member, &self.each)
            && !general
            && let Some((value, used)) = self.repeated_element(of, text, &steps[1..])
        {
            return Ok((value, used + 1));
        }
        let value = match (&*root.text, member, &self.each) {
            ("each", "key", Some(_)) if general => Some(Value::unknown(Type::String)),
            ("each", "value", Some(Each { of, .. })) if general => Some(self.any_value(of)),
            ("count", "index", Some(_)) if general => Some(Value::unknown(Type::Number)),
            ("each", "key", Some(Each { key: Some(Key::Text(text)), .. })) => {
                Some(Value::string(Arc::clone(text)))
            }
            ("each", "value", Some(Each { key: Some(key @ Key::Text(text)), of })) => {
                let value = match of {
                    Repeated::Block(block) => self.session.block_value(self.module, block, key),
                    Repeated::Call(call) => self.session.call_value(self.module, call, key),
                    Repeated::Other(value) => value.cloned(),
                };
                Some(value.unwrap_or_else(|| Value::string(Arc::clone(text))))
            }
            ("count", "index", Some(Each { key: Some(Key::Number(index)), .. })) => {
                i64::try_from(*index).ok().map(Value::from)
            }
            _ => None,
        };
        match value {
            Some(value) => Ok((value, 1)),
            None => Err(Box::new(
                Diagnostic::error(
                    "invalid-reference",
                    format!("`{}` has no meaning here", root.text),
                )
                .at(root.span)
                .help(
                    "`each.key` and `each.value` exist with `for_each`, `count.index` with `count`",
                ),
            )),
        }
    }

    /// Returns an `each.value` that stands for all; its type is known where what is repeated over has a
    /// name.
    fn any_value(&self, of: &Repeated<'_>) -> Value {
        let repetition = match of {
            Repeated::Block(block) => &block.repetition,
            Repeated::Call(call) => &call.repetition,
            Repeated::Other(_) => return Value::unknown(Type::Any),
        };
        let ty = match repetition {
            Repetition::ForEach(over) if is_reference(over) => {
                let place = Place::new(self.session, self.module);
                language::evaluate(over, &place).ok().map(|value| value.type_of())
            }
            _ => None,
        };
        Value::unknown(match ty {
            Some(Type::Map(element) | Type::Set(element)) => (*element).clone(),
            Some(Type::Object(fields)) => {
                let mut types = fields.values().map(|field| &field.ty);
                let first = types.next();
                first.filter(|first| types.all(|ty| ty == *first)).cloned().unwrap_or(Type::Any)
            }
            _ => Type::Any,
        })
    }

    /// Resolves a reference to a block or module; nothing for what is neither.
    pub(super) fn block_or_module(
        &self,
        root: &Identifier,
        steps: &[Step<'_>],
    ) -> Option<Resolved> {
        Some(match &*root.text {
            "module" => self.module(root, steps),
            "data" => self.resource(Mode::Data, root, steps),
            "var" | "local" | "each" | "count" | "path" | "self" | "resource" => return None,
            _ => self.resource(Mode::Managed, root, steps),
        })
    }

    fn path(&self, root: &Identifier, steps: &[Step<'_>]) -> Resolved {
        let inner = self.session.inner;
        let directory = &inner.module(self.module).directory;
        let shown = |path: &std::path::Path| {
            let text = path.to_string_lossy();
            Value::text(if text.is_empty() { "." } else { &text })
        };
        let value = match steps.first().and_then(Step::name) {
            Some("module") => shown(directory),
            Some("root") => Value::from("."),
            Some("cwd") => shown(&inner.outside.working_directory),
            _ => {
                return Err(Box::new(
                    Diagnostic::error("invalid-reference", "`path` has no such member")
                        .at(root.span)
                        .help("there are `path.module`, `path.root` and `path.cwd`"),
                ));
            }
        };
        Ok((value, 1))
    }

    fn module(&self, root: &Identifier, steps: &[Step<'_>]) -> Resolved {
        let name = named(root, steps, "module")?;
        let inner = self.session.inner;
        let module = inner.module(self.module);
        let Some(call) = module.calls.get(&name) else {
            return Err(undeclared("module", &name, steps, module.calls.keys().map(|n| &**n)));
        };
        let Some(children) = inner.modules.list[self.module].children.get(&name) else {
            // Its repetition was reported.
            self.session.fail();
            return Ok((Value::unknown(Type::Any), steps.len()));
        };
        let what = format!("module.{name}");
        if inner.general
            && let Some(child) = children.get(&None)
        {
            return Ok(self.any_module(*child, &call.repetition, steps));
        }
        let whole = || self.session.item(self.module, Item::Call(name.clone()));
        let (child, sensitive, used) = match instance(&call.repetition, &what, &steps[1..])? {
            Chosen::Whole => return Ok((whole(), 1)),
            Chosen::One { key, sensitive, used } => {
                let Some(child) = children.get(&key) else {
                    let keys = children.keys().flatten();
                    return Err(no_instance(&what, key.as_ref(), steps, keys, children.len()));
                };
                (*child, sensitive, 1 + used)
            }
        };
        let outputs = &inner.module(child).outputs;
        match steps.get(used) {
            Some(Step::Attribute(output)) if outputs.contains_key(&output.text) => {
                let value = self.session.item(child, Item::Output(output.text.clone()));
                let sensitive = sensitive || value.is_sensitive();
                Ok((value.with_sensitive(sensitive), used + 1))
            }
            _ => {
                let outputs = outputs
                    .keys()
                    .map(|o| (o.clone(), self.session.item(child, Item::Output(o.clone()))))
                    .collect();
                Ok((Value::object(outputs).with_sensitive(sensitive), used))
            }
        }
    }

    /// Resolves a reference to a module whose one instance stands for all.
    fn any_module(
        &self,
        child: usize,
        repetition: &Repetition,
        steps: &[Step<'_>],
    ) -> (Value, usize) {
        let outputs = &self.session.inner.module(child).outputs;
        let used = match (repetition, steps.get(1)) {
            (Repetition::Single, _) => 1,
            (_, Some(Step::Index(..))) => 2,
            (_, Some(Step::Attribute(_))) => return (Value::unknown(Type::Any), steps.len()),
            (_, None) => {
                let of = |name: &Name| self.session.item(child, Item::Output(name.clone()));
                let outputs = outputs.keys().map(|name| (name.clone(), of(name))).collect();
                return (any_of(repetition, Value::object(outputs).type_of()), 1);
            }
        };
        match steps.get(used) {
            Some(Step::Attribute(output)) if outputs.contains_key(&output.text) => {
                (self.session.item(child, Item::Output(output.text.clone())), used + 1)
            }
            _ => (Value::unknown(Type::Any), steps.len()),
        }
    }

    fn resource(&self, mode: Mode, root: &Identifier, steps: &[Step<'_>]) -> Resolved {
        let first = usize::from(mode == Mode::Data);
        let kind = match mode {
            Mode::Managed => root,
            Mode::Data => match steps.first() {
                Some(Step::Attribute(kind)) => kind,
                _ => return Err(incomplete(root)),
            },
        };
        let Some(Step::Attribute(name)) = steps.get(first) else { return Err(incomplete(root)) };
        let module = self.session.inner.module(self.module);
        let key = (mode, kind.text.clone(), name.text.clone());
        let Some(resource) = module.resources.get(&key) else {
            let siblings = module
                .resources
                .keys()
                .filter(|(m, k, _)| *m == mode && *k == kind.text)
                .map(|(_, _, n)| &**n);
            let what = format!("`{}` block", kind.text);
            return Err(undeclared(&what, &name.text, &steps[first..], siblings));
        };
        let (value, used) = self.object(resource, &steps[first + 1..])?;
        Ok((value, used + first + 1))
    }

    /// Resolves what follows the name of a block.
    fn object(&self, resource: &Resource, steps: &[Step<'_>]) -> Resolved {
        let session = self.session;
        let address = session.address(self.module, resource);
        if session.inner.general {
            return Ok(match (&resource.repetition, steps.first()) {
                (Repetition::Single, _) => self.part(&address.instance(None), resource, steps, 0),
                (_, Some(Step::Index(..))) => {
                    self.part(&address.instance(None), resource, &steps[1..], 1)
                }
                (_, Some(Step::Attribute(_))) => (Value::unknown(Type::Any), steps.len()),
                (repetition, None) => {
                    session.note(address.clone(), Part::Whole, None);
                    let object = session.object(&address.instance(None), resource.schema);
                    (any_of(repetition, object.type_of()), 0)
                }
            });
        }
        let Some(expansion) = session.expansion(self.module, resource) else {
            return Ok((Value::unknown(Type::Any), steps.len()));
        };
        let what = address.to_string();
        let Chosen::One { key, sensitive, used } = instance(&resource.repetition, &what, steps)?
        else {
            let item =
                Item::Block(resource.mode, resource.kind.text.clone(), resource.name.text.clone());
            return Ok((session.item(self.module, item), 0));
        };
        if !expansion.contains(key.as_ref()) {
            return Err(missing_instance(&what, key.as_ref(), steps, &expansion));
        }
        let address = address.instance(key);
        let (value, used) = self.part(&address, resource, &steps[used..], used);
        let sensitive = sensitive || value.is_sensitive();
        Ok((value.with_sensitive(sensitive), used))
    }

    /// Returns an attribute of an instance where the next step names one, or the whole object.
    fn part(
        &self,
        address: &Address,
        resource: &Resource,
        steps: &[Step<'_>],
        used: usize,
    ) -> (Value, usize) {
        let session = self.session;
        let part = Part::Instance(address.key.clone());
        if let Some(name) = steps.first().and_then(Step::name)
            && let Some(attribute) = resource.schema.attribute(name)
        {
            session.note(address.resource.clone(), part, Some(attribute_name(steps, name)));
            let value = match session.objects.object(address) {
                Some(object) => object.get(name).cloned().unwrap_or_else(Value::null),
                None => unknown_attribute(address, attribute),
            };
            return (value, used + 1);
        }
        session.note(address.resource.clone(), part, None);
        (session.object(address, resource.schema), used)
    }
}

/// Returns whether an expression is a name with attributes behind it.
fn is_reference(expression: &Expression) -> bool {
    let mut at = expression.bare();
    while let ExpressionKind::Attribute(inner, _) = &*at.kind {
        at = inner;
    }
    matches!(&*at.kind, ExpressionKind::Variable(_))
}

/// Returns what stands for a whole repeated block or module with instances of that type.
fn any_of(repetition: &Repetition, instance: Type) -> Value {
    Value::unknown(match repetition {
        Repetition::Single => instance,
        Repetition::Count(_) => Type::list(instance),
        Repetition::ForEach(_) => Type::map(instance),
    })
}

/// Returns the name that must follow `var`, `local` and `module`.
fn named(root: &Identifier, steps: &[Step<'_>], what: &str) -> Result<Name, Box<Diagnostic>> {
    if let Some(Step::Attribute(name)) = steps.first() {
        return Ok(name.text.clone());
    }
    let summary = format!("`{}` needs a name after it", root.text);
    Err(Box::new(
        Diagnostic::error("invalid-reference", summary)
            .at(root.span)
            .help(format!("write `{}.` and the name of a {what}", root.text)),
    ))
}

fn iterator_member(iterator: &Iterator<'_>, root: &Identifier, steps: &[Step<'_>]) -> Resolved {
    match steps.first().and_then(Step::name) {
        Some("key") => Ok((iterator.key.clone(), 1)),
        Some("value") => Ok((iterator.value.clone(), 1)),
        _ => Err(Box::new(
            Diagnostic::error("invalid-reference", format!("`{}` is an iterator", root.text))
                .at(root.span)
                .help(format!("write `{0}.key` or `{0}.value`", root.text)),
        )),
    }
}

/// Returns the name of a step without another allocation where there is one.
fn attribute_name(steps: &[Step<'_>], name: &str) -> Name {
    match steps.first() {
        Some(Step::Attribute(identifier)) => identifier.text.clone(),
        _ => name.into(),
    }
}

impl Scope for Place<'_> {
    fn resolve(&self, root: &Identifier, steps: &[Step<'_>]) -> Resolved {
        if let Some(iterator) = self.iterators.iter().rev().find(|i| *i.name == *root.text) {
            return iterator_member(iterator, root, steps);
        }
        match &*root.text {
            "var" => self.variable(root, steps),
            "local" => self.local(root, steps),
            "each" | "count" => self.repetition(root, steps),
            "path" => self.path(root, steps),
            "module" => self.module(root, steps),
            "data" => self.resource(Mode::Data, root, steps),
            "resource" => match steps.split_first() {
                Some((Step::Attribute(kind), rest)) => {
                    let (value, used) = self.resource(Mode::Managed, kind, rest)?;
                    Ok((value, used + 1))
                }
                _ => Err(incomplete(root)),
            },
            "self" => match self.own {
                Some(own) => Ok((own.clone(), 0)),
                None => Err(Box::new(
                    Diagnostic::error("invalid-reference", "`self` has no meaning here")
                        .at(root.span)
                        .help("it exists only in `postcondition` blocks"),
                )),
            },
            word if is_engine(word) => Err(Box::new(no_engine(word, root.span))),
            _ => self.resource(Mode::Managed, root, steps),
        }
    }

    fn is_general(&self) -> bool {
        self.session.inner.general
    }

    fn functions(&self) -> &FunctionContext<'_> {
        self.session.functions()
    }
}

/// Which instances the steps behind a block's name mean.
enum Chosen {
    Whole,
    One { key: Option<Key>, sensitive: bool, used: usize },
}

/// Reads the instance's key from the steps behind the name of a block or module.
fn instance(
    repetition: &Repetition,
    what: &str,
    steps: &[Step<'_>],
) -> Result<Chosen, Box<Diagnostic>> {
    let (wanted, argument) = match repetition {
        Repetition::Single => {
            if let Some(Step::Index(_, span)) = steps.first() {
                return Err(Box::new(
                    Diagnostic::error(
                        "invalid-key",
                        format!("`{what}` has one instance without a key"),
                    )
                    .at(*span)
                    .help("remove the index"),
                ));
            }
            return Ok(Chosen::One { key: None, sensitive: false, used: 0 });
        }
        Repetition::Count(_) => (Type::Number, "count"),
        Repetition::ForEach(_) => (Type::String, "for_each"),
    };
    let (index, span) = match steps.first() {
        None => return Ok(Chosen::Whole),
        Some(Step::Index(index, span)) => (index, *span),
        Some(Step::Attribute(name)) => {
            return Err(Box::new(
                Diagnostic::error("missing-key", format!("`{what}` has several instances"))
                    .detail(format!("It has `{argument}`."))
                    .at(name.span)
                    .help("name one of them with an index"),
            ));
        }
    };
    let key = convert(index, &wanted).map_err(|_| wrong_key(what, argument, span))?;
    if key.is_unknown() {
        return Ok(Chosen::Whole);
    }
    let found = match repetition {
        Repetition::Count(_) => key.as_number().and_then(Number::to_u64).map(Key::Number),
        _ => key.as_str().map(|text| Key::Text(text.into())),
    };
    match found {
        Some(found) => Ok(Chosen::One { key: Some(found), sensitive: key.is_sensitive(), used: 1 }),
        None => Err(wrong_key(what, argument, span)),
    }
}

fn wrong_key(what: &str, argument: &str, span: Span) -> Box<Diagnostic> {
    let kind = if argument == "count" { "a whole number from 0" } else { "a text" };
    Box::new(
        Diagnostic::error("invalid-key", format!("this is no key of an instance of `{what}`"))
            .detail(format!("It has `{argument}`: a key is {kind}."))
            .at(span),
    )
}

fn incomplete(root: &Identifier) -> Box<Diagnostic> {
    Box::new(
        Diagnostic::error("invalid-reference", format!("`{}` refers to nothing", root.text))
            .at(root.span)
            .help("write a resource type and a name, or quotes around a text"),
    )
}

fn undeclared<'n>(
    what: &str,
    name: &str,
    steps: &[Step<'_>],
    names: impl std::iter::Iterator<Item = &'n str>,
) -> Box<Diagnostic> {
    let mut diagnostic = Diagnostic::error("undeclared", format!("there is no {what} `{name}`"));
    if let Some(step) = steps.first() {
        diagnostic = diagnostic.at(step.span());
    }
    if let Some(near) = did_you_mean(name, names) {
        diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
    }
    Box::new(diagnostic)
}

fn missing_instance(
    what: &str,
    key: Option<&Key>,
    steps: &[Step<'_>],
    expansion: &Expansion,
) -> Box<Diagnostic> {
    no_instance(what, key, steps, expansion.keys.iter().flatten(), expansion.keys.len())
}

fn no_instance<'k>(
    what: &str,
    key: Option<&Key>,
    steps: &[Step<'_>],
    keys: impl std::iter::Iterator<Item = &'k Key>,
    count: usize,
) -> Box<Diagnostic> {
    let shown = key.map(ToString::to_string).unwrap_or_default();
    let index = steps.iter().find(|step| matches!(step, Step::Index(..)));
    let hidden = matches!(index, Some(Step::Index(value, _)) if value.is_sensitive());
    let shown = if hidden { String::from("[…]") } else { shown };
    let mut diagnostic =
        Diagnostic::error("missing-instance", format!("`{what}` has no instance `{shown}`"));
    if let Some(step) = index {
        diagnostic = diagnostic.at(step.span());
    }
    let texts: Vec<&str> = keys
        .take(MAX_CANDIDATES)
        .filter_map(|k| match k {
            Key::Text(text) => Some(&**text),
            Key::Number(_) => None,
        })
        .collect();
    let plural = if count == 1 { "instance" } else { "instances" };
    diagnostic = diagnostic.detail(match count {
        0 => String::from("It has no instances."),
        1 if texts.is_empty() => String::from("It has 1 instance."),
        _ if texts.is_empty() => {
            format!("It has {count} instances, `[0]` to `[{}]`.", count - 1)
        }
        _ if count > MAX_LISTED => format!("It has {count} instances."),
        _ => {
            let keys: Vec<String> =
                texts.iter().map(|text| Key::Text((*text).into()).to_string()).collect();
            format!("It has {count} {plural}: {}.", list(keys.iter().map(String::as_str)))
        }
    });
    if let (Some(Key::Text(text)), false) = (key, hidden)
        && let Some(near) = did_you_mean(text, texts)
    {
        diagnostic = diagnostic.help(format!("did you mean `{}`?", Key::Text(near.into())));
    }
    Box::new(diagnostic)
}
