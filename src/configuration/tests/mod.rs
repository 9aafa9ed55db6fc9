//! Configurations held in memory, and what is said of them.

mod blocks;
mod changes;
mod loading;
mod references;
mod variables;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::*;
use crate::diagnostic::{Diagnostic, Diagnostics, SourceMap};
use crate::environment::{Environment, MemoryFiles};
use crate::resources::schema::{Attribute, Kind, OnChange, Role, Schema};

const fn attribute(name: &'static str, kind: Kind, role: Role, required: bool) -> Attribute {
    Attribute {
        name,
        wire: "",
        kind,
        role,
        required,
        computed: false,
        readable: true,
        clearable: true,
        on_change: OnChange::Update,
        edition: None,
        doc: "what it is",
    }
}

/// A resource type of tests: a gateway.
static GATEWAY: Schema = Schema {
    kind: "nat_gateway",
    doc: "",
    attributes: &[
        attribute("id", Kind::String, Role::Stable, false),
        attribute("vpc_id", Kind::String, Role::Input, true),
        attribute("name", Kind::String, Role::Input, false),
        attribute("spec", Kind::String, Role::Input, false),
        attribute("forward_table_id", Kind::String, Role::Stable, false),
        attribute(
            "ip_lists",
            Kind::Objects(&[attribute("ip_address", Kind::String, Role::Volatile, false)]),
            Role::Volatile,
            false,
        ),
    ],
    blocks: &[("package", &[attribute("bandwidth", Kind::Integer, Role::Input, true)], 2)],
    version: 1,
};

/// A resource type of tests: an entry.
static ENTRY: Schema = Schema {
    kind: "forward_entry",
    doc: "",
    attributes: &[
        attribute("id", Kind::String, Role::Stable, false),
        attribute("forward_table_id", Kind::String, Role::Input, true),
        attribute("external_port", Kind::String, Role::Input, false),
        attribute("internal_ips", Kind::StringSet, Role::Input, false),
    ],
    blocks: &[],
    version: 1,
};

/// A data source of tests.
static GATEWAYS: Schema = Schema {
    kind: "nat_gateways",
    doc: "",
    attributes: &[
        attribute("vpc_id", Kind::String, Role::Input, false),
        attribute("ids", Kind::Strings, Role::Volatile, false),
    ],
    blocks: &[],
    version: 1,
};

/// Returns the resource types of tests.
pub(crate) fn catalogue() -> Catalogue {
    Catalogue {
        managed: vec![&GATEWAY, &ENTRY],
        data: vec![&GATEWAYS],
        quotas: vec!["forward_entries_per_table"],
    }
}

/// Returns an environment with these files.
pub(crate) fn environment(files: &[(&str, &str)]) -> Environment {
    let files = files.iter().map(|(p, t)| (PathBuf::from(p), t.as_bytes().to_vec())).collect();
    Environment { files: Arc::new(MemoryFiles(files)), ..Environment::real() }
}

/// Loads files that lie in the directory `cfg` or below.
pub(crate) fn load_files(files: &[(&str, &str)]) -> (Configuration, Diagnostics) {
    load_with(&environment(files), Path::new("cfg"), &catalogue())
}

/// Loads one file and writes what is said of it.
fn said(text: &str) -> String {
    said_of(&[("cfg/main.nat.hcl", text)])
}

fn said_of(files: &[(&str, &str)]) -> String {
    let (configuration, diagnostics) = load_files(files);
    write(&diagnostics, &configuration.sources)
}

/// Writes diagnostics in a compact form.
pub(crate) fn write(diagnostics: &Diagnostics, sources: &SourceMap) -> String {
    diagnostics.iter().map(|d| write_one(d, sources)).collect()
}

fn write_one(diagnostic: &Diagnostic, sources: &SourceMap) -> String {
    use std::fmt::Write;
    let mut text = format!(
        "{}[{}] {}\n",
        match diagnostic.severity {
            crate::diagnostic::Severity::Error => "error",
            crate::diagnostic::Severity::Warning => "warning",
        },
        diagnostic.code,
        diagnostic.summary
    );
    for label in &diagnostic.labels {
        let place = sources.location(label.span).unwrap_or_default();
        let place = place.strip_prefix("cfg/").unwrap_or(&place);
        let mark = if label.primary { "at" } else { "see" };
        let snippet = sources.snippet(label.span);
        writeln!(text, "  {mark} {place} `{snippet}` {}", label.text).unwrap();
    }
    for (word, part) in [("why", Some(&diagnostic.detail)), ("help", diagnostic.help.as_ref())] {
        if let Some(part) = part.filter(|p| !p.is_empty()) {
            writeln!(text, "  {word}: {part}").unwrap();
        }
    }
    for (name, value) in &diagnostic.values {
        writeln!(text, "  {name} is {value}").unwrap();
    }
    if let Some(fix) = &diagnostic.fix {
        writeln!(text, "  fix: `{}` → `{}`", sources.snippet(fix.span), fix.replacement).unwrap();
    }
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n") + "\n"
}

/// Checks that a text is accepted without a word.
fn accepts(text: &str) -> Configuration {
    let (configuration, diagnostics) = load_files(&[("cfg/main.nat.hcl", text)]);
    assert!(diagnostics.is_empty(), "{text}\n{}", write(&diagnostics, &configuration.sources));
    configuration
}
