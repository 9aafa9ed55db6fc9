//! Marks and unknowns anywhere inside a value.

use std::sync::Arc;

use super::{Data, Entries, Value};

impl Value {
    /// Returns whether it or any part of it is marked.
    pub fn deep_sensitive(&self) -> bool {
        self.any(&|value| value.is_sensitive())
    }

    /// Returns whether it or any part of it is unknown.
    pub fn deep_unknown(&self) -> bool {
        self.any(&|value| value.is_unknown())
    }

    /// Returns whether neither it nor any part of it is unknown.
    pub fn is_wholly_known(&self) -> bool {
        !self.deep_unknown()
    }

    fn any(&self, test: &dyn Fn(&Self) -> bool) -> bool {
        if test(self) {
            return true;
        }
        match self.data() {
            Data::List(_, elements) | Data::Set(_, elements) | Data::Tuple(elements) => {
                elements.iter().any(|element| element.any(test))
            }
            Data::Map(_, entries) | Data::Object(entries) => {
                entries.values().any(|entry| entry.any(test))
            }
            _ => false,
        }
    }

    /// Returns it without any mark, on the whole or inside.
    #[must_use]
    pub fn unmark_deep(&self) -> Self {
        if self.deep_sensitive() {
            self.rebuilt(&|part| Some(part.clone().with_sensitive(false)))
        } else {
            self.clone()
        }
    }

    /// Returns it with unknown parts replaced by null.
    #[must_use]
    pub fn unknown_as_null(&self) -> Self {
        if self.is_wholly_known() {
            return self.clone();
        }
        self.rebuilt(&|part| {
            let null = || Self::null().with_sensitive(part.is_sensitive());
            Some(if part.is_unknown() { null() } else { part.clone() })
        })
    }

    /// Rebuilds it from the inside out: `change` sees each part after its own parts were changed,
    /// and drops it by returning none (only elements of collections and attributes can go; the whole
    /// becomes null).
    #[must_use]
    pub fn rebuilt(&self, change: &dyn Fn(&Self) -> Option<Self>) -> Self {
        self.rebuild(change).unwrap_or_else(Self::null)
    }

    fn rebuild(&self, change: &dyn Fn(&Self) -> Option<Self>) -> Option<Self> {
        let elements = |elements: &[Self]| -> Vec<Self> {
            elements.iter().filter_map(|element| element.rebuild(change)).collect()
        };
        let entries = |entries: &Entries| -> Entries {
            entries
                .iter()
                .filter_map(|(name, entry)| Some((Arc::clone(name), entry.rebuild(change)?)))
                .collect()
        };
        let rebuilt = match self.data() {
            Data::List(element, e) => {
                Self::new(Data::List(Arc::clone(element), elements(e).into()))
            }
            Data::Set(element, e) => Self::set((**element).clone(), elements(e)),
            Data::Tuple(e) => Self::tuple(elements(e)),
            Data::Map(element, e) => {
                Self::new(Data::Map(Arc::clone(element), Arc::new(entries(e))))
            }
            Data::Object(e) => Self::object(entries(e)),
            _ => return change(self),
        };
        let marked = self.is_sensitive() || rebuilt.is_sensitive();
        change(&rebuilt.with_sensitive(marked))
    }
}
