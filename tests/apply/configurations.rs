//! What the tests apply.

/// A gateway with a package, DNAT entries on one address and an SNAT entry on the other.
pub(crate) fn shop(ports: &[(u32, u32)], bandwidth: u32, addresses: u32) -> String {
    let ports: Vec<String> =
        ports.iter().map(|(out, inside)| format!("\"{out}\" = {inside}")).collect();
    format!(
        r#"
provider "alicloud" {{
  region   = "cn-hangzhou"
  endpoint = "emulator"
}}
resource "nat_gateway" "edge" {{
  vpc_id = "vpc-emulator"
  name   = "edge"
  spec   = "Small"
}}
resource "bandwidth_package" "edge" {{
  nat_gateway_id = nat_gateway.edge.id
  bandwidth      = {bandwidth}
  ip_count       = {addresses}
}}
resource "forward_entry" "web" {{
  for_each         = {{ {} }}
  forward_table_id = nat_gateway.edge.forward_table_id
  external_ip      = bandwidth_package.edge.public_ip_addresses[0]
  external_port    = each.key
  internal_ip      = "192.168.1.10"
  internal_port    = each.value
  ip_protocol      = "tcp"
}}
resource "snat_entry" "out" {{
  snat_table_id     = nat_gateway.edge.snat_table_id
  source_vswitch_id = "vsw-emulator-a"
  snat_ip           = [bandwidth_package.edge.public_ip_addresses[1]]
}}
output "web" {{
  value = {{ for port, entry in forward_entry.web : port => entry.external_ip }}
}}
"#,
        ports.join(", ")
    )
}

/// Nothing at all.
pub(crate) const NOTHING: &str = r#"
provider "alicloud" {
  region   = "cn-hangzhou"
  endpoint = "emulator"
}
"#;

/// So many Enhanced gateways, each with so many DNAT entries.
pub(crate) fn tables(gateways: u32, entries: u32) -> String {
    format!(
        r#"
provider "alicloud" {{
  region   = "cn-hangzhou"
  endpoint = "emulator"
}}
locals {{
  gateways = toset([for i in range({gateways}) : "g${{i}}"])
  entries  = merge([for g in local.gateways : {{ for p in range({entries}) : "${{g}}-${{p}}" => {{ gateway = g, port = 1000 + p }} }}]...)
}}
resource "nat_gateway" "g" {{
  for_each   = local.gateways
  vpc_id     = "vpc-emulator"
  vswitch_id = "vsw-emulator-a"
  nat_type   = "Enhanced"
  name       = each.key
}}
resource "bandwidth_package" "p" {{
  for_each       = local.gateways
  nat_gateway_id = nat_gateway.g[each.key].id
  bandwidth      = 5
  ip_count       = 1
}}
resource "forward_entry" "e" {{
  for_each         = local.entries
  forward_table_id = nat_gateway.g[each.value.gateway].forward_table_id
  external_ip      = bandwidth_package.p[each.value.gateway].public_ip_addresses[0]
  external_port    = each.value.port
  internal_ip      = "192.168.1.10"
  internal_port    = each.value.port
  ip_protocol      = "tcp"
}}
"#
    )
}

/// A gateway of a type, where types can be changed.
pub(crate) fn conversion(nat_type: &str) -> String {
    let vswitch = if nat_type == "Enhanced" { "vsw-emulator-a-qingdao" } else { "" };
    let vswitch =
        if vswitch.is_empty() { String::new() } else { format!("vswitch_id = \"{vswitch}\"") };
    format!(
        r#"
provider "alicloud" {{
  region   = "cn-qingdao"
  endpoint = "emulator"
}}
resource "nat_gateway" "edge" {{
  vpc_id   = "vpc-emulator-qingdao"
  name     = "edge"
  spec     = "Small"
  nat_type = "{nat_type}"
  {vswitch}
}}
"#
    )
}

/// A package that is, or is not, converted to shared bandwidth.
pub(crate) fn shared(convert: bool) -> String {
    format!(
        r#"
provider "alicloud" {{
  region   = "cn-hangzhou"
  endpoint = "emulator"
}}
resource "nat_gateway" "edge" {{
  vpc_id = "vpc-emulator"
  name   = "edge"
  spec   = "Small"
}}
resource "bandwidth_package" "edge" {{
  nat_gateway_id    = nat_gateway.edge.id
  bandwidth         = 5
  ip_count          = 1
  convert_to_shared = {convert}
}}
"#
    )
}
