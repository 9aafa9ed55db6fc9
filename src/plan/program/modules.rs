//! The instances of modules.

use std::collections::BTreeMap;

use super::shape::Shapes;
use crate::address::{Key, ModulePath};
use crate::configuration::Module;
use crate::value::Name;

/// A module instance.
#[derive(Debug)]
pub(super) struct ModuleInstance {
    /// Its place in the tree of calls.
    pub(super) shape: usize,
    /// Its path with keys.
    pub(super) path: ModulePath,
    /// The instance that calls it.
    pub(super) parent: Option<usize>,
    /// Instances of the modules that it calls; a call whose repetition is mistaken has none.
    pub(super) children: BTreeMap<Name, BTreeMap<Option<Key>, usize>>,
}

/// All module instances; the first one is the root.
#[derive(Debug)]
pub(super) struct Modules {
    pub(super) list: Vec<ModuleInstance>,
    index: BTreeMap<ModulePath, usize>,
    /// Instances by their place in the tree of calls.
    by_shape: BTreeMap<usize, Vec<usize>>,
}

impl Modules {
    /// Creates the root alone.
    pub(super) fn new() -> Self {
        let mut modules =
            Self { list: Vec::new(), index: BTreeMap::new(), by_shape: BTreeMap::new() };
        modules.add(0, ModulePath::root(), None);
        modules
    }

    fn add(&mut self, shape: usize, path: ModulePath, parent: Option<usize>) -> usize {
        let at = self.list.len();
        self.index.insert(path.clone(), at);
        self.by_shape.entry(shape).or_default().push(at);
        self.list.push(ModuleInstance { shape, path, parent, children: BTreeMap::new() });
        at
    }

    /// Adds an instance of a called module.
    pub(super) fn add_child(&mut self, parent: usize, shape: usize, name: &Name, key: Option<Key>) {
        let path = self.list[parent].path.child(name.clone(), key.clone());
        let child = self.add(shape, path, Some(parent));
        self.list[parent].children.entry(name.clone()).or_default().insert(key, child);
    }

    /// Notes that a call has been expanded, also if to nothing.
    pub(super) fn expanded(&mut self, parent: usize, name: &Name) {
        self.list[parent].children.entry(name.clone()).or_default();
    }

    /// Returns the instance of a path.
    pub(super) fn find(&self, path: &ModulePath) -> Option<usize> {
        self.index.get(path).copied()
    }

    /// Returns the instances of a place in the tree of calls, in the order of their paths.
    pub(super) fn of_shape(&self, shape: usize) -> &[usize] {
        self.by_shape.get(&shape).map_or(&[], Vec::as_slice)
    }

    /// Returns the instances of `shape` that an instance `from` of another place may mean: those
    /// that share the keys of the path that both have in common.
    pub(super) fn seen_from(&self, from: usize, shape: usize, shapes: &Shapes) -> Vec<usize> {
        self.few_seen_from(from, shape, shapes, usize::MAX).unwrap_or_default()
    }

    /// The same, or nothing where there are more than `limit`.
    pub(super) fn few_seen_from(
        &self,
        from: usize,
        shape: usize,
        shapes: &Shapes,
        limit: usize,
    ) -> Option<Vec<usize>> {
        let (at, way) = self.common(from, shape, shapes);
        let mut found = vec![at];
        for name in way {
            let children: Vec<_> =
                found.iter().filter_map(|at| self.list[*at].children.get(name)).collect();
            if children.iter().map(|c| c.len()).sum::<usize>() > limit {
                return None;
            }
            found = children.into_iter().flat_map(|c| c.values().copied()).collect();
        }
        Some(found)
    }

    /// Returns the path of all instances of a module that another one sees, without the keys that it
    /// does not share with them.
    pub(super) fn path_seen_from(&self, from: usize, shape: usize, shapes: &Shapes) -> ModulePath {
        let (at, way) = self.common(from, shape, shapes);
        way.iter().fold(self.list[at].path.clone(), |path, name| path.child(name.clone(), None))
    }

    /// Returns the innermost module that holds both, and the names on the way down from it.
    fn common<'s>(&self, from: usize, shape: usize, shapes: &'s Shapes) -> (usize, &'s [Name]) {
        let here = &shapes.list[self.list[from].shape].path;
        let there = &shapes.list[shape].path;
        let common = here.iter().zip(there).take_while(|(a, b)| a == b).count();
        let mut at = from;
        for _ in common..here.len() {
            at = self.list[at].parent.unwrap_or(0);
        }
        (at, &there[common..])
    }
}

/// Returns the module at a path; keys play no part.
pub(super) fn module_at<'m>(root: &'m Module, path: &ModulePath) -> Option<&'m Module> {
    path.0.iter().try_fold(root, |module, step| Some(&*module.calls.get(&step.name)?.module))
}
