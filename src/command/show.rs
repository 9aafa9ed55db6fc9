//! `show`: the state, or a saved plan as text, JSON or Markdown.

use super::Session;
use super::arguments::Show;
use super::failure::{Exit, Failure};
use super::plan_file;
use crate::diagnostic::Diagnostics;
use crate::plan::document::PlanDocument;
use crate::report;
use crate::report::paint::Paint;
use crate::state::document;

/// Runs the command.
pub fn run(session: &Session, arguments: &Show) -> Result<Exit, Failure> {
    let paint = Paint { on: session.terminal.colour };
    let Some(file) = &arguments.plan_file else {
        let snapshot = super::state::snapshot(&session.store()?, arguments.serial)?;
        let document = document::document(&snapshot, arguments.show_sensitive);
        if arguments.json {
            session.print_json(&document)?;
        } else {
            session.terminal.print(&report::state::state(&document, paint))?;
        }
        return Ok(Exit::Done);
    };
    let document = plan_document(session, file, arguments.show_sensitive)?;
    if arguments.json {
        session.print_json(&document)?;
    } else if arguments.markdown {
        session.terminal.print(&report::markdown::plan(&document))?;
    } else {
        session.terminal.print(&report::text::plan(&document, paint))?;
    }
    Ok(Exit::Done)
}

/// Reads a saved plan and returns its public model with its digest.
pub fn plan_document(
    session: &Session,
    file: &std::path::Path,
    show_sensitive: bool,
) -> Result<PlanDocument, Failure> {
    let loaded = plan_file::read(session, file)?;
    let (diagnostics, sources) = (Diagnostics::new(), crate::diagnostic::SourceMap::default());
    let mut document =
        PlanDocument::new(&loaded.saved.plan, &diagnostics, &sources, show_sensitive);
    document.digest = Some(loaded.digest);
    Ok(document)
}
