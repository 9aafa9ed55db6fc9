//! `show`: the state, or a saved plan as text, JSON or Markdown.

use super::Session;
use super::arguments::Show;
use super::failure::{Exit, Failure};
use super::plan_file;
use super::planning;
use crate::diagnostic::{Diagnostics, SourceMap};
use crate::plan::document::StreamedPlan;
use crate::plan::saved::Loaded;
use crate::report;
use crate::report::paint::Paint;
use crate::state::document;

/// Runs the command.
pub fn run(session: &Session, arguments: &Show) -> Result<Exit, Failure> {
    let paint = Paint { on: session.terminal.colour };
    let Some(file) = &arguments.plan_file else {
        let store = session.store()?;
        let snapshot = super::state::snapshot(&store, arguments.serial)?;
        if let Some(warning) = planning::gone_state(&store, &snapshot) {
            session.warn_one(warning);
        }
        let document = document::document(&snapshot, arguments.show_sensitive);
        if arguments.json {
            session.print_json(&document)?;
        } else {
            session.terminal.stream(|out| report::state::state(&document, paint, out))?;
        }
        return Ok(Exit::Done);
    };
    let loaded = plan_file::read(session, file)?;
    let document = plan_document(&loaded, arguments.show_sensitive);
    if arguments.json {
        session.print_json(&document)?;
    } else if arguments.markdown {
        session.terminal.print(&report::markdown::plan(&document)?)?;
    } else {
        session.terminal.stream(|out| report::text::plan(&document, paint, out))?;
    }
    Ok(Exit::Done)
}

/// Returns the public model of a saved plan with its digest.
pub fn plan_document(loaded: &Loaded, show_sensitive: bool) -> StreamedPlan<'_> {
    let (diagnostics, sources) = (Diagnostics::new(), SourceMap::default());
    let mut document =
        StreamedPlan::streamed(&loaded.saved.plan, &diagnostics, &sources, show_sensitive);
    document.digest = Some(loaded.digest.clone());
    document.forecast.clone_from(&loaded.saved.forecast);
    document
}
