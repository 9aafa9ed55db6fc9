use insta::assert_snapshot;

use super::*;

#[test]
fn blocks_of_changes_are_read() {
    let configuration = accepts(
        r#"
        moved {
          from = nat_gateway.old
          to   = nat_gateway.new
        }
        moved {
          from = nat_gateway.new
          to   = nat_gateway.each["a"]
        }
        moved {
          from = module.a
          to   = module.b[0]
        }
        removed {
          from = forward_entry.gone
          lifecycle { destroy = false }
        }
        import {
          to = nat_gateway.each["b"]
          id = "ngw-1"
        }
        import {
          for_each = { c = "ngw-2" }
          to       = nat_gateway.each[each.key]
          id       = each.value
        }
        check "reachable" {
          assert {
            condition     = nat_gateway.each["a"].id != ""
            error_message = "There is none."
          }
        }
        resource "nat_gateway" "each" {
          for_each = { a = 1, b = 2, c = 3 }
          vpc_id   = each.key
        }
        "#,
    );
    let root = &configuration.root;
    assert_eq!((root.moved.len(), root.removed.len(), root.imports.len()), (3, 1, 2));
    assert_eq!(root.moved[1].to.to_string(), "nat_gateway.each[\"a\"]");
    assert_eq!(root.checks["reachable"].assertions.len(), 1);
}

#[test]
fn moves_in_a_circle_are_one_mistake() {
    assert_snapshot!(said(
        r#"
        resource "nat_gateway" "a" { vpc_id = "v" }
        moved {
          from = nat_gateway.a
          to   = nat_gateway.b
        }
        moved {
          from = nat_gateway.b
          to   = nat_gateway.a
        }
        "#
    ), @r#"
    error[cyclic-moves] `moved` blocks send objects in a circle
      at main.nat.hcl:5 `nat_gateway.b`
      see main.nat.hcl:9 `nat_gateway.a` and on to here
      why: The way is nat_gateway.a → nat_gateway.b → nat_gateway.a.
      help: remove one of the blocks
"#);
}

#[test]
fn mistakes_in_blocks_of_changes_are_explained() {
    assert_snapshot!(said(
        r#"
        moved {
          from = nat_gateway.main
          to   = nat_gateway.new
        }
        moved {
          from = nat_gateway.x
          to   = forward_entry.x
        }
        moved {
          from = module.a
          to   = nat_gateway.a
        }
        moved {
          from = nat_gateway.y[var.k]
          to   = "nat_gateway.z"
        }
        moved {
          from = nat_gateway.s
          to   = nat_gateway.s
        }
        moved {
          from = nat_gateway.p
          to   = nat_gateway.new
        }
        moved { from = nat_gateway.q }
        removed {
          from = nat_gateway.main
          lifecycle { destroy = true }
        }
        removed { from = nat_gateway.r[0] }
        removed { from = nat_gateway.r }
        import {
          to = nat_gateway.none
          id = each.key
        }
        import {
          to = local.x
          id = "x"
        }
        check "empty" {
          data "nat_gateways" "d" {}
        }
        resource "nat_gateway" "main" { vpc_id = "v" }
        "#
    ), @r#"
    error[still-declared] `nat_gateway.main` is moved and still declared
      at main.nat.hcl:3 `nat_gateway.main`
      see main.nat.hcl:44 `resource "nat_gateway" "main"` it is declared here
      help: remove one of the two blocks
    error[invalid-move] an object cannot change its type
      at main.nat.hcl:8 `forward_entry.x`
      see main.nat.hcl:7 `nat_gateway.x` this is what is moved
    error[invalid-move] a module and a resource are not the same
      at main.nat.hcl:12 `nat_gateway.a`
      see main.nat.hcl:11 `module.a` this is what is moved
      help: name two modules or two resources
    error[invalid-argument] `from` is not an address
      at main.nat.hcl:15 `nat_gateway.y[var.k]`
      help: write an address such as `nat_gateway.main` or `module.edge`
    error[invalid-argument] `to` is not an address
      at main.nat.hcl:16 `"nat_gateway.z"`
      help: write it without quotes: `nat_gateway.z`
      fix: `"nat_gateway.z"` → `nat_gateway.z`
    error[invalid-move] object is moved to where it is
      at main.nat.hcl:20 `nat_gateway.s`
      help: remove the block
    error[invalid-move] two objects are moved to `nat_gateway.new`
      at main.nat.hcl:24 `nat_gateway.new`
      see main.nat.hcl:4 `nat_gateway.new` the first one is here
    error[missing-argument] the `moved` block lacks the argument `to`
      at main.nat.hcl:26 `moved`
      help: add `to = …`
    error[still-declared] `nat_gateway.main` is removed and still declared
      at main.nat.hcl:28 `nat_gateway.main`
      see main.nat.hcl:44 `resource "nat_gateway" "main"` it is declared here
      help: remove one of the two blocks
    error[invalid-argument] `from` names a single instance
      at main.nat.hcl:31 `nat_gateway.r[0]`
      help: name the whole resource; what becomes of its instances is one decision
    error[missing-block] the `removed` block lacks a `lifecycle` block
      at main.nat.hcl:32 `removed`
      help: add `lifecycle { destroy = false }` to leave the object alone in the service, or `true` to delete it
    error[undeclared-import] there is no `nat_gateway.none` to import to
      at main.nat.hcl:34 `nat_gateway.none`
      help: declare it: `resource "nat_gateway" "none" { … }`, or let `natform plan -generate-config-out=FILE` write it
    error[invalid-reference] `each` has no meaning here
      at main.nat.hcl:35 `each.key`
      help: it exists only inside blocks that have `for_each`, beside that argument
    error[invalid-argument] `to` is not the address of a resource
      at main.nat.hcl:38 `local.x`
      help: write `nat_gateway.main`, or `module.edge.nat_gateway.main`
    error[missing-block] the `check` block lacks an `assert` block
      at main.nat.hcl:41 `check "empty"`
      help: add `assert { condition = … error_message = … }`
"#);
}
