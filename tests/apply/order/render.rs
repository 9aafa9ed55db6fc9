//! Writes a configuration as natform reads it, and remembers where each block is.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;

use super::model::{Config, Dnat, Gateway, Ip, Package, Place, Snat, Source, place_of};

/// A configuration as text.
#[derive(Debug, Clone)]
pub(super) struct Text {
    pub(super) text: String,
    /// The lines of each block, from 1, by resource address.
    pub(super) blocks: BTreeMap<String, Range<usize>>,
}

const PROVIDERS: &str = r#"provider "alicloud" {
  region   = "cn-hangzhou"
  endpoint = "emulator"
}
provider "alicloud" {
  alias    = "north"
  region   = "cn-qingdao"
  endpoint = "emulator"
}
"#;

/// Returns the block in which an entry is written.
pub(super) fn block_of(entry: &Dnat) -> String {
    match entry.place {
        Place::Block(number) => format!("forward_entry.e{number}"),
        Place::Each(_) => format!("forward_entry.each{}", entry.gateway),
        Place::Count => format!("forward_entry.many{}", entry.gateway),
    }
}

/// Returns the ids that a VPC and its vSwitches have.
pub(super) fn vpc(number: usize) -> String {
    format!("vpc-{number}")
}

pub(super) fn vswitch(vpc: usize, letter: char) -> String {
    format!("vsw-{vpc}-{letter}")
}

fn lifecycle(create_first: bool, protected: bool) -> String {
    if !create_first && !protected {
        return String::new();
    }
    format!(
        "  lifecycle {{\n    create_before_destroy = {create_first}\n    prevent_destroy = \
         {protected}\n  }}\n"
    )
}

fn provider(gateway: usize) -> String {
    match place_of(gateway).0 {
        "" => String::new(),
        alias => format!("  provider = alicloud.{alias}\n"),
    }
}

struct Writer<'a> {
    config: &'a Config,
    eips: &'a [String],
    done: Text,
}

pub(super) fn render(config: &Config, eips: &[String]) -> Text {
    let done = Text { text: PROVIDERS.to_owned(), blocks: BTreeMap::new() };
    let mut writer = Writer { config, eips, done };
    for gateway in &config.gateways {
        writer.gateway(gateway);
    }
    for package in &config.packages {
        writer.package(package);
    }
    for gateway in &config.gateways {
        writer.each(gateway.key);
        writer.many(gateway.key);
    }
    for entry in config.dnat.iter().filter(|e| matches!(e.place, Place::Block(_))) {
        writer.dnat(entry);
    }
    for entry in &config.snat {
        writer.snat(entry);
    }
    writer.done
}

impl Writer<'_> {
    fn block(&mut self, kind: &str, name: &str, body: &str) {
        let first = self.done.text.matches('\n').count() + 1;
        let _ = write!(self.done.text, "resource \"{kind}\" \"{name}\" {{\n{body}}}\n");
        let last = self.done.text.matches('\n').count() + 1;
        self.done.blocks.insert(format!("{kind}.{name}"), first..last);
    }

    fn ip(&self, ip: Ip) -> String {
        match ip {
            Ip::Eip(number) => format!("\"{}\"", self.eips[number]),
            Ip::Package(key, index) => {
                format!("bandwidth_package.p{key}.public_ip_addresses[{index}]")
            }
        }
    }

    fn gateway(&mut self, gateway: &Gateway) {
        let mut body = provider(gateway.key);
        let _ = write!(
            body,
            "  vpc_id = \"{}\"\n  nat_type = \"{}\"\n  spec = \"{}\"\n  name = \"gateway-{}\"\n",
            vpc(gateway.vpc),
            if gateway.enhanced { "Enhanced" } else { "Normal" },
            gateway.spec,
            gateway.name
        );
        if gateway.enhanced {
            let _ = writeln!(body, "  vswitch_id = \"{}\"", vswitch(gateway.vpc, gateway.vswitch));
        }
        body.push_str(&lifecycle(gateway.create_first, false));
        self.block("nat_gateway", &format!("g{}", gateway.key), &body);
    }

    fn package(&mut self, package: &Package) {
        let region = place_of(package.gateway).1;
        let mut body = provider(package.gateway);
        let _ = write!(
            body,
            "  nat_gateway_id = nat_gateway.g{}.id\n  bandwidth = {}\n  ip_count = {}\n  zone = \
             \"{region}-{}\"\n  convert_to_shared = {}\n",
            package.gateway, package.bandwidth, package.ips, package.zone, package.shared
        );
        body.push_str(&lifecycle(package.create_first, false));
        self.block("bandwidth_package", &format!("p{}", package.key), &body);
    }

    fn values(&self, entry: &Dnat) -> String {
        let (outer, inner) = entry.ports();
        format!(
            "{{ ip = {}, port = \"{outer}\", host = {}, inside = \"{inner}\", protocol = \"{}\", \
             name = {} }}",
            self.ip(entry.ip),
            entry.inside.0,
            entry.protocol,
            entry.name.map_or("null".to_owned(), |name| format!("\"entry-{name}\""))
        )
    }

    fn from_values(gateway: usize, value: &str) -> String {
        format!(
            "  forward_table_id = nat_gateway.g{gateway}.forward_table_id\n  external_ip = \
             {value}.ip\n  external_port = {value}.port\n  internal_ip = \
             \"192.168.1.${{{value}.host}}\"\n  internal_port = {value}.inside\n  ip_protocol = \
             {value}.protocol\n  forward_entry_name = {value}.name\n"
        )
    }

    fn each(&mut self, gateway: usize) {
        let entries = self.config.dnat.iter().filter(|e| e.gateway == gateway);
        let lines: Vec<String> = entries
            .filter_map(|entry| match entry.place {
                Place::Each(key) => Some(format!("    {key} = {}\n", self.values(entry))),
                _ => None,
            })
            .collect();
        if !lines.is_empty() {
            let body = format!(
                "{}  for_each = {{\n{}  }}\n{}",
                provider(gateway),
                lines.concat(),
                Self::from_values(gateway, "each.value")
            );
            self.block("forward_entry", &format!("each{gateway}"), &body);
        }
    }

    fn many(&mut self, gateway: usize) {
        let entries = self.config.dnat.iter().filter(|e| e.gateway == gateway);
        let entries = entries.filter(|e| e.place == Place::Count);
        let lines: Vec<String> =
            entries.map(|entry| format!("    {},\n", self.values(entry))).collect();
        if lines.is_empty() {
            return;
        }
        let list = format!("many{gateway}");
        let count = lines.len();
        let _ = write!(self.done.text, "locals {{\n  {list} = [\n{}  ]\n}}\n", lines.concat());
        let body = format!(
            "{}  count = {count}\n{}",
            provider(gateway),
            Self::from_values(gateway, &format!("local.{list}[count.index]"))
        );
        self.block("forward_entry", &list, &body);
    }

    fn dnat(&mut self, entry: &Dnat) {
        let mut body = provider(entry.gateway);
        let (outer, inner) = entry.ports();
        let _ = write!(
            body,
            "  forward_table_id = nat_gateway.g{}.forward_table_id\n  external_ip = {}\n  \
             external_port = \"{outer}\"\n  internal_ip = \"192.168.1.{}\"\n  internal_port = \
             \"{inner}\"\n  ip_protocol = \"{}\"\n",
            entry.gateway,
            self.ip(entry.ip),
            entry.inside.0,
            entry.protocol
        );
        if let Some(name) = entry.name {
            let _ = writeln!(body, "  forward_entry_name = \"entry-{name}\"");
        }
        if let Some(other) = entry.depends_on {
            let _ = writeln!(body, "  depends_on = [forward_entry.e{other}]");
        }
        body.push_str(&lifecycle(entry.create_first, entry.protected));
        let block = block_of(entry);
        self.block("forward_entry", block.trim_start_matches("forward_entry."), &body);
    }

    fn snat(&mut self, entry: &Snat) {
        let mut body = provider(entry.gateway);
        let pool: Vec<String> = entry.pool.iter().map(|ip| self.ip(*ip)).collect();
        let gateway = self.config.gateways.iter().find(|g| g.key == entry.gateway);
        let source = match entry.source {
            Source::Cidr(cidr) => format!("source_cidr = \"{cidr}\""),
            Source::VSwitch(letter) => {
                let vpc = gateway.map_or(0, |g| g.vpc);
                format!("source_vswitch_id = \"{}\"", vswitch(vpc, letter))
            }
        };
        let _ = write!(
            body,
            "  snat_table_id = nat_gateway.g{}.snat_table_id\n  snat_ip = [{}]\n  {source}\n",
            entry.gateway,
            pool.join(", ")
        );
        if let Some(name) = entry.name {
            let _ = writeln!(body, "  snat_entry_name = \"source-{name}\"");
        }
        body.push_str(&lifecycle(entry.create_first, entry.protected));
        self.block("snat_entry", &format!("s{}", entry.key), &body);
    }
}
