//! Rules of the service over the whole planned world, declared once: the plan-time check and the
//! order of operations both come from these declarations.

/// A rule. Attribute names are those of the resource type that declares it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// No two objects with the same `scope` have the same `fields`. A field that is `any` (a port or a
    /// protocol) covers every value of it: the reference does not say that this is refused, so that
    /// it is a warning. Objects in which a field is null are passed over.
    Unique {
        /// Stable code of the diagnostic.
        code: &'static str,
        /// Attributes that name the scope (the table).
        scope: &'static [&'static str],
        /// Attributes that make up the key.
        fields: &'static [&'static str],
        /// What the key is, for messages: `external address, port and protocol`.
        what: &'static str,
    },
    /// No two objects with the same `scope` have networks that share addresses. Two of the same
    /// network are a matter of [`Rule::Unique`].
    Disjoint {
        /// Stable code of the diagnostic.
        code: &'static str,
        /// Attributes that name the scope (the table).
        scope: &'static [&'static str],
        /// The attribute that holds a network in CIDR notation.
        field: &'static str,
        /// What the network is, for messages: `source network`.
        what: &'static str,
    },
    /// At most `limit` objects with the same `scope`; the provider block may raise it by name.
    Quota {
        /// Stable code of the diagnostic.
        code: &'static str,
        /// Name of the quota in the provider block.
        name: &'static str,
        /// Attributes that name the scope.
        scope: &'static [&'static str],
        /// The service's default.
        limit: u64,
        /// What is counted, for messages: `DNAT entries in one table`.
        what: &'static str,
    },
    /// A number of one object is at most `limit`; the provider block may raise it by name.
    Limit {
        /// Stable code of the diagnostic.
        code: &'static str,
        /// Name of the quota in the provider block.
        name: &'static str,
        /// The attribute.
        attribute: &'static str,
        /// The service's default.
        limit: u64,
        /// What is limited, for messages: `public addresses in one bandwidth package`.
        what: &'static str,
    },
    /// A rule over several resource types that has its own function in the planner, by name; see
    /// `plan/rules.rs`.
    World {
        /// Stable code of the diagnostic, which names the function.
        code: &'static str,
        /// What it says, for documentation.
        what: &'static str,
    },
}

impl Rule {
    /// Returns the stable code of its diagnostic.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unique { code, .. }
            | Self::Disjoint { code, .. }
            | Self::Quota { code, .. }
            | Self::Limit { code, .. }
            | Self::World { code, .. } => code,
        }
    }

    /// Returns the name under which the provider block raises it, if it is a quota.
    pub const fn quota(&self) -> Option<&'static str> {
        match self {
            Self::Quota { name, .. } | Self::Limit { name, .. } => Some(name),
            Self::Unique { .. } | Self::Disjoint { .. } | Self::World { .. } => None,
        }
    }
}
