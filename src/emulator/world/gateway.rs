//! Gateways: listing, changing and deleting them. Their creation is in `gateway_create`.

use serde_json::{Map, Value, json};

use crate::api::catalogue::Edition;
use crate::emulator::errors::{Refusal, Unlisted};
use crate::emulator::world::call::Call;
use crate::emulator::world::index::Ordered;
use crate::emulator::world::model::{
    BandwidthPackage, Change, Eip, ForwardEntry, Gateway, GatewayChange, SnatEntry,
};
use crate::emulator::world::{World, gateway_status};
use crate::environment::Timestamp;

/// Specifications as the newer edition spells them.
pub(crate) const SPECS: [&str; 4] = ["Small", "Middle", "Large", "XLarge.1"];

/// Returns the specification meant by `text`, whatever its case.
pub(crate) fn spec(call: &Call, text: &str) -> Result<&'static str, Refusal> {
    SPECS
        .into_iter()
        .find(|s| s.eq_ignore_ascii_case(text))
        .ok_or_else(|| call.refuse("InvalidParameter.Spec.ValueNotSupported"))
}

impl World {
    /// Returns the gateway that the call names in its region.
    pub(crate) fn gateway_named(&self, call: &Call) -> Result<Option<&Gateway>, Refusal> {
        let id = call.required("NatGatewayId")?;
        Ok(self.gateways.get(id).filter(|g| g.region == call.region.id))
    }

    fn gateway_or_not_found(&self, call: &Call) -> Result<Gateway, Refusal> {
        self.gateway_named(call)?
            .cloned()
            .ok_or_else(|| call.refuse("InvalidNatGatewayId.NotFound"))
    }

    /// `DescribeNatGateways`.
    pub(crate) fn describe_gateways(&mut self, call: &Call) -> Result<Value, Refusal> {
        call.page()?;
        if call.flag("DryRun")? {
            return Err(Refusal::unlisted(Unlisted::DryRunOperation));
        }
        let one: Ordered;
        let keys = match call.text("NatGatewayId") {
            Some(id) => {
                one =
                    self.gateways.get(id).map(|g| (g.sequence, g.id.clone())).into_iter().collect();
                Some(&one)
            }
            None => self.index.gateways_by_region.get(call.region.id),
        };
        let is = |name: &str, value: &str| call.text(name).is_none_or(|t| t == value);
        let passes = |g: &Gateway| {
            g.region == call.region.id
                && is("NatGatewayId", &g.id)
                && is("VpcId", &g.vpc)
                && is("Name", &g.name)
                && is("InstanceChargeType", &g.instance_charge_type)
                && call.text("Spec").is_none_or(|s| s.eq_ignore_ascii_case(&g.spec))
                && is("NatType", &g.nat_type)
                && is("ResourceGroupId", &g.resource_group)
        };
        self.list(call, keys, ("NatGateways", "NatGateway"), passes, |g| match call.edition {
            Edition::V2019_07_19 => self.gateway_of_2019(g),
            Edition::V2020_09_25 => self.gateway_of_2020(g),
        })
    }

    fn gateway_of_2020(&self, g: &Gateway) -> Value {
        let ips: Vec<Value> = self
            .eips_of(&g.id)
            .map(|e| {
                json!({
                    "IpAddress": e.address.to_string(),
                    "AllocationId": e.id,
                    "UsingStatus": self.using_status(e.address),
                    "SnatEntryEnabled": e.snat_entry_enabled,
                })
            })
            .collect();
        let vswitch = g.vswitch.as_deref().unwrap_or("");
        let zone = self.vswitches.get(vswitch).map_or("", |v| v.zone.as_str());
        let enhanced = g.nat_type == "Enhanced";
        json!({
            "Description": g.description,
            "Spec": g.spec,
            "IpLists": { "IpList": ips },
            "ForwardTableIds": { "ForwardTableId": [g.forward_table] },
            "VpcId": g.vpc,
            "NatGatewayId": g.id,
            "CreationTime": g.created.iso8601(),
            "Name": g.name,
            "Status": gateway_status(g),
            "BusinessStatus": g.business_status,
            "RegionId": g.region,
            "SnatTableIds": { "SnatTableId": [g.snat_table] },
            "InstanceChargeType": g.instance_charge_type,
            "NatType": g.nat_type,
            "InternetChargeType": g.internet_charge_type,
            "ExpiredTime": g.expires.map_or(String::new(), minute),
            "DeletionProtection": g.deletion_protection,
            "EcsMetricEnabled": g.ecs_metric_enabled,
            "ResourceGroupId": g.resource_group,
            "NatGatewayPrivateInfo": {
                "EniInstanceId": if enhanced { g.id.replacen("ngw-", "eni-", 1) } else { String::new() },
                "IzNo": zone,
                "MaxBandwidth": if enhanced { 5120 } else { 0 },
                "PrivateIpAddress": g.private_ip.map_or(String::new(), |ip| ip.to_string()),
                "VswitchId": vswitch,
            },
        })
    }

    fn gateway_of_2019(&self, g: &Gateway) -> Value {
        let status = match gateway_status(g) {
            "Available" => "Available",
            "Creating" => "Initiating",
            _ => "Pending",
        };
        let ips: Vec<Value> = self
            .eips_of(&g.id)
            .map(|e| {
                json!({
                    "IpAddress": e.address.to_string(),
                    "AllocationId": e.id,
                    "UsingStatus": self.using_status(e.address),
                })
            })
            .collect();
        let packages: Vec<&str> = self.packages_of(&g.id).map(|p| p.id.as_str()).collect();
        json!({
            "Description": g.description,
            "Spec": spec_of_2019(&g.spec),
            "IpLists": { "IpList": ips },
            "ForwardTableIds": { "ForwardTableId": [g.forward_table] },
            "VpcId": g.vpc,
            "NatGatewayId": g.id,
            "CreationTime": g.created.iso8601(),
            "BandwidthPackageIds": { "BandwidthPackageId": packages },
            "Name": g.name,
            "Status": status,
            "BusinessStatus": g.business_status,
            "RegionId": g.region,
            "SnatTableIds": { "SnatTableId": [g.snat_table] },
            "InstanceChargeType": g.instance_charge_type,
            "AutoPay": g.auto_pay,
            "ExpiredTime": g.expires.map_or(String::new(), minute),
        })
    }

    /// `ModifyNatGatewayAttribute`.
    pub(crate) fn modify_gateway_attribute(&mut self, call: &Call) -> Result<Value, Refusal> {
        let name = call.object_name("Name")?.map(str::to_owned);
        let description = call.description()?.map(str::to_owned);
        // The newer edition wants one of the two; the older one's own example has neither.
        if call.edition == Edition::V2020_09_25 && name.is_none() && description.is_none() {
            return Err(call.missing("Name"));
        }
        let mut gateway = self.gateway_or_not_found(call)?;
        self.check_gateway_free(&gateway)?;
        gateway.name = name.unwrap_or(gateway.name);
        gateway.description = description.unwrap_or(gateway.description);
        self.put(gateway);
        Ok(Value::Object(Map::new()))
    }

    /// `ModifyNatGatewaySpec`.
    pub(crate) fn modify_gateway_spec(&mut self, call: &Call) -> Result<Value, Refusal> {
        let wanted = spec(call, call.required("Spec")?)?;
        let mut gateway = self.gateway_or_not_found(call)?;
        self.check_gateway_free(&gateway)?;
        if gateway.spec == wanted {
            return Err(call.refuse("NATGW_MODIFY_SPEC_SAME"));
        }
        let change = GatewayChange::Spec(wanted.to_owned());
        gateway.pending = Some(self.pending(change, self.settings.timings.gateway_modify_ms));
        self.put(gateway);
        Ok(Value::Object(Map::new()))
    }

    /// `DeleteNatGateway`.
    pub(crate) fn delete_gateway(&mut self, call: &Call) -> Result<Value, Refusal> {
        let force = call.flag("Force")?;
        let mut gateway = self.gateway_or_not_found(call)?;
        self.check_gateway_free(&gateway)?;
        if gateway.deletion_protection {
            return Err(Refusal::unlisted(Unlisted::DeletionProtection));
        }
        if force {
            self.empty_gateway(&gateway);
        } else {
            self.check_gateway_empty(call, &gateway)?;
        }
        let ready = self.settings.timings.gateway_delete_ms;
        gateway.pending = Some(self.pending(GatewayChange::Delete, ready));
        self.put(gateway);
        Ok(Value::Object(Map::new()))
    }

    fn check_gateway_empty(&self, call: &Call, gateway: &Gateway) -> Result<(), Refusal> {
        let entries = |t: Option<&super::index::Table>| t.is_some_and(|t| !t.entries.is_empty());
        if self.packages_of(&gateway.id).next().is_some() {
            return Err(call.refuse("DependencyViolation.BandwidthPackages"));
        }
        if entries(self.index.snat_tables.get(&gateway.snat_table)) {
            return Err(Refusal::unlisted(Unlisted::SnatEntriesLeft));
        }
        if entries(self.index.forward_tables.get(&gateway.forward_table)) {
            return Err(Refusal::unlisted(Unlisted::ForwardEntriesLeft));
        }
        if self.eips_of(&gateway.id).next().is_some() {
            return Err(Refusal::unlisted(Unlisted::AddressesLeft));
        }
        Ok(())
    }

    /// Begins to delete all that belongs to a gateway. What is not gone before the gateway is goes
    /// with it.
    fn empty_gateway(&mut self, gateway: &Gateway) {
        let ids = |t: Option<&super::index::Table>| -> Vec<String> {
            t.into_iter().flat_map(|t| &t.entries).map(|(_, id)| id.clone()).collect()
        };
        let gone = self.pending(Change::Delete, self.settings.timings.gateway_delete_ms);
        for id in ids(self.index.forward_tables.get(&gateway.forward_table)) {
            if let Some(entry) = self.forward_entries.get(&id).cloned() {
                self.put(ForwardEntry { pending: Some(gone), ..entry });
            }
        }
        for id in ids(self.index.snat_tables.get(&gateway.snat_table)) {
            if let Some(entry) = self.snat_entries.get(&id).cloned() {
                self.put(SnatEntry { pending: Some(gone), ..entry });
            }
        }
        let packages: Vec<BandwidthPackage> = self.packages_of(&gateway.id).cloned().collect();
        for package in packages {
            self.put(BandwidthPackage { pending: Some(gone), ..package });
        }
        let eips: Vec<Eip> = self.eips_of(&gateway.id).cloned().collect();
        for eip in eips {
            self.put(Eip { gateway: None, ..eip });
        }
        self.remove_routes(&gateway.vpc, &gateway.id, true);
    }
}

/// Returns the older edition's spelling of a specification.
pub(crate) fn spec_of_2019(spec: &str) -> &str {
    if spec == "XLarge.1" { "Xlarge.1" } else { spec }
}

/// Writes a time to the minute: `YYYY-MM-DDThh:mmZ`.
fn minute(time: Timestamp) -> String {
    let mut text = time.iso8601();
    if text.len() == 20 {
        text.replace_range(16..19, "");
    }
    text
}
