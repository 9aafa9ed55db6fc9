//! Object literals with very many items. The parser compares each key with all before it, so that
//! 100,000 items would take minutes. They are cut out of the text, which keeps its length, parsed a
//! few hundred at a time, and put back when the tree is lowered.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::adapted;
use super::ast::{ExpressionKind, ObjectItem};
use super::lexer::{Lexer, Token, TokenKind};
use super::lower::Lowering;
use super::problem::{self, Source};
use crate::diagnostic::Diagnostics;

/// Texts shorter than this are not searched.
const MIN_TEXT: usize = 16 * 1024;
/// Objects of more items than this are cut out.
const MIN_ITEMS: usize = 500;

/// A text with its large objects emptied.
pub(super) struct Emptied {
    pub(super) text: String,
    /// The ranges of items, a few hundred each, by the place of the object's brace.
    objects: BTreeMap<usize, Vec<(usize, usize)>>,
}

/// The items of large objects by the place of the object's brace.
pub(super) type Items = BTreeMap<usize, Vec<ObjectItem>>;

/// An object that is being read.
struct Open {
    /// Place of the brace; none for other brackets.
    brace: Option<usize>,
    /// Place of the first token of the item that is being read.
    item: Option<usize>,
    /// Where the present run of items starts, and how many it has.
    run: (usize, usize),
    runs: Vec<(usize, usize)>,
    count: usize,
}

/// Empties the outermost large objects of a text; none when there are none.
pub(super) fn empty(text: &str) -> Option<Emptied> {
    if text.len() < MIN_TEXT {
        return None;
    }
    let mut lexer = Lexer::new(text, 0);
    let mut open: Vec<Open> = Vec::new();
    let mut objects: BTreeMap<usize, Vec<(usize, usize)>> = BTreeMap::new();
    let mut previous: Option<Token> = None;
    while let Some(token) = lexer.next() {
        match token.kind {
            TokenKind::Open(bracket) => {
                note_item(&mut open, token);
                let object = bracket == b'{' && starts_object(previous, text, token);
                open.push(Open {
                    brace: object.then_some(token.start),
                    item: None,
                    run: (token.end, 0),
                    runs: Vec::new(),
                    count: 0,
                });
            }
            TokenKind::InterpolationOpen | TokenKind::DirectiveOpen => {
                note_item(&mut open, token);
                open.push(Open {
                    brace: None,
                    item: None,
                    run: (0, 0),
                    runs: Vec::new(),
                    count: 0,
                });
            }
            TokenKind::TemplateClose => {
                open.pop();
            }
            TokenKind::Close(_) => {
                end_item(&mut open, token.start);
                let Some(mut closed) = open.pop() else { continue };
                closed.runs.push((closed.run.0, token.start));
                if let Some(brace) = closed.brace
                    && closed.count > MIN_ITEMS
                {
                    // An object inside belongs to a run of this one.
                    objects.retain(|inner, _| *inner < brace);
                    objects.insert(brace, closed.runs);
                }
            }
            TokenKind::Newline => end_item(&mut open, token.end),
            TokenKind::Operator if &text[token.start..token.end] == "," => {
                end_item(&mut open, token.end);
            }
            TokenKind::LineComment | TokenKind::BlockComment => {}
            _ => note_item(&mut open, token),
        }
        if !matches!(
            token.kind,
            TokenKind::Newline | TokenKind::LineComment | TokenKind::BlockComment
        ) {
            previous = Some(token);
        }
    }
    if objects.is_empty() || !lexer.is_balanced() || !lexer.problems.is_empty() {
        return None;
    }
    Some(Emptied { text: blanked(text, &objects), objects })
}

fn note_item(open: &mut [Open], token: Token) {
    if let Some(innermost) = open.last_mut() {
        innermost.item.get_or_insert(token.start);
    }
}

/// Ends the item of the innermost object, and the run when it is long.
fn end_item(open: &mut [Open], end: usize) {
    let Some(innermost) = open.last_mut() else { return };
    if innermost.item.take().is_none() {
        return;
    }
    innermost.count += 1;
    innermost.run.1 += 1;
    if innermost.run.1 >= MIN_ITEMS / 2 {
        innermost.runs.push((innermost.run.0, end));
        innermost.run = (end, 0);
    }
}

/// Returns whether a brace starts an object rather than a block's body or a `for`.
fn starts_object(previous: Option<Token>, text: &str, brace: Token) -> bool {
    let after_operator = previous.is_some_and(|token| {
        matches!(
            token.kind,
            TokenKind::Operator | TokenKind::Open(_) | TokenKind::InterpolationOpen
        )
    });
    let mut lexer = Lexer::new(text, brace.end);
    let first = std::iter::from_fn(|| lexer.next()).find(|token| {
        !matches!(token.kind, TokenKind::Newline | TokenKind::LineComment | TokenKind::BlockComment)
    });
    after_operator && first.is_none_or(|token| &text[token.start..token.end] != "for")
}

/// Overwrites what is in the objects with spaces.
fn blanked(text: &str, objects: &BTreeMap<usize, Vec<(usize, usize)>>) -> String {
    let mut result = String::with_capacity(text.len());
    for runs in objects.values() {
        let (Some((start, _)), Some((_, end))) = (runs.first(), runs.last()) else { continue };
        result.push_str(&text[result.len()..*start]);
        result.extend(std::iter::repeat_n(' ', end - start));
    }
    result.push_str(&text[result.len()..]);
    result
}

impl Emptied {
    /// Parses the items that were cut out of the source's text.
    pub(super) fn items(&self, source: Source<'_>) -> (Items, Diagnostics) {
        let mut diagnostics = Diagnostics::new();
        let mut items = Items::new();
        for (brace, runs) in &self.objects {
            let list: &mut Vec<ObjectItem> = items.entry(*brace).or_default();
            for (start, end) in runs {
                let wrapped = format!("{{{}}}", &source.text[*start..*end]);
                let base = (source.base + start).cast_signed() - 1;
                match adapted::parse_expression(&wrapped) {
                    Ok(tree) => {
                        let mut lowering = Lowering::new(source.file, &wrapped, base);
                        let object = lowering.expression(&tree);
                        diagnostics.extend(lowering.diagnostics);
                        if let ExpressionKind::Object(part) = Arc::unwrap_or_clone(object.kind) {
                            list.extend(part);
                        }
                    }
                    Err(error) => {
                        let mut lexer = Lexer::new(&source.text[..*end], *start);
                        let tokens: Vec<_> = std::iter::from_fn(|| lexer.next()).collect();
                        let offset = start + error.location().offset().saturating_sub(1);
                        let message = error.message();
                        diagnostics
                            .push(problem::expression(source, message, offset, &tokens, *end));
                    }
                }
            }
        }
        (items, diagnostics)
    }
}
