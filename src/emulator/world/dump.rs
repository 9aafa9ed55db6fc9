//! A world as a document: what `/_natform/world` shows and takes, and what a world starts with.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use crate::emulator::document::{self, Problem};
use crate::emulator::world::World;
use crate::emulator::world::conditions::Conditions;
use crate::emulator::world::index::{Index, Owner};
use crate::emulator::world::integrity;
use crate::emulator::world::lag::Lag;
use crate::emulator::world::model::{
    BandwidthPackage, Eip, ForwardEntry, Gateway, Kind, Meta, SharedBandwidth, SnatEntry, Token,
    VSwitch, Vpc,
};
use crate::emulator::world::objects::Object;
use crate::environment::Timestamp;

/// Version of the document.
pub const FORMAT_VERSION: u32 = 1;

/// The version alone, which is looked at before all else: a newer document has other fields.
#[derive(Deserialize)]
struct Versioned {
    format_version: Option<u32>,
}

/// A whole world. Every part may be left out.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Dump {
    /// Version of the document: 1.
    pub format_version: u32,
    /// Numbers of the world; left out, the world keeps its own.
    pub meta: Option<Meta>,
    /// Conditions.
    pub conditions: Conditions,
    /// VPCs.
    pub vpcs: Vec<Vpc>,
    /// vSwitches.
    pub vswitches: Vec<VSwitch>,
    /// Gateways.
    pub gateways: Vec<Gateway>,
    /// Bandwidth packages.
    pub bandwidth_packages: Vec<BandwidthPackage>,
    /// Shared bandwidths.
    pub shared_bandwidths: Vec<SharedBandwidth>,
    /// EIPs.
    pub eips: Vec<Eip>,
    /// DNAT entries.
    pub forward_entries: Vec<ForwardEntry>,
    /// SNAT entries.
    pub snat_entries: Vec<SnatEntry>,
    /// `ClientTokens`.
    pub tokens: Vec<Token>,
}

impl Dump {
    /// Reads a document and makes sure that it is a world which this program knows.
    ///
    /// # Errors
    /// All that is wrong, each with its path.
    pub fn read(bytes: &[u8]) -> Result<Self, Vec<Problem>> {
        // What cannot be read at all is said with its place by the second reading.
        let version = document::read::<Versioned>(bytes).ok().and_then(|v| v.format_version);
        let version = version.unwrap_or(FORMAT_VERSION);
        if version != FORMAT_VERSION {
            let why = if version > FORMAT_VERSION {
                format!(
                    "version {version} was written by a newer natform; this one knows version {FORMAT_VERSION}"
                )
            } else {
                format!(
                    "there is no version {version}; this natform knows version {FORMAT_VERSION}"
                )
            };
            return Err(vec![Problem::new("format_version", why)]);
        }
        let dump: Self = document::read(bytes).map_err(|problem| vec![problem])?;
        let problems = integrity::problems(&dump);
        if problems.is_empty() { Ok(dump) } else { Err(problems) }
    }

    /// The world to begin with: in cn-hangzhou and, with the suffix `-qingdao`, in cn-qingdao, a VPC
    /// `vpc-emulator` of 192.168.0.0/16 with two vSwitches, `vsw-emulator-a` and `vsw-emulator-b`.
    pub fn starting() -> Self {
        let mut dump = Self { format_version: FORMAT_VERSION, ..Self::default() };
        for (region, suffix) in [("cn-hangzhou", ""), ("cn-qingdao", "-qingdao")] {
            let vpc = format!("vpc-emulator{suffix}");
            for (zone, third) in [("a", 1), ("b", 2)] {
                dump.vswitches.push(VSwitch {
                    id: format!("vsw-emulator-{zone}{suffix}"),
                    vpc: vpc.clone(),
                    zone: format!("{region}-{zone}"),
                    cidr: range(Ipv4Addr::new(192, 168, third, 0), 24),
                    status: super::model::NetworkStatus::Available,
                    has_ha_vip: false,
                });
            }
            dump.vpcs.push(Vpc::new(&vpc, region, range(Ipv4Addr::new(192, 168, 0, 0), 16)));
        }
        dump
    }
}

fn range(network: Ipv4Addr, prefix: u8) -> Ipv4Net {
    Ipv4Net::new(network, prefix).unwrap_or_default()
}

impl World {
    /// Returns the whole world as a document.
    pub fn dump(&self) -> Dump {
        fn all<T: Object>(world: &World) -> Vec<T> {
            T::all(world).values().cloned().collect()
        }
        Dump {
            format_version: FORMAT_VERSION,
            meta: Some(self.meta.clone()),
            conditions: self.conditions.clone(),
            vpcs: all(self),
            vswitches: all(self),
            gateways: all(self),
            bandwidth_packages: all(self),
            shared_bandwidths: all(self),
            eips: all(self),
            forward_entries: all(self),
            snat_entries: all(self),
            tokens: all(self),
        }
    }

    /// Puts the document's world in place of this one.
    pub fn load(&mut self, dump: Dump) {
        fn replace<T: Object>(world: &mut World, new: Vec<T>) {
            for key in T::all(world).keys().cloned().collect::<Vec<_>>() {
                world.dirty.insert((T::KIND, key));
            }
            T::all_mut(world).clear();
            for object in new {
                world.put(object);
            }
        }
        self.index = Index::default();
        let highest = dump.highest_sequence();
        if let Some(meta) = dump.meta {
            self.meta = meta;
        }
        self.meta.counter = self.meta.counter.max(highest);
        self.conditions = dump.conditions;
        self.touch_meta();
        self.touch_conditions();
        replace(self, dump.vpcs);
        replace(self, dump.vswitches);
        replace(self, dump.gateways);
        replace(self, dump.bandwidth_packages);
        replace(self, dump.shared_bandwidths);
        replace(self, dump.eips);
        replace(self, dump.forward_entries);
        replace(self, dump.snat_entries);
        replace(self, dump.tokens);
        self.lag = Lag::default();
    }

    /// Puts EIPs into the world that entries can use: bound to `gateway`, with new addresses.
    /// The reference has no action that does this, but many accounts use EIPs alone.
    pub fn bind_eips(
        &mut self,
        gateway: &str,
        count: u32,
        shared_bandwidth: Option<&str>,
    ) -> Vec<Eip> {
        let Some(region) = self.gateways.get(gateway).map(|g| g.region.clone()) else {
            return Vec::new();
        };
        let mut made = Vec::new();
        for _ in 0..count {
            let Some(address) = self.new_address() else { break };
            let eip = Eip {
                id: self.new_id("eip"),
                sequence: self.next_sequence(),
                region: region.clone(),
                address,
                gateway: Some(gateway.to_owned()),
                shared_bandwidth: shared_bandwidth.map(str::to_owned),
                snat_entry_enabled: self.conditions.snat_entry_enabled,
                settling: false,
            };
            self.put(eip.clone());
            made.push(eip);
        }
        made
    }

    /// Takes an EIP out of the world. Refused while entries use it.
    pub fn release_eip(&mut self, id: &str) -> Result<(), String> {
        let Some(eip) = self.eips.get(id) else {
            return Err(format!("there is no EIP `{id}`"));
        };
        if self.index.uses.contains_key(&eip.address) {
            return Err(format!("`{id}` is used by entries"));
        }
        self.remove::<Eip>(id);
        Ok(())
    }

    /// Returns whether there is an object of that id.
    pub fn has_object(&self, id: &str) -> bool {
        self.gateways.contains_key(id)
            || self.packages.contains_key(id)
            || self.forward_entries.contains_key(id)
            || self.snat_entries.contains_key(id)
            || self.eips.contains_key(id)
    }

    /// Returns how many objects of each kind there are.
    pub fn counts(&self) -> Vec<(Kind, usize)> {
        vec![
            (Kind::Vpc, self.vpcs.len()),
            (Kind::VSwitch, self.vswitches.len()),
            (Kind::Gateway, self.gateways.len()),
            (Kind::BandwidthPackage, self.packages.len()),
            (Kind::SharedBandwidth, self.shared_bandwidths.len()),
            (Kind::Eip, self.eips.len()),
            (Kind::ForwardEntry, self.forward_entries.len()),
            (Kind::SnatEntry, self.snat_entries.len()),
            (Kind::Token, self.tokens.len()),
        ]
    }

    /// Returns the EIP or package that has an address.
    pub fn owner_of(&self, address: Ipv4Addr) -> Option<&Owner> {
        self.index.owners.get(&address)
    }
}

impl Dump {
    fn highest_sequence(&self) -> u64 {
        let gateways = self.gateways.iter().map(|o| o.sequence);
        let packages = self.bandwidth_packages.iter().map(|o| o.sequence);
        let eips = self.eips.iter().map(|o| o.sequence);
        let forward = self.forward_entries.iter().map(|o| o.sequence);
        let snat = self.snat_entries.iter().map(|o| o.sequence);
        gateways.chain(packages).chain(eips).chain(forward).chain(snat).max().unwrap_or(0)
    }
}

impl World {
    /// Makes the world what it was at the start, with another identity.
    pub fn reset(&mut self, now: Timestamp) {
        self.time = now;
        let fresh = Self::new(self.settings.clone(), now);
        let mut dump = fresh.dump();
        if let Some(meta) = &mut dump.meta {
            // Two resets in a millisecond make two worlds as well.
            meta.id = self.uuid(&[b"reset", &now.0.to_be_bytes()]);
        }
        self.load(dump);
    }
}
