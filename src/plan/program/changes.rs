//! What `moved`, `removed`, `import` and `check` blocks say, for the addresses of all module
//! instances.

use std::sync::Arc;

use super::expansion;
use super::scope::{Each, Place, Repeated};
use super::session::Session;
use crate::address::{Address, Key, ModulePath, ModuleStep, ResourceAddress, Target};
use crate::configuration::{Import, Repetition, sentence};
use crate::diagnostic::{Diagnostic, Severity, Span};
use crate::syntax::ast::{Expression, ExpressionKind};
use crate::value::{Name, Number, Type, convert};

/// An object has another address now.
#[derive(Debug, Clone)]
pub struct Move {
    /// Where it was.
    pub from: Target,
    /// Where it is now; of the same form as `from`.
    pub to: Target,
    /// The block's header.
    pub span: Span,
}

/// Objects that are no longer in configuration.
#[derive(Debug, Clone)]
pub struct Removal {
    /// The resource or module.
    pub from: Target,
    /// Whether they are deleted; else only forgotten.
    pub destroy: bool,
    /// The block's header.
    pub span: Span,
}

/// An object that is to be imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportRequest {
    /// The instance.
    pub address: Address,
    /// Import id.
    pub id: String,
    /// Alias of the provider, where the block names one.
    pub provider: Option<Name>,
    /// The block's header.
    pub span: Span,
}

/// Returns a target of a module as seen from the root.
pub(super) fn within(module: &ModulePath, target: &Target) -> Target {
    let path = |inner: &ModulePath| ModulePath(module.0.iter().chain(&*inner.0).cloned().collect());
    let resource =
        |inner: &ResourceAddress| ResourceAddress { module: path(&inner.module), ..inner.clone() };
    match target {
        Target::Module(inner) => Target::Module(path(inner)),
        Target::Resource(inner) => Target::Resource(resource(inner)),
        Target::Instance(inner) => {
            Target::Instance(resource(&inner.resource).instance(inner.key.clone()))
        }
    }
}

/// Brings both ends of a move to the same form: where one is an instance, a resource means its
/// instance without a key.
pub(super) fn alike(from: Target, to: Target) -> (Target, Target) {
    match (from, to) {
        (Target::Resource(from), to @ Target::Instance(_)) => {
            (Target::Instance(from.instance(None)), to)
        }
        (from @ Target::Instance(_), Target::Resource(to)) => {
            (from, Target::Instance(to.instance(None)))
        }
        both => both,
    }
}

/// Evaluates an `import` block; mistakes are noted in the session.
pub(super) fn imports(session: &Session<'_>, import: &Import) -> Vec<ImportRequest> {
    let root = Place::new(session, 0);
    let expansion = match &import.for_each {
        None => Some(expansion::Expansion::single()),
        Some(for_each) => {
            let repetition = Repetition::ForEach(for_each.clone());
            expansion::expand(session, &repetition, &root, "import")
        }
    };
    let Some(expansion) = expansion else { return Vec::new() };
    expansion
        .keys
        .iter()
        .filter_map(|key| {
            let value = expansion.value(key.as_ref());
            let each = Each { key: key.as_ref(), of: Repeated::Other(value) };
            let place = Place { each: Some(each), ..Place::new(session, 0) };
            request(session, import, &place)
        })
        .collect()
}

fn request(session: &Session<'_>, import: &Import, place: &Place<'_>) -> Option<ImportRequest> {
    let address = address(session, &import.to, place)?;
    let value = session.evaluate(&import.id, place)?;
    let refuse = |why: &str| {
        session.report([Diagnostic::error(
            "invalid-import",
            format!("import id of `{address}` is not usable"),
        )
        .detail(why)
        .at(import.id.span)]);
        session.fail();
    };
    if value.is_unknown() {
        refuse("It is known only after apply.");
        return None;
    }
    if value.is_sensitive() {
        refuse("It is sensitive, but plans show it; use `nonsensitive(…)` if it is no secret.");
        return None;
    }
    let id = match convert(&value, &Type::String) {
        Ok(id) => id.as_str().unwrap_or_default().to_owned(),
        Err(error) => {
            refuse(&sentence(&error));
            return None;
        }
    };
    if id.is_empty() {
        refuse("It is empty.");
        return None;
    }
    let provider = import.provider.clone();
    Some(ImportRequest { address, id, provider, span: import.span })
}

/// Reads an address whose keys are expressions.
fn address(session: &Session<'_>, to: &Expression, place: &Place<'_>) -> Option<Address> {
    let mut names: Vec<(Name, Option<Key>)> = Vec::new();
    let mut at = to;
    let mut key = None;
    loop {
        match &*at.kind {
            ExpressionKind::Attribute(inner, name) => {
                names.push((Arc::clone(&name.text), key.take()));
                at = inner;
            }
            ExpressionKind::Index(inner, index) => {
                key = Some(key_of(session, index, place)?);
                at = inner;
            }
            ExpressionKind::Variable(name) => {
                names.push((Arc::clone(name), key.take()));
                break;
            }
            _ => return None,
        }
    }
    names.reverse();
    let mut steps = Vec::new();
    let mut rest = &names[..];
    while let [(word, None), (name, key), tail @ ..] = rest
        && &**word == "module"
    {
        steps.push(ModuleStep { name: Arc::clone(name), key: key.clone() });
        rest = tail;
    }
    let [(kind, None), (name, key)] = rest else { return None };
    let resource = ResourceAddress {
        module: ModulePath(steps.into()),
        ..ResourceAddress::managed(Arc::clone(kind), Arc::clone(name))
    };
    Some(resource.instance(key.clone()))
}

fn key_of(session: &Session<'_>, index: &Expression, place: &Place<'_>) -> Option<Key> {
    let value = session.evaluate(index, place)?;
    let key = match value.as_number() {
        // Addresses are shown.
        _ if value.is_sensitive() => None,
        Some(number) => Number::to_u64(number).map(Key::Number),
        None => value.as_str().map(|text| Key::Text(text.into())),
    };
    if key.is_none() {
        session.report([Diagnostic::error("invalid-key", "this is no key of an instance")
            .detail(
                "A key is a text or a whole number, known when the plan is made and not sensitive.",
            )
            .at(index.span)]);
        session.fail();
    }
    key
}

/// Turns what a check says into warnings: checks never stop anything.
pub fn warnings(
    diagnostics: impl IntoIterator<Item = Diagnostic>,
) -> impl Iterator<Item = Diagnostic> {
    diagnostics
        .into_iter()
        .map(|diagnostic| Diagnostic { severity: Severity::Warning, ..diagnostic })
}
