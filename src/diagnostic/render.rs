//! Diagnostics as text for people: the message, the source with the place underlined, why and how
//! to mend it. The only user of `annotate_snippets`.

use std::collections::BTreeMap;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Patch, Renderer, Snippet};
use unicode_width::UnicodeWidthStr;

use super::excerpt::{block_header, line_end, line_number, line_start, printable, safe_range};
use super::{Diagnostic, Diagnostics, FileId, Label, Severity, SourceFile, SourceMap};

/// Columns at which explanations are wrapped.
const WIDTH: usize = 88;

/// How to render.
#[derive(Debug, Clone, Copy, Default)]
pub struct Style {
    /// Whether to use ANSI colours.
    pub colour: bool,
}

/// Renders all diagnostics, warnings first and errors last, each followed by a blank line. Further
/// warnings with the same summary are only counted.
pub fn render(diagnostics: &Diagnostics, sources: &SourceMap, style: Style) -> String {
    let mut sorted = diagnostics.clone();
    sorted.sort();
    let mut similar: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for warning in sorted.iter().filter(|d| d.severity == Severity::Warning) {
        *similar.entry((warning.code, &warning.summary)).or_default() += 1;
    }
    let renderer = if style.colour { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Ascii).term_width(120);
    let mut text = String::new();
    for diagnostic in &sorted {
        let count = if diagnostic.severity == Severity::Warning {
            similar.remove(&(diagnostic.code, diagnostic.summary.as_str()))
        } else {
            Some(1)
        };
        let Some(count) = count else { continue };
        text.push_str(&one(diagnostic, count - 1, sources, &renderer));
        text.push_str("\n\n");
    }
    text
}

fn one(
    diagnostic: &Diagnostic,
    similar: usize,
    sources: &SourceMap,
    renderer: &Renderer,
) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(printable(&diagnostic.summary)).id(diagnostic.code);
    let mut group = Group::with_title(title).elements(snippets(diagnostic, sources));
    let notes = notes(diagnostic, similar);
    group = group.elements(notes.into_iter().map(|note| Level::NOTE.no_name().message(note)));
    let help = diagnostic.help.as_deref().map(|help| wrapped(&printable(help)));
    let patch = diagnostic.fix.as_ref().and_then(|fix| {
        let file = sources.get(fix.span.file)?;
        let range = safe_range(&file.text, fix.span);
        let (from, to) = (line_start(&file.text, range.start), line_end(&file.text, range.end));
        let patch = Patch::new(range.start - from..range.end - from, printable(&fix.replacement));
        let snippet = Snippet::source(&file.text[from..to])
            .path(printable(&file.name))
            .line_start(line_number(&file.text, from))
            .patch(patch);
        Some(snippet)
    });
    match (help, patch) {
        (help, Some(patch)) => {
            let title = help.unwrap_or_else(|| String::from("write instead"));
            let suggestion = Level::HELP.secondary_title(title).element(patch);
            renderer.render(&[group, suggestion])
        }
        (Some(help), None) => renderer.render(&[group.element(Level::HELP.message(help))]),
        (None, None) => renderer.render(&[group]),
    }
}

/// Returns what is said below the source.
fn notes(diagnostic: &Diagnostic, similar: usize) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(address) = &diagnostic.address {
        notes.push(format!("with {}", printable(address)));
    }
    if !diagnostic.detail.is_empty() {
        notes.push(wrapped(&printable(&diagnostic.detail)));
    }
    for (reference, value) in &diagnostic.values {
        notes.push(printable(&format!("{reference} is {value}")));
    }
    match similar {
        0 => {}
        1 => notes.push(String::from("(and 1 more similar warning elsewhere)")),
        n => notes.push(format!("(and {n} more similar warnings elsewhere)")),
    }
    notes
}

/// Returns the sources with their places marked, the main one's first.
fn snippets<'s>(
    diagnostic: &'s Diagnostic,
    sources: &'s SourceMap,
) -> Vec<Snippet<'s, Annotation<'s>>> {
    let mut files: Vec<FileId> = Vec::new();
    let (primary, others): (Vec<&Label>, Vec<&Label>) =
        diagnostic.labels.iter().partition(|label| label.primary);
    for label in primary.iter().chain(&others) {
        if !files.contains(&label.span.file) {
            files.push(label.span.file);
        }
    }
    files
        .into_iter()
        .filter_map(|id| {
            let labels: Vec<&Label> =
                diagnostic.labels.iter().filter(|label| label.span.file == id).collect();
            Some(snippet(sources.get(id)?, &labels))
        })
        .collect()
}

fn snippet<'s>(file: &'s SourceFile, labels: &[&'s Label]) -> Snippet<'s, Annotation<'s>> {
    let ranges: Vec<_> = labels.iter().map(|label| safe_range(&file.text, label.span)).collect();
    let first = ranges.iter().map(|range| range.start).min().unwrap_or(0);
    let last = ranges.iter().map(|range| range.end).max().unwrap_or(0);
    let header = block_header(file, first);
    let from = line_start(&file.text, header.as_ref().map_or(first, |range| range.start));
    let to = line_end(&file.text, last);
    let mut snippet = Snippet::source(&file.text[from..to])
        .path(printable(&file.name))
        .line_start(line_number(&file.text, from));
    if let Some(header) = header {
        let span = header.start - from..header.end - from;
        snippet = snippet.annotation(AnnotationKind::Visible.span(span));
    }
    for (label, range) in labels.iter().zip(ranges) {
        let kind = if label.primary { AnnotationKind::Primary } else { AnnotationKind::Context };
        let mut annotation = kind.span(range.start - from..range.end - from);
        if !label.text.is_empty() {
            annotation = annotation.label(printable(&label.text));
        }
        snippet = snippet.annotation(annotation);
    }
    snippet
}

/// Breaks lines that are too long; those that start with a space stay as they are.
fn wrapped(text: &str) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        if line.starts_with(' ') || line.width() <= WIDTH {
            lines.push(line.to_owned());
            continue;
        }
        let mut current = String::new();
        for word in line.split(' ') {
            if !current.is_empty() && current.width() + 1 + word.width() > WIDTH {
                lines.push(std::mem::take(&mut current));
            }
            if !current.is_empty() {
                current.push(' ');
            }
            current.push_str(word);
        }
        lines.push(current);
    }
    lines.join("\n")
}
