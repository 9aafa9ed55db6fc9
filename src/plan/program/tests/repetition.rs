use insta::assert_snapshot;

use super::*;

fn case(repetition: &str) -> Case {
    let text = format!(
        r#"
        variable "secret" {{ sensitive = true }}
        variable "open" {{}}
        resource "nat_gateway" "source" {{
          for_each = {{ b = 1, a = 2 }}
          vpc_id   = each.key
        }}
        resource "nat_gateway" "g" {{
          {repetition}
          vpc_id   = "v"
        }}
        "#
    );
    let secret = Value::from("s").with_sensitive(true);
    Case::with(&[("cfg/main.nat.hcl", &text)], &[("secret", secret)])
}

fn keys(repetition: &str) -> String {
    case(repetition).keys("nat_gateway.g")
}

#[test]
fn keys_come_from_count_and_for_each() {
    assert_eq!(keys(""), "-");
    assert_eq!(keys("count = 0"), "");
    assert_eq!(keys("count = \"2\""), "[0] [1]");
    assert_eq!(keys("count = 11"), "[0] [1] [2] [3] [4] [5] [6] [7] [8] [9] [10]");
    assert_eq!(keys("for_each = { b = 1, a = null }"), r#"["a"] ["b"]"#);
    assert_eq!(keys("for_each = toset([\"y\", \"x\"])"), r#"["x"] ["y"]"#);
    assert_eq!(keys("for_each = nat_gateway.source"), r#"["a"] ["b"]"#);
    assert_eq!(keys("for_each = { for k, g in nat_gateway.source : k => g.id }"), r#"["a"] ["b"]"#);
    assert_eq!(keys("count = length(nat_gateway.source)"), "[0] [1]");
    assert_eq!(keys("for_each = {}"), "");
    assert_eq!(keys("for_each = toset([])"), "");
}

#[test]
fn what_cannot_be_repeated_over_is_explained() {
    assert_snapshot!(keys("count = -1"), @r#"
    error[invalid-count] `count` of `nat_gateway.g` is not usable
      at main.nat.hcl:9 `-1`
      why: It must be a whole number from 0.
"#);
    assert_snapshot!(keys("count = 1.5"), @r#"
    error[invalid-count] `count` of `nat_gateway.g` is not usable
      at main.nat.hcl:9 `1.5`
      why: It must be a whole number from 0.
"#);
    assert_snapshot!(keys("count = null"), @r#"
    error[invalid-count] `count` of `nat_gateway.g` is not usable
      at main.nat.hcl:9 `null`
      why: It is null.
      help: write `0` for no instances
"#);
    assert_snapshot!(keys("count = \"many\""), @r#"
    error[invalid-count] `count` of `nat_gateway.g` is not usable
      at main.nat.hcl:9 `"many"`
      why: A number is required.
"#);
    assert_snapshot!(keys("count = 99999999"), @r#"
    error[invalid-count] `count` of `nat_gateway.g` is not usable
      at main.nat.hcl:9 `99999999`
      why: It is 99999999; at most 1000000 are handled.
"#);
    assert_snapshot!(keys("for_each = [\"a\"]"), @r#"
    error[invalid-for-each] `for_each` of `nat_gateway.g` is not usable
      at main.nat.hcl:9 `["a"]`
      why: It is a tuple.
      help: the order of a list would make the keys: write `toset(…)` for texts, or a map such as `{ for e in … : e.name => e }`
"#);
    assert_snapshot!(keys("for_each = toset([1, 2])"), @r#"
    error[invalid-for-each] `for_each` of `nat_gateway.g` is not usable
      at main.nat.hcl:9 `toset([1, 2])`
      why: It is a set of number; keys are texts.
      help: make texts of the elements: `toset([for e in … : tostring(e)])`
"#);
    assert_snapshot!(keys("for_each = null"), @r#"
    error[invalid-for-each] `for_each` of `nat_gateway.g` is not usable
      at main.nat.hcl:9 `null`
      why: It is null.
      help: write `{}` for no instances
"#);
    assert_snapshot!(keys("for_each = \"a\""), @r#"
    error[invalid-for-each] `for_each` of `nat_gateway.g` is not usable
      at main.nat.hcl:9 `"a"`
      why: It is a string.
      help: give a map, an object or a set of texts
"#);
    assert_snapshot!(keys("for_each = toset([var.secret])"), @r#"
    error[sensitive-repetition] `for_each` of `nat_gateway.g` comes from a sensitive value
      at main.nat.hcl:9 `toset([var.secret])`
      why: Keys and numbers of instances stand in addresses, which are shown.
      help: use another value, or `nonsensitive(…)` if it is no secret
"#);
    assert_snapshot!(keys("count = length(var.secret)"), @r#"
    error[sensitive-repetition] `count` of `nat_gateway.g` comes from a sensitive value
      at main.nat.hcl:9 `length(var.secret)`
      why: Keys and numbers of instances stand in addresses, which are shown.
      help: use another value, or `nonsensitive(…)` if it is no secret
"#);
}

#[test]
fn what_only_apply_knows_cannot_be_repeated_over() {
    assert_snapshot!(keys("for_each = toset([for g in nat_gateway.source : g.id])"), @r#"
    error[unknown-repetition] `for_each` of `nat_gateway.g` is known only after apply
      at main.nat.hcl:9 `toset([for g in nat_gateway.source : g.id])`
      why: The keys and the number of instances stand in addresses, so they must be known when the plan is made. It comes from `nat_gateway.source["a"].id`, `nat_gateway.source["b"].id`.
      help: use a map whose keys stand in the configuration and only whose values are unknown, such as `{ a = nat_gateway.a.id }`; or apply what it needs first: `-target 'nat_gateway.source["a"]'`
"#);
    assert_snapshot!(keys("count = length(nat_gateway.source[\"a\"].ip_lists)"), @r#"
    error[unknown-repetition] `count` of `nat_gateway.g` is known only after apply
      at main.nat.hcl:9 `length(nat_gateway.source["a"].ip_lists)`
      why: The keys and the number of instances stand in addresses, so they must be known when the plan is made. It comes from `nat_gateway.source["a"].ip_lists`.
      help: count something that stands in the configuration, such as `length(var.names)`; or apply what it needs first: `-target 'nat_gateway.source["a"]'`
"#);
    assert_snapshot!(keys("for_each = var.open"), @r#"
    error[unknown-repetition] `for_each` of `nat_gateway.g` is known only after apply
      at main.nat.hcl:9 `var.open`
      why: The keys and the number of instances stand in addresses, so they must be known when the plan is made.
      help: use a map whose keys stand in the configuration and only whose values are unknown, such as `{ a = nat_gateway.a.id }`
"#);
}

#[test]
fn each_instance_has_its_key_and_value() {
    let case = Case::new(
        r#"
        resource "nat_gateway" "count" {
          count  = 2
          vpc_id = "v${count.index}"
        }
        resource "nat_gateway" "each" {
          for_each = { a = { n = 1 }, b = { n = 2 } }
          vpc_id   = each.key
          name     = each.value.n
          spec     = nat_gateway.count[each.value.n - 1].vpc_id
        }
        resource "nat_gateway" "set" {
          for_each = toset(["x"])
          vpc_id   = "${each.key}=${each.value}"
        }
        "#,
    );
    assert_snapshot!(case.instance("nat_gateway.count[1]"), @r#"vpc_id = "v1""#);
    assert_snapshot!(case.instance("nat_gateway.each[\"b\"]"), @r#"
    name = "2"
    spec = <nat_gateway.count[1].vpc_id: string>
    vpc_id = "b"
"#);
    assert_snapshot!(case.instance("nat_gateway.set[\"x\"]"), @r#"vpc_id = "x=x""#);
}

#[test]
fn what_is_never_null_may_decide_how_many_there_are() {
    let case = Case::new(
        r#"
        resource "nat_gateway" "g" { vpc_id = "v" }
        resource "nat_gateway" "id" {
          count  = nat_gateway.g.id == null ? 0 : 1
          vpc_id = "v"
        }
        resource "nat_gateway" "text" {
          for_each = "x-${nat_gateway.g.name}" != null ? toset(["a"]) : toset([])
          vpc_id   = "v"
        }
        "#,
    );
    assert_eq!(case.keys("nat_gateway.id"), "[0]");
    assert_eq!(case.keys("nat_gateway.text"), "[\"a\"]");
}

#[test]
fn missing_instances_are_named() {
    let case = Case::new(
        r#"
        resource "nat_gateway" "count" {
          count  = 2
          vpc_id = "v"
        }
        resource "nat_gateway" "each" {
          for_each = { web = 1 }
          vpc_id   = "v"
        }
        resource "nat_gateway" "user" {
          vpc_id = nat_gateway.count[2].id
          name   = nat_gateway.each["wbe"].id
          spec   = nat_gateway.each[[1]].id
        }
        "#,
    );
    assert_snapshot!(case.instance("nat_gateway.user"), @r#"
    error[missing-instance] `nat_gateway.count` has no instance `[2]`
      at main.nat.hcl:11 `2`
      why: It has 2 instances, `[0]` to `[1]`.
    error[missing-instance] `nat_gateway.each` has no instance `["wbe"]`
      at main.nat.hcl:12 `"wbe"`
      why: It has 1 instance: `["web"]`.
      help: did you mean `["web"]`?
    error[invalid-key] this is no key of an instance of `nat_gateway.each`
      at main.nat.hcl:13 `[1]`
      why: It has `for_each`: a key is a text.
"#);
}

#[test]
fn many_instances_cost_as_much_each_as_few() {
    let case = Case::new(
        r#"
        locals { keys = toset([for i in range(20000) : tostring(i)]) }
        resource "nat_gateway" "g" {
          for_each = local.keys
          vpc_id   = each.key
        }
        resource "forward_entry" "e" {
          for_each         = local.keys
          forward_table_id = nat_gateway.g[each.key].forward_table_id
          external_port    = each.value
        }
        "#,
    );
    let entries: ResourceAddress = "forward_entry.e".parse().unwrap();
    let keys = case.program.expand_resource(&entries, &case.objects).unwrap();
    assert_eq!(keys.len(), 20_000);
    for key in keys.iter() {
        let (configured, diagnostics) =
            case.program.instance(&entries.instance(key.clone()), &case.objects);
        assert!(diagnostics.is_empty());
        assert_eq!(configured.dependencies.len(), 1);
    }
}
