//! Programs over configurations held in memory.

mod changes;
mod check;
mod dependencies;
mod elements;
mod evaluation;
mod modules;
mod repetition;
mod whole;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::configuration::tests::{environment, load_files, write};
use crate::resources::Object;
use crate::value::display;

/// A program with what is said of it.
pub(super) struct Case {
    program: Program,
    diagnostics: Diagnostics,
    objects: ObjectMap,
}

impl Case {
    /// Loads one file, which must have no mistakes that are found while loading.
    fn new(text: &str) -> Self {
        Self::with(&[("cfg/main.nat.hcl", text)], &[])
    }

    fn with(files: &[(&str, &str)], variables: &[(&str, Value)]) -> Self {
        let (configuration, diagnostics) = load_files(files);
        assert!(!diagnostics.has_errors(), "{}", write(&diagnostics, &configuration.sources));
        let variables = variables.iter().map(|(n, v)| ((*n).into(), v.clone())).collect();
        let (program, diagnostics) =
            Program::new(Arc::new(configuration), variables, &environment(&[]));
        Self { program, diagnostics, objects: ObjectMap::new() }
    }

    fn write(&self, diagnostics: &Diagnostics) -> String {
        write(diagnostics, &self.program.configuration().sources)
    }

    /// Returns what was said when the program was made.
    fn said(&self) -> String {
        self.write(&self.diagnostics)
    }

    /// Returns the keys of a block, or what is said.
    fn keys(&self, resource: &str) -> String {
        match self.program.expand_resource(&resource.parse().unwrap(), &self.objects) {
            Ok(keys) => keys
                .iter()
                .map(|key| key.as_ref().map_or(String::from("-"), ToString::to_string))
                .collect::<Vec<_>>()
                .join(" "),
            Err(diagnostics) => self.write(&diagnostics),
        }
    }

    /// Returns an instance's attributes, or what is said.
    fn instance(&self, address: &str) -> String {
        let (configured, diagnostics) =
            self.program.instance(&address.parse().unwrap(), &self.objects);
        if diagnostics.has_errors() {
            assert!(
                !configured.complete || diagnostics.iter().all(|d| d.code.contains("condition"))
            );
            return self.write(&diagnostics);
        }
        let lines = configured.object.iter().map(|(name, v)| format!("{name} = {}\n", shown(v)));
        lines.collect::<Vec<_>>().concat()
    }

    /// Returns what an instance needs.
    fn needs(&self, address: &str) -> String {
        let (configured, diagnostics) =
            self.program.instance(&address.parse().unwrap(), &self.objects);
        assert!(!diagnostics.has_errors(), "{}", self.write(&diagnostics));
        let lines = configured.dependencies.iter().map(|d| written(d) + "\n");
        lines.collect::<Vec<_>>().concat()
    }

    fn set(&mut self, address: &str, attributes: &[(&str, Value)]) {
        let object: Object = attributes.iter().map(|(n, v)| ((*n).into(), v.clone())).collect();
        self.objects.set(&address.parse().unwrap(), object);
    }

    fn outputs(&self) -> String {
        let (values, diagnostics) = self.program.outputs(&self.objects);
        let lines = values.iter().map(|(n, v)| format!("{n} = {}\n", shown(v)));
        lines.chain([self.write(&diagnostics)]).collect::<Vec<_>>().concat()
    }

    fn order(&self) -> Vec<String> {
        let order = self.program.order().unwrap();
        order.iter().map(ToString::to_string).collect()
    }
}

/// Writes a value on one line, unknown ones with their origins.
fn shown(value: &Value) -> String {
    match value.data() {
        crate::value::Data::Unknown(unknown) => match &unknown.origin {
            Some(origin) => format!("<{origin}: {}>", unknown.ty),
            None => format!("<unknown: {}>", unknown.ty),
        },
        _ => display(value).split_whitespace().collect::<Vec<_>>().join(" "),
    }
}

fn written(dependency: &Dependency) -> String {
    let on = match &dependency.on {
        DependencyOn::Instance(address) => address.to_string(),
        DependencyOn::Resource(resource) => format!("all of {resource}"),
    };
    let attributes: Vec<&str> = dependency.attributes.iter().map(|n| &**n).collect();
    let explicit = if dependency.explicit { " (explicit)" } else { "" };
    format!("{on} {{{}}}{explicit}", attributes.join(", "))
}

#[test]
fn an_unset_block_has_no_instances() {
    let case = Case::new("");
    assert_eq!(case.keys("nat_gateway.none"), "");
    let objects: BTreeMap<Name, Value> = case.program.outputs(&case.objects).0;
    assert!(objects.is_empty());
}
