//! `graph`: resources with what they depend on, or a saved plan's operations, in DOT.

use super::Session;
use super::arguments::Graph;
use super::failure::{Exit, Failure};
use super::{plan_file, planning, show};
use crate::report;

/// Runs the command.
pub fn run(session: &Session, arguments: &Graph) -> Result<Exit, Failure> {
    let text = if let Some(file) = &arguments.plan {
        let loaded = plan_file::read(session, file)?;
        let document = show::plan_document(&loaded, false);
        session.terminal.stream(|out| report::graph::operations(&document, out))?;
        return Ok(Exit::Done);
    } else {
        let prepared = planning::prepare_unbound(session)?;
        let order = prepared.order().map_err(|found| {
            Failure::Diagnostics(found, prepared.configuration().sources.clone())
        })?;
        let nodes: Vec<String> = order.iter().map(ToString::to_string).collect();
        let edges: Vec<(String, String)> = order
            .iter()
            .flat_map(|from| {
                let needs = prepared.dependencies(from);
                needs.into_iter().map(|to| (from.to_string(), to.to_string())).collect::<Vec<_>>()
            })
            .collect();
        report::graph::dot("resources", &nodes, &edges)
    };
    session.terminal.print(&text)?;
    Ok(Exit::Done)
}
