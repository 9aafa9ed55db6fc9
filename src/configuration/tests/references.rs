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
    ), @r#"
    error[undeclared] there is no variable `regoin` in the root module
      at main.nat.hcl:5 `regoin`
      help: did you mean `region`?
      fix: `regoin` → `region`
    error[undeclared] there is no local value `prot` in the root module
      at main.nat.hcl:6 `prot`
      help: did you mean `port`?
      fix: `prot` → `port`
    error[undeclared] there is no variable `port` in the root module
      at main.nat.hcl:7 `port`
      help: did you mean `local.port`?
      fix: `var` → `local`
    error[undeclared] there is no local value `region` in the root module
      at main.nat.hcl:8 `region`
      help: did you mean `var.region`?
      fix: `local` → `var`
    error[undeclared] there is no variable `unknown` in the root module
      at main.nat.hcl:9 `unknown`
      help: declare it: `variable "unknown" { … }`
    error[invalid-reference] `port` refers to nothing
      at main.nat.hcl:10 `port`
      help: did you mean `local.port`?
      fix: `port` → `local.port`
    error[invalid-reference] `foo` refers to nothing
      at main.nat.hcl:11 `foo`
      help: a text stands in quotes: `"foo"`
    error[undeclared] there is no `nat_gatway.main` in the root module
      at main.nat.hcl:12 `nat_gatway`
      help: did you mean `nat_gateway`?
      fix: `nat_gatway` → `nat_gateway`
    error[undeclared] there is no `nat_gateway.mian` in the root module
      at main.nat.hcl:13 `mian`
      help: did you mean `main`?
      fix: `mian` → `main`
    error[undeclared] there is no `data.nat_gateway.main` in the root module
      at main.nat.hcl:14 `nat_gateway.main`
      help: did you mean `nat_gateway.main`?
    error[unknown-attribute] `nat_gateway` has no attribute `idd`
      at main.nat.hcl:15 `idd`
      help: did you mean `id`?
      fix: `idd` → `id`
    error[unknown-attribute] `ip_lists` has no attribute `ip_addres`
      at main.nat.hcl:16 `ip_addres`
      help: did you mean `ip_address`?
      fix: `ip_addres` → `ip_address`
    error[unknown-attribute] `ip_lists` is a list
      at main.nat.hcl:17 `ip_address`
      help: name an element: `ip_lists[0].ip_address`; or all: `ip_lists[*].ip_address`
    error[invalid-reference] `var` needs a name after it
      at main.nat.hcl:18 `var`
      help: write `var.` and the name of a variable
    error[invalid-reference] `nat_gateway` refers to nothing
      at main.nat.hcl:19 `nat_gateway`
      help: name a block: `nat_gateway.NAME`
    error[undeclared] there is no `forward_entry.web` in the root module
      at main.nat.hcl:20 `web`
      help: declare it: `resource "forward_entry" "web" { … }`
    error[invalid-reference] there is no `terraform` to refer to
      at main.nat.hcl:21 `terraform.workspace`
      why: natform has no workspaces; a state is a file of its own.
      help: use a variable for what differs between environments
    error[invalid-reference] `path` has no `modul`
      at main.nat.hcl:22 `modul`
      help: did you mean `module`?
      fix: `modul` → `module`
    error[undeclared] there is no `server.main` in the root module
      at main.nat.hcl:23 `server`
      why: `server` is no resource type.
"#);
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
    ), @r#"
    error[invalid-reference] `count` has no meaning here
      at main.nat.hcl:2 `count.index`
      why: The block has no `count`.
      help: add `count = …` to the block, or use something else here
    error[invalid-reference] `count` has no meaning here
      at main.nat.hcl:4 `count.index`
      help: it exists only inside blocks that have `count`, beside that argument
    error[invalid-reference] `each` has no meaning here
      at main.nat.hcl:5 `each.key`
      why: The block has no `for_each`.
      help: add `for_each = …` to the block, or use something else here
    error[invalid-reference] `count` has no `indx`
      at main.nat.hcl:6 `indx`
      help: did you mean `index`?
      fix: `indx` → `index`
    error[invalid-reference] `each` has no `ky`
      at main.nat.hcl:10 `ky`
      help: did you mean `key`?
      fix: `ky` → `key`
    error[invalid-key] `nat_gateway.one` has one instance without a key
      at main.nat.hcl:11 `0`
      see main.nat.hcl:2 `resource "nat_gateway" "one"` it has neither `count` nor `for_each`
      help: remove the index
    error[missing-key] `nat_gateway.some` has several instances
      at main.nat.hcl:12 `id`
      see main.nat.hcl:3 `resource "nat_gateway" "some"` it has `count`
      help: name one: `nat_gateway.some[count.index].id`; or all: `nat_gateway.some[*].id`
    error[missing-key] `nat_gateway.each` has several instances
      at main.nat.hcl:15 `id`
      see main.nat.hcl:8 `resource "nat_gateway" "each"` it has `for_each`
      help: name one: `nat_gateway.each[each.key].id`; or all: `values(nat_gateway.each)[*].id`
    error[invalid-key] instances of `nat_gateway.some` are numbered
      at main.nat.hcl:16 `"a"`
      see main.nat.hcl:3 `resource "nat_gateway" "some"` it has `count`
      help: write `nat_gateway.some[0]`
    error[invalid-reference] `self` has no meaning here
      at main.nat.hcl:17 `self.id`
      help: it exists only in `postcondition` blocks
    error[self-reference] `forward_entry.e` refers to itself
      at main.nat.hcl:17 `forward_entry.e.id`
      see main.nat.hcl:14 `resource "forward_entry" "e"` inside this block
      help: refer to what its arguments refer to; put shared values into `locals`
    error[invalid-reference] `each` has no meaning here
      at main.nat.hcl:17 `each.key`
      why: The block has no `for_each`.
      help: add `for_each = …` to the block, or use something else here
    error[invalid-reference] `each` has no meaning here
      at main.nat.hcl:19 `each.key`
      help: it exists only inside blocks that have `for_each`, beside that argument
"#);
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
    ), @r#"
    error[invalid-reference] objects cannot be used here
      at main.nat.hcl:2 `nat_gateway.main.name`
      why: It is evaluated early: the provider must be known before anything can be read.
      help: use variables and local values that come from variables
    error[invalid-reference] objects cannot be used here
      at main.nat.hcl:5 `nat_gateway.main.id`
      why: It is evaluated early: variables are checked before anything is read.
      help: use variables and local values that come from variables
    error[invalid-reference] objects cannot be used here
      at main.nat.hcl:11 `data.nat_gateways.x.ids`
      why: It is evaluated early: whether an object may be deleted must be known beforehand.
      help: use variables and local values that come from variables
"#);
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
    ), @r#"
    error[unknown-type] there is no resource type `nat_gatway`
      at main.nat.hcl:2 `"nat_gatway"`
      help: did you mean `nat_gateway`?
      fix: `"nat_gatway"` → `"nat_gateway"`
    error[wrong-labels] too many labels on the `variable` block
      at main.nat.hcl:3 `"b"`
      help: write `variable "name" { … }`
    error[unknown-block] `locals` holds no blocks
      at main.nat.hcl:5 `x`
      help: write `x = { … }`
"#);
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
    ), @r#"
    error[undeclared] there is no `package.value` in the root module
      at main.nat.hcl:3 `package`
      why: `package` is no resource type.
    error[undeclared] there is no `package.value` in the root module
      at main.nat.hcl:5 `package`
      why: `package` is no resource type.
    error[invalid-reference] `package` has no `valu`
      at main.nat.hcl:6 `valu`
      help: did you mean `value`?
      fix: `valu` → `value`
"#);
}

#[test]
fn functions_must_exist() {
    assert_snapshot!(said(
        r"
        locals {
          a = lenght([1])
          b = core::max(1, 2)
          c = try(provider::x::y(), core::nothing(), can(1))
        }
        "
    ), @r#"
    error[unknown-function] there is no function `lenght`
      at main.nat.hcl:3 `lenght`
      help: did you mean `length`?
      fix: `lenght` → `length`
    error[unknown-function] there is no function `provider::x::y`
      at main.nat.hcl:5 `provider::x::y`
      why: Providers bring no functions with them here.
    error[unknown-function] there is no function `core::nothing`
      at main.nat.hcl:5 `core::nothing`
"#);
}
