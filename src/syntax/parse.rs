//! Entry points: a file's text, a lone expression, a lone template.

use std::sync::Arc;
use std::thread;

use super::adapted;
use super::ast::{Body, Expression, ExpressionKind};
use super::direct;
use super::large;
use super::lexer::{Lexer, Problem, ProblemKind};
use super::lower::Lowering;
use super::problem::{self, Source};
use super::recover::recover;
use crate::diagnostic::{Diagnostic, Diagnostics, FileId, Span};

/// Longest text that is parsed, in bytes.
pub const MAX_FILE_BYTES: usize = 16 * 1024 * 1024;

/// Stack of the thread that parses; the parser's own limit of 64 nested levels needs up to 4 MiB
/// when it is not optimised.
const STACK_BYTES: usize = 16 * 1024 * 1024;

/// Parses the text of a configuration or variable file. What was understood is returned also when
/// there are errors. The text must be the one that the source map has for `file`.
pub fn parse(file: FileId, text: &str) -> (Body, Diagnostics) {
    match check_text(file, text) {
        Ok(start) => on_large_stack(file, text, || {
            let lexer = Lexer::new(&text[start..], 0);
            body(file, &adapted::with_empty_heredocs_quoted(&text[start..], lexer), start)
        }),
        Err(diagnostic) => (Body::default(), (*diagnostic).into()),
    }
}

/// Parses a lone expression, such as the argument of `-var` or a line of the console. Newlines mean
/// nothing in it, as between parentheses.
pub fn parse_expression(file: FileId, text: &str) -> (Expression, Diagnostics) {
    match check_text(file, text) {
        Ok(start) => on_large_stack(file, text, || {
            let lexer = Lexer::new(&text[start..], 0);
            expression(file, &adapted::with_empty_heredocs_quoted(&text[start..], lexer), start)
        }),
        Err(diagnostic) => (null(file, 0..0), (*diagnostic).into()),
    }
}

/// Returns whether an expression goes on behind its last line: a bracket, an interpolation, a heredoc
/// or a comment is open, and nothing in it is wrong so far.
pub fn is_unfinished(text: &str) -> bool {
    let text = format!("{text}\n");
    let mut lexer = Lexer::new(&text, 0);
    while lexer.next().is_some() {}
    let open_comment = |p: &Problem| p.kind == ProblemKind::UnterminatedComment;
    let sound = lexer.problems.iter().all(open_comment);
    sound && (!lexer.is_balanced() || lexer.problems.iter().any(open_comment))
}

/// Parses a template as a template file holds it: text with `${…}` and `%{…}`.
pub fn parse_template(file: FileId, text: &str) -> (Expression, Diagnostics) {
    match check_text(file, text) {
        Ok(start) => on_large_stack(file, text, || {
            let lexer = Lexer::bare_template(&text[start..]);
            template(file, &adapted::with_empty_heredocs_quoted(&text[start..], lexer), start)
        }),
        Err(diagnostic) => (null(file, 0..0), (*diagnostic).into()),
    }
}

fn body(file: FileId, text: &str, start: usize) -> (Body, Diagnostics) {
    match direct::body(file, text, start) {
        Some(body) => (body, Diagnostics::new()),
        None => parsed_body(file, text, start),
    }
}

/// Reads a file through the parser.
pub(super) fn parsed_body(file: FileId, text: &str, start: usize) -> (Body, Diagnostics) {
    let source = Source { file, text, base: start };
    let emptied = large::empty(text);
    match adapted::parse_body(emptied.as_ref().map_or(text, |emptied| &emptied.text)) {
        Ok(tree) => {
            let (items, mut diagnostics) =
                emptied.map(|emptied| emptied.items(source)).unwrap_or_default();
            let mut lowering = Lowering::new(file, text, start.cast_signed()).with_large(items);
            let mut body = lowering.body(&tree);
            body.incomplete = diagnostics.has_errors();
            diagnostics.extend(lowering.diagnostics);
            if diagnostics.has_errors() || is_sound(Lexer::new(text, 0)) {
                (body, diagnostics)
            } else {
                recover(source)
            }
        }
        Err(error) => {
            let (body, mut diagnostics) = recover(source);
            if diagnostics.is_empty() {
                let at = start + error.location().offset();
                let diagnostic = Diagnostic::error("syntax", error.message());
                diagnostics.push(diagnostic.at(clamp(file, at, at)));
            }
            (body, diagnostics)
        }
    }
}

fn expression(file: FileId, text: &str, start: usize) -> (Expression, Diagnostics) {
    match direct::expression(file, text, start) {
        Some(expression) => (expression, Diagnostics::new()),
        None => parsed_expression(file, text, start),
    }
}

/// Reads a lone expression through the parser.
pub(super) fn parsed_expression(
    file: FileId,
    text: &str,
    start: usize,
) -> (Expression, Diagnostics) {
    // The newline ends a comment that would swallow the parenthesis.
    let wrapped = format!("({text}\n)");
    let base = start.cast_signed() - 1;
    let source = Source { file, text, base: start };
    match adapted::parse_expression(&wrapped) {
        Ok(tree) => {
            let mut lowering = Lowering::new(file, &wrapped, base);
            let whole = lowering.expression(&tree);
            match Arc::unwrap_or_clone(whole.kind) {
                ExpressionKind::Parenthesis(inner)
                    if hcl::edit::Span::span(&tree).is_some_and(|s| s.end == wrapped.len()) =>
                {
                    passed(source, inner, lowering.diagnostics, || Lexer::new(text, 0))
                }
                // Something like `1) + (2`.
                _ => (null(file, start..start), broken(source, ")", 0, Lexer::new(text, 0))),
            }
        }
        Err(error) => {
            let offset = error.location().offset().saturating_sub(1);
            let diagnostics = if text.trim().is_empty() {
                Diagnostic::error("syntax", "expected an expression, found nothing")
                    .at(source.span(0, text.len()))
                    .into()
            } else {
                broken(source, error.message(), offset, Lexer::new(text, 0))
            };
            (null(file, start..start + text.len()), diagnostics)
        }
    }
}

fn template(file: FileId, text: &str, start: usize) -> (Expression, Diagnostics) {
    match direct::template(file, text, start) {
        Some(template) => (template, Diagnostics::new()),
        None => parsed_template(file, text, start),
    }
}

/// Reads a lone template through the parser.
pub(super) fn parsed_template(file: FileId, text: &str, start: usize) -> (Expression, Diagnostics) {
    let source = Source { file, text, base: start };
    let lexer = || Lexer::bare_template(text);
    match adapted::parse_template(text) {
        Ok(tree) => {
            let mut lowering = Lowering::new(file, text, start.cast_signed());
            let expression = lowering.bare_template(&tree);
            passed(source, expression, lowering.diagnostics, lexer)
        }
        Err(error) => {
            let diagnostics = broken(source, error.message(), error.location().offset(), lexer());
            (null(file, start..start + text.len()), diagnostics)
        }
    }
}

/// Returns what the parser let pass, unless the lexer sees what is wrong with it.
fn passed<'t>(
    source: Source<'t>,
    expression: Expression,
    diagnostics: Diagnostics,
    lexer: impl Fn() -> Lexer<'t>,
) -> (Expression, Diagnostics) {
    if diagnostics.has_errors() || is_sound(lexer()) {
        return (expression, diagnostics);
    }
    let whole = source.base..source.base + source.text.len();
    (null(source.file, whole), broken(source, "", 0, lexer()))
}

/// Returns whether the lexer has nothing against a text.
fn is_sound(mut lexer: Lexer<'_>) -> bool {
    while lexer.next().is_some() {}
    lexer.cut();
    lexer.problems.is_empty()
}

/// Says what is wrong with a lone expression or template.
fn broken(source: Source<'_>, message: &str, offset: usize, mut lexer: Lexer<'_>) -> Diagnostics {
    let tokens: Vec<_> = std::iter::from_fn(|| lexer.next()).collect();
    lexer.cut();
    match lexer.problems.first() {
        Some(problem) => problem::lexical(source, problem).into(),
        None => problem::expression(source, message, offset, &tokens, source.text.len()).into(),
    }
}

/// Refuses texts that no parser should see, and returns where the text starts behind a byte order
/// mark.
fn check_text(file: FileId, text: &str) -> Result<usize, Box<Diagnostic>> {
    if text.len() > MAX_FILE_BYTES {
        return Err(Box::new(
            Diagnostic::error("file-too-large", "file is larger than 16 MiB")
                .detail(format!("It has {} bytes.", text.len()))
                .help("split it into several files"),
        ));
    }
    if let Some(at) = text.find('\0') {
        return Err(Box::new(
            Diagnostic::error("syntax", "file contains a NUL character")
                .detail("Text files hold none; this may be a binary file or UTF-16.")
                .at(clamp(file, at, at + 1))
                .help("save the file as UTF-8"),
        ));
    }
    Ok(if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 })
}

/// Runs `work` where it cannot overflow the stack: shallow texts here, others on a thread of their
/// own.
fn on_large_stack<T: Send + ParseResult>(
    file: FileId,
    text: &str,
    work: impl FnOnce() -> T + Send,
) -> T {
    if is_shallow(text) {
        return work();
    }
    let outcome = thread::scope(|scope| {
        thread::Builder::new()
            .name(String::from("parser"))
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, work)
            .ok()
            .and_then(|handle| handle.join().ok())
    });
    outcome.unwrap_or_else(|| {
        T::failed(file, Diagnostic::error("internal", "the parser could not run on this text"))
    })
}

/// Returns whether the text has so few characters that open a nested level that it cannot be deep.
fn is_shallow(text: &str) -> bool {
    text.bytes().filter(|b| b"([{\"<!-?%".contains(b)).nth(24).is_none()
}

trait ParseResult {
    fn failed(file: FileId, diagnostic: Diagnostic) -> Self;
}

impl ParseResult for (Body, Diagnostics) {
    fn failed(_: FileId, diagnostic: Diagnostic) -> Self {
        (Body::default(), diagnostic.into())
    }
}

impl ParseResult for (Expression, Diagnostics) {
    fn failed(file: FileId, diagnostic: Diagnostic) -> Self {
        (null(file, 0..0), diagnostic.into())
    }
}

fn null(file: FileId, range: std::ops::Range<usize>) -> Expression {
    Expression { kind: Arc::new(ExpressionKind::Null), span: clamp(file, range.start, range.end) }
}

/// Makes a span of offsets, which the limit on files keeps within 32 bits.
pub(super) fn clamp(file: FileId, start: usize, end: usize) -> Span {
    let offset = |n| u32::try_from(n).unwrap_or(u32::MAX);
    Span { file, start: offset(start), end: offset(end) }
}
