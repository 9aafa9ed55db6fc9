//! Tests of the parser: forms, spans, limits. Mistakes, properties and formatting have their own
//! files.

mod direct;
mod formatting;
mod mistakes;
mod properties;

use super::ast::*;
use super::*;
use crate::diagnostic::{FileId, SourceMap, Span};

/// Parses a file that has no mistakes.
pub(super) fn good(text: &str) -> Body {
    let (body, diagnostics) = parse(FileId(0), text);
    assert!(diagnostics.is_empty(), "{text}: {diagnostics:?}");
    body
}

/// Parses an expression that has no mistakes and writes its tree in a compact form.
fn tree(text: &str) -> String {
    let (expression, diagnostics) = parse_expression(FileId(0), text);
    assert!(diagnostics.is_empty(), "{text}: {diagnostics:?}");
    show(&expression)
}

pub(super) fn show(e: &Expression) -> String {
    let all = |list: &[Expression]| list.iter().map(show).collect::<Vec<_>>().join(", ");
    match &*e.kind {
        ExpressionKind::Null => "null".into(),
        ExpressionKind::Bool(b) => b.to_string(),
        ExpressionKind::Number(n) => n.to_string(),
        ExpressionKind::String(s) => format!("{s:?}"),
        ExpressionKind::Template(parts) => format!("template({})", show_parts(parts)),
        ExpressionKind::Tuple(list) => format!("[{}]", all(list)),
        ExpressionKind::Object(items) => {
            let items: Vec<_> =
                items.iter().map(|i| format!("{}: {}", show(&i.key), show(&i.value))).collect();
            format!("{{{}}}", items.join(", "))
        }
        ExpressionKind::Variable(name) => name.to_string(),
        ExpressionKind::Attribute(e, name) => format!("{}.{}", show(e), name.text),
        ExpressionKind::Index(e, index) => format!("{}[{}]", show(e), show(index)),
        ExpressionKind::Splat { source, each, full } => {
            format!("splat{}({}, {})", if *full { "" } else { "." }, show(source), show(each))
        }
        ExpressionKind::SplatItem => "_".into(),
        ExpressionKind::Call { name, arguments, expand } => {
            format!("{}({}{})", name.text, all(arguments), if *expand { "..." } else { "" })
        }
        ExpressionKind::Unary(o, e) => format!("{o:?}({})", show(e)),
        ExpressionKind::Binary(o, a, b) => format!("{o:?}({}, {})", show(a), show(b)),
        ExpressionKind::Conditional(c, a, b) => {
            format!("if({}, {}, {})", show(c), show(a), show(b))
        }
        ExpressionKind::For(f) => format!(
            "for({}{} in {}: {}{}{}{})",
            f.key.as_ref().map(|k| format!("{}, ", k.text)).unwrap_or_default(),
            f.value.text,
            show(&f.collection),
            f.key_result.as_ref().map(|k| format!("{} => ", show(k))).unwrap_or_default(),
            show(&f.value_result),
            if f.group { "..." } else { "" },
            f.condition.as_ref().map(|c| format!(" if {}", show(c))).unwrap_or_default(),
        ),
        ExpressionKind::Parenthesis(e) => format!("({})", show(e)),
    }
}

/// Writes a whole tree without its spans.
pub(super) fn show_body(body: &Body) -> String {
    let attributes =
        body.attributes.iter().map(|a| format!("{} = {}\n", a.name.text, show(&a.value)));
    let blocks = body.blocks.iter().map(|block| {
        let labels: Vec<_> = block.labels.iter().map(|l| format!("{:?}", l.text)).collect();
        format!("{} {} {{\n{}}}\n", block.kind.text, labels.join(" "), show_body(&block.body))
    });
    attributes.chain(blocks).collect()
}

fn show_parts(parts: &[TemplatePart]) -> String {
    let parts: Vec<_> = parts
        .iter()
        .map(|part| match part {
            TemplatePart::Literal(text) => format!("{text:?}"),
            TemplatePart::Interpolation(e) => show(e),
            TemplatePart::If { condition, then, otherwise, .. } => {
                format!("if({}; {}; {})", show(condition), show_parts(then), show_parts(otherwise))
            }
            TemplatePart::For { key, value, collection, body, .. } => format!(
                "for({}{} in {}: {})",
                key.as_ref().map(|k| format!("{}, ", k.text)).unwrap_or_default(),
                value.text,
                show(collection),
                show_parts(body)
            ),
        })
        .collect();
    parts.join(" ")
}

#[test]
fn every_form_is_read() {
    for (text, expected) in [
        ("1 + 2 * 3", "Add(1, Multiply(2, 3))"),
        ("-5", "-5"),
        ("!a && b || c", "Or(And(Not(a), b), c)"),
        ("a ? b : c ? d : e", "if(a, b, if(c, d, e))"),
        ("[1, true, null,]", "[1, true, null]"),
        (
            "{ a = 1, \"b\" : 2, (c) = 3, null = 4, true = 5 }",
            "{\"a\": 1, \"b\": 2, (c): 3, \"null\": 4, \"true\": 5}",
        ),
        ("f(a, b...)", "f(a, b...)"),
        ("core::max(1)", "core::max(1)"),
        ("a.b[0].c.1", "a.b[0].c[1]"),
        ("a[*].b[0].c", "splat(a, _.b[0].c)"),
        ("a.*.b.0[1]", "splat.(a, _.b[0])[1]"),
        ("a[*].b[*].c", "splat(a, splat(_.b, _.c))"),
        ("[for x in y : x if x > 1]", "for(x in y: x if Greater(x, 1))"),
        ("{for k, v in m : k => v...}", "for(k, v in m: k => v...)"),
        ("1 +\n 2 # comment", "Add(1, 2)"),
        ("\"${x}\"", "template(x)"),
        ("\"a${x}\"", "template(\"a\" x)"),
        ("\" ${~ x}\"", "template(x \"\")"),
        ("\"\\n\\u00e9$${x}%%{y}\"", "\"\\né${x}%{y}\""),
        ("\"e\\u0301\"", "\"é\""),
        ("\"%{ if a }b%{ else }c%{ endif }\"", "template(if(a; \"b\"; \"c\"))"),
        ("\"%{ for k, v in m }${k}%{ endfor }\"", "template(for(k, v in m: k))"),
        ("\"%{ if a ~} \\n\\\"b\\\"\\u00e9 %{~ endif }\"", "template(if(a; \"\\\"b\\\"é\"; ))"),
    ] {
        assert_eq!(tree(text), expected, "{text}");
    }
}

#[test]
fn heredocs_lose_their_indentation_and_markers() {
    let value = |text: &str| show(&good(text).attributes[0].value);
    assert_eq!(
        value("h = <<-X\n      a\n     \n   ${b}\n        c\n  X\n"),
        r#"template("   a\n     \n" b "\n     c\n")"#
    );
    assert_eq!(
        value(
            "h = <<-X\n    s\n    %{ for i in l ~}\n      item ${i}\n    %{ endfor ~}\n      e\n  X\n"
        ),
        r#"template("s\n" for(i in l: "      item " i "\n") "      e\n")"#
    );
    assert_eq!(
        value("h = <<X\n  b\n  \n ${~ x ~}\n   tail\nX\n"),
        r#"template("  b\n  \n" x "   tail\n")"#
    );
    assert_eq!(value("h = <<X\nback\\slash $${x}\nX\n"), r#""back\\slash ${x}\n""#);
}

#[test]
fn heredocs_without_a_line_are_empty() {
    let body = good("a = <<-X\n  X\nb = [<<X\nX\n, 1]\r\nc = <<X\r\nX\r\nd = <<X\n<<Y\nY\nX\n");
    let values: Vec<String> = body.attributes.iter().map(|a| show(&a.value)).collect();
    assert_eq!(values, [r#""""#, r#"["", 1]"#, r#""""#, r#""<<Y\nY\n""#]);
    assert_eq!(show(&parse_expression(FileId(0), "<<X\nX\n").0), r#""""#);
    let (_, diagnostics) = parse(FileId(0), "a = <<X\nX\n  stray\nX\n");
    assert!(diagnostics.has_errors());
}

/// Only a line with nothing else on it ends a heredoc; inside `${ }` no line does.
#[test]
fn what_the_parser_reads_otherwise_is_put_right() {
    let deep = format!("{}1{}", "(".repeat(60), ")".repeat(60));
    for other in ["1", &deep] {
        let value = |text: &str| {
            let body = good(&format!("other = {other}\n{text}"));
            show(&body.attributes[1].value)
        };
        assert_eq!(value("h = <<X\nX y\n Xy\n  X,\nX\n"), r#""X y\n Xy\n  X,\n""#);
        assert_eq!(value("h = <<X\r\nX)\r\nX \t\r\n"), r#""X)\r\n""#);
        assert_eq!(value("h = <<X\nX${\nX\n}X\n\tX\n"), r#"template("X" X "X\n")"#);
        assert_eq!(value("h = <<X\n${<<Y\nX\nY }\nY\n}\nX\n"), r#"template("X\nY }\n" "\n")"#);
        assert_eq!(value("h = <<X\n${<<X\nX \n}\nX\n"), r#"template("" "\n")"#);
    }
    let (body, found) = parse(FileId(0), &format!("a = {deep}\n#\r{{\nb = 1\n"));
    assert!(found.is_empty() && body.attributes.len() == 2, "{found:?}");
    let (template, found) = parse_template(FileId(0), "${<<X\nX y\nX\n}z");
    assert!(found.is_empty(), "{found:?}");
    assert_eq!(show(&template), r#"template("X y\n" "z")"#);
    assert_eq!(show(&parse_template(FileId(0), "${<<X\nX\n}z").0), r#"template("" "z")"#);
}

#[test]
fn spans_lie_where_the_text_is() {
    let text = "\u{feff}x \"é\" {\r\n  a = b.c[\"é\"] + 1\r\n  d { e = 1 }\r\n}\r\n";
    let mut sources = SourceMap::default();
    let file = sources.add("f", text);
    let (body, diagnostics) = parse(file, text);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    let at = |span: Span| sources.snippet(span).to_owned();
    let block = &body.blocks[0];
    assert_eq!(at(block.header), "x \"é\"");
    assert!(at(block.span).ends_with('}'));
    let attribute = &block.body.attributes[0];
    assert_eq!(at(attribute.span), "a = b.c[\"é\"] + 1");
    let ExpressionKind::Binary(_, left, right) = &*attribute.value.kind else { panic!() };
    assert_eq!((at(left.span).as_str(), at(right.span).as_str()), ("b.c[\"é\"]", "1"));
    let ExpressionKind::Index(source, index) = &*left.kind else { panic!() };
    assert_eq!((at(source.span).as_str(), at(index.span).as_str()), ("b.c", "\"é\""));
    assert_eq!(at(block.body.blocks[0].body.attributes[0].span), "e = 1");
}

#[test]
fn deep_input_ends_with_a_diagnostic() {
    for (open, close) in
        [("[", "]"), ("(", ")"), ("f(", ")"), ("{a=", "}"), ("\"${", "}\""), ("!", "")]
    {
        let text = format!("x = {}1{}\n", open.repeat(20_000), close.repeat(20_000));
        assert!(parse(FileId(0), &text).1.has_errors(), "{open}");
    }
    for chain in [".a", "[0]", "[*]", ".*", " + 1", " ? 1 : 1"] {
        let text = format!("x = y{}\n", chain.repeat(20_000));
        assert!(parse(FileId(0), &text).1.has_errors(), "{chain}");
    }
    let text = format!("{}{}\n", "a {\n".repeat(20_000), "}\n".repeat(20_000));
    assert!(parse(FileId(0), &text).1.has_errors());
}

#[test]
fn large_objects_are_read_in_linear_time() {
    let items: Vec<_> =
        (0..6_000).map(|i| format!("  key{i} = {{ port = {i}, name = \"é\" }} # c\n")).collect();
    let items = items.concat();
    let text = format!("ports = {{\n{items}}}\nafter = 1\n");
    let mut sources = SourceMap::default();
    let file = sources.add("f", text.as_str());
    let (body, diagnostics) = parse(file, &text);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    let ExpressionKind::Object(items) = &*body.attributes[0].value.kind else { panic!() };
    assert_eq!(items.len(), 6_000);
    assert_eq!(sources.snippet(items[5_999].key.span), "key5999");
    assert_eq!(sources.snippet(items[2_345].value.span), "{ port = 2345, name = \"é\" }");
    assert_eq!(sources.snippet(body.attributes[1].span), "after = 1");

    let broken = text.replace("key5000 = {", "key5000 = = {").replace("key7 =", "key9 =");
    let (_, diagnostics) = parse(file, &broken);
    let summaries: Vec<_> = diagnostics.iter().map(|d| d.summary.as_str()).collect();
    assert_eq!(summaries, ["object has the key `key9` twice", "expected an expression, found `=`"]);
}

#[test]
fn hostile_texts_take_no_long_time() {
    for piece in [
        "(",
        "]",
        "(]",
        "'",
        "{}",
        "{",
        "}",
        "a {\n",
        "a {}",
        "x = ",
        "x = 1 2\n",
        "\"${",
        "\"",
        "\"\n",
        "%{if ",
        "\"%{ if a }",
        "<<A\n",
        "/*",
        "a\n{\n",
        "a b ",
        "\u{a0}\n",
        "x = [\n",
        "${",
        ",",
        "{a=1,",
        "x = {\n",
        "a.b",
        "1 + ",
        "<",
        "-",
        "x = <<A\n${",
        "\\",
    ] {
        let text = piece.repeat(10_000 / piece.len());
        let (_, diagnostics) = parse(FileId(0), &text);
        assert!(diagnostics.len() <= 80, "{piece}");
        let _ = parse_expression(FileId(0), &text);
        let _ = parse_template(FileId(0), &text);
    }
}

#[test]
fn numbers_are_read_whole_or_refused_with_advice() {
    let body = good("a = [1e400, -1e1000, 1e-400, 0.1]\n");
    assert_eq!(body.attributes.len(), 1);
    let long = "1".repeat(100_000);
    for number in ["1e999999999", "-1e99999", "1e-99999", &long, &format!("0.{long}")] {
        let broken = format!("a = [{number}]\nb = 1e400\n");
        let codes: Vec<_> = parse(FileId(0), &broken).1.iter().map(|d| d.code).collect();
        assert_eq!(codes, ["number-too-large"], "{}", &number[..8]);
    }
}

#[test]
fn a_long_chain_of_steps_is_one_mistake() {
    for link in [".a", "[0]", "[*]"] {
        let text = format!("a = b{}\n", link.repeat(10_000));
        let codes: Vec<_> = parse(FileId(0), &text).1.iter().map(|d| d.code).collect();
        assert_eq!(codes, ["too-deep"], "{link}");
    }
}
