//! Reading saved plans.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Session;
use super::failure::Failure;
use crate::configuration;
use crate::diagnostic::Diagnostic;
use crate::environment::{Environment, MemoryFiles};
use crate::plan::program::Program;
use crate::plan::saved::{self, Loaded, SavedPlan};

/// Reads a saved plan.
pub fn read(session: &Session, file: &Path) -> Result<Loaded, Failure> {
    let path = session.environment.working_directory.join(file);
    let shown = file.display();
    let bytes = session.environment.files.read(&path).map_err(|error| {
        Diagnostic::error("plan-file", format!("cannot read the plan file `{shown}`: {error}"))
            .help("make one with `natform plan -out FILE`")
    })?;
    Ok(saved::decode(&bytes).map_err(|error| {
        Diagnostic::error("plan-file", format!("cannot use the plan file `{shown}`: {error}"))
            .help("make a new one with `natform plan -out FILE`")
    })?)
}

/// Returns the configuration of a saved plan, bound to its variables; it reads nothing from disk.
pub fn program(session: &Session, plan: &SavedPlan) -> Result<(Program, Environment), Failure> {
    let own = plan
        .files
        .iter()
        .map(|(path, text)| (plan.directory.join(path), text.clone().into_bytes()));
    let others = plan.other_files.iter().map(|(path, bytes)| (path.clone(), bytes.clone()));
    let files: BTreeMap<PathBuf, Vec<u8>> = others.chain(own).collect();
    let environment = Environment {
        files: Arc::new(MemoryFiles(files)),
        working_directory: plan.directory.clone(),
        ..session.environment.clone()
    };
    let (configuration, mut diagnostics) = configuration::load(&environment, &plan.directory);
    let (program, found) =
        Program::new(Arc::new(configuration), plan.variables.clone(), &environment);
    diagnostics.extend(found);
    if diagnostics.has_errors() {
        return Err(Failure::Diagnostics(diagnostics, program.configuration().sources.clone()));
    }
    Ok((program, environment))
}
