//! People at the console: they edit, delete and add while natform works and while it does not.

use std::collections::BTreeSet;
use std::time::Duration;

use natform::api::catalogue::{Action, Edition};
use natform::emulator::Dump;
use natform::plan::{ChangeKind, PlanMode};
use natform::state::Instance;

use crate::dice::Dice;
use crate::ledger::{Made, objects};
use crate::life::House;
use crate::network::From;
use crate::seed::{planned, shown};
use crate::sim::violated;

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
    sim.pass(Duration::from_secs(65));
    let snapshot = house.snapshot();
    let before = sim.dump();
    for _ in 0..=dice.below(3) {
        act(house, dice, Duration::ZERO);
        sim.pass(Duration::from_secs(30));
    }
    let after = sim.dump();
    let (mut changed, mut deleted) = (BTreeSet::new(), BTreeSet::new());
    for instance in snapshot.instances.values() {
        match (seen(&before, instance), seen(&after, instance)) {
            (Some(_), None) => drop(deleted.insert(instance.address.to_string())),
            (old, new) if old != new => drop(changed.insert(instance.address.to_string())),
            _ => {}
        }
    }
    // The next apply is to mend all of it at once.
    sim.ledger.lock().unwrap().touched.clear();
    let plan = planned(house, text, PlanMode::Normal);
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

/// Returns what people change of a recorded object, as far as a configuration sets it; none when the
/// object is not there.
fn seen(dump: &Dump, instance: &Instance) -> Option<String> {
    let id = &instance.id;
    match instance.address.kind() {
        "nat_gateway" => {
            let live = dump.gateways.iter().find(|gateway| gateway.id == *id)?;
            Some(if is_described(instance) { live.description.clone() } else { String::new() })
        }
        "bandwidth_package" if instance.object.flag("convert_to_shared") => Some(String::new()),
        "bandwidth_package" => {
            let live = dump.bandwidth_packages.iter().find(|package| package.id == *id)?;
            Some(live.bandwidth.to_string())
        }
        "forward_entry" => {
            let live = dump.forward_entries.iter().find(|entry| entry.id == *id)?;
            Some(format!("{live:?}"))
        }
        _ => {
            let live = dump.snat_entries.iter().find(|entry| entry.id == *id)?;
            Some(format!("{live:?}"))
        }
    }
}

/// Returns whether configuration sets the description of a gateway.
fn is_described(instance: &Instance) -> bool {
    instance.object.text("description").is_some_and(|text| text.starts_with("about"))
}

/// Has somebody do something to a recorded object, or make one of their own.
fn act(house: &House, dice: &mut Dice, after: Duration) {
    let sim = &house.sim;
    let snapshot = house.snapshot();
    let instances: Vec<_> = snapshot.instances.values().filter(|i| i.deposed.is_none()).collect();
    if instances.is_empty() {
        return;
    }
    let instance = instances[dice.below(instances.len())];
    let id = instance.id.clone();
    let text = |name: &str| instance.object.text(name).unwrap_or_default().to_owned();
    let number = dice.between(1, 9000);
    let (action, own) = match (instance.address.kind(), dice.below(3)) {
        ("nat_gateway", 0) => (
            Action::ModifyNatGatewayAttribute,
            vec![("NatGatewayId", id), ("Description", format!("by hand {number}"))],
        ),
        ("nat_gateway", _) if sim.edition == Edition::V2020_09_25 => (
            Action::CreateNatGateway,
            vec![
                ("VpcId", "vpc-pool".to_owned()),
                ("VSwitchId", "vsw-pool-b".to_owned()),
                ("NatType", "Enhanced".to_owned()),
                ("Name", format!("by-hand-{number}")),
            ],
        ),
        ("bandwidth_package", 0) if !instance.object.flag("convert_to_shared") => (
            Action::ModifyBandwidthPackageSpec,
            vec![("BandwidthPackageId", id), ("Bandwidth", (100 + number % 100).to_string())],
        ),
        ("forward_entry", 0) => (
            Action::ModifyForwardEntry,
            vec![
                ("ForwardEntryId", id),
                ("ForwardTableId", text("forward_table_id")),
                ("ExternalIp", text("external_ip")),
                ("ExternalPort", text("external_port")),
                ("InternalIp", "192.168.1.200".to_owned()),
                ("InternalPort", number.to_string()),
                ("IpProtocol", text("ip_protocol").to_uppercase()),
            ],
        ),
        ("forward_entry", 1) => (
            Action::DeleteForwardEntry,
            vec![("ForwardEntryId", id), ("ForwardTableId", text("forward_table_id"))],
        ),
        ("forward_entry", _) => (
            Action::CreateForwardEntry,
            vec![
                ("ForwardTableId", text("forward_table_id")),
                ("ExternalIp", text("external_ip")),
                ("ExternalPort", (20_000 + number).to_string()),
                ("InternalIp", "192.168.1.201".to_owned()),
                ("InternalPort", number.to_string()),
                ("IpProtocol", "TCP".to_owned()),
            ],
        ),
        ("snat_entry", 0 | 1) => (
            Action::DeleteSnatEntry,
            vec![("SnatEntryId", id), ("SnatTableId", text("snat_table_id"))],
        ),
        _ => return,
    };
    sim.console(action, &own, after);
}

/// What is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tidy {
    /// What late copies of creates made.
    Copies,
    /// That, and what people made.
    All,
}

/// Has people take away what is not natform's: where natform wants a place that something else has,
/// it rightly says so and does not go on.
pub(crate) fn tidy(house: &House, what: Tidy) {
    let sim = &house.sim;
    if what == Tidy::All {
        sim.count("outsider: tidied");
    }
    sim.pass(Duration::from_secs(65));
    let snapshot = house.snapshot();
    let recorded: BTreeSet<&str> = snapshot.instances.values().map(|i| i.id.as_str()).collect();
    let dump = sim.dump();
    let there = objects(&dump);
    let made: Vec<(String, Made)> = sim
        .ledger
        .lock()
        .unwrap()
        .made
        .iter()
        .map(|(id, made)| (id.clone(), made.clone()))
        .collect();
    for (id, made) in made {
        let theirs =
            made.from == From::LateCopy || (what == Tidy::All && made.from == From::Console);
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
            sim.console(
                Action::DeleteBandwidthPackage,
                &[("BandwidthPackageId", id)],
                Duration::ZERO,
            );
        }
        sim.pass(Duration::from_secs(30));
    }
    sim.ledger.lock().unwrap().touched.clear();
}

/// Returns whether something is there that may rightly stand in natform's way.
pub(crate) fn is_disturbed(house: &House) -> bool {
    let dump = house.sim.dump();
    let there = objects(&dump);
    let ledger = house.sim.ledger.lock().unwrap();
    let foreign = |made: &Made| matches!(made.from, From::Console | From::LateCopy);
    !ledger.touched.is_empty()
        || ledger.made.iter().any(|(id, made)| foreign(made) && there.contains_key(id.as_str()))
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
