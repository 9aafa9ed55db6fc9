//! What happens when something that takes time is done.

use crate::emulator::world::World;
use crate::emulator::world::index::NEVER;
use crate::emulator::world::model::{
    BandwidthPackage, Change, Eip, ForwardEntry, Gateway, GatewayChange, Kind, SnatEntry, Token,
};
use crate::environment::Timestamp;

impl World {
    /// Lets everything happen that is due up to `until`, in its order, and sets the time to `until`.
    pub(crate) fn ripen(&mut self, until: Timestamp) {
        while let Some((ready, kind, key)) = self.index.due.first().cloned() {
            if ready > until || ready == NEVER {
                break;
            }
            self.time = ready;
            self.index.due.pop_first();
            self.finish(kind, &key);
        }
        self.time = until;
    }

    /// Finishes at `now` what goes on with the object of that id, or with every object.
    /// Returns how many were finished.
    pub fn settle(&mut self, now: Timestamp, id: Option<&str>) -> usize {
        let now = self.time_at(now);
        self.ripen(now);
        let waiting: Vec<_> = self
            .index
            .due
            .iter()
            .filter(|(_, kind, key)| *kind != Kind::Token && id.is_none_or(|id| id == key))
            .cloned()
            .collect();
        for due in &waiting {
            // A gateway that goes takes its entries with it; they are no longer due then.
            if self.index.due.remove(due) {
                self.finish(due.1, &due.2);
            }
        }
        waiting.len()
    }

    fn finish(&mut self, kind: Kind, key: &str) {
        match kind {
            Kind::Gateway => self.finish_gateway(key),
            Kind::BandwidthPackage => self.finish_package(key),
            Kind::ForwardEntry => {
                if let Some(mut entry) = self.forward_entries.get(key).cloned() {
                    if entry.pending.is_some_and(|p| p.change == Change::Delete) {
                        self.remove::<ForwardEntry>(key);
                    } else {
                        entry.pending = None;
                        self.put(entry);
                    }
                }
            }
            Kind::SnatEntry => {
                if let Some(mut entry) = self.snat_entries.get(key).cloned() {
                    if entry.pending.is_some_and(|p| p.change == Change::Delete) {
                        self.remove::<SnatEntry>(key);
                    } else {
                        entry.pending = None;
                        self.put(entry);
                    }
                }
            }
            Kind::Token => {
                self.remove::<Token>(key);
            }
            Kind::Meta
            | Kind::Conditions
            | Kind::Vpc
            | Kind::VSwitch
            | Kind::SharedBandwidth
            | Kind::Eip => {}
        }
    }

    fn finish_package(&mut self, key: &str) {
        if let Some(mut package) = self.packages.get(key).cloned() {
            if package.pending.is_some_and(|p| p.change == Change::Delete) {
                self.remove::<BandwidthPackage>(key);
            } else {
                package.pending = None;
                self.put(package);
            }
        }
    }

    fn finish_gateway(&mut self, key: &str) {
        let Some(mut gateway) = self.gateways.get(key).cloned() else { return };
        let Some(pending) = gateway.pending.take() else { return };
        match pending.change {
            GatewayChange::Create => {}
            GatewayChange::Spec(spec) => gateway.spec = spec,
            GatewayChange::Convert => self.finish_conversion(&mut gateway),
            GatewayChange::Delete => return self.remove_gateway(&gateway),
        }
        self.put(gateway);
    }

    /// Takes out a gateway with all that belongs to it.
    fn remove_gateway(&mut self, gateway: &Gateway) {
        for id in entries(self.index.forward_tables.get(&gateway.forward_table)) {
            self.remove::<ForwardEntry>(&id);
        }
        for id in entries(self.index.snat_tables.get(&gateway.snat_table)) {
            self.remove::<SnatEntry>(&id);
        }
        let packages: Vec<String> = self.packages_of(&gateway.id).map(|p| p.id.clone()).collect();
        for id in packages {
            self.remove::<BandwidthPackage>(&id);
        }
        let eips: Vec<Eip> = self.eips_of(&gateway.id).cloned().collect();
        for eip in eips {
            self.put(Eip { gateway: None, ..eip });
        }
        self.remove_routes(&gateway.vpc, &gateway.id, false);
        self.remove::<Gateway>(&gateway.id);
    }
}

fn entries(table: Option<&super::index::Table>) -> Vec<String> {
    table.into_iter().flat_map(|t| &t.entries).map(|(_, id)| id.clone()).collect()
}
