//! Configurations as data, drawn such that keys, addresses and places collide a lot.

use super::dice::Dice;

/// A configuration.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Config {
    pub(super) gateways: Vec<Gateway>,
    pub(super) packages: Vec<Package>,
    pub(super) dnat: Vec<Dnat>,
    pub(super) snat: Vec<Snat>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Gateway {
    /// Its block; the last one is in another region.
    pub(super) key: usize,
    pub(super) vpc: usize,
    pub(super) enhanced: bool,
    pub(super) vswitch: char,
    pub(super) spec: &'static str,
    pub(super) name: usize,
    pub(super) create_first: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Package {
    pub(super) key: usize,
    pub(super) gateway: usize,
    pub(super) ips: usize,
    pub(super) bandwidth: usize,
    pub(super) zone: char,
    pub(super) shared: bool,
    pub(super) create_first: bool,
}

/// A public address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ip {
    /// Of a package, by its index.
    Package(usize, usize),
    /// Bound to the first gateway.
    Eip(usize),
}

/// Where an entry is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// A block of its own.
    Block(usize),
    /// A key of the block with `for_each`.
    Each(char),
    /// The next index of the block with `count`.
    Count,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Dnat {
    pub(super) place: Place,
    pub(super) gateway: usize,
    pub(super) ip: Ip,
    pub(super) port: usize,
    pub(super) inside: (usize, usize),
    pub(super) protocol: &'static str,
    pub(super) name: Option<usize>,
    /// In blocks of their own only.
    pub(super) create_first: bool,
    pub(super) protected: bool,
    /// Entries of other blocks that it waits for.
    pub(super) depends_on: Option<usize>,
}

impl Dnat {
    /// Its outer and its inner port.
    pub(super) fn ports(&self) -> (String, String) {
        if self.protocol == "any" && self.port < 4 {
            return ("any".to_owned(), "any".to_owned());
        }
        (self.port.to_string(), self.inside.1.to_string())
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Snat {
    pub(super) key: usize,
    pub(super) gateway: usize,
    pub(super) pool: Vec<Ip>,
    pub(super) source: Source,
    pub(super) name: Option<usize>,
    pub(super) create_first: bool,
    pub(super) protected: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    VSwitch(char),
    Cidr(&'static str),
}

/// Gateways that there may be; the last one is in the region where gateways can be converted.
pub(super) const GATEWAYS: usize = 4;
/// VPCs in the first region.
pub(super) const VPCS: usize = 3;
pub(super) const BLOCKS: usize = 8;
const EACH: [char; 6] = ['a', 'b', 'c', 'd', 'e', 'f'];
const CIDRS: [&str; 7] = [
    "192.168.3.0/24",
    "192.168.3.7/32",
    "192.168.3.8/32",
    "192.168.3.128/25",
    "192.168.4.0/24",
    "192.168.1.0/24",
    "192.168.1.9/32",
];

/// Returns the provider's alias and the region of a gateway.
pub(super) fn place_of(gateway: usize) -> (&'static str, &'static str) {
    if gateway + 1 == GATEWAYS { ("north", "cn-qingdao") } else { ("", "cn-hangzhou") }
}

impl Config {
    pub(super) fn draw(dice: &mut Dice, eips: usize) -> Self {
        let mut config = Self::default();
        config.add_gateway(dice, 0);
        for _ in 0..dice.below(3) {
            let key = dice.below(GATEWAYS);
            config.add_gateway(dice, key);
        }
        for _ in 0..dice.below(12) {
            config.add_dnat(dice, eips);
        }
        for _ in 0..dice.below(5) {
            config.add_snat(dice, eips);
        }
        config
    }

    pub(super) fn add_gateway(&mut self, dice: &mut Dice, key: usize) {
        if self.gateways.iter().any(|g| g.key == key) {
            return;
        }
        let north = place_of(key).0 == "north";
        self.gateways.push(Gateway {
            key,
            vpc: if north { VPCS } else { dice.below(VPCS) },
            enhanced: dice.below(2) == 0,
            vswitch: dice.pick(&['a', 'b']),
            spec: dice.pick(&["Small", "Middle"]),
            name: dice.below(3),
            create_first: dice.below(8) == 0,
        });
        for _ in 0..dice.pick(&[0, 1, 1, 2, 2, 3]) {
            self.add_package(dice, key);
        }
    }

    pub(super) fn add_package(&mut self, dice: &mut Dice, gateway: usize) {
        let taken = |key: usize| self.packages.iter().any(|p| p.key == key);
        let Some(key) = (gateway * 4..gateway * 4 + 4).find(|key| !taken(*key)) else { return };
        self.packages.push(Package {
            key,
            gateway,
            ips: 1 + dice.below(4),
            bandwidth: 5 * (1 + dice.below(3)),
            zone: dice.pick(&['a', 'b']),
            shared: dice.below(20) == 0,
            create_first: dice.below(12) == 0,
        });
    }

    /// Draws an address of a gateway; now and then one of another.
    pub(super) fn ip(&self, dice: &mut Dice, gateway: usize, eips: usize) -> Option<Ip> {
        if gateway == 0 && eips > 0 && dice.below(3) == 0 {
            return Some(Ip::Eip(dice.below(eips)));
        }
        let stray = dice.below(40) == 0;
        let of: Vec<&Package> =
            self.packages.iter().filter(|p| p.gateway == gateway || stray).collect();
        if of.is_empty() {
            return None;
        }
        let package = of[dice.below(of.len())];
        Some(Ip::Package(package.key, dice.below(package.ips)))
    }

    pub(super) fn any_gateway(&self, dice: &mut Dice) -> Option<usize> {
        if self.gateways.is_empty() || dice.below(2) == 0 {
            return self.gateways.first().map(|g| g.key);
        }
        Some(self.gateways[dice.below(self.gateways.len())].key)
    }

    fn free_place(&self, dice: &mut Dice) -> Option<Place> {
        let taken = |place: &Place| self.dnat.iter().any(|e| e.place == *place);
        for _ in 0..4 {
            let place = match dice.below(4) {
                0 => Place::Count,
                1 => Place::Each(dice.pick(&EACH)),
                _ => Place::Block(dice.below(BLOCKS)),
            };
            if place == Place::Count || !taken(&place) {
                return Some(place);
            }
        }
        None
    }

    pub(super) fn add_dnat(&mut self, dice: &mut Dice, eips: usize) {
        let Some(gateway) = self.any_gateway(dice) else { return };
        let (Some(place), Some(ip)) = (self.free_place(dice), self.ip(dice, gateway, eips)) else {
            return;
        };
        let own = matches!(place, Place::Block(_));
        self.dnat.push(Dnat {
            place,
            gateway,
            ip,
            port: 1 + dice.below(5),
            inside: (10 + dice.below(3), 1 + dice.below(4)),
            protocol: dice.pick(&["tcp", "tcp", "tcp", "tcp", "udp", "any"]),
            name: (dice.below(3) == 0).then(|| dice.below(3)),
            create_first: own && dice.below(10) == 0,
            protected: own && dice.below(8) == 0,
            depends_on: (own && dice.below(10) == 0).then(|| dice.below(BLOCKS)),
        });
    }

    pub(super) fn pool(&self, dice: &mut Dice, gateway: usize, eips: usize) -> Option<Vec<Ip>> {
        let first = self.ip(dice, gateway, eips)?;
        let mut pool = vec![first];
        if let Ip::Package(key, _) = first {
            let ips = self.packages.iter().find(|p| p.key == key)?.ips;
            for index in 0..ips {
                let ip = Ip::Package(key, index);
                if dice.below(3) == 0 && !pool.contains(&ip) {
                    pool.push(ip);
                }
            }
            if dice.below(20) == 0 {
                let other = self.ip(dice, gateway, 0)?;
                if !pool.contains(&other) {
                    pool.push(other);
                }
            }
        }
        Some(pool)
    }

    pub(super) fn source(dice: &mut Dice) -> Source {
        match dice.below(3) {
            0 => Source::VSwitch(dice.pick(&['a', 'b'])),
            _ => Source::Cidr(dice.pick(&CIDRS)),
        }
    }

    pub(super) fn add_snat(&mut self, dice: &mut Dice, eips: usize) {
        let key = dice.below(6);
        let Some(gateway) = self.any_gateway(dice) else { return };
        let Some(pool) = self.pool(dice, gateway, eips) else { return };
        if self.snat.iter().any(|e| e.key == key) {
            return;
        }
        self.snat.push(Snat {
            key,
            gateway,
            pool,
            source: Self::source(dice),
            name: (dice.below(3) == 0).then(|| dice.below(3)),
            create_first: dice.below(12) == 0,
            protected: dice.below(12) == 0,
        });
    }

    /// Takes away what stands on what is not there.
    pub(super) fn tidy(&mut self) {
        let gateways: Vec<usize> = self.gateways.iter().map(|g| g.key).collect();
        self.packages.retain(|p| gateways.contains(&p.gateway));
        let packages = self.packages.clone();
        let there = |ip: &Ip| match ip {
            Ip::Eip(_) => true,
            Ip::Package(key, _) => packages.iter().any(|p| p.key == *key),
        };
        let clamp = |ip: &mut Ip| {
            if let Ip::Package(key, index) = ip {
                let package = packages.iter().find(|p| p.key == *key);
                *index = (*index).min(package.map_or(0, |p| p.ips - 1));
            }
        };
        self.dnat.retain(|e| gateways.contains(&e.gateway) && there(&e.ip));
        self.dnat.iter_mut().for_each(|e| clamp(&mut e.ip));
        for entry in &mut self.snat {
            entry.pool.retain(there);
            entry.pool.iter_mut().for_each(clamp);
            entry.pool.sort_unstable();
            entry.pool.dedup();
        }
        self.snat.retain(|e| gateways.contains(&e.gateway) && !e.pool.is_empty());
        // Only what comes later may wait for what comes before, so that there is no circle.
        let blocks: Vec<Place> = self.dnat.iter().map(|e| e.place).collect();
        for entry in &mut self.dnat {
            let Place::Block(own) = entry.place else { continue };
            entry.depends_on = entry
                .depends_on
                .filter(|other| *other < own && blocks.contains(&Place::Block(*other)));
        }
    }

    /// The same without what may stand in the way of a change.
    pub(super) fn unprotected(&self) -> Self {
        let mut config = self.clone();
        config.gateways.iter_mut().for_each(|g| g.create_first = false);
        config.packages.iter_mut().for_each(|p| p.create_first = false);
        for entry in &mut config.dnat {
            (entry.create_first, entry.protected) = (false, false);
        }
        for entry in &mut config.snat {
            (entry.create_first, entry.protected) = (false, false);
        }
        config
    }
}
