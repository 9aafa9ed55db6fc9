//! The actions that the emulator speaks and the parameters that each takes, by edition.

use crate::api::catalogue::Action;
use crate::emulator::settings::Edition;

/// A parameter that an action takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    /// Name; `.n` stands for a number from 1.
    pub name: &'static str,
    /// Whether a request without it is refused.
    pub required: bool,
}

/// Parameters common to all actions.
pub const COMMON: [&str; 11] = [
    "Action",
    "Format",
    "Version",
    "AccessKeyId",
    "Signature",
    "SignatureMethod",
    "SignatureVersion",
    "SignatureNonce",
    "SignatureType",
    "Timestamp",
    "SecurityToken",
];

/// Every action, in the reference's order.
pub const ALL: [Action; 24] = [
    Action::CreateNatGateway,
    Action::ModifyNatGatewayAttribute,
    Action::ListEnhancedNatGatewayAvailableZones,
    Action::UpdateNatGatewayNatType,
    Action::GetNatGatewayConvertStatus,
    Action::ModifyNatGatewaySpec,
    Action::DescribeNatGateways,
    Action::DeleteNatGateway,
    Action::CreateForwardEntry,
    Action::ModifyForwardEntry,
    Action::DescribeForwardTableEntries,
    Action::DeleteForwardEntry,
    Action::CreateSnatEntry,
    Action::ModifySnatEntry,
    Action::DescribeSnatTableEntries,
    Action::DeleteSnatEntry,
    Action::CreateBandwidthPackage,
    Action::DescribeBandwidthPackages,
    Action::ModifyBandwidthPackageAttribute,
    Action::ModifyBandwidthPackageSpec,
    Action::AddBandwidthPackageIps,
    Action::RemoveBandwidthPackageIps,
    Action::DeleteBandwidthPackage,
    Action::ConvertBandwidthPackage,
];

/// Returns the action of that name.
pub fn parse(name: &str) -> Option<Action> {
    ALL.into_iter().find(|a| name_of(*a) == name)
}

/// Returns the action's name on the wire.
pub fn name_of(action: Action) -> &'static str {
    row(PARAMETERS_2020, action).map_or("", |(name, _)| name)
}

/// Returns whether the edition has the action.
pub fn exists(action: Action, edition: Edition) -> bool {
    edition == Edition::Of2020
        || !matches!(
            action,
            Action::ListEnhancedNatGatewayAvailableZones
                | Action::UpdateNatGatewayNatType
                | Action::GetNatGatewayConvertStatus
                | Action::ConvertBandwidthPackage
        )
}

/// Returns whether the action only reads.
pub fn is_query(action: Action) -> bool {
    matches!(
        action,
        Action::ListEnhancedNatGatewayAvailableZones
            | Action::GetNatGatewayConvertStatus
            | Action::DescribeNatGateways
            | Action::DescribeForwardTableEntries
            | Action::DescribeSnatTableEntries
            | Action::DescribeBandwidthPackages
    )
}

/// Returns the parameters that the action takes in the edition.
pub fn parameters(action: Action, edition: Edition) -> impl Iterator<Item = Parameter> {
    let old = match edition {
        Edition::Of2019 => row(PARAMETERS_2019, action),
        Edition::Of2020 => None,
    };
    let list = old.or_else(|| row(PARAMETERS_2020, action)).map_or("", |(_, list)| list);
    list.split(' ').map(|word| match word.strip_suffix('!') {
        Some(name) => Parameter { name, required: true },
        None => Parameter { name: word, required: false },
    })
}

fn row(
    table: &'static [(Action, &'static str, &'static str)],
    action: Action,
) -> Option<(&'static str, &'static str)> {
    table.iter().find(|(a, ..)| *a == action).map(|(_, name, list)| (*name, *list))
}

/// Action, its name, and its parameters; `!` marks those without which a request is refused.
const PARAMETERS_2020: &[(Action, &str, &str)] = &[
    (
        Action::CreateNatGateway,
        "CreateNatGateway",
        "RegionId! VpcId! Name Description ClientToken Spec InstanceChargeType PricingCycle Duration AutoPay VSwitchId NatType InternetChargeType BandwidthPackage.n.Bandwidth BandwidthPackage.n.ISP BandwidthPackage.n.IpCount BandwidthPackage.n.Zone",
    ),
    (
        Action::ModifyNatGatewayAttribute,
        "ModifyNatGatewayAttribute",
        "NatGatewayId! RegionId! Name Description",
    ),
    (
        Action::ListEnhancedNatGatewayAvailableZones,
        "ListEnhancedNatGatewayAvailableZones",
        "RegionId!",
    ),
    (
        Action::UpdateNatGatewayNatType,
        "UpdateNatGatewayNatType",
        "NatGatewayId! NatType! RegionId! VSwitchId DryRun ClientToken",
    ),
    (Action::GetNatGatewayConvertStatus, "GetNatGatewayConvertStatus", "NatGatewayId! RegionId!"),
    (
        Action::ModifyNatGatewaySpec,
        "ModifyNatGatewaySpec",
        "NatGatewayId! RegionId! Spec! ClientToken",
    ),
    (
        Action::DescribeNatGateways,
        "DescribeNatGateways",
        "RegionId! NatGatewayId VpcId Name InstanceChargeType Spec NatType ResourceGroupId PageNumber PageSize DryRun",
    ),
    (Action::DeleteNatGateway, "DeleteNatGateway", "NatGatewayId! RegionId! Force"),
    (
        Action::CreateForwardEntry,
        "CreateForwardEntry",
        "ExternalIp! ExternalPort! ForwardTableId! InternalIp! InternalPort! IpProtocol! RegionId! ForwardEntryName ClientToken PortBreak",
    ),
    (
        Action::ModifyForwardEntry,
        "ModifyForwardEntry",
        "ForwardEntryId! ForwardTableId! RegionId! ExternalIp ExternalPort InternalIp InternalPort IpProtocol",
    ),
    (
        Action::DescribeForwardTableEntries,
        "DescribeForwardTableEntries",
        "ForwardTableId! RegionId! ForwardEntryId ExternalIp ExternalPort InternalIp InternalPort IpProtocol ForwardEntryName PageNumber PageSize",
    ),
    (Action::DeleteForwardEntry, "DeleteForwardEntry", "ForwardEntryId! ForwardTableId! RegionId!"),
    (
        Action::CreateSnatEntry,
        "CreateSnatEntry",
        "RegionId! SnatIp! SnatTableId! SourceVSwitchId SourceCIDR SnatEntryName ClientToken",
    ),
    (
        Action::ModifySnatEntry,
        "ModifySnatEntry",
        "RegionId! SnatEntryId! SnatTableId! SnatIp SnatEntryName ClientToken",
    ),
    (
        Action::DescribeSnatTableEntries,
        "DescribeSnatTableEntries",
        "RegionId! SnatTableId! SnatEntryId SourceVSwitchId SourceCIDR SnatIp SnatEntryName PageNumber PageSize",
    ),
    (Action::DeleteSnatEntry, "DeleteSnatEntry", "RegionId! SnatEntryId! SnatTableId!"),
    (
        Action::CreateBandwidthPackage,
        "CreateBandwidthPackage",
        "Bandwidth! IpCount! NatGatewayId! RegionId! ClientToken Description ISP InternetChargeType Name Zone",
    ),
    (
        Action::DescribeBandwidthPackages,
        "DescribeBandwidthPackages",
        "RegionId! BandwidthPackageId NatGatewayId PageNumber PageSize",
    ),
    (
        Action::ModifyBandwidthPackageAttribute,
        "ModifyBandwidthPackageAttribute",
        "BandwidthPackageId! RegionId! Description Name",
    ),
    (
        Action::ModifyBandwidthPackageSpec,
        "ModifyBandwidthPackageSpec",
        "Bandwidth! BandwidthPackageId! RegionId!",
    ),
    (
        Action::AddBandwidthPackageIps,
        "AddBandwidthPackageIps",
        "RegionId! IpCount! BandwidthPackageId! ClientToken",
    ),
    (
        Action::RemoveBandwidthPackageIps,
        "RemoveBandwidthPackageIps",
        "BandwidthPackageId! RegionId! RemovedIpAddresses.n! ClientToken",
    ),
    (
        Action::DeleteBandwidthPackage,
        "DeleteBandwidthPackage",
        "BandwidthPackageId! RegionId! Force",
    ),
    (
        Action::ConvertBandwidthPackage,
        "ConvertBandwidthPackage",
        "BandwidthPackageId! RegionId! ClientToken",
    ),
];

/// Where the 2019-07-19 edition takes other parameters.
const PARAMETERS_2019: &[(Action, &str, &str)] = &[
    (
        Action::CreateNatGateway,
        "CreateNatGateway",
        "RegionId! VpcId! BandwidthPackage.n.Bandwidth BandwidthPackage.n.ISP BandwidthPackage.n.IpCount BandwidthPackage.n.Zone ClientToken Description Name Spec",
    ),
    (
        Action::DescribeNatGateways,
        "DescribeNatGateways",
        "RegionId! Name NatGatewayId PageNumber PageSize VpcId",
    ),
    (
        Action::CreateForwardEntry,
        "CreateForwardEntry",
        "ExternalIp! ExternalPort! ForwardTableId! InternalIp! InternalPort! IpProtocol! RegionId! ForwardEntryName",
    ),
    (
        Action::DescribeForwardTableEntries,
        "DescribeForwardTableEntries",
        "ForwardTableId! RegionId! ForwardEntryId PageNumber PageSize",
    ),
    (
        Action::CreateSnatEntry,
        "CreateSnatEntry",
        "RegionId! SnatIp! SnatTableId! SnatEntryName SourceCIDR SourceVSwitchId",
    ),
    (Action::ModifySnatEntry, "ModifySnatEntry", "RegionId! SnatEntryId! SnatIp! SnatTableId!"),
    (
        Action::DescribeSnatTableEntries,
        "DescribeSnatTableEntries",
        "RegionId! SnatTableId! PageNumber PageSize SnatEntryId",
    ),
];
