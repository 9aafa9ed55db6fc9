//! A recorded object as its row holds it, and the way back to what the row held before.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

/// The columns of an instance, but for its key.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Record {
    pub(super) object_id: String,
    pub(super) status: String,
    /// Attributes by name, in the codec's form.
    pub(super) object: Map<String, Json>,
    pub(super) dependencies: i64,
    pub(super) place: i64,
    pub(super) schema_version: u32,
    pub(super) create_first: bool,
    pub(super) keep: bool,
}

/// What turns a record into the one before it: the columns and attributes that had another value.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Undo {
    #[serde(skip_serializing_if = "Option::is_none")]
    object_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dependencies: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema_version: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    create_first: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keep: Option<bool>,
    /// Attributes with the values that they had.
    #[serde(skip_serializing_if = "Map::is_empty")]
    set: Map<String, Json>,
    /// Attributes that were not there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unset: Vec<String>,
}

/// Returns `old` where it differs from `new`.
fn other<T: Clone + PartialEq>(new: &T, old: &T) -> Option<T> {
    (new != old).then(|| old.clone())
}

impl Undo {
    /// Returns what leads from `new` back to `old`.
    pub(super) fn between(new: &Record, old: &Record) -> Self {
        Self {
            object_id: other(&new.object_id, &old.object_id),
            status: other(&new.status, &old.status),
            dependencies: other(&new.dependencies, &old.dependencies),
            place: other(&new.place, &old.place),
            schema_version: other(&new.schema_version, &old.schema_version),
            create_first: other(&new.create_first, &old.create_first),
            keep: other(&new.keep, &old.keep),
            set: old
                .object
                .iter()
                .filter(|(name, value)| new.object.get(*name) != Some(value))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            unset: new.object.keys().filter(|n| !old.object.contains_key(*n)).cloned().collect(),
        }
    }

    /// Returns what makes `old` out of nothing.
    pub(super) fn whole(old: &Record) -> Self {
        Self {
            object_id: Some(old.object_id.clone()),
            status: Some(old.status.clone()),
            dependencies: Some(old.dependencies),
            place: Some(old.place),
            schema_version: Some(old.schema_version),
            create_first: Some(old.create_first),
            keep: Some(old.keep),
            set: old.object.clone(),
            unset: Vec::new(),
        }
    }

    /// Returns the names of what differed: attributes, and what is recorded beside them.
    pub(super) fn names(&self) -> Vec<String> {
        let columns = [
            ("id", self.object_id.is_some()),
            ("status", self.status.is_some()),
            ("dependencies", self.dependencies.is_some()),
            ("service", self.place.is_some()),
            ("schema_version", self.schema_version.is_some()),
            ("create_before_destroy", self.create_first.is_some()),
            ("prevent_destroy", self.keep.is_some()),
        ];
        let columns = columns.into_iter().filter(|(_, differs)| *differs);
        let mut names: Vec<String> = self.set.keys().chain(&self.unset).cloned().collect();
        names.extend(columns.map(|(name, _)| name.to_owned()));
        names.sort();
        names.dedup();
        names
    }

    /// Returns whether nothing differed.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Goes back.
    pub(super) fn apply(self, record: &mut Record) {
        fn put<T>(column: &mut T, old: Option<T>) {
            if let Some(old) = old {
                *column = old;
            }
        }
        put(&mut record.object_id, self.object_id);
        put(&mut record.status, self.status);
        put(&mut record.dependencies, self.dependencies);
        put(&mut record.place, self.place);
        put(&mut record.schema_version, self.schema_version);
        put(&mut record.create_first, self.create_first);
        put(&mut record.keep, self.keep);
        for name in self.unset {
            record.object.shift_remove(&name);
        }
        record.object.extend(self.set);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn record(status: &str, object: &Json) -> Record {
        Record {
            status: status.into(),
            object: object.as_object().unwrap().clone(),
            ..Record::default()
        }
    }

    #[test]
    fn undo_leads_back() {
        let old = record("creating", &json!({"a": 1, "b": 2}));
        let new = record("ready", &json!({"b": 3, "c": 4}));
        let undo = Undo::between(&new, &old);
        let text = serde_json::to_string(&undo).unwrap();
        assert_eq!(text, r#"{"status":"creating","set":{"a":1,"b":2},"unset":["c"]}"#);
        let mut back = new.clone();
        serde_json::from_str::<Undo>(&text).unwrap().apply(&mut back);
        assert_eq!(back, old);
        let mut again = Record::default();
        Undo::whole(&old).apply(&mut again);
        assert_eq!(again, old);
        assert!(Undo::between(&old, &old).is_empty());
    }
}
