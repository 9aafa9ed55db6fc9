//! `graph`: resources with what they depend on, or a saved plan's operations, in DOT.

use super::Session;
use super::arguments::Graph;
use super::failure::{Exit, Failure};
use super::{planning, show};
use crate::report;

/// Runs the command.
pub fn run(session: &Session, arguments: &Graph) -> Result<Exit, Failure> {
    let text = if let Some(file) = &arguments.plan {
        report::graph::operations(&show::plan_document(session, file, false)?)
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
