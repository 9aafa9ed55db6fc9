//! The resource types: schema, rules, list reads, compilation of a change into calls, settling.
//!
//! One file per resource type; everything here is data and small pure functions. Nothing does I/O,
//! reads a clock or knows of plans and states. Adding a resource type means one file here (and its
//! entry in [`all`]), one in `emulator/world/`, their tests and docs.

pub mod listing;
pub mod object;
pub mod rule;
pub mod schema;
pub mod step;

pub use listing::{Listing, Listings, Live, LiveRow, Page, ReadScope};
pub use object::Object;
pub use rule::Rule;
pub use schema::{Attribute, Role, Schema};
pub use step::{ChangeRequest, Hold, Impact, Lane, Parameter, Settled, Step, Wanted};

use crate::api::catalogue::Action;

/// What natform knows of one resource type.
pub trait ResourceType: Sync {
    /// Returns its attributes and nested blocks.
    fn schema(&self) -> &'static Schema;

    /// Returns the rules that the whole planned world must keep.
    fn rules(&self) -> &'static [Rule];

    /// Checks one object on its own (ranges, formats, exclusions between its attributes); unknown
    /// values are passed over. Returns the attribute at fault, what is wrong and how to mend it.
    fn validate(&self, object: &Object) -> Vec<Fault>;

    /// Fills in what the service would choose: defaults that are known beforehand. Called on the
    /// planned object before comparison.
    fn defaults(&self, object: &mut Object);

    /// Brings a live or configured value into the configuration's spelling (`TCP` → `tcp`).
    fn normalise(&self, object: &mut Object);

    /// Returns the lists in which the object of `recorded` is found.
    fn scopes(&self, region: &str, recorded: &Object) -> Vec<ReadScope>;

    /// Finds the object in the lists that were read.
    fn live(&self, recorded: &Object, listings: &Listings) -> Live;

    /// Returns what tells an object from others before it has an id; `None` when values are missing.
    fn natural_key(&self, object: &Object) -> Option<String>;

    /// Compiles a change into calls in their order. Values may be unknown.
    fn compile(&self, change: &ChangeRequest<'_>) -> Vec<Step>;

    /// Tells whether a call has had its effect, from a fresh list.
    fn settled(&self, wanted: &Wanted, live: &Live) -> Settled;

    /// Returns the import id of an object (`ngw-…`, `ftb-…:fwd-…`).
    fn import_id(&self, object: &Object) -> Option<String>;

    /// Parses an import id into the attributes that it gives.
    fn parse_import_id(&self, id: &str) -> Result<Object, String>;

    /// Returns the attribute and the action that a create's answer gives its value
    /// (`id` from `NatGatewayId`, …).
    fn created(&self, action: Action, answer: &serde_json::Value) -> Object;
}

/// What is wrong with one attribute of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Stable code of the diagnostic.
    pub code: &'static str,
    /// The attribute.
    pub attribute: String,
    /// What is wrong, in one line.
    pub message: String,
    /// How to mend it.
    pub help: String,
}
