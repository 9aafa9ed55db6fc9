//! Configurations of 5 to 40 objects, and what a user makes of them next.

use crate::dice::Dice;

/// What is configured.
#[derive(Debug, Clone)]
pub(crate) struct Configuration {
    gateways: Vec<Gateway>,
    /// How many gateways there may be: an older edition knows Normal ones only, one in a VPC.
    most_gateways: u64,
    /// Numbers given out; none is ever given twice, so that what is made twice shows.
    next: u64,
}

#[derive(Debug, Clone)]
struct Gateway {
    number: u64,
    spec: &'static str,
    bandwidth: u64,
    /// External and internal ports.
    entries: Vec<(u64, u64)>,
    /// Last bytes of the sources of SNAT entries.
    sources: Vec<u64>,
}

impl Configuration {
    /// Draws one.
    pub(crate) fn draw(dice: &mut Dice, most_gateways: u64) -> Self {
        let mut new = Self { gateways: Vec::new(), most_gateways, next: 0 };
        let total = dice.between(5, 40);
        for _ in 0..=(total / 15).min(most_gateways - 1) {
            new.add_gateway();
        }
        while new.objects() < total {
            new.add_entry(dice);
        }
        new
    }

    /// Nothing.
    pub(crate) fn nothing() -> Self {
        Self { gateways: Vec::new(), most_gateways: 1, next: 0 }
    }

    /// Changes it here and there.
    pub(crate) fn edit(&mut self, dice: &mut Dice) {
        for gateway in &mut self.gateways {
            if dice.one_in(3) {
                gateway.spec = if gateway.spec == "Small" { "Middle" } else { "Small" };
            }
            if dice.one_in(3) {
                gateway.bandwidth = dice.between(5, 50);
            }
            gateway.entries.retain(|_| !dice.one_in(4));
            gateway.sources.retain(|_| !dice.one_in(4));
            for entry in &mut gateway.entries {
                if dice.one_in(3) {
                    entry.1 += 10_000;
                }
            }
        }
        if self.gateways.len() > 1 && dice.one_in(4) {
            self.gateways.remove(0);
        } else if (self.gateways.len() as u64) < self.most_gateways && dice.one_in(3) {
            self.add_gateway();
        }
        for _ in 0..dice.below(8) {
            self.add_entry(dice);
        }
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn add_gateway(&mut self) {
        let number = self.number();
        self.gateways.push(Gateway {
            number,
            spec: "Small",
            bandwidth: 5,
            entries: Vec::new(),
            sources: Vec::new(),
        });
    }

    fn add_entry(&mut self, dice: &mut Dice) {
        let number = self.number();
        let at = dice.below(self.gateways.len() as u64);
        let Some(gateway) = self.gateways.get_mut(usize::try_from(at).unwrap_or(0)) else { return };
        if dice.one_in(4) && gateway.sources.len() < 15 {
            gateway.sources.push(number);
        } else {
            gateway.entries.push((1000 + number, 1000 + number));
        }
    }

    /// Returns how many objects are configured: gateways, packages, DNAT entries, SNAT entries.
    pub(crate) fn counts(&self) -> [usize; 4] {
        let gateways = self.gateways.len();
        let entries = self.gateways.iter().map(|g| g.entries.len()).sum();
        let sources = self.gateways.iter().map(|g| g.sources.len()).sum();
        [gateways, gateways, entries, sources]
    }

    pub(crate) fn objects(&self) -> u64 {
        self.counts().iter().sum::<usize>() as u64
    }

    /// Returns the text of it.
    pub(crate) fn text(&self) -> String {
        let mut text = String::from("provider \"alicloud\" {\n  region = \"cn-hangzhou\"\n}\n");
        for gateway in &self.gateways {
            let number = gateway.number;
            let entries: Vec<String> =
                gateway.entries.iter().map(|(out, to)| format!("\"{out}\" = {to}")).collect();
            let sources: Vec<String> =
                gateway.sources.iter().map(|n| format!("\"192.168.1.{n}/32\"")).collect();
            text.push_str(&format!(
                r#"
resource "nat_gateway" "g{number}" {{
  vpc_id     = "vpc-emulator"
  vswitch_id = "vsw-emulator-a"
  nat_type   = "Enhanced"
  name       = "gateway-{number}"
  spec       = "{spec}"
}}
resource "bandwidth_package" "g{number}" {{
  nat_gateway_id = nat_gateway.g{number}.id
  name           = "package-{number}"
  bandwidth      = {bandwidth}
  ip_count       = 2
}}
resource "forward_entry" "g{number}" {{
  for_each         = {{ {entries} }}
  forward_table_id = nat_gateway.g{number}.forward_table_id
  external_ip      = bandwidth_package.g{number}.public_ip_addresses[0]
  external_port    = each.key
  internal_ip      = "192.168.1.10"
  internal_port    = each.value
  ip_protocol      = "tcp"
}}
resource "snat_entry" "g{number}" {{
  for_each      = toset([{sources}])
  snat_table_id = nat_gateway.g{number}.snat_table_id
  source_cidr   = each.key
  snat_ip       = [bandwidth_package.g{number}.public_ip_addresses[1]]
}}
"#,
                spec = gateway.spec,
                bandwidth = gateway.bandwidth,
                entries = entries.join(", "),
                sources = sources.join(", "),
            ));
        }
        text
    }
}
