//! Named values in the order of their names: what maps, objects and the attributes of an instance are
//! made of.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use super::{Name, Value};

/// So many entries are gone through one by one.
const FEW: usize = 16;

/// Values by name, sorted and without room to spare: most are small, and there are many of them.
/// Adding one value moves those behind it; large ones are collected.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entries(Vec<(Name, Value)>);

impl Entries {
    /// Returns no entries.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Returns where a name is, or where it would be.
    fn find(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| (**known).cmp(name))
    }

    /// Returns where a name is. Most of a few names differ in length already, and going through them in
    /// turn is faster than jumping about in memory.
    fn position(&self, name: &str) -> Option<usize> {
        if self.0.len() > FEW {
            return self.find(name).ok();
        }
        self.0.iter().position(|(known, _)| **known == *name)
    }

    /// Returns a value by its name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.position(name).map(|at| &self.0[at].1)
    }

    /// Returns an entry by its name.
    pub fn get_key_value(&self, name: &str) -> Option<(&Name, &Value)> {
        self.position(name).map(|at| (&self.0[at].0, &self.0[at].1))
    }

    /// Returns whether there is a value of a name.
    pub fn contains_key(&self, name: &str) -> bool {
        self.position(name).is_some()
    }

    /// Returns a value by its name, to be changed.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        self.position(name).map(|at| &mut self.0[at].1)
    }

    /// Sets a value and returns the one that it takes the place of.
    pub fn insert(&mut self, name: Name, value: Value) -> Option<Value> {
        match self.find(&name) {
            Ok(at) => Some(std::mem::replace(&mut self.0[at].1, value)),
            Err(at) => {
                self.0.reserve_exact(1);
                self.0.insert(at, (name, value));
                None
            }
        }
    }

    /// Takes a value out.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        self.position(name).map(|at| self.0.remove(at).1)
    }

    /// Returns how many there are.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Iterates over the entries by name.
    pub fn iter(
        &self,
    ) -> impl DoubleEndedIterator<Item = (&Name, &Value)> + ExactSizeIterator + Clone {
        self.into_iter()
    }

    /// Iterates over the names.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &Name> + ExactSizeIterator + Clone {
        self.0.iter().map(|(name, _)| name)
    }

    /// Iterates over the values in the order of their names.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &Value> + ExactSizeIterator + Clone {
        self.0.iter().map(|(_, value)| value)
    }
}

/// Iterates over entries by name.
type Iter<'e> = std::iter::Map<
    std::slice::Iter<'e, (Name, Value)>,
    fn(&'e (Name, Value)) -> (&'e Name, &'e Value),
>;

impl<'e> IntoIterator for &'e Entries {
    type Item = (&'e Name, &'e Value);
    type IntoIter = Iter<'e>;

    fn into_iter(self) -> Iter<'e> {
        self.0.iter().map(|(name, value)| (name, value))
    }
}

impl IntoIterator for Entries {
    type Item = (Name, Value);
    type IntoIter = std::vec::IntoIter<(Name, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl FromIterator<(Name, Value)> for Entries {
    /// Of several values of one name the last counts.
    fn from_iter<I: IntoIterator<Item = (Name, Value)>>(entries: I) -> Self {
        let mut all: Vec<(Name, Value)> = entries.into_iter().collect();
        if !all.is_sorted_by(|(a, _), (b, _)| a < b) {
            all.sort_by(|(a, _), (b, _)| a.cmp(b));
            all.dedup_by(|later, kept| {
                let same = later.0 == kept.0;
                if same {
                    std::mem::swap(later, kept);
                }
                same
            });
        }
        all.shrink_to_fit();
        Self(all)
    }
}

impl From<BTreeMap<Name, Value>> for Entries {
    fn from(entries: BTreeMap<Name, Value>) -> Self {
        Self(entries.into_iter().collect())
    }
}

impl<const N: usize> From<[(Name, Value); N]> for Entries {
    fn from(entries: [(Name, Value); N]) -> Self {
        entries.into_iter().collect()
    }
}

impl Serialize for Entries {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self)
    }
}

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("values by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry::<Name, Value>()? {
            entries.push(entry);
        }
        Ok(entries.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Act {
        Insert(String, i64),
        Remove(String),
    }

    fn act() -> impl Strategy<Value = Act> {
        prop_oneof![
            ("[a-c]{1,2}", 0..9_i64).prop_map(|(name, value)| Act::Insert(name, value)),
            "[a-c]{1,2}".prop_map(Act::Remove),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn entries_are_as_a_map_has_them(
            first in prop::collection::vec(("[a-c]{1,3}", 0..9_i64), 0..40),
            acts in prop::collection::vec(act(), 0..12),
        ) {
            let pairs = first.iter().map(|(n, v)| (Name::from(n.as_str()), Value::from(*v)));
            let mut map: BTreeMap<Name, Value> = pairs.clone().collect();
            let mut entries: Entries = pairs.collect();
            for act in acts {
                match act {
                    Act::Insert(name, value) => {
                        let name = Name::from(name);
                        let before = map.insert(name.clone(), Value::from(value));
                        prop_assert_eq!(entries.insert(name, Value::from(value)), before);
                    }
                    Act::Remove(name) => {
                        prop_assert_eq!(entries.remove(&name), map.remove(&*name));
                    }
                }
            }
            prop_assert!(entries.iter().eq(map.iter()));
            prop_assert_eq!(entries.get("a"), map.get("a"));
            prop_assert_eq!(entries.contains_key("bb"), map.contains_key("bb"));
            prop_assert_eq!(&Entries::from(map.clone()), &entries);
            let text = serde_json::to_string(&entries).unwrap();
            prop_assert_eq!(&text, &serde_json::to_string(&map).unwrap());
            prop_assert_eq!(serde_json::from_str::<Entries>(&text).unwrap(), entries);
        }
    }
}
