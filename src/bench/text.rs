//! A shape as a configuration, and the world of the emulator in which it can be made. Both are small:
//! the configuration counts, and the world holds two VPCs for each gateway.

use std::io::{self, Write};

use super::shape::{Moved, Shape, Stage};

/// The region of all of it.
pub const REGION: &str = "cn-hangzhou";

/// Writes the configuration of a stage for the service at `endpoint`.
pub fn write_configuration(
    shape: &Shape,
    stage: Stage,
    endpoint: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    let addresses = if shape.sources_each > 0 && shape.forwards_each > 0 { 2 } else { 1 };
    write!(
        out,
        r#"provider "alicloud" {{
  region   = "{REGION}"
  endpoint = "{endpoint}"
}}

locals {{
  gateways = {{ for g in range({gateways}) : "g${{g}}" => g }}
}}

resource "nat_gateway" "g" {{
  for_each = local.gateways
  vpc_id   = "{vpc}-${{each.value}}"
  name     = each.key
  nat_type = "Normal"
}}

resource "bandwidth_package" "p" {{
  for_each       = local.gateways
  nat_gateway_id = nat_gateway.g[each.key].id
  bandwidth      = 5
  ip_count       = {addresses}
}}
"#,
        gateways = shape.gateways,
        vpc = if stage.elsewhere { "other" } else { "vpc" },
    )?;
    if !stage.entries {
        return Ok(());
    }
    if shape.forwards > 0 {
        write_forwards(shape, stage, out)?;
    }
    if shape.sources > 0 {
        write_sources(shape, stage, addresses - 1, out)?;
    }
    Ok(())
}

fn write_forwards(shape: &Shape, stage: Stage, out: &mut dyn Write) -> io::Result<()> {
    let moved = match stage.moved {
        Moved::None => 0,
        Moved::One => 1,
        Moved::All => shape.forwards,
    };
    write!(
        out,
        r#"
locals {{
  forwards = {{
    for e in range({forwards}) : "e${{e}}" => {{
      gateway = "g${{floor(e / {each})}}"
      port    = 1000 + e % {each}
      to      = (e < {moved} ? 20000 : 10000) + e % {each}
    }}
  }}
}}

resource "forward_entry" "e" {{
  for_each           = local.forwards
  forward_table_id   = nat_gateway.g[each.value.gateway].forward_table_id
  forward_entry_name = "{name}"
  external_ip        = bandwidth_package.p[each.value.gateway].public_ip_addresses[0]
  external_port      = each.value.port
  internal_ip        = "192.168.1.10"
  internal_port      = each.value.to
  ip_protocol        = "tcp"
}}
"#,
        forwards = shape.forwards,
        each = shape.forwards_each,
        name = if stage.renamed { "site" } else { "web" },
    )
}

fn write_sources(
    shape: &Shape,
    stage: Stage,
    address: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    write!(
        out,
        r#"
locals {{
  sources = {{
    for s in range({sources}) : "s${{s}}" => {{
      gateway = "g${{floor(s / {each})}}"
      network = 100 + s % {each}
    }}
  }}
}}

resource "snat_entry" "s" {{
  for_each        = local.sources
  snat_table_id   = nat_gateway.g[each.value.gateway].snat_table_id
  snat_entry_name = "{name}"
  source_cidr     = "192.168.${{each.value.network}}.0/24"
  snat_ip         = [bandwidth_package.p[each.value.gateway].public_ip_addresses[{address}]]
}}
"#,
        sources = shape.sources,
        each = shape.sources_each,
        name = if stage.moved == Moved::All { "outward" } else { "out" },
    )
}

/// Writes the world to begin with, as `natform emulator load` takes it.
pub fn write_world(shape: &Shape, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(b"{\"format_version\":1,\"vpcs\":[")?;
    for gateway in 0..shape.gateways {
        for vpc in ["vpc", "other"] {
            let comma = if (gateway, vpc) == (0, "vpc") { "" } else { "," };
            write!(
                out,
                "{comma}\n{{\"id\":\"{vpc}-{gateway}\",\"region\":\"{REGION}\",\"cidr\":\"192.168.0.0/16\"}}"
            )?;
        }
    }
    out.write_all(b"\n]}\n")
}
