//! What a block may hold, as data, and the check of a block against it.

use crate::diagnostic::{Diagnostic, Diagnostics, Span, did_you_mean, list};
use crate::syntax::ast::{Attribute, Block, Body, Expression, ExpressionKind, Identifier};

/// What a body may hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape<'a> {
    /// What it is called in messages, with backticks: "`variable` block".
    pub(super) what: &'a str,
    /// Arguments that it knows.
    pub(super) arguments: &'a [&'a str],
    /// Arguments that it must have.
    pub(super) required: &'a [&'a str],
    /// Blocks that it knows.
    pub(super) blocks: &'a [Nested<'a>],
}

/// A kind of nested block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Nested<'a> {
    /// First word.
    pub(super) name: &'a str,
    /// What its labels are, for messages.
    pub(super) labels: &'a [&'a str],
    /// Whether there may be several.
    pub(super) many: bool,
}

/// A nested block without labels that may be there once.
pub(super) const fn one(name: &str) -> Nested<'_> {
    Nested { name, labels: &[], many: false }
}

/// A nested block without labels that may be repeated.
pub(super) const fn many(name: &str) -> Nested<'_> {
    Nested { name, labels: &[], many: true }
}

/// Checks a body against its shape; `header` is the place of what misses a required argument.
pub(super) fn check(body: &Body, header: Span, shape: Shape<'_>, diagnostics: &mut Diagnostics) {
    for attribute in &body.attributes {
        if !shape.arguments.contains(&&*attribute.name.text) {
            diagnostics.push(unknown_argument(attribute, shape));
        }
    }
    for (i, block) in body.blocks.iter().enumerate() {
        let Some(nested) = shape.blocks.iter().find(|n| *n.name == *block.kind.text) else {
            diagnostics.push(unknown_block(block, shape));
            continue;
        };
        check_labels(block, nested.labels, diagnostics);
        let first = body.blocks[..i].iter().find(|b| b.kind.text == block.kind.text);
        if let (false, Some(first)) = (nested.many, first) {
            diagnostics.push(
                Diagnostic::error("duplicate-block", format!("second `{}` block", nested.name))
                    .detail(format!("A {} takes one.", shape.what))
                    .at(block.header)
                    .see(first.header, "the first one is here"),
            );
        }
    }
    if body.incomplete {
        return;
    }
    for name in shape.required {
        if body.attribute(name).is_none() && !is_misspelt(body, name, shape.arguments) {
            diagnostics.push(missing_argument(name, shape.what, header));
        }
    }
}

/// Returns whether an argument of a body seems to be meant for `name`.
pub(super) fn is_misspelt(body: &Body, name: &str, known: &[&str]) -> bool {
    let given: Vec<&str> = body.attributes.iter().map(|a| &*a.name.text).collect();
    is_meant(&given, name, known)
}

/// Returns whether one of the given names that are not known seems to be meant for `name`.
pub(super) fn is_meant(given: &[&str], name: &str, known: &[&str]) -> bool {
    given.iter().any(|given| {
        !known.contains(given) && did_you_mean(given, known.iter().copied()) == Some(name)
    })
}

/// Makes a sentence of what an error says.
pub(crate) fn sentence(text: &(impl ToString + ?Sized)) -> String {
    let text = text.to_string();
    let mut characters = text.chars();
    let Some(first) = characters.next() else { return text };
    let rest = characters.as_str();
    let end = if rest.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{}{rest}{end}", first.to_uppercase())
}

/// Says that a required argument is missing.
pub(super) fn missing_argument(name: &str, what: &str, header: Span) -> Diagnostic {
    Diagnostic::error("missing-argument", format!("{what} lacks the argument `{name}`"))
        .at(header)
        .help(format!("add `{name} = …`"))
}

fn unknown_argument(attribute: &Attribute, shape: Shape<'_>) -> Diagnostic {
    let name = &*attribute.name.text;
    let diagnostic =
        Diagnostic::error("unknown-argument", format!("{} has no argument `{name}`", shape.what))
            .at(attribute.name.span);
    if shape.blocks.iter().any(|b| *b.name == *name) {
        return diagnostic.help(format!("`{name}` is a block: write `{name} {{ … }}` without `=`"));
    }
    suggest(diagnostic, &attribute.name, shape.arguments, "its arguments")
}

fn unknown_block(block: &Block, shape: Shape<'_>) -> Diagnostic {
    let name = &*block.kind.text;
    let diagnostic =
        Diagnostic::error("unknown-block", format!("{} has no block `{name}`", shape.what))
            .at(block.kind.span);
    if shape.arguments.contains(&name) {
        return diagnostic.help(format!("`{name}` is an argument: write `{name} = …`"));
    }
    let names: Vec<&str> = shape.blocks.iter().map(|b| b.name).collect();
    suggest(diagnostic, &block.kind, &names, "its blocks")
}

/// Adds the nearest name or, where none is near, the list of names.
pub(super) fn suggest(
    diagnostic: Diagnostic,
    word: &Identifier,
    candidates: &[&str],
    what: &str,
) -> Diagnostic {
    if let Some(near) = did_you_mean(&word.text, candidates.iter().copied()) {
        return diagnostic.help(format!("did you mean `{near}`?")).fix(word.span, near);
    }
    if candidates.is_empty() {
        return diagnostic.help("it takes none: remove this");
    }
    diagnostic.help(format!("{what} are {}", list(candidates.iter().copied())))
}

/// Checks the number and form of a block's labels and returns whether they are as they should be.
pub(super) fn check_labels(
    block: &Block,
    expected: &[&str],
    diagnostics: &mut Diagnostics,
) -> bool {
    let kind = &block.kind.text;
    let form: Vec<String> = expected.iter().map(|label| format!(" \"{label}\"")).collect();
    let form = form.concat();
    if let Some(extra) = block.labels.get(expected.len()) {
        diagnostics.push(
            Diagnostic::error("wrong-labels", format!("too many labels on the `{kind}` block"))
                .at(extra.span)
                .help(format!("write `{kind}{form} {{ … }}`")),
        );
        return false;
    }
    if let Some(missing) = expected.get(block.labels.len()) {
        diagnostics.push(
            Diagnostic::error(
                "wrong-labels",
                format!("`{kind}` block lacks the label `{missing}`"),
            )
            .at(block.header)
            .help(format!("write `{kind}{form} {{ … }}`")),
        );
        return false;
    }
    let mut good = true;
    for label in &block.labels {
        if !is_name(&label.text) {
            good = false;
            diagnostics.push(
                Diagnostic::error("invalid-name", format!("`{}` is not a name", label.text))
                    .at(label.span)
                    .help(
                        "a name starts with a letter or `_` and holds letters, digits, `_` and `-`",
                    ),
            );
        }
    }
    good
}

/// Returns whether a text may be the name of a block.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}

/// Returns the expression without parentheses around it.
pub(super) fn bare(expression: &Expression) -> &Expression {
    expression.bare()
}

/// Reads an argument that must be a quoted text without interpolation.
pub(super) fn literal_text(
    body: &Body,
    name: &str,
    diagnostics: &mut Diagnostics,
) -> Option<Identifier> {
    let attribute = body.attribute(name)?;
    if let ExpressionKind::String(text) = &*bare(&attribute.value).kind {
        return Some(Identifier { text: text.clone(), span: attribute.value.span });
    }
    diagnostics.push(
        Diagnostic::error("not-constant", format!("`{name}` must be a plain text"))
            .detail("It is read before anything is evaluated.")
            .at(attribute.value.span)
            .help(format!("write `{name} = \"…\"` without references")),
    );
    None
}

/// Reads an argument that must be `true` or `false`.
pub(super) fn literal_bool(body: &Body, name: &str, diagnostics: &mut Diagnostics) -> Option<bool> {
    let attribute = body.attribute(name)?;
    match &*bare(&attribute.value).kind {
        ExpressionKind::Bool(value) => return Some(*value),
        ExpressionKind::String(text) if &**text == "true" => return Some(true),
        ExpressionKind::String(text) if &**text == "false" => return Some(false),
        _ => {}
    }
    diagnostics.push(
        Diagnostic::error("not-constant", format!("`{name}` must be `true` or `false`"))
            .detail("It is read before anything is evaluated.")
            .at(attribute.value.span),
    );
    None
}
