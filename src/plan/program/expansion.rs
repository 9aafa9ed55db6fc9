//! `count` and `for_each`.

use std::sync::Arc;

use super::conditions::with_values;
use super::scope::Place;
use super::session::Session;
use crate::address::Key;
use crate::configuration::{Repetition, sentence};
use crate::diagnostic::Diagnostic;
use crate::value::{Data, Entries, Number, Type, Value, convert};

/// Most instances of one block.
const MAX_INSTANCES: u64 = 1_000_000;

/// Most names of unknown values that a message shows.
const MAX_SHOWN: usize = 4;

/// The instances of a block.
#[derive(Debug, Clone)]
pub(super) struct Expansion {
    /// Their keys, sorted.
    pub(super) keys: Arc<[Option<Key>]>,
    /// `each.value` by key; `None` where it is the key itself, and with `count`.
    values: Option<Arc<Entries>>,
}

impl Expansion {
    /// Returns one instance without a key.
    pub(super) fn single() -> Self {
        Self { keys: [None].into(), values: None }
    }

    /// Returns whether there is an instance of that key.
    pub(super) fn contains(&self, key: Option<&Key>) -> bool {
        self.keys.binary_search_by(|k| k.as_ref().cmp(&key)).is_ok()
    }

    /// Returns `each.value` of a key.
    pub(super) fn value(&self, key: Option<&Key>) -> Option<&Value> {
        match (key, &self.values) {
            (Some(Key::Text(text)), Some(values)) => values.get(text),
            _ => None,
        }
    }
}

/// Evaluates a repetition. `what` names the block in messages.
pub(super) fn expand(
    session: &Session<'_>,
    repetition: &Repetition,
    place: &Place<'_>,
    what: &str,
) -> Option<Expansion> {
    let (expression, outcome) = match repetition {
        Repetition::Single => return Some(Expansion::single()),
        Repetition::Count(expression) => {
            let value = session.evaluate(expression, place)?;
            (expression, count(&value, what, &session.used()))
        }
        Repetition::ForEach(expression) => {
            let value = session.evaluate(expression, place)?;
            (expression, for_each(&value, what, &session.used()))
        }
    };
    match outcome {
        Ok(expansion) => Some(expansion),
        Err(diagnostic) => {
            let mut diagnostic = diagnostic.at(expression.span);
            // What is unknown was named already.
            if diagnostic.code != "unknown-repetition" {
                diagnostic = with_values(diagnostic, expression, place);
            }
            session.report([diagnostic]);
            session.fail();
            None
        }
    }
}

fn count(value: &Value, what: &str, used: &[String]) -> Result<Expansion, Box<Diagnostic>> {
    if value.is_sensitive() {
        return Err(sensitive("count", what));
    }
    if value.is_unknown() {
        return Err(unknown("count", what, value, used));
    }
    let fail = |why: &str| {
        Box::new(
            Diagnostic::error("invalid-count", format!("`count` of `{what}` is not usable"))
                .detail(format!("{why}.")),
        )
    };
    if value.is_null() {
        return Err(Box::new(fail("It is null").help("write `0` for no instances")));
    }
    let number = convert(value, &Type::Number)
        .map_err(|error| fail(sentence(&error).trim_end_matches('.')))?;
    let number = number.as_number().and_then(Number::to_u64);
    let number = number.ok_or_else(|| fail("It must be a whole number from 0"))?;
    if number > MAX_INSTANCES {
        return Err(fail(&format!("It is {number}; at most {MAX_INSTANCES} are handled")));
    }
    Ok(Expansion { keys: (0..number).map(|i| Some(Key::Number(i))).collect(), values: None })
}

fn for_each(value: &Value, what: &str, used: &[String]) -> Result<Expansion, Box<Diagnostic>> {
    if value.is_sensitive() {
        return Err(sensitive("for_each", what));
    }
    if value.is_unknown() {
        return Err(unknown("for_each", what, value, used));
    }
    let fail = |why: String| {
        Box::new(
            Diagnostic::error("invalid-for-each", format!("`for_each` of `{what}` is not usable"))
                .detail(why),
        )
    };
    match value.data() {
        Data::Map(_, entries) | Data::Object(entries) => Ok(Expansion {
            keys: entries.keys().map(|k| Some(Key::Text(Arc::clone(k)))).collect(),
            values: Some(Arc::clone(entries)),
        }),
        Data::Set(element, elements) => {
            if elements.iter().any(Value::is_unknown) {
                return Err(unknown("for_each", what, value, used));
            }
            if elements.iter().any(Value::is_sensitive) {
                return Err(sensitive("for_each", what));
            }
            if !elements.is_empty() && **element != Type::String {
                return Err(Box::new(
                    fail(format!("It is a set of {}; keys are texts.", element.friendly_name()))
                        .help("make texts of the elements: `toset([for e in … : tostring(e)])`"),
                ));
            }
            let keys: Option<Vec<Option<Key>>> =
                elements.iter().map(|e| e.as_str().map(|t| Some(Key::Text(t.into())))).collect();
            let mut keys = keys.ok_or_else(|| fail(String::from("It has a null element.")))?;
            keys.sort_unstable();
            Ok(Expansion { keys: keys.into(), values: None })
        }
        Data::Null => Err(Box::new(
            fail(String::from("It is null.")).help("write `{}` for no instances"),
        )),
        Data::List(..) | Data::Tuple(_) => Err(Box::new(
            fail(format!("It is a {}.", value.type_of().friendly_name())).help(
                "the order of a list would make the keys: write `toset(…)` for texts, or a map such as `{ for e in … : e.name => e }`",
            ),
        )),
        _ => Err(Box::new(
            fail(format!("It is a {}.", value.type_of().friendly_name()))
                .help("give a map, an object or a set of texts"),
        )),
    }
}

fn sensitive(argument: &str, what: &str) -> Box<Diagnostic> {
    Box::new(
        Diagnostic::error(
            "sensitive-repetition",
            format!("`{argument}` of `{what}` comes from a sensitive value"),
        )
        .detail("Keys and numbers of instances stand in addresses, which are shown.")
        .help("use another value, or `nonsensitive(…)` if it is no secret"),
    )
}

fn unknown(argument: &str, what: &str, value: &Value, used: &[String]) -> Box<Diagnostic> {
    let mut origins: Vec<String> = origins(value).iter().map(ToString::to_string).collect();
    if origins.is_empty() {
        origins = used.to_vec();
    }
    let mut detail = String::from(
        "The keys and the number of instances stand in addresses, so they must be known when the plan is made.",
    );
    if !origins.is_empty() {
        let shown: Vec<String> = origins.iter().take(MAX_SHOWN).map(|o| format!("`{o}`")).collect();
        let more = match origins.len().saturating_sub(MAX_SHOWN) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        detail = format!("{detail} It comes from {}{more}.", shown.join(", "));
    }
    let mut help = String::from(if argument == "for_each" {
        "use a map whose keys stand in the configuration and only whose values are unknown, such as `{ a = nat_gateway.a.id }`"
    } else {
        "count something that stands in the configuration, such as `length(var.names)`"
    });
    let target = origins.first().and_then(|o| Some(&o[..o.rfind('.')?]));
    let of_module = what.rsplit_once('.').is_some_and(|(path, _)| path.ends_with("module"));
    if of_module {
        detail.push_str(
            " Modules are expanded before anything is read from the service or the state.",
        );
        help = format!("{help}; or repeat the resources in the module instead");
    } else if let Some(target) = target {
        help = format!("{help}; or apply what it needs first: `-target '{target}'`");
    }
    Box::new(
        Diagnostic::error(
            "unknown-repetition",
            format!("`{argument}` of `{what}` is known only after apply"),
        )
        .detail(detail)
        .help(help),
    )
}

/// Returns where the unknown parts of a value come from, sorted.
fn origins(value: &Value) -> Vec<Arc<str>> {
    let mut found = Vec::new();
    value.walk(&mut |_, part| {
        if let Data::Unknown(unknown) = part.data()
            && let Some(origin) = &unknown.origin
        {
            found.push(Arc::clone(origin));
        }
        true
    });
    found.sort_unstable();
    found.dedup();
    found
}
