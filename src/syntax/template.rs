//! Templates: strip markers, heredoc indentation and escapes are applied here, on the flat sequence
//! of pieces as they stand in the text; then the pieces are put together to a tree.
//!
//! A literal of several lines is one piece per line, so that a strip marker eats the whitespace of
//! one line only, up to and with its newline.

use std::borrow::Cow;
use std::iter::Peekable;
use std::ops::Range;
use std::sync::Arc;
use std::vec;

use hcl::edit::Span as _;
use hcl::edit::template::{Directive, Element, HeredocTemplate, StringTemplate, Strip, Template};

use super::ast::{Expression, ExpressionKind, Identifier, TemplatePart};
use super::lower::Lowering;
use super::problem::unknown_escape;
use crate::diagnostic::{Diagnostic, Span};
use crate::value::normalised;

/// One piece of the flat sequence.
pub(super) struct Piece {
    pub(super) kind: PieceKind,
    /// Strip marker at its start.
    pub(super) strip_before: bool,
    /// Strip marker at its end.
    pub(super) strip_after: bool,
}

pub(super) enum PieceKind {
    Literal(String),
    Interpolation(Expression),
    If(Expression, Span),
    Else,
    EndIf,
    For { key: Option<Identifier>, value: Identifier, collection: Expression, span: Span },
    EndFor,
}

/// How literals are written.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Form {
    /// With backslash escapes, on one line.
    Quoted,
    /// As they stand, but for `$${` and `%%{`.
    Bare,
}

impl Lowering<'_> {
    /// Lowers `"…"` with interpolation or directives.
    pub(super) fn quoted_template(&mut self, template: &StringTemplate) -> ExpressionKind {
        let mut pieces = Vec::new();
        self.pieces(template, Form::Quoted, &mut pieces);
        assemble(pieces)
    }

    /// Lowers `<<EOT` and `<<-EOT`.
    pub(super) fn heredoc(
        &mut self,
        heredoc: &HeredocTemplate,
        range: Option<Range<usize>>,
    ) -> ExpressionKind {
        let mut pieces = Vec::new();
        self.pieces(&heredoc.template, Form::Bare, &mut pieces);
        assemble_heredoc(pieces, self.slice(range).starts_with("<<-"))
    }

    /// Lowers the text of a template file.
    pub(super) fn bare_template(&mut self, template: &Template) -> Expression {
        let mut pieces = Vec::new();
        self.pieces(template, Form::Bare, &mut pieces);
        let span = self.span(Some(0..self.text.len()));
        Expression { kind: Arc::new(assemble(pieces)), span }
    }

    fn pieces(&mut self, template: &Template, form: Form, pieces: &mut Vec<Piece>) {
        for element in template {
            match element {
                Element::Literal(text) => {
                    if form == Form::Quoted {
                        let text = self.unescape_quoted(text.span());
                        pieces.push(plain(PieceKind::Literal(text)));
                    } else {
                        let raw = self.slice(text.span());
                        let lines = raw.split_inclusive('\n');
                        pieces.extend(lines.map(|l| plain(PieceKind::Literal(unescape(l)))));
                    }
                }
                Element::Interpolation(interpolation) => {
                    let inner = self.expression(&interpolation.expr);
                    pieces.push(marked(PieceKind::Interpolation(inner), interpolation.strip));
                }
                Element::Directive(directive) => {
                    let span = self.span(element.span());
                    self.directive(directive, span, form, pieces);
                }
            }
        }
    }

    /// Decodes the escapes of a literal. The parser does so too, but not inside directives.
    fn unescape_quoted(&mut self, range: Option<Range<usize>>) -> String {
        self.refuse_newline(range.clone());
        let start = range.as_ref().map_or(0, |range| range.start);
        let raw = self.slice(range);
        let mut text = String::with_capacity(raw.len());
        let mut rest = raw;
        while let Some(c) = rest.chars().next() {
            let (decoded, length) = match c {
                '\\' => escaped(rest).unwrap_or_else(|| {
                    let at = start + raw.len() - rest.len();
                    let length: usize = rest.chars().take(2).map(char::len_utf8).sum();
                    self.bad_escape(at..at + length);
                    (c, 1)
                }),
                '"' => {
                    let at = start + raw.len() - rest.len();
                    self.stray_quote(at..at + 1);
                    (c, 1)
                }
                '$' | '%' if rest.starts_with("$${") || rest.starts_with("%%{") => {
                    text.push(c);
                    ('{', 3)
                }
                c => (c, c.len_utf8()),
            };
            text.push(decoded);
            rest = &rest[length..];
        }
        text
    }

    fn bad_escape(&mut self, range: Range<usize>) {
        let shown = self.slice(Some(range.clone()));
        let at = self.span(Some(range));
        self.diagnostics.push(unknown_escape(shown, at));
    }

    fn stray_quote(&mut self, range: Range<usize>) {
        let at = self.span(Some(range));
        self.diagnostics.push(
            Diagnostic::error("syntax", "string ends inside a template directive")
                .at(at)
                .help("write `\\\"` for a quotation mark, or end the directive before"),
        );
    }

    fn directive(
        &mut self,
        directive: &Directive,
        span: Span,
        form: Form,
        pieces: &mut Vec<Piece>,
    ) {
        match directive {
            Directive::If(directive) => {
                let start = &directive.if_expr;
                let condition = self.expression(&start.cond_expr);
                pieces.push(marked(PieceKind::If(condition, span), start.strip));
                self.pieces(&start.template, form, pieces);
                if let Some(otherwise) = &directive.else_expr {
                    pieces.push(marked(PieceKind::Else, otherwise.strip));
                    self.pieces(&otherwise.template, form, pieces);
                }
                pieces.push(marked(PieceKind::EndIf, directive.endif_expr.strip));
            }
            Directive::For(directive) => {
                let start = &directive.for_expr;
                let kind = PieceKind::For {
                    key: start.key_var.as_ref().map(|key| self.identifier(key)),
                    value: self.identifier(&start.value_var),
                    collection: self.expression(&start.collection_expr),
                    span,
                };
                pieces.push(marked(kind, start.strip));
                self.pieces(&start.template, form, pieces);
                pieces.push(marked(PieceKind::EndFor, directive.endfor_expr.strip));
            }
        }
    }
}

pub(super) fn plain(kind: PieceKind) -> Piece {
    Piece { kind, strip_before: false, strip_after: false }
}

fn marked(kind: PieceKind, strip: Strip) -> Piece {
    Piece { kind, strip_before: strip.strip_start(), strip_after: strip.strip_end() }
}

/// Returns the character that an escape at the start of `text` stands for, and the escape's length.
fn escaped(text: &str) -> Option<(char, usize)> {
    let digits = match text.as_bytes().get(1)? {
        b'n' => return Some(('\n', 2)),
        b'r' => return Some(('\r', 2)),
        b't' => return Some(('\t', 2)),
        b'"' => return Some(('"', 2)),
        b'\\' => return Some(('\\', 2)),
        b'u' => text.get(2..6)?,
        b'U' => text.get(2..10)?,
        _ => return None,
    };
    if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let code = u32::from_str_radix(digits, 16).ok()?;
    Some((char::from_u32(code)?, 2 + digits.len()))
}

/// Decodes the escapes of a literal in quotes; none where one is wrong.
pub(super) fn decoded(raw: &str) -> Option<Cow<'_, str>> {
    if !raw.contains('\\') && !raw.contains("$${") && !raw.contains("%%{") {
        return Some(Cow::Borrowed(raw));
    }
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(c) = rest.chars().next() {
        let (decoded, length) = match c {
            '\\' => escaped(rest)?,
            '$' | '%' if rest.starts_with("$${") || rest.starts_with("%%{") => {
                text.push(c);
                ('{', 3)
            }
            c => (c, c.len_utf8()),
        };
        text.push(decoded);
        rest = &rest[length..];
    }
    Some(Cow::Owned(text))
}

pub(super) fn unescape(line: &str) -> String {
    line.replace("$${", "${").replace("%%{", "%{")
}

/// Applies the strip markers to the literals beside them.
fn strip(pieces: &mut [Piece]) {
    for i in 0..pieces.len() {
        if pieces[i].strip_before
            && i > 0
            && let PieceKind::Literal(text) = &mut pieces[i - 1].kind
        {
            text.truncate(text.trim_end().len());
        }
        if pieces[i].strip_after
            && let Some(Piece { kind: PieceKind::Literal(text), .. }) = pieces.get_mut(i + 1)
        {
            text.drain(..text.len() - text.trim_start().len());
        }
    }
}

/// Removes the common indentation of a `<<-` heredoc. Lines of whitespace do not count and stay.
fn remove_indentation(pieces: &mut [Piece]) {
    let mut least = usize::MAX;
    let mut indented = Vec::new();
    let mut at_line_start = true;
    for (i, piece) in pieces.iter().enumerate() {
        let literal = match &piece.kind {
            PieceKind::Literal(text) => Some(text.as_str()),
            _ => None,
        };
        if std::mem::take(&mut at_line_start) {
            match literal {
                Some(text) if text.trim_start().is_empty() && text.ends_with('\n') => {}
                Some(text) => {
                    least = least.min(text.chars().take_while(|c| c.is_whitespace()).count());
                    indented.push(i);
                }
                None => least = 0,
            }
        }
        at_line_start = literal.is_some_and(|text| text.ends_with('\n'));
    }
    for i in indented {
        if let PieceKind::Literal(text) = &mut pieces[i].kind {
            let bytes: usize = text.chars().take(least).map(char::len_utf8).sum();
            text.drain(..bytes);
        }
    }
}

pub(super) fn assemble(mut pieces: Vec<Piece>) -> ExpressionKind {
    strip(&mut pieces);
    assemble_stripped(pieces)
}

/// Puts the pieces of a heredoc together.
pub(super) fn assemble_heredoc(mut pieces: Vec<Piece>, indented: bool) -> ExpressionKind {
    strip(&mut pieces);
    if indented {
        remove_indentation(&mut pieces);
    }
    assemble_stripped(pieces)
}

/// Puts the pieces together. A lone interpolation stays alone, so that it keeps its type; with any
/// text beside it, even stripped to nothing, the result is a text.
fn assemble_stripped(pieces: Vec<Piece>) -> ExpressionKind {
    let lone = pieces.len() == 1;
    let mut parts = parts(&mut pieces.into_iter().peekable());
    match parts.as_slice() {
        [] => ExpressionKind::String("".into()),
        [TemplatePart::Literal(text)] => ExpressionKind::String(Arc::clone(text)),
        [TemplatePart::Interpolation(_)] if !lone => {
            parts.push(TemplatePart::Literal("".into()));
            ExpressionKind::Template(parts)
        }
        _ => ExpressionKind::Template(parts),
    }
}

/// Reads pieces up to the end of the enclosing directive's branch, which is left in the sequence.
fn parts(pieces: &mut Peekable<vec::IntoIter<Piece>>) -> Vec<TemplatePart> {
    let mut result = Vec::new();
    let mut literal = String::new();
    while let Some(piece) = pieces.next_if(|piece| {
        !matches!(piece.kind, PieceKind::Else | PieceKind::EndIf | PieceKind::EndFor)
    }) {
        let part = match piece.kind {
            PieceKind::Literal(text) => {
                literal.push_str(&text);
                continue;
            }
            PieceKind::Interpolation(expression) => TemplatePart::Interpolation(expression),
            PieceKind::If(condition, span) => {
                let then = parts(pieces);
                let otherwise = match pieces.next() {
                    Some(Piece { kind: PieceKind::Else, .. }) => {
                        let otherwise = parts(pieces);
                        pieces.next();
                        otherwise
                    }
                    _ => Vec::new(),
                };
                TemplatePart::If { condition, then, otherwise, span }
            }
            PieceKind::For { key, value, collection, span } => {
                let body = parts(pieces);
                pieces.next();
                TemplatePart::For { key, value, collection, body, span }
            }
            PieceKind::Else | PieceKind::EndIf | PieceKind::EndFor => break,
        };
        flush(&mut literal, &mut result);
        result.push(part);
    }
    flush(&mut literal, &mut result);
    result
}

fn flush(literal: &mut String, result: &mut Vec<TemplatePart>) {
    if !literal.is_empty() {
        result.push(TemplatePart::Literal(normalised(literal)));
        literal.clear();
    }
}
