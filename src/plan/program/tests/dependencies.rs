use insta::assert_snapshot;

use super::*;

#[test]
fn blocks_come_after_what_they_need_and_otherwise_by_name() {
    let case = Case::new(
        r#"
        resource "nat_gateway" "z" { vpc_id = "v" }
        resource "nat_gateway" "a" { vpc_id = local.late }
        resource "nat_gateway" "b" { vpc_id = "v" }
        resource "nat_gateway" "c" {
          vpc_id     = "v"
          depends_on = [nat_gateway.z]
        }
        data "nat_gateways" "d" { vpc_id = nat_gateway.a.id }
        locals { late = local.later }
        locals { later = nat_gateway.c.id }
        "#,
    );
    assert_eq!(
        case.order(),
        ["nat_gateway.b", "nat_gateway.z", "nat_gateway.c", "nat_gateway.a", "data.nat_gateways.d"]
    );
    let direct = |name: &str| {
        let list = case.program.dependencies(&name.parse().unwrap());
        list.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(direct("nat_gateway.a"), "nat_gateway.c");
    assert_eq!(direct("nat_gateway.c"), "nat_gateway.z");
    assert_eq!(direct("data.nat_gateways.d"), "nat_gateway.a");
    let explicit = case.program.depends_on(&"nat_gateway.c".parse().unwrap());
    assert_eq!(explicit.len(), 1);
    assert!(case.program.depends_on(&"nat_gateway.a".parse().unwrap()).is_empty());
}

#[test]
fn cycles_are_written_as_paths() {
    let case = Case::new(
        r#"
        locals {
          a = local.b
          b = "${local.c}-x"
          c = local.a
          own = local.own
        }
        resource "nat_gateway" "one" { vpc_id = nat_gateway.two.id }
        resource "nat_gateway" "two" { vpc_id = "v-${local.via}" }
        locals { via = nat_gateway.one.id }
        "#,
    );
    assert_snapshot!(case.said(), @"");
    assert!(case.program.order().is_err());
}

#[test]
fn cycles_through_modules_are_found() {
    let case = Case::with(
        &[
            (
                "cfg/main.nat.hcl",
                r#"
                module "m" {
                  source = "./m"
                  id     = nat_gateway.g.id
                }
                resource "nat_gateway" "g" { vpc_id = module.m.out }
                "#,
            ),
            ("cfg/m/main.nat.hcl", "variable \"id\" {}\noutput \"out\" { value = var.id }"),
        ],
        &[],
    );
    assert_snapshot!(case.said(), @"");
}

#[test]
fn dependencies_are_exact_to_the_instance() {
    let case = Case::new(
        r#"
        resource "nat_gateway" "g" {
          for_each = { a = 1, b = 2 }
          vpc_id   = "v"
        }
        resource "nat_gateway" "other" { vpc_id = "v" }
        resource "nat_gateway" "third" { vpc_id = "v" }
        locals {
          by_key = { for k, g in nat_gateway.g : k => g.id }
          other  = nat_gateway.other.id
        }
        resource "forward_entry" "exact" {
          for_each         = { a = 1 }
          forward_table_id = nat_gateway.g[each.key].forward_table_id
          external_port    = nat_gateway.g[each.key].name
        }
        resource "forward_entry" "whole" {
          forward_table_id = local.by_key["a"]
          external_port    = local.other
          internal_ips     = nat_gateway.g["b"].ip_lists[*].ip_address
          depends_on       = [nat_gateway.third]
        }
        resource "forward_entry" "unknown_key" {
          forward_table_id = nat_gateway.g[nat_gateway.other.name].id
        }
        resource "forward_entry" "guarded" {
          forward_table_id = "f"
          external_port    = false && nat_gateway.other.id == "x"
          internal_ips     = true ? ["x"] : [nat_gateway.g["a"].id]
        }
        "#,
    );
    assert_snapshot!(case.needs("forward_entry.exact[\"a\"]"), @"");
    assert_snapshot!(case.needs("forward_entry.whole"), @"");
    assert_snapshot!(case.needs("forward_entry.unknown_key"), @"");
    assert_snapshot!(case.needs("forward_entry.guarded"), @"");
}

#[test]
fn conditions_and_triggers_count_as_dependencies() {
    let case = Case::new(
        r#"
        resource "nat_gateway" "a" {
          count  = 2
          vpc_id = "v"
        }
        resource "nat_gateway" "b" {
          count  = 2
          vpc_id = "v"
          lifecycle {
            replace_triggered_by = [nat_gateway.a[count.index].ip_lists[0].ip_address]
            postcondition {
              condition     = nat_gateway.a[1 - count.index].name != self.name
              error_message = "same"
            }
          }
        }
        "#,
    );
    assert_snapshot!(case.needs("nat_gateway.b[0]"), @"");
    let address = "nat_gateway.b[1]".parse().unwrap();
    let (triggers, diagnostics) = case.program.triggers(&address, &case.objects);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    assert_eq!(triggers.iter().map(written).collect::<Vec<_>>(), ["nat_gateway.a[1] {ip_lists}"]);
}
