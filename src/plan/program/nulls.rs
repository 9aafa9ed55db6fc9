//! Types of null values. A null has no type of its own; what an expression says of it is enough to
//! show it as the console does.

use super::{Program, modules};
use crate::address::{Mode, ModulePath};
use crate::configuration::{Module, Repetition};
use crate::diagnostic::Diagnostics;
use crate::language;
use crate::resources::Schema;
use crate::syntax::ast::{Expression, ExpressionKind, TemplatePart};
use crate::value::{Field, Name, Type, unify};

/// Most local values and outputs that are followed.
const MAX_DEPTH: usize = 16;

impl Program {
    /// Returns the type that an expression in the root module has as far as it can be told without
    /// evaluating: that of variables, attributes and conversions; `any` for all else.
    pub fn type_of(&self, expression: &Expression) -> Type {
        let root = modules::module_at(&self.inner.configuration.root, &ModulePath::default());
        root.map_or(Type::Any, |module| of(expression, module, MAX_DEPTH))
    }
}

fn of(expression: &Expression, module: &Module, depth: usize) -> Type {
    let Some(depth) = depth.checked_sub(1) else { return Type::Any };
    let inner = |e: &Expression| of(e, module, depth);
    match &*expression.kind {
        ExpressionKind::Template(parts) => match &**parts {
            // An interpolation alone passes its value on.
            [TemplatePart::Interpolation(whole)] => inner(whole),
            _ => Type::String,
        },
        ExpressionKind::String(_) => Type::String,
        ExpressionKind::Number(_) => Type::Number,
        ExpressionKind::Bool(_) => Type::Bool,
        ExpressionKind::Parenthesis(e) => inner(e),
        ExpressionKind::Tuple(elements) => Type::tuple(elements.iter().map(inner)),
        ExpressionKind::Object(items) => Type::object(items.iter().filter_map(|item| {
            let ExpressionKind::String(name) = &*item.key.kind else { return None };
            Some((name.clone(), inner(&item.value)))
        })),
        ExpressionKind::Conditional(_, a, b) => match (inner(a), inner(b)) {
            (Type::Any, ty) | (ty, Type::Any) => ty,
            (a, b) => unify([&a, &b]).unwrap_or(Type::Any),
        },
        ExpressionKind::Call { name, arguments, .. } => match &*name.text {
            "tostring" => Type::String,
            "tonumber" => Type::Number,
            "tobool" => Type::Bool,
            "tolist" => Type::list(element_of(arguments, inner)),
            "toset" => Type::set(element_of(arguments, inner)),
            "tomap" => Type::map(element_of(arguments, inner)),
            "convert" => arguments
                .get(1)
                .map_or(Type::Any, |ty| language::constraint(ty, &mut Diagnostics::new()).0),
            "lookup" => element_of(arguments, inner),
            // A group that takes no part is null.
            "regex" => Type::list(Type::String),
            "sensitive" | "nonsensitive" => arguments.first().map_or(Type::Any, inner),
            _ => Type::Any,
        },
        ExpressionKind::Attribute(..) | ExpressionKind::Index(..) => {
            reference(expression, module, depth).unwrap_or(Type::Any)
        }
        _ => Type::Any,
    }
}

/// Returns the one type of the elements of the first argument.
fn element_of(arguments: &[Expression], of: impl Fn(&Expression) -> Type) -> Type {
    let ty = arguments.first().map_or(Type::Any, of);
    let elements: Vec<&Type> = match &ty {
        Type::List(element) | Type::Set(element) | Type::Map(element) => vec![&**element],
        Type::Tuple(elements) => elements.iter().collect(),
        Type::Object(fields) => fields.values().map(|field| &field.ty).collect(),
        _ => Vec::new(),
    };
    let known = elements.into_iter().filter(|ty| **ty != Type::Any);
    unify(known).unwrap_or(Type::Any)
}

/// A step of a reference; an index may be of any value.
enum Step<'e> {
    Name(&'e Name),
    Index,
}

fn reference(expression: &Expression, module: &Module, depth: usize) -> Option<Type> {
    let mut steps = Vec::new();
    let mut at = expression;
    let root = loop {
        match &*at.kind {
            ExpressionKind::Attribute(inner, name) => {
                steps.push(Step::Name(&name.text));
                at = inner;
            }
            ExpressionKind::Index(inner, index) => {
                steps.push(match &*index.kind {
                    ExpressionKind::String(name) => Step::Name(name),
                    _ => Step::Index,
                });
                at = inner;
            }
            ExpressionKind::Variable(root) => break root,
            _ => {
                steps.reverse();
                return within(of(at, module, depth), &steps);
            }
        }
    };
    steps.reverse();
    let (first, rest) = steps.split_first()?;
    let Step::Name(first) = first else { return None };
    match &**root {
        "var" => within(module.variables.get(*first)?.ty.clone(), rest),
        "local" => within(of(&module.locals.get(*first)?.value, module, depth), rest),
        "module" => {
            let call = module.calls.get(*first)?;
            let rest = rest.get(usize::from(!matches!(call.repetition, Repetition::Single))..)?;
            let (Step::Name(output), rest) = rest.split_first()? else { return None };
            within(of(&call.module.outputs.get(*output)?.value, &call.module, depth), rest)
        }
        "data" => match rest.split_first()? {
            (Step::Name(name), rest) => block(module, (Mode::Data, first, name), rest),
            _ => None,
        },
        _ => block(module, (Mode::Managed, root, first), &steps[1..]),
    }
}

fn block(
    module: &Module,
    (mode, kind, name): (Mode, &Name, &Name),
    steps: &[Step<'_>],
) -> Option<Type> {
    let resource = module.resources.get(&(mode, kind.clone(), name.clone()))?;
    let keyed = usize::from(!matches!(resource.repetition, Repetition::Single));
    within(object(resource.schema), steps.get(keyed..)?)
}

fn object(schema: &Schema) -> Type {
    Type::object(schema.attributes.iter().map(|a| (a.name, a.kind.ty())))
}

fn within(ty: Type, steps: &[Step<'_>]) -> Option<Type> {
    steps.iter().try_fold(ty, |ty, step| match (ty, step) {
        (Type::Object(fields), Step::Name(name)) => {
            fields.get(*name).map(|Field { ty, .. }| ty.clone())
        }
        (Type::List(element) | Type::Map(element), _) => Some((*element).clone()),
        _ => None,
    })
}
