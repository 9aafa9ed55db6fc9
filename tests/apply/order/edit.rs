//! Changes of a configuration: above all those after which keys change hands.

use super::dice::Dice;
use super::model::{Config, Dnat, GATEWAYS, Ip, Place, VPCS, place_of};

/// What must stay as it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fixed {
    /// The first gateway and its first package: somebody else uses them.
    pub(super) first: bool,
    /// Addresses bound to the first gateway.
    pub(super) eips: usize,
}

impl Config {
    /// Changes something. Packages that are shared bandwidth stay so, with their gateways.
    pub(super) fn edit(&mut self, dice: &mut Dice, fixed: Fixed) {
        match dice.below(32) {
            0..=5 => self.hand_round(dice),
            6..=8 => self.add_dnat(dice, fixed.eips),
            9 | 10 if !self.dnat.is_empty() => {
                let index = dice.below(self.dnat.len());
                self.dnat.remove(index);
            }
            11..=15 => self.edit_dnat(dice, fixed),
            16 => self.add_snat(dice, fixed.eips),
            17 if !self.snat.is_empty() => {
                let index = dice.below(self.snat.len());
                self.snat.remove(index);
            }
            18..=20 => self.edit_snat(dice, fixed),
            21..=25 => self.edit_package(dice, fixed),
            26 | 27 => self.edit_gateway(dice, fixed),
            28 => {
                let key = dice.below(GATEWAYS);
                self.add_gateway(dice, key);
            }
            29 => self.swap_tables(dice),
            30 => self.rename(dice),
            _ => {
                if let Some(gateway) = self.any_gateway(dice) {
                    self.add_package(dice, gateway);
                }
            }
        }
    }

    /// Some entries give what makes their keys to each other, in a circle.
    fn hand_round(&mut self, dice: &mut Dice) {
        let mut members: Vec<usize> = (0..self.dnat.len()).collect();
        while members.len() > 2 && dice.below(3) > 0 {
            let index = dice.below(members.len());
            members.remove(index);
        }
        if members.len() < 2 {
            return;
        }
        let what = dice.below(6);
        let before = self.dnat.clone();
        for (at, member) in members.iter().enumerate() {
            let from = &before[members[(at + 1) % members.len()]];
            let to = &mut self.dnat[*member];
            let outside = |to: &mut Dnat| {
                (to.gateway, to.ip, to.port) = (from.gateway, from.ip, from.port);
                to.protocol = from.protocol;
            };
            match what {
                0 => outside(to),
                1 => to.inside = from.inside,
                2 => {
                    outside(to);
                    to.inside = from.inside;
                }
                3 => (to.gateway, to.ip) = (from.gateway, from.ip),
                4 => to.port = from.port,
                // One key here, the other there.
                _ if at % 2 == 0 => outside(to),
                _ => to.inside = from.inside,
            }
        }
    }

    fn edit_dnat(&mut self, dice: &mut Dice, fixed: Fixed) {
        if self.dnat.is_empty() {
            return;
        }
        let index = dice.below(self.dnat.len());
        let gateway = self.any_gateway(dice);
        let gateway = gateway.filter(|_| dice.below(4) == 0).unwrap_or(self.dnat[index].gateway);
        let ip = self.ip(dice, gateway, fixed.eips);
        let entry = &mut self.dnat[index];
        match dice.below(8) {
            0 | 1 => {
                if let Some(ip) = ip {
                    (entry.gateway, entry.ip) = (gateway, ip);
                }
            }
            2 | 3 => entry.port = 1 + dice.below(5),
            4 => entry.inside = (10 + dice.below(3), 1 + dice.below(4)),
            5 => entry.name = (dice.below(4) > 0).then(|| dice.below(4)),
            6 => entry.protocol = dice.pick(&["tcp", "udp", "any"]),
            _ if matches!(entry.place, Place::Block(_)) => {
                entry.create_first = dice.below(3) == 0;
                entry.protected = dice.below(3) == 0;
            }
            _ => {}
        }
    }

    fn edit_snat(&mut self, dice: &mut Dice, fixed: Fixed) {
        if self.snat.is_empty() {
            return;
        }
        let (one, other) = (dice.below(self.snat.len()), dice.below(self.snat.len()));
        let gateway = self.snat[one].gateway;
        match dice.below(5) {
            0 => {
                if let Some(pool) = self.pool(dice, gateway, fixed.eips) {
                    self.snat[one].pool = pool;
                }
            }
            1 => self.snat[one].source = Self::source(dice),
            2 => {
                let source = self.snat[one].source;
                self.snat[one].source = self.snat[other].source;
                self.snat[other].source = source;
            }
            3 => {
                let pool = self.snat[one].pool.clone();
                self.snat[one].pool = std::mem::take(&mut self.snat[other].pool);
                self.snat[other].pool = pool;
            }
            _ => self.snat[one].name = Some(dice.below(4)),
        }
    }

    /// An address of a DNAT entry and one of an SNAT pool change places.
    fn swap_tables(&mut self, dice: &mut Dice) {
        if self.dnat.is_empty() || self.snat.is_empty() {
            return;
        }
        let (one, other) = (dice.below(self.dnat.len()), dice.below(self.snat.len()));
        let from = self.dnat[one].ip;
        let to = self.snat[other].pool[0];
        for entry in self.dnat.iter_mut().filter(|e| e.ip == from) {
            entry.ip = to;
        }
        for ip in self.snat.iter_mut().flat_map(|e| &mut e.pool).filter(|ip| **ip == to) {
            *ip = from;
        }
    }

    /// Entries get other keys or indices.
    fn rename(&mut self, dice: &mut Dice) {
        let places: Vec<usize> = (0..self.dnat.len())
            .filter(|i| self.dnat[*i].place != Place::Count)
            .filter(|i| !self.dnat[*i].create_first && !self.dnat[*i].protected)
            .collect();
        if places.len() > 1 && dice.below(2) == 0 {
            let (one, other) = (dice.pick(&places), dice.pick(&places));
            let place = self.dnat[one].place;
            self.dnat[one].place = self.dnat[other].place;
            self.dnat[other].place = place;
            return;
        }
        // What comes first in the list goes, and all others move up.
        if let Some(first) = self.dnat.iter().position(|e| e.place == Place::Count) {
            let mut entry = self.dnat.remove(first);
            if dice.below(2) == 0 {
                entry.place = Place::Count;
                self.dnat.push(entry);
            }
        }
    }

    fn edit_package(&mut self, dice: &mut Dice, fixed: Fixed) {
        if self.packages.is_empty() {
            return;
        }
        let index = dice.below(self.packages.len());
        let package = &mut self.packages[index];
        if package.shared || (fixed.first && package.key == 0) {
            return;
        }
        match dice.below(12) {
            0..=2 => package.ips = 1 + dice.below(4),
            3..=5 => package.zone = if package.zone == 'a' { 'b' } else { 'a' },
            6 => package.bandwidth = 5 * (1 + dice.below(3)),
            7 => package.shared = dice.below(2) == 0,
            8 => package.create_first = !package.create_first,
            9 => self.move_package(dice, index),
            _ => {
                // Its entries move to another one.
                let (key, gateway) = (package.key, package.gateway);
                self.packages.remove(index);
                let other = self.packages.iter().find(|p| p.gateway == gateway);
                let Some(other) = other.map(|p| (p.key, p.ips)) else { return };
                let follow = |ip: &mut Ip| {
                    if let Ip::Package(of, index) = ip
                        && *of == key
                    {
                        *ip = Ip::Package(other.0, *index % other.1);
                    }
                };
                self.dnat.iter_mut().for_each(|e| follow(&mut e.ip));
                self.snat.iter_mut().flat_map(|e| &mut e.pool).for_each(follow);
            }
        }
    }

    /// A package goes to another gateway, with those who use it or without.
    fn move_package(&mut self, dice: &mut Dice, index: usize) {
        let Some(gateway) = self.any_gateway(dice) else { return };
        let (key, before) = (self.packages[index].key, self.packages[index].gateway);
        if place_of(gateway) != place_of(before) {
            return;
        }
        self.packages[index].gateway = gateway;
        for entry in self.dnat.iter_mut().filter(|e| matches!(e.ip, Ip::Package(k, _) if k == key))
        {
            entry.gateway = gateway;
        }
    }

    fn edit_gateway(&mut self, dice: &mut Dice, fixed: Fixed) {
        if self.gateways.is_empty() {
            return;
        }
        let index = dice.below(self.gateways.len());
        let key = self.gateways[index].key;
        let shared = self.packages.iter().any(|p| p.gateway == key && p.shared);
        let gateway = &mut self.gateways[index];
        let north = place_of(key).0 == "north";
        let stays = shared || (fixed.first && key == 0);
        match dice.below(8) {
            0 if !stays => drop(self.gateways.remove(index)),
            1 | 2 if !stays && !north => gateway.vpc = dice.below(VPCS),
            3 if !stays => gateway.vswitch = if gateway.vswitch == 'a' { 'b' } else { 'a' },
            4 if !stays && !north => gateway.enhanced = !gateway.enhanced,
            4 | 5 if !fixed.first && north && !gateway.enhanced => {
                gateway.enhanced = true;
                for package in self.packages.iter_mut().filter(|p| p.gateway == key) {
                    package.shared = dice.below(8) > 0;
                }
            }
            6 => gateway.name = dice.below(3),
            _ => gateway.spec = dice.pick(&["Small", "Middle", "Large"]),
        }
    }
}
