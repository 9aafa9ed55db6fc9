//! The evaluator against known results.

mod golden;
mod messages;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use super::functions::FunctionContext;
use super::*;
use crate::diagnostic::{Diagnostic, Diagnostics, FileId};
use crate::environment::{MemoryFiles, Timestamp};
use crate::syntax::ast::Identifier;
use crate::syntax::parse_expression;
use crate::value::{Type, Value};

/// Names with fixed values.
struct Names {
    values: BTreeMap<&'static str, Value>,
    functions: FunctionContext<'static>,
}

impl Scope for Names {
    fn resolve(
        &self,
        root: &Identifier,
        _: &[Step<'_>],
    ) -> Result<(Value, usize), Box<Diagnostic>> {
        match self.values.get(&*root.text) {
            Some(value) => Ok((value.clone(), 0)),
            None => {
                Err(Box::new(Diagnostic::error("undeclared", root.text.as_ref()).at(root.span)))
            }
        }
    }

    fn functions(&self) -> &FunctionContext<'_> {
        &self.functions
    }
}

fn names() -> Names {
    let person = Value::object_of([("name", Value::from("ann")), ("age", Value::from(40_i64))]);
    let variables = Value::object_of([
        ("port", Value::from(80_i64)),
        ("secret", Value::from("s3cret").with_sensitive(true)),
        ("map", Value::map(Type::String, [("a".into(), Value::from("x"))].into())),
        (
            "list",
            Value::list(
                Type::object([("id", Type::Number)]),
                [
                    Value::object_of([("id", Value::from(1_i64))]),
                    Value::object_of([("id", Value::from(2_i64))]),
                ],
            ),
        ),
        ("set", Value::set(Type::String, [Value::from("b"), Value::from("a")])),
        (
            "secrets",
            Value::list(Type::String, [Value::from("s3cret"), Value::from("s3cret")])
                .with_sensitive(true),
        ),
        ("none", Value::null()),
        ("empty", Value::list(Type::object([("id", Type::Number)]), [])),
        ("text", Value::unknown_from(Type::String, "r.a.text")),
        ("texts", Value::unknown(Type::list(Type::String))),
        ("flag", Value::unknown(Type::Bool)),
        ("thing", Value::unknown_from(Type::object([("id", Type::String)]), "r.a")),
        ("any", Value::unknown(Type::Any)),
    ]);
    Names {
        values: BTreeMap::from([("var", variables), ("person", person)]),
        functions: functions_context(),
    }
}

/// A few template files, and nothing else of the outside.
fn functions_context() -> FunctionContext<'static> {
    static FILES: LazyLock<MemoryFiles> = LazyLock::new(|| {
        let files = [
            ("/base/hello.tpl", "Hello ${name}%{ if loud }!%{ endif }"),
            ("/base/list.tpl", "${[for x in names : upper(x)]}"),
            ("/base/broken.tpl", "first\nsecond ${name"),
            ("/base/wrong.tpl", "first\nsecond ${name.x} third"),
            ("/base/self.tpl", "${templatefile(\"self.tpl\", {})}"),
        ];
        MemoryFiles(files.map(|(path, text)| (path.into(), text.into())).into())
    });
    FunctionContext::planning(&*FILES, Path::new("/base"), Timestamp(0))
}

fn run(text: &str) -> Result<Value, Diagnostics> {
    let (expression, diagnostics) = parse_expression(FileId(0), text);
    assert!(diagnostics.is_empty(), "{text}: {diagnostics:?}");
    evaluate(&expression, &names())
}

/// Prints a value on one line.
fn print(text: &str) -> String {
    match run(text) {
        Ok(value) => value.to_string().split_whitespace().collect::<Vec<_>>().join(" "),
        Err(diagnostics) => {
            let list: Vec<_> = diagnostics.iter().map(|d| format!("! {}", d.summary)).collect();
            list.join("; ")
        }
    }
}

fn check(cases: &[(&str, &str)]) {
    let wrong: Vec<String> = cases
        .iter()
        .map(|(text, expected)| (text, expected, print(text)))
        .filter(|(_, expected, found)| found != *expected)
        .map(|(text, expected, found)| format!("{text}\n  expected {expected}\n  found    {found}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn operators() {
    check(&[
        ("1 + 2 * 3", "7"),
        ("\"1\" + 1", "2"),
        ("0.1 + 0.2", "0.3"),
        ("18446744073709551615 + 1", "18446744073709551616"),
        ("7 % 4", "3"),
        ("-var.port", "-80"),
        ("!\"true\"", "false"),
        ("1 == \"1\"", "false"),
        ("1 == 1.0", "true"),
        ("null == null", "true"),
        ("[1] != [1]", "false"),
        ("var.text == var.text", "true"),
        ("var.text == \"a\"", "(known after apply)"),
        ("1 < 2 && 2 >= 2", "true"),
        ("false && person.nothing", "false"),
        ("true || [] ", "! operand is no bool"),
        ("true || tobool(\"x\")", "true"),
        ("tobool(\"x\") || true", "true"),
        ("tobool(\"x\") && false", "false"),
        ("tobool(\"x\") && true", "! invalid argument of `tobool`"),
        ("true && tobool(\"x\")", "! invalid argument of `tobool`"),
        ("var.flag && tobool(\"x\")", "(known after apply)"),
        ("true || null", "true"),
        ("null || true", "! operand is null"),
        ("true && null", "! operand is null"),
        ("true || sensitive(false)", "(sensitive value)"),
        ("sensitive(false) && true", "(sensitive value)"),
        ("var.flag && false", "false"),
        ("var.flag || false", "(known after apply)"),
        ("var.text + 1", "(known after apply)"),
        ("var.secret == \"a\"", "(sensitive value)"),
        ("null + 1", "! operand is null"),
        ("[] + 1", "! operand is no number"),
        ("\"x\" + \"y\"", "! operand is no number"),
        ("var.texts + 1", "! operand is no number"),
        ("0 / 0", "! operation has no result"),
    ]);
}

#[test]
fn conditionals() {
    check(&[
        ("true ? 1 : \"a\"", "\"1\""),
        ("\"true\" ? 1 : 2", "1"),
        ("false ? person.nothing : 2", "2"),
        ("true ? {a = 1} : {b = 2}", "tomap({ \"a\" = 1 })"),
        ("true ? [1] : [1, 2]", "tolist([ 1, ])"),
        ("true ? null : 1", "null"),
        ("var.flag ? 1 : 2", "(known after apply)"),
        ("true ? [1] : \"a\"", "! results of the conditional have different types"),
        ("null ? 1 : 2", "! condition is null"),
        ("[] ? 1 : 2", "! condition is no truth value"),
        ("var.secret == \"\" ? 1 : 2", "(sensitive value)"),
        ("true ? 1 : sensitive(2)", "(sensitive value)"),
        ("false ? sensitive(1) : 2", "(sensitive value)"),
        ("true ? [1] : [sensitive(2)]", "[ 1, ]"),
        ("true ? [\"a\"] : toset([\"b\"])", "toset([ \"a\", ])"),
        ("false ? [\"a\"] : tolist(toset([\"b\"]))", "tolist([ \"b\", ])"),
        ("true ? tolist([1]) : toset([2])", "tolist([ 1, ])"),
        ("true ? [\"a\"] : toset([1])", "! results of the conditional have different types"),
    ]);
    assert_eq!(run("var.flag ? 1 : \"a\"").unwrap().type_of(), Type::String);
}

#[test]
fn templates() {
    check(&[
        ("\"a${1}b${true}\"", "\"a1btrue\""),
        ("\"${[1]}\"", "[ 1, ]"),
        ("\"a${var.text}\"", "(known after apply)"),
        ("\"a${var.secret}\"", "(sensitive value)"),
        ("\"a${[1]}\"", "! cannot put a tuple into a text"),
        ("\"a${null}\"", "! cannot put null into a text"),
        ("\"%{ if var.port > 1 }yes%{ else }no%{ endif }\"", "\"yes\""),
        ("\"%{ if var.flag }yes%{ endif }\"", "(known after apply)"),
        ("\"%{ for i, v in [\"a\", \"b\"] }${i}=${v} %{ endfor }\"", "\"0=a 1=b \""),
        ("\"%{ for v in var.texts }${v}%{ endfor }\"", "(known after apply)"),
        ("\"%{ for v in null }${v}%{ endfor }\"", "! cannot iterate over null"),
        ("\"e${\"\\u0301\"}\" == \"\\u00e9\"", "true"),
    ]);
}

#[test]
fn loops() {
    check(&[
        ("[for x in [1, 2, 3] : x * 2 if x > 1]", "[ 4, 6, ]"),
        ("[for i, x in [\"a\"] : \"${i}${x}\"]", "[ \"0a\", ]"),
        ("[for k, v in {b = 1, a = 2} : k]", "[ \"a\", \"b\", ]"),
        ("[for k, v in var.set : \"${k}${v}\"]", "[ \"aa\", \"bb\", ]"),
        ("{for x in [\"a\", \"b\"] : x => x}", "{ \"a\" = \"a\" \"b\" = \"b\" }"),
        ("{for x in [1, 2, 1] : x => x...}", "{ \"1\" = [ 1, 1, ] \"2\" = [ 2, ] }"),
        ("{for x in [1, 1] : x => x}", "! two elements have the key `1`"),
        ("{for x in [null] : x => x}", "! key of an object is null"),
        ("[for x in var.texts : x]", "(known after apply)"),
        ("{for x in [var.text] : x => 1}", "(known after apply)"),
        ("[for x in [1, 2] : x if var.flag]", "(known after apply)"),
        ("[for x in [1] : x if null]", "! condition of the `for` is null"),
        ("[for x in 5 : x]", "! cannot iterate over a number"),
        ("[for x in [[1], [2]] : [for y in x : x[0] + y]]", "[ [ 2, ], [ 4, ], ]"),
        ("{for k, v in {a = var.secret} : k => v}", "{ \"a\" = (sensitive value) }"),
    ]);
}

#[test]
fn traversals() {
    check(&[
        ("person.name", "\"ann\""),
        ("person[\"name\"]", "\"ann\""),
        ("[1, 2][\"1\"]", "2"),
        ("[1, 2].0", "1"),
        ("{a = {b = 3}}.a.b", "3"),
        ("var.map.a", "\"x\""),
        ("var.map[\"a\"]", "\"x\""),
        ("var.list[*].id", "tolist([ 1, 2, ])"),
        ("var.list.*.id", "tolist([ 1, 2, ])"),
        ("var.list[*].id[0]", "! index is not valid"),
        ("var.none[*].id", "[]"),
        ("person[*].name", "[ \"ann\", ]"),
        ("[[1], [2]][*][0]", "[ 1, 2, ]"),
        ("var.empty[*].id", "tolist([])"),
        ("var.thing.id", "(known after apply)"),
        ("var.thing.id == var.thing.id", "true"),
        ("var.any.x.y[0]", "(known after apply)"),
        ("var.secret == var.any", "(known after apply)"),
        ("issensitive(var.secret == var.any)", "true"),
        ("var.thing.nothing", "! object has no attribute `nothing`"),
        ("person.nam", "! object has no attribute `nam`"),
        ("var.map.b", "! map has no element `b`"),
        ("var.map[\"b\"]", "! map has no element `b`"),
        ("var.none.x", "! value is null and has no attributes"),
        ("var.none[0]", "! value is null and has no elements"),
        ("var.port.x", "! a number has no attribute `x`"),
        ("var.list.id", "! a list of object has no attribute `id`"),
        ("var.set[0]", "! a set has no index"),
        ("[1][5]", "! index is not valid"),
        ("[1][-1]", "! index is not valid"),
        ("[1][null]", "! index is null"),
        ("nothing.a", "! nothing"),
    ]);
    assert_eq!(run("var.texts[*]").unwrap().type_of(), Type::list(Type::String));
    assert_eq!(run("var.empty[*].id").unwrap().type_of(), Type::list(Type::Number));
}

#[test]
fn deep_expressions_fit_the_stack() {
    let operators = " + 1".repeat(100);
    for (open, close) in [
        ("[", "]"),
        ("(", ")"),
        ("{a = ", "}"),
        ("\"x${", "}\""),
        ("true ? ", " : 1"),
        ("[for x in [1] : ", "]"),
        ("\"%{ for x in [1] }${", "}%{ endfor }\""),
        ("try(", ")"),
        ("!", ""),
    ] {
        let depth = if open.contains("for") { 20 } else { 40 };
        let text = format!("{}1{operators}{}", open.repeat(depth), close.repeat(depth));
        let (expression, _) = parse_expression(FileId(0), &text);
        let _ = evaluate(&expression, &names());
    }
}

#[test]
fn work_and_sizes_are_limited() {
    let text = (0..30)
        .fold(String::from("[1]"), |inner, _| format!("[for a in [{inner}] : [a, a, a, a]]"));
    assert_eq!(print(&text), "! value is too large");
}

#[test]
fn work_is_limited() {
    let list = "[for i in [1,2,3,4,5,6,7,8,9,10] : i]";
    let text = (0..6).fold(String::from("1"), |inner, _| format!("[for x in {list} : {inner}]"));
    let text = format!("try({text}, can({text}), 1)");
    let (expression, _) = parse_expression(FileId(0), &text);
    let names = names();
    let mut evaluator = evaluate::Evaluator::new(&names);
    evaluator.work = evaluate::MAX_WORK - 10_000;
    assert!(evaluator.expression(&expression).is_err());
    let codes: Vec<_> = evaluator.diagnostics.iter().map(|d| d.code).collect();
    assert_eq!(codes, ["expression-too-large"]);
}

#[test]
fn work_on_whole_values_counts() {
    for text in [
        "[for i in range(1000) : range(10000)]",
        "[for i in range(1000) : length(toset(range(10000)))]",
        "[for i in range(9000) : contains(range(900), -1)]",
        "[for i in range(1000) : [for j in range(900) : range(900)]]",
        "[for i in range(9000) : range(900) == i]",
        "[for i in range(9000) : (i == 1 ? range(900) : []) == null]",
        "[for i in range(9000) : \"${i}${join(\"\", range(900))}\"]",
        "[for i in range(9000) : length(join(\"\", range(900)))]",
    ] {
        let (expression, _) = parse_expression(FileId(0), text);
        let names = names();
        let mut evaluator = evaluate::Evaluator::new(&names);
        evaluator.work = evaluate::MAX_WORK - 100_000;
        assert!(evaluator.expression(&expression).is_err(), "{text}");
        let codes: Vec<_> = evaluator.diagnostics.iter().map(|d| d.code).collect();
        assert_eq!(codes, ["expression-too-large"], "{text}");
    }
    // An element of a large list costs no more than one of a small list.
    assert_eq!(print("length([for i in range(9000) : element(var.list, i)])"), "9000");
}

#[test]
fn secrets_stay_secret_in_loops() {
    for text in [
        "[for c in [for s in var.secrets : s] : c.x]",
        "[for s in var.secrets : s.x]",
        "var.secrets[*].x",
        "{for s in var.secrets : s => 1}",
        "{for s in var.secrets : s => s}[\"a\"]",
        "\"%{ for s in var.secrets }${s + 1}%{ endfor }\"",
        "var.secret + 1",
        "{(var.secret) = 1}[\"x\"]",
        "{a = 1}[var.secret]",
        "[1][var.secret]",
        "true ? [var.secret] : {a = var.secret}",
        "templatestring(\"${x.y}\", {x = var.secret})",
        "templatestring(var.secret, 1)",
    ] {
        let text = match run(text) {
            Ok(value) => value.to_string(),
            Err(diagnostics) => format!("{diagnostics:?}"),
        };
        assert!(!text.contains("s3cret"), "{text}");
    }
}

#[test]
fn templates_in_templates_end() {
    let nested = format!("${{{}templatestring(a, {{a = a}}){}}}", "[".repeat(40), "]".repeat(40));
    let quoted = nested.replace("${", "$${");
    let text = format!("templatestring(\"{quoted}\", {{a = \"{quoted}\"}})");
    assert!(print(&text).starts_with('!'), "{}", print(&text));
    check(&[
        ("templatestring(\"a $${x} %%{ if y }b%%{ endif }\", {x = 1, y = true})", "\"a 1 b\""),
        ("templatestring(\"$${x}\", {x = [1]})", "[ 1, ]"),
        ("templatestring(\"$${x}\", {y = 1})", "! the template's variables have no `x`"),
        ("templatestring(\"$${\", {})", "! interpolation is not closed"),
        ("templatestring(var.text, {})", "(known after apply)"),
        ("templatestring(\"x\")", "! `templatestring` takes 2 arguments, 1 given"),
        ("try(person.x, 1)", "1"),
        ("try(var.text, 1)", "(known after apply)"),
        ("can(person.x)", "false"),
        ("can(person.name)", "true"),
        ("can(var.any.x)", "(known after apply)"),
        ("can(tonumber(var.text))", "(known after apply)"),
        ("can(convert(var.text, number))", "(known after apply)"),
        ("can(tostring(var.text))", "true"),
        ("var.text == null", "(known after apply)"),
        ("\"a${var.text}\" == null", "false"),
        ("upper(var.text) != null", "true"),
        ("tostring(var.text) == null", "(known after apply)"),
        ("tonumber(\"1${var.text}\") == null", "false"),
        ("(var.text == \"a\") == null", "false"),
        ("(var.text == \"a\" ? 1 : 2) == null", "false"),
        ("(var.text == \"a\" ? 1 : null) == null", "(known after apply)"),
        ("(\"a${var.text}\" == null ? [] : [1])", "tolist([ 1, ])"),
        ("type([1, \"a\"])", "\"tuple([number,string])\""),
    ]);
}

#[test]
fn functions_take_part() {
    check(&[
        ("upper(\"a\")", "\"A\""),
        ("core::upper(\"a\")", "\"A\""),
        ("max([1, 5, 3]...)", "5"),
        ("max(1, [5, 3]...)", "5"),
        ("max(var.texts...)", "(known after apply)"),
        ("max(5...)", "! cannot expand a number into arguments"),
        ("max(null...)", "! cannot expand null into arguments"),
        ("upper(var.text)", "(known after apply)"),
        ("upper(var.secret)", "(sensitive value)"),
        ("length(var.list)", "2"),
        ("nonsensitive(var.secret)", "\"s3cret\""),
        ("issensitive(var.secret)", "true"),
        ("sensitive(1) + 1", "(sensitive value)"),
        ("[for s in toset([\"b\", \"a\"]) : s]", "[ \"a\", \"b\", ]"),
        ("tolist([1])[*]", "tolist([ 1, ])"),
        ("try(tonumber(\"x\"), \"no\")", "\"no\""),
        ("can(tonumber(\"x\"))", "false"),
        ("true || tobool(\"nope\")", "true"),
        ("try(upper(var.text), 1)", "(known after apply)"),
        ("uper(\"a\")", "! there is no function `uper`"),
        ("upper(1, 2)", "! invalid argument of `upper`"),
        ("upper()", "! call of `upper` failed"),
        ("upper([])", "! invalid argument of `upper`"),
        ("type(var.map)", "\"map(string)\""),
    ]);
}

#[test]
fn template_files() {
    check(&[
        ("templatefile(\"hello.tpl\", {name = \"x\", loud = true})", "\"Hello x!\""),
        ("templatefile(\"list.tpl\", {names = [\"a\"]})", "[ \"A\", ]"),
        ("templatefile(\"hello.tpl\", {name = var.secret, loud = false})", "(sensitive value)"),
        ("templatefile(\"hello.tpl\", {name = var.text, loud = false})", "(known after apply)"),
        ("templatefile(\"hello.tpl\", {name = 1})", "! the template's variables have no `loud`"),
        ("templatefile(\"hello.tpl\", [])", "! invalid argument of `templatefile`"),
        ("templatefile(\"none.tpl\", {})", "! invalid argument of `templatefile`"),
        ("templatefile(\"broken.tpl\", {})", "! interpolation is not closed"),
        ("templatefile(\"wrong.tpl\", {name = 1})", "! a number has no attribute `x`"),
        ("templatefile(null, {})", "! invalid argument of `templatefile`"),
        ("templatefile(var.text, {})", "(known after apply)"),
    ]);
    assert!(
        print("templatefile(\"self.tpl\", {})").contains("! invalid argument of `templatefile`")
    );
}

#[test]
fn values_are_converted_to_types() {
    check(&[
        ("convert(\"true\", bool)", "true"),
        ("convert([], list(string))", "tolist([])"),
        ("convert([1, \"2\"], set(number))", "toset([ 1, 2, ])"),
        ("convert([1, \"a\"], tuple([string, any]))", "[ \"1\", \"a\", ]"),
        (
            "convert({}, object({ a = optional(string, \"x\"), b = optional(number) }))",
            "{ \"a\" = \"x\" \"b\" = null }",
        ),
        (
            "convert({ k = {} }, map(object({ a = optional(list(number), [1]) })))",
            "tomap({ \"k\" = { \"a\" = tolist([ 1, ]) } })",
        ),
        ("convert(null, string)", "null"),
        ("core::convert(80, string)", "\"80\""),
        ("convert(var.any, list(string))", "(known after apply)"),
        ("length(convert(var.texts, set(string)))", "(known after apply)"),
        ("convert(var.secret, string)", "(sensitive value)"),
        ("convert([var.secret], list(string))", "tolist([ (sensitive value), ])"),
        ("[for x in [\"1\"] : convert(x, number)]", "[ 1, ]"),
        ("try(convert(\"x\", number), 0)", "0"),
        ("can(convert(\"x\", number))", "false"),
        ("convert(\"x\", number)", "! invalid argument of `convert`"),
        ("convert({}, object({ a = string }))", "! invalid argument of `convert`"),
        ("convert(1)", "! `convert` takes 2 arguments, 1 given"),
        ("convert(1, numbr)", "! `numbr` is not a type"),
        ("convert(1, \"number\")", "! type constraint is quoted"),
        ("convert(nope, lst(string))", "! nope; ! `lst` makes no type"),
        (
            "convert({}, object({ a = optional(string, upper(\"x\")) }))",
            "! functions cannot be called here",
        ),
    ]);
    // The type is no value: nothing in it is a reference or a function.
    let (expression, _) = parse_expression(FileId(0), "convert(var.a, list(string))");
    let names: Vec<String> = references(&expression).iter().map(ToString::to_string).collect();
    assert_eq!(names, ["var.a"]);
    assert_eq!(function_calls(&expression).len(), 1);
}
