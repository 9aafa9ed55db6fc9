//! What `validate` finds: each mistake once, whatever follows from it, and independent ones together.

use std::path::Path;

use super::*;
use crate::configuration;
use crate::diagnostic::Diagnostic;

const MODULE: &str = "variable \"port\" { type = number }\noutput \"id\" { value = nat_gateway.g.id }\n\
    resource \"nat_gateway\" \"g\" {\n  vpc_id = \"v\"\n  description = \"port ${var.port}\"\n}\n";

/// A gateway with the given lines.
fn gateway(lines: &str) -> String {
    format!("resource \"nat_gateway\" \"b\" {{\n{lines}\n  vpc_id = \"v\"\n}}\n")
}

/// A call of the module with the given lines.
fn call(lines: &str) -> String {
    format!("module \"m\" {{\n  source = \"./m\"\n{lines}\n}}\n")
}

fn output(value: &str) -> String {
    format!("output \"o\" {{ value = {value} }}\n")
}

/// Loads and evaluates as `validate` does and returns the code and help of each mistake.
fn found(text: &str) -> Vec<String> {
    let environment = environment(&[("cfg/main.nat.hcl", text), ("cfg/m/main.nat.hcl", MODULE)]);
    let (configuration, mut diagnostics) = configuration::load(&environment, Path::new("cfg"));
    check_loaded(&Arc::new(configuration), &mut diagnostics, &environment);
    let told = |d: &Diagnostic| format!("{}: {}", d.code, d.help.as_deref().unwrap_or_default());
    diagnostics.iter().map(told).collect()
}

#[test]
fn unknown_attributes_are_found_behind_all_instances() {
    let counted = gateway("  count = 2");
    let keyed = gateway("  for_each = toset([\"x\"])");
    let list = "variable \"l\" { type = list(object({ port = number, idx = string })) }\n";
    let modules = call("  for_each = toset([\"x\"])\n  port = 1");
    let cases = [
        (&*counted, "nat_gateway.b[*].idd", "id"),
        (&counted, "nat_gateway.b.*.idd", "id"),
        (&counted, "[for g in nat_gateway.b : g.idd]", "id"),
        (&counted, "one(nat_gateway.b[*].idd)", "id"),
        (&counted, "one(nat_gateway.b).idd", "id"),
        (&counted, "element(nat_gateway.b, 0).naem", "name"),
        (&keyed, "values(nat_gateway.b)[*].idd", "id"),
        (&keyed, "[for g in nat_gateway.b : g.idd]", "id"),
        (&keyed, "{ for k, g in nat_gateway.b : k => g.id if g.naem != null }", "name"),
        (list, "[for x in var.l : x.prot]", "port"),
        (list, "var.l[*].prot", "port"),
        (&modules, "values(module.m)[*].idd", "id"),
        (&modules, "{ for k, m in module.m : k => m.idd }", "id"),
    ];
    for (declared, value, meant) in cases {
        let text = format!("{declared}{}", output(value));
        let wanted = format!("unsupported-attribute: did you mean `{meant}`?");
        assert_eq!(found(&text), [wanted], "{text}");
    }
    let each = |over: &str| {
        format!(
            "resource \"nat_gateway\" \"c\" {{\n  for_each = {over}\n  vpc_id = each.value.vpcid\n}}\n"
        )
    };
    let wanted = ["unsupported-attribute: did you mean `vpc_id`?"];
    assert_eq!(found(&format!("{keyed}{}", each("nat_gateway.b"))), wanted);
    let variable = "variable \"m\" { type = map(object({ vpc_id = string })) }\n";
    assert_eq!(found(&format!("{variable}{}", each("var.m"))), wanted);
}

#[test]
fn what_may_be_right_is_left_alone() {
    let all = format!(
        "{}{}{}variable \"l\" {{ type = list(string) }}\nvariable \"any\" {{}}\nvariable \"on\" {{ type = bool }}\n",
        gateway("  for_each = toset([\"x\"])"),
        gateway("  count = 2").replace("\"b\"", "\"n\""),
        call("  count = 2\n  port = 1"),
    );
    for value in [
        "try(nat_gateway.b[*].idd, nat_gateway.n[*].idd, 1)",
        "can([for g in nat_gateway.b : g.idd])",
        "var.on ? nat_gateway.b : {}",
        "var.on ? nat_gateway.n : []",
        "var.on ? nat_gateway.n[*].id : []",
        "var.on ? module.m : []",
        "merge(nat_gateway.b, { y = nat_gateway.n[0] })",
        "merge(nat_gateway.b, {}, null)",
        "concat(nat_gateway.n, values(nat_gateway.b))",
        "lookup(nat_gateway.b, \"x\", {})",
        "lookup(nat_gateway.b, \"x\", null)",
        "zipmap(nat_gateway.n[*].id, nat_gateway.n)",
        "toset(concat(nat_gateway.n[*].id, [\"x\"]))",
        "flatten([nat_gateway.n[*].id, [for k, g in nat_gateway.b : [k, g.id]]])",
        "length(nat_gateway.b) + length(nat_gateway.n) + length(module.m)",
        "keys(nat_gateway.b)[0] == \"x\" ? nat_gateway.b[\"x\"].id : one(nat_gateway.n[*]).id",
        "[for x in var.any : x.whatever[0].there.is]",
        "{ for x in var.l : x => upper(x)... }",
        "[for m in module.m : m.id]",
        "[for i, g in nat_gateway.n : \"${i}-${g.id}\" if i > 0]",
        "jsonencode({ for k, g in nat_gateway.b : k => g })",
        "nat_gateway.n[length(nat_gateway.n) - 1].id",
        "sort(nat_gateway.n[*].id)[0]",
        "join(\",\", [for g in values(nat_gateway.b) : g.id])",
        "coalescelist(nat_gateway.n[*].id, [\"none\"])",
    ] {
        let text = format!("{all}{}", output(value));
        assert!(found(&text).is_empty(), "{value}: {:?}", found(&text));
    }
}

#[test]
fn one_mistake_is_told_once() {
    let typed = "variable \"x\" {\n  type = string\n}\n";
    let cases = [
        ("unknown-argument: did you mean `port`?", call("  prot = 1") + &output("module.m.id")),
        (
            "unknown-argument: did you mean `for_each`?",
            call("  for_eech = toset([\"a\"])\n  port = each.key") + &output("module.m[\"a\"].id"),
        ),
        (
            "unknown-attribute: did you mean `for_each`?",
            gateway("  for_eech = toset([\"a\"])\n  name = each.key\n  spec = each.value")
                + &output("nat_gateway.b[\"a\"].id"),
        ),
        (
            "unknown-attribute: did you mean `count`?",
            gateway("  cuont = 2\n  name = \"n${count.index}\"") + &output("nat_gateway.b[0].id"),
        ),
        (
            "unknown-attribute: did you mean `depends_on`?",
            gateway("  depends_no = [nat_gateway.b2]") + &gateway("").replace("\"b\"", "\"b2\""),
        ),
        ("unknown-attribute: did you mean `vpc_id`?", gateway("").replace("vpc_id", "vpcid")),
        (
            "unknown-attribute: did you mean `vswitch_id`?",
            gateway("  nat_type = \"Enhanced\"\n  vswtch_id = \"vsw-1\""),
        ),
        (
            "unknown-block: did you mean `variable`?",
            typed.replace("variable", "varible") + &output("var.x"),
        ),
        ("unknown-block: write `locals`", format!("local {{\n  x = 1\n}}\n{}", output("local.x"))),
        (
            "unknown-block: did you mean `resource`?",
            gateway("").replace("resource", "resorce") + &output("nat_gateway.b.id"),
        ),
        (
            "unknown-block: write `resource \"nat_gateway\" \"name\" { … }`",
            format!("nat_gateway \"b\" {{\n  vpc_id = \"v\"\n}}\n{}", output("nat_gateway.b.id")),
        ),
        (
            "unterminated-string: close it with `\"`: write `\"x\" {`",
            typed.replace("\"x\"", "\"x") + &output("var.x"),
        ),
        (
            "invalid-for-each: the order of a list would make the keys: write `toset(…)` for texts, \
             or a map such as `{ for e in … : e.name => e }`",
            gateway("  for_each = [\"a\"]\n  name = each.value")
                + &output("nat_gateway.b[\"a\"].id"),
        ),
    ];
    for (wanted, text) in cases {
        assert_eq!(found(&text), [wanted], "{text}");
    }
}

#[test]
fn independent_mistakes_are_told_together() {
    let cases = [
        ("locals {\n  bad = upper(1, 2)\n}\n", "[local.bad, nat_gateway.b.idd]"),
        ("", "[local.nope, var.nope]"),
        ("", "[nat_gateway.b.idd, nat_gateway.b.naem]"),
        ("", "uper(local.nope)"),
        ("", "\"${[]}-${{}}\""),
        ("", "[local.nope, {} + 1]"),
        ("locals {\n  bad = -\"a\"\n}\n", "{} + 1"),
    ];
    for (declared, value) in cases {
        let text = format!("{}{declared}{}", gateway(""), output(value));
        assert_eq!(found(&text).len(), 2, "{text}{:?}", found(&text));
    }
}
