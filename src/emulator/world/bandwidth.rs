//! NAT bandwidth packages and their conversion to shared bandwidths.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde_json::{Map, Value, json};

use crate::api::catalogue::{Action, Edition};
use crate::emulator::errors::{Refusal, Unlisted};
use crate::emulator::world::World;
use crate::emulator::world::call::{Call, invalid};
use crate::emulator::world::index::{Ordered, Owner};
use crate::emulator::world::model::{
    BandwidthPackage, Change, Eip, ForwardEntry, PublicIp, SharedBandwidth, SnatEntry,
};
use crate::emulator::world::network::{REGIONS, Region};

/// Addresses that can be removed at a time.
const MOST_REMOVED: usize = 20;

/// A package that can be made.
pub(crate) struct NewPackage {
    bandwidth: u32,
    ip_count: usize,
    zone: String,
    name: String,
    description: String,
    internet_charge_type: String,
}

impl World {
    /// Checks what a new package is to be like: bandwidth with its largest value, number of addresses,
    /// ISP with the code of its refusal, and zone.
    pub(crate) fn new_package(
        &self,
        call: &Call,
        (bandwidth, most): (Option<&str>, u32),
        ip_count: Option<&str>,
        (isp, isp_code): (Option<&str>, &str),
        zone: Option<&str>,
    ) -> Result<NewPackage, Refusal> {
        if !self.conditions.may_use_bandwidth_packages {
            return Err(Refusal::unlisted(Unlisted::PackagesNotAllowed));
        }
        let bandwidth = bandwidth_within(bandwidth.unwrap_or("5"), most)?;
        let ip_count = ip_count.unwrap_or("1").parse::<usize>().ok().filter(|n| *n >= 1);
        let ip_count = ip_count.ok_or_else(ip_count_refusal)?;
        if ip_count > self.conditions.quotas.ips_per_package {
            return Err(call.refuse("QuotaExceeded.BandwidthPackageIps"));
        }
        if isp.is_some_and(|isp| isp != "BGP") {
            return Err(call.refuse(isp_code));
        }
        let zone = self.zone_of_package(call, zone)?;
        self.check_addresses_left(call, &zone)?;
        Ok(NewPackage {
            bandwidth,
            ip_count,
            zone,
            name: String::new(),
            description: String::new(),
            internet_charge_type: "PayByTraffic".to_owned(),
        })
    }

    /// Returns the zone named, or the first of the region that has addresses.
    fn zone_of_package(&self, call: &Call, zone: Option<&str>) -> Result<String, Refusal> {
        let empty = &self.conditions.zones_without_addresses;
        match zone {
            None => {
                let mut zones = call.region.zone_ids();
                let first = zones.next().unwrap_or_default();
                let free = call.region.zone_ids().find(|z| !empty.contains(z));
                Ok(free.unwrap_or(first))
            }
            Some(zone) if call.region.has_zone(zone) => Ok(zone.to_owned()),
            Some(zone) => {
                let elsewhere = REGIONS.iter().any(|r: &Region| r.has_zone(zone));
                let nth = usize::from(elsewhere);
                Err(Refusal::listed_nth(call.action, "InvalidZoneId.NotFound", nth))
            }
        }
    }

    fn check_addresses_left(&self, call: &Call, zone: &str) -> Result<(), Refusal> {
        if self.conditions.zones_without_addresses.contains(zone) {
            let listed = match call.action {
                Action::AddBandwidthPackageIps => Action::CreateBandwidthPackage,
                action => action,
            };
            return Err(Refusal::listed(listed, "ZONE_NO_AVAILABLE_IP"));
        }
        Ok(())
    }

    /// Makes a package that was checked. Returns its id.
    pub(crate) fn make_package(&mut self, call: &Call, gateway: &str, new: NewPackage) -> String {
        let id = self.new_id("bwp");
        let sequence = self.next_sequence();
        let ips = self.new_ips(new.ip_count);
        let pending = self.package_pending(Change::Create);
        self.put(BandwidthPackage {
            id: id.clone(),
            sequence,
            region: call.region.id.to_owned(),
            gateway: gateway.to_owned(),
            name: new.name,
            description: new.description,
            bandwidth: new.bandwidth,
            isp: "BGP".to_owned(),
            internet_charge_type: new.internet_charge_type,
            zone: new.zone,
            ips,
            business_status: "Normal".to_owned(),
            created: call.now,
            pending,
        });
        id
    }

    fn new_ips(&mut self, count: usize) -> Vec<PublicIp> {
        let snat_entry_enabled = self.conditions.snat_entry_enabled;
        let mut ips = Vec::new();
        for _ in 0..count {
            let Some(address) = self.new_address() else { break };
            let allocation_id = self.new_id("nateip");
            ips.push(PublicIp { address, allocation_id, snat_entry_enabled });
        }
        ips
    }

    fn package_pending(&self, change: Change) -> Option<super::model::Pending<Change>> {
        match self.settings.timings.bandwidth_package_ms {
            // The reference calls these actions finished when they answer.
            Some(0) => None,
            ms => Some(self.pending(change, ms)),
        }
    }

    /// `CreateBandwidthPackage`.
    pub(crate) fn create_package(&mut self, call: &Call) -> Result<Value, Refusal> {
        let name = call.object_name("Name")?.unwrap_or("").to_owned();
        let description = call.description()?.unwrap_or("").to_owned();
        let charge = match call.text("InternetChargeType") {
            None => "PayByTraffic",
            Some(text @ ("PayByTraffic" | "PayByBandwidth")) => text,
            Some(_) => return Err(invalid("InternetChargeType")),
        };
        let new = self.new_package(
            call,
            (Some(call.required("Bandwidth")?), 1000),
            Some(call.required("IpCount")?),
            (call.text("ISP"), "InvalidParameter.BandwidthPackage.n.ISP.ValueNotSupport"),
            call.text("Zone"),
        )?;
        let gateway =
            self.gateway_named(call)?.cloned().ok_or_else(|| call.refuse("NATGW_NOT_EXIST"))?;
        if !self.vpcs.contains_key(&gateway.vpc) {
            return Err(call.refuse("InvalidVpcId.NotFound"));
        }
        self.check_gateway_free(&gateway)?;
        if self.packages_of(&gateway.id).count() >= self.conditions.quotas.packages_per_gateway {
            return Err(call.refuse("QuotaExceeded.BandwidthPackageCountOnNatGateway"));
        }
        let internet_charge_type = charge.to_owned();
        let new = NewPackage { name, description, internet_charge_type, ..new };
        let id = self.make_package(call, &gateway.id, new);
        Ok(json!({ "BandwidthPackageId": id }))
    }

    /// `DescribeBandwidthPackages`.
    pub(crate) fn describe_packages(&mut self, call: &Call) -> Result<Value, Refusal> {
        let one: Ordered;
        let keys = match (call.text("BandwidthPackageId"), call.text("NatGatewayId")) {
            (Some(id), _) => {
                let package = self.packages.get(id);
                one = package.map(|p| (p.sequence, p.id.clone())).into_iter().collect();
                Some(&one)
            }
            (None, Some(gateway)) => self.index.packages_by_gateway.get(gateway),
            (None, None) => self.index.packages_by_region.get(call.region.id),
        };
        let is = |name: &str, value: &str| call.text(name).is_none_or(|t| t == value);
        let passes = |p: &BandwidthPackage| {
            p.region == call.region.id
                && is("BandwidthPackageId", &p.id)
                && is("NatGatewayId", &p.gateway)
        };
        let names = ("BandwidthPackages", "BandwidthPackage");
        self.list(call, keys, names, passes, |p| self.package_row(call.edition, p))
    }

    fn package_row(&self, edition: Edition, p: &BandwidthPackage) -> Value {
        let ips: Vec<Value> = p
            .ips
            .iter()
            .map(|ip| {
                let mut row = json!({
                    "IpAddress": ip.address.to_string(),
                    "AllocationId": ip.allocation_id,
                    "UsingStatus": self.using_status(ip.address),
                });
                if let (Edition::V2019_07_19, Some(row)) = (edition, row.as_object_mut()) {
                    row.insert("ApAccessEnabled".to_owned(), json!(false));
                }
                row
            })
            .collect();
        let status = match p.pending.map(|p| p.change) {
            None => "Available",
            Some(Change::Create | Change::Modify) => "Pending",
            Some(Change::Delete) => "Deleting",
        };
        // Numbers of packages are strings on the wire, and `PublicIpAdresse` is spelt so.
        json!({
            "Description": p.description,
            "IpCount": p.ips.len().to_string(),
            "ISP": p.isp,
            "ZoneId": p.zone,
            "InternetChargeType": p.internet_charge_type,
            "NatGatewayId": p.gateway,
            "Name": p.name,
            "CreationTime": p.created.iso8601(),
            "Status": status,
            "BandwidthPackageId": p.id,
            "BusinessStatus": p.business_status,
            "RegionId": p.region,
            "InstanceChargeType": "PostPaid",
            "PublicIpAddresses": { "PublicIpAdresse": ips },
            "Bandwidth": p.bandwidth.to_string(),
        })
    }

    /// Returns the package that the call names, if it can be changed now.
    fn package_to_change(&self, call: &Call) -> Result<BandwidthPackage, Refusal> {
        let id = call.required("BandwidthPackageId")?;
        let package =
            self.packages.get(id).filter(|p| p.region == call.region.id).ok_or_else(|| {
                let listed = Action::ModifyBandwidthPackageAttribute;
                Refusal::listed(listed, "InvalidBandwidthPackageId.NotFound")
            })?;
        if let Some(gateway) = self.gateways.get(&package.gateway) {
            self.check_gateway_free(gateway)?;
        }
        if package.pending.is_some() {
            return Err(Refusal::unlisted(Unlisted::PackageBusy));
        }
        Ok(package.clone())
    }

    /// `ModifyBandwidthPackageAttribute`.
    pub(crate) fn modify_package_attribute(&mut self, call: &Call) -> Result<Value, Refusal> {
        let name = call.object_name("Name")?.map(str::to_owned);
        let description = call.description()?.map(str::to_owned);
        let mut package = self.package_to_change(call)?;
        package.name = name.unwrap_or(package.name);
        package.description = description.unwrap_or(package.description);
        self.put(package);
        Ok(Value::Object(Map::new()))
    }

    /// `ModifyBandwidthPackageSpec`.
    pub(crate) fn modify_package_spec(&mut self, call: &Call) -> Result<Value, Refusal> {
        let bandwidth = bandwidth_within(call.required("Bandwidth")?, 1000)?;
        let mut package = self.package_to_change(call)?;
        check_paid(call, &package)?;
        package.bandwidth = bandwidth;
        package.pending = self.package_pending(Change::Modify);
        self.put(package);
        Ok(Value::Object(Map::new()))
    }

    /// `AddBandwidthPackageIps`.
    pub(crate) fn add_package_ips(&mut self, call: &Call) -> Result<Value, Refusal> {
        let most = self.conditions.quotas.ips_per_package;
        let count = call.required("IpCount")?.parse::<usize>().ok();
        let count = count
            .filter(|n| (1..=most).contains(n))
            .ok_or_else(|| call.refuse("InvalidIpCount.ValueNotSupported"))?;
        let mut package = self.package_to_change(call)?;
        check_paid(call, &package)?;
        if count > most.saturating_sub(package.ips.len()) {
            return Err(call.refuse("QuotaExceeded.BandwidthPackageIps"));
        }
        self.check_addresses_left(call, &package.zone)?;
        let mut added = self.new_ips(count);
        package.ips.append(&mut added);
        package.pending = self.package_pending(Change::Modify);
        self.put(package);
        Ok(Value::Object(Map::new()))
    }

    /// `RemoveBandwidthPackageIps`.
    pub(crate) fn remove_package_ips(&mut self, call: &Call) -> Result<Value, Refusal> {
        let named = call.list("RemovedIpAddresses");
        if named.is_empty() {
            return Err(call.missing("RemovedIpAddresses.1"));
        }
        if named.len() > MOST_REMOVED {
            return Err(Refusal::unlisted(Unlisted::TooManyRemovedIps));
        }
        let mut package = self.package_to_change(call)?;
        check_paid(call, &package)?;
        let mut removed = BTreeSet::new();
        for text in named {
            let address = text.parse::<Ipv4Addr>().ok();
            match address.and_then(|a| self.index.owners.get(&a).map(|o| (a, o))) {
                Some((address, Owner::Package(id))) if *id == package.id => {
                    removed.insert(address);
                }
                Some((_, Owner::Package(_))) => {
                    return Err(call.refuse("invalidRemovedIpAddresses.NotFound"));
                }
                _ => return Err(call.refuse("InvalidRemovedIpAddresses.NotFound")),
            }
        }
        if removed.len() == package.ips.len() {
            return Err(call.refuse("InvalidIpCount.ValueNotSupported"));
        }
        self.check_unused(call, removed.iter())?;
        package.ips.retain(|ip| !removed.contains(&ip.address));
        package.pending = self.package_pending(Change::Modify);
        self.put(package);
        Ok(Value::Object(Map::new()))
    }

    fn check_unused<'a>(
        &self,
        call: &Call,
        mut addresses: impl Iterator<Item = &'a Ipv4Addr>,
    ) -> Result<(), Refusal> {
        let used = addresses.find_map(|a| self.index.uses.get(a));
        match used {
            None => Ok(()),
            Some(uses) if uses.forward.is_empty() => {
                Err(call.refuse("DependencyViolation.SnatEntry"))
            }
            Some(_) => Err(call.refuse("DependencyViolation.ForwardEntry")),
        }
    }

    /// `DeleteBandwidthPackage`. With `Force`, entries that use its addresses go with it.
    pub(crate) fn delete_package(&mut self, call: &Call) -> Result<Value, Refusal> {
        let force = call.flag("Force")?;
        let package = self.package_to_change(call)?;
        if force {
            self.remove_users(&package);
        } else {
            self.check_unused(call, package.ips.iter().map(|ip| &ip.address))?;
        }
        match self.package_pending(Change::Delete) {
            None => {
                self.remove::<BandwidthPackage>(&package.id);
            }
            pending => self.put(BandwidthPackage { pending, ..package }),
        }
        Ok(Value::Object(Map::new()))
    }

    fn remove_users(&mut self, package: &BandwidthPackage) {
        for ip in &package.ips {
            let Some(uses) = self.index.uses.get(&ip.address).cloned() else { continue };
            for id in &uses.forward {
                self.remove::<ForwardEntry>(id);
            }
            for id in &uses.snat {
                self.remove::<SnatEntry>(id);
            }
        }
    }

    /// `ConvertBandwidthPackage`.
    pub(crate) fn convert_package(&mut self, call: &Call) -> Result<Value, Refusal> {
        let package = self.package_to_change(call)?;
        self.remove::<BandwidthPackage>(&package.id);
        let id = self.new_id("cbwp");
        for ip in package.ips {
            let eip = Eip {
                id: self.new_id("eip"),
                sequence: self.next_sequence(),
                region: package.region.clone(),
                address: ip.address,
                gateway: Some(package.gateway.clone()),
                shared_bandwidth: Some(id.clone()),
                snat_entry_enabled: ip.snat_entry_enabled,
                settling: false,
            };
            self.put(eip);
        }
        self.put(SharedBandwidth {
            id: id.clone(),
            region: package.region,
            bandwidth: package.bandwidth,
            internet_charge_type: package.internet_charge_type,
            converted_from: package.id,
        });
        Ok(json!({ "ConvertInstanceId": id }))
    }
}

fn bandwidth_within(text: &str, most: u32) -> Result<u32, Refusal> {
    text.parse().ok().filter(|b| (5..=most).contains(b)).ok_or_else(|| {
        Refusal::listed(Action::ModifyBandwidthPackageSpec, "InvalidBandwidth.ValueNotSupported")
    })
}

fn ip_count_refusal() -> Refusal {
    Refusal::listed(Action::AddBandwidthPackageIps, "InvalidIpCount.ValueNotSupported")
}

fn check_paid(call: &Call, package: &BandwidthPackage) -> Result<(), Refusal> {
    if package.business_status == "FinancialLocked" {
        Err(call.refuse("BandwidthPackage.FinancialLocked"))
    } else {
        Ok(())
    }
}
