//! The check of one reference.

use std::collections::{BTreeMap, BTreeSet};

use super::{Checker, Place};
use crate::address::{Key, Mode};
use crate::configuration::model::{Module, Repetition};
use crate::configuration::shape::suggest;
use crate::diagnostic::{Diagnostic, Span, did_you_mean, list};
use crate::language::{self, Reference, ReferenceStep};
use crate::resources::schema::Kind;
use crate::resources::{Attribute, Schema};
use crate::syntax::ast::{Expression, Identifier};
use crate::value::Name;

/// The first words of references that are no resource types.
const ROOTS: [&str; 9] =
    ["var", "local", "module", "data", "each", "count", "self", "path", "terraform"];

/// Returns whether a word names the program itself, as in `terraform.workspace`.
pub fn is_engine(word: &str) -> bool {
    matches!(word, "terraform" | "tofu" | "natform")
}

/// Returns the mistake of referring to the program itself.
pub fn no_engine(word: &str, span: Span) -> Diagnostic {
    Diagnostic::error("invalid-reference", format!("there is no `{word}` to refer to"))
        .detail("natform has no workspaces; a state is a file of its own.")
        .at(span)
        .help("use a variable for what differs between environments")
}

impl Checker<'_> {
    pub(super) fn function(&mut self, name: &Identifier) {
        if language::is_function(&name.text) {
            return;
        }
        let diagnostic =
            Diagnostic::error("unknown-function", format!("there is no function `{}`", name.text))
                .at(name.span);
        if name.text.starts_with("provider::") {
            let diagnostic = diagnostic.detail("Providers bring no functions with them here.");
            self.diagnostics.push(diagnostic);
            return;
        }
        self.diagnostics.push(match did_you_mean(&name.text, language::function_names()) {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")).fix(name.span, near),
            None => diagnostic,
        });
    }

    /// Checks one reference and reports at most one mistake in it.
    pub(super) fn reference(&mut self, reference: &Reference, place: Place<'_>) {
        let root = &*reference.root.text;
        if place.iterators.contains(&root) {
            self.members(reference, &["key", "value"]);
            return;
        }
        match root {
            "var" => self.named(reference, "variable", &self.module.variables),
            "local" => self.named(reference, "local value", &self.module.locals),
            "each" | "count" => self.repetition(reference, place),
            "self" => self.own_object(reference, place),
            "path" => self.members(reference, &["module", "root", "cwd"]),
            _ if is_engine(root) => self.engine(reference),
            "module" => {
                if self.is_in_time(reference, place) {
                    self.module_call(reference);
                }
            }
            "data" => {
                if self.is_in_time(reference, place) {
                    self.block(reference, Mode::Data, place);
                }
            }
            _ if reference.steps.is_empty() => self.bare_word(&reference.root),
            _ => {
                if self.is_in_time(reference, place) {
                    self.block(reference, Mode::Managed, place);
                }
            }
        }
    }

    /// Checks an entry of `depends_on`.
    pub(super) fn dependency(&mut self, expression: &Expression, place: Place<'_>) {
        for reference in language::references(expression) {
            let root = &*reference.root.text;
            if matches!(root, "var" | "local" | "each" | "count" | "self" | "path") {
                self.diagnostics.push(
                    Diagnostic::error("invalid-argument", "this is nothing to depend on")
                        .at(reference.span)
                        .help("`depends_on` takes resources, data sources and modules"),
                );
                return;
            }
            let own = if root == "data" { 2 } else { 1 };
            let extra = reference
                .steps
                .iter()
                .skip(own)
                .position(|step| matches!(step, ReferenceStep::Attribute(_)));
            let Some(extra) = extra.map(|at| at + own) else {
                self.reference(&reference, place);
                continue;
            };
            if let ReferenceStep::Attribute(name) = &reference.steps[extra] {
                self.diagnostics.push(
                    Diagnostic::error(
                        "invalid-argument",
                        "`depends_on` takes whole resources, not their attributes",
                    )
                    .at(name.span)
                    .help("remove the attribute"),
                );
            }
            let mut whole = reference;
            whole.steps.truncate(extra);
            self.reference(&whole, place);
        }
    }

    /// Checks an entry of `replace_triggered_by`.
    pub(super) fn trigger(&mut self, expression: &Expression, place: Place<'_>) {
        for (i, reference) in language::references(expression).iter().enumerate() {
            // What follows the first one stands in its indices.
            if i > 0 || !ROOTS.contains(&&*reference.root.text) {
                self.reference(reference, place);
            } else {
                self.diagnostics.push(
                    Diagnostic::error("invalid-argument", "this cannot trigger a replacement")
                        .at(reference.span)
                        .help("`replace_triggered_by` takes resources of the same module and their attributes"),
                );
            }
        }
    }

    /// Returns the step after the first word as a name, or reports that there is none.
    fn name<'r>(&mut self, reference: &'r Reference, what: &str) -> Option<&'r Identifier> {
        if let Some(ReferenceStep::Attribute(name)) = reference.steps.first() {
            return Some(name);
        }
        let root = &reference.root.text;
        self.diagnostics.push(
            Diagnostic::error("invalid-reference", format!("`{root}` needs a name after it"))
                .at(reference.span)
                .help(format!("write `{root}.` and the name of a {what}")),
        );
        None
    }

    /// Checks `var.name` and `local.name`.
    fn named<T>(&mut self, reference: &Reference, what: &str, declared: &BTreeMap<Name, T>) {
        let Some(name) = self.name(reference, what) else { return };
        let root = &reference.root.text;
        if declared.contains_key(&name.text) || self.is_unread(&format!("{root}.{}", name.text)) {
            return;
        }
        let diagnostic = Diagnostic::error(
            "undeclared",
            format!("there is no {what} `{}` in {}", name.text, self.module_name()),
        )
        .at(name.span);
        let other = match &**root {
            "var" if self.module.locals.contains_key(&name.text) => Some("local"),
            "local" if self.module.variables.contains_key(&name.text) => Some("var"),
            _ => None,
        };
        let diagnostic = if let Some(other) = other {
            diagnostic
                .help(format!("did you mean `{other}.{}`?", name.text))
                .fix(reference.root.span, other)
        } else if let Some(near) = did_you_mean(&name.text, declared.keys().map(|n| &**n)) {
            diagnostic.help(format!("did you mean `{near}`?")).fix(name.span, near)
        } else if &**root == "var" {
            diagnostic.help(format!("declare it: `variable \"{}\" {{ … }}`", name.text))
        } else {
            diagnostic.help(format!("declare it: `locals {{ {} = … }}`", name.text))
        };
        self.diagnostics.push(diagnostic);
    }

    /// Checks a root that has fixed names below it.
    fn members(&mut self, reference: &Reference, members: &[&str]) {
        let root = &reference.root.text;
        match reference.steps.first() {
            Some(ReferenceStep::Attribute(name)) if members.contains(&&*name.text) => {}
            Some(ReferenceStep::Attribute(name)) => {
                let diagnostic = Diagnostic::error(
                    "invalid-reference",
                    format!("`{root}` has no `{}`", name.text),
                )
                .at(name.span);
                self.diagnostics.push(suggest(diagnostic, name, members, "its names"));
            }
            _ => self.diagnostics.push(
                Diagnostic::error("invalid-reference", format!("`{root}` needs a name after it"))
                    .at(reference.span)
                    .help(format!("there are {}", list(members.iter().copied()))),
            ),
        }
    }

    fn repetition(&mut self, reference: &Reference, place: Place<'_>) {
        let root = &*reference.root.text;
        let (argument, members): (_, &[&str]) =
            if root == "each" { ("for_each", &["key", "value"]) } else { ("count", &["index"]) };
        let fits = match place.repetition {
            Some(Repetition::ForEach(_)) => root == "each",
            Some(Repetition::Count(_)) => root == "count",
            Some(Repetition::Single) | None => false,
        };
        if fits {
            self.members(reference, members);
            return;
        }
        let diagnostic =
            Diagnostic::error("invalid-reference", format!("`{root}` has no meaning here"))
                .at(reference.span);
        self.diagnostics.push(match place.repetition {
            None => diagnostic.help(format!(
                "it exists only inside blocks that have `{argument}`, beside that argument"
            )),
            Some(_) => diagnostic
                .detail(format!("The block has no `{argument}`."))
                .help(format!("add `{argument} = …` to the block, or use something else here")),
        });
    }

    fn own_object(&mut self, reference: &Reference, place: Place<'_>) {
        if !place.own_object {
            self.diagnostics.push(
                Diagnostic::error("invalid-reference", "`self` has no meaning here")
                    .at(reference.span)
                    .help("it exists only in `postcondition` blocks"),
            );
        }
    }

    fn engine(&mut self, reference: &Reference) {
        self.diagnostics.push(no_engine(&reference.root.text, reference.span));
    }

    fn is_in_time(&mut self, reference: &Reference, place: Place<'_>) -> bool {
        let Some(why) = place.early else { return true };
        self.diagnostics.push(
            Diagnostic::error("invalid-reference", "objects cannot be used here")
                .detail(format!("It is evaluated early: {why}."))
                .at(reference.span)
                .help("use variables and local values that come from variables"),
        );
        false
    }

    fn bare_word(&mut self, word: &Identifier) {
        let text = &*word.text;
        let diagnostic =
            Diagnostic::error("invalid-reference", format!("`{text}` refers to nothing"))
                .at(word.span);
        self.diagnostics.push(if self.module.variables.contains_key(text) {
            diagnostic
                .help(format!("did you mean `var.{text}`?"))
                .fix(word.span, format!("var.{text}"))
        } else if self.module.locals.contains_key(text) {
            diagnostic
                .help(format!("did you mean `local.{text}`?"))
                .fix(word.span, format!("local.{text}"))
        } else if self.catalogue.find(Mode::Managed, text).is_some() {
            diagnostic.help(format!("name a block: `{text}.NAME`"))
        } else {
            diagnostic.help(format!("a text stands in quotes: `\"{text}\"`"))
        });
    }

    fn module_call(&mut self, reference: &Reference) {
        let Some(name) = self.name(reference, "module") else { return };
        if self.is_unread(&format!("module.{}", name.text)) {
            return;
        }
        let Some(call) = self.module.calls.get(&name.text) else {
            let diagnostic = Diagnostic::error(
                "undeclared",
                format!("there is no module `{}` in {}", name.text, self.module_name()),
            )
            .at(name.span);
            let names: Vec<&str> = self.module.calls.keys().map(|n| &**n).collect();
            self.diagnostics.push(if names.is_empty() {
                let form = format!("declare it: `module \"{}\" {{ source = \"./…\" }}`", name.text);
                diagnostic.help(form)
            } else {
                suggest(diagnostic, name, &names, "the modules")
            });
            return;
        };
        let what = format!("module.{}", name.text);
        let Some(rest) = self.instance(&what, &call.repetition, call.span, &reference.steps[1..])
        else {
            return;
        };
        let Some(ReferenceStep::Attribute(output)) = rest.first() else { return };
        let module: &Module = &call.module;
        let known = module.outputs.contains_key(&output.text)
            || module.incomplete
            || module.unread.contains(&format!("output.{}", output.text));
        if !known {
            let diagnostic = Diagnostic::error(
                "undeclared",
                format!("the module `{}` has no output `{}`", name.text, output.text),
            )
            .at(output.span);
            let names: Vec<&str> = module.outputs.keys().map(|n| &**n).collect();
            let diagnostic = if names.is_empty() {
                diagnostic.help("declare it in the module: `output \"…\" { value = … }`")
            } else {
                suggest(diagnostic, output, &names, "its outputs")
            };
            self.diagnostics.push(diagnostic);
        }
    }

    fn block(&mut self, reference: &Reference, mode: Mode, place: Place<'_>) {
        let mut names = reference.names();
        let kind = if mode == Mode::Data { names.next() } else { Some(&reference.root) };
        let (Some(kind), Some(name)) = (kind, names.next()) else {
            self.incomplete_block(reference, mode);
            return;
        };
        let used = if mode == Mode::Data { 2 } else { 1 };
        let shown = shown(mode, kind, name);
        if self.is_unread(&shown) {
            return;
        }
        let key = (mode, kind.text.clone(), name.text.clone());
        let Some(resource) = self.module.resources.get(&key) else {
            let diagnostic = self.undeclared(mode, kind, name);
            self.diagnostics.push(diagnostic);
            return;
        };
        if let Some(check) = resource.check.as_deref().filter(|check| place.check != Some(check)) {
            self.diagnostics.push(
                Diagnostic::error("invalid-reference", format!("`{shown}` belongs to a check"))
                    .detail(format!("Only the check `{check}` sees it."))
                    .at(reference.span)
                    .see(resource.span, "it is declared here")
                    .help("declare it outside of the `check` block to use it elsewhere"),
            );
            return;
        }
        if place.resource.is_some_and(|own| std::ptr::eq(own, &raw const **resource)) {
            self.diagnostics.push(
                Diagnostic::error("self-reference", format!("`{shown}` refers to itself"))
                    .at(reference.span)
                    .see(resource.span, "inside this block")
                    .help("refer to what its arguments refer to; put shared values into `locals`"),
            );
            return;
        }
        let rest = &reference.steps[used..];
        if let Some(rest) = self.instance(&shown, &resource.repetition, resource.span, rest) {
            self.attribute(resource.schema, rest);
        }
    }

    fn incomplete_block(&mut self, reference: &Reference, mode: Mode) {
        let form = match mode {
            Mode::Data => String::from("data.TYPE.NAME"),
            Mode::Managed => format!("{}.NAME", reference.root.text),
        };
        self.diagnostics.push(
            Diagnostic::error("invalid-reference", "this reference is not complete")
                .at(reference.span)
                .help(format!("write `{form}`, or quotes around a text")),
        );
    }

    fn undeclared(&self, mode: Mode, kind: &Identifier, name: &Identifier) -> Diagnostic {
        let shown = shown(mode, kind, name);
        let diagnostic = Diagnostic::error(
            "undeclared",
            format!("there is no `{shown}` in {}", self.module_name()),
        );
        let siblings: Vec<&str> = self
            .module
            .resources
            .keys()
            .filter(|(m, k, _)| *m == mode && *k == kind.text)
            .map(|(_, _, n)| &**n)
            .collect();
        if !siblings.is_empty() {
            let what = format!("the `{}` blocks", kind.text);
            return suggest(diagnostic.at(name.span), name, &siblings, &what);
        }
        let other = if mode == Mode::Data { Mode::Managed } else { Mode::Data };
        if self.module.resources.contains_key(&(other, kind.text.clone(), name.text.clone())) {
            let instead = self::shown(other, kind, name);
            return diagnostic
                .at(kind.span.to(name.span))
                .help(format!("did you mean `{instead}`?"));
        }
        if self.catalogue.find(mode, &kind.text).is_some() {
            let word = if mode == Mode::Data { "data" } else { "resource" };
            return diagnostic
                .at(name.span)
                .help(format!("declare it: `{word} \"{}\" \"{}\" {{ … }}`", kind.text, name.text));
        }
        let mut words: BTreeSet<&str> = self.catalogue.kinds(mode).collect();
        if mode == Mode::Managed {
            words.extend(ROOTS);
            words.remove("terraform");
        }
        let near = did_you_mean(&kind.text, words);
        let diagnostic = diagnostic.at(kind.span);
        match near {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")).fix(kind.span, near),
            None => diagnostic.detail(format!("`{}` is no resource type.", kind.text)),
        }
    }

    /// Checks that a reference names an instance as the block's repetition asks for; returns what
    /// follows.
    fn instance<'r>(
        &mut self,
        what: &str,
        repetition: &Repetition,
        block: Span,
        steps: &'r [ReferenceStep],
    ) -> Option<&'r [ReferenceStep]> {
        let diagnostic = match (repetition, steps.first()) {
            (
                Repetition::Single,
                Some(ReferenceStep::Key(_, span) | ReferenceStep::Computed(span)),
            ) => {
                Diagnostic::error("invalid-key", format!("`{what}` has one instance without a key"))
                    .at(*span)
                    .see(block, "it has neither `count` nor `for_each`")
                    .help("remove the index")
            }
            (
                Repetition::Count(_) | Repetition::ForEach(_),
                Some(ReferenceStep::Attribute(name)),
            ) => {
                let (argument, example) = match repetition {
                    Repetition::Count(_) => ("count", "[count.index]"),
                    _ => ("for_each", "[each.key]"),
                };
                Diagnostic::error("missing-key", format!("`{what}` has several instances"))
                    .at(name.span)
                    .see(block, format!("it has `{argument}`"))
                    .help(format!(
                        "name one: `{what}{example}.{0}`; or all: `{1}`",
                        name.text,
                        match repetition {
                            Repetition::Count(_) => format!("{what}[*].{}", name.text),
                            _ => format!("values({what})[*].{}", name.text),
                        }
                    ))
            }
            (Repetition::Count(_), Some(ReferenceStep::Key(Key::Text(text), span)))
                if text.parse::<u64>().is_err() =>
            {
                Diagnostic::error("invalid-key", format!("instances of `{what}` are numbered"))
                    .at(*span)
                    .see(block, "it has `count`")
                    .help(format!("write `{what}[0]`"))
            }
            (Repetition::Single, _) => return Some(steps),
            (_, rest) => return rest.map(|_| &steps[1..]),
        };
        self.diagnostics.push(diagnostic);
        None
    }

    /// Checks the attributes behind an instance.
    fn attribute(&mut self, schema: &'static Schema, steps: &[ReferenceStep]) {
        let Some((ReferenceStep::Attribute(name), rest)) = steps.split_first() else { return };
        if schema.blocks.iter().any(|(block, _, _)| *block == &*name.text) {
            return;
        }
        let Some(attribute) = schema.attribute(&name.text) else {
            let mut names: Vec<&str> = schema.attributes.iter().map(|a| a.name).collect();
            names.extend(schema.blocks.iter().map(|(block, _, _)| *block));
            let diagnostic = Diagnostic::error(
                "unknown-attribute",
                format!("`{}` has no attribute `{}`", schema.kind, name.text),
            )
            .at(name.span);
            self.diagnostics.push(suggest(diagnostic, name, &names, "its attributes"));
            return;
        };
        self.inside(&name.text, attribute.kind, rest);
    }

    fn inside(&mut self, what: &str, kind: Kind, steps: &[ReferenceStep]) {
        match (kind, steps) {
            (Kind::Objects(_), [ReferenceStep::Attribute(name), ..]) => self.diagnostics.push(
                Diagnostic::error("unknown-attribute", format!("`{what}` is a list"))
                    .at(name.span)
                    .help(format!(
                        "name an element: `{what}[0].{0}`; or all: `{what}[*].{0}`",
                        name.text
                    )),
            ),
            (Kind::Struct(fields), [ReferenceStep::Attribute(name), rest @ ..])
            | (Kind::Objects(fields), [_, ReferenceStep::Attribute(name), rest @ ..]) => {
                self.field(what, fields, name, rest);
            }
            _ => {}
        }
    }

    fn field(
        &mut self,
        what: &str,
        fields: &[Attribute],
        name: &Identifier,
        rest: &[ReferenceStep],
    ) {
        if let Some(field) = fields.iter().find(|f| *f.name == *name.text) {
            self.inside(field.name, field.kind, rest);
            return;
        }
        let names: Vec<&str> = fields.iter().map(|f| f.name).collect();
        let diagnostic = Diagnostic::error(
            "unknown-attribute",
            format!("`{what}` has no attribute `{}`", name.text),
        )
        .at(name.span);
        self.diagnostics.push(suggest(diagnostic, name, &names, "its attributes"));
    }

    /// Returns whether a name may have been declared in what could not be read.
    fn is_unread(&self, reference: &str) -> bool {
        self.module.incomplete || self.module.unread.contains(reference)
    }

    fn module_name(&self) -> String {
        if self.module.directory.as_os_str().is_empty() {
            String::from("the root module")
        } else {
            format!("the module `{}`", self.module.directory.display())
        }
    }
}

/// Writes a block as references name it.
fn shown(mode: Mode, kind: &Identifier, name: &Identifier) -> String {
    let prefix = if mode == Mode::Data { "data." } else { "" };
    format!("{prefix}{}.{}", kind.text, name.text)
}
