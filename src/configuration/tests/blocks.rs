use insta::assert_snapshot;

use super::*;
use crate::address::Mode;

#[test]
fn a_whole_configuration_is_accepted() {
    let configuration = accepts(
        r#"
        natform {
          required_version = ">= 0.1, < 2"
          backend "sqlite" { path = "natform.db" }
        }
        provider "alicloud" {
          region = var.region
          quotas { forward_entries_per_table = 200 }
        }
        provider "alicloud" {
          alias    = "other"
          endpoint = "emulator"
        }
        variable "region" {
          type        = string
          default     = "cn-hangzhou"
          description = "where"
          nullable    = false
          validation {
            condition     = length(var.region) > 3
            error_message = "${var.region} is too short."
          }
        }
        variable "ports" {
          type    = map(object({ port = number, protocol = optional(string, "tcp") }))
          default = { web = { port = 80 } }
        }
        locals { name = "edge" }
        data "nat_gateways" "all" {
          vpc_id = "vpc-1"
          timeouts { read = "30s" }
        }
        resource "nat_gateway" "main" {
          count  = 2
          vpc_id = "vpc-1"
          name   = "${local.name}-${count.index}"
          provider = alicloud.other
          package { bandwidth = 5 }
          dynamic "package" {
            for_each = [1]
            iterator = it
            content { bandwidth = it.value }
          }
          lifecycle {
            create_before_destroy = true
            prevent_destroy       = true
            ignore_changes        = [name, package]
            postcondition {
              condition     = self.id != ""
              error_message = "no id"
            }
          }
          timeouts {
            create = "10m"
            delete = "1h30m"
          }
        }
        resource "forward_entry" "web" {
          for_each         = var.ports
          forward_table_id = nat_gateway.main[0].forward_table_id
          external_port    = each.value.port
          depends_on       = [data.nat_gateways.all, nat_gateway.main]
          lifecycle {
            ignore_changes       = all
            replace_triggered_by = [nat_gateway.main[0].id]
          }
        }
        output "ids" {
          value     = [for e in forward_entry.web : e.id]
          sensitive = true
        }
        "#,
    );
    let root = &configuration.root;
    assert_eq!(root.settings.state_path.as_ref().unwrap().0, "natform.db");
    assert_eq!(root.providers.keys().map(|k| &**k).collect::<Vec<_>>(), ["", "other"]);
    let gateway = &root.resources[&(Mode::Managed, "nat_gateway".into(), "main".into())];
    assert_eq!(&*gateway.provider, "other");
    assert_eq!(gateway.timeouts["delete"].as_secs(), 5400);
    assert_eq!(gateway.body.attributes.len(), 2, "meta-arguments are taken out");
    assert_eq!(gateway.body.blocks.len(), 2);
    let default = root.variables["ports"].default.as_ref().unwrap();
    assert_eq!(
        crate::value::display(default).replace(['\n', ' '], ""),
        r#"tomap({"web"={"port"=80"protocol"="tcp"}})"#
    );
}

#[test]
fn unknown_words_come_with_the_nearest() {
    assert_snapshot!(said(
        r#"
        resource "nat_gatway" "main" { vpc_id = "v" }
        resource "alicloud_nat_gateway" "main" { vpc_id = "v" }
        resource "nat_gateways" "x" {}
        resource "server" "x" {}
        data "nat_gateway" "x" {}
        resourse "nat_gateway" "a" { vpc_id = "v" }
        nat_gateway "b" { vpc_id = "v" }
        terraform {}
        stray = 1
        moved {
          from = nat_gateway.a
          to   = nat_gateway.b
        }
        "#
    ), @"");
}

#[test]
fn arguments_are_checked_against_the_schema() {
    assert_snapshot!(said(
        r#"
        resource "nat_gateway" "main" {
          nmae    = "x"
          id      = "ngw-1"
          package = { bandwidth = 5 }
          lifecycle = {}
          name { }
          provisioner "local-exec" { }
          pakage { }
        }
        resource "nat_gateway" "blocks" {
          vpc_id = "v"
          package { }
          package { bandwith = 5 }
          package "label" { bandwidth = 5 }
          dynamic "package" {
            content { }
          }
          dynamic "pckage" {
            for_each = []
            content { }
          }
          ip_lists { }
          lifecycle { create_before_destroy = var.x }
          lifecycle { }
        }
        "#
    ), @"");
}

#[test]
fn labels_and_names_are_checked() {
    assert_snapshot!(said(
        r#"
        resource "nat_gateway" { vpc_id = "v" }
        variable "a" "b" {}
        variable "9" {}
        variable {}
        output "count" { value = 1 }
        variable "count" {}
        locals "x" {}
        "#
    ), @"");
}

#[test]
fn duplicates_show_both_places() {
    assert_snapshot!(said_of(&[
        ("cfg/a.nat.hcl", r#"
            variable "a" {}
            locals { x = 1 }
            resource "nat_gateway" "g" { vpc_id = "v" }
            output "o" { value = 1 }
            provider "alicloud" {}
            natform { required_version = ">= 0.1" }
        "#),
        ("cfg/b.nat.hcl", r#"
            variable "a" {}
            locals { x = 2 }
            resource "nat_gateway" "g" { vpc_id = "v" }
            output "o" { value = 1 }
            provider "alicloud" {}
            provider "alicloud" { alias = "" }
            natform { required_version = ">= 0.1" }
        "#),
    ]), @"");
}

#[test]
fn settings_are_checked() {
    assert_snapshot!(said(
        r#"
        natform {
          required_version = "> 99, < 2"
          backend "s3" { bucket = "b" }
          required_providers { }
        }
        provider "aws" {}
        provider "alicloud" {
          alias   = "a b"
          regoin  = "x"
          quotas { forward_entries = 1 }
          quotas { }
        }
        "#
    ), @"");
    assert_snapshot!(said("natform { required_version = \"latest\" }"), @"");
    assert_snapshot!(said("natform { required_version = var.x }"), @"");
}

#[test]
fn meta_arguments_are_checked() {
    assert_snapshot!(said(
        r#"
        resource "nat_gateway" "g" {
          vpc_id     = "v"
          count      = 1
          for_each   = {}
          depends_on = nat_gateway.h
          provider   = "alicloud.other"
          lifecycle {
            ignore_changes = [nmae, forward_table_id, ip_lists[0]]
            prevent_destory = true
            precondition { condition = true }
          }
          timeouts {
            create = "ten minutes"
            read   = "5m"
          }
        }
        resource "nat_gateway" "h" {
          vpc_id     = "v"
          depends_on = ["nat_gateway.g", var.x, nat_gateway.g.id]
          lifecycle {
            ignore_changes       = "all"
            replace_triggered_by = [var.x]
          }
        }
        data "nat_gateways" "d" {
          lifecycle { prevent_destroy = true }
        }
        "#
    ), @"");
}

#[test]
fn type_constraints_are_read() {
    let configuration = accepts(
        r#"
        variable "a" { type = list(object({ a = string, b = optional(set(number)) })) }
        variable "b" { type = tuple([string, map(any)]) }
        variable "c" { type = (bool) }
        variable "d" {}
        "#,
    );
    let ty = |name: &str| configuration.root.variables[name].ty.to_string();
    assert_eq!(ty("a"), "list(object({a=string,b=optional(set(number))}))");
    assert_eq!(ty("b"), "tuple([string,map(any)])");
    assert_eq!(ty("c"), "bool");
    assert_eq!(ty("d"), "any");
}

#[test]
fn wrong_type_constraints_are_explained() {
    assert_snapshot!(said(
        r#"
        variable "a" { type = "string" }
        variable "b" { type = list }
        variable "c" { type = strnig }
        variable "d" { type = lst(string) }
        variable "e" { type = object({ a = optional(string, 1, 2) }) }
        variable "f" { type = map(string, string) }
        variable "g" { type = optional(string) }
        variable "h" { type = { a = string } }
        variable "i" { type = [string] }
        variable "j" { type = 5 }
        variable "k" { type = object([string]) }
        "#
    ), @"");
}

#[test]
fn defaults_must_fit() {
    assert_snapshot!(said(
        r#"
        variable "a" {
          type    = number
          default = "many"
        }
        variable "b" {
          type    = list(object({ port = number }))
          default = [{ port = 1 }, { prt = 2 }]
        }
        variable "c" {
          nullable = false
          default  = null
        }
        variable "d" { default = var.a }
        variable "e" { type = object({ x = optional(number, "n") }) }
        variable "f" {
          type    = string
          defualt = "x"
        }
        "#
    ), @"");
}

#[test]
fn no_attribute_is_called_as_a_meta_argument() {
    let ours = Catalogue::of_natform();
    for schema in ours.managed.iter().chain(&ours.data) {
        for attribute in schema.attributes {
            assert!(!super::super::block::reserved().contains(&attribute.name));
        }
    }
}
