//! Configurations as data, drawn and changed by the dice; `render` writes them as natform reads them.

use natform::api::catalogue::Edition;

use crate::dice::Dice;

/// What a configuration asks for.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    pub(crate) edition: Edition,
    pub(crate) region: &'static str,
    pub(crate) gateways: Vec<Gateway>,
    /// So many gateways of one block, all without a name.
    pub(crate) pool: usize,
    next: usize,
    /// Keys of gateways are not used twice: another block is another gateway.
    next_gateway: usize,
}

#[derive(Debug, Clone)]
pub(crate) struct Gateway {
    /// Names the block; its VPC goes with it.
    pub(crate) key: usize,
    pub(crate) enhanced: bool,
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) spec: &'static str,
    pub(crate) vswitch: char,
    pub(crate) create_first: bool,
    pub(crate) force: bool,
    /// Whether it is converted by the edits of this round.
    pub(crate) converting: bool,
    pub(crate) packages: Vec<Package>,
    pub(crate) dnat: Vec<Dnat>,
    pub(crate) snat: Vec<Snat>,
}

#[derive(Debug, Clone)]
pub(crate) struct Package {
    pub(crate) key: usize,
    pub(crate) bandwidth: usize,
    pub(crate) addresses: usize,
    pub(crate) name: Option<String>,
    pub(crate) by_bandwidth: bool,
    pub(crate) shared: bool,
}

/// A DNAT entry; those on one address of a package are one block.
#[derive(Debug, Clone)]
pub(crate) struct Dnat {
    pub(crate) key: usize,
    pub(crate) package: usize,
    /// Index of the address; even ones serve DNAT.
    pub(crate) address: usize,
    pub(crate) port: usize,
    pub(crate) inside: (usize, usize),
    pub(crate) protocol: &'static str,
    pub(crate) name: Option<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Snat {
    pub(crate) key: usize,
    pub(crate) package: usize,
    /// Indices of the addresses; odd ones serve SNAT.
    pub(crate) addresses: Vec<usize>,
    pub(crate) source: Source,
    pub(crate) name: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    VSwitch(char),
    Host(usize),
}

const SPECS: [&str; 3] = ["Small", "Middle", "Large"];
/// Most gateways, with a VPC each.
pub(crate) const MOST_GATEWAYS: usize = 14;

impl Model {
    /// Draws a configuration of about so many objects.
    pub(crate) fn draw(
        dice: &mut Dice,
        edition: Edition,
        region: &'static str,
        objects: usize,
    ) -> Self {
        let mut model =
            Self { edition, region, gateways: Vec::new(), pool: 0, next: 1, next_gateway: 0 };
        if model.is_new() && dice.below(3) == 0 {
            model.pool = 1 + dice.below(3);
        }
        model.add_gateway(dice);
        while model.size() < objects {
            match dice.below(30) {
                0 if model.gateways.len() < 4 => model.add_gateway(dice),
                1..=5 => model.add_snat(dice),
                _ => model.add_dnat(dice),
            }
        }
        model
    }

    /// Makes so many gateways with so many DNAT entries each.
    pub(crate) fn tables(gateways: usize, entries: usize) -> Self {
        let edition = Edition::V2020_09_25;
        let mut dice = Dice::new(0);
        let mut model = Self::draw(&mut dice, edition, "cn-hangzhou", 0);
        model.pool = 0;
        model.gateways.clear();
        for key in 0..gateways {
            let package = Package { key, ..model.package(&mut dice) };
            let dnat = (0..entries).map(|index| Dnat {
                key: index,
                package: key,
                address: 0,
                port: 100 + index,
                inside: (10, 1000 + index),
                protocol: "tcp",
                name: None,
            });
            let (packages, dnat) = (vec![package], dnat.collect());
            model.gateways.push(Gateway {
                key,
                enhanced: true,
                name: Some(format!("gateway-{key}")),
                description: None,
                spec: "Small",
                vswitch: 'a',
                create_first: false,
                force: false,
                converting: false,
                packages,
                dnat,
                snat: Vec::new(),
            });
        }
        model
    }

    pub(crate) fn is_new(&self) -> bool {
        self.edition == Edition::V2020_09_25
    }

    pub(crate) fn size(&self) -> usize {
        let gateways = self.gateways.iter();
        let below = gateways.map(|g| 1 + g.packages.len() + g.dnat.len() + g.snat.len());
        self.pool + below.sum::<usize>()
    }

    fn number(&mut self) -> usize {
        self.next += 1;
        self.next
    }

    fn add_gateway(&mut self, dice: &mut Dice) {
        let key = self.next_gateway;
        if key >= MOST_GATEWAYS {
            return;
        }
        self.next_gateway += 1;
        let named = dice.below(4) > 0;
        let mut gateway = Gateway {
            key,
            enhanced: self.is_new() && dice.below(2) == 0,
            name: named.then(|| format!("gateway-{}", self.number())),
            description: (dice.below(3) == 0).then(|| format!("about {}", self.number())),
            spec: dice.pick(&SPECS),
            vswitch: dice.pick(&['a', 'b']),
            create_first: dice.below(3) == 0,
            force: dice.below(4) == 0,
            converting: false,
            packages: Vec::new(),
            dnat: Vec::new(),
            snat: Vec::new(),
        };
        for _ in 0..dice.pick(&[0, 1, 1, 1, 2]) {
            gateway.packages.push(self.package(dice));
        }
        self.gateways.push(gateway);
    }

    fn package(&mut self, dice: &mut Dice) -> Package {
        Package {
            key: self.number(),
            bandwidth: 5 * (1 + dice.below(4)),
            addresses: 2 + dice.below(3),
            name: (dice.below(3) > 0).then(|| format!("package-{}", self.number())),
            by_bandwidth: dice.below(4) == 0,
            shared: false,
        }
    }

    /// Picks a gateway that has a package, or gives one a package.
    fn with_package(&mut self, dice: &mut Dice) -> Option<(usize, usize)> {
        if self.gateways.is_empty() {
            self.add_gateway(dice);
        }
        if self.gateways.is_empty() {
            return None;
        }
        let index = dice.below(self.gateways.len());
        if self.gateways[index].packages.is_empty() {
            if self.gateways[index].converting {
                return None;
            }
            let package = self.package(dice);
            self.gateways[index].packages.push(package);
        }
        let package = dice.below(self.gateways[index].packages.len());
        Some((index, package))
    }

    fn add_dnat(&mut self, dice: &mut Dice) {
        let key = self.number();
        let Some((index, package)) = self.with_package(dice) else { return };
        let is_new = self.is_new();
        let gateway = &mut self.gateways[index];
        if gateway.dnat.len() >= 95 {
            return;
        }
        let package = &gateway.packages[package];
        let entry = Dnat {
            key,
            package: package.key,
            address: if package.addresses > 2 { dice.pick(&[0, 0, 2]) } else { 0 },
            port: 100 + dice.below(800),
            inside: (10 + dice.below(5), 1000 + dice.below(400)),
            protocol: dice.pick(&["tcp", "tcp", "udp"]),
            name: (is_new && dice.below(2) == 0).then(|| format!("entry-{key}")),
        };
        if !gateway.collides(&entry) {
            gateway.dnat.push(entry);
        }
    }

    fn add_snat(&mut self, dice: &mut Dice) {
        let key = self.number();
        let Some((index, package)) = self.with_package(dice) else { return };
        let is_new = self.is_new();
        let gateway = &mut self.gateways[index];
        let source = match dice.below(3) {
            0 => Source::VSwitch(dice.pick(&['a', 'b'])),
            _ => Source::Host(100 + dice.below(50)),
        };
        if gateway.snat.len() >= 30 || gateway.snat.iter().any(|entry| entry.source == source) {
            return;
        }
        let package = &gateway.packages[package];
        let both = package.addresses > 3 && dice.below(2) == 0;
        gateway.snat.push(Snat {
            key,
            package: package.key,
            addresses: if both { vec![1, 3] } else { vec![1] },
            source,
            name: (is_new && dice.below(2) == 0).then(|| format!("source-{key}")),
        });
    }

    /// Begins another round of edits.
    pub(crate) fn next_round(&mut self) {
        for gateway in &mut self.gateways {
            gateway.converting = false;
        }
    }

    /// Changes something.
    pub(crate) fn edit(&mut self, dice: &mut Dice) {
        let number = self.number();
        let converts = self.region == "cn-qingdao" && self.is_new();
        match dice.below(26) {
            0 => return self.add_gateway(dice),
            1 | 2 => return self.add_snat(dice),
            3..=5 => return self.add_dnat(dice),
            6 if self.is_new() => return self.pool = dice.below(4),
            _ => {}
        }
        if self.gateways.is_empty() {
            return;
        }
        let index = dice.below(self.gateways.len());
        let is_new = self.is_new();
        let package = self.package(dice);
        let gateway = &mut self.gateways[index];
        let shared = gateway.packages.iter().any(|package| package.shared);
        match dice.below(24) {
            0 if !shared => drop(self.gateways.remove(index)),
            1 => gateway.spec = dice.pick(&SPECS),
            2 => gateway.name = Some(format!("gateway-{number}")),
            3 => gateway.description = Some(format!("about {number}")),
            // Another vSwitch is another gateway, with all that stands on it.
            4 if gateway.enhanced && !shared => {
                gateway.vswitch = if gateway.vswitch == 'a' { 'b' } else { 'a' };
            }
            5 | 6 if converts && !gateway.enhanced => {
                for package in &mut gateway.packages {
                    package.shared = true;
                }
                gateway.force = true;
                gateway.enhanced = true;
                gateway.converting = true;
            }
            // One that is being converted may get shared ones only.
            7 if gateway.packages.len() < 3 => {
                let shared = shared && dice.below(2) == 0;
                if !gateway.converting || shared {
                    gateway.packages.push(Package { shared, ..package });
                }
            }
            8 if gateway.packages.len() > 1 => {
                let index = dice.below(gateway.packages.len());
                if !gateway.packages[index].shared {
                    let key = gateway.packages.remove(index).key;
                    gateway.dnat.retain(|entry| entry.package != key);
                    gateway.snat.retain(|entry| entry.package != key);
                }
            }
            9..=15 if !gateway.packages.is_empty() => {
                let index = dice.below(gateway.packages.len());
                gateway.edit_package(index, (number, is_new), dice);
            }
            _ => gateway.edit_entry(number, is_new, dice),
        }
    }
}

impl Gateway {
    fn collides(&self, entry: &Dnat) -> bool {
        self.dnat.iter().any(|other| {
            other.key != entry.key
                && other.protocol == entry.protocol
                && (other.inside == entry.inside
                    || (other.package, other.address, other.port)
                        == (entry.package, entry.address, entry.port))
        })
    }

    fn edit_package(&mut self, index: usize, (number, is_new): (usize, bool), dice: &mut Dice) {
        let package = &mut self.packages[index];
        if package.shared {
            return;
        }
        match dice.below(8) {
            0 => package.bandwidth = 5 * (1 + dice.below(8)),
            1 => package.name = Some(format!("package-{number}")),
            2 => package.by_bandwidth = !package.by_bandwidth,
            3 if is_new && dice.below(3) == 0 => {
                package.shared = true;
                self.force = true;
            }
            _ => {
                package.addresses = 2 + dice.below(4);
                let (key, count) = (package.key, package.addresses);
                let taken: Vec<Dnat> = self.dnat.clone();
                for entry in self.dnat.iter_mut().filter(|e| e.package == key && e.address >= count)
                {
                    entry.address = 0;
                    // The key may be taken where it goes.
                    while taken.iter().any(|other| {
                        other.package == key && other.port == entry.port && other.key != entry.key
                    }) {
                        entry.port += 1000;
                    }
                }
                for entry in self.snat.iter_mut().filter(|e| e.package == key) {
                    entry.addresses.retain(|address| *address < count);
                    if entry.addresses.is_empty() {
                        entry.addresses.push(1);
                    }
                }
            }
        }
    }

    fn edit_entry(&mut self, number: usize, is_new: bool, dice: &mut Dice) {
        if !self.snat.is_empty() && dice.below(4) == 0 {
            let index = dice.below(self.snat.len());
            let count = self
                .packages
                .iter()
                .find(|p| p.key == self.snat[index].package)
                .map(|p| p.addresses);
            let entry = &mut self.snat[index];
            match dice.below(3) {
                0 => drop(self.snat.remove(index)),
                1 if is_new => entry.name = Some(format!("source-{number}")),
                _ if count.is_some_and(|count| count > 3) => {
                    entry.addresses = dice.pick(&[vec![1], vec![3], vec![1, 3]]);
                }
                _ => {}
            }
            return;
        }
        if self.dnat.is_empty() {
            return;
        }
        let (one, other) = (dice.below(self.dnat.len()), dice.below(self.dnat.len()));
        let before = self.dnat.clone();
        match dice.below(8) {
            0 | 1 => drop(self.dnat.remove(one)),
            2 | 3 => {
                // They swap what others reach them by.
                let (first, second) = (before[one].clone(), before[other].clone());
                for (index, from) in [(one, second), (other, first)] {
                    let entry = &mut self.dnat[index];
                    (entry.package, entry.address) = (from.package, from.address);
                    (entry.port, entry.protocol) = (from.port, from.protocol);
                }
            }
            4 => {
                let inside = self.dnat[one].inside;
                self.dnat[one].inside = self.dnat[other].inside;
                self.dnat[other].inside = inside;
            }
            5 if is_new => self.dnat[one].name = Some(format!("entry-{number}")),
            6 => self.dnat[one].port = 1000 + number % 9000,
            _ => self.dnat[one].inside = (20, 1 + number),
        }
        let entries = self.dnat.clone();
        if entries.iter().any(|entry| self.collides(entry)) {
            self.dnat = before;
        }
    }
}
