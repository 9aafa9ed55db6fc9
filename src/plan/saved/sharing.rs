//! Lets the parts of a plan that was read share what is equal, as those of a plan that was made do.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::plan::{Change, Operation};
use crate::resources::{Object, Wanted};
use crate::value::{Name, Value};

/// What was read so far, each text once.
#[derive(Debug, Default)]
pub(super) struct Sharing {
    texts: BTreeSet<Name>,
}

impl Sharing {
    /// Shares what a change has in common with the one before it, and the names of its attributes.
    pub(super) fn change(&mut self, change: &mut Change, last: Option<&Change>) {
        self.object(change.before.as_mut());
        self.object(change.after.as_mut());
        if let (Some(before), Some(after)) = (&change.before, &mut change.after) {
            same(after, before);
        }
        self.text(&mut change.provider);
        self.text(&mut change.region);
        if let Some(location) = &mut change.location {
            self.text(location);
        }
        let Some(last) = last else { return };
        same(&mut change.address.resource, &last.address.resource);
        same(&mut change.service, &last.service);
        same(&mut change.dependencies, &last.dependencies);
        same(&mut change.timeouts, &last.timeouts);
    }

    /// Shares what an operation has in common with its change and with other operations.
    pub(super) fn operation(&mut self, operation: &mut Operation, changes: &[Change]) {
        let Some(change) = changes.get(operation.change) else { return };
        same(&mut operation.address, &change.address);
        for parameter in &mut operation.parameters {
            self.text(&mut parameter.name);
            self.text(&mut parameter.attribute);
            let objects = [&change.after, &change.before];
            let values = objects.into_iter().flatten().filter_map(|o| o.get(&parameter.attribute));
            for value in values.filter(|value| value.as_str().is_some() || value.is_unknown()) {
                same(&mut parameter.value, value);
            }
        }
        for name in [&mut operation.lane.gateway, &mut operation.lane.scope].into_iter().flatten() {
            self.text(name);
        }
        self.list(&mut operation.makes);
        match &mut operation.wanted {
            Wanted::Present { values, .. } => self.object(Some(values)),
            Wanted::Gone { .. } | Wanted::Answered => {}
        }
    }

    fn text(&mut self, text: &mut Name) {
        match self.texts.get(text) {
            Some(known) => *text = Arc::clone(known),
            None => {
                self.texts.insert(Arc::clone(text));
            }
        }
    }

    fn list(&mut self, list: &mut Arc<[Name]>) {
        let mut names: Vec<Name> = list.to_vec();
        for name in &mut names {
            self.text(name);
        }
        *list = names.into();
    }

    fn object(&mut self, object: Option<&mut Object>) {
        let Some(object) = object else { return };
        if object.is_empty() {
            *object = Object::default();
            return;
        }
        let attributes = object.iter().map(|(name, value)| {
            let mut name = Arc::clone(name);
            self.text(&mut name);
            (name, Value::clone(value))
        });
        *object = attributes.collect();
    }
}

/// Takes what is known in place of its equal.
fn same<T: Clone + PartialEq>(found: &mut T, known: &T) {
    if found == known {
        found.clone_from(known);
    }
}
