//! Objects as far as configuration alone tells what they will be, for the repetition of modules, which
//! is evaluated before anything is read.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use super::session::{Caches, Session};
use super::{Inner, Objects, instance, unknown_object};
use crate::address::{Address, Mode, ResourceAddress};
use crate::resources::{self, Object};

/// Most objects whose arguments come from each other that are looked through.
const MAX_DEPTH: usize = 30;

/// What was foreseen before.
pub(super) type Known = RefCell<BTreeMap<Address, Option<Object>>>;

/// Objects with their configured arguments; all else of them is unknown.
pub(super) struct Foreseen<'a> {
    pub(super) inner: &'a Inner,
    pub(super) caches: &'a Caches,
    pub(super) known: &'a Known,
    /// The same for all that share caches.
    pub(super) stamp: u64,
    depth: Cell<usize>,
}

impl<'a> Foreseen<'a> {
    pub(super) fn new(
        inner: &'a Inner,
        caches: &'a Caches,
        known: &'a Known,
        stamp: u64,
    ) -> Foreseen<'a> {
        Self { inner, caches, known, stamp, depth: Cell::new(0) }
    }

    /// Evaluates an instance's arguments. What is wrong with them is told when it is planned.
    fn make(&self, address: &Address) -> Option<Object> {
        let session = Session::new(self.inner, self, self.caches);
        let (module, block) = session.find(&address.resource)?;
        let lifecycle = &block.lifecycle;
        if block.mode != Mode::Managed || lifecycle.ignore_all {
            return None;
        }
        let mut configured = instance::configured(&session, module, block, address).object;
        if let Some(ty) = resources::lookup(&block.kind.text) {
            ty.normalise(&mut configured);
        }
        let mut object = unknown_object(address, block.schema);
        for attribute in &block.body.attributes {
            let name = &*attribute.name.text;
            let ignored = lifecycle.ignore_changes.iter().any(|ignored| &*ignored.text == name);
            if let Some(value) = configured.get(name).filter(|_| !ignored) {
                object.set(name, value.clone());
            }
        }
        Some(object)
    }
}

impl Objects for Foreseen<'_> {
    fn object(&self, address: &Address) -> Option<Object> {
        if let Some(known) = self.known.borrow().get(address) {
            return known.clone();
        }
        if self.depth.get() >= MAX_DEPTH {
            return None;
        }
        self.depth.set(self.depth.get() + 1);
        let object = self.make(address);
        self.depth.set(self.depth.get() - 1);
        self.known.borrow_mut().insert(address.clone(), object.clone());
        object
    }

    fn stamp(&self, _: &ResourceAddress) -> u64 {
        self.stamp
    }

    fn block_stamp(&self, _: &ResourceAddress) -> u64 {
        self.stamp
    }
}
