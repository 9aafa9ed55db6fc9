//! The tree: bodies of attributes and blocks, and expressions. Every node has its span.

use std::sync::Arc;

use crate::diagnostic::Span;
use crate::value::Number;

/// The contents of a file or block.
#[derive(Debug, Clone, Default)]
pub struct Body {
    /// Attributes in order of appearance; names are unique.
    pub attributes: Vec<Attribute>,
    /// Blocks in order of appearance.
    pub blocks: Vec<Block>,
    /// Whether mistakes, which are reported, left something out; then nothing is to be said of what
    /// is missing here.
    pub incomplete: bool,
}

impl Body {
    /// Returns the attribute of that name.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|a| &*a.name.text == name)
    }
}

/// A word with its place.
#[derive(Debug, Clone)]
pub struct Identifier {
    /// The word.
    pub text: Arc<str>,
    /// Its place.
    pub span: Span,
}

/// `name = expression`
#[derive(Debug, Clone)]
pub struct Attribute {
    /// Name.
    pub name: Identifier,
    /// Value.
    pub value: Expression,
    /// The whole line.
    pub span: Span,
}

/// `kind "label" { … }`
#[derive(Debug, Clone)]
pub struct Block {
    /// First word.
    pub kind: Identifier,
    /// Labels.
    pub labels: Vec<Identifier>,
    /// Contents.
    pub body: Body,
    /// From the first word to the closing brace.
    pub span: Span,
    /// The first word and the labels.
    pub header: Span,
}

/// An expression with its place.
#[derive(Debug, Clone)]
pub struct Expression {
    /// What it is; shared by all copies.
    pub kind: Arc<ExpressionKind>,
    /// Its place.
    pub span: Span,
}

impl Expression {
    /// Returns it without the parentheses around it.
    pub fn bare(&self) -> &Self {
        match &*self.kind {
            ExpressionKind::Parenthesis(inner) => inner.bare(),
            _ => self,
        }
    }
}

/// The forms of expressions.
#[derive(Debug, Clone)]
pub enum ExpressionKind {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text without interpolation.
    String(Arc<str>),
    /// A quoted or heredoc template with interpolation or directives; strip markers and heredoc
    /// indentation have been applied.
    Template(Vec<TemplatePart>),
    /// `[a, b]`
    Tuple(Vec<Expression>),
    /// `{ a = b }`
    Object(Vec<ObjectItem>),
    /// A bare word that starts a reference: `var`, `each`, `nat_gateway`, or an iterator.
    Variable(Arc<str>),
    /// `e.name`
    Attribute(Expression, Identifier),
    /// `e[index]` and legacy `e.0`
    Index(Expression, Expression),
    /// `e[*].rest` or legacy `e.*.rest`; the rest is applied to each element of the source.
    Splat {
        /// What is splatted.
        source: Expression,
        /// What follows, written over [`ExpressionKind::SplatItem`].
        each: Expression,
        /// Whether it is `[*]` rather than `.*`.
        full: bool,
    },
    /// Stands for the element inside the `each` of a splat.
    SplatItem,
    /// `name(arguments)`
    Call {
        /// Name, with namespace (`core::max`).
        name: Identifier,
        /// Arguments.
        arguments: Vec<Expression>,
        /// Whether the last one is expanded with `...`.
        expand: bool,
    },
    /// `!e`, `-e`
    Unary(UnaryOperator, Expression),
    /// `a + b`
    Binary(BinaryOperator, Expression, Expression),
    /// `c ? a : b`
    Conditional(Expression, Expression, Expression),
    /// `[for k, v in c : e if x]` and `{for k, v in c : k => v... if x}`
    For(Box<For>),
    /// `(e)`
    Parenthesis(Expression),
}

/// One part of a template.
#[derive(Debug, Clone)]
pub enum TemplatePart {
    /// Literal text.
    Literal(Arc<str>),
    /// `${e}`
    Interpolation(Expression),
    /// `%{ if c }…%{ else }…%{ endif }`
    If {
        /// Condition.
        condition: Expression,
        /// When true.
        then: Vec<TemplatePart>,
        /// When false.
        otherwise: Vec<TemplatePart>,
        /// The whole directive.
        span: Span,
    },
    /// `%{ for k, v in c }…%{ endfor }`
    For {
        /// Name of the key.
        key: Option<Identifier>,
        /// Name of the element.
        value: Identifier,
        /// What is iterated.
        collection: Expression,
        /// Body.
        body: Vec<TemplatePart>,
        /// The whole directive.
        span: Span,
    },
}

/// `key = value` inside an object.
#[derive(Debug, Clone)]
pub struct ObjectItem {
    /// Key; a bare word is a text, `(e)` is evaluated.
    pub key: Expression,
    /// Value.
    pub value: Expression,
}

/// A `for` expression.
#[derive(Debug, Clone)]
pub struct For {
    /// Name of the key.
    pub key: Option<Identifier>,
    /// Name of the element.
    pub value: Identifier,
    /// What is iterated.
    pub collection: Expression,
    /// With a key: makes an object.
    pub key_result: Option<Expression>,
    /// The element made.
    pub value_result: Expression,
    /// Whether values of equal keys are grouped (`...`).
    pub group: bool,
    /// Filter.
    pub condition: Option<Expression>,
}

/// Unary operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnaryOperator {
    /// `!`
    Not,
    /// `-`
    Negate,
}

/// Binary operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinaryOperator {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Modulo,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `&&`
    And,
    /// `||`
    Or,
}
