//! `CreateNatGateway`.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::api::catalogue::Edition;
use crate::emulator::errors::{Refusal, Unlisted};
use crate::emulator::world::World;
use crate::emulator::world::bandwidth::NewPackage;
use crate::emulator::world::call::{Call, invalid, is_link};
use crate::emulator::world::gateway::spec;
use crate::emulator::world::model::{Gateway, GatewayChange, NetworkStatus, Route, VSwitch, Vpc};
use crate::emulator::world::network::everywhere;
use crate::environment::Timestamp;

/// How a gateway is paid for.
struct Payment {
    internet: &'static str,
    instance: &'static str,
    auto_pay: bool,
    expires: Option<Timestamp>,
}

impl World {
    /// `CreateNatGateway`.
    pub(crate) fn create_gateway(&mut self, call: &Call) -> Result<Value, Refusal> {
        let name = gateway_name(call)?;
        let description = gateway_description(call)?;
        let spec = spec(call, call.text("Spec").unwrap_or("Small"))?;
        let nat_type = nat_type(call)?;
        let payment = payment(call, nat_type)?;
        let packages = self.packages_with_gateway(call)?;
        let vpc = self.usable_vpc(call)?;
        self.check_vswitches_of_2019(call, &vpc)?;
        let vswitch = match nat_type {
            "Enhanced" => Some(self.place_of_enhanced(call, &vpc)?),
            _ => None,
        };
        if nat_type == "Normal" {
            self.check_default_route(call, &vpc)?;
        }
        if self.conditions.created_gateways_get_lost {
            return Err(call.refuse("InvalidNatGatewayId.NotFound"));
        }
        let private_ip = vswitch.as_ref().map(|v| self.free_private_address(v)).transpose()?;
        if nat_type == "Enhanced" && !self.conditions.service_linked_role_exists {
            self.conditions.service_linked_role_exists = true;
            self.touch_conditions();
        }
        let id = self.new_id("ngw");
        let gateway = Gateway {
            sequence: self.next_sequence(),
            region: call.region.id.to_owned(),
            vpc: vpc.id.clone(),
            vswitch: vswitch.map(|v| v.id),
            private_ip,
            name: name.map_or_else(|| id.clone(), str::to_owned),
            description: description.unwrap_or("").to_owned(),
            spec: spec.to_owned(),
            nat_type: nat_type.to_owned(),
            internet_charge_type: payment.internet.to_owned(),
            instance_charge_type: payment.instance.to_owned(),
            auto_pay: payment.auto_pay,
            expires: payment.expires,
            business_status: "Normal".to_owned(),
            created: call.now,
            forward_table: self.new_id("ftb"),
            snat_table: self.new_id("stb"),
            deletion_protection: false,
            ecs_metric_enabled: false,
            resource_group: "rg-emulator".to_owned(),
            pending: Some(
                self.pending(GatewayChange::Create, self.settings.timings.gateway_create_ms),
            ),
            conversion: None,
            id,
        };
        if nat_type == "Normal" {
            self.add_default_route(vpc, &gateway.id);
        }
        self.put(gateway.clone());
        let mut made = Vec::with_capacity(packages.len());
        for package in packages {
            made.push(self.make_package(call, &gateway.id, package));
        }
        Ok(created(call.edition, &gateway, &made))
    }

    /// Returns the VPC that the call names, if a gateway can be made in it.
    fn usable_vpc(&self, call: &Call) -> Result<Vpc, Refusal> {
        let id = call.required("VpcId")?;
        let vpc =
            self.vpc_in(id, call.region).ok_or_else(|| call.refuse("InvalidVpcId.NotFound"))?;
        match vpc.status {
            NetworkStatus::Available => Ok(vpc.clone()),
            NetworkStatus::Pending => Err(call.refuse("VpcStatusError")),
            NetworkStatus::Incorrect => Err(call.refuse("InvalidVPCStatus")),
        }
    }

    /// Returns the vSwitch for a new Enhanced gateway, if it can be made there.
    fn place_of_enhanced(&self, call: &Call, vpc: &Vpc) -> Result<VSwitch, Refusal> {
        use crate::api::catalogue::Action::UpdateNatGatewayNatType as Update;
        let id = call.required("VSwitchId")?;
        let vswitch = self
            .vswitches
            .get(id)
            .ok_or_else(|| Refusal::listed(Update, "OperationFailed.VswitchNotExist"))?;
        if vswitch.vpc != vpc.id {
            return Err(call.refuse("OperationFailed.VswitchNotBelongToVpc"));
        }
        if vswitch.status != NetworkStatus::Available {
            return Err(call.refuse("VswitchStatusError"));
        }
        let conditions = &self.conditions;
        if !conditions.service_linked_role_exists && !conditions.may_create_service_linked_role {
            return Err(call.refuse("NoPermission.CreateServiceLinkedRole"));
        }
        self.check_enhanced(vpc, vswitch)?;
        Ok(vswitch.clone())
    }

    fn check_default_route(&self, call: &Call, vpc: &Vpc) -> Result<(), Refusal> {
        if vpc.default_route().is_some() {
            return Err(Refusal::unlisted(Unlisted::DefaultRouteExists));
        }
        if vpc.routes.len() >= self.conditions.quotas.routes_per_vpc {
            return Err(call.refuse("Forbidden.CheckEntryRuleQuota"));
        }
        Ok(())
    }

    fn add_default_route(&mut self, mut vpc: Vpc, gateway: &str) {
        vpc.routes.push(Route {
            destination: everywhere(),
            next_hop: gateway.to_owned(),
            automatic: true,
            settling: false,
        });
        self.put(vpc);
    }

    /// Reads `BandwidthPackage.n.*`: up to four in the older edition, one in the newer, numbered from
    /// 1 without gaps.
    fn packages_with_gateway(&self, call: &Call) -> Result<Vec<NewPackage>, Refusal> {
        let most = match call.edition {
            Edition::V2019_07_19 => self.conditions.quotas.packages_per_gateway.min(4),
            Edition::V2020_09_25 => 1,
        };
        let numbers: BTreeSet<&str> = call
            .parameters
            .keys()
            .filter_map(|name| name.strip_prefix("BandwidthPackage.")?.split('.').next())
            .collect();
        if numbers.len() > most {
            return Err(call.refuse("MissingParameter.BandwidthPackage"));
        }
        let mut packages = Vec::with_capacity(numbers.len());
        for n in 1..=numbers.len() {
            if !numbers.contains(n.to_string().as_str()) {
                return Err(call.refuse("MissingParameter.BandwidthPackage"));
            }
            let text = |name: &str| call.text(&format!("BandwidthPackage.{n}.{name}"));
            packages.push(self.new_package(
                call,
                (text("Bandwidth"), 5000),
                text("IpCount"),
                (text("ISP"), "InvalidParameter.BandwidthPackage.Isp.ValueNotSupport"),
                text("Zone"),
            )?);
        }
        Ok(packages)
    }

    /// The older edition has no parameter for a vSwitch, and lists a refusal for one that is being
    /// created: any of the VPC's.
    fn check_vswitches_of_2019(&self, call: &Call, vpc: &Vpc) -> Result<(), Refusal> {
        let mut own = self.vswitches.values().filter(|v| v.vpc == vpc.id);
        if call.edition == Edition::V2019_07_19 && own.any(|v| v.status == NetworkStatus::Pending) {
            return Err(call.refuse("VswitchStatusError"));
        }
        Ok(())
    }
}

fn gateway_name(call: &Call) -> Result<Option<&str>, Refusal> {
    match call.text("Name") {
        Some(text) if is_link(text) => Err(call.refuse("InvalidNatGatewayName.Malformed")),
        _ => call.object_name("Name"),
    }
}

fn gateway_description(call: &Call) -> Result<Option<&str>, Refusal> {
    match call.text("Description") {
        Some(text) if is_link(text) => Err(call.refuse("InvalidNatGatewayDescription.Malformed")),
        _ => call.free_description(),
    }
}

fn nat_type(call: &Call) -> Result<&'static str, Refusal> {
    match (call.edition, call.text("NatType")) {
        (Edition::V2019_07_19, _) | (_, Some("Normal")) => Ok("Normal"),
        (_, Some("Enhanced")) => Ok("Enhanced"),
        (_, None) => Ok(call.region.default_nat_type()),
        (_, Some(_)) => Err(invalid("NatType")),
    }
}

fn payment(call: &Call, nat_type: &str) -> Result<Payment, Refusal> {
    let internet = match call.text("InternetChargeType") {
        None | Some("PayBySpec") => "PayBySpec",
        Some("PayByLcu") if nat_type == "Enhanced" && call.region.sells_by_usage() => "PayByLcu",
        Some(_) => return Err(invalid("InternetChargeType")),
    };
    let instance = match call.text("InstanceChargeType") {
        None | Some("PostPaid") => "PostPaid",
        Some("PrePaid") => "PrePaid",
        Some(_) => return Err(invalid("InstanceChargeType")),
    };
    if instance == "PostPaid" {
        return Ok(Payment { internet, instance, auto_pay: false, expires: None });
    }
    let (most, months) = match call.text("PricingCycle") {
        None | Some("Month") => (9, 1),
        Some("Year") => (3, 12),
        Some(_) => return Err(invalid("PricingCycle")),
    };
    let duration: i64 = call
        .required("Duration")?
        .parse()
        .ok()
        .filter(|n| (1..=most).contains(n))
        .ok_or_else(|| invalid("Duration"))?;
    call.required("AutoPay")?;
    let auto_pay = call.flag("AutoPay")?;
    let end = jiff::Timestamp::from_millisecond(call.now.0).ok().and_then(|now| {
        let span = jiff::Span::new().months(duration * months);
        now.to_zoned(jiff::tz::TimeZone::UTC).checked_add(span).ok()
    });
    let expires = end.map(|end| Timestamp(end.timestamp().as_millisecond()));
    Ok(Payment { internet, instance, auto_pay, expires })
}

/// Writes the answer. The older edition's JSON sample has other names and flat lists.
fn created(edition: Edition, gateway: &Gateway, packages: &[String]) -> Value {
    let mut body = Map::new();
    match edition {
        Edition::V2020_09_25 => {
            body.insert("SnatTableIds".into(), json!({ "SnatTableId": [gateway.snat_table] }));
            body.insert(
                "ForwardTableIds".into(),
                json!({ "ForwardTableId": [gateway.forward_table] }),
            );
            body.insert("NatGatewayId".into(), json!(gateway.id));
            if !packages.is_empty() {
                body.insert(
                    "BandwidthPackageIds".into(),
                    json!({ "BandwidthPackageId": packages }),
                );
            }
        }
        Edition::V2019_07_19 => {
            body.insert("BandwidthPackageIds".into(), json!(packages));
            body.insert("snatTableIds".into(), json!([gateway.snat_table]));
            body.insert("natGatewayId".into(), json!(gateway.id));
            body.insert("forwardTableIds".into(), json!([gateway.forward_table]));
        }
    }
    Value::Object(body)
}
