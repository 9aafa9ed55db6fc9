//! `plan -generate-config-out`: writes `resource` blocks for imports that have none.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Session;
use super::arguments::Service as Flags;
use super::failure::Failure;
use super::planning::{self, Prepared};
use super::{providers, waiting};
use crate::configuration::generate::{self, Source};
use crate::configuration::{self, EXTENSION};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::plan::program::Program;
use crate::plan::{Import, read_unconfigured};
use crate::resources;
use crate::state::Snapshot;

/// Writes the blocks to `file` and loads the configuration again, with them. Returns what to tell the
/// user; nothing where every import has its block.
pub fn run(
    session: &Session,
    prepared: &mut Prepared,
    snapshot: &Snapshot,
    flags: &Flags,
    file: &Path,
) -> Result<Option<String>, Failure> {
    let path = place(session, file)?;
    let imports = unconfigured(prepared, snapshot)?;
    if imports.is_empty() {
        return Ok(None);
    }
    let named = imports.iter().map(|i| i.provider.clone().unwrap_or_else(|| "".into())).collect();
    let hidden = (&prepared.redactor, &prepared.trouble);
    let connected = providers::connect(session, &prepared.program, &named, flags, hidden)?;
    let reader = planning::reader(session, prepared, &connected)?;
    let contexts = planning::contexts(&connected);
    let what = "Reading the objects to import";
    let read = || read_unconfigured(&imports, &contexts, &reader);
    let (objects, found) = waiting::during(&session.terminal, what, &prepared.trouble, read);
    if found.has_errors() {
        return Err(Failure::Diagnostics(found, prepared.sources().clone()));
    }
    let mut known = BTreeMap::new();
    for instance in snapshot.instances.values().filter(|i| i.deposed.is_none()) {
        if instance.address.resource.module.0.is_empty()
            && prepared.program.block(&instance.address.resource).is_some()
        {
            known.extend(generate::identifiers(&instance.address, &instance.object));
        }
    }
    let sources: Vec<Source<'_>> = objects
        .iter()
        .filter_map(|found| {
            let resource = resources::lookup(found.address.kind())?;
            let (address, object) = (&found.address, &found.object);
            Some(Source { address, resource, provider: &found.provider, object })
        })
        .collect();
    write(&path, file, &generate::blocks(&sources, &known))?;
    reload(session, prepared)?;
    let (count, shown) = (sources.len(), file.display());
    let blocks = if count == 1 { "1 block".to_owned() } else { format!("{count} blocks") };
    Ok(Some(format!("\nWrote {blocks} to {shown}. Review the file, and keep it.\n")))
}

/// Returns where the file is to be; it must become part of the configuration.
fn place(session: &Session, file: &Path) -> Result<PathBuf, Failure> {
    let directory = &session.environment.working_directory;
    let path = directory.join(file);
    let shown = file.display();
    let is_ours = path
        .file_name()
        .and_then(OsStr::to_str)
        .is_some_and(|name| name.ends_with(EXTENSION) && !name.starts_with(['.', '#']));
    if !is_ours || path.parent().map(normal) != Some(normal(directory)) {
        return Err(Failure::of(
            Diagnostic::error("generate", format!("`{shown}` would be no part of the configuration"))
                .help(format!(
                    "name a new file beside the others that ends in `{EXTENSION}`, such as `-generate-config-out=imported{EXTENSION}`"
                )),
        ));
    }
    if session.environment.files.exists(&path) {
        return Err(exists(file));
    }
    Ok(path)
}

fn exists(file: &Path) -> Failure {
    let summary = format!("`{}` exists already", file.display());
    Failure::of(
        Diagnostic::error("generate", summary)
            .detail("Written configuration never replaces a file.")
            .help("name a new file, or delete that one"),
    )
}

fn normal(path: &Path) -> PathBuf {
    path.components().collect()
}

/// Returns the imports without a block; for those in modules and with keys none can be written.
fn unconfigured(prepared: &Prepared, snapshot: &Snapshot) -> Result<Vec<Import>, Failure> {
    let (directives, mut diagnostics) = planning::directives(&prepared.program, snapshot);
    let mut imports = directives.imports;
    imports.retain(|import| prepared.program.block(&import.to.resource).is_none());
    for import in &imports {
        let place = &import.to;
        if place.resource.module.0.is_empty() && place.key.is_none() {
            continue;
        }
        let why = if place.key.is_some() { "the address has a key" } else { "it is in a module" };
        diagnostics.push(
            Diagnostic::error("generate", format!("cannot write a block for `{place}`"))
                .detail(format!("Why: {why}; only blocks of the root module that stand for one instance are written."))
                .help("write the `resource` block by hand, or import to an address such as `nat_gateway.main` and add a `moved` block later")
                .at_opt(import.span),
        );
    }
    if diagnostics.has_errors() {
        return Err(Failure::Diagnostics(diagnostics, prepared.sources().clone()));
    }
    Ok(imports)
}

/// Writes a file that must not exist.
fn write(path: &Path, shown: &Path, text: &str) -> Result<(), Failure> {
    let cannot = |error: std::io::Error| {
        Failure::of(
            Diagnostic::error("generate", format!("cannot write `{}`: {error}", shown.display()))
                .help("name a file in a directory that can be written"),
        )
    };
    let file = std::fs::OpenOptions::new().write(true).create_new(true).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(cannot)
}

/// Loads the configuration again, with the values of variables that it had.
fn reload(session: &Session, prepared: &mut Prepared) -> Result<(), Failure> {
    let environment = &session.environment;
    let (configuration, mut diagnostics) =
        configuration::load(environment, &environment.working_directory);
    let sources = configuration.sources.clone();
    let values = prepared.program.variables().clone();
    if !diagnostics.has_errors() {
        let (program, found) = Program::new(Arc::new(configuration), values, environment);
        diagnostics.extend(found);
        prepared.program = program;
    }
    if diagnostics.has_errors() {
        return Err(Failure::Diagnostics(diagnostics, sources));
    }
    prepared.warnings = Diagnostics::new();
    prepared.warnings.extend(diagnostics);
    Ok(())
}
