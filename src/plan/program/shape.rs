//! The graph of blocks: what is evaluated from what, before anything is expanded. Modules count as
//! often as they are called, but not yet by instance.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;

use crate::address::Mode;
use crate::configuration::{Condition, Configuration, Module, ModuleCall, Repetition, Resource};
use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::language::{Reference, ReferenceStep, references};
use crate::syntax::ast::{Body, Expression};
use crate::value::Name;

/// A module at one place of the tree of calls.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) module: Arc<Module>,
    pub(super) parent: Option<usize>,
    /// Names of the calls from the root.
    pub(super) path: Vec<Name>,
    pub(super) children: BTreeMap<Name, usize>,
}

/// What may be evaluated within a module.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    /// The instances of a called module.
    Call(Name),
    /// `var.name`
    Variable(Name),
    /// `local.name`
    Local(Name),
    /// A block and its instances.
    Resource(Mode, Name, Name),
    /// An output of the module.
    Output(Name),
    /// Everything within a called module is done.
    Done(Name),
}

/// A node: what, in which module.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Node {
    pub(super) shape: usize,
    pub(super) what: What,
}

/// Why one node needs another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Need {
    pub(super) span: Span,
    /// Whether it comes from `depends_on`.
    pub(super) explicit: bool,
    /// Whether it only decides which instances there are.
    pub(super) repetition: bool,
}

impl Need {
    const fn value(span: Span) -> Self {
        Self { span, explicit: false, repetition: false }
    }

    const fn explicit(span: Span) -> Self {
        Self { span, explicit: true, repetition: false }
    }

    const fn repetition(span: Span) -> Self {
        Self { span, explicit: false, repetition: true }
    }
}

/// The graph; edges point from what needs to what is needed.
#[derive(Debug)]
pub(super) struct Shapes {
    pub(super) list: Vec<Shape>,
    graph: DiGraph<Node, Need>,
    index: BTreeMap<Node, NodeIndex>,
}

impl Shapes {
    /// Builds the graph of a configuration.
    pub(super) fn new(configuration: &Configuration) -> Self {
        let mut shapes = Self { list: Vec::new(), graph: DiGraph::new(), index: BTreeMap::new() };
        shapes.add_module(&configuration.root, None, Vec::new());
        for shape in 0..shapes.list.len() {
            shapes.add_nodes(shape);
        }
        for shape in 0..shapes.list.len() {
            shapes.add_edges(shape);
        }
        shapes
    }

    fn add_module(
        &mut self,
        module: &Arc<Module>,
        parent: Option<usize>,
        path: Vec<Name>,
    ) -> usize {
        let own = self.list.len();
        let shape = Shape { module: Arc::clone(module), parent, path, children: BTreeMap::new() };
        self.list.push(shape);
        for (name, call) in &module.calls {
            let mut path = self.list[own].path.clone();
            path.push(name.clone());
            let child = self.add_module(&call.module, Some(own), path);
            self.list[own].children.insert(name.clone(), child);
        }
        own
    }

    fn add_nodes(&mut self, shape: usize) {
        let module = Arc::clone(&self.list[shape].module);
        let mut nodes = Vec::new();
        nodes.extend(
            module.calls.keys().flat_map(|n| [What::Call(n.clone()), What::Done(n.clone())]),
        );
        nodes.extend(module.variables.keys().cloned().map(What::Variable));
        nodes.extend(module.locals.keys().cloned().map(What::Local));
        nodes.extend(module.outputs.keys().cloned().map(What::Output));
        nodes.extend(
            module
                .resources
                .keys()
                .cloned()
                .map(|(mode, kind, name)| What::Resource(mode, kind, name)),
        );
        for what in nodes {
            let node = Node { shape, what };
            let at = self.graph.add_node(node.clone());
            self.index.insert(node, at);
        }
    }

    fn add_edges(&mut self, shape: usize) {
        let module = Arc::clone(&self.list[shape].module);
        for local in module.locals.values() {
            let from = Node { shape, what: What::Local(local.name.text.clone()) };
            self.need(&from, shape, &local.value);
        }
        for output in module.outputs.values() {
            let from = Node { shape, what: What::Output(output.name.text.clone()) };
            self.need(&from, shape, &output.value);
            self.need_conditions(&from, shape, &output.preconditions);
            self.need_explicitly(&from, shape, &output.depends_on);
        }
        for (name, variable) in &module.variables {
            let from = Node { shape, what: What::Variable(name.clone()) };
            // A validation refers to its own variable.
            for condition in &variable.validations {
                for expression in [&condition.condition, &condition.error_message] {
                    for reference in references(expression) {
                        let own = reference.names().next().is_some_and(|n| n.text == *name);
                        if &*reference.root.text != "var" || !own {
                            self.need_reference(
                                &from,
                                shape,
                                &reference,
                                Need::value(reference.span),
                            );
                        }
                    }
                }
            }
        }
        for ((mode, kind, name), resource) in &module.resources {
            let what = What::Resource(*mode, kind.clone(), name.clone());
            self.need_resource(&Node { shape, what }, resource);
        }
        for (name, call) in &module.calls {
            self.need_call(shape, name, call);
        }
        self.need_own_call(shape);
    }

    fn need_resource(&mut self, from: &Node, resource: &Resource) {
        let shape = from.shape;
        self.need_repetition(from, &resource.repetition);
        self.need_body(from, shape, &resource.body);
        self.need_body(from, shape, &resource.timeouts);
        let lifecycle = &resource.lifecycle;
        self.need_conditions(from, shape, &lifecycle.preconditions);
        self.need_conditions(from, shape, &lifecycle.postconditions);
        for expression in lifecycle.replace_triggered_by.iter().chain(&lifecycle.prevent_destroy) {
            self.need(from, shape, expression);
        }
        self.need_explicitly(from, shape, &resource.depends_on);
    }

    fn need_call(&mut self, shape: usize, name: &Name, call: &ModuleCall) {
        let from = Node { shape, what: What::Call(name.clone()) };
        self.need_repetition(&from, &call.repetition);
        self.need_explicitly(&from, shape, &call.depends_on);
        let Some(&child) = self.list[shape].children.get(name) else { return };
        for (variable, (_, expression)) in &call.arguments {
            if call.module.variables.contains_key(variable) {
                let from = Node { shape: child, what: What::Variable(variable.clone()) };
                self.need(&from, shape, expression);
            }
        }
        let done = Node { shape, what: What::Done(name.clone()) };
        let resources: Vec<What> = call
            .module
            .resources
            .iter()
            .map(|((m, k, n), _)| What::Resource(*m, k.clone(), n.clone()))
            .chain(call.module.calls.keys().cloned().map(What::Done))
            .collect();
        for what in resources {
            self.edge(&done, &Node { shape: child, what }, Need::value(call.span));
        }
        self.edge(&done, &from, Need::repetition(call.span));
    }

    /// What is in a module needs the module's instances.
    fn need_own_call(&mut self, shape: usize) {
        let Some(parent) = self.list[shape].parent else { return };
        let Some(name) = self.list[shape].path.last().cloned() else { return };
        let Some(call) = self.list[parent].module.calls.get(&name) else { return };
        let (span, call) = (call.span, Node { shape: parent, what: What::Call(name) });
        let module = Arc::clone(&self.list[shape].module);
        let resources =
            module.resources.keys().map(|(m, k, n)| What::Resource(*m, k.clone(), n.clone()));
        let others = module.variables.keys().cloned().map(What::Variable);
        let outputs = module.outputs.keys().cloned().map(What::Output);
        let calls = module.calls.keys().cloned().map(What::Call);
        for what in resources.chain(others).chain(outputs).chain(calls) {
            self.edge(&Node { shape, what }, &call, Need::repetition(span));
        }
    }

    fn need_repetition(&mut self, from: &Node, repetition: &Repetition) {
        match repetition {
            Repetition::Single => {}
            Repetition::Count(expression) | Repetition::ForEach(expression) => {
                for reference in references(expression) {
                    let need = Need::repetition(reference.span);
                    self.need_reference(from, from.shape, &reference, need);
                }
            }
        }
    }

    fn need_body(&mut self, from: &Node, shape: usize, body: &Body) {
        for attribute in &body.attributes {
            self.need(from, shape, &attribute.value);
        }
        for block in &body.blocks {
            self.need_body(from, shape, &block.body);
        }
    }

    fn need_conditions(&mut self, from: &Node, shape: usize, conditions: &[Condition]) {
        for condition in conditions {
            self.need(from, shape, &condition.condition);
            self.need(from, shape, &condition.error_message);
        }
    }

    fn need_explicitly(&mut self, from: &Node, shape: usize, list: &[Expression]) {
        for expression in list {
            for reference in references(expression) {
                let to = match &*reference.root.text {
                    "module" => reference.names().next().map(|n| What::Done(n.text.clone())),
                    _ => resource_of(&reference),
                };
                if let Some(what) = to {
                    self.edge(from, &Node { shape, what }, Need::explicit(reference.span));
                }
            }
        }
    }

    /// Adds what an expression, evaluated in the module `shape`, refers to.
    fn need(&mut self, from: &Node, shape: usize, expression: &Expression) {
        for reference in references(expression) {
            self.need_reference(from, shape, &reference, Need::value(reference.span));
        }
    }

    fn need_reference(&mut self, from: &Node, shape: usize, reference: &Reference, need: Need) {
        for (to, repetition) in self.named(shape, reference) {
            self.edge(from, &to, Need { repetition: need.repetition || repetition, ..need });
        }
    }

    /// Returns what a reference in the module `shape` names, and whether it is needed only to know
    /// which instances there are. `module.name.output` names that output; the whole module all of
    /// them.
    pub(super) fn named(&self, shape: usize, reference: &Reference) -> Vec<(Node, bool)> {
        let name = reference.names().next().map(|n| n.text.clone());
        let what = match (&*reference.root.text, name) {
            ("var", Some(name)) => Some(What::Variable(name)),
            ("local", Some(name)) => Some(What::Local(name)),
            ("module", Some(name)) => {
                let outputs = self.outputs(shape, &name, reference).into_iter();
                let call = Node { shape, what: What::Call(name) };
                return outputs.map(|output| (output, false)).chain([(call, true)]).collect();
            }
            _ => resource_of(reference),
        };
        what.map(|what| (Node { shape, what }, false)).into_iter().collect()
    }

    fn outputs(&self, shape: usize, call: &Name, reference: &Reference) -> Vec<Node> {
        let Some(&child) = self.list[shape].children.get(call) else { return Vec::new() };
        let output = reference.steps.iter().skip(1).find_map(|step| match step {
            ReferenceStep::Attribute(output) => Some(output.text.clone()),
            _ => None,
        });
        let outputs: Vec<Name> = match output {
            Some(output) => vec![output],
            None => self.list[child].module.outputs.keys().cloned().collect(),
        };
        outputs.into_iter().map(|name| Node { shape: child, what: What::Output(name) }).collect()
    }

    fn edge(&mut self, from: &Node, to: &Node, need: Need) {
        if let (Some(a), Some(b)) = (self.index.get(from), self.index.get(to)) {
            self.graph.add_edge(*a, *b, need);
        }
    }

    /// Returns where a node stands in the graph.
    pub(super) fn at(&self, node: &Node) -> Option<NodeIndex> {
        self.index.get(node).copied()
    }

    /// Returns the node that stands there.
    pub(super) fn node(&self, at: NodeIndex) -> &Node {
        &self.graph[at]
    }

    /// Returns what a node needs directly.
    pub(super) fn needs_at(&self, at: NodeIndex) -> impl Iterator<Item = (NodeIndex, Need)> {
        self.graph.edges(at).map(|edge| (edge.target(), *edge.weight()))
    }

    /// Returns what a node needs directly.
    pub(super) fn needs(&self, node: &Node) -> impl Iterator<Item = (&Node, Need)> {
        self.index.get(node).into_iter().flat_map(|at| {
            self.graph.edges(*at).map(|edge| (&self.graph[edge.target()], *edge.weight()))
        })
    }

    /// Returns all nodes so that what is needed comes first; among those that are free to go, the
    /// order of [`Node`] decides. With cycles, what they hold back is left out.
    pub(super) fn sorted(&self) -> Vec<Node> {
        let mut waiting: BTreeMap<NodeIndex, usize> = BTreeMap::new();
        let mut ready: BTreeSet<(&Node, NodeIndex)> = BTreeSet::new();
        for at in self.graph.node_indices() {
            let count = self.graph.edges(at).count();
            if count == 0 {
                ready.insert((&self.graph[at], at));
            } else {
                waiting.insert(at, count);
            }
        }
        let mut sorted = Vec::with_capacity(self.graph.node_count());
        while let Some((node, at)) = ready.pop_first() {
            sorted.push(node.clone());
            for edge in self.graph.edges_directed(at, petgraph::Direction::Incoming) {
                let user = edge.source();
                if let Some(count) = waiting.get_mut(&user) {
                    *count -= 1;
                    if *count == 0 {
                        waiting.remove(&user);
                        ready.insert((&self.graph[user], user));
                    }
                }
            }
        }
        sorted
    }

    /// Reports every cycle as a path.
    pub(super) fn cycles(&self) -> Diagnostics {
        let mut diagnostics = Diagnostics::new();
        let mut parts: Vec<Vec<NodeIndex>> = tarjan_scc(&self.graph)
            .into_iter()
            .filter(|part| part.len() > 1 || self.graph.contains_edge(part[0], part[0]))
            .collect();
        for part in &mut parts {
            part.sort_by_key(|at| &self.graph[*at]);
        }
        parts.sort_by_key(|part| &self.graph[part[0]]);
        for part in parts {
            diagnostics.push(self.cycle(&part));
        }
        diagnostics
    }

    /// Describes the shortest cycle through the first node of a strongly connected part that can be
    /// shown: one that users can name.
    fn cycle(&self, part: &[NodeIndex]) -> Diagnostic {
        let named = |at: &NodeIndex| !matches!(self.graph[*at].what, What::Call(_) | What::Done(_));
        let start = part.iter().copied().find(named).unwrap_or(part[0]);
        let members: BTreeSet<NodeIndex> = part.iter().copied().collect();
        let path = self.shortest_cycle(start, &members);
        let mut names: Vec<String> =
            path.iter().map(|(at, _)| self.name(&self.graph[*at])).collect();
        names.dedup();
        names.push(self.name(&self.graph[start]));
        let mut diagnostic = Diagnostic::error(
            "dependency-cycle",
            if names.len() > 2 {
                format!("{} parts of the configuration need each other", names.len() - 1)
            } else {
                format!("`{}` needs itself", names[0])
            },
        )
        .detail(format!("The cycle is {}.", names.join(" → ")))
        .help("break it: give one of them a value that does not come from the others");
        for (i, (at, need)) in path.iter().enumerate() {
            let text = format!("needed by `{}`", self.name(&self.graph[*at]));
            diagnostic = if i == 0 {
                diagnostic.at_with(need.span, text)
            } else {
                diagnostic.see(need.span, text)
            };
        }
        diagnostic
    }

    /// Finds the shortest way from a node back to it.
    fn shortest_cycle(
        &self,
        start: NodeIndex,
        members: &BTreeSet<NodeIndex>,
    ) -> Vec<(NodeIndex, Need)> {
        let mut came: BTreeMap<NodeIndex, (NodeIndex, Need)> = BTreeMap::new();
        let mut queue = VecDeque::from([start]);
        while let Some(at) = queue.pop_front() {
            let mut edges: Vec<_> = self
                .graph
                .edges(at)
                .filter(|e| members.contains(&e.target()))
                .map(|e| (&self.graph[e.target()], e.target(), *e.weight()))
                .collect();
            edges.sort_by_key(|(node, _, need)| (*node, need.span));
            for (_, to, need) in edges {
                if came.contains_key(&to) {
                    continue;
                }
                came.insert(to, (at, need));
                if to == start {
                    return unwind(start, &came);
                }
                queue.push_back(to);
            }
        }
        Vec::new()
    }

    /// Writes a node as users name it.
    fn name(&self, node: &Node) -> String {
        let path: Vec<String> =
            self.list[node.shape].path.iter().map(|name| format!("module.{name}.")).collect();
        let path = path.concat();
        match &node.what {
            What::Variable(name) => format!("{path}var.{name}"),
            What::Local(name) => format!("{path}local.{name}"),
            What::Output(name) if path.is_empty() => format!("output.{name}"),
            What::Output(name) => format!("{path}{name}"),
            What::Call(name) | What::Done(name) => format!("{path}module.{name}"),
            What::Resource(Mode::Data, kind, name) => format!("{path}data.{kind}.{name}"),
            What::Resource(Mode::Managed, kind, name) => format!("{path}{kind}.{name}"),
        }
    }
}

/// Follows a search back from the start to itself.
fn unwind(
    start: NodeIndex,
    came: &BTreeMap<NodeIndex, (NodeIndex, Need)>,
) -> Vec<(NodeIndex, Need)> {
    let mut path = Vec::new();
    let mut at = start;
    while let Some((before, need)) = came.get(&at) {
        path.push((*before, *need));
        at = *before;
        if at == start {
            break;
        }
    }
    path.reverse();
    path
}

/// Returns the block that a reference names, if it names one.
fn resource_of(reference: &Reference) -> Option<What> {
    let mut names = reference.names();
    match &*reference.root.text {
        "var" | "local" | "module" | "each" | "count" | "self" | "path" => None,
        "data" => {
            let kind = names.next()?.text.clone();
            Some(What::Resource(Mode::Data, kind, names.next()?.text.clone()))
        }
        _ => {
            let name = names.next()?.text.clone();
            Some(What::Resource(Mode::Managed, reference.root.text.clone(), name))
        }
    }
}
