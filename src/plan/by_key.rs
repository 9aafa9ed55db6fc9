//! What is kept of the instances of a block, by their keys.

use std::collections::BTreeMap;

use crate::address::Key;

/// Values by the keys of instances. Of a block without repetition it takes no more room than its one
/// value: a configuration may have very many such blocks.
#[derive(Debug, Clone)]
pub(crate) struct ByKey<T> {
    single: Option<T>,
    repeated: BTreeMap<Key, T>,
}

impl<T> Default for ByKey<T> {
    fn default() -> Self {
        Self { single: None, repeated: BTreeMap::new() }
    }
}

impl<T> ByKey<T> {
    pub(crate) fn get(&self, key: Option<&Key>) -> Option<&T> {
        match key {
            Some(key) => self.repeated.get(key),
            None => self.single.as_ref(),
        }
    }

    pub(crate) fn insert(&mut self, key: Option<Key>, value: T) {
        match key {
            Some(key) => {
                self.repeated.insert(key, value);
            }
            None => self.single = Some(value),
        }
    }

    pub(crate) fn remove(&mut self, key: Option<&Key>) {
        match key {
            Some(key) => {
                self.repeated.remove(key);
            }
            None => self.single = None,
        }
    }

    /// Iterates over the values in the order of their keys.
    pub(crate) fn values(&self) -> impl Iterator<Item = &T> {
        self.single.iter().chain(self.repeated.values())
    }
}
