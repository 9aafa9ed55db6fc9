//! Reads a file in which the parser found a mistake: splits it into its top-level blocks, and
//! blocks into attributes, so that every mistake is reported where it is and the rest is
//! understood.

use std::collections::BTreeMap;
use std::sync::Arc;

use hcl::edit::parser;

use super::adapted;
use super::ast::{Attribute, Block, Body, Expression, ExpressionKind, Identifier};
use super::direct;
use super::large;
use super::lexer::{Lexer, Problem, ProblemKind, Token, TokenKind, line_end};
use super::lower::Lowering;
use super::problem::{self, Source};
use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::value::normalised;

/// Most mistakes reported of one file.
const MAX_REPORTED: usize = 25;
/// Deepest nesting of blocks.
const MAX_BLOCKS: usize = 64;

/// Reads a body with mistakes. The result may be without diagnostics when the mistake escaped this
/// reader; then the parser's own message is to be shown.
pub(super) fn recover(source: Source<'_>) -> (Body, Diagnostics) {
    let mut body = Body { incomplete: true, ..Body::default() };
    let mut diagnostics = Diagnostics::new();
    let mut names = BTreeMap::new();
    for chunk in chunks(source.text) {
        if diagnostics.len() >= MAX_REPORTED {
            let at = chunk.tokens.first().map_or(chunk.end, |token| token.start);
            let summary = "further mistakes of this file are not shown";
            let diagnostic = Diagnostic::error("too-many-mistakes", summary);
            diagnostics.push(diagnostic.at(source.span(at, at)));
            break;
        }
        if chunk.problems.iter().any(is_wide) {
            diagnostics.extend(chunk.problems.first().map(|p| problem::lexical(source, p)));
            continue;
        }
        let problems = chunk.problems.iter().take(MAX_REPORTED);
        diagnostics.extend(problems.map(|p| problem::lexical(source, p)));
        let mut reader = Reader {
            source,
            tokens: &chunk.tokens,
            problems: &chunk.problems,
            next: 0,
            end: chunk.end,
            depth: 0,
            diagnostics: Diagnostics::new(),
        };
        reader.body(&mut body, &mut names, false);
        diagnostics.extend(reader.diagnostics);
    }
    (body, diagnostics)
}

/// Returns whether a problem makes it unclear where its block ends.
fn is_wide(problem: &Problem) -> bool {
    matches!(
        problem.kind,
        ProblemKind::Unclosed
            | ProblemKind::Mismatched
            | ProblemKind::StrayClose
            | ProblemKind::UnterminatedLabel
            | ProblemKind::UnterminatedHeredoc
            | ProblemKind::UnterminatedComment
    )
}

/// A top-level block or attribute.
struct Chunk {
    tokens: Vec<Token>,
    problems: Vec<Problem>,
    end: usize,
}

/// Splits a text at the ends of its top-level items; where brackets do not balance, also where a
/// line looks like the start of a block.
fn chunks(text: &str) -> Vec<Chunk> {
    let mut whole = Lexer::new(text, 0);
    while whole.next().is_some() {}
    whole.cut();
    let unbalanced = whole.problems.iter().any(is_wide);

    let mut chunks = Vec::new();
    let mut lexer = Lexer::new(text, 0);
    let mut tokens = Vec::new();
    let mut close = |lexer: &mut Lexer<'_>, tokens: &mut Vec<Token>| {
        lexer.cut();
        let problems = std::mem::take(&mut lexer.problems);
        if !tokens.is_empty() || !problems.is_empty() {
            let tokens = std::mem::take(tokens);
            chunks.push(Chunk { tokens, problems, end: lexer.position() });
        }
    };
    while let Some(token) = lexer.next() {
        if token.kind == TokenKind::Newline && tokens.is_empty() {
            continue;
        }
        tokens.push(token);
        let line_ends = token.kind == TokenKind::Newline
            || token.kind == TokenKind::Literal && text[..token.end].ends_with('\n');
        let ends = token.kind == TokenKind::Newline
            && lexer.is_balanced()
            && !brace_follows(&text[token.end..])
            || unbalanced
                && line_ends
                && lexer.depth() > 0
                && starts_block(&text[token.end..], &text[..token.end]);
        if ends {
            close(&mut lexer, &mut tokens);
        }
    }
    close(&mut lexer, &mut tokens);
    chunks
}

/// Returns whether the next thing is a brace that should have been on the line before.
fn brace_follows(text: &str) -> bool {
    let mut lexer = Lexer::new(text, 0);
    let blank = [TokenKind::Newline, TokenKind::LineComment, TokenKind::BlockComment];
    std::iter::from_fn(|| lexer.next())
        .take(8)
        .find(|token| !blank.contains(&token.kind))
        .is_some_and(|token| token.kind == TokenKind::Open(b'{'))
}

/// Returns whether a text starts with the header of a block at the very start of its line: with
/// labels, or where the line before is indented.
fn starts_block(text: &str, before: &str) -> bool {
    let line = text.split('\n').next().unwrap_or("");
    let mut lexer = Lexer::new(line, 0);
    let first = lexer.next();
    if !matches!(first, Some(Token { kind: TokenKind::Identifier, start: 0, .. })) {
        return false;
    }
    let mut labels = 0;
    while let Some(token) = lexer.next() {
        match token.kind {
            TokenKind::Identifier | TokenKind::QuoteOpen => labels += 1,
            TokenKind::Literal | TokenKind::QuoteClose => {}
            TokenKind::Open(b'{') => {
                let previous = before.lines().rev().find(|line| !line.trim().is_empty());
                let indented =
                    previous.is_some_and(|line| line.starts_with([' ', '\t', '}', ')', ']']));
                return labels > 0 || indented;
            }
            _ => return false,
        }
    }
    false
}

struct Reader<'t> {
    source: Source<'t>,
    tokens: &'t [Token],
    /// What was reported already.
    problems: &'t [Problem],
    next: usize,
    /// Where the text of the tokens ends.
    end: usize,
    depth: usize,
    diagnostics: Diagnostics,
}

impl<'t> Reader<'t> {
    fn peek(&self) -> Option<Token> {
        self.tokens.get(self.next).copied()
    }

    fn peek_kind(&self) -> Option<TokenKind> {
        self.peek().map(|token| token.kind)
    }

    fn text(&self, token: Token) -> &'t str {
        &self.source.text[token.start..token.end]
    }

    fn span(&self, token: Token) -> Span {
        let end = if token.kind == TokenKind::Newline { token.start } else { token.end };
        self.source.span(token.start, end)
    }

    fn here(&self) -> Span {
        self.peek().map_or_else(|| self.source.span(self.end, self.end), |token| self.span(token))
    }

    fn error(&mut self, summary: String) -> Diagnostic {
        Diagnostic::error("syntax", summary).at(self.here())
    }

    /// Skips comments on the same line.
    fn skip_comments(&mut self) {
        while matches!(self.peek_kind(), Some(TokenKind::BlockComment | TokenKind::LineComment)) {
            self.next += 1;
        }
    }

    fn skip_blank(&mut self) {
        while matches!(
            self.peek_kind(),
            Some(TokenKind::BlockComment | TokenKind::LineComment | TokenKind::Newline)
        ) {
            self.next += 1;
        }
    }

    /// Returns where the line ends, or the block that it stands in.
    fn line_end(&self) -> usize {
        line_end(self.tokens, self.next)
    }

    /// Returns whether these tokens have something that was reported already.
    fn is_reported(&self, tokens: &[Token]) -> bool {
        let (Some(first), Some(last)) = (tokens.first(), tokens.last()) else { return false };
        self.problems.iter().any(|p| p.at.start < last.end && first.start < p.at.end)
    }

    /// Returns whether the rest of the line has something that was reported already.
    fn line_is_reported(&self) -> bool {
        let rest = &self.tokens[self.next.min(self.tokens.len())..];
        let end = rest.iter().position(|token| token.kind == TokenKind::Newline);
        self.is_reported(&rest[..end.unwrap_or(rest.len())])
    }

    /// Reads items up to the closing brace or the end.
    fn body(&mut self, body: &mut Body, names: &mut BTreeMap<Box<str>, Span>, braces: bool) {
        loop {
            self.skip_blank();
            if self.diagnostics.len() >= MAX_REPORTED {
                self.next = self.tokens.len();
            }
            match self.peek() {
                None => return,
                Some(Token { kind: TokenKind::Close(_), .. }) if braces => return,
                Some(token) if token.kind == TokenKind::Identifier => {
                    self.next += 1;
                    self.item(token, body, names);
                }
                token => {
                    body.incomplete = true;
                    if !self.line_is_reported() {
                        let found = self.source.name(token);
                        let diagnostic =
                            self.error(format!("expected an attribute or a block, found {found}"));
                        self.diagnostics.push(diagnostic);
                    }
                    self.next = self.line_end().max(self.next + 1);
                }
            }
        }
    }

    fn item(&mut self, name: Token, body: &mut Body, names: &mut BTreeMap<Box<str>, Span>) {
        self.skip_comments();
        let token = self.peek();
        if self.line_is_reported()
            && !matches!(token, Some(Token { kind: TokenKind::Operator, .. }))
        {
            body.incomplete = true;
            self.next = self.line_end();
            return;
        }
        match token.map(|token| (token.kind, self.text(token))) {
            Some((TokenKind::Operator, "=")) => self.attribute(name, body, names),
            Some((TokenKind::Operator, ":")) => {
                let at = self.here();
                let spaced = token.is_some_and(|token| token.start > name.end);
                let diagnostic = Diagnostic::error("syntax", "attributes are set with `=`")
                    .at(at)
                    .help(format!("write `{} = …`", self.text(name)))
                    .fix(at, if spaced { "=" } else { " =" });
                self.diagnostics.push(diagnostic);
                self.attribute(name, body, names);
            }
            Some((TokenKind::Open(b'{') | TokenKind::QuoteOpen | TokenKind::Identifier, _)) => {
                self.block(name, body);
            }
            Some((TokenKind::Newline, _)) if self.brace_follows() => self.block(name, body),
            _ => {
                let found = self.source.name(token);
                let summary =
                    format!("expected `=` or `{{` after `{}`, found {found}", self.text(name));
                let diagnostic =
                    Diagnostic::error("syntax", summary).at(self.here()).see(self.span(name), "");
                body.incomplete = true;
                self.diagnostics.push(diagnostic);
                self.next = self.line_end();
            }
        }
    }

    fn brace_follows(&self) -> bool {
        self.tokens[self.next..]
            .iter()
            .find(|token| {
                !matches!(
                    token.kind,
                    TokenKind::Newline | TokenKind::LineComment | TokenKind::BlockComment
                )
            })
            .is_some_and(|token| token.kind == TokenKind::Open(b'{'))
    }

    /// Reads an attribute from its `=` on.
    fn attribute(&mut self, name: Token, body: &mut Body, names: &mut BTreeMap<Box<str>, Span>) {
        self.next += 1;
        let first = self.next;
        let last = self.line_end();
        let tokens = &self.tokens[first..last];
        self.next = last;
        let name = self.identifier(name);
        if let Some(earlier) = names.insert(name.text.as_ref().into(), name.span) {
            let diagnostic =
                Diagnostic::error("duplicate-attribute", format!("`{}` is set twice", name.text))
                    .at(name.span)
                    .see(earlier, "first set here")
                    .help("remove one of them");
            self.diagnostics.push(diagnostic);
            body.incomplete = true;
            return;
        }
        match self.expression(tokens) {
            Some(value) => {
                let span = name.span.to(value.span);
                body.attributes.push(Attribute { name, value, span });
            }
            None => body.incomplete = true,
        }
    }

    fn identifier(&self, token: Token) -> Identifier {
        Identifier { text: normalised(self.text(token)), span: self.span(token) }
    }

    /// Parses the text of tokens as an expression.
    fn expression(&mut self, tokens: &[Token]) -> Option<Expression> {
        if self.is_reported(tokens) {
            return None;
        }
        let significant = |token: &&Token| token.kind != TokenKind::BlockComment;
        let (Some(first), Some(last)) =
            (tokens.iter().find(significant), tokens.iter().rfind(significant))
        else {
            let found = match self.peek() {
                Some(token) if token.kind == TokenKind::Newline => {
                    String::from("the end of the line")
                }
                token => self.source.name(token),
            };
            let diagnostic = self.error(format!("expected an expression, found {found}"));
            self.diagnostics.push(diagnostic);
            return None;
        };
        let text = &self.source.text[first.start..last.end];
        let at = self.source.base + first.start;
        if let Some(expression) = direct::expression(self.source.file, text, at) {
            return Some(expression);
        }
        let emptied = large::empty(text);
        match adapted::parse_expression(emptied.as_ref().map_or(text, |emptied| &emptied.text)) {
            Ok(tree) => {
                let Source { file, base, .. } = self.source;
                let source = Source { file, text, base: base + first.start };
                let (items, diagnostics) =
                    emptied.map(|emptied| emptied.items(source)).unwrap_or_default();
                self.diagnostics.extend(diagnostics);
                let base = source.base.cast_signed();
                let mut lowering = Lowering::new(file, text, base).with_large(items);
                let expression = lowering.expression(&tree);
                self.diagnostics.extend(lowering.diagnostics);
                Some(expression)
            }
            Err(error) => {
                let offset = first.start + stop(text, &error);
                let diagnostic =
                    problem::expression(self.source, error.message(), offset, tokens, last.end);
                self.diagnostics.push(diagnostic);
                None
            }
        }
    }

    /// Reads a block from its first label or brace on.
    fn block(&mut self, kind: Token, body: &mut Body) {
        let kind_name = self.identifier(kind);
        let mut labels = Vec::new();
        loop {
            self.skip_comments();
            match self.peek() {
                Some(token) if token.kind == TokenKind::Identifier => {
                    self.next += 1;
                    labels.push(self.identifier(token));
                }
                Some(token) if token.kind == TokenKind::QuoteOpen => {
                    labels.extend(self.quoted_label());
                }
                _ => break,
            }
        }
        let header = labels.last().map_or(kind_name.span, |last| kind_name.span.to(last.span));
        if !self.opening_brace(header) {
            body.incomplete = true;
            self.next = self.line_end();
            return;
        }
        let mut block =
            Block { kind: kind_name, labels, body: Body::default(), span: header, header };
        self.depth += 1;
        if self.depth > MAX_BLOCKS {
            let diagnostic = Diagnostic::error("too-deep", "blocks are nested too deeply")
                .detail(format!("At most {MAX_BLOCKS} levels are read."))
                .at(header);
            self.diagnostics.push(diagnostic);
            self.next = self.tokens.len();
        } else {
            self.block_body(&mut block);
        }
        self.depth -= 1;
        body.incomplete |= block.body.incomplete;
        body.blocks.push(block);
    }

    fn quoted_label(&mut self) -> Option<Identifier> {
        let open = self.peek()?;
        let first = self.next;
        let close = self.tokens[first..].iter().position(|t| t.kind == TokenKind::QuoteClose)?;
        self.next = first + close + 1;
        let tokens = &self.tokens[first..self.next];
        let expression = self.expression(tokens)?;
        if let ExpressionKind::String(text) = &*expression.kind {
            return Some(Identifier { text: Arc::clone(text), span: expression.span });
        }
        let diagnostic = Diagnostic::error("syntax", "label of a block is no plain string")
            .detail("Labels cannot hold interpolations or directives.")
            .at(expression.span.to(self.span(open)));
        self.diagnostics.push(diagnostic);
        None
    }

    /// Expects `{` on the header's line; takes one on a later line with a message.
    fn opening_brace(&mut self, header: Span) -> bool {
        if self.peek_kind() == Some(TokenKind::Open(b'{')) {
            self.next += 1;
            return true;
        }
        let before = self.next;
        let token = self.peek();
        self.skip_blank();
        if token.is_some_and(|t| t.kind == TokenKind::Newline)
            && self.peek_kind() == Some(TokenKind::Open(b'{'))
        {
            let diagnostic = self
                .error(String::from("`{` must stand on the line of the block's header"))
                .see(header, "of this block");
            self.diagnostics.push(diagnostic);
            self.next += 1;
            return true;
        }
        self.next = before;
        let found = self.source.name(token);
        let mut diagnostic = self
            .error(format!("expected `{{` after the header of the block, found {found}"))
            .see(header, "");
        if let Some(name) = self.source.text_at(header).and_then(|text| text.split_once(' ')) {
            let help = format!("write `{} = …` to set an attribute", name.0);
            diagnostic = diagnostic.help(help);
        }
        self.diagnostics.push(diagnostic);
        false
    }

    fn block_body(&mut self, block: &mut Block) {
        self.skip_comments();
        let one_line =
            !matches!(self.peek_kind(), Some(TokenKind::Newline | TokenKind::Close(_)) | None);
        let first = self.next;
        let before = self.diagnostics.len();
        let mut names = BTreeMap::new();
        self.body(&mut block.body, &mut names, true);
        let last = self.next;
        let Some(close) = self.peek() else { return };
        self.next += 1;
        block.span = block.header.to(self.span(close));
        let before_close = self.tokens[..last].iter().rfind(|t| t.kind != TokenKind::BlockComment);
        if !one_line
            && last > first
            && before_close.is_some_and(|token| token.kind != TokenKind::Newline)
        {
            let diagnostic =
                Diagnostic::error("syntax", "expected a new line before the block's `}`")
                    .at(self.span(close))
                    .help("only a block with a single attribute may stand on one line");
            self.diagnostics.push(diagnostic);
        }
        if one_line && self.diagnostics.len() == before {
            self.check_one_line(block, &self.tokens[first..last]);
        }
        self.skip_comments();
        if !matches!(self.peek_kind(), Some(TokenKind::Newline | TokenKind::Close(_)) | None) {
            let found = self.source.name(self.peek());
            let diagnostic =
                self.error(format!("expected a new line after the block, found {found}"));
            self.diagnostics.push(diagnostic);
            block.body.incomplete = true;
            self.next = self.line_end();
        }
    }

    /// A block on one line may hold one attribute.
    fn check_one_line(&mut self, block: &Block, tokens: &[Token]) {
        let items = block.body.attributes.len() + block.body.blocks.len();
        let broken = tokens.iter().any(|token| token.kind == TokenKind::Newline);
        if items > 1 || !block.body.blocks.is_empty() || broken && items > 0 {
            let diagnostic =
                Diagnostic::error("syntax", "a block on one line holds one attribute only")
                    .at(block.span)
                    .help("put a new line after `{`, after each item and before `}`");
            self.diagnostics.push(diagnostic);
        }
    }
}

/// Returns where the parser stopped in a text. It reports the last character when it was at the end,
/// which a space behind the text tells apart.
pub(super) fn stop(text: &str, error: &parser::Error) -> usize {
    let offset = error.location().offset();
    if offset + 1 < text.len() {
        return offset;
    }
    match adapted::parse_expression(&format!("{text} ")) {
        Err(again) => again.location().offset(),
        Ok(_) => offset,
    }
}
