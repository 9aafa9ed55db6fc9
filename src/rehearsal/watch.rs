//! Who watches a rehearsal: makes up what a call names and no list tells, follows which traffic is
//! served, and keeps the refusals.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ipnet::Ipv4Net;

use super::assumption::{Assumption, Assumptions};
use super::mirror::{self, Mirrored};
use super::stage::{Sent, Watch};
use super::traffic::{self, Gap, Lives};
use crate::api::catalogue::Action;
use crate::emulator::world::model::Eip;
use crate::emulator::{Emulator, Outcome, World};
use crate::environment::Timestamp;

/// A refusal, with what it refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// When.
    pub at: Timestamp,
    /// The action.
    pub action: Action,
    /// Code.
    pub code: String,
    /// Message.
    pub message: String,
}

/// Watches one world.
pub struct Watcher {
    begin: Timestamp,
    /// Gateways of which the service does not tell which addresses are bound to them.
    untold: BTreeSet<String>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    lives: Lives,
    assumptions: Assumptions,
    refused: Vec<Refused>,
    /// Entries that the call under way may change.
    touched: Vec<String>,
    /// The next network for a vSwitch of which none is known.
    network: u32,
}

impl Watcher {
    /// Begins to watch a world that was mirrored.
    pub fn new(world: &World, begin: Timestamp, mirrored: &Mirrored) -> Self {
        let inner = Inner {
            lives: Lives::begin(world, begin),
            network: mirrored.networks,
            ..Inner::default()
        };
        Self { begin, untold: mirrored.untold.clone(), inner: Mutex::new(inner) }
    }

    /// Returns when it began.
    pub const fn begin(&self) -> Timestamp {
        self.begin
    }

    /// Returns the traffic that stopped.
    pub fn gaps(&self) -> Vec<Gap> {
        self.lock().lives.gaps(self.begin)
    }

    /// Returns what was assumed on the way.
    pub fn assumptions(&self) -> Assumptions {
        self.lock().assumptions.clone()
    }

    /// Returns what was refused, in order.
    pub fn refused(&self) -> Vec<Refused> {
        self.lock().refused.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes up what a call names.
    fn assume(&self, inner: &mut Inner, world: &mut World, sent: &Sent) {
        let text = |name: &str| sent.parameters.get(name).map(String::as_str);
        let region = text("RegionId").unwrap_or_default();
        if let Some(vpc) = text("VpcId") {
            if !world.vpcs.contains_key(vpc) {
                world.put(mirror::vpc(vpc, region));
            }
            inner.assumptions.about(Assumption::Vpc, vpc);
        }
        let of_gateway = |world: &World, id: Option<&str>| {
            id.and_then(|id| world.gateways.get(id)).map(|gateway| gateway.vpc.clone())
        };
        let (vswitch, vpc) = match sent.action {
            Action::CreateNatGateway => (text("VSwitchId"), text("VpcId").map(str::to_owned)),
            Action::UpdateNatGatewayNatType => {
                (text("VSwitchId"), of_gateway(world, text("NatGatewayId")))
            }
            Action::CreateSnatEntry => {
                let table = text("SnatTableId").and_then(|id| world.index.snat_tables.get(id));
                let gateway = table.and_then(|table| table.gateway.clone());
                (text("SourceVSwitchId"), of_gateway(world, gateway.as_deref()))
            }
            _ => (None, None),
        };
        if let (Some(id), Some(vpc)) = (vswitch, vpc) {
            if !world.vswitches.contains_key(id) {
                let network = mirror::network(&mut inner.network);
                world.put(mirror::vswitch(id, &vpc, mirror::first_zone(region), network));
            }
            inner.assumptions.about(Assumption::VSwitch, id);
        }
        self.addresses(inner, world, sent);
        match sent.action {
            Action::CreateNatGateway
            | Action::UpdateNatGatewayNatType
            | Action::CreateBandwidthPackage
            | Action::AddBandwidthPackageIps => {
                inner.assumptions.about(Assumption::Account, sent.action.name());
            }
            _ => {}
        }
    }

    /// Binds the addresses that a call names to the gateway, where the service does not tell of them.
    fn addresses(&self, inner: &mut Inner, world: &mut World, sent: &Sent) {
        let text = |name: &str| sent.parameters.get(name).map(String::as_str);
        let tables = match sent.action {
            Action::CreateForwardEntry | Action::ModifyForwardEntry => {
                text("ForwardTableId").and_then(|id| world.index.forward_tables.get(id))
            }
            Action::CreateSnatEntry | Action::ModifySnatEntry => {
                text("SnatTableId").and_then(|id| world.index.snat_tables.get(id))
            }
            _ => return,
        };
        let Some(gateway) = tables.and_then(|table| table.gateway.clone()) else { return };
        let named = text("ExternalIp").or_else(|| text("SnatIp")).unwrap_or_default();
        let addresses: Vec<Ipv4Addr> =
            named.split(',').filter_map(|address| address.trim().parse().ok()).collect();
        for address in addresses {
            match world.index.owners.get(&address) {
                None if self.untold.contains(&gateway) => {
                    let region = text("RegionId").unwrap_or_default();
                    let id = format!("eip-{address}");
                    let sequence = world.next_sequence();
                    world.put(mirror::eip(&id, sequence, region, address, &gateway, false));
                    inner.assumptions.about(Assumption::UnlistedAddress, address.to_string());
                }
                Some(crate::emulator::world::index::Owner::Eip(id)) => {
                    let bound = |eip: &Eip| eip.gateway.as_deref() == Some(&gateway);
                    if world.eips.get(id).is_some_and(bound) {
                        inner.assumptions.about(Assumption::BoundAddress, address.to_string());
                    }
                }
                _ => {}
            }
        }
    }
}

/// Returns the entries that a call may change.
fn touched(world: &World, sent: &Sent) -> Vec<String> {
    let text = |name: &str| sent.parameters.get(name).cloned();
    let one = |name: &str| text(name).into_iter().collect();
    match sent.action {
        Action::ModifyForwardEntry | Action::DeleteForwardEntry => one("ForwardEntryId"),
        Action::ModifySnatEntry | Action::DeleteSnatEntry => one("SnatEntryId"),
        Action::DeleteNatGateway => {
            traffic::entries(world, &text("NatGatewayId").unwrap_or_default())
        }
        Action::DeleteBandwidthPackage => {
            let package = text("BandwidthPackageId").and_then(|id| world.packages.get(&id));
            let ips = package.into_iter().flat_map(|package| &package.ips);
            let uses = ips.filter_map(|ip| world.index.uses.get(&ip.address));
            uses.flat_map(|uses| uses.forward.iter().chain(&uses.snat)).cloned().collect()
        }
        _ => Vec::new(),
    }
}

/// Returns a text of an answer's body.
fn member(outcome: &Outcome, name: &str) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(&outcome.response.body).ok()?;
    body.get(name)?.as_str().map(str::to_owned)
}

impl Watch for Watcher {
    fn before(&self, emulator: &Emulator, sent: &Sent) {
        let mut inner = self.lock();
        // A world in memory has no store that could fail.
        let _ = emulator.with_world(|world, _| {
            self.assume(&mut inner, world, sent);
            inner.touched = touched(world, sent);
        });
    }

    fn after(&self, emulator: &Emulator, sent: &Sent, outcome: &Outcome) {
        let mut inner = self.lock();
        let mut ids = std::mem::take(&mut inner.touched);
        let Some(record) = &outcome.record else { return };
        if let Some(code) = &record.code {
            let message = member(outcome, "Message").unwrap_or_default();
            let (at, action, code) = (sent.at, sent.action, code.clone());
            inner.refused.push(Refused { at, action, code, message });
            return;
        }
        if record.replayed {
            return;
        }
        match sent.action {
            Action::CreateForwardEntry => ids.extend(member(outcome, "ForwardEntryId")),
            Action::CreateSnatEntry => ids.extend(member(outcome, "SnatEntryId")),
            _ => {}
        }
        let _ = emulator.with_world(|world, now| {
            for id in &ids {
                inner.lives.note(world, id, now, sent.action);
            }
            let gateway = sent.parameters.get("NatGatewayId");
            if let (Action::UpdateNatGatewayNatType, Some(id)) = (sent.action, gateway) {
                inner.lives.converts(world, id, now, sent.action);
            }
        });
    }
}

/// Returns a network of a vSwitch whose own is not known: of those set aside for carriers, which no
/// VPC has by itself.
pub(super) fn unknown_network(number: u32) -> Ipv4Net {
    let base = u32::from(Ipv4Addr::new(100, 64, 0, 0));
    Ipv4Net::new(Ipv4Addr::from(base + (number % 16_384) * 256), 24).unwrap_or_default()
}
