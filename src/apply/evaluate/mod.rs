//! The call of an operation when its turn comes: every value known, and none other than planned.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::address::Address;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::plan::{Change, Operation, Purpose, sent_on_create, steps};
use crate::resources::{Object, ResourceType, Role, Wanted};
use crate::value::{Name, SENSITIVE, Value, display, same};

/// Evaluates the configuration of a plan with what is known by now.
pub trait Evaluate {
    /// Is told of an object that there is, that changed, or that is there no more. Told of all
    /// objects before the first evaluation.
    fn learn(&self, address: &Address, object: Option<&Object>);

    /// Returns what configuration sets of an instance; for an update without the arguments that
    /// `ignore_changes` names. Preconditions that do not hold are errors.
    fn object(&self, address: &Address, purpose: Purpose) -> Result<Object, Diagnostics>;

    /// Returns whether `ignore_changes` names an attribute of an instance.
    fn ignores(&self, address: &Address, attribute: &str) -> bool {
        let _ = (address, attribute);
        false
    }

    /// Checks the postconditions of an instance that was applied.
    fn postconditions(&self, address: &Address, object: &Object) -> Diagnostics {
        let _ = (address, object);
        Diagnostics::new()
    }

    /// Returns the outputs of the root module as far as they can be evaluated, and what is wrong
    /// with the others.
    fn outputs(&self) -> (BTreeMap<Name, Value>, Diagnostics);

    /// Returns the warnings of checks that do not hold now that everything is applied.
    fn checks(&self) -> Diagnostics {
        Diagnostics::new()
    }
}

/// A call that is ready to be journaled and sent.
#[derive(Debug, Clone)]
pub(super) struct Prepared {
    /// Parameters but for the token.
    pub(super) parameters: BTreeMap<String, String>,
    /// The object as it shall be; `None` for a delete.
    pub(super) planned: Option<Object>,
    /// When it is done.
    pub(super) wanted: Wanted,
}

/// Completes an operation; `id` is the object's, once it has one. The error says which value cannot be found out or is not as planned.
pub(super) fn prepare(
    kind: &dyn ResourceType,
    change: &Change,
    operation: &Operation,
    id: Option<&str>,
    evaluate: &dyn Evaluate,
) -> Result<Prepared, Diagnostics> {
    let planned = match operation.purpose {
        Purpose::Delete => None,
        Purpose::Create | Purpose::Update => change.after.clone(),
    };
    let own = format!("{}.", change.address);
    let open = planned.as_ref().is_some_and(|object| {
        object.iter().any(|(_, value)| value.deep_unknown() && !is_own(value, &own))
    });
    let unknown = operation.parameters.iter().any(|p| p.value.deep_unknown());
    if !open && !unknown {
        let parameters = texts(&change.address, &operation.parameters_as_pairs())?;
        return Ok(Prepared { parameters, planned, wanted: operation.wanted.clone() });
    }
    let Some(planned) = planned else {
        return Err(unresolved(&change.address, "id").into());
    };
    let mut evaluated = evaluate.object(&change.address, operation.purpose)?;
    if change.is_detour() && operation.purpose == Purpose::Create {
        let ignored = |name: &&Name| evaluate.ignores(&change.address, name);
        let names: Vec<Name> =
            planned.iter().map(|(name, _)| name).filter(ignored).cloned().collect();
        for name in &names {
            evaluated.remove(name);
        }
    }
    let planned = complete(kind, change, &planned, &evaluated, &own)?;
    check(kind, change, operation.purpose, &planned)?;
    let all = steps(kind, change, operation.purpose, change.before.as_ref(), Some(&planned));
    let count = u32::try_from(all.len()).unwrap_or(u32::MAX);
    let step = all.into_iter().nth(operation.step.0 as usize);
    let Some(step) = step.filter(|s| count == operation.step.1 && s.action == operation.action)
    else {
        return Err(Diagnostic::error(
            "plan-not-kept",
            format!("`{}` would need other calls than planned", change.address),
        )
        .detail("What became known during the apply changes how the service is called.")
        .address(&change.address)
        .help("plan again")
        .into());
    };
    let region =
        ("RegionId".to_owned(), Value::string(Arc::clone(&change.region)), "region".into());
    let own_parameters = step.parameters.into_iter().filter(|p| p.name != "RegionId");
    // The second call of a create names what the first has made.
    let with_id = |value: Value, attribute: &Name| match id {
        Some(id) if value.is_unknown() && attribute.as_ref() == "id" => Value::from(id),
        _ => value,
    };
    let pairs: Vec<(String, Value, Name)> = std::iter::once(region)
        .chain(own_parameters.map(|p| (p.name, with_id(p.value, &p.attribute), p.attribute)))
        .collect();
    agree(change, operation, &pairs)?;
    let parameters = texts(&change.address, &pairs)?;
    Ok(Prepared { parameters, planned: Some(planned), wanted: step.wanted })
}

impl Operation {
    fn parameters_as_pairs(&self) -> Vec<(String, Value, Name)> {
        let copy = |p: &crate::plan::OperationParameter| {
            (p.name.to_string(), p.value.clone(), Name::clone(&p.attribute))
        };
        self.parameters.iter().map(copy).collect()
    }
}

/// Returns whether all that is unknown in a value is what the instance itself will tell.
fn is_own(value: &Value, own: &str) -> bool {
    match value.data() {
        crate::value::Data::Unknown(unknown) => {
            unknown.origin.as_deref().is_some_and(|origin| origin.starts_with(own))
        }
        _ => match (value.as_elements(), value.as_entries()) {
            (Some(elements), _) => elements.iter().all(|e| !e.deep_unknown() || is_own(e, own)),
            (_, Some(entries)) => entries.values().all(|e| !e.deep_unknown() || is_own(e, own)),
            _ => true,
        },
    }
}

/// Fills in what the plan left unknown. What it showed must be what is evaluated now.
fn complete(
    kind: &dyn ResourceType,
    change: &Change,
    planned: &Object,
    evaluated: &Object,
    own: &str,
) -> Result<Object, Diagnostics> {
    let mut complete = planned.clone();
    let mut diagnostics = Diagnostics::new();
    for (name, shown) in planned.iter() {
        let Some(now) = evaluated.get(name) else {
            if shown.deep_unknown() && !is_own(shown, own) {
                complete.set(Name::clone(name), Value::null());
            }
            continue;
        };
        let is_input = kind.schema().attribute(name).is_some_and(|a| a.role == Role::Input);
        if is_input && same(shown, now) == Some(false) {
            diagnostics.push(differs(&change.address, name, shown, now));
        }
        if shown.deep_unknown() && !is_own(shown, own) {
            if now.deep_unknown() {
                diagnostics.push(unresolved(&change.address, name));
            }
            let marked = shown.is_sensitive() || now.is_sensitive();
            complete.set(Name::clone(name), now.clone().with_sensitive(marked));
        }
    }
    kind.normalise(&mut complete);
    if diagnostics.is_empty() { Ok(complete) } else { Err(diagnostics) }
}

/// Checks what could not be checked while planning, because it was not known.
fn check(
    kind: &dyn ResourceType,
    change: &Change,
    purpose: Purpose,
    planned: &Object,
) -> Result<(), Diagnostics> {
    let prior = change.before.as_ref().filter(|_| purpose == Purpose::Update);
    let mut faults = kind.validate(planned);
    let region = &change.region;
    if prior.is_some() {
        faults.extend(kind.check(region, prior, planned));
    } else {
        let sent = sent_on_create(kind.schema(), &change.address, planned);
        faults.extend(kind.check(region, None, &sent));
    }
    if faults.is_empty() {
        return Ok(());
    }
    let mut diagnostics = Diagnostics::new();
    for fault in faults {
        let diagnostic = Diagnostic::error(fault.code, fault.message)
            .detail("The value became known during the apply; nothing was sent for it.");
        diagnostics.push(diagnostic.address(&change.address).help(fault.help));
    }
    Err(diagnostics)
}

/// Compares the parameters with those that the plan showed.
fn agree(
    change: &Change,
    operation: &Operation,
    now: &[(String, Value, Name)],
) -> Result<(), Diagnostics> {
    let null = Value::null();
    let mut diagnostics = Diagnostics::new();
    for parameter in &operation.parameters {
        let value = now.iter().find(|(name, ..)| **name == *parameter.name).map(|(_, v, _)| v);
        let value = value.unwrap_or(&null);
        if !parameter.value.deep_unknown() && same(&parameter.value, value) != Some(true) {
            diagnostics.push(differs(
                &change.address,
                &parameter.attribute,
                &parameter.value,
                value,
            ));
        }
    }
    for (name, value, attribute) in now {
        if !operation.parameters.iter().any(|p| *p.name == **name) {
            diagnostics.push(differs(&change.address, attribute, &null, value));
        }
    }
    if diagnostics.is_empty() { Ok(()) } else { Err(diagnostics) }
}

/// Returns parameters as they are sent.
fn texts(
    address: &Address,
    parameters: &[(String, Value, Name)],
) -> Result<BTreeMap<String, String>, Diagnostics> {
    let mut texts = BTreeMap::new();
    for (name, value, attribute) in parameters {
        let text = match value.data() {
            crate::value::Data::Null => continue,
            crate::value::Data::String(text) => text.to_string(),
            crate::value::Data::Bool(truth) => truth.to_string(),
            crate::value::Data::Number(number) => number.to_string(),
            _ => return Err(unresolved(address, attribute).into()),
        };
        texts.insert(name.clone(), text);
    }
    Ok(texts)
}

fn differs(address: &Address, attribute: &str, shown: &Value, now: &Value) -> Diagnostic {
    let text = |value: &Value| {
        if shown.deep_sensitive() || now.deep_sensitive() {
            SENSITIVE.to_owned()
        } else {
            display(value)
        }
    };
    Diagnostic::error(
        "plan-not-kept",
        format!("`{attribute}` of `{address}` would not be as planned"),
    )
    .detail(format!("The plan showed {}; now it is {}.", text(shown), text(now)))
    .address(address)
    .help("nothing was sent for this operation; plan again")
}

fn unresolved(address: &Address, attribute: &str) -> Diagnostic {
    Diagnostic::error("value-unknown", format!("`{attribute}` of `{address}` is still unknown"))
        .detail("What it refers to was applied, but the service did not tell the value.")
        .address(address)
        .help("plan again")
}

#[cfg(test)]
mod tests;
