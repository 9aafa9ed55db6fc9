//! Whole configurations with natform's own resource types, and texts that are none.

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::configuration::{load, variables};

const EXAMPLE: &str = r#"
natform {
  required_version = ">= 0.1"
  backend "sqlite" { path = "natform.db" }
}
provider "alicloud" {
  region   = "cn-hangzhou"
  endpoint = "emulator"
}
variable "web_ports" { type = map(number) }

resource "nat_gateway" "edge" {
  vpc_id = "vpc-emulator"
  name   = "edge"
  spec   = "Small"
}
resource "bandwidth_package" "edge" {
  nat_gateway_id = nat_gateway.edge.id
  bandwidth      = 5
  ip_count       = 2
}
resource "forward_entry" "web" {
  for_each         = var.web_ports
  forward_table_id = nat_gateway.edge.forward_table_id
  external_ip      = bandwidth_package.edge.public_ip_addresses[0]
  external_port    = each.key
  internal_ip      = "192.168.1.10"
  internal_port    = each.value
  ip_protocol      = "tcp"
  lifecycle {
    precondition {
      condition     = can(tonumber(each.key))
      error_message = "Keys of web_ports are ports."
    }
  }
}
data "nat_gateways" "all" { vpc_id = nat_gateway.edge.vpc_id }
output "addresses" { value = bandwidth_package.edge.public_ip_addresses }
output "entries" { value = { for k, e in forward_entry.web : k => "${e.external_ip}:${e.external_port}" } }
"#;

fn example() -> Environment {
    environment(&[
        ("cfg/main.nat.hcl", EXAMPLE),
        ("cfg/natform.natvars", "web_ports = { 80 = 8080, 443 = 8443 }"),
    ])
}

#[test]
fn the_example_of_the_manual_is_evaluated() {
    let environment = example();
    let (mut configuration, diagnostics) = load(&environment, Path::new("cfg"));
    assert!(diagnostics.is_empty(), "{}", write(&diagnostics, &configuration.sources));
    let (values, diagnostics) = variables(&mut configuration, &environment, &[]);
    assert!(diagnostics.is_empty(), "{}", write(&diagnostics, &configuration.sources));
    let configuration = Arc::new(configuration);
    assert!(check(Arc::clone(&configuration), &environment).is_empty());
    let (program, diagnostics) = Program::new(configuration, values.values, &environment);
    let case = Case { program, diagnostics, objects: ObjectMap::new() };
    assert_eq!(case.said(), "");
    assert_eq!(
        case.order(),
        [
            "nat_gateway.edge",
            "bandwidth_package.edge",
            "forward_entry.web",
            "data.nat_gateways.all"
        ]
    );
    assert_eq!(case.keys("forward_entry.web"), "[\"443\"] [\"80\"]");
    insta::assert_snapshot!(case.instance("forward_entry.web[\"443\"]"), @r#"
    external_ip = <bandwidth_package.edge.public_ip_addresses[0]: string>
    external_port = "443"
    forward_table_id = <nat_gateway.edge.forward_table_id: string>
    internal_ip = "192.168.1.10"
    internal_port = "8443"
    ip_protocol = "tcp"
"#);
    insta::assert_snapshot!(case.needs("forward_entry.web[\"443\"]"), @r#"
    bandwidth_package.edge {public_ip_addresses}
    nat_gateway.edge {forward_table_id}
"#);
    insta::assert_snapshot!(case.outputs(), @r#"
    addresses = <bandwidth_package.edge.public_ip_addresses: list(string)>
    entries = { "443" = (known after apply) "80" = (known after apply) }
"#);
}

/// Evaluates all that there is to evaluate.
fn exercise(text: &str) {
    let environment = environment(&[("cfg/main.nat.hcl", text)]);
    let (mut configuration, first) = load(&environment, Path::new("cfg"));
    let (values, _) = variables(&mut configuration, &environment, &[]);
    let sources = configuration.sources.clone();
    let configuration = Arc::new(configuration);
    let _ = check(Arc::clone(&configuration), &environment);
    let (program, mut found) = Program::new(configuration, values.values, &environment);
    found.extend(first);
    let objects = ObjectMap::new();
    for resource in program.order().unwrap_or_default() {
        let Ok(keys) = program.expand_resource(&resource, &objects) else { continue };
        for key in keys.iter().take(3) {
            let address = resource.instance(key.clone());
            found.extend(program.instance(&address, &objects).1);
            found.extend(program.prevent_destroy(&address).1);
            found.extend(program.triggers(&address, &objects).1);
        }
    }
    found.extend(program.outputs(&objects).1);
    found.extend(program.remaining(&objects));
    found.extend(program.imports(&objects).1);
    found.extend(program.checks(&objects));
    found.extend(program.provider("").1);
    for diagnostic in &found {
        for label in &diagnostic.labels {
            let file = sources.get(label.span.file).expect("a place lies in a source");
            assert!(label.span.end as usize <= file.text.len() + 1, "{diagnostic:?}");
        }
    }
}

/// Words that make mistakes where they are put.
const WORDS: [&str; 24] = [
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "\"",
    "=",
    "${",
    "null",
    "each.key",
    "count.index",
    "self",
    "var.x",
    "for_each",
    "count",
    "local.a",
    "nat_gateway.edge",
    "[*]",
    "dynamic \"x\" {}",
    "module \"m\" {}",
    "-1",
    "\n",
    "lifecycle {}",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_text_makes_it_panic(
        edits in prop::collection::vec((0..EXAMPLE.len(), 0..40_usize, 0..WORDS.len()), 1..4)
    ) {
        let mut text = EXAMPLE.to_owned();
        for (at, length, word) in edits {
            let at = at.min(text.len());
            let end = (at + length).min(text.len());
            if text.is_char_boundary(at) && text.is_char_boundary(end) {
                text.replace_range(at..end, WORDS[word]);
            }
        }
        exercise(&text);
    }
}
