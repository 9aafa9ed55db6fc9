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
    assert_eq!(gateway.timeouts.blocks.len(), 1);
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
        "#
    ), @r#"
    error[unknown-type] there is no resource type `nat_gatway`
      at main.nat.hcl:2 `"nat_gatway"`
      help: did you mean `nat_gateway`?
      fix: `"nat_gatway"` → `"nat_gateway"`
    error[unknown-type] there is no resource type `alicloud_nat_gateway`
      at main.nat.hcl:3 `"alicloud_nat_gateway"`
      why: The name is one of Terraform's provider. Here types are called as the service calls its objects, and arguments as its parameters; ids of objects that natform does not manage are given as values.
      help: did you mean `nat_gateway`?
      fix: `"alicloud_nat_gateway"` → `"nat_gateway"`
    error[unknown-type] there is no resource type `nat_gateways`
      at main.nat.hcl:4 `"nat_gateways"`
      help: did you mean `nat_gateway`?
      fix: `"nat_gateways"` → `"nat_gateway"`
    error[unknown-type] there is no resource type `server`
      at main.nat.hcl:5 `"server"`
      help: the resource types are `forward_entry` and `nat_gateway`
    error[unknown-type] there is no data source `nat_gateway`
      at main.nat.hcl:6 `"nat_gateway"`
      help: did you mean `nat_gateways`?
      fix: `"nat_gateway"` → `"nat_gateways"`
    error[unknown-block] there is no block `resourse`
      at main.nat.hcl:7 `resourse`
      help: did you mean `resource`?
      fix: `resourse` → `resource`
    error[unknown-block] there is no block `nat_gateway`
      at main.nat.hcl:8 `nat_gateway`
      help: write `resource "nat_gateway" "name" { … }`
      fix: `nat_gateway` → `resource "nat_gateway"`
    error[unknown-block] there is no block `terraform`
      at main.nat.hcl:9 `terraform`
      help: settings stand in `natform { … }`
      fix: `terraform` → `natform`
    error[unknown-argument] `stray = …` stands in no block
      at main.nat.hcl:10 `stray`
      help: put it into a block; values of variables belong into `natform.natvars`, names for values into `locals`
"#);
}

#[test]
fn time_limits_may_be_dynamic_and_a_lifecycle_may_not() {
    assert_snapshot!(said(
        r#"
        variable "limits" { type = map(string) }
        resource "nat_gateway" "main" {
          vpc_id = "v"
          dynamic "timeouts" {
            for_each = [var.limits]
            content {
              create = timeouts.value.create
              delete = "soon"
              read   = "1m"
              update = nat_gateway.other.name
            }
          }
          dynamic "lifecycle" {
            for_each = []
            content { }
          }
          dynamic "package" {
            for_each = []
            iterator = "it"
            content { bandwidth = it.value }
          }
        }
        "#
    ), @r#"
    error[invalid-duration] `soon` is not a length of time
      at main.nat.hcl:9 `"soon"`
      help: write hours, minutes and seconds, such as `"1h30m"` or `"90s"`
    error[unknown-argument] the `timeouts` block has no argument `read`
      at main.nat.hcl:10 `read`
      help: its arguments are `create`, `delete` and `update`
    error[invalid-reference] objects cannot be used here
      at main.nat.hcl:11 `nat_gateway.other.name`
      why: It is evaluated early: how long something may take must be known beforehand.
      help: use variables and local values that come from variables
    error[invalid-argument] `lifecycle` cannot be a `dynamic` block
      at main.nat.hcl:14 `"lifecycle"`
      help: write `lifecycle { … }`
    error[invalid-argument] `iterator` must be a bare word
      at main.nat.hcl:20 `"it"`
      help: write `iterator = item`
    "#);
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
    ), @r#"
    error[missing-argument] `nat_gateway` lacks the argument `vpc_id`
      at main.nat.hcl:2 `resource "nat_gateway" "main"`
      why: What it is.
      help: add `vpc_id = …`
    error[unknown-attribute] `nat_gateway` has no argument `nmae`
      at main.nat.hcl:3 `nmae`
      help: did you mean `name`?
      fix: `nmae` → `name`
    error[read-only-attribute] `id` of `nat_gateway` cannot be set
      at main.nat.hcl:4 `id`
      why: The service chooses it. What it is.
      help: remove this line; other blocks may refer to its value
    error[unknown-attribute] `nat_gateway` has no argument `package`
      at main.nat.hcl:5 `package`
      help: `package` is a block: write `package { … }` without `=`
    error[unknown-attribute] `nat_gateway` has no argument `lifecycle`
      at main.nat.hcl:6 `lifecycle`
      help: `lifecycle` is a block: write `lifecycle { … }` without `=`
    error[unknown-block] `nat_gateway` has no block `name`
      at main.nat.hcl:7 `name`
      help: `name` is an argument: write `name = …`
    error[unknown-block] `nat_gateway` has no block `provisioner`
      at main.nat.hcl:8 `provisioner`
      help: natform runs no commands: remove the block
    error[unknown-block] `nat_gateway` has no block `pakage`
      at main.nat.hcl:9 `pakage`
      help: did you mean `package`?
      fix: `pakage` → `package`
    error[missing-argument] the `package` block lacks the argument `bandwidth`
      at main.nat.hcl:13 `package`
      help: add `bandwidth = …`
    error[unknown-argument] the `package` block has no argument `bandwith`
      at main.nat.hcl:14 `bandwith`
      help: did you mean `bandwidth`?
      fix: `bandwith` → `bandwidth`
    error[too-many-blocks] too many `package` blocks
      at main.nat.hcl:15 `package "label"`
      see main.nat.hcl:13 `package` the first one is here
      why: `nat_gateway` takes at most 2.
    error[wrong-labels] too many labels on the `package` block
      at main.nat.hcl:15 `"label"`
      help: write `package { … }`
    error[missing-argument] the `dynamic` block lacks the argument `for_each`
      at main.nat.hcl:16 `dynamic "package"`
      help: add `for_each = …`
    error[missing-argument] the `package` block lacks the argument `bandwidth`
      at main.nat.hcl:17 `content`
      help: add `bandwidth = …`
    error[unknown-block] `nat_gateway` has no block `pckage`
      at main.nat.hcl:19 `"pckage"`
      help: did you mean `package`?
      fix: `"pckage"` → `"package"`
    error[unknown-block] `nat_gateway` has no block `ip_lists`
      at main.nat.hcl:23 `ip_lists`
      help: `ip_lists` is an argument: write `ip_lists = [{ … }]`
    error[not-constant] `create_before_destroy` must be `true` or `false`
      at main.nat.hcl:24 `var.x`
      why: It is read before anything is evaluated.
    error[duplicate-block] second `lifecycle` block
      at main.nat.hcl:25 `lifecycle`
      see main.nat.hcl:24 `lifecycle` the first one is here
      help: put both into one block
"#);
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
    ), @r#"
    error[wrong-labels] `resource` block lacks the label `name`
      at main.nat.hcl:2 `resource "nat_gateway"`
      help: write `resource "type" "name" { … }`
    error[wrong-labels] too many labels on the `variable` block
      at main.nat.hcl:3 `"b"`
      help: write `variable "name" { … }`
    error[invalid-name] `9` is not a name
      at main.nat.hcl:4 `"9"`
      help: a name starts with a letter or `_` and holds letters, digits, `_` and `-`
    error[wrong-labels] `variable` block lacks the label `name`
      at main.nat.hcl:5 `variable`
      help: write `variable "name" { … }`
    error[reserved-name] a variable may not be called `count`
      at main.nat.hcl:7 `"count"`
      why: `module` blocks have an argument of that name.
    error[wrong-labels] too many labels on the `locals` block
      at main.nat.hcl:8 `"x"`
      help: write `locals { … }`
"#);
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
    ]), @r#"
    error[duplicate-block] the variable `a` is declared twice
      at b.nat.hcl:2 `variable "a"`
      see a.nat.hcl:2 `variable "a"` the first one is here
      help: rename one of them, or remove it
    error[duplicate-block] `local.x` is declared twice
      at b.nat.hcl:3 `x`
      see a.nat.hcl:3 `x` the first one is here
      help: rename one of them, or remove it
    error[duplicate-block] `nat_gateway.g` is declared twice
      at b.nat.hcl:4 `resource "nat_gateway" "g"`
      see a.nat.hcl:4 `resource "nat_gateway" "g"` the first one is here
      help: rename one of them, or remove it
    error[duplicate-block] the output `o` is declared twice
      at b.nat.hcl:5 `output "o"`
      see a.nat.hcl:5 `output "o"` the first one is here
      help: rename one of them, or remove it
    error[duplicate-block] the provider without alias is declared twice
      at b.nat.hcl:6 `provider "alicloud"`
      see a.nat.hcl:6 `provider "alicloud"` the first one is here
      help: rename one of them, or remove it
    error[duplicate-block] the provider without alias is declared twice
      at b.nat.hcl:7 `provider "alicloud"`
      see a.nat.hcl:6 `provider "alicloud"` the first one is here
      help: rename one of them, or remove it
    error[invalid-name] `` is not a name
      at b.nat.hcl:7 `""`
      help: a name starts with a letter or `_` and holds letters, digits, `_` and `-`
    error[duplicate-block] `required_version` is given twice
      at b.nat.hcl:8 `">= 0.1"`
      see a.nat.hcl:7 `">= 0.1"` the first one is here
"#);
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
    ), @r#"
    error[version-not-allowed] this configuration is not for natform 0.1.0
      at main.nat.hcl:3 `"> 99, < 2"`
      why: It requires `> 99, < 2`.
      help: run a version of natform that it allows, or change the constraint
    error[unknown-backend] there is no backend `s3`
      at main.nat.hcl:4 `"s3"`
      help: write `backend "sqlite" { path = "natform.db" }`
    error[unknown-block] the `natform` block has no block `required_providers`
      at main.nat.hcl:5 `required_providers`
      help: its blocks are `backend`
    error[unknown-provider] there is no provider `aws`
      at main.nat.hcl:7 `"aws"`
      help: natform has one provider: `alicloud`
    error[invalid-name] `a b` is not a name
      at main.nat.hcl:9 `"a b"`
      help: a name starts with a letter or `_` and holds letters, digits, `_` and `-`
    error[unknown-argument] `provider "alicloud"` has no argument `regoin`
      at main.nat.hcl:10 `regoin`
      help: did you mean `region`?
      fix: `regoin` → `region`
    error[unknown-argument] the `quotas` block has no argument `forward_entries`
      at main.nat.hcl:11 `forward_entries`
      help: its arguments are `forward_entries_per_table`
    error[duplicate-block] second `quotas` block
      at main.nat.hcl:12 `quotas`
      see main.nat.hcl:11 `quotas` the first one is here
      why: A `provider "alicloud"` takes one.
"#);
    assert_snapshot!(said("natform { required_version = \"latest\" }"), @r#"
    error[invalid-version] `required_version` cannot be read
      at main.nat.hcl:1 `"latest"`
      why: `latest` is not a version such as `0.1.0`.
      help: write constraints separated by commas, such as `>= 0.1, < 2`
"#);
    assert_snapshot!(said("natform { required_version = var.x }"), @r#"
    error[not-constant] `required_version` must be a plain text
      at main.nat.hcl:1 `var.x`
      why: It is read before anything is evaluated.
      help: write `required_version = "…"` without references
"#);
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
    ), @r#"
    warning[redundant-ignore] `forward_table_id` is chosen by the service
      at main.nat.hcl:9 `forward_table_id`
      why: Its differences are never a reason for a change.
      help: remove it from `ignore_changes`
    error[conflicting-arguments] `count` and `for_each` exclude each other
      at main.nat.hcl:5 `for_each`
      see main.nat.hcl:4 `count` `count` is here
      help: keep one of them
    error[invalid-argument] `depends_on` must be a list
      at main.nat.hcl:6 `nat_gateway.h`
      help: write `depends_on = [nat_gateway.h]`
    error[invalid-provider] this does not name a provider
      at main.nat.hcl:7 `"alicloud.other"`
      help: write it without quotes: `alicloud.other`
      fix: `"alicloud.other"` → `alicloud.other`
    error[unknown-attribute] `nat_gateway` has no argument `nmae`
      at main.nat.hcl:9 `nmae`
      help: did you mean `name`?
      fix: `nmae` → `name`
    error[invalid-argument] `ignore_changes` takes names of whole arguments
      at main.nat.hcl:9 `ip_lists[0]`
      help: write `ignore_changes = [description]`
    error[unknown-argument] the `lifecycle` block has no argument `prevent_destory`
      at main.nat.hcl:10 `prevent_destory`
      help: did you mean `prevent_destroy`?
      fix: `prevent_destory` → `prevent_destroy`
    error[missing-argument] the `precondition` block lacks the argument `error_message`
      at main.nat.hcl:11 `precondition`
      help: add `error_message = …`
    error[invalid-duration] `ten minutes` is not a length of time
      at main.nat.hcl:14 `"ten minutes"`
      help: write hours, minutes and seconds, such as `"1h30m"` or `"90s"`
    error[unknown-argument] the `timeouts` block has no argument `read`
      at main.nat.hcl:15 `read`
      help: its arguments are `create`, `delete` and `update`
    error[invalid-argument] `depends_on` takes references only
      at main.nat.hcl:20 `"nat_gateway.g"`
      help: write it without quotes: `nat_gateway.g`
      fix: `"nat_gateway.g"` → `nat_gateway.g`
    error[invalid-argument] this is nothing to depend on
      at main.nat.hcl:20 `var.x`
      help: `depends_on` takes resources, data sources and modules
    error[invalid-argument] `depends_on` takes whole resources, not their attributes
      at main.nat.hcl:20 `id`
      help: remove the attribute
    error[invalid-argument] `ignore_changes` must be a list or `all`
      at main.nat.hcl:22 `"all"`
      help: write `ignore_changes = [description]` or `ignore_changes = all`
    error[invalid-argument] this cannot trigger a replacement
      at main.nat.hcl:23 `var.x`
      help: `replace_triggered_by` takes resources of the same module and their attributes
    error[unknown-argument] the `lifecycle` block of a data source has no argument `prevent_destroy`
      at main.nat.hcl:27 `prevent_destroy`
      help: it takes none: remove this
"#);
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
    ), @r#"
    error[invalid-type] type constraint is quoted
      at main.nat.hcl:2 `"string"`
      help: write it without quotes: `string`
      fix: `"string"` → `string`
    error[invalid-type] `list` is not a type
      at main.nat.hcl:3 `list`
      help: it needs types in parentheses, such as `list(string)`
    error[invalid-type] `strnig` is not a type
      at main.nat.hcl:4 `strnig`
      help: did you mean `string`?
      fix: `strnig` → `string`
    error[invalid-type] `lst` makes no type
      at main.nat.hcl:5 `lst`
      help: did you mean `list`?
      fix: `lst` → `list`
    error[invalid-type] this is not a type constraint
      at main.nat.hcl:6 `optional(string, 1, 2)`
      help: write `optional(type)` or `optional(type, default)`
    error[invalid-type] `map` takes one argument
      at main.nat.hcl:7 `map(string, string)`
      why: It has 2.
    error[invalid-type] this is not a type constraint
      at main.nat.hcl:8 `optional(string)`
      help: `optional(…)` stands only as the type of an object's attribute
    error[invalid-type] this is not a type constraint
      at main.nat.hcl:9 `{ a = string }`
      help: write `object({ … })`
    error[invalid-type] this is not a type constraint
      at main.nat.hcl:10 `[string]`
      help: write `list(T)` or `tuple([ … ])`
    error[invalid-type] this is not a type constraint
      at main.nat.hcl:11 `5`
      help: write a type such as `string` or `list(number)`
    error[invalid-type] this is not a type constraint
      at main.nat.hcl:12 `[string]`
      help: write `object({ name = string })`
"#);
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
    ), @r#"
    error[invalid-default] default of `a` does not fit its type
      at main.nat.hcl:4 `"many"`
      why: A number is required.
    error[invalid-default] default of `b` does not fit its type
      at main.nat.hcl:8 `[{ port = 1 }, { prt = 2 }]`
      why: [1]: attribute "port" is required.
    error[invalid-default] default of `c` is null
      at main.nat.hcl:12 `null`
      why: The variable has `nullable = false`.
      help: give another default, or none to make the variable required
    error[not-constant] this must be a constant value
      at main.nat.hcl:14 `var.a`
      why: It is read before anything is evaluated, so there is nothing to refer to.
      help: write the value itself; refer to other values in a `locals` block
    error[invalid-default] default does not fit the attribute's type
      at main.nat.hcl:15 `"n"`
      why: A number is required.
    error[unknown-argument] `variable` block has no argument `defualt`
      at main.nat.hcl:18 `defualt`
      help: did you mean `default`?
      fix: `defualt` → `default`
"#);
}

#[test]
fn no_attribute_is_called_as_a_meta_argument() {
    let ours = Catalogue::of_natform();
    for schema in ours.managed.iter().chain(&ours.data) {
        for attribute in schema.attributes {
            assert!(!block::reserved().contains(&attribute.name));
        }
    }
}
