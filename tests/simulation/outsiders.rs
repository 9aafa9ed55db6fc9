//! People at the console: they edit, delete and add while natform works and while it does not.

use std::collections::BTreeSet;
use std::time::Duration;

use natform::api::catalogue::Action;
use natform::plan::{ChangeKind, PlanMode};

use crate::dice::Dice;
use crate::ledger::{Made, objects};
use crate::life::House;
use crate::network::From;
use crate::seed::shown;
use crate::sim::violated;

/// What somebody did.
enum Deed {
    /// Changed a recorded object.
    Changed(String),
    /// Deleted a recorded object.
    Deleted(String),
    /// Made something of their own.
    Made,
}

/// Has somebody do something now and then while processes work.
pub(crate) fn visit_meanwhile(house: &House, dice: &mut Dice) {
    for _ in 0..dice.below(3) {
        let after = Duration::from_millis(dice.between(0, 20_000));
        act(house, dice, after);
    }
}

/// Has somebody do things while nothing else goes on: the next plan must show exactly that.
pub(crate) fn visit_quietly(house: &House, dice: &mut Dice, text: &str) {
    let sim = &house.sim;
    let mut changed = BTreeSet::new();
    let mut deleted = BTreeSet::new();
    for _ in 0..=dice.below(3) {
        let calls = sim.tally.lock().unwrap().count("outsider: done");
        let deed = act(house, dice, Duration::ZERO);
        sim.pass(Duration::from_secs(30));
        if sim.tally.lock().unwrap().count("outsider: done") == calls {
            continue;
        }
        match deed {
            Some(Deed::Changed(address)) => drop(changed.insert(address)),
            Some(Deed::Deleted(address)) => drop(deleted.insert(address)),
            Some(Deed::Made) | None => {}
        }
    }
    changed.retain(|address| !deleted.contains(address));
    let (plan, diagnostics) = house.plan(text, PlanMode::Normal);
    if diagnostics.has_errors() {
        violated("plan-refused", format!("after a visitor: {diagnostics:#?}"));
    }
    for change in &plan.changes {
        let address = change.address.to_string();
        let expected = match change.kind {
            ChangeKind::NoOp => !changed.contains(&address) && !deleted.contains(&address),
            ChangeKind::Update => changed.contains(&address),
            ChangeKind::Create => deleted.contains(&address),
            _ => false,
        };
        if !expected {
            let did = format!("changed {changed:?}, deleted {deleted:?}");
            violated("plan-not-exact", format!("{did}; {address}: {}", shown(&plan)));
        }
    }
}

/// Has somebody do something to a recorded object, or make one of their own.
fn act(house: &House, dice: &mut Dice, after: Duration) -> Option<Deed> {
    let sim = &house.sim;
    let snapshot = house.snapshot();
    let instances: Vec<_> = snapshot.instances.values().filter(|i| i.deposed.is_none()).collect();
    if instances.is_empty() {
        return None;
    }
    let instance = instances[dice.below(instances.len())];
    let (address, id) = (instance.address.to_string(), instance.id.clone());
    let text = |name: &str| instance.object.text(name).unwrap_or_default().to_owned();
    let number = dice.between(1, 9000);
    match (instance.address.kind(), dice.below(3)) {
        ("nat_gateway", 0) => {
            let own = [("NatGatewayId", id), ("Description", format!("by hand {number}"))];
            sim.console(Action::ModifyNatGatewayAttribute, &own, after);
            // What configuration does not set is not its business.
            let configured = instance.object.text("description").is_some_and(|d| d.starts_with("about"));
            Some(if configured { Deed::Changed(address) } else { Deed::Made })
        }
        ("nat_gateway", _) => {
            let own = [
                ("VpcId", "vpc-pool".to_owned()),
                ("VSwitchId", "vsw-pool-b".to_owned()),
                ("NatType", "Enhanced".to_owned()),
                ("Name", format!("by-hand-{number}")),
            ];
            let place = sim.edition == natform::api::catalogue::Edition::V2020_09_25;
            if place {
                sim.console(Action::CreateNatGateway, &own, after);
            }
            Some(Deed::Made)
        }
        ("bandwidth_package", 0) if !instance.object.flag("convert_to_shared") => {
            let bandwidth = (100 + number % 100).to_string();
            let own = [("BandwidthPackageId", id), ("Bandwidth", bandwidth)];
            sim.console(Action::ModifyBandwidthPackageSpec, &own, after);
            Some(Deed::Changed(address))
        }
        ("forward_entry", 0) => {
            let own = [
                ("ForwardEntryId", id),
                ("ForwardTableId", text("forward_table_id")),
                ("ExternalIp", text("external_ip")),
                ("ExternalPort", text("external_port")),
                ("InternalIp", "192.168.1.200".to_owned()),
                ("InternalPort", number.to_string()),
                ("IpProtocol", text("ip_protocol").to_uppercase()),
            ];
            sim.console(Action::ModifyForwardEntry, &own, after);
            Some(Deed::Changed(address))
        }
        ("forward_entry", 1) => {
            let own = [("ForwardEntryId", id), ("ForwardTableId", text("forward_table_id"))];
            sim.console(Action::DeleteForwardEntry, &own, after);
            Some(Deed::Deleted(address))
        }
        ("forward_entry", _) => {
            let own = [
                ("ForwardTableId", text("forward_table_id")),
                ("ExternalIp", text("external_ip")),
                ("ExternalPort", (20_000 + number).to_string()),
                ("InternalIp", "192.168.1.201".to_owned()),
                ("InternalPort", number.to_string()),
                ("IpProtocol", "TCP".to_owned()),
            ];
            sim.console(Action::CreateForwardEntry, &own, after);
            Some(Deed::Made)
        }
        ("snat_entry", 0 | 1) => {
            let own = [("SnatEntryId", id), ("SnatTableId", text("snat_table_id"))];
            sim.console(Action::DeleteSnatEntry, &own, after);
            Some(Deed::Deleted(address))
        }
        _ => None,
    }
}

/// Has the people take away what they made, and what late copies of creates made: where natform wants
/// a place that something else has, it rightly says so and does not go on.
pub(crate) fn tidy(house: &House) {
    let sim = &house.sim;
    sim.pass(Duration::from_secs(65));
    let snapshot = house.snapshot();
    let recorded: BTreeSet<&str> = snapshot.instances.values().map(|i| i.id.as_str()).collect();
    let dump = sim.dump();
    let there = objects(&dump);
    let made: Vec<(String, Made)> =
        sim.ledger.lock().unwrap().made.iter().map(|(id, made)| (id.clone(), made.clone())).collect();
    for (id, made) in made {
        let theirs = matches!(made.from, From::Console | From::LateCopy);
        if !theirs || there.get(id.as_str()) != Some(&false) || recorded.contains(id.as_str()) {
            continue;
        }
        // Several at a time are refused in a DNAT table.
        if let Some(entry) = dump.forward_entries.iter().find(|entry| entry.id == id) {
            let own = [("ForwardEntryId", id), ("ForwardTableId", entry.table.clone())];
            sim.console(Action::DeleteForwardEntry, &own, Duration::ZERO);
        } else if let Some(entry) = dump.snat_entries.iter().find(|entry| entry.id == id) {
            let own = [("SnatEntryId", id), ("SnatTableId", entry.table.clone())];
            sim.console(Action::DeleteSnatEntry, &own, Duration::ZERO);
        } else if dump.gateways.iter().any(|gateway| gateway.id == id) {
            sim.console(Action::DeleteNatGateway, &[("NatGatewayId", id)], Duration::ZERO);
        } else {
            sim.console(Action::DeleteBandwidthPackage, &[("BandwidthPackageId", id)], Duration::ZERO);
        }
        sim.pass(Duration::from_secs(30));
    }
    sim.ledger.lock().unwrap().touched.clear();
}

/// Returns what people made that is still there, as they left it.
pub(crate) fn theirs(house: &House) -> Vec<String> {
    let dump = house.sim.dump();
    let ledger = house.sim.ledger.lock().unwrap();
    let theirs = |id: &str| ledger.made.get(id).is_some_and(|made| made.from == From::Console);
    let gateways = dump.gateways.iter().filter(|o| theirs(&o.id)).map(|o| format!("{o:?}"));
    let entries = dump.forward_entries.iter().filter(|o| theirs(&o.id)).map(|o| format!("{o:?}"));
    gateways.chain(entries).collect()
}
