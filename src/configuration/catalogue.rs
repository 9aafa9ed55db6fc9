//! Which resource types and data sources blocks may name.

use crate::address::Mode;
use crate::resources::{self, ResourceType, Schema};

/// The schemas that blocks are checked against.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    /// Schemas of `resource` blocks.
    pub managed: Vec<&'static Schema>,
    /// Schemas of `data` blocks.
    pub data: Vec<&'static Schema>,
    /// Names of the quotas that a provider block may raise.
    pub quotas: Vec<&'static str>,
}

impl Catalogue {
    /// Returns what natform has.
    pub fn of_natform() -> Self {
        Self {
            managed: resources::all().into_iter().map(ResourceType::schema).collect(),
            data: resources::data_sources().to_vec(),
            quotas: resources::quotas(),
        }
    }

    /// Returns the schema of a type.
    pub fn find(&self, mode: Mode, kind: &str) -> Option<&'static Schema> {
        self.schemas(mode).iter().copied().find(|schema| schema.kind == kind)
    }

    /// Returns the names of all types of a mode, in their order.
    pub fn kinds(&self, mode: Mode) -> impl Iterator<Item = &'static str> + '_ {
        self.schemas(mode).iter().map(|schema| schema.kind)
    }

    fn schemas(&self, mode: Mode) -> &[&'static Schema] {
        match mode {
            Mode::Managed => &self.managed,
            Mode::Data => &self.data,
        }
    }
}
