use insta::assert_snapshot;

use super::*;

fn case(repetition: &str) -> Case {
    Case::new(&format!(
        r#"
        variable "secret" {{
          sensitive = true
          default   = "s"
        }}
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
    ))
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
    assert_snapshot!(keys("count = -1"), @"");
    assert_snapshot!(keys("count = 1.5"), @"");
    assert_snapshot!(keys("count = null"), @"");
    assert_snapshot!(keys("count = \"many\""), @"");
    assert_snapshot!(keys("count = 99999999"), @"");
    assert_snapshot!(keys("for_each = [\"a\"]"), @"");
    assert_snapshot!(keys("for_each = toset([1, 2])"), @"");
    assert_snapshot!(keys("for_each = null"), @"");
    assert_snapshot!(keys("for_each = \"a\""), @"");
    assert_snapshot!(keys("for_each = toset([var.secret])"), @"");
    assert_snapshot!(keys("count = length(var.secret)"), @"");
}

#[test]
fn what_only_apply_knows_cannot_be_repeated_over() {
    assert_snapshot!(keys("for_each = toset([for g in nat_gateway.source : g.id])"), @"");
    assert_snapshot!(keys("count = length(nat_gateway.source[\"a\"].ip_lists)"), @"");
    assert_snapshot!(keys("for_each = var.open"), @"");
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
    assert_snapshot!(case.instance("nat_gateway.count[1]"), @"");
    assert_snapshot!(case.instance("nat_gateway.each[\"b\"]"), @"");
    assert_snapshot!(case.instance("nat_gateway.set[\"x\"]"), @"");
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
    assert_snapshot!(case.instance("nat_gateway.user"), @"");
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
