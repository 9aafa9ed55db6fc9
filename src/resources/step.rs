//! Calls as data: what a change compiles to, what excludes what, and when a call is settled.

use serde::{Deserialize, Serialize};

use super::{Object, ReadScope};
use crate::api::catalogue::Action;
use crate::value::{Name, Value};

/// A change of one object that is to become calls.
#[derive(Debug, Clone, Copy)]
pub struct ChangeRequest<'a> {
    /// The region.
    pub region: &'a str,
    /// The object as it is; `None` for a create.
    pub prior: Option<&'a Object>,
    /// The object as it shall be; `None` for a delete. For a create: what configuration sets (unknown
    /// where only apply knows it) with the defaults, and *without* what the service chooses, because
    /// every input that is there is sent. For an update: the whole planned object, in which an input
    /// that configuration leaves out has its prior value.
    pub planned: Option<&'a Object>,
}

impl<'a> ChangeRequest<'a> {
    /// A create of what configuration sets.
    pub const fn create(region: &'a str, configured: &'a Object) -> Self {
        Self { region, prior: None, planned: Some(configured) }
    }

    /// A change in place.
    pub const fn update(region: &'a str, prior: &'a Object, planned: &'a Object) -> Self {
        Self { region, prior: Some(prior), planned: Some(planned) }
    }

    /// A delete.
    pub const fn delete(region: &'a str, prior: &'a Object) -> Self {
        Self { region, prior: Some(prior), planned: None }
    }
}

/// One parameter of a call.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Name on the wire, such as `ExternalIp` or `RemovedIpAddresses.1`.
    pub name: String,
    /// Value: a text as it is sent, or unknown until apply. Lists are joined or numbered by `compile`.
    /// When the unknown becomes known, `compile` is asked again with the object in full: what it then
    /// gives is sent (a `tcp` becomes `TCP` there).
    pub value: Value,
    /// The attribute that it comes from (`id` for the object's own id).
    pub attribute: Name,
}

/// One call with its settling.
#[derive(Debug, Clone)]
pub struct Step {
    /// The action.
    pub action: Action,
    /// Parameters but for `RegionId` and `ClientToken`, in the reference's order.
    pub parameters: Vec<Parameter>,
    /// What it excludes.
    pub lane: Lane,
    /// When it is done.
    pub wanted: Wanted,
    /// What it means for the users of the object.
    pub impacts: Vec<Impact>,
    /// Attributes that this call makes known or changes; what others reference of them must wait
    /// for it.
    pub makes: Vec<Name>,
}

/// What an operation excludes. The names are ids where they are known and origins
/// (`nat_gateway.main.forward_table_id`) where they are not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lane {
    /// The gateway, where it is known to be one.
    pub gateway: Option<Name>,
    /// Whether it excludes everything else of the gateway.
    pub whole_gateway: bool,
    /// The table or package below the gateway.
    pub scope: Option<Name>,
    /// How it uses the scope.
    pub hold: Hold,
}

impl Lane {
    /// Excludes nothing.
    pub const fn free() -> Self {
        Self { gateway: None, whole_gateway: false, scope: None, hold: Hold::NONE }
    }
}

/// How an operation uses its lane, after the service's documented exclusions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Refused while another operation of the scope is unsettled.
    pub needs_quiet: bool,
    /// Others that need quiet are refused until it is settled.
    pub makes_busy: bool,
}

impl Hold {
    /// Neither waits for others nor makes them wait.
    pub const NONE: Self = Self { needs_quiet: false, makes_busy: false };
    /// Waits for others, and does not make them wait.
    pub const WAITS: Self = Self { needs_quiet: true, makes_busy: false };
    /// Makes others wait, and does not wait itself.
    pub const BLOCKS: Self = Self { needs_quiet: false, makes_busy: true };
    /// One at a time.
    pub const EXCLUSIVE: Self = Self { needs_quiet: true, makes_busy: true };
}

/// What a step waits for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Wanted {
    /// The object is there with its stable status and these values (unknown ones are not compared).
    Present {
        /// Where to look; `None` while the parent's id is unknown (then
        /// [`scopes`](super::ResourceType::scopes) of the evaluated object gives it).
        scope: Option<ReadScope>,
        /// The object's id; `None` before the create's answer.
        id: Option<String>,
        /// The values that must be read back.
        values: Object,
    },
    /// The object is there no more.
    Gone {
        /// Where to look.
        scope: Option<ReadScope>,
        /// The object's id.
        id: Option<String>,
    },
    /// The answer itself is the end of it.
    Answered,
}

/// Whether a step is done.
#[derive(Debug, Clone)]
pub enum Settled {
    /// Done; the object as read, with the recorded values of what the answer left out.
    Ready(Object),
    /// Done, and the object is gone.
    Gone,
    /// Not yet; what it waits for, such as `status is Modifying`.
    Busy(String),
    /// It will never be done; why.
    Failed(String),
}

/// What a change means for those who use or pay for the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Impact {
    /// Traffic stops for a while.
    InterruptsTraffic,
    /// The bill changes.
    ChangesBilling,
    /// It cannot be undone.
    CannotBeUndone,
    /// A public address is given up and may not come back.
    ReleasesAddress,
}
