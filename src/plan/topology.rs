//! What stands on what: gateways hold tables and packages, tables hold entries, packages provide the
//! addresses that entries use. The one place in the planner that knows resource types by name.

use std::sync::Arc;

use crate::resources::Object;
use crate::resources::conversion::default_nat_type;
use crate::value::{Data, Value};

/// Gateways.
pub(crate) const GATEWAY: &str = "nat_gateway";
/// Bandwidth packages.
pub(crate) const PACKAGE: &str = "bandwidth_package";
/// DNAT entries.
pub(crate) const FORWARD: &str = "forward_entry";
/// SNAT entries.
pub(crate) const SNAT: &str = "snat_entry";

/// The attribute of a package that lists its addresses.
pub(crate) const ADDRESSES: &str = "public_ip_addresses";

/// What identifies a value among others although it may be unknown: its text or its origin.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Token {
    /// A known value as text.
    Known(Arc<str>),
    /// An unknown value with its origin.
    Origin(Arc<str>),
}

impl Token {
    /// Returns the token of a value; none for null and for an unknown value without origin.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        match value.data() {
            Data::String(text) => Some(Self::Known(Arc::clone(text))),
            Data::Number(number) => Some(Self::Known(number.to_string().into())),
            Data::Bool(b) => Some(Self::Known(if *b { "true" } else { "false" }.into())),
            Data::Unknown(unknown) => unknown.origin.clone().map(Self::Origin),
            _ => None,
        }
    }

    /// Returns the text of a known value.
    pub(crate) fn known(&self) -> Option<&Arc<str>> {
        match self {
            Self::Known(text) => Some(text),
            Self::Origin(_) => None,
        }
    }

    /// Returns the text or the origin.
    pub(crate) fn text(&self) -> &Arc<str> {
        match self {
            Self::Known(text) | Self::Origin(text) => text,
        }
    }
}

/// Returns the attribute that names what an object stands on, and the attribute of the gateway that
/// gives it.
pub(crate) fn parent_attribute(kind: &str) -> Option<(&'static str, &'static str)> {
    match kind {
        FORWARD => Some(("forward_table_id", "forward_table_id")),
        SNAT => Some(("snat_table_id", "snat_table_id")),
        PACKAGE => Some(("nat_gateway_id", "id")),
        _ => None,
    }
}

/// Returns what an object stands on: a table for entries, a gateway for packages.
pub(crate) fn parent(kind: &str, object: &Object) -> Option<Token> {
    let (attribute, _) = parent_attribute(kind)?;
    Token::of(object.get(attribute)?)
}

/// Returns the ids by which others stand on a gateway: its own and those of its tables.
pub(crate) fn supports(kind: &str, object: &Object) -> Vec<Token> {
    if kind != GATEWAY {
        return Vec::new();
    }
    ["id", "forward_table_id", "snat_table_id"]
        .iter()
        .filter_map(|name| Token::of(object.get(name)?))
        .collect()
}

/// Returns the public addresses that an entry uses.
pub(crate) fn used_addresses(kind: &str, object: &Object) -> Vec<Token> {
    match kind {
        FORWARD => object.get("external_ip").and_then(Token::of).into_iter().collect(),
        SNAT => match object.get("snat_ip") {
            Some(pool) => match pool.as_elements() {
                Some(elements) => elements.iter().filter_map(Token::of).collect(),
                None => match pool.as_str() {
                    Some(text) => {
                        text.split(',').map(|ip| Token::Known(ip.trim().into())).collect()
                    }
                    None => Token::of(pool).into_iter().collect(),
                },
            },
            None => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// Returns the known public addresses that a package provides, in their order.
pub(crate) fn provided_addresses(kind: &str, object: &Object) -> Vec<Arc<str>> {
    if kind != PACKAGE {
        return Vec::new();
    }
    let Some(elements) = object.get(ADDRESSES).and_then(Value::as_elements) else {
        return Vec::new();
    };
    elements.iter().filter_map(|e| Token::of(e)?.known().cloned()).collect()
}

/// Returns the VPC whose default route a gateway takes: that of a Normal one. A type that the service
/// chooses is the region's.
pub(crate) fn default_route(kind: &str, object: &Object, region: &str) -> Option<Token> {
    if kind != GATEWAY {
        return None;
    }
    let nat_type = object.text("nat_type").unwrap_or_else(|| default_nat_type(region));
    if nat_type != "Normal" {
        return None;
    }
    Token::of(object.get("vpc_id")?)
}
