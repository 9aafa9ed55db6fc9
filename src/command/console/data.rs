//! Data sources of the console: read from the service once, when an expression needs them.

use std::collections::BTreeSet;

use super::Console;
use crate::address::ResourceAddress;
use crate::command::failure::Failure;
use crate::command::providers::Providers;
use crate::command::{planning, waiting};
use crate::diagnostic::Diagnostics;
use crate::plan;
use crate::refresh::ServiceReader;
use crate::syntax::ast::Expression;

/// Data sources, and the way to them.
#[derive(Default)]
pub(super) struct Sources {
    /// Those that were read.
    read: BTreeSet<ResourceAddress>,
    /// The connections, made when the first one is needed.
    connection: Option<(Providers, ServiceReader)>,
}

impl Console<'_> {
    /// Reads the data sources that an expression needs and that were not read yet.
    pub(super) fn read_data(&mut self, expression: &Expression) -> Result<(), Failure> {
        let needed = self.prepared.program.data_sources(expression).into_iter();
        let needed: Vec<_> = needed.filter(|r| !self.data.read.contains(r)).collect();
        if needed.is_empty() {
            return Ok(());
        }
        let (providers, reader) = if let Some(connection) = self.data.connection.take() {
            connection
        } else {
            let flags = &self.arguments.service;
            let (session, prepared) = (self.session, &self.prepared);
            let providers = planning::connect(session, prepared, &self.snapshot, flags)?;
            let reader = planning::reader(session, prepared, &providers)?;
            (providers, reader)
        };
        let contexts = planning::contexts(&providers);
        let (program, trouble) = (&self.prepared.program, &self.prepared.trouble);
        let (objects, read) = (&mut self.objects, &mut self.data.read);
        let work = || {
            let mut diagnostics = Diagnostics::new();
            for resource in needed {
                let found = plan::read_data_source(program, &resource, &contexts, &reader, objects);
                if !found.has_errors() {
                    read.insert(resource);
                }
                diagnostics.extend(found);
            }
            diagnostics
        };
        let terminal = &self.session.terminal;
        let diagnostics = waiting::during(terminal, "Reading data sources", trouble, work);
        self.data.connection = Some((providers, reader));
        if diagnostics.has_errors() {
            return Err(Failure::Diagnostics(diagnostics, self.prepared.sources().clone()));
        }
        self.session.warn(&diagnostics, self.prepared.sources());
        Ok(())
    }
}
