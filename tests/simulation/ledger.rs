//! Who made what, kept beside natform: every intent that was written, every object that came to be,
//! what the state records. Judges the whole history, not only its end.

use std::collections::BTreeMap;

use natform::address::Address;
use natform::api::catalogue::Action;
use natform::api::http::HttpRequest;
use natform::emulator::world::model::{Change, GatewayChange};
use natform::emulator::{Dump, Record};
use natform::environment::{Clock, Timestamp};
use natform::state::{JournalEntry, Snapshot, Write};

use crate::network::{Delivery, From};
use crate::sim::{Sim, violated};

/// An intent to create.
#[derive(Debug, Clone)]
struct Intent {
    address: Address,
    action: Action,
    token: String,
    parameters: BTreeMap<String, String>,
    creates_first: bool,
}

/// An object that came to be.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    /// The address that it was made for; none when natform did not make it.
    pub(crate) address: Option<Address>,
    pub(crate) from: From,
}

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    intents: Vec<Intent>,
    pub(crate) made: BTreeMap<String, Made>,
    /// What the state records: addresses by ids.
    recorded: BTreeMap<String, Address>,
    pub(crate) last_write: Timestamp,
    /// Ids that the network's late copies or people changed or deleted.
    pub(crate) touched: Vec<String>,
}

/// Returns the ids of all objects, and whether each is being deleted.
pub(crate) fn objects(dump: &Dump) -> BTreeMap<&str, bool> {
    let gateways = dump.gateways.iter().map(|g| {
        let deleting = g.pending.as_ref().is_some_and(|p| p.change == GatewayChange::Delete);
        (&*g.id, deleting)
    });
    let deleting = |pending: Option<natform::emulator::world::model::Pending<Change>>| {
        pending.is_some_and(|pending| pending.change == Change::Delete)
    };
    let packages = dump.bandwidth_packages.iter().map(|p| (&*p.id, deleting(p.pending)));
    let forward = dump.forward_entries.iter().map(|e| (&*e.id, deleting(e.pending)));
    let snat = dump.snat_entries.iter().map(|e| (&*e.id, deleting(e.pending)));
    gateways.chain(packages).chain(forward).chain(snat).collect()
}

impl Ledger {
    /// Learns what is about to be written to the state.
    pub(crate) fn intend(&mut self, entry: &JournalEntry) {
        if entry.creates && self.intents.iter().all(|intent| intent.token != entry.token) {
            self.intents.push(Intent {
                address: entry.address.clone(),
                action: entry.action,
                token: entry.token.clone(),
                parameters: entry.parameters.clone(),
                creates_first: entry.sets_aside.is_some(),
            });
        }
    }

    /// Learns what was written to the state.
    pub(crate) fn wrote(&mut self, writes: &[Write]) {
        for write in writes {
            match write {
                Write::Put(instance) => {
                    self.recorded.insert(instance.id.clone(), instance.address.clone());
                }
                // An id that another record took over stays; the next snapshot tells.
                Write::Remove((address, _)) => {
                    if let Some(id) = self.removed(address) {
                        self.recorded.remove(&id);
                    }
                }
                // A token that replaces another is as good as a new intent.
                Write::Journal(entry) if !entry.parameters.is_empty() => self.intend(entry),
                _ => {}
            }
        }
    }

    fn removed(&self, address: &Address) -> Option<String> {
        let mut ids = self.recorded.iter().filter(|(_, at)| *at == address).map(|(id, _)| id);
        let first = ids.next().cloned();
        first.filter(|_| ids.next().is_none())
    }

    /// Learns what the state records after a process has ended.
    pub(crate) fn learn(&mut self, snapshot: &Snapshot) {
        self.recorded =
            snapshot.instances.values().map(|i| (i.id.clone(), i.address.clone())).collect();
    }

    /// Finds the intent that a call comes from.
    fn intent(&self, action: Action, record: &Record) -> Option<&Intent> {
        let token = record.parameters.get("ClientToken");
        self.intents.iter().rev().find(|intent| {
            intent.action == action
                && match token {
                    Some(token) => *token == intent.token,
                    None => record
                        .parameters
                        .iter()
                        .all(|(name, sent)| intent.parameters.get(name) == Some(sent)),
                }
        })
    }
}

impl Sim {
    /// Returns the world as it is now.
    pub(crate) fn dump(&self) -> Dump {
        // With any request the world does what is due.
        self.emulator.handle(&HttpRequest {
            method: "GET".to_owned(),
            target: "/".to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        });
        self.emulator.with_world(|world, _| world.dump()).unwrap()
    }

    /// Judges what a call did.
    pub(crate) fn took_effect(&self, delivery: &Delivery, record: &Record) {
        let Some(action) = delivery.action else { return };
        // Some faults answer an error in place of a success.
        let may_have_worked = record.code.is_none() || record.fault.is_some();
        if may_have_worked {
            self.count(format!("action: {}", action.name()));
            self.ledger.lock().unwrap().last_write = self.clock.now();
        }
        if matches!(delivery.from, From::Console | From::LateCopy) && may_have_worked {
            let named = ["ForwardEntryId", "SnatEntryId", "BandwidthPackageId", "NatGatewayId"];
            let id = named.iter().find_map(|name| record.parameters.get(*name));
            self.ledger.lock().unwrap().touched.extend(id.cloned());
        }
        if action.makes().is_none() {
            return;
        }
        let dump = self.dump();
        let there = objects(&dump);
        let mut ledger = self.ledger.lock().unwrap();
        let new: Vec<String> = there
            .keys()
            .filter(|id| !ledger.made.contains_key(**id))
            .map(|id| (*id).to_owned())
            .collect();
        for id in new {
            let intent = match delivery.from {
                From::Natform | From::Copy => ledger.intent(action, record).cloned(),
                From::LateCopy | From::Console => None,
            };
            let ours = matches!(delivery.from, From::Natform | From::Copy);
            if ours && intent.is_none() {
                drop(ledger);
                violated("no-intent", format!("{id} was made without an intent: {record:?}"));
            }
            if let Some(intent) = &intent {
                let others: Vec<String> = ledger
                    .made
                    .iter()
                    .filter(|(other, made)| {
                        // Of objects that nothing tells apart each address may have any.
                        let address = ledger.recorded.get(*other).or(made.address.as_ref());
                        address == Some(&intent.address)
                            && there.get(other.as_str()) == Some(&false)
                    })
                    .filter(|(other, _)| {
                        // The old one of a replacement that creates first.
                        !intent.creates_first || !ledger.recorded.contains_key(*other)
                    })
                    .map(|(other, _)| other.clone())
                    .collect();
                if !others.is_empty() {
                    let detail = format!("{}: {id} beside {}", intent.address, others.join(", "));
                    drop(ledger);
                    violated("duplicate", detail);
                }
            }
            let address = intent.map(|intent| intent.address);
            ledger.made.insert(id, Made { address, from: delivery.from });
        }
    }

    /// Judges what is there when a process has ended: every live object of ours is recorded, or an
    /// open row of the journal leads to it.
    pub(crate) fn judge_state(&self, snapshot: &Snapshot, with_journal: bool) {
        let mut ledger = self.ledger.lock().unwrap();
        ledger.learn(snapshot);
        let dump = self.dump();
        let there = objects(&dump);
        let mut unowned = Vec::new();
        for (id, made) in &ledger.made {
            let Some(address) = &made.address else { continue };
            if there.get(id.as_str()) != Some(&false) || ledger.recorded.contains_key(id) {
                continue;
            }
            let led = snapshot.open.iter().any(|entry| entry.creates && entry.address == *address);
            if !led {
                unowned.push(format!("{id} of {address}"));
            }
        }
        drop(ledger);
        if with_journal && !unowned.is_empty() {
            violated("unowned", format!("nothing leads to {}", unowned.join(", ")));
        }
    }
}
