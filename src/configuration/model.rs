//! The typed blocks of a configuration. Expressions stay unevaluated.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::shape::sentence;
use crate::address::{Mode, Target};
use crate::diagnostic::{Diagnostic, SourceMap, Span};
use crate::resources::Schema;
use crate::syntax::ast::{Body, Expression, Identifier};
use crate::value::{self, ConversionError, Defaults, Name, Step, Type, Value};

/// A whole configuration with its sources.
#[derive(Debug, Clone, Default)]
pub struct Configuration {
    /// The root module.
    pub root: Arc<Module>,
    /// All texts, variable files included.
    pub sources: SourceMap,
    /// The configuration files by path relative to the configuration's directory, as a saved plan
    /// keeps them.
    pub files: BTreeMap<PathBuf, Arc<str>>,
    /// The configuration's directory.
    pub directory: PathBuf,
}

/// The blocks of one directory.
#[derive(Debug, Clone, Default)]
pub struct Module {
    /// The directory, relative to the root's.
    pub directory: PathBuf,
    /// The `natform` block.
    pub settings: Settings,
    /// `provider` blocks; the default one has the alias `""`.
    pub providers: BTreeMap<Name, Provider>,
    /// `variable` blocks.
    pub variables: BTreeMap<Name, Variable>,
    /// `locals`.
    pub locals: BTreeMap<Name, Local>,
    /// `resource` and `data` blocks.
    pub resources: BTreeMap<(Mode, Name, Name), Box<Resource>>,
    /// `output` blocks.
    pub outputs: BTreeMap<Name, Output>,
    /// `module` blocks with the module that each calls.
    pub calls: BTreeMap<Name, ModuleCall>,
    /// `moved` blocks.
    pub moved: Vec<Moved>,
    /// `removed` blocks.
    pub removed: Vec<Removed>,
    /// `import` blocks; only in the root.
    pub imports: Vec<Import>,
    /// `check` blocks.
    pub checks: BTreeMap<Name, Check>,
    /// Blocks that could not be understood, as references name them (`var.a`, `nat_gatway.main`):
    /// they were reported once, and what refers to them is not reported again.
    pub unread: BTreeSet<String>,
    /// Whether a whole file could not be read: then nothing is reported as undeclared.
    pub incomplete: bool,
}

/// The `natform` block.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// `required_version`, checked while loading.
    pub required_version: Option<(String, Span)>,
    /// Path of the state file (`backend "sqlite" { path = … }`), relative to the directory.
    pub state_path: Option<(String, Span)>,
}

/// A `provider` block.
#[derive(Debug, Clone)]
pub struct Provider {
    /// Its arguments: region, endpoint, edition, `access_key_id`, …, quotas.
    pub body: Body,
    /// The block's header.
    pub span: Span,
}

/// A `variable` block.
#[derive(Debug, Clone)]
pub struct Variable {
    /// Name.
    pub name: Identifier,
    /// Type constraint; `Any` when there is none.
    pub ty: Type,
    /// Whether a value from the command line or the environment is taken as text, not parsed: for
    /// primitive types, and where no type is given.
    pub literal: bool,
    /// Defaults of optional attributes inside the type, applied before conversion.
    pub defaults: Option<Arc<Defaults>>,
    /// Value when none is given, converted to the type.
    pub default: Option<Value>,
    /// For people.
    pub description: Option<String>,
    /// Whether its value is hidden.
    pub sensitive: bool,
    /// Whether null is a value rather than a request for the default.
    pub nullable: bool,
    /// `validation` blocks: condition and message.
    pub validations: Vec<Condition>,
    /// The block's header.
    pub span: Span,
}

impl Variable {
    /// Fills the defaults of optional attributes in and converts a value to the variable's type.
    pub fn convert(&self, value: &Value) -> Result<Value, ConversionError> {
        match &self.defaults {
            Some(defaults) => value::convert(&defaults.apply(value), &self.ty),
            None => value::convert(value, &self.ty),
        }
    }

    /// Takes a value that was given: null counts as none where the variable is not nullable, the
    /// rest is converted. The diagnostic has no place yet.
    pub fn accept(&self, value: &Value) -> Result<Value, Box<Diagnostic>> {
        let name = &self.name.text;
        if value.is_null() && !self.nullable {
            return self.default.clone().ok_or_else(|| {
                Box::new(
                    Diagnostic::error("invalid-variable", format!("value of `var.{name}` is null"))
                        .detail("The variable has `nullable = false`.")
                        .see(self.span, "declared here"),
                )
            });
        }
        self.convert(value).map_err(|error| {
            let summary = format!("value of `var.{name}` does not fit its type");
            // Keys of maps on the way to the part that does not fit are values, too.
            let keys = error.path.0.iter().any(|step| matches!(step, Step::Key(_)));
            let why = if keys && (self.sensitive || value.deep_sensitive()) {
                String::from("Which part of it is withheld because it is sensitive.")
            } else {
                sentence(&error)
            };
            Box::new(
                Diagnostic::error("invalid-variable", summary)
                    .detail(why)
                    .see(self.span, format!("its type is `{}`", self.ty)),
            )
        })
    }

    /// Returns whether a value must be given.
    pub fn is_required(&self) -> bool {
        self.default.is_none()
    }
}

/// A condition with the message when it does not hold.
#[derive(Debug, Clone)]
pub struct Condition {
    /// What must hold.
    pub condition: Expression,
    /// What to say when it does not hold.
    pub error_message: Expression,
    /// The block's header.
    pub span: Span,
}

/// One local value.
#[derive(Debug, Clone)]
pub struct Local {
    /// Name.
    pub name: Identifier,
    /// Value.
    pub value: Expression,
}

/// How instances of a block multiply.
#[derive(Debug, Clone, Default)]
pub enum Repetition {
    /// One instance without a key.
    #[default]
    Single,
    /// `count`
    Count(Expression),
    /// `for_each`
    ForEach(Expression),
}

/// A `resource` or `data` block.
#[derive(Debug, Clone)]
pub struct Resource {
    /// Managed or data.
    pub mode: Mode,
    /// Resource type.
    pub kind: Identifier,
    /// Name.
    pub name: Identifier,
    /// The schema of the type.
    pub schema: &'static Schema,
    /// Arguments and nested blocks, without meta-arguments.
    pub body: Body,
    /// `count` or `for_each`.
    pub repetition: Repetition,
    /// Alias of the provider; `""` for the default one.
    pub provider: Name,
    /// Where the provider is named.
    pub provider_span: Option<Span>,
    /// `depends_on`: references to resources, data and modules.
    pub depends_on: Vec<Expression>,
    /// `lifecycle`; blocks without one share it.
    pub lifecycle: Arc<Lifecycle>,
    /// The `timeouts` blocks, plain and `dynamic`, with the arguments that [`super::limits`] tells.
    pub timeouts: Body,
    /// The check that a data source belongs to: only its assertions see it, and what goes wrong with it
    /// is a warning.
    pub check: Option<Name>,
    /// The block's header.
    pub span: Span,
}

/// `lifecycle`
#[derive(Debug, Clone, Default)]
pub struct Lifecycle {
    /// Makes the new object before the old one is deleted.
    pub create_before_destroy: Option<bool>,
    /// Refuses a plan that would delete it.
    pub prevent_destroy: Option<Expression>,
    /// Attributes whose differences are passed over.
    pub ignore_changes: Vec<Identifier>,
    /// Whether `ignore_changes = all`.
    pub ignore_all: bool,
    /// References whose change replaces it.
    pub replace_triggered_by: Vec<Expression>,
    /// Checked before it is planned.
    pub preconditions: Vec<Condition>,
    /// Checked after it was planned and applied.
    pub postconditions: Vec<Condition>,
}

/// An `output` block.
#[derive(Debug, Clone)]
pub struct Output {
    /// Name.
    pub name: Identifier,
    /// Value.
    pub value: Expression,
    /// For people.
    pub description: Option<String>,
    /// Whether its value is hidden.
    pub sensitive: bool,
    /// `depends_on`
    pub depends_on: Vec<Expression>,
    /// `precondition` blocks.
    pub preconditions: Vec<Condition>,
    /// The block's header.
    pub span: Span,
}

/// A `module` block.
#[derive(Debug, Clone)]
pub struct ModuleCall {
    /// Name.
    pub name: Identifier,
    /// The module that it calls.
    pub module: Arc<Module>,
    /// Values of the module's variables.
    pub arguments: BTreeMap<Name, (Identifier, Expression)>,
    /// `count` or `for_each`.
    pub repetition: Repetition,
    /// `depends_on`
    pub depends_on: Vec<Expression>,
    /// `providers`: alias inside → alias outside with its place.
    pub providers: BTreeMap<Name, Identifier>,
    /// The block's header.
    pub span: Span,
}

/// A `moved` block. Addresses are relative to the module that holds it.
#[derive(Debug, Clone)]
pub struct Moved {
    /// Where the object was.
    pub from: Target,
    /// Where it is now.
    pub to: Target,
    /// Place of `from`.
    pub from_span: Span,
    /// Place of `to`.
    pub to_span: Span,
    /// The block's header.
    pub span: Span,
}

/// A `removed` block. The address is relative to the module that holds it.
#[derive(Debug, Clone)]
pub struct Removed {
    /// The resource or module that is no longer in configuration.
    pub from: Target,
    /// Place of `from`.
    pub from_span: Span,
    /// Whether its objects are deleted; else they are only forgotten.
    pub destroy: bool,
    /// The block's header.
    pub span: Span,
}

/// An `import` block.
#[derive(Debug, Clone)]
pub struct Import {
    /// Address of the instance; its keys may be expressions.
    pub to: Expression,
    /// Import id.
    pub id: Expression,
    /// `for_each`
    pub for_each: Option<Expression>,
    /// Alias of the provider, where one is given.
    pub provider: Option<Name>,
    /// The block's header.
    pub span: Span,
}

/// A `check` block.
#[derive(Debug, Clone)]
pub struct Check {
    /// Name.
    pub name: Identifier,
    /// `assert` blocks.
    pub assertions: Vec<Condition>,
    /// The block's header.
    pub span: Span,
}
