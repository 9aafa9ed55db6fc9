//! Expressions.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::ast::{
    BinaryOperator, Expression, ExpressionKind, For, Identifier, ObjectItem, UnaryOperator,
};
use super::super::lexer::{Token, TokenKind};
use super::{Ahead, MAX_DEPTH, MAX_OPERATORS, Reader};
use crate::diagnostic::Span;
use crate::value::{Name, Number};

/// One step of a traversal, with its place.
struct Step {
    kind: StepKind,
    span: Span,
}

enum StepKind {
    Attribute(Identifier),
    Index(Expression),
    /// `.0`
    OldIndex(Expression),
    FullSplat,
    AttributeSplat,
}

/// A binary operator and how tightly it binds.
fn operator(text: &str) -> Option<(BinaryOperator, u8)> {
    Some(match text {
        "*" => (BinaryOperator::Multiply, 6),
        "/" => (BinaryOperator::Divide, 6),
        "%" => (BinaryOperator::Modulo, 6),
        "+" => (BinaryOperator::Add, 5),
        "-" => (BinaryOperator::Subtract, 5),
        "<" => (BinaryOperator::Less, 4),
        "<=" => (BinaryOperator::LessOrEqual, 4),
        ">" => (BinaryOperator::Greater, 4),
        ">=" => (BinaryOperator::GreaterOrEqual, 4),
        "==" => (BinaryOperator::Equal, 3),
        "!=" => (BinaryOperator::NotEqual, 3),
        "&&" => (BinaryOperator::And, 2),
        "||" => (BinaryOperator::Or, 1),
        _ => return None,
    })
}

fn made(kind: ExpressionKind, span: Span) -> Expression {
    Expression { kind: Arc::new(kind), span }
}

impl Reader<'_> {
    /// Reads an expression; `newlines` tells whether it goes on behind the end of its line.
    pub(super) fn expression(&mut self, newlines: bool) -> Option<Expression> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let outside = std::mem::take(&mut self.operators);
        let first = self.term(newlines)?;
        let mut count = 0;
        let value = self.binary(first, 0, newlines, &mut count)?;
        self.operators += count;
        if self.operators > MAX_OPERATORS {
            return None;
        }
        let value = if self.takes_operator("?", newlines) {
            self.conditional(value, newlines)?
        } else {
            value
        };
        self.operators = self.operators.max(outside);
        self.depth -= 1;
        Some(value)
    }

    fn conditional(&mut self, condition: Expression, newlines: bool) -> Option<Expression> {
        let then = self.expression(newlines)?;
        if !self.takes_operator(":", newlines) {
            return None;
        }
        let otherwise = self.expression(newlines)?;
        let span = condition.span.to(otherwise.span);
        Some(made(ExpressionKind::Conditional(condition, then, otherwise), span))
    }

    /// Reads the operators behind an operand that bind at least so tightly.
    fn binary(
        &mut self,
        first: Expression,
        least: u8,
        newlines: bool,
        count: &mut usize,
    ) -> Option<Expression> {
        let mut left = first;
        while let Some(token) = self.peek_in(newlines)
            && token.kind == TokenKind::Operator
            && let Some((operator, strength)) = operator(self.text_of(token))
            && strength >= least
        {
            self.take();
            *count += 1;
            if *count > MAX_OPERATORS {
                return None;
            }
            let right = self.term(newlines)?;
            let right = self.binary(right, strength + 1, newlines, count)?;
            let span = left.span.to(right.span);
            left = made(ExpressionKind::Binary(operator, left, right), span);
        }
        Some(left)
    }

    /// Reads an operand with the steps behind it.
    fn term(&mut self, newlines: bool) -> Option<Expression> {
        let token = self.peek_in(newlines)?;
        self.take();
        let (kind, end) = match token.kind {
            TokenKind::Identifier => self.word(token, newlines)?,
            TokenKind::QuoteOpen => self.quoted()?,
            TokenKind::HeredocOpen => self.heredoc(token)?,
            TokenKind::Open(b'[') => self.array()?,
            TokenKind::Open(b'{') => self.object()?,
            TokenKind::Open(_) => {
                let inner = self.expression(true)?;
                let close = self.expect(TokenKind::Close(b')'), true)?;
                (ExpressionKind::Parenthesis(inner), close.end)
            }
            TokenKind::Number => return self.number(token, token.end, newlines),
            TokenKind::Operator => return self.unary(token, newlines),
            _ => return None,
        };
        let source = match kind {
            ExpressionKind::String(_) if token.kind == TokenKind::QuoteOpen => {
                self.shared(kind, token.start, end)
            }
            _ => made(kind, self.span(token.start, end)),
        };
        self.traversal(source, newlines)
    }

    /// Reads a number from a token, which may be its sign, to its end.
    fn number(&mut self, first: Token, end: usize, newlines: bool) -> Option<Expression> {
        let text = &self.text[first.start..end];
        let number = if first.kind == TokenKind::Operator {
            let digits = text[1..].trim_start_matches([' ', '\t']);
            Number::parse(&format!("-{digits}")).ok()?
        } else {
            Number::parse(text).ok()?
        };
        let is_step = |text: &str| matches!(text, "." | "[");
        if self.peek_in(newlines).is_some_and(|next| is_step(self.text_of(next))) {
            return None;
        }
        Some(self.shared(ExpressionKind::Number(number), first.start, end))
    }

    fn unary(&mut self, token: Token, newlines: bool) -> Option<Expression> {
        let operator = match self.text_of(token) {
            "-" => UnaryOperator::Negate,
            "!" => UnaryOperator::Not,
            _ => return None,
        };
        let next = self.peek()?;
        match next.kind {
            TokenKind::Newline | TokenKind::LineComment => return None,
            TokenKind::Number if operator == UnaryOperator::Negate => {
                self.take();
                return self.number(token, next.end, newlines);
            }
            _ => {}
        }
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let inner = self.term(newlines)?;
        self.depth -= 1;
        let span = self.span_of(token).to(inner.span);
        Some(made(ExpressionKind::Unary(operator, inner), span))
    }

    /// Reads on behind a word: a call, a literal or the start of a reference.
    fn word(&mut self, token: Token, newlines: bool) -> Option<(ExpressionKind, usize)> {
        let text = self.text_of(token);
        match self.peek_in(newlines) {
            Some(Token { kind: TokenKind::Open(b'('), .. }) => {
                let name = self.identifier(token);
                self.call(name)
            }
            Some(next) if self.text_of(next) == "::" => self.long_call(token, newlines),
            _ => {
                let kind = match text {
                    "null" => ExpressionKind::Null,
                    "true" => ExpressionKind::Bool(true),
                    "false" => ExpressionKind::Bool(false),
                    _ => ExpressionKind::Variable(self.name(text)),
                };
                Some((kind, token.end))
            }
        }
    }

    /// Reads a call whose name has a namespace.
    fn long_call(&mut self, first: Token, newlines: bool) -> Option<(ExpressionKind, usize)> {
        let mut text = self.text_of(first).to_owned();
        let mut last = first;
        while self.takes_operator("::", newlines) {
            last = self.expect(TokenKind::Identifier, newlines)?;
            text.push_str("::");
            text.push_str(self.text_of(last));
        }
        self.peek_in(newlines).filter(|next| next.kind == TokenKind::Open(b'('))?;
        let span = self.span(first.start, last.end);
        let name = Identifier { text: self.name(&text), span };
        self.call(name)
    }

    /// Reads the arguments of a call from the parenthesis on.
    fn call(&mut self, name: Identifier) -> Option<(ExpressionKind, usize)> {
        self.take();
        let mut arguments = Vec::new();
        let mut expand = false;
        let close = loop {
            let next = self.peek_in(true)?;
            if next.kind == TokenKind::Close(b')') {
                self.take();
                break next;
            }
            arguments.push(self.expression(true)?);
            if self.takes_operator(",", true) {
                continue;
            }
            expand = self.takes_operator("...", true);
            break self.expect(TokenKind::Close(b')'), true)?;
        };
        Some((ExpressionKind::Call { name, arguments, expand }, close.end))
    }

    /// Returns whether a `for` comes next; where it cannot be told, nothing.
    fn is_for(&mut self) -> Option<bool> {
        let next = self.peek_in(true)?;
        if next.kind != TokenKind::Identifier || self.text_of(next) != "for" {
            return Some(false);
        }
        self.text[next.end..].starts_with([' ', '\t', '#', '/', '\n']).then_some(true)
    }

    fn array(&mut self) -> Option<(ExpressionKind, usize)> {
        if self.is_for()? {
            return self.for_expression(false);
        }
        let mut elements = Vec::new();
        let close = loop {
            let next = self.peek_in(true)?;
            if next.kind == TokenKind::Close(b']') {
                self.take();
                break next;
            }
            elements.push(self.expression(true)?);
            if !self.takes_operator(",", true) {
                break self.expect(TokenKind::Close(b']'), true)?;
            }
        };
        Some((ExpressionKind::Tuple(elements), close.end))
    }

    /// Reads a `for` from that word on.
    fn for_expression(&mut self, object: bool) -> Option<(ExpressionKind, usize)> {
        self.take();
        let (key, value) = self.loop_variables()?;
        let collection = self.collection()?;
        if !self.takes_operator(":", true) {
            return None;
        }
        self.skip_blank();
        let mut key_result = None;
        if object {
            key_result = Some(self.expression(false)?);
            if !self.takes_operator("=>", true) {
                return None;
            }
            self.skip_blank();
        }
        let value_result = self.expression(!object)?;
        let group = object && self.takes_operator("...", true);
        let condition = if self.takes(TokenKind::Identifier, "if", true) {
            Some(self.expression(true)?)
        } else {
            None
        };
        let close = TokenKind::Close(if object { b'}' } else { b']' });
        let close = self.expect(close, true)?;
        let inner = For { key, value, collection, key_result, value_result, group, condition };
        Some((ExpressionKind::For(Box::new(inner)), close.end))
    }

    /// Reads the names of key and element.
    pub(super) fn loop_variables(&mut self) -> Option<(Option<Identifier>, Identifier)> {
        let first = self.expect(TokenKind::Identifier, true)?;
        let first = self.identifier(first);
        if !self.takes_operator(",", true) {
            return Some((None, first));
        }
        let second = self.expect(TokenKind::Identifier, true)?;
        let second = self.identifier(second);
        Some((Some(first), second))
    }

    /// Reads `in` and what is iterated.
    pub(super) fn collection(&mut self) -> Option<Expression> {
        if !self.takes(TokenKind::Identifier, "in", true) {
            return None;
        }
        self.skip_blank();
        self.expression(false)
    }

    fn object(&mut self) -> Option<(ExpressionKind, usize)> {
        if self.is_for()? {
            return self.for_expression(true);
        }
        let mut items: Vec<ObjectItem> = Vec::new();
        let mut keys: BTreeSet<Name> = BTreeSet::new();
        let mut other_keys: BTreeSet<String> = BTreeSet::new();
        loop {
            let next = self.peek_in(true)?;
            if next.kind == TokenKind::Close(b'}') {
                self.take();
                return Some((ExpressionKind::Object(items), next.end));
            }
            let key = self.object_key(next)?;
            let is_new = match &*key.kind {
                ExpressionKind::String(text) => keys.insert(Arc::clone(text)),
                _ => other_keys.insert(self.without_blanks(key.span)?),
            };
            if !is_new || !(self.takes_operator("=", false) || self.takes_operator(":", false)) {
                return None;
            }
            let value = self.expression(false)?;
            items.push(ObjectItem { key, value });
            let next = self.peek()?;
            match next.kind {
                TokenKind::Close(b'}') => {}
                TokenKind::Newline | TokenKind::LineComment => self.end_of_line()?,
                TokenKind::Operator if self.text_of(next) == "," => self.ahead = Ahead::Unread,
                _ => return None,
            }
        }
    }

    /// Reads a key that is plainly a text or a number, or stands in parentheses.
    fn object_key(&mut self, first: Token) -> Option<Expression> {
        let plain = matches!(
            first.kind,
            TokenKind::Identifier
                | TokenKind::QuoteOpen
                | TokenKind::Number
                | TokenKind::Open(b'(')
        );
        if !plain {
            return None;
        }
        let key = self.expression(false)?;
        let word = match &*key.kind {
            ExpressionKind::String(_)
            | ExpressionKind::Number(_)
            | ExpressionKind::Template(_)
            | ExpressionKind::Parenthesis(_) => return Some(key),
            ExpressionKind::Variable(name) => Arc::clone(name),
            ExpressionKind::Null => self.name("null"),
            ExpressionKind::Bool(truth) => self.name(if *truth { "true" } else { "false" }),
            _ => return None,
        };
        Some(made(ExpressionKind::String(word), key.span))
    }

    fn without_blanks(&self, span: Span) -> Option<String> {
        let (start, end) = (span.start as usize, span.end as usize);
        let text = self.text.get(start.checked_sub(self.base)?..end.checked_sub(self.base)?)?;
        Some(text.split_whitespace().collect())
    }

    /// Reads the steps behind an operand.
    fn traversal(&mut self, source: Expression, newlines: bool) -> Option<Expression> {
        let mut steps = Vec::new();
        while let Some(token) = self.peek_in(newlines) {
            let step = match token.kind {
                TokenKind::Open(b'[') => self.index(token)?,
                TokenKind::Operator if self.text_of(token) == "." => self.member(token)?,
                _ => break,
            };
            steps.push(step);
            if self.depth + steps.len() > MAX_DEPTH {
                return None;
            }
        }
        if steps.is_empty() {
            return Some(source);
        }
        Some(apply(source, steps.into_iter()))
    }

    /// Reads `[…]`.
    fn index(&mut self, open: Token) -> Option<Step> {
        self.take();
        let kind = if self.takes_operator("*", true) {
            StepKind::FullSplat
        } else {
            StepKind::Index(self.expression(true)?)
        };
        let close = self.expect(TokenKind::Close(b']'), true)?;
        Some(Step { kind, span: self.span(open.start, close.end) })
    }

    /// Reads `.name`, `.0` or `.*`.
    fn member(&mut self, point: Token) -> Option<Step> {
        self.take();
        let token = self.peek_in(true)?;
        self.take();
        let text = self.text_of(token);
        let kind = match token.kind {
            TokenKind::Identifier => StepKind::Attribute(self.identifier(token)),
            TokenKind::Operator if text == "*" => StepKind::AttributeSplat,
            TokenKind::Number
                if text == "0"
                    || !text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit()) =>
            {
                text.parse::<u64>().ok()?;
                let number = ExpressionKind::Number(Number::parse(text).ok()?);
                StepKind::OldIndex(made(number, self.span_of(token)))
            }
            _ => return None,
        };
        Some(Step { kind, span: self.span(point.start, token.end) })
    }
}

/// Puts steps behind what they start from.
fn apply(source: Expression, steps: impl Iterator<Item = Step>) -> Expression {
    let mut steps = steps.peekable();
    let mut result = source;
    while let Some(step) = steps.next() {
        let span = result.span.to(step.span);
        let kind = match step.kind {
            StepKind::Attribute(name) => ExpressionKind::Attribute(result, name),
            StepKind::Index(index) | StepKind::OldIndex(index) => {
                ExpressionKind::Index(result, index)
            }
            StepKind::FullSplat => {
                let rest: Vec<Step> = steps.by_ref().collect();
                return splat(result, step.span, rest, true);
            }
            StepKind::AttributeSplat => {
                let mut rest = Vec::new();
                while let Some(next) = steps.next_if(|next| {
                    matches!(next.kind, StepKind::Attribute(_) | StepKind::OldIndex(_))
                }) {
                    rest.push(next);
                }
                result = splat(result, step.span, rest, false);
                continue;
            }
        };
        result = made(kind, span);
    }
    result
}

fn splat(source: Expression, at: Span, rest: Vec<Step>, full: bool) -> Expression {
    let each = apply(made(ExpressionKind::SplatItem, at), rest.into_iter());
    let span = source.span.to(each.span);
    made(ExpressionKind::Splat { source, each, full }, span)
}
