//! Reading saved plans.

use std::path::Path;
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
    let mut file = session.environment.files.open(&path).map_err(|error| {
        Diagnostic::error("plan-file", format!("cannot read the plan file `{shown}`: {error}"))
            .help("make one with `natform plan -out FILE`")
    })?;
    Ok(saved::read(&mut file).map_err(|error| {
        Diagnostic::error("plan-file", format!("cannot use the plan file `{shown}`: {error}"))
            .help("make a new one with `natform plan -out FILE`")
    })?)
}

/// Returns the configuration of a saved plan, bound to its variables; it reads nothing from disk.
pub fn program(session: &Session, plan: &SavedPlan) -> Result<Program, Failure> {
    let files =
        plan.files.iter().map(|(path, text)| (plan.directory.join(path), text.as_bytes().to_vec()));
    let environment = Environment {
        files: Arc::new(MemoryFiles(files.collect())),
        ..session.environment.clone()
    };
    let (configuration, mut diagnostics) = configuration::load(&environment, &plan.directory);
    let (program, found) = Program::new_applying(
        Arc::new(configuration),
        plan.variables.clone(),
        &environment,
        plan.plan_time,
        Some(plan.function_files.clone()),
    );
    diagnostics.extend(found);
    if diagnostics.has_errors() {
        return Err(Failure::Diagnostics(diagnostics, program.configuration().sources.clone()));
    }
    Ok(program)
}
