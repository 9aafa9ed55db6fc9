//! The parser with what it reads otherwise than the language means it put right: it misses the end of
//! a heredoc without a line, ends one at a line that has more than the end word, and a comment at a
//! carriage return. Texts keep their length, so that all stays where it was.

use std::borrow::Cow;

use hcl::edit::expr::Expression;
use hcl::edit::parser::{self, Error};
use hcl::edit::structure::Body;
use hcl::edit::template::Template;

use super::lexer::{Lexer, TokenKind};

/// Parses a body. What is in heredocs is to be taken from the text, not from the tree.
pub(super) fn parse_body(text: &str) -> Result<Body, Error> {
    parser::parse_body(&adapted(text, Lexer::new(text, 0)))
}

/// Parses an expression. What is in heredocs is to be taken from the text, not from the tree.
pub(super) fn parse_expression(text: &str) -> Result<Expression, Error> {
    parser::parse_expr(&adapted(text, Lexer::new(text, 0)))
}

/// Parses a lone template. What is in heredocs is to be taken from the text, not from the tree.
pub(super) fn parse_template(text: &str) -> Result<Template, Error> {
    parser::parse_template(&adapted(text, Lexer::bare_template(text)))
}

/// Returns the text with `""` and spaces in the place of each heredoc without a line.
pub(super) fn with_empty_heredocs_quoted<'t>(text: &'t str, mut lexer: Lexer<'t>) -> Cow<'t, str> {
    if !text.contains("<<") {
        return Cow::Borrowed(text);
    }
    let mut quoted = String::new();
    let mut opened = None;
    while let Some(token) = lexer.next() {
        if let (TokenKind::HeredocClose, Some(start)) = (token.kind, opened) {
            quoted.push_str(&text[quoted.len()..start]);
            quoted.push_str("\"\"");
            quoted.extend(std::iter::repeat_n(' ', token.end - start - 2));
        }
        opened = (token.kind == TokenKind::HeredocOpen).then_some(token.start);
    }
    completed(quoted, text)
}

/// Returns the text with `_` in the place of end words that start a line of their heredoc's text, and
/// of carriage returns in comments.
fn adapted<'t>(text: &'t str, mut lexer: Lexer<'t>) -> Cow<'t, str> {
    if !text.contains("<<") && !text.contains('\r') {
        return Cow::Borrowed(text);
    }
    let mut result = String::new();
    let mut words = Vec::new();
    while let Some(token) = lexer.next() {
        let part = &text[token.start..token.end];
        match token.kind {
            TokenKind::HeredocOpen => words.push(part.trim_start_matches(['<', '-']).trim_end()),
            TokenKind::HeredocClose => {
                words.pop();
            }
            TokenKind::Literal if text[..token.start].ends_with('\n') => {
                let line = part.trim_start_matches([' ', '\t']);
                if let Some(word) = words.last().filter(|word| line.starts_with(**word)) {
                    result.push_str(&text[result.len()..token.end - line.len()]);
                    result.extend(std::iter::repeat_n('_', word.len()));
                }
            }
            TokenKind::LineComment if part.contains('\r') => {
                result.push_str(&text[result.len()..token.start]);
                result.push_str(&part.replace('\r', "_"));
            }
            _ => {}
        }
    }
    completed(result, text)
}

/// Adds what is not changed at the end.
fn completed(mut changed: String, text: &str) -> Cow<'_, str> {
    if changed.is_empty() {
        return Cow::Borrowed(text);
    }
    changed.push_str(&text[changed.len()..]);
    Cow::Owned(changed)
}
