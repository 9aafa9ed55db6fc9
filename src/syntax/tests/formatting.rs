//! The layout that the formatter gives.

use crate::diagnostic::FileId;
use crate::syntax::format;

fn check(before: &str, after: &str) {
    assert_eq!(format(FileId(0), before).unwrap(), after);
    assert_eq!(format(FileId(0), after).unwrap(), after, "formatting is not idempotent");
}

#[test]
fn files_are_laid_out() {
    check(
        r#"# comment
natform {
required_version=">= 0.1"
   backend "sqlite" { path="x.db" }
}
/* block
   comment */
resource nat_gateway edge {
vpc_id="vpc" # trailing
  name    = "edge" // other
   spec="Small"

      tags={a=1,b="x"}
  list=[1,2,
  3,   4
]
 obj = {
a=1
   long_name   =   2   # c1
 "é" = 3 # c2
  (x)="y"
     nested={
   q=[
 {
a=1
},{
b=2
}]
}
}
  lifecycle { 
  ignore_changes=[a,b] 
   }
}
"#,
        r#"# comment
natform {
  required_version = ">= 0.1"
  backend "sqlite" { path = "x.db" }
}
/* block
   comment */
resource "nat_gateway" "edge" {
  vpc_id = "vpc"  # trailing
  name   = "edge" // other
  spec   = "Small"

  tags = { a = 1, b = "x" }
  list = [1, 2,
    3, 4
  ]
  obj = {
    a         = 1
    long_name = 2 # c1
    "é"       = 3 # c2
    (x)       = "y"
    nested = {
      q = [
        {
          a = 1
          }, {
          b = 2
      }]
    }
  }
  lifecycle {
    ignore_changes = [a, b]
  }
}
"#,
    );
}

#[test]
fn expressions_are_spaced() {
    check(
        r#"value="${var.x}"
a = "${var.x}-${var.y}"
 b="${ foo( 1,2 ) }"
  c="${
   var.x
  }"
d = "${a ? b
: c}"
e=-1
f = 1-1
g=d - b*-c
h=!a&&!b||c==d
i= a?b:c
j=[for x in [1,2]:x if x>1]
k={for k,v in m:k=>v...}
l=a [ 0 ] . b . c [ * ] . d
m=foo ( 1 , 2 ... )
n=core :: max ( 1 )
s=(
1+
2)
t = { }
u = [ ]
v="%{ for a in b ~} x %{~ endfor }"
w="${ {a=1}.a }"
x =    "a"   /* inline */   
b1=foo(bar(
1,
2
))
"#,
        r#"value = var.x
a     = "${var.x}-${var.y}"
b     = foo(1, 2)
c     = var.x
d = (a ? b
: c)
e = -1
f = 1 - 1
g = d - b * -c
h = !a && !b || c == d
i = a ? b : c
j = [for x in [1, 2] : x if x > 1]
k = { for k, v in m : k => v... }
l = a[0].b.c[*].d
m = foo(1, 2...)
n = core::max(1)
s = (
  1 +
2)
t = {}
u = []
v = "%{for a in b~} x %{~endfor}"
w = { a = 1 }.a
x = "a" /* inline */
b1 = foo(bar(
  1,
  2
))
"#,
    );
}

#[test]
fn heredocs_keep_their_text() {
    check(
        "a  {\np=<<EOT\n  text ${ a }  %{ if x }y%{ endif }\n b\n   EOT\nq = <<-EOT\n   a\n  EOT\nr=foo(<<A\nx\nA\n,1)\n}\n",
        "a {\n  p = <<EOT\n  text ${a}  %{if x}y%{endif}\n b\n   EOT\n  q = <<-EOT\n   a\n  EOT\n  r = foo(<<A\nx\nA\n  , 1)\n}\n",
    );
}

#[test]
fn line_ends_stay_and_a_byte_order_mark_goes() {
    check("\u{feff}a=1\r\n\r\nb {\r\nc=1 # d\r\n}", "a = 1\r\n\r\nb {\r\n  c = 1 # d\r\n}");
    check("", "");
    check("\n\na=1", "\n\na = 1");
}

#[test]
fn mistakes_are_returned() {
    let diagnostics = format(FileId(0), "a = [").unwrap_err();
    assert!(diagnostics.has_errors());
}

/// Texts before and after, as the best-known formatter of this language lays them out; a tab is shown
/// as `␉`, a carriage return as `␍` and a blank at the end of a line as `␠`.
const VECTORS: &str = include_str!("formatting.txt");

#[test]
fn texts_are_laid_out_as_users_know_it() {
    let plain = |text: &str| text.replace('␉', "\t").replace('␍', "\r").replace('␠', " ");
    let mut count = 0;
    for vector in VECTORS.split_terminator(">>>>\n") {
        let text = vector.strip_prefix("<<<<\n").unwrap();
        let (before, after) = text.split_once("====\n").unwrap();
        check(&plain(before), &plain(after));
        count += 1;
    }
    assert!(count > 90, "only {count} texts");
}

#[test]
fn types_of_variables_are_written_as_today() {
    check(
        "variable \"a\" {\n  type = \"map\" # c\n}\nvariable \"b\" {\n  type = set\n}\n",
        "variable \"a\" {\n  type = map(string) # c\n}\nvariable \"b\" {\n  type = set(any)\n}\n",
    );
    // Only there, and only what was once usual.
    for same in [
        "locals {\n  type = \"string\"\n}\n",
        "x {\n  variable \"a\" {\n    type = \"string\"\n  }\n}\n",
        "variable \"a\" {\n  type = \"number\"\n}\n",
        "variable \"a\" {\n  type = (list)\n}\n",
        "variable \"a\" {\n  default = \"string\"\n}\n",
    ] {
        check(same, same);
    }
}

#[test]
fn a_comment_at_the_end_ends_its_line() {
    for text in ["a = 1 # x", "# x", "/* x */", "a = 1 /* x */"] {
        assert_eq!(format(FileId(0), text).unwrap(), format!("{text}\n"));
    }
}
