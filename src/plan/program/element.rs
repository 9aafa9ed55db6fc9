//! One element of a whole block or module, or of what a `for` makes of one, evaluated without the
//! others: so `each.value` of `for_each = nat_gateway.g`, and `local.ids[each.key]` of
//! `ids = { for k, g in nat_gateway.g : k => g.id }`, use the instance of that key and no other one.
//! Otherwise 10,000 instances would each depend on 10,000.
//!
//! Where that does not work out, whatever the reason, nothing is returned, and the whole is evaluated
//! as ever; mistakes are reported there.

use std::sync::Arc;

use super::scope::{Place, Repeated};
use crate::address::Mode;
use crate::configuration::Repetition;
use crate::diagnostic::{Diagnostic, Span};
use crate::language::functions::FunctionContext;
use crate::language::{self, Scope, Step};
use crate::syntax::ast::{Expression, ExpressionKind, For, Identifier};
use crate::value::{Name, Value};

/// Most `for`s over each other that are followed.
const MAX_DEPTH: usize = 4;

/// The element of a key, with what follows it: a value, and how many of the steps behind the key it
/// took.
type Found = Option<(Value, usize)>;

impl Place<'_> {
    /// Resolves `each.value` and the steps behind it.
    pub(super) fn repeated_element(
        &self,
        of: &Repeated<'_>,
        key: &Name,
        steps: &[Step<'_>],
    ) -> Found {
        let repetition = match of {
            Repeated::Block(block) => &block.repetition,
            Repeated::Call(call) => &call.repetition,
            Repeated::Other(_) => return None,
        };
        let Repetition::ForEach(expression) = repetition else { return None };
        Place::new(self.session, self.module).element(expression, key, steps, 0)
    }

    /// Resolves an element of a local value and the steps behind it.
    pub(super) fn local_element(&self, value: &Expression, steps: &[Step<'_>]) -> Found {
        let (first, rest) = steps.split_first()?;
        let key: Name = match first {
            Step::Attribute(name) => Arc::clone(&name.text),
            Step::Index(value, _) if !value.is_sensitive() => value.as_str()?.into(),
            Step::Index(..) => return None,
        };
        // What a local value means does not depend on where it is used.
        let place = Place::new(self.session, self.module);
        let (found, used) = place.projected(value, &key, rest, 0)?;
        Some((found, used + 1))
    }

    /// Resolves the element of a key of a whole block or module, of a `for` over one, or of a local
    /// value that is one.
    fn element(&self, of: &Expression, key: &Name, steps: &[Step<'_>], depth: usize) -> Found {
        let Some((root, names)) = plain_reference(of.bare()) else {
            return self.projected(of, key, steps, depth);
        };
        if let ("local", [name]) = (&*root.text, &*names) {
            let module = self.session.inner.module(self.module);
            return self.projected(&module.locals.get(&name.text)?.value, key, steps, depth + 1);
        }
        let mut way: Vec<Step<'_>> = names.into_iter().map(Step::Attribute).collect();
        way.push(Step::Index(Value::string(Arc::clone(key)), of.span));
        let own = way.len();
        way.extend(steps.iter().cloned());
        let (value, used) = self.block_or_module(&root, &way)?.ok()?;
        Some((value, used.checked_sub(own)?))
    }

    /// Evaluates what `{ for k, v in … : k => … }` makes of one key.
    fn projected(&self, of: &Expression, key: &Name, steps: &[Step<'_>], depth: usize) -> Found {
        let ExpressionKind::For(inner) = &*of.bare().kind else { return None };
        if depth >= MAX_DEPTH
            || !keeps_keys(inner)
            || !self.leads_to_block(&inner.collection, depth)
        {
            return None;
        }
        let scope = Element { place: self, inner, key, depth };
        if let Some(condition) = &inner.condition {
            let kept = language::evaluate(condition, &scope).ok()?;
            (kept.as_bool() == Some(true) && !kept.is_sensitive()).then_some(())?;
        }
        if let ExpressionKind::Variable(name) = &*inner.value_result.bare().kind
            && *name == inner.value.text
        {
            // What follows goes on along the path of the element.
            return self.element(&inner.collection, key, steps, depth);
        }
        Some((language::evaluate(&inner.value_result, &scope).ok()?, 0))
    }

    /// Returns whether a collection is a whole block or module or is made of one. Of others there is
    /// nothing to gain: they are evaluated once for all.
    fn leads_to_block(&self, collection: &Expression, depth: usize) -> bool {
        if depth >= MAX_DEPTH {
            return false;
        }
        if let ExpressionKind::For(inner) = &*collection.bare().kind {
            return keeps_keys(inner) && self.leads_to_block(&inner.collection, depth + 1);
        }
        let Some((root, names)) = plain_reference(collection.bare()) else { return false };
        let module = self.session.inner.module(self.module);
        let block = |mode, kind: &Name, name: &Identifier| {
            let resource = module.resources.get(&(mode, Arc::clone(kind), name.text.clone()));
            resource.map(|resource| &resource.repetition)
        };
        let repetition = match (&*root.text, &*names) {
            ("local", [name]) => {
                return module.locals.get(&name.text).is_some_and(|local| {
                    matches!(&*local.value.bare().kind, ExpressionKind::For(_))
                        && self.leads_to_block(&local.value, depth + 1)
                });
            }
            ("module", [name]) => module.calls.get(&name.text).map(|call| &call.repetition),
            ("data", [kind, name]) => block(Mode::Data, &kind.text, name),
            (_, [name]) => block(Mode::Managed, &root.text, name),
            _ => None,
        };
        // Keys of `count` are numbers, which a key in a text is not.
        matches!(repetition, Some(Repetition::ForEach(_)))
    }
}

/// Returns whether the result of a `for` has the keys of what it goes through.
fn keeps_keys(inner: &For) -> bool {
    let (Some(key), Some(result)) = (&inner.key, &inner.key_result) else { return false };
    // `{ for k, k in … }` binds the element.
    let kept = matches!(&*result.bare().kind, ExpressionKind::Variable(name) if *name == key.text);
    kept && key.text != inner.value.text && !inner.group
}

/// What the names in a `for` mean for one key.
struct Element<'a> {
    place: &'a Place<'a>,
    inner: &'a For,
    key: &'a Name,
    depth: usize,
}

impl Scope for Element<'_> {
    fn resolve(
        &self,
        root: &Identifier,
        steps: &[Step<'_>],
    ) -> Result<(Value, usize), Box<Diagnostic>> {
        if self.inner.key.as_ref().is_some_and(|key| key.text == root.text) {
            return Ok((Value::string(Arc::clone(self.key)), 0));
        }
        if self.inner.value.text != root.text {
            return self.place.resolve(root, steps);
        }
        let found = self.place.element(&self.inner.collection, self.key, steps, self.depth);
        found.ok_or_else(|| Box::new(not_alone(root.span)))
    }

    fn is_general(&self) -> bool {
        self.place.is_general()
    }

    fn functions(&self) -> &FunctionContext<'_> {
        self.place.functions()
    }
}

/// Says that an element cannot be evaluated alone; nobody sees it.
fn not_alone(span: Span) -> Diagnostic {
    Diagnostic::error("invalid-reference", "element cannot be evaluated alone").at(span)
}

/// Returns the words of a reference that has names only and names a whole: `module.edge`, `local.x`.
fn plain_reference(expression: &Expression) -> Option<(Identifier, Vec<&Identifier>)> {
    let mut names = Vec::new();
    let mut at = expression;
    while let ExpressionKind::Attribute(inner, name) = &*at.kind {
        names.push(name);
        at = inner;
    }
    let ExpressionKind::Variable(root) = &*at.kind else { return None };
    names.reverse();
    let whole = if &**root == "data" { 2 } else { 1 };
    let root = Identifier { text: Arc::clone(root), span: at.span };
    (names.len() == whole).then_some((root, names))
}
