//! Function calls, and the functions that need the evaluator itself: `try`, `can`, `type`,
//! `templatefile` and `templatestring`.

use std::sync::Arc;

use super::constraint::constraint;
use super::evaluate::{Evaluator, Failed, Outcome, sentence, with_article};
use super::functions::{self, FunctionContext};
use super::scope::{Scope, Step};
use crate::diagnostic::{Diagnostic, Diagnostics, FileId, SourceMap, Span, did_you_mean};
use crate::syntax::ast::{Expression, Identifier};
use crate::syntax::parse_template;
use crate::value::{Data, Entries, Type, Value, convert};

/// Functions that take part in evaluation and so are not in the table of functions.
const SPECIAL: [&str; 6] = ["can", "convert", "templatefile", "templatestring", "try", "type"];
/// Deepest nesting of templates read by templates.
const MAX_TEMPLATES: usize = 10;

/// Returns whether there is a function of that name, with or without the namespace `core`.
pub fn is_function(name: &str) -> bool {
    let local = name.strip_prefix("core::").unwrap_or(name);
    SPECIAL.contains(&local) || functions::lookup(local).is_some()
}

/// Returns the names of all functions.
pub fn function_names() -> impl Iterator<Item = &'static str> {
    functions::names().chain(SPECIAL)
}

/// A call under evaluation.
struct Call<'e> {
    name: &'e Identifier,
    arguments: &'e [Expression],
    whole: &'e Expression,
}

impl Evaluator<'_> {
    pub(super) fn call(
        &mut self,
        name: &Identifier,
        arguments: &[Expression],
        expand: bool,
        whole: &Expression,
    ) -> Outcome {
        let call = Call { name, arguments, whole };
        let local = name.text.strip_prefix("core::").unwrap_or(&name.text);
        match local {
            "try" if !expand => return self.call_try(&call),
            "can" if !expand => return self.call_can(&call),
            "convert" => return self.call_convert(&call, expand),
            _ => {}
        }
        let Some(values) = self.arguments(&call, expand)? else {
            return Ok(Value::unknown(Type::Any));
        };
        match local {
            "try" => values.into_iter().next().ok_or_else(|| self.wrong_count(&call, "at least 1")),
            "can" if values.len() != 1 => Err(self.wrong_count(&call, "1")),
            "can" => Ok(Value::from(true)),
            "type" => self.call_type(&call, &values),
            "templatefile" => self.call_templatefile(&call, &values),
            "templatestring" => self.call_templatestring(&call, &values),
            _ => self.call_table(local, &call, &values),
        }
    }

    /// Evaluates the arguments; none when an expanded one is unknown.
    fn arguments(&mut self, call: &Call<'_>, expand: bool) -> Outcome<Option<Vec<Value>>> {
        let mut values = self.all(call.arguments)?;
        if !expand {
            return Ok(Some(values));
        }
        let (Some(last), Some(at)) = (values.pop(), call.arguments.last()) else {
            return Ok(Some(values));
        };
        match last.data() {
            Data::List(_, elements) | Data::Set(_, elements) | Data::Tuple(elements) => {
                values.extend(elements.iter().map(|element| {
                    let sensitive = element.is_sensitive() || last.is_sensitive();
                    element.clone().with_sensitive(sensitive)
                }));
                Ok(Some(values))
            }
            Data::Unknown(unknown)
                if matches!(
                    unknown.ty,
                    Type::Any | Type::List(_) | Type::Set(_) | Type::Tuple(_)
                ) =>
            {
                Ok(None)
            }
            _ => {
                let what = if last.is_null() {
                    String::from("null")
                } else {
                    with_article(&last.type_of())
                };
                let diagnostic = Diagnostic::error(
                    "invalid-expansion",
                    format!("cannot expand {what} into arguments"),
                )
                .detail("What stands before `...` must be a list, set or tuple.")
                .at(at.span);
                Err(self.fail(diagnostic, at))
            }
        }
    }

    fn call_table(&mut self, local: &str, call: &Call<'_>, values: &[Value]) -> Outcome {
        let Some(function) = functions::lookup(local) else {
            return Err(self.unknown_function(call));
        };
        let looks = |value: &&Value| function.looks_at_all() || value.as_str().is_some();
        self.look(values.iter().filter(looks), call.whole.span)?;
        let outcome = functions::call(function, values, self.scope.functions());
        if let Ok(value) = &outcome {
            self.made(value);
        }
        outcome.map_err(|error| {
            let argument = error.argument.map(|i| i.min(call.arguments.len().saturating_sub(1)));
            let at = argument.and_then(|i| call.arguments.get(i));
            let summary = match at {
                Some(_) => format!("invalid argument of `{}`", call.name.text),
                None => format!("call of `{}` failed", call.name.text),
            };
            let span = at.map_or(call.whole.span, |argument| argument.span);
            let mut diagnostic = Diagnostic::error("function-call", summary)
                .detail(format!("{}.", sentence(error.message.trim_end_matches('.'))))
                .at(span);
            if at.is_some() {
                diagnostic = diagnostic.see(call.name.span, "");
            }
            self.fail(diagnostic, at.unwrap_or(call.whole))
        })
    }

    fn unknown_function(&mut self, call: &Call<'_>) -> Failed {
        let name = &call.name.text;
        let mut diagnostic =
            Diagnostic::error("unknown-function", format!("there is no function `{name}`"))
                .at(call.name.span);
        if let Some(near) = did_you_mean(name, function_names()) {
            diagnostic = diagnostic
                .help(format!("did you mean `{near}`?"))
                .fix(call.name.span, near.to_owned());
        }
        self.fail(diagnostic, call.whole)
    }

    fn wrong_count(&mut self, call: &Call<'_>, wanted: &str) -> Failed {
        let diagnostic = Diagnostic::error(
            "function-call",
            format!(
                "`{}` takes {wanted} argument{}, {} given",
                call.name.text,
                if wanted.ends_with('1') { "" } else { "s" },
                call.arguments.len()
            ),
        )
        .at(call.whole.span);
        self.fail(diagnostic, call.whole)
    }

    /// `try(a, b, …)`: the first one that evaluates.
    fn call_try(&mut self, call: &Call<'_>) -> Outcome {
        if call.arguments.is_empty() {
            return Err(self.wrong_count(call, "at least 1"));
        }
        let before = self.diagnostics.len();
        for argument in call.arguments {
            self.trials += 1;
            let outcome = self.expression(argument);
            self.trials -= 1;
            if self.exhausted() {
                return Err(self.give_up(argument.span));
            }
            if let Ok(value) = outcome {
                self.diagnostics.truncate(before);
                return Ok(tried(value));
            }
        }
        let reasons: Vec<String> =
            self.diagnostics.drain(before..).map(|d| format!("- {}", d.summary)).collect();
        let diagnostic = Diagnostic::error("function-call", "no argument of `try` succeeded")
            .detail(reasons.join("\n"))
            .at(call.whole.span)
            .help("add a last argument that cannot fail, such as `null`");
        Err(self.fail(diagnostic, call.whole))
    }

    /// `can(a)`: whether it evaluates.
    fn call_can(&mut self, call: &Call<'_>) -> Outcome {
        let [argument] = call.arguments else {
            return Err(self.wrong_count(call, "1"));
        };
        let value = self.attempt(argument);
        if self.exhausted() {
            return Err(self.give_up(argument.span));
        }
        Ok(match value {
            None => Value::from(false),
            Some(value) if is_settled(&value) => Value::from(true),
            Some(_) => Value::unknown(Type::Bool),
        })
    }

    /// `convert(value, type)`: the value as one of a type, with the defaults of optional attributes.
    fn call_convert(&mut self, call: &Call<'_>, expand: bool) -> Outcome {
        let [argument, ty] = call.arguments else { return Err(self.wrong_count(call, "2")) };
        if expand {
            return Err(self.bad_argument(call, 1, "a type cannot be expanded"));
        }
        let mut diagnostics = Diagnostics::new();
        let (ty, defaults) = constraint(ty, &mut diagnostics);
        let value = self.expression(argument);
        if diagnostics.has_errors() {
            self.diagnostics.extend(diagnostics);
            return Err(Failed);
        }
        let value = value?;
        let complete = defaults.map_or_else(|| value.clone(), |defaults| defaults.apply(&value));
        convert(&complete, &ty).map_err(|error| {
            let why = format!("cannot convert {}: {error}", with_article(&value.type_of()));
            self.bad_argument(call, 0, &why)
        })
    }

    fn call_type(&mut self, call: &Call<'_>, values: &[Value]) -> Outcome {
        let [value] = values else { return Err(self.wrong_count(call, "1")) };
        Ok(Value::text(&value.type_of().to_string()))
    }

    fn call_templatefile(&mut self, call: &Call<'_>, values: &[Value]) -> Outcome {
        let [path, _] = values else { return Err(self.wrong_count(call, "2")) };
        let Some(name) = path.as_str().map(str::to_owned) else {
            if path.is_unknown() {
                return Ok(Value::unknown(Type::Any).with_sensitive(path.is_sensitive()));
            }
            return Err(self.bad_argument(call, 0, "a file's path is required"));
        };
        let file = Call { arguments: &call.arguments[..1], ..*call };
        let text = self.call_table("file", &file, std::slice::from_ref(path))?;
        self.render(call, &name, &text, &values[1])
    }

    fn call_templatestring(&mut self, call: &Call<'_>, values: &[Value]) -> Outcome {
        let [text, variables] = values else { return Err(self.wrong_count(call, "2")) };
        self.render(call, "the template", text, variables)
    }

    /// Renders a template over an object of variables.
    fn render(
        &mut self,
        call: &Call<'_>,
        name: &str,
        template: &Value,
        variables: &Value,
    ) -> Outcome {
        let sensitive = template.is_sensitive() || variables.is_sensitive();
        if template.is_unknown() || variables.is_unknown() {
            return Ok(Value::unknown(Type::Any).with_sensitive(sensitive));
        }
        let Some(text) = template.as_str() else {
            return Err(self.bad_argument(call, 0, "a string is required"));
        };
        if variables.as_entries().is_none() {
            return Err(self.bad_argument(call, 1, "a map or object of variables is required"));
        }
        if self.templates >= MAX_TEMPLATES {
            return Err(self.bad_argument(call, 0, "templates read each other without end"));
        }
        let mut sources = SourceMap::default();
        let file = sources.add(name, text);
        let (expression, diagnostics) = parse_template(file, text);
        let hidden = template.is_sensitive();
        if diagnostics.has_errors() {
            return Err(self.template_failed(call, &sources, diagnostics, hidden));
        }
        let functions = self.scope.functions();
        let scope = TemplateScope { variables, functions, file };
        let mut inner = Evaluator::new(&scope);
        inner.templates = self.templates + 1;
        inner.depth = self.depth;
        inner.work = self.work;
        inner.trials = self.trials;
        let outcome = inner.expression(&expression);
        let Evaluator { diagnostics, work, .. } = inner;
        self.work = work;
        match outcome {
            Ok(value) => {
                let sensitive = sensitive || value.is_sensitive();
                Ok(value.with_sensitive(sensitive))
            }
            Err(Failed) => Err(self.template_failed(call, &sources, diagnostics, hidden)),
        }
    }

    /// Reports mistakes in a template at the call, with their places in the template; of a sensitive
    /// one only that there are some.
    fn template_failed(
        &mut self,
        call: &Call<'_>,
        sources: &SourceMap,
        diagnostics: impl IntoIterator<Item = Diagnostic>,
        hidden: bool,
    ) -> Failed {
        if hidden {
            let why = "the template has a mistake; which one is withheld because it is sensitive";
            return self.bad_argument(call, 0, why);
        }
        for inner in diagnostics {
            let mut detail = match inner.span().and_then(|span| excerpt(sources, span)) {
                Some(excerpt) => format!("In {excerpt}"),
                None => String::new(),
            };
            if !inner.detail.is_empty() {
                detail.push_str(if detail.is_empty() { "" } else { "\n" });
                detail.push_str(&inner.detail);
            }
            let mut outer = Diagnostic::error(inner.code, inner.summary)
                .detail(detail)
                .at(call.arguments.first().map_or(call.whole.span, |a| a.span))
                .see(call.name.span, "");
            outer.values = inner.values;
            outer.help = inner.help;
            self.diagnostics.push(outer);
        }
        Failed
    }

    fn bad_argument(&mut self, call: &Call<'_>, position: usize, message: &str) -> Failed {
        let at = call.arguments.get(position).unwrap_or(call.whole);
        let summary = format!("invalid argument of `{}`", call.name.text);
        let diagnostic = Diagnostic::error("function-call", summary)
            .detail(format!("{}.", sentence(message)))
            .at(at.span);
        self.fail(diagnostic, at)
    }
}

/// Returns place and line of a mistake in a template: `a.tpl line 3, column 5:`, and the line.
fn excerpt(sources: &SourceMap, span: Span) -> Option<String> {
    let file = sources.get(span.file)?;
    let (line, column) = sources.position(span)?;
    let text = file.text.lines().nth(line - 1).unwrap_or("").trim_end();
    let shown: String = text.chars().take(200).collect();
    Some(format!("{} line {line}, column {column}:\n    {shown}", file.name))
}

/// Returns whether the value can no longer turn out to be a mistake: what of it is unknown has a
/// declared type and an origin, so that only apply's answer is missing.
fn is_settled(value: &Value) -> bool {
    match value.data() {
        Data::Unknown(unknown) => unknown.origin.is_some() && unknown.ty != Type::Any,
        _ => value.is_wholly_known() || value.children().iter().all(|(_, part)| is_settled(part)),
    }
}

/// What `try` gives for a value: with parts that are not known yet, another argument may turn out to
/// be the one that succeeds.
fn tried(value: Value) -> Value {
    if is_settled(&value) {
        return value;
    }
    Value::unknown(Type::Any).with_sensitive(value.is_sensitive())
}

/// The variables of a template.
struct TemplateScope<'a> {
    variables: &'a Value,
    functions: &'a FunctionContext<'a>,
    file: FileId,
}

impl Scope for TemplateScope<'_> {
    fn resolve(
        &self,
        root: &Identifier,
        _: &[Step<'_>],
    ) -> Result<(Value, usize), Box<Diagnostic>> {
        debug_assert_eq!(root.span.file, self.file);
        let entries = self.variables.as_entries();
        if let Some(value) = entries.and_then(|entries| entries.get(&root.text)) {
            let sensitive = value.is_sensitive() || self.variables.is_sensitive();
            return Ok((value.clone().with_sensitive(sensitive), 0));
        }
        let mut diagnostic = Diagnostic::error(
            "unknown-variable",
            format!("the template's variables have no `{}`", root.text),
        )
        .at(root.span);
        let names = entries.into_iter().flat_map(Entries::keys).map(Arc::as_ref);
        if let Some(near) = did_you_mean(&root.text, names) {
            diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
        }
        Err(Box::new(diagnostic))
    }

    fn functions(&self) -> &FunctionContext<'_> {
        self.functions
    }
}
