use insta::assert_snapshot;

use super::*;

#[test]
fn moves_and_removals_are_seen_from_the_root() {
    let case = Case::with(
        &[
            (
                "cfg/main.nat.hcl",
                r#"
                module "m" {
                  source = "./m"
                  count  = 2
                }
                moved {
                  from = module.old
                  to   = module.m[0]
                }
                "#,
            ),
            (
                "cfg/m/main.nat.hcl",
                r#"
                moved {
                  from = nat_gateway.a
                  to   = nat_gateway.b["k"]
                }
                removed {
                  from = forward_entry.gone
                  lifecycle { destroy = false }
                }
                "#,
            ),
        ],
        &[],
    );
    let moves = case.program.moves();
    let shown: Vec<String> = moves.iter().map(|m| format!("{} → {}", m.from, m.to)).collect();
    assert_eq!(
        shown,
        [
            "module.old → module.m[0]",
            "module.m[0].nat_gateway.a → module.m[0].nat_gateway.b[\"k\"]",
            "module.m[1].nat_gateway.a → module.m[1].nat_gateway.b[\"k\"]",
        ]
    );
    assert!(matches!(moves[1].from, crate::address::Target::Instance(_)));
    let removals = case.program.removals();
    assert_eq!(removals.len(), 1);
    assert!(!removals[0].destroy);
    // What `count` leaves out now was of the module, too.
    for address in ["module.m[1].forward_entry.gone", "module.m[7].forward_entry.gone[\"a\"]"] {
        assert!(removals[0].from.contains(&address.parse().unwrap()), "{address}");
    }
    assert!(!removals[0].from.contains(&"forward_entry.gone".parse().unwrap()));
}

#[test]
fn imports_are_evaluated() {
    let case = Case::new(
        r#"
        import {
          to = nat_gateway.one
          id = "ngw-${1 + 1}"
        }
        import {
          for_each = { a = "ngw-a", b = null, c = [1] }
          to       = nat_gateway.each[each.key]
          id       = each.value
        }
        import {
          to = nat_gateway.each[nat_gateway.one.id]
          id = nat_gateway.one.id
        }
        import {
          to = nat_gateway.each["x"]
          id = nat_gateway.one.id
        }
        import {
          to = nat_gateway.each["y"]
          id = sensitive("ngw-y")
        }
        import {
          to = nat_gateway.each[sensitive("z")]
          id = "ngw-z"
        }
        resource "nat_gateway" "one" { vpc_id = "v" }
        resource "nat_gateway" "each" {
          for_each = { a = 1 }
          vpc_id   = "v"
        }
        "#,
    );
    let (requests, diagnostics) = case.program.imports(&case.objects);
    let shown: Vec<String> = requests.iter().map(|r| format!("{} {}", r.address, r.id)).collect();
    assert_eq!(shown, ["nat_gateway.one ngw-2", "nat_gateway.each[\"a\"] ngw-a"]);
    assert_snapshot!(case.write(&diagnostics), @r#"
    error[invalid-import] import id of `nat_gateway.each["b"]` is not usable
      at main.nat.hcl:9 `each.value`
      why: It is empty.
    error[invalid-import] import id of `nat_gateway.each["c"]` is not usable
      at main.nat.hcl:9 `each.value`
      why: String required, but have tuple.
    error[invalid-key] this is no key of an instance
      at main.nat.hcl:12 `nat_gateway.one.id`
      why: A key is a text or a whole number, known when the plan is made and not sensitive.
    error[invalid-import] import id of `nat_gateway.each["x"]` is not usable
      at main.nat.hcl:17 `nat_gateway.one.id`
      why: It is known only after apply.
    error[invalid-import] import id of `nat_gateway.each["y"]` is not usable
      at main.nat.hcl:21 `sensitive("ngw-y")`
      why: It is sensitive, but plans show it; use `nonsensitive(…)` if it is no secret.
    error[invalid-key] this is no key of an instance
      at main.nat.hcl:24 `sensitive("z")`
      why: A key is a text or a whole number, known when the plan is made and not sensitive.
"#);
}

#[test]
fn checks_only_warn() {
    let mut case = Case::new(
        r#"
        resource "nat_gateway" "one" { vpc_id = "v" }
        check "id" {
          assert {
            condition     = nat_gateway.one.id == "good"
            error_message = "It is ${nat_gateway.one.id}."
          }
          assert {
            condition     = [1][2] == 1
            error_message = "never"
          }
        }
        "#,
    );
    assert_snapshot!(case.write(&case.program.checks(&case.objects)), @r#"
    warning[invalid-index] index is not valid
      at main.nat.hcl:9 `2`
      see main.nat.hcl:9 `[1]`
      why: The given key does not identify an element in this collection value: the index 2 is beyond the only element.
"#);
    case.set("nat_gateway.one", &[("id", Value::from("bad"))]);
    assert_snapshot!(case.write(&case.program.checks(&case.objects)), @r#"
    warning[check-failed] check `id` does not hold
      at main.nat.hcl:5 `nat_gateway.one.id == "good"`
      why: It is bad.
      nat_gateway.one.id is "bad"
    warning[invalid-index] index is not valid
      at main.nat.hcl:9 `2`
      see main.nat.hcl:9 `[1]`
      why: The given key does not identify an element in this collection value: the index 2 is beyond the only element.
"#);
}
