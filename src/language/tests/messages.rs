//! What users see of mistakes in expressions.

use super::names;
use crate::diagnostic::SourceMap;
use crate::diagnostic::render::{Style, render};
use crate::language::evaluate;
use crate::syntax::parse_expression;

/// Evaluates an expression with mistakes and renders them.
fn report(text: &str) -> String {
    let mut sources = SourceMap::default();
    let file = sources.add("main.nat.hcl", text);
    let (expression, diagnostics) = parse_expression(file, text);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    let diagnostics = evaluate(&expression, &names()).unwrap_err();
    render(&diagnostics, &sources, Style::default())
}

#[test]
fn missing_attribute() {
    insta::assert_snapshot!(report(r"person.nam + person.ag"), @r"
    error[unsupported-attribute]: object has no attribute `nam`
     --> main.nat.hcl:1:8
      |
    1 | person.nam + person.ag
      | ------ ^^^
      |
      = It has `age`, `name`.
      = person is object with 2 attributes
    help: did you mean `name`?
      |
    1 | person.name + person.ag
      |           +

    error[unsupported-attribute]: object has no attribute `ag`
     --> main.nat.hcl:1:21
      |
    1 | person.nam + person.ag
      |              ------ ^^
      |
      = It has `age`, `name`.
      = person is object with 2 attributes
    help: did you mean `age`?
      |
    1 | person.nam + person.age
      |                       +
    ");
}

#[test]
fn attribute_of_a_list() {
    insta::assert_snapshot!(report(r"var.list.id"), @r"
    error[unsupported-attribute]: a list of object has no attribute `id`
     --> main.nat.hcl:1:10
      |
    1 | var.list.id
      | -------- ^^
      |
      = var.list is list of object with 2 elements
      = help: take one element with `[0].id`, or that attribute of all elements with `[*].id`
    ");
}

#[test]
fn missing_element() {
    insta::assert_snapshot!(report(r#"var.map["ab"]"#), @r#"
    error[missing-element]: map has no element `ab`
     --> main.nat.hcl:1:9
      |
    1 | var.map["ab"]
      | ------- ^^^^
      |
      = It has `a`.
      = help: did you mean `a`?
    "#);
}

#[test]
fn attribute_of_null() {
    insta::assert_snapshot!(report(r"var.none.x"), @r"
    error[null-value]: value is null and has no attributes
     --> main.nat.hcl:1:10
      |
    1 | var.none.x
      | -------- ^
      |
      = The attribute `x` was asked of it.
      = var.none is null
      = help: guard it with a condition, `try(…)` or a default
    ");
}

#[test]
fn operand_of_a_wrong_type() {
    insta::assert_snapshot!(report(r"person.name + 1"), @r#"
    error[invalid-operand]: operand is no number
     --> main.nat.hcl:1:1
      |
    1 | person.name + 1
      | ^^^^^^^^^^^
      |
      = A number is required.
      = person.name is "ann"
      = help: `+` adds numbers: join texts in a template such as `"${a}${b}"`, lists with `concat`,
              maps with `merge`
    "#);
}

#[test]
fn loop_variable() {
    insta::assert_snapshot!(report(r"[for p in [person] : p.x]"), @r"
    error[unsupported-attribute]: object has no attribute `x`
     --> main.nat.hcl:1:24
      |
    1 | [for p in [person] : p.x]
      |                      - ^
      |
      = It has `age`, `name`.
      = p is object with 2 attributes
    ");
}

#[test]
fn results_of_different_types() {
    insta::assert_snapshot!(report(r"true ? [1] : var.port"), @r"
    error[inconsistent-conditional]: results of the conditional have different types
     --> main.nat.hcl:1:1
      |
    1 | true ? [1] : var.port
      | ^^^^^^^^^^^^^^^^^^^^^
      |
      = One is a tuple, the other is a number; there is no type that both can have.
      = var.port is 80
    ");
}

#[test]
fn list_in_a_text() {
    insta::assert_snapshot!(report(r#""p ${var.list}""#), @r#"
    error[invalid-template-value]: cannot put a list of object into a text
     --> main.nat.hcl:1:6
      |
    1 | "p ${var.list}"
      |      ^^^^^^^^
      |
      = var.list is list of object with 2 elements
      = help: turn it into a text with `join(…)` or `jsonencode(…)`
    "#);
}

#[test]
fn duplicate_keys() {
    insta::assert_snapshot!(report(r"{for p in [var.port, 80] : p => p}"), @r"
    error[duplicate-key]: two elements have the key `80`
     --> main.nat.hcl:1:28
      |
    1 | {for p in [var.port, 80] : p => p}
      |                            ^
      |
      = help: make the keys distinct, or write `...` behind the value to group by key
    ");
}

#[test]
fn secrets_stay_secret() {
    insta::assert_snapshot!(report(r"var.secret + var.port"), @r#"
    error[invalid-operand]: operand is no number
     --> main.nat.hcl:1:1
      |
    1 | var.secret + var.port
      | ^^^^^^^^^^
      |
      = A number is required.
      = help: `+` adds numbers: join texts in a template such as `"${a}${b}"`, lists with `concat`,
              maps with `merge`
    "#);
}

#[test]
fn failed_try() {
    insta::assert_snapshot!(report(r"try(person.x, var.none.y)"), @r"
    error[function-call]: no argument of `try` succeeded
     --> main.nat.hcl:1:1
      |
    1 | try(person.x, var.none.y)
      | ^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = - object has no attribute `x`
        - value is null and has no attributes
      = help: add a last argument that cannot fail, such as `null`
    ");
}

#[test]
fn index_beyond_the_end() {
    insta::assert_snapshot!(report(r"[1, 2][var.port]"), @r"
    error[invalid-index]: index is not valid
     --> main.nat.hcl:1:8
      |
    1 | [1, 2][var.port]
      | ------ ^^^^^^^^
      |
      = The given key does not identify an element in this collection value: the index 80 is
        beyond the 2 elements.
      = var.port is 80
    ");
}

#[test]
fn misspelt_function() {
    insta::assert_snapshot!(report(r#"uper("x")"#), @r#"
    error[unknown-function]: there is no function `uper`
     --> main.nat.hcl:1:1
      |
    1 | uper("x")
      | ^^^^
      |
    help: did you mean `upper`?
      |
    1 | upper("x")
      |   +
    "#);
}

#[test]
fn mistake_in_a_template_file() {
    insta::assert_snapshot!(report(r#"templatefile("wrong.tpl", {name = 1})"#), @r#"
    error[unsupported-attribute]: a number has no attribute `x`
     --> main.nat.hcl:1:14
      |
    1 | templatefile("wrong.tpl", {name = 1})
      | ------------ ^^^^^^^^^^^
      |
      = In wrong.tpl line 2, column 15:
            second ${name.x} third
        Only objects and maps have attributes.
      = name is 1
    "#);
}

#[test]
fn argument_of_a_wrong_type() {
    insta::assert_snapshot!(report(r"length(var.port)"), @r"
    error[function-call]: invalid argument of `length`
     --> main.nat.hcl:1:8
      |
    1 | length(var.port)
      | ------ ^^^^^^^^
      |
      = Argument must be a string, a collection type, or a structural type.
      = var.port is 80
    ");
}

#[test]
fn failed_call() {
    insta::assert_snapshot!(report(r#"cidrsubnet("10.0.0.0/8", 40, var.port)"#), @r#"
    error[function-call]: invalid argument of `cidrsubnet`
     --> main.nat.hcl:1:26
      |
    1 | cidrsubnet("10.0.0.0/8", 40, var.port)
      | ----------               ^^
      |
      = Insufficient address space to extend prefix of 8 by 40.
    "#);
}
