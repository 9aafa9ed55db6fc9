//! Diagnostics as text for people: the message, the source with the place underlined, why and how
//! to mend it. The only user of `annotate_snippets`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Patch, Renderer, Snippet};
use unicode_width::UnicodeWidthStr;

use super::excerpt::{block_header, line_end, line_start, printable, safe_range};
use super::{Diagnostic, Diagnostics, FileId, Label, Severity, SourceFile, SourceMap};

/// Columns at which explanations are wrapped.
const WIDTH: usize = 88;

/// Most errors that are written out: nobody reads more at a time.
const MAX_ERRORS: usize = 500;

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
    let mut errors = 0;
    for diagnostic in &sorted {
        if diagnostic.severity == Severity::Error {
            errors += 1;
            if errors > MAX_ERRORS {
                continue;
            }
        }
        let count = if diagnostic.severity == Severity::Warning {
            similar.remove(&(diagnostic.code, diagnostic.summary.as_str()))
        } else {
            Some(1)
        };
        let Some(count) = count else { continue };
        text.push_str(&one(diagnostic, count - 1, sources, &renderer));
        text.push_str("\n\n");
    }
    if let Some(more @ 1..) = errors.checked_sub(MAX_ERRORS) {
        let plural = if more == 1 { "" } else { "s" };
        text.push_str(&format!("(and {more} more error{plural}; -json shows all)\n\n"));
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
        let snippet = Snippet::source(without_returns(&file.text[from..to]))
            .path(printable(&file.name))
            .line_start(file.line_number(from))
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
        let more = match diagnostic.also.len() {
            0 => String::new(),
            1 => format!(" and {}", diagnostic.also.iter().next().map_or("", String::as_str)),
            n => format!(" and {n} more instances"),
        };
        notes.push(printable(&format!("with {address}{more}")));
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
    let mut snippet = Snippet::source(without_returns(&file.text[from..to]))
        .path(printable(&file.name))
        .line_start(file.line_number(from));
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

/// Returns source without the carriage returns at the ends of its lines, at the same offsets.
fn without_returns(source: &str) -> Cow<'_, str> {
    if !source.contains('\r') {
        return source.into();
    }
    let source = source.replace("\r\n", " \n");
    source.strip_suffix('\r').map_or_else(|| source.clone(), |line| format!("{line} ")).into()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Span;

    fn sources() -> (SourceMap, FileId, FileId) {
        let mut sources = SourceMap::default();
        let main = sources.add(
            "main.nat.hcl",
            "resource \"forward_entry\" \"web\" { # DNAT\n  name = \"名前\"\n\n  # ports\n  port = var.port\n}\n",
        );
        let variables = sources.add("variables.nat.hcl", "variable \"port\" {}\n");
        (sources, main, variables)
    }

    fn find(sources: &SourceMap, file: FileId, text: &str) -> Span {
        let start = u32::try_from(sources.get(file).unwrap().text.find(text).unwrap()).unwrap();
        Span { file, start, end: start + u32::try_from(text.len()).unwrap() }
    }

    #[test]
    fn carriage_returns_are_not_shown() {
        let mut sources = SourceMap::default();
        let file = sources.add("main.nat.hcl", "a {\r\n  b = [\r\n    x]\r\n}\r\n");
        let diagnostic = Diagnostic::error("c", "s").at(find(&sources, file, "[\r\n    x"));
        let text = render(&diagnostic.into(), &sources, Style::default());
        assert!(!text.contains(['\r', '␍']), "{text}");
        assert!(text.contains("b = ["), "{text}");
    }

    #[test]
    fn what_where_why_and_how_to_mend() {
        let (sources, main, variables) = sources();
        let diagnostic = Diagnostic::error("invalid-port", "port is out of range")
            .detail("Ports go from 1 to 65535. This sentence is long enough that it has to be broken into two lines.\n  This line stays as it is.")
            .at_with(find(&sources, main, "var.port"), "used here")
            .see(find(&sources, variables, "\"port\""), "declared here")
            .address("forward_entry.web[\"a\"]")
            .value("var.port", "70000")
            .help("choose a port below 65536");
        insta::assert_snapshot!(render(&diagnostic.into(), &sources, Style::default()), @r#"
        error[invalid-port]: port is out of range
         --> main.nat.hcl:5:10
          |
        1 | resource "forward_entry" "web" { # DNAT
        ...
        5 |   port = var.port
          |          ^^^^^^^^ used here
          |
         ::: variables.nat.hcl:1:10
          |
        1 | variable "port" {}
          |          ------ declared here
          |
          = with forward_entry.web["a"]
          = Ports go from 1 to 65535. This sentence is long enough that it has to be broken into two
            lines.
              This line stays as it is.
          = var.port is 70000
          = help: choose a port below 65536
        "#);
    }

    #[test]
    fn fixes_are_shown() {
        let (sources, main, _) = sources();
        let span = find(&sources, main, "\"名前\"");
        let diagnostic = Diagnostic::error("bad-name", "name has foreign characters")
            .at(span)
            .fix(span, "\"name\"");
        insta::assert_snapshot!(render(&diagnostic.into(), &sources, Style::default()), @r#"
        error[bad-name]: name has foreign characters
         --> main.nat.hcl:2:10
          |
        1 | resource "forward_entry" "web" { # DNAT
        2 |   name = "名前"
          |          ^^^^^^
          |
        help: write instead
          |
        2 -   name = "名前"
        2 +   name = "name"
          |
        "#);
    }

    #[test]
    fn warnings_come_first_and_are_folded() {
        let (sources, main, _) = sources();
        let mut diagnostics = Diagnostics::new();
        diagnostics.push(Diagnostic::error("e", "an error"));
        for text in ["name", "port"] {
            let warning = Diagnostic::warning("deprecated", "attribute is deprecated");
            diagnostics.push(warning.at(find(&sources, main, text)));
        }
        diagnostics.push(Diagnostic::warning("other", "another warning"));
        insta::assert_snapshot!(render(&diagnostics, &sources, Style::default()), @r#"
        warning[other]: another warning

        warning[deprecated]: attribute is deprecated
         --> main.nat.hcl:2:3
          |
        1 | resource "forward_entry" "web" { # DNAT
        2 |   name = "名前"
          |   ^^^^
          |
          = (and 1 more similar warning elsewhere)

        error[e]: an error
        "#);
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        let mut sources = SourceMap::default();
        let file = sources.add("a\u{1b}[2J.hcl", "x = \"\u{1b}[31m\u{202e}\"\n");
        let diagnostic = Diagnostic::error("e", "bad \u{1b}[31mred\u{7}")
            .detail("\u{1b}]0;title\u{9b}")
            .at_with(Span { file, start: 0, end: 1 }, "\u{1b}c")
            .value("x", "\u{1b}")
            .help("\u{8}");
        let text = render(&diagnostic.into(), &sources, Style::default());
        let bad = |c: char| c.is_control() && c != '\n' || matches!(c, '\u{202a}'..='\u{202e}');
        assert!(!text.contains(bad), "{text:?}");
    }

    #[test]
    fn colour_only_if_asked() {
        let (sources, main, _) = sources();
        let diagnostic = Diagnostic::error("e", "summary").at(find(&sources, main, "name"));
        let diagnostics = Diagnostics::from(diagnostic);
        assert!(!render(&diagnostics, &sources, Style { colour: false }).contains('\u{1b}'));
        assert!(render(&diagnostics, &sources, Style { colour: true }).contains('\u{1b}'));
    }

    #[test]
    fn odd_spans_are_shown_as_far_as_they_go() {
        let (sources, main, _) = sources();
        for (start, end) in [(0, 0), (10_000, 20_000), (50, 49), (46, 47), (0, 10_000)] {
            let diagnostic = Diagnostic::error("e", "summary").at(Span { file: main, start, end });
            assert!(render(&diagnostic.into(), &sources, Style::default()).contains("summary"));
        }
        let unknown =
            Diagnostic::error("e", "summary").at(Span { file: FileId(9), start: 0, end: 1 });
        assert!(render(&unknown.into(), &sources, Style::default()).contains("summary"));
    }
}
