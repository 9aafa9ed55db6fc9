//! Paths to parts of values, and walking over all parts with their paths.

use std::fmt;
use std::sync::Arc;

use super::types::is_identifier;
use super::{Data, Name, Value};

/// One step into a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// An attribute of an object.
    Attribute(Name),
    /// An element of a list, tuple or set (of a set: its place in order).
    Index(usize),
    /// An element of a map.
    Key(Name),
}

/// Where a part of a value is: `ports[0].name`, `tags["a b"]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(pub Vec<Step>);

impl Path {
    /// Returns the path of the whole value.
    pub const fn root() -> Self {
        Self(Vec::new())
    }

    /// Returns whether it is that of the whole value.
    pub const fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the path with one step more.
    #[must_use]
    pub fn join(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// Returns whether `other` is this path or lies below it.
    pub fn covers(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.0.iter().enumerate() {
            match step {
                Step::Attribute(name) if is_identifier(name) => {
                    f.write_str(if i == 0 { "" } else { "." })?;
                    f.write_str(name)?;
                }
                Step::Attribute(name) | Step::Key(name) => {
                    write!(f, "[{}]", super::display::quoted(name))?;
                }
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

impl Value {
    /// Returns the direct parts of it with the steps to them.
    pub fn children(&self) -> Vec<(Step, &Self)> {
        match self.data() {
            Data::List(_, elements) | Data::Set(_, elements) | Data::Tuple(elements) => {
                elements.iter().enumerate().map(|(i, e)| (Step::Index(i), e)).collect()
            }
            Data::Map(_, entries) => {
                entries.iter().map(|(k, v)| (Step::Key(Arc::clone(k)), v)).collect()
            }
            Data::Object(attributes) => {
                attributes.iter().map(|(k, v)| (Step::Attribute(Arc::clone(k)), v)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Visits the value and, where `visit` says so, its parts, from the outside inwards and in
    /// order.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&Path, &'a Self) -> bool) {
        fn go<'a>(
            value: &'a Value,
            path: &mut Path,
            visit: &mut dyn FnMut(&Path, &'a Value) -> bool,
        ) {
            if visit(path, value) {
                for (step, child) in value.children() {
                    path.0.push(step);
                    go(child, path, visit);
                    path.0.pop();
                }
            }
        }
        go(self, &mut Path::root(), visit);
    }

    /// Returns the part at `path`, if it is there and known.
    pub fn at(&self, path: &Path) -> Option<&Self> {
        path.0.iter().try_fold(self, |value, step| match step {
            Step::Attribute(name) | Step::Key(name) => value.get(name),
            Step::Index(index) => value.as_elements()?.get(*index),
        })
    }

    /// Returns the paths of the marked parts; below a marked part no further ones.
    pub fn sensitive_paths(&self) -> Vec<Path> {
        let mut paths = Vec::new();
        self.walk(&mut |path, value| {
            if value.is_sensitive() {
                paths.push(path.clone());
            }
            !value.is_sensitive()
        });
        paths
    }

    /// Returns the paths of the unknown parts.
    pub fn unknown_paths(&self) -> Vec<Path> {
        let mut paths = Vec::new();
        self.walk(&mut |path, value| {
            if value.is_unknown() {
                paths.push(path.clone());
            }
            true
        });
        paths
    }

    /// Returns it with the parts at `paths` marked; paths that lead nowhere are passed over.
    #[must_use]
    pub fn with_sensitive_paths(&self, paths: &[Path]) -> Self {
        paths.iter().fold(self.clone(), |value, path| {
            value.replaced_at(&path.0, &|part| part.clone().with_sensitive(true))
        })
    }

    /// Returns it with the part at `steps` replaced by what `change` makes of it. A set is put in
    /// order again. The value comes back as it was where the steps lead nowhere.
    #[must_use]
    pub fn replaced_at(&self, steps: &[Step], change: &dyn Fn(&Self) -> Self) -> Self {
        let Some((step, rest)) = steps.split_first() else { return change(self) };
        let sensitive = self.is_sensitive();
        let replaced = match (self.data(), step) {
            (Data::List(element, elements), Step::Index(i)) if *i < elements.len() => {
                let mut elements = elements.to_vec();
                elements[*i] = elements[*i].replaced_at(rest, change);
                Self::new(Data::List(Arc::clone(element), elements.into()))
            }
            (Data::Tuple(elements), Step::Index(i)) if *i < elements.len() => {
                let mut elements = elements.to_vec();
                elements[*i] = elements[*i].replaced_at(rest, change);
                Self::tuple(elements)
            }
            (Data::Set(element, elements), Step::Index(i)) if *i < elements.len() => {
                let mut elements = elements.to_vec();
                elements[*i] = elements[*i].replaced_at(rest, change);
                Self::set((**element).clone(), elements)
            }
            (Data::Map(element, entries), Step::Key(name) | Step::Attribute(name))
                if entries.contains_key(name) =>
            {
                let mut entries = (**entries).clone();
                if let Some(entry) = entries.get_mut(name) {
                    *entry = entry.replaced_at(rest, change);
                }
                Self::new(Data::Map(Arc::clone(element), Arc::new(entries)))
            }
            (Data::Object(entries), Step::Key(name) | Step::Attribute(name))
                if entries.contains_key(name) =>
            {
                let mut entries = (**entries).clone();
                if let Some(entry) = entries.get_mut(name) {
                    *entry = entry.replaced_at(rest, change);
                }
                Self::object(entries)
            }
            _ => return self.clone(),
        };
        let marked = sensitive || replaced.is_sensitive();
        replaced.with_sensitive(marked)
    }
}
