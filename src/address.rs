//! Addresses of modules, resources and instances: parse, print, compare. An address is the only
//! identity that maps and the state use.
//!
//! The order is Terraform's: shallower module paths first, then by names and keys, managed before
//! data, type, name, key (none < number < string; numbers by value).

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The key of an instance or of a module instance: `[0]` or `["a"]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// From `count`.
    Number(u64),
    /// From `for_each`.
    Text(Arc<str>),
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(n) => write!(f, "[{n}]"),
            Self::Text(t) => {
                f.write_str("[\"")?;
                let mut rest = t.chars().peekable();
                while let Some(c) = rest.next() {
                    match c {
                        '"' => f.write_str("\\\"")?,
                        '\\' => f.write_str("\\\\")?,
                        '\n' => f.write_str("\\n")?,
                        '\r' => f.write_str("\\r")?,
                        '\t' => f.write_str("\\t")?,
                        '$' | '%' if rest.peek() == Some(&'{') => write!(f, "{c}{c}")?,
                        c => write!(f, "{c}")?,
                    }
                }
                f.write_str("\"]")
            }
        }
    }
}

/// One step of a module path: the call's name and, with `count` or `for_each`, the key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModuleStep {
    /// Name of the `module` block.
    pub name: Arc<str>,
    /// Key of the instance.
    pub key: Option<Key>,
}

/// The path of a module instance; empty for the root.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ModulePath(pub Arc<[ModuleStep]>);

impl ModulePath {
    /// Returns the root's path.
    pub fn root() -> Self {
        Self::default()
    }

    /// Returns whether this is the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the path of a child.
    #[must_use]
    pub fn child(&self, name: impl Into<Arc<str>>, key: Option<Key>) -> Self {
        let step = ModuleStep { name: name.into(), key };
        Self(self.0.iter().cloned().chain([step]).collect())
    }

    /// Returns the path of the module that holds this one.
    pub fn parent(&self) -> Option<Self> {
        let (_, rest) = self.0.split_last()?;
        Some(Self(rest.into()))
    }

    /// Returns whether `self` is `outer` or lies below it; a step of `outer` without key matches
    /// every key.
    pub fn is_within(&self, outer: &Self) -> bool {
        outer.0.len() <= self.0.len()
            && outer
                .0
                .iter()
                .zip(self.0.iter())
                .all(|(o, s)| o.name == s.name && (o.key.is_none() || o.key == s.key))
    }
}

impl Ord for ModulePath {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for ModulePath {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for ModulePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(".")?;
            }
            write!(f, "module.{}", step.name)?;
            if let Some(key) = &step.key {
                write!(f, "{key}")?;
            }
        }
        Ok(())
    }
}

/// Whether natform makes the object or only reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// A `resource` block.
    Managed,
    /// A `data` block.
    Data,
}

/// A block of configuration: `module.a.nat_gateway.main`, without the instance's key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceAddress {
    /// The module instance that holds it.
    pub module: ModulePath,
    /// Managed or data.
    pub mode: Mode,
    /// Resource type, such as `nat_gateway`.
    pub kind: Arc<str>,
    /// Name of the block.
    pub name: Arc<str>,
}

impl ResourceAddress {
    /// Returns the address of a `resource` block of the root module.
    pub fn managed(kind: impl Into<Arc<str>>, name: impl Into<Arc<str>>) -> Self {
        Self {
            module: ModulePath::root(),
            mode: Mode::Managed,
            kind: kind.into(),
            name: name.into(),
        }
    }

    /// Returns whether this names a block or, where it leaves out keys of modules, that block in all of
    /// their instances.
    pub fn covers(&self, other: &Self) -> bool {
        let (own, others) = (&self.module.0, &other.module.0);
        self.name == other.name
            && self.kind == other.kind
            && self.mode == other.mode
            && own.len() == others.len()
            && own.iter().zip(others.iter()).all(|(step, other)| {
                step.name == other.name && (step.key.is_none() || step.key == other.key)
            })
    }

    /// Returns whether it covers one of some blocks.
    pub fn covers_any(&self, blocks: &BTreeSet<&Self>) -> bool {
        blocks.contains(self)
            || self.module.0.iter().any(|step| step.key.is_none())
                && blocks.iter().any(|block| self.covers(block))
    }

    /// Returns the addresses that cover this one and leave out the keys of modules from some depth on;
    /// none where there is no key to leave out.
    pub fn covering(&self) -> Vec<Self> {
        let steps = &self.module.0;
        let from = |depth: usize| {
            let module = steps.iter().enumerate().map(|(at, step)| ModuleStep {
                name: Arc::clone(&step.name),
                key: step.key.clone().filter(|_| at < depth),
            });
            Self { module: ModulePath(module.collect()), ..self.clone() }
        };
        let keyed = |depth: &usize| steps[*depth].key.is_some();
        (0..steps.len()).filter(keyed).map(from).collect()
    }

    /// Returns the address of the instance with `key`.
    pub fn instance(&self, key: Option<Key>) -> Address {
        Address { resource: self.clone(), key }
    }
}

impl fmt::Display for ResourceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.module.is_root() {
            write!(f, "{}.", self.module)?;
        }
        if self.mode == Mode::Data {
            f.write_str("data.")?;
        }
        write!(f, "{}.{}", self.kind, self.name)
    }
}

/// One instance: `module.edge.forward_entry.web["443"]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// The block.
    pub resource: ResourceAddress,
    /// The instance's key, where the block has `count` or `for_each`.
    pub key: Option<Key>,
}

impl Address {
    /// Returns the resource type, such as `nat_gateway`.
    pub fn kind(&self) -> &str {
        &self.resource.kind
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.resource)?;
        match &self.key {
            Some(key) => write!(f, "{key}"),
            None => Ok(()),
        }
    }
}

impl serde::Serialize for Address {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Address {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// What a user may name with `-target` and in `moved` blocks: a module, a resource or an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Everything in a module.
    Module(ModulePath),
    /// All instances of a resource.
    Resource(ResourceAddress),
    /// One instance.
    Instance(Address),
}

impl Target {
    /// Returns whether `address` is meant.
    pub fn contains(&self, address: &Address) -> bool {
        match self {
            Self::Module(path) => address.resource.module.is_within(path),
            Self::Resource(resource) => {
                address.resource.mode == resource.mode
                    && address.resource.kind == resource.kind
                    && address.resource.name == resource.name
                    && address.resource.module.0.len() == resource.module.0.len()
                    && address.resource.module.is_within(&resource.module)
            }
            Self::Instance(instance) => address == instance,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Module(m) => m.fmt(f),
            Self::Resource(r) => r.fmt(f),
            Self::Instance(a) => a.fmt(f),
        }
    }
}

/// Why a text is not an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an address: {why}")]
pub struct ParseError {
    /// The text.
    pub text: String,
    /// What is wrong with it.
    pub why: &'static str,
}

impl FromStr for Target {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let fail = |why| ParseError { text: text.to_owned(), why };
        let mut steps = split_steps(text).map_err(fail)?.into_iter().peekable();
        let mut module = ModulePath::root();
        while steps.peek().is_some_and(|(name, key)| name == "module" && key.is_none()) {
            steps.next();
            let (name, key) = steps.next().ok_or_else(|| fail("a module's name is missing"))?;
            module = module.child(name, key);
        }
        let mut mode = Mode::Managed;
        if steps.peek().is_some_and(|(name, key)| name == "data" && key.is_none()) {
            steps.next();
            mode = Mode::Data;
        }
        let Some((kind, kind_key)) = steps.next() else {
            return if module.is_root() || mode == Mode::Data {
                Err(fail("a resource type is missing"))
            } else {
                Ok(Self::Module(module))
            };
        };
        if kind_key.is_some() {
            return Err(fail("a resource type takes no key"));
        }
        let (name, key) = steps.next().ok_or_else(|| fail("a resource's name is missing"))?;
        if steps.next().is_some() {
            return Err(fail("there is more than type, name and key"));
        }
        let resource = ResourceAddress { module, mode, kind: kind.into(), name: name.into() };
        Ok(match key {
            Some(_) => Self::Instance(Address { resource, key }),
            None => Self::Resource(resource),
        })
    }
}

impl FromStr for Address {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        match text.parse()? {
            Target::Instance(address) => Ok(address),
            Target::Resource(resource) => Ok(resource.instance(None)),
            Target::Module(_) => {
                Err(ParseError { text: text.to_owned(), why: "it names a module, not a resource" })
            }
        }
    }
}

impl FromStr for ResourceAddress {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        match text.parse()? {
            Target::Resource(resource) => Ok(resource),
            _ => {
                Err(ParseError { text: text.to_owned(), why: "it does not name a resource block" })
            }
        }
    }
}

impl serde::Serialize for ResourceAddress {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for ResourceAddress {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Splits `a.b["k"].c` into names with their keys.
fn split_steps(text: &str) -> Result<Vec<(String, Option<Key>)>, &'static str> {
    let mut steps = Vec::new();
    let mut rest = text;
    loop {
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let name = &rest[..end];
        let valid = name.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
        if !valid {
            return Err("a name must start with a letter and hold letters, digits, `_` and `-`");
        }
        rest = &rest[end..];
        let mut key = None;
        if let Some(inner) = rest.strip_prefix('[') {
            let (parsed, after) = parse_key(inner)?;
            key = Some(parsed);
            rest = after;
        }
        steps.push((name.to_owned(), key));
        if rest.is_empty() {
            return Ok(steps);
        }
        rest = rest.strip_prefix('.').ok_or("a dot is missing")?;
    }
}

/// Parses what follows `[` and returns the rest behind `]`.
fn parse_key(inner: &str) -> Result<(Key, &str), &'static str> {
    let Some(quoted) = inner.strip_prefix('"') else {
        let end = inner.find(']').ok_or("`]` is missing")?;
        let number =
            inner[..end].trim().parse().map_err(|_| "a key is a number or a quoted text")?;
        return Ok((Key::Number(number), &inner[end + 1..]));
    };
    let mut out = String::new();
    let mut chars = quoted.char_indices().peekable();
    while let Some((i, c)) = chars.next() {
        match c {
            '"' => {
                let rest = quoted[i + 1..].strip_prefix(']').ok_or("`]` is missing")?;
                return Ok((Key::Text(out.into()), rest));
            }
            '\\' => match chars.next().map(|(_, c)| c) {
                Some('n') => out.push('\n'),
                Some('r') => out.push('\r'),
                Some('t') => out.push('\t'),
                Some(c @ ('"' | '\\')) => out.push(c),
                _ => return Err("unknown escape in a key"),
            },
            '$' | '%' => {
                out.push(c);
                let doubled =
                    chars.peek().is_some_and(|(_, d)| *d == c) && quoted[i + 2..].starts_with('{');
                if doubled {
                    chars.next();
                }
            }
            c => out.push(c),
        }
    }
    Err("the closing quote is missing")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round_trip(text: &str) {
        let address: Address = text.parse().unwrap();
        assert_eq!(address.to_string(), text);
    }

    #[test]
    fn prints_what_it_parsed() {
        round_trip("nat_gateway.main");
        round_trip("data.nat_gateways.all");
        round_trip("forward_entry.web[3]");
        round_trip("module.a[\"k.[x]\\\"\"].module.b[1].forward_entry.web[\"443\"]");
        round_trip("a.b[\"$${x}\"]");
    }

    #[test]
    fn order_is_by_module_depth_then_type_name_key() {
        let mut list: Vec<Address> =
            ["module.a.a.a", "b.b[\"a\"]", "b.b[10]", "b.b[9]", "b.b", "a.z"]
                .iter()
                .map(|t| t.parse().unwrap())
                .collect();
        list.sort();
        let texts: Vec<String> = list.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["a.z", "b.b", "b.b[9]", "b.b[10]", "b.b[\"a\"]", "module.a.a.a"]);
    }

    #[test]
    fn bad_addresses_are_refused_with_the_reason() {
        for text in
            ["", "a", "a.b.c", "a.b[", "a.b[x]", "a[0].b", "module.a.data", "a..b", "a.b[\"x]"]
        {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_key_survives_printing(key in ".*") {
            let address = ResourceAddress::managed("t", "n").instance(Some(Key::Text(key.into())));
            prop_assert_eq!(address.to_string().parse::<Address>().unwrap(), address);
        }
    }
}
