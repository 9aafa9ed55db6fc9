//! One evaluation: what it reads, what it notes, and the values that several evaluations share.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::expansion::{self, Expansion};
use super::scope::{Each, Place, Repeated};
use super::shape::{Node, What};
use super::trace::{Cache, Entry, Item, Part, Use};
use super::{Inner, Objects, complete, unknown_object};
use crate::address::{Address, Key, ResourceAddress};
use crate::configuration::{ModuleCall, Repetition, Resource, Variable};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::language;
use crate::language::functions::FunctionContext;
use crate::resources::Schema;
use crate::syntax::ast::Expression;
use crate::value::{Name, Type, Value};

/// Results that evaluations share.
#[derive(Debug, Default)]
pub(super) struct Caches {
    values: Cache,
    expansions: Cache<Expansion>,
}

/// An evaluation under way.
pub(super) struct Session<'a> {
    pub(super) inner: &'a Inner,
    pub(super) objects: &'a dyn Objects,
    caches: &'a Caches,
    functions: FunctionContext<'a>,
    uses: RefCell<Vec<Use>>,
    diagnostics: RefCell<Diagnostics>,
    /// What is wrong with shared values that were used.
    shared: RefCell<Diagnostics>,
    /// Where the shared values lie that have reported it.
    tolerated: RefCell<BTreeSet<usize>>,
    failed: Cell<bool>,
    /// How many evaluations wait for this one.
    depth: usize,
}

/// Most evaluations that wait for each other: blocks repeated over blocks repeated over blocks.
const MAX_DEPTH: usize = 100;

/// Most instances of a module whose outputs are evaluated beforehand for a value that may need them.
const MAX_PREPARED: usize = 16;

impl<'a> Session<'a> {
    pub(super) fn new(inner: &'a Inner, objects: &'a dyn Objects, caches: &'a Caches) -> Self {
        Self {
            inner,
            objects,
            caches,
            functions: inner.outside.context(),
            uses: RefCell::default(),
            diagnostics: RefCell::default(),
            shared: RefCell::default(),
            tolerated: RefCell::default(),
            failed: Cell::new(false),
            depth: 0,
        }
    }

    /// Starts another evaluation over the same objects.
    pub(super) fn fresh(&self) -> Self {
        Self { depth: self.depth + 1, ..Self::new(self.inner, self.objects, self.caches) }
    }

    /// Notes that a resource was used.
    pub(super) fn note(&self, resource: ResourceAddress, part: Part, attribute: Option<Name>) {
        self.uses.borrow_mut().push(Use { resource, part, attribute });
    }

    pub(super) fn report(&self, diagnostics: impl IntoIterator<Item = Diagnostic>) {
        self.diagnostics.borrow_mut().extend(diagnostics);
    }

    /// Notes that something that was used could not be evaluated and was reported.
    pub(super) fn fail(&self) {
        self.failed.set(true);
    }

    /// Evaluates an expression. Mistakes are noted; then nothing is returned, also where the
    /// mistake lies in something shared that was used.
    pub(super) fn evaluate(&self, expression: &Expression, place: &Place<'_>) -> Option<Value> {
        if self.inner.order.is_err() || self.depth > MAX_DEPTH {
            // Evaluation would not end; cycles were reported when the program was made.
            if self.depth > MAX_DEPTH {
                self.report([Diagnostic::error(
                    "too-deep",
                    "values come from each other over and over",
                )
                .detail(format!("At most {MAX_DEPTH} levels are evaluated."))
                .at(expression.span)]);
            }
            self.fail();
            return None;
        }
        let failed_before = self.failed.replace(false);
        let outcome = language::evaluate(expression, place);
        let failed = self.failed.get();
        self.failed.set(failed || failed_before);
        match outcome {
            Ok(value) if !failed => Some(value),
            Ok(_) => None,
            // What follows from a mistake elsewhere is not reported again.
            Err(_) if failed => None,
            Err(diagnostics) => {
                self.report(diagnostics);
                self.failed.set(true);
                None
            }
        }
    }

    /// Returns the attributes that were used so far, as references name them.
    pub(super) fn used(&self) -> Vec<String> {
        let uses = self.uses.borrow();
        let mut names: Vec<String> = uses
            .iter()
            .filter_map(|used| match (&used.part, &used.attribute) {
                (Part::Instance(key), Some(attribute)) => {
                    Some(format!("{}.{attribute}", used.resource.instance(key.clone())))
                }
                _ => None,
            })
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Returns what was used, what is wrong, and whether something failed.
    pub(super) fn finish(self) -> (Vec<Use>, Diagnostics, bool) {
        let mut diagnostics = self.diagnostics.into_inner();
        diagnostics.extend(self.shared.into_inner());
        (self.uses.into_inner(), diagnostics, self.failed.get())
    }

    /// The same for one instance, which is named in what is wrong with it; what is wrong with shared
    /// values stays the same for all who use them.
    pub(super) fn finish_for(self, address: &Address) -> (Vec<Use>, Diagnostics) {
        let mut diagnostics = Diagnostics::new();
        diagnostics.extend(self.diagnostics.into_inner().into_iter().map(|d| d.address(address)));
        diagnostics.extend(self.shared.into_inner());
        diagnostics.sort();
        (self.uses.into_inner(), diagnostics)
    }

    /// Takes over what a shared evaluation used and reported.
    fn adopt<T>(&self, entry: &Entry<T>) {
        self.uses.borrow_mut().extend(entry.uses.iter().cloned());
        self.tolerate(entry);
    }

    /// Takes over what a shared evaluation reported, once however often it is used.
    fn tolerate<T>(&self, entry: &Entry<T>) {
        let place = std::ptr::from_ref(entry).addr();
        if !entry.diagnostics.is_empty() && self.tolerated.borrow_mut().insert(place) {
            self.shared.borrow_mut().extend(entry.diagnostics.clone());
        }
        if entry.failed {
            self.fail();
        }
    }

    /// Returns a shared value, evaluated when it is not yet.
    pub(super) fn item(&self, module: usize, item: Item) -> Value {
        let key = (module, item);
        if let Some(entry) = self.caches.values.get(&key, self.objects) {
            self.adopt(&entry);
            return entry.value.clone();
        }
        for earlier in self.missing(&key) {
            self.make(&earlier);
        }
        let entry = self.make(&key);
        self.adopt(&entry);
        entry.value.clone()
    }

    /// Evaluates a shared value and keeps it.
    fn make(&self, key: &(usize, Item)) -> Arc<Entry> {
        let session = self.fresh();
        let value = session.compute(key.0, &key.1);
        let (uses, diagnostics, failed) = session.finish();
        let value = value.unwrap_or_else(|| Value::unknown(Type::Any));
        let entry = Arc::new(Entry::new(value, uses, diagnostics, failed, self.objects));
        self.caches.values.put(key.clone(), Arc::clone(&entry));
        entry
    }

    /// Returns the shared values that another one needs and that are not there yet, in the order in
    /// which they can be evaluated. So a long chain of them does not nest evaluations.
    fn missing(&self, key: &(usize, Item)) -> Vec<(usize, Item)> {
        let mut seen = BTreeSet::from([key.clone()]);
        let mut order = Vec::new();
        let mut stack = vec![(key.clone(), self.needs(key))];
        while let Some((at, needs)) = stack.last_mut() {
            if let Some(next) = needs.pop() {
                let known = !seen.insert(next.clone())
                    || self.caches.values.get(&next, self.objects).is_some();
                if !known {
                    let needs = self.needs(&next);
                    stack.push((next, needs));
                }
                continue;
            }
            let at = at.clone();
            stack.pop();
            if !stack.is_empty() {
                order.push(at);
            }
        }
        order
    }

    /// Returns the shared values that one needs directly.
    fn needs(&self, (module, item): &(usize, Item)) -> Vec<(usize, Item)> {
        let shape = self.inner.modules.list[*module].shape;
        let what = match item {
            Item::Variable(name) => What::Variable(name.clone()),
            Item::Local(name) => What::Local(name.clone()),
            Item::Output(name) => What::Output(name.clone()),
            Item::Call(name) => {
                let child = self.inner.shapes.list[shape].children.get(name);
                let outputs = child.map(|c| &self.inner.shapes.list[*c].module.outputs);
                return outputs
                    .into_iter()
                    .flat_map(|outputs| outputs.keys())
                    .flat_map(|output| {
                        let children = self.children(*module, name);
                        children.map(|child| (child, Item::Output(output.clone())))
                    })
                    .collect();
            }
            Item::Expansion(..) | Item::Repetition(_) | Item::Block(..) => return Vec::new(),
        };
        let mut needs = Vec::new();
        for (node, _) in self.inner.shapes.needs(&Node { shape, what }) {
            let item = match &node.what {
                What::Variable(name) => Item::Variable(name.clone()),
                What::Local(name) => Item::Local(name.clone()),
                What::Output(name) => Item::Output(name.clone()),
                What::Call(_) | What::Done(_) | What::Resource(..) => continue,
            };
            // Of many instances mostly one is meant: it is evaluated when it is come upon.
            let modules = &self.inner.modules;
            let seen = modules.few_seen_from(*module, node.shape, &self.inner.shapes, MAX_PREPARED);
            needs.extend(seen.into_iter().flatten().map(|at| (at, item.clone())));
        }
        needs
    }

    fn children(&self, module: usize, call: &Name) -> impl Iterator<Item = usize> + '_ {
        let children = self.inner.modules.list[module].children.get(call);
        children.into_iter().flat_map(|children| children.values().copied())
    }

    fn compute(&self, module: usize, item: &Item) -> Option<Value> {
        let blocks = self.inner.module(module);
        match item {
            Item::Local(name) => {
                let local = blocks.locals.get(name)?;
                self.evaluate(&local.value, &Place::new(self, module))
            }
            Item::Output(name) => {
                let output = blocks.outputs.get(name)?;
                // Those of the root module are checked with its outputs.
                if module > 0 {
                    let path = &self.inner.modules.list[module].path;
                    let summary = format!("precondition of `{path}.{name}` does not hold");
                    let place = Place::new(self, module);
                    let conditions = &output.preconditions;
                    self.conditions(conditions, &place, "precondition-failed", &summary);
                }
                let value = self.evaluate(&output.value, &Place::new(self, module))?;
                let sensitive = output.sensitive || value.is_sensitive();
                Some(value.with_sensitive(sensitive))
            }
            Item::Variable(name) => self.variable(module, blocks.variables.get(name)?),
            Item::Call(name) => Some(self.outputs(module, name)),
            Item::Block(mode, kind, name) => {
                let resource = blocks.resources.get(&(*mode, kind.clone(), name.clone()))?;
                self.block(module, resource)
            }
            Item::Expansion(..) | Item::Repetition(_) => None,
        }
    }

    /// Evaluates a variable: the root's are given, a module's come from the arguments of its call.
    fn variable(&self, module: usize, variable: &Variable) -> Option<Value> {
        let name = &variable.name.text;
        let instance = &self.inner.modules.list[module];
        let Some(parent) = instance.parent else {
            let value = self.inner.variables.get(name).cloned();
            let unknown = || Value::unknown(variable.ty.clone()).with_sensitive(variable.sensitive);
            return Some(value.unwrap_or_else(unknown));
        };
        let call_name = instance.path.0.last().map(|step| &step.name)?;
        let call = self.inner.module(parent).calls.get(call_name)?;
        let value = match call.arguments.get(name) {
            None => variable.default.clone()?,
            Some((_, expression)) => {
                let key = instance.path.0.last().and_then(|step| step.key.as_ref());
                let each = Each { key, of: Repeated::Call(call) };
                let place = Place { each: Some(each), ..Place::new(self, parent) };
                let value = self.evaluate(expression, &place)?;
                match variable.accept(&value) {
                    Ok(value) => value,
                    Err(diagnostic) => {
                        self.report([diagnostic.at(expression.span)]);
                        self.fail();
                        return None;
                    }
                }
            }
        };
        let sensitive = variable.sensitive || value.is_sensitive();
        let value = value.with_sensitive(sensitive);
        let place = call.arguments.get(name).map(|(_, expression)| expression.span);
        self.validate(module, variable, &value, place);
        Some(value)
    }

    /// Returns the outputs of all instances of a called module.
    fn outputs(&self, module: usize, call: &Name) -> Value {
        let Some(children) = self.inner.modules.list[module].children.get(call) else {
            self.fail();
            return Value::unknown(Type::Any);
        };
        let of = |child: &usize| {
            let outputs = self.inner.module(*child).outputs.keys();
            Value::object(
                outputs.map(|o| (o.clone(), self.item(*child, Item::Output(o.clone())))).collect(),
            )
        };
        let repetition = self.inner.module(module).calls.get(call).map(|c| &c.repetition);
        collected(repetition, children.iter().map(|(key, child)| (key.clone(), of(child))))
    }

    /// Returns the instances of a block. What its repetition used is no use of who asks for them:
    /// keys are known from the start.
    pub(super) fn expansion(&self, module: usize, resource: &Resource) -> Option<Expansion> {
        if self.inner.general || matches!(resource.repetition, Repetition::Single) {
            return Some(Expansion::single());
        }
        let entry = self.block_expansion(module, resource);
        self.tolerate(&entry);
        (!entry.failed).then(|| entry.value.clone())
    }

    fn block_expansion(&self, module: usize, resource: &Resource) -> Arc<Entry<Expansion>> {
        let (kind, name) = (resource.kind.text.clone(), resource.name.text.clone());
        let key = (module, Item::Expansion(resource.mode, kind, name));
        let known = self.caches.expansions.get(&key, self.objects);
        known.unwrap_or_else(|| {
            let what = self.address(module, resource).to_string();
            self.expand(key, &resource.repetition, &what)
        })
    }

    /// Returns `each.value` of a block's instance; none where it is the key itself.
    pub(super) fn block_value(
        &self,
        module: usize,
        resource: &Resource,
        key: &Key,
    ) -> Option<Value> {
        let entry = self.block_expansion(module, resource);
        self.each_value(&entry, key)
    }

    /// Returns `each.value` of a module instance within the arguments of its call. The call is
    /// expanded anew over the objects that are known now.
    pub(super) fn call_value(&self, module: usize, call: &ModuleCall, key: &Key) -> Option<Value> {
        let name = &call.name.text;
        let item = (module, Item::Repetition(name.clone()));
        let known = self.caches.expansions.get(&item, self.objects);
        let entry = known.unwrap_or_else(|| {
            let what = self.inner.modules.list[module].path.child(name.clone(), None);
            self.expand(item, &call.repetition, &what.to_string())
        });
        self.each_value(&entry, key)
    }

    fn each_value(&self, entry: &Entry<Expansion>, key: &Key) -> Option<Value> {
        let value = entry.value.value(Some(key)).cloned();
        if value.is_some() || entry.failed {
            self.adopt(entry);
        }
        value
    }

    /// Evaluates a repetition and keeps the outcome.
    fn expand(
        &self,
        key: (usize, Item),
        repetition: &Repetition,
        what: &str,
    ) -> Arc<Entry<Expansion>> {
        let session = self.fresh();
        let place = Place::new(&session, key.0);
        let made = expansion::expand(&session, repetition, &place, what);
        let failed = made.is_none();
        let (uses, diagnostics, _) = session.finish();
        let value = made.unwrap_or_else(Expansion::single);
        let entry = Arc::new(Entry::new(value, uses, diagnostics, failed, self.objects));
        self.caches.expansions.put(key, Arc::clone(&entry));
        entry
    }

    /// Returns all objects of a block: one, a tuple by index or an object by key.
    fn block(&self, module: usize, resource: &Resource) -> Option<Value> {
        let expansion = self.expansion(module, resource)?;
        let address = self.address(module, resource);
        self.note(address.clone(), Part::Whole, None);
        let instances = expansion.keys.iter().map(|key| {
            let object = self.object(&address.instance(key.clone()), resource.schema);
            (key.clone(), object)
        });
        Some(collected(Some(&resource.repetition), instances))
    }

    /// Returns an object as expressions see it.
    pub(super) fn object(&self, address: &Address, schema: &'static Schema) -> Value {
        match self.objects.object(address) {
            Some(object) => complete(&object, schema),
            None => unknown_object(address, schema).to_value(),
        }
    }

    /// Returns the address of a block of a module instance.
    pub(super) fn address(&self, module: usize, resource: &Resource) -> ResourceAddress {
        ResourceAddress {
            module: self.inner.modules.list[module].path.clone(),
            mode: resource.mode,
            kind: resource.kind.text.clone(),
            name: resource.name.text.clone(),
        }
    }

    /// Returns the module instance of a path and the block in it.
    pub(super) fn find(&self, address: &ResourceAddress) -> Option<(usize, &'a Resource)> {
        let module = self.inner.modules.find(&address.module)?;
        let key = (address.mode, address.kind.clone(), address.name.clone());
        Some((module, self.inner.module(module).resources.get(&key)?))
    }

    /// Returns what functions see of the outside.
    pub(super) const fn functions(&self) -> &FunctionContext<'a> {
        &self.functions
    }
}

/// Puts instances together as expressions see a whole block.
fn collected(
    repetition: Option<&Repetition>,
    instances: impl Iterator<Item = (Option<Key>, Value)>,
) -> Value {
    match repetition {
        None | Some(Repetition::Single) => {
            instances.map(|(_, value)| value).next().unwrap_or_else(Value::null)
        }
        Some(Repetition::Count(_)) => Value::tuple(instances.map(|(_, value)| value)),
        Some(Repetition::ForEach(_)) => {
            let entries: BTreeMap<Name, Value> = instances
                .filter_map(|(key, value)| match key? {
                    Key::Text(text) => Some((text, value)),
                    Key::Number(_) => None,
                })
                .collect();
            Value::object(entries.into())
        }
    }
}
