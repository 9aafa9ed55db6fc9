//! Conversion of a Normal gateway to an Enhanced one, step by step.

use serde_json::{Map, Value, json};

use crate::emulator::errors::{Refusal, Unlisted};
use crate::emulator::world::World;
use crate::emulator::world::call::Call;
use crate::emulator::world::model::{
    Conversion, ConversionStep, Gateway, GatewayChange, VSwitch, Vpc,
};
use crate::environment::Timestamp;

/// The steps that take time, in order.
const STEPS: [(ConversionStep, &str); 5] = [
    (ConversionStep::Init, "init"),
    (ConversionStep::Check, "check"),
    (ConversionStep::Configure, "configure"),
    (ConversionStep::Activate, "activate"),
    (ConversionStep::ConfDelete, "conf_delete"),
];

impl World {
    /// Refuses an Enhanced gateway in that place where it cannot be had.
    pub(crate) fn check_enhanced(&self, vpc: &Vpc, vswitch: &VSwitch) -> Result<(), Refusal> {
        use crate::api::catalogue::Action::UpdateNatGatewayNatType as Update;
        let conditions = &self.conditions;
        if !conditions.may_use_enhanced {
            return Err(Refusal::listed(Update, "OperationFailed.EnhancedUsersUnauthorized"));
        }
        if conditions.regions_without_enhanced.contains(&vpc.region) {
            return Err(Refusal::listed(Update, "OperationFailed.EnhancedRegion"));
        }
        if conditions.zones_without_enhanced_stock.contains(&vswitch.zone) {
            return Err(Refusal::listed(Update, "OperationFailed.EnhancedInventoryNotEnough"));
        }
        let here = self.index.gateways_by_vpc.get(&vpc.id);
        let enhanced = here
            .into_iter()
            .flatten()
            .filter_map(|id| self.gateways.get(id))
            .filter(|g| g.nat_type == "Enhanced" || g.pending.as_ref().is_some_and(converting))
            .count();
        if enhanced >= conditions.quotas.enhanced_gateways_per_vpc {
            return Err(Refusal::listed(Update, "OperationFailed.EnhancedQuotaExceeded"));
        }
        Ok(())
    }

    /// `UpdateNatGatewayNatType`.
    pub(crate) fn update_nat_type(&mut self, call: &Call) -> Result<Value, Refusal> {
        let dry_run = call.flag("DryRun")?;
        if call.required("NatType")? != "Enhanced" {
            return Err(call.refuse("OperationFailed.NatTypeNotEnhanced"));
        }
        let gateway =
            self.gateway_named(call)?.cloned().ok_or_else(|| call.refuse("NATGW_NOT_EXIST"))?;
        if !call.region.converts() || gateway.nat_type == "Enhanced" {
            return Err(call.refuse("OperationUnsupported.NatConvert"));
        }
        let vpc = self
            .vpcs
            .get(&gateway.vpc)
            .ok_or_else(|| call.refuse("OperationFailed.VpcNotExist"))?
            .clone();
        let vswitch = self.vswitch_for_conversion(call, &vpc)?;
        check_vpc(call, &vpc)?;
        self.check_settled(call, &gateway, &vpc)?;
        self.check_enhanced(&vpc, &vswitch)?;
        self.check_conversion_quotas(call, &gateway)?;
        let private_ip = self.free_private_address(&vswitch)?;
        if dry_run {
            return Err(Refusal::unlisted(Unlisted::DryRunOperation));
        }
        let pending =
            self.pending(GatewayChange::Convert, self.settings.timings.gateway_convert_ms);
        let conversion = Conversion {
            started: call.now,
            ends: pending.ready,
            fails_at: self.conditions.conversions_fail_at,
        };
        self.put(Gateway {
            vswitch: Some(vswitch.id),
            private_ip: Some(private_ip),
            pending: Some(pending),
            conversion: Some(conversion),
            ..gateway
        });
        Ok(Value::Object(Map::new()))
    }

    /// Returns the vSwitch named, or the first of the VPC when none is.
    fn vswitch_for_conversion(&self, call: &Call, vpc: &Vpc) -> Result<VSwitch, Refusal> {
        let found = match call.text("VSwitchId") {
            Some(id) => self.vswitches.get(id),
            None => self.vswitches.values().find(|v| v.vpc == vpc.id),
        };
        let vswitch = found.ok_or_else(|| call.refuse("OperationFailed.VswitchNotExist"))?;
        if vswitch.vpc == vpc.id {
            Ok(vswitch.clone())
        } else {
            Err(call.refuse("OperationFailed.VSwitchNotBelongToVpc"))
        }
    }

    /// Refuses a conversion while anything of the gateway is in a middle state.
    fn check_settled(&self, call: &Call, gateway: &Gateway, vpc: &Vpc) -> Result<(), Refusal> {
        self.check_gateway_free(gateway)?;
        if self.packages_of(&gateway.id).next().is_some() {
            return Err(call.refuse("OperationFailed.NatGwBindWithBandwidthPackage"));
        }
        if self.eips_of(&gateway.id).any(|e| e.settling) {
            return Err(call.refuse("OperationFailed.EipInMiddleStatus"));
        }
        let pending = |t: Option<&super::index::Table>| t.is_some_and(|t| !t.pending.is_empty());
        if pending(self.index.snat_tables.get(&gateway.snat_table)) {
            return Err(call.refuse("OperationFailed.SnatInMiddleStatus"));
        }
        if pending(self.index.forward_tables.get(&gateway.forward_table)) {
            return Err(call.refuse("OperationFailed.DnatInMiddleStatus"));
        }
        if vpc.routes.iter().any(|r| r.next_hop == gateway.id && r.settling) {
            return Err(call.refuse("OperationFailed.NatGwRouteInMiddleStatus"));
        }
        Ok(())
    }

    fn check_conversion_quotas(&self, call: &Call, gateway: &Gateway) -> Result<(), Refusal> {
        let quotas = &self.conditions.quotas;
        let entries = |t: Option<&super::index::Table>| t.map_or(0, |t| t.entries.len());
        if entries(self.index.snat_tables.get(&gateway.snat_table))
            > quotas.snat_entries_at_conversion
        {
            return Err(call.refuse("OperationFailed.SnatQuotaExceed"));
        }
        if entries(self.index.forward_tables.get(&gateway.forward_table))
            > quotas.forward_entries_at_conversion
        {
            return Err(call.refuse("OperationFailed.DnatQuotaExceed"));
        }
        let shared: std::collections::BTreeSet<&str> =
            self.eips_of(&gateway.id).filter_map(|e| e.shared_bandwidth.as_deref()).collect();
        if shared.len() > quotas.shared_bandwidths_at_conversion {
            return Err(call.refuse("InvalidBandwidthPackageIdNumber.NotSupported"));
        }
        Ok(())
    }

    /// Ends a conversion: the gateway is Enhanced now, or all is as before.
    pub(crate) fn finish_conversion(&mut self, gateway: &mut Gateway) {
        let Some(conversion) = &mut gateway.conversion else { return };
        conversion.ends = Some(conversion.ends.unwrap_or(self.time));
        if conversion.fails_at.is_some() {
            gateway.vswitch = None;
            gateway.private_ip = None;
        } else {
            "Enhanced".clone_into(&mut gateway.nat_type);
            self.conditions.service_linked_role_exists = true;
            self.touch_conditions();
        }
    }

    /// `GetNatGatewayConvertStatus`.
    pub(crate) fn convert_status(&mut self, call: &Call) -> Result<Value, Refusal> {
        let gateway = self.gateway_named(call)?.ok_or_else(|| {
            // Not listed for this action.
            Refusal::listed(
                crate::api::catalogue::Action::ModifyNatGatewaySpec,
                "InvalidNatGatewayId.NotFound",
            )
        })?;
        let steps: Vec<Value> = gateway
            .conversion
            .map(|c| steps(&c, call.now))
            .unwrap_or_default()
            .into_iter()
            .map(|(name, status, start)| {
                json!({
                    "StepName": name,
                    "StepStatus": status,
                    "StepStartTime": start.iso8601(),
                })
            })
            .collect();
        Ok(json!({
            "DstNatType": if steps.is_empty() { "" } else { "Enhanced" },
            "Bid": "12345",
            "ConvertSteps": steps,
            "NatGatewayId": gateway.id,
            "AliUid": "12345678",
        }))
    }
}

fn converting(pending: &super::model::Pending<GatewayChange>) -> bool {
    pending.change == GatewayChange::Convert
}

fn check_vpc(call: &Call, vpc: &Vpc) -> Result<(), Refusal> {
    if vpc.attached_to_cen {
        return Err(call.refuse("OperationUnsupported.VpcAttachedCen"));
    }
    if vpc.has_router_interface {
        return Err(call.refuse("OperationUnsupported.RouterInterfaceExist"));
    }
    if vpc.without_router {
        return Err(call.refuse("OperationFailed.VRouterNotExist"));
    }
    Ok(())
}

/// Returns name, status and start of each step that has begun by `now`. The five steps share the
/// time evenly; a conversion that fails goes from the failing step to the roll-back.
fn steps(conversion: &Conversion, now: Timestamp) -> Vec<(&'static str, &'static str, Timestamp)> {
    let Some(ends) = conversion.ends else {
        return vec![("init", "processing", conversion.started)];
    };
    let whole = ends.0.saturating_sub(conversion.started.0).max(0);
    let at = |fifths: i64| Timestamp(conversion.started.0.saturating_add(whole / 5 * fifths));
    let over = now >= ends;
    let mut shown = Vec::new();
    for (number, (step, name)) in (0i64..).zip(STEPS) {
        let (start, end) = (at(number), if number == 4 { ends } else { at(number + 1) });
        if now < start {
            return shown;
        }
        let fails = conversion.fails_at == Some(step);
        let status = match (over || now >= end, fails) {
            (false, _) => "processing",
            (true, true) => "failed",
            (true, false) => "successful",
        };
        shown.push((name, status, start));
        if fails {
            if now >= end {
                let status = if over { "successful" } else { "processing" };
                shown.push(("rollback", status, end));
            }
            if over {
                shown.push(("end_fail", "failed", ends));
            }
            return shown;
        }
    }
    if over {
        shown.push(("end_success", "successful", ends));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64, fails_at: Option<ConversionStep>) -> Vec<(&'static str, &'static str)> {
        let conversion =
            Conversion { started: Timestamp(0), ends: Some(Timestamp(5000)), fails_at };
        steps(&conversion, Timestamp(ms)).into_iter().map(|(n, s, _)| (n, s)).collect()
    }

    #[test]
    fn steps_follow_each_other() {
        assert_eq!(at(500, None), [("init", "processing")]);
        assert_eq!(at(1000, None), [("init", "successful"), ("check", "processing")]);
        assert_eq!(at(5000, None).len(), 6);
        assert_eq!(at(5000, None).last(), Some(&("end_success", "successful")));
    }

    #[test]
    fn a_failure_is_rolled_back() {
        let fails = Some(ConversionStep::Configure);
        assert_eq!(
            at(3500, fails),
            [
                ("init", "successful"),
                ("check", "successful"),
                ("configure", "failed"),
                ("rollback", "processing"),
            ]
        );
        assert_eq!(at(5000, fails).last(), Some(&("end_fail", "failed")));
    }
}
