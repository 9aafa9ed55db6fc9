//! What expressions are evaluated over.

use super::functions::FunctionContext;
use crate::diagnostic::{Diagnostic, Span};
use crate::syntax::ast::Identifier;
use crate::value::Value;

/// Resolves references; implemented for each module instance and resource instance.
pub trait Scope {
    /// Resolves the longest prefix that it understands of a traversal such as
    /// `nat_gateway.g[each.key].id`; index expressions are evaluated already. Returns the value and
    /// how many of the steps were consumed; the rest is applied to the value. So one instance can be
    /// answered without building the whole block.
    fn resolve(
        &self,
        root: &Identifier,
        steps: &[Step<'_>],
    ) -> Result<(Value, usize), Box<Diagnostic>>;

    /// Returns whether values stand for all that there may be: then also what is done with the elements
    /// of unknown collections is looked at for mistakes.
    fn is_general(&self) -> bool {
        false
    }

    /// Returns what functions see of the outside.
    fn functions(&self) -> &FunctionContext<'_>;
}

/// One step of a traversal. A splat ends the steps that a scope sees.
#[derive(Debug, Clone)]
pub enum Step<'a> {
    /// `.name`
    Attribute(&'a Identifier),
    /// `[index]`, with the place of the index expression.
    Index(Value, Span),
}

impl Step<'_> {
    /// Returns its place.
    pub fn span(&self) -> Span {
        match self {
            Self::Attribute(name) => name.span,
            Self::Index(_, span) => *span,
        }
    }

    /// Returns the name of an attribute step, also where it is written as `["name"]`.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Attribute(name) => Some(&name.text),
            Self::Index(value, _) => value.as_str(),
        }
    }
}
