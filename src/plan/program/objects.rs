//! What expressions see of objects, and the unknown values that stand for what is not there yet.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::super::by_key::ByKey;
use crate::address::{Address, ModulePath, ModuleStep, ResourceAddress};
use crate::resources::{Attribute, Object, Schema};
use crate::value::{Type, Value};

/// The objects that expressions may refer to: planned ones while planning, live ones while applying.
pub trait Objects {
    /// Returns the object of an instance, or none if it does not exist (yet): then what refers to
    /// it is unknown.
    fn object(&self, address: &Address) -> Option<Object>;

    /// Returns a number that changes whenever an object of the resource changes and that no other
    /// implementor or resource has: draw it from [`stamp`]. What was evaluated is kept as long as
    /// the stamps of the resources that it refers to stay the same.
    fn stamp(&self, resource: &ResourceAddress) -> u64;

    /// The same for a block in all instances of its modules; the keys of its modules play no part.
    fn block_stamp(&self, resource: &ResourceAddress) -> u64;
}

/// Returns the address of a block without the keys of its modules.
pub(super) fn without_keys(resource: &ResourceAddress) -> ResourceAddress {
    let steps = resource.module.0.iter();
    let steps = steps.map(|step| ModuleStep { name: Arc::clone(&step.name), key: None });
    ResourceAddress { module: ModulePath(steps.collect()), ..resource.clone() }
}

/// Draws a number that was never drawn before in this process.
pub fn stamp() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Objects in a map. Setting one is what makes a new stamp.
#[derive(Debug, Clone)]
pub struct ObjectMap {
    empty: u64,
    resources: BTreeMap<ResourceAddress, (u64, ByKey<Object>)>,
    /// Stamps of blocks of modules, by their addresses without keys.
    blocks: BTreeMap<ResourceAddress, u64>,
}

impl Default for ObjectMap {
    fn default() -> Self {
        Self { empty: stamp(), resources: BTreeMap::new(), blocks: BTreeMap::new() }
    }
}

impl ObjectMap {
    /// Creates an empty map.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the object of an instance.
    pub fn set(&mut self, address: &Address, object: Object) {
        let (at, objects) = match self.resources.get_mut(&address.resource) {
            Some(entry) => entry,
            None => self.resources.entry(address.resource.clone()).or_default(),
        };
        *at = stamp();
        objects.insert(address.key.clone(), object);
        self.touch(&address.resource);
    }

    /// Makes a new stamp for a block of a module.
    fn touch(&mut self, resource: &ResourceAddress) {
        if !resource.module.is_root() {
            self.blocks.insert(without_keys(resource), stamp());
        }
    }

    /// Removes the object of an instance.
    pub fn remove(&mut self, address: &Address) {
        if let Some((at, objects)) = self.resources.get_mut(&address.resource) {
            *at = stamp();
            objects.remove(address.key.as_ref());
            self.touch(&address.resource);
        }
    }

    /// Returns the object of an instance.
    pub fn get(&self, address: &Address) -> Option<&Object> {
        self.resources.get(&address.resource)?.1.get(address.key.as_ref())
    }
}

impl Objects for ObjectMap {
    fn object(&self, address: &Address) -> Option<Object> {
        self.get(address).cloned()
    }

    fn stamp(&self, resource: &ResourceAddress) -> u64 {
        self.resources.get(resource).map_or(self.empty, |(at, _)| *at)
    }

    fn block_stamp(&self, resource: &ResourceAddress) -> u64 {
        if resource.module.is_root() {
            return self.stamp(resource);
        }
        self.blocks.get(&without_keys(resource)).copied().unwrap_or(self.empty)
    }
}

/// Returns the value of an attribute that only apply will know.
pub fn unknown_attribute(address: &Address, attribute: &Attribute) -> Value {
    let value = Value::unknown_from(attribute.kind.ty(), format!("{address}.{}", attribute.name));
    // Every object has an id.
    if attribute.name == "id" { value.never_null() } else { value }
}

/// Returns the value of the nested blocks of a name that only apply will know.
pub(super) fn unknown_blocks(
    address: &Address,
    name: &str,
    attributes: &'static [Attribute],
) -> Value {
    Value::unknown_from(blocks_type(attributes), format!("{address}.{name}"))
}

/// Returns an object of which nothing is known.
pub fn unknown_object(address: &Address, schema: &Schema) -> Object {
    let attributes =
        schema.attributes.iter().map(|a| (a.name.into(), unknown_attribute(address, a)));
    let blocks = schema
        .blocks
        .iter()
        .map(|(name, attributes, _)| ((*name).into(), unknown_blocks(address, name, attributes)));
    attributes.chain(blocks).collect()
}

/// Returns the type of the value that stands for nested blocks: a list of objects.
pub(super) fn blocks_type(attributes: &'static [Attribute]) -> Type {
    crate::resources::schema::Kind::Objects(attributes).ty()
}

/// Returns the object as expressions see it: with every attribute that its type has.
pub(super) fn complete(object: &Object, schema: &Schema) -> Value {
    let names = schema.attributes.iter().map(|a| a.name);
    let names = names.chain(schema.blocks.iter().map(|(name, _, _)| *name));
    let missing: Vec<&str> = names.filter(|name| object.get(name).is_none()).collect();
    if missing.is_empty() {
        return object.to_value();
    }
    let mut complete = object.clone();
    for name in missing {
        complete.set(name, Value::null());
    }
    complete.to_value()
}

/// Objects of which nothing is known, for what is evaluated before anything is planned.
#[derive(Debug)]
pub(super) struct Nothing {
    stamp: u64,
}

impl Nothing {
    pub(super) fn new() -> Self {
        Self { stamp: stamp() }
    }
}

impl Objects for Nothing {
    fn object(&self, _: &Address) -> Option<Object> {
        None
    }

    fn stamp(&self, _: &ResourceAddress) -> u64 {
        self.stamp
    }

    fn block_stamp(&self, _: &ResourceAddress) -> u64 {
        self.stamp
    }
}
