use insta::assert_snapshot;

use super::*;

#[test]
fn undeclared_names_are_reported_with_the_nearest() {
    assert_snapshot!(said(
        r#"
        variable "region" {}
        locals {
          port = 1
          a    = var.regoin
          b    = local.prot
          c    = var.port
          d    = local.region
          e    = var.unknown
          f    = port
          g    = foo
          h    = nat_gatway.main.id
          i    = nat_gateway.mian.id
          j    = data.nat_gateway.main.ids
          k    = nat_gateway.main.idd
          l    = nat_gateway.main.ip_lists[0].ip_addres
          m    = nat_gateway.main.ip_lists.ip_address
          n    = var
          o    = nat_gateway
          p    = forward_entry.web.id
          q    = terraform.workspace
          r    = path.modul
          s    = server.main.id
        }
        resource "nat_gateway" "main" { vpc_id = "v" }
        "#
    ), @"");
}

#[test]
fn references_fit_the_repetition() {
    assert_snapshot!(said(
        r#"
        resource "nat_gateway" "one" { vpc_id = count.index }
        resource "nat_gateway" "some" {
          count  = count.index
          vpc_id = each.key
          name   = count.indx
        }
        resource "nat_gateway" "each" {
          for_each = toset(["a"])
          vpc_id   = each.ky
          name     = nat_gateway.one[0].id
          spec     = nat_gateway.some.id
        }
        resource "forward_entry" "e" {
          forward_table_id = nat_gateway.each.id
          external_port    = nat_gateway.some["a"].id
          internal_ips     = [self.id, forward_entry.e.id, each.key]
        }
        output "o" { value = [each.key, nat_gateway.each["a"].id, nat_gateway.some[*].id] }
        "#
    ), @"");
}

#[test]
fn early_places_know_no_objects() {
    assert_snapshot!(said(
        r#"
        provider "alicloud" { region = nat_gateway.main.name }
        variable "v" {
          validation {
            condition     = nat_gateway.main.id == var.v
            error_message = "no"
          }
        }
        resource "nat_gateway" "main" {
          vpc_id = "v"
          lifecycle { prevent_destroy = data.nat_gateways.x.ids }
        }
        data "nat_gateways" "x" {}
        "#
    ), @"");
}

#[test]
fn what_could_not_be_read_is_not_reported_again() {
    assert_snapshot!(said(
        r#"
        resource "nat_gatway" "main" {}
        variable "a" "b" { }
        locals {
          x { }
          y = [nat_gatway.main.id, var.a, local.x]
        }
        "#
    ), @"");
}

#[test]
fn dynamic_blocks_bind_their_iterators() {
    assert_snapshot!(said(
        r#"
        resource "nat_gateway" "main" {
          vpc_id = package.value
          dynamic "package" {
            for_each = [package.value]
            content { bandwidth = package.valu }
          }
        }
        "#
    ), @"");
}
