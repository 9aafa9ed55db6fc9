//! The resource types: schema, rules, list reads, compilation of a change into calls, settling.
//!
//! One file per resource type; everything here is data and small pure functions. Nothing does I/O,
//! reads a clock or knows of plans and states. Adding a resource type means one file here (and its
//! entry in [`all`]), one in `emulator/world/`, their tests and docs.

mod answer;
pub mod bandwidth_package;
mod call;
pub mod conversion;
pub mod data;
pub mod fault;
pub mod forward_entry;
pub mod listing;
pub mod nat_gateway;
pub mod object;
pub mod public_addresses;
pub mod reads;
pub mod rule;
pub mod schema;
pub mod snat_entry;
pub mod spelling;
pub mod step;
#[cfg(test)]
mod tests;

pub use fault::Fault;
pub use listing::{Listing, Listings, Live, LiveRow, Page, ReadScope, Sought};
pub use object::Object;
pub use rule::Rule;
pub use schema::{Attribute, Kind, OnChange, Role, Schema};
pub use step::{ChangeRequest, Hold, Impact, Lane, Parameter, Settled, Step, Wanted};

use std::collections::BTreeSet;

use crate::api::catalogue::Action;
use crate::value::Value;

/// Returns all resource types.
pub const fn all() -> [&'static dyn ResourceType; 4] {
    [
        &nat_gateway::NatGateway,
        &bandwidth_package::BandwidthPackage,
        &forward_entry::ForwardEntry,
        &snat_entry::SnatEntry,
    ]
}

/// Returns the resource type of that name.
pub fn lookup(kind: &str) -> Option<&'static dyn ResourceType> {
    all().into_iter().find(|ty| ty.schema().kind == kind)
}

/// Returns the schemas of all data sources.
pub const fn data_sources() -> [&'static Schema; 6] {
    data::SCHEMAS
}

/// Returns the schema of the data source of that name.
pub fn data_source(kind: &str) -> Option<&'static Schema> {
    data_sources().into_iter().find(|schema| schema.kind == kind)
}

/// Returns the names of the quotas that a provider block may raise, sorted.
pub fn quotas() -> Vec<&'static str> {
    let rules = all().into_iter().flat_map(ResourceType::rules);
    rules.filter_map(Rule::quota).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Returns all schemas, of resource types and data sources.
fn schemas() -> impl Iterator<Item = &'static Schema> {
    all().into_iter().map(ResourceType::schema).chain(data_sources())
}

/// What natform knows of one resource type.
///
/// A plan asks in this order: `validate` of what is configured; `normalise` and `defaults` of it;
/// `live` of what is recorded; for attributes that differ, `on_change`; `foresee` and `check` of the
/// planned object; `compile`. An apply asks `compile` again with every value known, `created` of each
/// answer, then reads the lists of `settling` and asks `observed` and `settled` until it is settled.
pub trait ResourceType: Sync {
    /// Returns its attributes and nested blocks.
    fn schema(&self) -> &'static Schema;

    /// Returns the rules that the whole planned world must keep.
    fn rules(&self) -> &'static [Rule];

    /// Checks what configuration sets, on its own (ranges, formats, exclusions between attributes);
    /// unknown values are passed over. A planned object, which has an `id`, passes too where its
    /// configured attributes do. Returns the attribute at fault, what is wrong and how to mend it.
    fn validate(&self, object: &Object) -> Vec<Fault>;

    /// Checks a planned object that is to be created (`prior` is none; `planned` as for
    /// [`compile`](Self::compile)) or changed: what depends on the region or on what was before.
    fn check(&self, region: &str, prior: Option<&Object>, planned: &Object) -> Vec<Fault> {
        let _ = (region, prior, planned);
        Vec::new()
    }

    /// Fills in defaults of inputs that only natform knows (`force`, `port_break`). What the service
    /// chooses is left out. Called on the configured object before comparison.
    fn defaults(&self, object: &mut Object);

    /// Brings a live or configured value into the configuration's spelling (`TCP` → `tcp`).
    fn normalise(&self, object: &mut Object);

    /// Returns what a change of an attribute means between these two objects, where that depends on
    /// more than the schema says.
    fn on_change(&self, attribute: &Attribute, prior: &Object, planned: &Object) -> OnChange {
        let _ = (prior, planned);
        attribute.on_change
    }

    /// Fills in what a plan knows of computed attributes that a create or a change in place makes or
    /// changes: known values, or unknown ones whose origin begins with `origin` (the address). Computed
    /// attributes that it leaves alone are all unknown after a create and unchanged after a change.
    /// `used` are public addresses that entries use (see [`bandwidth_package::in_use`]): they are
    /// given up last. Returns remarks for the user, one sentence each.
    fn foresee(
        &self,
        origin: &str,
        prior: Option<&Object>,
        planned: &mut Object,
        used: &BTreeSet<String>,
    ) -> Vec<String> {
        let _ = (origin, prior, planned, used);
        Vec::new()
    }

    /// Tells that destroying this object only takes it out of the state, and what to warn of.
    fn forgotten(&self, object: &Object) -> Option<String> {
        let _ = object;
        None
    }

    /// Returns the lists in which the object of `recorded` is found: first the one that has a row of its
    /// id, then others that are needed whole.
    fn scopes(&self, region: &str, recorded: &Object) -> Vec<ReadScope>;

    /// Finds the object in the lists that were read, which must include those of
    /// [`scopes`](Self::scopes). The object found has the recorded values of all that the answer left
    /// out, and is normalised.
    fn live(&self, recorded: &Object, listings: &Listings) -> Live;

    /// Returns what tells an object from others before it has an id; `None` when values are missing.
    fn natural_key(&self, object: &Object) -> Option<String>;

    /// Returns every natural key that a live object answers to: an SNAT entry has one of its vSwitch
    /// and one of its network, since the service fills in the other.
    fn natural_keys(&self, object: &Object) -> Vec<String> {
        self.natural_key(object).into_iter().collect()
    }

    /// Compiles a change into calls in their order. Values may be unknown.
    fn compile(&self, change: &ChangeRequest<'_>) -> Vec<Step>;

    /// Returns the lists that tell whether a call has settled.
    fn settling(&self, wanted: &Wanted) -> Vec<ReadScope> {
        wanted_scope(wanted)
    }

    /// Finds what [`settled`](Self::settled) judges in the lists of [`settling`](Self::settling).
    /// `recorded` is the object as far as it is known: the planned one with what answers gave.
    fn observed(&self, wanted: &Wanted, recorded: &Object, listings: &Listings) -> Live {
        self.live(&with_wanted_id(wanted, recorded), listings)
    }

    /// Tells whether a call has had its effect, from a fresh list.
    fn settled(&self, wanted: &Wanted, live: &Live) -> Settled;

    /// Returns the import id of an object (`ngw-…`, `ftb-…:fwd-…`).
    fn import_id(&self, object: &Object) -> Option<String>;

    /// Parses an import id into the attributes that it gives.
    fn parse_import_id(&self, id: &str) -> Result<Object, String>;

    /// Returns the attributes that a call's answer gives (`id` from `NatGatewayId`, …).
    fn created(&self, action: Action, answer: &serde_json::Value) -> Object;
}

impl Live {
    /// Lays what was found over what is recorded.
    fn over(self, recorded: &Object) -> Self {
        match self {
            Self::Found(object) => Self::Found(object.over(recorded)),
            other => other,
        }
    }
}

/// Returns the list that a step waits on.
fn wanted_scope(wanted: &Wanted) -> Vec<ReadScope> {
    match wanted {
        Wanted::Present { scope, .. } | Wanted::Gone { scope, .. } => {
            scope.iter().cloned().collect()
        }
        Wanted::Answered => Vec::new(),
    }
}

/// Returns the object with the id that a step waits for, if it names one.
fn with_wanted_id(wanted: &Wanted, recorded: &Object) -> Object {
    let mut object = recorded.clone();
    if let Wanted::Present { id: Some(id), .. } | Wanted::Gone { id: Some(id), .. } = wanted {
        object.set(schema::name("id"), Value::from(id.as_str()));
    }
    object
}

/// Returns what a step waits for with its values in the configuration's spelling.
fn normalised(ty: &dyn ResourceType, wanted: &Wanted) -> Wanted {
    let mut wanted = wanted.clone();
    if let Wanted::Present { values, .. } = &mut wanted {
        ty.normalise(values);
    }
    wanted
}

/// Sets a truth value that is absent to false.
fn default_flag(object: &mut Object, attribute: &str) {
    if object.get(attribute).is_none() {
        object.set(schema::name(attribute), Value::from(false));
    }
}

/// Joins known texts to a key.
fn key_of(object: &Object, attributes: &[&str]) -> Option<String> {
    let parts: Option<Vec<&str>> = attributes.iter().map(|a| object.text(a)).collect();
    Some(parts?.join("|"))
}

/// Parses the import id of an object that stands for itself.
fn bare_id(id: &str, prefix: &str) -> Result<Object, String> {
    part(id, prefix, &format!("{prefix}-…"))?;
    Ok([(schema::name("id"), Value::from(id))].into_iter().collect())
}

/// Parses the import id of an entry: its table and itself.
fn table_and_entry(id: &str, table: (&str, &str), entry: &str) -> Result<Object, String> {
    let (attribute, prefix) = table;
    let form = format!("{prefix}-…:{entry}-…");
    let wrong = || format!("`{id}` is not an import id of this type: it has the form `{form}`");
    let (table_id, entry_id) = id.split_once(':').ok_or_else(wrong)?;
    part(table_id, prefix, &form)?;
    part(entry_id, entry, &form)?;
    let attributes = [(schema::name(attribute), table_id), (schema::name("id"), entry_id)];
    Ok(attributes.into_iter().map(|(name, text)| (name, Value::from(text))).collect())
}

fn part(text: &str, prefix: &str, form: &str) -> Result<(), String> {
    let rest = text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('-'));
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_*".contains(c);
    match rest {
        Some(rest) if !rest.is_empty() && rest.chars().all(plain) => Ok(()),
        _ => Err(format!("`{text}` is not an import id of this type: it has the form `{form}`")),
    }
}
