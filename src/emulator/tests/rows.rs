//! Every row of errors that the reference lists is produced: by ordinary requests where the world
//! allows it, else by a setting of the world.

use std::collections::BTreeMap;

use super::probe::{Failed, Made, Probe, forward_parameters};
use crate::api::catalogue::{Action, Edition};
use crate::emulator::errors::rows;
use crate::emulator::faults::{Effect, FaultError, Matcher, Rule};
use crate::emulator::settings::{Settings, Timings};
use crate::emulator::world::model::{
    BandwidthPackage, Eip, NetworkStatus, Route, SnatEntry, VSwitch, Vpc,
};

const VPC: &str = "vpc-emulator";
const SWITCH: &str = "vsw-emulator-a";

type Parameters<'a> = Vec<(&'static str, &'a str)>;

/// Changes parameters: those given replace those of the same name.
pub(super) fn with<'a>(
    base: &[(&'static str, &'a str)],
    change: &[(&'static str, &'a str)],
) -> Parameters<'a> {
    let mut all: BTreeMap<&'static str, &'a str> = base.iter().copied().collect();
    all.extend(change.iter().copied());
    all.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}

pub(super) fn edit_vpc(probe: &mut Probe, id: &str, edit: impl FnOnce(&mut Vpc)) {
    let mut vpc = probe.world.vpcs[id].clone();
    edit(&mut vpc);
    probe.world.put(vpc);
}

pub(super) fn edit_vswitch(probe: &mut Probe, id: &str, edit: impl FnOnce(&mut VSwitch)) {
    let mut vswitch = probe.world.vswitches[id].clone();
    edit(&mut vswitch);
    probe.world.put(vswitch);
}

fn lock_package(probe: &mut Probe, made: &Made) {
    let package = probe.world.packages[&made.package].clone();
    probe.world.put(BandwidthPackage { business_status: "FinancialLocked".to_owned(), ..package });
}

pub(super) fn fails(probe: &mut Probe, action: Action, parameters: &[(&str, &str)]) -> Failed {
    match probe.call(action.name(), parameters) {
        Err(failed) => failed,
        Ok(body) => panic!("{action} {parameters:?} succeeded: {body}"),
    }
}

/// Brings about a row of the action. None when nobody knows how.
pub(super) fn produce(mut probe: Probe, action: Action, code: &str, nth: usize) -> Option<Failed> {
    if code == "InvalidRegionId.NotFound" {
        return Some(unknown_region(&mut probe, action));
    }
    match action {
        Action::CreateNatGateway => create_gateway(&mut probe, code, nth),
        Action::UpdateNatGatewayNatType => {
            probe.region = "cn-qingdao";
            convert_gateway(&mut probe, code)
        }
        Action::ModifyNatGatewayAttribute
        | Action::ModifyNatGatewaySpec
        | Action::DeleteNatGateway => change_gateway(&mut probe, action, code),
        Action::CreateForwardEntry => create_forward(&mut probe, code),
        Action::ModifyForwardEntry => modify_forward(&mut probe, code),
        Action::DescribeForwardTableEntries | Action::DeleteForwardEntry => {
            other_forward(&mut probe, action, code, nth)
        }
        Action::CreateSnatEntry => create_snat(&mut probe, code),
        Action::ModifySnatEntry | Action::DeleteSnatEntry | Action::DescribeSnatTableEntries => {
            other_snat(&mut probe, action, code, nth)
        }
        Action::CreateBandwidthPackage => create_package(&mut probe, code, nth),
        Action::ModifyBandwidthPackageAttribute
        | Action::ModifyBandwidthPackageSpec
        | Action::AddBandwidthPackageIps
        | Action::RemoveBandwidthPackageIps
        | Action::DeleteBandwidthPackage => change_package(&mut probe, action, code),
        Action::ConvertBandwidthPackage => Some(internal_error(&mut probe, action, code)),
        Action::ListEnhancedNatGatewayAvailableZones
        | Action::GetNatGatewayConvertStatus
        | Action::DescribeNatGateways
        | Action::DescribeBandwidthPackages => None,
    }
}

fn unknown_region(probe: &mut Probe, action: Action) -> Failed {
    let mut parameters: Vec<(&str, &str)> = action
        .parameters()
        .iter()
        .filter(|p| Edition::ALL.into_iter().any(|e| p.required_in(e)) && !p.name.contains(".N"))
        .map(|p| (p.name, "1"))
        .collect();
    parameters.retain(|(name, _)| *name != "RegionId");
    parameters.push(("RegionId", "cn-nowhere"));
    fails(probe, action, &parameters)
}

/// An error within the service: by a fault, since nothing a client does brings it about.
fn internal_error(probe: &mut Probe, action: Action, code: &str) -> Failed {
    assert_eq!(code, "InternalServerError");
    probe.world.faults.add(Rule {
        matcher: Matcher { action: Some(action.name().to_owned()), ..Matcher::default() },
        effect: Effect {
            error: Some(FaultError { code: Some(code.to_owned()), ..FaultError::default() }),
            ..Effect::default()
        },
        ..Rule::default()
    });
    fails(probe, action, &[("BandwidthPackageId", "bwp-1")])
}

fn create_gateway(probe: &mut Probe, code: &str, nth: usize) -> Option<Failed> {
    let enhanced = [("VpcId", VPC), ("NatType", "Enhanced"), ("VSwitchId", SWITCH)];
    let conditions = &mut probe.world.conditions;
    let change: Parameters<'_> = match (code, nth) {
        ("InvalidVPCStatus", _) => {
            edit_vpc(probe, VPC, |v| v.status = NetworkStatus::Incorrect);
            vec![]
        }
        ("VpcStatusError", _) => {
            edit_vpc(probe, VPC, |v| v.status = NetworkStatus::Pending);
            vec![]
        }
        ("InvalidNatGatewayName.Malformed", _) => vec![("Name", "http://name")],
        ("InvalidNatGatewayDescription.Malformed", _) => vec![("Description", "https://text")],
        ("InvalidParameter.Name.Malformed", _) => vec![("Name", "1")],
        ("InvalidParameter.Description.Malformed", _) => vec![("Description", "1")],
        ("MissingParameter.BandwidthPackage", _) => {
            vec![("BandwidthPackage.1.Bandwidth", "5"), ("BandwidthPackage.2.Bandwidth", "5")]
        }
        ("InvalidVpcId.NotFound", _) => vec![("VpcId", "vpc-1")],
        ("MissingParameter", _) => vec![("VpcId", "")],
        ("InvalidZoneId.NotFound", 0) => vec![("BandwidthPackage.1.Zone", "zone")],
        ("InvalidZoneId.NotFound", 1) => vec![("BandwidthPackage.1.Zone", "cn-beijing-a")],
        ("QuotaExceeded.BandwidthPackageIps", _) => vec![("BandwidthPackage.1.IpCount", "51")],
        ("ZONE_NO_AVAILABLE_IP", _) => {
            conditions.zones_without_addresses.insert("cn-hangzhou-b".to_owned());
            vec![("BandwidthPackage.1.Zone", "cn-hangzhou-b")]
        }
        ("InvalidParameter.BandwidthPackage.Isp.ValueNotSupport", _) => {
            vec![("BandwidthPackage.1.ISP", "CMCC")]
        }
        ("InvalidNatGatewayId.NotFound", _) => {
            conditions.created_gateways_get_lost = true;
            vec![]
        }
        ("VswitchStatusError", _) => {
            edit_vswitch(probe, SWITCH, |v| v.status = NetworkStatus::Pending);
            enhanced.to_vec()
        }
        ("InvalidParameter.Spec.ValueNotSupported", _) => vec![("Spec", "Huge")],
        ("Forbidden.CheckEntryRuleQuota", _) => {
            conditions.quotas.routes_per_vpc = 0;
            vec![]
        }
        ("NoPermission.CreateServiceLinkedRole", _) => {
            conditions.may_create_service_linked_role = false;
            enhanced.to_vec()
        }
        ("OperationFailed.VswitchNotBelongToVpc", _) => {
            with(&enhanced, &[("VSwitchId", "vsw-emulator-a-qingdao")])
        }
        _ => return None,
    };
    Some(fails(probe, Action::CreateNatGateway, &with(&[("VpcId", VPC)], &change)))
}

fn change_gateway(probe: &mut Probe, action: Action, code: &str) -> Option<Failed> {
    let made = probe.gateway();
    let id = ("NatGatewayId", made.id.as_str());
    let base = match action {
        Action::ModifyNatGatewayAttribute => vec![id, ("Name", "name")],
        Action::ModifyNatGatewaySpec => vec![id, ("Spec", "Large")],
        _ => vec![id],
    };
    let change: Parameters<'_> = match code {
        "InvalidNatGatewayId.NotFound" => vec![("NatGatewayId", "ngw-1")],
        "InvalidParameter.Name.Malformed" => vec![("Name", "a b")],
        "InvalidParameter.Description.Malformed" => vec![("Description", "http://text")],
        "NATGW_MODIFY_SPEC_SAME" => vec![("Spec", "Small")],
        "InvalidParameter.Spec.ValueNotSupported" => vec![("Spec", "Medium")],
        "DependencyViolation.BandwidthPackages" => vec![],
        _ => return None,
    };
    Some(fails(probe, action, &with(&base, &change)))
}

fn convert_gateway(probe: &mut Probe, code: &str) -> Option<Failed> {
    const VPC: &str = "vpc-emulator-qingdao";
    let made = probe.gateway();
    if code != "OperationFailed.NatGwBindWithBandwidthPackage" {
        probe.ok("ConvertBandwidthPackage", &[("BandwidthPackageId", &made.package)]);
    }
    let base = [
        ("NatGatewayId", made.id.as_str()),
        ("NatType", "Enhanced"),
        ("VSwitchId", "vsw-emulator-a-qingdao"),
    ];
    let conditions = &mut probe.world.conditions;
    let mut change: Parameters<'_> = Vec::new();
    match code {
        "OperationUnsupported.NatConvert" => {
            probe.region = "cn-hangzhou";
            let here = probe.gateway();
            let parameters = with(&base, &[("NatGatewayId", here.id.as_str())]);
            return Some(fails(probe, Action::UpdateNatGatewayNatType, &parameters));
        }
        "NATGW_NOT_EXIST" => change.push(("NatGatewayId", "ngw-1")),
        "OperationFailed.VpcNotExist" => {
            probe.world.remove::<Vpc>(VPC);
        }
        "OperationFailed.VswitchNotExist" => change.push(("VSwitchId", "vsw-1")),
        "OperationFailed.NatTypeNotEnhanced" => change.push(("NatType", "Normal")),
        "OperationFailed.NatGwBindWithBandwidthPackage" => {}
        "IncorrectStatus.NatGateway" => {
            probe.slow();
            probe.ok("ModifyNatGatewaySpec", &[base[0], ("Spec", "Large")]);
        }
        "OperationFailed.EipInMiddleStatus" => {
            let eip = probe.world.eips.values().next().unwrap().clone();
            probe.world.put(Eip { settling: true, ..eip });
        }
        "OperationFailed.SnatInMiddleStatus" => {
            probe.slow();
            probe.snat(&made, &made.ips[0], "vsw-emulator-a-qingdao").unwrap();
        }
        "OperationFailed.DnatInMiddleStatus" => {
            probe.slow();
            probe.forward(&made, "80", "80").unwrap();
        }
        "OperationFailed.NatGwRouteInMiddleStatus" => {
            edit_vpc(probe, VPC, |v| v.routes[0].settling = true);
        }
        "OperationFailed.EnhancedInventoryNotEnough" => {
            conditions.zones_without_enhanced_stock.insert("cn-qingdao-a".to_owned());
        }
        "OperationFailed.EnhancedUsersUnauthorized" => conditions.may_use_enhanced = false,
        "OperationFailed.EnhancedRegion" => {
            conditions.regions_without_enhanced.insert("cn-qingdao".to_owned());
        }
        "OperationFailed.EnhancedQuotaExceeded" => {
            conditions.quotas.enhanced_gateways_per_vpc = 1;
            let enhanced = [("VpcId", VPC), ("NatType", "Enhanced"), base[2]];
            probe.ok("CreateNatGateway", &enhanced);
        }
        "InvalidBandwidthPackageIdNumber.NotSupported" => {
            conditions.quotas.shared_bandwidths_at_conversion = 0;
        }
        "OperationFailed.VSwitchNotBelongToVpc" => change.push(("VSwitchId", "vsw-emulator-a")),
        "OperationUnsupported.VpcAttachedCen" => edit_vpc(probe, VPC, |v| v.attached_to_cen = true),
        "OperationUnsupported.RouterInterfaceExist" => {
            edit_vpc(probe, VPC, |v| v.has_router_interface = true);
        }
        "OperationFailed.VRouterNotExist" => edit_vpc(probe, VPC, |v| v.without_router = true),
        "OperationFailed.SnatQuotaExceed" => {
            conditions.quotas.snat_entries_at_conversion = 0;
            probe.snat(&made, &made.ips[0], "vsw-emulator-a-qingdao").unwrap();
        }
        "OperationFailed.DnatQuotaExceed" => {
            conditions.quotas.forward_entries_at_conversion = 0;
            probe.forward(&made, "80", "80").unwrap();
        }
        _ => return None,
    }
    Some(fails(probe, Action::UpdateNatGatewayNatType, &with(&base, &change)))
}

fn create_forward(probe: &mut Probe, code: &str) -> Option<Failed> {
    if code == "InternalServerError" {
        return Some(internal_error(probe, Action::CreateForwardEntry, code));
    }
    let made = probe.gateway();
    let base = forward_parameters(&made, "80", "80");
    let change: Parameters<'_> = match code {
        "InvalidExternalIp.Malformed" => vec![("ExternalIp", "1.2.3")],
        "InvalidInternalIp.Malformed" => vec![("InternalIp", "x")],
        "InvalidExternalPort.Malformed" => vec![("ExternalPort", "65536")],
        "InvalidInternalPort.Malformed" => vec![("InternalPort", "0")],
        "Forbidden.DestinationIpOutOfVpcCIDR" => vec![("InternalIp", "10.0.0.1")],
        "Forbidden.InternalIpOutOfVpcCIDR" => {
            let enhanced = [("VpcId", VPC), ("NatType", "Enhanced"), ("VSwitchId", SWITCH)];
            let gateway = probe.ok("CreateNatGateway", &enhanced);
            let table = gateway["ForwardTableIds"]["ForwardTableId"][0].as_str().unwrap();
            let change = [("ForwardTableId", table), ("InternalIp", "10.0.0.1")];
            return Some(fails(probe, Action::CreateForwardEntry, &with(&base, &change)));
        }
        "InvalidProtocol.ValueNotSupported" => vec![("IpProtocol", "ICMP")],
        "IncorretForwardEntryStatus" => {
            probe.slow();
            probe.forward(&made, "81", "81").unwrap();
            vec![]
        }
        "InvalidForwardTableId.NotFound" => vec![("ForwardTableId", "ftb-1")],
        "InvalidExternalIp.NotFound" => vec![("ExternalIp", "203.0.113.1")],
        "InvalidIp.NotInNatgw" => {
            probe.region = "cn-qingdao";
            let other = probe.gateway();
            probe.region = "cn-hangzhou";
            let change = [("ExternalIp", other.ips[0].as_str())];
            return Some(fails(probe, Action::CreateForwardEntry, &with(&base, &change)));
        }
        "Forbidden.ExternalIp.UsedInSnatTable" => {
            probe.snat(&made, &made.ips[0], SWITCH).unwrap();
            vec![]
        }
        "Forbindden" => {
            let address = "192.168.1.10".parse().unwrap();
            edit_vpc(probe, VPC, |v| _ = v.instances_with_eip.insert(address));
            vec![]
        }
        "Invalid.natgwNotExist" => {
            let lost = "ftb-lost".to_owned();
            probe.world.conditions.forward_tables_without_gateway.insert(lost);
            vec![("ForwardTableId", "ftb-lost")]
        }
        "MissingParameter" => vec![("IpProtocol", "")],
        "InvalidParameter.Name.Malformed" => vec![("ForwardEntryName", "x")],
        _ => return None,
    };
    Some(fails(probe, Action::CreateForwardEntry, &with(&base, &change)))
}

fn modify_forward(probe: &mut Probe, code: &str) -> Option<Failed> {
    let made = probe.gateway();
    let id = probe.forward(&made, "80", "80").unwrap();
    let base = [("ForwardTableId", made.forward_table.as_str()), ("ForwardEntryId", id.as_str())];
    let change: Parameters<'_> = match code {
        "InvalidExternalIp.Malformed" => vec![("ExternalIp", "1.2.3.256")],
        "InvalidInternalIp.Malformed" => vec![("InternalIp", "::1")],
        "InvalidExternalPort.Malformed" => vec![("ExternalPort", "any")],
        "InvalidInternalPort.Malformed" => vec![("InternalPort", "+80")],
        "Forbidden.DestinationIpOutOfVpcCIDR" => vec![("InternalIp", "10.0.0.1")],
        "InvalidProtocol.ValueNotSupported" => vec![("IpProtocol", "all")],
        "IncorretForwardEntryStatus" => {
            probe.slow();
            probe.forward(&made, "81", "81").unwrap();
            vec![]
        }
        "QuotaExceeded" => {
            probe.world.conditions.quotas.forward_entries_per_table = 0;
            vec![]
        }
        "InvalidForwardEntryId.NotFound" => vec![("ForwardEntryId", "fwd-1")],
        "InvalidExternalIp.NotFound" => vec![("ExternalIp", "203.0.113.1")],
        "InvalidForwardTableId.NotFound" => vec![("ForwardTableId", "ftb-1")],
        "Forbidden.ExternalIp.UsedInSnatTable" => {
            probe.snat(&made, &made.ips[1], SWITCH).unwrap();
            vec![("ExternalIp", made.ips[1].as_str())]
        }
        "Forbidden.Already.Bounded" => {
            let address = "192.168.1.11".parse().unwrap();
            edit_vpc(probe, VPC, |v| _ = v.instances_with_eip.insert(address));
            vec![("InternalIp", "192.168.1.11")]
        }
        _ => return None,
    };
    Some(fails(probe, Action::ModifyForwardEntry, &with(&base, &change)))
}

fn other_forward(probe: &mut Probe, action: Action, code: &str, nth: usize) -> Option<Failed> {
    let made = probe.gateway();
    let id = probe.forward(&made, "80", "80").unwrap();
    let base = [("ForwardTableId", made.forward_table.as_str()), ("ForwardEntryId", id.as_str())];
    let change: Parameters<'_> = match (code, nth) {
        ("IncorretForwardEntryStatus", 0) => {
            probe.world.conditions.lists_blocked_by_pending_entries = true;
            probe.slow();
            probe.forward(&made, "81", "81").unwrap();
            vec![]
        }
        ("IncorretForwardEntryStatus", 1) => {
            probe.world.conditions.missing_entries_as_status = true;
            vec![("ForwardEntryId", "fwd-1")]
        }
        ("InvalidForwardTableId.NotFound", _) => vec![("ForwardTableId", "ftb-1")],
        ("InvalidForwardEntryId.NotFound", _) => vec![("ForwardEntryId", "fwd-1")],
        ("MissingParameter", _) => vec![("ForwardEntryId", "")],
        _ => return None,
    };
    Some(fails(probe, action, &with(&base, &change)))
}

fn create_snat(probe: &mut Probe, code: &str) -> Option<Failed> {
    let made = probe.gateway();
    let base = [
        ("SnatTableId", made.snat_table.as_str()),
        ("SnatIp", made.ips[0].as_str()),
        ("SourceVSwitchId", SWITCH),
    ];
    let cidr = |text: &'static str| vec![("SourceVSwitchId", ""), ("SourceCIDR", text)];
    let change: Parameters<'_> = match code {
        "InvalidSnatTableId.NotFound" => vec![("SnatTableId", "stb-1")],
        "Forbidden.SourceVSwitchId.IncludeHaVip" => {
            edit_vswitch(probe, SWITCH, |v| v.has_ha_vip = true);
            vec![]
        }
        "InvalidSnatIp.Malformed" => vec![("SnatIp", "1.2.3.4,")],
        "SNAT_IP_POOL_COUNT_TOO_MANY" => {
            probe.world.conditions.quotas.snat_pool_ips = 0;
            vec![]
        }
        "Forbidden.SnatEntryCountLimited" => {
            probe.world.conditions.quotas.snat_entries_per_table = 0;
            vec![]
        }
        "NOT_ALLOW_USE_SOURCECIDR" => cidr("10.0.0.0/24"),
        "InvalidVSwitchId.NotFound" => vec![("SourceVSwitchId", "vsw-1")],
        "INVALID_PARAMETER" => vec![("SourceCIDR", "192.168.1.0/24")],
        "Forbidden.SourceVSwitchId.Duplicated" => {
            probe.snat(&made, &made.ips[0], SWITCH).unwrap();
            cidr("192.168.1.0/24")
        }
        "InvalidSnatIp.NotFound" => vec![("SnatIp", "203.0.113.1")],
        "Forbidden.IpUsedInForwardTable" => {
            probe.forward(&made, "80", "80").unwrap();
            vec![]
        }
        "Forbidden" => {
            let address = "192.168.1.7".parse().unwrap();
            edit_vpc(probe, VPC, |v| _ = v.instances_with_eip.insert(address));
            cidr("192.168.1.7/32")
        }
        "OperationUnsupported.CidrConflict" => {
            probe.snat(&made, &made.ips[0], SWITCH).unwrap();
            cidr("192.168.1.7/32")
        }
        "InvalidParameter.Name.Malformed" => vec![("SnatEntryName", "_x")],
        _ => return None,
    };
    Some(fails(probe, Action::CreateSnatEntry, &with(&base, &change)))
}

fn other_snat(probe: &mut Probe, action: Action, code: &str, nth: usize) -> Option<Failed> {
    let made = probe.gateway();
    let id = probe.snat(&made, &made.ips[0], SWITCH).unwrap();
    let mut base = vec![("SnatTableId", made.snat_table.as_str()), ("SnatEntryId", id.as_str())];
    if action == Action::ModifySnatEntry {
        // The older edition cannot do without.
        base.push(("SnatIp", made.ips[0].as_str()));
    }
    let change: Parameters<'_> = match (code, nth) {
        ("InvalidSnatTableId.NotFound", _) => vec![("SnatTableId", "stb-1")],
        ("InvalidSnatEntryId.NotFound", 0) => vec![("SnatEntryId", "snat-1")],
        ("InvalidSnatEntryId.NotFound", _) => {
            let enhanced = [("VpcId", VPC), ("NatType", "Enhanced"), ("VSwitchId", SWITCH)];
            let gateway = probe.ok("CreateNatGateway", &enhanced);
            let table = gateway["SnatTableIds"]["SnatTableId"][0].as_str().unwrap();
            return Some(fails(probe, action, &with(&base, &[("SnatTableId", table)])));
        }
        ("IncorretSnatEntryStatus", _) => {
            probe.slow();
            probe.snat(&made, &made.ips[0], "vsw-emulator-b").unwrap();
            vec![]
        }
        ("InvalidSnatIp.Malformed", _) => vec![("SnatIp", "x")],
        ("Forbidden.SourceVSwitchId.Duplicated", _) => {
            // Only a world that was put in by hand has two entries of one source.
            let twin = probe.world.snat_entries[&id].clone();
            probe.world.put(SnatEntry { id: "snat-twin".to_owned(), sequence: 1000, ..twin });
            vec![]
        }
        ("InvalidSnatIp.NotFound", _) => vec![("SnatIp", "203.0.113.1")],
        ("Forbidden.IpUsedInForwardTable", _) => {
            let mut parameters = forward_parameters(&made, "80", "80");
            parameters[1].1 = &made.ips[1];
            probe.ok("CreateForwardEntry", &parameters);
            vec![("SnatIp", made.ips[1].as_str())]
        }
        ("InvalidParameter.Name.Malformed", _) => vec![("SnatEntryName", "https://x")],
        _ => return None,
    };
    Some(fails(probe, action, &with(&base, &change)))
}

fn create_package(probe: &mut Probe, code: &str, nth: usize) -> Option<Failed> {
    let made = probe.gateway();
    let base = [("NatGatewayId", made.id.as_str()), ("Bandwidth", "5"), ("IpCount", "1")];
    let change: Parameters<'_> = match (code, nth) {
        ("InvalidVpcId.NotFound", _) => {
            probe.world.remove::<Vpc>(VPC);
            vec![]
        }
        ("MissingParameter", _) => vec![("IpCount", "")],
        ("InvalidZoneId.NotFound", 0) => vec![("Zone", "zone")],
        ("InvalidZoneId.NotFound", _) => vec![("Zone", "cn-beijing-a")],
        ("QuotaExceeded.BandwidthPackageIps", _) => vec![("IpCount", "51")],
        ("QuotaExceeded.BandwidthPackageCountOnNatGateway", _) => {
            for _ in 0..3 {
                probe.ok("CreateBandwidthPackage", &base);
            }
            vec![]
        }
        ("InvalidParameter.Name.Malformed", _) => vec![("Name", "a b")],
        ("InvalidParameter.Description.Malformed", _) => vec![("Description", "x")],
        ("InvalidParameter.BandwidthPackage.n.ISP.ValueNotSupport", _) => vec![("ISP", "CMCC")],
        ("ZONE_NO_AVAILABLE_IP", _) => {
            let zone = "cn-hangzhou-b".to_owned();
            probe.world.conditions.zones_without_addresses.insert(zone);
            vec![("Zone", "cn-hangzhou-b")]
        }
        ("NATGW_NOT_EXIST", _) => vec![("NatGatewayId", "ngw-1")],
        _ => return None,
    };
    Some(fails(probe, Action::CreateBandwidthPackage, &with(&base, &change)))
}

fn change_package(probe: &mut Probe, action: Action, code: &str) -> Option<Failed> {
    let made = probe.gateway();
    let id = ("BandwidthPackageId", made.package.as_str());
    let base = match action {
        Action::ModifyBandwidthPackageSpec => vec![id, ("Bandwidth", "10")],
        Action::AddBandwidthPackageIps => vec![id, ("IpCount", "1")],
        Action::RemoveBandwidthPackageIps => vec![id, ("RemovedIpAddresses.1", &made.ips[0])],
        _ => vec![id],
    };
    let change: Parameters<'_> = match (action, code) {
        (_, "InvalidBandwidthPackageId.NotFound") => vec![("BandwidthPackageId", "bwp-1")],
        (_, "InvalidParameter.Name.Malformed") => vec![("Name", "-")],
        (_, "InvalidParameter.Description.Malformed") => vec![("Description", "x")],
        (_, "InvalidBandwidth.ValueNotSupported") => vec![("Bandwidth", "4")],
        (_, "BandwidthPackage.FinancialLocked") => {
            lock_package(probe, &made);
            vec![]
        }
        (Action::AddBandwidthPackageIps, "InvalidIpCount.ValueNotSupported") => {
            vec![("IpCount", "0")]
        }
        (_, "QuotaExceeded.BandwidthPackageIps") => vec![("IpCount", "49")],
        (_, "invalidRemovedIpAddresses.NotFound") => {
            let more = [("NatGatewayId", made.id.as_str()), ("Bandwidth", "5"), ("IpCount", "1")];
            let other = probe.ok("CreateBandwidthPackage", &more);
            let other = other["BandwidthPackageId"].as_str().unwrap().to_owned();
            let ip = probe.ips(&other)[0].clone();
            let change = [("RemovedIpAddresses.1", ip.as_str())];
            return Some(fails(probe, action, &with(&base, &change)));
        }
        (_, "InvalidIpCount.ValueNotSupported") => {
            vec![("RemovedIpAddresses.2", made.ips[1].as_str())]
        }
        (_, "InvalidRemovedIpAddresses.NotFound") => {
            vec![("RemovedIpAddresses.1", "203.0.113.1")]
        }
        (_, "DependencyViolation.ForwardEntry") => {
            probe.forward(&made, "80", "80").unwrap();
            vec![]
        }
        (_, "DependencyViolation.SnatEntry") => {
            probe.snat(&made, &made.ips[0], SWITCH).unwrap();
            vec![]
        }
        _ => return None,
    };
    Some(fails(probe, action, &with(&base, &change)))
}

#[test]
fn every_listed_row_is_produced() {
    let mut seen = BTreeMap::new();
    let mut missing = Vec::new();
    for row in rows() {
        let count: &mut usize = seen.entry((row.action, row.code)).or_default();
        let nth = *count;
        *count += 1;
        match produce(Probe::instant(), row.action, row.code, nth) {
            None => missing.push(format!("{} {} {nth}: nobody knows how", row.action, row.code)),
            Some(failed) => {
                let wanted = Failed {
                    status: row.status,
                    code: row.code.to_owned(),
                    message: row.message.to_owned(),
                };
                if failed != wanted {
                    missing.push(format!("{}: {wanted:?}, but came {failed:?}", row.action));
                }
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn the_older_edition_answers_in_its_own_words() {
    let mut probe = Probe::new(Settings {
        timings: Timings::instant(),
        edition: Edition::V2019_07_19,
        ..Settings::default()
    });
    let json = ("Format", "JSON");
    let vpc = [("VpcId", VPC), json];
    let packages = [
        ("BandwidthPackage.1.Bandwidth", "5"),
        ("BandwidthPackage.1.IpCount", "2"),
        ("BandwidthPackage.2.Bandwidth", "10"),
    ];
    let code = |p: &mut Probe, action, parameters: &[(&str, &str)]| {
        let failed = fails(p, action, &[parameters, &[json]].concat());
        (failed.code, failed.message)
    };
    let isp = [&vpc[..], &[("BandwidthPackage.1.ISP", "X")]].concat();
    assert_eq!(
        code(&mut probe, Action::CreateNatGateway, &isp).0,
        "InvalidParameter.BandwidthPackage.n.ISP.ValueNotSupport"
    );
    let name = [&vpc[..], &[("Name", "http://x")]].concat();
    assert_eq!(
        code(&mut probe, Action::CreateNatGateway, &name).0,
        "InvalidParameter.Name.Malformed"
    );
    let made = probe.ok("CreateNatGateway", &[&vpc[..], &packages].concat());
    assert_eq!(made["BandwidthPackageIds"].as_array().unwrap().len(), 2);
    let table = made["forwardTableIds"][0].as_str().unwrap();
    let package = made["BandwidthPackageIds"][0].as_str().unwrap();
    let list = probe.ok("DescribeBandwidthPackages", &[("BandwidthPackageId", package), json]);
    let row = &list["BandwidthPackages"]["BandwidthPackage"][0];
    let ip = row["PublicIpAddresses"]["PublicIpAdresse"][0]["IpAddress"].as_str().unwrap();
    let entry = [
        ("ForwardTableId", table),
        ("ExternalIp", ip),
        ("ExternalPort", "80"),
        ("InternalIp", "192.168.1.1"),
        ("InternalPort", "80"),
        ("IpProtocol", "TCP"),
        json,
    ];
    let change = |name, value| with(&entry, &[(name, value)]);
    assert_eq!(
        code(&mut probe, Action::CreateForwardEntry, &change("InternalIp", "10.0.0.1")).0,
        "Forbidden.DestnationIpOutOfVpcCIDR"
    );
    assert_eq!(
        code(&mut probe, Action::CreateForwardEntry, &change("IpProtocol", "x")).0,
        "InvalidProtocal.ValueNotSupported"
    );
    probe.ok("CreateForwardEntry", &change("PortBreak", "true"));
    let rows = probe.ok("DescribeForwardTableEntries", &[("ForwardTableId", table), json]);
    let row = &rows["ForwardTableEntries"]["ForwardTableEntry"][0];
    assert_eq!(row["IpProtocol"], "tcp");
    assert!(row.get("ForwardEntryName").is_none());
    assert_eq!(
        code(&mut probe, Action::ConvertBandwidthPackage, &[("BandwidthPackageId", package)]).0,
        "InvalidAction.NotFound"
    );
    let gateways = probe.ok("DescribeNatGateways", &[json]);
    let row = &gateways["NatGateways"]["NatGateway"][0];
    assert_eq!(row["BandwidthPackageIds"]["BandwidthPackageId"].as_array().unwrap().len(), 2);
    assert!(row.get("NatType").is_none());
    // Without a format, the older edition speaks XML.
    let answer = probe.outcome("DescribeNatGateways", &[]).response;
    assert!(String::from_utf8(answer.body).unwrap().contains("<DescribeNatGatewaysResponse>"));
}

#[test]
fn a_second_default_route_is_refused_however_it_came() {
    let mut probe = Probe::instant();
    edit_vpc(&mut probe, VPC, |v| {
        v.routes.push(Route {
            destination: "0.0.0.0/0".parse().unwrap(),
            next_hop: "i-router".to_owned(),
            automatic: false,
            settling: false,
        });
    });
    assert_eq!(
        probe.refused("CreateNatGateway", &[("VpcId", VPC)]),
        "RouterEntryConflict.Duplicated"
    );
}
