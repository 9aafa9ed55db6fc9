//! Writes a configuration as natform reads it.

use std::fmt::Write as _;

use crate::model::{Gateway, Model, Package, Source};

/// A configuration without resources.
pub(crate) fn nothing(region: &str) -> String {
    format!("provider \"alicloud\" {{\n  region   = \"{region}\"\n  endpoint = \"emulator\"\n}}\n")
}

fn text(value: Option<&String>) -> String {
    value.map_or_else(|| "null".to_owned(), |text| format!("\"{text}\""))
}

pub(crate) fn render(model: &Model) -> String {
    let mut out = nothing(model.region);
    if model.pool > 0 {
        let _ = write!(
            out,
            r#"
resource "nat_gateway" "pool" {{
  count      = {}
  vpc_id     = "vpc-pool"
  vswitch_id = "vsw-pool-a"
  nat_type   = "Enhanced"
  spec       = "Small"
}}
"#,
            model.pool
        );
    }
    for gateway in &model.gateways {
        write_gateway(&mut out, model, gateway);
        for package in &gateway.packages {
            write_package(&mut out, gateway, package);
        }
        write_entries(&mut out, model, gateway);
    }
    out
}

fn write_gateway(out: &mut String, model: &Model, gateway: &Gateway) {
    let key = gateway.key;
    let _ = write!(
        out,
        "\nresource \"nat_gateway\" \"g{key}\" {{\n  vpc_id = \"vpc-{key}\"\n  spec = \"{}\"\n  \
         force = {}\n",
        gateway.spec, gateway.force
    );
    if let Some(name) = &gateway.name {
        let _ = writeln!(out, "  name = \"{name}\"");
    }
    if let Some(description) = &gateway.description {
        let _ = writeln!(out, "  description = \"{description}\"");
    }
    if model.is_new() {
        let kind = if gateway.enhanced { "Enhanced" } else { "Normal" };
        let _ = writeln!(out, "  nat_type = \"{kind}\"");
    }
    if gateway.enhanced {
        let _ = writeln!(out, "  vswitch_id = \"vsw-{key}-{}\"", gateway.vswitch);
    }
    if gateway.create_first && gateway.enhanced {
        out.push_str("  lifecycle {\n    create_before_destroy = true\n  }\n");
    }
    out.push_str("}\n");
}

fn write_package(out: &mut String, gateway: &Gateway, package: &Package) {
    let _ = write!(
        out,
        r#"
resource "bandwidth_package" "p{}" {{
  nat_gateway_id       = nat_gateway.g{}.id
  bandwidth            = {}
  ip_count             = {}
  name                 = {}
  internet_charge_type = "{}"
  convert_to_shared    = {}
}}
"#,
        package.key,
        gateway.key,
        package.bandwidth,
        package.addresses,
        text(package.name.as_ref()),
        if package.by_bandwidth { "PayByBandwidth" } else { "PayByTraffic" },
        package.shared
    );
}

fn write_entries(out: &mut String, model: &Model, gateway: &Gateway) {
    let key = gateway.key;
    for package in &gateway.packages {
        let entries: Vec<_> =
            gateway.dnat.iter().filter(|entry| entry.package == package.key).collect();
        if entries.is_empty() {
            continue;
        }
        let _ = writeln!(out, "\nresource \"forward_entry\" \"d{key}-{}\" {{", package.key);
        out.push_str("  for_each = {\n");
        for entry in entries {
            let _ = writeln!(
                out,
                "    e{} = {{ ip = {}, port = \"{}\", to = \"192.168.1.{}\", to_port = \"{}\", \
                 protocol = \"{}\", name = {} }}",
                entry.key,
                entry.address,
                entry.port,
                entry.inside.0,
                entry.inside.1,
                entry.protocol,
                text(entry.name.as_ref())
            );
        }
        let _ = write!(
            out,
            "  }}\n  forward_table_id = nat_gateway.g{key}.forward_table_id\n  external_ip = \
             bandwidth_package.p{}.public_ip_addresses[each.value.ip]\n",
            package.key
        );
        out.push_str(
            "  external_port = each.value.port\n  internal_ip = each.value.to\n  internal_port = \
             each.value.to_port\n  ip_protocol = each.value.protocol\n",
        );
        if model.is_new() {
            out.push_str("  forward_entry_name = each.value.name\n");
        }
        out.push_str("}\n");
    }
    for entry in &gateway.snat {
        let addresses: Vec<String> = entry
            .addresses
            .iter()
            .map(|index| {
                format!("bandwidth_package.p{}.public_ip_addresses[{index}]", entry.package)
            })
            .collect();
        let source = match entry.source {
            Source::VSwitch(letter) => format!("source_vswitch_id = \"vsw-{key}-{letter}\""),
            Source::Host(host) => format!("source_cidr = \"192.168.9.{host}/32\""),
        };
        let _ = write!(
            out,
            "\nresource \"snat_entry\" \"s{}\" {{\n  snat_table_id = \
             nat_gateway.g{key}.snat_table_id\n  snat_ip = [{}]\n  {source}\n",
            entry.key,
            addresses.join(", ")
        );
        if let Some(name) = &entry.name {
            let _ = writeln!(out, "  snat_entry_name = \"{name}\"");
        }
        out.push_str("}\n");
    }
}
