//! From the parser's tree to our own: spans of 32 bits, interned names, no whitespace, and the
//! mistakes that the parser lets pass.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use hcl::edit::Span as _;
use hcl::edit::expr::{self as edit, TraversalOperator};
use hcl::edit::structure::{self, BlockLabel, Structure};
use hcl::edit::{Decorated, Ident};

use super::ast::{
    Attribute, BinaryOperator, Block, Body, Expression, ExpressionKind, For, Identifier,
    ObjectItem, UnaryOperator,
};
use super::large::Items;
use super::lexer::is_identifier_continue;
use super::parse::clamp;
use super::problem::too_large;
use crate::diagnostic::{Diagnostic, Diagnostics, FileId, Span};
use crate::value::{Number, NumberError, normalised};

/// Deepest tree that is made. The parser bounds nesting and operators on its own; together with
/// chains of attributes they stay below this, so that walking a tree never exhausts the stack.
const MAX_DEPTH: usize = 200;

/// Lowers the tree of one text.
pub(super) struct Lowering<'t> {
    pub(super) file: FileId,
    pub(super) text: &'t str,
    /// Added to the parser's offsets to get those of the file.
    base: isize,
    names: BTreeSet<Arc<str>>,
    /// Items of objects that were parsed apart.
    large: Items,
    depth: usize,
    pub(super) diagnostics: Diagnostics,
}

impl<'t> Lowering<'t> {
    pub(super) fn new(file: FileId, text: &'t str, base: isize) -> Self {
        Self {
            file,
            text,
            base,
            names: BTreeSet::new(),
            large: Items::new(),
            depth: 0,
            diagnostics: Diagnostics::new(),
        }
    }

    /// Puts the items of large objects, which the tree has not, back into their places.
    pub(super) fn with_large(mut self, large: Items) -> Self {
        self.large = large;
        self
    }

    /// Returns the place of a range of the text; an unknown one is the start of the text.
    pub(super) fn span(&self, range: Option<Range<usize>>) -> Span {
        let range = range.unwrap_or(0..0);
        clamp(
            self.file,
            range.start.saturating_add_signed(self.base),
            range.end.saturating_add_signed(self.base),
        )
    }

    /// Returns the text of a range.
    pub(super) fn slice(&self, range: Option<Range<usize>>) -> &'t str {
        range.and_then(|r| self.text.get(r)).unwrap_or("")
    }

    fn name(&mut self, text: &str) -> Arc<str> {
        if let Some(name) = self.names.get(text) {
            return Arc::clone(name);
        }
        let name: Arc<str> = normalised(text);
        self.names.insert(Arc::clone(&name));
        name
    }

    pub(super) fn identifier(&mut self, ident: &Decorated<Ident>) -> Identifier {
        Identifier { text: self.name(ident.as_str()), span: self.span(ident.span()) }
    }

    /// Lowers a body.
    pub(super) fn body(&mut self, body: &structure::Body) -> Body {
        let mut result = Body::default();
        for structure in body {
            match structure {
                Structure::Attribute(attribute) => {
                    let name = self.identifier(&attribute.key);
                    let value = self.expression(&attribute.value);
                    let span = name.span.to(value.span);
                    result.attributes.push(Attribute { name, value, span });
                }
                Structure::Block(block) => {
                    let block = self.block(block);
                    result.blocks.push(block);
                }
            }
        }
        result
    }

    fn block(&mut self, block: &structure::Block) -> Block {
        let kind = self.identifier(&block.ident);
        let labels: Vec<_> = block.labels.iter().map(|label| self.label(label)).collect();
        let header = labels.last().map_or(kind.span, |last| kind.span.to(last.span));
        let body = self.body(&block.body);
        let span = block.span().map_or(header, |range| self.span(Some(range)));
        Block { kind, labels, body, span, header }
    }

    fn label(&mut self, label: &BlockLabel) -> Identifier {
        match label {
            BlockLabel::Ident(ident) => self.identifier(ident),
            BlockLabel::String(text) => {
                self.refuse_newline(text.span());
                Identifier { text: self.name(text), span: self.span(text.span()) }
            }
        }
    }

    /// Lowers an expression.
    pub(super) fn expression(&mut self, expression: &edit::Expression) -> Expression {
        let span = self.span(expression.span());
        if self.depth >= MAX_DEPTH {
            self.too_deep(span);
            return Expression { kind: Arc::new(ExpressionKind::Null), span };
        }
        self.depth += 1;
        let kind = self.kind(expression, span);
        self.depth -= 1;
        Expression { kind: Arc::new(kind), span }
    }

    fn too_deep(&mut self, span: Span) {
        self.diagnostics.push(
            Diagnostic::error("too-deep", "expression is nested too deeply")
                .detail(format!("At most {MAX_DEPTH} levels are read."))
                .at(span)
                .help("give parts of it a name in a `locals` block"),
        );
    }

    fn kind(&mut self, expression: &edit::Expression, span: Span) -> ExpressionKind {
        match expression {
            edit::Expression::Null(_) => ExpressionKind::Null,
            edit::Expression::Bool(value) => ExpressionKind::Bool(*value.value()),
            edit::Expression::Number(number) => self.number(number.span(), span),
            edit::Expression::String(text) => {
                self.refuse_newline(text.span());
                ExpressionKind::String(normalised(text.value()))
            }
            edit::Expression::Array(array) => {
                if let Some(first) = array.get(0) {
                    self.refuse_bare_for(first);
                }
                ExpressionKind::Tuple(array.iter().map(|e| self.expression(e)).collect())
            }
            edit::Expression::Object(object) => self.object(object),
            edit::Expression::StringTemplate(template) => self.quoted_template(template),
            edit::Expression::HeredocTemplate(heredoc) => self.heredoc(heredoc, expression.span()),
            edit::Expression::Parenthesis(inner) => {
                ExpressionKind::Parenthesis(self.expression(inner.inner()))
            }
            edit::Expression::Variable(name) => ExpressionKind::Variable(self.name(name.as_str())),
            edit::Expression::Conditional(conditional) => ExpressionKind::Conditional(
                self.expression(&conditional.cond_expr),
                self.expression(&conditional.true_expr),
                self.expression(&conditional.false_expr),
            ),
            edit::Expression::FuncCall(call) => self.call(call),
            edit::Expression::Traversal(traversal) => {
                let source = self.expression(&traversal.expr);
                Arc::unwrap_or_clone(self.traversal(source, &traversal.operators).kind)
            }
            edit::Expression::UnaryOp(unary) => {
                let operator = match unary.operator.value() {
                    edit::UnaryOperator::Neg => UnaryOperator::Negate,
                    edit::UnaryOperator::Not => UnaryOperator::Not,
                };
                ExpressionKind::Unary(operator, self.expression(&unary.expr))
            }
            edit::Expression::BinaryOp(binary) => ExpressionKind::Binary(
                operator(*binary.operator.value()),
                self.expression(&binary.lhs_expr),
                self.expression(&binary.rhs_expr),
            ),
            edit::Expression::ForExpr(expression) => self.for_expression(expression),
        }
    }

    /// Numbers are read again from the text, since the parser's have 64 bits.
    fn number(&mut self, range: Option<Range<usize>>, span: Span) -> ExpressionKind {
        let digits: String =
            self.slice(range).chars().filter(|c| !matches!(c, ' ' | '\t')).collect();
        let diagnostic = match Number::parse(&digits) {
            Ok(number) => return ExpressionKind::Number(number),
            Err(NumberError::Range) => too_large(span),
            Err(_) => {
                Diagnostic::error("syntax", format!("cannot read the number `{digits}`")).at(span)
            }
        };
        self.diagnostics.push(diagnostic);
        ExpressionKind::Null
    }

    fn object(&mut self, object: &edit::Object) -> ExpressionKind {
        let mut items = Vec::with_capacity(object.len());
        for (key, value) in object {
            let key = match key {
                edit::ObjectKey::Ident(ident) => self.bare_key(ident.as_str(), ident.span()),
                edit::ObjectKey::Expression(edit::Expression::Null(word)) => {
                    self.bare_key("null", word.span())
                }
                edit::ObjectKey::Expression(edit::Expression::Bool(word)) => {
                    self.bare_key(if *word.value() { "true" } else { "false" }, word.span())
                }
                edit::ObjectKey::Expression(expression) => self.object_key(expression),
            };
            let value = self.expression(value.expr());
            items.push(ObjectItem { key, value });
        }
        if let Some(large) = object.span().and_then(|range| self.large.remove(&range.start)) {
            items = large;
        }
        self.refuse_duplicates(&items);
        ExpressionKind::Object(items)
    }

    fn refuse_duplicates(&mut self, items: &[ObjectItem]) {
        let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
        for item in items {
            let ExpressionKind::String(key) = &*item.key.kind else { continue };
            if let Some(first) = seen.insert(key, item.key.span) {
                self.diagnostics.push(
                    Diagnostic::error("duplicate-key", format!("object has the key `{key}` twice"))
                        .at(item.key.span)
                        .see(first, "first set here")
                        .help("remove one of them"),
                );
            }
        }
    }

    /// Refuses a list whose first element begins with the word `for`: that begins a loop.
    fn refuse_bare_for(&mut self, first: &edit::Expression) {
        let Some(range) = first.span() else { return };
        let behind = self.slice(Some(range.clone())).strip_prefix("for");
        if behind.is_some_and(|rest| !rest.starts_with(is_identifier_continue)) {
            let word = range.start..range.start + "for".len();
            self.diagnostics.push(
                Diagnostic::error("syntax", "`for` is not followed by the name of a variable")
                    .at(self.span(Some(word)))
                    .help("write a loop as `[for x in LIST : RESULT]`"),
            );
        }
    }

    fn bare_key(&mut self, text: &str, range: Option<Range<usize>>) -> Expression {
        let kind = ExpressionKind::String(self.name(text));
        Expression { kind: Arc::new(kind), span: self.span(range) }
    }

    fn object_key(&mut self, key: &edit::Expression) -> Expression {
        if matches!(key, edit::Expression::Traversal(_)) {
            let text = self.slice(key.span());
            self.diagnostics.push(
                Diagnostic::error("ambiguous-key", "object key may be a text or a reference")
                    .at(self.span(key.span()))
                    .help(format!("write `({text})` for a reference or `\"{text}\"` for a text")),
            );
        }
        self.expression(key)
    }

    fn call(&mut self, call: &edit::FuncCall) -> ExpressionKind {
        let mut text = String::new();
        for part in &call.name.namespace {
            text.push_str(part.as_str());
            text.push_str("::");
        }
        text.push_str(call.name.name.as_str());
        let first = call.name.namespace.first().unwrap_or(&call.name.name);
        let span = self.span(first.span()).to(self.span(call.name.name.span()));
        let name = Identifier { text: self.name(&text), span };
        let arguments = call.args.iter().map(|argument| self.expression(argument)).collect();
        ExpressionKind::Call { name, arguments, expand: call.args.expand_final() }
    }

    fn traversal(
        &mut self,
        source: Expression,
        operators: &[Decorated<TraversalOperator>],
    ) -> Expression {
        let mut result = source;
        let mut rest = operators;
        let depth = self.depth;
        while let Some((operator, tail)) = rest.split_first() {
            rest = tail;
            // Each step makes the tree a level deeper.
            self.depth += 1;
            let span = result.span.to(self.span(operator.span()));
            if self.depth >= MAX_DEPTH {
                self.too_deep(span);
                break;
            }
            let kind = match operator.value() {
                TraversalOperator::GetAttr(name) => {
                    ExpressionKind::Attribute(result, self.identifier(name))
                }
                TraversalOperator::Index(index) => {
                    let index = self.expression(index);
                    ExpressionKind::Index(result, index)
                }
                TraversalOperator::LegacyIndex(index) => {
                    let index_span = self.span(index.span());
                    let kind = self.number(index.span(), index_span);
                    let index = Expression { kind: Arc::new(kind), span: index_span };
                    ExpressionKind::Index(result, index)
                }
                TraversalOperator::FullSplat(_) => {
                    let each = self.splat_each(operator, rest);
                    let span = result.span.to(each.span);
                    rest = &[];
                    result = splat(result, each, true, span);
                    continue;
                }
                TraversalOperator::AttrSplat(_) => {
                    let length = rest.iter().take_while(|o| is_attribute_like(o)).count();
                    let each = self.splat_each(operator, &rest[..length]);
                    let span = result.span.to(each.span);
                    rest = &rest[length..];
                    result = splat(result, each, false, span);
                    continue;
                }
            };
            result = Expression { kind: Arc::new(kind), span };
        }
        self.depth = depth;
        result
    }

    /// Lowers what is applied to each element of a splat.
    fn splat_each(
        &mut self,
        splat: &Decorated<TraversalOperator>,
        rest: &[Decorated<TraversalOperator>],
    ) -> Expression {
        let span = self.span(splat.span());
        let item = Expression { kind: Arc::new(ExpressionKind::SplatItem), span };
        self.traversal(item, rest)
    }

    fn for_expression(&mut self, expression: &edit::ForExpr) -> ExpressionKind {
        let intro = &expression.intro;
        ExpressionKind::For(Box::new(For {
            key: intro.key_var.as_ref().map(|key| self.identifier(key)),
            value: self.identifier(&intro.value_var),
            collection: self.expression(&intro.collection_expr),
            key_result: expression.key_expr.as_ref().map(|key| self.expression(key)),
            value_result: self.expression(&expression.value_expr),
            group: expression.grouping,
            condition: expression.cond.as_ref().map(|condition| self.expression(&condition.expr)),
        }))
    }

    /// The parser lets line breaks in quoted strings pass.
    pub(super) fn refuse_newline(&mut self, range: Option<Range<usize>>) {
        let Some(range) = range else { return };
        let Some(at) = self.slice(Some(range.clone())).find('\n') else { return };
        self.diagnostics.push(
            Diagnostic::error("unterminated-string", "quoted string runs over the end of its line")
                .at(self.span(Some(range.start..range.start + at)))
                .help(
                    "close it with `\"`; for several lines write `\\n` or use a heredoc (`<<-EOT`)",
                ),
        );
    }
}

fn splat(source: Expression, each: Expression, full: bool, span: Span) -> Expression {
    Expression { kind: Arc::new(ExpressionKind::Splat { source, each, full }), span }
}

fn is_attribute_like(operator: &Decorated<TraversalOperator>) -> bool {
    matches!(operator.value(), TraversalOperator::GetAttr(_) | TraversalOperator::LegacyIndex(_))
}

fn operator(operator: edit::BinaryOperator) -> BinaryOperator {
    match operator {
        edit::BinaryOperator::Eq => BinaryOperator::Equal,
        edit::BinaryOperator::NotEq => BinaryOperator::NotEqual,
        edit::BinaryOperator::LessEq => BinaryOperator::LessOrEqual,
        edit::BinaryOperator::GreaterEq => BinaryOperator::GreaterOrEqual,
        edit::BinaryOperator::Less => BinaryOperator::Less,
        edit::BinaryOperator::Greater => BinaryOperator::Greater,
        edit::BinaryOperator::Plus => BinaryOperator::Add,
        edit::BinaryOperator::Minus => BinaryOperator::Subtract,
        edit::BinaryOperator::Mul => BinaryOperator::Multiply,
        edit::BinaryOperator::Div => BinaryOperator::Divide,
        edit::BinaryOperator::Mod => BinaryOperator::Modulo,
        edit::BinaryOperator::And => BinaryOperator::And,
        edit::BinaryOperator::Or => BinaryOperator::Or,
    }
}
