use insta::assert_snapshot;

use super::*;

const MODULE: &str = r#"
    variable "name" { type = string }
    variable "size" {
      type    = number
      default = 1
      validation {
        condition     = var.size < 10
        error_message = "Size ${var.size} is too large."
      }
    }
    resource "nat_gateway" "g" {
      count  = var.size
      vpc_id = var.name
    }
    output "ids" { value = nat_gateway.g[*].id }
    output "name" {
      value = "${var.name}@${path.module}"
      precondition {
        condition     = !startswith(var.name, "bad") && var.size > 0
        error_message = "Bad name."
      }
    }
"#;

fn case(text: &str) -> Case {
    Case::with(&[("cfg/main.nat.hcl", text), ("cfg/m/main.nat.hcl", MODULE)], &[])
}

#[test]
fn modules_are_repeated_and_their_outputs_referred_to() {
    let case = case(
        r#"
        module "each" {
          source   = "./m"
          for_each = { a = 2, b = 1 }
          name     = "n-${each.key}"
          size     = each.value
        }
        module "one" {
          source = "./m"
          name   = module.each["a"].name
        }
        module "none" {
          source = "./m"
          count  = 0
          name   = "x"
        }
        resource "forward_entry" "e" {
          forward_table_id = module.each["b"].ids[0]
        }
        output "names" { value = { for k, m in module.each : k => m.name } }
        output "all" { value = module.one }
        output "none" { value = module.none[*].name }
        "#,
    );
    assert_eq!(case.said(), "");
    assert_eq!(
        case.order(),
        [
            "module.each[\"a\"].nat_gateway.g",
            "module.each[\"b\"].nat_gateway.g",
            "forward_entry.e",
            "module.one.nat_gateway.g",
        ]
    );
    assert_eq!(case.keys("module.each[\"a\"].nat_gateway.g"), "[0] [1]");
    assert_snapshot!(case.instance("module.one.nat_gateway.g[0]"), @r#"vpc_id = "n-a@m""#);
    assert_snapshot!(case.needs("forward_entry.e"), @r#"all of module.each["b"].nat_gateway.g {}"#);
    assert_snapshot!(case.outputs(), @r#"
    all = { "ids" = [ (known after apply), ] "name" = "n-a@m@m" }
    names = { "a" = "n-a@m" "b" = "n-b@m" }
    none = []
"#);
    assert!(case.program.has_module(&ModulePath::root().child("one", None)));
    assert!(!case.program.has_module(&ModulePath::root().child("none", Some(Key::Number(0)))));
}

#[test]
fn whole_modules_may_be_depended_on_and_depend() {
    let case = case(
        r#"
        resource "nat_gateway" "first" { vpc_id = "v" }
        module "m" {
          source     = "./m"
          for_each   = toset(["a", "b"])
          name       = each.key
          depends_on = [nat_gateway.first]
        }
        resource "nat_gateway" "last" {
          vpc_id     = "v"
          depends_on = [module.m]
        }
        "#,
    );
    let explicit = |name: &str| {
        let list = case.program.depends_on(&name.parse().unwrap());
        list.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(explicit("module.m[\"a\"].nat_gateway.g"), ["nat_gateway.first"]);
    // What a module waits for, its users wait for as well.
    assert_eq!(
        explicit("nat_gateway.last"),
        ["nat_gateway.first", "module.m[\"a\"].nat_gateway.g", "module.m[\"b\"].nat_gateway.g"]
    );
    assert_eq!(case.order().last().unwrap(), "nat_gateway.last");
}

#[test]
fn arguments_of_modules_are_checked() {
    let case = case(
        r#"
        module "bad" {
          source = "./m"
          name   = "bad-1"
        }
        module "large" {
          source = "./m"
          name   = "x"
          size   = 50
        }
        module "wrong" {
          source = "./m"
          name   = ["x"]
          size   = "many"
        }
        "#,
    );
    let found = case.program.remaining(&case.objects);
    assert_snapshot!(case.write(&found), @r#"
    error[invalid-variable] value of `var.size` is not valid
      at main.nat.hcl:9 `50`
      see m/main.nat.hcl:7 `var.size < 10` this condition does not hold
      why: Size 50 is too large.
      var.size is 50
    error[invalid-variable] value of `var.name` does not fit its type
      see m/main.nat.hcl:2 `variable "name"` its type is `string`
      at main.nat.hcl:13 `["x"]`
      why: String required, but have tuple.
    error[invalid-variable] value of `var.size` does not fit its type
      see m/main.nat.hcl:3 `variable "size"` its type is `number`
      at main.nat.hcl:14 `"many"`
      why: A number is required.
    error[precondition-failed] precondition of `module.bad.name` does not hold
      at m/main.nat.hcl:19 `!startswith(var.name, "bad") && var.size > 0`
      why: Bad name.
      var.name is "bad-1"
      var.size is 1
"#);
}

#[test]
fn unknown_repetition_of_a_module_is_reported_once() {
    let case = case(
        r#"
        resource "nat_gateway" "g" { vpc_id = "v" }
        module "m" {
          source   = "./m"
          for_each = toset([nat_gateway.g.id])
          name     = each.key
        }
        resource "forward_entry" "e" { forward_table_id = values(module.m)[0].name }
        "#,
    );
    assert_snapshot!(case.said(), @r#"
    error[unknown-repetition] `for_each` of `module.m` is known only after apply
      at main.nat.hcl:5 `toset([nat_gateway.g.id])`
      why: The keys and the number of instances stand in addresses, so they must be known when the plan is made. It comes from `nat_gateway.g.id`. Modules are expanded before anything is read from the service or the state.
      help: use a map whose keys stand in the configuration and only whose values are unknown, such as `{ a = nat_gateway.a.id }`; or repeat the resources in the module instead
"#);
    let address = "forward_entry.e".parse().unwrap();
    let (configured, diagnostics) = case.program.instance(&address, &case.objects);
    assert!(diagnostics.is_empty() && !configured.complete);
}

#[test]
fn modules_of_different_instances_do_not_depend_on_each_other() {
    let case = Case::with(
        &[
            (
                "cfg/main.nat.hcl",
                r#"
                module "edge" {
                  source   = "./edge"
                  for_each = toset(["a", "b"])
                }
                "#,
            ),
            (
                "cfg/edge/main.nat.hcl",
                r#"
                module "g" { source = "../g" }
                resource "forward_entry" "e" { forward_table_id = module.g.id }
                "#,
            ),
            (
                "cfg/g/main.nat.hcl",
                "resource \"nat_gateway\" \"g\" { vpc_id = \"v\" }\noutput \"id\" { value = nat_gateway.g.id }",
            ),
        ],
        &[],
    );
    assert_eq!(
        case.needs("module.edge[\"a\"].forward_entry.e"),
        "module.edge[\"a\"].module.g.nat_gateway.g {id}\n"
    );
    let list = case.program.dependencies(&"module.edge[\"b\"].forward_entry.e".parse().unwrap());
    assert_eq!(
        list.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["module.edge[\"b\"].module.g.nat_gateway.g"]
    );
}

#[test]
fn providers_are_handed_down() {
    let case = Case::with(
        &[
            (
                "cfg/main.nat.hcl",
                r#"
                provider "alicloud" { alias = "west" }
                module "m" {
                  source    = "./m"
                  providers = { alicloud = alicloud.west, alicloud.inner = alicloud.west }
                }
                module "plain" {
                  source    = "./m"
                  providers = { alicloud.inner = alicloud.west }
                }
                "#,
            ),
            (
                "cfg/m/main.nat.hcl",
                r#"
                resource "nat_gateway" "default" { vpc_id = "v" }
                resource "nat_gateway" "inner" {
                  vpc_id   = "v"
                  provider = alicloud.inner
                }
                "#,
            ),
        ],
        &[],
    );
    let alias = |name: &str| case.program.provider_of(&name.parse().unwrap()).to_string();
    assert_eq!(alias("module.m.nat_gateway.default"), "west");
    assert_eq!(alias("module.m.nat_gateway.inner"), "west");
    assert_eq!(alias("module.plain.nat_gateway.default"), "");
    assert_eq!(alias("module.plain.nat_gateway.inner"), "west");
}

#[test]
fn values_of_repeated_modules_follow_the_objects() {
    let mut case = case(
        r#"
        resource "nat_gateway" "g" {
          for_each = { a = 1 }
          vpc_id   = "v"
        }
        module "m" {
          source   = "./m"
          for_each = nat_gateway.g
          name     = each.value.id
        }
        resource "forward_entry" "by_key" {
          for_each         = nat_gateway.g
          forward_table_id = each.key
        }
        resource "forward_entry" "by_value" {
          for_each         = nat_gateway.g
          forward_table_id = each.value.forward_table_id
        }
        "#,
    );
    let inside = "module.m[\"a\"].nat_gateway.g[0]";
    assert_eq!(case.instance(inside), "vpc_id = <nat_gateway.g[\"a\"].id: string>\n");
    case.set(
        "nat_gateway.g[\"a\"]",
        &[("id", Value::from("ngw-1")), ("forward_table_id", Value::from("ftb-1"))],
    );
    assert_eq!(case.instance(inside), "vpc_id = \"ngw-1\"\n");
    assert_eq!(case.needs(inside), "nat_gateway.g[\"a\"] {id}\n");
    // Keys are known from the start and order nothing.
    assert_eq!(case.needs("forward_entry.by_key[\"a\"]"), "");
    assert_eq!(
        case.needs("forward_entry.by_value[\"a\"]"),
        "nat_gateway.g[\"a\"] {forward_table_id}\n"
    );
    let list = case.program.dependencies(&"forward_entry.by_key".parse().unwrap());
    assert_eq!(list.len(), 1, "a selection by address takes it along");
}
