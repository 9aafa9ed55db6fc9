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

/// Blocks in many instances of a module are one dependency, without the keys of the module.
#[test]
fn many_instances_of_a_module_are_one_dependency() {
    let inner = "variable \"p\" {}\nresource \"nat_gateway\" \"g\" { vpc_id = var.p }\n";
    let outer = "module \"m\" {\n  source = \"../m\"\n  for_each = { for i in range(20) : i => i }\n  \
        p = each.key\n}\nresource \"nat_gateway\" \"after\" {\n  vpc_id = \"v\"\n  \
        depends_on = [module.m]\n}\n";
    let root = "module \"o\" {\n  source = \"./o\"\n  count = 2\n}\nresource \"nat_gateway\" \"last\" {\n  \
        vpc_id = \"v\"\n  depends_on = [module.o]\n}\n";
    let files =
        [("cfg/main.nat.hcl", root), ("cfg/o/main.nat.hcl", outer), ("cfg/m/main.nat.hcl", inner)];
    let case = Case::with(&files, &[]);
    let explicit = |name: &str| {
        let list = case.program.depends_on(&name.parse().unwrap());
        list.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(explicit("module.o[1].nat_gateway.after"), "module.o[1].module.m.nat_gateway.g");
    assert_eq!(
        explicit("nat_gateway.last"),
        "module.o[0].nat_gateway.after module.o[1].nat_gateway.after module.o.module.m.nat_gateway.g"
    );
    let (last, _) = case.program.instance(&"nat_gateway.last".parse().unwrap(), &ObjectMap::new());
    assert_eq!(last.dependencies.len(), 3);
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
    assert_snapshot!(case.said(), @r#"
    error[dependency-cycle] 3 parts of the configuration need each other
      at main.nat.hcl:3 `local.b` needed by `local.a`
      see main.nat.hcl:4 `local.c` needed by `local.b`
      see main.nat.hcl:5 `local.a` needed by `local.c`
      why: The cycle is local.a → local.b → local.c → local.a.
      help: break it: give one of them a value that does not come from the others
    error[dependency-cycle] `local.own` needs itself
      at main.nat.hcl:6 `local.own` needed by `local.own`
      why: The cycle is local.own → local.own.
      help: break it: give one of them a value that does not come from the others
    error[dependency-cycle] 3 parts of the configuration need each other
      at main.nat.hcl:10 `nat_gateway.one.id` needed by `local.via`
      see main.nat.hcl:8 `nat_gateway.two.id` needed by `nat_gateway.one`
      see main.nat.hcl:9 `local.via` needed by `nat_gateway.two`
      why: The cycle is local.via → nat_gateway.one → nat_gateway.two → local.via.
      help: break it: give one of them a value that does not come from the others
"#);
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
    assert_snapshot!(case.said(), @r#"
    error[dependency-cycle] 3 parts of the configuration need each other
      at main.nat.hcl:6 `module.m.out` needed by `nat_gateway.g`
      see m/main.nat.hcl:2 `var.id` needed by `module.m.out`
      see main.nat.hcl:4 `nat_gateway.g.id` needed by `module.m.var.id`
      why: The cycle is nat_gateway.g → module.m.out → module.m.var.id → nat_gateway.g.
      help: break it: give one of them a value that does not come from the others
"#);
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
    assert_snapshot!(case.needs("forward_entry.exact[\"a\"]"), @r#"nat_gateway.g["a"] {forward_table_id, name}"#);
    assert_snapshot!(case.needs("forward_entry.whole"), @r#"
    nat_gateway.g["a"] {id}
    nat_gateway.g["b"] {ip_lists}
    nat_gateway.other {id}
    all of nat_gateway.third {} (explicit)
"#);
    assert_snapshot!(case.needs("forward_entry.unknown_key"), @r#"
    nat_gateway.other {name}
    all of nat_gateway.g {}
"#);
    assert_snapshot!(case.needs("forward_entry.guarded"), @r#"
    nat_gateway.g["a"] {id}
    nat_gateway.other {id}
"#);
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
    assert_snapshot!(case.needs("nat_gateway.b[0]"), @r#"
    nat_gateway.a[0] {ip_lists}
    nat_gateway.a[1] {name}
"#);
    let address = "nat_gateway.b[1]".parse().unwrap();
    let (triggers, diagnostics) = case.program.triggers(&address, &case.objects);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    assert_eq!(triggers.iter().map(written).collect::<Vec<_>>(), ["nat_gateway.a[1] {ip_lists}"]);
}

#[test]
fn nothing_is_evaluated_in_circles() {
    let case = Case::new(
        "locals {\n  a = local.b\n  b = local.a\n}\nresource \"nat_gateway\" \"g\" {\n  vpc_id = local.a\n}\noutput \"o\" { value = local.b }\n",
    );
    assert!(case.diagnostics.has_errors());
    let (configured, _) = case.program.instance(&"nat_gateway.g".parse().unwrap(), &case.objects);
    assert!(!configured.complete);
    assert_eq!(case.outputs(), "");
}

#[test]
fn long_chains_of_repeated_blocks_end() {
    use std::fmt::Write;
    let mut text = String::from(
        "resource \"nat_gateway\" \"g0\" {\n  for_each = { a = 1 }\n  vpc_id = \"v\"\n}\n",
    );
    for i in 1..300 {
        let before = i - 1;
        writeln!(
            text,
            "resource \"nat_gateway\" \"g{i}\" {{\n  for_each = nat_gateway.g{before}\n  vpc_id = each.key\n}}"
        )
        .unwrap();
    }
    assert!(Case::new(&text).keys("nat_gateway.g299").contains("too-deep"));
    // In their order, as a planner goes, there is no limit.
    let case = Case::new(&text);
    let order = case.order();
    assert!(order.iter().all(|name| case.keys(name) == "[\"a\"]"));
}
