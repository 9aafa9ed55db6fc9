//! `graph`: resources with what they depend on, or a saved plan's operations, in DOT.

use super::Session;
use super::arguments::Graph;
use super::failure::{Exit, Failure};
use super::{plan_file, planning, show};
use crate::report;

/// Runs the command.
pub fn run(session: &Session, arguments: &Graph) -> Result<Exit, Failure> {
    if let Some(file) = &arguments.plan {
        let loaded = plan_file::read(session, file)?;
        let document = show::plan_document(&loaded, false);
        session.terminal.stream(|out| report::graph::operations(&document, out))?;
    } else {
        let prepared = planning::prepare_unbound(session)?;
        let order = prepared.order().map_err(|found| {
            Failure::Diagnostics(found, prepared.configuration().sources.clone())
        })?;
        let needs = |block: &_| prepared.dependencies(block);
        session.terminal.stream(|out| report::graph::resources(&order, needs, out))?;
    }
    Ok(Exit::Done)
}
