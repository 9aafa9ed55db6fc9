use insta::assert_snapshot;

use super::*;

#[test]
fn arguments_are_converted_to_the_types_of_the_schema() {
    let case = Case::new(
        r#"
        locals { port = 443 }
        resource "nat_gateway" "main" {
          vpc_id = "vpc-1"
          name   = null
          spec   = "${local.port}"
          package { bandwidth = "5" }
          dynamic "package" {
            for_each = { b = 7 }
            content { bandwidth = package.value }
          }
        }
        resource "forward_entry" "web" {
          forward_table_id = nat_gateway.main.forward_table_id
          external_port    = local.port
          internal_ips     = ["b", "a", "b"]
        }
        "#,
    );
    assert_snapshot!(case.instance("nat_gateway.main"), @"");
    assert_snapshot!(case.instance("forward_entry.web"), @"");
}

#[test]
fn mistakes_are_reported_with_the_instance() {
    let case = Case::new(
        r#"
        locals { broken = [1][5] }
        resource "nat_gateway" "main" {
          vpc_id = ["a"]
          name   = local.broken
          spec   = "x${local.broken}"
          package { bandwidth = 1.5 }
        }
        resource "nat_gateway" "empty" {
          vpc_id = null
        }
        "#,
    );
    assert_snapshot!(case.instance("nat_gateway.main"), @"");
    assert_snapshot!(case.instance("nat_gateway.empty"), @"");
    let (configured, diagnostics) =
        case.program.instance(&"nat_gateway.empty".parse().unwrap(), &case.objects);
    assert_eq!(diagnostics.iter().next().unwrap().address.as_deref(), Some("nat_gateway.empty"));
    assert!(configured.span.is_some());
    assert!(configured.spans.contains_key("vpc_id"));
}

#[test]
fn references_see_the_objects_known_so_far() {
    let mut case = Case::new(
        r#"
        resource "nat_gateway" "main" { vpc_id = "v" }
        locals { table = nat_gateway.main.forward_table_id }
        resource "forward_entry" "web" {
          forward_table_id = local.table
          external_port    = nat_gateway.main.name
        }
        output "table" { value = local.table }
        output "all" { value = nat_gateway.main }
        "#,
    );
    assert_snapshot!(case.instance("forward_entry.web"), @"");
    case.set("nat_gateway.main", &[("forward_table_id", Value::from("ftb-1"))]);
    assert_snapshot!(case.instance("forward_entry.web"), @"");
    assert_snapshot!(case.outputs(), @"");
    case.set("nat_gateway.main", &[("forward_table_id", Value::from("ftb-2"))]);
    assert_snapshot!(case.instance("forward_entry.web"), @"");
}

#[test]
fn unknown_values_keep_their_origin() {
    let case = Case::new(
        r#"
        resource "nat_gateway" "g" {
          for_each = toset(["a"])
          vpc_id   = each.key
        }
        resource "forward_entry" "web" {
          forward_table_id = nat_gateway.g["a"].forward_table_id
          external_port    = nat_gateway.g["a"].ip_lists[0].ip_address
        }
        output "mixed" { value = { for k, g in nat_gateway.g : k => g.id } }
        "#,
    );
    assert_snapshot!(case.instance("forward_entry.web"), @"");
    assert_snapshot!(case.outputs(), @"");
}

#[test]
fn sensitive_values_must_be_declared_in_outputs() {
    let case = Case::with(
        &[(
            "cfg/main.nat.hcl",
            r#"
            variable "secret" { sensitive = true }
            locals { s = "x-${var.secret}" }
            output "shown" { value = { a = local.s } }
            output "hidden" {
              value     = local.s
              sensitive = true
            }
            resource "nat_gateway" "main" { vpc_id = local.s }
            "#,
        )],
        &[("secret", Value::from("s3cret").with_sensitive(true))],
    );
    assert_snapshot!(case.outputs(), @"");
    assert_snapshot!(case.instance("nat_gateway.main"), @"");
}

#[test]
fn conditions_are_checked_as_soon_as_they_are_known() {
    let mut case = Case::with(
        &[(
            "cfg/main.nat.hcl",
            r#"
            variable "port" {
              validation {
                condition     = var.port > 0 && var.port < 65536
                error_message = "The port ${var.port} is out of range."
              }
            }
            resource "nat_gateway" "main" {
              vpc_id = "v"
              lifecycle {
                prevent_destroy = var.port > 5
                precondition {
                  condition     = var.port == 1
                  error_message = "Port must be 1."
                }
                postcondition {
                  condition     = self.id == "good"
                  error_message = "Got ${self.id}."
                }
              }
            }
            output "o" {
              value = 1
              precondition {
                condition     = nat_gateway.main.id == "good"
                error_message = "Gateway is not good."
              }
            }
            "#,
        )],
        &[("port", Value::from(70_000_i64))],
    );
    assert_snapshot!(case.said(), @"");
    assert_snapshot!(case.instance("nat_gateway.main"), @"");
    let address: Address = "nat_gateway.main".parse().unwrap();
    let object = |id: &str| [("id".into(), Value::from(id))].into_iter().collect::<Object>();
    let post = |object: Object| {
        let found = case.program.postconditions(&address, &object, &case.objects);
        case.write(&found)
    };
    assert_eq!(post(object("good")), "");
    assert_eq!(
        post(unknown_object(&address, case.program.block(&address.resource).unwrap().schema)),
        ""
    );
    assert_snapshot!(post(object("bad")), @"");
    assert!(case.program.prevent_destroy(&address).0);
    assert_snapshot!(case.outputs(), @"");
    case.set("nat_gateway.main", &[("id", Value::from("bad"))]);
    assert_snapshot!(case.outputs(), @"");
}

#[test]
fn dynamic_blocks_follow_their_collections() {
    let case = Case::new(
        r#"
        resource "nat_gateway" "source" { vpc_id = "v" }
        resource "nat_gateway" "list" {
          vpc_id = "v"
          dynamic "package" {
            for_each = [10, 20]
            iterator = it
            content { bandwidth = it.value + it.key }
          }
        }
        resource "nat_gateway" "none" {
          vpc_id = "v"
          dynamic "package" {
            for_each = []
            content { bandwidth = package.value }
          }
        }
        resource "nat_gateway" "unknown" {
          vpc_id = "v"
          dynamic "package" {
            for_each = nat_gateway.source.ip_lists
            content { bandwidth = package.key }
          }
        }
        resource "nat_gateway" "many" {
          vpc_id = "v"
          dynamic "package" {
            for_each = [1, 2, 3]
            content { bandwidth = package.value }
          }
        }
        resource "nat_gateway" "wrong" {
          vpc_id = "v"
          dynamic "package" {
            for_each = "text"
            content { bandwidth = package.value }
          }
        }
        "#,
    );
    assert_snapshot!(case.instance("nat_gateway.list"), @"");
    assert_snapshot!(case.instance("nat_gateway.none"), @"");
    assert_snapshot!(case.instance("nat_gateway.unknown"), @"");
    assert_snapshot!(case.instance("nat_gateway.many"), @"");
    assert_snapshot!(case.instance("nat_gateway.wrong"), @"");
}

#[test]
fn providers_are_evaluated_from_variables() {
    let case = Case::with(
        &[(
            "cfg/main.nat.hcl",
            r#"
            variable "region" {}
            variable "key" {}
            provider "alicloud" {
              region                  = var.region
              endpoint                = "  "
              max_requests_per_second = "2.5"
              profile                 = null
              quotas { forward_entries_per_table = 200 }
            }
            provider "alicloud" {
              alias                   = "other"
              access_key_id           = ["x"]
              region                  = var.key
              max_requests_per_second = 0
              quotas { forward_entries_per_table = -1 }
            }
            "#,
        )],
        &[("region", Value::from("cn-qingdao"))],
    );
    let (settings, diagnostics) = case.program.provider("");
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    assert_eq!(settings.region.as_deref(), Some("cn-qingdao"));
    assert_eq!((settings.endpoint, settings.profile), (None, None));
    assert_eq!(settings.max_requests_per_second, Some(2.5));
    assert_eq!(settings.quotas["forward_entries_per_table"], 200);
    let (_, diagnostics) = case.program.provider("other");
    assert_snapshot!(case.write(&diagnostics), @"");
    let (none, diagnostics) = case.program.provider("none");
    assert!(none.span.is_none() && diagnostics.is_empty());
}

#[test]
fn what_nothing_uses_is_evaluated_for_its_mistakes() {
    let case = Case::new("locals {\n  good = 1\n  bad  = [1][2]\n  same = local.bad\n}");
    let found = case.program.remaining(&case.objects);
    assert_snapshot!(case.write(&found), @"");
}

#[test]
fn long_chains_of_local_values_need_no_deep_stack() {
    use std::fmt::Write;
    let mut text = String::from("locals {\n  l0 = 1\n");
    for i in 1..3000 {
        writeln!(text, "  l{i} = local.l{} + 1", i - 1).unwrap();
    }
    text.push_str("}\noutput \"last\" { value = local.l2999 }\n");
    assert_eq!(Case::new(&text).outputs(), "last = 3000\n");
}
