//! Constants: values that are read before anything else is evaluated, such as defaults of variables.

use std::path::Path;

use super::functions::FunctionContext;
use super::{Reference, Scope, Step, evaluate, function_calls, references};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::environment::{MemoryFiles, Timestamp};
use crate::syntax::ast::{Expression, ExpressionKind, Identifier};
use crate::value::Value;

/// Evaluates an expression without references and functions.
pub fn constant(expression: &Expression, diagnostics: &mut Diagnostics) -> Option<Value> {
    let mut found = Diagnostics::new();
    for name in function_calls(expression) {
        found.push(
            Diagnostic::error("not-constant", "functions cannot be called here")
                .detail("The value is read before anything is evaluated.")
                .at(name.span)
                .help("write the value itself; call functions in a `locals` block"),
        );
    }
    for reference in references(expression) {
        found.push(about_reference(expression, &reference));
    }
    if found.is_empty() {
        let files = MemoryFiles::default();
        let functions = FunctionContext::planning(&files, Path::new(""), Timestamp::default());
        match evaluate(expression, &Constants { functions }) {
            Ok(value) => return Some(value),
            Err(mistakes) => found = mistakes,
        }
    }
    diagnostics.extend(found);
    None
}

fn about_reference(expression: &Expression, reference: &Reference) -> Diagnostic {
    let diagnostic = Diagnostic::error("not-constant", "this must be a constant value")
        .detail("It is read before anything is evaluated, so there is nothing to refer to.")
        .at(reference.span);
    let text = &reference.root.text;
    if !reference.steps.is_empty() {
        return diagnostic
            .help("write the value itself; refer to other values in a `locals` block");
    }
    let diagnostic = diagnostic.help(format!("a text stands in quotes: `\"{text}\"`"));
    match &*expression.bare().kind {
        ExpressionKind::Variable(_) => {
            let fix = format!("\"{text}\"");
            diagnostic.fix(reference.span, fix)
        }
        _ => diagnostic,
    }
}

/// A scope in which there is nothing.
struct Constants<'a> {
    functions: FunctionContext<'a>,
}

impl Scope for Constants<'_> {
    fn resolve(
        &self,
        root: &Identifier,
        _: &[Step<'_>],
    ) -> Result<(Value, usize), Box<Diagnostic>> {
        let diagnostic = Diagnostic::error("not-constant", "this must be a constant value");
        Err(Box::new(diagnostic.at(root.span)))
    }

    fn functions(&self) -> &FunctionContext<'_> {
        &self.functions
    }
}
