use insta::assert_snapshot;

use super::*;
use crate::value::Type;

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
    assert_snapshot!(case.instance("nat_gateway.main"), @r#"
    package = tolist([ { "bandwidth" = 5 }, { "bandwidth" = 7 }, ])
    spec = "443"
    vpc_id = "vpc-1"
"#);
    assert_snapshot!(case.instance("forward_entry.web"), @r#"
    external_port = "443"
    forward_table_id = <nat_gateway.main.forward_table_id: string>
    internal_ips = toset([ "a", "b", ])
"#);
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
    assert_snapshot!(case.instance("nat_gateway.main"), @r#"
    error[invalid-index] index is not valid
      at main.nat.hcl:2 `5`
      see main.nat.hcl:2 `[1]`
      why: The given key does not identify an element in this collection value: the index 5 is beyond the only element.
    error[invalid-value] `vpc_id` of `nat_gateway` is not valid
      at main.nat.hcl:4 `["a"]`
      why: String required, but have tuple.
    error[invalid-value] `bandwidth` of `package` is not valid
      at main.nat.hcl:7 `1.5`
      why: A whole number is required.
"#);
    assert_snapshot!(case.instance("nat_gateway.empty"), @r#"
    error[missing-argument] `vpc_id` is null
      at main.nat.hcl:10 `null`
      why: It is required.
"#);
    let address: Address = "nat_gateway.empty".parse().unwrap();
    let (_, diagnostics) = case.program.instance(&address, &case.objects);
    assert_eq!(diagnostics.iter().next().unwrap().address.as_deref(), Some("nat_gateway.empty"));
    assert!(case.program.written(&address.resource, "").is_some());
    assert!(case.program.written(&address.resource, "vpc_id").is_some());
    assert_eq!(case.program.written(&address.resource, "spec"), None);
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
    assert_snapshot!(case.instance("forward_entry.web"), @r#"
    external_port = <nat_gateway.main.name: string>
    forward_table_id = <nat_gateway.main.forward_table_id: string>
"#);
    case.set("nat_gateway.main", &[("forward_table_id", Value::from("ftb-1"))]);
    assert_snapshot!(case.instance("forward_entry.web"), @r#"forward_table_id = "ftb-1""#);
    assert_snapshot!(case.outputs(), @r#"
    all = { "forward_table_id" = "ftb-1" "id" = null "ip_lists" = null "name" = null "package" = null "spec" = null "vpc_id" = null }
    table = "ftb-1"
"#);
    case.set("nat_gateway.main", &[("forward_table_id", Value::from("ftb-2"))]);
    assert_snapshot!(case.instance("forward_entry.web"), @r#"forward_table_id = "ftb-2""#);
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
    assert_snapshot!(case.instance("forward_entry.web"), @r#"
    external_port = <nat_gateway.g["a"].ip_lists[0].ip_address: string>
    forward_table_id = <nat_gateway.g["a"].forward_table_id: string>
"#);
    assert_snapshot!(case.outputs(), @r#"mixed = { "a" = (known after apply) }"#);
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
    assert_snapshot!(case.outputs(), @r#"
    hidden = (sensitive value)
    error[sensitive-output] output `shown` shows a sensitive value
      at main.nat.hcl:4 `{ a = local.s }`
      help: add `sensitive = true` to the output, or `nonsensitive(…)` if it is no secret
"#);
    assert_snapshot!(case.instance("nat_gateway.main"), @r#"vpc_id = (sensitive value)"#);
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
    assert_snapshot!(case.said(), @r#"
    error[invalid-variable] value of `var.port` is not valid
      at main.nat.hcl:4 `var.port > 0 && var.port < 65536` this condition does not hold
      why: The port 70000 is out of range.
      var.port is 70000
"#);
    assert_snapshot!(case.instance("nat_gateway.main"), @r#"
    error[precondition-failed] precondition of `nat_gateway.main` does not hold
      at main.nat.hcl:13 `var.port == 1`
      why: Port must be 1.
      var.port is 70000
"#);
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
    assert_snapshot!(post(object("bad")), @r#"
    error[postcondition-failed] postcondition of `nat_gateway.main` does not hold
      at main.nat.hcl:17 `self.id == "good"`
      why: Got bad.
      self.id is "bad"
"#);
    assert!(case.program.prevent_destroy(&address).0);
    assert_snapshot!(case.outputs(), @r#"o = 1"#);
    case.set("nat_gateway.main", &[("id", Value::from("bad"))]);
    assert_snapshot!(case.outputs(), @r#"
    error[precondition-failed] precondition of the output `o` does not hold
      at main.nat.hcl:25 `nat_gateway.main.id == "good"`
      why: Gateway is not good.
      nat_gateway.main.id is "bad"
"#);
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
    assert_snapshot!(case.instance("nat_gateway.list"), @r#"
    package = tolist([ { "bandwidth" = 10 }, { "bandwidth" = 21 }, ])
    vpc_id = "v"
"#);
    assert_snapshot!(case.instance("nat_gateway.none"), @r#"vpc_id = "v""#);
    assert_snapshot!(case.instance("nat_gateway.unknown"), @r#"
    package = <nat_gateway.unknown.package: list(object({bandwidth=optional(number)}))>
    vpc_id = "v"
"#);
    assert_snapshot!(case.instance("nat_gateway.many"), @r#"
    error[too-many-blocks] there are 3 `package` blocks
      at main.nat.hcl:27 `dynamic "package"`
      why: At most 2 are allowed.
"#);
    assert_snapshot!(case.instance("nat_gateway.wrong"), @r#"
    error[invalid-for-each] `for_each` of the dynamic block `package` is not usable
      at main.nat.hcl:35 `"text"`
      why: It is a string.
      help: give a list, set, map or object; `[]` for no blocks
"#);
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
    assert_snapshot!(case.write(&diagnostics), @r#"
    error[invalid-value] `access_key_id` of the provider is not valid
      at main.nat.hcl:13 `["x"]`
      why: String required, but have tuple.
    error[unknown-provider-argument] `region` of the provider is known only after apply
      at main.nat.hcl:14 `var.key`
      why: The provider must be known before anything can be read.
      help: use variables and local values that come from variables
    error[invalid-value] `max_requests_per_second` of the provider is not valid
      at main.nat.hcl:15 `0`
      why: It must be a number above 0.
    error[invalid-value] `forward_entries_per_table` of the provider is not valid
      at main.nat.hcl:16 `-1`
      why: It must be a whole number from 0.
"#);
    let (none, diagnostics) = case.program.provider("none");
    assert!(none.span.is_none() && diagnostics.is_empty());
}

#[test]
fn what_nothing_uses_is_evaluated_for_its_mistakes() {
    let case = Case::new("locals {\n  good = 1\n  bad  = [1][2]\n  same = local.bad\n}");
    let found = case.program.remaining(&case.objects);
    assert_snapshot!(case.write(&found), @r#"
    error[invalid-index] index is not valid
      at main.nat.hcl:3 `2`
      see main.nat.hcl:3 `[1]`
      why: The given key does not identify an element in this collection value: the index 2 is beyond the only element.
"#);
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

#[test]
fn a_configuration_is_checked_without_values() {
    let (configuration, diagnostics) = load_files(&[
        (
            "cfg/main.nat.hcl",
            r#"
            variable "ports" { type = map(number) }
            variable "region" {}
            provider "alicloud" {
              region                  = var.region
              max_requests_per_second = "many"
            }
            module "m" {
              source   = "./m"
              for_each = var.ports
              name     = [each.value]
            }
            module "list" {
              source   = "./m"
              for_each = ["x"]
              name     = "n"
            }
            resource "nat_gateway" "g" {
              for_each = var.ports
              vpc_id   = upper(each.key)
              name     = [each.value]
              package { bandwidth = each.key }
            }
            resource "forward_entry" "e" {
              count            = length(nat_gateway.g)
              forward_table_id = nat_gateway.g["x"].ip_lists
              external_port    = module.m["x"].name
              internal_ips     = module.list["x"].wrong
            }
            output "o" { value = upper([1]) }
            output "p" { value = values(nat_gateway.g)[*].id }
            "#,
        ),
        (
            "cfg/m/main.nat.hcl",
            r#"
            variable "name" { type = string }
            output "name" { value = var.name }
            output "wrong" { value = [1][7] }
            "#,
        ),
    ]);
    assert!(diagnostics.is_empty(), "{}", write(&diagnostics, &configuration.sources));
    let configuration = Arc::new(configuration);
    let found = check(Arc::clone(&configuration), &environment(&[]));
    assert_snapshot!(write(&found, &configuration.sources), @r#"
    error[invalid-value] `max_requests_per_second` of the provider is not valid
      at main.nat.hcl:6 `"many"`
      why: A number is required.
    error[invalid-variable] value of `var.name` does not fit its type
      see m/main.nat.hcl:2 `variable "name"` its type is `string`
      at main.nat.hcl:11 `[each.value]`
      why: String required, but have tuple.
    error[invalid-for-each] `for_each` of `module.list` is not usable
      at main.nat.hcl:15 `["x"]`
      why: It is a tuple.
      help: the order of a list would make the keys: write `toset(…)` for texts, or a map such as `{ for e in … : e.name => e }`
    error[invalid-value] `name` of `nat_gateway` is not valid
      at main.nat.hcl:21 `[each.value]`
      why: String required, but have tuple.
    error[invalid-value] `forward_table_id` of `forward_entry` is not valid
      at main.nat.hcl:26 `nat_gateway.g["x"].ip_lists`
      why: String required, but have list of object.
    error[function-call] invalid argument of `upper`
      at main.nat.hcl:30 `[1]`
      see main.nat.hcl:30 `upper`
      why: String required, but have tuple.
    error[invalid-index] index is not valid
      at m/main.nat.hcl:4 `7`
      see m/main.nat.hcl:4 `[1]`
      why: The given key does not identify an element in this collection value: the index 7 is beyond the only element.
"#);
}

#[test]
fn faults_of_known_values_are_found_without_a_plan() {
    let environment = environment(&[(
        "cfg/main.nat.hcl",
        "resource \"nat_gateway\" \"g\" {\n  vpc_id = \"vpc-1\"\n  name = \"http://x\"\n}\n",
    )]);
    let (configuration, diagnostics) =
        crate::configuration::load(&environment, std::path::Path::new("cfg"));
    assert!(diagnostics.is_empty(), "{}", write(&diagnostics, &configuration.sources));
    let found = check(Arc::new(configuration), &environment);
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn functions_see_the_files_of_the_configuration() {
    let files = [
        (
            "cfg/main.nat.hcl",
            "output \"a\" { value = \"${file(\"a.txt\")} ${plantimestamp()} ${timestamp()}\" }",
        ),
        ("cfg/a.txt", "text"),
    ];
    let environment = environment(&files);
    let (configuration, _) = load_files(&files);
    let configuration = Arc::new(configuration);
    let (planning, _) = Program::new(Arc::clone(&configuration), BTreeMap::new(), &environment);
    let objects = ObjectMap::new();
    assert!(planning.outputs(&objects).0["a"].is_unknown(), "`timestamp` is not known yet");
    let record = planning.files();
    assert_eq!(record.contents.len(), 1);
    let nowhere = crate::configuration::tests::environment(&[]);
    let (applying, _) = Program::new_applying(
        configuration,
        BTreeMap::new(),
        &nowhere,
        planning.plan_time(),
        Some(record),
    );
    let value = applying.outputs(&objects).0["a"].clone();
    assert!(value.as_str().unwrap().starts_with("text 20"), "{value:?}");
}

#[test]
fn time_limits_may_come_from_variables() {
    let text = r#"
        variable "limits" { type = map(string) }
        resource "nat_gateway" "plain" {
          vpc_id = "vpc-1"
          timeouts {
            create = var.limits.create
            delete = null
            update = "90s"
          }
        }
        resource "nat_gateway" "made" {
          for_each = { a = "5m" }
          vpc_id   = "vpc-1"
          dynamic "timeouts" {
            for_each = [var.limits]
            iterator = it
            content {
              create = each.value
              delete = it.value["delete"]
            }
          }
        }
        resource "nat_gateway" "none" {
          vpc_id = "vpc-1"
          dynamic "timeouts" {
            for_each = []
            content { create = "1m" }
          }
        }
        resource "nat_gateway" "wrong" {
          vpc_id = "vpc-1"
          timeouts { update = var.limits.update }
        }
        "#;
    let limits = [("create", "10m"), ("delete", "1h30m"), ("update", "soon")];
    let limits = limits.map(|(name, text)| (Name::from(name), Value::from(text)));
    let limits = Value::map(Type::String, limits.into_iter().collect());
    let case = Case::with(&[("cfg/main.nat.hcl", text)], &[("limits", limits)]);
    let limits = |address: &str| {
        let (limits, diagnostics) = case.program.timeouts(&address.parse().unwrap());
        let codes: Vec<_> = diagnostics.iter().map(|d| d.code).collect();
        (limits.into_iter().map(|(name, s)| format!("{name} {s}")).collect::<Vec<_>>(), codes)
    };
    let known = |limits: &[&str]| (limits.iter().map(ToString::to_string).collect(), Vec::new());
    assert_eq!(limits("nat_gateway.plain"), known(&["create 600", "update 90"]));
    assert_eq!(limits("nat_gateway.made[\"a\"]"), known(&["create 300", "delete 5400"]));
    assert_eq!(limits("nat_gateway.none"), known(&[]));
    assert_eq!(limits("nat_gateway.wrong"), (Vec::new(), vec!["invalid-duration"]));
}
