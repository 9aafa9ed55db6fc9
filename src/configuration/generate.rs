//! Writes configuration for objects that exist: `resource` blocks from what was read of them.

use std::collections::BTreeMap;

use crate::address::Address;
use crate::resources::{Object, ResourceType};
use crate::value::{Data, Name, Value, quoted};

/// What is written above the blocks.
const HEADING: &str =
    "# Written by natform from the live objects of `import` blocks. Review it, then keep it.\n";

/// An object for which a block is written.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// The block's address: of the root module and without a key.
    pub address: &'a Address,
    /// Its resource type.
    pub resource: &'static dyn ResourceType,
    /// Alias of the provider; `""` is the default one.
    pub provider: &'a str,
    /// The live object.
    pub object: &'a Object,
}

/// Returns the text of a configuration file that has a `resource` block for each object. Ids of
/// objects that have an address become references to them; `known` has expressions by id.
pub fn blocks(sources: &[Source<'_>], known: &BTreeMap<String, String>) -> String {
    let mut known = known.clone();
    for source in sources {
        known.extend(identifiers(source.address, source.object));
    }
    let mut text = HEADING.to_owned();
    for source in sources {
        text.push('\n');
        text.push_str(&block(source, &known));
    }
    text
}

/// Returns the expressions by which an object's identifiers are had, by identifier.
pub fn identifiers(address: &Address, object: &Object) -> BTreeMap<String, String> {
    ["id", "forward_table_id", "snat_table_id"]
        .into_iter()
        .filter(|name| address.kind() == "nat_gateway" && object.has(name))
        .filter_map(|name| Some((object.text(name)?.to_owned(), format!("{address}.{name}"))))
        .collect()
}

fn block(source: &Source<'_>, known: &BTreeMap<String, String>) -> String {
    let object = configured(source);
    let mut lines: Vec<(&str, String)> = Vec::new();
    if !source.provider.is_empty() {
        lines.push(("provider", format!("alicloud.{}", source.provider)));
    }
    for attribute in source.resource.schema().attributes {
        let Some(value) = object.get(attribute.name) else { continue };
        let reference = value.as_str().and_then(|text| known.get(text));
        lines.push((attribute.name, reference.cloned().unwrap_or_else(|| expression(value))));
    }
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let resource = &source.address.resource;
    let mut text = format!("resource \"{}\" \"{}\" {{\n", resource.kind, resource.name);
    for (name, value) in lines {
        text.push_str(&format!("  {name:width$} = {value}\n"));
    }
    text + "}\n"
}

/// Returns what configuration may say of a live object and need not leave to natform.
fn configured(source: &Source<'_>) -> Object {
    let mut defaults = Object::new();
    source.resource.defaults(&mut defaults);
    let attributes = source.resource.schema().attributes.iter();
    let mut object: Object = attributes
        .filter(|a| a.is_input() && a.readable)
        .filter_map(|a| Some((a.name.into(), source.object.get(a.name)?.clone())))
        .filter(|(_, value): &(Name, Value)| !value.is_null() && value.as_str() != Some(""))
        .filter(|(name, value)| defaults.get(name) != Some(value))
        .collect();
    // The service fills in more than configuration may set, such as both sources of an SNAT entry.
    for fault in source.resource.validate(&object).into_iter().filter(|f| !f.warning) {
        let attribute = source.resource.schema().attribute(&fault.attribute);
        if attribute.is_some_and(|a| !a.required) {
            object.remove(&fault.attribute);
        }
    }
    object
}

/// Writes a value as an expression; attributes hold texts, numbers, truth values and lists of them.
fn expression(value: &Value) -> String {
    match value.data() {
        Data::String(text) => quoted(text).replace("${", "$${").replace("%{", "%%{"),
        Data::Bool(truth) => truth.to_string(),
        Data::Number(number) => number.to_string(),
        Data::List(_, elements) | Data::Set(_, elements) | Data::Tuple(elements) => {
            let elements: Vec<String> = elements.iter().map(expression).collect();
            format!("[{}]", elements.join(", "))
        }
        _ => "null".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources;
    use crate::value::Type;

    fn object(values: &[(&str, Value)]) -> Object {
        values.iter().map(|(name, value)| ((*name).into(), value.clone())).collect()
    }

    fn source<'a>(address: &'a Address, object: &'a Object) -> Source<'a> {
        let resource = resources::lookup(address.kind()).unwrap();
        Source { address, resource, provider: "", object }
    }

    #[test]
    fn ids_become_references_and_what_configuration_may_not_say_is_left_out() {
        let gateway: Address = "nat_gateway.edge".parse().unwrap();
        let entry: Address = "snat_entry.out".parse().unwrap();
        let live_gateway = object(&[
            ("id", Value::from("ngw-1")),
            ("vpc_id", Value::from("vpc-1")),
            ("description", Value::from("costs ${5} and \"more\"")),
            ("status", Value::from("Available")),
            ("snat_table_id", Value::from("stb-1")),
        ]);
        let addresses = Value::set(Type::String, ["198.18.0.1"].map(Value::from));
        let live_entry = object(&[
            ("id", Value::from("snat-1")),
            ("snat_table_id", Value::from("stb-1")),
            ("snat_ip", addresses),
            ("source_vswitch_id", Value::from("vsw-1")),
            ("source_cidr", Value::from("192.168.1.0/24")),
        ]);
        let sources = [source(&gateway, &live_gateway), source(&entry, &live_entry)];
        let text = blocks(&sources, &BTreeMap::new());
        assert_eq!(
            text.strip_prefix(HEADING).unwrap(),
            "\nresource \"nat_gateway\" \"edge\" {\n  vpc_id      = \"vpc-1\"\n  \
             description = \"costs $${5} and \\\"more\\\"\"\n}\n\nresource \"snat_entry\" \"out\" {\n  \
             snat_table_id     = nat_gateway.edge.snat_table_id\n  \
             snat_ip           = [\"198.18.0.1\"]\n  source_vswitch_id = \"vsw-1\"\n}\n"
        );
    }
}
