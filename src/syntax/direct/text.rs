//! Quoted strings, heredocs and templates.

use super::super::ast::ExpressionKind;
use super::super::lexer::{Token, TokenKind};
use super::super::template::{self, Form, Piece, PieceKind};
use super::{MAX_DEPTH, Reader};
use crate::value::normalised;

/// A directive that is open: the place of its piece, and whether it is an `if` that may have an `else`
/// or one that has had it.
struct Open {
    at: usize,
    start: usize,
    is_if: bool,
    has_else: bool,
}

impl Reader<'_> {
    /// Reads a string from behind its opening quote on, and returns where it ends.
    pub(super) fn quoted(&mut self) -> Option<(ExpressionKind, usize)> {
        let first = self.take()?;
        if first.kind == TokenKind::QuoteClose {
            return Some((ExpressionKind::String("".into()), first.end));
        }
        if first.kind == TokenKind::Literal {
            let next = self.peek()?;
            if next.kind == TokenKind::QuoteClose {
                self.take();
                let text = normalised(&template::decoded(self.text_of(first))?);
                return Some((ExpressionKind::String(text), next.end));
            }
        }
        let (pieces, end) = self.pieces(first, Form::Quoted)?;
        (end.kind == TokenKind::QuoteClose).then(|| (template::assemble(pieces), end.end))
    }

    /// Reads a heredoc from behind its first line on.
    pub(super) fn heredoc(&mut self, open: Token) -> Option<(ExpressionKind, usize)> {
        let indented = self.text_of(open).starts_with("<<-");
        // The parser looks for the end of an empty one further down.
        let first = self.take().filter(|first| first.kind != TokenKind::HeredocClose)?;
        let (pieces, end) = self.pieces(first, Form::Bare)?;
        let kind = template::assemble_heredoc(pieces, indented);
        (end.kind == TokenKind::HeredocClose).then_some((kind, end.end))
    }

    /// Reads a template file.
    pub(super) fn bare_template(&mut self) -> Option<ExpressionKind> {
        // A token behind the end stands for it.
        let end = Token { kind: TokenKind::QuoteClose, start: 0, end: self.text.len() };
        let first = self.take().unwrap_or(end);
        let (pieces, last) = self.pieces(first, Form::Bare)?;
        (last == end).then(|| template::assemble(pieces))
    }

    /// Reads the pieces of a text up to the token that ends it.
    fn pieces(&mut self, first: Token, form: Form) -> Option<(Vec<Piece>, Token)> {
        let mut pieces = Vec::new();
        let mut open: Vec<Open> = Vec::new();
        let mut token = first;
        loop {
            match token.kind {
                TokenKind::Literal => pieces.push(self.literal(token, form)?),
                TokenKind::InterpolationOpen => {
                    let inner = self.expression(true)?;
                    let close = self.expect(TokenKind::TemplateClose, true)?;
                    pieces.push(self.marked(PieceKind::Interpolation(inner), token, close));
                }
                TokenKind::DirectiveOpen => self.directive(token, &mut open, &mut pieces)?,
                TokenKind::QuoteClose | TokenKind::HeredocClose if open.is_empty() => {
                    return Some((pieces, token));
                }
                _ => return None,
            }
            token = match self.take() {
                Some(next) => next,
                None => Token { kind: TokenKind::QuoteClose, start: 0, end: self.text.len() },
            };
        }
    }

    fn literal(&self, token: Token, form: Form) -> Option<Piece> {
        let text = self.text_of(token);
        let text = match form {
            Form::Quoted => template::decoded(text)?.into_owned(),
            Form::Bare => template::unescape(text),
        };
        Some(template::plain(PieceKind::Literal(text)))
    }

    /// Makes a piece with the strip markers of its ends.
    fn marked(&self, kind: PieceKind, open: Token, close: Token) -> Piece {
        let strip_before = self.text_of(open).ends_with('~');
        let strip_after = self.text_of(close).starts_with('~');
        Piece { kind, strip_before, strip_after }
    }

    /// Reads a directive from behind its opening mark on.
    fn directive(
        &mut self,
        mark: Token,
        open: &mut Vec<Open>,
        pieces: &mut Vec<Piece>,
    ) -> Option<()> {
        let word = self.expect(TokenKind::Identifier, true)?;
        let at = pieces.len();
        let span = self.span_of(mark);
        let kind = match self.text_of(word) {
            "if" => {
                self.skip_blank();
                PieceKind::If(self.expression(false)?, span)
            }
            "for" => {
                let (key, value) = self.loop_variables()?;
                PieceKind::For { key, value, collection: self.collection()?, span }
            }
            "else" => PieceKind::Else,
            "endif" => PieceKind::EndIf,
            "endfor" => PieceKind::EndFor,
            _ => return None,
        };
        let close = self.expect(TokenKind::TemplateClose, true)?;
        match &kind {
            PieceKind::If(..) | PieceKind::For { .. } => {
                let is_if = matches!(kind, PieceKind::If(..));
                open.push(Open { at, start: mark.start, is_if, has_else: false });
                self.depth += 1;
                if self.depth > MAX_DEPTH {
                    return None;
                }
            }
            PieceKind::Else => {
                let innermost = open.last_mut().filter(|open| open.is_if && !open.has_else)?;
                innermost.has_else = true;
            }
            ending => {
                let ended = open.pop()?;
                if ended.is_if != matches!(ending, PieceKind::EndIf) {
                    return None;
                }
                self.depth -= 1;
                let whole = self.span(ended.start, close.end);
                match &mut pieces.get_mut(ended.at)?.kind {
                    PieceKind::If(_, span) | PieceKind::For { span, .. } => *span = whole,
                    _ => return None,
                }
            }
        }
        let piece = self.marked(kind, mark, close);
        pieces.push(piece);
        Some(())
    }
}
