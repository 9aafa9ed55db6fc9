//! Whatever the text: no panic, spans within it, formatting that keeps its meaning.

use proptest::prelude::*;

use super::{show, show_body};
use crate::diagnostic::{Diagnostics, FileId, SourceMap, Span, json, render};
use crate::syntax::ast::*;
use crate::syntax::{format, parse, parse_expression, parse_template};

/// Pieces that make texts which are nearly configurations.
const PIECES: &[&str] = &[
    "a",
    "b-c",
    "é",
    "x = ",
    "\n",
    "\n",
    "\r\n",
    " ",
    "  ",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "\"",
    "\"a\"",
    "${",
    "%{",
    "%{ if a }",
    "%{ else }",
    "%{ endif }",
    "%{ for v in l ~}",
    "%{~ endfor }",
    "~}",
    "$${",
    "\\n",
    "\\",
    "\\u00e9",
    "<<EOT\n",
    "<<-X\n",
    "EOT\n",
    "  X\n",
    "# c\n",
    "// d\n",
    "/* e */",
    "/*",
    "1",
    "0.5",
    "1e9",
    "-",
    "!",
    "+",
    "*",
    "?",
    ":",
    "=",
    "==",
    "=>",
    "...",
    ".",
    ",",
    "[*]",
    ".*",
    ".0",
    "for",
    "in",
    "if",
    "null",
    "true",
    "::",
    "resource \"t\" \"n\" {\n",
    "name = \"v\"\n",
    "'",
    "\u{a0}",
    "\u{feff}",
    "\0",
    "𝒳",
    "\t",
    "f(1, [2]...)",
    "{ a = 1 }",
    "a ? b : c",
    "[for k, v in m : v]",
    "\"${a}\"",
    "\"x${a}y\"",
];

pub(super) fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::collection::vec(prop::sample::select(PIECES), 0..40)
            .prop_map(|pieces| pieces.concat()),
        1 => ".{0,60}",
    ]
}

/// A text that is a configuration.
pub(super) fn configuration() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "1",
        "-2.50",
        "\"a\"",
        "\"${a}\"",
        "\"x${ a }-%{ if b }c%{ endif }\"",
        "a.b[0] . c",
        "null",
        "true",
        "a[*].b",
        "<<-EOT\n  é ${ a }\n    b\n  EOT\n",
        "[]",
        "{}",
        "\"$${\"",
    ])
    .prop_map(str::to_owned);
    let value = leaf.prop_recursive(3, 16, 3, |inner| {
        let list = prop::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            list.clone().prop_map(|l| format!("[{}]", l.join(","))),
            list.clone().prop_map(|l| format!("[ # c\n{}\n]", l.join(" ,\n"))),
            list.clone().prop_map(|l| format!("f({})", l.join(", "))),
            inner.clone().prop_map(|v| format!("{{k={v}\n  long_key   : 1}}")),
            inner.clone().prop_map(|v| format!("(-{v}+ 1)")),
            inner.clone().prop_map(|v| format!("[for k ,v in {v}:v if !k]")),
            inner.prop_map(|v| format!("{{for k,v in {v}:k=>v...}}")),
        ]
    });
    let item = (prop::sample::select(vec!["", " ", "\t   "]), value)
        .prop_map(|(indent, value)| (indent, value));
    prop::collection::vec(
        (item, prop::sample::select(vec!["", " # c", "  // d", " /* e */"])),
        1..6,
    )
    .prop_map(|items| {
        let mut text = String::from("resource type name{\n");
        for (i, ((indent, value), comment)) in items.into_iter().enumerate() {
            let end = if value.ends_with('\n') { "" } else { comment };
            text.extend([indent, &format!("n{i}="), &value, end, "\n"]);
            if i % 2 == 1 {
                text.extend([indent, "block \"x\" {\n", indent, " y= 1\n}\n\n"]);
            }
        }
        text.push_str("}\nlocals { z=1 }\n");
        text
    })
}

fn check_span(text: &str, span: Span) {
    let (start, end) = (span.start as usize, span.end as usize);
    assert!(start <= end && end <= text.len(), "{span:?} outside of {text:?}");
    assert!(text.is_char_boundary(start) && text.is_char_boundary(end), "{span:?} in {text:?}");
}

fn check_diagnostics(text: &str, diagnostics: &Diagnostics) {
    for diagnostic in diagnostics {
        let fix = diagnostic.fix.iter().map(|fix| fix.span);
        diagnostic
            .labels
            .iter()
            .map(|label| label.span)
            .chain(fix)
            .for_each(|s| check_span(text, s));
    }
    let mut sources = SourceMap::default();
    sources.add("f", text);
    render::render(diagnostics, &sources, render::Style { colour: true });
    json::to_json(diagnostics, &sources);
}

fn check_body(text: &str, body: &Body) {
    for attribute in &body.attributes {
        check_span(text, attribute.span);
        check_span(text, attribute.name.span);
        check_expression(text, &attribute.value);
    }
    for block in &body.blocks {
        check_span(text, block.span);
        check_span(text, block.header);
        check_body(text, &block.body);
    }
}

fn check_expression(text: &str, expression: &Expression) {
    check_span(text, expression.span);
    match &*expression.kind {
        ExpressionKind::Tuple(list) => list.iter().for_each(|e| check_expression(text, e)),
        ExpressionKind::Object(items) => items.iter().for_each(|item| {
            check_expression(text, &item.key);
            check_expression(text, &item.value);
        }),
        ExpressionKind::Attribute(e, name) => {
            check_span(text, name.span);
            check_expression(text, e);
        }
        ExpressionKind::Index(a, b) | ExpressionKind::Binary(_, a, b) => {
            check_expression(text, a);
            check_expression(text, b);
        }
        ExpressionKind::Parenthesis(e) | ExpressionKind::Unary(_, e) => check_expression(text, e),
        ExpressionKind::Template(parts) => parts.iter().for_each(|part| match part {
            TemplatePart::Interpolation(e) => check_expression(text, e),
            TemplatePart::If { span, .. } | TemplatePart::For { span, .. } => {
                check_span(text, *span);
            }
            TemplatePart::Literal(_) => {}
        }),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_is_read(text in text()) {
        let (body, diagnostics) = parse(FileId(0), &text);
        check_body(&text, &body);
        check_diagnostics(&text, &diagnostics);
        let (expression, diagnostics) = parse_expression(FileId(0), &text);
        check_expression(&text, &expression);
        check_diagnostics(&text, &diagnostics);
        let (expression, diagnostics) = parse_template(FileId(0), &text);
        check_expression(&text, &expression);
        check_diagnostics(&text, &diagnostics);
    }

    #[test]
    fn formatting_changes_no_meaning(text in prop_oneof![text(), configuration()]) {
        let (before, _) = parse(FileId(0), &text);
        if let Ok(formatted) = format(FileId(0), &text) {
            let (after, diagnostics) = parse(FileId(0), &formatted);
            prop_assert!(!diagnostics.has_errors(), "{text:?} became {formatted:?}");
            let (before, after) = (show_body(&before), show_body(&after));
            prop_assert_eq!(unwrapped(&before), unwrapped(&after));
            prop_assert_eq!(format(FileId(0), &formatted), Ok(formatted));
        }
    }

    #[test]
    fn configurations_are_formatted(text in configuration()) {
        prop_assert!(format(FileId(0), &text).is_ok(), "{text}");
    }

    #[test]
    fn a_cut_configuration_is_read(text in configuration(), at in 0.0..1.0f64) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss,
            reason = "a place in a short text")]
        let mut at = (text.len() as f64 * at) as usize;
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        let (body, diagnostics) = parse(FileId(0), &text[..at]);
        check_body(&text, &body);
        check_diagnostics(&text[..at], &diagnostics);
    }
}

/// A lone interpolation as an attribute's value means the same as what is in it.
fn unwrapped(tree: &str) -> String {
    tree.lines()
        .map(|line| {
            let Some((name, value)) = line.split_once(" = ") else { return line.to_owned() };
            let inner = value
                .strip_prefix("template(")
                .and_then(|value| value.strip_suffix(')'))
                .filter(|value| !value.contains(['"', ' ']) || value.starts_with('('));
            format!("{name} = {}", inner.unwrap_or(value))
        })
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn shown_trees_differ_where_meanings_do() {
    let tree = |text| show(&parse_expression(FileId(0), text).0);
    assert_ne!(tree("\"a\""), tree("a"));
    assert_ne!(tree("\"${a}\""), tree("\"${a} \""));
}
