//! What is read straight is what the parser reads.

use std::sync::Arc;

use proptest::prelude::*;

use super::properties::{configuration, text};
use crate::diagnostic::FileId;
use crate::syntax::direct;
use crate::syntax::parse::{parsed_body, parsed_expression, parsed_template};

const FILE: FileId = FileId(0);

/// Texts of files with all that a configuration may have; each is read straight.
const FILES: &[&str] = &[
    "",
    "a = 1",
    "# only a comment",
    "a = 1 # c\n/* d */ b = 2 // e\n\nc = /* f */ 3\n",
    "a {}\nb \"x\" y { }\nc { d = 1 }\ne { d = [\n1,\n2\n] }\nf /* g */ { # h\n}\n",
    "a \"x\" {\n  b \"y\\u00e9\\n\" {\n    c = 1\n  }\n  c = 2\n  b {}\n}\n",
    "a = 1\r\nb {\r\n  c = \"x\" # y\r\n}\r\n",
    "é-ü = \"größer als ${é-ü} 日本語\"\n",
    "a = [1, -2, - 3, 1.5, 1e3, 0.25E-2, 007, 18446744073709551616,]\n",
    "a = [null, true, false, nullable, trueish.b, null]\n",
    "a = [[], {}, (1), ((b)), [[c]], [\n# d\n1 /* e */\n,\n2, // f\n]]\n",
    "a = b.c.d[0][\"e\"].f[g.h].0[1].12 . i\n",
    "a = b[*].c[0].d\na1 = b.*.c.0[1].d\na2 = b[*]\na3 = b.*\na4 = b.c[ * ].d[*].e\n",
    "a = (b\n.c\n[0]\n+ d\n? e\n: f)\n",
    "a = b + c * d - e / f % g\nb = a == b != c\nc = a < b && c >= d || !e && -f <= g > h\n",
    "a = b ? c : d ? e : f\nb = (a ? b : c) ? d : e + 1\n",
    "a = !b\nc = !!b.c\nd = -b[0]\ne = --1\nf = -(1)\n",
    "a = f()\nb = f(1, g(2), [3]...)\nc = core::f(1,)\nd = a :: b :: c (1)\ne = f (\n# x\n1,\n2\n)\n",
    "a = [for x in y : x]\nb = [for k, v in y : k if v != null]\nc = [\n for x in y\n : \n x\n if x\n]\n",
    "a = {for k, v in y : k => v}\nb = { for k, v in y : v.id => k... if k != \"\" }\n",
    "a = {\n  for k, v in y\n  : k\n  => v\n  ...\n  if k\n}\nb = {for x in [for z in w : z] : x => {a = x}}\n",
    "a = {}\nb = { c = 1 }\nc = { d : 1, \"e f\" = 2, (g) = 3, 4 = 5, \"h${i}\" = 6, null = 7, true = 8 }\n",
    "a = {\n  b = 1\n  c = 2 # x\n  /* y */ d = 3, e = 4,\n\n  f = [\n  ] // z\n  (g.h) = i\n}\n",
    "a = \"\"\nb = \"x\"\nc = \"$${x} %%{ $ % $$ a$ \"\nd = \"\\n\\r\\t\\\"\\\\\\u00e9\\U0001F600\"\n",
    "a = \"${b}\"\nb = \"x${c}\"\nc = \"${c}y${ d }z\"\nd = \"${~ e ~} f ${~g} h\"\n",
    "a = \"${\"${\"x\"}\"}${ {b = \"}\"}.b }\"\n",
    "a = \"%{ if b }c%{ else }d%{ endif }\"\nb = \"%{~ if b ~} c %{~ else ~} d %{~ endif ~} e\"\n",
    "a = \"%{ for x in y }${x},%{ endfor }\"\nb = \"%{for k, v in y~} %{if k}\\t${v}%{endif} %{endfor}\"\n",
    "a = <<EOT\nx\n  ${y}\n\n$${z}\nEOT\nb = 1\n",
    "a = <<-EOT\n    x\n      ${y} z\n   \n    %{ if b ~}\n    c\n    %{ else }\n d\n    %{~ endif ~}\n    EOT\n",
    "a = [<<X\nx\nX\n, <<-Y\n  y X\n  Xy\n  Y\n]\nb = { c = <<E\n${d}\nE\n}\n",
    "a = f(<<EOT\nx\r\nEOT\n)\r\n",
];

/// Texts that are left to the parser.
const LEFT: &[&str] = &[
    "a = ",
    "a",
    "a = 1 b = 2",
    "a = 1\na = 2",
    "a {\n  b = 1 }\n",
    "a { b = 1, c = 2 }",
    "a = { b = 1, b = 2 }",
    "a = { b.c = 1 }",
    "a = 1e1000000",
    "a = \"\\q\"",
    "a = 'x'",
    "a = [1 2]",
    "a = f(,)",
    "a = 1.b",
    "a = \"%{ if b }c\"",
    "a = <<EOT\nEOT\n",
    "a \"${b}\" {}",
    "a = \"b\nc\"",
    "a = (b",
];

fn check_file(text: &str) -> bool {
    let Some(body) = direct::body(FILE, text, 0) else { return false };
    let (parsed, diagnostics) = parsed_body(FILE, text, 0);
    assert!(diagnostics.is_empty(), "{text:?}: {diagnostics:?}");
    assert_eq!(format!("{body:#?}"), format!("{parsed:#?}"), "{text:?}");
    true
}

fn check_expression(text: &str) {
    if let Some(expression) = direct::expression(FILE, text, 0) {
        let (parsed, diagnostics) = parsed_expression(FILE, text, 0);
        assert!(diagnostics.is_empty(), "{text:?}: {diagnostics:?}");
        assert_eq!(format!("{expression:#?}"), format!("{parsed:#?}"), "{text:?}");
    }
}

fn check_template(text: &str) {
    if let Some(template) = direct::template(FILE, text, 0) {
        let (parsed, diagnostics) = parsed_template(FILE, text, 0);
        assert!(diagnostics.is_empty(), "{text:?}: {diagnostics:?}");
        assert_eq!(format!("{template:#?}"), format!("{parsed:#?}"), "{text:?}");
    }
}

#[test]
fn all_forms_are_read_straight() {
    for text in FILES {
        check_template(text);
    }
    let left: Vec<_> = FILES.iter().filter(|text| !check_file(text)).collect();
    assert!(left.is_empty(), "left to the parser: {left:#?}");
    for text in LEFT {
        assert!(direct::body(FILE, text, 0).is_none(), "{text:?}");
    }
}

#[test]
fn what_is_deep_is_left_to_the_parser() {
    for (open, close) in
        [("(", ")"), ("[", "]"), ("{a=", "}"), ("\"${", "}\""), ("!", ""), ("-", "")]
    {
        let text = |n| format!("a = {}b{}\n", open.repeat(n), close.repeat(n));
        assert!(check_file(&text(20)), "{open}");
        assert!(direct::body(FILE, &text(10_000), 0).is_none(), "{open}");
    }
    for link in [".b", "[0]", "+b", "?b:b"] {
        assert!(check_file(&format!("a = b{}\n", link.repeat(20))), "{link}");
        assert!(direct::body(FILE, &format!("a = b{}\n", link.repeat(10_000)), 0).is_none());
    }
}

#[test]
fn literals_that_are_written_alike_are_kept_once() {
    let text = "b {\n  a = \"x\"\n  c = -1\n}\nb {\n  a = \"x\"\n  c = -1\n  d = 1\n}\n";
    let body = direct::body(FILE, text, 0).unwrap();
    let kind = |block: usize, name: &str| {
        Arc::clone(&body.blocks[block].body.attribute(name).unwrap().value.kind)
    };
    for name in ["a", "c"] {
        assert!(Arc::ptr_eq(&kind(0, name), &kind(1, name)), "{name}");
    }
    assert!(!Arc::ptr_eq(&kind(1, "c"), &kind(1, "d")));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_read_straight_is_what_the_parser_reads(text in prop_oneof![text(), configuration()]) {
        check_file(&text);
        check_expression(&text);
        check_template(&text);
    }

    #[test]
    fn configurations_are_read_straight(text in configuration()) {
        prop_assert!(check_file(&text), "{text:?}");
    }
}
