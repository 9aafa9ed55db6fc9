//! The built-in functions: one table of names, parameters and documentation, a file per family, and
//! the one way to call them.
//!
//! [`call`] does what all functions have in common: it counts and converts arguments, refuses nulls,
//! keeps unknowns unknown and sensitive values sensitive. Functions that need unevaluated arguments
//! or the evaluator (`try`, `can`, `type`, `templatefile`, `templatestring`) are not here.
//!
//! Nothing here panics, runs without end or takes memory without bound, whatever the arguments.

#![expect(clippy::unnecessary_wraps, reason = "all functions have the one signature of the table")]

mod charsets;
mod cidr;
mod collection;
mod csv;
mod dates;
mod encoding;
mod files;
mod format;
mod glob;
mod hashes;
mod meta;
mod numeric;
mod pattern;
mod rsa;
mod sets;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod yaml_read;
mod yaml_write;

use std::fmt;
use std::path::Path;

use crate::environment::{Files, Ids, Timestamp};
use crate::value::{Number, Type, Value, convert};

pub use files::read_text;

/// Longest text that a function makes, in bytes.
const TEXT_LIMIT: usize = 64 << 20;
/// Most elements that a function makes.
const ELEMENT_LIMIT: usize = 1 << 20;

/// What functions may ask of the outside.
pub struct FunctionContext<'a> {
    /// The files that may be read.
    pub files: &'a dyn Files,
    /// The directory that relative paths start from (`path.cwd`).
    pub base: &'a Path,
    /// The home directory, for `~` in paths.
    pub home: Option<&'a Path>,
    /// The time of the plan, which `plantimestamp` returns; absent: unknown.
    pub plan_time: Option<Timestamp>,
    /// Whether values may be had that differ each time (`timestamp`, `uuid`, `bcrypt`); while
    /// planning they are unknown.
    pub applying: bool,
    /// The present time.
    pub now: Timestamp,
    /// Makes identifiers; absent: `uuid` and `bcrypt` are unknown.
    pub ids: Option<&'a dyn Ids>,
}

impl<'a> FunctionContext<'a> {
    /// Returns a context for planning: without a home directory and identifiers.
    pub fn planning(files: &'a dyn Files, base: &'a Path, now: Timestamp) -> Self {
        Self { files, base, home: None, plan_time: Some(now), applying: false, now, ids: None }
    }
}

/// Why a function has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionError {
    /// The argument that is to blame, from 0.
    pub argument: Option<usize>,
    /// Why, in lower case without a full stop. It never quotes a sensitive value.
    pub message: String,
}

impl fmt::Display for FunctionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for FunctionError {}

/// What went wrong inside a function.
#[derive(Debug)]
struct Failure {
    argument: Option<usize>,
    message: String,
    /// Whether the message quotes an argument, which may be a secret.
    quotes: bool,
}

impl Failure {
    /// A failure that no single argument is to blame for.
    fn new(message: impl Into<String>) -> Self {
        Self { argument: None, message: message.into(), quotes: false }
    }

    /// A failure of one argument.
    fn at(argument: usize, message: impl Into<String>) -> Self {
        Self { argument: Some(argument), message: message.into(), quotes: false }
    }

    /// The message quotes something of the arguments.
    const fn quoting(mut self) -> Self {
        self.quotes = true;
        self
    }
}

type Outcome = Result<Value, Failure>;

/// What an argument is converted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Any,
    Bool,
    Number,
    String,
    /// `list(any)`
    List,
    /// `list(bool)`
    Bools,
    /// `list(number)`
    Numbers,
    /// `list(string)`
    Strings,
    /// `set(any)`
    Set,
    /// `set(string)`
    StringSet,
    /// `map(list(string))`
    StringLists,
}

impl Kind {
    fn ty(self) -> Type {
        match self {
            Self::Any => Type::Any,
            Self::Bool => Type::Bool,
            Self::Number => Type::Number,
            Self::String => Type::String,
            Self::List => Type::list(Type::Any),
            Self::Bools => Type::list(Type::Bool),
            Self::Numbers => Type::list(Type::Number),
            Self::Strings => Type::list(Type::String),
            Self::Set => Type::set(Type::Any),
            Self::StringSet => Type::set(Type::String),
            Self::StringLists => Type::map(Type::list(Type::String)),
        }
    }
}

/// The type of the result, for when the result itself is unknown.
#[derive(Clone, Copy)]
enum Returns {
    Fixed(Kind),
    Computed(fn(&[Value]) -> Type),
}

/// How marks of arguments pass to the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Marks {
    /// Any mark, also one inside, passes to the whole result.
    Whole,
    /// Marks on arguments pass to the whole result, marks inside stay on what they are on.
    Elements,
    /// The function sees to it.
    Own,
}

/// A built-in function.
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// The names of its parameters.
    pub parameters: &'static [&'static str],
    /// Whether the last parameter takes any number of arguments, also none.
    pub variadic: bool,
    /// What it does, in one line.
    pub doc: &'static str,
    kinds: &'static [Kind],
    returns: Returns,
    /// The first argument that may be null, as may those behind it.
    nulls_from: usize,
    /// Whether it looks at arguments that are unknown in part or as a whole.
    takes_unknown: bool,
    marks: Marks,
    run: fn(&Call<'_>) -> Outcome,
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Function").field("name", &self.name).finish_non_exhaustive()
    }
}

/// One call, with its converted arguments.
struct Call<'a> {
    arguments: Vec<Value>,
    context: &'a FunctionContext<'a>,
}

impl Call<'_> {
    fn count(&self) -> usize {
        self.arguments.len()
    }

    /// Returns an argument.
    fn value(&self, index: usize) -> &Value {
        static NULL: Value = Value::null();
        self.arguments.get(index).unwrap_or(&NULL)
    }

    /// Returns the arguments from `index` on.
    fn rest(&self, index: usize) -> &[Value] {
        self.arguments.get(index..).unwrap_or_default()
    }

    /// Returns an argument that was converted to a string.
    fn text(&self, index: usize) -> &str {
        self.value(index).as_str().unwrap_or_default()
    }

    /// Returns an argument that was converted to a number.
    fn number(&self, index: usize) -> Number {
        self.value(index).as_number().cloned().unwrap_or_default()
    }

    /// Returns an argument that has to be a whole number of 64 bits.
    fn whole(&self, index: usize) -> Result<i64, Failure> {
        self.number(index).to_i64().ok_or_else(|| {
            Failure::at(
                index,
                format!("value must be a whole number, between {} and {}", i64::MIN, i64::MAX),
            )
        })
    }

    /// Returns the elements of an argument that was converted to a list or set.
    fn elements(&self, index: usize) -> &[Value] {
        self.value(index).as_elements().unwrap_or_default()
    }
}

/// Refuses a text that would be too long.
fn check_length(bytes: usize) -> Result<(), Failure> {
    if bytes > TEXT_LIMIT {
        return Err(Failure::new(format!(
            "the result would be longer than {} MiB",
            TEXT_LIMIT >> 20
        )));
    }
    Ok(())
}

/// Refuses a collection that would have too many elements.
fn check_count(elements: usize) -> Result<(), Failure> {
    if elements > ELEMENT_LIMIT {
        return Err(Failure::new(format!(
            "the result would have more than {ELEMENT_LIMIT} elements"
        )));
    }
    Ok(())
}

impl Function {
    /// Returns whether it looks at all parts of its arguments, however little it makes of them.
    pub(super) fn looks_at_all(&self) -> bool {
        self.marks == Marks::Whole || !self.takes_unknown
    }
}

/// Finds a function by name, with or without the prefix `core::`.
pub fn lookup(name: &str) -> Option<&'static Function> {
    let name = name.strip_prefix("core::").unwrap_or(name);
    let index = table::FUNCTIONS.binary_search_by(|function| function.name.cmp(name)).ok()?;
    table::FUNCTIONS.get(index)
}

/// Returns the names of all functions, sorted.
pub fn names() -> impl Iterator<Item = &'static str> {
    table::FUNCTIONS.iter().map(|function| function.name)
}

/// Calls a function.
///
/// The result is unknown where an argument is (functions of collections look at the known parts),
/// and sensitive where an argument is (functions that hand elements on keep the marks on those).
pub fn call(
    function: &Function,
    arguments: &[Value],
    context: &FunctionContext<'_>,
) -> Result<Value, FunctionError> {
    check_arity(function, arguments.len())?;
    let mut sensitive = false;
    let mut prepared = Vec::with_capacity(arguments.len());
    for (index, argument) in arguments.iter().enumerate() {
        let converted = prepare(function, index, argument)?;
        prepared.push(match function.marks {
            Marks::Whole if converted.deep_sensitive() => {
                sensitive = true;
                converted.unmark_deep()
            }
            Marks::Whole | Marks::Own => converted,
            Marks::Elements => {
                sensitive |= converted.is_sensitive();
                converted.with_sensitive(false)
            }
        });
    }
    if !function.takes_unknown && prepared.iter().any(Value::deep_unknown) {
        let result = match function.returns {
            // What takes no null gives none, unless it may give anything.
            Returns::Fixed(kind) if kind != Kind::Any && function.nulls_from == usize::MAX => {
                Value::unknown(kind.ty()).never_null()
            }
            Returns::Fixed(kind) => Value::unknown(kind.ty()),
            Returns::Computed(compute) => Value::unknown(compute(&prepared)),
        };
        return Ok(result.with_sensitive(sensitive));
    }
    let result = (function.run)(&Call { arguments: prepared, context }).map_err(|failure| {
        let message = if failure.quotes && arguments.iter().any(Value::deep_sensitive) {
            String::from("the value is not valid here; why is withheld because it is sensitive")
        } else {
            failure.message
        };
        FunctionError { argument: failure.argument, message }
    })?;
    let marked = sensitive || result.is_sensitive();
    Ok(result.with_sensitive(marked))
}

fn check_arity(function: &Function, count: usize) -> Result<(), FunctionError> {
    let required = function.parameters.len() - usize::from(function.variadic);
    let plural = |n: usize| if n == 1 { "argument" } else { "arguments" };
    let message = if count < required {
        let least = if function.variadic { "at least " } else { "" };
        format!(
            "`{}` takes {least}{required} {}; `{}` is missing",
            function.name,
            plural(required),
            function.parameters[count]
        )
    } else if count > required && !function.variadic {
        format!("`{}` takes {required} {} only, got {count}", function.name, plural(required))
    } else {
        return Ok(());
    };
    Err(FunctionError { argument: (count > required).then_some(required), message })
}

/// Converts an argument to the type of its parameter.
fn prepare(function: &Function, index: usize, argument: &Value) -> Result<Value, FunctionError> {
    let error = |message: String| FunctionError { argument: Some(index), message };
    if argument.is_null() && index < function.nulls_from {
        return Err(error(String::from("argument must not be null")));
    }
    match function.kinds.get(index).or(function.kinds.last()) {
        None | Some(Kind::Any) => Ok(argument.clone()),
        Some(kind) => convert(argument, &kind.ty()).map_err(|failed| error(failed.to_string())),
    }
}
