//! What users see of typical mistakes.

use crate::diagnostic::SourceMap;
use crate::diagnostic::render::{Style, render};
use crate::syntax::parse;

/// Renders the diagnostics of a file.
fn report(text: &str) -> String {
    let mut sources = SourceMap::default();
    let file = sources.add("main.nat.hcl", text);
    let (_, diagnostics) = parse(file, text);
    render(&diagnostics, &sources, Style::default())
}

#[test]
fn unterminated_string() {
    insta::assert_snapshot!(report("resource \"a\" \"b\" {\n  name = \"abc\n  x = 1\n}\n\noutput \"o\" {\n  value = [1, 2\n}\n"), @r#"
error[unterminated-string]: string is not closed on its line
 --> main.nat.hcl:2:10
  |
1 | resource "a" "b" {
2 |   name = "abc
  |          ^^^^ starts here
  |
  = help: close it with `"`; for several lines write `\n` or use a heredoc (`<<-EOT`)

error[unclosed]: `[` is not closed
 --> main.nat.hcl:7:11
  |
6 | output "o" {
7 |   value = [1, 2
  |           ^ opened here
8 | }
  | - expected `]` before this
  |
  = help: add the missing `]`
"#);
}

#[test]
fn missing_brace_of_an_object() {
    insta::assert_snapshot!(report("resource \"a\" \"b\" {\n  tags = {\n    x = 1\n}\n\nresource \"c\" \"d\" {\n  y = 2 +\n}\n"), @r#"
error[unclosed]: `{` is not closed
 --> main.nat.hcl:2:10
  |
1 | resource "a" "b" {
2 |   tags = {
  |          ^ opened here
  |
  = help: add the missing `}`

error[syntax]: expected an operand after `+`, found the end of the expression
 --> main.nat.hcl:7:9
  |
6 | resource "c" "d" {
7 |   y = 2 +
  |         ^
"#);
}

#[test]
fn missing_brace_of_a_block() {
    insta::assert_snapshot!(report("resource \"a\" \"b\" {\n  x = 1\n\nresource \"c\" \"d\" {\n  y = 2\n}\n"), @r#"
error[unclosed]: `{` is not closed
 --> main.nat.hcl:1:18
  |
1 | resource "a" "b" {
  |                  ^ opened here
  |
  = help: add the missing `}`
"#);
}

#[test]
fn several_in_one_block() {
    insta::assert_snapshot!(report("a {\n  x : 1\n  y = 'abc'\n  z = \n  ok = 1\n  x = 2\n}\n"), @r#"
error[syntax]: attributes are set with `=`
 --> main.nat.hcl:2:5
  |
1 | a {
2 |   x : 1
  |     ^
  |
help: write `x = …`
  |
2 -   x : 1
2 +   x = 1
  |

error[syntax]: strings are written in double quotes
 --> main.nat.hcl:3:7
  |
1 | a {
2 |   x : 1
3 |   y = 'abc'
  |       ^^^^^
  |
help: write `"abc"`
  |
3 -   y = 'abc'
3 +   y = "abc"
  |

error[syntax]: expected an expression, found the end of the line
 --> main.nat.hcl:4:7
  |
1 | a {
...
4 |   z = 
  |       ^

error[duplicate-attribute]: `x` is set twice
 --> main.nat.hcl:6:3
  |
1 | a {
2 |   x : 1
  |   - first set here
...
6 |   x = 2
  |   ^
  |
  = help: remove one of them
"#);
}

#[test]
fn unclosed_interpolation() {
    insta::assert_snapshot!(report("a {\n  y = \"${a\"\n}\n"), @r#"
error[unclosed]: interpolation is not closed
 --> main.nat.hcl:2:8
  |
1 | a {
2 |   y = "${a"
  |        ^^^ opened here
  |
  = help: add the missing `}`; write `$${` for a literal `${`
"#);
}

#[test]
fn missing_endif() {
    insta::assert_snapshot!(report("a {\n  x = \"%{ if a }b\"\n  y = <<EOT\n%{ for i in l }\nEOT\n}\n"), @r#"
error[unclosed]: `%{ if }` has no `%{ endif }`
 --> main.nat.hcl:2:8
  |
1 | a {
2 |   x = "%{ if a }b"
  |        ^^^^^^^^^ opened here
  |
  = help: add `%{ endif }`

error[unclosed]: `%{ for }` has no `%{ endfor }`
 --> main.nat.hcl:4:1
  |
4 | %{ for i in l }
  | ^^^^^^^^^^^^^^^ opened here
5 | EOT
  | --- the heredoc ends here
  |
  = help: add `%{ endfor }` before this line, or end the heredoc with another word
"#);
}

#[test]
fn stray_else() {
    insta::assert_snapshot!(report("a = \"x%{ else }y%{ endif }\"\n"), @r#"
error[syntax]: `else` has no `if` or `for` before it
 --> main.nat.hcl:1:7
  |
1 | a = "x%{ else }y%{ endif }"
  |       ^^^^^^^

error[syntax]: `endif` has no `if` or `for` before it
 --> main.nat.hcl:1:17
  |
1 | a = "x%{ else }y%{ endif }"
  |                 ^^^^^^^^
"#);
}

#[test]
fn no_break_space() {
    insta::assert_snapshot!(report("a {\n  x\u{a0}= 1\n}\n"), @r#"
error[syntax]: invisible character U+00A0
 --> main.nat.hcl:2:4
  |
1 | a {
2 |   x = 1
  |    ^
  |
  = It looks like a space, but it is none.
help: replace it by a space
  |
2 |   x = 1
  |    +
"#);
}

#[test]
fn brace_on_its_own_line() {
    insta::assert_snapshot!(report("a \"b\"\n{\n  x = 1 2\n}\n"), @r#"
error[syntax]: `{` must stand on the line of the block's header
 --> main.nat.hcl:2:1
  |
1 | a "b"
  | ----- of this block
2 | {
  | ^

error[syntax]: unexpected `2` after the expression
 --> main.nat.hcl:3:9
  |
3 |   x = 1 2
  |         ^
"#);
}

#[test]
fn several_on_one_line() {
    insta::assert_snapshot!(report("a { x = 1, y = 2 }\nb {\n  x = 1 }\n"), @r#"
error[syntax]: unexpected `,` after the value
 --> main.nat.hcl:1:10
  |
1 | a { x = 1, y = 2 }
  |          ^
  |
  = help: attributes are separated by new lines; a list is written in `[ ]`

error[syntax]: expected a new line before the block's `}`
 --> main.nat.hcl:3:9
  |
2 | b {
3 |   x = 1 }
  |         ^
  |
  = help: only a block with a single attribute may stand on one line
"#);
}

#[test]
fn missing_commas() {
    insta::assert_snapshot!(report("x = [1 2]\ny = {a = 1 b = 2}\nz = foo(1 2)\n"), @r#"
error[syntax]: expected `,` or `]`, found `2`
 --> main.nat.hcl:1:8
  |
1 | x = [1 2]
  |        ^

error[syntax]: expected `,`, a new line or `}` after the value, found `b`
 --> main.nat.hcl:2:12
  |
2 | y = {a = 1 b = 2}
  |            ^

error[syntax]: expected `,` or `)`, found `2`
 --> main.nat.hcl:3:11
  |
3 | z = foo(1 2)
  |           ^
"#);
}

#[test]
fn cut_off_expressions() {
    insta::assert_snapshot!(report("w = a ? b\nv = 1 +\nu = a.\nt = [for a b : c]\ns = {for a in b : a}\n"), @r#"
error[syntax]: expected `:`, found the end of the expression
 --> main.nat.hcl:1:10
  |
1 | w = a ? b
  |          ^

error[syntax]: expected an operand after `+`, found the end of the expression
 --> main.nat.hcl:2:7
  |
2 | v = 1 +
  |       ^

error[syntax]: expected a name after `.`, found the end of the line
 --> main.nat.hcl:3:6
  |
3 | u = a.
  |      ^
  |
  = help: an expression goes on over the line's end inside parentheses

error[syntax]: expected `in`, found `b`
 --> main.nat.hcl:4:12
  |
4 | t = [for a b : c]
  |            ^

error[syntax]: expected `=>`, found `}`
 --> main.nat.hcl:5:20
  |
5 | s = {for a in b : a}
  |                    ^
"#);
}

#[test]
fn escapes_and_keys() {
    insta::assert_snapshot!(report("x = \"a\\qb\"\ny = {a = 1, a = 2}\nz = {a.b = 1}\n"), @r#"
error[invalid-escape]: unknown escape `\q` in a string
 --> main.nat.hcl:1:7
  |
1 | x = "a\qb"
  |       ^^
  |
  = help: known are `\n`, `\r`, `\t`, `\"`, `\\`, `\uNNNN` and `\UNNNNNNNN`; write `\\` for a
          backslash

error[duplicate-key]: object has the key `a` twice
 --> main.nat.hcl:2:13
  |
2 | y = {a = 1, a = 2}
  |             ^
  |
  = help: remove one of them

error[ambiguous-key]: object key may be a text or a reference
 --> main.nat.hcl:3:6
  |
3 | z = {a.b = 1}
  |      ^^^
  |
  = help: write `(a.b)` for a reference or `"a.b"` for a text
"#);
}

#[test]
fn unterminated_heredoc() {
    insta::assert_snapshot!(report("x = <<EOT\nabc\n"), @r#"
error[unterminated-heredoc]: heredoc is not closed
 --> main.nat.hcl:1:5
  |
1 | x = <<EOT
  |     ^^^^^ starts here
  |
  = help: end it with a line that holds only `EOT`
"#);
}

#[test]
fn words_for_operators() {
    insta::assert_snapshot!(report("x = a and b\ny = a = b\n"), @r#"
error[syntax]: there is no operator `and`
 --> main.nat.hcl:1:7
  |
1 | x = a and b
  |       ^^^
  |
help: write `&&`
  |
1 - x = a and b
1 + x = a && b
  |

error[syntax]: unexpected `=` in an expression
 --> main.nat.hcl:2:7
  |
2 | y = a = b
  |       ^
  |
  = help: write `==` to compare
"#);
}

#[test]
fn strays() {
    insta::assert_snapshot!(report("= 3\n}\n"), @r#"
error[syntax]: expected an attribute or a block, found `=`
 --> main.nat.hcl:1:1
  |
1 | = 3
  | ^

error[syntax]: `}` closes nothing
 --> main.nat.hcl:2:1
  |
2 | }
  | ^
  |
  = help: remove it, or add what it should close
"#);
}

#[test]
fn deep_nesting() {
    insta::assert_snapshot!(report(&format!("x = {}1{}\n", "[".repeat(70), "]".repeat(70))), @r#"
error[too-deep]: expression is nested too deeply
 --> main.nat.hcl:1:70
  |
1 | x = [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]...
  |                                                                      ^
  |
  = At most 64 levels are read.
  = help: give parts of it a name in a `locals` block
"#);
}

#[test]
fn long_chain() {
    insta::assert_snapshot!(report(&format!("x = 1{}\n", " + 1".repeat(130))), @r#"
error[too-deep]: expression has too many operators in a row
 --> main.nat.hcl:1:519
  |
1 | ...1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1
  |                                                          ^
  |
  = At most 128 are read.
  = help: use `join`, `sum`, `alltrue` or `anytrue` over a list
"#);
}

#[test]
fn end_of_file() {
    insta::assert_snapshot!(report("x = foo(1,\n"), @r#"
error[unclosed]: `(` is not closed
 --> main.nat.hcl:1:8
  |
1 | x = foo(1,
  |        ^ opened here
  |
  = help: add the missing `)`
"#);
}

#[test]
fn bracket_mismatch() {
    insta::assert_snapshot!(report("a {\n  x = foo([1, 2)\n}\n"), @r#"
error[unclosed]: `[` is not closed
 --> main.nat.hcl:2:11
  |
1 | a {
2 |   x = foo([1, 2)
  |           ^    - expected `]` before this
  |           |
  |           opened here
  |
  = help: add the missing `]`
"#);
}

#[test]
fn quotes_of_word_processors() {
    insta::assert_snapshot!(report("x = \u{201c}abc\u{201d}\n"), @r#"
error[syntax]: `“` is no quotation mark here
 --> main.nat.hcl:1:5
  |
1 | x = “abc”
  |     ^^^^^
  |
help: write `"abc"`
  |
1 - x = “abc”
1 + x = "abc"
  |
"#);
}

#[test]
fn newline_in_label() {
    insta::assert_snapshot!(report("a \"b\n\" {\n}\n"), @r#"
error[unterminated-string]: quoted string runs over the end of its line
 --> main.nat.hcl:1:3
  |
1 | a "b
  |   ^^
  |
  = help: close it with `"`; for several lines write `\n` or use a heredoc (`<<-EOT`)
"#);
}

#[test]
fn inside_directives_of_strings() {
    insta::assert_snapshot!(report("x = \"%{ if a }\\q\"b%{ endif }\"\n"), @r#"
    error[invalid-escape]: unknown escape `\q` in a string
     --> main.nat.hcl:1:15
      |
    1 | x = "%{ if a }\q"b%{ endif }"
      |               ^^
      |
      = help: known are `\n`, `\r`, `\t`, `\"`, `\\`, `\uNNNN` and `\UNNNNNNNN`; write `\\` for a
              backslash

    error[syntax]: string ends inside a template directive
     --> main.nat.hcl:1:17
      |
    1 | x = "%{ if a }\q"b%{ endif }"
      |                 ^
      |
      = help: write `\"` for a quotation mark, or end the directive before
    "#);
}

/// An end word on a line of its own ends the heredoc, whatever is open in it.
#[test]
fn a_heredoc_that_ends_inside_a_directive() {
    let text = "a {\n  x = <<EOT\n%{ for i in l }\nEOT\n%{ endfor }\nEOT\n}\n\nb {\n  y = 2 +\n}\n";
    insta::assert_snapshot!(report(text), @r#"
error[unclosed]: `%{ for }` has no `%{ endfor }`
 --> main.nat.hcl:3:1
  |
3 | %{ for i in l }
  | ^^^^^^^^^^^^^^^ opened here
4 | EOT
  | --- the heredoc ends here
  |
  = help: add `%{ endfor }` before this line, or end the heredoc with another word

error[syntax]: expected an operand after `+`, found the end of the expression
  --> main.nat.hcl:10:9
   |
 9 | b {
10 |   y = 2 +
   |         ^
"#);
}

#[test]
fn heredocs_end_where_their_word_stands_alone() {
    let unclosed = [
        "a = <<EOT\n%{ if b }\nEOT\n%{ endif }\nEOT\n",
        "a = <<-EOT\n  %{ if b }\n  EOT\n  %{ endif }\n  EOT\n",
        "a = <<EOT\r\n%{ if b }\r\nEOT\r\n%{ endif }\r\nEOT\r\n",
        "a = <<EOT\n%{ if b }x%{ else }\nEOT\n%{ endif }\nEOT\n",
        "a = <<EOT\n${ <<EOT\n%{ if b }\nEOT\n}\n%{ endif }\nEOT\n",
        "a = [<<EOT\n%{ for x in b }\nEOT\n, <<EOT\n%{ endfor }\nEOT\n]\n",
    ];
    for text in unclosed {
        let shown = report(text);
        assert_eq!(shown.matches("error[").count(), 1, "{text}{shown}");
        assert!(shown.contains("error[unclosed]: `%{ "), "{text}{shown}");
    }
    for text in ["f(<<EOT\nx\nEOT)", "[<<EOT\nx\nEOT, 1]", "<<EOT\nx\nEOT # y"] {
        let shown = report(&format!("a = {text}\n"));
        assert_eq!(shown.matches("error[").count(), 1, "{text}{shown}");
        assert!(shown.contains("end it with a line that holds only `EOT`"), "{text}{shown}");
    }
}

/// A line that ends with a point, as no parenthesis around it makes it go on.
#[test]
fn a_point_at_the_end_of_a_line() {
    insta::assert_snapshot!(report("a {\n  x = b.c. # d\n  e[0]\n  f = (g.\n  h)\n}\n"), @r#"
error[syntax]: expected a name after `.`, found the end of the line
 --> main.nat.hcl:2:10
  |
1 | a {
2 |   x = b.c. # d
  |          ^
  |
  = help: an expression goes on over the line's end inside parentheses
"#);
}

#[test]
fn a_list_that_begins_with_for_is_a_loop() {
    for text in ["[for> 0]", "[for]", "[for, 1]", "[for.x]", "[ /* c */ for(1)]"] {
        let said = report(&format!("locals {{\n  a = {text}\n}}\n"));
        assert_eq!(said.matches("error[").count(), 1, "{text}: {said}");
        assert!(said.contains("`for` is not followed by the name of a variable"), "{said}");
    }
    let fine = report("locals {\n  a = [forx, for_, [for x in [1] : x], x.for]\n}\n");
    assert!(!fine.contains("error["), "{fine}");
}

/// A string that begins on an earlier line than the quote that has no end.
#[test]
fn a_label_within_a_string_over_lines() {
    for text in ["\"${a {\n}\n}}content {\n", "\"${\n\n}x {\n", "x \"${\n}{\n", "a \"b {\n}\n"] {
        assert!(report(text).contains("error["), "{text}");
    }
}
