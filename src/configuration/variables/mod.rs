//! Values of the root module's variables and where they come from, lowest first: the environment
//! (`NATFORM_VAR_name`), `natform.natvars`, `natform.natvars.json`, `*.auto.natvars` and
//! `*.auto.natvars.json` by name, then `-var` and `-var-file` in their order.

mod json;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::load::{normalise, read_text};
use super::model::{Configuration, Module, Variable};
use super::shape;
use crate::diagnostic::{Diagnostic, Diagnostics, Span, did_you_mean};
use crate::environment::Environment;
use crate::language;
use crate::syntax;
use crate::value::{Name, Value};

/// What names of environment variables start with.
const PREFIX: &str = "NATFORM_VAR_";

/// Most undeclared names of one file that are warned of one by one.
const MAX_UNDECLARED: usize = 3;

/// An option of the command line; their order counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VariableOption {
    /// `-var name=value`
    Var(String),
    /// `-var-file PATH`, relative to the working directory.
    File(PathBuf),
}

/// The values of the root module's variables.
#[derive(Debug, Clone, Default)]
pub struct Variables {
    /// Values, converted and marked; defaults included.
    pub values: BTreeMap<Name, Value>,
    /// Required variables without a value, by name: to be asked for, or reported with [`no_value`].
    pub missing: Vec<Name>,
}

impl Variables {
    /// Takes a value that was typed in for a missing variable, read as `-var` reads it.
    pub fn answer(
        &mut self,
        configuration: &mut Configuration,
        name: &str,
        text: &str,
    ) -> Result<(), Diagnostics> {
        let root = Arc::clone(&configuration.root);
        let Some(variable) = root.variables.get(name) else { return Ok(()) };
        let mut diagnostics = Diagnostics::new();
        let given = from_text(configuration, variable, text, "input for", &mut diagnostics);
        match given.and_then(|given| accept(configuration, variable, &given, &mut diagnostics)) {
            Some(value) => {
                self.values.insert(variable.name.text.clone(), value);
                self.missing.retain(|missing| **missing != *name);
                Ok(())
            }
            None => Err(diagnostics),
        }
    }
}

/// A value with its place.
#[derive(Debug, Clone)]
struct Given {
    value: Value,
    place: Span,
}

/// Collects the values of all variables. Texts that are read are added to the configuration's
/// sources.
pub fn variables(
    configuration: &mut Configuration,
    environment: &Environment,
    options: &[VariableOption],
) -> (Variables, Diagnostics) {
    let root = Arc::clone(&configuration.root);
    let mut collector = Collector {
        environment,
        root: &root,
        configuration,
        given: BTreeMap::new(),
        failed: BTreeSet::new(),
        is_unread_in_part: false,
        diagnostics: Diagnostics::new(),
    };
    collector.environment();
    collector.automatic_files();
    for option in options {
        match option {
            VariableOption::Var(text) => collector.option(text),
            VariableOption::File(path) => {
                let shown = path.display().to_string();
                collector.file(&environment.working_directory.join(path), &shown);
            }
        }
    }
    collector.finish()
}

/// Says that a required variable has no value.
pub fn no_value(configuration: &Configuration, name: &str) -> Diagnostic {
    let variable = configuration.root.variables.get(name);
    let mut diagnostic =
        Diagnostic::error("missing-variable", format!("there is no value for `var.{name}`"))
            .at_opt(variable.map(|v| v.span))
            .help(format!(
                "give it with `-var '{name}=…'`, in `natform.natvars` or as `{PREFIX}{name}`; or declare a default"
            ));
    if let Some(description) = variable.and_then(|v| v.description.as_deref()) {
        diagnostic = diagnostic.detail(shape::sentence(description));
    }
    diagnostic
}

struct Collector<'a> {
    environment: &'a Environment,
    root: &'a Module,
    configuration: &'a mut Configuration,
    given: BTreeMap<Name, Given>,
    /// Variables whose value was reported.
    failed: BTreeSet<Name>,
    /// Whether a file could not be understood, which may give a value to any variable.
    is_unread_in_part: bool,
    diagnostics: Diagnostics,
}

impl Collector<'_> {
    /// Reads the environment; names that are not declared are meant for other configurations.
    fn environment(&mut self) {
        for (name, variable) in &self.root.variables {
            let key = format!("{PREFIX}{name}");
            if let Some(text) = self.environment.variables.get(&key) {
                self.text(variable, text, PREFIX);
            }
        }
    }

    fn text(&mut self, variable: &Variable, text: &str, source: &str) {
        let given = from_text(self.configuration, variable, text, source, &mut self.diagnostics);
        match given {
            Some(given) => {
                self.given.insert(variable.name.text.clone(), given);
            }
            None => {
                self.failed.insert(variable.name.text.clone());
            }
        }
    }

    fn automatic_files(&mut self) {
        let directory = self.configuration.directory.clone();
        let files = &*self.environment.files;
        let mut names = vec![String::from("natform.natvars"), String::from("natform.natvars.json")];
        let listed = files.list(&directory).unwrap_or_default();
        let mut automatic: Vec<String> = listed
            .iter()
            .filter(|name| name.ends_with(".auto.natvars") || name.ends_with(".auto.natvars.json"))
            .filter(|name| !name.starts_with('.') && !name.starts_with('#'))
            .filter(|name| !files.is_directory(&directory.join(name)))
            .cloned()
            .collect();
        automatic.sort();
        names.retain(|name| listed.contains(name));
        names.extend(automatic);
        for name in names {
            let path = directory.join(&name);
            let shown = self.environment.shown(&normalise(&path));
            self.file(&normalise(&path), &shown);
        }
    }

    fn file(&mut self, path: &Path, shown: &str) {
        let text = match read_text(&*self.environment.files, path, shown) {
            Ok(text) => text,
            Err(diagnostic) => {
                self.is_unread_in_part = true;
                self.diagnostics.push(*diagnostic);
                return;
            }
        };
        let id = self.configuration.sources.add(shown, text.as_str());
        let entries = if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json")) {
            match json::read(id, &text) {
                Ok(entries) => entries,
                Err(diagnostic) => {
                    self.is_unread_in_part = true;
                    self.diagnostics.push(*diagnostic);
                    return;
                }
            }
        } else {
            self.native(id, &text)
        };
        let mut undeclared = 0;
        for (name, place, given) in entries {
            if self.root.variables.contains_key(&name) {
                self.given.insert(name, given);
                continue;
            }
            undeclared += 1;
            if undeclared <= MAX_UNDECLARED && !self.is_unread(&name) {
                let diagnostic = self.undeclared(Diagnostic::warning, &name);
                self.diagnostics.push(diagnostic.at(place));
            }
        }
        if undeclared > MAX_UNDECLARED {
            let more = undeclared - MAX_UNDECLARED;
            self.diagnostics.push(
                Diagnostic::warning(
                    "undeclared-variable",
                    format!("`{shown}` gives values to {more} more undeclared variables"),
                )
                .help(
                    "remove them; values for several configurations may stand in the environment",
                ),
            );
        }
    }

    /// Reads `name = value` lines.
    fn native(&mut self, id: crate::diagnostic::FileId, text: &str) -> Vec<(Name, Span, Given)> {
        let (body, found) = syntax::parse(id, text);
        self.is_unread_in_part |= body.incomplete;
        self.diagnostics.extend(found);
        if let Some(block) = body.blocks.first() {
            self.diagnostics.push(
                Diagnostic::error("unknown-block", "a file of variables holds no blocks")
                    .at(block.header)
                    .help(if &*block.kind.text == "variable" {
                        String::from(
                            "declare variables in a `.nat.hcl` file; here, write `name = value`",
                        )
                    } else {
                        format!("write `{} = {{ … }}`", block.kind.text)
                    }),
            );
        }
        let mut entries = Vec::with_capacity(body.attributes.len());
        for attribute in &body.attributes {
            let name = attribute.name.text.clone();
            match language::constant(&attribute.value, &mut self.diagnostics) {
                Some(value) => {
                    let given = Given { value, place: attribute.value.span };
                    entries.push((name, attribute.name.span, given));
                }
                None => {
                    self.failed.insert(name);
                }
            }
        }
        entries
    }

    fn option(&mut self, text: &str) {
        let Some((name, value)) = text.split_once('=') else {
            self.diagnostics.push(
                Diagnostic::error("invalid-option", format!("`-var {text}` gives no value"))
                    .help(format!("write `-var '{text}=…'`")),
            );
            return;
        };
        let name = name.trim();
        if let Some(variable) = self.root.variables.get(name) {
            self.text(variable, value, "-var");
        } else if !self.is_unread(name) {
            let diagnostic = self.undeclared(Diagnostic::error, name);
            self.diagnostics.push(diagnostic.detail("It is given with `-var`."));
        }
    }

    fn is_unread(&self, name: &str) -> bool {
        self.root.incomplete || self.root.unread.contains(&format!("var.{name}"))
    }

    fn undeclared(&self, start: fn(&'static str, String) -> Diagnostic, name: &str) -> Diagnostic {
        let summary = format!("there is no variable `{name}` in the root module");
        let diagnostic = start("undeclared-variable", summary);
        match did_you_mean(name, self.root.variables.keys().map(|n| &**n)) {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None => diagnostic
                .help(format!("declare it (`variable \"{name}\" {{ … }}`) or remove the value")),
        }
    }

    /// Converts what was given and fills in defaults.
    fn finish(mut self) -> (Variables, Diagnostics) {
        let mut variables = Variables::default();
        for (name, variable) in &self.root.variables {
            let value = match self.given.remove(name) {
                Some(given) => {
                    match accept(self.configuration, variable, &given, &mut self.diagnostics) {
                        Some(value) => value,
                        None => continue,
                    }
                }
                None if self.failed.contains(name) => continue,
                None => {
                    let Some(default) = &variable.default else {
                        if !self.is_unread_in_part {
                            variables.missing.push(name.clone());
                        }
                        continue;
                    };
                    marked(variable, default.clone())
                }
            };
            variables.values.insert(name.clone(), value);
        }
        self.diagnostics.sort();
        (variables, self.diagnostics)
    }
}

fn marked(variable: &Variable, value: Value) -> Value {
    let sensitive = variable.sensitive || value.is_sensitive();
    value.with_sensitive(sensitive)
}

/// Reads a value from the command line, the environment or the terminal: as text where the variable
/// is text, else as an expression.
fn from_text(
    configuration: &mut Configuration,
    variable: &Variable,
    text: &str,
    source: &str,
    diagnostics: &mut Diagnostics,
) -> Option<Given> {
    let name = &variable.name.text;
    let shown = if source.ends_with('_') {
        format!("<{source}{name}>")
    } else {
        format!("<{source} {name}>")
    };
    // The value of a sensitive variable must not stand in a message.
    let kept = if variable.sensitive { "(sensitive value)" } else { text };
    let id = configuration.sources.add(shown.as_str(), kept);
    let end = u32::try_from(kept.len()).unwrap_or(u32::MAX);
    let place = Span { file: id, start: 0, end };
    if variable.literal {
        return Some(Given { value: Value::text(text), place });
    }
    let (expression, mut found) = syntax::parse_expression(id, text);
    let value = if found.has_errors() { None } else { language::constant(&expression, &mut found) };
    if value.is_none() && variable.sensitive {
        found = Diagnostic::error("invalid-variable", format!("value in `{shown}` cannot be read"))
            .detail(format!("It must be an expression of the type `{}`.", variable.ty))
            .into();
    } else if value.is_none() {
        let help = format!(
            "the type is `{}`, so the value is an expression: texts in it stand in quotes, such as `-var '{name}=[\"a\", \"b\"]'`",
            variable.ty
        );
        let mut explained = Diagnostics::new();
        explained
            .extend(found.into_iter().map(|d| if d.help.is_none() { d.help(&*help) } else { d }));
        found = explained;
    }
    diagnostics.extend(found);
    value.map(|value| Given { value, place })
}

/// Converts a value to the variable's type.
fn accept(
    configuration: &Configuration,
    variable: &Variable,
    given: &Given,
    diagnostics: &mut Diagnostics,
) -> Option<Value> {
    match variable.accept(&given.value) {
        Ok(value) => Some(marked(variable, value)),
        Err(diagnostic) => {
            diagnostics.push(if variable.sensitive {
                // The line of the value must not be shown.
                let place = configuration.sources.location(given.place).unwrap_or_default();
                let detail = format!("{} It is given in `{place}`.", diagnostic.detail);
                diagnostic.detail(detail)
            } else {
                diagnostic.at(given.place)
            });
            None
        }
    }
}
