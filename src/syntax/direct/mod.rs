//! Reads a text straight to our tree, several times faster than through the parser's own. It takes
//! only what is plainly right: whatever is wrong or unusual it leaves to the parser, whose word on what
//! is valid, and on what is wrong, is the last. A property test holds both to the same trees.

mod expression;
mod text;

use std::collections::BTreeSet;
use std::sync::Arc;

use super::ast::{Attribute, Block, Body, Expression, ExpressionKind, Identifier};
use super::lexer::{Lexer, Token, TokenKind};
use super::parse::clamp;
use crate::diagnostic::{FileId, Span};
use crate::value::{Name, normalised};

/// Deepest nesting that is read here: well below what the parser reads, and what a stack bears.
const MAX_DEPTH: usize = 48;
/// Most operators on the way from an expression down to one of its operands.
const MAX_OPERATORS: usize = 64;
/// Attributes of a body that are compared with each other one by one.
const FEW_ATTRIBUTES: usize = 8;
/// Most places for names that were read lately, so that each is kept once.
const RECENT_NAMES: usize = 1024;

/// Reads a file; none where that is to be left to the parser. `base` is where the text starts in it.
pub(super) fn body(file: FileId, text: &str, base: usize) -> Option<Body> {
    let mut reader = Reader::new(file, text, base, Lexer::new(text, 0));
    let body = reader.body(false)?;
    reader.is_done().then_some(body)
}

/// Reads a lone expression, in which newlines mean nothing.
pub(super) fn expression(file: FileId, text: &str, base: usize) -> Option<Expression> {
    let mut reader = Reader::new(file, text, base, Lexer::new(text, 0));
    let expression = reader.expression(true)?;
    reader.skip_blank();
    reader.is_done().then_some(expression)
}

/// Reads the text of a template file.
pub(super) fn template(file: FileId, text: &str, base: usize) -> Option<Expression> {
    let mut reader = Reader::new(file, text, base, Lexer::bare_template(text));
    let kind = reader.bare_template()?;
    let sound = reader.lexer.problems.is_empty();
    sound.then(|| Expression { kind: Arc::new(kind), span: reader.span(0, text.len()) })
}

/// The token that comes next, block comments passed over; none at the end of the text.
#[derive(Clone, Copy)]
enum Ahead {
    Unread,
    Read(Option<Token>),
}

/// What is read so far. Methods return nothing where the rest is to be left to the parser.
struct Reader<'t> {
    file: FileId,
    text: &'t str,
    base: usize,
    lexer: Lexer<'t>,
    /// What was looked at of what comes next.
    ahead: Ahead,
    depth: usize,
    /// Most operators on the way down in what was read of the present expression.
    operators: usize,
    recent: Vec<Option<Name>>,
    /// Literals that were read lately, as they are written: blocks that are alike share them.
    literals: Vec<Option<(&'t str, Arc<ExpressionKind>)>>,
}

impl<'t> Reader<'t> {
    fn new(file: FileId, text: &'t str, base: usize, lexer: Lexer<'t>) -> Self {
        let places = (text.len() / 16).clamp(4, RECENT_NAMES);
        Self {
            file,
            text,
            base,
            lexer,
            ahead: Ahead::Unread,
            depth: 0,
            operators: 0,
            recent: vec![None; places],
            literals: vec![None; places],
        }
    }

    /// Returns whether the text was read to its end and nothing is wrong with it.
    fn is_done(&mut self) -> bool {
        self.peek().is_none() && self.lexer.is_balanced() && self.lexer.problems.is_empty()
    }

    fn span(&self, start: usize, end: usize) -> Span {
        clamp(self.file, self.base + start, self.base + end)
    }

    fn span_of(&self, token: Token) -> Span {
        self.span(token.start, token.end)
    }

    fn text_of(&self, token: Token) -> &'t str {
        &self.text[token.start..token.end]
    }

    fn peek(&mut self) -> Option<Token> {
        if let Ahead::Read(token) = self.ahead {
            return token;
        }
        let token = loop {
            match self.lexer.next() {
                Some(Token { kind: TokenKind::BlockComment, .. }) => {}
                token => break token,
            }
        };
        self.ahead = Ahead::Read(token);
        token
    }

    fn take(&mut self) -> Option<Token> {
        let token = self.peek();
        self.ahead = Ahead::Unread;
        token
    }

    /// Looks at the next token, behind newlines where they mean nothing.
    fn peek_in(&mut self, newlines: bool) -> Option<Token> {
        if newlines {
            self.skip_blank();
        }
        self.peek()
    }

    fn skip_blank(&mut self) {
        while let Some(Token { kind: TokenKind::Newline | TokenKind::LineComment, .. }) =
            self.peek()
        {
            self.ahead = Ahead::Unread;
        }
    }

    /// Takes a token of that kind.
    fn expect(&mut self, kind: TokenKind, newlines: bool) -> Option<Token> {
        let token = self.peek_in(newlines)?;
        (token.kind == kind).then(|| self.ahead = Ahead::Unread)?;
        Some(token)
    }

    /// Takes that operator or word if it is what comes next.
    fn takes(&mut self, kind: TokenKind, text: &str, newlines: bool) -> bool {
        let found = self
            .peek_in(newlines)
            .is_some_and(|token| token.kind == kind && self.text_of(token) == text);
        if found {
            self.ahead = Ahead::Unread;
        }
        found
    }

    fn takes_operator(&mut self, text: &str, newlines: bool) -> bool {
        self.takes(TokenKind::Operator, text, newlines)
    }

    /// Returns a name, the same one for equal texts that stand near each other.
    fn name(&mut self, text: &str) -> Name {
        let at = place_of(text, self.recent.len());
        let place = &mut self.recent[at];
        if let Some(name) = place
            && **name == *text
        {
            return Arc::clone(name);
        }
        let name = normalised(text);
        if *name == *text {
            *place = Some(Arc::clone(&name));
        }
        name
    }

    /// Returns a literal that stands from `start` to `end`, the same one for what is written alike near
    /// it.
    fn shared(&mut self, kind: ExpressionKind, start: usize, end: usize) -> Expression {
        let text = &self.text[start..end];
        let at = place_of(text, self.literals.len());
        let kind = match &self.literals[at] {
            Some((known, kind)) if *known == text => Arc::clone(kind),
            _ => {
                let kind = Arc::new(kind);
                self.literals[at] = Some((text, Arc::clone(&kind)));
                kind
            }
        };
        Expression { kind, span: self.span(start, end) }
    }

    fn identifier(&mut self, token: Token) -> Identifier {
        Identifier { text: self.name(self.text_of(token)), span: self.span_of(token) }
    }

    /// Reads items up to the closing brace, or to the end of the text.
    fn body(&mut self, braces: bool) -> Option<Body> {
        let mut body = Body::default();
        let mut names = BTreeSet::new();
        loop {
            self.skip_blank();
            let Some(first) = self.peek() else { return (!braces).then_some(body) };
            match first.kind {
                TokenKind::Close(b'}') if braces => return Some(body),
                TokenKind::Identifier => self.ahead = Ahead::Unread,
                _ => return None,
            }
            let name = self.identifier(first);
            if self.takes_operator("=", false) {
                let value = self.expression(false)?;
                add(&mut body, &mut names, name, value)?;
            } else {
                let block = self.block(name, first)?;
                body.blocks.push(block);
            }
            self.end_of_line()?;
        }
    }

    fn end_of_line(&mut self) -> Option<()> {
        if self.peek().is_some_and(|token| token.kind == TokenKind::LineComment) {
            self.ahead = Ahead::Unread;
        }
        match self.take() {
            None | Some(Token { kind: TokenKind::Newline, .. }) => Some(()),
            _ => None,
        }
    }

    /// Reads a block from behind its first word on.
    fn block(&mut self, kind: Identifier, first: Token) -> Option<Block> {
        let mut labels = Vec::new();
        loop {
            let token = self.take()?;
            match token.kind {
                TokenKind::Open(b'{') => break,
                TokenKind::Identifier => labels.push(self.identifier(token)),
                TokenKind::QuoteOpen => labels.push(self.label(token)?),
                _ => return None,
            }
        }
        let header = labels.last().map_or(kind.span, |last| kind.span.to(last.span));
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let body = match self.peek()?.kind {
            TokenKind::Newline | TokenKind::LineComment => {
                self.end_of_line()?;
                self.body(true)?
            }
            _ => self.line_of_body()?,
        };
        let close = self.expect(TokenKind::Close(b'}'), false)?;
        self.depth -= 1;
        let span = self.span(first.start, close.end);
        Some(Block { kind, labels, body, span, header })
    }

    /// Reads what stands in a block on one line: an attribute or nothing.
    fn line_of_body(&mut self) -> Option<Body> {
        let mut body = Body::default();
        let first = self.peek()?;
        if first.kind == TokenKind::Identifier {
            self.ahead = Ahead::Unread;
            let name = self.identifier(first);
            if !self.takes_operator("=", false) {
                return None;
            }
            let value = self.expression(false)?;
            add(&mut body, &mut BTreeSet::new(), name, value)?;
        }
        Some(body)
    }

    fn label(&mut self, open: Token) -> Option<Identifier> {
        let (kind, end) = self.quoted()?;
        match kind {
            ExpressionKind::String(text) => {
                Some(Identifier { text: self.name(&text), span: self.span(open.start, end) })
            }
            _ => None,
        }
    }
}

/// Returns the place of a text among so many.
fn place_of(text: &str, places: usize) -> usize {
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    hash as usize % places
}

/// Adds an attribute, unless there is one of that name.
fn add(
    body: &mut Body,
    names: &mut BTreeSet<Name>,
    name: Identifier,
    value: Expression,
) -> Option<()> {
    let count = body.attributes.len();
    if count == FEW_ATTRIBUTES {
        names.extend(body.attributes.iter().map(|attribute| Arc::clone(&attribute.name.text)));
    }
    let is_new = if count < FEW_ATTRIBUTES {
        body.attribute(&name.text).is_none()
    } else {
        names.insert(Arc::clone(&name.text))
    };
    let span = name.span.to(value.span);
    is_new.then(|| body.attributes.push(Attribute { name, value, span }))
}
