//! A configuration bound to variables: expands blocks, evaluates instances, outputs and providers
//! against the objects known so far, and tells what depends on what.
//!
//! References are resolved along their path: `nat_gateway.g[each.key].id` costs the same with 10 and
//! with 100,000 instances, and what an evaluation uses is noted while it runs, so that dependencies
//! are exact to the instance. Local values, variables of modules and outputs are evaluated once and
//! kept as long as what they used stays the same.

mod changes;
mod check;
mod conditions;
mod element;
mod expansion;
mod files;
mod foreseen;
mod instance;
mod modules;
mod nulls;
mod objects;
mod outside;
mod provider;
mod scope;
mod session;
mod shape;
mod trace;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use petgraph::graph::NodeIndex;

use self::foreseen::{Foreseen, Known};
use self::modules::Modules;
use self::outside::Outside;
use self::scope::Place;
use self::session::{Caches, Session};
use self::shape::{Node, Shapes, What};
use self::trace::Item;
use crate::address::{Address, Key, Mode, ModulePath, ModuleStep, ResourceAddress};
use crate::configuration::{Configuration, Module, Resource};
use crate::diagnostic::{Diagnostics, Span};
use crate::environment::{Environment, Timestamp};
use crate::syntax::ast::Expression;
use crate::value::{Name, Value};

pub use self::changes::{ImportRequest, Move, Removal, warnings};
pub use self::check::{check, check_loaded};
pub use self::files::FileRecord;
pub use self::instance::Configured;
pub(crate) use self::instance::{place_of, written};
pub use self::objects::{ObjectMap, Objects, stamp, unknown_attribute, unknown_object};
pub use self::provider::ProviderSettings;
pub use self::trace::{Dependency, DependencyOn};

use self::objects::{Nothing, complete};

/// A configuration bound to variables. Cheap to clone; may be used from several threads.
#[derive(Debug, Clone)]
pub struct Program {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    configuration: Arc<Configuration>,
    /// Values of the root module's variables.
    variables: BTreeMap<Name, Value>,
    outside: Outside,
    /// Whether it is evaluated in general, for mistakes only: each block and module stands for all
    /// its instances, and all variables are unknown.
    general: bool,
    shapes: Shapes,
    modules: Modules,
    /// Blocks so that what is needed comes first; or the cycles that make this impossible.
    order: Result<Vec<Node>, Diagnostics>,
    caches: Caches,
    needs: Mutex<BTreeMap<NodeIndex, Arc<Needs>>>,
}

/// The blocks that a block needs, found without evaluating.
#[derive(Debug, Default)]
struct Needs {
    /// Through references.
    referenced: Vec<NodeIndex>,
    /// Through `depends_on`.
    explicit: Vec<NodeIndex>,
    /// Through `count` and `for_each` of blocks and modules alone: what they need must be known when
    /// the plan is made and orders nothing.
    repetition: Vec<NodeIndex>,
}

impl Needs {
    /// Sorts the lists and gives back the room that they do not need: each block has them.
    fn tidy(&mut self) {
        for list in [&mut self.referenced, &mut self.explicit, &mut self.repetition] {
            list.sort_unstable();
            list.dedup();
            list.shrink_to_fit();
        }
    }
}

impl Program {
    /// Binds a configuration to the values of its root variables, which are converted and marked;
    /// a variable without a value is unknown. Expands modules and checks the variables' validations.
    pub fn new(
        configuration: Arc<Configuration>,
        variables: BTreeMap<Name, Value>,
        environment: &Environment,
    ) -> (Self, Diagnostics) {
        let outside = Outside::planning(environment, configuration.directory.clone());
        Self::bind(configuration, variables, outside)
    }

    /// Binds a configuration for applying a plan that was made at `plan_time`: functions that differ
    /// each time have values now. For a saved plan, `files` has what functions read while planning;
    /// nothing else is read then.
    pub fn new_applying(
        configuration: Arc<Configuration>,
        variables: BTreeMap<Name, Value>,
        environment: &Environment,
        plan_time: Timestamp,
        files: Option<FileRecord>,
    ) -> (Self, Diagnostics) {
        let outside = Outside::planning(environment, configuration.directory.clone());
        let outside = outside.applying(environment, plan_time, files);
        Self::bind(configuration, variables, outside)
    }

    fn bind(
        configuration: Arc<Configuration>,
        variables: BTreeMap<Name, Value>,
        outside: Outside,
    ) -> (Self, Diagnostics) {
        let (mut inner, mut diagnostics) = Inner::new(configuration, outside);
        inner.variables = variables;
        inner.expand_modules(&mut diagnostics);
        if inner.order.is_ok() {
            inner.validate_root(&mut diagnostics);
        }
        (Self { inner: Arc::new(inner) }, diagnostics)
    }

    /// Returns the configuration.
    pub fn configuration(&self) -> &Arc<Configuration> {
        &self.inner.configuration
    }

    /// Returns the values of the root module's variables.
    pub fn variables(&self) -> &BTreeMap<Name, Value> {
        &self.inner.variables
    }

    /// Returns the time that `plantimestamp` gives, for the plan to keep.
    pub fn plan_time(&self) -> Timestamp {
        self.inner.outside.plan_time.unwrap_or_default()
    }

    /// Returns the files that functions have read so far, for a saved plan to keep.
    pub fn files(&self) -> FileRecord {
        self.inner.outside.record()
    }

    /// Returns all blocks of all module instances so that what is needed comes first, always in the
    /// same order; or the cycles, each as a path.
    pub fn order(&self) -> Result<Vec<ResourceAddress>, Diagnostics> {
        let order = self.inner.order.as_ref().map_err(Clone::clone)?;
        Ok(order
            .iter()
            .filter(|node| matches!(node.what, What::Resource(..)))
            .flat_map(|node| {
                let modules = self.inner.modules.of_shape(node.shape);
                modules.iter().filter_map(|module| self.inner.address(*module, &node.what))
            })
            .collect())
    }

    /// Returns the block of an address; the keys of its modules play no part.
    pub fn block(&self, resource: &ResourceAddress) -> Option<&Resource> {
        let module = modules::module_at(&self.inner.configuration.root, &resource.module)?;
        let key = (resource.mode, resource.kind.clone(), resource.name.clone());
        module.resources.get(&key).map(|block| &**block)
    }

    /// Returns where an argument of a block is written, or for an empty name the block's header.
    pub fn written(&self, resource: &ResourceAddress, name: &str) -> Option<Span> {
        written(self.block(resource)?, name)
    }

    /// Returns whether there is a module instance of that path.
    pub fn has_module(&self, path: &ModulePath) -> bool {
        self.inner.modules.find(path).is_some()
    }

    /// Returns the keys of a block's instances, sorted. Values of `count` and `for_each` that only
    /// apply will know are errors with advice.
    pub fn expand_resource(
        &self,
        resource: &ResourceAddress,
        objects: &dyn Objects,
    ) -> Result<Arc<[Option<Key>]>, Diagnostics> {
        let session = self.session(objects);
        let Some((module, block)) = session.find(resource) else { return Ok(Arc::new([])) };
        let expansion = session.expansion(module, block);
        let (_, diagnostics, _) = session.finish();
        match expansion {
            Some(expansion) => Ok(expansion.keys),
            None => Err(diagnostics),
        }
    }

    /// Evaluates the arguments of one instance, converts them to the schema's types and checks the
    /// preconditions. Attributes with mistakes are left out.
    pub fn instance(&self, address: &Address, objects: &dyn Objects) -> (Configured, Diagnostics) {
        let session = self.session(objects);
        let Some((module, block)) = session.find(&address.resource) else {
            return (Configured::default(), Diagnostics::new());
        };
        let mut configured = instance::configured(&session, module, block, address);
        let (uses, diagnostics) = session.finish_for(address);
        let needs = self
            .inner
            .needs_of(&Node { shape: self.inner.modules.list[module].shape, what: what_of(block) });
        configured.dependencies = self.inner.dependencies(module, &needs, &uses);
        (configured, diagnostics)
    }

    /// Checks the postconditions of an instance; what is unknown is passed over.
    pub fn postconditions(
        &self,
        address: &Address,
        object: &crate::resources::Object,
        objects: &dyn Objects,
    ) -> Diagnostics {
        let session = self.session(objects);
        let Some((module, block)) = session.find(&address.resource) else {
            return Diagnostics::new();
        };
        if block.lifecycle.postconditions.is_empty() {
            return Diagnostics::new();
        }
        let own = complete(object, block.schema);
        instance::postconditions(&session, module, block, address, Some(&own));
        session.finish_for(address).1
    }

    /// Returns `lifecycle.prevent_destroy` of an instance.
    pub fn prevent_destroy(&self, address: &Address) -> (bool, Diagnostics) {
        let nothing = Nothing::new();
        let session = self.session(&nothing);
        let Some((module, block)) = session.find(&address.resource) else {
            return (false, Diagnostics::new());
        };
        let prevent = instance::prevent_destroy(&session, module, block, address);
        (prevent, session.finish_for(address).1)
    }

    /// Returns the time limits of an instance in seconds, by operation.
    pub fn timeouts(&self, address: &Address) -> (BTreeMap<String, u64>, Diagnostics) {
        let nothing = Nothing::new();
        let session = self.session(&nothing);
        let limits = match session.find(&address.resource) {
            Some((module, block)) if !block.timeouts.blocks.is_empty() => {
                instance::timeouts(&session, module, block, address)
            }
            _ => BTreeMap::new(),
        };
        (limits, session.finish_for(address).1)
    }

    /// Returns what `lifecycle.replace_triggered_by` of an instance names.
    pub fn triggers(
        &self,
        address: &Address,
        objects: &dyn Objects,
    ) -> (Vec<Dependency>, Diagnostics) {
        let session = self.session(objects);
        let Some((module, block)) = session.find(&address.resource) else {
            return (Vec::new(), Diagnostics::new());
        };
        instance::triggers(&session, module, block, address);
        let (uses, diagnostics) = session.finish_for(address);
        (trace::dependencies(&uses), diagnostics)
    }

    /// Returns the alias of the root module's provider that a block uses; `""` is the default one.
    pub fn provider_of(&self, resource: &ResourceAddress) -> Name {
        let Some(block) = self.block(resource) else { return "".into() };
        let mut alias = block.provider.clone();
        let steps = &resource.module.0;
        for depth in (0..steps.len()).rev() {
            let path = ModulePath(steps[..depth].into());
            let call = modules::module_at(&self.inner.configuration.root, &path)
                .and_then(|module| module.calls.get(&steps[depth].name));
            match call.and_then(|call| call.providers.get(&alias)) {
                Some(outside) => alias = outside.text.clone(),
                // Only the default one is handed down unasked.
                None => alias = "".into(),
            }
        }
        alias
    }

    /// Evaluates a provider block of the root module. Without a block, everything is left open.
    pub fn provider(&self, alias: &str) -> (ProviderSettings, Diagnostics) {
        let nothing = Nothing::new();
        let session = self.session(&nothing);
        let settings = provider::settings(&session, alias);
        let (_, mut diagnostics, _) = session.finish();
        diagnostics.sort();
        (settings, diagnostics)
    }

    /// Evaluates the outputs of the root module and checks their preconditions. Values of outputs
    /// that are declared sensitive are marked.
    pub fn outputs(&self, objects: &dyn Objects) -> (BTreeMap<Name, Value>, Diagnostics) {
        let mut values = BTreeMap::new();
        let mut diagnostics = Diagnostics::new();
        for (name, output) in &self.inner.configuration.root.outputs {
            let session = self.session(objects);
            let value = conditions::output(&session, output);
            let (_, found, failed) = session.finish();
            diagnostics.extend(found);
            if !failed {
                values.insert(name.clone(), value);
            }
        }
        diagnostics.sort();
        (values, diagnostics)
    }

    /// Returns what `moved` blocks say, in the order of the blocks, for every module instance.
    pub fn moves(&self) -> Vec<Move> {
        let instances = self.inner.modules.list.iter().enumerate();
        instances
            .flat_map(|(at, instance)| {
                self.inner.module(at).moved.iter().map(|block| {
                    let (from, to) = changes::alike(
                        changes::within(&instance.path, &block.from),
                        changes::within(&instance.path, &block.to),
                    );
                    Move { from, to, span: block.span }
                })
            })
            .collect()
    }

    /// Returns what `removed` blocks say: those of a module for all its instances, also for those that
    /// are gone.
    pub fn removals(&self) -> Vec<Removal> {
        let all = |name: &Name| ModuleStep { name: Arc::clone(name), key: None };
        let shapes = self.inner.shapes.list.iter();
        shapes
            .flat_map(|shape| {
                let path = ModulePath(shape.path.iter().map(all).collect());
                shape.module.removed.iter().map(move |block| Removal {
                    from: changes::within(&path, &block.from),
                    destroy: block.destroy,
                    span: block.span,
                })
            })
            .collect()
    }

    /// Evaluates the `import` blocks. Objects may be needed for ids that come from data sources.
    pub fn imports(&self, objects: &dyn Objects) -> (Vec<ImportRequest>, Diagnostics) {
        let session = self.session(objects);
        let blocks = &self.inner.configuration.root.imports;
        let requests =
            blocks.iter().flat_map(|import| changes::imports(&session, import)).collect();
        let (_, mut diagnostics, _) = session.finish();
        diagnostics.sort();
        (requests, diagnostics)
    }

    /// Evaluates the `check` blocks of all module instances; all that they say is a warning.
    pub fn checks(&self, objects: &dyn Objects) -> Diagnostics {
        let mut diagnostics = Diagnostics::new();
        for module in 0..self.inner.modules.list.len() {
            for (name, check) in &self.inner.module(module).checks {
                let session = self.session(objects);
                let place = Place::new(&session, module);
                let summary = format!("check `{name}` does not hold");
                session.conditions(&check.assertions, &place, "check-failed", &summary);
                diagnostics.extend(warnings(session.finish().1));
            }
        }
        diagnostics.sort();
        diagnostics
    }

    /// Returns the data sources that belong to checks, of all module instances.
    pub fn data_of_checks(&self) -> Vec<ResourceAddress> {
        let of_check = |r: &ResourceAddress| self.block(r).is_some_and(|b| b.check.is_some());
        self.order().unwrap_or_default().into_iter().filter(of_check).collect()
    }

    /// Evaluates the local values and outputs that nothing has used, for the mistakes in them.
    pub fn remaining(&self, objects: &dyn Objects) -> Diagnostics {
        let session = self.session(objects);
        for module in 0..self.inner.modules.list.len() {
            let blocks = self.inner.module(module);
            for name in blocks.locals.keys() {
                session.item(module, Item::Local(name.clone()));
            }
            for name in blocks.variables.keys() {
                session.item(module, Item::Variable(name.clone()));
            }
            // Those of the root have checks of their own.
            if module > 0 {
                for name in blocks.outputs.keys() {
                    session.item(module, Item::Output(name.clone()));
                }
            }
        }
        let (_, mut diagnostics, _) = session.finish();
        diagnostics.sort();
        diagnostics
    }

    /// Evaluates an expression in the root module, as the console does.
    pub fn evaluate(
        &self,
        expression: &Expression,
        objects: &dyn Objects,
    ) -> Result<Value, Diagnostics> {
        let session = self.session(objects);
        let value = session.evaluate(expression, &Place::new(&session, 0));
        let (_, diagnostics, _) = session.finish();
        value.ok_or(diagnostics)
    }

    /// Returns the data sources that an expression in the root module needs, also through each other
    /// and through the repetition of resources, so that what is needed comes first. Found without
    /// evaluating.
    pub fn data_sources(&self, expression: &Expression) -> Vec<ResourceAddress> {
        let mut seen: BTreeSet<ResourceAddress> = BTreeSet::new();
        let mut open: Vec<ResourceAddress> = Vec::new();
        for reference in crate::language::references(expression) {
            for (node, _) in self.inner.shapes.named(0, &reference) {
                if let Some(address) = self.inner.address(0, &node.what) {
                    open.push(address);
                    continue;
                }
                let needs = self.inner.needs_of(&node);
                let used = needs.referenced.iter().chain(&needs.repetition);
                open.extend(self.inner.addresses(0, used));
            }
        }
        while let Some(next) = open.pop() {
            let Some((module, needs)) = self.needs(&next).filter(|_| !seen.contains(&next)) else {
                continue;
            };
            // A managed resource has its values from the state.
            let used = needs.referenced.iter().filter(|_| next.mode == Mode::Data);
            open.extend(self.inner.addresses(module, used.chain(&needs.repetition)));
            seen.insert(next);
        }
        let order = self.order().unwrap_or_default().into_iter();
        order.filter(|r| r.mode == Mode::Data && seen.contains(r)).collect()
    }

    /// Returns the blocks that a block needs, through local values and modules, `depends_on`
    /// included. Found without evaluating: where module instances refer to another module, all
    /// instances of that module are named.
    pub fn dependencies(&self, resource: &ResourceAddress) -> Vec<ResourceAddress> {
        let Some((module, needs)) = self.needs(resource) else { return Vec::new() };
        let all: BTreeSet<&NodeIndex> =
            needs.referenced.iter().chain(&needs.explicit).chain(&needs.repetition).collect();
        self.inner.addresses(module, all)
    }

    /// Returns the blocks that `depends_on` of a block names, of the modules that hold it included.
    /// Where they are in many instances of a module, the keys of the module are left out.
    pub fn depends_on(&self, resource: &ResourceAddress) -> Vec<ResourceAddress> {
        let Some((module, needs)) = self.needs(resource) else { return Vec::new() };
        self.inner.short_addresses(module, &needs.explicit)
    }

    /// Returns what one instance needs, exact to the instance where references name one: the same
    /// as [`Configured::dependencies`], which is had without evaluating again.
    pub fn instance_dependencies(
        &self,
        address: &Address,
        objects: &dyn Objects,
    ) -> Vec<Dependency> {
        self.instance(address, objects).0.dependencies
    }

    fn needs(&self, resource: &ResourceAddress) -> Option<(usize, Arc<Needs>)> {
        let module = self.inner.modules.find(&resource.module)?;
        let what = What::Resource(resource.mode, resource.kind.clone(), resource.name.clone());
        let shape = self.inner.modules.list[module].shape;
        Some((module, self.inner.needs_of(&Node { shape, what })))
    }

    fn session<'a>(&'a self, objects: &'a dyn Objects) -> Session<'a> {
        Session::new(&self.inner, objects, &self.inner.caches)
    }
}

impl Inner {
    /// Creates one without variables and module instances, and reports cycles.
    fn new(configuration: Arc<Configuration>, outside: Outside) -> (Self, Diagnostics) {
        let shapes = Shapes::new(&configuration);
        let cycles = shapes.cycles();
        let order = if cycles.is_empty() { Ok(shapes.sorted()) } else { Err(cycles.clone()) };
        let inner = Self {
            configuration,
            variables: BTreeMap::new(),
            outside,
            general: false,
            shapes,
            modules: Modules::new(),
            order,
            caches: Caches::default(),
            needs: Mutex::default(),
        };
        (inner, cycles)
    }

    /// Returns the blocks of a module instance.
    fn module(&self, module: usize) -> &Module {
        &self.shapes.list[self.modules.list[module].shape].module
    }

    fn address(&self, module: usize, what: &What) -> Option<ResourceAddress> {
        let What::Resource(mode, kind, name) = what else { return None };
        Some(ResourceAddress {
            module: self.modules.list[module].path.clone(),
            mode: *mode,
            kind: kind.clone(),
            name: name.clone(),
        })
    }

    /// Makes the instances of all modules, callers first.
    fn expand_modules(&mut self, diagnostics: &mut Diagnostics) {
        let Ok(order) = self.order.clone() else { return };
        let (caches, known, stamp) = (Caches::default(), Known::default(), stamp());
        for node in order {
            let What::Call(name) = &node.what else { continue };
            let Some(&shape) = self.shapes.list[node.shape].children.get(name) else { continue };
            for parent in self.modules.of_shape(node.shape).to_vec() {
                let Some(call) = self.module(parent).calls.get(name) else { continue };
                let foreseen = Foreseen::new(self, &caches, &known, stamp);
                let session = Session::new(self, &foreseen, &caches);
                let what = self.modules.list[parent].path.child(name.clone(), None).to_string();
                let place = Place::new(&session, parent);
                let expansion = expansion::expand(&session, &call.repetition, &place, &what);
                let (_, found, _) = session.finish();
                diagnostics.extend(found);
                let Some(expansion) = expansion else { continue };
                self.modules.expanded(parent, name);
                for key in expansion.keys.iter() {
                    self.modules.add_child(parent, shape, name, key.clone());
                }
            }
        }
    }

    fn validate_root(&self, diagnostics: &mut Diagnostics) {
        let nothing = Nothing::new();
        let session = Session::new(self, &nothing, &self.caches);
        for (name, variable) in &self.configuration.root.variables {
            if let Some(value) = self.variables.get(name) {
                session.validate(0, variable, value, None);
            }
        }
        let (_, mut found, _) = session.finish();
        found.sort();
        diagnostics.extend(found);
    }

    /// Returns the blocks that a block needs, through everything that is no block.
    fn needs_of(&self, node: &Node) -> Arc<Needs> {
        let Some(start) = self.shapes.at(node) else { return Arc::default() };
        let known = self.needs.lock().unwrap_or_else(PoisonError::into_inner).get(&start).cloned();
        if let Some(needs) = known {
            return needs;
        }
        let mut needs = Needs::default();
        let mut seen = BTreeSet::new();
        let mut open = vec![(start, false, false)];
        while let Some((at, explicit, repetition)) = open.pop() {
            for (next, need) in self.shapes.needs_at(at) {
                let explicit = explicit || need.explicit;
                let repetition = repetition || need.repetition;
                if matches!(self.shapes.node(next).what, What::Resource(..)) {
                    let kind = match (explicit, repetition) {
                        (true, _) => &mut needs.explicit,
                        (false, true) => &mut needs.repetition,
                        (false, false) => &mut needs.referenced,
                    };
                    kind.push(next);
                } else if seen.insert((next, explicit, repetition)) {
                    open.push((next, explicit, repetition));
                }
            }
        }
        needs.tidy();
        let needs = Arc::new(needs);
        let mut all = self.needs.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(start, Arc::clone(&needs));
        needs
    }

    /// Returns the addresses of blocks as a module instance means them, sorted.
    fn addresses<'n>(
        &self,
        module: usize,
        nodes: impl IntoIterator<Item = &'n NodeIndex>,
    ) -> Vec<ResourceAddress> {
        let mut addresses: Vec<ResourceAddress> = nodes
            .into_iter()
            .flat_map(|at| {
                let node = self.shapes.node(*at);
                let modules = self.modules.seen_from(module, node.shape, &self.shapes);
                modules.into_iter().filter_map(|m| self.address(m, &node.what))
            })
            .collect();
        addresses.sort_unstable();
        addresses
    }

    /// The same, where blocks in many instances of a module have one address without the keys of the
    /// module. Otherwise 10,000 instances would each carry 10,000 addresses.
    fn short_addresses<'n>(
        &self,
        module: usize,
        nodes: impl IntoIterator<Item = &'n NodeIndex>,
    ) -> Vec<ResourceAddress> {
        let mut addresses = Vec::new();
        for at in nodes {
            let node = self.shapes.node(*at);
            let What::Resource(mode, kind, name) = &node.what else { continue };
            let (modules, shapes) = (&self.modules, &self.shapes);
            let few =
                modules.few_seen_from(module, node.shape, shapes, trace::MAX_SHARED_INSTANCES);
            if let Some(few) = few {
                addresses.extend(few.into_iter().filter_map(|m| self.address(m, &node.what)));
                continue;
            }
            addresses.push(ResourceAddress {
                module: modules.path_seen_from(module, node.shape, shapes),
                mode: *mode,
                kind: kind.clone(),
                name: name.clone(),
            });
        }
        addresses.sort_unstable();
        addresses
    }

    /// Makes the dependencies of an instance of what its evaluation used, of what it may use under
    /// other circumstances, and of `depends_on`.
    fn dependencies(&self, module: usize, needs: &Needs, uses: &[trace::Use]) -> Vec<Dependency> {
        let mut dependencies = trace::dependencies(uses);
        let used = |at: &NodeIndex| {
            let node = self.shapes.node(*at);
            let What::Resource(mode, kind, name) = &node.what else { return true };
            let path = &self.shapes.list[node.shape].path;
            uses.iter().any(|u| {
                let resource = &u.resource;
                resource.name == *name
                    && resource.kind == *kind
                    && resource.mode == *mode
                    && resource.module.0.len() == path.len()
                    && resource.module.0.iter().zip(path).all(|(step, name)| step.name == *name)
            })
        };
        let whole = |address: ResourceAddress, explicit: bool| Dependency {
            on: DependencyOn::Resource(address),
            attributes: BTreeSet::new(),
            explicit,
        };
        let unused: Vec<&NodeIndex> = needs.referenced.iter().filter(|at| !used(at)).collect();
        let unused = self.short_addresses(module, unused);
        dependencies.extend(unused.into_iter().map(|address| whole(address, false)));
        for address in self.short_addresses(module, &needs.explicit) {
            let on = DependencyOn::Resource(address.clone());
            if !dependencies.iter().any(|d| d.on == on) {
                dependencies.push(whole(address, true));
            }
        }
        dependencies.sort_unstable();
        dependencies
    }
}

/// Returns the node of a block within its module.
fn what_of(block: &Resource) -> What {
    What::Resource(block.mode, block.kind.text.clone(), block.name.text.clone())
}
